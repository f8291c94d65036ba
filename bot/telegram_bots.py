"""The bots of Telegram that an installation has: a token and a contact point each, with all that belongs to them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy.exc import DBAPIError
from telegram import Bot
from telegram.error import TelegramError

from bot.app import ended
from bot.backoff import wait
from bot.channels.files import Files
from bot.channels.telegram.buttons import Buttons
from bot.channels.telegram.channel import NAME, PACE, TelegramChannel
from bot.channels.telegram.desk import Desk
from bot.channels.telegram.receiver import Receive, Receiver
from bot.channels.telegram.requests import Requests
from bot.channels.telegram.webhook import Webhooks, hook
from bot.contact_point import ContactPoint
from bot.delivery import Pace
from bot.telegram_memory import StoredMemory
from storage.database import Database
from storage.outage import is_away

TOKEN: Final = "ANLAUFSTELLE_TELEGRAM_TOKEN_"  # noqa: S105  # the beginning of the name of a variable
"""Followed by the id of the contact point, in capitals, `_` for a hyphen."""
_TOKEN: Final = re.compile(r"(\d{3,20}):[A-Za-z0-9_-]{20,100}")
TIDY_SECONDS: Final = 600
"""How often the desk's group is looked after."""


class NoToken(Exception):
    """A contact point allows Telegram, and its bot cannot be used; the text is one line and holds no token."""


@dataclass(frozen=True)
class Token:
    """What Telegram gave for one bot."""

    secret: str = field(repr=False)

    @property
    def account(self) -> str:
        """The messenger account, by the number that Telegram gave the bot."""
        return f"{NAME}:{self.secret.partition(':')[0]}"

    @classmethod
    def of(cls, contact_point: str, environment: Mapping[str, str], folder: Path) -> Token:
        """From the environment, a systemd credential, or a file beside the keys; raises NoToken."""
        variable = TOKEN + contact_point.upper().replace("-", "_")
        file = f"telegram-{contact_point}.token"
        given = environment.get(variable, "").strip()
        for place in (environment.get("CREDENTIALS_DIRECTORY"), folder):
            if not given and place and (path := Path(place) / file).is_file():
                try:
                    given = path.read_text("ascii").strip()
                except (OSError, ValueError):
                    raise NoToken(f"{contact_point}: the file {path} with the token cannot be read.") from None
        if not given:
            raise NoToken(
                f"{contact_point}: Telegram is allowed, but there is no token: put it into the file "
                f"{folder / file} or the variable {variable}."
            )
        if not _TOKEN.fullmatch(given):
            raise NoToken(f"{contact_point}: the token of the bot is not complete. It looks like 123456789:AAE…")
        return cls(given)


def tokens(
    contact_points: Mapping[str, ContactPoint], environment: Mapping[str, str], folder: Path
) -> dict[str, Token]:
    """The tokens of the contact points that allow Telegram; raises NoToken, also for one that two of them share."""
    found: dict[str, Token] = {}
    for key, point in contact_points.items():
        if not point.telegram.allowed:
            continue
        token = Token.of(key, environment, folder)
        for other, known in found.items():
            if known.account == token.account:
                raise NoToken(f"{key}: this is the token of {other}. Every contact point needs a bot of its own.")
        found[key] = token
    return found


class Line:
    """The connections of one bot to Telegram; nothing is asked until something is wanted."""

    def __init__(self, token: Token, point: ContactPoint) -> None:
        api = point.telegram.api
        self._requests = Requests()
        self.bot = Bot(
            token.secret,
            base_url=f"{api}/bot",
            base_file_url=f"{api}/file/bot",
            request=self._requests,
            get_updates_request=self._requests,
        )

    async def close(self) -> None:
        # A bot closes only what it has itself opened by asking who it is.
        await self._requests.shutdown()


@dataclass
class TelegramBot:
    """One bot at work."""

    point: ContactPoint
    token: Token = field(repr=False)
    line: Line
    channel: TelegramChannel
    desk: Desk
    receiver: Receiver
    holds: Callable[[], Awaitable[bool]]
    webhook_secret: str = field(repr=False)
    note_name: Callable[[str], Awaitable[None]]
    """Hears once how the bot is called."""

    @property
    def account(self) -> str:
        """The messenger account."""
        return self.token.account

    @property
    def desk_content(self) -> str:
        """What its group of staff is shown."""
        return self.point.telegram.desk_content

    async def run(self) -> None:
        """Receives until cancelled, and keeps the desk's group in order."""
        tidying = asyncio.create_task(self._tidy())
        try:
            await self._receive()
        finally:
            await ended(tidying)

    async def _tidy(self) -> None:
        named = False
        while True:
            with suppress(TelegramError, DBAPIError):
                if await self.holds():
                    if not named:
                        await self.note_name((await self.line.bot.get_me()).username or "")
                        named = True
                    await self.desk.look()
                    await self.desk.tidy()
            await asyncio.sleep(TIDY_SECONDS)

    async def _receive(self) -> None:
        if not self.point.telegram.webhook:
            await self.receiver.poll()
            return
        tries = 0
        while True:
            try:
                address = f"{self.point.telegram.webhook}/telegram/{self.point.id}"
                await hook(self.line.bot, address, self.webhook_secret)
            except TelegramError as error:
                tries += 1
                self.receiver.troubled(error, tries)
                await asyncio.sleep(wait(tries, first=1, longest=60))
            else:
                self.receiver.well()
                await asyncio.Event().wait()

    async def close(self) -> None:
        await self.receiver.close()
        await self.line.close()


def telegram_bot(
    point: ContactPoint,
    token: Token,
    database: Database,
    now: Callable[[], datetime],
    *,
    receive: Receive,
    set_aside: Callable[[str, str, str, Mapping[str, Any]], Awaitable[None]],
    holds: Callable[[str], Awaitable[bool]],
    pace: Pace = PACE,
) -> TelegramBot:
    """`set_aside` gets contact point, account and name of an update that cannot be read; `holds` gets the account."""
    account = token.account
    line = Line(token, point)
    bot = line.bot
    memory = StoredMemory(database, point.id, account, point.languages.desk, now)
    buttons = Buttons(database.ring.derived("telegram.buttons"), account)
    desk = Desk(bot, memory)
    channel = TelegramChannel(bot, buttons, memory, desk, pace)
    receiver = Receiver(
        bot,
        point.id,
        account,
        channel,
        desk,
        buttons,
        memory,
        receive=receive,
        set_aside=lambda name, raw: set_aside(point.id, account, name, raw),
        holds=lambda: holds(account),
        passes=is_away,
        files=Files(point.media),
        desk_language=point.languages.desk,
        is_desk=point.telegram.desk_content == "full",
    )
    secret = database.ring.derived(f"telegram.webhook.{account}").hex()[:64]
    return TelegramBot(point, token, line, channel, desk, receiver, lambda: holds(account), secret, memory.note_name)


def webhooks(bots: Sequence[TelegramBot]) -> Webhooks:
    """The addresses of those that are called."""
    return Webhooks(
        {each.point.id: (each.receiver, each.webhook_secret) for each in bots if each.point.telegram.webhook}
    )
