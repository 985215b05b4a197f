"""Who has a contact with the legevakt now: what it is about, where it stands, and whom it fits.

Minutes count back from the time of loading, so that the board is alive whenever the demo is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Literal

from fellesjournal.demo.draft import Draft

Step = Literal["arrived", "room", "done"]


@dataclass(frozen=True, slots=True)
class Case:
    """One contact. `steps` are the moves since it began; `judged` is set when the urgency was judged again."""

    key: str
    ages: tuple[int, int]
    by_phone: bool
    urgency: str
    began: int
    reason: str
    steps: tuple[tuple[Step, int], ...] = ()
    judged: int | None = None
    vitals: Mapping[str, str] = field(default_factory=dict)
    measured: int = 0
    diagnosis: str | None = None
    note: str = ""


_CALM = {"air": "air", "acvpu": "A"}

CASES = (
    Case(
        "child-fever", (1, 5), True, "yellow", 11,
        "Forelder ringer: feber 39,2 siden i går, ørevondt, drikker lite",
    ),
    Case(
        "breathless", (66, 86), False, "orange", 7, "Økende tungpust siste døgn, hoste med gult oppspytt",
        vitals=_CALM | {"resp": "24", "sat": "92", "bp": "142/78", "pulse": "108", "temp": "38,3"}, measured=7,
    ),
    Case(
        "belly", (18, 45), False, "yellow", 74, "Smerter nederst til høyre i magen siste døgn, kvalm",
        vitals=_CALM | {"resp": "18", "sat": "98", "bp": "124/76", "pulse": "96", "temp": "37,9"}, measured=74,
    ),
    Case(
        "wrist", (7, 14), False, "green", 38, "Fall, vondt og hovent venstre håndledd",
        vitals={"pulse": "92", "sat": "99", "temp": "36,8", "acvpu": "A"}, measured=38,
    ),
    Case(
        "chest", (54, 76), False, "orange", 41, "Klemmende brystsmerter de siste to timene",
        steps=(("room", 35),), judged=4,
        vitals=_CALM | {"resp": "18", "sat": "96", "bp": "156/92", "pulse": "84", "temp": "36,7"}, measured=41,
    ),
    Case(
        "hives", (19, 50), True, "yellow", 63, "Elveblest og hovne lepper etter skalldyr",
        steps=(("arrived", 37), ("room", 15)), judged=36,
        vitals=_CALM | {"resp": "16", "sat": "99", "bp": "118/70", "pulse": "92", "temp": "36,9"}, measured=36,
    ),
    Case(
        "cut", (25, 64), False, "green", 108, "Kuttet seg på kniv i venstre pekefinger",
        steps=(("room", 66), ("done", 31)),
        vitals=_CALM | {"resp": "14", "sat": "98", "bp": "132/80", "pulse": "76", "temp": "36,6"}, measured=106,
        diagnosis="S18",
        note=(
            "Kuttet seg på kjøkkenkniv for to timer siden. Ingen faste blodfortynnende legemidler.\n"
            "US: 2,5 cm langt, rent kutt på innsiden av venstre pekefinger. Normal følelse og kraft, "
            "bøyer fritt i begge ledd.\n"
            "Vurd.: Ukomplisert kutt uten sene- eller nerveskade.\n"
            "Tiltak: Renset, lokalbedøvelse, fire suturer. Tetanus gitt for under ti år siden. "
            "Fjerne suturer hos fastlegen om 10–12 dager, ta kontakt ved tegn til infeksjon."
        ),
    ),
    Case(
        "vomiting", (28, 60), True, "green", 52, "Ringer: oppkast og diaré siden i natt",
        steps=(("done", 43),), diagnosis="D73",
        note=(
            "Ringer på grunn av oppkast og vandig diaré siden i natt, flere i husstanden er syke. "
            "Ikke blod i avføringen. Får i seg små slurker, later vannet, er klar. Ingen sterke magesmerter.\n"
            "Råd om væske, hvile og håndhygiene. Ringer igjen ved nedsatt allmenntilstand, blod i avføring, "
            "vedvarende magesmerter eller hvis væsken ikke beholdes."
        ),
    ),
)  # fmt: skip
BY_KEY = {case.key: case for case in CASES}


def assign(rng: Random, people: list[Draft], *, today: date) -> None:
    """Give each case to somebody whom it fits and who has nothing else on today; a tiny world has fewer."""
    free = [one for one in people if _is_free(one)]
    rng.shuffle(free)
    families: set[str] = set()
    for case in CASES:
        fit = (one for one in free if one.family not in families and _fits(one, case, today))
        found = next(fit, None)
        if found:
            found.case = case.key
            families.add(found.family)


def _is_free(one: Draft) -> bool:
    tied = one.fixed or one.deceased_on or one.protected or one.due_on or one.services or one.bookings
    return bool(one.national_id and one.gp_unit and not tied)


def _fits(one: Draft, case: Case, today: date) -> bool:
    low, high = case.ages
    return low <= one.age_on(today) <= high
