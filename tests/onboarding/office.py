# ruff: noqa: E501 - what is asked reads best a line each
"""A municipality's administration for tests: one site for the whole folder, with two administrators and a system."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import httpx

from fellesjournal.identity.cookies import secret_text
from fellesjournal.kit.ids import encode
from fellesjournal.onboarding.scim.model import PATCH, STAFF, USER
from tests.identity.administration.making import number
from tests.site import GP, LEGEVAKT_NURSE, Site

UNIT = "lv"
SECOND = LEGEVAKT_NURSE
"""The other administrator."""


@dataclass
class Office:
    """The administrators of the legevakt (its code is `lv`), with their browsers."""

    site: Site
    unit: int
    unit_name: str
    _browsers: dict[str, httpx.Client] = field(default_factory=dict)
    _forms: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def browser(self) -> httpx.Client:
        """That of the first administrator."""
        return self.browser_of(GP)

    def browser_of(self, name: str) -> httpx.Client:
        """A client with this person's session at the legevakt."""
        if name not in self._browsers:
            self._browsers[name] = self.site.client(name, unit=self.unit_name)
        return self._browsers[name]

    def get(self, path: str = "", *, by: str = GP) -> str:
        """A page's text."""
        answer = self.browser_of(by).get(f"/administrasjon{path}")
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, by: str = GP, /, **data: str) -> httpx.Response:
        """Send a form."""
        return self.browser_of(by).post(f"/administrasjon{path}", data=data, headers=self._form(by))

    def upload(self, csv: str, gjor: str) -> httpx.Response:
        """Send a file of staff: to be shown (`vis`), or carried out (`gjennomfor`)."""
        files = {"fil": ("a.csv", csv)}
        return self.browser.post("/administrasjon/fil", data={"gjor": gjor}, files=files, headers=self._form(GP))

    def system(self, name: str) -> str:
        """Make a system; its number."""
        until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        made = self.post("/systemer", navn=name, til=until)
        return str(re.findall(rf'{name}.*?name="system" value="(\d+)"', made.text, re.DOTALL)[-1])

    def token(self, system: str) -> str:
        """A new token of a system."""
        made = self.post("/systemer/endre", system=system, gjor="nokkel").text
        found = re.search(r"<p>((?:[A-Za-z0-9_-]{1,8}<wbr>)+)</p>", made)
        assert found
        return found[1].replace("<wbr>", "")

    @cached_property
    def personal(self) -> str:
        """The system that the SCIM tests are."""
        return self.system("Personal")

    @cached_property
    def scim(self) -> httpx.Client:
        """Its client."""
        return self.scim_client(self.token(self.personal))

    def scim_client(self, token: str) -> httpx.Client:
        """A client of /scim/v2."""
        headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
        return httpx.Client(base_url=f"{self.site.url}/scim/v2", headers=headers, timeout=30)

    def fhir_as(self, person: int, role: str = "") -> httpx.Client:
        """A client of /fhir with a session in a post of somebody's: as staff, or as `innbygger` of their own."""
        secret = os.urandom(32)
        started = (
            "identity.start_citizen($1, $2, 4::smallint, 3600, 3600, '')"
            if role == "innbygger"
            else f"identity.start_staff($1, $2, (SELECT id FROM identity.post WHERE person = $2 ORDER BY unit <> {self.unit}, id LIMIT 1), 4::smallint, 3600, 3600, '')"
        )
        made = self.site.row(f"SELECT {started}", hashlib.sha256(secret).digest(), person)
        assert made[0], "no session"
        headers = {"Authorization": f"Bearer {secret_text(secret)}"}
        return httpx.Client(base_url=f"{self.site.url}/fhir", timeout=30, headers=headers)

    def own_record(self, person: int) -> str | None:
        """The id of the Patient that a person is linked to."""
        row = self.site.row("SELECT patient, patient_slot FROM identity.person WHERE id = $1", person)
        return encode(row["patient_slot"], row["patient"]) if row["patient"] else None

    def close(self) -> None:
        """Close the clients."""
        for client in self._browsers.values():
            client.close()
        if "scim" in self.__dict__:
            self.scim.close()

    def _form(self, name: str) -> dict[str, str]:
        if name not in self._forms:
            found = re.search(r'name="csrf-token" content="([^"]+)"', self.get(by=name))
            assert found
            self._forms[name] = {"X-CSRF-Token": found[1]}
        return self._forms[name]


@contextmanager
def opened(site: Site, appoint: Any) -> Iterator[Office]:
    """The office of a site."""
    unit = site.row("UPDATE identity.unit SET code = $1 WHERE kind = 'legevakt' RETURNING id, name", UNIT)
    for name in (GP, SECOND):
        site.row("DELETE FROM identity.post o USING identity.person p WHERE p.id = o.person AND p.name = $1 AND o.unit = $2 RETURNING 1", name, unit["id"])
        appoint(name, unit["name"])
    office = Office(site, unit["id"], unit["name"])
    yield office
    office.close()


def user(name: str, serial: int, **more: Any) -> dict[str, Any]:
    """A User at the legevakt."""
    posts = more.pop("posts", [{"unit": UNIT, "role": "assistent"}])
    return {
        "schemas": [USER, STAFF], "userName": f"{name.split()[0].lower()}@lv.no", "name": {"formatted": name},
        "externalId": f"e{serial}", STAFF: {"nationalId": number(serial), "posts": posts}, **more,
    }  # fmt: skip


def patch(client: httpx.Client, id: str, *operations: dict[str, Any], **headers: str) -> httpx.Response:
    """Send operations to a User."""
    return client.patch(f"/Users/{id}", json={"schemas": [PATCH], "Operations": list(operations)}, headers=headers)
