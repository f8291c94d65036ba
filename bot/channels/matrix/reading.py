"""What an event of Matrix says, without anything that tells who the person is beyond their account (D-01, D-05)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import nio

from bot.messages import Media

REPLACES: Final = "m.replace"
THREAD: Final = "m.thread"
_KINDS: Final[Mapping[str, str]] = {
    "m.image": "photo",
    "m.audio": "voice",
    "m.video": "video",
    "m.file": "document",
    "m.location": "location",
}
_POLLS: Final = ("m.poll.start", "org.matrix.msc3381.poll.start")
_VERIFIES: Final = "m.key.verification"
_QUOTED: Final = re.compile(r"(?:> .*\n?|>\n?)+\n?")
"""What older apps repeat of the message that is answered."""
_COMMAND: Final = re.compile(r"[\u2066-\u2068]?!(?=[^\W\d_])")
"""As it is written, or copied from where it is set apart by direction."""


Event = nio.Event | nio.BadEvent
Readable: Final = (nio.Event, nio.BadEvent)
"""Events that tell who has sent them; also such as nio finds fault with, for somebody may wait for an answer."""


class Kind(StrEnum):
    """What happened."""

    WORDS = "WORDS"
    """Somebody wrote, sent something, or changed a message."""
    REACTED = "REACTED"
    TAKEN_BACK = "TAKEN_BACK"
    """Somebody has redacted a message."""
    MOVED = "MOVED"
    """The room was replaced by another one."""


@dataclass(frozen=True)
class File:
    """Something that can be fetched."""

    address: str = field(repr=False)
    size: int
    keys: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Came:
    """One event, as far as it matters here. Ids of people and rooms are kept out of logs."""

    kind: Kind
    room: str = field(repr=False)
    sender: str = field(repr=False)
    event: str = field(repr=False)
    text: str = field(default="", repr=False)
    edits: str = field(default="", repr=False)
    """The message that it changes."""
    reply_to: str = field(default="", repr=False)
    root: str = field(default="", repr=False)
    """The first message of its thread."""
    about: str = field(default="", repr=False)
    """The message reacted to, or taken back."""
    sign: str = ""
    media: Media | None = None
    file: File | None = field(default=None, repr=False)
    moved_to: str = field(default="", repr=False)


def read(event: Any, room: str) -> Came | None:
    """None for what is none of the bot's business."""
    if not isinstance(event, Readable):
        return None
    source: dict[str, Any] = event.source
    kind, content = str(source.get("type", "")), source.get("content")
    if not isinstance(content, dict):
        return None
    if isinstance(event, nio.ReactionEvent):
        return Came(
            Kind.REACTED, room, event.sender, event.event_id, about=str(event.reacts_to), sign=plain_sign(event.key)
        )
    if isinstance(event, nio.RedactionEvent):
        return Came(Kind.TAKEN_BACK, room, event.sender, event.event_id, about=str(event.redacts))
    if isinstance(event, nio.RoomUpgradeEvent):
        return Came(Kind.MOVED, room, event.sender, event.event_id, moved_to=str(event.replacement_room))
    if kind in ("m.room.message", "m.sticker", *_POLLS) and not isinstance(event, nio.RedactedEvent):
        return _words(event, room, kind, content)
    return None


def plain_sign(sign: str) -> str:
    """A reaction without skin tones and without how it is drawn: people's keyboards differ."""
    return "".join(each for each in sign if each != "\ufe0f" and not "\U0001f3fb" <= each <= "\U0001f3ff")


def _words(event: Event, room: str, kind: str, content: Mapping[str, Any]) -> Came | None:
    relates = content.get("m.relates_to")
    relates = relates if isinstance(relates, dict) else {}
    edits = ""
    if relates.get("rel_type") == REPLACES:
        new = content.get("m.new_content")
        edits = str(relates.get("event_id", ""))
        if not isinstance(new, dict) or not edits:
            return None
        content = new
    type_ = str(content.get("msgtype", ""))
    # A notice is the word of a program, which is never answered; a verification asks for a person's eyes.
    if type_ == "m.notice" or type_.startswith((_VERIFIES, "m.server_notice")):
        return None
    media, file = _media(kind, type_, content)
    if edits and media is not None:
        return None
    replied = relates.get("m.in_reply_to")
    reply_to = str(replied.get("event_id", "")) if isinstance(replied, dict) else ""
    root = str(relates.get("event_id", "")) if relates.get("rel_type") == THREAD else ""
    if root and relates.get("is_falling_back"):
        # What apps that know no threads show as answered.
        reply_to = ""
    text = _text(type_, media, content, is_reply=bool(reply_to))
    if media is None and not text:
        return None
    return Came(
        Kind.WORDS,
        room,
        event.sender,
        event.event_id,
        text,
        edits=edits,
        reply_to=reply_to,
        root=root,
        media=media,
        file=file,
    )


def _text(type_: str, media: Media | None, content: Mapping[str, Any], *, is_reply: bool) -> str:
    body = content.get("body")
    if not isinstance(body, str):
        return ""
    if media is not None:
        # The name of the file, unless there is one beside it.
        name = content.get("filename")
        return body if media.kind in _KINDS.values() and isinstance(name, str) and name != body else ""
    if is_reply and body.startswith(">"):
        body = _QUOTED.sub("", body, count=1)
    # Apps take what begins with a slash for commands of their own.
    found = _COMMAND.match(body)
    return f"/{body[found.end() :]}" if found else body


def _media(kind: str, type_: str, content: Mapping[str, Any]) -> tuple[Media | None, File | None]:
    """Names of files, and places, are not taken over."""
    if kind != "m.room.message":
        return Media("sticker"), None
    if type_ not in _KINDS:
        return None, None
    info = content.get("info")
    info = info if isinstance(info, dict) else {}
    size, form = info.get("size"), info.get("mimetype")
    form = form if isinstance(form, str) else ""
    if form in ("text/vcard", "text/x-vcard"):
        return Media("contact"), None
    media = Media(_KINDS[type_], "", form)
    keys = content.get("file")
    address = keys.get("url") if isinstance(keys, dict) else content.get("url")
    if type_ == "m.location" or not isinstance(address, str):
        return media, None
    return media, File(address, size if isinstance(size, int) else 0, keys if isinstance(keys, dict) else None)
