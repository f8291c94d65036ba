"""Round tables and other meetings at the desk: what is planned, who comes, planning and changing (R-60, R-61)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.desk.invite import folded, read_roles
from bot.i18n import Text, _, lines, listing, paragraphs, render, verbatim
from bot.languages import LANGUAGES
from bot.meetings import answers, members, planning, pulse
from bot.meetings.days import Avoid, is_past_calendar, near, objections
from bot.meetings.meeting import LONGEST_PLACE, LONGEST_TITLE, MOST_SEATS, MeetingKind, Plan, Why, write_steps
from bot.meetings.rows import (
    dates_of,
    details_of,
    is_planned,
    last_held,
    local_of_date,
    locked,
    locked_meeting,
    next_dates,
    number_of,
    read_number,
    series_of,
    title_of,
)
from bot.meetings.rule import NoRule, Series, read_rule, utc_of
from bot.meetings.words import against, kinds_of, rhythm
from bot.messages import Style
from bot.roles import ROLE
from bot.taxonomy import Role
from bot.work import Work
from storage.accounts import UserAccount
from storage.meetings import Meeting, MeetingDate
from storage.models import Thread

HEADINGS: Final[Mapping[str, Text]] = {
    "kind": _("Kind"),
    "title": _("Title"),
    "municipality": _("Municipality"),
    "rule": _("Rule"),
    "starts": _("First date"),
    "minutes": _("Minutes"),
    "avoid": _("Leave out"),
    "place": _("Place"),
    "link": _("Online"),
    "note": _("Note"),
    "roles": _("Roles"),
    "public": _("Open to all"),
    "seats": _("Places"),
    "moderator": _("Moderation"),
    "deputy": _("Deputy"),
    "steps": _("Reminders, days before"),
    "topics_until": _("Topics until, days before"),
}
"""The lines of a meeting, by what they set."""

AVOIDED: Final = {
    Avoid.ALL: _("all days that are not good"),
    Avoid.CLOSED: _("holidays and closing days"),
    Avoid.NONE: _("nothing"),
}

YES: Final = _("yes")
NO: Final = _("no")
_NEW: Final = frozenset({"new", "neu"})
_FIRST_DATE: Final = "%Y-%m-%d %H:%M"


class Wrong(Exception):
    """A line that cannot be read; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text


@dataclass
class Lines:
    """What lines of a meeting say, and what is wrong with them."""

    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Text] = field(default_factory=list)


def list_meetings(work: Work, thread: Thread | None) -> None:
    """All that are planned, with their next dates."""
    meetings = list(work.session.scalars(select(Meeting).where(Meeting.ended_at.is_(None)).order_by(Meeting.id)))
    if not meetings:
        _post(work, thread, lines(_("No meeting is planned."), _how_to_plan()))
        return
    _post(
        work,
        thread,
        lines(
            _("Meetings:"),
            *(_in_a_line(work, each) for each in meetings),
            _("More: {command}", command=f"/meeting {number_of(meetings[0])}"),
            _how_to_plan(),
        ),
    )


def _in_a_line(work: Work, meeting: Meeting) -> Text:
    following = next_dates(work, meeting)
    title = title_of(work.contact_point, meeting)
    if not following:
        return _("{number} · {title} · no date", number=number_of(meeting), title=title)
    return _("{number} · {title} · {when}", number=number_of(meeting), title=title, when=following[0].starts_at)


def _how_to_plan() -> Text:
    return _("To plan one: {command}, and below it lines as /meeting shows them.", command="/meeting new")


def meeting_command(work: Work, thread: Thread | None, argument: str) -> None:
    """Shows, begins, changes or ends a meeting, as what follows its number says."""
    number, *more = argument.split(maxsplit=1) or [""]
    rest = more[0].strip() if more else ""
    if number.casefold() in _NEW:
        _post(work, thread, _begin(work, rest))
        return
    key = read_number(number)
    meeting = work.session.get(Meeting, key) if key is not None else None
    if meeting is None:
        if number:
            _post(work, thread, _("There is no meeting {number}.", number=verbatim(number[:20])))
        list_meetings(work, thread)
        return
    word, *words = rest.split() or [""]
    act = ACTIONS.get(word.casefold())
    if act is not None:
        locked_meeting(work, meeting.id)
        _post(work, thread, act(work, meeting, words))
    elif rest:
        locked_meeting(work, meeting.id)
        _post(work, thread, _change(work, meeting, rest))
    else:
        _show(work, thread, meeting)


