"""What must not happen at the same time: a rotation of the keys, another one, a backup.

A backup made in the middle of a rotation would need keys that are never together in one file again, and two rotations
would lose each other's keys.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, exc, make_url

from storage import postgres, sqlite
from storage.errors import DatabaseError
from storage.file_lock import PATIENCE, FileLock

_BUSY: Final = (
    "The keys are being rotated, or a backup of the database {file} is being made, by {who}: "
    "try again when that has ended."
)
_NUMBER: Final = 0x616E6C61756673
"""Of the lock on a server; any will do that nobody else uses."""


@contextmanager
def undisturbed(url: str, patience: float = PATIENCE) -> Iterator[None]:
    """Nothing else of this kind happens meanwhile; raises DatabaseError after that many seconds."""
    target = make_url(url)
    file = sqlite.file_of(target)
    if file is not None and file.exists():
        lock = FileLock(file, "rotation", _BUSY)
        lock.take(patience)
        try:
            yield
        finally:
            lock.release()
        return
    if target.drivername not in postgres.NAMES:
        yield
        return
    # A connection of its own, outside of any transaction: the lock goes with it, however the process ends.
    engine = postgres.engine_of(target)
    try:
        try:
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        except exc.DBAPIError as error:
            why = postgres.why_not_opened(error.orig or error)
            raise DatabaseError(f"The database {postgres.name_of(target)} cannot be opened: {why}.") from None
        with connection:
            _wait_for(connection, patience)
            yield
    finally:
        engine.dispose()


def _wait_for(connection: Connection, patience: float) -> None:
    until = time.monotonic() + patience
    while not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_NUMBER})").scalar():
        if time.monotonic() > until:
            name = postgres.name_of(connection.engine.url)
            raise DatabaseError(_BUSY.format(file=name, who="another process"))
        time.sleep(0.05)
