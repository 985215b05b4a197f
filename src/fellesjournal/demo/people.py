"""Who can sign in to the demo: staff with their posts, inhabitants with their own record, and the systems."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fellesjournal.demo import story
from fellesjournal.demo.keys import Keyring
from fellesjournal.demo.model import Person, Staff, World
from fellesjournal.demo.officers import put_officers
from fellesjournal.identity.numbers import number_hash, system_hash
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys

LOADER, INTEGRATION = "demo-loader", "integration"
SYSTEMS = {
    LOADER: ("Innlasting av demodata", "LOAD", "u-system-loader"),
    INTEGRATION: ("Integrasjon (demo)", "INTEGRATION", "u-system-integration"),
}
_ROLES = {
    "fastlege": "lege", "legevaktlege": "lege", "lis1": "lege", "tilsynslege": "lege",
    "helsestasjonslege": "lege",
    "sykepleier": "sykepleier", "vernepleier": "sykepleier", "helsesykepleier": "helsesykepleier",
    "jordmor": "helsesykepleier", "helsesekretær": "helsesekretaer", "bioingeniør": "helsesekretaer",
    "helsefagarbeider": "helsefagarbeider", "assistent": "assistent", "leder": "leder",
}  # fmt: skip
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def put_actors(db: Database, *, keys: Keys, keyring: Keyring) -> int:
    """The demo's systems with their grants, for a year; the unit of the loader."""
    made = {}
    for name, (display, purpose, unit_key) in SYSTEMS.items():
        unit = keyring.pid(unit_key)
        await db.execute("SELECT identity.put_unit($1, $2, 'system', $1, '')", unit, display)
        person = await db.fetchval(
            "SELECT identity.put_person('system', $1, $2, NULL, NULL, NULL, $3)",
            system_hash(keys, name),
            display,
            name,
        )
        until = datetime.now(UTC) + timedelta(days=365)
        await db.execute("SELECT identity.put_grant($1, $2, $3, 'demo')", person, purpose, until)
        if name == INTEGRATION:
            await db.execute("SELECT identity.put_grant($1, 'EXPORT', $2, 'demo')", person, until)
            await db.execute("SELECT identity.put_grant($1, 'IMPORT', $2, 'demo')", person, until)
        await db.execute(
            "SELECT identity.put_post($1, $2, 'system', NULL, NULL, NULL, $3, $4)",
            person,
            unit,
            _LONG_AGO,
            _FOREVER,
        )
        made[name] = unit
    return made[LOADER]


async def put_units(db: Database, *, world: World, keyring: Keyring) -> None:
    """The legal entities, each responsible for its own rows (municipalities and companies), and their units."""
    for one in world.organizations:
        kind = "municipality" if one.key == f"o-{one.municipality}" else "company"
        number = keyring.pid(one.key)
        await db.execute("SELECT identity.put_unit($1, $2, $3, $1, $4)", number, one.name, kind, one.municipality)
    parents = {unit.key: unit.parent for unit in world.units}
    for unit in world.units:
        controller = unit.parent
        while controller in parents:
            controller = parents[controller]
        await db.execute(
            "SELECT identity.put_unit($1, $2, $3, $4, $5)", keyring.pid(unit.key), unit.name, unit.kind,
            keyring.pid(controller), unit.municipality,
        )  # fmt: skip


async def put_staff(db: Database, *, world: World, keys: Keys, keyring: Keyring) -> None:
    """Everyone who works at the units, with their posts."""
    names = _unique([member.name for member in world.staff])
    for member in world.staff:
        await _put_member(db, member, names, keys, keyring)
    await put_officers(db, world=world, keys=keys, keyring=keyring)


async def staff_numbers(db: Database, *, world: World, keys: Keys) -> dict[str, int]:
    """The number of each member of staff as a reader, by key."""
    rows = await db.fetch(
        "SELECT q.h, f.person FROM unnest($1::bytea[]) AS q (h) CROSS JOIN LATERAL identity.find_person(q.h) f",
        [number_hash(keys, member.national_id) for member in world.staff],
    )
    found = {row["h"]: row["person"] for row in rows}
    return {member.key: found[number_hash(keys, member.national_id)] for member in world.staff}


async def put_residents(db: Database, *, people: Sequence[Person], keys: Keys, keyring: Keyring) -> None:
    """The inhabitants who have a number: each may open the own record."""
    cast = {entry.key for entry in story.CAST} | story.REPRESENTED
    living = [person for person in people if person.national_id and not person.deceased_on]
    await db.execute(
        "SELECT identity.put_person('human', h, n, NULL, p, s, d) "
        "FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::smallint[], $5::text[]) AS q (h, n, p, s, d)",
        [number_hash(keys, person.national_id or "") for person in living],
        [person.name for person in living],
        [keyring.pid(person.key) for person in living], [keyring.slot(person.key) for person in living],
        [person.name if person.key in cast else None for person in living],
    )  # fmt: skip


async def put_named(db: Database, *, people: Sequence[Person], world: World, keyring: Keyring) -> None:
    """Who may open the records of the strictly protected: their GP, and one who answers the telephone there."""
    for person in people:
        if person.protected == "strengt fortrolig" and person.gp_staff:
            at_desk = (one.key for one in world.staff if _is_at_desk(one, person.gp_unit))
            for key in filter(None, (person.gp_staff, next(at_desk, None))):
                await db.execute("SELECT access.put_named($1, $2)", keyring.pid(person.key), keyring.pid(key))


def _is_at_desk(member: Staff, unit: str | None) -> bool:
    return any(post.unit_key == unit and post.role == "helsesekretær" for post in member.posts)


async def _put_member(db: Database, member: Staff, names: set[str], keys: Keys, keyring: Keyring) -> None:
    patient = keyring.pid(member.person_key) if member.person_key else None
    slot = keyring.slot(member.person_key) if member.person_key else None
    person = await db.fetchval(
        "SELECT identity.put_person('human', $1, $2, $3, $4, $5, $6)", number_hash(keys, member.national_id),
        member.name, keyring.pid(member.key), patient, slot, member.name if member.name in names else None,
    )  # fmt: skip
    for number, post in enumerate(member.posts, 1):
        await db.execute(
            "SELECT identity.put_post($1, $2, $3, $4, $5, $6, $7, $8)", person, keyring.pid(post.unit_key),
            _ROLES[post.role], member.profession_code, member.hpr, keyring.pid(f"{member.key}-role-{number}"),
            _LONG_AGO, _FOREVER,
        )  # fmt: skip


def _unique(names: Sequence[str]) -> set[str]:
    return {name for name in names if names.count(name) == 1}
