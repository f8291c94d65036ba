"""What a meeting has decided: by topic, who by function, until which day; checked for names (R-67, F-23)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import or_, select

from bot.commands import Button
from bot.conversation import MENU
from bot.i18n import ZONE, Text, _, lines, paragraphs, render, verbatim
from bot.meetings.answers import GONE, attendance
from bot.meetings.meeting import TopicState
from bot.meetings.rows import BUSY, chats, if_free, locked, title_of
from bot.meetings.telling import STEP, say, send
from bot.meetings.topics import leading, leads
from bot.reading.third_parties import finds_any, redact
from bot.work import Work
from bot.working_time import after_quiet_hours
from storage.meetings import AgendaTopic, Attendance, Measure, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

MINUTES: Final = "meeting_minutes"
"""The moment at which minutes that were released are sent; its subject is the date."""
MEASURE: Final = "measure_due"
"""The moment at which it is asked whether a measure is done; its subject is the measure."""
AGAIN_AFTER: Final = timedelta(days=7)
"""When it is asked again."""
ASKED_AT: Final = time(9)


def keep(
    work: Work, chat: Conversation, date_id: int, topic_id: int | None, decision: str, owner: str, due: date | None
) -> None:
    """Writes down one decision; with a day or a function it is a measure."""
    found = locked(work, date_id)
    topic = work.session.get(AgendaTopic, topic_id) if topic_id is not None else None
    if found is None or not leads(work, found[0], chat) or (topic is not None and topic.date_id != date_id):
        say(work, chat, GONE, (MENU,))
        return
    measure = Measure(
        date_id=date_id,
        topic_id=topic.id if topic is not None else None,
        details={"decision": decision, "owner": owner},
        due_on=due,
        created_at=work.now,
    )
    work.session.add(measure)
    work.session.flush()
    if topic is not None:
        topic.done_at = work.now
    if due is not None:
        work.remind(MEASURE, measure.id, _asked_on(work, due))
    say(
        work,
        chat,
        _("Written down."),
        (
            Button(f"/minutes {date_id}", _("Next decision"), primary=True),
            Button(f"/release {date_id}", _("Check and send the minutes")),
            MENU,
        ),
    )


def _asked_on(work: Work, day: date) -> datetime:
    at = datetime.combine(day, ASKED_AT, ZONE).astimezone(UTC)
    return after_quiet_hours(work.contact_point, max(at, work.now))


def decisions(work: Work, date_row: MeetingDate) -> list[Measure]:
    """What was decided, in the order in which it was written down."""
    return list(work.session.scalars(select(Measure).where(Measure.date_id == date_row.id).order_by(Measure.id)))


def in_words(work: Work, meeting: Meeting, date_row: MeetingDate, version: int) -> Text:
    """The minutes as they are sent: functions, no names."""
    topics = {
        each.id: each.text
        for each in work.session.scalars(select(AgendaTopic).where(AgendaTopic.date_id == date_row.id))
    }
    title = title_of(work.contact_point, meeting)
    return paragraphs(
        _("Minutes of “{title}” on {when}", title=title, when=date_row.starts_at),
        _("Corrected, version {n}. Please delete the earlier one.", n=version) if version > 1 else None,
        *(_decision(n, each, topics) for n, each in enumerate(decisions(work, date_row), 1)),
    )


def _decision(n: int, measure: Measure, topics: dict[int, str]) -> Text:
    details: dict[str, Any] = measure.details or {}
    topic = topics.get(measure.topic_id) if measure.topic_id is not None else None
    return lines(
        _("{n}. {topic}", n=n, topic=verbatim(topic)) if topic else _("{n}. Without a topic", n=n),
        _("Decision: {decision}", decision=verbatim(str(details.get("decision") or ""))),
        _("Who: {owner}", owner=verbatim(str(details["owner"]))) if details.get("owner") else None,
        _("Until: {day}", day=measure.due_on) if measure.due_on else None,
    )


def has_names(work: Work, date_row: MeetingDate) -> bool:
    """Whether somebody may be named in what would be sent (F-23)."""
    return any(finds_any(each) for each in _written(work, date_row))


def _written(work: Work, date_row: MeetingDate) -> list[str]:
    found = [str(each) for row in decisions(work, date_row) for each in (row.details or {}).values() if each]
    ids = [row.topic_id for row in decisions(work, date_row) if row.topic_id is not None]
    found += work.session.scalars(select(AgendaTopic.text).where(AgendaTopic.id.in_(ids))).all()
    return found


def release(work: Work, chat: Conversation, date_id: int, *, replace_names: bool) -> None:
    """Sends the minutes to the members; once more: as a corrected version that recalls the earlier one."""
    found = locked(work, date_id)
    if found is None or not leads(work, found[0], chat):
        say(work, chat, GONE, (MENU,))
        return
    _meeting, date_row = found
    rows = decisions(work, date_row)
    if not rows:
        say(
            work, chat, _("Nothing is written down yet."), (Button(f"/minutes {date_id}", _("Write the minutes")), MENU)
        )
        return
    if replace_names:
        for row in rows:
            row.details = {key: redact(str(each)) if each else each for key, each in (row.details or {}).items()}
        for topic in work.session.scalars(select(AgendaTopic).where(AgendaTopic.date_id == date_id)):
            if finds_any(topic.text):
                topic.text = redact(topic.text)
    for topic in work.session.scalars(select(AgendaTopic).where(AgendaTopic.date_id == date_id)):
        if topic.done_at is not None and topic.state == TopicState.ON_AGENDA:
            topic.state = TopicState.ANSWERED
    date_row.minutes_version += 1
    date_row.minutes_sent_at = work.now
    work.remind(MINUTES, date_id, work.now)
    say(work, chat, _("Done. I send the minutes to all who are invited."), (MENU,))


def send_minutes(work: Work, date_id: int) -> None:
    """Sends the newest version to the next members who do not have it; comes again until all have."""
    found = if_free(work, date_id)
    if found is None:
        if work.session.get(MeetingDate, date_id) is not None:
            work.remind(MINUTES, date_id, work.now + BUSY)
        return
    meeting, date_row = found
    version = date_row.minutes_version
    rows = work.session.execute(
        select(MeetingMember, Attendance)
        .outerjoin(
            Attendance,
            (Attendance.conversation_id == MeetingMember.conversation_id) & (Attendance.date_id == date_row.id),
        )
        .where(
            MeetingMember.meeting_id == meeting.id,
            MeetingMember.left_at.is_(None),
            MeetingMember.excluded.is_(False),
            MeetingMember.invited_at.is_not(None),
            or_(MeetingMember.only_date_id.is_(None), MeetingMember.only_date_id == date_row.id),
            or_(Attendance.id.is_(None), Attendance.minutes_version < version),
        )
        .order_by(MeetingMember.id)
        .limit(STEP)
    ).all()
    if not rows:
        return
    by_chat = {each.id: each for each in chats(work, [member.conversation_id for member, _row in rows])}
    text = in_words(work, meeting, date_row, version)
    texts: dict[str, str] = {}
    for member, row in rows:
        chat = by_chat.get(member.conversation_id)
        if chat is None:
            continue
        (row or attendance(work, date_row, chat)).minutes_version = version
        language = work.language_of(chat)
        if language not in texts:
            texts[language] = render(text, language)
        send(work, chat, texts[language], (), about=f"minutes:{date_row.id}")
    work.remind(MINUTES, date_id, work.now if by_chat else work.now + BUSY)


def ask_whether_done(work: Work, measure_id: int) -> None:
    """Reminds the moderator of a measure, until it is done."""
    measure = work.session.get(Measure, measure_id)
    if measure is None or measure.done_at is not None:
        return
    date_row = work.session.get_one(MeetingDate, measure.date_id)
    meeting = work.session.get_one(Meeting, date_row.meeting_id)
    details: dict[str, Any] = measure.details or {}
    for chat in leading(work, meeting):
        say(
            work,
            chat,
            lines(
                _("A measure of “{title}” is due:", title=title_of(work.contact_point, meeting)),
                verbatim(str(details.get("decision") or "")),
                _("Who: {owner}", owner=verbatim(str(details["owner"]))) if details.get("owner") else None,
                _("Until: {day}", day=measure.due_on) if measure.due_on else None,
                _("Is it done? If not, I ask again in a week."),
            ),
            (Button(f"/measure {measure.id}", _("It is done")), MENU),
        )
    work.remind(MEASURE, measure.id, _asked_on(work, (work.now + AGAIN_AFTER).astimezone(ZONE).date()))


def finish(work: Work, chat: Conversation, measure_id: int) -> None:
    """A measure is done: nobody is asked about it any more."""
    measure = work.session.get(Measure, measure_id)
    found = locked(work, measure.date_id) if measure is not None else None
    if measure is None or found is None or not leads(work, found[0], chat):
        say(work, chat, GONE, (MENU,))
        return
    measure.done_at = work.now
    work.forget_reminder(measure.id, MEASURE)
    say(work, chat, _("Thank you. The measure is done."), (MENU,))
