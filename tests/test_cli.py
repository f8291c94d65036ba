"""The command line: every mistake is one line and exit code 2, never a traceback."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from bot.cli import cli
from bot.contact_point_file import shipped
from bot.now import system_time
from storage.database import Database
from storage.keys import create_ring_file, load_ring
from storage.models import Base, Report
from storage.types import Encrypted
from tests.databases import Databases, file_of
from tests.health_rows import inbox, outbox
from tests.pipe import ROOT, environment, run

NEWS = ("New keys are in ", "The key for the desks is in ")
"""What a first start says."""
SAMPLE = (shipped() / "oberberg.toml").read_text("utf-8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing lands in the working tree."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANLAUFSTELLE_KEYS", raising=False)
    yield


def call(*arguments: str) -> Result:
    """The command in this process."""
    return CliRunner().invoke(cli, arguments, prog_name="anlaufstelle")


def mistake(*arguments: str) -> str:
    """The one line that a command ends with."""
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert all(line.startswith(NEWS) for line in result.stdout.splitlines())
    said = [line for line in result.stderr.splitlines() if not line.startswith(NEWS)]
    assert len(said) == 1 and said[0].startswith("anlaufstelle: "), result.stderr
    return said[0].removeprefix("anlaufstelle: ")


@dataclass(frozen=True)
class Place:
    """Where an installation keeps everything: a database, and the file with its keys."""

    url: str
    keys: Path
    databases: Databases

    def begin(self) -> None:
        """A database as the first start leaves it."""
        assert call("pipe", "--database", self.url).exit_code == 0

    def open(self) -> Database:
        return Database.open(self.url, load_ring(self.keys, {}))

    def fill(self, *rows: Base) -> None:
        self.begin()
        database = self.open()
        with database.transaction(everywhere=True) as session:
            session.add_all(rows)
        database.close()

    def talk(self, *lines: dict[str, str]) -> list[dict[str, str]]:
        """Speaks lines with a process of its own."""
        given = "".join(json.dumps({"id": f"{os.urandom(8).hex()}", **line}) + "\n" for line in lines)
        done = run("pipe", "--database", self.url, said=given, cwd=Path.cwd())
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def place(databases: Databases, empty_url: str) -> Place:
    """Nothing is there yet."""
    keys = Path("anlaufstelle.keys") if databases.name == "postgres" else file_of(empty_url).with_suffix(".keys")
    return Place(empty_url, keys, databases)


def new_database(name: str = "x.db") -> Path:
    """A file as the first start leaves it."""
    assert call("pipe", "--database", f"sqlite:///{name}").exit_code == 0
    return Path(name)


class TestConfiguration:
    @pytest.mark.parametrize("command", ["pipe", "demo", "run", "check", "flows"])
    def test_a_folder_that_is_not_there(self, command: str) -> None:
        assert "nowhere" in mistake(command, "--config", "nowhere")

    def test_an_empty_folder(self) -> None:
        Path("empty").mkdir()
        assert "no file of a contact point" in mistake("pipe", "--config", "empty")

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("name = ", "x.toml: line 1"),
            ("\xff", "x.toml"),
            (SAMPLE.replace('phone = "02261 555 01 23"', "phone = 7"), "phone"),
            (SAMPLE.replace('"08:00-16:00"', '"16:00-08:00"', 1), "service_hours"),
            (SAMPLE + '\n[[help_lines]]\nkey = "police"\n', "help_lines"),
        ],
        ids=["broken", "not UTF-8", "wrong type", "wrong time", "twice"],
    )
    def test_a_broken_file(self, content: str, told: str) -> None:
        Path("config").mkdir()
        Path("config/x.toml").write_text(content, "latin-1" if content == "\xff" else "utf-8")
        result = call("pipe", "--config", "config")
        assert result.exit_code == 2 and told in result.stderr
        assert all(line.startswith("anlaufstelle: ") for line in result.stderr.splitlines())
        assert not Path("data").exists()


class TestKeys:
    def test_a_missing_key_file_with_a_database(self, place: Place) -> None:
        place.begin()
        place.keys.unlink()
        for command in ("pipe", "check"):
            told = mistake(command, "--database", place.url)
            assert f"The key file {place.keys} is missing, but the database " in told
            assert "bring the key file back" in told
        assert not place.keys.exists()

    def test_a_key_file_that_others_can_read(self, place: Place) -> None:
        place.begin()
        assert place.keys.stat().st_mode & 0o777 == 0o600
        place.keys.chmod(0o644)
        assert f"run chmod 600 {place.keys}" in mistake("pipe", "--database", place.url)

    @pytest.mark.parametrize("content", ["", "data k1 nonsense\n", "lookup QUJD\n"])
    def test_a_damaged_key_file(self, place: Place, content: str) -> None:
        place.begin()
        place.keys.write_text(content)
        assert "is damaged" in mistake("pipe", "--database", place.url)

    def test_keys_of_another_installation(self, place: Place) -> None:
        """Found at start: with other keys nobody would be found again."""
        place.begin()
        before = place.databases.dump(place.url)
        place.keys.unlink()
        create_ring_file(place.keys)
        assert "The keys do not fit the database" in mistake("pipe", "--database", place.url)
        checked = call("check", "--database", place.url)
        assert checked.exit_code == 1 and "LOOK  keys: " in checked.stdout
        assert place.databases.dump(place.url) == before

    def test_old_keys_after_a_rotation(self, place: Place) -> None:
        place.begin()
        place.talk({"chat": "ana", "text": "/start"})
        old = place.keys.read_bytes()
        assert call("keys", "rotate", "--database", place.url).exit_code == 0
        place.keys.write_bytes(old)
        assert "k2, which is not in the key file" in mistake("pipe", "--database", place.url)

    def test_keys_that_a_service_manager_hands_over(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("credentials").mkdir()
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", "credentials")
        assert call("keys", "new", "credentials/anlaufstelle.keys").exit_code == 0
        assert "is there already" in mistake("keys", "new", "credentials/anlaufstelle.keys")
        place.begin()
        assert not place.keys.exists()
        assert "keys: fit" in call("check", "--database", place.url).stdout

        monkeypatch.setenv("ANLAUFSTELLE_KEYS", "nonsense")
        assert "ANLAUFSTELLE_KEYS is damaged" in mistake("pipe", "--database", place.url)
        monkeypatch.delenv("ANLAUFSTELLE_KEYS")
        Path("credentials/anlaufstelle.keys").unlink()
        assert f"{place.keys} is missing" in mistake("pipe", "--database", place.url)

    def test_keys_in_the_environment(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        place.begin()
        monkeypatch.setenv("ANLAUFSTELLE_KEYS", place.keys.read_text())
        place.keys.unlink()
        assert call("pipe", "--database", place.url).exit_code == 0
        assert "come from ANLAUFSTELLE_KEYS" in mistake("keys", "rotate", "--database", place.url)
        monkeypatch.setenv("ANLAUFSTELLE_KEYS", "nonsense")
        assert "ANLAUFSTELLE_KEYS is damaged" in mistake("pipe", "--database", place.url)


class TestDatabase:
    @pytest.mark.parametrize("url", ["nonsense", "mysql+nonsense://x/y", "sqlite:"])
    def test_an_address_that_is_none(self, url: str) -> None:
        if url == "sqlite:":
            assert mistake("pipe", "--database", "sqlite:")
        else:
            assert "The address of the database is not understood." in mistake("pipe", "--database", url)

    def test_a_directory(self) -> None:
        Path("x.db").mkdir()
        assert "cannot be opened: Is a directory" in mistake("pipe", "--database", "sqlite:///x.db")

    def test_a_place_that_cannot_be_written(self) -> None:
        create_ring_file(Path("x.keys"))
        assert "cannot be" in mistake("pipe", "--database", "sqlite:////proc/x.db")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
    @pytest.mark.parametrize("command", [("pipe",), ("check",), ("keys", "rotate")])
    def test_a_file_that_is_read_only(self, command: tuple[str, ...]) -> None:
        new_database().chmod(0o400)
        before = Path("x.db").read_bytes(), Path("x.keys").read_bytes()
        told = mistake(*command, "--database", "sqlite:///x.db")
        assert "The database x.db cannot be opened: Permission denied." in told
        assert (Path("x.db").read_bytes(), Path("x.keys").read_bytes()) == before

    @pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
    def test_a_folder_that_is_read_only(self) -> None:
        Path("data").mkdir()
        new_database("data/x.db")
        Path("data").chmod(0o500)
        try:
            assert "data/x.db cannot be opened" in mistake("pipe", "--database", "sqlite:///data/x.db")
        finally:
            Path("data").chmod(0o700)

    def test_something_else_than_a_database(self) -> None:
        create_ring_file(Path("x.keys"))
        Path("x.db").write_text("Some text that is longer than the head of a database. " * 20)
        before = Path("x.db").read_bytes()
        assert "file is not a database" in mistake("pipe", "--database", "sqlite:///x.db")
        assert Path("x.db").read_bytes() == before

    @pytest.mark.parametrize("command", [("pipe",), ("check",), ("keys", "rotate")])
    def test_the_database_of_another_program(self, place: Place, command: tuple[str, ...]) -> None:
        create_ring_file(place.keys)
        place.databases.query(place.url, "CREATE TABLE orders (id INTEGER)")
        before = place.databases.dump(place.url), place.keys.read_bytes()
        assert "belongs to another program" in mistake(*command, "--database", place.url)
        assert (place.databases.dump(place.url), place.keys.read_bytes()) == before

    @pytest.mark.parametrize("command", [("pipe",), ("check",), ("keys", "rotate")])
    def test_a_newer_version_wrote_it(self, place: Place, command: tuple[str, ...]) -> None:
        place.begin()
        place.databases.query(place.url, "UPDATE alembic_version SET version_num = '9999'")
        before = place.databases.dump(place.url), place.keys.read_bytes()
        assert "newer version (revision 9999)" in mistake(*command, "--database", place.url)
        assert (place.databases.dump(place.url), place.keys.read_bytes()) == before

    @pytest.mark.parametrize("command", [("pipe",), ("check",), ("keys", "rotate")])
    def test_a_server_that_is_not_there(self, command: tuple[str, ...]) -> None:
        create_ring_file(Path("anlaufstelle.keys"))
        before = Path("anlaufstelle.keys").read_bytes()
        told = mistake(*command, "--database", "postgresql://kim:secret@127.0.0.1:1/anlaufstelle")
        assert 'The database "anlaufstelle" on 127.0.0.1:1 cannot be opened: no server answers there.' in told
        assert "secret" not in told and Path("anlaufstelle.keys").read_bytes() == before

    def test_no_keys_are_left_for_a_server_that_is_not_there(self) -> None:
        assert mistake("pipe", "--database", "postgresql://kim:secret@127.0.0.1:1/anlaufstelle")
        assert not Path("anlaufstelle.keys").exists()

    def test_nothing_to_rotate(self) -> None:
        assert "nothing to rotate" in mistake("keys", "rotate", "--database", "sqlite:///x.db")


class TestServing:
    @pytest.mark.parametrize("command", ["demo", "run"])
    def test_a_port_that_is_taken(self, command: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            more = () if command == "demo" else ("--database", "sqlite:///x.db", "--staff-key", "s.key")
            done = run(command, "--port", port, *more, cwd=Path.cwd())
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert all(line.startswith(NEWS) for line in done.stdout.splitlines())
        assert done.stderr.splitlines()[-1].startswith(f"anlaufstelle: Port {port} cannot be used: ")

    def test_a_staff_key_that_is_none(self) -> None:
        Path("s.key").mkdir()
        assert "s.key cannot be read" in mistake("run", "--database", "sqlite:///x.db", "--staff-key", "s.key")

    def test_an_origin_that_is_none(self) -> None:
        told = call("run", "--database", "sqlite:///x.db", "--staff-key", "s.key", "--origin", "nonsense")
        assert told.exit_code == 2 and "anlaufstelle: The address of the web page" in told.stderr

    @pytest.mark.parametrize("arguments", [("x",), ("pipe", "--clock", "x"), ("demo", "--port", "-1"), ("play",)])
    def test_what_is_no_command(self, arguments: tuple[str, ...]) -> None:
        result = call(*arguments)
        assert result.exit_code == 2 and "Error: " in result.stderr and "Traceback" not in result.stderr


class TestPool:
    HEAD = (
        "Pool number;Name;Professions;Languages;Places;Online;Themes;Days of the week;Most cases at a time;Away;"
        "Commitment to secrecy signed on;Organisation;Fee class\r\n"
    )

    def write(self, *rows: str) -> None:
        Path("pool.csv").write_text(self.HEAD + "".join(f"{row}\r\n" for row in rows), "utf-8")

    def exported(self, place: Place) -> list[str]:
        result = call("pool", "export", "--database", place.url)
        assert result.exit_code == 0, result.output
        return result.stdout_bytes.decode("utf-8-sig").splitlines()[1:]

    def taken(self, place: Place) -> list[str]:
        result = call("pool", "import", "pool.csv", "--database", place.url)
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def refused(self, place: Place) -> list[str]:
        result = call("pool", "import", "pool.csv", "--database", place.url)
        assert result.exit_code == 2 and result.stdout == ""
        return [line.removeprefix("anlaufstelle: ") for line in result.stderr.splitlines()]

    def test_out_changed_by_hand_and_in_again(self, place: Place) -> None:
        place.begin()
        assert self.exported(place) == []
        self.write(";Ada;mediation;Dari: C1;Wiehl;yes;;;2;;;;", ";Bo;coaching;;;;;;;;;;")
        assert self.taken(place) == ["New: 2. Changed: 0. Unchanged: 0."]
        rows = self.exported(place)
        assert [row.split('";"')[:3] for row in rows] == [['"P1', "Ada", "Mediation"], ['"P2', "Bo", "Coaching"]]

        assert call("pool", "export", "-", "--database", place.url).stdout_bytes.count(b"\r\n") == 3
        assert not Path("-").exists()
        assert call("pool", "export", "pool.csv", "--database", place.url).exit_code == 0
        assert Path("pool.csv").stat().st_mode & 0o777 == 0o600
        assert self.taken(place) == ["New: 0. Changed: 0. Unchanged: 2."]

        changed = Path("pool.csv").read_text("utf-8-sig").replace('"Coaching"', '"Supervision"')
        Path("pool.csv").write_text("\n".join([*changed.splitlines()[::2], ';"Cy";mediation' + ";" * 10]), "utf-8")
        assert self.taken(place) == [
            "New: 1. Changed: 1. Unchanged: 0.",
            "Not in the file, and left as they are: 1.",
        ]
        assert [row.split('";"')[1:3] for row in self.exported(place)] == [
            ["Ada", "Mediation"], ["Bo", "Supervision"], ["Cy", "Mediation"],
        ]  # fmt: skip

    def test_a_fault_lets_nobody_in(self, place: Place) -> None:
        place.begin()
        self.write(";Ada;mediation;;;;;;;;;;", "P9;Bo;coaching;Dary: C1;;;;;;;;;", ";Cy;mediation;;;;;;0;;;;")
        assert self.refused(place) == [
            "row 3, Languages: “Dary” is not known. Is “Dari” meant?",
            "row 3, Pool number: There is no “P9” in the pool. Somebody new gets a number here.",
            "row 4, Most cases at a time: A number from 1 to 99 is possible.",
            "Nothing was changed.",
        ]
        assert self.exported(place) == []
        self.write(";Ada;mediation;;;;;;;;;;")
        self.taken(place)
        assert self.exported(place)[0].startswith('"P1";"Ada"')

    def test_which_contact_point(self, place: Place) -> None:
        several = ("pool", "export", "--config", str(shipped()), "--database", place.url)
        assert mistake(*several) == (
            "There are several contact points. Say which: --contact-point euskirchen | hagen | oberberg"
        )
        assert mistake(*several, "--contact-point", "x") == (
            "There is no contact point x. Known: euskirchen, hagen, oberberg"
        )
        assert mistake(*several, "--contact-point", "hagen") == "There is no database yet: start the bot first."
        place.begin()
        assert call(*several, "--contact-point", "hagen").stdout.startswith('\ufeff"Pool-Nummer"')

    def test_files_that_cannot_be_read_or_written(self, place: Place) -> None:
        place.begin()
        where = ("--database", place.url)
        assert mistake("pool", "import", "none.csv", *where) == "none.csv cannot be read: No such file or directory."
        assert "cannot be written" in mistake("pool", "export", "nowhere/pool.csv", *where)


class TestPlay:
    def test_a_file_that_is_not_there(self) -> None:
        assert mistake("play", "nowhere.txt") == "nowhere.txt cannot be read: No such file or directory."

    def test_a_file_that_is_no_text(self) -> None:
        Path("x.txt").write_bytes(b"\xff\xfe")
        assert "x.txt" in mistake("play", "x.txt")

    def test_a_line_without_a_name(self) -> None:
        Path("x.txt").write_text("ana: /start\nnonsense\n")
        assert mistake("play", "x.txt") == "Line 2 has no name before a colon."

    def test_what_fits(self) -> None:
        Path("x.txt").write_text("ana: /start\nbot: Which language would you like to use? …\n")
        result = call("play", "x.txt")
        assert (result.exit_code, result.stdout) == (0, "The bot says what the transcript says.\n")

    def test_differences(self) -> None:
        Path("x.txt").write_text("ana: /start\nbot: Good morning!\nana: English\n")
        result = call("play", "x.txt")
        assert result.exit_code == 1
        assert "line 2\n  expected: Good morning!\n  heard:    Which language" in result.stdout
        # Everything that the bot said beyond the transcript is named, too.
        assert "(nothing more)" in result.stdout


class TestCheck:
    def test_before_the_first_start(self, place: Place) -> None:
        result = call("check", "--database", place.url)
        assert result.exit_code == 0 and "none yet" in result.stdout and "LOOK" not in result.stdout
        assert not place.keys.exists()
        if place.databases.name == "sqlite":
            assert not file_of(place.url).exists()

    def test_a_healthy_one(self, place: Place) -> None:
        place.begin()
        result = call("check", "--database", place.url)
        assert result.exit_code == 0 and "LOOK" not in result.stdout and "ok    keys: fit" in result.stdout

    def test_old_help_lines(self) -> None:
        Path("config").mkdir()
        checked = (system_time() - timedelta(days=181)).date()
        content = re.sub(r"checked_on = \S+", f"checked_on = {system_time().date()}", SAMPLE)
        content = content.replace(f"checked_on = {system_time().date()}", f"checked_on = {checked}", 1)
        Path("config/oberberg.toml").write_text(content)
        result = call("check", "--config", "config", "--database", "sqlite:///x.db")
        assert result.exit_code == 1
        assert [line for line in result.stdout.splitlines() if line.startswith("LOOK")] == [
            f"LOOK  oberberg: the help line police was last checked on {checked}"
        ]

    def test_what_waits_and_what_failed(self, place: Place) -> None:
        long_ago = system_time() - timedelta(minutes=50)
        place.fill(
            outbox("QUEUED", long_ago, account="x"),
            outbox("DEAD", long_ago, account="x"),
            inbox("NEW", long_ago),
            inbox("FAILED", long_ago, error_ref="ABC123"),
        )
        result = call("check", "--database", place.url)
        assert result.exit_code == 1
        assert [line[6:] for line in result.stdout.splitlines() if line.startswith("LOOK")] == [
            "oldest message not worked through: for 50 minutes",
            "oldest message not sent: for 50 minutes",
            "messages that could not be delivered: x 1, the oldest 50 minutes ago, the newest 50 minutes ago",
            "faults: ABC123, the oldest 50 minutes ago",
        ]

    def test_by_channel_and_age(self, place: Place) -> None:
        now = system_time()
        place.fill(
            outbox("DEAD", now - timedelta(days=30), account="telegram:1"),
            outbox("DEAD", now - timedelta(days=9), account="telegram:2"),
            outbox("DEAD", now - timedelta(days=8), account="web"),
        )
        result = call("check", "--database", place.url)
        told = "messages that could not be delivered: telegram 2, web 1, the oldest 30 days ago, the newest 8 days ago"
        assert result.exit_code == 0 and f"ok    {told}" in result.stdout

    def test_what_may_have_been_sent_or_not(self, place: Place) -> None:
        now = system_time()
        place.fill(outbox("SENDING", now), outbox("QUEUED", now, doubts=1))
        result = call("check", "--database", place.url)
        assert result.exit_code == 1 and "LOOK  messages that may have been sent or not: web 2" in result.stdout

    def test_a_contact_point_whose_file_is_gone(self, place: Place) -> None:
        """Renamed by mistake: its reports would wait for ever without a word."""
        place.fill(outbox("QUEUED", system_time(), contact_point="wipperfuerth"))
        result = call("check", "--database", place.url)
        assert result.exit_code == 1
        assert "LOOK  wipperfuerth: 1 rows, but no file of a contact point of this name" in result.stdout


def test_rotated_keys_read_everything_and_the_old_key_is_gone(place: Place) -> None:
    answers = ("en", "NO", "READ_ON", "wiehl", "SCHOOL", "TODAY", "UNCLEAR", "2", "ADVICE", "CHAT", "/send")
    lines = [{"chat": "ana", "text": "/start"}, *({"chat": "ana", "choice": answer} for answer in answers[:3])]
    lines += [{"chat": "ana", "text": "They shout in the yard."}, {"chat": "ana", "text": "/done"}]
    place.talk(*lines, *({"chat": "ana", "choice": answer} for answer in answers[3:]))
    old = load_ring(place.keys, {})
    result = call("keys", "rotate", "--database", place.url)
    assert result.exit_code == 0 and re.match(r"[1-9]\d* rows encrypted anew", result.stdout)
    new = load_ring(place.keys, {})
    assert [name for name, _key in new.data] == ["k2"] and new.data[0][1] not in [key for _name, key in old.data]
    assert new.lookup_key == old.lookup_key and place.keys.stat().st_mode & 0o777 == 0o600

    found = 0
    for table in Base.metadata.sorted_tables:
        for column in [each.name for each in table.columns if isinstance(each.type, Encrypted)]:
            wanted = f"SELECT {column} FROM {table.name} WHERE length({column}) > 0"
            for (token,) in place.databases.query(place.url, wanted):
                # Nothing is no secret.
                if token:
                    found += 1
                    assert new.key_of(token) == "k2"
    assert found > 10
    database = place.open()
    with database.transaction("oberberg") as session:
        assert [report.story for report in session.scalars(select(Report))] == ["They shout in the yard."]
    database.close()
    said = place.talk({"chat": "ana", "text": "/mine"})
    assert any("wiehl" in str(each).casefold() for each in said)


def test_the_drawn_flows_are_those_of_the_code() -> None:
    """`anlaufstelle flows` writes docs/flows.md."""
    assert call("flows", "--into", "flows.md").exit_code == 0
    assert Path("flows.md").read_text("utf-8") == (ROOT / "docs" / "flows.md").read_text("utf-8")


def test_flows_that_cannot_be_drawn() -> None:
    assert 'There is no language "xx"' in mistake("flows", "--language", "xx")
    assert "cannot be written" in mistake("flows", "--into", "/proc/flows.md")


def test_whoever_stops_listening_ends_the_pipe(place: Place) -> None:
    """A reader that goes away is no reason for a traceback, and nothing is lost."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "pipe", "--database", place.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.write(b'{"id": "1", "chat": "ana", "text": "/start"}\n')
    process.stdin.close()
    log = process.stderr.read().decode()
    process.stderr.close()
    process.wait(30)
    assert "Traceback" not in log
    said = place.talk()
    assert [each.get("to") for each in said] == ["ana"]
