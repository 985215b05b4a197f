# ruff: noqa: E501 - tables of what is tried read best a line each
"""Requests that nobody should send, made by hypothesis: to any address, with real forms and resources gone wrong."""

import json
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.crawl import Form
from tests.faults.requests import Sent

Strategy = st.SearchStrategy
Made = TypeVar("Made")
_settings = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def _mostly(common: Strategy[Any], rare: Strategy[Any]) -> Strategy[Any]:
    """One in five is the rare one; `|` would take both as often."""
    return st.integers(0, 4).flatmap(lambda number: rare if number == 4 else common)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ENDING = ("/logg-ut", "/kontekst", "/okt", "/logg-inn", "/logget-ut", "/tidsavbrudd")
"""Addresses that may end a session, for readers who can lose theirs."""
RESOURCE_TYPES = ("Patient", "Observation", "Binary", "Bundle", "Organization", "Parameters", "Romskip", "_history")

_TEXTS: Strategy[str] = st.text(max_size=12) | st.sampled_from(
    ["", "\x00", "..", "%", "²", "a" * 5000, "'; --", "\ud7ff", "e\u0301\u0301", "\u202e", "*", "\\", "\r\n", "<b>"]
)
_VALUES: Strategy[str] = _TEXTS | st.sampled_from([
    "1", "-1", "0", "99999999999999999999", "true", "2024-02-30", "gt2024", "13:61", "Patient/1", "Observation:*", "json",
    "application/fhir+xml", "name eq a and (", "a|b", "K86|Hypertensjon", "NaN", "1e400", "36,6", "2999-12-31", "on", "A",
    "0001-01-01", "final", "https://ond.no/", "//ond.no", "http://loinc.org|8480-6", "8480-6|http://x|120", "000000000000001",
])  # fmt: skip
_PARAMS = st.sampled_from([
    "_id", "_count", "_sort", "_include", "_revinclude:iterate", "_cursor", "_since", "_at", "_elements", "_summary",
    "_format", "_pretty", "_has:Observation:patient:code", "_filter", "_list", "_lastUpdated", "code", "date", "patient",
    "identifier", "value-quantity", "subject:Patient.name", "_total", "status:not", "siden", "til", "slag", "eldre_enn",
])  # fmt: skip
_PAIRS = st.lists(st.tuples(_PARAMS | _TEXTS, _VALUES), min_size=1, max_size=4).map(urlencode)
_QUERIES: Strategy[str] = st.sampled_from(["", "", "", "?", "?%ff", "?a=%zz", "?&="]) | _PAIRS.map("?{}".format)
_PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"), max_size=12)
_HEADER_NAMES = st.sampled_from([
    "If-Match", "If-None-Match", "If-Modified-Since", "If-None-Exist", "Prefer", "Accept", "Range", "Accept-Language",
    "Content-Type", "Content-Encoding", "Idempotency-Key", "Cookie", "X-Forwarded-For", "X-Security-Context", "HX-Request",
    "Authorization", "Origin", "Accept-Encoding", "Forwarded",
])  # fmt: skip
_HEADER_VALUES = _PRINTABLE | st.sampled_from([
    'W/"1"', '"', "*", "bytes=0-", "bytes=9-1,5-", "identifier=a|b", "return=minimal", "handling=lenient", "q=,;q=", "null",
    "application/json", "application/json-patch+json", "multipart/form-data", "multipart/form-data; boundary=x", "gzip",
    "application/fhir+json; charset=latin-1", "application/fhir+json;fhirVersion=9", "Mon, 99 Foo 2026 25:61:61 GMT", "br",
    "Bearer ", "Basic YTpi", "fellesjournal=x", "nb-NO,*;q=0.5", "Patient/1", "application/fhir+xml", "text/html",
])  # fmt: skip
_HEADERS: Strategy[Any] = st.just(()) | st.lists(st.tuples(_HEADER_NAMES, _HEADER_VALUES), max_size=2).map(tuple)
_JSON: Strategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
_POINTERS = st.sampled_from(["", "/", "/id", "/name/0", "/name/-", "~2", "/meta", "/code/coding/0/code", "/x"])
_PATCHES = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"])},
        optional={"path": _POINTERS, "value": _JSON, "from": _POINTERS},
    ),
    max_size=3,
)
_BROKEN: Strategy[bytes] = st.binary(max_size=20) | st.sampled_from([
    b"{", b"{}", b"[" * 3000, b'{"a":' * 300, b"<Patient", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"\xff\xfe{", b"null",
    b'<Patient xmlns="http://hl7.org/fhir"><id value="x"/></Patient>', b"a=b&" * 3000, b"[]", b'"a"', b"%zz=%ff&=&&\x00",
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\na\r\n--x--', b"--x\r\n\r\n",
])  # fmt: skip
_ANYTHING: Strategy[bytes] = st.just(b"") | _BROKEN | _PAIRS.map(str.encode)
_KINDS = {b"{": "application/fhir+json", b"[": "application/json-patch+json", b"<": "application/fhir+xml"}


