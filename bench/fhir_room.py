"""What one core does in the FHIR room: parse, validate and extract, over Synthea bundles.

    python bench/fhir_room.py FOLDER_OR_TGZ [--rounds 5]

Prints CPU time, so that a busy machine does not blur it: microseconds for each resource, best of the rounds.
"""

from __future__ import annotations

import argparse
import resource as usage
import tarfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from unittest import mock

from fellesjournal import fhir
from fellesjournal.fhir import compile_validator

Json = dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bundles = list(read_bodies(options.source))
    resources = [resource for bundle in bundles for resource in linked(fhir.parse(bundle))]
    bodies = [fhir.encode(r) for r in resources]
    hash64 = fhir.keyed_hash(b"bench")
    print(f"{len(bodies)} resources, {sum(map(len, bodies)) // len(bodies)} bytes each")
    steps: dict[str, Callable[[], object]] = {
        "parse": lambda: [fhir.parse(b) for b in bodies],
        "parse whole bundles": lambda: [fhir.parse(b) for b in bundles],
        "validate": lambda: [fhir.validate(r) for r in resources],
        "  its structure alone": structure_check(resources),
        "  told in words": lambda: [fhir.examine(r) for r in resources],
        "extract": lambda: index(resources, hash64=hash64),
        "all three": lambda: index(read_all(bodies), hash64=hash64),
    }
    for name, step in steps.items():
        seconds = best(step, rounds=options.rounds) / len(bodies)
        print(f"{name:22}{seconds * 1e6:8.1f} µs {1 / seconds:10,.0f} /s")
    rows = index(resources, hash64=hash64)
    print(f"{'index rows each':22}{len_rows(rows) / len(bodies):8.1f}")
    print(f"{'memory':22}{usage.getrusage(usage.RUSAGE_SELF).ru_maxrss / 1024:8.1f} MB")


def read_bodies(source: Path) -> Iterable[bytes]:
    """Return the JSON files of a folder or an archive."""
    if source.is_dir():
        yield from (p.read_bytes() for p in sorted(source.glob("*.json")))
        return
    with tarfile.open(source) as tar:
        yield from (f.read() for m in tar if m.name.endswith(".json") and (f := tar.extractfile(m)))


def linked(bundle: Json) -> list[Json]:
    """The resources of a bundle, their placeholders made into the local references that stored resources have."""
    types = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
    return [relative(entry["resource"], types=types) for entry in bundle["entry"]]


def relative(value: Any, *, types: dict[str, str]) -> Any:
    """Make placeholders look like references to resources of their types."""
    if isinstance(value, dict):
        return {k: placeholder(v, types) if k == "reference" else relative(v, types=types) for k, v in value.items()}
    return [relative(v, types=types) for v in value] if isinstance(value, list) else value


def placeholder(reference: Any, types: dict[str, str]) -> Any:
    """Turn urn:uuid:x into Type/x: good enough to measure with."""
    if not isinstance(reference, str):
        return relative(reference, types=types)
    return reference.replace("urn:uuid:", f"{types.get(reference, 'Patient')}/")


def structure_check(resources: list[Json]) -> Callable[[], object]:
    """The same fast path, compiled without invariants and without the targets of references."""
    known = dict(compile_validator._objects)
    compile_validator._objects.clear()
    nothing = mock.patch.multiple(
        compile_validator, rules_of=lambda _path: (), rules_at=lambda _path, _field: (),
        _reference=lambda _targets: compile_validator._object("Reference"),
    )  # fmt: skip
    with nothing:
        checks = {name: compile_validator._object(name) for name in {r["resourceType"] for r in resources}}
    compile_validator._objects.clear()
    compile_validator._objects.update(known)
    return lambda: [checks[r["resourceType"]](r) for r in resources]


def read_all(bodies: list[bytes]) -> Iterable[Json]:
    """Parse and validate each body."""
    for body in bodies:
        resource = fhir.parse(body)
        assert not fhir.validate(resource)
        yield resource


def index(resources: Iterable[Json], *, hash64: Callable[[str], int]) -> fhir.IndexRows:
    """Extract the rows of all resources."""
    rows = fhir.IndexRows()
    for n, resource in enumerate(resources):
        fhir.extract(resource, into=rows, n=n, hash64=hash64)
    return rows


def len_rows(rows: fhir.IndexRows) -> int:
    """Count all index rows."""
    return sum(
        len(getattr(rows, f"{k}_n")) for k in ("token", "reference", "date", "quantity", "string", "uri")
    )


def best(step: Callable[[], object], *, rounds: int) -> float:
    """Return the shortest time of a step."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
