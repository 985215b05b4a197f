"""What axe finds wrong for people with a disability on a page in a real browser (WCAG 2.1 A and AA, best practice).

Set FELLESJOURNAL_TEST_SHOTS to a folder to keep a picture of every page that is looked at in all its looks.
"""

import os
import re
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page

_WIDTHS: Final = (390, 1280)
_SCHEMES: Final[tuple[Literal["dark", "light"], ...]] = ("dark", "light")
_SHOTS: Final = os.environ.get("FELLESJOURNAL_TEST_SHOTS")
_AXE: Final = Path(__file__).parent / "assets/axe/axe.min.js"
_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# What axe found well stays in the browser: to bring it over takes longer than to find it.
# Colours that are still changing, after a change of scheme or width, are nobody's fault.
_RUN: Final = """async tags => {
  const moving = () => document.getAnimations().some(one => one.effect?.getTiming().iterations !== Infinity);
  for (let still = 0, n = 0; still < 6 && n < 120; n++) {
    await new Promise(done => requestAnimationFrame(done));
    still = moving() ? 0 : still + 1;
  }
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"]});
  return found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 160)).join("  ")}`);
}"""


def axe_finds_nothing(page: Page, name: str = "") -> None:
    """Nothing to find and nothing that scrolls sideways, on a phone and on a desk, in light and dark.

    It is left wide and light; `name` is what it is called in a failure and in a picture.
    """
    name = name or page.url
    for width in _WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)
            assert found_by_axe(page) == [], (name, width, scheme)
            if _SHOTS:
                file = f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{width}-{scheme}.png"
                page.screenshot(path=Path(_SHOTS, file), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def found_by_axe(page: Page) -> list[str]:
    """A line for each rule that is broken; run from outside of the page's policy, which lets no foreign script in."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN, _TAGS)
    return found
