"""Plays transcripts over Matrix: everybody has an encrypted client, the desk is an encrypted room with threads.

Where Matrix shows something else than a transcript says, the rule stands here, with its reason.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.channels.matrix.channel import LONGEST, NAME, REACTIONS
from bot.channels.matrix.signs import CONTROLS, NUMBERS, SEEDED
from bot.contact_point import ContactPoint
from bot.delivery import Delivery
from bot.messages import Inbound, Option
from bot.play import Heard, Spoken
from storage.database import Database
from tests.channels.contract import DESK
from tests.channels.matrix.waiting import until
from tests.channels.matrix_driver import KINDS, MatrixDriver
from tests.channels.stage import Screens, as_elsewhere, delivered
from tests.matrix_js.person import JsPerson
from tests.matrix_server.somebody import Shown, Somebody

_COMMAND = re.compile(r"(?<![\w/!])[!/](?=[^\W\d_])")
_MARKS = str.maketrans("", "", "⟦⟧‹›\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Offer:
    """One option as it stands below a message."""

    option: Option
    number: int = 0
    """What can be written; 0 where it has none."""
    sign: str = ""
    """What can be tapped; empty where it can only be written."""


class MatrixStage(MatrixDriver):
    """A bot that answers when it is asked what is heard."""

    def __init__(
        self,
        open_database: Callable[[], Database],
        points: Mapping[str, ContactPoint],
        *,
        language: str,
        desk_language: str,
        presses: bool = True,
    ) -> None:
        """`presses`: where people write a label, they react, write its number or write it, in turn."""
        super().__init__(open_database, points)
        self.language = language
        self._inside: dict[str, tuple[Option, ...]] = {}
        """Which options each message has inside: below it there are only words, numbers and signs."""
        self.weather.sent = self._note
        self._desk_language = desk_language
        self._presses = presses
        self._pressed = 0
        self._screens = Screens(LONGEST)
        self._below: dict[str, list[Offer]] = {}
        """What stands below each message."""
        self._offered: dict[str, list[Offer]] = {}
        """What stood below each message before something was chosen there."""
        self._refs: dict[str, str] = {}
        """The case of each thread, by its first message."""
        self._marked: set[str] = set()
        """The messages of staff that bear the sign that they were delivered."""
        self._words: dict[str, str] = {}
        """What was said, by the id of the message."""
        self._awaited: set[str] = set()
        """What was said and is not known to have arrived."""
        self._arrived: set[str] = set()
        self.texts: dict[str, None] = {}
        """Everything that people were shown, word for word as it came, in either of its forms."""

    def _note(self, name: str, delivery: Delivery) -> None:
        self._inside[name] = delivery.message.options

    async def _receive(self, account: str, messages: Sequence[Inbound], beside: Callable[[Session], None]) -> None:
        await super()._receive(account, messages, beside)
        self._arrived |= {each.message_id for each in messages}

    async def _answer(self) -> None:
        async with self.app.running():
            await asyncio.Event().wait()

    async def start(self) -> None:
        await super().start()
        # Whoever comes later does not see what was said before.
        self._at_desk = await self.staff("kim")
        await self.heard()

    async def _watch(self, person: Somebody, place: str) -> None:
        """The screen of the driver is for tests that wait for something; here everything is read when all is quiet."""

    async def at(self, moment: datetime) -> None:
        await self.database.run(self._time.set, moment)

    async def speak(self, spoken: Spoken) -> str:
        if spoken.at_desk:
            person, room = await self.staff(spoken.who), self.desk
        else:
            met = spoken.who in self._people
            person, room = await self.person(spoken.who)
            if not met:
                # Whoever opens a chat has started it.
                self._awaited.add(f"{room}/join")
                if spoken.text == "/start":
                    return f"{room}/join"
                # What comes of that stands in no transcript that begins otherwise.
                assert len([each for each in await self.heard() if each.chat == spoken.who]) == 1
        event, name = await self._do(person, room, spoken)
        self._awaited.add(f"{room}/{event}")
        return name or f"{room}/{event}"

    async def _do(self, person: Somebody, room: str, spoken: Spoken) -> tuple[str, str]:
        """Returns the event, and what the message is called where that is another one."""
        if spoken.press:
            event = await self._press_option(person, room, spoken.pressed, spoken.press)
            return event, spoken.pressed
        # Apps keep commands with a slash for themselves.
        text = re.sub(r"^/", "!", spoken.text)
        if spoken.edits:
            return await person.edits(room, spoken.edits.partition("/")[2], text), spoken.edits
        if self._presses and not spoken.at_desk and not spoken.media:
            pressed = await self._press_label(person, room, spoken.text)
            if pressed:
                return pressed, ""
        event = await self._say(person, room, text, spoken)
        self._words[f"{room}/{event}"] = spoken.text
        return event, ""

    async def _say(self, person: Somebody, room: str, text: str, spoken: Spoken) -> str:
        root = await self.bot.channel._memory.root_of(room, spoken.thread) if spoken.thread else ""
        if spoken.media in KINDS:
            name = "form.pdf" if spoken.media == "document" else "file.bin"
            more = {"body": text, "filename": name} if text else {}
            if root:
                more["m.relates_to"] = {"rel_type": "m.thread", "event_id": root}
            return await person.sends_file(room, KINDS[spoken.media], b"data", name, **more)
        if spoken.media == "location":
            return await person.sends(room, {"msgtype": "m.location", "body": "here", "geo_uri": "geo:50.9,7.6"})
        if spoken.media:
            return await self._send_odd(person, room, spoken.media)
        return await person.says(room, text, thread=root, answers=spoken.answers.partition("/")[2])

    async def _press_option(self, person: Somebody, room: str, message: str, option: str) -> str:
        """Chooses an option of any message, by its reaction if it has one; returns the event."""
        offer = next(each for each in self._offered[message] if each.option.id == option)
        if offer.sign:
            return await person.reacts(room, message.partition("/")[2], offer.sign)
        return await person.says(room, offer.option.label)

    async def _press_label(self, person: Somebody, room: str, label: str) -> str:
        """Chooses what is called so in the newest question: by reaction, by number or in words, each in its turn.

        Returns the event; empty if nothing there is called so.
        """
        asked = [each for each in self._own(person, room) if self._below.get(each)]
        found = [each for each in self._below[asked[-1]] if each.option.label == label] if asked else []
        if not found:
            return ""
        self._pressed += 1
        event, offer = asked[-1].partition("/")[2], found[0]
        many = len([each for each in self._below[asked[-1]] if each.number]) > SEEDED
        if self._pressed % 3 == 1 and offer.sign and not (offer.number and many):
            shown = person.rooms[room][event]
            await person.until(
                lambda: self.user in shown.reactions.get(offer.sign, ()), f"{offer.sign} below the question"
            )
            return await person.reacts(room, event, offer.sign)
        return await person.says(room, str(offer.number) if self._pressed % 3 == 2 and offer.number else label)

    async def heard(self) -> list[Heard]:
        await self._quiet()
        heard = await self._news(DESK, self._at_desk, self.desk)
        heard += self._signs()
        for name, room in self._rooms.items():
            heard += await self._news(name, self._people[name], room)
        return heard

    async def _quiet(self) -> None:
        """Everything that was said has been taken, worked through and answered, and is on everybody's screen."""
        while True:
            await until(lambda: self._awaited <= self._arrived, "what was said")
            before = len(self._arrived)
            await self.app.settle()
            if len(self._arrived) == before:
                break
        for person, room in [(self._at_desk, self.desk), *((self._people[e], r) for e, r in self._rooms.items())]:
            await person.catches_up(room)

    def _own(self, person: Somebody, room: str) -> dict[str, Shown]:
        """What the bot says there, by its id."""
        return {f"{room}/{each.id}": each for each in person.by(self.user, room) if not each.redacted}

    async def _news(self, name: str, person: Somebody, room: str) -> list[Heard]:
        own = self._own(person, room)
        return self._screens.news([await self._heard(name, each, shown) for each, shown in own.items()])

    async def _heard(self, name: str, id_: str, shown: Shown) -> Heard:
        text = shown.text
        below = []
        if "formatted_body" in shown.content:
            text, _blank, list_ = text.rpartition("\n\n")
            below = self._offers(list_, self._inside.get(id_, ()))
            self._offered[id_] = below
        self._below[id_] = below
        if name:
            self.texts |= dict.fromkeys((shown.text, _unformatted(str(shown.content.get("formatted_body", "")))))
        relayed = text in self._words.values()
        return Heard(
            id_,
            name,
            text if relayed else _with_slashes(as_elsewhere(text, NAME, self.language)),
            tuple(each.option for each in below),
            str(shown.content.get("filename", "")),
            await self._case(shown) if not name else "",
            # Lists of numbers have no options, cards do.
            names_one=bool(name or below),
            # In a thread, what a person wrote stands as it was written.
            from_reporter=not name and relayed,
        )

    @staticmethod
    def _offers(list_: str, options: Sequence[Option]) -> list[Offer]:
        """As people read them, in the order of a transcript: here those with a sign stand before those without."""
        found: dict[str, Offer] = {}
        for line in list_.split("\n"):
            for number, sign, label in _shown(line):
                called = [e for e in options if label in (e.label.translate(_MARKS), f"!{e.id[1:]}")]
                option = called[0] if called else Option(f"? {label}", label)
                found[option.id] = Offer(option, number, sign)
        ids = [each.id for each in options]
        return sorted(found.values(), key=lambda each: ids.index(each.option.id) if each.option.id in ids else -1)

    async def _case(self, shown: Shown) -> str:
        root = shown.root or shown.id
        if root not in self._refs:
            self._refs[root] = await self._ref(self.desk, shown)
        return self._refs[root]

    def _signs(self) -> Iterator[Heard]:
        for each in self._words:
            room, _slash, event = each.partition("/")
            if room != self.desk or each in self._marked or event not in self._at_desk.rooms[room]:
                continue
            if self.user in self._at_desk.rooms[room][event].reactions.get(REACTIONS["delivered"], ()):
                self._marked.add(each)
                yield delivered(each, self._desk_language)


class MatrixJsStage(MatrixStage):
    """People and staff whose app trusts only devices that their owners have signed."""

    client = JsPerson


def _unformatted(formatted: str) -> str:
    """What is to be read of it."""
    return html.unescape(re.sub("<[^>]*>", "", re.sub("<(?:br|p|li|ol)>", "\n", formatted)))


def _with_slashes(text: str) -> str:
    """Commands as a transcript has them; whoever is told to write one with a slash here is heard."""
    return _COMMAND.sub(lambda found: "!" if found[0] == "/" else "/", text)


def _shown(line: str) -> Iterator[tuple[int, str, str]]:
    """Number, sign and label of each option in a line."""
    line = line.translate(_MARKS)
    number, dot, label = line.partition(". ")
    if dot and number.isdigit():
        yield int(number), NUMBERS[int(number) - 1] if int(number) <= len(NUMBERS) else "", label
        return
    signs = {each for each in CONTROLS.values() if line.startswith(each)}
    for each in (line if signs else line.partition(": ")[2]).split(" · "):
        sign, _blank, label = each.partition(" ") if signs else ("", "", each)
        yield 0, sign, label
