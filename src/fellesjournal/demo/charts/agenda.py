"""What lies ahead and what waits: appointments, results to sign, open tasks."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from fellesjournal.demo.charts import labs
from fellesjournal.demo.charts.chart import OSLO, Chart, working_day
from fellesjournal.demo.charts.contacts import is_seen
from fellesjournal.demo.charts.labs import PANELS
from fellesjournal.demo.charts.parts import LOCAL, VOLVEN, Json, concept, diagnosis, instant, period, ref
from fellesjournal.demo.model import Booking

_TASKS = {
    "follow-up": ("Følge opp", ("Sjekke at henvisning er mottatt", "Følge opp BT etter doseendring",
    "Kalle inn til kontroll")),
    "call-patient": ("Ringe pasienten", ("Ønsker å bli oppringt om prøvesvar", "Ring ang. sykmelding",
    "Ring om medisinendring")),
    "renew-prescription": ("Fornye resept", ("Ber om fornyelse av faste medisiner",
    "Resept utløper denne uken")),
    "read-note": ("Lese notat", ("Notat fra legevakt til orientering",
    "Epikrise fra sykehuset til gjennomlesing")),
}  # fmt: skip


def appointments(chart: Chart) -> list[str]:
    """One Appointment for each booking, in order; returns their keys."""
    return [_appointment(chart, booking) for booking in chart.person.bookings]


def waiting(chart: Chart) -> None:
    """Results that nobody has signed, and tasks that are open."""
    if chart.person.unsigned_result:
        panels = [one.code for one in chart.person.illnesses if one.code in PANELS] or ["A04"]
        labs.order_new(chart, panels[:2] if chart.person.has("T90") else panels[:1], drawn=_drawn(chart))
    for code in chart.person.open_tasks:
        _task(chart, code)


def _drawn(chart: Chart) -> datetime:
    """A morning of the last working day that the laboratory has had time to answer."""
    on = working_day((chart.now - timedelta(hours=36)).date())
    return datetime.combine(on, time(8), OSLO) + timedelta(minutes=5 * int(chart.rng.random() * 40))


def _appointment(chart: Chart, booking: Booking) -> str:
    fields: Json = {
        "status": _status(chart, booking),
        "serviceType": [concept(f"{VOLVEN}8663", "KA01", "Fastlegetjeneste")],
        "reasonCode": [diagnosis(booking.reason)],
        "start": instant(booking.at),
        "end": instant(booking.at + timedelta(minutes=booking.minutes)),
        "created": instant(_made(chart, booking)),
        "participant": [
            {"actor": chart.patient(), "status": "accepted"},
            {"actor": ref("Practitioner", booking.staff_key), "status": "accepted"},
            {"actor": ref("Location", f"loc-{booking.unit_key}"), "status": "accepted"},
        ],
    }
    at = _made(chart, booking)
    return chart.add("Appointment", fields, unit=booking.unit_key, author=None, at=at)


def _status(chart: Chart, booking: Booking) -> str:
    if booking.at > chart.now - timedelta(minutes=5):
        return "booked"
    return "fulfilled" if is_seen(booking, now=chart.now) else "arrived"


def _made(chart: Chart, booking: Booking) -> datetime:
    """When it was agreed: some days before, but never later than now."""
    return min(booking.at, chart.now) - timedelta(days=1 + booking.at.toordinal() % 9, hours=2)


def _task(chart: Chart, code: str) -> None:
    display, texts = _TASKS[code]
    at = chart.now - timedelta(hours=3 + int(chart.rng.random() * 90))
    fields: Json = {
        "status": "requested",
        "intent": "order",
        "priority": "urgent" if chart.rng.random() < 0.15 else "routine",
        "code": concept(f"{LOCAL}task", code, display),
        "description": chart.rng.choice(texts),
        "for": chart.patient(),
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": ref("Organization", chart.home_unit),
        "owner": ref("Organization", chart.home_unit),
        "restriction": {"period": period(at, at + timedelta(days=3))},
    }
    if code == "read-note":
        fields |= _newest_note(chart)
    chart.add("Task", fields, unit=chart.home_unit, author=None, at=at)


def _newest_note(chart: Chart) -> Json:
    notes = (item.resource["id"] for item in reversed(chart.items) if item.resource["resourceType"] == "Composition")
    newest = next(notes, None)
    return {"focus": ref("Composition", newest)} if newest else {}
