"""Messengers against the table of cases, on both kinds of database: a new one is one more line in CHANNELS.

Telegram is in `test_contract_variants.py`: what it keeps in a database is tried on both in `telegram/`.
"""

from __future__ import annotations

import pytest

from bot.contact_point import ContactPoint
from storage.keys import KeyRing
from tests.channels.contract import Case
from tests.channels.lines_driver import LinesDriver
from tests.channels.matrix_driver import MatrixDriver
from tests.channels.table import NewDriver, play, table
from tests.channels.web_driver import WebDriver

CHANNELS: dict[str, NewDriver] = {
    "lines": LinesDriver,
    "web": WebDriver,
    "matrix": MatrixDriver,
}


@pytest.mark.parametrize(("new_driver", "case"), table(CHANNELS))
async def test_contract(new_driver: NewDriver, case: Case, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play(new_driver, case, url, ring, oberberg)
