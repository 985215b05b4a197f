"""The table that the bench prints, in Markdown."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line: what, how much, and the bar."""

    what: str
    found: str
    bar: str


@dataclass
class Table:
    """Lines in the order they were measured."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """One more line."""
        self.figures.append(figure)

    def text(self) -> str:
        """Markdown."""
        head = ["| what | measured | bar |", "|---|---|---|"]
        return "\n".join([*head, *(f"| {one.what} | {one.found} | {one.bar} |" for one in self.figures)])
