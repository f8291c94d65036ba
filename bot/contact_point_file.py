"""Reads a contact point's file strictly: every mistake is one line that names file, key and what is wrong."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from datetime import date, timedelta
from difflib import get_close_matches
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from bot.contact_point import (
    FEASTS,
    ContactPoint,
    Deadlines,
    DeskElsewhere,
    HandOffRules,
    HelpLine,
    Languages,
    Limits,
    MatrixRules,
    MediaRules,
    Municipality,
    Organisation,
    PoolRules,
    Privacy,
    Referral,
    Reminders,
    Retention,
    RoundTableRules,
    SensitiveDay,
    ServiceTimes,
    Span,
    TelegramRules,
    Translated,
    WorkingPeriod,
)
from bot.messages import MEDIA_KINDS
from bot.taxonomy import MediationRule

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEEDED_HELP_LINES: Final = ("police", "rescue", "crisis_line", "youth_office")
"""Help lines that the texts on danger, children and suicide point to (F-05, F-11, F-12)."""

LONGEST_SLUG: Final = 35
"""What a button of a messenger can carry."""

_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PROFESSION: Final = re.compile(r"[a-z][a-z0-9_]{0,34}")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,8})?")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 /()-]+")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_WEBSITE: Final = re.compile(r"https?://[^\s/]+\.[^\s]+")
_ADDRESS: Final = re.compile(r"https?://[^\s/]+")
_MATRIX_USER: Final = re.compile(r"@[a-z0-9._=/+-]+:[^\s:/]+(:[0-9]+)?")
_TIME: Final = re.compile(r"([0-9]{1,2})(?::([0-5][0-9]))?")
_YEARLY: Final = re.compile(r"[0-9]{2}-[0-9]{2}")
_PERIOD: Final = re.compile(r"([0-9]{1,3}) ?(min|h|d)")
_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

_FEWEST_SERVICE_DAYS: Final = 20
_LONGEST_LINE: Final = 300
_T = TypeVar("_T")
_Default = TypeVar("_Default")


class ContactPointError(Exception):
    """A contact point's file is wrong; its text has one line for every mistake."""


def shipped() -> Path:
    """The folder with the sample files that come with the program."""
    installed = Path(__file__).with_name("shipped_config")
    return installed if installed.is_dir() else Path(__file__).parents[1] / "config"


def load_contact_points(folder: Path, languages: Collection[str] | None = None) -> dict[str, ContactPoint]:
    """All contact points of a folder by id, in order; ContactPointError has the mistakes of all files."""
    found: dict[str, ContactPoint] = {}
    mistakes: list[str] = []
    for path in sorted(folder.glob("[!.]*.toml")):
        try:
            found[path.stem] = load_contact_point(path, languages)
        except ContactPointError as error:
            mistakes.append(str(error))
    if not found and not mistakes:
        mistakes.append(f"{_printable(str(folder))}: no file of a contact point (*.toml) in this folder")
    if mistakes:
        raise ContactPointError("\n".join(mistakes))
    return found


def load_contact_point(path: Path, languages: Collection[str] | None = None) -> ContactPoint:
    """Reads one file; `languages` are the codes that the file may name, None: any well-formed one.

    Raises ContactPointError with every mistake of the file, one line each.
    """
    mistakes: list[str] = []
    contact_point = None
    try:
        root = _Table(_parse(path), "", mistakes)
    except _Wrong as error:
        mistakes.append(error.what)
    else:
        if not _SLUG.fullmatch(path.stem):
            mistakes.append("the name of the file may only have the letters a-z, digits and hyphens")
        contact_point = _contact_point(path.stem, root, languages)
    if contact_point is None or mistakes:
        name = _printable(path.name)
        raise ContactPointError("\n".join(f"{name}: {mistake}" for mistake in mistakes))
    return contact_point


class _Wrong(Exception):
    def __init__(self, what: str, value: Any = None) -> None:
        super().__init__(what)
        self.what = what if value is None else f"{_shown(value)}: {what}"


