"""How instants, dates, numbers and ages are written. All times are shown in Norwegian time."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from fellesjournal.web.i18n import _, translated

OSLO = ZoneInfo("Europe/Oslo")
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"


def instant(at: datetime | None, language: str = "nb") -> str:
    """`23.11.2026 kl. 14.05`; the hour that comes twice in autumn says which of the two it is."""
    if at is None:
        return ""
    at_clock = translated(language, _("kl."))
    return f"{day(at)} {at_clock} {clock(at, language)}"


def day(at: date | None) -> str:
    """`23.11.2026`, for a date, or for an instant in Norwegian time."""
    if at is None:
        return ""
    shown = local(at) if isinstance(at, datetime) else at
    return f"{shown.day:02}.{shown.month:02}.{shown.year:04}"


def clock(at: datetime | None, language: str = "nb") -> str:
    """`14.05` in Norwegian time."""
    if at is None:
        return ""
    shown = local(at)
    return f"{shown.hour:02}.{shown.minute:02}{_which_hour(shown, language)}"


def local(at: datetime) -> datetime:
    """The instant in Norwegian time. A time without a zone is a fault in the caller."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return at.astimezone(OSLO)


def machine(at: date | None) -> str:
    """What stands in the `datetime` attribute of a `<time>` element."""
    if at is None:
        return ""
    return local(at).isoformat(timespec="seconds") if isinstance(at, datetime) else at.isoformat()


def number(value: Decimal | int | float | None) -> str:
    """A number with decimal comma and no digit lost or added: `72,50`, `12 400`."""
    if value is None:
        return ""
    whole, point, rest = format(value, "f" if isinstance(value, Decimal) else "").partition(".")
    return _grouped(whole) + ("," + rest if point else "")


def age(born_on: date, on: date, language: str = "nb") -> str:
    """Age as it is said: days for the newborn, weeks, months until two, then years."""
    months = (on.year - born_on.year) * 12 + on.month - born_on.month - (on.day < born_on.day)
    days = (on - born_on).days
    if days < 14:
        return translated(language, _("%(n)s d"), n=days)
    if months < 3:
        return translated(language, _("%(n)s uker"), n=days // 7)
    if months < 24:
        return translated(language, _("%(n)s md."), n=months)
    return translated(language, _("%(n)s år"), n=months // 12)


def masked_id(national_id: str) -> str:
    """The birth date part of an identity number, with the rest hidden."""
    return f"{national_id[:6]} *****"


def _grouped(digits: str) -> str:
    sign, bare = ("\N{MINUS SIGN}", digits[1:]) if digits.startswith("-") else ("", digits)
    # Four digits stay together: years and most laboratory values are easier to read so.
    return sign + (f"{int(bare):,}".replace(",", THIN_SPACE) if len(bare) > 4 else bare)


def _which_hour(shown: datetime, language: str) -> str:
    if shown.replace(fold=0).utcoffset() == shown.replace(fold=1).utcoffset() or _is_missing(shown):
        return ""
    return " " + translated(language, _("normaltid") if shown.fold else _("sommertid"))


def _is_missing(shown: datetime) -> bool:
    # The hour that spring skips has two offsets too, but no instant is ever shown there.
    return shown.replace(fold=0).utcoffset() < shown.replace(fold=1).utcoffset()  # type: ignore[operator]
