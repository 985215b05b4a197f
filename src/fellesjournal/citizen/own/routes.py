"""The pages of the own record: one search call each, and one for names when they are not remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.choices.actions import own_notices
from fellesjournal.access.choices.model import Notice
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import PatientId
from fellesjournal.citizen.own import fhir as read_as
from fellesjournal.citizen.own.model import Meeting, Paper, by_month
from fellesjournal.citizen.own.words import MONTHS, UNITS
from fellesjournal.clinical.directory import Directory, directory_for
from fellesjournal.clinical.pages import journal_of, now
from fellesjournal.clinical.pieces import Json, codes_in, instant, patient_id
from fellesjournal.clinical.protection import hidden_unit, is_strict
from fellesjournal.fhir import parse
from fellesjournal.identity.model import ROLE_NAMES
from fellesjournal.record.errors import RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Page, Stored
from fellesjournal.web import add_templates, language_of, render
from fellesjournal.web.i18n import COOKIE as LANGUAGE_COOKIE
from fellesjournal.web.i18n import speak

_YEAR_S = 365 * 24 * 3600
_NOTES = 20
_TOLD_DAYS = 90
_VALUES = 300
_MANY = "200"
_READABLE = ("status", "final,amended")

add_templates("citizen", "fellesjournal.citizen")


@gate.citizen("open")
async def overview(request: Request, decision: Decision) -> Response:
    """What matters most: critical information, what comes, medicines, the last notes and contacts."""
    journal, me = journal_of(request, decision), _me(decision)
    at = instant(now(request))
    found = await journal.search_many(
        [
            ("me", "Patient", [("_id", me)]),
            ("flags", "Flag", [("patient", me), ("_count", _MANY)]),
            ("allergies", "AllergyIntolerance", _active(me)),
            ("problems", "Condition", [*_active(me), ("category", "problem-list-item")]),
            ("medicines", "MedicationStatement", [("patient", me), ("status", "active"), ("_count", _MANY)]),
            ("coming", "Appointment", [("patient", me), ("status", "booked,arrived"), ("date", f"ge{at}"),
                                       ("_sort", "date"), ("_count", "3")]),
            ("notes", "Composition", [("patient", me), _READABLE, ("_sort", "-date"), ("_count", "4")]),
        ]
    )  # fmt: skip
    own_language = _language_of(found["me"], request)
    if own_language:
        speak(request, own_language)
    directory = await directory_for(journal, _resources(found["medicines"], found["coming"], found["notes"]))
    own, language = _resources(found["me"])[0], language_of(request)
    page = render(
        request,
        "citizen/overview.html",
        notices=await _notices(request, decision),
        roles=ROLE_NAMES,
        hidden_unit=hidden_unit(language) if is_strict(own) else "",
        language=language,
        name=decision.reader.acting.name if decision.reader.acting else decision.reader.name,
        warnings=[read_as.warning(one) for one in _resources(found["flags"]) if one["status"] == "active"],
        allergies=[read_as.allergy(one) for one in _resources(found["allergies"])],
        problems=[read_as.problem(one) for one in _resources(found["problems"])],
        medicines=_medicines(found["medicines"], directory),
        coming=await _appointments(journal, found["coming"], directory),
        papers=_papers(found["notes"].matches, directory),
    )
    return _kept(request, page, own_language) if own_language else page


async def _notices(request: Request, decision: Decision) -> tuple[Notice, ...]:
    """When somebody opened the record by exception, of late."""
    since = now(request) - timedelta(days=_TOLD_DAYS)
    return await own_notices(request.app.state.access_db, decision=decision, since=since)


@gate.citizen("open")
async def notes(request: Request, decision: Decision) -> Response:
    """Signed notes, newest first."""
    journal = journal_of(request, decision)
    wish = [("patient", _me(decision)), _READABLE, ("_sort", "-date"), ("_count", str(_NOTES))]
    page = await journal.search("Composition", wish, after=request.query_params.get("side"))
    directory = await directory_for(journal, _resources(page))
    return render(request, "citizen/notes.html", papers=_papers(page.matches, directory), next=page.next)


@gate.citizen("open")
async def note(request: Request, decision: Decision) -> Response:
    """One note in full, with its older versions. Raises NotFound for what is not there or not shown."""
    journal, id_ = journal_of(request, decision), request.path_params["note"]
    current = await journal.read("Composition", id_)
    older = [row for row in await journal.history("Composition", id_) if row["version"] < current.version]
    resources = [current.resource(), *(parse(row["body"].encode()) for row in older if row["body"])]
    encounter = await _encounter(journal, resources[0])
    directory = await directory_for(journal, [*resources, *encounter])
    versions = [current.version, *(row["version"] for row in older if row["body"])]
    papers = [
        read_as.paper(one, version=version, directory=directory)
        for one, version in zip(resources, versions, strict=True)
    ]
    contacts = _meetings(encounter, lambda one: read_as.contact(one, directory=directory))
    return render(
        request,
        "citizen/note.html",
        paper=papers[0],
        older=papers[1:],
        contact=contacts[0] if contacts else None,
    )


@gate.citizen("open")
async def measurements(request: Request, decision: Decision) -> Response:
    """Measurements and laboratory answers by kind, with their trends."""
    journal, me = journal_of(request, decision), _me(decision)
    found = await journal.search_many(
        [
            ("laboratory", "Observation", _values(me, "laboratory")),
            ("body", "Observation", _values(me, "vital-signs,exam")),
        ]
    )
    body, laboratory = _finished(found["body"]), _finished(found["laboratory"])
    # Only who measured is named here: looking through whole measurements would take longer than reading them.
    takers = [{"performer": one.get("performer", ())} for one in (*body, *laboratory)]
    directory = await directory_for(journal, takers)
    return render(
        request,
        "citizen/measurements.html",
        body=read_as.series(body, directory=directory, laboratory=False),
        laboratory=read_as.series(laboratory, directory=directory, laboratory=True),
        units=UNITS,
        is_cut=any(page.next is not None for page in found.values()),
    )


@gate.citizen("open")
async def medicines(request: Request, decision: Decision) -> Response:
    """Medicines in use, what was used before, and what is not tolerated."""
    journal, me = journal_of(request, decision), _me(decision)
    found = await journal.search_many(
        [
            ("now", "MedicationStatement", [("patient", me), ("status", "active"), ("_count", _MANY)]),
            ("before", "MedicationStatement",
             [("patient", me), ("status", "completed,stopped"), ("_sort", "-effective"), ("_count", _MANY)]),
            ("allergies", "AllergyIntolerance", _active(me)),
        ]
    )  # fmt: skip
    directory = await directory_for(journal, _resources(found["now"], found["before"]))
    return render(
        request,
        "citizen/medicines.html",
        in_use=_medicines(found["now"], directory),
        before=[read_as.medicine(one, directory=directory) for one in _resources(found["before"])],
        allergies=[read_as.allergy(one) for one in _resources(found["allergies"])],
    )


@gate.citizen("open")
async def vaccines(request: Request, decision: Decision) -> Response:
    """Vaccinations that were given, newest first."""
    journal = journal_of(request, decision)
    wish = [("patient", _me(decision)), ("status", "completed"), ("_sort", "-date"), ("_count", _MANY)]
    page = await journal.search("Immunization", wish)
    directory = await directory_for(journal, _resources(page))
    given = [read_as.vaccine(one, directory=directory) for one in _resources(page)]
    return render(request, "citizen/vaccines.html", given=given)


@gate.citizen("open")
async def meetings(request: Request, decision: Decision) -> Response:
    """Coming appointments and past contacts."""
    journal, me = journal_of(request, decision), _me(decision)
    at = instant(now(request))
    found = await journal.search_many(
        [
            ("coming", "Appointment", [("patient", me), ("status", "booked,arrived"), ("date", f"ge{at}"),
                                       ("_sort", "date"), ("_count", _MANY)]),
            ("past", "Encounter", [("patient", me), ("_sort", "-date"), ("_count", "100")]),
        ]
    )  # fmt: skip
    directory = await directory_for(journal, _resources(*found.values()))
    past = _meetings(_resources(found["past"]), lambda one: read_as.contact(one, directory=directory))
    coming = await _appointments(journal, found["coming"], directory)
    return render(
        request,
        "citizen/meetings.html",
        coming=coming,
        months=by_month(past),
        month_names=MONTHS,
        is_cut=found["past"].next is not None,
    )


def _me(decision: Decision) -> str:
    """The citizen's own Patient id."""
    assert decision.patient is not None  # noqa: S101 - the gate decided about one
    return patient_id(PatientId(decision.patient.slot, decision.patient.pid))


