"""What stands in a log line, and what never does."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from fellesjournal.kit.log import configure_logging, get_logger, mask


@pytest.fixture
def lines() -> Iterator[Any]:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logging("info", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    root.handlers[:], level = before
    root.setLevel(level)


def test_line_is_json_with_time_and_level(lines: Any) -> None:
    get_logger("kit.test").info("job done", entrypoint="feed", ms=3)
    (line,) = lines()
    assert line["event"] == "job done"
    assert (line["level"], line["source"], line["entrypoint"], line["ms"]) == ("info", "kit.test", "feed", 3)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("number", ["15876512345", "158765 12345", "158765-12345", "158765.12345"])
def test_identity_number_is_masked_wherever_it_stands(lines: Any, number: str) -> None:
    get_logger("t").warning(f"who {number}", text=f"a{number}b", nested={"x": [number]}, other=(number,))
    logging.getLogger("some.library").warning("row %s", number)
    assert number not in json.dumps(lines())
    assert len(lines()) == 2


def test_identity_number_as_a_number_is_masked(lines: Any) -> None:
    get_logger("t").warning("x", n=15876512345, position=123456789012)
    assert (lines()[0]["n"], lines()[0]["position"]) == ("***********", 123456789012)


def test_query_strings_and_secrets_are_dropped(lines: Any) -> None:
    get_logger("t").info("GET /fhir/Patient?name=Kari+Nordmann done", query="name=Kari", cookie="abc")
    assert "Kari" not in json.dumps(lines())
    assert "abc" not in json.dumps(lines())


def test_exception_is_told_by_type_and_place_without_its_text(lines: Any) -> None:
    try:
        raise ValueError("the note says: hypertensjon")
    except ValueError:
        get_logger("t").exception("failed")
        logging.getLogger("library").exception("failed too")
    text = json.dumps(lines())
    assert "hypertensjon" not in text
    assert [line["error"] for line in lines()] == ["ValueError", "ValueError"]
    assert "test_log.py" in lines()[0]["at"][-1]


def test_values_that_a_database_quotes_are_masked() -> None:
    assert "Kari" not in mask("duplicate: Key (name)=(Kari) already exists")
    assert "Kari" not in mask("Failing row contains (1, Kari, (x)).")


def test_debug_lines_are_left_out_at_level_info(lines: Any) -> None:
    get_logger("t").debug("quiet")
    assert lines() == []
