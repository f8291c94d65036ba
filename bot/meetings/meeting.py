"""What is known of a round table or another meeting, and what somebody can be to it (R-60, R-62, R-69, R-100)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from bot.meetings.days import Avoid
from bot.meetings.rule import Series
from bot.taxonomy import Role

MOST_SEATS: Final = 9999
LONGEST_TITLE: Final = 100
LONGEST_PLACE: Final = 200


class MeetingKind(StrEnum):
    """What kind of meeting it is; a contact point may have others (G-08, G-10, G-63, G-73, G-74)."""

    ROUND_TABLE = "ROUND_TABLE"
    EXCHANGE_FORUM = "EXCHANGE_FORUM"
    TRAINING_MODULE = "TRAINING_MODULE"
    PEER_CONSULTATION = "PEER_CONSULTATION"
    STEERING_GROUP = "STEERING_GROUP"
    OTHER = "OTHER"


class Answer(StrEnum):
    """Whether somebody comes (R-69)."""

    NONE = "NONE"
    YES = "YES"
    NO = "NO"
    DEPUTY = "DEPUTY"
    """Somebody comes in their place."""
    WAITING = "WAITING"
    """Would come, but all places are taken."""


COMES_NOT: Final = frozenset({Answer.NO, Answer.DEPUTY})
"""Who is not reminded any more."""


class Why(StrEnum):
    """Why somebody is invited."""

    MODERATOR = "MODERATOR"
    NAMED = "NAMED"
    ROLE = "ROLE"
    SIGNED_UP = "SIGNED_UP"
    IN_PLACE = "IN_PLACE"
    """In the place of a member, to one date."""


class DateState(StrEnum):
    """Whether a date takes place."""

    PLANNED = "PLANNED"
    CANCELLED = "CANCELLED"


class TopicState(StrEnum):
    """What becomes of a topic; nobody deletes one silently (R-62)."""

    PROPOSED = "PROPOSED"
    ON_AGENDA = "ON_AGENDA"
    POSTPONED = "POSTPONED"
    ANSWERED = "ANSWERED"
    DECLINED = "DECLINED"


class Pulse(StrEnum):
    """The mood in the area, in three steps (R-66)."""

    CALM = "CALM"
    A_BIT_TENSE = "A_BIT_TENSE"
    TENSE = "TENSE"


class NamesInMinutes(StrEnum):
    """What happens to names before minutes are sent (F-23)."""

    REDACT = "REDACT"
    SEND = "SEND"
    NOT_YET = "NOT_YET"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A meeting as somebody plans it."""

    kind: str
    title: str = field(repr=False)
    municipality: str = ""
    """The slug; empty: the whole area."""
    series: Series
    avoid: Avoid = Avoid.ALL
    place: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    note: str = field(default="", repr=False)
    roles: frozenset[Role] = frozenset()
    people: frozenset[int] = frozenset()
    """Members by the numbers of their accounts."""
    public: bool = False
    seats: int | None = None
    steps: tuple[int, ...] = (14, 3, 0)
    topics_until: int = 7
    moderator: int | None = None
    deputy: int | None = None

    def details(self) -> dict[str, Any]:
        """What somebody has written, as it is stored."""
        return {"title": self.title, "place": self.place, "link": self.link, "note": self.note}


@dataclass(frozen=True)
class Details:
    """What somebody has written of a meeting."""

    title: str = field(default="", repr=False)
    place: str = field(default="", repr=False)
    link: str = field(default="", repr=False)
    note: str = field(default="", repr=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Details:
        known = data or {}
        return cls(*(str(known.get(name) or "") for name in ("title", "place", "link", "note")))


def read_steps(text: str) -> tuple[int, ...]:
    """Days before, as a row keeps them."""
    return tuple(sorted({int(each) for each in text.split()}, reverse=True))


def write_steps(steps: tuple[int, ...]) -> str:
    """The same for a row."""
    return " ".join(str(each) for each in steps)
