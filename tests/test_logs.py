"""Whatever code writes to the log, no word of anybody stands in it (D-13)."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bot import logs
from bot.bugs import log_bug
from storage.database import Database
from storage.models import Setting
from tests.pipe import ROOT, environment

WORDS = "Dachbodengeraune am Gartentor"
TOKEN = "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345"

own = logging.getLogger("anlaufstelle.test")
foreign = logging.getLogger("some.library")


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged since it was last asked, as a program that collects logs reads it."""
    logs.set_up("json", loud=True)
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logs.set_up()


Written = Callable[[], list[dict[str, Any]]]


class TestOurOwn:
    def test_an_event_and_its_facts(self, written: Written) -> None:
        own.info("given up", extra={"row": 7, "attempts": 3, "seconds": 1.5, "late": True})
        (line,) = written()
        assert line.pop("time").endswith("Z")
        assert line == {"level": "info", "event": "given up", "row": 7, "attempts": 3, "seconds": 1.5, "late": True}

    def test_numbers_stand_in_a_sentence(self, written: Written) -> None:
        own.warning("row %s given up after %d attempts by %s", 7, 3, "web")
        assert written()[0]["event"] == "row 7 given up after 3 attempts by web"

    @pytest.mark.parametrize(
        "value", [WORDS, "straße", "", f"https://x/bot{TOKEN}/send", TOKEN, {WORDS: WORDS}, b"x", "a" * 200]
    )
    def test_what_is_no_plain_token_is_withheld(self, written: Written, value: object) -> None:
        own.warning("found %s", value, extra={"fact": value, "facts": [value, 1]})
        (line,) = written()
        assert line["fact"] == "withheld" and line["facts"] == ["withheld", 1]
        assert line["event"] in ("found withheld", "found {'withheld': 'withheld'}")

    def test_one_record_is_one_line_for_people_too(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.set_up("text", loud=True)
        own.info("first\nsecond", extra={"row": 7, "places": ["a.py:1:f", "b.py:2:g"]})
        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith("info first second row=7 places=a.py:1:f < b.py:2:g")
        logs.set_up()


class TestLibraries:
    def test_says_only_where(self, written: Written) -> None:
        foreign.warning("the person said %s", WORDS)
        (line,) = written()
        assert WORDS not in json.dumps(line)
        assert (line["logger"], line["event"]) == ("some.library", "a library wrote a message, withheld")
        assert line["at"].startswith("tests/test_logs.py:") and line["at"].endswith(":test_says_only_where")

    def test_what_is_no_warning_is_not_there(self, written: Written) -> None:
        foreign.setLevel(logging.DEBUG)
        foreign.info(WORDS)
        foreign.setLevel(logging.NOTSET)
        assert written() == []

    def test_rows_are_never_printed(self, written: Written, database: Database) -> None:
        """With its level at DEBUG the database library writes every row that it reads."""
        loud = [logging.getLogger(name) for name in ("", "sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool")]
        before = [each.level for each in loud]
        for each in loud:
            each.setLevel(logging.DEBUG)
        try:
            with database.transaction() as session:
                session.add(Setting(name="x", value=WORDS))
            with database.transaction() as session:
                assert session.get_one(Setting, "x").value == WORDS
        finally:
            for each, level in zip(loud, before, strict=True):
                each.setLevel(level)
        assert written() == []

    def test_a_task_that_nobody_waited_for(self, written: Written) -> None:
        """The message of asyncio repeats the task with everything in it."""

        async def forget() -> None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": WORDS, "exception": ValueError(WORDS), "task": asyncio.current_task()}
            )

        asyncio.run(forget())
        (line,) = written()
        assert WORDS not in json.dumps(line) and line["error"] == ["ValueError"] and line["logger"] == "asyncio"


class TestErrors:
    def test_a_bug_is_known_by_its_number_and_place(self, written: Written) -> None:
        try:
            int(WORDS)
        except ValueError as error:
            reference = log_bug(error)
        (line,) = written()
        assert WORDS not in json.dumps(line)
        assert (line["event"], line["reference"], line["error"]) == ("bug", reference, "ValueError")
        assert line["places"][0].endswith(":test_a_bug_is_known_by_its_number_and_place")

    def test_what_led_to_it_and_the_code_of_the_database(self, written: Written, database: Database) -> None:
        try:
            for _ in range(2):
                with database.transaction() as session:
                    session.add(Setting(name="x", value=WORDS))
        except IntegrityError as error:
            log_bug(error)
        (line,) = written()
        assert line["error"] == "IntegrityError"
        assert line["causes"] in (["IntegrityError(SQLITE_CONSTRAINT_PRIMARYKEY)"], ["UniqueViolation(23505)"])

    def test_with_a_traceback(self, written: Written) -> None:
        try:
            raise KeyError(WORDS)
        except KeyError:
            own.exception("failed")
        (line,) = written()
        assert line["event"] == "failed" and line["error"] == ["KeyError"] and WORDS not in json.dumps(line)


@pytest.mark.parametrize(
    ("program", "event"),
    [
        ("raise ValueError(words)", "ended by a bug"),
        ("import threading; t = threading.Thread(target=int, args=(words,)); t.start(); t.join()", "a bug in a thread"),
        ("type('X', (), {'__del__': lambda self: int(words)})()", "a bug that nobody could hear of"),
        ("import warnings; warnings.warn(words)", "a warning"),
        ("logging.getLogger('anlaufstelle').error('%d', words)", "%d"),
        ("logging.getLogger('x').error('%d', words)", "a library wrote a message, withheld"),
    ],
)
def test_what_python_itself_would_print(program: str, event: str) -> None:
    """Its own words would repeat the message, and with it what somebody wrote."""
    setting_up = (
        f"import logging; from bot import logs; logs.set_up('json'); logs.catch_everything(); words = {WORDS!r}"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{setting_up}\n{program}"],
        capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert WORDS.split()[0] not in line
    assert json.loads(line)["event"] == event


def test_the_journal_sorts_by_level(tmp_path: Any) -> None:
    """systemd tells a service whose standard error is the journal; then a line begins with its priority."""
    program = (
        "import os; s = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}'; import logging; "
        "from bot import logs; logs.set_up('json'); logging.getLogger('anlaufstelle').error('x')"
    )
    with (tmp_path / "journal").open("w+") as journal:
        subprocess.run([sys.executable, "-c", program], stderr=journal, cwd=ROOT, env=environment(), check=True)
        journal.seek(0)
        assert journal.read().startswith('<3>{"time":')
