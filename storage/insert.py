"""INSERT … ON CONFLICT, which both databases know and SQLAlchemy spells once for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

_INSERT: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_or_leave(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Inserts what does not collide with a row that is there; returns how many rows are new."""
    connection = session.connection()
    statement = _INSERT[connection.dialect.name](table).on_conflict_do_nothing()
    # Otherwise nobody counts on PostgreSQL.
    statement = statement.execution_options(preserve_rowcount=True)
    return connection.execute(statement, rows).rowcount


def insert_or_replace(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str], values: Sequence[str]
) -> None:
    """Inserts rows; where one of the same key is there, it gets these values."""
    connection = session.connection()
    statement = _INSERT[connection.dialect.name](table)
    statement = statement.on_conflict_do_update(
        index_elements=key, set_={name: statement.excluded[name] for name in values}
    )
    connection.execute(statement, rows)
