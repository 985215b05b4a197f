# ruff: noqa: E501 - tables of what is tried read best a line each
"""Binary over HTTP: raw bytes and resources, whose they are, parts of them, and what a broken upload leaves."""

import asyncio
import base64
import hashlib
import json
import socket
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.kit import db, ids
from tests.record.api.test_history import entries, log_since, position
from tests.record.samples import JSON, make_person, outcome
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site, running

PDF = {"Content-Type": "application/pdf"}
FHIR_JSON = {"Accept": "application/fhir+json"}
BYTES = bytes(range(256)) * 4 + b"%PDF"
BIG = 50_000_000
IN_TRANSACTION = """SELECT 1 FROM pg_stat_activity
WHERE xact_start IS NOT NULL AND usename = 'fj_web' AND datname = current_database()"""


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir(GP) as opened:
        yield opened


@pytest.fixture
def patient(client: httpx.Client) -> str:
    return make_person(client)


def post(client: httpx.Client, content: Any, context: str = "", **headers: str) -> httpx.Response:
    named = {"X-Security-Context": context} if context else {}
    return client.post("/Binary", content=content, headers=PDF | named | headers)


def made(client: httpx.Client, content: Any, context: str = "", **headers: str) -> str:
    answer = post(client, content, context, **headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"].split("/")[-3]


def sent(context: str, content: bytes = BYTES, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Binary", "contentType": "application/pdf", "securityContext": {"reference": context},
        "data": base64.b64encode(content).decode(), **more,
    }  # fmt: skip


def rows(site: Site, query: str, *args: Any) -> list[Any]:
    async def fetch() -> list[Any]:
        connection = await db.connect(db.admin_dsn(site.settings, site.keys))
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()

    return asyncio.run(fetch())


def staged(site: Site) -> int:
    return int(rows(site, "SELECT count(*) FROM vault.blob_chunk WHERE patient IS NULL")[0][0])


# ── In and out ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 3, 786_431, 786_432, 786_433, 2_000_000])
def test_raw_bytes_come_back_as_they_were_raw_and_in_the_resource(
    client: httpx.Client, patient: str, size: int
) -> None:
    content = (BYTES * (size // len(BYTES) + 1))[:size]
    id_ = made(client, content, f"Patient/{patient}")
    raw = client.get(f"/Binary/{id_}")
    assert raw.content == content
    assert raw.headers["content-type"] == "application/pdf"
    assert raw.headers["content-disposition"] == "attachment"
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert raw.headers["content-security-policy"].startswith("sandbox")
    assert raw.headers["cache-control"] == "no-store"
    assert raw.headers["x-security-context"] == f"Patient/{patient}"
    assert raw.headers["etag"] == 'W/"1"'
    whole = client.get(f"/Binary/{id_}", headers=FHIR_JSON)
    assert whole.headers["content-type"] == "application/fhir+json"
    assert fhir.validate(fhir.parse(whole.content)) == []
    assert base64.b64decode(whole.json()["data"]) == content
    assert int(whole.headers["content-length"]) == len(whole.content)


def test_a_resource_with_content_comes_back_raw_and_as_it_was(client: httpx.Client, patient: str) -> None:
    body = sent(f"Patient/{patient}")
    answer = client.post("/Binary", json=body, headers=JSON)
    assert answer.status_code == 201
    assert answer.json()["data"] == body["data"]
    id_ = answer.json()["id"]
    assert client.get(f"/Binary/{id_}").content == BYTES
    kept = client.get(f"/Binary/{id_}", headers=FHIR_JSON).json()
    assert {k: v for k, v in kept.items() if k not in ("id", "meta")} == body
    assert list(kept)[-3:] == ["contentType", "securityContext", "data"]


def test_the_content_stands_in_no_body_of_the_vault(demo_site: Site, client: httpx.Client, patient: str) -> None:
    id_ = client.post("/Binary", json=sent(f"Patient/{patient}"), headers=JSON).json()["id"]
    _, pid = ids.decode(id_) or (0, 0)
    (row,) = rows(demo_site, "SELECT body, patient FROM vault.resource WHERE pid = $1", pid)
    assert "data" not in json.loads(row["body"])
    assert row["patient"] == (ids.decode(patient) or (0, 0))[1]
    (blob,) = rows(demo_site, "SELECT * FROM vault.blob WHERE pid = $1", pid)
    assert (blob["bytes"], blob["patient"]) == (len(BYTES), row["patient"])
    assert blob["digest"] not in (hashlib.sha256(BYTES).digest(), hashlib.blake2b(BYTES, digest_size=32).digest())


def test_xml_is_given_with_the_content_in_it(client: httpx.Client, patient: str) -> None:
    id_ = made(client, BYTES, f"Patient/{patient}")
    xml = client.get(f"/Binary/{id_}", headers={"Accept": "application/fhir+xml"})
    assert xml.headers["content-type"].startswith("application/fhir+xml")
    assert fhir.read_xml(xml.content)["data"] == base64.b64encode(BYTES).decode()
    back = client.put(f"/Binary/{id_}", content=xml.content, headers={"Content-Type": "application/fhir+xml"})
    assert back.status_code == 200
    assert client.get(f"/Binary/{id_}").content == BYTES


@pytest.mark.parametrize(
    ("accept", "is_resource"),
    [("application/fhir+json", True), ("application/json", True), ("*/*", False), ("application/pdf", False), ("image/png, */*;q=0.1", False)],
)  # fmt: skip
def test_the_accept_header_chooses(client: httpx.Client, patient: str, accept: str, is_resource: bool) -> None:
    id_ = made(client, BYTES, f"Patient/{patient}")
    answer = client.get(f"/Binary/{id_}", headers={"Accept": accept})
    assert answer.headers["content-type"] == ("application/fhir+json" if is_resource else "application/pdf")
    assert client.get(f"/Binary/{id_}?_format=json").json()["resourceType"] == "Binary"
    assert "data" not in client.get(f"/Binary/{id_}?_format=json&_elements=contentType").json()


def test_every_version_keeps_its_own_content(client: httpx.Client, patient: str) -> None:
    id_ = made(client, b"en", f"Patient/{patient}")
    second = client.put(f"/Binary/{id_}", content=b"<p>to</p>", headers={"Content-Type": "text/html"})
    assert (second.status_code, second.headers["etag"]) == (200, 'W/"2"')
    third = client.put(f"/Binary/{id_}", json=sent(f"Patient/{patient}", b"tre", id=id_), headers=JSON)
    assert third.status_code == 200
    client.delete(f"/Binary/{id_}")
    outcome(client.get(f"/Binary/{id_}"), 410)
    for version, content, kind in (
        (1, b"en", "application/pdf"),
        (2, b"<p>to</p>", "text/html"),
        (3, b"tre", "application/pdf"),
    ):
        old = client.get(f"/Binary/{id_}/_history/{version}")
        assert (old.content, old.headers["content-type"]) == (content, kind)
        assert old.headers["content-security-policy"].startswith("sandbox")
    listed = entries(client.get(f"/Binary/{id_}/_history"))
    assert [e["request"]["method"] for e in listed] == ["DELETE", "PUT", "PUT", "POST"]
    assert listed[1]["resource"]["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_an_update_honours_if_match_and_never_moves_to_another_patient(client: httpx.Client, patient: str) -> None:
    id_, other = made(client, b"en", f"Patient/{patient}"), make_person(client)
    outcome(client.put(f"/Binary/{id_}", content=b"to", headers=PDF | {"If-Match": 'W/"7"'}), 412)
    outcome(client.put(f"/Binary/{id_}", content=b"to", headers=PDF | {"X-Security-Context": f"Patient/{other}"}), 422)
    outcome(client.put("/Binary/000000000000001", content=b"to", headers=PDF), 404)
    assert client.get(f"/Binary/{id_}").headers["etag"] == 'W/"1"'


def test_a_bundle_brings_its_binaries(client: httpx.Client, patient: str) -> None:
    entry = {
        "fullUrl": "urn:uuid:6f0c7a8e-6a0c-4c4b-8f56-0d1b6a2f0001",
        "request": {"method": "POST", "url": "Binary"},
        "resource": sent(f"Patient/{patient}"),
    }
    note = {
        "resourceType": "DocumentReference", "status": "current", "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"url": entry["fullUrl"]}}],
    }  # fmt: skip
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [entry, {"request": {"method": "POST", "url": "DocumentReference"}, "resource": note}],
    }
    answer = client.post("", json=bundle, headers=JSON)
    assert answer.status_code == 200, answer.text
    id_ = answer.json()["entry"][0]["response"]["location"].split("/")[1]
    assert client.get(f"/Binary/{id_}").content == BYTES
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    id_ = client.post("", json=batch, headers=JSON).json()["entry"][0]["response"]["location"].split("/")[1]
    assert client.get(f"/Binary/{id_}").content == BYTES


@pytest.mark.parametrize("wish", ["minimal", "representation", "OperationOutcome"])
def test_prefer_return_is_honoured(client: httpx.Client, patient: str, wish: str) -> None:
    answer = post(client, BYTES, f"Patient/{patient}", Prefer=f"return={wish}")
    assert answer.status_code == 201
    if wish == "representation":
        assert base64.b64decode(answer.json()["data"]) == BYTES
    elif wish == "minimal":
        assert answer.content == b""
    assert "/_history/1" in answer.headers["location"]


# ── Conditional, HEAD, ranges ────────────────────────────────────────────────────────────────────


def test_head_tells_the_length_and_a_known_version_is_not_sent_again(client: httpx.Client, patient: str) -> None:
    id_ = made(client, BYTES, f"Patient/{patient}")
    head = client.head(f"/Binary/{id_}")
    assert (head.content, head.headers["content-length"], head.headers["content-type"]) == (
        b"",
        str(len(BYTES)),
        "application/pdf",
    )
    as_json = client.head(f"/Binary/{id_}", headers=FHIR_JSON)
    assert int(as_json.headers["content-length"]) == len(client.get(f"/Binary/{id_}", headers=FHIR_JSON).content)
    assert client.get(f"/Binary/{id_}", headers={"If-None-Match": 'W/"1"'}).status_code == 304


@pytest.mark.parametrize(
    ("wished", "status", "part"),
    [
        ("bytes=0-0", 206, (0, 1)), ("bytes=5-", 206, (5, None)), ("bytes=-7", 206, (-7, None)), ("bytes=786430-786435", 206, (786_430, 786_436)),
        ("bytes=2-99999999", 206, (2, None)), ("bytes=-99999999", 206, (0, None)), ("bytes=900000-", 416, None), ("bytes=-0", 416, None),
        ("bytes=5-2", 200, None), ("bytes=-", 200, None), ("bytes=0-1,4-5", 200, None), ("rader=0-1", 200, None), ("bytes=x-", 200, None),
    ],
)  # fmt: skip
def test_a_range_is_that_part(
    client: httpx.Client, demo_site: Site, wished: str, status: int, part: tuple[int, int | None] | None
) -> None:
    content = (BYTES * 1000)[:800_000]
    id_ = _ranged(client, content)
    answer = client.get(f"/Binary/{id_}", headers={"Range": wished})
    assert answer.status_code == status
    if part is not None:
        assert answer.content == content[part[0] : part[1]]
        assert answer.headers["content-range"].endswith("/800000")
    elif status == 200:
        assert answer.content == content
    else:
        assert (answer.content, answer.headers["content-range"]) == (b"", "bytes */800000")


_made: dict[str, str] = {}


def _ranged(client: httpx.Client, content: bytes) -> str:
    if str(client.base_url) not in _made:
        _made[str(client.base_url)] = made(client, content, f"Patient/{make_person(client)}")
    return _made[str(client.base_url)]


# ── Whose it is ──────────────────────────────────────────────────────────────────────────────────


def test_a_binary_is_seen_by_who_sees_its_patient_and_each_reading_is_logged(demo_site: Site, gp: httpx.Client) -> None:
    own = demo_site.patient_id(ELDERLY)
    id_ = made(gp, BYTES, f"Patient/{own}")
    with demo_site.fhir(ELDERLY) as citizen, demo_site.fhir(LEGEVAKT_NURSE) as stranger:
        before = position(demo_site)
        assert citizen.get(f"/Binary/{id_}").content == BYTES
        (row,) = log_since(demo_site, before)
        assert (row["action"], row["outcome"], row["what"]) == ("read", 0, [(ids.decode(id_) or (0, 0))[1]])
        before = position(demo_site)
        for accept in ("*/*", "application/fhir+json", "application/pdf"):
            outcome(stranger.get(f"/Binary/{id_}", headers={"Accept": accept}), 404)
            outcome(stranger.get(f"/Binary/{id_}/_history/1", headers={"Accept": accept}), 404)
        assert {r["outcome"] for r in log_since(demo_site, before)} == {1}
        outcome(post(citizen, BYTES, f"Patient/{own}"), 403)
    outcome(post(gp, BYTES, f"Patient/{demo_site.patient_id(TONIGHT)}"), 403)
    assert staged(demo_site) == 0


def test_without_a_context_it_is_the_writing_units_own(demo_site: Site, gp: httpx.Client) -> None:
    id_ = made(gp, BYTES)
    assert gp.get(f"/Binary/{id_}").content == BYTES
    with demo_site.fhir(LEGEVAKT_NURSE) as other, demo_site.fhir(ELDERLY) as citizen:
        outcome(other.get(f"/Binary/{id_}"), 404)
        outcome(citizen.get(f"/Binary/{id_}"), 404)


def test_a_binary_of_a_document_is_shown_as_long_as_the_document_is(demo_site: Site, gp: httpx.Client) -> None:
    own = demo_site.patient_id(ELDERLY)
    document = {
        "resourceType": "DocumentReference", "status": "current", "subject": {"reference": f"Patient/{own}"},
        "content": [{"attachment": {"title": "Vedlegg"}}],
    }  # fmt: skip
    doc = gp.post("/DocumentReference", json=document, headers=JSON).json()["id"]
    raw = made(gp, BYTES, f"DocumentReference/{doc}")
    as_json = gp.post("/Binary", json=sent(f"DocumentReference/{doc}"), headers=JSON).json()["id"]
    with demo_site.fhir(ELDERLY) as citizen, demo_site.fhir(LEGEVAKT_NURSE) as other:
        for id_ in (raw, as_json):
            assert citizen.get(f"/Binary/{id_}").content == BYTES
            outcome(other.get(f"/Binary/{id_}"), 404)
        withheld = document | {
            "id": doc,
            "meta": {"security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": "UD"}]},
        }
        assert gp.put(f"/DocumentReference/{doc}", json=withheld).status_code == 200
        for id_ in (raw, as_json):
            outcome(citizen.get(f"/Binary/{id_}"), 404)
            outcome(citizen.get(f"/Binary/{id_}", headers=FHIR_JSON), 404)
            assert gp.get(f"/Binary/{id_}").content == BYTES
            assert gp.delete(f"/Binary/{id_}").status_code == 204
        later = made(gp, BYTES, f"DocumentReference/{doc}")
        outcome(citizen.get(f"/Binary/{later}"), 404)
        listed = {e["resource"]["id"] for e in entries(citizen.get("/Binary/_history")) if "resource" in e}
        assert later not in listed


def test_a_context_that_is_hidden_or_absent_is_refused(demo_site: Site, gp: httpx.Client, client: httpx.Client) -> None:
    theirs = demo_site.patient_id(TONIGHT)
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{make_person(client)}"},
        "content": [{"attachment": {"title": "V"}}],
    }
    hidden = client.post("/DocumentReference", json=document, headers=JSON).json()["id"]
    answers = [outcome(post(gp, BYTES, f"DocumentReference/{id_}"), 422) for id_ in (hidden, "000000000000001", theirs)]
    assert answers[0] == answers[1] == answers[2]
    outcome(gp.post("/Binary", json=sent(f"DocumentReference/{hidden}"), headers=JSON), 422)
    for bad in ("Patient", "Patient/æ", "Patient/1 2", "http://andre.no/fhir/Patient/1", "../Patient/1"):
        answer = gp.post(
            "/Binary",
            content=BYTES,
            headers={b"Content-Type": b"application/pdf", b"X-Security-Context": bad.encode("latin-1")},
        )
        assert outcome(answer, answer.status_code) and answer.status_code in (400, 422), bad
    assert staged(demo_site) == 0


