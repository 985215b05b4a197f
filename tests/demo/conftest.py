"""One small synthetic world for all tests of the demo."""

from __future__ import annotations

from datetime import date

import pytest

from fellesjournal.demo.generate import build_world
from fellesjournal.demo.model import World

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def today() -> date:
    return TODAY


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(seed=7, size=1500, today=TODAY)
