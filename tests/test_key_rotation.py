"""New keys while people write: nothing is lost, nobody notices, and the old key is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.database import Database
from storage.keys import KeyRing, load_ring, write_ring_file
from storage.models import InboxMessage
from storage.tables import Base
from storage.types import Encrypted
from storage.undisturbed import undisturbed
from tests.databases import Databases, file_of
from tests.pipe import Pipe, environment, run


class Place:
    """An installation of which processes run."""

    def __init__(self, databases: Databases, url: str, folder: Path) -> None:
        self.databases, self.url, self.folder = databases, url, folder
        self.keys = folder / "anlaufstelle.keys" if databases.name == "postgres" else file_of(url).with_suffix(".keys")
        self.running: list[Pipe] = []

    def start(self) -> Pipe:
        pipe = Pipe(self.url, self.folder)
        self.running.append(pipe)
        return pipe

    def rotate(self) -> subprocess.CompletedProcess[str]:
        return run("keys", "rotate", "--database", self.url, cwd=self.folder)

    def ring(self) -> KeyRing:
        return load_ring(self.keys, {})

    def used(self) -> set[str]:
        """The ids of all keys that a value in the database is encrypted with."""
        found, ring = set(), self.ring()
        for table in Base.metadata.sorted_tables:
            for column in [each.name for each in table.columns if isinstance(each.type, Encrypted)]:
                wanted = f"SELECT {column} FROM {table.name} WHERE {column} IS NOT NULL"
                found |= {ring.key_of(token) for (token,) in self.databases.query(self.url, wanted) if token}
        return found

    def published(self) -> list[str]:
        rows = self.databases.query(self.url, "SELECT data_key FROM lease WHERE name LIKE 'process:%'")
        return [key for (key,) in rows]


@pytest.fixture
def place(databases: Databases, empty_url: str, tmp_path: Path) -> Iterator[Place]:
    place = Place(databases, empty_url, tmp_path)
    # Both begin with the same key file.
    assert run("pipe", "--database", empty_url, cwd=tmp_path).returncode == 0
    yield place
    for each in place.running:
        if each.process.poll() is None:
            each.kill()
            each.end()


def wait_until(so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not so():
        assert time.monotonic() < until
        time.sleep(0.05)


def ask(pipe: Pipe, number: str, chat: str, words: str) -> list[str]:
    """Says something and waits; returns what the bot said."""
    assert pipe.write({"id": number, "chat": chat, "text": words})
    said = []
    while (line := pipe.read()) != {"done": number}:
        assert line is not None, pipe.end()
        said.append(str(line.get("text", "")))
    return said


class Person(threading.Thread):
    """Writes and reads through one process until told to stop; each answer needs what was written before."""

    def __init__(self, pipe: Pipe, name: str) -> None:
        super().__init__(daemon=True)
        self.pipe, self.chat = pipe, name
        self.wrote: list[str] = []
        self.mute: list[str] = []
        self.ending = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.ending.is_set():
            for words in ("/start", "English", "/help", f"{self.chat} says {number}"):
                number += 1
                key = f"{self.chat}-{number}"
                if not ask(self.pipe, key, self.chat, words):
                    self.mute.append(key)
                self.wrote.append(key)

    def stop(self) -> None:
        self.ending.set()
        self.join(60)
        assert not self.is_alive()


def test_people_write_while_the_keys_are_rotated_twice(place: Place) -> None:
    pipes = [place.start()]
    # The clocks stand still, at the same moment.
    assert pipes[0].write({"id": "now", "now": "2026-11-24T09:00:00+01:00"}) and pipes[0].read() == {"done": "now"}
    if place.databases.name == "postgres":
        pipes.append(place.start())
    people = [Person(pipe, f"chat{number}") for number, pipe in enumerate(pipes)]
    old = place.ring()
    for each in people:
        each.start()
    wait_until(lambda: all(each.wrote for each in people))
    try:
        for newest in ("k2", "k3"):
            before = [len(each.wrote) for each in people]
            done = place.rotate()
            assert (done.returncode, done.stderr) == (0, "")
            assert place.ring().data[0][0] == newest and len(place.ring().data) == 1
            assert place.ring().lookup_key == old.lookup_key
            assert place.used() == {newest} and set(place.published()) == {newest}
            assert all(len(each.wrote) > count for each, count in zip(people, before, strict=True))
    finally:
        for each in people:
            each.stop()
    for each in people:
        assert ask(each.pipe, f"{each.chat}-last", each.chat, "/help") and not each.mute
    assert place.used() == {"k3"}

    database = Database.open(place.url, place.ring())
    with database.transaction(everywhere=True) as session:
        rows = session.scalars(select(InboxMessage)).all()
        assert len(rows) == sum(len(each.wrote) + 1 for each in people) + 1
        assert {row.state for row in rows} == {"DONE"}
    database.close()
    for pipe in pipes:
        log = pipe.end()
        assert "fault" not in log.casefold() and "Traceback" not in log and "error" not in log.casefold(), log


def test_a_rotation_that_was_killed_is_called_again(place: Place) -> None:
    pipe = place.start()
    person = Person(pipe, "ana")
    person.start()
    wait_until(lambda: bool(person.wrote))
    command = [sys.executable, "-m", "bot", "keys", "rotate", "--database", place.url]
    old = place.keys.stat().st_ino
    killed = subprocess.Popen(command, cwd=place.folder, env=environment(), stdout=subprocess.DEVNULL)
    while place.keys.stat().st_ino == old:
        time.sleep(0.001)
    killed.kill()
    killed.wait()
    assert [name for name, _key in place.ring().data] == ["k2", "k1"]
    assert place.rotate().returncode == 0
    person.stop()
    assert ask(pipe, "last", "ana", "/help") and not person.mute
    assert [name for name, _key in place.ring().data] == ["k2"] and place.used() == {"k2"}


def test_a_process_that_was_killed_is_in_nobodys_way(place: Place) -> None:
    pipe = place.start()
    assert ask(pipe, "1", "ana", "/start")
    pipe.kill()
    pipe.end()
    assert place.published() == ["k1"]
    assert place.rotate().returncode == 0
    assert place.used() == {"k2"}
    again = place.start()
    assert ask(again, "2", "ana", "/help")
    wait_until(lambda: place.published() == ["k2"])


def test_a_process_with_other_keys_keeps_the_old_key_alive(place: Place, tmp_path: Path) -> None:
    """As of a service that got a copy of the keys at its start: until it starts again nothing is dropped."""
    (tmp_path / "copy").mkdir()
    copy = tmp_path / "copy" / "anlaufstelle.keys"
    write_ring_file(copy, place.ring())
    command = [sys.executable, "-m", "bot", "pipe", "--database", place.url]
    process = subprocess.Popen(
        command, cwd=place.folder, env={**environment(), "CREDENTIALS_DIRECTORY": str(copy.parent)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b'{"id": "1", "chat": "ana", "text": "/start"}\n')
    process.stdin.flush()
    while b"done" not in process.stdout.readline():
        pass
    done = place.rotate()
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "has not taken over the new key" in done.stderr
    assert [name for name, _key in place.ring().data] == ["k2", "k1"] and place.used() == {"k1"}

    write_ring_file(copy, place.ring())
    assert place.rotate().returncode == 0
    assert place.used() == {"k2"} == {name for name, _key in place.ring().data}
    process.communicate(timeout=30)


def test_two_rotations_and_backups_follow_each_other(place: Place) -> None:
    with undisturbed(place.url):
        done = place.rotate()
    assert done.returncode == 2 and "try again when that has ended" in done.stderr
    assert [name for name, _key in place.ring().data] == ["k1"]


class TestAFileThatIsWrong:
    """Whatever happens to the key file: what was read goes on."""

    def test_damaged_missing_or_of_another_installation(self, url: str, ring: KeyRing, tmp_path: Path) -> None:
        file = tmp_path / "x.keys"
        write_ring_file(file, ring)
        database = Database.open(url, ring)
        database.follow_keys(file)
        file.unlink()
        database.renew_keys()
        file.write_text("nonsense")
        file.chmod(0o600)
        database.renew_keys()
        write_ring_file(file, KeyRing.new())
        database.renew_keys()
        assert database.ring == ring
        write_ring_file(file, ring.rotated())
        database.renew_keys()
        assert database.ring.primary == "k2"
        database.close()

    def test_a_value_of_a_key_that_another_process_made(self, url: str, ring: KeyRing, tmp_path: Path) -> None:
        """In the middle of a transaction, and what was read before it stays readable."""
        file = tmp_path / "x.keys"
        write_ring_file(file, ring)
        database = Database.open(url, ring)
        database.follow_keys(file)
        newer = ring.rotated()
        inbox = InboxMessage.__table__.c.payload.type
        with database.transaction():
            write_ring_file(file, newer.without_old())
            dialect = database.engine.dialect
            for each in (newer, ring):
                token = each.encrypt(b'"words"', inbox.context.encode())
                assert inbox.process_result_value(token, dialect) == "words"
        with database.transaction() as session:
            session.connection()
            assert database.ring == newer.without_old()
        database.close()
