"""The project's own source, read as syntax trees, for the tests of this folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "fellesjournal"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceFile:
    """One module: its path below `src/fellesjournal`, its text and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The folder below the package, or the module's own name on the roof."""
        return self.path.split("/")[0].removesuffix(".py")

    @property
    def length(self) -> int:
        """Lines in the file, blank ones and comments too."""
        return len(self.text.splitlines())

    def imports(self) -> Iterator[str]:
        """Every module that is imported, wherever in the file the import stands."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node


@cache
def source_files() -> tuple[SourceFile, ...]:
    """Every Python module of the product, in the order of their paths."""
    return tuple(_read(path) for path in sorted(SOURCE.rglob("*.py")))


def length_of(function: Function) -> int:
    """Lines from `def` to the end, without decorators and docstring: what a reader must follow."""
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    return whole - _docstring_lines(function)


def share(values: list[int], *, at_most: int) -> float:
    """The part of the values that is no greater than the bound; 1 for none."""
    return sum(value <= at_most for value in values) / len(values) if values else 1.0


def _docstring_lines(function: Function) -> int:
    first = function.body[0]
    if ast.get_docstring(function) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def _read(path: Path) -> SourceFile:
    text = path.read_text("utf-8")
    return SourceFile(path.relative_to(SOURCE).as_posix(), text, ast.parse(text, filename=str(path)))
