"""Ports for servers that have to come back on the one they had."""

from __future__ import annotations

import socket
from contextlib import closing
from itertools import cycle
from random import SystemRandom
from typing import Final

_FIRST: Final = 12_000
_COUNT: Final = 20_000
"""Below those that systems give to connections which go out: such a one would take the port while its server is away."""
_NEXT: Final = cycle(SystemRandom().sample(range(_FIRST, _FIRST + _COUNT), _COUNT))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and nobody is given by chance."""
    return next(port for port in _NEXT if _is_free(port))


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
