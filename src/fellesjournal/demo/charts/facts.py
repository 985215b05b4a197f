"""What a note may say of this person and this day, as words."""

from __future__ import annotations

from datetime import date, datetime
from random import Random

from fellesjournal.demo.charts.ailments import LAY
from fellesjournal.demo.charts.chart import Chart
from fellesjournal.demo.charts.medicines import in_use
from fellesjournal.demo.prose.library import script
from fellesjournal.demo.prose.template import Facts
from fellesjournal.terminology import icpc2

# How long it has lasted, and the same after "siste".
_HOURS = (("to timer", "siste timer"), ("3 timer", "siste timer"), ("en time", "siste time"))
_SHORT = (
    ("to dager", "siste to dager"), ("tre dager", "siste dagene"), ("3 dager", "siste 3 dager"),
    ("4 dager", "siste 4 dager"), ("4–5 dager", "siste 4–5 dager"), ("en ukes tid", "siste uke"),
    ("snart en uke", "siste uke"), ("et par dager", "siste par dager"),
)  # fmt: skip
_MIDDLE = (
    ("en uke", "siste uke"), ("to uker", "siste to uker"), ("knappe to uker", "siste to uker"),
    ("10 dager", "siste 10 dager"), ("3 uker", "siste tre uker"), ("et par uker", "siste ukene"),
)  # fmt: skip
_LONG = (
    ("3 uker", "siste 3 uker"), ("en måneds tid", "siste måned"), ("to måneder", "siste to måneder"),
    ("2–3 måneder", "siste månedene"), ("et halvt år", "siste halvår"), ("flere uker", "siste ukene"),
)  # fmt: skip
_INJURIES = ("L77", "L72", "S18", "N79")
_WRITTEN = {
    "P02": "Belastningsreaksjon", "R74": "Øvre luftveisinfeksjon", "A04": "Slapphet", "D01": "Magesmerter",
    "L08": "Skulderplager", "L15": "Kneplager", "R78": "Akutt bronkitt", "U71": "Cystitt",
    "U70": "Pyelonefritt",
    "D73": "Gastroenteritt", "L84": "Lumbago", "L86": "Isjias", "A11": "Brystsmerter", "K04": "Palpitasjoner",
    "D02": "Dyspepsi", "S76": "Hudinfeksjon", "A77": "Virusinfeksjon", "S18": "Kuttskade",
    "L72": "Underarmsbrudd",
    "P01": "Engstelse", "W11": "Prevensjon", "A97": "Attest",
}  # fmt: skip
_NAMES = {
    "K86": "hypertensjon", "K87": "hypertensjon", "T90": "DM2", "T89": "DM1", "T93": "hyperkolesterolemi",
    "K76": "koronarsykdom",
    "K78": "atrieflimmer", "K77": "hjertesvikt", "K90": "gjennomgått hjerneslag", "R96": "astma",
    "R95": "KOLS",
    "P76": "depresjon", "P74": "angst", "P70": "demens", "T86": "hypotyreose", "T92": "urinsyregikt",
    "L88": "RA",
    "L89": "hofteartrose", "L90": "kneartrose", "L91": "artrose", "L95": "osteoporose",
    "L84": "kroniske ryggplager",
    "N89": "migrene", "N88": "epilepsi", "N87": "Parkinson", "D84": "refluks", "X76": "brystkreft",
    "Y77": "prostatakreft",
    "D75": "tykktarmskreft", "R84": "lungekreft", "U99": "nyresvikt", "B80": "jernmangel", "Y85": "BPH",
    "P81": "ADHD",
    "R97": "pollenallergi", "S87": "eksem", "D93": "IBS", "L18": "fibromyalgi", "T82": "fedme",
}  # fmt: skip
_JOINTS = {"L89": "hofte", "L90": "kne", "L91": "tommelrot"}
_MONTHS = (
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
)


def of(chart: Chart, code: str, at: datetime) -> Facts:
    """Everything that is known, by the names that the phrases use; what is unknown is absent."""
    rng, person = chart.rng, chart.person
    facts: Facts = {
        "han": "hun" if person.sex == "female" else "han",
        "pas": rng.choice(("pas.", "pasienten")),
        "side": rng.choice(("høyre", "venstre")),
        "t": f"{rng.choice((38, 38, 39, 39, 40))},{int(rng.random() * 9)}",
        "lay": lay(code),
        "diag": _display(code),
        "ledd": _JOINTS.get(code, "kne"),
        "bor": _home(chart),
        "centor": str(rng.choice((3, 4))),
    }
    facts["dur"], facts["siste"] = duration(rng, code)
    facts["voksen" if chart.age_years(at) >= 18 else "barn"] = ""
    facts["lay_cap"] = facts["lay"][:1].upper() + facts["lay"][1:]
    facts[_work(person.occupation)] = person.occupation.removeprefix("pensjonist, tidl. ")
    facts |= _history(chart, code, at)
    facts |= _close(chart, at) | _school(chart, at)
    return facts


