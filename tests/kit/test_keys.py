"""The key file."""

import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fellesjournal.kit.keys import (
    PURPOSES,
    Keys,
    KeysError,
    create_keys,
    open_keys,
    open_or_create_keys,
)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return create_keys(tmp_path / "data")


def test_first_start_makes_a_file_that_only_its_owner_reads(keys: Keys) -> None:
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert len({keys.current(purpose) for purpose in PURPOSES}) == len(PURPOSES)
    again = open_or_create_keys(keys.path.parent)
    assert all(again.current(purpose) == keys.current(purpose) for purpose in PURPOSES)


def test_second_creation_is_refused(keys: Keys) -> None:
    with pytest.raises(KeysError, match="already"):
        create_keys(keys.path.parent)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_file_that_others_can_read_is_refused(keys: Keys, mode: int) -> None:
    keys.path.chmod(mode)
    with pytest.raises(KeysError, match="chmod 600"):
        open_keys(keys.path.parent)


def test_link_in_place_of_the_file_is_refused(keys: Keys) -> None:
    keys.path.rename(keys.path.with_name("elsewhere"))
    keys.path.symlink_to("elsewhere")
    with pytest.raises(KeysError, match="cannot open"):
        open_keys(keys.path.parent)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": {"session": []}}', '{"keys": {"session": ["zz"]}}', "[1]"]
)
def test_damaged_file_is_named_and_not_quoted(keys: Keys, text: str) -> None:
    keys.path.write_text(text)
    with pytest.raises(KeysError, match="damaged"):
        open_keys(keys.path.parent)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="missing"):
        open_keys(tmp_path)


def test_purpose_of_a_newer_release_gets_a_key(keys: Keys) -> None:
    text = keys.path.read_text().replace('"draft"', '"retired"')
    keys.path.write_text(text)
    again = open_keys(keys.path.parent)
    assert again.current("draft") != keys.current("draft")
    assert again.current("retired") == keys.current("draft")
    assert open_keys(keys.path.parent).current("draft") == again.current("draft")


def test_signature_survives_one_rotation_and_not_two(keys: Keys) -> None:
    signature = keys.sign("cursor", b"page 2")
    assert len(signature) == 16
    keys.rotate("cursor")
    assert keys.verify("cursor", b"page 2", signature)
    assert open_keys(keys.path.parent).verify("cursor", b"page 2", signature)
    keys.rotate("cursor")
    assert not keys.verify("cursor", b"page 2", signature)


def test_forged_signatures_are_refused(keys: Keys) -> None:
    signature = keys.sign("cursor", b"page 2")
    assert not keys.verify("cursor", b"page 3", signature)
    assert not keys.verify("csrf", b"page 2", signature)
    assert not keys.verify("cursor", b"page 2", signature[:8])
    assert not keys.verify("cursor", b"page 2", b"")


def test_search_hash_cannot_be_rotated(keys: Keys) -> None:
    with pytest.raises(KeysError, match="search index"):
        keys.rotate("hash")


def test_unknown_purpose_is_an_error(keys: Keys) -> None:
    for action in (keys.current, keys.rotate, keys.role_password):
        with pytest.raises(KeysError):
            action("nonsense")


def test_keys_show_nothing(keys: Keys) -> None:
    assert keys.current("hash").hex() not in repr(keys)
    with pytest.raises(TypeError):
        pickle.dumps(keys)


def test_interrupted_write_leaves_the_old_file(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("disk full")

    before = keys.path.read_text()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        keys.rotate("session")
    assert keys.path.read_text() == before


def test_hash_differs_between_installations(tmp_path: Path) -> None:
    one, other = create_keys(tmp_path / "1"), create_keys(tmp_path / "2")
    assert one.hash64("a|b") == one.hash64("a|b") != other.hash64("a|b")


@given(st.text(st.characters(codec="utf-8")))
def test_hash_fits_a_signed_64_bit_column(text: str) -> None:
    keys = Keys(Path("x"), {purpose: ["00" * 32] for purpose in PURPOSES})
    assert -(1 << 63) <= keys.hash64(text) < 1 << 63
