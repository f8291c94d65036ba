"""That an answer is being written: shown to whoever waits longer than a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from bot.channels.aside import Aside

AFTER: Final = 1.0
"""Seconds without an answer after which it is shown."""

Chat = TypeVar("Chat")


class Typing(Generic[Chat]):
    """The chats in which something was said that is not answered yet."""

    def __init__(
        self,
        aside: Aside,
        show: Callable[[Chat], Awaitable[object]],
        hide: Callable[[Chat], Awaitable[object]] | None = None,
    ) -> None:
        """`hide` where the messenger does not do that by itself when an answer comes."""
        self._aside = aside
        self._show = show
        self._hide = hide
        self._answered: dict[Chat, bool] = {}
        self._shown: set[Chat] = set()

    def begin(self, chat: Chat) -> None:
        """Something was said there."""
        if chat not in self._answered:
            # Who writes a thousand messages sees it once.
            self._answered[chat] = False
            self._aside.do(self._wait, chat)

    def answered(self, chat: Chat) -> None:
        """The bot has spoken there."""
        if chat in self._answered:
            self._answered[chat] = True
        if chat in self._shown and self._hide is not None:
            self._shown.discard(chat)
            self._aside.do(self._hide, chat)

    async def _wait(self, chat: Chat) -> None:
        try:
            await asyncio.sleep(AFTER)
            if not self._answered[chat]:
                if self._hide is not None:
                    self._shown.add(chat)
                await self._show(chat)
        finally:
            del self._answered[chat]
