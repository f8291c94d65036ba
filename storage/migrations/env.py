"""What Alembic runs: with the connection of `storage.migrate`, or for a developer with the address in alembic.ini."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from storage.database import Database
from storage.keys import KeyRing
from storage.migrate import without_foreign_keys
from storage.types import Encrypted, UtcDateTime


def plain_type(kind: str, value: Any, autogen: AutogenContext) -> str | Literal[False]:
    """A migration is of its time: it names what the database stores, not types that may change later."""
    if kind == "type" and isinstance(value, Encrypted):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Runs the migrations in the transaction of the connection, if it has one."""
    from storage.tables import Base

    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=plain_type,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database.open(context.config.get_main_option("sqlalchemy.url") or "sqlite://", KeyRing.new())
    with database.connection() as own, without_foreign_keys(own):
        run(own)
    database.close()
