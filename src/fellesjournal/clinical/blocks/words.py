"""What can be blocked and for whom, as a person chooses it: `kind:which` in a form, a line of text on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fellesjournal.kit.ids import decode, encode
from fellesjournal.record.blocks import Block, Choice, Scope, UnknownBlock, Wish
from fellesjournal.web import _
from fellesjournal.web.i18n import translated

SERVICES: Final = {
    "gp": _("fastlegekontorene"),
    "legevakt": _("legevakten"),
    "home_care": _("hjemmetjenesten"),
    "nursing_home": _("sykehjemmene"),
    "child_health": _("helsestasjonen og skolehelsetjenesten"),
    "allocation": _("tildelingskontoret"),
}
"""By kind of unit; another kind is shown by its own name."""
EVERYTHING: Final = "alt"
EVERYBODY: Final = "alle"
_LANGUAGES: Final = ("nb", "nn", "en")

Options = list[tuple[str, str]]


@dataclass(frozen=True)
class Menu:
    """The values and texts of the two lists of the form, in the reader's language."""

    what: Options
    whom: Options


def menu(choices: Sequence[Choice], language: str, *, whom_first: str = EVERYBODY) -> Menu:
    """What can be blocked, and for whom. `whom_first` is the one that the reader came to block."""
    texts = {
        "category": _("Alt om: %(name)s"),
        "service": _("Alt som er skrevet av %(name)s"),
        "unit": _("Alt som er skrevet ved %(name)s"),
    }
    what = [(EVERYTHING, translated(language, _("Hele journalen")))]
    for kind in ("category", "service", "unit"):
        what += [
            (f"{kind}:{_which(one)}", translated(language, texts[kind], name=_name(one, language)))
            for one in choices
            if one.kind == kind
        ]
    whom = [(EVERYBODY, translated(language, _("Alle som jobber i helsetjenesten")))]
    for kind in ("service", "unit", "person"):
        whom += [
            (f"{kind}:{_which(one)}", ", ".join(filter(None, (_capital(_name(one, language)), one.unit))))
            for one in choices
            if one.kind == kind
        ]
    return Menu(what, sorted(whom, key=lambda one: one[0] != whom_first))


def wish_of(what: str, whom: str) -> Wish:
    """The block that a form asks for. Raises UnknownBlock for values that no list has.

    A document is `document:` with its id; the other values are those of `menu`.
    """
    scope, which = _scope(what)
    unit, person, service = _against(whom)
    row = decode(which) if scope == "document" else None
    if scope == "document" and row is None:
        raise UnknownBlock
    return Wish(
        scope,
        row=row,
        origin=_unit(which) if scope == "origin" else None,
        code=which if scope in ("category", "service") else None,
        unit=unit,
        person=person,
        service=service,
    )


def what_of(block: Block, language: str) -> str:
    """What a block closes, in the language, as in «sperret: …»."""
    match block.scope:
        case "all":
            return translated(language, _("Hele journalen"))
        case "document":
            return translated(language, _("Én opplysning, og det som hører til den"))
        case "category":
            name = dict(zip(_LANGUAGES, block.code_names, strict=True)).get(language) or block.code_names[0]
            return translated(language, _("Alt om: %(name)s"), name=name)
        case "service":
            return translated(language, _("Alt som er skrevet av %(name)s"), name=_service(block.code, language))
    return translated(language, _("Alt som er skrevet ved %(name)s"), name=block.origin)


def whom_of(block: Block, language: str) -> str:
    """For whom, in the language."""
    if block.service:
        return _capital(_service(block.service, language))
    return block.unit or block.person or translated(language, _("Alle som jobber i helsetjenesten"))


def _scope(what: str) -> tuple[Scope, str]:
    kind, _colon, which = what.partition(":")
    match kind:
        case "alt" if not which:
            return "all", ""
        case "unit":
            return "origin", which
        case "document" | "category" | "service":
            return kind, which
    raise UnknownBlock


def _against(whom: str) -> tuple[int | None, int | None, str | None]:
    """(unit, person, service), one of them or none."""
    kind, _colon, which = whom.partition(":")
    match kind:
        case "alle" if not which:
            return None, None, None
        case "unit":
            return _unit(which), None, None
        case "person" if which.isascii() and which.isdigit() and len(which) < 19:
            return None, int(which), None
        case "service" if which:
            return None, None, which
    raise UnknownBlock


def _unit(which: str) -> int:
    found = decode(which)
    if found is None:
        raise UnknownBlock
    return found[1]


def _which(one: Choice) -> str:
    if one.kind == "unit":
        return encode(0, one.number or 0)
    return str(one.number) if one.kind == "person" else one.code


def _name(one: Choice, language: str) -> str:
    if one.kind == "service":
        return _service(one.code, language)
    return dict(zip(_LANGUAGES, one.names, strict=True)).get(language) or one.names[0]


def _service(code: str, language: str) -> str:
    return translated(language, SERVICES.get(code, code))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
