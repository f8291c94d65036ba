"""What is counted when something happens, and what it adds up to for Prometheus."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bot.contact_point import ContactPoint
from bot.delivery import Delivery, InDoubt, Refused, TryLater, Unreachable
from bot.messages import Inbound
from bot.metrics import Metrics
from storage.database import Database
from tests.bench import ACCOUNT, Bench


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    made.counted.heard.clear()
    return made


def counted(bench: Bench) -> Counter[str]:
    heard, bench.counted.heard = bench.counted.heard, []
    return Counter(heard)


class TestIn:
    def test_what_came_twice_counts_once(self, bench: Bench) -> None:
        async def receive(*names: str) -> None:
            for name in names:
                await bench.app.receive(Inbound(bench.point, ACCOUNT, name, chat=name, text="/start"))

        asyncio.run(receive("one", "two", "one"))
        assert counted(bench) == {f"received {ACCOUNT}": 2}

    def test_each_turn_of_a_batch(self, bench: Bench) -> None:
        for number in range(5):
            bench.receive(chat=f"chat{number}", text="/start")
        heard = bench.settle()
        assert counted(bench) == {"turn done": 5, f"{ACCOUNT} sent": len(heard)}

    def test_a_turn_that_meets_a_bug(self, bench: Bench) -> None:
        def poison(*_: object, **__: object) -> None:
            raise RuntimeError

        bench.app.turns.listener.hear = poison  # type: ignore[method-assign, assignment]
        assert len(bench.say("ana", "/start")) == 1
        assert counted(bench) == {"turn failed": 1, f"{ACCOUNT} sent": 1}

    def test_what_came_due(self, bench: Bench) -> None:
        for text in ("/report", "en", "NO"):
            bench.say("ana", text)
        counted(bench)
        bench.after(hours=100)
        assert counted(bench)["due done"] > 0


class TestOut:
    @pytest.mark.parametrize(
        ("answer", "fate"),
        [
            (None, "sent"),
            (TryLater(), "later"),
            (Unreachable(), "unreachable"),
            (Refused(), "refused"),
            (InDoubt(), "in_doubt"),
            (RuntimeError(), "fault"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_one_try(self, bench: Bench, answer: Exception | None, fate: str) -> None:
        def behave(delivery: Delivery) -> None:
            if answer is not None:
                raise answer

        bench.messenger.behave = behave
        bench.say("ana", "/start")
        assert counted(bench)[f"{ACCOUNT} {fate}"] == 1

    def test_given_up(self, bench: Bench) -> None:
        def behave(delivery: Delivery) -> None:
            raise TryLater

        bench.messenger.behave = behave
        bench.say("ana", "/start")
        bench.after(days=3)
        assert counted(bench)[f"{ACCOUNT} dead"] == 1


def test_an_account_counts_as_its_channel_and_nothing_else() -> None:
    metrics = Metrics({"telegram"})
    metrics.sent("telegram:7719028346", "sent", 0.1)
    metrics.received("telegram:7719028346")
    metrics.received("somebody@example.org")
    text = metrics.text().decode()
    assert 'anlaufstelle_sent_total{channel="telegram",fate="sent"} 1.0' in text
    assert 'anlaufstelle_received_total{channel="other"} 1.0' in text
    assert "7719028346" not in text and "somebody" not in text
