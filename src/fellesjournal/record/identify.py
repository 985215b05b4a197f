"""Identifying a person, before any need: by number, or by name and birth date. The database logs each hit.

Source: access.md of the design, "Identifying a person"; helsepersonelloven § 45 comes with the contact that
follows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from fellesjournal import fhir
from fellesjournal.access.model import MayNotIdentify, PatientId, SessionOver, TooManyLookups
from fellesjournal.kit.db import Database, Row
from fellesjournal.record import store
from fellesjournal.record.errors import TooLittle

_REFUSED: dict[str, type[Exception]] = {
    "none": SessionOver, "role": MayNotIdentify, "rate": TooManyLookups, "few": TooLittle,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identified:
    """One hit: all that identifying may show."""

    patient: PatientId
    name: str
    born_on: date | None
    sex: str
    number: str


def is_enough(words: Sequence[str]) -> bool:
    """Whether names say enough to identify by: two letters of one of them. A letter alone would list a birthday."""
    return any(sum(char.isalpha() for char in word) >= 2 for word in words)


async def by_number(
    db: Database, *, secret: bytes, hash64: Callable[[str], int], system: str, value: str
) -> list[Identified]:
    """The person with exactly this number, or nobody. The value is compared again: a hash is not a proof.

    Raises SessionOver, MayNotIdentify, TooManyLookups.
    """
    h = hash64(fhir.identifier_text(system, value))
    rows = await store.identify_number(db, secret=secret, rtype=fhir.TYPE_NUMBER["Patient"], h=h)
    return [hit for hit in _hits(rows) if hit.number == value]


async def by_name(db: Database, *, secret: bytes, words: Sequence[str], born_on: date) -> list[Identified]:
    """At most ten people born that day whose names begin with every word; the strictly protected never.

    Raises TooLittle, SessionOver, MayNotIdentify, TooManyLookups.
    """
    if not is_enough(words):
        raise TooLittle
    rows = await store.identify_name(
        db,
        secret=secret,
        name_param=fhir.param_id("Patient", "name"),
        names=[fhir.fold(word) for word in words],
        birth_param=fhir.param_id("Patient", "birthdate"),
        born=fhir.date_range(born_on.isoformat())[0],
    )
    return sorted(_hits(rows), key=lambda hit: hit.name)


def _hits(rows: Sequence[Row]) -> list[Identified]:
    for row in rows:
        if row["verdict"] != "ok":
            raise _REFUSED.get(row["verdict"], MayNotIdentify)
    return [_hit(row) for row in rows]


def _hit(row: Row) -> Identified:
    body = json.loads(row["body"])
    born = str(body.get("birthDate", ""))
    return Identified(
        patient=PatientId(row["slot"], row["pid"]),
        name=_name(body.get("name") or []),
        born_on=date.fromisoformat(born) if len(born) == 10 else None,
        sex=str(body.get("gender", "unknown")),
        number=next((str(one["value"]) for one in body.get("identifier") or () if "value" in one), ""),
    )


def _name(names: Sequence[dict[str, object]]) -> str:
    chosen = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    given = chosen.get("given")
    parts = [*(given if isinstance(given, list) else ()), chosen.get("family")]
    return " ".join(str(part) for part in parts if part) or str(chosen.get("text", ""))
