"""/scim/v2: Users, Groups, and what the service says of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fellesjournal.access import gate
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import SessionOver
from fellesjournal.identity.administration import (
    Administrator,
    Refused,
    Report,
    Staff,
    UnitRow,
    Wish,
    carry_out,
    ledger,
)
from fellesjournal.onboarding.scim import groups, schemas, users
from fellesjournal.onboarding.scim.filter import Filter, equals, parse_filter
from fellesjournal.onboarding.scim.model import (
    BASE,
    LIST,
    SEARCH,
    Json,
    ScimError,
    answer,
    attribute,
    check_text,
    read_body,
)
from fellesjournal.onboarding.scim.patch import patched

PURPOSE: Final = "SCIM"
_CHUNK: Final = 500
_DEFAULT: Final = 100
_ALWAYS: Final = frozenset({"id", "schemas"})
_ASKED: Final = ("filter", "startIndex", "count", "attributes", "excludedAttributes")
_REFUSED: Final = {
    "self": (403, "", "nothing is given to whoever has made a token of this system"),
    "scope": (403, "", "the person or the unit is not within reach of this system"),
    "role": (400, "invalidValue", "the role does not exist, or can not be given by a system"),
    "unit": (400, "invalidValue", "the unit does not exist"),
    "licence": (400, "invalidValue", "the role needs an hprNumber"),
    "period": (400, "invalidValue", "the time of a post is impossible, or lies outside that of its unit"),
    "taken": (409, "uniqueness", "the userName or the person is registered already"),
    "unknown": (404, "", "no such User"),
    "version": (412, "", "somebody else has changed it in the meantime"),
}


@gate.system(PURPOSE)
async def configuration(request: Request, _decision: Decision) -> Response:
    """What is supported."""
    return answer(schemas.configuration(_base(request)))


@gate.system(PURPOSE)
async def resource_types(request: Request, _decision: Decision) -> Response:
    """The types, or one."""
    return _described(request, schemas.resource_types(_base(request)))


@gate.system(PURPOSE)
async def all_schemas(request: Request, _decision: Decision) -> Response:
    """The schemas, or one."""
    return _described(request, schemas.schemas(_base(request)))


@gate.system(PURPOSE)
async def list_users(request: Request, decision: Decision) -> Response:
    """Users by a filter, a page at a time."""
    return await _list_users(request, decision, dict(request.query_params))


@gate.system(PURPOSE)
async def search_users(request: Request, decision: Decision) -> Response:
    """The same by POST (RFC 7644 § 3.4.3), so that no name stands in an address."""
    return await _list_users(request, decision, _asked(await read_body(request)))


@gate.system(PURPOSE)
async def create_user(request: Request, decision: Decision) -> Response:
    """Bring somebody in, with their posts."""
    units = await _units(request, decision)
    told = users.read_user(await read_body(request), units=units)
    state = request.app.state
    report = await _carry_out(
        request, decision, users.wishes_for_new(told, keys=state.keys, is_demo=state.installed.demo)
    )
    return await _user(request, decision, report.subjects[0], status=201)


@gate.system(PURPOSE)
async def read_user(request: Request, decision: Decision) -> Response:
    """One User; 304 when the client has this version."""
    await _units(request, decision)
    return await _user(request, decision, _number(request))


@gate.system(PURPOSE)
async def replace_user(request: Request, decision: Decision) -> Response:
    """Make a User as the body says."""
    return await _change_user(request, decision, await read_body(request))


@gate.system(PURPOSE)
async def patch_user(request: Request, decision: Decision) -> Response:
    """Change parts of a User."""
    person = await _person(request, decision, _number(request))
    return await _change_user(
        request, decision, patched(users.user_of(person, base=_base(request)), await read_body(request))
    )


@gate.system(PURPOSE)
async def delete_user(request: Request, decision: Decision) -> Response:
    """The person stops: every post ends at once. Who was here stays on record."""
    await _units(request, decision)
    person = await _person(request, decision, _number(request))
    version = _version(request)
    wishes: list[Wish] = [] if version is None else [{"do": "person", "person": person.id, "version": version}]
    await _carry_out(request, decision, [*wishes, {"do": "stop", "person": person.id}])
    return answer(None, status=204)


@gate.system(PURPOSE)
async def list_groups(request: Request, decision: Decision) -> Response:
    """Groups by a filter, a page at a time."""
    units = await _units(request, decision)
    asked = dict(request.query_params)
    wanted = parse_filter(_text(asked, "filter")) if "filter" in asked else None
    found = [
        one
        for one in groups.all_groups(units, await _roles(request, decision))
        if wanted is None or wanted.holds({"id": one.id, "displayName": one.name})
    ]
    start, count = _page(asked)
    shown = found[start - 1 : start - 1 + count]
    people = (
        [] if "members" in _text(asked, "excludedAttributes") else [one async for one in _everyone(request, decision)]
    )
    return _listed(
        [groups.group_of(one, people, base=_base(request)) for one in shown], total=len(found), start=start, asked=asked
    )


@gate.system(PURPOSE)
async def read_group(request: Request, decision: Decision) -> Response:
    """One Group."""
    _one, body = await _group(request, decision)
    return answer(body)


@gate.system(PURPOSE)
async def replace_group(request: Request, decision: Decision) -> Response:
    """Give a Group its members."""
    group, former = await _group(request, decision)
    await _carry_out(request, decision, groups.wishes_for(group, former, await read_body(request)))
    return answer((await _group(request, decision))[1])


@gate.system(PURPOSE)
async def patch_group(request: Request, decision: Decision) -> Response:
    """Add and remove members."""
    group, former = await _group(request, decision)
    await _carry_out(request, decision, groups.wishes_for(group, former, patched(former, await read_body(request))))
    return answer((await _group(request, decision))[1])


@gate.system(PURPOSE)
async def not_supported(_request: Request, _decision: Decision) -> Response:
    """Bulk, Me, and making or deleting a Group: said so."""
    raise ScimError(
        501, "this is not supported; see ServiceProviderConfig. A Group is a role at a unit, and is not made here."
    )


@gate.public("says that there is nothing at the address; nothing about anyone")
async def nowhere(_: Request) -> Response:
    """404, or 405 at an address that takes other methods."""
    raise ScimError(404, "there is nothing at this address, or it does not take that method")


async def _list_users(request: Request, decision: Decision, asked: Mapping[str, Any]) -> Response:
    await _units(request, decision)
    start, count = _page(asked)
    wanted = parse_filter(_text(asked, "filter")) if asked.get("filter") else None
    shown, total = [], 0
    async for person in _everyone(request, decision, wanted):
        user = users.user_of(person, base=_base(request))
        if wanted is None or wanted.holds(user):
            total += 1
            if start <= total < start + count:
                shown.append(user)
            elif wanted is None and total >= start + count:
                break
    if wanted is None:
        total = await ledger.staff_count(request.app.state.access_db, secret=decision.secret)
    return _listed(shown, total=total, start=start, asked=asked)


async def _everyone(request: Request, decision: Decision, wanted: Filter | None = None) -> AsyncIterator[Staff]:
    """Staff within reach, a few hundred at a time; one alone when the filter says which."""
    name, number = (equals(wanted, key) if wanted else None for key in ("userName", "id"))
    own = name.removeprefix("person-") if name and name.startswith("person-") else number
    if own is not None and groups.number_of(own) is None:
        return
    after, one = 0, groups.number_of(own)
    while True:
        rows = await ledger.staff(
            request.app.state.access_db,
            secret=decision.secret,
            id=one,
            after=after,
            limit=_CHUNK,
            user_name=name if one is None else None,
        )
        for row in rows:
            yield row
        if len(rows) < _CHUNK:
            return
        after = rows[-1].id


async def _change_user(request: Request, decision: Decision, body: Mapping[str, Any]) -> Response:
    units = await _units(request, decision)
    person = await _person(request, decision, _number(request))
    told = users.read_user(body, units=units)
    await _carry_out(request, decision, users.wishes_for(person, told, version=_version(request)))
    return await _user(request, decision, person.id)


async def _carry_out(request: Request, decision: Decision, wishes: Sequence[Wish]) -> Report:
    try:
        return await carry_out(request.app.state.access_db, wishes, by=Administrator(decision.secret))
    except Refused as refused:
        if refused.why == "nobody":
            raise SessionOver from None
        status, scim_type, detail = _REFUSED[refused.why]
        raise ScimError(status, detail, scim_type) from None


async def _user(request: Request, decision: Decision, number: int, *, status: int = 200) -> Response:
    user = users.user_of(await _person(request, decision, number), base=_base(request))
    tag, location = user["meta"]["version"], user["meta"]["location"]
    if status == 200 and request.method == "GET" and request.headers.get("if-none-match") == tag:
        return answer(None, status=304, headers={"etag": tag})
    body = _projected(user, dict(request.query_params))
    return answer(body, status=status, headers={"etag": tag, **({"location": location} if status == 201 else {})})


async def _person(request: Request, decision: Decision, number: int) -> Staff:
    found = await ledger.staff(request.app.state.access_db, secret=decision.secret, id=number)
    if not found:
        raise ScimError(404, "no such User")
    return found[0]


async def _group(request: Request, decision: Decision) -> tuple[groups.RoleAt, Json]:
    units = await _units(request, decision)
    known = {one.id: one for one in groups.all_groups(units, await _roles(request, decision))}
    group = known.get(request.path_params["id"])
    if group is None:
        raise ScimError(404, "no such Group")
    people = [one async for one in _everyone(request, decision)]
    return group, groups.group_of(group, people, base=_base(request))


async def _units(request: Request, decision: Decision) -> list[UnitRow]:
    """The units within reach. None: the token has ended, whatever is remembered of it. Raises SessionOver."""
    units = await ledger.units(request.app.state.access_db, secret=decision.secret)
    if not units:
        raise SessionOver
    return units


async def _roles(request: Request, decision: Decision) -> list[Any]:
    return list(await ledger.roles(request.app.state.access_db, secret=decision.secret))


def _listed(found: Sequence[Json], *, total: int, start: int, asked: Mapping[str, Any]) -> Response:
    shown = [_projected(one, asked) for one in found]
    body = {
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(shown),
        "Resources": shown,
    }
    return answer(body)


def _described(request: Request, found: list[Json]) -> Response:
    if "filter" in request.query_params:
        raise ScimError(403, "there is no filter here")  # RFC 7644 § 4
    named = request.path_params.get("id")
    if named is None:
        return _listed(found, total=len(found), start=1, asked={})
    one = next((one for one in found if one["id"] == named), None)
    if one is None:
        raise ScimError(404, "there is nothing of that name")
    return answer(one)


def _asked(body: Json) -> dict[str, Any]:
    if SEARCH not in (attribute(body, "schemas") or []):
        raise ScimError(400, f"a search needs the schema {SEARCH}", "invalidSyntax")
    asked = {name: attribute(body, name) for name in _ASKED}
    told = {name: value for name, value in asked.items() if value is not None}
    return {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in told.items()}


def _page(asked: Mapping[str, Any]) -> tuple[int, int]:
    start, count = (_whole(asked, name, default) for name, default in (("startIndex", 1), ("count", _DEFAULT)))
    return max(1, start), min(max(0, count), schemas.MAX_RESULTS)


def _whole(asked: Mapping[str, Any], name: str, default: int) -> int:
    text = str(asked.get(name, default))
    if not (text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 10):
        raise ScimError(400, f"{name} must be a whole number", "invalidValue")
    return int(text)


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise ScimError(400, f"{name} must be a text", "invalidValue")
    return check_text(value)


def _projected(resource: Json, asked: Mapping[str, Any]) -> Json:
    """Only the attributes that were asked for, or all but some (RFC 7644 § 3.9); by their first step."""
    wanted, unwanted = (
        {word.strip().split(".")[0].lower() for word in _text(asked, name).split(",") if word.strip()}
        for name in ("attributes", "excludedAttributes")
    )
    if wanted:
        return {name: value for name, value in resource.items() if name in _ALWAYS or name.lower() in wanted}
    return {name: value for name, value in resource.items() if name in _ALWAYS or name.lower() not in unwanted}


def _version(request: Request) -> int | None:
    """The version that `If-Match` names. Raises ScimError for one that can't be."""
    text = request.headers.get("if-match", "*")
    if text == "*":
        return None
    digits = text.removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise ScimError(412, "the version is not one of this resource")
    return int(digits)


