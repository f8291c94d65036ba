"""Somebody who writes on Matrix with matrix-nio as it comes, the library that the bot is made with."""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import Any, Final

import nio
from nio.crypto import decrypt_attachment
from nio.store import SqliteMemoryStore

from tests.matrix_server.homeserver import Account, Homeserver
from tests.matrix_server.somebody import Shown, Somebody

FILTER: Final = {"room": {"timeline": {"limit": 500}}}


class Person(Somebody):
    """With matrix-nio."""

    def __init__(self, homeserver: Homeserver, account: Account) -> None:
        super().__init__(homeserver, account)
        config = nio.AsyncClientConfig(
            store=SqliteMemoryStore, store_sync_tokens=False, max_limit_exceeded=100, max_timeouts=100
        )
        self.client = nio.AsyncClient(homeserver.origin, account.user_id, account.device_id, config=config)
        self.taken: set[str] = set()
        """Every event that came, whatever it is."""
        self.undecrypted: list[nio.MegolmEvent] = []
        self.accepts = False
        """Whether every invitation is accepted."""
        self._reactions: dict[str, tuple[str, str, str]] = {}
        self._syncing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.client.restore_login(self.user_id, self.account.device_id, self.account.access_token)
        await self._sync(full_state=True, timeout=0)
        self.follow()

    def follow(self) -> None:
        """Begins to look at what comes."""
        self._syncing = asyncio.create_task(self._follow())

    async def rest(self) -> None:
        """Looks at nothing for a while."""
        if self._syncing is not None:
            self._syncing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._syncing
            self._syncing = None

    async def stop(self) -> None:
        await self.rest()
        await self.client.close()

    async def _follow(self) -> None:
        while True:
            await self._sync()

    async def _sync(self, full_state: bool = False, timeout: int = 20000) -> None:
        answer = await self.client.sync(timeout, FILTER, full_state=full_state)
        if not isinstance(answer, nio.SyncResponse):
            await asyncio.sleep(0.2)
            return
        if answer.device_key_count.signed_curve25519 == 0 and self.client.olm is not None:
            self.client.olm.uploaded_key_count = 0
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        if self.client.should_query_keys:
            await self.client.keys_query()
        for waiting in list(self.undecrypted):
            with contextlib.suppress(nio.EncryptionError):
                event = self.client.decrypt_event(waiting)
                self.undecrypted.remove(waiting)
                self._take(waiting.room_id, event)
        for room, left in answer.rooms.leave.items():
            self.left.add(room)
            self.rooms.setdefault(room, {})
            for event in left.timeline.events:
                self._take(room, event)
        for room in answer.rooms.invite:
            self.rooms.setdefault(room, {})
            if self.accepts:
                await self.client.join(room)
        for room, info in answer.rooms.join.items():
            for event in info.timeline.events:
                self._take(room, event)
            for told in info.ephemeral:
                if isinstance(told, nio.TypingNoticeEvent):
                    self.typing[room].append(" ".join(each for each in told.users if each != self.user_id))
                elif isinstance(told, nio.ReceiptEvent):
                    self.read[room] |= {each.event_id for each in told.receipts if each.user_id != self.user_id}
        self.tells()

    def _take(self, room: str, event: Any) -> None:
        shown = self.rooms[room]
        self.taken.add(event.event_id)
        if isinstance(event, nio.MegolmEvent):
            event.room_id = room
            self.undecrypted.append(event)
        elif isinstance(event, nio.RedactionEvent):
            if event.redacts in shown:
                gone = shown[event.redacts]
                gone.redacted, gone.content = True, {}
            elif event.redacts in self._reactions:
                about, key, sender = self._reactions[event.redacts]
                shown[about].reactions[key].discard(sender)
        elif isinstance(event, nio.ReactionEvent):
            self._reactions[event.event_id] = (event.reacts_to, event.key, event.sender)
            if event.reacts_to in shown:
                shown[event.reacts_to].reactions[event.key].add(event.sender)
        elif isinstance(event, nio.Event) and event.source["type"] in ("m.room.message", "m.sticker"):
            content = event.source["content"]
            relates = content.get("m.relates_to") or {}
            if relates.get("rel_type") == "m.replace":
                if relates["event_id"] in shown:
                    before = shown[relates["event_id"]]
                    before.content, before.edited = dict(content["m.new_content"]), True
            elif event.event_id not in shown:
                root = str(relates["event_id"]) if relates.get("rel_type") == "m.thread" else ""
                shown[event.event_id] = Shown(
                    event.event_id, event.sender, next(self._orders), content, bool(event.decrypted), root
                )

    def membership(self, user_id: str, room: str) -> str:
        known = self.client.rooms.get(room)
        if known is None or user_id not in known.users:
            return ""
        return "invite" if user_id in known.invited_users else "join"

    async def catches_up(self, room: str) -> None:
        newest = await self.newest(room)
        await self.until(lambda: newest in self.taken and not self.undecrypted, "the newest event")

    def is_encrypted(self, room: str) -> bool:
        return bool(self.client.rooms[room].encrypted)

    async def makes_room(self, *others: str, encrypted: bool) -> str:
        state = [nio.EnableEncryptionBuilder().as_dict()] if encrypted else []
        made = await self.client.room_create(
            is_direct=True, invite=list(others), preset=nio.RoomPreset.private_chat, initial_state=state
        )
        assert isinstance(made, nio.RoomCreateResponse), made
        return str(made.room_id)

    async def joins(self, room: str) -> None:
        answer = await self.client.join(room)
        assert isinstance(answer, nio.JoinResponse), answer
        await self.until(lambda: room in self.client.rooms, "the room")

    async def invites(self, room: str, other: str) -> None:
        answer = await self.client.room_invite(room, other)
        assert isinstance(answer, nio.RoomInviteResponse), answer

    async def leaves(self, room: str) -> None:
        answer = await self.client.room_leave(room)
        assert isinstance(answer, nio.RoomLeaveResponse), answer

    async def kicks(self, room: str, other: str) -> None:
        answer = await self.client.room_kick(room, other)
        assert isinstance(answer, nio.RoomKickResponse), answer

    async def sends(
        self, room: str, content: dict[str, Any], kind: str = "m.room.message", tx: str | None = None, thread: str = ""
    ) -> str:
        if thread:
            answers = content.get("m.relates_to", {}).get("m.in_reply_to")
            relates = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": answers is None}
            relates["m.in_reply_to"] = answers or {"event_id": thread}
            content = {**content, "m.relates_to": relates}
        answer = await self.client.room_send(room, kind, content, tx, ignore_unverified_devices=True)
        assert isinstance(answer, nio.RoomSendResponse), answer
        return str(answer.event_id)

    async def redacts(self, room: str, event: str) -> None:
        answer = await self.client.room_redact(room, event)
        assert isinstance(answer, nio.RoomRedactResponse), answer

    async def uploads(self, room: str, data: bytes, name: str) -> dict[str, Any]:
        encrypted = self.is_encrypted(room)
        sent, keys = await self.client.upload(
            io.BytesIO(data),
            "application/octet-stream",
            None if encrypted else name,
            encrypt=encrypted,
            filesize=len(data),
        )
        assert isinstance(sent, nio.UploadResponse), sent
        return {"url": sent.content_uri} if keys is None else {"file": {**keys, "url": sent.content_uri}}

    async def fetch(self, content: dict[str, Any]) -> bytes:
        file = content.get("file")
        answer = await self.client.download(mxc=file["url"] if file else content["url"])
        assert isinstance(answer, nio.MemoryDownloadResponse), answer
        body = bytes(answer.body)
        if file is None:
            return body
        return bytes(decrypt_attachment(body, file["key"]["k"], file["hashes"]["sha256"], file["iv"]))
