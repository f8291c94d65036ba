"""A backup is whole, fits the keys, and brings back nothing that was erased; all of it by doing it."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from bot.cli import cli
from bot.contact_point import ContactPoint
from bot.periods import months_after
from bot.restoring import LEAP, NUMBERS_LEAP, restore
from bot.retention import run
from bot.settings import erasure_file_of, key_file_of
from bot.taxonomy import RequestState
from storage.backup import BackupError, back_up
from storage.database import Database
from storage.erasures import Erased, ErasureFile, Kind, ListUnreadable
from storage.key_check import check_keys
from storage.keys import KeyRing, create_ring_file, write_ring_file
from storage.migrate import upgrade
from storage.models import ContactLink, Conversation, OutboxMessage, Report, Statistic, Thread
from storage.pool import ExpertRequest
from tests.bench import Bench, Messenger, at_desk, to_person
from tests.pipe import Pipe


class Installation:
    """An installation on SQLite that is stopped, lost and restored."""

    def __init__(self, folder: Path, empty: Path, ring: KeyRing, point: ContactPoint) -> None:
        self.file = folder / "bot.db"
        self.file.write_bytes(empty.read_bytes())
        self.file.chmod(0o600)
        self.url = f"sqlite:///{self.file}"
        self.ring, self.points = ring, {point.id: point}
        write_ring_file(key_file_of(self.url, {}), ring)
        self.list = erasure_file_of(self.url)
        self.messenger = Messenger()
        self.start()
        self.bench.desk("kim", "/language en")

    def start(self) -> Bench:
        self.database = Database.open(self.url, self.ring)
        check_keys(self.database)
        now = getattr(self, "bench", None) and self.bench.time()
        self.bench = Bench(self.database, self.points)
        if now:
            self.bench.time.set(now)
        self.bench.messenger.heard = self.messenger.heard
        return self.bench

    def stop(self) -> None:
        self.database.close()

    def back_up(self) -> Path:
        return back_up(self.url, self.ring, self.file.parent / "backups", self.bench.time())

    def restore(self, backup: Path, **how: Any) -> Any:
        """Stops, restores, starts."""
        now = self.bench.time()
        self.stop()
        try:
            return restore(self.url, backup, self.ring, self.points, self.list, now, **how)
        finally:
            self.start()

    def stories(self) -> set[str]:
        with self.database.transaction("oberberg") as session:
            return {story for story in session.scalars(select(Report.story)) if story}

    def number_of(self, model: Any) -> int:
        with self.database.transaction(everywhere=True) as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory, ring: KeyRing) -> Path:
    """A SQLite file of the current schema without a row, to copy from."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    database = Database.open(f"sqlite:///{path}", ring)
    upgrade(database)
    database.checkpoint()
    database.close()
    return path


@pytest.fixture
def here(tmp_path: Path, empty_file: Path, ring: KeyRing, oberberg: ContactPoint) -> Iterator[Installation]:
    made = Installation(tmp_path, empty_file, ring, oberberg)
    yield made
    made.stop()


def withdraw(bench: Bench, chat: str, scope: str = "REPORT") -> None:
    bench.say(chat, "/withdraw")
    bench.say(chat, choice=scope)
    assert "Deleted" in " ".join(to_person(bench.say(chat, choice="YES"), chat))


def forget(bench: Bench, chat: str) -> None:
    bench.say(chat, "/data")
    bench.say(chat, choice="FORGET_ME")
    assert "Done" in " ".join(to_person(bench.say(chat, choice="YES"), chat))


