"""FHIR R4 search: query strings to clauses, clauses to SQL under row-level security, signed cursors.

`parse_search` understands, `ask_patients` tells whose chart is asked for, `compile_search` writes one SQL
text whose values are all parameters, `Cursor` continues. Rows are those of `compile.COLUMNS`.
What needs terminology (`:in`, `:not-in`, `:above` and `:below` of codes) becomes plain codes by `with_codes`.
"""

from fellesjournal.record.search.coded import CodeSets, with_codes
from fellesjournal.record.search.compile import (
    K_INCLUDE,
    K_MATCH,
    K_MORE,
    K_NOTICE,
    K_TOTAL,
    NOTICE_INCLUDES,
    NOTICE_INDEX,
    NOTICE_SORT,
    NOTICE_TEXT,
    Compiled,
    compile_first_page,
    compile_many,
    compile_search,
    next_cursor,
)
from fellesjournal.record.search.cursor import Cursor, open_cursor, seal_cursor
from fellesjournal.record.search.error import NotIndexed, SearchError
from fellesjournal.record.search.lists import Lists, Member, members_of, with_members
from fellesjournal.record.search.model import SearchQuery, local_ids
from fellesjournal.record.search.query import ask_patients, is_served, is_served_everywhere, parse_search
from fellesjournal.record.search.scope import OWN_DATE, Chart, Listing, Scope
from fellesjournal.record.search.together import ANY_TYPE, COMPARTMENTS, parse_compartment_search, parse_system_search

__all__ = [
    "ANY_TYPE",
    "COMPARTMENTS",
    "K_INCLUDE",
    "K_MATCH",
    "K_MORE",
    "K_NOTICE",
    "K_TOTAL",
    "NOTICE_INCLUDES",
    "NOTICE_INDEX",
    "NOTICE_SORT",
    "NOTICE_TEXT",
    "OWN_DATE",
    "Chart",
    "CodeSets",
    "Compiled",
    "Cursor",
    "Listing",
    "Lists",
    "Member",
    "NotIndexed",
    "Scope",
    "SearchError",
    "SearchQuery",
    "ask_patients",
    "compile_first_page",
    "compile_many",
    "compile_search",
    "is_served",
    "is_served_everywhere",
    "local_ids",
    "members_of",
    "next_cursor",
    "open_cursor",
    "parse_compartment_search",
    "parse_search",
    "parse_system_search",
    "seal_cursor",
    "with_codes",
    "with_members",
]
