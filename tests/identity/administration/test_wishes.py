# ruff: noqa: E501 - wishes read best a line each
"""Who may give what to whom: scope, self, licences, validity, what ends with a post, and that every change stays on record."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from fellesjournal.identity.administration import Refused, ledger
from fellesjournal.kit import db
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


async def test_a_post_ends_with_its_sessions_and_what_apps_were_let_do(office: Office) -> None:
    nurse = await office.person("Anne", "Siri Nord", 10, licence="1234567")
    post = await office.wish("Anne", do="post", person=nurse, unit_code="4203-hj-nord", role="sykepleier")
    secret = await office.session(nurse, post)
    app = await office.admin.fetchval(
        "INSERT INTO identity.app (client_id, name, status, registration) VALUES ('x1', 'X', 'approved', '{}') RETURNING id"
    )
    grant = await office.admin.fetchval(
        "INSERT INTO identity.app_grant (app, kind, person, post, unit, role, level, scopes, until_at)"
        " SELECT $1, 'staff', person, id, unit, role, 4, 'openid', now() + interval '1 day' FROM identity.post WHERE id = $2"
        " RETURNING id", app, post,
    )  # fmt: skip
    token = b"t" * 32
    await office.signin.fetchval("SELECT identity.app_token_start($1, sha256($2), 'openid', 3600, '{}')", grant, token)
    assert await office.is_live(secret) and await office.is_live(token)
    await office.wish("Anne", do="end", post=post)
    assert not await office.is_live(secret) and not await office.is_live(token)
    assert await office.signin.fetchrow("SELECT * FROM identity.app_grant_of($1)", grant) is None
    # The same post anew opens nothing that was open before.
    assert await office.wish("Arne", do="post", person=nurse, unit_code="4203-hj-nord", role="sykepleier") == post
    assert not await office.is_live(secret) and not await office.is_live(token)


async def test_a_post_that_runs_out_ends_its_sessions_by_itself(office: Office) -> None:
    aide = await office.person("Anne", "Geir Nord", 11)
    post = await office.wish("Anne", do="post", person=aide, unit_code="4203-hj-nord", role="assistent")
    secret = await office.session(aide, post)
    await office.admin.execute("UPDATE identity.post SET until_at = clock_timestamp() WHERE id = $1", post)
    assert not await office.is_live(secret)


async def test_nobody_gives_to_themselves_by_any_way(office: Office) -> None:
    anne = office.people["Anne"]
    assert await refused(office.wish("Anne", do="post", person=anne, unit_code="4203-hj-nord", role="assistent")) == "self"
    until = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    assert await refused(office.wish("Anne", do="post", person=anne, unit_code="4203", role="administrator", until=until)) == "self"
    # Nor by a file that they upload, whatever else is in it: all or nothing.
    text = f"""
