"""Maintainer's command: trim the official FHIR R4 package to what validation and search need.

    python tools/vendor_fhir.py hl7.fhir.r4.core-4.0.1.tgz

Writes `src/fellesjournal/fhir/definitions/r4.json.gz`: the same bytes for the same package.
"""

from __future__ import annotations

import gzip
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "src/fellesjournal/fhir/definitions/r4.json.gz"
CORE = "http://hl7.org/fhir/StructureDefinition/"
MOST = "elementdefinition-maxValueSet"
FHIR_TYPE = CORE + "structuredefinition-fhir-type"
CHECKED_BY_STRUCTURE = frozenset({"ele-1", "ext-1", "dom-2", "ref-1", "txt-1", "txt-2"})
"""Invariants that the structure check of the product says itself: they hold for nearly every element."""
Json = dict[str, Any]


def main(package: Path) -> None:
    """Read the package, write the vendored file, and say what it holds."""
    body = trim(package)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_bytes(gzip.compress(body, 9, mtime=0))
    print(f"{len(body):,} bytes, {TARGET.stat().st_size:,} compressed")


def trim(package: Path) -> bytes:
    """Return the trimmed definitions as JSON."""
    files = read_package(package)
    systems = {f["url"]: f for f in files if f["resourceType"] == "CodeSystem"}
    value_sets = {f["url"]: f for f in files if f["resourceType"] == "ValueSet"}
    codes = {f["url"]: f["code"] for f in files if f["resourceType"] == "SearchParameter"}
    types = {f["name"]: trim_structure(f) for f in files if is_base_structure(f)}
    trimmed = {
        "version": "4.0.1",
        "types": types,
        "extensible": {path: url for f in files if is_base_structure(f) for path, url in extensible_bindings(f)},
        "rules": {path: rules for f in files if is_base_structure(f) for path, rules in rules_of(f, files=files)},
        "codes": enumerable_bindings(types, value_sets=value_sets, systems=systems),
        "params": [trim_parameter(f, codes=codes) for f in files if is_search_parameter(f)],
        "compartments": {f["code"]: trim_compartment(f) for f in files if is_compartment(f)},
    }
    return json.dumps(trimmed, separators=(",", ":"), ensure_ascii=False).encode()


def read_package(package: Path) -> list[Json]:
    """Return every resource of the package, by file name."""
    with tarfile.open(package) as tar:
        members = sorted((m for m in tar if m.name.startswith("package/")), key=lambda m: m.name)
        loaded = [json.load(f) for m in members if m.name.endswith(".json") and (f := tar.extractfile(m))]
    return [f for f in loaded if "resourceType" in f and "url" in f]


def is_base_structure(f: Json) -> bool:
    """Tell whether this defines a type of its own, not a profile, an extension or a logical model."""
    kinds = {"resource", "complex-type", "primitive-type"}
    if f["resourceType"] != "StructureDefinition" or f.get("derivation") == "constraint":
        return False
    return "snapshot" in f and str(f["kind"]) in kinds


def is_search_parameter(f: Json) -> bool:
    """Tell whether this is an official parameter, not one of the package's illustrations."""
    return (
        f["resourceType"] == "SearchParameter" and bool(f.get("base")) and not f["id"].startswith("example")
    )


def is_compartment(f: Json) -> bool:
    """Tell whether this is one of the five official compartments."""
    return f["resourceType"] == "CompartmentDefinition" and str(f["id"]) != "example"


def trim_structure(f: Json) -> Json:
    """Keep a type's kind and its elements:
    [path, min, max, types, required binding, content reference, and where there is more to say: whether it belongs in a
    summary, which types a reference may name].
    """
    elements = [trim_element(e) for e in f["snapshot"]["element"][1:]]
    return {"kind": f["kind"], "abstract": f["abstract"], "elements": elements}


def trim_element(e: Json) -> list[Any]:
    """Keep what a validator needs of one element."""
    types = [type_code(t, path=e["path"]) for t in e.get("type", [])]
    required = required_value_set(e)
    reference = e["contentReference"].lstrip("#") if "contentReference" in e else None
    targets = reference_targets(e)
    more = [bool(e.get("isSummary")), targets] if targets else [True] if e.get("isSummary") else []
    return [e["path"], e["min"], e["max"], types, required or None, reference, *more]


def required_value_set(e: Json) -> str | None:
    """Name the value set that a code must be of: the required one, or what a plain code may not go beyond."""
    binding = e.get("binding", {})
    if binding.get("strength") == "required":
        return str(binding.get("valueSet", "")).split("|")[0]
    if [t["code"] for t in e.get("type", [])] != ["code"]:
        return None
    return next((x["valueCanonical"] for x in binding.get("extension", []) if x["url"] == CORE + MOST), None)


