"""Small things that we give away and want back unread and unchanged: AES-GCM, with a time when they run out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fellesjournal.kit.clock import Clock
from fellesjournal.kit.keys import Keys

_NONCE_BYTES = 12
_MAX_TEXT = 4096
T = TypeVar("T")


class Sealer:
    """Seals and opens. The name of what is sealed is a part of the key: one kind never passes for another."""

    def __init__(self, *, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def seal(self, content: msgspec.Struct, *, ttl_s: int) -> str:
        """The content as text for a cookie or an address, good for `ttl_s` seconds."""
        until = int(self._clock.now().timestamp()) + ttl_s
        nonce = os.urandom(_NONCE_BYTES)
        plain = until.to_bytes(8, "big") + msgspec.json.encode(content)
        sealed = _cipher(self._keys.current("session"), type(content)).encrypt(nonce, plain, None)
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: str, kind: type[T]) -> T | None:
        """The content, or None when it is not ours, was changed or has run out."""
        raw = _bytes(text)
        plain = None if raw is None else self._decrypted(raw, kind)
        if plain is None or int.from_bytes(plain[:8], "big") <= self._clock.now().timestamp():
            return None
        return msgspec.json.decode(plain[8:], type=kind)

    def _decrypted(self, raw: bytes, kind: type) -> bytes | None:
        for key in self._keys.versions("session"):
            try:
                return _cipher(key, kind).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
            except (InvalidTag, ValueError):
                continue
        return None


def _cipher(key: bytes, kind: type) -> AESGCM:
    return AESGCM(hmac.digest(key, f"fellesjournal sealed {kind.__name__}".encode(), hashlib.sha256))


def _bytes(text: str) -> bytes | None:
    if not text or len(text) > _MAX_TEXT or not text.isascii():
        return None
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
