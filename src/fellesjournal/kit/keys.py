"""All secrets of an installation: one file with mode 0600 in the data folder, never in the database.

Each purpose has a list of versions, newest first. `rotate` puts a new version first and keeps one old
version, so that what was signed just before a rotation is still accepted.

The purpose `hash` (search hashes of tokens and references) can't be rotated by itself: every index row would
have to be made again. `rotate` refuses it. `backup` wraps the key of each backup: keep a copy of the key
file apart from the backups, or give each backup a passphrase; without either, a backup can't be opened.
`log` signs the seals of the access log: all its versions are kept, for seals are verified years later.
"""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

KEY_BYTES = 32
SIGNATURE_BYTES = 16
ROLES = ("fj_admin", "fj_web", "fj_signin", "fj_worker", "fj_migrate", "fj_log")
PURPOSES = ("session", "csrf", "cursor", "hash", "token", "seal", "draft", "backup", "log", *ROLES)
FILE_NAME = "keys.json"
_FIXED = frozenset({"hash"})
_KEPT_VERSIONS = 2
_ALL_KEPT = frozenset({"log"})
_LONG: Final = 500

Versions = dict[str, list[str]]


class KeysError(Exception):
    """The key file is missing, damaged, or readable by others; or a rotation isn't possible."""


class Keys:
    """The keys in memory. Made by `open_keys` or `create_keys`; never printed, never pickled."""

    def __init__(self, path: Path, versions: Versions) -> None:
        self.path = path
        self._versions = {name: [bytes.fromhex(key) for key in keys] for name, keys in versions.items()}
        self.hash64 = _hasher(self.current("hash"))

    hash64: Callable[[str], int]
    """Keyed signed 64-bit hash of a text, for search index rows; equal for the life of the installation."""

    def current(self, purpose: str) -> bytes:
        """The newest key of a purpose. Raises KeysError for an unknown purpose."""
        return self.versions(purpose)[0]

    def versions(self, purpose: str) -> list[bytes]:
        """All kept keys of a purpose, newest first. Raises KeysError for an unknown purpose."""
        try:
            return list(self._versions[purpose])
        except KeyError:
            raise KeysError(f"no key with the purpose {purpose}") from None

    def role_password(self, role: str) -> str:
        """The database password of one of our roles."""
        if role not in ROLES:
            raise KeysError(f"no database role {role}")
        return self.current(role).hex()

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """A 16-byte signature of the payload, with the newest key of the purpose."""
        return _signature(self.current(purpose), payload)

    def verify(self, purpose: str, payload: bytes, signature: bytes) -> bool:
        """Whether any kept key of the purpose signed the payload; takes the same time for every wrong signature."""
        matches = [hmac.compare_digest(_signature(key, payload), signature) for key in self.versions(purpose)]
        return any(matches)

    def rotate(self, purpose: str) -> None:
        """Put a new key first and keep one old (all old ones of `log`). The file is safe on disk when this returns.

        After rotating a database role run `migrate`, which gives the role its new password.
        Raises KeysError for `hash`, which would need every index row made again.
        """
        if purpose in _FIXED:
            raise KeysError(f"the key {purpose} can't be rotated without making the search index again")
        with _locked(self.path):
            versions = _read(self.path)
            if purpose not in versions:
                raise KeysError(f"no key with the purpose {purpose}")
            kept = None if purpose in _ALL_KEPT else _KEPT_VERSIONS
            versions[purpose] = [_new_key(), *versions[purpose]][:kept]
            _write(self.path, versions)
        self._versions[purpose] = [bytes.fromhex(key) for key in versions[purpose]]

    def __repr__(self) -> str:
        return f"Keys({self.path})"

    def __reduce__(self) -> Any:
        raise TypeError("keys are not to be pickled")


def open_keys(data_dir: Path) -> Keys:
    """The keys of a data folder. Keys for purposes that are new in this release are added to the file.

    Raises KeysError when the file is missing, damaged, or readable by others than its owner.
    """
    path = data_dir / FILE_NAME
    versions = _read(path)
    if any(purpose not in versions for purpose in PURPOSES):
        with _locked(path):
            versions = {purpose: [_new_key()] for purpose in PURPOSES} | _read(path)
            _write(path, versions)
    return Keys(path, versions)


def create_keys(data_dir: Path) -> Keys:
    """Make the key file of a new installation. Raises KeysError when there is one already."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / FILE_NAME
    with _locked(path):
        if path.exists():
            raise KeysError(f"{path} is there already")
        _write(path, {purpose: [_new_key()] for purpose in PURPOSES})
    return open_keys(data_dir)


def open_or_create_keys(data_dir: Path) -> Keys:
    """The keys of a data folder; made at the first start.

    The caller refuses new keys on a database with content.
    """
    if (data_dir / FILE_NAME).exists():
        return open_keys(data_dir)
    try:
        return create_keys(data_dir)
    except KeysError:
        # Another process of the same first start was quicker.
        return open_keys(data_dir)


def _hasher(key: bytes) -> Callable[[str], int]:
    def hash64(text: str) -> int:
        digest = hashlib.blake2b(text.encode(), digest_size=8, key=key).digest()
        return int.from_bytes(digest, "big", signed=True)

    kept = lru_cache(maxsize=1 << 15)(hash64)
    # Long texts would fill the memory.
    return lambda text: kept(text) if len(text) < _LONG else hash64(text)


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:SIGNATURE_BYTES]


def _new_key() -> str:
    return os.urandom(KEY_BYTES).hex()


def _read(path: Path) -> Versions:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise KeysError(f"the key file {path} is missing") from None
    except OSError as error:
        raise KeysError(f"cannot open the key file {path}: {error.strerror}") from None
    with os.fdopen(descriptor, encoding="utf-8") as file:
        if os.fstat(descriptor).st_mode & 0o077:
            raise KeysError(f"the key file {path} is readable by others: chmod 600 it, and rotate the keys")
        return _parsed(path, file.read())


def _parsed(path: Path, text: str) -> Versions:
    try:
        versions: Versions = json.loads(text)["keys"]
        whole = all(len(bytes.fromhex(key)) == KEY_BYTES for keys in versions.values() for key in keys)
    except (ValueError, KeyError, TypeError, AttributeError):
        whole = False
    if not whole or not all(versions.values()):
        # Without the cause: it would quote the content.
        raise KeysError(f"the key file {path} is damaged; put back a copy of it") from None
    return versions


def _write(path: Path, versions: Versions) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"format": 1, "keys": versions}, file, indent=1)
        file.flush()
        os.fsync(descriptor)
    temporary.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
