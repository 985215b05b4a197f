"""Names and words: no drawers for everything, no undocumented door, no Norwegian word without its row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.architecture.source import ROOT, SourceFile, source_files

FORBIDDEN_MODULES = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "manager",
    "managers",
    "data",
    "info",
    "misc",
}

# Norwegian words and their ASCII spellings that may stand in code; each needs a row in GLOSSARY.md.
# A word that is not here does not belong in a name: say it in FHIR's English, or add it with its row.
NORWEGIAN_WORDS = (
    "bydel",
    "epikrise",
    "fastlege",
    "frikort",
    "fylke",
    "helfo",
    "helsenorge",
    "henvisning",
    "innsyn",
    "journalnotat",
    "kjernejournal",
    "kommune",
    "kpr",
    "legevakt",
    "paaroerende",
    "pasient",
    "resept",
    "samtykke",
    "sperring",
    "sykehjem",
    "sykehus",
    "tildeling",
    "tjeneste",
    "tvang",
    "vaksine",
    "vedtak",
    "verge",
)


def test_no_module_is_a_drawer_for_everything() -> None:
    names = {file.path: set(file.path.removesuffix(".py").split("/")) for file in source_files()}
    assert [path for path, parts in names.items() if parts & FORBIDDEN_MODULES] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [
        file.path for file in source_files() if file.text.strip() and not ast.get_docstring(file.tree)
    ] == []


def test_every_public_function_and_class_has_a_docstring() -> None:
    silent = [
        f"{file.path}:{node.lineno} {node.name}"
        for file in source_files()
        for node in _public_definitions(file.tree)
        if not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("word", NORWEGIAN_WORDS)
def test_norwegian_word_in_a_name_has_a_row_in_the_glossary(word: str) -> None:
    users = [name for name in _names_in_code() if word in name.lower().split("_")]
    assert not users or word in _glossary_terms(), (
        f"{word} is used by {users[:5]} and has no row in GLOSSARY.md"
    )


def test_code_is_named_in_ascii() -> None:
    assert [name for name in _names_in_code() if not name.isascii()] == []


def test_glossary_explains_each_word_once() -> None:
    rows = re.findall(r"^\| `([^`]+)`", _glossary(), flags=re.MULTILINE)
    assert len(rows) == len(set(rows)) > 0


@cache
def _names_in_code() -> frozenset[str]:
    """Every name that the product defines: modules, functions, classes, arguments and variables."""
    found: set[str] = set()
    for file in source_files():
        found.update(file.path.removesuffix(".py").split("/"))
        found.update(_defined_names(file))
    return frozenset(found)


def _defined_names(file: SourceFile) -> Iterator[str]:
    for node in ast.walk(file.tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name


def _public_definitions(
    tree: ast.Module | ast.ClassDef,
) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Public names on a module's or a public class's own level; nested functions are nobody's door."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.name.startswith("_") or _is_overload(node):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from _public_definitions(node)


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(
        "overload" in ast.unparse(mark) or "setter" in ast.unparse(mark) for mark in node.decorator_list
    )


@cache
def _glossary() -> str:
    return (ROOT / "GLOSSARY.md").read_text("utf-8")


@cache
def _glossary_terms() -> frozenset[str]:
    cells = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+)", _glossary(), flags=re.MULTILINE)
    return frozenset(term for cell in cells for term in re.findall(r"`([^`]+)`", cell))
