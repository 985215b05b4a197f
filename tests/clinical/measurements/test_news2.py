"""NEWS2 by the Royal College of Physicians' chart: every band's edge, both scales, and what is never
scored.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.clinical.measurements import news2
from fellesjournal.clinical.measurements.model import VITALS, Measurement, parse

CALM = {"resp": "16", "sat": "98", "air": "air", "bp": "120/70", "pulse": "70", "acvpu": "A", "temp": "37,0"}


def values(**changed: str | None) -> dict[str, Measurement]:
    wanted = CALM | changed
    return {kind: parse(kind, text) for kind, text in wanted.items() if text is not None}


def score(*, scale: news2.SpO2Scale = 1, **changed: str) -> news2.Score:
    found = news2.score(values(**changed), age_years=40, pregnant=False, scale=scale)
    assert isinstance(found, news2.Score)
    return found


def points_of(kind: str, text: str, *, scale: news2.SpO2Scale = 1, on_oxygen: bool = False) -> int:
    return news2.points(kind, parse(kind, text), on_oxygen=on_oxygen, scale=scale).points


EDGES = {
    "resp": [("8", 3), ("9", 1), ("11", 1), ("12", 0), ("20", 0), ("21", 2), ("24", 2), ("25", 3)],
    "bp": [
        ("90/50", 3), ("91/50", 2), ("100/50", 2), ("101/50", 1), ("110/50", 1), ("111/50", 0), ("219/99",
        0), ("220/99", 3),
    ],
    "pulse": [
        ("40", 3), ("41", 1), ("50", 1), ("51", 0), ("90", 0), ("91", 1), ("110", 1), ("111", 2), ("130",
        2), ("131", 3),
    ],
    "temp": [
        ("35,0", 3), ("35,1", 1), ("36,0", 1), ("36,1", 0), ("38,0", 0), ("38,1", 1), ("39,0", 1), ("39,1",
        2),
    ],
    "acvpu": [("A", 0), ("C", 3), ("V", 3), ("P", 3), ("U", 3)],
    "air": [("air", 0), ("oxygen", 2)],
}  # fmt: skip
SAT_1 = [("91", 3), ("92", 2), ("93", 2), ("94", 1), ("95", 1), ("96", 0)]
SAT_2_BOTH = [("83", 3), ("84", 2), ("85", 2), ("86", 1), ("87", 1), ("88", 0), ("92", 0)]
SAT_2_OXYGEN = [("93", 1), ("94", 1), ("95", 2), ("96", 2), ("97", 3), ("100", 3)]


@pytest.mark.parametrize(("kind", "text", "wanted"), [(kind, *edge) for kind, edges in EDGES.items() for edge in edges])
def test_each_side_of_a_bands_edge_has_its_points(kind: str, text: str, wanted: int) -> None:
    assert points_of(kind, text) == wanted


@pytest.mark.parametrize(("text", "wanted"), SAT_1)
@pytest.mark.parametrize("on_oxygen", [False, True])
def test_scale_1_gives_the_same_points_on_air_and_oxygen(text: str, wanted: int, on_oxygen: bool) -> None:
    assert points_of("sat", text, on_oxygen=on_oxygen) == wanted


@pytest.mark.parametrize(("text", "wanted"), SAT_2_BOTH)
@pytest.mark.parametrize("on_oxygen", [False, True])
def test_scale_2_below_93_is_the_same_on_air_and_oxygen(text: str, wanted: int, on_oxygen: bool) -> None:
    assert points_of("sat", text, scale=2, on_oxygen=on_oxygen) == wanted


@pytest.mark.parametrize(("text", "wanted"), SAT_2_OXYGEN)
def test_scale_2_on_oxygen_punishes_too_much_of_it(text: str, wanted: int) -> None:
    assert points_of("sat", text, scale=2, on_oxygen=True) == wanted


@pytest.mark.parametrize("text", ["93", "94", "95", "96", "97", "100"])
def test_scale_2_on_air_is_never_too_high(text: str) -> None:
    assert points_of("sat", text, scale=2) == 0


def test_scale_2_at_93_with_oxygen_gives_1_and_not_the_3_of_a_published_example() -> None:
    assert points_of("sat", "93", scale=2, on_oxygen=True) == 1


@pytest.mark.parametrize("kind", VITALS)
def test_there_is_no_total_while_one_of_the_seven_is_missing(kind: str) -> None:
    found = news2.score(values(**{kind: None}), age_years=40, pregnant=False)
    assert isinstance(found, news2.Missing)
    assert found.kinds == (kind,)
    assert found.labels[0]


def test_nothing_measured_says_all_seven_are_missing() -> None:
    found = news2.score({}, age_years=40, pregnant=False)
    assert isinstance(found, news2.Missing)
    assert found.kinds == VITALS


def test_scale_2_guesses_no_points_while_air_or_oxygen_is_unsaid() -> None:
    found = news2.score(values(air=None, sat="97"), age_years=70, pregnant=False, scale=2)
    assert isinstance(found, news2.Missing)
    assert all(part.kind != "sat" for part in found.parts)


@pytest.mark.parametrize("age", [0, 15])
def test_nobody_under_16_is_scored(age: int) -> None:
    assert news2.score(values(), age_years=age, pregnant=False) is news2.TOO_YOUNG


def test_one_of_16_is_scored() -> None:
    assert isinstance(news2.score(values(), age_years=16, pregnant=False), news2.Score)


def test_a_pregnant_person_is_not_scored() -> None:
    assert news2.score(values(), age_years=30, pregnant=True) is news2.PREGNANT


def test_one_whose_age_is_unknown_is_not_scored() -> None:
    assert news2.score(values(), age_years=None, pregnant=False) is news2.UNKNOWN_AGE


def test_all_calm_is_zero_and_routine() -> None:
    found = score()
    assert (found.total, found.response, found.single) == (0, news2.ROUTINE, None)


def test_all_worst_is_twenty() -> None:
    found = score(resp="30", sat="80", air="oxygen", bp="80/50", pulse="140", acvpu="U", temp="34,0")
    assert found.total == 20
    assert found.response is news2.EMERGENCY


@pytest.mark.parametrize(
    ("total", "response"),
    [(0, news2.ROUTINE), (1, news2.LOW), (4, news2.LOW), (5, news2.URGENT), (6, news2.URGENT), (7,
    news2.EMERGENCY),
     (20, news2.EMERGENCY)],
)  # fmt: skip
def test_each_side_of_a_responses_edge(total: int, response: news2.Response) -> None:
    assert news2.response_to(total) is response


def test_a_single_three_has_a_response_of_its_own_beside_the_totals() -> None:
    found = score(pulse="140")
    assert (found.total, found.response, found.single) == (3, news2.LOW, news2.SINGLE)
    assert [part.kind for part in found.threes] == ["pulse"]


def test_a_total_without_a_three_has_no_single_response() -> None:
    assert score(pulse="115", temp="39,5").single is None


def test_new_confusion_counts_three() -> None:
    assert score(acvpu="C").total == 3


numbers = st.fixed_dictionaries(
    {
        "resp": st.integers(0, 120), "sat": st.integers(20, 100), "pulse": st.integers(10, 320), "bp":
        st.integers(30, 320),
        "temp": st.decimals(20, 45, places=1),
    }
)  # fmt: skip


def _measured(drawn: dict[str, int | Decimal], air: str, acvpu: str) -> dict[str, Measurement]:
    made = {kind: Measurement(kind, (Decimal(value),)) for kind, value in drawn.items()}
    return made | {"air": Measurement("air", code=air), "acvpu": Measurement("acvpu", code=acvpu)}


@given(numbers, st.sampled_from(["air", "oxygen"]), st.sampled_from("ACVPU"), st.sampled_from([1, 2]))
def test_every_score_is_between_0_and_20_and_the_sum_of_its_parts(
    drawn: dict[str, int | Decimal], air: str, acvpu: str, scale: news2.SpO2Scale
) -> None:
    found = news2.score(_measured(drawn, air, acvpu), age_years=50, pregnant=False, scale=scale)
    assert isinstance(found, news2.Score)
    assert 0 <= found.total <= 20
    assert found.total == sum(part.points for part in found.parts)
    assert all(0 <= part.points <= 3 for part in found.parts)
    assert bool(found.single) == any(part.points == 3 for part in found.parts)


CALMEST: dict[str, int | Decimal] = {"resp": 16, "pulse": 70, "bp": 150, "temp": Decimal("37.0")}


@given(st.sampled_from(sorted(CALMEST)), st.integers(0, 300), st.integers(0, 300), st.booleans())
def test_further_from_calm_never_scores_less(kind: str, a: int, b: int, up: bool) -> None:
    near, far = sorted((a, b))
    middle = CALMEST[kind]
    step = Decimal("0.1") if kind == "temp" else Decimal(1)
    sign = 1 if up else -1

    def at(distance: int) -> int:
        one = Measurement(kind, (Decimal(middle) + sign * distance * step,))
        return news2.points(kind, one, on_oxygen=False, scale=1).points

    assert at(near) <= at(far)


@given(st.integers(20, 100), st.integers(20, 100), st.booleans())
def test_less_saturation_never_scores_less_on_scale_1(a: int, b: int, on_oxygen: bool) -> None:
    low, high = sorted((a, b))
    assert points_of("sat", str(low), on_oxygen=on_oxygen) >= points_of("sat", str(high), on_oxygen=on_oxygen)


@given(st.integers(88, 100), st.integers(88, 100))
def test_more_saturation_on_oxygen_never_scores_less_on_scale_2(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert points_of("sat", str(low), scale=2, on_oxygen=True) <= points_of("sat", str(high), scale=2, on_oxygen=True)
