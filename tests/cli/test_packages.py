"""An operator installs packages, looks at them and removes them."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Cli
from tests.packages.making import BASE, codes, package, profile


def test_packages_are_installed_listed_shown_and_removed(cli: Cli, tmp_path: Path) -> None:
    cli.ensure_up()
    param = {
        "resourceType": "SearchParameter", "id": "p", "url": f"{BASE}/SearchParameter/p", "name": "P",
        "status": "active", "description": "d", "code": "cli-text", "base": ["Patient"], "type": "string",
        "expression": "Patient.name.text",
    }  # fmt: skip
    base = package(tmp_path, profile("a"), codes("c"), param, name="cli.base")
    user = package(tmp_path, profile("b"), name="cli.user", dependencies={"cli.base": "1.0.0", "cli.none": "2.0"})
    done = cli.run("packages", "install", str(base), str(user))
    assert done.returncode == 0, done.stderr
    assert "cli.base#1.0.0: installed (3 definitions" in done.stdout
    assert f"fellesjournal search-parameters add '{BASE}/SearchParameter/p'" in done.stdout
    assert "depended on: cli.none in version 2.0" in done.stdout
    assert cli.run("search-parameters", "add", f"{BASE}/SearchParameter/p").returncode == 0
    assert "cli-text" in cli.run("search-parameters", "list").stdout
    assert cli.run("search-parameters", "remove", "cli-text").returncode == 0
    assert "was installed already" in cli.run("packages", "install", str(base)).stdout
    assert "cli.base#1.0.0\t3 definitions" in cli.run("packages", "list").stdout
    shown = cli.run("packages", "show", "cli.base")
    assert f"CodeSystem\tcomplete\t{BASE}/CodeSystem/c|1.0.0" in shown.stdout and "licence: CC0-1.0" in shown.stdout
    assert "depends on cli.none#2.0, which is not" in cli.run("packages", "show", "cli.user#1.0.0").stdout
    refused = cli.run("packages", "remove", "cli.base#1.0.0")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and "needed by cli.user#1.0.0" in refused.stderr
    assert cli.run("packages", "remove", "cli.base#1.0.0", "--force").returncode == 0
    assert cli.run("packages", "remove", "cli.user#1.0.0").returncode == 0
    assert cli.run("packages", "list").stdout == ""


def test_what_cannot_be_installed_is_one_line_and_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    cli.ensure_up()
    good = package(tmp_path, profile("a"), name="cli.good")
    cut = tmp_path / "cut.tgz"
    cut.write_bytes(good.read_bytes()[:-20])
    for arguments, words in (
        (("install", str(good), str(cut)), "cut.tgz"),
        (("install", str(good), "--name", "another"), "says itself"),
        (("remove", "cli.none#1"), "not installed"),
    ):
        done = cli.run("packages", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
        assert words in done.stderr
    assert cli.run("packages", "list").stdout == ""
