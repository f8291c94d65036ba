"""Brings the tables of a database to what this version expects."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, exc, inspect

from storage import sqlite
from storage.database import Database, DatabaseError

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"

HEAD: Final = "0009"
"""The newest revision there; a database that has it is not looked at any further."""

_ONE_MIGRATOR: Final = 0x616E6C6175666D67
"""The number of the lock that a process holds while it changes the tables of a PostgreSQL database."""

UNREADABLE: Final = "The database could not be looked at"
AS_IT_WAS: Final = "The database could not be upgraded and is as it was"

_PATIENCE: Final = "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0"
"""Another process may be upgrading, and to change a large table takes time."""


def upgrade(database: Database, versions: Path = VERSIONS) -> None:
    """Applies what is missing, all of it or nothing; raises DatabaseError.

    A SQLite file that holds tables already is first copied to `<file>.before-upgrade`, which replaces the copy
    of the upgrade before. It holds personal data: whoever erases must erase it too. Several processes may call
    this at the same moment.
    """
    with database.connection() as connection, _in_one_line(UNREADABLE, database):
        missing = _missing(connection, versions)
        if database.file is not None:
            with _in_one_line("The database cannot be written to", database):
                sqlite.adopt(database.file, _driver(connection))
        if missing:
            _copy(database, connection)
            with _in_one_line(AS_IT_WAS, database):
                _apply(connection, versions)


def pending(database: Database, versions: Path = VERSIONS) -> bool:
    """Whether `upgrade` has something to do; raises DatabaseError for a newer or another program's database."""
    with database.connection() as connection, _in_one_line(UNREADABLE, database):
        return _missing(connection, versions)


def newest_revisions() -> frozenset[str]:
    """The revisions of tables that this version works with."""
    return frozenset({HEAD})


def present_revisions(connection: Connection) -> frozenset[str]:
    """The revisions that the tables of a database in use have now."""
    return frozenset(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())


def is_empty(database: Database) -> bool:
    """Whether there is no table yet; raises DatabaseError."""
    with database.connection() as connection, _in_one_line(UNREADABLE, database), connection.begin():
        return not inspect(connection).get_table_names()


def config_of(versions: Path) -> Config:
    """What Alembic needs to know."""
    from alembic.config import Config

    config = Config()
    # A percent sign in a path would be read as a place to fill in.
    for option, path in (("script_location", VERSIONS.parent), ("version_locations", versions)):
        config.set_main_option(option, str(path).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config


def _apply(connection: Connection, versions: Path) -> None:
    # Imported here, for a start that finds everything in place should not wait for it.
    from alembic import command
    from alembic.util import CommandError

    config = config_of(versions)
    with without_foreign_keys(connection), connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_PATIENCE)
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_MIGRATOR})")
        config.attributes["connection"] = connection
        try:
            # What another process has done meanwhile is found in place and not done again.
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseError(f"{AS_IT_WAS}: {error}") from error
        _check_foreign_keys(connection)


def _missing(connection: Connection, versions: Path) -> bool:
    with connection.begin():
        present = _revisions(connection)
    if versions == VERSIONS and present == {HEAD}:
        return False
    if not present:
        _refuse_foreign(connection)
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(config_of(versions))
    known = {script.revision for script in scripts.walk_revisions()}
    if not present <= known:
        raise DatabaseError(
            f"The database was written by a newer version (revision {', '.join(sorted(present - known))}): "
            "install that version. Nothing was changed."
        )
    return present != set(scripts.get_heads())


def _revisions(connection: Connection) -> set[str]:
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return {str(row[0]) for row in connection.exec_driver_sql("SELECT version_num FROM alembic_version")}


def _refuse_foreign(connection: Connection) -> None:
    """Another program's database must not get our tables."""
    with connection.begin():
        tables = set(inspect(connection).get_table_names())
    if tables and "alembic_version" not in tables:
        raise DatabaseError("The database belongs to another program. Nothing was changed.")


@contextmanager
def _in_one_line(what: str, database: Database) -> Iterator[None]:
    try:
        yield
    except exc.SQLAlchemyError as error:
        advice = _ADVICE.get(getattr(getattr(error, "orig", None), "sqlstate", ""))
        if advice is not None:
            url = database.engine.url
            raise DatabaseError(f"{what}: {advice.format(user=url.username, name=url.database)}.") from error
        reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise DatabaseError(f"{what}: {reason}.") from error
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"{what}: {getattr(error, 'strerror', None) or error}.") from None


_ADVICE: Final = {
    "42501": (
        'the user "{user}" has no rights to its tables. Make it the owner: ALTER DATABASE "{name}" OWNER TO "{user}"'
    ),
    "25006": "the server is a standby, or the user may only read",
    "55P03": "another process is upgrading it or uses the tables. Stop the other one, then start again",
}
"""What to do, by PostgreSQL's code of the error."""


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
