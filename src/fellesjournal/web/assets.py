"""The static files: read once, named by what they hold, compressed once, cached for ever by the browser."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static/"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
IMPORT = re.compile(r"""(from\s+|import\s+)(["'])\./([\w.-]+)\2""")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: `name` holds a part of its hash."""

    name: str
    media_type: str
    body: bytes
    zipped: bytes


def static_url(path: str) -> str:
    """The address of a static file, with its hash in the name."""
    return PREFIX + _assets()[path].name


async def serve(request: Request) -> Response:
    """Send a static file, compressed when the browser takes it. An unknown or outdated name is 404."""
    asset = _by_name().get(request.path_params["name"])
    if asset is None:
        return PlainTextResponse("Finnes ikke.", status_code=404)
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.body, media_type=asset.media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(asset.zipped, media_type=asset.media_type, headers=headers)


@cache
def _by_name() -> dict[str, Asset]:
    return {asset.name: asset for asset in _assets().values()}


@cache
def _assets() -> dict[str, Asset]:
    files = {_key(path): path for path in sorted(FOLDER.rglob("*")) if path.suffix in TYPES}
    found: dict[str, Asset] = {}
    for key in files:
        _load(key, files, found)
    return found


def _key(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


def _load(key: str, files: dict[str, Path], found: dict[str, Asset]) -> Asset:
    if key not in found:
        body = files[key].read_bytes()
        if key.endswith(".js") and not key.startswith("vendor/"):
            body = _with_hashed_imports(body.decode(), files, found).encode()
        found[key] = _asset(files[key], body)
    return found[key]


def _with_hashed_imports(script: str, files: dict[str, Path], found: dict[str, Asset]) -> str:
    """A module imports its neighbours by their hashed names too, so that no browser mixes two versions."""

    def hashed(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}./{_load(match[3], files, found).name}{match[2]}"

    return IMPORT.sub(hashed, script)


def _asset(path: Path, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:12]
    name = f"{path.stem}.{digest}{path.suffix}"
    return Asset(name, TYPES[path.suffix], body, gzip.compress(body, 9, mtime=0))
