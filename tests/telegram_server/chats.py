"""Methods about chats, their members and topics."""

from __future__ import annotations

import time
from typing import Any

from tests.telegram_server.calls import Call, method
from tests.telegram_server.editing import ACTIONS
from tests.telegram_server.errors import bad
from tests.telegram_server.groups import GENERAL, ICON_COLORS, Group
from tests.telegram_server.sending import existing
from tests.telegram_server.updates import chat_json, message_json
from tests.telegram_server.world import Action, PrivateChat, Topic

TOPIC_NAME = 128


@method("sendChatAction")
def send_chat_action(call: Call) -> bool:
    chat = call.chat()
    action = call.params.text("action")
    if action not in ACTIONS:
        raise bad("wrong parameter action in request")
    topic = None
    thread_id = call.params.integer("message_thread_id")
    if thread_id not in (0, GENERAL):
        if not isinstance(chat, Group):
            raise bad("message thread not found")
        topic = chat.open_topic(thread_id)
    call.world.actions.append(Action(time.monotonic(), call.bot, chat, action, topic))
    return True


@method("getChat")
def get_chat(call: Call) -> dict[str, Any]:
    chat = call.known_chat()
    more = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
    )}  # fmt: skip
    if isinstance(chat, PrivateChat):
        if not chat.started:
            raise bad("chat not found")
    else:
        chat.check_writable(call.bot)
        more["permissions"] = {"can_send_messages": getattr(chat, "members_may_write", True)}
        if chat.pinned and (message := chat.message(chat.pinned[-1])):
            more["pinned_message"] = message_json(message, nested=True)
    return {**chat_json(chat), **more}


def _group(call: Call) -> Group:
    chat = call.chat()
    if not isinstance(chat, Group):
        raise bad("method is available only for supergroups")
    return chat


@method("getChatMember")
def get_chat_member(call: Call) -> dict[str, Any]:
    chat = call.chat()
    account = call.world.accounts.get(call.params.integer("user_id"))
    if account is None:
        raise bad("invalid user_id specified")
    if not isinstance(chat, Group):
        raise bad("chat member status can't be checked in private chats")
    return chat.member(account)


@method("getChatAdministrators")
def get_chat_administrators(call: Call) -> list[dict[str, Any]]:
    chat = call.chat()
    if not isinstance(chat, Group):
        raise bad("there are no administrators in the private chat")
    admins = [each for each in chat.members.values() if chat.status(each) in {"creator", "administrator"}]
    return [chat.member(each) for each in admins if not each.is_bot or each is call.bot]


@method("getChatMemberCount")
def get_chat_member_count(call: Call) -> int:
    chat = call.chat()
    return len(chat.members) if isinstance(chat, Group) else 2


@method("leaveChat")
def leave_chat(call: Call) -> bool:
    chat = call.chat()
    if not isinstance(chat, Group):
        raise bad("chat member status can't be changed in private chats")
    chat.removes(call.bot, kicked=False, by=call.bot)
    return True


@method("pinChatMessage")
def pin_chat_message(call: Call) -> bool:
    chat = call.chat()
    if isinstance(chat, Group) and not chat.may(call.bot, "can_pin_messages"):
        raise bad("not enough rights to manage pinned messages in the chat")
    message = existing(chat, call.params.integer("message_id"), "pin")
    chat.pinned.append(message.id)
    content = {"pinned_message": message_json(message, nested=True)}
    chat.post(call.bot, content=content, topic=message.topic, service=True)
    return True


@method("unpinChatMessage")
def unpin_chat_message(call: Call) -> bool:
    chat = call.chat()
    if isinstance(chat, Group) and not chat.may(call.bot, "can_pin_messages"):
        raise bad("not enough rights to manage pinned messages in the chat")
    wanted = call.params.integer("message_id") or (chat.pinned[-1] if chat.pinned else 0)
    if wanted not in chat.pinned:
        raise bad("message to unpin not found")
    chat.pinned.remove(wanted)
    return True


def _forum(call: Call) -> Group:
    chat = call.chat()
    if not isinstance(chat, Group) or not chat.forum:
        raise bad("the chat is not a forum")
    return chat


def _name(call: Call) -> str:
    name = call.params.text("name").strip()
    if not name:
        raise bad("title must be non-empty")
    if len(name) > TOPIC_NAME:
        # Telegram cuts it without a word; that is never what was meant.
        call.world.violations.append(f"{call.method}: name must have 1-{TOPIC_NAME} characters")
    return name[:TOPIC_NAME]


def _topic(call: Call, right: str, refused: str) -> tuple[Group, Topic]:
    """The topic, if the bot may do this to it."""
    forum = _forum(call)
    thread_id = call.params.integer("message_thread_id")
    if thread_id <= 0:
        raise bad("invalid message thread identifier specified")
    topic = forum.topics.get(thread_id)
    if topic is None or topic.deleted:
        raise bad("TOPIC_ID_INVALID")
    if not forum.may(call.bot, right) and topic.creator is not call.bot:
        raise bad(f"not enough rights to {refused} the topic")
    return forum, topic


@method("createForumTopic")
def create_forum_topic(call: Call) -> dict[str, Any]:
    forum = _forum(call)
    if not forum.may(call.bot, "can_manage_topics"):
        raise bad("not enough rights to create a topic")
    name = _name(call)
    color = call.params.integer("icon_color")
    if color and color not in ICON_COLORS:
        raise bad("invalid icon color specified")
    call.world.flood.admit(call.bot.id, forum.id, call.method)
    topic = forum.make_topic(call.bot, name, color, call.params.text("icon_custom_emoji_id"))
    call.world.flood.sent(call.bot.id, forum.id, call.method, [topic.id])
    icon = {"icon_custom_emoji_id": topic.icon_custom_emoji_id} if topic.icon_custom_emoji_id else {}
    return {"message_thread_id": topic.id, "name": topic.name, "icon_color": topic.icon_color, **icon}


@method("editForumTopic")
def edit_forum_topic(call: Call) -> bool:
    forum, topic = _topic(call, "can_manage_topics", "edit")
    name = _name(call) if call.params.given("name") else topic.name
    emoji = call.params.text("icon_custom_emoji_id", topic.icon_custom_emoji_id)
    if (name, emoji) == (topic.name, topic.icon_custom_emoji_id):
        raise bad("TOPIC_NOT_MODIFIED")
    topic.name, topic.icon_custom_emoji_id = name, emoji
    forum.serve(call.bot, {"forum_topic_edited": {"name": name}}, topic)
    return True


@method("closeForumTopic")
def close_forum_topic(call: Call) -> bool:
    return _set_closed(call, closed=True)


@method("reopenForumTopic")
def reopen_forum_topic(call: Call) -> bool:
    return _set_closed(call, closed=False)


def _set_closed(call: Call, *, closed: bool) -> bool:
    forum, topic = _topic(call, "can_manage_topics", "close or open")
    if topic.closed == closed:
        raise bad("TOPIC_NOT_MODIFIED")
    forum.set_closed(call.bot, topic, closed=closed)
    return True


@method("deleteForumTopic")
def delete_forum_topic(call: Call) -> bool:
    forum, topic = _topic(call, "can_delete_messages", "delete")
    forum.drop_topic(topic)
    return True
