"""Every machine gets the same packages: what operators install is what developers and tests run on."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _pins(lines: list[str]) -> dict[str, str]:
    found = (re.match(r"([A-Za-z0-9_.-]+)(?:\[[a-z0-9]+\])?==([^ ;\\]+)", line) for line in lines)
    return {match[1].lower().replace("_", "-"): match[2] for match in found if match}


LOCKS = {"requirements.lock": (), "requirements-postgres.lock": ("postgres",)}
"""What operators install, and the extras in it."""


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_for_operators_says_what_the_project_says(lock: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    optional = project["project"]["optional-dependencies"]
    declared = _pins(
        [
            *project["project"]["dependencies"],
            *optional["postgres"],
            *(line for line in project["dependency-groups"]["dev"] if isinstance(line, str)),
            *project["tool"]["uv"]["constraint-dependencies"],
        ]
    )
    locked = _pins((ROOT / lock).read_text("utf-8").splitlines())
    assert {name: declared.get(name) for name in locked} == locked
    wanted = [*project["project"]["dependencies"], *(line for extra in LOCKS[lock] for line in optional[extra])]
    assert set(_pins(wanted)) <= set(locked)


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert text.count("--hash=sha256:") >= text.count("==")


def test_the_lock_of_what_tests_run_on_node_holds_hashes_and_names_no_host() -> None:
    folder = ROOT / "tests" / "matrix_js"
    text = (folder / "package-lock.json").read_text("utf-8")
    lock = json.loads(text)["packages"]
    declared = json.loads((folder / "package.json").read_text("utf-8"))["dependencies"]
    assert "://" not in text
    assert all(each["integrity"].startswith("sha512-") for name, each in lock.items() if name)
    assert {name: lock[f"node_modules/{name}"]["version"] for name in declared} == declared
