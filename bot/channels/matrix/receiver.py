"""One account of Matrix as a channel: what it receives, kept before the homeserver is told that it arrived."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import monotonic, time
from typing import Any, Final
from urllib.parse import quote, urlparse

import nio
from aiohttp import ClientConnectionError
from nio.crypto import decrypt_attachment

from bot.backoff import wait
from bot.bugs import log_bug
from bot.channels.files import Files
from bot.channels.matrix.answers import SERVED_ELSEWHERE, Failed, NotThere
from bot.channels.matrix.case_rooms import CaseRooms, staff
from bot.channels.matrix.channel import MatrixChannel, RemoteId
from bot.channels.matrix.client import Client
from bot.channels.matrix.keys import KeyStore
from bot.channels.matrix.memory import Kind, Memory, Post, Progress, Room, Waiting
from bot.channels.matrix.new_room import case_of
from bot.channels.matrix.reading import Came, Event, Readable, read
from bot.channels.matrix.reading import Kind as What
from bot.channels.matrix.rooms import Rooms
from bot.channels.matrix.signs import in_words_of_matrix
from bot.channels.matrix.unread import LATE_AFTER, Unread
from bot.channels.staff import NAME_TAKEN, NAMELESS, wanted_name
from bot.channels.typing import Typing
from bot.i18n import Text, _, render
from bot.messages import Inbound, Outbound

READ_AFTER: Final = 1.0
"""Seconds after which it is shown that something was read, if it is not answered by then."""
KEPT_AFTER: Final = 60.0
"""Seconds after which it is stored how far the bot has read, if nothing came that has to be."""
REPEATED_WITHIN: Final = 2.0
"""Seconds after a start in which messages whose fate is not known are sent once more."""
HELD_SECONDS: Final = 0.25
"""How often it is looked whether this process serves the account by now."""
RESTORED: Final = "ANLAUFSTELLE_RESTORED"
_LOG: Final = logging.getLogger("anlaufstelle.matrix")


@dataclass(frozen=True)
class Rules:
    """What the contact point wants."""

    people: bool = True
    """Whether people may write here, or only staff."""
    is_desk: bool = True
    """Whether staff work in their room; otherwise they are only told there that there is something."""
    only_signed: bool = True
    desk_language: str = "de"
    late_after: float = LATE_AFTER


@dataclass
class News:
    """What one look at the homeserver has brought."""

    inbound: list[tuple[Came | None, Inbound]] = field(default_factory=list)
    rooms: dict[str, Room] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    decrypted: list[str] = field(default_factory=list)
    after: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    """What is done once all of it is kept."""


Receive = Callable[[Sequence[Inbound], Progress], Awaitable[None]]
"""Takes messages into the inbox, in order, and keeps the progress, in one commit; returns after it."""


class Receiver:
    """Looks at what the homeserver has, again and again."""

    def __init__(
        self,
        homeserver: str,
        contact_point: str,
        account: str,
        channel: MatrixChannel,
        memory: Memory,
        passphrase: str,
        *,
        receive: Receive,
        set_aside: Callable[[str, Mapping[str, Any]], Awaitable[None]],
        holds: Callable[[], Awaitable[bool]],
        files: Files,
        case_rooms: CaseRooms,
        rules: Rules = Rules(),
    ) -> None:
        """`passphrase` protects the keys once more; `holds` says whether this process serves the account."""
        self.account = account
        self._homeserver = homeserver
        self._contact_point = contact_point
        self._channel = channel
        self._memory = memory
        self._passphrase = passphrase
        self._receive = receive
        self._set_aside = set_aside
        self._holds = holds
        self._files = files
        self._case_rooms = case_rooms
        self._rules = rules
        self._aside = channel.aside
        self._client: Client | None = None
        self._rooms = Rooms()
        self._unread = Unread()
        self._since = ""
        self._whole = True
        """Whether everything about every room has to be told."""
        self._starting = True
        """Whether this is its first look since it began."""
        self._kept_at = 0.0
        self._told = False
        """Whether something was told that is not kept yet."""
        self._desk = ""
        self._staff: Sequence[str] = ()
        """Who is known to be in the desk's room."""
        self._typing = Typing[str](self._aside, self._show_typing, self._hide_typing)
        self._read: dict[str, str] = {}
        self._named: frozenset[tuple[str, str]] | None = None
        """The devices that the desk was told of."""
        self.trouble = ""
        """What keeps it from receiving, in one word; empty while all is well."""
        self.stopped = ""
        """Why it has stopped for good."""
        channel.spoke = self._has_spoken
        channel.bare = self._show_again

    async def run(self) -> None:
        """Receives until cancelled, or until nothing will work any more; while this process holds the account."""
        tries = 0
        while not self.stopped:
            if not await self._holds():
                await self.rest()
                await asyncio.sleep(HELD_SECONDS)
                continue
            if not self._memory.is_held:
                # Another process has had the account meanwhile.
                await self.rest()
            try:
                if self._client is None:
                    self._client = await self._begin()
                await self._look(self._client)
                self._well()
                tries = 0
            except Failed as error:
                tries += 1
                if self._told or error.code == SERVED_ELSEWHERE:
                    # nio takes nothing in a second time: what was told is told to a new client.
                    await self.rest()
                await asyncio.sleep(self._troubled(error, tries))
        await self.rest()
        await asyncio.Event().wait()

    async def _begin(self) -> Client:
        self._memory.hold()
        login = await self._memory.login()
        if login is None:
            raise Failed("NO_LOGIN")
        store = KeyStore(self._passphrase, await self._memory.keys())
        client = Client(self._homeserver, login, store, self._memory.keep_keys, only_signed=self._rules.only_signed)
        try:
            if await client.starts() > login.starts:
                raise Failed(RESTORED)
            await self._count(client)
            rooms = Rooms(await self._memory.rooms())
            self._unread = Unread(await self._memory.waiting(), self._rules.late_after)
            if client.knows_rooms and login.since:
                await self._remember(client, rooms)
        except BaseException:
            await client.close()
            raise
        self._since, self._whole, self._starting = login.since, not (client.knows_rooms and login.since), True
        self._rooms = rooms
        client.reads_when_invited = lambda room: (known := rooms.get(room)) is not None and known.kind is Kind.CASE
        return client

    async def _remember(self, client: Client, rooms: Rooms) -> None:
        """The rooms as they were: what has changed since will be told. To be told of hundreds takes seconds."""
        for each in rooms:
            if each.kind is Kind.PRIVATE:
                client.know_room(each.id, each.person)
        if of_staff := [each.id for each in rooms if each.is_of_staff]:
            await client.ask_who_is_in(of_staff)

    async def _count(self, client: Client) -> None:
        # The homeserver's number is never the higher one, whenever this is killed.
        await client.count_starts(await self._memory.counted())

    async def check_alone(self) -> None:
        """Stops if another process uses a copy of the database; else counts on, so that today's copy is known as old.

        Raises Failed.
        """
        client = self._client
        if client is None:
            return
        there = await client.starts()
        # Another process on this very database has counted here first, so it is looked up last.
        login = await self._memory.login()
        if login is not None and there > login.starts:
            self._troubled(Failed(RESTORED), 1)
        else:
            await self._count(client)

    async def rest(self) -> None:
        """Forgets what is not stored; the next look begins with what is."""
        self._channel.rest()
        self._told = False
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def close(self) -> None:
        """Ends what is under way."""
        await self._aside.close()
        await self.rest()

    def _well(self) -> None:
        if self.trouble:
            _LOG.warning("the homeserver answers again")
            self.trouble = ""

    def _troubled(self, error: Failed, tries: int) -> float:
        """Says once what is wrong; returns how long to wait."""
        name = self._contact_point
        if error.is_logged_out:
            self.stopped = "logged out"
            sentence = f"the homeserver refuses the login: stop the bot, run anlaufstelle matrix login {name}"
        elif error.code == "M_KEYS_TAKEN":
            self.stopped = "foreign keys"
            sentence = (
                "the keys in the database are not those of this device: the database was restored or is incomplete. "
                f"Stop the bot, run anlaufstelle matrix login {name}"
            )
        elif error.code == RESTORED:
            self.stopped = "restored"
            sentence = (
                "the bot was begun since then with another copy of this database: it was restored, or another process "
                f"uses a copy. See that only this one runs, then run anlaufstelle matrix login {name}"
            )
        elif error.code == SERVED_ELSEWHERE:
            return 1
        elif error.code == "NO_LOGIN":
            sentence = f"the bot is not logged in: stop it, run anlaufstelle matrix login {name}"
        else:
            sentence = "the homeserver does not answer"
        trouble = self.stopped or ("login" if error.code == "NO_LOGIN" else "network")
        if trouble != self.trouble:
            _LOG.error(sentence, extra={"contact_point": self._contact_point})
            self.trouble = trouble
        return error.after or wait(tries, first=0.5, longest=60 if trouble == "login" else 10)

    async def _insist(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Does it as often as it takes: what was told once is not told again."""
        tries = 0
        while True:
            try:
                return await act()
            except Failed as error:
                tries += 1
                seconds = self._troubled(error, tries)
                if self.stopped or error.code == SERVED_ELSEWHERE:
                    raise
                await asyncio.sleep(seconds)

    async def _looked(self, client: Client) -> nio.SyncResponse:
        """What is new; raises Failed, also as soon as another process serves the account."""
        looking = asyncio.create_task(client.look(self._since, whole=self._whole, patient=not self._starting))
        try:
            while not looking.done():
                await asyncio.wait({looking}, timeout=HELD_SECONDS)
                if not self._memory.is_held:
                    raise Failed(SERVED_ELSEWHERE)
            return looking.result()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _look(self, client: Client) -> None:
        since, starting = self._since, self._starting
        answer = await self._looked(client)
        self._told = True
        # Who has signed what is asked for before it matters.
        await self._insist(client.learn_keys)
        self._desk = await self._memory.desk()
        self._unread.hear(answer.to_device_events)
        news = News()
        for room, info in answer.rooms.join.items():
            self._made(client, room, info, news)
        if starting:
            self._channel.begin(client, self._rooms)
        if self._whole:
            client.keys.save_knows_rooms()
        self._invited(client, answer, news)
        for room in answer.rooms.leave:
            news.left.append(room)
        for room, info in answer.rooms.join.items():
            await self._joined(client, room, info, since, news)
        await self._retry(client, news)
        await self._keep(client, answer.next_batch, news)
        self._told = False
        self._since, self._whole, self._starting = answer.next_batch, False, False
        if starting:
            for each in self._rooms:
                if each.kind is Kind.INVITED:
                    self._aside.do(self._join, each)
        await self._insist(client.tend_keys)
        self._name_left_out(client)
        self._see_to_members(client)
        for act in news.after:
            self._aside.do(act)

    async def _keep(self, client: Client, since: str, news: News) -> None:
        inbound = [each for _came, each in news.inbound]
        matters = inbound or news.rooms or news.left or news.waiting or news.decrypted or client.keys.changed
        if matters or self._starting or time() - self._kept_at > KEPT_AFTER:
            async with client.storing() as keys:
                await self._receive(
                    inbound,
                    Progress(
                        since, keys, tuple(news.rooms.values()), tuple(news.left), tuple(news.waiting),
                        tuple(news.decrypted),
                    ),
                )  # fmt: skip
            self._kept_at = time()
        for room in news.rooms.values():
            self._rooms.put(room)
        self._case_rooms.came()
        for left in news.left:
            self._rooms.drop(left)
            client.forget_room(left)
        self._unread.put(news.waiting)
        self._unread.drop(news.decrypted)
        for came, said in news.inbound:
            if came is not None and said.chat:
                self._typing.begin(came.room)
                self._show_read(came.room, came.event)

    # --- rooms

    def _invited(self, client: Client, answer: nio.SyncResponse, news: News) -> None:
        for room, info in answer.rooms.invite.items():
            for event in info.invite_state:
                told = isinstance(event, nio.InviteMemberEvent) and event.state_key == client.user_id
                if not told or event.membership != "invite" or self._rooms.get(room) is not None:
                    continue
                if self._rules.people or room == self._desk:
                    found = Room(room, Kind.INVITED, event.sender)
                    news.rooms[room] = found
                    news.after.append(lambda found=found: self._join(found))  # type: ignore[misc]
                else:
                    news.after.append(lambda room=room: self._depart(room))  # type: ignore[misc]

    async def _join(self, room: Room) -> None:
        tries = 0
        while (client := self._client) is not None:
            via = f"?server_name={quote(room.person.partition(':')[2], safe='')}" if room.follows else ""
            try:
                await client.ask("POST", f"/_matrix/client/v3/join/{quote(room.id, safe='')}{via}", {})
                return
            except Failed as error:
                if (error.is_gone or error.code == "M_UNKNOWN") and not room.follows:
                    # The invitation was taken back, or nobody is left there.
                    self._rooms.drop(room.id)
                    await self._memory.drop_room(room.id)
                    return
                tries += 1
                await asyncio.sleep(error.after or wait(tries, first=1, longest=300))

    def _made(self, client: Client, room: str, info: Any, news: News) -> None:
        """A room that the bot has made for a case, or one before it that was killed then."""
        if self._rooms.get(room) is None and (ref := case_of([*info.state, *info.timeline.events], client.user_id)):
            found = Room(room, Kind.CASE, ref=ref)
            news.rooms[room] = found
            self._rooms.put(found)

    def _see_to_members(self, client: Client) -> None:
        """Whoever comes to the desk or leaves it, comes to the rooms of cases or leaves them."""
        there = staff(client, self._desk)
        if there != self._staff and self._rules.is_desk:
            self._staff = there
            self._aside.do(self._case_rooms.see_to_members, client, self._rooms, self._desk)

    async def _depart(self, room: str, text: Text | None = None, language: str = "") -> None:
        """Leaves a room, with a word where people do not know why."""
        client = self._client
        if client is None:
            return
        if text is not None:
            with suppress(Failed, NotThere):
                await self._say(room, text, language)
        await client.ask("POST", f"/_matrix/client/v3/rooms/{quote(room, safe='')}/leave", {})
        client.forget_room(room)
        self._rooms.drop(room)
        await self._memory.drop_room(room)
        await client.ask("POST", f"/_matrix/client/v3/rooms/{quote(room, safe='')}/forget", {})

    async def _joined(self, client: Client, room: str, info: Any, since: str, news: News) -> None:
        """What is new in a room that the bot is in."""
        events = list(info.timeline.events)
        if info.timeline.limited and since and info.timeline.prev_batch:
            start = info.timeline.prev_batch
            events = await self._insist(lambda: client.earlier(room, start, since)) + events
        known = self._rooms.get(room)
        if known is None or known.kind is Kind.INVITED:
            events = _since_join(client.user_id, events, info.state)
            known = await self._met(client, room, known, news)
        elif known.kind is Kind.PRIVATE:
            known = self._still_private(client, known, news)
        if known is None:
            return
        for event in events:
            if isinstance(event, Readable) and event.sender != client.user_id:
                await self._take(client, known, event, news)

    def _others(self, client: Client, room: str) -> list[str]:
        return [each for each in client.rooms[room].users if each != client.user_id]

    async def _met(self, client: Client, room: str, known: Room | None, news: News) -> Room | None:
        """The bot is in a room for the first time."""
        if known is not None and known.follows and known.follows == self._desk:
            await self._memory.moved_desk(known.follows, room)
            self._desk = room
        if room == self._desk:
            news.rooms[room] = Room(room, Kind.DESK)
            return news.rooms[room]
        others = self._others(client, room)
        if len(others) != 1 or not self._rules.people:
            language = self._rules.desk_language
            news.after.append(lambda: self._depart(room, ONLY_TWO if len(others) > 1 else None, language))
            return None
        found = Room(room, Kind.PRIVATE, others[0])
        news.rooms[room] = found = self._rooms.heard(found) or found
        if known is not None:
            # Whatever was said before is not the bot's to read: it says itself that it is there.
            news.inbound.append((None, self._from_person(client, found, f"{room}/join", text="/start")))
        return found

    def _still_private(self, client: Client, known: Room, news: News) -> Room | None:
        others = self._others(client, known.id)
        if others == [known.person]:
            return known
        person = known.person

        async def leave() -> None:
            language = await self._memory.language_of(person)
            await self._depart(known.id, NO_LONGER_TWO if others else None, language)

        news.after.append(leave)
        return None

    # --- events

    async def _take(self, client: Client, room: Room, event: Event, news: News) -> None:
        # Where staff are only told that there is something, what they say is nobody's business here.
        unheard = room.is_of_staff and not self._rules.is_desk
        if isinstance(event, nio.MegolmEvent):
            if event.event_id not in self._unread and not unheard:
                news.waiting.append(Waiting(room.id, event.event_id, event.source, time()))
            return
        try:
            came = read(event, room.id)
        except Exception as bug:  # noqa: BLE001  # whatever is in it, the next one must be read
            log_bug(bug)
            await self._set_aside(f"{room.id}/{event.event_id}", event.source)
            return
        if came is None:
            return
        if came.kind is What.MOVED:
            follows = Room(came.moved_to, Kind.INVITED, came.sender, follows=room.id)
            news.rooms[came.moved_to] = follows
            news.after.append(lambda: self._join(follows))
            return
        if unheard:
            return
        if room.is_of_staff:
            said = await self._at_desk(client, room, event, came, news)
        else:
            said = await self._in_private(client, room, came, news)
        if said is not None:
            news.inbound.append((came, said))

    async def _in_private(self, client: Client, room: Room, came: Came, news: News) -> Inbound | None:
        if came.sender != room.person:
            return None
        changed = self._rooms.heard(news.rooms.get(room.id, room))
        if changed is not None:
            news.rooms[room.id] = changed
        name = str(RemoteId(room.id, came.event))
        match came.kind:
            case What.REACTED:
                post = await self._post(room.id, came.about)
                choice = post.signs.get(came.sign, "") if post is not None else ""
                if post is None or not choice:
                    return None
                pressed = str(RemoteId(room.id, post.last))
                return self._from_person(client, room, name, choice=choice, pressed=pressed)
            case What.TAKEN_BACK:
                return self._from_person(client, room, name, takes_back=str(RemoteId(room.id, came.about)))
        came = await self._fetched(client, came)
        return self._from_person(
            client,
            room,
            name,
            text=came.text,
            edits=str(RemoteId(room.id, came.edits)) if came.edits else "",
            media=came.media,
        )

    async def _post(self, room: str, event: str) -> Post | None:
        """What is known of a message of the bot."""
        until = monotonic() + REPEATED_WITHIN if self._starting else 0.0
        while True:
            post = await self._memory.post(room, event)
            if post is not None or monotonic() > until:
                return post
            # The one before was killed right after sending it, and it is sent once more at this moment.
            await asyncio.sleep(0.1)

    def _from_person(self, client: Client, room: Room, name: str, **said: Any) -> Inbound:
        return Inbound(
            contact_point=self._contact_point,
            account=self.account,
            message_id=name,
            chat=room.person,
            open=not client.rooms[room.id].encrypted,
            **said,
        )

    async def _at_desk(self, client: Client, room: Room, event: Event, came: Came, news: News) -> Inbound | None:
        if came.sender not in staff(client, room.id) or came.sender not in staff(client, self._desk):
            return None
        if came.kind is What.WORDS and not client.is_trusted(room.id, event):
            news.after.append(lambda: self._say(room.id, NOT_TRUSTED, self._rules.desk_language, came))
            return None
        if (name := wanted_name(came.text)) and not came.edits:
            if await self._memory.rename(came.sender, name):
                news.after.append(lambda: self._nod(came))
            else:
                news.after.append(lambda: self._say(room.id, NAME_TAKEN, self._rules.desk_language, came))
            return None
        about = came.about if came.kind is What.REACTED else came.reply_to
        post = await self._post(room.id, about) if about else None
        ref = room.ref or (await self._memory.ref_of(room.id, came.root) if came.root else "")
        choice = ""
        if came.kind is What.REACTED:
            choice = post.signs.get(came.sign, "") if post is not None else ""
            if not choice:
                return None
        answers = str(RemoteId(room.id, post.last if post is not None else about)) if about else ""
        return Inbound(
            contact_point=self._contact_point,
            account=self.account,
            message_id=str(RemoteId(room.id, came.event)),
            text=came.text,
            choice=choice,
            pressed=answers if choice else "",
            edits=str(RemoteId(room.id, came.edits)) if came.edits else "",
            takes_back=str(RemoteId(room.id, came.about)) if came.kind is What.TAKEN_BACK else "",
            reply_to="" if choice else answers,
            media=came.media,
            by=await self._memory.name_of(came.sender),
            thread=ref or (post.ref if post is not None else ""),
        )

    async def _retry(self, client: Client, news: News) -> None:
        """Messages whose key may have come."""
        for waiting, found in self._unread.now_readable(client):
            news.decrypted.append(waiting.event)
            room = self._rooms.get(waiting.room)
            if room is not None and isinstance(found, Readable):
                await self._take(client, room, found, news)

    async def tell_late(self) -> None:
        """Tells the senders of messages that cannot be read, once for all that wait in a room; raises Failed."""
        for name, waiting, text in self._unread.late():
            room = self._rooms.get(name)
            if room is None:
                continue
            language = self._rules.desk_language if room.is_of_staff else await self._memory.language_of(room.person)
            # Said before it is noted: whoever is killed in between says it under the same name once more.
            await self._say(name, text, language, name=f"late{waiting[0].event}")
            for each in waiting:
                if each.event in self._unread:
                    told = replace(each, told=True)
                    self._unread.put([told])
                    await self._memory.keep_waiting(told)

    # --- what is said and shown by the way

    def _name_left_out(self, client: Client) -> None:
        """Tells the desk whose devices get nothing, whenever that changes."""
        left_out = client.left_out(self._desk)
        if left_out != self._named:
            self._named = left_out
            self._aside.do(self._tell_left_out, self._desk, left_out)

    async def _tell_left_out(self, desk: str, left_out: frozenset[tuple[str, str]]) -> None:
        devices = ", ".join(f"{device} ({user})" for user, device in sorted(left_out))
        if await self._memory.named(devices) and devices:
            await self._say(desk, _say_left_out(devices), self._rules.desk_language)

    async def _say(self, room: str, text: Text, language: str, about: Came | None = None, name: str = "") -> None:
        client = self._client
        if client is None:
            return
        said = Outbound(render(text, language or "de"), language=language)
        known = self._rooms.get(room)
        at_desk = known is not None and known.is_of_staff
        content: dict[str, Any] = {"msgtype": "m.text", "body": in_words_of_matrix(said, desk=at_desk)}
        if about is not None and about.root:
            content["m.relates_to"] = {
                "rel_type": "m.thread",
                "event_id": about.root,
                "is_falling_back": True,
                "m.in_reply_to": {"event_id": about.event},
            }
        await client.say(room, "m.room.message", content, name or f"said{time()}")

    async def _nod(self, came: Came) -> None:
        if self._client is not None:
            relates = {"rel_type": "m.annotation", "event_id": came.event, "key": "✔️"}
            await self._client.say(came.room, "m.reaction", {"m.relates_to": relates}, f"nod{came.event}")

    def _has_spoken(self, room: str) -> None:
        # Whoever answers has read what was there: apps show it so.
        self._read.pop(room, None)
        self._typing.answered(room)

    async def _show_typing(self, room: str) -> None:
        await self._channel.typing(room, on=True)

    async def _hide_typing(self, room: str) -> None:
        await self._channel.typing(room, on=False)

    def _show_read(self, room: str, event: str) -> None:
        if room not in self._read:
            self._aside.do(self._reading, room)
        self._read[room] = event

    async def _reading(self, room: str) -> None:
        await asyncio.sleep(READ_AFTER)
        event = self._read.pop(room, "")
        if event and self._client is not None:
            path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/receipt/m.read/{quote(event, safe='')}"
            await self._client.ask("POST", path, {})

    async def _fetched(self, client: Client, came: Came) -> Came:
        """With the file, where one of its kind may be passed on; without it, the person is told."""
        media, file = came.media, came.file
        if media is None or file is None or not self._files.wants(media.kind):
            return came
        if file.size > self._files.most_bytes:
            # Too much to fetch is told like too much to pass on.
            return replace(came, media=replace(media, too_large=True))
        address = urlparse(file.address)
        place = f"{quote(address.netloc, safe='')}/{quote(address.path.strip('/'), safe='')}"
        headers = {"Authorization": f"Bearer {client.access_token}"}
        try:
            async with self._files.turn():
                answer = await client.send("GET", f"/_matrix/client/v1/media/download/{place}", None, headers)
                data = await answer.content.read(self._files.most_bytes + 1) if answer.status == 200 else b""
                while len(data) <= self._files.most_bytes and (more := await answer.content.read(1 << 16)):
                    data += more
            if answer.status != 200:
                return came
            if len(data) > self._files.most_bytes:
                answer.close()
                return replace(came, media=replace(media, too_large=True))
            if file.keys is not None:
                key, hashes = file.keys["key"]["k"], file.keys["hashes"]["sha256"]
                data = decrypt_attachment(data, key, hashes, file.keys["iv"])
        except (ClientConnectionError, TimeoutError, nio.EncryptionError, KeyError, TypeError, ValueError):
            return came
        return replace(came, media=replace(media, data=data))

    async def _show_again(self, ref: str, root: str) -> None:
        """The thread or room of a case has begun without its card: what stood elsewhere is shown in it."""
        await self._receive(
            [
                Inbound(
                    contact_point=self._contact_point,
                    account=self.account,
                    message_id=f"thread/{root}",
                    choice=f"/open {ref}",
                    by=render(NAMELESS, self._rules.desk_language),
                    thread=ref,
                )
            ],
            Progress(),
        )

    async def tidy(self) -> None:
        """Takes back what the desk shows of cases that are deleted (D-18); raises Failed."""
        client, desk = self._client, await self._memory.desk()
        if client is None or not desk or client.rooms.get(desk) is None:
            return
        for root in await self._memory.forgotten_threads(desk):
            await self._take_back(client, desk, root)
            await self._memory.drop_thread(desk, root)
        rooms = {each.ref: each for each in self._rooms if each.kind is Kind.CASE}
        for ref in await self._memory.without_case(list(rooms)):
            await self._case_rooms.dissolve(client, rooms[ref])
            await self._depart(rooms[ref].id)
        await self._case_rooms.see_to_members(client, self._rooms, desk)

    async def _take_back(self, client: Client, room: str, root: str) -> None:
        base = f"/_matrix/client/v1/rooms/{quote(room, safe='')}/relations/{quote(root, safe='')}/m.thread?limit=100"
        path, events = base, [root]
        while path:
            found = await client.ask("GET", path)
            events += [str(each["event_id"]) for each in found.get("chunk", ())]
            path = f"{base}&from={quote(found['next_batch'], safe='')}" if found.get("next_batch") else ""
        for event in reversed(events):
            try:
                await client.redact(room, event, f"gone{event}")
            except Failed as error:
                # What others wrote, where the bot may not take that back.
                if not error.is_gone:
                    raise


def _since_join(me: str, events: list[Any], state: Sequence[Any]) -> list[Any]:
    """What came after the bot did; what was said before is not for it."""
    for number in reversed(range(len(events))):
        event = events[number]
        if (
            isinstance(event, nio.RoomMemberEvent)
            and event.state_key == me
            and event.membership == "join"
            and event.prev_membership != "join"
        ):
            return events[number + 1 :]
    joined = [e.server_timestamp for e in state if isinstance(e, nio.RoomMemberEvent) and e.state_key == me]
    since = max(joined, default=0)
    return [each for each in events if isinstance(each, Readable) and each.server_timestamp >= since]


ONLY_TWO: Final = _("I only work in rooms for the two of us. Please invite me alone. I am leaving this room now.")
NO_LONGER_TWO: Final = _(
    "Somebody else is in this room now. I only work in rooms for the two of us, so that nobody reads along. Please "
    "open a new chat with me. I am leaving this room now."
)


def _say_left_out(devices: str) -> Text:
    return _(
        "These devices get no messages here, because they are not confirmed: {devices}. Please confirm your device in "
        "the app: then new messages arrive there too.",
        devices=devices,
    )


NOT_TRUSTED: Final = _(
    "I did not act on this message: it came from a device that its owner has not confirmed, or unencrypted. Please "
    "confirm the device in your app, then send the message once more."
)
