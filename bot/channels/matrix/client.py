"""The connection of one account to its homeserver: matrix-nio, with what it leaves to its users.

What nothing may be lost of is handled here: keys are stored before what needs them is sent, one-time keys never run
out, keys go to all devices they are meant for or the message is not sent, and no wait of nio's own hides an error.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import nio
from aiohttp import ClientConnectionError, ClientResponse
from nio.api import Api
from nio.crypto import Olm, encrypt_attachment

from bot.channels.matrix.answers import Failed, NotThere, Unencrypted
from bot.channels.matrix.keys import KeyStore
from bot.channels.matrix.memory import Change, Login
from bot.channels.matrix.signing import is_signed, signs_devices

REQUEST_SECONDS: Final = 20.0
"""How long a request may take, besides the one that waits for news."""
WAIT_SECONDS: Final = 30
"""How long the homeserver waits for something to tell, at most."""
STARTS: Final = "de.anlaufstelle.starts"
"""The name under which the homeserver keeps how often the bot was begun or has looked after itself (account data)."""
TIMELINE: Final = 200
"""Messages of a room that are told at once; more are fetched. nio's own ten lose some even while one is online."""
_NOTHING: Final[Mapping[str, Any]] = {"types": []}
_QUIET: Final[Mapping[str, Any]] = {"presence": _NOTHING, "account_data": _NOTHING}


def _filter(timeline: int) -> dict[str, Any]:
    room = {"timeline": {"limit": timeline}, "ephemeral": _NOTHING, "account_data": _NOTHING}
    return {**_QUIET, "room": room}


