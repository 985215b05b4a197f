"""Processor time and children of processes, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Processes:
    """A process and everything below it."""

    pid: int

    def cpu_s(self) -> float:
        """Processor seconds used so far, with children that have ended."""
        own = sum(_ticks(pid, slice(11, 13)) for pid in tree_of(self.pid))
        return (own + _ticks(self.pid, slice(13, 15))) * _TICK_S


def tree_of(pid: int) -> list[int]:
    """The process and all its descendants, itself first."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            parents.setdefault(_parent(int(folder.name)), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else -1


def _ticks(pid: int, which: slice) -> int:
    return sum(map(int, _fields(pid)[which]))
