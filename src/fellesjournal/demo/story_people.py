"""The people of the story with their families and illnesses, before homes and numbers."""

from __future__ import annotations

from datetime import date, timedelta

from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Illness, Municipality, Sex
from fellesjournal.demo.story import (
    BIG_BROTHER,
    BIG_SISTER,
    CHILD,
    DAUGHTER,
    DIABETIC,
    ELDERLY,
    FATHER,
    LITTLE_BROTHER,
    MOTHER,
    NURSE,
    NURSE_BORN_ON,
    NURSES_MOTHER,
    SHELTERED,
    SPLIT_CHILD,
    SPLIT_FATHER,
    SPLIT_MOTHER,
    STRICTLY_SHELTERED,
    TONIGHT,
    WARD,
)


def people(municipality: Municipality, *, today: date) -> list[Draft]:
    """The story people of this municipality, with their families, before homes and numbers."""
    if municipality.number == "7101":
        return [
            *_borghild(municipality, today),
            *_kvalnes(municipality, today),
            *_moltu(municipality, today),
            *_split_family(municipality, today),
            *_sheltered(municipality, today),
            *_tveiten(municipality, today),
        ]
    return [_henrik(municipality, today)]


def _born(today: date, years: int, days: int) -> date:
    """A birth date that makes the person this old whatever the day."""
    return today - timedelta(days=int(years * 365.25) + days)


def _person(
    municipality: Municipality,
    key: str,
    name: tuple[str, str | None, str],
    sex: Sex,
    birth_on: date,
    occupation: str,
) -> Draft:
    one = Draft(sex, birth_on, municipality, key=key, fixed=True, occupation=occupation)
    one.given, one.middle, one.family = name
    one.birth_name = name[2]
    return one


def _ill(today: date, *rows: tuple[str, float, float]) -> list[Illness]:
    """Lasting illnesses so many years old, give or take some weeks, so that not all began on this day of the year."""
    found = [
        Illness(code, today - timedelta(days=int(years * 365.25) + sum(code.encode()) * 37 % 97 - 48), severity)
        for code, years, severity in rows
    ]
    return sorted(found, key=lambda illness: illness.onset_on)


def _borghild(municipality: Municipality, today: date) -> list[Draft]:
    born = _born(today, 82, 140)
    one = _person(municipality, ELDERLY, ("Borghild", None, "Ulvestad"), "female", born, "pensjonist, tidl. lærer")
    one.illnesses = _ill(
        today, ("K87", 19, 0.6), ("L90", 12, 0.5), ("T86", 10, 0.3), ("K78", 6, 0.6), ("K77", 3.2, 0.7),
        ("R95", 8, 0.4), ("L95", 5, 0.4), ("U99", 2.4, 0.5), ("N17", 1.5, 0.4),
    )  # fmt: skip
    one.marital_status, one.widowed = "enkeEllerEnkemann", True
    daughter = _person(
        municipality, DAUGHTER, ("Anne Grete", None, "Ulvestad"), "female", _born(today, 55, 60), "lærer"
    )
    daughter.mother, one.children = one, [daughter]
    daughter.illnesses = _ill(today, ("N89", 20, 0.3), ("X11", 3, 0.4))
    daughter.marital_status = "skilt"
    return [one, daughter]


def _kvalnes(municipality: Municipality, today: date) -> list[Draft]:
    mother = _person(
        municipality, MOTHER, ("Silje", None, "Kvalnes"), "female", _born(today, 41, 200), "barnehagelærer"
    )
    father = _person(municipality, FATHER, ("Anders", None, "Myrvang"), "male", _born(today, 43, 30), "elektriker")
    oda = _person(
        municipality, CHILD, ("Oda", "Kvalnes", "Myrvang"), "female", _born(today, 14, 90), "elev i 9. klasse"
    )
    jakob = _person(
        municipality, LITTLE_BROTHER, ("Jakob", "Kvalnes", "Myrvang"), "male", _born(today, 8, 210), "elev i 3. klasse"
    )
    mathias = _person(
        municipality,
        BIG_BROTHER,
        ("Mathias", "Kvalnes", "Myrvang"),
        "male",
        _sixteen_tomorrow(today),
        "elev i 10. klasse",
    )
    sara = _person(
        municipality, BIG_SISTER, ("Sara", "Kvalnes", "Myrvang"), "female", _born(today, 17, 45), "elev i videregående"
    )
    mother.partner, father.partner = father, mother
    mother.marital_status = father.marital_status = "gift"
    for child in (sara, mathias, oda, jakob):
        child.mother, child.father = mother, father
        mother.children.append(child)
        father.children.append(child)
    mother.illnesses = _ill(today, ("T86", 7, 0.3), ("N89", 18, 0.6))
    father.illnesses = _ill(today, ("L84", 4, 0.5))
    oda.illnesses = _ill(today, ("R96", 8, 0.5), ("R97", 5, 0.5), ("P74", 1.1, 0.3))
    jakob.illnesses = _ill(today, ("S87", 7, 0.4))
    sara.illnesses = _ill(today, ("N89", 2, 0.4))
    return [mother, father, sara, mathias, oda, jakob]


