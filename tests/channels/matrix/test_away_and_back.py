"""The homeserver goes away and comes back, the bot forgets what it had in memory, its database is yesterday's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings import key_file_of
from storage.key_check import check_keys
from storage.keys import KeyRing, write_ring_file
from tests.channels.contract import Staff as Colleague
from tests.channels.matrix.installed import Installed, Talker, all_answered_once, complaints, people
from tests.channels.matrix.test_losing_nothing import without_key
from tests.channels.matrix.waiting import QUESTION, until
from tests.databases import Sqlite
from tests.matrix_server.homeserver import LIMITS, Homeserver
from tests.pipe import run
from tests.service import Service

AWAY, BACK = "the homeserver does not answer", "the homeserver answers again"
CANNOT_READ = "I cannot read your message: it came without its key."
RESTORED = (
    "the bot was begun since then with another copy of this database: it was restored, or another process uses a copy. "
    "See that only this one runs, then run anlaufstelle matrix login oberberg"
)


@pytest.fixture
def homeserver() -> Iterator[Homeserver]:
    """One that may be stopped, with the caches it has in real life, which forget everything then."""
    server = Homeserver({**LIMITS, "caches": {}})
    server.start()
    yield server
    server.remove()


async def until_it_says(service: Service, words: str) -> None:
    async with asyncio.timeout(30):
        while words not in service.log:
            await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.parametrize(("seconds", "persons"), [(1, 2), pytest.param(60, 3, id="a minute")])
async def test_whatever_is_written_around_a_restart_of_the_homeserver_is_answered_once(
    homeserver: Homeserver, tmp_path: Path, seconds: float, persons: int
) -> None:
    installed = await asyncio.to_thread(Installed, homeserver, tmp_path)
    talkers: list[Talker] = []
    try:
        service = await installed.starts()
        talkers = await people(installed, persons)
        # Nobody waits for an answer: some of them are under way when it ends.
        await asyncio.gather(*(each.talks(2) for each in talkers))
        await asyncio.to_thread(homeserver.stop)
        await until_it_says(service, AWAY)
        writing = [asyncio.create_task(each.talks(2)) for each in talkers]
        await asyncio.sleep(seconds)
        await asyncio.to_thread(homeserver.start)
        await asyncio.gather(*writing, *(each.talks(2) for each in talkers[:1]))
        await all_answered_once(talkers, 60 + seconds)
        await installed.stops(service)
        assert complaints(service) == [AWAY, BACK]
    finally:
        for person in talkers:
            await person.stop()
        await installed.close()


@pytest.mark.long
async def test_neither_side_remembers_anything_while_a_message_waits_for_its_key(
    homeserver: Homeserver, tmp_path: Path
) -> None:
    installed = await asyncio.to_thread(Installed, homeserver, tmp_path)
    talkers: list[Talker] = []
    try:
        service = await installed.starts()
        talkers = [ana] = await people(installed, 1)
        ana.words += 1
        hand_over = await without_key(ana, ana.room, "word")
        async with asyncio.timeout(20):
            while Sqlite(tmp_path).query(installed.url, "SELECT count(*) FROM matrix_waiting") != [(1,)]:
                await asyncio.sleep(0.05)
        await installed.kills(service)
        await asyncio.to_thread(homeserver.stop)
        await asyncio.to_thread(homeserver.start)
        await hand_over()
        service = await installed.starts()
        await ana.talks()
        await all_answered_once(talkers)
        assert not [each for each in ana.by(installed.bot.user_id, ana.room) if CANNOT_READ in each.text]
        await installed.stops(service)
        assert complaints(service) == []
    finally:
        for person in talkers:
            await person.stop()
        await installed.close()


async def test_the_database_of_yesterday_is_noticed_and_a_new_login_goes_on_in_the_old_rooms(
    running: Any, ring: KeyRing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as driver:
        url = f"sqlite:///{driver.database.file}"
        write_ring_file(key_file_of(url, {}), ring)
        await driver.database.run(check_keys, driver.database)
        ana, room = await driver.person("ana")
        kim = Colleague(driver, "kim")
        await kim.reads_english()
        await ana.says(room, "English")
        await ana.sees("Is somebody in danger right now?", room)
        made = await asyncio.to_thread(run, "backup", "--database", url, "--to", tmp_path / "safe")
        assert made.returncode == 0, made.stderr
        await ana.says(room, "2")
        await ana.sees("Your data – in short", room)
        ben, bens = await driver.person("ben")
        await ben.sees(QUESTION, bens)
        await driver.down()
        put_back = await asyncio.to_thread(run, "restore", "--database", url, made.stdout.strip())
        assert put_back.returncode == 0, put_back.stderr
        for number in range(3):
            await ana.says(room, f"Said in between {number}.")
        with caplog.at_level(logging.WARNING, "anlaufstelle"):
            await driver.up()
            await until(lambda: driver.bot.receiver.stopped, "it stops")
            await asyncio.sleep(1)
        said = [each.getMessage() for each in caplog.records if each.name.startswith("anlaufstelle")]
        assert said == [RESTORED]
        await driver.down()
        driver.database = driver._open_database()
        await driver.log_in()
        await asyncio.to_thread(driver.database.close)
        driver.late_after = 0.5
        caplog.clear()
        await driver.up()
        await ana.sees(CANNOT_READ, room)
        await ana.says(room, "2")
        await ana.sees("Your data – in short", room)
        await kim.says("/who")
        await kim.sees("Nothing is open")
        # Of whoever came since nothing is known: they begin anew, in the same room.
        await ben.says(bens, "Hello?")
        await ben.until(lambda: len([e for e in ben.by(driver.user, bens) if QUESTION in e.text]) == 2, "the question")
        await ben.says(bens, "English")
        await ben.sees("Is somebody in danger right now?", bens)
        assert len([each for each in ana.by(driver.user, room) if CANNOT_READ in each.text]) == 1
