"""`_filter`: what its text means, what is refused, and that its answers are those of a look at every resource."""

import contextlib
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fellesjournal.record.search import SearchError, ask_patients, parse_search, rank
from fellesjournal.record.search.filter_syntax import Logical, Step, Test, Tree, parse_filter
from fellesjournal.record.search.model import Chain, Clause, Group
from tests.effort import examples
from tests.record.search import test_against_naive
from tests.record.search.test_against_naive import CHARTS, CODES, DAYS, SOURCES, Setting
from tests.record.search.world import UNIT_A, UNIT_B
from tests.terminology.making import SETS

setting = test_against_naive.setting


def _test(path: str, operator: str, value: str) -> Test:
    return Test(tuple(Step(name) for name in path.split(".")), operator, value)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("code eq a", _test("code", "eq", "a")),
        ('  name co "p\\u00e5 \\"tur\\")"  ', _test("name", "co", 'på "tur")')),
        ("(code eq a)", _test("code", "eq", "a")),
        ("a eq 1 and b eq 2 or c eq 3", Logical("or", (Logical("and", (_test("a", "eq", "1"), _test("b", "eq", "2"))),
                                                    _test("c", "eq", "3")))),
        ("a eq 1 or b eq 2 and c eq 3", Logical("and", (Logical("or", (_test("a", "eq", "1"), _test("b", "eq", "2"))),
                                                     _test("c", "eq", "3")))),
        ("a eq 1 and(b eq 2 or c eq 3)", Logical("and", (
            _test("a", "eq", "1"), Logical("or", (_test("b", "eq", "2"), _test("c", "eq", "3")))))),
        ("not(a pr true)", Logical("not", (_test("a", "pr", "true"),))),
        ("not eq 1", _test("not", "eq", "1")),
        ("subject.name co and", _test("subject.name", "co", "and")),
        ("s[a eq 1].b eq 2", Test((Step("s", _test("a", "eq", "1")), Step("b")), "eq", "2")),
    ],
)  # fmt: skip
def test_a_filter_is_read_as_r4_writes_it(text: str, tree: Tree) -> None:
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        "", "code", "code eq", "code eq a b", "code is a", "(code eq a", "code eq a)", "code eq a and", "and",
        "not code eq a", 'name eq "a', "a[b eq 1] eq 2", "a..b eq 1", "a eq 1 xor b eq 2", 'name eq "\\ud800"',
        "code  eq", "code eq a andb eq c", '"name" eq a', "a.b", "not()", "()", 'n eq "\\q"',
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(SearchError) as refused:
        parse_filter(text)
    assert "_filter: " in refused.value.issues[0].diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "code eq " + "a" * 5000, "(" * 50 + "a eq b" + ")" * 50, " and ".join(["a eq b"] * 60),
        "not(" * 20 + "a eq b" + ")" * 20, "s[" * 20 + "a eq b" + "].c eq d" * 20,
    ],
)  # fmt: skip
def test_a_filter_is_bounded_in_length_depth_and_tests(text: str) -> None:
    with pytest.raises(SearchError) as refused:
        parse_filter(text)
    assert refused.value.issues[0].code == "too-costly"


@given(st.text(alphabet='abeqnort ()[]."\\1', max_size=60))
def test_any_text_is_a_filter_or_a_refusal(text: str) -> None:
    with contextlib.suppress(SearchError):
        parse_filter(text)


@pytest.mark.parametrize(
    ("rtype", "text"),
    [
        ("Observation", "date ss 2024"), ("Patient", "family in http://x.test/vs"), ("Observation", "subject ni x"),
        ("Observation", "nothing eq 1"), ("Observation", "code gt 1"),
        ("Observation", "code.name eq 1"), ("Observation", "date co 2024"), ("Observation", "date eq gt2024"),
        ("Observation", "date eq never"), ("Observation", "performer pr maybe"), ("Observation", "_id gt a"),
        ("Observation", "subject.subject.subject.subject.name eq a"), ("Observation", "subject:Location.nothing eq a"),
        ("Observation", "subject:Organization.name eq a"), ("Patient", "family:exact eq a"),
        ("Patient", "_filter eq a"),
    ],
)  # fmt: skip
def test_what_a_filter_cannot_ask_is_refused_whatever_the_client_prefers(rtype: str, text: str) -> None:
    for strict in (True, False):
        with pytest.raises(SearchError):
            parse_search(rtype, [("_filter", text)], strict=strict)


