"""A registration as an administrator writes it, in a file or on the page: read, checked, and written as text again."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from fellesjournal.identity.apps.model import Registration
from fellesjournal.identity.apps.scopes import BadScope, Scopes, read_scopes
from fellesjournal.identity.model import Kind

ALGORITHMS: Final = ("RS256", "ES384")
"""What an id token can be signed with."""
KINDS: Final = ("public", "confidential-symmetric", "confidential-asymmetric")
_AUDIENCES: Final[tuple[Kind, ...]] = ("staff", "citizen")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{2,99}")
_MAX_BYTES: Final = 50_000
_MAX_URI: Final = 500
_MAX_URIS: Final = 10
_FIELDS: Final = frozenset(
    {
        "client_id", "name", "type", "scope", "publisher", "description", "redirect_uris", "launch_url", "audience",
        "jwks", "jwks_uri", "id_token_signed_response_alg", "unit", "until",
    }
)  # fmt: skip


class BadRegistration(Exception):
    """What an administrator wrote can't be a registration; the text says which field, and what is wrong with it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.field = name
        self.why = why


def read_registration(content: bytes, *, key_hosts: Container[str] | None) -> Registration:
    """The registration in a JSON text; keys by address only from `key_hosts` (None: it was accepted before).

    Raises BadRegistration.
    """
    if len(content) > _MAX_BYTES:
        raise BadRegistration("file", f"is larger than {_MAX_BYTES} bytes")
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRegistration("file", "is not JSON") from None
    if not isinstance(found, dict):
        raise BadRegistration("file", "is not a JSON object")
    return registration_of(found, key_hosts=key_hosts)


def registration_of(found: dict[str, Any], *, key_hosts: Container[str] | None) -> Registration:
    """The registration in fields of JSON. Raises BadRegistration."""
    for name in sorted(set(found) - _FIELDS):
        raise BadRegistration(name[:60], "is not known")
    made = Registration(
        client_id=_text(found, "client_id", 100), name=_text(found, "name", 80), kind=_one_of(found, "type", KINDS),
        scopes=_scopes(_text(found, "scope", 2500)), publisher=_text(found, "publisher", 120, needed=False),
        about=_text(found, "description", 1000, needed=False), redirect_uris=_texts(found, "redirect_uris"),
        launch_url=_text(found, "launch_url", _MAX_URI, needed=False),
        audience=_audience(found),
        jwks=found.get("jwks"), jwks_uri=_text(found, "jwks_uri", _MAX_URI, needed=False),
        id_token_alg=_one_of(found, "id_token_signed_response_alg", ALGORITHMS, otherwise="RS256"),
        unit=_text(found, "unit", 200, needed=False), until_on=_text(found, "until", 10, needed=False),
    )  # fmt: skip
    _check_addresses(made)
    _check_kind(made, key_hosts)
    _check_backend(made)
    return made


def stored_text(made: Registration) -> str:
    """The registration as text, as `read_registration` reads it."""
    written = {
        "client_id": made.client_id, "name": made.name, "type": made.kind, "scope": str(made.scopes),
        "publisher": made.publisher, "description": made.about, "redirect_uris": list(made.redirect_uris),
        "launch_url": made.launch_url, "audience": list(made.audience), "jwks": made.jwks, "jwks_uri": made.jwks_uri,
        "id_token_signed_response_alg": made.id_token_alg, "unit": made.unit, "until": made.until_on,
    }  # fmt: skip
    return msgspec.json.encode({name: value for name, value in written.items() if value}).decode()


