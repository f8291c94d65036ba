"""The cases of the contract, for each driver that can play them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bot.contact_point import ContactPoint
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.contract import CASES, Case, Driver

NewDriver = Callable[[Callable[[], Database], Mapping[str, ContactPoint]], Driver]


def table(channels: Mapping[str, NewDriver]) -> list[Any]:
    return [
        pytest.param(new, case, id=f"{name}-{case.name}")
        for name, new in channels.items()
        for case in CASES
        if case.needs <= new.capabilities  # type: ignore[attr-defined]
    ]


async def play(new: NewDriver, case: Case, url: str, ring: KeyRing, point: ContactPoint) -> None:
    driver = new(lambda: Database.open(url, ring), {point.id: point})
    await driver.start()
    try:
        await case.act(driver)
    finally:
        await driver.stop()
