"""A refused chart, the ways in, and what FHIR answers before, during and after: as a GP, and as a nurse."""

import re
from difflib import ndiff
from typing import Any

import httpx
import pytest

from fellesjournal.kit import ids
from tests.law.test_every_door import form_token
from tests.record.samples import outcome
from tests.site import DIABETIC, ELDERLY, GP, LEGEVAKT_NURSE, TONIGHT, Site

pytestmark = pytest.mark.slow
REASON = "Pasienten ringte og ba om hjelp"


def field_of(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


def identify(client: httpx.Client, site: Site, name: str) -> httpx.Response:
    """Find somebody by name and birth date, as whoever takes the telephone does."""
    born = site.row(
        "SELECT (r.body::jsonb ->> 'birthDate')::date AS day FROM vault.resource r"
        " JOIN identity.person p ON p.patient = r.pid WHERE p.name = $1", name,
    )["day"]  # fmt: skip
    page = client.get("/identifiser")
    hidden = {"csrf_token": field_of(page.text, "csrf_token"), "context": field_of(page.text, "context")}
    return client.post("/identifiser", data={**hidden, "hvem": f"{name} {born:%d.%m.%Y}"})


def choose(client: httpx.Client, url: str, **typed: str) -> httpx.Response:
    page = client.get(url)
    assert page.status_code == 200, page.text
    hidden = {"csrf_token": field_of(page.text, "csrf_token"), "context": field_of(page.text, "context")}
    return client.post(url, data={**hidden, **typed}, follow_redirects=False)


def task_of(site: Site, patient: str) -> Any:
    number = ids.decode(patient)
    assert number
    return site.row(
        "SELECT r.kind, r.reason, r.state, r.evidence ->> 'ground' AS ground, c.until_at - c.from_at AS lasts,"
        " l.ground AS logged"
        " FROM access.choice c JOIN access.review r ON r.ref = c.id LEFT JOIN access.log l ON l.event = c.event"
        " WHERE c.patient = $1 ORDER BY c.id DESC LIMIT 1", number[1],
    )  # fmt: skip


def test_a_gp_chooses_a_ground_and_pages_and_fhir_open_until_it_is_ended(demo_site: Site) -> None:
    stranger = demo_site.patient_id(TONIGHT)
    chart = f"/pasienter/{stranger}"
    with demo_site.client(GP) as client, demo_site.fhir(GP) as fhir:
        refused = client.get(chart)
        assert refused.status_code == 403
        assert "/tilgang/velg" not in refused.text, "who is not identified is as absent as anybody"
        assert 'href="/identifiser"' in refused.text
        assert f"{chart}/tilgang" in identify(client, demo_site, TONIGHT).text
        refused = client.get(chart)
        assert refused.status_code == 403
        assert f"{chart}/tilgang/velg" in refused.text
        assert f"{chart}/tilgang/blalys" in refused.text
        assert "overstyr" not in refused.text
        assert TONIGHT not in refused.text
        outcome(fhir.get(f"/Patient/{stranger}"), 404)
        why = client.get(f"{chart}/tilgang")
        assert "Hvorfor har jeg ikke tilgang?" in why.text
        assert TONIGHT not in why.text

        short = choose(client, f"{chart}/tilgang/velg", grunn="HENV_PAS", begrunnelse="kort")
        assert short.status_code == 422
        for other in ("KVAL", "BLAALYS", "SUPPORT", "FASTLEGE", "finnes ikke"):
            assert choose(client, f"{chart}/tilgang/velg", grunn=other, begrunnelse=REASON).status_code == 403
        outcome(fhir.get(f"/Patient/{stranger}"), 404)

        chosen = choose(client, f"{chart}/tilgang/velg", grunn="HENV_PAS", begrunnelse=REASON, varighet="9999")
        assert (chosen.status_code, chosen.headers["location"]) == (303, chart)
        page = client.get(chart)
        assert page.status_code == 200
        assert "Henvendelse fra pasienten" in page.text
        assert REASON not in page.text
        assert fhir.get(f"/Patient/{stranger}").status_code == 200
        task = task_of(demo_site, stranger)
        assert (task["kind"], task["reason"], task["ground"], task["logged"]) == (
            "CHOSEN",
            REASON,
            "HENV_PAS",
            "HENV_PAS",
        )
        assert task["lasts"].total_seconds() == pytest.approx(24 * 3600, abs=1)
        why = client.get(f"{chart}/tilgang")
        assert "helsepersonelloven § 45; beslutningsmal HENV_PAS" in why.text

        ended = client.post(
            f"{chart}/tilgang/avslutt", headers={"x-csrf-token": form_token(client)},
            data={"grunn": "HENV_PAS", "context": field_of(why.text, "context")},
        )  # fmt: skip
        assert "Hvorfor har jeg ikke tilgang?" in ended.text
        assert client.get(chart).status_code == 403
        outcome(fhir.get(f"/Patient/{stranger}"), 404)


def test_a_chosen_ground_is_one_persons_own(demo_site: Site) -> None:
    stranger = demo_site.patient_id(DIABETIC)
    chart = f"/pasienter/{stranger}"
    with demo_site.client(LEGEVAKT_NURSE) as client:
        assert client.get(chart).status_code == 403
        identify(client, demo_site, DIABETIC)
        assert (
            choose(client, f"{chart}/tilgang/velg", grunn="MELDT", begrunnelse="Meldt av ambulansen").status_code == 303
        )
        assert client.get(chart).status_code == 200
    colleagues = demo_site.row(
        "SELECT count(*) AS n FROM identity.session s JOIN identity.unit u ON u.id = s.unit AND u.kind = 'legevakt'"
        " CROSS JOIN LATERAL access.verdict(s.id, s.kind, $1) v JOIN identity.person p ON p.id = s.person"
        " WHERE v.allow AND p.name <> $2", (ids.decode(stranger) or (0, 0))[1], LEGEVAKT_NURSE,
    )  # fmt: skip
    assert colleagues["n"] == 0


def test_who_is_not_identified_and_who_is_not_there_are_answered_alike(demo_site: Site) -> None:
    unknown = demo_site.row(
        "SELECT p.patient, p.patient_slot FROM identity.person p WHERE p.patient IS NOT NULL AND NOT EXISTS ("
        " SELECT 1 FROM access.relation r JOIN identity.post o ON o.unit = r.unit JOIN identity.person me"
        " ON me.id = o.person AND me.name = $1 WHERE r.patient = p.patient) ORDER BY p.id LIMIT 1", GP,
    )  # fmt: skip
    people = (ids.encode(unknown["patient_slot"], unknown["patient"]), ids.encode(5, ids.new_pid()))
    answers = []
    with demo_site.client(GP) as client:
        form = client.get("/identifiser").text
        typed = {name: field_of(form, name) for name in ("csrf_token", "context")} | {"begrunnelse": REASON}
        for who in people:
            chart = f"/pasienter/{who}"
            told = [client.get(f"{chart}{path}") for path in ("", "/tilgang", "/tilgang/velg", "/tilgang/blalys")]
            told += [
                client.post(f"{chart}/tilgang/{way}", data={**typed, "grunn": ground}, follow_redirects=False)
                for way, ground in (("velg", "HENV_PAS"), ("blalys", "BLAALYS"))
            ]
            assert [one.status_code for one in told] == [403, 200, 200, 200, 403, 403]
            once = re.compile(r'(nonce|value|content|X-CSRF-Token)"?[=:]"[^"]*"')
            answers.append([once.sub("", one.text.replace(who, "")) for one in told])
    for there, absent in zip(*answers, strict=True):
        difference = "".join(ndiff(absent.splitlines(True), there.splitlines(True)))
        assert there == absent, [line for line in difference.splitlines() if line[0] in "+-"]


def test_a_way_that_is_none_opens_nothing(demo_site: Site) -> None:
    nobody = f"/pasienter/{ids.encode(5, ids.new_pid())}/tilgang"
    with demo_site.client(GP) as client:
        assert client.get(f"{nobody}/finnes-ikke").status_code == 404
        assert client.get("/pasienter/!/tilgang/velg").status_code in (403, 404)
    with demo_site.client(ELDERLY) as client:
        assert client.get(f"{nobody}/velg").status_code == 403


def test_the_chart_says_which_fact_and_rule_opened_it(demo_site: Site) -> None:
    own = f"/pasienter/{demo_site.patient_id(ELDERLY)}"
    with demo_site.client(GP) as client:
        assert f"{own}/tilgang" in client.get(own).text
        why = client.get(f"{own}/tilgang").text
    assert "Står på fastlegens liste" in why
    assert "fastlegeforskriften; helsepersonelloven § 45" in why
    assert "så lenge det står slik" in why
