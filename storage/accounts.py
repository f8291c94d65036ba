"""User accounts (D-05): the chats of people with roles, and the one-time codes that give them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from storage.keys import KeyRing
from storage.models import Base, Conversation
from storage.scope import Scoped
from storage.types import EncryptedText, UtcDateTime


class UserAccount(Base, Scoped):
    """A chat whose person has roles; who writes from another chat needs another code (F-14)."""

    __tablename__ = "user_account"
    # The id is a person's number at the desk: nobody else may ever have it.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  # SQLAlchemy declares it so

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), unique=True)
    name: Mapped[str | None] = mapped_column(EncryptedText("user_account.name"))
    """As the person wants to be called; None until they have said it."""
    organisation: Mapped[str | None] = mapped_column(EncryptedText("user_account.organisation"))
    """The short name of the employer."""
    away_from: Mapped[date | None]
    away_until: Mapped[date | None]
    """The last day away."""
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"), index=True)
    """Who stands in; None: the contact point."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    grants: Mapped[list[RoleGrant]] = relationship(
        back_populates="account", lazy="selectin", cascade="all, delete-orphan", order_by="RoleGrant.id"
    )


class RoleGrant(Base, Scoped):
    """One role of an account, with its municipalities."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("account_id", "role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    role: Mapped[str]
    municipalities: Mapped[str] = mapped_column(default="")
    """Short names, separated by spaces; empty: the whole area."""
    account: Mapped[UserAccount] = relationship(back_populates="grants", lazy="raise")


class Invitation(Base, Scoped):
    """A code that gives roles once; gone with its use."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_key: Mapped[str] = mapped_column(unique=True)
    """Keyed hash of the code."""
    roles: Mapped[str]
    """Separated by spaces."""
    organisation: Mapped[str | None] = mapped_column(EncryptedText("invitation.organisation"))
    municipalities: Mapped[str] = mapped_column(default="")
    profile: Mapped[str | None]
    """The number in the pool of whom it is for."""
    meeting_date_id: Mapped[int | None] = mapped_column(ForeignKey("meeting_date.id", ondelete="CASCADE"), index=True)
    """The one meeting it is for, in place of whoever handed it on."""
    in_place_of: Mapped[int | None] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    """The chat of whoever handed it on."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)


def code_key(ring: KeyRing, code: str) -> str:
    """What is stored of a code; the same at every contact point, so that one with several finds whose it is."""
    return ring.lookup("invitation", code)


def of_chat(session: Session, conversation: Conversation) -> UserAccount | None:
    """The account of a chat; None for everybody without a role."""
    return session.scalars(select(UserAccount).where(UserAccount.conversation_id == conversation.id)).one_or_none()


def everybody(session: Session) -> list[UserAccount]:
    """All accounts, in the order in which they came."""
    return sorted(session.scalars(select(UserAccount)), key=lambda account: account.id)


def with_roles(session: Session, roles: Collection[str]) -> list[UserAccount]:
    """Accounts that have one of these roles."""
    theirs = select(RoleGrant.account_id).where(RoleGrant.role.in_(sorted(roles)))
    return list(session.scalars(select(UserAccount).where(UserAccount.id.in_(theirs))))


@dataclass(frozen=True)
class Redeemed:
    """What came of a code."""

    account: UserAccount | None
    """None: the code gave no role."""
    profile: str | None
    """The number in the pool of whom it was for."""
    meeting_date: int | None = None
    """The one date that it was for."""
    in_place_of: int | None = None
    """The chat in whose place somebody comes there."""


def redeem(session: Session, ring: KeyRing, conversation: Conversation, code: str, now: datetime) -> Redeemed | None:
    """Gives a chat what its code stands for, and uses the code up; None for one unknown, used or too old."""
    found = session.scalars(
        select(Invitation).where(Invitation.code_key == code_key(ring, code)).with_for_update()
    ).one_or_none()
    if found is None or found.expires_at <= now:
        return None
    if found.meeting_date_id is not None:
        redeemed = Redeemed(None, None, found.meeting_date_id, found.in_place_of)
        session.delete(found)
        session.flush()
        return redeemed
    account = of_chat(session, conversation)
    if account is None:
        account = UserAccount(conversation_id=conversation.id, created_at=now, grants=[])
        session.add(account)
    account.organisation = found.organisation or account.organisation
    for role in found.roles.split():
        _grant(account, role, found.municipalities)
    session.delete(found)
    session.flush()
    return Redeemed(account, found.profile)


def _grant(account: UserAccount, role: str, municipalities: str) -> None:
    """Adds a role, or places to it (R-25); the whole area is more than any place."""
    grant = next((each for each in account.grants if each.role == role), None)
    if grant is None:
        account.grants.append(RoleGrant(role=role, municipalities=municipalities))
    elif grant.municipalities:
        both = {*grant.municipalities.split(), *municipalities.split()} if municipalities else ()
        grant.municipalities = " ".join(sorted(both))


def forget_codes(session: Session, before: datetime | None = None) -> int:
    """Deletes codes that were good until `before`, or all; returns how many."""
    statement = delete(Invitation)
    if before is not None:
        statement = statement.where(Invitation.expires_at <= before)
    gone = session.execute(statement.execution_options(synchronize_session=False))
    return int(getattr(gone, "rowcount", 0))


def forget_account(session: Session, conversation_id: int) -> None:
    """Deletes the account of a chat with its roles; deputies are taken back by the database."""
    statement = delete(UserAccount).where(UserAccount.conversation_id == conversation_id)
    session.execute(statement.execution_options(synchronize_session="fetch"))
