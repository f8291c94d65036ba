"""The intervention pool: profiles of experts, requests for one, and the offers of a request (D-04, R-50 to R-57)."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.models import Base, Thread, only_where
from storage.scope import Scoped
from storage.types import EncryptedJson, UtcDateTime


def fresh_mark() -> str:
    """Stands for one version of a profile, and never for another."""
    return secrets.token_hex(8)


class PoolProfile(Base, Scoped):
    """An expert of the pool as the desk has entered it; the chat that may edit it is that of an account."""

    __tablename__ = "pool_profile"
    __table_args__ = (UniqueConstraint("contact_point", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    """As people write it, like `P12`."""
    details: Mapped[Any | None] = mapped_column(EncryptedJson("pool_profile.details"))
    """Name, professions, languages and the rest, as `bot.pool.profiles` writes them."""
    mark: Mapped[str] = mapped_column(default=fresh_mark)
    """Another one whenever the details change: what was read with it need not be read again."""
    account_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), unique=True)
    """The chat that offers go to; None: this expert cannot be asked here."""
    offers: Mapped[int] = mapped_column(default=0)
    """How often asked, whatever the answer was."""
    last_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    unanswered: Mapped[int] = mapped_column(default=0)
    """How many offers in a row ran out without an answer (F-17)."""
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """Since when this expert is not in the pool any more; the profile is deleted later."""


class ExpertRequest(Base, Scoped):
    """Somebody asks for an expert: how far the search is, and how it went; at the desk it is a thread."""

    __tablename__ = "expert_request"
    __table_args__ = (Index("ix_expert_request_open", "contact_point", "id", **only_where("ended_at IS NULL")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id", ondelete="CASCADE"), unique=True)
    state: Mapped[str]
    """A name of `bot.taxonomy.RequestState`."""
    details: Mapped[Any | None] = mapped_column(EncryptedJson("expert_request.details"))
    """The answers of the requester, as `bot.pool.request` writes them."""
    batch: Mapped[int] = mapped_column(default=0)
    """How many batches of offers went out."""
    batches_before: Mapped[int] = mapped_column(default=0)
    """How many of them before this search: after a cancellation or a decision of the desk it begins anew."""
    batch_size: Mapped[int] = mapped_column(default=1)
    answer_minutes: Mapped[int] = mapped_column(default=0)
    """Working minutes that an expert has for an answer; 0: see `answer_days`."""
    answer_days: Mapped[int] = mapped_column(default=2)
    """Service days that an expert has for an answer."""
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the open offers of this batch expire."""
    offer_id: Mapped[int | None]
    """The offer that was accepted; None until then, and again after a cancellation."""
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When it was done, or no longer needed; None while it is open."""
    hours: Mapped[int | None]
    """As the expert told them at the end."""
    feedback: Mapped[Any | None] = mapped_column(EncryptedJson("expert_request.feedback"))
    """The choices of both, by who made them."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    thread: Mapped[Thread | None] = relationship(lazy="raise")


class Offer(Base, Scoped):
    """One expert asked about one request, once in a batch."""

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("request_id", "profile_id", "batch"),
        Index("ix_offer_open", "profile_id", **only_where("state IN ('OPEN', 'ACCEPTED')")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("expert_request.id", ondelete="CASCADE"))
    profile_id: Mapped[int] = mapped_column(ForeignKey("pool_profile.id", ondelete="CASCADE"))
    batch: Mapped[int]
    state: Mapped[str]
    """A name of `bot.taxonomy.OfferState`."""
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime())
    due_at: Mapped[datetime] = mapped_column(UtcDateTime())
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the expert answered, or was told that it is over."""
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    """When the message that asks was queued; None: it is about to be."""
    request: Mapped[ExpertRequest | None] = relationship(lazy="raise")
    profile: Mapped[PoolProfile | None] = relationship(lazy="raise")
