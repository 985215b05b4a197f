"""Resources of a chart as the frozen types that its pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.overview.model import Abnormal, Contact, Medicine, Plan, Value
from fellesjournal.clinical.pieces import (
    LOCAL,
    Json,
    codes_in,
    day,
    has_category,
    id_in,
    moment,
    words,
)
from fellesjournal.clinical.protection import SERVICES
from fellesjournal.clinical.signatures import Signature
from fellesjournal.web import _
from fellesjournal.web.formats import number

BLOOD_PRESSURE: Final = "85354-9"
_LABELS: Final = {
    "85354-9": _("Blodtrykk"),
    "8867-4": _("Puls"),
    "8310-5": _("Temperatur"),
    "9279-1": _("Respirasjonsfrekvens"),
    "59408-5": _("Oksygenmetning"),
    "2708-6": _("Oksygenmetning"),
    "29463-7": _("Vekt"),
    "8302-2": _("Høyde"),
    "39156-5": _("KMI"),
    "9843-4": _("Hodeomkrets"),
    "11881-0": _("Symfyse–fundus-mål"),
    "55283-6": _("Fosterlyd"),
    "1104441000000107": _("Bevissthet (ACVPU)"),
    "oxygen-given": _("Oksygentilførsel"),
    "blood-glucose": _("Blodsukker"),
    "news2": _("NEWS2"),
}
VITAL_ORDER: Final = tuple(_LABELS)
_WRONG: Final = frozenset(("entered-in-error", "cancelled"))
LANES: Final = {
    "gp": _("Fastlege"),
    "legevakt": _("Legevakt"),
    "home": _("Hjemmetjeneste"),
    "ward": _("Sykehjem"),
    "child": _("Helsestasjon og skole"),
    "other": _("Andre tjenester"),
}
_LANE_OF: Final = {"KA01": "gp", "KA02": "legevakt", "KF01": "child", "KP01": "ward"}
_MARKS: Final[dict[str, Abnormal]] = {
    "H": "high",
    "HH": "high",
    "HU": "high",
    ">": "high",
    "L": "low",
    "LL": "low",
    "LU": "low",
    "<": "low",
}


def value_from(resource: Json) -> Value | None:
    """A measured value as it is shown; None for one that has no value or was an error."""
    at = moment(resource.get("effectiveDateTime") or resource.get("issued"))
    if at is None or resource.get("status") in _WRONG:
        return None
    key = next(iter(codes_in(resource.get("code"))), words(resource.get("code")))
    shown, amount, second, unit = _amount(resource, key)
    if not shown:
        return None
    low, high = _range(resource)
    return Value(
        id=resource.get("id", ""),
        key=key,
        label=_LABELS.get(key) or words(resource.get("code")),
        at=at,
        shown=shown,
        number=amount,
        unit=unit,
        second=second,
        abnormal=_abnormal(resource, amount, low, high),
        low=low,
        high=high,
        is_lab=has_category(resource, "laboratory"),
    )


def values_from(rows: list[Json], signatures: Mapping[str, Signature] | None = None) -> list[Value]:
    """Every value of many resources, with who signed the version that is shown."""
    found = ((row, value) for row in rows if (value := value_from(row)))
    return [replace(value, signed=_signed(row, signatures or {})) for row, value in found]


def medicine_from(resource: Json) -> Medicine:
    """A medicine in use."""
    dosage: Json = next(iter(resource.get("dosage", ())), {})
    return Medicine(
        name=words(resource.get("medicationCodeableConcept")),
        dose=dosage.get("text", ""),
        since=day(resource.get("effectivePeriod", {}).get("start") or resource.get("effectiveDateTime")),
        reason=words(next(iter(resource.get("reasonCode", ())), None)),
        as_needed=dosage.get("asNeededBoolean") is True,
    )


def plan_from(resource: Json, directory: Directory) -> Plan:
    """A plan in force; those who carry it out tell which unit's it is."""
    details = [one.get("detail", {}) for one in resource.get("activity", ())]
    performers = [who for detail in details for who in detail.get("performer", ())]
    return Plan(
        title=resource.get("title") or words(next(iter(resource.get("category", ())), None)),
        unit=directory.name(next(iter(performers), None)),
        since=day(resource.get("period", {}).get("start")),
        activities=tuple((d.get("description") or words(d.get("code")), d.get("scheduledString", "")) for d in details),
    )


