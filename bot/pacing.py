"""Keeps to the pace of a messenger, for the whole account and in each chat."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import isfinite
from typing import Final

from bot.delivery import Pace

REMEMBERED: Final = 4096
"""Chats whose last message is remembered; a chat forgotten has long been quiet."""
MINUTE: Final = 60.0
WATCHED: Final = 100
"""Messages of which the quickest is looked for."""
CERTAIN: Final = 0.95
"""How much of the quickest message's time is counted on."""
CROWD: Final = 3
"""So many chats refused within a second: the messenger means the account, though it never says so."""


class Pacing:
    """The next free moments of one account."""

    def __init__(self, pace: Pace) -> None:
        self._gap = 1 / pace.per_second
        self._second = _Window(pace.per_second, 1)
        self._chat_gap = 1 / pace.per_chat_second
        self._ahead = self._chat_gap * (pace.chat_burst - 1)
        self._chat_free_at: OrderedDict[str, float] = OrderedDict()
        self._per_desk_minute = pace.per_desk_minute
        self._desks: dict[str, _Window] = {}
        self._free_at = 0.0
        self._queue = asyncio.Lock()
        """First come, first served."""
        self._refused: deque[tuple[float, str, float]] = deque(maxlen=CROWD)
        self._stopped_until = 0.0

    @property
    def stopped(self) -> bool:
        """Whether the messenger wants nothing at all just now."""
        return _moment() < self._stopped_until

    def stop(self, seconds: float) -> None:
        """The messenger asked to be left alone."""
        self._stopped_until = max(self._stopped_until, _moment() + seconds)

    def refused(self, chat: str, seconds: float) -> None:
        """The messenger asked to be left alone in one chat; where it asks so in several, it means all."""
        now = _moment()
        self._refused.append((now, chat, seconds))
        if len({other for at, other, _seconds in self._refused if now - at < 1}) == CROWD:
            self.stop(min(wait for _at, _chat, wait in self._refused))

    @asynccontextmanager
    async def turn_of(self, chat: str, *, desk: str = "") -> AsyncIterator[None]:
        """Waits until this private chat, or without one this desk, may get its next message, which is sent within."""
        at_desk = None if chat else self._desks.setdefault(desk, _Window(self._per_desk_minute, MINUTE))
        await (self._private(chat) if at_desk is None else at_desk.opens())
        async with self._queue:
            await _until(self._stopped_until)
            await _until(self._free_at)
            await self._second.opens()
            # From now on, not from when it was planned: what was held up does not catch up.
            self._free_at = _moment() + self._gap
            windows = [self._second, *([at_desk] if at_desk is not None else [])]
            began = [each.begin() for each in windows]
        try:
            yield
        finally:
            for each, at in zip(windows, began, strict=True):
                each.end(at)

    async def _private(self, chat: str) -> None:
        free_at = self._chat_free_at.get(chat, 0.0)
        self._chat_free_at[chat] = max(_moment(), free_at) + self._chat_gap
        self._chat_free_at.move_to_end(chat)
        if len(self._chat_free_at) > REMEMBERED:
            self._chat_free_at.popitem(last=False)
        await _until(free_at - self._ahead)


class _Window:
    """So many in any span of time as the messenger counts them, whatever delays them on the way to it.

    It has counted a message at some moment between its beginning and its end; the next one takes a way to it as well,
    so that there lies as much between two of them as the quickest message needs to it and back.
    """

    def __init__(self, most: float, seconds: float) -> None:
        self._most = int(most) if isfinite(most) else 0
        self._seconds = seconds
        self._under_way = 0
        self._ended: deque[float] = deque(maxlen=self._most)
        self._took: deque[float] = deque(maxlen=WATCHED)

    async def opens(self) -> None:
        """Returns when one more fits."""
        while self._most:
            now = _moment()
            span = self._seconds - CERTAIN * min(self._took, default=0)
            while self._ended and self._ended[0] + span <= now:
                self._ended.popleft()
            if self._under_way + len(self._ended) < self._most:
                return
            await _until(self._ended[0] + span if self._ended else now + self._seconds / self._most)

    def begin(self) -> float:
        """Returns what `end` is given."""
        self._under_way += 1
        return _moment()

    def end(self, began: float) -> None:
        self._under_way -= 1
        if self._most:
            self._ended.append(_moment())
            self._took.append(_moment() - began)


async def _until(at: float) -> None:
    now = _moment()
    if at > now:
        await asyncio.sleep(at - now)


def _moment() -> float:
    return asyncio.get_running_loop().time()
