"""A laboratory answer signed: a Provenance of the versions that were looked at, and back to "signed by, when".

The signature holds no cryptographic data: what binds it is the session at level 4, the history that cannot be changed,
and the sealed log. Source: FHIR R4 Provenance and Signature (type by ASTM E1762-95, "review signature");
pasientjournalforskriften § 10 (who wrote or approved, with role and unit, and when).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fellesjournal.access.model import PatientId
from fellesjournal.clinical.directory import Directory
from fellesjournal.clinical.pieces import (
    HL7,
    LOCAL,
    Json,
    codes_in,
    concept,
    instant,
    moment,
    patient_id,
    patient_ref,
    practitioner_ref,
    ref,
    unit_ref,
    words,
)
from fellesjournal.identity.model import ROLE_NAMES, Reader
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored

_E1762: Final = "urn:iso-astm:E1762-95:2013"
_REVIEW: Final = "1.2.840.10065.1.12.1.6"
_AUTHENTICATED: Final = concept(f"{HL7}v3-DocumentCompletion", "AU", "authenticated", text="Signert prøvesvar")
_VERIFIER: Final = concept(f"{HL7}provenance-participant-type", "verifier", "Verifier")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed one version of one resource, and when. `role` as the role is called."""

    target: str
    version: int
    name: str
    role: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A report with its results, each as the version that stands now; the report first."""

    parts: tuple[Stored, ...]

    @property
    def seen(self) -> str:
        """The versions as a form carries them: what the signer had on the screen."""
        return "-".join(str(part.version) for part in self.parts)


async def read_answer(journal: Journal, *, patient: PatientId, report: str) -> Answer:
    """A report and those of its results that the reader may see. Raises NotFound."""
    head = await journal.read("DiagnosticReport", report)
    named = [one.get("reference", "").partition("/") for one in head.resource().get("result", ())]
    keys = [key for kind, _, key in named if kind == "Observation" and key]
    if not keys:
        return Answer((head,))
    about = [("patient", patient_id(patient)), ("_id", ",".join(keys)), ("_count", str(len(keys)))]
    found = {one.id: one for one in (await journal.search("Observation", about)).matches}
    return Answer((head, *(found[key] for key in keys if key in found)))


def signature_wish(patient: str, *, most: int = 200) -> tuple[str, str, list[tuple[str, str]]]:
    """The search for what was signed last in a chart, newest first."""
    return ("signatures", "Provenance", [("patient", patient), ("_sort", "-recorded"), ("_count", str(most))])


def sign_answer(answer: Answer, *, patient: PatientId, reader: Reader, at: datetime) -> Json:
    """The Provenance of an answer looked at and signed by the reader, in the role and for the unit acted in."""
    who = {"who": practitioner_ref(reader), "onBehalfOf": unit_ref(reader)}
    role = concept(f"{LOCAL}role", reader.role, ROLE_NAMES.get(reader.role, ""))
    kind = {"system": _E1762, "code": _REVIEW, "display": "Review Signature"}
    return {
        "resourceType": "Provenance",
        # The patient is a target because R4 finds whose a Provenance is by that alone.
        "target": [*(_at_version(part) for part in answer.parts), patient_ref(patient)],
        "occurredDateTime": instant(at),
        "recorded": instant(at),
        "activity": _AUTHENTICATED,
        "agent": [{"type": _VERIFIER, "role": [role], **who}],
        "signature": [{"type": [kind], "when": instant(at), **who}],
    }


def signatures_from(rows: Iterable[Json], directory: Directory) -> dict[str, Signature]:
    """The newest signature of each resource by `Type/id`."""
    found: dict[str, Signature] = {}
    for row in rows:
        for one in _signatures(row, directory):
            if one.target not in found or found[one.target].at < one.at:
                found[one.target] = one
    return found


def _at_version(part: Stored) -> Json:
    return ref(part.rtype, f"{part.id}/_history/{part.version}")


def _signatures(row: Json, directory: Directory) -> Sequence[Signature]:
    signed = next((one for one in row.get("signature", ()) if _is_review(one)), None)
    at = moment((signed or {}).get("when"))
    if signed is None or at is None:
        return ()
    agent: Json = next(iter(row.get("agent", ())), {})
    role = words(next(iter(agent.get("role", ())), None))
    name = directory.name(signed.get("who"))
    return [Signature(target, version, name, role, at) for target, version in _targets(row)]


def _is_review(signature: Json) -> bool:
    return any(_REVIEW in codes_in({"coding": [kind]}, _E1762) for kind in signature.get("type", ()))


def _targets(row: Json) -> Iterable[tuple[str, int]]:
    for one in row.get("target", ()):
        target, _, version = one.get("reference", "").partition("/_history/")
        if version.isascii() and version.isdigit():
            yield target, int(version)
