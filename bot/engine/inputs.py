"""The kinds of answers a question can take: each reads what a person said, or says kindly why it cannot."""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from bot.commands import Button
from bot.i18n import Phone as PhoneNumber
from bot.i18n import Text, _, alternatives, listing, verbatim

if TYPE_CHECKING:
    from bot.engine.scope import Scope

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

ZONE = ZoneInfo("Europe/Berlin")


class NotUnderstood(Exception):
    """The answer cannot be used; `text` tells the person how it can."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text


@dataclass(frozen=True)
class Piece:
    """One message of an answer that may span several."""

    text: str = field(repr=False)
    source: str = ""
    """Keyed hash of the message it came in."""


@dataclass(frozen=True)
class Said:
    """What a person answered: an option they picked, or their words."""

    text: str = field(default="", repr=False)
    choice: str = ""
    source: str = ""


class Input(ABC, Generic[T]):
    """How one question is answered."""

    takes_words: ClassVar[bool] = False
    """True where a bare number is an answer in itself and not the number of an option."""
    collects: bool = False
    """True where the answer grows over several messages until the person says it is done."""
    columns: int = 1

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        """The options to offer now."""
        return ()

    @abstractmethod
    def read(self, said: Said, so_far: Any, scope: Scope) -> T:
        """The answer; raises NotUnderstood."""

    def add(self, pieces: tuple[Piece, ...], said: Said) -> tuple[Piece, ...]:
        """The pieces after one more message; raises NotUnderstood."""
        raise NotImplementedError

    def add_in(self, scope: Scope, pieces: tuple[Piece, ...], said: Said) -> tuple[Piece, ...]:
        """The same where the list depends on the moment."""
        return self.add(pieces, said)

    def finish(self, pieces: tuple[Piece, ...]) -> T:
        """The answer that the pieces make; raises NotUnderstood while they do not make one."""
        raise NotImplementedError

    def remark(self, pieces: tuple[Piece, ...]) -> Text | None:
        """What to say after a piece was added."""
        return None

    def dump(self, value: T) -> Any:
        """The answer as JSON."""
        return value

    @abstractmethod
    def load(self, stored: Any) -> T:
        """The answer from JSON; raises ValueError when a stored answer no longer means anything."""

    @abstractmethod
    def show(self, value: T, so_far: Any, scope: Scope) -> Text:
        """The answer in a summary."""


PRESS_A_BUTTON = _("I did not understand that. Please choose an answer, or write: human.")


@dataclass(frozen=True)
class Choice(Input[E]):
    """One of a closed list."""

    labels: Mapping[E, Text]
    columns: int = 1
    offered: Callable[[E, Scope], bool] | None = None
    """Whether a member is offered to this person; None: all are."""

    @cached_property
    def _buttons(self) -> tuple[Button, ...]:
        return tuple(Button(str(member), label) for member, label in self.labels.items())

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        if self.offered is None:
            return self._buttons
        return tuple(Button(str(each), label) for each, label in self.labels.items() if self.offered(each, scope))

    def read(self, said: Said, so_far: Any, scope: Scope) -> E:
        try:
            chosen = self.load(said.choice)
        except ValueError:
            raise NotUnderstood(PRESS_A_BUTTON) from None
        if self.offered is not None and not self.offered(chosen, scope):
            raise NotUnderstood(PRESS_A_BUTTON)
        return chosen

    def load(self, stored: Any) -> E:
        for member in self.labels:
            if member == stored:
                return member
        raise ValueError(f"no member {stored!r}")

    def show(self, value: E, so_far: Any, scope: Scope) -> Text:
        return self.labels[value]


@dataclass(frozen=True)
class Choices(Input[frozenset[E]]):
    """Any number of a closed list: each press turns one on or off."""

    labels: Mapping[E, Text]
    at_least: int = 1
    columns: int = 1
    collects: bool = True

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        chosen = {piece.text for piece in pieces}
        return tuple(
            Button(str(member), _("✓ {label}", label=label) if member in chosen else label)
            for member, label in self.labels.items()
        )

    def read(self, said: Said, so_far: Any, scope: Scope) -> frozenset[E]:
        return self.finish(self.add((), said))

    def add(self, pieces: tuple[Piece, ...], said: Said) -> tuple[Piece, ...]:
        if said.choice not in set(self.labels):
            raise NotUnderstood(PRESS_A_BUTTON)
        kept = tuple(piece for piece in pieces if piece.text != said.choice)
        return kept if len(kept) < len(pieces) else (*pieces, Piece(said.choice))

    def finish(self, pieces: tuple[Piece, ...]) -> frozenset[E]:
        known = {str(member) for member in self.labels}
        chosen = [piece.text for piece in pieces if piece.text in known]  # the rest was offered by an earlier release
        if len(chosen) < self.at_least:
            raise NotUnderstood(_("Please choose at least one. You can choose several."))
        return self.load(chosen)

    def dump(self, value: frozenset[E]) -> Any:
        return [str(member) for member in self.labels if member in value]

    def load(self, stored: Any) -> frozenset[E]:
        known = {str(member): member for member in self.labels}
        if not isinstance(stored, list) or not set(stored) <= set(known):
            raise ValueError("unknown members")
        return frozenset(known[item] for item in stored)

    def show(self, value: frozenset[E], so_far: Any, scope: Scope) -> Text:
        return listing([label for member, label in self.labels.items() if member in value])


@dataclass(frozen=True)
class Pick(Input[str]):
    """One of a list that lives: the offered ids are kept with the question, so a change cannot shift them."""

    items: Callable[[Scope], Mapping[str, Text]]
    columns: int = 1

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        return tuple(Button(key, label) for key, label in self.items(scope).items())

    def read(self, said: Said, so_far: Any, scope: Scope) -> str:
        if not said.choice:
            raise NotUnderstood(PRESS_A_BUTTON)
        if said.choice not in self.items(scope):
            raise NotUnderstood(_NOT_ON_THE_LIST)
        return said.choice

    def load(self, stored: Any) -> str:
        if not isinstance(stored, str):
            raise ValueError("no id")
        return stored

    def show(self, value: str, so_far: Any, scope: Scope) -> Text:
        return self.items(scope).get(value, verbatim(value))


@dataclass(frozen=True)
class PickFor(Input[str]):
    """One of a list that depends on the answers so far; where `written` reads words, they are good too."""

    items: Callable[[Any, Scope], Mapping[str, Text]]
    written: Callable[[str, Any, Scope], str] | None = None
    """The id that words stand for; raises NotUnderstood."""
    called: Callable[[str, Any, Scope], Text] | None = None
    """What an id is called that is not on the list."""
    columns: int = 1

    @property
    def takes_words(self) -> bool:  # type: ignore[override]  # derived here, a constant elsewhere
        return False

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        return tuple(Button(key, label) for key, label in self.items(so_far, scope).items())

    def read(self, said: Said, so_far: Any, scope: Scope) -> str:
        if said.choice:
            if said.choice not in self.items(so_far, scope):
                raise NotUnderstood(_NOT_ON_THE_LIST)
            return said.choice
        words = readable(said.text)
        if self.written is None or not words:
            raise NotUnderstood(PRESS_A_BUTTON)
        return self.written(words, so_far, scope)

    def load(self, stored: Any) -> str:
        if not isinstance(stored, str) or not stored:
            raise ValueError("no id")
        return stored

    def show(self, value: str, so_far: Any, scope: Scope) -> Text:
        items = self.items(so_far, scope)
        if value in items or self.called is None:
            return items.get(value, verbatim(value))
        return self.called(value, so_far, scope)


@dataclass(frozen=True)
class ClockTime(Input[time]):
    """A time of day."""

    takes_words: ClassVar[bool] = True

    _FORM: ClassVar = re.compile(r"(?:um\s+|at\s+)?(\d{1,2})(?:[:.](\d{2}))?\s*(?:uhr|h|o'clock)?")

    def read(self, said: Said, so_far: Any, scope: Scope) -> time:
        found = self._FORM.fullmatch(said.text.strip().casefold())
        try:
            return time(int(found[1]), int(found[2] or 0)) if found else self._wrong()
        except ValueError:
            return self._wrong()

    @staticmethod
    def _wrong() -> time:
        raise NotUnderstood(_("I cannot read this as a time of day. Please write it like this: 18:00"))

    def dump(self, value: time) -> Any:
        return value.isoformat("minutes")

    def load(self, stored: Any) -> time:
        return time.fromisoformat(stored)

    def show(self, value: time, so_far: Any, scope: Scope) -> Text:
        return _("{time}", time=value)


_OWN: Final = "OWN-"
"""The id of a button that takes back what was written beside the list."""


@dataclass(frozen=True)
class PicksAndWords(Input[tuple[str, ...]]):
    """Any number of a list that lives, each press turns one on or off; and, where `written` reads them, own words."""

    items: Callable[[Scope], Mapping[str, Text]]
    written: Callable[[str, Scope], str] | None = None
    """Makes of words what is kept beside the list, or an id of it; raises NotUnderstood."""
    called: Callable[[str], Text] = verbatim
    """What stands for something that was written."""
    keeps_words: bool = False
    """True where what is kept are the person's own words, so that an edit of the message changes them."""
    several: bool = True
    """False: one is the answer at once."""
    any_of_them: bool = False
    """Whether one of several will do, and so is shown with an "or"."""
    columns: int = 1

    @property
    def collects(self) -> bool:  # type: ignore[override]  # derived here, a constant elsewhere
        return self.several

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        items = self.items(scope)
        chosen = [piece.text for piece in pieces]
        return (
            *(Button(key, _("✓ {label}", label=label) if key in chosen else label) for key, label in items.items()),
            *(
                Button(f"{_OWN}{n}", _("✓ {label}", label=self.called(each)))
                for n, each in enumerate(chosen)
                if each not in items
            ),
        )

    def read(self, said: Said, so_far: Any, scope: Scope) -> tuple[str, ...]:
        return (self._read(said, scope).text,)

    def add_in(self, scope: Scope, pieces: tuple[Piece, ...], said: Said) -> tuple[Piece, ...]:
        """The pieces after one more press or word; raises NotUnderstood."""
        if said.choice.startswith(_OWN):
            at = said.choice.removeprefix(_OWN)
            if not at.isdecimal() or int(at) >= len(pieces):
                raise NotUnderstood(_NOT_ON_THE_LIST)
            return tuple(piece for n, piece in enumerate(pieces) if n != int(at))
        new = self._read(said, scope)
        kept = tuple(piece for piece in pieces if piece.text != new.text)
        if len(kept) == len(pieces):
            return (*pieces, new)
        return kept if said.choice else pieces

    def _read(self, said: Said, scope: Scope) -> Piece:
        items = self.items(scope)
        if said.choice:
            if said.choice not in items:
                raise NotUnderstood(_NOT_ON_THE_LIST)
            return Piece(said.choice)
        words = readable(said.text)
        if self.written is None or not words:
            raise NotUnderstood(PRESS_A_BUTTON)
        found = self.written(words, scope)
        return Piece(found, said.source if self.keeps_words and found not in items else "")

    def finish(self, pieces: tuple[Piece, ...]) -> tuple[str, ...]:
        if not pieces:
            raise NotUnderstood(_("Please choose at least one. You can choose several."))
        return tuple(dict.fromkeys(piece.text for piece in pieces))

    def dump(self, value: tuple[str, ...]) -> Any:
        return list(value)

    def load(self, stored: Any) -> tuple[str, ...]:
        if not isinstance(stored, list) or not stored or not all(isinstance(each, str) for each in stored):
            raise ValueError("no list of ids")
        return tuple(stored)

    def show(self, value: tuple[str, ...], so_far: Any, scope: Scope) -> Text:
        items = self.items(scope)
        labels = [items[each] if each in items else self.called(each) for each in value]
        return alternatives(labels) if self.any_of_them else listing(labels)


