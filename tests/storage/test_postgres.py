"""PostgreSQL: how it is reached, what its errors say, and that it may be stopped and started again."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import ForeignKey, exc, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage import postgres
from storage.database import Database, DatabaseError
from storage.keys import KeyRing
from storage.migrate import HEAD, upgrade
from storage.types import UtcDateTime
from tests.postgres import Server

SECRET = "Sperrmuellgezeter"


class Base(DeclarativeBase):
    pass


class Room(Base):
    __tablename__ = "room"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    neighbour: Mapped[str | None] = mapped_column(ForeignKey("room.name"))
    at: Mapped[datetime | None] = mapped_column(UtcDateTime())


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """An empty database of the server that every test uses; nothing here is about another kind of database."""
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database.open(url, KeyRing.new())
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that a test may stop."""
    server = Server()
    yield server
    server.remove()


def setting(database: Database, name: str) -> object:
    with database.connection() as connection:
        return connection.exec_driver_sql(f"SHOW {name}").scalar()


def names(database: Database) -> list[str]:
    with database.transaction() as session:
        return list(session.scalars(select(Room.name).order_by(Room.name)))


def add(database: Database, name: str) -> None:
    with database.transaction() as session:
        session.add(Room(name=name))


class TestSettings:
    def test_those_of_the_session(self, database: Database) -> None:
        expected = {
            "TimeZone": "UTC",
            "statement_timeout": "30s",
            "lock_timeout": "5s",
            "idle_in_transaction_session_timeout": "4s",
            "transaction_isolation": "read committed",
            "application_name": "anlaufstelle",
            "client_encoding": "UTF8",
        }
        assert {name: setting(database, name) for name in expected} == expected

    def test_the_address_has_the_last_word(self, url: str) -> None:
        database = Database.open(f"{url}&options=-clock_timeout%3D7s&application_name=other", KeyRing.new())
        assert (setting(database, "lock_timeout"), setting(database, "TimeZone")) == ("7s", "UTC")
        assert setting(database, "application_name") == "other"
        database.close()

    def test_times_are_utc_whatever_the_server_thinks(self, server: Server, url: str) -> None:
        name = url.partition("?")[0].rpartition("/")[2]
        server.execute(f"ALTER DATABASE {name} SET TimeZone = 'Asia/Kabul'")
        database = Database.open(url, KeyRing.new())
        Base.metadata.create_all(database.engine)
        at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
        with database.transaction() as session:
            session.add(Room(name="one", at=at))
        with database.transaction() as session:
            (found,) = session.scalars(select(Room.at))
            assert found == at and found.tzinfo is UTC
        database.close()

    @pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
    def test_every_way_to_write_the_address(self, url: str, scheme: str) -> None:
        Database.open(scheme + url[url.index("://") :], KeyRing.new()).close()


