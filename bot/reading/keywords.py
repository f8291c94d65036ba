"""The keyword nets: which helping text a message makes the bot add. They decide nothing (F-05, F-11, F-12, R-12)."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

SHIPPED: Final = "keywords.toml"
GAP: Final = 7
"""How many words `…` may stand for."""
SHORTEST_STEM: Final = 3
"""Letters before `*`: fewer would catch half a dictionary."""


class Notice(StrEnum):
    """A text that the bot adds to its answer."""

    EMERGENCY = "emergency"
    SUICIDE = "suicide"
    CHILD = "child"
    OFF_TOPIC_RESIDENCE = "off_topic_residence"
    OFF_TOPIC_BENEFITS = "off_topic_benefits"
    OFF_TOPIC_ENROLMENT = "off_topic_enrolment"


class KeywordsError(Exception):
    """The file of the keyword nets is wrong; its text is one line for whoever edited it."""


_OFF_TOPIC: Final = (Notice.OFF_TOPIC_RESIDENCE, Notice.OFF_TOPIC_BENEFITS, Notice.OFF_TOPIC_ENROLMENT)
_GRAVE: Final = (Notice.EMERGENCY, Notice.SUICIDE, Notice.CHILD)
_ASKING: Final = "asking"
_CONFLICT: Final = "conflict"
_NETS: Final = (*_GRAVE, *_OFF_TOPIC, _ASKING, _CONFLICT)
_WORDS: Final = "words"
_EXCEPT: Final = "except"

_SENTENCE: Final = 1 << 32
"""Positions of two sentences are this far apart: no phrase reaches across."""
_APOSTROPHE: Final = re.compile("[’‘ʼʹ′`´＇]")
_INVISIBLE: Final = re.compile("[\u00ad\u0307\u0640\u064b-\u065f\u0670\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Soft hyphen, the dot that `İ` leaves behind, tatweel, Arabic vowel signs, joiners, direction marks."""
_UNIFIED: Final = tuple(zip("ıأإآٱىیکةۀہھşţ", "iااااييكههههșț", strict=True))
_CYRILLIC_APOSTROPHE: Final = re.compile("(?<=[\u0400-\u04ff])'(?=[\u0400-\u04ff])")
_TOKEN: Final = re.compile(r"[^\W_]+|[.!?؟۔]|\n\s*\n")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


def fold(text: str) -> str:
    """The text as the nets compare it: one spelling for case, look-alike letters and apostrophes."""
    text = unicodedata.normalize("NFKC", _APOSTROPHE.sub("'", text)).casefold()
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    for letter, same in _UNIFIED:
        text = text.replace(letter, same)
    return _CYRILLIC_APOSTROPHE.sub("", text)


