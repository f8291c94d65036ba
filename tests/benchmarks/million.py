"""The same figure when the database holds a million conversations, beside a database that holds a thousand."""

from __future__ import annotations

from tests.benchmarks.contestant import Race, race
from tests.benchmarks.figures import middle, spread, table
from tests.benchmarks.plan import Plan
from tests.benchmarks.stored import stored


def run(plan: Plan) -> str:
    sizes = (min(1000, plan.stored // 2), plan.stored)
    files = {size: stored(plan.directory, size) for size in sizes}
    rates: dict[int, list[float]] = {size: [] for size in sizes}
    opened: dict[int, list[float]] = {size: [] for size in sizes}
    computed: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(plan.rounds):
        for size, file in files.items():
            found = race("ours", Race(str(file), plan.chats, seconds=plan.seconds), apart=not plan.quick)
            rates[size].append(found["turns"] / found["seconds"])
            computed[size].append(found["cpu"] * 1000 / found["turns"])
            opened[size].append(found["opened"] * 1000)
    base = middle(rates[sizes[0]])
    return table(
        f"million: {plan.chats} chats busy, {plan.rounds} rounds in turn",
        ("conversations stored", "turns a second", "to the small one", "ms of CPU a turn", "opened in ms"),
        [
            (
                f"{size:,}",
                spread(rates[size]),
                f"{middle(rates[size]) / base:.2f}",
                spread(computed[size], 1),
                spread(opened[size]),
            )
            for size in sizes
        ],
    )
