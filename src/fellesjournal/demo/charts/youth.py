"""A teenager's visit to the youth clinic, withheld from her parents with all that would tell of it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from fellesjournal.demo import story
from fellesjournal.demo.charts import medicines
from fellesjournal.demo.charts.chart import OSLO, Chart, Item, working_day
from fellesjournal.demo.charts.consultation import Visit, open_encounter, sign
from fellesjournal.demo.charts.medicines import Drug
from fellesjournal.demo.charts.parts import VOLVEN, Json, coding, concept, diagnosis, instant, ref
from fellesjournal.demo.charts.vitals import Vitals
from fellesjournal.demo.prose.nynorsk import to_nynorsk

_CODE: Final = "W11"
_DRUG: Final = Drug(
    "G03AC09", "desogestrel", "Desogestrel tabletter 75 mikrog", "1 tablett daglig, uten opphold"
)
_NOTE: Final = (
    "Kommer alene til ungdomshelsestasjonen og ønsker prevensjon. Har fast kjæreste på samme alder. Ingen "
    "migrene, ingen blodpropp i familien, røyker ikke. BT normalt. Informert om virkning, bivirkninger og "
    "bruk av kondom. Starter med desogestrel.\n"
    "Ønsker ikke at foreldrene får vite om kontakten. Vurdert som moden nok; grunnene bør respekteres "
    "(pasient- og brukerrettighetsloven § 3-4). Holdes tilbake for foreldrene. Ny time om tre måneder."
)


def record(chart: Chart) -> None:
    """The contact, its diagnosis, measurement, note and medicine, and the next appointment: all withheld."""
    if chart.person.key != story.CHILD:
        return
    before = len(chart.items)
    unit = f"u-ch-{chart.person.address.municipality}"
    on = working_day(chart.today - timedelta(days=24))
    at = datetime.combine(on, time(14, 30), OSLO)
    nurse = chart.staff(unit, "helsesykepleier")
    visit = Visit(at, 30, unit, nurse, "AMB", "school-health", "KF01", (_CODE,))
    encounter = open_encounter(chart, visit)
    Vitals(chart).measure(("bp",), at=at, unit=unit, author=nurse.key, encounter=encounter)
    sign(chart, visit, encounter, to_nynorsk(_NOTE) if nurse.nynorsk else _NOTE, title="Ungdomshelsestasjon")
    medicines.course(chart, _DRUG, _CODE, at=at, days=3 * 365, unit=unit, author=nurse.key)
    _next_time(chart, visit)
    chart.items[before:] = [_withheld(item) for item in chart.items[before:]]


def _next_time(chart: Chart, visit: Visit) -> None:
    at = datetime.combine(working_day(chart.today + timedelta(days=66)), time(14, 30), OSLO)
    fields: Json = {
        "status": "booked",
        "serviceType": [concept(f"{VOLVEN}8663", "KF01", "Helsestasjonstjeneste")],
        "reasonCode": [diagnosis(_CODE)],
        "start": instant(at),
        "end": instant(at + timedelta(minutes=20)),
        "created": instant(visit.at),
        "participant": [
            {"actor": chart.patient(), "status": "accepted"},
            {"actor": ref("Practitioner", visit.author.key), "status": "accepted"},
            {"actor": ref("Location", f"loc-{visit.unit}"), "status": "accepted"},
        ],
    }
    chart.add("Appointment", fields, unit=visit.unit, author=None, at=visit.at)


def _withheld(item: Item) -> Item:
    meta = item.resource.get("meta", {})
    label = coding(f"{VOLVEN}9603", "NORN_FORANS", "Nektet, foreldreansvarlig")
    resource = {**item.resource, "meta": {**meta, "security": [*meta.get("security", ()), label]}}
    return Item(resource, item.unit, item.author, item.at)
