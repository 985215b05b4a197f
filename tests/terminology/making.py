"""Small code systems and value sets, and a library of them that needs no database."""

from __future__ import annotations

from typing import Any

from fellesjournal.terminology import Definition, Held, Resolved, System, find, read_value_set, resolve

Json = dict[str, Any]
URL = "http://example.test/CodeSystem/animals"
OTHER = "http://example.test/CodeSystem/colours"
SETS = "http://example.test/ValueSet/"


def animals(**more: Any) -> Json:
    """A CodeSystem with a hierarchy, properties, and two languages."""
    return {
        "resourceType": "CodeSystem", "id": "animals", "url": URL, "version": "2", "name": "Animals",
        "status": "active", "content": "complete", "caseSensitive": True, "language": "en",
        "valueSet": f"{SETS}all-animals",
        "property": [
            {"code": "legs", "type": "integer"},
            {"code": "abstract", "type": "boolean", "uri": "http://hl7.org/fhir/concept-properties#notSelectable"},
        ],
        "concept": [
            concept("mammal", "Mammal", nb="Pattedyr", valueBoolean=("abstract", True), concept=[
                concept("dog", "Dog", nb="Hund", valueInteger=("legs", 4), concept=[
                    concept("poodle", "Poodle dog", nb="Puddel", valueInteger=("legs", 4)),
                ]),
                concept("whale", "Whale", nb="Hval", nn="Kval", valueInteger=("legs", 0)),
            ]),
            concept("bird", "Bird", nb="Fugl", valueInteger=("legs", 2), concept=[
                concept("dodo", "Dodo", valueCode=("status", "retired")),
            ]),
            concept("A1.2", "Ape number two"),
        ],
        **more,
    }  # fmt: skip


def colours(**more: Any) -> Json:
    """A CodeSystem that is flat, of which case is nothing."""
    listed = [{"code": code, "display": code.title()} for code in ("red", "green", "blue")]
    return {
        "resourceType": "CodeSystem", "id": "colours", "url": OTHER, "status": "active", "content": "complete",
        "concept": listed, **more,
    }  # fmt: skip


def concept(code: str, display: str = "", *, nb: str = "", nn: str = "", concept: Any = (), **values: Any) -> Json:
    """A concept; values are `valueInteger=(property, value)`."""
    made: Json = {"code": code}
    if display:
        made["display"] = display
    texts = [{"language": language, "value": text} for language, text in (("nb", nb), ("nn", nn)) if text]
    if texts:
        made["designation"] = texts
    if values:
        made["property"] = [{"code": name, kind: value} for kind, (name, value) in values.items()]
    if concept:
        made["concept"] = list(concept)
    return made


def value_set(name: str, *include: Json, exclude: Any = (), **more: Any) -> Json:
    """A ValueSet of these includes."""
    compose: Json = {"include": list(include)}
    if exclude:
        compose["exclude"] = list(exclude)
    inactive = more.pop("inactive", None)
    if inactive is not None:
        compose["inactive"] = inactive
    return {
        "resourceType": "ValueSet", "id": name, "url": SETS + name, "status": "active", "compose": compose, **more,
    }  # fmt: skip


def of(system: str = URL, *codes: str, **more: Any) -> Json:
    """An include: all of a system, or these codes; `filter=(property, operator, value)`."""
    made: Json = {"system": system, **more}
    if codes:
        made["concept"] = [{"code": code} for code in codes]
    if "filter" in more:
        made["filter"] = [dict(zip(("property", "op", "value"), more["filter"], strict=True))]
    return made


class Shelf:
    """A library in memory."""

    def __init__(self, *resources: Json) -> None:
        self.resources = resources

    async def value_set(self, canonical: str) -> Definition | None:
        """A value set."""
        found = self._find("ValueSet", canonical)
        return read_value_set(found) if found else None

    async def system(self, url: str, version: str) -> System | None:
        """A code system."""
        found = self._find("CodeSystem", f"{url}|{version}" if version else url)
        return Held.read(found) if found else None

    async def system_of(self, value_set: str) -> str | None:
        """The code system of a value set."""
        return next((str(one["url"]) for one in self.resources if one.get("valueSet") == value_set), None)

    async def resolved(self, canonical: str) -> Resolved:
        """A value set, resolved."""
        return await resolve(self, await find(self, canonical))

    def _find(self, kind: str, canonical: str) -> Json | None:
        url, _, version = canonical.partition("|")
        return next((one for one in self.resources if one["resourceType"] == kind and one["url"] == url
                     and version in ("", one.get("version", ""))), None)  # fmt: skip
