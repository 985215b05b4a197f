"""A small world for searches: two units, their people, a loader; all through the vault's own functions."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit.db import Database
from fellesjournal.kit.ids import encode, new_pid
from fellesjournal.record import store
from fellesjournal.record.ownership import DIRECTORY_TYPES, patient_key, probe_owner, slot_of
from fellesjournal.record.rows import Wanted, gather
from fellesjournal.record.search import (
    Compiled,
    Cursor,
    Listing,
    Scope,
    SearchQuery,
    compile_search,
    next_cursor,
    parse_search,
    parse_system_search,
    with_codes,
)
from tests.conftest import TestDatabase
from tests.record.search.codes import Sets

UNIT_A, UNIT_B, LOADER_UNIT = 10, 20, 99
WRITE = "SELECT n, status, version, updated FROM vault.write($1, " + ", ".join(f"${n}" for n in range(2, 66)) + ")"


@dataclass
class Known:
    """A resource that was written, as the naive evaluator sees it."""

    rtype: str
    slot: int
    pid: int
    patient: int
    others: tuple[int, ...]
    org: int
    date: datetime
    updated: datetime
    rows: fhir.IndexRows
    resource: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return encode(self.slot, self.pid)

    @property
    def ref(self) -> str:
        return f"{self.rtype}/{self.id}"


@dataclass
class Answer:
    """One page."""

    ids: list[str]
    included: list[str]
    total: int | None
    notices: list[str]
    next: Cursor | None


@dataclass
class World:
    """Who there is, and the ways in."""

    test: TestDatabase
    admin: Database
    web: Database
    secrets: dict[str, bytes] = field(default_factory=dict)
    known: list[Known] = field(default_factory=list)

    @property
    def hash64(self) -> Any:
        return self.test.keys.hash64

    async def prepare(self) -> "World":
        for unit, name in ((UNIT_A, "A"), (UNIT_B, "B"), (LOADER_UNIT, "laster")):
            await self.admin.execute("SELECT identity.put_unit($1, $2, 'gp', $1, 'Testvik')", unit, name)
        await self._doctor("a", UNIT_A)
        await self._doctor("b", UNIT_B)
        await self._system("loader", LOADER_UNIT, "LOAD")
        return self

    async def _doctor(self, name: str, unit: int) -> None:
        person = await self.admin.fetchval(
            "SELECT identity.put_person('human', $1, $2, NULL, NULL, NULL, NULL)", os.urandom(16), name
        )
        post = await self.admin.fetchval(
            "SELECT identity.put_post($1, $2, 'lege', NULL, NULL, NULL, '-infinity', 'infinity')",
            person,
            unit,
        )
        secret = os.urandom(32)
        await self.admin.fetchval(
            "SELECT identity.start_staff($1, $2, $3, 4::smallint, 3600, 7200, '')",
            sha256(secret).digest(),
            person,
            post,
        )
        self.secrets[name] = secret

    async def _system(self, name: str, unit: int, purpose: str) -> None:
        name_hash = os.urandom(16)
        person = await self.admin.fetchval(
            "SELECT identity.put_person('system', $1, $2, NULL, NULL, NULL, NULL)", name_hash, name
        )
        await self.admin.execute("SELECT identity.put_grant($1, $2, 'infinity', 'test')", person, purpose)
        secret = os.urandom(32)
        await self.admin.fetchval(
            "SELECT identity.start_system($1, $2, $3, $4, 7200, '')",
            sha256(secret).digest(),
            name_hash,
            unit,
            purpose,
        )
        self.secrets[name] = secret

    async def write(self, resources: Sequence[dict[str, Any]], *, org: int = UNIT_A) -> list[Known]:
        """New resources by the loader, for a controller."""
        wanted = [self._wanted(resource, org) for resource in resources]
        order = sorted(range(len(wanted)), key=lambda n: (wanted[n].slot, wanted[n].pid))
        ranked = [wanted[n] for n in order]
        rows = await self.web.fetch(WRITE, self.secrets["loader"], *gather(ranked, hash64=self.hash64).arguments())
        assert [r["status"] for r in rows] == [201] * len(rows)
        made = {n: self._known(wanted[n], row["updated"]) for n, row in zip(order, rows, strict=True)}
        self.known += [made[n] for n in range(len(wanted))]
        return [made[n] for n in range(len(wanted))]

    async def delete(self, item: Known) -> None:
        gone = Wanted("D", item.rtype, item.slot, item.pid, item.org, None, expect=-1)
        rows = await self.web.fetch(WRITE, self.secrets["loader"], *gather([gone], hash64=self.hash64).arguments())
        assert rows[0]["status"] == 204
        self.known.remove(item)

    async def relate(self, unit: int, patients: Sequence[Known]) -> None:
        """The unit is their fastlege from now on."""
        await self.admin.execute(
            "SELECT access.put_relation($1, $2, NULL, 'FASTLEGE', NULL, clock_timestamp(), 'infinity', 0)",
            [p.pid for p in patients], unit,
        )  # fmt: skip

    def _wanted(self, resource: dict[str, Any], org: int) -> Wanted:
        rtype, pid = resource["resourceType"], new_pid()
        if rtype == "Patient":
            slot = slot_of(pid)
        else:
            owner = None if rtype in DIRECTORY_TYPES else patient_key(probe_owner(resource))
            slot = owner[0] if owner else 0
        return Wanted("C", rtype, slot, pid, org, resource)

    def _known(self, wanted: Wanted, updated: datetime) -> Known:
        columns = gather([wanted], hash64=self.hash64)
        return Known(
            wanted.rtype, wanted.slot, wanted.pid, columns.patient[0] or 0, tuple(columns.other_patient),
            wanted.org,
            columns.date[0] or updated, updated, columns.index, wanted.resource or {},
        )  # fmt: skip

    def compile(self, scope: Scope, url: str, after: Cursor | None = None) -> Compiled:
        return compile_search(_parsed(url), scope=scope, hash64=self.hash64, after=after, is_alone=True)

    async def rows(self, who: str, scope: Scope, compiled: Compiled) -> list[store.Hit]:
        if isinstance(scope, Listing):
            answer = await store.search_list(self.web, store.Question(self.secrets[who], compiled), unit=scope.unit)
        else:
            answer = await store.search_chart(self.web, store.Question(self.secrets[who], compiled, scope.patients))
        assert answer.verdict == "ok", answer.verdict
        return answer.hits

    async def search(self, who: str, scope: Scope, url: str, after: Cursor | None = None) -> Answer:
        """One page, as ids (`Type/id` for what is included)."""
        query = await with_codes(_parsed(url), Sets())
        compiled = compile_search(query, scope=scope, hash64=self.hash64, after=after, is_alone=True)
        hits = await self.rows(who, scope, compiled)
        total = [hit.pid for hit in hits if hit.k == 110]
        return Answer(
            ids=[json.loads(hit.body)["id"] for hit in hits if hit.k == 0],
            included=[_reference(json.loads(hit.body)) for hit in hits if hit.k == 100],
            total=total[0] if total else None,
            notices=[hit.body for hit in hits if hit.k == 101],
            next=next_cursor([(hit.k, hit.sort, hit.pid) for hit in hits], after=after),
        )  # fmt: skip

    async def all_pages(self, who: str, scope: Scope, url: str) -> list[str]:
        """Ids of every page, one after the other."""
        found: list[str] = []
        after: Cursor | None = None
        for _ in range(200):
            page = await self.search(who, scope, url, after)
            found += page.ids
            if page.next is None:
                return found
            after = page.next
        raise AssertionError("the pages never end")


def _parsed(url: str) -> SearchQuery:
    rtype, _, text = url.partition("?")
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in text.split("&") if part)]
    return parse_search(rtype, pairs) if rtype else parse_system_search(pairs)


def _reference(resource: Any) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
