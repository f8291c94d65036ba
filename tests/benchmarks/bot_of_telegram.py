"""The bot of this project with Telegram alone, at whatever pace the server takes: inbox, turn and outbox in SQLite."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

from bot.app import App
from bot.contact_point import TelegramRules
from bot.delivery import Pace
from bot.now import SteadyTime
from bot.settings import contact_points, open_database
from bot.telegram_bots import Token, telegram_bot


async def serve(token: str, origin: str, url: str) -> None:
    database, _ = await asyncio.to_thread(open_database, url, os.environ)
    (point,) = contact_points(None).values()
    point = replace(point, telegram=TelegramRules("benchmark", "full", "none", "", origin))
    now = SteadyTime()
    app: App
    bot = telegram_bot(
        point,
        Token(token),
        database,
        now,
        receive=lambda messages: app.receive_all(messages),
        set_aside=lambda *update: app.set_aside(*update),
        holds=lambda account: app.holds(account),
        pace=Pace(at_once=24),
    )
    account = bot.token.account
    app = App(database, {point.id: point}, {account: bot.channel}, now, account)
    await asyncio.gather(app.run(), bot.run())


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:4]))
