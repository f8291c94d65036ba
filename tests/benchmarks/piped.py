"""A real `anlaufstelle pipe`, spoken to without a thread in between, so that nothing of ours is measured with it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.contestant import resident_of
from tests.pipe import ROOT, environment


class Piped:
    """The process, and what its lines take."""

    def __init__(self, database: Path) -> None:
        self._log = database.with_suffix(".log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "pipe", "--database", f"sqlite:///{database}", "--clock", "manual"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=environment(),
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in.close()
        self._out.close()
        self._log.close()
        self.process.wait(60)

    def say(self, line: dict[str, Any]) -> float:
        """One line; the seconds until its `done`."""
        start = time.perf_counter()
        self._write([line])
        self._until_done(1)
        return time.perf_counter() - start

    def pour(self, lines: Iterable[dict[str, Any]]) -> float:
        """All lines without waiting; the seconds until the last `done`."""
        all_lines = list(lines)
        start = time.perf_counter()
        writer = threading.Thread(target=self._write, args=(all_lines,), daemon=True)
        writer.start()
        self._until_done(len(all_lines))
        took = time.perf_counter() - start
        writer.join()
        return took

    @property
    def resident(self) -> float:
        """Megabytes of memory it has now."""
        return resident_of(self.process.pid)

    def _write(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            self._in.write(json.dumps(line).encode() + b"\n")
            self._in.flush()

    def _until_done(self, count: int) -> None:
        while count:
            raw = self._out.readline()
            if not raw:
                raise SystemExit(f"The pipe has ended:\n{Path(self._log.name).read_text()}")
            if raw.startswith(b'{"error"'):
                raise SystemExit(f"The pipe has answered {raw!r}")
            count -= raw.startswith(b'{"done"')