# ── Bad input, large input ───────────────────────────────────────────────────────────────────────


def test_bad_types_and_bad_base64_are_refused(demo_site: Site, client: httpx.Client, patient: str) -> None:
    for kind in ("", "pdf", "text/html\tx", "a/b; c", "æ/ø"):
        answer = client.post("/Binary", content=BYTES, headers=[(b"Content-Type", kind.encode("latin-1"))])
        outcome(answer, 415)
    outcome(client.post("/Binary", content=BYTES, headers=PDF | {"Content-Encoding": "gzip"}), 415)
    for data in ("###", "AAA", "", 7):
        outcome(client.post("/Binary", json=sent(f"Patient/{patient}") | {"data": data}, headers=JSON), 422)
    assert staged(demo_site) == 0


def test_a_type_that_is_none_is_refused_in_a_resource_too(client: httpx.Client, patient: str) -> None:
    body = sent(f"Patient/{patient}") | {"contentType": "tekst/ære"}
    assert outcome(client.post("/Binary", json=body, headers=JSON), 422)["expression"] == ["Binary.contentType"]


def test_an_upload_over_the_limit_leaves_nothing(demo_site: Site, client: httpx.Client, patient: str) -> None:
    def too_much() -> Iterator[bytes]:
        for _ in range(51):
            yield bytes(1_000_000)

    outcome(post(client, too_much(), f"Patient/{patient}"), 413)
    with socket.create_connection(("127.0.0.1", demo_site.settings.port)) as opened:
        opened.sendall(_head(demo_site, client, patient, 50_000_001))
        assert opened.recv(100).startswith(b"HTTP/1.1 413")
    assert staged(demo_site) == 0