def _post(work: Work, thread: Thread | None, text: Text | str) -> None:
    work.post(thread, text, style=Style.STATUS)


def _show(work: Work, thread: Thread | None, meeting: Meeting) -> None:
    held = last_held(work, meeting)
    coming = dates_of(work, meeting, since=work.now)[:5]
    number = number_of(meeting)
    _post(
        work,
        thread,
        paragraphs(
            lines(
                _("{number} · {title}", number=number, title=title_of(work.contact_point, meeting)),
                _("How often: {rhythm}", rhythm=rhythm(series_of(meeting))),
                _("Last time: {when}", when=held.starts_at) if held is not None else None,
                _("It has ended. There are no more dates.") if meeting.ended_at is not None else None,
                *(_date_in_a_line(each) for each in coming),
            ),
            lines(
                _("{command} – who comes", command=f"/meeting {number} who"),
                _("{command} – move a date", command=f"/meeting {number} move 2027-01-05 2027-01-12 18:00"),
                _("{command} – cancel a date", command=f"/meeting {number} cancel 2027-01-05"),
                _("{command} – invite somebody of /people, or no longer", command=f"/meeting {number} add 7"),
                _("{command} – end it", command=f"/meeting {number} end"),
            ),
            _("To change something: copy the next message, change it and send it. Lines may be left out."),
        ),
    )
    language = work.desk_language
    written = [f"{render(HEADINGS[key], language)}: {value}".rstrip() for key, value in _values(work, meeting).items()]
    _post(work, thread, "\n".join((f"/meeting {number}", *written)))


def _date_in_a_line(date: MeetingDate) -> Text:
    if not is_planned(date):
        return _("• {when} (cancelled)", when=date.starts_at)
    if date.local != date.original:
        return _("• {when} (moved)", when=date.starts_at)
    return _("• {when}", when=date.starts_at)


def _values(work: Work, meeting: Meeting) -> dict[str, str]:
    """The lines of a meeting as they can be sent back."""
    language = work.desk_language
    details = details_of(meeting)
    place = work.contact_point.municipality(meeting.municipality)
    kind = kinds_of(work.contact_point).get(meeting.kind, verbatim(meeting.kind))
    return {
        "kind": render(kind, language),
        "title": details.title,
        "municipality": place.name if place is not None else "",
        "rule": meeting.rule,
        "starts": datetime.fromisoformat(meeting.starts).strftime(_FIRST_DATE),
        "minutes": str(meeting.minutes),
        "avoid": render(AVOIDED[Avoid(meeting.avoid)], language),
        "place": details.place,
        "link": details.link,
        "note": details.note,
        "roles": " | ".join(render(ROLE[Role(each)], language) for each in meeting.roles.split()),
        "public": render(YES if meeting.public else NO, language),
        "seats": str(meeting.seats or ""),
        "moderator": str(meeting.moderator_id or ""),
        "deputy": str(meeting.deputy_id or ""),
        "steps": meeting.steps,
        "topics_until": str(meeting.topics_until),
    }


def read_lines(work: Work, text: str) -> Lines:
    """Lines `Heading: value`, with headings in any complete language and in any order."""
    known = {
        folded(render(label, language.code)): key
        for key, label in HEADINGS.items()
        for language in LANGUAGES.values()
        if language.complete
    }
    read = Lines()
    for line in filter(None, map(str.strip, text.splitlines())):
        heading, colon, value = line.partition(":")
        key = known.get(folded(heading)) if colon else None
        if key is None:
            read.faults.append(_("I do not know the line “{line}”.", line=verbatim(line[:40])))
            continue
        try:
            read.values[key] = READERS[key](work, value.strip())
        except Wrong as wrong:
            read.faults.append(_("{heading}: {reason}", heading=HEADINGS[key], reason=wrong.text))
    return read


