"""Durable turns a second when many chats are busy, beside two well-known frameworks."""

from __future__ import annotations

from importlib.util import find_spec

from tests.benchmarks.contestant import Race, race
from tests.benchmarks.figures import middle, spread, table
from tests.benchmarks.plan import Plan

CONTESTANTS = {
    "ours: inbox, turn, outbox": ("ours", "", "sqlalchemy"),
    "aiogram 3.31, FSM in sqlite3": ("with_aiogram", "plain", "aiogram"),
    "aiogram 3.31, FSM in aiosqlite": ("with_aiogram", "aiosqlite", "aiosqlite"),
    "python-telegram-bot 22.8, pickle": ("with_telegram", "", "telegram"),
}


CPU = "ms of CPU a turn"
"""Hardly changes when others use the machine too."""


def run(plan: Plan) -> str:
    taking_part = {name: each for name, each in CONTESTANTS.items() if find_spec(each[2]) is not None}
    rates: dict[str, list[float]] = {name: [] for name in taking_part}
    computed: dict[str, list[float]] = {name: [] for name in taking_part}
    for round_ in range(plan.rounds):
        for number, (name, (module, variant, _)) in enumerate(taking_part.items()):
            database = plan.directory / f"turns-{round_}-{number}.db"
            what = Race(str(database), plan.chats, seconds=plan.seconds, name=variant)
            found = race(module, what, apart=not plan.quick)
            rates[name].append(found["turns"] / found["seconds"])
            computed[name].append(found["cpu"] * 1000 / found["turns"])
    best = max((middle(each) for name, each in rates.items() if name.startswith("aiogram")), default=0)
    return table(
        f"turns: {plan.chats} chats busy, {plan.rounds} rounds in turn; turns a second",
        ("", "median (least–most)", "to aiogram's better one", CPU),
        [
            (name, spread(each), f"{middle(each) / best:.2f}" if best else "–", spread(computed[name], 1))
            for name, each in rates.items()
        ],
    )
