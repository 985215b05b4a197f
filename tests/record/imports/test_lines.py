"""Files are cut into whole lines, each line once and under its number, however they arrive."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.record.errors import Malformed
from fellesjournal.record.imports import lines
from fellesjournal.record.imports.lines import Cutter, LineTooLong, Piece, inflated, rank_of

TEXTS = st.lists(
    st.sampled_from([b"", b" ", b'{"resourceType":"Patient"}', b'{"resourceType": "Organization"}', b"{", b"a" * 30]),
    max_size=30,
)


async def _parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def _all(content: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in content])


@given(TEXTS, st.lists(st.integers(1, 60), min_size=1, max_size=10), st.booleans())
def test_each_line_is_in_one_piece_under_its_number(texts: list[bytes], steps: list[int], is_ended: bool) -> None:
    whole, cutter, pieces, at = b"\n".join(texts) + (b"\n" if is_ended else b""), Cutter(max_line=100), list[Piece](), 0
    while at < len(whole):
        step = steps[at % len(steps)]
        pieces += cutter.feed(whole[at : at + step])
        at += step
    pieces += cutter.finish()
    found: dict[int, bytes] = {}
    for piece in pieces:
        content = piece.content.splitlines()
        assert {rank_of(line) for line in content} == {piece.rank}
        assert piece.lines == sorted(piece.lines)
        found.update(zip(piece.lines, content, strict=True))
    assert found == {n: line for n, line in enumerate(whole.split(b"\n"), start=1) if line.strip()}
    assert len({(piece.rank, piece.n) for piece in pieces}) == len(pieces)


def test_pieces_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PIECE_LINES", 3)
    assert [len(piece.lines) for piece in Cutter(max_line=9).feed(b"a\n" * 7)] == [3, 3]


@pytest.mark.parametrize("content", [b"a" * 11, b"a" * 11 + b"\n", b"a\n" + b"b" * 20 + b"\nc"])
def test_line_that_is_too_long_is_refused(content: bytes) -> None:
    with pytest.raises(LineTooLong):
        list(Cutter(max_line=10).feed(content))


def test_directory_comes_first_then_people_then_the_rest() -> None:
    types = ["Organization", "Patient", "Encounter", "Observation", "Provenance"]
    ranks = [rank_of(b'{"resourceType":"%s"}' % rtype.encode()) for rtype in types]
    assert ranks == sorted(set(ranks))


@given(st.binary(max_size=3_000), st.integers(1, 50))
def test_compressed_content_comes_out_as_it_was(content: bytes, step: int) -> None:
    packed = gzip.compress(content) + gzip.compress(b"more")
    parts = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert asyncio.run(_all(inflated(_parts(*parts), encoding="gzip"))) == content + b"more"


@pytest.mark.parametrize(("content", "encoding"), [(b"no", "gzip"), (b"", "deflate")])
def test_other_compression_is_refused(content: bytes, encoding: str) -> None:
    with pytest.raises(Malformed):
        asyncio.run(_all(inflated(_parts(content), encoding=encoding)))
