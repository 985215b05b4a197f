"""Where the files of an import may be fetched from: places that the operator has named, and nowhere else."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_LONGEST: Final = 4_000


def is_allowed(url: str, *, sources: Collection[str]) -> bool:
    """Whether an address lies at one of these places (`https://files.example.no`): same scheme, host and port."""
    origin = origin_of(url)
    return origin is not None and origin in {origin_of(source) for source in sources}


def origin_of(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of an address; None for one that is none, holds a password, or is of another scheme."""
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or parts.fragment:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port
