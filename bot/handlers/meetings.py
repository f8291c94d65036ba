"""What people want of round tables and other meetings becomes rows (R-60 to R-69)."""

from __future__ import annotations

from datetime import datetime

from bot.commands import (
    AnswerDate,
    Button,
    CancelDate,
    CarryOver,
    DecideTopic,
    FinishMeasure,
    KeepDecision,
    LeaveMeeting,
    MoveDate,
    MuteMeeting,
    PlaceTopic,
    PlanMeeting,
    RecordPulse,
    ReleaseMinutes,
    RenewFeed,
    SendCalendar,
    SetReminders,
    ShowOverview,
    ShowWhoComes,
    SnoozeDate,
)
from bot.conversation import MENU
from bot.i18n import _, lines
from bot.meetings import answers, calendar, feed, members, minutes, overview, planning, pulse, topics
from bot.meetings.meeting import NamesInMinutes, read_steps
from bot.meetings.rows import dates_of, entry_of, is_planned, locked, locked_meeting, number_of, title_of
from bot.meetings.rule import local_of, utc_of
from bot.meetings.telling import say
from bot.meetings.words import days_before
from bot.messages import Media, Style, Voice
from bot.taxonomy import PLANNERS
from bot.work import Work
from storage import accounts
from storage.meetings import Meeting, MeetingDate
from storage.models import Conversation

DATES = (Button("/meetings", _("My dates")), MENU)


def plan_meeting(command: PlanMeeting, work: Work, conversation: Conversation) -> None:
    """Only who plans meetings enters one (D-14)."""
    account = accounts.of_chat(work.session, conversation)
    roles = {grant.role for grant in account.grants} if account is not None else set()
    if roles.isdisjoint(PLANNERS):
        return
    meeting = planning.plan(work, command.plan)
    work.post(
        None,
        _(
            "A meeting was planned: {number}, {title}.",
            number=number_of(meeting),
            title=title_of(work.contact_point, meeting),
        ),
        (Button(f"/meeting {number_of(meeting)}", _("Show")),),
        style=Style.STATUS,
    )


def answer_date(command: AnswerDate, work: Work, conversation: Conversation) -> None:
    """Keeps whether somebody comes."""
    answers.answer(work, conversation, command.date, command.answer)


def snooze_date(command: SnoozeDate, work: Work, conversation: Conversation) -> None:
    """Reminds again."""
    answers.snooze(work, conversation, command.date)


def mute_meeting(command: MuteMeeting, work: Work, conversation: Conversation) -> None:
    """Reminds no more."""
    answers.mute(work, conversation, command.meeting)


def set_reminders(command: SetReminders, work: Work, conversation: Conversation) -> None:
    """Keeps when the person wants to be reminded."""
    if command.steps == ():
        answers.mute(work, conversation, command.meeting)
        return
    if not answers.set_steps(work, conversation, command.meeting, command.steps):
        say(work, conversation, answers.GONE, DATES)
        return
    meeting = work.session.get_one(Meeting, command.meeting)
    steps = command.steps if command.steps is not None else read_steps(meeting.steps)
    say(work, conversation, _("Done. I remind you: {steps}.", steps=days_before(steps)), DATES)


def leave_meeting(command: LeaveMeeting, work: Work, conversation: Conversation) -> None:
    """Ends an invitation at the person's own wish."""
    if answers.leave(work, conversation, command.meeting):
        say(work, conversation, _("Done. You are not invited any more. Thank you for having been there."), (MENU,))
    else:
        say(work, conversation, answers.GONE, (MENU,))


def send_calendar(command: SendCalendar, work: Work, conversation: Conversation) -> None:
    """Gives a meeting as a file."""
    meeting = work.session.get(Meeting, command.meeting)
    if meeting is None or not _sees(work, meeting, conversation):
        say(work, conversation, answers.GONE, DATES)
        return
    entry = entry_of(work, meeting, dates_of(work, meeting), work.language_of(conversation))
    file = Media("document", f"{number_of(meeting)}.ics", calendar.TYPE, calendar.published([entry]))
    work.tell(conversation, _("For your calendar:"), voice=Voice.NOTICE, file=file)


def _sees(work: Work, meeting: Meeting, conversation: Conversation) -> bool:
    member = members.member_of(work, meeting.id, conversation.id)
    return meeting.public or members.is_member(member) or topics.leads(work, meeting, conversation)


def renew_feed(command: RenewFeed, work: Work, conversation: Conversation) -> None:
    """Gives a fresh address for a calendar programme, or ends it."""
    if command.end:
        feed.end(work, conversation)
        say(work, conversation, _("Done. Your private address is not good any more."), DATES)
    else:
        feed.renew(work, conversation)


