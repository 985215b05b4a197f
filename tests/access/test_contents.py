# ruff: noqa: E501 - tables of what is tried read best a line each
"""What stands behind the address of a document's attachment is closed as the document is, whichever was written first, and open again with it."""

from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.fhir.structures import structure
from fellesjournal.kit import ids
from fellesjournal.record.ownership import DIRECTORY_TYPES
from tests.access.conftest import Stage
from tests.access.test_binary import chunk, kept
from tests.access.test_blocks import block, charted, citizen, hidden, told
from tests.access.test_rows import history, read, version_of, write
from tests.record.search.world import Known

FOR_CITIZEN, FOR_ALL = "NORN_FFL", "NORS"


def label(code: str, **more: Any) -> dict[str, Any]:
    return {"security": [{"system": "urn:oid:2.16.578.1.12.4.1.1.9603", "code": code, **more}]} if code else {}


def letter(stage: Stage, content: Known, code: str = "", *, address: str = "", **more: Any) -> dict[str, Any]:
    meta = {"meta": label(code)} if code else {}
    return {
        "resourceType": "DocumentReference", "status": "current", "subject": {"reference": stage.mine.ref},
        "content": [{"attachment": {"url": address or content.ref}}], **meta, **more,
    }  # fmt: skip


async def content_of(stage: Stage, *, is_nobodys: bool = False) -> Known:
    context = {} if is_nobodys else {"securityContext": {"reference": stage.mine.ref}}
    (made,) = await stage.world.write([{"resourceType": "Binary", "contentType": "text/plain", **context}])
    return made


async def test_content_written_before_is_closed_with_its_document_and_opens_with_it_in_every_version(stage: Stage) -> None:
    stage.world.secrets["me"] = await citizen(stage, stage.mine)
    made, _ = await kept(stage, "a", (b"brevet",))
    assert made is not None and await read(stage, "me", made) == 200 and await chunk(stage, "me", made) == b"brevet"
    (document,) = await stage.world.write([letter(stage, made, FOR_CITIZEN)])
    assert [await read(stage, "me", one) for one in (document, made)] == [404, 404]
    assert (await read(stage, "me", made, version=1), await history(stage, "me", made), await chunk(stage, "me", made)) == (404, [], None)
    assert made.id not in await charted(stage, "me") and await read(stage, "a", made) == 200
    again = {"resourceType": "Binary", "contentType": "text/plain", "securityContext": {"reference": stage.mine.ref}, "language": "nb"}
    assert await write(stage, "a", version_of(made, again)) == [200]
    assert [await read(stage, "me", made, version=n) for n in (0, 1, 2)] == [404, 404, 404]
    assert await write(stage, "a", version_of(document, letter(stage, made))) == [200]
    assert [await read(stage, "me", made, version=n) for n in (0, 1, 2)] == [200, 200, 200] and await history(stage, "me", made) == [2, 1]
    # The document's first version stays withheld, and names it; the second one, open, does too. A third that names something else closes nothing.
    other = await content_of(stage)
    assert await write(stage, "a", version_of(document, letter(stage, other))) == [200]
    assert await read(stage, "me", made) == 200


async def test_content_that_only_a_closed_version_names_stays_closed(stage: Stage) -> None:
    stage.world.secrets["me"] = await citizen(stage, stage.mine)
    first, second = await content_of(stage), await content_of(stage)
    (document,) = await stage.world.write([letter(stage, first, FOR_CITIZEN)])
    assert await write(stage, "a", version_of(document, letter(stage, second))) == [200]
    assert [await read(stage, "me", one) for one in (document, first, second)] == [200, 404, 200]
    assert await write(stage, "a", version_of(document, letter(stage, second, FOR_CITIZEN))) == [200]
    assert [await read(stage, "me", one) for one in (document, first, second)] == [404, 404, 404]


async def test_content_with_two_documents_is_open_when_neither_is_closed(stage: Stage) -> None:
    stage.world.secrets["me"] = await citizen(stage, stage.mine)
    made = await content_of(stage)
    open_one, closed_one = await stage.world.write([letter(stage, made), letter(stage, made, FOR_CITIZEN)])
    assert [await read(stage, "me", one) for one in (open_one, closed_one, made)] == [200, 404, 404]
    assert await write(stage, "a", version_of(closed_one, letter(stage, made))) == [200]
    assert await read(stage, "me", made) == 200


