"""Carry one signed note to the patient's GP: a task in the GP's inbox, or in the sender's own when there is no GP.

And tell the units that a referral is addressed to that they have a need: the same envelope, another letter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fellesjournal.access import relations
from fellesjournal.access.decide import within
from fellesjournal.access.model import PatientId, SessionOver
from fellesjournal.access.relations import Fact
from fellesjournal.clinical.correspondence.model import (
    CARRIED,
    NO_GP,
    NOTE,
    READ_NOTE,
    Destination,
    task_pid,
    told,
)
from fellesjournal.clinical.correspondence.referrals import TYPES, referral_of
from fellesjournal.clinical.notes.fhir import COPY_TO_GP, DISTRIBUTION
from fellesjournal.clinical.pieces import TASK, Json, concept, id_in, instant, patient_ref
from fellesjournal.clinical.protection import is_strict
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids, metrics
from fellesjournal.kit.log import get_logger
from fellesjournal.record.errors import AlreadyThere, Gone, NotFound
from fellesjournal.record.feed import Entry
from fellesjournal.record.journal import Journal, Vault
from fellesjournal.web import _

DUE_AFTER = timedelta(days=3)
_DISPLAYS = {READ_NOTE: _("Notat til gjennomlesing"), NO_GP: _("Notat uten fastlege")}
_log = get_logger("correspondence")
_copies = metrics.counter("note_copies", "Notes carried on, by what came of it.", ("outcome",))


class Distributor:
    """Opens one envelope at a time: the patient of one note, for five minutes."""

    def __init__(
        self,
        vault: Vault,
        *,
        reader: Callable[[], Awaitable[Reader]],
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._vault = vault
        self._reader = reader
        self._now = now or (lambda: datetime.now(UTC))

    async def handle(self, entry: Entry) -> None:
        """Carry the note, or tell of the referral, that an entry of the feed is about."""
        if entry.rtype in TYPES:
            await self.refer(rtype=entry.rtype, slot=entry.slot, pid=entry.pid, by=entry.org)
        else:
            await self.carry(slot=entry.slot, pid=entry.pid, version=entry.version)

    async def handle_job(self, payload: Mapping[str, int | str]) -> None:
        """The same of one that was put aside."""
        slot, pid, rtype = int(payload["slot"]), int(payload["pid"]), str(payload.get("rtype", NOTE))
        if rtype in TYPES:
            await self.refer(rtype=rtype, slot=slot, pid=pid, by=int(payload["org"]))
        else:
            await self.carry(slot=slot, pid=pid, version=int(payload["version"]))

    async def refer(self, *, rtype: str, slot: int, pid: int, by: int) -> None:
        """Make the needs that a referral tells of what it says now; `by` is the unit that wrote it.

        Raises SessionOver without the grant.
        """
        opened = await self._open(slot, pid)
        if opened is None:
            return
        journal, patient = opened
        try:
            resource = (await journal.read(rtype, ids.encode(slot, pid))).resource()
        except Gone:
            resource = None
        except NotFound:
            return
        referral = referral_of(resource, source=pid, patient=patient, by=by)
        if referral is None:
            return
        if not await relations.keep_referral(journal.vault.db, decision=journal.decision, referral=referral):
            raise SessionOver

    async def carry(self, *, slot: int, pid: int, version: int) -> None:
        """Carry one version of a note, once: done before counts as done. Raises SessionOver without the grant."""
        opened = await self._open(slot, pid)
        if opened is None:
            return
        journal, patient = opened
        note_id = ids.encode(slot, pid)
        try:
            note = (await journal.read("Composition", note_id, version=version)).resource()
        except (NotFound, Gone):
            _copies.labels("gone").inc()
            return
        if _is_for_gp(note):
            await self._deliver(journal, PatientId(slot, patient), note, note_id, version)

    async def _open(self, slot: int, pid: int) -> tuple[Journal, int] | None:
        """The envelope, and whose it is; None when there is none to carry. Raises SessionOver without the grant."""
        journal = self._vault.open(within(await self._reader()))
        patient = await journal.open_envelope(ids.encode(slot, pid))
        if patient is None:
            raise SessionOver
        return (journal, patient) if patient else None

    async def _deliver(
        self, journal: Journal, patient: PatientId, note: Json, note_id: str, version: int
    ) -> None:
        person = (await journal.read("Patient", ids.encode(patient.slot, patient.pid))).resource()
        to = await destination(journal, person, note)
        if to is None:
            _copies.labels("own").inc()
            return
        at, pid = self._now(), task_pid(note_id, version)
        unit = ids.decode(to.unit_id)
        assert unit is not None  # noqa: S101 - a directory id
        journal.establish(Fact(patient.pid, unit[1], "ARBFLYT", at, source=pid))
        sender = "" if is_strict(person) else str(note.get("custodian", {}).get("display") or "")
        journal.create(_task(note, note_id, to, sender=sender, patient=patient, at=at), org=unit[1], pid=pid)
        try:
            await journal.commit()
        except AlreadyThere:
            _copies.labels("again").inc()
        else:
            _copies.labels(to.kind).inc()


async def destination(journal: Journal, person: Json, note: Json) -> Destination | None:
    """Where a note goes: the GP's practice; the sender itself for one who has none here; None when they are one."""
    sender = note.get("custodian", {})
    sender_id, sender_name = id_in(sender, "Organization"), str(sender.get("display", ""))
    gp = await _practice(journal, person)
    if gp and gp[0] == sender_id:
        return None
    if gp:
        return Destination(READ_NOTE, gp[0], gp[1])
    if sender_id is None:
        _log.warning("a note for the GP names no sender and the patient has no GP")
        return None
    has_outside = bool(person.get("generalPractitioner"))
    why = (
        _("Fastlegen er ikke i Fellesjournal. Send epikrise på annen måte.")
        if has_outside
        else _("Pasienten har ikke fastlege. Avgjør hvem som følger opp.")
    )
    return Destination(NO_GP, sender_id, sender_name, why)


