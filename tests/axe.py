"""What axe finds wrong for people with a disability on a page in a real browser (WCAG 2.1 A and AA, best practice)."""

from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Page

WIDTHS: Final = (390, 1280)
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
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


def found_by_axe(page: Page) -> list[str]:
    """A line for each rule that is broken; run from outside of the page's policy, which lets no foreign script in."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN, _TAGS)
    return found
