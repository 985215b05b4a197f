"""Words of the decision, and the refusals with what the person can do about each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fellesjournal.access.words import Words
from fellesjournal.web import _

Action = Literal["read", "write", "list", "open", "identify", "print", "duty"]


@dataclass(frozen=True)
class PatientId:
    """A person's record: the bucket it lives in and its number."""

    slot: int
    pid: int


@dataclass(frozen=True)
class Ground:
    """Why access was given: code of the national list, its name in three languages, until when (None = no end).

    `kind` tells what is found by itself from what was chosen: automatic, chosen, gap, emergency, support.
    """

    code: str
    name_nb: str
    name_nn: str
    name_en: str
    until_at: datetime | None
    kind: str = "automatic"

    def name(self, language: str) -> str:
        """The ground's name in a language (`nb`, `nn`, `en`)."""
        return Words(self.name_nb, self.name_nn, self.name_en).text(language)


class AccessError(Exception):
    """An expected refusal: status, FHIR issue code and a Norwegian text for the reader."""

    status = 403
    code = "forbidden"
    text = _("Du har ikke tilgang.")


class SessionOver(AccessError):
    """The secret opens nothing (any more)."""

    status = 401
    code = "login"
    text = _("Du er ikke logget inn, eller økten er avsluttet. Logg inn på nytt.")


class NoNeed(AccessError):
    """No live fact makes a need; hidden and absent records are refused alike."""

    text = _(
        "Du har ikke tilgang til denne journalen. Ingen registrert opplysning viser at du har tjenstlig behov nå. "
        "Registrer en kontakt hvis personen er hos deg, eller be om hjelp fra lederen din."
    )


class BeyondScopes(AccessError):
    """The scopes that the app was granted do not reach so far, whatever its user may do."""

    text = _("Appen har ikke fått lov til dette.")
    english = "The scopes that were granted to the app do not allow this."


class NotForApps(BeyondScopes):
    """What goes on for longer than an app's token lives: imports, and subscriptions of an app with a user."""

    text = "Apper importerer ikke, og bare en app som handler på egne vegne, kan abonnere."
    english = (
        "An app imports nothing, and only one that acts by itself (Backend Services) subscribes: both go on for longer"
        " than a token. A system that the operator lets imports with its own token."
    )


class OwnRecord(AccessError):
    """Staff never open their own record as staff."""

    text = _("Du kan ikke åpne din egen journal som ansatt. Logg inn som innbygger for å se den.")


class Blocked(AccessError):
    """The patient has blocked this reader."""

    text = _("Personen har sperret journalen for deg eller enheten din.")


class CloseFamily(NoNeed):
    """A need is there; a close relative's record opens for a reason in words. `patient` is whose, where it is known."""

    text = _(
        "Dette gjelder en i din nære familie. Du kan åpne journalen når du har skrevet hvorfor: på siden om tilgang i "
        "Fellesjournal. Det gjelder i noen timer, og en kontrollør ser på det etterpå."
    )
    english = (
        "This is about a close relative of yours. The record opens when you have given a written reason on the page"
        " about access (/pasienter/{id}/tilgang/familie), for some hours; a reviewer looks at it afterwards."
    )

    def __init__(self, patient: PatientId | None = None) -> None:
        super().__init__()
        self.patient = patient


class NotNamed(AccessError):
    """A strictly protected record opens for named personnel alone."""

    text = _(
        "Journalen er strengt skjermet. Bare personell som er navngitt for denne personen, kan åpne den. "
        "Den som er ansvarlig for pasienten hos dere, eller administratoren, kan navngi deg."
    )


class ToOneself(AccessError):
    """Nobody gives access to themselves."""

    status = 422
    code = "business-rule"
    text = _("Du kan ikke gi tilgang til deg selv.")


class WrongUnit(AccessError):
    """The row belongs to another unit."""

    text = _("Bare enheten som skrev opplysningen, kan endre den. Skriv et nytt notat i stedet.")


class MayNotIdentify(AccessError):
    """The role may not look people up."""

    text = _("Rollen din kan ikke slå opp personer.")


class NotAdministrator(AccessError):
    """The page is for administrators."""

    text = _("Denne siden er for administratorer.")


class NotReviewer(AccessError):
    """The page is for those who judge how access was used."""

    text = _("Denne siden er for innsynsansvarlige.")


class NotLeader(AccessError):
    """The page is for those who keep the duty list of the unit."""

    text = _("Denne siden er for ledere som fører vaktlisten for enheten.")


class TooManyLookups(AccessError):
    """Over sixty look-ups in ten minutes."""

    status = 429
    code = "throttled"
    text = _("Du har slått opp uvanlig mange personer på kort tid. Vent noen minutter og prøv igjen.")


REFUSALS: dict[str | None, type[AccessError]] = {
    "EGEN_SOM_ANSATT": OwnRecord, "SPERRET": Blocked, "IKKE_NAVNGITT": NotNamed, "NAER_FAMILIE": CloseFamily,
}  # fmt: skip
"""Refusal by the ground that a denying rule names; everything else is NoNeed."""
