"""Methods that change or remove messages, and that answer presses."""

from __future__ import annotations

from typing import Any

from tests.telegram_server.calls import Call, method
from tests.telegram_server.errors import bad
from tests.telegram_server.groups import Group
from tests.telegram_server.keyboards import inline_rows
from tests.telegram_server.sending import caption_of, existing, ids, text_of
from tests.telegram_server.updates import message_json
from tests.telegram_server.world import Chat, Message

DELETABLE = 48 * 3600
"""Seconds."""
ANSWER = 200
REACTIONS = frozenset(
    [
        "👍",
        "👎",
        "❤",
        "🔥",
        "🥰",
        "👏",
        "😁",
        "🤔",
        "🤯",
        "😱",
        "🤬",
        "😢",
        "🎉",
        "🤩",
        "🤮",
        "💩",
        "🙏",
        "👌",
        "🕊",
        "🤡",
        "🥱",
        "🥴",
        "😍",
        "🐳",
        "❤\u200d🔥",
        "🌚",
        "🌭",
        "💯",
        "🤣",
        "⚡",
        "🍌",
        "🏆",
        "💔",
        "🤨",
        "😐",
        "🍓",
        "🍾",
        "💋",
        "🖕",
        "😈",
        "😴",
        "😭",
        "🤓",
        "👻",
        "👨\u200d💻",
        "👀",
        "🎃",
        "🙈",
        "😇",
        "😨",
        "🤝",
        "✍",
        "🤗",
        "🫡",
        "🎅",
        "🎄",
        "☃",
        "💅",
        "🤪",
        "🗿",
        "🆒",
        "💘",
        "🙉",
        "🦄",
        "😘",
        "💊",
        "🙊",
        "😎",
        "👾",
        "🤷\u200d♂",
        "🤷",
        "🤷\u200d♀",
        "😡",
    ]
)
ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
STALE = "query is too old and response timeout expired or query ID is invalid"


def _editable(call: Call) -> Message:
    if call.params.given("inline_message_id"):
        raise bad("MESSAGE_ID_INVALID")
    if not call.params.given("message_id"):
        raise bad("message identifier is not specified")
    message = existing(call.chat(), call.params.integer("message_id"), "edit")
    if message.sender is not call.bot or message.service:
        raise bad("message can't be edited")
    return message


def _change(call: Call, message: Message, **fields: Any) -> dict[str, Any]:
    markup = call.params.json("reply_markup")
    fields["rows"] = [] if markup is None else inline_rows(markup)
    if all(getattr(message, name) == value for name, value in fields.items()):
        raise bad(NOT_MODIFIED)
    call.world.flood.admit(call.bot.id, message.chat.id, call.method)
    for name, value in fields.items():
        setattr(message, name, value)
    message.edited = call.world.now()
    return message_json(message)


@method("editMessageText")
def edit_message_text(call: Call) -> dict[str, Any]:
    text, entities = text_of(call)
    message = _editable(call)
    if message.content:
        raise bad("there is no text in the message to edit")
    return _change(call, message, text=text, entities=entities)


@method("editMessageCaption")
def edit_message_caption(call: Call) -> dict[str, Any]:
    text, entities = caption_of(call)
    message = _editable(call)
    if not message.captioned:
        raise bad("there is no caption in the message to edit")
    return _change(call, message, text=text, entities=entities)


@method("editMessageReplyMarkup")
def edit_message_reply_markup(call: Call) -> dict[str, Any]:
    return _change(call, _editable(call))


def _check_deletable(call: Call, chat: Chat, message: Message) -> None:
    old = call.world.now() - message.date >= DELETABLE
    if isinstance(chat, Group):
        if chat.may(call.bot, "can_delete_messages"):
            return
        if message.sender is not call.bot:
            raise bad("message can't be deleted")
    if old:
        raise bad("message can't be deleted for everyone")


@method("deleteMessage")
def delete_message(call: Call) -> bool:
    chat = call.chat()
    message = existing(chat, call.params.integer("message_id"), "delete")
    _check_deletable(call, chat, message)
    message.deleted = True
    return True


@method("deleteMessages")
def delete_messages(call: Call) -> bool:
    chat = call.chat()
    wanted = call.params.json("message_ids")
    if not isinstance(wanted, list) or not wanted:
        raise bad("message identifiers are not specified")
    if len(wanted) > 100:
        raise bad("too many message identifiers specified")
    found = [message for each in ids(wanted) if (message := chat.message(each))]
    for message in found:
        _check_deletable(call, chat, message)
    for message in found:
        message.deleted = True
    return True


@method("answerCallbackQuery")
def answer_callback_query(call: Call) -> bool:
    callback = call.world.callbacks.get(call.params.text("callback_query_id"))
    if callback is None or callback.bot is not call.bot or callback.expired:
        raise bad(STALE)
    text = call.params.text("text")
    if len(text) > ANSWER:
        raise bad("MESSAGE_TOO_LONG")
    callback.answered, callback.text, callback.alert = True, text, call.params.flag("show_alert")
    return True


@method("setMessageReaction")
def set_message_reaction(call: Call) -> bool:
    message = existing(call.chat(), call.params.integer("message_id"), "react")
    wanted = call.params.json("reaction") or []
    if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
        raise bad("can't parse reaction type")
    if len(wanted) > 1:
        raise bad("REACTIONS_TOO_MANY")
    for each in wanted:
        # Telegram takes some of them with and without the sign that asks for colours.
        if each.get("type") != "emoji" or str(each.get("emoji", "")).replace("\ufe0f", "") not in REACTIONS:
            raise bad("REACTION_INVALID")
    message.reactions[call.bot.id] = [each["emoji"] for each in wanted]
    return True
