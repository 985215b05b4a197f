"""From a query string's pairs to a `SearchQuery`, or a refusal that names the parameter."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Final, cast

from fellesjournal import fhir
from fellesjournal.fhir.keys import TEXTLESS
from fellesjournal.record.search.coded import BY_TERMINOLOGY
from fellesjournal.record.search.composite import parse_composites
from fellesjournal.record.search.dialect import MAX_HOPS, PLAIN, Dialect
from fellesjournal.record.search.error import SearchError, Unknown, UnknownModifier, Unready, refusal, refused
from fellesjournal.record.search.filter import read_filter
from fellesjournal.record.search.lists import read_list
from fellesjournal.record.search.model import (
    Chain,
    Clause,
    Condition,
    Has,
    Include,
    ReferenceValue,
    SearchQuery,
    SortKey,
    TextValue,
    Total,
    Value,
    leaves,
    pieces,
)
from fellesjournal.record.search.order import is_sortable
from fellesjournal.record.search.place import parse_places
from fellesjournal.record.search.values import parse_values
from fellesjournal.record.search.words import READ_BY_WORDS, parse_words

DEFAULT_COUNT: Final = 50
MAX_COUNT: Final = 1000
MAX_IDS: Final = 1000
MAX_CLAUSES: Final = 40
MAX_PIECES: Final = 2000
"""Clauses, with one for each type that a chain may lead to."""
MAX_SORTS: Final = 3
_LONG: Final = 500
MAX_INCLUDES: Final = 20
SUMMARIES: Final = ("true", "false", "count", "text", "data")
_SERVED: Final = ("token", "reference", "date", "string", "quantity", "number", "uri", "composite")
MODIFIERS: Final = {
    "token": ("not", "missing", "text", "of-type", *BY_TERMINOLOGY), "reference": ("missing", "identifier", "text"),
    "date": ("missing",),
    "string": ("exact", "contains", "missing"), "quantity": ("missing",), "number": ("missing",),
    "uri": ("below", "above", "missing"), "composite": ("missing",), "place": ("missing",),
}  # fmt: skip
_NO_ROWS: Final = ("_text", "_content", "_query", "_filter")
_OTHERS_BUSINESS: Final = ("_format", "_pretty")

NEAR: Final = "near"

Pairs = Sequence[tuple[str, str]]


def parse_search(
    rtype: str, params: Pairs, *, strict: bool = True, base: str = "", registry: fhir.Registry = fhir.OFFICIAL
) -> SearchQuery:
    """Understand a search on a type. `base` is this server's own address: references under it are local.

    With `strict` an unknown parameter or modifier is a fault; without, it is left out and told in `ignored`.
    Values that can't be read are always faults. Raises SearchError with every fault found.
    """
    if rtype not in fhir.TYPE_NUMBER:
        raise refusal("type", "no such resource type", code="not-supported")
    work = _Work(rtype, Dialect(base, registry), strict=strict)
    for name, value in params:
        work.take(name, value)
    return work.query()


def ask_patients(query: SearchQuery) -> tuple[str, ...] | None:
    """Ids of the Patients whose charts a parameter bounds the query to; None if none does.

    Searches on a Patient's own `_id`, and on any compartment parameter (`patient=1`, `subject=Patient/1`).
    """
    if query.chart:
        return (query.chart,)
    if query.parts:
        found = set(map(ask_patients, query.parts))
        return found.pop() if len(found) == 1 else None
    for clause in query.clauses:
        ids = _patients_of(clause) if isinstance(clause, Clause) else None
        if ids:
            return ids
    return None


def _patients_of(clause: Clause) -> tuple[str, ...] | None:
    if clause.rtype == "Patient" and clause.code == "_id" and not clause.modifier:
        return tuple(v.text for v in clause.values if isinstance(v, TextValue))
    if clause.type != "reference" or clause.modifier or not _bounds_a_chart(clause):
        return None
    named = [v.local for v in clause.values if isinstance(v, ReferenceValue)]
    if clause.code == "patient":
        named = [("Patient", local[1]) if local and not local[0] else local for local in named]
    ids = tuple(local[1] for local in named if local and local[0] == "Patient")
    return ids if ids and len(ids) == len(clause.values) else None


def _bounds_a_chart(clause: Clause) -> bool:
    return clause.code in ("patient", "subject") or clause.code in fhir.compartment_params(clause.rtype)


def is_served(param: fhir.SearchParam) -> bool:
    """Whether a parameter may be searched by."""
    if param.code in (*_SPECIAL, *READ_BY_WORDS, NEAR):
        return True
    # Two of R4's (a Patient's age and birthOrderBoolean) say of no element that it is meant.
    return param.expression is not None and param.code not in _NO_ROWS and param.type in _SERVED


def is_served_everywhere(param: fhir.SearchParam) -> bool:
    """Whether every type may be searched by a parameter, and several at once."""
    return param.code.startswith("_") and param.code not in READ_BY_WORDS and is_served(param)


class _Work:
    """One query in the making; takes the parameters one by one and gathers faults."""

    def __init__(self, rtype: str, dialect: Dialect, *, strict: bool) -> None:
        self.rtype, self.dialect, self.strict = rtype, dialect, strict
        self.clauses: list[Condition] = []
        self.sort: tuple[SortKey, ...] = ()
        self.count = DEFAULT_COUNT
        self.total: Total = "none"
        self.includes: list[Include] = []
        self.revincludes: list[Include] = []
        self.summary = ""
        self.elements: tuple[str, ...] = ()
        self.used: list[tuple[str, str]] = []
        self.ignored: list[str] = []
        self.faults: list[fhir.Issue] = []

    def take(self, name: str, value: str) -> None:
        """One parameter, whatever it is."""
        try:
            if "\x00" in value:
                raise refusal(name, "a character that no text holds")
            special = _SPECIAL.get(name)
            if special is not None:
                special(self, name, value)
            elif name not in _OTHERS_BUSINESS:
                understood = _remembered if len(value) < _LONG else _understood
                condition, editions = understood(self.rtype, name, value, self.dialect.base, self.dialect.registry)
                self.clauses.append(condition)
                self.dialect.editions.update(editions)
            self.used.append((name, value))
        except Unknown as unknown:
            self.unknown(unknown)
        except SearchError as error:
            self.faults += error.issues

    def unknown(self, unknown: Unknown) -> None:
        """Refuse it or leave it out; a modifier that isn't served is never left out (R4 search, modifiers)."""
        if self.strict or isinstance(unknown, UnknownModifier):
            code = "incomplete" if isinstance(unknown, Unready) else "not-supported"
            self.faults.append(fhir.Issue("error", code, "", f"{unknown.name}: {unknown.why}"))
        else:
            self.ignored.append(unknown.name)

    def query(self) -> SearchQuery:
        """What has been taken; its `params` are those that were understood. Raises SearchError."""
        if sum(map(leaves, self.clauses)) > MAX_CLAUSES:
            self.faults += refusal("search", f"at most {MAX_CLAUSES} conditions", code="too-costly").issues
        if sum(map(pieces, self.clauses)) > MAX_PIECES:
            self.faults += refusal("search", "name the types that references lead to", code="too-costly").issues
        if len(self.includes) + len(self.revincludes) > MAX_INCLUDES:
            self.faults += refusal("_include", f"at most {MAX_INCLUDES}", code="too-costly").issues
        if self.faults:
            raise refused(self.faults)
        return SearchQuery(
            self.rtype, tuple(self.clauses), self.sort, self.count, self.total, tuple(self.includes),
            tuple(self.revincludes), self.summary, self.elements, tuple(self.ignored), tuple(self.used),
            editions=tuple(sorted(self.dialect.editions)),
        )  # fmt: skip

    def take_sort(self, name: str, value: str) -> None:
        """`_sort=-date,name`."""
        keys = [part.strip() for part in value.split(",") if part.strip()]
        if len(keys) > MAX_SORTS:
            raise refusal(name, f"at most {MAX_SORTS} keys")
        self.sort = tuple(_sort_key(self.rtype, key, self.dialect) for key in keys)

    def take_count(self, name: str, value: str) -> None:
        """`_count=20`; more than MAX_COUNT gives MAX_COUNT."""
        if not value.isascii() or not value.isdigit():
            raise refusal(name, "a whole number, 0 or more")
        self.count = min(int(value[:9]), MAX_COUNT)

    def take_total(self, name: str, value: str) -> None:
        """`_total=accurate`."""
        if value not in ("none", "estimate", "accurate"):
            raise refusal(name, "none, estimate or accurate")
        self.total = cast(Total, value)

    def take_total_method(self, name: str, value: str) -> None:
        """`_totalMethod=count`, as fhirpy and Aidbox write `_total`."""
        self.take_total(name, "accurate" if value == "count" else value)

    def take_include(self, name: str, value: str) -> None:
        """`_include=Observation:subject:Patient`."""
        self.includes.append(_include(name, value, self.dialect, iterate=name.endswith(":iterate")))

    def take_revinclude(self, name: str, value: str) -> None:
        """`_revinclude=Provenance:target`."""
        self.revincludes.append(_include(name, value, self.dialect, iterate=name.endswith(":iterate")))

    def take_summary(self, name: str, value: str) -> None:
        """`_summary=count` asks for the total alone; the others are for whoever writes the answer."""
        if value not in SUMMARIES:
            raise refusal(name, "one of " + ", ".join(SUMMARIES))
        self.summary = value
        if value == "count":
            self.count, self.total = 0, "accurate"

    def take_filter(self, _name: str, value: str) -> None:
        """`_filter=given eq "peter" and birthdate ge 2014-10-10`."""
        known = partial(_known, dialect=self.dialect)
        self.clauses += read_filter(value, rtype=self.rtype, known=known, base=self.dialect.base)

    def take_list(self, name: str, value: str) -> None:
        """`_list=42`, `_list=$current-problems`."""
        self.clauses += read_list(self.rtype, name, value, partial(parse_condition, dialect=self.dialect))

    def take_contained(self, name: str, value: str) -> None:
        """`_contained=false`, which is how it is; contained resources are not searched."""
        if value != "false":
            raise refusal(name, "contained resources are not searched by themselves", code="not-supported")

    def take_elements(self, _name: str, value: str) -> None:
        """`_elements=status,code`, for whoever writes the answer."""
        self.elements = tuple(part.strip() for part in value.split(",") if part.strip())


