"""Meetings as one person sees them: the dates to come, and the topics of one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import or_, select, true

from bot.engine.scope import OwnDate, OwnTopic
from bot.i18n import Text, _
from bot.meetings.answers import counts
from bot.meetings.meeting import Answer, DateState, TopicState, read_steps
from bot.meetings.members import is_member
from bot.meetings.minutes import decisions, has_names, in_words
from bot.meetings.planning import cut_off_of
from bot.meetings.rows import details_of, number_of, title_of
from bot.meetings.topics import leads
from bot.meetings.words import where
from bot.taxonomy import PLANNERS
from bot.work import Work
from storage import accounts
from storage.meetings import AgendaTopic, Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

PER_MEETING: Final = 3
"""How many dates of a meeting are offered to a person."""


def own_dates(work: Work, chat: Conversation) -> tuple[OwnDate, ...]:
    """The coming dates that the person is invited to, leads, or may come to."""
    account = accounts.of_chat(work.session, chat)
    roles = {grant.role for grant in account.grants} if account is not None else set()
    plans = not roles.isdisjoint(PLANNERS)
    visible = or_(MeetingMember.id.is_not(None), Meeting.public.is_(True))
    if account is not None:
        visible = or_(visible, Meeting.moderator_id == account.id, Meeting.deputy_id == account.id)
    rows = work.session.execute(
        select(Meeting, MeetingDate, MeetingMember, Attendance)
        .join(MeetingDate, MeetingDate.meeting_id == Meeting.id)
        .outerjoin(MeetingMember, (MeetingMember.meeting_id == Meeting.id) & (MeetingMember.conversation_id == chat.id))
        .outerjoin(Attendance, (Attendance.date_id == MeetingDate.id) & (Attendance.conversation_id == chat.id))
        .where(
            Meeting.ended_at.is_(None),
            MeetingDate.starts_at > work.now,
            MeetingDate.state == DateState.PLANNED,
            true() if plans else visible,
        )
        .order_by(MeetingDate.starts_at, MeetingDate.id)
    )
    shown: dict[int, int] = {}
    found = []
    for meeting, date, member, row in rows:
        invited = is_member(member, date)
        leading = plans or (account is not None and account.id in (meeting.moderator_id, meeting.deputy_id))
        if not (invited or leading or (meeting.public and not (member is not None and member.excluded))):
            continue
        shown[meeting.id] = shown.get(meeting.id, 0) + 1
        if shown[meeting.id] > PER_MEETING:
            continue
        found.append(_own(work, meeting, date, member if invited else None, row, leads=leading))
    return tuple(found)


def has_dates(work: Work, chat: Conversation) -> bool:
    """Whether there is a meeting that the person may see."""
    if work.session.scalars(select(Meeting.id).where(Meeting.ended_at.is_(None)).limit(1)).first() is None:
        return False
    return bool(own_dates(work, chat))


def _own(
    work: Work,
    meeting: Meeting,
    date: MeetingDate,
    member: MeetingMember | None,
    row: Attendance | None,
    *,
    leads: bool,
) -> OwnDate:
    cut_off = cut_off_of(work, meeting, date)
    takes_topics = date.agenda_sent_at is None and cut_off > work.now
    return OwnDate(
        id=date.id,
        meeting=meeting.id,
        number=number_of(meeting),
        title=title_of(work.contact_point, meeting),
        starts_at=date.starts_at,
        where=where(details_of(meeting)),
        answer=Answer(row.answer) if row is not None else Answer.NONE,
        invited=member is not None,
        leads=leads,
        coming=counts(work, meeting, date),
        topics_until=cut_off if takes_topics else None,
        steps=read_steps(member.steps) if member is not None and member.steps is not None else None,
        usual_steps=read_steps(meeting.steps),
        stopped=member is not None and member.stopped_at is not None,
        recurs=bool(meeting.rule),
    )


def minutes_of(work: Work, chat: Conversation, date_id: int) -> tuple[Text, bool]:
    """The minutes of a date for whoever leads it, and whether names may be in them."""
    date = work.session.get(MeetingDate, date_id)
    meeting = work.session.get(Meeting, date.meeting_id) if date is not None else None
    if date is None or meeting is None or not leads(work, meeting, chat) or not decisions(work, date):
        return _("Nothing is written down yet."), False
    return in_words(work, meeting, date, date.minutes_version + 1), has_names(work, date)


def topics_of(work: Work, chat: Conversation, date_id: int) -> tuple[OwnTopic, ...]:
    """The topics of a date in their order: for who leads it all, for others their own and the agenda."""
    date = work.session.get(MeetingDate, date_id)
    meeting = work.session.get(Meeting, date.meeting_id) if date is not None else None
    sees_all = meeting is not None and leads(work, meeting, chat)
    rows = work.session.scalars(
        select(AgendaTopic).where(AgendaTopic.date_id == date_id).order_by(AgendaTopic.position, AgendaTopic.id)
    )
    return tuple(
        OwnTopic(
            id=each.id,
            text=each.text,
            state=TopicState(each.state),
            own=each.conversation_id == chat.id,
            reason=each.reason or "",
        )
        for each in rows
        if sees_all or each.conversation_id == chat.id or each.state == TopicState.ON_AGENDA
    )
