"""Killed at any instant: no answer is lost, no report filed twice, and at most one message said twice per kill.

Short here; `pytest -m long` goes on until two hundred processes have been killed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.torture import Talk

PROCESSES = {"sqlite": 1, "postgres": 3}
LONG = pytest.param(200, 120, marks=pytest.mark.long, id="long")


def seed() -> int:
    """Another one each time; printed, so that a failure can be looked at again."""
    number = int(os.environ.get("SEED", time.time()))
    print(f"SEED={number}")
    return number


@pytest.mark.parametrize(("kills", "people"), [pytest.param(6, 10, id="short"), LONG])
def test_killed_at_any_instant(databases: Databases, empty_url: str, tmp_path: Path, kills: int, people: int) -> None:
    talk = Talk(empty_url, tmp_path, people, seed(), PROCESSES[databases.name])
    with talk:
        while talk.ends < kills:
            # The first line goes out as soon as a process listens; from then on, any instant will do.
            _wait(talk, lambda: talk.is_over or any(place.listens.is_set() for place in talk.places))
            until = time.monotonic() + talk.random.uniform(0.0, 0.6)
            _wait(talk, lambda until=until: time.monotonic() > until)
            if talk.is_over:
                break
            place = talk.random.choice([each for each in talk.places if each.listens.is_set()])
            place.kill()
        talk.until_over(60 + 4 * people)
    assert talk.ends >= min(kills, people // 2), "they were done before anything happened to them"
    talk.check(databases)


def _wait(talk: Talk, happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < until, talk.state()
        talk.go_on(0.005)
