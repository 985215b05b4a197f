"""The list of people who can be chosen at the demo's sign-in: a file beside the keys, readable by its owner alone."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fellesjournal.demo import officers, story
from fellesjournal.demo.model import Person, Staff, World
from fellesjournal.identity.test_provider import DemoPerson

FILE = "demo-people.json"
_GROUPS = {
    "gp": "Fastlege", "legevakt": "Legevakt", "home_care": "Hjemmetjeneste", "nursing_home": "Sykehjem",
    "child_health": "Helsestasjon",
}  # fmt: skip


def write_people(data_dir: Path, world: World) -> None:
    """Write the file anew; it appears whole or not at all."""
    rows = [*_staff_rows(world), *officers.rows(world), *_citizen_rows(world)]
    partial = data_dir / f"{FILE}.new"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(rows, file, ensure_ascii=False)
    partial.rename(data_dir / FILE)


async def read_people(data_dir: Path) -> Sequence[DemoPerson]:
    """Everyone in the file; none while the demo is still being made."""
    try:
        text = await asyncio.to_thread((data_dir / FILE).read_text, "utf-8")
    except FileNotFoundError:
        return ()
    return [DemoPerson(**row) for row in json.loads(text)]


def _staff_rows(world: World) -> list[dict[str, Any]]:
    cast = {entry.key: entry for entry in story.CAST}
    order = {entry.key: place for place, entry in enumerate(story.CAST)}
    members = sorted(world.staff, key=lambda member: order.get(member.key, len(order)))
    rows = [_staff_row(world, member, member.key in cast) for member in members]
    rows.sort(key=lambda row: list(_GROUPS.values()).index(row["group"]) if row["group"] else len(_GROUPS))
    return rows


def _staff_row(world: World, member: Staff, is_cast: bool) -> dict[str, Any]:  # noqa: FBT001
    unit = world.unit(member.posts[0].unit_key)
    return {
        "name": member.name, "number": member.national_id, "kind": "staff",
        "group": _GROUPS[unit.kind] if is_cast else "", "description": f"{member.posts[0].role}, {unit.name}",
    }  # fmt: skip


def _citizen_rows(world: World) -> list[dict[str, Any]]:
    cast = {entry.key: entry for entry in story.CAST if entry.may_sign_in}
    living = [person for person in world.people if person.national_id and not person.deceased_on]
    living.sort(key=lambda person: person.key not in cast)
    return [_citizen_row(person, cast.get(person.key)) for person in living]


def _citizen_row(person: Person, entry: story.Cast | None) -> dict[str, Any]:
    return {
        "name": person.name, "number": person.national_id, "kind": "citizen",
        "group": "Innbygger" if entry else "",
        "description": entry.role if entry else f"født {person.birth_on:%d.%m.%Y}",
    }  # fmt: skip
