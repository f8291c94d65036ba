"""Figures for Prometheus, of this process alone: only how many and how long, by channel at the finest."""

from __future__ import annotations

import logging
import platform
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client import disable_created_metrics as _without_times_of_birth
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine, ExceptionContext, event

from bot.meter import Fate, Meter, TurnResult

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OTHER: Final = "other"
_TURN_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SEND_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# When each counter was born is of no use to anybody and would double their number.
_without_times_of_birth()  # type: ignore[no-untyped-call]


class Metrics(Meter):
    """Counts what happens, in a registry of its own."""

    def __init__(self, channels: Collection[str]) -> None:
        """Every figure is there from the start, at zero: an alert cannot see one that is missing."""
        self.channels = frozenset(channels)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, namespace="anlaufstelle", registry=self.registry)

        received = counter("received", "Messages kept for good, by channel.", "channel")
        turns = counter("turns", "Messages worked through, by result.", "result")
        due = counter("due", "Things that came due and were worked through, by result.", "result")
        sent = counter("sent", "Tries to send, by channel and by what became of them.", "channel", "fate")
        self._errors = counter("database_errors", "Errors of the database, by their class.", "kind")
        self._bugs = counter("bugs", "Bugs written to the log.")
        self._turn_seconds = Histogram(
            "turn_seconds", "How long a message was worked on.", namespace="anlaufstelle", registry=self.registry,
            buckets=_TURN_SECONDS,
        )  # fmt: skip
        send_seconds = Histogram(
            "send_seconds", "How long a channel took to send.", ["channel"], namespace="anlaufstelle",
            registry=self.registry, buckets=_SEND_SECONDS,
        )  # fmt: skip
        info = Gauge("info", "What runs.", ["version", "python"], namespace="anlaufstelle", registry=self.registry)
        info.labels(version("anlaufstelle"), platform.python_version()).set(1)
        # Looked up once: the library takes its time for it.
        known, fates, results = (*sorted(self.channels), OTHER), get_args(Fate), get_args(TurnResult)
        self._received = {channel: received.labels(channel) for channel in known}
        self._sent = {(channel, fate): sent.labels(channel, fate) for channel in known for fate in fates}
        self._send_seconds = {channel: send_seconds.labels(channel) for channel in known}
        self._turns = {result: turns.labels(result) for result in results}
        self._due = {result: due.labels(result) for result in results}
        for kind in ("OperationalError", "InterfaceError"):
            self._errors.labels(kind)

    def received(self, account: str) -> None:
        self._received[self._channel_of(account)].inc()

    def turn(self, seconds: float, result: TurnResult) -> None:
        self._turns[result].inc()
        self._turn_seconds.observe(seconds)

    def due(self, result: TurnResult) -> None:
        self._due[result].inc()

    def sent(self, account: str, fate: Fate, seconds: float | None = None) -> None:
        channel = self._channel_of(account)
        self._sent[channel, fate].inc()
        if seconds is not None:
            self._send_seconds[channel].observe(seconds)

    def _channel_of(self, account: str) -> str:
        """A label is never made of what came from outside."""
        channel = account.partition(":")[0]
        return channel if channel in self.channels else OTHER

    @contextmanager
    def watching(self, engine: Engine) -> Iterator[None]:
        """Counts errors of the database and bugs in the log for a while, wherever they come from."""
        bugs = _CountBugs(self._bugs)
        log = logging.getLogger("anlaufstelle.bugs")
        event.listen(engine, "handle_error", self._database_error)
        log.addHandler(bugs)
        try:
            yield
        finally:
            log.removeHandler(bugs)
            event.remove(engine, "handle_error", self._database_error)

    def _database_error(self, context: ExceptionContext) -> None:
        self._errors.labels(type(context.sqlalchemy_exception or context.original_exception).__name__).inc()

    def text(self, now: Iterable[Metric] = ()) -> bytes:
        """Everything counted, and what was just measured."""
        return generate_latest(self.registry) + generate_latest(_just(now))


class _CountBugs(logging.Handler):
    """Bugs are counted where they are written: nobody can log one and forget to count it."""

    def __init__(self, counter: Counter) -> None:
        super().__init__(logging.ERROR)
        self._counter = counter

    def emit(self, record: logging.LogRecord) -> None:
        self._counter.inc()


def _just(metrics: Iterable[Metric]) -> CollectorRegistry:
    measured = list(metrics)

    class Measured(Collector):
        def collect(self) -> Iterable[Metric]:
            return measured

    registry = CollectorRegistry()
    registry.register(Measured())
    return registry
