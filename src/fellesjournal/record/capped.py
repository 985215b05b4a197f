"""The journal of an app's token: what its user may see, under the ceiling of the scopes that were granted.

Every call is first asked of the scopes, here and nowhere else; what passes goes the common way and is decided like any
other. A refusal by scope names a type, never a row: a row that a scope does not hold is as absent.
"""

from collections.abc import AsyncIterable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fellesjournal import fhir
from fellesjournal.access import audit
from fellesjournal.access.model import BeyondScopes, NotForApps
from fellesjournal.identity.apps import AppSession, Scope, is_whole
from fellesjournal.kit import ids
from fellesjournal.kit.db import Row
from fellesjournal.record import names, ownership
from fellesjournal.record.binary import Upload
from fellesjournal.record.ceiling import SHOW, Bounds, Ceiling
from fellesjournal.record.errors import Gone, NotFound, faults_at
from fellesjournal.record.everything import EverythingQuery
from fellesjournal.record.history import HistoryPage, HistoryQuery
from fellesjournal.record.identify import Identified
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Page, Pairs, Stored
from fellesjournal.record.rows import Wanted
from fellesjournal.record.search import SearchQuery, ask_patients
from fellesjournal.record.search.model import Clause, Condition, TextValue
from fellesjournal.record.written import Written

_OPS = {"C": "c", "U": "u", "D": "d"}
_GOES_ON = "Subscription"
"""What is written in it is carried out as its writer, after their token."""


