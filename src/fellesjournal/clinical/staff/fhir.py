"""Staff as Practitioner and PractitionerRole; without the national number, which is known here as a hash alone."""

from __future__ import annotations

from typing import Any, Final

from fellesjournal.clinical.staff.model import Held, Member
from fellesjournal.kit import ids
from fellesjournal.kit.clock import OSLO

HPR: Final = "urn:oid:2.16.578.1.12.4.1.4.4"
Json = dict[str, Any]


def practitioner(member: Member) -> Json:
    """The person; active while any post is not over."""
    given, _, family = member.name.rpartition(" ")
    named: Json = {"use": "official", "text": member.name, "family": family}
    made: Json = {
        "resourceType": "Practitioner",
        "active": any(not post.is_over for post in member.posts),
        "name": [{**named, "given": given.split()} if given else named],
    }
    return {**made, "identifier": [{"system": HPR, "value": member.licence}]} if member.licence else made


def practitioner_role(post: Held, *, practitioner_id: str, name: str) -> Json:
    """A post, with its time."""
    period = {
        side: at.astimezone(OSLO).isoformat(timespec="seconds")
        for side, at in (("start", post.from_at), ("end", post.until_at)) if at
    }  # fmt: skip
    made: Json = {
        "resourceType": "PractitionerRole",
        "active": not post.is_over,
        "practitioner": {"reference": f"Practitioner/{practitioner_id}", "display": name},
        "organization": {"reference": f"Organization/{ids.encode(0, post.unit)}", "display": post.unit_name},
        "code": [{"text": post.role}],
    }
    return {**made, "period": period} if period else made
