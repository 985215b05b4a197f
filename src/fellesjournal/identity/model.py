"""Who is at the other end, and the words for those who are not let in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

from fellesjournal.web import _

if TYPE_CHECKING:
    from fellesjournal.identity.apps.model import AppSession

Kind = Literal["staff", "citizen", "system"]
ProviderName = Literal["helseid", "idporten"]

ROLE_NAMES = {
    "lege": _("Lege"),
    "sykepleier": _("Sykepleier"),
    "helsesykepleier": _("Helsesykepleier"),
    "helsesekretaer": _("Helsesekretær"),
    "helsefagarbeider": _("Helsefagarbeider"),
    "assistent": _("Assistent"),
    "leder": _("Leder"),
    "administrator": _("Administrator"),
    "reviewer": _("Innsynsansvarlig"),
    "brukerstotte": _("Brukerstøtte"),
    "innbygger": _("Innbygger"),
    "system": _("System"),
}


RELATION_NAMES = {
    "mor": _("Mor"),
    "far": _("Far"),
    "medmor": _("Medmor"),
    "forelder": _("Forelder"),
    "verge": _("Verge"),
    "fullmektig": _("Fullmektig"),
}
"""As what somebody acts for another."""


class SecurityLevel(IntEnum):
    """How sure the sign-in is of who it is (eIDAS in brackets); health data need level 4."""

    UNKNOWN = 0
    SUBSTANTIAL = 3
    HIGH = 4


@dataclass(frozen=True, slots=True)
class Acting:
    """On whose behalf a citizen acts: the name, as what (`mor`, `verge`, `fullmektig` …), by which ground, until when.

    `may_act` is more than reading. `types` are the resource types that a fullmakt is bounded to; empty: all.
    """

    name: str
    relation: str
    ground: str
    may_act: bool
    until_at: datetime | None = None
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads and writes in this request: one live session in one context.

    `secret` is what the database's own functions take; whoever holds it holds the session.
    For a citizen `patient` is the record that the session opens: the own, or that of the one whom they are `acting`
    for; for staff it is None. `app` is the app that the token was given to.
    """

    session: int
    kind: Kind
    person: int
    name: str
    post: int | None
    unit: int | None
    unit_name: str
    unit_kind: str
    role: str
    purpose: str
    patient: int | None
    patient_slot: int | None
    practitioner: int | None
    practitioner_role: int | None
    expires_at: datetime
    idle_s: int
    secret: bytes = field(repr=False, compare=False)
    app: AppSession | None = None
    acting: Acting | None = None

    @property
    def may_act(self) -> bool:
        """Whether more than reading is open: always in the own context."""
        return self.acting is None or self.acting.may_act

    @property
    def is_capped(self) -> bool:
        """Whether some kinds of data are closed whatever is decided: an app's scopes, the areas of a fullmakt."""
        return self.app is not None or (self.acting is not None and bool(self.acting.types))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A human whom the sign-in service vouched for, as this installation knows them."""

    id: int
    name: str
    patient: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One role at one unit that a member of staff may act in now."""

    id: int
    unit: int
    unit_name: str
    unit_kind: str
    role: str


class IdentityRefusal(Exception):
    """Not let in; `status` and `code` (OperationOutcome) for machines, the texts for people."""

    status = 403
    code = "login"
    title = _("Innloggingen ble ikke fullført")
    happened = _("Noe stemte ikke da du logget inn.")
    kept = _("Ingenting er lagret eller endret. Kladder ligger fortsatt i nettleseren.")
    todo = _("Logg inn en gang til.")


class NotSignedIn(IdentityRefusal):
    """No session, or one that has ended."""

    status = 401
    title = _("Du må logge inn")
    happened = _("Innloggingen mangler eller har gått ut.")
    kept = _("Kladder ligger fortsatt i nettleseren.")
    todo = _("Logg inn på nytt, så kommer du tilbake hit.")


class LevelTooLow(IdentityRefusal):
    """Signed in below level 4."""

    title = _("Innloggingen er ikke sikker nok")
    happened = _("Du logget inn på et lavere nivå enn 4. Helseopplysninger krever nivå 4.")
    todo = _("Logg inn på nytt med BankID, Buypass eller Commfides.")


class UnknownPerson(IdentityRefusal):
    """The sign-in service knows them, this installation does not."""

    title = _("Vi finner deg ikke her")
    happened = _("Du er logget inn, men er verken registrert som innbygger eller ansatt i denne løsningen.")
    todo = _("Er du ansatt, snakk med lederen din. Er du innbygger, snakk med kommunen.")


class NoPost(IdentityRefusal):
    """Staff sign-in by someone who has no valid role now."""

    title = _("Du har ingen gyldig rolle")
    happened = _("Du er kjent her, men har ingen rolle ved noen enhet som gjelder i dag.")
    todo = _(
        "Snakk med lederen din, som kan gi deg en rolle. Som innbygger kan du logge inn til din egen journal."
    )


class PostEnded(IdentityRefusal):
    """The chosen role is not, or no longer, theirs."""

    status = 409
    code = "conflict"
    title = _("Rollen gjelder ikke lenger")
    happened = _("Rollen du valgte, er avsluttet eller er ikke din.")
    todo = _("Velg en annen rolle.")


class NoRecord(IdentityRefusal):
    """Citizen sign-in by someone who has no record here."""

    title = _("Du har ingen journal her")
    happened = _("Du er kjent her, men har ingen journal i denne løsningen.")
    todo = _("Snakk med kommunen hvis du mener at det er feil.")


class MayNotRepresent(IdentityRefusal):
    """No fact lets them act for this person, or none any more."""

    code = "forbidden"
    title = _("Du kan ikke handle for denne personen")
    happened = _("Du har ikke, eller ikke lenger, rett til å handle på vegne av denne personen.")
    kept = _("Ingenting er vist eller endret.")
    todo = _("Gå til Representasjon og se hvem du kan handle på vegne av.")


class FlowLost(IdentityRefusal):
    """The answer does not belong to a sign-in that this browser began, or comes again."""

    status = 400
    code = "invalid"
    title = _("Innloggingen kan ikke brukes")
    happened = _(
        "Svaret hører ikke til en innlogging som ble startet her, det kom for sent, eller det er brukt før."
    )


class SignInCancelled(IdentityRefusal):
    """The person turned back, or the sign-in service refused."""

    title = _("Innloggingen ble avbrutt")
    happened = _("Du avbrøt, eller innloggingstjenesten slapp deg ikke inn.")


class TokenRefused(IdentityRefusal):
    """The proof from the sign-in service does not hold."""

    status = 400
    code = "invalid"
    title = _("Innloggingen kan ikke godtas")
    happened = _("Beviset fra innloggingstjenesten holdt ikke mål.")


class ProviderUnavailable(IdentityRefusal):
    """The sign-in service does not answer as it should."""

    status = 502
    code = "transient"
    title = _("Innloggingstjenesten svarer ikke")
    happened = _("Tjenesten som bekrefter hvem du er, svarte ikke som den skulle.")
    todo = _("Vent et minutt og prøv igjen.")


class NotDemo(Exception):
    """The test provider and printed tokens exist in a demo database alone."""
