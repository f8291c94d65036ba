"""The composition root: the only module that knows every concrete class."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.backoff import wait
from bot.bugs import log_bug
from bot.clock import TICK_SECONDS, Clock
from bot.contact_point import ContactPoint
from bot.conversation import Listener
from bot.delivery import Channel
from bot.desks import Desks
from bot.due import Due
from bot.engine.engine import Engine
from bot.flows import FLOWS
from bot.handover import Handover
from bot.messages import Inbound
from bot.meter import UNWATCHED, Meter
from bot.now import Now
from bot.outbox import Outbox
from bot.retention import Daily
from bot.together import Together
from bot.turns import BATCH, Turns
from storage import outbox
from storage.database import Database
from storage.erasures import ErasureFile
from storage.leases import Leases, LostLease
from storage.outage import is_away

T = TypeVar("T")

BEAT_SECONDS: Final = 1.0
"""How often a process says that it is alive, and looks for others that are not."""

OPEN_SECONDS: Final = 0.02
"""How often it is looked whether another process has finished a message."""

SHARED_TICK_SECONDS: Final = 0.25
"""How late this process notices what another one has queued."""

_LOG: Final = logging.getLogger("anlaufstelle")


class App:
    """The bot of one installation, with its database and its channels."""

    def __init__(
        self,
        database: Database,
        contact_points: Mapping[str, ContactPoint],
        channels: Mapping[str, Channel],
        now: Now,
        desks: Desks | str,
        handled: Callable[[Inbound], Awaitable[None]] | None = None,
        *,
        answers_where_asked: bool = False,
        erasures: ErasureFile | None = None,
        deleting: bool = True,
        meter: Meter = UNWATCHED,
    ) -> None:
        """`channels` by account; `desks` tells where they are: an account, if it carries all.

        `handled` hears of every turn taken.

        `answers_where_asked`: the answer must go out by the process that heard the question, while it lives.
        `erasures`: the file in which they are listed, for the day on which the database is lost.
        `deleting`: what has been kept long enough is deleted once a day.
        """
        self.database = database
        self.contact_points = contact_points
        self.now = now
        self.leases = Leases(database)
        handover = Handover(channels, self.leases, lambda: database.ring)
        desks = Desks(desks) if isinstance(desks, str) else desks
        self.turns = Turns(database, contact_points, Listener(Engine(FLOWS)), desks, meter, handover)
        self.due = Due(database, self.turns, meter)
        self.outbox = Outbox(database, self.turns, channels, self.leases, handover, now, meter)
        alone = partial(self.leases.take, "retention")
        daily = Daily(database, contact_points, desks, erasures, lambda: alone() is not None)
        self._daily = daily if deleting else None
        self.ticked_at: datetime | None = None
        """When the clock ticked last."""
        self._meter = meter
        self._handled = handled
        self._answers_where_asked = answers_where_asked
        self._receiving = Together(database, self._receive_all)
        self._beaten_at: float | None = None
        self._settling = asyncio.Lock()
        self._wake = asyncio.Event()
        self._queued = {account: asyncio.Event() for account in channels}

    async def receive(self, inbound: Inbound) -> None:
        """Keeps a message for good, then returns; the answer follows by itself."""
        await self._receiving.bring(inbound)
        self.wake()

    async def receive_all(self, messages: Sequence[Inbound]) -> None:
        """Keeps messages for good, in this order, whatever the database does meanwhile."""

        async def keep() -> None:
            await asyncio.gather(*(self._receiving.bring(each) for each in messages))

        await self.patiently(keep)
        self.wake()

    async def receive_beside(
        self, account: str, messages: Sequence[Inbound], beside: Callable[[Session], None]
    ) -> None:
        """Keeps messages of an account that one process serves, in the same commit as what stands `beside` them.

        Raises LostLease once another process serves it.
        """

        def keep() -> int:
            def fenced(session: Session) -> None:
                self.leases.hold_account(session, account)
                beside(session)

            return self.turns.receive_all(messages, self.now(), None, fenced)

        new = await self.patiently(lambda: self.database.run(keep), despite=(DBAPIError,))
        for each in messages[:new]:
            self._meter.received(each.account)
        self.wake()

    async def holds(self, account: str) -> bool:
        """Whether this process serves an account that only one may serve at a time."""
        try:
            return await self.database.run(self.leases.take, account) is not None
        except (DBAPIError, LostLease):
            return False

    async def set_aside(self, contact_point: str, account: str, name: str, raw: Mapping[str, Any]) -> None:
        """Keeps what a channel could not read, for repair; it is shown in `check`."""
        await self.patiently(
            lambda: self.database.run(self.turns.set_aside, contact_point, account, name, raw, self.now())
        )

    def _receive_all(self, messages: list[Inbound]) -> None:
        via = self.leases.me if self._answers_where_asked else None
        new = self.turns.receive_all(messages, self.now(), via)
        # Which of them came for the second time is nobody's business.
        for each in messages[:new]:
            self._meter.received(each.account)

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def settle(self, *, briefly: bool = False) -> None:
        """Works through everything that waits now, and sends all that came of it.

        `briefly`: that it was written out may be noted a moment later.
        """
        async with self._settling:
            await self._beat()
            await self._work()
            try:
                await self.outbox.drain(briefly=briefly)
            except LostLease:
                # Others had given this process up: it begins anew, and leaves to them what they have taken over.
                self._beaten_at = None
                await self._beat()
                await self.outbox.drain()

    async def answer(self, messages: Sequence[Inbound]) -> None:
        """Keeps messages, works them through and sends what came of it; returns when all of it is done.

        Whatever the database does meanwhile: it is waited for.
        """

        async def is_open() -> bool:
            # Another process may still work on one of them, or the database was in its way.
            possible = bool(messages) and (self.leases.shared or self.turns.is_held_up)
            return possible and await self.database.run(self.turns.is_open, messages, self.now())

        await self.receive_all(messages)
        await self.patiently(partial(self.settle, briefly=True))
        while await self.patiently(is_open):
            await asyncio.sleep(OPEN_SECONDS)
            await self.patiently(self.settle)

    async def patiently(
        self, act: Callable[[], Awaitable[T]], despite: tuple[type[Exception], ...] = (DBAPIError, LostLease)
    ) -> T:
        """Does it as often as it takes until the database answers."""
        trouble = 0
        while True:
            try:
                return await act()
            except despite as away:
                trouble += 1
                if trouble == 1:
                    _note(away)
                self._beaten_at = None
                await asyncio.sleep(wait(trouble, first=0.1, longest=5))

    async def _work(self) -> None:
        """Works through what has come in and come due."""
        more = True
        while more:
            taken, more = await self.database.run(self._work_for_a_while)
            if self._handled is not None:
                for inbound in taken:
                    await self._handled(inbound)
            for queued in self._queued.values():
                queued.set()

    def _work_for_a_while(self) -> tuple[list[Inbound], bool]:
        """Returns what was worked through, and whether there may be more; others want the database too."""
        handled: list[Inbound] = []
        while len(handled) < BATCH:
            taken = self.turns.take(self.now())
            handled += taken
            if taken and not self.turns.idle:
                continue
            more = not taken and self.due.take_next(self.now())
            if not more and not self._delete(self.now()):
                return handled, False
        return handled, True

    def _delete(self, now: datetime) -> bool:
        """Does a short step of the day's deletion; False when there is none to do."""
        if self._daily is None:
            return False
        self._daily.keep_up()
        return self._daily.take_next(now)

    async def _beat(self) -> None:
        """Says that this process lives, and takes over from those that do not."""
        if self._beaten_at is None or monotonic() >= self._beaten_at + BEAT_SECONDS:
            await self.database.run(self._beat_now)
            self._beaten_at = monotonic()

    def _beat_now(self) -> None:
        try:
            self.leases.beat()
        except LostLease as lost:
            _LOG.warning("%s It goes on under a new name.", lost)
            self.leases.lost()
            self.leases.beat()
        with self.database.transaction(everywhere=True) as session:
            self.leases.end_hanging(session)
            for dead in self.leases.dead(session, outbox.senders(session)):
                left = self.outbox.take_over(session, dead, self.now())
                if left is not None:
                    self.leases.end_session(session, dead)
                    self.leases.bury(session, dead)
                    _LOG.info("took over from process %s: %s messages", dead.name, left)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The process says that it is alive, and the clock ticks."""

        async def tick() -> None:
            self.ticked_at = self.now()
            self.wake()

        async def beat() -> None:
            while True:
                await self._despite_bugs(self._beat)
                await asyncio.sleep(BEAT_SECONDS)

        with suppress(DBAPIError):
            await self.database.run(self.turns.note_desks, self.now())
        clock = Clock(tick, SHARED_TICK_SECONDS if self.leases.shared else TICK_SECONDS)
        clock.start()
        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            clock.stop()
            await ended(beating)
            with suppress(DBAPIError):
                await self.database.run(self.outbox.let_go, self.now())
                await self.database.run(self.leases.stop)

    async def settle_when_woken(self) -> None:
        """Settles whenever the clock ticks, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._despite_bugs(self.settle)

    async def run(self) -> None:
        """Answers until cancelled; leaves nothing half done."""
        async with self.running():
            tasks = [asyncio.create_task(self._answer())]
            tasks += [asyncio.create_task(self._send(account, queued)) for account, queued in self._queued.items()]
            try:
                await asyncio.gather(*tasks)
            finally:
                await ended(*tasks)

    async def _answer(self) -> None:
        async def work() -> None:
            async with self._settling:
                await self._work()

        while True:
            self._wake.clear()
            await self._despite_bugs(work)
            await self._wake.wait()

    async def _send(self, account: str, queued: asyncio.Event) -> None:
        async def send() -> None:
            await self.outbox.drain_account(account)

        while True:
            queued.clear()
            await self._despite_bugs(send)
            await queued.wait()

    async def _despite_bugs(self, act: Callable[[], Awaitable[None]]) -> None:
        """A bug must not end the service: the bot must still be there."""
        try:
            await self.patiently(act)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  # said above
            log_bug(error)


def _note(error: Exception) -> None:
    """That the database is away is told where it was asked; everything else is a bug."""
    if isinstance(error, DBAPIError) and not is_away(error):
        log_bug(error)


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks and waits until they have ended."""
    for each in tasks:
        # A second time would break off what they do at their end.
        if not each.cancelling():
            each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
