"""Ids before rows: what is written at the end of a transaction can refer to each other at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from sqlalchemy import Integer, Select, Table, Text, column, func, literal_column, select, table
from sqlalchemy.orm import Session

from storage.models import Base

BLOCK: Final = 32
"""How many ids are taken from a sequence of PostgreSQL at a time."""


class Ids:
    """Gives ids to rows of one table before they are written.

    Only inside a transaction that holds the chats it writes to: the ids of a chat's messages must grow.
    """

    def __init__(self, session: Session, of: type[Base]) -> None:
        self._table = Base.metadata.tables[of.__tablename__]
        self._session = session
        self._ids = self._on_sqlite() if session.connection().dialect.name == "sqlite" else self._on_postgresql()

    def __call__(self) -> int:
        return next(self._ids)

    def _on_sqlite(self) -> Iterator[int]:
        # One process writes, one transaction at a time: nobody else can take the same number.
        number = self._session.connection().execute(_highest(self._table)).scalar_one()
        while True:
            number += 1
            yield number

    def _on_postgresql(self) -> Iterator[int]:
        block = select(func.nextval(func.pg_get_serial_sequence(self._table.name, "id"))).select_from(
            func.generate_series(1, literal_column(str(BLOCK)))
        )
        while True:
            yield from self._session.connection().execute(block).scalars().all()


@cache
def _highest(table: Table) -> Select[int]:
    """The highest id in a table of SQLite, and of one that must never give an id twice, that it ever had."""
    highest = func.coalesce(select(func.max(table.c.id)).scalar_subquery(), 0)
    if not table.dialect_options["sqlite"]["autoincrement"]:
        return select(highest)
    given = select(_SEQUENCE.c.seq).where(_SEQUENCE.c.name == table.name).scalar_subquery()
    return select(func.max(highest, func.coalesce(given, 0)))


_SEQUENCE: Final = table("sqlite_sequence", column("name", Text()), column("seq", Integer()))
