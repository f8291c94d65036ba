"""Migrations: all of one upgrade or nothing, no row lost on the way."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database, DatabaseError
from storage.keys import KeyRing
from storage.migrate import pending, upgrade

HEAD = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = {0!r}, {1!r}, None, None
def upgrade():
"""
FIRST = """
    op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String))
    op.create_table(
        "child",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("parent.id", ondelete="CASCADE", name="fk")),
    )
"""
REBUILD = """
    with op.batch_alter_table("parent") as parent:
        parent.alter_column("name", type_=sa.Text, nullable=False)
"""
FAILS = """
    op.create_table("another", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("INSERT INTO parent (id, name) VALUES (9, 'nine')")
    op.execute("INSERT INTO nowhere VALUES (1)")
"""
ORPHANS = """
    op.execute("DELETE FROM parent")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "bot.db"


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "100% versions"
    folder.mkdir()
    _add(folder, "a1", None, FIRST)
    return folder


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    database = Database.open(f"sqlite:///{file}", KeyRing.new())
    yield database
    database.close()


def _add(folder: Path, revision: str, after: str | None, body: str) -> None:
    (folder / f"{revision}.py").write_text(HEAD.format(revision, after) + body)


def _fill(database: Database) -> None:
    with database.connection() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO parent VALUES (1, 'one')")
        connection.exec_driver_sql("INSERT INTO child VALUES (1, 1)")


def _dump(file: Path) -> list[str]:
    with sqlite3.connect(file) as connection:
        return list(connection.iterdump())


def _foreign_keys(database: Database) -> object:
    with database.connection() as connection:
        return connection.exec_driver_sql("PRAGMA foreign_keys").scalar()


def test_an_empty_database_is_brought_up(database: Database, versions: Path, file: Path) -> None:
    assert pending(database, versions)
    upgrade(database, versions)
    assert not pending(database, versions)
    assert any("CREATE TABLE child" in line for line in _dump(file))
    assert not file.with_name("bot.db.before-upgrade").exists()
    before = _dump(file)
    upgrade(database, versions)
    assert _dump(file) == before


def test_rebuilding_a_parent_keeps_its_children(database: Database, versions: Path, file: Path) -> None:
    upgrade(database, versions)
    _fill(database)
    _add(versions, "a2", "a1", REBUILD)
    before = _dump(file)
    upgrade(database, versions)
    after = _dump(file)
    assert "name TEXT NOT NULL" in "".join(after)
    assert any("child" in line and "VALUES(1,1)" in line for line in after)
    assert _foreign_keys(database) == 1
    copy = file.with_name("bot.db.before-upgrade")
    assert _dump(copy) == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not file.with_name("bot.db.before-upgrade.new").exists()


@pytest.mark.parametrize("body", [FAILS, ORPHANS])
def test_a_failed_upgrade_changes_nothing(database: Database, versions: Path, file: Path, body: str) -> None:
    upgrade(database, versions)
    _fill(database)
    _add(versions, "a2", "a1", REBUILD)
    _add(versions, "a3", "a2", body)
    before = _dump(file)
    for _ in range(2):
        with pytest.raises(DatabaseError, match="as it was") as caught:
            upgrade(database, versions)
        assert len(str(caught.value).splitlines()) == 1
        assert _dump(file) == before
        assert _foreign_keys(database) == 1
    assert pending(database, versions)


def test_a_newer_database_is_refused(database: Database, versions: Path, file: Path) -> None:
    _add(versions, "a2", "a1", REBUILD)
    upgrade(database, versions)
    (versions / "a2.py").unlink()
    before = _dump(file)
    for look in (upgrade, pending):
        with pytest.raises(DatabaseError, match=r"newer version .*a2"):
            look(database, versions)
    assert _dump(file) == before
    assert [path.name for path in file.parent.iterdir() if "before" in path.name] == []


def test_in_memory(versions: Path) -> None:
    database = Database.open("sqlite://", KeyRing.new())
    upgrade(database, versions)
    _add(versions, "a2", "a1", REBUILD)
    upgrade(database, versions)
    assert not pending(database, versions)
    database.close()
