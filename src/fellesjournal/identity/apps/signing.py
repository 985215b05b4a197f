"""The keys that id tokens are signed with: made when they are first needed, kept sealed in the database."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fellesjournal.identity.apps import ledger
from fellesjournal.identity.apps.registration import ALGORITHMS
from fellesjournal.identity.sealed import Sealer
from fellesjournal.kit.db import Database

_FOREVER_S: Final = 100 * 365 * 86400


class SigningKey(msgspec.Struct, frozen=True):
    """A private key as a JWK."""

    jwk: dict[str, Any]


class Signer:
    """Signs id tokens and publishes the public keys. `signin` may keep and read the sealed keys."""

    def __init__(self, signin: Database, *, sealer: Sealer) -> None:
        self._signin = signin
        self._sealer = sealer
        self._keys: dict[str, ECKey | RSAKey] = {}

    async def sign(self, claims: dict[str, Any], *, alg: str) -> str:
        """A signed token of the claims."""
        key = (await self._all())[alg]
        return jwt.encode({"alg": alg, "kid": key.thumbprint()}, claims, key, algorithms=[alg])

    async def published(self) -> dict[str, Any]:
        """The public keys as a JWK Set."""
        keys = await self._all()
        return {
            "keys": [
                {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": alg, "use": "sig"}
                for alg, key in keys.items()
            ]
        }

    async def _all(self) -> dict[str, ECKey | RSAKey]:
        if not self._keys:
            self._keys = {alg: await self._one(alg) for alg in ALGORITHMS}
        return self._keys

    async def _one(self, alg: str) -> ECKey | RSAKey:
        """The key that is kept; one that no key of ours opens any more is replaced."""
        former = (await ledger.signing_keys(self._signin)).get(alg, "")
        opened = self._sealer.open(former, SigningKey)
        if opened is None:
            fresh = SigningKey(_fresh(alg).as_dict(private=True))
            sealed = self._sealer.seal(fresh, ttl_s=_FOREVER_S)
            await ledger.put_signing_key(self._signin, alg=alg, sealed=sealed, former=former)
            opened = self._sealer.open((await ledger.signing_keys(self._signin))[alg], SigningKey)
        if opened is None:
            raise RuntimeError("the key for id tokens can't be opened")
        return RSAKey.import_key(opened.jwk) if alg.startswith("RS") else ECKey.import_key(opened.jwk)


def _fresh(alg: str) -> ECKey | RSAKey:
    return RSAKey.generate_key(2048) if alg.startswith("RS") else ECKey.generate_key("P-384")
