"""Runs the bot over JSON lines on standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import replace

from bot.app import App
from bot.channels.lines import ACCOUNT, LineReader, LinesChannel, SetTime, speak_lines
from bot.clock import Clock
from bot.contact_point import ContactPoint
from bot.door import Door
from bot.messages import Inbound
from bot.now import ManualTime, system_time
from storage.database import Database


async def run_pipe(database: Database, contact_points: Mapping[str, ContactPoint], *, manual_clock: bool) -> None:
    """Speaks lines until the end of input; then everything queued has been written."""
    manual = await database.run(ManualTime, database) if manual_clock else None
    channel = LinesChannel()
    app = App(database, contact_points, {ACCOUNT: channel}, manual or system_time, ACCOUNT)
    door = Door(database, contact_points)

    async def receive(inbound: Inbound) -> None:
        if not inbound.from_desk:
            point = await database.run(door.contact_point_of, inbound.account, inbound.chat, inbound.text)
            inbound = replace(inbound, contact_point=point)
        await app.receive(inbound)

    async def set_time(line: SetTime) -> None:
        if manual is not None:
            await database.run(_set_once, app, manual, line)

    clock = None if manual else Clock(app.settle)
    if clock is not None:
        clock.start()
    try:
        await speak_lines(
            _next_line,
            LineReader(contact_points, manual_clock=manual_clock),
            channel,
            receive=receive,
            set_time=set_time,
            settle=app.settle,
        )
    finally:
        if clock is not None:
            clock.stop()


def _set_once(app: App, manual: ManualTime, line: SetTime) -> None:
    """The same line again does not move the time back."""
    app.turns.once(ACCOUNT, line.id, manual(), lambda session: manual.set_within(session, line.now))


async def _next_line() -> bytes:
    """One line of standard input, without blocking the loop; empty at the end."""
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.readline)
