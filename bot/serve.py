"""Runs the bot with its web page: as a demonstration on this computer, or as a service for real reporters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web

from bot.app import App
from bot.channels.web.access import Public
from bot.channels.web.server import Demo, WebChannel
from bot.contact_point import ContactPoint
from bot.messages import Inbound
from bot.now import Now, ShiftedTime, system_time
from bot.settings import SettingsError
from bot.web_memory import StoredMemory
from bot.working_time import next_service
from storage.database import Database

ACCOUNT = "web"


class DemoTime:
    """Time controls of the demo page: reminders and deadlines can be seen coming."""

    def __init__(self, shifted: ShiftedTime, database: Database, contact_points: Mapping[str, ContactPoint]) -> None:
        self._shifted = shifted
        self._database = database
        self._contact_point = next(iter(contact_points.values()))
        self.changed: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self._shifted()

    async def advance(self, minutes: int) -> None:
        await self._database.run(self._shifted.advance, timedelta(minutes=minutes))
        self.changed()

    async def to_next_service(self) -> None:
        now = self._shifted()
        start = next_service(self._contact_point, now)
        if start > now:
            await self._database.run(self._shifted.advance, start - now + timedelta(minutes=1))
        self.changed()


async def run_demo(
    database: Database, contact_points: Mapping[str, ContactPoint], port: int, ready: Callable[[str], None]
) -> None:
    """Serves phones, desk and time controls until interrupted; `ready` gets the address."""
    shifted = await database.run(ShiftedTime, database)
    time = DemoTime(shifted, database, contact_points)
    app, channel = _app(database, contact_points, shifted, Demo(time=time))
    time.changed = app.wake
    await _serve(app, channel, "127.0.0.1", port, ready)


async def run_service(
    database: Database,
    contact_points: Mapping[str, ContactPoint],
    host: str,
    port: int,
    origin: str,
    staff_keys: Mapping[str, str],
    ready: Callable[[str], None],
) -> None:
    """Serves the page for reporters and the desks; raises SettingsError for an address that cannot be used."""
    try:
        mode = Public(origin, staff_keys)
    except ValueError as wrong:
        raise SettingsError(str(wrong)) from None
    app, channel = _app(database, contact_points, system_time, mode)
    await _serve(app, channel, host, port, ready)


def _app(
    database: Database, contact_points: Mapping[str, ContactPoint], now: Now, mode: Demo | Public
) -> tuple[App, WebChannel]:
    app: App

    async def receive(inbound: Inbound) -> None:
        await app.receive(inbound)

    channel = WebChannel(
        memory=StoredMemory(database),
        receive=receive,
        now=now,
        contact_points={key: point.name for key, point in contact_points.items()},
        mode=mode,
    )
    app = App(database, contact_points, {ACCOUNT: channel}, now, ACCOUNT, channel.handled)
    return app, channel


async def _serve(app: App, channel: WebChannel, host: str, port: int, ready: Callable[[str], None]) -> None:
    runner = web.AppRunner(channel.application(), access_log=None, shutdown_timeout=3)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as wrong:
            raise SettingsError(
                f"Port {port} cannot be used: {wrong.strerror}. Choose another one with --port."
            ) from None
        address = next(iter(runner.addresses))
        ready(f"http://{address[0]}:{address[1]}")
        await _until_stopped(app)
    finally:
        await runner.cleanup()


async def _until_stopped(app: App) -> None:
    """Answers until SIGINT or SIGTERM, then ends what is under way."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
    answering = asyncio.create_task(app.run())
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({answering, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    answering.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await answering


def staff_key(file: Path) -> tuple[str, bool]:
    """The key that opens the desks on the web, and whether it was just written; the file is its owner's only."""
    try:
        return file.read_text("ascii").strip(), False
    except FileNotFoundError:
        key = secrets.token_urlsafe(24)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(key + "\n")
        return key, True
    except (OSError, ValueError) as wrong:
        raise SettingsError(f"The staff key {file} cannot be read: {wrong}.") from None
