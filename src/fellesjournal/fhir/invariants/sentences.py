"""What an invariant says in plain words: those that clients will meet; of others the standard's own text."""

from __future__ import annotations

from typing import Final

from fellesjournal.fhir.structures import RawRule


def sentence(rule: RawRule, type_name: str) -> str:
    """Return what is to be told when an invariant of an element of this type is broken, with its key at the end."""
    root = type_name.partition(".")[0]
    text = _PLAIN.get(f"{root} {rule.key}") or _PLAIN.get(rule.key) or " ".join(rule.human.split()).rstrip(".")
    return f"{text} ({rule.key})"


_NAME: Final = "name should be a capital letter, then letters, digits and underscores: programs are made with it"

_PLAIN: Final[dict[str, str]] = {
    "age-1": "an age needs a value above 0 and a UCUM code for its unit",
    "ait-1": "clinicalStatus is required, unless verificationStatus is entered-in-error",
    "ait-2": "clinicalStatus may not be given when verificationStatus is entered-in-error",
    "app-1": "a participant needs an actor or a type",
    "app-2": "start and end are given together, or neither is",
    "app-3": "start and end are required, unless the status is proposed, cancelled or waitlist",
    "app-4": "cancelationReason is only for an appointment that is cancelled or noshow",
    "apr-1": "participantType or actor is required",
    "att-1": "data needs a contentType beside it",
    "bdl-1": "total is only for a searchset or a history",
    "bdl-2": "search is only for the entries of a searchset",
    "bdl-3": "every entry of a batch, transaction or history has a request; entries of other bundles have none",
    "bdl-4": "every entry of a response or history has a response; entries of other bundles have none",
    "bdl-5": "an entry needs a resource, a request or a response",
    "bdl-7": "a fullUrl may stand once, or once for each meta.versionId",
    "bdl-8": "a fullUrl may not name a version (/_history/)",
    "bdl-9": "a document needs an identifier with system and value",
    "bdl-10": "a document needs a timestamp",
    "bdl-11": "the first entry of a document is a Composition",
    "bdl-12": "the first entry of a message is a MessageHeader",
    "cmp-1": "a section needs a text, entries or sections of its own",
    "cmp-2": "emptyReason may not be given when the section has entries",
    "cnt-3": "a count is a whole number with the UCUM code 1",
    "con-1": "a stage needs a summary or an assessment",
    "con-2": "evidence needs a code or a detail",
    "con-3": "clinicalStatus should be given for what is on a problem list and not entered-in-error",
    "con-4": "what is abated has the clinicalStatus inactive, resolved or remission",
    "con-5": "clinicalStatus may not be given when verificationStatus is entered-in-error",
    "cpl-3": "an activity has a reference or a detail, not both",
    "cpt-2": "a value needs a system beside it: phone, email or another",
    "csd-1": "a code may stand only once in a code system",
    "ctm-1": "onBehalfOf is only for a member that is a Practitioner",
    "dis-1": "a distance needs a UCUM code for its unit",
    "dom-3": "every contained resource is referred to as #id from elsewhere in the resource, or refers to it as #",
    "dom-4": "a contained resource has no meta.versionId and no meta.lastUpdated",
    "dom-5": "a contained resource has no security labels of its own",
    "dom-6": "a text for people to read (narrative) should be given",
    "drt-1": "a duration with a code needs a value, and UCUM as its system",
    "fhs-1": "give age or born, not both",
    "fhs-2": "estimatedAge is only for an age",
    "gol-1": "a target with a detail needs a measure",
    "grp-1": "only an actual group has members",
    "imm-1": "education needs a documentType or a reference",
    "imr-1": "a recommendation needs a vaccineCode or a targetDisease",
    "lst-1": "emptyReason may not be given when the list has entries",
    "lst-2": "deleted is only for the entries of a list whose mode is changes",
    "lst-3": "date is only for the entries of a list whose mode is working",
    "mad-1": "a dosage needs a dose or a rate",
    "mdd-1": "whenHandedOver may not be before whenPrepared",
    "obs-3": "a reference range needs low, high or text",
    "obs-6": "dataAbsentReason may not be given when there is a value",
    "obs-7": "an observation with a value may not have a component with the same code",
    "org-1": "an organization needs a name or an identifier",
    "org-2": "an organization has no address of use home",
    "org-3": "an organization has no telecom of use home",
    "pat-1": "a contact needs a name, telecom, address or organization",
    "per-1": "a period may not start after it ends",
    "ppc-1": "policy or policyRule is required",
    "prr-1": "orderDetail needs a code beside it",
    "qrs-1": "an item has answers or items of its own, not both",
    "qty-3": "a quantity with a code needs the code's system beside it",
    "que-1": "a group needs items, and a display item has none",
    "que-2": "a linkId may stand only once in a questionnaire",
    "que-7": "with the operator exists the answer is true or false",
    "ras-2": "a probability is at most 100",
    "rat-1": "numerator and denominator are given together; without them an extension must say why",
    "rng-2": "low may not be above high",
    "sqty-1": "no comparator may be given here: the quantity must be exact",
    "tim-1": "duration needs durationUnit beside it",
    "tim-2": "period needs periodUnit beside it",
    "tim-4": "duration may not be below 0",
    "tim-5": "period may not be below 0",
    "tim-6": "periodMax needs period beside it",
    "tim-7": "durationMax needs duration beside it",
    "tim-8": "countMax needs count beside it",
    "tim-9": "offset needs a when beside it, and none of C, CM, CD and CV",
    "tim-10": "give timeOfDay or when, not both",
    "Parameters inv-1": "a parameter has a value, a resource or parts: exactly one of them",
    "Task inv-1": "lastModified may not be before authoredOn",
    **{f"{kind}-0": _NAME for kind in ("adf", "cpb", "csd", "cmd", "lib", "mea", "nsd", "pdf", "que", "sdf", "vsd")},
}
