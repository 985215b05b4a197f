# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""The leak oracle: one world with every kind of hiding, many readers, and every answer held against the permitted rows."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator

import pytest

from fellesjournal.access.gate import gates_of
from fellesjournal.identity.cookies import secret_text
from fellesjournal.record.bulk import Carrier
from fellesjournal.record.journal import Vault
from tests.conftest import TestDatabase
from tests.law.oracle.facts import Reader
from tests.law.oracle.judge import MARK
from tests.law.oracle.questions import KINDS, Kind
from tests.law.oracle.stage import SEED, Stage, cases, staged
from tests.law.oracle.world import UNIT_C, UNIT_D
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, Known

pytestmark = [pytest.mark.law, pytest.mark.slow]


class Scene:
    """A stage with a loop of its own, for all tests of the module."""

    def __init__(self, runner: asyncio.Runner, stage: Stage) -> None:
        self.run, self.stage = runner.run, stage


@pytest.fixture(scope="module")
def scene(module_database: TestDatabase) -> Iterator[Scene]:
    with asyncio.Runner() as runner:
        made = staged(module_database)
        stage = runner.run(made.__aenter__())
        yield Scene(runner, stage)
        runner.run(made.__aexit__(None, None, None))


def test_no_answer_holds_more_or_less_than_the_permitted_rows(scene: Scene) -> None:
    count, began = cases(), time.monotonic()
    held = scene.run(scene.stage.hold(count, seed=int(os.environ.get(SEED, 1))))
    print(f"{sum(held.values())} answers held in {time.monotonic() - began:.0f} s: {dict(held)}")
    together = held.pop("in a batch")
    assert held.keys() == KINDS.keys() and sum(held.values()) == count and together > count / 12


def test_the_world_has_every_kind_of_hiding(scene: Scene) -> None:
    """Each rule of the oracle opens something and closes something: one that never did would prove nothing."""
    world, law = scene.stage.world, scene.stage.world.law
    told = {(reader.kind, law.may_open(reader, who.pid)) for reader in world.readers for who in world.patients}
    assert told >= {("staff", True), ("staff", False), ("citizen", True), ("citizen", False), ("system", True)}
    doctor, legevakt, other = (world.reader(f"lege 0 i {unit}") for unit in (UNIT_A, UNIT_B, UNIT_D))
    nurse, emergency = world.reader(f"sykepleier 2 i {UNIT_B}"), world.reader(f"lege 1 i {UNIT_B}")
    mother, own = world.reader("innbygger 16 for 21"), world.reader("innbygger 21")
    for one, two in ((doctor, legevakt), (doctor, other), (legevakt, nurse), (emergency, nurse), (own, mother)):
        seen = [{row.pid for row in world.standing if scene.stage.judge.sees(reader, row)} for reader in (one, two)]
        assert seen[0] - seen[1], (one.name, two.name)
    hidden = {label for row in world.standing for label in law.labels(row.resource)}
    assert hidden == {"withheld", "not-parents", "not-agents", "delayed", "blocked", "removed"}
    assert {kind for row in world.standing for kind in law.secrets(row, row.resource)} == {"mind", "drugs", "sex", "child", "prison"}
    assert all(law.covered(part.patient) for part in world.facts.parts)


# ── Planted leaks ────────────────────────────────────────────────────────────────────────────────────

