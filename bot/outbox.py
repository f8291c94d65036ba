"""Sends what is queued, after commit: in order per chat, tried again, and never over a human (idea 3)."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from bot.bugs import log_bug
from bot.delivery import Channel, Delivery, Refused, TryLater, Unreachable
from bot.i18n import Text, _
from bot.messages import Style, Voice, outbound_from_json
from bot.turns import Turns
from bot.work import HUMAN, Work
from storage.database import Database
from storage.models import Conversation, OutboxMessage, Thread, ThreadEntry
from storage.scope import scoped_to

FIRST_WAIT: Final = 1.0
"""Seconds before the second try; doubled each time, with jitter."""
LONGEST_WAIT: Final = 300.0
GIVE_UP_AFTER: Final = timedelta(days=2)
"""After this a message is no use to anybody any more."""

_LOG: Final = logging.getLogger("anlaufstelle.outbox")


class Outbox:
    """Takes rows from the outbox to their channels."""

    def __init__(self, database: Database, turns: Turns, channels: Mapping[str, Channel]) -> None:
        self._database = database
        self._turns = turns
        self._channels = channels

    async def drain(self, now: datetime) -> int:
        """Sends everything that is due, one after the other; returns how many rows were taken."""
        taken = 0
        while True:
            batch, more = await self._database.run(self._due, now)
            if not more:
                return taken
            for delivery in batch:
                await self._deliver(delivery, now)
                taken += 1

    async def _deliver(self, delivery: Delivery, now: datetime) -> None:
        try:
            channel = self._channels[delivery.account.partition(":")[0]]
            remote_id = await channel.send(delivery)
        except Unreachable:
            await self._database.run(self._failed, delivery.id, now, unreachable=True)
        except (Refused, KeyError):
            await self._database.run(self._failed, delivery.id, now, unreachable=False)
        except TryLater as later:
            await self._database.run(self._later, delivery.id, now, later.after)
        except Exception as error:  # noqa: BLE001  # a bug in a channel must not stop the other chats
            log_bug(error)
            await self._database.run(self._later, delivery.id, now, None)
        else:
            await self._database.run(self._sent, delivery.id, now, remote_id)

    def next_due(self) -> datetime | None:
        """When the next queued message may be tried."""
        with self._database.transaction(everywhere=True) as session:
            return session.scalar(select(func.min(OutboxMessage.not_before)).where(OutboxMessage.state == "QUEUED"))

    def _due(self, now: datetime) -> tuple[list[Delivery], bool]:
        """The first message of every chat that has one due, and whether any row was looked at."""
        earlier = aliased(OutboxMessage)
        with self._database.transaction(everywhere=True) as session:
            rows = session.scalars(
                select(OutboxMessage)
                .where(
                    OutboxMessage.state == "QUEUED",
                    OutboxMessage.not_before <= now,
                    ~exists().where(
                        earlier.chat_key == OutboxMessage.chat_key,
                        earlier.state == "QUEUED",
                        earlier.id < OutboxMessage.id,
                    ),
                )
                .order_by(OutboxMessage.id)
                .limit(100)
            ).all()
            deliveries = []
            for row in rows:
                delivery = _delivery(session, row)
                if delivery is None:
                    _forget_words(row, "SILENCED")
                else:
                    deliveries.append(delivery)
            return deliveries, bool(rows)

    def _sent(self, row_id: int, now: datetime, remote_id: str) -> None:
        with self._database.transaction(everywhere=True) as session:
            row = session.get_one(OutboxMessage, row_id)
            _forget_words(row, "SENT")
            row.sent_at = now
            row.remote_id = remote_id
            row.remote_key = self._database.ring.lookup("remote", row.account, remote_id)
            self._tell_writer(session, row, now, _("Delivered."))

    def _later(self, row_id: int, now: datetime, after: float | None) -> None:
        with self._database.transaction(everywhere=True) as session:
            row = session.get_one(OutboxMessage, row_id)
            row.attempts += 1
            if now - row.queued_at > GIVE_UP_AFTER:
                _LOG.error("outbox row %s given up after %s attempts", row.id, row.attempts)
                _forget_words(row, "DEAD")
                self._tell_writer(session, row, now, _("Not delivered after two days of trying."))
                return
            wait = min(FIRST_WAIT * 2 ** (row.attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
            row.not_before = now + timedelta(seconds=max(wait, after or 0))
            if row.attempts == 1:
                self._tell_writer(session, row, now, _("Not delivered yet. I keep trying."))

    def _failed(self, row_id: int, now: datetime, *, unreachable: bool) -> None:
        with self._database.transaction(everywhere=True) as session:
            row = session.get_one(OutboxMessage, row_id)
            _forget_words(row, "DEAD")
            if unreachable and row.conversation_id is not None:
                session.get_one(Conversation, row.conversation_id).unreachable_since = now
            reason = (
                _("Not delivered: the person has closed the chat.")
                if unreachable
                else _("Not delivered: the messenger refused it.")
            )
            _LOG.warning("outbox row %s not delivered", row.id)
            self._tell_writer(session, row, now, reason)

    def _tell_writer(self, session: Session, row: OutboxMessage, now: datetime, fate: Text) -> None:
        """The member of staff who wrote it sees what became of it."""
        entry = session.get(ThreadEntry, row.entry_id) if row.entry_id is not None else None
        if entry is None or entry.kind != Style.TO_REPORTER:
            return
        with scoped_to(session, row.contact_point):
            work: Work = self._turns.work(session, row.contact_point, now)
            thread = session.get_one(Thread, entry.thread_id)
            if entry.status_outbox_id is None:
                status = work.post(thread, fate, style=Style.STATUS, about=entry.message_id or "")
                entry.status_outbox_id = status.id
            else:
                work.post(
                    thread, fate, style=Style.STATUS, about=entry.message_id or "", edits=entry.status_outbox_id
                )


def _delivery(session: Session, row: OutboxMessage) -> Delivery | None:
    """The message with its address; None when it must not go out any more."""
    if row.voice == Voice.BOT and row.conversation_id is not None:
        conversation = session.get(Conversation, row.conversation_id)
        if conversation is not None and conversation.holder == HUMAN:
            return None
    replaces = ""
    message = outbound_from_json(row.payload or {})
    if row.edits is not None:
        edited = session.get(OutboxMessage, row.edits)
        if edited is None or edited.remote_id is None:
            return None
        replaces = edited.remote_id
        message = replace(message, edits=row.edits)
    return Delivery(row.id, row.contact_point, row.account, row.address, message, replaces)


def _forget_words(row: OutboxMessage, state: str) -> None:
    row.state = state
    row.payload = None
    row.address = ""
