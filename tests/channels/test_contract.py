"""Every messenger against the table of cases: a new one is one more line in CHANNELS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from bot.contact_point import ContactPoint
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.contract import CASES, Case, Driver
from tests.channels.lines_driver import LinesDriver
from tests.channels.matrix_driver import MatrixDriver
from tests.channels.telegram_driver import TelegramDriver, TelegramPlainGroupDriver, TelegramWebhookDriver
from tests.channels.web_driver import WebDriver

NewDriver = Callable[[Callable[[], Database], Mapping[str, ContactPoint]], Driver]

CHANNELS: dict[str, NewDriver] = {
    "lines": LinesDriver,
    "web": WebDriver,
    "telegram": TelegramDriver,
    "telegram_webhook": TelegramWebhookDriver,
    "telegram_plain_group": TelegramPlainGroupDriver,
    "matrix": MatrixDriver,
}


def _table() -> Iterator[object]:
    for name, new in CHANNELS.items():
        for case in CASES:
            if case.needs <= new.capabilities:  # type: ignore[attr-defined]
                yield pytest.param(new, case, id=f"{name}-{case.name}")


@pytest.mark.parametrize(("new_driver", "case"), list(_table()))
async def test_contract(new_driver: NewDriver, case: Case, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    driver = new_driver(lambda: Database.open(url, ring), {oberberg.id: oberberg})
    await driver.start()
    try:
        await case.act(driver)
    finally:
        await driver.stop()
