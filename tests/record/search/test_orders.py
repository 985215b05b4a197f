"""Orders that no index has: by what codes and references are called, by plain codes, by several keys."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.fhir import fold
from fellesjournal.record.search import Chart, Listing, Scope, SearchError, parse_search
from tests.effort import examples
from tests.record.search import test_groups_and_texts
from tests.record.search.test_groups_and_texts import Setting
from tests.record.search.world import UNIT_A

setting = test_groups_and_texts.setting
KEYS = ("code", "subject", "status", "date", "value-quantity", "_id", "_lastUpdated", "value-concept")


def names(concept: dict[str, Any]) -> list[str]:
    """What a concept is called, folded: its texts, or its codes."""
    codings = concept.get("coding", [])
    texts = [t for t in [concept.get("text"), *(c.get("display") for c in codings)] if t]
    return [fold(text) for text in texts or [c["code"] for c in codings]]


def values(setting: Setting, known: Any, key: str) -> list[Any]:
    """What a row may be sorted by."""
    content = setting.contents[known.id]
    if key == "code":
        return names(content["code"])
    if key == "value-concept":
        return names(content.get("valueCodeableConcept", {}))
    if key == "subject":
        return [fold(content["subject"]["display"])] if "display" in content["subject"] else []
    if key == "value-quantity":
        found = content.get("valueQuantity")
        numbers = zip(known.rows.quantity_param, known.rows.quantity_lo, strict=True)
        return [lo for p, lo in numbers if p == setting.number("value-quantity")] if found else []
    return [{"status": content["status"], "date": known.date, "_id": known.pid, "_lastUpdated": known.updated}[key]]


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    ways=st.lists(st.booleans(), min_size=3, max_size=3),
    is_chart=st.booleans(),
    size=st.sampled_from((7, 200)),
)
def test_rows_come_in_the_order_of_the_keys(
    setting: Setting, keys: list[str], ways: list[bool], is_chart: bool, size: int
) -> None:
    scope: Scope = Chart((setting.patients[0].pid,)) if is_chart else Listing(UNIT_A)
    sort = ",".join(("-" if way else "") + key for key, way in zip(keys, ways, strict=False))
    url = f"Observation?_sort={sort}&_count={size}"
    found = setting.loop.run_until_complete(setting.world.all_pages("a", scope, url))
    rows = [next(k for k in setting.world.known if k.id == i) for i in found]
    assert sorted(found) == sorted(setting.expected("Observation?", scope))
    for one, next_one in pairwise(rows):
        for key, is_descending in zip(keys, ways, strict=False):
            mine, others = values(setting, one, key), values(setting, next_one, key)
            if not mine or not others:
                assert mine or not others, "rows without a value come last"
                if bool(mine) != bool(others):
                    break
                # Among references without a display what they refer to decides.
                if key == "subject":
                    break
                continue
            best = max if is_descending else min
            if best(mine) != best(others):
                assert (best(mine) > best(others)) == is_descending
                break
            if key == "subject":
                break


@pytest.mark.parametrize("key", ["identifier", "code-value-quantity", "_text", "nonsense"])
def test_what_has_no_order_is_refused(key: str) -> None:
    with pytest.raises(SearchError):
        parse_search("Observation", [("_sort", key)])
