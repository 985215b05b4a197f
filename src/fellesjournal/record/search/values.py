"""Values of search parameters: prefixes, ranges, references, units.

Source: https://hl7.org/fhir/R4/search.html (prefixes, date, number, quantity, reference).
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from fellesjournal import fhir
from fellesjournal.fhir.base_units import BaseUnit, base_unit, in_base
from fellesjournal.fhir.keys import ESCAPED_BAR, identifier_key, reference_key, unit_key
from fellesjournal.fhir.ranges import bounds, read_number
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.model import (
    DateValue,
    NumberValue,
    ReferenceValue,
    TextValue,
    Value,
    unescape,
    unescaped_split,
)

MAX_VALUES: Final = 100
PREFIXES: Final = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
APPROXIMATELY: Final = 0.1
"""`ap` reaches a tenth of the number to both sides."""

_prefixed = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL).fullmatch
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch


def parse_values(name: str, text: str, *, param: fhir.SearchParam, modifier: str, base: str) -> tuple[Value, ...]:
    """The values of a parameter, split at commas. Raises SearchError naming the parameter."""
    raw = split_values(name, text)
    if modifier == "missing":
        return (_missing(name, text),)
    if modifier in _WITH_MODIFIER:
        return tuple(_WITH_MODIFIER[modifier](name, part) for part in raw)
    if modifier in ("in", "not-in"):
        return tuple(_value_set(part, base) for part in raw)
    if param.type == "reference":
        return tuple(_reference(name, part, param=param, modifier=modifier, base=base) for part in raw)
    return tuple(_PARSERS[param.type](name, part) for part in raw)


def split_values(name: str, text: str) -> list[str]:
    """The alternatives between commas, still escaped. Raises SearchError for too many, and for an empty one."""
    raw = unescaped_split(text, ",")
    if len(raw) > MAX_VALUES:
        raise refusal(name, f"at most {MAX_VALUES} values", code="too-costly")
    if any(not part.strip() for part in raw):
        raise refusal(name, "an empty value")
    return raw


def decimal_of(name: str, text: str) -> Decimal:
    """A plain number. Raises SearchError for what is none."""
    try:
        return read_number(text.strip())
    except ValueError:
        raise refusal(name, "not a number") from None


def _missing(name: str, text: str) -> TextValue:
    if text not in ("true", "false"):
        raise refusal(name, ":missing is true or false")
    return TextValue(text)


def _text(_name: str, part: str) -> TextValue:
    return TextValue(unescape(part))


def _token(_name: str, part: str) -> TextValue:
    if "\\|" not in part:
        return TextValue(unescape(part))
    return TextValue("|".join(unescape(piece).replace("|", ESCAPED_BAR) for piece in unescaped_split(part, "|")))


def _date(name: str, part: str) -> DateValue:
    prefix, text = _split_prefix(part)
    try:
        lo, hi = fhir.date_range(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise refusal(name, "not a date or time (2024, 2024-05, 2024-05-01, 2024-05-01T10:00)") from None
    return DateValue(prefix, lo, hi)


def _number(name: str, part: str) -> NumberValue:
    prefix, text = _split_prefix(part)
    return _ranged(name, prefix, text, unit=None)


def _quantity(name: str, part: str) -> NumberValue:
    pieces = [unescape(piece) for piece in unescaped_split(part, "|")]
    if len(pieces) not in (1, 3):
        raise refusal(name, "a quantity is number, or number|system|code")
    prefix, text = _split_prefix(pieces[0])
    system, code = pieces[1:] if len(pieces) == 3 else ("", "")
    if system and not code:
        raise refusal(name, "a system needs a unit's code beside it")
    base = base_unit(system, code)
    if base is not None:
        return _ranged_in_base(name, prefix, text, base)
    return _ranged(name, prefix, text, unit=unit_key(system or None, code) if code else None)


def _ranged_in_base(name: str, prefix: str, text: str, base: BaseUnit) -> NumberValue:
    try:
        value = read_number(text)
        lo, hi = bounds(value)
        if prefix == "ap":
            reach = abs(value) / 10
            lo, hi = min(lo, value - reach), max(hi, value + reach)
        low, high = in_base(lo, base), in_base(hi, base)
        return NumberValue(prefix, in_base(value, base), low, high, base.key, is_base=True)
    except ValueError:
        raise refusal(name, "not a number") from None


def _ranged(name: str, prefix: str, text: str, *, unit: str | None) -> NumberValue:
    try:
        lo, hi = fhir.number_range(text)
    except ValueError:
        raise refusal(name, "not a number") from None
    value = float(text)
    if prefix == "ap":
        reach = abs(value) * APPROXIMATELY
        lo, hi = min(lo, value - reach), max(hi, value + reach)
    return NumberValue(prefix, value, lo, hi, unit)


def _split_prefix(part: str) -> tuple[str, str]:
    match = _prefixed(part.strip())
    return (match[1] or "eq", match[2]) if match else ("eq", part)


def _reference(name: str, part: str, *, param: fhir.SearchParam, modifier: str, base: str) -> ReferenceValue:
    text = unescape(part)
    if modifier == "identifier":
        system, _, value = text.rpartition("|")
        return ReferenceValue((identifier_key(system or None, value),))
    local = text.removeprefix(base.rstrip("/") + "/") if base else text
    rtype, slash, _ = local.partition("/")
    if modifier and (slash and rtype != modifier):
        raise refusal(name, f"names another type than {modifier}")
    if slash and rtype in fhir.TYPE_NUMBER:
        key = reference_key(local)
        return ReferenceValue((key,), (rtype, key.partition("/")[2]))
    if slash or not _ID(local):
        return ReferenceValue((text,))
    types = (modifier,) if modifier else (param.targets or fhir.RESOURCE_TYPES)
    return ReferenceValue(tuple(f"{t}/{local}" for t in types), (types[0] if len(types) == 1 else "", local))


def _value_set(part: str, base: str) -> TextValue:
    """A value set by its canonical, or by its address here."""
    text = unescape(part).strip()
    return TextValue(text.removeprefix(base.rstrip("/") + "/") if base else text)


def _words(name: str, part: str) -> TextValue:
    text = unescape(part)
    if not fhir.fold(text):
        raise refusal(name, "no letter or digit in it")
    return TextValue(text)


def _of_type(name: str, part: str) -> TextValue:
    """The key of `system|code|value`, its parts told apart by a character that no value has."""
    pieces = [unescape(piece) for piece in unescaped_split(part, "|")]
    if len(pieces) != 3 or not pieces[1] or not pieces[2]:
        raise refusal(name, ":of-type is system|code|value")
    return TextValue("\x1f".join(pieces))


_WITH_MODIFIER: Final[dict[str, Callable[[str, str], Value]]] = {"text": _words, "of-type": _of_type}
_PARSERS: Final[dict[str, Callable[[str, str], Value]]] = {
    "token": _token, "string": _text, "uri": _text, "date": _date, "number": _number, "quantity": _quantity,
}  # fmt: skip
