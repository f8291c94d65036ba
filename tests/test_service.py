"""The service as an operator has it: a process, HTTP, signals."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from storage.keys import load_ring
from tests.databases import Databases, Postgres, file_of
from tests.pipe import ROOT
from tests.postgres import Server
from tests.service import Browser, Service

FIGURES = (ROOT / "docs" / "operating.md").read_text("utf-8").partition("| figure |")[2].partition("\n\n")[0]
"""The table of figures as operators read it."""
STUCK = (str(ROOT / "tests" / "stuck.py"),)
STORY = "Dachbodengeraune"
"""A word that must not be found anywhere."""


@pytest.fixture
def start(empty_url: str, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    begun: list[Service] = []

    def start(*arguments: str, **extra: object) -> Service:
        service = Service(empty_url, tmp_path, *arguments, **extra)  # type: ignore[arg-type]
        begun.append(service)
        service.started()
        return service

    yield start
    for service in begun:
        service.close()


async def get(address: str) -> tuple[int, aiohttp.ClientResponse]:
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        await answer.read()
        return answer.status, answer


async def figures(service: Service) -> dict[str, float]:
    _status, answer = await get(f"{service.operations}/metrics")
    text = await answer.text()
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


Column = Callable[[str, str], set[str]]


@pytest.fixture
def column(databases: Databases, empty_url: str) -> Column:
    """What stands in a column of a table, read beside the running service."""

    def column(table: str, name: str) -> set[str]:
        return {value for (value,) in databases.query(empty_url, f"SELECT {name} FROM {table}")}

    return column


async def all_is_sent(column: Column) -> None:
    """Waits until nothing waits any more."""
    async with asyncio.timeout(30):
        while column("inbox", "state") != {"DONE"} or column("outbox", "state") != {"SENT"}:
            await asyncio.sleep(0.2)


class TestOperations:
    async def test_a_healthy_one(self, start: Callable[..., Service], databases: Databases) -> None:
        service = start()
        await asyncio.sleep(3)
        status, answer = await get(f"{service.operations}/healthz")
        assert (status, await answer.text()) == (200, "ok\n")
        status, answer = await get(f"{service.operations}/readyz")
        told = await answer.json()
        assert status == 200 and told["ready"] and all(check["ok"] for check in told["checks"].values()), told
        names = {"running", "database", "schema", "inbox", "outbox", "due", "clock"}
        assert set(told["checks"]) == names | (
            {"lease process", "lease account:web"} if databases.name == "postgres" else set()
        )

    async def test_the_public_page_tells_nothing_of_it(self, start: Callable[..., Service]) -> None:
        service = start()
        for path in ("healthz", "readyz", "metrics"):
            assert (await get(f"{service.origin}/{path}"))[0] == 404

    async def test_what_happens_is_counted_without_a_trace_of_who(
        self, start: Callable[..., Service], column: Column
    ) -> None:
        service = start()
        browser = Browser(service.origin)
        await browser.begin()
        assert await browser.say("nachrichtenkennung", STORY)
        await browser.close()
        counted = await figures(service)
        assert counted["anlaufstelle_received_total web"] == 1
        assert counted["anlaufstelle_bugs_total"] == 0
        assert counted["process_resident_memory_bytes"] > 1_000_000
        await all_is_sent(column)
        await asyncio.sleep(2.5)
        counted = await figures(service)
        assert counted["anlaufstelle_turns_total done"] == counted["anlaufstelle_turn_seconds_count"] == 1
        assert counted["anlaufstelle_sent_total web sent"] == len(column("outbox", "id")) > 0
        for waiting in ("inbox_waiting", "outbox_waiting web", "outbox_dead web", "due_waiting"):
            assert counted[f"anlaufstelle_{waiting}"] == 0, waiting
        names = re.findall(r"^\| `(\w+)` \|", FIGURES, re.MULTILINE)
        assert len(names) > 8
        for name in names:
            full = name if name.startswith("process_") else f"anlaufstelle_{name}"
            assert any(each.split(" ")[0] == full for each in counted), name
        known = {"web", "other", "done", "retried", "failed", "sent", "later", "unreachable", "refused", "in_doubt"}
        known |= {"dead", "silenced", "fault", "running", "database", "schema", "inbox", "outbox", "due", "clock"}
        known |= {"lease", "process", "OperationalError", "InterfaceError"}
        labels = {word for name in counted for word in name.split(" ")[1:] if name.startswith("anlaufstelle_")}
        assert {label for label in labels if label.isalpha()} <= known
        assert service.stop() < 10
        assert STORY not in service.log and "nachrichtenkennung" not in service.log

    async def test_an_address_that_cannot_be_used(
        self, start: Callable[..., Service], databases: Databases, tmp_path: Path
    ) -> None:
        taken = start().operations.removeprefix("http://")
        for given in (taken, "nonsense", "127.0.0.1:70000", ":9090"):
            url = databases.empty()
            other = Service(url, tmp_path, "--operations", given)
            assert other.ended(30) == 2
            assert "--operations" in other.log and other.log.count("\n") == 1, other.log
            other.close()
            databases.drop(url)


class TestLog:
    async def test_one_object_a_line(self, start: Callable[..., Service]) -> None:
        service = start()
        service.stop()
        events = service.events()
        assert [event["event"] for event in events] == ["started", "stopping", "stopped"]
        assert all(event["time"].endswith("Z") and event["level"] == "info" for event in events)

    async def test_for_people(self, start: Callable[..., Service]) -> None:
        service = start("--log", "text")
        service.stop()
        assert "info started version=" in service.log and "signal=SIGTERM" in service.log

    async def test_no_switch_of_the_environment_makes_it_tell_more(self, start: Callable[..., Service]) -> None:
        """Not even those of Python itself, which would show what functions were called with."""
        service = start(PYTHONASYNCIODEBUG="1", PYTHONDEVMODE="1", PYTHONWARNINGS="always")
        browser = Browser(service.origin)
        await browser.begin()
        assert await browser.say("nachrichtenkennung", STORY)
        await browser.close()
        await asyncio.sleep(1)
        service.stop()
        assert STORY not in service.log and "nachrichtenkennung" not in service.log
        service.events()


def test_systemd_is_told_how_it_is(start: Callable[..., Service], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        service = start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="1500000")
        assert systemd.recv(100) == b"READY=1"
        assert [systemd.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        service.ask()
        while (said := systemd.recv(100)) == b"WATCHDOG=1":
            pass
        assert said == b"STOPPING=1"


class TestEnd:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    async def test_under_load_nothing_that_was_taken_is_lost(
        self,
        start: Callable[..., Service],
        databases: Databases,
        empty_url: str,
        tmp_path: Path,
        column: Column,
        number: signal.Signals,
    ) -> None:
        service = start()
        browsers = [Browser(service.origin) for _ in range(12)]
        kept: list[str] = []
        for browser in browsers:
            await browser.begin()
        held = [await browser.hold() for browser in browsers]

        async def write(name: str, browser: Browser) -> None:
            for number in range(1000):
                if await browser.say(f"{name}-{number}", "/start"):
                    kept.append(f"{name}-{number}")
                if service.process.poll() is not None:
                    return

        writing = [asyncio.create_task(write(f"b{n}", browser)) for n, browser in enumerate(browsers)]
        async with asyncio.timeout(30):
            while len(kept) < 60:
                await asyncio.sleep(0.05)
        asked = time.monotonic()
        service.ask(number)
        assert await asyncio.to_thread(service.ended, 12) == 0, service.log
        assert time.monotonic() - asked < 10
        assert "bug" not in service.log and "hard" not in service.log, service.log
        await asyncio.gather(*writing)
        for answer in held:
            answer.close()
        for browser in browsers:
            await browser.close()

        server = databases.name == "postgres"
        ring = load_ring(tmp_path / "anlaufstelle.keys" if server else file_of(empty_url).with_suffix(".keys"), {})
        found = column("inbox", "message_key")
        assert {ring.lookup("message", "web", each) for each in kept} <= found
        again = start()
        await all_is_sent(column)
        again.stop()

    @pytest.mark.parametrize(("how", "code"), [("", 0), ("deaf", 1)], ids=["it waits", "it is deaf"])
    async def test_while_a_messenger_does_not_answer(
        self, start: Callable[..., Service], column: Column, how: str, code: int
    ) -> None:
        service = start(program=STUCK, STUCK=how)
        browser = Browser(service.origin)
        await browser.begin()
        assert await browser.say("1", "/start")
        await browser.close()
        while "Sending" not in await asyncio.to_thread(service.said.get, timeout=20):
            pass
        asked = time.monotonic()
        service.ask()
        assert await asyncio.to_thread(service.ended, 15) == code, service.log
        assert time.monotonic() - asked < 10
        assert "SENT" not in column("outbox", "state")
        start()
        await all_is_sent(column)

    async def test_a_second_signal_ends_it_at_once(self, start: Callable[..., Service]) -> None:
        service = start(program=STUCK, STUCK="deaf")
        browser = Browser(service.origin)
        await browser.begin()
        assert await browser.say("1", "/start")
        await browser.close()
        while "Sending" not in await asyncio.to_thread(service.said.get, timeout=20):
            pass
        service.ask(signal.SIGINT)
        await asyncio.sleep(0.5)
        assert service.process.poll() is None
        service.ask(signal.SIGINT)
        assert await asyncio.to_thread(service.ended, 2) == -signal.SIGINT

    async def test_while_it_ends_it_is_not_ready(self, start: Callable[..., Service]) -> None:
        service = start(program=STUCK)
        browser = Browser(service.origin)
        await browser.begin()
        assert await browser.say("1", "/start")
        await browser.close()
        while "Sending" not in await asyncio.to_thread(service.said.get, timeout=20):
            pass
        service.ask()
        await asyncio.sleep(1)
        status, answer = await get(f"{service.operations}/readyz")
        assert status == 503 and not (await answer.json())["checks"]["running"]["ok"]
        with contextlib.suppress(OSError):
            assert (await get(f"{service.operations}/healthz"))[0] == 200


async def test_the_database_goes_away_and_comes_back(tmp_path: Path) -> None:
    """Told once each way; the page is told to try again, and what it sends then is kept and answered."""
    server = await asyncio.to_thread(Server)
    databases = Postgres(server)
    url = await asyncio.to_thread(databases.empty)
    service = Service(url, tmp_path)
    browser = Browser(service.origin)
    try:
        await asyncio.to_thread(service.started)
        await browser.begin()
        assert await browser.say("before", "/start")
        await asyncio.to_thread(server.stop, "INT")
        for _once in range(3):
            status, sentence = await browser.ask("/say", {"id": "meanwhile", "text": STORY})
            assert (status, sentence) == (503, "That did not work. We are trying again.")
            status, answer = await get(f"{service.operations}/readyz")
            assert status == 503 and not (await answer.json())["checks"]["database"]["ok"]
            await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            while not await browser.say("meanwhile", STORY):
                await asyncio.sleep(0.5)
            while (await get(f"{service.operations}/readyz"))[0] != 200:
                await asyncio.sleep(0.5)
            while databases.query(url, "SELECT DISTINCT state FROM inbox") != [("DONE",)]:
                await asyncio.sleep(0.5)
        service.stop()
        events = [event["event"] for event in service.events()]
        assert sum("the database does not answer" in event for event in events) == 1, events
        assert sum("the database answers again" in event for event in events) == 1, events
        assert "bug" not in events and not any("wrote a message" in event for event in events), service.log
    finally:
        await browser.close()
        service.close()
        await asyncio.to_thread(server.remove)
