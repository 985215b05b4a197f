"""Structured logs, one JSON object a line on standard error; no identity numbers, no query strings, no
addresses of people.

The masking is the last net: code must not log content in the first place.
"""

import logging
import re
import sys
import traceback
from typing import Any

import structlog

MASK = "***********"
_ELEVEN_DIGITS = re.compile(r"(?<!\d)\d{6}[ .\-]?\d{5}(?!\d)")
_QUERY_STRING = re.compile(r"\?[^\s\"'#]*")
_QUOTED_VALUES = re.compile(r"(Key \(.*?\)=)\(.*?\)|(?<=Failing row contains )\(.*\)", re.DOTALL)
_DROPPED = frozenset(
    {"query", "query_string", "body", "cookie", "authorization", "password", "token", "secret"}
)


def configure_logging(level: str = "info", *, stream: Any = None) -> None:
    """Send our own and all libraries' log lines through the same processors. Call it once, at start."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*_PROCESSORS, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.INFO))
    for chatty in ("uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A logger; call it with an event in plain words and named values: `log.info("job failed", entrypoint=name)`."""
    return structlog.get_logger(source=name)


def mask(text: str) -> str:
    """A text without what looks like an identity number, without query strings, without values that a
    database quotes.
    """
    text = _QUOTED_VALUES.sub(lambda match: f"{match[1] or ''}({MASK})", text)
    return _ELEVEN_DIGITS.sub(MASK, _QUERY_STRING.sub("?…", text))


def _safe_exception(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The type and the places of an exception, without its text and without local variables: both may hold content."""
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        state = getattr(error, "sqlstate", None)
        if state:
            event["sqlstate"] = state
        frames = traceback.extract_tb(error.__traceback__)
        event["at"] = [
            f"{frame.filename.rpartition('/src/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-12:]
        ]
    return event


def _mask_event(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    # Names with an underscore first are structlog's own, and are gone before the line is written.
    return {
        key: value if key.startswith("_") else _masked(value)
        for key, value in event.items()
        if key not in _DROPPED
    }


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, bool | float) or value is None:
        return value
    if isinstance(value, int):
        return MASK if _ELEVEN_DIGITS.fullmatch(str(abs(value))) else value
    if isinstance(value, dict):
        return {_masked(key): _masked(part) for key, part in value.items() if key not in _DROPPED}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(part) for part in value]
    return mask(str(value))


_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _safe_exception,
    _mask_event,
]