def test_what_was_erased_stays_erased_and_the_rest_is_back(here: Installation) -> None:
    bench = here.bench
    bench.report("ana", "Ana's words.")
    read = bench.report("ben", "Ben's words.")
    bench.desk("kim", f"/reply {read} Good morning.")
    bench.say("ben", "Ben's further words.")
    bench.say("ben", "/menu")
    phone = bench.report("cem", "Cem's words.", contact="PHONE", phone="0171 2345678")
    forgotten = bench.report("dan", "Dan's words.")
    kept = bench.report("eva", "Eva's words.")
    backup = here.back_up()
    bench.after(hours=5)
    withdraw(bench, "ana")
    withdraw(bench, "ben")
    withdraw(bench, "cem", "CONTACT")
    forget(bench, "dan")
    lost = bench.report("fay", "Fay's words.")
    done = here.restore(backup)
    assert done.erased_again >= 4 and Path(done.aside).stat().st_mode & 0o777 == 0o600

    bench = here.bench
    assert here.stories() == {"Cem's words.", "Dan's words.", "Eva's words."}
    with here.database.transaction("oberberg") as session:
        threads = {thread.ref: thread for thread in session.scalars(select(Thread))}
        assert set(threads) == {read, phone, kept, forgotten} and lost not in threads
        assert threads[read].closed_at is not None and threads[phone].closed_at is None
        linked = set(session.scalars(select(Thread.ref).join(ContactLink)))
        assert linked == {kept}
        dan = session.scalars(select(Conversation).where(Conversation.language.is_(None))).all()
        assert "dan" in {each.address for each in dan}
    assert "Eva's words." in " ".join(at_desk(bench.desk("kim", f"/open {kept}")))
    assert to_person(bench.desk("kim", f"/reply {kept} Good morning."), "eva")[-1] == "Good morning."
    assert "No report is linked" in " ".join(to_person(bench.say("cem", "/mine"), "cem"))
    assert to_person(bench.say("dan", "/start"), "dan")


def test_a_request_that_was_taken_back_looks_for_nobody_again(here: Installation) -> None:
    here.bench.join("ana", "Ana", "CASE_MANAGER wiehl")
    ref = here.bench.request("ana", "Two groups argue about the yard.")
    backup = here.back_up()
    here.bench.say("ana", "/requests")
    here.bench.say("ana", choice="WITHDRAW")
    here.bench.say("ana", choice="YES")
    assert here.restore(backup).erased_again == 1
    with here.database.transaction("oberberg") as session:
        request = session.scalars(select(ExpertRequest)).one()
        assert request.state == RequestState.CANCELLED and request.ended_at is not None
    assert "nobody is looked for" in " ".join(at_desk(here.bench.desk("kim", f"/offer {ref} 1")))
    assert "nobody is looked for any more" in " ".join(to_person(here.bench.say("ana", "/requests"), "ana"))


def test_who_has_lost_the_role_has_no_request_again(here: Installation) -> None:
    here.bench.join("ana", "Ana", "CASE_MANAGER wiehl")
    here.bench.request("ana", "Two groups argue about the yard.")
    backup = here.back_up()
    here.bench.desk("kim", "/revoke 1")
    here.restore(backup)
    assert here.number_of(ContactLink) == 0
    with here.database.transaction("oberberg") as session:
        assert session.scalars(select(ExpertRequest)).one().state == RequestState.REQUESTED


def test_a_number_of_the_pool_is_not_given_again(here: Installation, empty_file: Path) -> None:
    profile = "/profile new\nName: Ada\nProfessions: mediation"
    assert "P1 is in the pool" in " ".join(at_desk(here.bench.desk("kim", profile)))
    backup = here.back_up()
    assert "P2 is in the pool" in " ".join(at_desk(here.bench.desk("kim", profile)))
    here.restore(backup)
    assert "P3 is in the pool" in " ".join(at_desk(here.bench.desk("kim", profile)))
    here.bench.after(hours=1)
    here.stop()
    here.file.write_bytes(empty_file.read_bytes())
    here.start()
    here.restore(backup, erasures_lost=True)
    assert f"P{NUMBERS_LEAP + 2} is in the pool" in " ".join(at_desk(here.bench.desk("kim", profile)))


