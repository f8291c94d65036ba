"""What the figures were measured on, in one line, so that two machines can be compared."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from pathlib import Path

from tests.benchmarks.figures import middle


def machine(directory: Path) -> str:
    """The programs, the cores, and how fast this disk and this Python are just now."""
    return (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, one fdatasync {fdatasync(directory):.2f} ms, "
        f"{loop():.0f} million turns of an empty loop a second, load {os.getloadavg()[0]:.1f}"
    )


def fdatasync(directory: Path) -> float:
    """Milliseconds to bring four kilobytes to the disk that the databases lie on."""
    took = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(50):
            start = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - start) * 1000)
    return middle(took)


def loop() -> float:
    """Millions of rounds of an empty loop a second."""
    rounds = 1_000_000
    took = []
    for _ in range(5):
        start = time.perf_counter()
        for _each in range(rounds):
            pass
        took.append(time.perf_counter() - start)
    return rounds / middle(took) / 1e6
