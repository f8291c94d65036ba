"""Sends what is queued, after commit: in order per chat, tried again, and never over a human (idea 3)."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import inf
from time import monotonic
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from bot.backoff import wait
from bot.bugs import log_bug
from bot.delivery import Channel, Delivery, InDoubt, Refused, TryLater, Unreachable, WrittenOut
from bot.desk.card import renew_card
from bot.fates import Fate, NotTried, settle_sent, settled
from bot.handover import AHEAD, Handover, Taken
from bot.holder import HUMAN
from bot.i18n import Text, _
from bot.messages import Style, Voice, outbound_from_json
from bot.meter import UNWATCHED, Meter
from bot.meter import Fate as Met
from bot.pacing import Pacing
from bot.turns import Turns
from storage import outbox
from storage.database import Database
from storage.leases import Dead, Leases, LostLease
from storage.models import Conversation, OutboxMessage, Thread, ThreadEntry
from storage.outage import is_away
from storage.outbox import Claimed

FIRST_WAIT: Final = 1.0
"""Seconds before the second try; doubled each time, with jitter."""
LONGEST_WAIT: Final = 300.0
GIVE_UP_AFTER: Final = timedelta(days=2)
"""After this a message is no use to anybody any more."""

DOUBTS: Final[Mapping[Voice, int]] = {Voice.BOT: 5, Voice.NOTICE: 5}
"""How often a message that may have arrived is sent again; the words of a human always are, and so are edits, which
do no harm twice."""

AT_ONCE_AGAIN: Final = 5
"""How often a message that a process died with is sent again without a wait."""

LAST_SECONDS: Final = 4
"""How long messages under way are waited for when the bot stops; the next start finds those that are left in doubt."""

TOGETHER: Final = 8
"""What became of so many messages is written down at once; of fewer, within a moment."""
TOGETHER_WITHIN: Final = 0.02
"""Seconds."""

AT_ONCE: Final = 64
"""Chats whose messages are written out together at most."""

_MET: Final[Mapping[type[Exception], Met]] = {
    TryLater: "later",
    Unreachable: "unreachable",
    Refused: "refused",
    InDoubt: "in_doubt",
}
_LOG: Final = logging.getLogger("anlaufstelle.outbox")


class Outbox:
    """Takes rows from the outbox to their channels."""

    def __init__(
        self,
        database: Database,
        turns: Turns,
        channels: Mapping[str, Channel],
        leases: Leases,
        handover: Handover,
        now: Callable[[], datetime],
        meter: Meter = UNWATCHED,
    ) -> None:
        """`channels` by account."""
        self._now = now
        self._handover = handover
        self._database = database
        self._meter = meter
        self._turns = turns
        self._channels = channels
        self._leases = leases
        self._pacing = {account: Pacing(channel.pace) for account, channel in channels.items()}
        self._fates = handover.fates
        self._troubled: set[str] = set()
        """Accounts for which the database went away while messages were being sent."""

    @property
    def exclusive(self) -> tuple[str, ...]:
        """The accounts that only one process sends for at a time."""
        return tuple(account for account, channel in self._channels.items() if not isinstance(channel, WrittenOut))

    async def drain(self, *, briefly: bool = False) -> int:
        """Sends everything that is due, over all accounts side by side; returns how many messages were taken.

        `briefly`: what was written out may be noted later, with the next turn.
        """
        counts = await asyncio.gather(*(self.drain_account(account, briefly=briefly) for account in self._channels))
        return sum(counts)

    async def drain_account(self, account: str, *, briefly: bool = False) -> int:
        """Sends everything of one account that is due or comes due meanwhile; one caller at a time for each account."""
        if account in self._troubled:
            await self._database.run(self._take_back, account)
            self._troubled.remove(account)
        channel = self._channels[account]
        try:
            if isinstance(channel, WrittenOut):
                return await self._database.run(self._write_out, account, channel, briefly)
            return await self._send_all(account, channel)
        except (DBAPIError, LostLease):
            self._troubled.add(account)
            raise

    async def _send_all(self, account: str, channel: Channel) -> int:
        pacing = self._pacing[account]
        under_way: set[asyncio.Task[list[Fate]]] = set()
        fates = self._fates[account]
        taken = 0
        known_at = monotonic()
        try:
            while True:
                free = 0 if pacing.stopped else channel.pace.at_once - len(under_way)
                chats, late = self._handover.take(account, free)
                fates += map(_not_tried, late)
                waits = under_way and len(fates) < TOGETHER and monotonic() < known_at + TOGETHER_WITHIN
                if not (chats or waits) or len(fates) >= AT_ONCE:
                    chats += await self._database.run(self._settle_and_claim, account, free - len(chats))
                for chat in chats:
                    under_way.add(asyncio.create_task(self._send_in_order(channel, pacing, chat)))
                    taken += len(chat)
                if not under_way:
                    return taken
                if not fates:
                    known_at = inf
                left = max(0.0, known_at + TOGETHER_WITHIN - monotonic()) if fates else None
                done, under_way = await asyncio.wait(under_way, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if done and not fates:
                    known_at = monotonic()
                fates += [fate for task in done for fate in task.result()]
        finally:
            if under_way:
                done, hanging = await asyncio.wait(under_way, timeout=LAST_SECONDS)
                for task in hanging:
                    task.cancel()
                self._fates[account] += [fate for task in done for fate in task.result()]
                await self._database.run(self._settle_and_claim, account, 0)

    async def _send_in_order(self, channel: Channel, pacing: Pacing, chat: Sequence[Taken]) -> list[Fate]:
        """Sends messages of one chat; after one that has to wait, the others wait too."""
        fates: list[Fate] = []
        for each in chat:
            waits = fates and isinstance(fates[-1].error, TryLater | InDoubt | NotTried)
            fates.append(_not_tried(each) if waits else await self._send(channel, pacing, each))
        return fates

    async def _send(self, channel: Channel, pacing: Pacing, taken: Taken) -> Fate:
        delivery = taken.delivery
        remote_id = ""
        error: Exception | None = None
        met: Met = "sent"
        async with pacing.turn_of(delivery.chat, desk=delivery.contact_point):
            if not self._leases.is_still(taken.sender):
                # Others may have taken it over while it waited.
                return _not_tried(taken)
            began = monotonic()
            try:
                async with asyncio.timeout(channel.pace.seconds):
                    remote_id = await channel.send(delivery)
            except (Unreachable, Refused, InDoubt) as answer:
                error, met = answer, _MET[type(answer)]
            except TryLater as later:
                error, met = later, "later"
                if later.whole_account:
                    pacing.stop(later.after or FIRST_WAIT)
                elif later.after:
                    pacing.refused(taken.chat_key, later.after)
            except TimeoutError:
                error, met = InDoubt(), "in_doubt"
            except Exception as bug:  # noqa: BLE001  # a bug in a channel must not stop the other chats
                # A channel that keeps its messages in the database cannot do so while that is away.
                error, met = InDoubt(), "in_doubt" if is_away(bug) else "fault"
                if met == "fault":
                    log_bug(bug)
        self._meter.sent(delivery.account, met, monotonic() - began)
        return _fate(taken, remote_id, error)

    def next_due(self) -> datetime | None:
        """When the next queued message may be tried."""
        with self._database.transaction(everywhere=True) as session:
            return outbox.next_due(session)

    def _settle_and_claim(self, account: str, at_most: int) -> list[list[Taken]]:
        """Writes down what became of messages, and takes the next of each chat, several where a repeat does no harm."""
        now = self._now()
        # More may become known while this is written.
        fates = tuple(self._fates[account])
        if at_most > 0:
            # What is claimed too late is never sent, and would be claimed again at once.
            self._leases.keep_up()
        # Two senders would go twice as fast as the messenger allows.
        ours = at_most > 0 and self._leases.take(account) is not None
        with self._database.transaction(everywhere=True) as session:
            if fates:
                self._settle_in(session, fates, now)
            chats = self._claimed(session, account, now, at_most) if ours else []
        del self._fates[account][: len(fates)]
        return chats

    def _claimed(self, session: Session, account: str, now: datetime, at_most: int) -> list[list[Taken]]:
        self._leases.hold(session)
        self._leases.hold_account(session, account)
        several = self._channels[account].knows_repeats
        while found := outbox.next_of_each_chat(session, account, now, at_most, several=several):
            outbox.claim(session, [each.id for each in found], self._leases.me)
            chats: dict[str, list[Taken]] = {}
            for each in self._speakable(session, found, now):
                chats.setdefault(each.chat_key, []).append(each)
            if chats:
                return list(chats.values())
        return []

    def _speakable(self, session: Session, found: Sequence[Claimed], now: datetime) -> list[Taken]:
        """Those that may still go out; the others are settled as silenced."""
        spoken, silenced = [], []
        for each in found:
            if each.not_after is not None and each.not_after <= now:
                silenced.append(settled(each.id, "LATE", self._leases.me, now, self._database.ring))
                self._meter.sent(each.account, "silenced")
            elif (each.voice == Voice.BOT and each.holder == HUMAN) or (each.edits and each.edited_id is None):
                silenced.append(settled(each.id, "SILENCED", self._leases.me, now, self._database.ring))
                self._meter.sent(each.account, "silenced")
            else:
                spoken.append(Taken(each.chat_key, _delivery(each), each.entry_id, self._leases.me))
        if silenced:
            outbox.settle(session, silenced)
        return spoken

    def _write_out(self, account: str, channel: WrittenOut, briefly: bool) -> int:
        """Writes all that is due, on the thread of the database; at any instant at most one message is in doubt."""
        chats, late = self._handover.take(account, AHEAD)
        # Their ids are higher than that of any message written before, and grow: so it is known what is written.
        claimed = sorted((each for chat in chats for each in chat), key=lambda each: each.delivery.id)
        fates = self._fates[account]
        fates += map(_not_tried, late)
        taken = 0
        while True:
            now = self._now()
            taken += len(claimed)
            if claimed:
                self._write_each(account, channel, claimed, now)
            if claimed and briefly and self._handover.is_all and all(each.concerns_nobody for each in fates):
                # That it is written survives a kill already.
                return taken
            briefly = False
            with self._database.transaction(everywhere=True) as session:
                self._settle_in(session, fates, now)
                self._leases.hold(session)
                found = outbox.next_of_each_chat(session, account, now, AT_ONCE, several=True, me=self._leases.me)
                if found:
                    outbox.claim(session, [each.id for each in found], self._leases.me)
                    self._leases.nothing_written(session)
                claimed = self._speakable(session, found, now)
            fates.clear()
            if not found:
                return taken

    def _write_each(self, account: str, channel: WrittenOut, claimed: Sequence[Taken], now: datetime) -> None:
        """Writes messages; whatever happens meanwhile, it is known of each whether it is written."""
        fates = self._fates[account]
        left = iter(claimed)
        try:
            with self._leases.writing_out() as written:
                for each in left:
                    try:
                        if not self._leases.is_still(each.sender):
                            raise LostLease(f"Process {each.sender} was asleep.")
                        channel.write_out(each.delivery)
                    except BaseException:
                        fates.append(_not_tried(each))
                        raise
                    fates.append(_fate(each, channel.name_of(each.delivery)))
                    written(each.delivery.id)
        except BaseException as error:
            fates += map(_not_tried, left)
            if isinstance(error, OSError):
                # Nobody reads any more: what is left is written by the next start, and only that.
                self.let_go(now)
            raise

    def _settle_in(self, session: Session, fates: Sequence[Fate], now: datetime) -> None:
        settle_sent(session, self._database.ring, self._leases.me, fates, now)
        for each in fates:
            if not each.concerns_nobody:
                row = session.get(OutboxMessage, each.id, populate_existing=True)
                if row is not None:
                    self._tell(session, row, each, now)
        # What follows asks the database past the session.
        session.flush()

    def _tell(self, session: Session, row: OutboxMessage, fate: Fate, now: datetime) -> None:
        """Writes down what is not simply sent, and tells the member of staff whose words they were."""
        if fate.error is None:
            if row.state == "SENT":
                self._tell_writer(session, row, now, "delivered", _("Delivered."))
            return
        if row.state != "SENDING" or row.sender != self._leases.me:
            # Another process has taken it over meanwhile: what becomes of it is told there.
            return
        match fate.error:
            case NotTried():
                row.state, row.sender = "QUEUED", None
            case TryLater(after=after):
                self._later(session, row, now, after)
            case InDoubt():
                if self._may_repeat(row, now):
                    self._later(session, row, now, None)
            case unreachable:
                self._dead(session, row, now, unreachable=isinstance(unreachable, Unreachable))

    def _later(self, session: Session, row: OutboxMessage, now: datetime, after: float | None) -> None:
        row.attempts += 1
        if now - row.queued_at > GIVE_UP_AFTER:
            _LOG.error("outbox row %s given up after %s attempts", row.id, row.attempts)
            self._meter.sent(row.account, "dead")
            _forget_words(row, now)
            self._tell_writer(session, row, now, "failed", _("Not delivered after two days of trying."))
            return
        seconds = wait(row.attempts, FIRST_WAIT, LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
        row.not_before = now + timedelta(seconds=max(seconds, after or 0))
        row.state, row.sender = "QUEUED", None
        if row.attempts == 1:
            self._tell_writer(session, row, now, "sent", _("Not delivered yet. I keep trying."))

    def _dead(self, session: Session, row: OutboxMessage, now: datetime, *, unreachable: bool) -> None:
        _forget_words(row, now)
        if unreachable and row.conversation_id is not None:
            self._unreachable(session, row.conversation_id, now)
        _LOG.warning("outbox row %s not delivered", row.id)
        reason = (
            _("Not delivered: the person has closed the chat.")
            if unreachable
            else _("Not delivered: the messenger refused it.")
        )
        self._tell_writer(session, row, now, "failed", reason)

    def _unreachable(self, session: Session, conversation_id: int, now: datetime) -> None:
        """The cards of the person's open cases say so, once."""
        person = session.get_one(Conversation, conversation_id)
        if person.unreachable_since is not None:
            return
        person.unreachable_since = now
        with self._turns.working(session, person.contact_point, now) as work:
            for thread in work.cases_of(person):
                renew_card(work, thread)

    def take_over(self, session: Session, dead: Dead, now: datetime) -> int | None:
        """Puts back what a process that died was sending; returns how many messages, or None.

        None: it served an account that this process does not have, so another one must do it.
        """
        left = outbox.left_by(session, dead.name)
        if not {each.account for each in left} <= self._channels.keys():
            return None
        self._put_back(session, left, dead.written, now)
        return len(left)

    def _take_back(self, account: str) -> None:
        """After the database was away: what this process was sending then, as far as its fate is not known."""
        now = self._now()
        with self._database.transaction(everywhere=True) as session:
            self._fates[account] += map(_not_tried, self._handover.take_back(account))
            self._settle_in(session, self._fates[account], now)
            left = [each for each in outbox.left_by(session, self._leases.me) if each.account == account]
            self._put_back(session, left, self._leases.written(session), now)
        self._fates[account].clear()

    def let_go(self, now: datetime) -> None:
        """What was handed over and not sent waits for another process, or the next start."""
        for account, fates in self._fates.items():
            fates += map(_not_tried, self._handover.take_back(account))
            if fates:
                with self._database.transaction(everywhere=True) as session:
                    self._settle_in(session, fates, now)
                fates.clear()

    def _put_back(self, session: Session, left: Sequence[Claimed], written: int, now: datetime) -> None:
        """What is known to be written out is sent; the next one is in doubt; the rest was not sent."""
        in_doubt = False
        for each in left:
            row = session.get_one(OutboxMessage, each.id, populate_existing=True)
            channel = self._channels[row.account]
            row.sender = self._leases.me
            if isinstance(channel, WrittenOut) and row.id <= written:
                session.flush()
                self._settle_in(
                    session, [Fate(row.id, row.account, row.entry_id, channel.name_of(_delivery(each)))], now
                )
            elif isinstance(channel, WrittenOut) and in_doubt:
                row.state, row.sender = "QUEUED", None
            else:
                in_doubt = True
                self._interrupted(session, row, now)
        session.flush()

    def _interrupted(self, session: Session, row: OutboxMessage, now: datetime) -> None:
        """It was claimed, and perhaps sent: again, but more and more seldom where processes die of it."""
        row.interrupted += 1
        if row.interrupted > AT_ONCE_AGAIN:
            self._later(session, row, now, None)
        else:
            row.state, row.sender = "QUEUED", None

    def _may_repeat(self, row: OutboxMessage, now: datetime) -> bool:
        """Nobody knows whether it arrived: again, but not for ever, unless a repeat does no harm."""
        row.doubts += 1
        channel = self._channels.get(row.account)
        harmless = row.edits is not None or (channel is not None and channel.knows_repeats)
        if harmless or row.doubts <= DOUBTS.get(Voice(row.voice), row.doubts):
            return True
        _LOG.error("outbox row %s given up: nobody knows whether it arrived", row.id)
        self._meter.sent(row.account, "dead")
        _forget_words(row, now)
        return False

    def _tell_writer(self, session: Session, row: OutboxMessage, now: datetime, fate: str, text: Text) -> None:
        """The member of staff who wrote it sees what became of it."""
        entry = session.get(ThreadEntry, row.entry_id) if row.entry_id is not None else None
        if entry is None or entry.kind != Style.TO_REPORTER:
            return
        with self._turns.working(session, row.contact_point, now) as work:
            thread = session.get_one(Thread, entry.thread_id)
            status = work.post(
                thread,
                text,
                style=Style.STATUS,
                about=entry.message_id or "",
                edits=entry.status_outbox_id,
                fate=fate,
            )
            entry.status_outbox_id = entry.status_outbox_id or status


def _fate(taken: Taken, remote_id: str = "", error: Exception | None = None) -> Fate:
    return Fate(taken.delivery.id, taken.delivery.account, taken.entry_id, remote_id, error)


def _not_tried(taken: Taken) -> Fate:
    return _fate(taken, error=NotTried())


def _delivery(each: Claimed) -> Delivery:
    message = outbound_from_json(each.payload or {})
    if each.edits is not None:
        message = replace(message, edits=each.edits)
    return Delivery(
        each.id,
        each.contact_point,
        each.account,
        each.address,
        message,
        replaces=each.edited_id or "",
    )


def _forget_words(row: OutboxMessage, now: datetime) -> None:
    row.state, row.sender, row.settled_at = "DEAD", None, now
    row.payload = None
    row.address = ""