def test_erased_again_after_every_restore(here: Installation) -> None:
    """Also from a second backup, and although the first restore has begun a new database."""
    here.bench.report("ana", "Ana's words.")
    backup = here.back_up()
    withdraw(here.bench, "ana")
    for _again in range(3):
        here.restore(backup)
        assert here.stories() == set()
        here.bench.after(hours=1)


def test_what_was_erased_before_the_backup_is_not_erased_again(here: Installation) -> None:
    """Who was forgotten and came back is not cut off by the restore."""
    here.bench.report("ana", "Old words.")
    forget(here.bench, "ana")
    here.bench.after(hours=1)
    here.bench.report("ana", "New words.")
    backup = here.back_up()
    assert here.restore(backup).erased_again == 0
    with here.database.transaction("oberberg") as session:
        assert session.scalars(
            select(Report.story).join(ContactLink, ContactLink.thread_id == Report.thread_id)
        ).all() == ["New words."]


def test_the_list_beside_the_database_helps_when_the_database_is_lost(here: Installation) -> None:
    bench = here.bench
    bench.report("ana", "Ana's words.")
    bench.report("ben", "Ben's words.")
    backup = here.back_up()
    withdraw(bench, "ana")
    assert here.list.keep_up(here.database) and not here.list.keep_up(here.database)
    assert here.list.path.stat().st_mode & 0o777 == 0o600
    here.stop()
    here.file.write_bytes(b"no database at all" * 1000)
    for side in here.file.parent.glob("bot.db-*"):
        side.unlink()
    done = restore(here.url, backup, here.ring, here.points, here.list, bench.time())
    assert done.erased_again == 1 and Path(done.aside).read_bytes().startswith(b"no database")
    here.start()
    assert here.stories() == {"Ben's words."}


def test_a_bot_that_was_started_anew_does_not_lose_the_list(here: Installation, empty_file: Path) -> None:
    """Somebody starts with an empty database first and thinks of the backup later."""
    here.bench.report("ana", "Ana's words.")
    backup = here.back_up()
    withdraw(here.bench, "ana")
    here.list.write(here.database)
    here.stop()
    here.file.write_bytes(empty_file.read_bytes())
    here.start()
    here.bench.report("ben", "Ben's words.")
    withdraw(here.bench, "ben")
    here.list.write(here.database)
    here.restore(backup)
    assert here.stories() == set()


def test_without_any_list_somebody_must_say_so(here: Installation) -> None:
    here.bench.report("ana", "Ana's words.")
    backup = here.back_up()
    now = here.bench.time()
    here.stop()
    here.file.unlink()
    with pytest.raises(BackupError, match=r"would come back.*--erasures-lost"):
        restore(here.url, backup, here.ring, here.points, here.list, now)
    assert not here.file.exists()
    done = restore(here.url, backup, here.ring, here.points, here.list, now, erasures_lost=True)
    assert done.aside == ""
    here.start()
    assert here.stories() == {"Ana's words."}


def test_a_backup_older_than_the_list(here: Installation) -> None:
    here.bench.report("ana", "Ana's words.")
    backup = here.back_up()
    here.bench.after(days=91)
    with pytest.raises(BackupError, match="does not reach back to 2026-11-24"):
        here.restore(backup)
    here.restore(backup, erasures_lost=True)
    assert here.stories() == {"Ana's words."}


def test_what_has_run_out_meanwhile_is_deleted_with_its_statistics(here: Installation) -> None:
    ref = here.bench.report("ana", "Ana's words.")
    here.bench.desk("kim", f"/close {ref} ANSWERED")
    here.bench.at(months_after(here.bench.time(), 6) - timedelta(days=1))
    backup = here.back_up()
    here.bench.after(days=2)
    run(here.database, here.points, here.bench.time())
    assert here.number_of(Statistic) == 1
    here.restore(backup)
    assert (here.number_of(Thread), here.number_of(Statistic), here.number_of(Conversation)) == (0, 1, 0)


