"""Bulk import and export of the same people: lines sent to a web process, written and copied as the worker does it.

The worker's part runs here, so that its processor time is this process's own.
"""

import asyncio
import http.client
import json
import re
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.bundles import Bundles
from bench.site import Site, Web
from fellesjournal import fhir
from fellesjournal.clinical.correspondence.actors import BULK, SystemSession, ensure_system_actors
from fellesjournal.identity.sessions import Sessions
from fellesjournal.kit import db
from fellesjournal.record import bulk_store
from fellesjournal.record.bulk import Carrier
from fellesjournal.record.imports import Importer
from fellesjournal.record.journal import Vault

_NDJSON = {"Content-Type": "application/fhir+ndjson", "Prefer": "respond-async"}
_ASKED = re.compile(rb'"reference":"[A-Za-z]+\?[^"]*",?')


@dataclass(frozen=True)
class Work:
    """What the worker did: how many resources, in how long, by how much processor time (its own, the database's)."""

    resources: int
    seconds: float
    worker_s: float
    database_s: float

    @property
    def per_s(self) -> float:
        """Resources a second, as the clock has it."""
        return self.resources / self.seconds


def told(works: Sequence[Work]) -> str:
    """The median of several rounds: the rate by the clock, and the processor time of worker and database."""
    own, theirs = (
        statistics.median(getattr(work, name) * 1e6 / work.resources for work in works)
        for name in ("worker_s", "database_s")
    )
    return f"{statistics.median(work.per_s for work in works):.0f}/s; processor {own:.0f} + {theirs:.0f} µs"


def lines(found: Bundles, *, mark: str) -> bytes:
    """The resources of the bundles as NDJSON, under ids that begin with the mark."""
    return b"".join(line for body in found.bodies for line in _lines(json.loads(body), mark))


def imported(site: Site, web: Web, content: bytes, *, token: str) -> Work:
    """Send lines and have them written. Raises RuntimeError when one is refused."""
    address = _asked(web, "POST", "/fhir/$import", token=token, body=content, headers=_NDJSON)
    seconds, own, database = asyncio.run(_carried(site, lambda works: works.importer.work_on_all()))
    answer = json.loads(_get(web, address, token=token))
    if answer["error"]:
        raise RuntimeError(f"refused: {_get(web, answer['error'][0]['url'], token=token)[:1000]!r}")
    return Work(answer["output"][0]["count"], seconds, own, database)


def exported(site: Site, web: Web, *, token: str) -> tuple[Work, float]:
    """Export everything; the worker's part, and how fast the files are fetched (resources a second)."""
    headers = {"Prefer": "respond-async"}
    address = _asked(web, "GET", "/fhir/Patient/$export", token=token, body=None, headers=headers)
    seconds, own, database = asyncio.run(_carried(site, lambda works: works.carrier.work_on_all()))
    answer = json.loads(_get(web, address, token=token))
    resources = sum(file["count"] for file in answer["output"])
    began = time.perf_counter()
    for file in answer["output"]:
        _get(web, file["url"], token=token)
    return Work(resources, seconds, own, database), resources / (time.perf_counter() - began)


@dataclass(frozen=True)
class _Works:
    importer: Importer
    carrier: Carrier


async def _carried(site: Site, work: Callable[[_Works], Awaitable[None]]) -> tuple[float, float, float]:
    async with await db.Database.connect(site.settings, site.keys, "fj_migrate", max_size=1) as operator:
        await ensure_system_actors(operator, keys=site.keys)
    async with await db.Database.connect(site.settings, site.keys, "fj_worker", max_size=6) as worker:
        sessions = Sessions(signin=worker, web=worker, settings=site.settings, keys=site.keys)
        system, vault, stop = SystemSession(sessions, actor=BULK), Vault(worker, keys=site.keys), asyncio.Event()
        works = _Works(
            Importer(vault, sessions, site.settings, secret=system.secret, stop=stop),
            Carrier(vault, base_url=site.settings.base_url, secret=system.secret, stop=stop),
        )
        await _begun(worker, await system.secret())
        database, began = site.postgres(), time.perf_counter()
        own, theirs = time.process_time(), database.cpu_s()
        await work(works)
        return time.perf_counter() - began, time.process_time() - own, database.cpu_s() - theirs


async def _begun(worker: db.Database, secret: bytes) -> None:
    """An export waits for whoever was writing when it was asked for; that is no work."""
    for number in await bulk_store.unfinished(worker):
        for _ in range(600):
            if (await bulk_store.following(worker, secret=secret, id=number, limit=1))["what"] != "wait":
                break
            await asyncio.sleep(0.1)


def _lines(bundle: dict[str, Any], mark: str) -> Iterator[bytes]:
    """References between entries become those of the new ids; those that ask for something are left out."""
    resources = [entry["resource"] for entry in bundle["entry"]]
    names = {
        entry.get("fullUrl", ""): f"{resource['resourceType']}/{mark}{n}-{resource.get('id', '')[:40]}"
        for n, (entry, resource) in enumerate(zip(bundle["entry"], resources, strict=True))
    }
    for n, resource in enumerate(resources):
        resource["id"] = f"{mark}{n}-{resource.get('id', '')[:40]}"
        text = fhir.encode(resource)
        for url, name in names.items():
            text = text.replace(f'"{url}"'.encode(), f'"{name}"'.encode()) if url and url.encode() in text else text
        yield _ASKED.sub(b"", text).replace(b",}", b"}") + b"\n"


def _asked(web: Web, method: str, path: str, *, token: str, body: bytes | None, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=600)
    connection.request(method, path, body=body, headers={**headers, "Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 202:
        raise RuntimeError(f"refused with {answer.status}: {text[:500]!r}")
    return str(answer.headers["Content-Location"])


def _get(web: Web, address: str, *, token: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=600)
    path = "/fhir/" + address.partition("/fhir/")[2]
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}")
    return text
