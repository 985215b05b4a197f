"""The file: a tar of lines of JSON in a sealed file, in members of a few megabytes; the manifest is the last of them.

Each part (`versions`, `log` …) is one or more members `part/000001.ndjson`. The manifest tells for each part how many
lines there are, and the SHA-256 of them all, one after the other.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from fellesjournal.kit.keys import Keys
from fellesjournal.kit.sealed_file import SealedFileError, Sealer, unseal

MANIFEST: Final = "manifest.json"
MEMBER_BYTES: Final = 4 << 20
FORMAT: Final = 1
_MEMBER: Final = re.compile(r"([a-z_]{1,40})/([0-9]{6})\.ndjson")


class BadArchive(Exception):
    """The file is damaged, no takeout, or does not hold what its manifest says."""


@dataclass(frozen=True, slots=True)
class Part:
    """How many lines a part has, and the SHA-256 of them with their line ends."""

    lines: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What the file says of itself: whose, when, by whom and why, which units, and its parts."""

    controller: str
    name: str
    made_at: str
    operator: str
    reason: str
    units: list[int]
    parts: dict[str, Part]
    format: int = FORMAT

    def encode(self) -> bytes:
        """As it stands in the file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()


@dataclass
class _Open:
    digest: Any = field(default_factory=hashlib.sha256)
    lines: int = 0
    members: int = 0
    waiting: list[bytes] = field(default_factory=list)
    size: int = 0


class Writer:
    """Writes an archive: lines of parts, then `close` with the manifest."""

    def __init__(self, sealer: Sealer) -> None:
        # Open until `close`: a with-block would end before the first line.
        self._tar = tarfile.open(fileobj=_Sink(sealer), mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._parts: dict[str, _Open] = {}

    def line(self, part: str, text: str) -> None:
        """Add a line to a part; `text` has no line end of its own."""
        if "\n" in text:
            raise ValueError("a line of JSON has no line end in it")
        content = text.encode() + b"\n"
        found = self._parts.setdefault(part, _Open())
        found.digest.update(content)
        found.lines += 1
        found.waiting.append(content)
        found.size += len(content)
        if found.size >= MEMBER_BYTES:
            self._flush(part, found)

    def parts(self) -> dict[str, Part]:
        """The parts as they are now."""
        return {name: Part(one.lines, one.digest.hexdigest()) for name, one in sorted(self._parts.items())}

    def close(self, manifest: Manifest) -> None:
        """Write what waits, and the manifest."""
        for name, one in sorted(self._parts.items()):
            self._flush(name, one)
        self._add(MANIFEST, manifest.encode())
        self._tar.close()

    def _flush(self, part: str, one: _Open) -> None:
        if one.waiting:
            one.members += 1
            self._add(f"{part}/{one.members:06}.ndjson", b"".join(one.waiting))
            one.waiting, one.size = [], 0

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))


def read_archive(file: Path, keys: Keys, *, passphrase: str | None = None) -> Manifest:
    """Read a file through, and hold it against its manifest. Raises BadArchive."""
    return _through(file, keys, passphrase, None)


def unpack(file: Path, keys: Keys, folder: Path, *, passphrase: str | None = None) -> Manifest:
    """The same, and write its members in the clear into a folder that is not there yet. Raises BadArchive.

    A file that is not whole leaves no folder.
    """
    if folder.exists():
        raise BadArchive(f"{folder} is there already")
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir(mode=0o700)
    try:
        manifest = _through(file, keys, passphrase, partial)
        partial.rename(folder)
    finally:
        _remove(partial)
    return manifest


def _through(file: Path, keys: Keys, passphrase: str | None, folder: Path | None) -> Manifest:
    try:
        with file.open("rb") as source:
            pieces = unseal(source, key_file_keys=keys.versions("backup"), passphrase=passphrase)
            return _checked(_members(pieces), folder)
    except (SealedFileError, tarfile.TarError, OSError) as error:
        raise BadArchive(f"{file}: {error}") from error
    except (ValueError, KeyError, TypeError):
        raise BadArchive(f"{file}: it is sealed and whole, but it is not what was taken out of Fellesjournal") from None


def _members(pieces: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=_Source(iter(pieces)), mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is None:
                raise ValueError("a member that is no file")
            yield member.name, content.read()


def _checked(members: Iterator[tuple[str, bytes]], folder: Path | None) -> Manifest:
    found: dict[str, _Open] = {}
    for name, content in members:
        if folder is not None:
            _keep(folder, name, content)
        if name == MANIFEST:
            manifest = _read(content)
            parts = {part: Part(one.lines, one.digest.hexdigest()) for part, one in found.items()}
            if parts != manifest.parts or next(members, None) is not None:
                raise ValueError("the parts are not those of the manifest")
            return manifest
        one = found.setdefault(_part_of(name), _Open())
        one.digest.update(content)
        one.lines += content.count(b"\n")
    raise ValueError("there is no manifest")


def _part_of(name: str) -> str:
    match = _MEMBER.fullmatch(name)
    if match is None:
        raise ValueError("a member of another name")
    return match[1]


def _keep(folder: Path, name: str, content: bytes) -> None:
    """Only names that we have made: nothing lands outside of the folder."""
    if name != MANIFEST:
        (folder / _part_of(name)).mkdir(exist_ok=True)
    (folder / name).write_bytes(content)


def _read(content: bytes) -> Manifest:
    words = json.loads(content)
    if words["format"] != FORMAT:
        raise ValueError("another format")
    return Manifest(**{**words, "parts": {name: Part(**part) for name, part in words["parts"].items()}})


def _remove(folder: Path) -> None:
    if folder.exists():
        for one in sorted(folder.rglob("*"), reverse=True):
            one.rmdir() if one.is_dir() else one.unlink()
        folder.rmdir()


class _Sink(io.RawIOBase):
    """A sealed file as tarfile writes to it."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def write(self, content: Any) -> int:
        """Add content."""
        self._sealer.write(bytes(content))
        return len(content)


class _Source(io.RawIOBase):
    """Pieces as tarfile reads them."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = bytearray()

    def read(self, size: int = -1, /) -> bytes:
        """As much as is asked for; less only at the end."""
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._rest += piece
        end = len(self._rest) if size < 0 else size
        content = bytes(self._rest[:end])
        del self._rest[:end]
        return content
