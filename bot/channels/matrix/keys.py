"""Where matrix-nio keeps what encryption needs: in memory, with a list of what has changed and is to be stored.

So it is stored in the transaction that keeps the messages it came with, and before anything that needs it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from nio.crypto import (
    DeviceStore,
    GroupSessionStore,
    InboundGroupSession,
    OlmAccount,
    OlmDevice,
    OutgoingKeyRequest,
    Session,
    SessionStore,
)

from bot.channels.matrix.memory import Change

ACCOUNT: Final = "account"
SESSION: Final = "session"
GROUP: Final = "group"
DEVICE: Final = "device"
ROOM: Final = "room"
WHOLE: Final = "whole"


class KeyStore:
    """The part of nio's `MatrixStore` that its olm machine and its client use."""

    def __init__(self, passphrase: str, kept: Iterable[tuple[str, Any]] = ()) -> None:
        """`kept` is what was stored, each with its kind."""
        self._passphrase = passphrase
        self._kept: dict[str, list[Any]] = {}
        for kind, value in kept:
            self._kept.setdefault(kind, []).append(value)
        self._changes: dict[tuple[str, str], Any] = {}
        self.excluded: frozenset[tuple[str, str]] = frozenset()
        """Devices, by user and name, that the message now being sent is not for."""

    @property
    def changed(self) -> bool:
        return bool(self._changes)

    def take(self) -> list[Change]:
        """What has changed since the last time."""
        changes, self._changes = self._changes, {}
        return [(kind, name, value) for (kind, name), value in changes.items()]

    def give_back(self, changes: Iterable[Change]) -> None:
        """These could not be stored; what has changed once more meanwhile is newer."""
        self._changes = {(kind, name): value for kind, name, value in changes} | self._changes

    def loaded(self) -> None:
        """What was stored lives in the olm machine now."""
        self._kept = {}

    def load_account(self) -> OlmAccount | None:
        for each in self._kept.get(ACCOUNT, ()):
            return OlmAccount.from_pickle(each["pickle"].encode(), self._passphrase, each["shared"])
        return None

    def save_account(self, account: OlmAccount) -> None:
        pickle = account.pickle(self._passphrase).decode()
        self._changes[ACCOUNT, ""] = {"pickle": pickle, "shared": account.shared}

    def load_sessions(self) -> SessionStore:
        store = SessionStore()
        for each in self._kept.get(SESSION, ()):
            times = (datetime.fromisoformat(each[name]) for name in ("created", "used"))
            created, used = times
            session = Session.from_pickle(each["pickle"].encode(), created, self._passphrase, used)
            store.add(each["device"], session)
        return store

    def save_session(self, curve_key: str, session: Session) -> None:
        self._changes[SESSION, f"{curve_key}/{session.id}"] = {
            "device": curve_key,
            "pickle": session.pickle(self._passphrase).decode(),
            "created": session.creation_time.isoformat(),
            "used": session.use_time.isoformat(),
        }

    def load_inbound_group_sessions(self) -> GroupSessionStore:
        store = GroupSessionStore()
        for each in self._kept.get(GROUP, ()):
            store.add(
                InboundGroupSession.from_pickle(
                    each["pickle"].encode(),
                    each["ed25519"],
                    each["sender_key"],
                    each["room"],
                    self._passphrase,
                    each["chain"],
                )
            )
        return store

    def save_inbound_group_session(self, session: InboundGroupSession) -> None:
        self._changes[GROUP, f"{session.room_id}/{session.sender_key}/{session.id}"] = {
            "pickle": session.pickle(self._passphrase).decode(),
            "ed25519": session.ed25519,
            "sender_key": session.sender_key,
            "room": session.room_id,
            "chain": list(session.forwarding_chain),
        }

    def load_device_keys(self) -> DeviceStore:
        store = DeviceStore()
        for each in self._kept.get(DEVICE, ()):
            store.add(OlmDevice(each["user"], each["device"], each["keys"], each["name"], each["deleted"]))
        return store

    def save_device_keys(self, device_keys: Mapping[str, Mapping[str, OlmDevice]]) -> None:
        for user, devices in device_keys.items():
            for name, device in devices.items():
                self._changes[DEVICE, f"{user}/{name}"] = {
                    "user": user,
                    "device": name,
                    "keys": dict(device.keys),
                    # Names of devices tell about people.
                    "name": "",
                    "deleted": device.deleted,
                }

    def load_encrypted_rooms(self) -> set[str]:
        return {each["room"] for each in self._kept.get(ROOM, ())}

    def save_encrypted_rooms(self, rooms: Iterable[str]) -> None:
        for each in rooms:
            self._changes[ROOM, each] = {"room": each}

    def delete_encrypted_room(self, room: str) -> None:
        self._changes[ROOM, room] = None

    @property
    def knows_rooms(self) -> bool:
        """Whether it is stored which rooms are encrypted: this device has once seen all of them."""
        return bool(self._kept.get(WHOLE))

    def save_knows_rooms(self) -> None:
        self._changes[WHOLE, ""] = {}

    def load_outgoing_key_requests(self) -> dict[str, OutgoingKeyRequest]:
        # Keys are forwarded to devices of the same account only, and the bot has one.
        return {}

    def add_outgoing_key_request(self, key_request: OutgoingKeyRequest) -> None:
        """Not kept."""

    def remove_outgoing_key_request(self, key_request: OutgoingKeyRequest) -> None:
        """Not kept."""

    def is_device_verified(self, device: OlmDevice) -> bool:
        return False

    def is_device_blacklisted(self, device: OlmDevice) -> bool:
        return (device.user_id, device.id) in self.excluded

    def is_device_ignored(self, device: OlmDevice) -> bool:
        # Who gets a message is decided for each message, by who has signed the devices.
        return True
