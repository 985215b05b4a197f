"""What is sensitive is opened by choice: a reason, an hour, a log line and a task; nothing told of what there is."""

import httpx
import pytest

from fellesjournal.demo import story
from fellesjournal.kit import ids
from tests.clinical.grounds.test_ways_in import choose, identify
from tests.site import GP, LEGEVAKT_NURSE, TONIGHT, Site

pytestmark = pytest.mark.slow
ODA = next(one.name for one in story.CAST if one.key == story.CHILD)
REASON = "Hun hyperventilerer, og jeg må vite om angst er kjent"


@pytest.fixture(scope="module")
def chart(demo_site: Site) -> str:
    """Oda's chart, with a need for the nurse: her GP has written that she has an anxiety disorder (P74)."""
    patient = demo_site.patient_id(ODA)
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        for name, who in ((ODA, patient), (TONIGHT, demo_site.patient_id(TONIGHT))):
            identify(nurse, demo_site, name)
            way = f"/pasienter/{who}/tilgang/velg"
            assert choose(nurse, way, grunn="DELBEHAN", begrunnelse="Bedt om å hjelpe til på vakten").status_code == 303
    return f"/pasienter/{patient}"


def shows(client: httpx.Client, chart: str) -> bool:
    pages = [client.get(f"{chart}{path}") for path in ("", "/problemer", "/tidslinje?periode=alt")]
    assert [one.status_code for one in pages] == [200] * len(pages)
    return any("P74" in one.text or "Angst" in one.text for one in pages)


def test_a_reason_opens_what_is_sensitive_for_an_hour_and_a_reviewer_is_told(demo_site: Site, chart: str) -> None:
    number = ids.decode(chart.rpartition("/")[2])
    assert number
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        assert not shows(nurse, chart)
        assert not shows(nurse, chart), "looking at it opens nothing"
        for reason in ("", "kort", "   kort     "):
            refused = choose(nurse, f"{chart}/sensitivt", begrunnelse=reason)
            assert refused.status_code == 422
            assert "minst ti tegn" in refused.text
        assert not shows(nurse, chart)

        opened = choose(nurse, f"{chart}/sensitivt", begrunnelse=REASON)
        assert (opened.status_code, opened.headers["location"]) == (303, chart)
        assert shows(nurse, chart)
        told = demo_site.row(
            "SELECT r.kind, r.reason, r.evidence ->> 'what' AS what, l.action, l.outcome,"
            " o.until_at - o.from_at AS lasts"
            " FROM access.sensitive_open o JOIN access.review r ON r.ref = o.id AND r.event = o.event"
            " JOIN access.log l ON l.event = o.event WHERE o.patient = $1", number[1],
        )  # fmt: skip
        assert tuple(told)[:5] == ("CHOSEN", REASON, "sensitive", "sensitive", 0)
        assert told["lasts"].total_seconds() == pytest.approx(3600, abs=1)
        with demo_site.client(LEGEVAKT_NURSE) as elsewhere:
            assert not shows(elsewhere, chart), "what was opened is open in this session alone"

        over = "UPDATE access.sensitive_open SET until_at = clock_timestamp() WHERE patient = $1 RETURNING 1"
        demo_site.row(over, number[1])
        assert not shows(nurse, chart), "over after its time"


def test_the_page_is_the_same_whether_there_is_something_or_not(demo_site: Site, chart: str) -> None:
    other = f"/pasienter/{demo_site.patient_id(TONIGHT)}"
    with demo_site.client(LEGEVAKT_NURSE) as nurse:
        texts = [nurse.get(f"{one}/sensitivt").text for one in (chart, other)]
    starts = [text.index("Trenger du dette") for text in texts]
    ends = [text.index("</form>", start) for text, start in zip(texts, starts, strict=True)]
    mains = [text[start:end] for text, start, end in zip(texts, starts, ends, strict=True)]
    assert len(mains[0]) == len(mains[1])
    assert "P74" not in mains[0]


def test_a_role_without_the_choice_is_told_so_and_nothing_opens(demo_site: Site, chart: str) -> None:
    with demo_site.client(GP) as gp:
        assert shows(gp, chart), "the GP follows the whole person"
    name, unit = demo_site.row(
        "SELECT p.name, u.name FROM identity.person p"
        " JOIN identity.post o ON o.person = p.id AND o.role = 'helsesekretaer' JOIN identity.unit u ON u.id = o.unit"
        " JOIN identity.post x ON x.unit = u.id JOIN identity.person g ON g.id = x.person"
        " WHERE g.name = $1 AND p.demo_name IS NOT NULL ORDER BY p.id LIMIT 1", GP,
    )  # fmt: skip
    with demo_site.client(name, unit=unit) as secretary:
        refused = choose(secretary, f"{chart}/sensitivt", begrunnelse=REASON)
    assert refused.status_code == 403
    assert "Rollen din kan ikke" in refused.text
