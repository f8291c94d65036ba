"""A service whose messenger never answers, for tests of how it ends: `python tests/stuck.py run OPTIONS`.

With STUCK=deaf it does not even let itself be cancelled.
"""

from __future__ import annotations

import asyncio
import os

import bot.serve
from bot.channels.web.server import WebChannel
from bot.cli import main
from bot.delivery import Delivery


class Stuck(WebChannel):
    async def send(self, delivery: Delivery) -> str:
        print("Sending", flush=True)
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if os.environ.get("STUCK") != "deaf":
                    raise


if __name__ == "__main__":
    bot.serve.WebChannel = Stuck
    main()
