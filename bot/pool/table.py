"""The profiles of the pool as a CSV file that any spreadsheet opens: written, changed by hand, read again (R-51).

One profile alone is also written and read as lines like `Name: Ada`, with the same headings and words.

Read is UTF-8 with or without its mark, with semicolons, commas or tabs, with German or English words or their codes. A
cell with several values has `|` between them; `;`, a new line and a comma will do too. Either every row is right, or
nothing is taken over and every fault is named.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Final, TypeVar

from bot.contact_point import ContactPoint, Municipality
from bot.i18n import Text, _, language_name, listing, render, verbatim
from bot.languages import LANGUAGES
from bot.pool.languages import language_codes, language_label
from bot.pool.profile import MOST_CASES, WEEK, Away, Level, Profile, Spoken, Weekday
from bot.pool.words import LEVELS, PROFESSIONS, THEMES, WEEKDAYS, professions_of
from bot.taxonomy import Theme


class Column(StrEnum):
    """What a row says, in the order of the file."""

    ID = "ID"
    NAME = "NAME"
    PROFESSIONS = "PROFESSIONS"
    LANGUAGES = "LANGUAGES"
    MUNICIPALITIES = "MUNICIPALITIES"
    ONLINE = "ONLINE"
    THEMES = "THEMES"
    WEEKDAYS = "WEEKDAYS"
    MOST_CASES = "MOST_CASES"
    AWAY = "AWAY"
    COMMITTED_ON = "COMMITTED_ON"
    ORGANISATION = "ORGANISATION"
    FEE_CLASS = "FEE_CLASS"


HEADINGS: Final = {
    Column.ID: _("Pool number"),
    Column.NAME: _("Name"),
    Column.PROFESSIONS: _("Professions"),
    Column.LANGUAGES: _("Languages"),
    Column.MUNICIPALITIES: _("Places"),
    Column.ONLINE: _("Online"),
    Column.THEMES: _("Themes"),
    Column.WEEKDAYS: _("Days of the week"),
    Column.MOST_CASES: _("Most cases at a time"),
    Column.AWAY: _("Away"),
    Column.COMMITTED_ON: _("Commitment to secrecy signed on"),
    Column.ORGANISATION: _("Organisation"),
    Column.FEE_CLASS: _("Fee class"),
}

MOST_FAULTS: Final = 100
"""More than anybody reads at once."""
LONGEST_LINE: Final = 200
_MOST_COMMAS: Final = 5
"""Within the name of one value."""

_YES_OR_NO: Final = {"yes": _("Yes"), "no": _("No")}
_BETWEEN: Final = " | "
_SEPARATORS: Final = re.compile(r"[|;\r\n]")
_FORMULA: Final = r"""(?=[\s'"]*[=+\-@＝＋－＠])"""
_BEGINS_FORMULA: Final = re.compile(rf"(^|[;,\t]){_FORMULA}")
"""Where a spreadsheet would begin a formula (OWASP, "CSV Injection"), also if it takes the wrong separator."""
_SHIELDED: Final = re.compile(rf"(^|[;,\t])'{_FORMULA}")
_DATE: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}"
_SPAN: Final = re.compile(rf"({_DATE})(?:\s*(?:\.\.|-|–|—|bis|to)\s*({_DATE}))?")
_SPOKEN: Final = re.compile(r"(.+?)(?:\s*:\s*|\s+\(|\s+)([^\s:()]+)\)?")
_DELIMITERS: Final = ";,\t"
_LINE: Final = _("Most cases at a time: 2")

_T = TypeVar("_T")
_Code = TypeVar("_Code", bound=str)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong where; staff reads it."""

    row: int
    """As a spreadsheet counts, the headings being the first; 0: lines, which are known by their headings."""
    column: str
    """As the heading is written in the file; empty: the whole row."""
    reason: Text


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file says: the profiles, or the faults, never both."""

    profiles: tuple[Profile, ...]
    faults: tuple[Fault, ...]


def write_table(
    profiles: Iterable[Profile],
    places: Sequence[Municipality],
    language: str,
    professions: Mapping[str, Text] = PROFESSIONS,
) -> bytes:
    """The file with headings and words of a language; without profiles it is a form to fill in.

    An apostrophe stands where a cell would begin a formula; reading takes it away again.
    """
    known = Vocabulary.of(places, professions)
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(render(HEADINGS[column], language) for column in Column)
    for profile in profiles:
        cells = cells_of(profile, known, language)
        writer.writerow(_shielded(cells[column]) for column in Column)
    return file.getvalue().encode("utf-8-sig")


def read_table(
    data: bytes,
    places: Sequence[Municipality],
    new_id: Callable[[], str],
    professions: Mapping[str, Text] = PROFESSIONS,
    ids: Collection[str] | None = None,
) -> Imported:
    """What the file says; a row without a pool number gets a new one.

    With `ids`, another pool number than these is a fault.
    """
    reading = _Reading(Vocabulary.of(places, professions), new_id, ids)
    return reading.imported(reading.profiles(data))


def write_lines(profile: Profile, known: Vocabulary, language: str) -> list[tuple[Text, str]]:
    """What a profile says beside its number, by its headings."""
    cells = cells_of(profile, known, language)
    return [(heading, cells[column]) for column, heading in HEADINGS.items() if column is not Column.ID]


def read_lines(text: str, known: Vocabulary, id_: str, before: Profile | None = None) -> Imported:
    """The profile of a number as lines say; what no line names stays as it was `before`."""
    reading = _Reading(known, lambda: id_, {id_})
    return reading.imported(reading.profile(text, before))


class _Names:
    """Words for codes, in every complete language; what is written exactly so goes before what is only alike."""

    def __init__(self, labels: Mapping[_Code, Text], others: Mapping[str, Text] | None = None) -> None:
        self.labels = {str(code): label for code, label in labels.items()}
        self._exact: dict[str, str] = {}
        for each in (self.labels, others or {}):
            for language in LANGUAGES.values():
                if language.complete:
                    for code, label in each.items():
                        self._exact.setdefault(render(label, language.code), code)
        self.words = {_folded(name): name for name in self._exact}
        for code in self.labels:
            self._exact.setdefault(code, code)
        self._alike: dict[str, str] = {}
        for name, code in self._exact.items():
            self._alike.setdefault(_folded(name), code)

    def code(self, written: str) -> str | None:
        return self._exact.get(written) or self._alike.get(_folded(written))

    def name(self, code: str, language: str) -> str:
        """The word for it, or the code where the word would be read as something else."""
        name = render(self.labels[code], language) if code in self.labels else code
        return name if self.code(name) == code and not _SEPARATORS.search(name) else code

    def meant(self, written: str) -> str:
        """The word most like it; empty: none is."""
        return next((self.words[word] for word in get_close_matches(_folded(written), self.words, n=1)), "")


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


@cache
def _languages() -> _Names:
    labels = {code: language_label(code) for code in sorted(language_codes())}
    return _Names(labels, {code: language_name(code) for code in labels})


def language_named(written: str) -> str | None:
    """The code of the language that somebody calls so, in any complete language; None: nobody does."""
    names = _languages()
    return names.code(written) if _folded(written) in names.words else None


def language_meant(written: str) -> str:
    """The name of a language most like it; empty: none is."""
    return _languages().meant(written)


@dataclass(frozen=True)
class Vocabulary:
    """The words that may stand in a table of one contact point."""

    professions: _Names
    places: _Names
    languages: _Names
    levels: _Names
    themes: _Names
    weekdays: _Names
    yes_or_no: _Names

    @classmethod
    def at(cls, point: ContactPoint) -> Vocabulary:
        return cls.of(point.municipalities, professions_of(point))

    @classmethod
    def of(cls, places: Sequence[Municipality], professions: Mapping[str, Text]) -> Vocabulary:
        return cls(
            _Names(professions),
            _Names({place.slug: verbatim(place.name) for place in places}),
            _languages(),
            _Names(LEVELS),
            _Names(THEMES),
            _Names(WEEKDAYS),
            _Names(_YES_OR_NO),
        )


def cells_of(profile: Profile, known: Vocabulary, language: str) -> Mapping[Column, str]:
    """What the cells of a row say, in a language."""

    def several(names: _Names, codes: Iterable[str]) -> str:
        order = [code for code in names.labels if code in set(codes)]
        return _BETWEEN.join(names.name(code, language) for code in order)

    spoken = (
        f"{known.languages.name(each.language, language)}: {known.levels.name(each.level, language)}"
        for each in profile.languages
    )
    return {
        Column.ID: profile.id,
        Column.NAME: profile.name,
        Column.PROFESSIONS: several(known.professions, profile.professions),
        Column.LANGUAGES: _BETWEEN.join(spoken),
        Column.MUNICIPALITIES: several(known.places, profile.municipalities),
        Column.ONLINE: known.yes_or_no.name("yes" if profile.online else "no", language),
        Column.THEMES: several(known.themes, profile.themes),
        Column.WEEKDAYS: several(known.weekdays, profile.weekdays),
        Column.MOST_CASES: str(profile.most_cases),
        Column.AWAY: _BETWEEN.join(f"{away.first}..{away.last}" for away in profile.away),
        Column.COMMITTED_ON: str(profile.committed_on or ""),
        Column.ORGANISATION: profile.organisation,
        Column.FEE_CLASS: profile.fee_class,
    }


def _shielded(cell: str) -> str:
    return _BEGINS_FORMULA.sub(r"\1'", cell)


def _unshielded(cell: str) -> str:
    return _SHIELDED.sub(r"\1", cell)


@dataclass
class _Reading:
    """One file or text on its way in."""

    known: Vocabulary
    new_id: Callable[[], str]
    ids: Collection[str] | None = None
    """The pool numbers that may stand there; None: any."""
    faults: list[Fault] = field(default_factory=list)
    row: int = 1
    written: Mapping[Column, str] = field(default_factory=dict)
    """The headings as they stand in the file."""

    def imported(self, found: Iterable[Profile]) -> Imported:
        profiles = tuple(found)
        faults = tuple(self.faults[:MOST_FAULTS])
        return Imported(() if faults else profiles, faults)

    def profile(self, text: str, before: Profile | None) -> Iterator[Profile]:
        """The one profile that lines change or begin."""
        self.row = 0
        cells: dict[Column, str] = {}
        for line in filter(None, map(str.strip, text.splitlines())):
            heading, colon, cell = (part.strip() for part in line.partition(":"))
            code = _headings().code(heading)
            column = Column(code) if code else None
            if not colon:
                self.wrong(
                    None, _("“{written}” is no line like this: “{example}”.", written=_short(line), example=_LINE)
                )
            elif column is None or column in cells:
                reason = _("This heading stands there twice.") if column else self._unknown(_headings(), heading)
                self.faults.append(Fault(self.row, heading, reason))
            else:
                cells[column] = cell
                self.written = {**self.written, column: heading}
        if not cells and not self.faults:
            self.wrong(None, _("Please write lines like this: “{example}”.", example=_LINE))
        as_before = cells_of(before, self.known, "en") if before is not None else {Column.NAME: ""}
        profile = self._profile(dict(as_before) | cells, set()) if not self.faults else None
        if profile is not None and before is not None:
            # What no line names may be something that has no word here any more.
            yield replace(before, **{column.lower(): getattr(profile, column.lower()) for column in cells})
        elif profile is not None:
            yield profile

    def profiles(self, data: bytes) -> Iterator[Profile]:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.row = data.count(b"\n", 0, error.start) + 1
            self.wrong(None, _("The file is not in UTF-8. Please save it as “CSV UTF-8”."))
            return
        records = _records(text)
        try:
            columns = self._headings(next(records, []))
            if columns is None:
                return
            ids: set[str] = set()
            for record in records:
                self.row += 1
                if not any(cell.strip() for cell in record):
                    continue
                if any(cell.strip() for cell in record[len(columns) :]):
                    self.wrong(None, _("This row has more cells than there are headings."))
                read = zip(columns, map(_unshielded, map(str.strip, record)), strict=False)
                cells = {column: cell for column, cell in read if column}
                if (profile := self._profile(cells, ids)) is not None:
                    yield profile
                if len(self.faults) >= MOST_FAULTS:
                    return
        except csv.Error:
            self.row += 1
            self.wrong(None, _("From this row on the file cannot be read. Is a quotation mark missing?"))

    def wrong(self, column: Column | None, reason: Text) -> None:
        self.faults.append(Fault(self.row, self.written.get(column, "") if column else "", reason))

    def _headings(self, record: Sequence[str]) -> list[Column | None] | None:
        """What the cells of a row are; None: not a table of the pool."""
        names = _headings()
        columns: list[Column | None] = []
        for heading in map(str.strip, record):
            code = names.code(heading)
            column = Column(code) if code else None
            if heading and (column is None or column in columns):
                reason = _("This heading stands there twice.") if column else self._unknown(names, heading)
                self.faults.append(Fault(self.row, heading, reason))
            columns.append(column)
        self.written = {column: heading.strip() for column, heading in zip(columns, record, strict=True) if column}
        missing = [HEADINGS[column] for column in Column if column not in columns and column is not Column.ID]
        if missing:
            self.wrong(None, _("These headings are missing: {headings}.", headings=listing(missing)))
        return None if self.faults else columns

    def _profile(self, cells: Mapping[Column, str], ids: set[str]) -> Profile | None:
        before = len(self.faults)
        known = self.known

        def several(column: Column, names: _Names) -> list[str]:
            return self._several(column, cells.get(column, ""), names.code, names)

        professions = several(Column.PROFESSIONS, known.professions)
        if not professions and len(self.faults) == before:
            self.wrong(Column.PROFESSIONS, _("At least one profession is needed."))
        name = self._line(Column.NAME, cells)
        if not name and Column.NAME in cells:
            self.wrong(Column.NAME, _("A name is needed."))
        languages = self._languages(cells.get(Column.LANGUAGES, ""))
        weekdays = several(Column.WEEKDAYS, known.weekdays)
        id_ = self._line(Column.ID, cells) or self.new_id()
        if id_ in ids:
            self.wrong(Column.ID, _("“{id}” stands in two rows.", id=id_))
        if cells.get(Column.ID) and self.ids is not None and id_ not in self.ids:
            self.wrong(Column.ID, _("There is no “{id}” in the pool. Somebody new gets a number here.", id=_short(id_)))
        ids.add(id_)
        municipalities = several(Column.MUNICIPALITIES, known.places)
        online = several(Column.ONLINE, known.yes_or_no)
        if len(online) > 1:
            self.wrong(Column.ONLINE, _("Please write {possible}.", possible=listing([*_YES_OR_NO.values()])))
        themes = several(Column.THEMES, known.themes)
        most_cases = self._most_cases(cells.get(Column.MOST_CASES, ""))
        away = self._several(Column.AWAY, cells.get(Column.AWAY, ""), _away)
        committed_on = self._committed_on(cells.get(Column.COMMITTED_ON, ""))
        organisation, fee_class = self._line(Column.ORGANISATION, cells), self._line(Column.FEE_CLASS, cells)
        if len(self.faults) > before:
            return None
        return Profile(
            id=id_,
            name=name,
            professions=frozenset(professions),
            languages=tuple(languages),
            municipalities=frozenset(municipalities),
            online=online == ["yes"],
            themes=frozenset(map(Theme, themes)),
            weekdays=frozenset(map(Weekday, weekdays)) or frozenset(WEEK),
            most_cases=most_cases,
            away=tuple(away),
            committed_on=committed_on,
            organisation=organisation,
            fee_class=fee_class,
        )

    def _line(self, column: Column, cells: Mapping[Column, str]) -> str:
        line = cells.get(column, "")
        if len(line) > LONGEST_LINE or any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in line):
            self.wrong(column, _("One line of at most {n} characters is possible.", n=LONGEST_LINE))
        return line

    def _several(
        self, column: Column, cell: str, read: Callable[[str], _T | None], names: _Names | None = None
    ) -> list[_T]:
        """The values of a cell; between commas stands the longest part that is one, for some have commas themselves."""
        found = []
        for part in _SEPARATORS.split(cell):
            pieces = part.split(",")
            while pieces:
                for length in range(min(len(pieces), _MOST_COMMAS + 1), 0, -1):
                    if (value := read(",".join(pieces[:length]).strip())) is not None:
                        found.append(value)
                        break
                else:
                    length = 1
                    if written := pieces[0].strip():
                        self.wrong(column, self._unknown(names, written) if names else _not_away(written))
                del pieces[:length]
        return found

    def _unknown(self, names: _Names, written: str) -> Text:
        if meant := names.meant(written):
            return _("“{written}” is not known. Is “{meant}” meant?", written=_short(written), meant=meant)
        return _("“{written}” is not known.", written=_short(written))

    def _languages(self, cell: str) -> list[Spoken]:
        found: list[Spoken] = []
        for part in filter(None, map(str.strip, re.split(r"[|;,\r\n]", cell))):
            match = _SPOKEN.fullmatch(part)
            level = self.known.levels.code(match[2]) if match else None
            written = match[1] if match and (level or self.known.languages.code(match[1])) else part
            language = self.known.languages.code(written)
            if language is None:
                self.wrong(Column.LANGUAGES, self._unknown(self.known.languages, written))
            elif level is None:
                self.wrong(
                    Column.LANGUAGES, _("How well? Please write it like this: “{example}”.", example=f"{written}: B2")
                )
            elif any(spoken.language == language for spoken in found):
                self.wrong(Column.LANGUAGES, _("“{written}” stands there twice.", written=_short(written)))
            else:
                found.append(Spoken(language, Level(level)))
        return found

    def _most_cases(self, cell: str) -> int:
        if cell and not (re.fullmatch(r"[0-9]{1,3}", cell) and 1 <= int(cell) <= MOST_CASES):
            self.wrong(Column.MOST_CASES, _("A number from 1 to {most} is possible.", most=MOST_CASES))
            return 1
        return int(cell or 1)

    def _committed_on(self, cell: str) -> date | None:
        day = read_day(cell)
        if cell and day is None:
            self.wrong(
                Column.COMMITTED_ON,
                _(
                    "“{written}” is no day. Please write it like this: {example}.",
                    written=_short(cell),
                    example="2026-11-23",
                ),
            )
        return day


@cache
def _headings() -> _Names:
    return _Names(HEADINGS)


def _records(text: str) -> Iterator[list[str]]:
    """The rows, by the separator with which most headings are known."""
    known = _headings()

    def headings(delimiter: str) -> int:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        return sum(known.code(cell.strip()) is not None for cell in first)

    return csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=headings), strict=True)


def _away(written: str) -> Away | None:
    match = _SPAN.fullmatch(written)
    first, last = (read_day(match[1]), read_day(match[2] or match[1])) if match else (None, None)
    return Away(first, last) if first and last and first <= last else None


def _not_away(written: str) -> Text:
    return _(
        "“{written}” is no time. Please write it like this: {example}.",
        written=_short(written),
        example="2026-07-01..2026-07-14",
    )


def read_day(written: str) -> date | None:
    """A day like 2026-12-24 or 24.12.2026; None for anything else."""
    if not re.fullmatch(_DATE, written):
        return None
    try:
        if "." in written:
            day, month, year = map(int, written.split("."))
            return date(year, month, day)
        return date.fromisoformat(written)
    except ValueError:
        return None


def _short(written: str) -> str:
    return written if len(written) <= 60 else f"{written[:59]}…"
