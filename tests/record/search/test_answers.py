"""What goes along with matches, cursors, caps, several searches in one call, and the plans."""

import re
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from fellesjournal.record.search import (
    Chart,
    Compiled,
    Cursor,
    Listing,
    Scope,
    SearchError,
    compile,
    compile_many,
    compile_search,
    include,
    open_cursor,
    parse_search,
    rank,
    seal_cursor,
)
from tests.access.conftest import SEAL_LIST
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, Known, World


def person(family: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family}]}


def observation(subject: Known, *, code: str = "8480-6", day: str = "2024-01-01", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": subject.ref}, "effectiveDateTime": day,
        "valueQuantity": {"value": Decimal("5.4"), "unit": "kg"}, **more,
    }  # fmt: skip


async def a_chart(world: World) -> tuple[Known, Known, list[Known]]:
    """A practitioner, a patient of unit A, three observations."""
    (practitioner,) = await world.write([{"resourceType": "Practitioner", "name": [{"family": "Lege"}]}])
    (patient,) = await world.write([person("Nordmann")], org=LOADER_UNIT)
    await world.relate(UNIT_A, [patient])
    performer = [{"reference": practitioner.ref}]
    made = await world.write([observation(patient, day=f"2024-01-0{n}", performer=performer) for n in (1, 2, 3)])
    return practitioner, patient, made


@pytest.mark.parametrize("is_chart", [True, False])
async def test_includes_follow_references_forwards_and_backwards(world: World, is_chart: bool) -> None:
    practitioner, patient, made = await a_chart(world)
    scope: Scope = Chart((patient.pid,)) if is_chart else Listing(UNIT_A)
    answer = await world.search(
        "a", scope, "Observation?_count=2&_include=Observation:subject&_include=Observation:performer"
    )
    assert sorted(answer.included) == sorted([patient.ref, practitioner.ref])
    answer = await world.search("a", scope, "Observation?_include=Observation:performer:Patient")
    assert answer.included == []
    answer = await world.search("a", scope, "Patient?_revinclude=Observation:subject")
    assert sorted(answer.included) == sorted(o.ref for o in made)
    answer = await world.search(
        "a", scope, "Patient?_revinclude=Observation:subject&_include:iterate=Observation:performer"
    )
    assert practitioner.ref in answer.included and len(answer.included) == 4
    answer = await world.search("a", scope, "Observation?_include=*")
    assert sorted(answer.included) == sorted([patient.ref, practitioner.ref])


async def test_included_rows_of_hidden_people_never_come_along(world: World) -> None:
    _, patient, _ = await a_chart(world)
    (other,) = await world.write([person("Hemmelig")], org=LOADER_UNIT)
    await world.write([observation(other)])
    (note,) = await world.write([{"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": other.ref}}])
    for scope in (Chart((patient.pid,)), Listing(UNIT_A)):
        answer = await world.search("a", scope, "Observation?_include=*&_total=accurate")
        assert answer.total == 3 and other.ref not in answer.included and note.ref not in answer.included
        assert (
            await world.search("a", scope, "Patient?_has:Observation:subject:code=8480-6&_total=accurate")
        ).total == 1


async def test_a_patient_without_a_relation_changes_nothing(world: World) -> None:
    await a_chart(world)
    before = await world.search("a", Listing(UNIT_A), "Observation?code=8480-6&_total=accurate")
    (other,) = await world.write([person("Nordmann")], org=UNIT_A)
    await world.write([observation(other) for _ in range(5)])
    after = await world.search("a", Listing(UNIT_A), "Observation?code=8480-6&_total=accurate")
    assert before == after
    assert (await world.search("a", Listing(UNIT_A), "Patient?family=Nordmann&_total=accurate")).total == 1
    assert (await world.search("a", Listing(UNIT_A), f"Patient?_id={other.id}")).ids == []
    assert (await world.search("b", Listing(UNIT_B), "Patient?_total=accurate")).total == 0


async def test_too_many_includes_are_cut_and_told(world: World) -> None:
    _, patient, _ = await a_chart(world)
    with mock.patch.object(include, "INCLUDE_CAP", 2), mock.patch.object(compile, "INCLUDE_CAP", 2):
        answer = await world.search("a", Chart((patient.pid,)), "Patient?_revinclude=Observation:subject")
    assert len(answer.included) == 2 and answer.notices == ["more-includes"]


async def test_an_order_without_an_index_is_refused_when_there_is_too_much(world: World) -> None:
    _, patient, _ = await a_chart(world)
    with mock.patch.object(compile, "SORT_CAP", 2):
        answer = await world.search("a", Listing(UNIT_A), "Observation?_sort=value-quantity")
        assert (answer.ids, answer.notices) == ([], ["too-many-to-sort"])
        answer = await world.search("a", Chart((patient.pid,)), "Observation?_sort=value-quantity")
        assert len(answer.ids) == 3 and answer.notices == []


