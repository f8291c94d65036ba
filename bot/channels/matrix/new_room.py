"""Encrypted rooms that the bot makes for staff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

CASE: Final = "de.anlaufstelle.case"
"""What the first event of a case's room says beside what all such events say: its reference, and no more."""


def desk_room(name: str, staff: Sequence[str]) -> dict[str, Any]:
    """The body of the request that makes the room of the desk."""
    return _room(name, staff, "joined")


def case_room(ref: str, staff: Sequence[str]) -> dict[str, Any]:
    """The body of the request that makes the room of a case: nobody but the bot invites others.

    Whoever accepts the invitation later finds what was said since.
    """
    return {
        **_room(ref, staff, "invited"),
        "creation_content": {CASE: ref},
        "power_level_content_override": {"invite": 50},
    }


def _room(name: str, staff: Sequence[str], history: str) -> dict[str, Any]:
    return {
        "name": name,
        "preset": "private_chat",
        "invite": list(staff),
        "initial_state": [
            {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
            {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": history}},
            {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "forbidden"}},
        ],
    }


def case_of(events: Sequence[Any], me: str) -> str:
    """The case that a room was made for, by its state; empty for any other room."""
    for event in events:
        source = getattr(event, "source", None)
        if isinstance(source, dict) and source.get("type") == "m.room.create" and source.get("sender") == me:
            content = source.get("content")
            ref = content.get(CASE) if isinstance(content, dict) else None
            return ref if isinstance(ref, str) else ""
    return ""
