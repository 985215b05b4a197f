"""A demo municipality to act in as its people, without a browser: for tests of what rooms write and the
worker does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fellesjournal.access.decide import within
from fellesjournal.access.model import PatientId
from fellesjournal.clinical import encounters
from fellesjournal.clinical.correspondence import ensure_system_actors
from fellesjournal.clinical.notes.actions import sign_note
from fellesjournal.identity.cookies import secret_of
from fellesjournal.identity.model import Reader
from fellesjournal.identity.sessions import Sessions
from fellesjournal.identity.tokens import issue_demo_token
from fellesjournal.kit import db, ids
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.settings import Settings
from fellesjournal.record.journal import Vault


@dataclass
class Town:
    """A loaded demo database, and ways to act in it as its people."""

    settings: Settings
    keys: Keys

    @asynccontextmanager
    async def acting(self, name: str, *, unit: str | None = None) -> AsyncIterator[tuple[Vault, Reader]]:
        """A vault and a reader with a session of this person."""
        async with (
            await db.Database.connect(self.settings, self.keys, "fj_signin", max_size=1) as signin,
            await db.Database.connect(self.settings, self.keys, "fj_web", max_size=4) as web,
        ):
            sessions = Sessions(signin=signin, web=web, settings=self.settings, keys=self.keys)
            secret = secret_of(await issue_demo_token(sessions, name, unit=unit))
            assert secret is not None
            reader = await sessions.who(secret)
            assert reader is not None
            yield Vault(web, keys=self.keys), reader

    async def patient(self, name: str) -> PatientId:
        """The key of a demo person's record."""
        row = await self.fetchrow(
            "SELECT patient, patient_slot FROM identity.person WHERE name = $1 AND patient IS NOT NULL", name
        )
        return PatientId(row["patient_slot"], row["patient"])

    async def fetchrow(self, query: str, *args: Any) -> Any:
        """One row, as the administrator."""
        connection = await db.connect(db.admin_dsn(self.settings, self.keys))
        try:
            return await connection.fetchrow(query, *args)
        finally:
            await connection.close()

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """Rows, as the administrator."""
        connection = await db.connect(db.admin_dsn(self.settings, self.keys))
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()


async def add_actors(settings: Settings, keys: Keys) -> None:
    """The systems that carry notes, with their grants."""
    async with await db.Database.connect(settings, keys, "fj_migrate", max_size=1) as identity:
        await ensure_system_actors(identity, keys=keys)


async def sign_contact(
    vault: Vault,
    reader: Reader,
    patient: PatientId,
    *,
    born: str,
    name: str,
    copy_to_gp: bool = True,
    text: str = "Feber.",
) -> str:
    """As a nurse does it: identify, register the contact, sign the note; the Composition's id."""
    at = datetime.now(UTC)
    journal = vault.open(within(reader))
    hits = await journal.identify_name(words=name.split(), born_on=datetime.fromisoformat(born).date())
    assert patient in [hit.patient for hit in hits]
    encounter = encounters.register_contact(
        journal, patient=patient, reader=reader, kind="emergency", reason="Feber", urgency="yellow", at=at
    )
    await journal.commit()
    note = await sign_note(
        journal, patient=patient, reader=reader, encounter=encounter, text=text, title="Legevaktnotat",
        copy_to_gp=copy_to_gp, at=at,
    )  # fmt: skip
    await journal.commit()
    return note


async def birth_date(town: Town, patient: PatientId) -> str:
    """The birth date as it stands in the Patient."""
    row = await town.fetchrow(
        "SELECT body::jsonb ->> 'birthDate' AS b FROM vault.resource WHERE pid = $1", patient.pid
    )
    return str(row["b"])


async def tasks_about(town: Town, note: str) -> list[Any]:
    """Task rows (pid, org, body) that have a note as their focus."""
    return await town.fetch(
        "SELECT pid, org, patient, body AS task FROM vault.resource "
        "WHERE body::jsonb -> 'focus' ->> 'reference' = $1",
        f"Composition/{note}",
    )


def key_of(note: str) -> tuple[int, int]:
    """(slot, pid) of an id."""
    found = ids.decode(note)
    assert found is not None
    return found