async def test_pages_stay_in_place_while_rows_come_and_go(world: World) -> None:
    _, patient, _ = await a_chart(world)
    scope = Chart((patient.pid,))
    for order in ("", "&_sort=-value-quantity"):
        first = await world.search("a", scope, f"Observation?_count=1{order}")
        shown = next(m for m in world.known if m.id == first.ids[0])
        await world.delete(shown)
        (newer,) = await world.write([observation(patient, day="2025-01-01")])
        second = await world.search("a", scope, f"Observation?_count=5{order}", first.next)
        assert first.ids[0] not in second.ids
        assert newer.id not in second.ids or order
        await world.delete(newer)


def test_cursor_is_for_one_search_one_reader_and_one_unit(database: Any) -> None:
    keys = database.keys
    query = parse_search("Observation", [("code", "x")])
    cursor = Cursor(sort=datetime.fromisoformat("2024-01-01T00:00:00.123456+00:00"), pid=2**62, shown=20)
    sealed = seal_cursor(cursor, keys=keys, query=query, person=1, unit=2)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", sealed)
    assert open_cursor(sealed, keys=keys, query=query, person=1, unit=2) == cursor
    other = parse_search("Observation", [("code", "y")])
    for changed in ({"query": other}, {"person": 2}, {"unit": 3}):
        with pytest.raises(SearchError):
            open_cursor(sealed, **({"keys": keys, "query": query, "person": 1, "unit": 2} | changed))
    for forged in (
        sealed[:-1] + ("A" if sealed[-1] != "A" else "Q"),
        "Z" + sealed[1:],
        "",
        "å",
        "x" * 500,
        sealed + "AAAA",
    ):
        with pytest.raises(SearchError):
            open_cursor(forged, keys=keys, query=query, person=1, unit=2)


async def test_several_searches_go_in_one_call(world: World) -> None:
    _, patient, made = await a_chart(world)
    scope = Chart((patient.pid,))
    urls = [
        "Observation?_count=2&_total=accurate",
        "Patient?_include=Patient:general-practitioner",
        "Condition?",
        "Observation?date=2024-01-02",
    ]
    together = compile_many([(7 + n, world.compile(scope, url)) for n, url in enumerate(urls)])
    hits = await world.rows("a", scope, together)
    by_part = {k: [hit.pid for hit in hits if hit.k == k] for k in (7, 8, 9, 10)}
    assert by_part == {7: [made[2].pid, made[1].pid], 8: [patient.pid], 9: [], 10: [made[1].pid]}
    assert [(hit.version, hit.pid) for hit in hits if hit.k == 110] == [(7, 3)]
    assert [hit.version for hit in hits if hit.k == 111] == [7]


NASTY = ("'; DROP TABLE x; --", '"', "$1[1]", "{}", "{0}", "\\", "%s", "NULL", "\U0001f600", "$2[1:2]", "{a}")


@pytest.mark.parametrize("nasty", NASTY)
async def test_values_are_never_part_of_the_sql(world: World, nasty: str) -> None:
    value = nasty.replace("\\", "\\\\").replace(",", "\\,")
    for rtype, name in (
        ("Patient", "family"), ("Patient", "name:exact"), ("Patient", "name:contains"),
        ("Observation", "code"),
        ("Observation", "_source:above"), ("Observation", "_id"), ("Observation", "subject"),
        ("Observation", "subject:Patient.name"),
    ):  # fmt: skip
        query = parse_search(rtype, [(name, value)])
        harmless = parse_search(rtype, [(name, "x" * len(nasty))])
        for scope in (Chart((1,)), Listing(UNIT_A)):
            made = compile_search(query, scope=scope, hash64=world.hash64)
            plain = compile_search(harmless, scope=scope, hash64=world.hash64)
            if name not in ("_source:above", "_id", "family", "subject", "subject:Patient.name"):
                assert made.sql == plain.sql
            assert nasty not in re.sub(r"\$\d\[\d+(:\d+)?\]|'[a-z-]*'|'-?Infinity'", "", made.sql) or nasty in ("NULL",)
        await world.rows("a", Listing(UNIT_A), compile_search(query, scope=Listing(UNIT_A), hash64=world.hash64))


