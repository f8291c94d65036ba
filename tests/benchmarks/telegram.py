"""Updates a second through a bot of Telegram: fetched, worked through, answered over HTTP, with a server that enforces no pace.

Everybody presses Start and answers three questions as soon as they come: four updates a person. The server and all
people are one process, the bot another; both share the cores.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import middle, spread, table
from tests.benchmarks.plan import Plan
from tests.pipe import ROOT, environment
from tests.telegram_server.limits import Limits
from tests.telegram_server.people import Person
from tests.telegram_server.server import ThreadedServer

PRESSED = (
    ("Which language", "English"),
    ("Is somebody in danger", "No"),
    ("Your data – in short", "Understood, go on"),
)
UPDATES = 1 + len(PRESSED)
LAST = "What happened, or what worries you?"


def run(plan: Plan) -> str:
    if find_spec("telegram.ext") is None:
        return "telegram: left out, the package python-telegram-bot is not installed."
    rates: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for round_ in range(plan.rounds):
        for name, started in CONTESTANTS.items():
            folder = plan.directory / f"telegram-{round_}-{name.split()[0]}"
            folder.mkdir(exist_ok=True)
            rates[name].append(_rate(plan, started, folder.resolve()))
    base = middle(rates["python-telegram-bot, pickle"])
    return table(
        f"telegram: {plan.chats} people at once, {plan.rounds} rounds in turn; updates a second",
        ("", "updates a second", "to the Application"),
        [(name, spread(each), f"{middle(each) / base:.2f}") for name, each in rates.items()],
    )


def _rate(plan: Plan, started: Callable[[Path, str, str], AbstractContextManager[None]], folder: Path) -> float:
    with ThreadedServer(Limits(enforced=False)) as server:
        account = server.bot("Bot", "benchmark_bot")
        with started(folder, account.token, server.origin):
            warm = _talk(server, account, 1)
            assert warm > 0
            begun = time.perf_counter()
            _talk(server, account, plan.chats)
            return plan.chats * UPDATES / (time.perf_counter() - begun)


def _talk(server: Any, account: Any, people: int) -> int:
    """Everybody through all questions; returns how many people there were."""
    waiting: list[tuple[Person, int]] = []
    for number in range(people):
        person = server.user(f"Person{number}", "en")
        person.starts(account)
        waiting.append((person, 0))
    until = time.monotonic() + 300
    while waiting:
        left = []
        for person, step in waiting:
            newest = [m for m in person.chat(account).messages[-3:] if m.sender is account and not m.service]
            if step == len(PRESSED):
                if not any(LAST in m.text for m in newest):
                    left.append((person, step))
                continue
            words, label = PRESSED[step]
            asked = next((m for m in newest if words in m.text and label in m.labels), None)
            if asked is not None:
                person.presses(asked, label)
                step += 1
            left.append((person, step))
        waiting = left
        assert time.monotonic() < until, f"{len(waiting)} people got no answer"
        time.sleep(0.002)
    return people


def _ours(folder: Path, token: str, origin: str) -> AbstractContextManager[None]:
    return _process("bot_of_telegram", token, origin, f"sqlite:///{folder / 'x.db'}")


def _application(folder: Path, token: str, origin: str) -> AbstractContextManager[None]:
    return _process("application", token, origin, f"{folder / 'x.pickle'}")


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


CONTESTANTS = {"ours: inbox, turn, outbox": _ours, "python-telegram-bot, pickle": _application}
