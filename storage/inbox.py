"""The inbox: what has come in, in order within each chat, until it is worked through."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, func, select, tuple_, update
from sqlalchemy.orm import Session

from storage.insert import insert_or_leave
from storage.models import InboxMessage

_INBOX: Final[Any] = InboxMessage.__table__
_EARLIER: Final = _INBOX.alias()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message whose turn it is."""

    id: int
    contact_point: str
    account: str
    message_key: str
    chat_key: str
    payload: Any
    via: str | None


def keep(session: Session, rows: Sequence[Mapping[str, Any]]) -> int:
    """Keeps what is not here yet; returns how many rows were new."""
    return insert_or_leave(session, _INBOX, rows)


_NEXT: Final = (
    select(*(_INBOX.c[field.name] for field in fields(Waiting)))
    .where(
        _INBOX.c.done_at.is_(None),
        ~exists().where(
            _EARLIER.c.chat_key == _INBOX.c.chat_key, _EARLIER.c.done_at.is_(None), _EARLIER.c.id < _INBOX.c.id
        ),
    )
    .order_by(_INBOX.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True, of=_INBOX)
)


def next_of_each_chat(session: Session, at_most: int, resting: Collection[int] = ()) -> list[Waiting]:
    """The oldest message of each chat that no other process works on, oldest first; they are ours until the commit."""
    statement: Select[Any] = _NEXT.where(_INBOX.c.id.not_in(resting)) if resting else _NEXT
    return [Waiting(*row) for row in session.connection().execute(statement, {"at_most": at_most})]


_DONE: Final = (
    update(_INBOX).where(_INBOX.c.id == bindparam("row")).values(payload=None, state="DONE", done_at=bindparam("now"))
)


def done(session: Session, ids: Collection[int], now: datetime) -> None:
    """They are worked through: their words go, their keys stay to recognise a repeat."""
    session.connection().execute(_DONE, [{"row": each, "now": now} for each in ids])


_ANY: Final = select(_INBOX.c.id).where(_INBOX.c.done_at.is_(None)).limit(1)


def is_empty(session: Session) -> bool:
    """Whether every message is worked through."""
    return session.connection().execute(_ANY).first() is None


def waiting(session: Session) -> int:
    """How many messages are not worked through."""
    count = select(func.count()).select_from(_INBOX).where(_INBOX.c.done_at.is_(None))
    return session.connection().execute(count).scalar_one()


def known(session: Session, keys: Sequence[tuple[str, str]]) -> tuple[list[int], bool]:
    """The rows of messages, each named by account and key, and whether all of them are worked through."""
    rows = session.connection().execute(
        select(_INBOX.c.id, _INBOX.c.done_at).where(tuple_(_INBOX.c.account, _INBOX.c.message_key).in_(keys))
    )
    found = rows.all()
    return [row.id for row in found], all(row.done_at is not None for row in found)
