"""Media types of FHIR R4: which of JSON and XML a header or a parameter means (RFC 9110, 12.5.1; FHIR http.html)."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from starlette.requests import Request

Format = Literal["json", "xml"]

JSON: Final = "json"
XML: Final = "xml"
FHIR_VERSION: Final = "4.0"

NAMES: Final[dict[str, Format]] = {
    "application/fhir+json": JSON, "application/json": JSON, "text/json": JSON, "json": JSON,
    "application/fhir+xml": XML, "application/xml": XML, "text/xml": XML, "xml": XML,
}  # fmt: skip
_WILD: Final = {"application/*": 2, "text/*": 2, "*/*": 1}
_EXACT: Final = 3
_REMEMBERED_LENGTH: Final = 300


def accepted(request: Request) -> Format | None:
    """The format that the Accept header likes best, JSON among equals; None when it takes neither."""
    header = ",".join(request.headers.getlist("accept")) or "*/*"
    return _remembered(header) if len(header) <= _REMEMBERED_LENGTH else _best(header)


def named(request: Request) -> Format | None:
    """The format that the client names, by `_format` or one of FHIR's types in Accept; None when it takes anything."""
    if b"_format" in request.scope["query_string"]:
        return format_wished(request.query_params.get("_format", ""))
    header = ",".join(request.headers.getlist("accept"))
    exact = [part for part in header.split(",") if _split(part)[0] in NAMES]
    return _best(",".join(exact))


def format_wished(name: str) -> Format | None:
    """The format that `_format` names, by its short name or as a media type; None for another."""
    kind, parameters = _split(name)
    # A plus sign in an address is a space to whoever decodes it.
    return NAMES.get(kind.replace(" ", "+")) if _is_our_version(parameters) else None


def format_of_body(request: Request) -> Format | None:
    """The format of what was sent; None for another, another version, another charset, or compressed."""
    if request.headers.get("content-encoding", "identity") != "identity":
        return None
    kind, parameters = _split(request.headers.get("content-type", ""))
    is_utf8 = parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8", "us-ascii")
    found = NAMES.get(kind) if "/" in kind else None
    return found if is_utf8 and _is_our_version(parameters) else None


def _best(header: str) -> Format | None:
    found: dict[Format, tuple[int, float]] = {}
    for format_, how_exact, quality in _ranges(header):
        if (how_exact, quality) > found.get(format_, (0, 0.0)):
            found[format_] = (how_exact, quality)
    liked: list[tuple[float, int, bool, Format]] = [
        (quality, how_exact, format_ == JSON, format_) for format_, (how_exact, quality) in found.items() if quality > 0
    ]
    return max(liked)[3] if liked else None


_remembered = lru_cache(maxsize=256)(_best)
"""A client sends the same header each time: reading it once is enough."""


def _ranges(header: str) -> Iterator[tuple[Format, int, float]]:
    """(format, how exactly it is named, quality) for each range of an Accept header that means one of ours."""
    for part in header.split(","):
        kind, parameters = _split(part)
        quality = _quality(parameters.pop("q", "1"))
        if not _is_our_version(parameters):
            continue
        if kind in NAMES:
            yield NAMES[kind], _EXACT, quality
        elif kind in _WILD:
            yield JSON, _WILD[kind], quality
            yield XML, _WILD[kind], quality


def _split(text: str) -> tuple[str, dict[str, str]]:
    """A media type and its parameters, all in lower case."""
    kind, *rest = text.lower().split(";")
    pairs = (part.partition("=") for part in rest)
    return kind.strip(), {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _is_our_version(parameters: dict[str, str]) -> bool:
    version = parameters.get("fhirversion", FHIR_VERSION)
    return version == FHIR_VERSION or version.startswith(FHIR_VERSION + ".")


def _quality(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
