"""Passing complaints: who gets them, how often they go to the legevakt, what is measured and given."""

from __future__ import annotations

from dataclasses import dataclass

from fellesjournal.demo.charts.medicines import Drug
from fellesjournal.demo.charts.vitals import Name


@dataclass(frozen=True, slots=True)
class Ailment:
    """Weights for the ages 0–5, 6–17, 18–66 and 67+; `crp` and `ill` are what is typical at the first contact."""

    code: str
    weights: tuple[float, float, float, float]
    legevakt: float
    vitals: tuple[Name, ...]
    ill: float = 0.0
    crp: tuple[int, int] | None = None
    drug: Drug | None = None
    drug_share: float = 0.0
    days: int = 7
    again: float = 0.0
    sex: str | None = None
    injury: bool = False


_PCV = Drug(
    "J01CE02",
    "fenoksymetylpenicillin",
    "Fenoksymetylpenicillin tabletter 650 mg",
    "2 tabletter 3 ganger daglig",
)
_PCV_CHILD = Drug(
    "J01CE02",
    "fenoksymetylpenicillin",
    "Fenoksymetylpenicillin mikstur 50 mg/ml",
    "etter vekt, 3 ganger daglig",
)
_PIVM = Drug("J01CA08", "pivmecillinam", "Pivmecillinam tabletter 200 mg", "1 tablett 3 ganger daglig")
_DIKLO = Drug("J01CF01", "dikloksacillin", "Dikloksacillin kapsler 500 mg", "1 kapsel 4 ganger daglig")
_DOXY = Drug("J01AA02", "doksysyklin", "Doksysyklin tabletter 100 mg", "1 tablett 2 ganger daglig")
_PANTO = Drug("A02BC02", "pantoprazol", "Pantoprazol tabletter 20 mg", "1 tablett daglig i 4 uker")
_PILL = Drug("G03AC09", "desogestrel", "Desogestrel tabletter 75 µg", "1 tablett daglig")

