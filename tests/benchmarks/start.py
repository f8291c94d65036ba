"""From the start of `anlaufstelle pipe` to its first answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.benchmarks.crowd import line
from tests.benchmarks.figures import spread, table
from tests.benchmarks.piped import Piped
from tests.benchmarks.plan import Plan


def run(plan: Plan) -> str:
    kinds: dict[str, list[float]] = {"new database": [], "database there already": []}
    big = plan.directory / f"stored-{plan.stored}.db"
    if big.exists() and not plan.quick:
        kinds[f"{plan.stored:,} conversations stored"] = []
    idle = []
    times = 1 if plan.quick else 2 * plan.rounds
    for round_ in range(times):
        file = plan.directory / f"start-{round_}.db"
        for kind, taken in kinds.items():
            seconds, megabytes = _start(big if "stored" in kind else file, f"{kind}-{os.getpid()}-{round_}")
            taken.append(seconds)
        idle.append(megabytes)
    rows = [(kind, spread([each * 1000 for each in taken])) for kind, taken in kinds.items()]
    return table(
        f"start: `pipe` until its first answer, {times} times each; it takes {spread(idle)} MB then",
        ("", "ms"),
        rows,
    )


def _start(file: Path, chat: str) -> tuple[float, float]:
    start = time.perf_counter()
    with Piped(file) as pipe:
        pipe.say(line(chat, 0))
        return time.perf_counter() - start, pipe.resident
