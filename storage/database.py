"""One database, one thread that uses it (architecture, idea 8)."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, event, exc, make_url
from sqlalchemy.orm import Session

from storage import postgres, sqlite
from storage.errors import DatabaseError as DatabaseError
from storage.file_lock import PATIENCE, FileLock
from storage.keys import KeyFile, KeyFileError, KeyRing
from storage.outage import Outage
from storage.scope import ScopedSession
from storage.types import ask_for_newer_keys, use_ring

_LOG: Final = logging.getLogger("anlaufstelle.keys")

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

ROWS_LOOKED_AT: Final = 1000
"""In each index, to see how many rows share a value."""

NOT_UNDERSTOOD: Final = (
    "The address of the database is not understood. It looks like sqlite:///data/anlaufstelle.db or "
    "postgresql://user@host/name."
)


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
        self._outage = Outage()
        self._lock: FileLock | None = None
        self._key_file: KeyFile | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")

    @classmethod
    def open(cls, url: str, ring: KeyRing) -> Database:
        """Connects, and creates a SQLite file with its folders; raises DatabaseError.

        A file with something in it is not changed: it may be another program's. `storage.migrate.upgrade` looks.
        """
        try:
            target = make_url(url)
            engine = _engine(target)
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError, ValueError):
            raise DatabaseError(NOT_UNDERSTOOD) from None
        use_ring(engine, ring)
        try:
            with engine.connect() as connection:
                if engine.dialect.name == "postgresql":
                    postgres.check_server(connection)
        except exc.DBAPIError as error:
            engine.dispose()
            raise DatabaseError(f"The database {_name(target)} cannot be opened: {_why(error, target)}.") from None
        except DatabaseError:
            engine.dispose()
            raise
        return cls(engine, ring)

    @property
    def file(self) -> Path | None:
        """The file of a SQLite database; None in memory and on a server."""
        return sqlite.file_of(self.engine.url)

    def follow_keys(self, file: Path) -> None:
        """Every transaction begins with the keys that are in the file then: they may be rotated meanwhile.

        Not before the transaction, but in it: then all that began after a change of the file knows of it.
        """
        self._key_file = KeyFile(file)
        event.listen(self.engine, "begin", self._begin_with_keys)
        ask_for_newer_keys(self.engine, self._learn_keys)

    def renew_keys(self) -> None:
        """Takes over keys that are new in the file, also while nothing else is done."""
        if self._key_file is not None:
            with self._having_it_alone():
                self._use(self._news(self._key_file))

    def _begin_with_keys(self, _: Any) -> None:
        if self._key_file is not None:
            self._use(self._news(self._key_file))

    def _learn_keys(self) -> None:
        """In the middle of a transaction, which may have read what only the keys so far decrypt."""
        if self._key_file is not None:
            self._key_file.look_again()
            news = self._news(self._key_file)
            self._use(news and news.knowing(self.ring))
            self._key_file.look_again()

    def _news(self, file: KeyFile) -> KeyRing | None:
        try:
            news = file.news()
        except KeyFileError:
            _LOG.error("the key file cannot be read: the keys read before go on")
            return None
        if news is not None and news.lookup_key != self.ring.lookup_key:
            _LOG.error("the key file is that of another installation: the keys read before go on")
            return None
        return news

    def _use(self, ring: KeyRing | None) -> None:
        if ring is not None and ring != self.ring:
            self.ring = ring
            use_ring(self.engine, ring)

    def hold_alone(self, patience: float = PATIENCE) -> None:
        """Refuses a SQLite file to other processes that would work on it, until `close`; raises DatabaseError.

        Who only looks or makes a copy needs not hold it. On a server the processes know of each other.
        """
        if self.file is not None:
            lock = FileLock(self.file)
            lock.take(patience)
            self._lock = lock

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

    def look_at_sizes(self) -> None:
        """Lets SQLite look how its tables are filled: a server does so by itself, and without it guesses which way to
        rows is short. Takes milliseconds, however much is stored.
        """
        if self.engine.dialect.name == "sqlite":
            with self.connection() as connection:
                connection.exec_driver_sql(f"PRAGMA analysis_limit={ROWS_LOOKED_AT}")
                connection.exec_driver_sql("ANALYZE")
                connection.commit()

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a function on the database thread. If the caller is cancelled, the function still finishes."""
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._thread, partial(function, *args, **kwargs))
        except Exception as error:
            self._outage.met(error)
            raise
        self._outage.is_over()
        return result

    def close(self) -> None:
        """Waits for what is running, then lets go of the file."""
        self._thread.shutdown(wait=True)
        self.engine.dispose()
        if self._lock is not None:
            self._lock.release()

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
    if url.get_backend_name() == "sqlite":
        return sqlite.engine_of(url)
    if url.drivername in postgres.NAMES:
        return postgres.engine_of(url)
    raise exc.NoSuchModuleError


def _name(url: URL) -> str:
    return str(sqlite.file_of(url) or postgres.name_of(url))


def _why(error: exc.DBAPIError, url: URL) -> str:
    if url.drivername in postgres.NAMES:
        return postgres.why_not_opened(error.orig or error)
    return str(error.orig).strip().partition("\n")[0] or "no answer"
