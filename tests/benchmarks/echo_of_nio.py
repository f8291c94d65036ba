"""A bot of matrix-nio as its examples are: joins, and repeats every message from a callback."""

from __future__ import annotations

import asyncio
import sys

import nio


async def serve(origin: str, user: str, password: str, store: str) -> None:
    config = nio.AsyncClientConfig(store_sync_tokens=True)
    client = nio.AsyncClient(origin, user, store_path=store, config=config)
    await client.login(password)

    async def invited(room: nio.MatrixRoom, event: nio.InviteMemberEvent) -> None:
        if event.membership == "invite" and event.state_key == client.user_id:
            await client.join(room.room_id)

    async def heard(room: nio.MatrixRoom, event: nio.RoomMessageText) -> None:
        if event.sender != client.user_id:
            content = {"msgtype": "m.text", "body": f"I did not understand {event.body}"}
            await client.room_send(room.room_id, "m.room.message", content, ignore_unverified_devices=True)

    client.add_event_callback(invited, nio.InviteMemberEvent)  # type: ignore[arg-type]
    client.add_event_callback(heard, nio.RoomMessageText)  # type: ignore[arg-type]
    await client.sync_forever(30000, full_state=True)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:5]))
