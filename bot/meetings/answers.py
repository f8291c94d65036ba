"""Whether somebody comes, and what they want to hear of a meeting (R-69)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from sqlalchemy import func, select, update

from bot.codes import VALID_FOR, fresh_code
from bot.commands import Button
from bot.conversation import MENU
from bot.i18n import Text, _, lines, listing, ngettext, verbatim
from bot.meetings import members
from bot.meetings.meeting import COMES_NOT, Answer, Why
from bot.meetings.planning import REMIND, TELL
from bot.meetings.reminding import snooze_until
from bot.meetings.rows import BUSY, dates_of, if_free, is_planned, locked, title_of
from bot.meetings.telling import answers, say
from bot.work import Work
from storage import accounts, outbox
from storage.accounts import Invitation, UserAccount, code_key
from storage.entrances import entrances
from storage.meetings import Attendance, Meeting, MeetingDate, MeetingMember
from storage.models import Conversation

SEATS: Final = "meeting_seats"
"""The moment at which places that are free again are given to those who wait; its subject is the date."""

GONE: Final = _("I cannot find this date any more.")


def answer(work: Work, chat: Conversation, date_id: int, said: Answer) -> None:
    """Keeps an answer, which can be changed until the start, and says what it means."""
    found = _open(work, chat, date_id)
    if found is None:
        return
    meeting, date, member = found
    row = attendance(work, date, chat)
    before = Answer(row.answer)
    if said is Answer.YES:
        said = before if before in (Answer.YES, Answer.WAITING) else _place(work, meeting, date)
    if said is not before:
        row.answer, row.answered_at = said, work.now
    if said in (Answer.NO, Answer.DEPUTY):
        row.remind_at, row.snoozed = None, False
        outbox.take_back(work.session, f"date:{date.id}", work.now, chat.id)
    elif before in (Answer.NO, Answer.DEPUTY) and member.stopped_at is None:
        row.remind_at = work.now
        row.reminded_at = work.now
        work.remind(REMIND, date.id, work.now)
    if before is Answer.YES and said is not Answer.YES and meeting.seats is not None:
        work.remind(SEATS, date.id, work.now)
    if before is Answer.DEPUTY and said is not Answer.DEPUTY:
        _end_substitute(work, meeting, date, chat)
    work.session.flush()
    if said is Answer.DEPUTY:
        _hand_on(work, meeting, date, chat)
        return
    say(
        work,
        chat,
        lines(_confirmed(said, title_of(work.contact_point, meeting), date), counts(work, meeting, date), _CHANGE),
        (Button("/meetings", _("My dates")), MENU),
    )


_CHANGE: Final = _("You can change that until it begins: /meetings")


def _confirmed(said: Answer, title: Text, date: MeetingDate) -> Text:
    match said:
        case Answer.YES:
            return _("Thank you. You come to “{title}” on {when}.", title=title, when=date.starts_at)
        case Answer.WAITING:
            return _(
                "All places of “{title}” on {when} are taken. You are on the waiting list, and hear when one is free.",
                title=title,
                when=date.starts_at,
            )
    return _("Thank you for telling us. You do not come to “{title}” on {when}.", title=title, when=date.starts_at)


def attendance(work: Work, date: MeetingDate, chat: Conversation) -> Attendance:
    """What is kept of a chat and a date."""
    found = work.session.scalars(
        select(Attendance).where(Attendance.date_id == date.id, Attendance.conversation_id == chat.id)
    ).one_or_none()
    if found is None:
        found = Attendance(
            date_id=date.id, conversation_id=chat.id, answer=Answer.NONE, reminded_at=work.now, snoozed=False,
            remind_at=work.now,
        )  # fmt: skip
        work.session.add(found)
        work.session.flush()
        work.remind(REMIND, date.id, work.now)
    return found


def _open(work: Work, chat: Conversation, date_id: int) -> tuple[Meeting, MeetingDate, MeetingMember] | None:
    """A date that somebody may answer to; who may not is told why."""
    found = locked(work, date_id)
    if found is None:
        say(work, chat, GONE, (Button("/meetings", _("My dates")), MENU))
        return None
    meeting, date = found
    member = members.member_of(work, meeting.id, chat.id)
    if not members.is_member(member, date):
        if not meeting.public or (member is not None and member.excluded):
            say(work, chat, GONE, (Button("/meetings", _("My dates")), MENU))
            return None
        member = _sign_up(work, meeting, chat)
    if member is None:
        return None
    title = title_of(work.contact_point, meeting)
    if not is_planned(date) or meeting.ended_at is not None:
        say(work, chat, _("“{title}” on {when} does not take place.", title=title, when=date.starts_at), (MENU,))
        return None
    if date.starts_at <= work.now:
        say(work, chat, _("“{title}” on {when} has begun already.", title=title, when=date.starts_at), (MENU,))
        return None
    return meeting, date, member


def _sign_up(work: Work, meeting: Meeting, chat: Conversation) -> MeetingMember:
    """Makes somebody a member of a public meeting by their own wish; they know already what they signed up for."""
    member = members.add(work, meeting, chat.id, Why.SIGNED_UP)
    work.remind(TELL, meeting.id, work.now)
    return member


def _place(work: Work, meeting: Meeting, date: MeetingDate) -> Answer:
    if meeting.seats is None or taken(work, date) < meeting.seats:
        return Answer.YES
    return Answer.WAITING


def taken(work: Work, date: MeetingDate) -> int:
    """How many places are taken; who comes for somebody has said so as well."""
    return int(
        work.session.scalar(
            select(func.count())
            .select_from(Attendance)
            .where(Attendance.date_id == date.id, Attendance.answer == Answer.YES)
        )
        or 0
    )


def fill_seats(work: Work, date_id: int) -> None:
    """Gives places that are free again to those who wait, in the order in which they came."""
    found = if_free(work, date_id)
    if found is None:
        work.remind(SEATS, date_id, work.now + BUSY)
        return
    meeting, date = found
    if not is_planned(date) or date.starts_at <= work.now:
        return
    free = (meeting.seats if meeting.seats is not None else 10**6) - taken(work, date)
    waiting = list(
        work.session.scalars(
            select(Attendance)
            .where(Attendance.date_id == date.id, Attendance.answer == Answer.WAITING)
            .order_by(Attendance.answered_at, Attendance.id)
            .limit(max(free, 0))
        )
    )
    for row in waiting:
        chat = work.session.get(Conversation, row.conversation_id)
        row.answer = Answer.YES
        if chat is not None:
            text = lines(
                _(
                    "A place is free: you come to “{title}” on {when}.",
                    title=title_of(work.contact_point, meeting),
                    when=date.starts_at,
                ),
                _("If you cannot come any more, please say so, so that somebody else can."),
            )
            say(work, chat, text, answers(date)[1:], about=f"date:{date.id}", not_after=date.starts_at)


def _hand_on(work: Work, meeting: Meeting, date: MeetingDate, chat: Conversation) -> None:
    """A code for whoever comes in somebody's place; it is for this date only, and works once."""
    code = fresh_code()
    until = min(work.now + max(VALID_FOR, date.starts_at - work.now), date.starts_at)
    work.session.add(
        Invitation(
            code_key=code_key(work.ring, code),
            roles="",
            municipalities="",
            meeting_date_id=date.id,
            in_place_of=chat.id,
            expires_at=until,
        )
    )
    found = entrances(work.session, work.contact_point.id)
    links = [f"{address}{code}" for name, address in found.items() if name == "web"]
    say(
        work,
        chat,
        lines(
            _(
                "Thank you. Somebody comes for you to “{title}” on {when}.",
                title=title_of(work.contact_point, meeting),
                when=date.starts_at,
            ),
            _("Please give this code to that person: {code}", code=code),
            _("It works once, for this date only. The person writes to me here: {command}", command=f"/start {code}"),
            *(_("Or opens this: {link}", link=each) for each in links),
            _CHANGE,
        ),
        (Button("/meetings", _("My dates")), MENU),
    )


