"""Rotation: after it the old key can be thrown away, and never before."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage import rotation
from storage.database import Database
from storage.keys import KeyRing, WrongKey
from storage.rotation import rotate
from storage.scope import Scoped
from storage.types import EncryptedJson, EncryptedText
from tests.databases import Databases, file_of


class Base(DeclarativeBase):
    pass


class Letter(Scoped, Base):
    __tablename__ = "letter"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str | None] = mapped_column(EncryptedText("letter.words"))
    sender: Mapped[Any | None] = mapped_column(EncryptedJson("letter.sender"))


class Leaf(Scoped, Base):
    __tablename__ = "leaf"
    book: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column(EncryptedText("leaf.words"))


class Plain(Base):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(primary_key=True)


LETTERS = 2 * rotation._BATCH + 7


def _filled(url: str, ring: KeyRing) -> None:
    database = Database.open(url, ring)
    Base.metadata.create_all(database.engine)
    for place in ("aa", "bb"):
        with database.transaction(place) as session:
            session.add(Leaf(book=f"b{place}", number=1, words="rubbish in the yard"))
            session.add(Leaf(book=f"b{place}", number=2, words="rubbish in the yard"))
    with database.transaction("aa") as session:
        session.add_all(
            Letter(words=f"Sperrmüll {number}", sender={"account": "telegram:4711"}) for number in range(LETTERS)
        )
        session.add(Letter(words=None, sender=None))
    database.close()


def _content(url: str, ring: KeyRing) -> list[Any]:
    database = Database.open(url, ring)
    try:
        with database.transaction(everywhere=True) as session:
            letters = session.execute(select(Letter.id, Letter.words, Letter.sender).order_by(Letter.id))
            leaves = session.execute(select(Leaf.book, Leaf.number, Leaf.words).order_by(Leaf.book, Leaf.number))
            return [tuple(row) for rows in (letters, leaves) for row in rows]
    finally:
        database.close()


def test_the_old_key_can_be_dropped_afterwards(empty_url: str) -> None:
    old = KeyRing.new()
    _filled(empty_url, old)
    before = _content(empty_url, old)
    both = old.rotated()
    with pytest.raises(WrongKey):
        _content(empty_url, both.without_old())
    database = Database.open(empty_url, both)
    assert rotate(database, Base) == LETTERS + 4
    assert rotate(database, Base) == 0
    database.close()
    assert _content(empty_url, both.without_old()) == before
    with pytest.raises(WrongKey):
        _content(empty_url, old)


def test_a_rotation_cut_off_is_finished_by_the_next(empty_url: str) -> None:
    old = KeyRing.new()
    _filled(empty_url, old)
    before = _content(empty_url, old)
    both = old.rotated()
    database = Database.open(empty_url, both)
    updates = 0

    @event.listens_for(database.engine, "before_cursor_execute")
    def cut(*arguments: Any) -> None:
        nonlocal updates
        updates += str(arguments[2]).startswith("UPDATE letter")
        if updates == rotation._BATCH + 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(database, Base)
    database.close()
    assert _content(empty_url, both) == before

    database = Database.open(empty_url, both)
    assert 0 < rotate(database, Base) < LETTERS + 4
    database.close()
    assert _content(empty_url, both.without_old()) == before


def test_without_the_old_key_nothing_is_changed(empty_url: str) -> None:
    old = KeyRing.new()
    _filled(empty_url, old)
    before = _content(empty_url, old)
    database = Database.open(empty_url, old.rotated().without_old())
    with pytest.raises(WrongKey):
        rotate(database, Base)
    database.close()
    assert _content(empty_url, old) == before


def _bytes(databases: Databases, url: str) -> bytes:
    """Of SQLite all that lies on the disk; of PostgreSQL what the tables hold, for the rest is the server's."""
    if databases.name == "postgres":
        return "\n".join(databases.dump(url).values()).encode() + b"letter"
    return b"".join(path.read_bytes() for path in sorted(file_of(url).parent.glob(f"{file_of(url).name}*")))


def test_no_word_and_no_account_is_in_any_file(databases: Databases, empty_url: str) -> None:
    old = KeyRing.new()
    _filled(empty_url, old)
    database = Database.open(empty_url, old.rotated())
    seen = _bytes(databases, empty_url)
    with database.transaction("aa") as session:
        session.add(Letter(words="Sperrmüll", sender={"account": "telegram:4711"}))
        session.flush()
        session.execute(text("INSERT INTO plain VALUES (1)"))
    seen += _bytes(databases, empty_url)
    rotate(database, Base)
    seen += _bytes(databases, empty_url)
    database.close()
    assert b"letter" in seen
    for secret in ("Sperrm", "Sperrmüll", "rubbish", "yard", "telegram", "4711", "account"):
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.encode(encoding) not in seen


def test_the_old_values_are_not_left_in_the_files(tmp_path: Path) -> None:
    """Of SQLite only: PostgreSQL keeps the row before a change until it tidies up, and longer in its WAL."""
    url, old = f"sqlite:///{tmp_path / 'bot.db'}", KeyRing.new()
    _filled(url, old)
    database = Database.open(url, old.rotated())
    with database.connection() as connection:
        tokens = [bytes(row[0]) for row in connection.exec_driver_sql("SELECT words FROM leaf")]
    rotate(database, Base)
    left = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert not any(token in left for token in tokens)
    database.close()


def test_rows_that_change_meanwhile_keep_their_change(empty_url: str) -> None:
    """The bot goes on working: what it writes while a batch is under way is neither lost nor left behind."""
    old = KeyRing.new()
    _filled(empty_url, old)
    both = old.rotated()
    rotating, working = Database.open(empty_url, both), Database.open(empty_url, both)
    ended = threading.Event()

    def work() -> None:
        number = 0
        while not ended.is_set():
            with working.transaction("aa") as session:
                session.get_one(Letter, number % LETTERS + 1).words = f"changed {number}"
            number += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        rotate(rotating, Base)
    finally:
        ended.set()
        worker.join()
    with working.transaction("aa") as session:
        session.get_one(Letter, 1).words = "last"
    rotating.close()
    working.close()
    words = [row[1] for row in _content(empty_url, both.without_old()) if isinstance(row[0], int)]
    assert words[0] == "last" and len(words) == LETTERS + 1
