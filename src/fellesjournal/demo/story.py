"""The people of the story: who can be signed in as, what there is to try with each, and their fixed charts.

Every key here is the same for every seed and size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from fellesjournal.demo.agenda import OSLO
from fellesjournal.demo.draft import Draft
from fellesjournal.demo.model import Booking, Service, Sex
from fellesjournal.demo.numbers import Numbers
from fellesjournal.demo.workforce import Workforce

GP = "s-nordhaug"
OTHER_GP = "s-lillebakk"
LEGEVAKT_NURSE = "s-aasmo"
HOME_CARE_NURSE = "s-tveiten"
ELDERLY = "p-borghild"
MOTHER = "p-silje"
FATHER = "p-anders"
CHILD = "p-oda"
LITTLE_BROTHER = "p-jakob"
DIABETIC = "p-per-arne"
TONIGHT = "p-henrik"
DAUGHTER = "p-anne-grete"
SHELTERED = "p-ingrid"
STRICTLY_SHELTERED = "p-marte"
BIG_BROTHER = "p-mathias"
BIG_SISTER = "p-sara"
SPLIT_MOTHER = "p-marie"
SPLIT_FATHER = "p-thomas"
SPLIT_CHILD = "p-ella"
WARD = "p-kjell"
NURSE = "p-maria"
"""The home-care nurse as an inhabitant, and her mother."""
NURSES_MOTHER = "p-randi"
NURSE_BORN_ON = date(1991, 2, 8)
REPRESENTED = frozenset({LITTLE_BROTHER, BIG_BROTHER, SPLIT_CHILD, WARD})
"""Whom somebody of the cast acts for: they have names for tokens too."""


@dataclass(frozen=True, slots=True)
class Cast:
    """One line of the start page: somebody to sign in as or to look up, in Norwegian."""

    key: str
    kind: Literal["staff", "person"]
    name: str
    role: str
    unit_key: str | None
    may_sign_in: bool
    to_try: tuple[str, ...]


CAST = (
    Cast(
        GP, "staff", "Kari Elise Nordhaug", "Fastlege ved Tindvåg legesenter", "u-gp-7101-1", True,
        (
            "Åpne dagslisten og gå inn på Borghild Ulvestad: tidslinjen viser alle tjenestene samlet.",
            "Skriv et notat med fritekst, sett inn en diagnose med «/», og signer. Rett det etterpå.",
            "Signer de nye prøvesvarene til Per Arne Moltu i innboksen.",
            "Prøv å åpne Henrik Sætervik, som har en annen fastlege: siden sier hvorfor det ikke går.",
        ),
    ),
    Cast(
        LEGEVAKT_NURSE, "staff", "Trude Aasmo", "Sykepleier ved Tindvåg og Øvreskog legevakt", "u-legevakt",
        True,
        (
            "Henrik Sætervik (34) ringer med feber og flankesmerter: finn ham på navn og fødselsdato.",
            "Registrer hastegrad og vitale mål, se NEWS2, skriv og signer notatet.",
            "Logg inn som Jon Lillebakk etterpå: notatet ligger hos fastlegen.",
            "Registrer Oda Kvalnes Myrvang: angsten hos fastlegen er lukket til du skriver hvorfor på «Sensitivt».",
        ),
    ),
    Cast(
        OTHER_GP, "staff", "Jon Lillebakk", "Fastlege ved Øvreskog legesenter", "u-gp-7102-1", True,
        ("Se at legevaktnotatet om Henrik Sætervik er kommet i innboksen og i journalen.",),
    ),
    Cast(
        HOME_CARE_NURSE, "staff", "Maria Tveiten", "Sykepleier i Tindvåg hjemmetjeneste, sone Nord",
        "u-hc-7101-1", True,
        (
            "Primærkontakt for Borghild Ulvestad. Arbeidsflaten for hjemmetjenesten kommer senere.",
            "Moren din, Randi Tveiten, får hjelp av sonen: journalen åpner når du har skrevet hvorfor det må være deg.",
        ),
    ),
    Cast(
        ELDERLY, "person", "Borghild Ulvestad", "Innbygger, 82 år, hjemmesykepleie fire ganger om dagen",
        None, True,
        (
            "Se din egen journal: notater, mål over tid og legemidler.",
            "Se innsynsloggen: hvem som har lest, når og hvorfor.",
            "Velg hva pårørende kan få vite, under Representasjon: fastlegen ser det ved siden av journalen.",
        ),
    ),
    Cast(
        MOTHER, "person", "Silje Kvalnes", "Innbygger, 41 år, mor til Sara (17), Mathias (15), Oda (14) og Jakob (8)",
        None,
        True,
        (
            "Velg Representasjon og åpne journalen til Jakob: siden sier hele tiden hvem du handler på vegne av.",
            "Åpne journalen til Oda: astmaen står der, men ikke alt det Oda selv ser.",
            "Mathias fyller 16 år dagen etter at basen ble laget. Ved midnatt er innsynet borte, av seg selv.",
        ),
    ),
    Cast(
        CHILD, "person", "Oda Kvalnes Myrvang", "Innbygger, 14 år, astma og samtaler hos helsesykepleier",
        None, True,
        (
            "Se kontakten, timen og legemiddelet fra ungdomshelsestasjonen, som er holdt tilbake for foreldrene.",
            "Se i innsynsloggen når mor har vært inne på vegne av deg.",
            "Finn henne som fastlege: astmakontroller, vaksiner og vekstmål.",
            "Som fastlege, under «Representanter»: hold en kontakt tilbake, og se som mor at den er borte.",
        ),
    ),
    Cast(
        BIG_SISTER, "person", "Sara Kvalnes Myrvang", "Innbygger, 17 år, migrene; foreldrene ser ikke journalen", None,
        True,
        (
            "Som fastlege, under «Representanter»: skriv ned hva foreldrene har fått vite.",
            "Logg inn som Sara: det står under Representasjon, og i innsynsloggen.",
        ),
    ),
    Cast(
        SPLIT_FATHER, "person", "Thomas Lie", "Innbygger, 36 år, far til Ella (6), som bor hos moren", None, True,
        (
            "Åpne journalen til Ella: foreldreansvaret er delt, og hun bor hos en av dere.",
        ),
    ),
    Cast(
        DAUGHTER, "person", "Anne Grete Ulvestad", "Innbygger, 55 år, har fullmakt fra moren, Borghild", None, True,
        (
            "Åpne Borghilds timer og legemidler: fullmakten gjelder dem, og ikke notatene.",
            "Logg inn som Borghild og ta fullmakten tilbake: den slutter å gjelde med en gang.",
        ),
    ),
    Cast(
        DIABETIC, "person", "Per Arne Moltu", "Innbygger, 58 år, diabetes type 2 og nye prøvesvar i dag",
        None, True,
        (
            "Se HbA1c og blodtrykk gjennom fem år.",
            "Du er verge for broren din, Kjell: velg Representasjon og åpne journalen hans.",
        ),
    ),
    Cast(
        SHELTERED, "person", "Ingrid Fagerlund", "Innbygger, 47 år, fortrolig adresse", None, True,
        (
            "Åpne henne fra dagslisten til Kari Elise Nordhaug: adressen er skjult til du ber om den og sier hvorfor.",
            "Søk på adresse, eller hent henne ut over FHIR: adressen følger aldri med.",
        ),
    ),
    Cast(
        STRICTLY_SHELTERED, "person", "Marte Solvik", "Innbygger, 36 år, strengt fortrolig adresse", None, True,
        (
            "Bare navngitt personell åpner journalen: Kari Elise Nordhaug kan, kollegaene hennes kan ikke.",
            "Se hvem som er navngitt under «Adresse» i journalen, og gi én til tilgang.",
        ),
    ),
    Cast(
        TONIGHT, "person", "Henrik Sætervik", "Innbygger i Øvreskog, 34 år, kontakter legevakt i kveld", None,
        True,
        ("Etter at legevakten har vært inne: se innsynsloggen innen et minutt.",),
    ),
)  # fmt: skip


def cast_staff(work: Workforce, numbers: Numbers, people: list[Draft]) -> None:
    """Give four members of staff their fixed keys and names; the nurse of home care is an inhabitant too."""
    _rename(
        work,
        numbers,
        "u-gp-7101-1",
        "fastlege",
        GP,
        ("Kari Elise", None, "Nordhaug"),
        ("female", date(1979, 4, 17)),
    )
    _rename(
        work,
        numbers,
        "u-gp-7102-1",
        "fastlege",
        OTHER_GP,
        ("Jon", None, "Lillebakk"),
        ("male", date(1968, 9, 2)),
    )
    _rename(
        work,
        numbers,
        "u-legevakt",
        "sykepleier",
        LEGEVAKT_NURSE,
        ("Trude", None, "Aasmo"),
        ("female", date(1984, 11, 25)),
    )
    _rename(
        work,
        numbers,
        "u-hc-7101-1",
        "sykepleier",
        HOME_CARE_NURSE,
        ("Maria", None, "Tveiten"),
        ("female", NURSE_BORN_ON),
        own=next(one for one in people if one.key == NURSE),
    )


def join(people: list[Draft], *, today: date) -> None:
    """Put the story people on the right lists, with services, appointments and results."""
    by_key = {one.key: one for one in people if one.fixed}
    for key in (
        ELDERLY, DAUGHTER, MOTHER, FATHER, CHILD, LITTLE_BROTHER, BIG_BROTHER, BIG_SISTER, DIABETIC, WARD, SPLIT_MOTHER,
        SPLIT_FATHER, SPLIT_CHILD, SHELTERED, STRICTLY_SHELTERED, NURSE, NURSES_MOTHER,
    ):  # fmt: skip
        by_key[key].gp_staff, by_key[key].gp_unit = GP, "u-gp-7101-1"
    by_key[TONIGHT].gp_staff, by_key[TONIGHT].gp_unit = OTHER_GP, "u-gp-7102-1"
    start_on = today - timedelta(days=640)
    by_key[ELDERLY].services = [
        Service(code, "u-hc-7101-1", HOME_CARE_NURSE, start_on, visits) for code, visits in (("15", 4.0), ("6", 0.0))
    ]
    by_key[NURSES_MOTHER].services = [Service("15", "u-hc-7101-1", HOME_CARE_NURSE, today - timedelta(days=75), 1.0)]
    by_key[DIABETIC].unsigned_result = True
    for key, slot, reason in (
        (ELDERLY, time(9, 20), "K77"),
        (CHILD, time(10, 40), "R96"),
        (DIABETIC, time(13, 20), "T90"),
        (SHELTERED, time(13, 40), "K86"),
        (STRICTLY_SHELTERED, time(14, 0), "T86"),
    ):
        at = datetime.combine(today, slot, OSLO)
        by_key[key].bookings = [Booking(GP, "u-gp-7101-1", at, 20, reason, late=True)]
    by_key[ELDERLY].open_tasks = ["renew-prescription"]
    by_key[MOTHER].open_tasks = ["call-patient"]


def _rename(
    work: Workforce, numbers: Numbers, unit: str, role: str, key: str,
    name: tuple[str, str | None, str], born: tuple[Sex, date], *, own: Draft | None = None,
) -> None:  # fmt: skip
    place = next(i for i, one in enumerate(work.staff) if one.posts[0].unit_key == unit and one.posts[0].role == role)
    sex, birth_on = born
    number = own.national_id if own else numbers.national_id(birth_on=birth_on, sex=sex, d_number=False)
    work.staff[place] = replace(
        work.staff[place], key=key, given=name[0], middle=name[1], family=name[2], sex=sex, birth_on=birth_on,
        national_id=number or "", person_key=own.key if own else None,
        nynorsk=False,
        email=None,
    )  # fmt: skip
