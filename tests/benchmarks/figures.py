"""How figures are put together and shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, and the least and the most where there were several."""
    shown = f"{middle(values):,.{digits}f}"
    return f"{shown} ({min(values):,.{digits}f}–{max(values):,.{digits}f})" if len(values) > 1 else shown


def percentile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown has it, so that it can be copied into a page."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]

    def shown(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return "\n".join(
        [title, "", shown(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(shown, rows)]
    )