class Client(nio.AsyncClient):
    """One device of one account. It is used by one process at a time, the holder of the account."""

    def __init__(
        self,
        homeserver: str,
        login: Login,
        store: KeyStore,
        keep_keys: Callable[[list[Change]], Awaitable[None]],
        *,
        only_signed: bool = True,
    ) -> None:
        """`only_signed`: once everybody in a room signs devices, those that nobody has signed get no message."""
        config = nio.AsyncClientConfig(
            store_sync_tokens=False,
            max_limit_exceeded=0,
            max_timeouts=0,
            request_timeout=REQUEST_SECONDS,
        )
        super().__init__(homeserver, login.user_id, login.device_id, config=config)
        self.keys = store
        self.user_id = login.user_id
        self.access_token = login.access_token
        kept: Any = store
        self.store = kept
        self.machine = Olm(login.user_id, login.device_id, kept)
        self.olm = self.machine
        self.encrypted_rooms = store.load_encrypted_rooms()
        self.knows_rooms = store.knows_rooms
        """Whether it need not be told everything about every room once more."""
        store.loaded()
        self._ended = False
        self._keep_keys = keep_keys
        self._only_signed = only_signed
        self._keeping = asyncio.Lock()
        self._learning = asyncio.Lock()
        self._rooms: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._signers: dict[str, str | None] = {}
        """The key by which somebody signs devices, of those who were asked for."""
        self._signed: set[tuple[str, str]] = set()
        """Devices, by user and name, that their owner has signed."""
        self.reads_when_invited: Callable[[str], bool] = lambda room: False
        """Whether those who are invited to a room get its keys: they read what was said since then."""
        self._shared: dict[str, frozenset[tuple[str, str]]] = {}
        """The devices left out when a room's key was shared."""

    async def close(self) -> None:
        """Ends the connections; it asks for nothing any more."""
        self._ended = True
        if self.client_session is not None:
            await self.client_session.close()
            self.client_session = None

    def load_store(self) -> None:
        """It is loaded from the start."""

    async def send(
        self,
        method: str,
        path: str,
        data: Any = None,
        headers: dict[str, str] | None = None,
        trace_context: Any = None,
        timeout: float | None = None,  # noqa: ASYNC109  # as it is called by nio
    ) -> ClientResponse:
        """Any request. Whatever it may make use of is stored before."""
        if self.keys.changed and "/sync?" not in path:
            await self.save_keys()
        if self._ended:
            # nio would connect once more, with keys that another client has by now.
            raise ClientConnectionError
        try:
            answer: ClientResponse = await super().send(method, path, data, headers, trace_context, timeout)
        except RuntimeError as error:
            if self._ended:
                raise ClientConnectionError from error
            raise
        return answer

    async def save_keys(self) -> None:
        """Stores what has changed, in order."""
        async with self.storing() as changes:
            if changes:
                await self._keep_keys(changes)

    @asynccontextmanager
    async def storing(self) -> AsyncIterator[list[Change]]:
        """What has changed; it counts as stored unless that is broken off."""
        async with self._keeping:
            changes = self.keys.take()
            try:
                yield changes
            except BaseException:
                self.keys.give_back(changes)
                raise

    async def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A request that nio does not know; raises Failed."""
        headers = {"Authorization": f"Bearer {self.access_token}", "Content-Type": "application/json"}
        try:
            answer = await self.send(method, path, None if body is None else json.dumps(body), headers)
            found = await answer.json()
        except (ClientConnectionError, TimeoutError, ValueError) as error:
            raise Failed from error
        if answer.status != 200 or not isinstance(found, dict):
            problem = found if isinstance(found, dict) else {}
            raise Failed(str(problem.get("errcode", "")), float(problem.get("retry_after_ms") or 0) / 1000)
        return found

    async def starts(self) -> int:
        """How often the account was begun, by what the homeserver knows; raises Failed."""
        try:
            found = await self.ask("GET", self._starts_path)
        except Failed as error:
            if error.code == "M_NOT_FOUND":
                return 0
            raise
        starts = found.get("starts")
        return starts if isinstance(starts, int) else 0

    async def count_starts(self, starts: int) -> None:
        """So often it was begun, or has looked after itself; raises Failed."""
        await self.ask("PUT", self._starts_path, {"starts": starts})

    @property
    def _starts_path(self) -> str:
        return f"/_matrix/client/v3/user/{quote(self.user_id, safe='')}/account_data/{STARTS}"

    def know_room(self, room: str, *people: str) -> None:
        """A room is as it was when the token was stored: with these people, encrypted if it was."""
        known = self.rooms[room] = nio.MatrixRoom(room, self.user_id, room in self.encrypted_rooms)
        known.members_synced = True
        for each in (self.user_id, *people):
            known.add_member(each, None, None)

    async def ask_who_is_in(self, rooms: Sequence[str]) -> None:
        """Has the homeserver tell who is in some rooms now, and in which of them it is; raises Failed."""
        state = ["m.room.member", "m.room.encryption", "m.room.history_visibility"]
        wanted = {"rooms": list(rooms), "timeline": {"limit": 0}, "state": {"types": state}, "ephemeral": _NOTHING}
        asked = quote(json.dumps({**_QUIET, "room": wanted}), safe="")
        answer = await self.ask("GET", f"/_matrix/client/v3/sync?filter={asked}&set_presence=offline")
        for room, told in answer.get("rooms", {}).get("join", {}).items():
            self.know_room(room)
            for each in told.get("state", {}).get("events", ()):
                event = nio.Event.parse_event(each)
                if isinstance(event, nio.RoomMemberEvent):
                    self.rooms[room].handle_membership(event)
                else:
                    self.rooms[room].handle_event(event)
            self.machine.update_tracked_users(self.rooms[room])

    async def look(self, since: str, *, whole: bool, patient: bool = True) -> nio.SyncResponse:
        """What is new; `whole` also tells what rooms there are and who is in them. Raises Failed.

        `patient`: the homeserver may wait until there is something.
        """
        first = not since
        try:
            answer = await self.sync(
                WAIT_SECONDS * 1000 if patient else 0,
                _filter(0 if first else TIMELINE),
                since or None,
                full_state=whole or None,
                set_presence="offline",
            )
        except (ClientConnectionError, TimeoutError) as error:
            raise Failed from error
        if not isinstance(answer, nio.SyncResponse):
            raise Failed.of(answer)
        for each in self.rooms.values():
            # Nothing was asked to be left out.
            each.members_synced = True
        if answer.device_key_count.signed_curve25519 == 0:
            # nio takes this for "not told", and would never make new ones.
            self.machine.uploaded_key_count = 0
        return answer

    async def earlier(self, room: str, start: str, end: str) -> list[Any]:
        """What was said between two tokens, oldest first; raises Failed."""
        found: list[Any] = []
        while True:
            try:
                answer = await self.room_messages(room, start, end, nio.MessageDirection.back, TIMELINE)
            except (ClientConnectionError, TimeoutError) as error:
                raise Failed from error
            if not isinstance(answer, nio.RoomMessagesResponse):
                raise Failed.of(answer)
            found += answer.chunk
            if not answer.chunk or not answer.end or answer.end == start:
                return found[::-1]
            start = answer.end

    async def tend_keys(self) -> None:
        """What has to be done about keys after every look; raises Failed, also `M_KEYS_TAKEN`."""
        if self.machine.should_upload_keys:
            await self.upload_keys()
        await self.learn_keys()
        try:
            if self.machine.wedged_devices or self.machine.key_request_devices_no_session:
                await self.keys_claim(self.machine.get_users_for_key_claiming())
            await self.send_to_device_messages()
        except (ClientConnectionError, TimeoutError) as error:
            raise Failed from error

    async def upload_keys(self) -> None:
        """Raises Failed; `M_KEYS_TAKEN` if this device's keys are not those that the homeserver knows."""
        keys = self.machine.share_keys()
        # Whoever is killed now must not make other keys of the same names.
        self.keys.save_account(self.machine.account)
        try:
            answer = await self._send(nio.KeysUploadResponse, *Api.keys_upload(self.access_token, keys))
        except (ClientConnectionError, TimeoutError) as error:
            raise Failed from error
        if isinstance(answer, nio.ErrorResponse):
            if "already exists" in (answer.message or ""):
                raise Failed("M_KEYS_TAKEN")
            raise Failed.of(answer)

    async def learn_keys(self) -> None:
        """Asks for the devices of those who are new, or have new ones; raises Failed."""
        async with self._learning:
            if not self.machine.should_query_keys:
                return
            try:
                answer = await self.keys_query()
            except (ClientConnectionError, TimeoutError) as error:
                raise Failed from error
            if not isinstance(answer, nio.KeysQueryResponse):
                raise Failed.of(answer)

    async def create_matrix_response(
        self, response_class: type, transport_response: ClientResponse, *args: Any, **more: Any
    ) -> Any:
        """As nio does it; of the answer about keys it drops who has signed them."""
        answer = await super().create_matrix_response(response_class, transport_response, *args, **more)
        if isinstance(answer, nio.KeysQueryResponse):
            self._learn_signatures(await transport_response.json())
        return answer

    def _learn_signatures(self, found: Mapping[str, Any]) -> None:
        for user, devices in found.get("device_keys", {}).items():
            key = signs_devices(user, found)
            self._signers[user] = key
            for name, device in devices.items():
                if key is not None and is_signed(device, user, key):
                    self._signed.add((user, name))
                else:
                    self._signed.discard((user, name))

    def left_out(self, room: str) -> frozenset[tuple[str, str]]:
        """Devices that get no message of this room: once everybody there signs their devices, the others."""
        known = self.rooms.get(room)
        if known is None or not self._only_signed:
            return frozenset()
        members = [each for each in known.users if each != self.user_id]
        if not all(self._signers.get(each) for each in members):
            return frozenset()
        devices = (each for user in members for each in self.machine.device_store.active_user_devices(user))
        return frozenset((each.user_id, each.id) for each in devices) - self._signed

    def is_trusted(self, room: str, event: nio.Event | nio.BadEvent) -> bool:
        """Whether a message may count as its sender's own: it was encrypted, by a device that is not left out.

        The homeserver says who sent it; that one of their devices has encrypted it is known.
        """
        if not event.decrypted:
            return False
        device = self.machine.device_store.device_from_sender_key(event.sender, event.sender_key or "")
        return device is not None and (event.sender, device.id) not in self.left_out(room)

    async def say(self, room: str, kind: str, content: dict[str, Any], tx: str, *, encrypted: bool = False) -> str:
        """Sends one event and returns its id; the same `tx` is the same event. Raises Failed, NotThere, Unencrypted.

        `encrypted`: it must not go out otherwise.
        """
        async with self._rooms[room]:
            known = self.rooms.get(room)
            if known is None:
                raise NotThere
            if encrypted and not known.encrypted:
                raise Unencrypted
            try:
                if known.encrypted and kind != "m.reaction":
                    await self._share_keys(room)
                    kind, content = self.encrypt(room, kind, content)
                answer = await self._send(
                    nio.RoomSendResponse, *Api.room_send(self.access_token, room, kind, content, tx), (room,)
                )
            except (ClientConnectionError, TimeoutError) as error:
                raise Failed from error
        if not isinstance(answer, nio.RoomSendResponse):
            raise Failed.of(answer)
        return str(answer.event_id)

    async def _share_keys(self, room: str) -> None:
        """Sees to it that everybody who may read the room can; nio would go on where a key did not get through."""
        known = self.rooms[room]
        self.machine.update_tracked_users(known)
        await self.learn_keys()
        left_out = self.left_out(room)
        if self._shared.get(room, left_out) != left_out:
            self.invalidate_outbound_session(room)
        if not self.machine.should_share_group_session(room):
            return
        waiting = () if self.reads_when_invited(room) else known.invited_users
        users = [each for each in known.users if each not in waiting]
        missing = self.machine.get_missing_sessions(users)
        if missing:
            claimed = await self.keys_claim(missing)
            if not isinstance(claimed, nio.KeysClaimResponse):
                raise Failed.of(claimed)
        self.keys.excluded = left_out
        try:
            messages = list(self.machine.share_group_session_parallel(room, users))
        finally:
            self.keys.excluded = frozenset()
        try:
            for number, (sharing_with, body) in enumerate(messages):
                session = self.machine.outbound_group_sessions[room].id
                request = Api.to_device(self.access_token, "m.room.encrypted", body, f"{session}.{number}")
                answer = await self._send(nio.ShareGroupSessionResponse, *request, response_data=(room, sharing_with))
                if not isinstance(answer, nio.ShareGroupSessionResponse):
                    raise Failed.of(answer)
        except BaseException:
            # The key was not brought to everybody: the next try makes another one.
            self.machine.outbound_group_sessions.pop(room, None)
            raise
        self.machine.outbound_group_sessions[room].shared = True
        self._shared[room] = left_out

    async def redact(self, room: str, event: str, tx: str) -> None:
        """Takes an event back; raises Failed."""
        path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/redact/{quote(event, safe='')}/{quote(tx, safe='')}"
        await self.ask("PUT", path, {})

    async def put_file(self, data: bytes, kind: str, *, encrypted: bool) -> dict[str, Any]:
        """Uploads a file; returns the part of a message that tells where it is. Raises Failed."""
        keys: dict[str, Any] | None = None
        if encrypted:
            data, keys = encrypt_attachment(data)
            kind = "application/octet-stream"
        headers = {"Authorization": f"Bearer {self.access_token}", "Content-Type": kind}
        try:
            answer = await self.send("POST", "/_matrix/media/v3/upload", data, headers)
            found = await answer.json()
        except (ClientConnectionError, TimeoutError, ValueError) as error:
            raise Failed from error
        if answer.status != 200:
            raise Failed(str(found.get("errcode", "")), float(found.get("retry_after_ms") or 0) / 1000)
        address = str(found["content_uri"])
        return {"file": {**keys, "url": address}} if keys is not None else {"url": address}

    def forget_room(self, room: str) -> None:
        """The bot is there no longer; nio would keep it."""
        self.rooms.pop(room, None)
        self.invited_rooms.pop(room, None)
        self._shared.pop(room, None)
        self.machine.outbound_group_sessions.pop(room, None)
