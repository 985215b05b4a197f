# ruff: noqa: E501 - files and faults read best a line each
"""A file says how things shall be: shapes, faults without a number in them, and all or nothing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from fellesjournal.identity.administration import BadFile, Refused, ledger, read_file
from fellesjournal.kit.keys import Keys, create_keys
from tests.conftest import TestDatabase
from tests.identity.administration.making import TREE, Office, number, opened

STAFF = f"""
[[person]]
national_id = "{number(30)}"
name = "Kari Fil"
licence = "1234567"
posts = [{{unit = "4203-hj-nord", role = "sykepleier", from = 2026-01-01, until = 2040-12-31}}]
[[person]]
national_id = "{number(31)}"
name = "Per Fil"
posts = [{{unit = "4203-hj-nord", role = "assistent"}}]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(module_database: TestDatabase) -> AsyncGenerator[Office, None]:
    made = await opened(module_database)
    yield made
    for pool in (made.web, made.migrate, made.signin, made.admin):
        await pool.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return create_keys(Path(tmp_path_factory.mktemp("keys")) / "data")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_dry_run_tells_all_and_changes_nothing(office: Office) -> None:
    shown = await office.apply(STAFF, by="Anne", is_dry=True)
    assert [(one.subject, one.did, one.about_name) for one in shown.changes] == [
        ("person", "added", "Kari Fil"), ("post", "added", "Kari Fil"), ("person", "added", "Per Fil"), ("post", "added", "Per Fil"),
    ]  # fmt: skip
    assert await ledger.staff(office.web, secret=office.secrets["Anne"], words=["fil"]) == []
    done = await office.apply(STAFF, by="Anne")
    assert [(one.subject, one.did, one.after) for one in done.changes] == [
        (one.subject, one.did, {**one.after, **({"from": done.changes[n].after["from"]} if one.subject == "post" else {})})
        for n, one in enumerate(shown.changes)
    ]
    # The same file again changes nothing; nor does the same in another shape.
    assert (await office.apply(STAFF, by="Anne")).changes == ()
    assert (await office.apply(json.dumps(tomllib.loads(STAFF), default=str), by="Anne", ending="json")).changes == ()
    kari = (await ledger.staff(office.web, secret=office.secrets["Anne"], words=["kari", "fil"]))[0]
    assert kari.posts[0].until_at and kari.posts[0].until_at.isoformat() == "2040-12-31T23:00:00+00:00"


@pytest.mark.asyncio(loop_scope="module")
async def test_one_refusal_and_nothing_of_the_file_is_done(office: Office) -> None:
    text = STAFF.replace("Per Fil", "Per Borte").replace(number(31), number(32)) + (
        f'[[person]]\nnational_id = "{number(33)}"\nname = "Siste"\nposts = [{{unit = "9050-lv", role = "assistent"}}]\n'
    )
    with pytest.raises(Refused) as caught:
        await office.apply(text, by="Anne")
    assert list(caught.value.faults.values()) == ["scope"]
    assert await ledger.staff(office.web, secret=office.secrets["Anne"], words=["per", "borte"]) == []
    with pytest.raises(Refused):
        await office.apply(TREE, by="Anne")
    with pytest.raises(Refused) as caught:
        await office.apply('[[controllership]]\nmunicipality = "4203"\ncontroller = "4203"\nmodel = 2\n', by="Anne")
    assert caught.value.why == "scope"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_unit_that_is_complete_keeps_the_posts_of_the_file_alone(office: Office) -> None:
    other = await office.person("Anne", "Ikke I Filen", 34)
    await office.wish("Anne", do="post", person=other, unit_code="4203-hj", role="assistent")
    text = f"""
[[person]]
national_id = "{number(35)}"
name = "I Filen"
posts = [{{unit = "4203-hj", role = "assistent"}}]
[[complete]]
unit = "4203-hj"
"""
    done = await office.apply(text, by="Anne")
    assert [(one.did, one.about_name) for one in done.changes if one.subject == "post"] == [("added", "I Filen"), ("ended", "Ikke I Filen")]


@pytest.mark.asyncio(loop_scope="module")
async def test_responsibility_follows_the_file_and_its_dates(office: Office) -> None:
    text = """
[[unit]]
code = "felles"
name = "Felles journal AS"
kind = "company"
[[controllership]]
municipality = "4203"
controller = "felles"
model = 2
[[controllership]]
municipality = "4203"
kind = "home_care"
controller = "4203"
model = 3
"""
    await office.apply(text)
    rows = await office.admin.fetch(
        "SELECT u.code, c.code AS controller, e.code AS entity FROM identity.unit u JOIN identity.unit c ON c.id = u.controller"
        " JOIN identity.unit e ON e.id = u.entity WHERE u.municipality = '4203' ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("4203", "felles", "4203"), ("4203-hj", "felles", "4203"), ("4203-hj-nord", "4203", "4203")]
    await office.apply(text.replace('kind = "home_care"\ncontroller = "4203"', 'kind = "home_care"\nfrom = 2040-01-01\ncontroller = "felles"'))
    assert await office.migrate.fetchval("SELECT identity.keep_controllers()") == 0
    await office.admin.execute("UPDATE identity.controllership SET from_at = now() WHERE kind = 'home_care' AND from_at > '2039-01-01'")
    await office.admin.execute("UPDATE identity.controllership SET until_at = now() WHERE kind = 'home_care' AND from_at = '-infinity'")
    assert await office.migrate.fetchval("SELECT identity.keep_controllers()") == 1


@pytest.mark.parametrize(
    ("text", "ending", "fault"),
    [
        ("x", "toml", "not TOML"), ("[1]", "json", "not a JSON object"), ("{", "json", "not JSON"), ("a;b\n1;2", "csv", "first line"),
        ("", "xml", "must end with"), ("[[staff]]\nx=1", "toml", "no such table"), ("person = 3", "toml", "a list"),
        ('[[unit]]\ncode="a b"\nname="x"\nkind="gp"', "toml", "unit 1: code"), ('[[unit]]\ncode="a"\nname="x"\nkind="bank"', "toml", "kind"),
        ('[[person]]\nname="x"\nnational_id="12345678901"', "toml", "national_id"),
        ('[[person]]\nname="x"\nnational_id="NR"\nposts=[{unit="a",role="b",from="i dag"}]', "toml", "from: must be a date"),
        ('[[person]]\nname="x"\nnational_id="NR"\nuser_name="NR"', "toml", "must not be a national number"),
        ('[[person]]\nname="x"\nnational_id="NR"\nposts=[{unit="a",role="b",more=1}]', "toml", "must be a table"),
        ('[[controllership]]\nmunicipality="4203"\ncontroller="x"\nmodel=4', "toml", "model"),
    ],
)  # fmt: skip
def test_faults_are_told_by_their_place_and_never_quote_a_number(keys: Keys, text: str, ending: str, fault: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_file(text.replace("NR", number(36)).encode(), name=f"f.{ending}", keys=keys, is_demo=True)
    assert fault in str(caught.value)
    assert number(36) not in str(caught.value) and "12345678901" not in str(caught.value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12) | st.just(number(37)),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["unit", "person", "posts", "code", "name", "kind", "role", "from", "until", "national_id", "complete", "right",
                         "kinds", "action", "controllership", "model", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(value=_VALUES)
@settings(max_examples=60, deadline=None)
def test_any_json_is_read_or_refused(value: object, keys: Keys) -> None:
    said = ""
    try:
        said = repr(read_file(json.dumps(value).encode(), name="f.json", keys=keys, is_demo=True).wishes)
    except BadFile as bad:
        said = str(bad)
    assert number(37) not in said
