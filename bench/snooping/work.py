"""Ordinary working days: lists, rounds, shifts, and all that is read for good reasons without an entry."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from bench.snooping.ledger import Ledger
from bench.snooping.town import Town, Unit, Worker


@dataclass(slots=True)
class Life:
    """The town at work, day after day, into a ledger."""

    rng: Random
    town: Town
    ledger: Ledger
    everybody: list[int]
    listed: dict[int, list[int]]

    def standing_facts(self) -> None:
        """Who is on whose list, in whose care, on which ward."""
        begins = self.ledger.at(-200, 8)
        for one in self.town.residents.values():
            self.ledger.fact(one.key, one.practice, "FASTLEGE", begins=begins)
        for unit in self.town.units:
            for key in unit.people:
                self.ledger.fact(key, unit.key, "BELEGG", begins=begins)

    def day(self, day: int) -> None:
        """One day at every place of work."""
        for unit in self.town.units:
            for worker in unit.workers:
                if worker.begins <= day and self.rng.random() < _on_duty(unit.kind, day):
                    _DAYS[unit.kind](self, unit, worker, day)
                    self._odds_and_ends(unit, worker, day)

    def depth(self, mean: float) -> int:
        """How many things are read in one record."""
        return 1 + min(int(self.rng.expovariate(1 / mean)), 40)

    def _odds_and_ends(self, unit: Unit, worker: Worker, day: int) -> None:
        """What happens to anybody now and then."""
        rng = self.rng
        if rng.random() < 0.05:
            self._wrong_name(worker, day)
        if rng.random() < 0.04:
            self._chosen_ground(worker, day)
        if rng.random() < 0.06:
            self._looks_back(unit, worker, day)

    def _wrong_name(self, worker: Worker, day: int) -> None:
        self.ledger.refused(worker, self.rng.choice(self.everybody), day, self.rng.uniform(8, 15))

    def _chosen_ground(self, worker: Worker, day: int) -> None:
        """Another unit asks, a referral went astray: a ground is chosen, and mostly something is written."""
        rng, key, hour = self.rng, self.rng.choice(self.everybody), self.rng.uniform(8, 15)
        if rng.random() < 0.6:
            self.ledger.refused(worker, key, day, hour)
        self.ledger.visit(
            worker, key, day, hour + 0.02, depth=self.depth(4), entry=rng.random() < 0.85, ground="TILSYN", chosen=True
        )

    def _looks_back(self, unit: Unit, worker: Worker, day: int) -> None:
        """How did it go with the one who was here the day before yesterday?"""
        if unit.kind == "legevakt":
            key, hour = self.rng.choice(self.everybody), self.rng.uniform(9, 21)
            began = self.ledger.at(day - 2, hour)
            self.ledger.fact(key, unit.key, "POLBESOK", begins=began, ends=began + timedelta(hours=72))
            self.ledger.visit(worker, key, day, hour, depth=self.depth(2), entry=False, ground="POLBESOK")


def _on_duty(kind: str, day: int) -> float:
    weekend = day % 7 in (5, 6)
    if kind in ("gp", "child"):
        return 0.0 if weekend else 0.85
    return 0.3 if weekend else 0.48


def _gp(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    {"lege": _doctor, "helsesekretaer": _secretary, "sykepleier": _lab}[worker.role](life, unit, worker, day)


def _doctor(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    rng, ledger, mine = life.rng, life.ledger, life.listed[worker.key]
    today = rng.sample(mine, min(len(mine), rng.randint(14, 24)))
    for n, key in enumerate(today):
        hour = 8 + n * 7.5 / len(today)
        at = ledger.at(day, hour)
        ledger.fact(
            key, unit.key, "PLANOPP", begins=at - timedelta(days=rng.uniform(0.1, 20)), ends=at + timedelta(hours=72)
        )
        ledger.visit(worker, key, day, hour, depth=life.depth(5), entry=rng.random() < 0.97, ground="FASTLEGE")
    for key in rng.sample(mine, min(len(mine), rng.randint(6, 20))):
        hour = rng.uniform(8, 16)
        at = ledger.at(day, hour)
        ledger.fact(
            key, unit.key, "ARBFLYT", begins=at - timedelta(hours=rng.uniform(1, 40)), ends=at + timedelta(hours=80)
        )
        ledger.visit(worker, key, day, hour, depth=life.depth(2), entry=rng.random() < 0.9, ground="FASTLEGE")
    for key in rng.sample(mine, min(len(mine), rng.randint(1, 5))):
        ledger.visit(
            worker, key, day, rng.uniform(8, 16), depth=life.depth(2), entry=rng.random() < 0.85, ground="FASTLEGE"
        )
    if rng.random() < 0.15:
        for key in rng.sample(today, min(len(today), rng.randint(3, 8))):
            ledger.visit(
                worker,
                key,
                day,
                rng.uniform(18.5, 22),
                depth=life.depth(3),
                entry=rng.random() < 0.9,
                ground="FASTLEGE",
            )
    if rng.random() < 1 / 700:
        for n, key in enumerate(rng.sample(mine, min(len(mine), 40))):
            ledger.visit(worker, key, day, 15 + n / 30, depth=life.depth(1), entry=False, ground="FASTLEGE")


def _secretary(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    rng, ledger = life.rng, life.ledger
    people = life.listed[unit.key]
    for key in rng.sample(people, min(len(people), rng.randint(25, 55))):
        hour, why = rng.uniform(8, 15.4), rng.random()
        at = ledger.at(day, hour)
        if why < 0.55:
            ledger.fact(
                key,
                unit.key,
                "PLANOPP",
                begins=at - timedelta(days=rng.uniform(0.1, 20)),
                ends=at + timedelta(hours=80),
            )
            ledger.visit(worker, key, day, hour, depth=life.depth(1), entry=rng.random() < 0.5, ground="FASTLEGE")
        elif why < 0.82:
            ledger.visit(worker, key, day, hour, depth=life.depth(1), entry=rng.random() < 0.95, ground="FASTLEGE")
        elif why < 0.96:
            ledger.fact(
                key,
                unit.key,
                "ARBFLYT",
                begins=at - timedelta(hours=rng.uniform(0.1, 30)),
                ends=at + timedelta(hours=80),
            )
            ledger.visit(worker, key, day, hour, depth=life.depth(1.5), entry=rng.random() < 0.6, ground="FASTLEGE")
        else:
            ledger.visit(worker, key, day, hour, depth=life.depth(1), entry=False, ground="FASTLEGE")


def _lab(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    rng, ledger, people = life.rng, life.ledger, life.listed[unit.key]
    for key in rng.sample(people, min(len(people), 70 if day % 40 == 11 else rng.randint(12, 26))):
        hour = rng.uniform(8, 15.2)
        at = ledger.at(day, hour)
        ledger.fact(
            key, unit.key, "PLANOPP", begins=at - timedelta(days=rng.uniform(0.1, 9)), ends=at + timedelta(hours=72)
        )
        ledger.visit(worker, key, day, hour, depth=life.depth(1.5), entry=rng.random() < 0.96, ground="FASTLEGE")


def _legevakt(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    rng, ledger = life.rng, life.ledger
    starts = rng.choices((8, 15, 22), (3, 5, 3))[0] if rng.random() > 0.01 else 3
    by = ledger.session(worker, day)
    for key in rng.sample(life.everybody, rng.randint(8, 18)):
        hour = starts + rng.uniform(0, 8)
        at = ledger.at(day, hour)
        if worker.role == "sykepleier":
            ledger.identified(worker, key, day, hour - 0.01)
            ledger.fact(key, unit.key, "POLBESOK", begins=at, ends=at + timedelta(hours=72), by=by)
            ledger.visit(worker, key, day, hour, depth=life.depth(2), entry=rng.random() < 0.96, ground="POLBESOK")
        else:
            ledger.fact(key, unit.key, "POLBESOK", begins=at - timedelta(hours=0.5), ends=at + timedelta(hours=72))
            ledger.visit(worker, key, day, hour, depth=life.depth(4), entry=rng.random() < 0.98, ground="POLBESOK")


def _home(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    rng = life.rng
    starts = rng.choices((7.5, 15, 22), (6, 3, 1))[0]
    _round(life, unit, worker, day, starts=starts, most=14, hours=7.4, written=0.85)
    if worker.role == "sykepleier" and rng.random() < 0.3:
        for key in rng.sample(unit.people, min(len(unit.people), 12)):
            life.ledger.visit(
                worker, key, day, starts + rng.uniform(0, 7), depth=life.depth(1), entry=False, ground="BELEGG"
            )


def _ward(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    starts = life.rng.choices((7.5, 15, 22), (5, 4, 2))[0]
    _round(life, unit, worker, day, starts=starts, most=20, hours=7.6, written=0.5)


def _round(
    life: Life, unit: Unit, worker: Worker, day: int, *, starts: float, most: int, hours: float, written: float
) -> None:
    """A shift among those who have services: from eight people to `most`, a part of the readings with an entry."""
    rng = life.rng
    for key in rng.sample(unit.people, min(len(unit.people), rng.randint(8, most))):
        life.ledger.visit(
            worker, key, day, starts + rng.uniform(0, hours), depth=life.depth(2.5), entry=rng.random() < written,
            ground="BELEGG",
        )  # fmt: skip


def _child(life: Life, unit: Unit, worker: Worker, day: int) -> None:
    rng, ledger = life.rng, life.ledger
    for key in rng.sample(unit.people, min(len(unit.people), rng.randint(7, 12))):
        hour = rng.uniform(8, 15)
        at = ledger.at(day, hour)
        ledger.fact(
            key, unit.key, "PLANOPP", begins=at - timedelta(days=rng.uniform(1, 30)), ends=at + timedelta(hours=72)
        )
        ledger.visit(worker, key, day, hour, depth=life.depth(4), entry=rng.random() < 0.96, ground="BELEGG")


_DAYS: dict[str, Callable[[Life, Unit, Worker, int], None]] = {
    "gp": _gp, "legevakt": _legevakt, "home": _home, "ward": _ward, "child": _child,
}  # fmt: skip


def live(rng: Random, town: Town, ledger: Ledger, *, days: int) -> Life:
    """So many days of the town at work."""
    listed: dict[int, list[int]] = {}
    for one in town.residents.values():
        listed.setdefault(one.practice, []).append(one.key)
        listed.setdefault(one.doctor, []).append(one.key)
    life = Life(rng, town, ledger, sorted(town.residents), listed)
    life.standing_facts()
    for day in range(days):
        life.day(day)
    return life
