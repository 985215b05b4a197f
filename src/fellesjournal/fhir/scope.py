"""Where a check stands while it goes through a resource: which resource holds the element, which one contains that.

Kept for each thread, so that the checks themselves take a value alone. What a reference says of another place in the
same document is put off until all of that place is known.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from fellesjournal.fhir.fhirpath import Evaluation, Expression, Work, element_node, resource_node

Json = dict[str, Any]

MAX_WORK: Final = 300_000
MAX_SECONDS: Final = 1.0
"""What all invariants that the engine evaluates may cost together, for one resource with all that stands in it.

R4's own largest definition (400 kB) takes 33,000.
"""


class Later(NamedTuple):
    """A reference into the document itself. `path` is where it stands; the fast path has none."""

    text: str
    targets: frozenset[str]
    path: str = ""


class Frame:
    """One resource: `root` is the one that contains it, or itself; `outer` the frame that it stands in."""

    __slots__ = ("inside", "outer", "resource", "root", "work")

    def __init__(self, resource: Json, *, outer: Frame | None, is_contained: bool) -> None:
        self.resource = resource
        self.outer = outer
        self.root: Frame = outer.root if outer is not None and is_contained else self
        self.inside: list[Later] | None = None
        self.work: Work | None = None

    def put_off(self, later: Later) -> None:
        """Keep a reference with the resource, or the Bundle, that it refers into; there may be none."""
        holder: Frame | None = self.root
        if later.text[0] != "#":
            while (holder := holder.outer if holder else None) is not None:
                if holder.resource.get("resourceType") == "Bundle":
                    break
        if holder is not None:
            holder.inside = holder.inside or []
            holder.inside.append(later)

    def holds(self, expression: Expression, value: Any, *, type_name: str) -> bool:
        """Evaluate an invariant on an element of this resource. Raises FhirPathError, TooCostly."""
        own = resource_node(self.resource)
        node = own if value is self.resource else element_node(value, type_name=type_name)
        root = own if self.root is self else resource_node(self.root.resource)
        return Evaluation(root, work=self._shared_work()).holds(expression, node, resource=own)

    def _shared_work(self) -> Work:
        top = self
        while top.outer is not None:
            top = top.outer
        top.work = top.work or Work(most=MAX_WORK, seconds=MAX_SECONDS)
        return top.work


class Here(threading.local):
    """What this thread is checking: the frame of the resource, and which definitions were named on the way."""

    def __init__(self) -> None:
        self.frame: Frame | None = None
        self.named: list[str] = []


here: Final = Here()


def current() -> Frame:
    """Return the frame of the resource that is being checked."""
    if here.frame is None:
        raise RuntimeError("nothing is being checked")
    return here.frame


def note_extension(extension: Json) -> None:
    """Keep which definition an extension names; parts of an extension have a word instead."""
    url = extension.get("url")
    if type(url) is str and ":" in url:
        here.named.append(url)


def note_claims(meta: Json) -> None:
    """Keep which profiles a resource claims."""
    claimed = meta.get("profile")
    if type(claimed) is list:
        here.named.extend(one for one in claimed if type(one) is str)


@contextmanager
def entered(resource: Json, *, is_contained: bool) -> Iterator[Frame]:
    """Check a resource: it stands in the one that was being checked, if any."""
    outer = here.frame
    here.frame = frame = Frame(resource, outer=outer, is_contained=is_contained)
    try:
        yield frame
    finally:
        here.frame = outer
