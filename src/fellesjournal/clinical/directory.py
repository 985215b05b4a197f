"""Names of staff and units, and what kind of service a unit is: directory data, remembered for some minutes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from fellesjournal.clinical.pieces import VOLVEN, Json, codes_in
from fellesjournal.clinical.protection import hidden_unit, is_strict, service_told
from fellesjournal.record.journal import Journal, Vault

_KEEP_S: Final = 300
_MOST: Final = 20_000
_TYPES: Final = ("Practitioner", "Organization")

@dataclass(frozen=True, slots=True)
class Party:
    """A member of staff or a unit. `service` is a unit's code of Volven 8663, '' when it tells none."""

    name: str
    service: str = ""
    phone: str = ""


_known: WeakKeyDictionary[Vault, dict[str, tuple[float, Party]]] = WeakKeyDictionary()


_PEOPLE: Final = ("Practitioner/", "Patient/", "RelatedPerson/")


class Directory:
    """The parties that a page names; those that aren't known are '' by name."""

    def __init__(self, found: Mapping[str, Party], *, hides_units_in: str | None = None) -> None:
        self._found = found
        self._hides_units_in = hides_units_in

    def about(self, person: Mapping[str, Any], language: str) -> Directory:
        """The directory for what is shown of a person: a strictly protected one's units have no name or telephone.

        The one place where pages hide units; `language` is that of the words which stand there instead.
        """
        return Directory(self._found, hides_units_in=language) if is_strict(person) else self

    def party(self, reference: Mapping[str, Any] | None) -> Party:
        """Whom a reference names: the directory's entry, else the display that the reference carries."""
        found = self._named(reference)
        if self._hides_units_in is None or not _may_be_unit(reference, found):
            return found
        return Party(hidden_unit(self._hides_units_in, found.service), found.service)

    def told(self, text: str, *references: Mapping[str, Any] | None) -> str:
        """A text that we made of parties' names, with those of units taken out where they are hidden."""
        for one in references:
            for name in {str((one or {}).get("display", "")), self._named(one).name} - {""}:
                text = text.replace(name, self.name(one))
        return text

    def _named(self, reference: Mapping[str, Any] | None) -> Party:
        found = self._found.get(str((reference or {}).get("reference", "")))
        return found or Party(str((reference or {}).get("display", "")), service_told(reference or {}))

    def name(self, reference: Mapping[str, Any] | None) -> str:
        """The name alone."""
        return self.party(reference).name


def _may_be_unit(reference: Mapping[str, Any] | None, found: Party) -> bool:
    """Whether a name could be a unit's: all but those that a reference says are people's."""
    return bool(found.name) and not str((reference or {}).get("reference", "")).startswith(_PEOPLE)


async def directory_for(journal: Journal, resources: Iterable[Json]) -> Directory:
    """Look up every member of staff and unit that the resources name; at most one search, often none."""
    known = _known.setdefault(journal.vault, {})
    wanted = {key for one in resources for key in references_in(one)}
    fresh = time.monotonic()
    missing = sorted(key for key in wanted if key not in known or known[key][0] < fresh)
    if missing:
        await _learn(journal, missing, known)
    return Directory({key: known[key][1] for key in wanted if key in known})


def references_in(value: Any) -> Iterable[str]:
    """Every reference to staff or units in a resource."""
    if isinstance(value, dict):
        key = value.get("reference")
        if isinstance(key, str) and key.startswith(("Practitioner/", "Organization/")):
            yield key
        for part in value.values():
            if isinstance(part, dict | list):
                yield from references_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from references_in(part)


async def _learn(journal: Journal, missing: list[str], known: dict[str, tuple[float, Party]]) -> None:
    wishes = []
    for rtype in _TYPES:
        ids = [key.partition("/")[2] for key in missing if key.startswith(f"{rtype}/")]
        if ids:
            wishes.append((rtype, rtype, [("_id", ",".join(ids)), ("_count", str(min(len(ids), 1000)))]))
    if len(known) > _MOST:
        known.clear()
    until = time.monotonic() + _KEEP_S
    # One that isn't there is remembered too, so that it isn't asked for at every page.
    known.update((key, (until, Party(""))) for key in missing)
    for page in (await journal.search_many(wishes)).values():
        for stored in page.matches:
            known[f"{stored.rtype}/{stored.id}"] = (until, _party(stored.resource()))


def _party(resource: Json) -> Party:
    if resource["resourceType"] == "Organization":
        service = (code for kind in resource.get("type", ()) for code in codes_in(kind, f"{VOLVEN}8663"))
        return Party(resource.get("name", ""), next(service, ""), phone_in(resource))
    return Party(person_name(resource), phone=phone_in(resource))


def person_name(resource: Json) -> str:
    """The official name of a Patient, Practitioner or RelatedPerson, given names first."""
    names = resource.get("name", ())
    official = next((one for one in names if one.get("use") == "official"), names[0] if names else {})
    return official.get("text") or " ".join([*official.get("given", ()), official.get("family", "")]).strip()


def phone_in(resource: Json) -> str:
    """The first telephone number, in groups; '' when there is none."""
    phones = (t.get("value", "") for t in resource.get("telecom", ()) if t.get("system") == "phone")
    return grouped(next(phones, ""))


def grouped(number: str) -> str:
    """A Norwegian number as it is written: 412 00 000 for mobiles, 55 50 10 10 for others."""
    digits = number.replace(" ", "").removeprefix("+47")
    if len(digits) != 8 or not digits.isdigit():
        return number
    if digits[0] in "489":
        return f"{digits[:3]} {digits[3:5]} {digits[5:]}"
    return " ".join(digits[i : i + 2] for i in (0, 2, 4, 6))
