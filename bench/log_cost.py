"""What the durable log costs a read: the read's own functions, and copies of them that write no log row.

The copies stand in a schema that only the bench has; nothing in the product can switch the log off.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.site import Site
from fellesjournal import fhir
from fellesjournal.identity.cookies import secret_of
from fellesjournal.kit import db
from fellesjournal.kit.ids import decode

_WRITTEN = re.compile(r"\), written AS \(.*?\n  \)\n", re.DOTALL)
_CALL = "SELECT n, status, version, updated, body FROM {schema}.read_many($1, $2, $3, $4, $5)"
_CALLS = 400
_ROUNDS = 5


@dataclass(frozen=True)
class LogCost:
    """Processor µs of the database for each read, in calls that take `batch` reads; the least of interleaved rounds."""

    batch: int
    logged_us: float
    unlogged_us: float

    @property
    def us(self) -> float:
        """The log's own."""
        return self.logged_us - self.unlogged_us


async def measure_log(site: Site, *, token: str, ids: Sequence[str], batches: Sequence[int]) -> list[LogCost]:
    """The log's processor time in calls of several sizes."""
    await _make_copies(site)
    async with await db.Database.connect(site.settings, site.keys, "fj_web", max_size=1) as web:
        return [await _measure(site, web, token, ids, batch) for batch in batches]


async def _make_copies(site: Site) -> None:
    async with site.admin() as admin:
        decide = await _definition(admin, "access.decide_many")
        quiet = _WRITTEN.sub(")\n", decide)
        if quiet == decide:
            raise RuntimeError("access.decide_many has changed: this bench no longer finds its log")
        read = (await _definition(admin, "vault.read_many")).replace("access.decide_many", "bench.decide_many")
        await admin.execute("CREATE SCHEMA IF NOT EXISTS bench; GRANT USAGE ON SCHEMA bench TO vault_read, fj_web")
        await admin.execute(quiet.replace("access.decide_many", "bench.decide_many"))
        await admin.execute(read.replace("vault.read_many", "bench.read_many"))
        owned = (("decide_many", "access_core", "vault_read"), ("read_many", "vault_read", "fj_web"))
        for name, owner, caller in owned:
            signature = await admin.fetchval("SELECT $1::regproc::regprocedure::text", f"bench.{name}")
            await admin.execute(f"ALTER FUNCTION {signature} OWNER TO {owner}")
            await admin.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {caller}")


async def _definition(admin: Any, name: str) -> str:
    return str(await admin.fetchval("SELECT pg_get_functiondef($1::regproc)", name))


async def _measure(site: Site, web: db.Database, token: str, ids: Sequence[str], batch: int) -> LogCost:
    logged, unlogged = list[float](), list[float]()
    for _ in range(_ROUNDS):
        logged.append(await _round(site, web, "vault", token, ids, batch))
        unlogged.append(await _round(site, web, "bench", token, ids, batch))
    return LogCost(batch, min(logged), min(unlogged))


async def _round(site: Site, web: db.Database, schema: str, token: str, ids: Sequence[str], batch: int) -> float:
    secret, rtype, postgres = secret_of(token), fhir.TYPE_NUMBER["Observation"], site.postgres()
    keys = [decode(id_) or (0, 0) for id_ in ids]
    before = postgres.cpu_s()
    for number in range(_CALLS):
        chosen = [keys[(number * batch + place) % len(keys)] for place in range(batch)]
        rows = await web.fetch(
            _CALL.format(schema=schema), [secret] * batch, [rtype] * batch, [slot for slot, _ in chosen],
            [pid for _, pid in chosen], [0] * batch,
        )  # fmt: skip
    assert all(row["status"] == 200 for row in rows)
    return (postgres.cpu_s() - before) / (_CALLS * batch) * 1e6
