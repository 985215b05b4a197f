"""Many simple resources, written as everything is: validated, indexed, through the journal and `vault.write`.

People on the lists of the demo's GP practices, each with contacts, measurements and tasks.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.site import GP, Site
from fellesjournal.access.decide import within
from fellesjournal.access.relations import Fact
from fellesjournal.identity import Sessions
from fellesjournal.kit import db
from fellesjournal.kit.ids import encode, new_pid
from fellesjournal.record.journal import Journal, Vault
from fellesjournal.record.ownership import slot_of

EACH = 100
"""Resources of each person: one Patient, 9 Encounters, 86 Observations, 4 Tasks."""
CODES = ("8867-4", "8310-5", "8480-6", "8462-4", "59408-5", "9279-1", "29463-7", "8302-2", "4548-4", "2160-0")
STATUSES = ("requested", "accepted", "completed", "completed")
_LANES = 2
_START = datetime(2022, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Bulk:
    """What was written: people of the GP's own unit, some of their observations, and how fast it went."""

    unit: str
    patients: list[str]
    observations: list[str]
    resources: int
    seconds: float


async def fill(site: Site, *, resources: int, progress: Callable[[int, int], None]) -> Bulk:
    """Write people until there are this many resources; the first unit is the one of `site.GP`."""
    units = await _units(site)
    people = iter(range(max(1, resources // EACH)))
    total, done = max(1, resources // EACH), 0
    patients: list[str] = []
    observations: list[str] = []
    began = time.perf_counter()

    async def lane(journal: Callable[[], Journal]) -> None:
        nonlocal done
        for number in people:
            unit = units[number % len(units)]
            person, observed = await _write_person(journal, number, unit)
            if unit == units[0] and len(patients) < 200:
                patients.append(person)
                observations.extend(observed)
            done += 1
            progress(done * EACH, total * EACH)

    async with _loader(site) as journal:
        await asyncio.gather(*(lane(journal) for _ in range(_LANES)))
    async with site.admin() as admin:
        await admin.execute("ANALYZE")
    return Bulk(encode(0, units[0]), patients, observations, total * EACH, time.perf_counter() - began)


@contextlib.asynccontextmanager
async def _loader(site: Site) -> AsyncGenerator[Callable[[], Journal], None]:
    async with (
        await db.Database.connect(site.settings, site.keys, "fj_migrate", max_size=1) as identity,
        await db.Database.connect(site.settings, site.keys, "fj_worker", max_size=_LANES) as worker,
    ):
        sessions = Sessions(signin=identity, web=worker, settings=site.settings, keys=site.keys)
        found = await sessions.find_demo("demo-loader")
        assert found is not None
        secret = await sessions.start_system(name="demo-loader", unit=await _home(site, found[0]), purpose="LOAD")
        reader = await sessions.who(secret)
        assert reader is not None
        vault = Vault(worker, keys=site.keys)
        yield lambda: vault.open(within(reader))


async def _home(site: Site, person: int) -> int:
    async with site.admin() as admin:
        return int(await admin.fetchval("SELECT unit FROM identity.post WHERE person = $1", person))


async def _units(site: Site) -> list[int]:
    """The GP practices, that of `site.GP` first."""
    async with site.admin() as admin:
        own = await admin.fetchval(
            "SELECT o.unit FROM identity.post o JOIN identity.person p ON p.id = o.person WHERE p.name = $1", GP
        )
        rows = await admin.fetch("SELECT id FROM identity.unit WHERE kind = 'gp' AND id <> $1 ORDER BY id", own)
    return [int(own), *(int(row["id"]) for row in rows)]


async def _write_person(journal: Callable[[], Journal], number: int, unit: int) -> tuple[str, list[str]]:
    pid = new_pid()
    slot = slot_of(pid)
    first = journal()
    first.create_as(patient(number), slot=slot, pid=pid, org=unit)
    await first.commit()
    rest = journal()
    rest.establish(Fact(pid, unit, "FASTLEGE", _START))
    observed: list[str] = []
    for resource in chart(number, patient=f"Patient/{encode(slot, pid)}", unit=f"Organization/{encode(0, unit)}"):
        id_ = rest.create(resource, org=unit)
        if resource["resourceType"] == "Observation" and len(observed) < 3:
            observed.append(id_)
    await rest.commit()
    return encode(slot, pid), observed


def patient(number: int) -> dict[str, Any]:
    """A synthetic person without a number."""
    born = datetime(1930 + number % 90, 1 + number % 12, 1 + number % 28, tzinfo=UTC)
    return {
        "resourceType": "Patient", "active": True, "gender": ("female", "male")[number % 2],
        "name": [{"family": f"Prøvesen{number % 997}", "given": [f"Test{number % 313}"]}],
        "birthDate": born.date().isoformat(),
    }  # fmt: skip


def chart(number: int, *, patient: str, unit: str | None) -> Iterator[dict[str, Any]]:
    """What is written about one person; the same for the same number. References as given."""
    chance, subject = random.Random(number), {"reference": patient}
    owner = {"reference": unit} if unit else {"display": "Prøveenheten"}
    times = (_START + timedelta(days=chance.randrange(1700), minutes=chance.randrange(1440)) for _ in itertools.count())
    for _ in range(9):
        yield _encounter(subject, owner, next(times))
    for n in range(86):
        yield _observation(chance, subject, owner, CODES[n % len(CODES)], next(times))
    for status in STATUSES:
        yield _task(subject, owner, status, next(times))


def _encounter(subject: dict[str, str], owner: dict[str, str], at: datetime) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": subject, "serviceProvider": owner,
        "period": {"start": at.isoformat(), "end": (at + timedelta(minutes=20)).isoformat()},
    }  # fmt: skip


def _observation(
    chance: random.Random, subject: dict[str, str], owner: dict[str, str], code: str, at: datetime
) -> dict[str, Any]:
    quantity = {"value": chance.randrange(30, 200), "unit": "1", "system": "http://unitsofmeasure.org", "code": "1"}
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    return {
        "resourceType": "Observation", "status": "final", "category": [{"coding": [category]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": f"Måling {code}"},
        "subject": subject, "performer": [owner], "effectiveDateTime": at.isoformat(), "valueQuantity": quantity,
    }  # fmt: skip


def _task(subject: dict[str, str], owner: dict[str, str], status: str, at: datetime) -> dict[str, Any]:
    code = {"system": "https://fellesjournal.no/fhir/CodeSystem/task", "code": "follow-up"}
    return {
        "resourceType": "Task", "status": status, "intent": "order", "code": {"coding": [code]}, "for": subject,
        "owner": owner, "authoredOn": at.isoformat(), "lastModified": at.isoformat(),
    }  # fmt: skip
