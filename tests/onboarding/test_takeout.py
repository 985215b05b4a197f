# ruff: noqa: E501 - queries read best a line each
"""A controller's data taken out whole: every version of its rows, and none of anybody else's."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fellesjournal.kit import db
from fellesjournal.kit.sealed_file import MAGIC
from fellesjournal.onboarding.takeout import BadArchive, Manifest, NotTakenOut, Wish, read_archive, take_out, unpack
from tests.site import ELDERLY, GP, LEGEVAKT_NURSE, Site

OURS, OTHER = "Tindvåg kommune", "Øvreskog kommune"
WISH = Wish(OURS, "Olga Operatør", "Kommunen bytter leverandør 1. januar")
DONE = (
    "SELECT {} FROM vault.takeout t WHERE manifest IS NOT NULL AND controller = (SELECT u.id FROM identity.unit u"
    f" WHERE u.name = '{OURS}')"
)
UNITS = "SELECT x.id FROM identity.unit c JOIN identity.unit x ON x.controller = c.id WHERE c.name = $1"
Json = dict[str, Any]


def take(site: Site, out: Path, wish: Wish = WISH, **more: Any) -> Manifest:
    async def run() -> Manifest:
        async with await db.Database.connect(site.settings, site.keys, "fj_migrate", max_size=1) as operator:
            return await take_out(operator, site.keys, out, wish=wish, **more)

    made: Manifest = apart(run)
    return made


def apart(run: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(run())  # type: ignore[arg-type]


def lines(folder: Path, part: str) -> list[Json]:
    files = sorted((folder / part).glob("*.ndjson")) if (folder / part).exists() else []
    return [json.loads(line) for one in files for line in one.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def taken(demo_site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, Path]:
    """What the municipality answers for, after its GP company's doctor read of it and it wrote a binary."""
    me = f"Patient/{demo_site.patient_id(ELDERLY)}"
    with demo_site.fhir(GP) as doctor:
        doctor.get("/Encounter", params={"patient": me}).raise_for_status()
        answer = doctor.post(
            "/Binary", content=b"bilde " * 300_000,
            headers={"Content-Type": "image/png", "X-Security-Context": me},
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
    file = tmp_path_factory.mktemp("takeout") / "tindvaag.fjt"
    made = take(demo_site, file, passphrase="hemmelig nok")
    folder = file.with_name("ut")
    assert unpack(file, demo_site.keys, folder, passphrase="hemmelig nok") == made
    return made, folder


def test_every_version_of_the_controllers_rows_is_there_as_it_was_written_and_none_of_anothers(
    demo_site: Site, taken: tuple[Manifest, Path]
) -> None:
    manifest, folder = taken
    row = demo_site.row(
        f"SELECT count(*) AS n, array_agg(DISTINCT h.org) AS units, bool_or(h.version > 1) AS has_history,"
        f" array_agg(h.pid || '/' || h.version || '/' || encode(sha256(convert_to(coalesce(s.body, h.body, ''), 'UTF8')), 'hex')) AS all"
        f" FROM vault.history h LEFT JOIN vault.shielded s USING (slot, pid, version)"
        f" WHERE h.org IN ({UNITS}) AND h.xid < ({DONE.format('began')})", OURS,
    )  # fmt: skip
    texts = [t for one in sorted((folder / "versions").glob("*")) for t in one.read_text("utf-8").splitlines()]
    found = [json.loads(text) for text in texts]
    bodies = ["" if body == "null" else body for text in texts if (body := text.partition('"resource": ')[2][:-1])]
    keys = {
        f"{one['number']}/{one['version']}/{hashlib.sha256(body.encode()).hexdigest()}"
        for one, body in zip(found, bodies, strict=True)
    }
    assert manifest.parts["versions"].lines == len(found) == row["n"] > 1000
    assert keys == set(row["all"])
    assert {one["unit"] for one in found} == set(row["units"]) <= set(manifest.units)
    foreign = demo_site.row(f"SELECT array_agg(x) AS units FROM ({UNITS.replace('x.id', 'x.id AS x', 1)}) q", OTHER)
    assert set(foreign["units"]).isdisjoint(manifest.units)


def test_whom_another_controller_registered_comes_as_a_person_and_nothing_more(taken: tuple[Manifest, Path]) -> None:
    manifest, folder = taken
    persons = lines(folder, "persons")
    assert persons and {one["type"] for one in persons} == {"Patient"}
    assert not {one["unit"] for one in persons} & set(manifest.units)
    assert {one["number"] for one in persons} <= {one.get("patient") for one in lines(folder, "versions")}


def test_the_log_of_readings_of_its_rows_goes_along_whoever_read(
    demo_site: Site, taken: tuple[Manifest, Path]
) -> None:
    folder = taken[1]
    log, own = lines(folder, "log"), {one["number"] for one in lines(folder, "versions")}
    controller = demo_site.row("SELECT id FROM identity.unit WHERE name = $1", OURS)["id"]
    assert log
    for line in log:
        assert line["controller"] == controller or own & set(line["what"] or ())
    others = [line for line in log if line["controller"] != controller and line["disclosed_from"] == [controller]]
    assert any(line["action"] == "search" for line in others), "the GP's reading of the municipality's contacts"
    assert demo_site.row("SELECT name FROM identity.person WHERE id = $1", others[-1]["person"])["name"] == GP


def test_what_concerns_its_units_goes_along_and_no_number_of_anyone(
    demo_site: Site, taken: tuple[Manifest, Path]
) -> None:
    manifest, folder = taken
    units = set(manifest.units)
    assert {one["id"] for one in lines(folder, "units")} == units
    assert {one["unit"] for one in lines(folder, "posts")} <= units
    assert {one["unit"] for one in lines(folder, "facts")} <= units
    staff = lines(folder, "staff")
    assert LEGEVAKT_NURSE in {one["name"] for one in staff}
    assert {key for one in staff for key in one} == {"id", "kind", "name", "practitioner", "licence"}
    kept = json.loads(demo_site.row(DONE.format("manifest::text AS m"))["m"])
    assert kept["parts"]["units"]["lines"] == len(units)


def test_a_practice_takes_its_binary_whole(demo_site: Site, tmp_path: Path) -> None:
    company = demo_site.row("SELECT c.name FROM identity.unit u JOIN identity.unit c ON c.id = u.controller JOIN identity.post o"
                            " ON o.unit = u.id JOIN identity.person p ON p.id = o.person WHERE p.name = $1 LIMIT 1", GP)["name"]  # fmt: skip
    take(demo_site, tmp_path / "x.fjt", Wish(company, "Olga", "Legekontoret går ut av samarbeidet"))
    unpack(tmp_path / "x.fjt", demo_site.keys, tmp_path / "x")
    pieces = lines(tmp_path / "x", "binaries")
    (id_,) = {one["id"] for one in pieces}
    assert b"".join(base64.b64decode(one["content"]) for one in pieces) == b"bilde " * 300_000
    assert any(one["id"] == id_ and one["type"] == "Binary" for one in lines(tmp_path / "x", "versions"))


def test_each_person_finds_it_in_the_own_log(demo_site: Site, taken: tuple[Manifest, Path]) -> None:
    row = demo_site.row(
        "SELECT count(DISTINCT l.patient) AS n, bool_and(p.name LIKE 'Uttak%') AS named FROM access.log l JOIN identity.person p"
        " ON p.id = l.person WHERE l.action = 'export' AND l.patient > 0 AND l.ground_ref = "
        f"({DONE.format('id')})"
    )  # fmt: skip
    people = {one.get("patient", 0) for one in lines(taken[1], "versions")}
    assert row["n"] == len([one for one in people if one > 0])
    assert row["named"]


def test_what_is_broken_off_leaves_nothing_and_no_grant(demo_site: Site, tmp_path: Path) -> None:
    def stop(_people: int) -> None:
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        take(demo_site, tmp_path / "half.fjt", on_progress=stop)
    for bad in (Wish("Ingen kommune", "Olga", WISH.reason), Wish(OURS, "Olga", "kort"), Wish(OURS, " ", WISH.reason)):
        with pytest.raises(NotTakenOut):
            take(demo_site, tmp_path / "half.fjt", bad)
    assert list(tmp_path.iterdir()) == []
    live = demo_site.row(
        "SELECT count(*) AS n FROM access.system_grant WHERE purpose = 'TAKEOUT' AND until_at > clock_timestamp()"
    )
    assert live["n"] == 0


def test_a_file_that_is_not_whole_is_refused_and_leaves_no_folder(
    demo_site: Site, taken: tuple[Manifest, Path], tmp_path: Path
) -> None:
    whole = (taken[1].parent / "tindvaag.fjt").read_bytes()
    turned = bytearray(whole)
    turned[len(whole) // 2] ^= 1
    for content in (whole[:-1], bytes(turned), MAGIC, b"", b"{}"):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(BadArchive):
            unpack(tmp_path / "bad", demo_site.keys, tmp_path / "out", passphrase="hemmelig nok")
    with pytest.raises(BadArchive):
        read_archive(taken[1].parent / "tindvaag.fjt", demo_site.keys, passphrase="en annen")
    assert [one.name for one in tmp_path.iterdir()] == ["bad"]


def test_nobody_takes_out_without_an_operators_grant(demo_site: Site) -> None:
    async def ask() -> None:
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_migrate", max_size=1) as operator:
            for secret in (b"", demo_site.token(GP).encode()):
                begin = await operator.fetchrow("SELECT * FROM vault.takeout_begin($1, $2, 'Olga', $3)", secret, OURS, WISH.reason)
                assert begin is not None and begin["verdict"] == "none"
                with pytest.raises(db.DbError):
                    await operator.fetch("SELECT * FROM vault.takeout_versions($1, 1, '{0}', 0::smallint, 0, 0, 9)", secret)
        async with await db.Database.connect(demo_site.settings, demo_site.keys, "fj_web", max_size=1) as web:
            with pytest.raises(db.InsufficientPrivilege):
                await web.fetch("SELECT * FROM vault.takeout_begin('', 'x', 'x', 'xxxxxxxxxxx')")

    apart(ask)
