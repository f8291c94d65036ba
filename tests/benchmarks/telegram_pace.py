"""How well a bot of Telegram uses the pace that it is allowed, with a server that enforces it.

Ten thousand people get the same reminder while others ask something; and a thousand people ask something while one
chat must be left alone. The server and the bot are threads of one process: the pace leaves both of them idle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import select

from bot.app import App, ended
from bot.contact_point import TelegramRules
from bot.delivery import Channel
from bot.i18n import verbatim
from bot.messages import Inbound
from bot.now import SteadyTime
from bot.settings import contact_points, open_database
from bot.telegram_bots import TelegramBot, Token, telegram_bot
from storage.models import Conversation
from tests.bench import Messenger
from tests.benchmarks.figures import middle, percentile, table
from tests.benchmarks.plan import Plan
from tests.telegram_server.people import Person
from tests.telegram_server.server import TelegramServer, ThreadedServer
from tests.telegram_server.world import BotAccount

ALLOWED = 30
"""Messages a second that Telegram speaks of; the server refuses more."""
LEFT_ALONE = 30
"""Seconds that it wants nothing in one chat."""
PHASES = 5
"""How often others are served with and without it, in turn."""


@dataclass(frozen=True)
class Size:
    """How many people."""

    reminded: int = 10_000
    asking: int = 60
    """Ask something while the others are reminded."""
    others: int = 1000
    """Are served while one chat is left alone."""
    others_per_second: float = 20


def run(plan: Plan) -> str:
    size = Size(reminded=60, asking=2, others=10) if plan.quick else Size()
    reminder = asyncio.run(_reminder(plan.directory.resolve() / "telegram-reminder", size))
    left_alone = asyncio.run(_left_alone(plan.directory.resolve() / "telegram-left-alone", size))
    return f"{reminder}\n\n{left_alone}"


@dataclass
class Running:
    """A bot at work, and the server it works with."""

    server: TelegramServer
    account: BotAccount
    app: App
    bot: TelegramBot
    asked: dict[int, float] = field(default_factory=dict)
    """When somebody asked something, by chat."""

    async def ask(self, people: int, every: float) -> list[float]:
        """New people write one after the other; the seconds that each waited for an answer."""
        chats = []
        for _each in range(people):
            person = self.server.user("Newcomer", "en")
            self.asked[person.id] = time.monotonic()
            person.starts(self.account)
            chats.append(person.id)
            await asyncio.sleep(every)
        await self.reached(set(chats))
        answered: dict[int, float] = {}
        for each in self.server.sends:
            answered.setdefault(each.chat, each.at)
        return [answered[chat] - self.asked[chat] for chat in chats]

    async def reached(self, chats: set[int]) -> None:
        """Waits until each of them has got something."""
        until = time.monotonic() + 60 + len(chats) / 10
        while left := chats - {each.chat for each in self.server.sends}:
            assert time.monotonic() < until, f"{len(left)} people got nothing"
            await asyncio.sleep(0.2)


@asynccontextmanager
async def _running(folder: Path, known: int) -> AsyncIterator[tuple[Running, list[Person]]]:
    """A bot that so many people have met before, at the pace it has in use."""
    folder.mkdir()
    database, _ = await asyncio.to_thread(open_database, f"sqlite:///{folder / 'x.db'}", {})
    (point,) = contact_points(None).values()
    now = SteadyTime()
    with ThreadedServer() as server:
        account = server.bot("Bot", "benchmark_bot")
        token = Token(account.token)
        people = [server.user("Member", "en") for _each in range(known)]
        before = App(database, {point.id: point}, {token.account: Messenger()}, now, token.account)
        async with before.running():
            for each in people:
                each.starts(account)
            first = [Inbound(point.id, token.account, f"{each.id}", f"{each.id}", "/start") for each in people]
            await before.receive_all(first)
            await before.settle()
        app: App
        bot = telegram_bot(
            replace(point, telegram=TelegramRules("benchmark", "full", "none", "", server.origin)),
            token,
            database,
            now,
            receive=lambda messages: app.receive_all(messages),
            set_aside=lambda *update: app.set_aside(*update),
            holds=lambda account: app.holds(account),
        )
        await bot.line.bot.delete_webhook(drop_pending_updates=True)
        channels: dict[str, Channel] = {token.account: bot.channel}
        app = App(database, {point.id: point}, channels, now, token.account)
        working = [asyncio.create_task(app.run()), asyncio.create_task(bot.run())]
        try:
            yield Running(server, account, app, bot), people
        finally:
            await ended(*working)
            await bot.close()
            await asyncio.to_thread(database.close)


async def _reminder(folder: Path, size: Size) -> str:
    async with _running(folder, size.reminded) as (running, known):
        app = running.app

        def remind() -> None:
            with (
                app.database.transaction(everywhere=True) as session,
                app.turns.working(session, running.bot.point.id, app.now()) as work,
            ):
                for each in session.scalars(select(Conversation)).all():
                    work.tell(each, verbatim("The round table meets tomorrow."), broadcast=True)

        quiet = await running.ask(min(size.asking, 20), 0.5)
        begun = time.monotonic()
        await app.database.run(remind)
        app.wake()
        asking = asyncio.create_task(running.ask(size.asking, 0.8 * size.reminded / ALLOWED / size.asking))
        await running.reached({each.id for each in known})
        busy = await asking
        sent = [each.at for each in running.server.sends if each.at >= begun]
        pace = (len(sent) - 1) / (sent[-1] - sent[0])
        return table(
            f"telegram_pace: a reminder to {size.reminded:,} people, while {size.asking} others ask something",
            ("", "measured", "aim"),
            [
                ("messages a second", f"{pace:.1f}, {pace / ALLOWED:.0%} of {ALLOWED}", "95 %"),
                ("refused because it was too fast", f"{len(running.server.refused)}", "0"),
                ("most in any second", f"{running.server.busiest(1.0)}", f"{ALLOWED}"),
                ("an answer before it, median s", f"{middle(quiet):.2f}", ""),
                ("an answer meanwhile, median s", f"{middle(busy):.2f}", ""),
                ("an answer meanwhile, 95 % within s", f"{percentile(busy, 0.95):.2f}", ""),
            ],
        )


async def _left_alone(folder: Path, size: Size) -> str:
    async with _running(folder, 1) as (running, (chatty,)):
        every, others = 1 / size.others_per_second, size.others // PHASES
        chat = chatty.chat(running.account)
        without, with_ = [], []
        for _phase in range(PHASES):
            without += await running.ask(others, every)
            running.server.penalise(running.account, chat, LEFT_ALONE)
            for _each in range(10):
                chatty.says(running.account, "Somebody wrote this.")
            with_ += await running.ask(others, every)
            running.server.forgive(running.account, chat)
        early = sum(each.in_penalty for each in running.server.refused)
        return table(
            f"telegram_pace: {size.others:,} people ask something, {size.others_per_second:.0f} a second",
            ("", "median s", "95 % within s"),
            [
                ("by themselves", f"{middle(without):.3f}", f"{percentile(without, 0.95):.3f}"),
                (
                    f"while one chat is left alone for {LEFT_ALONE} s",
                    f"{middle(with_):.3f}",
                    f"{percentile(with_, 0.95):.3f}",
                ),
                ("the one to the other", f"{middle(with_) / middle(without):.2f}", ""),
                ("tries in that chat before its time", f"{max(0, early - PHASES)}", ""),
            ],
        )