_NOT_ON_THE_LIST: Final = _("This is no longer on the list. Please choose again.")


@dataclass(frozen=True)
class FreeText(Input[str]):
    """A person's own words, never cut off: more than `at_most` is refused, or in several messages remarked on."""

    takes_words: ClassVar[bool] = True
    at_most: int = 2000
    several_messages: bool = False
    never_more_than: int = 20_000

    @property
    def collects(self) -> bool:  # type: ignore[override]  # derived here, a constant elsewhere
        return self.several_messages

    def read(self, said: Said, so_far: Any, scope: Scope) -> str:
        return self.finish(self.add((), said))

    def add(self, pieces: tuple[Piece, ...], said: Said) -> tuple[Piece, ...]:
        words = readable(said.text)
        if not words:
            raise NotUnderstood(_("Please write a few words."))
        if not self.several_messages and len(words) > self.at_most:
            raise NotUnderstood(
                _(
                    "That is too long: {length} characters. There is room for {n}. Please write it shorter.",
                    length=len(words),
                    n=self.at_most,
                )
            )
        held = sum(len(piece.text) for piece in pieces)
        if held + len(words) > self.never_more_than:
            raise NotUnderstood(
                _(
                    "Your text is too long for me now. I have not kept this last message. Please write the most "
                    "important things in a few sentences, or talk to a person."
                )
            )
        return (*pieces, Piece(words, said.source))

    def finish(self, pieces: tuple[Piece, ...]) -> str:
        if not pieces:
            raise NotUnderstood(_("Please write a few words."))
        return "\n".join(piece.text for piece in pieces)

    def remark(self, pieces: tuple[Piece, ...]) -> Text | None:
        length = sum(len(piece.text) for piece in pieces)
        if length <= self.at_most:
            return None
        return _(
            "Your text is long: {length} characters. I have kept all of it. This is enough for now. "
            "You can tell a person the rest.",
            length=length,
        )

    def load(self, stored: Any) -> str:
        if not isinstance(stored, str) or not stored:
            raise ValueError("no text")
        return stored

    def show(self, value: str, so_far: Any, scope: Scope) -> Text:
        return verbatim(value)


