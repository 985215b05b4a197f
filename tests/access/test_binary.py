# ruff: noqa: E501 - tables of what is tried read best a line each
"""Content of Binaries at the vault's doors: nobody's until kept, then shown as its version is, and only after the log."""

import os
from typing import Any

import pytest

from fellesjournal import fhir
from fellesjournal.kit import db
from fellesjournal.kit.ids import new_pid
from fellesjournal.record.rows import Wanted, gather
from tests.access.conftest import Stage
from tests.access.test_rows import read, version_of, write
from tests.record.search.world import UNIT_A, UNIT_B, WRITE, Known

BINARY = fhir.TYPE_NUMBER["Binary"]
STAGE = "SELECT vault.stage_chunk($1, $2, $3, $4)"
KEEP = "SELECT vault.keep_blob($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
CHUNK = "SELECT bytes, content FROM vault.read_chunk($1, $2, $3, $4, $5, $6)"


def binary(stage: Stage, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "securityContext": {"reference": stage.mine.ref},
        **more,
    }


async def staged(stage: Stage, who: str, *pieces: bytes) -> int:
    upload = new_pid()
    for n, piece in enumerate(pieces):
        assert await stage.web.fetchval(STAGE, stage.world.secrets[who], upload, n, piece) == 200
    return upload


async def kept(
    stage: Stage, who: str, pieces: tuple[bytes, ...], *, resource: dict[str, Any] | None = None, upload: int = 0,
    keeper: str = "", context: Known | None = None,
) -> tuple[Known | None, bool]:  # fmt: skip
    """A Binary with content, in one transaction; whether the content was kept."""
    upload = upload or await staged(stage, who, *pieces)
    key = new_pid()
    wanted = Wanted("C", "Binary", stage.mine.slot, key, UNIT_B if who == "b" else UNIT_A, resource or binary(stage))
    secret, keeper_secret = stage.world.secrets[who], stage.world.secrets[keeper or who]
    async with stage.web.transaction() as conn:
        rows = await conn.fetch(WRITE, secret, *gather([wanted], hash64=stage.world.hash64).arguments())
        assert rows[0]["status"] == 201
        is_kept = await conn.fetchval(
            KEEP, keeper_secret, upload, len(pieces), sum(map(len, pieces)), b"d", BINARY, stage.mine.slot, key, 1,
            *((fhir.TYPE_NUMBER[context.rtype], context.slot, context.pid) if context else (None, None, None)),
        )  # fmt: skip
    if not is_kept:
        return None, False
    return Known(
        "Binary",
        stage.mine.slot,
        key,
        stage.mine.pid,
        (),
        UNIT_A,
        stage.mine.date,
        stage.mine.updated,
        fhir.IndexRows(),
    ), True


async def chunk(stage: Stage, who: str, known: Known, n: int = 0, *, version: int = 1) -> Any:
    row = await stage.web.fetchrow(CHUNK, stage.world.secrets[who], BINARY, known.slot, known.pid, version, n)
    return row and row["content"]


async def test_content_comes_back_piece_by_piece_after_the_logged_reading(stage: Stage) -> None:
    made, _ = await kept(stage, "loader", (b"en", b"to"))
    assert made is not None
    assert await chunk(stage, "a", made) is None
    assert await read(stage, "a", made) == 200
    assert [await chunk(stage, "a", made, n) for n in (0, 1)] == [b"en", b"to"]
    row = await stage.web.fetchrow(CHUNK, stage.world.secrets["a"], BINARY, made.slot, made.pid, 1, -1)
    assert (row["bytes"], row["content"]) == (4, None)
    assert await chunk(stage, "a", made, version=2) is None
    assert await chunk(stage, "a", made, version=0) is None


async def test_who_has_no_need_gets_no_piece_with_or_without_a_reading(stage: Stage) -> None:
    made, _ = await kept(stage, "a", (b"en",))
    assert made is not None
    assert await read(stage, "b", made) == 404
    assert await chunk(stage, "b", made) is None
    assert await stage.web.fetchrow(CHUNK, os.urandom(32), BINARY, made.slot, made.pid, 1, 0) is None


async def test_each_piece_is_decided_anew(stage: Stage) -> None:
    made, _ = await kept(stage, "loader", (b"en", b"to"))
    assert made is not None
    assert await read(stage, "a", made) == 200
    assert await chunk(stage, "a", made) == b"en"
    await stage.world.admin.execute("INSERT INTO access.block (patient) VALUES ($1)", stage.mine.pid)
    assert await chunk(stage, "a", made, 1) is None


