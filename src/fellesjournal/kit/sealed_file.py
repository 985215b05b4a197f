"""A stream in a file, encrypted and authenticated piece by piece with bounded memory.

Each file has a key of its own, wrapped by a key made from a passphrase or from the installation's key file. Every piece
carries its number and whether it is the last, so that a changed, swapped, missing or added piece is found.

Layout: magic; length and JSON of the header; then pieces, each its length (4 bytes) and AES-256-GCM
ciphertext. The header's hash is authenticated with every piece.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"FELLESJOURNAL BACKUP 1\n"
PIECE_BYTES = 1 << 20
_TAG_BYTES = 16
_HEADER_LIMIT = 4096
_SCRYPT = {"n": 1 << 17, "r": 8, "p": 1}


class SealedFileError(Exception):
    """The file isn't one of ours, is damaged or cut off, or this key doesn't open it."""


class Sealer:
    """Writes a sealed file: `write` any number of times, then `close`.

    Without `close` the file is invalid.
    """

    def __init__(self, file: BinaryIO, *, key_file_key: bytes, passphrase: str | None = None) -> None:
        key = AESGCM.generate_key(256)
        header = _wrap(key, key_file_key=key_file_key, passphrase=passphrase)
        file.write(MAGIC + struct.pack(">I", len(header)) + header)
        self._file = file
        self._cipher = AESGCM(key)
        self._bound = hashlib.sha256(header).digest()
        self._number = 0
        self._rest = bytearray()

    def write(self, content: bytes) -> None:
        """Add content."""
        self._rest += content
        while len(self._rest) > PIECE_BYTES:
            self._put(bytes(self._rest[:PIECE_BYTES]), last=False)
            del self._rest[:PIECE_BYTES]

    def close(self) -> None:
        """Write the last piece."""
        self._put(bytes(self._rest), last=True)
        self._rest.clear()

    def _put(self, content: bytes, *, last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), content, self._bound)
        self._file.write(struct.pack(">I", len(sealed)) + sealed)
        self._number += 1


@contextmanager
def sealed_output(out: Path, *, key_file_key: bytes, passphrase: str | None = None) -> Iterator[Sealer]:
    """A sealed file to write to; `out` appears only when it is whole and on disk, else nothing is left of it.

    Whoever calls has looked that `out` is not there.
    """
    partial = out.with_name(out.name + ".partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            sealer = Sealer(file, key_file_key=key_file_key, passphrase=passphrase)
            yield sealer
            sealer.close()
            file.flush()
            os.fsync(descriptor)
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)


def unseal(
    file: BinaryIO, *, key_file_keys: Iterable[bytes], passphrase: str | None = None
) -> Iterator[bytes]:
    """The content of a sealed file, piece by piece; each is authentic when it is given out.

    Raises SealedFileError at the start (not ours, wrong key), at a damaged piece, or at the end when pieces
    are missing or anything follows: read it through once before acting on the content.
    """
    header = _read_header(file)
    cipher = AESGCM(_unwrap(header, key_file_keys=key_file_keys, passphrase=passphrase))
    bound = hashlib.sha256(header).digest()
    number = 0
    sealed = _read_piece(file)
    while sealed is not None:
        following = _read_piece(file)
        try:
            yield cipher.decrypt(_nonce(number, last=following is None), sealed, bound)
        except InvalidTag:
            raise SealedFileError("the file is damaged or cut off") from None
        sealed, number = following, number + 1
    if number == 0:
        raise SealedFileError("the file is cut off")


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack(">Q", number) + b"\0\0\0" + (b"\1" if last else b"\0")


def _wrap(key: bytes, *, key_file_key: bytes, passphrase: str | None) -> bytes:
    salt, nonce = os.urandom(16), os.urandom(12)
    way = "key file" if passphrase is None else "passphrase"
    wrapper = (
        _from_key_file(key_file_key, salt)
        if passphrase is None
        else _from_passphrase(passphrase, salt, _SCRYPT)
    )
    header = {
        "way": way, "salt": salt.hex(), "scrypt": None if passphrase is None else _SCRYPT,
        "nonce": nonce.hex(), "key": AESGCM(wrapper).encrypt(nonce, key, MAGIC).hex(),
    }  # fmt: skip
    return json.dumps(header).encode()


def _unwrap(header: bytes, *, key_file_keys: Iterable[bytes], passphrase: str | None) -> bytes:
    try:
        fields = json.loads(header)
        salt, nonce, sealed = (bytes.fromhex(fields[name]) for name in ("salt", "nonce", "key"))
        wrappers = list(_wrappers(fields, salt, key_file_keys, passphrase))
    except (ValueError, KeyError, TypeError):
        raise SealedFileError("the file is damaged") from None
    for wrapper in wrappers:
        try:
            return AESGCM(wrapper).decrypt(nonce, sealed, MAGIC)
        except InvalidTag:
            continue
    raise SealedFileError(f"this {fields['way']} does not open the file, or the file is damaged")


def _wrappers(
    fields: dict[str, Any], salt: bytes, key_file_keys: Iterable[bytes], passphrase: str | None
) -> Iterator[bytes]:
    if fields["way"] == "key file":
        yield from (_from_key_file(key, salt) for key in key_file_keys)
    elif passphrase is None:
        raise SealedFileError("the file was made with a passphrase")
    else:
        yield _from_passphrase(passphrase, salt, fields["scrypt"])


def _from_key_file(key: bytes, salt: bytes) -> bytes:
    return hashlib.blake2b(b"backup wrapping key", key=key, salt=salt, digest_size=32).digest()


def _from_passphrase(passphrase: str, salt: bytes, cost: dict[str, int]) -> bytes:
    if not 1 <= cost["n"] <= 1 << 20 or not 1 <= cost["r"] <= 16 or not 1 <= cost["p"] <= 4:
        raise SealedFileError("the file is damaged")
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())


def _read_header(file: BinaryIO) -> bytes:
    if file.read(len(MAGIC)) != MAGIC:
        raise SealedFileError("this is not a backup of Fellesjournal")
    length = _read_length(file)
    if length is None or length > _HEADER_LIMIT:
        raise SealedFileError("the file is damaged")
    return file.read(length)


def _read_piece(file: BinaryIO) -> bytes | None:
    length = _read_length(file)
    if length is None:
        return None
    if not _TAG_BYTES <= length <= PIECE_BYTES + _TAG_BYTES:
        raise SealedFileError("the file is damaged")
    sealed = file.read(length)
    if len(sealed) != length:
        raise SealedFileError("the file is cut off")
    return sealed


def _read_length(file: BinaryIO) -> int | None:
    raw = file.read(4)
    if not raw:
        return None
    if len(raw) != 4:
        raise SealedFileError("the file is cut off")
    return int(struct.unpack(">I", raw)[0])
