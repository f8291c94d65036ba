"""Which files of people are fetched at all (D-09), and how patiently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bot.contact_point import MediaRules

AT_ONCE: Final = 8
"""Files that are fetched at the same time."""
SECONDS: Final = 20
"""How long one may take."""


class Files:
    """What a channel fetches from its messenger."""

    def __init__(self, rules: MediaRules) -> None:
        self._kinds = rules.kinds if rules.allowed else ()
        self.most_bytes = rules.max_bytes
        self._free = asyncio.Semaphore(AT_ONCE)

    def wants(self, kind: str) -> bool:
        """Whether files of this kind may be passed on."""
        return kind in self._kinds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """In here one may be fetched; raises TimeoutError."""
        # Also for those who wait for others: what else has come waits for them.
        async with asyncio.timeout(SECONDS), self._free:
            yield
