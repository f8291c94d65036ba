"""Waiting for what a bot on Matrix does by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.channels.contract import PATIENCE

QUESTION = "Which language would you like to use?"


async def until(look: Callable[[], Any], what: str) -> Any:
    """Waits until something is so."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not (found := look()):
                await asyncio.sleep(0.02)
            return found
    except TimeoutError:
        raise AssertionError(f"never seen: {what}") from None
