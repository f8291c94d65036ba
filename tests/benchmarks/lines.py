"""Turns a second through a real `pipe`: many chats' lines, written ahead without waiting for an answer."""

from __future__ import annotations

from tests.benchmarks.crowd import STEPS, groups, line
from tests.benchmarks.figures import spread, table
from tests.benchmarks.piped import Piped
from tests.benchmarks.plan import Plan


def run(plan: Plan) -> str:
    rates = []
    for round_ in range(plan.rounds):
        with Piped(plan.directory / f"lines-{round_}.db") as pipe:
            for step in range(STEPS):
                pipe.say(line("warm", step))
            lines = [line(f"c{chat}", step) for group in groups(plan.chats, plan.chats) for chat, step in group]
            rates.append(len(lines) / pipe.pour(lines))
    return table(
        f"lines: {plan.chats} chats through `pipe`, written ahead, {plan.rounds} rounds",
        ("", "turns a second"),
        [("one process", spread(rates))],
    )
