"""Ten people report and two members of staff answer, while something happens to the processes between them."""

from __future__ import annotations

import random
import re
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from storage.database import Database
from storage.keys import load_ring
from storage.models import OutboxMessage, Report, ThreadEntry
from tests.databases import Databases
from tests.pipe import Pipe

AT_ONCE = 10
"""People who report at the same time."""
AHEAD = 12
"""Lines that a caller writes to one process without waiting for an answer."""
STAFF = ("kim", "alex")
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

Line = dict[str, Any]


def story_of(chat: str) -> str:
    return f"In the yard of {chat} they shout at night."


def script(chat: str) -> list[Line]:
    """All that one person says."""
    lines: list[Line] = [{"text": "/start"}]
    for question in QUESTIONS:
        if question == "story":
            lines += [{"text": story_of(chat)}, {"text": "/done"}]
        else:
            lines.append({"choice": ANSWERS[question]})
    return [{"id": f"{chat}-{n}", "chat": chat, **line} for n, line in enumerate(lines)]


class Talk:
    """Writes lines to processes, keeps those without a `done`, and sends them again to the next process."""

    def __init__(self, url: str, folder: Path, people: int, seed: int, processes: int = 1) -> None:
        self.url = url
        self.folder = folder
        self.people = [f"person{n}" for n in range(people)]
        self.random = random.Random(seed)
        self.said: list[Line] = []
        """Everything that any process wrote, as it came."""
        self.ends = 0
        """Processes that were killed, or lost their database, while they were speaking."""
        self.logs: list[str] = []
        self._scripts = [deque(script(chat)) for chat in self.people]
        self._open: dict[str, deque[Line]] = {}
        """Lines that have no `done` yet, by chat, in order."""
        self._answered: set[str] = set()
        self._places: list[Place] = []
        self.quiet = threading.RLock()
        """Held while lines are written, so that those of one chat stay in order."""
        self._count = processes
        self._now({"id": "now", "now": "2026-11-24T09:00:00+01:00"})

    def _now(self, line: Line) -> None:
        pipe = Pipe(self.url, self.folder)
        pipe.write(line)
        while (said := pipe.read()) != {"done": line["id"]}:
            assert said is not None, pipe.end()
        pipe.end()

    def __enter__(self) -> Talk:
        self._places = [Place(self, number) for number in range(self._count)]
        with self.quiet:
            for place in self._places:
                place.start()
        return self

    def __exit__(self, wrong: type[BaseException] | None, *_: object) -> None:
        for place in self._places:
            if wrong is not None:
                place.give_up()
            else:
                place.stop()

    def come(self, people: int) -> None:
        """More people have something to report."""
        with self.quiet:
            new = [f"person{n}" for n in range(len(self.people), len(self.people) + people)]
            self.people += new
            self._scripts += [deque(script(chat)) for chat in new]

    @property
    def all_speak(self) -> bool:
        """Whether nobody is left who has not begun."""
        with self.quiet:
            return sum(bool(each) for each in self._scripts) <= AT_ONCE

    @property
    def places(self) -> list[Place]:
        return self._places

    @property
    def keys(self) -> Path:
        """The key file of the installation."""
        if self.url.startswith("sqlite:///"):
            return Path(self.url.removeprefix("sqlite:///")).with_suffix(".keys")
        return self.folder / "anlaufstelle.keys"

    @property
    def is_over(self) -> bool:
        with self.quiet:
            return not self._open and not any(self._scripts)

    def go_on(self, seconds: float = 0.02) -> None:
        """Lets everybody speak who can, for a moment; raises what went wrong at a place."""
        with self.quiet:
            busy = [each for each in self._scripts if each][:AT_ONCE]
            for each in busy:
                chat = each[0]["chat"]
                while each and len(self._open.get(chat, ())) < 2:
                    self._say(each.popleft())
        for place in self._places:
            place.check()
        time.sleep(seconds)

    def until_over(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.is_over:
            assert time.monotonic() < until, self.state()
            self.go_on()

    def state(self) -> str:
        """Where it stands, for whoever looks into a failure."""
        last = "\n".join(map(str, self.said[-10:]))
        return f"ends: {self.ends}\nopen: {dict(self._open)}\nlast heard:\n{last}\nlogs: {self.logs[-3:]}"

    def _say(self, line: Line) -> None:
        chat = line.get("chat") or line["thread"]
        self._open.setdefault(chat, deque()).append(line)
        self.place_of(chat).write(line)

    def place_of(self, chat: str) -> Place:
        return self._places[sum(chat.encode()) % len(self._places)]

    def open_at(self, place: Place) -> list[Line]:
        """What a new process must be told again."""
        with self.quiet:
            return [line for chat, lines in self._open.items() if self.place_of(chat) is place for line in lines]

    def hear(self, line: Line) -> None:
        with self.quiet:
            self.said.append(line)
            if "done" in line:
                for chat, lines in list(self._open.items()):
                    if any(each["id"] == line["done"] for each in lines):
                        self._open[chat] = deque(each for each in lines if each["id"] != line["done"])
                        if not self._open[chat]:
                            del self._open[chat]
            for option in line.get("options", ()) if "desk" in line else ():
                ref = option["id"].partition(" ")[2]
                if option["id"].startswith("/open ") and ref not in self._answered:
                    self._answered.add(ref)
                    self._answer(ref)

    def _answer(self, ref: str) -> None:
        """A member of staff answers twice."""
        by = STAFF[len(self._answered) % len(STAFF)]
        for n, text in enumerate((f"First answer to {ref}", f"Second answer to {ref}")):
            self._say({"id": f"{ref}-{n}", "desk": "oberberg", "by": by, "thread": ref, "text": f"/reply {text}"})

    def check(self, databases: Databases) -> None:
        """Every report exactly once, every reply at least once, at most one repeated per end, order kept."""
        silenced = self._check_database(databases)
        new = [each for each in self.said if "message" in each and not each.get("edited")]
        times = Counter(each["message"] for each in new)
        edits = Counter(str(each) for each in self.said if each.get("edited") and "to" in each)
        repeats = sum(times.values()) - len(times) + sum(edits.values()) - len(edits)
        assert repeats <= self.ends, f"{repeats} repeats after {self.ends} ends"
        for chat in self.people:
            heard = [each for each in new if each.get("to") == chat]
            numbers = [int(each["message"][1:]) for each in heard]
            # A message said again comes right after itself, never later.
            assert numbers == sorted(numbers), (chat, numbers)
            asked = [each["ask"] for each in heard if "ask" in each]
            # Who answers a question before it is asked may find that a human has the chat by then: it goes unasked.
            unasked = [question for question in QUESTIONS if question not in asked]
            silenced -= len(unasked)
            assert silenced >= 0, (chat, asked)
            assert without_repeats(asked) == [question for question in QUESTIONS if question in asked], (chat, asked)
            (ref,) = {found[1] for each in heard if (found := re.search(r"Number: \W*([2-9A-Z-]{9})", each["text"]))}
            answers = [each["text"] for each in heard if "answer to" in each["text"]]
            assert without_repeats(answers) == [f"First answer to {ref}", f"Second answer to {ref}"], (chat, answers)

    def _check_database(self, databases: Databases) -> int:
        """Returns how many messages of the bot were not sent because a human had the chat."""
        database = Database.open(self.url, load_ring(self.keys, {}))
        try:
            with database.transaction("oberberg") as session:
                stories = sorted(report.story or "" for report in session.scalars(select(Report)))
                assert stories == sorted(map(story_of, self.people))
                told = select(func.count()).where(ThreadEntry.kind == "TO_REPORTER").select_from(ThreadEntry)
                assert session.scalar(told) == 2 * len(self.people)
                # An edit of a message that a human made needless is silenced as well.
                is_silent = (
                    OutboxMessage.state == "SILENCED",
                    OutboxMessage.voice == "BOT",
                    OutboxMessage.edits.is_(None),
                )
                silenced = session.scalar(select(func.count()).where(*is_silent).select_from(OutboxMessage)) or 0
            if databases.name == "sqlite":
                with database.connection() as connection:
                    assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            return silenced
        finally:
            database.close()


class Place:
    """Where a process runs; when it is gone, another one takes its place and is told again what has no `done`."""

    def __init__(self, talk: Talk, number: int) -> None:
        self._talk = talk
        self.number = number
        self._wrong: list[str] = []
        self._pipes: list[Pipe] = []
        self._writing = threading.Lock()
        self._stops = False

    def start(self) -> None:
        self.ended = threading.Event()
        self.listens = threading.Event()
        with self._talk.quiet:
            self.pipe = Pipe(self._talk.url, self._talk.folder)
            self._pipes.append(self.pipe)
            listener = threading.Thread(target=self._listen, args=(self.pipe, self.ended, self.listens), daemon=True)
            listener.start()
            self.write(*self._talk.open_at(self))

    def write(self, *lines: Line) -> None:
        with self._writing:
            # What comes now stays open, and the next process is told.
            for line in lines if not self._stops else ():
                self.pipe.write(line)

    def _listen(self, pipe: Pipe, ended: threading.Event, listens: threading.Event) -> None:
        while (said := pipe.read(120)) is not None:
            listens.set()
            if "error" in said:
                self._wrong.append(str(said))
            self._talk.hear(said)
        ended.set()

    def kill(self) -> None:
        """As power goes: at any instant, without a word; the next one starts when everything it said has been heard."""
        self.pipe.kill()
        self._talk.ends += 1
        self._gone()
        self.start()

    def give_up(self) -> None:
        """The test has failed: nothing of it stays behind."""
        for each in self._pipes:
            if each.process.poll() is None:
                each.kill()
                each.end()

    def hang(self) -> Callable[[], None]:
        """The process stops in the middle of whatever it does, and another one takes its place; returns what wakes it."""
        asleep, ended = self.pipe, self.ended
        asleep.process.send_signal(signal.SIGSTOP)
        self._talk.ends += 1
        self.start()

        def wake() -> None:
            asleep.process.send_signal(signal.SIGCONT)
            self._talk.logs.append(asleep.end())
            assert ended.wait(30)

        return wake

    def _gone(self) -> None:
        assert self.ended.wait(30)
        log = self.pipe.end()
        self._talk.logs.append(log)
        if "Traceback" in log or "bug " in log:
            self._wrong.append(log)

    def stop(self) -> None:
        """At the end of input it writes what is left and ends."""
        with self._writing:
            self._stops = True
        log = self.pipe.end()
        self._talk.logs.append(log)
        if "Traceback" in log or "bug " in log:
            self._wrong.append(log)
        self.check()

    def check(self) -> None:
        assert not self._wrong, self._wrong


def without_repeats(words: list[str]) -> list[str]:
    return [word for n, word in enumerate(words) if n == 0 or words[n - 1] != word]
