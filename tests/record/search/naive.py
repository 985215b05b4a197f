"""The same search, answered by looking at every resource in memory: what the SQL must agree with."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fellesjournal.fhir import param_id, search_params
from fellesjournal.fhir.fhirpath import compile_expression
from fellesjournal.fhir.keys import TEXT_LIMIT, fold, uri_key
from fellesjournal.kit.ids import decode
from fellesjournal.record.ownership import DIRECTORY_TYPES
from fellesjournal.record.search import Chart, Scope, SearchQuery
from fellesjournal.record.search.coded import by_terminology
from fellesjournal.record.search.match import hashes
from fellesjournal.record.search.model import Chain, Clause, Condition, DateValue, Group, NumberValue, TextValue
from fellesjournal.record.search.words import Term, WordsValue
from tests.record.search import codes
from tests.record.search.world import Known, World


@dataclass
class Naive:
    """A reader's view of everything that was written."""

    world: World
    scope: Scope
    people: frozenset[int]
    """Whose rows are within reach: those of the charts, or those on the unit's roster."""
    allowed: frozenset[int]
    """Everybody that the reader may see: a row that names several patients needs them all."""

    def sees(self, item: Known) -> bool:
        if item.patient > 0 and item.patient not in self.people:
            return False
        return all(other in self.allowed for other in item.others)

    def listed(self, item: Known) -> bool:
        """Within the scope of the question itself, beyond being seen."""
        if item.rtype in DIRECTORY_TYPES or item.rtype == "Patient":
            return self.sees(item)
        if isinstance(self.scope, Chart):
            return self.sees(item) and item.patient in self.scope.patients
        return self.sees(item) and item.org == self.scope.unit

    def search(self, query: SearchQuery) -> list[Known]:
        """Every match, newest first."""
        if query.parts:
            every = [k for part in query.parts for k in self.search(part)]
            return sorted(every, key=lambda k: (-k.date.timestamp(), k.pid))
        found = [k for k in self.world.known if k.rtype == query.rtype and self.listed(k)]
        found = [k for k in found if all(self.fulfils(k, c) for c in query.clauses)]
        return sorted(found, key=lambda k: (-k.date.timestamp(), k.pid))

    def fulfils(self, item: Known, wanted: Condition) -> bool:
        if isinstance(wanted, Clause):
            return item.rtype == wanted.rtype and self._clause(item, wanted)
        if isinstance(wanted, Chain):
            refs = {t for t, _ in self._targets(item, wanted.param)}
            near = [k for k in self.world.known if k.ref in refs and self.sees(k)]
            return any(self.fulfils(k, link) for k in near for link in wanted.links)
        if isinstance(wanted, Group):
            return item.rtype == wanted.rtype and _GROUPS[wanted.op](self.fulfils(item, part) for part in wanted.parts)
        sources = [k for k in self.world.known if k.rtype == wanted.rtype and self.sees(k)]
        referring = [k for k in sources if any(t == item.ref for t, _ in self._targets(k, wanted.param))]
        return any(self.fulfils(k, wanted.link) for k in referring)

    def _clause(self, item: Known, c: Clause) -> bool:
        if c.type == "id":
            return item.pid in {found[1] for v in c.values if (found := decode(_text(v)))}
        if c.type == "text":
            (wanted_words,) = c.values
            assert isinstance(wanted_words, WordsValue)
            return _speaks(item.resource, wanted_words, is_narrative=c.code == "_text")
        if by_terminology(c):
            return _is_coded(item.resource, c) != (c.modifier == "not-in")
        values = list(self._values(item, c))
        if c.modifier == "missing":
            return (not values) == (_text(c.values[0]) == "true")
        if c.type in ("token", "reference"):
            wanted = set(hashes(c, self.world.hash64))
            return any(h in wanted for h in values) != (c.modifier == "not")
        fits = _FITS[c.type]
        return any(fits(v, wanted, c, self.world) for v in values for wanted in c.values)

    def _targets(self, item: Known, param: int) -> Iterable[tuple[str, int]]:
        r = item.rows
        for p, target, h in zip(r.reference_param, r.reference_target, r.reference_h, strict=True):
            if p == param and target:
                yield target, h

    def _values(self, item: Known, c: Clause) -> Iterable[Any]:
        r = item.rows
        tables: dict[str, tuple[Sequence[int], Iterable[Any]]] = {
            "token": (r.token_param, r.token_h),
            "reference": (r.reference_param, r.reference_h),
            "date": (r.date_param, zip(r.date_lo, r.date_hi, strict=True)),
            "quantity": (r.quantity_param, zip(r.quantity_unit, r.quantity_lo, r.quantity_hi, strict=True)),
            "string": (r.string_param, zip(r.string_v, r.string_exact, strict=True)),
            "uri": (r.uri_param, r.uri_v),
        }
        params, values = tables[c.type if c.type != "number" else "quantity"]
        if c.code == "_lastUpdated":
            return [(item.updated, item.updated)]
        wanted = param_id(c.rtype, c.code)
        return [v for p, v in zip(params, values, strict=True) if p == wanted]


