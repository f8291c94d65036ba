"""What time it is: the system's, or one that stands still or runs ahead for a demonstration or a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from storage.database import Database
from storage.models import Setting


class Now(Protocol):
    """A source of the time."""

    def __call__(self) -> datetime:
        """The moment, aware, in UTC."""
        ...


def system_time() -> datetime:
    """The computer's clock."""
    return datetime.now(UTC)


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
