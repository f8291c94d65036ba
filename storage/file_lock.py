"""One process at a time works on a SQLite file; the lock ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from storage.errors import DatabaseError

IN_USE: Final = (
    "The database {file} is in use by {who}: stop that one first, or choose another database with --database; "
    "several processes at once need PostgreSQL."
)

PATIENCE: Final = 1.0
"""Seconds for a process that was just killed: what it holds is free once its last write is done."""


class FileLock:
    """A lock beside the file, which holds the number of its process. It stays there, for only the lock counts."""

    def __init__(self, file: Path, kind: str = "lock", in_use: str = IN_USE) -> None:
        """Locks of different kinds are independent; `in_use` is said to whoever comes second."""
        self._file = file
        self._in_use = in_use
        # Whatever name the file is called by, it has one lock of a kind.
        self._beside = file.resolve().with_name(f"{file.resolve().name}.{kind}")
        self._handle: int | None = None

    def take(self, patience: float = PATIENCE) -> None:
        """Raises DatabaseError if another process has it, and keeps it for that many seconds."""
        try:
            handle = os.open(self._beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseError(f"The database {self._file} cannot be locked: {error.strerror}.") from None
        try:
            self._wait_for(handle, patience)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        # On a full disk the number is missing, the lock is not.
        with suppress(OSError):
            os.ftruncate(handle, 0)
            os.pwrite(handle, b"%d\n" % os.getpid(), 0)

    def _wait_for(self, handle: int, patience: float) -> None:
        until = time.monotonic() + patience
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    number = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
                    who = f"process {number}" if number.isdigit() else "another process"
                    raise DatabaseError(self._in_use.format(file=self._file, who=who)) from None
            except OSError as error:
                raise DatabaseError(f"The database {self._file} cannot be locked: {error.strerror}.") from None
            time.sleep(0.05)

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextmanager
def alone(file: Path | None) -> Iterator[None]:
    """No other process works on the file meanwhile; raises DatabaseError. Without a file nothing is locked."""
    lock = FileLock(file) if file is not None else None
    if lock is not None:
        lock.take()
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
