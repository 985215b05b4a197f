"""Metrics without ids, and the checks of the parts."""

import asyncio
import uuid

import pytest

from fellesjournal.kit.health import Health
from fellesjournal.kit.metrics import counter, gauge, histogram, metrics_text


def _name() -> str:
    return f"test_{uuid.uuid4().hex}"


def test_metric_stands_in_the_text() -> None:
    name = _name()
    counter(name, "Tests.", ["route"]).labels("read").inc()
    gauge(name + "_g", "Tests.").set(2)
    histogram(name + "_h", "Tests.").observe(0.2)
    text = metrics_text().decode()
    assert f'fellesjournal_{name}_total{{route="read"}} 1.0' in text
    assert f"fellesjournal_{name}_g 2.0" in text


@pytest.mark.parametrize("label", ["patient", "path", "user", "id"])
def test_label_that_would_carry_an_id_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="id"):
        counter(_name(), "Tests.", [label])


async def test_report_names_the_part_that_fails_and_waits_for_none() -> None:
    health = Health(timeout_s=0.05)

    async def works() -> None: ...

    async def fails() -> None:
        raise ConnectionError("10.0.0.1 refused")

    async def hangs() -> None:
        await asyncio.sleep(60)

    health.register("database", works)
    assert (await health.report()).is_ready
    health.register("worker", fails)
    health.register("disk", hangs)
    report = await health.report()
    assert report.parts == {"database": "ok", "worker": "failed", "disk": "too slow"}
    assert not report.is_ready
    assert report.failing == ["worker", "disk"]
    with pytest.raises(ValueError, match="already"):
        health.register("disk", works)