def _placed(text: str) -> Iterator[tuple[int, str]]:
    """Every word of the folded text and its position."""
    position = 0
    for token in _TOKEN.findall(fold(text)):
        if token[0].isalnum():
            yield position, token
            position += 1
        else:
            position = (position // _SENTENCE + 1) * _SENTENCE


def _without_clitics(word: str) -> set[str]:
    """An Arabic word, also without the "and", "in", "for", "like" and "the" written together with it."""
    forms = {word}
    if word[0] in "وف":
        forms.add(word[1:])
    for form in tuple(forms):
        if form[:1] in ("ب", "ك", "ل"):
            forms.add(form[1:])
        if form.startswith("لل"):
            forms.add(form[2:])
    forms |= {form[2:] for form in forms if form.startswith("ال")}
    return {form for form in forms if len(form) >= SHORTEST_STEM} | {word}


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Slots one after the other, each with its alternatives; `reach` is how many words further each may lie."""

    slots: tuple[frozenset[str], ...]
    reach: tuple[int, ...]

    def found(self, hits: Mapping[str, set[int]]) -> set[int]:
        """Every position that takes part in an occurrence."""
        places: list[set[int]] = []
        for slot, reach in zip(self.slots, self.reach, strict=True):
            here = {position for key in slot for position in hits.get(key, ())}
            if places:
                here = {at for at in here if any(at - step in places[-1] for step in range(1, reach + 1))}
            if not here:
                return here
            places.append(here)
        for number in range(len(places) - 1, 0, -1):
            after, reach = places[number], self.reach[number]
            places[number - 1] = {
                at for at in places[number - 1] if any(at + step in after for step in range(1, reach + 1))
            }
        return set().union(*places)


@dataclass(frozen=True, slots=True)
class _Net:
    """One net in all languages: nobody has to know which language a message is written in."""

    words: Mapping[str, tuple[_Phrase, ...]]
    exceptions: Mapping[str, tuple[_Phrase, ...]]

    def sentences(self, hits: Mapping[str, set[int]]) -> set[int]:
        """The numbers of the sentences in which something is caught."""
        if self.words.keys().isdisjoint(hits):
            return set()
        excepted = _occurrences(self.exceptions, hits)
        if excepted:
            hits = {key: places - excepted for key, places in hits.items()}
        return {position // _SENTENCE for position in _occurrences(self.words, hits)}


def _occurrences(phrases: Mapping[str, tuple[_Phrase, ...]], hits: Mapping[str, set[int]]) -> set[int]:
    candidates = {phrase for key in hits for phrase in phrases.get(key, ())}
    return set().union(*(phrase.found(hits) for phrase in candidates))


@dataclass(frozen=True, slots=True)
class Keywords:
    """All nets, ready for matching."""

    nets: Mapping[str, _Net]
    keys: frozenset[str]
    """`knife` for the whole word, `kidnap*` for a stem, `*messer` for an ending."""
    stems: Mapping[str, tuple[int, ...]]
    endings: Mapping[str, tuple[int, ...]]
    """By their outermost letters how long they are: most words are in neither, however long the lists."""

    def notices(self, text: str) -> frozenset[Notice]:
        """What the text makes the bot add; the same for any case, and in any language of the nets."""
        hits = self._hits(text)
        if not hits:
            return frozenset()
        grave = frozenset(notice for notice in _GRAVE if self.nets[notice].sentences(hits))
        if grave:
            return grave
        asking = self.nets[_ASKING].sentences(hits)
        if not asking or self.nets[_CONFLICT].sentences(hits):
            return frozenset()
        return frozenset(notice for notice in _OFF_TOPIC if asking & self.nets[notice].sentences(hits))

    def _hits(self, text: str) -> dict[str, set[int]]:
        places: dict[str, list[int]] = {}
        for position, word in _placed(text):
            places.setdefault(word, []).append(position)
        hits: dict[str, set[int]] = {}
        for word, positions in places.items():
            for key in self._keys(word):
                hits.setdefault(key, set()).update(positions)
        return hits

    def _keys(self, word: str) -> Iterator[str]:
        forms = _without_clitics(word) if "\u0600" <= word[0] <= "\u06ff" else (word,)
        for form in forms:
            if form in self.keys:
                yield form
            for length in self.stems.get(form[:SHORTEST_STEM], ()):
                if (key := form[:length] + "*") in self.keys:
                    yield key
            for length in self.endings.get(form[-SHORTEST_STEM:], ()):
                if (key := "*" + form[-length:]) in self.keys:
                    yield key


def notices(text: str) -> frozenset[Notice]:
    """What the text makes the bot add, by the nets shipped with it."""
    return shipped().notices(text)


@cache
def shipped() -> Keywords:
    """The nets shipped with the bot. Raises KeywordsError."""
    return load(files(__package__).joinpath(SHIPPED).read_text("utf-8"))


def load(toml: str) -> Keywords:
    """Raises KeywordsError with the one line that says what is wrong."""
    try:
        tables = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise KeywordsError(f"{SHIPPED}: {' '.join(str(error).split())}") from None
    if missing := [net for net in _NETS if net not in tables]:
        raise KeywordsError(f"{SHIPPED}: [{missing[0]}.…] is missing")
    if unknown := [net for net in tables if net not in _NETS]:
        raise KeywordsError(f"{SHIPPED}: [{unknown[0]}] is unknown; there are {', '.join(_NETS)}")
    nets = {}
    keys: set[str] = set()
    for name, languages in tables.items():
        words: list[_Phrase] = []
        exceptions: list[_Phrase] = []
        for place, kind, entry in _entries(name, languages):
            phrase = _phrase(place, entry)
            (words if kind == _WORDS else exceptions).append(phrase)
            keys.update(*phrase.slots)
        if not words:
            raise KeywordsError(f"{SHIPPED}: [{name}] has no {_WORDS}")
        nets[name] = _Net(_by_first_slot(words), _by_first_slot(exceptions))
    return Keywords(
        nets,
        frozenset(keys),
        _lengths((key[:SHORTEST_STEM], len(key) - 1) for key in keys if key.endswith("*")),
        _lengths((key[-SHORTEST_STEM:], len(key) - 1) for key in keys if key.startswith("*")),
    )


def _lengths(found: Iterable[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    lengths: dict[str, set[int]] = {}
    for letters, length in found:
        lengths.setdefault(letters, set()).add(length)
    return {letters: tuple(of_them) for letters, of_them in lengths.items()}


def _entries(net: str, languages: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(languages, dict):
        raise KeywordsError(f"{SHIPPED}: {net} must be tables like [{net}.de]")
    for language, lists in languages.items():
        place = f"[{net}.{language}]"
        if not _LANGUAGE.fullmatch(language) or not isinstance(lists, dict):
            raise KeywordsError(f"{SHIPPED}: {place} is no table with the code of a language, like [{net}.de]")
        for kind, entries in lists.items():
            if kind not in (_WORDS, _EXCEPT):
                raise KeywordsError(f"{SHIPPED}: {place} has {kind!r}; there are only {_WORDS} and {_EXCEPT}")
            if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
                raise KeywordsError(f"{SHIPPED}: {place} {kind} must be a list of words in quotation marks")
            yield from ((place, kind, entry) for entry in entries)


def _phrase(place: str, entry: str) -> _Phrase:
    slots: list[frozenset[str]] = []
    reach: list[int] = []
    parts = entry.replace("…", " … ").split()
    if not parts or "…" in (parts[0], parts[-1]) or ("…", "…") in pairwise(parts):
        raise KeywordsError(f"{SHIPPED}: {place} {entry!r}: … stands between two words")
    step = 1
    for part in parts:
        if part == "…":
            step = 1 + GAP
            continue
        alternatives = [_keys_of(place, entry, word) for word in part.split("/")]
        if len(alternatives) > 1 and any(len(keys) > 1 for keys in alternatives):
            raise KeywordsError(f"{SHIPPED}: {place} {entry!r}: only single words stand around /")
        for keys in zip(*alternatives, strict=True):
            slots.append(frozenset(keys))
            reach.append(step)
            step = 1
    return _Phrase(tuple(slots), tuple(reach))


def _keys_of(place: str, entry: str, word: str) -> list[str]:
    """What a word as written is looked up by; more than one where it has a hyphen or an apostrophe."""
    stem, ending = word.endswith("*"), word.startswith("*")
    letters = word.strip("*")
    keys = [key for _, key in _placed(letters)]
    if not keys or "*" in letters or not re.fullmatch(r"[\w'’ʼ\u0640\u064b-\u0652\u200c-]+", letters):
        raise KeywordsError(f"{SHIPPED}: {place} {entry!r}: cannot read {word!r}")
    if stem and ending:
        raise KeywordsError(f"{SHIPPED}: {place} {entry!r}: * at one end of {word!r} only")
    if (stem and len(keys[-1]) < SHORTEST_STEM) or (ending and len(keys[0]) < SHORTEST_STEM):
        raise KeywordsError(f"{SHIPPED}: {place} {entry!r}: {word!r} needs at least {SHORTEST_STEM} letters")
    if stem:
        keys[-1] += "*"
    if ending:
        keys[0] = "*" + keys[0]
    return keys


def _by_first_slot(phrases: Iterable[_Phrase]) -> dict[str, tuple[_Phrase, ...]]:
    found: dict[str, tuple[_Phrase, ...]] = {}
    for phrase in phrases:
        for key in phrase.slots[0]:
            found[key] = (*found.get(key, ()), phrase)
    return found
