"""What the service says of itself: its configuration, its types, and their attributes (RFC 7643 §§ 5–7)."""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.onboarding.scim.model import GROUP, STAFF, USER, Json

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"
MAX_RESULTS: Final = 200


def configuration(base: str) -> Json:
    """The ServiceProviderConfig: no bulk, no sorting, no password."""
    return {
        "schemas": [f"{_CORE}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MAX_RESULTS},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token that an administrator makes",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(base: str) -> list[Json]:
    """User with our extension, and Group."""
    return [
        {
            "schemas": [f"{_CORE}ResourceType"],
            "id": name,
            "name": name,
            "endpoint": f"/{name}s",
            "schema": schema,
            "schemaExtensions": [{"schema": STAFF, "required": True}] if name == "User" else [],
            "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{name}"},
        }
        for name, schema in (("User", USER), ("Group", GROUP))
    ]


def schemas(base: str) -> list[Json]:
    """The attributes of each."""
    user = [
        _attribute("userName", required=True, uniqueness="server"),
        _attribute("externalId", case_exact=True),
        _attribute("displayName"),
        _attribute("active", "boolean"),
        _attribute("name", "complex", parts=[_attribute(name) for name in ("formatted", "givenName", "familyName")]),
    ]
    staff = [
        _attribute("nationalId", mutability="immutable", returned="never", required=True),
        _attribute("hprNumber"),
        _attribute(
            "posts",
            "complex",
            multi=True,
            parts=[
                _attribute("id", mutability="readOnly"),
                _attribute("unit", required=True),
                _attribute("unitName", mutability="readOnly"),
                _attribute("role", required=True),
                _attribute("from"),
                _attribute("until"),
            ],
        ),
    ]
    group = [
        _attribute("displayName", mutability="readOnly"),
        _attribute(
            "members",
            "complex",
            multi=True,
            parts=[_attribute("value", required=True), _attribute("display", mutability="readOnly")],
        ),
    ]
    return [
        _schema(base, USER, "User", user),
        _schema(base, STAFF, "Staff", staff),
        _schema(base, GROUP, "Group", group),
    ]


def _schema(base: str, id: str, name: str, attributes: list[Json]) -> Json:
    return {
        "schemas": [f"{_CORE}Schema"],
        "id": id,
        "name": name,
        "attributes": attributes,
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{id}"},
    }


def _attribute(
    name: str,
    type: str = "string",
    *,
    multi: bool = False,
    required: bool = False,
    mutability: str = "readWrite",
    returned: str = "default",
    uniqueness: str = "none",
    case_exact: bool = False,
    parts: list[Json] | None = None,
) -> Json:
    made: dict[str, Any] = {
        "name": name,
        "type": type,
        "multiValued": multi,
        "required": required,
        "mutability": mutability,
        "returned": returned,
        "uniqueness": uniqueness,
        "caseExact": case_exact,
    }
    return made if parts is None else {**made, "subAttributes": parts}