_SPECIAL: Final[dict[str, Callable[[_Work, str, str], None]]] = {
    "_sort": _Work.take_sort, "_count": _Work.take_count, "_total": _Work.take_total,
    "_totalMethod": _Work.take_total_method,
    "_include": _Work.take_include, "_include:iterate": _Work.take_include,
    "_revinclude": _Work.take_revinclude, "_revinclude:iterate": _Work.take_revinclude,
    "_summary": _Work.take_summary, "_elements": _Work.take_elements,
    "_filter": _Work.take_filter, "_list": _Work.take_list, "_contained": _Work.take_contained,
}  # fmt: skip


def _understood(
    rtype: str, name: str, value: str, base: str, registry: fhir.Registry
) -> tuple[Condition, frozenset[int]]:
    """A condition and the editions that it needs."""
    dialect = Dialect(base, registry)
    return parse_condition(rtype, name, value, dialect=dialect), frozenset(dialect.editions)


_remembered = lru_cache(maxsize=4096)(_understood)
"""The same codes are asked for of one patient after another; what is longer than `_LONG` would fill the memory."""


def parse_condition(rtype: str, name: str, value: str, *, dialect: Dialect = PLAIN, hops: int = 0) -> Condition:
    """One search parameter with its modifiers, chains and values."""
    if name.startswith("_has:"):
        return _has(rtype, name, value, dialect, hops)
    head, dot, rest = name.partition(".")
    if dot:
        return _chain(rtype, name, head, rest, value, dialect, hops)
    code, _, modifier = name.partition(":")
    param = _known(rtype, name, code, dialect)
    if code == "_id":
        return _id_clause(rtype, name, value, modifier)
    if code in READ_BY_WORDS:
        if modifier:
            raise UnknownModifier(name, f"{code} takes no modifier")
        return Clause(rtype, code, "text", 0, "", (parse_words(name, value),))
    kind = "place" if code == NEAR else param.type
    _check_modifier(name, param, modifier, kind)
    kept = "" if modifier in fhir.TYPE_NUMBER else modifier
    return Clause(rtype, code, kind, param.id, kept, _values(rtype, name, value, param, modifier, dialect))


