"""What waits for a bot until it is fetched, or delivered to its webhook."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.telegram_server.errors import conflict

ASKED_FOR_ONLY = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Updates that nobody gets without naming them."""
LONGEST_POLL = 50
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""Between attempts to deliver to a webhook; Telegram takes longer."""

UNSET: tuple[str, ...] = ()


@dataclass(eq=False)
class Waiting:
    """An update that is not yet confirmed."""

    update: Any
    chat: int
    update_id: int
    attempts: int = 0
    not_before: float = 0
    in_flight: bool = False


@dataclass
class Webhook:
    """Where updates are delivered to."""

    url: str
    secret_token: str = ""
    max_connections: int = 40
    last_error_date: int = 0
    last_error_message: str = ""
    deliveries: list[tuple[int, int]] = field(default_factory=list)
    """Every attempt: update and status, 0 for no answer."""


class UpdateQueue:
    """The updates of one bot."""

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] = UNSET
        self.webhook: Webhook | None = None
        self.duplicate = 0
        """So many of the next updates come twice."""
        self.shuffle: random.Random | None = None
        """Delivers to the webhook in this order rather than in Telegram's."""
        self.waiting: list[Waiting] = []
        self._next_id = 100_000_000
        self._changed = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None
        self._sender: asyncio.Task[None] | None = None
        self._closed = False

    def push(self, kind: str, content: Any, chat: int) -> None:
        if not (kind in self.allowed if self.allowed else kind not in ASKED_FOR_ONLY):
            return
        self.push_raw({kind: content}, chat)

    def push_raw(self, fields: dict[str, Any], chat: int = 0) -> int:
        """Adds whatever a test likes as the next update."""
        update_id, self._next_id = self._next_id, self._next_id + 1
        for _copy in range(2 if self.duplicate else 1):
            self.waiting.append(Waiting({"update_id": update_id, **fields}, chat, update_id))
        self.duplicate = max(0, self.duplicate - 1)
        self.wake()
        return update_id

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def empty(self) -> None:
        """Waits until the bot has taken everything, and has said so."""
        while self.waiting:
            await self._changed.wait()

    async def close(self) -> None:
        self._closed = True
        self.wake()
        await self._stop_sending()

    async def get(self, offset: int, limit: int, timeout: float) -> list[Any]:
        """Long polling; a second caller sends the first away."""
        if self.webhook is not None:
            raise conflict(
                "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            )
        self._end_poll("terminated by other getUpdates request; make sure that only one bot instance is running")
        if offset > 0:
            self.waiting = [each for each in self.waiting if each.update_id >= offset]
            self.wake()
        elif offset < 0:
            self.waiting = self.waiting[offset:]
        mine = self._poller = asyncio.get_running_loop().create_future()
        try:
            deadline = time.monotonic() + min(timeout, LONGEST_POLL)
            while not self.waiting and not self._closed and (left := deadline - time.monotonic()) > 0:
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({mine, changed}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if mine.done():
                    mine.result()
            return [each.update for each in self.waiting[:limit]]
        finally:
            if self._poller is mine:
                self._poller = None
            mine.cancel()

    def _end_poll(self, reason: str) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_exception(conflict(reason))
        self._poller = None

    async def set_webhook(self, webhook: Webhook | None, now: Callable[[], int]) -> None:
        await self._stop_sending()
        self.webhook = webhook
        if webhook is not None:
            self._end_poll("terminated by setWebhook request")
            self._sender = asyncio.create_task(self._send_all(webhook, now))

    async def _stop_sending(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
        self._sender = None
        for each in self.waiting:
            each.in_flight = False

    async def _send_all(self, webhook: Webhook, now: Callable[[], int]) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session, asyncio.TaskGroup() as tasks:
            while True:
                changed = self._changed
                for each in self._ready(webhook):
                    each.in_flight = True
                    tasks.create_task(self._send(session, webhook, each, now))
                pauses = [each.not_before - time.monotonic() for each in self.waiting if each.not_before]
                pause = min((each for each in pauses if each > 0), default=60)
                # Not wait_for, which swallows a cancellation that comes together with what is waited for.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await changed.wait()

    def _ready(self, webhook: Webhook) -> list[Waiting]:
        """One at a time of each chat, unless order is not to be kept."""
        candidates = list(self.waiting)
        busy = {each.chat for each in candidates if each.in_flight}
        free = webhook.max_connections - sum(each.in_flight for each in candidates)
        if self.shuffle:
            self.shuffle.shuffle(candidates)
        ready = []
        for each in candidates:
            if each.in_flight or len(ready) >= free or (not self.shuffle and each.chat in busy):
                continue
            busy.add(each.chat)
            if each.not_before <= time.monotonic():
                ready.append(each)
        return ready

    async def _send(
        self, session: aiohttp.ClientSession, webhook: Webhook, waiting: Waiting, now: Callable[[], int]
    ) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret_token} if webhook.secret_token else {}
        try:
            async with session.post(webhook.url, json=waiting.update, headers=headers) as answer:
                await answer.read()
                status, reason = answer.status, f"Wrong response from the webhook: {answer.status} {answer.reason}"
        except (aiohttp.ClientError, TimeoutError, OSError):
            status, reason = 0, "Connection refused"
        webhook.deliveries.append((waiting.update_id, status))
        if 200 <= status <= 299:
            self.waiting = [each for each in self.waiting if each is not waiting]
        else:
            webhook.last_error_date, webhook.last_error_message = now(), reason
            waiting.not_before = time.monotonic() + min(LONGEST_PAUSE, FIRST_PAUSE * 2**waiting.attempts)
            waiting.attempts += 1
        waiting.in_flight = False
        self.wake()
