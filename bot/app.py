"""The composition root: the only module that knows every concrete class."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from bot.bugs import log_bug
from bot.clock import Clock
from bot.contact_point import ContactPoint
from bot.conversation import Listener
from bot.delivery import Channel
from bot.due import Due
from bot.engine.engine import Engine
from bot.flows import FLOWS
from bot.messages import Inbound
from bot.now import Now
from bot.outbox import Outbox
from bot.turns import Turns
from storage.database import Database


class App:
    """The bot of one installation, with its database and its channels."""

    def __init__(
        self,
        database: Database,
        contact_points: Mapping[str, ContactPoint],
        channels: Mapping[str, Channel],
        now: Now,
        desk_account: str,
        handled: Callable[[Inbound], Awaitable[None]] | None = None,
    ) -> None:
        """`desk_account` is the messenger account that carries the desk; `handled` hears of every turn taken."""
        self.database = database
        self.contact_points = contact_points
        self.now = now
        self.turns = Turns(database, contact_points, Listener(Engine(FLOWS)), desk_account)
        self.due = Due(database, self.turns)
        self.outbox = Outbox(database, self.turns, channels)
        self._handled = handled
        self._settling = asyncio.Lock()
        self._wake = asyncio.Event()

    async def receive(self, inbound: Inbound) -> None:
        """Keeps a message for good, then returns; the answer follows by itself."""
        await self.database.run(self.turns.receive, inbound, self.now())
        self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    async def settle(self) -> None:
        """Works through everything that waits now, and sends all that came of it."""
        async with self._settling:
            while True:
                inbound = await self.database.run(self.turns.take_next, self.now())
                if inbound is not None and self._handled is not None:
                    await self._handled(inbound)
                if inbound is None and not await self.database.run(self.due.take_next, self.now()):
                    break
            await self.outbox.drain(self.now())

    async def run(self) -> None:
        """Answers until cancelled; leaves nothing half done."""

        async def tick() -> None:
            self.wake()

        clock = Clock(tick)
        clock.start()
        try:
            while True:
                self._wake.clear()
                try:
                    await asyncio.shield(self.settle())
                except Exception as error:  # noqa: BLE001  # the database may come back; the bot must still be there
                    log_bug(error)
                await self._wake.wait()
        finally:
            clock.stop()
            with suppress(asyncio.CancelledError):
                async with self._settling:
                    pass
