"""What the Telegram channel remembers, in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from bot import staff_names
from bot.channels.telegram.channel import NAME
from bot.channels.telegram.memory import Group, Post
from storage import telegram
from storage.database import Database
from storage.entrances import note_entrance

T = TypeVar("T")


class StoredMemory:
    """The memory of one account, in encrypted tables."""

    def __init__(
        self, database: Database, contact_point: str, account: str, desk_language: str, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._contact_point = contact_point
        self._account = account
        self._language = desk_language
        self._now = now
        self._group: Group | None = None

    async def _run(self, act: Callable[[Session], T]) -> T:
        def work() -> T:
            with self._database.transaction(self._contact_point) as session:
                return act(session)

        return await self._database.run(work)

    async def note_name(self, username: str) -> None:
        """Remembers how the bot is called: links that bring a code lead there."""
        await self._run(
            lambda session: note_entrance(session, self._contact_point, NAME, f"https://t.me/{username}?start=")
        )

    async def group(self) -> Group | None:
        """Asked with every message, and changed by this process alone, the holder of the account."""
        if self._group is None:
            found = await self._run(lambda session: telegram.desk(session, self._account))
            self._group = Group(found.chat, found.topics) if found is not None else None
        return self._group

    async def bind(self, code: str, group: Group) -> bool:
        chosen = telegram.Chosen(group.chat, group.topics)
        done = await self._run(lambda session: telegram.choose(session, self._account, code, chosen, self._now()))
        self._group = None
        return done

    async def moved(self, chat: int, group: Group) -> None:
        after = telegram.Chosen(group.chat, group.topics)
        await self._run(lambda session: telegram.moved(session, self._account, chat, after))
        self._group = None

    async def topic_of(self, chat: int, ref: str) -> int:
        return await self._run(lambda session: telegram.topic_of(session, chat, ref))

    async def ref_of(self, chat: int, topic: int) -> str:
        return await self._run(lambda session: telegram.ref_of(session, chat, topic))

    async def keep_topic(self, chat: int, ref: str, topic: int) -> None:
        await self._run(lambda session: telegram.keep_topic(session, self._contact_point, chat, ref, topic))

    async def keep_post(self, chat: int, messages: list[int], ref: str) -> None:
        await self._run(
            lambda session: telegram.keep_post(session, self._contact_point, chat, messages, ref, self._now())
        )

    async def post(self, chat: int, message: int) -> Post | None:
        def find(session: Session) -> Post | None:
            row = telegram.post(session, chat, message)
            return Post(row.last, row.ref) if row is not None else None

        return await self._run(find)

    async def parts(self, chat: int, last: int) -> list[int]:
        return await self._run(lambda session: telegram.parts(session, chat, last))

    async def first_of(self, chat: int, ref: str) -> int:
        return await self._run(lambda session: telegram.first_of(session, chat, ref))

    async def name_of(self, user: int) -> str:
        point, language = self._contact_point, self._language
        return await self._run(lambda session: staff_names.name_of(session, point, NAME, str(user), language))

    async def rename(self, user: int, name: str) -> bool:
        point, language = self._contact_point, self._language
        return await self._run(lambda session: staff_names.rename(session, point, NAME, str(user), name, language))

    async def forgotten_topics(self, chat: int) -> list[int]:
        return await self._run(lambda session: telegram.topics_without_case(session, chat))

    async def drop_topic(self, chat: int, topic: int) -> None:
        await self._run(lambda session: telegram.drop_topic(session, chat, topic))
