"""Meetings as calendar files and feeds (RFC 5545, RFC 5546): stable UIDs, SEQUENCE, VTIMEZONE, alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, vRecur

from bot.meetings.rule import Series, until_of, utc_of, without_until

TYPE: Final = "text/calendar"

ALARMS: Final = (timedelta(days=-1), timedelta(hours=-1))
"""When a calendar programme reminds, before the start; what the person is told here comes on top."""

_PRODUCT: Final = "-//Anlaufstelle//Meetings//DE"


@dataclass(frozen=True)
class Override:
    """A date of a series that differs from its rule."""

    original: datetime
    """The local start that the rule has."""
    local: datetime
    minutes: int
    cancelled: bool = False


@dataclass(frozen=True)
class CalendarEntry:
    """A meeting as a calendar has it."""

    uid: str
    sequence: int
    changed_at: datetime
    series: Series
    summary: str = field(repr=False)
    place: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    overrides: tuple[Override, ...] = ()
    ended: bool = False
    """The whole of it is cancelled."""


def published(entries: Sequence[CalendarEntry], name: str = "") -> bytes:
    """Meetings to be entered: those that were cancelled are left out of their series."""
    calendar = _calendar("PUBLISH", name)
    zones = set()
    for each in entries:
        zones.add(each.series.zone)
        moved = [override for override in each.overrides if not override.cancelled]
        if each.series.rule or not moved:
            calendar.add_component(_master(each))
        for override in moved:
            calendar.add_component(_instance(each, override))
    return _written(calendar, zones)


def cancelled(entry: CalendarEntry, originals: Sequence[datetime] = ()) -> bytes:
    """What takes dates out of a calendar: those of the rule that are named, or all of it."""
    calendar = _calendar("CANCEL")
    if not originals:
        event = _master(entry)
        event["STATUS"] = "CANCELLED"
        calendar.add_component(event)
    for each in originals:
        event = _instance(entry, Override(each, each, entry.series.minutes))
        event["STATUS"] = "CANCELLED"
        calendar.add_component(event)
    return _written(calendar, {entry.series.zone})


def _calendar(method: str, name: str = "") -> Calendar:
    calendar = Calendar()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", method)
    if name:
        calendar.add("NAME", name)
        calendar.add("X-WR-CALNAME", name)
        calendar.add("REFRESH-INTERVAL", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    return calendar


def _event(entry: CalendarEntry, local: datetime, minutes: int) -> Event:
    zone = ZoneInfo(entry.series.zone)
    event = Event()
    event.add("UID", entry.uid)
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTAMP", entry.changed_at.astimezone(UTC))
    event.add("LAST-MODIFIED", entry.changed_at.astimezone(UTC))
    event.add("DTSTART", local.replace(tzinfo=zone))
    event.add("DURATION", timedelta(minutes=minutes))
    event.add("SUMMARY", entry.summary)
    event.add("STATUS", "CONFIRMED")
    event.add("TRANSP", "OPAQUE")
    if entry.place:
        event.add("LOCATION", entry.place)
    if entry.link:
        event.add("URL", entry.link)
    if entry.description:
        event.add("DESCRIPTION", entry.description)
    for before in ALARMS:
        alarm = Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", entry.summary)
        alarm.add("TRIGGER", before)
        event.add_component(alarm)
    return event


def _master(entry: CalendarEntry) -> Event:
    series = entry.series
    event = _event(entry, series.starts, series.minutes)
    if entry.ended:
        event["STATUS"] = "CANCELLED"
    if series.rule:
        event.add("RRULE", _recur(series))
    zone = ZoneInfo(series.zone)
    out = series.left_out | {each.original for each in entry.overrides if each.cancelled}
    if series.rule and out:
        event.add("EXDATE", [each.replace(tzinfo=zone) for each in sorted(out)])
    elif out:
        event["STATUS"] = "CANCELLED"
    return event


def _instance(entry: CalendarEntry, override: Override) -> Event:
    event = _event(entry, override.local, override.minutes)
    if entry.series.rule:
        event.add("RECURRENCE-ID", override.original.replace(tzinfo=ZoneInfo(entry.series.zone)))
    return event


def _recur(series: Series) -> vRecur:
    recur: vRecur = vRecur.from_ical(without_until(series.rule))
    until = until_of(series.rule, series.zone)
    if until is not None:
        # With a zone at DTSTART it has to be in UTC (RFC 5545, 3.3.10).
        recur["UNTIL"] = [utc_of(until, series.zone)]
    return recur


def _written(calendar: Calendar, zones: set[str]) -> bytes:
    # Programmes that read line by line want them first.
    calendar.subcomponents[:0] = [_zone(each) for each in sorted(zones)]
    written: bytes = calendar.to_ical()
    return written


@lru_cache(maxsize=8)
def _zone(name: str) -> Timezone:
    return Timezone.from_tzid(name, first_date=date(2025, 1, 1), last_date=date(2037, 1, 1))
