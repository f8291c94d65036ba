"""Names at the desk: one to a person, whichever messenger they write in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from storage import staff
from storage.database import Database
from storage.keys import KeyRing
from storage.migrate import VERSIONS, upgrade

POINT = "oberberg"


def numbered(number: int) -> str:
    return f"Colleague {number}"


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.new()


@pytest.fixture
def empty(empty_url: str, ring: KeyRing) -> Iterator[Database]:
    database = Database.open(empty_url, ring)
    yield database
    database.close()


def test_nobody_gets_a_name_that_looks_like_that_of_somebody_else(url: str, ring: KeyRing) -> None:
    database = Database.open(url, ring)
    with database.transaction(POINT) as session:
        assert staff.name_of(session, POINT, "telegram", "1", numbered) == "Colleague 1"
        assert staff.name_of(session, POINT, "matrix", "@ben:example.org", numbered) == "Colleague 2"
        assert staff.rename(session, POINT, "telegram", "1", "Kim")
        for same in ("Kim", "KIM", "K\u200bim", "Ｋim"):
            assert not staff.rename(session, POINT, "telegram", "2", same), same
        assert staff.rename(session, POINT, "telegram", "1", "kim"), "one's own"
        assert staff.name_of(session, POINT, "matrix", "1", numbered) == "Colleague 3", "another messenger's account 1"
        assert staff.rename(session, POINT, "matrix", "1", "Kim"), "somebody who has moved from there"
        assert staff.name_of(session, POINT, "telegram", "1", numbered) == "kim"
    with database.transaction("hagen") as session:
        assert staff.rename(session, "hagen", "matrix", "@kim:example.org", "Kim"), "of another contact point"
    database.close()


def test_names_given_before_the_messengers_shared_them_are_kept(empty: Database, ring: KeyRing, tmp_path: Path) -> None:
    older = tmp_path / "versions"
    shutil.copytree(VERSIONS, older)
    for newer in older.glob("*.py"):
        if newer.name >= "0006":
            newer.unlink()
    upgrade(empty, older)
    rows = (
        ("telegram", "1", "Kim"),
        ("matrix", "@kim:example.org", "Kim"),
        ("matrix", "@other:example.org", "kim"),
        ("matrix", "@ben:example.org", "Ben"),
    )
    with empty.connection() as connection, connection.begin():
        for messenger, user, name in rows:
            values = {
                "key": ring.lookup(f"{messenger}.user", user),
                "name": ring.encrypt(name.encode(), f"{messenger}_staff.name".encode()),
                "point": POINT,
            }
            into = f"INSERT INTO {messenger}_staff (user_key, name, contact_point) VALUES (:key, :name, :point)"
            connection.execute(text(into), values)
    upgrade(empty)
    with empty.transaction(POINT) as session:
        found = [staff.name_of(session, POINT, messenger, user, numbered) for messenger, user, _name in rows]
    assert found == ["Kim", "Kim", "Colleague 3", "Ben"]