def show_who_comes(command: ShowWhoComes, work: Work, conversation: Conversation) -> None:
    """Names, for the moderator and those who plan."""
    found = locked(work, command.date)
    if found is None or not topics.leads(work, found[0], conversation):
        say(work, conversation, answers.GONE, DATES)
        return
    meeting, date = found
    heading = _("“{title}” on {when}:", title=title_of(work.contact_point, meeting), when=date.starts_at)
    say(work, conversation, lines(heading, answers.who_comes(work, meeting, date), pulse.in_words(work, date)))


def _to_change(work: Work, conversation: Conversation, date_id: int) -> tuple[Meeting, MeetingDate] | None:
    """A coming date that somebody may change; who may not is told so."""
    date = work.session.get(MeetingDate, date_id)
    meeting = locked_meeting(work, date.meeting_id) if date is not None else None
    found = locked(work, date_id) if meeting is not None else None
    if found is None or not topics.leads(work, found[0], conversation):
        say(work, conversation, answers.GONE, DATES)
        return None
    if not is_planned(found[1]) or found[0].ended_at is not None or found[1].starts_at <= work.now:
        say(work, conversation, _("This date is over or cancelled already. Nothing was changed."), DATES)
        return None
    return found


def move_date(command: MoveDate, work: Work, conversation: Conversation) -> None:
    """Moves a date; members are told in turns of their own."""
    found = _to_change(work, conversation, command.date)
    if found is None:
        return
    meeting, date = found
    at = utc_of(command.local, meeting.zone)
    if at <= work.now or command.local == local_of(date.starts_at, meeting.zone):
        say(work, conversation, _("This time has already passed. Please write a later one."), DATES)
        return
    planning.move(work, meeting, date, command.local, command.why)
    say(work, conversation, _("Done. It is moved to {when}. I tell everybody now.", when=at), DATES)
    _note(work, meeting, at)


def cancel_date(command: CancelDate, work: Work, conversation: Conversation) -> None:
    """Cancels a date."""
    found = _to_change(work, conversation, command.date)
    if found is None:
        return
    meeting, date = found
    planning.cancel(work, meeting, date, command.why)
    say(work, conversation, _("Done. It is cancelled. I tell everybody now."), DATES)
    _note(work, meeting, date.starts_at)


def _note(work: Work, meeting: Meeting, at: datetime) -> None:
    work.post(
        None,
        _(
            "A date of {number}, {title}, was changed: {when}.",
            number=number_of(meeting),
            title=title_of(work.contact_point, meeting),
            when=at,
        ),
        (Button(f"/meeting {number_of(meeting)}", _("Show")),),
        style=Style.STATUS,
    )


def place_topic(command: PlaceTopic, work: Work, conversation: Conversation) -> None:
    """Keeps a topic."""
    topics.place(work, conversation, command.date, command.text)


def decide_topic(command: DecideTopic, work: Work, conversation: Conversation) -> None:
    """What the moderator makes of a topic."""
    topics.decide(work, conversation, command.topic, command.state, command.reason, first=command.first)


def carry_over(command: CarryOver, work: Work, conversation: Conversation) -> None:
    """Takes unfinished topics over."""
    topics.carry_over(work, conversation, command.date)


def record_pulse(command: RecordPulse, work: Work, conversation: Conversation) -> None:
    """Keeps the mood as one member sees it."""
    pulse.record(work, conversation, command.date, command.mood, command.remark)


def keep_decision(command: KeepDecision, work: Work, conversation: Conversation) -> None:
    """Writes down a decision."""
    minutes.keep(work, conversation, command.date, command.topic, command.decision, command.owner, command.until)


def release_minutes(command: ReleaseMinutes, work: Work, conversation: Conversation) -> None:
    """Sends the minutes."""
    if command.how is NamesInMinutes.NOT_YET:
        say(work, conversation, _("All right. Nothing was sent."), DATES)
    else:
        replaces = command.how is NamesInMinutes.REDACT
        minutes.release(work, conversation, command.date, replace_names=replaces)


def finish_measure(command: FinishMeasure, work: Work, conversation: Conversation) -> None:
    """Ends the reminders of a measure."""
    minutes.finish(work, conversation, command.measure)


def show_overview(command: ShowOverview, work: Work, conversation: Conversation) -> None:
    """For those who plan."""
    account = accounts.of_chat(work.session, conversation)
    roles = {grant.role for grant in account.grants} if account is not None else set()
    if not roles.isdisjoint(PLANNERS):
        say(work, conversation, overview.overview(work), (Button("/plan", _("Plan a meeting")), MENU))
