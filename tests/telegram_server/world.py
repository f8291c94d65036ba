"""Everything that exists: accounts, chats, topics and messages."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ParamSpec, TypeVar

from tests.telegram_server.delivery import UpdateQueue
from tests.telegram_server.errors import bad, forbidden
from tests.telegram_server.files import Files, StoredFile
from tests.telegram_server.limits import Flood, Limits

P = ParamSpec("P")
R = TypeVar("R")


def verb(method: Callable[P, R]) -> Callable[P, R]:
    """Lets a test call the method from any thread: it happens in the server's own, and waiters hear of it."""

    @functools.wraps(method)
    def act(*args: P.args, **kwargs: P.kwargs) -> R:
        world: World = args[0].world  # type: ignore[attr-defined]
        return world.run(functools.partial(method, *args, **kwargs))

    return act


class World:
    """The state behind one server."""

    def __init__(self, limits: Limits) -> None:
        self.bots: dict[str, BotAccount] = {}
        """By token."""
        self.accounts: dict[int, Account] = {}
        self.groups: dict[int, Chat] = {}
        self.files = Files()
        self.flood = Flood(limits)
        self.callbacks: dict[str, Callback] = {}
        self.actions: list[Action] = []
        self.violations: list[str] = []
        self.numbers = count(1)
        self._ahead = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._changed = asyncio.Event()

    def live(self) -> None:
        """From now on everything happens in the loop that runs here."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    def run(self, happening: Callable[[], R]) -> R:
        if self._loop is None or threading.get_ident() == self._thread:
            result = happening()
            self.changed()
            return result
        done: concurrent.futures.Future[R] = concurrent.futures.Future()

        def happen() -> None:
            try:
                done.set_result(happening())
            except BaseException as error:
                done.set_exception(error)
            self.changed()

        self._loop.call_soon_threadsafe(happen)
        return done.result(30)

    def changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, seconds: float) -> None:
        """Waits for the next change, at most so long."""
        changed = self._changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()

    def now(self) -> int:
        return int(time.time() + self._ahead)

    def later(self, seconds: float) -> None:
        self._ahead += seconds


@dataclass(eq=False)
class Account:
    """A person or a bot."""

    world: World = field(repr=False)
    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str = ""
    is_bot: bool = False
    deactivated: bool = False


@dataclass(eq=False)
class BotAccount(Account):
    """A bot: its token, what waits for it, what it has told about itself."""

    token: str = field(default="", repr=False)
    privacy: bool = False
    """In groups it hears only commands, mentions and answers, unless it is an administrator."""
    queue: UpdateQueue = field(default_factory=UpdateQueue, repr=False)
    chats: dict[int, PrivateChat] = field(default_factory=dict, repr=False)
    commands: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict, repr=False)
    """By scope and language."""
    texts: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)
    """Name, description and short description, each by language."""
    menu_buttons: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    """By chat; 0 is every other private chat."""
    default_rights: dict[bool, dict[str, bool]] = field(default_factory=dict, repr=False)
    """Asked for when it is added to channels (True) or to groups."""
    message_ids: count[int] = field(default_factory=lambda: count(1), repr=False)
    """Private chats and basic groups share them."""

    def private(self, account: Account) -> PrivateChat:
        if account.id not in self.chats:
            self.chats[account.id] = PrivateChat(self, account)
        return self.chats[account.id]


@dataclass(frozen=True)
class Button:
    """A button under a message."""

    label: str
    data: str = ""
    url: str = ""


@dataclass(eq=False)
class Topic:
    """A topic of a forum; its id is that of the message that tells of its creation."""

    group: Chat = field(repr=False)
    id: int
    name: str
    icon_color: int
    creator: Account
    icon_custom_emoji_id: str = ""
    closed: bool = False
    deleted: bool = False

    @property
    def messages(self) -> list[Message]:
        return [message for message in self.group.messages if message.topic is self]


CAPTIONED = frozenset({"photo", "document", "video", "voice", "animation", "audio"})


@dataclass(eq=False)
class Message:
    """A message as everybody in the chat sees it."""

    chat: Chat = field(repr=False)
    id: int
    date: int
    sender: Account
    text: str = ""
    """The caption, if something is sent with it."""
    entities: list[dict[str, Any]] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict, repr=False)
    """What is not text, as the Bot API writes it."""
    rows: list[list[dict[str, Any]]] = field(default_factory=list, repr=False)
    markup: dict[str, Any] | None = None
    """A markup that is not an inline keyboard."""
    topic: Topic | None = None
    reply_to: Message | None = field(default=None, repr=False)
    thread_id: int | None = None
    anonymous: bool = False
    """Sent by an administrator in the name of the group."""
    file: StoredFile | None = None
    media_group_id: str = ""
    service: bool = False
    silent: bool = False
    edited: int = 0
    deleted: bool = False
    reactions: dict[int, list[str]] = field(default_factory=dict)
    """By account."""

    @property
    def keyboard(self) -> list[list[Button]]:
        return [
            [Button(each["text"], each.get("callback_data", ""), each.get("url", "")) for each in row]
            for row in self.rows
        ]

    @property
    def labels(self) -> list[str]:
        return [button.label for row in self.keyboard for button in row]

    @property
    def captioned(self) -> bool:
        return bool(CAPTIONED & self.content.keys())

    @property
    def document(self) -> tuple[str, bytes] | None:
        """Name and bytes of what is attached."""
        return (self.file.name, self.file.data) if self.file else None


class Chat:
    """Where messages are: with a person, or in a group."""

    kind = ""

    def __init__(self, world: World, chat_id: int) -> None:
        self.world = world
        self.id = chat_id
        self._messages: list[Message] = []
        self.pinned: list[int] = []

    @property
    def messages(self) -> list[Message]:
        """What is to be seen, oldest first, also what Telegram itself writes."""
        return [message for message in self._messages if not message.deleted]

    @property
    def all_messages(self) -> list[Message]:
        """Also those that were deleted."""
        return list(self._messages)

    @property
    def actions(self) -> list[str]:
        """What bots have shown to do here, such as typing."""
        return [action.action for action in self.world.actions if action.chat is self]

    def message(self, message_id: int) -> Message | None:
        return next((each for each in self._messages if each.id == message_id and not each.deleted), None)

    def next_id(self) -> int:
        raise NotImplementedError

    def bots(self) -> list[BotAccount]:
        """Who hears what is said here."""
        raise NotImplementedError

    def knows(self, bot: BotAccount) -> bool:
        """Whether the bot is here, or once was."""
        return bot in self.bots()

    def check_writable(self, bot: BotAccount) -> None:
        """Refuses a bot that may not do anything here."""
        raise NotImplementedError

    def post(self, sender: Account, **fields: Any) -> Message:
        """Adds a message; who hears of it is not settled here."""
        message = Message(self, self.next_id(), self.world.now(), sender, **fields)
        replied = message.reply_to
        if message.topic is not None:
            message.thread_id = message.topic.id
        elif replied is not None and self.kind == "supergroup":
            # Also General's answers carry the id of their thread, which nobody may send to.
            message.thread_id = replied.thread_id or replied.id
        self._messages.append(message)
        self.world.changed()
        return message


class PrivateChat(Chat):
    """A person's chat with one bot."""

    kind = "private"

    def __init__(self, bot: BotAccount, account: Account) -> None:
        super().__init__(bot.world, account.id)
        self.bot = bot
        self.account = account
        self.blocked = False
        self.started = False

    def next_id(self) -> int:
        return next(self.bot.message_ids)

    def bots(self) -> list[BotAccount]:
        return [self.bot]

    def check_writable(self, bot: BotAccount) -> None:
        if self.account.deactivated:
            raise forbidden("user is deactivated")
        if self.blocked:
            raise forbidden("bot was blocked by the user")
        if not self.started:
            raise forbidden("bot can't initiate conversation with a user")


@dataclass(eq=False)
class Callback:
    """A press on a button, and what the bot answered to it."""

    id: str
    bot: BotAccount
    sender: Account
    data: str
    answered: bool = False
    text: str = ""
    alert: bool = False
    expired: bool = False


@dataclass(frozen=True)
class Action:
    """A bot shows that it does something, such as typing."""

    at: float
    bot: BotAccount
    chat: Chat
    action: str
    topic: Topic | None


def find_chat(world: World, bot: BotAccount, chat_id: int) -> Chat:
    """The chat as this bot knows it."""
    group = world.groups.get(chat_id)
    if group is not None and group.knows(bot):
        return group
    account = world.accounts.get(chat_id)
    if account is None:
        raise bad("chat not found")
    if account.is_bot:
        raise forbidden("bots can't send messages to bots")
    return bot.private(account)
