"""The journal: the only door to clinical content. Opened for a decision, which every call takes to the database.

Reads go at once. Writes are gathered and made by `commit` in one transaction with the facts that go with them:
either all is there afterwards, search rows and access log too, or nothing.
"""

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from fellesjournal import fhir
from fellesjournal.access import audit, relations
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import NoNeed, PatientId, SessionOver, WrongUnit
from fellesjournal.access.relations import Fact
from fellesjournal.kit import ids
from fellesjournal.kit.db import Connection, Database, Row, UniqueViolation
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import installation
from fellesjournal.record import binary, identify, ownership, store
from fellesjournal.record.binary import Content, Context, Load, Upload
from fellesjournal.record.checks import validate_all
from fellesjournal.record.errors import (
    BY_STATUS,
    AlreadyThere,
    ContextNotFound,
    Duplicate,
    Gone,
    NotFound,
    RecordError,
    UnknownPatient,
)
from fellesjournal.record.history import HistoryPage, HistoryQuery, read_history
from fellesjournal.record.identify import Identified
from fellesjournal.record.lookup import Asker, Page, Pairs, Stored
from fellesjournal.record.rows import Columns, NotOurPatient, Op, Wanted, gather, stamp
from fellesjournal.record.search import SearchQuery, parse_search


@dataclass(frozen=True)
class Written:
    """A version that was made. status: 201 created, 200 updated, 204 deleted."""

    rtype: str
    id: str
    version: int
    updated: datetime
    status: int


class Vault:
    """What a process needs to open journals: its database role, the waiting reads, the keys."""

    def __init__(self, db: Database, *, keys: Keys) -> None:
        self.db = db
        self.keys = keys
        self.reads = store.reads(db)
        self.chart_searches = store.chart_searches(db)
        self._demo: bool | None = None

    def open(self, decision: Decision) -> "Journal":
        """A journal for one decision."""
        return Journal(self, decision)

    async def is_demo(self) -> bool:
        """Whether the database is a demo: asked once, since its mark never changes."""
        if self._demo is None:
            async with self.db.acquire() as connection:
                self._demo = (await installation(connection)).demo
        return self._demo


