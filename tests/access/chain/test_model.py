"""The chain by itself: whatever is done to sealed rows is found, at its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fellesjournal.access.chain.actions import signed_with
from fellesjournal.access.chain.model import (
    MARK,
    Clock,
    Finding,
    NotASeal,
    Row,
    Seal,
    chained,
    digest_of,
    held_against,
    read_published,
)

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY, OTHER_KEY = bytes(32), bytes([1] * 32)


def row(place: int, text: str = "") -> Row:
    return Row(place, place, AT, f"({place},{text})")


def marks(rows: list[Row]) -> bytes:
    return b"".join(one.leaf[:MARK] for one in rows)


def sealed(rows: list[Row], *, after: Seal | None = None, key: bytes = KEY) -> Seal:
    start = (after.to_xid, after.to_pos) if after else (0, 0)
    return signed_with(key, Seal(
        number=after.number + 1 if after else 1, format=1, era=0, from_xid=start[0], from_pos=start[1],
        to_xid=rows[-1].xid, to_pos=rows[-1].pos, rows=len(rows), digest=digest_of(rows), seen_xid=rows[-1].xid + 1,
        seen_at=AT, previous=after.seal if after else b"",
    ))  # fmt: skip


def chain(count: int) -> list[Seal]:
    seals: list[Seal] = []
    for n in range(count):
        seals.append(sealed([row(2 * n + 1), row(2 * n + 2)], after=seals[-1] if seals else None))
    return seals


Edit = tuple[str, int]
one_edit = st.tuples(st.sampled_from(["changed", "removed", "inserted"]), st.integers(0, 30))
edits = st.lists(one_edit, min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(count=st.integers(1, 30), done=edits)
def test_whatever_is_done_to_rows_is_found_at_its_place(count: int, done: list[Edit]) -> None:
    rows = [row(10 * n) for n in range(1, count + 1)]
    seal, expected = sealed(rows), set[tuple[str, int]]()
    now: dict[int, Row | None] = {one.pos: one for one in rows}
    for what, where in done:
        place = 10 * (where % count + 1)
        if what == "inserted":
            now[place + 5] = row(place + 5)
        else:
            now[place] = row(place, "x") if what == "changed" else None
    left = [now[place] for place in sorted(now)]
    found = held_against(seal, [one for one in left if one is not None], marks(rows))
    expected = {("inserted", p) for p, one in now.items() if p % 10 == 5}
    expected |= {("changed", p) for p, one in now.items() if one is not None and one.line.endswith("x)")}
    gone = sum(one is None for one in now.values())
    # A row that was put in where another is gone can't be told from a changed one: both stand for two edits.
    told = [(one.what, one.pos) for one in found]
    swapped = sum(1 for what, pos in told if what == "changed" and ("inserted", pos) in expected)
    assert {pos for what, pos in told if what != "removed"} == {pos for _, pos in expected}
    assert sum(what == "removed" for what, _ in told) + swapped >= gone - sum(
        1 for what, pos in told if what == "inserted" and ("changed", pos) in expected
    )
    assert len(told) >= 1


def test_rows_that_are_as_they_were_leave_nothing_to_find() -> None:
    rows = [row(n) for n in range(1, 50)]
    assert held_against(sealed(rows), rows, marks(rows)) == []


def test_two_rows_that_changed_places_are_found() -> None:
    rows = [row(1), row(2), row(3)]
    swapped = [rows[1], rows[0], rows[2]]
    assert held_against(sealed(rows), swapped, marks(rows)) != []


def test_marks_that_were_changed_with_the_row_leave_the_batch_to_be_named() -> None:
    rows = [row(1), row(2)]
    changed = [row(1), row(2, "x")]
    assert held_against(sealed(rows), changed, marks(changed)) == [Finding("batch", 1)]


def test_a_whole_chain_holds() -> None:
    seals = chain(5)
    assert chained(seals, after=None) == []
    assert chained(seals[3:], after=seals[2]) == []


def test_a_seal_that_was_taken_out_changed_or_made_anew_breaks_the_chain() -> None:
    seals = chain(5)
    assert chained([*seals[:2], *seals[3:]], after=None) == [Finding("chain", 4)]
    changed = replace(seals[2], rows=3)
    assert Finding("seal", 3) in chained([*seals[:2], changed, *seals[3:]], after=None)
    anew = signed_with(KEY, changed)
    assert chained([*seals[:2], anew, *seals[3:]], after=None) == [Finding("chain", 4)]
    unsigned = replace(seals[2], signature=bytes(64))
    assert chained([*seals[:2], unsigned, *seals[3:]], after=None) == [Finding("signature", 3)]
    assert chained(seals[1:], after=None) == [Finding("chain", 2)]


def test_a_seal_is_published_and_read_again_and_a_changed_line_is_none() -> None:
    seals = chain(3)
    text = "\n".join(seal.published() for seal in seals) + "\n"
    assert read_published(text) == {seal.number: seal for seal in seals}
    for bad in (text.replace('"rows":2', '"rows":3'), "{}", "null", "[1]", "no json", text.replace("+00:00", "")):
        with pytest.raises(NotASeal):
            read_published(bad)


def test_a_row_put_in_later_with_a_time_from_before_does_not_fit_its_place() -> None:
    clock, first = Clock(), sealed([row(1)])
    assert clock.misdated(first, [row(1)]) == []
    second = replace(sealed([row(5)], after=first), seen_at=AT + timedelta(hours=1))
    honest = Row(5, 5, AT + timedelta(minutes=30), "(5)")
    backdated = Row(6, 6, AT - timedelta(days=3), "(6)")
    ahead = Row(7, 7, AT + timedelta(days=3), "(7)")
    assert clock.misdated(second, [honest, backdated, ahead]) == [
        Finding("misdated", 2, 6, 6), Finding("misdated", 2, 7, 7),
    ]  # fmt: skip
