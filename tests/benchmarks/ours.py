"""The bot of this project in one process, from the message taken in to the message handed to its channel.

Each turn is an inbox row, the conversation, what the turn led to (reminders, a report, its thread, links) and outbox rows
with encrypted columns, all committed with synchronous=FULL before anything goes out; what was sent is noted durably too.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.app import App
from bot.delivery import UNHURRIED, Delivery
from bot.messages import Inbound
from bot.now import ManualTime
from bot.settings import contact_points, open_database
from tests.benchmarks.contestant import Contestant
from tests.benchmarks.crowd import TEXTS

ACCOUNT = f"bench:{os.getpid()}"
"""Each process serves an account of its own, for one account has one sender at a time."""
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))


class Counting:
    """A messenger that notes that it got something, as fast as it is given."""

    pace = UNHURRIED
    knows_repeats = False

    def __init__(self) -> None:
        self.count = 0

    async def send(self, delivery: Delivery) -> str:
        self.count += 1
        return delivery.replaces or f"o{delivery.id}"


class Ours(Contestant):
    """`App.answer`: received, worked through, sent."""

    async def open(self) -> None:
        url = self.race.database if "://" in self.race.database else f"sqlite:///{self.race.database}"
        start = time.perf_counter()
        self.database, _ = await asyncio.to_thread(open_database, url, os.environ)
        self.opened = time.perf_counter() - start
        points = contact_points(None)
        self.point = next(iter(points))
        self.messenger = Counting()
        clock = await self.database.run(ManualTime, self.database)
        await self.database.run(clock.set, NOW)
        self.app = App(self.database, points, {ACCOUNT: self.messenger}, clock, ACCOUNT)
        # Who runs twice on one database is somebody else the second time: a message's name comes once for ever.
        self.run_id = f"{self.race.name}{os.getpid()}-{os.urandom(4).hex()}"
        self.running = self.app.running()
        await self.running.__aenter__()
        await self.app.settle()

    async def answer(self, messages: list[tuple[int, int]]) -> None:
        await self.app.answer([self.inbound(chat, step) for chat, step in messages])

    def inbound(self, number: int, step: int) -> Inbound:
        chat = f"{self.run_id}-{number}"
        return Inbound(self.point, ACCOUNT, f"{chat}-{step}", chat, language="en", **TEXTS[step])

    def answered(self) -> int:
        return self.messenger.count

    async def close(self) -> None:
        await self.running.__aexit__(None, None, None)
        self.database.close()


CONTESTANT = Ours

if __name__ == "__main__":
    CONTESTANT.main()
