# ruff: noqa: E501 - wishes read best a line each
"""Who keeps the list of well-known people and says whose reviewers judge where: reach, never to oneself, never nobody left, all on record."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from fellesjournal.identity import named_by_number
from fellesjournal.identity.administration import Operator, Refused, carry_out, oversight
from tests.conftest import TestDatabase
from tests.identity.administration.making import Office, number, opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.law]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(module_database: TestDatabase) -> AsyncGenerator[Office, None]:
    made = await opened(module_database)
    yield made
    for pool in (made.web, made.migrate, made.signin, made.admin):
        await pool.close()


async def refused(work: object) -> str:
    with pytest.raises(Refused) as caught:
        await work  # type: ignore[misc]
    return caught.value.why


def known(office: Office, by: str, serial: int, **more: Any) -> Any:
    whom = named_by_number(office.keys, number(serial))
    return office.wish(by, **{"do": "known", **whom, "name": "Ola Ordfører", "reason": "ordfører", **more})


async def names(office: Office, by: str) -> list[str]:
    return [one.name for one in await oversight.known_people(office.web, secret=office.secrets[by])]


async def told(office: Office, subject: str, number: int) -> list[tuple[str, str, Any]]:
    rows = await office.admin.fetch(
        "SELECT c.did, coalesce(p.name, c.operator) AS who, c.after FROM identity.change c LEFT JOIN identity.person p ON p.id = c.person"
        " WHERE c.subject = $1 AND c.subject_id = $2 ORDER BY c.id", subject, number,
    )  # fmt: skip
    return [(row["did"], row["who"], json.loads(row["after"])) for row in rows]


async def reviewer(office: Office, name: str, serial: int, unit: str) -> bytes:
    """A reviewer at the top of one of the two entities; the secret of a session."""
    by = "Anne" if unit.startswith("4203") else "Berit"
    person = await office.person(by, name, serial)
    return await office.session(person, await office.wish(by, do="post", person=person, unit_code=unit, role="reviewer"))


async def judged_for(office: Office, secret: bytes) -> set[int]:
    return set(await office.admin.fetchval("SELECT controllers FROM access.review_reach($1)", secret))


async def test_a_well_known_person_is_kept_by_the_own_entity_and_every_change_stays_on_record(office: Office) -> None:
    one = await known(office, "Anne", 20)
    assert await known(office, "Arne", 20, reason="stortingsrepresentant") == one
    assert await known(office, "Arne", 20, reason="stortingsrepresentant") == one  # the same again changes nothing
    assert await names(office, "Anne") == ["Ola Ordfører"] and await names(office, "Berit") == []
    assert await refused(office.wish("Berit", do="known", known=one)) == "unknown"
    await office.wish("Anne", do="known", known=one)
    assert await names(office, "Anne") == []
    assert await refused(office.wish("Anne", do="known", known=one)) == "unknown"
    assert [(did, who, after["reason"]) for did, who, after in await told(office, "known", one)] == [
        ("added", "Anne", "ordfører"), ("changed", "Arne", "stortingsrepresentant"), ("ended", "Anne", "stortingsrepresentant"),
    ]  # fmt: skip
    stored = str(list((await office.admin.fetchrow("SELECT * FROM access.known_person WHERE id = $1", one)).values()))
    assert number(20) not in stored


async def test_what_operators_put_on_the_list_is_seen_by_all_and_ended_by_them_alone(office: Office) -> None:
    wish = {"do": "known", "patient": 77, "name": "Uten Nummer", "reason": "utenlandsk artist"}
    (one,) = (await carry_out(office.migrate, [wish], by=Operator("Olga"))).subjects
    assert await names(office, "Berit") == ["Uten Nummer"]
    assert await refused(office.wish("Berit", do="known", known=one)) == "unknown"
    assert await refused(office.wish("Berit", **wish)) == "scope"  # an administrator names no record
    await carry_out(office.migrate, [{"do": "known", "known": one}], by=Operator("Per"))
    assert [(did, who) for did, who, _ in await told(office, "known", one)] == [("added", "Olga"), ("ended", "Per")]


async def test_nobody_puts_themselves_on_the_list_or_takes_themselves_off_it(office: Office) -> None:
    assert await refused(known(office, "Anne", 1)) == "self"
    one = await known(office, "Arne", 1)
    assert await refused(office.wish("Anne", do="known", known=one)) == "self"
    await office.wish("Arne", do="known", known=one)


async def test_bad_wishes_are_refused_in_words(office: Office) -> None:
    over = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    for fault, more in (("reason", {"reason": ""}), ("reason", {"reason": "x" * 201}), ("name", {"name": "x"}), ("period", {"until": over})):
        assert await refused(known(office, "Anne", 21, **more)) == fault


async def test_the_analysis_finds_a_well_known_person_who_gets_a_record_later(office: Office) -> None:
    one, whom = await known(office, "Anne", 22), named_by_number(office.keys, number(22))
    ask = "SELECT count(*) FROM identity.known_patients(clock_timestamp()) WHERE patient = 4711"
    assert await office.admin.fetchval(ask) == 0
    await office.admin.execute("INSERT INTO vault.identifier (rtype, h, slot, pid) VALUES (103, $1, 1, 4711)", whom["keys"][0])
    assert await office.admin.fetchval(ask) == 1
    await office.wish("Anne", do="known", known=one)
    assert await office.admin.fetchval(ask) == 0


async def test_reviewers_judge_elsewhere_when_that_controller_lets_them_and_until_either_side_ends_it(office: Office) -> None:
    ours, theirs = await office.unit("4203"), await office.unit("9050")
    secret = await reviewer(office, "Rita Reviewer", 30, "4203")
    assert await judged_for(office, secret) == {ours}
    wish = {"do": "review", "unit": ours, "controller": theirs, "source": "avtale 12/26"}
    assert await refused(office.wish("Anne", **wish)) == "scope"  # Storvik gives itself nothing of the other's
    await office.wish("Berit", **wish)
    assert await judged_for(office, secret) == {ours, theirs}
    (row,) = await oversight.reviewing(office.web, secret=office.secrets["Berit"])
    assert (row.unit_name, row.source, row.reviewers, row.is_ours) == ("Storvik kommune", "avtale 12/26", ("Rita Reviewer",), True)
    assert (theirs, False) in {(one.controller, one.is_ours) for one in await oversight.reviewing(office.web, secret=office.secrets["Anne"])}
    over = {"do": "review", "unit": ours, "controller": theirs, "is_over": True}
    assert await refused(office.wish("Anne", **over)) == "last"  # nobody would judge there
    await reviewer(office, "Berits Egen", 31, "9050-lv")
    await office.wish("Anne", **over)
    assert await judged_for(office, secret) == {ours}
    assert await refused(office.wish("Anne", **over)) == "unknown"
    assert [(did, who) for did, who, _ in await told(office, "review", theirs)] == [("added", "Berit"), ("ended", "Anne")]


async def test_nobody_makes_themselves_a_reviewer_of_more(office: Office) -> None:
    other, unit = await office.unit("9050"), await office.unit("4203-hj-nord")
    assert await refused(office.wish("Anne", do="review", unit=unit, controller=await office.unit("4203"), source="x")) == "own"
    # Berit is a reviewer at the other unit, and lets its reviewers judge her own entity.
    await office.wish("Anne", do="post", person=office.people["Berit"], unit_code="4203-hj", role="reviewer")
    wish = {"do": "review", "unit": await office.unit("4203-hj"), "controller": other, "source": "avtale"}
    assert await refused(office.wish("Berit", **wish)) == "self"
    assert "Hjemmetjenesten" not in [name for _, name in await oversight.reviewing_units(office.web, secret=office.secrets["Berit"])]
    await carry_out(office.migrate, [wish], by=Operator("Olga"))  # somebody else may
    until = (datetime.now(UTC) + timedelta(days=9)).isoformat()
    assert await refused(office.wish("Berit", **wish, until=until)) == "self"


async def test_what_is_agreed_for_a_time_ends_by_itself(office: Office) -> None:
    secret = await reviewer(office, "Tid Begrenset", 32, "9050")
    ours, theirs = await office.unit("4203"), await office.unit("9050")
    wish = {"do": "review", "unit": theirs, "controller": ours, "source": "avtale", "until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    await office.wish("Anne", **wish)
    assert ours in await judged_for(office, secret)
    await office.admin.execute("UPDATE access.review_scope SET until_at = clock_timestamp() WHERE controller = $1", ours)
    assert ours not in await judged_for(office, secret)
