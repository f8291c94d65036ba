"""What travels between people and the bot, whatever the messenger: frozen values, ready for JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

MEDIA_KINDS: Final = ("photo", "voice", "video", "document", "location", "contact", "sticker")


class Voice(StrEnum):
    """Who speaks in an outgoing message; decides whether it may still go out while a human holds the chat."""

    BOT = "BOT"
    """A question or answer of a flow: silent while a human holds the chat (idea 4)."""
    NOTICE = "NOTICE"
    """A fact the person must learn in any case, like a reminder or a change of state."""
    DESK = "DESK"
    """A human at the contact point, relayed."""


class Style(StrEnum):
    """What a message at the desk is, so that a channel can set notes apart from what goes out."""

    NOTICE = "NOTICE"
    CARD = "CARD"
    FROM_REPORTER = "FROM_REPORTER"
    TO_REPORTER = "TO_REPORTER"
    NOTE = "NOTE"
    STATUS = "STATUS"


@dataclass(frozen=True)
class Media:
    """Something sent that is not text. `data` stays empty where a channel does not fetch it."""

    kind: str
    name: str = ""
    type: str = ""
    data: bytes = b""
    too_large: bool = False
    """The channel did not fetch it because of its size."""


@dataclass(frozen=True)
class Inbound:
    """One message as a channel received it; `message_id` is unique within its `account` for ever."""

    contact_point: str
    account: str
    """The messenger account it came to, like `web` or `telegram:123`."""
    message_id: str
    chat: str = ""
    """The private chat; empty for a message of the desk."""
    text: str = ""
    choice: str = ""
    """The id of the option pressed."""
    pressed: str = ""
    """The id of the message whose option was pressed, where the messenger tells."""
    edits: str = ""
    """The id of the earlier message that `text` replaces."""
    takes_back: str = ""
    """The id of the earlier message that was deleted by whoever wrote it, where the messenger tells."""
    reply_to: str = ""
    """The id of the message that this one answers, where the messenger tells."""
    media: Media | None = None
    album: str = ""
    """The same for all that was sent together, where the messenger tells."""
    language: str = ""
    """The messenger's hint, a language tag; may be anything."""
    open: bool = False
    """It came unencrypted through a messenger that can encrypt from end to end."""
    by: str = ""
    """The member of staff, for a message of the desk."""
    thread: str = ""
    """The thread at the desk; empty for the room itself."""

    @property
    def from_desk(self) -> bool:
        return bool(self.by)


@dataclass(frozen=True)
class Option:
    """Something to choose: the id is the same in every language, the label is for reading."""

    id: str
    label: str
    primary: bool = False


@dataclass(frozen=True)
class Outbound:
    """One message to a chat or to a place at the desk, in the reader's language."""

    text: str = ""
    options: tuple[Option, ...] = ()
    flow: str = ""
    ask: str = ""
    file: Media | None = None
    edits: int | None = None
    """The outbox row whose message this one replaces."""
    voice: Voice = Voice.BOT
    style: Style = Style.NOTICE
    thread: str = ""
    """The thread at the desk; empty for the room, or for a private chat."""
    about: str = ""
    """The id of the message of a member of staff whose fate this message tells."""
    fate: str = ""
    """What became of that message: `sent`, `delivered`, `failed`, or `kept` as a note."""
    step: tuple[int, int] | None = None
    """How far the conversation has come: question, questions in all."""
    language: str = ""
    """What the reader reads, for what a channel itself says around the message."""
    columns: int = 1
    """How many options stand side by side where a messenger can do that."""
    vanishes: bool = False
    """What it replaces repeated a person's words: a messenger that keeps messages for ever deletes it (D-20)."""


def to_json(message: Inbound | Outbound) -> dict[str, Any]:
    """The fields that differ from their defaults, as JSON types."""
    defaults = _DEFAULTS[type(message)]
    return {name: _plain(value) for name, value in vars(message).items() if value != defaults[name]}


_DEFAULTS: Final = {kind: {each.name: each.default for each in fields(kind)} for kind in (Inbound, Outbound)}


def inbound_from_json(data: Mapping[str, Any]) -> Inbound:
    """Raises TypeError for an unknown field."""
    return Inbound(**{**data, "media": _media(data["media"])} if data.get("media") else data)


def outbound_from_json(data: Mapping[str, Any]) -> Outbound:
    """Raises TypeError for an unknown field."""
    changed: dict[str, Any] = dict(data)
    if "options" in changed:
        changed["options"] = tuple(Option(**option) for option in changed["options"])
    if changed.get("file"):
        changed["file"] = _media(changed["file"])
    if changed.get("step"):
        changed["step"] = tuple(changed["step"])
    for name, kind in (("voice", Voice), ("style", Style)):
        if name in changed:
            changed[name] = kind(changed[name])
    return Outbound(**changed)


def _media(data: Mapping[str, Any]) -> Media:
    return Media(**{**data, "data": base64.b64decode(data.get("data", ""))})


def _plain(value: Any) -> Any:
    match value:
        case str():
            return value
        case Media():
            return {
                "kind": value.kind,
                "name": value.name,
                "type": value.type,
                "data": base64.b64encode(value.data).decode(),
                **({"too_large": True} if value.too_large else {}),
            }
        case Option():
            return {"id": value.id, "label": value.label, "primary": value.primary}
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return value
