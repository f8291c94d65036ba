"""One account of Matrix as a channel: what it sends, to people and to the room that is the desk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bot.bugs import log_bug
from bot.channels.aside import Aside
from bot.channels.matrix.answers import Failed, NotThere, Unencrypted, outcome
from bot.channels.matrix.case_rooms import CaseRooms
from bot.channels.matrix.client import Client
from bot.channels.matrix.memory import Memory
from bot.channels.matrix.reading import REPLACES, THREAD
from bot.channels.matrix.rooms import Rooms
from bot.channels.matrix.signs import content_of, in_words_of_matrix, seeds_of, signs_of
from bot.channels.text import parts
from bot.delivery import Delivery, Pace, Refused, TryLater, Unreachable
from bot.i18n import Text, _, render
from bot.messages import Media, Outbound, Style

NAME: Final = "matrix"

PACE: Final = Pace(at_once=24, seconds=60)
"""How fast a homeserver takes messages is for its administrator to say; it is asked for in docs/matrix.md."""

LONGEST: Final = 8000
"""UTF-16 code units of a message: encrypted and formatted it has to fit into 65,536 bytes."""

REACTIONS: Final = {"delivered": "✔️", "kept": "📝", "failed": "❌"}
"""What stands on a message of staff, beside the words that say the same where it matters."""

DESK_WAIT: Final = 60.0
"""Seconds until it is tried again where no room takes what is for the desk."""
LEAVES_WITHIN: Final = 5.0
"""Seconds in which a room with somebody else in it is left."""
START_WAIT: Final = 30.0
"""Seconds that a message waits for the account to begin."""

_LOG: Final = logging.getLogger("anlaufstelle.matrix")


@dataclass(frozen=True)
class RemoteId:
    """How a message is known: by its room and its last part."""

    room: str = field(repr=False)
    event: str = field(repr=False)
    reaction: bool = False
    """No message, but a sign on one of staff."""

    def __str__(self) -> str:
        return f"{self.room}/{'r' if self.reaction else ''}{self.event}"

    @classmethod
    def read(cls, text: str) -> RemoteId | None:
        """None for what another messenger has named."""
        room, _slash, event = text.partition("/")
        if not (room.startswith("!") and event.startswith(("$", "r$"))):
            return None
        return cls(room, event.removeprefix("r"), event.startswith("r"))


@dataclass(frozen=True)
class Place:
    """Where a message goes."""

    room: str = field(repr=False)
    root: str = field(default="", repr=False)
    """The first message of the thread; empty outside of one."""
    desk: bool = False
    threads: bool = True
    """Whether a case is a thread there; otherwise the whole room is about it."""


class MatrixChannel:
    """Sends through one account. It is used by one process at a time, the holder of the account."""

    name: Final = NAME
    knows_repeats = True
    """The name of a request comes from the row of the outbox; homeservers remember it for a day and more."""

    def __init__(self, memory: Memory, pace: Pace = PACE, *, case_rooms: CaseRooms | None = None) -> None:
        """With `case_rooms`, each case has a room of its own instead of a thread."""
        self.pace = pace
        self.aside = Aside(Failed, NotThere, Unencrypted)
        self._memory = memory
        self._case_rooms = case_rooms
        self._client: Client | None = None
        self._at_work = asyncio.Event()
        self._rooms = Rooms()
        self._complained = False
        self.spoke: Callable[[str], None] = lambda room: None
        """Hears in which room something was said."""
        self.bare: Callable[[str, str], Awaitable[None]] = _nobody
        """Hears of a case whose thread or room has begun without its card: with its first message, or itself."""

    def begin(self, client: Client, rooms: Rooms) -> None:
        """From now on messages go out."""
        self._client, self._rooms = client, rooms
        self._at_work.set()

    def rest(self) -> None:
        """The account is not at work here."""
        self._client = None
        self._at_work.clear()

    async def send(self, delivery: Delivery) -> str:
        """Raises TryLater, InDoubt, Unreachable or Refused."""
        if not self._memory.is_held:
            # Another process has had the account meanwhile: what is known here of rooms and keys is old.
            self.rest()
        try:
            async with asyncio.timeout(START_WAIT):
                await self._at_work.wait()
        except TimeoutError:
            raise TryLater(START_WAIT, whole_account=True) from None
        client = self._client
        if client is None:
            raise TryLater(START_WAIT, whole_account=True)
        try:
            place = await self._place(client, delivery)
            return await self._to(client, place, delivery)
        except (NotThere, Unencrypted) as error:
            raise self._not_there(delivery) from error
        except Failed as error:
            answer = outcome(error)
            if isinstance(answer, Unreachable):
                answer = self._not_there(delivery)
            if isinstance(answer, Refused):
                # What the homeserver says may repeat what was sent; where it was refused is enough.
                log_bug(error)
            raise answer from error

    def _not_there(self, delivery: Delivery) -> Unreachable | TryLater:
        if delivery.chat:
            return Unreachable()
        # The bot was taken out of the room, or the room is not encrypted: staff get it when that is mended.
        if not self._complained:
            _LOG.error("the bot cannot write in the desk's room: invite it again, see anlaufstelle matrix check")
        self._complained = True
        return TryLater(DESK_WAIT)

    async def _place(self, client: Client, delivery: Delivery) -> Place:
        if delivery.chat:
            room = self._rooms.of(delivery.chat)
            if room is None:
                raise NotThere
            known = client.rooms.get(room.id)
            if known is not None and set(known.users) - {client.user_id, room.person}:
                # Somebody else has come, or is invited: the bot is about to leave.
                raise TryLater(LEAVES_WITHIN)
            return Place(room.id)
        desk = await self._memory.desk()
        if not desk:
            raise TryLater(DESK_WAIT)
        ref = delivery.message.thread
        if ref and self._case_rooms is not None:
            own, is_new = await self._case_rooms.of(client, self._rooms, desk, ref)
            if is_new and delivery.message.style is not Style.CARD:
                self.aside.do(self.bare, ref, own)
            return Place(own, desk=True, threads=False)
        root = await self._memory.root_of(desk, ref) if ref else ""
        if ref and not root and delivery.message.style is not Style.CARD:
            root = await self._begun(client, desk, delivery)
        return Place(desk, root, desk=True)

    async def _begun(self, client: Client, desk: str, delivery: Delivery) -> str:
        """A thread for a case that was opened somewhere else: in another room, or in another messenger."""
        ref = delivery.message.thread
        named: Text = _("Case {ref}", ref=ref)
        content = {"msgtype": "m.notice", "body": render(named, delivery.message.language or "de")}
        root = await client.say(desk, "m.room.message", content, f"a{delivery.id}.root", encrypted=True)
        await self._memory.keep_thread(desk, ref, root)
        self.aside.do(self.bare, ref, root)
        return root

    async def _to(self, client: Client, place: Place, delivery: Delivery) -> str:
        message = delivery.message
        if message.fate == "delivered" and (done := await self._marked(client, place, delivery)):
            return done
        before = RemoteId.read(delivery.replaces) if delivery.replaces else None
        if before is not None and before.room == place.room and not before.reaction:
            sent = await self._changed(client, place, delivery, before)
        elif delivery.replaces and message.vanishes:
            # It stands somewhere else: there is nothing to take back here.
            sent = delivery.replaces
        else:
            sent = await self._new(client, place, delivery)
        if message.fate in REACTIONS:
            await self._marked(client, place, delivery)
        self.spoke(place.room)
        self._complained = self._complained and bool(delivery.chat)
        return sent

    async def _new(self, client: Client, place: Place, delivery: Delivery) -> str:
        texts = parts(in_words_of_matrix(delivery.message, desk=place.desk), LONGEST)
        events = []
        if delivery.message.file is not None:
            caption = texts[0] if len(texts) == 1 else ""
            events.append(await self._file(client, place, delivery, delivery.message.file, caption))
        if delivery.message.file is None or len(texts) > 1:
            events += await self._words(client, place, delivery, texts, 0)
        await self._kept(client, place, delivery, events)
        return str(RemoteId(place.room, events[-1]))

    async def _words(
        self, client: Client, place: Place, delivery: Delivery, texts: list[str], begin: int, root: str = ""
    ) -> list[str]:
        """Sends parts of a message, the first of which has this number."""
        events: list[str] = []
        for number, text in enumerate(texts, start=begin):
            last = number == begin + len(texts) - 1
            content = _content(delivery.message, text, place, last=last)
            thread = place.root or root or (events[0] if events and self._begins_thread(place, delivery) else "")
            if thread:
                content["m.relates_to"] = _in_thread(thread)
            events.append(
                await client.say(
                    place.room, "m.room.message", content, f"a{delivery.id}.{number}", encrypted=place.desk
                )
            )
        return events

    @staticmethod
    def _begins_thread(place: Place, delivery: Delivery) -> bool:
        return bool(place.desk and place.threads and delivery.message.thread and not place.root)

    async def _file(self, client: Client, place: Place, delivery: Delivery, file: Media, caption: str) -> str:
        known = client.rooms.get(place.room)
        if known is None:
            raise NotThere
        where = await client.put_file(
            file.data, file.type or "application/octet-stream", encrypted=bool(known.encrypted)
        )
        name = file.name or "file"
        content: dict[str, Any] = {
            **_content(delivery.message, caption or name, place, last=bool(caption)),
            "msgtype": "m.image" if file.kind == "photo" else "m.file",
            "filename": name,
            "info": {"mimetype": file.type or "application/octet-stream", "size": len(file.data)},
            **where,
        }
        if place.root:
            content["m.relates_to"] = _in_thread(place.root)
        return await client.say(place.room, "m.room.message", content, f"a{delivery.id}.file", encrypted=place.desk)

    async def _changed(self, client: Client, place: Place, delivery: Delivery, before: RemoteId) -> str:
        message = delivery.message
        old = await self._memory.parts(before.room, before.event)
        if message.vanishes:
            for number, event in enumerate(old):
                await client.redact(place.room, event, f"a{delivery.id}.{number}")
            return delivery.replaces
        texts = parts(in_words_of_matrix(message, desk=place.desk), LONGEST)
        for number, text in enumerate(texts[: len(old)]):
            last = number == len(texts) - 1
            new = _content(message, text, place, last=last)
            content = {
                **new,
                "body": f"* {new['body']}",
                "m.new_content": new,
                "m.relates_to": {"rel_type": REPLACES, "event_id": old[number]},
            }
            if "formatted_body" in new:
                content["formatted_body"] = f"* {new['formatted_body']}"
            await client.say(place.room, "m.room.message", content, f"a{delivery.id}.{number}", encrypted=place.desk)
        for number, event in enumerate(old[len(texts) :], start=len(texts)):
            await client.redact(place.room, event, f"a{delivery.id}.{number}")
        events = old[: len(texts)]
        if len(texts) > len(old):
            events += await self._words(client, place, delivery, texts[len(old) :], len(old))
        await self._kept(client, place, delivery, events, changes=True)
        return str(RemoteId(place.room, events[-1]))

    async def _kept(
        self, client: Client, place: Place, delivery: Delivery, events: list[str], *, changes: bool = False
    ) -> None:
        """Remembers what has to be found again, and puts the bot's own reactions below."""
        message = delivery.message
        ref = message.thread if place.desk else ""
        if self._begins_thread(place, delivery) and not changes:
            await self._memory.keep_thread(place.room, ref, events[0])
        signs = signs_of(message.options)
        if not (signs or ref or len(events) > 1 or (changes and place.desk)):
            return
        post = await self._memory.post(place.room, events[-1]) if changes else None
        seeds = dict(post.seeds) if post is not None else {}
        wanted = seeds_of(message.options)
        await self._memory.keep_post(place.room, events, ref, signs, seeds)
        if wanted or (seeds and place.desk):
            self.aside.do(self._seed, client, place, delivery.id, events, ref, signs, seeds, wanted)

    async def _seed(
        self,
        client: Client,
        place: Place,
        name: int,
        events: list[str],
        ref: str,
        signs: dict[str, str],
        seeds: dict[str, str],
        wanted: list[str],
    ) -> None:
        for number, (sign, event) in enumerate(list(seeds.items())):
            # In a private chat the answer stands in the message; there a few signs more do no harm.
            if sign not in wanted and place.desk:
                await client.redact(place.room, event, f"a{name}.u{number}")
                del seeds[sign]
        for number, sign in enumerate(wanted):
            if sign not in seeds:
                seeds[sign] = await self._react(client, place.room, events[-1], sign, f"a{name}.s{number}")
        if place.desk:
            await self._memory.keep_post(place.room, events, ref, signs, seeds)

    @staticmethod
    async def _react(client: Client, room: str, event: str, sign: str, tx: str) -> str:
        relates = {"rel_type": "m.annotation", "event_id": event, "key": sign}
        return await client.say(room, "m.reaction", {"m.relates_to": relates}, tx)

    async def _marked(self, client: Client, place: Place, delivery: Delivery) -> str | None:
        """Puts a sign on the message of staff; None where that cannot be, or words have to be changed."""
        about = RemoteId.read(delivery.message.about)
        before = RemoteId.read(delivery.replaces) if delivery.replaces else None
        if about is None or about.room != place.room or (before is not None and not before.reaction):
            return None
        try:
            await self._react(client, about.room, about.event, REACTIONS[delivery.message.fate], f"a{delivery.id}.m")
        except Failed as error:
            if error.code == "M_DUPLICATE_ANNOTATION":
                return str(RemoteId(about.room, about.event, reaction=True))
            if not error.is_gone:
                raise
            return None
        return str(RemoteId(about.room, about.event, reaction=True))

    async def typing(self, room: str, *, on: bool) -> None:
        """Shows that an answer is on its way."""
        if self._client is not None:
            me = quote(self._client.user_id, safe="")
            path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/typing/{me}"
            await self._client.ask("PUT", path, {"typing": on, "timeout": 30000} if on else {"typing": False})


def _content(message: Outbound, text: str, place: Place, *, last: bool) -> dict[str, Any]:
    # A notice tells nobody that there is something; a message does.
    msgtype = "m.notice" if place.desk and message.style in (Style.STATUS, Style.CARD) else "m.text"
    return content_of(message, text, msgtype, desk=place.desk) if last else {"msgtype": msgtype, "body": text}


def _in_thread(root: str) -> dict[str, Any]:
    return {
        "rel_type": THREAD,
        "event_id": root,
        "is_falling_back": True,
        "m.in_reply_to": {"event_id": root},
    }


async def _nobody(ref: str, root: str) -> None:
    pass
