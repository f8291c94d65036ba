"""Round tables and other meetings: series, dates, who comes, topics, what was decided (R-60 to R-69)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.models import Base, only_where
from storage.scope import Scoped
from storage.types import EncryptedJson, EncryptedText, UtcDateTime


class Meeting(Base, Scoped):
    """A series of meetings, or a single one, as it was planned."""

    __tablename__ = "meeting"
    # The id is a meeting's number for people, and part of its UID in calendars: it must never come twice.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy declares it so

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """A name of `bot.meetings.meeting.MeetingKind`, or a kind of the contact point's own."""
    municipality: Mapped[str] = mapped_column(default="")
    """Empty: the whole area."""
    details: Mapped[Any | None] = mapped_column(EncryptedJson("meeting.details"))
    """Title, place, link, note."""
    rule: Mapped[str] = mapped_column(default="")
    """As in RFC 5545; empty: once."""
    zone: Mapped[str]
    starts: Mapped[str]
    """The first start by the clock of the wall, like `2026-12-01T18:00:00`."""
    minutes: Mapped[int]
    left_out: Mapped[str] = mapped_column(default="")
    """Local starts without a meeting, separated by spaces."""
    avoid: Mapped[str]
    """A name of `bot.meetings.days.Avoid`."""
    roles: Mapped[str] = mapped_column(default="")
    """Who has one of these roles there is a member; separated by spaces."""
    public: Mapped[bool] = mapped_column(default=False)
    """Whether everybody sees it and can come."""
    seats: Mapped[int | None]
    """None: as many as there are."""
    steps: Mapped[str]
    """So many days before it is reminded of, separated by spaces."""
    topics_until: Mapped[int]
    """So many days before, topics can be placed."""
    moderator_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    sequence: Mapped[int] = mapped_column(default=0)
    """How often it was changed in a way that those who were invited have to know (RFC 5545, SEQUENCE)."""
    changed_sequence: Mapped[int] = mapped_column(default=0)
    """Its value when the series itself was changed last, and not a single date."""
    laid_out_until: Mapped[date | None]
    """The last day whose dates have rows."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime())
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Since when there are no more dates."""


class MeetingDate(Base, Scoped):
    """One date of a meeting."""

    __tablename__ = "meeting_date"
    __table_args__ = (
        UniqueConstraint("meeting_id", "original"),
        Index("ix_meeting_date_starts_at", "contact_point", "starts_at"),
        # Buttons in chats name it for ever.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    original: Mapped[str]
    """The local start that the rule has (RFC 5545, RECURRENCE-ID)."""
    local: Mapped[str]
    """The local start that holds."""
    minutes: Mapped[int]
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime())
    """Derived from the local start."""
    state: Mapped[str] = mapped_column(default="PLANNED")
    """PLANNED or CANCELLED."""
    sequence: Mapped[int] = mapped_column(default=0)
    """That of the meeting when this date was moved or cancelled; 0: never."""
    details: Mapped[Any | None] = mapped_column(EncryptedJson("meeting_date.details"))
    """Why it was moved or cancelled, and another place."""
    dropped: Mapped[int] = mapped_column(default=0)
    """Reminders that came too late to be sent, of which the desk is still to be told."""
    agenda_sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    pulse_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    minutes_details: Mapped[Any | None] = mapped_column(EncryptedJson("meeting_date.minutes_details"))
    """What was written down beside the topics."""
    minutes_version: Mapped[int] = mapped_column(default=0)
    """How often the minutes were released."""
    minutes_sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    asked_after_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the moderator was asked what became of it."""


class MeetingMember(Base, Scoped):
    """A chat that is invited to a meeting, and what it was told."""

    __tablename__ = "meeting_member"
    __table_args__ = (
        UniqueConstraint("meeting_id", "conversation_id"),
        Index("ix_meeting_member_conversation_id", "conversation_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    why: Mapped[str]
    """A name of `bot.meetings.meeting.Why`."""
    only_date_id: Mapped[int | None] = mapped_column(ForeignKey("meeting_date.id", ondelete="CASCADE"), index=True)
    """Invited to this one date, in somebody's place."""
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the first message about it was queued."""
    told_sequence: Mapped[int | None]
    """The sequence of the meeting that the chat knows; None: it is to be told all."""
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Since when the chat is no member any more."""
    excluded: Mapped[bool] = mapped_column(default=False)
    """Taken out by name, whatever roles the person has."""
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Since when the person wants no reminders."""
    steps: Mapped[str | None]
    """The person's own; None: those of the series."""


