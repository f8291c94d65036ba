"""Somebody who writes on Matrix: an encrypted client (matrix-nio as it comes) and what it shows."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.parse import quote

import nio
from nio.crypto import decrypt_attachment
from nio.store import SqliteMemoryStore

from tests.matrix_server.homeserver import Account, Homeserver

PATIENCE: Final = 20.0
FILTER: Final = {"room": {"timeline": {"limit": 500}}}


@dataclass
class Shown:
    """One message as it stands in a room now."""

    id: str
    sender: str
    order: int
    content: dict[str, Any]
    encrypted: bool
    edited: bool = False
    redacted: bool = False
    reactions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Who reacted, by key."""

    @property
    def text(self) -> str:
        return str(self.content.get("body", ""))

    @property
    def root(self) -> str:
        """The first message of the thread it belongs to."""
        relates = self.content.get("m.relates_to", {})
        return str(relates.get("event_id", "")) if relates.get("rel_type") == "m.thread" else ""


class Person:
    """An account with one device that knows every room it is in."""

    def __init__(self, homeserver: Homeserver, account: Account) -> None:
        self.account, self.user_id = account, account.user_id
        config = nio.AsyncClientConfig(
            store=SqliteMemoryStore, store_sync_tokens=False, max_limit_exceeded=100, max_timeouts=100
        )
        self.client = nio.AsyncClient(homeserver.origin, account.user_id, account.device_id, config=config)
        self.rooms: dict[str, dict[str, Shown]] = defaultdict(dict)
        self.taken: set[str] = set()
        """Every event that came, whatever it is."""
        self.undecrypted: list[nio.MegolmEvent] = []
        self.left: set[str] = set()
        self.accepts = False
        """Whether every invitation is accepted."""
        self.typing: dict[str, list[str]] = defaultdict(list)
        """Who is writing, each time that changed, by room."""
        self.read: dict[str, set[str]] = defaultdict(set)
        """Messages that somebody else has read, by room."""
        self.changed = asyncio.Event()
        self._reactions: dict[str, tuple[str, str, str]] = {}
        self._orders = count(1)
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
        self.changed.set()
        self.changed = asyncio.Event()

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
                    kept = before.content.get("m.relates_to")
                    before.content, before.edited = dict(content["m.new_content"]), True
                    if kept:
                        before.content["m.relates_to"] = kept
            elif event.event_id not in shown:
                shown[event.event_id] = Shown(
                    event.event_id, event.sender, next(self._orders), content, bool(event.decrypted)
                )

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

    async def catches_up(self, room: str) -> None:
        """Waits until everything is there that is in the room by now."""
        path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/messages?dir=b&limit=1"
        newest = (await self.ask("GET", path))["chunk"][0]["event_id"]
        await self.until(lambda: newest in self.taken and not self.undecrypted, "the newest event")

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

    async def opens(self, other: str, *, encrypted: bool = True, wait: bool = True) -> str:
        """Begins a direct chat; returns the room once the other is in it."""
        state = [nio.EnableEncryptionBuilder().as_dict()] if encrypted else []
        made = await self.client.room_create(
            is_direct=True, invite=[other], preset=nio.RoomPreset.private_chat, initial_state=state
        )
        assert isinstance(made, nio.RoomCreateResponse), made
        if wait:
            await self.until(lambda: self._is_there(other, made.room_id), f"{other} in the room")
        return str(made.room_id)

    def _is_there(self, other: str, room: str) -> bool:
        known = self.client.rooms.get(room)
        return known is not None and other in known.users and other not in known.invited_users

    async def joins(self, room: str) -> None:
        """Accepts an invitation."""
        answer = await self.client.join(room)
        assert isinstance(answer, nio.JoinResponse), answer
        await self.until(lambda: room in self.client.rooms, "the room")

    async def sends(
        self, room: str, content: dict[str, Any], kind: str = "m.room.message", tx: str | None = None
    ) -> str:
        answer = await self.client.room_send(room, kind, content, tx, ignore_unverified_devices=True)
        assert isinstance(answer, nio.RoomSendResponse), answer
        return str(answer.event_id)

    async def says(self, room: str, text: str, *, tx: str | None = None, thread: str = "", answers: str = "") -> str:
        relates: dict[str, Any] = {}
        if thread:
            relates = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": not answers}
            relates["m.in_reply_to"] = {"event_id": answers or thread}
        elif answers:
            relates = {"m.in_reply_to": {"event_id": answers}}
        content = {"msgtype": "m.text", "body": text, **({"m.relates_to": relates} if relates else {})}
        return await self.sends(room, content, tx=tx)

    async def edits(self, room: str, event: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        relates = {"rel_type": "m.replace", "event_id": event}
        return await self.sends(room, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relates})

    async def reacts(self, room: str, event: str, key: str) -> str:
        relates = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.sends(room, {"m.relates_to": relates}, "m.reaction")

    async def redacts(self, room: str, event: str) -> None:
        answer = await self.client.room_redact(room, event)
        assert isinstance(answer, nio.RoomRedactResponse), answer

    async def sends_file(self, room: str, kind: str, data: bytes, name: str = "x.bin", **more: Any) -> str:
        """`kind` is a msgtype: m.image, m.audio, m.video or m.file."""
        encrypted = self.client.rooms[room].encrypted
        sent, keys = await self.client.upload(
            io.BytesIO(data),
            "application/octet-stream",
            None if encrypted else name,
            encrypt=encrypted,
            filesize=len(data),
        )
        assert isinstance(sent, nio.UploadResponse), sent
        content: dict[str, Any] = {"msgtype": kind, "body": name, "info": {"size": len(data)}, **more}
        if keys is not None:
            content["file"] = {**keys, "url": sent.content_uri}
        else:
            content["url"] = sent.content_uri
        return await self.sends(room, content)

    async def fetch(self, content: dict[str, Any]) -> bytes:
        """What is in a file."""
        file = content.get("file")
        answer = await self.client.download(mxc=file["url"] if file else content["url"])
        assert isinstance(answer, nio.MemoryDownloadResponse), answer
        body = bytes(answer.body)
        if file is None:
            return body
        return bytes(decrypt_attachment(body, file["key"]["k"], file["hashes"]["sha256"], file["iv"]))

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Any request of this account."""
        headers = {"Authorization": f"Bearer {self.account.access_token}"}
        answer = await self.client.send(method, path, None if body is None else json.dumps(body), headers)
        found: dict[str, Any] = await answer.json()
        return found