def _one_of(named: Mapping[Any, Text]) -> Callable[[Work, str], Any]:
    def read(work: Work, value: str) -> Any:
        for key, label in named.items():
            words = {folded(render(label, each.code)) for each in LANGUAGES.values() if each.complete}
            if folded(value) in {*words, folded(str(key))}:
                return key
        raise Wrong(_("possible is: {possible}", possible=listing(list(named.values()))))

    return read


def _kind(work: Work, value: str) -> str:
    return str(_one_of(kinds_of(work.contact_point))(work, value))


def _text(longest: int) -> Callable[[Work, str], str]:
    def read(work: Work, value: str) -> str:
        if len(value) > longest:
            raise Wrong(_("at most {n} characters", n=longest))
        return value

    return read


def _municipality(work: Work, value: str) -> str:
    if not value:
        return ""
    for each in work.contact_point.municipalities:
        if folded(value) in (folded(each.name), folded(each.slug)):
            return each.slug
    raise Wrong(_("this place is not known here"))


def _rule(work: Work, value: str) -> str:
    try:
        return read_rule(value) if value else ""
    except NoRule as wrong:
        raise Wrong(_("no rule of RFC 5545: {reason}", reason=str(wrong))) from wrong


def _start(work: Work, value: str) -> datetime:
    for form in (_FIRST_DATE, "%d.%m.%Y %H:%M"):
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007  # a time on the wall
        except ValueError:
            continue
    raise Wrong(_("write it like this: {example}", example="2027-01-05 18:00"))


def _number(least: int, most: int) -> Callable[[Work, str], int]:
    def read(work: Work, value: str) -> int:
        if not (value.isascii() and value.isdecimal() and least <= int(value[:9]) <= most):
            raise Wrong(_("a number from {least} to {most}", least=least, most=most))
        return int(value)

    return read


def _seats(work: Work, value: str) -> int | None:
    return _number(1, MOST_SEATS)(work, value) if value else None


def _roles(work: Work, value: str) -> str:
    if not value:
        return ""
    found = read_roles(value.replace("|", ","))
    if found is None:
        raise Wrong(_("possible is: {possible}", possible=listing(list(ROLE.values()))))
    return " ".join(sorted(found))


def _yes(work: Work, value: str) -> bool:
    return bool(_one_of({True: YES, False: NO})(work, value))


def _person(work: Work, value: str) -> int | None:
    if not value:
        return None
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None
    if number is None or work.session.get(UserAccount, number) is None:
        raise Wrong(_("the number of somebody in /people"))
    return number


def _steps(work: Work, value: str) -> str:
    words = value.replace(",", " ").split()
    if not all(each.isascii() and each.isdecimal() and int(each[:4]) <= 60 for each in words):
        raise Wrong(_("days from 0 to 60, like {example}", example="14 3 0"))
    return write_steps(tuple(sorted({int(each) for each in words}, reverse=True)))


READERS: Final[Mapping[str, Callable[[Work, str], Any]]] = {
    "kind": _kind,
    "title": _text(LONGEST_TITLE),
    "municipality": _municipality,
    "rule": _rule,
    "starts": _start,
    "minutes": _number(1, 24 * 60),
    "avoid": _one_of(AVOIDED),
    "place": _text(LONGEST_PLACE),
    "link": _text(500),
    "note": _text(500),
    "roles": _roles,
    "public": _yes,
    "seats": _seats,
    "moderator": _person,
    "deputy": _person,
    "steps": _steps,
    "topics_until": _number(0, 60),
}


def _faults(read: Lines) -> Text:
    return lines(_("Nothing was changed:"), *read.faults)


