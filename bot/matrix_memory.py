"""What the Matrix channel remembers, in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import staff_names
from bot.channels.matrix.answers import SERVED_ELSEWHERE, Failed
from bot.channels.matrix.channel import NAME
from bot.channels.matrix.keys import GROUP
from bot.channels.matrix.memory import Change, Kind, Login, Post, Progress, Room, Seeds, Waiting
from storage import matrix
from storage.database import Database
from storage.leases import Leases, LostLease
from storage.models import Conversation

KEYS_FOR: Final = timedelta(days=90)
"""How long a room's key is kept after it came: what was encrypted with it has been read long since."""
_CHAT: Final = "chat"

T = TypeVar("T")


class StoredMemory:
    """The memory of one account, in encrypted tables."""

    def __init__(
        self,
        database: Database,
        contact_point: str,
        account: str,
        languages: tuple[str, str],
        now: Callable[[], datetime],
        leases: Callable[[], Leases | None] = lambda: None,
    ) -> None:
        """`languages` are those of people of whom nothing is known, and of the desk.

        With `leases`, nothing is written once another process serves the account.
        """
        self._database = database
        self._contact_point = contact_point
        self._account = account
        self._people_read, self._desk_reads = languages
        self._now = now
        self._leases = leases
        self._desk: str | None = None
        self._epoch: int | None = None

    def hold(self) -> None:
        leases = self._leases()
        self._epoch = leases.epoch_of(self._account) if leases is not None else None

    @property
    def is_held(self) -> bool:
        leases = self._leases()
        return leases is None or (self._epoch is not None and leases.epoch_of(self._account) == self._epoch)

    def _fence(self, session: Session) -> None:
        leases = self._leases()
        if leases is not None:
            leases.hold_account(session, self._account, self._epoch)

    async def _run(self, act: Callable[[Session], T], *, alone: bool = False) -> T:
        def work() -> T:
            with self._database.transaction(self._contact_point) as session:
                if alone:
                    self._fence(session)
                return act(session)

        try:
            return await self._database.run(work)
        except LostLease as lost:
            raise Failed(SERVED_ELSEWHERE) from lost

    async def login(self) -> Login | None:
        self._desk = None
        return await self._run(lambda session: login_of(session, self._account))

    async def counted(self) -> int:
        def count(session: Session) -> int:
            row = matrix.login(session, self._account)
            if row is None:
                return 0
            row.starts += 1
            return row.starts

        return await self._run(count, alone=True)

    async def keys(self) -> list[tuple[str, Any]]:
        def load(session: Session) -> list[tuple[str, Any]]:
            while matrix.forget_old_keys(session, self._account, GROUP, self._now() - KEYS_FOR):
                pass
            return matrix.keys(session, self._account)

        return await self._run(load)

    async def keep_keys(self, changes: Sequence[Change]) -> None:
        def keep(session: Session) -> None:
            matrix.keep_keys(session, self._contact_point, self._account, changes, self._now())

        await self._run(keep, alone=True)

    def progress(self, session: Session, progress: Progress) -> None:
        """Keeps progress in a transaction of somebody else's, which is limited to this contact point."""
        self._fence(session)
        point, account, now = self._contact_point, self._account, self._now()
        row = matrix.login(session, account) if progress.since else None
        if row is not None:
            row.since = progress.since
        matrix.keep_keys(session, point, account, progress.keys, now)
        for room in progress.rooms:
            matrix.keep_room(session, point, account, room.id, asdict(room))
        for left in progress.left:
            matrix.keep_room(session, point, account, left, None)
        for each in progress.waiting:
            matrix.keep_waiting(session, point, account, each.event, asdict(each), now)
        for event in progress.decrypted:
            matrix.keep_waiting(session, point, account, event, None, now)

    async def rooms(self) -> list[Room]:
        found = await self._run(lambda session: matrix.rooms(session, self._account))
        return [Room(**{**each, "kind": Kind(each["kind"])}) for each in found]

    async def keep_room(self, room: Room) -> None:
        await self._run(
            lambda session: matrix.keep_room(session, self._contact_point, self._account, room.id, asdict(room))
        )

    async def drop_room(self, room: str) -> None:
        await self._run(lambda session: matrix.keep_room(session, self._contact_point, self._account, room, None))

    async def waiting(self) -> list[Waiting]:
        return [Waiting(**each) for each in await self._run(lambda session: matrix.waiting(session, self._account))]

    async def keep_waiting(self, waiting: Waiting) -> None:
        def keep(session: Session) -> None:
            value = asdict(waiting)
            matrix.keep_waiting(session, self._contact_point, self._account, waiting.event, value, self._now())

        await self._run(keep)

    async def desk(self) -> str:
        """Asked with every message, and changed by this process alone, the holder of the account."""
        if self._desk is None:

            def find(session: Session) -> str:
                row = matrix.login(session, self._account)
                return (row.desk if row is not None else None) or ""

            self._desk = await self._run(find)
        return self._desk

    async def moved_desk(self, before: str, after: str) -> None:
        def move(session: Session) -> None:
            row = matrix.login(session, self._account)
            if row is not None and row.desk == before:
                row.desk = after

        await self._run(move, alone=True)
        self._desk = None

    async def root_of(self, room: str, ref: str) -> str:
        return await self._run(lambda session: matrix.root_of(session, room, ref))

    async def ref_of(self, room: str, root: str) -> str:
        return await self._run(lambda session: matrix.ref_of(session, room, root))

    async def keep_thread(self, room: str, ref: str, root: str) -> None:
        await self._run(lambda session: matrix.keep_thread(session, self._contact_point, room, ref, root))

    async def forgotten_threads(self, room: str) -> list[str]:
        return await self._run(lambda session: matrix.threads_without_case(session, room))

    async def drop_thread(self, room: str, root: str) -> None:
        await self._run(lambda session: matrix.drop_thread(session, room, root))

    async def without_case(self, refs: Sequence[str]) -> list[str]:
        return await self._run(lambda session: matrix.without_case(session, refs))

    async def keep_post(
        self, room: str, events: Sequence[str], ref: str, signs: Mapping[str, str], seeds: Mapping[str, str]
    ) -> None:
        kept = {"signs": dict(signs), "seeds": dict(seeds)} if signs or seeds else None
        await self._run(
            lambda session: matrix.keep_post(session, self._contact_point, room, events, ref, kept, self._now())
        )

    async def post(self, room: str, event: str) -> Post | None:
        def find(session: Session) -> Post | None:
            row = matrix.post(session, room, event)
            signs = (row.signs or {}) if row is not None else {}
            return Post(row.last, row.ref, signs.get("signs", {}), signs.get("seeds", {})) if row is not None else None

        return await self._run(find)

    async def parts(self, room: str, last: str) -> list[str]:
        return await self._run(lambda session: matrix.parts(session, room, last))

    async def name_of(self, user: str) -> str:
        point, language = self._contact_point, self._desk_reads
        return await self._run(lambda session: staff_names.name_of(session, point, NAME, user, language))

    async def rename(self, user: str, name: str) -> bool:
        point, language = self._contact_point, self._desk_reads
        return await self._run(lambda session: staff_names.rename(session, point, NAME, user, name, language))

    async def named(self, devices: str) -> bool:
        key = self._database.ring.lookup("matrix.left_out", self._account, devices) if devices else None

        def keep(session: Session) -> bool:
            row = matrix.login(session, self._account)
            if row is None or row.named_key == key:
                return False
            row.named_key = key
            return True

        return await self._run(keep, alone=True)

    async def language_of(self, person: str) -> str:
        key = self._database.ring.lookup(_CHAT, self._account, person)

        def find(session: Session) -> str:
            chat = select(Conversation).where(Conversation.account == self._account, Conversation.chat_key == key)
            found = session.scalars(chat).one_or_none()
            return (found.language if found is not None else None) or self._people_read

        return await self._run(find)


def login_of(session: Session, account: str) -> Login | None:
    """The stored login of an account."""
    row = matrix.login(session, account)
    if row is None:
        return None
    secret = row.secret
    return Login(
        secret["user_id"], row.device_id, secret["access_token"], Seeds(**secret["seeds"]), row.since or "", row.starts
    )


def secret_of(login: Login) -> dict[str, Any]:
    """What of a login is stored encrypted."""
    return {"user_id": login.user_id, "access_token": login.access_token, "seeds": asdict(login.seeds)}
