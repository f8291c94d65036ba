"""Keeps to the pace of a messenger, for the whole account and in each chat."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from math import isfinite
from typing import Final

from bot.delivery import Pace

REMEMBERED: Final = 4096
"""Chats whose last message is remembered; a chat forgotten has long been quiet."""

MINUTE: Final = 60.0


class Pacing:
    """The next free moments of one account."""

    def __init__(self, pace: Pace) -> None:
        self._gap = 1 / pace.per_second
        self._chat_gap = 1 / pace.per_chat_second
        self._ahead = self._chat_gap * (pace.chat_burst - 1)
        self._desk_minute = int(pace.per_desk_minute) if isfinite(pace.per_desk_minute) else 0
        self._free_at = 0.0
        self._chat_free_at: OrderedDict[str, float] = OrderedDict()
        self._at_desk: dict[str, deque[float]] = {}
        self._stopped_until = 0.0

    @property
    def stopped(self) -> bool:
        """Whether the messenger wants nothing at all just now."""
        return _moment() < self._stopped_until

    def stop(self, seconds: float) -> None:
        """The messenger asked to be left alone."""
        self._stopped_until = max(self._stopped_until, _moment() + seconds)

    async def turn_of(self, chat: str, *, desk: str = "") -> None:
        """Waits until this private chat, or without one this desk, may get its next message."""
        now = _moment()
        at = max(now, self._free_at, self._desk_free_at(desk) if not chat else self._private_free_at(chat))
        self._free_at = max(now, self._free_at) + self._gap
        if chat:
            self._chat_free_at[chat] = max(at, self._chat_free_at.get(chat, 0.0)) + self._chat_gap
            self._chat_free_at.move_to_end(chat)
            if len(self._chat_free_at) > REMEMBERED:
                self._chat_free_at.popitem(last=False)
        elif self._desk_minute:
            self._at_desk[desk].append(at)
        if at > now:
            await asyncio.sleep(at - now)

    def _private_free_at(self, chat: str) -> float:
        return self._chat_free_at.get(chat, 0.0) - self._ahead

    def _desk_free_at(self, desk: str) -> float:
        """A group's messages are counted over a minute that slides."""
        if not self._desk_minute:
            return 0.0
        sent = self._at_desk.setdefault(desk, deque(maxlen=self._desk_minute))
        return sent[0] + MINUTE if len(sent) == self._desk_minute else 0.0


def _moment() -> float:
    return asyncio.get_running_loop().time()