async def explained(world: World, scope: Scope, compiled: Compiled) -> str:
    """The kept plan, made without the values, as the role that runs it."""
    async with world.admin.transaction() as conn:
        if isinstance(scope, Chart):
            patients = "{" + ",".join(map(str, [*scope.patients, 0])) + "}"
            await conn.execute("SELECT ctx.seal_chart(sha256($1), 0::smallint, $2)", world.secrets["a"], patients)
        else:
            await conn.execute(SEAL_LIST, world.secrets["a"])
        await conn.execute(f"SET LOCAL ROLE {'vault_chart' if isinstance(scope, Chart) else 'vault_list'}")
        await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await conn.execute(f"PREPARE p (bigint[], text[], timestamptz[], double precision[]) AS {compiled.choices[-1]}")
        rows = await conn.fetch("EXPLAIN EXECUTE p ('{}', '{}', '{}', '{}')")
        await conn.execute("DEALLOCATE p")
        return "\n".join(row[0] for row in rows)


async def test_token_search_walks_the_index_in_order(world: World) -> None:
    _, patient, _ = await a_chart(world)
    await world.write([observation(patient, code=str(n % 7), day=f"2023-01-{1 + n % 28:02}") for n in range(400)])
    await world.admin.execute("ANALYZE")
    for scope, index in ((Chart((patient.pid,)), "sp_token_chart"), (Listing(UNIT_A), "sp_token_list")):
        plan = await explained(world, scope, world.compile(scope, "Observation?code=3&_count=20"))
        assert f"Index Scan using {index}" in plan
        assert "Sort" not in plan
        assert not re.search("Seq Scan on (sp_|resource)", plan)


async def test_second_condition_is_one_probe_for_each_row(world: World) -> None:
    _, patient, _ = await a_chart(world)
    await world.write([observation(patient, code=str(n % 7), day=f"2023-01-{1 + n % 28:02}") for n in range(400)])
    await world.admin.execute("ANALYZE")
    scope = Chart((patient.pid,))
    plan = await explained(world, scope, world.compile(scope, "Observation?code=3&status=final&date=ge2023"))
    assert "SubPlan" in plan and "Hash" not in plan and "Seq Scan" not in plan


async def test_plans_are_kept_in_the_connection(world: World) -> None:
    _, patient, _ = await a_chart(world)
    scope = Chart((patient.pid,))
    one = await world.test.connect("fj_web", max_size=1)
    async with one:
        world = replace(world, web=one)
        for _ in range(3):
            assert len((await world.search("a", scope, "Observation?code=8480-6")).ids) == 3
        assert await one.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE from_sql") == 1
        # A kept plan is nobody else's: the application's own role may not read what it reads.
        name = await one.fetchval("SELECT name FROM pg_prepared_statements WHERE from_sql")
        with pytest.raises(Exception, match="permission denied"):
            await one.execute(f"EXECUTE {name} ('{{}}', '{{}}', '{{}}', '{{}}')")
        assert len((await world.search("a", scope, "Observation?code=8480-6")).ids) == 3


async def test_a_plan_that_is_gone_is_made_again_and_too_many_are_forgotten(world: World) -> None:
    _, patient, _ = await a_chart(world)
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql"
    async with await world.test.connect("fj_web", max_size=1) as one:
        world = replace(world, web=one)

        async def found() -> int:
            return len((await world.search("a", Chart((patient.pid,)), "Observation?code=8480-6")).ids)

        assert await found() == 3
        await one.execute(f"DEALLOCATE {await one.fetchval('SELECT name FROM pg_prepared_statements WHERE from_sql')}")
        assert (await found(), await one.fetchval(kept)) == (3, 0)
        assert (await found(), await one.fetchval(kept)) == (3, 1)
        await one.execute("SELECT set_config('fj.plans', repeat('c' || repeat('0', 32), 151), false)")
        assert (await found(), await one.fetchval(kept)) == (3, 1)
        assert len(await one.fetchval("SELECT current_setting('fj.plans')")) == 33


