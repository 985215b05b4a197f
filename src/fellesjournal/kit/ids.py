"""Ids of resources: a number that grows with time inside the database, fifteen characters outside.

Outside, an id carries its slot, so that whoever gets one knows where its row lives. The text is lower-case Crockford
base32 (no i, l, o, u): 12 bits of slot and 63 of number are exactly fifteen characters, so each id has one spelling.
"""

import os
import threading
import time
from collections.abc import Callable

EPOCH_MS = 1_577_836_800_000
"""2020-01-01T00:00:00Z."""
MAX_SLOT = (1 << 12) - 1
MAX_PID = (1 << 63) - 1
ID_LENGTH = 15

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_COUNTER_BITS = 22
_PID_BITS = 63


class PidMaker:
    """Makes 63-bit numbers: 41 bits of milliseconds since 2020, then 22 bits that start at random.

    Unique and growing within a process, also when the clock is set back or more than four million are asked
    for in a millisecond. Two processes that make one in the same millisecond meet once in two million times:
    the primary key has the last word.
    """

    def __init__(self, *, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._now_ms = now_ms
        self._last = 0
        self._lock = threading.Lock()

    def new(self) -> int:
        """The next number."""
        with self._lock:
            floor = max(0, self._now_ms() - EPOCH_MS) << _COUNTER_BITS
            self._last = floor | _random_start() if floor > self._last else self._last + 1
            return self._last


new_pid = PidMaker().new
"""The next number of this process."""


def encode(slot: int, pid: int) -> str:
    """The id of a resource as the outside sees it. Raises ValueError for numbers that can't be."""
    if not 0 <= slot <= MAX_SLOT or not 0 < pid <= MAX_PID:
        raise ValueError("no such slot or number")
    number = slot << _PID_BITS | pid
    return "".join(
        (
            _TRIPLES[number >> 60],
            _TRIPLES[number >> 45 & 0x7FFF],
            _TRIPLES[number >> 30 & 0x7FFF],
            _TRIPLES[number >> 15 & 0x7FFF],
            _TRIPLES[number & 0x7FFF],
        )
    )


def decode(text: str) -> tuple[int, int] | None:
    """(slot, pid) of an id, or None for anything that `encode` can't have made."""
    if len(text) != ID_LENGTH:
        return None
    try:
        number = int(text.encode("ascii").translate(_TO_PYTHON), 32)
    except ValueError:
        return None
    pid = number & MAX_PID
    return (number >> _PID_BITS, pid) if pid else None


def _random_start() -> int:
    """Low half of the counter's room, so that a burst in one millisecond rarely runs into the next."""
    return int.from_bytes(os.urandom(3), "big") & ((1 << (_COUNTER_BITS - 1)) - 1)


def _python_digits() -> bytes:
    """From our alphabet to that of int(…, 32); every other byte becomes one that int refuses."""
    table = bytearray(b"!" * 256)
    for ours, theirs in zip(_ALPHABET, "0123456789abcdefghijklmnopqrstuv", strict=True):
        table[ord(ours)] = ord(theirs)
    return bytes(table)


_TO_PYTHON = _python_digits()
_TRIPLES = [a + b + c for a in _ALPHABET for b in _ALPHABET for c in _ALPHABET]
