# ruff: noqa: E501 - filters read best a line each
"""SCIM's filters and paths: what is written is understood as it is meant, and nothing written brings anything down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fellesjournal.onboarding.scim.filter import Compare, Filter, Joined, Not, parse_filter, parse_path
from fellesjournal.onboarding.scim.model import STAFF, ScimError

USER = {
    "userName": "Kari@storvik.no", "active": True, "name": {"familyName": "Åsen"}, "meta": {"lastModified": "2026-11-01T10:00:00+00:00"},
    "emails": [{"type": "work", "value": "a@b.no"}, {"type": "home", "value": "c@d.no"}],
    STAFF: {"posts": [{"unit": "hj", "role": "lege"}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('userName eq "kari@STORVIK.no"', True), ('USERNAME sw "kari"', True), ('userName eq "kari"', False), ('userName co "storvik"', True),
        ('userName ew ".no" and active eq true', True), ('active eq "true"', False), ("active eq 1", False), ("title pr", False),
        ('userName eq "x" or (active eq true and name.familyName sw "å")', True), ("not (active eq true)", False), ("not(title pr)", True),
        ('emails[type eq "work" and value eq "c@d.no"]', False), ('emails[type eq "home" and value eq "c@d.no"]', True),
        ('emails.value eq "c@d.no"', True), (f'{STAFF}:posts[unit eq "hj"]', True), (f'{STAFF}:posts.role eq "lege"', True),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "kari"', True), ('meta.lastModified ge "2026-01-01"', True),
        ('userName eq "x" and active eq true or active eq true', True), ('userName ne "x"', True), ("title eq null", False),
    ],
)  # fmt: skip
def test_a_filter_says_what_the_standard_says(text: str, holds: bool) -> None:
    assert parse_filter(text).holds(USER) is holds


@pytest.mark.parametrize(
    "text",
    ["", "userName", "userName eq", "userName is 1", 'eq "x"', "(active eq true", "active eq true)", 'userName eq "x', "a[b eq 1", "a eq [1]",
     "not active eq true", "(" * 500 + "a pr" + ")" * 500, " and ".join(["a pr"] * 500), 'userName eq "\\u12"', "a pr b pr", "\x00"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(ScimError) as caught:
        parse_filter(text)
    assert (caught.value.status, caught.value.scim_type) == (400, "invalidFilter")


_NAMES = st.sampled_from(["a", "b", "a.c", "userName", "Active"])
_VALUES = st.one_of(st.text(max_size=8).filter(lambda text: text.isprintable()), st.booleans(), st.integers(-9, 9), st.none())


def _written(draw: Any, depth: int) -> tuple[str, Filter]:
    kind = draw(st.sampled_from(["compare"] if depth == 0 else ["compare", "and", "or", "not"]))
    if kind == "not":
        text, inner = _written(draw, depth - 1)
        return f"not ({text})", Not(inner)
    if kind == "compare":
        name = draw(_NAMES)
        operator = draw(st.sampled_from(["eq", "ne", "co", "sw", "ew", "pr", "gt", "le"]))
        if operator == "pr":
            return f"{name} pr", Compare(tuple(name.split(".")), "pr")
        value = draw(_VALUES)
        return f"{name} {operator} {json.dumps(value)}", Compare(tuple(name.split(".")), operator, value)
    parts = [_written(draw, depth - 1) for _ in range(draw(st.integers(2, 3)))]
    return f" {kind} ".join(f"({text})" for text, _ in parts), Joined(kind, tuple(part for _, part in parts))


@st.composite
def written(draw: Any) -> tuple[str, Filter]:
    """A filter as text, and what it means."""
    return _written(draw, 3)


@given(pair=written())
@settings(max_examples=60, deadline=None)
def test_a_written_filter_is_read_back(pair: tuple[str, Filter]) -> None:
    text, meant = pair
    if len(text) < 2000:
        assert parse_filter(text) == meant


@given(text=st.text(alphabet=st.sampled_from('ab.eqcosw prandort()[]" \\0123456789-:urn$_\x00å'), max_size=60) | st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    for read in (parse_filter, parse_path):
        status = 0
        try:
            read(text)
        except ScimError as refused:
            status = refused.status
        assert status in (0, 400)
