"""The search parameters of the running installation: R4's own and those that its operator has added.

Every process asks for the version of the registry at most once a second, and for the parameters when it has changed.
Nothing hangs on how soon: who writes with an older one is told so before anything is written, and a search looks in
its own snapshot whether what it uses is ready.
"""

import time
from typing import Final

import msgspec

from fellesjournal import fhir
from fellesjournal.fhir.fhirpath import compile_expression
from fellesjournal.kit.db import Connection, Database
from fellesjournal.record import index_store as store

FRESH_S: Final = 1.0


class Definitions:
    """What this process knows of the search parameters."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asked_at = float("-inf")
        self.registry = fhir.OFFICIAL

    async def current(self) -> fhir.Registry:
        """The registry as it was a second ago or later."""
        return self.registry if time.monotonic() - self._asked_at < FRESH_S else await self.renew()

    async def renew(self, conn: Connection | None = None) -> fhir.Registry:
        """The registry as it is now."""
        asked_at = time.monotonic()
        version, text = await store.search_parameters(conn or self._db, known=self.registry.version)
        if text is not None:
            self.registry = _registry(version, text)
        self._asked_at = asked_at
        return self.registry


class _Row(msgspec.Struct):
    edition: int
    rtype: int
    code: str
    param: int
    type: str
    expression: str
    targets: list[str]
    url: str
    state: str


def _registry(version: int, text: str) -> fhir.Registry:
    rows = msgspec.json.decode(text, type=list[_Row])
    # What is being removed is nobody's any longer.
    return fhir.Registry(version, tuple(_added(row) for row in rows if row.state != "removing"))


def _added(row: _Row) -> fhir.AddedParam:
    param = fhir.SearchParam(row.code, row.type, row.param, tuple(row.targets), row.expression, ())
    expression = compile_expression(row.expression)
    rtype = fhir.RESOURCE_TYPES[row.rtype - 1]
    return fhir.AddedParam(rtype, param, row.url, expression, row.edition, row.state == "ready")
