"""Sentences that wait for their language: written in English in the code, rendered for whoever reads them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.lists import format_list
from babel.numbers import format_decimal

from bot import pseudo
from bot.catalogues import FOLDER, Pieces, pieces, plurals, read
from bot.languages import LANGUAGES, SOURCE, Language, language_of

ZONE: Final = ZoneInfo("Europe/Berlin")
"""Where every contact point is."""

FIRST_STRONG: Final = "\u2068"
LEFT_TO_RIGHT: Final = "\u2066"
END: Final = "\u2069"


class Phone(str):
    """A telephone number, written in groups; keeps its order of digits in every language (W-17)."""

    __slots__ = ()


class Text:
    """What a person will read, not yet in a language. Made by `_` and the other functions here."""

    __slots__ = ()


Value = str | int | Text | date | time
"""What a placeholder may stand for; a datetime is a date."""


@dataclass(frozen=True, slots=True, repr=False)
class _Sentence(Text):
    source: str
    values: tuple[tuple[str, Value], ...] = ()
    plural: str = ""
    number: int = 1

    def __repr__(self) -> str:
        return f"Text({self.source!r})"  # values may be what a person wrote (D-13)


@dataclass(frozen=True, slots=True, repr=False)
class _Verbatim(Text):
    content: str

    def __repr__(self) -> str:
        return "Text(verbatim)"


@dataclass(frozen=True, slots=True, repr=False)
class _Joined(Text):
    parts: tuple[Text, ...]
    glue: str

    def __repr__(self) -> str:
        return f"Text{self.parts!r}"


@dataclass(frozen=True, slots=True, repr=False)
class _Listing(Text):
    items: tuple[Text | str, ...]
    style: Literal["standard", "or"] = "standard"

    def __repr__(self) -> str:
        return f"Text(listing of {len(self.items)})"


@dataclass(frozen=True, slots=True)
class _LanguageName(Text):
    code: str


def _(source: str, /, **values: Value) -> Text:
    """One sentence. `source` has to be a literal, otherwise nobody can translate it."""
    return _Sentence(source, tuple(values.items()))


def ngettext(singular: str, plural: str, n: int, /, **values: Value) -> Text:
    """One sentence that depends on a number, which it may show as `{n}`."""
    return _Sentence(singular, (("n", n), *values.items()), plural, n)


def verbatim(content: str, /) -> Text:
    """A proper name, or what a person wrote: the same in every language."""
    return _Verbatim(content)


def paragraphs(*parts: Text | None) -> Text:
    """The parts with an empty line between them; None and what turns out empty is left out."""
    return _Joined(tuple(part for part in parts if part is not None), "\n\n")


def lines(*parts: Text | None) -> Text:
    """The parts, one a line; None and what turns out empty is left out."""
    return _Joined(tuple(part for part in parts if part is not None), "\n")


def listing(items: Sequence[Text | str], /) -> Text:
    """ "A, B and C", as the language has it."""
    return _Listing(tuple(items))


def alternatives(items: Sequence[Text | str], /) -> Text:
    """ "A, B or C", as the language has it."""
    return _Listing(tuple(items), "or")


def language_name(code: str, /) -> Text:
    """What a language is called: any that the CLDR names, not only those that can be read here."""
    return _LanguageName(code)


def render(text: Text, language: str) -> str:
    """The text for a reader of `language`; never raises for a catalogue's sake.

    Where a sentence is missing or wrong the languages are asked that the registry names, at last the source.
    """
    return _SHIPPED.render(text, language)


class Renderer:
    """Renders with the catalogues of one folder, each read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._catalogue = cache(self._read)
        self._spoken = cache(self._most_spoken)
        self._fixed = lru_cache(maxsize=8192)(self._without_values)

    def render(self, text: Text, language: str) -> str:
        if language in (pseudo.CODE, pseudo.RIGHT_TO_LEFT):
            return _pseudo(text, language)
        reader = LANGUAGES.get(language, LANGUAGES["de"])
        return self._text(text, reader, self._spoken(reader.code))

    def _read(self, code: str) -> Mapping[str, tuple[Pieces, ...]]:
        return read(LANGUAGES[code], self._folder)

    def _most_spoken(self, reader_code: str) -> Language:
        """The language a reader mostly gets, as long as the own catalogue has nothing."""
        reader = LANGUAGES[reader_code]
        for code in (reader.code, *reader.fallback):
            if code == SOURCE or self._catalogue(code):
                return LANGUAGES[code]
        return LANGUAGES[SOURCE]

    def _text(self, text: Text, reader: Language, around: Language) -> str:
        match text:
            case _Sentence():
                return self._sentence(text, reader) if text.values else self._fixed(text.source, reader.code)
            case _Verbatim():
                return text.content
            case _Joined():
                rendered = (self._text(part, reader, around) for part in text.parts)
                return text.glue.join(part for part in rendered if part)
            case _Listing():
                items = [self._value(item, reader, around) for item in text.items]
                return format_list(items, text.style, _locale(around.babel_locale))
            case _LanguageName():
                return _called(text.code, around)
        raise TypeError(f"not made by this module: {type(text).__name__}")

    def _without_values(self, source: str, reader_code: str) -> str:
        return self._sentence(_Sentence(source), LANGUAGES[reader_code])

    def _sentence(self, sentence: _Sentence, reader: Language) -> str:
        found, language = self._found(sentence, reader)
        values = dict(sentence.values)
        written = []
        for words, name in found:
            written.append(words)
            if name:
                written.append(self._value(values[name], reader, language) if name in values else "…")
        return "".join(written)

    def _found(self, sentence: _Sentence, reader: Language) -> tuple[Pieces, Language]:
        for code in (reader.code, *reader.fallback):
            forms = self._catalogue(code).get(sentence.source)
            if forms is None:
                continue
            language = LANGUAGES[code]
            if not sentence.plural:
                return forms[0], language
            if len(forms) > 1:
                return forms[plurals(language).form(abs(sentence.number))], language
        return _source(_source_form(sentence)), LANGUAGES[SOURCE]

    def _value(self, value: Value, reader: Language, around: Language) -> str:
        """A value as it stands in a sentence of the language `around`."""
        match value:
            case _Sentence() | _Joined() | _Listing() | _LanguageName():
                inner = self._text(value, reader, around)
                right_to_left = around.direction == "rtl"
                return _isolated(inner) if _has_right_to_left(inner) is not right_to_left else inner
            case _Verbatim():
                return _plain(value.content, around)
            case Text():
                raise TypeError(f"not made by this module: {type(value).__name__}")
        return _plain(value, around)


