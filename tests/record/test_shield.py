# ruff: noqa: E501 - queries read best a line each
"""What a protected person's rows tell of where they are lies apart, and comes out by one door alone."""

import json
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.kit.ids import encode
from fellesjournal.record import store
from fellesjournal.record.rows import Wanted, gather
from tests.conftest import TestDatabase
from tests.record.search.world import UNIT_A, UNIT_B, WRITE, Known, World

CODES = "http://ehelse.no/fhir/CodeSystem/gd-address-confidentiality"
KIND = {"system": "urn:oid:2.16.578.1.12.4.1.1.8663", "code": "KA01", "display": "Fastlegetjeneste"}
STREET, TOWN = "Hemmelighagen", "Skjulvik"
PLACES = (STREET.encode(), TOWN.encode(), b"5999", b"1899")


def person(level: str | None, **more: Any) -> dict[str, Any]:
    """A Patient with everything in it that tells of where it is."""
    label = {"meta": {"security": [{"system": CODES, "code": level}]}} if level else {}
    address = {
        "use": "home",
        "line": [f"{STREET} 7"],
        "city": TOWN,
        "postalCode": "5999",
        "district": TOWN,
        "_district": {
            "extension": [
                {
                    "url": "http://hl7.no/fhir/StructureDefinition/no-basis-municipalitycode",
                    "valueCoding": {"code": "1899"},
                }
            ]
        },
    }
    return {
        "resourceType": "Patient", **label,
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{STREET} 7</div>'},
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": TOWN}}],
        "name": [{"family": "Skjold", "given": ["Kari"]}], "birthDate": "1980-01-01", "address": [address],
        "contact": [{"name": {"family": "Skjold"}, "address": {"city": TOWN}}, {"address": {"line": [STREET]}}],
        "telecom": [{"system": "phone", "value": "41200000"}], **more,
    }  # fmt: skip