def made(strategy: Strategy[Made], count: int) -> list[Made]:
    """Examples of a strategy. They are made before any is sent: how quick the site is has no part in it."""
    examples: list[Made] = []

    def keep(example: Made) -> None:
        examples.append(example)

    settings(_settings, max_examples=count)(given(strategy)(keep))()
    return examples


def to_a_door(method: str, path: str, *, people: list[str], resources: list[dict[str, Any]]) -> Strategy[Sent]:
    """A request to an address with places, mostly by its own method and with something of the right kind in it."""
    if not path.startswith("/fhir"):
        readers = ["guest"] if path.startswith(ENDING) else ["gp", "nurse", "citizen", "nobody"]
        return _sent(method, _address(path, {"patient": people}), _ANYTHING, readers)
    return st.sampled_from(resources).flatmap(lambda one: _to_fhir(method, path, one))


def _to_fhir(method: str, path: str, resource: dict[str, Any]) -> Strategy[Sent]:
    """About a resource that is there, or of its type."""
    right = {"PATCH": _PATCHES.map(_dumped), "POST": _mangled(resource), "PUT": _mangled(resource)}
    address = _address(path, {"rtype": [resource["resourceType"]], "id": [resource.get("id", "valgt-id")]})
    body = _mostly(right.get(method, st.just(b"")), _ANYTHING)
    return _sent(method, address, body, ["system", "gp", "gp", "gp", "nobody"])


def _sent(method: str, address: Strategy[str], body: Strategy[bytes], readers: list[str]) -> Strategy[Sent]:
    return st.builds(
        Sent,
        method=_mostly(st.just(method), st.sampled_from(METHODS)),
        url=st.tuples(address, _QUERIES).map("".join),
        headers=_HEADERS,
        body=body,
        reader=st.sampled_from(readers),
    ).map(_with_type)


def of_a_form(reader: str, form: Form) -> Strategy[Sent]:
    """A form from a page, sent by the reader who saw it, with some of its fields changed, left out or sent twice."""

    def filled(changes: list[tuple[int, str | None]], more: list[tuple[str, str]]) -> Sent:
        fields: list[tuple[str, str] | None] = list(form.fields)
        for at, value in changes:
            fields[at] = None if value is None else (form.fields[at][0], value)
        body = urlencode([pair for pair in fields if pair is not None] + more)
        if form.method == "GET":
            return Sent("GET", f"{form.url.partition('?')[0]}?{body}", reader=reader)
        kind = (("Content-Type", "application/x-www-form-urlencoded"),)
        return Sent(form.method, form.url, kind, body.encode(), reader)

    changes = st.lists(st.tuples(st.integers(0, len(form.fields) - 1), _VALUES | st.none()), max_size=3)
    names = st.sampled_from([name for name, _ in form.fields])
    more: Strategy[list[tuple[str, str]]] = st.just([]) | st.lists(st.tuples(names, _VALUES), max_size=2)
    return st.builds(filled, changes, more)


def _address(path: str, known: dict[str, list[str]]) -> Strategy[str]:
    """The address with something in each of its places, mostly what belongs there."""
    known = {"version": ["1", "0", "2147483648", "-1"], "path:path": ["$everything", "a/b/c", "x"]} | known
    parts: list[Strategy[str]] = []
    for name, _, rest in (part.partition("}") for part in f"}}{path}".split("{")):
        if name:
            sure = st.sampled_from(known.get(name, ["000000000000001", "valgt-id"]))
            parts.append(_mostly(sure, _TEXTS.map(quote) | st.sampled_from(RESOURCE_TYPES)))
        parts.append(st.just(rest))
    return st.tuples(*parts).map("".join)


def _mangled(resource: dict[str, Any]) -> Strategy[bytes]:
    """A resource with some of its places holding something else."""

    def mangle(changes: list[tuple[int, Any]]) -> bytes:
        mangled = json.loads(json.dumps(resource))
        for number, value in changes:
            places = _places(mangled)
            holder, key = places[number % len(places)]
            holder[key] = value
        return _dumped(mangled)

    return st.lists(st.tuples(st.integers(0, 200), _JSON), max_size=2).map(mangle)


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    inner = [place for key in keys if isinstance(value[key], dict | list) for place in _places(value[key])]
    return [(value, key) for key in keys] + inner


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _with_type(sent: Sent) -> Sent:
    if not sent.body or any(name == "Content-Type" for name, _ in sent.headers):
        return sent
    kind = _KINDS.get(sent.body[:1], "application/x-www-form-urlencoded")
    return replace(sent, headers=(*sent.headers, ("Content-Type", kind)))
