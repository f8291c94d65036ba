"""A request of a bot, and the methods that answer it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.telegram_server.errors import Refusal, bad
from tests.telegram_server.text import check_unicode
from tests.telegram_server.world import BotAccount, Chat, World, find_chat


@dataclass(frozen=True)
class Upload:
    """A file within a request."""

    name: str
    type: str
    data: bytes = field(repr=False)


class Params:
    """What a request asks for; values come as JSON, or as strings from forms."""

    def __init__(self, values: dict[str, Any], files: dict[str, Upload]) -> None:
        self.values = values
        self.files = files

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name, default)
        return value if isinstance(value, str) else json.dumps(value)

    def integer(self, name: str, default: int = 0) -> int:
        value = self.values.get(name, default)
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad(f'field "{name}" must be a valid Number') from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.values.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in {"true", "yes", "1"}

    def json(self, name: str) -> Any:
        """None if it is not there."""
        value = self.values.get(name)
        if isinstance(value, str):
            if not value:
                return None
            try:
                value = json.loads(value)
            except ValueError:
                raise bad(f"can't parse {name} JSON object") from None
            check_unicode(value)
        return value

    def given(self, name: str) -> bool:
        return name in self.values or name in self.files


@dataclass
class Call:
    """One method called by one bot."""

    world: World
    bot: BotAccount
    method: str
    params: Params

    def chat(self, name: str = "chat_id") -> Chat:
        """The chat of the request, if the bot may do something there."""
        chat = self.known_chat(name)
        chat.check_writable(self.bot)
        return chat

    def known_chat(self, name: str = "chat_id") -> Chat:
        value = self.params.values.get(name)
        if value in (None, ""):
            raise bad("chat_id is empty")
        try:
            chat_id = int(value)
        except (TypeError, ValueError):
            raise bad("chat not found") from None
        chat = find_chat(self.world, self.bot, chat_id)
        moved = getattr(chat, "moved_to", None)
        if moved is not None:
            raise Refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=moved.id)
        return chat


Method = Callable[[Call], Any | Awaitable[Any]]
METHODS: dict[str, Method] = {}
"""By name in lower case: Telegram does not care."""


def method(name: str) -> Callable[[Method], Method]:
    def register(function: Method) -> Method:
        METHODS[name.lower()] = function
        return function

    return register
