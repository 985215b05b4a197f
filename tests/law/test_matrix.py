"""The matrix that a lawyer signs is what the database decides."""

import pytest

from fellesjournal.kit.db import Database
from tests.law import matrix, representation

pytestmark = pytest.mark.law


async def test_the_signed_page_is_what_the_database_answers(admin: Database) -> None:
    async with admin.acquire() as connection:
        answers, grounds = await matrix.decide(connection), await matrix.grounds_of(connection)
        representatives = await representation.rows(connection)
    made = matrix.page(answers, grounds, representatives)
    assert matrix.PAGE.read_text("utf-8") == made, "run python -m tests.law.matrix"


async def test_a_list_never_shows_more_or_less_than_the_charts_that_open(admin: Database) -> None:
    async with admin.acquire() as connection:
        answers = await matrix.decide(connection)
    # Emergency access off duty opens the chart and no list; support has no lists.
    apart = [key for key, answer in answers.items() if answer.is_listed != answer.may_read]
    assert {relation for _, relation in apart} <= {"blålys og vakt", "SUPPORT"}
    assert not any(answers[key].is_listed for key in apart)


async def test_a_no_goes_before_every_yes_and_silence_is_no(admin: Database) -> None:
    async with admin.acquire() as connection:
        answers = await matrix.decide(connection)
    opening = {key for key in matrix.RELATIONS if key.isupper()} | {
            "overstyrt", "blålys og vakt", "navngitt", "nær familie, med grunn", "nær familie, blålys",
        }  # fmt: skip
    closed = matrix.RELATIONS.keys() - opening
    assert len(closed) > 10
    for relation in closed:
        for role in matrix.ROLES:
            assert not answers[role, relation].may_read, (role, relation)
    assert not any(answer.may_read for (role, _), answer in answers.items() if role == "ukjent")
    assert not any(answer.may_write for (role, _), answer in answers.items() if role == "assistent")


async def test_every_rule_has_a_source(admin: Database) -> None:
    rules = dict(matrix._rules())
    views = await admin.fetch("SELECT viewname FROM pg_views WHERE schemaname = 'access' AND viewname LIKE 'rule\\_%'")
    assert rules.keys() == {row["viewname"] for row in views}
    assert all("§" in words or "forskriften" in words or "access.md" in words for words in rules.values())
