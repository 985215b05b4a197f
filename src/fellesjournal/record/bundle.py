"""Bundles: a transaction is all or nothing, a batch is each by itself (FHIR http §2.21.0.17).

A transaction's ids are made first, its `urn:uuid` references are replaced by them, then everything is one write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fellesjournal import fhir
from fellesjournal.kit import ids
from fellesjournal.record import ownership
from fellesjournal.record.errors import Invalid, Malformed
from fellesjournal.record.journal import Journal

MAX_ENTRIES = 10_000
_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')
_ITEM = re.compile(r"([A-Za-z]+)(?:/([A-Za-z0-9.-]{1,64}))?")


@dataclass(frozen=True)
class Entry:
    """One wish of a bundle. `id` is made here for a POST, given for PUT and DELETE; `place` is its index."""

    place: int
    method: str
    rtype: str
    id: str
    slot: int
    pid: int
    if_match: int
    resource: dict[str, Any] | None


def read_transaction(bundle: dict[str, Any]) -> list[Entry]:
    """The entries of a transaction, references between them resolved to the ids they will have.

    The resources are the bundle's own: their references are changed in place. Raises Malformed with the entry's place.
    """
    heads = [_head(place, entry) for place, entry in enumerate(_entries(bundle))]
    keys = _keys(heads)
    names = {
        head.full_url: f"{head.rtype}/{ids.encode(*keys[head.place])}"
        for head in heads
        if head.method == "POST" and head.full_url.startswith("urn:")
    }
    _check_unique(heads)
    entries: list[dict[str, Any]] = bundle.get("entry", [])
    if names:
        _resolve([entry.get("resource") for entry in entries], names)
    return [_entry(head, keys[head.place], entries[head.place].get("resource")) for head in heads]


def gather(journal: Journal, entries: list[Entry]) -> None:
    """Gather the creates and updates of a transaction in a journal (deletions are the caller's: they read first)."""
    for entry in entries:
        if entry.resource is None:
            continue
        if entry.method == "POST":
            journal.create_as(entry.resource, slot=entry.slot, pid=entry.pid, place=_place(entry))
        elif entry.method == "PUT":
            journal.update(entry.id, entry.resource, expect=entry.if_match, place=_place(entry))


def fault(where: str, what: str) -> Malformed:
    """What is wrong with a bundle itself, with the place of it."""
    return Malformed(f"{where} {what}", issues=[fhir.Issue("error", "structure", where, f"{where} {what}")])


def _place(entry: Entry) -> str:
    return f"Bundle.entry[{entry.place}].resource"


def _resolve(content: list[Any], names: dict[str, str]) -> None:
    """Change every text that is a placeholder to what it stands for, in place: a third of reading the bundle anew."""
    waiting: list[Any] = [content]
    for item in waiting:
        for key, value in item.items() if type(item) is dict else enumerate(item):
            if type(value) is str:
                if value in names:
                    item[key] = names[value]
            elif type(value) is dict or type(value) is list:
                waiting.append(value)


@dataclass(frozen=True)
class _Head:
    place: int
    method: str
    rtype: str
    id: str
    full_url: str
    if_match: int
    owner: str | None


def _entries(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise fault("Bundle.entry", "must be an array of objects.")
    if len(entries) > MAX_ENTRIES:
        raise fault("Bundle.entry", f"may hold at most {MAX_ENTRIES} entries.")
    yield from entries


def _head(place: int, entry: dict[str, Any]) -> _Head:
    request = entry.get("request")
    where = f"Bundle.entry[{place}]"
    if not isinstance(request, dict):
        raise fault(f"{where}.request", "is missing.")
    method, url = request.get("method"), request.get("url")
    match = _ITEM.fullmatch(url) if isinstance(url, str) else None
    if method not in ("POST", "PUT", "DELETE") or match is None or match[1] not in fhir.TYPE_NUMBER:
        raise fault(f"{where}.request", "must be POST Type, PUT Type/id or DELETE Type/id in a transaction.")
    if (method == "POST") != (match[2] is None):
        raise fault(f"{where}.request.url", "does not fit its method.")
    if request.get("ifNoneExist") is not None:
        raise fault(f"{where}.request.ifNoneExist", "is not supported.")
    resource = entry.get("resource")
    if method != "DELETE" and (not isinstance(resource, dict) or resource.get("resourceType") != match[1]):
        raise fault(f"{where}.resource", f"must be a {match[1]}.")
    if method == "PUT" and isinstance(resource, dict) and resource.get("id") != match[2]:
        raise fault(f"{where}.resource.id", "must be the id in the request's url.")
    full_url = entry.get("fullUrl")
    return _Head(
        place, method, match[1], match[2] or "", full_url if isinstance(full_url, str) else "",
        _if_match(request.get("ifMatch"), where), ownership.probe_owner(resource or {}),
    )  # fmt: skip


def _if_match(value: Any, where: str) -> int:
    match = _ETAG.fullmatch(value) if isinstance(value, str) else None
    if value is not None and match is None:
        raise fault(f"{where}.request.ifMatch", "must be an ETag.")
    return int(match[1]) if match else -1


def _keys(heads: list[_Head]) -> dict[int, tuple[int, int]]:
    """(slot, pid) for each entry: people first, then what is theirs, in their bucket."""
    keys: dict[int, tuple[int, int]] = {}
    people: dict[str, int] = {}
    for head in heads:
        if head.method == "POST":
            pid = ids.new_pid()
            keys[head.place] = (ownership.slot_of(pid) if head.rtype == "Patient" else 0, pid)
            if head.rtype == "Patient" and head.full_url:
                people[head.full_url] = keys[head.place][0]
        else:
            found = ids.decode(head.id)
            if found is None:
                raise fault(f"Bundle.entry[{head.place}].request.url", "names an id that is not here.")
            keys[head.place] = found
    for head in heads:
        if head.method == "POST" and head.rtype != "Patient" and head.rtype not in ownership.DIRECTORY_TYPES:
            keys[head.place] = (_bucket(head.owner, people), keys[head.place][1])
    return keys


def _bucket(owner: str | None, people: dict[str, int]) -> int:
    if owner in people:
        return people[owner]
    found = ownership.patient_key(owner)
    return found[0] if found else 0


def _check_unique(heads: list[_Head]) -> None:
    named = [(head.rtype, head.id) for head in heads if head.method != "POST"]
    urls = [head.full_url for head in heads if head.full_url]
    if len(set(named)) != len(named) or len(set(urls)) != len(urls):
        raise Invalid("A transaction may touch each resource, and use each fullUrl, once.")


def _entry(head: _Head, key: tuple[int, int], resource: dict[str, Any] | None) -> Entry:
    if resource is not None and head.method == "POST":
        resource.pop("id", None)
    return Entry(
        head.place, head.method, head.rtype, ids.encode(*key), key[0], key[1], head.if_match,
        None if head.method == "DELETE" else resource,
    )  # fmt: skip
