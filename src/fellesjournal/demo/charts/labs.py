"""Laboratory answers: which panel an illness asks for, values that follow the course of it, reports and signing.

Codes are NPU codes of Norsk laboratoriekodeverk where they are sure; the rest have a local code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from fellesjournal.demo.charts.chart import Chart
from fellesjournal.demo.charts.directory import LAB, LAB_NAME
from fellesjournal.demo.charts.parts import HL7, LOCAL, VOLVEN, Json, comma, concept, instant, period, ref


@dataclass(frozen=True, slots=True)
class Analyte:
    """What is measured, with the reference range for women and men."""

    code: str
    name: str
    short: str
    unit: str
    ucum: str
    women: tuple[float | None, float | None]
    men: tuple[float | None, float | None]
    digits: int


def _both(*row: str, low: float | None, high: float | None, digits: int) -> Analyte:
    code, name, short, unit, ucum = row
    return Analyte(code, name, short, unit, ucum, (low, high), (low, high), digits)


ANALYTES: dict[str, Analyte] = {
    "hb": Analyte("NPU28309", "B-Hemoglobin", "Hb", "g/dL", "g/dL", (11.7, 15.3), (13.4, 17.0), 1),
    "crp": _both("NPU19748", "P-CRP", "CRP", "mg/L", "mg/L", low=None, high=5, digits=0),
    "hba1c": _both("NPU27300", "Hb(B)-HbA1c", "HbA1c", "mmol/mol", "mmol/mol", low=20, high=42, digits=0),
    "krea": Analyte("NPU04998", "P-Kreatinin", "krea", "µmol/L", "umol/L", (45, 90), (60, 105), 0),
    "egfr": _both(
        "egfr", "Pt-eGFR (CKD-EPI)", "eGFR", "mL/min/1,73 m²", "mL/min/{1.73_m2}", low=60, high=None, digits=0
    ),
    "k": _both("NPU03230", "P-Kalium", "K", "mmol/L", "mmol/L", low=3.5, high=5.0, digits=1),
    "na": _both("NPU03429", "P-Natrium", "Na", "mmol/L", "mmol/L", low=137, high=145, digits=0),
    "kol": _both("NPU01566", "P-Kolesterol", "kol.", "mmol/L", "mmol/L", low=3.3, high=6.9, digits=1),
    "ldl": _both("NPU01568", "P-LDL-kolesterol", "LDL", "mmol/L", "mmol/L", low=1.4, high=4.7, digits=1),
    "tsh": _both("NPU03577", "P-TSH", "TSH", "mIE/L", "m[IU]/L", low=0.5, high=3.6, digits=1),
    "ft4": _both("ft4", "P-T4, fritt", "FT4", "pmol/L", "pmol/L", low=8, high=21, digits=0),
    "ferritin": Analyte("NPU19763", "P-Ferritin", "ferritin", "µg/L", "ug/L", (15, 160), (30, 400), 0),
    "urat": Analyte("urat", "P-Urat", "urat", "µmol/L", "umol/L", (155, 350), (230, 480), 0),
    "leu": _both("NPU02593", "B-Leukocytter", "leuk.", "10⁹/L", "10*9/L", low=3.5, high=11.0, digits=1),
    "alat": Analyte("alat", "P-ALAT", "ALAT", "U/L", "U/L", (10, 45), (10, 70), 0),
    "bnp": _both("ntprobnp", "P-NT-proBNP", "NT-proBNP", "ng/L", "ng/L", low=None, high=300, digits=0),
    "b12": _both("b12", "P-Vitamin B12", "B12", "pmol/L", "pmol/L", low=150, high=650, digits=0),
    "psa": _both("psa", "P-PSA", "PSA", "µg/L", "ug/L", low=None, high=4.0, digits=1),
}
PANELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "T90": ("Diabeteskontroll", ("hba1c", "krea", "egfr", "ldl")),
    "T89": ("Diabeteskontroll", ("hba1c", "krea", "ldl", "tsh")),
    "K86": ("Blodtrykkskontroll", ("krea", "egfr", "k", "na")),
    "K87": ("Blodtrykkskontroll", ("krea", "egfr", "k", "na")),
    "K76": ("Lipider", ("kol", "ldl", "hba1c")),
    "T93": ("Lipider", ("kol", "ldl", "alat")),
    "K78": ("Antikoagulasjonskontroll", ("hb", "krea", "egfr")),
    "K77": ("Hjertesviktkontroll", ("krea", "egfr", "k", "na", "bnp")),
    "K90": ("Lipider", ("kol", "ldl")),
    "T86": ("Stoffskifte", ("tsh", "ft4")),
    "T85": ("Stoffskifte", ("tsh", "ft4")),
    "T92": ("Urat", ("urat", "krea")),
    "B80": ("Jernstatus", ("hb", "ferritin")),
    "U99": ("Nyrefunksjon", ("krea", "egfr", "k", "hb")),
    "L88": ("Metotreksatkontroll", ("hb", "leu", "alat", "krea", "crp")),
    "Y77": ("PSA", ("psa",)),
    "X76": ("Blodprøver", ("hb", "alat")),
    "R84": ("Blodprøver", ("hb", "leu", "crp", "krea")),
    "P15": ("Leverprøver", ("alat", "hb")),
    "P76": ("Slapphetsprøver", ("hb", "tsh", "b12")),
    "A04": ("Slapphetsprøver", ("hb", "ferritin", "tsh", "b12", "hba1c", "crp")),
    "P70": ("Blodprøver", ("hb", "tsh", "b12", "krea")),
}


def order(chart: Chart, panel: str, *, drawn: datetime, signed: datetime) -> str:
    """A whole panel with its report and the GP's task to sign it, done; returns the values as a note writes them."""
    name, analytes = PANELS[panel]
    issued = min(drawn + timedelta(hours=20 + int(chart.rng.random() * 9)), chart.end)
    texts = _report_on(chart, name, analytes, drawn=drawn, issued=issued, signed=signed)
    return _line(chart.rng, texts)


