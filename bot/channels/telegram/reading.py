"""What an update of Telegram says, without anything that tells who the person is beyond the chat (D-01, D-05)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from telegram import CallbackQuery, ChatMemberUpdated, Message, Update, User
from telegram.constants import ChatMemberStatus, ChatType

from bot.messages import Media

WANTED: Final = ("message", "edited_message", "callback_query", "my_chat_member")
"""The kinds of updates that are asked for (`allowed_updates`)."""

_TOO_LARGE: Final = 2**63
_HERE: Final = frozenset({ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER})


class Kind(StrEnum):
    """What happened."""

    WORDS = "WORDS"
    """Somebody wrote, sent something, changed a message or pressed a button."""
    ADDED = "ADDED"
    """The bot has come into a group."""
    MOVED = "MOVED"
    """The group has got another id."""
    TOPIC_GONE = "TOPIC_GONE"
    """A topic was closed or deleted by somebody."""


@dataclass(frozen=True)
class File:
    """Something that can be fetched."""

    id: str = field(repr=False)
    size: int


@dataclass(frozen=True)
class Came:
    """One update, as far as it matters here. Ids of people and chats are kept out of logs."""

    kind: Kind
    chat: int = field(repr=False)
    private: bool
    user: int = field(default=0, repr=False)
    """0 for somebody who writes in the name of the group."""
    key: str = field(default="", repr=False)
    """The same for the same update, for ever."""
    text: str = field(default="", repr=False)
    data: str | None = field(default=None, repr=False)
    """What the pressed button carried."""
    query: str = field(default="", repr=False)
    """The id of the press, which is answered so that the button stops turning."""
    message: int = 0
    """The message itself, or the one whose button was pressed."""
    edits: bool = False
    reply_to: int = 0
    media: Media | None = None
    file: File | None = field(default=None, repr=False)
    album: str = ""
    language: str = ""
    topic: int = 0
    moved_to: int = field(default=0, repr=False)
    at: int = 0
    """When it was written, in Unix seconds."""

    def __post_init__(self) -> None:
        """Raises ValueError for what Telegram never sends: only somebody else can have made it up."""
        numbers = (self.chat, self.user, self.message, self.reply_to, self.topic, self.moved_to)
        if not all(isinstance(each, int) and abs(each) < _TOO_LARGE for each in numbers):
            raise ValueError("An id is no number of 64 bits.")
        names = (self.key, self.query, self.album, self.language)
        if not all(isinstance(each, str) for each in (*names, self.text, self.data or "")):
            raise ValueError("A text is no text.")
        "".join(names).encode()

    @property
    def by_itself(self) -> bool:
        """Whether the group itself speaks: an administrator who stays anonymous."""
        return self.user == 0


def read(update: Update) -> Came | None:
    """None for what is none of the bot's business."""
    if update.callback_query is not None:
        return _pressed(update.callback_query)
    if update.my_chat_member is not None:
        return _member(update.my_chat_member)
    if update.message is not None:
        return _message(update.message)
    if update.edited_message is not None:
        return _edited(update.edited_message)
    return None


def _pressed(query: CallbackQuery) -> Came | None:
    message = query.message
    chat = message.chat if message is not None else None
    # Only the person's own chat can be known where the message is not told.
    private = chat is None or chat.type == ChatType.PRIVATE
    topic = message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None
    return Came(
        Kind.WORDS,
        chat.id if chat is not None else query.from_user.id,
        private,
        query.from_user.id,
        f"press/{query.id}",
        data=query.data or "",
        query=query.id,
        message=message.message_id if message is not None else 0,
        language=_language(query.from_user),
        topic=topic or 0,
    )


def _member(change: ChatMemberUpdated) -> Came | None:
    came = change.old_chat_member.status not in _HERE and change.new_chat_member.status in _HERE
    if change.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP, ChatType.CHANNEL) and came:
        return Came(Kind.ADDED, change.chat.id, private=False)
    return None


def _message(message: Message) -> Came | None:
    if message.chat.type == ChatType.CHANNEL:
        return None
    if message.migrate_to_chat_id:
        return Came(Kind.MOVED, message.chat.id, private=False, moved_to=message.migrate_to_chat_id)
    if message.forum_topic_closed is not None:
        return Came(Kind.TOPIC_GONE, message.chat.id, private=False, topic=message.message_thread_id or 0)
    if _is_of_a_program(message):
        return None
    return _words(message, f"{message.chat.id}/{message.message_id}")


def _edited(message: Message) -> Came | None:
    if message.chat.type == ChatType.CHANNEL or _is_of_a_program(message):
        return None
    changed = message.edit_date.timestamp() if message.edit_date else 0
    # A live location moves by edits; a file that was exchanged is one that was sent.
    if message.location is not None:
        return None
    # Twice in a second may be changed what is told by the second only.
    words = hashlib.sha256((message.text or message.caption or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return _words(message, f"{message.chat.id}/{message.message_id}/{changed:.0f}/{words}", edits=True)


def _is_of_a_program(message: Message) -> bool:
    if message.is_automatic_forward or message.via_bot is not None:
        return message.is_automatic_forward is True
    anonymous = message.sender_chat is not None and message.sender_chat.id == message.chat.id
    return message.from_user is None or (message.from_user.is_bot and not anonymous)


def _words(message: Message, key: str, *, edits: bool = False) -> Came | None:
    media, file = _media(message)
    text = message.text or message.caption or ""
    if media is None and not text:
        # That somebody came, that a message was pinned: nobody wrote anything.
        return None
    anonymous = message.sender_chat is not None
    user = message.from_user
    reply = message.reply_to_message
    topic = message.message_thread_id if message.is_topic_message else None
    return Came(
        Kind.WORDS,
        message.chat.id,
        message.chat.type == ChatType.PRIVATE,
        0 if anonymous or user is None else user.id,
        key,
        text,
        message=message.message_id,
        edits=edits,
        # The first message of a topic is what every message there "answers".
        reply_to=reply.message_id if reply is not None and reply.forum_topic_created is None else 0,
        media=media,
        file=file,
        album=message.media_group_id or "",
        language=_language(user) if user is not None else "",
        topic=topic or 0,
        at=int(message.date.timestamp()),
    )


def _language(user: User) -> str:
    return user.language_code or ""


def _media(message: Message) -> tuple[Media | None, File | None]:
    """Names of files and of contacts, and places, are not taken over."""
    if message.photo:
        largest = message.photo[-1]
        return Media("photo", "photo.jpg", "image/jpeg"), File(largest.file_id, largest.file_size or 0)
    if message.animation is not None:
        return Media("video"), None
    if message.document is not None:
        document = message.document
        return Media("document", "", document.mime_type or ""), File(document.file_id, document.file_size or 0)
    if message.voice is not None or message.audio is not None:
        return Media("voice"), None
    if message.video is not None or message.video_note is not None:
        return Media("video"), None
    if message.location is not None or message.venue is not None:
        return Media("location"), None
    if message.contact is not None:
        return Media("contact"), None
    if any((message.sticker, message.poll, message.dice, message.game, message.story, message.checklist)):
        return Media("sticker"), None
    if message.paid_media is not None or message.invoice is not None:
        return Media("document"), None
    return None, None