AILMENTS = (
    Ailment("R74", (30, 14, 13, 6), 0.14, ("temp",), 0.3, (5, 28), again=0.05),
    Ailment("R05", (5, 4, 7, 8), 0.05, ("sat",), 0.05, again=0.1),
    Ailment("R76", (5, 9, 4, 0.5), 0.22, ("temp",), 0.6, (35, 120), _PCV, 1.0, 7, 0.08),
    Ailment("R81", (3, 2, 3, 8), 0.3, ("temp", "pulse", "resp", "sat", "bp"), 0.65, (70, 210), _PCV, 1.0, 7, 0.7),
    Ailment("R78", (9, 2, 4, 7), 0.2, ("temp", "sat", "resp"), 0.3, (8, 45), again=0.2),
    Ailment("R75", (0, 2, 6, 3), 0.06, ("temp",), 0.2, (8, 50), _PCV, 0.4, 7, 0.05),
    Ailment("R80", (3, 4, 4, 3), 0.2, ("temp", "pulse"), 0.7, (10, 60), again=0.04),
    Ailment("R77", (7, 2, 0.5, 0), 0.5, ("temp", "resp", "sat"), 0.25),
    Ailment("H71", (16, 5, 1.2, 0.3), 0.28, ("temp",), 0.35, None, _PCV_CHILD, 0.45, 5, 0.15),
    Ailment("H81", (1, 2, 4, 10), 0.01, ()),
    Ailment("H70", (1, 3, 2, 2), 0.1, ()),
    Ailment("U71", (0, 1.5, 7, 10), 0.2, ("temp",), 0.05, None, _PIVM, 0.95, 5, 0.1, "female"),
    Ailment(
        "U70",
        (0, 0.3, 1, 1.5),
        0.6,
        ("temp", "pulse", "bp", "resp", "sat"),
        0.75,
        (80, 240),
        _PIVM,
        1.0,
        10,
        0.8,
        "female",
    ),
    Ailment("D73", (10, 5, 5, 3), 0.3, ("temp", "pulse"), 0.25, again=0.05),
    Ailment("D01", (3, 6, 6, 5), 0.25, ("temp",), 0.1, (1, 18), again=0.2),
    Ailment("D12", (4, 2, 1.5, 4), 0.02, (), again=0.15),
    Ailment("L84", (0, 1.5, 12, 7), 0.06, (), again=0.25),
    Ailment("L86", (0, 0, 3.5, 2.5), 0.08, (), again=0.45),
    Ailment("L08", (0, 1, 7, 5), 0.02, (), again=0.25),
    Ailment("L15", (0, 5, 5, 5), 0.04, (), again=0.2),
    Ailment("L77", (0.5, 8, 3, 1), 0.45, (), injury=True),
    Ailment("L72", (1, 4, 1, 3), 0.8, ("pulse",), again=0.3, injury=True),
    Ailment("S18", (4, 5, 4, 3), 0.6, (), again=0.1, injury=True),
    Ailment("N79", (3, 5, 1.5, 2), 0.7, ("pulse", "bp", "resp", "sat", "acvpu"), 0.0, injury=True),
    Ailment("S87", (6, 3, 2, 1), 0.02, ()),
    Ailment("S76", (1, 1.5, 2.5, 4), 0.25, ("temp", "pulse"), 0.35, (20, 110), _DIKLO, 0.95, 10, 0.4),
    Ailment("S84", (5, 2, 0.4, 0), 0.1, ()),
    Ailment("S12", (2, 3, 3, 2), 0.3, ("temp",), 0.0, None, _DOXY, 0.4, 10),
    Ailment("A04", (0, 3, 8, 7), 0.01, ("bp", "pulse"), again=0.4),
    Ailment("P02", (0, 4, 9, 4), 0.03, (), again=0.5),
    Ailment("N01", (0, 4, 5, 2), 0.1, ("bp",), again=0.15),
    Ailment("K04", (0, 0.5, 3, 4), 0.15, ("bp", "pulse"), again=0.2),
    Ailment("A11", (0, 0.5, 3, 4), 0.55, ("bp", "pulse", "resp", "sat", "temp"), 0.05, (1, 6), again=0.2),
    Ailment("D02", (0, 1, 4, 4), 0.08, (), drug=_PANTO, drug_share=0.6, days=28, again=0.2),
    Ailment("F70", (6, 2, 1.5, 2), 0.2, ()),
    Ailment("S03", (0.5, 5, 1.5, 0.3), 0.0, (), again=0.2),
    Ailment("S82", (0, 1, 4, 4), 0.0, ()),
    Ailment("X72", (0, 0.5, 2.5, 0.5), 0.02, (), sex="female"),
    Ailment("W11", (0, 3, 5, 0), 0.01, ("bp",), drug=_PILL, drug_share=0.5, days=360, sex="female"),
    Ailment("A97", (0, 2, 4, 5), 0.0, ("bp",)),
    Ailment("A77", (14, 3, 1, 0.5), 0.35, ("temp",), 0.6, (3, 30), again=0.05),
)
BY_CODE = {ailment.code: ailment for ailment in AILMENTS}
AGE_LIMITS = (6, 18, 67)
LAY = {
    "R74": "forkjølelse", "R05": "langvarig hoste", "R76": "sår hals og feber", "R81": "hoste og feber",
    "R78": "hoste og tett bryst", "R75": "bihuleplager", "R80": "influensasymptomer",
    "R77": "hes, gjøende hoste",
    "H71": "ørevondt", "H81": "tett øre", "H70": "kløe i øret", "U71": "svie ved vannlating",
    "U70": "feber og flankesmerter",
    "D73": "oppkast og diaré", "D01": "magesmerter", "D12": "treg mage", "L84": "ryggsmerter",
    "L86": "isjiassmerter",
    "L08": "skuldersmerter", "L15": "knesmerter", "L77": "overtråkk", "L72": "fall og vondt håndledd",
    "S18": "kutt",
    "N79": "slag mot hodet", "S87": "eksem", "S76": "rødt og hovent ben", "S84": "sår rundt munnen",
    "S12": "flåttbitt",
    "A04": "slapphet", "P02": "belastning og søvnvansker", "N01": "hodepine", "K04": "hjertebank",
    "A11": "brystsmerter",
    "D02": "sure oppstøt", "F70": "rødt øye", "S03": "vorter", "S82": "føflekk", "X72": "underlivskløe",
    "W11": "prevensjon", "A97": "attest", "A77": "feber", "K86": "blodtrykket", "K87": "blodtrykket",
    "T90": "blodsukkeret", "T86": "stoffskiftet", "P76": "nedstemthet", "P74": "uro og angst",
    "R96": "astmaen",
    "R95": "pusten", "K77": "tung pust og vekt", "K78": "ujevn puls", "N89": "migrene", "T93": "kolesterolet",
}  # fmt: skip


def drug_for(ailment: Ailment, age: float) -> Drug | None:
    """What is given; small children get a mixture by weight."""
    if ailment.drug and ailment.drug.atc == "J01CE02":
        return _PCV_CHILD if age < 10 else _PCV
    if ailment.drug and age < 10 and ailment.drug.atc in ("J01AA02", "J01CF01"):
        return _PCV_CHILD
    return ailment.drug
