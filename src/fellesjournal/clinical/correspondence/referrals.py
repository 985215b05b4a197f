"""A referral to a unit is that unit's need: told when it is addressed, until it is assessed or taken back.

Source: helsepersonelloven §§ 25 and 45; decision templates HENVISNING and VURDHENV; FHIR R4 servicerequest.html and
task.html (a Task that asks somebody to carry a request out). The statuses are FHIR's.
"""

from __future__ import annotations

from typing import Final, Literal

from fellesjournal.access.relations import Referral
from fellesjournal.clinical.pieces import Json, id_in
from fellesjournal.kit import ids
from fellesjournal.record.feed import Entry

TYPES: Final = ("ServiceRequest", "Task")
_NOT_FROM: Final = ("LOAD", "DISTRIBUTE")
_ORDERS: Final = ("order", "original-order", "reflex-order", "filler-order", "instance-order")

Standing = Literal["waiting", "assessed", "ended", "mistaken"]
_STANDINGS: Final[dict[str, dict[str, Standing]]] = {
    "ServiceRequest": {
        "active": "waiting", "on-hold": "waiting", "completed": "assessed", "revoked": "ended",
        "entered-in-error": "mistaken",
    },
    "Task": {
        "requested": "waiting", "received": "waiting", "ready": "waiting", "on-hold": "waiting", "accepted": "assessed",
        "in-progress": "assessed", "completed": "assessed", "rejected": "assessed", "failed": "assessed",
        "cancelled": "ended", "entered-in-error": "mistaken",
    },
}  # fmt: skip
"""By status; a draft, or one of no known status, is no referral yet."""
_GROUNDS: Final = {"waiting": "HENVISNING", "assessed": "VURDHENV"}


def may_be_referral(entry: Entry) -> bool:
    """Whether an entry of the feed may tell of one: written by people or their systems, no loader, not ourselves."""
    return entry.rtype in TYPES and entry.purpose not in _NOT_FROM


def referral_of(resource: Json | None, *, source: int, patient: int, by: int) -> Referral | None:
    """What the row that is there now says of units' needs; None: it is no referral. `by` is the unit that wrote it.

    A row that is gone (None) was a mistake. A unit refers nothing to itself: its own orders are its work list.
    """
    if resource is None:
        return Referral(patient, source, (), "", at_once=True)
    standing = _STANDINGS[resource["resourceType"]].get(str(resource.get("status")))
    units = tuple(unit for unit in _addressed(resource) if unit != by)
    if standing is None or not _asks(resource):
        return None
    if standing in ("ended", "mistaken"):
        return Referral(patient, source, (), "", at_once=standing == "mistaken")
    return Referral(patient, source, units, _GROUNDS[standing])


def _asks(resource: Json) -> bool:
    """Whether it is an order; a Task only when it is for a request: any other one is work, and told as such."""
    if resource["resourceType"] == "ServiceRequest":
        return resource.get("intent") in _ORDERS
    about = [resource.get("focus"), *resource.get("basedOn", ())]
    return resource.get("intent") in _ORDERS and any(id_in(one, "ServiceRequest") for one in about)


def _addressed(resource: Json) -> list[int]:
    """The units of this installation that it is addressed to."""
    asked = resource.get("performer", ()) if resource["resourceType"] == "ServiceRequest" else [resource.get("owner")]
    keys = [ids.decode(found) for one in asked if (found := id_in(one, "Organization"))]
    return [key[1] for key in keys if key]
