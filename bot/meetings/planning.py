"""Planning meetings: new ones, their dates, and what changes (R-60, J-5 step 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update

from bot.i18n import ZONE
from bot.meetings import members
from bot.meetings.days import Avoid, suits
from bot.meetings.meeting import Answer, DateState, Plan, Why, write_steps
from bot.meetings.rows import BUSY, dates_of, is_planned, local_of_date, meeting_if_free, series_of, steps_of
from bot.meetings.rule import Series, local_of, utc_of
from bot.meetings.steps import moment_of
from bot.work import Work
from bot.working_time import after_quiet_hours
from storage import outbox
from storage.accounts import UserAccount
from storage.meetings import Attendance, Meeting, MeetingDate

LOOK: Final = "meeting_look"
"""The moment at which new dates and members of a meeting are looked for; its subject is the meeting."""
TELL: Final = "meeting_tell"
"""The moment at which members are told what they do not know; its subject is the meeting."""
REMIND: Final = "meeting_remind"
"""The moment at which somebody is to be reminded of a date, or it begins; its subject is the date."""
AGENDA: Final = "meeting_agenda"
"""The moment after which no more topics can be placed; its subject is the date."""
PULSE: Final = "meeting_pulse"
"""The moment at which members are asked about the mood; its subject is the date."""
AFTER: Final = "meeting_after"
"""The moment at which the moderator is asked what has come of a date; its subject is the date."""
OF_DATES: Final = (REMIND, AGENDA, PULSE, AFTER)

AHEAD: Final = timedelta(days=200)
"""So far ahead dates have rows."""
FEWEST: Final = 3
"""So many dates have rows, however far away they are."""
FURTHEST: Final = timedelta(days=3 * 366)
LOOK_AT: Final = time(4, 30)
"""When a meeting is looked at every day."""
AFTER_END: Final = timedelta(minutes=30)


def plan(work: Work, wished: Plan) -> Meeting:
    """Enters a meeting; its members are told in a turn of its own."""
    series = wished.series.begun()
    meeting = Meeting(
        kind=wished.kind,
        municipality=wished.municipality,
        details=wished.details(),
        rule=series.rule,
        zone=series.zone,
        starts=series.starts.isoformat(),
        minutes=series.minutes,
        left_out=_written(series.left_out),
        avoid=wished.avoid,
        roles=" ".join(sorted(wished.roles)),
        public=wished.public,
        seats=wished.seats,
        steps=write_steps(wished.steps),
        topics_until=wished.topics_until,
        moderator_id=wished.moderator,
        deputy_id=wished.deputy,
        sequence=0,
        changed_sequence=0,
        created_at=work.now,
        changed_at=work.now,
    )
    work.session.add(meeting)
    work.session.flush()
    for chat in work.session.scalars(
        select(UserAccount.conversation_id).where(UserAccount.id.in_(sorted(wished.people)))
    ):
        members.add(work, meeting, chat, Why.NAMED)
    lay_out(work, meeting)
    look_soon(work, meeting)
    return meeting


def _written(moments: frozenset[datetime]) -> str:
    return " ".join(each.isoformat() for each in sorted(moments))


def look_soon(work: Work, meeting: Meeting) -> None:
    """Has members told what is new, as soon as this transaction is over."""
    work.remind(LOOK, meeting.id, work.now)


def look_after(work: Work, meeting_id: int) -> None:
    """Lays out the next dates, brings the members up to date, and comes again tomorrow."""
    meeting = meeting_if_free(work, meeting_id)
    if meeting is None:
        if work.session.get(Meeting, meeting_id) is not None:
            work.remind(LOOK, meeting_id, work.now + BUSY)
        return
    if meeting.ended_at is None:
        lay_out(work, meeting)
    found = members.bring_up_to_date(work, meeting)
    if found.behind:
        work.remind(TELL, meeting.id, work.now)
    if meeting.ended_at is None:
        tomorrow = datetime.combine(work.today + timedelta(days=1), LOOK_AT, ZONE)
        work.remind(LOOK, meeting.id, tomorrow.astimezone(UTC) if found.whole else work.now + BUSY)


def lay_out(work: Work, meeting: Meeting) -> None:
    """Gives the coming dates rows, and derives their moments again: a rule, or the clock itself, may have changed."""
    series = series_of(meeting)
    known = {each.original: each for each in dates_of(work, meeting)}
    for date in known.values():
        at = utc_of(local_of_date(date), meeting.zone)
        if date.starts_at > work.now and at != date.starts_at:
            date.starts_at = at
            set_moments(work, meeting, date)
    for local in upcoming(work, series, Avoid(meeting.avoid)):
        if local.isoformat() not in known:
            _new_date(work, meeting, local)
    meeting.laid_out_until = work.today + AHEAD
    work.session.flush()


def _new_date(work: Work, meeting: Meeting, local: datetime) -> MeetingDate:
    date = MeetingDate(
        meeting_id=meeting.id,
        original=local.isoformat(),
        local=local.isoformat(),
        minutes=meeting.minutes,
        starts_at=utc_of(local, meeting.zone),
        state=DateState.PLANNED,
        sequence=0,
        dropped=0,
        minutes_version=0,
    )
    work.session.add(date)
    work.session.flush()
    set_moments(work, meeting, date)
    return date


def upcoming(work: Work, series: Series, avoid: Avoid) -> list[datetime]:
    """The local starts that get rows: of the next months, and at least a few."""
    now = local_of(work.now, series.zone)
    found: list[datetime] = []
    for each in series.between(now.date(), (now + FURTHEST).date()):
        if each - now > AHEAD and len(found) >= FEWEST:
            break
        if each > now and suits(work.contact_point, each, avoid):
            found.append(each)
    return found


def set_moments(work: Work, meeting: Meeting, date: MeetingDate) -> None:
    """Sets all moments at which something is to be done for a date."""
    if not is_planned(date) or meeting.ended_at is not None:
        work.forget_reminder(date.id, *OF_DATES)
        return
    local = local_of_date(date)
    first = min(
        (
            at
            for days in steps_of(meeting)
            if (at := moment_of(work.contact_point, local, meeting.zone, days)) > work.now
        ),
        default=date.starts_at,
    )
    work.remind(REMIND, date.id, first)
    cut_off = cut_off_of(work, meeting, date)
    if date.agenda_sent_at is None and date.starts_at > work.now:
        work.remind(AGENDA, date.id, max(cut_off, work.now))
    pulse = moment_of(work.contact_point, local, meeting.zone, work.contact_point.round_tables.pulse_days)
    if date.pulse_asked_at is None and pulse > work.now:
        work.remind(PULSE, date.id, pulse)
    work.remind(AFTER, date.id, after_quiet_hours(work.contact_point, end_of(date) + AFTER_END))


def cut_off_of(work: Work, meeting: Meeting, date: MeetingDate) -> datetime:
    """Until when topics can be placed."""
    return moment_of(work.contact_point, local_of_date(date), meeting.zone, meeting.topics_until)


def end_of(date: MeetingDate) -> datetime:
    """When a date is over."""
    return date.starts_at + timedelta(minutes=date.minutes)


def _changed(work: Work, meeting: Meeting) -> None:
    meeting.sequence += 1
    meeting.changed_at = work.now
    work.session.flush()
    look_soon(work, meeting)


def move(work: Work, meeting: Meeting, date: MeetingDate, local: datetime, why: str = "") -> None:
    """Moves one date: answers no longer count, and whoever was told the old one is told the new one."""
    remember_told(work, date)
    date.local, date.starts_at = local.isoformat(), utc_of(local, meeting.zone)
    date.details = {**(date.details or {}), "why": why}
    _date_changed(work, meeting, date)
    work.session.execute(
        update(Attendance)
        .where(Attendance.date_id == date.id)
        .values(answer=Answer.NONE, answered_at=None)
        .execution_options(synchronize_session=False)
    )
    work.session.expire_all()
    set_moments(work, meeting, date)


def cancel(work: Work, meeting: Meeting, date: MeetingDate, why: str = "") -> None:
    """Cancels one date."""
    remember_told(work, date)
    date.state = DateState.CANCELLED
    date.details = {**(date.details or {}), "why": why}
    _date_changed(work, meeting, date)
    set_moments(work, meeting, date)


def remember_told(work: Work, date: MeetingDate) -> None:
    """Keeps which start those were told whom nobody has told another one meanwhile."""
    work.session.execute(
        update(Attendance)
        .where(Attendance.date_id == date.id, Attendance.told_start.is_(None))
        .values(told_start=date.local)
        .execution_options(synchronize_session=False)
    )


def _date_changed(work: Work, meeting: Meeting, date: MeetingDate) -> None:
    _changed(work, meeting)
    date.sequence = meeting.sequence
    forget_reminders(work, date)
    work.session.flush()


def forget_reminders(work: Work, date: MeetingDate) -> None:
    """Takes back reminders that wait: they would say what is not true any more. The change itself is told."""
    outbox.take_back(work.session, f"date:{date.id}", work.now)
    work.session.execute(
        update(Attendance)
        .where(Attendance.date_id == date.id)
        .values(remind_at=work.now if is_planned(date) else None, snoozed=False, reminded_at=work.now)
        .execution_options(synchronize_session=False)
    )


def edit(work: Work, meeting: Meeting, change: Callable[[Meeting], Any]) -> None:
    """Changes the series; its members are told how it is now."""
    change(meeting)
    _changed(work, meeting)
    meeting.changed_sequence = meeting.sequence
    series = series_of(meeting)
    kept = {each.isoformat() for each in upcoming(work, series, Avoid(meeting.avoid))}
    for date in dates_of(work, meeting, since=work.now):
        if date.original not in kept and date.sequence == 0:
            outbox.take_back(work.session, f"date:{date.id}", work.now)
            work.forget_reminder(date.id, *OF_DATES)
            work.session.execute(delete(MeetingDate).where(MeetingDate.id == date.id))
        elif is_planned(date):
            taken = outbox.take_back(work.session, f"date:{date.id}", work.now)
            _again(work, date, taken)
            if date.sequence == 0:
                date.minutes = meeting.minutes
            set_moments(work, meeting, date)
            work.remind(REMIND, date.id, work.now)
    work.session.expire_all()
    lay_out(work, meeting)


def _again(work: Work, date: MeetingDate, chats: list[int]) -> None:
    """Has reminders made anew that were taken back before they were sent."""
    if chats:
        work.session.execute(
            update(Attendance)
            .where(Attendance.date_id == date.id, Attendance.conversation_id.in_(chats))
            .values(remind_at=work.now, snoozed=True)
            .execution_options(synchronize_session=False)
        )


def retell(work: Work, conversation: int) -> None:
    """Has what waits for a chat made anew, because it reads another language now."""
    for about in outbox.waiting_about(work.session, conversation):
        kind, _colon, key = about.partition(":")
        outbox.take_back(work.session, about, work.now, conversation)
        if kind == "date":
            date = work.session.get(MeetingDate, int(key))
            if date is not None:
                _again(work, date, [conversation])
                work.remind(REMIND, date.id, work.now)
        elif kind == "meeting":
            member = members.member_of(work, int(key), conversation)
            if member is not None:
                member.told_sequence = None
                work.remind(TELL, int(key), work.now)


def end(work: Work, meeting: Meeting) -> None:
    """Ends a meeting: what was planned is cancelled, and its members are told."""
    meeting.ended_at = work.now
    for date in dates_of(work, meeting, since=work.now):
        work.forget_reminder(date.id, *OF_DATES)
        outbox.take_back(work.session, f"date:{date.id}", work.now)
    _changed(work, meeting)
    meeting.changed_sequence = meeting.sequence


def renew_members(work: Work) -> None:
    """Has all meetings look for new members, because somebody has got a role or lost one."""
    for meeting_id in work.session.scalars(select(Meeting.id).where(Meeting.ended_at.is_(None))):
        work.remind(LOOK, meeting_id, work.now)
