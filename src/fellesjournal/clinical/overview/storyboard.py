"""The left column that stands by every page of a chart: who this is, what must be known, why it may be
seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import ceil

from fellesjournal.access.decide import Decision
from fellesjournal.access.representation import ChosenKin
from fellesjournal.clinical.directory import Directory, grouped, person_name, phone_in
from fellesjournal.clinical.pieces import Json, codes_in, day, has_category, words
from fellesjournal.clinical.protection import protection_of
from fellesjournal.web import AccessGround, Allergy, Exceptional, Kin, Service, Storyboard, _
from fellesjournal.web.formats import age, masked_id

Wish = tuple[str, str, list[tuple[str, str]]]


def wishes(patient: str) -> list[Wish]:
    """The searches that a storyboard needs."""
    active = ("_count", "50")
    return [
        ("patient", "Patient", [("_id", patient)]),
        ("kin", "RelatedPerson", [("patient", patient), active]),
        ("flags", "Flag", [("patient", patient), active]),
        ("allergies", "AllergyIntolerance", [("patient", patient), ("clinical-status", "active"), active]),
        ("episodes", "EpisodeOfCare", [("patient", patient), ("status", "active"), active]),
    ]


def storyboard(
    found: dict[str, list[Json]],
    *,
    decision: Decision,
    directory: Directory,
    on: date,
    language: str,
    chart_url: str,
    chosen: Sequence[ChosenKin] = (),
) -> Storyboard:
    """The storyboard of what `wishes` found, with the next of kin that the patient chose."""
    person = found["patient"][0]
    born = day(person.get("birthDate"))
    number = national_id_in(person)
    ground = decision.ground
    return Storyboard(
        name=person_name(person),
        age=age(born, on, language) if born else "",
        sex=person.get("gender", ""),
        born_on=born,
        masked_id=masked_id(number) if number else _("uten fødselsnummer"),
        reveal_url=f"{chart_url}/fodselsnummer" if number else None,
        ground=AccessGround(
            ground.name(language) if ground else "",
            f"{chart_url}/innsynslogg",
            ground.until_at if ground else None,
        ),
        chart_url=chart_url,
        critical=_critical(found["flags"], found["allergies"]),
        gp=_gp(person, directory),
        services=tuple(_service(one, directory) for one in found["episodes"]),
        kin=_all_kin(found["kin"], chosen, language),
        blocked=decision.blocked,
        deceased_on=day(person.get("deceasedDateTime")),
        protected=protection_of(person) is not None,
        why_url=f"{chart_url}/tilgang",
    )


def exceptions_of(decision: Decision, *, at: datetime, language: str, chart_url: str) -> tuple[Exceptional, ...]:
    """Emergency access, an override, a reason for family: what the chart is open by, with the minutes that are left."""
    found = []
    ground = decision.ground
    if ground and ground.kind == "emergency" and ground.until_at:
        found.append((ground.code, ground.name(language), ground.until_at, "blalys"))
    if decision.override_until:
        found.append(("OVERSTYR", _("Sperring overstyrt"), decision.override_until, "overstyr"))
    if decision.relative_until:
        found.append(("FAMILIE", _("Nær familie"), decision.relative_until, "familie"))
    url = f"{chart_url}/tilgang"
    return tuple(
        Exceptional(code, name, until, _minutes(at, until), f"{url}/{way}", f"{url}/avslutt")
        for code, name, until, way in found
    )


def _minutes(at: datetime, until: datetime) -> int:
    return max(0, ceil((until - at).total_seconds() / 60))


def national_id_in(person: Json) -> str | None:
    """The official identity number."""
    numbers = (i.get("value") for i in person.get("identifier", ()) if i.get("use") == "official")
    return next(numbers, None)


def _critical(flags: list[Json], allergies: list[Json]) -> tuple[Allergy, ...] | None:
    shown = [
        Allergy(words(one.get("code")), critical=True)
        for one in flags
        if one.get("status") == "active" and has_category(one, "critical-information")
    ]
    told = " ".join(one.text.lower() for one in shown)
    for one in allergies:
        if _is_refuted(one):
            continue
        name, is_high = words(one.get("code")), one.get("criticality") == "high"
        # What stands as critical information already is not said twice.
        if not (is_high and name.lower() in told):
            shown.append(Allergy(name, _reaction(one), critical=is_high))
    return tuple(sorted(shown, key=lambda one: not one.critical)) or None


def _is_refuted(allergy: Json) -> bool:
    return bool({"refuted", "entered-in-error"} & {*codes_in(allergy.get("verificationStatus"))})


def _reaction(allergy: Json) -> str:
    texts = [words(m) for one in allergy.get("reaction", ()) for m in one.get("manifestation", ())]
    return ", ".join(text.lower() for text in texts if text)


def _gp(person: Json, directory: Directory) -> Service | None:
    parties = person.get("generalPractitioner", ())
    doctor = next((p for p in parties if p.get("reference", "").startswith("Practitioner/")), None)
    practice = next((p for p in parties if p.get("reference", "").startswith("Organization/")), None)
    if doctor is None and practice is None:
        return None
    unit = directory.party(practice)
    return Service(directory.name(doctor) or unit.name, unit.name if doctor else "", unit.phone)


def _service(episode: Json, directory: Directory) -> Service:
    unit = directory.party(episode.get("managingOrganization"))
    kind = words(next(iter(episode.get("type", ())), None))
    return Service(kind or unit.name, unit.name if kind else "", unit.phone)


def _all_kin(found: list[Json], chosen: Sequence[ChosenKin], language: str) -> tuple[Kin, ...]:
    """Those whom the patient chose, then those whom the record names besides."""
    own = [Kin(one.name, one.relation, grouped(one.phone), one.share.name(language)) for one in chosen]
    names = {one.name.casefold() for one in own}
    others = [_kin(one) for one in sorted(found, key=_rank) if one.get("active", True)]
    return (*own, *(one for one in others if one.name.casefold() not in names))


def _kin(one: Json) -> Kin:
    relation = words(next(iter(one.get("relationship", ())), None)).lower()
    return Kin(person_name(one), relation, grouped(phone_in(one)))


def _rank(one: Json) -> tuple[bool, int]:
    is_next = any("N" in codes_in(r) for r in one.get("relationship", ()))
    return not is_next, min((t.get("rank", 9) for t in one.get("telecom", ())), default=9)
