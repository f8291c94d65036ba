"""What a channel does by the way: nobody waits for it, and it may fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ParamSpec

from bot.bugs import log_bug

P = ParamSpec("P")


class Aside:
    """Does things by the way."""

    def __init__(self, *may_happen: type[Exception]) -> None:
        """Errors that `may_happen` are nobody's fault, and nothing is said of them."""
        self._may_happen = may_happen
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, act: Callable[P, Awaitable[object]], *args: P.args, **kwargs: P.kwargs) -> None:
        async def quietly() -> None:
            try:
                await act(*args, **kwargs)
            except self._may_happen:
                pass
            except Exception as bug:  # noqa: BLE001  # it must not end anything else
                log_bug(bug)

        task = asyncio.create_task(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends what is under way."""
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
