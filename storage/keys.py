"""The keys that keep what people wrote secret at rest (D-30), and the one file they live in."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.files import written_anew, written_once

ENVIRONMENT: Final = "ANLAUFSTELLE_KEYS"
"""The environment variable that wins over the key file, in the same text form."""

_VERSION: Final = 1
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY_ID: Final = re.compile(r"[a-z0-9]{1,16}")


class WrongKey(Exception):
    """An encrypted value cannot be read with the keys at hand."""


class UnknownKey(WrongKey):
    """The key is not at hand; perhaps another process has made a new one."""


class KeyFileError(Exception):
    """The keys cannot be had; the message is one line and never holds a key."""


@dataclass(frozen=True, repr=False)
class KeyRing:
    """The keys of one installation: data keys by short id, the first one encrypts, all decrypt.

    The look-up key never changes, for with another one nobody would be found again.
    """

    data: tuple[tuple[str, bytes], ...]
    """(id, 32 bytes), primary first."""
    lookup_key: bytes

    def __post_init__(self) -> None:
        ids = [key_id for key_id, _ in self.data]
        if not ids:
            raise ValueError("A key ring needs a data key.")
        if len(set(ids)) != len(ids) or not all(_KEY_ID.fullmatch(key_id) for key_id in ids):
            raise ValueError("The ids of data keys are different, 1 to 16 small letters or digits.")
        if any(len(key) != _KEY_BYTES for key in (*(key for _, key in self.data), self.lookup_key)):
            raise ValueError(f"A key has {_KEY_BYTES} bytes.")

    def __repr__(self) -> str:
        return f"<KeyRing {' '.join(key_id for key_id, _ in self.data)}>"

    @classmethod
    def new(cls) -> KeyRing:
        """A ring of fresh random keys."""
        return cls((("k1", os.urandom(_KEY_BYTES)),), os.urandom(_KEY_BYTES))

    @property
    def primary(self) -> str:
        """The id of the key that encrypts."""
        return self.data[0][0]

    @cached_property
    def _ciphers(self) -> Mapping[str, AESGCM]:
        """By id; to set up a cipher takes longer than to use it."""
        return {key_id: AESGCM(key) for key_id, key in self.data}

    def rotated(self) -> KeyRing:
        """The same ring with a fresh primary key in front; the old ones still decrypt."""
        numbers = [int(key_id[1:]) for key_id, _ in self.data if re.fullmatch(r"k[0-9]+", key_id)]
        fresh = f"k{max(numbers, default=0) + 1}"
        return KeyRing(((fresh, os.urandom(_KEY_BYTES)), *self.data), self.lookup_key)

    def knowing(self, other: KeyRing) -> KeyRing:
        """The same ring, which also decrypts what the other one does."""
        known = dict(self.data)
        return KeyRing((*self.data, *(each for each in other.data if each[0] not in known)), self.lookup_key)

    def without_old(self) -> KeyRing:
        """The same ring with its primary data key only."""
        return KeyRing(self.data[:1], self.lookup_key)

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """AES-256-GCM under the primary key; the value can be read back in the same context only."""
        name = self.primary.encode()
        head = bytes((_VERSION, len(name))) + name
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + self._ciphers[self.primary].encrypt(nonce, plain, head + context)

    def decrypt(self, token: bytes, context: bytes) -> bytes:
        """What was encrypted; raises WrongKey for an unknown key, another context or a damaged value."""
        key_id = self.key_of(token)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(f"The value was encrypted with the key {key_id}, which is not in the key file.")
        head = 2 + len(key_id)
        nonce, sealed = token[head : head + _NONCE_BYTES], token[head + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, token[:head] + context)
        except (InvalidTag, ValueError):
            place = context.decode(errors="replace")
            raise WrongKey(
                f"A value of {place} does not fit the key {key_id}: another key of that name, or damaged."
            ) from None

    def key_of(self, token: bytes) -> str:
        """The id of the key that encrypted this value; raises WrongKey if it is no encrypted value."""
        head = 2 + token[1] if len(token) >= 2 and token[0] == _VERSION else 0
        name = token[2:head].decode("ascii", errors="replace")
        if not _KEY_ID.fullmatch(name):
            raise WrongKey("The value is not encrypted, or by a version unknown here.")
        return name

    def derived(self, purpose: str) -> bytes:
        """64 bytes for a purpose of its own, the same for as long as the installation lives."""
        return hmac.digest(self.lookup_key, f"derived: {purpose}".encode(), "sha512")

    def lookup(self, *parts: str) -> str:
        """A keyed hash to find by what must not be stored readably, such as a chat's address (64 hex digits)."""
        # A message may carry half a surrogate pair, and its sender must be found all the same.
        encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
        whole = b"".join(len(each).to_bytes(8, "big") + each for each in encoded)
        return hmac.digest(self.lookup_key, whole, "sha256").hex()