[[person]]
national_id = "{number(12)}"
name = "Ny Ansatt"
posts = [{{unit = "4203-hj-nord", role = "assistent"}}]
[[person]]
national_id = "{number(1)}"
name = "Anne"
posts = [{{unit = "4203-hj-nord", role = "assistent"}}]
"""
    assert await refused(office.apply(text, by="Anne")) == "self"
    assert not await ledger.staff(office.web, secret=office.secrets["Anne"], words=["ny", "ans"])
    # Nor by a system whose token they have made; another administrator's may.
    client = await office.wish("Anne", do="client", name="Lønn", until=(datetime.now(UTC) + timedelta(days=9)).isoformat())
    for keeper in ("Anne", "Arne"):
        made = await ledger.new_token(office.signin, secret=office.secrets[keeper], client=client)
        assert made is not None
        office.secrets["scim"] = made[0]
        for person in {"Anne": ("Anne",), "Arne": ("Anne", "Arne")}[keeper]:
            post = {"do": "post", "person": office.people[person], "unit_code": "4203-hj-nord", "role": "assistent"}
            assert await refused(office.wish("scim", **post)) == "self"
    # No administrator is made by a system; nor may one wish for what a role of one's own may do.
    aide = await office.person("scim", "Ada Scim", 13)
    assert await refused(office.wish("scim", do="post", person=aide, unit_code="4203", role="administrator")) == "role"
    assert await office.wish("Arne", do="post", person=anne, unit_code="4203-hj-nord", role="assistent")
    assert await refused(office.wish("Anne", do="right", role="assistent", action="write", kinds="KONTAKT")) == "self"


async def test_an_administrator_reaches_the_own_entity_alone(office: Office) -> None:
    aide = await office.person("Anne", "Turid Nord", 14)
    assert await refused(office.wish("Berit", do="post", person=aide, unit_code="4203-hj-nord", role="assistent")) == "scope"
    assert await refused(office.wish("Anne", do="post", person=aide, unit_code="9050-lv", role="assistent")) == "scope"
    post = await office.wish("Anne", do="post", person=aide, unit_code="4203-hj-nord", role="assistent")
    assert await refused(office.wish("Berit", do="end", post=post)) == "scope"
    assert await refused(office.wish("Berit", do="person", person=aide, name="Annen")) == "scope"
    assert await office.staff("Berit", aide) is None
    # A post in both is seen by each in its own half.
    await office.wish("Berit", do="post", person=aide, unit_code="9050-lv", role="assistent")
    mine, theirs = await office.staff("Anne", aide), await office.staff("Berit", aide)
    assert mine and theirs
    assert [post.unit_code for post in mine.posts] == ["4203-hj-nord"] and [post.unit_code for post in theirs.posts] == ["9050-lv"]
    await office.wish("Berit", do="stop", person=aide)
    mine = await office.staff("Anne", aide)
    assert mine and mine.posts[0].is_live and mine.active
    assert [one.code for one in await ledger.units(office.web, secret=office.secrets["Berit"])] == ["9050", "9050-lv"]
    for role, action in (("lege", "write"), ("administrator", "read"), ("innbygger", "write")):
        if role != "lege":
            assert await refused(office.wish("Anne", do="right", role=role, action=action, kinds="ALT")) == "offer"


async def test_a_role_that_needs_a_licence_is_given_with_one(office: Office) -> None:
    nurse = await office.person("Anne", "Uten Lisens", 15)
    post = {"do": "post", "person": nurse, "unit_code": "4203-hj-nord", "role": "sykepleier"}
    assert await refused(office.wish("Anne", **post)) == "licence"
    assert await office.wish("Anne", **post, licence="7654321")


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"role": "system"}, "role"),
        ({"role": "innbygger"}, "role"),
        ({"role": "overlege"}, "role"),
        ({"unit_code": "nei"}, "unit"),
        ({"person": 999_999}, "unknown"),
        ({"from": "2027-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "period"),
    ],
)
async def test_what_can_not_be_given_is_refused(office: Office, wish: dict[str, object], why: str) -> None:
    person = office.people["Arne"]
    asked = {"do": "post", "person": person, "unit_code": "4203-hj-nord", "role": "assistent", **wish}
    assert await refused(office.wish("Anne", **asked)) == why


async def test_a_right_changes_when_a_second_administrator_agrees_and_only_for_its_time(office: Office) -> None:
    async def kinds() -> list[list[int] | None]:
        rows = await office.admin.fetch("SELECT kinds FROM access.role_right WHERE role = 'helsesekretaer' AND action = 'write'")
        return [row["kinds"] for row in rows]

    assert await kinds() == [None]
    until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    wish = await office.wish("Anne", do="right", role="helsesekretaer", action="write", kinds="KONTAKT", until=until)
    assert await kinds() == [None]
    assert await refused(office.wish("Anne", do="decision", wish=wish, approve=True)) == "self"
    await office.wish("Berit", do="decision", wish=wish, approve=True)
    assert [bool(found) for found in await kinds()] == [True]
    assert await refused(office.wish("Arne", do="decision", wish=wish, approve=True)) == "unknown"
    rows = await office.admin.fetch(
        "SELECT kinds FROM access.role_rule WHERE role = 'helsesekretaer' AND action = 'write' ORDER BY from_at"
    )
    assert [row["kinds"] is None for row in rows] == [True, False, True]
    with pytest.raises(db.DbError):
        await office.admin.execute("INSERT INTO access.right_wish (role, action, from_at, until_at, wished_by) VALUES ('assistent', 'sign', now(), 'infinity', 1)")


async def test_every_change_stays_on_record_without_a_national_number(office: Office) -> None:
    aide = await office.person("Anne", "Vera Nord", 16)
    post = await office.wish("Anne", do="post", person=aide, unit_code="4203-hj-nord", role="assistent")
    await office.wish("Arne", do="end", post=post)
    found = await ledger.changes(office.web, secret=office.secrets["Arne"], about=aide)
    assert [(one.by, one.subject, one.did) for one in found] == [("Arne", "post", "ended"), ("Anne", "post", "added"), ("Anne", "person", "added")]
    assert await ledger.changes(office.web, secret=office.secrets["Berit"], about=aide) == []
    everything = json.dumps([[str(value) for value in row] for row in await office.admin.fetch("SELECT * FROM identity.change")])
    for serial in range(1, 20):
        assert number(serial) not in everything
    for sql in ("UPDATE identity.change SET did = 'added'", "DELETE FROM identity.change", "TRUNCATE identity.change"):
        with pytest.raises(db.DbError, match="stays on record"):
            await office.admin.execute(sql)
        with pytest.raises(db.DbError):
            await office.web.execute(sql)


async def test_the_pages_role_reaches_nothing_but_the_doors(office: Office) -> None:
    for sql in (
        "SELECT identity.administer_as_operator('me', '{\"do\": \"stop\", \"person\": 1}')",
        "SELECT identity.wish_post(ROW(NULL, NULL, NULL, NULL, NULL, 'me')::identity.actor, '{}')",
        "SELECT identity.put_right(NULL, 0, 'assistent', 'sign', 'ALT', now(), 'infinity')",
        "SELECT * FROM identity.change",
        "SELECT identity.confirm_administrator('me', '')",
    ):
        with pytest.raises(db.InsufficientPrivilege):
            await office.web.execute(sql)
    nobody = await office.web.fetchrow("SELECT * FROM identity.administer('\\x00', '{\"do\": \"stop\", \"person\": 1}')")
    assert nobody["status"] == "nobody"


async def test_a_first_administrator_takes_two_operators_and_no_second_is_made_so(office: Office) -> None:
    await office.apply('[[unit]]\ncode = "4205"\nname = "Tredje"\nkind = "municipality"\nmunicipality = "4205"')
    propose = {"by": "Olga", "code": "ABC", "number_hash": b"x" * 32, "name": "Tone"}
    assert await ledger.propose(office.migrate, unit="4203", **propose) == "there"  # type: ignore[arg-type]
    assert await ledger.propose(office.migrate, unit="4205", **propose) == "done"  # type: ignore[arg-type]
    assert await ledger.confirm(office.migrate, by="Per", code="ABD") == "code"
    assert await ledger.confirm(office.migrate, by="olga", code="abc") == "same"
    assert await ledger.confirm(office.migrate, by="Per", code="abc") == "done"
    assert await ledger.confirm(office.migrate, by="Per", code="abc") == "code"
    assert await ledger.propose(office.migrate, unit="4205", **{**propose, "code": "D"}) == "there"  # type: ignore[arg-type]
    row = await office.admin.fetchrow("SELECT operator FROM identity.change ORDER BY id DESC LIMIT 1")
    assert row["operator"] == "Olga + Per"


async def test_no_operator_makes_an_administrator_alone(office: Office) -> None:
    someone = await office.person("Anne", "Eva Enkel", 16)
    unit = await office.unit("4203-hj-nord")
    wish = json.dumps({"do": "post", "person": someone, "unit": unit, "role": "administrator"})
    row = await office.migrate.fetchrow("SELECT status FROM identity.administer_as_operator('Olga', $1)", wish)
    assert row["status"] == "role"
    ways = (
        f"SELECT identity.put_post({someone}, {unit}, 'administrator', NULL, NULL, NULL, '-infinity', 'infinity')",
        f"SELECT identity.wish_post(ROW(NULL, NULL, NULL, NULL, NULL, 'Olga')::identity.actor, '{wish}')",
        f"SELECT identity.carry_out(ROW(NULL, NULL, NULL, NULL, NULL, 'Olga')::identity.actor, '{wish}')",
        "UPDATE identity.post SET role = 'administrator'",
        f"INSERT INTO identity.post (person, unit, role) VALUES ({someone}, {unit}, 'administrator')",
        "UPDATE access.role SET grants = false",
        "UPDATE kit.installation SET demo = true",
        "INSERT INTO identity.proposal (code_hash, number_hash, name, unit, proposed_by) SELECT '', '', 'Eva', id, 'Per' FROM identity.unit",
    )  # fmt: skip
    for way in ways:
        with pytest.raises(db.DbError, match=r"^(administrators are appointed|permission denied)"):
            await as_operator_of_a_municipality(office, way)


async def as_operator_of_a_municipality(office: Office, statement: str) -> None:
    """In a demo one step is enough: not here, for as long as a transaction lasts."""
    async with office.admin.transaction() as conn:
        await conn.execute("ALTER TABLE kit.installation DISABLE TRIGGER USER; UPDATE kit.installation SET demo = false")
        await conn.execute("SET LOCAL ROLE fj_migrate")
        await conn.execute(statement)
