"""Sets of codes that need not know all codes: the same algebra as sets of a small world."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.terminology.codes import ALL, NONE, Codes, some

WORLD = "abcdef"
SETS = st.builds(Codes, st.lists(st.sampled_from(WORLD)).map(dict.fromkeys), st.booleans())


def plain(codes: Codes) -> set[str]:
    return {code for code in WORLD if code in codes}


@given(SETS, SETS)
def test_sets_of_codes_behave_like_sets(one: Codes, other: Codes) -> None:
    a, b = plain(one), plain(other)
    assert plain(one | other) == a | b
    assert plain(one & other) == a & b
    assert plain(one - other) == a - b
    assert plain(~one) == set(WORLD) - a


def test_what_is_named_keeps_its_order_and_everything_is_not_nothing() -> None:
    assert list((some("cab") | some("bd")).named) == ["c", "a", "b", "d"]
    assert ALL and not NONE and "x" in ALL - some("y") and "y" not in ALL - some("y")
