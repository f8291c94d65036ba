"""People on Telegram, and desks that are moved or only told that there is something."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.app import App, ended
from bot.contact_point import TelegramRules
from bot.delivery import Channel
from bot.desks import Desks, desk_at
from bot.telegram_bots import Token, telegram_bot
from tests.channels.contract import POINT
from tests.channels.contract import Staff as Colleague
from tests.channels.matrix.people import WITH_JS_SELDOM
from tests.channels.matrix_driver import FAST, NOWHERE, MatrixDriver, Unseen
from tests.telegram_server.limits import Limits
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.world import Message


class BothDriver(MatrixDriver):
    """People on Telegram, staff on Matrix; the desk is wherever `rules` and `telegram_desk` say."""

    telegram_desk = "none"

    async def start(self) -> None:
        self.telegram = TelegramServer(Limits(enforced=False))
        await self.telegram.start()
        self.telegram_account = self.telegram.bot("Anlaufstelle", "anlaufstelle_bot")
        await super().start()

    async def serve(self) -> None:
        rules = TelegramRules("tests", mode="full", desk_content=self.telegram_desk, api=self.telegram.origin)
        self._points[POINT] = replace(self.point, telegram=rules)
        await super().serve()
        await ended(self._receiving, self._answering)
        token = Token(self.telegram_account.token)
        self.on_telegram = telegram_bot(
            self.point,
            token,
            self.database,
            self._time,
            receive=lambda messages: self.app.receive_all(messages),
            set_aside=lambda *update: self.app.set_aside(*update),
            holds=lambda account: self.app.holds(account),
            pace=FAST,
        )
        bots = (self.bot, self.on_telegram)
        channels: dict[str, Channel] = {NOWHERE: Unseen(), **{each.account: each.channel for each in bots}}
        at = desk_at({each.account: each.desk_content for each in bots}, NOWHERE)
        self.app = App(self.database, self._points, channels, self._time, Desks(NOWHERE, {POINT: at} if at else {}))
        self._answering = asyncio.create_task(self.app.run())
        self._receiving = asyncio.create_task(self._both())

    async def _both(self) -> None:
        running = [asyncio.create_task(each.run()) for each in (self.bot, self.on_telegram)]
        try:
            await asyncio.gather(*running)
        finally:
            await ended(*running)
            await self.on_telegram.close()

    async def stop(self) -> None:
        await super().stop()
        await self.telegram.stop()
        assert self.telegram.violations == []

    async def hears(self, person: Any, words: str, edited: bool = False) -> Message:
        """The newest message to somebody on Telegram."""

        def look() -> Message | None:
            chat = person.chat(self.telegram_account)
            found = [m for m in chat.messages if m.sender is self.telegram_account and words in m.text]
            return found[-1] if found and (found[-1].edited or not edited) else None

        found: Message = await self.telegram.until(look, words)
        return found

    async def asks(self, person: Any, words: str) -> None:
        """Up to a human."""
        person.starts(self.telegram_account)
        person.presses(await self.hears(person, "Which language"), "English")
        person.presses(await self.hears(person, "Is somebody in danger"), "Talk to a person")
        await self.hears(person, "I am getting a person.")
        person.says(self.telegram_account, words)


@WITH_JS_SELDOM
async def test_a_desk_that_moves_shows_its_cases_where_it_is_now(running: Any) -> None:
    async with running(BothDriver) as driver:
        kim = Colleague(driver, "kim")
        await kim.reads_english()
        staff = await driver.staff("kim")
        ana = driver.telegram.user("Ana", "en")
        await driver.asks(ana, "I have a question.")
        notice = await kim.sees("Somebody would like to talk to a person:")
        ref = notice.text.split(": ")[1].split(".")[0]
        await staff.reacts(driver.desk, notice.id, "📂")
        await kim.sees("I have a question.", ref)
        # For a while the desk is somewhere else, and what is said there is known by other names.
        before = driver.rules
        driver._points[POINT] = replace(driver.point, matrix=replace(driver.point.matrix, desk_content="none"))
        await driver.restart()
        ana.says(driver.telegram_account, "Said elsewhere.")
        await asyncio.sleep(1)
        driver._points[POINT] = replace(driver.point, matrix=replace(driver.point.matrix, **before))
        await driver.restart()
        ana.says(driver.telegram_account, "Said here again.")
        await kim.sees("Said here again.", ref)
        await kim.says("/open", ref)
        await kim.sees("Said elsewhere.", ref)


@WITH_JS_SELDOM
async def test_a_room_that_may_only_know_that_there_is_something(running: Any) -> None:
    async with running(BothDriver, rules={"desk_content": "pings"}) as driver:
        kim = await driver.staff("kim")
        ana = driver.telegram.user("Ana", "en")
        await driver.asks(ana, "Quisquiliae in the yard.")
        ping = await kim.sees("Jemand möchte", driver.desk)
        assert "Quisquiliae" not in ping.text and "formatted_body" not in ping.content
        assert not [e for e in kim.by(driver.user, driver.desk) if "Quisquiliae" in e.text]
