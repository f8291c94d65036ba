"""The pace of a messenger, in a time that leaps from one moment to the next."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

from bot.channels.telegram.channel import PACE
from bot.pacing import Pacing


class Leaping(asyncio.SelectorEventLoop):
    """A loop whose time passes only where everybody waits, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0
        loop = self

        class Leap(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> Any:
                loop.now += timeout or 0
                return super().select(0)

        super().__init__(Leap())

    def time(self) -> float:
        return self.now


def moments(talk: Callable[[Pacing, Callable[[], None]], Awaitable[None]]) -> list[float]:
    """When something was sent."""
    loop = Leaping()
    sent: list[float] = []
    try:
        loop.run_until_complete(talk(Pacing(PACE), lambda: sent.append(loop.time())))
    finally:
        loop.close()
    return sorted(sent)


def most_within(sent: list[float], seconds: float) -> int:
    return max(sum(1 for at in sent if first <= at < first + seconds) for first in sent)


def test_ten_thousand_people_at_the_pace_that_is_allowed() -> None:
    async def talk(pacing: Pacing, note: Callable[[], None]) -> None:
        async def tell(number: int) -> None:
            await pacing.turn_of(str(number))
            note()

        for begin in range(0, 10_000, 24):
            await asyncio.gather(*(tell(number) for number in range(begin, min(begin + 24, 10_000))))

    sent = moments(talk)
    for first in range(0, len(sent) - 31, 7):
        assert sent[first + 30] - sent[first] >= 1, "more than thirty in a second"
    assert 10_000 / (sent[-1] - sent[0]) >= 0.95 * 30


def test_one_chat_gets_a_short_burst_and_then_one_a_second() -> None:
    async def talk(pacing: Pacing, note: Callable[[], None]) -> None:
        for _each in range(20):
            await pacing.turn_of("ana")
            note()

    sent = moments(talk)
    assert sent[2] - sent[0] < 0.2, "a few at once"
    assert all(later - earlier >= 1 for earlier, later in pairwise(sent[3:]))


def test_a_desk_gets_twenty_in_any_minute() -> None:
    async def talk(pacing: Pacing, note: Callable[[], None]) -> None:
        for _each in range(70):
            await pacing.turn_of("", desk="oberberg")
            note()

    sent = moments(talk)
    assert most_within(sent, 60) == 20 and sent[-1] < 3.2 * 60


def test_nobody_waits_for_a_chat_that_has_to_wait() -> None:
    async def talk(pacing: Pacing, note: Callable[[], None]) -> None:
        async def busy() -> None:
            for _each in range(10):
                await pacing.turn_of("ana")

        waiting = asyncio.create_task(busy())
        await asyncio.sleep(0)
        for number in range(20):
            await pacing.turn_of(f"ben{number}")
            note()
        await waiting

    sent = moments(talk)
    assert sent[-1] < 1.5
