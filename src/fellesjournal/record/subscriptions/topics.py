"""What may be subscribed to: every resource type, and the topics of the operator's own file.

Source: https://hl7.org/fhir/R5/subscriptiontopic.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from fellesjournal import fhir
from fellesjournal.record.ownership import MADE_AT_READING
from fellesjournal.record.search.error import SearchError
from fellesjournal.record.subscriptions.match import Filter, modifiers_of, read_filter

BASE: Final = "https://fellesjournal.no/fhir/SubscriptionTopic/"
_NOT_TOLD: Final = MADE_AT_READING | {"Subscription", "Parameters"}
_OPS: Final = {"create": "C", "update": "U", "delete": "D"}
_PREFIX: Final = "http://hl7.org/fhir/StructureDefinition/"
_TRIGGER: Final = frozenset({"resource", "supportedInteraction", "queryCriteria", "description"})
_CRITERIA: Final = frozenset({"previous", "resultForCreate", "current", "resultForDelete", "requireBoth"})
Result = Literal["test-passes", "test-fails", ""]


class BadTopic(ValueError):
    """A topic that can't be served; the text says which and why."""


@dataclass(frozen=True)
class Trigger:
    """What makes an event: a type, what was done with it (C, U, D), and what it was before and is now."""

    rtype: str
    ops: frozenset[str]
    previous: Filter | None = None
    current: Filter | None = None
    for_create: Result = ""
    for_delete: Result = ""
    needs_both: bool = False


@dataclass(frozen=True)
class Allowed:
    """A parameter that a subscription may narrow a type by, with which modifiers and comparators; None = any."""

    rtype: str
    code: str
    modifiers: frozenset[str] | None = None
    comparators: frozenset[str] | None = None


@dataclass(frozen=True)
class Topic:
    """One topic. `filters` are what a subscription may narrow it by; None = all that can be told."""

    url: str
    title: str
    triggers: tuple[Trigger, ...]
    filters: tuple[Allowed, ...] | None = None

    def may_filter(self, wanted: Filter) -> bool:
        """Whether a subscription may be narrowed so."""
        return self.filters is None or all(
            any(one.rtype == wanted.rtype and one.code == code and _is_in(modifier, one.modifiers)
                and _is_in("" if prefix == "eq" else prefix, one.comparators) for one in self.filters)
            for code, modifier, prefix in wanted.used
        )  # fmt: skip

    @property
    def rtypes(self) -> frozenset[str]:
        """The types that it tells of."""
        return frozenset(trigger.rtype for trigger in self.triggers)


@dataclass(frozen=True)
class Catalogue:
    """All topics by their url."""

    own: Mapping[str, Topic] = field(default_factory=dict)

    def find(self, url: str) -> Topic | None:
        """A topic by its canonical url, with or without a version."""
        bare = url.partition("|")[0]
        return self.own.get(bare) or _of_type(bare)

    def urls(self) -> list[str]:
        """Every url, the operator's own first."""
        types = sorted(set(fhir.RESOURCE_TYPES) - _NOT_TOLD)
        return [*sorted(self.own), *(f"{BASE}{rtype}" for rtype in types)]


def read_topics(path: str) -> Catalogue:
    """The catalogue with the topics of a file: one SubscriptionTopic, a list, or a Bundle of them. '' = no file.

    Raises BadTopic.
    """
    if not path:
        return Catalogue()
    try:
        text = Path(path).read_bytes()
        document = fhir.parse_list(text) if text.lstrip()[:1] == b"[" else [fhir.parse(text)]
    except OSError as error:
        raise BadTopic(f"{path}: {error.strerror}") from None
    except fhir.BadJson as error:
        raise BadTopic(f"{path}: {error}") from None
    topics = [_topic(one) for one in _unpacked(document)]
    return Catalogue({topic.url: topic for topic in topics})


def _of_type(url: str) -> Topic | None:
    rtype = url.removeprefix(BASE)
    if rtype == url or rtype not in fhir.TYPE_NUMBER or rtype in _NOT_TOLD:
        return None
    return Topic(url, f"{rtype} created, changed or deleted", (Trigger(rtype, frozenset("CUD")),))


def _unpacked(document: Iterable[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in document:
        if isinstance(one, dict) and one.get("resourceType") == "Bundle":
            found += _unpacked(entry.get("resource") for entry in one.get("entry", []))
        elif isinstance(one, dict) and one.get("resourceType") == "SubscriptionTopic":
            found.append(one)
        else:
            raise BadTopic("only SubscriptionTopics (R5), a list or a Bundle of them, can stand in the file")
    return found


def _topic(written: dict[str, Any]) -> Topic:
    url = written.get("url")
    if not isinstance(url, str) or not url or url.startswith(BASE):
        raise BadTopic("a topic needs a url of its own")
    try:
        triggers = tuple(_trigger(one) for one in written.get("resourceTrigger", []))
        if not triggers:
            raise BadTopic("has no resourceTrigger")
        if "eventTrigger" in written or "notificationShape" in written:
            raise BadTopic("eventTrigger and notificationShape are not served")
        filters = tuple(_filter(one) for one in written.get("canFilterBy", []))
    except (BadTopic, SearchError) as error:
        raise BadTopic(f"{url}: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise BadTopic(f"{url}: is not a SubscriptionTopic") from None
    return Topic(url, str(written.get("title", "")), triggers, filters)


def _trigger(written: dict[str, Any]) -> Trigger:
    rtype = _type(written["resource"])
    beyond = sorted(set(written) - _TRIGGER)
    if beyond:
        raise BadTopic(f"resourceTrigger.{beyond[0]} is not served")
    criteria = written.get("queryCriteria", {})
    if set(criteria) - _CRITERIA:
        raise BadTopic("queryCriteria has something unknown in it")
    ops = frozenset(_OPS[one] for one in written.get("supportedInteraction", _OPS))
    previous, current = (
        read_filter(rtype, criteria[name]) if name in criteria else None for name in ("previous", "current")
    )
    return Trigger(
        rtype, ops, previous, current, criteria.get("resultForCreate", ""), criteria.get("resultForDelete", ""),
        bool(criteria.get("requireBoth")),
    )  # fmt: skip


def _filter(written: dict[str, Any]) -> Allowed:
    rtype, code = _type(written["resource"]), str(written["filterParameter"])
    if code != "_id" and code not in fhir.search_params(rtype):
        raise BadTopic(f"{rtype} has no search parameter {code}")
    can = modifiers_of(rtype, code)
    named = _words(written, "modifier"), _words(written, "comparator")
    beyond = sorted((named[0] or frozenset()) - set(can))
    if not can or beyond:
        raise BadTopic(f"{rtype}.{code} can't be filtered by{f' with :{beyond[0]}' if beyond else ''}")
    return Allowed(rtype, code, *named)


def _is_in(word: str, allowed: frozenset[str] | None) -> bool:
    return not word or allowed is None or word in allowed


def _words(written: dict[str, Any], name: str) -> frozenset[str] | None:
    return frozenset(str(one) for one in written[name]) if name in written else None


def _type(text: str) -> str:
    rtype = text.removeprefix(_PREFIX)
    if rtype not in fhir.TYPE_NUMBER:
        raise BadTopic(f"{rtype[:64]} is no resource type of R4")
    return rtype
