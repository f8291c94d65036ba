"""Drives the bot through a server that behaves like Telegram's: people on their phones, the desk as a group."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import App, ended
from bot.channels.telegram.buttons import Buttons
from bot.channels.telegram.webhook import Webhooks
from bot.channels.text import parts
from bot.contact_point import ContactPoint, TelegramRules
from bot.delivery import Channel, Delivery, Pace
from bot.desks import Desks, desk_at
from bot.messages import Media, Option
from bot.now import ManualTime
from bot.telegram_bots import TelegramBot, Token, telegram_bot, webhooks
from storage import telegram
from storage.database import Database
from tests.channels.contract import DESK, POINT, START, Can, Screen, Seen, Weather
from tests.telegram_server.groups import Group
from tests.telegram_server.limits import Limits
from tests.telegram_server.people import Person
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.updates import message_json
from tests.telegram_server.world import BotAccount, Chat, Message, Topic

NOWHERE = "elsewhere"
FAST = Pace(at_once=24)
SIGNS = {"👌": "Delivered."}
REF = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}")


class Unseen:
    """A desk somewhere else."""

    pace = FAST
    knows_repeats = True

    async def send(self, delivery: Delivery) -> str:
        return str(delivery.id)


class TelegramDriver:
    """One bot, fetching updates, with a forum group as its desk."""

    capabilities = frozenset({Can.EDIT, Can.ANSWER})
    forum = True
    calls = False
    """Whether Telegram calls the bot, instead of being asked."""

    def __init__(self, open_database: Callable[[], Database], points: Mapping[str, ContactPoint]) -> None:
        self.screen = Screen()
        self.weather = Weather()
        self.database = open_database()
        self.server = TelegramServer(Limits(enforced=False))
        self._open_database = open_database
        self._points = dict(points)
        self._people: dict[str, Person] = {}
        self._said: dict[str, Message] = {}
        self._page: TestServer | None = None
        self._client: aiohttp.ClientSession | None = None
        self.rules = {"mode": "full", "desk_content": "full"}
        """Of the contact point, for Telegram."""
        self.language = "en"
        """What people have set in their app."""

    async def start(self) -> None:
        await self.server.start()
        self.account: BotAccount = self.server.bot("Anlaufstelle", "anlaufstelle_bot")
        self._token = Token(self.account.token)
        if self.calls:
            self._page = TestServer(self._callable(), host="127.0.0.1")
            await self._page.start_server()
        hooked = str(self._page.make_url("")).rstrip("/") if self._page else ""
        rules = TelegramRules("tests", webhook=hooked, api=self.server.origin, **self.rules)
        self._points[POINT] = replace(self._points[POINT], telegram=rules)
        await self._serve()
        await self.database.run(self._time.set, START)
        await self._meet()
        self._watching = asyncio.create_task(self._watch())

    async def _meet(self) -> None:
        """A group becomes the desk."""
        self.group: Group = self.server.group("Desk", forum=self.forum, supergroup=self.forum)
        self.group.adds(self.account)
        if self.forum:
            self.group.promotes(self.account, "can_manage_topics", "can_delete_messages")
        await self.database.run(self._invite)
        self.server.user("Owner")
        self.group.owner.says(self.group, "/start@anlaufstelle_bot desk_a-code-for-the-desk")
        await self.server.until(lambda: bool(self._own(self.group)), "the welcome")

    def _callable(self) -> web.Application:
        async def call(request: web.Request) -> web.StreamResponse:
            return await self._hooks._answer(request)

        application = web.Application()
        application.router.add_post("/telegram/{contact_point}", call)
        return application

    def _invite(self) -> None:
        with self.database.transaction(POINT) as session:
            until = START + timedelta(days=1)
            telegram.invite(session, POINT, self._token.account, "a-code-for-the-desk", until)

    async def _serve(self) -> None:
        self._time = await self.database.run(ManualTime, self.database)
        bot = self._bot = self._new_bot()
        account = self._token.account
        channels: dict[str, Channel] = {account: self.weather.around(bot.channel), NOWHERE: Unseen()}
        at = desk_at({account: bot.desk_content}, NOWHERE)
        desks = Desks(NOWHERE, {POINT: at} if at else {})
        self._app = App(self.database, self._points, channels, self._time, desks)
        self._answering = asyncio.create_task(self._answer())
        self._receiving = asyncio.create_task(bot.run())

    def _new_bot(self) -> TelegramBot:
        bot = telegram_bot(
            self._points[POINT],
            self._token,
            self.database,
            self._time,
            receive=lambda messages: self._app.receive_all(messages),
            set_aside=lambda *update: self._app.set_aside(*update),
            holds=lambda account: self._app.holds(account),
            pace=FAST,
        )
        self._buttons: Buttons = bot.channel._buttons
        self._hooks: Webhooks = webhooks([bot])
        return bot

    async def _answer(self) -> None:
        await self._app.run()

    async def _down(self) -> None:
        await ended(self._receiving, self._answering)
        await self._bot.close()
        await asyncio.to_thread(self.database.close)

    async def restart(self) -> None:
        await self._down()
        self.database = self._open_database()
        await self._serve()

    @property
    def client(self) -> aiohttp.ClientSession:
        """Somebody who calls the bot, or Telegram, without being asked."""
        if self._client is None:
            self._client = aiohttp.ClientSession(self._page.make_url("/") if self._page else None)
        return self._client

    async def stop(self) -> None:
        await ended(self._watching)
        if self._client is not None:
            await self._client.close()
        await self._down()
        if self._page is not None:
            await self._page.close()
        await self.server.stop()
        assert self.server.violations == []

    async def later(self, seconds: float) -> None:
        await self.database.run(self._time.set, self._time() + timedelta(seconds=seconds))
        self._app.wake()

    def person(self, name: str) -> Person:
        if name not in self._people:
            self._people[name] = self.server.user(name.capitalize(), self.language, username=f"{name}_on_telegram")
        return self._people[name]

    def staff(self, name: str) -> Person:
        key = f"staff {name}"
        if key not in self._people:
            self._people[key] = self.server.user(f"Private {name}", "en")
            self.group.adds(self._people[key])
            self._people[key].says(self.group, f"/name {name}")
        return self._people[key]

    def _own(self, chat: Chat) -> list[Message]:
        return [each for each in chat.messages if each.sender is self.account and not each.service]

    async def _watch(self) -> None:
        while True:
            for name, person in list(self._people.items()):
                if not name.startswith("staff "):
                    self._show(name, person.chat(self.account))
            self._show(DESK, self.group)
            await self.server.world.change(0.2)

    def _show(self, place: str, chat: Chat) -> None:
        for each in self._own(chat):
            shown = self._seen(each)
            if self.screen.find(place, shown.id) != shown:
                self.screen.put(place, shown)
        for each in chat.messages if place == DESK else ():
            for sign in each.reactions.get(self.account.id, ()):
                mark = Seen(f"r{each.id}", 2 * each.id + 1, SIGNS.get(sign, sign), thread=self._thread(each))
                if self.screen.find(place, mark.id) != mark:
                    self.screen.put(place, mark)

    def _seen(self, message: Message) -> Seen:
        options = [
            Option(self._buttons.open(each.data, message.chat.id) or "", each.label)
            for row in message.keyboard
            for each in row
        ]
        file = message.document[0] if message.document else ""
        return Seen(
            str(message.id),
            2 * message.id,
            message.text,
            tuple(options),
            self._thread(message),
            bool(message.edited),
            file,
        )

    def _thread(self, message: Message) -> str:
        if message.topic is not None:
            found = REF.search(message.topic.name)
            return found[0] if found else ""
        first = message
        while first.reply_to is not None:
            first = first.reply_to
        found = REF.match(first.text) if first.chat is self.group and first.sender is self.account else None
        return found[0] if found and not self.forum else ""

    def _topic(self, thread: str) -> Topic | Group:
        if not thread or not self.forum:
            return self.group
        return next(each for each in self.group.topics.values() if thread in each.name and not each.deleted)

    async def say(self, chat: str, text: str, *, message_id: str = "") -> str:
        return self._write(self.person(chat), self.account, text, message_id)

    def _write(
        self,
        person: Person,
        where: BotAccount | Group | Topic,
        text: str,
        message_id: str,
        answers: Message | None = None,
    ) -> str:
        """As apps do: a long text goes out in several messages; the network may bring one of them twice."""
        if message_id in self._said:
            self.server.inject(self.account, {"message": message_json(self._said[message_id])})
            return message_id
        sent = [person.says(where, each, reply_to=answers) for each in parts(text)]
        name = message_id or f"{sent[0].chat.id}/{sent[0].id}"
        self._said[name] = sent[0]
        return name

    async def press(self, chat: str, message: Seen, option: str, *, message_id: str = "") -> None:
        place = self.person(chat).chat(self.account)
        self._press(self.person(chat), place, message, option)

    def _press(self, person: Person, chat: Chat, message: Seen, option: str) -> None:
        shown = next(each for each in chat.all_messages if str(each.id) == message.id)
        person.presses(shown, option, data=self._buttons.seal(option, chat.id))

    async def send(self, chat: str, media: Media) -> None:
        person, bot = self.person(chat), self.account
        match media.kind:
            case "photo":
                person.sends_photo(bot, media.data)
            case "voice":
                person.sends_voice(bot, media.data)
            case "video":
                person.sends_video(bot, media.data)
            case "document":
                person.sends_document(bot, media.data, media.name)
            case "location":
                person.sends_location(bot, 50.9, 7.6)
            case "contact":
                person.sends_contact(bot, "+49 171 5550199", "Somebody")
            case "sticker":
                person.sends_sticker(bot)

    async def edit(self, chat: str, message_id: str, text: str) -> None:
        self.person(chat).edits(self._said[message_id], text)

    async def fetch(self, place: str, message: Seen) -> bytes:
        chat = self.person(place).chat(self.account) if place else self.group
        shown = next(each for each in chat.messages if str(each.id) == message.id)
        assert shown.document is not None
        return shown.document[1]

    async def say_at_desk(
        self, by: str, text: str, *, thread: str = "", answers: Seen | None = None, message_id: str = ""
    ) -> str:
        answered = None
        if answers is not None:
            answered = next(each for each in self.group.messages if str(each.id) == answers.id)
        elif thread and not self.forum:
            # Without topics a case is spoken of by answering one of its messages.
            answered = next(each for each in self._own(self.group) if self._thread(each) == thread)
        return self._write(self.staff(by), self._topic(thread), text, message_id, answered)

    async def press_at_desk(self, by: str, message: Seen, option: str) -> None:
        self._press(self.staff(by), self.group, message, option)

    async def edit_at_desk(self, by: str, message_id: str, text: str, *, thread: str = "") -> None:
        self.staff(by).edits(self._said[message_id], text)


class TelegramWebhookDriver(TelegramDriver):
    """One bot that Telegram calls."""

    calls = True


class TelegramPlainGroupDriver(TelegramDriver):
    """One bot with a desk in a group without topics."""

    forum = False
