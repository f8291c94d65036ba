"""A database in a SQLite file: for its owner only, and safe against power loss from the first commit."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, QueuePool, StaticPool, create_engine, event

from storage.errors import DatabaseError

BUSY_TIMEOUT: Final = 5000
"""Milliseconds to wait for another process that is writing."""


def file_of(url: URL) -> Path | None:
    """The file of a database; None in memory and on a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def engine_of(url: URL) -> Engine:
    """An engine with one connection; creates the file with its folders, raises DatabaseError."""
    file = file_of(url)
    if file is None:
        engine = create_engine(
            url, hide_parameters=True, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        _create(file)
        engine = create_engine(url, hide_parameters=True, poolclass=QueuePool, pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def adopt(file: Path, connection: sqlite3.Connection) -> None:
    """Makes a file that is known to be ours safe: closed to others, and with a write-ahead log."""
    file.chmod(0o600)
    connection.execute("PRAGMA journal_mode=WAL").close()


def _create(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its side files the mode of this one.
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # What is in a file that has something in it may be somebody else's.
            if os.fstat(handle).st_size == 0:
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise DatabaseError(f"The database {file} cannot be opened: {error.strerror}.") from None


def _prepare_connection(connection: sqlite3.Connection, _: Any) -> None:
    # Otherwise the driver begins transactions by itself, and too late.
    connection.isolation_level = None
    for setting in (f"busy_timeout={BUSY_TIMEOUT}", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {setting}").close()
    if connection.execute("PRAGMA page_count").fetchone() == (0,):
        connection.execute("PRAGMA journal_mode=WAL").close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once if another process wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