PLANTED: dict[str, tuple[str, str, str, Kind, str]] = {
    "rows of a chart lose their class": ("policy chart resource", " AND ", " OR true AND ", "chart", ""),
    "an index tells of closed rows": ("policy chart sp_token", " AND ", " OR true AND ", "chart", "helsesekretaer"),
    "lists show everybody": ("policy list resource", "EXISTS (", "true OR EXISTS (", "list", "lege"),
    "a second patient's need isn't asked for": (
        "access.may_all(bytea,bigint[])", "RETURN NOT EXISTS", "RETURN true OR NOT EXISTS", "chart", "innbygger",
    ),
    "blocks against one unit hold for nobody": (
        "access.is_blocked_row(bytea,bigint)", "RETURN EXISTS", "RETURN false AND EXISTS", "chart", f"i {UNIT_B}",
    ),
    "what is sensitive is open": (
        "access.closed_sensitive(bigint,bigint)", "RETURN 992 &", "RETURN 0 &", "chart", "helsesekretaer",
    ),
    "a block of the whole record is forgotten": (
        "access.verdict(bigint,text,bigint)", "IF allow AND v_has_block", "IF false AND v_has_block", "chart", "",
    ),
    "who acts for another sees all": (
        "access.closed_for(bigint,text,bigint)", "RETURN 8 | 1024 | 2048 | 8192 |", "RETURN 0 *", "chart", " for ",
    ),
    "what is withheld from a citizen is shown": (
        "access.closed_for(bigint,text,bigint)", "RETURN 1 | 8 | 1024", "RETURN 8 | 1024", "read", "innbygger",
    ),
}  # fmt: skip
"""What is changed, from what, to what; the questions and the readers (part of their names) that meet it."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found(scene: Scene, name: str) -> None:
    what, before, after, kind, who = PLANTED[name]
    stage, readers = scene.stage, [one for one in scene.stage.world.readers if who in one.name]
    original, mutated = scene.run(_mutated(stage, what, before, after))
    scene.run(stage.admin.execute(mutated))
    try:
        assert scene.run(stage.leak(4_000, seed=5, kinds={kind: 1}, readers=readers)), "the oracle did not see it"
    finally:
        scene.run(stage.admin.execute(original))
    assert scene.run(stage.leak(20, seed=5, kinds={kind: 1}, readers=readers)) == ""


async def _mutated(stage: Stage, what: str, before: str, after: str) -> tuple[str, str]:
    """(what sets it right again, what plants the leak)."""
    if what.startswith("policy "):
        _, name, table = what.split()
        found = await stage.admin.fetchval(
            "SELECT qual FROM pg_policies WHERE schemaname = 'vault' AND tablename = $1 AND policyname = $2", table, name
        )
        make = f"ALTER POLICY {name} ON vault.{table} USING (%s)"
    else:
        found, make = await stage.admin.fetchval("SELECT pg_get_functiondef($1::regprocedure)", what), "%s"
    assert before in found, what
    return make.replace("%s", found), make.replace("%s", found.replace(before, after, 1))


# ── Exports, subscriptions, pages ────────────────────────────────────────────────────────────────────


def test_no_export_holds_more_or_less_than_the_permitted_rows(scene: Scene) -> None:
    stage, world = scene.stage, scene.stage.world
    acting = [one for one in world.readers if one.acts_for_another and world.law.may_open(one, one.patient)]
    own = [world.reader(f"innbygger {n}") for n in (0, 3, 5, 21)]
    files = scene.run(_exported(stage, [*own, *acting]))
    for reader, text in files.items():
        wanted = {row.ref for row in world.standing if row.patient == reader.patient and stage.judge.sees(reader, row)}
        got = [f"{one['resourceType']}/{one['id']}" for one in map(json.loads, text.splitlines())]
        assert sorted(got) == sorted(wanted), reader.name


async def _exported(stage: Stage, readers: list[Reader]) -> dict[Reader, str]:
    """What each of them is given, all files after each other."""
    begun = {reader: await stage.caller.ask(reader, "Patient/$export", more=((b"prefer", b"respond-async"),)) for reader in readers}
    assert {answer.status for answer in begun.values()} == {202}
    await stage.world._system("bulk", LOADER_UNIT, "BULK")

    async def secret() -> bytes:
        return stage.world.secrets["bulk"]

    async with await stage.test.connect("fj_worker") as worker:
        vault = Vault(worker, keys=stage.test.keys)
        await Carrier(vault, base_url="http://x", secret=secret, stop=asyncio.Event()).work_on_all()
    return {reader: await _fetched(stage, reader, answer.location) for reader, answer in begun.items()}


async def _fetched(stage: Stage, reader: Reader, location: str) -> str:
    answer = await stage.caller.ask(reader, location.partition("/fhir/")[2])
    assert answer.status == 200, answer
    files = [file["url"].partition("/fhir/")[2] for file in json.loads(answer.text)["output"]]
    return "".join([(await stage.caller.ask(reader, file, more=((b"accept-encoding", b"identity"),))).text for file in files])


def test_a_subscription_tells_of_what_its_reader_may_see_alone(scene: Scene) -> None:
    """The decision of each telling, for every row; that it is asked is the matter of other tests."""
    stage, law = scene.stage, scene.stage.world.law
    for reader in _some(stage):
        wanted = {row.pid for row in stage.world.standing if stage.judge.sees(reader, row) and not _is_shut(stage, reader, row)}
        got = scene.run(_told(stage, reader))
        odd = [(row.rtype, law.labels(row.resource), row.org) for row in stage.world.standing if row.pid in got ^ wanted]
        assert got == wanted, (reader.name, odd[:5])


def _is_shut(stage: Stage, reader: Reader, row: Known) -> bool:
    """A block of the whole record holds back what is told, whether overridden or not, and from systems too."""
    whole = stage.world.facts.whole
    return reader.kind != "citizen" and any(
        patient in (row.patient, *row.others) and against.meets(reader) for patient, against in whole
    )


async def _told(stage: Stage, reader: Reader) -> set[int]:
    rows = await stage.admin.fetch(
        "SELECT r.pid FROM identity.session s, vault.resource r WHERE r.body IS NOT NULL AND s.secret_hash = sha256($1)"
        " AND access.may_be_told(s.id, r.rtype, r.pid, r.patient, r.org, r.sens,"
        " ARRAY(SELECT o.patient FROM vault.other_patient o WHERE o.pid = r.pid AND o.to_version IS NULL)::text)", reader.secret,
    )  # fmt: skip
    return {row["pid"] for row in rows}


def _some(stage: Stage) -> list[Reader]:
    """A reader of every kind."""
    names = [f"lege 0 i {unit}" for unit in (UNIT_A, UNIT_B, UNIT_C, UNIT_D)]
    names += [f"sykepleier 2 i {UNIT_B}", f"helsesekretaer 3 i {UNIT_A}", "laster", "innbygger 3", "innbygger 16 for 21"]
    return [stage.world.reader(name) for name in names]


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────


def test_no_page_shows_more_than_the_permitted_rows(scene: Scene) -> None:
    """Every page of a chart, of a unit and of a citizen that needs no more than that to be opened."""
    scene.run(_look(scene.stage))


async def _look(stage: Stage) -> None:
    asked = [
        (reader, path, who) for reader in _some(stage) if reader.kind != "system"
        for kind in (("chart", "unit") if reader.kind == "staff" else ("citizen",))
        for path in _places(stage, kind) for who in (_people(stage, reader) if kind == "chart" else [None])
    ]  # fmt: skip
    pages, shown = iter(asked), set[str]()

    async def each() -> None:
        for reader, path, who in pages:
            marks = set(MARK.findall(await _page(stage, reader, path, who)))
            shown.update(marks)
            shut = {mark for mark in marks if not stage.judge.may_show(reader, mark)}
            if path.endswith("/retting"):
                shut = {mark for mark in shut if not _is_own_withdrawn(stage, reader, mark)}
            assert not shut, (reader.name, path, [stage.judge.owner[mark][0] for mark in shut])

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(each())
    assert len(shown) > 15


def _is_own_withdrawn(stage: Stage, reader: Reader, mark: str) -> bool:
    """What the unit itself withdrew stands on the page where it is taken up again."""
    row, _n = stage.judge.owner[mark]
    return row.org == reader.unit and "removed" in stage.world.law.labels(row.resource)


def _people(stage: Stage, reader: Reader) -> list[Known | None]:
    """Two whom a member of staff may open and one whom not."""
    people: list[list[Known | None]] = [[], []]
    for who in stage.world.patients[1:]:
        people[stage.world.law.may_open(reader, who.pid)].append(who)
    return people[1][2:4] + people[0][:1]


def _places(stage: Stage, kind: str) -> list[str]:
    """The addresses of pages of a kind with nothing in them but the patient."""
    doors = [path for path, methods, gate in gates_of(stage.caller.app.routes) if "GET" in methods and gate.kind == kind]
    found = [path for path in doors if "{" not in path.replace("{patient}", "")]
    assert len(found) > 3, kind
    return found


async def _page(stage: Stage, reader: Reader, path: str, who: Known | None) -> str:
    cookie = (b"cookie", f"fellesjournal={secret_text(reader.secret)}".encode())
    where = path.replace("{patient}", who.id) if who else path
    answer = await stage.caller.send("GET", where, "", (cookie, (b"accept", b"text/html")), b"")
    is_open = who is None or stage.world.law.may_open(reader, who.pid)
    assert answer.status in ((200, 303, 403) if is_open else (403,)), (reader.name, path, answer.status)
    return answer.text
