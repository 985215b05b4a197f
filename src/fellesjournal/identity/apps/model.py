"""An app: what is registered of it, and what it was granted in a session; and the refusals of OAuth."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from fellesjournal.identity.apps.scopes import Scopes, read_scopes
from fellesjournal.identity.model import Kind

Status: TypeAlias = Literal["pending", "approved", "suspended", "removed"]
ClientKind: TypeAlias = Literal["public", "confidential-symmetric", "confidential-asymmetric"]
ADMINISTRATOR: Final = "administrator"
"""The role that registers apps; it opens no record."""


@dataclass(frozen=True)
class Registration:
    """What an administrator registers of an app; `until_on` and `unit` are of one that acts by itself."""

    client_id: str
    name: str
    kind: ClientKind
    scopes: Scopes
    publisher: str = ""
    about: str = ""
    redirect_uris: tuple[str, ...] = ()
    launch_url: str = ""
    audience: tuple[Kind, ...] = ("staff", "citizen")
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    id_token_alg: str = "RS256"  # noqa: S105 - an algorithm
    unit: str = ""
    until_on: str = ""


@dataclass(frozen=True)
class App:
    """A registered app. `id` is its number in the database."""

    id: int
    status: Status
    registration: Registration
    has_secret: bool
    unit: int | None
    unit_name: str
    changed_at: datetime

    @property
    def client_id(self) -> str:
        """Its public name."""
        return self.registration.client_id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.registration.name

    @property
    def is_approved(self) -> bool:
        """Whether it may run."""
        return self.status == "approved"


@dataclass(frozen=True)
class Grant:
    """What somebody let an app do. `patient` is (slot, pid) of the patient of the launch."""

    id: int
    app: int
    kind: Kind
    person: int
    scopes: Scopes
    patient: tuple[int, int] | None
    encounter: str
    practitioner: int | None
    is_offline: bool
    until_at: datetime
    jkt: str


@dataclass(frozen=True)
class AppSession:
    """The app that a reader's token is of: what it may do at most, and whose record it was launched for.

    `is_bound` when it opens that record and no other. `jkt` is the key that the token is bound to, "" for none.
    """

    id: int
    client_id: str
    name: str
    scope_text: str
    patient: tuple[int, int] | None = None
    is_bound: bool = False
    jkt: str = field(default="", repr=False)

    @cached_property
    def scopes(self) -> Scopes:
        """What it was granted."""
        return read_scopes(self.scope_text)


class OAuthError(Exception):
    """A refusal with a code of OAuth 2.0 (RFC 6749 § 4.1.2.1 and § 5.2, RFC 9449 § 12)."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status
