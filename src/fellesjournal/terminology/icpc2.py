"""ICPC-2, the diagnoses of Norwegian primary care, with Norwegian texts.

Owned by WONCA; the table and its licence are described in `data/SOURCE.md`.
Process codes (30–69) are named by `is_process` alone: they say what was done, not what is wrong, and are
never found
by `search`.
"""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

SYSTEM = "urn:oid:2.16.578.1.12.4.1.1.7170"

_CODE = re.compile(r"^([ABDFHKLNPRSTUWXYZ])(\d\d)$")
_PROCESS = range(30, 70)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One ICPC-2 code with its Norwegian text."""

    code: str
    display: str


def lookup(code: str) -> Diagnosis | None:
    """The diagnosis with this code in any case; None when the table has none."""
    return _table().get(code.strip().upper())


def diagnoses() -> list[Diagnosis]:
    """Every diagnosis of the table, by code."""
    return list(_table().values())


def is_process(code: str) -> bool:
    """Whether the code is a process code (30–69), which is never a diagnosis."""
    match = _CODE.match(code.strip().upper())
    return match is not None and int(match.group(2)) in _PROCESS


def search(text: str, limit: int = 10) -> list[Diagnosis]:
    """The diagnoses that a few typed letters may mean, best first; empty when nothing is like it.

    A code prefix ranks before words that begin with each typed word, and these before texts that only
    contain them.
    """
    words = _fold(text).split()
    if not words or limit < 1:
        return []
    ranked = ((rank, found) for found in _searchable() if (rank := _rank(found, words)) is not None)
    return [found.diagnosis for _, found in sorted(ranked, key=_order)[:limit]]


@dataclass(frozen=True, slots=True)
class _Searchable:
    diagnosis: Diagnosis
    code: str
    text: str
    words: tuple[str, ...]


def _order(ranked: tuple[int, _Searchable]) -> tuple[int, int, str]:
    rank, found = ranked
    return rank, len(found.text) if rank else 0, found.code


def _rank(found: _Searchable, words: list[str]) -> int | None:
    if len(words) == 1 and found.code.startswith(words[0]):
        return 0
    if found.text.startswith(" ".join(words)):
        return 1
    if all(any(own.startswith(word) for own in found.words) for word in words):
        return 2
    if all(word in found.text for word in words):
        return 3
    return None


@cache
def _table() -> dict[str, Diagnosis]:
    packed = resources.files(__package__).joinpath("data/icpc2.json.gz").read_bytes()
    codes: dict[str, str] = json.loads(gzip.decompress(packed))["codes"]
    return {code: Diagnosis(code, display) for code, display in codes.items()}


@cache
def _searchable() -> tuple[_Searchable, ...]:
    return tuple(
        _Searchable(found, found.code.lower(), folded := _fold(found.display), tuple(folded.split()))
        for found in _table().values()
    )


def _fold(text: str) -> str:
    """Lower case without punctuation; æ, ø and å are letters of their own and stay."""
    kept = text.lower().replace("å", "\0")
    plain = unicodedata.normalize("NFD", kept)
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign)).replace("\0", "å")
    return re.sub(r"[^0-9a-zæøå]+", " ", letters).strip()
