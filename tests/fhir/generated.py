# ruff: noqa: E501 - tables of strategies read best a line each
"""Resources made from the definitions: every element, type and form that R4 has may turn up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st

from fellesjournal.fhir import RESOURCE_TYPES
from fellesjournal.fhir.structures import Field, Structure, bound_codes, is_primitive, structure
from tests.fhir.samples import Json

_XHTML: Final = "http://www.w3.org/1999/xhtml"
_words = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=12)
_lines = st.sampled_from(["a\nb", "\ta", "a\r\nb", ' "x" <y> &amp; \'z\' ', "æøå 𝄞"])
_texts = st.one_of(_words, _lines)
_decimals = st.one_of(
    st.sampled_from([Decimal(d) for d in ("72.50", "0.0", "-1.10", "1E+3", "1.0E-10", "0.000000010", "1E-7")]),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4),
)
_tokens = st.from_regex(r"[A-Za-z0-9\-]{1,12}", fullmatch=True)
_divs = _words.map(lambda text: f'<div xmlns="{_XHTML}">{_escaped(text)}<br/> &#160;<b  id="1">a</b></div>')

VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    "string": _texts, "markdown": _texts, "xhtml": _divs, "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1), "unsignedInt": st.integers(0, 2**31 - 1),
    "positiveInt": st.integers(1, 2**31 - 1), "decimal": _decimals,
    "base64Binary": st.sampled_from(["QUJD", "QQ=="]), "code": _tokens, "id": _tokens,
    "uri": _tokens, "url": _tokens, "canonical": _tokens, "oid": st.just("urn:oid:2.16.578"),
    "uuid": st.uuids().map(lambda u: u.urn), "date": st.dates().map(str), "dateTime": st.just("2026-01-02T03:04:05.60+01:00"),
    "instant": st.just("2026-01-02T03:04:05Z"), "time": st.just("03:04:05"),
}  # fmt: skip


@st.composite
def resources(draw: st.DrawFn, *, inner: int = 1) -> Json:
    """A resource of any type with a handful of its elements, in any order."""
    name = draw(st.sampled_from(RESOURCE_TYPES))
    return {"resourceType": name, **draw(objects(structure(name), depth=3, inner=inner))}


@st.composite
def objects(draw: st.DrawFn, shape: Structure, *, depth: int, inner: int) -> Json:
    """An object with its required elements and some others."""
    optional = [f for f in shape.fields.values() if not f.required and (depth > 0 or is_primitive(f.type))]
    picked = draw(st.lists(st.sampled_from(optional), max_size=4, unique_by=lambda f: f.name)) if optional else []
    choices = {f.name: f for f in shape.fields.values() if f.choice and f.required and (depth > 0 or is_primitive(f.type))}
    wanted = [*shape.required, *choices.values(), *picked]
    made: Json = {}
    for field in draw(st.permutations(wanted)):
        made.update(draw(_members(field, depth=depth, inner=inner, plain=shape.path == "Element")))
    return made or {"id": "only"}


@st.composite
def _members(draw: st.DrawFn, field: Field, *, depth: int, inner: int, plain: bool) -> Json:
    if not is_primitive(field.type):
        return draw(_parts(field, depth=depth, inner=inner))
    codes = _codes(field)
    values = st.sampled_from(codes) if codes else VALUES[field.type]
    if field.key in ("id", "url") or field.type == "xhtml" or plain or depth == 0 or draw(st.integers(0, 3)):
        return {field.key: draw(st.lists(values, min_size=1, max_size=3) if field.many else values)}
    extended = objects(structure("Element"), depth=depth - 1, inner=0)
    if not field.many:
        return draw(st.one_of(
            extended.map(lambda part: {"_" + field.key: part}),
            st.tuples(values, extended).map(lambda both: {field.key: both[0], "_" + field.key: both[1]}),
        ))  # fmt: skip
    pairs = draw(st.lists(st.one_of(
        st.tuples(values, st.none()), st.tuples(st.none(), extended), st.tuples(values, extended),
    ), min_size=1, max_size=3))  # fmt: skip
    lists = {field.key: [pair[0] for pair in pairs], "_" + field.key: [pair[1] for pair in pairs]}
    return {key: items for key, items in lists.items() if any(item is not None for item in items)}


@st.composite
def _parts(draw: st.DrawFn, field: Field, *, depth: int, inner: int) -> Json:
    if field.type == "Resource":
        one = resources(inner=inner - 1) if inner > 0 else st.none()
    else:
        one = objects(structure(field.type), depth=depth - 1, inner=inner)
    made = draw(st.lists(one, min_size=1, max_size=2) if field.many else one)
    return {} if made is None or made in ([None], [None, None]) else {field.key: made}


def _codes(field: Field) -> list[str]:
    return [code for _, codes in bound_codes(field.binding) for code in sorted(codes)] if field.binding else []


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