_SHIPPED: Final = Renderer(FOLDER)


def _plain(value: str | int | date | time, around: Language) -> str:
    """What is no sentence of its own."""
    right_to_left = around.direction == "rtl"
    match value:
        case Phone():
            return _isolated(_stripped(value), LEFT_TO_RIGHT) if right_to_left else _stripped(value)
        case str():
            return _free(value, right_to_left)
    return _formatted(value, around)


def _source_form(sentence: _Sentence) -> str:
    return sentence.plural if sentence.plural and sentence.number != 1 else sentence.source


@lru_cache(maxsize=4096)
def _source(sentence: str) -> Pieces:
    try:
        return pieces(sentence)
    except ValueError:
        return ((sentence, ""),)  # the gate finds it; a person still gets the words


_locale: Callable[[str], Locale] = cache(Locale.parse)


def _formatted(value: int | date | time, language: Language) -> str:
    locale = _locale(language.babel_locale)
    match value:
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            pattern = f"{language.date_pattern}{language.comma}{language.time_pattern}"
            return format_datetime(aware.astimezone(ZONE), pattern, tzinfo=ZONE, locale=locale)
        case date():
            return format_date(value, language.date_pattern, locale=locale)
        case time():
            return format_time(
                datetime.combine(date.min, value.replace(tzinfo=None)), language.time_pattern, locale=locale
            )
        case int():
            return str(value) if -1000 < value < 1000 else format_decimal(value, locale=locale)
    raise TypeError(f"no value of a sentence: {type(value).__name__}")


def _called(code: str, language: Language) -> str:
    own = _locale(language.babel_locale).languages
    return own.get(code) or _locale("en").languages.get(code) or code


_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ADDRESS: Final = re.compile(r"(https?://|mailto:|/)[!-~]+")


def _stripped(value: str) -> str:
    return _DIRECTIONS.sub("", value)


def _free(value: str, right_to_left: bool) -> str:
    """A word of somebody's own, which must neither turn its surroundings round nor be turned round by them."""
    value = _stripped(value)
    if _ADDRESS.fullmatch(value):
        return value  # an isolate would become part of the link or the command
    return _isolated(value) if right_to_left or _has_right_to_left(value) else value


def _isolated(value: str, opening: str = FIRST_STRONG) -> str:
    """Line by line, because an isolate ends with its paragraph."""
    return re.sub(r"[^\r\n\x1c-\x1e\x85\u2029]+", lambda line: f"{opening}{line[0]}{END}", value)


def _has_right_to_left(value: str) -> bool:
    return not value.isascii() and any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in value)


def _pseudo(text: Text, code: str) -> str:
    match text:
        case _Sentence():
            values = dict(text.values)
            return pseudo.sentence(
                (
                    (words, _pseudo_value(values[name], code) if name in values else pseudo.lacking(name))
                    for words, name in _source(_source_form(text))
                ),
                code,
            )
        case _Verbatim():
            return pseudo.value(text.content)
        case _Joined():
            return text.glue.join(part for each in text.parts if (part := _pseudo(each, code)))
        case _Listing():
            return ", ".join(_pseudo_value(each, code) for each in text.items)
        case _LanguageName():
            return pseudo.value(_called(text.code, language_of(code)))
    raise TypeError(f"not made by this module: {type(text).__name__}")


def _pseudo_value(value: Value, code: str) -> str:
    match value:
        case _Verbatim():
            return pseudo.value(_plain(value.content, language_of(code)))
        case Text():
            return _pseudo(value, code)
    return pseudo.value(_plain(value, language_of(code)))
