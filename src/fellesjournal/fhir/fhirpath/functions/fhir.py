"""FHIR's own functions: https://hl7.org/fhir/R4/fhirpath.html#functions."""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.fhir.fhirpath.environment import Environment
from fellesjournal.fhir.fhirpath.errors import FhirPathError
from fellesjournal.fhir.fhirpath.functions.model import Function
from fellesjournal.fhir.fhirpath.nodes import Items, Node, plain, step
from fellesjournal.fhir.fhirpath.references import resolve
from fellesjournal.fhir.fhirpath.singles import one_text
from fellesjournal.fhir.narrative import is_narrative


def extension(items: Items, env: Environment, url: Items) -> Items:
    """Return the extensions with a URL."""
    wanted = one_text(url)
    found = step(items, "extension")
    env.spend(len(found))
    return [node for node in found if wanted is not None and node.value.get("url") == wanted]


def _has_extension(items: Items, env: Environment, url: Items) -> bool:
    return bool(extension(items, env, url))


def _has_value(items: Items, _env: Environment) -> bool:
    if len(items) != 1:
        return False
    item = items[0]
    return type(item) is not Node or (item.type.is_primitive and item.value is not None)


def _get_value(items: Items, env: Environment) -> Items:
    return [plain(items[0])] if _has_value(items, env) else []


def _only(items: Items) -> Node | None:
    if len(items) > 1:
        raise FhirPathError("expected one item, found several")
    item = items[0] if items else None
    if item is not None and type(item) is not Node:
        raise FhirPathError("expected an element of a resource")
    return item


def _json(items: Items) -> Any:
    """Return the only item as JSON; a text stands for itself."""
    if len(items) > 1:
        raise FhirPathError("expected one item, found several")
    item = items[0] if items else None
    return item.value if type(item) is Node else item


def _member_of(items: Items, env: Environment, value_set: Items) -> bool | None:
    value, url = _json(items), one_text(value_set)
    if value is None or url is None:
        return None
    if env.services.member_of is None:
        raise FhirPathError("memberOf() is not available here")
    return env.services.member_of(value, url)


def _conforms_to(items: Items, env: Environment, profile: Items) -> bool | None:
    node, url = _only(items), one_text(profile)
    if node is None or url is None:
        return None
    if env.services.conforms_to is None:
        raise FhirPathError("conformsTo() is not available here")
    answer = env.services.conforms_to(node.value, node.type.name, url)
    if answer is None:
        raise FhirPathError("conformsTo() does not know the profile")
    return answer


def _subsumes(items: Items, env: Environment, other: Items) -> bool | None:
    wider, narrower = _json(items), _json(other)
    if wider is None or narrower is None:
        return None
    if env.services.subsumes is None:
        raise FhirPathError("subsumes() is not available here")
    return env.services.subsumes(wider, narrower)


def _subsumed_by(items: Items, env: Environment, other: Items) -> bool | None:
    return _subsumes(other, env, items)


def _html_checks(items: Items, _env: Environment) -> bool | None:
    text = one_text(items)
    return None if text is None else bool(is_narrative(text))


def _check_modifiers(items: Items, env: Environment, *known: Items) -> Items:
    urls = {one_text(url) for url in known}
    found = step(items, "modifierExtension")
    env.spend(len(found))
    if any(node.value.get("url") not in urls for node in found):
        raise FhirPathError("checkModifiers() found a modifier that is not known")
    return items


FUNCTIONS: Final = {
    "extension": Function(extension, 1, 1),
    "hasExtension": Function(_has_extension, 1, 1, decides=True),
    "hasValue": Function(_has_value, decides=True),
    "getValue": Function(_get_value),
    "resolve": Function(resolve),
    "memberOf": Function(_member_of, 1, 1, decides=True),
    "conformsTo": Function(_conforms_to, 1, 1, decides=True),
    "subsumes": Function(_subsumes, 1, 1, decides=True),
    "subsumedBy": Function(_subsumed_by, 1, 1, decides=True),
    "htmlChecks": Function(_html_checks, decides=True),
    "checkModifiers": Function(_check_modifiers, 0, 20),
}
