"""How the bot is: what waits, what failed, what is late. `/readyz`, `/metrics` and `check` all ask here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, true
from sqlalchemy.orm import Session, aliased

from bot.bugs import log_bug
from bot.now import Now
from storage.database import Database
from storage.migrate import newest_revisions, present_revisions
from storage.models import DueRow, InboxMessage, Lease, OutboxMessage
from storage.outage import is_away
from storage.outbox import waits_before
from storage.scope import Scoped
from storage.tables import Base

LATE: Final = timedelta(minutes=5)
"""What could be done for so long and is not: nobody works."""
SENDING_LATE: Final = timedelta(minutes=15)
"""Longer for sending, for messengers set a pace."""
TICK_LATE: Final = timedelta(seconds=15)
"""The clock ticks every two seconds."""
FRESH: Final = timedelta(days=7)
"""For so long a message that was not delivered is worth a look."""

ANSWERS_WITHIN: Final = 3.0
"""Seconds after which a database counts as not there."""
_KEEPS_FOR: Final = 1.0
"""Seconds for which an answer is given again, so that asking often costs the bot nothing."""


@dataclass(frozen=True)
class Waiting:
    """What waits in one place."""

    count: int = 0
    oldest: datetime | None = None
    """Since when the oldest waits, for whatever reason."""
    overdue: datetime | None = None
    """Since when something waits that could be done now."""


@dataclass(frozen=True)
class Letters:
    """What one channel has to send, and what it could not."""

    waiting: Waiting = Waiting()
    in_doubt: int = 0
    dead: int = 0
    oldest_dead: datetime | None = None
    newest_dead: datetime | None = None


@dataclass(frozen=True)
class Queues:
    """Everything that waits or has failed, at all contact points together."""

    inbox: Waiting = Waiting()
    failed: int = 0
    oldest_failed: datetime | None = None
    failed_references: tuple[str, ...] = ()
    """Of the latest twenty; the log tells where each came from."""
    outbox: Mapping[str, Letters] = field(default_factory=dict)
    """By channel."""
    unsent_overdue: datetime | None = None
    due: Waiting = Waiting()


def queues(session: Session, now: datetime) -> Queues:
    """Looks at what waits; quick, however much has been done already."""
    waits, failed = InboxMessage.done_at.is_(None), InboxMessage.state == _is("FAILED")
    due, oldest_due = _count(session, func.min(DueRow.due_at), DueRow.done_at.is_(None), DueRow.due_at <= now)
    waiting, oldest = _count(session, func.min(InboxMessage.received_at), waits)
    failures, oldest_failed = _count(session, func.min(InboxMessage.received_at), failed)
    references = session.scalars(
        select(InboxMessage.error_ref).where(failed).order_by(InboxMessage.id.desc()).limit(20)
    )
    return Queues(
        inbox=Waiting(waiting, oldest, oldest),
        failed=failures,
        oldest_failed=oldest_failed,
        failed_references=tuple(each or "?" for each in references),
        outbox=_letters(session),
        unsent_overdue=session.scalar(_overdue(now)),
        due=Waiting(due, oldest_due, oldest_due),
    )


def _is(state: str) -> ColumnElement[str]:
    """Written out in the statement, so that an index over rows of this state alone is used."""
    return literal(state, literal_execute=True)


def _count(session: Session, oldest: Any, *conditions: ColumnElement[bool]) -> tuple[int, datetime | None]:
    count, since = session.execute(select(func.count(), oldest).where(*conditions)).one()
    return count, since


_UNSENT: Final = OutboxMessage.settled_at.is_(None)


def _overdue(now: datetime) -> Select[datetime]:
    """Since when the first of some chat could have been sent; what stands behind it waits its turn."""
    earlier = aliased(OutboxMessage)
    first = ~exists().where(waits_before(earlier, OutboxMessage))
    since = OutboxMessage.not_before
    return select(since).where(_UNSENT, since <= now, first).order_by(since).limit(1)


_LIVES: Final = exists().where(Lease.name == "process:" + OutboxMessage.sender)
_IN_DOUBT: Final = or_(
    OutboxMessage.doubts > 0, OutboxMessage.interrupted > 0, and_(OutboxMessage.state == "SENDING", ~_LIVES)
)
"""May have been sent before, or was being sent by a process that is gone."""


def _letters(session: Session) -> dict[str, Letters]:
    """By channel; an account is `channel` or `channel:name`."""
    account, queued = OutboxMessage.account, OutboxMessage.queued_at
    unsent = select(account, func.count(), func.min(queued), func.count().filter(_IN_DOUBT)).where(_UNSENT)
    dead = select(account, func.count(), func.min(queued), func.max(queued)).where(OutboxMessage.state == _is("DEAD"))
    found: dict[str, Letters] = {}
    for name, count, oldest, in_doubt in session.execute(unsent.group_by(account)):
        _add(found, name, Letters(Waiting(count, oldest), in_doubt=in_doubt))
    for name, count, oldest, newest in session.execute(dead.group_by(account)):
        _add(found, name, Letters(dead=count, oldest_dead=oldest, newest_dead=newest))
    return found


def _add(found: dict[str, Letters], account: str, more: Letters) -> None:
    channel = account.partition(":")[0]
    before = found.get(channel, Letters())
    found[channel] = Letters(
        Waiting(before.waiting.count + more.waiting.count, _earlier(before.waiting.oldest, more.waiting.oldest)),
        before.in_doubt + more.in_doubt,
        before.dead + more.dead,
        _earlier(before.oldest_dead, more.oldest_dead),
        max(filter(None, (before.newest_dead, more.newest_dead)), default=None),
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


_TO_DO: Final[Mapping[type[Scoped], ColumnElement[bool]]] = {
    InboxMessage: InboxMessage.done_at.is_(None),
    OutboxMessage: _UNSENT,
    DueRow: DueRow.done_at.is_(None),
}
"""Of the queues only what waits is looked at: the rest is long, and done."""


def rows_without_contact_point(session: Session, known: Collection[str]) -> dict[str, int]:
    """Contact points that have rows but no file, and how many rows; nobody works on them."""
    found: dict[str, int] = {}
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Scoped):
            owner = mapper.class_.contact_point
            counted = select(owner, func.count()).where(owner.not_in(known), _TO_DO.get(mapper.class_, true()))
            for name, rows in session.execute(counted.group_by(owner)):
                found[name] = found.get(name, 0) + rows
    return found


@dataclass(frozen=True)
class Reading:
    """What the database said."""

    at: datetime
    seconds: float
    schema_is_current: bool
    queues: Queues
    leases: Mapping[str, float]
    """For how many seconds this process still holds what it must hold."""


@dataclass(frozen=True)
class Check:
    """One thing that must be so for the bot to do its work."""

    name: str
    ok: bool
    seconds: float | None = None
    """How long it took, how late it is, or how long it still holds."""


class Watch:
    """Looks after a running bot."""

    def __init__(
        self,
        database: Database,
        now: Now,
        ticked_at: Callable[[], datetime | None] | None = None,
        leases: Callable[[Session], Mapping[str, float]] = lambda _session: {},
    ) -> None:
        """`ticked_at` tells when the clock last ticked.

        `leases` asks what this process must hold: for how many seconds it still does, 0 for what it has lost.
        """
        self._database = database
        self._now = now
        self._ticked_at = ticked_at
        self._leases = leases
        self._newest = newest_revisions()
        self._asking: asyncio.Task[Reading | None] | None = None
        self._asked_at = float("-inf")
        self.stopping = False

    async def read(self) -> Reading | None:
        """What the database says, at most a second ago; None if it does not answer."""
        if self._asking is None or (self._asking.done() and time.monotonic() - self._asked_at > _KEEPS_FOR):
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._ask())
        try:
            # Whoever asks gives up; the question stands, so that a database that hangs is not asked a hundred times.
            return await asyncio.wait_for(asyncio.shield(self._asking), ANSWERS_WITHIN)
        except TimeoutError:
            return None

    async def _ask(self) -> Reading | None:
        started = time.monotonic()
        try:
            at = self._now()
            current, waiting, leases = await self._database.run(self._look, at)
        except Exception as error:  # noqa: BLE001  # whatever it is, the database is not usable, and this must be told
            if not is_away(error):
                log_bug(error)
            return None
        return Reading(at, time.monotonic() - started, current, waiting, leases)

    def _look(self, now: datetime) -> tuple[bool, Queues, Mapping[str, float]]:
        with self._database.transaction(everywhere=True) as session:
            current = present_revisions(session.connection()) == self._newest
            return current, queues(session, now), self._leases(session)

    def tick_age(self) -> timedelta | None:
        """How long ago the clock ticked; None if it never did or nobody tells."""
        ticked = self._ticked_at() if self._ticked_at is not None else None
        return None if ticked is None else self._now() - ticked

    def checks(self, reading: Reading | None) -> list[Check]:
        """What must be so, each by its name; without a word or number of anybody."""
        found = [Check("running", not self.stopping)]
        found.append(Check("database", reading is not None, reading.seconds if reading else None))
        if reading is not None:
            found += [
                Check("schema", reading.schema_is_current),
                _in_time("inbox", reading.queues.inbox.overdue, reading.at, LATE),
                _in_time("due", reading.queues.due.overdue, reading.at, LATE),
                _in_time("outbox", reading.queues.unsent_overdue, reading.at, SENDING_LATE),
            ]
        if self._ticked_at is not None:
            age = self.tick_age()
            # A clock that was set back makes the tick lie ahead until the next one.
            ticks = age is not None and abs(age) < TICK_LATE
            found.append(Check("clock", ticks, age.total_seconds() if age is not None else None))
        for name, left in (reading.leases if reading is not None else {}).items():
            found.append(Check(f"lease {name}", left > 0, left))
        return found


def _in_time(name: str, since: datetime | None, now: datetime, late: timedelta) -> Check:
    waited = max(now - since, timedelta()) if since is not None else timedelta()
    return Check(name, waited < late, waited.total_seconds())
