# ruff: noqa: E501 - queries read best a line each
"""A protected address comes out of no door: not by search, order, words, history, export, page, log or error text."""

import json
import re
import time
from dataclasses import dataclass
from difflib import ndiff

import httpx
import pytest

from fellesjournal.demo import story
from fellesjournal.kit import ids
from tests.site import GP, LEGEVAKT_NURSE, TONIGHT, Site

pytestmark = [pytest.mark.law, pytest.mark.slow]
INGRID, MARTE = (
    next(one.name for one in story.CAST if one.key == key) for key in (story.SHELTERED, story.STRICTLY_SHELTERED)
)
HOME = {"use": "home", "line": ["Sperrelia 12"], "city": "Skjulvik", "postalCode": "5998", "district": "Skjulvik"}
WORDS = ("Sperrelia", "Skjulvik", "5998")


@dataclass(frozen=True)
class Hidden:
    """Two people with an address: one fortrolig, one strengt fortrolig."""

    ingrid: str
    marte: str
    own: tuple[str, ...]


@pytest.fixture(scope="module")
def hidden(demo_site: Site) -> Hidden:
    ingrid, marte = demo_site.patient_id(INGRID), demo_site.patient_id(MARTE)
    with demo_site.fhir(GP) as gp:
        for one in (ingrid, marte):
            body = gp.get(f"/Patient/{one}").json()
            text = {
                "status": "generated",
                "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{HOME["line"][0]}, {HOME["city"]}</div>',
            }
            answer = gp.put(f"/Patient/{one}", json=body | {"address": [HOME], "text": text})
            assert answer.status_code == 200, answer.text
            kin = {
                "resourceType": "RelatedPerson",
                "active": True,
                "patient": {"reference": f"Patient/{one}"},
                "address": [HOME],
            }
            assert gp.post("/RelatedPerson", json=kin).status_code == 201
    return Hidden(ingrid, marte, WORDS)


def leaks(answer: httpx.Response) -> list[str]:
    return [word for word in WORDS if word.casefold() in answer.text.casefold()]


SEARCHES = (
    "Patient?_id={id}", "Patient?address=Sperrelia", "Patient?address:contains=perreli", "Patient?address:exact=Skjulvik",
    "Patient?address-city=Skjulvik", "Patient?address-postalcode=5998", "Patient?_id={id}&address-city=Skjulvik", "Patient?_content=Sperrelia&_id={id}",
    "Patient?_text=Skjulvik&_id={id}", "Patient?_sort=address-city&_count=100", "Patient?_sort=-address&_count=100", "Patient?_id={id}&_elements=address",
    "Patient?_id={id}&_summary=true", "Patient?_id={id}&_summary=data", "Patient?_filter=address-city eq Skjulvik", "RelatedPerson?patient={id}",
    "RelatedPerson?patient={id}&address-city=Skjulvik", "RelatedPerson?address=Sperrelia", "Encounter?patient.address-city=Skjulvik",
    "Observation?subject:Patient.address=Sperrelia", "Encounter?patient={id}&_include=Encounter:patient", "Patient?_id={id}&_revinclude=RelatedPerson:patient",
    "Patient?_has:RelatedPerson:patient:address-city=Skjulvik", "Patient?address-city=Skjulvik&_total=accurate&_summary=count",
    "Patient/{id}/_history", "_history?patient={id}", "Patient/{id}/$everything", "Patient/{id}", "Patient/{id}/_history/2",
    "Patient?address-use=home&_id={id}", "Patient?address-country=NO&_id={id}",
)  # fmt: skip
FINDS = re.compile(r"(address\S*=(?!NO|home)|_content|_text|address-\S+ eq|_has)")


@pytest.mark.parametrize("name", [GP, "integration", INGRID])
def test_no_question_finds_or_shows_a_protected_address(demo_site: Site, hidden: Hidden, name: str) -> None:
    with demo_site.fhir(name) as client:
        for who in (hidden.ingrid, hidden.marte):
            for query in SEARCHES:
                answer = client.get("/" + query.format(id=who))
                if (
                    name == INGRID
                    and who == hidden.ingrid
                    and re.fullmatch(r"Patient/\w+(/_history/2)?", query.format(id=who))
                ):
                    assert leaks(answer), "her own address, by id"
                    continue
                assert answer.status_code in (200, 400, 403, 404), (query, answer.text)
                assert leaks(answer) == [] or answer.status_code == 400 or _only_in_own_links(answer), (name, query)
                if (
                    answer.status_code == 200
                    and FINDS.search(query)
                    and "_elements" not in query
                    and "_sort" not in query
                ):
                    body = answer.json()
                    assert body.get("total", 0) == 0 and not [
                        one for one in body.get("entry", []) if one["search"]["mode"] == "match"
                    ], query


