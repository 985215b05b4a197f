"""Medicines in use: what each illness is treated with, at which dose, from when, and what was changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fellesjournal.demo.charts.chart import OSLO, Chart
from fellesjournal.demo.charts.parts import ATC, Json, concept, diagnosis, instant, period, ref
from fellesjournal.demo.model import Illness


@dataclass(frozen=True, slots=True)
class Drug:
    """A substance (ATC), how it is printed and how it is taken."""

    atc: str
    substance: str
    product: str
    dose: str


@dataclass(frozen=True, slots=True)
class Use:
    """A medicine taken from a day to a day, for an illness."""

    drug: Drug
    code: str
    start_on: date
    end_on: date | None


_D = Drug
# For each illness: lines of treatment, each with the least severity that asks for it and its alternatives in
# turn.
# Two drugs joined in a tuple are a dose and the one that followed it.
_LINES: dict[str, tuple[tuple[float, tuple[tuple[Drug, ...], ...]], ...]] = {
    "K86": (
        (0.05, (
            (_D("C09CA06", "kandesartan", "Kandesartan tabletter 8 mg", "1 tablett om morgenen"),
             _D("C09CA06", "kandesartan", "Kandesartan tabletter 16 mg", "1 tablett om morgenen")),
            (_D("C08CA01", "amlodipin", "Amlodipin tabletter 5 mg", "1 tablett daglig"),),
            (_D("C09CA01", "losartan", "Losartan tabletter 50 mg", "1 tablett om morgenen"),
             _D("C09CA01", "losartan", "Losartan tabletter 100 mg", "1 tablett om morgenen")),
            (_D("C09AA02", "enalapril", "Enalapril tabletter 10 mg", "1 tablett daglig"),),
        )),
        (0.55, ((_D("C08CA01", "amlodipin", "Amlodipin tabletter 5 mg", "1 tablett om kvelden"),),)),
    ),
    "T90": (
        (0.1, ((_D("A10BA02", "metformin", "Metformin tabletter 500 mg", "1 tablett morgen og kveld"),
                _D("A10BA02", "metformin", "Metformin tabletter 1000 mg", "1 tablett morgen og kveld")),)),
        (0.45, ((_D("A10BK03", "empagliflozin", "Empagliflozin tabletter 10 mg", "1 tablett om morgenen"),),
                (_D("A10BK01", "dapagliflozin", "Dapagliflozin tabletter 10 mg", "1 tablett daglig"),))),
        (0.68, ((_D("A10BJ06", "semaglutid", "Semaglutid injeksjon 0,5 mg", "1 injeksjon hver uke"),
                 _D("A10BJ06", "semaglutid", "Semaglutid injeksjon 1 mg", "1 injeksjon hver uke")),)),
        (0.9, ((_D("A10AE04", "insulin glargin", "Insulin glargin penn 100 E/ml", "18 E om kvelden"),),)),
    ),
    "T89": (
        (0.0, ((_D("A10AB05", "insulin aspart", "Insulin aspart penn 100 E/ml",
        "til måltider etter karbohydrater"),),)),
        (0.0, ((_D("A10AE04", "insulin glargin", "Insulin glargin penn 100 E/ml", "22 E om kvelden"),),)),
    ),
    "T93": ((0.15, ((_D("C10AA05", "atorvastatin", "Atorvastatin tabletter 20 mg", "1 tablett om kvelden"),
                     _D("C10AA05", "atorvastatin", "Atorvastatin tabletter 40 mg",
                     "1 tablett om kvelden")),)),),
    "K76": (
        (0.0, ((_D("B01AC06", "acetylsalisylsyre", "Acetylsalisylsyre tabletter 75 mg",
        "1 tablett daglig"),),)),
        (0.1, ((_D("C10AA05", "atorvastatin", "Atorvastatin tabletter 80 mg", "1 tablett om kvelden"),),)),
        (0.3, ((_D("C07AB02", "metoprolol", "Metoprolol depottabletter 50 mg", "1 tablett om morgenen"),),)),
        (0.4, ((_D("C01DA02", "glyseryltrinitrat", "Glyseryltrinitrat resoriblett 0,5 mg",
        "1 under tungen ved brystsmerter"),),)),
    ),
    "K78": (
        (0.0, ((_D("B01AF02", "apiksaban", "Apiksaban tabletter 5 mg", "1 tablett morgen og kveld"),),
               (_D("B01AF01", "rivaroksaban", "Rivaroksaban tabletter 20 mg", "1 tablett daglig til mat"),))),
        (0.2, ((_D("C07AB02", "metoprolol", "Metoprolol depottabletter 50 mg", "1 tablett om morgenen"),
                _D("C07AB02", "metoprolol", "Metoprolol depottabletter 100 mg", "1 tablett om morgenen")),)),
    ),
    "K77": (
        (0.0, ((_D("C03CA01", "furosemid", "Furosemid tabletter 40 mg", "1 tablett om morgenen"),
                _D("C03CA01", "furosemid", "Furosemid tabletter 40 mg", "1 tablett morgen og middag")),)),
        (0.4, ((_D("C03DA01", "spironolakton", "Spironolakton tabletter 25 mg", "1 tablett om morgenen"),),)),
        (0.3, ((_D("A10BK01", "dapagliflozin", "Dapagliflozin tabletter 10 mg", "1 tablett daglig"),),)),
    ),
    "K90": ((0.0, ((_D("B01AC06", "acetylsalisylsyre", "Acetylsalisylsyre tabletter 75 mg",
    "1 tablett daglig"),),)),
            (0.0, ((_D("C10AA05", "atorvastatin", "Atorvastatin tabletter 40 mg",
            "1 tablett om kvelden"),),))),
    "R96": (
        (0.0, ((_D("R03AC02", "salbutamol", "Salbutamol inhalasjon 0,1 mg/dose",
        "2 inhalasjoner ved behov"),),)),
        (0.35, ((_D("R03BA02", "budesonid", "Budesonid inhalasjonspulver 200 µg",
        "1 inhalasjon morgen og kveld"),),
                (_D("R03AK07", "formoterol og budesonid", "Budesonid/formoterol 160/4,5 µg",
                "1 inhalasjon morgen og kveld"),))),
    ),
    "R95": (
        (0.0, ((_D("R03BB04", "tiotropiumbromid", "Tiotropium inhalasjon 2,5 µg",
        "2 inhalasjoner om morgenen"),),
               (_D("R03AL03", "vilanterol og umeklidiniumbromid", "Umeklidinium/vilanterol 55/22 µg",
               "1 inhalasjon daglig"),))),
        (0.2, ((_D("R03AC02", "salbutamol", "Salbutamol inhalasjon 0,1 mg/dose",
        "2 inhalasjoner ved behov"),),)),
    ),
    "R97": ((0.2, ((_D("R06AE07", "cetirizin", "Cetirizin tabletter 10 mg", "1 tablett daglig ved behov"),),
                   (_D("R06AX13", "loratadin", "Loratadin tabletter 10 mg", "1 tablett daglig ved behov"),))),
            (0.5, ((_D("R01AD09", "mometason", "Mometason nesespray 50 µg",
            "2 doser i hvert nesebor daglig i sesongen"),),))),
    "P76": ((0.3, ((_D("N06AB10", "escitalopram", "Escitalopram tabletter 5 mg", "1 tablett daglig"),
                    _D("N06AB10", "escitalopram", "Escitalopram tabletter 10 mg", "1 tablett daglig")),
                   (_D("N06AX11", "mirtazapin", "Mirtazapin tabletter 15 mg", "1 tablett om kvelden"),))),),
    "P74": ((0.6, ((_D("N06AB10", "escitalopram", "Escitalopram tabletter 10 mg", "1 tablett daglig"),),)),),
    "P06": ((0.4, ((_D("N05CF01", "zopiklon", "Zopiklon tabletter 5 mg",
    "1 tablett ved behov, ikke fast"),),)),),
    "P81": ((0.3, ((_D("N06BA04", "metylfenidat", "Metylfenidat depot 36 mg", "1 tablett om morgenen"),),)),),
    "P70": ((0.3, ((_D("N06DA02", "donepezil", "Donepezil tabletter 10 mg", "1 tablett om kvelden"),),
                   (_D("N06DX01", "memantin", "Memantin tabletter 20 mg", "1 tablett daglig"),))),),
    "T86": ((0.0, ((_D("H03AA01", "levotyroksin", "Levotyroksin tabletter 50 µg",
    "1 tablett om morgenen, fastende"),
                    _D("H03AA01", "levotyroksin", "Levotyroksin tabletter 100 µg",
                    "1 tablett om morgenen, fastende")),)),),
    "T92": ((0.35, ((_D("M04AA01", "allopurinol", "Allopurinol tabletter 100 mg", "1 tablett daglig"),
                     _D("M04AA01", "allopurinol", "Allopurinol tabletter 300 mg", "1 tablett daglig")),)),),
    "L88": ((0.0, ((_D("L04AX03", "metotreksat", "Metotreksat tabletter 2,5 mg",
    "6 tabletter én dag i uken"),),)),),
    "L90": ((0.4, ((_D("N02BE01", "paracetamol", "Paracetamol tabletter 1 g",
    "1 tablett inntil 3 ganger daglig"),),)),),
    "L89": ((0.4, ((_D("N02BE01", "paracetamol", "Paracetamol tabletter 1 g",
    "1 tablett inntil 3 ganger daglig"),),)),),
    "L95": ((0.1, ((_D("M05BA04", "alendronsyre", "Alendronat tabletter 70 mg",
    "1 tablett én dag i uken"),),)),
            (0.0, ((_D("A11CC05", "kolekalsiferol", "Kolekalsiferol tabletter 20 µg",
            "1 tablett daglig"),),))),
    "N89": ((0.1, ((_D("N02CC01", "sumatriptan", "Sumatriptan tabletter 50 mg",
    "1 tablett ved anfall, kan gjentas"),),
                   (_D("N02CC03", "zolmitriptan", "Zolmitriptan smeltetablett 2,5 mg",
                   "1 tablett ved anfall"),))),),
    "N88": ((0.0, ((_D("N03AX09", "lamotrigin", "Lamotrigin tabletter 100 mg",
    "1 tablett morgen og kveld"),),)),),
    "S87": ((0.3, ((_D("D07AC13", "mometason", "Mometason krem 0,1 %",
    "tynt lag 1 gang daglig ved oppbluss"),),)),),
    "D84": ((0.2, ((_D("A02BC02", "pantoprazol", "Pantoprazol tabletter 20 mg", "1 tablett daglig"),),
                   (_D("A02BC05", "esomeprazol", "Esomeprazol tabletter 20 mg",
                   "1 tablett daglig ved behov"),))),),
    "Y85": ((0.2, ((_D("G04CA02", "tamsulosin", "Tamsulosin depotkapsler 0,4 mg", "1 kapsel daglig"),),)),),
    "X76": ((0.2, ((_D("L02BG03", "anastrozol", "Anastrozol tabletter 1 mg", "1 tablett daglig"),),)),),
    "B80": ((0.1, ((_D("B03AA07", "jern(II)sulfat", "Jernsulfat depottabletter 100 mg",
    "1 tablett annenhver dag"),),)),),
}  # fmt: skip
_ASPIRIN = "B01AC06"
_LINES["K87"] = _LINES["K86"]


def start(chart: Chart) -> None:
    """Decide what is taken from when, before any contact is written; a substance is never taken twice at once."""
    taken: set[str] = set()
    for illness in chart.person.illnesses:
        for number, (least, options) in enumerate(_LINES.get(illness.code, ())):
            if illness.severity < least:
                continue
            steps = options[int(chart.rng.random() * len(options))]
            if steps[0].atc not in taken and not (steps[0].atc == _ASPIRIN and _is_anticoagulated(chart)):
                taken.add(steps[0].atc)
                chart.medicines += _uses(chart, illness, number, steps)


def _is_anticoagulated(chart: Chart) -> bool:
    """Those with atrial fibrillation get an anticoagulant, which takes the place of aspirin."""
    return chart.person.has("K78")


def record(chart: Chart) -> None:
    """A MedicationStatement for each dose of each medicine."""
    for use in chart.medicines:
        _state(chart, use)


def course(chart: Chart, drug: Drug, code: str, *, at: datetime, days: int, unit: str, author: str) -> None:
    """A short course that ended by itself."""
    use = Use(drug, code, at.date(), at.date() + timedelta(days=days))
    _state(chart, use, unit=unit, author=author, at=at)


def in_use(chart: Chart, on: date) -> list[Use]:
    """What is taken at this day."""
    return [use for use in chart.medicines if use.start_on <= on and (use.end_on is None or use.end_on > on)]


def _uses(chart: Chart, illness: Illness, line: int, steps: tuple[Drug, ...]) -> list[Use]:
    end = chart.person.deceased_on
    started = illness.onset_on + timedelta(days=2 + line * 210 + int(chart.rng.random() * 60))
    last = end or chart.today
    if started >= last:
        return []
    changed = started + timedelta(days=45 + int(chart.rng.random() * 400))
    if len(steps) == 1 or changed >= last or illness.severity < 0.3:
        return [Use(steps[0], illness.code, started, end)]
    return [Use(steps[0], illness.code, started, changed), Use(steps[1], illness.code, changed, end)]


def _state(
    chart: Chart, use: Use, *, unit: str | None = None, author: str | None = None, at: datetime | None = None
) -> None:
    ended = use.end_on is not None and use.end_on <= chart.today
    lived = at or datetime.combine(max(use.start_on, chart.start_on), time(12, 30), OSLO)
    fields: Json = {
        "status": "completed" if ended else "active",
        "medicationCodeableConcept": concept(ATC, use.drug.atc, use.drug.substance, text=use.drug.product),
        "subject": chart.patient(),
        "effectivePeriod": period(use.start_on, use.end_on),
        "dateAsserted": instant(lived),
        "informationSource": ref("Practitioner", author or chart.gp.key),
        "reasonCode": [diagnosis(use.code)],
        "dosage": [{"text": use.drug.dose, "asNeededBoolean": "behov" in use.drug.dose or "anfall" in use.drug.dose}],
    }
    chart.add("MedicationStatement", fields, unit=unit or chart.home_unit, author=author or chart.gp.key, at=lived)
