"""NEWS2 in a chart: what the record says of pregnancy and of SpO2 scale 2, and the score as an Observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from fellesjournal.access.model import NoNeed, PatientId
from fellesjournal.clinical.measurements import fhir, news2
from fellesjournal.clinical.measurements.model import Measurement
from fellesjournal.clinical.pieces import (
    HL7,
    LOCAL,
    LOINC,
    VOLVEN,
    Json,
    codes_in,
    concept,
    id_in,
    instant,
    moment,
    patient_id,
    patient_ref,
    practitioner_ref,
    ref,
    unit_ref,
)
from fellesjournal.identity.model import Reader
from fellesjournal.kit.clock import age_on, oslo_day
from fellesjournal.record.errors import NotFound, RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.terminology import icpc2
from fellesjournal.web import _

ORDER = f"{LOCAL}order"
SCALE_2 = "news2-spo2-scale-2"
PREGNANCY_STATUS = "82810-3"
PREGNANT, NOT_PREGNANT = "LA15173-0", "LA26683-5"
NEWS2_TOTAL = "1104051000000101"

_PREGNANCIES = ("W78", "W79", "W84")
_BIRTHS = ("W90", "W91", "W92", "W93")
_PREGNANT_FOR = timedelta(weeks=42)
_DOCTOR = "LE"
_ENTERED_IN_ERROR = "entered-in-error"
_COMPONENTS = {
    "resp": ("1104301000000104", "respiration rate score"),
    "sat1": ("1104311000000102", "oxygen saturation scale 1 score"),
    "sat2": ("1104321000000108", "oxygen saturation scale 2 score"),
    "air": ("1104331000000105", "air or oxygen score"),
    "bp": ("1104341000000101", "systolic blood pressure score"),
    "pulse": ("1104351000000103", "pulse score"),
    "acvpu": ("1104361000000100", "consciousness score"),
    "temp": ("1104371000000107", "temperature score"),
}


class DoctorsOrder(RecordError):
    """Only a doctor orders or stops SpO2 scale 2."""

    status = 403
    code = "forbidden"
    text = _("Bare lege kan bestemme at SpO₂-skala 2 skal brukes, eller avslutte det.")
    english = "Only a doctor may order SpO2 scale 2."


class NoReason(RecordError):
    """An order of scale 2 without its reason."""

    status = 422
    code = "required"
    text = _("Skriv hvorfor SpO₂-skala 2 skal brukes.")
    english = "The order needs a reason."


@dataclass(frozen=True, slots=True)
class Basis:
    """What NEWS2 hangs on beside the measurements. `order` is the id of the doctor's order of scale 2."""

    age_years: int | None
    pregnant: bool
    scale: news2.SpO2Scale
    order: str | None = None
    ordered_by: str = ""
    order_reason: str = ""


Wish = tuple[str, str, list[tuple[str, str]]]


def wishes(patient: str) -> list[Wish]:
    """The searches that `basis_of` needs, to run with a page's others."""
    pregnancy = ",".join(f"{icpc2.SYSTEM}|{code}" for code in (*_PREGNANCIES, *_BIRTHS))
    return [
        ("news2-conditions", "Condition", [("patient", patient), ("code", pregnancy), ("_count", "50")]),
        (
            "news2-pregnancy",
            "Observation",
            [
                ("patient", patient),
                ("code", f"{LOINC}|{PREGNANCY_STATUS}"),
                ("_sort", "-date"),
                ("_count", "1"),
            ],
        ),
        (
            "news2-orders",
            "ServiceRequest",
            [("patient", patient), ("code", f"{ORDER}|{SCALE_2}"), ("status", "active"), ("_count", "10")],
        ),
    ]


async def read_basis(journal: Journal, *, patient: PatientId, born_on: date | None, at: datetime) -> Basis:
    """What the record says, by one search and a look at who gave the order."""
    pages = await journal.search_many(wishes(patient_id(patient)))
    found = {name: [stored.resource() for stored in page.matches] for name, page in pages.items()}
    return await basis_of(journal, found, born_on=born_on, at=at)


async def basis_of(
    journal: Journal, found: Mapping[str, Sequence[Json]], *, born_on: date | None, at: datetime
) -> Basis:
    """What the record says, of rows that `wishes` found. An order counts when a doctor stands behind it."""
    orders = sorted(found["news2-orders"], key=lambda one: str(one.get("authoredOn", "")), reverse=True)
    order = None
    for one in orders:
        if await _is_by_doctor(journal, one):
            order = one
            break
    return Basis(
        age_years=None if born_on is None else age_on(born_on, day=oslo_day(at)),
        pregnant=is_pregnant(found["news2-conditions"], found["news2-pregnancy"], at=at),
        scale=2 if order else 1,
        order=order["id"] if order else None,
        ordered_by=str(order.get("requester", {}).get("display", "")) if order else "",
        order_reason=_reason(order) if order else "",
    )


def is_pregnant(conditions: Sequence[Json], statuses: Sequence[Json], *, at: datetime) -> bool:
    """Whether the record says so now: the newest of a status asked for, a pregnancy found, and a birth.

    A pregnancy counts for 42 weeks from its last mention, and not after a birth.
    """
    said: list[tuple[datetime, bool]] = []
    for one in conditions:
        when = moment(one.get("recordedDate") or one.get("onsetDateTime"))
        if when is None or when > at or _ENTERED_IN_ERROR in codes_in(one.get("verificationStatus")):
            continue
        codes = codes_in(one.get("code"), icpc2.SYSTEM)
        said.append((when, any(code in _PREGNANCIES for code in codes)))
    for one in statuses:
        when = moment(one.get("effectiveDateTime"))
        if when and when <= at and one.get("status") != _ENTERED_IN_ERROR:
            said.append((when, PREGNANT in codes_in(one.get("valueCodeableConcept"), LOINC)))
    if not said:
        return False
    when, pregnant = max(said)
    return pregnant and at - when <= _PREGNANT_FOR


