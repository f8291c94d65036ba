"""Ids before rows: what is written at the end of a transaction can refer to each other at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, literal_column, select, text
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
        connection = self._session.connection()
        number = connection.execute(select(func.max(self._table.c.id))).scalar() or 0
        if self._table.dialect_options["sqlite"]["autoincrement"]:
            given = connection.execute(_GIVEN, {"name": self._table.name}).scalar()
            number = max(number, given or 0)
        while True:
            number += 1
            yield number

    def _on_postgresql(self) -> Iterator[int]:
        block = select(func.nextval(func.pg_get_serial_sequence(self._table.name, "id"))).select_from(
            func.generate_series(1, literal_column(str(BLOCK)))
        )
        while True:
            yield from self._session.connection().execute(block).scalars().all()


_GIVEN: Final = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
