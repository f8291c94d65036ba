"""Taking back: what can be deleted is deleted at once, and the rest is named with its reason (F-07)."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from bot.commands import Button, Withdraw, WithdrawScope
from bot.desk.card import renew_card, report_of
from bot.desk.deadlines import answered
from bot.desk.relay import let_go
from bot.i18n import _, lines
from bot.taxonomy import ReportState
from bot.work import Work
from storage.erasures import Kind
from storage.models import Consent, ContactLink, Conversation, OutboxMessage, Report, SourceLink, Thread, ThreadEntry

MENU = Button("/menu", _("Menu"))


def withdraw(command: Withdraw, work: Work, conversation: Conversation) -> None:
    """Only the person a report is linked to can take it back."""
    thread = work.thread(command.ref)
    person = work.person(thread) if thread is not None else None
    if thread is None or person is None or person.id != conversation.id:
        work.tell(conversation, _("I cannot find this report here any more."), (MENU,))
        return
    if conversation.thread_id == thread.id:
        let_go(work, conversation)
    if command.scope is WithdrawScope.CONTACT:
        _withdraw_contact(work, thread, conversation)
    elif thread.opened_at is None:
        _delete(work, thread, conversation)
    else:
        _withdraw_words(work, thread, conversation)


def _withdraw_contact(work: Work, thread: Thread, conversation: Conversation) -> None:
    work.erased(Kind.CONTACT, thread.ref)
    _cut(work, thread)
    work.tell(
        conversation,
        lines(
            _("Done on {date}.", date=work.today),
            _("Deleted: the link between report {ref} and this chat, and your phone number.", ref=thread.ref),
            _("Still stored: the report itself, because the contact point works with it."),
        ),
        (MENU,),
    )
    _tell_desk(work, thread)


def _delete(work: Work, thread: Thread, conversation: Conversation) -> None:
    ref = thread.ref
    work.erased(Kind.WITHDRAWN, ref)
    _cut(work, thread)
    work.session.execute(delete(ThreadEntry).where(ThreadEntry.thread_id == thread.id))
    work.session.execute(delete(Report).where(Report.thread_id == thread.id))
    work.session.delete(thread)
    work.session.flush()
    work.tell(
        conversation,
        lines(
            _("Done on {date}.", date=work.today),
            _("Deleted: report {ref}, your text, all answers and the link to this chat.", ref=ref),
            _("Nothing of it is stored any more."),
        ),
        (MENU,),
    )
    work.post(None, _("Report {ref} was taken back before anybody read it. It is deleted.", ref=ref))


def _withdraw_words(work: Work, thread: Thread, conversation: Conversation) -> None:
    work.erased(Kind.WORDS, thread.ref)
    report = report_of(work, thread)
    if report is not None:
        report.story = None
        report.details = None
        report.state = ReportState.WITHDRAWN
        report.withdrawn_at = work.now
    _recall(work, thread)
    work.session.execute(
        update(ThreadEntry)
        .where(ThreadEntry.thread_id == thread.id)
        .values(text=None)
        .execution_options(synchronize_session=False)
    )
    _cut(work, thread)
    thread.closed_at = work.now
    thread.taken_by = None
    thread.talk_until = None
    work.tell(
        conversation,
        lines(
            _("Done on {date}.", date=work.today),
            _("Deleted: your text, your answers and the link between report {ref} and this chat.", ref=thread.ref),
            _(
                "Still stored: that there was a report, its place and its date. Reason: somebody had already read it, "
                "and the contact point must be able to show what it did."
            ),
        ),
        (MENU,),
    )
    _tell_desk(work, thread)


def _recall(work: Work, thread: Thread) -> None:
    """Takes the person's words out of the thread that staff see."""
    work.write()
    shown = work.session.scalars(
        select(ThreadEntry.outbox_id).where(
            ThreadEntry.thread_id == thread.id,
            ThreadEntry.outbox_id.is_not(None),
            ThreadEntry.kind.in_(("STORY", "FROM_REPORTER", "EVENT")),  # an event that was shown is a file
        )
    )
    for outbox_id in shown:
        if work.session.get(OutboxMessage, outbox_id) is not None:
            work.post(thread, _("[taken back by the person]"), edits=outbox_id)


def _cut(work: Work, thread: Thread) -> None:
    answered(work, thread)
    work.session.execute(
        update(Consent)
        .where(Consent.thread_id == thread.id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=work.now)
        .execution_options(synchronize_session=False)
    )
    work.session.execute(delete(SourceLink).where(SourceLink.thread_id == thread.id))
    work.session.execute(delete(ContactLink).where(ContactLink.thread_id == thread.id))


def _tell_desk(work: Work, thread: Thread) -> None:
    """Without a word of what it was about."""
    work.post(None, _("Report {ref} was taken back. Please delete copies you have made.", ref=thread.ref))
    renew_card(work, thread)