def take_place(work: Work, chat: Conversation, date_id: int, in_place_of: int | None) -> bool:
    """Somebody with a code comes in the place of a member; False where the date is over."""
    found = locked(work, date_id)
    if found is None:
        return False
    meeting, date = found
    if not is_planned(date) or date.starts_at <= work.now or meeting.ended_at is not None:
        return False
    member = members.member_of(work, meeting.id, chat.id)
    if not members.is_member(member, date):
        members.add(work, meeting, chat.id, Why.IN_PLACE, date)
        work.remind(TELL, meeting.id, work.now)
    row = attendance(work, date, chat)
    row.answer, row.answered_at, row.in_place_of = Answer.YES, work.now, in_place_of
    giver = work.session.get(Conversation, in_place_of) if in_place_of is not None else None
    if giver is not None:
        title = title_of(work.contact_point, meeting)
        say(work, giver, _("Your code was used: somebody comes for you to “{title}” on {when}.", title=title,
                           when=date.starts_at))  # fmt: skip
    return True


def _end_substitute(work: Work, meeting: Meeting, date: MeetingDate, chat: Conversation) -> None:
    """Somebody comes after all, or nobody does: whoever was to come for them is told, and the code is no good."""
    work.session.execute(
        update(Invitation)
        .where(Invitation.meeting_date_id == date.id, Invitation.in_place_of == chat.id)
        .values(expires_at=work.now)
        .execution_options(synchronize_session=False)
    )
    for row in work.session.scalars(
        select(Attendance).where(Attendance.date_id == date.id, Attendance.in_place_of == chat.id)
    ):
        row.in_place_of = None
        other = work.session.get(Conversation, row.conversation_id)
        member = members.member_of(work, meeting.id, row.conversation_id)
        if other is None or member is None or member.only_date_id != date.id:
            continue
        row.answer, row.remind_at = Answer.NO, None
        title = title_of(work.contact_point, meeting)
        text = _("You need not come for somebody to “{title}” on {when} any more. Thank you.", title=title,
                 when=date.starts_at)  # fmt: skip
        members.leave(work, meeting, member, excluded=False)
        say(work, other, text)
        if meeting.seats is not None:
            work.remind(SEATS, date.id, work.now)


