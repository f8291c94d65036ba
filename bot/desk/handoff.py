"""Getting a human into a chat, and the ways back to the bot (G-83, F-02)."""

from __future__ import annotations

from sqlalchemy import func, select

from bot.desk.card import renew_card
from bot.desk.deadlines import wait_for_answer
from bot.desk.relay import BACK_TO_BOT, from_reporter, hold, introduction, let_go
from bot.desk.room import announce_chat
from bot.flows.call import out_of_hours
from bot.holder import HUMAN
from bot.i18n import Text, _, lines, ngettext
from bot.taxonomy import Flag, Urgency
from bot.work import Work
from bot.working_time import is_open
from storage.models import ContactLink, Conversation, Thread
from storage.scope import sorted_by


def hand_off(
    work: Work,
    person: Conversation,
    about: Thread | None,
    urgency: Urgency,
    words: str = "",
    flags: frozenset[Flag] = frozenset(),
) -> None:
    """Queues a chat for a human; the person can write at once, and everything they write arrives."""
    if person.holder == HUMAN and person.thread_id is not None:
        waiting = work.session.get_one(Thread, person.thread_id)
        work.tell(person, _already_waiting(waiting), (BACK_TO_BOT,))
        return
    thread = about or _open_thread(work, person) or _new_thread(work, person, urgency)
    mark(thread, flags, urgency)
    hold(work, thread, person)
    wait_for_answer(work, thread, urgency)
    announce_chat(work, thread)
    if words:
        from_reporter(work, thread, words)
    if thread.taken_by is not None:
        work.tell(person, introduction(work, thread.taken_by), (BACK_TO_BOT,))
    else:
        work.tell(person, _waiting(work, thread, person), (BACK_TO_BOT,))
    renew_card(work, thread)


def mark(thread: Thread, flags: frozenset[Flag], urgency: Urgency) -> None:
    """Adds what a human must look at; what is urgent stays urgent."""
    thread.flags = " ".join(sorted({*thread.flags.split(), *flags}))
    if urgency is Urgency.URGENT:
        thread.urgency = urgency


def end_by_person(work: Work, person: Conversation) -> None:
    """The person went back to the program; what they wrote stays with the desk."""
    thread = work.session.get(Thread, person.thread_id) if person.thread_id else None
    let_go(work, person)
    if thread is not None and thread.waiting_since is not None:
        work.tell(person, _("Your request stays with the contact point. Somebody answers you here."))
    if thread is not None:
        work.entry(thread, "EVENT", "LEFT_BY_REPORTER")
        thread.talk_until = None
        work.forget_reminder(thread.id, "talk_idle")
        if thread.opened_at is not None:
            work.post(thread, _("The person has gone back to the program. You can still answer with /reply."))
            renew_card(work, thread)


def _open_thread(work: Work, person: Conversation) -> Thread | None:
    """What the person and the desk are already in touch about."""
    return work.session.scalars(
        select(Thread)
        .join(ContactLink, ContactLink.thread_id == Thread.id)
        .where(ContactLink.conversation_id == person.id, Thread.closed_at.is_(None))
        .order_by(sorted_by(Thread.id).desc())
    ).first()


def _new_thread(work: Work, person: Conversation, urgency: Urgency) -> Thread:
    thread = Thread(
        ref=work.fresh_ref(),
        language=work.language_of(person),
        urgency=urgency,
        flags="",
        lapses=0,
        created_at=work.now,
    )
    work.session.add(thread)
    work.session.flush()
    work.session.add(ContactLink(thread_id=thread.id, conversation_id=person.id))
    work.session.flush()
    return thread


def _waiting(work: Work, thread: Thread, person: Conversation) -> Text:
    ahead = work.session.scalar(
        select(func.count())
        .select_from(Conversation)
        .join(Thread, Thread.id == Conversation.thread_id)
        .where(
            Conversation.holder == HUMAN,
            Conversation.id != person.id,
            Thread.taken_by.is_(None),
            Thread.waiting_since < thread.waiting_since,
        )
    )
    if not is_open(work.contact_point, work.now):
        return lines(out_of_hours(work.contact_point, work.now), _("You can already write. Everything arrives."))
    return lines(
        _("I am getting a person."),
        ngettext("{n} person is ahead of you.", "{n} people are ahead of you.", ahead) if ahead else None,
        _("You can already write. Everything arrives."),
        _("Somebody answers by {deadline}.", deadline=thread.deadline) if thread.deadline else None,
    )


def _already_waiting(thread: Thread) -> Text:
    if thread.taken_by is not None:
        return _("A person from the contact point is with you. Just write.")
    return _("I have told the contact point. You can already write. Everything arrives.")
