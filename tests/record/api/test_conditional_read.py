# ruff: noqa: E501 - tables of what is tried read best a line each
"""Conditional reads: a version that the client has is not sent again, and hidden is absent in any case."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.record.api.test_history import log_since, position
from tests.record.samples import make_person, outcome, person
from tests.site import GP, TONIGHT, Site

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"
LATER = "Fri, 01 Jan 2999 00:00:00 GMT"


@pytest.fixture(scope="module")
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


@pytest.fixture
def patient(client: httpx.Client) -> str:
    """A person with two versions."""
    id_ = make_person(client)
    assert client.put(f"/Patient/{id_}", json=person("To", id=id_)).status_code == 200
    return id_


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('W/"2"', 304), ('"2"', 304), ('W/"1", W/"2"', 304), ('"x","2"', 304), ("*", 304), ("2", 304), ('"a,b", "2"', 304),
        ('W/"1"', 200), ('"22"', 200), ("", 200), ('"2', 200), ("bøf", 200), ('W/"02"', 200), ('"*"', 200), ('"2*"', 200), (",,,", 200),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_if_none_match_takes_weak_and_strong_tags_and_lists(
    client: httpx.Client, patient: str, method: str, tags: str, status: int
) -> None:
    answer = client.request(method, f"/Patient/{patient}", headers=[(b"If-None-Match", tags.encode("latin-1"))])
    assert answer.status_code == status
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.headers["cache-control"] == "no-store"
    if status == 304 or method == "HEAD":
        assert answer.content == b""


def test_tags_in_several_headers_are_one_list(client: httpx.Client, patient: str) -> None:
    headers = [("If-None-Match", '"7"'), ("If-None-Match", '"2"')]
    assert client.get(f"/Patient/{patient}", headers=headers).status_code == 304


def test_if_modified_since_compares_whole_seconds(client: httpx.Client, patient: str) -> None:
    made = client.get(f"/Patient/{patient}").headers["last-modified"]
    for since, status in (
        (made, 304),
        (LATER, 304),
        (LONG_AGO, 200),
        ("i går", 200),
        ("", 200),
        ("99999999999999", 200),
    ):
        headers = [(b"If-Modified-Since", since.encode("latin-1"))]
        assert client.get(f"/Patient/{patient}", headers=headers).status_code == status, since
        assert client.head(f"/Patient/{patient}", headers=headers).status_code == status, since


def test_if_none_match_goes_before_if_modified_since(client: httpx.Client, patient: str) -> None:
    both = {"If-None-Match": 'W/"1"', "If-Modified-Since": LATER}
    assert client.get(f"/Patient/{patient}", headers=both).status_code == 200


def test_a_named_version_is_conditional_too(client: httpx.Client, patient: str) -> None:
    url = f"/Patient/{patient}/_history/1"
    assert client.get(url, headers={"If-None-Match": 'W/"1"'}).status_code == 304
    assert client.get(url, headers={"If-None-Match": 'W/"2"'}).status_code == 200
    assert client.get(url, headers={"If-Modified-Since": LATER}).status_code == 304


def test_hidden_absent_and_deleted_are_never_unmodified(demo_site: Site, client: httpx.Client) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    gone = make_person(client)
    client.delete(f"/Patient/{gone}")
    for headers in ({"If-None-Match": "*"}, {"If-None-Match": 'W/"1"'}, {"If-Modified-Since": LATER}):
        with demo_site.fhir(GP) as gp:
            hidden = outcome(gp.get(f"/Patient/{stranger}", headers=headers), 404)
            absent = outcome(gp.get("/Patient/000000000000001", headers=headers), 404)
            assert hidden == absent
            outcome(gp.get(f"/Patient/{stranger}/_history/1", headers=headers), 404)
        outcome(client.get(f"/Patient/{gone}", headers=headers), 410)


def test_an_answer_without_a_body_is_logged_as_the_reading_that_it_is(
    demo_site: Site, client: httpx.Client, patient: str
) -> None:
    before = position(demo_site)
    assert client.get(f"/Patient/{patient}", headers={"If-None-Match": "*"}).status_code == 304
    (row,) = log_since(demo_site, before)
    assert (row["action"], row["outcome"]) == ("read", 0)


def test_searches_and_histories_are_never_kept(client: httpx.Client, patient: str) -> None:
    for url in (f"/Patient?_id={patient}", f"/Patient/{patient}/_history"):
        answer = client.get(url, headers={"If-None-Match": "*", "If-Modified-Since": LATER})
        assert answer.status_code == 200
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.content)["entry"]
