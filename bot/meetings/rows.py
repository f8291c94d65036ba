"""Meetings as rows, and as everything else sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, lines, render, verbatim
from bot.meetings.calendar import CalendarEntry, Override
from bot.meetings.days import Avoid, suits
from bot.meetings.meeting import DateState, Details, read_steps
from bot.meetings.rule import Series, utc_of
from bot.meetings.words import kinds_of, place_of
from bot.work import Work
from storage.meetings import Meeting, MeetingDate
from storage.models import Conversation

AVOIDED_FOR: Final = timedelta(days=3 * 366)
"""So far ahead a calendar file knows the dates that a series leaves out by itself."""


def number_of(meeting: Meeting) -> str:
    """As people write it."""
    return f"T{meeting.id}"


def read_number(text: str) -> int | None:
    """What people write for a meeting; None for anything else."""
    digits = text[1:] if text[:1] in "tT" else ""
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


def series_of(meeting: Meeting) -> Series:
    """When it takes place by its rule."""
    return Series(
        starts=datetime.fromisoformat(meeting.starts),
        zone=meeting.zone,
        minutes=meeting.minutes,
        rule=meeting.rule,
        left_out=frozenset(map(datetime.fromisoformat, meeting.left_out.split())),
    )


def details_of(meeting: Meeting) -> Details:
    """What was written of it."""
    return Details.from_json(meeting.details)


def title_of(point: ContactPoint, meeting: Meeting) -> Text:
    """What it is called."""
    title = details_of(meeting).title
    if title:
        return verbatim(title)
    kind = kinds_of(point).get(meeting.kind, verbatim(meeting.kind))
    return _("{kind} {place}", kind=kind, place=place_of(point, meeting.municipality))


def local_of_date(date: MeetingDate) -> datetime:
    """Its start by the clock of the wall."""
    return datetime.fromisoformat(date.local)


def original_of(date: MeetingDate) -> datetime:
    """The start that the rule has for it."""
    return datetime.fromisoformat(date.original)


def original_moment(meeting: Meeting, date: MeetingDate) -> datetime:
    """The same as a moment."""
    return utc_of(original_of(date), meeting.zone)


def is_planned(date: MeetingDate) -> bool:
    """Whether it takes place."""
    return date.state == DateState.PLANNED


def steps_of(meeting: Meeting) -> tuple[int, ...]:
    """So many days before it is reminded of."""
    return read_steps(meeting.steps)


def dates_of(work: Work, meeting: Meeting, *, since: datetime | None = None) -> list[MeetingDate]:
    """Its dates that have rows, by their start; those that begin after `since`."""
    found = select(MeetingDate).where(MeetingDate.meeting_id == meeting.id)
    if since is not None:
        found = found.where(MeetingDate.starts_at > since)
    return sorted(work.session.scalars(found), key=lambda each: each.starts_at)


def next_dates(work: Work, meeting: Meeting, count: int = 1) -> list[MeetingDate]:
    """The next that take place."""
    planned = [each for each in dates_of(work, meeting, since=work.now) if is_planned(each)]
    return planned[:count] if meeting.ended_at is None else []


def last_held(work: Work, meeting: Meeting) -> MeetingDate | None:
    """The last that has taken place."""
    held = [each for each in dates_of(work, meeting) if is_planned(each) and each.starts_at <= work.now]
    return held[-1] if held else None


def entry_of(work: Work, meeting: Meeting, dates: Iterable[MeetingDate], language: str) -> CalendarEntry:
    """The meeting for a calendar, in the language of whoever gets it."""
    details = details_of(meeting)
    dates = list(dates)
    about = lines(
        kinds_of(work.contact_point).get(meeting.kind),
        verbatim(work.contact_point.name),
        verbatim(details.note) if details.note else None,
        _("Online: {link}", link=details.link) if details.link else None,
    )
    return CalendarEntry(
        uid=f"meeting-{meeting.id}@{work.contact_point.id}.anlaufstelle",
        sequence=meeting.sequence,
        changed_at=meeting.changed_at,
        series=_as_it_is(work, meeting, dates),
        summary=render(title_of(work.contact_point, meeting), language),
        place=details.place,
        link=details.link,
        description=render(about, language),
        overrides=tuple(
            Override(original_of(each), local_of_date(each), each.minutes, cancelled=not is_planned(each))
            for each in dates
            if not is_planned(each) or each.local != each.original or each.minutes != meeting.minutes
        ),
        ended=meeting.ended_at is not None,
    )


def _as_it_is(work: Work, meeting: Meeting, dates: Sequence[MeetingDate]) -> Series:
    """The series with all the dates left out that it avoids by itself, as far as anybody plans."""
    series, avoid = series_of(meeting), Avoid(meeting.avoid)
    if not series.rule or avoid is Avoid.NONE:
        return series
    planned = {original_of(each) for each in dates}
    first = series.starts.date()
    last = max(first, work.today) + AVOIDED_FOR
    avoided = {
        each
        for each in series.between(first, last)
        if each not in planned and not suits(work.contact_point, each, avoid)
    }
    return replace(series, left_out=series.left_out | avoided)


def chats(work: Work, ids: Sequence[int]) -> list[Conversation]:
    """Chats that no other transaction works on at the moment, in one order; the others are left for the next time.

    What writes to many chats never waits for one, so that nobody waits for it in turn.
    """
    found = (
        select(Conversation)
        .where(Conversation.id.in_(ids))
        .order_by(Conversation.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(work.session.scalars(found))


BUSY: Final = timedelta(seconds=2)
"""When what writes to many chats tries again, because somebody else works on the meeting or the chats."""


def if_free(work: Work, date_id: int) -> tuple[Meeting, MeetingDate] | None:
    """A date with its meeting, for whoever writes to many chats; None while another transaction has one of them."""
    date = work.session.scalars(
        select(MeetingDate)
        .where(MeetingDate.id == date_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    meeting = meeting_if_free(work, date.meeting_id) if date is not None else None
    return (meeting, date) if meeting is not None and date is not None else None


def meeting_if_free(work: Work, meeting_id: int) -> Meeting | None:
    """A meeting that nobody changes meanwhile; None while another transaction does."""
    return work.session.scalars(
        select(Meeting)
        .where(Meeting.id == meeting_id)
        .with_for_update(read=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def locked(work: Work, date_id: int) -> tuple[Meeting, MeetingDate] | None:
    """A date with its meeting, for a turn that answers to it or changes it."""
    date = work.session.scalars(
        select(MeetingDate).where(MeetingDate.id == date_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    return (work.session.get_one(Meeting, date.meeting_id), date) if date is not None else None


def locked_meeting(work: Work, meeting_id: int) -> Meeting | None:
    """A meeting, for a turn that changes it."""
    return work.session.scalars(
        select(Meeting).where(Meeting.id == meeting_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
