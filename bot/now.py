"""What time it is: the system's, or one that stands still or runs ahead for a demonstration or a test."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from sqlalchemy.orm import Session

from storage.database import Database
from storage.models import Setting

LEAP: Final = timedelta(hours=1)
"""What the computer's clock may jump and is believed at once."""

DOUBT: Final = timedelta(minutes=10)
"""How long a clock that has jumped further must stay there to be believed."""

_LOG: Final = logging.getLogger("anlaufstelle.clock")


class Now(Protocol):
    """A source of the time."""

    def __call__(self) -> datetime:
        """The moment, aware, in UTC."""
        ...


def system_time() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


def _since_boot() -> float:
    """Seconds that nobody can set, sleep of the computer included where it tells."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class SteadyTime:
    """The computer's clock, not believed at once when it jumps.

    Set a day ahead by mistake, it would delete drafts and skip reminders before anybody notices.
    """

    def __init__(
        self, wall: Callable[[], datetime] = system_time, since_boot: Callable[[], float] = _since_boot
    ) -> None:
        self._wall = wall
        self._since_boot = since_boot
        self._alone = threading.Lock()
        self._booted = wall() - timedelta(seconds=since_boot())
        """When the computer began to count, as far as its clock is believed."""
        self._doubted: tuple[datetime, timedelta] | None = None
        """The same by a clock that is not, and when it was seen first."""

    def __call__(self) -> datetime:
        with self._alone:
            passed = timedelta(seconds=self._since_boot())
            told = self._wall()
            booted = told - passed
            if abs(booted - self._booted) <= LEAP:
                self._booted, self._doubted = booted, None
                return told
            if self._doubted is None or abs(booted - self._doubted[0]) > LEAP:
                self._doubted = booted, passed
                hours = round((booted - self._booted) / timedelta(hours=1), 1)
                _LOG.warning("the clock jumped by %s hours: not believed for ten minutes", hours)
            elif passed - self._doubted[1] >= DOUBT:
                self._booted, self._doubted = booted, None
                _LOG.warning("the clock has stayed where it jumped to, and is believed again")
                return told
            return self._booted + passed


class ManualTime:
    """Stands still until it is set; kept in the database, so that a restart does not move it."""

    NAME = "manual_time"

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as session:
            stored = session.get(Setting, self.NAME)
        self._now = datetime.fromisoformat(stored.value) if stored else system_time()

    def __call__(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Sets the time, whatever it was."""
        with self._database.transaction() as session:
            self.set_within(session, now)

    def set_within(self, session: Session, now: datetime) -> None:
        """Sets the time as part of a transaction."""
        self._now = now.astimezone(UTC)
        session.merge(Setting(name=self.NAME, value=self._now.isoformat()))


class ShiftedTime:
    """The system's clock, set ahead by hand to see a reminder or a deadline coming; kept in the database."""

    NAME = "time_shift_minutes"

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.transaction() as session:
            stored = session.get(Setting, self.NAME)
        self._shift = timedelta(minutes=float(stored.value)) if stored else timedelta()

    def __call__(self) -> datetime:
        return system_time() + self._shift

    def advance(self, by: timedelta) -> None:
        """Goes ahead."""
        self._shift += by
        with self._database.transaction() as session:
            session.merge(Setting(name=self.NAME, value=str(self._shift / timedelta(minutes=1))))
