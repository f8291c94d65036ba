"""A request to the pool as the desk has it: it hangs on its thread, and is over when that is closed."""

from __future__ import annotations

from sqlalchemy import select

from bot.pool.request import PoolRequest
from bot.pool.search import finish, recall
from bot.taxonomy import OVER, RUNNING, RequestState
from bot.work import Work
from storage.models import Thread
from storage.pool import ExpertRequest


def request_of(work: Work, thread: Thread) -> ExpertRequest | None:
    """What of the pool is asked for in the thread; None for a report or a chat."""
    return work.session.scalars(select(ExpertRequest).where(ExpertRequest.thread_id == thread.id)).one_or_none()


def kept_from_others(work: Work, request: ExpertRequest) -> ExpertRequest:
    """The request as it is now, out of reach of experts who answer at this moment, until the commit."""
    work.session.flush()
    work.session.refresh(request, with_for_update=True)
    return request


def asked(request: ExpertRequest) -> PoolRequest | None:
    """The answers of the requester; None for what cannot be read."""
    try:
        return PoolRequest.from_json(request.details or {})
    except (KeyError, TypeError, ValueError):
        return None


def end(work: Work, request: ExpertRequest) -> None:
    """The thread is closed: what runs is done, what still looked for somebody is cancelled."""
    state = RequestState(kept_from_others(work, request).state)
    if state in OVER:
        return
    if state in RUNNING:
        finish(work, request)
        request.state = RequestState.DONE
        request.ended_at = work.now
    else:
        cancel(work, request)


def cancel(work: Work, request: ExpertRequest) -> None:
    """Nobody is needed any more."""
    recall(work, kept_from_others(work, request))
    request.state = RequestState.CANCELLED
    request.ended_at = work.now


def resume(request: ExpertRequest) -> None:
    """The thread is open again: the desk decides how it goes on."""
    if RequestState(request.state) in OVER:
        request.state = RequestState.UNDER_REVIEW
        request.offer_id = request.accepted_at = None
        request.ended_at = None
