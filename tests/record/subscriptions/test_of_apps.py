# ruff: noqa: E501 - queries read best a line each
"""An app that acts by itself subscribes within its scopes, and is told no longer than it is approved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.apps import TestApp, mark, register
from tests.identity.apps.test_backend import EC, ask, assertion, public
from tests.record.samples import make, weight
from tests.record.subscriptions.receiver import Receiver, receiving, subscription, until
from tests.site import ELDERLY, GP, Site

pytestmark = pytest.mark.law
SCOPES = "system/Subscription.cruds system/Observation.rs system/Condition.rs?clinical-status=active"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="module")
def app(demo_site: Site) -> TestApp:
    demo_site.start_worker()
    unit = demo_site.row(
        "SELECT u.name FROM identity.unit u JOIN identity.post o ON o.unit = u.id"
        " JOIN identity.person p ON p.id = o.person WHERE p.name = $1", GP,
    )  # fmt: skip
    return register(
        demo_site, "varslet-app", scope=SCOPES, type="confidential-asymmetric", jwks={"keys": [public(EC)]},
        unit=str(unit["name"]), until="2099-12-31",
    )  # fmt: skip


def fhir_of(app: TestApp) -> httpx.Client:
    return app.fhir(ask(app, assertion(app), SCOPES).json()["access_token"])


def test_it_is_told_by_its_scopes_until_it_is_suspended(demo_site: Site, app: TestApp, hook: Receiver) -> None:
    patient = demo_site.patient_id(ELDERLY)
    wish: dict[str, Any] = subscription(hook.url, content="full-resource", filters=[f"Observation?patient={patient}"])
    with fhir_of(app) as fhir:
        made = fhir.post("/Subscription", json=wish)
        assert made.status_code == 201, made.text
        until(lambda: hook.of("handshake"))
        for rtype in ("Condition", "Encounter"):  # bounded by a parameter; no scope at all
            assert fhir.post("/Subscription", json=subscription(hook.url, rtype)).status_code == 403
        assert fhir.get(f"/Subscription/{made.json()['id']}/$status").status_code == 200
    # The token ends; the subscription goes on.
    demo_site.row("UPDATE identity.session SET ended_at = now() WHERE app_scopes = $1 AND device <> 'subscription' RETURNING 1", SCOPES)
    with demo_site.fhir(GP) as gp:
        first = make(gp, "Observation", weight(patient))
        until(lambda: len(hook.numbers()) == 1)
        assert hook.focuses() == [f"Observation/{first}"]
        (told,) = hook.of("event-notification")
        assert json.loads(weight(patient))["code"] in [e["resource"].get("code") for e in told["entry"]]
        carried = "SELECT count(*) AS n FROM vault.subscription x JOIN identity.live l ON l.id = x.session AND l.app IS NOT NULL"
        assert demo_site.row(carried)["n"] == 1
        # What it may be told of is the database's rule too: an event of another type is none of its.
        key = demo_site.row("SELECT x.session, o.pid, o.patient, o.org, o.sens, o.rtype FROM vault.subscription x JOIN identity.session s ON s.id = x.session AND s.app IS NOT NULL, vault.resource o WHERE o.patient = (SELECT patient FROM identity.person WHERE name = $1 AND patient IS NOT NULL) AND o.rtype = 28 AND o.sens = 0 LIMIT 1", ELDERLY)
        asked = "SELECT access.may_be_told($1, $2, $3, $4, $5, $6, NULL) AS may"
        row = (key["pid"], key["patient"], key["org"], key["sens"])
        assert demo_site.row(asked, key["session"], 96, *row)["may"] is True
        assert demo_site.row(asked, key["session"], 44, *row)["may"] is False
        mark(demo_site, "varslet-app", "suspended")
        make(gp, "Observation", weight(patient))
    assert demo_site.row(carried)["n"] == 0
    until(lambda: demo_site.row("SELECT status FROM vault.subscription x JOIN identity.session s ON s.id = x.session AND s.app IS NOT NULL")["status"] == "off")
    assert len(hook.numbers()) == 1


def test_an_app_with_a_user_does_not_subscribe(demo_site: Site, hook: Receiver) -> None:
    app = register(demo_site, "bruker-app", scope="user/*.cruds")
    with demo_site.client(GP) as browser, app.fhir(app.enter(browser, "user/*.cruds")["access_token"]) as fhir:
        assert fhir.post("/Subscription", json=subscription(hook.url)).status_code == 403
        assert fhir.get("/Subscription/$status").status_code == 403
