"""An installation with an account on Matrix, worked on by the command line and by processes of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

from bot.contact_point_file import shipped
from tests.matrix_server.homeserver import Homeserver
from tests.matrix_server.person import Person
from tests.pipe import run
from tests.service import Service

UNKNOWN = "I did not understand that."
"""What is answered to whatever is no answer, once for each."""


class Installed:
    """Logged in, with the sample of the Oberbergischer Kreis; `rules` are further lines about Matrix."""

    def __init__(self, server: Homeserver, folder: Path, url: str = "", *rules: str) -> None:
        self.server, self.folder = server, folder
        self.url = url or f"sqlite:///{folder / 'x.db'}"
        self.bot = server.register("bot")
        self.services: list[Service] = []
        self._points = folder / "config"
        self._points.mkdir()
        text = (shipped() / "oberberg.toml").read_text("utf-8")
        # Matrix does not say what anybody reads.
        text = text.replace('# default = "de"', 'default = "en"')
        assert 'default = "en"' in text
        lines = (f'homeserver = "{server.origin}"', f'user = "{self.bot.user_id}"', *rules)
        (self._points / "oberberg.toml").write_text(f"{text}\n[matrix]\n" + "\n".join(lines) + "\n", "utf-8")
        self.log_in()

    def command(self, *arguments: str | Path) -> CompletedProcess[str]:
        """One command, to its end."""
        options: tuple[str | Path, ...] = ("--config", self._points, "--database", self.url)
        return run(*arguments, *options, cwd=self.folder, ANLAUFSTELLE_MATRIX_PASSWORD=self.bot.password)

    def does(self, *arguments: str | Path) -> str:
        """One command that does what it is asked; what it says."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def log_in(self) -> str:
        return self.does("matrix", "login", "oberberg")

    def start(self) -> Service:
        """One more process."""
        self.services.append(Service(self.url, self.folder, "--config", f"{self._points}"))
        self.services[-1].started()
        return self.services[-1]

    async def starts(self) -> Service:
        return await asyncio.to_thread(self.start)

    async def kills(self, service: Service) -> None:
        service.process.kill()
        await asyncio.to_thread(service.ended, 10)

    async def stops(self, service: Service) -> None:
        await asyncio.to_thread(service.stop)

    async def close(self) -> None:
        """For the end of a test, whatever became of it."""
        for each in self.services:
            await asyncio.to_thread(each.close)


def complaints(service: Service) -> list[str]:
    """What it told whoever looks after it, in order."""
    return [each["event"] for each in service.events() if each["level"] != "info"]


async def people(installed: Installed, number: int) -> list[Talker]:
    """People who talk with the bot already."""
    found = [Talker(installed, n) for n in range(number)]
    for each in found:
        await each.comes()
    return found


class Talker(Person):
    """Somebody who writes what is no answer, and counts what comes of it."""

    def __init__(self, installed: Installed, number: int) -> None:
        super().__init__(installed.server, installed.server.register(f"person{number}"))
        self._bot = installed.bot.user_id
        self.room = ""
        self.words = 0

    async def comes(self) -> None:
        await self.start()
        self.room = await self.opens(self._bot)
        await self.sees("Sprache", self.room)
        await self.says(self.room, "English")
        await self.sees("Is somebody in danger right now?", self.room)

    async def talks(self, times: int = 1) -> None:
        for _ in range(times):
            self.words += 1
            await self.says(self.room, f"word{self.words}")

    @property
    def answers(self) -> int:
        return sum(UNKNOWN in each.text for each in self.by(self._bot, self.room))

    async def is_answered(self, seconds: float = 60) -> None:
        """Waits until every word said by now has its answer, whatever is said meanwhile."""
        words = self.words
        try:
            async with asyncio.timeout(seconds):
                while self.answers < words:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.answers} answers to {words} words, {len(self.undecrypted)} not read") from None


async def all_answered_once(talkers: Sequence[Talker], seconds: float = 60) -> None:
    for each in talkers:
        await each.is_answered(seconds)
    # Whatever comes twice comes now.
    await asyncio.sleep(1)
    found = Counter({each.user_id: each.answers for each in talkers})
    assert found == Counter({each.user_id: each.words for each in talkers}), "nothing missing, nothing twice"
