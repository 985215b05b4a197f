"""Load the synthetic municipality through the journal, under a system decision, as a clinician's click is written.

Two steps for each person: the person with the facts that give access, then the whole chart. What is done is remembered,
so the loader can be stopped anywhere and started again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from fellesjournal.access.decide import within
from fellesjournal.access.relations import Fact
from fellesjournal.clinical.encounters.model import ACCESS_AFTER
from fellesjournal.clinical.pieces import codes_in
from fellesjournal.clinical.tasks.model import SIGN_RESULT
from fellesjournal.demo import story
from fellesjournal.demo.charts import directory_resources, patient_resource, person_resources
from fellesjournal.demo.charts.directory import LAB
from fellesjournal.demo.charts.legevakt import UNIT as LEGEVAKT
from fellesjournal.demo.generate import build_world
from fellesjournal.demo.keys import Keyring, rewrite
from fellesjournal.demo.model import Person, World
from fellesjournal.demo.people import LOADER, put_actors, put_named, put_residents, put_staff, put_units, staff_numbers
from fellesjournal.demo.representation import put_representation
from fellesjournal.demo.residents import write_people
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record.errors import AlreadyThere
from fellesjournal.record.journal import Journal, Vault

SEED = 1
FULL_AT_START = 300
"""Charts that are whole before sign-in opens."""
FIRST = "first"
_GROUP = 100
_LANES = 2
_AFTER = timedelta(hours=72)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Loader:
    """Everything one run of the loader needs."""

    world: World
    keyring: Keyring
    vault: Vault
    journal: Callable[[], Journal]
    identity: Database
    keys: Keys
    today: date
    now: datetime
    progress: Progress
    staff: dict[str, int] = field(default_factory=dict)
    """Each member of staff's own number as a reader, when they are there."""


@asynccontextmanager
async def open_loader(
    settings: Settings, keys: Keys, *, today: date, progress: Progress, now: datetime | None = None
) -> AsyncIterator[Loader]:
    """A loader with a session of its own; the world is the one that this database was begun with, at that time."""
    identity = await Database.connect(settings, keys, "fj_migrate", max_size=2)
    worker = await Database.connect(settings, keys, "fj_worker", max_size=_LANES + 1)
    try:
        now = now or _now_of(today)
        seed, size, begun_on, now = await _begin(identity, size=settings.demo_size, today=today, now=now)
        world = await asyncio.to_thread(build_world, seed=seed, size=size, today=begun_on)
        keyring = Keyring(seed=seed, people=frozenset(person.key for person in world.people))
        await asyncio.to_thread(write_people, settings.data_dir, world)
        unit = await put_actors(identity, keys=keys, keyring=keyring)
        sessions = Sessions(signin=identity, web=worker, settings=settings, keys=keys)
        secret = await sessions.start_system(name=LOADER, unit=unit, purpose="LOAD", max_s=86_400)
        reader = await sessions.who(secret)
        assert reader is not None  # noqa: S101 - started a moment ago
        vault = Vault(worker, keys=keys, required=settings.required_profiles)
        yield Loader(world, keyring, vault, lambda: vault.open(within(reader)), identity, keys, begun_on, now, progress)
        await sessions.end(secret)
    finally:
        await worker.close()
        await identity.close()


async def load_first(loader: Loader) -> None:
    """What must be there before sign-in opens: units, staff, all people with their facts, the first full charts."""
    await _load_directory(loader)
    loader.staff.update(await staff_numbers(loader.identity, world=loader.world, keys=loader.keys))
    await _load_people(loader)
    await load_charts(loader, _first_charts(loader.world), what="Skriver de første journalene")
    await _mark(loader.identity, [FIRST], step=1)


async def load_rest(loader: Loader) -> None:
    """Every other chart, newest needs first."""
    await load_charts(loader, loader.world.people, what="Skriver resten av journalene")


async def load_charts(loader: Loader, people: Iterable[Person], *, what: str) -> None:
    """Write the whole chart of each person who hasn't got one."""
    done = await _done(loader.identity, step=2)
    waiting = [person for person in people if person.key not in done]
    count = 0
    queue = iter(waiting)

    async def lane() -> None:
        nonlocal count
        for person in queue:
            await _load_chart(loader, person)
            count += 1
            loader.progress(what, count, len(waiting))

    await asyncio.gather(*(lane() for _ in range(_LANES)))


