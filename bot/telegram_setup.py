"""What Telegram is told once about a bot: its commands and what it is, in every language; and the link to a desk."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    MenuButtonCommands,
)
from telegram.error import InvalidToken, TelegramError

from bot.contact_point import ContactPoint
from bot.i18n import Text, _, render
from bot.languages import LANGUAGES
from bot.settings import SettingsError
from bot.telegram_bots import Line, Token
from storage import telegram
from storage.database import Database

CODE_GOOD_FOR: Final = timedelta(days=1)
"""How long a link to a desk works."""
RIGHTS: Final = "manage_topics+delete_messages+pin_messages"
"""What the bot is to be allowed in the desk's group, as Telegram's links name it."""

FOR_PEOPLE: Final = {
    "report": _("Report a tension"),
    "mine": _("See my reports"),
    "human": _("Talk to a person"),
    "help": _("Help numbers"),
    "data": _("My data: see, get, delete"),
    "withdraw": _("Take a report back"),
    "privacy": _("What happens with my data"),
    "language": _("Language"),
    "menu": _("Menu"),
}
AT_THE_DESK: Final = {
    "who": _("What is open, and who has it"),
    "open": _("Read a report or a chat"),
    "take": _("Take it, so that nobody else answers"),
    "release": _("Give it back"),
    "reply": _("Answer the person"),
    "talk": _("What I write goes out, until /quiet"),
    "quiet": _("What I write stays here again"),
    "close": _("Close with a result"),
    "people": _("Who has a role with us, and who is away"),
    "invite": _("A code for somebody who works with us"),
    "revoke": _("End the roles of somebody"),
    "pool": _("Who is in the pool"),
    "profile": _("Somebody in the pool: see, change, new"),
    "requests": _("Requests to the pool, and its load"),
    "suggest": _("Whom of the pool to ask"),
    "offer": _("Ask as many of the pool at once"),
    "undelivered": _("Messages that did not arrive"),
    "name": _("How I am called here"),
    "help": _("All commands"),
}
_LONGEST_IN_SHORT: Final = 120
_LONGEST_ABOUT: Final = 512
_LONGEST_COMMAND: Final = 256

T = TypeVar("T")


async def set_up(points: Mapping[str, ContactPoint], tokens: Mapping[str, Token]) -> list[str]:
    """Returns a line for everything that was changed; raises SettingsError."""
    said: list[str] = []
    for key, token in tokens.items():
        line = Line(token, points[key])
        try:
            changed = [each async for each in _changes(line.bot, points[key])]
        except InvalidToken:
            raise SettingsError(f"{key}: Telegram refuses the token.") from None
        except TelegramError as error:
            raise SettingsError(f"{key}: Telegram does not answer ({type(error).__name__}). Try again.") from None
        finally:
            await line.close()
        said += [f"{key}: {each}" for each in changed or ["everything is as it should be"]]
    return said


async def _changes(bot: Bot, point: ContactPoint) -> AsyncIterator[str]:
    for code in _languages():
        reader = code or point.languages.default
        about = render(_about(point), reader)[:_LONGEST_ABOUT]
        in_short = render(_in_short(point), reader)[:_LONGEST_IN_SHORT]
        for scope, commands in (
            (BotCommandScopeAllPrivateChats(), FOR_PEOPLE),
            (BotCommandScopeAllGroupChats(), AT_THE_DESK),
        ):
            if await _commands(bot, scope, commands, code, reader):
                yield f"commands in {scope.type}, {code or 'other languages'}"
        if (await bot.get_my_description(code or None)).description != about:
            await bot.set_my_description(about, code or None)
            yield f"description, {code or 'other languages'}"
        if (await bot.get_my_short_description(code or None)).short_description != in_short:
            await bot.set_my_short_description(in_short, code or None)
            yield f"short description, {code or 'other languages'}"
    if not isinstance(await bot.get_chat_menu_button(), MenuButtonCommands):
        await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
        yield "the button beside the field for writing shows the commands"


async def _commands(bot: Bot, scope: BotCommandScope, commands: Mapping[str, Text], code: str, reader: str) -> bool:
    wanted = tuple(BotCommand(name, render(text, reader)[:_LONGEST_COMMAND]) for name, text in commands.items())
    if tuple(await bot.get_my_commands(scope, code or None)) == wanted:
        return False
    await bot.set_my_commands(wanted, scope, code or None)
    return True


def _languages() -> list[str]:
    """What Telegram tells apart: two letters; the empty one is for everybody else."""
    return ["", *(code for code, each in LANGUAGES.items() if each.complete and len(code) == 2)]


def _about(point: ContactPoint) -> Text:
    return _(
        "Here you can tell the conflict contact point {name} about tensions: in your language, without your name. "
        "People read it and answer. This chat is not an emergency service: in danger call 110 or 112.",
        name=point.name,
    )


def _in_short(point: ContactPoint) -> Text:
    return _("Tell the conflict contact point {name} about tensions. No emergency service.", name=point.name)


def desk_link(database: Database, point: ContactPoint, token: Token, now: datetime) -> str:
    """A link that adds the bot to a group and makes it the desk; raises SettingsError."""
    code = secrets.token_urlsafe(16)

    async def username() -> str:
        line = Line(token, point)
        try:
            return (await line.bot.get_me()).username or ""
        finally:
            await line.close()

    name = _asked(username)
    with database.transaction(point.id) as session:
        telegram.invite(session, point.id, token.account, code, now + CODE_GOOD_FOR)
    return f"https://t.me/{name}?startgroup=desk_{code}&admin={RIGHTS}"


def _asked(ask: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        return await ask()

    try:
        return asyncio.run(run())
    except InvalidToken:
        raise SettingsError("Telegram refuses the token.") from None
    except TelegramError as error:
        raise SettingsError(f"Telegram does not answer ({type(error).__name__}). Try again.") from None
