"""Runs the bot with its web page: as a demonstration on this computer, or as a service for real reporters."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time as clock
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from aiohttp import web
from sqlalchemy.exc import DBAPIError

from bot.app import App, ended
from bot.bugs import log_bug
from bot.calendar_feeds import CalendarFeeds
from bot.channels.web.access import Public
from bot.channels.web.server import Demo, WebChannel
from bot.contact_point import ContactPoint
from bot.delivery import Channel
from bot.desks import Desks, desk_at
from bot.ending import PAGES_END_WITHIN, Ending, finish
from bot.health import TICK_LATE, Watch
from bot.messages import Inbound
from bot.meter import Meter
from bot.now import Now, ShiftedTime, SteadyTime
from bot.service_manager import keep_awake, tell
from bot.settings import SettingsError
from bot.web_memory import StoredMemory
from bot.working_time import next_service
from storage.database import Database
from storage.entrances import note_entrance
from storage.erasures import ErasureFile
from storage.files import written_once
from storage.outage import is_away

if TYPE_CHECKING:
    from bot.matrix_bots import MatrixBot
    from bot.telegram_bots import TelegramBot, Token

Bot: TypeAlias = "TelegramBot | MatrixBot"

ACCOUNT = "web"

_LOG: Final = logging.getLogger("anlaufstelle.service")


@dataclass(frozen=True)
class Address:
    """Where to listen."""

    host: str
    port: int
    option: str = "--port"
    """What chooses another one."""

    @classmethod
    def read(cls, text: str, option: str) -> Address:
        """Understands `127.0.0.1:9090` and `[::1]:9090`; raises SettingsError."""
        host, colon, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise SettingsError(f"{option} needs a host and a port, like 127.0.0.1:9090.")
        return cls(host, int(port), option)


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
    app, channel, _bots = _app(database, contact_points, shifted, Demo(time=time), Meter())
    time.changed = app.wake
    await serve(app, channel, Address("127.0.0.1", port), None, ready)


async def run_service(
    database: Database,
    contact_points: Mapping[str, ContactPoint],
    page: Address,
    origin: str,
    staff_keys: Mapping[str, str],
    operations: Address | None,
    ready: Callable[[str, str], None],
    erasures: ErasureFile | None = None,
    tokens: Mapping[str, Token] = MappingProxyType({}),
) -> None:
    """Serves the page for reporters and the desks; raises SettingsError for an address that cannot be used.

    With an address for `operations`, it also tells there how it is. `ready` gets both addresses. `tokens` are those
    of the bots of Telegram, by contact point.
    """
    try:
        mode = Public(origin, staff_keys)
    except ValueError as wrong:
        raise SettingsError(str(wrong)) from None
    now = SteadyTime()
    await database.run(_note_page, database, contact_points, origin)
    if operations is None:
        app, channel, bots = _app(database, contact_points, now, mode, Meter(), erasures, tokens)
        await serve(app, channel, page, None, lambda address: ready(address, ""), bots)
        return

    # Only who is watched pays for the library that counts.
    from bot.metrics import Metrics
    from bot.operations import application

    on_matrix = any(point.matrix.allowed for point in contact_points.values())
    metrics = Metrics({WebChannel.name, *(["telegram"] if tokens else []), *(["matrix"] if on_matrix else [])})
    app, channel, bots = _app(database, contact_points, now, mode, metrics, erasures, tokens)
    watch = Watch(database, now, lambda: app.ticked_at, lambda session: app.leases.left(session, app.outbox.exclusive))
    with metrics.watching(database.engine):
        async with _listening(application(watch, metrics), operations) as told:
            await serve(app, channel, page, watch, lambda address: ready(address, told), bots)


def _note_page(database: Database, contact_points: Mapping[str, ContactPoint], origin: str) -> None:
    """Where invitations lead to."""
    with suppress(DBAPIError), database.transaction(everywhere=True) as session:
        for key in contact_points:
            note_entrance(session, key, "web", f"{origin}/?at={key}&start=")


def _app(
    database: Database,
    contact_points: Mapping[str, ContactPoint],
    now: Now,
    mode: Demo | Public,
    meter: Meter,
    erasures: ErasureFile | None = None,
    tokens: Mapping[str, Token] = MappingProxyType({}),
) -> tuple[App, WebChannel, list[Bot]]:
    app: App

    async def receive(inbound: Inbound) -> None:
        await app.receive(inbound)

    channel = WebChannel(
        memory=StoredMemory(database),
        receive=receive,
        now=now,
        contact_points={key: point.name for key, point in contact_points.items()},
        mode=mode,
        trouble=_trouble,
    )
    bots: list[Bot] = [*_bots(database, contact_points, now, tokens, lambda: app)]
    if not isinstance(mode, Demo):
        bots += _on_matrix(database, contact_points, now, lambda: app)
    elsewhere = {}
    for key in contact_points:
        at = desk_at({each.account: each.desk_content for each in bots if each.point.id == key}, ACCOUNT)
        if at is not None:
            elsewhere[key] = at

    async def handled(inbound: Inbound) -> None:
        if inbound.account == ACCOUNT:
            await channel.handled(inbound)

    channels: dict[str, Channel] = {ACCOUNT: channel, **{each.account: each.channel for each in bots}}
    app = App(
        database, contact_points, channels, now, Desks(ACCOUNT, elsewhere), handled, erasures=erasures, meter=meter
    )
    return app, channel, bots


def _bots(
    database: Database,
    contact_points: Mapping[str, ContactPoint],
    now: Now,
    tokens: Mapping[str, Token],
    app: Callable[[], App],
) -> list[TelegramBot]:
    if not tokens:
        return []
    # Only who uses Telegram waits for its library.
    from bot.telegram_bots import telegram_bot

    return [
        telegram_bot(
            contact_points[key],
            token,
            database,
            now,
            receive=lambda messages: app().receive_all(messages),
            set_aside=lambda *update: app().set_aside(*update),
            holds=lambda account: app().holds(account),
        )
        for key, token in tokens.items()
    ]


def _on_matrix(
    database: Database, contact_points: Mapping[str, ContactPoint], now: Now, app: Callable[[], App]
) -> list[MatrixBot]:
    points = [point for point in contact_points.values() if point.matrix.allowed]
    if not points:
        return []
    # Only who uses Matrix waits for its library.
    from bot.matrix_bots import matrix_bot

    return [
        matrix_bot(
            point,
            database,
            now,
            receive=lambda *received: app().receive_beside(*received),
            set_aside=lambda *event: app().set_aside(*event),
            holds=lambda account: app().holds(account),
            leases=lambda: app().leases,
        )
        for point in points
    ]


def _called(bots: Sequence[Bot]) -> list[web.RouteDef]:
    """Where messengers call."""
    if not any(each.point.telegram.allowed for each in bots):
        return []
    from bot.telegram_bots import TelegramBot, webhooks

    return webhooks([each for each in bots if isinstance(each, TelegramBot)]).routes()


def _trouble(error: Exception) -> None:
    """That the database is away is told once, by itself; the page asks again."""
    if not is_away(error):
        log_bug(error)


@asynccontextmanager
async def _listening(application: web.Application, address: Address) -> AsyncIterator[str]:
    """Answers requests for a while; yields the address as it came to be."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=PAGES_END_WITHIN)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as wrong:
            raise SettingsError(
                f"Port {address.port} cannot be used: {wrong.strerror}. Choose another one with {address.option}."
            ) from None
        host, port = next(iter(runner.addresses))[:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def serve(
    app: App,
    channel: WebChannel,
    page: Address,
    watch: Watch | None,
    ready: Callable[[str], None],
    bots: Sequence[Bot] = (),
) -> None:
    """Answers until SIGINT or SIGTERM, then ends what is under way: first the pages, then the work."""
    ending = Ending()
    stopped_at = 0.0
    answering: asyncio.Task[None] | None = None
    try:
        feeds = CalendarFeeds(app.database, app.turns, app.now)
        async with _listening(channel.application([*_called(bots), *feeds.routes()]), page) as address:
            answering = asyncio.create_task(_answer(app, bots))
            ready(address)
            tell("READY=1")
            _LOG.info("started", extra={"version": version("anlaufstelle")})
            await _until_asked(ending, answering, watch)
            stopped_at = clock.monotonic()
            tell("STOPPING=1")
            if watch is not None:
                watch.stopping = True
    finally:
        if answering is not None:
            await finish(answering)
    _LOG.info("stopped", extra={"seconds": round(clock.monotonic() - stopped_at, 3)})


async def _answer(app: App, bots: Sequence[Bot]) -> None:
    receiving = [asyncio.create_task(each.run()) for each in bots]
    try:
        await asyncio.gather(app.run(), *receiving)
    finally:
        await ended(*receiving)
        for each in bots:
            await each.close()


async def _until_asked(ending: Ending, answering: asyncio.Task[None], watch: Watch | None) -> None:
    """Until a signal; a bug that ends the work ends this too."""
    asked = asyncio.create_task(ending.asked.wait())
    awake = asyncio.create_task(keep_awake(lambda: _ticks(watch)))
    try:
        await asyncio.wait({answering, asked}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            answering.result()
    finally:
        for each in (asked, awake):
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await each


def _ticks(watch: Watch | None) -> bool:
    """Whether the clock goes, as far as anybody can tell."""
    age = watch.tick_age() if watch is not None else None
    return age is None or abs(age) < TICK_LATE


def staff_key(file: Path) -> tuple[str, bool]:
    """The key that opens the desks on the web, and whether it was just written; the file is its owner's only."""
    try:
        return file.read_text("ascii").strip(), False
    except FileNotFoundError:
        key = secrets.token_urlsafe(24)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written_once(file, key + "\n")
        return key, True
    except (OSError, ValueError) as wrong:
        raise SettingsError(f"The staff key {file} cannot be read: {wrong}.") from None
