"""The keeper of the directory: each minute it writes those of whom it doesn't tell what holds now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from fellesjournal.access.decide import within
from fellesjournal.access.model import WrongUnit
from fellesjournal.clinical.staff import store
from fellesjournal.clinical.staff.fhir import practitioner, practitioner_role
from fellesjournal.clinical.staff.model import Member, practitioner_pid, role_pid
from fellesjournal.identity.model import Reader
from fellesjournal.kit import ids
from fellesjournal.kit.db import Database
from fellesjournal.kit.log import get_logger
from fellesjournal.record.errors import Gone, NotFound
from fellesjournal.record.journal import Vault

JOB: Final = "staff-directory"
EACH_MINUTE: Final = "* * * * *"
_PAGE: Final = 100

_log = get_logger("clinical.staff")


@dataclass(frozen=True)
class Keeper:
    """What the work needs: `reader` gives the system with the KATALOG grant."""

    db: Database
    vault: Vault
    reader: Callable[[], Awaitable[Reader]]

    async def work(self) -> None:
        """Write everybody who waits, each by themselves. Raises SessionOver without the grant."""
        after = 0
        while page := await store.behind(self.db, secret=(await self.reader()).secret, after=after, limit=_PAGE):
            for member in page:
                await self._keep(member)
            after = page[-1].person

    async def _keep(self, member: Member) -> None:
        reader = await self.reader()
        pid = member.pid or practitioner_pid(member.person)
        roles = {post.id: post.pid or role_pid(post.id) for post in member.posts}
        await self._write(reader, pid, practitioner(member))
        for post in member.posts:
            told = practitioner_role(post, practitioner_id=ids.encode(0, pid), name=member.name)
            await self._write(reader, roles[post.id], told)
        await store.told(self.db, secret=reader.secret, member=member, pid=pid, roles=roles)
        _log.info("staff told of in the directory", posts=len(roles))

    async def _write(self, reader: Reader, pid: int, resource: dict[str, Any]) -> None:
        """Make it, or a new version of it where it says something else; what another system has made stays as it is."""
        journal, id_ = self.vault.open(within(reader)), ids.encode(0, pid)
        try:
            found = (await journal.read(resource["resourceType"], id_)).resource()
        except NotFound:
            journal.create_as(resource, slot=0, pid=pid)
        except Gone:
            return
        else:
            if {name: value for name, value in found.items() if name not in ("id", "meta")} == resource:
                return
            journal.update(id_, {**resource, "id": id_})
        try:
            await journal.commit()
        except WrongUnit:
            return
