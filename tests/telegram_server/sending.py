"""Methods that send messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.telegram_server.calls import Call, Upload, method
from tests.telegram_server.errors import Refusal, bad
from tests.telegram_server.files import PHOTO, UPLOAD, StoredFile, photo_sizes
from tests.telegram_server.groups import Group
from tests.telegram_server.keyboards import split
from tests.telegram_server.text import CAPTION, TEXT, formatted
from tests.telegram_server.updates import message_json
from tests.telegram_server.world import Chat, Message, Topic

ALBUM = range(2, 11)


@dataclass
class Target:
    """Where a message goes to."""

    chat: Chat
    topic: Topic | None
    reply_to: Message | None


def target(call: Call) -> Target:
    chat = call.chat()
    topic = None
    replied = None
    reply = call.params.json("reply_parameters")
    if reply is None and call.params.given("reply_to_message_id"):
        reply = {"message_id": call.params.integer("reply_to_message_id")}
        reply["allow_sending_without_reply"] = call.params.flag("allow_sending_without_reply")
    if reply is not None:
        if not isinstance(reply, dict) or not isinstance(reply.get("message_id"), int):
            raise bad("can't parse reply parameters")
        replied = chat.message(reply["message_id"])
        if replied is None and not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
    if thread_id := call.params.integer("message_thread_id"):
        if not isinstance(chat, Group):
            raise bad("message thread not found")
        topic = chat.open_topic(thread_id)
    elif replied is not None:
        topic = replied.topic
    if isinstance(chat, Group) and chat.forum and not chat.may(call.bot, "can_manage_topics"):
        closed = topic.closed and topic.creator is not call.bot if topic is not None else chat.general_closed
        if closed:
            raise bad("TOPIC_CLOSED")
    return Target(chat, topic, replied)


def text_of(call: Call) -> tuple[str, list[dict[str, Any]]]:
    params = call.params
    if not params.text("text"):
        raise bad("message text is empty")
    text, entities = formatted(params.text("text"), params.text("parse_mode"), params.json("entities"), limit=TEXT)
    if not text:
        raise bad("text must be non-empty")
    return text, entities


def caption_of(call: Call) -> tuple[str, list[dict[str, Any]]]:
    params = call.params
    entities = params.json("caption_entities")
    return formatted(params.text("caption"), params.text("parse_mode"), entities, limit=CAPTION)


def deliver(call: Call, where: Target, **fields: Any) -> Message:
    """The message is there, once flood control lets it pass."""
    rows, markup = split(call.params.json("reply_markup"))
    call.world.flood.admit(call.bot.id, where.chat.id, call.method)
    message = _post(call, where, rows=rows, markup=markup, **fields)
    call.world.flood.sent(call.bot.id, where.chat.id, call.method, [message.id])
    return message


def _post(call: Call, where: Target, **fields: Any) -> Message:
    silent = call.params.flag("disable_notification")
    return where.chat.post(call.bot, topic=where.topic, reply_to=where.reply_to, silent=silent, **fields)


@method("sendMessage")
def send_message(call: Call) -> dict[str, Any]:
    text, entities = text_of(call)
    return message_json(deliver(call, target(call), text=text, entities=entities))


@method("sendPhoto")
def send_photo(call: Call) -> dict[str, Any]:
    where = target(call)
    stored = _stored(call, "photo")
    content = {"photo": photo_sizes(stored, strict=True)}
    text, entities = caption_of(call)
    return message_json(deliver(call, where, text=text, entities=entities, content=content, file=stored))


@method("sendDocument")
def send_document(call: Call) -> dict[str, Any]:
    where = target(call)
    stored = _stored(call, "document")
    text, entities = caption_of(call)
    content = {"document": _document(stored)}
    return message_json(deliver(call, where, text=text, entities=entities, content=content, file=stored))


@method("sendMediaGroup")
def send_media_group(call: Call) -> list[dict[str, Any]]:
    where = target(call)
    media = call.params.json("media")
    if not isinstance(media, list) or len(media) not in ALBUM:
        raise bad("Number of media to send should be between 2 and 10")
    kinds = {each.get("type") for each in media}
    if not kinds <= {"photo", "document"} or len(kinds) > 1:
        raise bad("document can't be mixed with other media types")
    parts: list[dict[str, Any]] = []
    for each in media:
        stored = _resolve(call, each["type"], each.get("media", ""))
        kind = each["type"]
        content = {kind: photo_sizes(stored, strict=True) if kind == "photo" else _document(stored)}
        mode, marked = each.get("parse_mode", ""), each.get("caption_entities")
        text, entities = formatted(each.get("caption", ""), mode, marked, limit=CAPTION)
        parts.append({"text": text, "entities": entities, "content": content, "file": stored})
    call.world.flood.admit(call.bot.id, where.chat.id, call.method, len(parts))
    album = str(14_000_000_000_000_000 + next(call.world.numbers))
    sent = [_post(call, where, media_group_id=album, **part) for part in parts]
    call.world.flood.sent(call.bot.id, where.chat.id, call.method, [message.id for message in sent])
    return [message_json(message) for message in sent]


def _document(stored: StoredFile) -> dict[str, Any]:
    return stored.json(file_name=stored.name, mime_type=stored.mime_type)


def _stored(call: Call, kind: str) -> StoredFile:
    if kind in call.params.files:
        return keep(call, kind, call.params.files[kind])
    named = call.params.text(kind)
    if not named:
        raise bad(f"there is no {kind} in the request")
    return _resolve(call, kind, named)


def _resolve(call: Call, kind: str, named: str) -> StoredFile:
    """A file of the request, or one that Telegram has already."""
    if named.startswith("attach://"):
        upload = call.params.files.get(named.removeprefix("attach://"))
        if upload is None:
            raise bad(f"there is no {kind} in the request")
        return keep(call, kind, upload)
    stored = call.world.files.by_id(named)
    if stored is None:
        wrong = re.fullmatch(r"[A-Za-z0-9_=-]+", named)
        raise bad("wrong file identifier/HTTP URL specified" if wrong else "wrong remote file identifier specified")
    if stored.kind != kind:
        raise bad(f"can't use file of type {stored.kind.capitalize()} as {kind.capitalize()}")
    return stored


def keep(call: Call, kind: str, upload: Upload) -> StoredFile:
    size = len(upload.data)
    if not size:
        raise bad("file must be non-empty")
    if size > UPLOAD:
        raise Refusal(413, "Request Entity Too Large")
    if kind == "photo" and size > PHOTO:
        raise bad(f"file of size {size} bytes is too big for a photo; the maximum size is {PHOTO} bytes")
    return call.world.files.keep(kind, upload.data, upload.name, upload.type)


def existing(chat: Chat, message_id: int, purpose: str) -> Message:
    """The message, if it is there."""
    message = chat.message(message_id)
    if message is None:
        raise bad(f"message to {purpose} not found")
    return message


def ids(values: Iterable[Any]) -> list[int]:
    try:
        return [int(each) for each in values]
    except (TypeError, ValueError):
        raise bad("message identifiers must be of type Number") from None
