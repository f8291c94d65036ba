"""What became of messages, from the moment it is known until it is written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from storage import outbox
from storage.keys import KeyRing


@dataclass(frozen=True)
class Fate:
    """What became of one message."""

    id: int
    account: str
    entry_id: int | None
    """The thread entry whose fate it is."""
    remote_id: str = ""
    """The messenger's id of it, once it is sent."""
    error: Exception | None = None

    @property
    def concerns_nobody(self) -> bool:
        """Sent, and no member of staff waits to be told."""
        return self.error is None and self.entry_id is None


class NotTried(Exception):
    """The message before it in the chat has to wait, or nobody reads any more."""


def settle_sent(session: Session, ring: KeyRing, me: str, fates: Iterable[Fate], now: datetime) -> None:
    """Writes down those that are sent."""
    rows = [settled(each.id, "SENT", me, now, ring, each) for each in fates if each.error is None]
    if rows:
        outbox.settle(session, rows)


def settled(
    row_id: int, fate: str, me: str, now: datetime, ring: KeyRing, sent: Fate | None = None
) -> Mapping[str, Any]:
    """A row for `storage.outbox.settle`."""
    return {
        "row": row_id,
        "me": me,
        "fate": fate,
        "now": now,
        "its_remote_id": sent.remote_id if sent else None,
        "its_remote_key": ring.lookup("remote", sent.account, sent.remote_id) if sent else None,
    }
