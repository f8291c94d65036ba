"""One bot of Telegram as a channel: what it sends, to people and to the desk's group."""

from __future__ import annotations

import io
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from telegram import Bot, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, Message, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.bugs import log_bug
from bot.channels.telegram.answers import outcome, said
from bot.channels.telegram.buttons import Buttons
from bot.channels.telegram.desk import Desk, Place
from bot.channels.telegram.memory import Memory
from bot.channels.text import LONGEST_CAPTION, length, parts, sendable
from bot.delivery import Delivery, Pace, Refused, TryLater, Unreachable
from bot.messages import Media, Outbound, Style

NAME: Final = "telegram"

PACE: Final = Pace(
    at_once=24,
    # Telegram speaks of about thirty.
    per_second=30,
    per_chat_second=0.95,
    chat_burst=3,
    per_desk_minute=20,
    seconds=30,
)

REACTIONS: Final = {"delivered": "👌", "kept": "✍", "failed": "👎"}
"""What stands on a message of staff, beside the words that say the same where it matters."""

DESK_WAIT: Final = 60.0
"""Seconds until it is tried again where no group takes what is for the desk."""

_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)
_REMEMBERED: Final = 1000
_LOG: Final = logging.getLogger("anlaufstelle.telegram")


@dataclass(frozen=True)
class RemoteId:
    """How a sent message is known: by its last part, which has the buttons."""

    chat: int
    message: int
    reaction: bool = False
    """No message, but a sign on one of staff."""

    def __str__(self) -> str:
        return f"{self.chat}/{'r' if self.reaction else ''}{self.message}"

    @classmethod
    def read(cls, text: str) -> RemoteId:
        chat, _slash, message = text.partition("/")
        return cls(int(chat), int(message.removeprefix("r")), message.startswith("r"))


