"""Gives every encrypted value the primary key, so that an old key can be dropped (D-30)."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, LargeBinary, Table, select, tuple_, type_coerce, update
from sqlalchemy.orm import DeclarativeBase

from storage.database import Database
from storage.keys import KeyRing
from storage.types import Encrypted

_BATCH: Final = 200


def rotate(database: Database, base: type[DeclarativeBase]) -> int:
    """Re-encrypts what another key than the primary encrypted; returns the number of rows changed.

    Each batch is a transaction of its own: killed halfway, the next call does the rest. Raises WrongKey if a
    value cannot be read; as long as it does, no old key may be dropped.
    """
    changed = sum(_rotate_table(database, table) for table in base.metadata.sorted_tables)
    database.checkpoint()
    return changed


def _rotate_table(database: Database, table: Table) -> int:
    secret = {column: column.type for column in table.columns if isinstance(column.type, Encrypted)}
    if not secret:
        return 0
    key = list(table.primary_key.columns)
    # The encrypted bytes themselves, past the column type.
    batch = select(*key, *(type_coerce(column, LargeBinary).label(f"raw_{column.key}") for column in secret))
    # The rows stay as they were read until they are written, although the bot may be at work.
    batch = batch.order_by(*key).limit(_BATCH).with_for_update()
    changed = 0
    after: tuple[Any, ...] | None = None
    while True:
        rest = batch if after is None else batch.where(tuple_(*key) > tuple_(*after))
        with database.connection() as connection, connection.begin():
            rows = connection.execute(rest).all()
            for row in rows:
                tokens = dict(zip(secret, row[len(key) :], strict=True))
                fresh = _fresh(database.ring, tokens, secret)
                if fresh:
                    where = (column == value for column, value in zip(key, row, strict=False))
                    connection.execute(update(table).where(*where).values(fresh))
                    changed += 1
        if len(rows) < _BATCH:
            return changed
        after = tuple(rows[-1][: len(key)])


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
