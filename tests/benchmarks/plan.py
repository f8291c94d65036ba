"""How big a benchmark is to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """The sizes asked for on the command line."""

    directory: Path
    """Where the databases are made: the disk that is measured."""
    rounds: int = 3
    """How often each contestant runs, in turn with the others."""
    chats: int = 200
    seconds: float = 10
    stored: int = 1_000_000
    """How many conversations a big database holds."""
    messages: int = 400
    """How many lone messages are timed."""
    turns: int = 100_000
    """How many turns memory is watched for."""
    quick: bool = False

    @classmethod
    def tiny(cls, directory: Path) -> Plan:
        """Only to see that it runs; such figures say nothing."""
        return cls(directory, rounds=1, chats=2, seconds=0, stored=100, messages=1, turns=28, quick=True)
