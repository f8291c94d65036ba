"""What the Telegram channel remembers: the seam between it and whatever stores that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Group:
    """The group that is the desk."""

    chat: int = field(repr=False)
    topics: bool
    """Whether each case has a topic of its own there."""


@dataclass(frozen=True)
class Post:
    """One message of the bot, or a part of one."""

    last: int
    """The last part, by which the whole is known."""
    ref: str
    """The case it belongs to; empty for the room, or a private chat."""


class Memory(Protocol):
    """What one account remembers. Nothing of it tells who somebody is: ids are kept as keyed hashes, or encrypted."""

    async def group(self) -> Group | None:
        """The desk's group, once one was chosen."""
        ...

    async def bind(self, code: str, group: Group) -> bool:
        """Makes a group the desk, if the code was given out for that and is still good; it is used up then."""
        ...

    async def moved(self, chat: int, group: Group) -> None:
        """The desk's group has another id, or has got topics, or has lost them."""
        ...

    async def topic_of(self, chat: int, ref: str) -> int:
        """The topic of a case; 0 if it has none."""
        ...

    async def ref_of(self, chat: int, topic: int) -> str:
        """The case of a topic; empty for a topic of somebody else."""
        ...

    async def keep_topic(self, chat: int, ref: str, topic: int) -> None:
        """A case has got a topic, another one than before perhaps."""
        ...

    async def keep_post(self, chat: int, messages: list[int], ref: str) -> None:
        """Messages of the bot that are one, in order, and the case that they belong to."""
        ...

    async def post(self, chat: int, message: int) -> Post | None:
        """What was kept of a message."""
        ...

    async def parts(self, chat: int, last: int) -> list[int]:
        """The messages that the one known by its last part consists of; at least that one."""
        ...

    async def first_of(self, chat: int, ref: str) -> int:
        """The first message of a case; 0 if there is none."""
        ...

    async def name_of(self, user: int) -> str:
        """How a member of staff is called at the desk."""
        ...

    async def rename(self, user: int, name: str) -> bool:
        """A member of staff wants to be called so; False where somebody else is."""
        ...

    async def forgotten_topics(self, chat: int) -> list[int]:
        """Topics of cases that are deleted; they are forgotten with `drop_topic`."""
        ...

    async def drop_topic(self, chat: int, topic: int) -> None:
        """A topic is gone."""
        ...