async def is_complete(identity: Database) -> bool:
    """Whether every person has a whole chart."""
    row: Any = await identity.fetchrow(
        "SELECT r.people > 0 AND r.people = (SELECT count(*) FROM demo.loaded WHERE step = 2) AS whole FROM demo.run r"
    )
    return bool(row and row["whole"])


async def is_begun(identity: Database) -> bool:
    """Whether what sign-in needs is there: everything that `load_first` writes."""
    return FIRST in await _done(identity, step=1)


async def is_done(loader: Loader, key: str) -> bool:
    """Whether a step that is taken once for the whole municipality is taken."""
    return key in await _done(loader.identity, step=1)


async def mark(loader: Loader, key: str) -> None:
    """Remember such a step."""
    await _mark(loader.identity, [key], step=1)


async def _begin(identity: Database, *, size: int, today: date, now: datetime) -> tuple[int, int, date, datetime]:
    """Seed, size, day and time of this database's world: those of the run that began it."""
    await identity.execute(
        "INSERT INTO demo.run (seed, size, today, now) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        SEED, size, today, now,
    )  # fmt: skip
    row: Any = await identity.fetchrow("SELECT seed, size, today, now FROM demo.run")
    return row["seed"], row["size"], row["today"], row["now"]


def _now_of(today: date) -> datetime:
    """The time it is, to the second; the last of the day for another day than this."""
    now = datetime.now(OSLO).replace(microsecond=0)
    return now if now.date() == today else datetime.combine(today, time(23, 59), OSLO)


async def _load_directory(loader: Loader) -> None:
    if "directory" in await _done(loader.identity, step=1):
        return
    # A row has a controller from the first moment.
    await put_units(loader.identity, world=loader.world, keyring=loader.keyring)
    resolve = loader.keyring.id_in(None)
    resources = [rewrite(resource, resolve) for resource in directory_resources(loader.world)]
    loader.progress("Skriver enheter og ansatte", 0, len(resources))
    journal = loader.journal()
    for resource in resources:
        key = resource.pop("id")
        journal.create_as(resource, slot=0, pid=loader.keyring.pid(key), org=_directory_org(loader, resource, key))
    await _commit(journal)
    loader.progress("Skriver enheter og ansatte", len(resources), len(resources))
    await put_staff(loader.identity, world=loader.world, keys=loader.keys, keyring=loader.keyring)
    await _mark(loader.identity, ["directory"], step=1)


def _directory_org(loader: Loader, resource: dict[str, Any], key: str) -> int:
    """Whose a directory row is: the organisation's own; the first owner's for people and for those outside."""
    is_ours = resource["resourceType"] == "Organization" and key != LAB
    owner = key if is_ours else loader.world.organizations[0].key
    return loader.keyring.pid(owner)


async def _load_people(loader: Loader) -> None:
    done = await _done(loader.identity, step=1)
    waiting = [person for person in loader.world.people if person.key not in done]
    for start in range(0, len(waiting), _GROUP):
        group = waiting[start : start + _GROUP]
        await _load_group(loader, group)
        loader.progress("Skriver innbyggerne", start + len(group), len(waiting))
    await put_representation(loader.identity, people=loader.world.people, keys=loader.keys, keyring=loader.keyring)
    await loader.identity.execute("UPDATE demo.run SET people = $1", len(loader.world.people))


async def _load_group(loader: Loader, group: Sequence[Person]) -> None:
    journal = loader.journal()
    for person in group:
        item = patient_resource(loader.world, person, seed=SEED, today=loader.today, now=loader.now)
        resource = rewrite(item.resource, loader.keyring.id_in(person.key))
        key = resource.pop("id")
        journal.create_as(
            resource, slot=loader.keyring.slot(key), pid=loader.keyring.pid(key), org=loader.keyring.pid(item.unit)
        )
    await _commit(journal)
    for person in group:
        for fact in facts_of(loader, person):
            journal.establish(fact)
    await journal.commit()
    await put_residents(loader.identity, people=group, keys=loader.keys, keyring=loader.keyring)
    await put_named(loader.identity, people=group, world=loader.world, keyring=loader.keyring)
    await _mark(loader.identity, [person.key for person in group], step=1)


