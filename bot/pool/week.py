"""Mondays: one message to a chat with all that waits for a word of theirs (J-2 step 12)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import or_, select

from bot.accounts import person_of
from bot.commands import Button
from bot.engine.scope import Side
from bot.i18n import ZONE, Text, _, lines
from bot.pool.profiles import profile_in, profile_row_of
from bot.pool.request_words import STATE_WORDS, what_in_words
from bot.pool.search import wanted
from bot.taxonomy import POOL, REQUESTERS, RUNNING, RequestState
from bot.work import Work
from bot.working_time import next_service
from storage import accounts
from storage.accounts import UserAccount
from storage.models import ContactLink, Conversation, Thread
from storage.pool import ExpertRequest, Offer
from storage.scope import sorted_by

WEEK: Final = "pool_week"
"""The moment at which a chat is told what waits for it; its subject is the chat."""

BEGINS: Final = time(9)
FIRST_CONTACT: Final = timedelta(days=5)
"""How long after an acceptance nobody is asked whether there was contact."""

FEEDBACK: Final = timedelta(days=15)
"""How long after the end the three questions are brought to mind."""

MOST_BUTTONS: Final = 6


def expect(work: Work, *chats: Conversation | None) -> None:
    """From the next Monday on these chats are told what waits for them, as long as something does."""
    for chat in chats:
        if chat is not None:
            work.remind(WEEK, chat.id, next_week(work))


def next_week(work: Work) -> datetime:
    """Nine o'clock of a Monday, or when the contact point opens next after it, as on a holiday."""
    monday = work.today - timedelta(days=work.today.weekday())
    while True:
        at = next_service(work.contact_point, datetime.combine(monday, BEGINS, ZONE))
        if at > work.now:
            return at
        monday += timedelta(days=7)


def week_begins(work: Work, chat_id: int) -> None:
    """Tells a chat what waits for it; who is away is told on a later Monday."""
    chat = work.session.get(Conversation, chat_id, with_for_update=True)
    account = accounts.of_chat(work.session, chat) if chat is not None else None
    if chat is None or account is None:
        return
    open_ = list(_open(work, chat, account))
    if not open_:
        return
    steps = [each for each in open_ if each.waits]
    if steps and not _is_away(work, chat, account):
        work.tell(
            chat,
            lines(
                _("This is open with you:"),
                *(_("• {step}", step=each.in_words) for each in steps),
                _("A press is enough. Please write nothing about the case."),
                _("I ask on Mondays, as long as something is open."),
            ),
            tuple(each.button for each in steps[:MOST_BUTTONS]),
        )
    expect(work, chat)


@dataclass(frozen=True)
class _Step:
    """One thing under way; `waits`: for a word of this person, this week."""

    in_words: Text
    button: Button
    waits: bool


def _open(work: Work, chat: Conversation, account: UserAccount) -> Iterator[_Step]:
    roles = person_of(account).roles.keys()
    profile = profile_row_of(work, chat) if not POOL.isdisjoint(roles) else None
    asked = select(ContactLink.thread_id).where(ContactLink.conversation_id == chat.id)
    rows = work.session.execute(
        select(ExpertRequest, Thread, Offer.profile_id)
        .join(Thread, Thread.id == ExpertRequest.thread_id)
        .join(Offer, Offer.id == ExpertRequest.offer_id)
        .where(
            or_(
                Offer.profile_id == (profile.id if profile is not None else 0),
                ExpertRequest.thread_id.in_(asked if not REQUESTERS.isdisjoint(roles) else ()),
            ),
            or_(ExpertRequest.ended_at.is_(None), ExpertRequest.ended_at > work.now - FEEDBACK),
        )
        .order_by(sorted_by(ExpertRequest.id))
    )
    for request, thread, asked_one in rows:
        side = Side.EXPERT if profile is not None and asked_one == profile.id else Side.REQUESTER
        if request.state in RUNNING:
            yield _under_way(work, request, thread)
        elif request.state == RequestState.DONE and side not in (request.feedback or {}):
            yield _Step(
                _("{ref}: finished. A few short questions wait for you.", ref=thread.ref),
                Button(f"/feedback {thread.ref}", _("{ref}: the questions", ref=thread.ref)),
                waits=True,
            )


def _under_way(work: Work, request: ExpertRequest, thread: Thread) -> _Step:
    wish = wanted(request)
    if request.state == RequestState.ACCEPTED:
        waits = request.accepted_at is not None and work.now - request.accepted_at >= FIRST_CONTACT
    else:
        waits = work.today > wish.last_day
    what, state = what_in_words(wish, work.contact_point), STATE_WORDS[RequestState(request.state)]
    return _Step(
        _("{ref} · {what} · {state}. How is it going?", ref=thread.ref, what=what, state=state),
        Button(f"/assignment {thread.ref}", _("{ref}: how it is going", ref=thread.ref)),
        waits,
    )


def _is_away(work: Work, chat: Conversation, account: UserAccount) -> bool:
    row = profile_row_of(work, chat)
    days = profile_in(row).away if row is not None else ()
    return person_of(account).is_away(work.today) or any(each.touches(work.today, work.today) for each in days)
