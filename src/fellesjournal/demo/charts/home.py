"""Home care: the decisions, the plan, and the visits of the last thirty days."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from fellesjournal.demo.charts import facts as known
from fellesjournal.demo.charts.chart import OSLO, Chart
from fellesjournal.demo.charts.consultation import Visit, open_encounter, sign
from fellesjournal.demo.charts.parts import LOCAL, VOLVEN, Json, concept, day, instant, period, ref
from fellesjournal.demo.charts.vitals import Name, Vitals, phrase
from fellesjournal.demo.model import Service
from fellesjournal.demo.prose.note import Brief, write_note

DAYS = 30
_SERVICES = {
    "1": "Praktisk bistand - daglige gjøremål", "6": "Trygghetsalarm", "15": "Helsetjenester i hjemmet",
    "18": "Tidsbegrenset opphold - utredning/behandling",
    "19": "Tidsbegrenset opphold - habilitering/rehabilitering",
    "21": "Langtidsopphold i institusjon",
}  # fmt: skip
_HOURS = (time(8, 10), time(19, 30), time(13, 0), time(21, 45))
_TASKS = (
    ("Gi medisiner fra dosett", "daglig"), ("Hjelp til morgenstell", "daglig"), ("Dusj", "to ganger i uken"),
    ("Støttestrømper av og på", "morgen og kveld"), ("Observere ernæring og væske", "daglig"),
    ("Veie og notere vekt", "hver morgen"), ("Legge dosett", "hver 14. dag"), ("Tilsyn kveld", "daglig"),
    ("Sårstell", "hver 3. dag"), ("Trene gange inne", "tre ganger i uken"), ("Kjøleskapskontroll",
    "hver uke"),
)  # fmt: skip


def record(chart: Chart) -> None:
    """Decisions, episode and plan for each service, then the visits."""
    for service in chart.person.services:
        if service.code in ("1", "6", "15"):
            decide(chart, service)
        if service.code == "15":
            _visits(chart, service)
    if chart.person.services and chart.person.services[0].code == "15" and chart.person.has("K77"):
        _telemonitoring(chart, chart.person.services[0])


def decide(chart: Chart, service: Service) -> None:
    """The granted service (ServiceRequest), who is responsible (EpisodeOfCare), what is done (CarePlan)."""
    at = datetime.combine(service.start_on, time(11, 0), OSLO)
    granted = concept(f"{VOLVEN}9151", service.code, _SERVICES[service.code])
    nurse = service.primary_staff
    order: Json = {
        "status": "active",
        "intent": "order",
        "category": [concept(f"{LOCAL}service-request-category", "granted-service", "Tildelt tjeneste")],
        "code": granted,
        "subject": chart.patient(),
        "occurrencePeriod": period(service.start_on),
        "authoredOn": instant(at),
        "requester": ref("Organization", f"o-{chart.person.address.municipality}"),
        "performer": [ref("Organization", service.unit_key)],
    }
    made = chart.add("ServiceRequest", order, unit=service.unit_key, author=None, at=at)
    episode: Json = {
        "status": "active",
        "type": [granted | {"coding": [dict(granted["coding"][0])]}],
        "patient": chart.patient(),
        "managingOrganization": ref("Organization", service.unit_key),
        "period": period(service.start_on),
        "referralRequest": [ref("ServiceRequest", made)],
        "careManager": ref("Practitioner", nurse),
    }
    chart.add("EpisodeOfCare", episode, unit=service.unit_key, author=nurse, at=at)
    if service.code not in ("6", "1"):
        chart.add("CarePlan", _plan(chart, service, made), unit=service.unit_key, author=nurse, at=at)


def main_problem(chart: Chart) -> tuple[str, str | None]:
    """What the care is mostly about: a raised problem if there is one, else general weakness."""
    for code in ("P70", "K77", "K90", "N87", "R95", "T90", "L90", "K78"):
        if code in chart.problems:
            return code, chart.problems[code]
    first = next(iter(chart.problems.items()), None)
    return first or ("A04", None)


def _plan(chart: Chart, service: Service, order: str) -> Json:
    wanted = 3 + int(chart.rng.random() * 4)
    return {
        "status": "active",
        "intent": "plan",
        "category": [concept(f"{LOCAL}care-plan-category", "care", "Tiltaksplan")],
        "title": "Tiltaksplan",
        "subject": chart.patient(),
        "period": period(service.start_on),
        "created": day(service.start_on),
        "author": ref("Practitioner", service.primary_staff),
        "activity": [
            {
                "detail": {
                    "status": "in-progress",
                    "description": text,
                    "scheduledString": often,
                    "performer": [ref("Organization", service.unit_key)],
                }
            }
            for text, often in chart.rng.sample(_TASKS, wanted)
        ],
        "supportingInfo": [ref("ServiceRequest", order)],
    }


def _visits(chart: Chart, service: Service) -> None:
    first = max(service.start_on, chart.today - timedelta(days=DAYS))
    for number in range((chart.today - first).days + 1):
        on = first + timedelta(days=number)
        for hour in _todays_hours(service.visits_per_day, on):
            at = datetime.combine(on, hour, OSLO) + timedelta(minutes=int(chart.rng.random() * 25))
            if at < chart.end - timedelta(minutes=40):
                _home_visit(chart, service, at)


def _todays_hours(per_day: float, on: date) -> tuple[time, ...]:
    if per_day >= 1:
        return _HOURS[: int(per_day)]
    every = round(1 / per_day) if per_day else 0
    return _HOURS[:1] if every and on.toordinal() % every == 0 else ()


def _home_visit(chart: Chart, service: Service, at: datetime) -> None:
    giver = chart.staff(service.unit_key, "sykepleier", "helsefagarbeider", "assistent", "vernepleier")
    code, problem = main_problem(chart)
    visit = Visit(at, 12 + int(chart.rng.random() * 25), service.unit_key, giver, "HH", "home-visit", "KP02", (code,))
    visit.problem = problem
    encounter = open_encounter(chart, visit)
    morning = at.hour < 11
    weighed = morning and chart.person.has("K77") and chart.rng.random() < 0.25
    if not weighed and chart.rng.random() > 0.11:
        return
    names: tuple[Name, ...] = (
        ("weight", "bp", "pulse") if weighed else ("bp", "pulse") if chart.rng.random() < 0.3 else ()
    )
    texts = Vitals(chart).measure(names, at=at, unit=visit.unit, author=giver.key, encounter=encounter)
    found = known.of(chart, code, at) | {
        **texts,
        "v": phrase(texts, chart.rng, irregular=chart.person.has("K78")),
    }
    topic = "hf" if weighed else "wound" if chart.rng.random() < 0.08 else "visit"
    sign(
        chart,
        visit,
        encounter,
        write_note(chart.rng, giver, Brief("home", topic, found)),
        title="Hjemmebesøk",
    )


def _telemonitoring(chart: Chart, service: Service) -> None:
    """Heart failure followed at home: weight, and pressure and pulse every morning for the last ten months."""
    if service.visits_per_day < 4:
        return
    vitals = Vitals(chart)
    for ago in range(1, 301):
        at = datetime.combine(chart.today - timedelta(days=ago), time(7, 40), OSLO)
        if at.date() > service.start_on:
            names: tuple[Name, ...] = ("weight", "bp", "pulse") if ago % 2 else ("weight", "pulse")
            vitals.measure(names, at=at, unit=service.unit_key, author=service.primary_staff, encounter=None)
