"""Units and those who work there: practices, the shared legevakt, home care, nursing home, child health."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from fellesjournal.demo import names, places
from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Municipality, Organization, Post, Sex, Staff, Unit, UnitKind
from fellesjournal.demo.numbers import Numbers

LIST_LENGTH = 800
_PRACTICES = ("legesenter", "legekontor", "legegruppe", "helsehus")
_ZONES = ("sone Nord", "sone Sør", "sone Vest", "sone Aust", "sone Sentrum", "sone Fjord")
_WARDS = ("avdeling Fjordgløtt", "avdeling Solsida", "avdeling Bjørkely", "avdeling Lerkevang")


@dataclass
class Workforce:
    """Collects organisations, units and staff; `residents` are those who may also be employed here."""

    rng: Random
    numbers: Numbers
    today: date
    residents: dict[str, list[Draft]]
    organizations: list[Organization] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    staff: list[Staff] = field(default_factory=list)
    hired: Counter[str] = field(default_factory=Counter)

    def build(self, municipality: Municipality, *, inhabitants: int) -> None:
        """All of one municipality; the first one also hosts the legevakt that both share."""
        owner = self._organization(f"o-{municipality.number}", f"{municipality.name} kommune", municipality)
        self._practices(municipality, inhabitants)
        if municipality is places.MUNICIPALITIES[0]:
            self._legevakt(municipality, owner)
        self._home_care(municipality, owner, inhabitants)
        self._nursing_home(municipality, owner, inhabitants)
        self._child_health(municipality, owner, inhabitants)

    def give_legevakt_shifts(self) -> None:
        """Most GPs also take shifts at the legevakt: a second post, chosen at sign-in."""
        legevakt = next(unit for unit in self.units if unit.kind == "legevakt")
        shift = Post(legevakt.key, "legevaktlege", "KA02")
        for place, member in enumerate(self.staff):
            if member.posts[0].role == "fastlege" and place % 5:
                self.staff[place] = replace(member, posts=(*member.posts, shift))

    def _practices(self, municipality: Municipality, inhabitants: int) -> None:
        doctors = max(1, round(inhabitants / LIST_LENGTH))
        practices = -(-doctors // 6)
        for number in range(practices):
            own = doctors * (number + 1) // practices - doctors * number // practices
            city = municipality.places[number % 3][1].title()
            kind = _PRACTICES[number // 3 % 4] if number else "legesenter"
            name = f"{city} {kind}" if number < 12 else f"{city} {kind} {number // 12 + 1}"
            company = self._organization(f"o-{municipality.number}-{number + 1}", f"{name} AS", municipality)
            unit = self._unit(f"u-gp-{municipality.number}-{number + 1}", name, "gp", municipality, company.key)
            self._fill(unit, municipality, [("LE", "fastlege", "KA01")] * own)
            self._fill(unit, municipality, [("HE", "helsesekretær", "KA01")] * max(1, own // 2))
            if own > 2:
                self._fill(unit, municipality, [("LE", "lis1", "KA01"), ("BI", "bioingeniør", "KA01")])

    def _legevakt(self, municipality: Municipality, owner: Organization) -> None:
        others = " og ".join(one.name for one in places.MUNICIPALITIES)
        unit = self._unit("u-legevakt", f"{others} legevakt", "legevakt", municipality, owner.key)
        wanted = [("SP", "sykepleier", "KA02")] * 9 + [("LE", "legevaktlege", "KA02")] * 2
        self._fill(unit, municipality, [*wanted, ("SP", "leder", "KA02")])

    def _home_care(self, municipality: Municipality, owner: Organization, inhabitants: int) -> None:
        number = municipality.number
        top = self._unit(f"u-hc-{number}", f"{municipality.name} hjemmetjeneste", "home_care", municipality, owner.key)
        self._fill(top, municipality, [("SP", "leder", "KP02")])
        zones = min(len(_ZONES), 2 + inhabitants // 9000)
        each = max(3, round(inhabitants * 0.009 / zones))
        for place in range(zones):
            name = f"{municipality.name} hjemmetjeneste, {_ZONES[place]}"
            zone = self._unit(f"u-hc-{number}-{place + 1}", name, "home_care", municipality, top.key)
            self._fill(zone, municipality, _carers(each, "KP02"))

    def _nursing_home(self, municipality: Municipality, owner: Organization, inhabitants: int) -> None:
        number = municipality.number
        name = "Fjordgløtt sykehjem" if municipality is places.MUNICIPALITIES[0] else "Øvreskog sykehjem"
        top = self._unit(f"u-nh-{number}", name, "nursing_home", municipality, owner.key)
        self._fill(top, municipality, [("SP", "leder", "KP02"), ("LE", "tilsynslege", "KP01")])
        wards = min(len(_WARDS), 2 + inhabitants // 15_000)
        each = max(3, round(inhabitants * 0.008 / wards))
        for place in range(wards):
            key = f"u-nh-{number}-{place + 1}"
            ward = self._unit(key, f"{name}, {_WARDS[place]}", "nursing_home", municipality, top.key)
            self._fill(ward, municipality, _carers(each, "KP02"))

    def _child_health(self, municipality: Municipality, owner: Organization, inhabitants: int) -> None:
        name = f"{municipality.name} helsestasjon og skolehelsetjeneste"
        unit = self._unit(f"u-ch-{municipality.number}", name, "child_health", municipality, owner.key)
        nurses = max(2, round(inhabitants / 1000))
        self._fill(unit, municipality, [("SP", "helsesykepleier", "KF01")] * nurses)
        self._fill(unit, municipality, [("JO", "jordmor", "KF01"), ("LE", "helsestasjonslege", "KF01")])

    def _organization(self, key: str, name: str, municipality: Municipality) -> Organization:
        made = Organization(key, name, self.numbers.org_number(), municipality.number)
        self.organizations.append(made)
        return made

    def _unit(self, key: str, name: str, kind: UnitKind, municipality: Municipality, parent: str) -> Unit:
        address = places.address(self.rng, municipality)
        number, phone = self.numbers.org_number(), self.numbers.phone()
        made = Unit(key, name, kind, municipality.number, parent, number, phone, address)
        self.units.append(made)
        return made

    def _fill(self, unit: Unit, municipality: Municipality, wanted: list[tuple[str, str, str]]) -> None:
        for profession, role, service in wanted:
            self.staff.append(self._hire(unit, municipality, profession, Post(unit.key, role, service)))

    def _hire(self, unit: Unit, municipality: Municipality, profession: str, post: Post) -> Staff:
        who = self._resident(municipality, profession) or self._outsider(municipality, profession)
        who.occupation = post.role
        licensed = profession != "XX"
        return Staff(
            key=f"s-{unit.key[2:]}-{self._number_in(unit)}",
            given=who.given,
            middle=who.middle,
            family=who.family,
            sex=who.sex,
            birth_on=who.birth_on,
            national_id=who.national_id or "",
            profession_code=profession,
            hpr=self.numbers.licence() if licensed else None,
            email=None,
            phone=self.numbers.phone(),
            posts=(post,),
            person_key=who.key or None,
            nynorsk=self.rng.random() < 0.18,
        )

    def _number_in(self, unit: Unit) -> int:
        self.hired[unit.key] += 1
        return self.hired[unit.key]

    def _resident(self, municipality: Municipality, profession: str) -> Draft | None:
        pool = self.residents[municipality.number]
        if not pool or self.rng.random() < 0.4:
            return None
        place = next((i for i, one in enumerate(pool[-80:], max(0, len(pool) - 80)) if _fits(one, profession)), None)
        return pool.pop(place) if place is not None else None

    def _outsider(self, municipality: Municipality, profession: str) -> Draft:
        female = self.rng.random() < (0.5 if profession == "LE" else 0.88)
        sex: Sex = "female" if female else "male"
        birth_on = self.today - timedelta(days=self.rng.randrange(27 * 365, 64 * 365))
        one = Draft(sex, birth_on, municipality, family=names.surname(self.rng))
        one.given = names.first_name(self.rng, year=birth_on.year, sex=sex)
        one.national_id = self.numbers.national_id(birth_on=birth_on, sex=sex, d_number=False)
        return one


_WORDS = {
    "SP": "sykepleier", "LE": "lege", "HF": "helsefagarbeider", "HE": "helsesekretær", "XX": "assistent",
    "BI": "bioingeniør", "VP": "vernepleier", "JO": "jordmor",
}  # fmt: skip


def _fits(one: Draft, profession: str) -> bool:
    """Doctors are told apart by their training; all others by what they already are said to do."""
    word = _WORDS.get(profession, "")
    if one.occupation == word:
        return True
    return profession not in ("SP",) and one.occupation in (
        "kontormedarbeider", "saksbehandler i kommunen", "prosjektleder", "daglig leder", "renholder",
        "ingeniør",
    )  # fmt: skip


def _carers(count: int, service: str) -> list[tuple[str, str, str]]:
    """Nurses, auxiliary nurses, a social educator and unlicensed assistants in turn."""
    turn = (("SP", "sykepleier"), ("HF", "helsefagarbeider"), ("XX", "assistent"), ("HF", "helsefagarbeider"))
    rows = [(*turn[place % 4], service) for place in range(count)]
    return [*rows, ("VP", "vernepleier", service)] if count > 6 else rows
