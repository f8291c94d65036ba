"""By when somebody who waits gets an answer, and what happens as the time runs out (F-01)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from bot.desk.room import open_or_take
from bot.i18n import Phone, Text, _, lines
from bot.taxonomy import Urgency
from bot.work import Work
from bot.working_time import deadline, fraction_due
from storage.models import DueRow, Thread

STAGES: Final = (50, 80, 100)
"""Percent of the working time until the answer is due."""

KINDS: Final = tuple(f"deadline_{stage}" for stage in STAGES)

TOLD_AT_MOST: Final = 2
"""How often a person is told of a delay; more would be a reproach to them."""


def wait_for_answer(work: Work, thread: Thread, urgency: Urgency | None = None) -> None:
    """Somebody waits for an answer from now on; who waits already keeps their deadline, or gets an earlier one."""
    if thread.waiting_since is None:
        thread.waiting_since = work.now
    due = thread.deadline
    sooner = urgency is not None and due is not None and deadline(work.contact_point, urgency, work.now) < due
    if due is None or due <= work.now or sooner:
        _set_deadline(work, thread, urgency or Urgency(thread.urgency))


def wait_until(work: Work, thread: Thread, due: datetime) -> None:
    """Somebody waits from now on for an answer that was promised by then."""
    thread.waiting_since = thread.waiting_since or work.now
    _wait_until(work, thread, due)


def answered(work: Work, thread: Thread) -> None:
    """Nobody waits any more."""
    thread.waiting_since = None
    thread.deadline = None
    work.forget_reminder(thread.id, *KINDS)


def deadline_came(work: Work, thread: Thread, stage: int) -> None:
    """Pings whoever is nearest; at the end everybody, and the person is told honestly."""
    if thread.waiting_since is None or thread.deadline is None or thread.closed_at is not None:
        return
    if _later_stage_came_too(work, thread, stage):
        return
    work.post(None, _ping(work, thread, stage), open_or_take(thread))
    if stage < STAGES[-1]:
        return
    lapsed = thread.lapses + 1
    thread.lapses = lapsed
    _set_deadline(work, thread, Urgency.SOON if thread.urgency != Urgency.URGENT else Urgency.URGENT)
    person = work.person(thread)
    if person is not None and lapsed <= TOLD_AT_MOST:
        work.tell(
            person,
            lines(
                _(
                    "We have not managed to answer yet. We are sorry. We answer by {deadline}.",
                    deadline=thread.deadline,
                ),
                _("You can also call: {phone}", phone=Phone(work.contact_point.phone)),
            ),
        )


def _later_stage_came_too(work: Work, thread: Thread, stage: int) -> bool:
    """After a standstill, only the last ping is worth reading."""
    work.write()
    later = [f"deadline_{each}" for each in STAGES if each > stage]
    return (
        work.session.scalars(
            select(DueRow).where(
                DueRow.subject == thread.id,
                DueRow.kind.in_(later),
                DueRow.done_at.is_(None),
                DueRow.due_at <= work.now,
            )
        ).first()
        is not None
    )


def _ping(work: Work, thread: Thread, stage: int) -> Text:
    ref, due = thread.ref, thread.deadline or work.now
    if stage == 50 and thread.taken_by:
        return _("{who}: half of the time for {ref} is over. Answer by {due}.", who=thread.taken_by, ref=ref, due=due)
    if stage == 50:
        return _("Half of the time for {ref} is over, and nobody has taken it. Answer by {due}.", ref=ref, due=due)
    if stage == 80 and thread.taken_by:
        return _("{ref} is due soon: {due}. Can somebody step in for {who}?", ref=ref, due=due, who=thread.taken_by)
    if stage == 80:
        return _("{ref} is due soon: {due}. Who takes it?", ref=ref, due=due)
    return _(
        "To everybody: the time for {ref} is over. Nobody has answered. Please tell the head of the centre.", ref=ref
    )


def _set_deadline(work: Work, thread: Thread, urgency: Urgency) -> None:
    _wait_until(work, thread, deadline(work.contact_point, urgency, work.now))


def _wait_until(work: Work, thread: Thread, due: datetime) -> None:
    thread.deadline = due
    for stage, kind in zip(STAGES, KINDS, strict=True):
        work.remind(kind, thread.id, fraction_due(work.contact_point, work.now, due, stage / 100))
