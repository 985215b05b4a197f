"""A town of people in families, houses and streets, and the places where some of them work."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

COMMON: Final = (
    "Hansen", "Johansen", "Olsen", "Larsen", "Andersen", "Pedersen", "Nilsen", "Kristiansen", "Jensen",
    "Karlsen", "Johnsen", "Pettersen", "Eriksen", "Berg", "Haugen", "Hagen", "Johannessen", "Andreassen",
    "Jacobsen", "Dahl", "Halvorsen", "Henriksen", "Lund", "Moen", "Bakken",
)  # fmt: skip
FARMS_A: Final = (
    "Tveit", "Nord", "Lang", "Brek", "Skog", "Stein", "Ulv", "Gras", "Mo", "Fjell", "Elve", "Grønn", "Hol",
    "Kvam", "Lille", "Myr", "Ner", "Opp", "Rønn", "Sand", "Tang", "Vest", "Øver", "Ås", "Birke", "Furu",
    "Gran", "Hasle", "Kjos", "Rug",
)  # fmt: skip
FARMS_B: Final = (
    "land", "seth", "vik", "haug", "dal", "rud", "bø", "mark", "åsen", "nes", "heim", "stad", "eng", "tun",
    "fjord", "strand", "moen", "bakk", "løkken", "voll", "vang", "hus", "lien", "foss", "berget",
)  # fmt: skip
GIVEN: Final = (
    "Anne",
    "Bjørn",
    "Cecilie",
    "Dag",
    "Eva",
    "Frode",
    "Grete",
    "Harald",
    "Ida",
    "Jon",
    "Kari",
    "Lars",
    "Mona",
    "Nils",
    "Oda",
)


@dataclass(slots=True)
class Resident:
    """One person: `kin` are the nearest family, in the house or elsewhere."""

    key: int
    given: str
    family: str
    born: str
    street: str
    number: int
    kin: set[int] = field(default_factory=set)
    practice: int = 0
    doctor: int = 0


@dataclass(slots=True)
class Worker:
    """One member of staff; `resident` is None for those who live in another town."""

    key: int
    unit: int
    role: str
    name: str
    resident: int | None
    begins: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """A place of work; `kind` chooses what its days are like. `people` are those in its care or on its ward."""

    key: int
    kind: str
    name: str
    workers: tuple[Worker, ...]
    people: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Town:
    """All of it, with who lives in each street and who bears each name."""

    residents: dict[int, Resident]
    units: tuple[Unit, ...]
    streets: dict[str, list[int]]
    names: dict[str, list[int]]
    famous: tuple[int, ...]

    def worker_of(self, resident: int) -> list[Worker]:
        """The posts of a resident, mostly none."""
        return [one for unit in self.units for one in unit.workers if one.resident == resident]


STAFFING: Final = {
    "gp": (("lege", 5), ("helsesekretaer", 4), ("sykepleier", 1)),
    "legevakt": (("sykepleier", 16), ("lege", 10)),
    "home": (("sykepleier", 8), ("helsefagarbeider", 14), ("assistent", 5)),
    "ward": (("sykepleier", 6), ("helsefagarbeider", 10), ("assistent", 4)),
    "child": (("helsesykepleier", 8),),
}
PER_UNIT: Final = {"gp": 4800, "home": 4000, "ward": 3400, "child": 9000}


def build(rng: Random, *, inhabitants: int, staffed: float = 1) -> Town:
    """A town of about so many inhabitants; `staffed` is the share of the posts that are filled."""
    residents = _families(rng, inhabitants)
    streets, names = defaultdict(list), defaultdict(list)
    for one in residents.values():
        streets[one.street].append(one.key)
        names[one.family].append(one.key)
    units = _units(rng, residents, staffed)
    famous = tuple(rng.sample(sorted(residents), max(3, inhabitants // 2000)))
    return Town(residents, units, dict(streets), dict(names), famous)


def _families(rng: Random, inhabitants: int) -> dict[int, Resident]:
    residents: dict[int, Resident] = {}
    couples: list[list[int]] = []
    while len(residents) < inhabitants:
        family = _surname(rng)
        kind, district = rng.choice(("vegen", "gata", "bakken", "stien")), rng.randrange(max(1, inhabitants // 4000))
        street, number = f"{rng.choice(FARMS_A)}{kind} {district}", rng.randint(1, 48)
        size = rng.choices((1, 2, 3, 4, 5), (30, 32, 13, 17, 8))[0]
        home = []
        for place in range(size):
            key = 1000 + len(residents)
            name = family if place != 1 or rng.random() < 0.6 else _surname(rng)
            year = rng.randint(1935, 2000) if place < 2 else rng.randint(2001, 2024)
            born = f"{year}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
            residents[key] = Resident(key, rng.choice(GIVEN), name, born, street, number)
            home.append(key)
        _relate(residents, home)
        if couples and rng.random() < 0.45:
            _grown_up(residents, rng.choice(couples), home[0], takes_name=rng.random() < 0.5)
        couples.append(home)
    return residents


def _surname(rng: Random) -> str:
    if rng.random() < 0.3:
        return COMMON[min(int(rng.expovariate(0.18)), len(COMMON) - 1)]
    return rng.choice(FARMS_A) + rng.choice(FARMS_B)


def _relate(residents: dict[int, Resident], people: list[int]) -> None:
    for key in people:
        residents[key].kin |= set(people) - {key}


def _grown_up(residents: dict[int, Resident], parents: list[int], child: int, *, takes_name: bool) -> None:
    """A child of an older couple who has a house of his or her own."""
    if takes_name:
        residents[child].family = residents[parents[0]].family
    for parent in parents[:2]:
        _relate(residents, [parent, child])


def _units(rng: Random, residents: dict[int, Resident], staffed: float) -> tuple[Unit, ...]:
    adults = [key for key, one in residents.items() if 1956 <= int(one.born[:4]) <= 2000]
    old = [key for key, one in residents.items() if int(one.born[:4]) < 1956]
    rng.shuffle(adults)
    rng.shuffle(old)
    units: list[Unit] = []
    numbers = iter(range(5_000, 100_000))
    for kind in STAFFING:
        count = 1 if kind == "legevakt" else max(1, round(len(residents) / PER_UNIT[kind]))
        for place in range(count):
            posts = [role for role, count in STAFFING[kind] for _ in range(max(1, round(count * staffed)))]
            workers = _workers(rng, residents, adults, numbers, unit=100 + len(units), posts=posts)
            people = _served(kind, residents, old, place, count)
            units.append(Unit(100 + len(units), kind, f"{kind} {place + 1}", workers, tuple(people)))
    _give_doctors(rng, residents, [unit for unit in units if unit.kind == "gp"])
    return tuple(units)


def _workers(
    rng: Random,
    residents: dict[int, Resident],
    adults: list[int],
    numbers: Iterator[int],
    *,
    unit: int,
    posts: list[str],
) -> tuple[Worker, ...]:
    made = []
    for role in posts:
        home = adults.pop() if rng.random() < 0.8 and adults else None
        who = residents[home] if home else None
        name = f"{who.given} {who.family}" if who else f"{rng.choice(GIVEN)} {_surname(rng)}"
        begins = rng.randint(5, 60) if rng.random() < 0.08 else 0
        made.append(Worker(next(numbers), unit, role, name, home, begins))
    return tuple(made)


def _served(kind: str, residents: dict[int, Resident], old: list[int], place: int, count: int) -> list[int]:
    if kind == "gp":
        return []
    if kind == "home":
        return [old.pop() for _ in range(min(110, len(old) // (2 * (count - place))))]
    if kind == "ward":
        return [old.pop() for _ in range(min(24, len(old) // 2))]
    if kind == "child":
        return [key for key in residents if int(residents[key].born[:4]) > 2008 and key % count == place]
    return []


def _give_doctors(rng: Random, residents: dict[int, Resident], practices: list[Unit]) -> None:
    for one in residents.values():
        unit = rng.choice(practices)
        one.practice = unit.key
        one.doctor = rng.choice([worker.key for worker in unit.workers if worker.role == "lege"])
