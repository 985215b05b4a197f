"""What a Subscription asks for: read once, when it is written, and refused in words that name the element.

Source: https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from fellesjournal import fhir
from fellesjournal.kit.outbound import AddressRefused, check_address
from fellesjournal.kit.settings import Settings, SettingsError
from fellesjournal.record.search.error import SearchError
from fellesjournal.record.subscriptions.match import Filter, read_filter
from fellesjournal.record.subscriptions.topics import BadTopic, Catalogue, Topic, read_topics

_GUIDE: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
PROFILE: Final = f"{_GUIDE}backport-subscription"
LONGEST: Final = timedelta(days=366)
DEFAULT_COUNT: Final = 20
MAX_COUNT: Final = 100
_MAX_FILTERS: Final = 20
_MAX_HEADERS: Final = 10
CONTENTS: Final = ("empty", "id-only", "full-resource")
_CHANNELS: Final = ("rest-hook", "websocket")
JSON_TYPE, XML_TYPE = "application/fhir+json", "application/fhir+xml"
_MEDIA: Final = {JSON_TYPE: JSON_TYPE, "application/json": JSON_TYPE, XML_TYPE: XML_TYPE, "application/xml": XML_TYPE}
_HEADER: Final = re.compile(r"([A-Za-z][A-Za-z0-9\-]{0,63}): ?([\x21-\x7e][\x20-\x7e]{0,1999})").fullmatch
_OURS: Final = frozenset(
    {"host", "content-type", "content-length", "connection", "transfer-encoding", "te", "upgrade", "trailer", "expect"}
)
_FILTER: Final = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL).fullmatch
_SEARCH: Final = re.compile(r"[A-Z][A-Za-z]+(\?.*)?", re.DOTALL).fullmatch


class Wish(msgspec.Struct, frozen=True):
    """A subscription by topic, as it is carried out. `filters` are (type, search parameters)."""

    topic: str
    channel: str
    content: str
    filters: tuple[tuple[str, str], ...] = ()
    endpoint: str = ""
    headers: tuple[str, ...] = ()
    media: str = JSON_TYPE
    heartbeat_s: int = 0
    timeout_s: int = 30
    max_count: int = DEFAULT_COUNT

    def read_filters(self, *, base: str) -> list[Filter]:
        """The filters as conditions. Raises SearchError."""
        return [read_filter(rtype, text, base=base) for rtype, text in self.filters]


@dataclass(frozen=True)
class Terms:
    """What may be subscribed to, and where it may be sent. Without hosts: public https addresses alone."""

    topics: Catalogue = field(default_factory=Catalogue)
    hosts: tuple[str, ...] = ()
    base: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Terms:
        """Those of an installation. Raises SettingsError for a file of topics that can't be served."""
        try:
            topics = read_topics(settings.subscription_topics)
        except BadTopic as error:
            raise SettingsError(f"setting subscription_topics: {error}") from None
        return cls(topics, settings.subscription_hosts, f"{settings.base_url}/fhir")


@dataclass(frozen=True)
class Asked:
    """A Subscription that is to be carried out until an instant; wish None: one by search, which is not served."""

    wish: Wish | None
    until: datetime
    is_off: bool


def is_by_topic(resource: dict[str, Any]) -> bool:
    """Whether a Subscription is one of the Backport guide; else its criteria are a search (R4's own kind)."""
    profiles = [str(url).partition("|")[0] for url in resource.get("meta", {}).get("profile", ())]
    return PROFILE in profiles or not _SEARCH(str(resource.get("criteria", "")))


def asked_by(resource: dict[str, Any], *, terms: Terms, is_new: bool, now: datetime | None = None) -> Asked | None:
    """What a valid Subscription asks for; None when there is nothing to carry out.

    Raises BadSubscription with every fault.
    """
    now = now or datetime.now(UTC)
    if not is_by_topic(resource):
        # R4's own kind is kept as it is; one that asks to be carried out is told why it is not.
        is_asking = resource.get("status") == "requested"
        return Asked(None, now + LONGEST, is_off=False) if is_asking else None
    faults: list[fhir.Issue] = []
    reader = _Reading(resource, terms, faults)
    wish = reader.wish()
    until = reader.until(now)
    status = resource.get("status")
    if status not in (("requested", "off") if is_new else ("requested", "active", "off")):
        reader.fault("status", "send requested, or off to stop it: active and error are set by the server")
    if faults or wish is None:
        raise BadSubscription(faults)
    return Asked(wish, until, is_off=status == "off")


class BadSubscription(Exception):
    """A Subscription that can't be carried out; `issues` name each element at fault."""

    def __init__(self, issues: list[fhir.Issue]) -> None:
        super().__init__("; ".join(issue.diagnostics for issue in issues))
        self.issues = issues


