"""Who is alive, and who alone does what: the processes of one installation know of each other by their leases.

A process renews what it holds; whoever has not for SECONDS, or whose database session is gone, is dead, and another
takes over with a higher epoch. A process that was only asleep finds its lease gone and stops (architecture, idea 3).
With SQLite there is one process, which the lock on the file sees to.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Float,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.models import Lease
from storage.types import UtcDateTime

SECONDS: Final = 5
"""How long a process that is not heard of counts as alive."""

GRACE_SECONDS: Final = 2
"""For how long after that it may still finish a transaction that it is in."""

_LEASE: Final[Any] = Lease.__table__
_PROCESS: Final = "process:"


class LostLease(Exception):
    """Another process has taken over; what this one was about to write must not be written."""


@dataclass(frozen=True)
class Dead:
    """A process that is gone."""

    name: str
    written: int
    """The last message that it is known to have written out of those it had claimed."""


class Leases:
    """What this process holds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.shared = database.engine.dialect.name != "sqlite"
        """Whether other processes may use the database at the same time."""
        self.me = secrets.token_hex(4)
        """The name of this process; another one after every loss."""
        self._started = False
        self._alive_at = 0.0
        """When it was certainly alive for everybody, by its own monotonic clock."""
        self._epochs: dict[str, int] = {}
        self._told = ""
        """The data key that the others know of."""

    def start(self) -> None:
        """Makes this process known."""
        began = monotonic()
        with self._database.transaction() as session:
            row = self._row(session, f"{_PROCESS}{self.me}", 1)
            session.connection().execute(insert(_LEASE), row)
        self._started, self._alive_at, self._told = True, began, row["data_key"]

    def stop(self) -> None:
        """This process ends by itself: nobody needs to wait for its time to run out."""
        with self._database.transaction() as session:
            session.connection().execute(delete(_LEASE).where(_LEASE.c.name == f"{_PROCESS}{self.me}"))
        self._started = False
        self._epochs.clear()

    def beat(self) -> None:
        """Says that this process is alive; raises LostLease if others have given it up."""
        if not self._started:
            self.start()
        self._database.renew_keys()
        if not self.shared and self._told == self._database.ring.primary:
            return
        began = monotonic()
        with self._database.transaction() as session:
            connection = session.connection()
            # Begun with the keys of the file: whatever this process wrote with another one is committed.
            key = self._database.ring.primary
            renewed = connection.execute(
                update(_LEASE)
                .where(_LEASE.c.owner == self.me)
                .values(until=_until(connection), session=_session(connection), data_key=key)
                .returning(_LEASE.c.name)
            ).scalars()
            if f"{_PROCESS}{self.me}" not in set(renewed):
                raise LostLease(f"Process {self.me} was given up by the others.")
        self._alive_at, self._told = began, key

    def keep_up(self) -> None:
        """Says it where nobody heard of this process for so long that it is about to be given up; raises LostLease."""
        if not self.is_still(self.me):
            self.beat()

    def left(self, session: Session, accounts: Collection[str] = ()) -> dict[str, float]:
        """What this process must hold, itself and accounts, by channel: for how many seconds it still does.

        By the clock of the database; 0 for what it has lost.
        """
        if not self.shared:
            return {}
        left = literal_column("extract(epoch FROM until - clock_timestamp())::float", Float())
        mine = session.connection().execute(select(_LEASE.c.name, left).where(_LEASE.c.owner == self.me))
        held = {row[0]: row[1] for row in mine}
        found = {"process": held.get(f"{_PROCESS}{self.me}", 0.0)}
        for account in accounts:
            name = f"account:{account.partition(':')[0]}"
            found[name] = min(found.get(name, SECONDS), held.get(f"account:{account}", 0.0))
        return found

    def lost(self) -> None:
        """Others have given this process up: it goes on under a new name, and holds nothing."""
        self.me = secrets.token_hex(4)
        self._started = False
        self._epochs.clear()

    def hold(self, session: Session) -> None:
        """Fences a transaction: raises LostLease unless this process is alive for everybody until the commit."""
        if not self.shared:
            return
        mine = select(_LEASE.c.name).where(_LEASE.c.name == f"{_PROCESS}{self.me}").with_for_update(read=True)
        if session.connection().execute(mine).first() is None:
            raise LostLease(f"Process {self.me} was given up by the others.")

    def is_still(self, name: str) -> bool:
        """Whether this process has a name of its own still, and has not slept so long that others may give it up."""
        return name == self.me and not (self.shared and monotonic() - self._alive_at > SECONDS / 2)

    def take(self, account: str) -> int | None:
        """The epoch under which this process alone serves an account; None while another one does."""
        if account not in self._epochs:
            epoch = self._take(f"account:{account}")
            if epoch is None:
                return None
            self._epochs[account] = epoch
        return self._epochs[account]

    def _take(self, name: str) -> int | None:
        with self._database.transaction() as session:
            self.hold(session)
            connection = session.connection()
            found = connection.execute(select(_LEASE).where(_LEASE.c.name == name).with_for_update()).first()
            if found is None:
                connection.execute(insert(_LEASE), self._row(session, name, 1))
                return 1
            if found.owner != self.me and self.shared and connection.execute(select(_lives(found.owner))).scalar():
                return None
            epoch: int = found.epoch + (found.owner != self.me)
            row = self._row(session, name, epoch)
            connection.execute(update(_LEASE).where(_LEASE.c.name == name).values(row))
            return epoch

    def epoch_of(self, account: str) -> int | None:
        """The epoch under which this process serves an account, as far as it knows."""
        return self._epochs.get(account)

    def hold_account(self, session: Session, account: str, epoch: int | None = None) -> None:
        """Fences a transaction that writes for an account: raises LostLease if it has another holder by now.

        With an `epoch`, also if this process has lost the account since then, and has got it back.
        """
        if not self.shared:
            return
        if epoch is not None and epoch != self._epochs.get(account):
            raise LostLease(f"The account {account.partition(':')[0]} was served by another process meanwhile.")
        mine = select(_LEASE.c.epoch, _LEASE.c.owner).where(_LEASE.c.name == f"account:{account}")
        found = session.connection().execute(mine.with_for_update(read=True)).first()
        if found is None or (found.epoch, found.owner) != (self._epochs.get(account), self.me):
            self._epochs.pop(account, None)
            raise LostLease(f"The account {account.partition(':')[0]} is served by another process.")

    def serves(self, session: Session, account: str, *, alone: bool) -> bool:
        """Whether this process may send for an account until the commit; `alone`: only its holder may."""
        if not self.shared:
            return not alone or account in self._epochs
        wanted = [f"{_PROCESS}{self.me}", *([f"account:{account}"] if alone else [])]
        mine = select(_LEASE.c.name, _LEASE.c.epoch).where(_LEASE.c.owner == self.me, _LEASE.c.name.in_(wanted))
        found = {row.name: row.epoch for row in session.connection().execute(mine.with_for_update(read=True))}
        return len(found) == len(wanted) and found.get(f"account:{account}") == (
            self._epochs.get(account) if alone else None
        )

    def dead(self, session: Session, senders: Collection[str]) -> list[Dead]:
        """The processes that died, and senders that nobody knows; `bury` follows in the same transaction."""
        connection = session.connection()
        names = _LEASE.c.name.startswith(_PROCESS, autoescape=True)
        known = set(connection.execute(select(_LEASE.c.owner).where(names)).scalars())
        dead = select(_LEASE.c.owner, _LEASE.c.written).where(names, _LEASE.c.owner != self.me)
        if self.shared:
            dead = dead.where(~_is_alive())
        found = [Dead(*row) for row in connection.execute(dead.with_for_update(skip_locked=True))]
        return found + [Dead(name, 0) for name in senders if name not in known]

    def end_hanging(self, session: Session) -> None:
        """Ends the database sessions of processes whose time ran out a while ago.

        One that was stopped in the middle of a statement would keep its locks for ever: no timeout of the server
        covers the wait for the rest of what a client has begun to say.
        """
        if not self.shared:
            return
        hanging = select(_LEASE.c.session).where(
            _LEASE.c.name.startswith(_PROCESS, autoescape=True),
            _LEASE.c.owner != self.me,
            _LEASE.c.until < literal_column(f"clock_timestamp() - interval '{GRACE_SECONDS} seconds'"),
        )
        self._end_sessions(session, hanging)

    def _end_sessions(self, session: Session, which: Any) -> None:
        session.connection().execute(
            select(literal_column("pg_terminate_backend(pid)"))
            .select_from(_SESSIONS)
            .where(literal_column(_BACKEND, Text()).in_(which), text("pid <> pg_backend_pid()"))
        )

    def end_session(self, session: Session, dead: Dead) -> None:
        """Ends the database session of a dead process, if it has one still; its lease tells which, so before `bury`."""
        if self.shared:
            self._end_sessions(session, select(_LEASE.c.session).where(_LEASE.c.name == f"{_PROCESS}{dead.name}"))

    def bury(self, session: Session, dead: Dead) -> None:
        """The lease of a dead process is gone with the commit."""
        session.connection().execute(delete(_LEASE).where(_LEASE.c.name == f"{_PROCESS}{dead.name}"))

    def others(self) -> dict[str, str]:
        """The data keys that other living processes encrypt with, by process; may be asked without a lease.

        With SQLite one that was killed is among them until the next one has begun.
        """
        with self._database.transaction() as session:
            keys = select(_LEASE.c.owner, _LEASE.c.data_key).where(
                _LEASE.c.name.startswith(_PROCESS, autoescape=True), _LEASE.c.owner != self.me
            )
            found = session.connection().execute(keys.where(_is_alive()) if self.shared else keys)
            return {row[0]: row[1] for row in found}

    @contextmanager
    def writing_out(self) -> Iterator[Callable[[int], None]]:
        """For writing one message after the other: what is called with each id once it is written.

        A killed process is known to have written that one, and is alive for the others. With SQLite, a power cut may
        forget the last ones, which are then written again: for that the disk is not waited for.
        """
        with self._database.connection() as connection:
            if connection.dialect.name == "sqlite":
                driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
                driver.execute("PRAGMA synchronous=NORMAL")
                try:
                    yield partial(self._written_in_file, driver)
                finally:
                    driver.execute("PRAGMA synchronous=FULL")
                return
            yield partial(self._written_on_server, connection.execution_options(isolation_level="AUTOCOMMIT"))

    def _written_in_file(self, driver: sqlite3.Connection, row: int) -> None:
        # By SQLAlchemy it would take as long as the message itself.
        try:
            driver.execute("UPDATE lease SET written = ? WHERE name = ?", (row, f"{_PROCESS}{self.me}"))
        except sqlite3.Error as error:
            raise OperationalError(None, None, error) from error

    def _written_on_server(self, connection: Connection, row: int) -> None:
        began = monotonic()
        renewed = _WRITTEN.values(until=_until(connection))
        done = connection.execute(renewed, {"row": row, "its_name": f"{_PROCESS}{self.me}"})
        if done.rowcount != 1:
            raise LostLease(f"Process {self.me} was given up by the others.")
        self._alive_at = began

    def written(self, session: Session) -> int:
        """The last message that this process is known to have written."""
        mine = select(_LEASE.c.written).where(_LEASE.c.name == f"{_PROCESS}{self.me}")
        return session.connection().execute(mine).scalar() or 0

    def nothing_written(self, session: Session) -> None:
        """A new row of messages begins."""
        session.connection().execute(_WRITTEN, {"row": 0, "its_name": f"{_PROCESS}{self.me}"})

    def _row(self, session: Session, name: str, epoch: int) -> dict[str, Any]:
        connection = session.connection()
        until, own = connection.execute(select(_until(connection), _session(connection))).one()
        return {
            "name": name, "owner": self.me, "epoch": epoch, "until": until, "session": own, "written": 0,
            "data_key": self._database.ring.primary,
        }  # fmt: skip


