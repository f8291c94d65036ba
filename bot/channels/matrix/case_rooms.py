"""A room for each case, where a contact point wants that instead of threads: who is in it, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from bot.channels.matrix.answers import Failed
from bot.channels.matrix.client import Client
from bot.channels.matrix.memory import Kind, Room
from bot.channels.matrix.new_room import case_room
from bot.channels.matrix.rooms import Rooms
from bot.delivery import TryLater

SHOWN_WITHIN: Final = 20.0
"""Seconds in which a homeserver tells of a room that was made."""


class CaseRooms:
    """The rooms of cases. Whoever is in the room of the desk is in each of them, and nobody else."""

    def __init__(self) -> None:
        self._making = asyncio.Lock()
        self._invited: dict[str, set[str]] = {}
        """Who was invited to rooms that were made, and of which the homeserver has not told all yet, by case."""
        self._changed = asyncio.Event()

    def came(self) -> None:
        """The homeserver has told of a room."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def of(self, client: Client, rooms: Rooms, desk: str, ref: str) -> tuple[str, bool]:
        """The room of a case, and whether it is new; raises Failed, or TryLater while it is being made."""
        if (known := self._ready(client, rooms, ref)) is not None:
            return known, False
        async with self._making:
            is_new = rooms.of_case(ref) is None
            if is_new and ref not in self._invited:
                there = staff(client, desk)
                await client.ask("POST", "/_matrix/client/v3/createRoom", case_room(ref, there))
                self._invited[ref] = set(there)
            try:
                async with asyncio.timeout(SHOWN_WITHIN):
                    while (found := self._ready(client, rooms, ref)) is None:
                        await self._changed.wait()
            except TimeoutError:
                raise TryLater(SHOWN_WITHIN) from None
            self._invited.pop(ref, None)
            return found, is_new

    def _ready(self, client: Client, rooms: Rooms, ref: str) -> str | None:
        """The room of a case, once it is all it has to be: homeservers tell of it when it is half made."""
        room = rooms.of_case(ref)
        known = client.rooms.get(room.id) if room is not None else None
        if room is None or known is None or not known.encrypted or known.history_visibility != "invited":
            return None
        return room.id if self._invited.get(ref, set()) <= set(known.users) else None

    async def see_to_members(self, client: Client, rooms: Rooms, desk: str) -> None:
        """Invites who is new at the desk, and takes out who is there no longer; raises Failed."""
        wanted = set(staff(client, desk))
        for room in rooms:
            if room.kind is not Kind.CASE or (known := client.rooms.get(room.id)) is None:
                continue
            there = {each for each in known.users if each != client.user_id}
            for user in sorted(wanted - there):
                await _act(client, room, "invite", user)
            for user in sorted(there - wanted):
                await _act(client, room, "kick", user)

    async def dissolve(self, client: Client, room: Room) -> None:
        """Takes back what was said in a room, and sends everybody away; raises Failed."""
        base = f"/_matrix/client/v3/rooms/{quote(room.id, safe='')}/messages?dir=b&limit=100"
        path = base
        while path:
            found = await client.ask("GET", path)
            for event in found.get("chunk", ()):
                if "state_key" not in event and event.get("type") != "m.room.redaction" and event.get("content"):
                    await client.redact(room.id, str(event["event_id"]), f"gone{event['event_id']}")
            path = f"{base}&from={quote(found['end'], safe='')}" if found.get("end") else ""
        known = client.rooms.get(room.id)
        for user in sorted(known.users) if known is not None else ():
            if user != client.user_id:
                await _act(client, room, "kick", user)


def staff(client: Client, desk: str) -> Sequence[str]:
    """Who is in the room of the desk, besides the bot."""
    known = client.rooms.get(desk)
    if known is None:
        return ()
    return [each for each in known.users if each != client.user_id and each not in known.invited_users]


async def _act(client: Client, room: Room, what: str, user: str) -> None:
    try:
        await client.ask("POST", f"/_matrix/client/v3/rooms/{quote(room.id, safe='')}/{what}", {"user_id": user})
    except Failed as error:
        # They have come or gone by themselves.
        if not error.is_gone:
            raise