def _number(request: Request) -> int:
    found = groups.number_of(request.path_params["id"])
    if found is None:
        raise ScimError(404, "no such User")
    return found


def _base(request: Request) -> str:
    return f"{request.app.state.apps.base}{BASE}"


routes = [
    Route(BASE + "/ServiceProviderConfig", configuration),
    Route(BASE + "/ResourceTypes", resource_types),
    Route(BASE + "/ResourceTypes/{id}", resource_types),
    Route(BASE + "/Schemas", all_schemas),
    Route(BASE + "/Schemas/{id}", all_schemas),
    Route(BASE + "/Users", list_users),
    Route(BASE + "/Users", create_user, methods=["POST"]),
    Route(BASE + "/Users/.search", search_users, methods=["POST"]),
    Route(BASE + "/Users/{id}", read_user),
    Route(BASE + "/Users/{id}", replace_user, methods=["PUT"]),
    Route(BASE + "/Users/{id}", patch_user, methods=["PATCH"]),
    Route(BASE + "/Users/{id}", delete_user, methods=["DELETE"]),
    Route(BASE + "/Groups", list_groups),
    Route(BASE + "/Groups", not_supported, methods=["POST"]),
    Route(BASE + "/Groups/{id}", read_group),
    Route(BASE + "/Groups/{id}", replace_group, methods=["PUT"]),
    Route(BASE + "/Groups/{id}", patch_group, methods=["PATCH"]),
    Route(BASE + "/Groups/{id}", not_supported, methods=["DELETE"]),
    Route(BASE + "/Bulk", not_supported, methods=["POST"]),
    Route(BASE + "/Me", not_supported, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    Route("/scim/{rest:path}", nowhere, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
]
