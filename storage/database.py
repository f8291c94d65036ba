"""One database, one thread that uses it (architecture, idea 8)."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, QueuePool, StaticPool, create_engine, event, exc, make_url
from sqlalchemy.orm import Session

from storage.keys import KeyRing
from storage.scope import ScopedSession
from storage.types import use_ring

P = ParamSpec("P")
R = TypeVar("R")

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints, so that a migration can find them again."""

BUSY_TIMEOUT: Final = 5000
"""Milliseconds to wait for another process that is writing."""


class DatabaseError(Exception):
    """The database cannot be used; the message is one line."""


class Database:
    """A database with the keys to it. Whoever uses it has it alone: one transaction at a time.

    In the running bot only the thread named `database` uses it, through `run`. Commands and tests without an
    event loop may open a `transaction` directly.
    """

    def __init__(self, engine: Engine, ring: KeyRing) -> None:
        self.engine = engine
        self.ring = ring
        self._alone = threading.Lock()
        self._user: int | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    @classmethod
    def open(cls, url: str, ring: KeyRing) -> Database:
        """Connects, and creates a SQLite file with its folders; raises DatabaseError."""
        try:
            target = make_url(url)
            engine = _engine(target)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError):
            raise DatabaseError("The address of the database is not understood.") from None
        use_ring(engine, ring)
        try:
            with engine.connect():
                pass
        except exc.DBAPIError as error:
            engine.dispose()
            reason = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no answer"
            raise DatabaseError(f"The database {_name(target)} cannot be opened: {reason}.") from None
        return cls(engine, ring)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database; None in memory and on a server."""
        return _file(self.engine.url)

    @contextmanager
    def transaction(self, contact_point: str | None = None, *, everywhere: bool = False) -> Iterator[Session]:
        """A session of one contact point; committed at the end, rolled back by an exception.

        Without a contact point, each statement must say `all_contact_points`, unless `everywhere` is given.
        """
        with self._having_it_alone():
            session = ScopedSession(
                self.engine, contact_point=contact_point, everywhere=everywhere, expire_on_commit=False
            )
            with session, session.begin():
                yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The bare connection, for what is done to the database as a whole; begin and commit are the caller's."""
        with self._having_it_alone(), self.engine.connect() as connection:
            yield connection

    def checkpoint(self) -> None:
        """Empties the write-ahead log of SQLite, so that what was overwritten is not kept in it."""
        if self.engine.dialect.name == "sqlite":
            with self.connection() as connection:
                # A checkpoint is refused inside a transaction.
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a function on the database thread. If the caller is cancelled, the function still finishes."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Waits for what is running, then lets go of the file."""
        self._thread.shutdown(wait=True)
        self.engine.dispose()

    @contextmanager
    def _having_it_alone(self) -> Iterator[None]:
        if self._user == threading.get_ident():
            raise RuntimeError("This thread has a transaction open already.")
        if _in_event_loop():
            raise RuntimeError("The event loop must not wait for the database; use Database.run.")
        with self._alone:
            self._user = threading.get_ident()
            try:
                yield
            finally:
                self._user = None


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0, pool_pre_ping=True)
    file = _file(url)
    if file is None:
        engine = create_engine(
            url, hide_parameters=True, poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        _prepare(file)
        engine = create_engine(url, hide_parameters=True, poolclass=QueuePool, pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(file: Path) -> None:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its side files the mode of this one.
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise DatabaseError(f"The database {file} cannot be opened: {error.strerror}.") from None


def _prepare_connection(connection: sqlite3.Connection, _: Any) -> None:
    # Otherwise the driver begins transactions by itself, and too late.
    connection.isolation_level = None
    for setting in (
        f"busy_timeout={BUSY_TIMEOUT}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once if another process wrote in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _file(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def _name(url: URL) -> str:
    return str(_file(url) or url.render_as_string(hide_password=True))
