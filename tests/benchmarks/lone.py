"""How long one person waits who writes alone: a line into a real `pipe`, until its `done`."""

from __future__ import annotations

import os

from tests.benchmarks.crowd import STEPS, line
from tests.benchmarks.figures import middle, percentile, table
from tests.benchmarks.piped import Piped
from tests.benchmarks.plan import Plan
from tests.benchmarks.stored import stored


def run(plan: Plan) -> str:
    sizes = {0: plan.directory / "lone.db", plan.stored: stored(plan.directory, plan.stored)}
    took: dict[int, list[float]] = {size: [] for size in sizes}
    people = -(-plan.messages // STEPS // plan.rounds)
    for round_ in range(plan.rounds):
        for size, file in sizes.items():
            with Piped(file) as pipe:
                name = f"lone{os.getpid()}-{round_}"
                for step in range(STEPS):
                    pipe.say(line(f"{name}-warm", step))
                took[size] += [
                    pipe.say(line(f"{name}-{n}", step)) * 1000 for n in range(people) for step in range(STEPS)
                ]
    return table(
        f"lone: one message after the other through `pipe`, {len(took[0])} messages; ms until `done`",
        ("conversations stored", "median", "95 %", "99 %", "most"),
        [
            (
                f"{size:,}",
                *(f"{each:.1f}" for each in (middle(ms), percentile(ms, 0.95), percentile(ms, 0.99), max(ms))),
            )
            for size, ms in took.items()
        ],
    )
