"""Brings the tables of a database to what this version expects."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, exc, inspect

from storage.database import Database, DatabaseError

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def upgrade(database: Database, versions: Path = MIGRATIONS / "versions") -> None:
    """Applies what is missing, all of it or nothing; raises DatabaseError.

    A SQLite file that holds tables already is first copied to `<file>.before-upgrade`, which replaces the copy
    of the upgrade before. It holds personal data: whoever erases must erase it too.
    """
    config = _config(versions)
    with database.connection() as connection:
        if not _missing(connection, config):
            return
        _refuse_foreign(connection)
        _copy(database, connection)
        with without_foreign_keys(connection), connection.begin():
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except (CommandError, exc.SQLAlchemyError) as error:
                reason = str(getattr(error, "orig", None) or error).splitlines()[0]
                raise DatabaseError(f"The database could not be upgraded and is as it was: {reason}") from error
            _check_foreign_keys(connection)


def pending(database: Database, versions: Path = MIGRATIONS / "versions") -> bool:
    """Whether `upgrade` has something to do; raises DatabaseError if a newer version wrote the database."""
    with database.connection() as connection:
        return _missing(connection, _config(versions))


def newest_revisions(versions: Path = MIGRATIONS / "versions") -> frozenset[str]:
    """The revisions of tables that this version works with."""
    return frozenset(ScriptDirectory.from_config(_config(versions)).get_heads())


def present_revisions(connection: Connection) -> frozenset[str]:
    """The revisions that the tables have now."""
    return frozenset(MigrationContext.configure(connection).get_current_heads())


def _config(versions: Path) -> Config:
    config = Config()
    # A percent sign in a path would be read as a place to fill in.
    for option, path in (("script_location", MIGRATIONS), ("version_locations", versions)):
        config.set_main_option(option, str(path).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def _missing(connection: Connection, config: Config) -> bool:
    scripts = ScriptDirectory.from_config(config)
    with connection.begin():
        present = set(MigrationContext.configure(connection).get_current_heads())
    known = {script.revision for script in scripts.walk_revisions()}
    if not present <= known:
        raise DatabaseError(
            f"The database was written by a newer version (revision {', '.join(sorted(present - known))}): "
            "install that version. Nothing was changed."
        )
    return present != set(scripts.get_heads())


def _refuse_foreign(connection: Connection) -> None:
    """Another program's file must not get our tables."""
    with connection.begin():
        tables = set(inspect(connection).get_table_names())
    if tables and "alembic_version" not in tables:
        raise DatabaseError("The database belongs to another program. Nothing was changed.")


def _copy(database: Database, connection: Connection) -> None:
    file = database.file
    if file is None:
        return
    driver = _driver(connection)
    if driver.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
        return
    copy = file.with_name(f"{file.name}.before-upgrade")
    new = file.with_name(f"{file.name}.before-upgrade.new")
    try:
        new.unlink(missing_ok=True)
        # The mode is right before the first byte is in it; VACUUM takes an empty file.
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        driver.execute("VACUUM INTO ?", (str(new),))
        with open(new, "rb") as written:
            os.fsync(written.fileno())
        os.replace(new, copy)
    except (OSError, sqlite3.Error) as error:
        new.unlink(missing_ok=True)
        raise DatabaseError(f"The database could not be copied before its upgrade: {error}") from None


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by writing it anew; dropping the old one would delete or block its children."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = _driver(connection)
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    astray = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone()
    if astray is not None:
        raise DatabaseError(
            f"The upgrade would leave rows of {astray[0]} that point nowhere; the database is as it was."
        )


def _driver(connection: Connection) -> sqlite3.Connection:
    """Past the transaction that the connection would begin by itself."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
