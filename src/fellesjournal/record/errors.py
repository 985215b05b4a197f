"""What the record refuses, each with a status, a FHIR issue code, a Norwegian and an English text."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import structs

from fellesjournal.access.model import NoNeed
from fellesjournal.fhir import Issue
from fellesjournal.web import _


class RecordError(Exception):
    """An expected refusal. `issues` are FHIR issues when there are several faults to tell."""

    status = 400
    code = "processing"
    text = _("Forespørselen kan ikke utføres.")
    english = "The request cannot be carried out."

    def __init__(self, english: str | None = None, *, issues: Sequence[Issue] = ()) -> None:
        super().__init__(english or self.english)
        self.english = english or self.english
        self.issues = list(issues)


@contextmanager
def faults_at(place: str) -> Iterator[None]:
    """Give a refusal its place in what was sent, if it has none."""
    try:
        yield
    except RecordError as error:
        issues = error.issues or [Issue("error", error.code, "", error.english)]
        error.issues = [issue if issue.expression else structs.replace(issue, expression=place) for issue in issues]
        raise


class TooLittle(RecordError):
    """A name too short to identify anybody by."""

    status = 422
    code = "invalid"
    text = _("Skriv minst to bokstaver av fornavnet eller etternavnet, og hele fødselsdatoen.")
    english = "Give at least two letters of one name, and the whole birth date."


def placed(error: Exception, place: str) -> Exception:
    """The error with its place in what was sent, if one is known."""
    if place and isinstance(error, RecordError):
        error.issues = [Issue("error", error.code, place, error.english)]
    return error


class NotFound(RecordError):
    """Absent or hidden: one answer for both."""

    status = 404
    code = "not-found"
    text = _("Opplysningen finnes ikke, eller du har ikke tilgang til den.")
    english = "There is no such resource, or you may not see it."


class Gone(RecordError):
    """Deleted; its history may still be read."""

    status = 410
    code = "deleted"
    text = _("Opplysningen er slettet.")
    english = "The resource has been deleted."


class VersionConflict(RecordError):
    """Someone else made a version in the meantime."""

    status = 412
    code = "conflict"
    text = _(
        "Noen andre har endret dette siden du åpnet det. Det du har skrevet, er tatt vare på. "
        "Se den nye versjonen og prøv igjen."
    )
    english = "The resource has another version than the one named in If-Match."


class Duplicate(RecordError):
    """A unique business key (a national id) is taken."""

    status = 409
    code = "duplicate"
    text = _("En annen person har allerede dette nummeret.")
    english = "A unique identifier of this resource is already in use."


class AlreadyThere(RecordError):
    """An id that was to be new exists."""

    status = 409
    code = "conflict"
    text = _("Opplysningen finnes fra før.")
    english = "The resource exists already."


class NameTaken(AlreadyThere):
    """Another request has just created a resource with the id that the client chose."""


class TellingId(RecordError):
    """A client chose an id that tells who somebody is: ids stand in addresses and logs."""

    status = 422
    code = "business-rule"
    text = _("En id kan ikke inneholde et fødselsnummer, et D-nummer eller et hjelpenummer.")
    english = "An id must not hold a national identity number: it stands in addresses and logs."


class ReadOnly(RecordError):
    """The id is one of an installed definition's, which its publisher writes and the operator installs."""

    status = 405
    code = "not-supported"
    text = _("Installerte definisjoner kan bare leses.")
    english = "Ids that begin with pkg- are those of installed definitions, which can be read only."


class Unselective(RecordError):
    """A condition matches several resources where it must match one, or names nothing to match."""

    status = 412
    code = "multiple-matches"
    text = _("Betingelsen treffer flere opplysninger.")
    english = "The condition matches more than one resource."


class KeyReused(RecordError):
    """An idempotency key came with another request before."""

    status = 422
    code = "business-rule"
    text = _("Nøkkelen er brukt til en annen forespørsel.")
    english = "The Idempotency-Key was used for another request; take a new key for each."


class Busy(RecordError):
    """Another request with the same condition or key is still at work."""

    status = 409
    code = "lock-error"
    text = _("En lik forespørsel er fortsatt under arbeid. Prøv igjen om litt.")
    english = "A request with the same condition or key is still at work; try again shortly."


class ProtectionKept(RecordError):
    """Address protection comes from the Population Register: nobody else takes it away, or makes it weaker."""

    status = 422
    code = "business-rule"
    text = _("Adressesperren kommer fra Folkeregisteret. Den kan ikke fjernes eller svekkes her.")
    english = "Address protection comes from the Population Register; it may not be removed or weakened here."


class OtherPatient(RecordError):
    """An entry does not move between people by an update: it gets a new id there."""

    status = 422
    code = "business-rule"
    text = _("En opplysning kan ikke flyttes til en annen person ved å endre den.")
    english = "An update may not move a resource to another patient; create it there and delete it here."


class UnknownPatient(RecordError):
    """The patient that a resource names is not in this record."""

    status = 422
    code = "not-found"
    text = _("Personen som opplysningen gjelder, finnes ikke i journalen.")
    english = "A reference to a Patient does not name a patient of this record."


class ContextNotFound(RecordError):
    """The security context that a Binary names is absent, or hidden, or another patient's."""

    status = 422
    code = "not-found"
    text = _("Det som vedlegget hører til, finnes ikke i journalen.")
    english = "The securityContext of the Binary does not name a resource of this record that you may see."


class Invalid(RecordError):
    """The content breaks FHIR's definitions; every fault is in `issues`."""

    status = 422
    code = "invalid"
    text = _("Innholdet følger ikke FHIR R4.")
    english = "The resource is not valid FHIR R4."


class Malformed(RecordError):
    """Neither JSON nor XML, or not a resource at all."""

    status = 400
    code = "structure"
    text = _("Innholdet kan ikke leses som FHIR JSON eller XML.")
    english = "The body cannot be read as FHIR JSON or XML."


class NotSupported(RecordError):
    """An interaction, type or format that is not offered."""

    status = 404
    code = "not-supported"
    text = _("Dette støttes ikke.")
    english = "This is not supported."


class MadeAtReading(RecordError):
    """What the access log tells is not written by anybody."""

    status = 405
    code = "not-supported"
    text = _("Loggen skrives av journalen selv.")
    english = "AuditEvents are made of the access log; nobody writes one."


class TooCostly(RecordError):
    """A search that no index can serve."""

    status = 400
    code = "too-costly"
    text = _("Søket er for vidt. Avgrens det med pasient, kode eller tid.")
    english = "The search is too broad to be served; narrow it by patient, code or time."


BY_STATUS: dict[int, type[RecordError]] = {
    404: NotFound, 409: AlreadyThere, 410: Gone, 412: VersionConflict, 422: OtherPatient, 423: ProtectionKept,
}  # fmt: skip
"""Faults as `vault.write` and `vault.read_many` number them; 401, 403, 430 and 433 are access's."""


class MayNotExport(NoNeed):
    """Bulk export without the operator's leave."""

    text = "Masseuttrekk er for systemer som driften har gitt lov til det, og for innbyggere om seg selv."
    english = (
        "Bulk export is for systems that the operator lets (fellesjournal exports allow NAME; of an app that acts by"
        " itself NAME is 'app CLIENT_ID'), and for citizens about themselves."
    )


class MayNotImport(NoNeed):
    """Bulk import without the operator's leave."""

    text = "Masseimport er for systemer som driften har gitt lov til det."
    english = "Bulk import is for systems that the operator lets (fellesjournal imports allow NAME)."