class TelegramChannel:
    """Sends through one bot. It is used by one process at a time, the holder of the account."""

    name: Final = NAME
    knows_repeats = False

    def __init__(self, bot: Bot, buttons: Buttons, memory: Memory, desk: Desk, pace: Pace = PACE) -> None:
        self.pace = pace
        self._bot = bot
        self._buttons = buttons
        self._memory = memory
        self._desk = desk
        self._lost_group = False
        self._sent: OrderedDict[int, list[int]] = OrderedDict()
        """The parts of a message that is not wholly sent yet, so that none is sent twice."""
        self.spoke: Callable[[int], None] = lambda chat: None
        """Hears to which chat something was said."""

    async def send(self, delivery: Delivery) -> str:
        """Raises TryLater, InDoubt, Unreachable or Refused."""
        try:
            if delivery.chat:
                return await self._to(Place(int(delivery.chat)), delivery)
            return await self._at_desk(delivery)
        except TelegramError as error:
            answer = outcome(error)
            if isinstance(answer, Unreachable) and not delivery.chat:
                # The bot was taken out of the group, or may not write there: staff get it when that is mended.
                self._note_lost_group()
                raise TryLater(DESK_WAIT) from error
            if isinstance(answer, Refused):
                # Telegram's sentence may repeat what was sent; where it was refused is enough.
                log_bug(error)
            raise answer from error

    def _note_lost_group(self) -> None:
        if not self._lost_group:
            _LOG.error("the bot may not write in the desk's group: let it in again, or choose another group")
        self._lost_group = True

    async def _at_desk(self, delivery: Delivery) -> str:
        place = await self._desk.place(delivery.message)
        if place is None:
            raise TryLater(DESK_WAIT)
        for again in (True, True, False):
            try:
                return await self._to(place, delivery)
            except (BadRequest, ChatMigrated) as error:
                if not again:
                    raise
                mended = await self._desk.mended(place, delivery.message, error)
                if mended is None:
                    raise
                place = mended
        raise AssertionError

    async def _to(self, place: Place, delivery: Delivery) -> str:
        if delivery.replaces and not _is_ours(delivery.replaces):
            if delivery.message.vanishes:
                return delivery.replaces
            # It stands in another messenger, where the desk was before.
            delivery = replace(delivery, replaces="")
        message = delivery.message
        if message.fate == "delivered" and (done := await self._marked(delivery)):
            return done
        if delivery.replaces:
            sent = await self._changed(place, delivery)
        elif message.file is not None:
            sent = await self._file(place, delivery, message.file)
        else:
            sent = await self._words(place, delivery)
        if message.fate in REACTIONS:
            # The words say it already, and must not come twice.
            with suppress(TelegramError):
                await self._marked(delivery)
        self.spoke(place.chat)
        self._lost_group = self._lost_group and bool(delivery.chat)
        return sent

    async def _words(self, place: Place, delivery: Delivery) -> str:
        texts = parts(delivery.message.text)
        sent = self._sent.setdefault(delivery.id, [])
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        for number in range(len(sent), len(texts)):
            last = number == len(texts) - 1
            answer = await self._bot.send_message(
                place.chat,
                texts[number],
                reply_markup=self._keyboard(delivery.message, place.chat) if last else None,
                link_preview_options=_NO_PREVIEW,
                disable_notification=not delivery.chat and _is_quiet(delivery.message),
                **_where(place),
            )
            sent.append(answer.message_id)
        return await self._kept(place, delivery, self._sent.pop(delivery.id))

    async def _file(self, place: Place, delivery: Delivery, file: Media) -> str:
        text = sendable(delivery.message.text)
        short = length(text) <= LONGEST_CAPTION
        shared: dict[str, Any] = {
            "caption": (text or None) if short else None,
            "reply_markup": self._keyboard(delivery.message, place.chat) if short else None,
            **_where(place),
        }
        data = InputFile(io.BytesIO(file.data), filename=file.name or "file")
        sent: Message
        if file.kind == "photo":
            sent = await self._bot.send_photo(place.chat, data, **shared)
        else:
            # A type would be guessed from the name, and another one shown.
            sent = await self._bot.send_document(place.chat, data, disable_content_type_detection=True, **shared)
        if short:
            return await self._kept(place, delivery, [sent.message_id])
        self._sent[delivery.id] = []
        return await self._words(place, delivery)

    async def _changed(self, place: Place, delivery: Delivery) -> str:
        before = RemoteId.read(delivery.replaces)
        message = delivery.message
        if before.reaction:
            return await self._words(place, delivery)
        old = await self._memory.parts(before.chat, before.message)
        if message.vanishes:
            await self._deleted(before.chat, old)
            return delivery.replaces
        texts = parts(message.text)
        for number, text in enumerate(texts[: len(old)]):
            last = number == len(texts) - 1
            await self._edited(before.chat, old[number], text, self._keyboard(message, before.chat) if last else None)
        await self._deleted(before.chat, old[len(texts) :])
        if len(texts) < len(old):
            await self._memory.keep_post(before.chat, old[: len(texts)], message.thread)
            return str(RemoteId(before.chat, old[len(texts) - 1]))
        if len(texts) > len(old):
            self._sent[delivery.id] = list(old)
            return await self._words(place, delivery)
        return delivery.replaces

    async def _edited(self, chat: int, message: int, text: str, keyboard: InlineKeyboardMarkup | None) -> None:
        try:
            try:
                await self._bot.edit_message_text(
                    text, chat, message, reply_markup=keyboard, link_preview_options=_NO_PREVIEW
                )
            except BadRequest as error:
                if not said(error, "there is no text in the message"):
                    raise
                await self._bot.edit_message_caption(
                    chat, message, caption=text[:LONGEST_CAPTION], reply_markup=keyboard
                )
        except BadRequest as error:
            # It is as it should be, or the person has deleted it: nothing is missing.
            if not said(error, "message is not modified", "message to edit not found", "message can't be edited"):
                raise

    async def _deleted(self, chat: int, messages: list[int]) -> None:
        for message in messages:
            try:
                await self._bot.delete_message(chat, message)
            except BadRequest as error:
                if said(error, "message can't be deleted"):
                    # Older than two days: at least nothing is to be read in it (D-20).
                    await self._edited(chat, message, "…", None)
                elif not said(error, "message to delete not found"):
                    raise

    async def _marked(self, delivery: Delivery) -> str | None:
        """Puts a sign on the message of staff; None where that cannot be, or words have to be changed."""
        try:
            about = RemoteId.read(delivery.message.about)
        except ValueError:
            return None
        if delivery.replaces and not RemoteId.read(delivery.replaces).reaction:
            return None
        try:
            await self._bot.set_message_reaction(about.chat, about.message, REACTIONS[delivery.message.fate])
        except (BadRequest, Forbidden):
            return None
        return str(RemoteId(about.chat, about.message, reaction=True))

    async def _kept(self, place: Place, delivery: Delivery, messages: list[int]) -> str:
        ref = delivery.message.thread
        if len(messages) > 1 or (ref and not place.topic):
            await self._memory.keep_post(place.chat, messages, ref)
        return str(RemoteId(place.chat, messages[-1]))

    def _keyboard(self, message: Outbound, chat: int) -> InlineKeyboardMarkup | None:
        return self._buttons.keyboard(message.options, message.columns, chat)

    async def typing(self, chat: int) -> None:
        """Shows that an answer is on its way; whether that works is of no importance."""
        try:
            await self._bot.send_chat_action(chat, "typing")
        except (NetworkError, Forbidden, RetryAfter):
            return


def _is_ours(remote_id: str) -> bool:
    try:
        RemoteId.read(remote_id)
    except ValueError:
        return False
    return True


def _is_quiet(message: Outbound) -> bool:
    return message.style in (Style.STATUS, Style.CARD)


def _where(place: Place) -> dict[str, Any]:
    where: dict[str, Any] = {}
    if place.topic:
        where["message_thread_id"] = place.topic
    if place.answers:
        where["reply_parameters"] = ReplyParameters(place.answers, allow_sending_without_reply=True)
    return where
