"""How long to wait before the next try."""

from __future__ import annotations


def wait(tries: int, first: float, longest: float) -> float:
    """Seconds after so many tries that failed: `first`, then twice as long each time, at most `longest`."""
    # Doubled often enough, a number does not fit into a float any more.
    return min(first * 2.0 ** min(max(tries, 1) - 1, 64), longest)
