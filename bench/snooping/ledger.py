"""What happens in the town, written down as the product would: log rows and facts."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final

from bench.snooping.town import Worker
from fellesjournal.kit.clock import OSLO

SYSTEM_SESSION: Final = 1
LOG_COLUMNS: Final = (
    "at", "event", "session", "person", "role", "unit", "controller", "patient", "action", "kind", "purpose", "ground",
    "ground_ref", "chosen", "outcome",
)  # fmt: skip
FACT_COLUMNS: Final = ("patient", "unit", "ground", "source", "from_at", "until_at", "made_by")
FOREVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
_ACTIONS: Final = ("search", "read", "search", "read", "read", "history")


@dataclass(slots=True)
class Ledger:
    """Rows of the log and facts, as they come. A working day is told in local hours."""

    rng: Random
    first: date
    log: list[tuple[object, ...]] = field(default_factory=list)
    facts: list[tuple[object, ...]] = field(default_factory=list)
    busy: dict[int, set[int]] = field(default_factory=dict)
    readings: int = 0
    _event: int = 0

    def at(self, day: int, hour: float) -> datetime:
        """An instant of a day, by the local clock."""
        return datetime.combine(self.first + timedelta(days=day), time(), OSLO).astimezone(UTC) + timedelta(hours=hour)

    def session(self, worker: Worker, day: int) -> int:
        """The number of a worker's session of a day."""
        return 1_000_000 + worker.key * 1000 + day

    def fact(
        self,
        patient: int,
        unit: int,
        ground: str,
        *,
        begins: datetime,
        ends: datetime = FOREVER,
        by: int = SYSTEM_SESSION,
    ) -> None:
        """A fact that makes a need."""
        self.facts.append((patient, unit, ground, None, begins, ends, by))

    def visit(
        self,
        worker: Worker,
        patient: int,
        day: int,
        hour: float,
        *,
        depth: int,
        entry: bool,
        ground: str,
        chosen: bool = False,
    ) -> None:
        """Open a record, read so many things in it, and write or not."""
        at = self.at(day, hour)
        self._row(worker, patient, day, at, "open", ground, chosen=chosen)
        for _ in range(depth - 1):
            at += timedelta(seconds=self.rng.expovariate(1 / 40) + 1)
            self._row(worker, patient, day, at, self.rng.choice(_ACTIONS), ground, chosen=chosen)
        if entry:
            at += timedelta(minutes=self.rng.uniform(1, 25))
            self._row(worker, patient, day, at, "write", ground, chosen=chosen)

    def refused(self, worker: Worker, patient: int, day: int, hour: float) -> None:
        """Try to open a record, and be refused."""
        self._row(worker, patient, day, self.at(day, hour), "open", None, outcome=1)

    def identified(self, worker: Worker, patient: int, day: int, hour: float) -> None:
        """Look a person up by name or number, before a contact is registered."""
        self._row(worker, patient, day, self.at(day, hour), "identify", "IDENTIFISERT")

    def _row(
        self, worker: Worker, patient: int, day: int, at: datetime, action: str, ground: str | None, *,
        chosen: bool = False, outcome: int = 0,
    ) -> None:  # fmt: skip
        self._event += 1
        if action not in ("write", "identify"):
            self.readings += 1
            self.busy.setdefault(day, set()).add(worker.key)
        self.log.append((
            at, self._event, self.session(worker, day), worker.key, worker.role, worker.unit, worker.unit, patient,
            action, self.rng.randint(1, 140), "TREAT", ground, None, chosen, outcome,
        ))  # fmt: skip
