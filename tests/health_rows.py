"""Rows as they lie in the queues, for tests of what an operator is told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from storage.models import DueRow, InboxMessage, Lease, OutboxMessage

_numbers = itertools.count(1)


def inbox(state: str, since: datetime, *, chat: str = "", error_ref: str | None = None) -> InboxMessage:
    """A message that came in, each in a chat of its own unless one is named."""
    number = next(_numbers)
    return InboxMessage(
        contact_point="oberberg", account="web", message_key=f"m{number}", chat_key=chat or f"c{number}", state=state,
        attempts=0, received_at=since, done_at=None if state == "NEW" else since, error_ref=error_ref,
    )  # fmt: skip


def outbox(
    state: str,
    since: datetime,
    *,
    chat: str = "",
    not_before: datetime | None = None,
    account: str = "web",
    contact_point: str = "oberberg",
    doubts: int = 0,
    sender: str = "gone",
) -> OutboxMessage:
    """A message to send, each in a chat of its own unless one is named."""
    waits = state in ("QUEUED", "SENDING")
    return OutboxMessage(
        contact_point=contact_point, account=account, chat_key=chat or f"c{next(_numbers)}", address="ana",
        voice="BOT", state=state, attempts=0, doubts=doubts, not_before=not_before or since, queued_at=since,
        settled_at=None if waits else since, sender=sender if state == "SENDING" else None,
    )  # fmt: skip


def process(name: str) -> Lease:
    """A process that lives."""
    now = datetime.now(UTC)
    return Lease(
        name=f"process:{name}", owner=name, epoch=1, until=now + timedelta(minutes=1), session="", data_key="k1"
    )


def due(at: datetime, *, done: datetime | None = None) -> DueRow:
    """Something that comes due."""
    return DueRow(
        contact_point="oberberg", kind="chat_idle", subject=next(_numbers), due_at=at, attempts=0, done_at=done
    )