class Attendance(Base, Scoped):
    """Whether somebody comes to one date, what they were told of it, and when they are reminded next."""

    __tablename__ = "attendance"
    __table_args__ = (
        UniqueConstraint("date_id", "conversation_id"),
        Index("ix_attendance_remind_at", "date_id", "remind_at", **only_where("remind_at IS NOT NULL")),
        Index("ix_attendance_conversation_id", "conversation_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    date_id: Mapped[int] = mapped_column(ForeignKey("meeting_date.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"))
    answer: Mapped[str] = mapped_column(default="NONE")
    """A name of `bot.meetings.meeting.Answer`."""
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    told_start: Mapped[str | None]
    """The local start that the person was told last, by itself; None: the one of the rule."""
    remind_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the next reminder is due; None: there is none."""
    snoozed: Mapped[bool] = mapped_column(default=False)
    """Whether the person has asked for the next one."""
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the person heard of this date last: what was due before is not made up for."""
    agenda_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the agenda was queued for the person."""
    pulse_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the question about the mood was."""
    minutes_version: Mapped[int] = mapped_column(default=0)
    """Which version of the minutes was."""
    in_place_of: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="SET NULL"), index=True)
    """The chat that sent this one."""
    pulse: Mapped[Any | None] = mapped_column(EncryptedJson("attendance.pulse"))
    """The mood in the area as the person sees it, and a remark."""


class AgendaTopic(Base, Scoped):
    """Something that a participant wants to be talked about (R-62)."""

    __tablename__ = "agenda_topic"
    __table_args__ = (Index("ix_agenda_topic_date_id", "date_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    date_id: Mapped[int] = mapped_column(ForeignKey("meeting_date.id", ondelete="CASCADE"))
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="SET NULL"), index=True)
    """The chat of whoever placed it."""
    text: Mapped[str] = mapped_column(EncryptedText("agenda_topic.text"))
    state: Mapped[str]
    """A name of `bot.meetings.meeting.TopicState`."""
    reason: Mapped[str | None] = mapped_column(EncryptedText("agenda_topic.reason"))
    """Why it was declined, or the answer."""
    position: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the minutes said what became of it."""
    carried_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it was carried over to the date after."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class Measure(Base, Scoped):
    """What a meeting has decided that somebody does until a day (G-72, R-67)."""

    __tablename__ = "measure"
    __table_args__ = (Index("ix_measure_date_id", "date_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    date_id: Mapped[int] = mapped_column(ForeignKey("meeting_date.id", ondelete="CASCADE"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("agenda_topic.id", ondelete="SET NULL"), index=True)
    details: Mapped[Any | None] = mapped_column(EncryptedJson("measure.details"))
    """What is to be done, and the function of whoever does it."""
    due_on: Mapped[date | None]
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class CalendarFeed(Base, Scoped):
    """A private address under which a person's calendar programme fetches their dates."""

    __tablename__ = "calendar_feed"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), unique=True)
    key: Mapped[str] = mapped_column(unique=True)
    """Keyed hash of the secret in the address."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


def forget_chat(session: Session, conversation: int) -> None:
    """Deletes what is kept of a chat: invitations, answers, its calendar; topics stay without whose they were."""
    for table in (MeetingMember, Attendance, CalendarFeed):
        session.execute(
            delete(table).where(table.conversation_id == conversation).execution_options(synchronize_session=False)
        )
    session.execute(
        update(AgendaTopic)
        .where(AgendaTopic.conversation_id == conversation)
        .values(conversation_id=None)
        .execution_options(synchronize_session=False)
    )
