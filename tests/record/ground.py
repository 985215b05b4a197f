"""Resources of every type on a running site: six of each, under ids that say what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import httpx

from fellesjournal import fhir
from fellesjournal.record.ownership import MADE_AT_READING
from tests.fhir.filled import SYSTEM, VARIANTS, filled
from tests.record.samples import JSON

Json = dict[str, Any]

Asked = tuple[str, str, Json | None, Mapping[str, str]]
"""Method, address, body and conditions (`ifMatch` and the like)."""

KEPT: Final = tuple(rtype for rtype in fhir.RESOURCE_TYPES if rtype not in MADE_AT_READING)
"""All types but those that nobody writes."""
NONE: Final[Mapping[str, str]] = {}
EVERYTHING: Final = "krav-list-alle"
_SET, _OTHER_SET = "http://eksempel.no/verdisett", "http://eksempel.no/annet-verdisett"
BY_CODES: Final = {"in": _SET, "not-in": _OTHER_SET, "below": f"{SYSTEM}|over", "above": f"{SYSTEM}|under"}
"""How the code that stands everywhere is found by terminology, once `lay_codes` has told of it."""
_AT_ONCE: Final = 200
_READ_AT_ONCE: Final = 50


def id_of(rtype: str, variant: int) -> str:
    """The id of one of them."""
    return f"krav-{rtype.lower()}-{variant}"


def named(targets: Sequence[str], variant: int) -> str:
    """What a reference refers to: each of its types in turn, the same patient always."""
    kept = [target for target in targets if target in KEPT]
    rtype = kept[variant % len(kept)] if kept else "Patient"
    return f"{rtype}/{id_of(rtype, 0)}"


def is_laid(reference: str) -> bool:
    """Whether a reference leads to one of them; the few that the definitions' own rules ask for lead nowhere."""
    return reference.rpartition("/")[2].startswith("krav-")


def made(rtype: str, variant: int) -> Json:
    """One of them, as it is sent."""
    resource = filled(rtype, variant=variant, named=named)
    return {"resourceType": rtype, "id": id_of(rtype, variant), **resource}


@dataclass
class Ground:
    """What stands there. `resources` by type, in the order of variants."""

    client: httpx.Client
    resources: dict[str, list[Json]] = field(default_factory=dict)

    def lay(self) -> None:
        """Write them all."""
        for rtype in KEPT:
            self.resources[rtype] = [made(rtype, variant) for variant in range(VARIANTS)]
        every = [resource for some in self.resources.values() for resource in some]
        items = [{"item": {"reference": f"{rtype}/{id_of(rtype, 0)}"}} for rtype in KEPT]
        everything = {"resourceType": "List", "id": EVERYTHING, "status": "current", "mode": "working", "entry": items}
        asked = [("PUT", f"{r['resourceType']}/{r['id']}", r, NONE) for r in (*every, everything)]
        # In one transaction: a reference to an id that nobody has yet would lead nowhere.
        assert {status(said) for said in self.together(asked)} == {201}

    def together(self, asked: Sequence[Asked]) -> list[Json]:
        """The entries that answer these requests, done as one: much cheaper than each by itself, when all succeed."""
        return self._bundle("transaction", asked)

    def batch(self, asked: Sequence[Asked]) -> list[Json]:
        """The entries that answer these requests, each by itself."""
        parts = [asked[start : start + _AT_ONCE] for start in range(0, len(asked), _AT_ONCE)]
        return [said for part in parts for said in self._bundle("batch", part)]

    def get(self, urls: Sequence[str]) -> list[Json]:
        """What is answered at these addresses."""
        asked = [("GET", url, None, NONE) for url in urls]
        parts = [asked[start : start + _READ_AT_ONCE] for start in range(0, len(asked), _READ_AT_ONCE)]
        # While the database works on one, the server reads the next.
        with ThreadPoolExecutor(2) as pool:
            return [said for some in pool.map(partial(self._bundle, "batch"), parts) for said in some]

    def _bundle(self, kind: str, asked: Sequence[Asked]) -> list[Json]:
        entries = [
            {"request": {"method": method, "url": url, **conditions}} | ({"resource": body} if body else {})
            for method, url, body, conditions in asked
        ]
        bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
        answer = self.client.post("", content=fhir.encode(bundle), headers=JSON)
        assert answer.status_code == 200, answer.text[:400]
        found: list[Json] = answer.json()["entry"]
        return found


def status(entry: Json) -> int:
    """The status of an answer in a bundle."""
    return int(entry["response"]["status"][:3])


def lay_codes(client: httpx.Client) -> None:
    """The code that stands everywhere, with one above and one below it, in a value set and not in another."""
    tree = [{"code": "over", "concept": [{"code": "kode", "concept": [{"code": "under"}]}]}]
    laid: list[Json] = [{
        "resourceType": "CodeSystem", "url": SYSTEM, "status": "active", "content": "complete",
        "hierarchyMeaning": "is-a", "concept": tree,
    }]  # fmt: skip
    for url, code in ((_SET, "kode"), (_OTHER_SET, "under")):
        include = [{"system": SYSTEM, "concept": [{"code": code}]}]
        laid.append({"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": include}})
    for one in laid:
        answer = client.put(f"/{one['resourceType']}?url={one['url']}", json=one)
        assert answer.status_code in (200, 201), answer.text
