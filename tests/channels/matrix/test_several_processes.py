"""Several processes with one account on Matrix: one serves it, another takes over when it dies or hangs."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from tests.channels.matrix.installed import Installed, Talker, all_answered_once, complaints
from tests.databases import Postgres
from tests.matrix_server.homeserver import Homeserver, shared
from tests.postgres import Server

FAULTS = {"bug", "a library wrote a message, withheld"}
"""What must not be logged, whatever happens to a process."""


class OnPostgres(Installed):
    """On a server, where it can be asked who serves the account."""

    def __init__(self, server: Homeserver, folder: Path, databases: Postgres) -> None:
        self._databases = databases
        super().__init__(server, folder, databases.empty())

    def _holder(self) -> str:
        name = f"account:matrix:{self.bot.user_id}"
        found = self._databases.query(self.url, f"SELECT owner FROM lease WHERE name = '{name}'")
        return str(found[0][0]) if found else ""

    async def is_taken_over(self, before: str = "") -> str:
        """Waits until another one than before serves the account; who."""
        async with asyncio.timeout(60):
            while (holder := await asyncio.to_thread(self._holder)) in ("", before):
                await asyncio.sleep(0.05)
        return holder


async def keep_talking(person: Talker, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await person.talks()
        await asyncio.sleep(2)


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 5])
async def test_who_hangs_and_who_is_killed_is_replaced(server: Server, tmp_path: Path, times: int) -> None:
    installed = await asyncio.to_thread(OnPostgres, shared(), tmp_path, Postgres(server))
    talkers: list[Talker] = []
    talking: list[asyncio.Task[None]] = []
    enough = asyncio.Event()

    async def comes() -> None:
        talkers.append(Talker(installed, len(talkers)))
        await talkers[-1].comes()
        await talkers[-1].talks(3)

    try:
        one = await installed.starts()
        holder = await installed.is_taken_over()
        other = await installed.starts()
        for _ in range(2):
            await comes()
            talking.append(asyncio.create_task(keep_talking(talkers[-1], enough)))
        for _ in range(times):
            one.ask(signal.SIGSTOP)
            # What is told to the one that hangs, about somebody new, is told to it in vain.
            coming = asyncio.create_task(comes())
            holder = await installed.is_taken_over(holder)
            await coming
            one.ask(signal.SIGCONT)
            await talkers[0].is_answered()
            await installed.kills(other)
            # The one that had hung serves again.
            holder = await installed.is_taken_over(holder)
            await talkers[0].is_answered()
            other = await installed.starts()
        enough.set()
        await asyncio.gather(*talking)
        await all_answered_once(talkers)
        for each in (one, other):
            await installed.stops(each)
        for each in installed.services:
            assert not FAULTS & set(complaints(each)), each.log
            assert installed.bot.password not in each.log
            assert all(person.user_id not in each.log for person in talkers)
    finally:
        for task in talking:
            task.cancel()
        for person in talkers:
            await person.stop()
        await installed.close()


async def test_on_sqlite_a_second_process_is_refused(tmp_path: Path) -> None:
    installed = await asyncio.to_thread(Installed, shared(), tmp_path)
    try:
        service = await installed.starts()
        for command in (("run", "--port", "0"), ("matrix", "login", "oberberg")):
            refused = await asyncio.to_thread(installed.command, *command)
            assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
            assert "is in use by process" in refused.stderr and "several processes" in refused.stderr
        await installed.stops(service)
        assert complaints(service) == []
    finally:
        await installed.close()
