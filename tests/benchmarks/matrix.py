"""How soon somebody in an encrypted room is answered, beside a bare echo bot of matrix-nio; and how a bot of 300 rooms starts.

Synapse, the people and the bot are three processes that share the cores; both bots serve the same Synapse in turn.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks.figures import middle, spread, table
from tests.benchmarks.plan import Plan
from tests.matrix_server.homeserver import Account, Homeserver
from tests.matrix_server.person import Person
from tests.pipe import ROOT, environment

SAID, ANSWERS = "!back", ("There is no open question right now.", "I did not understand")
"""What is answered by one message, without reactions, and the words of the answer: ours, the echo's."""
WORDS = 20
"""Messages of one person, each after the answer to the one before."""
ROOMS = 10
MANY = 300


def run(plan: Plan) -> str:
    rooms, many, words = (2, 3, 3) if plan.rounds == 1 else (ROOMS, MANY, WORDS)
    server = Homeserver()
    server.start()
    alone: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    together: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    try:
        for round_ in range(plan.rounds):
            for name in CONTESTANTS:
                folder = (plan.directory / f"matrix-{round_}-{name.split()[0]}").resolve()
                folder.mkdir(exist_ok=True)
                bot = server.register("bot")
                with _started(name, server, bot, folder):
                    one, ten = asyncio.run(_talk(server, bot, rooms, words))
                alone[name].append(one * 1000)
                together[name].append(ten)
        seconds, megabytes = _many(server, plan, many)
    finally:
        server.remove()
    base = CONTESTANTS[1]
    rows = [
        (
            name,
            spread(alone[name]),
            f"{middle(alone[name]) / middle(alone[base]):.2f}",
            spread(together[name]),
            f"{middle(together[name]) / middle(together[base]):.2f}",
        )
        for name in CONTESTANTS
    ]
    shown = table(
        f"matrix: encrypted, {plan.rounds} rounds in turn; median ms to an answer, answers a second with {rooms} people",
        ("", "ms", "to the echo", "a second", "to the echo"),
        rows,
    )
    return f"{shown}\n{many} encrypted rooms: first answer {seconds:.1f} s after the start, {megabytes:.0f} MB"


@contextmanager
def _started(name: str, server: Homeserver, bot: Account, folder: Path, *, again: bool = False) -> Iterator[int]:
    module = "bot_of_matrix" if name == CONTESTANTS[0] else "echo_of_nio"
    store = f"sqlite:///{folder / 'x.db'}" if name == CONTESTANTS[0] else f"{folder}"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            f"tests.benchmarks.{module}",
            server.origin,
            bot.user_id,
            "" if again else bot.password,
            store,
        ],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait(10)


async def _talk(server: Homeserver, bot: Account, people: int, words: int) -> tuple[float, float]:
    """The median seconds to an answer for one person alone, and answers a second for all at once."""
    persons = [Person(server, server.register(f"person{n}")) for n in range(people)]
    rooms = []
    for each in persons:
        await each.start()
        rooms.append(await each.opens(bot.user_id))
    for each, room in zip(persons, rooms, strict=True):
        # Past the first question, and with everybody's keys where they belong.
        await each.says(room, "English")
        await each.says(room, "!later")
        await each.says(room, SAID)
        await each.until(lambda each=each, room=room: _answered(each, bot, room))
    await asyncio.sleep(1)
    alone = await _answers(persons[0], bot, rooms[0], words)
    begun = time.perf_counter()
    pairs = zip(persons, rooms, strict=True)
    await asyncio.gather(*(_answers(each, bot, room, words) for each, room in pairs))
    rate = people * words / (time.perf_counter() - begun)
    for each in persons:
        await each.stop()
    return median(alone), rate


def _answered(person: Person, bot: Account, room: str) -> int:
    return sum(any(words in shown.text for words in ANSWERS) for shown in person.by(bot.user_id, room))


async def _answers(person: Person, bot: Account, room: str, words: int) -> list[float]:
    taken = []
    for number in range(words):
        before = _answered(person, bot, room)
        begun = time.perf_counter()
        await person.says(room, SAID, tx=f"word{number}.{begun}")
        await person.until(lambda before=before: _answered(person, bot, room) > before)
        taken.append(time.perf_counter() - begun)
    return taken


def _many(server: Homeserver, plan: Plan, rooms: int) -> tuple[float, float]:
    """Seconds from the start of a bot that is in so many rooms to its first answer, and its memory then."""
    folder = (plan.directory / "matrix-many").resolve()
    folder.mkdir(exist_ok=True)
    bot = server.register("bot")

    async def meet() -> Person:
        person = Person(server, server.register("many"))
        await person.start()
        for number in range(rooms):
            other = Person(server, server.register(f"one{number}"))
            await other.start()
            await other.opens(bot.user_id, wait=False)
            await other.stop()
        room = await person.opens(bot.user_id)
        await person.says(room, "English")
        await person.sees("in danger", room)
        await person.says(room, "!later")
        await person.sees("nothing to keep", room)
        await person.rest()
        return person

    async def first(person: Person) -> tuple[float, float]:
        person.follow()
        room = next(iter(person.rooms))
        with _started(CONTESTANTS[0], server, bot, folder, again=True) as pid:
            begun = time.perf_counter()
            await person.says(room, SAID)
            await person.until(lambda: _answered(person, bot, room))
            seconds = time.perf_counter() - begun
            status = Path(f"/proc/{pid}/status").read_text()
            kilobytes = int(status.split("VmRSS:")[1].split()[0])
        await person.stop()
        return seconds, kilobytes / 1000

    async def both() -> tuple[float, float]:
        with _started(CONTESTANTS[0], server, bot, folder):
            person = await meet()
            until = time.monotonic() + 10 + rooms
            joined = f"/_synapse/admin/v1/users/{bot.user_id}/joined_rooms"
            admin = server.register("admin", admin=True)
            while server.ask("GET", joined, token=admin.access_token)["total"] <= rooms:
                assert time.monotonic() < until
                await asyncio.sleep(0.5)
            await asyncio.sleep(5)
        return await first(person)

    return asyncio.run(both())


CONTESTANTS = ("ours: inbox, turn, outbox", "bare matrix-nio, echo")
