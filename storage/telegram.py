"""What the Telegram channel remembers: the desk's group and its topics, messages in parts.

Ids of chats are encrypted, or kept as keyed hashes: nobody's account can be read here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.models import Base, Thread
from storage.scope import Scoped
from storage.types import NUMBER, EncryptedText, UtcDateTime, ring_of


class TelegramDesk(Base, Scoped):
    """The group that is the desk of a contact point, and the code that will make one so."""

    __tablename__ = "telegram_desk"
    __table_args__ = (UniqueConstraint("contact_point", "account"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    account: Mapped[str]
    chat: Mapped[str | None] = mapped_column(EncryptedText("telegram_desk.chat"))
    topics: Mapped[bool] = mapped_column(default=False)
    code_key: Mapped[str | None]
    """Keyed hash of the code, until it is used."""
    code_until: Mapped[datetime | None] = mapped_column(UtcDateTime())


class TelegramTopic(Base, Scoped):
    """The topic of a case. It outlives the case until the topic itself is deleted."""

    __tablename__ = "telegram_topic"
    __table_args__ = (UniqueConstraint("contact_point", "chat_key", "topic"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    chat_key: Mapped[str]
    ref: Mapped[str] = mapped_column(index=True)
    topic: Mapped[int]


class TelegramPost(Base, Scoped):
    """One message of the bot that is a part of a longer one, or belongs to a case in a group without topics."""

    __tablename__ = "telegram_post"
    __table_args__ = (UniqueConstraint("contact_point", "chat_key", "message"),)

    id: Mapped[int] = mapped_column(NUMBER, primary_key=True)
    chat_key: Mapped[str]
    message: Mapped[int]
    last: Mapped[int]
    """The last part."""
    ref: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


@dataclass(frozen=True)
class Chosen:
    """The group that is the desk."""

    chat: int = field(repr=False)
    topics: bool


def _key(session: Session, kind: str, value: int | str) -> str:
    return ring_of(session.get_bind().dialect).lookup(f"telegram.{kind}", str(value))


def _desk(session: Session, account: str) -> TelegramDesk | None:
    return session.scalars(select(TelegramDesk).where(TelegramDesk.account == account).with_for_update()).one_or_none()


def desk(session: Session, account: str) -> Chosen | None:
    """The group that was chosen, if one was."""
    row = session.scalars(select(TelegramDesk).where(TelegramDesk.account == account)).one_or_none()
    return Chosen(int(row.chat), row.topics) if row is not None and row.chat else None


def invite(session: Session, contact_point: str, account: str, code: str, until: datetime) -> None:
    """From now on this code, once, makes a group the desk; an earlier one no longer does."""
    row = _desk(session, account)
    if row is None:
        row = TelegramDesk(contact_point=contact_point, account=account, topics=False)
        session.add(row)
    row.code_key, row.code_until = _key(session, "code", code), until


def choose(session: Session, account: str, code: str, chosen: Chosen, now: datetime) -> bool:
    """Makes a group the desk, if the code is good, which is used up then."""
    row = _desk(session, account)
    if row is None or row.code_until is None or row.code_until < now or row.code_key != _key(session, "code", code):
        return False
    row.chat, row.topics, row.code_key, row.code_until = str(chosen.chat), chosen.topics, None, None
    return True


def moved(session: Session, account: str, before: int, after: Chosen) -> None:
    """The desk's group has another id, or topics now, or none any more."""
    row = _desk(session, account)
    if row is not None and row.chat == str(before):
        row.chat, row.topics = str(after.chat), after.topics


def topic_of(session: Session, chat: int, ref: str) -> int:
    """The topic of a case, the newest one if there were several; 0 if it has none."""
    newest = select(TelegramTopic.topic).where(
        TelegramTopic.chat_key == _key(session, "chat", chat), TelegramTopic.ref == ref
    )
    return session.scalars(newest.order_by(TelegramTopic.id.desc())).first() or 0


def ref_of(session: Session, chat: int, topic: int) -> str:
    """The case that a topic is about; empty for a topic of somebody else."""
    found = select(TelegramTopic.ref).where(
        TelegramTopic.chat_key == _key(session, "chat", chat), TelegramTopic.topic == topic
    )
    return session.scalars(found).one_or_none() or ""


def keep_topic(session: Session, contact_point: str, chat: int, ref: str, topic: int) -> None:
    """A case has got a topic."""
    drop_topic(session, chat, topic)
    key = _key(session, "chat", chat)
    session.add(TelegramTopic(contact_point=contact_point, chat_key=key, ref=ref, topic=topic))


def drop_topic(session: Session, chat: int, topic: int) -> None:
    """A topic is gone."""
    session.execute(
        delete(TelegramTopic).where(TelegramTopic.chat_key == _key(session, "chat", chat), TelegramTopic.topic == topic)
    )


def topics_without_case(session: Session, chat: int) -> list[int]:
    """Topics of cases that are deleted."""
    left = (
        select(TelegramTopic.topic)
        .outerjoin(Thread, Thread.ref == TelegramTopic.ref)
        .where(TelegramTopic.chat_key == _key(session, "chat", chat), Thread.id.is_(None))
    )
    return list(session.scalars(left))


def keep_post(
    session: Session, contact_point: str, chat: int, messages: Sequence[int], ref: str, now: datetime
) -> None:
    """Messages that are one, in order."""
    key = _key(session, "chat", chat)
    session.execute(delete(TelegramPost).where(TelegramPost.chat_key == key, TelegramPost.message.in_(list(messages))))
    session.add_all(
        TelegramPost(contact_point=contact_point, chat_key=key, message=each, last=messages[-1], ref=ref, at=now)
        for each in messages
    )


def post(session: Session, chat: int, message: int) -> TelegramPost | None:
    """What was kept of a message."""
    key = _key(session, "chat", chat)
    return session.scalars(
        select(TelegramPost).where(TelegramPost.chat_key == key, TelegramPost.message == message)
    ).one_or_none()


def parts(session: Session, chat: int, last: int) -> list[int]:
    """The parts of a message, in order; at least the last."""
    key = _key(session, "chat", chat)
    wanted = select(TelegramPost.message).where(TelegramPost.chat_key == key, TelegramPost.last == last)
    return list(session.scalars(wanted.order_by(TelegramPost.message))) or [last]


def first_of(session: Session, chat: int, ref: str) -> int:
    """The first message of a case in a group; 0 if there is none."""
    key = _key(session, "chat", chat)
    return (
        session.scalar(
            select(func.min(TelegramPost.message)).where(TelegramPost.chat_key == key, TelegramPost.ref == ref)
        )
        or 0
    )


def forget_cases(session: Session, refs: Collection[str]) -> int:
    """Messages of these cases are nobody's any more; their topics are deleted by the channel."""
    return _deleted(session, TelegramPost.ref.in_(refs))


def forget_before(session: Session, moment: datetime) -> int:
    """Forgets of what parts old messages consisted."""
    return _deleted(session, (TelegramPost.at < moment) & (TelegramPost.ref == ""))


def _deleted(session: Session, condition: Any) -> int:
    ids = session.scalars(select(TelegramPost.id).where(condition)).all()
    session.execute(delete(TelegramPost).where(TelegramPost.id.in_(ids)))
    return len(ids)
