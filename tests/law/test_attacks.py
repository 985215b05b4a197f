# ruff: noqa: E501 - tables of what is tried read best a line each
"""Attacks on the whole application, each told in docs/law/attacks.md with what it could see; and that none of them is missing."""

from __future__ import annotations

import ast
import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from fellesjournal.identity.cookies import secret_of
from fellesjournal.kit import ids
from fellesjournal.record.bulk import Carrier
from fellesjournal.record.journal import Vault
from tests.access.conftest import Stage, observation, two_units
from tests.access.test_blocks import citizen
from tests.architecture.source import ROOT
from tests.conftest import TestDatabase
from tests.law import attacks
from tests.law.oracle.caller import Answer, Caller, opened
from tests.law.oracle.facts import Reader
from tests.record.search.world import LOADER_UNIT
from tests.record.subscriptions.receiver import events_of
from tests.record.subscriptions.test_websocket import bound, measured, subscribed, told
from tests.site import ELDERLY, GP, Site

pytestmark = [pytest.mark.law, pytest.mark.slow]


class Scene:
    """Two units and the application over them; `ask` is one request as somebody."""

    def __init__(self, stage: Stage, caller: Caller) -> None:
        self.stage, self.caller = stage, caller

    async def ask(self, who: str | bytes, path: str, query: str = "", **how: Any) -> Answer:
        secret = who if isinstance(who, bytes) else self.stage.world.secrets[who]
        return await self.caller.ask(Reader("", "staff", secret, 0), path, query, **how)

    async def entries(self, who: str, path: str, query: str) -> tuple[list[str], str]:
        """(ids, the next page's query)."""
        answer = await self.ask(who, path, query)
        assert answer.status == 200, answer
        body = json.loads(answer.text)
        following = [urlsplit(link["url"]).query for link in body["link"] if link["relation"] == "next"]
        return [entry["resource"]["id"] for entry in body.get("entry", [])], (following or [""])[0]


@pytest.fixture
async def scene(database: TestDatabase) -> AsyncGenerator[Scene, None]:
    async with two_units(database) as stage, opened(database) as caller:
        yield Scene(stage, caller)


def test_the_page_of_attacks_is_true_and_every_test_of_it_is_there() -> None:
    assert attacks.PAGE.read_text("utf-8") == attacks.page(), "run python -m tests.law.attacks"
    named = [test.split("::") for attack in attacks.ATTACKS for test in attack.tests]
    there = {path: set(_tests(path)) for path in {path for path, _ in named}}
    assert [(path, name) for path, name in named if name not in there[path]] == []


def _tests(path: str) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


# ── SQL through any field ────────────────────────────────────────────────────────────────────────────

SQL = (
    "' OR '1'='1", "'; SELECT body FROM vault.resource; --", "$$; DROP TABLE vault.resource; $$", "\\'; SELECT pg_sleep(3); --",
    "1) UNION ALL SELECT 0,0,1,0,0,now(),0,now(),body FROM vault.resource --", "%' AND sens < 99 OR body LIKE '%", "{0}'::bigint[] OR true --",
)  # fmt: skip
PLACES = (
    "Observation?patient={mine}&code={sql}", "Observation?patient={mine}&code:text={sql}", "Observation?patient={mine}&date={sql}",
    "Observation?patient={mine}&value-quantity={sql}", "Observation?patient={mine}&_sort={sql}", "Observation?patient={mine}&_filter={sql}",
    "Observation?patient={mine}&_content={sql}", "Observation?patient={mine}&_include={sql}", "Observation?patient={mine}&_count={sql}",
    "Observation?patient={mine}&subject:Patient.family={sql}", "Observation?patient={mine}&{sql}=1", "Observation?patient={mine}&code:{sql}=1",
    "Observation?patient={mine}&_cursor={sql}", "Observation?patient={sql}", "Observation?_id={sql}", "Patient?name={sql}", "Patient?identifier=x|{sql}",
    "Patient?name:contains={sql}", "Patient?_has:Observation:patient:code={sql}", "Observation?code:in={sql}", "Observation?_tag={sql}", "Observation?_source:below={sql}",
    "Observation/{sql}", "{sql}", "Patient/{mine}/{sql}", "Observation/{row}/_history/{sql}", "_history?patient={mine}&_since={sql}",
    "Patient/{mine}/$everything?_type={sql}", "Observation/$lastn?patient={mine}&code={sql}", "ValueSet/$expand?url={sql}", "?_type={sql}&patient={mine}",
)  # fmt: skip


