# ruff: noqa: E501 - queries read best a line each
"""The leak check for who acts for another: what staff withheld, and all that tells of it, is nowhere in what a parent is answered.

A naive look says which rows are closed: the labels, what staff named, and whatever names one of those. FHIR, pages, the log, exports and
error texts are held against it; a proxy is answered what their areas hold and no more.
"""

import random
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fellesjournal import fhir
from fellesjournal.fhir.row_class import RowClass
from fellesjournal.kit import ids
from tests.clinical.representatives.test_pages import REASON, contact_of, observation, send
from tests.law.test_leaks import SENSITIVE, Row, pages, revealing, rows_of
from tests.record.api.test_export import begin, done, lines
from tests.site import ELDERLY, GP, Site

pytestmark = [pytest.mark.law, pytest.mark.slow]
MOTHER, DAUGHTER = "Silje Kvalnes", "Anne Grete Ulvestad"
SON, TEENAGER = "Jakob Kvalnes Myrvang", "Oda Kvalnes Myrvang"
CHILDREN = (SON, TEENAGER)
AREAS = {"Appointment", "Encounter", "MedicationStatement", "MedicationRequest", "MedicationDispense", "AllergyIntolerance",
         "Immunization", "Flag", "Patient", "RelatedPerson"}  # fmt: skip
WORD = "hemmeligheten"
CITIZEN_PAGES = ("", "/notater", "/maalinger", "/legemidler", "/vaksiner", "/timer", "/innsyn", "/sperringer", "/representasjon")


