"""Every claim of the CapabilityStatement is tried on the running server, and what runs is claimed.

A claim that nothing here tries fails. Who adds one says how it is tried:

- an operation: a trial in `tests/record/operation_trials.py`;
- a search parameter: nothing, as long as R4 says by FHIRPath what it means (`tests/record/asking.py`);
- an interaction or a flag of a type: `tests/record/walk.py`;
- a format, another member of the statement: here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from fellesjournal import __version__, fhir
from fellesjournal.record.api.routes import INTERACTIONS as ROUTES
from fellesjournal.record.search.query import MODIFIERS
from tests.fhir.filled import SYSTEM
from tests.record import asking
from tests.record.ground import BY_CODES, EVERYTHING, KEPT, Ground, id_of, is_laid, lay_codes, made, status
from tests.record.operation_trials import ON_MANY, TRIALS, Place
from tests.record.samples import JSON
from tests.record.walk import FLAGS, INTERACTIONS, ORDER, begin
from tests.site import Site

Json = dict[str, Any]

HERE: Final = "tests/record/api/test_capability_claims.py"
XML: Final = "application/fhir+xml"


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        opened.timeout = httpx.Timeout(120)
        yield opened


@pytest.fixture(scope="module")
def statement(client: httpx.Client) -> Json:
    found: Json = client.get("/metadata").json()
    return found


@pytest.fixture(scope="module")
def claims(statement: Json) -> dict[str, Json]:
    """What is claimed of each type that is kept; what is claimed of AuditEvent is tried in test_audit_event.py."""
    (rest,) = statement["rest"]
    return {one["type"]: one for one in rest["resource"] if one["type"] in KEPT}


@pytest.fixture(scope="module")
def ground(client: httpx.Client) -> Ground:
    laid = Ground(client)
    laid.lay()
    return laid


# ── The statement itself ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_statement_is_valid_and_no_member_of_it_goes_untried(statement: Json, claims: dict[str, Json]) -> None:
    assert fhir.validate(statement) == []
    tried = {
        "statement": (statement, {
            "resourceType", "status", "date", "kind", "instantiates", "software", "implementation", "fhirVersion",
            "format", "patchFormat", "rest",
        }),
        "rest": (statement["rest"][0], {
            "extension", "mode", "security", "resource", "interaction", "searchParam", "operation", "compartment",
        }),
        "security": (statement["rest"][0]["security"], {"cors", "service", "description", "extension"}),
    }  # fmt: skip
    members = {"type", *FLAGS, "interaction", "searchInclude", "searchRevInclude", "searchParam", "operation",
               "documentation"}  # fmt: skip - words
    for name, (part, known) in tried.items():
        assert part.keys() <= known, f"{name}: no trial for {sorted(part.keys() - known)}; add one to {HERE}"
    for rtype, claim in claims.items():
        assert claim.keys() <= members, f"{rtype}: no trial for {sorted(claim.keys() - members)}; add one to {HERE}"
    assert sorted(claims) == sorted(KEPT)


def test_it_says_which_server_this_is(statement: Json, client: httpx.Client, demo_site: Site) -> None:
    assert (statement["status"], statement["kind"], statement["fhirVersion"]) == ("active", "instance", "4.0.1")
    assert statement["software"] == {"name": "Fellesjournal", "version": __version__}
    assert statement["implementation"]["url"] == str(client.base_url).rstrip("/")
    assert statement["rest"][0]["mode"] == "server"
    assert client.get("/metadata", params={"fhirVersion": "4.0"}).is_success
    with httpx.Client(base_url=f"{demo_site.url}/fhir") as stranger:
        assert stranger.get("/metadata").json() == statement
        refused = stranger.get("/Patient")
        assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Bearer")


def test_what_it_says_of_security_holds(statement: Json, demo_site: Site) -> None:
    security = statement["rest"][0]["security"]
    (service,), (places,) = security["service"], security["extension"]
    assert [one["code"] for one in service["coding"]] == ["SMART-on-FHIR"], f"another service: try it in {HERE}"
    with httpx.Client(base_url=f"{demo_site.url}/fhir") as stranger:
        shown = stranger.get("/metadata", headers={"Origin": "https://app.no"}).headers
        assert security["cors"] is True and shown["access-control-allow-origin"] == "*"
        found = stranger.get("/.well-known/smart-configuration").json()
        assert places["url"].endswith("/oauth-uris")
        for one in places["extension"]:
            assert stranger.get(one["valueUri"]).status_code != 404, one
            assert one["valueUri"] in found.values(), one


def test_the_socket_that_it_names_is_there(statement: Json) -> None:
    for one in statement["rest"][0]["extension"]:
        assert one["url"].endswith("/capabilitystatement-websocket"), f"no trial for {one['url']}; add one to {HERE}"
        with connect(one["valueUri"]) as socket:
            socket.send("bind-with-token: ingen")
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=15)


def test_guides_that_it_follows_are_followed(statement: Json) -> None:
    bulk = "http://hl7.org/fhir/uv/bulkdata"
    assert statement["instantiates"] == [f"{bulk}/CapabilityStatement/bulk-data"]
    stated = {one["definition"] for one in statement["rest"][0]["operation"]}
    stated |= {one["definition"] for claim in statement["rest"][0]["resource"] for one in claim["operation"]}
    names = {"export", "patient-export", "group-export"}
    assert {f"{bulk}/OperationDefinition/{name}" for name in names} <= stated


def test_what_runs_is_claimed(statement: Json, claims: dict[str, Json]) -> None:
    system = statement["rest"][0]
    everything = [system, *claims.values()]
    stated = {one["name"] for claim in everything for one in claim["operation"]}
    codes = {one["code"] for claim in everything for one in claim["interaction"]}
    flags = {"conditional-update": "conditionalUpdate", "conditional-delete": "conditionalDelete"}
    for route in ROUTES:
        operations = {part.removeprefix("$") for part in route.path.split("/") if part.startswith("$")}
        assert operations <= stated, f"{route.path} runs and stands in no CapabilityStatement"
        for name in [] if operations else route.name.split():
            is_claimed = name in codes or name in NO_CODE or flags.get(name) in claims["Patient"]
            assert is_claimed, f"{route.path} runs as {name}, which no CapabilityStatement claims"


NO_CODE: Final = ("capabilities", "search-compartment", "conditional-patch")
"""What R4 has no code for."""


# ── Formats ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_format_is_read_and_written(statement: Json, client: httpx.Client, ground: Ground) -> None:
    assert ground.resources
    resource = made("Patient", 1)
    del resource["id"]
    for name in statement["format"]:
        is_xml = name.endswith("xml")
        body = fhir.write_xml(resource) if is_xml else fhir.encode(resource)
        headers = {"Content-Type": name, "Accept": name} if "/" in name else {"Content-Type": "application/fhir+json"}
        sent = body if "/" in name else fhir.encode(resource)
        answer = client.post("/Patient", params={} if "/" in name else {"_format": name}, content=sent, headers=headers)
        assert answer.status_code == 201, (name, answer.text)
        assert answer.headers["content-type"].startswith(XML if is_xml else "application/fhir+json"), name
        assert ("+xml" in client.get("/Patient", params={"_format": name}).headers["content-type"]) == is_xml


PATCHES: Final[dict[str, Any]] = {
    "application/json-patch+json": [{"op": "replace", "path": "/gender", "value": "other"}],
    "application/merge-patch+json": {"gender": "other"},
    "fhir": {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "Patient.gender"},
        {"name": "value", "valueCode": "other"}]}]},
}  # fmt: skip


def test_every_patch_format_changes_a_resource(statement: Json, client: httpx.Client, ground: Ground) -> None:
    assert ground.resources
    for name in statement["patchFormat"]:
        patch = PATCHES.get(name, PATCHES["fhir"])
        at = client.post("/Patient", content=fhir.encode({**made("Patient", 2), "gender": "male"}), headers=JSON)
        id_ = at.json()["id"]
        body = fhir.write_xml(patch) if name.endswith("xml") else json.dumps(patch).encode()
        answer = client.patch(f"/Patient/{id_}", content=body, headers={"Content-Type": name})
        assert answer.status_code == 200 and answer.json()["gender"] == "other", (name, answer.text)


# ── Interactions ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_interaction_and_flag_of_every_type_holds(claims: dict[str, Json], ground: Ground) -> None:
    codes = {rtype: [one["code"] for one in claim["interaction"]] for rtype, claim in claims.items()}
    unknown = {code for some in codes.values() for code in some} - INTERACTIONS.keys()
    assert not unknown, f"no trial for {sorted(unknown)}: add one to tests/record/walk.py"
    assert set(ORDER) == INTERACTIONS.keys() | FLAGS.keys()
    walks = begin(ground, list(claims))
    for name in ORDER:
        if name in INTERACTIONS:
            INTERACTIONS[name](replace(walks, all=[walk for walk in walks.all if name in codes[walk.rtype]]))
        else:
            claimed = {rtype: claim[name] for rtype, claim in claims.items() if name in claim}
            FLAGS[name](replace(walks, all=[walk for walk in walks.all if walk.rtype in claimed]), claimed)


OF_SYSTEM: Final = {"transaction", "batch", "history-system", "search-system"}


def test_every_interaction_of_the_system_is_done(statement: Json, client: httpx.Client, ground: Ground) -> None:
    assert ground.resources
    codes = {one["code"] for one in statement["rest"][0]["interaction"]}
    assert codes == OF_SYSTEM, f"no trial for {sorted(codes - OF_SYSTEM)}; add one to {HERE}"
    entry = {"request": {"method": "GET", "url": f"Basic/{id_of('Basic', 0)}"}}
    for kind in ("transaction", "batch"):
        answer = client.post("", json={"resourceType": "Bundle", "type": kind, "entry": [entry]}).json()
        assert (answer["type"], status(answer["entry"][0])) == (f"{kind}-response", 200)
    assert client.get("/_history?_count=1").json()["type"] == "history"
    found = client.get(f"?_type=Basic,Flag&_id={id_of('Basic', 0)}").json()["entry"]
    assert [one["resource"]["id"] for one in found] == [id_of("Basic", 0)]


# ── Search ───────────────────────────────────────────────────────────────────────────────────────────────────────────


WIDE: Final = 8
"""Conditions that are asked together: the resource is found when it fulfils them all. With more PostgreSQL plans longer
than it would take to ask once more.
"""

Question = tuple[str, str, list[asking.Clause]]
"""Type, id and conditions."""


def test_every_search_parameter_finds_what_it_means(claims: dict[str, Json], ground: Ground) -> None:
    questions: list[Question] = []
    untried = []
    for rtype, claim in claims.items():
        params = fhir.search_params(rtype)
        asked: dict[int, list[asking.Clause]] = {}
        for one in claim["searchParam"]:
            assert one["name"] == "_list" or one["type"] == params[one["name"]].type, (rtype, one)
            variant, clauses = _first(ground.resources[rtype], params.get(one["name"]), one["name"])
            asked.setdefault(variant, []).extend(clauses)
            untried += [] if clauses else [f"{rtype}.{one['name']}"]
        questions += [(rtype, id_of(rtype, n), part) for n, every in asked.items() for part in _parts(every, WIDE)]
    suspects = [(rtype, id_, [one]) for (rtype, id_, part), _ in _not_found(ground, questions) for one in part]
    wrong = [f"{_url(*question)}: {_said(said)}" for question, said in _not_found(ground, suspects)]
    assert not wrong, f"{len(wrong)} do not find what they should: {wrong[:20]}"
    assert untried == []


SAMPLES: Final = 4
"""Parameters that each modifier, and each form of a value, is tried on, spread over the types."""


def test_every_modifier_and_form_of_every_kind_of_parameter_finds_what_it_means(
    claims: dict[str, Json], client: httpx.Client, ground: Ground
) -> None:  # fmt: skip
    lay_codes(client)
    tried: dict[tuple[str, str, str], list[Question]] = {}
    for rtype in claims:
        for param in fhir.search_params(rtype).values():
            variant, clauses = _first(ground.resources[rtype], param, param.code)
            if not clauses or param.code.startswith("_"):
                continue
            kind = "place" if param.code == "near" else param.type
            ways = asking.ways(ground.resources[rtype][variant], param)
            if any(value == f"{SYSTEM}|kode" for _, value in ways):
                ways += [(f"{param.code}:{modifier}", value) for modifier, value in BY_CODES.items()]
            for name, value in ways:
                modifier = name.partition(":")[2]
                question = (rtype, id_of(rtype, variant), [(name, value)])
                key = (kind, modifier if modifier[:1].islower() else modifier[:1], _form(kind, value))
                tried.setdefault(key, []).append(question)
    served = {(kind, modifier) for kind, some in MODIFIERS.items() for modifier in some}
    assert {key[:2] for key in tried if key[1].islower()} == served
    questions = [one for some in tried.values() for one in some[:: max(1, len(some) // SAMPLES)][:SAMPLES]]
    wrong = [f"{_url(*question)}: {_said(said)}" for question, said in _not_found(ground, questions)]
    assert not wrong, wrong


def _form(kind: str, value: str) -> str:
    """How a value is written: the prefix of a number or date, which parts of a code are there."""
    if kind in ("date", "number", "quantity"):
        return (value[:2] if value[:2].isalpha() else "") + "|" * value.count("|")
    return re.sub(r"[^|]+", "x", value) if kind == "token" else ""


def _not_found(ground: Ground, questions: list[Question]) -> list[tuple[Question, Json]]:
    answers = ground.get([_url(*question) for question in questions])
    return [(asked, said) for asked, said in zip(questions, answers, strict=True) if _ids(said) != [asked[1]]]


def _first(
    resources: list[Json], param: fhir.SearchParam | None, name: str
) -> tuple[int, list[asking.Clause]]:  # fmt: skip
    """The first resource that has a value for a parameter, and how it is asked for."""
    if name == "_list":
        return 0, [("_list", EVERYTHING)]
    assert param is not None, name
    found = ((variant, asking.plainly(one, param)) for variant, one in enumerate(resources))
    return next(((variant, clauses) for variant, clauses in found if clauses), (0, []))


def test_parameters_of_every_type_are_those_of_several_at_once(statement: Json, ground: Ground) -> None:
    resource = ground.resources["Basic"][0]
    asked: list[asking.Clause] = []
    for one in statement["rest"][0]["searchParam"]:
        if one["name"] == "_type":
            continue
        param = fhir.search_params("Basic").get(one["name"])
        clauses = asking.ways(resource, param) if param else [(one["name"], EVERYTHING)]
        assert clauses, f"no trial for {one['name']} over several types"
        asked += clauses
    (said,) = ground.get([_url("", resource["id"], [("_type", "Basic,Flag"), *asked])])
    assert _ids(said) == [resource["id"]], said


MANY: Final = 20
"""Includes, and types, that are asked for together."""


def test_every_include_brings_what_is_referred_to(claims: dict[str, Json], ground: Ground) -> None:
    asked, expected = [], []
    for rtype, claim in claims.items():
        own = {f"{rtype}/{one['id']}" for one in ground.resources[rtype]}
        every = ",".join(one["id"] for one in ground.resources[rtype])
        for names in _parts(claim["searchInclude"], MANY):
            asked.append(_url(rtype, every, [("_include", name) for name in names]))
            found = {text for name in names for one in ground.resources[rtype] for text in _referred(one, name)}
            expected.append(found - own)
    _check_brought(asked, expected, ground)


def test_every_revinclude_brings_what_refers(claims: dict[str, Json], ground: Ground) -> None:
    referring: dict[tuple[str, str], set[str]] = {}
    for rtype, claim in claims.items():
        for name in claim["searchInclude"][1:]:
            for resource in ground.resources[rtype]:
                for text in _referred(resource, name):
                    referring.setdefault((text, name), set()).add(f"{rtype}/{resource['id']}")
    asked, expected = [], []
    for types in _parts(list(claims), MANY):
        claimed = {name for rtype in types for name in claims[rtype]["searchRevInclude"]}
        owners = {f"{rtype}/{id_of(rtype, 0)}" for rtype in types}
        for names in _parts(sorted(claimed - {"*"}), MANY):
            ids = ",".join(id_of(rtype, 0) for rtype in types)
            asked.append(_url("", ids, [("_type", ",".join(types)), *(("_revinclude", name) for name in names)]))
            found = [referring.get((own, name), set()) for name in names for own in owners]
            expected.append(set().union(*found) - owners)
    _check_brought(asked, expected, ground)
    # By themselves: more refers to the patient than goes on a page.
    stars = [(",".join(types), ",".join(id_of(rtype, 0) for rtype in types)) for types in _parts(list(claims), MANY)]
    answers = ground.get([_url("", ids, [("_type", types), ("_revinclude", "*")]) for types, ids in stars])
    assert all(status(said) == 200 and _brought(said) for said in answers)


def _check_brought(asked: list[str], expected: list[set[str]], ground: Ground) -> None:
    for url, brought, said in zip(asked, expected, ground.get(asked), strict=True):
        assert status(said) == 200, (url, _said(said))
        assert brought <= _brought(said), (url, brought - _brought(said))


def test_every_compartment_finds_what_refers_to_its_owner(
    statement: Json, claims: dict[str, Json], ground: Ground
) -> None:  # fmt: skip
    start = "http://hl7.org/fhir/CompartmentDefinition/"
    owners = {rtype.lower(): rtype for rtype in claims}
    for url in statement["rest"][0]["compartment"]:
        assert url.startswith(start)
        owner = owners[url.removeprefix(start)]
        (said,) = ground.get([f"{owner}/{id_of(owner, 0)}/*?_type=Observation"])
        assert status(said) == 200 and said["resource"]["entry"], (url, _said(said))


def _referred(resource: Json, name: str) -> set[str]:
    """What an include of a resource leads to; the first is `*`, which is tried by its success."""
    rtype, _, code = name.partition(":")
    if rtype != resource["resourceType"]:
        return set()
    found = asking.values(resource, fhir.search_params(rtype)[code])
    return {one["reference"] for one in found if isinstance(one, dict) and is_laid(one.get("reference", ""))}


def _brought(entry: Json) -> set[str]:
    found = [one["resource"] for one in entry["resource"].get("entry", []) if one["search"]["mode"] == "include"]
    return {f"{one['resourceType']}/{one['id']}" for one in found if "id" in one}


def _url(rtype: str, id_: str, clauses: Iterable[asking.Clause]) -> str:
    return f"{rtype}?{urlencode([('_id', id_), *clauses])}"


def _ids(entry: Json) -> list[str]:
    """Ids of what was found itself, without what came along."""
    found = entry.get("resource", {}).get("entry", [])
    return [one["resource"]["id"] for one in found if one["search"]["mode"] == "match"]


def _said(entry: Json) -> str:
    issues = entry["response"].get("outcome", entry.get("resource", {})).get("issue", [])
    return issues[0].get("diagnostics", "") if issues else "not found"


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


# ── Operations ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_operation_answers(
    statement: Json, client: httpx.Client, claims: dict[str, Json], ground: Ground, demo_site: Site
) -> None:  # fmt: skip
    system = [("", one) for one in statement["rest"][0]["operation"]]
    of_many: dict[str, list[Json]] = {name: [] for name in ON_MANY}
    for rtype, one in [*system, *((rtype, one) for rtype, claim in claims.items() for one in claim["operation"])]:
        if one["definition"] in ON_MANY:
            of_many[one["definition"]].append(ground.resources[rtype][0])
            continue
        trial = TRIALS.get(one["definition"].removeprefix(str(client.base_url).rstrip("/")))
        assert trial, f"${one['name']} ({one['definition']}) has no trial: add one to tests/record/operation_trials.py"
        trial(Place(demo_site, client, rtype, ground.resources[rtype or "Basic"][0]))
    for name, resources in of_many.items():
        ON_MANY[name](ground, resources)
