"""An address as a page shows it, and when what is given ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from fellesjournal.kit.clock import OSLO

_HERE = ("NO", "NOR", "Norge", "Noreg")
"""A letter within the country doesn't name it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Lines as they stand on a letter."""

    lines: tuple[str, ...]


def addresses_in(person: Mapping[str, Any]) -> list[Address]:
    """Every address of a Patient that the vault gave this reader; none when it is hidden or not known."""
    return [one for one in map(_address, person.get("address", ())) if one.lines]


def end_of(text: str) -> datetime | None:
    """The end of a day written as 2027-03-31, in Norway; None for what is no day."""
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), OSLO)
    except (ValueError, OverflowError):
        return None


def _address(one: Mapping[str, Any]) -> Address:
    post = " ".join(part for part in (one.get("postalCode"), one.get("city")) if part)
    country = one.get("country", "")
    return Address(tuple(part for part in (*one.get("line", ()), post, "" if country in _HERE else country) if part))
