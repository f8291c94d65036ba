"""The outbox: what is to be sent, in order within each chat, until its fate is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Text, bindparam, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from storage.models import Conversation, Lease, OutboxMessage
from storage.types import UtcDateTime

_OUTBOX: Final[Any] = OutboxMessage.__table__
_EARLIER: Final = _OUTBOX.alias()
_EDITED: Final = _OUTBOX.alias()
_CONVERSATION: Final[Any] = Conversation.__table__
_LEASE: Final[Any] = Lease.__table__


def queue(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes messages that have their ids."""
    session.connection().execute(_OUTBOX.insert(), rows)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process is to send."""

    id: int
    contact_point: str
    account: str
    chat_key: str
    address: str
    payload: Any
    voice: str
    entry_id: int | None
    edits: int | None
    not_before: datetime
    queued_at: datetime
    not_after: datetime | None
    holder: str | None
    """Who holds the chat now."""
    edited_id: str | None
    """The messenger's id of the message that this one edits."""
    edited_waits: bool
    """Whether the message that this one edits is itself not sent yet."""


def _rank(row: Any) -> Any:
    """What was tried once, or is being sent, stays first, also while it waits: the messenger may have named a time."""
    begun = (row.state == "SENDING") | (row.attempts > 0) | (row.doubts > 0) | (row.interrupted > 0)
    return case((begun, 0), (row.broadcast, 2), else_=1)


def waits_before(row: Any, other: Any) -> Any:
    """Whether a row, unsettled and of the same chat, goes before another: as queued, but a broadcast is overtaken."""
    same_chat = (row.chat_key == other.chat_key) & row.settled_at.is_(None)
    rank, its_rank = _rank(row), _rank(other)
    return same_chat & ((rank < its_rank) | ((rank == its_rank) & (row.id < other.id)))


def _may_go(row: Any, now: Any) -> Any:
    """Whether its time has come, of a row or as SQL; one queued in the future is older than the right time."""
    return (row.not_before <= now) | (row.queued_at > now)


_FIRST: Final = (
    select(_OUTBOX.c.id, _OUTBOX.c.chat_key)
    .where(
        _OUTBOX.c.settled_at.is_(None),
        _OUTBOX.c.state == "QUEUED",
        _OUTBOX.c.account == bindparam("its_account"),
        _may_go(_OUTBOX.c, bindparam("now", type_=UtcDateTime())),
        ~exists().where(waits_before(_EARLIER.c, _OUTBOX.c)),
    )
    .order_by(_OUTBOX.c.broadcast, _OUTBOX.c.id)
    .limit(bindparam("at_most"))
    .with_for_update(skip_locked=True, of=_OUTBOX)
)
_FIRST_OF_MINE: Final = _FIRST.where(
    or_(
        _OUTBOX.c.via.is_(None),
        _OUTBOX.c.via == bindparam("me"),
        # An account may still be written down as held by a process that is gone.
        _OUTBOX.c.via.not_in(select(_LEASE.c.owner).where(_LEASE.c.name.startswith("process:"))),
    )
)
_WHOLE: Final = (
    select(
        *(_OUTBOX.c[field.name] for field in fields(Claimed) if field.name in _OUTBOX.c),
        _CONVERSATION.c.holder,
        _EDITED.c.remote_id.label("edited_id"),
        (_EDITED.c.id.is_not(None) & _EDITED.c.settled_at.is_(None)).label("edited_waits"),
    )
    .select_from(
        _OUTBOX.outerjoin(_CONVERSATION, _CONVERSATION.c.id == _OUTBOX.c.conversation_id).outerjoin(
            _EDITED, _EDITED.c.id == _OUTBOX.c.edits
        )
    )
    .where(_OUTBOX.c.settled_at.is_(None))
    .order_by(_OUTBOX.c.id)
)
_QUEUED: Final = _WHOLE.where(_OUTBOX.c.state == "QUEUED")
_BY_ID: Final = _QUEUED.where(_OUTBOX.c.id.in_(bindparam("ids", expanding=True)))
_BY_CHAT: Final = _QUEUED.where(_OUTBOX.c.chat_key.in_(bindparam("chats", expanding=True))).limit(bindparam("at_most"))


def next_of_each_chat(
    session: Session, account: str, now: datetime, at_most: int, *, several: bool = False, me: str | None = None
) -> list[Claimed]:
    """What is to be sent next in each chat where nobody is sending, oldest first, if its time has come.

    One message of each chat, or `several`, in order. With `me`, what must go out by another living process is left.
    """
    wanted: dict[str, Any] = {"its_account": account, "now": now, "at_most": at_most, **({"me": me} if me else {})}
    connection = session.connection()
    first = connection.execute(_FIRST_OF_MINE if me else _FIRST, wanted).all()
    if not first:
        return []
    if not several:
        return [_claimed(row) for row in connection.execute(_BY_ID, {"ids": [row.id for row in first]})]
    chats = {"chats": [row.chat_key for row in first], "at_most": 2 * at_most}
    stopped: set[str] = set()
    claimed = []
    for each in map(_claimed, connection.execute(_BY_CHAT, chats)):
        if each.edited_waits or not _may_go(each, now):
            stopped.add(each.chat_key)
        if each.chat_key not in stopped:
            claimed.append(each)
    return claimed


def _claimed(row: Any) -> Claimed:
    return Claimed(*row)


_CLAIM: Final = update(_OUTBOX).where(_OUTBOX.c.id == bindparam("row")).values(state="SENDING", sender=bindparam("me"))