async def _practice(journal: Journal, person: Json) -> tuple[str, str] | None:
    """The GP's unit as (id, name): named itself, or found by the doctor's role there."""
    parties = person.get("generalPractitioner", ())
    for one in parties:
        found = id_in(one, "Organization")
        if found and (unit := await _organization(journal, found)):
            return unit
    for one in parties:
        role, doctor = id_in(one, "PractitionerRole"), id_in(one, "Practitioner")
        for found in await _workplaces(journal, role=role, doctor=doctor):
            if unit := await _organization(journal, found):
                return unit
    return None


async def _workplaces(journal: Journal, *, role: str | None, doctor: str | None) -> list[str]:
    if role:
        try:
            roles: list[dict[str, Any]] = [(await journal.read("PractitionerRole", role)).resource()]
        except (NotFound, Gone):
            roles = []
    elif doctor:
        wanted = [("practitioner", f"Practitioner/{doctor}"), ("active", "true"), ("_count", "20")]
        page = await journal.search("PractitionerRole", wanted)
        roles = [stored.resource() for stored in page.matches]
    else:
        roles = []
    return [found for one in roles if (found := id_in(one.get("organization"), "Organization"))]


async def _organization(journal: Journal, id_: str) -> tuple[str, str] | None:
    """A unit of this installation, or None: a practice elsewhere is not in the directory."""
    try:
        found = (await journal.read("Organization", id_)).resource()
    except (NotFound, Gone):
        return None
    return id_, str(found.get("name", ""))


def _is_for_gp(note: Json) -> bool:
    tags = note.get("meta", {}).get("tag", ())
    wished = any(tag.get("system") == DISTRIBUTION and tag.get("code") == COPY_TO_GP for tag in tags)
    return wished and note.get("status") in CARRIED


def _task(
    note: Json, note_id: str, to: Destination, *, sender: str, patient: PatientId, at: datetime
) -> Json:
    """`sender` is the unit by name, '' for one that isn't known or may not be told."""
    text = told(str(note.get("status")), sender or _("annen tjeneste"))
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": concept(TASK, to.kind, _DISPLAYS[to.kind]),
        "description": f"{text}. {to.why}" if to.why else text,
        "focus": {"reference": f"Composition/{note_id}", "display": str(note.get("title", ""))},
        "for": patient_ref(patient),
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": note.get("custodian") or note["author"][0],
        "owner": {"reference": f"Organization/{to.unit_id}", "display": to.unit_name},
        "restriction": {"period": {"start": instant(at), "end": instant(at + DUE_AFTER)}},
    }