def assess(values: Mapping[str, Measurement], basis: Basis) -> news2.Score | news2.Missing | news2.NotShown:
    """The score on this basis."""
    return news2.score(values, age_years=basis.age_years, pregnant=basis.pregnant, scale=basis.scale)


def record_news2(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str | None,
    score: news2.Score,
    derived_from: Sequence[str],
    at: datetime,
) -> str:
    """Gather a whole score as an Observation with the points of each measurement; its id."""
    return journal.create(
        news2_observation(
            patient=patient, reader=reader, encounter=encounter, score=score, derived_from=derived_from, at=at
        )
    )


def news2_observation(
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str | None,
    score: news2.Score,
    derived_from: Sequence[str],
    at: datetime,
) -> Json:
    """A whole score as an Observation with the points of each measurement."""
    found: Json = {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept(f"{HL7}observation-category", "survey")],
        "code": concept(
            fhir.SNOMED,
            NEWS2_TOTAL,
            "Royal College of Physicians NEWS2 (National Early Warning Score 2) - total score",
            text="NEWS2",
        ),
        "subject": patient_ref(patient),
        "effectiveDateTime": instant(at),
        "performer": [practitioner_ref(reader), unit_ref(reader)],
        "valueQuantity": fhir.quantity(score.total, "poeng", "{score}"),
        "interpretation": [{"text": score.response.title}],
        "component": [_component(part, score.scale) for part in score.parts],
        "derivedFrom": [ref("Observation", one) for one in derived_from],
    }
    if score.single:
        found["interpretation"].append({"text": score.single.title})
    if encounter:
        found["encounter"] = ref("Encounter", encounter)
    return found


def record_pregnancy(
    journal: Journal,
    *,
    patient: PatientId,
    reader: Reader,
    encounter: str | None,
    pregnant: bool,
    at: datetime,
) -> str:
    """Gather what the patient says of being pregnant; the Observation's id."""
    code, display = (PREGNANT, "Pregnant") if pregnant else (NOT_PREGNANT, "Not pregnant")
    found: Json = {
        "resourceType": "Observation",
        "status": "final",
        "category": [concept(f"{HL7}observation-category", "social-history")],
        "code": concept(LOINC, PREGNANCY_STATUS, "Pregnancy status", text="Gravid"),
        "subject": patient_ref(patient),
        "effectiveDateTime": instant(at),
        "performer": [practitioner_ref(reader), unit_ref(reader)],
        "valueCodeableConcept": concept(LOINC, code, display, text="Ja" if pregnant else "Nei"),
    }
    if encounter:
        found["encounter"] = ref("Encounter", encounter)
    return journal.create(found)


def order_scale_2(
    journal: Journal, *, patient: PatientId, reader: Reader, encounter: str | None, reason: str, at: datetime
) -> str:
    """Gather a doctor's order of SpO2 scale 2; its id. Raises DoctorsOrder, NoReason."""
    _check_doctor(reader)
    if not reason.strip():
        raise NoReason
    found: Json = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": concept(ORDER, SCALE_2, "NEWS2 med SpO₂-skala 2 (88–92 %)"),
        "subject": patient_ref(patient),
        "authoredOn": instant(at),
        "requester": practitioner_ref(reader),
        "reasonCode": [{"text": reason.strip()}],
    }
    if encounter:
        found["encounter"] = ref("Encounter", encounter)
    return journal.create(found)


async def stop_scale_2(journal: Journal, *, patient: PatientId, reader: Reader, order: str) -> None:
    """Gather the end of the order. Raises DoctorsOrder, NotFound, NoNeed, WrongUnit (another unit's order)."""
    _check_doctor(reader)
    stored = await journal.read("ServiceRequest", order)
    resource = stored.resource()
    if id_in(resource.get("subject"), "Patient") != patient_id(patient):
        raise NotFound
    resource["status"] = "revoked"
    journal.update(order, resource, expect=stored.version)


def _check_doctor(reader: Reader) -> None:
    if reader.role != "lege":
        raise DoctorsOrder


def _component(part: news2.Points, scale: news2.SpO2Scale) -> Json:
    code, display = _COMPONENTS[f"sat{scale}" if part.kind == "sat" else part.kind]
    return {
        "code": concept(fhir.SNOMED, code, f"NEWS2 (National Early Warning Score 2) - {display}"),
        "valueQuantity": fhir.quantity(part.points, "poeng", "{score}"),
        "interpretation": [{"text": part.band}],
    }


def _reason(order: Json) -> str:
    return next((str(one["text"]) for one in order.get("reasonCode", ()) if one.get("text")), "")


async def _is_by_doctor(journal: Journal, order: dict[str, Any]) -> bool:
    """Whether the one who asked for it is a doctor, by the directory: anyone may write a ServiceRequest."""
    requester = id_in(order.get("requester"), "Practitioner")
    if requester is None:
        return False
    try:
        practitioner = (await journal.read("Practitioner", requester)).resource()
    except (NotFound, NoNeed):
        return False
    qualifications = practitioner.get("qualification", ())
    return any(_DOCTOR in codes_in(one.get("code"), f"{VOLVEN}9060") for one in qualifications)
