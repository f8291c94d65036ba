"""Topics: everybody who is invited places them, the moderator orders them, none is deleted in silence (R-62)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, or_, select

from bot.commands import Button
from bot.conversation import MENU
from bot.i18n import Text, _, lines, ngettext, paragraphs, render, verbatim
from bot.meetings import members
from bot.meetings.meeting import TopicState
from bot.meetings.planning import AGENDA, cut_off_of
from bot.meetings.rows import BUSY, chats, if_free, is_planned, locked, next_dates, title_of
from bot.meetings.telling import STEP, say, send
from bot.meetings.words import TOPIC_STATES
from bot.taxonomy import PLANNERS
from bot.work import Work
from storage import accounts
from storage.accounts import UserAccount
from storage.meetings import AgendaTopic, Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

OPEN: Final = (TopicState.PROPOSED, TopicState.ON_AGENDA)
"""What is to be talked about on the date, unless the moderator says otherwise."""


def place(work: Work, chat: Conversation, date_id: int, text: str) -> None:
    """Keeps a topic, as long as it can be placed, and tells the moderator that there is one."""
    found = locked(work, date_id)
    member = members.member_of(work, found[0].id, chat.id) if found is not None else None
    if found is None or not (members.is_member(member, found[1]) or leads(work, found[0], chat)):
        say(work, chat, _("I cannot find this date any more."), (MENU,))
        return
    meeting, date = found
    title = title_of(work.contact_point, meeting)
    if not is_planned(date) or meeting.ended_at is not None:
        say(work, chat, _("“{title}” on {when} does not take place.", title=title, when=date.starts_at), (MENU,))
        return
    if date.agenda_sent_at is not None or cut_off_of(work, meeting, date) <= work.now:
        say(
            work,
            chat,
            lines(
                _("It is too late for topics of this date: the agenda has been sent."),
                _("You can propose it for the next date: /topic"),
            ),
            (MENU,),
        )
        return
    last = work.session.scalar(select(func.max(AgendaTopic.position)).where(AgendaTopic.date_id == date.id))
    work.session.add(
        AgendaTopic(
            date_id=date.id,
            conversation_id=chat.id,
            text=text,
            state=TopicState.PROPOSED,
            position=(last or 0) + 1,
            created_at=work.now,
        )
    )
    work.session.flush()
    say(
        work,
        chat,
        lines(
            _("Thank you. Your topic is proposed for “{title}” on {when}.", title=title, when=date.starts_at),
            _("The moderator puts the topics in order. I tell you what becomes of yours."),
        ),
        (Button("/meetings", _("My dates")), MENU),
    )
    for each in leading(work, meeting):
        if each.id != chat.id:
            say(
                work,
                each,
                _("There is a new topic for “{title}” on {when}.", title=title, when=date.starts_at),
                (Button(f"/agenda {date.id}", _("Topics and agenda")),),
            )


def leads(work: Work, meeting: Meeting, chat: Conversation) -> bool:
    """Whether somebody moderates a meeting or plans all of them."""
    account = accounts.of_chat(work.session, chat)
    if account is None:
        return False
    roles = {grant.role for grant in account.grants}
    return account.id in (meeting.moderator_id, meeting.deputy_id) or not roles.isdisjoint(PLANNERS)


def leading(work: Work, meeting: Meeting) -> list[Conversation]:
    """The chat of the moderator; if there is none, that of the deputy."""
    for person in (meeting.moderator_id, meeting.deputy_id):
        account = work.session.get(UserAccount, person) if person is not None else None
        chat = work.session.get(Conversation, account.conversation_id) if account is not None else None
        if chat is not None:
            return [chat]
    return []


def decide(work: Work, chat: Conversation, topic_id: int, state: TopicState, reason: str, *, first: bool) -> None:
    """What the moderator makes of a topic; who placed it hears what, and why."""
    topic = work.session.get(AgendaTopic, topic_id)
    found = locked(work, topic.date_id) if topic is not None else None
    if topic is None or found is None or not leads(work, found[0], chat):
        say(work, chat, _("I cannot find this topic any more."), (MENU,))
        return
    meeting, date = found
    again = (Button(f"/agenda {date.id}", _("Topics and agenda")), MENU)
    if first:
        top = work.session.scalar(select(func.min(AgendaTopic.position)).where(AgendaTopic.date_id == date.id))
        topic.position = (top or 0) - 1
    if state is TopicState.POSTPONED:
        following = _next_after(work, meeting, date)
        if following is None:
            say(work, chat, _("There is no later date to which it could be postponed."), again)
            return
        _carry(work, topic, following)
    if topic.state != state:
        topic.state, topic.reason = state, reason or None
        _tell_owner(work, meeting, date, topic, chat)
    say(work, chat, _("Done. The topic is {state}.", state=TOPIC_STATES[state]), again)


def _next_after(work: Work, meeting: Meeting, date: MeetingDate) -> MeetingDate | None:
    return next((each for each in next_dates(work, meeting, 50) if each.starts_at > date.starts_at), None)


def _carry(work: Work, topic: AgendaTopic, to: MeetingDate) -> None:
    """The topic stays where it was, as postponed, and is proposed again for the later date."""
    last = work.session.scalar(select(func.max(AgendaTopic.position)).where(AgendaTopic.date_id == to.id))
    work.session.add(
        AgendaTopic(
            date_id=to.id,
            conversation_id=topic.conversation_id,
            text=topic.text,
            state=TopicState.ON_AGENDA,
            position=(last or 0) + 1,
            created_at=topic.created_at,
        )
    )
    topic.carried_at = work.now


def _tell_owner(work: Work, meeting: Meeting, date: MeetingDate, topic: AgendaTopic, by: Conversation) -> None:
    owner = work.session.get(Conversation, topic.conversation_id) if topic.conversation_id is not None else None
    if owner is None or owner.id == by.id:
        return
    title = title_of(work.contact_point, meeting)
    match topic.state:
        case TopicState.ON_AGENDA:
            told = _("Your topic is on the agenda of “{title}” on {when}.", title=title, when=date.starts_at)
        case TopicState.POSTPONED:
            told = _("Your topic for “{title}” on {when} is postponed to the next date.", title=title,
                     when=date.starts_at)  # fmt: skip
        case TopicState.ANSWERED:
            told = _("Your topic for “{title}” on {when} is answered.", title=title, when=date.starts_at)
        case _:
            told = _("Your topic for “{title}” on {when} was not taken up.", title=title, when=date.starts_at)
    reason = topic.reason
    words = verbatim(reason) if reason else None
    if words is not None:
        named = topic.state == TopicState.ANSWERED
        words = _("The answer: {answer}", answer=words) if named else _("The reason: {reason}", reason=words)
    say(work, owner, lines(told, _("Your topic: {topic}", topic=verbatim(_short(topic.text))), words))


def _short(text: str, at_most: int = 120) -> str:
    return text if len(text) <= at_most else text[: at_most - 1].rstrip() + "…"


def topics_in_order(work: Work, date: MeetingDate) -> list[AgendaTopic]:
    """Those that are to be talked about, in their order."""
    return list(
        work.session.scalars(
            select(AgendaTopic)
            .where(AgendaTopic.date_id == date.id, AgendaTopic.state.in_(OPEN))
            .order_by(AgendaTopic.position, AgendaTopic.id)
        )
    )


def close_agenda(work: Work, date_id: int) -> None:
    """Sends the agenda at the cut-off, to each member in their language; comes again until everybody has it."""
    found = if_free(work, date_id)
    if found is None:
        if work.session.get(MeetingDate, date_id) is not None:
            work.remind(AGENDA, date_id, work.now + BUSY)
        return
    meeting, date = found
    if not is_planned(date) or meeting.ended_at is not None or date.starts_at <= work.now:
        return
    cut_off = cut_off_of(work, meeting, date)
    if date.agenda_sent_at is None and cut_off > work.now:
        work.remind(AGENDA, date_id, cut_off)
        return
    topics = topics_in_order(work, date)
    if date.agenda_sent_at is None:
        for each in topics:
            each.state = TopicState.ON_AGENDA
        date.agenda_sent_at = work.now
        work.session.flush()
        if not topics:
            return
    waits = select(MeetingMember).outerjoin(
        Attendance, (Attendance.conversation_id == MeetingMember.conversation_id) & (Attendance.date_id == date.id)
    )
    waits = waits.where(
        MeetingMember.meeting_id == meeting.id,
        MeetingMember.left_at.is_(None),
        MeetingMember.excluded.is_(False),
        MeetingMember.invited_at.is_not(None),
        or_(MeetingMember.only_date_id.is_(None), MeetingMember.only_date_id == date.id),
        or_(Attendance.id.is_(None), Attendance.agenda_at.is_(None)),
    )
    found_members = list(work.session.scalars(waits.order_by(MeetingMember.id).limit(STEP)))
    if not found_members:
        return
    by_chat = {each.id: each for each in chats(work, [each.conversation_id for each in found_members])}
    rows = {
        row.conversation_id: row
        for row in work.session.scalars(
            select(Attendance).where(Attendance.date_id == date.id, Attendance.conversation_id.in_(list(by_chat)))
        )
    }
    text = agenda(work, meeting, date, topics)
    texts: dict[str, str] = {}
    for member in found_members:
        chat = by_chat.get(member.conversation_id)
        if chat is None:
            continue
        row = rows.get(chat.id)
        if row is None:
            row = Attendance(
                date_id=date.id, conversation_id=chat.id, answer="NONE", snoozed=False, remind_at=work.now,
                reminded_at=member.invited_at,
            )  # fmt: skip
            work.session.add(row)
        row.agenda_at = work.now
        if row.answer == "NO":
            continue
        language = work.language_of(chat)
        if language not in texts:
            texts[language] = render(text, language)
        send(work, chat, texts[language], (), about=f"agenda:{date.id}", not_after=date.starts_at)
    work.remind(AGENDA, date_id, work.now if by_chat else work.now + BUSY)


def agenda(work: Work, meeting: Meeting, date: MeetingDate, topics: list[AgendaTopic]) -> Text:
    """The topics of a date in their order, as they were written."""
    title = title_of(work.contact_point, meeting)
    return paragraphs(
        _("Agenda of “{title}” on {when}:", title=title, when=date.starts_at),
        lines(*(_("{n}. {topic}", n=n, topic=verbatim(each.text)) for n, each in enumerate(topics, 1))),
        _("The topics are as they were written."),
    )


def unfinished(work: Work, date: MeetingDate) -> list[AgendaTopic]:
    """Topics of a past date of which nobody has said what became of them."""
    return [each for each in topics_in_order(work, date) if each.done_at is None and each.carried_at is None]


def carry_over(work: Work, chat: Conversation, date_id: int) -> None:
    """Takes all unfinished topics of a date over to the next, by one press."""
    found = locked(work, date_id)
    if found is None or not leads(work, found[0], chat):
        say(work, chat, _("I cannot find this date any more."), (MENU,))
        return
    meeting, date = found
    left = unfinished(work, date)
    following = _next_after(work, meeting, date)
    if not left:
        say(work, chat, _("No topic of this date is unfinished."), (MENU,))
        return
    if following is None:
        say(work, chat, _("There is no later date to which it could be postponed."), (MENU,))
        return
    for each in left:
        _carry(work, each, following)
        each.state = TopicState.POSTPONED
        _tell_owner(work, meeting, date, each, chat)
    work.session.flush()
    say(
        work,
        chat,
        ngettext(
            "{n} topic is taken over to {when}.",
            "{n} topics are taken over to {when}.",
            len(left),
            when=following.starts_at,
        ),
        (Button(f"/agenda {following.id}", _("Topics and agenda")), MENU),
    )


def ask_after(work: Work, date_id: int) -> None:
    """Asks the moderator, once a date is over, what is to become of topics that nobody got round to."""
    found = if_free(work, date_id)
    if found is None:
        return
    meeting, date = found
    if not is_planned(date) or meeting.ended_at is not None or date.asked_after_at is not None:
        return
    date.asked_after_at = work.now
    left = unfinished(work, date)
    if not left:
        return
    for chat in leading(work, meeting):
        say(
            work,
            chat,
            paragraphs(
                _("“{title}” on {when} is over.", title=title_of(work.contact_point, meeting), when=date.starts_at),
                lines(
                    _("These topics were on the agenda:"),
                    *(_("{n}. {topic}", n=n, topic=verbatim(_short(each.text))) for n, each in enumerate(left, 1)),
                ),
                _("What was not dealt with can be taken over to the next date."),
            ),
            (
                Button(f"/minutes {date.id}", _("Write the minutes"), primary=True),
                Button(f"/carry {date.id}", _("Take all over")),
                MENU,
            ),
        )
