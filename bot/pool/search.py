"""The search for somebody of the pool: offers go out, are answered, run out, and are recalled."""

from __future__ import annotations


def recall(work: object, request: object) -> None:
    """Takes back the open offers of a request, as it is over; there are none yet."""
