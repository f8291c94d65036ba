"""A whole bot for a test: its own database, its own keys, a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.contact_point import ContactPoint
from bot.contact_point_file import load_contact_point, shipped
from bot.now import ManualTime
from bot.play import Player, in_process
from storage.database import Database
from storage.keys import KeyRing
from tests.databases import Databases, Postgres, Sqlite
from tests.matrix_js import process as node
from tests.matrix_server.homeserver import remove_shared
from tests.postgres import Server


@pytest.fixture(scope="session")
def oberberg() -> ContactPoint:
    """The shipped sample of the Oberbergischer Kreis."""
    return load_contact_point(shipped() / "oberberg.toml")


@pytest.fixture(scope="session")
def ring() -> KeyRing:
    return KeyRing.new()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server, with the usual settings and a role that owns its databases."""
    server = Server()
    yield server
    server.remove()


SELDOM_ON_A_SERVER = (
    "channels/telegram/test_bot.py",
    "channels/telegram/test_hostile.py",
    "pool/test_chain.py::TestCascade",
    "pool/test_chain.py::TestRelease",
    "pool/test_chain_killed.py",
    "pool/test_profiles.py::TestRows",
    "pool/test_requester.py",
    "pool/test_week.py",
    "test_accounts.py",
    "test_cli.py::TestKeys",
    "test_cli.py::test_rotated_keys",
    "test_cli.py::test_whoever_stops",
    "test_key_rotation.py::test_a_",
    "test_meetings.py",
    "test_pipe.py",
    "test_retention.py::TestHold",
    "test_retention.py::TestPage",
    "test_retention.py::TestStatistics",
    "test_service.py::TestEnd::test_under_load",
    "test_service.py::TestEnd::test_while_a_messenger",
    "test_service.py::TestLog",
    "test_service.py::TestOperations",
    "test_topics.py",
    "test_torture.py::test_the_clock",
    "test_torture.py::test_without_its_key_file",
    "test_transcripts.py",
)
"""What is played on SQLite each time, and on PostgreSQL with `-m long`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres" in item.nodeid and any(each in item.nodeid for each in SELDOM_ON_A_SERVER):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Where databases come from; whatever uses it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return Sqlite(tmp_path_factory.mktemp("databases"))
    return Postgres(request.getfixturevalue("server"))


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """The address of a fresh database of the current schema."""
    url = databases.new()
    yield url
    databases.drop(url)


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """The address of a database without a table."""
    url = databases.empty()
    yield url
    databases.drop(url)


@pytest.fixture
def database(url: str, ring: KeyRing) -> Iterator[Database]:
    """A fresh database of the current schema."""
    database = Database.open(url, ring)
    yield database
    database.close()


@pytest.fixture(scope="session", autouse=True)
def homeservers() -> Iterator[None]:
    """Ends the homeserver of Matrix, and whoever writes with matrix-js-sdk, that a test has started."""
    yield
    node.remove_shared()
    remove_shared()


@pytest.fixture
def player(database: Database, oberberg: ContactPoint) -> Callable[[str], Player]:
    """Makes a bot that plays transcripts, for people whose messenger hints at a language."""

    def make(language: str = "en") -> Player:
        return in_process(database, {oberberg.id: oberberg}, language, ManualTime(database))

    return make
