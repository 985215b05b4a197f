"""`_text` and `_content`: words that are asked for, and the regular expressions that find them in a body.

Nothing is stored for them (docs/adr/0014-text-search.md): bodies of a chart, or of what another condition has found,
are read. Letters are folded on the side of the question: `e` also finds `é`, and `æ`, `ø`, `å` find themselves alone.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from fellesjournal.fhir.keys import fold
from fellesjournal.record.search.error import refusal

MAX_TERMS: Final = 20
MAX_LENGTH: Final = 400
READ_BY_WORDS: Final = ("_text", "_content")

# Letters and digits: everything else stands between words. The same ranges for Python and for PostgreSQL.
_LETTERS: Final = (
    "0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0300-\u1fff\u2c00-\u2dff\u3040-\ud7ff"
    "\uf900-\ufaff\U00010000-\U0003ffff"
)
_words = re.compile(f"[{_LETTERS}]+").findall
_token = re.compile(r'\s*(?:(?P<comma>,)|(?P<minus>-(?=["\w]))?(?:"(?P<quoted>[^"]*)"|(?P<bare>[^\s,"]+)))')
_RING: Final = "\u030a"
_MARKS: Final = "[\u0300-\u036f]*"
_MARKS_BUT_RING: Final = "[\u0300-\u0309\u030b-\u036f]*"
_FOLDED: Final = (range(0x80, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000), range(0x212A, 0x212C))

ENTITY: Final = "&(?:#|[A-Za-z]+(?:ring|slash|lig|acute|grave|circ|uml|tilde|cedil|th|eth|horn);)"
"""What may stand for a letter in a narrative: then a body says nothing before it is decoded."""


@dataclass(frozen=True)
class Term:
    """Folded words, one after the other; several are a phrase. `is_start`: the last one goes on."""

    words: tuple[str, ...]
    is_start: bool = False
    is_negated: bool = False


@dataclass(frozen=True)
class WordsValue:
    """Any of the alternatives: all of its terms."""

    alternatives: tuple[tuple[Term, ...], ...]


def parse_words(name: str, text: str) -> WordsValue:
    """`penicillin utslett`, `"akutt otitt"`, `feber OR hoste`, `feber,hoste`, `-vaksine`, `NOT vaksine`, `pneumo*`.

    Words that stand side by side must all be there; OR and a comma are weaker. Raises SearchError.
    """
    if len(text) > MAX_LENGTH:
        raise refusal(name, f"at most {MAX_LENGTH} characters", code="too-costly")
    if text.count('"') % 2:
        raise refusal(name, "a phrase that does not end")
    alternatives: list[list[Term]] = [[]]
    negate = False
    for match in _token.finditer(text.replace("\\,", " ").replace("\\", " ")):
        bare = match["bare"]
        if match["comma"] or bare == "OR":
            alternatives.append([])
        elif bare == "NOT":
            negate = True
        elif bare != "AND":
            alternatives[-1] += _terms(match, negate=negate)
            negate = False
    if negate or not all(alternatives):
        raise refusal(name, "a word is missing")
    if sum(map(len, alternatives)) > MAX_TERMS:
        raise refusal(name, f"at most {MAX_TERMS} words", code="too-costly")
    return WordsValue(tuple(map(tuple, alternatives)))


def _terms(match: re.Match[str], *, negate: bool) -> list[Term]:
    text = match["bare"] if match["quoted"] is None else match["quoted"]
    found = tuple(_words(fold(text)))
    is_start = match["quoted"] is None and text.endswith("*")
    return [Term(found, is_start, negate or bool(match["minus"]))] if found else []


def contained(term: Term) -> list[str]:
    """Expressions that a body must all match if the term is in it, whatever stands around the words."""
    return [_spelled(word) for word in term.words]


def spoken(term: Term) -> str:
    """The expression that a readable text matches exactly if the term is in it. No phrase goes over a quotation mark:
    that is the end of a string.
    """
    between = f'[^"{_LETTERS}]+'
    end = "" if term.is_start else f"(?:$|[^{_LETTERS}])"
    return f"(?:^|[^{_LETTERS}]){between.join(_spelled(word) for word in term.words)}{end}"


def _spelled(word: str) -> str:
    pieces, at = [], 0
    while at < len(word):
        together = word[at : at + 2]
        if together in _ligatures():
            one_by_one = "".join(map(_letter, together))
            pieces.append(f"(?:{one_by_one}|[{_ligatures()[together]}])")
            at += 2
        else:
            pieces.append(_letter(word[at]))
            at += 1
    return "".join(pieces)


@cache
def _letter(letter: str) -> str:
    """Every way to write a folded letter: with a precomposed accent, or with one after it."""
    upper = letter.upper()
    spelled = f"[{letter}{upper if len(upper) == 1 else ''}{_spellings().get(letter, '')}]"
    if letter == "å":
        return f"(?:{spelled}|[aA]{_RING}){_MARKS}"
    return spelled + (_MARKS_BUT_RING if letter == "a" else _MARKS if letter.isalpha() else "")


@cache
def _spellings() -> dict[str, str]:
    return {folded: found for folded, found in _foldings().items() if len(folded) == 1}


@cache
def _ligatures() -> dict[str, str]:
    return {folded: found for folded, found in _foldings().items() if len(folded) == 2}


@cache
def _foldings() -> dict[str, str]:
    found: dict[str, str] = {}
    for char in map(chr, (point for points in _FOLDED for point in points)):
        folded = fold(char)
        if folded and folded != char and folded.isalnum():
            found[folded] = found.get(folded, "") + char
    return found
