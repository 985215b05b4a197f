"""Child health, school health and pregnancy: visits by the programme, growth, and what is said there."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fellesjournal.demo.charts import facts as known
from fellesjournal.demo.charts.chart import Chart
from fellesjournal.demo.charts.consultation import Visit, open_encounter, sign
from fellesjournal.demo.charts.vitals import Name, Vitals, phrase
from fellesjournal.demo.prose.note import Brief, write_note
from fellesjournal.demo.prose.template import Facts

# Age in days of each visit of the programme, the topic of its note, and what is measured.
_INFANT: tuple[Name, ...] = ("weight", "height", "head")
_CHILD: tuple[Name, ...] = ("weight", "height")
_PROGRAMME: tuple[tuple[int, str, tuple[Name, ...]], ...] = (
    (9, "home7", ("weight",)), (44, "w6", _INFANT), (93, "m", _INFANT), (153, "m", _INFANT), (184, "m",
    _INFANT),
    (245, "m", _INFANT), (306, "m", _INFANT), (367, "m", _INFANT), (458, "m", _INFANT), (540, "m", _CHILD),
    (735, "y2", _CHILD), (1466, "y4", _CHILD), (2240, "school", _CHILD), (8 * 365 + 200, "school3", _CHILD),
    (13 * 365 + 250, "school8", _CHILD),
)  # fmt: skip
_MILESTONES = (
    (4, "løfter hodet i mageleie", "fullammes"), (5.6, "griper, triller over på siden", "får smake på grøt"),
    (7, "triller", "grøt to ganger om dagen, ammes"), (9, "sitter støtt", "middagsmos og grøt"),
    (11, "krabber", "spiser det meste med klumper"), (13.5, "reiser seg, går langs møbler",
    "spiser familiens mat"),
    (16.5, "går noen skritt alene", "spiser selv med fingrene"), (99, "går og klatrer", "spiser med skje"),
)  # fmt: skip
_WEEKS = (9, 17, 24, 28, 32, 36, 38, 40)


def record(chart: Chart) -> None:
    """Visits of the person as a child, and as pregnant."""
    if chart.age_years(chart.now) < 20:
        for days, topic, names in _PROGRAMME:
            on = chart.person.birth_on + timedelta(days=days + int(chart.rng.random() * 9))
            if chart.start_on <= on < chart.end.date():
                _programme_visit(chart, on, topic, names)
        if chart.person.has("P74") or chart.rng.random() < 0.12:
            _talks(chart)
    for birth_on in (*chart.person.births_on, chart.person.due_on):
        if birth_on:
            _pregnancy(chart, birth_on)


def _programme_visit(chart: Chart, on: date, topic: str, names: tuple[Name, ...]) -> None:
    at = chart.workday(on)
    doctor = topic == "w6" or (topic == "m" and chart.rng.random() < 0.2)
    visit = _visit(chart, at, "helsestasjonslege" if doctor else "helsesykepleier", ("A98",))
    visit.type = "school-health" if topic.startswith("school") else "programme-visit"
    if topic == "home7":
        visit.act = "HH"
    encounter = open_encounter(chart, visit)
    found = known.of(chart, "A98", at) | {"age": known.age_in_words(chart.person.birth_on, at.date())}
    found["kontakt"] = chart.rng.choice(
        ("god kontakt.", "blid og nysgjerrig.", "litt sjenert, varmer opp.", "god blikkontakt.")
    )
    found |= _milestones((at.date() - chart.person.birth_on).days / 30.44)
    texts = Vitals(chart).measure(names, at=at, unit=visit.unit, author=visit.author.key, encounter=encounter)
    found |= {**texts, "v": phrase(texts, chart.rng, irregular=False)}
    sign(
        chart,
        visit,
        encounter,
        write_note(chart.rng, visit.author, Brief("child", topic, found)),
        title="Helsestasjon",
    )


def _milestones(months: float) -> Facts:
    """What an infant of this age eats, can do, and is given."""
    row = next((row for row in _MILESTONES if months <= row[0]), _MILESTONES[-1])
    vaccinated = any(abs(months - due) < 0.8 for due in (1.5, 3, 5, 12, 15))
    given = "vaksine gitt etter program, tålte godt" if vaccinated else "ingen vaksine i dag"
    return {"motorikk": row[1], "kost": row[2], "vaks": given}


def _talks(chart: Chart) -> None:
    """A teenager's talks with the public health nurse."""
    first = chart.person.birth_on + timedelta(days=int(12.2 * 365))
    on = max(first, chart.end.date() - timedelta(days=400))
    for _ in range(1 + int(chart.rng.random() * 4)):
        on += timedelta(days=10 + int(chart.rng.random() * 60))
        if chart.start_on <= on < chart.end.date():
            at = chart.workday(on)
            visit = _visit(chart, at, "helsesykepleier", ("P01",))
            visit.type = "school-health"
            text = write_note(chart.rng, visit.author, Brief("child", "teen", known.of(chart, "P01", at)))
            sign(chart, visit, open_encounter(chart, visit), text, title="Samtale skolehelsetjenesten")


def _pregnancy(chart: Chart, birth_on: date) -> None:
    for week in _WEEKS:
        on = birth_on - timedelta(days=(40 - week) * 7 - int(chart.rng.random() * 4))
        if chart.start_on <= on < min(chart.end.date(), birth_on):
            _pregnancy_visit(chart, chart.workday(on), week, birth_on)
    after = birth_on + timedelta(days=42 + int(chart.rng.random() * 12))
    if chart.start_on <= after < chart.end.date():
        _after_birth(chart, chart.workday(after))


def _pregnancy_visit(chart: Chart, at: datetime, week: int, birth_on: date) -> None:
    days = 280 - (birth_on - at.date()).days
    visit = _visit(chart, at, "jordmor", ("W78",))
    visit.type = "maternity-visit"
    encounter = open_encounter(chart, visit)
    names: tuple[Name, ...] = ("bp", "weight", "sf", "fhr") if week > 20 else ("bp", "weight")
    texts = Vitals(chart).measure(names, at=at, unit=visit.unit, author=visit.author.key, encounter=encounter)
    shown = {name: text for name, text in texts.items() if name in ("bp", "weight")}
    found = known.of(chart, "W78", at) | texts | {"week": f"{days // 7}+{days % 7}"}
    found["neste"] = "4 uker" if week < 30 else "2 uker" if week < 38 else "1 uke"
    found["v"] = phrase(shown, chart.rng, irregular=False)
    topic = "pregnancy" if week > 20 else "pregnancy_early"
    sign(
        chart,
        visit,
        encounter,
        write_note(chart.rng, visit.author, Brief("child", topic, found)),
        title="Svangerskapskontroll",
    )


def _after_birth(chart: Chart, at: datetime) -> None:
    visit = Visit(at, 20, chart.home_unit, chart.gp, "AMB", "consultation", "KA01", ("W90",))
    encounter = open_encounter(chart, visit)
    texts = Vitals(chart).measure(("bp",), at=at, unit=visit.unit, author=visit.author.key, encounter=encounter)
    found = known.of(chart, "W90", at) | {"v": phrase(texts, chart.rng, irregular=False)}
    sign(
        chart,
        visit,
        encounter,
        write_note(chart.rng, visit.author, Brief("child", "after_birth", found)),
        title="Etterkontroll",
    )


def _visit(chart: Chart, at: datetime, role: str, codes: tuple[str, ...]) -> Visit:
    unit = f"u-ch-{chart.person.address.municipality}"
    return Visit(at, 30, unit, chart.staff(unit, role), "AMB", "programme-visit", "KF01", codes)