def facts_of(loader: Loader, person: Person) -> list[Fact]:
    """The live facts of a person: the GP's list, granted services with their primary contacts, agreed appointments."""
    if person.deceased_on:
        return []
    pid, patient = loader.keyring.pid, loader.keyring.pid(person.key)
    begun = datetime.combine(loader.today, time(), OSLO) - timedelta(days=5)
    listed = [Fact(patient, pid(person.gp_unit), "FASTLEGE", begun)] if person.gp_unit else []
    granted = [
        Fact(patient, pid(unit), "BELEGG", begun) for unit in sorted({one.unit_key for one in person.services})
    ]
    primary = [
        Fact(patient, pid(one.unit_key), "PRIMKONT", begun, person=loader.staff[one.primary_staff])
        for one in person.services
    ]
    agreed = [
        Fact(patient, pid(booking.unit_key), "PLANOPP", begun, until_at=booking.at + _AFTER)
        for booking in person.bookings
    ]
    return [*listed, *granted, *primary, *agreed]


def facts_in(loader: Loader, person: Person, resources: Sequence[dict[str, Any]]) -> list[Fact]:
    """The live facts of a chart: an open task on a unit's list, and a contact with the legevakt of late."""
    pid, patient = loader.keyring.pid, loader.keyring.pid(person.key)
    tasks = [one for one in resources if one["resourceType"] == "Task" and _is_open(one) and _unit_in(one.get("owner"))]
    work = [
        Fact(patient, pid(_unit_in(one["owner"])), _ground_of(one), loader.now, source=pid(one["id"])) for one in tasks
    ]
    contacts = [
        Fact(patient, pid(LEGEVAKT), _ground_of(one), at, until_at=at + ACCESS_AFTER, source=pid(one["id"]))
        for one in resources
        if one["resourceType"] == "Encounter" and _unit_in(one["serviceProvider"]) == LEGEVAKT
        and (at := datetime.fromisoformat(one["period"]["start"])) > loader.now - ACCESS_AFTER
    ]  # fmt: skip
    return [*work, *contacts]


def _ground_of(resource: dict[str, Any]) -> str:
    """The ground that a task or a contact with the legevakt makes."""
    if resource["resourceType"] == "Task":
        return "SVAR" if SIGN_RESULT in codes_in(resource.get("code")) else "ARBFLYT"
    return "LVANROP" if resource.get("class", {}).get("code") == "VR" else "POLBESOK"


def _is_open(task: dict[str, Any]) -> bool:
    return task["status"] in ("requested", "accepted", "in-progress")


def _unit_in(reference: dict[str, Any] | None) -> str:
    """The key of the unit that a reference leads to, empty for none."""
    kind, _, key = (reference or {}).get("reference", "").partition("/")
    return key if kind == "Organization" else ""


async def _load_chart(loader: Loader, person: Person) -> None:
    """The chart and its facts in one transaction: both are there, or neither."""
    items = await asyncio.to_thread(
        person_resources, loader.world, person, seed=SEED, today=loader.today, now=loader.now
    )
    resolve = loader.keyring.id_in(person.key)
    journal = loader.journal()
    slot = loader.keyring.slot(person.key)
    for item in items:
        if item.resource["resourceType"] == "Patient":
            continue
        resource = rewrite(item.resource, resolve)
        key = resource.pop("id")
        journal.create_as(resource, slot=slot, pid=loader.keyring.pid(key), org=loader.keyring.pid(item.unit))
    for fact in facts_in(loader, person, [item.resource for item in items]):
        journal.establish(fact)
    await _commit(journal)
    await _mark(loader.identity, [person.key], step=2)


def _first_charts(world: World) -> list[Person]:
    """The people of the story and of today's lists, then whoever comes, up to FULL_AT_START."""
    cast = {entry.key for entry in story.CAST}
    ranked = sorted(
        (person for person in world.people if not person.deceased_on),
        key=lambda person: (
            person.key not in cast,
            not person.case,
            not person.bookings,
            not person.unsigned_result,
            not person.open_tasks,
        ),
    )
    busy = [one for one in ranked if one.key in cast or one.case or one.bookings or one.unsigned_result]
    return ranked[: max(FULL_AT_START, min(len(busy), 2 * FULL_AT_START))]


async def _commit(journal: Journal) -> None:
    try:
        await journal.commit()
    except AlreadyThere:
        # Written by a run that was stopped before it could say so.
        return


async def _done(identity: Database, *, step: int) -> set[str]:
    rows = await identity.fetch("SELECT key FROM demo.loaded WHERE step >= $1", step)
    return {row["key"] for row in rows}


async def _mark(identity: Database, keys: Sequence[str], *, step: int) -> None:
    await identity.execute(
        "INSERT INTO demo.loaded (key, step) SELECT unnest($1::text[]), $2 "
        "ON CONFLICT (key) DO UPDATE SET step = greatest(demo.loaded.step, excluded.step)",
        list(keys), step,
    )  # fmt: skip
