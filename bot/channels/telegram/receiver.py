"""One bot of Telegram as a channel: what it receives, kept before Telegram is told that it arrived."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.backoff import wait
from bot.bugs import log_bug
from bot.channels.aside import Aside
from bot.channels.files import Files
from bot.channels.staff import NAME_TAKEN, NAMELESS, wanted_name
from bot.channels.telegram.answers import wanted_wait
from bot.channels.telegram.buttons import Buttons
from bot.channels.telegram.channel import RemoteId, TelegramChannel
from bot.channels.telegram.desk import Desk
from bot.channels.telegram.memory import Group, Memory
from bot.channels.telegram.reading import WANTED, Came, Kind, read
from bot.channels.text import length
from bot.channels.typing import Typing
from bot.i18n import Text, _, render
from bot.messages import Inbound

POLL_SECONDS: Final = 50
"""How long Telegram waits for something to tell, at most."""
AT_ONCE: Final = 100
"""Updates that are fetched together."""
LARGEST_FILE: Final = 20_000_000
"""Bytes; more is not handed over by Telegram."""
LEAVES_AFTER: Final = 30.0
"""Seconds that a group has to say that it is the desk."""
LEAVES_EVERY: Final = 1.0
"""Seconds between two groups that it leaves."""
UNKNOWN: Final = "?"
"""Stands for a button that is none of ours."""

T = TypeVar("T")
Q = TypeVar("Q")

_FULL: Final = 3500
"""From this length on, a message may be a piece of a longer one."""
_PIECES_WITHIN: Final = 3
"""Seconds between two pieces: an app sends them one after the other, and nobody types so quickly."""
_CODE: Final = re.compile(r"/(?:start|desk)(?:@\S+)?\s+(?:desk_)?([A-Za-z0-9_-]{10,64})\s*")
_FOR_WHOM: Final = re.compile(r"/\w+@(\w+)")
_LOG: Final = logging.getLogger("anlaufstelle.telegram")

_METHOD: Final = "GetUpdates"
"""The raw answer is wanted: one update that cannot be read must not spoil the others. Telegram reads names of methods
in any case, and the library would warn of one that it has under this name itself."""


Receive = Callable[[Sequence[Inbound]], Awaitable[None]]
"""Takes messages into the inbox, in order; returns after the commit. The same again have no effect."""


class Receiver:
    """Takes updates in, by polling or as a webhook brings them."""

    def __init__(
        self,
        bot: Bot,
        contact_point: str,
        account: str,
        channel: TelegramChannel,
        desk: Desk,
        buttons: Buttons,
        memory: Memory,
        *,
        receive: Receive,
        set_aside: Callable[[str, Mapping[str, Any]], Awaitable[None]],
        holds: Callable[[], Awaitable[bool]],
        passes: Callable[[Exception], bool],
        files: Files,
        desk_language: str = "de",
        is_desk: bool = True,
    ) -> None:
        """`set_aside` keeps an update that cannot be read; `holds` says whether this process serves the account.

        `passes` tells an error that is nobody's fault, so that the same will do later. Without `is_desk`, the group
        is only told that there is something, and what is said in it is nobody's business here.
        """
        self.account = account
        self._bot = bot
        self._contact_point = contact_point
        self._channel = channel
        self._desk = desk
        self._buttons = buttons
        self._memory = memory
        self._receive = receive
        self._set_aside = set_aside
        self._holds = holds
        self._passes = passes
        self._files = files
        self._language = desk_language
        self._is_desk = is_desk
        self._leaving = asyncio.Lock()
        self._aside = Aside(TelegramError)
        self._typing = Typing[int](self._aside, channel.typing)
        self._username = ""
        self._full: dict[tuple[int, int, int], Came] = {}
        """The last message of a member of staff in a topic, if it was as long as a message can be."""
        self.trouble = ""
        """What keeps it from receiving, in one word; empty while all is well."""
        channel.spoke = self._typing.answered
        desk.lost = self._show_again

    async def poll(self) -> None:
        """Fetches updates until cancelled, while this process holds the account."""
        offset: int | None = None
        tries = 0
        unhooked = False
        while True:
            if not await self._holds():
                # Whoever takes over begins with what was not confirmed.
                offset, unhooked = None, False
                await asyncio.sleep(1)
                continue
            try:
                if not unhooked:
                    await self._bot.delete_webhook()
                    unhooked = True
                updates = await self._fetch(offset)
                self.well()
            except TelegramError as error:
                tries += 1
                await asyncio.sleep(self.troubled(error, tries))
                continue
            if updates:
                try:
                    await self.take(updates)
                except Exception as error:  # noqa: BLE001  # Telegram keeps them: they are fetched again
                    if not self._passes(error):
                        log_bug(error)
                    tries += 1
                    await asyncio.sleep(wait(tries, first=0.5, longest=10))
                    continue
                offset = updates[-1]["update_id"] + 1
            tries = 0

    async def _fetch(self, offset: int | None) -> list[dict[str, Any]]:
        asked: dict[str, Any] = {"timeout": POLL_SECONDS, "limit": AT_ONCE, "allowed_updates": list(WANTED)}
        if offset is not None:
            asked["offset"] = offset
        found = await self._bot.do_api_request(_METHOD, asked, read_timeout=POLL_SECONDS + 10)
        return [each for each in found if isinstance(each, dict) and isinstance(each.get("update_id"), int)]

    def well(self) -> None:
        """Telegram answers."""
        if self.trouble:
            _LOG.warning("telegram answers again")
            self.trouble = ""

    def troubled(self, error: TelegramError, tries: int) -> float:
        """Says once what is wrong; returns how long to wait."""
        match error:
            case Conflict():
                trouble, sentence = (
                    "conflict",
                    ("another program receives with the token of this bot: stop it, or give it a token of its own"),
                )
            case InvalidToken():
                trouble, sentence = "token", "telegram refuses the token: put the right one there and start again"
            case _:
                trouble, sentence = "network", "telegram does not answer"
        if trouble != self.trouble:
            _LOG.error(sentence, extra={"contact_point": self._contact_point})
            self.trouble = trouble
        if isinstance(error, RetryAfter):
            return wanted_wait(error)
        return wait(tries, first=0.5, longest=60 if trouble == "token" else 10)

    async def take(self, updates: Sequence[Mapping[str, Any]]) -> None:
        """Keeps what updates say; after it returns, Telegram may forget them."""
        read = await asyncio.gather(*(self._or_aside(raw, self._arrived, raw) for raw in updates))
        arrived = [(raw, came) for raw, came in zip(updates, read, strict=True) if came is not None]
        inbound = [
            (came, said) for raw, came in arrived if (said := await self._or_aside(raw, self._said, came)) is not None
        ]
        if inbound:
            await self._receive([said for _came, said in inbound])
        for _raw, came in arrived:
            if came.query:
                self._aside.do(self._calm, came.query)
        for came, _inbound in inbound:
            if came.private:
                self._typing.begin(came.chat)

    async def _or_aside(self, raw: Mapping[str, Any], act: Callable[[Q], Awaitable[T | None]], given: Q) -> T | None:
        """None where something in the update cannot be understood: whatever is in it, the next one must be read."""
        try:
            return await act(given)
        except Exception as bug:
            if self._passes(bug):
                raise
            log_bug(bug)
            await self._set_aside(f"update/{raw.get('update_id')}", raw)
            return None

    async def _arrived(self, raw: Mapping[str, Any]) -> Came | None:
        update = Update.de_json(dict(raw), self._bot)
        came = read(update) if update is not None else None
        return await self._fetched(came) if came is not None else None

    async def _said(self, came: Came) -> Inbound | None:
        """What goes into the inbox; for a group, what it means there."""
        if came.private:
            return self._from_person(came)
        group = await self._memory.group()
        if group is not None and came.chat == group.chat:
            return await self._at_desk(came)
        if came.kind is Kind.WORDS and (code := _CODE.fullmatch(came.text)) and await self._chosen(came, code[1]):
            return None
        if came.kind is Kind.ADDED:
            self._aside.do(self._leave, came.chat, LEAVES_AFTER)
        elif came.kind is Kind.WORDS and not came.edits:
            self._aside.do(self._leave, came.chat, 0)
        return None

    def _from_person(self, came: Came) -> Inbound:
        chat = came.chat
        return Inbound(
            contact_point=self._contact_point,
            account=self.account,
            message_id=came.key,
            chat=str(chat),
            text=came.text,
            choice=self._choice(came),
            pressed=str(RemoteId(chat, came.message)) if came.data is not None and came.message else "",
            edits=f"{chat}/{came.message}" if came.edits else "",
            media=came.media,
            album=came.album,
            language=came.language,
        )

    def _choice(self, came: Came) -> str:
        return (self._buttons.open(came.data, came.chat) or UNKNOWN) if came.data is not None else ""

    async def _at_desk(self, came: Came) -> Inbound | None:
        if came.kind is Kind.MOVED:
            await self._memory.moved(came.chat, Group(came.moved_to, topics=False))
            return None
        if not self._is_desk:
            return None
        if came.kind is Kind.TOPIC_GONE:
            if came.topic and await self._memory.ref_of(came.chat, came.topic):
                self._desk.closed.add(came.topic)
            return None
        if came.kind is not Kind.WORDS or not await self._is_for_us(came):
            return None
        if came.by_itself:
            # Nothing tells two of them apart, and what one of them answers must not go out for the other.
            self._aside.do(self._say, came.chat, WHO_WRITES, came.topic)
            return None
        came = self._with_beginning(came)
        if name := wanted_name(came.text):
            await self._rename(came, name)
            return None
        ref = await self._memory.ref_of(came.chat, came.topic) if came.topic else ""
        about = came.message if came.data is not None else came.reply_to
        post = await self._memory.post(came.chat, about) if about else None
        answers = post.last if post is not None else about
        return Inbound(
            contact_point=self._contact_point,
            account=self.account,
            message_id=came.key,
            text=came.text,
            choice=self._choice(came),
            pressed=str(RemoteId(came.chat, answers)) if came.data is not None and answers else "",
            edits=f"{came.chat}/{came.message}" if came.edits else "",
            reply_to=str(RemoteId(came.chat, answers)) if came.data is None and answers else "",
            media=came.media,
            by=await self._memory.name_of(came.user),
            thread=ref or (post.ref if post is not None else ""),
        )

    def _with_beginning(self, came: Came) -> Came:
        """Apps cut a long text into messages: what goes on belongs where its beginning went."""
        if came.data is not None:
            return came
        place = (came.chat, came.topic, came.user)
        # Nobody's words stay here longer than they may be needed.
        self._full = {key: each for key, each in self._full.items() if came.at - each.at <= _PIECES_WITHIN}
        before = self._full.pop(place, None)
        if before is not None and came.message == before.message + 1 and not came.edits and came.media is None:
            command = before.text.split(maxsplit=1)[0] if before.text.startswith("/") else ""
            came = replace(came, text=f"{command} {came.text}".lstrip(), reply_to=came.reply_to or before.reply_to)
        if length(came.text) >= _FULL:
            self._full[place] = came
        return came

    async def _is_for_us(self, came: Came) -> bool:
        """A command may be meant for another bot of the group."""
        named = _FOR_WHOM.match(came.text)
        if named is None:
            return True
        if not self._username:
            try:
                self._username = (await self._bot.get_me()).username or ""
            except TelegramError:
                return True
        return named[1].casefold() == self._username.casefold()

    async def _chosen(self, came: Came, code: str) -> bool:
        if not await self._memory.bind(code, Group(came.chat, topics=False)):
            return False
        # What cannot be asked now is looked at again soon.
        with suppress(TelegramError):
            await self._desk.look()
        self._aside.do(self._say, came.chat, WELCOME if self._is_desk else WELCOME_TO_PINGS)
        return True

    async def _say(self, chat: int, text: Text, topic: int = 0) -> None:
        await self._bot.send_message(chat, render(text, self._language), message_thread_id=topic or None)

    async def _leave(self, chat: int, seconds: float) -> None:
        """The bot is for private chats; in a group it says so once (F-27)."""
        await asyncio.sleep(seconds)
        group = await self._memory.group()
        if group is not None and group.chat == chat:
            return
        # Whoever adds it to many groups does not keep others waiting.
        async with self._leaving:
            try:
                await self._say(chat, WRITE_TO_ME)
            finally:
                await self._bot.leave_chat(chat)
                await asyncio.sleep(LEAVES_EVERY)

    async def _rename(self, came: Came, name: str) -> None:
        if await self._memory.rename(came.user, name):
            self._aside.do(self._nod, came)
        else:
            self._aside.do(self._say, came.chat, NAME_TAKEN, came.topic)

    async def _nod(self, came: Came) -> None:
        await self._bot.set_message_reaction(came.chat, came.message, "👌")

    async def _calm(self, query: str) -> None:
        """The pressed button stops turning."""
        await self._bot.answer_callback_query(query)

    async def _fetched(self, came: Came) -> Came:
        """With the file, where one of its kind may be passed on; without it, the person is told."""
        media, file = came.media, came.file
        if media is None or file is None or not self._files.wants(media.kind) or not came.private:
            return came
        if file.size > min(LARGEST_FILE, self._files.most_bytes):
            # Too much to fetch is told like too much to pass on.
            return replace(came, media=replace(media, too_large=True))
        try:
            async with self._files.turn():
                found = await self._bot.get_file(file.id)
                data = bytes(await found.download_as_bytearray())
        except (TelegramError, TimeoutError):
            return came
        return replace(came, media=replace(media, data=data))

    async def _show_again(self, ref: str, topic: int) -> None:
        """The topic of a case was gone, or is somewhere else: what stood there is shown in the new one."""
        await self._receive(
            [
                Inbound(
                    contact_point=self._contact_point,
                    account=self.account,
                    message_id=f"topic/{topic}",
                    choice=f"/open {ref}",
                    by=render(NAMELESS, self._language),
                    thread=ref,
                )
            ]
        )

    async def close(self) -> None:
        """Ends what is still done by the way."""
        await self._aside.close()


WELCOME: Final = _(
    "This group is now the desk of the contact point. Whoever is in it reads what people report. /help shows what I "
    "can do. Write /name and how you want to be called here."
)
WELCOME_TO_PINGS: Final = _(
    "In this group I say when there is something new. Please read and answer it at the desk, on the web page. What you "
    "write here goes to nobody."
)
WHO_WRITES: Final = _(
    "I cannot see who is writing here, so I pass nothing on and keep nothing. Please switch off “Remain anonymous” in "
    "your rights as an administrator, and write it again."
)
WRITE_TO_ME: Final = _("I only work in private chats. Please write to me privately. I am leaving this group now.")


def body_of(raw: bytes) -> dict[str, Any]:
    """An update as a webhook brings it; raises ValueError."""
    try:
        data = json.loads(raw)
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(data, dict) or not isinstance(data.get("update_id"), int):
        raise ValueError
    return data