@dataclass(kw_only=True)
class CappedJournal(Journal):
    """One app's view for one request; every door of `Journal` that shows or changes something is capped here."""

    app: AppSession

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────

    async def read(self, rtype: str, id: str, *, version: int = 0) -> Stored:
        """As Journal. Raises BeyondScopes; NotFound for what the scopes do not hold.

        Who the user is can be read with the scope `fhirUser` alone.
        """
        if not version and self.app.scopes.has("fhirUser") and (rtype, ids.decode(id)) == self._user():
            return await super().read(rtype, id)
        if rtype in fhir.TYPE_NUMBER:
            await self._need(self._any(rtype, "r"))
        stored = await super().read(rtype, id, version=version)
        if not await self._held([stored], "r"):
            raise NotFound
        return stored

    async def read_all(self, wanted: Sequence[tuple[str, str, int]]) -> list[Stored]:
        """As Journal, of what the scopes hold."""
        open_ = [one for one in wanted if self._any(one[0], "r")]
        return await self._held(await super().read_all(open_), "r")

    async def history(self, rtype: str, id: str, *, before: int = 2**31 - 1, limit: int = 50) -> list[Row]:
        """As Journal. Raises BeyondScopes: a history needs scopes without parameters."""
        await self._need_past(rtype, id)
        return await super().history(rtype, id, before=before, limit=limit)

    async def exportable(self, types: Sequence[str]) -> tuple[str, ...]:
        """Those that a scope without parameters holds. Raises BeyondScopes for one that was asked for, and for none."""
        whole = self._ceiling(in_chart=self.app.is_bound).whole_types("r")
        await self._need(() if set(types) - set(whole) else whole, action="export")
        return tuple(types) or whole

    async def past(self, query: HistoryQuery, *, after: str | None = None) -> HistoryPage:
        """As Journal, of the types that a scope without parameters holds. Raises BeyondScopes."""
        if query.id:
            await self._need_past(query.rtype, query.id)
            return await super().past(query, after=after)
        patient = query.patient
        if not patient and self.app.is_bound and query.rtype not in ownership.DIRECTORY_TYPES:
            patient = self._own_id()
        ceiling = self._ceiling(in_chart=await self._is_own_chart((patient,) if patient else None))
        types = tuple(rtype for rtype in ceiling.whole_types("r") if query.rtype in ("", rtype))
        await self._need(types)
        return await super().past(replace(query, patient=patient, types=types), after=after)

    async def everything(self, query: EverythingQuery, *, after: str | None = None) -> Page:
        """As Journal, of the types that a scope holds. Raises BeyondScopes, NotFound."""
        await self.read(query.rtype, query.id)
        ceiling = self._ceiling(in_chart=await self._is_own_row(query.rtype, query.id))
        types = [rtype for rtype in ceiling.open_types(SHOW) if not query.types or rtype in query.types]
        await self._need(types)
        page = await super().everything(replace(query, types=tuple(types)), after=after)
        return replace(page, matches=await self._held(page.matches), included=await self._held(page.included))

    async def run(self, query: SearchQuery, *, after: str | None = None) -> Page:
        """As Journal, with the scopes as conditions. Raises BeyondScopes."""
        query = await self._placed(query)
        try:
            capped = (await self._ceiling_of(query)).search(query)
        except BeyondScopes:
            await self._need(())
            raise
        page = await super().run(capped, after=after)
        return replace(page, included=await self._held(page.included))

    async def search_many(self, wishes: Sequence[tuple[str, str, Pairs]]) -> dict[str, Page]:
        """For pages of our own, which no app has. Raises BeyondScopes."""
        await self._need(() if wishes else ((),))
        return {}

    async def identify_number(self, *, system: str, value: str) -> list[Identified]:
        """As Journal. Raises BeyondScopes: it needs to search for patients beyond one launch."""
        await self._need_people()
        return await super().identify_number(system=system, value=value)

    async def identify_name(self, *, words: Sequence[str], born_on: date) -> list[Identified]:
        """As Journal. Raises BeyondScopes: it needs to search for patients beyond one launch."""
        await self._need_people()
        return await super().identify_name(words=words, born_on=born_on)

    async def open_envelope(self, id: str) -> int | None:
        """Never an app's. Raises BeyondScopes."""
        await self._need(())
        return await super().open_envelope(id)

    # ── Writing ──────────────────────────────────────────────────────────────────────────────────

    async def stage(self, parts: AsyncIterable[bytes]) -> Upload:
        """As Journal. Raises BeyondScopes without a scope to write a Binary."""
        await self._need(self._any("Binary", "cu"))
        return await super().stage(parts)

    async def commit(self) -> list[Written]:
        """As Journal; what is written must be held by the scopes, before and after. Raises BeyondScopes, NotFound."""
        wanted = list(self._wanted)
        bounded = {n for n, item in enumerate(wanted) if not is_whole(await self._bounds_of(item))}
        for item in wanted:
            if item.rtype == _GOES_ON and item.resource:
                await self._need_told(item.resource)
        if self._facts or self._ended:
            await self._need(())
        if not bounded:
            return await super().commit()
        async with self.together():
            for item in (wanted[n] for n in sorted(bounded)):
                if item.op != "C":
                    await self._need_held(await super().read(item.rtype, item.id), _OPS[item.op])
            made = await super().commit()
            for n, done in enumerate(made):
                if n in bounded and wanted[n].op != "D":
                    await self._need_held(await super().read(done.rtype, done.id), _OPS[wanted[n].op])
            return made

    async def _bounds_of(self, item: Wanted) -> Bounds:
        """How far the scopes go for a write. Raises BeyondScopes when none holds it."""
        action = _OPS[item.op]
        await self._need(self._any(item.rtype, action), action="write")
        if item.op == "C":
            in_chart = await self._is_own(item.rtype, (item.slot, item.pid), item.resource or {})
        else:
            with faults_at(item.place):
                stored = await super().read(item.rtype, item.id)
            in_chart = await self._is_own(item.rtype, stored.key, stored.resource())
        bounds = self._ceiling(in_chart=in_chart).bounds(item.rtype, action)
        await self._need(bounds, action="write")
        return bounds

    async def _need_told(self, subscription: dict[str, Any]) -> None:
        """Raise for what an app may not be told of: it goes on when the token has ended.

        So it is for an app that acts by itself, which is told by the same scopes, of types that these hold whole.
        """
        if self.decision.reader.kind != "system":
            await self._log_refusal([0])
            raise NotForApps
        topic = self.vault.terms.topics.find(str(subscription.get("criteria", "")))
        for rtype in sorted(topic.rtypes) if topic else ():
            await self._need(((),) if is_whole(self._ceiling(in_chart=False).bounds(rtype, "r")) else ())

    async def _need_held(self, stored: Stored, action: str) -> None:
        ceiling, bounds = await self._over(stored, action)
        if not is_whole(bounds) and not await self._holds(ceiling, stored, bounds):
            await self._need((), action="write")

    # ── The scopes ───────────────────────────────────────────────────────────────────────────────

    def _ceiling(self, *, in_chart: bool) -> Ceiling:
        return Ceiling(self._scopes, in_chart, self.vault.definitions.registry)

    @property
    def _scopes(self) -> tuple[Scope, ...]:
        return self.app.scopes.resources

    def _any(self, rtype: str, actions: str) -> Bounds:
        return self._ceiling(in_chart=True).bounds(rtype, actions)

    async def _need(self, found: Iterable[Any], *, action: str = "read") -> None:
        """Raise BeyondScopes for nothing found; the wish stands in the log."""
        if any(True for _ in found):
            return
        patient = self.app.patient[1] if self.app.patient else 0
        await audit.log_refusal(self.vault.db, decision=self.decision, patients=[patient], action=action)
        raise BeyondScopes

    async def need_whole(self, rtype: str, actions: str) -> None:
        """As Journal. Raises BeyondScopes."""
        is_own = self.decision.reader.kind == "citizen"
        bounds = self._ceiling(in_chart=is_own or self.app.is_bound).bounds(rtype, actions)
        await self._need(((),) if is_whole(bounds) else (), action="log")

    async def _need_people(self) -> None:
        bounds = self._ceiling(in_chart=False).bounds("Patient", "s")
        await self._need(((),) if is_whole(bounds) else (), action="identify")

    async def _need_past(self, rtype: str, id: str) -> None:
        """A history is shown whole, or not at all."""
        await self._need(self._any(rtype, "r"), action="history")
        try:
            stored = await super().read(rtype, id)
        except Gone:
            # Whose it was is not told; an app for one patient opens no other's.
            bounds = self._ceiling(in_chart=self.app.is_bound).bounds(rtype, "r")
        else:
            _, bounds = await self._over(stored, "r")
        await self._need(((),) if is_whole(bounds) else (), action="history")

    async def _over(self, stored: Stored, actions: str) -> tuple[Ceiling, Bounds]:
        in_chart = await self._is_own(stored.rtype, stored.key, stored.resource())
        ceiling = self._ceiling(in_chart=in_chart)
        return ceiling, ceiling.bounds(stored.rtype, actions)

    async def _held(self, rows: Sequence[Stored], actions: str = SHOW) -> list[Stored]:
        """Those of the rows that a scope holds for one of the actions, in their order."""
        shown = []
        for stored in rows:
            ceiling, bounds = await self._over(stored, actions)
            if is_whole(bounds) or (bounds and await self._holds(ceiling, stored, bounds)):
                shown.append(stored)
        return shown

    async def _holds(self, ceiling: Ceiling, stored: Stored, bounds: Bounds) -> bool:
        """Whether the search engine finds the row by one of the scopes: the current version, which alone it knows."""
        own: list[Condition] = [Clause(stored.rtype, "_id", "id", 0, "", (TextValue(stored.own_id),))]
        within = ceiling.condition(stored.rtype, bounds)
        chart = await self._chart_of(stored)
        query = SearchQuery(stored.rtype, tuple([*own, within] if within else own), count=1, chart=chart)
        return [one.version for one in (await super().run(query)).matches] == [stored.version]

    # ── The patient of the launch ────────────────────────────────────────────────────────────────

    async def _ceiling_of(self, query: SearchQuery) -> Ceiling:
        return self._ceiling(in_chart=await self._is_own_chart(ask_patients(query)))

    async def _placed(self, query: SearchQuery) -> SearchQuery:
        """The search in the launch's own chart, when it names none and the scopes reach no further."""
        types = [part.rtype for part in query.parts] or [query.rtype]
        if self.app.patient is None or ask_patients(query) is not None:
            return query
        reaches = any(self._ceiling(in_chart=False).bounds(rtype, "s") for rtype in types)
        if reaches and not self.app.is_bound:
            return query
        return replace(query, chart=self._own_id())

    def _user(self) -> tuple[str, names.Key | None]:
        reader = self.decision.reader
        if reader.kind == "citizen":
            return "Patient", (reader.patient_slot or 0, reader.patient or 0)
        return "Practitioner", (0, reader.practitioner) if reader.practitioner else (0, 0)

    def _own_id(self) -> str:
        return ids.encode(*self.app.patient) if self.app.patient else ""

    async def _is_own_chart(self, named: tuple[str, ...] | None) -> bool:
        if named is None or self.app.patient is None:
            return False
        return all([await self._key_of("Patient", one) == self.app.patient for one in named])

    async def _is_own_row(self, rtype: str, id: str) -> bool:
        stored = await super().read(rtype, id)
        return await self._is_own(rtype, stored.key, stored.resource())

    async def _is_own(self, rtype: str, key: names.Key, resource: dict[str, Any]) -> bool:
        """Whether a row is in the record of the launch's patient, or in the directory."""
        if rtype in ownership.DIRECTORY_TYPES:
            return True
        return self.app.patient is not None and await self._owner(rtype, key, resource) == self.app.patient

    async def _owner(self, rtype: str, key: names.Key, resource: dict[str, Any]) -> names.Key | None:
        if rtype == "Patient":
            return key
        for reference in ownership.named_patients(resource):
            return await self._key_of("Patient", reference.removeprefix("Patient/"))
        return None

    async def _key_of(self, rtype: str, id: str) -> names.Key | None:
        if ids.decode(id) is None and names.is_id(id):
            await self.know([(rtype, id)])
        return self.knows(rtype, id)

    async def _chart_of(self, stored: Stored) -> str:
        """The id of the Patient in whose chart a row is looked for; "" for the directory and the unit's own."""
        if stored.rtype in ownership.DIRECTORY_TYPES:
            return self._own_id() if self.app.is_bound else ""
        owner = await self._owner(stored.rtype, stored.key, stored.resource())
        return ids.encode(*owner) if owner and owner[0] else ""
