"""One site for all tests of the folder: starting one for each module took longer than the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal.cli.apps import _appoint_one
from tests.onboarding.office import Office, opened
from tests.site import Site


@pytest.fixture(scope="package")
def site(running_demo: Any) -> Iterator[Site]:
    with running_demo() as running:
        yield running


@pytest.fixture(scope="package")
def office(site: Site) -> Iterator[Office]:
    with opened(site, lambda name, unit: asyncio.run(_appoint_one(site.settings, name, unit))) as made:
        yield made


@pytest.fixture(scope="package")
def scim(office: Office) -> httpx.Client:
    return office.scim
