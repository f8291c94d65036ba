"""New databases for tests, of either kind, at the price of a copy."""

from __future__ import annotations

import shutil
import sqlite3
from abc import ABC, abstractmethod
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from storage.database import Database
from storage.keys import KeyRing
from storage.migrate import upgrade
from tests.postgres import OWNER, Server


class Databases(ABC):
    """Where a test gets its databases from; each is known by its address, as the command line takes it."""

    name: str

    @abstractmethod
    def empty(self) -> str:
        """A database without a table."""

    @abstractmethod
    def copy(self, url: str) -> str:
        """A new database that holds what another one holds, which nobody may have open."""

    @abstractmethod
    def drop(self, url: str) -> None:
        """Deletes a database, whoever has it open."""

    @abstractmethod
    def query(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        """What is in a database, seen from outside the program."""

    @abstractmethod
    def dump(self, url: str) -> dict[str, str]:
        """Everything in a database: each table, and how it was made."""

    def new(self) -> str:
        """A database of the current schema without a row."""
        if not hasattr(self, "_template"):
            self._template = self.empty()
            database = Database.open(self._template, KeyRing.new())
            upgrade(database)
            database.close()
        return self.copy(self._template)


class Sqlite(Databases):
    """Files."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def empty(self) -> str:
        return f"sqlite:///{self._folder / f'bot{next(self._numbers)}.db'}"

    def copy(self, url: str) -> str:
        new = self.empty()
        shutil.copy(file_of(url), file_of(new))
        return new

    def drop(self, url: str) -> None:
        for file in self._folder.glob(f"{file_of(url).stem}.*"):
            file.unlink()

    def query(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(file_of(url))) as connection, connection:
            return connection.execute(statement).fetchall()

    def dump(self, url: str) -> dict[str, str]:
        with closing(sqlite3.connect(file_of(url))) as connection:
            return {"dump": "\n".join(connection.iterdump())}


class Postgres(Databases):
    """Databases of one server."""

    name = "postgres"

    def __init__(self, server: Server) -> None:
        self.server = server

    def empty(self) -> str:
        return self.server.url(self.server.create())

    def copy(self, url: str) -> str:
        return self.server.url(self.server.create(name_of(url)))

    def drop(self, url: str) -> None:
        self.server.drop(name_of(url))

    def query(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        with self.server.connect(name_of(url), OWNER) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def dump(self, url: str) -> dict[str, str]:
        columns = "table_name, column_name, data_type, is_nullable, column_default"
        made = f"SELECT {columns} FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
        keys = "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2"
        tables = self.query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        rows = {table: self.query(url, f'SELECT * FROM "{table}" ORDER BY 1') for (table,) in tables}
        kept = {"columns": self.query(url, made), "keys": self.query(url, keys), **rows}
        return {table: "\n".join(map(str, lines)) for table, lines in kept.items()}


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
