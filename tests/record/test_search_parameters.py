"""Search parameters that an operator adds while the site runs: what may be added, and that no answer is partial."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from unittest import mock

import pytest

from fellesjournal import fhir
from fellesjournal.kit.db import Database
from fellesjournal.kit.ids import encode
from fellesjournal.record import indexing, parameter, store
from fellesjournal.record.definitions import Definitions
from fellesjournal.record.indexing import Indexer
from fellesjournal.record.parameter import BadParameter, read_parameter
from fellesjournal.record.rows import Wanted, gather
from fellesjournal.record.search import (
    NOTICE_INDEX,
    Chart,
    Listing,
    NotIndexed,
    Scope,
    SearchError,
    compile_search,
    parse_search,
)
from tests.conftest import TestDatabase
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, WRITE, Known, World


def definition(code: str, expression: str, *, type: str = "token", base: Any = ("Observation",), **more: Any) -> bytes:
    made = {
        "resourceType": "SearchParameter", "url": f"http://example.test/sp/{code}", "name": code.replace("-", ""),
        "status": "active", "description": "En prøve.", "code": code, "base": list(base), "type": type,
        "expression": expression, **more,
    }  # fmt: skip
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "JSON"), (b'{"resourceType":"Patient"}', "SearchParameter"), (definition("x", ""), "expression"),
        (definition("code", "Observation.code"), "already"), (definition("_x", "Observation.code"), "code"),
        (definition("x:y", "Observation.code"), "code"),
        (definition("x", "Observation.code", status="retired"), "retired"),
        (definition("x", "Observation.cod"), "no element"), (definition("x", "Observation.code.("), "expression"),
        (definition("x", "Observation.nothing()"), "function"), (definition("x", "Patient.name"), "Patient"),
        (definition("x", "Observation.code", base=("Resource",)), "Resource"),
        (definition("x", "Observation.code", type="composite"), "type"),
        (definition("x", "Observation.code", base=("Observation", "Condition")), "Condition"),
        (definition("x", "Observation.code" + " " * 2500), "at most"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_not_added(content: bytes, why: str) -> None:
    with pytest.raises(BadParameter, match=f"(?i){why}"):
        read_parameter(content)


def test_a_union_may_speak_of_several_types() -> None:
    made = read_parameter(
        definition(
            "said", "Observation.note.text | Condition.note.text", type="string", base=("Observation", "Condition")
        )
    )
    assert made.bases == ("Observation", "Condition")


class Running:
    """A world, an operator and a worker."""

    def __init__(self, world: World, operator: Database, worker: Database) -> None:
        self.world, self.operator, self.worker = world, operator, worker
        self.definitions = Definitions(world.web)
        self.stop = asyncio.Event()

    async def add(self, code: str, expression: str, **more: Any) -> list[int]:
        return await parameter.add(self.operator, read_parameter(definition(code, expression, **more)))

    @property
    def indexer(self) -> Indexer:
        async def secret() -> bytes:
            return self.world.secrets["indexer"]

        return Indexer(
            self.worker, keys=self.world.test.keys, definitions=Definitions(self.worker), secret=secret, stop=self.stop
        )

    async def search(self, url: str, *, who: str = "a", scope: Scope | None = None, lenient: bool = False) -> list[str]:
        registry = await self.definitions.renew()
        rtype, _, text = url.partition("?")
        pairs = [(n, v) for n, _, v in (part.partition("=") for part in text.split("&"))]
        query = parse_search(rtype, pairs, strict=not lenient, registry=registry)
        scope = scope or Listing(UNIT_A if who == "a" else UNIT_B)
        hits = await self.world.rows(
            who, scope, compile_search(query, scope=scope, hash64=self.world.hash64, is_alone=True)
        )
        assert not [hit.body for hit in hits if hit.k == 101]
        return sorted(json.loads(hit.body)["id"] for hit in hits if hit.k == 0)

    async def write(self, resource: dict[str, Any], known: Known | None = None, conn: Any = None) -> Any:
        """A new resource or version, with the rows that this process knows of; the rows of `vault.write`."""
        registry = self.definitions.registry
        wanted = self.world._wanted(resource, UNIT_A)
        if known is not None:
            wanted = Wanted("U", known.rtype, known.slot, known.pid, known.org, resource, expect=-1)
        columns = gather([wanted], hash64=self.world.hash64, registry=registry)
        return await (conn or self.world.web).fetch(WRITE, self.world.secrets["loader"], *columns.arguments())


@pytest.fixture
async def running(database: TestDatabase) -> AsyncGenerator[Running, None]:
    async with (
        await database.connect_admin() as admin, await database.connect("fj_web") as web,
        await database.connect("fj_migrate") as operator, await database.connect("fj_worker") as worker,
    ):  # fmt: skip
        world = await World(database, admin, web).prepare()
        await world._system("indexer", LOADER_UNIT, "INDEX")
        yield Running(world, operator, worker)


def observation(patient: Known, n: int, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final" if n % 3 else "amended", "code": {"text": "x"},
        "subject": {"reference": patient.ref}, "effectiveDateTime": f"2024-01-{1 + n % 28:02}",
        "interpretation": [{"coding": [{"system": "urn:i", "code": "HLN"[n % 3], "display": "Høy"}]}],
        "issued": f"2024-02-{1 + n % 28:02}T10:00:00Z", "note": [{"text": f"Notat {n}"}],
        "referenceRange": [{"low": {"value": n, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}}],
        "component": [{"code": {"text": "c"}}] * (n % 4), "implicitRules": f"http://example.test/r/{n % 2}",
        "extension": [{"url": "http://example.test/e", "valueCode": "abc"[n % 3]}], **more,
    }  # fmt: skip


async def people(world: World) -> tuple[list[Known], list[Known]]:
    patients = await world.write([{"resourceType": "Patient", "name": [{"family": f}]} for f in "ABC"], org=LOADER_UNIT)
    await world.relate(UNIT_A, patients[:2])
    await world.relate(UNIT_B, patients[2:])
    made = await world.write([_slim(observation(patients[n % 3], n)) for n in range(40)], org=UNIT_A)
    return patients, made


def _slim(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if value != []}


CASES: list[tuple[str, str, str, str, Any]] = [
    ("interpretation", "token", "Observation.interpretation", "urn:i|H", lambda n: n % 3 == 0),
    ("interpretation", "token", "Observation.interpretation", "L", lambda n: n % 3 == 1),
    ("loud", "token", "Observation.status.upper()", "FINAL", lambda n: n % 3 != 0),
    ("few", "token", "Observation.component.count() < 2", "true", lambda n: n % 4 < 2),
    ("said", "string", "Observation.note.text", "notat 1", lambda n: str(n).startswith("1")),
    ("out", "date", "Observation.issued", "ge2024-02-15", lambda n: 1 + n % 28 >= 15),
    ("parts", "number", "Observation.component.count()", "3", lambda n: n % 4 == 3),
    ("low", "quantity", "Observation.referenceRange.low", "lt10", lambda n: n < 10),
    ("low", "quantity", "Observation.referenceRange.low", "12|http://unitsofmeasure.org|mg", lambda n: n == 12),
    ("rules", "uri", "Observation.implicitRules", "http://example.test/r/1", lambda n: n % 2 == 1),
    ("ext", "token", "Observation.extension.where(url = 'http://example.test/e').value", "b", lambda n: n % 3 == 1),
    ("bare", "token", "Observation.extension.where(url = 'http://example.test/e')", "|b", lambda n: n % 3 == 1),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind", "expression", "value", "fits"), CASES)
async def test_what_was_there_before_and_what_comes_after_is_found_alike(
    running: Running, code: str, kind: str, expression: str, value: str, fits: Any
) -> None:
    patients, made = await people(running.world)
    (edition,) = await running.add(code, expression, type=kind)
    with mock.patch.object(indexing, "PAGE", 7):
        await running.indexer.work(edition)
    await running.definitions.renew()
    for n, item in enumerate(made[:6]):
        assert [row["status"] for row in await running.write(_slim(observation(patients[n % 3], n)), item)] == [200]
    mine = sorted(item.id for n, item in enumerate(made) if n % 3 != 2 and fits(n))
    assert await running.search(f"Observation?{code}={value}&_count=100") == mine
    chart = Chart((patients[0].pid,))
    assert await running.search(f"Observation?{code}={value}&_count=100", scope=chart) == sorted(
        item.id for n, item in enumerate(made) if n % 3 == 0 and fits(n)
    )
    # The controller is unit A: unit B has her in its care, and these rows in no list of its own.
    assert await running.search(f"Observation?{code}={value}", who="b") == []
    assert await running.search(
        f"Observation?{code}={value}&_count=100", who="b", scope=Chart((patients[2].pid,))
    ) == sorted(item.id for n, item in enumerate(made) if n % 3 == 2 and fits(n))


async def test_references_are_followed_in_both_ways(running: Running) -> None:
    world = running.world
    patients, _ = await people(world)
    doctors = await world.write([{"resourceType": "Practitioner", "name": [{"family": f}]} for f in ("Lie", "Dahl")])
    noted = [
        _slim(observation(patients[0], n, note=[{"authorReference": {"reference": doctors[n % 2].ref}, "text": "x"}]))
        for n in range(4)
    ]
    made = await world.write(noted, org=UNIT_A)
    (edition,) = await running.add(
        "author", "Observation.note.author.ofType(Reference)", type="reference", target=["Practitioner"]
    )
    await running.indexer.work(edition)
    mine = sorted([made[0].id, made[2].id])
    assert await running.search(f"Observation?author={doctors[0].ref}") == mine
    assert await running.search("Observation?author.family=lie") == mine
    assert await running.search("Observation?author:Practitioner.family=lie&_include=Observation:author") == mine
    assert await running.search("Practitioner?_has:Observation:author:status=amended") == sorted(d.id for d in doctors)
    assert await running.search('Observation?_filter=author.family eq "lie"') == mine


async def test_until_it_is_ready_a_search_by_it_is_refused_and_a_lenient_one_told(running: Running) -> None:
    _, made = await people(running.world)
    (edition,) = await running.add("interpretation", "Observation.interpretation")
    for url in (
        "Observation?interpretation=H", "Observation?_filter=interpretation eq H", "Observation?_sort=interpretation",
        "Patient?_has:Observation:subject:interpretation=H",
    ):  # fmt: skip
        with pytest.raises(NotIndexed) as refused:
            await running.search(url)
        assert (refused.value.status, refused.value.issues[0].code) == (503, "incomplete")
    with pytest.raises(SearchError) as both:
        await running.search("Observation?interpretation=H&nothing=1")
    assert both.value.status == 400
    assert len(await running.search("Observation?interpretation=H&_count=100", lenient=True)) == 27
    registry = await running.definitions.renew()
    assert parse_search("Observation", [("interpretation", "H")], strict=False, registry=registry).ignored
    with pytest.raises(NotIndexed):  # Left out, it would mean something else.
        await running.search("Observation?_filter=interpretation eq H", lenient=True)
    await running.indexer.work(edition)
    assert len(await running.search("Observation?interpretation=H&_count=100")) == sum(n % 3 == 0 for n in range(40))
    del made


async def test_a_process_that_has_not_heard_of_a_change_answers_nothing_partial(running: Running) -> None:
    await people(running.world)
    (edition,) = await running.add("interpretation", "Observation.interpretation")
    await running.indexer.work(edition)
    before = await running.definitions.renew()
    query = parse_search("Observation", [("interpretation", "H")], registry=before)
    assert await parameter.remove(running.operator, "interpretation") == 1
    scope = Listing(UNIT_A)
    compiled = compile_search(query, scope=scope, hash64=running.world.hash64)
    assert NOTICE_INDEX in [hit.body for hit in await running.world.rows("a", scope, compiled)]
    await running.indexer.work(edition)
    (again,) = await running.add("interpretation", "Observation.code", type="token")
    await running.indexer.work(again)
    assert NOTICE_INDEX in [hit.body for hit in await running.world.rows("a", scope, compiled)]


async def test_who_writes_without_knowing_writes_nothing(running: Running) -> None:
    patients, _ = await people(running.world)
    await running.add("interpretation", "Observation.interpretation")
    assert [row["status"] for row in await running.write(_slim(observation(patients[0], 1)))] == [425]
    await running.definitions.renew()
    assert [row["status"] for row in await running.write(_slim(observation(patients[0], 1)))] == [201]


async def test_a_write_that_began_before_is_waited_for(running: Running) -> None:
    patients, made = await people(running.world)
    async with running.world.web.transaction() as slow:
        rows = await running.write(_slim(observation(patients[0], 0)), conn=slow)
        assert rows[0]["status"] == 201
        (edition,) = await running.add("interpretation", "Observation.interpretation")
        secret = running.world.secrets["indexer"]
        states = [await _state(running, secret, edition) for _ in range(3)]
        assert states == ["wait", "wait", "wait"]
    await running.indexer.work(edition)
    found = await running.search("Observation?interpretation=H&_count=100")
    assert len(found) == sum(n % 3 == 0 for n in range(40)) + 1
    del made


async def _state(running: Running, secret: bytes, edition: int) -> str:
    return str(await running.worker.fetchval("SELECT vault.index_state($1, $2)", secret, edition))


async def test_a_worker_that_is_killed_goes_on_where_it_was_and_two_do_no_harm(running: Running) -> None:
    patients, made = await people(running.world)
    (edition,) = await running.add("interpretation", "Observation.interpretation")
    with mock.patch.object(indexing, "PAGE", 5):
        for _ in range(3):
            indexer = running.indexer
            while await _state(running, running.world.secrets["indexer"], edition) == "wait":
                pass
            assert await indexer._fill(edition)
        seen = (await parameter.listed(running.operator))[0]["seen"]
        assert 0 < seen < 40
        # One of the resources ahead, and one behind, gets a new version in the meantime.
        await running.definitions.renew()
        for item in made[::7]:
            new = _slim(observation(patients[made.index(item) % 3], made.index(item), interpretation=[{"text": "ny"}]))
            assert [row["status"] for row in await running.write(new, item)] == [200]
        await asyncio.gather(running.indexer.work(edition), running.indexer.work(edition))
        await running.indexer.work_on_all()
    rows = await running.world.admin.fetch(
        "SELECT pid, count(*) AS n FROM vault.sp_token WHERE param = $1 GROUP BY pid",
        fhir.param_id("Observation", "interpretation"),
    )
    assert {row["pid"]: row["n"] for row in rows} == {item.pid: 3 for n, item in enumerate(made) if n % 7}


async def test_the_rows_of_what_was_taken_back_are_gone(running: Running) -> None:
    await people(running.world)
    (edition,) = await running.add("low", "Observation.referenceRange.low", type="quantity")
    await running.indexer.work(edition)
    added = (await running.definitions.renew()).added[0]
    count = "SELECT count(*) FROM vault.sp_quantity WHERE param = ANY ($1)"
    assert await running.world.admin.fetchval(count, list(added.numbers)) == 80
    assert await parameter.remove(running.operator, "low") == 1
    with pytest.raises(SearchError):
        await running.search("Observation?low=1")
    with pytest.raises(BadParameter):
        await running.add("low", "Observation.referenceRange.high", type="quantity")
    with mock.patch.object(indexing, "PAGE", 6):
        await running.indexer.work(edition)
    assert await running.world.admin.fetchval(count, list(added.numbers)) == 0
    assert await parameter.listed(running.operator) == []
    await running.add("low", "Observation.referenceRange.high", type="quantity")


async def test_an_expression_that_fails_finds_nothing_and_is_counted(running: Running) -> None:
    patients, _ = await people(running.world)
    (edition,) = await running.add("one-note", "Observation.component.single().code.text", type="string")
    await running.indexer.work(edition)
    (row,) = await parameter.listed(running.operator)
    assert (row["state"], row["seen"], row["faults"]) == ("ready", 40, sum(n % 4 > 1 for n in range(40)))
    await running.definitions.renew()
    assert [row["status"] for row in await running.write(_slim(observation(patients[0], 3)))] == [201]


async def test_a_costly_expression_is_cut_off(running: Running) -> None:
    patients, _ = await people(running.world)
    (edition,) = await running.add(
        "deep", "Observation.repeat(descendants()).select(descendants()).descendants().count()", type="number"
    )
    await asyncio.wait_for(running.indexer.work(edition), 60)
    await running.definitions.renew()
    assert [row["status"] for row in await running.write(_slim(observation(patients[0], 3)))] == [201]


async def test_only_the_system_with_the_grant_reads_for_it_and_the_log_says_so(running: Running) -> None:
    await people(running.world)
    (edition,) = await running.add("interpretation", "Observation.interpretation")
    for name in ("a", "loader"):
        assert await _state(running, running.world.secrets[name], edition) == "none"
        assert (
            await running.worker.fetch(
                "SELECT * FROM vault.index_read($1, $2, 10)", running.world.secrets[name], edition
            )
            == []
        )
    await running.indexer.work(edition)
    rows = await running.world.admin.fetch("SELECT patient, what FROM access.log WHERE action = 'index'")
    assert rows and {row["patient"] for row in rows} == {0} and rows[0]["what"] == [edition]


async def test_a_name_is_added_once_and_to_a_bounded_number_of_types(running: Running) -> None:
    await running.add("x", "Observation.code")
    with pytest.raises(BadParameter, match="already"):
        await running.add("x", "Observation.category")
    with mock.patch.object(parameter, "MAX_ADDED", 1), pytest.raises(BadParameter, match="at most"):
        await running.add("y", "Observation.code")


async def test_chosen_ids_are_found_by_either_name(running: Running) -> None:
    world = running.world
    patients, _ = await people(world)
    chosen = Wanted("C", "Practitioner", 0, 4242, UNIT_A, {"resourceType": "Practitioner"}, chosen="dr-lie")
    columns = gather([chosen], hash64=world.hash64)
    rows = await store.write(world.web, secret=world.secrets["loader"], columns=columns)
    assert [row["status"] for row in rows] == [201]
    noted = observation(patients[0], 1, note=[{"authorReference": {"reference": "Practitioner/dr-lie"}, "text": "x"}])
    (made,) = await world.write([_slim(noted)], org=UNIT_A)
    (edition,) = await running.add("author", "Observation.note.author.ofType(Reference)", type="reference")
    await running.indexer.work(edition)
    assert await running.search(f"Observation?author=Practitioner/{encode(0, 4242)}") == [made.id]


async def test_the_worker_completes_what_one_write_has_left(running: Running) -> None:
    world = running.world
    patients, _ = await people(world)
    noted = _slim(observation(patients[0], 1, performer=[{"reference": "Practitioner/dr-sen"}]))
    await world.write([noted], org=UNIT_A)
    chosen = Wanted("C", "Practitioner", 0, 4343, UNIT_A, {"resourceType": "Practitioner"}, chosen="dr-sen")
    columns = gather([chosen], hash64=world.hash64)
    rows = await store.write(world.web, secret=world.secrets["loader"], columns=columns)
    assert [row["status"] for row in rows] == [201]
    h = world.hash64("Practitioner/dr-sen")
    led = "SELECT count(*) FROM vault.sp_reference WHERE h = $1 AND tslot = 0 AND tpid = 4343"
    assert await world.admin.fetchval(led, h) > 0
    await world.admin.execute("UPDATE vault.sp_reference SET tslot = NULL, tpid = NULL WHERE h = $1", h)
    further = "SELECT vault.complete_further($1, $2, 0::int2, 4343, 0)"
    assert await running.worker.fetchval(further, world.secrets["a"], h) is None
    await running.indexer.complete({"h": h, "slot": 0, "pid": 4343, "org": 0})
    assert await world.admin.fetchval(led, h) > 0
