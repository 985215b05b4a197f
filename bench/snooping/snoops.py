"""Those who look without need: whom they look up, how they get in, how much they read, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from bench.snooping.ledger import Ledger
from bench.snooping.town import Town, Unit, Worker


@dataclass(frozen=True, slots=True)
class Case:
    """One planted case: what kind it is, who looked, at whom, on which days. Of one who browses: nobody by name."""

    kind: str
    reader: int
    patients: frozenset[int]
    days: frozenset[int]


@dataclass(slots=True)
class Curious:
    """Plants cases into a ledger that holds ordinary life already."""

    rng: Random
    town: Town
    ledger: Ledger
    days: int

    def plant(self, count: int) -> list[Case]:
        """So many cases, as many of each kind."""
        cases: list[Case] = []
        kinds = list(_KINDS)
        while len(cases) < count:
            case = _KINDS[kinds[len(cases) % len(kinds)]](self, kinds[len(cases) % len(kinds)])
            if case is not None:
                cases.append(case)
        return cases

    def look(self, kind: str, unit: Unit, worker: Worker, patient: int) -> Case:
        """Look one person up, once or again some days later."""
        first = self.rng.randint(max(15, worker.begins + 5), self.days - 4)
        days = {first} | ({min(self.days - 3, first + self.rng.randint(1, 9))} if self.rng.random() < 0.4 else set())
        for day in sorted(days):
            self._once(unit, worker, patient, day, self._hour())
        return Case(kind, worker.key, frozenset({patient}), frozenset(days))

    def someone(self) -> tuple[Unit, Worker]:
        """Any member of staff."""
        while True:
            unit = self.rng.choices(self.town.units, [len(unit.workers) for unit in self.town.units])[0]
            worker = self.rng.choice(unit.workers)
            if worker.begins < self.days - 10:
                return unit, worker

    def someone_here(self) -> tuple[Unit, Worker, int]:
        """Any member of staff who lives in the town."""
        while True:
            unit, worker = self.someone()
            if worker.resident is not None:
                return unit, worker, worker.resident

    def depth(self) -> int:
        """A fifth only glance; the others read on."""
        return self.rng.randint(1, 2) if self.rng.random() < 0.2 else 2 + min(int(self.rng.expovariate(1 / 5)), 30)

    def _hour(self) -> float:
        quiet = self.rng.random() < 0.35
        return self.rng.uniform(15.5, 21.5) if quiet else self.rng.uniform(8, 15)

    def _once(self, unit: Unit, worker: Worker, patient: int, day: int, hour: float) -> None:
        rng, ledger = self.rng, self.ledger
        resident, hides = self.town.residents[patient], rng.random() < 0.02
        if resident.practice == unit.key or patient in unit.people:
            ground = "FASTLEGE" if resident.practice == unit.key else "BELEGG"
            ledger.visit(worker, patient, day, hour, depth=self.depth(), entry=hides, ground=ground)
            return
        way = rng.random()
        if way < 0.4:
            if rng.random() < 0.5:
                ledger.refused(worker, patient, day, hour - 0.03)
            ledger.visit(worker, patient, day, hour, depth=self.depth(), entry=hides, ground="TILSYN", chosen=True)
        elif way < 0.75:
            at = ledger.at(day, hour)
            ledger.identified(worker, patient, day, hour - 0.02)
            ledger.fact(
                patient, unit.key, "POLBESOK", begins=at, ends=at + timedelta(hours=72), by=ledger.session(worker, day)
            )
            ledger.visit(worker, patient, day, hour, depth=self.depth(), entry=hides, ground="POLBESOK")
        else:
            for n in range(rng.randint(1, 3)):
                ledger.refused(worker, patient, day, hour + n / 60)


def _colleague(curious: Curious, kind: str) -> Case | None:
    unit, worker = curious.someone()
    others = [one for one in unit.workers if one.resident is not None and one.key != worker.key]
    other = curious.rng.choice(others) if others else None
    return curious.look(kind, unit, worker, other.resident) if other and other.resident else None


def _relative(curious: Curious, kind: str) -> Case | None:
    unit, worker, home = curious.someone_here()
    kin = sorted(curious.town.residents[home].kin)
    return curious.look(kind, unit, worker, curious.rng.choice(kin)) if kin else None


def _neighbour(curious: Curious, kind: str) -> Case | None:
    unit, worker, home = curious.someone_here()
    me = curious.town.residents[home]
    near = [
        key for key in curious.town.streets[me.street]
        if key not in me.kin and key != home and abs(curious.town.residents[key].number - me.number) <= 12
    ]  # fmt: skip
    return curious.look(kind, unit, worker, curious.rng.choice(near)) if near else None


def _namesake(curious: Curious, kind: str) -> Case | None:
    """An uncle, a cousin: family that nobody has registered, of the same uncommon name."""
    unit, worker = curious.someone()
    home = worker.resident
    alike = [
        key for key in curious.town.names.get(worker.name.split()[-1], [])
        if key != home and (home is None or key not in curious.town.residents[home].kin)
    ]  # fmt: skip
    return curious.look(kind, unit, worker, curious.rng.choice(alike)) if 1 <= len(alike) <= 20 else None


def _famous(curious: Curious, kind: str) -> Case | None:
    unit, worker = curious.someone()
    target = curious.rng.choice(curious.town.famous)
    return curious.look(kind, unit, worker, target) if target != worker.resident else None


def _own(curious: Curious, kind: str) -> Case | None:
    _, worker, home = curious.someone_here()
    day = curious.rng.randint(15, curious.days - 4)
    curious.ledger.refused(worker, home, day, curious.rng.uniform(8, 21))
    return Case(kind, worker.key, frozenset({home}), frozenset({day}))


def _browser(curious: Curious, kind: str) -> Case | None:
    """Boredom on a quiet day: one record after the other, on the unit's own list."""
    unit, worker = curious.someone()
    people = [key for key, one in curious.town.residents.items() if one.practice == unit.key] or list(unit.people)
    if len(people) < 60 or worker.begins:
        return None
    day = curious.rng.randint(25, curious.days - 4)
    begins = curious.rng.uniform(9, 18)
    for n, key in enumerate(curious.rng.sample(people, curious.rng.randint(25, 60))):
        ground = "FASTLEGE" if unit.kind == "gp" else "BELEGG"
        curious.ledger.visit(worker, key, day, begins + n * 0.05, depth=curious.depth(), entry=False, ground=ground)
    return Case(kind, worker.key, frozenset(), frozenset({day}))


def _at_night(curious: Curious, kind: str) -> Case | None:
    """Two to five people of no apparent connection, read at an hour when this person never works."""
    unit, worker = curious.someone()
    if unit.kind not in ("gp", "child") or worker.begins:
        return None
    day, hour = curious.rng.randint(25, curious.days - 4), curious.rng.choice((0.5, 1.5, 2.5, 3.5, 23.2))
    targets = curious.rng.sample(sorted(curious.town.residents), curious.rng.randint(2, 5))
    for n, key in enumerate(targets):
        curious._once(unit, worker, key, day, hour + n * 0.1)
    return Case(kind, worker.key, frozenset(targets), frozenset({day}))


_KINDS: Final[dict[str, Callable[[Curious, str], Case | None]]] = {
    "colleague": _colleague, "relative": _relative, "neighbour": _neighbour, "same name": _namesake,
    "well-known": _famous, "own record": _own, "volume": _browser, "time": _at_night,
}  # fmt: skip
