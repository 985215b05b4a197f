"""What may be subscribed to, and what is refused, in words that name the element."""

import json
from pathlib import Path
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.record.subscriptions.topics import BASE, BadTopic, Catalogue, read_topics
from fellesjournal.record.subscriptions.wish import BadSubscription, Terms, asked_by
from tests.record.subscriptions.receiver import GUIDE, subscription

HOOK = "https://mottak.example.no/hook"
TERMS = Terms(hosts=("intern.example.no:9000", "127.0.0.1"), base="https://journal.example.no/fhir")


def faults(resource: dict[str, Any], *, is_new: bool = True) -> list[str]:
    """Where it is refused."""
    assert fhir.validate(fhir.parse(json.dumps(resource).encode())) == []
    try:
        asked_by(resource, terms=TERMS, is_new=is_new)
    except BadSubscription as error:
        return [issue.expression for issue in error.issues if issue.diagnostics and issue.severity == "error"]
    return []


def test_a_wish_is_read_with_all_that_it_says() -> None:
    numbers = {"heartbeat-period": 60, "timeout": 5, "max-count": 7}
    found = asked_by(
        subscription(
            HOOK, content="full-resource", filters=["Observation?status=final"], numbers=numbers,
            end="2030-01-01T00:00:00Z",
            channel={"header": ["Authorization: Bearer x"], "payload": "application/fhir+xml"},
        ),
        terms=TERMS, is_new=True, now=fhir.date_range("2029-06-01T00:00:00Z")[0],
    )  # fmt: skip
    assert found and found.wish and not found.is_off and found.until.year == 2030
    wish = found.wish
    assert (wish.topic, wish.channel, wish.content) == (f"{BASE}Observation", "rest-hook", "full-resource")
    assert (wish.heartbeat_s, wish.timeout_s, wish.max_count) == (60, 5, 7)
    assert wish.filters == (("Observation", "status=final"),) and wish.headers == ("Authorization: Bearer x",)
    assert wish.media == "application/fhir+xml" and wish.endpoint == HOOK


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"criteria": "https://example.no/nothing"}, "Subscription.criteria"),
        ({"criteria": f"{BASE}Subscription"}, "Subscription.criteria"),
        ({"status": "active"}, "Subscription.status"),
        ({"status": "error"}, "Subscription.status"),
        ({"end": "2001-01-01T00:00:00Z"}, "Subscription.end"),
        ({"end": "2199-01-01T00:00:00Z"}, "Subscription.end"),
        ({"channel": {"type": "email"}}, "Subscription.channel.type"),
        ({"channel": {"_payload": None}}, "Subscription.channel.payload"),
        ({"content": "everything"}, "Subscription.channel.payload"),
        ({"channel": {"payload": "text/plain"}}, "Subscription.channel.payload"),
        ({"channel": {"type": "websocket"}}, "Subscription.channel.endpoint"),
        ({"channel": {"header": ["Host: other"]}}, "Subscription.channel.header"),
        ({"channel": {"header": ["no colon"]}}, "Subscription.channel.header"),
        ({"channel": {"header": ["X: a"] * 11}}, "Subscription.channel.header"),
        ({"numbers": {"heartbeat-period": 1}}, "Subscription.channel.extension(heartbeat-period)"),
        ({"numbers": {"timeout": 3600}}, "Subscription.channel.extension(timeout)"),
        ({"numbers": {"max-count": 1000}}, "Subscription.channel.extension(max-count)"),
        ({"filters": ["Observation?nothing=1"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?subject.name=a"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?_has:Provenance:target:agent=1"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?code-value-quantity=a$5"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?_lastUpdated=ge2026"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?_text=hoste"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?code:exact=1"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?_sort=date"]}, "Subscription.criteria.extension"),
        ({"filters": ["Encounter?status=planned"]}, "Subscription.criteria.extension"),
        ({"filters": ["status=final"]}, "Subscription.criteria.extension"),
        ({"filters": ["Observation?status=final"] * 21}, "Subscription.criteria"),
    ],
)
def test_what_can_not_be_carried_out_is_refused_at_its_element(changed: dict[str, Any], where: str) -> None:
    assert faults(subscription(HOOK, **changed)) == [where]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://mottak.example.no/hook", "https://10.0.0.1/hook", "https://169.254.169.254/latest", "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/", "https://localhost/hook", "https://a:b@mottak.example.no/", "ftp://mottak.example.no/",
        "https://mottak.example.no/#x", "https://", "hook", "", "http://intern.example.no:9001/", "https://0x7f000001/",
    ],
)  # fmt: skip
def test_an_endpoint_that_only_we_can_reach_is_refused(endpoint: str) -> None:
    resource = subscription(endpoint or "x")
    assert faults(resource) == ["Subscription.channel.endpoint"]


@pytest.mark.parametrize("endpoint", [HOOK, "http://intern.example.no:9000/x", "http://127.0.0.1:1/", "https://8.8.8.8/"])
def test_public_https_and_what_the_operator_allows_is_taken(endpoint: str) -> None:
    assert faults(subscription(endpoint)) == []


