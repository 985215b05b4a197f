"""A trial for each interaction and each flag that a CapabilityStatement may claim of a type.

One resource of each type is taken through them, all types side by side in bundles.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.record.ground import Ground, Json, made, status
from tests.record.subscriptions.receiver import subscription

_REFUSED: Final = 300
Body = Callable[["Walk"], Json | None]
Claimed = Mapping[str, Any]
"""What is claimed of each type."""


@dataclass
class Walk:
    """One resource of a type, on its way; `sent` as it is first sent, without an id."""

    rtype: str
    sent: Json
    id: str = ""

    @property
    def at(self) -> str:
        """Its address."""
        return f"{self.rtype}/{self.id}"


@dataclass
class Walks:
    """Those of all types for which a claim is made."""

    ground: Ground
    all: Sequence[Walk] = field(default_factory=list)

    def ask(
        self, method: str, url: str, body: Body = lambda _: None, *, expected: int = 200, **conditions: str
    ) -> list[tuple[Walk, Json]]:
        """What is answered for each; `{at}`, `{rtype}` and `{id}` are its own in the address and the conditions."""
        asked = [
            (method, url.format(at=w.at, rtype=w.rtype, id=w.id), body(w),
             {name: text.format(id=w.id) for name, text in conditions.items()})
            for w in self.all
        ]  # fmt: skip
        # What is refused, and what only reads, is asked by itself; writes that succeed may be one.
        is_one = method != "GET" and expected < _REFUSED
        said_of = (self.ground.together if is_one else self.ground.batch)(asked)
        answers = list(zip(self.all, said_of, strict=True))
        wrong = [(w.rtype, said) for w, said in answers if status(said) != expected]
        assert not wrong, f"{method} {url}: {len(wrong)} of {len(answers)} are not {expected}: {wrong[:2]}"
        return answers


def begin(ground: Ground, rtypes: Sequence[str]) -> Walks:
    """New resources of these types."""
    found = [Walk(rtype, made(rtype, 0)) for rtype in rtypes]
    for walk in found:
        del walk.sent["id"]
    walks = Walks(ground, found)
    for walk, said in walks.ask("POST", "{rtype}", _sent, expected=201):
        walk.id = said["response"]["location"].split("/")[-3]
    return walks


def _sent(walk: Walk) -> Json:
    return walk.sent


def _whole(walk: Walk) -> Json:
    return {"id": walk.id} | walk.sent


def _listed(said: Json) -> list[Json]:
    found: list[Json] = said["resource"].get("entry", [])
    return found


# ── In the order in which one resource can be taken through them ─────────────────────────────────────────────────────


def _create(walks: Walks) -> None:
    assert all(walk.id for walk in walks.all)


def _read(walks: Walks) -> None:
    assert all(said["resource"]["id"] == walk.id for walk, said in walks.ask("GET", "{at}"))


def _vread(walks: Walks) -> None:
    assert all(said["resource"]["meta"]["versionId"] == "1" for _, said in walks.ask("GET", "{at}/_history/1"))


def _search(walks: Walks) -> None:
    for walk, said in walks.ask("GET", "{rtype}?_id={id}"):
        assert [entry["resource"]["id"] for entry in _listed(said)] == [walk.id]


def _profile(walks: Walks, claimed: Claimed) -> None:
    assert all(claimed[w.rtype] == f"http://hl7.org/fhir/StructureDefinition/{w.rtype}" for w in walks.all)
    walks.ask("POST", "{rtype}", lambda walk: walk.sent | {"farge": "rosa"}, expected=422)


def _supported(walks: Walks, claimed: Claimed) -> None:
    for walk in walks.all:
        for profile in claimed[walk.rtype]:
            more = _by_topic("Observation") if profile == BY_TOPIC else {"meta": {"profile": [profile]}}
            (said,) = walks.ground.batch([("POST", walk.rtype, walk.sent | more, {})])
            assert status(said) == 201, said


BY_TOPIC: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"


def _by_topic(rtype: str) -> Json:
    return subscription("", rtype, channel={"type": "websocket", "endpoint": None}, status="off")


def _topics(walks: Walks, claimed: Claimed) -> None:
    """Each topic can be subscribed to."""
    for one in (one for walk in walks.all for one in claimed[walk.rtype]):
        assert one["url"].endswith("capabilitystatement-subscriptiontopic-canonical"), one
    bodies = [_by_topic("") | {"criteria": one["valueCanonical"]} for w in walks.all for one in claimed[w.rtype]]
    answers = walks.ground.together([("POST", "Subscription", body, {}) for body in bodies])
    assert {status(said) for said in answers} == {201}


def _policy(walks: Walks, claimed: Claimed) -> None:
    """That both are kept and found is tried with every search parameter of these types that is a reference."""
    assert all(claimed[walk.rtype] == ["literal", "logical"] for walk in walks.all)


def _update(walks: Walks) -> None:
    """On top of the version that is meant, and of no other."""
    walks.ask("PUT", "{at}", _whole, expected=412, ifMatch='W/"9"')
    assert all(s["response"]["etag"] == 'W/"2"' for _, s in walks.ask("PUT", "{at}", _whole, ifMatch='W/"1"'))


def _versioning(walks: Walks, claimed: Claimed) -> None:
    """What an update says, and the history that comes after it."""
    assert all(claimed[walk.rtype] == "versioned-update" for walk in walks.all)


def _read_history(walks: Walks, claimed: Claimed) -> None:
    """What vread says."""
    assert all(claimed[walk.rtype] is True for walk in walks.all)


def _conditional_read(walks: Walks, claimed: Claimed) -> None:
    assert all(claimed[walk.rtype] == "full-support" for walk in walks.all)
    walks.ask("GET", "{at}", expected=304, ifNoneMatch='W/"2"')
    walks.ask("GET", "{at}", expected=304, ifModifiedSince="2200-01-01T00:00:00Z")


def _patch(walks: Walks) -> None:
    change = json.dumps([{"op": "add", "path": "/language", "value": "nn"}]).encode()
    body = {"resourceType": "Binary", "contentType": "application/json-patch+json",
            "data": base64.b64encode(change).decode()}  # fmt: skip
    assert all(said["response"]["etag"] == 'W/"3"' for _, said in walks.ask("PATCH", "{at}", lambda _: body))


def _history_of_one(walks: Walks) -> None:
    """What the update and the patch have made, too."""
    for walk, said in walks.ask("GET", "{at}/_history"):
        found = _listed(said)
        assert [one["request"]["method"] for one in found[-2:]] == ["PUT", "POST"]
        assert found[0]["resource"].get("language") == "nn" or walk.rtype == "Binary"


def _history_of_type(walks: Walks) -> None:
    assert all(said["resource"]["type"] == "history" for _, said in walks.ask("GET", "{rtype}/_history?_count=1"))


def _update_create(walks: Walks, claimed: Claimed) -> None:
    assert all(claimed[walk.rtype] is True for walk in walks.all)
    walks.ask("PUT", "{rtype}/krav-ny-{id}", lambda w: {"id": f"krav-ny-{w.id}"} | w.sent, expected=201)


def _conditional_create(walks: Walks, claimed: Claimed) -> None:
    assert all(claimed[walk.rtype] is True for walk in walks.all)
    walks.ask("POST", "{rtype}", _sent, expected=200, ifNoneExist="_id={id}")


def _conditional_update(walks: Walks, claimed: Claimed) -> None:
    assert all(claimed[walk.rtype] is True for walk in walks.all)
    walks.ask("PUT", "{rtype}?_id={id}", _sent)


def _conditional_delete(walks: Walks, claimed: Claimed) -> None:
    assert all(claimed[walk.rtype] == "single" for walk in walks.all)
    walks.ask("DELETE", "{rtype}?_id={id},krav-ny-{id}", expected=412)
    walks.ask("DELETE", "{rtype}?_id=krav-ny-{id}", expected=204)
    walks.ask("GET", "{rtype}/krav-ny-{id}", expected=410)


def _delete(walks: Walks) -> None:
    walks.ask("DELETE", "{at}", expected=204)
    walks.ask("GET", "{at}", expected=410)


INTERACTIONS: Final[dict[str, Callable[[Walks], None]]] = {
    "create": _create, "read": _read, "vread": _vread, "search-type": _search, "update": _update, "patch": _patch,
    "history-instance": _history_of_one, "history-type": _history_of_type, "delete": _delete,
}  # fmt: skip
FLAGS: Final[dict[str, Callable[[Walks, Claimed], None]]] = {
    "profile": _profile, "extension": _topics, "supportedProfile": _supported, "referencePolicy": _policy,
    "versioning": _versioning, "readHistory": _read_history, "conditionalRead": _conditional_read,
    "updateCreate": _update_create, "conditionalCreate": _conditional_create,
    "conditionalUpdate": _conditional_update, "conditionalDelete": _conditional_delete,
}  # fmt: skip
ORDER: Final = (
    "create", "read", "search-type", "profile", "extension", "supportedProfile", "referencePolicy", "vread", "update",
    "versioning", "readHistory", "conditionalRead", "patch", "history-instance", "history-type", "updateCreate",
    "conditionalCreate", "conditionalUpdate", "conditionalDelete", "delete",
)  # fmt: skip
"""The first version of a resource, the second, further ones, none."""
