"""A trial for each operation that the CapabilityStatement may claim. Who offers a new operation adds one here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import httpx

from fellesjournal import fhir
from tests.record.ground import NONE, Ground
from tests.record.samples import JSON
from tests.record.subscriptions.receiver import subscription
from tests.site import ELDERLY, LEGEVAKT_NURSE, Site

Json = dict[str, Any]

CORE: Final = "http://hl7.org/fhir/OperationDefinition/"
BULK: Final = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
OWN: Final = "/OperationDefinition/fellesjournal-"
"""Canonicals of operations begin with these."""


@dataclass(frozen=True)
class Place:
    """A resource of a type for which an operation is claimed; of none when it is one of the whole server."""

    site: Site
    client: httpx.Client
    rtype: str
    resource: Json

    @property
    def at(self) -> str:
        """Its address."""
        return f"/{self.rtype}/{self.resource['id']}"

    def answer(self, path: str, body: Json | None = None, *, expected: int = 200, **headers: str) -> Json:
        """What is answered to a GET, or to a POST of a body."""
        if body is None:
            answer = self.client.get(path, headers=headers)
        else:
            answer = self.client.post(path, content=fhir.encode(body), headers=JSON | headers)
        assert answer.status_code == expected, (path, answer.text[:300])
        found: Json = answer.json() if answer.content else {}
        return found


def call(**given: Any) -> Json:
    """Parameters, one of each name: the value's type stands after two underscores (`url__Uri`)."""
    named = [(*name.split("__"), value) for name, value in given.items()]
    listed = [{"name": name, f"value{kind[0]}" if kind else "resource": value} for name, *kind, value in named]
    return {"resourceType": "Parameters", "parameter": listed}


def _blocks(place: Place) -> None:
    place.answer("/Consent/$blocks", expected=403)
    with place.site.fhir(ELDERLY) as citizen:
        assert citizen.get("/Consent/$blocks").json()["type"] == "collection"


def _value(answer: Json, name: str) -> Any:
    (found,) = [one for one in answer["parameter"] if one["name"] == name]
    return next(value for key, value in found.items() if key.startswith("value"))


def _meta(ground: Ground, resources: Sequence[Json]) -> None:
    for meta in _labels(ground, resources, "GET", "$meta"):
        assert meta["profile"] == ["http://eksempel.no/profil"]


def _meta_add(ground: Ground, resources: Sequence[Json]) -> None:
    added = call(meta__Meta={"tag": [{"code": "ny"}]})
    assert all({"code": "ny"} in meta["tag"] for meta in _labels(ground, resources, "POST", "$meta-add", added))


def _meta_delete(ground: Ground, resources: Sequence[Json]) -> None:
    taken = call(meta__Meta={"tag": [{"code": "ny"}]})
    assert all({"code": "ny"} not in meta["tag"] for meta in _labels(ground, resources, "POST", "$meta-delete", taken))


def _labels(
    ground: Ground, resources: Sequence[Json], method: str, name: str, body: Json | None = None
) -> list[Json]:  # fmt: skip
    asked = [(method, f"{one['resourceType']}/{one['id']}/{name}", body, NONE) for one in resources]
    return [_value(said["resource"], "return") for said in ground.batch(asked)]


def _validate(ground: Ground, resources: Sequence[Json]) -> None:
    asked = [("POST", f"{one['resourceType']}/$validate", one, NONE) for one in resources]
    for one, said in zip(resources, ground.batch(asked), strict=True):
        told = said["resource"]["issue"]
        assert "error" not in [issue["severity"] for issue in told], (one["resourceType"], told)


def _everything(place: Place) -> None:
    first = place.answer(f"{place.at}/$everything?_count=1")["entry"][0]["resource"]
    assert first["id"] == place.resource["id"]


def _match(place: Place) -> None:
    name = {"family": "Prøve", "given": ["Kari"]}
    asked = call(resource={"resourceType": "Patient", "name": [name], "birthDate": place.resource["birthDate"]})
    with place.site.fhir(LEGEVAKT_NURSE) as nurse:
        assert replace(place, client=nurse).answer("/Patient/$match", asked)["type"] == "searchset"


def _lastn(place: Place) -> None:
    assert place.answer("/Observation/$lastn?patient=krav-patient-0")["type"] == "searchset"


def _document(place: Place) -> None:
    for path in (f"{place.at}/$document", f"/Composition/$document?id={place.resource['id']}"):
        bundle = place.answer(path)
        assert (bundle["type"], bundle["entry"][0]["resource"]["id"]) == ("document", place.resource["id"])


