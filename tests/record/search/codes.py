"""The terminology of the tests' world, and the same by hand: what the modifiers `:in` and the like must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fellesjournal.fhir.keys import split_token
from fellesjournal.terminology import Token, every_code, relatives, tokens_of
from tests.terminology.making import SETS, Shelf, of, value_set

LOINC, ICPC, STATUS = "http://loinc.org", "urn:oid:2.16.578.1.12.4.1.1.7170", "http://hl7.org/fhir/observation-status"
BELOW: dict[str, dict[str, tuple[str, ...]]] = {
    LOINC: {"vital": ("8480-6", "8462-4"), "measured": ("vital", "29463-7")},
    ICPC: {"heart": ("K86",), "all": ("heart", "T90")},
    STATUS: {"done": ("final", "amended")},
}
"""Code system → code → those right below it."""
ALONE = {LOINC: ("718-7",), ICPC: (), STATUS: ("registered",)}
MEMBERS: dict[str, Any] = {
    "pressure": lambda system, code: system == LOINC and code in ("vital", "8480-6", "8462-4"),
    "few": lambda system, code: (system, code) in ((LOINC, "718-7"), (ICPC, "K86"), ("http://other", "8480-6")),
    "whole": lambda system, code: system == LOINC,
    "nothing": lambda system, code: False,
    "all-but": lambda system, code: system == LOINC and code != "8480-6",
    "imports": lambda system, code: MEMBERS["pressure"](system, code) or MEMBERS["few"](system, code),
    "statuses": lambda system, code: system == STATUS and code in ("done", "final", "amended"),
    "any-status": lambda system, code: system == STATUS,
}
"""The value sets of the world, by name, as conditions on a system and a code."""


def _system(url: str) -> dict[str, Any]:
    tops = [*(code for code in BELOW[url] if not any(code in kids for kids in BELOW[url].values())), *ALONE[url]]
    return {
        "resourceType": "CodeSystem", "url": url, "status": "active", "content": "complete", "caseSensitive": True,
        "concept": [_concept(url, code) for code in tops],
    }  # fmt: skip


def _concept(url: str, code: str) -> dict[str, Any]:
    kids = BELOW[url].get(code, ())
    return {"code": code, **({"concept": [_concept(url, kid) for kid in kids]} if kids else {})}


SHELF = Shelf(
    *map(_system, BELOW),
    value_set("pressure", of(LOINC, filter=("concept", "is-a", "vital"))),
    value_set("few", of(LOINC, "718-7"), of(ICPC, "K86"), of("http://other", "8480-6")),
    value_set("whole", of(LOINC)),
    value_set("nothing", of(LOINC, "718-7"), exclude=[of(LOINC, "718-7")]),
    value_set("all-but", of(LOINC), exclude=[of(LOINC, "8480-6")]),
    value_set("imports", {"valueSet": [f"{SETS}pressure"]}, {"valueSet": [f"{SETS}few"]}),
    value_set("statuses", of(STATUS, filter=("concept", "is-a", "done"))),
    value_set("any-status", of(STATUS)),
)


class Sets:
    """The world's terminology, as a reader has it."""

    async def tokens_in(self, canonical: str, *, at_most: int) -> Sequence[Token]:
        return await tokens_of(await SHELF.resolved(canonical), at_most=at_most)

    async def every_code(self, url: str, *, at_most: int) -> Sequence[str]:
        return await every_code(SHELF, url, at_most=at_most)

    async def relatives(self, url: str, code: str, *, is_above: bool, at_most: int) -> Sequence[str]:
        return await relatives(SHELF, url, code, is_above=is_above, at_most=at_most)


def fulfils(value: Any, modifier: str, text: str, *, implied: str) -> bool:
    """Whether one of a value's codes is what a modifier asks for; a plain code is of the implied system."""
    codings = value.get("coding", [value]) if isinstance(value, dict) else [{"system": implied, "code": value}]
    return any(_fits(one.get("system", ""), one.get("code", ""), modifier, text) for one in codings)


def _fits(system: str, code: str, modifier: str, text: str) -> bool:
    if modifier in ("in", "not-in"):
        return bool(MEMBERS[text.removeprefix(SETS)](system, code))
    wanted_system, _, wanted = split_token(text)
    if system != (wanted_system or system):
        return False
    return _is_below(system, wanted, code) if modifier == "above" else _is_below(system, code, wanted)


def _is_below(system: str, code: str, other: str) -> bool:
    """Whether a code is another one, or below it."""
    return code == other or any(_is_below(system, code, kid) for kid in BELOW.get(system, {}).get(other, ()))
