"""The search for somebody of the pool: released by a human, then by itself until somebody accepts (R-52, J-3, F-03).

Whoever answers changes only the offer and the request. What follows is done at a moment of its own (SEARCH), and
experts are told at another (TELL): so no two processes wait for each other, and whatever a process that dies has left
undone is done by the next. Locks are taken in one order: chat and thread of the request, the request, its offers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import func, select

from bot.contact_point import WorkingPeriod
from bot.i18n import ZONE
from bot.pool.matching import SHOWN, Ranking, Standing, forbids, rank
from bot.pool.profile import Profile
from bot.pool.profiles import members, profile_in
from bot.pool.request import PoolRequest
from bot.pool.words import professions_of
from bot.taxonomy import OfferState, RequestState
from bot.work import Work
from bot.working_time import add_period
from storage.accounts import UserAccount
from storage.models import ContactLink, Conversation, Thread
from storage.pool import ExpertRequest, Offer, PoolProfile
from storage.scope import sorted_by

SEARCH: Final = "pool_search"
"""The moment at which a search is looked after; its subject is the request."""

TELL: Final = "pool_tell"
"""The moment at which experts are told what became of offers; its subject is the request."""

FOLLOW: Final = "pool_follow"
"""The moment at which it is asked whether it has lasted; its subject is the request."""

LARGEST_BATCH: Final = 3
"""How many experts are asked at once at most (R-52)."""

REFUSED: Final = frozenset({OfferState.DECLINED, OfferState.NOT_NEUTRAL, OfferState.CANCELLED})
"""Who has answered so is never asked about this request again."""


def wanted(request: ExpertRequest) -> PoolRequest:
    """What is asked for."""
    return PoolRequest.from_json(request.details or {})


def offers_of(work: Work, request: ExpertRequest) -> Sequence[Offer]:
    """All offers of a request, the first ones first."""
    return work.session.scalars(select(Offer).where(Offer.request_id == request.id).order_by(sorted_by(Offer.id))).all()


def standings(work: Work) -> dict[int, Standing]:
    """What each expert has to do and how often it was their turn, by the ids of the rows."""
    under_way: Counter[tuple[int, str]] = Counter()
    counted = (
        select(Offer.profile_id, Offer.state, func.count())
        .where(Offer.state.in_((OfferState.OPEN, OfferState.ACCEPTED)))
        .group_by(Offer.profile_id, Offer.state)
    )
    for profile_id, state, n in work.session.execute(counted):
        under_way[profile_id, state] = n
    return {
        key: Standing(
            running=under_way[key, OfferState.ACCEPTED],
            open_offers=under_way[key, OfferState.OPEN],
            last_asked=asked,
            offers=offers,
        )
        for key, asked, offers in work.session.execute(
            select(PoolProfile.id, PoolProfile.last_asked_at, PoolProfile.offers).where(PoolProfile.left_at.is_(None))
        )
    }


def suggest(work: Work, request: ExpertRequest, at_most: int | None = SHOWN) -> tuple[Ranking, dict[str, int]]:
    """Whom to ask, and the ids of the rows by pool number: only who can be asked in a chat, and never who asks."""
    own = _account_of_requester(work, request)
    wish = wanted(request)
    employers = _employers(work) if wish.organisations else {}
    known = [
        each._replace(profile=_employed(each.profile, employers.get(each.account_id or 0, "")))
        for each in members(work)
        if each.account_id not in (None, own)
    ]
    asked, declined = _asked(work, request, {each.id: each.profile.id for each in known})
    here = standings(work)
    ranking = rank(
        wish.conditions(work.contact_point, work.today, asked, declined),
        [each.profile for each in known],
        {each.profile.id: here[each.id] for each in known if each.id in here},
        work.today,
        professions_of(work.contact_point),
        at_most,
    )
    return ranking, {each.profile.id: each.id for each in known}


def _employers(work: Work) -> dict[int, str]:
    """Where people with a chat work, as their codes said; for whom the profile does not."""
    names = {each.slug: each.name for each in work.contact_point.organisations}
    rows = work.session.execute(
        select(UserAccount.id, UserAccount.organisation)
        .join(PoolProfile, PoolProfile.account_id == UserAccount.id)
        .where(UserAccount.organisation.is_not(None))
    )
    return {key: names.get(organisation, organisation) for key, organisation in rows if organisation}


def _employed(profile: Profile, employer: str) -> Profile:
    return replace(profile, organisation=employer) if employer and not profile.organisation else profile


def _asked(work: Work, request: ExpertRequest, numbers: dict[int, str]) -> tuple[frozenset[str], frozenset[str]]:
    """Who was asked in the search under way, and who has refused in any."""
    asked, refused = set(), set()
    for offer in offers_of(work, request):
        number = numbers.get(offer.profile_id)
        if number is None:
            continue
        if OfferState(offer.state) in REFUSED:
            refused.add(number)
        elif offer.batch > request.batches_before and request.state == RequestState.OFFERED:
            asked.add(number)
    return frozenset(asked), frozenset(refused)


def can_be_asked(work: Work, request: ExpertRequest, row: PoolProfile) -> bool:
    """Whether nothing forbids that this expert does it, as far as it is never let go (R-57, F-10)."""
    wish = wanted(request)
    employer = _employers(work).get(row.account_id or 0, "") if wish.organisations else ""
    known = wish.conditions(work.contact_point, work.today, frozenset(), frozenset())
    return (
        row.left_at is None
        and row.account_id != _account_of_requester(work, request)
        and not forbids(known, _employed(profile_in(row), employer), work.today)
    )


def _account_of_requester(work: Work, request: ExpertRequest) -> int | None:
    return work.session.scalar(
        select(UserAccount.id)
        .join(ContactLink, ContactLink.conversation_id == UserAccount.conversation_id)
        .where(ContactLink.thread_id == request.thread_id)
    )


def chat_of(work: Work, profile: PoolProfile) -> Conversation | None:
    """The chat that an expert is asked in."""
    return work.session.scalars(
        select(Conversation)
        .join(UserAccount, UserAccount.conversation_id == Conversation.id)
        .where(UserAccount.id == profile.account_id)
    ).one_or_none()


def without_chat(work: Work) -> int:
    """How many of the pool cannot be asked here, because they have no chat."""
    return work.session.scalar(
        select(func.count()).select_from(PoolProfile).where(
            PoolProfile.left_at.is_(None), PoolProfile.account_id.is_(None)
        )
    ) or 0  # fmt: skip


def release(
    work: Work, request: ExpertRequest, size: int, period: WorkingPeriod, only: Collection[str] = ()
) -> list[Profile]:
    """Begins the search as a human has decided; `only`: the first to ask. Returns who is asked first."""
    request.batches_before = request.batch
    request.batch_size, request.answer_minutes, request.answer_days = size, period.minutes, period.days
    return next_batch(work, request, only)


def answer_period(request: ExpertRequest) -> WorkingPeriod:
    """The time an expert has."""
    return WorkingPeriod(minutes=request.answer_minutes, days=request.answer_days)


def ends_at(wish: PoolRequest) -> datetime:
    """The moment from which nobody can come any more: the appointment, or the end of the last day."""
    return wish.starts_at or datetime.combine(wish.last_day + timedelta(days=1), time(), ZONE)


def next_batch(work: Work, request: ExpertRequest, only: Collection[str] = ()) -> list[Profile]:
    """Makes the offers of the next batch; none when nobody fits."""
    if work.now >= ends_at(wanted(request)):
        return []
    ranking, ids = suggest(work, request, None if only else request.batch_size)
    chosen = [each.profile for each in ranking.suggestions if not only or each.profile.id in only]
    if not chosen:
        return []
    request.batch += 1
    request.state = RequestState.OFFERED
    due = add_period(work.contact_point, work.now, answer_period(request))
    request.due_at = min(due, ends_at(wanted(request)))
    # In one order, so that two searches do not wait for each other.
    for profile in sorted(chosen, key=lambda each: ids[each.id]):
        row = work.session.get_one(PoolProfile, ids[profile.id])
        row.offers += 1
        row.last_asked_at = work.now
        work.session.add(
            Offer(
                request_id=request.id,
                profile_id=row.id,
                batch=request.batch,
                state=OfferState.OPEN,
                sent_at=work.now,
                due_at=request.due_at,
            )
        )
    work.session.flush()
    work.remind(SEARCH, request.id, request.due_at)
    work.remind(TELL, request.id, work.now)
    return chosen


def locked(work: Work, request_id: int) -> tuple[ExpertRequest, Thread] | None:
    """A request with its thread, out of reach of other processes until the commit."""
    thread = work.session.scalars(
        select(Thread).join(ExpertRequest, ExpertRequest.thread_id == Thread.id).where(ExpertRequest.id == request_id)
    ).one_or_none()
    if thread is None:
        return None
    work.alone_with(thread)
    request = work.session.get(ExpertRequest, request_id, with_for_update=True, populate_existing=True)
    return (request, thread) if request is not None else None


def is_last_batch(work: Work, request: ExpertRequest) -> bool:
    """Whether the desk decides how it goes on once this batch is over (F-03)."""
    return request.batch - request.batches_before >= work.contact_point.pool.batches


def end_offers(work: Work, request: ExpertRequest, state: OfferState) -> None:
    """Ends the offers that wait for an answer; who had them is told."""
    open_ = [each for each in offers_of(work, request) if each.state == OfferState.OPEN]
    for each in open_:
        each.state = state
    if open_:
        work.session.flush()
        work.remind(TELL, request.id, work.now)


def recall(work: Work, request: ExpertRequest) -> None:
    """Nobody is needed any more: who was asked or has accepted is told."""
    end_offers(work, request, OfferState.RECALLED)
    accepted = accepted_offer(work, request)
    if accepted is not None:
        accepted.state, accepted.answered_at = OfferState.RECALLED, None
        work.remind(TELL, request.id, work.now)
    _stop(work, request)


def finish(work: Work, request: ExpertRequest, *, tells: bool = True) -> None:
    """The work is done: the expert has a place free again, and is told where nobody else tells it."""
    accepted = accepted_offer(work, request)
    if accepted is not None:
        accepted.state = OfferState.DONE
        if tells:
            accepted.answered_at = None
            work.remind(TELL, request.id, work.now)
    _stop(work, request)


def _stop(work: Work, request: ExpertRequest) -> None:
    request.due_at = None
    work.forget_reminder(request.id, SEARCH)


def accepted_offer(work: Work, request: ExpertRequest) -> Offer | None:
    """The offer of whoever does it now."""
    offer = work.session.get(Offer, request.offer_id) if request.offer_id is not None else None
    return offer if offer is not None and offer.state == OfferState.ACCEPTED else None
