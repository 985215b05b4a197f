"""A resource as the vault takes it: its columns and search rows, gathered for one bulk write."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import structs

from fellesjournal import fhir
from fellesjournal.kit.ids import decode, encode
from fellesjournal.record import names, ownership
from fellesjournal.record.names import Key, Name

Op = Literal["C", "U", "D"]


@dataclass(frozen=True)
class Wanted:
    """One version to be written. expect: 0 = new, -1 = any, n = on top of version n.

    `place` is where the resource stands in what was sent (`Bundle.entry[3].resource`), for what is wrong with it.
    `about` is the patient of what a Binary belongs to, when that is no Patient itself; `sens` is that one's class.
    `chosen` is the id that the client chose; "" when it has our own form. pid 0: found by the name at commit.
    """

    op: Op
    rtype: str
    slot: int
    pid: int
    org: int
    resource: dict[str, Any] | None
    expect: int = 0
    place: str = ""
    about: int = 0
    sens: int = 0
    chosen: str = ""

    @property
    def id(self) -> str:
        """The id that its client knows it by."""
        return self.chosen or encode(self.slot, self.pid)

    def placed(self, issue: fhir.Issue) -> fhir.Issue:
        """The issue, its path from the outermost of what was sent."""
        if not self.place:
            return issue
        inner = issue.expression.partition(".")[2]
        return structs.replace(issue, expression=f"{self.place}.{inner}" if inner else self.place)


@dataclass
class Columns:
    """Parallel columns of `vault.write`, in its order; `arguments` gives them all."""

    op: list[str] = field(default_factory=list)
    slot: list[int] = field(default_factory=list)
    pid: list[int] = field(default_factory=list)
    rtype: list[int] = field(default_factory=list)
    expect: list[int] = field(default_factory=list)
    patient: list[int | None] = field(default_factory=list)
    org: list[int] = field(default_factory=list)
    sens: list[int] = field(default_factory=list)
    date: list[datetime | None] = field(default_factory=list)
    updated_param: list[int] = field(default_factory=list)
    head: list[str | None] = field(default_factory=list)
    tail: list[str | None] = field(default_factory=list)
    other_n: list[int] = field(default_factory=list)
    other_patient: list[int] = field(default_factory=list)
    identifier_n: list[int] = field(default_factory=list)
    identifier_h: list[int] = field(default_factory=list)
    chosen_n: list[int] = field(default_factory=list)
    chosen_id: list[str] = field(default_factory=list)
    chosen_h: list[int] = field(default_factory=list)
    index: fhir.IndexRows = field(default_factory=fhir.IndexRows)
    registry: int = 0

    def arguments(self) -> list[Any]:
        """Everything after the secret, in the order of `vault.write`."""
        x = self.index
        slots, pids = targets(x.reference_target)
        return [
            self.op, self.slot, self.pid, self.rtype, self.expect, self.patient, self.org, self.sens, self.date,
            self.updated_param, self.head, self.tail, self.other_n, self.other_patient, self.identifier_n,
            self.identifier_h, x.token_n, x.token_param, x.token_h, x.reference_n, x.reference_param, x.reference_h,
            slots, pids, x.date_n, x.date_param, x.date_lo, x.date_hi, x.quantity_n, x.quantity_param,
            x.quantity_unit, x.quantity_lo, x.quantity_hi, x.string_n, x.string_param, x.string_v, x.string_exact,
            x.uri_n, x.uri_param, x.uri_v, self.chosen_n, self.chosen_id, x.composite_n, *_columns(x.composite_row),
            self.registry, self.chosen_h, *_waiting(x, pids),
        ]  # fmt: skip


_LISTS: Final = tuple(one.name for one in fields(Columns) if one.name not in ("index", "registry"))
_NAMED: Final = re.compile(r'"reference":"Patient/([0-9a-z]{15})["/]')
"""Every reference to a patient in compact JSON: a quote inside a text has a backslash before it."""


class NotOurPatient(Exception):
    """The resource names a patient that this record doesn't have; `place` is the resource's place in what was sent."""

    place = ""


@dataclass(frozen=True)
class Body:
    """The body around the place where the database puts version and instant, so that no second write is needed."""

    head: str
    tail: str

    def text(self, *, version: int, updated: datetime) -> str:
        """The stored body of a version just written: the same bytes that the database made."""
        return f'{self.head}{version}","lastUpdated":"{stamp(updated)}{self.tail}'


def gather(
    wanted: Sequence[Wanted], *, hash64: Callable[[str], int], bodies: Sequence[Body | None] = (),
    known: Mapping[Name, Key] | None = None, registry: fhir.Registry = fhir.OFFICIAL,
) -> Columns:  # fmt: skip
    """Columns for versions that were validated before. `wanted` is sorted by (slot, pid).

    `bodies` are theirs, made before; `known` tells which rows the ids that clients chose stand for, `registry` which
    search parameters have been added.
    Raises NotOurPatient for a reference to a Patient that isn't one of ours.
    """
    columns = Columns(registry=registry.version)
    for n, item in enumerate(wanted, start=1):
        _add(columns, item, n, hash64)
        body = bodies[n - 1] if bodies else body_of(item)
        if item.resource is None or body is None:
            _add_deletion(columns)
        else:
            _add_content(columns, item, item.resource, _Place(n, body, known or {}, hash64, registry))
    return columns


def joined(all_columns: Sequence[Columns]) -> Columns:
    """The columns of several writes as those of one, in this order. They were made with the same registry."""
    whole = Columns(registry=all_columns[0].registry)
    for columns in all_columns:
        before = len(whole.pid)
        _extend(whole.index, columns.index, fhir.IndexRows.__struct_fields__, before)
        _extend(whole, columns, _LISTS, before)
    return whole


def _extend(whole: Any, part: Any, names: Sequence[str], before: int) -> None:
    """Append lists; those named `…_n` number resources, of which there are some before."""
    for name in names:
        added = getattr(part, name)
        getattr(whole, name).extend([n + before for n in added] if name.endswith("_n") else added)


def body_of(item: Wanted) -> Body | None:
    """The bytes of a version; None for a deletion."""
    resource = item.resource
    if resource is None:
        return None
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in ("versionId", "lastUpdated")}
    rest = {name: value for name, value in resource.items() if name not in ("resourceType", "id", "meta")}
    head = f'{{"resourceType":"{item.rtype}","id":"{item.id}","meta":{{"versionId":"'
    return Body(head, '"' + _inner(meta) + "}" + _inner(rest) + "}")


def _add(columns: Columns, item: Wanted, n: int, hash64: Callable[[str], int]) -> None:
    columns.op.append(item.op)
    columns.slot.append(item.slot)
    columns.pid.append(item.pid)
    columns.rtype.append(fhir.TYPE_NUMBER[item.rtype])
    columns.expect.append(item.expect)
    columns.org.append(item.org)
    columns.updated_param.append(fhir.param_id(item.rtype, "_lastUpdated"))
    if item.chosen and item.op == "C":
        columns.chosen_n.append(n)
        columns.chosen_id.append(item.chosen)
        columns.chosen_h.append(hash64(f"{item.rtype}/{item.chosen}"))


def _add_deletion(columns: Columns) -> None:
    """The database takes the owner from the row."""
    columns.patient.append(None)
    columns.sens.append(0)
    columns.date.append(None)
    columns.head.append(None)
    columns.tail.append(None)


@dataclass(frozen=True)
class _Place:
    """What the columns of one resource are made with, beside itself."""

    n: int
    body: Body
    known: Mapping[Name, Key]
    hash64: Callable[[str], int]
    registry: fhir.Registry


def _add_content(columns: Columns, item: Wanted, resource: dict[str, Any], place: _Place) -> None:
    n, tail = place.n, place.body.tail
    # What is searched is the row, not the name that a client has for it.
    own = names.with_own_ids(resource, tail, place.known)
    owner = fhir.extract(own, into=columns.index, n=n, hash64=place.hash64, registry=place.registry)
    try:
        patient, others = _patients(item, owner, tail, place.known)
    except NotOurPatient as error:
        error.place = item.place
        raise
    columns.patient.append(patient)
    columns.sens.append(ownership.class_of(resource, names_others=others, about=item.sens))
    columns.date.append(owner.date)
    columns.head.append(place.body.head)
    columns.tail.append(tail)
    for other in others:
        columns.other_n.append(n)
        columns.other_patient.append(other)
    if item.rtype == "Patient":
        for system, value in owner.identifiers:
            if system in ownership.NATIONAL_IDS and value:
                columns.identifier_n.append(n)
                columns.identifier_h.append(place.hash64(fhir.identifier_text(system, value)))


def _patients(item: Wanted, owner: fhir.Owner, text: str, known: Mapping[Name, Key]) -> tuple[int, list[int]]:
    """(owner's pid or DIRECTORY or UNIT_OWN, pids of all other patients that any reference in it names).

    What names its patient only by an identifier or a contained resource has no owner here: it is the unit's own.
    """
    named = {_pid(reference) for reference in owner.others}
    named.update(key[1] for key in map(ownership.patient_key, _references(text)) if key)
    if known:
        named.update(known[name][1] for name in names.foreign(text) if name[0] == "Patient" and name in known)
    patient = ownership.UNIT_OWN if owner.patient is None else _pid(owner.patient)
    if item.rtype == "Patient":
        patient = item.pid
    elif item.about and owner.patient is None:
        patient = item.about
    elif item.rtype in ownership.DIRECTORY_TYPES:
        patient = ownership.DIRECTORY
    return patient, sorted(named - {patient})


def _references(text: str) -> list[str]:
    return [f"Patient/{found}" for found in _NAMED.findall(text)]


def _pid(reference: str) -> int:
    found = ownership.patient_key(reference)
    if found is None:
        raise NotOurPatient(reference)
    return found[1]


def stamp(updated: datetime) -> str:
    """An instant as the database writes it into a body: UTC, milliseconds."""
    return updated.strftime("%Y-%m-%dT%H:%M:%S.") + f"{updated.microsecond // 1000:03d}Z"


def _inner(members: dict[str, Any]) -> str:
    return "," + fhir.encode(members).decode()[1:-1] if members else ""


def _columns(rows: list[fhir.CompositeRow]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in fhir.CompositeRow._fields]


def targets(references: list[str | None]) -> tuple[list[int | None], list[int | None]]:
    """The rows that local references lead to: (slots, pids), None for what leads to none here."""
    slots: list[int | None] = []
    pids: list[int | None] = []
    for reference in references:
        found = decode(reference.partition("/")[2]) if reference else None
        slots.append(found[0] if found else None)
        pids.append(found[1] if found else None)
    return slots, pids


def _waiting(rows: fhir.IndexRows, pids: Sequence[int | None]) -> list[list[Any]]:
    """Columns (resource, type, id, whether it is about no patient, hash) of local references that lead to nothing yet.

    None to Patients: what names one that isn't there is nobody's yet, and would have to be hidden from more readers.
    """
    columns: list[list[Any]] = [[], [], [], [], []]
    for at, (reference, pid) in enumerate(zip(rows.reference_target, pids, strict=True)):
        if reference is None or pid is not None or reference.startswith("Patient/"):
            continue
        rtype, _, id = reference.partition("/")  # noqa: A001 - FHIR's word
        is_open = rtype in ownership.DIRECTORY_TYPES
        found = rows.reference_n[at], fhir.TYPE_NUMBER[rtype], id, is_open, rows.reference_h[at]
        for column, value in zip(columns, found, strict=True):
            column.append(value)
    return columns
