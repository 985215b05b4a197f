"""A town's log in a database, read through by the product's own analysis, and what was found of what was planted."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from random import Random
from time import perf_counter
from typing import Any

from bench.snooping.ledger import FACT_COLUMNS, LOG_COLUMNS, Ledger
from bench.snooping.snoops import Case, Curious
from bench.snooping.town import Town, build
from bench.snooping.work import live
from fellesjournal.access.traits import Hash64, reader_names, traits_of
from fellesjournal.kit.db import Connection

ANALYST = b"the analysis of the bench"


@dataclass(frozen=True)
class Trial:
    """What was made: the town, the ledger and the planted cases."""

    town: Town
    ledger: Ledger
    cases: list[Case]
    days: int


@dataclass(frozen=True)
class Verdict:
    """What the analysis made of it. A false alarm is a reader's day with a finding about nobody who was planted."""

    readings: int
    staff_days: int
    cases: int
    found: int
    missed: dict[str, int]
    false_alarms: int
    why: dict[str, int]
    seconds: float

    @property
    def share(self) -> float:
        """Of the cases, how many were found."""
        return self.found / self.cases

    @property
    def per_thousand(self) -> float:
        """False alarms in a thousand days of readers."""
        return 1000 * self.false_alarms / self.staff_days


def make(*, seed: int, inhabitants: int, days: int, cases: int, staffed: float = 1) -> Trial:
    """A town's working days with so many planted cases; the last day is the day before yesterday."""
    rng = Random(seed)
    town = build(rng, inhabitants=inhabitants, staffed=staffed)
    ledger = Ledger(rng, datetime.now(UTC).date() - timedelta(days=days + 1))
    live(rng, town, ledger, days=days)
    return Trial(town, ledger, Curious(rng, town, ledger, days).plant(cases), days)


async def allow(admin: Connection) -> None:
    """Make the system that reads the log, with its grant and a session."""
    await admin.execute("SELECT identity.put_unit(1, 'Logganalyse', 'system', 1, '')")
    person = await admin.fetchval(
        "SELECT identity.put_person('system', $1, 'Logganalyse', NULL, NULL, NULL, NULL)", sha256(b"name").digest()
    )
    until = datetime.now(UTC) + timedelta(days=1)
    await admin.execute("SELECT identity.put_grant($1, 'KONTROLL', $2, 'bench')", person, until)
    start = "SELECT identity.start_system($1, $2, 1, 'KONTROLL', 80000, '')"
    started = await admin.fetchval(start, sha256(ANALYST).digest(), sha256(b"name").digest())
    assert started is not None, "no session for the analysis"


async def put(admin: Connection, trial: Trial, *, hash64: Hash64) -> None:
    """Write it all into an empty database, as its administrator: people as the product's own traits of them."""
    raw: Any = admin
    await allow(admin)
    await _put_people(raw, trial, hash64)
    await raw.copy_records_to_table("relation", schema_name="access", columns=FACT_COLUMNS, records=trial.ledger.facts)
    await raw.copy_records_to_table("log", schema_name="access", columns=LOG_COLUMNS, records=trial.ledger.log)
    for table in ("log", "relation", "trait", "reader_name"):
        await raw.execute(f"ANALYZE access.{table}")


async def judge(admin: Connection, trial: Trial) -> Verdict:
    """Read every day through, oldest first, and compare the findings with what was planted."""
    began = perf_counter()
    readings = staff_days = 0
    for day in range(trial.days):
        await admin.execute("SELECT access.analyse_readers($1, $2)", ANALYST, _day(trial, day))
        row = await admin.fetchrow("SELECT * FROM access.analyse_readings($1, $2)", ANALYST, _day(trial, day))
        assert row is not None, "the analysis has no grant"
        readings, staff_days = readings + row["readings"], staff_days + row["staff_days"]
    seconds = perf_counter() - began
    findings = await admin.fetch(
        "SELECT reader, patient, about_on, evidence #>> '{signs,0,code}' AS sign FROM access.review"
        " WHERE kind = 'FINDING'"
    )
    return _compare(trial, findings, readings, staff_days, seconds)


def _compare(trial: Trial, findings: list[Any], readings: int, staff_days: int, seconds: float) -> Verdict:
    planted: dict[tuple[int, date], list[Case]] = defaultdict(list)
    for case in trial.cases:
        for day in case.days:
            planted[case.reader, _day(trial, day)].append(case)
    found: set[int] = set()
    wrong: dict[tuple[int, date], str] = {}
    for row in findings:
        hits = [
            case
            for case in planted[row["reader"], row["about_on"]]
            if not case.patients or row["patient"] in case.patients
        ]
        found |= {id(case) for case in hits}
        if not hits:
            wrong[row["reader"], row["about_on"]] = row["sign"]
    missed: dict[str, int] = defaultdict(int)
    why: dict[str, int] = defaultdict(int)
    for case in trial.cases:
        missed[case.kind] += id(case) not in found
    for sign in wrong.values():
        why[sign] += 1
    return Verdict(readings, staff_days, len(trial.cases), len(found), dict(missed), len(wrong), dict(why), seconds)


def _day(trial: Trial, day: int) -> date:
    return trial.ledger.first + timedelta(days=day)


async def _put_people(raw: Any, trial: Trial, hash64: Hash64) -> None:
    begins, ends = datetime(2020, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
    for unit in trial.town.units:
        await raw.execute("SELECT identity.put_unit($1, $2, 'gp', $1, '')", unit.key, unit.name)
    workers = [worker for unit in trial.town.units for worker in unit.workers]
    await raw.executemany(
        "INSERT INTO identity.person (id, kind, name, patient) OVERRIDING SYSTEM VALUE VALUES ($1, 'human', $2, $3)",
        [(one.key, one.name, one.resident) for one in workers],
    )
    await raw.executemany(
        "INSERT INTO identity.post (person, unit, role, from_at, until_at) VALUES ($1, $2, $3, $4, $5)",
        [(one.key, one.unit, one.role, begins, ends) for one in workers],
    )
    named = [(one.key, h) for one in workers for h in reader_names(one.name, hash64)]
    await raw.copy_records_to_table("reader_name", schema_name="access", columns=("person", "h"), records=named)
    rows = [
        (key, kind.encode(), h)
        for key in trial.town.residents
        for one in _resources(trial.town, key)
        for kind, h in traits_of(one, hash64, close={})
    ]
    await raw.copy_records_to_table(
        "trait", schema_name="access", columns=("patient", "kind", "h"), records=sorted(set(rows))
    )
    for key in trial.town.famous:
        wish = json.dumps({"do": "known", "patient": key, "name": "Kjent", "reason": "kjent"})
        await raw.execute("SELECT identity.administer_as_operator('bench', $1)", wish)
    await raw.execute("UPDATE access.known_person SET from_at = $1", begins)


def _resources(town: Town, key: int) -> list[dict[str, Any]]:
    """A person's Patient, and a RelatedPerson for each of the family."""
    one = town.residents[key]
    address = {
        "line": [f"{one.street.rsplit(' ', 1)[0]} {one.number}"],
        "postalCode": f"71{int(one.street.rsplit(' ', 1)[1]):02}",
    }
    patient = {"resourceType": "Patient", "name": _name(one), "birthDate": one.born, "address": [address]}
    kin = [town.residents[other] for other in sorted(one.kin)]
    return [
        patient,
        *({"resourceType": "RelatedPerson", "name": _name(other), "birthDate": other.born} for other in kin),
    ]


def _name(one: Any) -> list[dict[str, Any]]:
    return [{"given": [one.given], "family": one.family}]
