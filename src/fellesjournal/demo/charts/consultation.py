"""One contact written down: the encounter, its diagnoses, measurements, tests, medicines and the signed note."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from fellesjournal.demo.charts import facts as known
from fellesjournal.demo.charts import labs, medicines
from fellesjournal.demo.charts.ailments import BY_CODE, Ailment, drug_for
from fellesjournal.demo.charts.chart import Chart, working_day
from fellesjournal.demo.charts.contacts import Contact
from fellesjournal.demo.charts.parts import (
    HL7,
    LOCAL,
    VOLVEN,
    Json,
    coding,
    concept,
    diagnosis,
    instant,
    narrative,
    period,
    ref,
)
from fellesjournal.demo.charts.vitals import NEWS2, Name, Vitals, phrase
from fellesjournal.demo.model import Staff
from fellesjournal.demo.prose.library import script
from fellesjournal.demo.prose.note import Brief, write_note
from fellesjournal.demo.prose.nynorsk import to_nynorsk
from fellesjournal.demo.prose.template import Facts

_CLASSES = {
    "AMB": "ambulatory", "EMER": "emergency", "HH": "home health", "VR": "virtual",
    "IMP": "inpatient encounter",
}  # fmt: skip
_TYPES = {
    "consultation": "Konsultasjon", "phone": "Telefonkontakt", "e-consultation": "E-konsultasjon",
    "emergency": "Legevaktkontakt", "programme-visit": "Helsestasjonskontroll", "home-visit": "Hjemmebesøk",
    "stay": "Opphold", "maternity-visit": "Svangerskapskontroll", "school-health": "Skolehelsetjeneste",
}  # fmt: skip
_URGENCY = {
    "red": "rød", "orange": "oransje", "yellow": "gul", "green": "grønn", "blue": "blå",
}  # fmt: skip
_CHRONIC_VITALS: dict[str, tuple[Name, ...]] = {
    "K86": ("bp", "pulse"), "K87": ("bp", "pulse"), "T90": ("bp", "weight"), "T89": ("bp", "weight"),
    "K76": ("bp", "pulse"),
    "K78": ("bp", "pulse"), "K77": ("bp", "pulse", "weight", "sat"), "K90": ("bp",), "R96": ("sat",),
    "R95": ("sat", "resp", "pulse"),
    "T82": ("weight", "height", "bmi", "bp"), "P81": ("bp", "pulse", "weight"), "P70": ("bp", "weight"),
    "T86": ("pulse",),
    "T85": ("pulse",), "L95": ("height",), "N17": ("bp", "pulse"), "U99": ("bp",), "R84": ("weight", "sat"),
    "X11": ("bp",),
    "T93": ("bp",), "P15": ("bp",), "L88": ("bp",),
}  # fmt: skip


@dataclass
class Visit:
    """Where, by whom and how long; what a contact of any service needs to be written down."""

    at: datetime
    minutes: int
    unit: str
    author: Staff
    act: str
    type: str
    service: str
    codes: tuple[str, ...]
    urgency: str | None = None
    appointment: str | None = None
    problem: str | None = None
    """Key of a problem-list Condition that is the diagnosis, so that none of its own is made."""
    conditions: list[str] = field(default_factory=list)


def record(chart: Chart, contact: Contact, appointment: str | None = None) -> None:
    """Write one contact with GP or legevakt; what it measures is what its note says."""
    if contact.kind == "death":
        _death(chart, contact)
    elif contact.kind == "legevakt":
        _legevakt(chart, contact)
    else:
        _practice(chart, contact, appointment)
    chart.last_contact = (contact.at, contact.codes[0])


def open_encounter(chart: Chart, visit: Visit, *, status: str = "finished", until: datetime | None = None) -> str:
    """The Encounter with at least one ICPC-2 contact diagnosis; returns its key."""
    key = chart.next_key("Encounter")
    if visit.problem:
        visit.conditions.append(visit.problem)
    else:
        visit.conditions += [_contact_diagnosis(chart, visit, code, key) for code in visit.codes]
    end = until or (visit.at + timedelta(minutes=visit.minutes) if status == "finished" else None)
    fields: Json = {
        "status": status,
        "class": coding(f"{HL7}v3-ActCode", visit.act, _CLASSES[visit.act]),
        "type": [concept(f"{LOCAL}contact-type", visit.type, _TYPES[visit.type])],
        "serviceType": concept(f"{VOLVEN}8663", visit.service),
        "subject": chart.patient(),
        "participant": [{"individual": ref("Practitioner", visit.author.key)}],
        "period": period(visit.at, end),
        "reasonCode": [diagnosis(code) for code in visit.codes],
        "diagnosis": [{"condition": ref("Condition", made), "rank": n} for n, made in enumerate(visit.conditions, 1)],
        "serviceProvider": ref("Organization", visit.unit),
    }
    if visit.urgency:
        fields["priority"] = concept(f"{LOCAL}urgency", visit.urgency, _URGENCY[visit.urgency].capitalize())
    if visit.appointment:
        fields["appointment"] = [ref("Appointment", visit.appointment)]
    return chart.add("Encounter", fields, unit=visit.unit, author=visit.author.key, at=visit.at)


def sign(chart: Chart, visit: Visit, encounter: str, text: str, *, title: str, at: datetime | None = None) -> None:
    """The signed note as a final Composition."""
    signed = at or visit.at + timedelta(minutes=visit.minutes + 1 + int(chart.rng.random() * 13))
    author = ref("Practitioner", visit.author.key)
    fields: Json = {
        "status": "final",
        "type": concept(f"{VOLVEN}9602", "B02-2", "Journalnotat"),
        "subject": chart.patient(),
        "encounter": ref("Encounter", encounter),
        "date": instant(signed),
        "author": [author],
        "title": title,
        "attester": [{"mode": "legal", "time": instant(signed), "party": dict(author)}],
        "custodian": ref("Organization", visit.unit),
        "section": [
            {
                "title": "Notat",
                "code": concept(f"{LOCAL}note-section", "note", "Notat"),
                "text": narrative(text),
            }
        ],
    }
    chart.add("Composition", fields, unit=visit.unit, author=visit.author.key, at=signed)


def _contact_diagnosis(chart: Chart, visit: Visit, code: str, encounter: str) -> str:
    fields: Json = {
        "clinicalStatus": concept(f"{HL7}condition-clinical", "active" if code in chart.problems else "resolved"),
        "verificationStatus": concept(f"{HL7}condition-ver-status", "confirmed"),
        "category": [concept(f"{HL7}condition-category", "encounter-diagnosis")],
        "code": diagnosis(code),
        "subject": chart.patient(),
        "encounter": ref("Encounter", encounter),
        "recordedDate": instant(visit.at),
        "recorder": ref("Practitioner", visit.author.key),
    }
    return chart.add("Condition", fields, unit=visit.unit, author=visit.author.key, at=visit.at)


def _practice(chart: Chart, contact: Contact, appointment: str | None) -> None:
    unit = chart.home_unit
    locum = chart.rng.random() < 0.12
    author = chart.staff(unit, "fastlege", "lis1") if locum or not chart.person.gp_staff else chart.gp
    act, kind = {"phone": ("VR", "phone"), "econsult": ("VR", "e-consultation")}.get(
        contact.kind, ("AMB", "consultation")
    )
    minutes = 8 if act == "VR" else 20
    visit = Visit(contact.at, minutes, unit, author, act, kind, "KA01", contact.codes, appointment=appointment)
    encounter = open_encounter(chart, visit)
    text = _remote(chart, contact, author) if act == "VR" else _face_to_face(chart, contact, visit, encounter)
    title = {"phone": "Telefonkontakt", "econsult": "E-konsultasjon"}.get(contact.kind, "Konsultasjon")
    sign(chart, visit, encounter, text, title=title)


def _remote(chart: Chart, contact: Contact, author: Staff) -> str:
    found = known.of(chart, contact.codes[0], contact.at)
    topic = "phone" if contact.kind == "phone" else "econsult"
    brief = Brief("common", topic, found, extras=known.extras(chart, contact.at))
    return write_note(chart.rng, author, brief)


def _face_to_face(chart: Chart, contact: Contact, visit: Visit, encounter: str) -> str:
    code = contact.codes[0]
    found = known.of(chart, code, contact.at)
    chronic = contact.illness is not None and script("chronic", code) is not None
    names = _CHRONIC_VITALS.get(code, ()) if chronic else contact.ailment.vitals if contact.ailment else ()
    ill = contact.ailment.ill * chart.rng.uniform(0.5, 1.2) if contact.ailment and contact.kind == "gp" else 0.0
    found |= _measured(chart, names, visit, encounter, ill)
    if contact.labs and not chart.person.deceased_on:
        wished = contact.at - timedelta(days=3 + int(chart.rng.random() * 6))
        drawn = datetime.combine(working_day(wished.date()), wished.timetz())
        found["labs"] = labs.order(chart, code, drawn=drawn, signed=drawn + timedelta(days=1, hours=6))
    if contact.ailment and contact.kind == "gp":
        found |= _tests_and_drugs(chart, contact.ailment, visit, encounter)
    if contact.kind == "followup":
        return write_note(chart.rng, visit.author, Brief("common", "followup", found, extras=("again",)))
    second = ("chronic", contact.codes[1]) if len(contact.codes) > 1 else None
    mood = _mood(contact, found)
    brief = Brief("chronic" if chronic else "acute", code, found, mood, known.extras(chart, contact.at), second)
    return write_note(chart.rng, visit.author, brief)


def _mood(contact: Contact, found: Facts) -> str:
    """The judgement follows the figures where there are any; a first visit stays a first visit."""
    if contact.mood == "first":
        return "first"
    high = _is_high(contact.codes[0], found)
    return contact.mood if high is None else "worse" if high else "steady"


def _is_high(code: str, found: Facts) -> bool | None:
    if code in ("K86", "K87") and "bp" in found:
        systolic, diastolic = found["bp"].split("/")
        return int(systolic) >= 146 or int(diastolic) >= 92
    for codes, name, limit in (
        (("T90", "T89"), "HbA1c", 58.0),
        (("T86",), "TSH", 4.0),
        (("T93",), "LDL", 3.0),
    ):
        if code in codes and name in found.get("labs", ""):
            value = found["labs"].split(f"{name} ")[1].split(", ")[0].rstrip(".").replace(",", ".")
            return float(value) > limit
    return None


def _measured(chart: Chart, names: tuple[Name, ...], visit: Visit, encounter: str, ill: float) -> Facts:
    if not names or (chart.age_years(visit.at) < 12 and "bp" in names and len(names) < 3):
        return {}
    texts = Vitals(chart).measure(
        names,
        at=visit.at + timedelta(minutes=4),
        unit=visit.unit,
        author=visit.author.key,
        encounter=encounter,
        ill=ill,
    )
    irregular = any(one.code == "K78" and one.onset_on <= visit.at.date() for one in chart.person.illnesses)
    return {**texts, "v": phrase(texts, chart.rng, irregular=irregular)}


def _tests_and_drugs(chart: Chart, ailment: Ailment, visit: Visit, encounter: str) -> Facts:
    found: Facts = {}
    if ailment.crp and chart.rng.random() < (0.95 if ailment.crp[1] > 60 else 0.5):
        value = Decimal(round(chart.rng.uniform(*ailment.crp)))
        at = visit.at + timedelta(minutes=10)
        found["poc"] = labs.bedside(
            chart, "crp", value, at=at, unit=visit.unit, author=visit.author.key, encounter=encounter
        )
    drug = drug_for(ailment, chart.age_years(visit.at))
    if drug and chart.rng.random() < ailment.drug_share:
        medicines.course(
            chart,
            drug,
            ailment.code,
            at=visit.at,
            days=ailment.days,
            unit=visit.unit,
            author=visit.author.key,
        )
        found["rx"] = f"{drug.product.split(' ')[0]} {drug.dose} i {ailment.days} d."
    return found


def _legevakt(chart: Chart, contact: Contact) -> None:
    """A nurse takes the call or meets the patient; most are then seen by a doctor in the same contact."""
    ailment = contact.ailment or BY_CODE["A77"]
    advice = chart.rng.random() < 0.28 and ailment.ill < 0.6 and not ailment.injury
    nurse = chart.staff("u-legevakt", "sykepleier", "leder")
    urgency = "green" if advice else _urgency(chart, ailment)
    act, kind = ("VR", "phone") if advice else ("EMER", "emergency")
    visit = Visit(contact.at, 9 if advice else 75, "u-legevakt", nurse, act, kind, "KA02", contact.codes, urgency)
    encounter = open_encounter(chart, visit)
    found = known.of(chart, contact.codes[0], contact.at) | {
        "urgency": _URGENCY[urgency],
        "tlf": f"{contact.at:%H.%M}",
    }
    if advice:
        sign(
            chart,
            visit,
            encounter,
            write_note(chart.rng, nurse, Brief("legevakt", "advice", found)),
            title="Telefonråd",
        )
        return
    grown = chart.age_years(contact.at) >= 16
    names: tuple[Name, ...] = NEWS2 if grown and ailment.ill >= 0.25 else ailment.vitals or ("pulse",)
    found |= _measured(chart, names, visit, encounter, ailment.ill * chart.rng.uniform(0.6, 1.25))
    sign(
        chart, visit, encounter, write_note(chart.rng, nurse, Brief("legevakt", "nurse", found)),
        title="Triage legevakt", at=visit.at + timedelta(minutes=12),
    )  # fmt: skip
    _doctor(chart, contact, ailment, visit, encounter, found)


def _doctor(chart: Chart, contact: Contact, ailment: Ailment, visit: Visit, encounter: str, found: Facts) -> None:
    doctor = chart.staff("u-legevakt", "legevaktlege")
    seen = Visit(visit.at, visit.minutes, visit.unit, doctor, visit.act, visit.type, visit.service, visit.codes)
    found = found | _tests_and_drugs(chart, ailment, seen, encounter)
    found["ukedag"] = chart.rng.choice(("mandag", "tirsdag", "torsdag", "til uken"))
    extras = tuple(extra for extra in known.extras(chart, contact.at) if extra in ("comorbid", "child"))
    text = write_note(chart.rng, doctor, Brief("acute", contact.codes[0], found, extras=extras))
    sign(chart, seen, encounter, text, title="Legevaktnotat")


def _urgency(chart: Chart, ailment: Ailment) -> str:
    if ailment.code == "A11" or ailment.ill > 0.55:
        return chart.rng.choice(("orange", "yellow", "yellow"))
    return chart.rng.choice(("yellow", "green", "green", "green", "blue"))


def _death(chart: Chart, contact: Contact) -> None:
    author, unit = chart.gp, chart.home_unit
    visit = Visit(contact.at, 20, unit, author, "AMB", "consultation", "KA01", contact.codes)
    encounter = open_encounter(chart, visit)
    kin = _first(person.given for person in (chart.world.person(one.person_key) for one in chart.person.next_of_kin))
    place = chart.rng.choice(("på sykehuset", "hjemme", "på sykehjemmet"))
    text = chart.rng.choice(
        (
            f"Melding om dødsfall. Pas. døde {place} {contact.at:%d.%m.%Y}. Pårørende underrettet.",
            f"Døde {place} {contact.at:%d.%m.%Y}, ventet. Samtale med pårørende. Medisiner avsluttes.",
            f"Dødsfall {place}. Dødsmelding sendt {contact.at:%d.%m.%Y}. Tilbud om samtale til etterlatte.",
        )
    )
    if kin:
        text += f" {kin.split()[0]} er nærmeste pårørende."
    sign(chart, visit, encounter, to_nynorsk(text) if author.nynorsk else text, title="Dødsfall")


def _first(names: Iterable[str]) -> str | None:
    return next(iter(names), None)
