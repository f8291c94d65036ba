"""A whole bot for a test: its own database file, its own keys, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.contact_point import ContactPoint
from bot.contact_point_file import load_contact_point, shipped
from bot.now import ManualTime
from bot.play import Player
from storage.database import Database
from storage.keys import KeyRing
from storage.migrate import upgrade


@pytest.fixture(scope="session")
def oberberg() -> ContactPoint:
    """The shipped sample of the Oberbergischer Kreis."""
    return load_contact_point(shipped() / "oberberg.toml")


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    return KeyRing.new()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory, ring: KeyRing) -> Path:
    """A migrated file without a row, to copy from."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    database = Database.open(f"sqlite:///{path}", ring)
    upgrade(database)
    database.checkpoint()
    database.close()
    return path


@pytest.fixture
def database(tmp_path: Path, empty_database: Path, ring: KeyRing) -> Iterator[Database]:
    """A fresh database of the current schema."""
    path = tmp_path / "bot.db"
    path.write_bytes(empty_database.read_bytes())
    database = Database.open(f"sqlite:///{path}", ring)
    yield database
    database.close()


@pytest.fixture
def player(database: Database, oberberg: ContactPoint) -> Callable[[str], Player]:
    """Makes a bot that plays transcripts, for people whose messenger hints at a language."""

    def make(language: str = "en") -> Player:
        return Player(database, {oberberg.id: oberberg}, language, ManualTime(database))

    return make