def _work(occupation: str) -> str:
    """A job can be worked in; a student or somebody on benefit is something."""
    unpaid = ("student", "arbeidssøker", "uføretrygdet")
    at_school = occupation.startswith(("elev", "går i", "hjemme"))
    return "status" if occupation in unpaid else "skole" if at_school else "arb"


def extras(chart: Chart, at: datetime) -> tuple[str, ...]:
    """Which kinds of additions fit this person."""
    years = chart.age_years(at)
    age = "child" if years < 16 else "elderly" if years >= 67 else "working" if years >= 20 else "adult"
    found = [age]
    if any(one.onset_on < at.date() for one in chart.person.illnesses):
        found.append("comorbid")
    if chart.last_contact:
        found.append("again")
    if chart.person.smoker and years > 17:
        found.append("smoker")
    return tuple(found)


def lay(code: str) -> str:
    """What it is called in a sentence."""
    return LAY.get(code) or _NAMES.get(code) or _display(code).lower()


def duration(rng: Random, code: str) -> tuple[str, str]:
    """How long it has lasted, as long as such things do; alone, and as "the last …"."""
    if code in _INJURIES:
        return rng.choice(_HOURS)
    if code in ("L84", "R05", "L86", "D01", "N01", "K04", "D02", "R75", "S87"):
        return rng.choice(_MIDDLE)
    lasting = code in ("P02", "A04", "L08", "L15", "S03", "D12") or code[0] in "PT" or script("chronic", code)
    return rng.choice(_LONG if lasting else _SHORT)


def since(at: datetime, earlier: datetime) -> str:
    """How long ago something was, as one says it."""
    days = (at - earlier).days
    if days < 2:
        return "i går" if days else "tidligere i dag"
    if days < 12:
        return f"for {days} dager siden"
    return f"for {days // 7} uker siden" if days < 60 else f"i {_MONTHS[earlier.month - 1]} {earlier.year}"


def _history(chart: Chart, code: str, at: datetime) -> Facts:
    facts: Facts = {}
    known = [
        _NAMES[one.code]
        for one in chart.person.illnesses
        if one.onset_on < at.date() and one.code in _NAMES and one.code != code
    ]
    if known:
        facts["comorbid"] = _listed(chart.rng.sample(known, min(3, len(known))))
    uses = in_use(chart, at.date())
    if uses:
        facts["meds"] = _listed([use.drug.substance for use in uses][:4])
        own = [use.drug.substance for use in uses if use.code == code]
        if own:
            facts["drug"] = own[0]
    if chart.last_contact:
        facts["last"] = since(at, chart.last_contact[0])
        facts["lastreason"] = lay(chart.last_contact[1])
    return facts


def _close(chart: Chart, at: datetime) -> Facts:
    kin = {one.relation: chart.world.person(one.person_key) for one in chart.person.next_of_kin}
    facts: Facts = {}
    for relation, word in (("ektefelleEllerPartner", _spouse(chart)), ("barn", "")):
        if relation in kin:
            facts["kin"] = word or ("datter" if kin[relation].sex == "female" else "sønn")
            facts["ledsager"] = facts["kin"]
    parents = [word for word in ("mor", "far") if word in kin]
    if parents and chart.age_years(at) < 16:
        facts["forelder"] = facts["ledsager"] = chart.rng.choice(parents)
    return facts


def _school(chart: Chart, at: datetime) -> Facts:
    """Only for the last school year: nobody was in the eighth form five years ago."""
    work = chart.person.occupation
    recent = (chart.today - at.date()).days < 150
    if recent and work == "går i barnehage":
        return {"arb_sted": "i barnehage"}
    return {"arb_sted": work.removeprefix("elev ")} if recent and work.startswith("elev ") else {}


def _home(chart: Chart) -> str:
    """With whom the person lives."""
    age = chart.person.age_on(chart.today)
    children = sum(chart.world.person(key).household == chart.person.household for key in chart.person.children)
    if age < 18:
        return "sammen med foreldrene" if len(chart.person.parents) > 1 else "sammen med mor"
    if chart.person.partner:
        return f"sammen med {_spouse(chart)} og {children} barn" if children else f"sammen med {_spouse(chart)}"
    return f"med {children} barn, alene om omsorgen" if children else "alene"


def _spouse(chart: Chart) -> str:
    return "ektefelle" if chart.person.marital_status == "gift" else "samboer"


def _listed(words: list[str]) -> str:
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} og {unique[-1]}"


def _display(code: str) -> str:
    """The diagnosis as one writes it: without the table's reservations and second names."""
    if code in _WRITTEN:
        return _WRITTEN[code]
    found = icpc2.lookup(code)
    return found.display.removesuffix(" IKA").split("/")[0] if found else code


def age_in_words(born: date, on: date) -> str:
    """A small child's age: days, weeks, months, then years."""
    days = (on - born).days
    if days < 28:
        return f"{days} dager"
    if days < 84:
        return f"{days // 7} uker"
    return f"{int(days / 30.44)} mnd." if days < 730 else f"{days // 365} år"
