"""Offers: what experts are asked and told, and what their answers do (J-3 steps 2 to 4, F-10, F-17)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import select, update

from bot.commands import Button, OfferAnswer
from bot.contact_point import WorkingPeriod
from bot.conversation import MENU, Memory
from bot.i18n import _, lines, render
from bot.pool.profiles import profile_row_of
from bot.pool.request_words import what_is_wanted, when_and_where
from bot.pool.search import SEARCH, can_be_asked, ends_at, wanted
from bot.taxonomy import OfferState, RequestState, Urgency
from bot.work import Work
from bot.working_time import add_period, deadline
from storage.accounts import UserAccount
from storage.models import Conversation, Thread
from storage.pool import ExpertRequest, Offer, PoolProfile
from storage.scope import sorted_by

ASK_IF_AVAILABLE_AFTER: Final = 3
"""After so many offers in a row without an answer, an expert is asked whether they are still there (F-17)."""


ONE_HOUR: Final = WorkingPeriod(minutes=60)

THANKS: Final = _("Thank you for the quick answer.")

OVER: Final = {
    OfferState.ACCEPTED: _("You have accepted this request already. Everything about it: /assignments"),
    OfferState.DECLINED: _("You have answered this request already. Thank you."),
    OfferState.NOT_NEUTRAL: _("You have answered this request already. Thank you."),
    OfferState.EXPIRED: _("The time for this request is over. We go on looking without you. No problem."),
    OfferState.TAKEN: _("Thank you! The request has already been taken."),
    OfferState.RECALLED: _("This request is no longer needed. Thank you all the same."),
    OfferState.CANCELLED: _("You have handed this request back. Thank you for telling us."),
    OfferState.DONE: _("This request is finished. Thank you for your work."),
}
"""What an expert reads who answers an offer that does not wait any more."""


def offer_of(work: Work, conversation: Conversation, ref: str) -> tuple[ExpertRequest, Offer, PoolProfile] | None:
    """The last offer of a request to the expert of a chat."""
    profile = profile_row_of(work, conversation)
    if profile is None:
        return None
    found = work.session.execute(
        select(ExpertRequest, Offer)
        .join(Offer, Offer.request_id == ExpertRequest.id)
        .join(Thread, Thread.id == ExpertRequest.thread_id)
        .where(Thread.ref == ref, Offer.profile_id == profile.id)
        .order_by(sorted_by(Offer.id).desc())
        .limit(1)
    ).first()
    return (found[0], found[1], profile) if found is not None else None


def keep_open(work: Work, conversation: Conversation, ref: str, urgency: Urgency) -> bool:
    """An expert who asks something has time until after the answer; False for somebody without such an offer."""
    found = offer_of(work, conversation, ref)
    if found is None:
        return False
    request, offer, _profile = found
    answered = add_period(work.contact_point, deadline(work.contact_point, urgency, work.now), ONE_HOUR)
    if offer.state == OfferState.OPEN:
        offer.due_at = max(offer.due_at, min(answered, ends_at(wanted(request))))
    return True


def answer(work: Work, conversation: Conversation, ref: str, said: OfferAnswer) -> None:
    """Takes an expert's answer; of fifty who accept at once one wins, by one statement of the database."""
    found = offer_of(work, conversation, ref)
    if found is None:
        work.tell(conversation, _("I cannot find this request any more."), (MENU,))
        return
    request, offer, profile = found
    # Before the request is locked: what looks after it at this moment holds these.
    work.remind(SEARCH, request.id, work.now)
    work.write()
    work.session.refresh(request, with_for_update=True)
    work.session.refresh(offer)
    if offer.state != OfferState.OPEN:
        work.tell(conversation, OVER[OfferState(offer.state)], (MENU,))
        return
    profile.unanswered = 0
    offer.answered_at = work.now
    if said is OfferAnswer.ACCEPT and not can_be_asked(work, request, profile):
        # What the desk has changed since counts: a commitment withdrawn, a party's employer, the requester's own chat.
        offer.state = OfferState.RECALLED
        work.tell(conversation, OVER[OfferState.RECALLED], (MENU,))
        work.post(
            work.session.get(Thread, request.thread_id),
            _("{number} has accepted, but cannot be asked any more. Nobody was put in touch.", number=profile.number),
        )
    elif said is not OfferAnswer.ACCEPT:
        offer.state = OfferState.NOT_NEUTRAL if said is OfferAnswer.NOT_NEUTRAL else OfferState.DECLINED
        work.tell(conversation, THANKS)
    elif _wins(work, request, offer):
        offer.state = OfferState.ACCEPTED
        work.tell(conversation, _("Thank you. Your acceptance has arrived."))
    else:
        offer.state = OfferState.TAKEN
        work.tell(conversation, OVER[OfferState.TAKEN], (MENU,))


