"""PostgreSQL's own programs for dumps: found, of the right version, and told the password where nobody looks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, NullPool, create_engine, exc, text

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")


class ToolError(Exception):
    """A dump cannot be made or read; the message is one line."""


def dump(url: URL, into: Path) -> None:
    """Dumps the database of one moment into a file; raises ToolError."""
    _refuse_older("pg_dump", url)
    conninfo, environment = _address(url)
    _run(
        "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={into}", f"--dbname={conninfo}",
        environment=environment,
    )  # fmt: skip


def load(dump_file: Path, url: URL) -> None:
    """Loads a dump into an empty database, all of it or nothing; raises ToolError."""
    _refuse_older("pg_restore", url)
    conninfo, environment = _address(url)
    _run(
        "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
        f"--dbname={conninfo}", str(dump_file), environment=environment,
    )  # fmt: skip


def settings_in(dump_file: Path) -> Mapping[str, str]:
    """The table `setting` of a dump; raises ToolError if the dump is damaged."""
    # All of it is read once: a dump that was cut off is found.
    _run("pg_restore", "--file=/dev/null", str(dump_file))
    listed = _run("pg_restore", "--data-only", "--table=setting", "--file=-", str(dump_file))
    rows = re.search(r"^COPY \S*setting \(name, value\) FROM stdin;\n(.*?)^\\\.$", listed, re.DOTALL | re.MULTILINE)
    return dict(row.split("\t", 1) for row in rows[1].splitlines()) if rows else {}


@contextmanager
def administering(url: URL) -> Iterator[Connection]:
    """A connection outside any transaction; raises ToolError."""
    try:
        engine = create_engine(_ours(url), hide_parameters=True, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    except ImportError:
        raise ToolError(
            'PostgreSQL needs a driver that is not installed: pip install "anlaufstelle[postgres]".'
        ) from None
    try:
        with engine.connect() as connection:
            yield connection
    except exc.DBAPIError as error:
        raise ToolError(f"PostgreSQL refuses: {_first_line(str(error.orig))}") from None
    finally:
        engine.dispose()


def create(url: URL, name: str) -> None:
    """A new empty database beside the one of the address; one of that name from an earlier attempt goes first."""
    with administering(_maintenance(url)) as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {_quoted(name)}"))
        connection.execute(text(f"CREATE DATABASE {_quoted(name)} TEMPLATE template0"))


def drop(url: URL, name: str) -> None:
    """Deletes a database of ours."""
    with administering(_maintenance(url)) as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {_quoted(name)}"))


def exists(url: URL) -> bool:
    """Whether the database of the address is there."""
    with administering(_maintenance(url)) as connection:
        found = connection.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": url.database})
        return found.first() is not None


def users_of(url: URL) -> int:
    """How many others are connected to the database of the address."""
    with administering(_maintenance(url)) as connection:
        asked = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()")
        return int(connection.execute(asked, {"name": url.database}).scalar_one())


def swap(url: URL, new: str, aside: str, *, present: bool) -> None:
    """Puts a prepared database in the place of the present one, which stays aside; both or neither."""
    name = str(url.database)
    with administering(_maintenance(url)) as connection:
        renamed = f"ALTER DATABASE {_quoted(new)} RENAME TO {_quoted(name)}"
        connection.execute(text("BEGIN"))
        if present:
            connection.execute(text(f"ALTER DATABASE {_quoted(name)} RENAME TO {_quoted(aside)}"))
        connection.execute(text(renamed))
        connection.execute(text("COMMIT"))


def _ours(url: URL) -> URL:
    if not url.database:
        raise ToolError("The address of the database must name it: postgresql://user@host/name.")
    return url.set(drivername="postgresql+psycopg")


def _maintenance(url: URL) -> URL:
    return _ours(url).set(database="postgres")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""').replace(":", r"\:") + '"'


def _address(url: URL) -> tuple[str, dict[str, str]]:
    """What may stand on a command line, and the environment with the password."""
    from psycopg.conninfo import make_conninfo

    engine = create_engine(_ours(url), poolclass=NullPool)
    parts: dict[str, Any] = dict(engine.dialect.create_connect_args(url)[1])
    password = parts.pop("password", None)
    own = {name: value for name, value in parts.items() if name not in ("context", "client_encoding")}
    return make_conninfo(**own), {"PGPASSWORD": str(password)} if password else {}


def _refuse_older(program: str, url: URL) -> None:
    with administering(url) as connection:
        server = int((connection.dialect.server_version_info or (0,))[0])
    match = _VERSION.search(_run(program, "--version"))
    if match is None or int(match[1]) < server:
        raise ToolError(
            f"{program} is of version {match[1] if match else 'unknown'}, the server of {server}: "
            f"install the client programs of PostgreSQL {server}."
        )


def _run(program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    path = shutil.which(program)
    if path is None:
        raise ToolError(f"{program} is not on the PATH: install the client programs of PostgreSQL.")
    done = subprocess.run(  # noqa: S603  # arguments are ours, none passes a shell
        [path, *arguments], capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "10", **(environment or {})},
    )  # fmt: skip
    if done.returncode != 0:
        raise ToolError(f"{program} failed: {_first_line(done.stderr)}")
    return done.stdout


def _first_line(said: str) -> str:
    said = said.strip()
    return said.splitlines()[0] if said else "no reason given"
