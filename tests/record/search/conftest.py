"""A world for each module, or for one test."""

from collections.abc import AsyncGenerator

import pytest

from tests.conftest import TestDatabase
from tests.record.search.world import World


@pytest.fixture
async def world(database: TestDatabase) -> AsyncGenerator[World, None]:
    """Units, readers and a loader in a database of its own; no patients yet."""
    async with await database.connect_admin() as admin, await database.connect("fj_web") as web:
        yield await World(database, admin, web).prepare()