def _begin(work: Work, text: str) -> Text:
    read = read_lines(work, text)
    given = read.values
    if "starts" not in given and not read.faults:
        read.faults.append(_("Please write at least the first date: {example}", example="2027-01-05 18:00"))
    if read.faults:
        return lines(_faults(read), _possible())
    rules = work.contact_point.round_tables
    try:
        series = Series(starts=given["starts"], minutes=given.get("minutes", 120), rule=given.get("rule", "")).begun()
    except NoRule:
        return _("This rule has no date. Nothing was changed.")
    if utc_of(series.starts) <= work.now:
        return _("The first date is over already. Nothing was changed.")
    meeting = planning.plan(
        work,
        Plan(
            kind=given.get("kind", MeetingKind.ROUND_TABLE),
            title=given.get("title", ""),
            municipality=given.get("municipality", ""),
            series=series,
            avoid=given.get("avoid", Avoid.ALL) if series.rule else Avoid.NONE,
            place=given.get("place", ""),
            link=given.get("link", ""),
            note=given.get("note", ""),
            roles=frozenset(map(Role, given.get("roles", "").split())),
            public=given.get("public", False),
            seats=given.get("seats"),
            steps=tuple(map(int, given["steps"].split())) if "steps" in given else rules.reminders,
            topics_until=given.get("topics_until", rules.topics_until_days),
            moderator=given.get("moderator"),
            deputy=given.get("deputy"),
        ),
    )
    return lines(
        _("{number} is planned: {title}.", number=number_of(meeting), title=title_of(work.contact_point, meeting)),
        *_objections(work.contact_point, series.starts),
        _("The next dates:"),
        *(_("• {when}", when=each.starts_at) for each in next_dates(work, meeting, 3)),
        _("I now invite the people. More: {command}", command=f"/meeting {number_of(meeting)}"),
    )


def _possible() -> Text:
    return lines(
        _("The lines are: {headings}.", headings=listing(list(HEADINGS.values()))),
        _("Only the first date is needed."),
    )


def _objections(point: ContactPoint, start: datetime) -> list[Text]:
    found = objections(point, start)
    told = []
    if found:
        told.append(_("Please note, on the first date: {why}", why=against(found)))
        close = near(point, start)
        days: list[Text | str] = [_("{day}", day=each.date()) for each in close]
        if days:
            told.append(_("Better days close by: {days}.", days=listing(days)))
    if is_past_calendar(start.date()):
        told.append(_("For dates so far ahead the school holidays are not known yet."))
    return told


_OF_SERIES: Final = frozenset({"rule", "starts", "minutes", "avoid"})
_WRITTEN: Final = frozenset({"title", "place", "link", "note"})


def _change(work: Work, meeting: Meeting, text: str) -> Text:
    read = read_lines(work, text)
    if read.faults:
        return _faults(read)
    if meeting.ended_at is not None:
        return _("It has ended. Nothing was changed.")
    before = _values(work, meeting)
    new = dict(read.values)
    series = series_of(meeting)
    try:
        wished = replace(
            series,
            starts=new.get("starts", series.starts),
            minutes=new.get("minutes", series.minutes),
            rule=new.get("rule", series.rule),
        ).begun()
    except NoRule:
        return _("This rule has no date. Nothing was changed.")

    def apply(row: Meeting) -> None:
        row.details = {**(row.details or {}), **{key: new[key] for key in _WRITTEN & new.keys()}}
        if _OF_SERIES & new.keys():
            row.rule, row.starts, row.minutes = wished.rule, wished.starts.isoformat(), wished.minutes
        for key in ("kind", "municipality", "avoid", "roles", "public", "seats", "steps", "topics_until"):
            if key in new:
                setattr(row, key, new[key])
        for key in ("moderator", "deputy"):
            if key in new:
                setattr(row, f"{key}_id", new[key])
        work.session.flush()

    told = _OF_SERIES | _WRITTEN | {"kind", "municipality"}
    same_steps, same_until = meeting.steps, meeting.topics_until
    apply(meeting)
    after = _values(work, meeting)
    changed = [key for key in HEADINGS if before[key] != after[key]]
    if not changed:
        return _("{number} is as it was.", number=number_of(meeting))
    if told & set(changed):
        planning.edit(work, meeting, lambda row: None)
    elif (same_steps, same_until) != (meeting.steps, meeting.topics_until):
        for date in dates_of(work, meeting, since=work.now):
            planning.set_moments(work, meeting, date)
            answers.renew_steps(work, date)
    planning.look_soon(work, meeting)
    labels: list[Text | str] = [HEADINGS[key] for key in changed]
    return lines(
        _("{number} is changed: {what}.", number=number_of(meeting), what=listing(labels)),
        _("I tell those who are invited.") if told & set(changed) else None,
    )


