"""Messages that go from the turn that queued them straight to the sender of the same process.

They are written to the outbox like all others, as being sent already; so nobody has to look for them and read them
back. What cannot go at once is left in the outbox, where the sender finds it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from bot.delivery import Channel, Delivery, WrittenOut
from bot.fates import Fate, settle_sent
from bot.holder import HUMAN
from bot.messages import Outbound, Voice
from storage import outbox
from storage.keys import KeyRing
from storage.leases import Leases
from storage.models import Conversation

AHEAD: Final = 256
"""Chats whose messages may wait for the sender, where a repeat does no harm or what was written is known."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that a turn has queued, with its row."""

    row: dict[str, Any]
    message: Outbound
    conversation: Conversation | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A message on its way to its channel."""

    chat_key: str
    delivery: Delivery
    entry_id: int | None
    """The thread entry whose fate it is."""
    sender: str
    """The name under which this process took it on."""


class Handover:
    """What turns have handed over, by account, until the sender takes it."""

    def __init__(self, channels: Mapping[str, Channel], leases: Leases, ring: Callable[[], KeyRing]) -> None:
        self._channels = channels
        self._ring = ring
        self.fates: dict[str, list[Fate]] = {account: [] for account in channels}
        """What is known by account and not written down yet."""
        self.is_all = False
        """Whether nothing waited to be sent after the last turns but what they handed over."""
        self._writes_alone = not leases.shared and any(isinstance(each, WrittenOut) for each in channels.values())
        self._leases = leases
        self._waiting: dict[str, deque[list[Taken]]] = {account: deque() for account in channels}

    def claim(self, session: Session, messages: Sequence[Queued]) -> list[Taken]:
        """Marks, before they are written, those that this process will send as soon as they are committed."""
        accounts = {each.row["account"] for each in messages}
        room = {account: self._room(session, account) for account in accounts}
        chats: dict[str, list[Queued]] = {}
        for each in messages:
            if room[each.row["account"]] > 0:
                chats.setdefault(each.row["chat_key"], []).append(each)
        if not chats:
            return []
        busy = outbox.busy_chats(session, list(chats))
        edited = outbox.remote_ids(session, [each.row["edits"] for each in messages if each.row["edits"] is not None])
        taken: list[Taken] = []
        for chat_key, queued in chats.items():
            account = queued[0].row["account"]
            if chat_key in busy or room[account] == 0:
                continue
            room[account] -= 1
            at_once = queued if self._is_harmless(account) else queued[:1]
            for each in at_once:
                if not self._may_go(each, edited):
                    # What stands behind it has to wait as well.
                    break
                each.row.update(state="SENDING", sender=self._leases.me)
                taken.append(_taken(each, edited, self._leases.me))
        return taken

    def _room(self, session: Session, account: str) -> int:
        channel = self._channels.get(account)
        if channel is None or not self._leases.serves(session, account, alone=not isinstance(channel, WrittenOut)):
            return 0
        most = AHEAD if self._is_harmless(account) else channel.pace.at_once
        return max(0, most - len(self._waiting[account]))

    def _is_harmless(self, account: str) -> bool:
        channel = self._channels[account]
        return channel.knows_repeats or isinstance(channel, WrittenOut)

    def _may_go(self, each: Queued, edited: Mapping[int, str | None]) -> bool:
        held = each.conversation is not None and each.conversation.holder == HUMAN
        if held and each.message.voice is Voice.BOT:
            return False
        if each.row["edits"] is not None and edited.get(each.row["edits"]) is None:
            return False
        return each.row["via"] in (None, self._leases.me)

    def note(self, session: Session, now: datetime) -> list[list[Fate]]:
        """Writes down what was written out meanwhile; returns what is to be emptied when that is committed."""
        written = [fates for account, fates in self.fates.items() if isinstance(self._channels[account], WrittenOut)]
        noted = [fates for fates in written if fates and all(each.concerns_nobody for each in fates)]
        for fates in noted:
            settle_sent(session, self._ring(), self._leases.me, fates, now)
        return noted

    def nothing_else_waits(self, session: Session) -> bool:
        """Whether that is so; not looked up where nobody asks for it."""
        return self._writes_alone and outbox.is_empty(session)

    def give(self, taken: Sequence[Taken], *, is_all: bool) -> None:
        """They are committed: the sender may have them."""
        self.is_all = is_all
        chats: dict[tuple[str, str], list[Taken]] = {}
        for each in taken:
            chats.setdefault((each.delivery.account, each.chat_key), []).append(each)
        for (account, _chat), messages in chats.items():
            self._waiting[account].append(messages)

    def take(self, account: str, at_most: int) -> tuple[list[list[Taken]], list[Taken]]:
        """The next of each chat to send; and what has waited so long that others may have taken it over."""
        chats: list[list[Taken]] = []
        late: list[Taken] = []
        waiting = self._waiting[account]
        while waiting and len(chats) < at_most:
            messages = waiting.popleft()
            if self._leases.is_still(messages[0].sender):
                chats.append(messages)
            else:
                late += messages
        return chats, late

    def take_back(self, account: str) -> list[Taken]:
        """All that waits: it will not be sent from here."""
        waiting = self._waiting[account]
        messages: list[Taken] = []
        while waiting:
            messages += waiting.popleft()
        return messages


def _taken(queued: Queued, edited: Mapping[int, str | None], me: str) -> Taken:
    row = queued.row
    replaces = edited.get(row["edits"]) if row["edits"] is not None else None
    delivery = Delivery(
        row["id"], row["contact_point"], row["account"], row["address"], queued.message, replaces or ""
    )  # fmt: skip
    return Taken(row["chat_key"], delivery, row["entry_id"], me)
