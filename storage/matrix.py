"""What the Matrix channel remembers: its login and keys, rooms, the threads of cases, messages with reactions.

Ids of rooms, people and messages are encrypted, or kept as keyed hashes: nobody's account can be read here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import UniqueConstraint, delete, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.insert import insert_or_replace
from storage.models import Base, Thread
from storage.scope import Scoped
from storage.types import NUMBER, EncryptedJson, EncryptedText, UtcDateTime, ring_of

AT_ONCE: Final = 200
"""Keys that are deleted by one statement."""


class MatrixAccount(Base, Scoped):
    """The login of the bot, how far it has read, and the room that is the desk."""

    __tablename__ = "matrix_account"
    __table_args__ = (UniqueConstraint("contact_point", "account"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    account: Mapped[str]
    device_id: Mapped[str]
    secret: Mapped[Any] = mapped_column(EncryptedJson("matrix_account.secret"))
    """The access token, and the seeds of the three signing keys."""
    since: Mapped[str | None] = mapped_column(EncryptedText("matrix_account.since"))
    """The token up to which everything is in the inbox."""
    starts: Mapped[int] = mapped_column(default=0)
    """Grows with every start and every ten minutes, first here, then at the homeserver.

    A smaller one than there is an old copy of the database.
    """
    desk: Mapped[str | None] = mapped_column(EncryptedText("matrix_account.desk"))
    """The room that is the desk."""
    named_key: Mapped[str | None]
    """Keyed hash of the devices without messages that the desk was told of."""


class MatrixKey(Base, Scoped):
    """One thing that encryption needs: the account's keys, a session with a device or a room, a device's keys."""

    __tablename__ = "matrix_key"
    __table_args__ = (UniqueConstraint("contact_point", "account", "kind", "name_key"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    account: Mapped[str]
    kind: Mapped[str]
    name_key: Mapped[str]
    value: Mapped[Any] = mapped_column(EncryptedJson("matrix_key.value"))
    at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


class MatrixRoom(Base, Scoped):
    """A room that the bot is in, or invited to."""

    __tablename__ = "matrix_room"
    __table_args__ = (UniqueConstraint("contact_point", "account", "room_key"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    account: Mapped[str]
    room_key: Mapped[str]
    value: Mapped[Any] = mapped_column(EncryptedJson("matrix_room.value"))


class MatrixWaiting(Base, Scoped):
    """A message whose key has not come yet, as it came."""

    __tablename__ = "matrix_waiting"
    __table_args__ = (UniqueConstraint("contact_point", "account", "event_key"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    account: Mapped[str]
    event_key: Mapped[str]
    value: Mapped[Any] = mapped_column(EncryptedJson("matrix_waiting.value"))
    at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


class MatrixThread(Base, Scoped):
    """The thread of a case. It outlives the case until its messages are redacted."""

    __tablename__ = "matrix_thread"
    __table_args__ = (UniqueConstraint("contact_point", "room_key", "root_key"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    room_key: Mapped[str]
    root_key: Mapped[str]
    root: Mapped[str] = mapped_column(EncryptedText("matrix_thread.root"))
    ref: Mapped[str] = mapped_column(index=True)


class MatrixPost(Base, Scoped):
    """One message of the bot that is a part of a longer one, belongs to a case, or can be reacted to."""

    __tablename__ = "matrix_post"
    __table_args__ = (UniqueConstraint("contact_point", "room_key", "event_key"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    room_key: Mapped[str]
    event_key: Mapped[str]
    event: Mapped[str] = mapped_column(EncryptedText("matrix_post.event"))
    last_key: Mapped[str] = mapped_column(index=True)
    last: Mapped[str] = mapped_column(EncryptedText("matrix_post.last"))
    """The last part."""
    ref: Mapped[str] = mapped_column(index=True)
    signs: Mapped[Any | None] = mapped_column(EncryptedJson("matrix_post.signs"))
    """What a reaction stands for, and the bot's own reactions, each by its sign."""
    at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


def _key(session: Session, kind: str, *value: str) -> str:
    return ring_of(session.get_bind().dialect).lookup(f"matrix.{kind}", *value)


