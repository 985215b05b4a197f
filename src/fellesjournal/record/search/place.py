"""`near` on Locations: a box that an index serves, then the exact distance on the sphere.

Source: https://hl7.org/fhir/R4/location.html#positional
"""

from collections.abc import Iterator
from math import asin, cos, degrees, pi, radians, sin
from typing import Final, cast

from fellesjournal.fhir.keys import Hash64
from fellesjournal.record.search.error import refusal
from fellesjournal.record.search.model import Clause, PlaceValue, unescape, unescaped_split
from fellesjournal.record.search.sql import Params
from fellesjournal.record.search.values import decimal_of, split_values

EARTH_KM: Final = 6371.0088
"""Mean radius of the Earth (IUGG)."""
DEFAULT_KM: Final = 25.0
"""How far `near` reaches when it doesn't say."""
_FARTHEST: Final = pi * EARTH_KM
_UNITS_KM: Final = {"": 1.0, "km": 1.0, "m": 0.001, "mi": 1.609344, "[mi_i]": 1.609344, "[nmi_i]": 1.852}
_MARGIN: Final = 1e-9
"""Degrees by which the box is wider than the circle: rounding must not cut anything off."""


def parse_places(name: str, text: str) -> tuple[PlaceValue, ...]:
    """`latitude|longitude|distance|unit`; distance and unit (km, mi, m) may be left out. Raises SearchError."""
    return tuple(_place(name, part) for part in split_values(name, text))


def _place(name: str, part: str) -> PlaceValue:
    pieces = [unescape(piece) for piece in unescaped_split(part, "|")]
    if not 2 <= len(pieces) <= 4:
        raise refusal(name, "is latitude|longitude|distance|unit")
    latitude, longitude = (float(decimal_of(name, piece)) for piece in pieces[:2])
    unit = _UNITS_KM.get(pieces[3] if len(pieces) == 4 else "")
    if unit is None:
        raise refusal(name, "a distance is in km, mi or m")
    km = float(decimal_of(name, pieces[2])) * unit if len(pieces) > 2 and pieces[2] else DEFAULT_KM
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and km >= 0):
        raise refusal(name, "latitudes are from -90 to 90, longitudes from -180 to 180, distances from 0")
    return PlaceValue(latitude, longitude, km)


def matches(_clause: Clause, value: object, a: str, params: Params, _hash64: Hash64) -> str:
    """The predicate over one row's columns: latitude in `lo`, longitude in `hi`."""
    wanted = cast(PlaceValue, value)
    reach = degrees(min(wanted.km, _FARTHEST) / EARTH_KM) + _MARGIN
    low, high = params.real(wanted.latitude - reach), params.real(wanted.latitude + reach)
    sides = [
        f"({a}.hi >= {params.real(west)} AND {a}.hi <= {params.real(east)})" for west, east in _sides(wanted, reach)
    ]
    lat, lon = params.real(wanted.latitude), params.real(wanted.longitude)
    half = params.real(sin(min(wanted.km / EARTH_KM, pi) / 2) ** 2 * (1 + 1e-12))
    haversine = (
        f"pg_catalog.power(pg_catalog.sind(({a}.lo - {lat}) / 2), 2) + pg_catalog.cosd({lat}) * pg_catalog.cosd({a}.lo)"
        f" * pg_catalog.power(pg_catalog.sind(({a}.hi - {lon}) / 2), 2)"
    )
    return (
        f"{a}.h IS NULL AND {a}.lo >= {low} AND {a}.lo <= {high} AND ({' OR '.join(sides)})"
        f" AND {haversine} <= {half}"
    )


def _sides(wanted: PlaceValue, reach: float) -> Iterator[tuple[float, float]]:
    """Ranges of longitude that the circle lies in, always two: the second for what is beyond the date line."""
    across = _across(wanted.latitude, reach)
    west, east = wanted.longitude - across, wanted.longitude + across
    if east - west >= 360:
        west, east = -180.0, 180.0
    yield west, east
    yield (west + 360, east + 360) if west < -180 else (west - 360, east - 360)


def _across(latitude: float, reach: float) -> float:
    """Degrees of longitude to either side; all of them where a pole is within reach."""
    if abs(latitude) + reach >= 90:
        return 180.0
    return degrees(asin(min(1.0, sin(radians(reach)) / cos(radians(latitude))))) + _MARGIN