class _Table:
    """One table of the file: what nobody asks for is a mistake, and all mistakes are collected."""

    def __init__(self, values: dict[str, Any], path: str, mistakes: list[str]) -> None:
        self.values = values
        self.path = path
        self.mistakes = mistakes
        self.known: list[str] = []

    def read(
        self, name: str, convert: Callable[[Any], _T], default: _Default, *, needed: bool = False
    ) -> _T | _Default:
        """The converted value; after a mistake the default."""
        self.known.append(name)
        value = self.values.get(name)
        if value is not None:
            try:
                return convert(value)
            except _Wrong as error:
                self.wrong(error.what, name)
        elif needed:
            self.wrong("is missing", name)
        return default

    def table(self, name: str) -> _Table:
        empty: dict[str, Any] = {}
        return _Table(self.read(name, _dictionary, empty), self._path_of(name), self.mistakes)

    def tables(self, name: str) -> list[_Table]:
        """The tables under [[name]]; counted from one in mistakes."""
        found = self.read(name, _dictionaries, ())
        path = self._path_of(name)
        return [_Table(values, f"{path}[{n}]", self.mistakes) for n, values in enumerate(found, 1)]

    def wrong(self, what: str, name: str = "") -> None:
        self.mistakes.append(f"{self._path_of(name)}: {what}")

    def close(self) -> None:
        """Notes the keys that nobody has asked for."""
        for name in self.values:
            if name not in self.known:
                self.wrong(f"unknown key{_did_you_mean(name, self.known)}", name)

    def _path_of(self, name: str) -> str:
        key = name if not name or _BARE_KEY.fullmatch(name) else _shown(name)
        return ".".join(part for part in (self.path, key) if part)


