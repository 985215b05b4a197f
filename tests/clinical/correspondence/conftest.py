"""A demo municipality of its own for each module, with the systems that carry notes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from fellesjournal.kit.dsn import Dsn
from fellesjournal.kit.keys import Keys
from tests import conftest as shared
from tests.town import Town, add_actors

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def town(embedded_server: tuple[Dsn, Keys], demo_template: str, worker_id: str) -> Iterator[Town]:
    """A clone of the loaded demo."""
    dsn, keys = embedded_server
    name = f"fj_town_{worker_id}_{next(_numbers)}"
    asyncio.run(shared._execute(dsn, f"CREATE DATABASE {name} TEMPLATE {demo_template}"))
    settings = shared._demo_settings(keys, name)
    asyncio.run(add_actors(settings, keys))
    try:
        yield Town(settings, keys)
    finally:
        asyncio.run(shared._execute(dsn, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
