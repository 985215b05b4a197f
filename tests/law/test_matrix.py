"""The matrix that a lawyer signs is what the database decides."""

import pytest

from fellesjournal.kit.db import Database
from tests.law import matrix, representation

pytestmark = pytest.mark.law


async def test_the_signed_page_is_what_the_database_answers(admin: Database) -> None:
    async with admin.acquire() as connection:
        answers, representatives = await matrix.decide(connection), await representation.rows(connection)
    assert matrix.PAGE.read_text("utf-8") == matrix.page(answers, representatives), "run python -m tests.law.matrix"


async def test_a_list_never_shows_more_or_less_than_the_charts_that_open(admin: Database) -> None:
    async with admin.acquire() as connection:
        answers = await matrix.decide(connection)
    assert [key for key, answer in answers.items() if answer.is_listed != answer.may_read] == []


async def test_a_no_goes_before_every_yes_and_silence_is_no(admin: Database) -> None:
    async with admin.acquire() as connection:
        answers = await matrix.decide(connection)
    closed = matrix.RELATIONS.keys() - {"FASTLEGE", "POLBESOK", "PLANOPP", "BELEGG", "ARBFLYT", "navngitt"}
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
