"""JSON Merge Patch, by the examples of RFC 7396, appendix A, as far as they are objects."""

import copy
from decimal import Decimal
from typing import Any

import pytest

from fellesjournal import fhir


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "b"}, {"a": {"c": Decimal("1.50")}}, {"a": {"c": Decimal("1.50")}}),
    ],
)
def test_members_are_merged_and_null_removes(
    target: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]
) -> None:
    before = copy.deepcopy((target, patch))
    merged = fhir.apply_merge_patch(target, patch)
    assert merged == result
    assert list(merged) == list(result)
    assert (target, patch) == before


def test_nothing_is_shared_with_the_patch_or_the_resource() -> None:
    target: dict[str, Any] = {"kept": [1]}
    patch: dict[str, Any] = {"new": {"list": [2]}}
    merged = fhir.apply_merge_patch(target, patch)
    merged["kept"].append(0)
    merged["new"]["list"].append(0)
    assert (target, patch) == ({"kept": [1]}, {"new": {"list": [2]}})