def load_ring(path: Path, environment: Mapping[str, str]) -> KeyRing:
    """The keys from the environment variable ANLAUFSTELLE_KEYS, else from the file; raises KeyFileError."""
    if environment.get(ENVIRONMENT):
        return _parsed(environment[ENVIRONMENT], f"The environment variable {ENVIRONMENT}")
    with _told(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            # A secret that a service manager hands over belongs to root and is read through the group.
            allowed = 0o700 if status.st_uid == os.geteuid() else 0o740
            if stat.S_IMODE(status.st_mode) & ~allowed & 0o777:
                raise KeyFileError(f"The key file {path} is open to others: run chmod 600 {path}")
            content = file.read()
    return _parsed(content.decode("utf-8", "replace"), f"The key file {path}")


class KeyFile:
    """The key file as a running process watches it: it changes while the keys are rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None

    def news(self) -> KeyRing | None:
        """The keys, if the file is another one than last time; None if it is not there. Raises KeyFileError."""
        try:
            status = self._path.stat()
        except OSError:
            # Whoever carries it away must not stop those who have read it.
            return None
        seen = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
        if seen == self._seen:
            return None
        # One look at a damaged file is enough, too.
        self._seen = seen
        return load_ring(self._path, {})

    def look_again(self) -> None:
        """The file counts as new."""
        self._seen = None


def create_ring_file(path: Path) -> KeyRing:
    """Fresh keys in a new file (mode 0600); raises KeyFileError if the file is there already."""
    ring = KeyRing.new()
    with _told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written_once(path, _text(ring))
    return ring


def write_ring_file(path: Path, ring: KeyRing) -> None:
    """Replaces the key file (mode 0600); at any instant it is the old one or the new one."""
    with _told(path):
        written_anew(path, _text(ring))


def _text(ring: KeyRing) -> str:
    rows = [f"data {key_id} {base64.b64encode(key).decode()}" for key_id, key in ring.data]
    rows.append(f"lookup {base64.b64encode(ring.lookup_key).decode()}")
    return "\n".join(("# Without this file nobody can read the database. Keep a copy apart from it.", *rows, ""))


def _parsed(text: str, source: str) -> KeyRing:
    data: list[tuple[str, bytes]] = []
    lookup: list[bytes] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            key = base64.b64decode(words[-1], validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) == _KEY_BYTES and words[0] == "data" and len(words) == 3:
            data.append((words[1], key))
        elif len(key) == _KEY_BYTES and words[0] == "lookup" and len(words) == 2:
            lookup.append(key)
        else:
            raise KeyFileError(f"{source} is damaged: line {number} is no key.")
    if len(lookup) != 1:
        raise KeyFileError(f"{source} is damaged: it must hold exactly one look-up key.")
    try:
        return KeyRing(tuple(data), lookup[0])
    except ValueError as error:
        raise KeyFileError(f"{source} is damaged: {error}") from None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise KeyFileError(
            f"The key file {path} is missing: put it back from its copy, without it the database cannot be read."
        ) from None
    except FileExistsError:
        raise KeyFileError(f"The key file {path} is there already and is not overwritten.") from None
    except OSError as error:
        raise KeyFileError(f"The key file {path} cannot be used: {error.strerror}.") from None