def claim(session: Session, ids: Collection[int], me: str) -> None:
    """From the commit on, this process is sending them."""
    session.connection().execute(_CLAIM, [{"row": each, "me": me} for each in ids])


_BUSY: Final = (
    select(_OUTBOX.c.chat_key)
    .where(_OUTBOX.c.chat_key.in_(bindparam("chats", expanding=True)), _OUTBOX.c.settled_at.is_(None))
    .distinct()
)


def busy_chats(session: Session, chats: Collection[str]) -> set[str]:
    """Those of the chats in which something waits or is being sent."""
    return set(session.connection().execute(_BUSY, {"chats": chats}).scalars())


def take_back(session: Session, about: str, now: datetime, conversation: int | None = None) -> list[int]:
    """Takes back what waits and tells something that has changed; returns the chats that it was for."""
    waits = (_OUTBOX.c.about == about) & (_OUTBOX.c.state == "QUEUED") & _OUTBOX.c.settled_at.is_(None)
    if conversation is not None:
        waits &= _OUTBOX.c.conversation_id == conversation
    gone = (
        update(_OUTBOX)
        .where(waits)
        .values(state="SILENCED", settled_at=now, payload=None, address="")
        .returning(_OUTBOX.c.conversation_id)
    )
    return [each for each in session.connection().execute(gone).scalars() if each is not None]


def waiting_about(session: Session, conversation: int) -> list[str]:
    """What messages that wait for a chat are about."""
    waits = select(_OUTBOX.c.about).where(
        _OUTBOX.c.conversation_id == conversation,
        _OUTBOX.c.about.is_not(None),
        _OUTBOX.c.state == "QUEUED",
        _OUTBOX.c.settled_at.is_(None),
    )
    return list(dict.fromkeys(session.connection().execute(waits).scalars()))


def too_late(session: Session, about: str, now: datetime) -> int:
    """Ends what waits and is of no use any more; returns how many messages of that kind were never sent."""
    waits = (_OUTBOX.c.about == about) & (_OUTBOX.c.state == "QUEUED") & _OUTBOX.c.settled_at.is_(None)
    over = waits & (_OUTBOX.c.not_after <= now)
    session.connection().execute(
        update(_OUTBOX).where(over).values(state="LATE", settled_at=now, payload=None, address="")
    )
    late = select(func.count()).select_from(_OUTBOX).where(_OUTBOX.c.about == about, _OUTBOX.c.state == "LATE")
    return int(session.connection().execute(late).scalar() or 0)


_REMOTE_IDS: Final = select(_OUTBOX.c.id, _OUTBOX.c.remote_id).where(_OUTBOX.c.id.in_(bindparam("ids", expanding=True)))


def remote_ids(session: Session, ids: Collection[int]) -> dict[int, str | None]:
    """The messenger's ids of messages."""
    if not ids:
        return {}
    return {row[0]: row[1] for row in session.connection().execute(_REMOTE_IDS, {"ids": ids})}


_LEFT: Final = _WHOLE.where(_OUTBOX.c.state == "SENDING", _OUTBOX.c.sender == bindparam("name")).with_for_update(
    of=_OUTBOX
)


def left_by(session: Session, name: str) -> list[Claimed]:
    """What a process is, or was, sending."""
    return [_claimed(row) for row in session.connection().execute(_LEFT, {"name": name})]


def senders(session: Session) -> set[str]:
    """The processes that are sending something, living or dead."""
    sending = select(_OUTBOX.c.sender).where(_OUTBOX.c.settled_at.is_(None), _OUTBOX.c.state == "SENDING").distinct()
    return set(session.connection().execute(sending).scalars())


_SENT: Final = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id == bindparam("row"), _OUTBOX.c.sender == bindparam("me"), _OUTBOX.c.state == "SENDING")
    .values(
        state=bindparam("fate"),
        settled_at=bindparam("now"),
        sender=None,
        payload=None,
        address="",
        remote_id=bindparam("its_remote_id"),
        remote_key=bindparam("its_remote_key", type_=Text()),
    )
)


def settle(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Their fate is known: the words and the address go. What another process has taken over is left alone.

    Each row: `row`, `me`, `fate`, `now`, `its_remote_id`, `its_remote_key`.
    """
    session.connection().execute(_SENT, rows)


def next_due(session: Session) -> datetime | None:
    """When the next message may be tried."""
    waits = select(func.min(_OUTBOX.c.not_before)).where(_OUTBOX.c.settled_at.is_(None), _OUTBOX.c.state == "QUEUED")
    found: datetime | None = session.connection().execute(waits).scalar()
    return found


_ANY: Final = select(_OUTBOX.c.id).where(_OUTBOX.c.settled_at.is_(None), _OUTBOX.c.state == "QUEUED").limit(1)


def is_empty(session: Session) -> bool:
    """Whether all that is not settled is being sent."""
    return session.connection().execute(_ANY).first() is None


def unsent(session: Session, causes: Collection[int], now: datetime) -> bool:
    """Whether something that these inbox rows led to could be sent now and is not."""
    # What stands behind a message that has to wait has to wait as well.
    held_up = exists().where(waits_before(_EARLIER.c, _OUTBOX.c), ~_may_go(_EARLIER.c, now))
    waits = select(_OUTBOX.c.id).where(
        _OUTBOX.c.settled_at.is_(None), _OUTBOX.c.cause.in_(causes), _may_go(_OUTBOX.c, now), ~held_up
    )
    return session.connection().execute(waits.limit(1)).first() is not None
