"""What a query string means, and what is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.record.search import SearchError, ask_patients, parse_search
from fellesjournal.record.search.model import (
    Chain,
    Clause,
    DateValue,
    Has,
    NumberValue,
    ReferenceValue,
    TextValue,
    unescape,
    unescaped_split,
)


def one(rtype: str, name: str, value: str) -> Clause:
    clause = parse_search(rtype, [(name, value)]).clauses[0]
    assert isinstance(clause, Clause)
    return clause


def refused(rtype: str, *params: tuple[str, str]) -> str:
    with pytest.raises(SearchError) as caught:
        parse_search(rtype, params)
    assert caught.value.status == 400
    return "; ".join(issue.diagnostics for issue in caught.value.issues)


def test_comma_is_or_and_repetition_is_and() -> None:
    query = parse_search("Observation", [("code", "a,b"), ("code", "c")])
    assert [len(c.values) for c in query.clauses if isinstance(c, Clause)] == [2, 1]


def test_escaped_comma_is_part_of_the_value() -> None:
    assert one("Patient", "family", r"a\,b,c").values == (TextValue("a,b"), TextValue("c"))


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_escaped_values_come_back_as_they_were(values: list[str]) -> None:
    escaped = ",".join(v.replace("\\", "\\\\").replace(",", "\\,") for v in values)
    assert [unescape(part) for part in unescaped_split(escaped, ",")] == values


def test_dates_without_a_zone_are_norwegian() -> None:
    value = one("Observation", "date", "ge2024-07-01").values[0]
    assert value == DateValue("ge", datetime(2024, 6, 30, 22, tzinfo=UTC), datetime(2024, 7, 1, 22, tzinfo=UTC))


def test_number_covers_its_implied_precision() -> None:
    value = one("Observation", "value-quantity", "5.4||mg").values[0]
    assert isinstance(value, NumberValue)
    assert (round(value.lo, 6), round(value.hi, 6), value.unit) == (5.35, 5.45, "|mg")


def test_id_alone_may_be_of_any_type_that_the_parameter_refers_to() -> None:
    value = one("Condition", "asserter", "123").values[0]
    assert isinstance(value, ReferenceValue)
    assert "Patient/123" in value.keys and "Practitioner/123" in value.keys


def test_own_address_before_a_reference_is_left_out() -> None:
    query = parse_search("Condition", [("subject", "https://us.test/fhir/Patient/1")], base="https://us.test/fhir")
    clause = query.clauses[0]
    assert isinstance(clause, Clause) and clause.values == (ReferenceValue(("Patient/1",), ("Patient", "1")),)


def test_chains_and_has_are_understood_to_three_hops() -> None:
    query = parse_search("Observation", [("encounter.subject:Patient.general-practitioner:Practitioner.name", "x")])
    assert isinstance(query.clauses[0], Chain)
    query = parse_search("Patient", [("_has:Observation:subject:_has:Provenance:target:recorded", "2024")])
    assert isinstance(query.clauses[0], Has) and isinstance(query.clauses[0].link, Has)
    deep = "encounter.part-of.part-of.part-of.status"
    assert "3" in refused("Observation", (deep, "x"))


@pytest.mark.parametrize(
    ("rtype", "url", "ids"),
    [
        ("Observation", "patient=1", ("1",)),
        ("Observation", "subject=Patient/1&code=x", ("1",)),
        ("Observation", "patient=1,Patient/2", ("1", "2")),
        ("Patient", "_id=7", ("7",)),
        ("Observation", "subject=Group/1", None),
        ("Observation", "code=x", None),
        ("Observation", "subject=Patient/1,Group/2", None),
        ("Observation", "patient:missing=true", None),
        ("Practitioner", "_id=7", None),
    ],
)
def test_the_chart_that_is_asked_for_is_known(rtype: str, url: str, ids: tuple[str, ...] | None) -> None:
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in url.split("&"))]
    assert ask_patients(parse_search(rtype, pairs)) == ids


@pytest.mark.parametrize(
    ("rtype", "name", "value"),
    [
        ("Observation", "nonsense", "x"), ("Observation", "date:in", "x"), ("Observation", "code:text", "\u0301"),
        ("Observation", "code-value-quantity", "x"), ("Observation", "code-value-quantity", "x$y"),
        ("Observation", "code-value-quantity", "x$5$6"), ("Observation", "identifier:of-type", "a|b"),
        ("Location", "near", "60"), ("Location", "near", "91|0"), ("Location", "near", "60|10|5|furlong"),
        ("Location", "near", "60|10|-5"), ("Location", "near", "x|y"),
        ("Observation", "_query", "x"), ("Observation", "date", "yesterday"),
        ("Observation", "date", "2024-13"),
        ("Observation", "value-quantity", "many"), ("Observation", "code", "a,,b"),
        ("Observation", "code:missing", "x"),
        ("Observation", "_count", "-1"), ("Observation", "_total", "all"), ("Observation", "_sort", "identifier"),
        ("Observation", "_tag:text", "x"), ("Observation", "_security:text", "x"), ("Observation", "_sort", "_tag"),
        ("Observation", "_include", "Observation"), ("Observation", "_include", "Observation:code"),
        ("Observation", "code.name", "x"), ("Observation", "subject:Nobody.name", "x"),
        ("Patient", "_has:Observation:code", "x"),
        ("Patient", "_has:Observation:device:code", "x"), ("Observation", "subject:Patient", "Group/1"),
        ("Observation", "code", ",".join("x" * 101)), ("Patient", "family", "a\x00b"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused_by_name(rtype: str, name: str, value: str) -> None:
    assert name.partition(":")[0].partition(".")[0] in refused(rtype, (name, value))


def test_a_total_may_be_asked_for_by_aidboxs_name() -> None:
    totals = [parse_search("Patient", [("_totalMethod", word)]).total for word in ("count", "estimate", "none")]
    assert totals == ["accurate", "estimate", "none"]
    assert "_totalMethod" in refused("Patient", ("_totalMethod", "all"))


def test_unknown_type_is_refused() -> None:
    assert "type" in refused("Nothing")


def test_all_faults_are_told_at_once() -> None:
    assert refused("Observation", ("nonsense", "x"), ("date", "x")).count(";") == 1


def test_refusals_never_quote_a_value() -> None:
    assert "26888512345" not in refused("Observation", ("date", "26888512345"), ("value-quantity", "26888512345x"))


def test_lenient_handling_leaves_out_what_is_unknown_and_says_so() -> None:
    query = parse_search("Observation", [("nonsense", "x"), ("code", "y"), ("_sort", "identifier")], strict=False)
    assert len(query.clauses) == 1 and query.ignored == ("nonsense", "_sort")


def test_lenient_handling_still_refuses_values_that_cannot_be_read() -> None:
    with pytest.raises(SearchError):
        parse_search("Observation", [("date", "x")], strict=False)


def test_count_is_capped_and_summary_count_asks_for_the_total() -> None:
    assert parse_search("Patient", [("_count", "5000")]).count == 1000
    query = parse_search("Patient", [("_summary", "count")])
    assert (query.count, query.total) == (0, "accurate")