@pytest.mark.parametrize("is_nobodys", [False, True])
async def test_content_behind_a_blocked_document_is_blocked_also_when_it_was_written_as_nobodys(stage: Stage, is_nobodys: bool) -> None:
    me = stage.world.secrets["me"] = await citizen(stage, stage.mine)
    loader = await stage.world.write([{"resourceType": "Binary", "contentType": "text/plain"}]) if is_nobodys else [await content_of(stage)]
    (document,) = await stage.world.write([letter(stage, loader[0], address=f"https://fhir.example.no/fhir/{loader[0].ref}/_history/1")])
    assert [await read(stage, "a", one) for one in (document, *loader)] == [200, 200]
    made = await block(stage, me, "document", what=document)
    assert [await read(stage, "a", one) for one in (document, *loader)] == [404, 404] and await hidden(stage) == 2
    assert not await told(stage, loader[0])
    assert await stage.web.fetchval("SELECT vault.lift_block($1, true, $2)", me, made) == "ok"
    assert [await read(stage, "a", one) for one in (document, *loader)] == [200, 200]
    (document,) = await stage.world.write([letter(stage, loader[0], FOR_ALL)])
    assert [await read(stage, "a", one) for one in (document, *loader)] == [404, 404]


async def test_content_of_a_delayed_document_is_released_with_it(stage: Stage) -> None:
    stage.world.secrets["me"] = await citizen(stage, stage.mine)
    made = await content_of(stage)
    due = {"extension": [{"url": "https://fellesjournal.no/fhir/StructureDefinition/release-at", "valueInstant": "2026-01-01T00:00:00Z"}]}
    (document,) = await stage.world.write([letter(stage, made, meta=label("NORU", **due))])
    assert [await read(stage, "me", one) for one in (document, made)] == [404, 404]
    assert await stage.world.admin.fetchval("SELECT vault.release_due()") == 1
    assert [await read(stage, "me", one) for one in (document, made)] == [200, 200]


async def test_what_was_written_before_content_was_noted_is_closed_by_the_worker(stage: Stage) -> None:
    stage.world.secrets["me"] = await citizen(stage, stage.mine)
    made = await content_of(stage)
    await stage.world.write([letter(stage, made, FOR_CITIZEN)])
    await stage.world.admin.execute("TRUNCATE vault.attached")
    await stage.world.admin.execute("UPDATE vault.resource SET sens = 0 WHERE pid = $1", made.pid)
    await stage.world.admin.execute("UPDATE vault.classing SET config = 'before', is_done = true")
    assert await read(stage, "me", made) == 200
    while await stage.world.admin.fetchval("SELECT vault.reclassify(100)"):
        pass
    assert await read(stage, "me", made) == 404


async def test_the_database_reads_ids_as_the_program_spells_them(stage: Stage) -> None:
    for slot, pid in ((0, 1), (1, 2**62 + 12345), (4095, 2**63 - 1), (257, 0x1234567890ABCDE)):
        assert await stage.world.admin.fetchval("SELECT vault.number_of($1)", ids.encode(slot, pid)) == pid
    assert await stage.world.admin.fetchval("SELECT vault.number_of('eget-valg')") is None


def test_every_type_of_a_patients_that_has_attachments_is_looked_at() -> None:
    def attaches(name: str) -> bool:
        fields = structure(name).fields.values()
        return any(f.type == "Attachment" or (str(f.type).startswith(f"{name}.") and attaches(str(f.type))) for f in fields)

    elsewhere = DIRECTORY_TYPES | {"Parameters", "Patient", "Person", "Task", "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein", "SubstanceSpecification"}
    found = {fhir.TYPE_NUMBER[name] for name in fhir.RESOURCE_TYPES if name not in elsewhere and attaches(name)}
    referring = {fhir.TYPE_NUMBER[name] for name in ("Composition", "DocumentManifest")}
    assert found | referring == {11, 19, 20, 23, 24, 26, 29, 30, 40, 41, 42, 53, 74, 113, 114}
