"""After an acceptance: requester and expert in touch, how it goes, how it ends (J-3 steps 5 to 7, F-15, F-18).

What the two write to each other is passed on and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select

from bot.accounts import person_of
from bot.commands import Button, GiveFeedback
from bot.conversation import MENU
from bot.desk.card import SIDES, renew_card
from bot.desk.deadlines import answered, wait_for_answer
from bot.desk.room import open_or_take
from bot.engine.scope import OwnAssignment, Side
from bot.i18n import Text, _, lines, render, verbatim
from bot.periods import FOLLOW_UP
from bot.pool.profile import Profile
from bot.pool.profiles import profile_in, profile_row_of
from bot.pool.request_words import STATE_WORDS, parties_in_words, professions_in_words, when_and_where
from bot.pool.search import FOLLOW, SEARCH, chat_of, finish, locked, wanted
from bot.taxonomy import RUNNING, OfferState, RequestState, Urgency
from bot.work import Work
from bot.working_time import next_service
from storage import accounts
from storage.models import ContactLink, Conversation, Thread
from storage.pool import ExpertRequest, Offer, PoolProfile
from storage.scope import sorted_by


@dataclass(frozen=True)
class Expert:
    """Who has accepted: as the pool knows them, and where they can be reached."""

    row: PoolProfile
    profile: Profile = field(repr=False)
    chat: Conversation | None
    offer: Offer


PROGRESS: Final = (RequestState.CONFIRMED, RequestState.APPOINTED, RequestState.IN_PROGRESS, RequestState.DONE)
"""What either side can tell, in this order."""


def expert_of(work: Work, request: ExpertRequest) -> Expert | None:
    """Who has accepted; None before, and once the profile is deleted."""
    offer = work.session.get(Offer, request.offer_id) if request.offer_id is not None else None
    row = work.session.get(PoolProfile, offer.profile_id) if offer is not None else None
    if offer is None or row is None:
        return None
    return Expert(row, profile_in(row), chat_of(work, row), offer)


def expert_in_words(expert: Expert) -> Text:
    """Name and pool number, for the desk."""
    return _("{name} ({number})", name=expert.profile.name, number=expert.row.number)


def requester_in_words(work: Work, person: Conversation) -> Text:
    """Name and organisation of who asks, as far as they are known."""
    account = accounts.of_chat(work.session, person)
    if account is None:
        return _("the person who asked")
    known = person_of(account)
    organisation = work.contact_point.organisation(known.organisation) if known.organisation else None
    if organisation is not None and known.name:
        return _("{name} ({organisation})", name=known.name, organisation=organisation.name)
    return verbatim(known.name) if known.name else _("the person who asked")


def introduce(work: Work, request: ExpertRequest, thread: Thread, expert: Expert) -> None:
    """Puts the two in touch; both have agreed to it before (J-2 step 8)."""
    person = work.person(thread)
    wish = wanted(request)
    if person is not None:
        work.tell(
            person,
            lines(
                _("Good news: an expert has accepted your request {ref}.", ref=thread.ref),
                _("It is {name}.", name=expert.profile.name),
                WRITE_HERE,
                NOTHING_OF_THE_CASE,
            ),
            (write_button(thread.ref), assignment_button(thread.ref)),
        )
    if expert.chat is not None:
        work.tell(
            expert.chat,
            lines(
                _("The request {ref} is yours.", ref=thread.ref),
                _("Asked by: {name}", name=requester_in_words(work, person)) if person is not None else None,
                _("On behalf of: {who}", who=wish.on_behalf_of) if wish.on_behalf_of else None,
                *when_and_where(wish, work.contact_point, in_full=True),
                WRITE_HERE,
                NOTHING_OF_THE_CASE,
                _("Should you have to cancel: /assignments"),
            ),
            (write_button(thread.ref), assignment_button(thread.ref)),
        )


WRITE_HERE: Final = _("You can write to each other here, until you have exchanged telephone numbers.")
NOTHING_OF_THE_CASE: Final = _("Please write nothing about the case here, and no names. Talk about it in person.")


def write_button(ref: str) -> Button:
    """Leads to a message to the other one."""
    return Button(f"/write {ref}", _("Write a message"))


def assignment_button(ref: str) -> Button:
    """Leads to telling how it goes."""
    return Button(f"/assignment {ref}", _("Say how it is going"))


@dataclass(frozen=True)
class Running:
    """An assignment as seen from the chat of one of the two."""

    request: ExpertRequest
    thread: Thread
    expert: Expert
    person: Conversation | None
    by_expert: bool

    @property
    def other(self) -> Conversation | None:
        """The chat of the other one."""
        return self.person if self.by_expert else self.expert.chat


def running(work: Work, conversation: Conversation, ref: str) -> Running | None:
    """The assignment of this number, locked, if the chat is that of its requester or its expert."""
    request_id = work.session.scalar(
        select(ExpertRequest.id).join(Thread, Thread.id == ExpertRequest.thread_id).where(Thread.ref == ref)
    )
    found = locked(work, request_id) if request_id is not None else None
    if found is None:
        return None
    request, thread = found
    expert = expert_of(work, request)
    person = work.person(thread)
    if expert is None or conversation.id not in (
        person.id if person is not None else None,
        expert.chat.id if expert.chat is not None else None,
    ):
        return None
    by_expert = expert.chat is not None and conversation.id == expert.chat.id
    return Running(request, thread, expert, person, by_expert)


def pass_on(work: Work, conversation: Conversation, ref: str, text: str) -> bool:
    """Brings words from one to the other; False when there is nobody to bring them to."""
    found = running(work, conversation, ref)
    if found is None or RequestState(found.request.state) not in RUNNING or found.other is None:
        work.tell(conversation, _("Your message was not sent: this assignment is over, or the other person has left."))
        return False
    who = verbatim(found.expert.profile.name) if found.by_expert else requester_in_words(work, conversation)
    work.tell(
        found.other,
        _("{name} writes about {ref}:\n{text}", name=who, ref=ref, text=text),
        (Button(f"/write {ref}", _("Answer")),),
    )
    return True


def report_progress(work: Work, conversation: Conversation, ref: str, state: RequestState) -> None:
    """Takes what one of the two tells of how it goes; the end leads to three questions for both."""
    found = running(work, conversation, ref)
    if found is None or RequestState(found.request.state) not in RUNNING or state not in PROGRESS:
        work.tell(conversation, _("This assignment is not under way any more."))
        return
    request, thread = found.request, found.thread
    request.state = state
    work.post(thread, _("State: {state}", state=STATE_WORDS[state]))
    if state is RequestState.DONE:
        end(work, request, thread, found.expert)
    else:
        work.tell(conversation, _("Thank you. Noted: {state}.", state=STATE_WORDS[state]))
        if found.other is not None:
            work.tell(found.other, _("Request {ref}: {state}.", ref=ref, state=STATE_WORDS[state]))
    renew_card(work, thread)


def end(work: Work, request: ExpertRequest, thread: Thread, expert: Expert) -> None:
    """The work is done: the place is free again, and both are asked three short questions (R-56)."""
    finish(work, request, tells=False)
    request.state = RequestState.DONE
    request.ended_at = work.now
    thread.closed_at = work.now
    thread.result = RequestState.DONE
    answered(work, thread)
    told = lines(
        _("Request {ref} is finished. Thank you.", ref=thread.ref),
        _("A few short questions, so that the pool gets better. Nothing about the case."),
    )
    for chat in (work.person(thread), expert.chat):
        if chat is not None:
            work.tell(chat, told, (Button(f"/feedback {thread.ref}", _("Answer the questions")),))


def cancel(work: Work, conversation: Conversation, ref: str) -> None:
    """The expert cannot do it after all: the search begins anew, more urgent than before (F-15)."""
    found = running(work, conversation, ref)
    if found is None or not found.by_expert or RequestState(found.request.state) not in RUNNING:
        work.tell(conversation, _("This assignment is not under way any more."))
        return
    hand_back(work, found.request, found.thread, found.expert)
    work.tell(conversation, _("Done. The request is with the contact point again. Thank you for telling us."))


def hand_back(work: Work, request: ExpertRequest, thread: Thread, expert: Expert) -> None:
    """Nobody does it any more: back to the desk, a step more urgent; the requester is told."""
    expert.offer.state = OfferState.CANCELLED
    request.offer_id = None
    request.accepted_at = None
    request.state = RequestState.UNDER_REVIEW
    thread.urgency = _MORE_URGENT[Urgency(thread.urgency)]
    thread.deadline = None
    wait_for_answer(work, thread, Urgency(thread.urgency))
    work.post(
        None,
        _("Request {ref}: the expert has cancelled. Please look for somebody else.", ref=thread.ref),
        open_or_take(thread),
    )
    work.post(
        thread, _("{expert} has cancelled.", expert=expert_in_words(expert)), (Button("/suggest", _("Suggestions")),)
    )
    work.tell_person(
        thread,
        lines(
            _("Request {ref}: the expert has had to cancel. We are sorry.", ref=thread.ref),
            _("We look for somebody else at once. You do not have to do anything."),
            _("You hear from us by {deadline}.", deadline=thread.deadline) if thread.deadline else None,
        ),
    )
    renew_card(work, thread)


_MORE_URGENT: Final = {
    Urgency.LOW: Urgency.NORMAL,
    Urgency.NORMAL: Urgency.SOON,
    Urgency.SOON: Urgency.URGENT,
    Urgency.URGENT: Urgency.URGENT,
}


def gone(work: Work, profile: PoolProfile, *, finishes: bool = False) -> None:
    """Somebody is not in the pool any more: what they had goes back, unless they finish what is under way (F-14)."""
    rows = work.session.execute(
        select(Offer.id, Offer.request_id)
        .where(Offer.profile_id == profile.id, Offer.state.in_((OfferState.OPEN, OfferState.ACCEPTED)))
        # In one order, so that two processes do not wait for each other.
        .order_by(sorted_by(Offer.request_id))
    ).all()
    for offer_id, request_id in rows:
        found = locked(work, request_id)
        offer = work.session.get(Offer, offer_id, with_for_update=True, populate_existing=True)
        if found is None or offer is None:
            continue
        request, thread = found
        if offer.state == OfferState.OPEN:
            offer.state = OfferState.RECALLED
            offer.answered_at = work.now
            work.remind(SEARCH, request_id, work.now)
        elif not finishes and request.offer_id == offer.id:
            expert = expert_of(work, request)
            if expert is not None:
                hand_back(work, request, thread, expert)


def keep_feedback(work: Work, conversation: Conversation, said: GiveFeedback) -> None:
    """Keeps what one of the two said at the end; whoever says it twice replaces it."""
    found = running(work, conversation, said.ref)
    if found is None or found.request.state != RequestState.DONE:
        work.tell(conversation, _("I cannot find this request any more."), (MENU,))
        return
    side = Side.EXPERT if found.by_expert else Side.REQUESTER
    choices: dict[str, object] = {"helped": said.helped, "cooperation": said.cooperation, "again": said.again}
    if found.by_expert:
        found.request.hours = said.hours if said.hours is not None else found.request.hours
    else:
        choices.update(obstacles=list(said.obstacles), success_factors=list(said.success_factors))
        if said.follow_up:
            work.remind(FOLLOW, found.request.id, next_service(work.contact_point, work.now + FOLLOW_UP))
        else:
            work.forget_reminder(found.request.id, FOLLOW)
    found.request.feedback = {**(found.request.feedback or {}), str(side): choices}
    work.tell(conversation, _("Thank you. That helps the pool."), (MENU,))
    work.post(found.thread, _("Feedback has arrived: {side}.", side=SIDES[side]))
    renew_card(work, found.thread)


def ask_whether_it_lasts(work: Work, request_id: int) -> None:
    """Asks who had asked, as they wished, whether it has lasted (J-2 step 9)."""
    found = locked(work, request_id)
    if found is None or found[0].state != RequestState.DONE:
        return
    work.tell_person(
        found[1],
        lines(
            _("Request {ref}: four weeks ago it was finished. Has it lasted?", ref=found[1].ref),
            _("If all is well, you do not have to do anything."),
        ),
        (Button("/expert", _("Ask for an expert again")), Button("/human", _("Talk to a person")), MENU),
    )


def own_assignments(work: Work, conversation: Conversation) -> tuple[OwnAssignment, ...]:
    """Offers and assignments that the person of a chat has a part in, the newest first."""
    return (*_as_expert(work, conversation), *_as_requester(work, conversation))


def _as_expert(work: Work, conversation: Conversation) -> Iterator[OwnAssignment]:
    profile = profile_row_of(work, conversation)
    if profile is None:
        return
    rows = work.session.execute(
        select(ExpertRequest, Offer, Thread)
        .join(Offer, Offer.request_id == ExpertRequest.id)
        .join(Thread, Thread.id == ExpertRequest.thread_id)
        .where(Offer.profile_id == profile.id)
        .order_by(sorted_by(Offer.id).desc())
    )
    for request, offer, thread in rows:
        person = work.person(thread) if offer.state in (OfferState.ACCEPTED, OfferState.DONE) else None
        wish = wanted(request)
        yield OwnAssignment(
            ref=thread.ref,
            side=Side.EXPERT,
            state=RequestState(request.state),
            offer=OfferState(offer.state),
            what=professions_in_words(wish, work.contact_point),
            due_at=offer.due_at,
            asked_at=offer.sent_at,
            hours=request.hours if offer.state == OfferState.DONE else None,
            parties=parties_in_words(wish),
            other=render(requester_in_words(work, person), work.language_of(conversation))
            if person is not None
            else "",
        )


def _as_requester(work: Work, conversation: Conversation) -> Iterator[OwnAssignment]:
    rows = work.session.execute(
        select(ExpertRequest, Thread)
        .join(Thread, Thread.id == ExpertRequest.thread_id)
        .join(ContactLink, ContactLink.thread_id == Thread.id)
        .where(ContactLink.conversation_id == conversation.id, ExpertRequest.offer_id.is_not(None))
        .order_by(sorted_by(Thread.id).desc())
    )
    for request, thread in rows:
        expert = expert_of(work, request)
        if expert is not None:
            yield OwnAssignment(
                ref=thread.ref,
                side=Side.REQUESTER,
                state=RequestState(request.state),
                offer=OfferState(expert.offer.state),
                what=professions_in_words(wanted(request), work.contact_point),
                other=expert.profile.name,
            )
