"""What somebody who answers the phone types: a number, or a name with a birth date; each alone is not enough."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from fellesjournal.clinical.identification.national_id import NationalId, NotANationalId, parse_national_id
from fellesjournal.record.errors import RecordError, TooLittle
from fellesjournal.record.identify import is_enough
from fellesjournal.web import _

_DIGITS = re.compile(r"[\d\s.\-/]+")
_BIRTH = re.compile(
    r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2}))"
    r"|(?:(?P<day>\d{1,2})[.\-/ ]+(?P<month>\d{1,2})[.\-/ ]+(?P<year>\d{4}|\d{2}))"
    r"|(?P<joined>\d{8}|\d{6})"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_OLDEST_YEARS = 120


@dataclass(frozen=True, slots=True)
class NameAndBirth:
    """Every word is the beginning of a name of the person."""

    words: tuple[str, ...]
    born_on: date


Asked = NationalId | NameAndBirth


class CannotIdentify(RecordError):
    """What was typed does not identify anyone; the text says what to type."""

    status = 422
    code = "invalid"
    english = "Type an identity number, or a name and a birth date."

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


_NUMBER_FAULTS = {
    "length": _("Nummeret må ha 11 siffer. Har du bare fødselsdatoen, skriv navnet også."),
    "digits": _("Nummeret er ikke gyldig: kontrollsifrene stemmer ikke. Sjekk at alle siffer er riktige."),
    "date": _("Nummeret er ikke gyldig: det begynner ikke med en dato. Sjekk at alle siffer er riktige."),
}


def parse_asked(text: str, *, is_demo: bool, today: date) -> Asked:
    """What was typed. Raises CannotIdentify with what is missing or wrong.

    A demo knows synthetic numbers alone (month + 80), every other installation real ones alone.
    """
    text = " ".join(text.split())
    if not text:
        raise CannotIdentify(_("Skriv fødselsnummer, eller navn og fødselsdato."))
    if _DIGITS.fullmatch(text) and sum(char.isdigit() for char in text) > 8:
        return _number(text, is_demo=is_demo)
    return _name_and_birth(text, today=today)


def _number(text: str, *, is_demo: bool) -> NationalId:
    try:
        found = parse_national_id(text)
    except NotANationalId as error:
        raise CannotIdentify(_NUMBER_FAULTS[error.fault]) from None
    if found.is_synthetic and not is_demo:
        raise CannotIdentify(_("Dette er et syntetisk testnummer. Det kan ikke brukes her."))
    if not found.is_synthetic and is_demo:
        raise CannotIdentify(
            _("Dette kan være et ekte nummer, og demoen tar ikke imot slike. Bruk et syntetisk nummer (måned + 80).")
        )
    return found


def _name_and_birth(text: str, *, today: date) -> NameAndBirth:
    match = _BIRTH.search(text)
    words = tuple(_WORD.findall(_BIRTH.sub(" ", text, count=1) if match else text))
    if not words:
        raise CannotIdentify(_("Fødselsdatoen alene er ikke nok. Skriv navnet også."))
    if match is None:
        raise CannotIdentify(_("Navnet alene er ikke nok. Skriv fødselsdatoen også, for eksempel 24.12.1980."))
    if not is_enough(words):
        raise CannotIdentify(TooLittle.text)
    return NameAndBirth(words, _birth(match, today=today))


def _birth(match: re.Match[str], *, today: date) -> date:
    day, month, year = _parts(match)
    if len(year) == 2:
        # The year that makes the person the youngest: a child is more often asked for than one of over a
        # hundred.
        year = f"20{year}" if int(f"20{year}") <= today.year else f"19{year}"
    try:
        born = date(int(year), int(month), int(day))
    except ValueError:
        raise CannotIdentify(_("Fødselsdatoen finnes ikke. Skriv den som dag, måned og år: 24.12.1980.")) from None
    if born > today or today - born > timedelta(days=366 * _OLDEST_YEARS):
        raise CannotIdentify(_("Fødselsdatoen kan ikke stemme. Sjekk året."))
    return born


def _parts(match: re.Match[str]) -> tuple[str, str, str]:
    if match["y"]:
        return match["d"], match["m"], match["y"]
    if match["joined"]:
        joined = match["joined"]
        return joined[:2], joined[2:4], joined[4:]
    return match["day"], match["month"], match["year"]
