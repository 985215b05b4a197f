"""The journal: the only door to clinical content. Opened for a decision, which every call takes to the database.

Reads go at once. Writes are gathered and made by `commit` in one transaction with the facts that go with them:
either all is there afterwards, search rows and access log too, or nothing.
"""

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from fellesjournal import fhir
from fellesjournal.access.decide import Decision, within
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.kit.db import Database, Row, StatementTimeout
from fellesjournal.kit.keys import Keys
from fellesjournal.kit.migrate import installation
from fellesjournal.packages import Library
from fellesjournal.record import binary, identify, names, ownership, store
from fellesjournal.record.binary import Content, Context, Load, Upload
from fellesjournal.record.checks import Checks
from fellesjournal.record.commit import Writer
from fellesjournal.record.conformance import Conformance, read_required
from fellesjournal.record.definitions import Definitions
from fellesjournal.record.errors import (
    Busy,
    ContextNotFound,
    Gone,
    NotFound,
    UnknownPatient,
    VersionConflict,
    placed,
)
from fellesjournal.record.everything import EverythingQuery, Focus, read_everything
from fellesjournal.record.gathering import own_key, type_number
from fellesjournal.record.history import HistoryPage, HistoryQuery, read_history
from fellesjournal.record.identify import Identified
from fellesjournal.record.lookup import Asker, Page, Pairs, Stored
from fellesjournal.record.names import Key, Name
from fellesjournal.record.questions import question_text
from fellesjournal.record.rows import NotOurPatient, Wanted, body_of, gather
from fellesjournal.record.search import SearchQuery, parse_search
from fellesjournal.record.single_writes import single_writes
from fellesjournal.record.subscriptions.wish import Terms
from fellesjournal.record.transacted import Transacted
from fellesjournal.record.value_sets import Visible
from fellesjournal.record.written import Written, fault, written
from fellesjournal.terminology import Terminology


class Vault:
    """What a process needs to open journals: its database role, the waiting reads, the keys, what resources are held
    against. `required`: the setting `required_profiles`; `terms`: those on which Subscriptions are taken in.
    """

    def __init__(self, db: Database, *, keys: Keys, required: Sequence[str] = (), terms: Terms | None = None) -> None:
        self.db = db
        self.keys = keys
        self.terms = terms or Terms()
        self.reads = store.reads(db)
        self.chart_searches = store.chart_searches(db)
        self.single_writes = single_writes(db)
        self.definitions = Definitions(db)
        self.library = Library(db)
        self.terminology = Terminology(db, library=self.library)
        self.checks = Checks(Conformance(self.library, terminology=self.terminology, required=read_required(required)))
        self._demo: bool | None = None

    def open(self, decision: Decision) -> "Journal":
        """A journal for one decision; an app's, and that of a bounded fullmakt, is under a ceiling."""
        if not decision.reader.is_capped:
            return Journal(vault=self, decision=decision)
        from fellesjournal.record.acting import capped_journal

        return capped_journal(self, decision)

    async def patient_named(self, reader: Reader, name: str) -> Key | None:
        """The row of the Patient whose id a client chose, as far as this reader may know of it."""
        journal = self.open(within(reader))
        if names.is_id(name):
            await journal.know([("Patient", name)])
        return journal.knows("Patient", name)

    async def forget_answers(self) -> None:
        """Delete the answers that were kept for repeated requests, a day after; the worker does it each night."""
        await store.forget_answers(self.db)

    async def is_demo(self) -> bool:
        """Whether the database is a demo: asked once, since its mark never changes."""
        if self._demo is None:
            async with self.db.acquire() as connection:
                self._demo = (await installation(connection)).demo
        return self._demo


