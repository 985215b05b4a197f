"""A transaction: conditions, then ids, then references, then one write, then reads (FHIR http §2.21.0.17.2).

The order in which entries stand changes nothing. All is done or nothing; a fault names its entry.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit import ids
from fellesjournal.record import names, ownership
from fellesjournal.record.binary import listed
from fellesjournal.record.bundle import Entry, Place, find_places
from fellesjournal.record.errors import (
    Gone,
    Invalid,
    Malformed,
    NotFound,
    RecordError,
    Unselective,
    VersionConflict,
    faults_at,
)
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Key
from fellesjournal.record.patch import patched
from fellesjournal.record.questions import at_most_one, read_question
from fellesjournal.record.search import SearchQuery
from fellesjournal.record.written import Written


@dataclass(frozen=True)
class Answer:
    """What one interaction answers: of a write the version that was made or found, of a read its text.

    `body` is made when it is wanted; `outcome` is the OperationOutcome of an entry that failed.
    """

    status: int
    rtype: str = ""
    id: str = ""
    version: int = 0
    updated: datetime | None = None
    body: Callable[[], str] | None = None
    outcome: str = ""


Get = Callable[[Journal, Entry], Awaitable[Answer]]


async def run(journal: Journal, entries: Sequence[Entry], *, base: str, get: Get) -> list[Answer]:
    """Do what the entries wish, as one; answers in their order. `get` reads, after the writes.

    The resources are the entries' own: references in them are changed in place.
    Raises RecordError and AccessError, with the place of the entry where it is known.
    """
    plan = _Plan(journal, entries, base, get, find_places(entries))
    if any(entry.is_asking for entry in entries) or any("?" in place.text for place in plan.places):
        async with journal.together():
            return await plan.run()
    return await plan.run()


def found(stored: Stored, *, status: int = 200) -> Answer:
    """The answer that shows a stored version."""
    body = partial(listed, stored.rtype, stored.body)
    return Answer(status, stored.rtype, stored.id, stored.version, stored.updated, body)


def made(written: Written) -> Answer:
    """The answer to a write."""
    return Answer(written.status, written.rtype, written.id, written.version, written.updated, written.body)


@dataclass
class _Plan:
    """A transaction in the making. By an entry's place: what its condition matched, the key of what it creates."""

    journal: Journal
    entries: Sequence[Entry]
    base: str
    get: Get
    places: list[Place]
    matched: dict[int, Stored] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)

    async def run(self) -> list[Answer]:
        await self.journal.vault.definitions.current()
        await self._match()
        await self._resolve_questions()
        await self._know()
        self._check_once()
        self._number(lambda entry: entry.rtype == "Patient" or entry.rtype in ownership.DIRECTORY_TYPES)
        self._link()
        # Whose the rest is can be told now: it goes to the bucket of its person.
        self._number(lambda entry: entry.place not in self.keys)
        self._link()
        self._check_linked()
        written = await self._write()
        return [await self._answer(entry, written.get(entry.place)) for entry in self.entries]

    # ── Conditions ───────────────────────────────────────────────────────────────────────────────

    async def _match(self) -> None:
        asking = [entry for entry in self.entries if entry.question]
        queries = {}
        for entry in asking:
            with faults_at(entry.asked):
                queries[entry.place] = self._question(entry.rtype, entry.question)
        await self.journal.wait_for([queries[e.place] for e in asking if e.method in ("POST", "PUT")])
        for entry in asking:
            with faults_at(entry.asked):
                stored = at_most_one(await self.journal.ask(queries[entry.place]))
                if stored is not None:
                    self.matched[entry.place] = stored
                elif entry.method == "PATCH":
                    raise NotFound

    async def _resolve_questions(self) -> None:
        """What references ask for (`Patient?identifier=…`): created here by the same question, or there already."""
        asked: dict[str, int] = {}
        for place in self.places:
            if "?" in place.text and place.text.partition("?")[0] in fhir.TYPE_NUMBER:
                asked.setdefault(place.text, place.entry)
        created = {f"{e.rtype}?{_bare(e)}": e.place for e in self.entries if e.method == "POST" and e.question}
        for text, entry in asked.items():
            if text in created:
                continue
            rtype = text.partition("?")[0]
            with faults_at(self._at(entry).content):
                stored = at_most_one(await self.journal.ask(self._question(rtype, text)))
                if stored is None:
                    raise Unselective("A conditional reference matches nothing.")
            self.targets[text] = await self._reference_to(stored)

    def _question(self, rtype: str, text: str) -> SearchQuery:
        return read_question(rtype, text, base=self.base, registry=self.journal.vault.definitions.registry)

    def _at(self, place: int) -> Entry:
        return next(entry for entry in self.entries if entry.place == place)

    async def _reference_to(self, stored: Stored) -> str:
        """The name that the client knows, where it stands for this very row; else the id of our own form."""
        name = (stored.rtype, stored.id)
        if ids.decode(stored.id) is None:
            await self.journal.know([name])
        is_same = self.journal.knows(*name) == stored.key
        return f"{stored.rtype}/{stored.id if is_same else stored.own_id}"

    # ── Ids ──────────────────────────────────────────────────────────────────────────────────────

    async def _know(self) -> None:
        """Find all rows that clients' own ids stand for, in one call."""
        wanted = [(entry.rtype, entry.id) for entry in self.entries if entry.id and ids.decode(entry.id) is None]
        wanted += [name for place in self.places if (name := names.name_in(place.text))]
        await self.journal.know(wanted)
        for entry in self.entries:
            stored = self.matched.get(entry.place)
            if stored is not None:
                self._name(entry, await self._reference_to(stored))
                _check_same(entry, stored)
            elif entry.id and not self._is_creating(entry):
                self._name(entry, f"{entry.rtype}/{entry.id}")

    def _is_creating(self, entry: Entry) -> bool:
        if entry.place in self.matched or entry.method not in ("POST", "PUT"):
            return False
        return entry.method == "POST" or not entry.id or self.journal.knows(entry.rtype, entry.id) is None

    def _check_once(self) -> None:
        """Raise Invalid when two entries are about the same resource, or would create by the same condition."""
        named: list[Any] = []
        for entry in self.entries:
            if entry.method == "POST" and entry.question:
                named.append((entry.rtype, _bare(entry)))
            elif entry.method not in ("GET", "POST") and (entry.id or entry.place in self.matched):
                stored = self.matched.get(entry.place)
                name = (entry.rtype, entry.id)
                named.append(stored.key if stored else self.journal.knows(*name) or name)
        if len(set(named)) != len(named):
            raise Invalid("A transaction may touch each resource, and use each fullUrl, once.")

    def _number(self, is_due: Callable[[Entry], bool]) -> None:
        for entry in self.entries:
            if not self._is_creating(entry) or not is_due(entry):
                continue
            if entry.if_match > 0:
                raise _placed(VersionConflict(), entry)
            key = self._key_for(entry)
            self.keys[entry.place] = key
            chosen = entry.id if entry.method == "PUT" else ""
            if chosen:
                self.journal.name((entry.rtype, chosen), key)
            self._name(entry, f"{entry.rtype}/{chosen or ids.encode(*key)}")

    def _key_for(self, entry: Entry) -> Key:
        pid = ids.new_pid()
        if entry.rtype == "Patient":
            return ownership.slot_of(pid), pid
        if entry.rtype in ownership.DIRECTORY_TYPES:
            return 0, pid
        return self.journal.slot_by(ownership.probe_owner(entry.resource or {})), pid

    def _name(self, entry: Entry, target: str) -> None:
        if entry.full_url:
            self.targets[entry.full_url] = target
        if entry.method == "POST" and entry.question:
            self.targets[f"{entry.rtype}?{_bare(entry)}"] = target

    def _link(self) -> None:
        left = []
        for place in self.places:
            target = self.targets.get(place.text)
            if target is None:
                left.append(place)
            else:
                place.put(target + self._version(place, target))
        self.places = left

    def _version(self, place: Place, target: str) -> str:
        """A version stays one: of what another entry makes or finds, the one that it makes or finds (FHIR http).

        Where that can't be told before it is written (an update without ifMatch), an own version stays as it was sent.
        """
        if not place.version:
            return ""
        entry = next(entry for entry in self.entries if entry.full_url == place.text)
        stored = self.matched.get(entry.place)
        if entry.place in self.keys:
            return "/_history/1"
        if entry.method == "POST" and stored:
            return f"/_history/{stored.version}"
        if entry.if_match > 0 and entry.method in ("PUT", "PATCH"):
            return f"/_history/{entry.if_match + 1}"
        return place.version if target == place.text else ""

    def _check_linked(self) -> None:
        """Raise Invalid for a placeholder that stands for no entry: whose the resource is would be lost."""
        for place in self.places:
            if place.text.startswith(("urn:uuid:", "urn:oid:")):
                with faults_at(self._at(place.entry).content):
                    raise Invalid("A reference is a placeholder for which there is no entry.")

    # ── Writes, then reads ───────────────────────────────────────────────────────────────────────

    async def _write(self) -> dict[int, Written]:
        """Make the writes; what was to be deleted, and was so before, is as it was wished (FHIR http, delete)."""
        waiting = list(self.entries)
        while True:
            order = [entry.place for entry in waiting if await self._gather(entry)]
            try:
                return dict(zip(order, await self.journal.commit(), strict=True))
            except Gone as error:
                gone = {issue.expression for issue in error.issues}
                left = [entry for entry in waiting if entry.method != "DELETE" or entry.where not in gone]
                if len(left) == len(waiting):
                    raise
                waiting = left

    async def _gather(self, entry: Entry) -> bool:
        """Gather an entry's write; whether there is one."""
        stored = self.matched.get(entry.place)
        if entry.method == "GET" or (entry.method == "POST" and stored):
            return False
        if entry.method == "DELETE" and entry.question and not stored:
            return False
        id_ = stored.own_id if stored else entry.id
        if entry.method == "DELETE":
            self.journal.delete(entry.rtype, id_, expect=entry.if_match, place=entry.where)
        elif entry.method == "PATCH":
            await self._gather_patch(entry, id_)
        elif entry.place in self.keys:
            slot, pid = self.keys[entry.place]
            chosen = entry.id if entry.method == "PUT" else ""
            self.journal.create_as(entry.resource or {}, slot=slot, pid=pid, place=entry.content, chosen=chosen)
        else:
            self.journal.update(id_, entry.resource or {}, expect=entry.if_match, place=entry.content)
        return True

    async def _gather_patch(self, entry: Entry, id: str) -> None:
        with faults_at(entry.content):
            stored = self.matched.get(entry.place) or await self.journal.read(entry.rtype, id)
            result = patched(stored, entry.patch or dict, expect=entry.if_match)
        self.journal.update(stored.own_id, result.resource, expect=result.expect, place=entry.content)

    async def _answer(self, entry: Entry, written: Written | None) -> Answer:
        if entry.method == "GET":
            with faults_at(entry.asked):
                return await self.get(self.journal, entry)
        if written is not None:
            return made(written)
        return Answer(204) if entry.method == "DELETE" else found(self.matched[entry.place])


def _bare(entry: Entry) -> str:
    return entry.question.removeprefix(entry.rtype).removeprefix("?")


def _check_same(entry: Entry, stored: Stored) -> None:
    """A conditional update may name the id only of what it matches."""
    if entry.method == "PUT" and entry.id and entry.id not in (stored.id, stored.own_id):
        raise _placed(Malformed("The id in the body is not that of the resource that the condition matches."), entry)


def _placed(error: RecordError, entry: Entry) -> RecordError:
    error.issues = [fhir.Issue("error", error.code, entry.asked, error.english)]
    return error
