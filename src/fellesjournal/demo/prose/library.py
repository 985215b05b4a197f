"""The phrases by topic and section, read once from the text files beside the data.

A file is headings (`# R74 R05`) and lines that begin with the section they belong to:
F first visit, S story, W worse, O findings, V judgement, X judgement when worse, P plan, Y plan when worse;
a small letter is an addition that some notes get.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources

from fellesjournal.demo.prose.template import Template, compile_template

Script = dict[str, tuple[Template, ...]]


def script(book: str, topic: str) -> Script | None:
    """The phrases of one topic by section; None when the book has none."""
    return _book(book).get(topic)


def topics(book: str) -> tuple[str, ...]:
    """All topics of a book, in order."""
    return tuple(_book(book))


@cache
def _book(name: str) -> dict[str, Script]:
    text = resources.files("fellesjournal.demo").joinpath(f"data/prose/{name}.txt").read_text("utf-8")
    book: dict[str, Script] = {}
    for headings, section, phrase in _rows(text):
        for heading in headings:
            sections = book.setdefault(heading, {})
            sections[section] = (*sections.get(section, ()), compile_template(phrase))
    return book


def _rows(text: str) -> Iterator[tuple[list[str], str, str]]:
    headings: list[str] = []
    for line in text.splitlines():
        if line.startswith("# "):
            headings = line[2:].split()
        elif line.strip():
            yield headings, line[0], line[2:].strip()