def login(session: Session, account: str) -> MatrixAccount | None:
    """The account's login, if somebody has logged it in."""
    return session.scalars(select(MatrixAccount).where(MatrixAccount.account == account)).one_or_none()


def log_in(
    session: Session, contact_point: str, account: str, device_id: str, secret: Any, starts: int, since: str
) -> None:
    """A new device: the keys of the one before are worth nothing any more; rooms and threads stay.

    It reads on where the other one has stopped, so that whoever wrote meanwhile is told that it cannot be read;
    the first one reads from `since` on.
    """
    row = login(session, account)
    if row is None:
        row = MatrixAccount(contact_point=contact_point, account=account, device_id=device_id, secret=secret)
        session.add(row)
    row.device_id, row.secret, row.starts, row.since = device_id, secret, starts, row.since or since
    session.execute(delete(MatrixKey).where(MatrixKey.account == account))
    session.flush()


def grow_old(session: Session) -> None:
    """This is an old copy: however young it is, every account in it has to be logged in again."""
    session.execute(update(MatrixAccount).values(starts=0))


def keys(session: Session, account: str) -> list[tuple[str, Any]]:
    """Everything that encryption needs, each with its kind."""
    rows = session.execute(
        select(MatrixKey.kind, MatrixKey.value).where(MatrixKey.account == account).order_by(MatrixKey.id)
    )
    return [(row.kind, row.value) for row in rows]


def keep_keys(
    session: Session, contact_point: str, account: str, changes: Iterable[tuple[str, str, Any]], now: datetime
) -> None:
    """Keeps kind, name and value of what has changed; a value that is None is deleted."""
    kept, dropped = [], []
    for kind, name, value in changes:
        key = _key(session, "key", kind, name)
        if value is None:
            dropped.append((kind, key))
        else:
            kept.append(
                {
                    "contact_point": contact_point, "account": account, "kind": kind, "name_key": key, "value": value,
                    "at": now,
                }
            )  # fmt: skip
    if kept:
        table: Any = MatrixKey.__table__
        insert_or_replace(session, table, kept, ("contact_point", "account", "kind", "name_key"), ("value", "at"))
    if dropped:
        wanted = tuple_(MatrixKey.kind, MatrixKey.name_key).in_(dropped)
        session.execute(delete(MatrixKey).where(MatrixKey.account == account, wanted))


def forget_old_keys(session: Session, account: str, kind: str, moment: datetime) -> int:
    """Forgets what came before that and has not changed since."""
    wanted = select(MatrixKey.id).where(MatrixKey.account == account, MatrixKey.kind == kind, MatrixKey.at < moment)
    ids = session.scalars(wanted.limit(AT_ONCE)).all()
    session.execute(delete(MatrixKey).where(MatrixKey.id.in_(ids)))
    return len(ids)


def rooms(session: Session, account: str) -> list[Any]:
    """Every room."""
    return list(session.scalars(select(MatrixRoom.value).where(MatrixRoom.account == account).order_by(MatrixRoom.id)))


def keep_room(session: Session, contact_point: str, account: str, room: str, value: Any) -> None:
    """A room is known, or has changed; without a value it is forgotten."""
    key = _key(session, "room", room)
    if value is None:
        session.execute(delete(MatrixRoom).where(MatrixRoom.account == account, MatrixRoom.room_key == key))
        return
    row = {"contact_point": contact_point, "account": account, "room_key": key, "value": value}
    table: Any = MatrixRoom.__table__
    insert_or_replace(session, table, [row], ("contact_point", "account", "room_key"), ("value",))


def waiting(session: Session, account: str) -> list[Any]:
    """Messages whose key has not come, oldest first."""
    wanted = select(MatrixWaiting.value).where(MatrixWaiting.account == account)
    return list(session.scalars(wanted.order_by(MatrixWaiting.id)))


def keep_waiting(session: Session, contact_point: str, account: str, event: str, value: Any, now: datetime) -> None:
    """A message waits for its key, or no longer does."""
    key = _key(session, "event", event)
    if value is None:
        session.execute(delete(MatrixWaiting).where(MatrixWaiting.account == account, MatrixWaiting.event_key == key))
        return
    row = {"contact_point": contact_point, "account": account, "event_key": key, "value": value, "at": now}
    table: Any = MatrixWaiting.__table__
    insert_or_replace(session, table, [row], ("contact_point", "account", "event_key"), ("value",))


