"""FHIR R4: the official definitions, compiled to validators and extractors of index rows.

Pure: nothing here reads or writes anything but the vendored definitions (`definitions/`), knows a
database or a person.
A write goes through it once: `parse` the bytes, `validate`, `extract`; a refusal goes out as an `outcome`.
`examine` tells warnings too. `invariants` are R4's rules, compiled.
`fhirpath` compiles expressions, `patch` changes a resource as a patch says.
`keys` and `ranges` are shared with the search compiler, so that what is stored and what is asked for
cannot disagree.
"""

from fellesjournal.fhir.code_rules import is_language, is_media_type
from fellesjournal.fhir.extract import extract, extract_added
from fellesjournal.fhir.fhirpath.ucum import is_unit
from fellesjournal.fhir.index_rows import CompositeRow, IndexRows
from fellesjournal.fhir.json_text import BadJson, encode, parse, parse_list, read_verbatim
from fellesjournal.fhir.keys import fold, identifier_text, keyed_hash, param_id
from fellesjournal.fhir.outcome import Issue, outcome
from fellesjournal.fhir.ownership import Owner, date_elements, other_owner_params
from fellesjournal.fhir.patch import (
    BadPatch,
    PatchConflict,
    PatchError,
    PatchTestFailed,
    apply_fhirpath_patch,
    apply_json_patch,
    apply_merge_patch,
)
from fellesjournal.fhir.ranges import OPEN_END, OPEN_START, date_range, number_range
from fellesjournal.fhir.registry import OFFICIAL, AddedParam, Registry, numbers_of, official_numbers
from fellesjournal.fhir.resource_types import RESOURCE_TYPES, TYPE_NUMBER
from fellesjournal.fhir.search_params import (
    SearchParam,
    compartment_params,
    compartment_types,
    has_texts,
    implied_systems,
    is_followed,
    kept_as,
    plain_codes,
    search_params,
)
from fellesjournal.fhir.structures import link_names
from fellesjournal.fhir.subset import SUMMARIES, Summary, is_subset, subset
from fellesjournal.fhir.walker import examine, validate, validate_naming
from fellesjournal.fhir.xml_read import BadXml, read_xml
from fellesjournal.fhir.xml_write import write_xml

__all__ = [
    "OFFICIAL",
    "OPEN_END",
    "OPEN_START",
    "RESOURCE_TYPES",
    "SUMMARIES",
    "TYPE_NUMBER",
    "AddedParam",
    "BadJson",
    "BadPatch",
    "BadXml",
    "CompositeRow",
    "IndexRows",
    "Issue",
    "Owner",
    "PatchConflict",
    "PatchError",
    "PatchTestFailed",
    "Registry",
    "SearchParam",
    "Summary",
    "apply_fhirpath_patch",
    "apply_json_patch",
    "apply_merge_patch",
    "compartment_params",
    "compartment_types",
    "date_elements",
    "date_range",
    "encode",
    "examine",
    "extract",
    "extract_added",
    "fold",
    "has_texts",
    "identifier_text",
    "implied_systems",
    "is_followed",
    "is_language",
    "is_media_type",
    "is_subset",
    "is_unit",
    "kept_as",
    "keyed_hash", "link_names",
    "number_range",
    "numbers_of",
    "official_numbers",
    "other_owner_params",
    "outcome",
    "param_id",
    "parse",
    "parse_list",
    "plain_codes",
    "read_verbatim",
    "read_xml",
    "search_params",
    "subset",
    "validate",
    "validate_naming",
    "write_xml",
]