def _values(
    rtype: str, name: str, value: str, param: fhir.SearchParam, modifier: str, dialect: Dialect
) -> tuple[Value, ...]:
    if param.type == "composite" and not modifier:
        params = dialect.registry.params(rtype)
        return parse_composites(rtype, name, value, param=param, params=params, base=dialect.base)
    if param.code == NEAR and not modifier:
        return parse_places(name, value)
    return parse_values(name, value, param=param, modifier=modifier, base=dialect.base)


def _known(rtype: str, name: str, code: str, dialect: Dialect) -> fhir.SearchParam:
    param = dialect.find(rtype, name, code)
    if param is None:
        raise Unknown(name, f"{rtype} has no search parameter of this name")
    if code in _SPECIAL or not is_served(param):
        raise Unknown(name, "this parameter is not served here")
    return param


def _check_modifier(name: str, param: fhir.SearchParam, modifier: str, kind: str) -> None:
    if modifier == "text" and param.code in TEXTLESS:
        raise UnknownModifier(name, "labels and tags are found by their codes alone")
    if not modifier or modifier in MODIFIERS[kind]:
        return
    if param.type == "reference" and modifier in (param.targets or fhir.TYPE_NUMBER):
        return
    raise UnknownModifier(name, f"a {kind} parameter takes no modifier of this name here")


