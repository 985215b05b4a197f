"""Whoever is brought in stands in the directory, and what they write names them; what ends there ends here."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from fellesjournal.clinical.correspondence.actors import DIRECTORY, SystemSession
from fellesjournal.clinical.staff.jobs import Keeper
from fellesjournal.identity import Sessions
from fellesjournal.kit import db, ids
from fellesjournal.record.journal import Vault
from tests.onboarding.office import Office, patch
from tests.onboarding.test_own_record import DOORS
from tests.site import GP


def keep(office: Office) -> None:
    """What the worker does each minute."""

    async def work() -> None:
        settings, keys = office.site.settings, office.site.keys
        async with await db.Database.connect(settings, keys, "fj_worker", max_size=2) as worker:
            session = SystemSession(Sessions(signin=worker, web=worker, settings=settings, keys=keys), actor=DIRECTORY)
            await Keeper(worker, Vault(worker, keys=keys), session.reader).work()
            await session.end()

    asyncio.run(work())


def told_of(client: httpx.Client, office: Office, person: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The Practitioner and the PractitionerRoles of somebody, as staff find them."""
    pid = office.site.row("SELECT practitioner FROM identity.person WHERE id = $1", person)[0]
    roles = client.get("/PractitionerRole", params={"practitioner": ids.encode(0, pid)}).json().get("entry", [])
    return client.get(f"/Practitioner/{ids.encode(0, pid)}").json(), [entry["resource"] for entry in roles]


def test_whoever_is_brought_in_stands_in_the_directory_until_they_leave(office: Office) -> None:
    people = [door(office, f"Katrine{n} Katalog", 110 + n) for n, door in enumerate(DOORS)]
    keep(office)
    with office.site.fhir(GP) as reader:
        for n, person in enumerate(people):
            practitioner, (role,) = told_of(reader, office, person)
            assert practitioner["name"][0] | {"use": ""} == {
                "use": "", "text": f"Katrine{n} Katalog", "family": "Katalog", "given": [f"Katrine{n}"],
            }  # fmt: skip
            assert practitioner["identifier"][0]["value"] == "1234567"
            assert (role["active"], role["code"][0]["text"]) == (True, "Sykepleier")
            assert role["organization"]["reference"] == f"Organization/{ids.encode(0, office.unit)}"
        # Nothing new, nothing written; also when it was interrupted before it knew that it was done.
        office.site.row("UPDATE identity.person SET told_version = 0 WHERE id = $1 RETURNING 1", people[0])
        keep(office)
        assert told_of(reader, office, people[0])[0]["meta"]["versionId"] == "1"
        # One gets another name, one leaves, one's post runs out by itself.
        patch(office.scim, str(people[2]), {"op": "replace", "path": "name.familyName", "value": "Skiftet"})
        office.post(f"/personer/{people[1]}/stopp")
        office.site.row("UPDATE identity.post SET until_at = now() WHERE person = $1 RETURNING 1", people[0])
        keep(office)
        assert told_of(reader, office, people[2])[0]["name"][0]["text"] == "Katrine2 Skiftet"
        for person in people[:2]:
            practitioner, (role,) = told_of(reader, office, person)
            assert (practitioner["active"], role["active"], "end" in role["period"]) == (False, False, True)


def test_what_another_system_has_made_of_somebody_stays_as_it_is(office: Office) -> None:
    gp = office.site.row("SELECT id FROM identity.person WHERE name = 'Jon Lillebakk'")[0]
    with office.site.fhir(GP) as reader:
        before, roles = told_of(reader, office, gp)
        office.post(f"/personer/{gp}/gi", enhet=str(office.unit), rolle="assistent")
        keep(office)
        after, more = told_of(reader, office, gp)
    assert after == before
    assert len(more) == len(roles) + 1