def _resources(*pages: Page) -> list[Json]:
    return [one.resource() for page in pages for one in page.matches]


def _papers(found: Iterable[Stored], directory: Directory) -> list[Paper]:
    return [read_as.paper(one.resource(), version=one.version, directory=directory) for one in found]


def _medicines(page: Page, directory: Directory) -> list[Any]:
    """Fixed ones first, then those taken as needed, each in order of name."""
    made = [read_as.medicine(one, directory=directory) for one in _resources(page)]
    return sorted(made, key=lambda one: (one.as_needed, one.name.casefold()))


def _meetings(resources: Iterable[Json], make: Callable[[Json], Meeting | None]) -> list[Meeting]:
    return [made for one in resources if (made := make(one)) is not None]


async def _appointments(journal: Journal, page: Page, directory: Directory) -> list[Meeting]:
    resources = _resources(page)
    places = await _places(journal, resources)
    return _meetings(resources, lambda one: read_as.appointment(one, directory=directory, places=places))


async def _places(journal: Journal, resources: Iterable[Json]) -> dict[str, str]:
    """Names of the Locations that appointments name, by reference."""
    actors = (part.get("actor", {}) for one in resources for part in one.get("participant", ()))
    ids = {ref.partition("/")[2] for a in actors if (ref := a.get("reference", "")).startswith("Location/")}
    if not ids:
        return {}
    page = await journal.search("Location", [("_id", ",".join(sorted(ids))), ("_count", str(len(ids)))])
    return {f"Location/{one.id}": one.resource().get("name", "") for one in page.matches}


