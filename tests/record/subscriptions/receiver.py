"""A subscriber's endpoint: a real HTTP server that keeps what it is sent, and answers as it is told to."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GUIDE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"
TOPIC = "https://fellesjournal.no/fhir/SubscriptionTopic/"


@dataclass
class Receiver:
    url: str
    status: int = 200
    pause_s: float = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    """Bundles that were answered with 2xx, in order."""
    refused: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [bundle for bundle in list(self.received) if status_of(bundle)["type"] == kind]

    def numbers(self) -> list[int]:
        """The numbers of all events that were received, in order."""
        return [number for bundle in self.of("event-notification") for number, _ in events_of(bundle)]

    def focuses(self) -> list[str]:
        return [focus for bundle in self.of("event-notification") for _, focus in events_of(bundle)]


def status_of(bundle: dict[str, Any]) -> dict[str, Any]:
    """The plain parameters of a notification's first entry."""
    first = bundle["entry"][0]["resource"]
    assert bundle["type"] in ("history", "searchset") and first["resourceType"] == "Parameters"
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in first["parameter"]
        if "part" not in one
    }


def events_of(bundle: dict[str, Any]) -> list[tuple[int, str]]:
    """(number, Type/id of the focus, '' without) of each event in a notification."""
    found = []
    for one in bundle["entry"][0]["resource"]["parameter"]:
        if one["name"] == "notification-event":
            parts = {part["name"]: part for part in one["part"]}
            focus = parts.get("focus", {}).get("valueReference", {}).get("reference", "")
            found.append((int(parts["event-number"]["valueString"]), focus.partition("/fhir/")[2]))
    return found


def subscription(endpoint: str, rtype: str = "Observation", **more: Any) -> dict[str, Any]:
    """A Subscription by topic. `content`, `filters`, `channel` (elements), `numbers` (extensions of the channel)."""
    content, filters = more.pop("content", "id-only"), more.pop("filters", ())
    numbers = [
        {"url": f"{GUIDE}{name}", "valuePositiveInt" if name == "max-count" else "valueUnsignedInt": value}
        for name, value in more.pop("numbers", {}).items()
    ]
    channel = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": f"{GUIDE}payload-content", "valueCode": content}]},
        **({"extension": numbers} if numbers else {}),
        **more.pop("channel", {}),
    }
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [f"{GUIDE}subscription"]},
        "status": "requested",
        "reason": "Test",
        "criteria": f"{TOPIC}{rtype}",
        **(
            {"_criteria": {"extension": [{"url": f"{GUIDE}filter-criteria", "valueString": one} for one in filters]}}
            if filters
            else {}
        ),
        "channel": {key: value for key, value in channel.items() if value is not None},
        **more,
    }


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a loopback port, for as long as the block lasts."""
    made = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            time.sleep(made.pause_s)
            is_received = 200 <= made.status < 300
            if body[:1] == b"{":
                (made.received if is_received else made.refused).append(json.loads(body))
            made.raw.append(body)
            made.headers.append({name.lower(): value for name, value in self.headers.items()})
            with contextlib.suppress(OSError):
                self.send_response(made.status)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield made
        server.shutdown()


def until(fulfilled: Callable[[], Any], *, seconds: float = 15) -> Any:
    """What it answers as soon as that is true. Fails when it does not become so."""
    end = time.monotonic() + seconds
    while not (answer := fulfilled()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return answer