@dataclass(frozen=True)
class Phone(Input[str]):
    """A telephone number, stored in international form (E.164)."""

    takes_words: ClassVar[bool] = True
    country: str = "DE"

    def read(self, said: Said, so_far: Any, scope: Scope) -> str:
        import phonenumbers  # large, and most people leave no number

        digits = "".join(str(unicodedata.digit(c, None) or 0) if c.isdigit() else c for c in said.text)
        try:
            number = phonenumbers.parse(digits, self.country)
        except phonenumbers.NumberParseException:
            raise NotUnderstood(_PHONE_WANTED) from None
        if not phonenumbers.is_possible_number(number) or len(str(number.national_number)) < SHORTEST_NUMBER:
            raise NotUnderstood(_PHONE_WANTED)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def load(self, stored: Any) -> str:
        if not isinstance(stored, str) or not stored.startswith("+"):
            raise ValueError("no phone number")
        import phonenumbers

        try:
            phonenumbers.parse(stored, None)
        except phonenumbers.NumberParseException:
            raise ValueError("no phone number") from None
        return stored

    def show(self, value: str, so_far: Any, scope: Scope) -> Text:
        return _("{phone}", phone=PhoneNumber(readable_phone(value)))


SHORTEST_NUMBER = 6
"""Digits with the area code; fewer cannot be called back."""

