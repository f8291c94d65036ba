"""What stands on the web page: messages of private chats and desks, encrypted, in the order they came."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.models import Base
from storage.scope import Scoped
from storage.types import EncryptedJson, UtcDateTime, ring_of


class WebMessage(Base, Scoped):
    """One message as the page shows it; `version` grows with every change within the contact point."""

    __tablename__ = "web_message"
    __table_args__ = (
        UniqueConstraint("contact_point", "place_key", "message_id"),
        UniqueConstraint("contact_point", "version"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    place_key: Mapped[str]
    """A keyed hash of the chat's address; the address itself is not stored here."""
    message_id: Mapped[str]
    thread_key: Mapped[str | None] = mapped_column(index=True)
    """A keyed hash of the case that a message of the desk belongs to."""
    payload: Mapped[Any] = mapped_column(EncryptedJson("web_message.payload"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    version: Mapped[int] = mapped_column(BigInteger)


def place_key(session: Session, chat: str) -> str:
    """The key of a private chat, or of the desk where `chat` is empty."""
    return ring_of(session.get_bind().dialect).lookup("web_message.place", chat)


def thread_key(session: Session, ref: str) -> str:
    """The key under which the desk's messages of a case are found."""
    return ring_of(session.get_bind().dialect).lookup("web_message.thread", ref)


def keep(
    session: Session,
    contact_point: str,
    chat: str,
    message_id: str,
    payload: Mapping[str, Any],
    at: datetime,
    thread: str = "",
) -> WebMessage:
    """Stores a message, or replaces the payload of the one that stands there under this id.

    `thread` is the number of the case it belongs to, so that it can go with it.
    """
    row = find(session, chat, message_id)
    # At least the time in milliseconds: a version is never given twice, whatever has been forgotten since.
    version = max(newest(session) + 1, int(at.timestamp() * 1000))
    if row is None:
        row = WebMessage(
            contact_point=contact_point,
            place_key=place_key(session, chat),
            message_id=message_id,
            thread_key=thread_key(session, thread) if thread else None,
            payload=dict(payload),
            created_at=at,
            version=version,
        )
        session.add(row)
    else:
        row.payload, row.version = dict(payload), version
    session.flush()
    return row


def find(session: Session, chat: str, message_id: str) -> WebMessage | None:
    """The message of this id, if the place has one."""
    wanted = select(WebMessage).where(
        WebMessage.place_key == place_key(session, chat), WebMessage.message_id == message_id
    )
    return session.scalars(wanted).one_or_none()


def after(session: Session, chats: Sequence[str], version: int, at_most: int) -> list[tuple[str, WebMessage]]:
    """What changed in these places since that version, oldest change first, each with its chat."""
    chat_of = {place_key(session, chat): chat for chat in chats}
    wanted = (
        select(WebMessage)
        .where(WebMessage.place_key.in_(chat_of), WebMessage.version > version)
        .order_by(WebMessage.version)
        .limit(at_most)
    )
    return [(chat_of[row.place_key], row) for row in session.scalars(wanted)]


def newest(session: Session) -> int:
    """The highest version of the contact point; 0 where it has none."""
    return session.scalar(select(func.max(WebMessage.version))) or 0


def forget_chat(session: Session, chat: str) -> int:
    """Deletes everything a private chat shows, for a withdrawal (F-07); returns how many messages."""
    return _deleted(session, WebMessage.place_key == place_key(session, chat))


def forget_messages(session: Session, chat: str, message_ids: Collection[str]) -> int:
    """Deletes single messages of a place; returns how many there were."""
    if not message_ids:
        return 0
    return _deleted(
        session, (WebMessage.place_key == place_key(session, chat)) & WebMessage.message_id.in_(message_ids)
    )


def forget_threads(session: Session, refs: Collection[str]) -> int:
    """Deletes what the desk shows of these cases; returns how many messages."""
    return _deleted(session, WebMessage.thread_key.in_([thread_key(session, ref) for ref in refs]))


def forget_before(session: Session, moment: datetime) -> int:
    """Deletes what is older than that, whatever it is; returns how many messages."""
    return _deleted(session, WebMessage.created_at < moment)


def _deleted(session: Session, condition: Any) -> int:
    ids = session.scalars(select(WebMessage.id).where(condition)).all()
    session.execute(delete(WebMessage).where(WebMessage.id.in_(ids)))
    return len(ids)
