"""The mood in the area before a meeting, in three steps: counts for the moderator, never who said what (R-66)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import or_, select

from bot.commands import Button
from bot.conversation import MENU
from bot.i18n import Text, _, lines, ngettext, render, verbatim
from bot.meetings import members
from bot.meetings.answers import GONE, attendance
from bot.meetings.meeting import COMES_NOT, Answer, Pulse
from bot.meetings.planning import PULSE
from bot.meetings.rows import BUSY, chats, if_free, is_planned, locked, title_of
from bot.meetings.telling import STEP, say, send
from bot.meetings.words import PULSES
from bot.work import Work
from storage.meetings import Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

FEWEST: Final = 3
"""From so many answers on, they are shown: fewer would say who said what."""


def ask_members(work: Work, date_id: int) -> None:
    """Asks each member once; comes again until all are asked."""
    found = if_free(work, date_id)
    if found is None:
        if work.session.get(MeetingDate, date_id) is not None:
            work.remind(PULSE, date_id, work.now + BUSY)
        return
    meeting, date = found
    if not is_planned(date) or meeting.ended_at is not None or date.starts_at <= work.now:
        return
    date.pulse_asked_at = date.pulse_asked_at or work.now
    rows = work.session.execute(
        select(MeetingMember, Attendance)
        .outerjoin(
            Attendance, (Attendance.conversation_id == MeetingMember.conversation_id) & (Attendance.date_id == date.id)
        )
        .where(
            MeetingMember.meeting_id == meeting.id,
            MeetingMember.left_at.is_(None),
            MeetingMember.excluded.is_(False),
            MeetingMember.stopped_at.is_(None),
            MeetingMember.invited_at.is_not(None),
            MeetingMember.only_date_id.is_(None),
            or_(Attendance.id.is_(None), Attendance.pulse_at.is_(None)),
        )
        .order_by(MeetingMember.id)
        .limit(STEP)
    ).all()
    if not rows:
        return
    by_chat = {each.id: each for each in chats(work, [member.conversation_id for member, _row in rows])}
    texts: dict[str, str] = {}
    for member, row in rows:
        chat = by_chat.get(member.conversation_id)
        if chat is None:
            continue
        kept = row or attendance(work, date, chat)
        kept.pulse_at = work.now
        if kept.answer in COMES_NOT and kept.answer != Answer.NO:
            continue
        language = work.language_of(chat)
        if language not in texts:
            texts[language] = render(_question(work, meeting, date), language)
        buttons = tuple(Button(f"/pulse {date.id} {each}", label) for each, label in PULSES.items())
        send(work, chat, texts[language], buttons, about=f"pulse:{date.id}", not_after=date.starts_at)
    work.remind(PULSE, date_id, work.now if by_chat else work.now + BUSY)


def _question(work: Work, meeting: Meeting, date: MeetingDate) -> Text:
    return lines(
        _("Before “{title}” on {when}:", title=title_of(work.contact_point, meeting), when=date.starts_at),
        _("What do you notice in your area at the moment?"),
        _("The moderator sees how many say what, not who. You can leave it out."),
    )


def record(work: Work, chat: Conversation, date_id: int, mood: Pulse, remark: str) -> None:
    """Keeps the answer of one member, in place of an earlier one."""
    found = locked(work, date_id)
    member = members.member_of(work, found[0].id, chat.id) if found is not None else None
    if found is None or not members.is_member(member, found[1]) or found[1].starts_at <= work.now:
        say(work, chat, GONE, (MENU,))
        return
    row = attendance(work, found[1], chat)
    row.pulse = {"mood": mood, "remark": remark}
    say(work, chat, _("Thank you. That helps to prepare the meeting."), (MENU,))


def in_words(work: Work, date: MeetingDate) -> Text | None:
    """The mood for the moderator; None while too few have answered."""
    told = [
        row.pulse
        for row in work.session.scalars(select(Attendance).where(Attendance.date_id == date.id))
        if row.pulse is not None
    ]
    if len(told) < FEWEST:
        return None
    counted = Counter(each["mood"] for each in told)
    remarks = sorted(each["remark"] for each in told if each["remark"])
    return lines(
        ngettext("The mood, from {n} answer:", "The mood, from {n} answers:", len(told)),
        *(_("• {mood}: {n}", mood=label, n=counted[each]) for each, label in PULSES.items() if counted[each]),
        *(_("• “{remark}”", remark=verbatim(each)) for each in remarks),
    )
