"""What lies in `deploy/` fits the program: every file it names is there, every option it gives is understood."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bot.cli import cli
from tests.pipe import ROOT

SYSTEMD = ROOT / "deploy" / "systemd"
CONTAINER = ROOT / "deploy" / "container" / "Containerfile"
UNITS = sorted(each for each in SYSTEMD.iterdir() if each.suffix in (".service", ".timer"))


def assert_understood(arguments: list[str]) -> None:
    """Raises what the command line would say."""
    command = cli.commands[arguments[0]]
    with command.make_context(arguments[0], arguments[1:], resilient_parsing=False) as context:
        assert isinstance(context, click.Context)


def test_the_search_finds_wrong_options() -> None:
    with pytest.raises(click.UsageError):
        assert_understood(["run", "--nonsense"])


@pytest.mark.parametrize("unit", [each for each in UNITS if each.suffix == ".service"], ids=lambda each: each.name)
class TestServices:
    def test_its_command_is_understood(self, unit: Path) -> None:
        for line in re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE):
            program, *arguments = shlex.split(line)
            assert program == "/opt/anlaufstelle/bin/anlaufstelle"
            assert_understood(arguments)

    def test_its_environment_is_read_by_somebody(self, unit: Path) -> None:
        known = {option.envvar for command in cli.commands.values() for option in command.params if option.envvar}
        given = set(re.findall(r"^Environment=(\w+)=", unit.read_text(), re.MULTILINE))
        assert given <= known

    def test_the_keys_come_under_the_name_that_is_looked_for(self, unit: Path) -> None:
        from bot.settings import KEYS

        assert f"LoadCredential={KEYS}:" in unit.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for unit in UNITS:
        # The program is not installed where the units expect it.
        here = unit.read_text().replace("/opt/anlaufstelle/bin/anlaufstelle", sys.executable)
        (tmp_path / unit.name).write_text(here)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *map(str, tmp_path.iterdir())],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Instruction:
    """One instruction of the container file, its lines put together."""

    def __init__(self, text: str) -> None:
        self.name, _, rest = text.partition(" ")
        self.rest = rest.strip()

    @property
    def words(self) -> list[str]:
        return json.loads(self.rest) if self.rest.startswith("[") else self.rest.split()


def instructions() -> list[Instruction]:
    text = "\n".join(line for line in CONTAINER.read_text().splitlines() if line and not line.startswith("#"))
    return [Instruction(line) for line in re.sub(r"\\\n\s*", " ", text).splitlines()]


class TestContainer:
    def test_names_no_host(self) -> None:
        stages = [each.words for each in instructions() if each.name == "FROM"]
        assert all(words[0] == "python:3.13-slim" for words in stages) and len(stages) == 2

    def test_everything_it_copies_is_there(self) -> None:
        for each in instructions():
            if each.name == "COPY" and not each.rest.startswith("--from"):
                for source in each.words[:-1]:
                    assert (ROOT / source).exists(), source

    def test_it_copies_everything_the_wheel_is_built_from(self) -> None:
        copied = {word for each in instructions() if each.name == "COPY" for word in each.words}
        assert {"bot", "storage", "config", "README.md", "pyproject.toml", "hatch_build.py"} <= copied

    def test_its_command_is_understood_and_not_run_by_root(self) -> None:
        last = {each.name: each for each in instructions()}
        assert last["ENTRYPOINT"].words == ["anlaufstelle"]
        assert_understood(last["CMD"].words)
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"].rest)

    def test_its_health_is_asked_where_it_listens(self) -> None:
        last = {each.name: each for each in instructions()}
        port = last["CMD"].words[last["CMD"].words.index("--operations") + 1].rpartition(":")[2]
        assert f"http://127.0.0.1:{port}/healthz" in last["HEALTHCHECK"].rest
        compile(json.loads(last["HEALTHCHECK"].rest.partition("CMD ")[2])[2], "healthcheck", "exec")
