"""The ways that a messenger can be set up, against the same cases: one kind of database is enough for them."""

from __future__ import annotations

import pytest

from bot.contact_point import ContactPoint
from storage.keys import KeyRing
from tests.channels.contract import Case
from tests.channels.matrix_driver import MatrixOpenDriver
from tests.channels.table import NewDriver, play, table
from tests.channels.telegram_driver import TelegramDriver, TelegramPlainGroupDriver, TelegramWebhookDriver
from tests.databases import Databases, Sqlite

VARIANTS: dict[str, NewDriver] = {
    "telegram": TelegramDriver,
    "telegram_webhook": TelegramWebhookDriver,
    "telegram_plain_group": TelegramPlainGroupDriver,
    "matrix_open": MatrixOpenDriver,
}


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Sqlite(tmp_path_factory.mktemp("databases"))


@pytest.mark.parametrize(("new_driver", "case"), table(VARIANTS))
async def test_contract(new_driver: NewDriver, case: Case, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play(new_driver, case, url, ring, oberberg)
