"""`anlaufstelle run` with a bot of Telegram, killed at any instant, while the network does what networks do.

Short here; `pytest -m long` goes on until two hundred processes have been killed.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.contact_point_file import shipped
from storage import telegram
from storage.database import Database
from storage.keys import load_ring
from storage.models import InboxMessage, Report
from tests.service import Service
from tests.telegram_server.faults import Fault
from tests.telegram_server.groups import Group
from tests.telegram_server.limits import Limits
from tests.telegram_server.people import Person
from tests.telegram_server.server import ThreadedServer
from tests.telegram_server.world import Message

POINT = "oberberg"
ANSWERS = (
    ("Which language would you like", "English"),
    ("Is somebody in danger right now?", "No"),
    ("Your data – in short", "Understood, go on"),
    ("I have noted it.", "Done"),
    ("Where is it?", "Waldbröl"),
    ("What kind of place is it?", "Skip"),
    ("Since when?", "Skip"),
    ("Who has a problem with whom?", "Skip"),
    ("How heated is it?", "Skip"),
    ("What do you wish from us?", "Advice"),
    ("May we ask you questions?", "Yes, here in the chat"),
    ("Have I understood you correctly?", "Send"),
)
WEATHER = (Fault.INTERNAL, Fault.GATEWAY, Fault.RESET, Fault.RESET_AFTER, Fault.GARBAGE_AFTER)
REF = re.compile(r"[2-9A-Z]{4}-[2-9A-Z]{4}")


class Reporter:
    """Somebody who answers whatever the bot asks, and looks at the newest message only."""

    def __init__(self, person: Person, bot: Any) -> None:
        self.person, self.bot, self.chat = person, bot, person.chat(bot)
        self.story = f"In the yard of {person.first_name} they shout at night."
        self.said: list[str] = []
        self._answered = 0
        self._told = False

    @property
    def heard(self) -> list[Message]:
        return [each for each in self.chat.all_messages if each.sender is self.bot and not each.service]

    @property
    def ref(self) -> str:
        found = [REF.search(each.text) for each in self.heard if "Your report has arrived." in each.text]
        return found[0][0] if found and found[0] else ""

    def go_on(self) -> None:
        if not self.said:
            self.said.append("/start")
            self.person.starts(self.bot)
            return
        asked = [each for each in self.heard if each.keyboard and not each.deleted]
        if not asked or asked[-1].id <= self._answered or self.ref:
            return
        newest = asked[-1]
        if "What happened, or what worries you?" in newest.text and not self._told:
            self._told = True
            self.person.says(self.bot, self.story)
        else:
            label = next((label for words, label in ANSWERS if words in newest.text), "")
            if label not in newest.labels:
                return
            self.person.presses(newest, label)
        self._answered = newest.id


@pytest.fixture
def telegram_server() -> Iterator[ThreadedServer]:
    threaded = ThreadedServer(Limits(enforced=False))
    with threaded:
        yield threaded


@pytest.mark.parametrize(
    ("kills", "people"), [pytest.param(3, 3, id="short"), pytest.param(200, 60, marks=pytest.mark.long, id="long")]
)
def test_killed_at_any_instant(telegram_server: ThreadedServer, tmp_path: Path, kills: int, people: int) -> None:
    seed = int(os.environ.get("SEED", time.time()))
    print(f"SEED={seed}")
    chance = random.Random(seed)
    server = telegram_server.server
    account = server.bot("Anlaufstelle", "anlaufstelle_bot")
    config = tmp_path / "config"
    config.mkdir()
    shutil.copy(shipped() / "oberberg.toml", config)
    with (config / "oberberg.toml").open("a") as file:
        file.write(
            f'\n[telegram]\napproved_by = "tests"\nmode = "full"\ndesk_content = "full"\napi = "{server.origin}"\n'
        )
    url = f"sqlite:///{tmp_path / 'x.db'}"
    services: list[Service] = []

    def start() -> Service:
        services.append(
            Service(url, tmp_path, "--config", f"{config}", ANLAUFSTELLE_TELEGRAM_TOKEN_OBERBERG=account.token)
        )
        return services[-1]

    service = start()
    service.started()
    group = the_desk(server, account, tmp_path, url)
    server.faults.rage(seed, 0.03, WEATHER)
    reporters = [Reporter(server.user(f"Person{n}", "en"), account) for n in range(people)]
    answered: set[str] = set()
    killed, next_kill = 0, time.monotonic() + 1
    until = time.monotonic() + 300 + 12 * kills
    try:
        while True:
            waiting = [each for each in reporters if not each.ref]
            for each in waiting[:10]:
                each.go_on()
            answer(group, answered, 1 if kills < 100 else 5)
            if time.monotonic() > next_kill and killed < kills:
                service.process.kill()
                service.ended(10)
                killed += 1
                service = start()
                service.started()
                next_kill = time.monotonic() + chance.uniform(0.05, 0.8)
            elif not waiting and killed >= min(kills, 3) and all(whole(each, answered) for each in reporters):
                break
            assert time.monotonic() < until, (killed, [each.heard[-1].text for each in waiting if each.heard])
            time.sleep(0.02)
        server.faults.calm()
        service.stop()
        assert killed >= min(kills, 3)
        check(url, tmp_path, reporters, killed + len([s for s in server.faults.struck if s.fault.after]))
        assert server.violations == []
        for each in services:
            assert account.token not in each.log and "bug " not in each.log, each.log
    finally:
        for each in services:
            each.close()


def the_desk(server: Any, account: Any, folder: Path, url: str) -> Group:
    """A forum that has become the desk."""
    group: Group = server.group("Desk", account, forum=True)
    group.promotes(account, "can_manage_topics", "can_delete_messages")
    database = Database.open(url, load_ring(folder / "x.keys", {}))
    with database.transaction(POINT) as session:
        until = datetime.now(UTC) + timedelta(days=1)
        telegram.invite(session, POINT, f"telegram:{account.id}", "a-code-for-the-desk", until)
    database.close()
    group.owner.says(group, "/start@anlaufstelle_bot desk_a-code-for-the-desk")
    until = time.monotonic() + 10
    while not any(m.sender is account and not m.service for m in group.messages):
        assert time.monotonic() < until
        time.sleep(0.02)
    return group


def answer(group: Group, answered: set[str], at_most: int) -> None:
    """A member of staff opens a few reports and answers twice."""
    for message in group.messages:
        if "Öffnen" in message.labels and (found := REF.search(message.text)):
            ref = found[0]
            if ref not in answered and len(answered) < at_most:
                answered.add(ref)
                group.owner.presses(message, "Öffnen")  # type: ignore[attr-defined]
    for topic in list(group.topics.values()):
        found = REF.search(topic.name)
        said = [m.text for m in topic.messages if m.sender is group.owner]
        if found and not said and not topic.deleted:
            for text in ("First", "Second"):
                group.owner.says(topic, f"/reply {text} answer to {found[0]}")  # type: ignore[attr-defined]


def whole(reporter: Reporter, answered: set[str]) -> bool:
    texts = [each.text for each in reporter.heard]
    return reporter.ref not in answered or f"Second answer to {reporter.ref}" in texts


def check(url: str, folder: Path, reporters: list[Reporter], excuses: int) -> None:
    database = Database.open(url, load_ring(folder / "x.keys", {}))
    try:
        with database.transaction(everywhere=True) as session:
            stories = sorted(report.story or "" for report in session.scalars(select(Report)))
            assert stories == sorted(each.story for each in reporters)
            assert not session.scalars(select(InboxMessage).where(InboxMessage.done_at.is_(None))).all()
    finally:
        database.close()
    repeats = 0
    for each in reporters:
        texts = [message.text for message in each.heard]
        answers = [text for text in texts if "answer to" in text]
        assert sorted(answers, key=lambda text: text.startswith("Second")) == answers
        counted = Counter(text for text in texts if "answer to" in text or "Your report has arrived." in text)
        repeats += sum(counted.values()) - len(counted)
    assert repeats <= excuses, f"{repeats} repeats, {excuses} excuses"
