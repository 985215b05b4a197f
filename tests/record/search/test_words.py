"""`_text` and `_content`: how words are asked for, and that those who hold them, and no others, are found."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.record.search import NOTICE_TEXT, Chart, Listing, SearchError, parse_search, reading
from fellesjournal.record.search.words import Term, parse_words
from tests.conftest import TestDatabase
from tests.effort import examples
from tests.record.search.test_against_naive import Setting
from tests.record.search.world import UNIT_A, UNIT_B, Known, World


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("Penicillin  utslett", ((Term(("penicillin",)), Term(("utslett",))),)),
        ("feber OR hoste", ((Term(("feber",)),), (Term(("hoste",)),))),
        ("feber,hoste AND sår", ((Term(("feber",)),), (Term(("hoste",)), Term(("sår",))))),
        ('"Akutt Otitt" -vaksine', ((Term(("akutt", "otitt")), Term(("vaksine",), is_negated=True)),)),
        ('NOT "a b" c', ((Term(("a", "b"), is_negated=True), Term(("c",))),)),
        ("covid-19 pneumo*", ((Term(("covid", "19")), Term(("pneumo",), is_start=True)),)),
        ("café BLÅBÆR", ((Term(("cafe",)), Term(("blåbær",))),)),
        ('"a, b" c\\,d', ((Term(("a", "b")), Term(("c",)), Term(("d",))),)),
    ],
)
def test_words_phrases_and_alternatives_are_read(text: str, alternatives: Any) -> None:
    assert parse_words("_text", text).alternatives == alternatives


@pytest.mark.parametrize(
    "text", ["", " ", "OR", "a OR", ",a", "a,,b", '"a', "NOT", "a NOT", "-", "!!!", "a" * 500, " ".join("a" * 30)]
)
def test_what_asks_for_no_word_or_too_many_is_refused(text: str) -> None:
    with pytest.raises(SearchError):
        parse_words("_text", text)


@given(st.text(alphabet='abæå -",*ORNT\\.', max_size=40))
def test_any_text_asks_for_words_or_is_refused(text: str) -> None:
    with contextlib.suppress(SearchError):
        parse_words("_content", text)


def test_modifiers_of_words_are_not_known() -> None:
    with pytest.raises(SearchError):
        parse_search("Condition", [("_text:exact", "a")])


SPOKEN = (
    "Penicillin gav utslett", "PENICILLIN tålt, kløe", "akutt otitt", "otitt, akutt", "akutt  bronkitt\nhoste",
    "blåbær på café", "Bla\u030aba\u0306r", "blabar", "pneumoni", "pneumoniomfattende", "COVID-19 påvist", "resymé",
    "Ødem i øyet", "odem", "straße i Åsen", "Strasse i Aasen", 'sa "au" og gikk', "a < b og b > c", "ål", "al",
    "R&D avdeling", "sti C:\\nytt\\tall",
)  # fmt: skip
AS_MARKUP = {
    "å": ("å", "&aring;", "&#229;", "&#xE5;"), "é": ("é", "&eacute;"), "Ø": ("Ø", "&Oslash;"),
    " ": (" ", " <b>", "</b> "), '"': ("&quot;", '"'), "&": ("&amp;",), "<": ("&lt;",), ">": ("&gt;", ">"),
}  # fmt: skip
WORDS = (
    "penicillin", "utslett", "otitt", '"akutt otitt"', '"otitt akutt"', "hoste", "blåbær", "blabar", "cafe", "CAFÉ",
    "pneumoni", "pneumoni*", "covid-19", '"19 påvist"', "resyme", "odem", "ødem", "øyet", "strasse", "straße", "aasen",
    "åsen", "ål", "al", "div", "code", "au", '"b og b"', "class", "tall", "nytt", '"C nytt"', "avdeling", "amp", "quot",
    "bronkitt", "xhtml",
)  # fmt: skip


def _narrative(rnd: random.Random, text: str) -> str:
    spelled, is_bold = "", False
    for char in text:
        piece = rnd.choice(AS_MARKUP.get(char, (char,)))
        if "<b>" in piece or "</b>" in piece:
            piece, is_bold = (" </b>", False) if is_bold else (" <b>", True)
        spelled += piece
    tail = "</b>" if is_bold else ""
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><p class="amp hidden">{spelled}{tail}</p><!-- tall --></div>'


def _condition(rnd: random.Random, patients: list[Known]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "resourceType": "Condition", "subject": {"reference": rnd.choice(patients).ref},
        "onsetDateTime": f"2024-01-{rnd.randint(1, 28):02}", "code": {"text": rnd.choice(SPOKEN)},
        "note": [{"text": rnd.choice(SPOKEN)} for _ in range(rnd.randint(0, 2))],
        "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                                           "code": rnd.choice(["confirmed", "refuted"])}]},
    }  # fmt: skip
    made = {key: value for key, value in made.items() if value}
    if rnd.random() < 0.7:
        made["text"] = {"status": "generated", "div": _narrative(rnd, rnd.choice(SPOKEN))}
    return made


class Talking(Setting):
    """A world whose conditions speak."""

    async def fill(self) -> None:
        rnd = random.Random(11)
        named = [{"resourceType": "Patient", "name": [{"family": f}]} for f in ("Nord", "Berg", "Ås", "Vik")]
        self.patients = await self.world.write(named, org=99)
        self.rosters = {UNIT_A: self.patients[:3], UNIT_B: self.patients[1:]}
        for unit, people in self.rosters.items():
            await self.world.relate(unit, people)
            await self.world.write([_condition(rnd, self.patients) for _ in range(60)], org=unit)


@pytest.fixture(scope="module")
def setting(module_database: TestDatabase) -> Iterator[Talking]:
    with asyncio.Runner() as runner:
        made, close = runner.run(_open(module_database))
        made.loop = runner.get_loop()
        yield made
        runner.run(close())


async def _open(database: TestDatabase) -> tuple[Talking, Any]:
    admin, web = await database.connect_admin(), await database.connect("fj_web")
    made = Talking(await World(database, admin, web).prepare())
    await made.fill()

    async def close() -> None:
        await web.close()
        await admin.close()

    return made, close


ASKED = st.lists(
    st.tuples(st.sampled_from(("", "", "", "-", "OR ", ",")), st.sampled_from(WORDS)), min_size=1, max_size=3
).map(lambda parts: " ".join(f"{'' if n == 0 and p in ('OR ', ',') else p}{w}" for n, (p, w) in enumerate(parts)))
URLS = st.one_of(
    st.tuples(st.sampled_from(("_text", "_content")), ASKED).map("=".join),
    st.tuples(st.sampled_from(WORDS), st.sampled_from(("confirmed", "refuted"))).map(
        lambda t: f'_filter=_text co "{t[0].replace(chr(34), "")}" or verification-status eq {t[1]}'
    ),
)
ROOM = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(max_examples=examples(250), deadline=None, suppress_health_check=ROOM)
@given(
    url=URLS, beside=st.sampled_from(("", "&verification-status=confirmed", "&subject:Patient.family=berg")),
    order=st.sampled_from(("", "&_sort=onset-date", "&_sort=_lastUpdated", "&_sort=-_lastUpdated", "&_sort=_id")),
    unit=st.sampled_from((UNIT_A, UNIT_B)), chart=st.one_of(st.none(), st.tuples(st.integers(0, 2))),
    size=st.sampled_from((2, 50)),
)  # fmt: skip
def test_who_speaks_the_words_is_found_and_nobody_else(
    setting: Talking, url: str, beside: str, order: str, unit: int, chart: Any, size: int
) -> None:
    who, scope, naive = setting.reader(unit, chart)
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in f"{url}{beside}".split("&"))]
    expected = {k.id for k in naive.search(parse_search("Condition", pairs))}
    pages = setting.world.all_pages(who, scope, f"Condition?{url}{beside}{order}&_count={size}")
    found = setting.loop.run_until_complete(pages)
    counted = setting.loop.run_until_complete(
        setting.world.search(who, scope, f"Condition?{url}{beside}&_total=accurate&_count=0")
    )
    assert len(found) == len(expected) == counted.total
    assert set(found) == expected


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ["_text", "_content"])
def test_each_word_is_found_where_it_is_spoken(setting: Talking, name: str, word: str) -> None:
    who, scope, naive = setting.reader(UNIT_A, None)
    expected = {k.id for k in naive.search(parse_search("Condition", [(name, word)]))}
    assert (
        set(setting.loop.run_until_complete(setting.world.all_pages(who, scope, f"Condition?{name}={word}")))
        == expected
    )


def test_what_a_chain_leads_to_is_read_too(setting: Talking) -> None:
    url = "Patient?_has:Condition:subject:_content=penicillin"
    who, scope, naive = setting.reader(UNIT_A, None)
    pairs = [("_has:Condition:subject:_content", "penicillin")]
    expected = {k.id for k in naive.search(parse_search("Patient", pairs))}
    assert set(setting.loop.run_until_complete(setting.world.all_pages(who, scope, url))) == expected != set()


@pytest.mark.parametrize("chart", [None, (0,)])
def test_more_to_read_than_the_cap_is_refused_and_what_narrows_it_helps(setting: Talking, chart: Any) -> None:
    who, scope, _ = setting.reader(UNIT_A, chart)
    with mock.patch.multiple(reading, LIST_CAP=20, CHART_CAP=5):
        for url in ("Condition?_text=otitt", "Condition?_text=otitt&_total=accurate&_count=0"):
            answer = setting.loop.run_until_complete(setting.world.search(who, scope, url))
            assert (answer.ids, answer.notices) == ([], [NOTICE_TEXT])
        found = setting.loop.run_until_complete(
            setting.world.search(who, scope, "Condition?_text=otitt,pneumoni&onset-date=2024-01-03")
        )
    assert found.notices == []


def test_a_hidden_text_is_as_silent_as_an_absent_one(setting: Talking) -> None:
    stranger = setting.patients[3]
    assert isinstance(setting.reader(UNIT_A, None)[1], Listing)
    held = [k for k in setting.world.known if k.rtype == "Condition" and k.patient == stranger.pid and k.org == UNIT_A]
    assert held
    for scope in (Listing(UNIT_A), Chart((setting.patients[0].pid,))):
        found = setting.loop.run_until_complete(setting.world.all_pages("a", scope, "Condition?_content=-ingenting"))
        assert found and not {k.id for k in held} & set(found)
