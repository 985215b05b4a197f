"""The content of Binaries: taken in and given out in pieces, so that no more than a piece or two is ever in memory.

The bytes stand beside the resource, not in its body. They are staged first, each piece by itself, under a number that
the session owns; the version that they belong to is written afterwards, and makes them its own in the same transaction.
What is never kept is thrown away. Reading decides again at each piece, after the logged reading of the version.
"""

import base64
import hmac
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.access.model import NoNeed, SessionOver
from fellesjournal.kit import ids
from fellesjournal.kit.db import Connection, ConnectionLost, Database, DbError, Row
from fellesjournal.kit.keys import Keys
from fellesjournal.record import store
from fellesjournal.record.errors import ContextNotFound, Invalid, NotFound
from fellesjournal.record.rows import Wanted

PIECE_BYTES: Final = 3 << 18
"""768 KiB: a multiple of three, so that pieces in base64 can be put one after the other."""
SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED",
}  # fmt: skip
_TYPE: Final = fhir.TYPE_NUMBER["Binary"]
Key = tuple[int, int]


@dataclass(frozen=True)
class Context:
    """A `securityContext` that is no Patient: content is shown only as long as this row is. `patient` is its owner,
    `sens` its class, which the content's takes after.
    """

    rtype: int
    key: Key
    patient: int
    sens: int


ContextOf = Callable[[tuple[str, str]], Awaitable[Context]]


@dataclass(frozen=True)
class Upload:
    """Content that is staged: nobody's yet."""

    number: int
    pieces: int
    size: int
    digest: bytes


