"""Instants, dates, numbers and ages as they are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.web import charts, formats
from fellesjournal.web.templating import as_json, environment, paragraphs


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def test_instant_is_written_in_norwegian_time() -> None:
    assert formats.instant(at(2026, 11, 23, 13, 5)) == "23.11.2026 kl. 14.05"
    assert formats.instant(at(2026, 7, 1, 22, 30)) == "02.07.2026 kl. 00.30"
    assert formats.instant(at(2026, 11, 23, 13, 5), "en") == "23.11.2026 at 14.05"


def test_hour_that_comes_twice_says_which_it_is() -> None:
    assert formats.clock(at(2026, 10, 25, 0, 30)) == "02.30 sommertid"
    assert formats.clock(at(2026, 10, 25, 1, 30)) == "02.30 normaltid"
    assert formats.clock(at(2026, 10, 25, 2, 30)) == "03.30"


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2060, 1, 1)))  # noqa: DTZ001
def test_no_two_hours_are_written_alike(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    assert formats.instant(instant) != formats.instant(instant + timedelta(hours=1))


def test_spring_night_skips_an_hour_without_a_mark() -> None:
    assert formats.clock(at(2026, 3, 29, 0, 59)) == "01.59"
    assert formats.clock(at(2026, 3, 29, 1, 0)) == "03.00"


def test_time_without_a_zone_is_a_fault() -> None:
    with pytest.raises(ValueError, match="zone"):
        formats.instant(datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("72.50"), "72,50"),
        (Decimal("1E+3"), "1000"),
        (-3, "−3"),
        (12400, "12\u202f400"),
        (1900, "1900"),
        (None, ""),
    ],
)
def test_number_keeps_its_digits(value: Decimal | int | None, shown: str) -> None:
    assert formats.number(value) == shown


@pytest.mark.parametrize(
    ("born", "shown"),
    [
        (date(2026, 11, 20), "3 d"),
        (date(2026, 10, 12), "6 uker"),
        (date(2026, 1, 23), "10 md."),
        (date(2024, 11, 24), "23 md."),
        (date(2024, 11, 23), "2 år"),
        (date(1984, 2, 29), "42 år"),
        (date(1983, 11, 24), "42 år"),
    ],
)
def test_age_is_said_as_people_say_it(born: date, shown: str) -> None:
    assert formats.age(born, date(2026, 11, 23)) == shown


def test_free_text_becomes_paragraphs_with_everything_escaped() -> None:
    assert paragraphs("En <b>\nto\r\n\r\ntre") == "<p>En &lt;b&gt;<br>to</p><p>tre</p>"


def test_json_in_a_page_cannot_end_its_script() -> None:
    assert "<" not in as_json({"x": "</script><!--"})


def test_trend_line_has_a_text_that_says_the_same() -> None:
    points = [(at(2026, 1, i), Decimal(80 + i)) for i in (3, 1, 2)]
    drawn = charts.sparkline(points, unit="kg", label="<Vekt>")
    assert 'aria-label="&lt;Vekt&gt;: 3 målinger, lavest 81, høyest 83, siste 83 kg 03.01.2026"' in drawn
    assert charts.sparkline([], unit="kg", label="Vekt") == ""
    assert "<circle" in charts.sparkline(points[:1], unit="kg", label="Vekt")


def test_translations_are_folded_when_a_template_is_compiled() -> None:
    made = environment("nn")
    assert "Kvifor du ser dette" in made.compile('{{ _("Hvorfor du ser dette") }}', raw=True)
    assert made.from_string('{{ _("<b>") }}{{ _(x) }}').render(x="<i>%") == "&lt;b&gt;&lt;i&gt;%"
    assert (
        made.from_string('{{ _("Feilkode %(status)s", status=x) }}').render(x="<i>") == "Feilkode &lt;i&gt;"
    )
