"""A contact with the legevakt that goes on now, or has just ended: the same resources as a nurse's clicks make.

The clinical rooms build them; only the ids are ours, since a demo's keys must be the same each time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.encounters import fhir as encounters
from fellesjournal.clinical.measurements import assessment, fhir, model, news2
from fellesjournal.clinical.notes import fhir as notes
from fellesjournal.clinical.notes.model import JOURNAL_NOTE
from fellesjournal.demo.charts.chart import Chart
from fellesjournal.demo.charts.parts import LOCAL, Json, concept, instant, period, ref
from fellesjournal.demo.emergencies import BY_KEY, Case
from fellesjournal.demo.model import Staff
from fellesjournal.demo.prose.nynorsk import to_nynorsk
from fellesjournal.identity.model import Reader
from fellesjournal.terminology import icpc2
from fellesjournal.terminology.model import Diagnosis

UNIT = "u-legevakt"
_NOBODY = PatientId(1, 1)
_LETTER = timedelta(minutes=1)


def record(chart: Chart) -> None:
    """Write the person's case, if there is one."""
    case = BY_KEY.get(chart.person.case or "")
    if case is None:
        return
    nurse = chart.staff(UNIT, "sykepleier", "leder")
    contact = _contact(chart, case, nurse)
    encounter = _add(chart, contact, nurse, at=_ago(chart, case.began))
    _measure(chart, case, nurse, encounter)
    if case.note:
        _sign(chart, case, nurse if case.by_phone else chart.staff(UNIT, "legevaktlege"), encounter)


def _contact(chart: Chart, case: Case, nurse: Staff) -> Json:
    resource = encounters.encounter(
        patient=_NOBODY, reader=_reader(chart, nurse), kind="phone" if case.by_phone else "emergency",
        stage="phone" if case.by_phone else "arrived", reason=case.reason, urgency=case.urgency, diagnoses=(),
        at=_ago(chart, case.began),
    )  # fmt: skip
    for to, minutes in case.steps:
        encounters.move(resource, to=to, at=_ago(chart, minutes))
    if case.judged is not None:
        encounters.judge(resource, urgency=case.urgency, at=_ago(chart, case.judged))
    return resource


def _measure(chart: Chart, case: Case, nurse: Staff, encounter: str) -> None:
    """The vitals, and NEWS2 where it is whole and holds for the age."""
    at, reader = _ago(chart, case.measured), _reader(chart, nurse)
    values = {kind: model.parse(kind, case.vitals[kind]) for kind in model.VITALS if kind in case.vitals}
    made = [
        _add(chart, fhir.observation(one, patient=_NOBODY, reader=reader, encounter=encounter, at=at), nurse, at=at)
        for one in values.values()
    ]
    score = news2.score(values, age_years=chart.person.age_on(chart.today), pregnant=False)
    if isinstance(score, news2.Score):
        total = assessment.news2_observation(
            patient=_NOBODY, reader=reader, encounter=encounter, score=score, derived_from=made, at=at
        )
        _add(chart, total, nurse, at=at)


def _sign(chart: Chart, case: Case, author: Staff, encounter: str) -> None:
    """The signed note with its diagnosis, and the task by which it is in the GP's inbox."""
    at, reader = _ago(chart, case.steps[-1][1]), _reader(chart, author)
    found = icpc2.lookup(case.diagnosis or "")
    assert found is not None  # noqa: S101 - our own table
    condition = notes.contact_condition(
        Diagnosis(icpc2.SYSTEM, found.code, found.display),
        patient=_NOBODY, reader=reader, encounter=encounter, at=at,
    )  # fmt: skip
    note = notes.composition(
        patient=_NOBODY, reader=reader, encounter=encounter, title="Legevaktnotat", kind=JOURNAL_NOTE,
        text=to_nynorsk(case.note) if author.nynorsk else case.note,
        conditions=[_add(chart, condition, author, at=at)], copy_to_gp=True, at=at,
    )  # fmt: skip
    _tell_gp(chart, _add(chart, note, author, at=at), at=at + _LETTER)


def _tell_gp(chart: Chart, note: str, *, at: datetime) -> None:
    unit = chart.world.unit(UNIT)
    fields: Json = {
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": concept(f"{LOCAL}task", "read-note", "Notat til gjennomlesing"),
        "description": f"Notat fra {unit.name}",
        "focus": {**ref("Composition", note), "display": "Legevaktnotat"},
        "for": chart.patient(),
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": ref("Organization", UNIT),
        "owner": ref("Organization", chart.home_unit),
        "restriction": {"period": period(at, at + timedelta(days=3))},
    }
    chart.add("Task", fields, unit=chart.home_unit, author=None, at=at)


def _add(chart: Chart, resource: Json, author: Staff, *, at: datetime) -> str:
    fields = _keyed(chart, author, {**resource, "subject": chart.patient()})
    kind = fields.pop("resourceType")
    return chart.add(kind, fields, unit=UNIT, author=author.key, at=at)


def _keyed(chart: Chart, author: Staff, value: Any) -> Any:
    """The same with a key beside each name that stands alone: the author's, else the unit's."""
    if isinstance(value, list):
        return [_keyed(chart, author, one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"display"}:
        named = ("Practitioner", author.key) if value["display"] == author.name else ("Organization", UNIT)
        return ref(*named) | value
    return {name: _keyed(chart, author, one) for name, one in value.items()}


def _reader(chart: Chart, member: Staff) -> Reader:
    """Whom the clinical rooms name as the author. Without numbers, names stand alone in what they write."""
    unit = chart.world.unit(UNIT)
    return Reader(
        session=0, kind="staff", person=0, name=member.name, post=None, unit=None, unit_name=unit.name,
        unit_kind=unit.kind, role="", purpose="", patient=None, patient_slot=None, practitioner=None,
        practitioner_role=None, expires_at=chart.now, idle_s=0, secret=b"",
    )  # fmt: skip


def _ago(chart: Chart, minutes: int) -> datetime:
    return chart.now - timedelta(minutes=minutes)
