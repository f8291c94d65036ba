"""Plays transcripts over Telegram: everybody has a phone, the desk is a group.

Where Telegram shows something else than a transcript says, the rule stands here, with its reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from bot.app import ended
from bot.channels.telegram.channel import NAME
from bot.channels.text import parts
from bot.contact_point import ContactPoint
from bot.play import Heard, Spoken
from storage.database import Database
from tests.channels.contract import DESK
from tests.channels.stage import Screens, as_elsewhere, delivered
from tests.channels.telegram_driver import TelegramDriver
from tests.telegram_server.people import Person
from tests.telegram_server.world import Chat, Message

DELIVERED = "👌"


class TelegramStage(TelegramDriver):
    """A bot that fetches updates, and answers when it is asked what is heard."""

    def __init__(
        self,
        open_database: Callable[[], Database],
        points: Mapping[str, ContactPoint],
        *,
        language: str,
        desk_language: str,
        presses: bool = False,
    ) -> None:
        """`presses`: people press a button where a transcript says that they write its label."""
        super().__init__(open_database, points)
        self.language = language
        self._desk_language = desk_language
        self._presses = presses
        self._screens = Screens()
        self._marked: set[Message] = set()
        """The messages of staff that bear the sign that they were delivered."""
        self._words: dict[str, Message] = {}
        """What was said, by the id of the message."""

    async def _answer(self) -> None:
        async with self._app.running():
            await asyncio.Event().wait()

    async def start(self) -> None:
        await super().start()
        # The screen of the driver is for tests that wait for something; here everything is read when all is quiet.
        await ended(self._watching)
        await self.heard()

    async def at(self, moment: datetime) -> None:
        await self.database.run(self._time.set, moment)

    async def speak(self, spoken: Spoken) -> str:
        person = self.staff(spoken.who) if spoken.at_desk else self.person(spoken.who)
        chat = self.group if spoken.at_desk else person.chat(self.account)
        if spoken.press:
            message = self._message(spoken.pressed)
            person.presses(message, spoken.press, data=self._buttons.seal(spoken.press, chat.id))
            return _name(message)
        if spoken.edits:
            person.edits(self._words[spoken.edits], spoken.text)
            return spoken.edits
        if self._presses and not spoken.at_desk and (found := self._with_button(chat, spoken.text)) is not None:
            person.presses(found, spoken.text)
            return _name(found)
        said = self._say(person, spoken)
        self._words[_name(said)] = said
        return _name(said)

    def _say(self, person: Person, spoken: Spoken) -> Message:
        place = self._topic(spoken.thread) if spoken.at_desk else self.account
        answered = self._message(spoken.answers) if spoken.answers else None
        match spoken.media:
            case "":
                # As apps do: what is too long for one message goes out in several.
                said = [person.says(place, each, reply_to=answered) for each in parts(spoken.text)]
                return said[0]
            case "photo":
                return person.sends_photo(place, b"photo", spoken.text)
            case "voice":
                return person.sends_voice(place, b"voice")
            case "video":
                return person.sends_video(place, b"video", spoken.text)
            case "document":
                return person.sends_document(place, b"document", "form.pdf", spoken.text)
            case "location":
                return person.sends_location(place, 50.9, 7.6)
            case "contact":
                return person.sends_contact(place, "+49 171 5550199", "Somebody")
        return person.sends_sticker(place)

    async def heard(self) -> list[Heard]:
        await self._quiet()
        return [*self._news(DESK, self.group), *self._signs(), *self._news_of_people()]

    async def _quiet(self) -> None:
        """Everything that was said has been taken, worked through and answered, and so has what that brought."""
        while True:
            await self.account.queue.empty()
            await self._app.settle()
            if not self.account.queue.waiting:
                return

    def _news_of_people(self) -> Iterator[Heard]:
        for name, person in self._people.items():
            if not name.startswith("staff "):
                yield from self._news(name, person.chat(self.account))

    def _news(self, name: str, chat: Chat) -> list[Heard]:
        return self._screens.news(self._heard(name, each) for each in self._own(chat))

    def _heard(self, name: str, message: Message) -> Heard:
        seen = self._seen(message)
        return Heard(
            _name(message),
            name,
            as_elsewhere(seen.text, NAME, self.language),
            seen.options,
            seen.file,
            seen.thread,
            # Lists of numbers have no buttons, cards do.
            names_one=bool(name or seen.options),
            # In a topic, what a person wrote stands as it was written.
            from_reporter=not name and any(seen.text == each.text for each in self._words.values()),
        )

    def _signs(self) -> Iterator[Heard]:
        for each in self._words.values():
            if DELIVERED in each.reactions.get(self.account.id, ()) and each not in self._marked:
                self._marked.add(each)
                yield delivered(str(each.id), self._desk_language)

    def _with_button(self, chat: Chat, label: str) -> Message | None:
        """The newest question, if it has a button of this label."""
        asked = [each for each in self._own(chat) if each.keyboard]
        return asked[-1] if asked and label in asked[-1].labels else None

    def _message(self, name: str) -> Message:
        chat, _slash, number = name.partition("/")
        return next(
            each
            for place in self._everywhere()
            if str(place.id) == chat
            for each in place.all_messages
            if str(each.id) == number
        )

    def _everywhere(self) -> Iterator[Chat]:
        yield self.group
        yield from (each.chat(self.account) for each in self._people.values())


class TelegramWebhookStage(TelegramStage):
    """A bot that Telegram calls."""

    calls = True


def _name(message: Message) -> str:
    return f"{message.chat.id}/{message.id}"
