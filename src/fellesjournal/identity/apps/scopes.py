"""Scopes: what an app asks for, what it was granted, and the ceiling that this puts over its user's own access. Pure.

Source: SMART App Launch 2.2, "Scopes and Launch Context"; scopes of version 1 are read as those of version 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast
from urllib.parse import parse_qsl, urlencode

from fellesjournal import fhir

Context: TypeAlias = Literal["patient", "user", "system"]
Pairs: TypeAlias = tuple[tuple[str, str], ...]

ACTIONS: Final = "cruds"
ANY: Final = "*"
IDENTITY: Final = ("openid", "fhirUser", "profile")
LAUNCH: Final = ("launch", "launch/patient", "launch/encounter")
LASTING: Final = ("online_access", "offline_access")
OTHERS: Final = (*IDENTITY, *LAUNCH, *LASTING)
MAX_SCOPES: Final = 60
MAX_TEXT: Final = 2500
_MASK: Final = {"r": 1000, "c": 2000, "u": 3000, "d": 4000}
_USER: Final = 999
_V1: Final = {"read": "rs", "write": "cud", "*": "cruds"}
_FORM: Final = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]{1,60}|\*)\.([a-z]+|\*)(?:\?([\x21-\x7e]+))?")


class BadScope(Exception):
    """A scope that can't be read; the text names it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be done with resources of a type: `actions` out of create, read, update, delete, search.

    With `params` only those that such a search finds.
    """

    context: Context
    rtype: str
    actions: str
    params: Pairs = ()

    def __str__(self) -> str:
        """As it is written in version 2."""
        query = f"?{urlencode(self.params)}" if self.params else ""
        return f"{self.context}/{self.rtype}.{self.actions}{query}"


@dataclass(frozen=True, slots=True)
class Scopes:
    """Scopes by kind: those about resources, and the words (`openid`, `launch` …); each in the order given, once."""

    resources: tuple[Scope, ...] = ()
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """As one text with spaces between."""
        return " ".join((*self.words, *map(str, self.resources)))

    def has(self, word: str) -> bool:
        """Whether a word is among them."""
        return word in self.words

    def of(self, context: Context) -> tuple[Scope, ...]:
        """Those about resources in one context."""
        return tuple(scope for scope in self.resources if scope.context == context)


def read_scopes(text: str) -> Scopes:
    """Every scope of a text; unknown words are left out (RFC 6749 § 3.3). Raises BadScope."""
    parts = text.split()
    if len(text) > MAX_TEXT or len(parts) > MAX_SCOPES:
        raise BadScope(f"at most {MAX_SCOPES} scopes in {MAX_TEXT} characters")
    found = dict.fromkeys(read_scope(part) for part in parts if "/" in part and part not in LAUNCH)
    return Scopes(tuple(found), tuple(dict.fromkeys(part for part in parts if part in OTHERS)))


def read_scope(text: str) -> Scope:
    """One scope about resources. Raises BadScope."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise BadScope(f"{text[:80]}: not a scope")
    context, rtype, given, query = match.groups()
    actions = _V1.get(given, given)
    if not actions or [one for one in ACTIONS if one in actions] != list(actions):
        raise BadScope(f"{text[:80]}: the actions are some of {ACTIONS}, in this order")
    params = tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=10)) if query else ()
    if query and (not params or rtype == ANY or given in _V1):
        raise BadScope(f"{text[:80]}: search parameters need one resource type, and actions of version 2")
    return Scope(cast(Context, context), rtype, actions, params)


def narrowed(wanted: Scopes, allowed: Scopes) -> Scopes:
    """What of the wanted is allowed, each scope as narrow as the narrower of the two."""
    pairs = ((one, other) for one in wanted.resources for other in allowed.resources)
    resources = dict.fromkeys(both for one, other in pairs if (both := _both(one, other)))
    return Scopes(_without_parts(resources), tuple(word for word in wanted.words if word in allowed.words))


def is_within(wanted: Scopes, allowed: Scopes) -> bool:
    """Whether nothing is wanted that is not allowed."""
    return set(wanted.words) <= set(allowed.words) and all(
        any(_both(one, other) == one for other in allowed.resources) for one in wanted.resources
    )


def _both(one: Scope, other: Scope) -> Scope | None:
    if one.context != other.context or (ANY not in (one.rtype, other.rtype) and one.rtype != other.rtype):
        return None
    actions = "".join(action for action in one.actions if action in other.actions)
    params = tuple(dict.fromkeys((*one.params, *other.params)))
    rtype = other.rtype if one.rtype == ANY else one.rtype
    return Scope(one.context, rtype, actions, params) if actions else None


def _without_parts(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """Without those that another one holds already, and more."""
    listed = list(scopes)
    return tuple(one for one in listed if not any(_is_part(one, other) for other in listed))


def _is_part(one: Scope, other: Scope) -> bool:
    return _both(one, other) == one and _both(other, one) != other


def limits(scopes: Sequence[Scope], rtype: str, actions: str, *, in_chart: bool) -> tuple[Pairs, ...]:
    """How far one of the actions goes on a type: the parameters of each scope that fits. Empty: not at all.

    Scopes of a patient hold `in_chart` alone: in the record of the patient that the app was launched for, and in the
    directory. One without parameters sets no bound beside the reader's own.
    """
    fitting = [
        scope.params
        for scope in scopes
        if scope.rtype in (rtype, ANY) and any(one in scope.actions for one in actions)
        and (in_chart or scope.context != "patient")
    ]  # fmt: skip
    return ((),) if () in fitting else tuple(dict.fromkeys(fitting))


def type_mask(scopes: Scopes) -> tuple[int, ...]:
    """What the scopes let their app do with which types, as the database holds it (access/limits.sql), in order.

    Whoever searches reads; whoever changes a row, or makes one that must fit parameters, has it looked at first.
    """
    found = {_USER} if scopes.has("fhirUser") else set()
    for scope in scopes.resources:
        number = 0 if scope.rtype == ANY else fhir.TYPE_NUMBER.get(scope.rtype)
        if number is None:
            continue
        found |= {base + number for action, base in _MASK.items() if action in scope.actions}
        if set(scope.actions) & set("rsud") or scope.params:
            found.add(_MASK["r"] + number)
    return tuple(sorted(found))


def is_whole(bounds: Sequence[Pairs]) -> bool:
    """Whether the scopes set no bound."""
    return () in bounds