def _id_clause(rtype: str, name: str, value: str, modifier: str) -> Clause:
    if modifier:
        raise UnknownModifier(name, "_id takes no modifier")
    ids = [part.strip() for part in value.split(",")]
    if len(ids) > MAX_IDS:
        raise refusal(name, f"at most {MAX_IDS} values", code="too-costly")
    if not all(ids):
        raise refusal(name, "an empty value")
    return Clause(rtype, "_id", "id", 0, "", tuple(TextValue(i.removeprefix(f"{rtype}/")) for i in ids))


def _chain(rtype: str, name: str, head: str, rest: str, value: str, dialect: Dialect, hops: int) -> Chain:
    code, _, wanted = head.partition(":")
    param = _known(rtype, name, code, dialect)
    if param.type != "reference":
        raise Unknown(name, f"only a reference can be followed, and {code} is a {param.type}")
    _check_hops(name, hops)
    if wanted and wanted not in (param.targets or fhir.TYPE_NUMBER):
        raise Unknown(name, f"{code} never refers to that type")
    types = (wanted,) if wanted else param.targets
    links = [link for t in types if (link := _try_link(t, rest, value, dialect, hops, alone=len(types) == 1))]
    if not links:
        raise Unknown(name, "no type that it may refer to has such a parameter")
    return Chain(rtype, code, param.id, tuple(links))


def _try_link(rtype: str, rest: str, value: str, dialect: Dialect, hops: int, *, alone: bool) -> Condition | None:
    try:
        return parse_condition(rtype, rest, value, dialect=dialect, hops=hops + 1)
    except Unknown as unknown:
        if alone or isinstance(unknown, Unready):
            raise
        return None


def _has(rtype: str, name: str, value: str, dialect: Dialect, hops: int) -> Has:
    _check_hops(name, hops)
    pieces = name.split(":", 3)
    if len(pieces) < 4 or pieces[1] not in fhir.TYPE_NUMBER:
        raise refusal("_has", "is _has:Type:reference:parameter=value")
    _, source, code, rest = pieces
    param = _known(source, name, code, dialect)
    if param.type != "reference" or (param.targets and rtype not in param.targets):
        raise Unknown(name, f"{source}.{code} never refers to {rtype}")
    return Has(source, code, param.id, parse_condition(source, rest, value, dialect=dialect, hops=hops + 1))


def _check_hops(name: str, hops: int) -> None:
    if hops >= MAX_HOPS:
        raise refusal(name, f"at most {MAX_HOPS} references may be followed", code="too-costly")


def _sort_key(rtype: str, text: str, dialect: Dialect) -> SortKey:
    descending, code = text.startswith("-"), text.lstrip("-")
    if code == "_id":
        return SortKey("_id", "", 0, descending)
    param = dialect.find(rtype, "_sort", code)
    if param is None or code in _NO_ROWS or not is_sortable(rtype, param):
        raise Unknown("_sort", f"{rtype} can't be sorted by this")
    return SortKey(code, param.type, param.id, descending)


def _include(name: str, value: str, dialect: Dialect, *, iterate: bool) -> Include:
    if value == "*":
        return Include("", (), iterate=iterate)
    source, _, rest = value.partition(":")
    code, _, target = rest.partition(":")
    if source not in fhir.TYPE_NUMBER or not code or (target and target not in fhir.TYPE_NUMBER):
        raise refusal(name, "is Type:parameter, Type:parameter:Target or *")
    if code == "*":
        found = [p.id for p in dialect.ready_params(source) if p.type == "reference"]
        return Include(source, tuple(sorted(found)), target, iterate)
    param = _known(source, name, code, dialect)
    if param.type != "reference":
        raise Unknown(name, f"{code} is not a reference")
    return Include(source, (param.id,), target, iterate)