def _sixteen_tomorrow(today: date) -> date:
    """The birth date of somebody who is fifteen for one day more."""
    tomorrow = today + timedelta(days=1)
    return tomorrow.replace(year=tomorrow.year - 16)


def _split_family(municipality: Municipality, today: date) -> list[Draft]:
    """Parents who share the responsibility and live apart; the child lives with the mother."""
    mother = _person(
        municipality, SPLIT_MOTHER, ("Marie", None, "Solbakken"), "female", _born(today, 34, 120), "kokk"
    )
    father = _person(
        municipality, SPLIT_FATHER, ("Thomas", None, "Lie"), "male", _born(today, 36, 80), "rørlegger"
    )
    ella = _person(
        municipality, SPLIT_CHILD, ("Ella", "Solbakken", "Lie"), "female", _born(today, 6, 150), "elev i 1. klasse"
    )
    ella.mother, ella.father = mother, father
    mother.children, father.children = [ella], [ella]
    mother.marital_status = father.marital_status = "skilt"
    ella.illnesses = _ill(today, ("S87", 3, 0.4))
    return [mother, father, ella]


def _moltu(municipality: Municipality, today: date) -> list[Draft]:
    """Per Arne, and the brother whose guardian he is."""
    ward = _person(
        municipality, WARD, ("Kjell", None, "Moltu"), "male", _born(today, 51, 300), "ufør, varig tilrettelagt arbeid"
    )
    ward.illnesses = _ill(today, ("N88", 30, 0.4), ("K86", 3, 0.3))
    return [_per_arne(municipality, today), ward]


def _per_arne(municipality: Municipality, today: date) -> Draft:
    one = _person(municipality, DIABETIC, ("Per Arne", None, "Moltu"), "male", _born(today, 58, 17), "lastebilsjåfør")
    one.illnesses = _ill(today, ("K86", 9, 0.5), ("T90", 6.5, 0.7), ("T93", 6, 0.5), ("T82", 12, 0.5))
    one.marital_status = "skilt"
    return one


def _sheltered(municipality: Municipality, today: date) -> list[Draft]:
    """Two whose address the Population Register protects: one hidden but at need, one for named personnel alone."""
    ingrid = _person(
        municipality, SHELTERED, ("Ingrid", None, "Fagerlund"), "female", _born(today, 47, 120), "regnskapsfører"
    )
    ingrid.protected = "fortrolig"
    ingrid.illnesses = _ill(today, ("K86", 4, 0.5))
    marte = _person(
        municipality, STRICTLY_SHELTERED, ("Marte", None, "Solvik"), "female", _born(today, 36, 77), "tømrer"
    )
    marte.protected = "strengt fortrolig"
    marte.illnesses = _ill(today, ("T86", 6, 0.4))
    return [ingrid, marte]


def _henrik(municipality: Municipality, today: date) -> Draft:
    one = _person(municipality, TONIGHT, ("Henrik", None, "Sætervik"), "male", _born(today, 34, 260), "snekker")
    one.illnesses = _ill(today, ("R97", 15, 0.3), ("L84", 3, 0.4))
    return one


def _tveiten(municipality: Municipality, today: date) -> list[Draft]:
    """The nurse of home care, and her mother, whom her own zone helps."""
    mother = _person(
        municipality, NURSES_MOTHER, ("Randi", None, "Tveiten"), "female", _born(today, 67, 40), "pensjonist"
    )
    mother.illnesses = _ill(today, ("L90", 9, 0.5), ("K86", 6, 0.5))
    mother.marital_status, mother.widowed = "enkeEllerEnkemann", True
    nurse = _person(municipality, NURSE, ("Maria", None, "Tveiten"), "female", NURSE_BORN_ON, "sykepleier")
    nurse.mother, mother.children = mother, [nurse]
    return [mother, nurse]