class TestNothingTwice:
    def test_ids_of_messages_are_never_given_again(self, here: Installation) -> None:
        here.bench.report("ana", "Ana's words.")
        backup = here.back_up()
        here.bench.report("ben", "Ben's words.")
        used = {each.id for each in here.bench.heard}
        here.restore(backup)
        here.bench.messenger.heard = []
        here.bench.report("eva", "Eva's words.")
        assert min(each.id for each in here.bench.heard) > max(used)

    def test_and_leap_where_nobody_knows_which_were_used(self, here: Installation, empty_file: Path) -> None:
        here.bench.report("ana", "Ana's words.")
        backup = here.back_up()
        last = max(each.id for each in here.bench.heard)
        here.stop()
        here.file.write_bytes(empty_file.read_bytes())
        here.start()
        here.restore(backup, erasures_lost=True)
        here.bench.messenger.heard = []
        here.bench.say("eva", "/start")
        assert min(each.id for each in here.bench.heard) == last + LEAP + 1

    def queued(self, here: Installation) -> Path:
        """A backup with a question of the program and an answer of a human on their way."""
        ref = here.bench.report("ana", "Ana's words.")
        here.bench.desk("kim", f"/take {ref}")
        here.bench.receive(by="kim", text=f"/reply {ref} Good morning.")
        here.bench.receive(chat="ben", text="/start", language="en")
        while here.bench.app.turns.take_next(here.bench.time()) is not None:
            pass
        return here.back_up()

    def unsent(self, here: Installation) -> list[OutboxMessage]:
        with here.database.transaction(everywhere=True) as session:
            return list(session.scalars(select(OutboxMessage).where(OutboxMessage.state == "QUEUED")))

    def test_what_was_sent_meanwhile_is_not_sent_again(self, here: Installation) -> None:
        backup = self.queued(here)
        assert "Good morning." in to_person(here.bench.settle(), "ana")
        done = here.restore(backup)
        assert done.silenced >= 2 and self.unsent(here) == []
        assert here.bench.settle() == []

    def test_what_still_waits_goes_out(self, here: Installation) -> None:
        backup = self.queued(here)
        assert here.restore(backup).silenced == 0
        said = here.bench.settle()
        assert "Good morning." in to_person(said, "ana") and to_person(said, "ben")

    def test_where_it_cannot_be_known_a_human_is_heard_twice_rather_than_never(self, here: Installation) -> None:
        backup = self.queued(here)
        here.bench.settle()
        here.stop()
        here.file.unlink()
        now = here.bench.time()
        restore(here.url, backup, here.ring, here.points, here.list, now, erasures_lost=True)
        here.start()
        said = here.bench.settle()
        assert to_person(said, "ana") == ["Good morning."] and not to_person(said, "ben")

    def test_a_message_that_waited_for_its_turn_is_worked_through(self, here: Installation) -> None:
        here.bench.receive(chat="ana", text="/start", language="en")
        backup = here.back_up()
        here.bench.settle()
        here.restore(backup)
        assert to_person(here.bench.settle(), "ana")


