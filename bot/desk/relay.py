"""What crosses between a person and the desk, and nothing else does (idea 4, D-07)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from bot.commands import Button
from bot.desk.card import renew_card, report_of
from bot.desk.deadlines import answered, wait_for_answer
from bot.desk.request import request_of, resume
from bot.desk.room import announce_message
from bot.holder import BOT, HUMAN
from bot.i18n import Text, _, render
from bot.messages import Style, Voice
from bot.pool.request import without_words
from bot.taxonomy import CLOSED_STATES, ReportState, RequestState
from bot.work import Work
from bot.working_time import add_working_time
from storage.models import Conversation, SourceLink, Thread, ThreadEntry

BACK_TO_BOT: Final = Button("/menu", _("Back to the program"))


def is_back_to_bot(text: str, language: str) -> bool:
    """Whether somebody typed the label of the way back instead of pressing it."""
    return text.strip().casefold() == render(BACK_TO_BOT.label, language).casefold()


def from_reporter(work: Work, thread: Thread, text: str, source: str = "") -> ThreadEntry:
    """Brings a person's words to the desk."""
    entry = work.entry(thread, Style.FROM_REPORTER, text, source=source)
    waited = thread.waiting_since is not None
    reopen_if_closed(work, thread)
    wait_for_answer(work, thread)
    if thread.opened_at is not None:
        entry.outbox_id = work.post(thread, text, style=Style.FROM_REPORTER)
        renew_card(work, thread)
    if thread.taken_by is None and (thread.opened_at is not None or not waited):
        announce_message(work, thread)
    return entry


def to_reporter(work: Work, thread: Thread, person: Conversation, text: str, by: str, source: str) -> ThreadEntry:
    """Sends what a member of staff answers, as the contact point; the chat is in human hands from now on."""
    entry = work.entry(thread, Style.TO_REPORTER, text, author=by, source=source)
    if person.holder != HUMAN or person.thread_id != thread.id:
        hold(work, thread, person)
        work.tell(person, introduction(work, by), (BACK_TO_BOT,))
    entry.outbox_id = work.tell(person, text, voice=Voice.DESK, entry=entry)
    thread.last_reply_at = work.now
    answered(work, thread)
    watch_idle(work, person, thread)
    return entry


def hold(work: Work, thread: Thread, person: Conversation) -> None:
    """Puts the chat into human hands: flows are silent and every message is relayed."""
    person.holder = HUMAN
    person.thread_id = thread.id
    watch_idle(work, person, thread)


def let_go(work: Work, person: Conversation) -> None:
    """The bot answers again."""
    person.holder = BOT
    person.thread_id = None
    work.forget_reminder(person.id, "chat_idle")


def watch_idle(work: Work, person: Conversation, thread: Thread) -> None:
    """Sets the moments at which a silent chat goes back to the bot, and a silent holder loses it."""
    rules = work.contact_point.handoff
    work.remind("chat_idle", person.id, work.in_minutes(rules.return_minutes))
    if thread.taken_by is not None:
        watch_holder(work, thread)


def watch_holder(work: Work, thread: Thread) -> None:
    """Sets the moment, in working time, at which a holder who does not answer loses the chat (J-4)."""
    minutes = work.contact_point.handoff.take_minutes
    work.remind("take_idle", thread.id, add_working_time(work.contact_point, work.now, minutes))


def introduction(work: Work, by: str) -> Text:
    """Who speaks from now on (W-15)."""
    if work.contact_point.show_staff_names:
        return _("From now on a person from the contact point is writing: {display}.", display=by)
    return _("From now on a person from the contact point is writing.")


