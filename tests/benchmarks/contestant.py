"""One contestant: a process of its own, so that memory, caches and garbage of one do not burden another."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.crowd import STEPS, groups
from tests.pipe import ROOT, environment


@dataclass(frozen=True)
class Race:
    """What a contestant has to do; the same for all."""

    database: str
    """Where the database lies: a file, or the address of a server."""
    chats: int = 200
    """How many people are in the middle of a conversation at any time."""
    at_once: int = 100
    """How many messages arrive together: as many as a messenger hands over at a time."""
    seconds: float = 10
    """When this time is over, no new crowd begins."""
    turns: int = 0
    """How many turns there are at least."""
    name: str = ""
    """Sets the chats of several processes apart, and chooses a variant."""


class Contestant(ABC):
    """A bot that leads the conversation of `crowd` and keeps every state before it answers."""

    def __init__(self, race: Race) -> None:
        self.race = race
        self.opened = 0.0
        """Seconds that opening the database took."""

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def answer(self, messages: list[tuple[int, int]]) -> None:
        """Takes in (chat, step) of different chats and returns when all are answered."""

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    def answered(self) -> int:
        """How many messages went out."""

    async def crowd(self, first: int, chats: int) -> None:
        """So many people, from their first word to their last; numbered from `first`."""
        for group in groups(chats, self.race.at_once, seed=first):
            await self.answer([(first + chat, step) for chat, step in group])

    async def run(self, ready: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """Whole conversations, crowd after crowd; the first is small and not counted, `ready` comes after it."""
        await self.open()
        warm = min(20, self.race.chats)
        await self.crowd(0, warm)
        first, turns, marks = warm, 0, []
        before = self.answered()
        ready()
        together = self.race.name.startswith("together")
        if together:
            await asyncio.to_thread(sys.stdin.readline)
        start, computed = time.perf_counter(), time.process_time()
        while not turns or turns < self.race.turns or time.perf_counter() - start < self.race.seconds:
            await self.crowd(first, self.race.chats)
            first += self.race.chats
            turns += self.race.chats * STEPS
            marks.append([turns, time.perf_counter() - start, resident()])
        took, cpu = time.perf_counter() - start, time.process_time() - computed
        said = self.answered() - before
        if together:
            await self._serve_on()
        await self.close()
        # What one takes in, another may answer.
        if said < turns and not together:
            raise AssertionError(f"{said} answers to {turns} messages")
        return {"turns": turns, "seconds": took, "cpu": cpu, "answers": said, "opened": self.opened, "marks": marks}

    async def _serve_on(self) -> None:
        """The others may wait for what only this one can send."""
        print(json.dumps({"over": True}), flush=True)
        end = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
        while not end.done():
            await self.answer([])
            await asyncio.sleep(0.02)

    @classmethod
    def main(cls) -> None:
        """The process: the race as its argument, the result as its last line."""

        def ready() -> None:
            print(json.dumps({"ready": resident()}), flush=True)

        print(json.dumps(asyncio.run(cls(Race(**json.loads(sys.argv[1]))).run(ready))))


def resident() -> float:
    """Megabytes of memory this process has now; 0 where the system does not tell."""
    return resident_of("self")


def resident_of(process: int | str) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii")
    except FileNotFoundError:
        return 0.0
    return next((int(row.split()[1]) / 1024 for row in status.splitlines() if row.startswith("VmRSS:")), 0.0)


class Started:
    """A contestant under way."""

    def __init__(self, module: str, race: Race, keys: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}", json.dumps(asdict(race))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**environment(), **(keys or {})},
            text=True,
        )
        self.at_rest = 0.0
        """Megabytes of memory it had when it was ready."""

    @classmethod
    def ready(cls, module: str, race: Race, keys: Mapping[str, str] | None = None) -> Self:
        """Returns when it is warm; one that works together with others waits for `go`."""
        started = cls(module, race, keys)
        assert started._process.stdout is not None
        line = started._process.stdout.readline()
        started.at_rest = json.loads(line)["ready"] if line else 0.0
        return started

    def go(self) -> None:
        self._say("go")

    def over(self) -> None:
        """Returns when it has no more to ask, while it still serves the others."""
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def end(self) -> None:
        self._say("end")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        out, log = self._process.communicate()
        if self._process.returncode:
            raise SystemExit(f"A contestant failed:\n{log}")
        found: dict[str, Any] = json.loads(out.strip().splitlines()[-1])
        return found


def race(module: str, what: Race, *, apart: bool = True) -> dict[str, Any]:
    """Runs one contestant to its end; not `apart` only where the figure does not matter."""
    if apart:
        return Started(module, what).result()
    contestant: type[Contestant] = import_module(f"tests.benchmarks.{module}").CONTESTANT
    return asyncio.run(contestant(what).run())
