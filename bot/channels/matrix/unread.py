"""Messages whose key has not come: read when it comes, and their senders told when it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import time
from typing import Any, Final

import nio

from bot.channels.matrix.client import Client
from bot.channels.matrix.memory import Waiting
from bot.channels.matrix.reading import Event
from bot.i18n import Text, _

WAITS_FOR: Final = 7 * 24 * 3600.0
"""Seconds after which no key is expected any more."""
LATE_AFTER: Final = 30.0
"""Seconds without its key after which the sender of a message is told that it cannot be read."""
_WITHHELD: Final = ("m.room_key.withheld", "org.matrix.room_key.withheld")
_REFUSED: Final = frozenset({"m.unverified", "m.blacklisted"})
_MOST: Final = 1000
"""Refusals that are remembered: anybody can send some."""


class Unread:
    """What waits for its key."""

    def __init__(self, waiting: Iterable[Waiting] = (), late_after: float = LATE_AFTER) -> None:
        self._waiting = {each.event: each for each in waiting}
        self._late_after = late_after
        self._withheld: dict[tuple[str, str], str] = {}
        """Why an app gave no key, by its user and the session."""

    def __contains__(self, event: str) -> bool:
        return event in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, waiting: Iterable[Waiting]) -> None:
        """These wait, or have changed."""
        self._waiting |= {each.event: each for each in waiting}

    def drop(self, events: Iterable[str]) -> None:
        """These wait no longer."""
        for event in events:
            self._waiting.pop(event, None)

    def hear(self, told: Iterable[Any]) -> None:
        """What devices have told: some say why a key will not come.

        https://spec.matrix.org/v1.16/client-server-api/#reporting-that-decryption-keys-are-withheld
        """
        for event in told:
            if isinstance(event, nio.UnknownToDeviceEvent) and event.type in _WITHHELD:
                source: Any = event.source
                content = source.get("content")
                session = content.get("session_id") if isinstance(content, dict) else None
                if isinstance(session, str) and len(self._withheld) < _MOST:
                    self._withheld[event.sender, session] = str(content.get("code", ""))

    def now_readable(self, client: Client) -> Iterator[tuple[Waiting, Event | None]]:
        """Messages that wait no longer: with what they say, or None where it is too late for that."""
        for each in list(self._waiting.values()):
            if time() - each.since > WAITS_FOR:
                yield each, None
                continue
            event = nio.MegolmEvent.from_dict(dict(each.source))
            if not isinstance(event, nio.MegolmEvent) or event.sender_key is None or event.session_id is None:
                continue
            event.room_id = each.room
            if client.machine.inbound_group_store.get(each.room, event.sender_key, event.session_id) is None:
                # nio would take every try for a sign that something is broken.
                continue
            try:
                yield each, client.decrypt_event(event)
            except nio.EncryptionError:
                continue

    def late(self) -> Iterator[tuple[str, list[Waiting], Text]]:
        """Rooms in which somebody has to be told, of which messages, and what."""
        untold: dict[str, list[Waiting]] = {}
        for each in self._waiting.values():
            if not each.told:
                untold.setdefault(each.room, []).append(each)
        for room, waiting in untold.items():
            codes = {self._withheld.get((str(each.source.get("sender")), _session(each))) for each in waiting} - {None}
            if codes or time() - min(each.since for each in waiting) >= self._late_after:
                yield room, waiting, NOT_CONFIRMED if codes & _REFUSED else CANNOT_READ


def _session(waiting: Waiting) -> str:
    content = waiting.source.get("content")
    return str(content.get("session_id", "")) if isinstance(content, dict) else ""


CANNOT_READ: Final = _(
    "I cannot read your message: it came without its key. Please send it once more. If that does not help, open a new "
    "chat with me or call us."
)
NOT_CONFIRMED: Final = _(
    "I cannot read your message: your app writes only to people whose devices you have verified yourself. Please "
    "switch that off for this chat, in its security settings. Then send the message once more. Or call us."
)
