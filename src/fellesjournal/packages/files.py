"""The files of a package, from a `.tgz` or a folder, with their places and bounds. Nothing is ever written to disk."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path, PurePosixPath
from typing import Any, Final

from fellesjournal.packages.model import BadPackage

MAX_FILES: Final = 50_000
MAX_FILE_BYTES: Final = 64 << 20
MAX_BYTES: Final = 512 << 20
WANTED: Final = (".json", ".xml")
_ROOT: Final = "package"


@dataclass(frozen=True)
class File:
    """One file: its path below the package's root, and its content."""

    path: str
    content: bytes

    @property
    def folder(self) -> str:
        """The folders above it, lower case; empty at the root."""
        return self.path.rpartition("/")[0].lower()


@dataclass(frozen=True)
class Files:
    """What a package brings: JSON and XML files, sorted by path, and the SHA-256 of it all."""

    files: tuple[File, ...]
    sha256: bytes

    def at(self, path: str) -> File | None:
        """The file there."""
        return next((file for file in self.files if file.path == path), None)


def read_files(place: Path) -> Files:
    """Every JSON and XML file of an archive or a folder, or the one file. Raises BadPackage."""
    try:
        if place.is_dir():
            found = list(_folder(place))
        elif _is_gzip(place):
            found = list(_archive(place))
        else:
            found = [_one(place)]
        found.sort(key=lambda file: file.path)
        return Files(tuple(found), _digest(found))
    except (OSError, EOFError, zlib.error, tarfile.TarError, UnicodeError) as error:
        raise BadPackage(f"{place.name}: {_reason(error)}") from None


def _is_gzip(place: Path) -> bool:
    with place.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _one(place: Path) -> File:
    if place.stat().st_size > MAX_FILE_BYTES:
        raise BadPackage(f"{place.name}: larger than {MAX_FILE_BYTES >> 20} MB")
    return File(place.name, place.read_bytes())


# ── A folder ─────────────────────────────────────────────────────────────────────────────────────


def _folder(place: Path) -> Iterator[File]:
    """Links are not followed: a folder holds what lies in it."""
    root = place / _ROOT if (place / _ROOT / "package.json").is_file() else place
    count = size = 0
    for above, _, names in os.walk(root, onerror=_raise):
        for name in names:
            path = Path(above, name)
            if not name.endswith(WANTED) or path.is_symlink():
                continue
            count, size = count + 1, size + path.stat().st_size
            _check_bounds(place.name, name, count=count, size=size, file_size=path.stat().st_size)
            yield File(path.relative_to(root).as_posix(), path.read_bytes())


def _raise(error: OSError) -> None:
    raise error


# ── An archive ───────────────────────────────────────────────────────────────────────────────────


class _Bounded(RawIOBase):
    """What comes out of the decompression, counted: an archive that unpacks to too much is broken off."""

    def __init__(self, inner: gzip.GzipFile) -> None:
        self._inner = inner
        self._left = MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._inner.read(len(buffer))
        self._left -= len(chunk)
        if self._left < 0:
            raise BadPackage(f"unpacks to more than {MAX_BYTES >> 20} MB")
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _archive(place: Path) -> Iterator[File]:
    with place.open("rb") as packed, gzip.open(packed) as unpacked:
        bounded = _Bounded(unpacked)
        # Read from front to back, once: nothing is looked up by its place in the file.
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            yield from _members(place.name, archive)
        while bounded.read(1 << 16):
            pass  # To the end, where the checksum of it all stands.


def _members(where: str, archive: tarfile.TarFile) -> Iterator[File]:
    count = size = 0
    for member in archive:
        count, size = count + 1, size + member.size
        _check_member(where, member)
        _check_bounds(where, member.name, count=count, size=size, file_size=member.size)
        path = _below_root(member.name)
        if path is None or not member.isfile() or not path.endswith(WANTED):
            continue
        content = archive.extractfile(member)
        yield File(path, content.read() if content else b"")


def _check_member(archive: str, member: tarfile.TarInfo) -> None:
    name = member.name
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise BadPackage(f"{archive}: a file that would lie outside the package: {name!r}")
    if not (member.isfile() or member.isdir()):
        raise BadPackage(f"{archive}: {name!r} is a link or a device, not a file")


def _below_root(name: str) -> str | None:
    """The path below `package/`, which every file of a package lies in; None for what lies beside it."""
    parts = PurePosixPath(name).parts
    return "/".join(parts[1:]) if len(parts) > 1 and parts[0] == _ROOT else None


def _check_bounds(where: str, name: str, *, count: int, size: int, file_size: int) -> None:
    if file_size > MAX_FILE_BYTES:
        raise BadPackage(f"{where}: {name!r} is larger than {MAX_FILE_BYTES >> 20} MB")
    if count > MAX_FILES:
        raise BadPackage(f"{where}: more than {MAX_FILES} files")
    if size > MAX_BYTES:
        raise BadPackage(f"{where}: unpacks to more than {MAX_BYTES >> 20} MB")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, UnicodeError):
        return "the name of a file is not UTF-8"
    return f"not a whole archive ({error})"


def _digest(files: list[File]) -> bytes:
    digest = hashlib.sha256()
    for file in files:
        for part in (file.path.encode(), file.content):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.digest()
