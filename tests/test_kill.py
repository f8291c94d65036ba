"""Killed at any instant: no answer is lost, no report filed twice, and at most one message said twice per kill.

`TORTURE=100 pytest tests/test_kill.py` kills a hundred times.
"""

from __future__ import annotations

import os
import random
import re
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from storage.database import Database
from storage.keys import load_ring
from storage.models import Report, ThreadEntry
from tests.databases import Databases, file_of
from tests.pipe import Pipe

KILLS = int(os.environ.get("TORTURE", "8"))
PEOPLE = max(5, KILLS // 2)
AHEAD = 12
"""Lines that a caller writes without waiting for an answer."""
ANSWERS = {
    "language": "en",
    "danger": "NO",
    "privacy": "READ_ON",
    "municipality": "wiehl",
    "setting": "SCHOOL",
    "when": "TODAY",
    "parties": "UNCLEAR",
    "heat": "2",
    "wish": "ADVICE",
    "contact": "CHAT",
    "review": "/send",
}
"""What everybody chooses, in the order of the questions."""
QUESTIONS = [*list(ANSWERS)[:3], "story", *list(ANSWERS)[3:]]


def script(chat: str) -> list[dict[str, Any]]:
    """All that one person says."""
    lines: list[dict[str, Any]] = [{"text": "/start"}]
    for question in QUESTIONS:
        if question == "story":
            lines += [{"text": f"In the yard of {chat} they shout at night."}, {"text": "/done"}]
        else:
            lines.append({"choice": ANSWERS[question]})
    return [{"id": f"{chat}-{n}", "chat": chat, **line} for n, line in enumerate(lines)]


def interleaved(random_: random.Random, scripts: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Everybody at once, each in their own order."""
    rest = [list(each) for each in scripts]
    mixed = []
    while rest := [each for each in rest if each]:
        mixed.append(random_.choice(rest).pop(0))
    return mixed


class Caller:
    """Writes lines, keeps those without an answer, and sends them again to the next process."""

    def __init__(self, url: str, folder: Path, random_: random.Random) -> None:
        self.url = url
        self.folder = folder
        self.random = random_
        self.said: list[dict[str, Any]] = []
        self.kills = 0
        self.replied: set[str] = set()

    def deliver(self, lines: list[dict[str, Any]], kills: int) -> None:
        """Until every line has its `done`, and with so many kills on the way."""
        waiting = {line["id"]: line for line in lines}
        left = kills
        while waiting:
            pipe = Pipe(self.url, self.folder)
            killer = None
            if left > 0:
                left -= 1
                self.kills += 1
                # The first line goes out as soon as the process listens; from then on, any instant will do.
                killer = threading.Timer(self.random.uniform(0.02, 0.6), pipe.kill)
            started = False
            pending = deque(waiting.values())
            for _ahead in range(min(AHEAD, len(pending))):
                pipe.write(pending.popleft())
            while waiting and (said := pipe.read()) is not None:
                if killer is not None and not started:
                    started = True
                    killer.start()
                assert "error" not in said, said
                self.said.append(said)
                if "done" not in said:
                    continue
                waiting.pop(said["done"])
                replies = self.replies()
                waiting |= {reply["id"]: reply for reply in replies}
                pending.extend(replies)
                if pending:
                    pipe.write(pending.popleft())
            log = pipe.end()
            assert "Traceback" not in log, log
            if killer is not None and started:
                killer.cancel()
                killer.join()

    def replies(self) -> list[dict[str, Any]]:
        """Staff answer each report that the room has been told of."""
        new = []
        for each in self.said:
            for option in each.get("options", ()) if "desk" in each else ():
                ref = option["id"].partition(" ")[2]
                if option["id"].startswith("/open ") and ref not in self.replied:
                    self.replied.add(ref)
                    new += [
                        {"id": f"reply-{ref}-{n}", "desk": "oberberg", "by": "kim", "thread": ref, "text": text}
                        for n, text in enumerate((f"/reply First answer to {ref}", f"/reply Second answer to {ref}"))
                    ]
        return new


def test_nothing_is_lost_and_nothing_happens_twice(databases: Databases, empty_url: str, tmp_path: Path) -> None:
    seed = int(time.time())
    print(f"seed {seed}")
    random_ = random.Random(seed)
    people = [f"person{n}" for n in range(PEOPLE)]
    caller = Caller(empty_url, tmp_path, random_)
    caller.deliver([{"id": "now", "now": "2026-11-24T09:00:00+01:00"}], 0)
    caller.deliver(interleaved(random_, [script(chat) for chat in people]), KILLS)

    stories = [f"In the yard of {chat} they shout at night." for chat in people]
    keys = tmp_path / "anlaufstelle.keys" if databases.name == "postgres" else file_of(empty_url).with_suffix(".keys")
    database = Database.open(empty_url, load_ring(keys, {}))
    try:
        with database.transaction("oberberg") as session:
            assert sorted(report.story or "" for report in session.scalars(select(Report))) == sorted(stories)
            told = select(func.count()).where(ThreadEntry.kind == "TO_REPORTER").select_from(ThreadEntry)
            assert session.scalar(told) == 2 * PEOPLE
        if databases.name == "sqlite":
            with database.connection() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    finally:
        database.close()

    new = [each for each in caller.said if "message" in each and not each.get("edited")]
    times = Counter(each["message"] for each in new)
    edits = Counter(str(each) for each in caller.said if each.get("edited") and "to" in each)
    assert sum(times.values()) - len(times) + sum(edits.values()) - len(edits) <= caller.kills
    for chat in people:
        heard = [each for each in new if each.get("to") == chat]
        assert_in_order([int(each["message"][1:]) for each in heard])
        asked = [each["ask"] for each in heard if "ask" in each]
        assert without_repeats(asked) == without_repeats(
            [question for question in QUESTIONS for _ in range(1 + (question == "story"))]
        )
        (ref,) = {found[1] for each in heard if (found := re.search(r"Number: \W*([2-9A-Z-]{9})", each["text"]))}
        answers = [each["text"] for each in heard if "answer to" in each["text"]]
        assert without_repeats(answers) == [f"First answer to {ref}", f"Second answer to {ref}"]


def assert_in_order(numbers: list[int]) -> None:
    """A message said again comes right after itself, never later."""
    assert numbers == sorted(numbers)


def without_repeats(words: list[str]) -> list[str]:
    return [word for n, word in enumerate(words) if n == 0 or words[n - 1] != word]