def _wins(work: Work, request: ExpertRequest, offer: Offer) -> bool:
    won = work.session.execute(
        update(ExpertRequest)
        .where(
            ExpertRequest.id == request.id,
            ExpertRequest.offer_id.is_(None),
            ExpertRequest.state == RequestState.OFFERED,
        )
        .values(offer_id=offer.id, state=RequestState.ACCEPTED)
        .execution_options(synchronize_session=False)
    )
    work.session.refresh(request)
    return won.rowcount == 1  # type: ignore[attr-defined,no-any-return]  # the cursor's count


_TOLD: Final = (OfferState.EXPIRED, OfferState.TAKEN, OfferState.RECALLED, OfferState.DONE)
"""What became of an offer without a word of the expert."""


def tell_experts(work: Work, request_id: int) -> None:
    """Sends the offers that were not sent yet, and tells who waits that an offer is over; each once."""
    untold = (Offer.request_id == request_id) & (
        (Offer.state == OfferState.OPEN) & Offer.asked_at.is_(None)
        | Offer.state.in_(_TOLD) & Offer.answered_at.is_(None)
    )
    with_chat = (
        select(UserAccount.id, Conversation)
        .join(UserAccount, UserAccount.conversation_id == Conversation.id)
        .join(PoolProfile, PoolProfile.account_id == UserAccount.id)
        .join(Offer, Offer.profile_id == PoolProfile.id)
        .where(untold)
        # In one order, so that two processes do not wait for each other.
        .order_by(sorted_by(Conversation.id))
        .with_for_update(of=Conversation)
    )
    chats = {row[0]: row[1] for row in work.session.execute(with_chat)}
    rows = work.session.execute(
        select(Offer, PoolProfile)
        .join(PoolProfile, PoolProfile.id == Offer.profile_id)
        .where(untold)
        .order_by(sorted_by(Offer.id))
    ).all()
    request = work.session.get(ExpertRequest, request_id)
    thread = work.session.get(Thread, request.thread_id) if request is not None else None
    if request is None or thread is None:
        return
    for offer, profile in rows:
        chat = chats.get(profile.account_id) if profile.account_id is not None else None
        if offer.state == OfferState.OPEN:
            offer.asked_at = work.now
            if chat is not None:
                _ask(work, thread, request, offer, chat)
            continue
        offer.answered_at = work.now
        if chat is None or offer.asked_at is None:
            continue
        work.tell(chat, lines(_("Request {ref}:", ref=thread.ref), OVER[OfferState(offer.state)]))
        if offer.state == OfferState.EXPIRED and profile.unanswered >= ASK_IF_AVAILABLE_AFTER:
            profile.unanswered = 0
            still = _("Are you still available? You can change your days and places at any time.")
            work.tell(chat, still, (Button("/profile", _("My profile in the pool")),))


def _ask(work: Work, thread: Thread, request: ExpertRequest, offer: Offer, chat: Conversation) -> None:
    buttons = offer_buttons(thread.ref)
    wish = wanted(request)
    work.tell(
        chat,
        lines(
            _("Request from the intervention pool: {ref}", ref=thread.ref),
            *what_is_wanted(wish, work.contact_point),
            *when_and_where(wish, work.contact_point, in_full=False),
            _("Please answer by {deadline}.", deadline=offer.due_at),
            _("You do not have to say why, whatever you answer."),
        ),
        buttons,
    )
    memory = Memory.from_json(chat.memory)
    if memory.state is None:
        # Where a messenger has no buttons, numbers and labels are understood as long as nothing else is asked.
        language = work.language_of(chat)
        offered = tuple((button.id, render(button.label, language)) for button in buttons)
        chat.memory = replace(memory, buttons=offered).to_json()


def offer_buttons(ref: str) -> tuple[Button, ...]:
    """The three answers to an offer (J-3)."""
    return (
        Button(f"/accept {ref}", _("Yes, in principle")),
        Button(f"/decline {ref}", _("No")),
        Button(f"/ask {ref}", _("I have a question")),
    )
