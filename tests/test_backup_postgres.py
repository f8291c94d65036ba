"""Backup and restore of a database on a server, with PostgreSQL's own programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.restoring import restore
from storage.backup import BackupError, back_up
from storage.database import Database
from storage.erasures import ErasureFile
from storage.key_check import check_keys
from storage.keys import KeyRing
from storage.migrate import upgrade
from storage.models import Report
from tests.bench import Bench, to_person
from tests.test_backup import withdraw

postgres = pytest.importorskip("tests.postgres")


class OnServer:
    """An installation on PostgreSQL that is stopped, lost and restored."""

    def __init__(self, server: Any, folder: Path, ring: KeyRing, point: ContactPoint) -> None:
        self.server, self.folder, self.ring, self.points = server, folder, ring, {point.id: point}
        server.execute(f"ALTER ROLE {postgres.OWNER} CREATEDB")
        self.name = server.create()
        self.url = server.url(self.name)
        self.list = ErasureFile(folder / "anlaufstelle.erasures")
        self.start()
        upgrade(self.database)
        check_keys(self.database)
        self.bench = Bench(self.database, self.points)
        self.bench.desk("kim", "/language en")

    def start(self) -> None:
        self.database = Database.open(self.url, self.ring)

    def back_up(self) -> Path:
        return back_up(self.url, self.ring, self.folder / "backups", self.bench.time())

    def restore(self, backup: Path, **how: Any) -> Any:
        heard, now = self.bench.messenger, self.bench.time()
        self.database.close()
        try:
            return restore(self.url, backup, self.ring, self.points, self.list, now, **how)
        finally:
            self.start()
            self.bench = Bench(self.database, self.points)
            self.bench.time.set(now)
            self.bench.app.outbox._channels = {"bench": heard}  # type: ignore[dict-item]
            self.bench.messenger = heard

    def stories(self) -> set[str]:
        with self.database.transaction("oberberg") as session:
            return {story for story in session.scalars(select(Report.story)) if story}

    def names(self) -> set[str]:
        with self.server.connect() as connection:
            return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture
def here(
    server: Any, tmp_path: Path, ring: KeyRing, oberberg: ContactPoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OnServer]:
    monkeypatch.setenv("PATH", str(server._programs), prepend=":")
    made = OnServer(server, tmp_path, ring, oberberg)
    yield made
    made.database.close()
    for name in made.names():
        if name.startswith(made.name):
            server.drop(name)


def test_what_was_erased_stays_erased_and_the_rest_is_back(here: OnServer) -> None:
    here.bench.report("ana", "Ana's words.")
    kept = here.bench.report("ben", "Ben's words.")
    backup = here.back_up()
    assert backup.name == "anlaufstelle-20261124T080000Z.dump" and backup.stat().st_mode & 0o777 == 0o600
    assert b"Ana's words." not in backup.read_bytes()
    here.bench.after(hours=1)
    withdraw(here.bench, "ana")
    here.bench.report("cem", "Cem's words.")
    used = max(each.id for each in here.bench.heard)
    done = here.restore(backup)
    assert done.aside == f"{here.name}_before_restore_20261124t090000z" and done.aside in here.names()
    assert here.stories() == {"Ben's words."} and done.erased_again == 1
    here.bench.messenger.heard = []
    said = here.bench.desk("kim", f"/reply {kept} Good morning.")
    assert "Good morning." in to_person(said, "ben") and min(each.id for each in said) > used


def test_nothing_is_sent_twice(here: OnServer) -> None:
    here.bench.receive(chat="ana", text="/start", language="en")
    while here.bench.app.turns.take_next(here.bench.time()) is not None:
        pass
    backup = here.back_up()
    assert to_person(here.bench.settle(), "ana")
    assert here.restore(backup).silenced == 1
    assert here.bench.settle() == []


def test_a_lost_database(here: OnServer) -> None:
    here.bench.report("ana", "Ana's words.")
    here.bench.report("ben", "Ben's words.")
    backup = here.back_up()
    withdraw(here.bench, "ana")
    here.list.write(here.database)
    here.database.close()
    here.server.drop(here.name)
    assert here.restore(backup).aside == ""
    assert here.stories() == {"Ben's words."}


class TestRefusals:
    def test_somebody_is_connected(self, here: OnServer) -> None:
        here.bench.report("ana", "Ana's words.")
        backup = here.back_up()
        with pytest.raises(BackupError, match="stop the bot first"):
            restore(here.url, backup, here.ring, here.points, here.list, here.bench.time())
        assert here.stories() == {"Ana's words."} and f"{here.name}_restoring" not in here.names()

    def test_a_user_who_may_create_nothing(self, here: OnServer) -> None:
        backup = here.back_up()
        here.server.execute(f"ALTER ROLE {postgres.OWNER} NOCREATEDB")
        with pytest.raises(BackupError, match="permission denied to create database"):
            here.restore(backup)
        assert here.stories() == set()

    def test_other_keys(self, here: OnServer) -> None:
        backup = here.back_up()
        here.database.close()
        with pytest.raises(BackupError, match="another key file"):
            restore(here.url, backup, KeyRing.new(), here.points, here.list, here.bench.time())

    def test_a_dump_that_was_cut_off(self, here: OnServer) -> None:
        here.bench.report("ana", "Ana's words.")
        backup = here.back_up()
        backup.write_bytes(backup.read_bytes()[:-5000])
        with pytest.raises(BackupError, match="pg_restore failed"):
            here.restore(backup)
        assert here.stories() == {"Ana's words."}

    def test_no_programs(self, here: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(BackupError, match="pg_dump is not on the PATH"):
            here.back_up()
        assert list((here.folder / "backups").iterdir()) == []

    def test_programs_that_are_too_old(self, here: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
        old = here.folder / "old"
        old.mkdir()
        (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
        (old / "pg_dump").chmod(0o755)
        monkeypatch.setenv("PATH", str(old), prepend=":")
        with pytest.raises(BackupError, match="pg_dump is of version 9, the server of 18: install"):
            here.back_up()


def test_a_password_is_on_no_command_line(here: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = here.folder / "spy"
    spy.mkdir()
    told = here.folder / "told"
    real = f"{here.server._programs}/pg_dump"
    (spy / "pg_dump").write_text(f'#!/bin/sh\necho "$@" >>{told}\necho "$PGPASSWORD" >>{told}.env\nexec {real} "$@"\n')
    (spy / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", str(spy), prepend=":")
    url = here.url.replace(f"{postgres.OWNER}@", f"{postgres.OWNER}:s3cret@")
    assert ":s3cret@" in url
    back_up(url, here.ring, here.folder / "backups", here.bench.time() + timedelta(seconds=1))
    assert "s3cret" not in told.read_text() and "s3cret" in Path(f"{told}.env").read_text()
