"""Gathering the log to visits: nothing is lost, nothing counted twice, no visit cut in two."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.access.audit import LogLine, Place
from fellesjournal.citizen.log.actions import PAGE, Read, read_all, read_page
from fellesjournal.citizen.log.model import GAP, Wish, manner_of, page_end, visits_of
from fellesjournal.citizen.log.words import KINDS, action_of, kinds_of, why_of
from fellesjournal.fhir import RESOURCE_TYPES, TYPE_NUMBER

NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
LINE = LogLine(
    at=NOON, reader="Trude Aasmo", role="sykepleier", unit="Tindvåg og Øvreskog legevakt", action="search",
    kind=TYPE_NUMBER["Composition"], purpose="TREAT", ground="POLBESOK",
    ground_names=("Pågående eller nylig kontakt", "Pågåande eller nyleg kontakt", "Ongoing or recent contact"),
    outcome=0,
)  # fmt: skip


def later(minutes: float, **changed: object) -> LogLine:
    return replace(LINE, at=NOON + timedelta(minutes=minutes), **changed)  # type: ignore[arg-type]


def newest_first(*lines: LogLine) -> list[LogLine]:
    return sorted(lines, key=lambda line: line.place, reverse=True)


def test_reads_within_five_minutes_are_one_visit() -> None:
    lines = newest_first(later(0), later(4), later(8, kind=TYPE_NUMBER["Observation"]))
    (visit,) = visits_of(lines)
    assert len(visit.lines) == 3
    assert visit.kinds == ("Notater", "Målinger og prøver")
    assert (visit.since, visit.newest.at) == (NOON, NOON + timedelta(minutes=8))


def test_a_pause_of_more_than_five_minutes_makes_two_visits() -> None:
    assert [len(v.lines) for v in visits_of(newest_first(later(0), later(5.1)))] == [1, 1]


@pytest.mark.parametrize(
    "changed",
    [
        {"reader": "Kari Elise Nordhaug"},
        {"unit": "Tindvåg legesenter"},
        {"role": "lege"},
        {"ground": "FASTLEGE"},
        {"action": "list"},
        {"action": "write"},
        {"outcome": 1},
        {"by_system": True},
    ],
)
def test_what_differs_is_told_apart(changed: dict[str, object]) -> None:
    assert len(visits_of(newest_first(later(0), later(1, **changed)))) == 2


def test_visits_of_two_readers_at_the_same_time_stay_whole() -> None:
    lines = newest_first(later(0), later(1, reader="B"), later(2), later(3, reader="B"))
    assert [len(v.lines) for v in visits_of(lines)] == [2, 2]


def test_the_front_page_is_named_only_when_nothing_else_was_seen() -> None:
    opened = later(0, action="open", kind=0)
    assert visits_of([opened])[0].kinds == ("Journalens forside",)
    assert visits_of(newest_first(opened, later(1)))[0].kinds == ("Notater",)


@pytest.mark.parametrize(
    ("changed", "manner"),
    [
        ({"action": "open"}, "read"),
        ({"action": "history"}, "read"),
        ({"action": "list"}, "list"),
        ({"action": "identify"}, "identify"),
        ({"action": "write"}, "write"),
        ({"action": "write", "outcome": 1}, "refused"),
        ({"outcome": 2}, "read"),
    ],
)
def test_each_line_has_its_manner(changed: dict[str, object], manner: str) -> None:
    assert manner_of(later(0, **changed)) == manner


def test_a_day_is_a_norwegian_day() -> None:
    asked = Wish(since_on=date(2026, 11, 23), until_on=date(2026, 11, 23), person="x", with_own=True).asked()
    assert asked.since == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert asked.until == datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert (asked.person, asked.with_own, asked.only_people) == ("x", True, False)


def test_a_question_is_asked_of_a_unit_about_somebody_else() -> None:
    assert visits_of([later(0, unit_number=10)])[0].asked_of == later(0, unit_number=10)
    assert visits_of([later(0)])[0].asked_of is None
    assert visits_of([later(0, unit_number=10, role="innbygger")])[0].asked_of is None


def test_the_ground_is_told_in_the_readers_language() -> None:
    assert why_of(LINE, "nn") == "Pågåande eller nyleg kontakt"
    assert why_of(LINE, "en") == "Ongoing or recent contact"
    assert why_of(later(0, ground="ENHET", ground_names=("", "", "")), "nb") == "Enhetens egen liste"
    assert why_of(later(0, ground="", ground_names=("", "", "")), "nb") == "Ingen grunn er registrert"


def test_every_kind_has_words() -> None:
    assert set(KINDS) <= set(RESOURCE_TYPES)
    for number in range(len(RESOURCE_TYPES) + 2):
        assert kinds_of(later(0, kind=number))
    assert kinds_of(later(0, action="identify", kind=0)) == ("Navn, fødselsdato og fødselsnummer",)
    assert kinds_of(later(0, action="log", kind=0)) == ("Innsynsloggen",)
    assert action_of(later(0, action="something new")) == "Leste"


MINUTES = st.lists(st.integers(0, 60 * 24 * 10), min_size=0, max_size=700, unique=True)


@given(minutes=MINUTES, readers=st.integers(1, 4))
def test_every_line_is_in_exactly_one_visit_of_exactly_one_page(minutes: list[int], readers: int) -> None:
    log = newest_first(*(later(m // 2, pos=m, reader=f"Leser {m % readers}") for m in minutes))
    shown: list[LogLine] = []
    place, is_over = None, False
    while not is_over:
        page = asyncio.run(read_page(_reads(log), after=place))
        assert page.count == sum(len(visit.lines) for visit in page.visits)
        shown += [line for visit in page.visits for line in visit.lines]
        place, is_over = page.next, page.next is None
    assert newest_first(*shown) == log


@given(minutes=MINUTES)
def test_a_page_never_ends_in_the_middle_of_a_visit(minutes: list[int]) -> None:
    log = newest_first(*(later(m) for m in minutes))
    end = page_end(log, size=3)
    if end is not None:
        assert log[end - 1].at - log[end].at > GAP
        assert len(visits_of(log[:end])) >= 3


async def test_one_visit_without_end_is_cut_into_pages() -> None:
    log = newest_first(*(later(-n, pos=n) for n in range(6_000)))
    page = await read_page(_reads(log))
    assert len(page.visits) == 1 and page.count == 2400
    assert page.next == log[2399].place


async def test_a_whole_log_is_read_for_keeping_up_to_a_bound() -> None:
    asked: list[int] = []
    log = newest_first(*(later(-10 * n, pos=n) for n in range(6_000)))

    async def read(after: Place | None, limit: int) -> list[LogLine]:
        asked.append(limit)
        return await _reads(log)(after, limit)

    assert await read_all(read) == log[:5_000]
    assert len(asked) == 5
    assert len(log) > PAGE


def _reads(log: list[LogLine]) -> Read:
    async def read(after: Place | None, limit: int) -> list[LogLine]:
        return [line for line in log if after is None or line.place < after][:limit]

    return read
