"""From the first signal to the end of the process: in order, and within ten seconds whatever happens."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from typing import Any, Final

PAGES_END_WITHIN: Final = 1.0
"""Seconds that requests get to finish; the library takes them twice from a browser that does not read."""
WORK_ENDS_WITHIN: Final = 5.5
"""Seconds for what is being worked on or sent: longer than bot.outbox.LAST_SECONDS, for what became of it is written
down after that."""
ENDS_WITHIN: Final = 9.0
"""Seconds after which the process ends itself. No more is lost then than by a power cut: nothing."""

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LOG: Final = logging.getLogger("anlaufstelle.service")


class Ending:
    """Hears the first SIGINT or SIGTERM; the second one ends the process at once, whatever it is doing."""

    def __init__(self) -> None:
        """Within a running event loop."""
        self.asked = asyncio.Event()
        self._hard = threading.Timer(ENDS_WITHIN, _end_hard)
        self._hard.daemon = True
        for each in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(each, self._hear, each)

    def _hear(self, number: signal.Signals) -> None:
        _LOG.info("stopping", extra={"signal": number.name})
        for each in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        self._hard.start()
        self.asked.set()


def _end_hard() -> None:
    _LOG.error("did not end in time and is ended hard; what was under way is done again at the next start")
    os._exit(1)


async def finish(work: asyncio.Task[Any]) -> None:
    """Cancels work that ends what it has begun, and lets go of it after a while."""
    work.cancel()
    await asyncio.wait({work}, timeout=WORK_ENDS_WITHIN)
    if not work.done():
        _LOG.warning("a message was still being worked on or sent; it is done again at the next start")
        work.cancel()
        await asyncio.wait({work}, timeout=1)
