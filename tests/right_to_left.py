"""A conversation of a transcript, held in a language that nobody speaks and that is written from right to left.

The transcript is in English: a first run tells which options its lines choose. In the second the same options are
chosen by the labels they have there, everything else is written as it stands, and the desk reads German.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot import pseudo
from bot.channels.telegram.buttons import LONGEST_ID
from bot.channels.text import LONGEST, length
from bot.contact_point import ContactPoint, Languages
from bot.play import Heard, Line, Player, read_transcript

LANGUAGE = pseudo.RIGHT_TO_LEFT
ISOLATES = "\u2066\u2067\u2068"
END = "\u2069"
REF = re.compile("[2-9A-Z]{4}-[2-9A-Z]{4}")
_VALUE = re.compile("‹[^›]*›")
_ADDRESS = re.compile(r"(https?://|/)[!-~]+")


def speaking(point: ContactPoint) -> ContactPoint:
    """The contact point in a town where most people read that language."""
    return replace(point, languages=Languages(LANGUAGE))


@dataclass(frozen=True)
class Turn:
    """What a line was answered."""

    line: Line
    chosen: str
    """The id of the option whose label was written."""
    heard: list[Heard]

    def asked(self, own: str) -> list[tuple[str, tuple[str, ...]]]:
        """Who was told something, and which options were offered; `own` is the language of the conversation."""
        return [(each.chat, _options(each, own)) for each in self.heard if each.chat]


def _options(heard: Heard, own: str) -> tuple[str, ...]:
    """Their ids. Among languages the conversation's own comes first, and only English is missing or one of the rest."""
    ids = [REF.sub("REF", option.id) for option in heard.options]
    return tuple(["own", *(each for each in ids if each not in (own, "en"))] if own in ids[:1] else ids)


class Course:
    """Holds a conversation line by line, and keeps how it went."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._labels: dict[str, dict[str, str]] = {}
        """Of each chat: the id of the option by its newest label."""

    async def first(self, text: str) -> list[Turn]:
        """The run in English."""
        turns = []
        for line in _said(text):
            chosen = self._labels.get(line.who, {}).get(line.said, "")
            turns.append(Turn(line, chosen, await self._after(line)))
        return turns

    async def again(self, first: list[Turn]) -> list[Turn]:
        """The run in the other language."""
        turns = []
        for each in first:
            line = each.line
            if each.chosen:
                wanted = LANGUAGE if each.chosen == "en" else each.chosen
                line = replace(line, said=self._label(line.who, wanted))
            turns.append(Turn(line, each.chosen, await self._after(line)))
        return turns

    def _label(self, chat: str, option: str) -> str:
        found = [label for label, id_ in self._labels.get(chat, {}).items() if id_ == option]
        assert found, f"nobody offered {option}"
        return found[-1]

    async def _after(self, line: Line) -> list[Heard]:
        heard = await self._player.after(line)
        for each in heard:
            for option in each.options:
                labels = self._labels.setdefault(each.chat, {})
                labels.pop(option.label, None)
                labels[option.label] = option.id
        return heard


def _said(text: str) -> Iterator[Line]:
    return (line for line in read_transcript(text) if line.who != "desk" and line.who.partition("@")[0] != "bot")


def differences(first: list[Turn], again: list[Turn]) -> list[str]:
    """Where the same answers lead elsewhere, and all that is wrong with what was shown."""
    by_staff = " ".join(turn.line.said for turn in first if "@" in turn.line.who)
    found = []
    for one, other in zip(first, again, strict=True):
        place = f"line {one.line.number}"
        if one.asked("en") != other.asked(LANGUAGE):
            found.append(f"{place}: {one.asked('en')} in English, {other.asked(LANGUAGE)} here")
        for each in other.heard:
            if each.chat:
                found += (f"{place}: {fault}: {each}" for fault in faults(each, by_staff))
    return found


def faults(heard: Heard, by_staff: str = "") -> Iterator[str]:
    """What is wrong with one message to a person; `by_staff` is what members of staff wrote, in their language."""
    shown = [heard.text, *(option.label for option in heard.options)]
    for text in shown:
        if bare := [each for each in pseudo.escaped(text) if each.strip(" ()") not in by_staff]:
            yield f"not translated: {bare}"
    for line in "\n".join(shown).splitlines():
        if not _is_balanced(line):
            yield "an isolate that is not closed"
        elif loose := _loose(line):
            yield f"not isolated: {loose}"
    if any(not any(sign.isalnum() for sign in option.label) for option in heard.options):
        yield "a button without a label"
    if any(not 0 < len(option.id.encode()) <= LONGEST_ID for option in heard.options):
        yield "a button that Telegram cannot carry"
    if length(_VALUE.sub("", heard.text)) > LONGEST:
        yield "longer than a message of Telegram"


def _is_balanced(line: str) -> bool:
    depth = 0
    for sign in line:
        depth += (sign in ISOLATES) - (sign == END)
        if depth < 0:
            return False
    return depth == 0


def _loose(line: str) -> list[str]:
    """Words from left to right that stand freely among those from right to left, and may be shown elsewhere."""
    if _VALUE.fullmatch(line) or not any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in line):
        return []
    free = re.sub(f"[{ISOLATES}][^{END}]*{END}", " ", _ADDRESS.sub(" ", line))
    return re.findall("[A-Za-z][!-~]*", free)
