"""What happens to `pipe` when whoever reads it goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bot.cli import NOBODY_READS
from tests.databases import Databases
from tests.pipe import environment, run


def line(number: int, **said: str) -> str:
    return json.dumps({"id": f"m{number}", "chat": "ana", **said}) + "\n"


def speak(url: str, folder: Path, said: str) -> list[dict[str, Any]]:
    done = run("pipe", "--database", url, said=said, cwd=folder)
    assert done.returncode == 0, done.stderr
    return [json.loads(each) for each in done.stdout.splitlines()]


def speak_to_nobody(url: str, folder: Path, said: str, *, read: int) -> tuple[int, str, list[dict[str, Any]]]:
    """Reads so many lines, then none: the exit code, the log, and what was read. The input stays open."""
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "pipe", "--database", url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment(),
        text=True, bufsize=1,
    ) as process:  # fmt: skip
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        heard = []
        for number, each in enumerate(said.splitlines(keepends=True)):
            if number == read:
                process.stdout.close()
            process.stdin.write(each)
            while number < read:
                heard.append(json.loads(process.stdout.readline()))
                if "done" in heard[-1]:
                    break
        code = process.wait(30)
        return code, process.stderr.read(), heard


def test_nobody_reads_any_more(databases: Databases, empty_url: str, tmp_path: Path) -> None:
    """It ends without a word, and what was not written is written by the next start, once and in order."""
    words = line(1, text="/start"), line(2, choice="en"), line(3, text="/help")
    code, log, heard = speak_to_nobody(empty_url, tmp_path, "".join(words), read=2)
    assert code == NOBODY_READS
    assert "bug" not in log and "Traceback" not in log and "Exception" not in log, log
    assert databases.query(empty_url, "SELECT DISTINCT state FROM inbox") == [("DONE",)]
    waiting = databases.query(empty_url, "SELECT id, state, doubts FROM outbox WHERE settled_at IS NULL ORDER BY id")
    assert waiting and {(state, doubts) for _id, state, doubts in waiting} == {("QUEUED", 0)}

    said = speak(empty_url, tmp_path, words[2])
    assert [each["message"] for each in said if "message" in each] == [f"o{id_}" for id_, _state, _doubts in waiting]
    assert said[-1] == {"done": "m3"}
    before = {each["message"] for each in heard if "message" in each}
    assert before and not before & {each.get("message") for each in said}


def test_nobody_ever_read(empty_url: str, tmp_path: Path) -> None:
    code, log, _heard = speak_to_nobody(empty_url, tmp_path, line(1, text="/start"), read=0)
    assert code == NOBODY_READS and "bug" not in log and "Traceback" not in log, log
    assert any("/start" not in each and "message" in each for each in speak(empty_url, tmp_path, ""))


def test_a_disk_without_room(empty_url: str, tmp_path: Path) -> None:
    """The output goes to a full disk: told, and nothing is lost."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "pipe", "--database", empty_url],
            input=line(1, text="/start").encode(), stdout=full, stderr=subprocess.PIPE, cwd=tmp_path,
            env={**environment(), "HOME": os.environ.get("HOME", "/")}, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode != 0
    assert any("message" in each for each in speak(empty_url, tmp_path, ""))
