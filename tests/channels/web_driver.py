"""Drives the web page over HTTP and its stream of events: one browser for each person, one for the desk."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from bot.app import App
from bot.channels.web.access import Public
from bot.channels.web.limits import TokenBucket
from bot.channels.web.server import WebChannel
from bot.contact_point import ContactPoint
from bot.messages import Inbound, Media, Option
from bot.now import ManualTime
from bot.web_memory import StoredMemory
from storage.database import Database
from tests.channels.contract import DESK, POINT, START, Can, Screen, Seen, Weather
from tests.ports import free_port

KEY = "a long key for the desk"


class WebDriver:
    """The page as it stands on the internet, with browsers that come back after a break as browsers do."""

    capabilities = frozenset({Can.EDIT, Can.ANSWER})

    def __init__(self, open_database: Callable[[], Database], points: Mapping[str, ContactPoint]) -> None:
        self.screen = Screen()
        self.weather = Weather()
        self.database = open_database()
        self._open_database = open_database
        self._points = points
        self._port = free_port()
        self.origin = f"http://127.0.0.1:{self._port}"
        self.up = asyncio.Event()
        self._browsers: dict[str, Browser] = {}
        self._numbers = count(1)

    async def start(self) -> None:
        await self._serve()
        await self.database.run(self._time.set, START)

    async def _serve(self) -> None:
        self._time = await self.database.run(ManualTime, self.database)
        channel = self._new_channel()
        channels = {WebChannel.name: self.weather.around(channel)}
        self._app = App(self.database, self._points, channels, self._time, WebChannel.name, channel.handled)
        await self._listen(channel)
        self._answering = asyncio.create_task(self._app.run())
        self.up.set()

    def _new_channel(self) -> WebChannel:
        async def receive(inbound: Inbound) -> None:
            await self._app.receive(inbound)

        return WebChannel(
            memory=StoredMemory(self.database),
            receive=receive,
            now=self._time,
            contact_points={key: point.name for key, point in self._points.items()},
            mode=Public(self.origin, {POINT: KEY}),
            per_chat=TokenBucket(burst=1000, per_second=1000),
        )

    async def _listen(self, channel: WebChannel) -> None:
        self._server = TestServer(channel.application(), host="127.0.0.1", port=self._port)
        await self._server.start_server()

    async def _down(self) -> None:
        self.up.clear()
        self._answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._answering
        await self._server.close()
        await asyncio.to_thread(self.database.close)

    async def restart(self) -> None:
        await self._down()
        self.database = self._open_database()
        await self._serve()

    async def stop(self) -> None:
        for browser in self._browsers.values():
            await browser.close()
        await self._down()

    async def later(self, seconds: float) -> None:
        await self.database.run(self._time.set, self._time() + timedelta(seconds=seconds))
        self._app.wake()

    async def _browser(self, place: str) -> Browser:
        if place not in self._browsers:
            self._browsers[place] = Browser(self, place)
            await self._browsers[place].open()
        await self._browsers[place].opened.wait()
        return self._browsers[place]

    async def _say(self, place: str, fields: dict[str, Any], message_id: str = "") -> str:
        message_id = message_id or f"m{next(self._numbers)}"
        browser = await self._browser(place)
        await browser.post(f"/say{browser.at}", {"id": message_id, **fields})
        return message_id

    async def say(self, chat: str, text: str, *, message_id: str = "") -> str:
        return await self._say(chat, {"text": text, "language": "en"}, message_id)

    async def press(self, chat: str, message: Seen, option: str, *, message_id: str = "") -> None:
        await self._say(chat, {"choice": option, "pressed": message.id, "language": "en"}, message_id)

    async def send(self, chat: str, media: Media) -> None:
        fields = {"kind": media.kind, "name": media.name, "type": media.type}
        await self._say(chat, {"media": {**fields, "base64": base64.b64encode(media.data).decode()}})

    async def edit(self, chat: str, message_id: str, text: str) -> None:
        await self._say(chat, {"edits": message_id, "text": text})

    async def fetch(self, place: str, message: Seen) -> bytes:
        return await (await self._browser(place)).get(f"/media?message={message.id}")

    async def say_at_desk(
        self, by: str, text: str, *, thread: str = "", answers: Seen | None = None, message_id: str = ""
    ) -> str:
        return await self._say(
            DESK, _at_desk(by, thread, text=text, **({"reply_to": answers.id} if answers else {})), message_id
        )

    async def press_at_desk(self, by: str, message: Seen, option: str) -> None:
        await self._say(DESK, _at_desk(by, message.thread, choice=option, pressed=message.id))

    async def edit_at_desk(self, by: str, message_id: str, text: str, *, thread: str = "") -> None:
        await self._say(DESK, _at_desk(by, thread, edits=message_id, text=text))


class Browser:
    """A browser with its own cookies and an open page: a person's, or the desk's."""

    def __init__(self, driver: WebDriver, place: str) -> None:
        self._driver = driver
        self._place = place
        self._session = aiohttp.ClientSession(driver.origin, cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._since = 0
        self.at = "?at=desk" if place == DESK else ""
        self.opened = asyncio.Event()

    async def open(self) -> None:
        if self._place == DESK:
            await self.post("/enter", {"desk": POINT, "key": KEY})
        else:
            await self.post("/begin", {})
        self._reading = asyncio.create_task(self._read())
        self.opened.set()

    async def close(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self._session.close()

    async def post(self, path: str, body: dict[str, Any]) -> None:
        async with self._session.post(path, json=body, headers={"Origin": self._driver.origin}) as answer:
            assert answer.status == 200, await answer.text()

    async def get(self, path: str) -> bytes:
        query = f"{path}&desk={POINT}" if self._place == DESK else path
        async with self._session.get(query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def _read(self) -> None:
        """Comes back after each break, and asks for what it has missed."""
        query = f"/events?desk={POINT}" if self._place == DESK else "/events"
        while True:
            await self._driver.up.wait()
            try:
                async with self._session.get(query, headers={"Last-Event-ID": str(self._since)}) as answer:
                    assert answer.status == 200, await answer.text()
                    await self._listen(answer)
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)
            except Exception as error:
                self._driver.screen.broken(repr(error))
                raise

    async def _listen(self, answer: aiohttp.ClientResponse) -> None:
        event: dict[str, str] = {}
        buffer = b""
        async for chunk in answer.content.iter_any():
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                name, _colon, value = line.decode().partition(": ")
                if name:
                    event[name] = value
                    continue
                self._take(event)
                event = {}

    def _take(self, event: dict[str, str]) -> None:
        if "event" in event or "data" not in event:
            return
        self._since = int(event["id"])
        data = json.loads(event["data"])
        if data["from"] == "bot":
            before = self._driver.screen.find(self._place, data["id"])
            self._driver.screen.put(self._place, _seen(data, before))


def _seen(data: dict[str, Any], before: Seen | None) -> Seen:
    return Seen(
        data["id"],
        data["order"],
        data["text"],
        tuple(Option(**option) for option in data.get("options", ())),
        data.get("thread", ""),
        before is not None,
        data.get("file", {}).get("name", ""),
    )


def _at_desk(by: str, thread: str, **fields: str) -> dict[str, Any]:
    return {"desk": POINT, "by": by, **({"thread": thread} if thread else {}), **fields}
