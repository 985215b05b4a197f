"""A member of staff as a User, and the wishes that make them as a User says.

Ours in the extension: the national number (given once, never told), the HPR number, and the posts. `from` is a post's
first day and `until` its last; posts that are over are not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from fellesjournal.identity import named_by_number
from fellesjournal.identity.administration import Staff, StaffPost, UnitRow, Wish, last_day, midnight, midnight_after
from fellesjournal.kit.clock import OSLO
from fellesjournal.kit.keys import Keys
from fellesjournal.national.identifiers import DNR, FNR, kind_of
from fellesjournal.onboarding.scim.model import STAFF, USER, Json, ScimError, attribute

_MOST_POSTS: Final = 50
_LONGEST: Final = 200


@dataclass(frozen=True)
class Told:
    """What a User says. `number` "" when it says none; `posts` by unit and role, None when it says nothing of them."""

    user_name: str
    name: str
    external: str
    licence: str
    active: bool
    number: str
    posts: dict[tuple[int, str], tuple[datetime | None, datetime | None]] | None


def user_of(person: Staff, *, base: str) -> Json:
    """The person as a User."""
    family = person.name.rpartition(" ")[2]
    given = person.name[: -len(family)].strip()
    user: Json = {
        "schemas": [USER, STAFF],
        "id": str(person.id),
        "userName": person.user_name or f"person-{person.id}",
        "displayName": person.name,
        "name": {"formatted": person.name, "familyName": family, "givenName": given},
        "active": person.active,
        "meta": _meta(person, base),
        STAFF: {"posts": [_post(post) for post in person.posts if not post.is_over]},
    }
    if person.external:
        user["externalId"] = person.external
    if person.licence:
        user[STAFF]["hprNumber"] = person.licence
    return user


def read_user(user: Mapping[str, Any], *, units: Sequence[UnitRow]) -> Told:
    """What a User says. Raises ScimError."""
    extension = attribute(user, STAFF) or {}
    if not isinstance(extension, dict):
        raise _invalid(f"{STAFF} must be an object")
    active = attribute(user, "active")
    if active is not None and not isinstance(active, bool):
        raise _invalid("active must be true or false")
    posts = attribute(extension, "posts")
    return Told(
        user_name=_text(user, "userName", is_needed=True),
        name=_name(user),
        external=_text(user, "externalId"),
        licence=_licence(extension),
        active=active is not False,
        number=_text(extension, "nationalId").replace(" ", ""),
        posts=None if posts is None else _posts(posts, units),
    )


def wishes_for_new(told: Told, *, keys: Keys, is_demo: bool) -> list[Wish]:
    """The wishes that make somebody new. Raises ScimError."""
    wanted = "synthetic" if is_demo else "real"
    if wanted not in (kind_of(FNR, told.number), kind_of(DNR, told.number)):
        raise _invalid(f"{STAFF}:nationalId must be a {wanted} fødselsnummer or D-number")
    person: dict[str, Any] = {
        "do": "person",
        "is_new": True,
        **named_by_number(keys, told.number),
        "name": told.name,
        "user_name": told.user_name,
        "external": told.external or None,
        "licence": told.licence or None,
    }
    given = (told.posts or {}).items() if told.active else ()
    posts = [_given(unit, role, span, licence=told.licence, person_at=0) for (unit, role), span in given]
    return [person, *posts, *([] if told.active else [{"do": "stop", "person_at": 0}])]


def wishes_for(person: Staff, told: Told, *, version: int | None) -> list[Wish]:
    """The wishes that make a person as a User says; posts that it does not name end. Raises ScimError."""
    if told.number:
        raise ScimError(400, f"{STAFF}:nationalId can not be changed", "mutability")
    fields: dict[str, Any] = {
        "name": told.name,
        "user_name": told.user_name,
        "external": told.external or None,
        "licence": told.licence or None,
    }
    former = {
        "name": person.name,
        "user_name": person.user_name or f"person-{person.id}",
        "external": person.external or None,
        "licence": person.licence or None,
    }
    changed = {name: value for name, value in fields.items() if value != former[name]}
    if told.active and not person.active:
        changed["active"] = True
    wishes: list[Wish] = []
    if changed or version is not None:
        wishes.append(
            {"do": "person", "person": person.id, **changed, **({} if version is None else {"version": version})}
        )
    if not told.active:
        return [*wishes, {"do": "stop", "person": person.id}]
    return wishes if told.posts is None else [*wishes, *_post_wishes(person, told)]


def _post_wishes(person: Staff, told: Told) -> list[Wish]:
    posts = told.posts or {}
    held = {(post.unit, post.role): post for post in person.posts if not post.is_over}
    wishes: list[Wish] = [{"do": "end", "post": post.id} for key, post in held.items() if key not in posts]
    for (unit, role), (first, until) in posts.items():
        post = held.get((unit, role))
        is_same = post is not None and _last(until) == _last(post.until_at) and first in (None, _first_day(post))
        if not is_same:
            wishes.append(_given(unit, role, (first, until), licence=told.licence, person=person.id))
    return wishes


def _given(
    unit: int, role: str, span: tuple[datetime | None, datetime | None], *, licence: str, **who: int
) -> dict[str, Any]:
    first, until = span
    return {
        "do": "post",
        "unit": unit,
        "role": role,
        **who,
        **({"licence": licence} if licence else {}),
        **({"from": first} if first else {}),
        **({"until": until} if until else {}),
    }


def _posts(found: Any, units: Sequence[UnitRow]) -> dict[tuple[int, str], tuple[datetime | None, datetime | None]]:
    if not isinstance(found, list) or len(found) > _MOST_POSTS:
        raise _invalid(f"posts must be a list of at most {_MOST_POSTS}")
    numbers = {unit.code or str(unit.id): unit.id for unit in units}
    posts = {}
    for one in found:
        if not isinstance(one, dict):
            raise _invalid("a post must be an object with unit and role")
        code, role = _text(one, "unit", is_needed=True), _text(one, "role", is_needed=True)
        if code not in numbers:
            raise _invalid("a post names a unit that is not within reach")
        first, last = _day(one, "from"), _day(one, "until")
        posts[numbers[code], role] = (midnight(first) if first else None, midnight_after(last) if last else None)
    return posts


def _post(post: StaffPost) -> Json:
    told: Json = {
        "id": str(post.id),
        "unit": post.unit_code or str(post.unit),
        "unitName": post.unit_name,
        "role": post.role,
    }
    if post.from_at:
        told["from"] = post.from_at.astimezone(OSLO).date().isoformat()
    if post.until_at:
        told["until"] = last_day(post.until_at).isoformat()
    return told


def _first_day(post: StaffPost) -> datetime | None:
    return None if post.from_at is None else midnight(post.from_at.astimezone(OSLO).date())


def _last(until: datetime | None) -> date | None:
    return None if until is None else last_day(until)


def _name(user: Mapping[str, Any]) -> str:
    name = attribute(user, "name")
    parts = name if isinstance(name, dict) else {}
    whole = _text(parts, "formatted") or f"{_text(parts, 'givenName')} {_text(parts, 'familyName')}".strip()
    shown = whole or _text(user, "displayName")
    if len(shown) < 2:
        raise _invalid("name.formatted, name.givenName with name.familyName, or displayName is needed")
    return shown


def _licence(extension: Mapping[str, Any]) -> str:
    text = _text(extension, "hprNumber")
    if text and not (text.isascii() and text.isdecimal() and 7 <= len(text) <= 9):
        raise _invalid("hprNumber must have 7 to 9 digits")
    return text


def _text(found: Mapping[str, Any], name: str, *, is_needed: bool = False) -> str:
    value = attribute(found, name)
    if value is None and not is_needed:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST or (is_needed and not value.strip()):
        raise _invalid(f"{name} must be a text of 1 to {_LONGEST} characters")
    if name != "nationalId" and (kind_of(FNR, value) or kind_of(DNR, value)):
        raise _invalid(f"{name} must not be a national number")
    return value.strip()


def _day(found: Mapping[str, Any], name: str) -> date | None:
    text = _text(found, name)
    try:
        on = date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise _invalid(f"{name} must be a date such as 2027-01-31") from None
    if on is not None and not date(1900, 1, 1) <= on <= date(9999, 12, 1):
        raise _invalid(f"{name} is too far away")
    return on


def _meta(person: Staff, base: str) -> Json:
    return {
        "resourceType": "User",
        "created": person.made_at.isoformat(),
        "lastModified": person.changed_at.isoformat(),
        "version": f'W/"{person.version}"',
        "location": f"{base}/Users/{person.id}",
    }


def _invalid(detail: str) -> ScimError:
    return ScimError(400, detail, "invalidValue")
