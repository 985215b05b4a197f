# ruff: noqa: E501 - tables of what is planted and asked read best a line each
"""Asks one question and holds the answer against what the permitted rows say: every row, order, total and word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, Final
from urllib.parse import urlsplit

from fellesjournal.kit.ids import encode, new_pid
from fellesjournal.record.search import SearchQuery, parse_compartment_search, parse_search, parse_system_search
from tests.law.oracle.caller import Answer, Asks
from tests.law.oracle.content import PLACE
from tests.law.oracle.facts import Reader
from tests.law.oracle.questions import Question, encoded
from tests.law.oracle.view import Memory, View, sort_key
from tests.law.oracle.world import OracleWorld
from tests.record.search.world import Known

MARK: Final = re.compile(r"mk\d{6}x")
_ID: Final = re.compile(r"\b[0-9a-hjkmnp-tv-z]{15}\b")
_LINKS: Final = re.compile(r'"link": ?\[\{[^]]*\}\]')
"""They repeat what was asked, an address among it."""
_PAGES: Final = 100


class Leak(AssertionError):
    """An answer holds more or less than the reader's permitted rows; it says of what."""


class Judge:
    """Holds answers against one world."""

    def __init__(self, world: OracleWorld, caller: Asks) -> None:
        self.world, self.caller = world, caller
        self.absent: dict[tuple[str, ...], tuple[int, str]] = {}
        """What a reader was answered about something that never was, by the way, the method and the kind of address."""
        self.memory = Memory(world.standing)
        self.views: dict[tuple[str, tuple[int, ...] | None], View] = {}
        self.by_id = {row.id: row for row in world.known}
        self.owner = {
            body["meta"]["tag"][0]["code"]: (row, n)
            for row in world.known for n, body in enumerate(world.versions[row.pid])
        }  # fmt: skip

    def through(self, caller: Asks) -> Judge:
        """The same judge, asking by another way."""
        other = copy(self)
        other.caller = caller
        return other

    async def hold(self, question: Question) -> None:
        """Raises Leak when the answer isn't the permitted one."""
        ways = {
            "chart": self._search, "list": self._search, "read": self._read, "past": self._past, "history": self._history,
            "everything": self._everything, "lastn": self._lastn, "document": self._document, "refused": self._refused,
        }  # fmt: skip
        await ways[question.kind](question)

    def view(self, reader: Reader, charts: tuple[int, ...] | None) -> View:
        """What a reader sees in these charts, or in the lists."""
        key = (reader.name, charts)
        if key not in self.views:
            self.views[key] = View(self.world, self.memory, reader, charts)
        return self.views[key]

    def nothing_else(self, question: Question, text: str) -> None:
        """Every mark in the text is of a version that the reader may see, in some chart or list; and no hidden address."""
        marks = set(MARK.findall(text))
        self._same(question, "marks", {mark for mark in marks if not self.may_show(question.reader, mark)}, set())
        if PLACE in text and question.kind not in ("read", "past"):
            raise Leak(f"{question}: a protected address")

    def may_show(self, reader: Reader, mark: str) -> bool:
        """Whether the version with this mark may be shown to the reader."""
        row, n = self.owner[mark]
        return self.sees(reader, row, self.world.versions[row.pid][n])

    # ── Searches ─────────────────────────────────────────────────────────────────────────────────

    async def _search(self, question: Question) -> None:
        reader, who = question.reader, question.about
        if who is not None and not self.world.law.may_open(reader, who.pid):
            await self._as_absent(question, who)
            return
        query = _parsed(question.path, question.query)
        charts = None if who is None and reader.kind != "citizen" else (who.pid if who else reader.patient,)
        view = self.view(reader, charts)
        wanted = view.search(query)
        if query.summary == "count":
            answer = await self._asked(question, encoded(question.query))
            self._same(question, "total", answer["total"], len(wanted))
            return
        got: list[str] = []
        url = encoded(question.query)
        for _ in range(_PAGES):
            answer = await self._asked(question, url)
            got += self._page(question, view, query, answer)
            if "total" in answer:
                self._same(question, "total", answer["total"], len(wanted))
            links = [link["url"] for link in answer["link"] if link["relation"] == "next"]
            if not links:
                break
            url = urlsplit(links[0]).query
        self._order(question, wanted, got)

    def _page(self, question: Question, view: View, query: SearchQuery, answer: Any) -> list[str]:
        entries = answer.get("entry", [])
        matches = [entry["resource"]["id"] for entry in entries if entry["search"]["mode"] == "match"]
        along = {_ref(entry) for entry in entries if entry["search"]["mode"] == "include"}
        rows = [self.by_id[id_] for id_ in matches]
        self._same(question, "what comes along", along, view.along(query, rows))
        return matches

    def _order(self, question: Question, wanted: Sequence[Known], got: Sequence[str]) -> None:
        if not question.order:
            self._same(question, "rows in their order", got, [row.id for row in wanted])
            return
        self._same(question, "rows", sorted(got), sorted(row.id for row in wanted))
        keys = [sort_key(question.order, self.by_id[id_]) for id_ in got]
        self._same(question, "order", keys, sorted(keys, reverse="=-" in question.order))

    async def _asked(self, question: Question, query: str) -> Any:
        answer = await self.caller.ask(question.reader, question.path, query)
        if answer.status != 200:
            raise Leak(f"{question}: {answer.status} {answer.text}")
        self.nothing_else(question, _LINKS.sub("", answer.text, count=1))
        return answer.body

    # ── By id ────────────────────────────────────────────────────────────────────────────────────

    async def _read(self, question: Question) -> None:
        row = _about(question)
        answer = await self.caller.ask(question.reader, question.path)
        if not self.sees(question.reader, row):
            await self._as_absent(question, row, answer=answer)
        elif row.pid in self.world.gone:
            self._same(question, "status", answer.status, 410)
        else:
            self._same(question, "status", answer.status, 200)
            self._same(question, "mark", set(MARK.findall(answer.text)), {row.resource["meta"]["tag"][0]["code"]})
        self.nothing_else(question, answer.text)

    async def _past(self, question: Question) -> None:
        row, number = _about(question), int(question.path.rpartition("/")[2])
        body = self.world.past(row)[number - 1]
        answer = await self.caller.ask(question.reader, question.path)
        if not self.sees(question.reader, row, body):
            await self._as_absent(question, row, answer=answer)
            return
        is_deletion = number > len(self.world.versions[row.pid])
        self._same(question, "status", answer.status, 410 if is_deletion else 200)
        self.nothing_else(question, answer.text)

    def sees(self, reader: Reader, row: Known, version: Any = None) -> bool:
        """Whether the reader may read a row, or this version of it, by its id."""
        law, charts = self.world.law, None if row.patient == -1 else (row.patient,)
        can = row.patient <= 0 or law.may_open(reader, row.patient)
        return can and law.sees(reader, row, charts=charts, version=version)

    async def _refused(self, question: Question) -> None:
        """Only where the row is hidden: nothing is changed, and nothing is learnt."""
        row = _about(question)
        # What a unit withdrew it may take up again, though none reads it meanwhile. A loader writes what is any unit's own.
        is_own = row.org == question.reader.unit and "removed" in self.world.law.labels(row.resource)
        is_loaded = question.reader.kind == "system" and row.patient == -1
        if not self.sees(question.reader, row) and not is_own and not is_loaded:
            await self._as_absent(question, row, method="PATCH", body=b'[{"op":"test","path":"/id","value":"x"}]',
                                  more=((b"content-type", b"application/json-patch+json"),))  # fmt: skip
            await self._as_absent(question, row, method="DELETE")

    async def _as_absent(self, question: Question, row: Known, *, answer: Answer | None = None, **how: Any) -> None:
        """The answer is the one that something which never was gets, to the letter."""
        reader, path, query = question.reader, question.path, encoded(question.query)
        given = answer or await self.caller.ask(reader, path, query, **how)
        kind = (type(self.caller).__name__, reader.name, how.get("method", "GET"), path.replace(row.id, ""))
        hidden = (given.status, given.text.replace(row.id, ""))
        # A refusal repeats nothing of a question: what is said of one that never was need not be asked each time.
        if given.status < 400 or self.absent.get(kind) != hidden:
            absent = encode(row.slot, new_pid())
            never = await self.caller.ask(reader, path.replace(row.id, absent), query.replace(row.id, absent), **how)
            self.absent[kind] = (never.status, never.text.replace(absent, ""))
            self._same(question, "answer about what is hidden", hidden, self.absent[kind])
        if given.status < 400 and not _is_empty(given):
            raise Leak(f"{question}: {given}")

    # ── Histories and operations ─────────────────────────────────────────────────────────────────

    async def _history(self, question: Question) -> None:
        reader, about = question.reader, question.about
        is_one = about is not None and question.path != "_history"
        if about is not None and not (self.sees(reader, about) if is_one else self.world.law.may_open(reader, about.pid)):
            await self._as_absent(question, about)
            return
        rows = [about] if is_one and about else self.world.known
        charts = None if about is None or about.patient == -1 else (about.patient,)
        wanted = {
            (row.ref, str(n)) for row in rows for n, body in enumerate(self.world.past(row), start=1)
            if self._is_past(reader, row, body, charts, is_one=is_one)
        }  # fmt: skip
        got = [_version(entry) for answer in await self._walked(question) for entry in answer.get("entry", [])]
        self._same(question, "versions", sorted(got), sorted(wanted))

    def _is_past(self, reader: Reader, row: Known, body: Any, charts: tuple[int, ...] | None, *, is_one: bool) -> bool:
        if not is_one and (row.patient != charts[0] if charts else row.org != reader.unit):
            return False
        return self.world.law.sees(reader, row, charts=charts, version=body)

    async def _everything(self, question: Question) -> None:
        who, reader = _about(question), question.reader
        if not self.world.law.may_open(reader, who.pid):
            await self._as_absent(question, who)
            return
        view = self.view(reader, (who.pid,))
        wanted = {row.ref for row in self.memory.rows if row.patient == who.pid and view.sees(row)}
        got = [_ref(entry) for answer in await self._walked(question) for entry in answer.get("entry", [])]
        mine = sorted(ref for ref in got if self.by_id[ref.rpartition("/")[2]].patient != 0)
        self._same(question, "everything", mine, sorted(wanted))

    async def _lastn(self, question: Question) -> None:
        who, reader = _about(question), question.reader
        if not self.world.law.may_open(reader, who.pid):
            await self._as_absent(question, who)
            return
        view = self.view(reader, (who.pid,))
        newest: dict[str, Any] = {}
        for row in self.memory.rows:
            if row.rtype == "Observation" and row.patient == who.pid and view.sees(row):
                newest[_code(row.resource)] = max(newest.get(_code(row.resource), row.date), row.date)
        (answer,) = await self._walked(question)
        got = {_code(entry["resource"]): self.by_id[entry["resource"]["id"]].date for entry in answer.get("entry", [])}
        self._same(question, "the newest of each code", got, newest)

    async def _document(self, question: Question) -> None:
        row = _about(question)
        if not self.sees(question.reader, row):
            await self._as_absent(question, row)
            return
        (answer,) = await self._walked(question)
        self._same(question, "document", _ref(answer["entry"][0]), row.ref)

    async def _walked(self, question: Question) -> list[Any]:
        pages = [await self._asked(question, encoded(question.query))]
        while links := [link["url"] for link in pages[-1].get("link", []) if link["relation"] == "next"]:
            pages.append(await self._asked(question, urlsplit(links[0]).query))
            if len(pages) > _PAGES:
                raise Leak(f"{question}: the pages never end")
        return pages

    def _same(self, question: Question, what: str, got: Any, wanted: Any) -> None:
        if got != wanted:
            raise Leak(f"{question}: {what}: got {_short(got)}, permitted is {_short(wanted)}; {self._odd(got, wanted)}")

    def _odd(self, got: Any, wanted: Any) -> str:
        """The rows that make the difference, by what they are and whose."""
        if not all(isinstance(one, list | set) for one in (got, wanted)):
            return ""
        odd: Iterable[Any] = {str(one) for one in got} ^ {str(one) for one in wanted}
        return ", ".join(self._told(id_) for one in list(odd)[:5] for id_ in _ID.findall(one))

    def _told(self, id_: str) -> str:
        row = self.by_id.get(id_)
        place = next((n for n, who in enumerate(self.world.patients) if row and who.pid == row.patient), None)
        return f"{row.rtype} of patient {place} by {row.org} {row.resource.get('meta')}" if row else id_


def _parsed(path: str, text: str) -> SearchQuery:
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in text.split("&") if part)]
    if path.startswith("Patient/"):
        _, id_, within = path.split("/")
        return parse_compartment_search(("Patient", id_), within, pairs)
    return parse_search(path, pairs) if path else parse_system_search(pairs)


def _about(question: Question) -> Known:
    assert question.about is not None
    return question.about


def _is_empty(answer: Answer) -> bool:
    """An answer that is all right and holds nothing, as that about a Patient whom nobody knows."""
    body = answer.body if answer.text else {}
    return body.get("total", 0) == 0 and not body.get("entry")


def _ref(entry: Any) -> str:
    return f"{entry['resource']['resourceType']}/{entry['resource']['id']}"


def _version(entry: Any) -> tuple[str, str]:
    return entry["fullUrl"].partition("/fhir/")[2], entry["response"]["etag"].removeprefix('W/"').rstrip('"')


def _code(resource: Any) -> str:
    return str(resource["code"]["coding"][0]["code"])


def _short(value: Any) -> str:
    return str(value)[:600]
