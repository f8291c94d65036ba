"""The tables. Whatever a person wrote or could be recognised by is encrypted; look-ups go by keyed hashes (idea 7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from storage.database import NAMING
from storage.scope import Scoped, own_contact_point
from storage.types import NUMBER, EncryptedJson, EncryptedText, UtcDateTime


class Base(DeclarativeBase):
    """The tables of the bot."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {int: NUMBER}


def only_where(condition: str) -> dict[str, Any]:
    """The rows a partial index holds: an index over what waits stays small however much has been done."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Lease(Base):
    """What one process alone does for a while: being itself, or holding an account of a messenger."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    """`process:<id>` or `account:<account>`."""
    owner: Mapped[str]
    """The process that has it."""
    epoch: Mapped[int]
    """Grows whenever the owner changes: who remembers an older one has lost it."""
    until: Mapped[datetime] = mapped_column(UtcDateTime())
    session: Mapped[str]
    """The database session of the owner: gone means dead, sooner than the time runs out."""
    written: Mapped[int] = mapped_column(default=0)
    """Of the messages that the process has claimed to write out in order: the id of the last one written."""
    data_key: Mapped[str]
    """The id of the data key that the process encrypts with."""


class Setting(Base):
    """A fact about the installation: the time of a manual clock, the language of a desk."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class InboxMessage(Base, Scoped):
    """One message as it came in. Its words go once it is worked through, the key stays to recognise a repeat."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("account", "message_key"),
        Index("ix_inbox_chat_key", "chat_key", "id"),
        Index("ix_inbox_waiting", "id", **only_where("done_at IS NULL")),
        Index("ix_inbox_waiting_in_chat", "chat_key", "id", **only_where("done_at IS NULL")),
        Index("ix_inbox_failed", "id", **only_where("state = 'FAILED'")),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_point: Mapped[str] = own_contact_point(index=False)
    account: Mapped[str]
    message_key: Mapped[str]
    """Keyed hash of the messenger's message id."""
    chat_key: Mapped[str]
    """Keyed hash of what must stay in order: the chat, or the desk."""
    payload: Mapped[Any | None] = mapped_column(EncryptedJson("inbox.payload"))
    state: Mapped[str] = mapped_column(default="NEW")
    """NEW, DONE, or FAILED: a bug, told to the person, kept for repair."""
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime())
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it was worked through or given up; None while it waits."""
    error_ref: Mapped[str | None]
    via: Mapped[str | None]
    """The process it came in by, where the answer must go out by the same one."""


class Conversation(Base, Scoped):
    """One private chat with the bot; who comes to two contact points by one messenger has two."""

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("contact_point", "account", "chat_key"),
        Index("ix_conversation_thread_id", "thread_id", **only_where("thread_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    chat_key: Mapped[str]
    address: Mapped[str] = mapped_column(EncryptedText("conversation.address"))
    language: Mapped[str | None]
    """The code chosen; None until the person has chosen."""
    hinted_language: Mapped[str | None]
    """What the messenger says the person reads."""
    privacy_read_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    holder: Mapped[str] = mapped_column(default="BOT")
    """BOT or HUMAN (idea 4)."""
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("thread.id", ondelete="SET NULL", use_alter=True))
    """The thread that a human holds the chat for."""
    memory: Mapped[Any | None] = mapped_column(EncryptedJson("conversation.memory"))
    """The running conversation and the draft."""
    draft_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    prompt_outbox_id: Mapped[int | None]
    """The question that stands open in the chat."""
    via: Mapped[str | None]
    """The process it was last heard by, where the answer must go out by the same one."""
    last_heard_at: Mapped[datetime] = mapped_column(UtcDateTime())
    blocked_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    unreachable_since: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class Thread(Base, Scoped):
    """One report or chat at the desk: who has it, by when it is answered, how it ended."""

    __tablename__ = "thread"
    __table_args__ = (
        UniqueConstraint("contact_point", "ref"),
        Index("ix_thread_contact_point_created_at", "contact_point", "created_at"),
        Index("ix_thread_card_outbox_id", "card_outbox_id", **only_where("card_outbox_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str]
    language: Mapped[str]
    municipality: Mapped[str | None]
    urgency: Mapped[str]
    flags: Mapped[str] = mapped_column(default="")
    """Flags, separated by spaces."""
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    taken_by: Mapped[str | None] = mapped_column(EncryptedText("thread.taken_by"))
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    talk_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Until then the holder's plain text goes out (`/talk`)."""
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Since when the person waits for an answer; None when nobody waits."""
    deadline: Mapped[datetime | None] = mapped_column(UtcDateTime())
    lapses: Mapped[int] = mapped_column(default=0)
    """How often the time for an answer has run out."""
    last_reply_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    result: Mapped[str | None]
    abuse_marked_by: Mapped[str | None] = mapped_column(EncryptedText("thread.abuse_marked_by"))
    card_outbox_id: Mapped[int | None]
    """The case card in the thread; edited when the case changes."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class Report(Base, Scoped):
    """One message of one reporter about a tension (D-01): no name, no account, only what was told."""

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), unique=True)
    state: Mapped[str] = mapped_column(default="SUBMITTED")
    story: Mapped[str | None] = mapped_column(EncryptedText("report.story"))
    details: Mapped[Any | None] = mapped_column(EncryptedJson("report.details"))
    """The chosen answers: danger, setting, when, parties, heat, wish, contact."""
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime())
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    thread: Mapped[Thread | None] = relationship(lazy="raise")
    """So that a thread is written before what belongs to it; read by nobody."""


