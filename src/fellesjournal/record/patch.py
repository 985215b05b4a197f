"""Patches: read from a body or a bundle's entry, and applied to the version that was read (FHIR http §2.21.0.6)."""

from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.record.errors import Malformed, RecordError, VersionConflict
from fellesjournal.record.lookup import Stored

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"

Patch = Callable[[dict[str, Any]], dict[str, Any]]


class Unpatchable(RecordError):
    """A patch that can't be read, or does not fit the resource."""

    status = 422
    code = "processing"
    text = "Endringen passer ikke til opplysningen."
    english = "The patch does not fit the resource."

    def __init__(self, error: fhir.PatchError) -> None:
        super().__init__(f"The patch was not applied: {error}.")
        self.status = error.status
        self.code = error.code


@dataclass(frozen=True)
class Patched:
    """A resource as a patch leaves it, on top of the version that was read."""

    resource: dict[str, Any]
    expect: int


def json_patch(body: bytes) -> Patch:
    """A JSON Patch (RFC 6902). Raises Malformed."""
    return partial(_apply_json, operations=_operations(body))


def merge_patch(body: bytes) -> Patch:
    """A JSON Merge Patch (RFC 7396). Raises Malformed."""
    return partial(_apply_merge, changes=_object(body))


def fhirpath_patch(body: bytes) -> Patch:
    """A FHIRPath Patch (fhirpatch.html): a Parameters resource. Raises Malformed."""
    return partial(_apply_fhirpath, parameters=_object(body))


def plain_patch(body: bytes) -> Patch:
    """A patch that is announced as plain JSON: Parameters are a FHIRPath Patch, all else is merged. Raises Malformed.

    fhirpy sends its changes like this.
    """
    sent = _object(body)
    if sent.get("resourceType") == "Parameters":
        return partial(_apply_fhirpath, parameters=sent)
    return partial(_apply_merge, changes=sent)


def patch_in(resource: dict[str, Any]) -> tuple[Patch, Any]:
    """The patch of a bundle's entry, and what of it may refer to other entries.

    Parameters hold a FHIRPath Patch, a Binary holds a JSON Patch. Raises Malformed.
    """
    if resource.get("resourceType") == "Parameters":
        return partial(_apply_fhirpath, parameters=resource), resource
    if str(resource.get("contentType", "")).partition(";")[0].strip() != JSON_PATCH:
        raise Malformed(f"A patch in a Binary has the contentType {JSON_PATCH}.")
    try:
        operations = _operations(b64decode(resource["data"], validate=True))
    except (KeyError, TypeError, ValueError):
        raise Malformed("The data of the Binary is not base64.") from None
    return partial(_apply_json, operations=operations), operations


def patched(stored: Stored, patch: Patch, *, expect: int) -> Patched:
    """The stored version with the patch applied. Its type and id stay, whatever the patch says.

    Raises VersionConflict when another version was expected, Unpatchable.
    """
    if expect >= 0 and stored.version != expect:
        raise VersionConflict
    if stored.rtype == "Binary":
        raise Unpatchable(fhir.PatchConflict("the content of a Binary is sent anew, as a whole"))
    try:
        resource = patch(stored.resource())
    except fhir.PatchError as error:
        raise Unpatchable(error) from None
    if resource.get("resourceType") != stored.rtype or resource.get("id") != stored.id:
        raise Unpatchable(fhir.PatchConflict("resourceType and id can't be changed"))
    return Patched(resource, stored.version)


def _apply_json(resource: dict[str, Any], *, operations: list[Any]) -> dict[str, Any]:
    return fhir.apply_json_patch(resource, operations)


def _apply_merge(resource: dict[str, Any], *, changes: dict[str, Any]) -> dict[str, Any]:
    return fhir.apply_merge_patch(resource, changes)


def _apply_fhirpath(resource: dict[str, Any], *, parameters: dict[str, Any]) -> dict[str, Any]:
    return fhir.apply_fhirpath_patch(resource, parameters)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return fhir.parse(body)
    except fhir.BadJson as error:
        raise Malformed(str(error)) from None


def _operations(body: bytes) -> list[Any]:
    try:
        return fhir.parse_list(body)
    except fhir.BadJson as error:
        raise Malformed(str(error)) from None