def order_new(chart: Chart, panels: list[str], *, drawn: datetime) -> None:
    """Panels of one sample that nobody has signed, answered within the last hours; nothing is answered twice."""
    answered: set[str] = set()
    for panel in panels:
        name, analytes = PANELS[panel]
        issued = max(drawn + timedelta(hours=10), chart.now - timedelta(minutes=20 + int(chart.rng.random() * 900)))
        wanted = [one for one in analytes if one not in answered]
        answered |= {*wanted}
        if wanted:
            _report_on(chart, name, wanted, drawn=drawn, issued=min(issued, chart.now), signed=None)


def _report_on(
    chart: Chart, name: str, analytes: Iterable[str], *, drawn: datetime, issued: datetime, signed: datetime | None
) -> list[str]:
    """The answers, their report and its task; each answer as a note writes it."""
    unit = chart.home_unit
    keys, texts = [], []
    for analyte in analytes:
        value = _value(chart, analyte, drawn)
        keys.append(_answer(chart, analyte, value, drawn, unit))
        texts.append(f"{ANALYTES[analyte].short} {comma(value)}")
    fields = _report(chart, name, keys, drawn, issued)
    report = chart.add("DiagnosticReport", fields, unit=unit, author=None, at=issued)
    _sign(chart, report, name, issued, signed)
    return texts


def bedside(chart: Chart, analyte: str, value: Decimal, *, at: datetime, unit: str, author: str, encounter: str) -> str:
    """A test done at the desk, within the contact."""
    fields = _observation(chart, analyte, value, at)
    fields |= {"encounter": ref("Encounter", encounter), "performer": [ref("Practitioner", author)]}
    chart.add("Observation", fields, unit=unit, author=author, at=at)
    return f"{ANALYTES[analyte].short} {comma(value)}."


def _answer(chart: Chart, analyte: str, value: Decimal, drawn: datetime, unit: str) -> str:
    fields = {**_observation(chart, analyte, value, drawn), "performer": [_laboratory()]}
    return chart.add("Observation", fields, unit=unit, author=None, at=drawn)


def _observation(chart: Chart, analyte: str, value: Decimal, at: datetime) -> Json:
    found = ANALYTES[analyte]
    low, high = found.women if chart.person.sex == "female" else found.men
    system = f"{VOLVEN}7280" if found.code.startswith("NPU") else f"{LOCAL}lab"
    mark = (
        "L"
        if low is not None and value < Decimal(str(low))
        else "H"
        if high is not None and value > Decimal(str(high))
        else "N"
    )
    bounds = {
        name: _quantity(found, Decimal(str(edge))) for name, edge in (("low", low), ("high", high)) if edge is not None
    }
    return {
        "status": "final",
        "category": [concept(f"{HL7}observation-category", "laboratory")],
        "code": concept(system, found.code, found.name),
        "subject": chart.patient(),
        "effectiveDateTime": instant(at),
        "valueQuantity": _quantity(found, value),
        "interpretation": [concept(f"{HL7}v3-ObservationInterpretation", mark)],
        "referenceRange": [bounds],
    }


def _quantity(found: Analyte, value: Decimal) -> Json:
    return {"value": value, "unit": found.unit, "system": "http://unitsofmeasure.org", "code": found.ucum}


def _report(chart: Chart, name: str, keys: list[str], drawn: datetime, issued: datetime) -> Json:
    return {
        "status": "final",
        "category": [concept(f"{HL7}v2-0074", "LAB", "Laboratory")],
        "code": {"text": name},
        "subject": chart.patient(),
        "effectiveDateTime": instant(drawn),
        "issued": instant(issued),
        "performer": [_laboratory()],
        "result": [ref("Observation", key) for key in keys],
    }