_PHONE_WANTED = _("I cannot read this as a phone number. Please write it with the area code: 02261 123456.")


def readable_phone(number: str) -> str:
    """A stored number in grouped form; German ones without the country code (W-16)."""
    import phonenumbers

    parsed = phonenumbers.parse(number, None)
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if parsed.country_code == 49
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(parsed, style)


@dataclass(frozen=True)
class Number(Input[int]):
    """A whole number within bounds."""

    takes_words: ClassVar[bool] = True
    at_least: int = 0
    at_most: int = 1_000_000

    def read(self, said: Said, so_far: Any, scope: Scope) -> int:
        try:
            value = int(said.text.strip())
        except ValueError:
            value = self.at_least - 1
        if not self.at_least <= value <= self.at_most:
            raise NotUnderstood(
                _("Please write a number from {least} to {most}.", least=self.at_least, most=self.at_most)
            )
        return value

    def load(self, stored: Any) -> int:
        if type(stored) is not int or not self.at_least <= stored <= self.at_most:
            raise ValueError("no number in range")
        return stored

    def show(self, value: int, so_far: Any, scope: Scope) -> Text:
        return _("{number}", number=value)


@dataclass(frozen=True)
class DayTime(Input[datetime]):
    """A day and a time of day in the contact point's zone; stored as local time with its offset."""

    takes_words: ClassVar[bool] = True
    in_future: bool = True

    _FORMS: ClassVar = re.compile(
        r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<d2>\d{1,2})\.\s*(?P<m2>\d{1,2})\.?\s*(?P<y2>\d{4})?)"
        r"[\sT,]*(?:um\s+|at\s+)?(?P<H>\d{1,2})(?:[:.](?P<M>\d{2}))?\s*(?:uhr|h|o'clock)?"
    )

    def read(self, said: Said, so_far: Any, scope: Scope) -> datetime:
        found = self._FORMS.fullmatch(said.text.strip().casefold())
        if not found:
            raise NotUnderstood(_DAY_AND_TIME_WANTED)
        part = found.groupdict()
        today = scope.now.astimezone(ZONE).date()
        year, month, day = part["y"] or part["y2"], part["m"] or part["m2"], part["d"] or part["d2"]
        try:
            at = datetime.combine(
                date(int(year or today.year), int(month), int(day)), time(int(part["H"]), int(part["M"] or 0))
            )
            if not year and at.date() < today:
                at = at.replace(year=at.year + 1)
        except ValueError:
            raise NotUnderstood(_DAY_AND_TIME_WANTED) from None
        value = at.replace(tzinfo=ZONE)
        if self.in_future and value <= scope.now:
            raise NotUnderstood(_("This time has already passed. Please write a later one."))
        return value

    def dump(self, value: datetime) -> Any:
        return value.isoformat()

    def load(self, stored: Any) -> datetime:
        value = datetime.fromisoformat(stored)
        if value.tzinfo is None:
            raise ValueError("no offset")
        return value

    def show(self, value: datetime, so_far: Any, scope: Scope) -> Text:
        return _("{when}", when=value)


