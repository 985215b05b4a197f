# ruff: noqa: E501, A001 - what is sent reads best a line each; id is its name
"""SCIM over a living site: staff come, change and leave; and no request brings it down."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.onboarding.scim.model import PATCH, STAFF, USER
from tests.identity.administration.making import number
from tests.onboarding.office import Office, patch, user
from tests.site import GP


def fault(answer: httpx.Response, status: int, scim_type: str = "") -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["status"], body.get("scimType", "")) == (str(status), scim_type), body
    assert answer.headers["content-type"] == "application/scim+json"
    return str(body["detail"])


def test_staff_come_change_and_leave(office: Office, scim: httpx.Client) -> None:
    made = scim.post("/Users", json=user("Silje Scim", 50, posts=[{"unit": "lv", "role": "assistent", "until": "2031-05-31"}]))
    assert made.status_code == 201 and number(50) not in made.text and "nationalId" not in made.text
    body = made.json()
    id, tag = body["id"], made.headers["etag"]
    assert body[STAFF]["posts"][0] | {"id": "", "from": "", "unitName": ""} == {"id": "", "from": "", "unitName": "", "unit": "lv", "role": "assistent", "until": "2031-05-31"}
    assert made.headers["location"].endswith(f"/scim/v2/Users/{id}")
    assert scim.get(f"/Users/{id}", headers={"if-none-match": tag}).status_code == 304
    fault(scim.post("/Users", json=user("Silje Scim", 50)), 409, "uniqueness")
    # What was seen before somebody changed it is not written over.
    changed = patch(scim, id, {"op": "replace", "path": "name.familyName", "value": "Skim"}, **{"if-match": tag})
    assert changed.status_code == 200 and changed.json()["displayName"] == "Silje Skim" and changed.headers["etag"] != tag
    fault(patch(scim, id, {"op": "replace", "path": "displayName", "value": "X Y"}, **{"if-match": tag}), 412)
    # A licence, a post that needs it, and the former one gone.
    more = patch(
        scim, id, {"op": "add", "path": f"{STAFF}:hprNumber", "value": "1234567"},
        {"op": "add", "path": f"{STAFF}:posts", "value": [{"unit": "lv", "role": "sykepleier"}]},
        {"op": "remove", "path": f'{STAFF}:posts[role eq "assistent"]'},
    )  # fmt: skip
    assert [one["role"] for one in more.json()[STAFF]["posts"]] == ["sykepleier"]
    # Found by what systems ask for; and by POST.
    for text in ('userName eq "silje@lv.no"', f'id eq "{id}"', 'name.familyName sw "ski" and active eq true', f'{STAFF}:posts[role eq "sykepleier"] and displayName co "silje"'):
        found = scim.get("/Users", params={"filter": text}).json()
        assert (found["totalResults"], found["Resources"][0]["id"]) == (1, id), text
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": 'externalId eq "e50"', "attributes": ["userName"]}
    assert scim.post("/Users/.search", json=search).json()["Resources"] == [{"schemas": [USER, STAFF], "id": id, "userName": "silje@lv.no"}]
    # The same User sent back changes nothing.
    before = scim.get(f"/Users/{id}")
    again = scim.put(f"/Users/{id}", json=before.json())
    assert (again.status_code, again.headers["etag"]) == (200, before.headers["etag"]), again.text
    # Out: every post ends in the moment, with the sessions in it.
    row = office.site.row("SELECT id FROM identity.post WHERE person = $1 AND role = 'sykepleier'", int(id))
    office.site.row(
        "INSERT INTO identity.session (secret_hash, kind, person, post, unit, role, level, idle_s, expires_at) SELECT sha256('\\x77'), 'staff', person, id, unit, role, 4, 900,"
        " now() + interval '1 hour' FROM identity.post WHERE id = $1 RETURNING 1", row["id"],
    )  # fmt: skip
    assert office.site.row("SELECT session FROM identity.who('\\x77')")
    out = patch(scim, id, {"op": "replace", "value": {"active": False}})
    assert (out.json()["active"], out.json()[STAFF]["posts"]) == (False, [])
    assert office.site.row("SELECT session FROM identity.who('\\x77')") is None
    assert scim.delete(f"/Users/{id}").status_code == 204


def test_a_group_is_a_role_at_a_unit(scim: httpx.Client) -> None:
    id = scim.post("/Users", json=user("Guri Gruppe", 51, posts=[])).json()["id"]
    found = scim.get("/Groups", params={"filter": 'displayName sw "Helsesekretær"'}).json()["Resources"]
    group = next(one for one in found if one["displayName"].endswith("legevakt"))
    add = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": [{"value": id}]}]}
    given = scim.patch(f"/Groups/{group['id']}", json=add)
    assert id in [one["value"] for one in given.json()["members"]], given.text
    gone = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": f'members[value eq "{id}"]'}]}
    assert id not in [one["value"] for one in scim.patch(f"/Groups/{group['id']}", json=gone).json()["members"]]
    fault(scim.post("/Groups", json={}), 501)
    assert not [one for one in scim.get("/Groups?count=200&excludedAttributes=members").json()["Resources"] if "administrator" in one["id"]]


def test_what_may_not_be_given_is_refused_in_the_protocols_words(office: Office, scim: httpx.Client) -> None:
    me = office.site.row("SELECT id FROM identity.person WHERE name = $1", GP)["id"]
    own = {"op": "add", "path": f"{STAFF}:posts", "value": [{"unit": "lv", "role": "assistent"}]}
    fault(patch(scim, str(me), own), 403)
    fault(scim.post("/Users", json=user("Adda Admin", 52, posts=[{"unit": "lv", "role": "administrator"}])), 400, "invalidValue")
    fault(scim.post("/Users", json=user("Uten Lisens", 52, posts=[{"unit": "lv", "role": "lege"}])), 400, "invalidValue")
    fault(scim.post("/Users", json=user("Annet Sted", 52, posts=[{"unit": "annen", "role": "assistent"}])), 400, "invalidValue")
    told = fault(scim.post("/Users", json=user("Feil Nummer", 52, **{STAFF: {"nationalId": "12345678901"}})), 400, "invalidValue")
    assert "12345678901" not in told
    fault(scim.post("/Users", json=user("Nummer Navn", 52, userName=number(52))), 400, "invalidValue")
    id = scim.post("/Users", json=user("Vibeke Vikar", 53)).json()["id"]
    fault(patch(scim, id, {"op": "replace", "path": f"{STAFF}:nationalId", "value": number(54)}), 400, "mutability")
    fault(patch(scim, id, {"op": "replace", "path": "id", "value": "1"}), 400, "mutability")
    fault(patch(scim, id, {"op": "remove", "path": f'{STAFF}:posts[role eq "lege"]'}), 400, "noTarget")
    fault(scim.get("/Users?filter=userName is 3"), 400, "invalidFilter")
    elsewhere = office.site.row("SELECT p.id FROM identity.person p JOIN identity.post o ON o.person = p.id JOIN identity.unit u ON u.id = o.unit WHERE u.kind = 'gp' AND p.name <> $1 AND u.entity <> (SELECT entity FROM identity.unit WHERE code = 'lv') LIMIT 1", GP)
    fault(scim.get(f"/Users/{elsewhere['id']}"), 404)


def test_a_token_opens_no_record_and_an_ended_system_nothing(office: Office, scim: httpx.Client) -> None:
    token = scim.headers["authorization"]
    patient = office.site.patient_id("Per Arne Moltu")
    with httpx.Client(base_url=office.site.url, headers={"authorization": token}) as other:
        assert other.get(f"/fhir/Patient/{patient}").status_code in (403, 404)
        assert other.get("/fhir/Observation?code=x").status_code in (403, 404)
        assert other.get("/administrasjon", follow_redirects=False).status_code in (303, 401)
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": f"Bearer {office.site.token(GP)}"}, {"authorization": f"Bearer {office.site.token('integration')}"}):
        answer = httpx.get(f"{office.site.url}/scim/v2/Users", headers=headers)
        fault(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    # A new token ends the one before, at once.
    with office.scim_client(office.token(office.personal)) as newer:
        assert newer.get("/Users?count=1").status_code == 200
        fault(scim.get("/Users?count=1"), 401)
        scim.headers["authorization"] = newer.headers["authorization"]


def test_the_service_says_what_it_can(scim: httpx.Client) -> None:
    said = scim.get("/ServiceProviderConfig").json()
    assert {name: said[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")} == {
        "patch": True, "bulk": False, "filter": True, "sort": False, "etag": True, "changePassword": False,
    }  # fmt: skip
    assert [one["id"] for one in scim.get("/ResourceTypes").json()["Resources"]] == ["User", "Group"]
    assert [one["id"] for one in scim.get("/Schemas").json()["Resources"]][:2] == [USER, STAFF]
    assert scim.get(f"/Schemas/{STAFF}").json()["name"] == "Staff"
    for method, path, status in (("POST", "/Bulk", 501), ("GET", "/Me", 501), ("GET", "/Nothing", 404), ("DELETE", "/Users", 404), ("GET", "/Users/x", 404)):
        fault(scim.request(method, path), status)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from([PATCH, USER, "add", "remove", "members", f"{STAFF}:posts", "a[b eq 1].c", "\x00", "active"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["schemas", "Operations", "op", "path", "value", "userName", "name", "active", STAFF, "posts", "members", "unit", "role", "nationalId", "from"]), inner, max_size=5),
    max_leaves=10,
)  # fmt: skip


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    path=st.sampled_from(["/Users", "/Users/ID", "/Users/.search", "/Users/99999999999999999999", "/Groups", "/Groups/1.lege", "/Groups/GROUP", "/Bulk", "/Schemas/x", "//", "/Users/%00"]),
    body=_JSON,
    query=st.dictionaries(st.sampled_from(["filter", "startIndex", "count", "attributes", "excludedAttributes", "sortBy"]), st.text(max_size=12) | st.sampled_from(["-1", "0", "99999999999", 'a eq "\x00"', "a pr"]), max_size=2),
    etag=st.sampled_from(["", '"x"', 'W/"1"', 'W/"99999999999"']),
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_brings_it_down(scim: httpx.Client, method: str, path: str, body: Any, query: dict[str, str], etag: str) -> None:
    people = scim.get("/Users", params={"filter": 'userName eq "vibeke@lv.no"'}).json()["Resources"]
    where = path.replace("ID", people[0]["id"] if people else "1").replace("GROUP", "1.assistent")
    answer = scim.request(method, where, json=body if method != "GET" else None, params=query, headers={"if-match": etag} if etag else {})
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    if answer.status_code >= 400:
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
