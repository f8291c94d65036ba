"""What needs no server of a messenger against the table of cases, on both kinds of database.

Messengers are in `test_contract_of_messengers.py`: a new one is one more line there.
"""

from __future__ import annotations

import pytest

from bot.contact_point import ContactPoint
from storage.keys import KeyRing
from tests.channels.contract import Case
from tests.channels.lines_driver import LinesDriver
from tests.channels.table import NewDriver, play, table
from tests.channels.web_driver import WebDriver

CHANNELS: dict[str, NewDriver] = {
    "lines": LinesDriver,
    "web": WebDriver,
}


@pytest.mark.parametrize(("new_driver", "case"), table(CHANNELS))
async def test_contract(new_driver: NewDriver, case: Case, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play(new_driver, case, url, ring, oberberg)
