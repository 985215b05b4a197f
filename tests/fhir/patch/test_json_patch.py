"""JSON Patch: RFC 6902 with its examples (appendix A), and the bounds of our own."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.fhir import BadPatch, PatchConflict, PatchError, PatchTestFailed, apply_json_patch, parse_list
from fellesjournal.fhir.json_text import BadJson

Json = dict[str, Any]

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c~/"]), inner, max_size=3),
    max_leaves=8,
)
TOKENS = st.sampled_from(["a", "b", "c~0~1", "0", "1", "-", ""])
POINTERS = st.lists(TOKENS, max_size=3).map(lambda tokens: "".join("/" + token for token in tokens))
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"from": POINTERS, "value": VALUES},
)


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "q"}], {"foo": ["bar", "q", "baz"]}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["a"]}], {"foo": ["bar", ["a"]]}),
        ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/1", "value": "a"}], {"foo": ["bar", "a"]}),
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        ({"baz": "q", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo", "foo": "bar"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        ({"foo": [1]}, [{"op": "copy", "from": "/foo", "path": "/bar"}], {"foo": [1], "bar": [1]}),
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
        ({"a": 1}, [{"op": "add", "path": "/b", "value": None, "xyz": 5}], {"a": 1, "b": None}),
        ({"a": 1}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": 1}),
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_operations_do_what_the_standard_says(before: Json, operations: list[Json], after: Json) -> None:
    untouched = copy.deepcopy(before)
    assert apply_json_patch(before, operations) == after
    assert before == untouched


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/baz/bat", "value": 1},
        {"op": "add", "path": "/list/4", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "add", "path": "/list/1e0", "value": 1},
        {"op": "add", "path": "/list/١", "value": 1},
        {"op": "add", "path": "/list/99999999999999999999", "value": 1},
        {"op": "add", "path": "/text/0", "value": 1},
        {"op": "remove", "path": "/list/-"},
        {"op": "remove", "path": "/nothing"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "move", "from": "/list", "path": "/list/0"},
        {"op": "copy", "from": "/nothing", "path": "/list"},
        {"op": "test", "path": "/nothing", "value": None},
        {"op": "replace", "path": "", "value": [1]},
        {"op": "replace", "path": "", "value": None},
    ],
)
def test_place_that_is_not_there_is_a_conflict(operation: Json) -> None:
    with pytest.raises(PatchConflict):
        apply_json_patch({"list": [1, 2, 3], "text": "a"}, [operation])


@pytest.mark.parametrize(
    "patch",
    [
        {},
        None,
        "add",
        [1],
        [{}],
        [{"op": "spam", "path": "/a"}],
        [{"op": ["add"], "path": "/a"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "add", "value": 1}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": 1, "value": 1}],
        [{"op": "add", "path": "/~2", "value": 1}],
        [{"op": "add", "path": "/~", "value": 1}],
        [{"op": "move", "path": "/a"}],
        [{"op": "copy", "from": None, "path": "/a"}],
        [{"op": "remove", "path": "/a" * 101}],
        [{"op": "test", "path": "/a", "value": 1}] * 1001,
    ],
)
def test_malformed_patch_is_refused_before_anything_is_done(patch: Any) -> None:
    with pytest.raises(BadPatch) as refused:
        apply_json_patch({"a": 1}, patch)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("found", "asked", "is_same"),
    [
        (1, Decimal("1.0"), True),
        (Decimal("72.50"), Decimal("72.5"), True),
        (1, True, False),
        (0, False, False),
        ([1, {"a": [True]}], [1, {"a": [1]}], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        ("10", 10, False),
        (None, None, True),
        (None, False, False),
        ([], {}, False),
    ],
)
def test_test_compares_as_json_does(found: Any, asked: Any, is_same: bool) -> None:
    patch = [{"op": "test", "path": "/a", "value": asked}]
    if is_same:
        assert apply_json_patch({"a": found}, patch) == {"a": found}
        return
    with pytest.raises(PatchTestFailed) as refused:
        apply_json_patch({"a": found}, patch)
    assert refused.value.operation == 0


def test_error_names_the_operation_and_no_value() -> None:
    patch = [
        {"op": "test", "path": "/a", "value": 1},
        {"op": "replace", "path": "/name/0/Kari Nordmann/family", "value": "Hansen"},
    ]
    with pytest.raises(PatchConflict, match=r"operation 1: there is nothing at /name$") as refused:
        apply_json_patch({"a": 1}, patch)
    assert refused.value.operation == 1
    with pytest.raises(PatchConflict, match=r"operation 0: there is nothing at /…$"):
        apply_json_patch({"a": 1}, [{"op": "remove", "path": "/Kari Nordmann"}])


def test_decimals_and_order_are_kept() -> None:
    before = {"z": Decimal("72.50"), "a": 1, "m": 2}
    after = apply_json_patch(before, [{"op": "replace", "path": "/a", "value": Decimal("1.00")}])
    assert list(after) == ["z", "a", "m"]
    assert [str(after["z"]), str(after["a"])] == ["72.50", "1.00"]


def test_copies_share_nothing() -> None:
    value = {"deep": [1]}
    patch = [
        {"op": "add", "path": "/a", "value": value},
        {"op": "copy", "from": "/a", "path": "/b"},
        {"op": "add", "path": "/b/deep/-", "value": 2},
    ]
    assert apply_json_patch({}, patch) == {"a": {"deep": [1]}, "b": {"deep": [1, 2]}}
    assert value == {"deep": [1]}


def test_patch_that_doubles_the_document_is_stopped() -> None:
    patch = [{"op": "add", "path": "/a", "value": []}] + [{"op": "copy", "from": "/a", "path": "/a/-"}] * 900
    with pytest.raises(PatchConflict, match=r"copies too much|deeper"):
        apply_json_patch({}, patch)
    flat = [{"op": "copy", "from": "", "path": f"/x{n}"} for n in range(900)]
    with pytest.raises(PatchConflict, match=r"copies too much|deeper"):
        apply_json_patch({"a": [0] * 1000}, flat)


def test_patch_that_nests_without_end_is_stopped() -> None:
    deep: Any = 1
    for _ in range(90):
        deep = {"a": deep}
    patch: list[Json] = [{"op": "add", "path": f"/x{n}", "value": deep} for n in range(9)]
    patch += [{"op": "move", "from": f"/x{n}", "path": f"/x{n + 1}" + "/a" * 80} for n in range(8)]
    with pytest.raises(PatchConflict, match=r"deeper"):
        apply_json_patch({}, patch)


@given(st.dictionaries(st.sampled_from(["a", "b", "c~/"]), VALUES, max_size=3), st.lists(OPERATIONS, max_size=6))
def test_any_patch_succeeds_or_is_refused_and_never_touches_its_input(document: Json, patch: list[Json]) -> None:
    before = copy.deepcopy((document, patch))
    try:
        assert type(apply_json_patch(document, patch)) is dict
    except PatchError:
        pass
    assert (document, patch) == before


def test_patch_is_read_as_carefully_as_a_resource() -> None:
    assert parse_list(b'[{"op":"add","path":"/a","value":1.50}]')[0]["value"] == Decimal("1.50")
    for body in (b"{}", b'[{"op":"add","op":"remove"}]', b"[" * 101 + b"]" * 101, b"[1"):
        with pytest.raises(BadJson):
            parse_list(body)