async def test_sql_in_any_field_is_a_value_and_nothing_more(scene: Scene) -> None:
    stage = scene.stage
    before = await stage.world.admin.fetchval("SELECT count(*) FROM vault.resource")
    for place in PLACES:
        for sql in SQL:
            path, _, query = place.format(mine=stage.mine.id, row=stage.my_row.id, sql=quote(sql, safe="")).partition("?")
            answer = await scene.ask("a", path, query)
            assert answer.status < 500, (place, sql, answer)
            assert "deres" not in answer.text and "Deres" not in answer.text, (place, sql)
    for sql in SQL:
        await _written(scene, sql)
    assert await stage.world.admin.fetchval("SELECT count(*) FROM vault.resource") == before + len(SQL)


async def _written(scene: Scene, sql: str) -> None:
    """As content and as headers: kept as it was sent, or refused."""
    mine = scene.stage.mine
    fhir = ((b"content-type", b"application/fhir+json"),)
    body = observation(mine.ref, sql) | {"note": [{"text": sql}], "identifier": [{"system": "urn:x", "value": sql}]}
    made = await scene.ask("a", "Observation", method="POST", body=json.dumps(body).encode(), more=fhir)
    assert made.status == 201, made
    assert json.loads(made.text)["note"] == [{"text": sql}]
    found, _ = await scene.entries("a", "Observation", f"patient={mine.id}&identifier={quote('urn:x|' + sql.replace('|', chr(92) + '|').replace(',', chr(92) + ','), safe='')}")
    assert json.loads(made.text)["id"] in found or "$" in sql or "\\" in sql
    for name in (b"if-match", b"if-none-match", b"if-modified-since", b"prefer", b"accept", b"x-request-id"):
        answer = await scene.ask("a", scene.stage.my_row.ref, more=((name, sql.encode()),))
        assert answer.status < 500 and "deres" not in answer.text, name


# ── Cursors ──────────────────────────────────────────────────────────────────────────────────────────


async def test_an_old_cursor_shows_what_may_be_seen_now(scene: Scene) -> None:
    stage, query = scene.stage, f"patient={scene.stage.mine.id}&_count=1"
    rows = await stage.world.write([observation(stage.mine.ref, f"nr {n}") for n in range(4)])
    seen, following = await scene.entries("a", "Observation", query)
    blocked = next(row for row in rows if row.id not in seen)
    me = await citizen(stage, stage.mine)
    make = "SELECT verdict FROM vault.make_block($1, $2, $3, $4, $5, NULL, NULL, NULL, NULL)"
    assert await stage.web.fetchval(make, me, stage.mine.pid, "document", blocked.slot, blocked.pid) == "ok"
    assert blocked.id not in await _rest(scene, following)
    borrowed = await scene.ask("b", "Observation", following)
    assert (borrowed.status, "nr " in borrowed.text) in ((400, False), (403, False))
    assert await stage.web.fetchval(make, me, stage.mine.pid, "all", None, None) == "ok"
    after = await scene.ask("a", "Observation", following)
    assert (after.status, "nr " in after.text) == (403, False)
    assert await stage.web.fetchval("SELECT identity.end_session($1)", stage.world.secrets["a"])
    assert (await scene.ask("a", "Observation", following)).status == 401


async def _rest(scene: Scene, following: str) -> list[str]:
    found: list[str] = []
    while following:
        page, following = await scene.entries("a", "Observation", following)
        found += page
    assert found
    return found


