"""A SQLite file belongs to one process at a time; the lock goes with the process, however that ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.database import Database, DatabaseError
from storage.file_lock import FileLock, alone
from storage.keys import KeyRing
from tests.pipe import Pipe, run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def begin(file: Path) -> Pipe:
    """A process that works on the file."""
    pipe = Pipe(url(file), file.parent)
    assert pipe.write({"id": "1", "chat": "ana", "text": "/start"})
    while pipe.read() != {"done": "1"}:
        pass
    return pipe


def staff_key(file: Path) -> tuple[str, str]:
    return "--staff-key", str(file.with_name("staff.key"))


class TestTwoProcesses:
    @pytest.mark.parametrize("command", ["pipe", "run"])
    def test_the_second_is_told_to_stop_the_first(self, file: Path, command: str) -> None:
        first = begin(file)
        arguments = {"pipe": ("pipe",), "run": ("run", *staff_key(file))}[command]
        keys = file.with_suffix(".keys").read_bytes()
        done = run(*arguments, "--database", url(file), cwd=file.parent)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"anlaufstelle: The database {file} is in use by process {first.process.pid}: stop that one first, or "
            "choose another database with --database; several processes at once need PostgreSQL.\n"
        )
        assert file.with_suffix(".keys").read_bytes() == keys
        assert first.write({"id": "2", "chat": "ana", "text": "/help"})
        while first.read() != {"done": "2"}:
            pass
        assert first.end().count("\n") == 1

    def test_the_demo_does_not_lose_its_file(self, tmp_path: Path) -> None:
        first = begin(tmp_path / "demo.db")
        for more in ((), ("--fresh",)):
            done = run("demo", "--port", "0", "--data", tmp_path, *more, cwd=tmp_path)
            assert done.returncode == 2 and f"in use by process {first.process.pid}" in done.stderr
        assert (tmp_path / "demo.db").exists() and (tmp_path / "demo.keys").exists()
        first.end()

    def test_whoever_only_looks_is_welcome(self, file: Path) -> None:
        first = begin(file)
        done = run("check", "--database", url(file), cwd=file.parent)
        assert done.returncode == 0 and "keys: fit" in done.stdout
        first.end()

    def test_the_same_file_by_another_name(self, file: Path) -> None:
        first = begin(file)
        other = file.with_name("other.db")
        other.symlink_to(file)
        other.with_suffix(".keys").symlink_to(file.with_suffix(".keys"))
        done = run("pipe", "--database", url(other), cwd=file.parent)
        assert done.returncode == 2 and "in use by process" in done.stderr
        first.end()

    @pytest.mark.parametrize("how", ["kill", "end"])
    def test_after_it_the_next_begins_at_once(self, file: Path, how: str) -> None:
        first = begin(file)
        if how == "kill":
            first.kill()
        first.end()
        second = begin(file)
        second.end()
        beside = file.with_name("bot.db.lock")
        assert beside.read_text() == f"{second.process.pid}\n" and beside.stat().st_mode & 0o777 == 0o600


class TestOneProcess:
    def test_held_until_it_is_closed(self, file: Path) -> None:
        database = Database.open(url(file), KeyRing.new())
        database.hold_alone()
        with pytest.raises(DatabaseError, match=f"in use by process {os.getpid()}"), alone(file):
            pass
        database.close()
        with alone(file):
            pass

    def test_where_there_is_no_file_nothing_is_held(self, database: Database) -> None:
        with alone(None):
            pass
        if database.file is None:
            database.hold_alone()

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        lock = FileLock(tmp_path / "nowhere" / "bot.db")
        with pytest.raises(DatabaseError, match="cannot be locked: No such file or directory"):
            lock.take()
