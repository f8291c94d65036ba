"""What an operator's programs ask, on an address of its own: alive? ready? how much and how long?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from aiohttp import web
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bot.health import Check, Letters, Queues, Reading, Watch
from bot.metrics import CONTENT_TYPE, Metrics

_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def application(watch: Watch, metrics: Metrics) -> web.Application:
    """Serve it where the public cannot reach it, without an access log."""

    async def healthz(request: web.Request) -> web.Response:
        """The event loop turns: whoever gets no answer here may end the process."""
        return web.Response(text="ok\n", headers=_HEADERS)

    async def readyz(request: web.Request) -> web.Response:
        """Whether the bot does its work."""
        checks = watch.checks(await watch.read())
        ready = all(check.ok for check in checks)
        body = {"ready": ready, "checks": {check.name: _told(check) for check in checks}}
        return web.json_response(body, status=200 if ready else 503, headers=_HEADERS)

    async def figures(request: web.Request) -> web.Response:
        reading = await watch.read()
        text = metrics.text(_measured(watch, reading, metrics.channels))
        return web.Response(body=text, headers={**_HEADERS, "Content-Type": CONTENT_TYPE})

    app = web.Application(client_max_size=1024)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", figures)
    return app


def _told(check: Check) -> dict[str, bool | float]:
    return {"ok": check.ok} | ({} if check.seconds is None else {"seconds": round(check.seconds, 3)})


def _measured(watch: Watch, reading: Reading | None, channels: Collection[str]) -> Iterator[Metric]:
    ready = GaugeMetricFamily("anlaufstelle_ready", "1 for what is as it must be, by check.", labels=["check"])
    for check in watch.checks(reading):
        ready.add_metric([check.name], float(check.ok))
    yield ready
    if (age := watch.tick_age()) is not None:
        yield _gauge("tick_age_seconds", "How long ago the clock ticked.", age.total_seconds())
    if reading is not None:
        yield _gauge("database_seconds", "How long the database took for these figures.", reading.seconds)
        yield from _queues(reading.queues, channels, reading.at)


def _queues(queues: Queues, channels: Collection[str], now: datetime) -> Iterator[Metric]:
    def age(since: datetime | None) -> float:
        return max((now - since).total_seconds(), 0) if since is not None else 0

    yield _gauge("inbox_waiting", "Messages not yet worked through.", queues.inbox.count)
    yield _gauge("inbox_oldest_seconds", "How long the oldest of them waits.", age(queues.inbox.oldest))
    yield _gauge("inbox_overdue_seconds", "How far the work is behind.", age(queues.inbox.overdue))
    yield _gauge("inbox_failed", "Messages that met a bug.", queues.failed)
    yield _gauge("due_waiting", "Things that are due and not yet worked through.", queues.due.count)
    yield _gauge("due_overdue_seconds", "How long the oldest of them is due.", age(queues.due.overdue))
    yield _gauge("outbox_overdue_seconds", "How far the sending is behind.", age(queues.unsent_overdue))
    by_channel = {
        "outbox_waiting": "Messages not yet sent, by channel.",
        "outbox_oldest_seconds": "How long the oldest of them waits, by channel.",
        "outbox_in_doubt": "Messages that may have been sent or not, by channel.",
        "outbox_dead": "Messages that could not be delivered, by channel.",
    }
    families = {
        name: GaugeMetricFamily(f"anlaufstelle_{name}", what, labels=["channel"]) for name, what in by_channel.items()
    }
    for channel in sorted({*channels, *queues.outbox}):
        letters = queues.outbox.get(channel, Letters())
        families["outbox_waiting"].add_metric([channel], letters.waiting.count)
        families["outbox_oldest_seconds"].add_metric([channel], age(letters.waiting.oldest))
        families["outbox_in_doubt"].add_metric([channel], letters.in_doubt)
        families["outbox_dead"].add_metric([channel], letters.dead)
    yield from families.values()


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"anlaufstelle_{name}", what, value=value)
