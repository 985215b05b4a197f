"""Sealing the log, publishing the seals, verifying."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fellesjournal.access.chain import store
from fellesjournal.access.chain.model import FORMAT, Clock, Finding, Row, Seal, chained, held_against
from fellesjournal.kit.db import Database
from fellesjournal.kit.keys import Keys

PURPOSE: Final = "log"
BATCH: Final = 20_000
_PAGE: Final = 500


async def keep_sealed(db: Database, *, keys: Keys) -> None:
    """What the worker does each minute."""
    await seal_log(db, keys=keys)


async def seal_log(db: Database, *, keys: Keys, batch: int = BATCH) -> int:
    """Seal what can no longer change, in batches; how many seals were made. As the role `fj_worker`."""
    made = 0
    while await _seal_next(db, keys, batch):
        made += 1
    return made


async def _seal_next(db: Database, keys: Keys, batch: int) -> bool:
    async with db.transaction() as conn:
        found = await store.next_seal(conn, limit=batch, format_=FORMAT)
        if found is None:
            return False
        seal, marks = found
        await store.put_seal(conn, signed_with(keys.current(PURPOSE), seal), marks=marks)
    return True


def signed_with(key: bytes, seal: Seal) -> Seal:
    """The seal with its digest and the signature of a private key (32 bytes)."""
    private, words = Ed25519PrivateKey.from_private_bytes(key), seal.signed()
    return replace(
        seal, seal=hashlib.sha256(words).digest(), key=_public(key), signature=private.sign(words)
    )


def _public(key: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


async def published(db: Database, *, start: int = 1, limit: int = 1000) -> list[Seal]:
    """Seals from a number on, oldest first, for others to keep; no word of any row."""
    return await store.seals(db, start=start, limit=limit)


@dataclass
class Verified:
    """What a verification came to. `waiting` rows came after the newest seal, the oldest of them at `waits_since`."""

    seals: int = 0
    rows: int = 0
    waiting: int = 0
    waits_since: datetime | None = None
    findings: list[Finding] = field(default_factory=list)


async def log_verified(
    db: Database, *, keys: Keys, kept: Mapping[int, Seal] | None = None, most: int = 1000
) -> AsyncIterator[Verified]:
    """Recompute every seal from the rows; what stands so far after each batch, the last of all when it is done.

    `kept` are seals that were published, by number: each must be here as it was. Holds one batch in memory;
    stops when there are `most` findings. As the role `fj_log`.
    """
    state, clock, last = Verified(), Clock(), None
    own = {_public(key) for key in keys.versions(PURPOSE)}
    others = dict(kept or {})
    async for seal in _each_seal(db):
        state.findings += chained([seal], after=last)
        if seal.key not in own:
            state.findings.append(Finding("signature", seal.number))
        if others.pop(seal.number, seal) != seal:
            state.findings.append(Finding("published", seal.number))
        await _ended_eras(db, last, seal, state)
        await _hold(db, seal, state, clock)
        last = seal
        yield state
        if len(state.findings) >= most:
            return
    state.findings += [Finding("published", number) for number in sorted(others)]
    await _unsealed(db, last, state)
    state.findings += [Finding("device", 0) for _key in await store.changed_devices(db)]
    yield state


async def _each_seal(db: Database) -> AsyncIterator[Seal]:
    start = 1
    while page := await store.seals(db, start=start, limit=_PAGE):
        for seal in page:
            yield seal
        start = page[-1].number + 1


async def _hold(db: Database, seal: Seal, state: Verified, clock: Clock) -> None:
    rows = list[Row]()
    places = {"after": (seal.from_xid, seal.from_pos), "until": (seal.to_xid, seal.to_pos)}
    async for some in store.lines(db, era=seal.era, **places):
        rows += some
    found = held_against(seal, rows, b"")
    if found:
        found = held_against(seal, rows, await store.marks(db, seal.number))
    state.findings += found + clock.misdated(seal, rows)
    state.rows += len(rows)
    state.seals += 1


async def _ended_eras(db: Database, last: Seal | None, seal: Seal, state: Verified) -> None:
    """An era that is over was sealed to its end: what comes after its last seal was put in later."""
    for era in range(last.era if last else 0, seal.era):
        async for rows in store.lines(db, era=era, after=_end_in(era, last), until=store.END):
            state.findings += [Finding("inserted", seal.number - 1, row.xid, row.pos) for row in rows]


async def _unsealed(db: Database, last: Seal | None, state: Verified) -> None:
    """What the newest seal does not hold yet; rows of an era that never was have no place at all."""
    for era, is_known in await store.eras(db):
        if last is not None and era < last.era:
            continue
        async for rows in store.lines(db, era=era, after=_end_in(era, last), until=store.END):
            if not is_known:
                state.findings += [Finding("inserted", last.number if last else 0, row.xid, row.pos) for row in rows]
                continue
            state.waiting += len(rows)
            since = min(row.at for row in rows)
            state.waits_since = min(since, state.waits_since or since)


def _end_in(era: int, last: Seal | None) -> tuple[int, int]:
    """Where the last seal ends, when it is of this era; else where the era begins."""
    return (last.to_xid, last.to_pos) if last is not None and last.era == era else (0, 0)
