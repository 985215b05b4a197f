"""How values become index keys: the one place that extraction and search share, so that they cannot disagree.

Every key is a text that the caller hashes with the installation's own secret (`keyed_hash`): nobody who
sees the
index can turn a hash back into a national id, or craft two values that collide.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Final
from zlib import crc32

TEXT_LIMIT: Final = 400
"""Characters of a string that are indexed; what comes after is found by the exact value alone."""

URI_LIMIT: Final = 600
"""Characters of a URI that are indexed as they are; a longer one ends in the digest of its rest."""

ESCAPED_BAR: Final = "\x1e"
"""Stands for a bar that is part of a token's system or code, not between them. No code holds this character."""

COMMON_PARAMS: Final = frozenset({"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"})

TEXTLESS: Final = frozenset({"_security", "_tag"})
"""Parameters over Codings that are found by their codes alone: what they are called has no rows."""

Hash64 = Callable[[str], int]


def keyed_hash(secret: bytes, *, cached: int = 65536) -> Hash64:
    """Return a keyed hash from text to a signed 64-bit number; recent answers are remembered."""

    @lru_cache(maxsize=cached)
    def hash64(text: str) -> int:
        return int.from_bytes(blake2b(text.encode(), digest_size=8, key=secret).digest(), "big", signed=True)

    return hash64


def param_id(rtype: str, code: str) -> int:
    """Return the number of a search parameter: positive, 31 bits, the same for ever.

    The number names the type too, so that index rows need no type of their own.
    """
    return crc32(f"{rtype}.{code}".encode()) & 0x7FFFFFFF


def code_key(param: int, code: str) -> str:
    """Key of a token in any system: `code=abc`."""
    return f"c\x1f{param}\x1f{code}"


def system_code_key(param: int, system: str, code: str) -> str:
    """Key of a token in one system: `code=http://loinc.org|8480-6`."""
    return f"s\x1f{param}\x1f{system}\x1f{code}"


def no_system_key(param: int, code: str) -> str:
    """Key of a token that says no system: `code=|abc`."""
    return f"n\x1f{param}\x1f{code}"


def system_key(param: int, system: str) -> str:
    """Key of any token in one system: `code=http://loinc.org|`."""
    return f"y\x1f{param}\x1f{system}"


def identifier_text(system: str, value: str) -> str:
    """Key of what names one thing alone: a national number."""
    return f"identifier\x1f{system}\x1f{value}"


def token_keys(param: int, *, system: str | None, code: str | None) -> tuple[str, ...]:
    """Return every key under which a stored token is found; none for one with neither system nor code."""
    if not code:
        return (system_key(param, system),) if system else ()
    if not system:
        return code_key(param, code), no_system_key(param, code)
    return code_key(param, code), system_code_key(param, system, code), system_key(param, system)


def split_token(text: str) -> tuple[str, bool, str]:
    """Return (system, whether there is a bar, code) of a searched token. A bar inside is written `ESCAPED_BAR`."""
    system, bar, code = text.rpartition("|")
    return system.replace(ESCAPED_BAR, "|"), bool(bar), code.replace(ESCAPED_BAR, "|")


def token_query_key(param: int, text: str, *, implied: frozenset[str] | None = None) -> str:
    """Return the one key that a searched token (`code`, `system|code`, `|code`, `system|`) must have.

    `implied` are the systems of a parameter over plain codes (`SearchParam.implied_systems`), else None:
    such values
    are stored once, without a system, and a searcher may name the system or leave it out.
    """
    system, bar, code = split_token(text)
    if not bar:
        return code_key(param, code)
    if implied is not None and (not system or system in implied):
        return code_key(param, code)
    if not code:
        return system_key(param, system)
    return system_code_key(param, system, code) if system else no_system_key(param, code)


def of_type_key(param: int, *, system: str | None, code: str, value: str) -> str:
    """Key of an identifier of one type: `identifier:of-type=http://…/v2-0203|MR|446053`. Empty system: of any."""
    return f"o\x1f{param}\x1f{system or ''}\x1f{code}\x1f{value}"


def canonical_param(param: int) -> int:
    """Return the number under which a quantity parameter's values stand in UCUM's base units."""
    return crc32(f"{param}:ucum".encode()) & 0x7FFFFFFF


def unit_key(system: str | None, code: str) -> str:
    """Key of a unit in one system, or with None of its code or text in any system."""
    return f"{system or ''}|{code}"


def reference_key(reference: str) -> str:
    """Key of a reference as it stands (`Patient/1`, an absolute URL, a canonical); a version is left out."""
    return reference.partition("/_history/")[0]


def identifier_key(system: str | None, value: str) -> str:
    """Key of a logical reference: one that names its target by an identifier."""
    return f"identifier|{system or ''}|{value}"


def canonical_keys(canonical: str) -> tuple[str, ...]:
    """Return the keys of a stored canonical: as it stands, and without its version."""
    url, bar, _ = canonical.partition("|")
    return (canonical, url) if bar else (canonical,)


def uri_key(uri: str) -> str:
    """Return a URI at a length that an index can hold."""
    if len(uri) <= URI_LIMIT:
        return uri
    return uri[:URI_LIMIT] + sha256(uri.encode()).hexdigest()


def fold(text: str) -> str:
    """Fold a string for search: no case, no accents but æ, ø and å, single spaces, at most TEXT_LIMIT
    characters.
    """
    if text.isascii():
        return " ".join(text.lower().split())[:TEXT_LIMIT].rstrip()
    composed = unicodedata.normalize("NFC", text).casefold()
    bare = "".join(c if c < "\x80" or c in "æøå" else _strip(c) for c in composed)
    return " ".join(bare.split())[:TEXT_LIMIT].rstrip()


@lru_cache(maxsize=4096)
def _strip(char: str) -> str:
    parts = unicodedata.normalize("NFKD", char).casefold()
    return "".join(p for p in parts if unicodedata.category(p) != "Mn")
