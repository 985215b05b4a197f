"""What is to be written: gathered first, each with its row, bucket and controller; made by the journal's commit."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fellesjournal import fhir
from fellesjournal.access.decide import Decision
from fellesjournal.access.model import PatientId
from fellesjournal.access.relations import Fact
from fellesjournal.kit import ids
from fellesjournal.record import names, ownership
from fellesjournal.record.binary import Upload
from fellesjournal.record.checks import Checks
from fellesjournal.record.errors import MadeAtReading, NotFound, ReadOnly, TellingId, placed
from fellesjournal.record.names import Key, Name
from fellesjournal.record.rows import Op, Wanted


@dataclass(kw_only=True)
class Gathering:
    """Writes and facts that wait for the commit, and the rows of clients' own ids as far as they are known."""

    decision: Decision
    _wanted: list[Wanted] = field(default_factory=list)
    _facts: list[Fact] = field(default_factory=list)
    _ended: list[tuple[int, int]] = field(default_factory=list)
    _uploads: dict[str, Upload] = field(default_factory=dict)
    _known: dict[Name, Key] = field(default_factory=dict)
    _absent: set[Name] = field(default_factory=set)
    _sound: dict[tuple[int, Op], dict[str, Any]] = field(default_factory=dict)

    def create(self, resource: dict[str, Any], *, org: int | None = None, pid: int | None = None) -> str:
        """Gather a new resource; its id. `org` is the controller, the acting unit if not said."""
        rtype = resource["resourceType"]
        pid = pid or ids.new_pid()
        slot = self._slot_for(rtype, resource, pid)
        self._gather("C", rtype, slot, pid, resource, org=org)
        return ids.encode(slot, pid)

    def create_as(
        self, resource: dict[str, Any], *, slot: int, pid: int, org: int | None = None, place: str = "",
        chosen: str = "",
    ) -> str:  # fmt: skip
        """Gather a new resource under a key that was made before, so that others can refer to it. Its id.

        `chosen` is the id that its client chose for it. Raises TellingId for one that holds a national number.
        """
        if names.installed_number(resource["resourceType"], chosen):
            raise placed(ReadOnly(), place)
        if names.is_telling(chosen):
            raise placed(TellingId(), place)
        rtype = resource["resourceType"]
        self._gather("C", rtype, slot, pid, resource, org=org, place=place, chosen=chosen)
        if chosen:
            self.name((rtype, chosen), (slot, pid))
        return chosen or ids.encode(slot, pid)

    def update(self, id: str, resource: dict[str, Any], *, expect: int = -1, place: str = "") -> None:
        """Gather a new version of a resource; `expect` is the version that was shown (-1 = whichever is there)."""
        self._change("U", resource["resourceType"], id, resource, expect=expect, place=place)

    def gathered(self, rtype: str, id: str) -> dict[str, Any] | None:
        """The body gathered for this resource, to be changed further before the commit; None when none is."""
        found = (one for one in self._wanted if one.rtype == rtype and one.op != "D" and one.id == id)
        return next((one.resource for one in found), None)

    def delete(self, rtype: str, id: str, *, expect: int = -1, place: str = "") -> None:
        """Gather a deletion of a resource; the history stays."""
        self._change("D", rtype, id, None, expect=expect, place=place)

    async def check(self, resource: dict[str, Any], op: Op, *, checks: Checks, is_demo: bool) -> None:
        """Check what is to be gathered. This journal does not check it again: it may not be changed any more.

        Raises Invalid with every fault.
        """
        await checks.refuse_faults([Wanted(op, resource["resourceType"], 0, 0, 0, resource)], is_demo=is_demo)
        self._sound[id(resource), op] = resource

    def attach(self, id: str, upload: Upload) -> None:
        """Give a Binary that was gathered its content; kept, or thrown away, with the commit."""
        self._uploads[id] = upload

    def establish(self, fact: Fact) -> None:
        """Gather a fact that makes a need; told in the same transaction, before the writes."""
        self._facts.append(fact)

    def end_facts(self, *, patient: PatientId, source: str) -> None:
        """Gather the end of the facts that a resource made."""
        self._ended.append((patient.pid, own_key(source)[1]))

    def name(self, name: Name, key: Key) -> None:
        """A row that is about to be made under an id that its client chose."""
        self._known[name] = key

    def forget(self) -> None:
        """Ask again what ids stand for: somebody else has just chosen one."""
        self._known, self._absent = {}, set()

    def knows(self, rtype: str, id: str) -> Key | None:
        """The row of an id, as far as this journal knows."""
        return ids.decode(id) or self._known.get((rtype, id))

    def _unchecked(self, wanted: list[Wanted]) -> list[Wanted]:
        return [item for item in wanted if (id(item.resource), item.op) not in self._sound] if self._sound else wanted

    def known(self, wanted: Iterable[Name]) -> dict[Name, Key]:
        """The rows of these names, as far as this journal knows."""
        return {name: self._known[name] for name in wanted if name in self._known}

    def _slot_for(self, rtype: str, resource: dict[str, Any], pid: int) -> int:
        if rtype == "Patient":
            return ownership.slot_of(pid)
        if rtype in ownership.DIRECTORY_TYPES:
            return 0
        return self.slot_by(ownership.probe_owner(resource))

    def slot_by(self, owner: str | None) -> int:
        """The bucket of what belongs to the patient of a reference: theirs; 0 for nobody's."""
        found = ownership.patient_key(owner)
        if found is None and owner:
            name = names.name_in(owner)
            found = self._known.get(name) if name and name[0] == "Patient" else None
        return found[0] if found else 0

    def _change(
        self, op: Op, rtype: str, id: str, resource: dict[str, Any] | None, *, expect: int, place: str
    ) -> None:
        own = ids.decode(id)
        slot, pid = own or self._known.get((rtype, id), (0, 0))
        chosen = "" if own else id
        self._gather(op, rtype, slot, pid, resource, expect=expect, place=place, chosen=chosen)

    def _gather(
        self, op: Op, rtype: str, slot: int, pid: int, resource: dict[str, Any] | None, *, org: int | None = None,
        expect: int = 0, place: str = "", chosen: str = "",
    ) -> None:  # fmt: skip
        controller = self.decision.reader.unit or 0 if org is None else org
        if rtype in ownership.MADE_AT_READING:
            raise MadeAtReading
        item = Wanted(op, rtype, slot, pid, controller, resource, expect=expect, place=place, chosen=chosen)
        self._wanted.append(item)


def own_key(id: str) -> Key:
    """The row of an id of our own form. Raises NotFound for another one."""
    found = ids.decode(id)
    if found is None:
        raise NotFound
    return found


def type_number(rtype: str) -> int:
    """The number of a resource type. Raises NotFound for what is none."""
    if rtype not in fhir.TYPE_NUMBER:
        raise NotFound
    return fhir.TYPE_NUMBER[rtype]
