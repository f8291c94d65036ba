"""One bot with all its messengers: people come by any of them, the desk is in one, and may move to another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

from bot.app import App, ended
from bot.channels.web.server import WebChannel
from bot.contact_point import ContactPoint, MatrixRules, TelegramRules
from bot.delivery import Channel
from bot.desks import Desks, desk_at
from bot.matrix_setup import make_desk
from bot.messages import Inbound
from bot.now import ManualTime
from bot.telegram_bots import Token
from storage.database import Database
from tests.channels.contract import POINT, START, Driver
from tests.channels.matrix_driver import MatrixDriver
from tests.channels.telegram_driver import TelegramDriver
from tests.channels.web_driver import WebDriver
from tests.telegram_server.world import Message

Messenger = Literal["matrix", "telegram", "web"]


class Relay:
    """The bot; each messenger has its driver."""

    def __init__(self, database: Database, point: ContactPoint, desk: Messenger) -> None:
        self.database = database
        # Nobody but people themselves tells what they read.
        self.points = {POINT: replace(point, languages=replace(point.languages, default="en"))}
        self.desk = desk
        self.on_matrix, self.on_telegram, self.on_web = OnMatrix(self), OnTelegram(self), OnWeb(self)
        self._drivers: dict[str, Any] = {"matrix": self.on_matrix, "telegram": self.on_telegram, "web": self.on_web}

    def __getitem__(self, messenger: Messenger) -> Driver:
        found: Driver = self._drivers[messenger]
        return found

    async def start(self) -> None:
        self.time = await self.database.run(ManualTime, self.database)
        await self.database.run(self.time.set, START)
        for each in self._drivers.values():
            await each.prepare()
        await self._serve()

    async def _serve(self) -> None:
        drivers, rules = self._drivers, {each: "full" if each == self.desk else "none" for each in self._drivers}
        for name, each in drivers.items():
            each.at_work(rules[name])
        bots = (self.on_matrix.bot, self.on_telegram._bot)
        channels: dict[str, Channel] = {each.account: each.channel for each in bots}
        channels[WebChannel.name] = self.on_web.channel
        at = desk_at({each.account: each.desk_content for each in bots}, WebChannel.name)
        desks = Desks(WebChannel.name, {POINT: at} if at else {})
        self.app = App(self.database, self.points, channels, self.time, desks, self._handled)
        await self.on_web._listen(self.on_web.channel)
        self.on_web.up.set()
        self._working = [asyncio.create_task(each) for each in (self.app.run(), *(bot.run() for bot in bots))]
        if self.desk == "telegram" and not hasattr(self.on_telegram, "group"):
            await self.on_telegram._meet()

    async def _handled(self, inbound: Inbound) -> None:
        if inbound.account == WebChannel.name:
            await self.on_web.channel.handled(inbound)

    async def _rest(self) -> None:
        self.on_web.up.clear()
        await ended(*self._working)
        await self.on_matrix.bot.close()
        await self.on_telegram._bot.close()
        await self.on_web._server.close()

    async def moves_to(self, desk: Messenger) -> None:
        """The contact point's file says that the desk is somewhere else, and the bot is started again."""
        await self._rest()
        self.desk = desk
        await self._serve()

    async def stop(self) -> None:
        for each in self._drivers.values():
            await each.leave()
        await self._rest()
        await self.on_telegram.server.stop()
        assert self.on_telegram.server.violations == []
        await asyncio.to_thread(self.database.close)


class OnMatrix(MatrixDriver):
    """The bot's account on Matrix."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(lambda: relay.database, relay.points)
        self._relay, self._points = relay, relay.points

    async def prepare(self) -> None:
        self.account = self.server.register("bot")
        self.user = self.account.user_id
        self._set("full")
        await self.log_in()
        self.desk = await make_desk(self.database, self.point, [])

    def _set(self, desk_content: str) -> None:
        rules = MatrixRules(self.server.origin, self.user, desk_content=desk_content)
        self._points[POINT] = replace(self.point, matrix=rules)

    def at_work(self, desk_content: str) -> None:
        self._set(desk_content)
        self._time = self._relay.time
        self.bot = self._new_bot()

    @property
    def app(self) -> App:  # type: ignore[override]
        return self._relay.app

    async def leave(self) -> None:
        await self.stop()


class OnTelegram(TelegramDriver):
    """The bot's account on Telegram."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(lambda: relay.database, relay.points)
        self._relay, self._points = relay, relay.points

    async def prepare(self) -> None:
        await self.server.start()
        self.account = self.server.bot("Anlaufstelle", "anlaufstelle_bot")
        self._token = Token(self.account.token)
        self._watching = asyncio.create_task(self._watch())

    def at_work(self, desk_content: str) -> None:
        rules = TelegramRules("tests", mode="full", desk_content=desk_content, api=self.server.origin)
        self._points[POINT] = replace(self._points[POINT], telegram=rules)
        self._time = self._relay.time
        self._bot = self._new_bot()

    @property
    def _app(self) -> App:  # type: ignore[override]
        return self._relay.app

    async def _watch(self) -> None:
        while not hasattr(self, "group"):
            for name, person in list(self._people.items()):
                self._show(name, person.chat(self.account))
            await self.server.world.change(0.2)
        await super()._watch()

    def _thread(self, message: Message) -> str:
        return super()._thread(message) if hasattr(self, "group") else ""

    async def leave(self) -> None:
        await ended(self._watching)


class OnWeb(WebDriver):
    """The page."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(lambda: relay.database, relay.points)
        self._relay, self._points = relay, relay.points

    async def prepare(self) -> None:
        """There is nothing to set up."""

    def at_work(self, desk_content: str) -> None:
        self._time = self._relay.time
        self.channel = self._new_channel()

    @property
    def _app(self) -> App:  # type: ignore[override]
        return self._relay.app

    async def leave(self) -> None:
        for each in self._browsers.values():
            await each.close()
