"""The chart: overview, timeline, measurements, who has read, and the identity number when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal import fhir as r4
from fellesjournal.access import audit, gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.kinds import data_in
from fellesjournal.access.words import done
from fellesjournal.clinical.overview import fhir
from fellesjournal.clinical.overview.frame import Frame, open_frame, patient_of
from fellesjournal.clinical.overview.model import in_order, reference_range, series
from fellesjournal.clinical.overview.storyboard import Wish, national_id_in
from fellesjournal.clinical.overview.timeline import (
    by_service,
    contacts_of,
    lanes,
    named,
    recent_contacts,
    span,
)
from fellesjournal.clinical.pages import now
from fellesjournal.clinical.pieces import Json, moment, patient_id, words
from fellesjournal.clinical.problems.fhir import problems_from
from fellesjournal.clinical.protection import hidden_unit, is_strict
from fellesjournal.clinical.signatures import signature_wish, signatures_from
from fellesjournal.clinical.tasks.fhir import item_from
from fellesjournal.identity.model import ROLE_NAMES
from fellesjournal.kit.clock import OSLO
from fellesjournal.web import _, add_templates, render

add_templates("overview", "fellesjournal.clinical.overview")

OPEN_TASKS: Final = "requested,received,accepted,in-progress,on-hold"
PERIODS: Final = {"1": _("Siste år"), "5": _("Siste fem år"), "alt": _("Alt")}
_LOG_PAGE: Final = 50
_PATIENT_KIND: Final = r4.TYPE_NUMBER["Patient"]


@gate.chart("open")
async def show(request: Request, decision: Decision) -> Response:
    """What must be known now."""
    frame = await open_frame(request, decision, _overview_wishes(decision))
    return render(request, "overview/chart.html", frame=frame, **_overview_parts(frame))


@gate.chart("read", kind=_PATIENT_KIND)
async def reveal(request: Request, decision: Decision) -> Response:
    """The whole identity number: a part of the page for htmx, else the page with it."""
    is_part = "hx-request" in request.headers
    frame = await open_frame(request, decision, () if is_part else _overview_wishes(decision))
    number = national_id_in(frame.person)
    if is_part:
        return render(request, "overview/national_id.html", number=number)
    frame = replace(frame, story=replace(frame.story, national_id=number))
    return render(request, "overview/chart.html", frame=frame, **_overview_parts(frame))


def _overview_wishes(decision: Decision) -> list[Wish]:
    """One search for each part of the overview, all bounded."""
    who = ("patient", patient_id(patient_of(decision)))
    return [
        ("problems", "Condition", [who, ("category", "problem-list-item"), ("_count", "100")]),
        ("medicines", "MedicationStatement", [who, ("status", "active"), ("_count", "60")]),
        *recent_contacts(who[1]),
        ("tasks", "Task", [who, ("status", OPEN_TASKS), ("_count", "20")]),
        ("plans", "CarePlan", [who, ("status", "active"), ("_count", "10")]),
        ("vitals", "Observation", [who, ("category", "vital-signs"), ("_sort", "-date"), ("_count", "60")]),
        ("labs", "Observation", [who, ("category", "laboratory"), ("_sort", "-date"), ("_count", "40")]),
        signature_wish(who[1], most=20),
        ("booked", "Appointment", [who, ("status", "booked,arrived,checked-in"), ("_count", "10")]),
    ]


def _overview_parts(frame: Frame) -> dict[str, Any]:
    found, directory = frame.found, frame.directory
    vitals = series(fhir.values_from(found["vitals"]))
    labs = series(fhir.values_from(found["labs"], signatures_from(found["signatures"], directory)))
    today = frame.at.astimezone(OSLO).date()
    return {
        "tab": "oversikt",
        "problems": [one for one in problems_from(found["problems"], directory) if one.is_active],
        "medicines": sorted((fhir.medicine_from(one) for one in found["medicines"]), key=lambda m: m.as_needed),
        "contacts": by_service(contacts_of(frame)),
        "tasks": sorted(
            (item_from(one, frame.directory, frame.at) for one in found["tasks"]), key=lambda t: t.sort_key
        ),
        "plans": [fhir.plan_from(one, directory) for one in found["plans"]],
        "vitals": in_order(vitals, fhir.VITAL_ORDER),
        "labs": labs[:12],
        "bookings": [one for one in _bookings(found["booked"]) if one[0].astimezone(OSLO).date() >= today],
        "reference_range": reference_range,
        "lane_names": fhir.LANES,
    }


def _bookings(rows: list[Json]) -> list[tuple[datetime, str]]:
    found = [
        (at, words(next(iter(one.get("reasonCode", ())), None)) or one.get("description", ""))
        for one in rows
        if (at := moment(one.get("start")))
    ]
    return sorted(found)


@gate.chart("open")
async def show_timeline(request: Request, decision: Decision) -> Response:
    """All contacts in all services."""
    period = request.query_params.get("periode", "5")
    at = now(request)
    since = at - timedelta(days=366 * int(period)) if period in ("1", "5") else None
    frame = await open_frame(request, decision, _timeline_wishes(decision, since))
    contacts = contacts_of(frame)
    begin, end = span(contacts, since=since, until=at)
    return render(
        request,
        "overview/timeline.html",
        frame=frame,
        tab="tidslinje",
        periods=PERIODS,
        since=begin,
        until=end,
        period=period if period in PERIODS else "alt",
        lanes=lanes(contacts, url=frame.url, language=frame.language),
    )


def _timeline_wishes(decision: Decision, since: datetime | None) -> list[Wish]:
    who = ("patient", patient_id(patient_of(decision)))
    bound = [("date", f"ge{since.astimezone(OSLO).date()}")] if since else []
    rest = [who, *bound, ("_sort", "-date"), ("_count", "500")]
    return [("contacts", "Encounter", rest), ("notes", "Composition", rest)]


@gate.chart("open")
async def show_measurements(request: Request, decision: Decision) -> Response:
    """Measurements and laboratory answers with their trends."""
    who = ("patient", patient_id(patient_of(decision)))
    newest = [("_sort", "-date"), ("_count", "400")]
    labs, rest = ("category", "laboratory"), ("category:not", "laboratory")
    wishes: list[Wish] = [
        ("labs", "Observation", [who, labs, *newest]),
        ("vitals", "Observation", [who, rest, *newest]),
        signature_wish(who[1]),
    ]
    frame = await open_frame(request, decision, wishes)
    signatures = signatures_from(frame.found["signatures"], frame.directory)
    values = fhir.values_from([*frame.found["vitals"], *frame.found["labs"]], signatures)
    return render(
        request,
        "overview/measurements.html",
        frame=frame,
        tab="malinger",
        reference_range=reference_range,
        vitals=in_order(series(one for one in values if not one.is_lab), fhir.VITAL_ORDER),
        labs=series(one for one in values if one.is_lab),
    )


@gate.chart("open")
async def show_notes(request: Request, decision: Decision) -> Response:
    """Every note, newest first."""
    who = ("patient", patient_id(patient_of(decision)))
    newest = [("_sort", "-date"), ("_count", "200")]
    frame = await open_frame(request, decision, [("notes", "Composition", [who, *newest])])
    notes = [named(row, frame) for row in frame.found["notes"] if row.get("status") != "entered-in-error"]
    return render(request, "overview/notes.html", frame=frame, tab="notater", notes=notes)


@gate.chart("open")
async def show_log(request: Request, decision: Decision) -> Response:
    """Who has read this record, newest first. The reading of the log is logged too."""
    frame = await open_frame(request, decision)
    before = _before(request) or frame.at + timedelta(minutes=1)
    lines = await audit.patient_log(request.app.state.access_db, decision=decision, before=before, limit=_LOG_PAGE)
    older = lines[-1].at.astimezone(UTC).isoformat() if len(lines) == _LOG_PAGE else None
    return render(
        request,
        "overview/log.html",
        frame=frame,
        tab="innsynslogg",
        lines=lines,
        older=older,
        roles=ROLE_NAMES,
        done=done,
        data_in=data_in,
        hidden_unit=hidden_unit(frame.language) if is_strict(frame.person) else "",
    )


def _before(request: Request) -> datetime | None:
    try:
        at = datetime.fromisoformat(request.query_params.get("for", ""))
    except ValueError:
        return None
    return at if at.tzinfo else None


routes = [
    Route("/pasienter/{patient}", show),
    Route("/pasienter/{patient}/fodselsnummer", reveal, methods=["POST"]),
    Route("/pasienter/{patient}/tidslinje", show_timeline),
    Route("/pasienter/{patient}/malinger", show_measurements),
    Route("/pasienter/{patient}/notater", show_notes),
    Route("/pasienter/{patient}/innsynslogg", show_log),
]
