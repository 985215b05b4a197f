"""A role at a unit as a Group: its members are those who hold the post now or later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal.identity.administration import Staff, UnitRow, Wish
from fellesjournal.kit import db
from fellesjournal.onboarding.scim.model import GROUP, Json, ScimError, attribute

_MOST_MEMBERS: Final = 5_000


@dataclass(frozen=True)
class RoleAt:
    """A role at a unit."""

    unit: int
    role: str
    name: str

    @property
    def id(self) -> str:
        """The Group's id."""
        return f"{self.unit}.{self.role}"


def all_groups(units: Sequence[UnitRow], roles: Sequence[db.Row]) -> list[RoleAt]:
    """Every role that can be given at every unit within reach."""
    return [RoleAt(unit.id, role["code"], f"{role['name_nb']}, {unit.name}") for unit in units for role in roles]


def group_of(group: RoleAt, people: Sequence[Staff], *, base: str) -> Json:
    """The role at the unit as a Group."""
    members = [
        {"value": str(person.id), "display": person.name, "type": "User", "$ref": f"{base}/Users/{person.id}"}
        for person in people
        if any(post.unit == group.unit and post.role == group.role and not post.is_over for post in person.posts)
    ]
    return {
        "schemas": [GROUP],
        "id": group.id,
        "displayName": group.name,
        "members": members,
        "meta": {"resourceType": "Group", "location": f"{base}/Groups/{group.id}"},
    }


def wishes_for(group: RoleAt, former: Json, wanted: Mapping[str, Any]) -> list[Wish]:
    """The wishes that give a Group these members: new ones from now on, the others end. Raises ScimError."""
    if attribute(wanted, "displayName") not in (None, former["displayName"]):
        raise ScimError(400, "displayName follows the role and the unit", "mutability")
    before, after = _members(former.get("members")), _members(attribute(wanted, "members"))
    post = {"unit": group.unit, "role": group.role}
    ended: list[Wish] = [{"do": "end", "person": one, **post} for one in sorted(before - after)]
    return [*ended, *({"do": "post", "person": one, **post} for one in sorted(after - before))]


def _members(found: Any) -> set[int]:
    if found is None:
        return set()
    if not isinstance(found, list) or len(found) > _MOST_MEMBERS:
        raise ScimError(400, f"members must be a list of at most {_MOST_MEMBERS}", "invalidValue")
    numbers = {number_of(attribute(one, "value")) if isinstance(one, dict) else None for one in found}
    if None in numbers:
        raise ScimError(400, "a member must have the id of a User as its value", "invalidValue")
    return {number for number in numbers if number is not None}


def number_of(text: Any) -> int | None:
    """The number of an id, or None for what can't be one."""
    is_number = isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 19
    return int(text) if is_number else None
