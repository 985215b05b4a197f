"""What a resource must fulfil before it is written. A write and `$validate` ask here, and nowhere else.

In this order, each only of what has passed the one before: FHIR's own definitions (`fhir.validate`); what holds in
every record of ours (no part in place of the whole, no block as a Consent, Norway's identity numbers); the profiles
that it claims in `meta.profile`, that the operator requires of its type, or that `$validate` is asked for
(`conformance`).
Errors refuse. Warnings are for whoever asks.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from fellesjournal import fhir
from fellesjournal.national import identifiers
from fellesjournal.record import blocks
from fellesjournal.record.conformance import Conformance, Required
from fellesjournal.record.errors import Invalid
from fellesjournal.record.rows import Op, Wanted

_BREATH = 64
"""Resources validated before other requests get their turn."""

Json = dict[str, Any]


class Checks:
    """What this process holds resources against."""

    def __init__(self, conformance: Conformance) -> None:
        self._conformance = conformance

    @property
    def required(self) -> Required:
        """The profiles that the operator requires, by type."""
        return self._conformance.required

    async def refuse_faults(self, wanted: Sequence[Wanted], *, is_demo: bool) -> None:
        """Check what is to be written. Raises Invalid with every fault of the first bad one, each with its place."""
        for n, item in enumerate(wanted, start=1):
            if item.resource is None:
                continue
            issues = await self._faults(item.resource, item.op, is_demo=is_demo)
            if issues:
                raise Invalid(issues=[item.placed(issue) for issue in issues])
            if n % _BREATH == 0:
                await asyncio.sleep(0)

    async def examine(
        self, resource: Json, op: Op, *, is_demo: bool, profiles: Sequence[str] = ()
    ) -> list[fhir.Issue]:
        """All that there is to say of a resource: the errors that a write would be refused for, then warnings and more.

        `profiles` are such that it need not claim.
        """
        told = fhir.examine(resource)
        if any(map(_is_error, told)):
            return told
        told += _own_issues(resource, op, is_demo=is_demo)
        if any(map(_is_error, told)):
            return told
        _, named = fhir.validate_naming(resource)
        told += await self._conformance.issues(resource, named, profiles=profiles)
        told += await self._conformance.recommended(resource)
        return sorted(told, key=lambda issue: _SEVERITIES.index(issue.severity))

    async def _faults(self, resource: Json, op: Op, *, is_demo: bool) -> list[fhir.Issue]:
        issues, named = fhir.validate_naming(resource)
        issues = issues or _own_issues(resource, op, is_demo=is_demo)
        if issues or not await self._conformance.may_object(resource["resourceType"], named):
            return issues
        return await self._conformance.faults(resource, named)


_SEVERITIES = ("fatal", "error", "warning", "information")


def _is_error(issue: fhir.Issue) -> bool:
    return issue.severity in ("fatal", "error")


def _own_issues(resource: Json, op: Op, *, is_demo: bool) -> list[fhir.Issue]:
    if op == "U" and fhir.is_subset(resource):
        what = "is a part of the resource (SUBSETTED), as _summary or _elements gave it; it may not replace the whole"
        return [fhir.Issue("error", "business-rule", f"{resource['resourceType']}.meta.tag", what)]
    if blocks.looks_like_one(resource):
        return [fhir.Issue("error", "business-rule", "Consent", blocks.MADE_ON_PAGES)]
    found = identifiers.faults(resource, is_demo=is_demo)
    return [fhir.Issue("error", "business-rule", path, what) for path, what in found]