_DAY_AND_TIME_WANTED = _("I cannot read this as a day and time. Please write it like this: 24.11.2026 14:00")


@dataclass(frozen=True)
class Day(Input[date]):
    """A day from today on, at most a year ahead: two of them as buttons, any other one typed."""

    not_before: Callable[[Any, Scope], date] | None = None
    """Another first possible day than today; then that day is the only button."""

    _FORMS: ClassVar = re.compile(
        r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<d2>\d{1,2})\.\s*(?P<m2>\d{1,2})\.?\s*(?P<y2>\d{4})?"
    )

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        first = self._first(so_far, scope)
        if self.not_before is not None:
            return (Button(first.isoformat(), _("{day}", day=first)),)
        return (Button(_TODAY, _("Today")), Button(_TOMORROW, _("Tomorrow")))

    def read(self, said: Said, so_far: Any, scope: Scope) -> date:
        first = self._first(so_far, scope)
        match said.choice:
            case "TODAY":
                day = scope.today
            case "TOMORROW":
                day = scope.today + timedelta(days=1)
            case _:
                day = self._typed(said.choice or said.text, first)
        if day < first:
            raise NotUnderstood(_("This day is too early. The first possible day is {day}.", day=first))
        if day > scope.today + _LONGEST:
            raise NotUnderstood(_("This day is more than a year away. Please write an earlier one."))
        return day

    def _first(self, so_far: Any, scope: Scope) -> date:
        return scope.today if self.not_before is None else self.not_before(so_far, scope)

    def _typed(self, text: str, first: date) -> date:
        digits = "".join(str(unicodedata.digit(sign, None) or 0) if sign.isdigit() else sign for sign in text)
        found = self._FORMS.fullmatch(digits.strip())
        if not found:
            raise NotUnderstood(_DAY_WANTED)
        part = found.groupdict()
        year = part["y"] or part["y2"]
        try:
            day = date(int(year or first.year), int(part["m"] or part["m2"]), int(part["d"] or part["d2"]))
            # Without a year, the next such day is meant.
            return day.replace(year=day.year + 1) if not year and day < first else day
        except ValueError:
            raise NotUnderstood(_DAY_WANTED) from None

    def dump(self, value: date) -> Any:
        return value.isoformat()

    def load(self, stored: Any) -> date:
        return date.fromisoformat(stored)

    def show(self, value: date, so_far: Any, scope: Scope) -> Text:
        return _("{day}", day=value)


