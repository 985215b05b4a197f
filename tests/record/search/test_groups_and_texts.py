"""Composites, texts of codes and references, identifiers by type and quantities in any unit: against the content."""

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
from fellesjournal.record.search import Chart, Listing, Scope, parse_search, rank
from fellesjournal.record.search.model import Clause
from tests.conftest import TestDatabase
from tests.effort import examples
from tests.record.search.plainly import UCUM, fulfils
from tests.record.search.world import LOADER_UNIT, UNIT_A, Known, World

LOINC, OTHER = "http://loinc.org", "urn:other"
CODES = ("8480-6", "8462-4", "29463-7", "a$b", "a,b", "a|b", "a\\b")
TEXTS = ("Systolic", "Systolisk trykk", "Åndenød", "andre funn", "Vekt")
DAYS = ("2024-01-01", "2024-01-15", "2024-02-01", "2024-03-28")
NUMBERS = ("5.4", "5.40", "0.0054", "5400", "5", "-1", "70", "70.5")


class Setting:
    """One unit, its people, everything that was written, and a loop of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.loop = asyncio.get_event_loop()
        self.patients: list[Known] = []
        self.contents: dict[str, dict[str, Any]] = {}

    async def fill(self) -> None:
        rnd = random.Random(5)
        self.patients = await self.world.write([_patient(rnd, n) for n in range(6)], org=LOADER_UNIT)
        await self.world.relate(UNIT_A, self.patients)
        measured = {"value": Decimal("5.4"), "system": UCUM, "code": "mg", "unit": "mg"}
        await self._write([_observation(rnd, self.patients) for _ in range(160)])
        plain = {k: v for k, v in _observation(rnd, self.patients).items() if not k.startswith("value")}
        await self._write([plain | {"valueQuantity": measured}])
        await self._write([_sequence(rnd, self.patients) for _ in range(25)])
        await self._write([_document(rnd, self.patients) for _ in range(25)])

    async def _write(self, resources: list[dict[str, Any]]) -> None:
        for known, resource in zip(await self.world.write(resources), resources, strict=True):
            self.contents[known.id] = resource

    @staticmethod
    def number(code: str) -> int:
        return param_id("Observation", code)

    def expected(self, url: str, scope: Scope) -> list[str]:
        rtype, pairs = parsed(url)
        query = parse_search(rtype, pairs)
        near = [k for k in self.world.known if k.rtype == rtype]
        if isinstance(scope, Chart):
            near = [k for k in near if k.patient in scope.patients]
        clauses = [c for c in query.clauses if isinstance(c, Clause)]
        found = [k for k in near if all(fulfils(self.contents[k.id], c) for c in clauses)]
        return [k.id for k in sorted(found, key=lambda k: (-k.date.timestamp(), k.pid))]


def parsed(url: str) -> tuple[str, list[tuple[str, str]]]:
    rtype, _, text = url.partition("?")
    return rtype, [(n, v) for n, _, v in (part.partition("=") for part in text.split("&") if part)]


def _patient(rnd: random.Random, n: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": f"Nordmann{n}"}], "birthDate": f"19{50 + n}-01-11"}


def _concept(rnd: random.Random) -> dict[str, Any]:
    codings = []
    for code in rnd.sample(CODES, rnd.choice([1, 1, 2])):
        coding = {"code": code} | ({"system": rnd.choice([LOINC, OTHER])} if rnd.random() < 0.8 else {})
        codings.append(coding | ({"display": rnd.choice(TEXTS)} if rnd.random() < 0.5 else {}))
    return {"coding": codings} | ({"text": rnd.choice(TEXTS)} if rnd.random() < 0.3 else {})


def _quantity(rnd: random.Random) -> dict[str, Any]:
    value: dict[str, Any] = {"value": Decimal(rnd.choice(NUMBERS))}
    kind = rnd.randint(0, 3)
    if kind == 0:
        return value
    if kind == 1:
        return value | {"unit": rnd.choice(["mg", "gram"])}
    code = rnd.choice(["mg", "g", "kg", "min", "h"])
    return value | {"system": UCUM if kind == 2 else "urn:units", "code": code, "unit": rnd.choice([code, "enhet"])}


def _value(rnd: random.Random, kinds: int) -> dict[str, Any]:
    kind = rnd.randint(0, kinds)
    if kind == 0:
        return {"valueCodeableConcept": _concept(rnd)}
    if kind == 1:
        return {"valueString": rnd.choice(TEXTS)}
    if kind == 2:
        return {"valueDateTime": rnd.choice(DAYS)}
    if kind == 3:
        start = rnd.choice(DAYS)
        return {"valuePeriod": {"start": start, "end": rnd.choice([d for d in DAYS if d >= start])}}
    return {"valueQuantity": _quantity(rnd)}


def _observation(rnd: random.Random, patients: list[Known]) -> dict[str, Any]:
    subject = rnd.choice(patients)
    reference = {"reference": subject.ref} | ({"display": rnd.choice(TEXTS)} if rnd.random() < 0.3 else {})
    made: dict[str, Any] = {
        "resourceType": "Observation", "status": "final", "code": _concept(rnd), "subject": reference,
        "effectiveDateTime": rnd.choice(DAYS),
        "identifier": [{"system": "urn:i", "value": rnd.choice("123"), "type": {
            "coding": [{"system": rnd.choice(["urn:t", "urn:u"]), "code": rnd.choice(["MR", "DL"])}],
            "text": rnd.choice(TEXTS)}}],
    }  # fmt: skip
    if rnd.random() < 0.7:
        made |= _value(rnd, 6)
    if rnd.random() < 0.5:
        made["component"] = [_component(rnd) for _ in range(rnd.choice([1, 2]))]
    return made


def _component(rnd: random.Random) -> dict[str, Any]:
    value = rnd.choice([{"valueQuantity": _quantity(rnd)}, {"valueCodeableConcept": _concept(rnd)}])
    return {"code": _concept(rnd), **value}


def _sequence(rnd: random.Random, patients: list[Known]) -> dict[str, Any]:
    starts = [rnd.choice([10, 20, 30]) for _ in range(2)]
    return {
        "resourceType": "MolecularSequence", "coordinateSystem": 0, "patient": {"reference": rnd.choice(patients).ref},
        "referenceSeq": {
            "chromosome": {"coding": [{"system": LOINC, "code": rnd.choice(["1", "2"])}]},
            "referenceSeqId": {"coding": [{"code": rnd.choice(["x", "y"])}]},
            "windowStart": rnd.choice([1, 2]), "windowEnd": rnd.choice([50, 60]),
        },
        "variant": [{"start": s, "end": s + rnd.choice([1, 5])} for s in starts],
    }  # fmt: skip


def _document(rnd: random.Random, patients: list[Known]) -> dict[str, Any]:
    related = [
        {"code": rnd.choice(["replaces", "appends"]), "target": {"reference": f"DocumentReference/{rnd.choice('ab')}"}}
        for _ in range(rnd.choice([1, 2]))
    ]
    return {
        "resourceType": "DocumentReference", "status": "current", "subject": {"reference": rnd.choice(patients).ref},
        "content": [{"attachment": {"url": "http://x.test/1"}}], "date": rnd.choice(DAYS) + "T10:00:00Z",
        "relatesTo": related,
    }  # fmt: skip


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


def escaped(text: str) -> str:
    for char in "\\,$|":
        text = text.replace(char, "\\" + char)
    return text


_PREFIX = st.sampled_from(("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"))
_TOKEN = st.one_of(
    st.sampled_from(CODES).map(lambda c: escaped(c)),
    st.sampled_from(CODES).flatmap(
        lambda c: st.sampled_from([f"{LOINC}|{escaped(c)}", f"{OTHER}|{escaped(c)}", f"|{escaped(c)}"])
    ),
    st.sampled_from((f"{LOINC}|", f"{OTHER}|")),
)
_UNIT = st.sampled_from(("", "||mg", "||gram", "||enhet", f"|{UCUM}|mg", f"|{UCUM}|g", f"|{UCUM}|h", "|urn:units|mg"))
_QUANTITY = st.tuples(_PREFIX, st.sampled_from(NUMBERS), _UNIT).map("".join)
_DATE = st.tuples(_PREFIX, st.sampled_from((*DAYS, "2024", "2024-02"))).map("".join)
_TEXT = st.sampled_from(("sys", "SYSTOLISK", "å", "and", "vekt", "zz", "systolisk trykk"))
_NUMBER = st.tuples(_PREFIX, st.sampled_from(("10", "11", "20", "25", "30", "1", "2", "50"))).map("".join)


def _of(name: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    value = st.tuples(*parts).map("$".join)
    return st.lists(value, min_size=1, max_size=2).map(lambda values: f"{name}={','.join(values)}")


OBSERVATIONS = st.one_of(
    *[_of(f"{w}code-value-quantity", _TOKEN, _QUANTITY) for w in ("", "combo-", "component-")],
    *[_of(f"{w}code-value-concept", _TOKEN, _TOKEN) for w in ("", "combo-", "component-")],
    _of("code-value-date", _TOKEN, _DATE), _of("code-value-string", _TOKEN, _TEXT),
    *[_of(f"{w}value-quantity", _QUANTITY) for w in ("", "combo-", "component-")],
    *[_of(f"{w}code:text", _TEXT) for w in ("", "combo-", "component-")], _of("value-concept:text", _TEXT),
    _of("subject:text", _TEXT), _of("identifier:text", _TEXT),
    st.sampled_from(["urn:t|MR|1", "urn:u|DL|2", "|MR|3", "urn:t|XX|1"]).map(lambda v: f"identifier:of-type={v}"),
    st.sampled_from(["true", "false"]).map(lambda v: f"code-value-quantity:missing={v}"),
)  # fmt: skip
_CHROMOSOME = st.sampled_from(("1", "2", f"{LOINC}|1", "|1"))
SEQUENCES = st.one_of(
    _of("chromosome-variant-coordinate", _CHROMOSOME, _NUMBER, _NUMBER),
    _of("chromosome-window-coordinate", _CHROMOSOME, _NUMBER, _NUMBER),
    _of("referenceseqid-variant-coordinate", st.sampled_from("xyz"), _NUMBER, _NUMBER),
    _of("referenceseqid-window-coordinate", st.sampled_from("xyz"), _NUMBER, _NUMBER),
)
DOCUMENTS = _of(
    "relationship",
    st.sampled_from(("DocumentReference/a", "DocumentReference/b", "a")),
    st.sampled_from(("replaces", "appends", "http://hl7.org/fhir/document-relationship-type|replaces", "signs")),
)
URLS = st.one_of(
    st.lists(OBSERVATIONS, min_size=1, max_size=2).map(lambda parts: "Observation?" + "&".join(parts)),
    SEQUENCES.map(lambda q: f"MolecularSequence?{q}"), DOCUMENTS.map(lambda q: f"DocumentReference?{q}"),
)  # fmt: skip


@settings(
    max_examples=examples(250),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    url=URLS,
    chart=st.one_of(st.none(), st.integers(0, 5)),
    size=st.sampled_from((2, 50)),
    cap=st.sampled_from((1, 200)),
)
@example(url="Observation?value-quantity=5.4,5.4", chart=None, size=2, cap=1)  # two rows of one resource fill a cap
def test_matches_are_those_of_a_look_at_the_content(
    setting: Setting, url: str, chart: int | None, size: int, cap: int
) -> None:
    scope: Scope = Listing(UNIT_A) if chart is None else Chart((setting.patients[chart].pid,))
    with mock.patch.multiple(rank, GATHER_CAP=cap, RANGE_CAP=cap):
        found = setting.loop.run_until_complete(setting.world.all_pages("a", scope, f"{url}&_count={size}"))
    assert found == setting.expected(url, scope)


def test_what_is_searched_for_is_there_at_all(setting: Setting) -> None:
    """The property above would hold if nothing ever matched."""
    listing = Listing(UNIT_A)
    urls = (
        "code-value-quantity=8480-6$gt0",
        "combo-code-value-quantity=8480-6$gt0|http://unitsofmeasure.org|mg",
        "component-code-value-quantity=8462-4$lt100",
        "value-quantity=0.0054|http://unitsofmeasure.org|g",
        "combo-code-value-concept=a\\$b$8480-6,a\\,b$8480-6",
        "code-value-date=8480-6$2024,8462-4$2024",
        "code-value-string=a\\$b$å,8480-6$sys",
        "code:text=åndenød",
        "subject:text=vekt",
        "identifier:of-type=urn:t|MR|1",
    )
    for url in urls:
        assert setting.expected(f"Observation?{url}", listing), url
    assert setting.expected("MolecularSequence?chromosome-variant-coordinate=1$10$le15", listing)
    assert setting.expected("DocumentReference?relationship=DocumentReference/a$replaces", listing)
