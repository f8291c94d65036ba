"""The desk as a group of Telegram: a topic for each case, or without topics, answers to the case's first message."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden

from bot.channels.telegram.answers import said
from bot.channels.telegram.memory import Group, Memory
from bot.i18n import Text, _, render
from bot.messages import Outbound, Style

_LOG: Final = logging.getLogger("anlaufstelle.telegram")
_NO_RIGHTS: Final = ("not enough rights", "chat_admin_required", "need administrator rights", "have no rights")


@dataclass(frozen=True)
class Place:
    """Where a message goes."""

    chat: int = field(repr=False)
    topic: int = 0
    answers: int = 0


class Desk:
    """Knows where at the desk something belongs, and mends what is broken there."""

    def __init__(self, bot: Bot, memory: Memory) -> None:
        self._bot = bot
        self._memory = memory
        self.lost: Callable[[str, int], Awaitable[None]] = _nobody
        """Hears of a case whose topic was gone, or begins without its card: it is shown again in the new one."""
        self.closed: set[int] = set()
        """Topics that somebody has closed."""
        self._complained = False

    async def place(self, message: Outbound) -> Place | None:
        """None while no group is the desk."""
        group = await self._memory.group()
        if group is None:
            return None
        if not message.thread:
            return Place(group.chat)
        topic = await self._memory.topic_of(group.chat, message.thread)
        if topic:
            if topic in self.closed and await self.reopened(group.chat, topic):
                self.closed.discard(topic)
            return Place(group.chat, topic)
        if group.topics:
            new = await self._with_topic(group, message)
            if new.topic and message.style is not Style.CARD:
                # The case was opened somewhere else: before the desk moved here.
                await self.lost(message.thread, new.topic)
            return new
        return Place(group.chat, answers=await self._memory.first_of(group.chat, message.thread))

    async def _with_topic(self, group: Group, message: Outbound) -> Place:
        try:
            made = await self._bot.create_forum_topic(group.chat, topic_name(message.thread, message.language))
        except BadRequest as error:
            if said(error, *_NO_RIGHTS):
                await self._complain(group, message.language)
            elif said(error, "chat is not a forum"):
                await self._memory.moved(group.chat, Group(group.chat, topics=False))
            else:
                raise
            return Place(group.chat, answers=await self._memory.first_of(group.chat, message.thread))
        await self._memory.keep_topic(group.chat, message.thread, made.message_thread_id)
        return Place(group.chat, made.message_thread_id)

    async def mended(self, place: Place, message: Outbound, error: BadRequest | ChatMigrated) -> Place | None:
        """Where to try again; None where there is nothing to mend."""
        group = await self._memory.group()
        if group is None:
            return None
        if isinstance(error, ChatMigrated):
            await self._memory.moved(group.chat, Group(error.new_chat_id, group.topics))
            return await self.place(message)
        if place.topic and said(error, "message thread not found", "topic_deleted", "topic_id_invalid"):
            await self._memory.drop_topic(group.chat, place.topic)
            new = await self._with_topic(group, message)
            _LOG.warning("a topic of the desk was gone, and was made anew")
            await self.lost(message.thread, new.topic)
            return new
        if place.topic and said(error, "topic_closed"):
            return place if await self.reopened(place.chat, place.topic) else Place(place.chat)
        return None

    async def reopened(self, chat: int, topic: int) -> bool:
        """Opens a closed topic again: what goes out there must arrive."""
        try:
            await self._bot.reopen_forum_topic(chat, topic)
        except BadRequest as error:
            return said(error, "topic_not_modified")
        except Forbidden:
            return False
        return True

    async def tidy(self) -> None:
        """Deletes the topics of cases that are deleted (D-18); what cannot be deleted now is tried another time."""
        group = await self._memory.group()
        if group is None or not group.topics:
            return
        for topic in await self._memory.forgotten_topics(group.chat):
            try:
                await self._bot.delete_forum_topic(group.chat, topic)
            except BadRequest as error:
                if not said(error, "message thread not found", "topic_id_invalid", "topic_deleted"):
                    continue
            await self._memory.drop_topic(group.chat, topic)

    async def look(self) -> None:
        """The group may have got topics, or lost them, since it became the desk."""
        group = await self._memory.group()
        if group is None:
            return
        chat = await self._bot.get_chat(group.chat)
        if bool(chat.is_forum) != group.topics:
            await self._memory.moved(group.chat, Group(group.chat, bool(chat.is_forum)))

    async def _complain(self, group: Group, language: str) -> None:
        """Once: the bot may not make topics."""
        if self._complained:
            return
        self._complained = True
        _LOG.error("the bot may not manage topics in the desk's group: make it an administrator with that right")
        await self._bot.send_message(group.chat, render(MISSING_RIGHTS, language or "de"))


MISSING_RIGHTS: Final = _(
    "I may not make topics in this group. Please make me an administrator with the right “Manage topics”. Until then "
    "all cases stand here below one another."
)


def topic_name(ref: str, language: str) -> str:
    """Neutral words: members of a group see the names of its topics in their list of chats."""
    named: Text = _("Case {ref}", ref=ref)
    return render(named, language or "de")


async def _nobody(ref: str, topic: int) -> None:
    pass
