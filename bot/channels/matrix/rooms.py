"""The rooms of one account: who is where, kept in memory and in store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.channels.matrix.memory import Kind, Room


class Rooms:
    """What is known of the rooms that the bot is in, or is invited to."""

    def __init__(self, rooms: Iterable[Room] = ()) -> None:
        self._rooms = {each.id: each for each in rooms}
        self._heard = max((each.heard for each in self._rooms.values()), default=0)

    def __iter__(self) -> Iterator[Room]:
        return iter(tuple(self._rooms.values()))

    def get(self, room: str) -> Room | None:
        return self._rooms.get(room)

    def put(self, room: Room) -> None:
        self._rooms[room.id] = room

    def drop(self, room: str) -> None:
        self._rooms.pop(room, None)

    def of(self, person: str) -> Room | None:
        """The private room in which somebody was heard last."""
        theirs = [each for each in self._rooms.values() if each.kind is Kind.PRIVATE and each.person == person]
        return max(theirs, key=lambda each: each.heard, default=None)

    def of_case(self, ref: str) -> Room | None:
        """The room of a case; None if it has none."""
        return next((each for each in self._rooms.values() if each.kind is Kind.CASE and each.ref == ref), None)

    def heard(self, room: Room) -> Room | None:
        """The room as it is after somebody spoke there; None if that changes nothing."""
        if room.heard == self._heard and self._heard:
            return None
        others = [e for e in self._rooms.values() if e.person == room.person and e.id != room.id]
        if room.heard and not others:
            return None
        self._heard += 1
        return replace(room, heard=self._heard)
