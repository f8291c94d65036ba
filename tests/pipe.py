"""`python -m bot` as a process of its own, for tests that kill it or read what it leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """The environment of a process of the bot: without keys from outside."""
    kept = {name: value for name, value in os.environ.items() if name != "ANLAUFSTELLE_KEYS"}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


def run(
    *arguments: str | Path, said: str | bytes = b"", cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)],
        input=(said.encode() if isinstance(said, str) else said).decode("utf-8", "surrogateescape"),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        cwd=cwd or ROOT,
        env={**environment(), **extra},
        timeout=60,
        check=False,
    )


class Pipe:
    """A running `pipe`, read by a thread of ours so that it never waits for us."""

    def __init__(self, url: str, cwd: Path) -> None:
        """The folder is where the keys of a database on a server lie."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "pipe", "--database", url, "--clock", "manual"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment(),
        )
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            # A line that the kill cut in two was not said.
            if raw.endswith(b"\n"):
                self._said.put(json.loads(raw))
        self._said.put(None)

    def write(self, line: dict[str, Any]) -> bool:
        """False when the process is gone."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def read(self, timeout: float = 30) -> dict[str, Any] | None:
        """The next line; None when the process has ended."""
        return self._said.get(timeout=timeout)

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> str:
        """Ends the input or waits for the killed process, and returns what it logged."""
        assert self.process.stdin is not None and self.process.stderr is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        log = self.process.stderr.read().decode()
        self.process.wait(30)
        self._reader.join(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return log
