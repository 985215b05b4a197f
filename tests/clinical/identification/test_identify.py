"""Identifying against the vault: who is found, by what, and that each hit is logged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.access.decide import within
from fellesjournal.access.model import NoNeed
from fellesjournal.clinical import encounters
from fellesjournal.clinical.identification.national_id import FODSELSNUMMER
from fellesjournal.identity.model import Reader
from fellesjournal.record import store
from fellesjournal.record.errors import TooLittle
from fellesjournal.record.journal import Journal
from tests.site import LEGEVAKT_NURSE, TONIGHT
from tests.town import Town, birth_date

STRICT = (
    "SELECT pid, body::jsonb -> 'name' -> 0 ->> 'family' AS family, body::jsonb ->> 'birthDate' AS born, "
    "body::jsonb -> 'identifier' -> 0 ->> 'value' AS number, body::jsonb -> 'identifier' -> 0 ->> 'system' AS system "
    "FROM vault.resource WHERE slot > 0 AND pid = patient AND body LIKE '%strengtFortrolig%' LIMIT 1"
)


@asynccontextmanager
async def nurse(town: Town) -> AsyncIterator[tuple[Journal, Reader]]:
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        yield vault.open(within(reader)), reader


async def logged(town: Town, patient: int) -> int:
    row = await town.fetchrow(
        "SELECT count(*) AS n FROM access.log WHERE patient = $1 AND action = 'identify'", patient
    )
    return int(row["n"])


async def test_a_name_and_a_birth_date_find_the_person_and_log_the_hit(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    before = await logged(town, patient.pid)
    async with nurse(town) as (journal, _):
        born = date.fromisoformat(await birth_date(town, patient))
        (hit,) = await journal.identify_name(words=["henr", "SÆTERVIK"], born_on=born)
    assert (hit.name, hit.patient, hit.born_on) == (TONIGHT, patient, born)
    assert await logged(town, patient.pid) == before + 1


async def test_the_right_name_with_another_birth_date_finds_nobody(town: Town) -> None:
    async with nurse(town) as (journal, _):
        assert await journal.identify_name(words=["Henrik", "Sætervik"], born_on=date(1950, 1, 1)) == []


async def test_a_number_that_nobody_has_finds_nobody(town: Town) -> None:
    async with nurse(town) as (journal, _):
        assert await journal.identify_number(system=FODSELSNUMMER, value="0") == []


async def test_a_strictly_protected_person_is_found_by_the_exact_number_alone(town: Town) -> None:
    row: Any = await town.fetchrow(STRICT)
    if row is None:
        pytest.skip("nobody in this small municipality is strictly protected")
    async with nurse(town) as (journal, _):
        by_name = await journal.identify_name(words=[row["family"]], born_on=date.fromisoformat(row["born"]))
        by_number = await journal.identify_number(system=row["system"], value=row["number"])
    assert row["pid"] not in [hit.patient.pid for hit in by_name]
    assert [hit.patient.pid for hit in by_number] == [row["pid"]]


async def test_at_most_ten_are_shown(town: Town) -> None:
    async with nurse(town) as (journal, _):
        for name in ("an", "el", "ha", "ka"):
            found = await journal.identify_name(words=[name], born_on=date(1980, 1, 1))
            assert len(found) <= 10


@pytest.mark.parametrize("words", [[], ["H"], ["H", "S"], ["h."], [""], ["ø", "æ", "å"]])
async def test_single_letters_identify_nobody_and_say_why(town: Town, words: list[str]) -> None:
    patient = await town.patient(TONIGHT)
    before = await logged(town, patient.pid)
    async with nurse(town) as (journal, _):
        with pytest.raises(TooLittle) as refused:
            await journal.identify_name(words=words, born_on=date.fromisoformat(await birth_date(town, patient)))
    assert "to bokstaver" in refused.value.text
    assert await logged(town, patient.pid) == before


async def test_one_letter_beside_a_name_of_two_is_taken(town: Town) -> None:
    patient = await town.patient(TONIGHT)
    born = date.fromisoformat(await birth_date(town, patient))
    async with nurse(town) as (journal, _):
        (hit,) = await journal.identify_name(words=["H", "sæ"], born_on=born)
    assert hit.patient == patient


async def test_database_itself_takes_no_single_letter(town: Town) -> None:
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        rows = await store.identify_name(
            vault.db, secret=reader.secret, name_param=fhir.param_id("Patient", "name"), names=["h"],
            birth_param=fhir.param_id("Patient", "birthdate"), born=fhir.date_range("1992-03-08")[0],
        )  # fmt: skip
    assert [(row["verdict"], row["body"]) for row in rows] == [("few", None)]


async def test_birth_year_alone_is_no_birth_date_of_the_first_of_january(town: Town) -> None:
    async with town.acting(LEGEVAKT_NURSE) as (vault, reader):
        journal = vault.open(within(reader))
        journal.create({"resourceType": "Patient", "name": [{"family": "Årsfødt"}], "birthDate": "1980"})
        journal.create({"resourceType": "Patient", "name": [{"family": "Årsfødt"}], "birthDate": "1980-01-01"})
        await journal.commit()
        found = await journal.identify_name(words=["Årsfødt"], born_on=date(1980, 1, 1))
    assert [hit.born_on for hit in found] == [date(1980, 1, 1)]


async def test_a_contact_with_somebody_who_was_not_identified_is_refused(town: Town) -> None:
    patient = await town.patient("Silje Kvalnes")
    async with nurse(town) as (journal, reader):
        encounters.register_contact(
            journal, patient=patient, reader=reader, kind="phone", reason="", urgency="green", at=datetime.now(UTC)
        )
        with pytest.raises(NoNeed):
            await journal.commit()
    row = await town.fetchrow(
        "SELECT count(*) AS n FROM vault.resource r JOIN identity.unit u ON u.id = r.org WHERE r.patient = $1 "
        "AND u.kind = 'legevakt' AND r.updated > now() - interval '1 minute'", patient.pid,
    )  # fmt: skip
    assert row["n"] == 0
