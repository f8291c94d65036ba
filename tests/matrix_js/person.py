"""Somebody who writes on Matrix with matrix-js-sdk and trusts only devices that their owners have signed."""

from __future__ import annotations

import base64
from collections import defaultdict
from typing import Any

from tests.matrix_js.process import shared
from tests.matrix_server.homeserver import Account, Homeserver
from tests.matrix_server.somebody import Shown, Somebody


class JsPerson(Somebody):
    """Signs their own device; `isolated` is the strict mode, in which others' devices have to be signed as well."""

    def __init__(self, homeserver: Homeserver, account: Account, *, isolated: bool = True) -> None:
        super().__init__(homeserver, account)
        self.undecrypted: dict[str, str] = {}
        """Why, by message."""
        self._warnings: dict[str, str] = {}
        self._isolated = isolated
        self._node = shared()
        self._states: dict[str, dict[str, Any]] = {}

    async def start(self) -> None:
        self._node.listen(self.user_id, self._take)
        await self._does(
            "start",
            origin=self.homeserver.origin,
            device=self.account.device_id,
            token=self.account.access_token,
            isolated=self._isolated,
        )

    async def stop(self) -> None:
        self._node.forget(self.user_id)
        await self._does("stop")

    @property
    def warnings(self) -> dict[str, str]:
        return self._warnings

    async def _does(self, act: str, **given: Any) -> Any:
        return await self._node.ask(self.user_id, act, **given)

    def _take(self, said: dict[str, Any]) -> None:
        room = said["room"]
        if "state" in said:
            self._states[room] = said["state"]
            self.rooms.setdefault(room, {})
            if said["state"]["mine"] == "leave":
                self.left.add(room)
        elif "typing" in said:
            self.typing[room].append(" ".join(said["typing"]))
        elif "read" in said:
            self.read[room] |= set(said["read"])
        else:
            self._show(room, said["message"])
        self.tells()

    def _show(self, room: str, message: dict[str, Any]) -> None:
        name, failure = message["id"], message["failure"]
        self._warnings.pop(name, None)
        if message["sender"] != self.user_id and (warning := failure or message["shield"]):
            self._warnings[name] = warning
        if failure:
            self.undecrypted[name] = failure
            return
        self.undecrypted.pop(name, None)
        if message["isEdit"]:
            return
        shown = self.rooms[room].get(name)
        if shown is None:
            shown = Shown(name, message["sender"], next(self._orders), {}, message["encrypted"])
            self.rooms[room][name] = shown
        shown.content, shown.root = message["content"], message["root"]
        shown.edited, shown.redacted = message["edited"], message["redacted"]
        shown.reactions = defaultdict(set, {key: set(by) for key, by in message["reactions"]})

    async def catches_up(self, room: str) -> None:
        await self._does("catchUp", room=room, event=await self.newest(room))

    def membership(self, user_id: str, room: str) -> str:
        members: dict[str, str] = self._states.get(room, {}).get("members", {})
        found = members.get(user_id, "")
        return found if found in ("join", "invite") else ""

    def is_encrypted(self, room: str) -> bool:
        return bool(self._states[room]["encrypted"])

    async def makes_room(self, *others: str, encrypted: bool) -> str:
        return str(await self._does("open", others=others, encrypted=encrypted))

    async def joins(self, room: str) -> None:
        await self._does("join", room=room)
        await self.until(lambda: self.membership(self.user_id, room) == "join", "the room")

    async def invites(self, room: str, other: str) -> None:
        await self._does("invite", room=room, other=other)

    async def leaves(self, room: str) -> None:
        await self._does("leave", room=room)

    async def kicks(self, room: str, other: str) -> None:
        await self._does("kick", room=room, other=other)

    async def sends(
        self, room: str, content: dict[str, Any], kind: str = "m.room.message", tx: str | None = None, thread: str = ""
    ) -> str:
        return str(await self._does("send", room=room, kind=kind, content=content, thread=thread, tx=tx))

    async def redacts(self, room: str, event: str) -> None:
        await self._does("redact", room=room, event=event)

    async def uploads(self, room: str, data: bytes, name: str) -> dict[str, Any]:
        where: dict[str, Any] = await self._does(
            "upload", data=base64.b64encode(data).decode(), name=name, encrypted=self.is_encrypted(room)
        )
        return where

    async def fetch(self, content: dict[str, Any]) -> bytes:
        file = content.get("file")
        return base64.b64decode(await self._does("download", url=file["url"] if file else content["url"], file=file))