class TestRefusals:
    """Whatever is wrong, everything is as it was."""

    def refused(self, here: Installation, backup: Path, told: str) -> None:
        here.database.checkpoint()
        before = here.stories()
        now = here.bench.time()
        here.stop()
        with pytest.raises(BackupError, match=told):
            restore(here.url, backup, here.ring, here.points, here.list, now)
        here.start()
        assert here.stories() == before
        assert not [each.name for each in here.file.parent.iterdir() if "restor" in each.name]

    def test_the_bot_runs(self, here: Installation) -> None:
        here.bench.report("ana", "Ana's words.")
        backup = here.back_up()
        with pytest.raises(BackupError, match="is in use: stop the bot first"):
            restore(here.url, backup, here.ring, here.points, here.list, here.bench.time())
        assert here.stories() == {"Ana's words."}
        assert to_person(here.bench.say("ana", "/mine"), "ana")

    def test_no_such_file(self, here: Installation) -> None:
        self.refused(here, here.file.parent / "nothing.db", "There is no backup")

    def test_a_file_that_is_none(self, here: Installation) -> None:
        wrong = here.file.parent / "x.db"
        wrong.write_text("no database " * 100)
        self.refused(here, wrong, "damaged or no backup")

    def test_the_database_of_another_program(self, here: Installation) -> None:
        wrong = here.file.parent / "x.db"
        with closing(sqlite3.connect(wrong)) as other:
            other.execute("CREATE TABLE orders (id INTEGER)")
        self.refused(here, wrong, "no backup of this program")

    def test_a_damaged_one(self, here: Installation) -> None:
        here.bench.report("ana", "Ana's words.")
        backup = here.back_up()
        content = bytearray(backup.read_bytes())
        content[8192:24576] = bytes(16384)
        backup.write_bytes(content)
        self.refused(here, backup, "damaged")

    def test_one_of_other_keys(
        self, here: Installation, tmp_path: Path, empty_file: Path, oberberg: ContactPoint
    ) -> None:
        (tmp_path / "other").mkdir()
        other = Installation(tmp_path / "other", empty_file, KeyRing.new(), oberberg)
        backup = other.back_up()
        other.stop()
        self.refused(here, backup, "another key file")

    def test_one_of_a_newer_version(self, here: Installation) -> None:
        backup = here.back_up()
        with closing(sqlite3.connect(backup)) as newer:
            newer.execute("UPDATE alembic_version SET version_num = '9999'")
            newer.commit()
        self.refused(here, backup, "newer version \\(revision 9999\\)")

    def test_a_dump_of_a_server(self, here: Installation) -> None:
        wrong = here.file.parent / "x.dump"
        wrong.write_bytes(b"PGDMP" + bytes(100))
        self.refused(here, wrong, "another kind of database")

    def test_a_list_that_is_damaged(self, here: Installation) -> None:
        here.list.path.write_text("nonsense\n")
        self.refused(here, here.back_up(), "damaged in line 1.*--erasures-lost")


def test_a_backup_is_nobody_elses_and_has_no_keys(here: Installation) -> None:
    here.bench.report("ana", "Ana's words.")
    backup = here.back_up()
    assert backup.name == "anlaufstelle-20261124T080000Z.db"
    assert backup.stat().st_mode & 0o777 == 0o600 and backup.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in backup.parent.iterdir()] == [backup.name]
    content = backup.read_bytes()
    assert b"Ana's words." not in content and here.ring.lookup_key not in content
    with pytest.raises(BackupError, match="is there already"):
        here.back_up()


def test_the_list_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.erasures"
    file = ErasureFile(path)
    assert file.read() is None
    entry = Erased(datetime(2026, 11, 24, 8, 0, 0, 5, tzinfo=UTC), "oberberg", Kind.WORDS, "a" * 64)
    file.replace(frozenset({entry}))
    assert file.read() == {entry}
    path.write_text(path.read_text()[:-10])
    with pytest.raises(ListUnreadable, match="damaged in line 2"):
        file.read()


