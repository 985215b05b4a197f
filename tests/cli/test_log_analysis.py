"""`fellesjournal log analyse`, `known` and `answer-for`, over a demo."""

from datetime import timedelta

import pytest

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit.clock import SystemClock, oslo_day
from tests.cli.test_log import command
from tests.site import ELDERLY, Site


def test_the_log_is_read_by_hand_too(demo_site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(demo_site, "analyse") == 0
    assert " readings, " in capsys.readouterr().out
    today = oslo_day(SystemClock().now())
    assert demo_site.row("SELECT count(*), max(on_day) FROM access.analysed_day")[0] == 40
    assert command(demo_site, "analyse", "--day", today.isoformat()) == 0
    assert f"{today}: " in capsys.readouterr().out
    assert demo_site.row("SELECT max(on_day) FROM access.analysed_day")[0] - today == timedelta(0)
    with pytest.raises(SystemExit):
        command(demo_site, "analyse", "--day", "i går")


def test_a_well_known_person_is_put_on_the_list_and_taken_off_it(demo_site: Site) -> None:
    patient = demo_site.patient_id(ELDERLY)
    with pytest.raises(OperatorError, match="--reason"):
        command(demo_site, "known", patient)
    with pytest.raises(OperatorError, match="no Patient"):
        command(demo_site, "known", "12", "--reason", "ordfører")
    assert command(demo_site, "known", patient, "--reason", "ordfører") == 0
    assert demo_site.row("SELECT reason FROM access.known_person WHERE until_at > now()")[0] == "ordfører"
    assert command(demo_site, "known", patient, "--remove") == 0
    assert demo_site.row("SELECT reason FROM access.known_person WHERE until_at > now()") is None


def test_reviewers_are_let_answer_for_a_controller_by_name(demo_site: Site) -> None:
    before = demo_site.row("SELECT count(*) FROM access.review_scope")[0]
    words = ("answer-for", "Tindvåg kommune", "--source", "avtale", "--controller")
    assert command(demo_site, *words, "Øvreskog legesenter") == 0
    assert demo_site.row("SELECT count(*) FROM access.review_scope")[0] == before + 1
    with pytest.raises(OperatorError, match="no unit"):
        command(demo_site, *words, "Ingensteds")
