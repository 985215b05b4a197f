"""An operator brings in units and people by a file, and two appoint a first administrator."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fellesjournal.cli import administration
from fellesjournal.cli.operate import OperatorError
from tests.identity.administration.making import TREE, number
from tests.site import Site


def run(site: Site, command: Any, **arguments: Any) -> int:
    return int(command(site.settings, SimpleNamespace(**arguments)))


def test_units_come_by_a_file_and_two_operators_appoint_the_first(
    demo_site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "storvik.toml"
    file.write_text(TREE)
    assert run(demo_site, administration._apply, file=file, dry_run=True, by="Olga") == 0
    shown = capsys.readouterr().out
    assert "+ unit" in shown and "5 changes would be made; nothing was changed" in shown
    assert run(demo_site, administration._apply, file=file, dry_run=False, by="Olga") == 0
    assert "5 changes made" in capsys.readouterr().out
    posts = 'posts = [{unit = "4203", role = "administrator"}]'
    file.write_text(f'[[person]]\nnational_id = "{number(70)}"\nname = "Per"\n{posts}\n')
    with pytest.raises(OperatorError, match="person 1, post 1: role"):
        run(demo_site, administration._apply, file=file, dry_run=False, by="Olga")
    monkeypatch.setattr("getpass.getpass", lambda _prompt: number(71))
    assert run(demo_site, administration._propose, name="Tone Først", unit="4203", by="Olga") == 0
    said = capsys.readouterr().out
    code = said.rpartition("confirm ")[2].split()[0]
    assert number(71) not in said
    with pytest.raises(OperatorError, match="somebody else"):
        run(demo_site, administration._confirm, code=code, by="Olga")
    assert run(demo_site, administration._confirm, code=code, by="Per") == 0
    with pytest.raises(OperatorError, match="administrators appoint each other"):
        run(demo_site, administration._propose, name="Ny", unit="4203", by="Olga")