def is_safe_address(text: str) -> bool:
    """Whether it is an https address, or one of the machine itself by http: whole, without fragment or user."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    is_plain = text.isascii() and text.isprintable() and " " not in text and "\\" not in text and len(text) <= _MAX_URI
    is_bare = not parts.fragment and "#" not in text and "@" not in parts.netloc and port != 0
    return bool(is_plain and is_bare and parts.hostname and (parts.scheme == "https" or is_local))


def _check_addresses(made: Registration) -> None:
    if not _CLIENT_ID.fullmatch(made.client_id):
        raise BadRegistration("client_id", "is 3 to 100 letters, digits and . _ ~ -")
    if len(made.redirect_uris) > _MAX_URIS:
        raise BadRegistration("redirect_uris", f"are at most {_MAX_URIS}")
    for name, uris in (("redirect_uris", made.redirect_uris), ("launch_url", (made.launch_url,))):
        for uri in uris:
            if uri and not is_safe_address(uri):
                raise BadRegistration(name, "are https addresses without fragment (http only on the machine itself)")


def _check_kind(made: Registration, key_hosts: Container[str] | None) -> None:
    has_keys = bool(made.jwks) + bool(made.jwks_uri)
    if made.kind != "confidential-asymmetric":
        if has_keys:
            raise BadRegistration("jwks", "are for confidential-asymmetric apps")
        return
    if has_keys != 1:
        raise BadRegistration("jwks", "a confidential-asymmetric app has jwks or jwks_uri, one of them")
    is_allowed = key_hosts is None or urlsplit(made.jwks_uri).netloc in key_hosts
    if made.jwks_uri and not (is_safe_address(made.jwks_uri) and is_allowed):
        raise BadRegistration("jwks_uri", "is at none of the hosts in the setting app_key_hosts")
    if made.jwks:
        public_keys(made.jwks)


def public_keys(jwks: Any) -> KeySet:
    """The keys of a JWK Set. Raises BadRegistration for anything else, and for private or shared keys."""
    try:
        listed = jwks["keys"]
        is_public = all(key["kty"] in ("EC", "RSA") and not {"d", "p", "q", "k"} & set(key) for key in listed)
        if not listed or len(listed) > 20 or not is_public:
            raise ValueError
        return KeySet.import_key_set({"keys": listed})
    except (KeyError, TypeError, ValueError, AttributeError, JoseError):
        raise BadRegistration("jwks", "is not a JWK Set of one to twenty public EC or RSA keys") from None


def _check_backend(made: Registration) -> None:
    if not made.scopes.resources and not made.scopes.words:
        raise BadRegistration("scope", "names nothing")
    if made.scopes.of("system"):
        _check_alone(made)
    elif made.unit or made.until_on:
        raise BadRegistration("unit", "is for apps that act by themselves")
    elif not made.redirect_uris:
        raise BadRegistration("redirect_uris", "is missing")


def _check_alone(made: Registration) -> None:
    """What an app that acts by itself must be."""
    if len(made.scopes.of("system")) < len(made.scopes.resources) or made.scopes.words:
        raise BadRegistration("scope", "an app that acts by itself has system scopes alone")
    if made.redirect_uris or made.launch_url:
        raise BadRegistration("redirect_uris", "an app that acts by itself has no addresses")
    if made.kind != "confidential-asymmetric":
        raise BadRegistration("type", "an app that acts by itself proves who it is by a key")
    if not made.unit or not _is_day(made.until_on):
        raise BadRegistration("unit", "an app that acts by itself names its unit, and its last day (until)")


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _scopes(text: str) -> Scopes:
    try:
        return read_scopes(text)
    except BadScope as error:
        raise BadRegistration("scope", str(error)) from None


def _text(found: dict[str, Any], name: str, most: int, *, needed: bool = True) -> str:
    value = found.get(name, "")
    if not isinstance(value, str) or len(value) > most or (needed and not value.strip()):
        raise BadRegistration(name, f"is a text of {'1' if needed else '0'} to {most} characters")
    if any(ord(letter) < 32 and letter not in "\r\n" for letter in value):
        raise BadRegistration(name, "holds a character that no text has")
    return value.strip()


def _audience(found: dict[str, Any]) -> tuple[Kind, ...]:
    listed = _texts(found, "audience") or _AUDIENCES
    if any(kind not in _AUDIENCES for kind in listed):
        raise BadRegistration("audience", "is staff, citizen or both")
    return tuple(kind for kind in _AUDIENCES if kind in listed)


def _texts(found: dict[str, Any], name: str) -> tuple[str, ...]:
    value = found.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise BadRegistration(name, "is a list of texts")
    return tuple(dict.fromkeys(value))


def _one_of(found: dict[str, Any], name: str, values: tuple[str, ...], *, otherwise: str = "") -> Any:
    value = found.get(name, otherwise)
    if value not in values:
        raise BadRegistration(name, f"is one of {', '.join(values)}")
    return value