def _is_coded(resource: Any, c: Clause) -> bool:
    """By the resource's own content: no index row, no hash."""
    found = compile_expression(search_params(c.rtype)[c.code].expression or "").evaluate(resource)
    return any(codes.fulfils(value, c.modifier, _text(v), implied=codes.STATUS) for value in found for v in c.values)


def _speaks(resource: Any, wanted: WordsValue, *, is_narrative: bool) -> bool:
    narrative = [resource["text"]["div"]] if "text" in resource else []
    texts = narrative if is_narrative else list(_strings(resource))
    spoken = [_spoken(text) for text in texts]
    return any(all(_has(spoken, term) != term.is_negated for term in terms) for terms in wanted.alternatives)


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _spoken(text: str) -> list[str]:
    bare = re.sub(r"<[^<>]*>", " ", text) if text.startswith("<div") else text
    composed = unicodedata.normalize("NFC", html.unescape(bare))
    return [fold(word) for word in re.findall(r"[^\W_]+", composed)]


def _has(texts: list[list[str]], term: Term) -> bool:
    many = len(term.words)
    found = (words[n : n + many] for words in texts for n in range(len(words) - many + 1))
    if not term.is_start:
        return any(tuple(words) == term.words for words in found)
    return any(tuple(words[:-1]) == term.words[:-1] and words[-1].startswith(term.words[-1]) for words in found)


def _text(value: Any) -> str:
    assert isinstance(value, TextValue)
    return value.text


def _date(stored: Any, wanted: Any, _c: Clause, _w: World) -> bool:
    assert isinstance(wanted, DateValue)
    lo, hi = stored
    equal = wanted.lo <= lo and hi <= wanted.hi
    answers: dict[str, bool] = {
        "eq": equal, "ne": not equal, "gt": hi > wanted.hi, "lt": lo < wanted.lo,
        "ge": hi > wanted.hi or equal,
        "le": lo < wanted.lo or equal, "sa": lo >= wanted.hi, "eb": hi <= wanted.lo,
        "ap": lo < wanted.hi and hi > wanted.lo,
    }  # fmt: skip
    return answers[wanted.prefix]


def _number(stored: Any, wanted: Any, c: Clause, w: World) -> bool:
    assert isinstance(wanted, NumberValue)
    unit, lo, hi = stored
    if unit != 0 and c.type == "number":
        return False
    if wanted.unit is not None and unit != w.hash64(wanted.unit):
        return False
    value, near = (lo + hi) / 2, abs((lo + hi) / 2 - wanted.value) < 1e-9
    equal = lo >= wanted.lo - 1e-9 and hi <= wanted.hi + 1e-9
    above, below = value > wanted.value and not near, value < wanted.value and not near
    answers: dict[str, bool] = {
        "eq": equal, "ne": not equal, "gt": above, "lt": below, "ge": above or near, "le": below or near,
        "sa": above, "eb": below, "ap": lo < wanted.hi and hi > wanted.lo,
    }  # fmt: skip
    return answers[wanted.prefix]


def _string(stored: Any, wanted: Any, c: Clause, _w: World) -> bool:
    v, exact = stored
    if c.modifier == "exact":
        return bool(exact == _text(wanted))
    if c.modifier in ("eq", "ne"):
        return bool(v == fold(_text(wanted))) == (c.modifier == "eq")
    if c.modifier == "ew":
        return bool(v.endswith(fold(_text(wanted))) if len(v) < TEXT_LIMIT else exact.endswith(_text(wanted)))
    if c.modifier in ("contains", "co"):
        return fold(_text(wanted)) in v
    return bool(v.startswith(fold(_text(wanted))))


def _uri(stored: Any, wanted: Any, c: Clause, _w: World) -> bool:
    text = _text(wanted)
    if c.modifier == "below":
        return bool(stored == text or stored.startswith(text.rstrip("/") + "/"))
    if c.modifier == "above":
        return bool(text == stored or text.startswith(stored + "/"))
    tests: dict[str, bool] = {
        "co": text in stored, "sw": stored.startswith(text), "ew": stored.endswith(text), "ne": stored != uri_key(text)
    }  # fmt: skip
    return tests.get(c.modifier, bool(stored == uri_key(text)))


_GROUPS: dict[str, Callable[[Iterable[bool]], bool]] = {"and": all, "or": any, "not": lambda parts: not any(parts)}
_FITS: dict[str, Callable[[Any, Any, Clause, World], bool]] = {
    "date": _date, "number": _number, "quantity": _number, "string": _string, "uri": _uri,
}  # fmt: skip