def _sign(chart: Chart, report: str, name: str, issued: datetime, signed: datetime | None) -> None:
    fields: Json = {
        "status": "completed" if signed else "requested",
        "intent": "order",
        "priority": "routine",
        "code": concept(f"{LOCAL}task", "sign-result", "Signere prøvesvar"),
        "description": f"Prøvesvar: {name}",
        "focus": ref("DiagnosticReport", report),
        "for": chart.patient(),
        "authoredOn": instant(issued),
        "lastModified": instant(signed or issued),
        "requester": _laboratory(),
        "owner": ref("Organization", chart.home_unit),
        "restriction": {"period": period(issued, issued + timedelta(days=3))},
    }
    if signed:
        fields["executionPeriod"] = period(issued, signed)
        fields["performerType"] = [{"text": "fastlege"}]
    chart.add("Task", fields, unit=chart.home_unit, author=chart.gp.key if signed else None, at=signed or issued)


def _line(rng: Random, texts: list[str]) -> str:
    head = rng.choice(("Bl.pr.: ", "Prøver: ", "Lab: ", "Blodprøver: "))
    return f"{head}{', '.join(texts)}."


def _value(chart: Chart, analyte: str, at: datetime) -> Decimal:
    found = ANALYTES[analyte]
    raw = _course(chart, analyte, at) if analyte not in ("egfr",) else _filtration(chart, at)
    return Decimal(f"{max(raw, 0.1 if found.digits else 1):.{found.digits}f}")


def _course(chart: Chart, analyte: str, at: datetime) -> float:
    """The value at this time: the person's own level, what illness adds, and what treatment has taken away."""
    own = Random(f"{chart.seed}:{chart.person.key}:{analyte}")
    low, high = ANALYTES[analyte].women if chart.person.sex == "female" else ANALYTES[analyte].men
    floor = low if low is not None else 0.0
    ceiling = high if high is not None else floor * 1.5
    base = floor + (ceiling - floor) * min(0.92, max(0.12, own.gauss(0.5, 0.17)))
    value = base + _illness(chart, analyte, at, base)
    return value * chart.rng.gauss(1, 0.012 if analyte in ("na", "hb", "k") else 0.045)


def _illness(chart: Chart, analyte: str, at: datetime, base: float) -> float:
    severity = {one.code: one.severity for one in chart.person.illnesses if one.onset_on <= at.date()}
    treated = {one.code: _fade(at, one.onset_on) for one in chart.person.illnesses}
    if analyte == "hba1c":
        code = next((code for code in ("T89", "T90") if code in severity), None)
        return (44 + 16 * severity[code] + 24 * treated[code] - base) if code else 0.0
    if analyte in ("ldl", "kol") and severity.keys() & {"T93", "K76", "T90", "K90"}:
        left = min(treated[code] for code in severity.keys() & {"T93", "K76", "T90", "K90"})
        return (2.1 if analyte == "ldl" else 4.0) + 2.3 * left - base
    if analyte == "tsh" and "T86" in severity:
        return 1.6 + 2.4 * severity["T86"] * 0.6 + 9 * treated["T86"] - base
    if analyte == "ferritin" and "B80" in severity:
        return 34 - 28 * treated["B80"] - base
    if analyte == "hb" and severity.keys() & {"B80", "R84", "U99"}:
        return -1.6 * max((treated[code] for code in ("B80",) if code in severity), default=0.8)
    if analyte == "urat" and "T92" in severity:
        return 340 + 190 * treated["T92"] - base
    if analyte == "bnp":
        return 120 + 1900 * severity["K77"] if "K77" in severity else 60.0
    return _other(analyte, severity, base)


def _other(analyte: str, severity: dict[str, float], base: float) -> float:
    if analyte == "krea" and "U99" in severity:
        return 45 + 50 * severity["U99"]
    if analyte == "alat" and "P15" in severity:
        return base * 1.1
    if analyte == "psa":
        return 5.0 * severity["Y77"] if "Y77" in severity else -base * 0.4
    return -base * 0.5 if analyte == "crp" else 0.0


def _fade(at: datetime, onset_on: date) -> float:
    """What is left of the untreated value so long after treatment began; half in five months."""
    days = (at.date() - onset_on).days
    return float(0.5 ** max(0.0, days / 150))


def _filtration(chart: Chart, at: datetime) -> float:
    """CKD-EPI 2009 on the creatinine that was answered in the same report, else on the expected one."""
    for item in reversed(chart.items[-6:]):
        codings = (
            item.resource.get("code", {}).get("coding", ()) if item.resource["resourceType"] == "Observation" else ()
        )
        if any(one["code"] == "NPU04998" for one in codings):
            return _ckd_epi(float(item.resource["valueQuantity"]["value"]), chart.age_years(at), chart.person.sex)
    return _ckd_epi(_course(chart, "krea", at), chart.age_years(at), chart.person.sex)


def _ckd_epi(creatinine: float, age: float, sex: str) -> float:
    female = sex == "female"
    limit, power = (0.7, -0.329) if female else (0.9, -0.411)
    ratio = creatinine / 88.4 / limit
    curve = float(min(ratio, 1.0) ** power) * float(max(ratio, 1.0) ** -1.209)
    return 141 * curve * float(0.993**age) * (1.018 if female else 1.0)


def _laboratory() -> Json:
    return {**ref("Organization", LAB), "display": LAB_NAME}
