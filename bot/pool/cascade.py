"""How a search goes on by itself: offers run out, the next are asked, somebody wins, or the desk decides (F-03)."""

from __future__ import annotations

from typing import Final

from bot.commands import Button
from bot.desk.card import renew_card
from bot.desk.deadlines import answered, wait_for_answer
from bot.desk.room import open_or_take
from bot.i18n import Text, _, lines, ngettext, paragraphs
from bot.pool.assignment import expert_in_words, expert_of, introduce
from bot.pool.search import (
    REFUSED,
    SEARCH,
    TELL,
    end_offers,
    is_last_batch,
    locked,
    next_batch,
    offers_of,
    suggest,
    wanted,
    without_chat,
)
from bot.pool.week import expect
from bot.taxonomy import OfferState, RequestState, Urgency
from bot.work import Work
from bot.working_time import after_quiet_hours
from storage.models import Thread
from storage.pool import ExpertRequest, Offer, PoolProfile


def look_after(work: Work, request_id: int) -> None:
    """Does what has become necessary; doing it again changes nothing."""
    found = locked(work, request_id)
    if found is None:
        return
    request, thread = found
    state = RequestState(request.state)
    if state is RequestState.OFFERED:
        _go_on(work, request, thread)
    elif state is RequestState.ACCEPTED and request.accepted_at is None:
        _accepted(work, request, thread)


def _go_on(work: Work, request: ExpertRequest, thread: Thread) -> None:
    waiting = _expire(work, request)
    if waiting:
        work.remind(SEARCH, request.id, min(each.due_at for each in waiting))
        return
    if not is_last_batch(work, request):
        morning = after_quiet_hours(work.contact_point, work.now)
        if morning > work.now and thread.urgency != Urgency.URGENT:
            work.remind(SEARCH, request.id, morning)
            return
        asked = next_batch(work, request)
        if asked:
            _tell_next(work, request, thread, len(asked))
            return
    back_to_desk(work, request, thread)


def _expire(work: Work, request: ExpertRequest) -> list[Offer]:
    """Ends offers whose time is over; returns those that still wait."""
    waiting = []
    over = False
    for offer in offers_of(work, request):
        if offer.state != OfferState.OPEN:
            continue
        if offer.due_at > work.now:
            waiting.append(offer)
            continue
        offer.state = OfferState.EXPIRED
        profile = work.session.get_one(PoolProfile, offer.profile_id)
        profile.unanswered += 1
        over = True
    if over:
        work.session.flush()
        work.remind(TELL, request.id, work.now)
    return waiting


def _tell_next(work: Work, request: ExpertRequest, thread: Thread, asked: int) -> None:
    work.post(
        thread,
        ngettext(
            "Nobody has accepted yet. {n} more expert is being asked, until {due}.",
            "Nobody has accepted yet. {n} more experts are being asked, until {due}.",
            asked,
            due=request.due_at or work.now,
        ),
    )
    work.tell_person(
        thread,
        lines(
            _("Request {ref}: nobody has accepted so far. We keep looking.", ref=thread.ref),
            ngettext("We have asked {n} more expert.", "We have asked {n} more experts.", asked),
            _("You hear from us by {deadline}.", deadline=request.due_at or work.now),
        ),
    )
    renew_card(work, thread)


def back_to_desk(work: Work, request: ExpertRequest, thread: Thread) -> None:
    """Nobody is left to ask by itself: the desk decides, and both sides know it."""
    states = {each.state for each in offers_of(work, request) if each.batch > request.batches_before}
    if OfferState.EXPIRED in states:
        request.state = RequestState.TIMED_OUT
    elif states & REFUSED:
        request.state = RequestState.DECLINED_ALL
    else:
        request.state = RequestState.UNDER_REVIEW
    request.due_at = None
    thread.deadline = None
    wait_for_answer(work, thread)
    work.post(None, _("Request {ref}: nobody has accepted. How shall it go on?", ref=thread.ref), open_or_take(thread))
    work.post(thread, choices(work, request), CHOICE_BUTTONS)
    work.tell_person(
        thread,
        lines(
            _("Request {ref}: nobody has accepted so far.", ref=thread.ref),
            _("The contact point now decides how we go on. You do not have to do anything."),
            _("You hear from us by {deadline}.", deadline=thread.deadline) if thread.deadline else None,
        ),
    )
    renew_card(work, thread)


def choices(work: Work, request: ExpertRequest) -> Text:
    """What the desk can do when nobody accepts, with what stands in the way (F-03)."""
    ranking, _ids = suggest(work, request)
    conditions = wanted(request).conditions(work.contact_point, work.today, frozenset(), frozenset())
    reasons = [each.in_words(conditions) for each in ranking.excluded]
    return paragraphs(
        lines(
            _("Nobody has accepted. This is possible now:")
            if request.batch > request.batches_before
            else _("Nobody in the pool fits. This is possible now:"),
            _("/suggest – ask the next who fit"),
            _("/widen – look further: other places, days, languages"),
            _("/profession – ask for another profession, as language mediation with moderation"),
            _("/state_pool – a text for the pool of the state, without names"),
            _("/postpone 24.12.2026 – look again on that day"),
            _("/close – end it"),
        ),
        lines(
            ngettext("{n} more fits.", "{n} more fit.", ranking.fitting) if ranking.fitting else None,
            no_chat(work),
            _("Left out:") if reasons else None,
            *(_("• {reason}", reason=each) for each in reasons),
        ),
    )


def no_chat(work: Work) -> Text | None:
    """How many of the pool cannot be asked, because they have no chat; None for nobody."""
    n = without_chat(work)
    return (
        ngettext(
            "{n} of the pool has no chat and cannot be asked here.",
            "{n} of the pool have no chat and cannot be asked here.",
            n,
        )
        if n
        else None
    )


CHOICE_BUTTONS: Final = (
    Button("/suggest", _("Next suggestions")),
    Button("/widen", _("Look further")),
    Button("/profession", _("Another profession")),
    Button("/state_pool", _("Pool of the state")),
)
"""Those of the choices that need no words."""


def _accepted(work: Work, request: ExpertRequest, thread: Thread) -> None:
    """Somebody has won: the others are thanked, and the two are put in touch."""
    request.accepted_at = work.now
    request.due_at = None
    end_offers(work, request, OfferState.TAKEN)
    answered(work, thread)
    expert = expert_of(work, request)
    if expert is None:
        return
    work.post(
        thread,
        _("Accepted by {expert}. The requester and the expert are in touch now.", expert=expert_in_words(expert)),
    )
    work.post(None, _("Request {ref}: an expert has accepted.", ref=thread.ref), open_or_take(thread)[:1])
    introduce(work, request, thread, expert)
    expect(work, work.person(thread), expert.chat)
    renew_card(work, thread)