def contact_from(resource: Json, directory: Directory) -> Contact | None:
    """A contact on the timeline; None without a start, or if it was an error."""
    at = moment(resource.get("period", {}).get("start"))
    if at is None or resource.get("status") in _WRONG:
        return None
    unit = directory.party(resource.get("serviceProvider"))
    people = (one.get("individual") for one in resource.get("participant", ()))
    service = next(iter(codes_in(resource.get("serviceType"))), "") or unit.service
    return Contact(
        id=resource["id"],
        at=at,
        lane=lane_of(resource, service),
        title=words(next(iter(resource.get("type", ())), None)) or SERVICES.get(service, _("Kontakt")),
        unit=unit.name,
        author=next(filter(None, map(directory.name, people)), ""),
        diagnoses=tuple(_diagnosis(one) for one in resource.get("reasonCode", ())),
        urgency=words(resource.get("priority")),
        is_open=resource.get("status") in ("planned", "arrived", "triaged", "in-progress", "onleave"),
    )


def lane_of(encounter: Json, service: str) -> str:
    """The lane of a contact: its service, and for nursing whether it was at home or at a ward."""
    if service == "KP02":
        is_home = encounter.get("class", {}).get("code") == "HH"
        is_visit = any("home-visit" in codes_in(t, f"{LOCAL}contact-type") for t in encounter.get("type", ()))
        return "home" if is_home or is_visit else "ward"
    return _LANE_OF.get(service, "other")


def encounter_of(resource: Json) -> str | None:
    """The contact that a resource belongs to."""
    return id_in(resource.get("encounter"), "Encounter")


def _signed(row: Json, signatures: Mapping[str, Signature]) -> Signature | None:
    found = signatures.get(f"Observation/{row.get('id')}")
    is_this = found and str(found.version) == row.get("meta", {}).get("versionId")
    return found if is_this else None


def _diagnosis(found: Json) -> str:
    code = next(iter(codes_in(found)), "")
    said = words(found)
    return f"{code} {said}" if code and said != code else said


def _amount(resource: Json, key: str) -> tuple[str, Decimal | None, Decimal | None, str]:
    """(as it is shown, number, second number, unit)."""
    if key == BLOOD_PRESSURE:
        return _pressure(resource)
    quantity = resource.get("valueQuantity")
    if quantity and "value" in quantity:
        value = Decimal(quantity["value"])
        sign = quantity.get("comparator", "")
        return f"{sign}{number(value)}", value, None, quantity.get("unit") or quantity.get("code", "")
    if "valueCodeableConcept" in resource:
        return words(resource["valueCodeableConcept"]), None, None, ""
    if "valueBoolean" in resource:
        return (_("ja") if resource["valueBoolean"] else _("nei")), None, None, ""
    if "valueInteger" in resource:
        return str(resource["valueInteger"]), Decimal(resource["valueInteger"]), None, ""
    return str(resource.get("valueString", "")), None, None, ""


def _pressure(resource: Json) -> tuple[str, Decimal | None, Decimal | None, str]:
    parts = {
        code: one.get("valueQuantity", {}) for one in resource.get("component", ()) for code in codes_in(one["code"])
    }
    upper, lower = parts.get("8480-6", {}).get("value"), parts.get("8462-4", {}).get("value")
    if upper is None:
        return "", None, None, ""
    shown = f"{number(Decimal(upper))}/{number(Decimal(lower))}" if lower is not None else number(Decimal(upper))
    return shown, Decimal(upper), None if lower is None else Decimal(lower), "mmHg"


def _range(resource: Json) -> tuple[Decimal | None, Decimal | None]:
    bounds: Json = next(iter(resource.get("referenceRange", ())), {})
    low, high = bounds.get("low", {}).get("value"), bounds.get("high", {}).get("value")
    return None if low is None else Decimal(low), None if high is None else Decimal(high)


def _abnormal(resource: Json, amount: Decimal | None, low: Decimal | None, high: Decimal | None) -> Abnormal | None:
    """What the answer says itself; without that, the number against the range."""
    marks = [code for one in resource.get("interpretation", ()) for code in codes_in(one)]
    if marks:
        return next((_MARKS[mark] for mark in marks if mark in _MARKS), None)
    if amount is None:
        return None
    if high is not None and amount > high:
        return "high"
    return "low" if low is not None and amount < low else None
