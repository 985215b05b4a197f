"""Units of measure: as much of UCUM as comparing, adding and multiplying quantities needs.

A unit is a factor, an offset (for temperatures) and powers of base dimensions.
An atom that is not listed is a dimension of its own: it equals itself and nothing else.
Source: https://ucum.org/ucum
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

Dimensions = tuple[tuple[str, int], ...]


class Unit(NamedTuple):
    """A unit: a value in it times `factor`, plus `offset`, is the value in base units."""

    factor: Fraction
    dimensions: Dimensions
    offset: Fraction = Fraction(0)


_MAX_LENGTH: Final = 100
_MAX_EXPONENT: Final = 30
_PREFIXES: Final = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip
_BASE: Final = ("m", "s", "g", "rad", "K", "C", "cd")
_METRIC: Final[dict[str, tuple[str, str]]] = {
    "mol": ("6.0221367", "10*23"),
    "sr": ("1", "rad2"),
    "Hz": ("1", "s-1"),
    "N": ("1", "kg.m/s2"),
    "Pa": ("1", "N/m2"),
    "J": ("1", "N.m"),
    "W": ("1", "J/s"),
    "A": ("1", "C/s"),
    "V": ("1", "J/C"),
    "F": ("1", "C/V"),
    "Ohm": ("1", "V/A"),
    "S": ("1", "Ohm-1"),
    "Wb": ("1", "V.s"),
    "T": ("1", "Wb/m2"),
    "H": ("1", "Wb/A"),
    "lm": ("1", "cd.sr"),
    "lx": ("1", "lm/m2"),
    "Bq": ("1", "s-1"),
    "Gy": ("1", "J/kg"),
    "Sv": ("1", "J/kg"),
    "l": ("1", "dm3"),
    "L": ("1", "l"),
    "ar": ("100", "m2"),
    "t": ("1000", "kg"),
    "bar": ("100000", "Pa"),
    "cal": ("4.184", "J"),
    "[Cal]": ("1", "kcal"),
    "kat": ("1", "mol/s"),
    "U": ("1", "umol/min"),
    "osm": ("1", "mol"),
    "eq": ("1", "mol"),
    "m[Hg]": ("133.322", "kPa"),
    "m[H2O]": ("9.80665", "kPa"),
    "eV": ("160217.733", "10*-24.J"),
    "u": ("1.6605402", "10*-24.g"),
    "[iU]": ("1", "[iU]"),
    "[IU]": ("1", "[iU]"),
}
_PLAIN: Final[dict[str, tuple[str, str]]] = {
    "10*": ("10", "1"),
    "10^": ("10", "1"),
    "%": ("0.01", "1"),
    "[ppth]": ("0.001", "1"),
    "[ppm]": ("0.000001", "1"),
    "min": ("60", "s"),
    "h": ("60", "min"),
    "d": ("24", "h"),
    "wk": ("7", "d"),
    "a": ("365.25", "d"),
    "a_j": ("365.25", "d"),
    "mo": ("30.4375", "d"),
    "mo_j": ("30.4375", "d"),
    "deg": ("0.0174532925199432957692369076848861", "rad"),
    "[in_i]": ("2.54", "cm"),
    "[ft_i]": ("12", "[in_i]"),
    "[yd_i]": ("3", "[ft_i]"),
    "[mi_i]": ("5280", "[ft_i]"),
    "[gr]": ("64.79891", "mg"),
    "[lb_av]": ("7000", "[gr]"),
    "[oz_av]": ("437.5", "[gr]"),
    "[stone_av]": ("14", "[lb_av]"),
    "[drp]": ("0.05", "ml"),
    "atm": ("101325", "Pa"),
}
_SPECIAL: Final = {
    "Cel": Unit(Fraction(1), (("K", 1),), Fraction("273.15")),
    "[degF]": Unit(Fraction(5, 9), (("K", 1),), Fraction("459.67") * Fraction(5, 9)),
}
_ONE: Final = Unit(Fraction(1), ())
_NAMED: Final = frozenset({
    *_BASE, *_METRIC, *_PLAIN, *_SPECIAL,
    "'", "''", "AU", "Ao", "B", "Bd", "Bi", "By", "Ci", "G", "Gal", "Gb", "Ky", "Lmb", "Mx", "Np", "Oe", "P", "R",
    "RAD", "REM", "St", "a_g", "a_t", "att", "b", "bit", "bit_s", "cal_IT", "cal_m", "cal_th", "car_m", "circ", "dyn",
    "erg", "g%", "gf", "gon", "mho", "mo_g", "mo_s", "pc", "ph", "sb", "sph", "st", "tex",
})  # fmt: skip
"""Atoms that are written without brackets."""
_BRACKETED: Final = ("%", "B", "cal_", "m")
"""What may stand before a bracket as part of an atom: `B[SPL]`, `cal_[15]`, `m[H2O]`."""
_PIECE: Final = re.compile(
    r"(?P<annotation>\{[^{}]*\})"
    r"|(?P<sign>[./()])"
    r"|(?P<ten>10[*^])(?P<power>[+-]?[0-9]{1,3})?"
    r"|(?P<number>[0-9]{1,15})"
    r"|(?P<atom>(?:\[[^\[\]]+\]|[A-Za-z_%'\"])+)(?P<exponent>[+-]?[0-9]{1,3})?"
)


def unit(text: str) -> Unit:
    """Read a UCUM expression; one that cannot be read is a dimension of its own."""
    return _read(text) if len(text) <= _MAX_LENGTH else Unit(Fraction(1), ((text, 1),))


@lru_cache(maxsize=2048)
def _read(text: str) -> Unit:
    if text in _SPECIAL:
        return _SPECIAL[text]
    try:
        return _Reader(text).whole()
    except (ValueError, ZeroDivisionError):
        return Unit(Fraction(1), ((text, 1),))


def is_unit(text: str) -> bool:
    """Tell whether a text is a UCUM unit. What stands in brackets is taken as it is: there are hundreds of those."""
    if not text or len(text) > _MAX_LENGTH:
        return False
    if text not in _SPECIAL:
        try:
            _Reader(text).whole()
        except (ValueError, ZeroDivisionError):
            return False
    return all(_is_atom(match["atom"]) for match in _PIECE.finditer(text) if match["atom"])


def _is_atom(name: str) -> bool:
    bare = [name, *(name[length:] for length in (1, 2) if name[:length] in _PREFIXES)]
    return any(one in _NAMED or one.partition("[")[0] in ("", *_BRACKETED) for one in bare if one)


def multiply(one: Unit, other: Unit, *, power: int = 1) -> Unit:
    """Multiply by a power of another unit."""
    return Unit(one.factor * other.factor**power, _merge(one.dimensions, other.dimensions, power=power))


class _Reader:
    """Reads one expression, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Unit:
        found = self._terms()
        if self._at != len(self._text):
            raise ValueError("not a unit")
        return found

    def _terms(self) -> Unit:
        found = _ONE if self._text.startswith("/", self._at) else self._component()
        while (sign := self._text[self._at : self._at + 1]) in {".", "/"} and sign:
            self._at += 1
            found = multiply(found, self._component(), power=1 if sign == "." else -1)
        return found

    def _component(self) -> Unit:
        match = _PIECE.match(self._text, self._at)
        if match is None or match.group("sign") not in {None, "("}:
            raise ValueError("not a unit")
        self._at = match.end()
        if match.group("sign"):
            found = self._terms()
            if not self._text.startswith(")", self._at):
                raise ValueError("not a unit")
            self._at += 1
        else:
            found = _piece(match)
        annotation = _PIECE.match(self._text, self._at)
        if annotation is not None and annotation.group("annotation"):
            self._at = annotation.end()
        return found


