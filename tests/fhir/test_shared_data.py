"""The official examples and Synthea's bundles: all of it validates, all of it is extracted."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator

import pytest

from fellesjournal.fhir import IndexRows, encode, extract, keyed_hash, parse, validate
from fellesjournal.fhir.compile_validator import accepts
from tests.fhir.samples import Json
from tests.needs import SHARED
from tools.vendor_fhir import TARGET, trim

PACKAGE = SHARED / "data/fhir-r4-core/hl7.fhir.r4.core-4.0.1.tgz"
EXAMPLES = SHARED / "data/fhir-r4-examples-dev"
SYNTHEA = SHARED / "data/synthea-dev/synthea_r4_12_bundles.tgz"

REALLY_INVALID = {
    "EventDefinition-example.json": "its narrative has white space only (txt-2)",
    "DeviceMetric-example.json": "parent is a DeviceDefinition, and may be a Device alone",
    "DeviceUseStatement-example.json": "reasonReference is a Procedure, which is none of the types it may be",
}

pytestmark = pytest.mark.needs("shared")


def synthea() -> Iterator[Json]:
    with tarfile.open(SYNTHEA) as tar:
        for member in tar:
            if member.name.endswith(".json") and (file := tar.extractfile(member)):
                yield parse(file.read())


@pytest.mark.slow
def test_vendored_definitions_are_what_the_package_says() -> None:
    assert gzip.decompress(TARGET.read_bytes()) == trim(PACKAGE)


def test_every_official_example_validates_but_the_ones_with_a_reason() -> None:
    faults = {path.name: validate(parse(path.read_bytes())) for path in sorted(EXAMPLES.glob("*.json"))}
    assert len(faults) > 100
    assert {name for name, issues in faults.items() if issues} == REALLY_INVALID.keys()


def test_every_official_example_is_extracted() -> None:
    rows = IndexRows()
    hash64 = keyed_hash(b"test")
    for n, path in enumerate(sorted(EXAMPLES.glob("*.json"))):
        extract(parse(path.read_bytes()), into=rows, n=n, hash64=hash64)
    assert len(rows.token_h) > 500 and len(rows.reference_h) > 200


def test_every_official_example_survives_the_round_trip() -> None:
    for path in EXAMPLES.glob("*.json"):
        document = parse(path.read_bytes())
        assert parse(encode(document)) == document


def test_synthea_is_accepted_by_the_fast_path_alone() -> None:
    entries = [entry["resource"] for bundle in synthea() for entry in bundle["entry"]]
    assert len(entries) > 1000
    assert [entry["resourceType"] for entry in entries if not accepts(entry)] == []
