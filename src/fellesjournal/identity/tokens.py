"""Bearer tokens for outside clients in a demo: `fellesjournal token --as NAME`."""

from __future__ import annotations

from fellesjournal.identity.apps import ADMINISTRATOR
from fellesjournal.identity.cookies import secret_text
from fellesjournal.identity.model import NoPost, NotDemo, Post, SecurityLevel, UnknownPerson
from fellesjournal.identity.sessions import Sessions

INTEGRATION = "INTEGRATION"
_DEVICE = "token"
_IDLE_S = 12 * 3600


async def issue_demo_token(
    sessions: Sessions, name: str, *, unit: str | None = None, behalf: str | None = None
) -> str:
    """A bearer token for a demo person or system, by its demo name; lives as long as a session may.

    Staff get their first post, or the one at the unit named (its name or kind), an administrator's last; people
    without a post their own record; a system a session with the purpose INTEGRATION at the unit of its post.
    `behalf` names somebody whom a citizen acts for: their record then.
    Raises NotDemo outside of a demo database, UnknownPerson, NoPost, NoRecord, MayNotRepresent.
    """
    if not await sessions.is_demo():
        raise NotDemo("tokens are printed in a demo database alone")
    found = await sessions.find_demo(name)
    if found is None:
        raise UnknownPerson
    person, kind = found
    posts = await sessions.posts_of(person)
    if kind == "system":
        at = posts[0].unit if posts else None
        return secret_text(
            await sessions.start_system(name=name, unit=at, purpose=INTEGRATION, device=_DEVICE)
        )
    if behalf is None:
        return secret_text(await _start_human(sessions, person, posts, unit))
    other = await sessions.find_demo(behalf)
    if other is None:
        raise UnknownPerson
    own = await _start_human(sessions, person, (), None)
    patient = await sessions.own_record(other[0])
    return secret_text(await sessions.switch_citizen(own, patient=patient or 0, device=_DEVICE))


async def _start_human(sessions: Sessions, person: int, posts: tuple[Post, ...], unit: str | None) -> bytes:
    level = SecurityLevel.HIGH
    if not posts and unit is None:
        return await sessions.start_citizen(person=person, level=level, device=_DEVICE, idle_s=_IDLE_S)
    post = _chosen(posts, unit)
    return await sessions.start_staff(
        person=person, post=post.id, level=level, device=_DEVICE, idle_s=_IDLE_S
    )


def _chosen(posts: tuple[Post, ...], unit: str | None) -> Post:
    wanted = (unit or "").casefold()
    fitting = [post for post in posts if not wanted or wanted in (post.unit_name.casefold(), post.unit_kind)]
    if not fitting:
        raise NoPost
    return min(fitting, key=lambda post: post.role == ADMINISTRATOR)
