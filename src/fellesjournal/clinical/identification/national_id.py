"""National identity numbers: fødselsnummer and D-nummer, their check digits, and the synthetic ones of a demo.

Control digits by modulus 11 (Skatteetaten, folkeregisterforskriften § 2-2-1). A D-nummer adds 40 to the day; a
synthetic test number adds 80 to the month. From 2032 new numbers may lack the first control digit's rule: then
`_WEIGHTS` gets a date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

FODSELSNUMMER: Final = "urn:oid:2.16.578.1.12.4.1.4.1"
D_NUMMER: Final = "urn:oid:2.16.578.1.12.4.1.4.2"

_WEIGHTS: Final = ((3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))
_ELEVEN = re.compile(r"[0-9]{11}")
_CENTURIES: Final = (
    (range(500), range(100), 1900),
    (range(500, 1000), range(40), 2000),
    (range(500, 750), range(54, 100), 1800),
    (range(900, 1000), range(40, 100), 1900),
)


@dataclass(frozen=True, slots=True)
class NationalId:
    """A number that can exist: `system` names its kind."""

    value: str
    system: str
    born_on: date
    is_synthetic: bool


class NotANationalId(ValueError):
    """`fault`: length, digits, date. Never quotes the number."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"not a national id: {fault}")
        self.fault = fault


def parse_national_id(text: str) -> NationalId:
    """The number in a text of eleven digits, blanks between them allowed. Raises NotANationalId."""
    value = re.sub(r"[\s.\-]", "", text)
    if not _ELEVEN.fullmatch(value):
        raise NotANationalId("length")
    if not has_right_check_digits(value):
        raise NotANationalId("digits")
    day, month = int(value[:2]), int(value[2:4])
    is_d_number, is_synthetic = day > 40, month > 80
    born = _date(value, day - 40 * is_d_number, month - 80 * is_synthetic)
    return NationalId(value, D_NUMMER if is_d_number else FODSELSNUMMER, born, is_synthetic)


def has_right_check_digits(value: str) -> bool:
    """Whether both control digits of eleven digits are right."""
    return all(
        sum(int(digit) * weight for digit, weight in zip(value, weights, strict=False)) % 11 == 0
        for weights in _WEIGHTS
    )


def _date(value: str, day: int, month: int) -> date:
    short, serial = int(value[4:6]), int(value[6:9])
    for serials, years, century in _CENTURIES:
        if serial in serials and short in years:
            try:
                return date(century + short, month, day)
            except ValueError:
                break
    raise NotANationalId("date")