async def _encounter(journal: Journal, resource: Json) -> list[Json]:
    """The contact that a note belongs to; none when it is not there for the citizen."""
    id_ = resource.get("encounter", {}).get("reference", "").partition("/")[2]
    if not id_:
        return []
    try:
        return [(await journal.read("Encounter", id_)).resource()]
    except RecordError:
        return []


def _values(me: str, category: str) -> Sequence[tuple[str, str]]:
    return [("patient", me), ("category", category), ("_sort", "-date"), ("_count", str(_VALUES))]


def _finished(page: Page) -> list[Json]:
    """Measurements that stand; what is unfinished is withheld before it comes here, what was cancelled is not."""
    return [one for one in _resources(page) if one["status"] in ("final", "amended", "corrected")]


def _active(me: str) -> Sequence[tuple[str, str]]:
    return [("patient", me), ("clinical-status", "active"), ("_count", _MANY)]


def _language_of(page: Page, request: Request) -> str | None:
    """The citizen's own målform, when the page is in bokmål without anyone having chosen it."""
    if LANGUAGE_COOKIE in request.cookies or language_of(request) != "nb":
        return None
    patients = (stored.resource() for stored in page.matches)
    spoken = (one.get("language") for patient in patients for one in patient.get("communication", ()))
    return "nn" if any("nn" in codes_in(language) for language in spoken) else None


def _kept(request: Request, page: Response, language: str) -> Response:
    """The page, with the language kept for the pages that follow."""
    secure = request.url.scheme == "https"
    page.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR_S, samesite="lax", httponly=True, secure=secure)
    return page


routes = [
    Route("/min-journal", overview),
    Route("/min-journal/notater", notes),
    Route("/min-journal/notater/{note}", note),
    Route("/min-journal/maalinger", measurements),
    Route("/min-journal/legemidler", medicines),
    Route("/min-journal/vaksiner", vaccines),
    Route("/min-journal/timer", meetings),
]
