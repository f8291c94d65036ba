"""Who asked for somebody of the pool no longer works here, and somebody else goes on with it (F-14)."""

from __future__ import annotations

from sqlalchemy import delete, select

from bot.accounts import person_of
from bot.commands import Button
from bot.desk.card import renew_card
from bot.desk.relay import let_go
from bot.i18n import Text, _, lines, verbatim
from bot.pool.assignment import assignment_button, expert_of, requester_in_words
from bot.pool.week import expect
from bot.taxonomy import OVER, REQUESTERS
from bot.work import Work
from storage import accounts
from storage.accounts import UserAccount
from storage.models import ContactLink, Conversation, Thread
from storage.pool import ExpertRequest
from storage.scope import sorted_by


def gone(work: Work, chat: Conversation) -> None:
    """The chat has no part in its open requests any more; the search goes on, and the desk says whose they are."""
    rows = work.session.execute(
        select(ExpertRequest, Thread)
        .join(Thread, Thread.id == ExpertRequest.thread_id)
        .join(ContactLink, ContactLink.thread_id == Thread.id)
        .where(ContactLink.conversation_id == chat.id, ExpertRequest.state.not_in(sorted(OVER)))
        .order_by(sorted_by(ExpertRequest.id))
    ).all()
    for request, thread in rows:
        if chat.thread_id == thread.id:
            let_go(work, chat)
        work.session.execute(delete(ContactLink).where(ContactLink.thread_id == thread.id))
        work.post(
            None,
            _("Request {ref}: who asked has no role with us any more. Who goes on with it?", ref=thread.ref),
            (Button(f"/requester {thread.ref}", _("Choose somebody")),),
        )
        expert = expert_of(work, request)
        if expert is not None and expert.chat is not None:
            work.tell(
                expert.chat,
                lines(
                    _("Request {ref}: the person who asked is no longer there.", ref=thread.ref),
                    _("The contact point tells you soon who goes on with it."),
                ),
            )
        renew_card(work, thread)


def possible(work: Work) -> list[tuple[UserAccount, Text]]:
    """Who can take a request over, by name."""
    found = []
    for account in accounts.everybody(work.session):
        person = person_of(account)
        if not REQUESTERS.isdisjoint(person.roles) and person.name:
            found.append((account, verbatim(person.name)))
    return found


def hand_over(work: Work, request: ExpertRequest, thread: Thread, chat: Conversation) -> None:
    """From now on the person of this chat is the one who asks; all who have a part in it are told."""
    before = work.person(thread)
    if before is not None and before.id == chat.id:
        return
    if before is not None:
        if before.thread_id == thread.id:
            let_go(work, before)
        work.tell(before, _("Request {ref}: somebody else goes on with it now. Thank you.", ref=thread.ref))
    work.session.execute(delete(ContactLink).where(ContactLink.thread_id == thread.id))
    work.session.add(ContactLink(thread_id=thread.id, conversation_id=chat.id))
    work.session.flush()
    work.tell(
        chat,
        lines(
            _("Request {ref} to the pool is yours now.", ref=thread.ref),
            _("See how it is going, or take it back: /requests"),
        ),
        (Button("/requests", _("My requests")),),
    )
    expert = expert_of(work, request)
    if expert is not None and expert.chat is not None:
        work.tell(
            expert.chat,
            _("Request {ref}: {name} goes on with it now.", ref=thread.ref, name=requester_in_words(work, chat)),
            (assignment_button(thread.ref),),
        )
        expect(work, chat)
    renew_card(work, thread)
