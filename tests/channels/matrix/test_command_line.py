"""`anlaufstelle matrix …`: logging in, looking, making a desk, and every way it can be wrong in one line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot.channels.matrix.signing import is_signed, signs_devices
from bot.contact_point_file import ContactPointError, load_contact_point, shipped
from tests.matrix_server.homeserver import Homeserver, shared
from tests.pipe import run

VARIABLE = "ANLAUFSTELLE_MATRIX_PASSWORD"


def config(folder: Path, *lines: str) -> Path:
    """The sample, with these lines about Matrix."""
    folder.mkdir(exist_ok=True)
    shutil.copy(shipped() / "oberberg.toml", folder)
    with (folder / "oberberg.toml").open("a") as file:
        file.write("\n[matrix]\n" + "".join(f"{line}\n" for line in lines))
    return folder


def device_of(server: Homeserver, token: str, user: str) -> tuple[str, bool, str]:
    """The only device, whether it is signed, and the key that signs."""
    found = server.ask("POST", "/_matrix/client/v3/keys/query", {"device_keys": {user: []}}, token)
    key = signs_devices(user, found)
    devices = dict(found["device_keys"][user].items())
    (name,) = devices
    return name, bool(key) and is_signed(devices[name], user, key or ""), key or ""


def test_login_check_and_desk(tmp_path: Path) -> None:
    server = shared()
    bot, kim = server.register("bot"), server.register("kim")
    points = config(
        tmp_path / "config", f'homeserver = "{server.origin}"', f'user = "{bot.user_id}"', 'desk_content = "full"'
    )
    url = f"sqlite:///{tmp_path / 'x.db'}"
    options: tuple[Any, ...] = ("--config", points, "--database", url)
    wrong = run("matrix", "login", "oberberg", *options, cwd=tmp_path, **{VARIABLE: "not this one"})
    assert wrong.returncode == 2 and "the password is wrong" in wrong.stderr and "not this one" not in wrong.stderr
    before = run("matrix", "check", *options, cwd=tmp_path)
    assert before.returncode == 2 and "not logged in. Run anlaufstelle matrix login oberberg" in before.stderr
    first = run("matrix", "login", "oberberg", *options, cwd=tmp_path, **{VARIABLE: bot.password})
    assert first.returncode == 0, first.stderr
    assert "new keys to sign devices" in first.stdout and "the device is signed" in first.stdout
    # The device that the registration made has no keys, and does not count.
    name, signed, key = device_of(server, kim.access_token, bot.user_id)
    assert signed and f"device {name}" in first.stdout
    no_desk = run("matrix", "check", *options, cwd=tmp_path)
    assert no_desk.returncode == 1 and "there is no room for the desk" in no_desk.stdout
    desk = run("matrix", "desk", "oberberg", kim.user_id, *options, cwd=tmp_path)
    assert desk.returncode == 0 and "invited: 1" in desk.stdout, desk.stderr
    looked = run("matrix", "check", *options, cwd=tmp_path)
    assert "the device is signed" in looked.stdout and "the database is the newest" in looked.stdout
    again = run("matrix", "login", "oberberg", *options, cwd=tmp_path, **{VARIABLE: bot.password})
    assert again.returncode == 0 and f"the device {name} is deleted" in again.stdout, again.stderr
    other, signed, same = device_of(server, kim.access_token, bot.user_id)
    assert signed and other != name and same == key, "people see the same identity"
    for secret in (bot.password.encode(), kim.user_id.encode(), b"syt_"):
        assert secret not in (tmp_path / "x.db").read_bytes()


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    points = config(tmp_path / "config", 'homeserver = "http://127.0.0.1:9"', 'user = "@bot:localhost.test"')
    url = f"sqlite:///{tmp_path / 'x.db'}"
    done = run("matrix", "login", "oberberg", "--config", points, "--database", url, cwd=tmp_path, **{VARIABLE: "x"})
    assert done.returncode == 2 and "the homeserver does not answer" in done.stderr.splitlines()[-1]
    nobody = run("matrix", "login", "hagen", "--config", points, "--database", url, cwd=tmp_path, **{VARIABLE: "x"})
    assert (nobody.returncode, nobody.stderr.count("\n")) == (2, 1) and "there is no [matrix]" in nobody.stderr


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ('user = "bot"', "an account like @anlaufstelle:example.org is expected"),
        ('homeserver = "matrix"', "an address like https://"),
        ('desk_content = "all"', '"all": possible are none, pings, full'),
        ('devices = "none"', '"none": possible are signed, all'),
        ('cases = "room"', '"room": possible are threads, rooms'),
        ('people = "no"', "true or false is expected"),
        ('token = "syt_x"', "unknown key"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, line: str, mistake: str) -> None:
    lines = {"homeserver": 'homeserver = "https://m.example.org"', "user": 'user = "@bot:example.org"'}
    lines.pop(line.split(" ")[0], None)
    points = config(tmp_path / "config", *lines.values(), line)
    with pytest.raises(ContactPointError) as wrong:
        load_contact_point(points / "oberberg.toml")
    assert mistake in str(wrong.value)


def test_there_is_one_desk(tmp_path: Path) -> None:
    points = config(
        tmp_path / "config",
        'homeserver = "https://m.example.org"',
        'user = "@bot:example.org"',
        'desk_content = "full"',
    )
    with (points / "oberberg.toml").open("a") as file:
        file.write('[telegram]\napproved_by = "tests"\nmode = "full"\ndesk_content = "full"\n')
    with pytest.raises(ContactPointError, match="there can be one desk only"):
        load_contact_point(points / "oberberg.toml")
