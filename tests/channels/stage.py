"""What every stage on which a transcript is played over a messenger has to do: tell what is new on somebody's screen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bot.channels.text import LONGEST, parts
from bot.flows.privacy import transport_note
from bot.i18n import _, render
from bot.play import Heard
from tests.channels.contract import DESK


class Screens:
    """Everything that was seen so far, on every screen."""

    def __init__(self, longest: int = LONGEST) -> None:
        """`longest`: what the messenger takes as one message."""
        self._longest = longest
        self._shown: dict[str, Heard] = {}
        """Every message of the bot, as it was last seen."""

    def news(self, screen: Iterable[Heard]) -> list[Heard]:
        """What has come to a screen, and what has changed there; it is given from top to bottom."""
        fresh: list[Heard] = []
        changed: list[Heard] = []
        for now in screen:
            before = self._shown.get(now.id)
            self._shown[now.id] = now
            if before is None:
                fresh.append(now)
            elif before.text != now.text:
                # Where options were chosen, the program shows what was chosen: nobody has said that.
                changed.append(replace(now, edited=True, aside=bool(now.chat and before.options)))
        # A long text comes in several messages, the options below the last one.
        whole = [replace(each[-1], text="\n".join(one.text for one in each)) for each in self._as_written(fresh)]
        return [*changed, *whole]

    def _as_written(self, messages: Iterable[Heard]) -> list[list[Heard]]:
        """Messages that are the pieces of one text, side by side."""
        whole: list[list[Heard]] = []
        for each in messages:
            pieces = [*whole[-1], each] if whole else [each]
            texts = [piece.text for piece in pieces]
            same = len({piece.thread for piece in pieces}) == 1 and not any(piece.options for piece in pieces[:-1])
            if len(pieces) > 1 and same and parts(" ".join(texts), self._longest) == texts:
                whole[-1] = pieces
            else:
                whole.append([each])
        return whole


def as_elsewhere(text: str, transport: str, language: str) -> str:
    """Who reads along is told otherwise in each messenger; whoever gets the wrong one of both is heard."""
    here, there = (render(transport_note(name), language) for name in (transport, ""))
    return there.join(part.replace(there, here) for part in text.split(here))


def delivered(about: str, language: str) -> Heard:
    """That it was delivered is told by a sign on the message: staff shall not read a line for each of theirs."""
    return Heard(f"r{about}", DESK, render(_("Delivered."), language))
