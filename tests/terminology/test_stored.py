"""Code systems in the database answer as those in memory do; and are installed, supplemented and removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fellesjournal import packages, terminology
from fellesjournal.kit import db
from fellesjournal.packages import Library, PackageName
from fellesjournal.packages import library as library_module
from fellesjournal.terminology import Codes, Filter, Held, System, Terminology, TerminologyError, install
from fellesjournal.terminology.errors import BadDefinition
from fellesjournal.terminology.stored import Stored
from fellesjournal.terminology.system import Wish
from fellesjournal.terminology.words import typed
from tests.conftest import TestDatabase
from tests.packages.making import package
from tests.terminology.making import OTHER, URL, animals, colours

Json = dict[str, Any]
NAME = PackageName("test.no", "1.0.0")


@asynccontextmanager
async def opened(test: TestDatabase) -> AsyncIterator[Terminology]:
    """Terminology of a running process."""
    async with await test.connect("fj_web") as web:
        yield Terminology(web, library=Library(web))


@asynccontextmanager
async def installed(test: TestDatabase, folder: Path, *resources: Json, name: str = "test.no") -> AsyncIterator[None]:
    """These resources are installed for as long as the block lasts."""
    made = packages.read_package(package(folder, *resources, name=name))
    assert not made.left_out
    async with await test.connect("fj_migrate") as operator:
        await packages.install(operator, made, who="ola", then=[terminology.on_install])
        try:
            yield
        finally:
            await packages.remove(operator, made.name, who="ola", then=[terminology.on_remove])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changes is seen at once."""
    monkeypatch.setattr(library_module, "FRESH_S", 0.0)


# ── The same answers ─────────────────────────────────────────────────────────────────────────────

WORDS = st.sampled_from(["rød", "rødt", "Røde kors", "blå", "Blå øyne", "øye", "grønn", "a b", "B-12", "ål"])
CODES = st.sampled_from(["A1", "a1", "A1.2", "A12", "B", "b2", "rød", "C-3", "D", "E5", "12"])
LANGUAGES = st.sampled_from(["nb", "nn", "en"])
PROPERTIES = st.one_of(
    st.builds(lambda value: {"code": "n", "valueInteger": value}, st.integers(0, 3)),
    st.builds(lambda value: {"code": "up", "valueCode": value}, CODES),
    st.builds(lambda value: {"code": "parent", "valueCode": value}, CODES),
    st.just({"code": "inactive", "valueBoolean": True}), st.just({"code": "notSelectable", "valueBoolean": True}),
)  # fmt: skip


