"""A member of staff as the directory is to tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b


@dataclass(frozen=True, kw_only=True)
class Held:
    """A post. `from_at`, `until_at` None: no bound; `pid`: its PractitionerRole, None before there is one."""

    id: int
    unit: int
    unit_name: str
    role: str
    from_at: datetime | None
    until_at: datetime | None
    is_over: bool
    pid: int | None


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody who works or has worked here, as at an instant. `pid`: the Practitioner, None before there is one."""

    person: int
    name: str
    licence: str
    version: int
    at: datetime
    pid: int | None
    posts: tuple[Held, ...]


def practitioner_pid(person: int) -> int:
    """The number of a person's Practitioner: always the same, so that what was interrupted finds it there."""
    return _pid(f"practitioner {person}")


def role_pid(post: int) -> int:
    """The number of a post's PractitionerRole."""
    return _pid(f"practitioner role {post}")


def _pid(text: str) -> int:
    digest = blake2b(f"fellesjournal {text}".encode(), digest_size=8).digest()
    return 1 << 61 | int.from_bytes(digest, "big") >> 3
