"""Messages and what happens to them as JSON, as the Bot API writes it."""

from __future__ import annotations

from typing import Any

from tests.telegram_server.world import Account, BotAccount, Callback, Chat, Message, PrivateChat

ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}


def user_json(account: Account) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": account.id, "is_bot": account.is_bot, "first_name": account.first_name}
    for name in ("last_name", "username", "language_code"):
        if value := getattr(account, name):
            fields[name] = value
    return fields


def me_json(bot: BotAccount) -> dict[str, Any]:
    return {
        **user_json(bot),
        "can_join_groups": True,
        "can_read_all_group_messages": not bot.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
    }


def chat_json(chat: Chat) -> dict[str, Any]:
    if isinstance(chat, PrivateChat):
        names = {name: getattr(chat.account, name) for name in ("first_name", "last_name", "username")}
        return {"id": chat.id, **{name: value for name, value in names.items() if value}, "type": "private"}
    fields: dict[str, Any] = {"id": chat.id, "title": getattr(chat, "title", ""), "type": chat.kind}
    if getattr(chat, "forum", False):
        fields["is_forum"] = True
    if chat.kind == "group":
        fields["all_members_are_administrators"] = False
    return fields


def message_json(message: Message, *, nested: bool = False) -> dict[str, Any]:
    """What is replied to is told without what that replied to."""
    fields: dict[str, Any] = {"message_id": message.id}
    if message.anonymous:
        fields |= {"from": ANONYMOUS, "sender_chat": chat_json(message.chat)}
    else:
        fields["from"] = user_json(message.sender)
    fields |= {"chat": chat_json(message.chat), "date": message.date}
    if message.edited:
        fields["edit_date"] = message.edited
    if message.thread_id is not None:
        fields["message_thread_id"] = message.thread_id
    if message.topic is not None:
        fields["is_topic_message"] = True
    replied = message.reply_to
    if replied is None and message.topic is not None and message.id != message.topic.id:
        # In a topic every message answers the one that tells of its creation.
        replied = message.chat.message(message.topic.id)
    if replied is not None and not nested:
        fields["reply_to_message"] = message_json(replied, nested=True)
    if message.media_group_id:
        fields["media_group_id"] = message.media_group_id
    fields |= message.content
    if message.text:
        fields["caption" if message.captioned else "text"] = message.text
    if message.entities:
        fields["caption_entities" if message.captioned else "entities"] = message.entities
    if message.rows:
        fields["reply_markup"] = {"inline_keyboard": message.rows}
    return fields


def callback_json(callback: Callback, message: dict[str, Any] | None) -> dict[str, Any]:
    fields = {"id": callback.id, "from": user_json(callback.sender)}
    if message is None:
        fields["inline_message_id"] = "CAAAAPk" + callback.id
    else:
        fields["message"] = message
    return {**fields, "chat_instance": "-4611686018427387904", "data": callback.data}


def inaccessible_json(message: Message) -> dict[str, Any]:
    return {"chat": chat_json(message.chat), "message_id": message.id, "date": 0}


def member_json(account: Account, status: str, rights: dict[str, bool] | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = {"user": user_json(account), "status": status}
    if status == "creator":
        fields["is_anonymous"] = False
    elif status == "administrator":
        fields |= {"can_be_edited": False, **(rights or {})}
    elif status == "kicked":
        fields["until_date"] = 0
    return fields


def change_json(chat: Chat, actor: Account, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Somebody's standing in a chat changed."""
    return {
        "chat": chat_json(chat),
        "from": user_json(actor),
        "date": chat.world.now(),
        "old_chat_member": old,
        "new_chat_member": new,
    }