def _only_in_own_links(answer: httpx.Response) -> bool:
    """Whether the words stand only where the answer repeats what was asked."""
    body = answer.json()
    body.pop("link", None)
    return not any(word.casefold() in json.dumps(body).casefold() for word in WORDS)


def test_a_wrong_guess_and_a_right_one_get_the_same_answer(demo_site: Site, hidden: Hidden) -> None:
    with demo_site.fhir(GP) as gp:
        answers = []
        for city in ("Skjulvik", "Ingenvik"):
            body = gp.get(f"/Patient?_id={hidden.ingrid}&address-city={city}&_total=accurate").json()
            answers.append({key: value for key, value in body.items() if key not in ("link", "id", "meta")})
        assert answers[0] == answers[1]
        patch = [{"op": "test", "path": "/address/0/city", "value": "Skjulvik"}]
        guess = [{"op": "test", "path": "/address/0/city", "value": "Ingenvik"}]
        kind = {"Content-Type": "application/json-patch+json"}
        tries = [gp.patch(f"/Patient/{hidden.ingrid}", content=json.dumps(one), headers=kind) for one in (patch, guess)]
    assert [one.status_code for one in tries] == [tries[0].status_code] * 2 and tries[0].status_code >= 400
    assert [leaks(one) for one in tries] == [[], []]


def test_no_export_holds_a_protected_address(demo_site: Site, hidden: Hidden) -> None:
    demo_site.start_worker()
    with demo_site.fhir(INGRID) as own:
        begun = own.get("/Patient/$export", headers={"Prefer": "respond-async", "Accept": "application/fhir+json"})
        assert begun.status_code == 202, begun.text
        for _ in range(150):
            answer = own.get(begun.headers["content-location"])
            if answer.status_code != 202:
                break
            time.sleep(0.2)
        assert answer.status_code == 200, answer.text
        files = [own.get(one["url"]) for one in answer.json()["output"]]
    assert any(hidden.ingrid in one.text for one in files)
    assert [leaks(one) for one in files] == [[]] * len(files)


PAGES = ("", "/tidslinje?periode=alt", "/notater", "/malinger", "/problemer", "/notat/nytt", "/innsynslogg", "/adresse")


def test_no_page_shows_a_protected_address_until_it_is_asked_for(demo_site: Site, hidden: Hidden) -> None:
    with demo_site.client(GP) as gp:
        for who in (hidden.ingrid, hidden.marte):
            for path in PAGES:
                page = gp.get(f"/pasienter/{who}{path}")
                assert page.status_code == 200 and leaks(page) == [], path
        strict = gp.post(
            f"/pasienter/{hidden.marte}/adresse", data=_form(gp, hidden.marte, "Skal sende brev om ny time")
        )
        short = gp.post(f"/pasienter/{hidden.ingrid}/adresse", data=_form(gp, hidden.ingrid, "vil"))
        assert (strict.status_code, short.status_code) == (403, 422) and not leaks(strict) and not leaks(short)
        assert leaks(
            gp.post(f"/pasienter/{hidden.ingrid}/adresse", data=_form(gp, hidden.ingrid, "Skal sende brev om ny time"))
        )
        assert "Ba om adressen" in gp.get(f"/pasienter/{hidden.ingrid}/innsynslogg").text
        assert leaks(gp.get(f"/pasienter/{hidden.ingrid}")) == []


def _form(client: httpx.Client, patient: str, reason: str) -> dict[str, str]:
    page = client.get(f"/pasienter/{patient}/adresse").text
    found = dict(re.findall(r'name="(csrf_token|context)" value="([^"]*)"', page))
    return found | {"begrunnelse": reason}


