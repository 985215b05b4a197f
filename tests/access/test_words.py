"""Whatever is logged can be read by people."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import fellesjournal
from fellesjournal.access.model import Action
from fellesjournal.access.words import DONE

LOGGED = re.compile(r"access\.log_event\(\s*p_secret,.*?, '(\w+)',", re.DOTALL)


def test_everything_that_is_logged_has_words() -> None:
    programs = Path(fellesjournal.__file__).parent.rglob("*.sql")
    logged = {code for program in programs for code in LOGGED.findall(program.read_text())}
    assert {"review", "proxy", "choose"} <= logged
    assert logged | set(get_args(Action)) <= DONE.keys()
