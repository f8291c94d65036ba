"""Resident memory over many turns: it has to stay where it is."""

from __future__ import annotations

from tests.benchmarks.contestant import Race, Started
from tests.benchmarks.figures import table
from tests.benchmarks.plan import Plan

POINTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


def run(plan: Plan) -> str:
    started = Started.ready("ours", Race(str(plan.directory / "memory.db"), plan.chats, seconds=0, turns=plan.turns))
    marks = started.result()["marks"]
    rows = [("warm, before the first", f"{started.at_rest:.0f}")]
    for part in POINTS:
        turns, _, megabytes = next(mark for mark in marks if mark[0] >= plan.turns * part)
        if (row := (f"{turns:,}", f"{megabytes:.0f}")) not in rows:
            rows.append(row)
    rate = marks[-1][0] / marks[-1][1]
    return table(f"memory: {plan.chats} chats busy, {rate:.0f} turns a second", ("turns", "resident MB"), rows)