async def test_composites_and_texts_are_found_by_their_own_index(world: World) -> None:
    _, patient, _ = await a_chart(world)
    unit = {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    kilos = [unit | {"value": Decimal(n)} for n in range(400)]
    await world.write([observation(patient, code=str(n % 7), valueQuantity=kilo) for n, kilo in enumerate(kilos)])
    await world.admin.execute("ANALYZE")
    chart, units = Chart((patient.pid,)), Listing(UNIT_A)
    for scope, url, index in (
        (chart, "Observation?code-value-quantity=3$gt5", "sp_composite_chart"),
        (units, "Observation?code-value-quantity=3$gt5", "sp_composite_list"),
        (units, "Observation?code-value-quantity=3$gt5&status=final", "sp_composite_list"),
        (units, "Observation?combo-code-value-quantity=3$gt5", "sp_composite_list"),
        (chart, "Observation?code:text=vekt", "sp_string_chart"),
        (units, "Observation?code:text=vekt", "sp_string_list"),
        (units, "Observation?value-quantity=5.4|http://unitsofmeasure.org|kg", "sp_quantity_list"),
        # One unit alone is in this world: the planner may take either index here.
        (chart, "Observation?value-quantity=5.4|http://unitsofmeasure.org|kg", "Index Scan using sp_quantity_"),
    ):
        plan = await explained(world, scope, world.compile(scope, url + "&_count=20"))
        assert index in plan and not re.search("Seq Scan on (sp_|resource)", plan), (url, plan)


async def test_a_dense_composite_is_walked_in_order_and_not_sorted(world: World) -> None:
    _, patient, _ = await a_chart(world)
    await world.write([observation(patient, code=str(n % 7), day=f"2023-01-{1 + n % 28:02}") for n in range(400)])
    await world.admin.execute("ANALYZE")
    scope = Chart((patient.pid,))
    plan = await explained(world, scope, world.compile(scope, "Observation?code-value-quantity=3$gt5&_count=20"))
    assert "Sort" not in plan


async def test_what_lies_beyond_is_gathered_when_it_is_little(world: World) -> None:
    _, patient, _ = await a_chart(world)
    unit = {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    kilos = [unit | {"value": Decimal(n)} for n in range(400)]
    await world.write([observation(patient, code=str(n % 7), valueQuantity=kilo) for n, kilo in enumerate(kilos)])
    await world.admin.execute("ANALYZE")
    scope = Listing(UNIT_A)
    for url, index in (
        ("date=gt2030", "sp_date_end"), ("date=lt1950", "sp_date_list"), ("_lastUpdated=gt2100", "sp_date_end"),
        ("value-quantity=gt398|http://unitsofmeasure.org|kg", "sp_quantity_end"),
        ("value-quantity=lt1|http://unitsofmeasure.org|kg", "sp_quantity_list"),
    ):  # fmt: skip
        compiled = world.compile(scope, f"Observation?{url}&_count=20")
        assert len(compiled.choices) == 2 and len(compiled.probes) == 5
        plan = await explained(world, scope, replace(compiled, choices=compiled.choices[:1]))
        assert index in plan and not re.search("Seq Scan on (sp_|resource)", plan), (url, plan)
        # The walk is for the case that there is much of it.
        walk = await explained(world, scope, compiled)
        assert "resource_list" in walk and not re.search("Seq Scan on (sp_|resource)", walk), (url, walk)


async def test_a_probe_tells_much_from_little(world: World) -> None:
    _, patient, _ = await a_chart(world)
    unit = {"unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    kilos = [unit | {"value": Decimal(n)} for n in range(30)]
    days = [f"2023-01-{1 + n:02}" for n in range(30)]
    made = await world.write([observation(patient, day=d, valueQuantity=k) for d, k in zip(days, kilos, strict=True)])
    ids = [one.id for one in made]
    with mock.patch.object(rank, "RANGE_CAP", 5):
        for url, expected in (
            ("value-quantity=gt27||kg&date=le2023-02", ids[:27:-1]),
            ("value-quantity=gt2||kg&date=le2023-02", ids[:2:-1]),
            ("value-quantity=lt2&date=ge2023", [ids[1], ids[0]]), ("date=lt2023-01-03", [ids[1], ids[0]]),
            ("value-quantity=ge28|http://unitsofmeasure.org|kg", ids[:27:-1]), ("date=gt2030", []),
            ("value-quantity=ge28000|http://unitsofmeasure.org|g&code=8480-6", ids[:27:-1]),
            ("value-quantity=gt27&date=le2023-02", ids[:27:-1]), ("value-quantity=gt2&date=le2023-02", ids[:2:-1]),
        ):  # fmt: skip
            answer = await world.search("a", Listing(UNIT_A), f"Observation?{url}")
            assert answer.ids == expected, url


@pytest.mark.parametrize("code", ["patient", "subject"])
async def test_a_chart_shows_by_its_own_name_only_what_that_name_stands_in(world: World, code: str) -> None:
    """What somebody measured of nobody in particular is in their chart, and is no answer to `patient=`."""
    _, patient, made = await a_chart(world)
    scope, own = Chart((patient.pid,)), f"{code}=Patient/{patient.id}"
    ids = {o.id for o in made}
    assert set((await world.search("a", scope, f"Observation?code=8480-6&{own}")).ids) == ids
    measured = observation(patient, day="2024-02-01", performer=[{"reference": patient.ref}])
    del measured["subject"]
    (loose,) = await world.write([measured])
    assert loose.patient == patient.pid
    assert set((await world.search("a", scope, f"Observation?code=8480-6&{own}")).ids) == ids
    assert set((await world.search("a", scope, "Observation?code=8480-6")).ids) == ids | {loose.id}
    both = observation(patient, day="2024-02-02", performer=[{"reference": patient.ref}])
    (kept,) = await world.write([both])
    changed = await world.search("a", scope, f"Observation?code=8480-6&{own}&_sort=-_lastUpdated")
    assert set(changed.ids) == ids | {kept.id}