# ── Ids ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_guessed_id_is_answered_as_one_that_never_was(scene: Scene) -> None:
    """Near a known one, in other buckets, of another type: to the letter as what isn't there, hidden rows among them."""
    stage = scene.stage
    hidden, own = stage.their_row, stage.my_row
    near = [ids.encode(own.slot, own.pid + step) for step in (-2, -1, 1, 2)]
    apart = [ids.encode(slot, hidden.pid) for slot in {0, 1, own.slot} - {hidden.slot}]
    answers: dict[str, set[tuple[int, str]]] = {}
    for id_ in (hidden.id, stage.theirs.id, *near, *apart):
        for way in (f"Observation/{id_}", f"Condition/{id_}", f"Observation/{id_}/_history", f"Observation/{id_}/_history/1", f"Observation?_id={id_}",
                    f"Observation?patient={id_}", f"Patient/{id_}/$everything", f"Composition/{id_}/$document", f"Binary/{id_}"):  # fmt: skip
            path, _, query = way.partition("?")
            answer = await scene.ask("a", path, query)
            assert "deres" not in answer.text and "Deres" not in answer.text
            answers.setdefault(way.replace(id_, ""), set()).add((answer.status, answer.text.replace(id_, "")))
    assert {way: found for way, found in answers.items() if len(found) > 1} == {}


# ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_edited_job_does_no_more_than_who_asked_may_and_for_them_alone(scene: Scene) -> None:
    """The payload of an export is a number: another number is another's export, which only its asker fetches."""
    stage = scene.stage
    secrets = [await citizen(stage, who) for who in (stage.mine, stage.theirs)]
    wait = (b"prefer", b"respond-async")
    places = [(await scene.ask(secret, "Patient/$export", more=(wait,))).location.partition("/fhir/")[2] for secret in secrets]
    numbers = [row["id"] for row in await stage.world.admin.fetch("SELECT id FROM vault.export ORDER BY asked_at")]
    await stage.world._system("bulk", LOADER_UNIT, "BULK")

    async def secret() -> bytes:
        return stage.world.secrets["bulk"]

    async with await stage.world.test.connect("fj_worker") as worker:
        carrier = Carrier(Vault(worker, keys=stage.world.test.keys), base_url="http://x", secret=secret, stop=asyncio.Event())
        for edited in (numbers[1], numbers[1], -1, 0, 2**62, str(numbers[0])):
            await carrier.handle({"export": edited})
        for spoilt in ({"export": "1; DROP TABLE vault.export"}, {"other": 1}):
            with pytest.raises((ValueError, KeyError)):
                await carrier.handle(spoilt)
    for n, (mine, other) in enumerate(((stage.mine, stage.theirs), (stage.theirs, stage.mine))):
        text = await _files(scene, secrets[n], places[n])
        assert mine.id in text and other.id not in text
        assert (await scene.ask(secrets[n], places[1 - n])).status == 404


async def _files(scene: Scene, secret: bytes, place: str) -> str:
    manifest = await scene.ask(secret, place)
    assert manifest.status == 200, manifest
    files = [file["url"].partition("/fhir/")[2] for file in json.loads(manifest.text)["output"]]
    return "".join([(await scene.ask(secret, file, more=((b"accept-encoding", b"identity"),))).text for file in files])


# ── Streams ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_kept_open_tells_nothing_after_a_block(demo_site: Site) -> None:
    """A socket that the GP has open since before: what is measured under the block is not told, what comes after it is."""
    demo_site.start_worker()
    own, me = demo_site.patient_id(ELDERLY), secret_of(demo_site.token(ELDERLY))
    number = ids.decode(own)
    assert number
    with demo_site.fhir(GP) as gp:
        id_ = subscribed(gp)
        with bound(gp, id_) as socket:
            told(socket, "handshake")
            shown = measured(gp, own)
            assert (1, shown) in events_of(told(socket))
            make = "SELECT verdict, id FROM vault.make_block($1, $2, 'category', NULL, NULL, 'results', NULL, NULL, NULL)"
            block = demo_site.row(make, me, number[1])
            assert block["verdict"] == "ok"
            hidden = measured(gp, own)
            assert demo_site.row("SELECT vault.lift_block($1, true, $2) AS v", me, block["id"])["v"] == "ok"
            again = measured(gp, own)
            names: list[str] = []
            while again not in names:
                names += [name for _, name in events_of(told(socket))]
            assert hidden not in names