class TestCommands:
    """As an operator types them."""

    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("ANLAUFSTELLE_KEYS", raising=False)

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments, "--database", "sqlite:///x.db"], prog_name="anlaufstelle")

    def mistake(self, *arguments: str) -> str:
        result = self.call(*arguments)
        assert result.exit_code == 2 and result.stdout == "", result.output
        (line,) = result.stderr.splitlines()
        return line.removeprefix("anlaufstelle: ")

    def test_backup_and_restore_while_and_after_it_runs(self) -> None:
        pipe = Pipe("sqlite:///x.db", Path.cwd())
        pipe.write({"id": "1", "chat": "ana", "text": "/start"})
        assert pipe.read()
        done = self.call("backup")
        assert done.exit_code == 0, done.output
        backup = done.stdout.strip()
        assert Path(backup).is_file() and "keys are not in it: keep a copy of x.keys" in done.stderr
        assert f"x.db is in use by process {pipe.process.pid}: stop that one first" in self.mistake("restore", backup)
        pipe.write({"id": "2", "chat": "ben", "text": "/start"})
        assert pipe.read()
        pipe.end()
        done = self.call("restore", backup)
        assert done.exit_code == 0, done.output
        assert "Restored: the state of" in done.stdout and "The database as it was: x.db.before-restore-" in done.stdout
        assert Path("x.db.erasures").exists()
        assert self.call("check").stdout.count("ok    keys: fit") == 1

    def test_backups_older_than_thirty_days_go(self) -> None:
        self.call("pipe")
        Path("safe").mkdir()
        old = Path("safe/anlaufstelle-20200101T030000Z.db")
        other = Path("safe/letter.txt")
        for each in (old, other):
            each.write_bytes(b"")
        done = self.call("backup", "--to", "safe")
        assert done.exit_code == 0 and "deleted: 1" in done.stderr
        assert other.exists() and not old.exists() and len(list(Path("safe").iterdir())) == 2

    def test_retention_and_its_rehearsal(self) -> None:
        self.call("pipe")
        rehearsed = self.call("retention", "--dry-run")
        assert rehearsed.exit_code == 0 and "Nothing was deleted" in rehearsed.stdout
        done = self.call("retention")
        assert done.exit_code == 0 and "       0  reports and cases\n" in done.stdout
        assert sorted(each.name for each in Path().iterdir()) == ["x.db", "x.db.erasures", "x.db.lock", "x.keys"]

    @pytest.mark.parametrize("command", [("backup",), ("restore", "y.db"), ("retention",)])
    def test_before_the_first_start(self, command: tuple[str, ...]) -> None:
        self.mistake(*command)
        assert list(Path().iterdir()) == []

    def test_nothing_to_back_up(self) -> None:
        create_ring_file(Path("x.keys"))
        assert self.mistake("backup") == "There is nothing to back up: x.db is missing."

    def test_a_folder_that_cannot_be_written_to(self) -> None:
        self.call("pipe")
        assert "cannot be written to" in self.mistake("backup", "--to", "/proc/x")

    def test_a_damaged_database_gives_no_backup(self) -> None:
        self.call("pipe")
        Path("x.db").write_bytes(b"nonsense" * 1000)
        assert "cannot be copied" in self.mistake("backup")
        assert list(Path("backups").iterdir()) == []


def test_backups_while_many_write_are_of_one_moment(tmp_path: Path, oberberg: ContactPoint, ring: KeyRing) -> None:
    """Whoever has an answer in the backup has their message in it."""
    pipe = Pipe(f"sqlite:///{tmp_path}/x.db", tmp_path)
    pipe.write({"id": "0", "chat": "p0", "text": "/start"})
    assert pipe.read()
    backups = []
    for number in range(1, 40):
        pipe.write({"id": str(number), "chat": f"p{number}", "text": "/start"})
        if number % 10 == 0:
            done = subprocess.run(
                [pipe.process.args[0], "-m", "bot", "backup", "--database", f"sqlite:///{tmp_path}/x.db",  # type: ignore[index]
                 "--to", str(tmp_path / str(number))],
                cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
            )  # fmt: skip
            backups.append(Path(done.stdout.strip()))
    pipe.end()
    assert len(backups) == 3
    for backup in backups:
        with closing(sqlite3.connect(f"{backup.as_uri()}?immutable=1", uri=True)) as copy:
            done_rows = copy.execute("SELECT count(*) FROM inbox WHERE state = 'DONE'").fetchone()[0]
            chats = copy.execute("SELECT count(DISTINCT conversation_id) FROM outbox").fetchone()[0]
            people = copy.execute("SELECT count(*) FROM conversation").fetchone()[0]
        assert done_rows == chats == people > 0
