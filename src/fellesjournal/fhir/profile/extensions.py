"""Extensions, wherever they stand: is the definition known, may it stand there, does the content conform to it.

Source: https://hl7.org/fhir/R4/defining-extensions.html#context, https://hl7.org/fhir/R4/extensibility.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fellesjournal.fhir.fhirpath import Expression, FhirPathError, Node, compile_expression
from fellesjournal.fhir.profile.base import CORE
from fellesjournal.fhir.profile.elements import ABSENT, Element
from fellesjournal.fhir.profile.model import Json
from fellesjournal.fhir.profile.run import Run
from fellesjournal.fhir.profile.spots import holder_of, is_resource_node, name_of, part_of, upwards

_ANYWHERE: Final = {"Element", "Any", "*"}
_MENDED: Final = {
    f"{CORE}structuredefinition-fhir-type": "ElementDefinition.type",
    f"{CORE}structuredefinition-normative-version": "Element",
    f"{CORE}regex": "ElementDefinition.type",
    f"{CORE}valueset-concept-comments": "CodeSystem.concept",
}
"""Where R4's own definitions use these extensions, against what R4 says of them; other validators mend it too."""


@dataclass(frozen=True, slots=True)
class Context:
    """One place where an extension may stand: an element's id, an extension's url, or what an expression selects."""

    kind: str
    text: str
    expression: Expression | None = None


@dataclass(frozen=True, slots=True)
class ExtensionRules:
    """What an extension's definition says besides what it holds. `parts` are the urls of the extensions inside it."""

    url: str
    is_modifier: bool
    contexts: tuple[Context, ...]
    invariants: tuple[tuple[str, Expression], ...]
    parts: frozenset[str]


def read_rules(header: Json, root: Element) -> ExtensionRules:
    """Read what an extension's definition says beside its elements.

    What cannot be compiled is left out: it then allows, and never refuses.
    """
    inner = root.children.get("extension")
    parts = inner.all_slices() if inner is not None else ()
    urls = (part.children["url"].fixed for part in parts if "url" in part.children)
    return ExtensionRules(
        url=str(header.get("url", "")),
        is_modifier=root.is_modifier,
        contexts=tuple(_contexts(header)),
        invariants=tuple(_invariants(header)),
        parts=frozenset(url for url in urls if url is not ABSENT and type(url) is str),
    )


def check_place(node: Node, rules: ExtensionRules, run: Run) -> None:
    """Check that an extension may stand where it stands, and that it modifies only where it is said to."""
    is_modifier = node.key == "modifierExtension"
    if is_modifier and not rules.is_modifier:
        told = f"{rules.url} must not be a modifierExtension"
        run.add("error", "extension", node, told)
    elif rules.is_modifier and not is_modifier:
        told = f"{rules.url} must be a modifierExtension"
        run.add("error", "extension", node, told)
    owner = node.owner
    if owner is None:
        return
    if rules.contexts and not any(_fits(owner, one, run) for one in rules.contexts):
        allowed = ", ".join(one.text for one in rules.contexts)
        told = f"{rules.url} must not be used here, only on: {allowed}"
        run.add("error", "extension", node, told)
        return
    for text, invariant in rules.invariants:
        if run.holds(invariant, owner, variables={"extension": node}) is False:
            told = f"{rules.url} may only be used where {text}"
            run.add("error", "extension", node, told)


def check_part(node: Node, rules: ExtensionRules, run: Run) -> None:
    """Check an extension inside another one whose definition is known: it must be one of its parts."""
    if part_of(node, "url") not in rules.parts:
        told = f"an extension with this url is no part of {rules.url}"
        run.add("error", "extension", node, told)


def _contexts(header: Json) -> Iterator[Context]:
    mended = _MENDED.get(str(header.get("url", "")))
    if mended is not None:
        yield Context("element", mended)
    for one in header.get("context", ()):
        text = one.get("expression")
        if type(text) is not str:
            continue
        kind = str(one.get("type", "element"))
        try:
            expression = compile_expression(text) if kind == "fhirpath" else None
        except FhirPathError:
            yield Context("element", "*")
            continue
        yield Context(kind, text, expression)


def _invariants(header: Json) -> Iterator[tuple[str, Expression]]:
    for text in header.get("contextInvariant", ()):
        try:
            yield text, compile_expression(text)
        except FhirPathError:
            continue


def _fits(owner: Node, context: Context, run: Run) -> bool:
    if context.kind == "extension":
        return _is_extension(owner, context.text)
    if context.expression is not None:
        return _is_selected(owner, context.expression, run)
    return context.text in _ANYWHERE or _element_id(context.text) in _ids(owner)


def _is_extension(owner: Node, url: str) -> bool:
    """`url#part` is an extension inside another one."""
    if owner.type.name != "Extension":
        return False
    whole, _, part = url.partition("#")
    if part and part_of(owner, "url") == part:
        return owner.owner is not None and part_of(owner.owner, "url") == whole
    return bool(part_of(owner, "url") == url)


def _is_selected(owner: Node, expression: Expression, run: Run) -> bool:
    holder = holder_of(owner)
    if holder is None:
        return False
    found = [one for one in run.selected(expression, holder) if isinstance(one, Node)]
    return any(_is_same(one, owner) for one in found)


def _is_same(one: Node, other: Node) -> bool:
    if type(one.value) is dict:
        return one.value is other.value
    return [(at.key, at.index) for at in upwards(one)] == [(at.key, at.index) for at in upwards(other)]


def _element_id(text: str) -> str:
    """Read the id of an element: `profile#Patient.name:official` is taken for `Patient.name`."""
    path = text.rpartition("#")[2] if "#" in text else text.rpartition("/")[2]
    return ".".join(part.partition(":")[0].removesuffix("[x]") for part in path.split("."))


def _ids(node: Node) -> set[str]:
    """List every id of the element that a node is: by the path from each type above it, and by its own types."""
    found = {"Resource"} if is_resource_node(node) else set()
    path = ""
    for one in upwards(node):
        for name in one.type.ancestors:
            found.add(f"{name}{path}")
        if one.type.name != one.type.shown_name:
            found.add(f"{one.type.name}{path}")
        path = f".{name_of(one)}{path}"
        if is_resource_node(one):
            break
    return found | {f"{node.owner.type.name}.{node.key}"} if node.owner is not None else found
