"""When somebody at a contact point reads, and by when: pure functions over its service hours.

All times are aware and come back in UTC; the clock on the wall is that of Europe/Berlin (F-01, F-02).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import count, groupby
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from bot.contact_point import ContactPoint, ServiceTimes, WorkingPeriod
from bot.taxonomy import Urgency

BERLIN: Final = ZoneInfo("Europe/Berlin")


class Opening(NamedTuple):
    """Service time without a break; `day` is the date in Berlin."""

    day: date
    start: datetime
    end: datetime


def is_open(contact_point: ContactPoint, at: datetime) -> bool:
    """Whether it is service time; the moment of closing no longer is."""
    return next(_openings_from(contact_point, at)).start <= _utc(at)


def next_service(contact_point: ContactPoint, at: datetime) -> datetime:
    """When the next service time begins; `at` itself while it is open."""
    return max(next(_openings_from(contact_point, at)).start, _utc(at))


def add_working_time(contact_point: ContactPoint, start: datetime, minutes: float) -> datetime:
    """The moment after so much service time, at the latest the closing of the day in which it is used up.

    Raises ValueError for less than nothing.
    """
    if minutes < 0:
        raise ValueError(f"{minutes} working minutes cannot be added")
    start = _utc(start)
    left = timedelta(minutes=minutes)
    for opening in _openings_from(contact_point, start):
        begin = max(opening.start, start)
        if left <= opening.end - begin:
            return begin + left
        left -= opening.end - begin
    raise AssertionError("service times never end")


def working_minutes_between(contact_point: ContactPoint, start: datetime, end: datetime) -> float:
    """The service time from `start` to `end` in minutes; none when `end` is not later."""
    start, end = _utc(start), _utc(end)
    total = timedelta()
    for opening in _openings_from(contact_point, start):
        if opening.start >= end:
            break
        total += max(min(opening.end, end) - max(opening.start, start), timedelta())
    return total / timedelta(minutes=1)


def deadline(contact_point: ContactPoint, urgency: Urgency, at: datetime) -> datetime:
    """By when a person reads what came in at `at`.

    Hours run in working minutes. Days end with the service of the n-th service day that begins after
    `at`: what comes in on Monday at 9 is read, at two days, until Wednesday at closing time (W-10).
    """
    return add_period(contact_point, at, contact_point.deadlines.of(urgency))


def add_period(contact_point: ContactPoint, at: datetime, period: WorkingPeriod) -> datetime:
    """The end of a working period that begins at `at`; days and minutes are counted as in `deadline`."""
    if period.days:
        return _end_of_service_day(contact_point, at, period.days)
    return add_working_time(contact_point, at, period.minutes)


class Promise(NamedTuple):
    """What somebody who asks the pool is told: a suggestion by then, or, where time is short, only an answer."""

    by: datetime
    suggestion: bool


def promised(contact_point: ContactPoint, urgency: Urgency, at: datetime, needed_at: datetime) -> Promise:
    """What is promised at `at` for a request (J-2 step 6); no suggestion that would come too late for it."""
    due = add_period(contact_point, at, contact_point.pool.suggestion_for(urgency))
    if due < needed_at:
        return Promise(due, suggestion=True)
    return Promise(min(due, deadline(contact_point, Urgency.URGENT, at)), suggestion=False)


def service_day_after(contact_point: ContactPoint, day: date, n: int) -> date:
    """The n-th service day after `day`, which itself does not count."""
    return _end_of_service_day(contact_point, _moment(day, 24 * 60 - 1), n).astimezone(BERLIN).date()


def fraction_due(contact_point: ContactPoint, start: datetime, due: datetime, fraction: float) -> datetime:
    """When this part of the service time between `start` and `due` is over; never later than `due` (F-01)."""
    minutes = working_minutes_between(contact_point, start, due) * fraction
    return min(add_working_time(contact_point, start, minutes), _utc(due))


def after_quiet_hours(contact_point: ContactPoint, at: datetime) -> datetime:
    """The end of the quiet hours that `at` falls into; `at` itself outside of them."""
    at = _utc(at)
    quiet = contact_point.reminders.quiet_hours
    if quiet is None:
        return at
    today = at.astimezone(BERLIN).date()
    length = (quiet.end - quiet.start) % (24 * 60)
    for day in (today - timedelta(1), today):
        start = _moment(day, quiet.start)
        end = _moment(day, quiet.start + length)
        if start <= at < end:
            return end
    return at


@cache
def public_holidays(year: int) -> dict[date, str]:
    """The public holidays of North Rhine-Westphalia with their German names."""
    import holidays  # large, and needed once a year

    return dict(holidays.country_holidays("DE", subdiv="NW", years=year, language="de"))


def school_holidays(day: date) -> str | None:
    """The name of the school holidays in North Rhine-Westphalia that the day belongs to.

    None also for days that the calendar does not know yet: see school_calendar_ends.
    """
    return _school_holidays(day.year).get(day)


@cache
def school_calendar_ends() -> date:
    """The last day of the last school holidays known; who plans beyond should be warned."""
    years = range(2027, 2060)
    return max(day for year in years for day in _school_holidays(year))


@cache
def _school_holidays(year: int) -> dict[date, str]:
    import holidays

    calendar = holidays.country_holidays("DE", subdiv="NW", years=year, categories=("school",), language="de")
    return dict(calendar)


def _end_of_service_day(contact_point: ContactPoint, at: datetime, n: int) -> datetime:
    midnight = _moment(at.astimezone(BERLIN).date(), 0)
    for _, day in groupby(_openings_from(contact_point, midnight), key=lambda opening: opening.day):
        openings = tuple(day)
        if openings[0].start > _utc(at):
            n -= 1
            if n == 0:
                return openings[-1].end
    raise AssertionError("service times never end")


def _openings_from(contact_point: ContactPoint, at: datetime) -> Iterator[Opening]:
    """The service times that end after `at`, in order, without an end."""
    at = _utc(at)
    for year in count(at.astimezone(BERLIN).year):
        openings = _openings(contact_point.service, year)
        yield from openings[bisect_right(openings, at, key=lambda opening: opening.end) :]


@lru_cache(maxsize=1024)
def _openings(service: ServiceTimes, year: int) -> tuple[Opening, ...]:
    days = (date(year, 1, 1) + timedelta(n) for n in range(366))
    openings = (
        Opening(day, _moment(day, span.start), _moment(day, span.end))
        for day in days
        if day.year == year and day not in public_holidays(year)
        for span in service.on(day)
    )
    # Hours within the one that the clock skips in March have no length.
    return tuple(opening for opening in openings if opening.start < opening.end)


def _moment(day: date, minutes: int) -> datetime:
    """So many minutes after midnight by the wall clock; a time that it skips is the one it leaps to."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    moment = wall.replace(tzinfo=BERLIN).astimezone(UTC)
    skipped = moment.astimezone(BERLIN).replace(tzinfo=None) != wall
    return moment.replace(minute=0) if skipped else moment


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)