class TestWhatIsWrong:
    def mistake(self, url: str) -> str:
        with pytest.raises(DatabaseError) as caught:
            database = Database.open(url, KeyRing.new())
            try:
                upgrade(database)
            finally:
                database.close()
        told = str(caught.value)
        assert len(told.splitlines()) == 1 and "secret" not in told and told.endswith(".")
        return told

    def test_no_such_database(self, server: Server) -> None:
        assert 'The database "nowhere" on ' in self.mistake(server.url("nowhere"))
        assert "there is no such database" in self.mistake(server.url("nowhere"))

    @pytest.mark.parametrize("password", ["secret", None])
    def test_a_wrong_password(self, server: Server, password: str | None) -> None:
        assert "user or password are wrong" in self.mistake(server.url("postgres", "locked", password))

    def test_an_unknown_user(self, server: Server) -> None:
        assert "does not know this user" in self.mistake(server.url("postgres", "stranger", "secret"))

    @pytest.mark.parametrize("place", ["127.0.0.1:1", "localhost:1", "nowhere.invalid"])
    def test_nobody_there(self, place: str) -> None:
        told = self.mistake(f"postgresql://user:secret@{place}/name")
        assert told.startswith(f'The database "name" on {place} cannot be opened: no server answers there.')

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://user:se@cret@host/name",
            "postgresql://user:secret@host:port/name",
            "postgresql+psycopg2://user:secret@host/name",
            "mysql://user:secret@host/name",
        ],
    )
    def test_an_address_that_is_none(self, url: str) -> None:
        assert "is not understood" in self.mistake(url)

    def test_a_setting_that_is_none(self) -> None:
        assert "nonsense" in self.mistake("postgresql://user:secret@127.0.0.1:1/name?nonsense=secret1")

    def test_no_right_to_create_tables(self, server: Server) -> None:
        server.execute("CREATE DATABASE foreign_owner OWNER postgres")
        told = self.mistake(server.url("foreign_owner"))
        assert 'ALTER DATABASE "foreign_owner" OWNER TO "anlaufstelle"' in told
        server.drop("foreign_owner")

    def test_a_server_that_may_only_be_read(self, url: str) -> None:
        assert "standby" in self.mistake(f"{url}&options=-cdefault_transaction_read_only%3Don")

    def test_a_server_that_is_too_old(self) -> None:
        with pytest.raises(DatabaseError, match=r"PostgreSQL 13 is too old: version 14 or later"):
            postgres.refuse_old(130_012)
        postgres.refuse_old(140_000)

    def test_the_driver_is_not_installed(self, tmp_path: Path) -> None:
        """In a process of its own, in which the driver cannot be found."""
        (tmp_path / "psycopg.py").write_text("raise ImportError")
        script = (
            "from storage.database import Database, DatabaseError\nfrom storage.keys import KeyRing\n"
            "try: Database.open('postgresql://user:secret@host/name', KeyRing.new())\n"
            "except DatabaseError as wrong: print(wrong)"
        )
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == (
            'PostgreSQL needs a driver that is not installed: pip install "anlaufstelle[postgres]".'
        )


class TestErrors:
    """The server says which values were in the way; nobody reads it."""

    def shown(self, error: BaseException) -> str:
        """All that a log could hold of an error, with whatever it came from."""
        seen = ["".join(traceback.format_exception(error))]
        while error is not None:
            seen += [str(error), repr(error), repr(error.args)]
            diag = getattr(error, "diag", None)
            seen += [str(getattr(diag, name)) for name in dir(diag or object()) if not name.startswith("__")]
            error = getattr(error, "orig", None) or error.__cause__ or error.__context__  # type: ignore[assignment]
        return "\n".join(seen)

    @pytest.mark.parametrize(
        ("statement", "kind"),
        [
            (f"INSERT INTO room (name) VALUES ('{SECRET}')", exc.IntegrityError),
            (f"INSERT INTO room (name, neighbour) VALUES ('x', '{SECRET} ')", exc.IntegrityError),
            (f"INSERT INTO room (name, neighbour) VALUES (NULL, '{SECRET}')", exc.IntegrityError),
        ],
        ids=["unique", "foreign key", "not null"],
    )
    def test_of_constraints(self, database: Database, statement: str, kind: type[Exception]) -> None:
        add(database, SECRET)
        with pytest.raises(kind) as caught, database.transaction() as session:
            session.connection().exec_driver_sql(statement.replace(f"'{SECRET}'", "%(words)s"), {"words": SECRET})
        assert SECRET not in self.shown(caught.value).replace(statement, "")

    def test_of_values(self, database: Database) -> None:
        for statement in ("SELECT CAST(:words AS bigint)", "SELECT CAST(:words AS timestamptz)"):
            with pytest.raises(exc.DataError) as caught, database.transaction() as session:
                session.execute(text(statement), {"words": SECRET})
            assert SECRET not in self.shown(caught.value)

    def test_of_a_commit(self, database: Database) -> None:
        with database.connection() as connection, connection.begin():
            connection.exec_driver_sql("ALTER TABLE room ADD UNIQUE (at) DEFERRABLE INITIALLY DEFERRED")
        at = datetime(2026, 11, 24, tzinfo=UTC)
        with pytest.raises(exc.IntegrityError) as caught, database.transaction() as session:
            session.add_all([Room(name="a", at=at), Room(name="b", at=at)])
        assert "2026" not in self.shown(caught.value)

    def test_they_still_say_what_is_wrong(self, database: Database) -> None:
        add(database, "one")
        with pytest.raises(exc.IntegrityError, match=r'unique constraint "room_name_key" \(23505\)'):
            add(database, "one")

    def test_a_lock_that_does_not_come_is_for_another_try(self, server: Server, url: str) -> None:
        database = Database.open(f"{url}&options=-clock_timeout%3D50ms", KeyRing.new())
        Base.metadata.create_all(database.engine)
        with server.connect(url.partition("?")[0].rpartition("/")[2]) as other, other.transaction():
            other.execute("LOCK TABLE room")
            with pytest.raises(exc.OperationalError):
                add(database, "one")
        add(database, "two")
        assert names(database) == ["two"]
        database.close()

    def test_whoever_hangs_in_a_transaction_loses_it(self, url: str) -> None:
        """Nothing is half done, and the error is one after which a turn is tried again."""
        short = "-cidle_in_transaction_session_timeout%3D50ms"
        database = Database.open(f"{url}&options={short}", KeyRing.new())
        Base.metadata.create_all(database.engine)
        with pytest.raises(exc.OperationalError), database.transaction() as session:
            session.add(Room(name="one"))
            session.flush()
            time.sleep(0.3)
        assert names(database) == []
        database.close()


