"""Norwegian identity numbers in resources: their form, their check digits, and which kind a database may hold.

Pure. Source: Skatteetaten and Direktoratet for e-helse (identifikatorer for personer, OID 2.16.578.1.12.4.1.4.x):
fødselsnummer and D-number are a date, three serial digits and two check digits; a felles hjelpenummer begins with 8 or
9 and has the same check digits. Synthetic test numbers add 80 (Skatteetaten), 40 or 65 to the month.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal

FNR: Final = "urn:oid:2.16.578.1.12.4.1.4.1"
DNR: Final = "urn:oid:2.16.578.1.12.4.1.4.2"
FHN: Final = "urn:oid:2.16.578.1.12.4.1.4.3"
SYSTEMS: Final = frozenset({FNR, DNR, FHN})
PEOPLE: Final = frozenset({"Patient", "Person", "Practitioner", "RelatedPerson"})
"""The types whose `identifier` names a human being."""

Kind = Literal["real", "synthetic"]

_K1: Final = (3, 7, 6, 1, 8, 9, 4, 5, 2)
_K2: Final = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_SYNTHETIC_MONTHS: Final = (80, 65, 40)


def faults(resource: Mapping[str, Any], *, is_demo: bool) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of every national number that may not be stored; never the number itself.

    A demo database takes synthetic numbers alone, every other one real numbers alone.
    """
    rtype = str(resource.get("resourceType", ""))
    if rtype in PEOPLE:
        yield from _identifier_faults(resource, path=rtype, is_demo=is_demo)
    for n, inner in enumerate(resource.get("contained") or ()):
        if inner.get("resourceType") in PEOPLE:
            yield from _identifier_faults(inner, path=f"{rtype}.contained[{n}]", is_demo=is_demo)


def kind_of(system: str, value: str) -> Kind | None:
    """Whether a number is real or synthetic; None for one that nobody can have."""
    if not (len(value) == 11 and value.isascii() and value.isdecimal()) or not has_right_check_digits(value):
        return None
    if system == FHN:
        # Nothing in it tells a test number; those in use begin with 8 or 9.
        return "real" if value[0] in "89" else None
    day = int(value[:2]) - (40 if system == DNR else 0)
    month, kind = _month(int(value[2:4]))
    return kind if _is_some_day(day, month, int(value[4:6])) else None


def has_right_check_digits(value: str) -> bool:
    """Whether the two last of eleven digits follow from the others."""
    return len(value) == 11 and check_digits_of(value[:9]) == value[9:]


def check_digits_of(stem: str) -> str | None:
    """The two digits that follow from the first nine; None for nine that no number begins with."""
    first = check_digit(stem, _K1)
    second = check_digit(stem + first, _K2) if first else ""
    return first + second if second else None


def check_digit(stem: str, weights: Sequence[int]) -> str:
    """The digit that makes the weighted sum divisible by 11; '' when none does (modulus 11)."""
    digit = -sum(int(d) * w for d, w in zip(stem, weights, strict=True)) % 11
    return str(digit) if digit < 10 else ""


def _identifier_faults(resource: Mapping[str, Any], *, path: str, is_demo: bool) -> Iterator[tuple[str, str]]:
    for n, identifier in enumerate(resource.get("identifier") or ()):
        system, value = identifier.get("system"), identifier.get("value")
        if system not in SYSTEMS or not isinstance(value, str):
            continue
        kind = kind_of(system, value)
        place = f"{path}.identifier[{n}].value"
        if kind is None:
            yield place, "not a number of this system: its digits, date or check digits are wrong"
        elif system != FHN and is_demo and kind == "real":
            yield place, "a demo takes synthetic numbers alone (month + 80); this could be a living person's"
        elif kind == "synthetic" and not is_demo:
            yield place, "a synthetic test number has no place in a real record"


def _month(digits: int) -> tuple[int, Kind]:
    for offset in _SYNTHETIC_MONTHS:
        if offset < digits <= offset + 12:
            return digits - offset, "synthetic"
    return digits, "real"


def _is_some_day(day: int, month: int, year: int) -> bool:
    """Whether the date exists in any century that the two digits may stand for."""
    return any(_exists(century + year, month, day) for century in (1800, 1900, 2000))


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
