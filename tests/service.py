"""`anlaufstelle run` as a process of its own, and browsers that use it."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.pipe import environment
from tests.ports import free_port


class Service:
    """A running service; what it says is read by a thread of ours, so that it never waits for us."""

    def __init__(
        self, url: str, folder: Path, *arguments: str, program: tuple[str, ...] = ("-m", "bot"), **extra: str
    ) -> None:
        """Writes to the folder what does not lie beside the database; another `program` gets the same options."""
        assert folder.is_absolute()
        page, operations = free_port(), free_port()
        self.origin, self.operations = f"http://127.0.0.1:{page}", f"http://127.0.0.1:{operations}"
        options = ("--database", url, "--staff-key", f"{folder / 'staff.key'}")
        listening = ("--port", f"{page}", "--operations", f"127.0.0.1:{operations}")
        self.process = subprocess.Popen(
            [sys.executable, *program, "run", *options, *listening, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**environment(), **extra},
        )
        self.said: queue.Queue[str] = queue.Queue()
        self._log: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.said.put), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self._log.append), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, take: Any) -> None:
        for line in stream:
            take(line)

    def started(self) -> None:
        """Waits until it listens."""
        while not self.said.get(timeout=30).startswith("Operations"):
            pass

    def ask(self, signal_: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(signal_)

    def ended(self, within: float) -> int:
        """The exit code; raises TimeoutExpired."""
        code = self.process.wait(within)
        for reader in self._readers:
            reader.join(10)
        return code

    def stop(self) -> float:
        """Ends it as a service manager does, and returns how long it took."""
        started = time.monotonic()
        self.ask()
        assert self.ended(20) == 0, self.log
        return time.monotonic() - started

    @property
    def log(self) -> str:
        return "".join(self._log)

    def events(self) -> list[dict[str, Any]]:
        """What it logged; every line is a JSON object."""
        return [json.loads(line) for line in self._log]

    def close(self) -> None:
        """For the end of a test, whatever became of it."""
        self.process.kill()
        self.ended(10)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


class Browser:
    """A reporter's browser with its own chat."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self.session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=aiohttp.ClientTimeout(total=30)
        )

    async def begin(self) -> None:
        assert await self.post("/begin", {}) == 200

    async def say(self, message_id: str, text: str) -> bool:
        """Whether the page was told that the message is kept."""
        return await self.post("/say", {"id": message_id, "text": text}) == 200

    async def ask(self, path: str, body: dict[str, Any]) -> tuple[int, str]:
        """The status, and the sentence that says what is wrong."""
        async with self.session.post(self._origin + path, json=body, headers={"Origin": self._origin}) as answer:
            return answer.status, (await answer.json()).get("error", "")

    async def post(self, path: str, body: dict[str, Any]) -> int:
        """The status; 0 if nobody answers."""
        try:
            async with self.session.post(self._origin + path, json=body, headers={"Origin": self._origin}) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def hold(self) -> aiohttp.ClientResponse:
        """Opens the stream of events and leaves it open."""
        return await self.session.get(f"{self._origin}/events")

    async def close(self) -> None:
        await self.session.close()
