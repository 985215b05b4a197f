"""`fellesjournal log` and the open address of the seals, over a demo."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import httpx
import pytest

from fellesjournal.access import chain
from fellesjournal.cli import log
from fellesjournal.cli.operate import OperatorError
from fellesjournal.kit import db
from tests.site import Site


@pytest.fixture(scope="module", autouse=True)
def sealed(demo_site: Site) -> int:
    async def seal() -> int:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_worker", max_size=1) as worker:
            return await chain.seal_log(worker, keys=demo_site.keys, batch=50)

    return asyncio.run(seal())


def command(site: Site, *words: str) -> int:
    parser = argparse.ArgumentParser()
    log.add_command(parser.add_subparsers())
    arguments = parser.parse_args(["log", *words])
    return int(arguments.run(site.settings, arguments))


def test_seals_are_printed_published_and_verified(
    demo_site: Site, sealed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sealed > 2
    assert command(demo_site, "seals") == 0
    printed = capsys.readouterr().out
    assert len(chain.read_published(printed)) == sealed
    with httpx.Client(base_url=demo_site.url) as stranger:
        assert stranger.get("/logg/segl").text == printed
        assert stranger.get("/logg/segl", params={"fra": str(sealed)}).text == printed.splitlines(keepends=True)[-1]
        assert stranger.get("/logg/segl", params={"fra": "9" * 18}).text == ""
        for bad in ("-1", "x", "9" * 40, "٣"):
            assert stranger.get("/logg/segl", params={"fra": bad}).status_code == 400
    kept = tmp_path / "segl.ndjson"
    kept.write_text(printed)
    assert command(demo_site, "verify", "--seals", str(kept)) == 0
    assert "0 findings" in capsys.readouterr().out


def test_a_file_that_holds_no_seals_is_an_error_of_one_line(demo_site: Site, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_text("{}\n")
    for file in (bad, tmp_path / "missing"):
        with pytest.raises(OperatorError):
            command(demo_site, "verify", "--seals", str(file))


def test_what_was_changed_is_told_with_its_place_and_a_status(
    demo_site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    row = demo_site.row(
        "UPDATE access.log SET outcome = 2 WHERE pos = (SELECT pos FROM access.log ORDER BY xid, pos OFFSET 70 LIMIT 1)"
        " RETURNING xid::text, pos"
    )
    assert command(demo_site, "verify") == 1
    said = capsys.readouterr().out
    assert f"row {row['xid']}/{row['pos']}: this row was changed" in said
    assert "1 findings" in said
