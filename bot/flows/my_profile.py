"""The own profile in the pool: what stands there, and when and where somebody can be had (J-3 steps 1 and 8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from bot.commands import Button, ChangeAvailability, Command, LeavePool, Say
from bot.engine.flow import Flow, Stop, Turn, ask
from bot.engine.inputs import Choice, Choices, Confirm, Day, Number, Pick, PicksAndWords
from bot.engine.scope import OwnProfile, Scope, Side
from bot.i18n import ZONE, Text, _, lines, listing, paragraphs, verbatim
from bot.periods import deleted_by, months_after
from bot.pool.profile import MOST_CASES, Away, Weekday
from bot.pool.table import HEADINGS, Column, Vocabulary, cells_of
from bot.pool.words import WEEKDAYS
from bot.taxonomy import POOL

NOWHERE: Final = "NOWHERE"
"""Somebody who comes to no place, and only works online."""
_EXITS: Final = ("/back", "/menu")
_MINE: Final = Button("/profile", _("My profile in the pool"))
_MENU: Final = Button("/menu", _("Menu"))


class Part(StrEnum):
    """What experts change by themselves."""

    MOST_CASES = "MOST_CASES"
    WEEKDAYS = "WEEKDAYS"
    PLACES = "PLACES"
    ONLINE = "ONLINE"
    AWAY = "AWAY"
    NOT_AWAY = "NOT_AWAY"
    LEAVE = "LEAVE"
    NOTHING = "NOTHING"


def why_no_profile(scope: Scope) -> Text | None:
    """Why there is nothing to show or change; None where there is."""
    own = scope.pool_profile()
    if own is None:
        return _(
            "There is no profile of yours in the pool yet. The contact point enters it and links it to this chat. "
            "If you are waiting for that, please write to them."
        )
    if own.left_at is not None:
        return _(
            "You left the pool on {day}. There are no more offers. Your profile is deleted by {until}. Would you like "
            "to come back? Please tell the contact point.",
            day=own.left_at.astimezone(ZONE).date(),
            until=deleted_by(months_after(own.left_at, scope.contact_point.retention.expert_profile_months)),
        )
    return None


def profile_in_words(own: OwnProfile, scope: Scope) -> Text:
    """All that stands there, one heading a line, with days as people say them (W-16)."""
    cells = cells_of(own.profile, Vocabulary.at(scope.contact_point), scope.language)

    def value(column: Column) -> Text | date:
        match column:
            case Column.AWAY if own.profile.away:
                return listing(list(_in_words(own.profile.away).values()))
            case Column.COMMITTED_ON if own.profile.committed_on:
                return own.profile.committed_on
        return verbatim(cells[column] or "–")

    return lines(
        *(
            _("• {heading}: {value}", heading=heading, value=value(column))
            for column, heading in HEADINGS.items()
            if column is not Column.ID
        )
    )


def _profile(flow: MyProfile, scope: Scope) -> Text:
    own = scope.pool_profile()
    return paragraphs(
        lines(_("Your profile in the pool:"), profile_in_words(own, scope) if own is not None else None),
        _(
            "You can change when, where and how much you work. Name, professions, languages, themes, organisation, fee "
            "and commitment only the contact point changes: please write to them."
        ),
        _("What would you like to change?"),
    )


def _in_words(spans: Iterable[Away]) -> Mapping[str, Text]:
    return {f"{away.first}..{away.last}": _("{first} to {last}", first=away.first, last=away.last) for away in spans}


def _spans(scope: Scope) -> Mapping[str, Text]:
    """The times away that are entered and not over, by their days."""
    own = scope.pool_profile()
    return _in_words(away for away in (own.profile.away if own is not None else ()) if away.last >= scope.today)


def _is_offered(part: Part, scope: Scope) -> bool:
    return part is not Part.NOT_AWAY or bool(_spans(scope))


def _places(scope: Scope) -> Mapping[str, Text]:
    places = {place.slug: verbatim(place.name) for place in scope.contact_point.municipalities}
    return {**places, NOWHERE: _("None, only online")}


def _first_day(flow: MyProfile, scope: Scope) -> date:
    return flow.first or scope.today


def _after_part(flow: MyProfile, scope: Scope) -> Iterator[Command | Turn]:
    if flow.part is Part.NOTHING:
        yield Say(_("All right. Nothing was changed."), (_MENU,))
        yield Stop()


def _leaving(flow: MyProfile, scope: Scope) -> Text:
    under_way = any(each.side is Side.EXPERT and each.running for each in scope.assignments())
    return lines(
        _("What you have accepted stays yours. To hand it back, use /assignments first.") if under_way else None,
        _(
            "You leave the pool at once and get no more offers. The contact point is told. Your profile stays until "
            "{until}, so that you can come back; then it is deleted. Shall I do that?",
            until=deleted_by(months_after(scope.now, scope.contact_point.retention.expert_profile_months)),
        ),
    )


def _after_sure(flow: MyProfile, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.sure:
        yield Say(_("All right. Nothing was changed."), (_MENU,))
        yield Stop()


def _wants(flow: MyProfile, part: Part) -> bool:
    return flow.part is part


class MyProfile(Flow, name="my_profile"):
    """What the pool knows of the expert, and what the expert changes of it."""

    title = _("My profile in the pool")
    needs = POOL

    part: Part = ask(
        _profile,
        Choice(
            {
                Part.MOST_CASES: _("How many cases at a time"),
                Part.WEEKDAYS: _("Days of the week"),
                Part.PLACES: _("Places"),
                Part.ONLINE: _("Online"),
                Part.AWAY: _("Add days away"),
                Part.NOT_AWAY: _("Remove days away"),
                Part.LEAVE: _("Leave the pool"),
                Part.NOTHING: _("Nothing, thank you"),
            },
            offered=_is_offered,
        ),
        then=_after_part,
        exits=("/human", "/menu"),
    )
    most_cases: int | None = ask(
        _("How many cases at a time are enough for you? Please write a number."),
        Number(1, MOST_CASES),
        when=lambda so_far, scope: _wants(so_far, Part.MOST_CASES),
        exits=_EXITS,
    )
    weekdays: frozenset[Weekday] | None = ask(
        _("On which days can you work? Choose all of them, then “Done”."),
        Choices(WEEKDAYS, columns=2),
        when=lambda so_far, scope: _wants(so_far, Part.WEEKDAYS),
        exits=_EXITS,
    )
    places: tuple[str, ...] | None = ask(
        _("To which places do you come? Choose all of them, then “Done”."),
        PicksAndWords(_places, columns=2),
        when=lambda so_far, scope: _wants(so_far, Part.PLACES),
        exits=_EXITS,
    )
    online: bool | None = ask(
        _("Do you also work online, by video or telephone?"),
        Confirm(),
        when=lambda so_far, scope: _wants(so_far, Part.ONLINE),
        exits=_EXITS,
    )
    first: date | None = ask(
        _("From which day are you away?"),
        Day(),
        note=_("Choose a day or write it like this: 24.12.2026. You do not have to say why."),
        when=lambda so_far, scope: _wants(so_far, Part.AWAY),
        exits=_EXITS,
    )
    last: date | None = ask(
        _("Which is the last day you are away?"),
        Day(not_before=_first_day),
        when=lambda so_far, scope: _wants(so_far, Part.AWAY),
        forgotten_with="first",
        exits=_EXITS,
    )
    not_away: str | None = ask(
        _("On which days are you there after all?"),
        Pick(_spans),
        when=lambda so_far, scope: _wants(so_far, Part.NOT_AWAY),
        exits=_EXITS,
    )
    sure: bool | None = ask(
        _leaving,
        Confirm(_("Yes, leave the pool"), _("No, stay")),
        when=lambda so_far, scope: _wants(so_far, Part.LEAVE),
        then=_after_sure,
        exits=("/back", "/human", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        missing = why_no_profile(scope)
        if missing is not None:
            yield Say(missing, (_MENU,))
            return
        if self.sure:
            yield LeavePool()
            return
        yield ChangeAvailability(
            most_cases=self.most_cases,
            weekdays=self.weekdays,
            municipalities=frozenset(self.places) - {NOWHERE} if self.places is not None else None,
            online=self.online,
            away=Away(self.first, self.last) if self.first and self.last else None,
            not_away=_span(self.not_away) if self.not_away else None,
        )
        yield Say(_("Done. It holds for offers from now on."), (_MINE, _MENU))


def _span(key: str) -> Away:
    first, _dots, last = key.partition("..")
    return Away(date.fromisoformat(first), date.fromisoformat(last))
