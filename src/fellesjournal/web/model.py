"""What the shared layout shows: who is at the screen, whose record it is, and what lies on the timeline."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from starlette.requests import Request

VISITOR_KEY = "fellesjournal.visitor"


@dataclass(frozen=True, slots=True)
class Palette:
    """What the command palette offers: fixed entries, and where the rest is searched by POST."""

    entries: tuple[Entry, ...] = ()
    search_url: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette or of a menu: a text, an address and a hint."""

    label: str
    url: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """The signed-in person as the layout needs to know them.

    `csrf_secret` is bound to the session and never leaves the server; a form's token is a keyed hash of it. `person` is
    the same in all of a person's sessions and differs between persons; it never leaves the server either.
    `expires_in_s` is how long the session lives without a new request. `acting_for` is the name of the one on whose
    behalf the person acts, `acting_as` as what; `context` differs from one context of the person to the next, and tells
    nothing.
    """

    name: str
    csrf_secret: bytes
    person: bytes
    role: str = ""
    unit: str = ""
    home_url: str = "/"
    switch_url: str | None = None
    sign_out_url: str | None = None
    sign_in_url: str = "/"
    expires_in_s: int | None = None
    links: tuple[Entry, ...] = ()
    palette: Palette = field(default_factory=Palette)
    acting_for: str = ""
    acting_as: str = ""
    context: str = ""


def set_visitor(scope: MutableMapping[str, Any], visitor: Visitor | None) -> None:
    """Tell the layout and the forms' protection who is at the screen; called by whoever knows the session."""
    scope[VISITOR_KEY] = visitor


def visitor_of(request: Request) -> Visitor | None:
    """The signed-in person, or None before sign-in."""
    visitor = request.scope.get(VISITOR_KEY)
    return visitor if isinstance(visitor, Visitor) else None


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy or another critical piece of information."""

    text: str
    detail: str = ""
    critical: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """A service that follows the person now: the GP, home care, a nursing home."""

    name: str
    detail: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Kin:
    """Next of kin or guardian. `told`: what the patient, who chose them, lets them know; empty for others."""

    name: str
    relation: str
    phone: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class AccessGround:
    """Why the reader may see this, until when, and where the log of readings is."""

    reason: str
    log_url: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Storyboard:
    """The left column that never scrolls away. Holds no address, so that a protected one cannot show.

    `masked_id` is what shows first ("010190 *****"); `reveal_url` is where the whole number is asked for (by
    POST, logged). `national_id` is set only on the answer to that. `critical` None means that nothing is
    recorded, an empty tuple that it is confirmed that there is nothing.
    """

    name: str
    age: str
    sex: str
    born_on: date | None
    masked_id: str
    ground: AccessGround
    chart_url: str
    national_id: str | None = None
    reveal_url: str | None = None
    critical: tuple[Allergy, ...] | None = None
    gp: Service | None = None
    services: tuple[Service, ...] = ()
    kin: tuple[Kin, ...] = ()
    blocked: int = 0
    deceased_on: date | None = None
    protected: bool = False
    why_url: str | None = None
    exceptions: tuple[Exceptional, ...] = ()


@dataclass(frozen=True, slots=True)
class Exceptional:
    """Emergency access or an override that the chart is open by: until when, and where it is extended or ended."""

    code: str
    name: str
    until: datetime
    minutes: int
    extend_url: str
    end_url: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One service's row on the timeline."""

    key: str
    label: str
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `body` opens in place, `url` leads to the whole."""

    at: datetime
    title: str
    id: str
    detail: str = ""
    body: str = ""
    url: str | None = None
    tags: tuple[str, ...] = ()