class TestStoppedAndStarted:
    @pytest.fixture
    def database(self, own_server: Server) -> Iterator[Database]:
        database = Database.open(own_server.url(own_server.create()), KeyRing.new())
        Base.metadata.create_all(database.engine)
        yield database
        database.close()

    @pytest.mark.parametrize("signal", ["INT", "QUIT"])
    def test_while_nothing_happens_nobody_notices(self, own_server: Server, database: Database, signal: str) -> None:
        add(database, "before")
        time.sleep(postgres.IDLE_BEFORE_PING + 0.1)
        own_server.stop(signal)
        own_server.start()
        add(database, "after")
        assert names(database) == ["after", "before"]

    @pytest.mark.parametrize("signal", ["INT", "QUIT"])
    def test_a_transaction_in_between_is_gone_as_a_whole(
        self, own_server: Server, database: Database, signal: str
    ) -> None:
        with pytest.raises(exc.OperationalError), database.transaction() as session:
            session.add(Room(name="lost"))
            session.flush()
            own_server.stop(signal)
            session.add(Room(name="lost, too"))
            session.flush()
        with pytest.raises(exc.OperationalError):
            add(database, "nobody there")
        own_server.start()
        add(database, "found")
        assert names(database) == ["found"]

    def test_soon_after_work_one_try_fails_and_the_next_does_not(self, own_server: Server, database: Database) -> None:
        add(database, "before")
        own_server.stop()
        own_server.start()
        with pytest.raises(exc.OperationalError):
            add(database, "lost")
        add(database, "after")
        assert names(database) == ["after", "before"]


def test_many_processes_start_at_once(server: Server, url: str) -> None:
    """One of them makes the tables; the others wait for it and go on."""
    errors: list[BaseException] = []
    ready = threading.Barrier(6)

    def start() -> None:
        database = Database.open(url, KeyRing.new())
        try:
            ready.wait(10)
            upgrade(database)
        except BaseException as error:
            errors.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with server.connect(url.partition("?")[0].rpartition("/")[2]) as seen:
        assert seen.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def test_ids_go_on_where_32_bits_end(url: str) -> None:
    from storage.models import Setting, Thread

    database = Database.open(url, KeyRing.new())
    upgrade(database)
    with database.connection() as connection, connection.begin():
        connection.exec_driver_sql("SELECT setval('thread_id_seq', 5000000000)")
    with database.transaction("oberberg") as session:
        session.add(
            thread := Thread(ref="a", language="en", urgency="LOW", created_at=datetime(2026, 11, 24, tzinfo=UTC))
        )
        session.flush()
        assert thread.id == 5_000_000_001
        session.add(Setting(name="x", value="y"))
    database.close()