def reopen_if_closed(work: Work, thread: Thread) -> None:
    """New words about a closed matter open it again."""
    if thread.closed_at is None:
        return
    thread.closed_at = None
    thread.result = None
    report = report_of(work, thread)
    if report is not None and ReportState(report.state) in CLOSED_STATES - {ReportState.WITHDRAWN}:
        report.state = ReportState.IN_PROGRESS if thread.taken_by else ReportState.ACKNOWLEDGED
    request = request_of(work, thread)
    # What is done stays done; the desk may reopen it.
    if request is not None and request.state == RequestState.CANCELLED:
        resume(request)
    work.entry(thread, "EVENT", "REOPENED_BY_REPORTER")


def edited_by_person(work: Work, person: Conversation, source: str, text: str) -> bool:
    """Takes an edit of words that are at the desk already; False when the desk does not have them (F-25)."""
    entry = work.session.scalars(
        select(ThreadEntry).where(ThreadEntry.source_key == source, ThreadEntry.kind == Style.FROM_REPORTER)
    ).first()
    if entry is not None:
        thread = work.session.get_one(Thread, entry.thread_id)
        if work.person(thread) is not person:
            return False
        entry.text = text
        if entry.outbox_id is not None:
            work.post(thread, _("{text} (changed)", text=text), style=Style.FROM_REPORTER, edits=entry.outbox_id)
        if person.holder != HUMAN:
            work.tell(person, _("I have passed on your change."))
        return True
    link = work.session.scalars(select(SourceLink).where(SourceLink.source_key == source)).first()
    if link is None:
        return False
    thread = work.session.get_one(Thread, link.thread_id)
    if work.person(thread) is not person:
        return False
    from_reporter(work, thread, _addition(work, text), source)
    if request_of(work, thread) is not None:
        work.tell(person, _("I have passed on your change to request {ref}.", ref=thread.ref))
    else:
        work.tell(person, _("I have passed on your change to report {ref}.", ref=thread.ref))
    return True


def taken_back_by_person(work: Work, person: Conversation, source: str) -> bool:
    """The person has deleted a message in the messenger: its words go here too. False when the desk has none of it."""
    entry = work.session.scalars(
        select(ThreadEntry).where(ThreadEntry.source_key == source, ThreadEntry.kind == Style.FROM_REPORTER)
    ).first()
    if entry is not None:
        thread = work.session.get_one(Thread, entry.thread_id)
        if work.person(thread) is not person:
            return False
        entry.text = None
        _show_taken_back(work, thread, entry)
        return True
    links = list(work.session.scalars(select(SourceLink).where(SourceLink.source_key == source)))
    if not links:
        return False
    thread = work.session.get_one(Thread, links[0].thread_id)
    report, request = report_of(work, thread), request_of(work, thread)
    if work.person(thread) is not person or (report is None and request is None):
        return False
    others = select(SourceLink).where(SourceLink.thread_id == thread.id, SourceLink.source_key != source)
    if work.session.scalars(others).first() is not None:
        # Several messages became one text: which words were in which is not kept.
        if report is None:
            said = _("These words are still in your request {ref}. To take it back: /requests", ref=thread.ref)
        else:
            said = _(
                "These words are still in your report {ref}. To take back the whole report: /withdraw", ref=thread.ref
            )
        work.tell(person, said)
        return True
    if report is not None:
        report.story = None
    elif request is not None:
        request.details = without_words(request.details)
    stories = select(ThreadEntry).where(ThreadEntry.thread_id == thread.id, ThreadEntry.kind == "STORY")
    for entry in work.session.scalars(stories):
        _show_taken_back(work, thread, entry)
    work.tell(
        person,
        _("I have deleted these words from request {ref}.", ref=thread.ref)
        if report is None
        else _("I have deleted these words from report {ref}.", ref=thread.ref),
    )
    return True


def _show_taken_back(work: Work, thread: Thread, entry: ThreadEntry) -> None:
    if entry.outbox_id is not None:
        gone = _("The person has deleted this message.")
        work.post(thread, gone, style=Style.FROM_REPORTER, edits=entry.outbox_id)


def _addition(work: Work, text: str) -> str:
    return render(_("Correction: {text}", text=text), work.desk_language)