class World:
    """The children's rows, what staff withheld of them, and the number of each in the database."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.targets: dict[str, set[int]] = {}
        self.numbers = {name: site.row("SELECT patient FROM identity.person WHERE name = $1 AND patient IS NOT NULL", name)["patient"]
                        for name in (*CHILDREN, ELDERLY)}  # fmt: skip
        for name in CHILDREN:
            self.targets[name] = self._withheld_contact(name)

    def _withheld_contact(self, name: str) -> set[int]:
        patient, here = self.site.patient_id(name), f"/pasienter/{self.site.patient_id(name)}"
        encounter, measured = contact_of(self.site, name)
        reference = {"encounter": {"reference": encounter}, "note": [{"text": WORD}]}
        with self.site.client(GP) as gp, self.site.fhir(GP) as api:
            for path in (here, f"{here}/notater", f"{here}/foreldre"):
                assert gp.get(path).status_code == 200
            assert send(gp, f"{here}/foreldre/{encounter}", grunn="BARNETS_BESTE", begrunnelse=REASON).status_code == 303
            later = [api.post("/Observation", json=observation(patient, **reference)).json()["id"] for _ in range(3)]
            task = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": f"Patient/{patient}"},
                    "focus": {"reference": encounter}, "description": WORD}  # fmt: skip
            assert api.post("/Task", json=task).status_code == 201
            assert api.get(f"/Observation/{later[0]}").status_code == 200
        keys = [ids.decode(one.partition("/")[2]) for one in (encounter, measured)]
        return {key[1] for key in keys if key}

    def rows(self, name: str) -> list[Row]:
        return [row for row in rows_of(self.site) if row["patient"] == self.numbers[name]]

    def closed(self, name: str) -> set[int]:
        """Rows that a parent of this child may not see, said as simply as it can be."""
        rows = self.rows(name)
        labelled = {row["pid"] for row in rows if row["sens"] & (RowClass.DELAYED | RowClass.REMOVED)}
        labelled |= {row["pid"] for row in rows if "NORN_FORANS" in row["body"] or _is_internal(row)}
        if name == TEENAGER:
            labelled |= {row["pid"] for row in rows if row["sens"] & (SENSITIVE & ~RowClass.PRISON)}
        return labelled | revealing(rows, self.targets[name])

    def withheld(self, name: str) -> set[int]:
        """What staff withheld with all that tells of it, and what came labelled."""
        rows = self.rows(name)
        return {row["pid"] for row in rows if "NORN_FORANS" in row["body"]} | revealing(rows, self.targets[name])

    def allowed(self, name: str) -> list[Row]:
        closed = self.closed(name)
        return [row for row in self.rows(name) if row["pid"] not in closed and not row["others"]]


def _is_internal(row: Row) -> bool:
    """Of nobody outside: withheld from the citizen and from agents together, whatever else it is."""
    return bool(row["sens"] & RowClass.WITHHELD and row["sens"] & RowClass.NOT_AGENTS)


def _type(row: Row) -> str:
    return str(fhir.RESOURCE_TYPES[row["rtype"] - 1])


@pytest.fixture(scope="module")
def world(demo_site: Site) -> World:
    demo_site.start_worker()
    return World(demo_site)


@pytest.fixture(scope="module")
def mothers(demo_site: Site) -> Iterator[dict[str, tuple[httpx.Client, httpx.Client]]]:
    """For each child: the mother at FHIR and at the pages."""
    made = {name: (demo_site.fhir(MOTHER, behalf=name), demo_site.client(MOTHER, behalf=name)) for name in CHILDREN}
    yield made
    for clients in made.values():
        for client in clients:
            client.close()


Mothers = dict[str, tuple[httpx.Client, httpx.Client]]


@pytest.mark.parametrize("name", CHILDREN)
def test_a_parent_finds_the_permitted_rows_and_no_others_in_searches_counts_includes_and_history(
    world: World, mothers: Mothers, name: str
) -> None:
    client, patient = mothers[name][0], world.site.patient_id(name)
    allowed, closed = world.allowed(name), world.closed(name)
    assert closed
    for rtype in sorted({_type(row) for row in world.rows(name)}):
        wanted = {row["id"] for row in allowed if _type(row) == rtype}
        question = {"_id": patient} if rtype == "Patient" else {"patient": patient}
        got = pages(client, f"/{rtype}", question | {"_count": "20"})
        assert (len(got), set(got)) == (len(wanted), wanted), rtype
        total = client.get(f"/{rtype}", params=question | {"_total": "accurate", "_count": "0"}).json()["total"]
        assert total == len(wanted), rtype
        count = client.get(f"/{rtype}", params=question | {"_summary": "count"}).json()["total"]
        assert count == len(wanted), rtype
    hidden = [row for row in world.rows(name) if row["pid"] in closed]
    for row in hidden:
        for path in (f"/{_type(row)}/{row['id']}", f"/{_type(row)}/{row['id']}/_history", f"/{_type(row)}/{row['id']}/_history/1"):
            absent = client.get(path.replace(row["id"], ids.encode(row["slot"], 12345)))
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (absent.status_code, absent.text), path
    names = {row["id"] for row in hidden if row["pid"] in world.withheld(name)}
    for rtype in ("Observation", "Condition"):
        for more in ({"_include": f"{rtype}:encounter"}, {"_include": "*"}, {"encounter.status": "finished"}, {"_sort": "-date" if rtype == "Observation" else "-recorded-date"}):
            assert not names & set(re.findall(r"[0-9a-z]{15}", client.get(f"/{rtype}", params={"patient": patient, "_count": "200"} | more).text))
    backwards = {"_id": patient, "_revinclude": "Observation:patient", "_count": "200"}
    for path, params in (("/Patient", backwards), ("/Patient", {"_id": patient, "_has:Observation:patient:note": WORD}),
                         (f"/Patient/{patient}/$everything", {"_count": "1000"}), ("/_history", {"patient": patient, "_count": "200"}),
                         ("/Encounter", {"patient": patient, "_revinclude": "Observation:encounter", "_count": "200"})):  # fmt: skip
        text = client.get(path, params=params).text
        assert not names & set(re.findall(r"[0-9a-z]{15}", text)), path
        assert WORD not in text, path


@pytest.mark.parametrize("name", CHILDREN)
def test_no_page_notice_log_line_form_or_error_tells_a_parent_of_it(world: World, mothers: Mothers, name: str) -> None:
    api, client = mothers[name]
    hidden = {row["id"] for row in world.rows(name) if row["pid"] in world.withheld(name)}
    for path in CITIZEN_PAGES:
        page = client.get(f"/min-journal{path}")
        if page.status_code == 403:
            continue
        text = page.text
        assert not hidden & set(re.findall(r"[0-9a-z]{15}", text)), path
        assert WORD not in text, path
        assert REASON not in text, path
        assert "Holdt tilbake" not in re.sub("<[^>]+>", " ", text), path
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/min-journal/innsyn").text)
    assert token is not None
    table = client.post("/min-journal/innsyn/last-ned", headers={"X-CSRF-Token": token[1]})
    assert table.status_code == 200
    assert "tilbake for foreldrene" not in table.text
    events = api.get("/AuditEvent", params={"patient": world.site.patient_id(name), "_count": "200"})
    assert events.status_code == 200
    assert not hidden & set(re.findall(r"[0-9a-z]{15}", events.text))
    assert "withhold" not in events.text
    notices = world.site.row(
        "SELECT count(*) AS n FROM identity.session s CROSS JOIN LATERAL access.log_hidden(s.id) h WHERE s.patient = $1 AND s.on_behalf"
        " AND cardinality(h.pids) >= 5 AND 'withhold' = ANY (h.actions)", world.numbers[name],
    )  # fmt: skip
    assert notices["n"] > 0


def test_an_export_of_a_parent_holds_no_more_than_a_search(world: World, mothers: Mothers) -> None:
    client = mothers[SON][0]
    hidden = {row["id"] for row in world.rows(SON) if row["pid"] in world.closed(SON)}
    asked = client.get(f"/Patient/{world.site.patient_id(SON)}/$everything", params={"_count": "1000"})
    found = {entry["resource"]["id"] for entry in asked.json()["entry"]}
    assert {row["id"] for row in world.allowed(SON)} <= found
    assert not hidden & found
    manifest = done(client, begin(client, "/Patient/$export"))
    exported = {one["id"] for file in manifest["output"] for one in lines(client, manifest, file["type"])}
    assert {row["id"] for row in world.allowed(SON)} <= exported
    assert not hidden & exported


def test_a_proxy_is_answered_the_areas_of_the_fullmakt_and_no_more(world: World) -> None:
    rows, rnd = world.rows(ELDERLY), random.Random(1)
    closed = RowClass.NOT_AGENTS | RowClass.DELAYED | RowClass.REMOVED
    patient = world.site.patient_id(ELDERLY)
    with world.site.fhir(DAUGHTER, behalf=ELDERLY) as client:
        for rtype in sorted({_type(row) for row in rows}):
            question: dict[str, Any] = {"_id": patient} if rtype == "Patient" else {"patient": patient}
            if rtype not in AREAS:
                assert client.get(f"/{rtype}", params=question).status_code == 403, rtype
                continue
            wanted = {row["id"] for row in rows if _type(row) == rtype and not row["sens"] & closed and not row["others"]}
            assert set(pages(client, f"/{rtype}", question | {"_count": "50"})) == wanted, rtype
        for row in rnd.sample(rows, 40):
            may = _type(row) in AREAS and not row["sens"] & closed and not row["others"]
            assert (client.get(f"/{_type(row)}/{row['id']}").status_code == 200) is may, _type(row)