def extensible_bindings(f: Json) -> Iterator[tuple[str, str]]:
    """Yield (path, value set) of a type's elements whose codes are recommended."""
    for e in f["snapshot"]["element"][1:]:
        binding = e.get("binding", {})
        if binding.get("strength") == "extensible" and "valueSet" in binding:
            yield e["path"].replace("[x]", ""), binding["valueSet"].split("|")[0]


def reference_targets(e: Json) -> list[str]:
    """Name the types that a reference may name; empty where it may name any, and for what is no reference."""
    named = [url for t in e.get("type", []) if t["code"] == "Reference" for url in t.get("targetProfile", [])]
    targets = [url.removeprefix(CORE) for url in named]
    return [] if "Resource" in targets else targets


def rules_of(f: Json, *, files: list[Json]) -> Iterator[tuple[str, list[Any]]]:
    """Yield (path, [[key, is an error, what a human reads, expression], …]) of a type's elements.

    What every resource inherits stands with `DomainResource` alone. A quantity that the package calls simple has the
    rules of that profile too.
    """
    profiles = {p["url"]: p for p in files if p["resourceType"] == "StructureDefinition"}
    for e in f["snapshot"]["element"]:
        used = [profiles[url] for t in e.get("type", []) if t["code"] == "Quantity" for url in t.get("profile", [])]
        rules = [*e.get("constraint", []), *(c for p in used for c in p["snapshot"]["element"][0]["constraint"])]
        inherited = CORE + "Quantity" if used else CORE + "DomainResource"
        own = [trim_rule(c) for c in rules if is_own(c, of=f["url"], not_of=inherited)]
        if own:
            yield e["path"].replace("[x]", ""), own


def is_own(rule: Json, *, of: str, not_of: str) -> bool:
    """Tell whether a rule is to be kept with this type."""
    is_inherited = rule.get("source") == not_of and of != not_of
    return rule["key"] not in CHECKED_BY_STRUCTURE and not is_inherited and "expression" in rule


def trim_rule(rule: Json) -> list[Any]:
    """Keep what a validator needs of one invariant."""
    return [rule["key"], rule["severity"] == "error", rule["human"], rule["expression"]]


def type_code(t: Json, *, path: str) -> str:
    """Name an element's type, and mend the package's `System.String` types (Resource.id is an `id`)."""
    if not t["code"].startswith("http:"):
        return str(t["code"])
    if path.count(".") == 1 and path.endswith(".id") and path[0].isupper():
        return "id-or-string"
    return next((x["valueUrl"] for x in t.get("extension", []) if x["url"] == FHIR_TYPE), "string")


def enumerable_bindings(
    types: dict[str, Json], *, value_sets: dict[str, Json], systems: dict[str, Json]
) -> dict[str, list[Any]]:
    """List the codes of every required binding that the package's own code systems can spell out."""
    wanted = {e[4] for t in types.values() for e in t["elements"] if e[4]}
    found = {url: expand(value_sets[url], systems=systems) for url in sorted(wanted) if url in value_sets}
    return {url: codes for url, codes in found.items() if codes}


def expand(value_set: Json, *, systems: dict[str, Json]) -> list[Any] | None:
    """Return [[system, [codes]], …], or None where the set is open or not spelt out here."""
    compose = value_set.get("compose", {})
    if compose.get("exclude") or not compose.get("include"):
        return None
    parts = [included(i, systems=systems) for i in compose["include"]]
    return None if None in parts else parts


def included(include: Json, *, systems: dict[str, Json]) -> list[Any] | None:
    """Return [system, [codes]] of one part of a value set, or None."""
    if "filter" in include or "valueSet" in include:
        return None
    if "concept" in include:
        return [include["system"], [c["code"] for c in include["concept"]]]
    system = systems.get(include["system"])
    if not system or system.get("content") != "complete":
        return None
    return [include["system"], list(all_codes(system["concept"]))]


def all_codes(concepts: list[Json]) -> list[str]:
    """Flatten a hierarchy of concepts."""
    return [code for c in concepts for code in [c["code"], *all_codes(c.get("concept", []))]]


def trim_parameter(f: Json, *, codes: dict[str, str]) -> list[Any]:
    """Keep [code, type, bases, expression, target types, [[component's code, expression], …]]."""
    components = [[codes[c["definition"]], c["expression"]] for c in f.get("component", [])]
    return [f["code"], f["type"], f["base"], f.get("expression"), f.get("target", []), components]


def trim_compartment(f: Json) -> Json:
    """Keep which parameters put a resource of each type into this compartment."""
    return {r["code"]: r["param"] for r in f["resource"] if r.get("param")}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
