"""Every text that people see is there in bokmål, nynorsk and English."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from fellesjournal.web import i18n

ROOT = Path(__file__).resolve().parents[2]
HOLES = re.compile(r"%\(\w+\)s|\{\w+\}")


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("i18n_tool", ROOT / "tools/i18n.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_text_lacks_a_translation() -> None:
    made = tool()
    assert made.missing(made.marked()) == []


@pytest.mark.parametrize("language", ["nn", "en"])
def test_translations_have_the_same_holes_as_the_texts(language: str) -> None:
    for text, forms in i18n.catalogue(language).items():
        for form in forms:
            assert set(HOLES.findall(form)) == set(HOLES.findall(text)), text


def test_counted_texts_have_both_numbers() -> None:
    one, many = "%(n)s opplysning er sperret for deg", "%(n)s opplysninger er sperret for deg"
    assert i18n.counted("nb", one, many, 1) == "1 opplysning er sperret for deg"
    assert i18n.counted("nn", one, many, 2) == "2 opplysningar er sperra for deg"
    assert i18n.counted("en", one, many, 1) == "1 item is blocked for you"


def test_vendored_files_are_those_of_their_manifest() -> None:
    spec = importlib.util.spec_from_file_location("vendor_static", ROOT / "tools/vendor_static.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["vendor_static"] = module
    spec.loader.exec_module(module)
    assert module.check() == 0
