"""A stranger's markup does not get in."""

from __future__ import annotations

import pytest

from fellesjournal.fhir.narrative import is_narrative

OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


@pytest.mark.parametrize(
    "inside",
    [
        "Hei",
        "<p>Blodtrykk <b>120/80</b></p>",
        '<a href="https://helsenorge.no">x</a>',
        '<a href="Patient/1">x</a>',
        '<img src="#bilde" alt="x"/>',
        '<table><tr><td style="color: red">x</td></tr></table>',
        "&lt;script&gt; er bare tekst &amp; ufarlig",
    ],
)
def test_formatting_is_allowed(inside: str) -> None:
    assert is_narrative(f"{OPEN}{inside}</div>")


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "  \n ",
        "<script>alert(1)</script>",
        "<p onclick='x()'>x</p>",
        "<iframe src='x'/>",
        "<form><input/></form>",
        "<svg onload='x'/>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="java&#9;script:alert(1)">x</a>',
        '<a href=" JAVASCRIPT:alert(1)">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<p style="background: url(http://x)">x</p>',
        '<p xmlns="http://www.w3.org/2000/svg">x</p>',
        "<p>x",
        "x &unknown; y",
        "<?php x ?>",
        "</div><div>",
        "<p>" * 200 + "x" + "</p>" * 200,
    ],
)
def test_anything_else_is_refused(inside: str) -> None:
    assert not is_narrative(f"{OPEN}{inside}</div>")


@pytest.mark.parametrize(
    "text",
    [
        "Hei",
        "<p>x</p>",
        '<!DOCTYPE div [<!ENTITY a "b">]><div>&a;</div>',
        '<!DOCTYPE div SYSTEM "file:///etc/passwd"><div>x</div>',
        5,
        None,
    ],
)
def test_only_a_div_is_a_narrative(text: object) -> None:
    assert not is_narrative(text)
