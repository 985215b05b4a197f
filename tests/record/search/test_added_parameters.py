"""A parameter that was added answers as R4's own with the same expression does, however it was filled in."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal import fhir
from fellesjournal.record import indexing, parameter
from fellesjournal.record.definitions import Definitions
from fellesjournal.record.indexing import Indexer
from fellesjournal.record.parameter import NewParameter
from fellesjournal.record.search import Scope, compile_search, next_cursor, parse_search
from tests.conftest import TestDatabase
from tests.effort import examples
from tests.record.search.test_against_naive import CHARTS, CODES, DAYS, Setting
from tests.record.search.world import LOADER_UNIT, UNIT_A, UNIT_B, World

COPIED = ("code", "status", "date", "value-quantity", "performer", "subject")


class Copied(Setting):
    """The world of the other searches, with copies of parameters: `my-code` asks what `code` asks."""

    registry = fhir.OFFICIAL

    async def copy(self, database: TestDatabase) -> None:
        await self.world._system("indexer", LOADER_UNIT, "INDEX")
        async with await database.connect("fj_migrate") as operator, await database.connect("fj_worker") as worker:
            for code in COPIED:
                official = fhir.search_params("Observation")[code]
                made = NewParameter(
                    f"my-{code}", official.type, official.expression or "", ("Observation",), official.targets,
                    f"urn:t:{code}",
                )  # fmt: skip
                await parameter.add(operator, made)

            async def secret() -> bytes:
                return self.world.secrets["indexer"]

            definitions = Definitions(worker)
            with mock.patch.object(indexing, "PAGE", 50):
                await Indexer(
                    worker, keys=database.keys, definitions=definitions, secret=secret, stop=asyncio.Event()
                ).work_on_all()
            self.registry = await definitions.renew()
        assert all(added.is_ready for added in self.registry.added)

    async def ids(self, who: str, scope: Scope, query: str, size: int) -> list[str]:
        """All pages."""
        pairs = [(n, v) for n, _, v in (part.partition("=") for part in query.split("&") if part)]
        asked = replace(parse_search("Observation", pairs, registry=self.registry), count=size)
        found: list[str] = []
        after = None
        while True:
            compiled = compile_search(asked, scope=scope, hash64=self.world.hash64, after=after, is_alone=True)
            hits = await self.world.rows(who, scope, compiled)
            assert not [hit.body for hit in hits if hit.k == 101]
            found += [fhir.parse(hit.body.encode())["id"] for hit in hits if hit.k == 0]
            after = next_cursor([(hit.k, hit.sort, hit.pid) for hit in hits], after=after)
            if after is None:
                return found


@pytest.fixture(scope="module")
def setting(module_database: TestDatabase) -> Iterator[Copied]:
    with asyncio.Runner() as runner:
        made, close = runner.run(_open(module_database))
        made.loop = runner.get_loop()
        yield made
        runner.run(close())


async def _open(database: TestDatabase) -> tuple[Copied, Any]:
    admin, web = await database.connect_admin(), await database.connect("fj_web")
    made = Copied(await World(database, admin, web).prepare())
    await made.fill()
    await made.copy(database)

    async def close() -> None:
        await web.close()
        await admin.close()

    return made, close


def _of(name: str, values: Any) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(lambda v: f"{name}={','.join(v)}")


ASKED = st.lists(
    st.one_of(
        _of("code", (*CODES, "http://loinc.org|8480-6", "|718-7", "http://loinc.org|")), _of("code:not", CODES),
        _of("status", ("final", "amended", "draft")),
        _of("date", [p + d for p in ("", "ge", "lt", "ap") for d in DAYS]),
        _of("value-quantity", ("5.4", "gt5", "70.5||mmol/L", "lt0")), _of("performer:missing", ("true",)),
        _of("subject:Patient.family", ("nord", "berg", "ås")), _of("performer:Practitioner.family", ("nord",)),
        _of("_sort", ("code", "-value-quantity", "date", "-status")),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


def _mine(part: str) -> str:
    """The same question by the added parameter."""
    name, _, value = part.partition("=")
    if name == "_sort":
        return f"_sort={'-' * value.startswith('-')}my-{value.lstrip('-')}"
    return f"my-{part}"


@settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=ASKED, unit=st.sampled_from((UNIT_A, UNIT_B)), chart=CHARTS, size=st.sampled_from((7, 100)))
def test_a_copy_finds_what_the_official_one_finds(
    setting: Copied, parts: list[str], unit: int, chart: Any, size: int
) -> None:
    who, scope, _ = setting.reader(unit, chart)
    official = setting.loop.run_until_complete(setting.ids(who, scope, "&".join(parts), size))
    added = setting.loop.run_until_complete(setting.ids(who, scope, "&".join(map(_mine, parts)), size))
    assert sorted(added) == sorted(official)
    if not any(part.startswith("_sort") for part in parts):
        assert added == official
