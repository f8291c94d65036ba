"""Groups: who is in, with which rights, and their topics."""

from __future__ import annotations

from typing import Any

from tests.telegram_server.errors import bad, forbidden
from tests.telegram_server.updates import change_json, member_json, message_json, user_json
from tests.telegram_server.world import Account, BotAccount, Chat, Message, Topic, World, verb

GENERAL = 1
"""The topic that has no message of its own; bots cannot name it when they send."""
RIGHTS = (
    "can_manage_chat", "can_change_info", "can_delete_messages", "can_invite_users", "can_restrict_members",
    "can_pin_messages", "can_manage_topics", "can_promote_members", "can_manage_video_chats", "is_anonymous",
    "can_post_stories", "can_edit_stories", "can_delete_stories",
)  # fmt: skip
ICON_COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)


class Group(Chat):
    """A basic group, a supergroup or a forum."""

    def __init__(
        self, world: World, chat_id: int, title: str, owner: Account, *, supergroup: bool, forum: bool
    ) -> None:
        super().__init__(world, chat_id)
        self.title = title
        self.kind = "supergroup" if supergroup or forum else "group"
        self.forum = forum
        self.owner = owner
        self.members: dict[int, Account] = {owner.id: owner}
        self.admins: dict[int, dict[str, bool]] = {}
        """The rights of each."""
        self.left: dict[int, str] = {}
        """Who is gone: left or kicked."""
        self.topics: dict[int, Topic] = {}
        self.general_closed = False
        self.members_may_write = True
        self.moved_to: Group | None = None
        self._last_id = 0
        world.groups[chat_id] = self

    def next_id(self) -> int:
        bots = self.bots()
        if self.kind == "group" and bots:
            return next(bots[0].message_ids)
        self._last_id += 1
        return self._last_id

    def knows(self, bot: BotAccount) -> bool:
        return bot.id in self.members or bot.id in self.left

    def bots(self) -> list[BotAccount]:
        return [each for each in self.members.values() if isinstance(each, BotAccount)]

    def status(self, account: Account) -> str:
        if account.id in self.left:
            return self.left[account.id]
        if account.id not in self.members:
            return "left"
        if account is self.owner:
            return "creator"
        return "administrator" if account.id in self.admins else "member"

    def may(self, account: Account, right: str) -> bool:
        return account is self.owner or self.admins.get(account.id, {}).get(right, False)

    def member(self, account: Account) -> dict[str, Any]:
        return member_json(account, self.status(account), self._rights(account))

    def _rights(self, account: Account) -> dict[str, bool]:
        given = self.admins.get(account.id, {})
        return {name: given.get(name, False) for name in RIGHTS if name != "can_manage_topics" or self.forum}

    def check_writable(self, bot: BotAccount) -> None:
        if bot.id not in self.members:
            if self.left.get(bot.id) == "kicked":
                raise forbidden(f"bot was kicked from the {self.kind} chat")
            raise forbidden(f"bot is not a member of the {self.kind} chat")
        if not self.members_may_write and not self.may(bot, "can_manage_chat"):
            raise bad("not enough rights to send text messages to the chat")

    def open_topic(self, thread_id: int) -> Topic:
        """The topic by its id, unless it is gone."""
        topic = self.topics.get(thread_id)
        if topic is None or topic.deleted:
            raise bad("message thread not found")
        return topic

    def tell(self, message: Message, kind: str = "message") -> None:
        """Everybody here who is a bot hears of it, if it may."""
        for bot in self.bots():
            if message.sender is not bot and self._hears(bot, message):
                bot.queue.push(kind, message_json(message), self.id)

    def _hears(self, bot: BotAccount, message: Message) -> bool:
        if not bot.privacy or message.service or bot.id in self.admins:
            return True
        answered = message.reply_to is not None and message.reply_to.sender is bot
        return answered or message.text.startswith("/") or f"@{bot.username}" in message.text

    def serve(self, sender: Account, content: dict[str, Any], topic: Topic | None = None) -> Message:
        """A message that Telegram writes for somebody."""
        message = self.post(sender, content=content, topic=topic, service=True)
        self.tell(message)
        return message

    @verb
    def adds(self, account: Account, *, by: Account | None = None) -> None:
        """Lets a person or a bot in."""
        old = self.member(account)
        self.left.pop(account.id, None)
        self.members[account.id] = account
        actor = by or self.owner
        if isinstance(account, BotAccount):
            self._tell_bot(account, actor, old)
        user = user_json(account)
        self.serve(actor, {"new_chat_participant": user, "new_chat_member": user, "new_chat_members": [user]})

    @verb
    def removes(self, account: Account, *, kicked: bool = True, by: Account | None = None) -> None:
        old = self.member(account)
        actor = by or self.owner
        user = user_json(account)
        self.members.pop(account.id, None)
        self.admins.pop(account.id, None)
        self.left[account.id] = "kicked" if kicked else "left"
        if isinstance(account, BotAccount):
            self._tell_bot(account, actor, old)
        self.serve(actor, {"left_chat_participant": user, "left_chat_member": user})

    @verb
    def promotes(self, account: Account, *rights: str) -> None:
        """Makes an administrator with exactly these rights."""
        unknown = set(rights) - set(RIGHTS)
        assert not unknown, unknown
        old = self.member(account)
        self.admins[account.id] = {"can_manage_chat": True, **dict.fromkeys(rights, True)}
        self._tell_bot(account, self.owner, old)

    @verb
    def demotes(self, account: Account) -> None:
        old = self.member(account)
        self.admins.pop(account.id, None)
        self._tell_bot(account, self.owner, old)

    def _tell_bot(self, account: Account, actor: Account, old: dict[str, Any]) -> None:
        change = change_json(self, actor, old, self.member(account))
        if isinstance(account, BotAccount):
            account.queue.push("my_chat_member", change, self.id)
        for bot in self.bots():
            if bot is not account and bot.id in self.admins:
                bot.queue.push("chat_member", change, self.id)

    @verb
    def creates_topic(self, name: str, by: Account | None = None) -> Topic:
        return self.make_topic(by or self.owner, name)

    def make_topic(self, creator: Account, name: str, color: int = 0, emoji: str = "") -> Topic:
        assert self.forum
        color = color or ICON_COLORS[0]
        icon = {"icon_custom_emoji_id": emoji} if emoji else {}
        content = {"forum_topic_created": {"name": name, "icon_color": color, **icon}}
        message = self.post(creator, content=content, service=True)
        topic = Topic(self, message.id, name, color, creator, emoji)
        self.topics[topic.id] = topic
        message.topic, message.thread_id = topic, topic.id
        self.tell(message)
        return topic

    @verb
    def closes_topic(self, topic: Topic, by: Account | None = None) -> None:
        self.set_closed(by or self.owner, topic, closed=True)

    @verb
    def reopens_topic(self, topic: Topic, by: Account | None = None) -> None:
        self.set_closed(by or self.owner, topic, closed=False)

    def set_closed(self, actor: Account, topic: Topic, *, closed: bool) -> None:
        topic.closed = closed
        self.serve(actor, {"forum_topic_closed" if closed else "forum_topic_reopened": {}}, topic)

    @verb
    def renames_topic(self, topic: Topic, name: str, by: Account | None = None) -> None:
        topic.name = name
        self.serve(by or self.owner, {"forum_topic_edited": {"name": name}}, topic)

    @verb
    def deletes_topic(self, topic: Topic) -> None:
        """With all that was said there; no bot is told."""
        self.drop_topic(topic)

    def drop_topic(self, topic: Topic) -> None:
        topic.deleted = True
        for message in topic.messages:
            message.deleted = True

    @verb
    def deletes(self, message: Message) -> None:
        """Somebody deletes a message; no bot is told."""
        message.deleted = True

    @verb
    def renames(self, title: str) -> None:
        self.title = title
        self.serve(self.owner, {"new_chat_title": title})

    @verb
    def upgrades(self, *, forum: bool = False) -> Group:
        """Becomes a supergroup with another id and without the messages so far."""
        assert self.kind == "group"
        new_id = -(1_000_000_000_000 + next(self.world.numbers) + 2_000_000_000)
        new = Group(self.world, new_id, self.title, self.owner, supergroup=True, forum=forum)
        new.members |= self.members
        new.admins |= self.admins
        self.serve(self.owner, {"migrate_to_chat_id": new_id})
        self.moved_to = new
        new.serve(self.owner, {"migrate_from_chat_id": self.id})
        return new
