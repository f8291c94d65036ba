"""Tells systemd how its service is doing (sd_notify); without systemd nothing happens."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable


def tell(state: str) -> None:
    """Says READY=1, STOPPING=1 or WATCHDOG=1; a service manager that does not listen is none of our business."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), address.replace("@", "\0", 1))
        except OSError:
            return


async def keep_awake(alive: Callable[[], bool]) -> None:
    """Says that all is well while `alive` says so, as often as systemd wants to hear it; until cancelled."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    if not wanted.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        if alive():
            tell("WATCHDOG=1")
        await asyncio.sleep(int(wanted) / 1_000_000 / 3)