def test_alternatives_of_one_parameter_are_one_clause_and_conjunctions_stand_by_themselves() -> None:
    query = parse_search("Observation", [("_filter", '(code eq a or code eq "b,c") and status eq final')])
    first, second = query.clauses
    assert isinstance(first, Clause) and isinstance(second, Clause)
    assert [value.text for value in first.values if hasattr(value, "text")] == ["a", "b,c"]


def test_a_filter_names_the_chart_only_where_it_must_be_that_chart() -> None:
    def asked(text: str) -> Any:
        return ask_patients(parse_search("Observation", [("_filter", text)]))

    assert asked("patient eq 1a and code eq x") == ("1a",)
    assert asked("patient eq 1a or code eq x") is None
    assert asked("not(patient eq 1a)") is None


def test_brackets_ask_of_the_same_target() -> None:
    query = parse_search("Observation", [("_filter", "subject:Patient[active eq true].gender eq male")])
    (chain,) = query.clauses
    assert isinstance(chain, Chain)
    (link,) = chain.links
    assert isinstance(link, Group) and link.rtype == "Patient" and len(link.parts) == 2


_DATED = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb", "po")
_TEXTS = ("eq", "ne", "co", "sw", "ew")


def _tests(path: str, operators: Any, values: Any) -> st.SearchStrategy[str]:
    return st.tuples(st.just(path), st.sampled_from(operators), st.sampled_from(values)).map(" ".join)


OBSERVED = st.one_of(
    _tests("code", ("in", "ni"), [f'"{SETS}{name}"' for name in ("pressure", "few", "all-but", "nothing")]),
    _tests("code", ("sb", "ss"), [f"http://loinc.org|{code}" for code in ("vital", "8480-6")]),
    _tests("code", ("eq", "ne"), (*CODES, "http://loinc.org|8480-6", "|718-7", "http://loinc.org|")),
    _tests("status", ("eq", "ne"), ("final", "amended", '"draft"')), _tests("date", _DATED, (*DAYS, "2024", "2024-02")),
    _tests("value-quantity", _DATED[:-1], ("5.4", "7", "70.5", "5.4||mmol/L")),
    _tests("_source", _TEXTS, (*SOURCES, "/a", "urn:")), _tests("_tag", ("eq", "ne"), ("x", "t|y")),
    _tests("performer", ("pr",), ("true", "false")), _tests("date", ("pr",), ("true", "false")),
    _tests("subject:Patient.family", _TEXTS, ('"nord"', '"åsen"', '"berg"', "d", "zz")),
    _tests("subject.gender", ("eq", "ne"), ("male", "female")),
    _tests("performer:Practitioner[active eq true].family", _TEXTS, ('"Nordmann"', '"nord"', "ø")),
    _tests("subject:Patient[not(gender eq male)].name", ("co", "eq"), ('"ø"', '"kari"')),
    _tests("_lastUpdated", ("gt", "lt"), ("2020",)),
)  # fmt: skip


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.tuples(st.lists(inner, min_size=2, max_size=3), st.sampled_from((" and ", " or ")))
    return st.one_of(inner.map(lambda t: f"not ({t})"), several.map(lambda t: f"({t[1].join(t[0])})"))


FILTERS = st.recursive(OBSERVED, _grown, max_leaves=6)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    text=FILTERS, beside=st.sampled_from(("", "&status=final", "&subject:Patient.family=nord", "&date=ge2024-02")),
    order=st.sampled_from(("", "&_sort=date", "&_sort=-_lastUpdated")), unit=st.sampled_from((UNIT_A, UNIT_B)),
    chart=CHARTS, size=st.sampled_from((3, 50)), cap=st.sampled_from((2, 10, 200)),
)  # fmt: skip
def test_answers_are_those_of_a_look_at_everything(
    setting: Setting,
    text: str,
    beside: str,
    order: str,
    unit: int,
    chart: Any,
    size: int,
    cap: int,
) -> None:
    who, scope, naive = setting.reader(unit, chart)
    url = f"_filter={text}{beside}"
    pairs = [(n, v) for n, _, v in (part.partition("=") for part in url.split("&"))]
    expected = {k.id for k in naive.search(parse_search("Observation", pairs))}
    world = setting.world
    with mock.patch.multiple(rank, GATHER_CAP=cap, RANGE_CAP=cap):
        pages = world.all_pages(who, scope, f"Observation?{url}{order}&_count={size}")
        found = setting.loop.run_until_complete(pages)
        answer = setting.loop.run_until_complete(
            world.search(who, scope, f"Observation?{url}&_total=accurate&_count=0")
        )
    assert len(found) == len(expected) == answer.total
    assert set(found) == expected