async def test_a_later_version_that_names_somebody_else_hides_the_earlier_content(stage: Stage) -> None:
    made, _ = await kept(stage, "loader", (b"en",))
    assert made is not None
    assert await read(stage, "a", made, version=1) == 200
    assert await chunk(stage, "a", made) == b"en"
    named = binary(
        stage, meta={"extension": [{"url": "http://x.no/om", "valueReference": {"reference": stage.theirs.ref}}]}
    )
    assert await write(stage, "loader", version_of(made, named)) == [200]
    assert await chunk(stage, "a", made) is None


async def test_nothing_staged_can_be_read_or_kept_by_another(stage: Stage) -> None:
    await stage.world.relate(UNIT_B, [stage.mine])
    upload = await staged(stage, "a", b"hemmelig")
    assert await kept(stage, "b", (b"hemmelig",), upload=upload) == (None, False)
    assert await kept(stage, "a", (b"hemmelig",), upload=upload, keeper="b") == (None, False)
    with pytest.raises(db.UniqueViolation):
        await stage.web.fetchval(STAGE, stage.world.secrets["b"], upload, 0, b"x")
    await stage.web.fetchval("SELECT vault.drop_upload($1, $2)", stage.world.secrets["b"], upload)
    made, is_kept = await kept(stage, "a", (b"hemmelig",), upload=upload)
    assert is_kept and made
    assert await kept(stage, "a", (b"hemmelig",), upload=upload) == (None, False)
    await stage.web.fetchval("SELECT vault.drop_upload($1, $2)", stage.world.secrets["a"], upload)
    assert await read(stage, "a", made) == 200
    assert await chunk(stage, "a", made) == b"hemmelig"


async def test_a_missing_piece_or_a_wrong_length_is_not_kept(stage: Stage) -> None:
    upload = await staged(stage, "a", b"en")
    assert (await kept(stage, "a", (b"en", b"to"), upload=upload))[1] is False
    assert (await kept(stage, "a", (b"tre",), upload=await staged(stage, "a", b"en")))[1] is False


async def test_content_is_kept_only_with_a_version_of_this_transaction(stage: Stage) -> None:
    made, _ = await kept(stage, "a", (b"en",))
    assert made is not None
    upload = await staged(stage, "a", b"to")
    assert await stage.web.fetchval(
        KEEP, stage.world.secrets["a"], upload, 1, 2, b"d", BINARY, made.slot, made.pid, 1, None, None, None
    ) is False  # fmt: skip


async def test_a_context_of_another_patient_is_refused(stage: Stage) -> None:
    assert (await kept(stage, "loader", (b"en",), context=stage.their_row))[1] is False
    made, is_kept = await kept(stage, "loader", (b"en",), context=stage.my_row)
    assert is_kept and made
    assert await read(stage, "a", made) == 200
    assert await chunk(stage, "a", made) == b"en"


async def test_what_was_never_kept_is_swept_after_an_hour(stage: Stage) -> None:
    made, _ = await kept(stage, "a", (b"en",))
    lost, fresh = await staged(stage, "a", b"1", b"2"), await staged(stage, "a", b"3", b"4")
    await stage.world.admin.execute(
        "UPDATE vault.blob_chunk SET staged_at = now() - interval '2 hours' WHERE upload = $1 OR (upload = $2 AND n = 0) OR patient IS NOT NULL",
        lost,
        fresh,
    )
    async with await stage.world.test.connect("fj_worker") as worker:
        assert await worker.fetchval("SELECT vault.sweep_uploads()") == 2
    assert await stage.world.admin.fetchval("SELECT count(*) FROM vault.blob_chunk") == 3
    assert made is not None and await read(stage, "a", made) == 200
    assert await chunk(stage, "a", made) == b"en"


async def test_who_may_not_write_stages_nothing_and_no_role_reads_the_tables(stage: Stage) -> None:
    assert await stage.web.fetchval(STAGE, os.urandom(32), new_pid(), 0, b"x") == 401
    for statement in (
        "SELECT * FROM vault.blob",
        "SELECT * FROM vault.blob_chunk",
        "SELECT vault.sweep_uploads()",
        "DELETE FROM vault.blob_chunk",
    ):
        with pytest.raises(db.InsufficientPrivilege):
            await stage.web.fetch(statement)
    everything = "SELECT 0::smallint AS k, slot, pid, 1::smallint AS rtype, version, now() AS updated, patient, now() AS sort, '' AS body, org FROM vault.blob"
    with pytest.raises(db.InsufficientPrivilege):
        await stage.search(stage.world.secrets["a"], [stage.mine.pid], everything)
