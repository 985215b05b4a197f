"""Ids: unique, growing, one spelling."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.kit.ids import EPOCH_MS, MAX_PID, MAX_SLOT, PidMaker, decode, encode, new_pid


@given(slot=st.integers(0, MAX_SLOT), pid=st.integers(1, MAX_PID))
def test_every_id_comes_back_as_itself(slot: int, pid: int) -> None:
    text = encode(slot, pid)
    assert re.fullmatch(r"[a-z0-9]{15}", text)
    assert decode(text) == (slot, pid)


@given(
    st.text(max_size=20) | st.text("0123456789abcdefghijklmnopqrstuvwxyzABC_+- ", min_size=15, max_size=15)
)
def test_what_decodes_is_spelled_in_one_way_only(text: str) -> None:
    found = decode(text)
    assert found is None or encode(*found) == text


@pytest.mark.parametrize(
    "text",
    ["", "0" * 15, "i" + "0" * 13 + "1", "o" * 15, "A" * 15, "1" * 14, "1" * 16, "+" + "1" * 14,
     "1_1" + "1" * 12, " " + "1" * 14, "１" * 15, "å" * 15],
)  # fmt: skip
def test_other_spellings_are_no_ids(text: str) -> None:
    assert decode(text) is None


@pytest.mark.parametrize(("slot", "pid"), [(-1, 1), (MAX_SLOT + 1, 1), (0, 0), (0, MAX_PID + 1), (0, -5)])
def test_impossible_numbers_are_refused(slot: int, pid: int) -> None:
    with pytest.raises(ValueError):
        encode(slot, pid)


def test_numbers_grow() -> None:
    made = [new_pid() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert 0 < made[-1] <= MAX_PID


@given(st.lists(st.integers(-5_000, 5_000), max_size=300))
def test_numbers_grow_whatever_the_clock_does(steps: list[int]) -> None:
    times = iter([EPOCH_MS + 200_000_000_000 + step for step in steps])
    maker = PidMaker(now_ms=lambda: next(times))
    made = [maker.new() for _ in steps]
    assert all(a < b for a, b in itertools.pairwise(made))


def test_clock_before_2020_still_gives_numbers() -> None:
    maker = PidMaker(now_ms=lambda: 0)
    assert 0 < maker.new() < maker.new()


def test_more_than_a_millisecond_holds() -> None:
    maker = PidMaker(now_ms=lambda: EPOCH_MS + 5)
    maker._last = (5 << 22) | (1 << 22) - 2
    assert [maker.new() - (5 << 22) for _ in range(3)] == [(1 << 22) - 1, 1 << 22, (1 << 22) + 1]
