"""What is wrong in a record: withdrawn, moved to the right person, deleted by two persons; each by the law's steps."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.care.legevakt.test_pages import number_of, registered
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site

TEXT = "Utilpass siden i går, kjenner seg bedre nå."


@pytest.fixture(scope="module")
def gp(demo_site: Site) -> Iterator[httpx.Client]:
    with demo_site.client(GP) as client:
        yield client


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    return f"/pasienter/{demo_site.patient_id(DIABETIC)}"


def hidden(page: str) -> dict[str, str]:
    """The fields that a page's last form carries by itself."""
    form = page[[one.start() for one in re.finditer(r'<form [^>]*class="fj-form"', page)][-1] :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def written(client: httpx.Client, chart: str) -> str:
    """The address of a note just signed, with a diagnosis and a measurement of its own."""
    own = {
        name: value
        for name, value in hidden(client.get(f"{chart}/notat/nytt").text).items()
        if name not in ("diagnosis", "measurement")
    }
    fields = {"tekst": TEXT, "diagnosis": "A04|Slapphet/tretthet", "measurement": "bp|131/77"}
    page = client.post(f"{chart}/notat/nytt", data=own | fields)
    assert page.url.params.get("signert") == "1", page.text
    return page.url.path


def send(client: httpx.Client, note: str, way: str, **fields: str) -> httpx.Response:
    """Fill in one of the forms of "something is wrong"."""
    why = {f"begrunnelse_{'flytt' if way == 'finn' else way}": fields.pop("begrunnelse", "")}
    return client.post(f"{note}/feil/{way}", data=hidden(client.get(f"{note}/feil").text) | why | fields)


def colleague(site: Site, name: str, role: str) -> str:
    """Somebody in this role at the unit where this person works."""
    found = site.row(
        """
        SELECT p.name FROM identity.post o JOIN identity.person p ON p.id = o.person
        WHERE o.role = $2 AND o.unit = (SELECT x.unit FROM identity.post x JOIN identity.person q ON q.id = x.person
                                        WHERE q.name = $1 LIMIT 1) ORDER BY p.id LIMIT 1""",
        name, role,
    )  # fmt: skip
    return str(found["name"])


def unit_of(site: Site) -> str:
    """The name of the GP's unit."""
    found = site.row(
        """
        SELECT u.name FROM identity.unit u JOIN identity.post o ON o.unit = u.id
        JOIN identity.person p ON p.id = o.person WHERE p.name = $1 LIMIT 1""",
        GP,
    )
    return str(found["name"])


def reviewer(site: Site) -> str:
    """Somebody who has been made a reviewer at the GP's unit."""
    found = site.row(
        """
        WITH who AS (SELECT p.id, p.name FROM identity.person p JOIN identity.post o ON o.person = p.id
                     WHERE o.role = 'assistent' ORDER BY p.id LIMIT 1),
        made AS (INSERT INTO identity.post (person, unit, role, from_at, until_at)
                 SELECT who.id, o.unit, 'reviewer', o.from_at, o.until_at FROM who, identity.post o
                 JOIN identity.person g ON g.id = o.person WHERE g.name = $1 LIMIT 1)
        SELECT name FROM who""",
        GP,
    )
    return str(found["name"])


def wishes_of(site: Site, note: str) -> str:
    """The state of the newest wish about a note."""
    from fellesjournal.kit import ids

    key = ids.decode(note.rsplit("/", 1)[1])
    assert key
    return str(site.row("SELECT state FROM vault.erasure WHERE pid = $1 ORDER BY id DESC LIMIT 1", key[1])["state"])


def parts_of(site: Site, chart: str, note: str) -> tuple[str, list[str]]:
    """(id of the note, "Type/id" of what belongs to its contact alone)."""
    with site.fhir(GP) as fhir:
        encounter = fhir.get(f"/Composition/{note.rsplit('/', 1)[1]}").json()["encounter"]["reference"]
        about = {"patient": chart.rsplit("/", 1)[1], "encounter": encounter}
        found = [fhir.get(f"/{rtype}", params=about).json()["entry"] for rtype in ("Condition", "Observation")]
    named = [f"{one['resource']['resourceType']}/{one['resource']['id']}" for rows in found for one in rows]
    return note.rsplit("/", 1)[1], [encounter, *named]


def test_withdrawn_note_is_passed_by_with_all_that_belongs_to_it_and_can_be_taken_up_again(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    note = written(gp, chart)
    id_, parts = parts_of(demo_site, chart, note)
    assert send(gp, note, "trekk", begrunnelse=" ").status_code == 422
    assert "er trukket tilbake" in send(gp, note, "trekk", begrunnelse="Skrevet i feil vindu.").text
    from fellesjournal.kit import ids

    for name in [f"Composition/{id_}", *parts]:
        key = ids.decode(name.partition("/")[2])
        assert key
        body = demo_site.row("SELECT body FROM vault.resource WHERE slot = $1 AND pid = $2", *key)["body"]
        assert "entered-in-error" in body and '"83"' in body
    with demo_site.fhir(GP) as fhir:
        assert {fhir.get(f"/{name}").status_code for name in (f"Composition/{id_}", *parts)} == {404}
    page = gp.get(f"{chart}/retting").text
    assert TEXT in page
    again = gp.post(f"{note}/feil/angre", data=hidden(page))
    assert "står i journalen igjen" in again.text and TEXT in gp.get(note).text
    with demo_site.fhir(GP) as fhir:
        assert {fhir.get(f"/{name}").status_code for name in parts} == {200}


def test_note_that_somebody_changed_meanwhile_is_not_withdrawn(gp: httpx.Client, chart: str) -> None:
    note = written(gp, chart)
    fields = hidden(gp.get(f"{note}/feil").text) | {"begrunnelse_trekk": "Feil.", "version": "7"}
    assert gp.post(f"{note}/feil/trekk", data=fields).status_code == 409
    assert TEXT in gp.get(note).text


def test_moved_note_stands_in_the_right_record_and_neither_names_the_other(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    note, right = written(gp, chart), demo_site.patient_id(ELDERLY)
    id_, _parts = parts_of(demo_site, chart, note)
    page = send(gp, note, "finn", hvem=number_of(demo_site, ELDERLY))
    assert ELDERLY in page.text
    sealed = re.search(r'name="person" value="([^"]+)"', page.text)
    assert sealed
    moved = send(gp, note, "flytt", person=sealed[1], begrunnelse="Skrev hos feil pasient.")
    assert "står nå hos rett person" in moved.text
    with demo_site.fhir(GP) as fhir:
        about = {"patient": right, "_sort": "-_lastUpdated", "_count": "1"}
        copy = fhir.get("/Composition", params=about).json()["entry"][0]["resource"]
        measured = fhir.get("/Observation", params=about).json()["entry"][0]["resource"]
        why = fhir.get("/Provenance", params=about).json()["entry"][0]["resource"]
    assert TEXT in str(copy) and copy["status"] == "final" and measured["component"][0]["valueQuantity"]["value"] == 131
    wrong = chart.rsplit("/", 1)[1]
    assert wrong not in str((copy, measured, why)) and id_ not in str((copy, measured, why))
    assert wishes_of(demo_site, note) == "proposed"


def test_note_is_not_moved_to_the_record_that_it_is_in_nor_to_one_that_the_writer_may_not_write_in(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    note = written(gp, chart)
    for name, status in ((DIABETIC, 422), (TONIGHT, 403)):
        page = send(gp, note, "finn", hvem=number_of(demo_site, name))
        sealed = re.search(r'name="person" value="([^"]+)"', page.text)
        assert sealed
        answer = send(gp, note, "flytt", person=sealed[1], begrunnelse="Skrev hos feil pasient.")
        assert answer.status_code == status, answer.text
    assert "Skrev hos feil pasient." in answer.text
    with demo_site.fhir(GP) as fhir:
        assert fhir.get(f"/Composition/{note.rsplit('/', 1)[1]}").json()["status"] == "final"


@pytest.fixture(scope="module")
def erased(demo_site: Site) -> tuple[str, str, list[str]]:
    """(chart, note, its parts) that a nurse proposed to delete and the doctor on duty deleted."""
    other = colleague(demo_site, LEGEVAKT_NURSE, "lege")
    with demo_site.client(LEGEVAKT_NURSE) as nurse, demo_site.client(other) as doctor:
        registered(demo_site, nurse, name=DIABETIC)
        chart = f"/pasienter/{demo_site.patient_id(DIABETIC)}"
        note = written(nurse, chart)
        with demo_site.fhir(LEGEVAKT_NURSE) as fhir:
            encounter = fhir.get(f"/Composition/{note.rsplit('/', 1)[1]}").json()["encounter"]["reference"]
            about = {"patient": chart.rsplit("/", 1)[1], "encounter": encounter}
            parts = [
                f"{rtype}/{one['resource']['id']}"
                for rtype in ("Condition", "Observation")
                for one in fhir.get(f"/{rtype}", params=about).json()["entry"]
            ]
        reason = "Gjaldt pasientens nabo; belastende for henne."
        assert "En annen person må vurdere" in send(nurse, note, "slett", grunnlag="2", begrunnelse=reason).text
        own = nurse.get(f"{chart}/retting").text
        assert "Du har sagt ja" in own and "slett for godt" not in own
        wish = demo_site.row("SELECT max(id) AS id FROM vault.erasure")["id"]
        form = hidden(nurse.get(f"{note}/feil").text)
        again = nurse.post(f"{chart}/retting/{wish}", data=form | {"gjor": "ja"})
        assert again.status_code == 409 and "en annen må gjøre det" in again.text
        page = doctor.get(f"{chart}/retting")
        assert reason in page.text and DIABETIC in doctor.get("/retting").text
        done = doctor.post(f"{chart}/retting/{wish}", data=hidden(page.text) | {"gjor": "ja"})
        assert "Oppføringen er slettet" in done.text and reason not in done.text
    return chart, note, [f"Composition/{note.rsplit('/', 1)[1]}", encounter, *parts]


def test_what_two_persons_deleted_is_gone_in_every_version_and_index(
    erased: tuple[str, str, list[str]], demo_site: Site
) -> None:
    from fellesjournal.kit import ids

    _chart, _note, parts = erased
    with demo_site.fhir(LEGEVAKT_NURSE) as fhir:
        for name in parts:
            assert fhir.get(f"/{name}").status_code == 410
            assert fhir.get(f"/{name}/_history/1").status_code == 410
    pids = [key[1] for name in parts if (key := ids.decode(name.partition("/")[2]))]
    assert len(pids) == len(parts) >= 4
    for table in ("history", "resource"):
        count = f"SELECT count(body) AS bodies, count(*) AS rows FROM vault.{table} WHERE pid = ANY ($1)"
        left = demo_site.row(count, pids)
        assert left["bodies"] == 0 and left["rows"] >= len(pids)
    for table in ("sp_token", "sp_reference", "sp_date", "sp_quantity", "sp_string", "sp_uri", "sp_composite"):
        assert demo_site.row(f"SELECT count(*) AS n FROM vault.{table} WHERE pid = ANY ($1)", pids)["n"] == 0


def test_tombstone_tells_who_and_on_which_basis_but_no_content(
    erased: tuple[str, str, list[str]], demo_site: Site
) -> None:
    chart, _note, _parts = erased
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        page = nurse.get(f"{chart}/retting").text
    assert "Slettet" in page and LEGEVAKT_NURSE in page and colleague(demo_site, LEGEVAKT_NURSE, "lege") in page
    assert "nabo" not in page and TEXT not in page


def test_role_without_the_right_asks_and_a_refusal_says_why(gp: httpx.Client, chart: str, demo_site: Site) -> None:
    note = written(gp, chart)
    with demo_site.client(colleague(demo_site, GP, "helsesekretaer")) as secretary:
        asked = send(secretary, note, "slett", grunnlag="5", begrunnelse="Pasienten ringte og ba om det.")
        assert "Forslaget er registrert" in asked.text and wishes_of(demo_site, note) == "asked"
        assert "allerede bedt om sletting" in send(secretary, note, "slett", begrunnelse="Igjen.").text
    wish = demo_site.row("SELECT max(id) AS id FROM vault.erasure")["id"]
    form = hidden(gp.get(f"{note}/feil").text)
    silent = gp.post(f"{chart}/retting/{wish}", data=form | {"gjor": "nei"})
    assert silent.status_code == 422 and "klage til statsforvalteren" in silent.text
    why = {f"svar_{wish}": "Nødvendig for videre behandling."}
    refused = gp.post(f"{chart}/retting/{wish}", data=form | {"gjor": "nei"} | why)
    assert "er avslått" in refused.text and wishes_of(demo_site, note) == "refused"
    assert TEXT in gp.get(note).text


def test_another_units_entry_and_another_records_wish_are_not_there(
    erased: tuple[str, str, list[str]], gp: httpx.Client, demo_site: Site
) -> None:
    chart, note, _parts = erased
    assert gp.get(f"{note}/feil").status_code in (404, 410)
    wish = demo_site.row("SELECT min(id) AS id FROM vault.erasure WHERE state = 'proposed'")["id"]
    form = hidden(gp.get(f"{chart}/notat/nytt").text) | {"gjor": "ja"}
    other = f"/pasienter/{demo_site.patient_id(ELDERLY)}"
    assert gp.post(f"{other}/retting/{wish}", data=form).status_code == 404


def test_citizen_asks_and_a_reviewer_is_the_second_person_where_the_unit_has_one_doctor(
    gp: httpx.Client, chart: str, demo_site: Site
) -> None:
    note = written(gp, chart)
    own, unit = f"/min-journal/notater/{note.rsplit('/', 1)[1]}", unit_of(demo_site)
    with demo_site.client(DIABETIC) as citizen, demo_site.client(reviewer(demo_site), unit=unit) as judge:
        assert f"{own}/retting" in citizen.get(own).text
        form = hidden(citizen.get(f"{own}/retting").text)
        assert citizen.post(f"{own}/retting", data=form | {"hva": "slett"}).status_code == 422
        sent = citizen.post(f"{own}/retting", data=form | {"hva": "slett", "begrunnelse": "Dette er ikke meg."})
        assert "Venter på svar" in sent.text
        wish = demo_site.row("SELECT max(id) AS id FROM vault.erasure")["id"]
        assert "Dette er ikke meg." not in judge.get("/kontroll/sletting").text
        page = gp.get(f"{chart}/retting").text
        assert "Dette er ikke meg." in page
        gp.post(f"{chart}/retting/{wish}", data=hidden(gp.get(f"{note}/feil").text) | {"gjor": "ja"})
        shown = judge.get("/kontroll/sletting").text
        assert "Dette er ikke meg." in shown and DIABETIC not in shown and TEXT not in shown
        yes = hidden(shown) | {"gjor": "ja", f"svar_{wish}": "Slettet."}
        answer = judge.post(f"/kontroll/sletting/{wish}", data=yes)
        assert "Vurderingen er registrert" in answer.text
        done = citizen.get("/min-journal/retting").text
        assert "Gjennomført" in done and "Svar: " in done
        assert citizen.get(own).status_code == 410
    assert "/kontroll/sletting/" not in gp.get("/kontroll/sletting").text


def test_wish_for_correction_is_answered_by_one(gp: httpx.Client, chart: str, demo_site: Site) -> None:
    note = written(gp, chart)
    own = f"/min-journal/notater/{note.rsplit('/', 1)[1]}/retting"
    with demo_site.client(DIABETIC) as citizen:
        fields = hidden(citizen.get(own).text) | {"hva": "rett", "begrunnelse": "Jeg røyker ikke."}
        citizen.post(own, data=fields)
        wish = demo_site.row("SELECT max(id) AS id FROM vault.erasure")["id"]
        form = hidden(gp.get(f"{note}/feil").text) | {"gjor": "ja", f"svar_{wish}": "Takk, det er rettet."}
        assert "Ønsket er besvart" in gp.post(f"{chart}/retting/{wish}", data=form).text
        assert "Takk, det er rettet." in citizen.get("/min-journal/retting").text
    assert TEXT in gp.get(note).text


def test_no_role_changes_history_but_the_one_that_two_persons_use_and_the_shield(demo_site: Site) -> None:
    held = demo_site.row(
        """
        SELECT array_agg(DISTINCT g.grantee::text) AS roles FROM information_schema.column_privileges g
        WHERE g.table_schema = 'vault' AND g.table_name = 'history' AND g.column_name = 'body'
        AND g.privilege_type = 'UPDATE' AND g.grantee NOT IN ('fj_owner', 'fj_admin', 'postgres')"""
    )["roles"]
    # vault_shield moves a protected person's address to where it lies apart; it takes nothing away.
    assert held == ["vault_erase", "vault_shield"]
    held = demo_site.row(
        """
        SELECT array_agg(DISTINCT g.grantee::text) AS roles FROM information_schema.table_privileges g
        WHERE g.table_schema = 'vault' AND g.table_name IN ('history', 'resource', 'erasure')
        AND g.privilege_type IN ('DELETE', 'TRUNCATE') AND g.grantee NOT IN ('fj_owner', 'fj_admin', 'postgres')"""
    )["roles"]
    assert held is None
