"""Address protection as the clinical pages keep it: for a strictly protected person a unit's name counts as address.

Source: folkeregisterloven § 10-4 and the design's rule that "strengt fortrolig" hides address and municipality
everywhere: lists, timeline, log. The kind of service may be told; its name and telephone may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fellesjournal.web import _
from fellesjournal.web.i18n import translated

PROTECTIONS: Final = ("fortrolig", "strengtFortrolig")
STRICT: Final = "strengtFortrolig"

SERVICES: Final = {
    "KA01": _("Fastlege"),
    "KA02": _("Legevakt"),
    "KF01": _("Helsestasjon og skolehelsetjeneste"),
    "KP01": _("Sykehjemslege"),
    "KP02": _("Sykepleietjeneste"),
}
"""Service types of Volven 8663, as they are called here."""
HIDDEN: Final = _("Skjermet enhet")
_KIND_OF_SERVICE: Final = "urn:oid:2.16.578.1.12.4.1.1.8663"


def protection_of(person: Mapping[str, Any]) -> str | None:
    """The kind of address protection, if there is one."""
    codes = (label.get("code") for label in person.get("meta", {}).get("security", ()))
    return next((code for code in codes if code in PROTECTIONS), None)


def is_strict(person: Mapping[str, Any]) -> bool:
    """Whether no page about this person may name a unit."""
    return protection_of(person) == STRICT


def service_told(reference: Mapping[str, Any]) -> str:
    """The kind of service that the vault tells in the place of a masked unit (Volven 8663), '' for none."""
    found = (one.get("valueCode") for one in reference.get("extension", ()) if one.get("url") == _KIND_OF_SERVICE)
    return str(next(found, ""))


def hidden_unit(language: str, service: str = "") -> str:
    """What stands in the place of a unit's name: the kind of service when it is known (Volven 8663)."""
    return translated(language, SERVICES.get(service) or HIDDEN)
