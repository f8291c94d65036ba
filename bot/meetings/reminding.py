"""Reminders of dates: made when they are due, of what is true then, once, and not when it is too late (R-60, F-24).

What one process has claimed another leaves alone, and what writes to many chats waits for none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, Final

from sqlalchemy import func, or_, select, update

from bot.commands import Button
from bot.i18n import Text, _, lines, ngettext, paragraphs, render
from bot.meetings.meeting import COMES_NOT, Answer, Why, read_steps
from bot.meetings.members import roles_behind
from bot.meetings.planning import REMIND
from bot.meetings.rows import BUSY, chats, details_of, if_free, is_planned, local_of_date, steps_of, title_of
from bot.meetings.steps import LATE_AFTER, came_due, following
from bot.meetings.telling import HOW_TO_STOP, STEP, answers, held_roles, send
from bot.meetings.words import where, why_told
from bot.work import Work
from bot.working_time import after_quiet_hours
from storage import outbox
from storage.meetings import Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

SNOOZED_FOR: Final = timedelta(days=1)
"""When somebody who asks for it is reminded again; closer to the start, an hour before it."""


def remind(work: Work, date_id: int) -> None:
    """Reminds the next of those who are to be reminded now; comes again at the next moment."""
    found = if_free(work, date_id)
    if found is None:
        if work.session.get(MeetingDate, date_id) is not None:
            work.remind(REMIND, date_id, work.now + BUSY)
        return
    meeting, date = found
    if not is_planned(date) or meeting.ended_at is not None:
        return
    if date.starts_at <= work.now:
        _begun(work, meeting, date)
        return
    quiet = after_quiet_hours(work.contact_point, work.now)
    if quiet > work.now:
        work.remind(REMIND, date_id, min(quiet, date.starts_at))
        return
    members = _next(work, meeting, date)
    if not members:
        _tell_dropped(work, meeting, date)
        work.remind(REMIND, date_id, _next_moment(work, meeting, date))
        return
    by_chat = {each.id: each for each in chats(work, [each.conversation_id for each in members])}
    known = {
        each.conversation_id: each
        for each in work.session.scalars(
            select(Attendance)
            .where(Attendance.date_id == date.id, Attendance.conversation_id.in_(list(by_chat)))
            .execution_options(populate_existing=True)
        )
    }
    reminder = Reminder(work, meeting, date, held_roles(work, list(by_chat)))
    for member in members:
        chat = by_chat.get(member.conversation_id)
        if chat is not None:
            reminder.look_at(member, known.get(chat.id), chat)
    work.remind(REMIND, date_id, work.now if by_chat else work.now + BUSY)


def _next(work: Work, meeting: Meeting, date: MeetingDate) -> list[MeetingMember]:
    """Members whom nobody has looked at yet for this date, and those whose moment has come."""
    return list(
        work.session.scalars(
            select(MeetingMember)
            .outerjoin(
                Attendance,
                (Attendance.conversation_id == MeetingMember.conversation_id) & (Attendance.date_id == date.id),
            )
            .where(
                _invited(meeting, date),
                or_(Attendance.id.is_(None), Attendance.remind_at <= work.now),
            )
            .order_by(MeetingMember.id)
            .limit(STEP)
            .execution_options(populate_existing=True)
        )
    )


def _invited(meeting: Meeting, date: MeetingDate) -> Any:
    return (
        (MeetingMember.meeting_id == meeting.id)
        & MeetingMember.left_at.is_(None)
        & MeetingMember.excluded.is_(False)
        & MeetingMember.invited_at.is_not(None)
        & (MeetingMember.only_date_id.is_(None) | (MeetingMember.only_date_id == date.id))
    )


def _next_moment(work: Work, meeting: Meeting, date: MeetingDate) -> datetime:
    """When somebody is to be reminded next, by their own steps or those of the series, or when it begins."""
    # Moments that have come are those of people who are to be invited first.
    ahead = (Attendance.date_id == date.id) & (Attendance.remind_at > work.now)
    own = work.session.scalar(select(func.min(Attendance.remind_at)).where(ahead))
    usual = following(work.contact_point, local_of_date(date), meeting.zone, steps_of(meeting), work.now)
    return min(each for each in (own, usual, date.starts_at) if each is not None)


@dataclass
class Reminder:
    """One date, as its members are reminded of it now."""

    work: Work
    meeting: Meeting
    date: MeetingDate
    held: dict[int, list[str]]

    def __post_init__(self) -> None:
        self._texts: dict[tuple[object, ...], str] = {}
        # Many have the same steps, and heard of it at the same moment.
        self._due = cache(self._reckon_due)
        self._following = cache(self._reckon_following)
        self._roles = frozenset(self.meeting.roles.split())

    @cached_property
    def _local(self) -> datetime:
        return local_of_date(self.date)

    def look_at(self, member: MeetingMember, row: Attendance | None, chat: Conversation) -> None:
        """Reminds one member if that is due, and sets their next moment."""
        work = self.work
        if row is None:
            row = Attendance(
                date_id=self.date.id,
                conversation_id=chat.id,
                answer=Answer.NONE,
                reminded_at=member.invited_at,
                snoozed=False,
            )
            work.session.add(row)
        steps = member.steps if member.steps is not None else self.meeting.steps
        due = self._due(steps, row.reminded_at or member.invited_at or work.now)
        wants = member.stopped_at is None and row.answer not in COMES_NOT
        if wants and (due or row.snoozed):
            late = bool(due) and not row.snoozed and work.now - due[-1] > LATE_AFTER
            self.date.dropped += max(len(due) - 1, 0)
            self._tell(member, row, chat, late=late)
        if due or row.snoozed:
            row.reminded_at = work.now
        row.snoozed = False
        row.remind_at = self._following(steps) if member.stopped_at is None else None

    def _reckon_due(self, steps: str, since: datetime) -> list[datetime]:
        point, now = self.work.contact_point, self.work.now
        return came_due(point, self._local, self.meeting.zone, read_steps(steps), since, now)

    def _reckon_following(self, steps: str) -> datetime | None:
        point, now = self.work.contact_point, self.work.now
        return following(point, self._local, self.meeting.zone, read_steps(steps), now)

    def _tell(self, member: MeetingMember, row: Attendance, chat: Conversation, *, late: bool) -> None:
        row.told_start = self.date.local
        language = self.work.language_of(chat)
        held = self.held.get(chat.id, ())
        key = (language, late, row.answer, member.why, self._roles.intersection(held))
        if key not in self._texts:
            roles = roles_behind(self.meeting, held)
            self._texts[key] = render(self._text(row, Why(member.why), roles, late=late), language)
        buttons = (*_fitting(self.date, Answer(row.answer)), Button(f"/snooze {self.date.id}", _("Remind me again")))
        send(
            self.work,
            chat,
            self._texts[key],
            (*buttons, Button(f"/mute {self.meeting.id}", _("No more reminders"))),
            about=f"date:{self.date.id}",
            not_after=self.date.starts_at,
        )

    def _text(self, row: Attendance, why: Why, roles: Sequence[Text | str], *, late: bool) -> Text:
        answer = {
            Answer.YES: _("You have said that you come."),
            Answer.WAITING: _("All places are taken. You are on the waiting list."),
        }.get(Answer(row.answer), _("Can you come?"))
        return paragraphs(
            _("This reminder comes late, because the program was not running. We are sorry.") if late else None,
            lines(
                _("Reminder: {title}", title=title_of(self.work.contact_point, self.meeting)),
                _("{when}", when=self.date.starts_at),
                where(details_of(self.meeting)),
            ),
            answer,
            lines(why_told(why, roles), HOW_TO_STOP),
        )


def _fitting(date: MeetingDate, answer: Answer) -> tuple[Button, ...]:
    coming, *others = answers(date)
    return tuple(others) if answer in (Answer.YES, Answer.WAITING) else (coming, *others)


def _begun(work: Work, meeting: Meeting, date: MeetingDate) -> None:
    """The date has begun: what was not sent is of no use any more, and the desk is told how much that is."""
    date.dropped += outbox.too_late(work.session, f"date:{date.id}", work.now)
    point, local = work.contact_point, local_of_date(date)
    rows = work.session.execute(
        select(Attendance.reminded_at, Attendance.answer, MeetingMember.steps, MeetingMember.invited_at)
        .select_from(MeetingMember)
        .outerjoin(
            Attendance, (Attendance.conversation_id == MeetingMember.conversation_id) & (Attendance.date_id == date.id)
        )
        .where(_invited(meeting, date), MeetingMember.stopped_at.is_(None))
    )
    # Many have the same steps and heard of it at the same moment.
    counted: dict[tuple[datetime, str], int] = {}
    for reminded, answer, own, invited in rows:
        if answer not in COMES_NOT:
            since, steps = reminded or invited or work.now, own if own is not None else meeting.steps
            if (since, steps) not in counted:
                counted[since, steps] = len(came_due(point, local, meeting.zone, read_steps(steps), since, work.now))
            date.dropped += counted[since, steps]
    work.session.execute(
        update(Attendance)
        .where(Attendance.date_id == date.id)
        .values(remind_at=None, snoozed=False)
        .execution_options(synchronize_session=False)
    )
    _tell_dropped(work, meeting, date)


def _tell_dropped(work: Work, meeting: Meeting, date: MeetingDate) -> None:
    if date.dropped:
        work.post(
            None,
            lines(
                ngettext(
                    "{n} reminder of “{title}” on {when} was not sent: it would have come too late.",
                    "{n} reminders of “{title}” on {when} were not sent: they would have come too late.",
                    date.dropped,
                    title=title_of(work.contact_point, meeting),
                    when=date.starts_at,
                ),
            ),
        )
        date.dropped = 0


def snooze_until(work: Work, date: MeetingDate) -> datetime:
    """When somebody who would like to be reminded again is."""
    again = work.now + SNOOZED_FOR
    if again >= date.starts_at - timedelta(hours=1):
        again = max(date.starts_at - timedelta(hours=1), work.now + timedelta(minutes=30))
    return after_quiet_hours(work.contact_point, again)