@dataclass
class Journal:
    """One reader's view, for one request. Not to be shared between requests."""

    vault: Vault
    decision: Decision
    _wanted: list[Wanted] = field(default_factory=list)
    _facts: list[Fact] = field(default_factory=list)
    _ended: list[tuple[int, int]] = field(default_factory=list)
    _uploads: dict[str, Upload] = field(default_factory=dict)

    async def read(self, rtype: str, id: str, *, version: int = 0) -> Stored:
        """One resource, its current version or a named one. Raises NotFound (hidden too), Gone, SessionOver."""
        slot, pid = _key(id)
        item = store.PointRead(self.decision.secret, _number(rtype), slot, pid, version)
        row = await self.vault.reads.ask(item)
        if row["status"] != 200:
            raise _fault(row["status"])
        return Stored(rtype, id, row["version"], row["updated"], row["body"])

    async def history(
        self, rtype: str, id: str, *, before: int = 2**31 - 1, limit: int = 50
    ) -> list[Row]:  # fmt: skip
        """Versions of one resource, newest first: rows (version, updated, op, body). Raises NotFound, SessionOver."""
        slot, pid = _key(id)
        rows = await store.history_of(
            self.vault.db, secret=self.decision.secret, rtype=_number(rtype), slot=slot, pid=pid, before=before,
            limit=limit,
        )  # fmt: skip
        if rows and rows[0]["status"] != 200:
            raise _fault(rows[0]["status"])
        if not rows and before == 2**31 - 1:
            raise NotFound
        return rows

    async def past(self, query: HistoryQuery, *, after: str | None = None) -> HistoryPage:
        """One page of a history: of a resource, a type, or everything, as `record.history` says."""
        return await read_history(self.vault.db, self.vault.keys, self.decision, query, after=after)

    async def search(self, rtype: str, params: Pairs, *, after: str | None = None) -> Page:
        """One page of a FHIR search in the chart that it names, else in the acting unit's lists.

        Raises SearchError, TooCostly, NoNeed (which stands for an unknown patient too), SessionOver.
        """
        return await self._asker().page(parse_search(rtype, params), after=after)

    async def search_many(self, wishes: Sequence[tuple[str, str, Pairs]]) -> dict[str, Page]:
        """First pages of many searches (name, type, parameters) in one call: what a page of ours needs."""
        return await self._asker().pages(wishes)

    async def run(self, query: SearchQuery, *, after: str | None = None) -> Page:
        """One page of a search that was parsed before."""
        return await self._asker().page(query, after=after)

    async def identify_number(self, *, system: str, value: str) -> list[Identified]:
        """The person with exactly this number. Raises SessionOver, MayNotIdentify, TooManyLookups."""
        return await identify.by_number(
            self.vault.db, secret=self.decision.secret, hash64=self.vault.keys.hash64, system=system, value=value
        )

    async def identify_name(self, *, words: Sequence[str], born_on: date) -> list[Identified]:
        """At most ten people by names and birth date. Raises TooLittle, SessionOver, MayNotIdentify, TooManyLookups."""
        return await identify.by_name(self.vault.db, secret=self.decision.secret, words=words, born_on=born_on)

    async def open_envelope(self, id: str) -> int | None:
        """A distributing system's right to the patient of one resource, for five minutes; the patient's number.

        None without the grant, and for a resource that is no patient's.
        """
        slot, pid = _key(id)
        return await store.open_envelope(self.vault.db, secret=self.decision.secret, slot=slot, pid=pid)

    def create(self, resource: dict[str, Any], *, org: int | None = None, pid: int | None = None) -> str:
        """Gather a new resource; its id. `org` is the controller, the acting unit if not said."""
        rtype = resource["resourceType"]
        pid = pid or ids.new_pid()
        slot = self._slot_for(rtype, resource, pid)
        self._gather("C", rtype, slot, pid, resource, org=org)
        return ids.encode(slot, pid)

    def create_as(
        self, resource: dict[str, Any], *, slot: int, pid: int, org: int | None = None, place: str = ""
    ) -> str:
        """Gather a new resource under a key that was made before, so that others can refer to it. Its id."""
        self._gather("C", resource["resourceType"], slot, pid, resource, org=org, place=place)
        return ids.encode(slot, pid)

    def update(self, id: str, resource: dict[str, Any], *, expect: int = -1, place: str = "") -> None:
        """Gather a new version of a resource; `expect` is the version that was shown (-1 = whichever is there)."""
        slot, pid = _key(id)
        self._gather("U", resource["resourceType"], slot, pid, resource, expect=expect, place=place)

    def gathered(self, rtype: str, id: str) -> dict[str, Any] | None:
        """The body gathered for this resource, to be changed further before the commit; None when none is."""
        key = _key(id)
        found = (one for one in self._wanted if (one.slot, one.pid) == key and one.rtype == rtype and one.op != "D")
        return next((one.resource for one in found), None)

    def delete(self, rtype: str, id: str, *, patient: int, expect: int = -1, place: str = "") -> None:
        """Gather a deletion of a resource of that patient; the history stays."""
        slot, pid = _key(id)
        self._wanted.append(
            Wanted(
                "D", rtype, slot, pid, self.decision.reader.unit or 0, None, expect=expect, patient=patient, place=place
            )
        )  # fmt: skip

    async def stage(self, parts: AsyncIterable[bytes]) -> Upload:
        """Take in content for a Binary that is to be written. Raises SessionOver, NoNeed, and what `parts` raises."""
        return await binary.stage(self.vault.db, secret=self.decision.secret, keys=self.vault.keys, parts=parts)

    async def create_binary(self, resource: dict[str, Any]) -> str:
        """Gather a Binary, in the bucket of what it belongs to; its id. Raises ContextNotFound, SessionOver."""
        name = binary.context_name(resource)
        if name is None:
            return self.create(resource)
        context = await self._context([], name)
        return self.create_as(resource, slot=context.key[0], pid=ids.new_pid())

    async def context_owner(self, stored: Stored) -> int:
        """Whose a Binary is by what it belongs to; 0 when its own references say it. Raises ContextNotFound."""
        name = binary.context_name(stored.resource()) if stored.rtype == "Binary" else None
        return (await self._context([], name)).patient if name else 0

    def attach(self, id: str, upload: Upload) -> None:
        """Give a Binary that was gathered its content; kept, or thrown away, with the commit."""
        self._uploads[id] = upload

    async def content(self, stored: Stored) -> Content | None:
        """The content of a Binary's version that was read before; None when it has none."""
        key = _key(stored.id)
        return await binary.find(
            self.vault.db, secret=self.decision.secret, keys=self.vault.keys, key=key, version=stored.version
        )

    def establish(self, fact: Fact) -> None:
        """Gather a fact that makes a need; told in the same transaction, before the writes."""
        self._facts.append(fact)

    def end_facts(self, *, patient: PatientId, source: str) -> None:
        """Gather the end of the facts that a resource made."""
        self._ended.append((patient.pid, _key(source)[1]))

    async def commit(self) -> list[Written]:
        """Make everything gathered, or nothing; versions in the order they were gathered.

        Raises Invalid (all faults), UnknownPatient, NotFound, Gone, VersionConflict, AlreadyThere, Duplicate,
        OtherPatient, NoNeed, WrongUnit, SessionOver. After an error the gathered writes are gone from the journal.
        """
        wanted, facts, ended, load = self._wanted, self._facts, self._ended, self._load()
        self._wanted, self._facts, self._ended, self._uploads = [], [], [], {}
        try:
            await validate_all(wanted, is_demo=await self.vault.is_demo())
            wanted = await load.take_from(wanted, context_of=partial(self._context, wanted))
            order = sorted(range(len(wanted)), key=lambda n: (wanted[n].slot, wanted[n].pid))
            rows = await self._write([wanted[n] for n in order], facts, ended, load)
        except BaseException:
            await load.drop()
            raise
        made: list[Written | None] = [None] * len(wanted)
        for n, row in zip(order, rows, strict=True):
            made[n] = _written(wanted[n], row)
        return [item for item in made if item is not None]

    def _load(self) -> Load:
        return Load(self.vault.db, self.decision.secret, self.vault.keys, self._uploads)

    async def _context(self, wanted: list[Wanted], name: tuple[str, str]) -> Context:
        """What a Binary belongs to: written together with it, or read. Raises ContextNotFound."""
        rtype, id = name  # noqa: A001 - FHIR's word
        for item in wanted:
            if (item.rtype, item.id) == name and item.resource is not None:
                return self._context_in(item)
        try:
            stored = await self.read(rtype, id)
        except (NotFound, Gone):
            raise ContextNotFound from None
        return self._context_in(Wanted("U", rtype, *_key(id), 0, stored.resource()))

    def _context_in(self, item: Wanted) -> Context:
        columns = self._columns([item])
        is_withheld = columns.sens[0] % 2 == 1
        return Context(fhir.TYPE_NUMBER[item.rtype], (item.slot, item.pid), columns.patient[0], is_withheld)

    def _asker(self) -> Asker:
        return Asker(self.vault.db, self.vault.keys, self.decision, self.vault.chart_searches)

    def _slot_for(self, rtype: str, resource: dict[str, Any], pid: int) -> int:
        if rtype == "Patient":
            return ownership.slot_of(pid)
        if rtype in ownership.DIRECTORY_TYPES:
            return 0
        owner = ownership.patient_key(ownership.probe_owner(resource))
        return owner[0] if owner else 0

    def _gather(
        self, op: Op, rtype: str, slot: int, pid: int, resource: dict[str, Any], *, org: int | None = None,
        expect: int = 0, place: str = "",
    ) -> None:  # fmt: skip
        controller = self.decision.reader.unit or 0 if org is None else org
        self._wanted.append(Wanted(op, rtype, slot, pid, controller, resource, expect=expect, place=place))

    def _columns(self, wanted: list[Wanted]) -> Columns:
        try:
            return gather(wanted, hash64=self.vault.keys.hash64)
        except NotOurPatient as error:
            raise _placed(UnknownPatient(), error.place) from None

    async def _write(
        self, wanted: list[Wanted], facts: list[Fact], ended: list[tuple[int, int]], load: Load
    ) -> list[Row]:
        columns = self._columns(wanted)
        try:
            if not facts and not ended and not load.uploads:
                rows = await self._put(self.vault.db, columns)
                _check(rows, wanted)
                return rows
            async with self.vault.db.transaction() as conn:
                for fact in facts:
                    await relations.establish(conn, decision=self.decision, fact=fact)
                rows = await self._put(conn, columns)
                _check(rows, wanted)
                await load.keep(conn, wanted, rows)
                for patient, source in ended:
                    await relations.end(conn, decision=self.decision, patient=patient, source=source)
                return rows
        except UniqueViolation as error:
            raise await self._taken(error) from error
        except (NoNeed, NotFound, WrongUnit):
            if facts or ended or load.uploads:
                # What the database logged went with the transaction.
                await self._log_refusal({*(fact.patient for fact in facts), *columns.patient})
            raise

    async def _taken(self, error: UniqueViolation) -> RecordError:
        """What was there already. That a national number is taken tells that somebody has it: logged as a look-up."""
        taken = _taken(error)
        if isinstance(taken, Duplicate):
            await audit.log_refusal(self.vault.db, decision=self.decision, patients=[0], action="identify")
        return taken

    async def _put(self, conn: Database | Connection, columns: Columns) -> list[Row]:
        if not columns.pid:
            return []
        return await store.write(conn, secret=self.decision.secret, columns=columns)

    async def _log_refusal(self, patients: Iterable[int]) -> None:
        await audit.log_refusal(
            self.vault.db, decision=self.decision, action="write",
            patients=sorted({max(patient, 0) for patient in patients}),
        )  # fmt: skip


