"""Put a note together from phrases and facts, in the author's own way of writing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from fellesjournal.demo.model import Staff
from fellesjournal.demo.prose.library import Script, script
from fellesjournal.demo.prose.nynorsk import to_nynorsk
from fellesjournal.demo.prose.template import Facts, Template

_SPACES = re.compile(r"[ ]{2,}")
_BEFORE = re.compile(r"\s+([.,;:])")
_DOUBLE = re.compile(r"([.,;:])(?:\s*[.,;])+")
_ONE = re.compile(r"(?<![\d,–-])(1 (?:uke|time))r\b")
_HANGING = re.compile(r"[,;:]\s*(?=$|\n)")
_EMPTY = re.compile(r"(^|(?<=[.!?]\s))[.,;:]\s*")
_SENTENCE = re.compile(r"(^|(?<!\d)[.!?]\s+)([a-zæøå])(?=[a-zæøå]{2,}[ ,.])")
# Abbreviations after which a small letter is right.
_ABBREVIATIONS = (
    "pas us ktr evt ca obs kl tlf abd palp bilat pga mtp maks hhv lat med resp "
    "ekspir henv tilv dr gl proc bl.pr rtg spes nevrol inkl ekst u.a f.eks dorsalfl konj mnd stk "
    "min uspes subj irreg rgm tidl tv vit metatars ab neg pos symm st bakt vansk gr d inf ev kol leuk"
)
_ABBREVIATED = re.compile(
    r"\b(?:" + "|".join(re.escape(word) for word in _ABBREVIATIONS.split()) + r")\.\s+$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Brief:
    """What a note is about: the book and topic of its phrases, and what is true of this contact."""

    book: str
    topic: str
    facts: Facts
    mood: str = "steady"
    """`first`, `steady` or `worse`: which judgement and plan fit."""
    extras: tuple[str, ...] = ()
    """Topics of the common book whose additions may be woven in."""
    second: tuple[str, str] | None = None
    """Book and topic of another matter in the same consultation."""
    more: tuple[str, ...] = field(default=())
    """Finished sentences that must be there, last in the plan."""


def write_note(rng: Random, author: Staff, brief: Brief) -> str:
    """The text of one note; paragraphs are parted by a line break."""
    parts = _parts(rng, brief)
    text = _tidy(_LAYOUTS[_layout(rng, author, brief.book)](parts))
    return to_nynorsk(text) if author.nynorsk else text


def _parts(rng: Random, brief: Brief) -> dict[str, str]:
    found = script(brief.book, brief.topic)
    if found is None:
        raise KeyError(f"{brief.book}/{brief.topic}")
    worse = brief.mood == "worse"
    story = _pick(rng, found, ("F", "S") if brief.mood == "first" else ("W", "S") if worse else ("S",), brief.facts)
    parts = {
        "S": _sentence(story, *_additions(rng, found, brief)),
        "O": _pick(rng, found, ("O",), brief.facts),
        "V": _pick(rng, found, ("X", "V") if worse else ("V",), brief.facts),
        "P": _sentence(_pick(rng, found, ("Y", "P") if worse else ("P",), brief.facts), *brief.more),
    }
    if brief.second:
        _weave(rng, parts, brief)
    return parts


def _weave(rng: Random, parts: dict[str, str], brief: Brief) -> None:
    """Another matter in the same visit: its story, judgement and plan after the first."""
    other = script(*brief.second) if brief.second else None
    if other:
        facts = {name: text for name, text in brief.facts.items() if name not in ("v", "labs", "drug")}
        for section in "SVP":
            parts[section] = _sentence(parts[section], _pick(rng, other, (section,), facts))


def _additions(rng: Random, found: Script, brief: Brief) -> list[str]:
    """Up to three, from the topic's own and from each of the extras at most one."""
    pools = [found.get("s", ()), *((script("common", extra) or {}).get("s", ()) for extra in brief.extras)]
    chosen: list[str] = []
    for pool in pools:
        possible = [template for template in pool if template.is_possible(brief.facts)]
        if possible and rng.random() < 0.4:
            chosen.append(possible[int(rng.random() * len(possible))].render(rng, brief.facts))
    return chosen[:3]


def _pick(rng: Random, found: Script, sections: tuple[str, ...], facts: Facts) -> str:
    for section in sections:
        possible: list[Template] = [one for one in found.get(section, ()) if one.is_possible(facts)]
        if possible:
            return possible[int(rng.random() * len(possible))].render(rng, facts)
    return ""


def _sentence(*parts: str) -> str:
    return " ".join(part.strip() for part in parts if part.strip())


def _layout(rng: Random, author: Staff, book: str) -> int:
    """Each author has a habit, and leaves it one time in five."""
    habit = sum(author.key.encode()) % 5
    if book in ("home", "ward"):
        habit = (0, 2, 0, 2, 0)[habit]
    return habit if rng.random() < 0.8 else int(rng.random() * len(_LAYOUTS))


def _flowing(parts: dict[str, str]) -> str:
    return _sentence(*(_stop(parts[key]) for key in "SOVP"))


def _labelled(parts: dict[str, str]) -> str:
    names = {"S": "Akt.: ", "O": "US: ", "V": "Vurd.: ", "P": "Tiltak: "}
    return "\n".join(names[key] + text for key in "SOVP" if (text := _stop(parts[key])))


def _paragraphs(parts: dict[str, str]) -> str:
    blocks = (_stop(parts["S"]), _stop(parts["O"]), _sentence(_stop(parts["V"]), _stop(parts["P"])))
    return "\n".join(block for block in blocks if block)


def _headed(parts: dict[str, str]) -> str:
    last = _sentence(_stop(parts["V"]), _stop(parts["P"]))
    rows = (("Aktuelt", _stop(parts["S"])), ("Undersøkelse", _stop(parts["O"])), ("Vurdering og plan", last))
    return "\n".join(f"{name}: {text}" for name, text in rows if text)


def _judgement_first(parts: dict[str, str]) -> str:
    lines = (_stop(parts["V"]), _sentence(_stop(parts["S"]), _stop(parts["O"])), _stop(parts["P"]))
    return "\n".join(line for line in lines if line)


_LAYOUTS = (_flowing, _labelled, _paragraphs, _headed, _judgement_first)


def _stop(text: str) -> str:
    text = text.strip().rstrip(",;: ")
    if not any(char.isalnum() for char in text):
        return ""
    return text if not text or text[-1] in ".!?" else f"{text}."


def _tidy(text: str) -> str:
    text = _ONE.sub(r"\1", _SPACES.sub(" ", text))
    text = _BEFORE.sub(r"\1", text)
    text = _DOUBLE.sub(_firmest, text)
    text = _EMPTY.sub("", text)
    text = _HANGING.sub(". ", text)
    text = _SPACES.sub(" ", text).replace(". .", ".")
    return "\n".join(_SENTENCE.sub(_capital, line.strip()) for line in text.split("\n") if line.strip(" .:"))


def _firmest(match: re.Match[str]) -> str:
    return "." if "." in match.group() else match.group(1)


def _capital(match: re.Match[str]) -> str:
    start = match.string[max(0, match.start() - 12) : match.start(2)]
    return match.group() if _ABBREVIATED.search(start) else match.group(1) + match.group(2).upper()
