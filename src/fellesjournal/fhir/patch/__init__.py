"""Patches: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7396) and FHIRPath Patch, applied to a parsed resource.

Pure: the input is never changed, the result is a new resource that has not been validated yet.
A patch that cannot be read is a BadPatch, one that does not fit the resource a PatchConflict; both are PatchErrors.
"""

from fellesjournal.fhir.patch.fhirpath_patch import apply_fhirpath_patch
from fellesjournal.fhir.patch.json_patch import apply_json_patch
from fellesjournal.fhir.patch.merge_patch import apply_merge_patch
from fellesjournal.fhir.patch.model import BadPatch, PatchConflict, PatchError, PatchTestFailed

__all__ = [
    "BadPatch",
    "PatchConflict",
    "PatchError",
    "PatchTestFailed",
    "apply_fhirpath_patch",
    "apply_json_patch",
    "apply_merge_patch",
]