@dataclass(kw_only=True)
class Journal(Transacted):
    """One reader's view, for one request. Not to be shared between requests."""

    vault: Vault

    async def read(self, rtype: str, id: str, *, version: int = 0) -> Stored:
        """One resource, its current version or a named one. Raises NotFound (hidden too), Gone, SessionOver."""
        number = type_number(rtype)
        key = ids.decode(id) or await self._find(rtype, id)
        item = store.PointRead(self.decision.secret, number, *key, version)
        if self._conn is None:
            row = await self.vault.reads.ask(item)
        else:
            (row,) = await store.read_many(self._conn, [item])
        if row["status"] != 200:
            raise fault(row["status"])
        body = row["body"]
        return Stored(rtype, names.id_of(rtype, body, key), row["version"], row["updated"], body, key, row["varies"])

    async def need_whole(self, rtype: str, actions: str) -> None:
        """For what is shown past the searches here: an app's scopes must hold the type without a condition."""

    async def read_all(self, wanted: Sequence[tuple[str, str, int]]) -> list[Stored]:
        """As many of these versions (type, id, version; 0: the current one) as may be seen. Raises SessionOver."""
        await self.know((rtype, name) for rtype, name, _ in wanted if ids.decode(name) is None)
        keyed = [(rtype, key, version) for rtype, name, version in wanted if (key := self.knows(rtype, name))]
        return await self._asker().read(keyed)

    async def history(self, rtype: str, id: str, *, before: int = 2**31 - 1, limit: int = 50) -> list[Row]:
        """Versions of one resource, newest first: rows (version, updated, op, body). Raises NotFound, SessionOver."""
        slot, pid = ids.decode(id) or await self._find(rtype, id)
        asked: dict[str, Any] = {"secret": self.decision.secret, "before": before, "limit": limit}
        rows = await store.history_of(self._db, rtype=type_number(rtype), slot=slot, pid=pid, **asked)
        if rows and rows[0]["status"] != 200:
            raise fault(rows[0]["status"])
        if not rows and before == 2**31 - 1:
            raise NotFound
        return rows

    async def exportable(self, types: Sequence[str]) -> tuple[str, ...]:
        """The types of these that may be exported; none asked for: of all. The rows are decided one by one."""
        return tuple(types) or tuple(fhir.RESOURCE_TYPES)

    async def past(self, query: HistoryQuery, *, after: str | None = None) -> HistoryPage:
        """One page of a history: of a resource, a type, or everything, as `record.history` says."""
        key = (ids.decode(query.id) or await self._find(query.rtype, query.id)) if query.id else None
        if query.patient and ids.decode(query.patient) is None:
            await self.know([("Patient", query.patient)])
            found = self._known.get(("Patient", query.patient))
            query = replace(query, patient=ids.encode(*found)) if found else query
        return await read_history(self._db, self.vault.keys, self.decision, query, after=after, key=key)

    async def everything(self, query: EverythingQuery, *, after: str | None = None) -> Page:
        """One page of everything about a Patient or an Encounter, as `record.everything` says.

        Raises NotFound (hidden too), Gone, SessionOver, SearchError for a cursor that isn't ours.
        """
        key = ids.decode(query.id) or await self._find(query.rtype, query.id)
        patient = key[1] if query.rtype == "Patient" else await self._patient_of(query.rtype, query.id)
        return await read_everything(
            self._db, self.vault.keys, self.decision, query, Focus(key, patient), after=after
        )

    async def search(self, rtype: str, params: Pairs, *, after: str | None = None) -> Page:
        """One page of a FHIR search in the chart that it names, else in the acting unit's lists.

        Raises SearchError, TooCostly, NoNeed (which stands for an unknown patient too), SessionOver.
        """
        return await self.run(parse_search(rtype, params), after=after)

    async def search_many(self, wishes: Sequence[tuple[str, str, Pairs]]) -> dict[str, Page]:
        """First pages of many searches (name, type, parameters) in one call: what a page of ours needs."""
        return await self._asker().pages(wishes)

    async def run(self, query: SearchQuery, *, after: str | None = None) -> Page:
        """One page of a search that was parsed before."""
        return await self._asker().page(query, after=after)

    async def wait_for(self, queries: Sequence[SearchQuery]) -> None:
        """Go on alone: whoever else asks one of these before a write has done, or waits; inside `together`.

        Raises Busy when the others take too long.
        """
        if not queries:
            return
        if self._conn is None:
            raise RuntimeError("a lock ends with its transaction")
        unit, hash64 = self.decision.reader.unit or 0, self.vault.keys.hash64
        try:
            await store.lock_questions(self._conn, [hash64(question_text(query, unit=unit)) for query in queries])
        except StatementTimeout:
            raise Busy from None

    async def ask(self, query: SearchQuery) -> list[Stored]:
        """The first matches of a search, as many as it counts. Raises as `search`."""
        return (await self.run(query)).matches

    async def know(self, wanted: Iterable[Name]) -> None:
        """Find the rows of ids that clients chose; those of hidden and absent ones stay unknown."""
        new = [name for name in dict.fromkeys(wanted) if name not in self._known and name not in self._absent]
        if new:
            found = await self._asker().find(new)
            self._known.update(found)
            self._absent.update(name for name in new if name not in found)

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

        0 for a resource that is no patient's, and for a request or task that concerns no other unit; None without the
        grant.
        """
        slot, pid = own_key(id)
        return await store.open_envelope(self.vault.db, secret=self.decision.secret, slot=slot, pid=pid)

    async def create_named(self, resource: dict[str, Any], *, chosen: str = "") -> str:
        """As `create`, for a resource whose references may name ids that clients chose, under such an id itself."""
        owner = names.name_in(ownership.probe_owner(resource) or "")
        if owner:
            await self.know([owner])
        pid = ids.new_pid()
        slot = self._slot_for(resource["resourceType"], resource, pid)
        return self.create_as(resource, slot=slot, pid=pid, chosen=chosen)

    async def put(self, id: str, resource: dict[str, Any], *, expect: int = -1) -> None:
        """Gather an update, or the creation of a resource under an id that the client chose (update as create).

        Raises NotFound for an id that can't be chosen, VersionConflict when a version was expected of what isn't there.
        """
        rtype = resource["resourceType"]
        if ids.decode(id) is None:
            if not names.is_id(id):
                raise NotFound
            await self.know([(rtype, id)])
            if (rtype, id) not in self._known:
                if expect > 0:
                    raise VersionConflict
                await self.create_named(resource, chosen=id)
                return
        self.update(id, resource, expect=expect)

    async def create_binary(self, resource: dict[str, Any], *, chosen: str = "") -> str:
        """Gather a Binary, in the bucket of what it belongs to; its id. Raises ContextNotFound, SessionOver."""
        name = binary.context_name(resource)
        if name is None:
            return await self.create_named(resource, chosen=chosen)
        context = await self._context([], name)
        return self.create_as(resource, slot=context.key[0], pid=ids.new_pid(), chosen=chosen)

    async def stage(self, parts: AsyncIterable[bytes]) -> Upload:
        """Take in content for a Binary that is to be written. Raises SessionOver, NoNeed, and what `parts` raises."""
        return await binary.stage(self._db, secret=self.decision.secret, keys=self.vault.keys, parts=parts)

    async def discard(self, upload: Upload) -> None:
        """Throw away content that was taken in and is not to be written."""
        await Load(self._db, self.decision.secret, self.vault.keys, {"": upload}).drop()

    async def content(self, stored: Stored) -> Content | None:
        """The content of a Binary's version that was read before; None when it has none."""
        return await binary.find(
            self._db, secret=self.decision.secret, keys=self.vault.keys, key=stored.key, version=stored.version
        )

    async def commit(self) -> list[Written]:
        """Make everything gathered, or nothing; versions in the order they were gathered.

        Raises Invalid (all faults), UnknownPatient, NotFound, Gone, VersionConflict, AlreadyThere, Duplicate,
        OtherPatient, NoNeed, WrongUnit, SessionOver. After an error the gathered writes are gone from the journal.
        """
        wanted, facts, ended = self._wanted, self._facts, self._ended
        load = Load(self._db, self.decision.secret, self.vault.keys, self._uploads)
        self._wanted, self._facts, self._ended, self._uploads = [], [], [], {}
        try:
            await self.vault.checks.refuse_faults(self._unchecked(wanted), is_demo=await self.vault.is_demo())
            wanted = await self._with_rows(wanted)
            bare = await load.take_from(wanted, context_of=partial(self._context, wanted))
            bodies = [body_of(item) for item in bare]
            await self.know(name for body in bodies if body for name in names.foreign(body.tail))
            order = sorted(range(len(bare)), key=lambda n: (bare[n].slot, bare[n].pid))
            x, waiting, hash64 = self.vault, self.vault.single_writes, self.vault.keys.hash64
            to = (x.definitions, load, x.terms, Visible(self))
            writer = Writer(x.db, waiting, self._conn, self.decision, hash64, self._known, *to)
            rows = await writer.write([bare[n] for n in order], [bodies[n] for n in order], facts=facts, ended=ended)
        except BaseException:
            await load.drop()
            raise
        self._touched |= writer.touched
        self._has_written |= bool(rows)
        made: list[Written | None] = [None] * len(wanted)
        for n, row in zip(order, rows, strict=True):
            # What is answered has the content that was sent.
            body = bodies[n] if wanted[n] is bare[n] else body_of(wanted[n])
            made[n] = written(wanted[n], body, row)
        return [item for item in made if item is not None]

    async def _context(self, wanted: list[Wanted], name: Name) -> Context:
        """What a Binary belongs to: written together with it, or read. Raises ContextNotFound."""
        for item in wanted:
            if (item.rtype, item.id) == name and item.resource is not None:
                return await self._context_in(item)
        try:
            stored = await self.read(*name)
        except (NotFound, Gone):
            raise ContextNotFound from None
        return await self._context_in(Wanted("U", stored.rtype, *stored.key, 0, stored.resource()))

    async def _context_in(self, item: Wanted) -> Context:
        body = body_of(item)
        await self.know(names.foreign(body.tail) if body else ())
        try:
            columns = gather([item], hash64=self.vault.keys.hash64, known=self._known)
        except NotOurPatient as error:
            raise placed(UnknownPatient(), error.place) from None
        return Context(fhir.TYPE_NUMBER[item.rtype], (item.slot, item.pid), columns.patient[0] or 0, columns.sens[0])

    @property
    def _pool(self) -> Database:
        return self.vault.db

    async def _patient_of(self, rtype: str, id: str) -> int:
        """The pid of the Patient whom a resource that may be read is about; UNIT_OWN for nobody."""
        subject = ownership.probe_owner((await self.read(rtype, id)).resource())
        found = ownership.patient_key(subject)
        name = names.name_in(subject or "")
        if found is None and name and name[0] == "Patient":
            found = await self._find(*name)
        return found[1] if found else ownership.UNIT_OWN

    async def _find(self, rtype: str, id: str) -> Key:
        if names.is_id(id):
            await self.know([(rtype, id)])
        key = self._known.get((rtype, id))
        if key is None:
            raise NotFound
        return key

    async def _with_rows(self, wanted: list[Wanted]) -> list[Wanted]:
        """What was gathered by a name that wasn't known then, with its row."""
        unknown = [(item.rtype, item.chosen) for item in wanted if not item.pid]
        if not unknown:
            return wanted
        await self.know(name for name in unknown if names.is_id(name[1]))
        return [item if item.pid else self._with_row(item) for item in wanted]

    def _with_row(self, item: Wanted) -> Wanted:
        key = self._known.get((item.rtype, item.chosen))
        if key is None:
            raise placed(NotFound(), item.place)
        return replace(item, slot=key[0], pid=key[1])

    def _asker(self) -> Asker:
        waiting = self.vault.chart_searches if self._conn is None else None
        return Asker(self._db, self.vault.keys, self.decision, waiting, Visible(self))
