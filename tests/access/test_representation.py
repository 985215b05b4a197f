"""Ages are reckoned at each decision: over many birthdays, leap days and the hours when clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from fellesjournal.fhir.row_class import RowClass
from fellesjournal.kit.clock import OSLO, age_on
from fellesjournal.kit.db import Database

SENSITIVE = (
    RowClass.PSYCHIATRY | RowClass.SUBSTANCE_USE | RowClass.SEXUAL_HEALTH | RowClass.CHILD_PROTECTION
)


def birthdays() -> list[date]:
    rnd = Random("birthdays")
    drawn = [date(2010, 1, 1) + timedelta(days=rnd.randrange(22 * 365)) for _ in range(150)]
    changes = [date(2010, 3, 28), date(2010, 10, 31), date(2014, 3, 30), date(2014, 10, 26)]
    leap = [date(2008, 2, 29), date(2012, 2, 29), date(2024, 2, 29), date(2009, 2, 28), date(2009, 3, 1)]
    return [*drawn, *leap, *changes]


def around(born: date, years: int) -> list[datetime]:
    """Instants about the midnights around a birthday."""
    is_leap = (born.month, born.day) == (2, 29)
    on = date(born.year + years, 2, 28) if is_leap else born.replace(year=born.year + years)
    midnights = [datetime.combine(on + timedelta(days=n), time(), OSLO).astimezone(UTC) for n in (-1, 0, 1, 2)]
    steps = (timedelta(), timedelta(microseconds=-1), timedelta(hours=3))
    return [midnight + step for midnight in midnights for step in steps]


async def test_a_stage_of_life_begins_and_ends_at_midnight_in_norway(admin: Database) -> None:
    every = [(born, at) for born in birthdays() for years in (12, 16, 18) for at in around(born, years)]
    asked = [(born, at) for born, at in every if at.year >= 2026]  # the rules are dated
    rows = await admin.fetch(
        "SELECT q.born, q.at, (SELECT r.may_act FROM access.reach_of('FORELDER', q.born, q.at) r) AS may_act,"
        " (SELECT r.closed FROM access.reach_of('FORELDER', q.born, q.at) r) AS closed,"
        " (SELECT r.until_at FROM access.reach_of('FORELDER', q.born, q.at) r) AS until_at,"
        " EXISTS (SELECT 1 FROM access.reach_of('VERGE', q.born, q.at)) AS grown"
        " FROM unnest($1::date[], $2::timestamptz[]) AS q (born, at)",
        [born for born, _ in asked], [at for _, at in asked],
    )  # fmt: skip
    assert len(rows) > 1000
    for row in rows:
        age = age_on(row["born"], day=row["at"].astimezone(OSLO).date())
        if age < 12:
            assert (row["may_act"], row["closed"]) == (True, RowClass.NOT_PARENTS), row
        elif age < 16:
            assert (row["may_act"], row["closed"]) == (False, RowClass.NOT_PARENTS | SENSITIVE), row
        else:
            assert row["may_act"] is None, row
        if age < 16:
            last = row["until_at"] - timedelta(microseconds=1)
            limit = 12 if age < 12 else 16
            assert age_on(row["born"], day=last.astimezone(OSLO).date()) == limit - 1
            assert age_on(row["born"], day=row["until_at"].astimezone(OSLO).date()) == limit
        assert row["grown"] == (age >= 18)


async def test_nothing_is_opened_by_a_missing_birth_date(admin: Database) -> None:
    assert await admin.fetchval("SELECT count(*) FROM access.reach_of('FORELDER', NULL, now())") == 0
