"""What the bots of other frameworks ask: as many questions as ours, about as long, with four options each."""

from __future__ import annotations

from tests.benchmarks.crowd import STEPS, TEXTS

OPTIONS = ("Yes, today", "No, not now", "I do not know", "Back")
QUESTIONS = tuple(
    f"Question {n} of {STEPS - 1}. Where does it happen, and who has a part in it? Choose one, or write a few words."
    for n in range(1, STEPS)
)
THANKS = "Thank you. Your report has arrived. Somebody from the contact point answers you here within three days."


def text_of(step: int) -> str:
    """What a person writes."""
    return next(iter(TEXTS[step].values()))
