"""Bokmål, nynorsk and English. The texts in the code are bokmål, so only the other two have catalogues:
one file for each room, `locale/<language>/<room>.po`, kept up to date by `tools/i18n.py`.

`_("…")` in Python marks a text and gives it back unchanged; it is translated where it is shown: by
`{{ _(text) }}` in a template, or by `translate`. Whoever shows a text chooses the language.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

DEFAULT = "nb"
LANGUAGES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}
COOKIE = "sprak"
LOCALES = Path(__file__).parent / "locale"
# What browsers send for the languages; a Dane or a Swede reads bokmål more easily than English.
ACCEPTED = {"nb": "nb", "no": "nb", "nn": "nn", "en": "en", "da": "nb", "sv": "nb"}

Messages = dict[str, tuple[str, ...]]


def _(text: str) -> str:
    """Mark a bokmål text for translation where it is shown."""
    return text


def language_of(connection: HTTPConnection) -> str:
    """The language that the visitor chose, or else that of `speak`, or else the browser's, or else bokmål."""
    chosen = connection.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    spoken = getattr(connection.state, "language", None)
    return spoken or _preferred(connection.headers.get("accept-language", ""))


def speak(connection: HTTPConnection, language: str) -> None:
    """Answer this request in a language that the visitor did not choose, but is known to read."""
    connection.state.language = language


def translate(connection: HTTPConnection, text: str, **values: object) -> str:
    """The text in the visitor's language, with `%(name)s` filled in when values are given."""
    return translated(language_of(connection), text, **values)


def translated(language: str, text: str, **values: object) -> str:
    """The text in a named language; the bokmål text itself when there is no translation."""
    found = catalogue(language).get(text)
    shown = found[0] if found and found[0] else text
    return shown % values if values else shown


def counted(language: str, one: str, many: str, n: int) -> str:
    """The singular or the plural for `n`, with `%(n)s` filled in."""
    forms = catalogue(language).get(one) or (one, many)
    return forms[0 if n == 1 else -1] % {"n": n}


@cache
def catalogue(language: str) -> Messages:
    """Every translation of one language, read once from its `.po` files. Empty for bokmål."""
    merged: Messages = {}
    for path in sorted((LOCALES / language).glob("*.po")):
        merged |= _messages(path, language)
    return merged


def _messages(path: Path, language: str) -> Messages:
    with path.open("rb") as file:
        found = read_po(file, locale=language, charset="utf-8")
    return {_singular(m.id): _forms(m.string) for m in found if m.id and m.string and not m.fuzzy}


def _singular(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]


def _forms(string: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


@cache
def _preferred(accept_language: str) -> str:
    ranked = sorted(_weighted(accept_language[:200]), key=lambda pair: -pair[0])
    return next((ACCEPTED[tag] for _weight, tag in ranked if tag in ACCEPTED), DEFAULT)


def _weighted(header: str) -> list[tuple[float, str]]:
    pairs = []
    for item in header.split(","):
        tag, _sep, weight = item.strip().partition(";q=")
        pairs.append((_number(weight), tag.split("-")[0].lower()))
    return pairs


def _number(weight: str) -> float:
    try:
        return float(weight) if weight else 1.0
    except ValueError:
        return 0.0
