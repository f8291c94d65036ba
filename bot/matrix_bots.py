"""The accounts on Matrix that an installation has: one for each contact point, with all that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from bot.app import ended
from bot.bugs import log_bug
from bot.channels.files import Files
from bot.channels.matrix.answers import SERVED_ELSEWHERE, Failed
from bot.channels.matrix.case_rooms import CaseRooms
from bot.channels.matrix.channel import NAME, PACE, MatrixChannel
from bot.channels.matrix.memory import Progress
from bot.channels.matrix.receiver import Receiver, Rules
from bot.channels.matrix.unread import LATE_AFTER
from bot.contact_point import ContactPoint
from bot.delivery import Pace
from bot.matrix_memory import StoredMemory
from bot.messages import Inbound
from storage.database import Database
from storage.leases import Leases, LostLease
from storage.outage import is_away
from storage.scope import scoped_to

TIDY_SECONDS: Final = 600
"""How often the desk's room is looked after, and what this process has is told from an old copy of it."""
AGAIN_SECONDS: Final = 2.0
"""After which it begins anew, when something was in its way."""
LATE_SECONDS: Final = 1.0
"""How often it is looked whether a message cannot be read."""


def account_of(point: ContactPoint) -> str:
    """The messenger account of a contact point."""
    return f"{NAME}:{point.matrix.user}"


def passphrase_of(database: Database, account: str) -> str:
    """What protects the keys once more, for as long as the installation lives."""
    return database.ring.derived(f"matrix.keys.{account}").hex()


@dataclass
class MatrixBot:
    """One account at work."""

    point: ContactPoint
    account: str
    channel: MatrixChannel
    receiver: Receiver

    @property
    def desk_content(self) -> str:
        """What its room of staff is shown."""
        return self.point.matrix.desk_content

    async def run(self) -> None:
        """Receives until cancelled, and keeps the desk's room in order."""
        beside = [
            asyncio.create_task(_now_and_then(self.receiver.tell_late, LATE_SECONDS)),
            asyncio.create_task(_now_and_then(self._tidy, TIDY_SECONDS)),
        ]
        try:
            while True:
                try:
                    await self.receiver.run()
                except Exception as bug:  # noqa: BLE001  # a bug must not end the service
                    _note(bug)
                # Whatever it had in hand, it begins with what is stored.
                await self.receiver.rest()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            await ended(*beside)

    async def _tidy(self) -> None:
        await self.receiver.check_alone()
        await self.receiver.tidy()

    async def close(self) -> None:
        await self.receiver.close()


async def _now_and_then(act: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except Failed:
            # It is tried again soon.
            continue
        except Exception as bug:  # noqa: BLE001  # it must not end anything else
            _note(bug)


def _note(error: Exception) -> None:
    """That the database is away is told where it was asked; everything else is a bug."""
    if not is_away(error):
        log_bug(error)


ReceiveBeside = Callable[[str, Sequence[Inbound], Callable[[Session], None]], Awaitable[None]]
"""Keeps messages of an account together with something else: `App.receive_beside`."""


def matrix_bot(
    point: ContactPoint,
    database: Database,
    now: Callable[[], datetime],
    *,
    receive: ReceiveBeside,
    set_aside: Callable[[str, str, str, Mapping[str, Any]], Awaitable[None]],
    holds: Callable[[str], Awaitable[bool]],
    leases: Callable[[], Leases | None] = lambda: None,
    pace: Pace = PACE,
    late_after: float = LATE_AFTER,
) -> MatrixBot:
    """`set_aside` gets contact point, account and name of an event that cannot be read; `holds` gets the account."""
    account = account_of(point)
    languages = (point.languages.default, point.languages.desk)
    memory = StoredMemory(database, point.id, account, languages, now, leases)
    case_rooms = CaseRooms()
    own_rooms = case_rooms if point.matrix.cases == "rooms" else None
    channel = MatrixChannel(memory, pace, case_rooms=own_rooms)

    rules = point.matrix

    async def keep(messages: Sequence[Inbound], progress: Progress) -> None:
        def beside(session: Session) -> None:
            with scoped_to(session, point.id):
                memory.progress(session, progress)

        try:
            await receive(account, messages, beside)
        except LostLease as lost:
            raise Failed(SERVED_ELSEWHERE) from lost

    receiver = Receiver(
        rules.homeserver,
        point.id,
        account,
        channel,
        memory,
        passphrase_of(database, account),
        receive=keep,
        set_aside=lambda name, raw: set_aside(point.id, account, name, raw),
        holds=lambda: holds(account),
        files=Files(point.media),
        case_rooms=case_rooms,
        rules=Rules(
            people=rules.people,
            is_desk=rules.desk_content == "full",
            only_signed=rules.devices == "signed",
            desk_language=point.languages.desk,
            late_after=late_after,
        ),
    )
    return MatrixBot(point, account, channel, receiver)
