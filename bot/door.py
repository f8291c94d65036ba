"""Which contact point a private chat belongs to, where one channel serves several."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from bot.codes import read_code
from bot.contact_point import ContactPoint
from bot.reading.words import command as slash_command
from storage.accounts import Invitation, code_key
from storage.database import Database
from storage.models import Conversation, InboxMessage


class Door:
    """Knows the contact points by their names and places, and who came in where."""

    def __init__(self, database: Database, contact_points: Mapping[str, ContactPoint]) -> None:
        self._database = database
        self._contact_points = contact_points

    @property
    def asks(self) -> bool:
        """Whether the database may be asked."""
        return len(self._contact_points) > 1

    def contact_point_of(self, account: str, chat: str, text: str, before: str | None = None) -> str:
        """The contact point that a link names, else the one the chat came to last, else the first.

        `before` is where the chat came to in a message that is not kept yet.
        """
        if not self.asks:
            return next(iter(self._contact_points))
        parsed = slash_command(text) if text.startswith("/start") else None
        given = parsed[1].strip() if parsed else text
        named = (self._named(given.casefold()) if parsed else None) or self._inviting(given)
        return named or before or self._known(account, chat) or next(iter(self._contact_points))

    def _named(self, place: str) -> str | None:
        for key, point in self._contact_points.items():
            if place and (place == key or point.municipality(place)):
                return key
        return None

    def _inviting(self, text: str) -> str | None:
        """The contact point that has given a code."""
        code = read_code(text)
        if code is None:
            return None
        key = code_key(self._database.ring, code)
        with self._database.transaction(everywhere=True) as session:
            return session.scalar(select(Invitation.contact_point).where(Invitation.code_key == key))

    def _known(self, account: str, chat: str) -> str | None:
        key = self._database.ring.lookup("chat", account, chat)
        with self._database.transaction(everywhere=True) as session:
            # What has come in counts, worked through or not; the inbox forgets, the conversation stays.
            return session.scalar(
                select(InboxMessage.contact_point)
                .where(InboxMessage.chat_key == key)
                .order_by(InboxMessage.id.desc())
                .limit(1)
            ) or session.scalar(
                select(Conversation.contact_point)
                .where(Conversation.account == account, Conversation.chat_key == key)
                .order_by(Conversation.last_heard_at.desc())
                .limit(1)
            )
