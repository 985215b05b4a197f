"""Backend Services with clients as they come from PyPI: a signed assertion gives a token, and no person is asked."""

from __future__ import annotations

from typing import Any

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRPermissionDeniedException
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError
from joserfc.jwk import ECKey

from tests.apps import TestApp, register
from tests.identity.apps.test_backend import ask, assertion, public
from tests.record.samples import outcome
from tests.record.subscriptions.receiver import subscription
from tests.site import DIABETIC, GP, TONIGHT, Site

SCOPE = "system/Patient.rs system/Observation.rs?category=laboratory"
KEY = ECKey.generate_key("P-384")


@pytest.fixture(scope="module")
def app(demo_site: Site) -> TestApp:
    return register(
        demo_site, "klient-app", scope=SCOPE, type="confidential-asymmetric", jwks={"keys": [public(KEY)]},
        unit=_unit(demo_site), until="2099-12-31",
    )  # fmt: skip


def _unit(site: Site) -> str:
    row = site.row("SELECT u.name FROM identity.unit u JOIN identity.post o ON o.unit = u.id"
                   " JOIN identity.person p ON p.id = o.person WHERE p.name = $1", GP)  # fmt: skip
    return str(row["name"])


def test_fhirclient_signs_in_as_a_system(demo_site: Site, app: TestApp) -> None:
    settings = {
        "app_id": app.client_id, "api_base": f"{demo_site.url}/fhir", "jwt_token": assertion(app, KEY), "scope": SCOPE,
    }  # fmt: skip
    client: Any = FHIRClient(settings=settings)
    client.wants_patient = False
    client.prepare()
    client.authorize()
    assert client.ready
    patient = demo_site.patient_id(DIABETIC)
    assert Patient.read(patient, client.server).id == patient
    found = list(Observation.where({"patient": patient}).perform_resources_iter(client.server))
    assert {coding.code for one in found for kind in one.category for coding in kind.coding} == {"laboratory"}
    with pytest.raises(FHIRPermissionDeniedException):
        list(Patient.where({"_id": patient, "_has:Condition:subject:code": "x"}).perform_resources_iter(client.server))


@pytest.fixture
def fhirpy(demo_site: Site, app: TestApp) -> Any:
    token = ask(app, assertion(app, KEY), SCOPE).json()["access_token"]
    return SyncFHIRClient(f"{demo_site.url}/fhir", authorization=f"Bearer {token}")


def test_fhirpy_reads_as_a_system_within_the_scopes(demo_site: Site, fhirpy: Any) -> None:
    patient = demo_site.patient_id(DIABETIC)
    assert fhirpy.reference("Patient", patient).to_resource().id == patient
    found = fhirpy.resources("Observation").search(patient=patient).fetch_all()
    assert found
    for rtype, name, value in (("Condition", "patient", patient), ("Patient", "_id", demo_site.patient_id(TONIGHT))):
        with pytest.raises(ForbiddenError):
            fhirpy.resources(rtype).search(**{name: value}).fetch()


def test_what_goes_on_for_longer_than_a_token_is_the_operators_to_allow(demo_site: Site) -> None:
    everything, asynchronous = "system/*.cruds", {"Prefer": "respond-async"}
    made = register(
        demo_site, "klient-app-alt", scope=everything, type="confidential-asymmetric", jwks={"keys": [public(KEY)]},
        unit=_unit(demo_site), until="2099-12-31",
    )  # fmt: skip
    with made.fhir(ask(made, assertion(made, KEY), everything).json()["access_token"]) as fhir:
        ndjson = {**asynchronous, "Content-Type": "application/fhir+ndjson"}
        lines = fhir.post("/$import", content=b"{}", headers=ndjson)
        wish = fhir.post("/Subscription", json=subscription("https://mottak.example.no/hook"))
        assert "An app imports nothing" in outcome(lines, 403)["diagnostics"]
        assert wish.status_code == 201, wish.text
        refused = fhir.get("/$export", params={"_type": "Patient"}, headers=asynchronous)
        assert "exports allow" in outcome(refused, 403)["diagnostics"]
        exports = demo_site.row(
            "SELECT identity.put_grant(a.person, 'EXPORT', now() + interval '1 hour', 'test')"
            " FROM identity.app a WHERE a.client_id = 'klient-app-alt'"
        )
        assert exports is not None
        begun = fhir.get("/$export", params={"_type": "Patient"}, headers=asynchronous)
        assert begun.status_code == 202
        assert fhir.delete(begun.headers["content-location"]).status_code == 202
