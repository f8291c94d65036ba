"""When somebody is reminded of a date (R-60): pure reckoning over steps, quiet hours and the clock on the wall."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Final

from bot.contact_point import ContactPoint
from bot.meetings.rule import utc_of
from bot.working_time import after_quiet_hours

BEFORE_START: Final = timedelta(hours=1)
"""On the day itself the reminder comes at least so long before the start."""

EVENING_BEFORE: Final = time(18, 0)
"""When it comes for a meeting so early that nobody may be disturbed before it."""

LATE_AFTER: Final = timedelta(hours=1)
"""From how much delay on a reminder says that it is late."""


def moment_of(point: ContactPoint, start: datetime, zone: str, days: int) -> datetime:
    """When a step of so many days before falls due; never in the quiet hours, always before the start."""
    begins = utc_of(start, zone)
    usual = time(*divmod(point.round_tables.remind_at, 60))
    at = after_quiet_hours(point, utc_of(datetime.combine(start.date() - timedelta(days=days), usual), zone))
    if days == 0:
        # Earlier in the morning only as far as the quiet hours allow.
        at = min(at, after_quiet_hours(point, begins - BEFORE_START))
    if at < begins:
        return at
    evening = utc_of(datetime.combine(start.date() - timedelta(days=1), EVENING_BEFORE), zone)
    return min(evening, begins - BEFORE_START)


def following(
    point: ContactPoint, start: datetime, zone: str, steps: Iterable[int], after: datetime
) -> datetime | None:
    """The next moment after another one at which somebody is to be reminded; None: no more."""
    return min((at for at in _moments(point, start, zone, steps) if at > after), default=None)


def came_due(
    point: ContactPoint, start: datetime, zone: str, steps: Iterable[int], since: datetime, now: datetime
) -> list[datetime]:
    """The moments that have come since somebody last heard of the date, the newest last."""
    return [at for at in _moments(point, start, zone, steps) if since < at <= now]


def _moments(point: ContactPoint, start: datetime, zone: str, steps: Iterable[int]) -> list[datetime]:
    return sorted({moment_of(point, start, zone, days) for days in steps})
