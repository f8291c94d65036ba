"""Killed at any instant: no answer is lost, no report filed twice, and at most one message said twice per kill.

Short here; `pytest -m long` goes on until two hundred processes have been killed.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.databases import Databases, Postgres, Sqlite
from tests.pipe import run
from tests.postgres import Server
from tests.torture import Talk

PROCESSES = {"sqlite": 1, "postgres": 3}
LONG = pytest.mark.long
START_SECONDS = 10
"""How long a process may take to start on a machine that has other things to do."""


def seed() -> int:
    """Another one each time; printed, so that a failure can be looked at again."""
    number = int(os.environ.get("SEED", time.time()))
    print(f"SEED={number}")
    return number


@pytest.mark.parametrize(
    ("kills", "people"), [pytest.param(4, 10, id="short"), pytest.param(200, 16, marks=LONG, id="long")]
)
def test_killed_at_any_instant(databases: Databases, empty_url: str, tmp_path: Path, kills: int, people: int) -> None:
    talk = Talk(empty_url, tmp_path, people, seed(), PROCESSES[databases.name])
    with talk:
        while talk.ends < kills:
            if kills > people and talk.all_speak:
                talk.come(people)
            # The first line goes out as soon as a process listens; from then on, any instant will do.
            _wait(talk, lambda: talk.is_over or any(place.listens.is_set() for place in talk.places))
            until = time.monotonic() + talk.random.uniform(0.0, 0.6)
            _wait(talk, lambda until=until: time.monotonic() > until)
            if talk.is_over:
                break
            place = talk.random.choice([each for each in talk.places if each.listens.is_set()])
            place.kill()
        talk.until_over(60 + 4 * len(talk.people))
    assert talk.ends >= kills // 2, "they were done before anything happened to them"
    talk.check(databases)


def _wait(talk: Talk, happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until, talk.state()
        talk.go_on(0.005)


def some_time(talk: Talk, seconds: float) -> None:
    until = time.monotonic() + seconds
    _wait(talk, lambda: time.monotonic() > until)


@pytest.mark.parametrize(
    ("times", "people"), [pytest.param(2, 10, id="short"), pytest.param(20, 60, marks=LONG, id="long")]
)
def test_a_process_that_hangs_is_replaced(server: Server, tmp_path: Path, times: int, people: int) -> None:
    """Others go on with its chats within ten seconds; when it wakes it finds out."""
    databases = Postgres(server)
    talk = Talk(databases.empty(), tmp_path, people, seed(), 2)
    wakes = []
    with talk:
        for _once in range(times):
            _wait(talk, lambda: talk.is_over or all(place.listens.is_set() for place in talk.places))
            some_time(talk, talk.random.uniform(0.0, 0.5))
            if talk.is_over:
                break
            place = talk.random.choice(talk.places)
            lost = [line["id"] for line in talk.open_at(place)]
            wakes.append(place.hang())
            since = time.monotonic()
            _wait(talk, lambda lost=lost, place=place: not any(line["id"] in lost for line in talk.open_at(place)))
            assert time.monotonic() - since < 10 + START_SECONDS
        talk.until_over(60 + 4 * people)
        for wake in wakes:
            wake()
    assert wakes
    talk.check(databases)


@pytest.mark.parametrize(
    ("times", "people"), [pytest.param(2, 10, id="short"), pytest.param(20, 60, marks=LONG, id="long")]
)
def test_the_database_goes_away_and_comes_back(tmp_path: Path, times: int, people: int) -> None:
    """Shut down or crashed: the processes wait for it, and nobody notices more than a delay."""
    server = Server()
    try:
        databases = Postgres(server)
        talk = Talk(databases.empty(), tmp_path, people, seed(), 2)
        with talk:
            for once in range(times):
                _wait(talk, lambda: talk.is_over or all(place.listens.is_set() for place in talk.places))
                some_time(talk, talk.random.uniform(0.0, 0.5))
                server.stop("QUIT" if once % 2 else "INT")
                talk.ends += len(talk.places)
                some_time(talk, talk.random.uniform(0.0, 2.0))
                server.start()
                some_time(talk, 1)
            talk.until_over(60 + 4 * people)
        talk.check(databases)
        assert any("the database does not answer" in log for log in talk.logs)
    finally:
        server.remove()


def test_the_disk_is_full_for_a_while(tmp_path: Path) -> None:
    """Files must not grow any more: the bot waits, takes nothing it cannot keep, and goes on when there is room."""
    databases = Sqlite(tmp_path)
    talk = Talk(databases.empty(), tmp_path, 10, seed())
    with talk:
        for _once in range(3):
            _wait(talk, lambda: talk.is_over or talk.places[0].listens.is_set())
            some_time(talk, talk.random.uniform(0.0, 0.5))
            pid = talk.places[0].pipe.process.pid
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
            some_time(talk, 0.5)
            heard = len(talk.said)
            some_time(talk, 1)
            assert not [each for each in talk.said[heard:] if "done" in each], "it says done although it keeps nothing"
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        talk.until_over(100)
    talk.check(databases)
    assert any("the database does not answer" in log for log in talk.logs)


def test_the_clock_jumps_a_day_and_back(databases: Databases, empty_url: str, tmp_path: Path) -> None:
    """Messages that were queued in the wrong time are not kept back until it comes again."""
    talk = Talk(empty_url, tmp_path, 10, seed())
    with talk:
        for number, day in enumerate((25, 23, 24)):
            _wait(talk, lambda: talk.is_over or talk.places[0].listens.is_set())
            some_time(talk, 0.5)
            # Less than a day ahead: what was not sent for a day is forgotten on purpose.
            talk.places[0].write({"id": f"jump{number}", "now": f"2026-11-{day}T08:30:00+01:00"})
        talk.until_over(100)
    talk.check(databases)


def test_without_its_key_file_nothing_begins_and_nothing_changes(
    databases: Databases, empty_url: str, tmp_path: Path
) -> None:
    talk = Talk(empty_url, tmp_path, 10, seed())
    with talk:
        some_time(talk, 2)
    kept = talk.keys.read_bytes()
    talk.keys.unlink()
    before = databases.dump(empty_url)
    refused = run("pipe", "--database", empty_url, said='{"id": "1", "chat": "ana", "text": "/start"}', cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1 and "key file" in refused.stderr
    assert databases.dump(empty_url) == before and not talk.keys.exists()
    talk.keys.write_bytes(kept)
    talk.keys.chmod(0o600)
    with talk:
        talk.until_over(100)
    talk.check(databases)