class ContactLink(Base, Scoped):
    """The way back from a thread to the person: kept apart from what was told, deletable alone (D-02)."""

    __tablename__ = "contact_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    phone: Mapped[str | None] = mapped_column(EncryptedText("contact_link.phone"))
    thread: Mapped[Thread | None] = relationship(lazy="raise")


class Consent(Base, Scoped):
    """A voluntary yes, for one purpose, with the version of the sentence that was read (5.1).

    The proof outlives the case it was for, without a thread.
    """

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int | None] = mapped_column(ForeignKey("thread.id", ondelete="SET NULL"), index=True)
    purpose: Mapped[str]
    text_version: Mapped[str]
    language: Mapped[str]
    given_at: Mapped[datetime] = mapped_column(UtcDateTime())
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    thread: Mapped[Thread | None] = relationship(lazy="raise")


class ThreadEntry(Base, Scoped):
    """One thing said or done in a thread, in order."""

    __tablename__ = "thread_entry"
    __table_args__ = (
        Index("ix_thread_entry_outbox_id", "outbox_id", **only_where("outbox_id IS NOT NULL")),
        Index("ix_thread_entry_status_outbox_id", "status_outbox_id", **only_where("status_outbox_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    """STORY (the words are in the report), FROM_REPORTER, TO_REPORTER, NOTE or EVENT."""
    author: Mapped[str | None] = mapped_column(EncryptedText("thread_entry.author"))
    text: Mapped[str | None] = mapped_column(EncryptedText("thread_entry.text"))
    source_key: Mapped[str | None] = mapped_column(index=True)
    """Keyed hash of the message it came in, so that an edit finds it."""
    message_id: Mapped[str | None] = mapped_column(EncryptedText("thread_entry.message_id"))
    """The messenger's id of that message, so that its writer can be shown what became of it."""
    outbox_id: Mapped[int | None]
    """The message that carried it on: to the reporter, or into the thread."""
    status_outbox_id: Mapped[int | None]
    """The message that tells its writer what became of it."""
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    thread: Mapped[Thread | None] = relationship(lazy="raise")


class SourceLink(Base, Scoped):
    """Which thread holds the words of a message, so that an edit of it finds its report (F-25)."""

    __tablename__ = "source_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    source_key: Mapped[str] = mapped_column(index=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), index=True)
    thread: Mapped[Thread | None] = relationship(lazy="raise")


class OutboxMessage(Base, Scoped):
    """One message to send, after the turn that queued it is committed; its words go once it is sent."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_waiting", "account", "broadcast", "id", **only_where("settled_at IS NULL")),
        Index("ix_outbox_waiting_in_chat", "chat_key", "id", **only_where("settled_at IS NULL")),
        Index("ix_outbox_dead", "id", **only_where("state = 'DEAD'")),
        Index("ix_outbox_about", "about", **only_where("about IS NOT NULL")),
        # Without it, deleting a conversation reads the whole table.
        Index("ix_outbox_conversation_id", "conversation_id"),
        # The id is a message's name for its channel: it must never come twice.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_point: Mapped[str] = own_contact_point(index=False)
    account: Mapped[str]
    chat_key: Mapped[str]
    """Keyed hash of what must stay in order: the chat, or a place at the desk."""
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(EncryptedText("outbox.address"))
    payload: Mapped[Any | None] = mapped_column(EncryptedJson("outbox.payload"))
    voice: Mapped[str]
    broadcast: Mapped[bool] = mapped_column(default=False)
    """The same goes to many people: it waits behind everything that somebody waits for."""
    entry_id: Mapped[int | None]
    """The thread entry whose fate this is: a reply on its way to the reporter."""
    edits: Mapped[int | None]
    cause: Mapped[int | None]
    """The inbox row that led to it; None for what came due."""
    state: Mapped[str] = mapped_column(default="QUEUED")
    """QUEUED, SENDING, SENT, SILENCED (a human took the chat meanwhile, or it was taken back), LATE or DEAD."""
    attempts: Mapped[int] = mapped_column(default=0)
    doubts: Mapped[int] = mapped_column(default=0)
    """How often nobody could say whether it had been sent."""
    interrupted: Mapped[int] = mapped_column(default=0)
    """How often a process died, or the database went away, while it was being sent or was about to be."""
    not_before: Mapped[datetime] = mapped_column(UtcDateTime())
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime())
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it was sent, silenced or given up; None while it waits."""
    sender: Mapped[str | None]
    """The process that is sending it."""
    via: Mapped[str | None]
    """The process that it must go out by, as long as that one lives."""
    about: Mapped[str | None]
    """What it tells, like `date:12`: while it waits, it can be taken back when that changes."""
    not_after: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it is of no use any more: then it is not sent, but settled as LATE."""
    remote_key: Mapped[str | None] = mapped_column(index=True)
    """Keyed hash of the messenger's id of it."""
    remote_id: Mapped[str | None] = mapped_column(EncryptedText("outbox.remote_id"))


class DueRow(Base, Scoped):
    """Something that becomes a turn at a moment; looked at again when the moment has come (idea 6)."""

    __tablename__ = "due"
    __table_args__ = (
        UniqueConstraint("contact_point", "kind", "subject"),
        Index("ix_due_waiting", "done_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[int]
    due_at: Mapped[datetime] = mapped_column(UtcDateTime())
    attempts: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class Erasure(Base, Scoped):
    """Something that was erased: of whom, only as a keyed hash. After a restore it is erased again."""

    __tablename__ = "erasure"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy declares it so

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """A name of `storage.erasures.Kind`."""
    subject: Mapped[str]
    """Keyed hash of the reference number, or of the chat."""
    at: Mapped[datetime] = mapped_column(UtcDateTime())


class Statistic(Base, Scoped):
    """What remains of a report that was deleted: choices, no words, no way back (D-19)."""

    __tablename__ = "statistic"
    __table_args__ = (Index("ix_statistic_contact_point_month", "contact_point", "month"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    """Random; nothing else has ever had it."""
    month: Mapped[str]
    """The month in which it came in, like `2026-11`."""
    place: Mapped[str | None]
    """None where fewer than five came from the place in that month: then only the whole area is known."""
    urgency: Mapped[str]
    setting: Mapped[str | None]
    parties: Mapped[str | None]
    wish: Mapped[str | None]
    result: Mapped[str | None]