def counts(work: Work, meeting: Meeting, date: MeetingDate) -> Text:
    """How many come: what everybody sees."""
    found = _answers(work, date)
    coming = found[Answer.YES]
    free = meeting.seats - coming if meeting.seats is not None else None
    return lines(
        ngettext("{n} person comes so far.", "{n} people come so far.", coming),
        ngettext("{n} place is free.", "{n} places are free.", max(free, 0)) if free is not None else None,
    )


def _answers(work: Work, date: MeetingDate) -> Counter[str]:
    rows = work.session.execute(
        select(Attendance.answer, func.count()).where(Attendance.date_id == date.id).group_by(Attendance.answer)
    )
    return Counter({row[0]: row[1] for row in rows})


def who_comes(work: Work, meeting: Meeting, date: MeetingDate) -> Text:
    """Names by answer: for the moderator and those who plan, nobody else (R-69)."""
    rows = work.session.execute(
        select(Attendance, UserAccount.name)
        .outerjoin(UserAccount, UserAccount.conversation_id == Attendance.conversation_id)
        .where(Attendance.date_id == date.id, Attendance.answer != Answer.NONE)
        .order_by(Attendance.answered_at, Attendance.id)
    ).all()
    names: dict[str, list[Text | str]] = {}
    for row, name in rows:
        names.setdefault(row.answer, []).append(_called(work, row, name))
    invited = work.session.scalar(
        select(func.count())
        .select_from(MeetingMember)
        .where(
            MeetingMember.meeting_id == meeting.id,
            MeetingMember.left_at.is_(None),
            MeetingMember.only_date_id.is_(None),
        )
    ) or 0  # fmt: skip
    silent = max(int(invited) - sum(1 for row, _name in rows if row.in_place_of is None), 0)
    return lines(
        counts(work, meeting, date),
        _("Coming: {names}", names=listing(names[Answer.YES])) if Answer.YES in names else None,
        _("Waiting list: {names}", names=listing(names[Answer.WAITING])) if Answer.WAITING in names else None,
        _("Sending somebody: {names}", names=listing(names[Answer.DEPUTY])) if Answer.DEPUTY in names else None,
        _("Not coming: {names}", names=listing(names[Answer.NO])) if Answer.NO in names else None,
        ngettext("{n} has not answered.", "{n} have not answered.", silent) if silent else None,
    )


