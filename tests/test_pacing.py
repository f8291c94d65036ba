"""The pace of a messenger, in a time that leaps from one moment to the next."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest

from bot.channels.telegram.channel import PACE
from bot.pacing import CROWD, Pacing


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


class Messenger:
    """Counts what is sent, at the moment when it arrives."""

    def __init__(self, loop: Leaping, delay: Callable[[], float]) -> None:
        self.pacing = Pacing(PACE)
        self.arrived: list[float] = []
        self._loop, self._delay = loop, delay

    async def send(self, chat: str, *, desk: str = "") -> float:
        async with self.pacing.turn_of(chat, desk=desk):
            await asyncio.sleep(self._delay())
            at = self._loop.time()
            self.arrived.append(at)
            await asyncio.sleep(self._delay())
        return at

    async def broadcast(self, people: int) -> None:
        """To everybody, as many at once as the pace allows."""
        chats = iter(range(people))

        async def one_after_another() -> None:
            for chat in chats:
                await self.send(f"{chat}")

        await asyncio.gather(*(one_after_another() for _each in range(PACE.at_once)))


def arrivals(talk: Callable[[Messenger], Awaitable[object]], delay: Callable[[], float] = lambda: 0.0) -> list[float]:
    """When messages arrived."""
    loop = Leaping()
    try:
        messenger = Messenger(loop, delay)
        loop.run_until_complete(talk(messenger))
    finally:
        loop.close()
    return sorted(messenger.arrived)


def most_within(moments: list[float], seconds: float) -> int:
    return max(sum(1 for at in moments[first:] if at < moments[first] + seconds) for first in range(len(moments)))


def test_ten_thousand_people_at_the_pace_that_is_allowed() -> None:
    at = arrivals(lambda messenger: messenger.broadcast(10_000), lambda: 0.02)
    assert all(at[number + 30] - at[number] >= 0.999 for number in range(len(at) - 30)), "more than thirty in a second"
    assert 10_000 / (at[-1] - at[0]) >= 0.95 * 30


@pytest.mark.parametrize("seed", range(5))
def test_a_network_that_holds_messages_up_brings_no_more_in_a_second(seed: int) -> None:
    chance = random.Random(seed)
    at = arrivals(lambda messenger: messenger.broadcast(600), lambda: chance.choice((0.0, 0.01, 0.05, 0.4, 2.0)))
    assert most_within(at, 0.999) <= 30


@pytest.mark.parametrize("way", [0.01, 0.05, 0.2])
def test_a_messenger_far_away_takes_as_many_in_a_second(way: float) -> None:
    chance = random.Random(1)
    at = arrivals(lambda messenger: messenger.broadcast(3000), lambda: way + chance.uniform(0, way / 10))
    assert most_within(at, 0.999) <= 30 and 3000 / (at[-1] - at[0]) >= 0.95 * 30


def test_one_chat_gets_a_short_burst_and_then_one_a_second() -> None:
    async def talk(messenger: Messenger) -> None:
        for _each in range(20):
            await messenger.send("ana")

    at = arrivals(talk)
    assert at[2] - at[0] < 0.2, "a few at once"
    assert all(later - earlier >= 1 for earlier, later in pairwise(at[3:]))


def test_a_desk_gets_twenty_in_any_minute() -> None:
    async def talk(messenger: Messenger) -> None:
        for _each in range(70):
            await messenger.send("", desk="oberberg")

    at = arrivals(talk)
    assert most_within(at, 59.999) == 20 and at[-1] < 3.2 * 60


def test_nobody_waits_for_a_chat_that_has_to_wait() -> None:
    async def talk(messenger: Messenger) -> None:
        async def busy() -> None:
            for _each in range(10):
                await messenger.send("ana")

        waiting = asyncio.create_task(busy())
        await asyncio.sleep(0)
        assert max([await messenger.send(f"ben{number}") for number in range(20)]) < 1.5
        await waiting

    arrivals(talk)


def test_where_several_chats_are_refused_at_once_the_whole_account_is_meant() -> None:
    async def talk(messenger: Messenger) -> None:
        pacing = messenger.pacing
        for _again in range(CROWD):
            pacing.refused("ana", 30)
        assert not pacing.stopped, "it is one chat still"
        for number in range(CROWD):
            pacing.refused(f"ben{number}", 2)
        assert pacing.stopped
        assert await messenger.send("lee") == 2

    arrivals(talk)