GENDER: Final = "http://hl7.org/fhir/administrative-gender"


def _expand(place: Place) -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    codes = [one["code"] for one in place.answer(f"/ValueSet/$expand?url={url}")["expansion"]["contains"]]
    assert "female" in codes


def _in_value_set(place: Place) -> None:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    said = place.answer(f"/ValueSet/$validate-code?url={url}&system={GENDER}&code=female")
    assert _value(said, "result") is True


def _in_system(place: Place) -> None:
    assert _value(place.answer(f"/CodeSystem/$validate-code?url={GENDER}&code=female"), "result") is True


def _lookup(place: Place) -> None:
    assert _value(place.answer(f"/CodeSystem/$lookup?system={GENDER}&code=female"), "display")


def _subsumes(place: Place) -> None:
    said = place.answer(f"/CodeSystem/$subsumes?system={GENDER}&codeA=female&codeB=female")
    assert _value(said, "outcome") == "equivalent"


def _translate(place: Place) -> None:
    concept_map = {
        "resourceType": "ConceptMap", "status": "active", "url": "http://eksempel.no/kart",
        "group": [{"source": GENDER, "target": "urn:kjonn", "element": [
            {"code": "female", "target": [{"code": "K", "equivalence": "equal"}]}]}],
    }  # fmt: skip
    asked = call(conceptMap=concept_map, code__Code="female", system__Uri=GENDER)
    assert _value(place.answer("/ConceptMap/$translate", asked), "result") is True


def _subscription(place: Place) -> str:
    """The address of a subscription by topic."""
    channel = {"type": "websocket", "endpoint": None}
    made = place.answer("/Subscription", subscription("", channel=channel), expected=201)
    return f"/Subscription/{made['id']}"


def _status(place: Place) -> None:
    at = _subscription(place)
    (told,) = place.answer(f"{at}/$status")["entry"]
    assert _value(told["resource"], "topic").endswith("/Observation")


def _events(place: Place) -> None:
    assert place.answer(f"{_subscription(place)}/$events")["entry"]


def _binding_token(place: Place) -> None:
    assert _value(place.answer(f"{_subscription(place)}/$get-ws-binding-token"), "token")


def _later(path: str, body: bytes = b"", **headers: str) -> Callable[[Place], None]:
    """The trial of what is carried out afterwards: it begins, tells how far it is and is given up."""

    def trial(place: Place) -> None:
        at, client = path.format(at=place.at), place.client
        method = "POST" if body else "GET"
        begun = client.request(method, at, content=body, headers={"Prefer": "respond-async", **headers})
        assert begun.status_code == 202, begun.text
        address = begun.headers["content-location"]
        assert client.get(address).status_code in (200, 202)
        assert client.delete(address).status_code == 202

    return trial


_LINE: Final = b'{"resourceType":"Basic","code":{"text":"Tekst"}}\n'
ON_MANY: Final[dict[str, Callable[[Ground, Sequence[Json]], None]]] = {
    f"{CORE}Resource-meta": _meta, f"{CORE}Resource-meta-add": _meta_add, f"{CORE}Resource-meta-delete": _meta_delete,
    f"{CORE}Resource-validate": _validate,
}  # fmt: skip
"""What nearly every type has, tried on one of each side by side; in this order."""
TRIALS: Final[dict[str, Callable[[Place], None]]] = {
    f"{CORE}Patient-everything": _everything,
    f"{CORE}Encounter-everything": _everything, f"{CORE}Patient-match": _match, f"{CORE}Observation-lastn": _lastn,
    f"{CORE}Composition-document": _document, f"{CORE}ValueSet-expand": _expand,
    f"{CORE}ValueSet-validate-code": _in_value_set, f"{CORE}CodeSystem-validate-code": _in_system,
    f"{CORE}CodeSystem-lookup": _lookup, f"{CORE}CodeSystem-subsumes": _subsumes,
    f"{BACKPORT}status": _status, f"{BACKPORT}events": _events, f"{BACKPORT}get-ws-binding-token": _binding_token,
    f"{CORE}ConceptMap-translate": _translate, f"{BULK}export": _later("/$export"),
    f"{BULK}patient-export": _later("/Patient/$export"), f"{BULK}group-export": _later("{at}/$export"),
    "https://fellesjournal.no/fhir/OperationDefinition/blocks": _blocks,
    f"{OWN}import": _later("/$import", _LINE, **{"Content-Type": "application/fhir+ndjson"}),
}  # fmt: skip
"""By the canonical that the statement names."""
