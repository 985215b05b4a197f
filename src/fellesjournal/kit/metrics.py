"""Counters and times for Prometheus.

Labels come from short closed lists (route name, method, status): never an id.
"""

import re
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

REGISTRY = CollectorRegistry()
CONTENT_TYPE = CONTENT_TYPE_LATEST
FORBIDDEN_LABELS = frozenset(
    {"id", "patient", "person", "user", "reader", "path", "url", "query", "ip", "session"}
)
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def counter(name: str, what: str, labels: Sequence[str] = ()) -> Counter:
    """A number that only grows. Raises ValueError for a label that would carry an id."""
    return Counter(_checked(name, labels), what, labels, registry=REGISTRY)


def gauge(name: str, what: str, labels: Sequence[str] = ()) -> Gauge:
    """A number that goes up and down. Raises ValueError for a label that would carry an id."""
    return Gauge(_checked(name, labels), what, labels, registry=REGISTRY)


def histogram(
    name: str, what: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = _BUCKETS
) -> Histogram:
    """A distribution, of seconds unless the name says otherwise.

    Raises ValueError for a label that would carry an id.
    """
    return Histogram(_checked(name, labels), what, labels, registry=REGISTRY, buckets=buckets)


def metrics_text() -> bytes:
    """The page that Prometheus reads, with CONTENT_TYPE."""
    return generate_latest(REGISTRY)


def _checked(name: str, labels: Sequence[str]) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name} is no name of a metric")
    forbidden = FORBIDDEN_LABELS.intersection(labels)
    if forbidden:
        raise ValueError(f"metric {name}: a label {', '.join(sorted(forbidden))} would carry an id")
    return f"fellesjournal_{name}"
