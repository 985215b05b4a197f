"""What a resource must fulfil before it is written: FHIR's definitions, and Norway's identity numbers."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fellesjournal import fhir
from fellesjournal.national import identifiers
from fellesjournal.record.errors import Invalid
from fellesjournal.record.rows import Wanted

_BREATH = 64
"""Resources validated before other requests get their turn."""


async def validate_all(wanted: Sequence[Wanted], *, is_demo: bool) -> None:
    """Validate what is to be written. Raises Invalid with every fault of the first bad one, each with its path."""
    for n, item in enumerate(wanted, start=1):
        if item.resource is None:
            continue
        issues = fhir.validate(item.resource) or _own_issues(item, item.resource, is_demo=is_demo)
        if issues:
            raise Invalid(issues=[item.placed(issue) for issue in issues])
        if n % _BREATH == 0:
            await asyncio.sleep(0)


def _own_issues(item: Wanted, resource: dict[str, Any], *, is_demo: bool) -> list[fhir.Issue]:
    if item.op == "U" and fhir.is_subset(resource):
        what = "is a part of the resource (SUBSETTED), as _summary or _elements gave it; it may not replace the whole"
        return [fhir.Issue("error", "business-rule", f"{item.rtype}.meta.tag", what)]
    return _number_issues(resource, is_demo=is_demo)


def _number_issues(resource: dict[str, Any], *, is_demo: bool) -> list[fhir.Issue]:
    found = identifiers.faults(resource, is_demo=is_demo)
    return [fhir.Issue("error", "business-rule", path, what) for path, what in found]
