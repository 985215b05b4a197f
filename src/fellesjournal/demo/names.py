"""Names drawn by how common they are among those born in the same years (Statistics Norway, CC BY 4.0)."""

from __future__ import annotations

import gzip
import json
from bisect import bisect
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate
from random import Random
from typing import Any

_SPAN = 5


def first_name(rng: Random, *, year: int, sex: str) -> str:
    """A first name as common as it was for this sex in these years."""
    table = _first_names()
    return table[_nearest(year), sex].draw(rng)


def surname(rng: Random) -> str:
    """A surname as common as it is today."""
    return _surnames().draw(rng)


@dataclass(frozen=True)
class _Weighted:
    names: tuple[str, ...]
    steps: tuple[int, ...]

    @classmethod
    def of(cls, counts: dict[str, int]) -> _Weighted:
        return cls(tuple(counts), tuple(accumulate(counts.values())))

    def draw(self, rng: Random) -> str:
        return self.names[bisect(self.steps, rng.randrange(self.steps[-1]))]


def _nearest(year: int) -> int:
    return min(max(year // _SPAN * _SPAN, 1880), 2025)


@cache
def _first_names() -> dict[tuple[int, str], _Weighted]:
    tables: dict[str, dict[str, int]] = _document()["first"]
    return {(int(key[:4]), key[5:]): _Weighted.of(counts) for key, counts in tables.items()}


@cache
def _surnames() -> _Weighted:
    return _Weighted.of(_document()["surnames"])


@cache
def _document() -> dict[str, Any]:
    packed = resources.files(__package__).joinpath("data/names.json.gz").read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(packed))
    return found