def test_every_fault_is_told_at_once() -> None:
    wrong = subscription("http://a.no/", content="x", filters=["Observation?nothing=1"], channel={"type": "sms"})
    assert len(faults(wrong)) == 3


def test_one_that_runs_may_be_sent_back_as_it_was_read() -> None:
    assert faults(subscription(HOOK, status="active"), is_new=False) == []


def test_r4s_own_kind_is_kept_and_asks_for_nothing_when_it_is_off() -> None:
    classic = {
        "resourceType": "Subscription", "status": "off", "reason": "Test", "criteria": "Observation?code=1",
        "channel": {"type": "rest-hook", "endpoint": HOOK},
    }  # fmt: skip
    assert asked_by(classic, terms=TERMS, is_new=True) is None
    asked = asked_by(classic | {"status": "requested"}, terms=TERMS, is_new=True)
    assert asked and asked.wish is None


TOPIC = {
    "resourceType": "SubscriptionTopic", "url": "https://kommunen.example/topics/ferdig", "title": "Ferdig kontakt",
    "status": "active",
    "resourceTrigger": [{
        "resource": "http://hl7.org/fhir/StructureDefinition/Encounter", "supportedInteraction": ["create", "update"],
        "queryCriteria": {
            "previous": "status:not=finished", "resultForCreate": "test-passes", "current": "status=finished",
            "resultForDelete": "test-fails", "requireBoth": True,
        },
    }],
    "canFilterBy": [{"resource": "Encounter", "filterParameter": "subject"}],
}  # fmt: skip


def test_topics_of_the_operators_own_are_read_from_a_file(tmp_path: Path) -> None:
    place = tmp_path / "topics.json"
    for content in (TOPIC, [TOPIC], {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": TOPIC}]}):
        place.write_text(json.dumps(content))
        topics = read_topics(str(place))
        found = topics.find("https://kommunen.example/topics/ferdig|1.0")
        assert found and found.triggers[0].needs_both and found.triggers[0].ops == {"C", "U"}
        assert topics.urls()[0] == found.url and topics.find(f"{BASE}Patient")
    terms = Terms(topics=topics)
    wanted = subscription(HOOK, criteria=str(TOPIC["url"]), filters=["Encounter?subject=Patient/1"])
    assert asked_by(wanted, terms=terms, is_new=True)
    narrowed = subscription(HOOK, filters=["Encounter?class=AMB"])
    with pytest.raises(BadSubscription, match="filtered"):
        asked_by(wanted | {"_criteria": narrowed["_criteria"]}, terms=terms, is_new=True)


def test_a_topic_says_by_which_modifiers_and_prefixes_it_is_filtered(tmp_path: Path) -> None:
    allowed = [{"resource": "Encounter", "filterParameter": "class", "modifier": ["in", "not"]},
               {"resource": "Encounter", "filterParameter": "date", "comparator": ["ge", "lt"]}]  # fmt: skip
    place = tmp_path / "topics.json"
    place.write_text(json.dumps(TOPIC | {"canFilterBy": allowed}))
    terms = Terms(topics=read_topics(str(place)))

    def ask(text: str) -> None:
        wish = subscription(HOOK, criteria=TOPIC["url"], filters=[f"Encounter?{text}"])
        asked_by(wish, terms=terms, is_new=True)

    taken = ("class=AMB", "class:not=AMB", "class:in=http://x.no/v", "date=2026", "date=ge2026", "date=lt2026,ge2027")
    for text in taken:
        ask(text)
    for text in ("class:missing=true", "class:below=urn:x|A", "date=gt2026", "date=ge2026,sa2027", "class:text=a"):
        with pytest.raises(BadSubscription, match="filtered"):
            ask(text)
    for wrong in ({"modifier": ["exact"]}, {"filterParameter": "length", "modifier": ["in"]}):
        place.write_text(json.dumps(TOPIC | {"canFilterBy": [allowed[0] | wrong]}))
        with pytest.raises(BadTopic, match="filtered"):
            read_topics(str(place))


@pytest.mark.parametrize(
    "changed",
    [
        {"url": ""}, {"url": f"{BASE}Mine"}, {"resourceTrigger": []}, {"resourceTrigger": [{"resource": "Robot"}]},
        {"resourceTrigger": [{"resource": "Encounter", "fhirPathCriteria": "true"}]}, {"eventTrigger": []},
        {"resourceTrigger": [{"resource": "Encounter", "queryCriteria": {"current": "nothing=1"}}]},
        {"resourceTrigger": "x"}, {"canFilterBy": [{"resource": "Encounter", "filterParameter": "nothing"}]},
        {"resourceType": "Patient"},
    ],
)  # fmt: skip
def test_a_topic_that_can_not_be_served_is_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    place = tmp_path / "topics.json"
    place.write_text(json.dumps(TOPIC | changed))
    with pytest.raises(BadTopic):
        read_topics(str(place))


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"resourceType": "Bundle", "entry": [{}]}'])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, text: str) -> None:
    place = tmp_path / "topics.json"
    place.write_text(text)
    with pytest.raises(BadTopic):
        read_topics(str(place))


def test_without_a_file_there_is_a_topic_for_each_type() -> None:
    assert read_topics("") == Catalogue()
    assert len(Catalogue().urls()) > 140 and GUIDE
