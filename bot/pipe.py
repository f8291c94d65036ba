"""Runs the bot over JSON lines on standard input and output."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final

from bot.app import App, ended
from bot.channels.lines import ACCOUNT, LineReader, LinesChannel, SetTime, speak_lines
from bot.contact_point import ContactPoint
from bot.door import Door
from bot.messages import Inbound
from bot.now import ManualTime, SteadyTime
from storage.database import Database
from storage.erasures import ErasureFile

AHEAD: Final = 64
"""Lines that are read before the first of them is answered, at most."""


async def run_pipe(
    database: Database,
    contact_points: Mapping[str, ContactPoint],
    *,
    manual_clock: bool,
    erasures: ErasureFile | None = None,
) -> None:
    """Speaks lines until the end of input; then everything queued has been written.

    Raises BrokenPipeError when nobody reads the output any more; what was not written waits for the next start.
    """
    manual = await database.run(ManualTime, database) if manual_clock else None
    channel = LinesChannel()
    app = App(
        database,
        contact_points,
        {ACCOUNT: channel},
        manual or SteadyTime(),
        ACCOUNT,
        answers_where_asked=True,
        erasures=erasures,
    )
    door = Door(database, contact_points)
    lines = StandardInput(sys.stdin.buffer)

    async def answer(messages: Sequence[Inbound]) -> None:
        if not messages or not door.asks:
            await app.answer(_at_the_door(door, messages))
        else:
            await app.answer(await app.patiently(lambda: database.run(_at_the_door, door, messages)))

    async def set_time(line: SetTime) -> None:
        if manual is not None:
            await app.patiently(lambda: database.run(_set_once, app, manual, line))
        await app.answer(())

    reader = LineReader(contact_points, manual_clock=manual_clock)
    async with app.running():
        settling = asyncio.create_task(app.settle_when_woken())
        speaking = asyncio.create_task(speak_lines(lines.at_hand, reader, channel, answer=answer, set_time=set_time))
        try:
            # Either may find that nobody reads any more, and then both end.
            over, _going = await asyncio.wait({settling, speaking}, return_when=asyncio.FIRST_COMPLETED)
            for each in over:
                each.result()
        finally:
            await ended(settling, speaking)


def _at_the_door(door: Door, messages: Sequence[Inbound]) -> list[Inbound]:
    """The messages with the contact point they came to."""
    came: dict[str, str] = {}
    at_their_place = []
    for each in messages:
        if not each.from_desk:
            came[each.chat] = door.contact_point_of(each.account, each.chat, each.text, came.get(each.chat))
            each = replace(each, contact_point=came[each.chat])
        at_their_place.append(each)
    return at_their_place


def _set_once(app: App, manual: ManualTime, line: SetTime) -> None:
    """The same line again does not move the time back."""
    app.turns.once(ACCOUNT, line.id, manual(), lambda session: manual.set_within(session, line.now))


class StandardInput:
    """Lines as they come, without blocking the loop, and a few of them ahead."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._read: queue.Queue[bytes] = queue.Queue(AHEAD)
        self._came = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="input", daemon=True).start()

    def _run(self) -> None:
        line = b"-"
        while line:
            line = self._stream.readline()
            self._read.put(line)
            self._loop.call_soon_threadsafe(self._came.set)

    async def at_hand(self) -> list[bytes]:
        """All lines that have come, at least one; the last is empty at the end of input."""
        await self._came.wait()
        self._came.clear()
        lines = []
        while True:
            try:
                lines.append(self._read.get_nowait())
            except queue.Empty:
                return lines
