"""`anlaufstelle run` with an account on Matrix, killed at any instant, while people write in encrypted rooms.

Short here; `pytest -m long` goes on until two hundred messages have been answered during ten kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.channels.matrix.installed import Installed, Talker, all_answered_once, people
from tests.matrix_server.homeserver import shared


@pytest.mark.parametrize(
    ("kills", "persons", "messages"), [(2, 2, 5), pytest.param(10, 10, 20, marks=pytest.mark.long, id="long")]
)
async def test_killed_at_any_instant(tmp_path: Path, kills: int, persons: int, messages: int) -> None:
    seed = int(os.environ.get("SEED", time.time()))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    installed = await asyncio.to_thread(Installed, shared(), tmp_path)
    talkers: list[Talker] = []
    try:
        service = await installed.starts()
        talkers = await people(installed, persons)
        talking = [asyncio.create_task(talk(each, messages, kills / messages)) for each in talkers]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            await installed.kills(service)
            service = await installed.starts()
        await asyncio.gather(*talking)
        await all_answered_once(talkers)
        await installed.stops(service)
        for each in installed.services:
            assert "bug " not in each.log and installed.bot.password not in each.log, each.log
            assert all(person.user_id not in each.log for person in talkers)
    finally:
        for person in talkers:
            await person.stop()
        await installed.close()


async def talk(person: Talker, messages: int, pause: float) -> None:
    for _ in range(messages):
        await person.talks()
        await asyncio.sleep(pause)
