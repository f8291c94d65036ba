"""Rotation: after it the old key can be thrown away, and never before."""

from __future__ import annotations

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


def _filled(file: Path, ring: KeyRing) -> None:
    database = Database.open(f"sqlite:///{file}", ring)
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


def _content(file: Path, ring: KeyRing) -> list[Any]:
    database = Database.open(f"sqlite:///{file}", ring)
    try:
        with database.transaction(everywhere=True) as session:
            letters = session.execute(select(Letter.id, Letter.words, Letter.sender).order_by(Letter.id))
            leaves = session.execute(select(Leaf.book, Leaf.number, Leaf.words).order_by(Leaf.book, Leaf.number))
            return [tuple(row) for rows in (letters, leaves) for row in rows]
    finally:
        database.close()


def test_the_old_key_can_be_dropped_afterwards(tmp_path: Path) -> None:
    file, old = tmp_path / "bot.db", KeyRing.new()
    _filled(file, old)
    before = _content(file, old)
    both = old.rotated()
    with pytest.raises(WrongKey):
        _content(file, both.without_old())
    database = Database.open(f"sqlite:///{file}", both)
    assert rotate(database, Base) == LETTERS + 4
    assert rotate(database, Base) == 0
    database.close()
    assert _content(file, both.without_old()) == before
    with pytest.raises(WrongKey):
        _content(file, old)


def test_a_rotation_cut_off_is_finished_by_the_next(tmp_path: Path) -> None:
    file, old = tmp_path / "bot.db", KeyRing.new()
    _filled(file, old)
    before = _content(file, old)
    both = old.rotated()
    database = Database.open(f"sqlite:///{file}", both)
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
    assert _content(file, both) == before

    database = Database.open(f"sqlite:///{file}", both)
    assert 0 < rotate(database, Base) < LETTERS + 4
    database.close()
    assert _content(file, both.without_old()) == before


def test_without_the_old_key_nothing_is_changed(tmp_path: Path) -> None:
    file, old = tmp_path / "bot.db", KeyRing.new()
    _filled(file, old)
    before = _content(file, old)
    database = Database.open(f"sqlite:///{file}", old.rotated().without_old())
    with pytest.raises(WrongKey):
        rotate(database, Base)
    database.close()
    assert _content(file, old) == before


def _bytes(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))


def test_no_word_and_no_account_is_in_any_file(tmp_path: Path) -> None:
    file, old = tmp_path / "bot.db", KeyRing.new()
    _filled(file, old)
    database = Database.open(f"sqlite:///{file}", old.rotated())
    seen = _bytes(file)
    with database.transaction("aa") as session:
        session.add(Letter(words="Sperrmüll", sender={"account": "telegram:4711"}))
        session.flush()
        session.execute(text("INSERT INTO plain VALUES (1)"))
    seen += _bytes(file)
    rotate(database, Base)
    seen += _bytes(file)
    database.close()
    assert b"letter" in seen
    for secret in ("Sperrm", "Sperrmüll", "rubbish", "yard", "telegram", "4711", "account"):
        for encoding in ("utf-8", "utf-16-le"):
            assert secret.encode(encoding) not in seen


def test_the_old_values_are_not_left_in_the_files(tmp_path: Path) -> None:
    file, old = tmp_path / "bot.db", KeyRing.new()
    _filled(file, old)
    database = Database.open(f"sqlite:///{file}", old.rotated())
    with database.connection() as connection:
        tokens = [bytes(row[0]) for row in connection.exec_driver_sql("SELECT words FROM leaf")]
    rotate(database, Base)
    left = _bytes(file)
    assert not any(token in left for token in tokens)
    database.close()
