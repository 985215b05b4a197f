"""`fellesjournal log analyse`, `log known` and `log answer-for`, over a demo."""

from datetime import timedelta

import pytest

from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit.clock import SystemClock, oslo_day
from tests.cli.test_log import command
from tests.identity.administration.making import number
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


def test_a_well_known_person_is_put_on_the_list_and_taken_off_it(
    demo_site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--name", "Ola Ordfører", "--reason", "ordfører", "--by", "Olga")
    with pytest.raises(OperatorError, match="no Patient"):
        command(demo_site, "known", "add", "--patient", "12", *words)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: "12345678901")
    with pytest.raises(OperatorError, match="not a synthetic"):
        command(demo_site, "known", "add", *words)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: number(72))
    assert command(demo_site, "known", "add", *words, "--until", "2099-12-31") == 0
    assert command(demo_site, "known", "add", "--patient", demo_site.patient_id(ELDERLY), *words) == 0
    assert command(demo_site, "known", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[2] for line in lines] == [
        "Ola Ordfører  ordfører  until 2099-12-31", "Ola Ordfører  ordfører",
    ]  # fmt: skip
    for line in lines:
        assert command(demo_site, "known", "end", line.split()[0], "--by", "Per") == 0
    assert demo_site.row("SELECT count(*) FROM access.known_person WHERE until_at > now()")[0] == 0
    changes = "SELECT array_agg(did || ' ' || operator ORDER BY id) FROM identity.change WHERE subject = 'known'"
    assert demo_site.row(changes)[0] == ["added Olga", "added Olga", "ended Per", "ended Per"]


def test_reviewers_are_let_answer_for_a_controller_by_name(demo_site: Site) -> None:
    live = "SELECT count(*) FROM access.review_scope WHERE until_at > now()"
    before = demo_site.row(live)[0]
    words = ("answer-for", "Tindvåg kommune", "--by", "Olga", "--source", "avtale", "--controller")
    assert command(demo_site, *words, "Øvreskog legesenter") == 0
    assert demo_site.row(live)[0] == before + 1
    assert command(demo_site, *words, "Øvreskog legesenter", "--end") == 0
    assert demo_site.row(live)[0] == before
    with pytest.raises(OperatorError, match="nobody would be left"):
        command(demo_site, *words, "Tindvåg legesenter", "--end")
    with pytest.raises(OperatorError, match="no unit"):
        command(demo_site, *words, "Ingensteds")
    with pytest.raises(OperatorError, match="--source"):
        command(demo_site, "answer-for", "Tindvåg kommune", "--by", "Olga", "--controller", "Øvreskog legesenter")
    made = "SELECT array_agg(did ORDER BY id) FROM identity.change WHERE subject = 'review' AND operator = 'Olga'"
    assert demo_site.row(made)[0] == ["added", "ended"]