def _check(rows: list[Row], wanted: list[Wanted]) -> None:
    """Raise the first fault, with its place in what was sent."""
    bad = next((row for row in rows if row["status"] >= 400), None)
    if bad is not None:
        raise _placed(_fault(bad["status"]), wanted[bad["n"] - 1].place)


def _placed(error: Exception, place: str) -> Exception:
    if place and isinstance(error, RecordError):
        error.issues = [fhir.Issue("error", error.code, place, error.english)]
    return error


def _written(wanted: Wanted, row: Row) -> Written:
    return Written(wanted.rtype, ids.encode(wanted.slot, wanted.pid), row["version"], row["updated"], row["status"])


def body_of(wanted_body: tuple[str, str], *, version: int, updated: datetime) -> str:
    """The stored body of a version just written, without reading it back: the same bytes that the database made."""
    return f'{wanted_body[0]}{version}","lastUpdated":"{stamp(updated)}{wanted_body[1]}'


def patient_of(id: str) -> PatientId | None:
    """The key of a Patient's id, or None for what can't be one."""
    found = ids.decode(id)
    return PatientId(*found) if found and found[0] > 0 else None


def _key(id: str) -> tuple[int, int]:
    found = ids.decode(id)
    if found is None:
        raise NotFound
    return found


def _number(rtype: str) -> int:
    number = fhir.TYPE_NUMBER.get(rtype)
    if number is None:
        raise NotFound
    return number


def _taken(error: UniqueViolation) -> RecordError:
    """An id that was to be new, or a business key."""
    is_id = getattr(error, "constraint_name", "") in ("history_pkey", "resource_pkey")
    return AlreadyThere() if is_id else Duplicate()


def _fault(status: int) -> Exception:
    if status == 401:
        return SessionOver()
    if status == 403:
        return NoNeed()
    if status == 430:
        return WrongUnit()
    error: type[RecordError] = BY_STATUS.get(status, NotFound)
    return error()