@dataclass
class _Reading:
    resource: dict[str, Any]
    terms: Terms
    faults: list[fhir.Issue]

    def fault(self, path: str, what: str, *, code: str = "business-rule") -> None:
        self.faults.append(fhir.Issue("error", code, f"Subscription.{path}", what))

    def wish(self) -> Wish | None:
        topic = self._topic()
        channel = self.resource["channel"]
        kind = str(channel.get("type", ""))
        if kind not in _CHANNELS:
            self.fault("channel.type", "rest-hook or websocket", code="not-supported")
        made = Wish(
            topic=topic.url if topic else "",
            channel=kind,
            content=self._content(channel),
            filters=self._filters(topic),
            endpoint=self._endpoint(channel, kind),
            headers=self._headers(channel),
            media=self._media(channel),
            heartbeat_s=self._number(channel, "heartbeat-period", 0, 5, 7 * 86400),
            timeout_s=self._number(channel, "timeout", 30, 1, 60),
            max_count=self._number(channel, "max-count", DEFAULT_COUNT, 1, MAX_COUNT),
        )
        return None if self.faults else made

    def until(self, now: datetime) -> datetime:
        text = self.resource.get("end")
        if text is None:
            return now + LONGEST
        end = fhir.date_range(str(text))[0]
        if end <= now and self.resource.get("status") != "off":
            self.fault("end", "has been: a subscription ends later than now")
        if end > now + LONGEST:
            self.fault("end", "at most a year from now; renew it before that")
        return end

    def _topic(self) -> Topic | None:
        url = str(self.resource.get("criteria", ""))
        found = self.terms.topics.find(url)
        if found is None:
            self.fault(
                "criteria", "the canonical url of a topic of this server; /fhir/metadata lists them", code="not-found"
            )
        return found

    def _filters(self, topic: Topic | None) -> tuple[tuple[str, str], ...]:
        texts = list(_extensions(self.resource.get("_criteria"), "filter-criteria"))
        if len(texts) > _MAX_FILTERS:
            self.fault("criteria", f"at most {_MAX_FILTERS} filters")
            return ()
        return tuple(found for text in texts if (found := self._filter(str(text), topic)))

    def _filter(self, text: str, topic: Topic | None) -> tuple[str, str] | None:
        match = _FILTER(text)
        if match is None or (topic and match[1] not in topic.rtypes):
            self.fault("criteria.extension", "a filter is Type?parameter=value, of a type that the topic tells of")
            return None
        try:
            read = read_filter(match[1], match[2], base=self.terms.base)
        except SearchError as error:
            self.fault("criteria.extension", str(error), code=error.issues[0].code)
            return None
        if topic and not topic.may_filter(read):
            what = "the topic can't be filtered by this parameter, or not with this modifier or prefix"
            self.fault("criteria.extension", what, code="not-supported")
        return match[1], match[2]

    def _content(self, channel: dict[str, Any]) -> str:
        found = [str(value) for value in _extensions(channel.get("_payload"), "payload-content")]
        if len(found) != 1 or found[0] not in CONTENTS:
            self.fault("channel.payload", "needs the extension backport-payload-content: " + ", ".join(CONTENTS))
            return ""
        return found[0]

    def _media(self, channel: dict[str, Any]) -> str:
        text = str(channel.get("payload", JSON_TYPE)).partition(";")[0].strip().lower()
        if text not in _MEDIA:
            self.fault("channel.payload", f"{JSON_TYPE} or {XML_TYPE}", code="not-supported")
        return _MEDIA.get(text, JSON_TYPE)

    def _endpoint(self, channel: dict[str, Any], kind: str) -> str:
        text = str(channel.get("endpoint", ""))
        if kind != "rest-hook":
            if text and kind == "websocket":
                self.fault("channel.endpoint", "a websocket has none: ask for $get-ws-binding-token")
            return ""
        try:
            check_address(text, allowed=self.terms.hosts)
        except AddressRefused as error:
            self.fault("channel.endpoint", str(error))
        return text

    def _headers(self, channel: dict[str, Any]) -> tuple[str, ...]:
        found = tuple(str(line) for line in channel.get("header", ()))
        matches = [_HEADER(line) for line in found]
        if len(found) > _MAX_HEADERS or any(match is None or match[1].lower() in _OURS for match in matches):
            what = f"at most {_MAX_HEADERS} lines `Name: value`, none that the connection needs itself"
            self.fault("channel.header", what)
        return found

    def _number(self, channel: dict[str, Any], name: str, otherwise: int, least: int, most: int) -> int:
        found = list(_extensions(channel, name))
        if not found:
            return otherwise
        value = found[0] if len(found) == 1 and isinstance(found[0], int) else -1
        if not least <= value <= most:
            self.fault(f"channel.extension({name})", f"a whole number from {least} to {most}", code="value")
        return value


def _extensions(element: Any, name: str) -> Iterator[Any]:
    """The values of an extension of the guide."""
    for one in element.get("extension", ()) if isinstance(element, dict) else ():
        if one.get("url") == f"{_GUIDE}backport-{name}":
            yield next((value for key, value in one.items() if key.startswith("value")), None)
