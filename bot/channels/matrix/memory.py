"""What the Matrix channel remembers: the seam between it and whatever stores that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """What a room is to the bot."""

    INVITED = "INVITED"
    """Invited to, and not joined yet, or joined and not seen yet."""
    PRIVATE = "PRIVATE"
    """One person and the bot."""
    DESK = "DESK"
    CASE = "CASE"
    """Staff and the bot, about one case."""


@dataclass(frozen=True)
class Room:
    """A room that the bot is in, or is invited to."""

    id: str = field(repr=False)
    kind: Kind
    person: str = field(default="", repr=False)
    """Who is there with the bot, or invited it."""
    heard: int = 0
    """Grows with every message: of several rooms of one person, the one heard last is written to."""
    follows: str = field(default="", repr=False)
    """The room that this one replaces."""
    ref: str = ""
    """The case that it is about."""

    @property
    def is_of_staff(self) -> bool:
        return self.kind in (Kind.DESK, Kind.CASE)


@dataclass(frozen=True)
class Seeds:
    """The private halves of the three keys that sign devices, 32 bytes each, in hexadecimal digits."""

    master: str = field(repr=False)
    self_signing: str = field(repr=False)
    user_signing: str = field(repr=False)


@dataclass(frozen=True)
class Login:
    """The one device that the bot is."""

    user_id: str = field(repr=False)
    device_id: str
    access_token: str = field(repr=False)
    seeds: Seeds = field(repr=False)
    since: str = field(default="", repr=False)
    """The token up to which everything is kept; empty before the first look."""
    starts: int = 0
    """How often it was begun, or has looked after itself."""


@dataclass(frozen=True)
class Post:
    """One message of the bot, or a part of one."""

    last: str = field(repr=False)
    """The last part, by which the whole is known."""
    ref: str
    """The case it belongs to; empty for the room, or a private chat."""
    signs: Mapping[str, str] = field(default_factory=dict)
    """The option that a reaction stands for."""
    seeds: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The bot's own reactions, by their sign."""


@dataclass(frozen=True)
class Waiting:
    """A message whose key has not come."""

    room: str = field(repr=False)
    event: str = field(repr=False)
    source: Mapping[str, Any] = field(repr=False)
    """The event as it came."""
    since: float
    """When, in seconds since 1970."""
    told: bool = False
    """Whether its sender knows."""


Change = tuple[str, str, Any]
"""Kind, name and value of something that encryption needs; None as value: no longer."""


@dataclass(frozen=True)
class Progress:
    """What is kept together with the messages that one look at the homeserver brought, or not at all."""

    since: str = field(default="", repr=False)
    keys: Sequence[Change] = field(default=(), repr=False)
    rooms: Sequence[Room] = field(default=(), repr=False)
    left: Sequence[str] = field(default=(), repr=False)
    waiting: Sequence[Waiting] = field(default=(), repr=False)
    decrypted: Sequence[str] = field(default=(), repr=False)
    """Messages that wait no longer."""


class Memory(Protocol):
    """What one account remembers. Ids of people, rooms and messages are kept as keyed hashes, or encrypted."""

    def hold(self) -> None:
        """What is written from now on is written only as long as this process serves the account without a break."""
        ...

    @property
    def is_held(self) -> bool:
        """Whether it does so, as far as it knows: else what it has in hand may be older than what is stored."""
        ...

    async def login(self) -> Login | None:
        """The device; None before somebody has logged it in."""
        ...

    async def counted(self) -> int:
        """It is begun once more, or has looked after itself; how often now."""
        ...

    async def keys(self) -> list[tuple[str, Any]]:
        """All that encryption needs, each with its kind."""
        ...

    async def keep_keys(self, changes: Sequence[Change]) -> None:
        """All of it or nothing."""
        ...

    async def rooms(self) -> list[Room]:
        """Every room."""
        ...

    async def keep_room(self, room: Room) -> None:
        """A room is known, or has changed."""
        ...

    async def drop_room(self, room: str) -> None:
        """The bot is there no longer."""
        ...

    async def waiting(self) -> list[Waiting]:
        """Messages whose key has not come, oldest first."""
        ...

    async def keep_waiting(self, waiting: Waiting) -> None:
        """One of them has changed."""
        ...

    async def desk(self) -> str:
        """The room that is the desk; empty while none is."""
        ...

    async def moved_desk(self, before: str, after: str) -> None:
        """The room that is the desk was replaced by another one."""
        ...

    async def root_of(self, room: str, ref: str) -> str:
        """The first message of a case's thread; empty if it has none."""
        ...

    async def ref_of(self, room: str, root: str) -> str:
        """The case of a thread; empty for a thread of somebody else."""
        ...

    async def keep_thread(self, room: str, ref: str, root: str) -> None:
        """A case has got a thread."""
        ...

    async def forgotten_threads(self, room: str) -> list[str]:
        """The first messages of threads of cases that are deleted; they are forgotten with `drop_thread`."""
        ...

    async def drop_thread(self, room: str, root: str) -> None:
        """A thread is gone."""
        ...

    async def without_case(self, refs: Sequence[str]) -> list[str]:
        """Those of the cases that are deleted."""
        ...

    async def keep_post(
        self, room: str, events: Sequence[str], ref: str, signs: Mapping[str, str], seeds: Mapping[str, str]
    ) -> None:
        """Messages of the bot that are one, in order, with what reactions to the last of them stand for."""
        ...

    async def post(self, room: str, event: str) -> Post | None:
        """What was kept of a message."""
        ...

    async def parts(self, room: str, last: str) -> list[str]:
        """The messages that the one known by its last part consists of; at least that one."""
        ...

    async def name_of(self, user: str) -> str:
        """How a member of staff is called at the desk."""
        ...

    async def rename(self, user: str, name: str) -> bool:
        """A member of staff wants to be called so; False where that cannot be, because somebody else is."""
        ...

    async def named(self, devices: str) -> bool:
        """The desk is told of the devices that get nothing; False if these are what it was told of before."""
        ...

    async def language_of(self, person: str) -> str:
        """What somebody reads, as far as that is known."""
        ...