class Vaulted:
    """A small world with its writes and reads as one secret makes them."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def write(self, who: str, item: Known, resource: dict[str, Any]) -> list[int]:
        wanted = [Wanted("U", item.rtype, item.slot, item.pid, item.org, resource, expect=-1)]
        rows = await self.world.web.fetch(
            WRITE, self.world.secrets[who], *gather(wanted, hash64=self.world.hash64).arguments()
        )
        return [row["status"] for row in rows]

    async def read(self, who: str, item: Known, version: int = 0) -> dict[str, Any]:
        (row,) = await store.read_many(
            self.world.web,
            [store.PointRead(self.world.secrets[who], fhir.TYPE_NUMBER[item.rtype], item.slot, item.pid, version)],
        )
        assert row["status"] == 200, row["status"]
        return dict(json.loads(row["body"]))

    async def stored(self, table: str, item: Known) -> str:
        rows = await self.world.admin.fetch(f"SELECT body FROM vault.{table} WHERE pid = $1", item.pid)
        return "\n".join(row["body"] or "" for row in rows)

    async def params(self, item: Known) -> set[int]:
        rows = await self.world.admin.fetch(
            "SELECT param FROM vault.sp_string WHERE patient = $1 UNION SELECT param FROM vault.sp_token WHERE patient = $1",
            item.pid,
        )
        return {row["param"] for row in rows}

    async def level(self, item: Known) -> Any:
        return await self.world.admin.fetchval("SELECT access.protection_of($1)", item.pid)


@pytest.fixture
async def vault(database: TestDatabase) -> AsyncGenerator[Vaulted, None]:
    async with await database.connect_admin() as admin, await database.connect("fj_web") as web:
        yield Vaulted(await World(database, admin, web).prepare())


def told(text: str) -> list[bytes]:
    return [place for place in PLACES if place in text.encode()]


ADDRESS_PARAMS = {
    p.id
    for t in ("Patient", "RelatedPerson", "Person")
    for c, p in fhir.search_params(t).items()
    if c.startswith("address")
}


async def test_the_parameters_that_are_addresses_are_those_of_r4(vault: Vaulted) -> None:
    assert set(await vault.world.admin.fetchval("SELECT vault.place_params()")) == ADDRESS_PARAMS


async def test_a_protected_address_lies_apart_and_no_search_row_leads_to_it(vault: Vaulted) -> None:
    open_one, hidden = await vault.world.write([person(None), person("fortrolig")])
    await vault.world.relate(UNIT_A, [open_one, hidden])
    assert told(await vault.stored("resource", open_one)) and await vault.params(open_one) & ADDRESS_PARAMS
    assert not await vault.stored("shielded", open_one)
    assert not told(await vault.stored("resource", hidden)) and not told(await vault.stored("history", hidden))
    assert not await vault.params(hidden) & ADDRESS_PARAMS
    seen = await vault.read("a", hidden)
    assert not told(json.dumps(seen)) and "address" not in seen and seen["contact"] == [{"name": {"family": "Skjold"}}]
    assert seen["telecom"] and [one["code"] for one in seen["meta"]["security"]] == ["fortrolig", "REDACTED"]
    assert list(seen)[:3] == ["resourceType", "id", "meta"] and not fhir.validate(seen)


async def test_what_lies_apart_is_byte_for_byte_what_was_written(vault: Vaulted) -> None:
    (plain,) = await vault.world.write([person(None)])
    before = await vault.stored("history", plain)
    assert await vault.write("loader", plain, person("fortrolig")) == [200]
    assert not told(await vault.stored("history", plain))
    kept = (
        await vault.world.admin.fetchrow("SELECT body FROM vault.shielded WHERE pid = $1 AND version = 1", plain.pid)
    )["body"]
    assert kept == before
    assert await vault.write("loader", plain, person(None)) == [200]
    assert await vault.level(plain) is None and not await vault.stored("shielded", plain)
    assert (await vault.stored("history", plain)).startswith(before) and await vault.params(plain) & ADDRESS_PARAMS


async def test_a_change_by_one_who_does_not_see_the_address_keeps_it(vault: Vaulted) -> None:
    (hidden,) = await vault.world.write([person("fortrolig")])
    await vault.world.relate(UNIT_A, [hidden])
    seen = await vault.read("a", hidden)
    seen["telecom"] = [{"system": "phone", "value": "99900000"}]
    assert await vault.write("a", hidden, seen) == [200]
    whole = await vault.read("loader", hidden)
    assert whole["telecom"][0]["value"] == "99900000"
    assert whole["address"] == person("fortrolig")["address"] and len(whole["contact"]) == 2
    assert [one["code"] for one in whole["meta"]["security"]] == ["fortrolig"]
    assert not told(await vault.stored("resource", hidden)) and not told(await vault.stored("history", hidden))
    bare = {key: value for key, value in seen.items() if key != "meta"} | {"meta": person("fortrolig")["meta"]}
    assert await vault.write("a", hidden, bare) == [200]
    assert (await vault.read("loader", hidden))["address"] == person("fortrolig")["address"]
    assert (await vault.read("a", hidden, version=2))["meta"]["security"][-1]["code"] == "REDACTED"


async def test_nobody_but_a_system_takes_protection_away(vault: Vaulted) -> None:
    hidden, plain = await vault.world.write([person("fortrolig"), person(None)])
    await vault.world.relate(UNIT_A, [hidden, plain])
    seen = await vault.read("a", hidden)
    assert await vault.write("a", hidden, {key: value for key, value in seen.items() if key != "meta"}) == [423]
    assert await vault.level(hidden) == "fortrolig" and not told(await vault.stored("resource", hidden))
    assert await vault.write("a", plain, person("fortrolig")) == [200]
    assert not told(await vault.stored("history", plain))


async def test_an_address_that_was_asked_for_shows_to_that_session_by_id_alone(vault: Vaulted) -> None:
    (hidden,) = await vault.world.write([person("fortrolig")])
    await vault.world.relate(UNIT_A, [hidden])
    await vault.world.relate(UNIT_B, [hidden])
    ask = "SELECT access.show_address($1, $2, $3)"
    a = vault.world.secrets["a"]
    assert await vault.world.web.fetchval(ask, a, hidden.pid, "kort") == "reason"
    assert await vault.world.web.fetchval(ask, a, hidden.pid, "Skal sende brev om ny time") == "ok"
    assert (await vault.read("a", hidden))["address"] == person("fortrolig")["address"]
    assert "address" not in await vault.read("b", hidden)
    assert (
        await vault.world.admin.fetchval(
            "SELECT count(*) FROM access.log WHERE action = 'address' AND patient = $1", hidden.pid
        )
        == 1
    )
    await vault.world.admin.execute("UPDATE access.address_shown SET until_at = clock_timestamp()")
    assert "address" not in await vault.read("a", hidden)
    assert await vault.world.web.fetchval(ask, b"x", hidden.pid, "Skal sende brev om ny time") == "refused"


def encounter(patient: Known, unit: Known, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "status": "in-progress", "class": {"code": "AMB"}, "subject": {"reference": patient.ref},
        "serviceProvider": {"reference": unit.ref, "display": "Skjulvik legekontor"}, **more,
    }  # fmt: skip


async def _strict(vault: Vaulted) -> tuple[Known, Known, Known]:
    """A strictly protected person, a unit, and a contact there that unit B wrote."""
    (unit,) = await vault.world.write(
        [{"resourceType": "Organization", "name": "Skjulvik legekontor", "type": [{"coding": [KIND]}]}]
    )
    (hidden,) = await vault.world.write(
        [person("strengtFortrolig", managingOrganization={"reference": unit.ref, "display": TOWN})]
    )
    (contact,) = await vault.world.write([encounter(hidden, unit)], org=UNIT_B)
    for one in (UNIT_A, UNIT_B):
        await vault.world.relate(one, [hidden])
    return hidden, unit, contact


async def _name(vault: Vaulted, hidden: Known, *names: str) -> None:
    for name in names:
        await vault.world.admin.execute(
            "INSERT INTO access.named_personnel (patient, person) SELECT $1, id FROM identity.person WHERE name = $2",
            hidden.pid,
            name,
        )


async def test_a_strictly_protected_record_opens_for_named_personnel_alone(vault: Vaulted) -> None:
    hidden, _, contact = await _strict(vault)
    assert await vault.level(hidden) == "strengt"
    judged = "SELECT allow, ground FROM access.judge($1, ARRAY[$2::bigint], 'read')"
    row = await vault.world.admin.fetchrow(judged, vault.world.secrets["a"], hidden.pid)
    assert (row["allow"], row["ground"]) == (False, "IKKE_NAVNGITT")
    emergency = "INSERT INTO access.relation (patient, unit, person, ground, until_at, made_by) SELECT $1, $2, id, 'BLAALYS', clock_timestamp() + $3::interval, 0 FROM identity.person WHERE name = 'a'"
    await vault.world.admin.execute(emergency, hidden.pid, UNIT_A, timedelta(hours=1))
    assert (await vault.world.admin.fetchrow(judged, vault.world.secrets["a"], hidden.pid))["allow"]
    await vault.world.admin.execute("DELETE FROM access.relation WHERE ground = 'BLAALYS'")
    await _name(vault, hidden, "a")
    assert "address" not in await vault.read("a", hidden)
    masked = (await vault.read("a", contact))["serviceProvider"]
    assert masked.pop("display") == "Fastlegetjeneste" and "reference" not in masked
    assert [one["valueCode"] for one in masked["extension"]] == ["masked", "KA01"]
    assert not told(json.dumps(await vault.read("a", hidden)))
    await vault.world.admin.execute("UPDATE access.named_personnel SET until_at = clock_timestamp()")
    assert not (await vault.world.admin.fetchrow(judged, vault.world.secrets["a"], hidden.pid))["allow"]
    assert (
        await vault.world.web.fetchval(
            "SELECT access.show_address($1, $2, $3)", vault.world.secrets["a"], hidden.pid, "Skal sende brev om ny time"
        )
        == "refused"
    )


async def test_a_strict_persons_units_are_found_and_seen_by_the_unit_that_wrote_them_alone(vault: Vaulted) -> None:
    hidden, unit, contact = await _strict(vault)
    await _name(vault, hidden, "a", "b")
    assert (await vault.read("b", contact))["serviceProvider"]["reference"] == unit.ref
    query = [("patient", hidden.id), ("service-provider", unit.ref)]
    assert await _found(vault, "a", "Encounter", query) == []
    assert await _found(vault, "b", "Encounter", query) == [contact.id]
    assert await _found(vault, "b", "Encounter", query[1:]) == [contact.id]
    assert await _found(vault, "a", "Encounter", query[:1]) == [contact.id]
    assert unit.ref in await _bodies(vault, "b", query[:1]) and unit.ref not in await _bodies(vault, "a", query[:1])
    seen = await vault.read("b", contact)
    shown = json.loads(await vault.stored("resource", contact))
    for content in (seen, shown):
        assert await vault.write("b", contact, content | {"status": "finished"}) == [200]
        assert (await vault.read("b", contact))["serviceProvider"]["reference"] == unit.ref
    assert "Skjulvik" not in await vault.stored("resource", contact)


async def _bodies(vault: Vaulted, who: str, params: Sequence[tuple[str, str]]) -> str:
    return "\n".join(hit.body or "" for hit in await _hits(vault, who, "Encounter", params))


async def _found(vault: Vaulted, who: str, rtype: str, params: Sequence[tuple[str, str]]) -> list[str]:
    return [encode(hit.slot, hit.pid) for hit in await _hits(vault, who, rtype, params) if hit.rtype]


async def _hits(vault: Vaulted, who: str, rtype: str, params: Sequence[tuple[str, str]]) -> list[store.Hit]:
    from fellesjournal.record.search import Chart, Listing, compile_search, parse_search

    named = [value for name, value in params if name == "patient"]
    unit = {"a": UNIT_A, "b": UNIT_B}[who]
    pids = tuple(one.pid for one in vault.world.known if one.id in named)
    compiled = compile_search(
        parse_search(rtype, list(params)), scope=Chart(pids) if pids else Listing(unit), hash64=vault.world.hash64
    )
    question = store.Question(vault.world.secrets[who], compiled, pids)
    answer = await (
        store.search_chart(vault.world.web, question)
        if pids
        else store.search_list(vault.world.web, question, unit=unit)
    )
    assert answer.verdict == "ok"
    return list(answer.hits)
