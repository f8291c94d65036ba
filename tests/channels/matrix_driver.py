"""Drives the bot through a real homeserver: people in encrypted chats, the desk as an encrypted room with threads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from bot.app import App, ended
from bot.channels.matrix.channel import REACTIONS
from bot.channels.matrix.reading import plain_sign
from bot.channels.matrix.signs import NUMBERS
from bot.contact_point import ContactPoint, MatrixRules
from bot.delivery import Channel, Delivery, Pace
from bot.desks import Desks, desk_at
from bot.matrix_bots import MatrixBot, account_of, matrix_bot
from bot.matrix_setup import log_in, make_desk
from bot.messages import Inbound, Media, Option
from bot.now import ManualTime
from storage.database import Database
from tests.channels.contract import DESK, POINT, START, Can, Screen, Seen, Weather
from tests.matrix_js.person import JsPerson
from tests.matrix_server.homeserver import Account, Homeserver, shared
from tests.matrix_server.person import Person
from tests.matrix_server.somebody import Shown, Somebody

NOWHERE = "elsewhere"
FAST = Pace(at_once=24)
SIGNS = {REACTIONS["delivered"]: "Delivered."}
REF = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}")
KINDS = {"photo": "m.image", "voice": "m.audio", "video": "m.video", "document": "m.file"}


class Unseen:
    """A desk somewhere else."""

    pace = FAST
    knows_repeats = True

    async def send(self, delivery: Delivery) -> str:
        return str(delivery.id)


class MatrixDriver:
    """One account, in encrypted rooms, with its desk in a room."""

    capabilities = frozenset({Can.EDIT, Can.ANSWER})
    encrypted = True
    client: Callable[[Homeserver, Account], Somebody] = Person
    """With what people and staff write."""

    def __init__(self, open_database: Callable[[], Database], points: Mapping[str, ContactPoint]) -> None:
        self.screen = Screen()
        self.weather = Weather()
        self.database = open_database()
        self.server: Homeserver = shared()
        self._open_database = open_database
        self._points = dict(points)
        self._people: dict[str, Somebody] = {}
        self._rooms: dict[str, str] = {}
        self._said: dict[str, tuple[str, str]] = {}
        """The room and the event of what was said, by the name it got."""
        self._watching: list[asyncio.Task[None]] = []
        self._looking = asyncio.Lock()
        """Held by whoever asks what the bot remembers, and while it is down."""
        self._is_up = False
        self.desk = ""
        """The room."""
        self.rules = {"desk_content": "full"}
        """Of the contact point, for Matrix."""
        self.late_after = 30.0
        self.language = "en"
        """What people are asked in first: the messenger tells nothing about anybody."""

    @property
    def point(self) -> ContactPoint:
        return self._points[POINT]

    async def start(self) -> None:
        self.account = self.server.register("bot")
        self.user = self.account.user_id
        rules = MatrixRules(self.server.origin, self.user, **self.rules)
        languages = replace(self.point.languages, default=self.language)
        self._points[POINT] = replace(self.point, matrix=rules, languages=languages)
        await self.log_in()
        if self.rules["desk_content"] != "none":
            self.desk = await make_desk(self.database, self.point, [])
        await self.serve()
        await self.database.run(self._time.set, START)

    async def log_in(self) -> list[str]:
        """What an operator does once."""
        return await log_in(self.database, self.point, self.account.password, START)

    async def serve(self) -> None:
        self._time = await self.database.run(ManualTime, self.database)
        self.bot = self._new_bot()
        account = account_of(self.point)
        channels: dict[str, Channel] = {account: self.weather.around(self.bot.channel), NOWHERE: Unseen()}
        at = desk_at({account: self.bot.desk_content}, NOWHERE)
        self.app = App(self.database, self._points, channels, self._time, Desks(NOWHERE, {POINT: at} if at else {}))
        self._is_up = True
        self._answering = asyncio.create_task(self._answer())
        self._receiving = asyncio.create_task(self.bot.run())

    def _new_bot(self) -> MatrixBot:
        return matrix_bot(
            self.point,
            self.database,
            self._time,
            receive=self._receive,
            set_aside=lambda *update: self.app.set_aside(*update),
            holds=lambda account: self.app.holds(account),
            leases=lambda: self.app.leases,
            pace=FAST,
            late_after=self.late_after,
        )

    async def _receive(self, account: str, messages: Sequence[Inbound], beside: Callable[[Session], None]) -> None:
        await self.app.receive_beside(account, messages, beside)

    async def _answer(self) -> None:
        await self.app.run()

    async def down(self) -> None:
        """The bot ends."""
        await self._looking.acquire()
        self._is_up = False
        await ended(self._receiving, self._answering)
        await self.bot.close()
        await asyncio.to_thread(self.database.close)

    async def up(self) -> None:
        """It begins again."""
        self.database = self._open_database()
        await self.serve()
        self._looking.release()

    async def restart(self) -> None:
        await self.down()
        await self.up()

    async def stop(self) -> None:
        await ended(*self._watching)
        for each in self._people.values():
            await each.stop()
        if self._is_up:
            await self.down()
        assert not (warnings := [each.warnings for each in self._people.values() if each.warnings]), warnings

    async def later(self, seconds: float) -> None:
        await self.database.run(self._time.set, self._time() + timedelta(seconds=seconds))
        self.app.wake()

    async def _met(self, key: str, name: str, place: str) -> Somebody:
        person = self.client(self.server, self.server.register(name))
        self._people[key] = person
        await person.start()
        self._watching.append(asyncio.create_task(self._watch(person, place)))
        return person

    async def person(self, name: str) -> tuple[Somebody, str]:
        """Somebody, and their room with the bot, which they open now if there is none."""
        if name not in self._people:
            person = await self._met(name, name, name)
            self._rooms[name] = await person.opens(self.user, encrypted=self.encrypted)
        return self._people[name], self._rooms[name]

    async def staff(self, name: str) -> Somebody:
        key = f"staff {name}"
        if key not in self._people:
            # Whoever comes later does not see what was said before: one of them shows what is on the desk's screen.
            place = "" if any(each.startswith("staff ") for each in self._people) else DESK
            person = await self._met(key, f"private.{name}", place if place == DESK else "nobody")
            await self.invites(person)
            await person.joins(self.desk)
            if self.bot.desk_content != "full":
                return person
            said = await person.says(self.desk, f"/name {name}")
            await person.until(lambda: said in person.rooms[self.desk] and person.rooms[self.desk][said].reactions)
        return self._people[key]

    async def invites(self, person: Somebody) -> None:
        """The bot's account lets somebody into the desk's room."""
        login = await self.bot.receiver._memory.login()
        assert login is not None
        path = f"/_matrix/client/v3/rooms/{self.desk}/invite"
        await asyncio.to_thread(self.server.ask, "POST", path, {"user_id": person.user_id}, login.access_token)

    async def _watch(self, person: Somebody, place: str) -> None:
        while True:
            changed = person.changed
            async with self._looking:
                for room, shown in list(person.rooms.items()):
                    if place != DESK or await self._is_desk(room):
                        await self._show(place, room, list(shown.values()))
            await changed.wait()

    async def _show(self, place: str, room: str, shown: list[Shown]) -> None:
        for each in shown:
            if each.sender == self.user and not each.redacted:
                seen = await self._seen(room, each, place)
                if self.screen.find(place, seen.id) != seen:
                    self.screen.put(place, seen)
            for sign, who in each.reactions.items():
                if place == DESK and self.user in who and each.sender != self.user and sign in SIGNS:
                    mark = Seen(f"r{each.id}", 2 * each.order + 1, SIGNS[sign], thread=await self._ref(room, each))
                    if self.screen.find(place, mark.id) != mark:
                        self.screen.put(place, mark)

    async def _is_desk(self, room: str) -> bool:
        return room == self.desk

    async def _ref(self, room: str, shown: Shown) -> str:
        return await self.bot.channel._memory.ref_of(room, shown.root or shown.id)

    async def _seen(self, room: str, shown: Shown, place: str) -> Seen:
        text, options = shown.text, ()
        if "formatted_body" in shown.content:
            options = self._options(shown)
            text = text.rpartition("\n\n")[0] if options else text
        thread = await self._ref(room, shown) if place == DESK else ""
        file = str(shown.content.get("filename", ""))
        return Seen(shown.id, 2 * shown.order, text, options, thread, shown.edited, file)

    def _options(self, shown: Shown) -> tuple[Option, ...]:
        """As somebody reads them: the numbered ones, then what has a sign, then what can be written."""
        found: list[Option] = []
        for line in shown.text.rpartition("\n\n")[2].split("\n"):
            number, dot, label = line.partition(". ")
            if dot and number.isdigit():
                found.append(Option(f"{NUMBERS[int(number) - 1] if int(number) <= 10 else number}", label))
            elif line.startswith(("Or write: ", "You can write: ")):
                found += [Option(f"/{each}", each) for each in line.partition(": ")[2].split(" · ")]
            else:
                for each in line.split(" · "):
                    sign, _space, label = each.partition(" ")
                    found.append(Option(f"/{sign}", label))
        return tuple(found)

    async def say(self, chat: str, text: str, *, message_id: str = "") -> str:
        known = chat in self._people
        person, room = await self.person(chat)
        if not known and text == "/start":
            # Whoever opens a chat has started it.
            return "start"
        return await self._write(person, room, text, message_id)

    async def _write(
        self, person: Somebody, room: str, text: str, name: str, thread: str = "", answers: str = ""
    ) -> str:
        tx = name or None
        event = await person.says(room, text, tx=tx, thread=thread, answers=answers)
        self._said[name or event] = (room, event)
        return name or event

    async def press(self, chat: str, message: Seen, option: str, *, message_id: str = "") -> None:
        person, room = await self.person(chat)
        await self._press(person, room, message, option)

    async def _press(self, person: Somebody, room: str, message: Seen, option: str) -> None:
        """By a reaction where there is one, else by writing the words."""
        sign = option.removeprefix("/")
        if sign.isascii():
            label = next((each.label for each in message.options if each.id == option), "")
            if label:
                await person.says(room, label)
                return
        # It is shown a moment before the bot has noted what its reactions mean.
        while (post := await self.bot.channel._memory.post(room, message.id)) is None:
            await asyncio.sleep(0.02)
        # A test may ask for what the option is called inside.
        sign = next((known for known, name in post.signs.items() if name == option), sign)
        assert plain_sign(sign) in post.signs
        await person.reacts(room, message.id, sign)

    async def send(self, chat: str, media: Media) -> None:
        person, room = await self.person(chat)
        if media.kind in KINDS:
            await person.sends_file(room, KINDS[media.kind], media.data, media.name)
        elif media.kind == "location":
            await person.sends(room, {"msgtype": "m.location", "body": "here", "geo_uri": "geo:50.9,7.6"})
        else:
            await self._send_odd(person, room, media.kind)

    async def _send_odd(self, person: Somebody, room: str, kind: str) -> str:
        if kind == "sticker":
            content = {"body": "a picture", "url": "mxc://localhost.test/x", "info": {}}
            return await person.sends(room, content, "m.sticker")
        info = {"mimetype": "text/vcard", "size": 20}
        return await person.sends(room, {"msgtype": "m.file", "body": "somebody.vcf", "info": info, "url": "mxc://x/y"})

    async def edit(self, chat: str, message_id: str, text: str) -> None:
        room, event = self._said[message_id]
        await self._people[chat].edits(room, event, text)

    async def fetch(self, place: str, message: Seen) -> bytes:
        person, room = await self.person(place)
        return await person.fetch(person.rooms[room][message.id].content)

    async def say_at_desk(
        self, by: str, text: str, *, thread: str = "", answers: Seen | None = None, message_id: str = ""
    ) -> str:
        person = await self.staff(by)
        room, root = await self._place(person, thread)
        return await self._write(person, room, text, message_id, root, answers.id if answers else "")

    async def _place(self, person: Person, thread: str) -> tuple[str, str]:
        """The room in which staff write about a case, and its thread there."""
        return self.desk, await self.bot.channel._memory.root_of(self.desk, thread) if thread else ""

    async def press_at_desk(self, by: str, message: Seen, option: str) -> None:
        person = await self.staff(by)
        room, _root = await self._place(person, message.thread)
        await self._press(person, room, message, option)

    async def edit_at_desk(self, by: str, message_id: str, text: str, *, thread: str = "") -> None:
        room, event = self._said[message_id]
        await (await self.staff(by)).edits(room, event, text)


class MatrixOpenDriver(MatrixDriver):
    """People in chats that are not encrypted."""

    encrypted = False


class MatrixRoomsDriver(MatrixDriver):
    """A desk where each case has a room of its own."""

    def __init__(self, open_database: Callable[[], Database], points: Mapping[str, ContactPoint]) -> None:
        super().__init__(open_database, points)
        self.rules = {**self.rules, "cases": "rooms"}

    async def _met(self, key: str, name: str, place: str) -> Somebody:
        person = await super()._met(key, name, place)
        assert isinstance(person, Person)
        person.accepts = key.startswith("staff ")
        return person

    def _case_of(self, room: str) -> str:
        known = self.bot.receiver._rooms.get(room)
        return known.ref if known is not None else ""

    async def _is_desk(self, room: str) -> bool:
        return room == self.desk or bool(self._case_of(room))

    async def _ref(self, room: str, shown: Shown) -> str:
        return self._case_of(room)

    async def _place(self, person: Somebody, thread: str) -> tuple[str, str]:
        room = self.bot.receiver._rooms.of_case(thread)
        if room is None:
            return self.desk, ""
        await person.until(lambda: person.membership(person.user_id, room.id) == "join", "the room of the case")
        return room.id, ""


class MatrixJsDriver(MatrixDriver):
    """People and staff whose app trusts only devices that their owners have signed."""

    client = JsPerson
