"""The two faces of the bundled provider: what HelseID says of staff, and what ID-porten says of citizens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from fellesjournal.identity.model import ProviderName
from fellesjournal.identity.oidc.proof import HELSEID_LEVEL, HELSEID_PID
from fellesjournal.identity.oidc.provider import TEST_PATH
from fellesjournal.identity.test_provider.people import DemoPerson, PersonKind
from fellesjournal.kit.keys import Keys

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Face:
    """One of the two."""

    name: ProviderName
    title: str
    kind: PersonKind


FACES: dict[str, Face] = {
    "helseid": Face("helseid", "HelseID", "staff"),
    "idporten": Face("idporten", "ID-porten", "citizen"),
}


def issuer_of(face: Face, base_url: str) -> str:
    """The issuer, by which the client knows the provider."""
    return f"{base_url}{TEST_PATH}/{face.name}"


def derived_key(keys: Keys, purpose: str) -> ECKey:
    """A P-256 key that is the same in all processes of an installation, and follows the key file."""
    seed = hmac.digest(keys.current("token"), f"fellesjournal {purpose}".encode(), hashlib.sha512)
    scalar = int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1
    key = ECKey.import_key(ec.derive_private_key(scalar, ec.SECP256R1()), {"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key


def identity_claims(face: Face, person: DemoPerson, *, level: int, keys: Keys) -> dict[str, Any]:
    """What the face says of a person, in the names that the real one uses."""
    subject = hmac.digest(keys.current("token"), f"{face.name} {person.number}".encode(), hashlib.sha256)
    said: dict[str, Any] = {"sub": subject.hex(), "sid": secrets.token_hex(16), "name": person.name}
    return said | (_helseid(person, level) if face.name == "helseid" else _idporten(person, level))


def _helseid(person: DemoPerson, level: int) -> dict[str, Any]:
    return {
        HELSEID_PID: person.number,
        HELSEID_LEVEL: str(level),
        "helseid://claims/identity/assurance_level": "high" if level == 4 else "substantial",
        "idp": "testidp-oidc",
        "amr": ["pwd"],
    }


def _idporten(person: DemoPerson, level: int) -> dict[str, Any]:
    return {
        "pid": person.number,
        "acr": "idporten-loa-high" if level == 4 else "idporten-loa-substantial",
        "amr": ["TestID"],
        "locale": "nb",
    }