def test_named_personnel_alone_open_a_strict_record_and_name_others(demo_site: Site, hidden: Hidden) -> None:
    row = demo_site.row(
        "SELECT p.id, p.name, u.name AS unit FROM identity.person p JOIN identity.post o ON o.person = p.id JOIN identity.unit u ON u.id = o.unit"
        " JOIN identity.post x ON x.unit = o.unit JOIN identity.person y ON y.id = x.person AND y.name = $1"
        " WHERE p.demo_name IS NOT NULL AND p.id <> y.id AND o.role = 'helsesekretaer' LIMIT 1", GP,
    )  # fmt: skip
    chart, mine = (
        f"/pasienter/{hidden.marte}",
        demo_site.row("SELECT id FROM identity.person WHERE name = $1", GP)["id"],
    )
    with (
        demo_site.client(GP) as gp,
        demo_site.client(row["name"], unit=row["unit"]) as other,
        demo_site.fhir(row["name"], unit=row["unit"]) as fhir,
    ):
        assert _end(gp, chart, row["name"]) == 200
        refused = other.get(chart)
        assert refused.status_code == 403
        assert "navngitt" in refused.text
        assert fhir.get(f"/Patient/{hidden.marte}").status_code == 404
        assert MARTE not in other.get("/dagsliste").text
        listed = {one["resource"]["id"] for one in fhir.get("/Patient?_count=500").json().get("entry", [])}
        assert hidden.ingrid in listed
        assert hidden.marte not in listed
        found = gp.get(f"{chart}/adresse", params={"navn": row["name"]}).text
        assert f'value="{row["id"]}"' in found
        (until,) = re.findall(r'name="til" type="date" value="([^"]*)"', found)
        wish = dict(re.findall(r'name="(csrf_token|context)" value="([^"]*)"', found)) | {"til": until}
        assert gp.post(f"{chart}/adresse/navngitte", data=wish | {"ansatt": str(mine)}).status_code == 422
        assert gp.post(f"{chart}/adresse/navngitte", data=wish | {"ansatt": str(row["id"])}).status_code == 200
        assert other.get(chart).status_code == 200
        assert _end(gp, chart, row["name"]) == 200
        assert other.get(chart).status_code == 403


def _end(client: httpx.Client, chart: str, name: str) -> int:
    page = client.get(f"{chart}/adresse").text
    form = dict(re.findall(r'name="(csrf_token|context)" value="([^"]*)"', page))
    (row,) = [one for one in re.findall(r"<tr>.*?</tr>", page, flags=re.DOTALL) if name in one and "/avslutt" in one]
    (number,) = re.findall(r"/navngitte/(\d+)/avslutt", row)
    return client.post(f"{chart}/adresse/navngitte/{number}/avslutt", data=form).status_code


def test_who_has_what_was_shown_at_another_time_never_hears_that_nothing_has_changed(demo_site: Site, hidden: Hidden) -> None:
    path = f"/Patient/{hidden.ingrid}"
    with demo_site.fhir(INGRID) as own, demo_site.fhir(GP) as gp:
        whole, redacted = own.get(path), gp.get(path)
        assert (whole.headers["etag"], leaks(redacted)) == (redacted.headers["etag"], [])
        for client, shown in ((gp, redacted), (own, whole)):
            for asked in ({"If-None-Match": whole.headers["etag"]}, {"If-Modified-Since": whole.headers["last-modified"]}):
                again = client.get(path, headers=asked)
                assert (again.status_code, again.json()) == (200, shown.json())
                entry = {"request": {"method": "GET", "url": path[1:], "ifNoneMatch": whole.headers["etag"]}}
                bundle = client.post("", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]}).json()
                assert bundle["entry"][0]["response"]["status"].startswith("200")
        other = f"/Patient/{demo_site.patient_id(TONIGHT)}"
    with demo_site.fhir(TONIGHT) as open_one:
        tag = open_one.get(other).headers["etag"]
        assert open_one.get(other, headers={"If-None-Match": tag}).status_code == 304


def test_without_a_need_a_strictly_protected_record_is_as_absent_as_one_that_is_not_there(demo_site: Site, hidden: Hidden) -> None:
    absent = ids.encode(9, 123456789)
    answers = []
    with demo_site.client(LEGEVAKT_NURSE) as nurse, demo_site.fhir(LEGEVAKT_NURSE) as fhir:
        typed = {
            **dict(re.findall(r'name="(csrf_token|context)" value="([^"]*)"', nurse.get("/identifiser").text)),
            "grunn": "DELBEHAN", "begrunnelse": "Er bedt om å hjelpe til",
        }  # fmt: skip
        for who in (hidden.marte, absent):
            pages = [nurse.get(f"/pasienter/{who}{path}") for path in ("", "/tilgang", "/tilgang/velg", "/tilgang/familie")]
            pages.append(nurse.post(f"/pasienter/{who}/tilgang/velg", data=typed))
            asked = [fhir.get(f"/{path}") for path in (f"Patient/{who}", f"Patient/{who}/_history", f"Encounter?patient={who}", f"Patient/{who}/$everything")]
            answers.append([(one.status_code, _plain(one.text, who)) for one in (*pages, *asked)])
    for hidden_one, absent_one in zip(*answers, strict=True):
        told = "".join(ndiff(absent_one[1].splitlines(True), hidden_one[1].splitlines(True)))
        assert hidden_one == absent_one, [line for line in told.splitlines() if line[0] in "+-"]
    assert "skjermet" not in str(answers[0])


def _plain(text: str, who: str) -> str:
    """An answer without the id, and without what is new in each."""
    return re.sub(r'(value|nonce|content)="[^"]*"|"X-CSRF-Token":"[^"]*"', "", text.replace(who, "ID"))
