"""The private address of a person's dates: what it serves, and that it ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from icalendar import Calendar

from bot.calendar_feeds import CalendarFeeds
from storage.entrances import note_entrance
from tests.meetings.tables import FIRST_TUESDAY, Tables, heard


def _noted(work: object) -> None:
    note_entrance(work.session, "oberberg", "web", "https://chat.example.org/?at=oberberg&start=")  # type: ignore[attr-defined]


def address(tables: Tables, chat: str) -> str:
    tables.bench.say(chat, "/meetings")
    told = tables.press(chat, "FEED")
    found = re.search(r"https://chat\.example\.org(/calendar/\S+)", told)
    assert found is not None, told
    return found[1]


@pytest.fixture
def served(tables: Tables) -> web.Application:
    tables.within(_noted)
    tables.join("ana", "ben")
    tables.plan(FIRST_TUESDAY, "Title: Table")
    app = web.Application()
    app.add_routes(CalendarFeeds(tables.bench.database, tables.bench.app.turns, tables.bench.time).routes())
    return app


@pytest.fixture
async def client(served: web.Application) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(served)) as client:
        yield client


@pytest.fixture
def path(tables: Tables, served: web.Application) -> str:
    return address(tables, "ana")


async def test_it_serves_the_dates_as_they_are(path: str, client: TestClient[web.Request, web.Application]) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/calendar"
    assert "no-store" not in answer.headers["Cache-Control"]
    (event,) = Calendar.from_ical(await answer.read()).events
    assert event["SUMMARY"] == "Table"


async def test_what_cannot_be_guessed_is_not_found(path: str, client: TestClient[web.Request, web.Application]) -> None:
    for wrong in (path[:-5] + "x.ics", "/calendar/x.ics", "/calendar/" + "A" * 43 + ".ics"):
        assert (await client.get(wrong)).status == 404


async def test_it_is_private_and_ends_when_it_is_renewed(
    tables: Tables, path: str, client: TestClient[web.Request, web.Application]
) -> None:
    import asyncio

    fresh = await asyncio.to_thread(address, tables, "ana")
    assert fresh != path
    assert (await client.get(path)).status == 404
    assert (await client.get(fresh)).status == 200
    said = await asyncio.to_thread(tables.bench.say, "ana", "/nofeed")
    assert "not good any more" in heard(said, "ana")
    assert (await client.get(fresh)).status == 404