def test_a_broken_upload_leaves_nothing_and_a_slow_one_holds_no_transaction(
    demo_site: Site, client: httpx.Client, patient: str
) -> None:
    before = rows(demo_site, "SELECT count(*) FROM vault.resource")[0][0]
    with socket.create_connection(("127.0.0.1", demo_site.settings.port)) as opened:
        opened.sendall(_head(demo_site, client, patient, 5_000_000) + bytes(2_000_000))
        _until(lambda: staged(demo_site) == 2)
        _until(lambda: rows(demo_site, IN_TRANSACTION) == [])
        assert staged(demo_site) == 2
    _until(lambda: staged(demo_site) == 0)
    assert rows(demo_site, "SELECT count(*) FROM vault.resource")[0][0] == before


def _head(site: Site, client: httpx.Client, patient: str, length: int) -> bytes:
    return (
        f"POST /fhir/Binary HTTP/1.1\r\nHost: 127.0.0.1:{site.settings.port}\r\nContent-Type: application/pdf\r\n"
        f"X-Security-Context: Patient/{patient}\r\nAuthorization: {client.headers['authorization']}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _until(is_so: Any) -> None:
    import time

    for _ in range(100):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def test_fifty_megabytes_go_in_and_out_in_little_memory(demo_site: Site) -> None:
    """The server, this client and both directions together stay below a third of the content."""
    piece = hashlib.blake2b(b"x").digest() * 15_625
    with running(replace(demo_site.settings), demo_site.keys) as site, site.fhir() as client:
        patient = make_person(client)
        tracemalloc.start()
        try:
            id_ = made(client, (piece for _ in range(50)), f"Patient/{patient}")
            whole = hashlib.sha256(piece * 50).hexdigest()
            tracemalloc.reset_peak()
            id_ = made(client, (piece for _ in range(50)), f"Patient/{patient}")
            came = hashlib.sha256()
            with client.stream("GET", f"/Binary/{id_}") as raw:
                for part in raw.iter_bytes():
                    came.update(part)
            size = 0
            with client.stream("GET", f"/Binary/{id_}", headers=FHIR_JSON) as resource:
                for part in resource.iter_bytes():
                    size += len(part)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert came.hexdigest() == whole
        assert size > BIG * 4 / 3
        assert peak < BIG / 3
