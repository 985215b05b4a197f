"""Small profiles, written as differentials, and a source that holds them."""

from __future__ import annotations

from typing import Any

from fellesjournal.fhir.profile import BindingQuestion, Profiles

Json = dict[str, Any]

URL = "http://example.no/"
CORE = "http://hl7.org/fhir/StructureDefinition/"
FNR = "urn:oid:2.16.578.1.12.4.1.4.1"
DNR = "urn:oid:2.16.578.1.12.4.1.4.2"


class Held:
    """A source that is a dict."""

    def __init__(self, *definitions: Json) -> None:
        self.asked: list[str] = []
        self._held = {one["url"]: one for one in definitions}

    def find(self, canonical: str) -> Json | None:
        self.asked.append(canonical)
        return self._held.get(canonical.partition("|")[0])


def profile(name: str, *elements: Json, of: str = "Patient", base: str | None = None, **more: Any) -> Json:
    """A profile with these elements in its differential; the first part of each path is the type."""
    return {
        "resourceType": "StructureDefinition",
        "url": URL + name,
        "name": name,
        "status": "active",
        "kind": "complex-type" if of[0].islower() or of in {"Extension", "HumanName"} else "resource",
        "abstract": False,
        "type": of,
        "baseDefinition": base or CORE + of,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
        **more,
    }


def element(id_: str, **facets: Any) -> Json:
    """One element by its id; path and slice name are read from it, `max_` and the like lose their underscore."""
    parts = [part.partition(":") for part in id_.split(".")]
    made: Json = {"id": id_, "path": ".".join(name for name, _, _ in parts)}
    if parts[-1][2]:
        made["sliceName"] = parts[-1][2]
    return made | {key.rstrip("_"): value for key, value in facets.items()}


def sliced(*discriminators: tuple[str, str], rules: str = "open", ordered: bool = False) -> Json:
    """The slicing of an element: pairs of type and path."""
    told = [{"type": kind, "path": path} for kind, path in discriminators]
    return {"discriminator": told, "rules": rules, "ordered": ordered}


def extension(name: str, *elements: Json, context: str | list[Json] = "Element", **more: Any) -> Json:
    """The definition of an extension with its url fixed."""
    contexts = [{"type": "element", "expression": context}] if isinstance(context, str) else context
    url = element("Extension.url", fixedUri=URL + name)
    return profile(name, *elements, url, of="Extension", context=contexts, **more)


def told(resource: Json, *definitions: Json, against: str | None = None) -> list[str]:
    """Errors and warnings of a check against the first definition, less the name of its profile at the end."""
    profiles = Profiles(Held(*definitions))
    report = profiles.check(resource, profiles=[against or definitions[0]["url"]])
    ending = f" (profile {against or definitions[0]['url']})"
    heard = [i for i in report.issues if i.severity != "information"]
    return [f"{i.severity} {i.expression}: {i.diagnostics.removesuffix(ending)}" for i in heard]


def places(resource: Json, *definitions: Json, against: str | None = None) -> list[str]:
    """Where the errors of a check stand."""
    profiles = Profiles(Held(*definitions))
    report = profiles.check(resource, profiles=[against or definitions[0]["url"]])
    return [i.expression for i in report.issues if i.severity == "error"]


def asked(resource: Json, *definitions: Json) -> list[BindingQuestion]:
    """The questions of a check against the first definition."""
    return list(Profiles(Held(*definitions)).check(resource, profiles=[definitions[0]["url"]]).bindings)


def patient(**changes: Any) -> Json:
    """A patient with a name."""
    return {"resourceType": "Patient", "name": [{"family": "Ås", "given": ["Kåre"]}], **changes}


def identifier(system: str, value: str = "1") -> Json:
    """An identifier."""
    return {"system": system, "value": value}


def coded(system: str, code: str) -> Json:
    """A concept with one coding."""
    return {"coding": [{"system": system, "code": code}]}


def observation(**changes: Any) -> Json:
    """An observation with a code."""
    return {"resourceType": "Observation", "status": "final", "code": coded("http://loinc.org", "1"), **changes}