def _piece(match: re.Match[str]) -> Unit:
    if match.group("annotation"):
        return _ONE
    if match.group("number"):
        return Unit(Fraction(int(match.group("number"))), ())
    if match.group("ten"):
        return multiply(_ONE, Unit(Fraction(10), ()), power=_exponent(match.group("power")))
    return multiply(_ONE, _atom(match.group("atom")), power=_exponent(match.group("exponent")))


def _exponent(text: str | None) -> int:
    power = int(text) if text else 1
    if abs(power) > _MAX_EXPONENT:
        raise ValueError("too high a power")
    return power


@lru_cache(maxsize=2048)
def _atom(name: str) -> Unit:
    known = _listed(name)
    if known is not None:
        return known
    for length in (2, 1):
        prefix, rest = name[:length], name[length:]
        if prefix in _PREFIXES and rest and (rest in _BASE or rest in _METRIC):
            scale = Unit(Fraction(10) ** _PREFIXES[prefix], ())
            inner = _listed(rest)
            return multiply(scale, inner) if inner is not None else scale
    return Unit(Fraction(1), ((name, 1),))


def _listed(name: str) -> Unit | None:
    if name in _BASE:
        return Unit(Fraction(1), ((name, 1),))
    found = _PLAIN.get(name) or _METRIC.get(name)
    if found is None:
        return None
    factor, base = found
    inner = Unit(Fraction(1), ((base, 1),)) if base == "[iU]" else _Reader(base).whole()
    return multiply(Unit(Fraction(factor), ()), inner)


def _merge(one: Dimensions, other: Dimensions, *, power: int) -> Dimensions:
    merged: dict[str, int] = dict(one)
    for name, exponent in other:
        merged[name] = merged.get(name, 0) + exponent * power
    return _sorted(merged)


def _sorted(merged: Mapping[str, int]) -> Dimensions:
    return tuple(sorted((name, exponent) for name, exponent in merged.items() if exponent))
