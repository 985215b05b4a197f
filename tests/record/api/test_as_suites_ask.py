"""What test suites of others ask, word by word from FHIR's http page."""

from collections.abc import Iterator

import httpx
import pytest

from tests.record.samples import make, make_person, outcome, weight
from tests.record.test_api_bundles import bundle, entry
from tests.site import Site


@pytest.fixture
def client(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.fhir() as opened:
        yield opened


def test_where_to_sign_in_stands_below_the_records_own_address(demo_site: Site) -> None:
    with httpx.Client(base_url=demo_site.url) as stranger:
        found = stranger.get("/fhir/.well-known/smart-configuration")
        assert found.status_code == 200
        assert found.json() == stranger.get("/.well-known/smart-configuration").json()


def test_what_is_deleted_may_be_deleted_again(client: httpx.Client) -> None:
    made = make(client, "Observation", weight(make_person(client)))
    assert [client.delete(f"/Observation/{made}").status_code for _ in range(3)] == [204] * 3
    versions = client.get(f"/Observation/{made}/_history").json()["entry"]
    assert [one["request"]["method"] for one in versions] == ["DELETE", "POST"]
    outcome(client.delete("/Observation/000000000000001"), 404)


def test_a_batch_may_ask_what_there_is(client: httpx.Client) -> None:
    sent = bundle("batch", entry("GET", "metadata"), entry("GET", "metadata?mode=terminology"))
    found = client.post("", json=sent).json()["entry"]
    assert [one["resource"]["resourceType"] for one in found] == ["CapabilityStatement", "TerminologyCapabilities"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", ["/$convert", "/Patient/$nothing", "/Patient/1/$graphql"])
def test_an_operation_that_there_is_not_is_nowhere(client: httpx.Client, method: str, path: str) -> None:
    outcome(client.request(method, path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/Patient/$match", "POST"), ("DELETE", "/$export", "GET, HEAD, POST"),
        ("GET", "/Patient/1/$meta-add", "POST"),
    ],
)  # fmt: skip
def test_another_method_than_an_operation_takes_is_told_which(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    outcome(answer, 405)
    assert answer.headers["allow"] == allowed
