"""What is stored of a running conversation: the answers by name, never a position (idea 1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.engine.inputs import Piece


@dataclass(frozen=True)
class State:
    """One conversation under way, as it travels through JSON between any two messages."""

    flow: str
    answers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    pieces: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict, repr=False)
    """The messages an answer is made of, for answers that may span several."""
    asked: str = ""
    """The question last asked, so that a reply is read against what the person saw."""
    offered: tuple[str, ...] = ()
    """The ids offered with it, in order."""
    prompt: int | None = None
    """The outbox row of that question."""
    repeats: tuple[int, ...] = ()
    """Those in which it was asked before and not answered: their buttons hold as well."""
    under: State | None = field(default=None, repr=False)
    """The conversation that waits until this one has ended."""

    def on_top_of(self, other: State | None) -> State:
        """With one more conversation that waits below all the others."""
        return replace(self, under=self.under.on_top_of(other) if self.under else other)

    def without_flows(self, names: Collection[str]) -> State | None:
        """What is left without the conversations of these names."""
        under = self.under.without_flows(names) if self.under else None
        return under if self.flow in names else replace(self, under=under)

    def with_answer(self, name: str, stored: Any) -> State:
        return replace(self, answers={**self.answers, name: stored})

    def without(self, *names: str) -> State:
        if not any(name in self.answers for name in names):
            return self
        return replace(self, answers={k: v for k, v in self.answers.items() if k not in names})

    def renamed(self, names: Mapping[str, str]) -> State:
        """With the names that questions have now; `names` maps former ones to these."""
        return replace(
            self,
            answers={names.get(k, k): v for k, v in self.answers.items()},
            pieces={names.get(k, k): v for k, v in self.pieces.items()},
            asked=names.get(self.asked, self.asked),
            offered=tuple(names.get(k, k) for k in self.offered) if self.asked == "change" else self.offered,
        )

    def with_pieces(self, name: str, pieces: tuple[Piece, ...]) -> State:
        kept = {k: v for k, v in self.pieces.items() if k != name}
        return replace(self, pieces={**kept, name: pieces} if pieces else kept)

    @property
    def sources(self) -> tuple[str, ...]:
        """The messages whose words are in here."""
        return tuple(piece.source for pieces in self.pieces.values() for piece in pieces if piece.source)

    def to_json(self) -> dict[str, Any]:
        """What differs from a conversation that has just begun."""
        kept = {
            "flow": self.flow,
            "answers": dict(self.answers),
            "pieces": {k: [[p.text, p.source] for p in v] for k, v in self.pieces.items()},
            "asked": self.asked,
            "offered": list(self.offered),
            "prompt": self.prompt,
            "repeats": list(self.repeats),
            "under": self.under.to_json() if self.under else None,
        }
        return {name: value for name, value in kept.items() if value or value == 0}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        return cls(
            flow=data["flow"],
            answers=data.get("answers", {}),
            pieces={k: tuple(Piece(*item) for item in v) for k, v in data.get("pieces", {}).items()},
            asked=data.get("asked", ""),
            offered=tuple(data.get("offered", ())),
            prompt=data.get("prompt"),
            repeats=tuple(data.get("repeats", ())),
            under=cls.from_json(data["under"]) if data.get("under") else None,
        )
