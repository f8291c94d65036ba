"""One database: how it is opened, who may use it when, and what never shows."""

from __future__ import annotations

import asyncio
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import OperationalError, connect

import pytest
from sqlalchemy import ForeignKey, MetaData, exc, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from storage.database import NAMING, Database, DatabaseError
from storage.keys import KeyRing
from storage.scope import Scoped, Unscoped


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class Room(Base):
    __tablename__ = "room"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Chair(Scoped, Base):
    __tablename__ = "chair"
    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int] = mapped_column(ForeignKey("room.id"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "er" / "bot.db"


@pytest.fixture
def sqlite(file: Path) -> Iterator[Database]:
    """For what is about a file; what is about servers stands in test_postgres.py."""
    database = Database.open(f"sqlite:///{file}", KeyRing.new())
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    database = Database.open(empty_url, KeyRing.new())
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


def _names(session: Session) -> list[str]:
    return list(session.scalars(select(Room.name).order_by(Room.name)))


def test_a_file_is_created_with_its_folders_for_its_owner_only(file: Path, sqlite: Database) -> None:
    with sqlite.transaction() as session:
        session.add(Room(name="one"))
        session.flush()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == {"bot.db": 0o600, "bot.db-wal": 0o600, "bot.db-shm": 0o600}


def test_an_existing_file_is_closed_to_others(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.touch(0o644)
    Database.open(f"sqlite:///{file}", KeyRing.new()).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_settings(sqlite: Database) -> None:
    expected = {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "foreign_keys": 1,
        "secure_delete": 1,
    }
    with sqlite.connection() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in expected}
    assert found == expected


def test_a_transaction_commits_or_leaves_nothing(database: Database) -> None:
    with database.transaction() as session:
        session.add(room := Room(name="kept"))
    assert room.name == "kept"
    with pytest.raises(ZeroDivisionError), database.transaction() as session:
        session.add(Room(name="lost"))
        session.flush()
        raise ZeroDivisionError
    with database.transaction() as session:
        assert _names(session) == ["kept"]


def test_a_transaction_is_the_writer_from_its_first_statement(file: Path, sqlite: Database) -> None:
    other = connect(file, timeout=0, isolation_level=None)
    with sqlite.transaction() as session:
        _names(session)
        with pytest.raises(OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_transaction_has_its_contact_point(database: Database) -> None:
    with database.transaction() as session:
        session.add(Room(id=1, name="one"))
    with database.transaction("aa") as session:
        session.add(Chair(room_id=1))
    with database.transaction("bb") as session:
        assert session.scalars(select(Chair)).all() == []
    with database.transaction(everywhere=True) as session:
        assert session.scalars(select(Chair.contact_point)).all() == ["aa"]
    with database.transaction() as session, pytest.raises(Unscoped):
        session.scalars(select(Chair)).all()


def test_what_a_person_wrote_never_shows_in_an_error(database: Database) -> None:
    with database.transaction() as session:
        session.add(Room(name="what a person wrote"))
    with pytest.raises(exc.IntegrityError) as caught, database.transaction() as session:
        session.add(Room(name="what a person wrote"))
    assert "what a person wrote" not in str(caught.value)
    with pytest.raises(exc.DBAPIError) as failed, database.transaction() as session:
        session.execute(text("SELECT :words FROM nowhere"), {"words": "what a person wrote"})
    assert "what a person wrote" not in str(failed.value)


def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(exc.IntegrityError), database.transaction("aa") as session:
        session.add(Chair(room_id=99))


async def test_run_uses_one_thread(database: Database) -> None:
    seen = await asyncio.gather(*(database.run(threading.current_thread) for _ in range(5)))
    assert len(set(seen)) == 1
    assert seen[0].name.startswith("database")


def _add(database: Database, name: str) -> int:
    with database.transaction() as session:
        session.add(Room(name=name))
        session.flush()
        return len(_names(session))


async def test_run_hands_back_results_and_errors(database: Database) -> None:
    assert sorted(await asyncio.gather(*(database.run(_add, database, str(n)) for n in range(10)))) == list(
        range(1, 11)
    )
    with pytest.raises(exc.IntegrityError):
        await database.run(_add, database, "1")
    assert await database.run(_add, database, name="after an error") == 11


async def test_a_cancelled_caller_does_not_cut_a_transaction(database: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with database.transaction() as session:
            session.add(Room(name="slow"))
            inside.set()
            assert go_on.wait(5)

    task = asyncio.create_task(database.run(slow))
    await asyncio.to_thread(inside.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await database.run(_add, database, "next") == 2


async def test_the_event_loop_may_not_wait(database: Database) -> None:
    with pytest.raises(RuntimeError, match=r"Database\.run"), database.transaction():
        pass


def test_transactions_do_not_nest(database: Database) -> None:
    with database.transaction(), pytest.raises(RuntimeError, match="already"), database.transaction():
        pass
    with database.transaction() as session:
        assert _names(session) == []


def test_other_threads_wait_their_turn(database: Database) -> None:
    threads = [threading.Thread(target=_add, args=(database, str(number))) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as session:
        assert len(_names(session)) == 8


def test_in_memory() -> None:
    database = Database.open("sqlite://", KeyRing.new())
    Base.metadata.create_all(database.engine)
    assert asyncio.run(database.run(_add, database, "one")) == 1
    assert _add(database, "two") == 2
    assert database.file is None
    database.close()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="directory"):
        Database.open(f"sqlite:///{tmp_path}", KeyRing.new())


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match="cannot be opened: File exists"):
        Database.open(f"sqlite:///{tmp_path / 'file' / 'bot.db'}", KeyRing.new())


def test_what_may_be_another_programs_is_not_changed(tmp_path: Path) -> None:
    """Neither its mode nor what is in it, not even the kind of its log."""
    file = tmp_path / "orders.db"
    with closing(connect(file)) as other, other:
        other.execute("CREATE TABLE orders (id INTEGER)")
    file.chmod(0o640)
    before = file.read_bytes()
    Database.open(f"sqlite:///{file}", KeyRing.new()).close()
    assert file.read_bytes() == before and stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["orders.db"]


def test_another_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear contact point, " * 100)
    with pytest.raises(DatabaseError) as caught:
        Database.open(f"sqlite:///{file}", KeyRing.new())
    assert str(caught.value) == f"The database {file} cannot be opened: file is not a database."
    assert file.read_text() == "Dear contact point, " * 100


@pytest.mark.parametrize("url", ["", "nonsense", "nosuchthing://x/y", "postgresql+nosuchdriver://u:secret@h/d"])
def test_an_address_not_understood_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        Database.open(url, KeyRing.new())
    assert len(str(caught.value).splitlines()) == 1
    assert "secret" not in str(caught.value)


def test_a_closed_database_is_a_single_file(file: Path) -> None:
    database = Database.open(f"sqlite:///{file}", KeyRing.new())
    Base.metadata.create_all(database.engine)
    _add(database, "one")
    database.close()
    assert [path.name for path in file.parent.iterdir()] == ["bot.db"]
