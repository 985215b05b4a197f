"""Bulk import: lines that are sent or fetched, written as every write is, once however often they come."""

import gzip
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fellesjournal.identity.numbers import number_hash, number_keys
from fellesjournal.kit import ids
from fellesjournal.national.identifiers import FNR
from tests.identity.administration.making import number
from tests.record.samples import JSON, make_person, outcome, person, weight
from tests.site import DIABETIC, GP, Site, running

ASYNC = {"Prefer": "respond-async"}
NDJSON = {**ASYNC, "Content-Type": "application/fhir+ndjson"}
FILES: dict[str, tuple[int, bytes, dict[str, str]]] = {}


class Files(http.server.BaseHTTPRequestHandler):
    """A server of files elsewhere."""

    def do_GET(self) -> None:
        status, body, headers = FILES.get(self.path, (404, b"", {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def site(demo_site: Site, files: str) -> Iterator[Site]:
    """The same site with a place to fetch from, and small bounds."""
    settings = replace(demo_site.settings, import_sources=(files,), max_import_mb=3, max_body_mb=1)
    with running(settings, demo_site.keys) as it:
        it.start_worker()
        yield it


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.fhir() as opened:
        yield opened


def named(id: str, resource: dict[str, Any] | bytes) -> dict[str, Any]:
    content = json.loads(resource) if isinstance(resource, bytes) else resource
    return {**content, "id": id}


def lines(*resources: dict[str, Any] | str) -> bytes:
    return b"".join((one if isinstance(one, str) else json.dumps(one)).encode() + b"\n" for one in resources)


def done(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    """Wait for an import that was taken in; what became of it."""
    assert answer.status_code == 202, answer.text
    address = answer.headers["content-location"]
    for _ in range(1_200):
        told = client.get(address)
        if told.status_code != 202:
            assert told.status_code == 200, told.text
            found: dict[str, Any] = told.json()
            return found
        assert "resources" in told.headers["x-progress"]
        assert int(told.headers["retry-after"]) > 0
        time.sleep(0.05)
    raise AssertionError("the import is not done")


def send(client: httpx.Client, *resources: dict[str, Any] | str, **params: str) -> dict[str, Any]:
    return done(client, client.post("/$import", content=lines(*resources), headers=NDJSON, params=params))


def faults(client: httpx.Client, told: dict[str, Any], n: int = 0) -> list[dict[str, Any]]:
    answer = client.get(told["error"][n]["url"])
    assert answer.headers["content-type"] == "application/fhir+ndjson"
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert all(one["resourceType"] == "OperationOutcome" for one in found)
    return found


def counts(told: dict[str, Any], n: int = 0) -> tuple[int, int]:
    return told["output"][n]["extension"]["written"], told["output"][n]["extension"]["unchanged"]


def test_lines_are_written_under_their_ids_whatever_their_order(client: httpx.Client) -> None:
    told = send(
        client,
        named("imp-w1", weight("imp-p1", "72.50")),
        named("imp-e1", {
            "resourceType": "Encounter", "status": "finished", "subject": {"reference": "Patient/imp-p1"},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        }),
        named("imp-p1", person()),
    )  # fmt: skip
    assert (counts(told), told["error"]) == ((3, 0), [])
    assert told["request"].endswith("/fhir/$import")
    assert b"72.5" in client.get("/Observation/imp-w1").content
    found = client.get("/Observation?patient=imp-p1&code=29463-7").json()
    assert [one["resource"]["id"] for one in found["entry"]] == ["imp-w1"]


def test_import_that_is_sent_again_changes_nothing(client: httpx.Client) -> None:
    everything = (named("imp-p2", person()), named("imp-w2", weight("imp-p2")))
    assert counts(send(client, *everything)) == (2, 0)
    assert counts(send(client, *everything)) == (0, 2)
    assert client.get("/Observation/imp-w2").headers["etag"] == 'W/"1"'
    changed = named("imp-w2", weight("imp-p2", "80"))
    assert counts(send(client, everything[0], changed)) == (1, 1)
    assert client.get("/Observation/imp-w2").headers["etag"] == 'W/"2"'


def test_what_is_refused_is_told_by_its_line_and_the_rest_is_written(site: Site, client: httpx.Client) -> None:
    hidden = site.patient_id(DIABETIC)
    told = send(
        client,
        named("imp-p3", person()),
        "{no json",
        {"resourceType": "Patient", "id": 7},
        "",
        named("imp-w3", {**json.loads(weight("imp-p3")), "status": "wrong"}),
        named("imp-w4", weight(hidden)),
        named("imp-w5", weight("imp-nobody")),
        {"resourceType": "Nothing", "id": "x"},
        named("imp-w6", weight("imp-p3")),
        '"a text"',
        named("imp 7", person()),
        named("13916900281", person()),
    )
    assert counts(told) == (2, 0)
    found = faults(client, told)
    numbers = [one["issue"][0]["details"]["text"] for one in found]
    assert [text.partition(",")[0] for text in numbers] == [f"Line {n}" for n in (2, 3, 5, 6, 7, 8, 10, 11, 12)]
    assert told["error"][0]["count"] == len(found)
    status = next(one for one in found if one["issue"][0]["details"]["text"].startswith("Line 5"))
    assert status["issue"][0]["expression"] == ["Observation.status"]
    assert client.get("/Observation/imp-w6").status_code == 200
    assert "13916900281" not in numbers[-1]


@pytest.mark.parametrize(
    "odd",
    [
        {"meta": 1}, {"meta": []}, {"meta": {"source": 3}}, {"resourceType": "Binary", "data": 3},
        {"resourceType": "Binary", "securityContext": "x"},
        {"resourceType": "Binary", "contentType": "a/b", "data": "!"},
        {"resourceType": "Observation", "subject": 3}, {"resourceType": "Observation", "subject": {"reference": 1}},
        {"resourceType": "Provenance", "target": 1}, {"resourceType": "Appointment", "participant": [1]},
        {"resourceType": ["Patient"]}, {"resourceType": {}}, {"id": ["a"]}, {"id": "x" * 65},
    ],
)  # fmt: skip
def test_odd_lines_are_refused_by_themselves(client: httpx.Client, odd: dict[str, Any]) -> None:
    there = named("imp-odd", person())
    send(client, there)
    told = send(client, {**person(), "id": "imp-odd", **odd}, there, inputSource="https://other.example.no")
    assert (sum(counts(told)), told["error"][0]["count"]) == (1, 1)


def test_same_id_twice_is_two_versions(client: httpx.Client) -> None:
    told = send(client, named("imp-p8", person("En")), named("imp-p8", person("To")))
    assert counts(told) == (2, 0)
    found = client.get("/Patient/imp-p8")
    assert (found.json()["name"][0]["family"], found.headers["etag"]) == ("To", 'W/"2"')


def test_own_ids_change_what_is_there(client: httpx.Client) -> None:
    mine = make_person(client)
    told = send(client, {**person("Nyere"), "id": mine}, {**person(), "id": ids.encode(5, 12345)})
    assert counts(told) == (1, 0)
    assert client.get(f"/Patient/{mine}").json()["name"][0]["family"] == "Nyere"
    assert faults(client, told)[0]["issue"][0]["code"] == "forbidden"


def test_a_reference_of_an_earlier_import_finds_what_comes_later(client: httpx.Client) -> None:
    early = named("imp-w20", weight("imp-p20")) | {"encounter": {"reference": "Encounter/imp-e20"}}
    send(client, named("imp-p20", person()), early)
    send(client, {"resourceType": "Encounter", "id": "imp-e20", "status": "finished", "class": {"code": "AMB"},
                  "subject": {"reference": "Patient/imp-p20"}})  # fmt: skip
    params = {"patient": "imp-p20", "encounter:Encounter.status": "finished", "_include": "Observation:encounter"}
    found = client.get("/Observation", params=params).json()["entry"]
    assert [one["resource"]["id"] for one in found] == ["imp-w20", "imp-e20"]


def test_lines_without_an_id_are_created_each_time(client: httpx.Client) -> None:
    unnamed = {key: value for key, value in person("Uten id").items() if key != "id"}
    document = {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}
    everything = (unnamed, unnamed, named("imp-p21", person()), json.loads(weight("imp-p21")), document)
    assert counts(send(client, *everything)) == (5, 0)
    assert counts(send(client, *everything)) == (4, 1)
    made = client.get("/Observation", params={"patient": "imp-p21"}).json()["entry"]
    assert len(made) == 2
    assert all(ids.decode(one["resource"]["id"]) for one in made)


def test_its_definition_stands_where_the_statement_says(client: httpx.Client) -> None:
    (stated,) = [one for one in client.get("/metadata").json()["rest"][0]["operation"] if one["name"] == "import"]
    defined = client.get(stated["definition"])
    assert defined.status_code == 200
    assert defined.json()["url"] == stated["definition"]
    assert client.post("/OperationDefinition/$validate", content=defined.content, headers=JSON).json()["issue"][0][
        "severity"
    ] in ("warning", "information")


def test_each_write_stands_in_the_log_as_the_askers(site: Site, client: httpx.Client) -> None:
    send(client, named("imp-p9", person()), inputSource="https://other.example.no/fhir")
    found = client.get("/Patient/imp-p9").json()
    assert found["meta"]["source"] == "https://other.example.no/fhir"
    row = site.row(
        "SELECT p.demo_name, l.purpose, l.outcome FROM access.log l JOIN identity.person p ON p.id = l.person"
        " WHERE l.action = 'write' AND l.patient = (SELECT c.pid FROM vault.chosen_id c WHERE c.id = 'imp-p9')"
    )
    assert tuple(row) == ("integration", "INTEGRATION", 0)
    assert site.row("SELECT count(*) AS n FROM access.log WHERE action = 'import' AND outcome = 0")["n"] > 0


def test_compressed_lines_and_several_files_are_read(client: httpx.Client) -> None:
    packed = gzip.compress(lines(named("imp-p10", person()))) + gzip.compress(lines(named("imp-p11", person())))
    answer = client.post("/$import", content=packed, headers={**NDJSON, "Content-Encoding": "gzip"})
    assert counts(done(client, answer)) == (2, 0)
    sent = [
        ("file", ("w.ndjson", lines(named("imp-w12", weight("imp-p12"))))),
        ("file", ("p.ndjson", lines(named("imp-p12", person()), "{"))),
    ]
    told = done(client, client.post("/$import", files=sent, headers=ASYNC))
    assert [(one["inputUrl"], one["count"]) for one in told["output"]] == [("w.ndjson", 1), ("p.ndjson", 1)]
    assert [(one["inputUrl"], one["count"]) for one in told["error"]] == [("p.ndjson", 1)]


@pytest.mark.parametrize("form", ["parameters", "manifest"])
def test_files_are_fetched_from_where_the_operator_allows(client: httpx.Client, files: str, form: str) -> None:
    FILES[f"/{form}/p"] = 200, gzip.compress(lines(named(f"imp-{form}", person()))), {"Content-Encoding": "gzip"}
    FILES[f"/{form}/w"] = 200, lines(named(f"imp-w-{form}", weight(f"imp-{form}")), named("imp-x", person())), {}
    inputs = [("Observation", f"{files}/{form}/w"), ("Patient", f"{files}/{form}/p"), ("Patient", f"{files}/absent")]
    manifest = {
        "inputFormat": "application/fhir+ndjson", "inputSource": "https://other.example.no",
        "storageDetail": {"type": "https"}, "input": [{"type": rtype, "url": url} for rtype, url in inputs],
    }  # fmt: skip
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            {"name": "inputSource", "valueUri": "https://other.example.no"},
            {"name": "storageDetail", "part": [{"name": "type", "valueCode": "https"}]},
            *(
                {"name": "input", "part": [{"name": "type", "valueCode": rtype}, {"name": "url", "valueUrl": url}]}
                for rtype, url in inputs
            ),
        ],
    }  # fmt: skip
    answer = client.post("/$import", json=parameters if form == "parameters" else manifest, headers=ASYNC)
    told = done(client, answer)
    assert [(one["inputUrl"], one["count"]) for one in told["output"]] == [
        (inputs[0][1], 1), (inputs[1][1], 1), (inputs[2][1], 0),
    ]  # fmt: skip
    assert "said to hold Observation" in faults(client, told, 0)[0]["issue"][0]["diagnostics"]
    assert "404" in faults(client, told, 1)[0]["issue"][0]["diagnostics"]


def test_redirects_are_not_followed(client: httpx.Client, files: str) -> None:
    FILES["/away"] = 302, b"", {"Location": "http://127.0.0.1:1/"}
    manifest = {"input": [{"type": "Patient", "url": f"{files}/away"}]}
    told = done(client, client.post("/$import", json=manifest, headers=ASYNC))
    assert "302" in faults(client, told)[0]["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest", "http://127.0.0.1:1/x", "file:///etc/passwd", "{files}@evil.example/x",
        "{host}x.example/", "ftp://127.0.0.1/x", "//127.0.0.1/x", "", "{files}\\@evil.example/", "http://[::1",
    ],
)  # fmt: skip
def test_other_addresses_are_refused_at_once(client: httpx.Client, files: str, url: str) -> None:
    where = url.replace("{files}", files).replace("{host}", files.rpartition(":")[0])
    answer = client.post("/$import", json={"input": [{"type": "Patient", "url": where}]}, headers=ASYNC)
    assert outcome(answer, 400)["code"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"input": []}, {"input": "x"}, {"input": [{"url": "https://a.no"}]}, {"resourceType": "Patient"},
        {"input": [{"type": "Nothing", "url": "https://a.no"}]}, {"inputFormat": "text/csv"}, {"mode": "fast"},
        {"storageDetail": {"type": "aws-s3"}}, {"storageDetail": 3}, {"inputSource": ["x"]}, {"inputFormat": ["x"]},
        {"input": [{"type": ["Patient"], "url": "https://a.no"}]}, {"input": [3]}, {"storageDetail": {"type": []}},
        {"resourceType": "Parameters", "parameter": [{"name": "input", "valueString": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "inputFormat"}, {"name": "inputFormat"}]},
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post("/$import", json=body, headers=ASYNC)
    assert 400 <= answer.status_code < 500
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_bad_content_leaves_nothing(site: Site, client: httpx.Client) -> None:
    def post(content: bytes, **headers: str) -> httpx.Response:
        return client.post("/$import", content=content, headers={**NDJSON, **headers})

    outcome(client.post("/$import", content=b"{}", headers={"Content-Type": "application/fhir+ndjson"}), 400)
    outcome(post(b"x" * 1_200_000), 400)
    outcome(post(b"no gzip", **{"Content-Encoding": "gzip"}), 400)
    outcome(post(b"x", **{"Content-Encoding": "br"}), 400)
    outcome(post(gzip.compress(lines({"a": "x" * 10_000}) * 400), **{"Content-Encoding": "gzip"}), 413)
    outcome(post(b"x", **{"Content-Type": "multipart/form-data"}), 400)
    outcome(post(b"--b\r\nnothing", **{"Content-Type": "multipart/form-data; boundary=b"}), 400)
    outcome(post(b"x", **{"Content-Type": "text/csv"}), 415)
    assert site.row("SELECT count(*) AS n FROM vault.import WHERE state = 'taking'")["n"] == 0


def test_only_systems_that_the_operator_lets_may_import(site: Site) -> None:
    for name in (GP, DIABETIC):
        with site.fhir(name) as reader:
            outcome(reader.post("/$import", content=b"", headers=NDJSON), 403)
    leave = "UPDATE access.system_grant SET until_at = now() {} WHERE purpose = 'IMPORT' RETURNING person"
    site.row(leave.format("- interval '1 hour'"))
    try:
        with site.fhir() as client:
            outcome(client.post("/$import", content=b"", headers=NDJSON), 403)
    finally:
        site.row(leave.format("+ interval '1 year'"))


def test_import_of_another_asker_is_not_there(site: Site, client: httpx.Client) -> None:
    answer = client.post("/$import", content=lines("{"), headers=NDJSON)
    told = done(client, answer)
    with site.fhir(GP) as reader:
        outcome(reader.get(answer.headers["content-location"]), 404)
        outcome(reader.get(told["error"][0]["url"]), 404)
        outcome(reader.delete(answer.headers["content-location"]), 404)
    assert client.delete(answer.headers["content-location"]).status_code == 202
    outcome(client.get(answer.headers["content-location"]), 404)
    outcome(client.get(told["error"][0]["url"]), 404)


def test_many_lines_are_written_in_pieces(site: Site, client: httpx.Client) -> None:
    people = [named(f"imp-many-{n}", person(f"Mange{n}")) for n in range(900)]
    assert counts(send(client, *people)) == (900, 0)
    assert site.row("SELECT count(*) AS n FROM vault.import_piece")["n"] == 0
    assert client.get("/Patient/imp-many-899").status_code == 200


def test_binaries_come_with_what_they_belong_to(client: httpx.Client) -> None:
    binary = {
        "resourceType": "Binary", "id": "imp-b1", "contentType": "text/plain", "data": "aGVp",
        "securityContext": {"reference": "Patient/imp-pb"},
    }  # fmt: skip
    told = send(client, binary, named("imp-pb", person()))
    assert counts(told) == (2, 0)
    assert client.get("/Binary/imp-b1", headers={"Accept": "text/plain"}).content == b"hei"
    assert counts(send(client, binary)) == (0, 1)
    assert counts(send(client, binary | {"data": "aGVpZw=="})) == (1, 0)
    assert client.get("/Binary/imp-b1", headers={"Accept": "text/plain"}).content == b"heig"
    told = send(client, binary | {"data": 3})
    assert (counts(told), told["error"][0]["count"]) == ((0, 0), 1)


def test_an_imported_person_who_works_here_is_linked_to_the_own_record(site: Site, client: httpx.Client) -> None:
    national = number(98)
    someone = site.row(
        "INSERT INTO identity.person (kind, number_hash, name) VALUES ('human', $1, 'Ida Import') RETURNING id",
        number_hash(site.keys, national),
    )["id"]  # fmt: skip
    site.row("SELECT identity.know_number($1, $2)", someone, number_keys(site.keys, national))
    told = send(client, named("import-own", person("Import", identifier=[{"system": FNR, "value": national}])))
    found = site.row("SELECT patient_slot, patient FROM identity.person WHERE id = $1", someone)
    assert client.get(f"/Patient/{ids.encode(*found)}").json()["name"][0]["family"] == "Import", told
