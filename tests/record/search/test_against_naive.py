"""What the SQL answers is what a look at every resource answers: matches, order, pages, totals, both scopes."""

import asyncio
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fellesjournal.fhir import param_id
from fellesjournal.record.search import (
    Chart,
    Listing,
    Scope,
    condition,
    drive,
    parse_search,
    parse_system_search,
    rank,
)
from tests.conftest import TestDatabase
from tests.effort import examples
from tests.record.search.codes import ICPC
from tests.record.search.naive import Naive
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, Known, World
from tests.terminology.making import SETS

CODES = ("8480-6", "8462-4", "29463-7", "718-7")
FAMILIES = ("Nordmann", "Nordvik", "Åsen", "Aasen", "Østby", "Ødegård", "Berg", "Bergan")
DAYS = tuple(f"2024-0{m}-{d:02}" for m in (1, 2, 3) for d in (1, 2, 15, 28))
SOURCES = ("http://example.test/a", "http://example.test/a/b", "http://example.test/ab", "urn:uuid:1")


class Setting:
    """The world, its people and a loop of its own: hypothesis is not asynchronous."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = asyncio.get_event_loop()
        self.patients: list[Known] = []
        self.practitioners: list[Known] = []
        self.rosters: dict[int, list[Known]] = {}

    async def fill(self) -> None:
        rnd = random.Random(7)
        self.practitioners = await self.world.write(
            [
                {"resourceType": "Practitioner", "active": n % 2 == 0, "name": [{"family": f}]}
                for n, f in enumerate(FAMILIES[:3])
            ]
        )
        self.patients = await self.world.write([_patient(rnd, n) for n in range(8)], org=LOADER_UNIT)
        self.rosters = {UNIT_A: self.patients[:5], UNIT_B: self.patients[3:7]}
        for unit, people in self.rosters.items():
            await self.world.relate(unit, people)
        for unit in (UNIT_A, UNIT_B):
            rest = [_observation(rnd, self.patients, self.practitioners) for _ in range(90)]
            made = await self.world.write(rest, org=unit)
            for gone in rnd.sample(made, 5):
                await self.world.delete(gone)
            await self.world.write([_relative(rnd, self.patients) for _ in range(8)], org=unit)
            await self.world.write([_condition(rnd, self.patients) for _ in range(20)], org=unit)

    def reader(self, unit: int, chart: tuple[int, ...] | None) -> tuple[str, Scope, Naive]:
        """A doctor of the unit, in her lists or in charts (numbers of her people)."""
        who = "a" if unit == UNIT_A else "b"
        people = [p.pid for p in self.rosters[unit]]
        if chart is None:
            scope: Scope = Listing(unit)
            return who, scope, Naive(self.world, scope, frozenset(people), frozenset(people))
        opened = tuple(dict.fromkeys(people[n % len(people)] for n in chart))
        scope = Chart(opened)
        return who, scope, Naive(self.world, scope, frozenset(opened), frozenset(people))


def _patient(rnd: random.Random, n: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "name": [{"family": FAMILIES[n], "given": ["Kari", rnd.choice(["Anne", "Bjørg"])]}],
        "gender": rnd.choice(["male", "female"]), "birthDate": f"19{50 + n}-0{1 + n % 9}-11",
        "identifier": [{"system": "urn:x", "value": str(n)}], "active": True,
    }  # fmt: skip


def _observation(rnd: random.Random, patients: list[Known], practitioners: list[Known]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Observation", "status": rnd.choice(["final", "amended"]),
        "meta": {"source": rnd.choice(SOURCES), "tag": [{"system": "t", "code": rnd.choice("xyz")}]},
        "code": {"coding": [{"system": "http://loinc.org", "code": c} for c in rnd.sample(CODES, rnd.choice([1, 2]))]},
        "subject": {"reference": rnd.choice(patients).ref},
    }  # fmt: skip
    day, kind = rnd.choice(DAYS), rnd.randint(0, 3)
    if kind == 0:
        made["effectivePeriod"] = {"start": day, "end": rnd.choice([d for d in DAYS if d >= day])}
    elif kind == 1:
        made["effectiveDateTime"] = day + "T10:30:00Z"
    elif kind == 2:
        made["effectiveDateTime"] = day
    if rnd.random() < 0.8:
        made["valueQuantity"] = {
            "value": Decimal(rnd.choice(["5.4", "5.40", "7", "70.5", "-1"])),
            "unit": "mmol/L",
        }
    if rnd.random() < 0.7:
        made["performer"] = [{"reference": rnd.choice(practitioners).ref}]
    return made


def _relative(rnd: random.Random, patients: list[Known]) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson", "patient": {"reference": rnd.choice(patients).ref},
        "name": [{"family": rnd.choice(FAMILIES)}],
    }  # fmt: skip


def _condition(rnd: random.Random, patients: list[Known]) -> dict[str, Any]:
    subject, asserter = rnd.sample(patients, 2)
    made: dict[str, Any] = {
        "resourceType": "Condition", "subject": {"reference": subject.ref}, "onsetDateTime": rnd.choice(DAYS),
        "code": {"coding": [{"system": "urn:oid:2.16.578.1.12.4.1.1.7170", "code": rnd.choice(["K86", "T90"])}]},
    }  # fmt: skip
    if rnd.random() < 0.5:
        made["asserter"] = {"reference": asserter.ref}
    return made


@pytest.fixture(scope="module")
def setting(module_database: TestDatabase) -> Iterator[Setting]:
    with asyncio.Runner() as runner:
        made, close = runner.run(_open(module_database))
        made.loop = runner.get_loop()
        yield made
        runner.run(close())


async def _open(database: TestDatabase) -> tuple[Setting, Any]:
    admin, web = await database.connect_admin(), await database.connect("fj_web")
    made = Setting(await World(database, admin, web).prepare())
    await made.fill()

    async def close() -> None:
        await web.close()
        await admin.close()

    return made, close


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(*parts), min_size=0, max_size=3).map("&".join)


def _of(name: str, values: Any, most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True).map(
        lambda v: f"{name}={','.join(v)}"
    )


_PREFIX = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_DATED = [p + d for p in _PREFIX for d in (*DAYS, "2024", "2024-02", "2024-02-01T10:30Z", "2024-01-15T11:30")]
_MEASURED = [p + n for p in _PREFIX for n in ("5.4", "5.40", "7", "70", "0", "5.4||mmol/L", "7||mg")]

_SETS = [f"{SETS}{name}" for name in ("pressure", "few", "whole", "nothing", "all-but", "imports")]
_STATUS_SETS = [f"{SETS}{name}" for name in ("statuses", "any-status", "few")]
_RELATED = [f"http://loinc.org|{code}" for code in ("vital", "measured", "8480-6", "718-7")]
CODED = (
    _of("code:in", _SETS), _of("code:not-in", _SETS), _of("code:below", _RELATED), _of("code:above", _RELATED),
    _of("status:in", _STATUS_SETS), _of("status:not-in", _STATUS_SETS), _of("status:below", ("done", "final")),
)  # fmt: skip
OBSERVATIONS = _joined(
    *CODED,
    _of("code", (*CODES, "http://loinc.org|8480-6", "http://other|8480-6", "|718-7", "http://loinc.org|")),
    _of("code:not", CODES), _of("status", ("final", "amended", "draft")), _of("status:not", ("final",)),
    _of("date", _DATED), _of("value-quantity", _MEASURED, 2), _of("date:missing", ("true", "false"), 1),
    _of("performer:missing", ("true", "false"), 1), _of("_tag", ("x", "t|y", "|z", "q")),
    _of("_source", SOURCES), _of("_source:below", SOURCES), _of("_source:above", SOURCES),
    _of("subject:Patient.family", ("nord", "ås", "aas", "BERG", "zz", "ø")),
    _of("subject:Patient.gender:not", ("male",)),
    _of("patient.name", ("kari", "bj", "Østby")), _of("performer:Practitioner.family", ("nord", "ås")),
    _of("performer:Practitioner.active", ("true", "false")),
    _of("_lastUpdated", ("gt2020", "lt2020", "ge2024-05-05"), 1),
    _of("subject:Patient._has:RelatedPerson:patient:name", ("nord", "berg")),
)  # fmt: skip
PEOPLE = _joined(
    _of("family", ("nord", "nordm", "ås", "å", "berg", "Ødeg")), _of("name:exact", ("Åsen", "åsen", "Berg")),
    _of("name:contains", ("ord", "erg", "SEN")), _of("gender", ("male", "female")),
    _of("identifier", ("urn:x|1", "3", "urn:y|1")),
    _of("birthdate", ("1951", "ge1953", "lt1955-06", "1954-05-11")),
    _of("_has:Observation:patient:code", CODES),
    _of("_has:Observation:subject:date", _DATED), _of("_has:Condition:subject:code", ("K86", "T90")),
    _of("_has:Condition:subject:code:in", _SETS), _of("_has:Observation:subject:code:below", _RELATED),
    _of("active", ("true", "false"), 1),
)  # fmt: skip
CONDITIONS = _joined(
    _of("code", ("K86", "T90")), _of("code:not-in", _SETS), _of("code:below", (f"{ICPC}|heart", f"{ICPC}|all")),
    _of("onset-date", _DATED), _of("asserter:missing", ("true", "false"), 1),
    _of("subject:Patient.family", ("nord", "berg")), _of("asserter:Patient.gender", ("male", "female")),
)  # fmt: skip
TOGETHER = st.tuples(
    st.sampled_from(("Observation,Condition", "Observation,Patient,Practitioner", "Condition,RelatedPerson,Patient")),
    _joined(_of("_lastUpdated", ("gt2020", "lt2020"), 1), _of("_tag", ("x", "t|y"))),
).map(lambda both: f"?_type={both[0]}&{both[1]}")
DIRECTORY = _joined(_of("family", ("nord", "ås")), _of("active", ("true", "false"), 1))
URLS = st.one_of(
    OBSERVATIONS.map(lambda q: f"Observation?{q}"), PEOPLE.map(lambda q: f"Patient?{q}"),
    CONDITIONS.map(lambda q: f"Condition?{q}"), DIRECTORY.map(lambda q: f"Practitioner?{q}"), TOGETHER,
)  # fmt: skip
CHARTS = st.one_of(st.none(), st.lists(st.integers(0, 4), min_size=1, max_size=2).map(tuple))
ORDERS = st.sampled_from(
    (
        "",
        "&_sort=-date",
        "&_sort=date",
        "&_sort=_lastUpdated",
        "&_sort=-_lastUpdated",
        "&_sort=_id",
        "&_sort=-value-quantity",
    )
)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    url=URLS,
    unit=st.sampled_from((UNIT_A, UNIT_B)),
    chart=CHARTS,
    size=st.sampled_from((1, 3, 50)),
    cap=st.sampled_from((2, 10, 200)),
    few=st.sampled_from((1, 100)),
)
def test_matches_order_pages_and_totals_are_those_of_a_look_at_everything(
    setting: Setting, url: str, unit: int, chart: tuple[int, ...] | None, size: int, cap: int, few: int
) -> None:
    who, scope, naive = setting.reader(unit, chart)
    rtype, _, text = url.partition("?")
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in text.split("&") if part)]
    expected = [k.id for k in naive.search(parse_search(rtype, pairs) if rtype else parse_system_search(pairs))]
    world = setting.world
    # A small cap takes the walks that only big units would need.
    with (
        mock.patch.multiple(rank, GATHER_CAP=cap, RANGE_CAP=cap), mock.patch.object(condition, "FEW", few),
        mock.patch.object(drive, "MAX_BRANCHES", few),
    ):  # fmt: skip
        assert setting.loop.run_until_complete(world.all_pages(who, scope, f"{url}&_count={size}")) == expected
        answer = setting.loop.run_until_complete(world.search(who, scope, f"{url}&_total=accurate&_count=0"))
    assert answer.total == len(expected)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    query=OBSERVATIONS,
    order=ORDERS,
    unit=st.sampled_from((UNIT_A, UNIT_B)),
    chart=CHARTS,
    cap=st.sampled_from((2, 200)),
)
@example(query="value-quantity=ap0", order="", unit=10, chart=None, cap=2)
def test_every_order_shows_the_same_matches_once_each(
    setting: Setting, query: str, order: str, unit: int, chart: tuple[int, ...] | None, cap: int
) -> None:
    who, scope, naive = setting.reader(unit, chart)
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in query.split("&") if part)]
    expected = naive.search(parse_search("Observation", pairs))
    with mock.patch.multiple(rank, GATHER_CAP=cap, RANGE_CAP=cap):
        pages = setting.world.all_pages(who, scope, f"Observation?{query}{order}&_count=7")
        found = setting.loop.run_until_complete(pages)
    assert sorted(found) == sorted(k.id for k in expected)
    by_id = {k.id: k for k in expected}
    keys = [_key(order, by_id[i]) for i in found]
    assert keys == sorted(keys, reverse="=-" in order or not order)


def _key(order: str, item: Known) -> Any:
    if "_lastUpdated" in order:
        return item.updated
    if "_id" in order:
        return item.pid
    if "value" in order:
        found = [lo for lo, p in zip(item.rows.quantity_lo, item.rows.quantity_param, strict=True) if p == _VALUE]
        return max(found, default=float("-inf"))
    return item.date


_VALUE = param_id("Observation", "value-quantity")