def root_of(session: Session, room: str, ref: str) -> str:
    """The first message of a case's thread, the newest thread if there were several; empty if it has none."""
    newest = select(MatrixThread.root).where(MatrixThread.room_key == _key(session, "room", room))
    return session.scalars(newest.where(MatrixThread.ref == ref).order_by(MatrixThread.id.desc())).first() or ""


def ref_of(session: Session, room: str, root: str) -> str:
    """The case of a thread; empty for a thread of somebody else."""
    found = select(MatrixThread.ref).where(
        MatrixThread.room_key == _key(session, "room", room), MatrixThread.root_key == _key(session, "event", root)
    )
    return session.scalars(found).one_or_none() or ""


def keep_thread(session: Session, contact_point: str, room: str, ref: str, root: str) -> None:
    """A case has got a thread."""
    drop_thread(session, room, root)
    row = MatrixThread(
        contact_point=contact_point,
        room_key=_key(session, "room", room),
        root_key=_key(session, "event", root),
        root=root,
        ref=ref,
    )
    session.add(row)


def drop_thread(session: Session, room: str, root: str) -> None:
    """A thread is gone."""
    session.execute(
        delete(MatrixThread).where(
            MatrixThread.room_key == _key(session, "room", room), MatrixThread.root_key == _key(session, "event", root)
        )
    )


def threads_without_case(session: Session, room: str) -> list[str]:
    """The first messages of threads whose case is deleted."""
    left = (
        select(MatrixThread.root)
        .outerjoin(Thread, Thread.ref == MatrixThread.ref)
        .where(MatrixThread.room_key == _key(session, "room", room), Thread.id.is_(None))
    )
    return list(session.scalars(left))


def without_case(session: Session, refs: Collection[str]) -> list[str]:
    """Those of the cases that are deleted."""
    there = set(session.scalars(select(Thread.ref).where(Thread.ref.in_(refs))))
    return [each for each in refs if each not in there]


def keep_post(
    session: Session, contact_point: str, room: str, events: Sequence[str], ref: str, signs: Any, now: datetime
) -> None:
    """Messages that are one, in order."""
    room_key, last = _key(session, "room", room), events[-1]
    found = [_key(session, "event", each) for each in events]
    session.execute(delete(MatrixPost).where(MatrixPost.room_key == room_key, MatrixPost.event_key.in_(found)))
    session.add_all(
        MatrixPost(
            contact_point=contact_point,
            room_key=room_key,
            event_key=key,
            event=each,
            last_key=found[-1],
            last=last,
            ref=ref,
            signs=signs if each == last else None,
            at=now,
        )
        for key, each in zip(found, events, strict=True)
    )


def post(session: Session, room: str, event: str) -> MatrixPost | None:
    """What was kept of a message."""
    wanted = select(MatrixPost).where(
        MatrixPost.room_key == _key(session, "room", room), MatrixPost.event_key == _key(session, "event", event)
    )
    return session.scalars(wanted).one_or_none()


def parts(session: Session, room: str, last: str) -> list[str]:
    """The parts of a message, in order; at least the last."""
    wanted = select(MatrixPost.event).where(
        MatrixPost.room_key == _key(session, "room", room), MatrixPost.last_key == _key(session, "event", last)
    )
    return list(session.scalars(wanted.order_by(MatrixPost.id))) or [last]


def forget_cases(session: Session, refs: Collection[str]) -> int:
    """Messages of these cases are nobody's any more; their threads are redacted by the channel."""
    return _deleted(session, MatrixPost.ref.in_(refs))


def forget_before(session: Session, moment: datetime) -> int:
    """Forgets what old messages consisted of, and what a reaction to them would mean."""
    return _deleted(session, (MatrixPost.at < moment) & (MatrixPost.ref == ""))


def _deleted(session: Session, condition: Any) -> int:
    ids = session.scalars(select(MatrixPost.id).where(condition)).all()
    session.execute(delete(MatrixPost).where(MatrixPost.id.in_(ids)))
    return len(ids)