def _called(work: Work, row: Attendance, name: str | None) -> Text | str:
    if name:
        return verbatim(name)
    if row.in_place_of is not None:
        giver = work.session.get(Conversation, row.in_place_of)
        account = accounts.of_chat(work.session, giver) if giver is not None else None
        if account is not None and account.name:
            return _("somebody for {name}", name=verbatim(account.name))
    return _("somebody without a name here")


def snooze(work: Work, chat: Conversation, date_id: int) -> None:
    """Reminds somebody again, a day later or an hour before the start."""
    found = _open(work, chat, date_id)
    if found is None:
        return
    _meeting, date, member = found
    row = attendance(work, date, chat)
    again = snooze_until(work, date)
    if again >= date.starts_at:
        say(work, chat, _("It begins soon: {when}. I cannot remind you again before that.", when=date.starts_at))
        return
    row.snoozed, row.remind_at = True, again
    member.stopped_at = None
    work.session.flush()
    work.remind(REMIND, date.id, work.now)
    say(work, chat, _("I remind you again: {when}.", when=again), (Button("/meetings", _("My dates")), MENU))


def mute(work: Work, chat: Conversation, meeting_id: int) -> None:
    """Ends reminders of a meeting; what is moved or cancelled is still told."""
    meeting = work.session.get(Meeting, meeting_id)
    member = members.member_of(work, meeting_id, chat.id)
    if meeting is None or member is None or not members.is_member(member):
        say(work, chat, GONE, (Button("/meetings", _("My dates")), MENU))
        return
    member.stopped_at = work.now
    for date in dates_of(work, meeting, since=work.now):
        outbox.take_back(work.session, f"date:{date.id}", work.now, chat.id)
        work.session.execute(
            update(Attendance)
            .where(Attendance.date_id == date.id, Attendance.conversation_id == chat.id)
            .values(remind_at=None, snoozed=False)
            .execution_options(synchronize_session=False)
        )
    say(
        work,
        chat,
        lines(
            _("I do not remind you of “{title}” any more.", title=title_of(work.contact_point, meeting)),
            _("If a date is moved or cancelled, you still hear of it. To be reminded again: /meetings"),
        ),
        (Button("/meetings", _("My dates")), MENU),
    )


def set_steps(work: Work, chat: Conversation, meeting_id: int, steps: tuple[int, ...] | None) -> bool:
    """How many days before somebody wants to be reminded; None: as the series has it."""
    meeting = work.session.get(Meeting, meeting_id)
    member = members.member_of(work, meeting_id, chat.id)
    if meeting is None or member is None or not members.is_member(member):
        return False
    member.stopped_at = None
    member.steps = " ".join(map(str, steps)) if steps is not None else None
    for date in dates_of(work, meeting, since=work.now):
        if is_planned(date) and (member.only_date_id is None or member.only_date_id == date.id):
            row = attendance(work, date, chat)
            if row.answer not in (Answer.NO, Answer.DEPUTY):
                row.remind_at, row.reminded_at = work.now, work.now
                work.remind(REMIND, date.id, work.now)
    return True


def renew_steps(work: Work, date: MeetingDate) -> None:
    """Has the next reminders of a date reckoned again, because the days before it are others now."""
    work.session.execute(
        update(Attendance)
        .where(Attendance.date_id == date.id, Attendance.answer.not_in(COMES_NOT))
        .values(remind_at=work.now, reminded_at=work.now)
        .execution_options(synchronize_session=False)
    )
    work.remind(REMIND, date.id, work.now)


def leave(work: Work, chat: Conversation, meeting_id: int) -> bool:
    """Somebody does not want to be invited any more, or has signed up and goes."""
    meeting = work.session.get(Meeting, meeting_id, with_for_update=True)
    member = members.member_of(work, meeting_id, chat.id)
    if meeting is None or member is None or not members.is_member(member):
        return False
    for date in dates_of(work, meeting, since=work.now):
        row = work.session.scalars(
            select(Attendance).where(Attendance.date_id == date.id, Attendance.conversation_id == chat.id)
        ).one_or_none()
        if row is not None and row.answer == Answer.YES and meeting.seats is not None:
            work.remind(SEATS, date.id, work.now)
        if row is not None:
            row.answer, row.answered_at = Answer.NO, work.now
    member.left_at, member.excluded = work.now, True
    members.take_back(work, meeting, chat.id)
    return True
