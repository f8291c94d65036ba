"""The memory of the web page in the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.channels.web.memory import Kept, Place
from storage import web_messages
from storage.database import Database


class StoredMemory:
    """Keeps what stands on the web page in the encrypted table `web_message`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, place: Place, message_id: str, payload: Mapping[str, Any], at: datetime) -> Kept:
        def work() -> Kept:
            with self._database.transaction(place.contact_point) as session:
                thread = "" if place.chat else _thread(payload)
                row = web_messages.keep(session, place.contact_point, place.chat, message_id, payload, at, thread)
                return _kept(place, row)

        return await self._database.run(work)

    async def find(self, place: Place, message_id: str) -> Kept | None:
        def work() -> Kept | None:
            with self._database.transaction(place.contact_point) as session:
                row = web_messages.find(session, place.chat, message_id)
                return None if row is None else _kept(place, row)

        return await self._database.run(work)

    async def after(self, places: Sequence[Place], version: int, at_most: int) -> Sequence[Kept]:
        contact_point = places[0].contact_point

        def work() -> list[Kept]:
            with self._database.transaction(contact_point) as session:
                rows = web_messages.after(session, [place.chat for place in places], version, at_most)
                return [_kept(Place(contact_point, chat), row) for chat, row in rows]

        return await self._database.run(work)

    async def newest(self, contact_point: str) -> int:
        def work() -> int:
            with self._database.transaction(contact_point) as session:
                return web_messages.newest(session)

        return await self._database.run(work)


def _thread(payload: Mapping[str, Any]) -> str:
    """The case that a message of the desk belongs to; empty for the room."""
    said = payload.get("message") or payload.get("inbound") or {}
    return str(said.get("thread") or "")


def _kept(place: Place, row: web_messages.WebMessage) -> Kept:
    return Kept(place, row.message_id, row.id, row.version, row.created_at, row.payload)
