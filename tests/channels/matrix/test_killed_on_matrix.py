"""`anlaufstelle run` with an account on Matrix, killed at any instant, while people write in encrypted rooms.

Short here; `pytest -m long` goes on until two hundred messages have been answered during ten kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.contact_point_file import shipped
from tests.matrix_server.homeserver import Account, Homeserver, shared
from tests.matrix_server.person import Person
from tests.pipe import run
from tests.service import Service

UNKNOWN = "I did not understand that."


def logged_in(server: Homeserver, folder: Path) -> tuple[Account, Path, str]:
    """An account, the folder of the contact point, and the database it is logged in to."""
    bot = server.register("bot")
    points = folder / "config"
    points.mkdir()
    text = (shipped() / "oberberg.toml").read_text("utf-8")
    # Matrix does not say what anybody reads.
    text = text.replace('# default = "de"', 'default = "en"')
    assert 'default = "en"' in text
    (points / "oberberg.toml").write_text(
        f'{text}\n[matrix]\nhomeserver = "{server.origin}"\nuser = "{bot.user_id}"\n', "utf-8"
    )
    url = f"sqlite:///{folder / 'x.db'}"
    done = run(
        "matrix", "login", "oberberg", "--config", points, "--database", url,
        cwd=folder, ANLAUFSTELLE_MATRIX_PASSWORD=bot.password,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return bot, points, url


@pytest.mark.parametrize(
    ("kills", "people", "messages"), [(3, 2, 6), pytest.param(10, 10, 20, marks=pytest.mark.long, id="long")]
)
async def test_killed_at_any_instant(tmp_path: Path, kills: int, people: int, messages: int) -> None:
    seed = int(os.environ.get("SEED", time.time()))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    server = shared()
    bot, points, url = await asyncio.to_thread(logged_in, server, tmp_path)
    services: list[Service] = []

    def start() -> Service:
        services.append(Service(url, tmp_path, "--config", f"{points}"))
        services[-1].started()
        return services[-1]

    service = await asyncio.to_thread(start)
    reporters = [Person(server, server.register(f"person{n}")) for n in range(people)]
    try:
        for each in reporters:
            await each.start()
        rooms = [await each.opens(bot.user_id) for each in reporters]
        for each, room in zip(reporters, rooms, strict=True):
            await each.sees("Sprache", room)
            await each.says(room, "English")
            await each.sees("Is somebody in danger right now?", room)
        talking = [
            asyncio.create_task(talk(each, room, messages, kills)) for each, room in zip(reporters, rooms, strict=True)
        ]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            service.process.kill()
            await asyncio.to_thread(service.ended, 10)
            service = await asyncio.to_thread(start)
        await asyncio.gather(*talking)
        for each, room in zip(reporters, rooms, strict=True):
            await all_answered(each, bot.user_id, room, messages)
        await asyncio.sleep(1)
        for each, room in zip(reporters, rooms, strict=True):
            answers = [shown.text.split("\n")[0] for shown in each.by(bot.user_id, room)]
            assert Counter(answers)[UNKNOWN] <= messages
            assert sum(UNKNOWN in text for text in answers) == messages, "nothing missing, nothing twice"
        await asyncio.to_thread(service.stop)
        for each in services:
            assert "bug " not in each.log and bot.password not in each.log, each.log
            assert all(person.user_id not in each.log for person in reporters)
    finally:
        for each in reporters:
            await each.stop()
        for each in services:
            await asyncio.to_thread(each.close)


async def talk(person: Person, room: str, messages: int, kills: int) -> None:
    for number in range(messages):
        await person.says(room, f"word{number}")
        await asyncio.sleep(kills / messages)


async def all_answered(person: Person, bot: str, room: str, messages: int) -> None:
    async with asyncio.timeout(60):
        while sum(UNKNOWN in each.text for each in person.by(bot, room)) < messages:
            await asyncio.sleep(0.1)
