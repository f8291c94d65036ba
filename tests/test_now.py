"""A clock that is set wrongly for a while is not believed; one that is set right is, after a while."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.now import DOUBT, LEAP, SteadyTime

BEGIN = datetime(2026, 11, 24, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Computer:
    """Its clock can be set; its count of seconds cannot."""

    def __init__(self) -> None:
        self.passed, self.set_by = timedelta(hours=5), timedelta()
        self.now = SteadyTime(self.wall, lambda: self.passed.total_seconds())

    def wall(self) -> datetime:
        return self.right() + self.set_by

    def right(self) -> datetime:
        return BEGIN + self.passed - timedelta(hours=5)

    def wait(self, span: timedelta) -> None:
        self.passed += span


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_day_ahead_by_mistake_and_back(jump: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    computer = Computer()
    computer.set_by = jump
    for _ in range(9):
        assert computer.now() == computer.right()
        computer.wait(MINUTE)
    computer.set_by = timedelta()
    computer.wait(DAY)
    assert computer.now() == computer.right()
    hours = jump / timedelta(hours=1)
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
        (logging.WARNING, f"the clock jumped by {hours} hours: not believed for ten minutes")
    ]


def test_a_clock_that_stays_is_believed() -> None:
    computer = Computer()
    computer.set_by = DAY
    assert computer.now() == computer.right()
    computer.wait(DOUBT)
    assert computer.now() == computer.right() + DAY
    computer.wait(MINUTE)
    assert computer.now() == computer.wall()


def test_another_jump_begins_the_doubt_anew() -> None:
    computer = Computer()
    for days in range(1, 5):
        computer.set_by = days * DAY
        assert computer.now() == computer.right()
        computer.wait(DOUBT - MINUTE)


jumps = st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400))
small = st.timedeltas(min_value=-LEAP / 2, max_value=LEAP / 2)
waits = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=2))


@given(st.lists(st.tuples(jumps | small, waits)))
def test_it_moves_as_time_passes_or_as_the_clock_stays(steps: list[tuple[timedelta, timedelta]]) -> None:
    """Whatever is done to the clock: what is told goes on evenly, or is what the clock tells."""
    computer = Computer()
    told = computer.now()
    for jump, span in steps:
        computer.set_by += jump
        computer.wait(span)
        before, told = told, computer.now()
        assert told in (computer.wall(), before + span)
    computer.wait(MINUTE)
    computer.now()
    computer.wait(DOUBT)
    assert computer.now() == computer.wall()


@given(small, st.lists(waits, min_size=1))
def test_a_small_correction_is_believed_at_once(jump: timedelta, spans: list[timedelta]) -> None:
    computer = Computer()
    for span in spans:
        computer.wait(span)
        computer.set_by += jump
        assert computer.now() == computer.wall()
