"""One piece of an import, written: each line through the checks, the decision and the vault, as if it came alone.

A line is a resource with its id, and is what there shall be under that id: it is created, changed, or left alone when
it is there already, word for word. So an import that is sent twice changes nothing the second time. A line without an
id is created under one of ours, each time that it is sent. What is refused is told by its line; the others are written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fellesjournal import fhir
from fellesjournal.access.model import AccessError, SessionOver
from fellesjournal.kit import ids
from fellesjournal.record import binary, names, ownership
from fellesjournal.record.errors import Invalid, Malformed, NameTaken, RecordError
from fellesjournal.record.journal import Journal
from fellesjournal.record.lookup import Stored
from fellesjournal.record.names import Name
from fellesjournal.record.rehearsal import issues_of
from fellesjournal.record.rows import Op, Wanted, body_of

Refusal = AccessError | RecordError
_MOST_ISSUES: Final = 20
"""Of one line."""
_TRIES: Final = 2
"""Again, when somebody else has just chosen the same id."""


@dataclass(frozen=True)
class Line:
    """A resource that was read; the id in its name is "" for one that has none."""

    number: int
    name: Name
    resource: dict[str, Any]


@dataclass
class Load:
    """What became of a piece: how many lines were written, how many were there already, what was wrong by line.

    `base` is where this server is, `source` the `meta.source` of what has none, `rtype` what the lines were said to be.
    """

    journal: Journal
    base: str
    source: str
    rtype: str = ""
    written: int = 0
    unchanged: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    async def write(self, numbers: Sequence[int], content: bytes) -> None:
        """Write the lines, inside the journal's open transaction. Raises SessionOver."""
        found = [line for number, text in zip(numbers, content.splitlines(), strict=True)
                 if (line := self._read(number, text))]  # fmt: skip
        for some in _rounds(found):
            await self.journal.know(_needed(some))
            await self._put(await self._changed([line for line in some if await self._is_sound(line)]))

    def _read(self, number: int, text: bytes) -> Line | None:
        try:
            resource = _parsed(names.relative(text, base=self.base), self.rtype)
        except RecordError as error:
            self._refuse(number, "", error)
            return None
        if self.source:
            meta = resource.setdefault("meta", {})
            if isinstance(meta, dict):
                meta.setdefault("source", self.source)
        return Line(number, (resource["resourceType"], resource.get("id", "")), resource)

    async def _is_sound(self, line: Line) -> bool:
        vault = self.journal.vault
        op: Op = "U" if self.journal.knows(*line.name) else "C"
        try:
            await self.journal.check(line.resource, op, checks=vault.checks, is_demo=await vault.is_demo())
        except Invalid as error:
            self._refuse(line.number, line.name[1], error)
            return False
        return True

    async def _changed(self, lines: list[Line]) -> list[Line]:
        """Those that are not there yet as they are."""
        keys = {line.number: self.journal.knows(*line.name) for line in lines}
        there = [(*line.name, 0) for line in lines if keys[line.number]]
        if not there:
            return lines
        stored = {one.key: one for one in await self.journal.read_all(there)}
        changed = []
        for line in lines:
            one = stored.get(keys[line.number] or (0, 0))
            if one is None or not await self._is_same(line.resource, one):
                changed.append(line)
        self.unchanged += len(lines) - len(changed)
        return changed

    async def _is_same(self, resource: dict[str, Any], stored: Stored) -> bool:
        """Whether what is stored is this, word for word, content and all."""
        if stored.rtype == "Binary":
            resource, digest = binary.apart(resource, keys=self.journal.vault.keys)
            content = await self.journal.content(stored)
            if digest != (content.digest if content else None):
                return False
        chosen = stored.id if ids.decode(stored.id) is None else ""
        body = body_of(Wanted("U", stored.rtype, *stored.key, 0, resource, chosen=chosen))
        return body is not None and body.text(version=stored.version, updated=stored.updated) == stored.body

    async def _put(self, lines: list[Line], *, tries: int = _TRIES) -> None:
        """Write these, all or nothing; then the halves, until what is refused stands alone."""
        if not lines:
            return
        good = [line for line in lines if await self._gather(line)]
        try:
            await self.journal.commit()
            self.written += len(good)
        except SessionOver:
            raise
        except (AccessError, RecordError) as error:
            if len(good) == 1 and (tries == 0 or not isinstance(error, NameTaken)):
                self._refuse(good[0].number, good[0].name[1], error)
                return
            # Nothing has the ids that were to be made now; or somebody else has just chosen one of them.
            self.journal.forget()
            await self.journal.know(_needed(good))
            for half in (good[: len(good) // 2], good[len(good) // 2 :]):
                await self._put(half, tries=tries - 1 if len(good) == 1 else tries)

    async def _gather(self, line: Line) -> bool:
        rtype, id_ = line.name
        try:
            if rtype == "Binary" and self.journal.knows(rtype, id_) is None:
                await self.journal.create_binary(line.resource, chosen=id_)
            elif not id_:
                await self.journal.create_named(line.resource)
            else:
                await self.journal.put(id_, line.resource)
        except SessionOver:
            raise
        except (AccessError, RecordError) as error:
            self._refuse(line.number, id_, error)
            return False
        return True

    def _refuse(self, number: int, id: str, error: Refusal) -> None:
        body = fhir.outcome(issues_of(error)[:_MOST_ISSUES])
        shown = f", id {id}" if id and not names.is_telling(id) else ""
        for issue in body["issue"]:
            issue["details"] = {"text": f"Line {number}{shown}"}
        self.errors.append((number, fhir.encode(body).decode()))


def _parsed(text: bytes, rtype: str) -> dict[str, Any]:
    try:
        resource = fhir.parse(text)
    except fhir.BadJson as error:
        raise Malformed(str(error)) from None
    found = resource.get("resourceType")
    if not isinstance(found, str) or found not in fhir.TYPE_NUMBER:
        raise Malformed("The line is no resource of R4.")
    if rtype and found != rtype:
        raise Malformed(f"The file was said to hold {rtype}.")
    id_ = resource.get("id")
    if "id" in resource and not (isinstance(id_, str) and names.is_id(id_)):
        raise Malformed("The id is none of FHIR's.")
    return resource


def _rounds(lines: list[Line]) -> Iterator[list[Line]]:
    """The lines in lists in which no id stands twice, in their order."""
    while lines:
        first: dict[Name, Line] = {}
        later = []
        for line in lines:
            if line.name in first:
                later.append(line)
            else:
                first[line.name if line.name[1] else (line.name[0], f"line {line.number}")] = line
        yield list(first.values())
        lines = later


def _needed(lines: Sequence[Line]) -> list[Name]:
    """The ids that clients chose which must be known first: the lines' own, and those of whom they are about."""
    own = [line.name for line in lines if line.name[1] and ids.decode(line.name[1]) is None]
    owners = [names.name_in(ownership.probe_owner(line.resource) or "") for line in lines]
    return [*own, *(owner for owner in owners if owner)]
