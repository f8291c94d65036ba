"""Column types: encrypted, or in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, exc, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from storage.database import Database
from storage.keys import KeyRing, WrongKey
from storage.types import EncryptedJson, EncryptedText, UtcDateTime
from tests.databases import Databases


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entry"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str | None] = mapped_column(EncryptedText("entry.words"))
    other: Mapped[str | None] = mapped_column(EncryptedText("entry.other"))
    data: Mapped[Any | None] = mapped_column(EncryptedJson("entry.data"))
    at: Mapped[datetime | None] = mapped_column(UtcDateTime())


def _open(url: str) -> Database:
    database = Database.open(url, KeyRing.new())
    Base.metadata.create_all(database.engine)
    return database


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[Database]:
    url = databases.empty()
    database = _open(url)
    yield database
    database.close()
    databases.drop(url)


def _round_trip(database: Database, **values: Any) -> Entry:
    with database.transaction() as session:
        session.add(entry := Entry(**values))
        session.flush()
        number = entry.id
    with database.transaction() as session:
        return session.get_one(Entry, number)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40)
@given(words=st.text() | st.just("half a pair: \ud83d"), data=JSON)
def test_what_goes_in_comes_out(database: Database, words: str, data: Any) -> None:
    found = _round_trip(database, words=words, data=data)
    assert (found.words, found.data) == (words, data)


def test_none_stays_null(database: Database) -> None:
    number = _round_trip(database, words=None, data=None, at=None).id
    with database.transaction() as session:
        raw = session.execute(text("SELECT words, data, at FROM entry WHERE id = :id"), {"id": number}).one()
        assert tuple(raw) == (None, None, None)
        assert session.scalars(select(Entry.id).where(Entry.words.is_(None), Entry.id == number)).all()
        assert session.scalars(select(Entry.id).where(Entry.words == None, Entry.id == number)).all()  # noqa: E711  # the operator itself is what is tested


def test_a_value_moved_to_another_column_is_refused(database: Database) -> None:
    number = _round_trip(database, words="x").id
    with database.transaction() as session:
        session.execute(text("UPDATE entry SET other = words WHERE id = :id"), {"id": number})
        with pytest.raises(WrongKey, match=r"entry\.other"):
            session.get(Entry, number)
        session.execute(text("UPDATE entry SET other = NULL WHERE id = :id"), {"id": number})


def test_an_encrypted_column_cannot_be_searched() -> None:
    with pytest.raises(TypeError, match="look-up"):
        Entry.words == "x"  # noqa: B015
    with pytest.raises(TypeError, match="look-up"):
        Entry.words.like("x%")
    with pytest.raises(TypeError, match="look-up"):
        Entry.words.desc()


def test_two_databases_have_keys_of_their_own(databases: Databases, empty_url: str) -> None:
    one, other = _open(empty_url), _open(other_url := databases.empty())
    for database in (one, other, one):
        assert _round_trip(database, words="mine").words == "mine"
    one.close()
    other.close()
    databases.drop(other_url)
    stranger = _open(empty_url)
    with stranger.transaction() as session, pytest.raises(WrongKey):
        session.scalars(select(Entry)).all()
    stranger.close()


def test_an_engine_without_keys_is_refused() -> None:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session, pytest.raises(exc.StatementError, match="no key ring"):
        session.add(Entry(words="x"))
        session.flush()


@pytest.mark.parametrize("values", [{"words": b"secret"}, {"data": {"secret"}}, {"at": datetime(2026, 3, 4)}])
def test_a_wrong_value_is_not_repeated_in_the_error(database: Database, values: dict[str, Any]) -> None:
    with pytest.raises(exc.StatementError) as caught, database.transaction() as session:
        session.add(Entry(**values))
    assert "secret" not in str(caught.value) and "2026" not in str(caught.value)


ZONES = st.sampled_from((UTC, ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-9, minutes=-30))))
TIMES = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=ZONES)


@settings(max_examples=30, deadline=None)
@given(times=st.lists(TIMES, min_size=1, max_size=5))
def test_times_come_back_in_utc_and_sort(database: Database, times: list[datetime]) -> None:
    # Times in the hour that comes twice equal those of no other zone, as Python has it.
    in_utc = [at.astimezone(UTC) for at in times]
    with database.transaction() as session:
        session.execute(delete(Entry))
        session.add_all(Entry(at=at) for at in times)
    with database.transaction() as session:
        found = session.scalars(select(Entry.at).order_by(Entry.at)).all()
        later = session.scalars(select(Entry.at).where(Entry.at > times[0])).all()
    assert found == sorted(in_utc)
    assert all(at is not None and at.tzinfo is UTC for at in found)
    assert sorted(at for at in later if at) == sorted(at for at in in_utc if at > in_utc[0])


def test_the_hour_that_comes_twice_stays_apart(database: Database) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = _round_trip(database, at=datetime(2026, 10, 25, 2, 30, tzinfo=berlin)).at
    second = _round_trip(database, at=datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)).at
    assert (first, second) == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    )
