"""Gives every encrypted value the primary key, so that an old key can be dropped (D-30)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, LargeBinary, Table, select, text, tuple_, type_coerce, update
from sqlalchemy.orm import DeclarativeBase

from storage.database import Database
from storage.errors import DatabaseError
from storage.keys import KeyRing
from storage.leases import Leases
from storage.types import Encrypted

TAKE_OVER_SECONDS: Final = 15.0
"""How long running processes have to take over a new key; each looks about once a second."""

_BATCH: Final = 200
_LOOK_SECONDS: Final = 0.1
_BEGINNING_SECONDS: Final = 1.0
"""After which a process that was just starting is known by its lease."""


class NotTakenOver(Exception):
    """A running process goes on with the old key, which cannot be dropped then."""


def wait_for_others(database: Database, patience: float = TAKE_OVER_SECONDS) -> None:
    """Returns when all that is written from now on has the primary key of this ring; raises NotTakenOver.

    The ring stands in the key file already. With SQLite the file is held alone afterwards if nobody works on it.
    """
    began = time.monotonic()
    shared = database.file is None
    leases = Leases(database)
    while True:
        if not shared and _nobody_works_on(database):
            return
        with_key = leases.others()
        late = sorted(name for name, key in with_key.items() if key != database.ring.primary)
        past = time.monotonic() - began
        # A SQLite file that is held by somebody without a lease is being restored, or he is only beginning.
        if not late and (with_key if not shared else past > _BEGINNING_SECONDS and not _older(database, past)):
            return
        if past > patience:
            who = f"process {late[0]}" if late else "whoever uses the database"
            raise NotTakenOver(
                f"Nothing is lost, but {who} has not taken over the new key: see that it reads this key file, "
                "or start it again; then call this once more."
            )
        time.sleep(_LOOK_SECONDS)


def _nobody_works_on(database: Database) -> bool:
    try:
        database.hold_alone(0)
    except DatabaseError:
        return False
    return True


def _older(database: Database, seconds: float) -> bool:
    """Whether a transaction is under way that began before the new key could be known."""
    if database.engine.dialect.name == "sqlite":
        return False
    with database.transaction(everywhere=True) as session:
        connection = session.connection()
        return bool(connection.execute(_OLDER, {"seconds": seconds - _BEGINNING_SECONDS}).scalar())


_OLDER: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND application_name = current_setting('application_name') "
    "AND xact_start < clock_timestamp() - make_interval(secs => :seconds)"
)


def rotate(database: Database, base: type[DeclarativeBase]) -> int:
    """Re-encrypts what another key than the primary encrypted; returns the number of rows changed.

    Each batch is a transaction of its own: killed halfway, the next call does the rest. The bot may be at work.
    Raises WrongKey if a value cannot be read; as long as it does, no old key may be dropped.
    """
    changed = 0
    while True:
        passes = [_rotate_table(database, table) for table in base.metadata.sorted_tables]
        changed += sum(done for done, _left in passes)
        if not any(done or left for done, left in passes):
            database.checkpoint()
            return changed
        if not any(done for done, _left in passes):
            time.sleep(_LOOK_SECONDS)


def _rotate_table(database: Database, table: Table) -> tuple[int, int]:
    """How many rows were changed, and how many were left because somebody was changing them."""
    secret = {column: column.type for column in table.columns if isinstance(column.type, Encrypted)}
    if not secret:
        return 0, 0
    key = list(table.primary_key.columns)
    # The encrypted bytes themselves, past the column type.
    rows_of = select(*key, *(type_coerce(column, LargeBinary).label(f"raw_{column.key}") for column in secret))
    batch = rows_of.order_by(*key).limit(_BATCH)
    changed = left = 0
    after: tuple[Any, ...] | None = None
    while True:
        began = time.monotonic()
        with database.connection() as connection, connection.begin():
            rows = connection.execute(batch if after is None else batch.where(tuple_(*key) > tuple_(*after))).all()
            old = [tuple(row[: len(key)]) for row in rows if _is_old(database.ring, row[len(key) :])]
            done = 0
            if old:
                # Read again, and as they are until they are written. Whoever waits for nobody is in nobody's way.
                locked = rows_of.where(tuple_(*key).in_(old)).with_for_update(skip_locked=True)
                done = _rewrite(connection, database.ring, table, secret, connection.execute(locked).all())
        changed += done
        left += len(old) - done
        if len(rows) < _BATCH:
            return changed, left
        after = tuple(rows[-1][: len(key)])
        if done:
            # The bot wants the database, too.
            time.sleep(min(time.monotonic() - began, 1))


def _rewrite(
    connection: Connection, ring: KeyRing, table: Table, secret: dict[Column[Any], Encrypted], rows: Sequence[Any]
) -> int:
    key = list(table.primary_key.columns)
    done = 0
    for row in rows:
        fresh = _fresh(ring, dict(zip(secret, row[len(key) :], strict=True)), secret)
        if fresh:
            where = (column == value for column, value in zip(key, row, strict=False))
            connection.execute(update(table).where(*where).values(fresh))
            done += 1
    return done


def _is_old(ring: KeyRing, tokens: Sequence[Any]) -> bool:
    return any(token and ring.key_of(bytes(token)) != ring.primary for token in tokens)


def _fresh(
    ring: KeyRing, tokens: dict[Column[Any], bytes | None], types: dict[Column[Any], Encrypted]
) -> dict[Column[Any], Any]:
    fresh: dict[Column[Any], Any] = {}
    for column, token in tokens.items():
        if token and ring.key_of(bytes(token)) != ring.primary:
            context = types[column].context.encode()
            plain = ring.decrypt(bytes(token), context)
            fresh[column] = type_coerce(ring.encrypt(plain, context), LargeBinary)
    return fresh
