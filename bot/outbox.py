"""Sends what is queued, after commit: in order per chat, tried again, and never over a human (idea 3)."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import bindparam, exists, func, select
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
from storage.types import UtcDateTime

FIRST_WAIT: Final = 1.0
"""Seconds before the second try; doubled each time, with jitter."""
LONGEST_WAIT: Final = 300.0
GIVE_UP_AFTER: Final = timedelta(days=2)
"""After this a message is no use to anybody any more."""

Settle = Callable[[Session, datetime], None]
"""Writes down what became of a message."""

_EARLIER = aliased(OutboxMessage)
_NEXT: Final = (
    select(OutboxMessage)
    .where(
        OutboxMessage.state == "QUEUED",
        OutboxMessage.not_before <= bindparam("now", type_=UtcDateTime()),
        ~exists().where(
            _EARLIER.chat_key == OutboxMessage.chat_key,
            _EARLIER.state == "QUEUED",
            _EARLIER.id < OutboxMessage.id,
        ),
    )
    .order_by(OutboxMessage.id)
    .limit(1)
)
"""The first message of a chat whose time has come."""

_LOG: Final = logging.getLogger("anlaufstelle.outbox")


class Outbox:
    """Takes rows from the outbox to their channels."""

    def __init__(self, database: Database, turns: Turns, channels: Mapping[str, Channel]) -> None:
        self._database = database
        self._turns = turns
        self._channels = channels

    async def drain(self, now: datetime) -> int:
        """Sends everything that is due, one after the other; returns how many messages were taken.

        What became of one message is committed together with the look for the next, so that a crash repeats at most
        the one that was under way.
        """
        taken = 0
        settle: Settle | None = None
        while (delivery := await self._database.run(self._next, now, settle)) is not None:
            settle = await self._deliver(delivery)
            taken += 1
        return taken

    async def _deliver(self, delivery: Delivery) -> Settle:
        try:
            channel = self._channels[delivery.account.partition(":")[0]]
            remote_id = await channel.send(delivery)
        except Unreachable:
            return partial(self._failed, delivery.id, unreachable=True)
        except (Refused, KeyError):
            return partial(self._failed, delivery.id, unreachable=False)
        except TryLater as later:
            return partial(self._later, delivery.id, after=later.after)
        except Exception as error:  # noqa: BLE001  # a bug in a channel must not stop the other chats
            log_bug(error)
            return partial(self._later, delivery.id, after=None)
        return partial(self._sent, delivery.id, remote_id=remote_id)

    def next_due(self) -> datetime | None:
        """When the next queued message may be tried."""
        with self._database.transaction(everywhere=True) as session:
            return session.scalar(select(func.min(OutboxMessage.not_before)).where(OutboxMessage.state == "QUEUED"))

    def _next(self, now: datetime, settle: Settle | None) -> Delivery | None:
        """Settles the message before, and finds the next that is due; what must no longer go out is passed over."""
        with self._database.transaction(everywhere=True) as session:
            if settle is not None:
                settle(session, now)
            while (row := session.scalars(_NEXT, {"now": now}).first()) is not None:
                delivery = _delivery(session, row)
                if delivery is not None:
                    return delivery
                _forget_words(row, "SILENCED")
                session.flush()
            return None

    def _sent(self, row_id: int, session: Session, now: datetime, *, remote_id: str) -> None:
        row = session.get_one(OutboxMessage, row_id)
        _forget_words(row, "SENT")
        row.sent_at = now
        row.remote_id = remote_id
        row.remote_key = self._database.ring.lookup("remote", row.account, remote_id)
        self._tell_writer(session, row, now, "delivered", _("Delivered."))

    def _later(self, row_id: int, session: Session, now: datetime, *, after: float | None) -> None:
        row = session.get_one(OutboxMessage, row_id)
        row.attempts += 1
        if now - row.queued_at > GIVE_UP_AFTER:
            _LOG.error("outbox row %s given up after %s attempts", row.id, row.attempts)
            _forget_words(row, "DEAD")
            self._tell_writer(session, row, now, "failed", _("Not delivered after two days of trying."))
            return
        wait = min(FIRST_WAIT * 2 ** (row.attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
        row.not_before = now + timedelta(seconds=max(wait, after or 0))
        if row.attempts == 1:
            self._tell_writer(session, row, now, "sent", _("Not delivered yet. I keep trying."))

    def _failed(self, row_id: int, session: Session, now: datetime, *, unreachable: bool) -> None:
        row = session.get_one(OutboxMessage, row_id)
        _forget_words(row, "DEAD")
        if unreachable and row.conversation_id is not None:
            session.get_one(Conversation, row.conversation_id).unreachable_since = now
        _LOG.warning("outbox row %s not delivered", row.id)
        reason = (
            _("Not delivered: the person has closed the chat.")
            if unreachable
            else _("Not delivered: the messenger refused it.")
        )
        self._tell_writer(session, row, now, "failed", reason)

    def _tell_writer(self, session: Session, row: OutboxMessage, now: datetime, fate: str, text: Text) -> None:
        """The member of staff who wrote it sees what became of it."""
        entry = session.get(ThreadEntry, row.entry_id) if row.entry_id is not None else None
        if entry is None or entry.kind != Style.TO_REPORTER:
            return
        with scoped_to(session, row.contact_point):
            work: Work = self._turns.work(session, row.contact_point, now)
            thread = session.get_one(Thread, entry.thread_id)
            if entry.status_outbox_id is None:
                status = work.post(thread, text, style=Style.STATUS, about=entry.message_id or "", fate=fate)
                entry.status_outbox_id = status.id
            else:
                work.post(
                    thread,
                    text,
                    style=Style.STATUS,
                    about=entry.message_id or "",
                    edits=entry.status_outbox_id,
                    fate=fate,
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
