"""What a typed national identity number says: fødselsnummer or D-nummer, born when, synthetic or not.

A D-nummer adds 40 to the day; a synthetic test number adds 80 to the month. The check digits are
`national.identifiers`' matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from fellesjournal.national.identifiers import DNR, FNR, has_right_check_digits

FODSELSNUMMER: Final = FNR
D_NUMMER: Final = DNR

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


def _date(value: str, day: int, month: int) -> date:
    short, serial = int(value[4:6]), int(value[6:9])
    for serials, years, century in _CENTURIES:
        if serial in serials and short in years:
            try:
                return date(century + short, month, day)
            except ValueError:
                break
    raise NotANationalId("date")
