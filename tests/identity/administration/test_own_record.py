# ruff: noqa: E501 - queries read best a line each
"""The link between who signs in and their Patient: at sign-in, and when both come in the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import pytest
import pytest_asyncio

from fellesjournal.identity import Sessions
from fellesjournal.identity.numbers import number_keys
from fellesjournal.kit.ids import new_pid
from tests.conftest import TestDatabase
from tests.identity.administration.making import Office, number, opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.law]
NUMBERED = "SELECT identity.patients_numbered(ARRAY[$1]::bigint[], ARRAY[7]::smallint[], ARRAY[$2]::bigint[])"
FOUND = "INSERT INTO vault.identifier (rtype, h, slot, pid) VALUES (103, $2, 7, $1)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(module_database: TestDatabase) -> AsyncGenerator[Office, None]:
    made = await opened(module_database)
    yield made
    for pool in (made.web, made.migrate, made.signin, made.admin):
        await pool.close()


async def own_record(office: Office, person: int) -> int | None:
    found: int | None = await office.admin.fetchval("SELECT patient FROM identity.person WHERE id = $1", person)
    return found


async def test_who_was_here_before_is_linked_at_the_next_sign_in(office: Office, module_database: TestDatabase) -> None:
    someone, patient = await office.person("Anne", "Frida Før", 30), new_pid()
    await office.admin.execute("DELETE FROM identity.number_key WHERE person = $1", someone)
    await office.admin.execute(FOUND, patient, number_keys(office.keys, number(30))[0])
    assert await own_record(office, someone) is None
    sessions = Sessions(signin=office.signin, web=office.web, settings=module_database.settings, keys=office.keys)
    found = await sessions.recognise(number(30))
    assert found is not None
    assert (found.id, found.patient, await own_record(office, someone)) == (someone, patient, patient)
    assert await sessions.recognise(number(31)) is None
    # And the nightly analysis knows them and their family by it.
    sister = new_pid()
    for whose, kind in ((patient, "P"), (sister, "K")):
        await office.admin.execute("INSERT INTO access.trait (patient, kind, h) VALUES ($1, $2, 77)", whose, kind.encode())
    signs = await office.admin.fetch(
        "SELECT patient, sign FROM access.relations_of(ARRAY[$1, $1]::bigint[], ARRAY[1, 1]::bigint[], ARRAY[$2, $3]::bigint[], now())",
        someone, patient, sister,
    )  # fmt: skip
    assert {(row["patient"], row["sign"]) for row in signs} == {(patient, "OWN"), (sister, "KIN")}


@pytest.mark.parametrize("is_patient_first", [True, False])
async def test_of_two_who_come_in_the_same_moment_the_later_sees_the_first(
    office: Office,
    is_patient_first: bool,
) -> None:
    serial, patient = 32 + is_patient_first, new_pid()
    key = number_keys(office.keys, number(serial))[0]
    someone = await office.person("Anne", f"To Samtidig {serial}", serial + 10)

    async def patient_comes(ready: asyncio.Event, other: asyncio.Event) -> None:
        async with office.admin.transaction() as conn:
            await conn.execute(FOUND, patient, key)
            await conn.execute(NUMBERED, patient, key)
            ready.set()
            await asyncio.wait_for(other.wait(), 5)

    async def staff_comes(ready: asyncio.Event, other: asyncio.Event) -> None:
        async with office.admin.transaction() as conn:
            await conn.execute("INSERT INTO identity.number_key (h, person) VALUES ($1, $2)", key, someone)
            if not is_patient_first:
                await conn.execute("SET CONSTRAINTS identity.number_known IMMEDIATE")
            ready.set()
            await asyncio.wait_for(other.wait(), 5)

    async def after(first: asyncio.Event, done: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
        await first.wait()
        waiting = asyncio.ensure_future(work)
        await asyncio.sleep(0.1)
        assert not waiting.done()  # it waits for the one who came first
        done.set()
        await waiting

    first, done, own = asyncio.Event(), asyncio.Event(), asyncio.Event()
    done_at_once = asyncio.Event()
    done_at_once.set()
    if is_patient_first:
        await asyncio.gather(patient_comes(first, done), after(first, done, staff_comes(own, done_at_once)))
    else:
        await asyncio.gather(staff_comes(first, done), after(first, done, patient_comes(own, done_at_once)))
    assert await own_record(office, someone) == patient
