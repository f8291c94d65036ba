"""Keeps to the pace of a messenger, for the whole account and in each chat."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from bot.delivery import Pace

REMEMBERED: Final = 4096
"""Chats whose last message is remembered; a chat forgotten has long been quiet."""


class Pacing:
    """The next free moments of one account."""

    def __init__(self, pace: Pace) -> None:
        self._gap = 1 / pace.per_second
        self._chat_gap = 1 / pace.per_chat_second
        self._free_at = 0.0
        self._chat_free_at: OrderedDict[str, float] = OrderedDict()
        self._stopped_until = 0.0

    @property
    def stopped(self) -> bool:
        """Whether the messenger wants nothing at all just now."""
        return _moment() < self._stopped_until

    def stop(self, seconds: float) -> None:
        """The messenger asked to be left alone."""
        self._stopped_until = max(self._stopped_until, _moment() + seconds)

    async def turn_of(self, chat: str) -> None:
        """Waits until this chat may get its next message."""
        now = _moment()
        at = max(now, self._free_at, self._chat_free_at.get(chat, 0.0))
        self._free_at = max(now, self._free_at) + self._gap
        self._chat_free_at[chat] = at + self._chat_gap
        self._chat_free_at.move_to_end(chat)
        if len(self._chat_free_at) > REMEMBERED:
            self._chat_free_at.popitem(last=False)
        if at > now:
            await asyncio.sleep(at - now)


def _moment() -> float:
    return asyncio.get_running_loop().time()
