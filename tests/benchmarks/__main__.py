"""Prints figures; it judges none. `uv run --group benchmarks python -m tests.benchmarks [NAME …] [--quick]`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import (
    lines,
    lone,
    matching,
    matrix,
    memory,
    million,
    postgres,
    start,
    telegram,
    telegram_pace,
    turns,
)
from tests.benchmarks.machine import machine
from tests.benchmarks.plan import Plan

BENCHMARKS: dict[str, Callable[[Plan], str]] = {
    each.__name__.rpartition(".")[2]: each.run
    for each in (turns, million, lone, lines, postgres, telegram, telegram_pace, matrix, matching, memory, start)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Prints figures; it judges none.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"Which ones, all without a name: {' '.join(BENCHMARKS)}"
    )
    parser.add_argument("--quick", action="store_true", help="Tiny, only to see that they run.")
    parser.add_argument(
        "--directory", type=Path, help="Where the databases are made, and kept. Default: a scratch folder."
    )
    for name, kind, what in (
        ("rounds", int, "how often each contestant runs"),
        ("chats", int, "how many people talk at once"),
        ("seconds", float, "how long a round is at least"),
        ("stored", int, "how many conversations the big database holds"),
        ("messages", int, "how many lone messages are timed"),
        ("turns", int, "how many turns memory is watched for"),
    ):
        parser.add_argument(f"--{name}", type=kind, help=what)
    asked = parser.parse_args()
    if wrong := [name for name in asked.names if name not in BENCHMARKS]:
        parser.error(f"There is no benchmark {wrong[0]}. There are: {' '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as scratch:
        directory = asked.directory or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        plan = Plan.tiny(directory) if asked.quick else Plan(directory)
        given = {name: getattr(asked, name) for name in ("rounds", "chats", "seconds", "stored", "messages", "turns")}
        plan = replace(plan, **{name: value for name, value in given.items() if value is not None})
        print(machine(directory), flush=True)
        for name in asked.names or BENCHMARKS:
            begun = time.perf_counter()
            print(f"\n{BENCHMARKS[name](plan)}", flush=True)
            print(f"({time.perf_counter() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