_WRITTEN: Final = update(_LEASE).where(_LEASE.c.name == bindparam("its_name")).values(written=bindparam("row"))

_BACKEND: Final = "pid || ' ' || extract(epoch FROM backend_start)"
_SESSIONS: Final = text("pg_stat_activity")


def _until(connection: Connection) -> ColumnElement[Any]:
    """By the clock of the database, which is the same for all."""
    if connection.dialect.name == "sqlite":
        return literal(datetime.now(UTC) + timedelta(seconds=SECONDS), UtcDateTime())
    return literal_column(f"clock_timestamp() + interval '{SECONDS} seconds'", UtcDateTime())


def _session(connection: Connection) -> ColumnElement[Any]:
    if connection.dialect.name == "sqlite":
        return literal("")
    return _own_session()


def _own_session() -> ColumnElement[Any]:
    own = select(literal_column(_BACKEND, Text())).select_from(_SESSIONS)
    return own.where(literal_column("pid = pg_backend_pid()", Boolean())).scalar_subquery()


def _is_alive() -> ColumnElement[bool]:
    return and_(
        _LEASE.c.until > literal_column("clock_timestamp()"),
        # What has our own session was this very process, before it began anew.
        _LEASE.c.session != _own_session(),
        _LEASE.c.session.in_(
            # Of other people's sessions only a part can be seen, and NOT IN would find nothing beside a NULL.
            select(literal_column(_BACKEND, Text())).select_from(_SESSIONS).where(text("backend_start IS NOT NULL"))
        ),
    )


def _lives(owner: str) -> ColumnElement[bool]:
    return exists().where(_LEASE.c.name == f"{_PROCESS}{owner}", _is_alive())
