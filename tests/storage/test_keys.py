"""Keys: what they keep secret, what they tell apart, and how their file is guarded."""

from __future__ import annotations

import base64
import os
import stat
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.keys import (
    ENVIRONMENT,
    KeyFileError,
    KeyRing,
    WrongKey,
    create_ring_file,
    load_ring,
    write_ring_file,
)

RING = KeyRing.new()


@given(plain=st.binary(max_size=300), context=st.binary(max_size=30))
def test_what_is_encrypted_comes_back(plain: bytes, context: bytes) -> None:
    token = RING.encrypt(plain, context)
    assert RING.decrypt(token, context) == plain
    assert token != RING.encrypt(plain, context)
    assert len(plain) < 4 or plain not in token


@given(data=st.data())
def test_a_changed_value_is_noticed(data: st.DataObject) -> None:
    token = bytearray(RING.encrypt(b"the story", b"report.story"))
    place = data.draw(st.integers(0, len(token) - 1))
    token[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WrongKey):
        RING.decrypt(bytes(token), b"report.story")


@given(token=st.binary(max_size=60))
def test_anything_else_is_refused_in_one_line(token: bytes) -> None:
    with pytest.raises(WrongKey) as caught:
        RING.decrypt(token, b"report.story")
    assert len(str(caught.value).splitlines()) == 1


def test_a_truncated_value_is_refused() -> None:
    token = RING.encrypt(b"x", b"c")
    for length in range(len(token)):
        with pytest.raises(WrongKey):
            RING.decrypt(token[:length], b"c")


def test_a_value_belongs_to_its_place() -> None:
    with pytest.raises(WrongKey, match=r"report\.note"):
        RING.decrypt(RING.encrypt(b"x", b"report.story"), b"report.note")


def test_another_ring_cannot_read_it() -> None:
    with pytest.raises(WrongKey):
        KeyRing.new().decrypt(RING.encrypt(b"x", b"c"), b"c")


def test_a_rotated_ring_reads_old_and_new() -> None:
    newer = RING.rotated()
    old, new = RING.encrypt(b"old", b"c"), newer.encrypt(b"new", b"c")
    assert newer.decrypt(old, b"c") == b"old"
    assert (newer.key_of(old), newer.key_of(new)) == (RING.primary, newer.primary)
    with pytest.raises(WrongKey, match=newer.primary):
        RING.decrypt(new, b"c")
    only = newer.without_old()
    assert only.decrypt(new, b"c") == b"new"
    with pytest.raises(WrongKey):
        only.decrypt(old, b"c")
    assert only.rotated().primary not in (RING.primary, newer.primary)
    assert RING.lookup("a") == newer.lookup("a") == only.lookup("a")


PARTS = st.lists(st.text("ab\x00", max_size=3), max_size=3)


@given(one=PARTS, other=PARTS)
def test_different_parts_have_different_lookups(one: list[str], other: list[str]) -> None:
    assert (RING.lookup(*one) == RING.lookup(*other)) == (one == other)


def test_a_lookup_is_a_keyed_hash() -> None:
    assert RING.lookup("ab", "c") != RING.lookup("a", "bc")
    assert RING.lookup("a") != KeyRing.new().lookup("a")
    assert len(bytes.fromhex(RING.lookup("telegram:1", "\ud800"))) == 32


def test_a_ring_never_shows_its_keys(tmp_path: Path) -> None:
    ring = RING.rotated()
    shown = f"{ring!r} {ring} {[ring]}"
    try:
        KeyRing((("k1", b"short"),), ring.lookup_key)
    except ValueError as error:
        shown += "".join(traceback.format_exception(error))
    for key in (*(key for _, key in ring.data), ring.lookup_key):
        for secret in (repr(key)[2:-1], key.hex(), base64.b64encode(key).decode()):
            assert secret not in shown


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new" / "keys"


def test_a_new_file_holds_the_keys_for_its_owner_only(file: Path) -> None:
    before = os.umask(0)
    try:
        ring = create_ring_file(file)
    finally:
        os.umask(before)
    assert load_ring(file, {}) == ring
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_an_existing_file_is_never_overwritten(file: Path) -> None:
    ring = create_ring_file(file)
    with pytest.raises(KeyFileError, match="already"):
        create_ring_file(file)
    assert load_ring(file, {}) == ring
    assert len(list(file.parent.iterdir())) == 1


def test_a_file_is_replaced_as_a_whole(file: Path) -> None:
    ring = create_ring_file(file).rotated()
    write_ring_file(file, ring)
    assert load_ring(file, {}) == ring
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(list(file.parent.iterdir())) == 1


def test_the_environment_wins(file: Path) -> None:
    ring = create_ring_file(file)
    text = file.read_text()
    write_ring_file(file, KeyRing.new())
    assert load_ring(file, {ENVIRONMENT: text}) == ring
    assert load_ring(file.parent / "none", {ENVIRONMENT: text}) == ring
    with pytest.raises(KeyFileError, match=ENVIRONMENT):
        load_ring(file, {ENVIRONMENT: "nonsense"})


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o644, 0o666])
def test_a_file_open_to_others_is_refused(file: Path, mode: int) -> None:
    create_ring_file(file)
    file.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_ring(file, {})


def test_a_missing_file_says_what_to_do(file: Path) -> None:
    with pytest.raises(KeyFileError, match="missing"):
        load_ring(file, {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(KeyFileError):
        load_ring(tmp_path, {})


KEY = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"data k1 {KEY}",
        f"lookup {KEY}",
        f"data k1 {KEY}\nlookup {KEY}\nlookup {KEY}",
        f"data k1 {KEY}\ndata k1 {KEY}\nlookup {KEY}",
        f"data K! {KEY}\nlookup {KEY}",
        f"data k1 {KEY[:-5]}\nlookup {KEY}",
        f"data k1 {KEY}\nlookup {KEY[:20]}",
        f"data k1 {KEY} more\nlookup {KEY}",
        f"other k1 {KEY}\nlookup {KEY}",
        "\x00\xff",
    ],
)
def test_a_damaged_file_is_refused_without_showing_it(file: Path, text: str) -> None:
    create_ring_file(file)
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(KeyFileError, match="damaged") as caught:
        load_ring(file, {})
    assert len(str(caught.value).splitlines()) == 1
    assert KEY[:10] not in "".join(traceback.format_exception(caught.value))
