"""The ticks. They hold no jobs of people: what is due stands in our own rows (idea 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

TICK_SECONDS: Final = 2
"""How late something due may be noticed."""


class Clock:
    """Calls `tick` again and again; a tick that takes long is not overtaken by the next."""

    def __init__(self, tick: Callable[[], Awaitable[None]], seconds: float = TICK_SECONDS) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.add_job(
            tick, "interval", seconds=seconds, coalesce=True, max_instances=1, misfire_grace_time=None
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)