def _parse(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _Wrong(f"cannot be read: {error.strerror or type(error).__name__}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Wrong(f"line {line}: a character is not in UTF-8; save the file as UTF-8") from error
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise _Wrong("too many brackets inside each other") from error
    except ValueError as error:
        raise _Wrong(_toml_mistake(str(error), last_line=text.count("\n") + 1)) from error


def _toml_mistake(what: str, last_line: int) -> str:
    if match := _TOML_PLACE.fullmatch(what):
        what, line, column = match.groups()
        place = f"line {line}, column {column}" if line else f"line {last_line} (the end of the file)"
        return f"{place}: {_printable(what)}"
    return _printable(what)


def _contact_point(name: str, root: _Table, languages: Collection[str] | None) -> ContactPoint:
    translated = _translated(languages)
    address = root.read("address", _line, "", needed=True)
    municipalities = _municipalities(root.table("municipalities"), root.table("areas"))
    contact_point = ContactPoint(
        id=name,
        name=root.read("name", _line, "", needed=True),
        phone=root.read("phone", _phone, "", needed=True),
        email=root.read("email", _email, "", needed=True),
        address=address,
        show_staff_names=root.read("show_staff_names", _flag, False),
        municipalities=municipalities,
        organisations=_organisations(root.table("organisations"), {place.slug for place in municipalities}),
        service=_service_times(root.table("service_hours")),
        help_lines=_help_lines(root, translated),
        privacy=_privacy(root.table("privacy"), translated, address),
        referrals=_referrals(root, translated),
        languages=_languages(root.table("languages"), languages),
        deadlines=_deadlines(root.table("deadlines")),
        retention=_counts(root.table("retention"), Retention),
        media=_media(root.table("media")),
        limits=_counts(root.table("limits"), Limits),
        handoff=_counts(root.table("handoff"), HandOffRules),
        reminders=_reminders(root.table("reminders")),
        pool=_pool(root.table("pool")),
        round_tables=_round_tables(root, translated),
        telegram=(telegram := _telegram(root)),
        matrix=_matrix(root, telegram),
        professions=_professions(root.table("professions"), translated),
    )
    root.close()
    return contact_point


def _municipalities(table: _Table, areas: _Table) -> tuple[Municipality, ...]:
    names = {slug: table.read(slug, _line, "") for slug in table.values}
    if not names:
        table.wrong("names no municipality")
    for slug in names:
        if not _SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
            table.wrong(f"a short name has up to {LONGEST_SLUG} letters a-z, digits and hyphens, like waldbroel", slug)
    seen: set[str] = set()
    for slug, name in names.items():
        if name and name in seen:
            table.wrong(f"{_shown(name)}: a second municipality of this name", slug)
        seen.add(name)
    area_of: dict[str, str] = {}
    for area in areas.values:
        if not area.strip() or not area.isprintable():
            areas.wrong("the name of an area is a word like Süd", area)
        for slug in areas.read(area, _lines, ()):
            if slug not in names:
                areas.wrong(f"{_shown(slug)}: no such municipality{_did_you_mean(slug, names)}", area)
            elif slug in area_of:
                areas.wrong(f"{_shown(slug)}: is already in the area {_shown(area_of[slug])}", area)
            area_of[slug] = area
    places = (Municipality(slug, name, area_of.get(slug, "")) for slug, name in names.items())
    return tuple(sorted(places, key=lambda place: _collation(place.name)))


def _organisations(table: _Table, places: Collection[str]) -> tuple[Organisation, ...]:
    names = {slug: table.read(slug, _line, "") for slug in table.values}
    for slug in names:
        if not _SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
            table.wrong(f"a short name has up to {LONGEST_SLUG} letters a-z, digits and hyphens, like caritas", slug)
        elif slug in places:
            table.wrong("a municipality has this short name already", slug)
    return tuple(
        sorted((Organisation(slug, name) for slug, name in names.items()), key=lambda each: _collation(each.name))
    )


def _collation(name: str) -> tuple[str, str]:
    """DIN 5007-1: ö like o, ß like ss."""
    letters = unicodedata.normalize("NFD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)), name


def _service_times(table: _Table) -> ServiceTimes:
    hours = tuple(table.read(weekday, _hours, ()) for weekday in WEEKDAYS)
    closing = table.read("closing_days", _closing_days, ())
    table.close()
    service = ServiceTimes(
        hours=hours,
        closed=tuple((e.first, e.last) for e in closing if isinstance(e, _Closed)),
        closed_yearly=tuple((e.first, e.last) for e in closing if isinstance(e, _ClosedYearly)),
        closed_feasts=tuple(e for e in closing if isinstance(e, str)),
    )
    if not any(hours):
        table.wrong("no day of the week has service hours")
        return service
    # A year more than the dates name stands for all the years to come.
    named = [day.year for span in service.closed for day in span] or [2026]
    for year in range(min(named), max(named) + 2):
        # The eleven public holidays of NRW come on top, so that some service days are sure to remain.
        if (days := sum(1 for day in _days_of(year) if service.on(day))) < _FEWEST_SERVICE_DAYS:
            table.wrong(f"service days in {year}: {days}, but at least {_FEWEST_SERVICE_DAYS} are needed")
            break
    return service


def _days_of(year: int) -> Iterator[date]:
    return (date(year, 1, 1) + timedelta(n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days))


def _help_lines(root: _Table, translated: Callable[[Any], Translated]) -> tuple[HelpLine, ...]:
    lines: dict[str, HelpLine] = {}
    for table in root.tables("help_lines"):
        line = HelpLine(
            key=table.read("key", _key, "", needed=True),
            label=table.read("label", translated, _NO_TEXT, needed=True),
            numbers=table.read("numbers", _phones, (), needed=True),
            checked_on=table.read("checked_on", _day, date.min, needed=True),
            hours=table.read("hours", translated, None),
        )
        table.close()
        if line.key and line.key in lines:
            table.wrong(f"{_shown(line.key)}: a second help line with this key", "key")
        lines[line.key] = line
    for key in NEEDED_HELP_LINES:
        if key not in lines:
            root.wrong(f"the help line with the key {_shown(key)} is missing", "help_lines")
    return tuple(lines.values())


def _referrals(root: _Table, translated: Callable[[Any], Translated]) -> tuple[Referral, ...]:
    referrals: dict[str, Referral] = {}
    for table in root.tables("referrals"):
        referral = Referral(
            topic=table.read("topic", _key, "", needed=True),
            name=table.read("name", translated, _NO_TEXT, needed=True),
            phone=table.read("phone", _phone, ""),
            website=table.read("website", _website, ""),
        )
        table.close()
        if not {"phone", "website"} & table.values.keys():
            table.wrong("a phone or a website is needed")
        if referral.topic and referral.topic in referrals:
            table.wrong(f"{_shown(referral.topic)}: a second referral for this topic", "topic")
        referrals[referral.topic] = referral
    return tuple(referrals.values())


def _professions(table: _Table, translated: Callable[[Any], Translated]) -> tuple[tuple[str, Translated], ...]:
    for key in table.values:
        if not _PROFESSION.fullmatch(key):
            table.wrong("up to 35 of the letters a-z, digits and _ are possible, like theatre", key)
    return tuple((key, table.read(key, translated, _NO_TEXT)) for key in table.values)


def _privacy(table: _Table, translated: Callable[[Any], Translated], address: str) -> Privacy:
    privacy = Privacy(
        controller=table.read("controller", translated, _NO_TEXT, needed=True),
        address=table.read("address", translated, Translated((("de", address),))),
        data_protection_officer=table.read("data_protection_officer", translated, _NO_TEXT, needed=True),
        task=table.read("task", translated, _NO_TEXT, needed=True),
        agreement=table.read("agreement", translated, None),
    )
    table.close()
    return privacy


def _languages(table: _Table, known: Collection[str] | None) -> Languages:
    def code(value: Any) -> str:
        return _language(value, known)

    found = Languages(
        default=table.read("default", code, Languages.default),
        desk=table.read("desk", code, Languages.desk),
        offered=table.read("offered", lambda value: tuple(code(item) for item in _items(value)), ()),
    )
    table.close()
    if found.offered and found.default not in found.offered:
        table.wrong(f"{_shown(found.default)}, the default, is not among them", "offered")
    return found


def _deadlines(table: _Table) -> Deadlines:
    found = Deadlines(
        **{f.name: table.read(f.name, _working_period, getattr(Deadlines, f.name)) for f in fields(Deadlines)}
    )
    table.close()
    return found


def _media(table: _Table) -> MediaRules:
    found = MediaRules(
        allowed=table.read("allowed", _flag, MediaRules.allowed),
        max_mb=table.read("max_mb", _count, MediaRules.max_mb),
        kinds=table.read("kinds", _media_kinds, MediaRules.kinds),
        keep_days=table.read("keep_days", _count, MediaRules.keep_days),
    )
    table.close()
    return found


def _reminders(table: _Table) -> Reminders:
    found = Reminders(
        draft_after_hours=table.read("draft_after_hours", _count, Reminders.draft_after_hours),
        quiet_hours=table.read("quiet_hours", _quiet_hours, Reminders.quiet_hours),
    )
    table.close()
    return found


def _pool(table: _Table) -> PoolRules:
    found = PoolRules(
        suggestion=table.read("suggestion", _working_period, PoolRules.suggestion),
        suggestion_urgent=table.read("suggestion_urgent", _working_period, PoolRules.suggestion_urgent),
        answer=table.read("answer", _working_period, PoolRules.answer),
        answer_urgent=table.read("answer_urgent", _working_period, PoolRules.answer_urgent),
        batches=table.read("batches", _count, PoolRules.batches),
        language_mediator_lead=table.read("language_mediator_lead", _service_days, PoolRules.language_mediator_lead),
        language_mediator_rules=table.read(
            "language_mediator_rules", _mediation_rules, PoolRules.language_mediator_rules
        ),
        state_desk=_desk_elsewhere(table, "state_desk"),
        education_desk=_desk_elsewhere(table, "education_desk"),
    )
    table.close()
    return found


def _round_tables(root: _Table, translated: Callable[[Any], Translated]) -> RoundTableRules:
    table = root.table("round_tables")
    usual = RoundTableRules()
    found = RoundTableRules(
        reminders=table.read("reminders", _days_before, usual.reminders),
        remind_at=table.read("remind_at", _time_of_day, usual.remind_at),
        topics_until_days=table.read("topics_until_days", _days, usual.topics_until_days),
        pulse_days=table.read("pulse_days", _days, usual.pulse_days),
        sensitive_days=_sensitive_days(root.table("sensitive_days")),
        kinds=_professions(root.table("meeting_kinds"), translated),
    )
    table.close()
    return found


def _sensitive_days(table: _Table) -> tuple[SensitiveDay, ...]:
    found = (table.read(key, partial(_sensitive_day, key), None) for key in table.values)
    return tuple(each for each in found if each is not None)


def _sensitive_day(key: str, value: Any) -> SensitiveDay:
    name = _line(value)
    if key == ORTHODOX_EASTER:
        return SensitiveDay(name, orthodox_easter=True)
    found = _closing_day(key)
    match found:
        case _Closed():
            return SensitiveDay(name, days=(found.first, found.last))
        case _ClosedYearly():
            return SensitiveDay(name, yearly=(found.first, found.last))
    raise _Wrong(f'no day, like "03-21", "2027-02-08..2027-03-09" or "{ORTHODOX_EASTER}"', key)


ORTHODOX_EASTER: Final = "orthodox_easter"


def _days_before(value: Any) -> tuple[int, ...]:
    return tuple(sorted({_days(each) for each in _items(value)}, reverse=True))


def _days(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 60:
        raise _Wrong("a whole number of days from 0 to 60 is expected", value)
    return value


def _time_of_day(value: Any) -> int:
    return _minutes(_line(value), "time", value)


def _desk_elsewhere(pool: _Table, key: str) -> DeskElsewhere | None:
    if key not in pool.values:
        pool.known.append(key)
        return None
    table = pool.table(key)
    found = DeskElsewhere(
        name=table.read("name", _line, "", needed=True),
        email=table.read("email", _email, DeskElsewhere.email),
        phone=table.read("phone", _phone, DeskElsewhere.phone),
    )
    table.close()
    if not {"email", "phone"} & table.values.keys():
        table.wrong("an email or a phone is needed")
    return found


def _telegram(root: _Table) -> TelegramRules:
    if "telegram" not in root.values:
        root.known.append("telegram")
        return TelegramRules()
    table = root.table("telegram")
    found = TelegramRules(
        approved_by=table.read("approved_by", _line, "", needed=True),
        mode=table.read("mode", _one_of("data_poor", "full"), TelegramRules.mode),
        desk_content=table.read("desk_content", _one_of("none", "pings", "full"), TelegramRules.desk_content),
        webhook=table.read("webhook", _website, TelegramRules.webhook).rstrip("/"),
        api=table.read("api", _address, TelegramRules.api).rstrip("/"),
    )
    table.close()
    if found.webhook and not found.webhook.startswith("https://"):
        table.wrong("Telegram only calls addresses that begin with https://", "webhook")
    if found.data_poor and found.desk_content == "full":
        table.wrong('with mode = "data_poor" a group of staff gets no content: "none" or "pings"', "desk_content")
    return found


def _matrix(root: _Table, telegram: TelegramRules) -> MatrixRules:
    if "matrix" not in root.values:
        root.known.append("matrix")
        return MatrixRules()
    table = root.table("matrix")
    found = MatrixRules(
        homeserver=table.read("homeserver", _address, "", needed=True),
        user=table.read("user", _matrix_user, "", needed=True),
        people=table.read("people", _flag, MatrixRules.people),
        desk_content=table.read("desk_content", _one_of("none", "pings", "full"), MatrixRules.desk_content),
        cases=table.read("cases", _one_of("threads", "rooms"), MatrixRules.cases),
        devices=table.read("devices", _one_of("signed", "all"), MatrixRules.devices),
    )
    table.close()
    if found.desk_content == telegram.desk_content == "full":
        table.wrong("the desk is a group of Telegram already: there can be one desk only", "desk_content")
    return found


_Counts = TypeVar("_Counts", Retention, Limits, HandOffRules)


def _counts(table: _Table, kind: type[_Counts]) -> _Counts:
    found = kind(**{f.name: table.read(f.name, _count, getattr(kind, f.name)) for f in fields(kind)})
    table.close()
    return found


_NO_TEXT: Final = Translated((("de", ""),))


def _dictionary(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong("a table is expected, its name in square brackets in a line of its own", value)
    return value


def _dictionaries(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _Wrong("tables with the name in double square brackets are expected", value)
    return value


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong("a list in square brackets is expected", value)
    return value


def _line(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong('a text in "quotation marks" is expected', value)
    if not value.strip():
        raise _Wrong("the text is empty", value)
    if len(value) > _LONGEST_LINE:
        raise _Wrong(f"{len(value)} characters are too many, {_LONGEST_LINE} are possible", value)
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in value):
        raise _Wrong("a text in one line is expected", value)
    return value.strip()


def _one_of(*possible: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        text = _line(value)
        if text not in possible:
            raise _Wrong(f"possible are {', '.join(possible)}", value)
        return text

    return convert


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(_line(item) for item in _items(value))


def _matching(value: Any, pattern: re.Pattern[str], expected: str) -> str:
    text = _line(value)
    if not pattern.fullmatch(text):
        raise _Wrong(expected, value)
    return text


def _key(value: Any) -> str:
    return _matching(value, re.compile(r"[a-z][a-z0-9_]*"), "the letters a-z, digits and _ are possible")


def _phone(value: Any) -> str:
    return _matching(value, _PHONE, 'no phone number, like "02261 555 01 23"')


def _phones(value: Any) -> tuple[str, ...]:
    numbers = tuple(_phone(item) for item in _items(value))
    if not numbers:
        raise _Wrong("at least one phone number is needed")
    return numbers


def _email(value: Any) -> str:
    return _matching(value, _EMAIL, "no e-mail address")


def _website(value: Any) -> str:
    return _matching(value, _WEBSITE, "no address of a website, like https://www.example.org")


def _address(value: Any) -> str:
    return _matching(
        value.rstrip("/") if isinstance(value, str) else value,
        _ADDRESS,
        "an address like https://api.telegram.org is expected",
    )


def _matrix_user(value: Any) -> str:
    return _matching(value, _MATRIX_USER, "an account like @anlaufstelle:example.org is expected")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong("true or false is expected, without quotation marks", value)
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 9999:
        raise _Wrong("a whole number from 1 to 9999 is expected", value)
    return value


def _service_days(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= 60:
        raise _Wrong("a whole number of service days from 0 to 60 is expected", value)
    return value


def _mediation_rules(value: Any) -> tuple[MediationRule, ...]:
    names = {rule.lower(): rule for rule in MediationRule}
    given = _lines(value)
    for name in given:
        if name not in names:
            raise _Wrong(f"no such rule{_did_you_mean(name, names)}", name)
    return tuple(rule for name, rule in names.items() if name in given)


def _language(value: Any, known: Collection[str] | None) -> str:
    code = _matching(value, _LANGUAGE, 'no code of a language, like "de" or "tr"')
    if known is not None and code not in known:
        raise _Wrong(f"the program does not have this language{_did_you_mean(code, known)}", value)
    return code


def _translated(known: Collection[str] | None) -> Callable[[Any], Translated]:
    def convert(value: Any) -> Translated:
        if not isinstance(value, dict):
            return Translated((("de", _line(value)),))
        if "de" not in value:
            raise _Wrong("the German text (de) is missing")
        return Translated(tuple((_language(code, known), _line(text)) for code, text in value.items()))

    return convert


def _media_kinds(value: Any) -> tuple[str, ...]:
    kinds = _lines(value)
    for kind in kinds:
        if kind not in MEDIA_KINDS:
            raise _Wrong(f"no kind of media{_did_you_mean(kind, MEDIA_KINDS)}", kind)
    return kinds


def _working_period(value: Any) -> WorkingPeriod:
    match = _PERIOD.fullmatch(_line(value))
    if not match or not (amount := int(match[1])):
        raise _Wrong('no working time, like "30min", "2h" or "1d" (d: service days)', value)
    match match[2]:
        case "d":
            return WorkingPeriod(days=amount)
        case "h":
            return WorkingPeriod(minutes=60 * amount)
        case _:
            return WorkingPeriod(minutes=amount)


def _hours(value: Any) -> tuple[Span, ...]:
    entries = value if isinstance(value, list) else [value]
    spans = sorted(_span(entry) for entry in entries)
    for earlier, later in pairwise(spans):
        if later.start < earlier.end:
            raise _Wrong("two of the service hours overlap", value)
    return tuple(spans)


def _span(value: Any) -> Span:
    span = _clock_times(value)
    if span.end <= span.start:
        raise _Wrong("the end is not later than the start", value)
    return span


def _quiet_hours(value: Any) -> Span | None:
    if value == []:
        return None
    span = _clock_times(value)
    if (span.end - span.start) % (24 * 60) == 0:
        raise _Wrong("the end is the same time as the start; [] means no quiet hours", value)
    return span


def _clock_times(value: Any) -> Span:
    start, dash, end = _line(value).replace("–", "-").partition("-")
    if not dash:
        raise _Wrong('hours are expected, like "08:00-16:00"', value)
    return Span(_minutes(start, "start", value), _minutes(end, "end", value))


def _minutes(text: str, which: str, value: Any) -> int:
    match = _TIME.fullmatch(text.strip())
    minutes = int(match[1]) * 60 + int(match[2] or 0) if match else -1
    if not 0 <= minutes <= 24 * 60:
        raise _Wrong(f"the {which} is no time of day (HH:MM)", value)
    return minutes


def _day(value: Any) -> date:
    # A date with a time of day is a date to Python, so the type is compared.
    try:
        day = value if type(value) is date else date.fromisoformat(_line(value))
    except ValueError as error:
        raise _Wrong("no date, like 2026-12-24", value) from error
    if not 2000 <= day.year <= 2099:
        raise _Wrong("a year from 2000 to 2099 is expected", value)
    return day


class _Closed(NamedTuple):
    first: date
    last: date


class _ClosedYearly(NamedTuple):
    first: tuple[int, int]
    last: tuple[int, int]


def _closing_days(value: Any) -> tuple[_Closed | _ClosedYearly | str, ...]:
    return tuple(_closing_day(item) for item in _items(value))


def _closing_day(value: Any) -> _Closed | _ClosedYearly | str:
    if type(value) is date:
        return _Closed(_day(value), value)
    text = _line(value)
    if text.casefold() in FEASTS:
        return text.casefold()
    first, _, last = (part.strip() for part in text.partition(".."))
    ends = (first, last or first)
    yearly = all(_YEARLY.fullmatch(end) for end in ends)
    try:
        days = [date.fromisoformat(f"2024-{end}" if yearly else end) for end in ends]
    except ValueError as error:
        hint = _did_you_mean(text.casefold(), FEASTS)
        expected = ', like "2026-12-24", "2026-12-24..2026-12-31", "12-24" for every year, or "rosenmontag"'
        raise _Wrong(f"no closing day{hint or expected}", value) from error
    if days[1] < days[0]:
        raise _Wrong("the last day is earlier than the first", value)
    if yearly:
        return _ClosedYearly(*((day.month, day.day) for day in days))
    return _Closed(*(_day(day) for day in days))


def _did_you_mean(text: str, known: Collection[str]) -> str:
    close = get_close_matches(text, list(known), n=1)
    return f", did you mean {_shown(close[0])}?" if close else ""


def _shown(value: Any) -> str:
    """What stands in the file, short and in one line."""
    match value:
        case str():
            return f'"{_printable(value[:40])}{"…" if len(value) > 40 else ""}"'
        case bool():
            return str(value).lower()
        case int() if abs(value) >= 10**12:
            return "a huge number"
        case dict():
            return "a table"
        case list():
            return (
                "["
                + ", ".join("[…]" if isinstance(item, list) else _shown(item) for item in value[:3])
                + (", …]" if len(value) > 3 else "]")
            )
        case _:
            return str(value)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
