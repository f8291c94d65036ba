"""Flood control: how fast a bot may send, measured in real time."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from tests.telegram_server.errors import Refusal

EVERYWHERE = 0
"""Stands for all chats of a bot."""


@dataclass
class Limits:
    """Telegram tells only roughly what it allows; a test may set it tighter or lift it."""

    per_second: int = 30
    """In any second, to all chats."""
    per_private_chat: float = 1.0
    """In the long run, each second."""
    private_burst: int = 4
    """At once, after a rest."""
    per_group_minute: int = 20
    count_edits: bool = False
    enforced: bool = True


@dataclass(frozen=True)
class Send:
    """What was sent, and when (monotonic time)."""

    at: float
    bot: int
    chat: int
    method: str
    message_ids: tuple[int, ...]


@dataclass(frozen=True)
class Refused:
    """What was sent too early."""

    at: float
    bot: int
    chat: int
    method: str
    retry_after: int
    in_penalty: bool
    """The bot had been told to wait."""


class Flood:
    """Counts what each bot sends, and refuses what is too much."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sends: list[Send] = []
        self.refused: list[Refused] = []
        self._recent: dict[tuple[int, int], deque[float]] = defaultdict(deque)
        self._buckets: dict[tuple[int, int], tuple[float, float]] = {}
        """What is left of the burst, and when that was."""
        self._until: dict[tuple[int, int], float] = {}

    def penalise(self, bot: int, chat: int, seconds: float) -> None:
        self._until[bot, chat] = time.monotonic() + seconds

    def forgive(self, bot: int, chat: int) -> None:
        for counted in (self._until, self._recent, self._buckets):
            counted.pop((bot, chat), None)

    def admit(self, bot: int, chat: int, method: str, messages: int = 1) -> None:
        """Refuses or counts; chats below zero are groups."""
        if not self.limits.count_edits and method.startswith("edit"):
            self._check_penalties(bot, chat, method)
            return
        self._check_penalties(bot, chat, method)
        if not self.limits.enforced:
            return
        now = time.monotonic()
        waits = {EVERYWHERE: self._window(bot, EVERYWHERE, now, self.limits.per_second, 1, messages)}
        if chat < 0:
            waits[chat] = self._window(bot, chat, now, self.limits.per_group_minute, 60, messages)
        else:
            waits[chat] = self._bucket(bot, chat, now, messages)
        scope, wait = max(waits.items(), key=lambda item: item[1])
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            self._until[bot, scope] = now + seconds
            self._refuse(bot, chat, method, seconds, in_penalty=False)
        self._recent[bot, EVERYWHERE].extend([now] * messages)
        if chat < 0:
            self._recent[bot, chat].extend([now] * messages)
        else:
            left, _at = self._buckets[bot, chat]
            self._buckets[bot, chat] = (left - messages, now)

    def sent(self, bot: int, chat: int, method: str, message_ids: Iterable[int]) -> None:
        self.sends.append(Send(time.monotonic(), bot, chat, method, tuple(message_ids)))

    def busiest(self, seconds: float, *, bot: int | None = None, chat: int | None = None) -> int:
        """The most messages that were sent within any such span of time."""
        window: deque[float] = deque()
        most = 0
        for send in self.sends:
            if (bot is None or send.bot == bot) and (chat is None or send.chat == chat):
                window.extend([send.at] * max(1, len(send.message_ids)))
                while send.at - window[0] >= seconds:
                    window.popleft()
                most = max(most, len(window))
        return most

    def _check_penalties(self, bot: int, chat: int, method: str) -> None:
        now = time.monotonic()
        left = max(self._until.get((bot, scope), 0) - now for scope in (EVERYWHERE, chat))
        if left > 0:
            self._refuse(bot, chat, method, math.ceil(left), in_penalty=True)

    def _window(self, bot: int, chat: int, now: float, allowed: int, seconds: float, messages: int) -> float:
        """How long to wait until so many more fit."""
        recent = self._recent[bot, chat]
        while recent and now - recent[0] >= seconds:
            recent.popleft()
        over = len(recent) + messages - allowed
        # More than ever fit go through when nothing else was sent.
        return recent[min(over, len(recent)) - 1] + seconds - now if over > 0 and recent else 0

    def _bucket(self, bot: int, chat: int, now: float, messages: int) -> float:
        burst = self.limits.private_burst
        left, at = self._buckets.get((bot, chat), (float(burst), now))
        left = min(burst, left + (now - at) * self.limits.per_private_chat)
        self._buckets[bot, chat] = (left, now)
        needed = min(messages, burst) - left
        return needed / self.limits.per_private_chat if needed > 1e-9 else 0

    def _refuse(self, bot: int, chat: int, method: str, seconds: int, *, in_penalty: bool) -> None:
        self.refused.append(Refused(time.monotonic(), bot, chat, method, seconds, in_penalty))
        raise Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
