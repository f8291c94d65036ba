"""`anlaufstelle telegram …`: what Telegram is told once, and every way it can be wrong in one line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.contact_point_file import ContactPointError, load_contact_point, shipped
from tests.pipe import run
from tests.telegram_server.server import ThreadedServer

VARIABLE = "ANLAUFSTELLE_TELEGRAM_TOKEN_OBERBERG"


@pytest.fixture
def server() -> Iterator[Any]:
    with ThreadedServer() as running:
        yield running


def config(folder: Path, *lines: str) -> Path:
    """The sample, with these lines about Telegram."""
    folder.mkdir(exist_ok=True)
    shutil.copy(shipped() / "oberberg.toml", folder)
    with (folder / "oberberg.toml").open("a") as file:
        file.write("\n[telegram]\n" + "".join(f"{line}\n" for line in lines))
    return folder


def test_setup_tells_telegram_everything_once(server: Any, tmp_path: Path) -> None:
    bot = server.bot("Anlaufstelle")
    points = config(tmp_path / "config", 'approved_by = "tests"', f'api = "{server.origin}"')
    first = run("telegram", "setup", "--config", points, cwd=tmp_path, **{VARIABLE: bot.token})
    assert first.returncode == 0, first.stderr
    assert "commands in all_private_chats, de" in first.stdout and "description, en" in first.stdout
    commands = {key: [each["command"] for each in value] for key, value in bot.commands.items()}
    assert any("report" in each for each in commands.values()) and any("who" in each for each in commands.values())
    again = run("telegram", "setup", "--config", points, cwd=tmp_path, **{VARIABLE: bot.token})
    assert again.stdout == "oberberg: everything is as it should be\n"
    assert server.violations == []
    assert bot.token not in first.stdout + first.stderr


def test_a_link_to_a_desk_is_printed(server: Any, tmp_path: Path) -> None:
    bot = server.bot("Anlaufstelle", "anlaufstelle_bot")
    lines = 'approved_by = "tests"', 'desk_content = "pings"', f'api = "{server.origin}"'
    points = config(tmp_path / "config", *lines)
    url = f"sqlite:///{tmp_path / 'x.db'}"
    options = ("--config", points, "--database", url)
    none_yet = run("telegram", "desk", "oberberg", *options, cwd=tmp_path, **{VARIABLE: bot.token})
    assert (none_yet.returncode, none_yet.stderr.count("\n")) == (2, 1) and "start the bot first" in none_yet.stderr
    run("pipe", "--database", url, "--config", points, cwd=tmp_path)
    made = run("telegram", "desk", "oberberg", *options, cwd=tmp_path, **{VARIABLE: bot.token})
    assert made.stdout.startswith("https://t.me/anlaufstelle_bot?startgroup=desk_"), made.stderr
    code = made.stdout.split("desk_")[1].split("&")[0]
    assert len(f"desk_{code}") <= 64 and code.encode() not in (tmp_path / "x.db").read_bytes()
    nowhere = run("telegram", "desk", "nowhere", *options, cwd=tmp_path, **{VARIABLE: bot.token})
    assert (nowhere.returncode, nowhere.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "there is no token"),
        ("not-a-token", "the token of the bot is not complete"),
        ("7000000001:" + "a" * 35, "Telegram refuses the token"),
    ],
)
def test_a_missing_or_wrong_token_is_one_line(server: Any, tmp_path: Path, token: str, said: str) -> None:
    points = config(tmp_path / "config", 'approved_by = "tests"', f'api = "{server.origin}"')
    done = run("telegram", "setup", "--config", points, cwd=tmp_path, **{VARIABLE: token})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and said in done.stderr
    assert not token or token not in done.stderr


def test_no_link_is_made_for_a_group_that_would_be_told_nothing(server: Any, tmp_path: Path) -> None:
    points = config(tmp_path / "config", 'approved_by = "tests"', f'api = "{server.origin}"')
    token = "7000000001:" + "a" * 35
    done = run("telegram", "desk", "oberberg", "--config", points, cwd=tmp_path, **{VARIABLE: token})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "no group is told anything" in done.stderr


def test_without_telegram_nothing_of_it_is_asked_for(tmp_path: Path) -> None:
    done = run("telegram", "setup", cwd=tmp_path)
    assert done.returncode == 2 and "No contact point allows Telegram" in done.stderr


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    points = config(tmp_path / "config", 'approved_by = "tests"', 'api = "http://127.0.0.1:9"')
    done = run("telegram", "setup", "--config", points, cwd=tmp_path, **{VARIABLE: "7000000001:" + "a" * 35})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "Telegram does not answer" in done.stderr


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('mode = "poor"', '"poor": possible are data_poor, full'),
        ('desk_content = "all"', '"all": possible are none, pings, full'),
        ('desk_content = "full"', 'with mode = "data_poor" a group of staff gets no content'),
        ('webhook = "http://chat.example.org"', "Telegram only calls addresses that begin with https://"),
        ('api = "telegram"', "an address like https://api.telegram.org is expected"),
        ('tokn = "x"', "unknown key"),
        ('token = "7:a"', "unknown key"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, line: str, mistake: str) -> None:
    points = config(tmp_path / "config", 'approved_by = "tests"', line)
    with pytest.raises(ContactPointError) as wrong:
        load_contact_point(points / "oberberg.toml")
    assert mistake in str(wrong.value)


def test_nobody_has_approved_it(tmp_path: Path) -> None:
    with pytest.raises(ContactPointError, match="approved_by: is missing"):
        load_contact_point(config(tmp_path / "config", 'mode = "full"') / "oberberg.toml")
