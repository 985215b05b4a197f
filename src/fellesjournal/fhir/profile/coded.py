"""Bound elements: answered here where the codes are vendored, asked of terminology where they are not.

Source: https://hl7.org/fhir/R4/terminologies.html#strength.
"""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.fhir.fhirpath import Node
from fellesjournal.fhir.outcome import Issue
from fellesjournal.fhir.profile.elements import Binding
from fellesjournal.fhir.profile.library import Library
from fellesjournal.fhir.profile.model import BindingQuestion, CodeAsked, CodedKind, Json, Strength, codes_in
from fellesjournal.fhir.profile.run import Run
from fellesjournal.fhir.profile.spots import Label, expression_of, part_of
from fellesjournal.fhir.structures import bound_codes

_MOST_SETS = 20
_COMPLAINTS: Final[dict[Strength, tuple[str, str]]] = {
    "required": ("error", "needs a code of the value set {}"),
    "extensible": ("warning", "should have a code of the value set {} where one fits"),
}


def check_binding(node: Node, run: Run, *, binding: Binding, label: Label) -> None:
    """Check one coded element: an error (required) or a warning (extensible), or a question that stays open."""
    kind = kind_of(node)
    if kind is None or node.value is None:
        return
    if binding.strength == "required":
        _check(node, kind, binding.value_set, "required", label, run)
    elif binding.strength == "extensible":
        _check(node, kind, binding.value_set, "extensible", label, run)
    if binding.most is not None and binding.strength != "required" and codes_of(node):
        _check(node, kind, binding.most, "required", label, run)


def ask_any(items: list[Node], *, value_set: str, place: str, label: Label, run: Run) -> None:
    """Ask whether one of several elements has a code of a value set: a slice that is bound to it must be given."""
    codes = tuple(code for item in items for code in codes_of(item))
    kind = next((kind for kind in map(kind_of, items) if kind is not None), None)
    if kind is not None and codes:
        question = BindingQuestion(
            value_set=value_set,
            strength="required",
            kind=kind,
            codings=codes,
            path=place,
            has_text=False,
            profile=label.profile,
        )
        run.ask(question)


def kind_of(node: Node) -> CodedKind | None:
    """Tell in which form a node holds a code; None where it can hold none."""
    if node.type.is_primitive:
        return "code" if type(node.value) is str else None
    if node.type.name == "CodeableConcept":
        return "CodeableConcept"
    return "Coding" if node.type.name == "Coding" or "Quantity" in node.type.ancestors else None


def codes_of(node: Node) -> tuple[CodeAsked, ...]:
    """Return the codes that a node holds; a Quantity's is its unit's."""
    return codes_in(node.value)


def is_member(node: Node, value_set: str, library: Library, run: Run) -> bool | None:
    """Tell whether one of a node's codes is in a value set; None where not even terminology can tell."""
    kind, codes = kind_of(node), codes_of(node)
    vendored = bound_codes(value_set.partition("|")[0])
    if vendored:
        return _is_vendored(kind, codes, value_set)
    try:
        told = _in_composed(kind, codes, value_set, library, left=[_MOST_SETS])
    except (TypeError, AttributeError, KeyError):
        told = None  # a value set that is not made as R4 says tells nothing
    return run.member_of(value_set, codes) if told is None and codes else told


def complaint(question: BindingQuestion) -> Issue:
    """Return what there is to say where terminology has answered a question with no."""
    severity, told = _COMPLAINTS[question.strength]
    by = f" (profile {question.profile})" if question.profile else ""
    return Issue(severity, "code-invalid", question.path, told.format(question.value_set) + by)


def _check(node: Node, kind: CodedKind, value_set: str, strength: Strength, label: Label, run: Run) -> None:
    codes = codes_of(node)
    has_text = kind == "CodeableConcept" and bool(part_of(node, "text"))
    if not codes and (strength == "required" or not has_text):
        _complain(node, value_set, strength, label, run)
    elif codes and bound_codes(value_set.partition("|")[0]):
        if not _is_vendored(kind, codes, value_set):
            _complain(node, value_set, strength, label, run)
    elif codes:
        run.ask(
            BindingQuestion(
                value_set=value_set,
                strength=strength,
                kind=kind,
                codings=codes,
                path=expression_of(node),
                has_text=has_text,
                profile=label.profile,
            )
        )


def _complain(node: Node, value_set: str, strength: Strength, label: Label, run: Run) -> None:
    severity, told = _COMPLAINTS[strength]
    run.fault(label, "code-invalid", node, told.format(value_set), severity=severity)


def _is_vendored(kind: CodedKind | None, codes: tuple[CodeAsked, ...], value_set: str) -> bool:
    known = bound_codes(value_set.partition("|")[0])
    return any(c.code in those and (kind == "code" or c.system == system) for c in codes for system, those in known)


def _in_composed(
    kind: CodedKind | None, codes: tuple[CodeAsked, ...], value_set: str, library: Library, *, left: list[int]
) -> bool | None:
    """Read a value set that lists its codes, or takes whole code systems; filters are terminology's business."""
    left[0] -= 1
    compose = library.composed(value_set) if left[0] >= 0 else None
    if type(compose) is not dict or compose.get("exclude"):
        return None
    told = [_in_part(kind, codes, part, library, left) for part in compose.get("include", ())]
    if True in told:
        return True
    return None if None in told or not told else False


def _in_part(
    kind: CodedKind | None, codes: tuple[CodeAsked, ...], part: Json, library: Library, left: list[int]
) -> bool | None:
    if part.get("filter"):
        return None
    told: list[bool | None] = [_in_composed(kind, codes, one, library, left=left) for one in part.get("valueSet", ())]
    if "system" in part:
        told.append(_is_listed(kind, codes, part))
    if False in told:
        return False
    return None if None in told or not told else True


def _is_listed(kind: CodedKind | None, codes: tuple[CodeAsked, ...], part: Json) -> bool | None:
    listed: Any = part.get("concept")
    if listed is None and kind == "code":
        return None
    known = {one.get("code") for one in listed} if listed is not None else None
    return any((known is None or c.code in known) and (kind == "code" or c.system == part["system"]) for c in codes)
