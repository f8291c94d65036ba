"""Every messenger, in each way it can be set up, against the table of cases: a new one is one more line in MESSENGERS.

On one kind of database; what leans on the database most is played on the other one as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.contact_point import ContactPoint
from storage.keys import KeyRing
from tests.channels.contract import Case
from tests.channels.matrix_driver import MatrixDriver, MatrixJsDriver, MatrixOpenDriver, MatrixRoomsDriver
from tests.channels.table import NewDriver, play, table
from tests.channels.telegram_driver import TelegramDriver, TelegramPlainGroupDriver, TelegramWebhookDriver
from tests.databases import Databases, Postgres, Sqlite
from tests.postgres import Server

MESSENGERS: dict[str, NewDriver] = {
    "telegram": TelegramDriver,
    "telegram_webhook": TelegramWebhookDriver,
    "telegram_plain_group": TelegramPlainGroupDriver,
    "matrix": MatrixDriver,
}
SELDOM: dict[str, NewDriver] = {
    "matrix_open": MatrixOpenDriver,
    "matrix_rooms": MatrixRoomsDriver,
    "matrix_js": MatrixJsDriver,
}
"""Like another one in nearly everything: with `-m long`, but for what covers most of it."""
EACH_TIME = {
    "matrix_js": (
        "the_desk_opens_takes_notes_and_replies",
        "a_file_reaches_the_person",
    )
}
ON_THE_DATABASE = (
    "a_report_by_buttons_from_start_to_receipt",
    "the_desk_opens_takes_notes_and_replies",
    "a_restart_in_the_middle_loses_nothing_and_keeps_the_order",
)


def _seldom() -> list[object]:
    found = []
    for name, new in SELDOM.items():
        often = EACH_TIME.get(name, ())
        found += [
            pytest.param(*each.values, id=each.id, marks=[] if each.values[1].name in often else pytest.mark.long)
            for each in table({name: new})
        ]
    return found


def _on_the_database() -> list[object]:
    first = {name: MESSENGERS[name] for name in ("telegram", "matrix")}
    restart = ON_THE_DATABASE[-1:]
    return [
        each
        for each in table(first)
        if each.values[1].name in (restart if each.values[0] is MatrixDriver else ON_THE_DATABASE)
    ]


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Sqlite(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def on_a_server(server: Server) -> Databases:
    return Postgres(server)


@pytest.fixture
def url_on_a_server(on_a_server: Databases) -> Iterator[str]:
    url = on_a_server.new()
    yield url
    on_a_server.drop(url)


@pytest.mark.parametrize(("new_driver", "case"), table(MESSENGERS))
async def test_contract(new_driver: NewDriver, case: Case, url: str, ring: KeyRing, oberberg: ContactPoint) -> None:
    await play(new_driver, case, url, ring, oberberg)


@pytest.mark.parametrize(("new_driver", "case"), _seldom())
async def test_contract_of_what_is_seldom(
    new_driver: NewDriver, case: Case, url: str, ring: KeyRing, oberberg: ContactPoint
) -> None:
    await play(new_driver, case, url, ring, oberberg)


@pytest.mark.parametrize(("new_driver", "case"), _on_the_database())
async def test_contract_on_postgresql(
    new_driver: NewDriver, case: Case, url_on_a_server: str, ring: KeyRing, oberberg: ContactPoint
) -> None:
    await play(new_driver, case, url_on_a_server, ring, oberberg)