_TODAY: Final = "TODAY"
_TOMORROW: Final = "TOMORROW"
_LONGEST: Final = timedelta(days=366)
_DAY_WANTED = _("I cannot read this as a day. Please write it like this: 24.12.2026")


@dataclass(frozen=True)
class Name(Input[str]):
    """How somebody wants to be called: one line."""

    takes_words: ClassVar[bool] = True

    def read(self, said: Said, so_far: Any, scope: Scope) -> str:
        name = " ".join(readable(said.text).split())
        if not any(each.isalnum() for each in name) or name.startswith("/"):
            raise NotUnderstood(_("Please write a name."))
        if len(name) > LONGEST_NAME:
            raise NotUnderstood(_("This is too long. Please write at most {n} characters.", n=LONGEST_NAME))
        return name

    def load(self, stored: Any) -> str:
        if not isinstance(stored, str) or not stored:
            raise ValueError("no name")
        return stored

    def show(self, value: str, so_far: Any, scope: Scope) -> Text:
        return verbatim(value)


@dataclass(frozen=True)
class Confirm(Input[bool]):
    """Yes or no."""

    yes: Text = field(default_factory=lambda: _("Yes"))
    no: Text = field(default_factory=lambda: _("No"))
    columns: int = 2

    def buttons(self, so_far: Any, scope: Scope, pieces: Sequence[Piece]) -> tuple[Button, ...]:
        return (Button("YES", self.yes), Button("NO", self.no))

    def read(self, said: Said, so_far: Any, scope: Scope) -> bool:
        if said.choice not in ("YES", "NO"):
            raise NotUnderstood(PRESS_A_BUTTON)
        return said.choice == "YES"

    def load(self, stored: Any) -> bool:
        if not isinstance(stored, bool):
            raise ValueError("neither yes nor no")
        return stored

    def show(self, value: bool, so_far: Any, scope: Scope) -> Text:
        return self.yes if value else self.no


def number_in(text: str) -> int | None:
    """The number that a whole text is, in any script's digits; None for anything else."""
    digits = [unicodedata.digit(sign, None) for sign in text[:4]]
    if not digits or len(text) > 3 or None in digits:
        return None
    return int("".join(map(str, digits)))


_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2066-\u2069\u202a-\u202e\ufeff]")


LONGEST_NAME: Final = 60


def one_line(name: str) -> str:
    """A name as it can stand in a sentence: one line, no hidden marks, not endless."""
    return " ".join(readable(name).split())[:LONGEST_NAME]


def readable(text: str) -> str:
    """A person's words without control characters and direction marks that could reorder what others read."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n")).strip()
