"""Drives the lines channel through its real reader and writer, as a bridge would."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from bot.app import App
from bot.channels.lines import ACCOUNT, LineReader, LinesChannel, SetTime, speak_lines
from bot.contact_point import ContactPoint
from bot.messages import Inbound, Media, Option
from bot.now import ManualTime
from storage.database import Database
from tests.channels.contract import DESK, POINT, START, Can, Screen, Seen, Weather


class LinesDriver:
    """A bridge: writes lines without waiting, and sends those again that were not done when the bot died."""

    capabilities = frozenset({Can.EDIT})

    def __init__(self, open_database: Callable[[], Database], points: Mapping[str, ContactPoint]) -> None:
        self.screen = Screen()
        self.weather = Weather()
        self.database = open_database()
        self._open_database = open_database
        self._points = points
        self._now = START
        self._numbers = count(1)
        self._orders = count(1)
        self._files: dict[str, bytes] = {}
        self._open: list[dict[str, Any]] = []
        """Lines without their `done`."""
        self._written: asyncio.Queue[bytes] = asyncio.Queue()

    async def start(self) -> None:
        self._speak()
        await self._set_time()

    def _speak(self) -> None:
        self._written = asyncio.Queue()
        for line in self._open:
            self._written.put_nowait(_bytes(line))
        self._speaking = asyncio.create_task(self._run(self.database, self._written))

    async def _run(self, database: Database, written: asyncio.Queue[bytes]) -> None:
        time = await database.run(ManualTime, database)
        channel = LinesChannel(_Ear(self._hear))
        app = App(database, self._points, {ACCOUNT: self.weather.around(channel)}, time, ACCOUNT)

        async def answer(messages: Sequence[Inbound]) -> None:
            await app.answer([replace(each, contact_point=POINT) for each in messages])

        def set_once(line: SetTime) -> None:
            app.turns.once(ACCOUNT, line.id, time(), lambda session: time.set_within(session, line.now))

        async def set_time(line: SetTime) -> None:
            await database.run(set_once, line)
            await app.settle()

        async def lines() -> list[bytes]:
            return [await written.get()]

        reader = LineReader(self._points, manual_clock=True)
        try:
            await speak_lines(lines, reader, channel, answer=answer, set_time=set_time)
        except Exception as error:
            self.screen.broken(repr(error))
            raise

    async def restart(self) -> None:
        self._speaking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._speaking
        await asyncio.to_thread(self.database.close)
        self.database = self._open_database()
        self._speak()

    async def stop(self) -> None:
        self._written.put_nowait(b"")
        try:
            # After a failure a line may never be done: the test must end all the same.
            await asyncio.wait_for(self._speaking, 30)
        finally:
            await asyncio.to_thread(self.database.close)

    async def later(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        await self._set_time()

    async def _set_time(self) -> None:
        line = self._write({"now": self._now.isoformat()})
        await self.screen.until(lambda: line not in [each["id"] for each in self._open], "the time", DESK)

    def _write(self, fields: dict[str, Any], message_id: str = "") -> str:
        line = {"id": message_id or f"m{next(self._numbers)}", **fields}
        self._open.append(line)
        self._written.put_nowait(_bytes(line))
        return str(line["id"])

    def _hear(self, raw: bytes) -> None:
        line = json.loads(raw)
        if "error" in line:
            self.screen.broken(line["error"])
        elif "done" in line:
            assert self._open[0]["id"] == line["done"], "lines are done in the order in which they came"
            self._open.pop(0)
            self.screen.put("done", Seen("done", 0, line["done"]))
        else:
            self._show(line)

    def _show(self, line: dict[str, Any]) -> None:
        place, id_, file = line.get("to", DESK), line["message"], line.get("file")
        before = self.screen.find(place, id_)
        if file:
            self._files[id_] = base64.b64decode(file["base64"])
        self.screen.put(
            place,
            Seen(
                id_,
                before.order if before else next(self._orders),
                line["text"],
                tuple(Option(**option) for option in line.get("options", ())),
                line.get("thread", ""),
                line.get("edited", False),
                file["name"] if file else "",
            ),
        )

    async def say(self, chat: str, text: str, *, message_id: str = "") -> str:
        return self._write({"chat": chat, "text": text, "language": "en"}, message_id)

    async def press(self, chat: str, message: Seen, option: str, *, message_id: str = "") -> None:
        self._write({"chat": chat, "choice": option}, message_id)

    async def send(self, chat: str, media: Media) -> None:
        fields = {"kind": media.kind, "name": media.name, "type": media.type}
        self._write({"chat": chat, "media": {**fields, "base64": base64.b64encode(media.data).decode()}})

    async def edit(self, chat: str, message_id: str, text: str) -> None:
        self._write({"chat": chat, "edit": message_id, "text": text})

    async def fetch(self, place: str, message: Seen) -> bytes:
        return self._files[message.id]

    async def say_at_desk(
        self, by: str, text: str, *, thread: str = "", answers: Seen | None = None, message_id: str = ""
    ) -> str:
        return self._write(_at_desk(by, thread, text=text), message_id)

    async def press_at_desk(self, by: str, message: Seen, option: str) -> None:
        self._write(_at_desk(by, message.thread, choice=option))

    async def edit_at_desk(self, by: str, message_id: str, text: str, *, thread: str = "") -> None:
        self._write(_at_desk(by, thread, edit=message_id, text=text))


class _Ear(io.BytesIO):
    """The bot's standard output: each line is heard as soon as it is written."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        super().__init__()
        self._hear = hear

    def write(self, data: Any, /) -> int:
        self._hear(bytes(data))
        return len(data)


def _at_desk(by: str, thread: str, **fields: str) -> dict[str, Any]:
    return {"desk": POINT, "by": by, **({"thread": thread} if thread else {}), **fields}


def _bytes(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False).encode() + b"\n"
