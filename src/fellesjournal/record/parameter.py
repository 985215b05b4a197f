"""A SearchParameter that an operator adds: what it must be, and the doors to add, list and remove one.

Source: https://hl7.org/fhir/R4/searchparameter.html
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.fhir.fhirpath import FhirPathError, check_expression, compile_expression
from fellesjournal.kit.db import Connection, Database, Row, UniqueViolation
from fellesjournal.record import index_store as store

TYPES: Final = ("token", "reference", "date", "string", "quantity", "number", "uri")
MAX_EXPRESSION: Final = 2_000
MAX_ADDED: Final = 200
_code = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,62}").fullmatch


class BadParameter(Exception):
    """A SearchParameter that can't be added; the text says why."""


@dataclass(frozen=True)
class NewParameter:
    """One that can be added, for several resource types."""

    code: str
    type: str
    expression: str
    bases: tuple[str, ...]
    targets: tuple[str, ...]
    url: str


def read_parameter(content: bytes) -> NewParameter:
    """The parameter in a file of FHIR JSON. Raises BadParameter."""
    try:
        resource = fhir.parse(content)
    except fhir.BadJson as error:
        raise BadParameter(f"not FHIR JSON: {error}") from None
    if resource.get("resourceType") != "SearchParameter":
        raise BadParameter("not a SearchParameter")
    issues = fhir.validate(resource)
    if issues:
        raise BadParameter("; ".join(f"{issue.expression}: {issue.diagnostics}" for issue in issues[:10]))
    made = NewParameter(
        resource["code"], resource["type"], resource.get("expression", ""), tuple(dict.fromkeys(resource["base"])),
        tuple(resource.get("target", ())), resource["url"],
    )  # fmt: skip
    _check(made, resource)
    return made


def _check(made: NewParameter, resource: dict[str, Any]) -> None:
    if resource["status"] == "retired":
        raise BadParameter("it is retired")
    if made.type not in TYPES or resource.get("component"):
        raise BadParameter(f"its type must be one of {', '.join(TYPES)}, without components")
    if not _code(made.code):
        raise BadParameter("its code must be a letter, then letters, digits and hyphens: 63 at most")
    if not made.expression or len(made.expression) > MAX_EXPRESSION:
        raise BadParameter(f"it needs an expression of at most {MAX_EXPRESSION} characters")
    for rtype in (*made.bases, *made.targets):
        if rtype not in fhir.TYPE_NUMBER:
            raise BadParameter(f"{rtype} is not a resource type that can be searched; name each type by itself")
    for rtype in made.bases:
        if made.code in fhir.search_params(rtype):
            raise BadParameter(f"{rtype} has a search parameter {made.code} already")
        if set(_numbers(made, rtype)) & fhir.official_numbers():
            raise BadParameter("its number is taken; choose another code")
    _check_expression(made)


def _check_expression(made: NewParameter) -> None:
    """Each branch of a union must make sense for one of the types at least, and each type have a branch."""
    served: set[str] = set()
    for branch in _branches(made.expression):
        fitting, last = set[str](), ""
        for rtype in made.bases:
            try:
                check_expression(branch, type_name=rtype)
            except FhirPathError as error:
                last = str(error)
            else:
                fitting.add(rtype)
        if not fitting:
            raise BadParameter(f"its expression: {last}")
        served |= fitting
    if set(made.bases) - served:
        raise BadParameter(f"its expression says nothing of {', '.join(sorted(set(made.bases) - served))}")


def _branches(text: str) -> list[str]:
    """The texts between the bars of a union, when every one begins with the name of a type; else the whole."""
    parts = [part.strip() for part in text.split("|")]
    if "'" in text or not all(part[:1].isupper() for part in parts):
        return [text]
    try:
        for part in parts:
            compile_expression(part)
    except FhirPathError:
        return [text]
    return parts


def _numbers(made: NewParameter, rtype: str) -> tuple[int, ...]:
    return fhir.numbers_of(made.type, fhir.param_id(rtype, made.code))


async def add(db: Database | Connection, made: NewParameter) -> list[int]:
    """Add it for all its types; its editions. The worker fills in what is there already. Raises BadParameter."""
    if len(await store.list_search_parameters(db)) + len(made.bases) > MAX_ADDED:
        raise BadParameter(f"at most {MAX_ADDED} can be added")
    params = [fhir.param_id(rtype, made.code) for rtype in made.bases]
    try:
        return await store.add_search_parameter(
            db, rtype=[fhir.TYPE_NUMBER[rtype] for rtype in made.bases], param=params,
            numbers=[_numbers(made, rtype) for rtype in made.bases], code=made.code, type=made.type,
            expression=made.expression, targets=list(made.targets), url=made.url,
        )  # fmt: skip
    except UniqueViolation:
        raise BadParameter("it is there already, or still being removed") from None


async def remove(db: Database | Connection, code: str) -> int:
    """Take it back from all types; from how many. Searches refuse it at once, its rows go afterwards."""
    return await store.remove_search_parameter(db, code=code)


async def listed(db: Database | Connection) -> list[Row]:
    """All that were added, by code: rows with every column of `vault.list_search_parameters`."""
    return await store.list_search_parameters(db)
