"""People: what they say, press, send and see."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.telegram_server.files import StoredFile, photo_sizes
from tests.telegram_server.groups import Group
from tests.telegram_server.text import detected
from tests.telegram_server.updates import (
    callback_json,
    change_json,
    chat_json,
    inaccessible_json,
    member_json,
    message_json,
    user_json,
)
from tests.telegram_server.world import Account, BotAccount, Callback, Chat, Message, PrivateChat, Topic, verb

Place = BotAccount | Group | Topic
"""Where somebody speaks: to a bot alone, in a group or its General topic, in a topic."""


@dataclass(eq=False)
class Person(Account):
    """Somebody with Telegram on the phone."""

    def chat(self, bot: BotAccount) -> PrivateChat:
        """The chat with the bot, with all that is to be seen there."""
        return bot.private(self)

    @verb
    def starts(self, bot: BotAccount, payload: str = "") -> Message:
        """Presses Start, perhaps behind a link that carries something."""
        assert re.fullmatch("[A-Za-z0-9_-]{0,64}", payload), "no link carries that"
        if self.chat(bot).blocked:
            self._set_blocked(bot, blocked=False)
        return self._say(bot, f"/start {payload}".strip())

    @verb
    def says(self, to: Place, text: str, *, reply_to: Message | None = None, anonymous: bool = False) -> Message:
        """Anonymous is an administrator who speaks in the name of the group."""
        return self._say(to, text, reply_to, anonymous=anonymous)

    @verb
    def edits(self, message: Message, text: str) -> None:
        """Changes a text or a caption."""
        assert message.sender is self and not message.deleted
        message.text, message.entities = text, detected(text)
        message.edited = self.world.now()
        _tell(message, "edited_message")

    @verb
    def deletes(self, message: Message) -> None:
        """No bot is told."""
        message.deleted = True

    @verb
    def presses(
        self,
        message: Message,
        button: str,
        *,
        data: str | None = None,
        without_message: bool = False,
        inaccessible: bool = False,
    ) -> Callback:
        """Presses a button by its label or what it carries; `data` forges what it carries."""
        found = [each for row in message.keyboard for each in row if button in (each.label, each.data)]
        assert found or data is not None, f"no button {button!r} among {message.labels}"
        carried = found[0].data if data is None else data
        assert carried, f"{button!r} opens {found[0].url}"
        sender = message.sender
        assert isinstance(sender, BotAccount)
        shown = None if without_message else inaccessible_json(message) if inaccessible else message_json(message)
        return self._call(sender, carried, shown, message.chat)

    @verb
    def presses_nothing(self, bot: BotAccount, data: str) -> Callback:
        """A press that no message explains, with whatever it carries."""
        return self._call(bot, data, None, self.chat(bot))

    @verb
    def reacts(self, message: Message, *emoji: str) -> None:
        old, message.reactions[self.id] = message.reactions.get(self.id, []), list(emoji)
        change = {
            "chat": chat_json(message.chat),
            "message_id": message.id,
            "user": user_json(self),
            "date": self.world.now(),
            "old_reaction": [{"type": "emoji", "emoji": each} for each in old],
            "new_reaction": [{"type": "emoji", "emoji": each} for each in emoji],
        }
        for bot in message.chat.bots():
            if not isinstance(message.chat, Group) or bot.id in message.chat.admins:
                bot.queue.push("message_reaction", change, message.chat.id)

    @verb
    def blocks(self, bot: BotAccount) -> None:
        self._set_blocked(bot, blocked=True)

    @verb
    def unblocks(self, bot: BotAccount) -> None:
        self._set_blocked(bot, blocked=False)

    @verb
    def leaves_telegram(self) -> None:
        """The account is deleted."""
        self.deactivated = True

    @verb
    def sends_photo(
        self, to: Place, data: bytes, caption: str = "", *, size: int | None = None, **options: Any
    ) -> Message:
        """`size` stands for a file too large for a test; `options` are those of `says`."""
        stored = self.world.files.keep("photo", data, size=size)
        return self._say(to, caption, content={"photo": photo_sizes(stored, strict=False)}, file=stored, **options)

    @verb
    def sends_album(
        self, to: Place, photos: Sequence[bytes], caption: str = "", *, captioned: int = 0, **options: Any
    ) -> list[Message]:
        """Comes as one update for each photo; `captioned` is the one with the caption."""
        album = str(13_000_000_000_000_000 + next(self.world.numbers))
        sent = []
        for number, data in enumerate(photos):
            stored = self.world.files.keep("photo", data)
            content = {"photo": photo_sizes(stored, strict=False)}
            text = caption if number == captioned else ""
            sent.append(self._say(to, text, content=content, file=stored, media_group_id=album, **options))
        return sent

    @verb
    def sends_document(
        self,
        to: Place,
        data: bytes,
        name: str = "file.pdf",
        caption: str = "",
        *,
        mime_type: str = "application/pdf",
        size: int | None = None,
        **options: Any,
    ) -> Message:
        stored = self.world.files.keep("document", data, name, mime_type, size)
        document = stored.json(file_name=name, mime_type=mime_type)
        return self._say(to, caption, content={"document": document}, file=stored, **options)

    @verb
    def sends_voice(self, to: Place, data: bytes, *, seconds: int = 3, **options: Any) -> Message:
        return self._media(to, "voice", data, "audio/ogg", {"duration": seconds}, options)

    @verb
    def sends_video(self, to: Place, data: bytes, caption: str = "", *, seconds: int = 3, **options: Any) -> Message:
        shape = {"width": 640, "height": 360, "duration": seconds}
        return self._media(to, "video", data, "video/mp4", shape, {"text": caption, **options})

    @verb
    def sends_video_note(self, to: Place, data: bytes, *, seconds: int = 3, **options: Any) -> Message:
        return self._media(to, "video_note", data, "", {"length": 240, "duration": seconds}, options)

    @verb
    def sends_audio(self, to: Place, data: bytes, caption: str = "", *, seconds: int = 3, **options: Any) -> Message:
        return self._media(to, "audio", data, "audio/mpeg", {"duration": seconds}, {"text": caption, **options})

    @verb
    def sends_animation(self, to: Place, data: bytes, caption: str = "", **options: Any) -> Message:
        """Comes as a document too, as all animations do."""
        stored = self.world.files.keep("animation", data, "animation.mp4", "video/mp4")
        document = stored.json(file_name=stored.name, mime_type=stored.mime_type)
        content = {"animation": {**document, "width": 320, "height": 240, "duration": 2}, "document": document}
        return self._say(to, caption, content=content, file=stored, **options)

    @verb
    def sends_sticker(self, to: Place, data: bytes = b"sticker", emoji: str = "👍", **options: Any) -> Message:
        shape = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return self._media(to, "sticker", data, "", {**shape, "emoji": emoji, "set_name": "Set"}, options)

    @verb
    def sends_location(self, to: Place, latitude: float, longitude: float, **options: Any) -> Message:
        return self._say(to, "", content={"location": {"latitude": latitude, "longitude": longitude}}, **options)

    @verb
    def sends_live_location(
        self, to: Place, latitude: float, longitude: float, *, period: int = 900, **options: Any
    ) -> Message:
        location = {"latitude": latitude, "longitude": longitude, "live_period": period, "horizontal_accuracy": 20.0}
        return self._say(to, "", content={"location": location}, **options)

    @verb
    def moves(self, message: Message, latitude: float, longitude: float) -> None:
        """A live location goes on: an edited message."""
        message.content["location"] |= {"latitude": latitude, "longitude": longitude}
        message.edited = self.world.now()
        _tell(message, "edited_message")

    @verb
    def sends_venue(self, to: Place, latitude: float, longitude: float, title: str, address: str) -> Message:
        location = {"latitude": latitude, "longitude": longitude}
        venue = {"location": location, "title": title, "address": address}
        return self._say(to, "", content={"venue": venue, "location": location})

    @verb
    def sends_contact(self, to: Place, phone_number: str, first_name: str, **options: Any) -> Message:
        contact = {"phone_number": phone_number, "first_name": first_name}
        return self._say(to, "", content={"contact": contact}, **options)

    @verb
    def sends_poll(self, to: Place, question: str, answers: Sequence[str], **options: Any) -> Message:
        choices = [
            {"persistent_id": f"{number}", "text": each, "voter_count": 0} for number, each in enumerate(answers)
        ]
        poll = {
            "id": str(5_000_000_000 + next(self.world.numbers)),
            "question": question,
            "options": choices,
            "total_voter_count": 0,
            "is_closed": False,
            "is_anonymous": True,
            "type": "regular",
            "allows_multiple_answers": False,
            "allows_revoting": True,
            "members_only": False,
        }
        return self._say(to, "", content={"poll": poll}, **options)

    @verb
    def sends_dice(self, to: Place, value: int = 6, emoji: str = "🎲", **options: Any) -> Message:
        return self._say(to, "", content={"dice": {"emoji": emoji, "value": value}}, **options)

    @verb
    def sends(self, to: Place, content: dict[str, Any], text: str = "", **options: Any) -> Message:
        """Any other kind of message, as the Bot API would write it."""
        return self._say(to, text, content=content, **options)

    def _media(
        self, to: Place, kind: str, data: bytes, mime_type: str, shape: dict[str, Any], options: dict[str, Any]
    ) -> Message:
        size = options.pop("size", None)
        text = options.pop("text", "")
        stored: StoredFile = self.world.files.keep(kind, data, "", mime_type, size)
        typed = {"mime_type": mime_type} if mime_type else {}
        return self._say(to, text, content={kind: stored.json(**shape, **typed)}, file=stored, **options)

    def _say(self, to: Place, text: str, reply_to: Message | None = None, **fields: Any) -> Message:
        chat: Chat
        topic = None
        if isinstance(to, BotAccount):
            chat = private = self.chat(to)
            assert not private.blocked, "one cannot write to a bot that one has blocked"
            private.started = True
        elif isinstance(to, Group):
            chat = to
        else:
            assert not to.deleted, "the topic is gone"
            assert isinstance(to.group, Group)
            chat, topic = to.group, to
            manages = to.group.may(self, "can_manage_topics")
            assert not to.closed or manages, "the topic is closed"
        if isinstance(chat, Group):
            assert self.id in chat.members, f"{self.first_name} is not in the group"
        if reply_to is not None and topic is None:
            topic = reply_to.topic
        message = chat.post(self, text=text, entities=detected(text), reply_to=reply_to, topic=topic, **fields)
        _tell(message, "message")
        return message

    def _call(self, bot: BotAccount, data: str, message: dict[str, Any] | None, chat: Chat) -> Callback:
        callback = Callback(str(time.time_ns()) + f"{next(self.world.numbers) % 1000:03}", bot, self, data)
        self.world.callbacks[callback.id] = callback
        bot.queue.push("callback_query", callback_json(callback, message), chat.id)
        return callback

    def _set_blocked(self, bot: BotAccount, *, blocked: bool) -> None:
        chat = self.chat(bot)
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        kicked, member = member_json(bot, "kicked"), member_json(bot, "member")
        old, new = (member, kicked) if blocked else (kicked, member)
        bot.queue.push("my_chat_member", change_json(chat, self, old, new), chat.id)


def _tell(message: Message, kind: str) -> None:
    if isinstance(message.chat, Group):
        message.chat.tell(message, kind)
    else:
        for bot in message.chat.bots():
            bot.queue.push(kind, message_json(message), message.chat.id)
