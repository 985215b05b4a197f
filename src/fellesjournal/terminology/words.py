"""What a few typed letters mean: words that all begin something, in any order, and how well a text answers them.

The same rules rank concepts in memory (`found`) and in the database (`terminology.search` in concepts.sql).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fellesjournal.fhir import fold

MAX_WORDS: Final = 10
MAX_LENGTH: Final = 200

EXACT, CODE, START, WORDS = range(4)
"""How it was found, best first: the code itself, its beginning, the beginning of a text, words in any order."""

_letters = re.compile(r"[^\W_]+").findall


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, three ways: as the beginning of a code, of a text, and of words."""

    code: str
    start: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text that can be found: folded, and the words it is found by."""

    text: str
    words: tuple[str, ...]


def typed(text: str) -> Typed | None:
    """Understand a filter; None when no letter or digit is in it."""
    found = split(text[:MAX_LENGTH])[:MAX_WORDS]
    return Typed("".join(found), " ".join(found), tuple(dict.fromkeys(found))) if found else None


def split(text: str) -> list[str]:
    """The folded words of a text; what is neither letter nor digit stands between them."""
    return [str(word) for word in _letters(fold(text))]


def code_key(code: str) -> str:
    """A code as it is typed: folded, without dots and the like."""
    return "".join(split(code))


def spoken(text: str, *, key: str) -> Spoken:
    """A text of a concept; it is found by the concept's code too, so that both may be typed together."""
    found = split(text)
    return Spoken(" ".join(found), (*dict.fromkeys([*found, key]),) if key else (*dict.fromkeys(found),))


def found(asked: Typed, *, key: str, texts: Iterable[Spoken]) -> tuple[int, int] | None:
    """How a concept answers: (how, length of the text), lower is better; None when it does not."""
    if key and key.startswith(asked.code):
        return (EXACT if key == asked.code else CODE, 0)
    ranks = [rank for text in texts if (rank := _rank(asked, text))]
    return min(ranks) if ranks else None


def _rank(asked: Typed, text: Spoken) -> tuple[int, int] | None:
    if text.text.startswith(asked.start):
        return START, len(text.text)
    if all(any(own.startswith(word) for own in text.words) for word in asked.words):
        return WORDS, len(text.text)
    return None
