"""The bot of this project with Matrix alone: inbox, turn and outbox in SQLite, the keys as well."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace

from bot.app import App
from bot.contact_point import MatrixRules
from bot.matrix_bots import account_of, matrix_bot
from bot.matrix_setup import log_in
from bot.now import SteadyTime
from bot.settings import contact_points, open_database


async def serve(origin: str, user: str, password: str, url: str) -> None:
    database, _ = await asyncio.to_thread(open_database, url, os.environ)
    (point,) = contact_points(None).values()
    languages = replace(point.languages, default="en")
    point = replace(point, matrix=MatrixRules(origin, user), languages=languages)
    now = SteadyTime()
    if password:
        await log_in(database, point, password, now())
    app: App
    bot = matrix_bot(
        point,
        database,
        now,
        receive=lambda *received: app.receive_beside(*received),
        set_aside=lambda *event: app.set_aside(*event),
        holds=lambda account: app.holds(account),
    )
    account = account_of(point)
    app = App(database, {point.id: point}, {account: bot.channel}, now, account)
    await asyncio.gather(app.run(), bot.run())


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:5]))
