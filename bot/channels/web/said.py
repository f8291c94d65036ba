"""What the page may send: checked field by field and turned into an Inbound."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from bot.messages import MEDIA_KINDS, Inbound, Media

LONGEST_TEXT = 20_000
LARGEST_MEDIA = 6 * 1024 * 1024
LARGEST_BODY = LARGEST_MEDIA * 4 // 3 + 64 * 1024

_FIELDS = frozenset(
    (
        "id",
        "chat",
        "desk",
        "by",
        "thread",
        "text",
        "choice",
        "pressed",
        "edits",
        "reply_to",
        "media",
        "language",
    )
) | {"contact_point"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}(;[ A-Za-z0-9=.+-]{1,60})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Wrong(ValueError):
    """What the page sent cannot be understood; the message is one sentence for whoever wrote the page."""


def said(data: Any, *, account: str, contact_points: Mapping[str, str], own_chat: str | None) -> Inbound:
    """The message in this JSON. With `own_chat` the person is known and may not name a chat.

    Raises Wrong.
    """
    if not isinstance(data, dict):
        raise Wrong("The body must be a JSON object.")
    if unknown := sorted(set(data) - _FIELDS):
        raise Wrong(f"There is no field {unknown[0][:40]!r}.")
    message_id = _short(data, "id", needed=True)
    text, choice, media = _text(data), _line(data, "choice", 200), data.get("media")
    if sum((bool(text), bool(choice), media is not None)) != 1:
        raise Wrong("A message has one of text, choice and media.")
    desk = _line(data, "desk", 100)
    chat = _line(data, "chat", 100) if own_chat is None or "chat" in data else own_chat
    if own_chat is not None and ("chat" in data):
        raise Wrong("The page does not choose its chat.")
    if desk:
        if "chat" in data:
            raise Wrong("A message goes to a chat or to a desk, not to both.")
        chat = ""
    elif not chat:
        raise Wrong("A message needs a chat or a desk.")
    contact_point = desk or _line(data, "contact_point", 100) or next(iter(contact_points))
    if contact_point not in contact_points:
        raise Wrong("There is no such contact point.")
    by = _line(data, "by", 60)
    if bool(by) != bool(desk):
        raise Wrong("At the desk, and only there, a message names who writes it.")
    thread = _line(data, "thread", 60)
    if thread and not desk:
        raise Wrong("Only the desk has threads.")
    edits = _short(data, "edits")
    if edits and not text:
        raise Wrong("A change needs the new text.")
    pressed = _short(data, "pressed")
    if pressed and not choice:
        raise Wrong("Only a choice is pressed.")
    return Inbound(
        contact_point=contact_point,
        account=account,
        message_id=message_id,
        chat=chat,
        text=text,
        choice=choice,
        pressed=pressed,
        edits=edits,
        reply_to=_short(data, "reply_to"),
        media=_media(media) if media is not None else None,
        language=_line(data, "language", 35),
        by=by,
        thread=thread,
    )


def _string(data: Mapping[str, Any], name: str, at_most: int) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise Wrong(f"The field {name!r} must be a string.")
    if len(value) > at_most:
        raise Wrong(f"The field {name!r} may have {at_most} characters at most.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Wrong(f"The field {name!r} is no valid text.") from None
    if _CONTROL.search(value):
        raise Wrong(f"The field {name!r} has characters that nobody can read.")
    return value


def _line(data: Mapping[str, Any], name: str, at_most: int) -> str:
    value = _string(data, name, at_most)
    if "\n" in value or value != value.strip():
        raise Wrong(f"The field {name!r} must be one line without space around it.")
    return value


def _short(data: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = _string(data, name, 64)
    if (value or needed) and not _ID.fullmatch(value):
        raise Wrong(f"The field {name!r} must have letters, digits, '-' and '_' only.")
    return value


def _text(data: Mapping[str, Any]) -> str:
    value = data.get("text", "")
    if isinstance(value, str):
        value = value.replace("\r\n", "\n")
    return _string({"text": value}, "text", LONGEST_TEXT).strip()


def _media(data: Any) -> Media:
    if not isinstance(data, dict) or set(data) - {"kind", "name", "type", "base64"}:
        raise Wrong("Media have kind, name, type and base64.")
    kind, type_, content = _line(data, "kind", 20), _line(data, "type", 120), data.get("base64", "")
    if kind not in MEDIA_KINDS:
        raise Wrong("There is no such kind of media.")
    if type_ and not _TYPE.fullmatch(type_):
        raise Wrong("The type of media must look like image/jpeg.")
    if not isinstance(content, str) or len(content) > LARGEST_MEDIA * 4 // 3 + 4:
        raise Wrong("Media may have six megabytes at most.")
    try:
        decoded = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("The media are no valid base64.") from None
    return Media(kind, _line(data, "name", 200), type_, decoded)
