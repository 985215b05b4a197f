"""The index rows of a batch of resources, as parallel lists that go to the database as they are (UNNEST)."""

from __future__ import annotations

from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple

import msgspec

from fellesjournal.fhir.keys import Hash64


class CompositeRow(NamedTuple):
    """Values that stand together in one group, in the columns that `fhir.composite` says."""

    param: int
    h: int | None = None
    hs: int | None = None
    hy: int | None = None
    h2: int | None = None
    h2s: int | None = None
    h2y: int | None = None
    lo: float | None = None
    hi: float | None = None
    lo2: float | None = None
    hi2: float | None = None
    dlo: datetime | None = None
    dhi: datetime | None = None
    v: str | None = None


class IndexRows(msgspec.Struct):
    """Seven kinds of rows; the lists of one kind have equal length. `*_n` is the number of the resource
    in the batch.

    - token: `token_h` hashes one of the keys of `keys.token_keys`.
    - reference: `reference_h` hashes the reference, its canonical without version, or its identifier;
      `reference_target` is "Type/id" for a local reference, else None.
    - date: [lo, hi) in UTC; an open period reaches `ranges.OPEN_START` or `ranges.OPEN_END`.
    - quantity: [lo, hi) of the implied precision, infinite where a comparator or range is open;
      `quantity_unit` hashes a `keys.unit_key`, and is 0 for a number without a unit. Values in units that UCUM
      knows stand in its base units too, under `keys.canonical_param` and a `ucum.base_key`.
    - string: `string_v` is folded and cut, `string_exact` is as written. Under a token's or a reference's parameter:
      the texts of it, `string_exact` empty; or its code where it has no text, `string_exact` the code.
    - uri: `uri_v` is `keys.uri_key`.
    - composite: one row for each combination of values in a group.
    """

    token_n: list[int] = []
    token_param: list[int] = []
    token_h: list[int] = []
    reference_n: list[int] = []
    reference_param: list[int] = []
    reference_h: list[int] = []
    reference_target: list[str | None] = []
    date_n: list[int] = []
    date_param: list[int] = []
    date_lo: list[datetime] = []
    date_hi: list[datetime] = []
    quantity_n: list[int] = []
    quantity_param: list[int] = []
    quantity_lo: list[float] = []
    quantity_hi: list[float] = []
    quantity_unit: list[int] = []
    string_n: list[int] = []
    string_param: list[int] = []
    string_v: list[str] = []
    string_exact: list[str] = []
    uri_n: list[int] = []
    uri_param: list[int] = []
    uri_v: list[str] = []
    composite_n: list[int] = []
    composite_row: list[CompositeRow] = []

    def number(self, n: int) -> None:
        """Give every row that has none yet the number of its resource."""
        self.token_n.extend(repeat(n, len(self.token_h) - len(self.token_n)))
        self.reference_n.extend(repeat(n, len(self.reference_h) - len(self.reference_n)))
        self.date_n.extend(repeat(n, len(self.date_lo) - len(self.date_n)))
        self.quantity_n.extend(repeat(n, len(self.quantity_lo) - len(self.quantity_n)))
        self.string_n.extend(repeat(n, len(self.string_v) - len(self.string_n)))
        self.uri_n.extend(repeat(n, len(self.uri_v) - len(self.uri_n)))
        self.composite_n.extend(repeat(n, len(self.composite_row) - len(self.composite_n)))


class Sink(msgspec.Struct):
    """Where the rows of one resource go, and the patients that it names: (rank of the parameter,
    "Patient/id").
    """

    rows: IndexRows
    hash64: Hash64
    named: list[tuple[int, str]]
    resource: dict[str, Any]
