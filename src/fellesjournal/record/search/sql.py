"""The parameters of a compiled search. Values go here, never into the text of the SQL."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Params:
    """Four arrays, as the vault's searches take them. Each method stores values and gives SQL that names them."""

    i: list[int] = field(default_factory=list)
    t: list[str] = field(default_factory=list)
    d: list[datetime] = field(default_factory=list)
    f: list[float] = field(default_factory=list)

    def number(self, value: int) -> str:
        """A bigint."""
        self.i.append(value)
        return f"$1[{len(self.i)}]"

    def numbers(self, values: Iterable[int]) -> str:
        """An array of bigint; may be empty."""
        start = len(self.i) + 1
        self.i.extend(values)
        return f"$1[{start}:{len(self.i)}]"

    def text(self, value: str) -> str:
        """A text."""
        self.t.append(value)
        return f"$2[{len(self.t)}]"

    def texts(self, values: Iterable[str]) -> str:
        """An array of text."""
        start = len(self.t) + 1
        self.t.extend(values)
        return f"$2[{start}:{len(self.t)}]"

    def date(self, value: datetime) -> str:
        """A timestamptz."""
        self.d.append(value)
        return f"$3[{len(self.d)}]"

    def real(self, value: float) -> str:
        """A double precision."""
        self.f.append(value)
        return f"$4[{len(self.f)}]"


class Names:
    """Aliases that are used once each."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> str:
        """The next alias."""
        self._count += 1
        return f"x{self._count}"