@dataclass(frozen=True)
class Content:
    """The content of a version that was read, and logged, before."""

    db: Database | Connection
    secret: bytes
    key: Key
    version: int
    keys: Keys
    size: int
    digest: bytes

    async def pieces(self, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes in [start, end), piece by piece, each decided anew.

        Raises NotFound when they may not be shown any more, or are not what was taken in: before the last piece.
        """
        end = self.size if end is None else end
        whole = _hasher(self.keys) if (start, end) == (0, self.size) else None
        for n in range(start // PIECE_BYTES, -(-end // PIECE_BYTES)):
            row = await _chunk(self.db, self.secret, self.key, self.version, n)
            if row is None or row["content"] is None:
                raise NotFound
            piece: bytes = row["content"]
            if whole is not None:
                whole.update(piece)
                if (n + 1) * PIECE_BYTES >= end and not hmac.compare_digest(whole.digest(), self.digest):
                    raise NotFound
            yield _cut(piece, start - n * PIECE_BYTES, end - n * PIECE_BYTES)


async def find(db: Database | Connection, *, secret: bytes, keys: Keys, key: Key, version: int) -> Content | None:
    """The content of a version that was just read, or None. Raises NotFound when what it belongs to is hidden."""
    row = await _chunk(db, secret, key, version, -1)
    if row is None:
        return None
    if row["bytes"] is None:
        raise NotFound
    return Content(db, secret, key, version, keys, row["bytes"], row["digest"])


async def stage(db: Database | Connection, *, secret: bytes, keys: Keys, parts: AsyncIterable[bytes]) -> Upload:
    """Take in what comes, piece by piece; no transaction is open in between. Nothing is left when it breaks off.

    Raises SessionOver, NoNeed, and what `parts` raises.
    """
    number, hasher, size, n = ids.new_pid(), _hasher(keys), 0, 0
    try:
        async for piece in _pieces(parts):
            status = await store.stage_chunk(db, secret=secret, upload=number, n=n, content=piece)
            if status != 200:
                raise SessionOver if status == 401 else NoNeed
            hasher.update(piece)
            size, n = size + len(piece), n + 1
    except BaseException:
        with suppress(*ConnectionLost, DbError):
            await store.drop_upload(db, secret=secret, upload=number)
        raise
    return Upload(number, n, size, hasher.digest())


@dataclass
class Load:
    """What a commit brings along for its Binaries, by their ids: content that is staged, and what it belongs to."""

    db: Database | Connection
    secret: bytes
    keys: Keys
    uploads: dict[str, Upload]
    contexts: dict[str, Context] = field(default_factory=dict)

    async def take_from(self, wanted: Sequence[Wanted], *, context_of: ContextOf) -> list[Wanted]:
        """What is to be written without the content that stands in it, which is staged; each by whom it is about.

        Raises Invalid, ContextNotFound, SessionOver, NoNeed.
        """
        bare = list(wanted)
        for n, item in enumerate(wanted):
            if item.rtype != "Binary" or item.resource is None:
                continue
            if "data" in item.resource:
                bare[n] = replace(item, resource=_without_data(item.resource))
                content = _decoded(item.resource["data"])
                if content:
                    self.uploads[item.id] = await stage(
                        self.db, secret=self.secret, keys=self.keys, parts=_once(content)
                    )
            name = context_name(item.resource)
            if name:
                context = self.contexts[item.id] = await context_of(name)
                bare[n] = replace(bare[n], about=context.patient, sens=context.sens)
        return bare

    async def keep(self, conn: Connection, wanted: Sequence[Wanted], rows: Sequence[Row]) -> None:
        """Give the versions that this transaction wrote their content. Raises ContextNotFound when that can't be."""
        for item, row in zip(wanted, rows, strict=True):
            upload = self.uploads.get(item.id) if item.rtype == "Binary" else None
            if upload is None:
                continue
            context = self.contexts.get(item.id)
            is_kept = await store.keep_blob(
                conn, self.secret, upload.number, upload.pieces, upload.size, upload.digest, _TYPE, item.slot,
                item.pid, row["version"], *((context.rtype, *context.key) if context else (None, None, None)),
            )  # fmt: skip
            if not is_kept:
                raise ContextNotFound

    async def drop(self) -> None:
        """Throw away what was staged for a write that came to nothing; what can't be thrown away now is swept later."""
        with suppress(*ConnectionLost, DbError):
            for upload in self.uploads.values():
                await store.drop_upload(self.db, secret=self.secret, upload=upload.number)


async def sweep(db: Database) -> None:
    """Throw away what was staged an hour ago and never kept: its sender, or we, went away."""
    await store.sweep_uploads(db)


def context_name(resource: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """(type, id) of a Binary's securityContext here that is no Patient; None without one."""
    if resource is None or resource.get("resourceType") != "Binary":
        return None
    rtype, _, id_ = str(resource.get("securityContext", {}).get("reference", "")).partition("/")
    id_ = id_.partition("/")[0]
    return (rtype, id_) if id_ and rtype in fhir.TYPE_NUMBER and rtype != "Patient" else None


def apart(resource: Mapping[str, Any], *, keys: Keys) -> tuple[dict[str, Any], bytes | None]:
    """A Binary without the content that stands in it, and that content's digest, as `Content` has it; None without.

    Raises Invalid.
    """
    content = _decoded(resource.get("data", ""))
    hasher = _hasher(keys)
    hasher.update(content)
    return _without_data(resource), hasher.digest() if content else None


def listed(rtype: str, body: str) -> str:
    """A body as it stands in a list: that of a Binary says that its content is left out."""
    if rtype != "Binary" or not body:
        return body
    resource = fhir.parse(body.encode())
    meta = resource["meta"]
    meta["tag"] = [*meta.get("tag", []), SUBSETTED]
    return fhir.encode(resource).decode()


def _without_data(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "data"}


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except ValueError:
        raise Invalid("Binary.data is not base64.") from None


async def _once(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), PIECE_BYTES):
        yield content[at : at + PIECE_BYTES]


async def _pieces(parts: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of the one size, the last one shorter."""
    held = bytearray()
    async for part in parts:
        held += part
        while len(held) >= PIECE_BYTES:
            piece = bytes(memoryview(held)[:PIECE_BYTES])
            del held[:PIECE_BYTES]
            yield piece
    if held:
        yield bytes(held)


async def _chunk(db: Database | Connection, secret: bytes, key: Key, version: int, n: int) -> Row | None:
    return await store.read_chunk(db, secret=secret, rtype=_TYPE, slot=key[0], pid=key[1], version=version, n=n)


def _cut(piece: bytes, start: int, end: int) -> bytes:
    return piece if start <= 0 and end >= len(piece) else piece[max(start, 0) : end]


def _hasher(keys: Keys) -> blake2b:
    return blake2b(b"content", key=keys.current("hash"), digest_size=32)