def _date_on(work: Work, meeting: Meeting, word: str) -> MeetingDate | None:
    """A coming date by its day, as `2027-01-05` or `5.1.2027`."""
    for date in dates_of(work, meeting, since=work.now):
        day = local_of_date(date).date()
        if word in (day.isoformat(), f"{day:%d.%m.%Y}", f"{day.day}.{day.month}.{day.year}"):
            found = locked(work, date.id)
            return found[1] if found is not None and is_planned(found[1]) else None
    return None


def _no_date(work: Work, meeting: Meeting) -> Text:
    days: list[Text | str] = [local_of_date(each).date().isoformat() for each in next_dates(work, meeting, 5)]
    return lines(
        _("There is no such date. Nothing was changed."),
        _("The next dates: {days}.", days=listing(days)) if days else None,
    )


def _who(work: Work, meeting: Meeting, words: list[str]) -> Text:
    date = _date_on(work, meeting, words[0]) if words else next(iter(next_dates(work, meeting)), None)
    if date is None:
        return _no_date(work, meeting)
    heading = _("“{title}” on {when}:", title=title_of(work.contact_point, meeting), when=date.starts_at)
    return lines(heading, answers.who_comes(work, meeting, date), pulse.in_words(work, date))


def _move(work: Work, meeting: Meeting, words: list[str]) -> Text:
    date = _date_on(work, meeting, words[0]) if words else None
    if date is None:
        return _no_date(work, meeting)
    try:
        clock = words[2] if len(words) > 2 and ":" in words[2] else f"{local_of_date(date):%H:%M}"
        local = _start(work, f"{words[1]} {clock}")
    except (IndexError, Wrong):
        example = f"/meeting {number_of(meeting)} move 2027-01-05 2027-01-12 18:00"
        return _("Please write it like this: {example}", example=example)
    at = utc_of(local, meeting.zone)
    if at <= work.now or local == local_of_date(date):
        return _("This time has already passed, or is the one that holds. Nothing was changed.")
    used = 3 if len(words) > 2 and ":" in words[2] else 2
    planning.move(work, meeting, date, local, " ".join(words[used:])[:LONGEST_PLACE])
    return lines(_("Moved to {when}. I tell those who are invited.", when=at), *_objections(work.contact_point, local))


def _cancel(work: Work, meeting: Meeting, words: list[str]) -> Text:
    date = _date_on(work, meeting, words[0]) if words else None
    if date is None:
        return _no_date(work, meeting)
    planning.cancel(work, meeting, date, " ".join(words[1:])[:LONGEST_PLACE])
    return _("Cancelled: {when}. I tell those who are invited.", when=date.starts_at)


def _end(work: Work, meeting: Meeting, words: list[str]) -> Text:
    if meeting.ended_at is None:
        planning.end(work, meeting)
    return _("{number} has ended. I tell those who are invited.", number=number_of(meeting))


def _account(work: Work, words: list[str]) -> UserAccount | None:
    try:
        number = _person(work, words[0]) if words else None
    except Wrong:
        return None
    return work.session.get(UserAccount, number) if number is not None else None


_NOBODY: Final = _("Please write the number of somebody in /people.")


def _add(work: Work, meeting: Meeting, words: list[str]) -> Text:
    account = _account(work, words)
    if account is None:
        return _NOBODY
    members.add(work, meeting, account.conversation_id, Why.NAMED)
    planning.look_soon(work, meeting)
    return _("Number {n} is invited to {number}.", n=account.id, number=number_of(meeting))


def _remove(work: Work, meeting: Meeting, words: list[str]) -> Text:
    account = _account(work, words)
    if account is None:
        return _NOBODY
    member = members.member_of(work, meeting.id, account.conversation_id)
    if member is None:
        member = members.add(work, meeting, account.conversation_id, Why.NAMED)
    members.leave(work, meeting, member, excluded=True)
    return _("Number {n} is not invited to {number} any more.", n=account.id, number=number_of(meeting))


Act = Callable[[Work, Meeting, list[str]], Text]

ACTIONS: Final[Mapping[str, Act]] = {
    "who": _who,
    "wer": _who,
    "move": _move,
    "verschieben": _move,
    "cancel": _cancel,
    "absagen": _cancel,
    "end": _end,
    "beenden": _end,
    "add": _add,
    "einladen": _add,
    "remove": _remove,
    "ausladen": _remove,
}
"""What can follow the number of a meeting."""
