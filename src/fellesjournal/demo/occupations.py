"""What people do all day, as a doctor would note it."""

from __future__ import annotations

from datetime import date
from random import Random

from fellesjournal.demo.draft import Draft

_WOMEN = (
    "sykepleier", "lærer", "barnehagelærer", "helsefagarbeider", "butikkmedarbeider", "regnskapsfører",
    "renholder",
    "assistent i barnehage", "sosionom", "kontormedarbeider", "frisør", "kokk", "saksbehandler i kommunen",
    "bonde",
    "fysioterapeut", "bioingeniør", "vernepleier", "daglig leder", "tannhelsesekretær", "prosjektleder",
    "advokat",
    "laborant på settefiskanlegg", "servitør", "journalist", "apotektekniker",
)  # fmt: skip
_MEN = (
    "snekker", "elektriker", "lastebilsjåfør", "lærer", "røkter på oppdrettsanlegg", "rørlegger", "ingeniør",
    "bilmekaniker", "bonde", "maskinfører", "butikkmedarbeider", "IT-konsulent", "sveiser", "fisker", "maler",
    "vaktmester", "selger", "sykepleier", "daglig leder", "skogsarbeider", "lagermedarbeider", "kokk",
    "prosessoperatør", "bussjåfør", "brannkonstabel",
)  # fmt: skip


def occupation(rng: Random, one: Draft, *, today: date) -> str:
    """Barnehage, school year, work, benefit or pension by age."""
    age = one.age_on(today)
    if age < 1:
        return "hjemme med forelder"
    if age < 6:
        return "går i barnehage"
    year = today.year - one.birth_on.year - (5 if today.month >= 8 else 6)
    if year <= 10:
        return f"elev i {max(1, year)}. klasse"
    if age < 19:
        return "elev på videregående"
    job = rng.choice(_WOMEN if one.sex == "female" else _MEN)
    if age >= 67:
        return f"pensjonist, tidl. {job}"
    return _of_working_age(rng, age, job)


def _of_working_age(rng: Random, age: int, job: str) -> str:
    draw = rng.random()
    if age < 25 and draw < 0.45:
        return "student"
    if draw > 0.985:
        return "arbeidssøker"
    if age > 30 and draw > 0.985 - (age - 25) * 0.0045:
        return "uføretrygdet" if draw > 0.93 else f"{job}, delvis ufør"
    return job
