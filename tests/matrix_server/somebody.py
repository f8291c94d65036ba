"""Somebody who writes on Matrix, with whichever client: what their rooms show, and what they do there."""

from __future__ import annotations

import asyncio
import json
import urllib.error
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.parse import quote

from tests.matrix_server.homeserver import Account, Homeserver

PATIENCE: Final = 20.0


@dataclass
class Shown:
    """One message as it stands in a room now."""

    id: str
    sender: str
    order: int
    content: dict[str, Any]
    encrypted: bool
    root: str = ""
    """The first message of the thread it belongs to."""
    edited: bool = False
    redacted: bool = False
    reactions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Who reacted, by key."""

    @property
    def text(self) -> str:
        return str(self.content.get("body", ""))


class Somebody(ABC):
    """An account with one device that knows every room it is in."""

    undecrypted: Sized
    """What came and cannot be read."""

    def __init__(self, homeserver: Homeserver, account: Account) -> None:
        self.homeserver, self.account, self.user_id = homeserver, account, account.user_id
        self.rooms: dict[str, dict[str, Shown]] = defaultdict(dict)
        self.left: set[str] = set()
        self.typing: dict[str, list[str]] = defaultdict(list)
        """Who is writing, each time that changed, by room."""
        self.read: dict[str, set[str]] = defaultdict(set)
        """Messages that somebody else has read, by room."""
        self.changed = asyncio.Event()
        self._orders = count(1)

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    def membership(self, user_id: str, room: str) -> str:
        """join, invite, or nothing of that; their own as well."""

    @abstractmethod
    def is_encrypted(self, room: str) -> bool: ...

    @abstractmethod
    async def sends(
        self, room: str, content: dict[str, Any], kind: str = "m.room.message", tx: str | None = None, thread: str = ""
    ) -> str:
        """Returns the id of the event."""

    @abstractmethod
    async def redacts(self, room: str, event: str) -> None: ...

    @abstractmethod
    async def uploads(self, room: str, data: bytes, name: str) -> dict[str, Any]:
        """What a message says about where a file is, and how it is encrypted."""

    @abstractmethod
    async def fetch(self, content: dict[str, Any]) -> bytes:
        """What is in a file."""

    @abstractmethod
    async def catches_up(self, room: str) -> None:
        """Waits until everything is there that is in the room by now."""

    @abstractmethod
    async def makes_room(self, *others: str, encrypted: bool) -> str:
        """A private chat with others, who are invited."""

    @abstractmethod
    async def joins(self, room: str) -> None:
        """Accepts an invitation."""

    @abstractmethod
    async def invites(self, room: str, other: str) -> None: ...

    @abstractmethod
    async def leaves(self, room: str) -> None: ...

    @abstractmethod
    async def kicks(self, room: str, other: str) -> None: ...

    @property
    def warnings(self) -> dict[str, str]:
        """What an app would say about messages of others, apart from what they say."""
        return {}

    def tells(self) -> None:
        """Something has changed; whoever waits looks again."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def until(self, look: Callable[[], Any], what: str = "") -> Any:
        """Waits until a look finds something."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := look()):
                    await self.changed.wait()
                return found
        except TimeoutError:
            seen = [[each.text for each in room.values()][-6:] for room in self.rooms.values()]
            raise AssertionError(f"{what or 'it'} never came; {seen}, undecrypted {len(self.undecrypted)}") from None

    def by(self, sender: str, room: str) -> list[Shown]:
        """What somebody else wrote in a room, oldest first."""
        return [each for each in self.rooms[room].values() if each.sender == sender]

    async def sees(self, words: str, room: str) -> Shown:
        """The newest message of somebody else with these words."""

        def look() -> Shown | None:
            found = [each for each in self.rooms[room].values() if words in each.text and each.sender != self.user_id]
            return found[-1] if found else None

        shown: Shown = await self.until(look, repr(words))
        return shown

    async def newest(self, room: str) -> str:
        """The newest event of a room, whatever it is."""
        path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/messages?dir=b&limit=1"
        return str((await self.ask("GET", path))["chunk"][0]["event_id"])

    async def opens(self, other: str, *, encrypted: bool = True, wait: bool = True) -> str:
        """Begins a direct chat; returns the room once the other is in it."""
        room = await self.makes_room(other, encrypted=encrypted)
        if wait:
            await self.until(lambda: self.membership(other, room) == "join", f"{other} in the room")
        return room

    async def says(self, room: str, text: str, *, tx: str | None = None, thread: str = "", answers: str = "") -> str:
        relates = {"m.relates_to": {"m.in_reply_to": {"event_id": answers}}} if answers else {}
        return await self.sends(room, {"msgtype": "m.text", "body": text, **relates}, tx=tx, thread=thread)

    async def edits(self, room: str, event: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relates = {"rel_type": "m.replace", "event_id": event}
        return await self.sends(room, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relates})

    async def reacts(self, room: str, event: str, key: str) -> str:
        relates = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.sends(room, {"m.relates_to": relates}, "m.reaction")

    async def sends_file(self, room: str, kind: str, data: bytes, name: str = "x.bin", **more: Any) -> str:
        """`kind` is a msgtype: m.image, m.audio, m.video or m.file."""
        where = await self.uploads(room, data, name)
        return await self.sends(room, {"msgtype": kind, "body": name, "info": {"size": len(data)}, **where, **more})

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any request of this account."""
        try:
            return await asyncio.to_thread(self.homeserver.ask, method, path, body, self.account.access_token)
        except urllib.error.HTTPError as error:
            with error:
                found: dict[str, Any] = json.loads(error.read())
                return found
