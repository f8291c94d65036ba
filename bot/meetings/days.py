"""Which days are not good for a meeting, and why (J-5 step 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, verbatim
from bot.meetings.rule import Series
from bot.working_time import public_holidays, school_calendar_ends, school_holidays

EVENING: Final = time(17, 0)
"""From when on a Friday is a Friday evening."""

LOOKED_AT: Final = timedelta(days=2 * 366)
"""So far ahead dates of a rule are looked at for some that suit."""


class Avoid(StrEnum):
    """Which days a series leaves out by itself."""

    ALL = "ALL"
    """All that speaks against a day."""
    CLOSED = "CLOSED"
    """Only holidays, school holidays and closing days."""
    NONE = "NONE"


@dataclass(frozen=True)
class Objection:
    """Something that speaks against a day."""

    why: Text
    closed: bool
    """Whether offices or schools are closed; otherwise people may be kept from coming."""


def objections(point: ContactPoint, start: datetime) -> tuple[Objection, ...]:
    """All that speaks against a meeting at this local time; nothing: it suits."""
    return tuple(_objections(point, start))


def _objections(point: ContactPoint, start: datetime) -> Iterator[Objection]:
    day = start.date()
    holiday = public_holidays(day.year).get(day)
    if holiday:
        yield Objection(verbatim(holiday), closed=True)
    school = school_holidays(day)
    if school and not holiday:
        yield Objection(_("school holidays: {name}", name=school), closed=True)
    if point.service.is_closing_day(day):
        yield Objection(_("closing day"), closed=True)
    if day.weekday() == 6:
        yield Objection(_("Sunday"), closed=True)
    if day.weekday() == 4 and start.time() >= EVENING:
        yield Objection(_("Friday evening"), closed=False)
    for each in point.round_tables.sensitive_days:
        if each.covers(day):
            yield Objection(verbatim(each.name), closed=False)


def suits(point: ContactPoint, start: datetime, avoid: Avoid) -> bool:
    """Whether a series that avoids such days keeps this date."""
    if avoid is Avoid.NONE:
        return True
    return not any(avoid is Avoid.ALL or each.closed for each in objections(point, start))


def is_past_calendar(day: date) -> bool:
    """Whether nobody knows yet if it is a day of school holidays."""
    return day > school_calendar_ends()


@dataclass(frozen=True)
class Proposal:
    """A date that suits, and the dates before it that do not, each with what speaks against it."""

    start: datetime
    passed_over: tuple[tuple[datetime, tuple[Objection, ...]], ...] = ()


def proposals(point: ContactPoint, series: Series, first: datetime, count: int) -> list[Proposal]:
    """The next dates of a rule that suit, from a local moment on; fewer where there are not so many."""
    found: list[Proposal] = []
    passed: list[tuple[datetime, tuple[Objection, ...]]] = []
    for each in series.between(first.date(), (first + LOOKED_AT).date()):
        if each < first:
            continue
        against = objections(point, each)
        if against:
            passed.append((each, against))
            continue
        found.append(Proposal(each, tuple(passed)))
        passed = []
        if len(found) == count:
            break
    return found


def near(point: ContactPoint, start: datetime, count: int = 3) -> list[datetime]:
    """Dates close to one that does not suit, at the same time: the same week first, then the weekday after."""
    days: Sequence[int] = (1, -1, 2, -2, 7, -7, 3, -3, 14)
    found = (start + timedelta(days=n) for n in days)
    return [each for each in found if each.weekday() < 5 and not objections(point, each)][:count]


def clashes(
    point: ContactPoint, series: Series, first: date, last: date
) -> list[tuple[datetime, tuple[Objection, ...]]]:
    """Dates of a series in these days that do not suit, with what speaks against each."""
    return [(each, against) for each in series.between(first, last) if (against := objections(point, each))]
