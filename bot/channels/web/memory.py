"""What the web page remembers: the seam between the web channel and whatever stores its messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Place:
    """Where messages stand: a private chat, or the desk of a contact point."""

    contact_point: str
    chat: str = ""
    """Empty for the desk."""


@dataclass(frozen=True)
class Kept:
    """One message as the page remembers it."""

    place: Place
    id: str
    order: int
    """Where it stands: grows from message to message and stays when the message changes."""
    version: int
    """When it changed last: grows with every change within its contact point."""
    at: datetime
    payload: Mapping[str, Any]


class Memory(Protocol):
    """Stores the messages of the page. The channel never writes to one contact point twice at a time."""

    async def keep(self, place: Place, message_id: str, payload: Mapping[str, Any], at: datetime) -> Kept:
        """Stores a message, or replaces the payload of the one that stands there under this id."""
        ...

    async def find(self, place: Place, message_id: str) -> Kept | None:
        """The message of this id, if the place has one."""
        ...

    async def after(self, places: Sequence[Place], version: int, at_most: int) -> Sequence[Kept]:
        """What changed at these places of one contact point since that version, oldest change first."""
        ...

    async def newest(self, contact_point: str) -> int:
        """The highest version of the contact point; 0 where it has none."""
        ...