@st.composite
def concepts(draw: st.DrawFn, depth: int = 2) -> list[Json]:
    """Concepts of any shape; codes may stand twice."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        one: Json = {"code": draw(CODES), "display": draw(WORDS)}
        texts = draw(
            st.lists(
                st.builds(lambda language, value: {"language": language, "value": value}, LANGUAGES, WORDS), max_size=2
            )
        )
        values = draw(st.lists(PROPERTIES, max_size=2))
        nested = draw(concepts(depth - 1)) if depth and draw(st.booleans()) else []
        made.append(one | ({"designation": texts} if texts else {}) | ({"property": values} if values else {})
                    | ({"concept": nested} if nested else {}))  # fmt: skip
    return made


SYSTEMS = st.builds(
    lambda listed, case: (
        {k: v for k, v in animals().items() if k != "property"} | {"concept": listed, "caseSensitive": case}
    ),
    concepts(),
    st.booleans(),
)
TESTS = st.builds(
    Filter, st.sampled_from(["concept", "code", "display", "n", "up", "parent", "child", "inactive", "none"]),
    st.sampled_from(["=", "in", "not-in", "exists", "is-a", "descendent-of", "is-not-a", "generalizes", "regex"]),
    st.one_of(CODES, WORDS, st.sampled_from(["true", "false", "1", "1,2", "A1,B", ".*r.*", "[AB].*"])),
)  # fmt: skip
SETS = st.builds(Codes, st.lists(CODES, max_size=3).map(dict.fromkeys), st.booleans())
FILTERS = st.sampled_from(["r", "rød", "a", "a1", "a1.2", "b", "blå øy", "ø b", "12", "kors rø", "zz", "1"])


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One loop for the examples of a module."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


# Without shrinking, which would take minutes in a database.
@settings(
    max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(resource=SYSTEMS, tests=st.lists(TESTS, max_size=12), among=SETS, asked=FILTERS, pair=st.tuples(CODES, CODES))
def test_a_stored_system_answers_as_one_in_memory(
    module_database: TestDatabase, tmp_path: Path, loop: asyncio.AbstractEventLoop, resource: Json, tests: list[Filter],
    among: Codes, asked: str, pair: tuple[str, str],
) -> None:  # fmt: skip
    async def compare() -> None:
        async with opened(module_database) as here, installed(module_database, tmp_path, resource):
            stored, held = await here.system(URL, ""), Held.read(resource)
            assert isinstance(stored, Stored) and stored.head == held.head
            for test in tests:
                assert await picked(stored, test) == await picked(held, test)
            for hidden in (False, True):
                wish = Wish(among, hidden, hidden)
                assert await shown(stored, wish, asked) == await shown(held, wish, asked)
            assert await about(stored, *pair) == await about(held, *pair)

    loop.run_until_complete(compare())


async def picked(system: System, test: Filter) -> object:
    try:
        found = await system.pick(test)
    except BadDefinition as error:
        return str(error)
    every = [one.code for one in await system.page(Wish(Codes(is_rest=True)), offset=0, limit=100)]
    in_order = [code for code in found.named if code in every]
    assert found.is_rest or in_order == [code for code in every if code in found]
    return [code for code in every if code in found]


async def shown(system: System, wish: Wish, text: str) -> object:
    asked = typed(text)
    assert asked is not None
    hits = await system.search(wish, asked, limit=5)
    count = await system.count(wish)
    pages = [[one.code for one in await system.page(wish, offset=offset, limit=3)] for offset in range(0, count + 1, 3)]
    return [(hit.rank, hit.key, hit.concept.code) for hit in hits], count, pages


async def about(system: System, one: str, other: str) -> object:
    named = await system.concepts([one, other])
    found = {code: replace(concept, designations=()) for code, concept in named.items()}
    texts = {code: {(text.language, text.value) for text in concept.designations} for code, concept in named.items()}
    try:
        relation: object = await system.relation(one, other)
    except TerminologyError as error:
        relation = str(error)
    return found, texts, relation, await system.kin(one)


# ── Installed, supplemented, removed ─────────────────────────────────────────────────────────────


def supplement(name: str, language: str, **texts: str) -> Json:
    """A CodeSystem that adds texts to another."""
    listed = [{"code": code, "designation": [{"language": language, "value": text}]} for code, text in texts.items()]
    return {
        "resourceType": "CodeSystem", "id": name, "url": f"{URL}-{name}", "status": "active", "content": "supplement",
        "supplements": URL, "concept": listed,
    }  # fmt: skip


async def texts_of(here: Terminology, code: str) -> list[str]:
    system = await here.system(URL, "")
    assert system is not None
    return [one.value for one in (await system.concepts([code]))[code].designations]


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_supplement_adds_texts_whichever_comes_first(
    database: TestDatabase,
    tmp_path: Path,
    is_first: bool,
) -> None:
    both = [[supplement("sami", "se", dog="Beana")], [animals()]]
    first, second = both if is_first else both[::-1]
    async with (
        opened(database) as here,
        installed(database, tmp_path, *first, name="one"),
        installed(database, tmp_path, *second, name="two"),
    ):
        assert await texts_of(here, "dog") == ["Hund", "Beana"]
        system, asked = await here.system(URL, ""), typed("bean")
        assert system is not None and asked is not None
        hits = await system.search(Wish(Codes(is_rest=True)), asked, limit=5)
        assert [hit.concept.code for hit in hits] == ["dog"]


async def test_what_a_supplement_added_goes_with_it(database: TestDatabase, tmp_path: Path) -> None:
    async with opened(database) as here, installed(database, tmp_path, animals(), name="one"):
        async with installed(database, tmp_path, supplement("sami", "se", dog="Beana"), name="two"):
            assert await texts_of(here, "dog") == ["Hund", "Beana"]
        assert await texts_of(here, "dog") == ["Hund"]


async def test_a_removed_package_leaves_nothing(database: TestDatabase, tmp_path: Path, admin: db.Database) -> None:
    async with opened(database) as here:
        async with installed(database, tmp_path, animals()):
            assert (await here.system(URL, "")) is not None
            assert (await here.system(URL, "2")) is not None and (await here.system(URL, "3")) is None
        assert await here.system(URL, "") is None
    for table in ("system", "concept", "descent", "property", "text", "map", "map_group"):
        assert await admin.fetchval(f"SELECT count(*) FROM terminology.{table}") == 0


async def test_what_is_installed_comes_before_what_is_part_of_the_product(
    database: TestDatabase, tmp_path: Path
) -> None:
    url = "http://hl7.org/fhir/administrative-gender"
    newer = {**animals(), "url": url, "id": "g", "version": "9"}
    async with opened(database) as here:
        async with installed(database, tmp_path, newer):
            for version, count in (("", 7), ("9", 7), ("4.0.1", 4)):
                system = await here.system(url, version)
                assert system is not None and system.head.count == count
        after = await here.system(url, "")
    assert after is not None and after.head.count == 4


async def test_an_installation_that_was_broken_off_is_done_again(database: TestDatabase, tmp_path: Path) -> None:
    made = packages.read_package(package(tmp_path, animals()))

    async def broken(operator: db.Database, number: int) -> None:
        await terminology.on_install(operator, number)
        raise ConnectionError

    async with opened(database) as here, await database.connect("fj_migrate") as operator:
        with pytest.raises(ConnectionError):
            await packages.install(operator, made, who="ola", then=[broken])
        assert await here.system(URL, "") is None
        await packages.install(operator, made, who="ola", then=[terminology.on_install])
        system = await here.system(URL, "")
        assert system is not None and await system.count(Wish(Codes(is_rest=True))) == 7


async def test_what_was_installed_before_its_codes_were_kept_is_caught_up_with(
    database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_to = {"resourceType": "ConceptMap", "id": "m", "url": "http://example.test/m", "status": "active",
               "group": [{"source": URL, "target": OTHER, "element": [{"code": "dog"}]}]}  # fmt: skip
    made = packages.read_package(package(tmp_path, animals(), colours(), goes_to))
    async with opened(database) as here, await database.connect("fj_migrate") as operator:
        await packages.install(operator, made, who="ola")
        assert await here.system(URL, "") is None
        put = install.put_system

        async def broken(operator: db.Database, artifact: int, resource: Json) -> None:
            if resource["url"] == OTHER:
                raise ConnectionError
            await put(operator, artifact, resource)

        monkeypatch.setattr(install, "put_system", broken)
        with pytest.raises(ConnectionError):
            await terminology.catch_up(operator)
        monkeypatch.setattr(install, "put_system", put)
        told: list[tuple[int, int]] = []
        assert await terminology.catch_up(operator, on_progress=lambda done, count: told.append((done, count))) == 2
        assert told == [(1, 2), (2, 2)] and await terminology.catch_up(operator) == 0
    async with opened(database) as here:
        for url, count in ((URL, 7), (OTHER, 3)):
            system = await here.system(url, "")
            assert system is not None and await system.count(Wish(Codes(is_rest=True))) == count
        assert await here.maps(source=URL, target=OTHER) == ["http://example.test/m"]
