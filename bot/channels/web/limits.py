"""How often somebody may write before the page asks for a moment of patience."""

from __future__ import annotations

import time
from collections.abc import Callable


class TokenBucket:
    """Allows `burst` messages at once per key and `per_second` of them in the long run."""

    def __init__(
        self,
        burst: int,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        keys: int = 10_000,
    ) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._clock = clock
        self._keys = keys
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> bool:
        """Takes one token; False when there is none left."""
        now = self._clock()
        level = self._level(key, now)
        if level < 1:
            self._levels[key] = (level, now)
            return False
        if len(self._levels) >= self._keys and key not in self._levels:
            self._levels = {k: v for k, v in self._levels.items() if self._level(k, now) < self._burst}
        self._levels[key] = (level - 1, now)
        return True

    def _level(self, key: str, now: float) -> float:
        level, since = self._levels.get(key, (self._burst, now))
        return min(self._burst, level + (now - since) * self._per_second)
