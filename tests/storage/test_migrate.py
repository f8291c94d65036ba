"""Migrations: all of one upgrade or nothing, no row lost on the way."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

from storage import migrate
from storage.database import Database, DatabaseError
from storage.keys import KeyRing
from storage.migrate import is_empty, pending, upgrade
from storage.tables import Base
from tests.databases import Databases
from tests.pipe import ROOT

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
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "100% versions"
    folder.mkdir()
    _add(folder, "a1", None, FIRST)
    return folder


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    database = Database.open(empty_url, KeyRing.new())
    yield database
    database.close()


@pytest.fixture
def dump(databases: Databases, empty_url: str) -> Callable[[], dict[str, str]]:
    """Everything in the database, seen from outside."""
    return lambda: databases.dump(empty_url)


def _add(folder: Path, revision: str, after: str | None, body: str) -> None:
    (folder / f"{revision}.py").write_text(HEAD.format(revision, after) + body)


def _fill(database: Database) -> None:
    with database.connection() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO parent VALUES (1, 'one')")
        connection.exec_driver_sql("INSERT INTO child VALUES (1, 1)")


def _children(database: Database) -> list[tuple[int, int]]:
    with database.connection() as connection, connection.begin():
        return [tuple(row) for row in connection.exec_driver_sql("SELECT id, parent_id FROM child")]


def _foreign_keys_hold(database: Database) -> bool:
    with pytest.raises(IntegrityError), database.connection() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO child VALUES (9, 9)")
    return True


Dump = Callable[[], dict[str, str]]


def test_an_empty_database_is_brought_up(database: Database, versions: Path, dump: Dump) -> None:
    assert pending(database, versions) and is_empty(database)
    upgrade(database, versions)
    assert not pending(database, versions) and not is_empty(database)
    assert "child" in str(dump())
    if database.file:
        assert not database.file.with_name(f"{database.file.name}.before-upgrade").exists()
    before = dump()
    upgrade(database, versions)
    assert dump() == before


def test_rebuilding_a_parent_keeps_its_children(
    databases: Databases, database: Database, versions: Path, dump: Dump
) -> None:
    upgrade(database, versions)
    _fill(database)
    _add(versions, "a2", "a1", REBUILD)
    before = dump()
    upgrade(database, versions)
    assert _children(database) == [(1, 1)] and _foreign_keys_hold(database)
    with pytest.raises(IntegrityError), database.connection() as connection, connection.begin():
        connection.exec_driver_sql("INSERT INTO parent VALUES (2, NULL)")
    if database.file:
        copy = database.file.with_name(f"{database.file.name}.before-upgrade")
        assert databases.dump(f"sqlite:///{copy}") == before
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert not copy.with_name(f"{copy.name}.new").exists()


@pytest.mark.parametrize("body", [FAILS, ORPHANS])
def test_a_failed_upgrade_changes_nothing(
    databases: Databases, database: Database, versions: Path, dump: Dump, body: str
) -> None:
    if body == ORPHANS and databases.name == "postgres":
        # Foreign keys are never off there: the child goes with its parent, as it should.
        body = body.replace("DELETE FROM parent", "INSERT INTO child VALUES (7, 7)")
    upgrade(database, versions)
    _fill(database)
    _add(versions, "a2", "a1", REBUILD)
    _add(versions, "a3", "a2", body)
    before = dump()
    for _ in range(2):
        with pytest.raises(DatabaseError, match="as it was") as caught:
            upgrade(database, versions)
        assert len(str(caught.value).splitlines()) == 1
        assert dump() == before
    assert _foreign_keys_hold(database)
    assert pending(database, versions)


def test_a_newer_database_is_refused(databases: Databases, database: Database, versions: Path, dump: Dump) -> None:
    _add(versions, "a2", "a1", REBUILD)
    upgrade(database, versions)
    (versions / "a2.py").unlink()
    before = dump()
    for look in (upgrade, pending):
        with pytest.raises(DatabaseError, match=r"newer version .*a2"):
            look(database, versions)
    assert dump() == before
    if database.file:
        assert not list(database.file.parent.glob(f"{database.file.name}.before*"))


def test_another_programs_database_is_refused(
    databases: Databases, database: Database, empty_url: str, dump: Dump
) -> None:
    databases.query(empty_url, "CREATE TABLE orders (id INTEGER)")
    before = dump()
    for look in (upgrade, pending):
        with pytest.raises(DatabaseError, match="belongs to another program"):
            look(database)
    assert dump() == before


def test_a_file_is_ours_once_its_tables_are(tmp_path: Path) -> None:
    """A copy that was brought back is closed to others and gets its write-ahead log again."""
    file = tmp_path / "bot.db"
    database = Database.open(f"sqlite:///{file}", KeyRing.new())
    upgrade(database)
    database.close()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA journal_mode=DELETE")
    file.chmod(0o644)
    database = Database.open(f"sqlite:///{file}", KeyRing.new())
    upgrade(database)
    with database.connection() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    database.close()


def test_in_memory(versions: Path) -> None:
    database = Database.open("sqlite://", KeyRing.new())
    upgrade(database, versions)
    _add(versions, "a2", "a1", REBUILD)
    upgrade(database, versions)
    assert not pending(database, versions)
    database.close()


def test_the_known_head_is_the_newest_migration() -> None:
    """Raise `HEAD` in storage/migrate.py with every new migration: by it a start knows that nothing is missing."""
    assert ScriptDirectory.from_config(migrate.config_of(migrate.VERSIONS)).get_heads() == [migrate.HEAD]


def test_the_migrations_make_what_the_models_say(url: str) -> None:
    database = Database.open(url, KeyRing.new())
    with database.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        if connection.dialect.name == "postgresql":
            made = {tuple(row) for row in connection.exec_driver_sql(KEYS)}
            Base.metadata.drop_all(connection)
            Base.metadata.create_all(connection)
            assert {tuple(row) for row in connection.exec_driver_sql(KEYS)} == made
    database.close()


KEYS = "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0"


def test_a_start_with_nothing_to_do_does_not_load_alembic(url: str) -> None:
    script = (
        "import sys\nfrom storage.database import Database\nfrom storage.keys import KeyRing\n"
        "from storage.migrate import upgrade\n"
        f"upgrade(Database.open({url!r}, KeyRing.new()))\nprint('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
