"""The Node process in which everybody lives who writes with matrix-js-sdk; one for each process of tests."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import threading
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from tests.matrix_js.installation import folder

Tell = Callable[[dict[str, Any]], None]

PATIENCE: Final = 60.0
"""Seconds for an answer."""


class Node:
    """Lines go in from whichever loop, and come out to the loop of whoever they are for."""

    def __init__(self) -> None:
        installed = folder()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is
        self._process = subprocess.Popen(
            ["node", "--preserve-symlinks-main", "people.mjs"],
            cwd=installed,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
        )
        self.ended = False
        self._numbers = count(1)
        self._asked: dict[int, tuple[asyncio.AbstractEventLoop, asyncio.Future[Any]]] = {}
        self._told: dict[str, tuple[asyncio.AbstractEventLoop, Tell]] = {}
        self._reading = threading.Thread(target=self._read, name="node", daemon=True)
        self._reading.start()

    def listen(self, who: str, tell: Tell) -> None:
        """Calls with what comes for somebody, in the loop that runs now."""
        self._told[who] = asyncio.get_running_loop(), tell

    def forget(self, who: str) -> None:
        self._told.pop(who, None)

    async def ask(self, who: str, act: str, **given: Any) -> Any:
        """What somebody does; returns what came of it."""
        assert not self.ended, f"Node has ended: {self.complaints()}"
        loop = asyncio.get_running_loop()
        number, answer = next(self._numbers), loop.create_future()
        self._asked[number] = loop, answer
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "who": who, "act": act, **given}).encode() + b"\n")
        self._process.stdin.flush()
        return await asyncio.wait_for(answer, PATIENCE)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "id" in said:
                loop, answer = self._asked.pop(said["id"])
                _call(loop, _settle, answer, said)
            elif said["who"] in self._told:
                loop, tell = self._told[said["who"]]
                _call(loop, tell, said)
        self.ended = True
        for loop, answer in list(self._asked.values()):
            _call(loop, _settle, answer, {"error": f"Node has ended: {self.complaints()}"})

    def complaints(self) -> str:
        """The end of what it has written about itself."""
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace")[-3000:]

    def stop(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._reading.join(10)
        self._process.stdout.close()
        self._complaints.close()


def _call(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *given: Any) -> None:
    """A test that has ended hears no more."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(what, *given)


def _settle(answer: asyncio.Future[Any], said: dict[str, Any]) -> None:
    if answer.done():
        return
    if "error" in said:
        answer.set_exception(RuntimeError(said["error"]))
    else:
        answer.set_result(said["value"])


_running: list[Node] = []


def shared() -> Node:
    """The one of this test process, started when it is wanted for the first time, and anew if it has broken down."""
    if _running and _running[0].ended:
        remove_shared()
    if not _running:
        _running.append(Node())
    return _running[0]


def remove_shared() -> None:
    """At the end of the tests."""
    while _running:
        _running.pop().stop()
