"""Rows as they lie in the queues, for tests of what an operator is told."""

from __future__ import annotations

import itertools
from datetime import datetime

from storage.models import DueRow, InboxMessage, OutboxMessage

_numbers = itertools.count(1)


def inbox(
    state: str, since: datetime, *, chat: str = "", not_before: datetime | None = None, error_ref: str | None = None
) -> InboxMessage:
    """A message that came in, each in a chat of its own unless one is named."""
    number = next(_numbers)
    return InboxMessage(
        contact_point="oberberg", account="web", message_key=f"m{number}", chat_key=chat or f"c{number}", state=state,
        attempts=0, not_before=not_before or since, received_at=since, error_ref=error_ref,
    )  # fmt: skip


def outbox(
    state: str,
    since: datetime,
    *,
    chat: str = "",
    not_before: datetime | None = None,
    account: str = "web",
    contact_point: str = "oberberg",
) -> OutboxMessage:
    """A message to send, each in a chat of its own unless one is named."""
    return OutboxMessage(
        contact_point=contact_point, account=account, chat_key=chat or f"c{next(_numbers)}", address="ana",
        voice="BOT", state=state, attempts=0, not_before=not_before or since, queued_at=since,
    )  # fmt: skip


def due(at: datetime, *, done: datetime | None = None) -> DueRow:
    """Something that comes due."""
    return DueRow(
        contact_point="oberberg", kind="chat_idle", subject=next(_numbers), due_at=at, attempts=0, done_at=done
    )
