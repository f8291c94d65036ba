"""One commit for many callers: who comes while a commit is under way waits for the next, and nobody else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from storage.database import Database

T = TypeVar("T")


class Together(Generic[T]):
    """Collects what callers bring while the database is busy, and does it in one go."""

    def __init__(self, database: Database, work: Callable[[list[T]], object]) -> None:
        self._database = database
        self._work = work
        self._brought: list[tuple[T, asyncio.Future[None]]] = []
        self._going: asyncio.Task[None] | None = None

    async def bring(self, item: T) -> None:
        """Returns when the item is committed; raises what the commit raised."""
        done = asyncio.get_running_loop().create_future()
        self._brought.append((item, done))
        if self._going is None:
            self._going = asyncio.create_task(self._go())
        await done

    async def _go(self) -> None:
        try:
            while self._brought:
                brought, self._brought = self._brought, []
                try:
                    await self._database.run(self._work, [item for item, _done in brought])
                except Exception as error:  # noqa: BLE001  # it belongs to the callers
                    for _item, done in brought:
                        if not done.done():
                            done.set_exception(error)
                else:
                    for _item, done in brought:
                        if not done.done():
                            done.set_result(None)
        finally:
            self._going = None
