"""What goes wrong between a bot and Telegram, on order or at random."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

BAD_GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    "<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n"
)


class Fault(Enum):
    """What happens to a request; those with AFTER have their effect all the same."""

    INTERNAL = "500"
    INTERNAL_AFTER = "500 after"
    GATEWAY = "502"
    GATEWAY_AFTER = "502 after"
    SILENCE = "no answer"
    SILENCE_AFTER = "no answer after"
    RESET = "connection reset"
    RESET_AFTER = "connection reset after"
    GARBAGE_AFTER = "half a JSON after"
    SLOW = "slow"

    @property
    def after(self) -> bool:
        return self.name.endswith("_AFTER") or self is Fault.SLOW


LOSSY = (Fault.INTERNAL, Fault.GATEWAY, Fault.RESET, Fault.RESET_AFTER, Fault.GATEWAY_AFTER, Fault.GARBAGE_AFTER)
"""Quick ones, for weather."""
FILE = "file"
"""The method's name when a file is fetched."""


@dataclass
class Order:
    """One fault for the next requests that fit."""

    fault: Fault
    method: str | None
    chat: int | None
    times: int
    seconds: float


@dataclass(frozen=True)
class Struck:
    """A fault that happened."""

    fault: Fault
    method: str
    seconds: float


@dataclass
class Weather:
    """Faults at random, the same for the same seed and requests."""

    random: random.Random
    share: float
    kinds: Sequence[Fault]
    methods: Collection[str] | None
    seconds: float


class Faults:
    """All faults of one server."""

    def __init__(self) -> None:
        self.struck: list[Struck] = []
        self._orders: list[Order] = []
        self._weather: Weather | None = None

    def order(
        self,
        fault: Fault,
        method: str | None = None,
        *,
        chat: int | None = None,
        times: int = 1,
        seconds: float | None = None,
    ) -> None:
        """Strikes the next so many requests; `seconds` is how long an answer is slow, or stays away (for ever)."""
        if seconds is None:
            seconds = 0.2 if fault is Fault.SLOW else 3600
        self._orders.append(Order(fault, method, chat, times, seconds))

    def rage(
        self,
        seed: int,
        share: float,
        kinds: Sequence[Fault] = LOSSY,
        methods: Collection[str] | None = None,
        *,
        seconds: float = 0.2,
    ) -> None:
        """From now on strikes a share of the requests."""
        self._weather = Weather(random.Random(seed), share, kinds, methods, seconds)

    def calm(self) -> None:
        self._orders.clear()
        self._weather = None

    def strike(self, method: str, chat: object = None) -> Struck | None:
        """What happens to this request."""
        for order in self._orders:
            fits = order.method in (None, method) and order.chat in (None, chat)
            if fits:
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
                return self._note(order.fault, method, order.seconds)
        weather = self._weather
        if (
            weather
            and (weather.methods is None or method in weather.methods)
            and weather.random.random() < weather.share
        ):
            return self._note(weather.random.choice(weather.kinds), method, weather.seconds)
        return None

    def _note(self, fault: Fault, method: str, seconds: float) -> Struck:
        struck = Struck(fault, method, seconds)
        self.struck.append(struck)
        return struck
