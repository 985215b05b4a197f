#!/usr/bin/env python3
"""Fetch the front-end packages from npm and rebuild what is vendored under `web/static/vendor`.

A maintainer's command: users never need npm.
`tools/vendor_static.py` rebuilds; `tools/vendor_static.py --check` compares the files with their manifests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "src/fellesjournal/web/static/vendor"
AXE = ROOT / "tests/assets/axe"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Package:
    """One npm package at a pinned version."""

    name: str
    version: str
    licence: str

    @property
    def spec(self) -> str:
        """What npm calls it."""
        return f"{self.name}@{self.version}"


HTMX = Package("htmx.org", "4.0.1", "0BSD")
CSS = Package("@digdir/designsystemet-css", "1.22.0", "MIT")
THEME = Package("@digdir/designsystemet-theme", "1.11.0", "MIT")
AXE_CORE = Package("axe-core", "4.14.1", "MPL-2.0")

# In the order of the package's own index.css; what no page uses stays out, to keep the first load small.
BASE_PARTS = ("base", "heading", "label", "paragraph")
COMPONENT_PARTS = (
    *("link", "validation-message", "data-size-workaround", "button", "input", "field", "fieldset"),
    *("alert", "popover", "skip-link", "details", "dialog", "list", "card", "chip", "divider"),
    *("pagination", "tag", "error-summary", "spinner", "table", "breadcrumbs", "badge"),
)


def main() -> int:
    """Rebuild, or compare when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare the vendored files with the manifest")
    if parser.parse_args().check:
        return check()
    with tempfile.TemporaryDirectory() as folder:
        build(work=Path(folder))
    return check()


def build(*, work: Path) -> None:
    """Write every vendored file, its licence text and the manifests."""
    htmx, css, theme, axe = (unpack(package, work=work) for package in (HTMX, CSS, THEME, AXE_CORE))
    vendored = {
        "htmx.min.js": (HTMX, without_source_map(htmx / "dist/htmx.min.js")),
        "designsystemet.css": (CSS, components(css / "dist/src")),
        "theme.css": (THEME, squeeze((theme / "src/themes/designsystemet.css").read_text("utf-8"))),
        "LICENSE-htmx.txt": (HTMX, (htmx / "LICENSE").read_text("utf-8")),
        "LICENSE-designsystemet-css.txt": (CSS, (css / "LICENSE").read_text("utf-8")),
        "LICENSE-designsystemet-theme.txt": (THEME, (theme / "LICENSE").read_text("utf-8")),
    }
    write(VENDOR, vendored)
    tested = {
        "axe.min.js": (AXE_CORE, (axe / "axe.min.js").read_text("utf-8")),
        "LICENSE": (AXE_CORE, (axe / "LICENSE").read_text("utf-8")),
        "LICENSE-3RD-PARTY.txt": (AXE_CORE, (axe / "LICENSE-3RD-PARTY.txt").read_text("utf-8")),
    }
    write(AXE, tested)


def check() -> int:
    """Say which files differ from the manifest; 0 when none does."""
    wrong = [str(path) for folder in (VENDOR, AXE) for path in differing(folder)]
    for path in wrong:
        print(f"differs from its manifest: {path}", file=sys.stderr)
    return 1 if wrong else 0


def differing(folder: Path) -> list[Path]:
    """Files whose bytes are not those that the manifest names."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    return [folder / name for name, row in manifest.items() if sha256(folder / name) != row["sha256"]]


def unpack(package: Package, *, work: Path) -> Path:
    """Fetch one package with npm, which verifies its integrity, and return its folder."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(work), package.spec]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=work)
    target = work / re.sub(r"\W", "_", package.name)
    with tarfile.open(work / done.stdout.strip().splitlines()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def components(folder: Path) -> str:
    """The parts of the design system that the pages use, in its own layers."""
    base = "".join((folder / f"{part}.css").read_text("utf-8").strip() for part in BASE_PARTS)
    rest = "".join((folder / f"{part}.css").read_text("utf-8").strip() for part in COMPONENT_PARTS)
    return f"@layer ds.theme, ds.base, ds.components;@layer ds.base{{{base}}}@layer ds.components{{{rest}}}\n"


def squeeze(css: str) -> str:
    """Take comments, indentation and line breaks out of a style sheet."""
    bare = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"\s+", " ", bare)).strip() + "\n"


def without_source_map(path: Path) -> str:
    """The script without its pointer to a source map, which is not vendored."""
    return re.sub(r"\n?//# sourceMappingURL=.*", "", path.read_text("utf-8")).rstrip() + "\n"


def write(folder: Path, files: dict[str, tuple[Package, str]]) -> None:
    """Write the files and a manifest that names their package, licence and hash."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name, (package, text) in sorted(files.items()):
        (folder / name).write_text(text, "utf-8")
        manifest[name] = {**asdict(package), "sha256": sha256(folder / name)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def sha256(path: Path) -> str:
    """The file's hash in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
