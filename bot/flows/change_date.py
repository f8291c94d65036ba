"""Moving or cancelling one date of a meeting; everybody who was told the old one hears of it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from bot.commands import Button, CancelDate, Command, MoveDate, Say
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import Confirm, DayTime, FreeText, PickFor, Said
from bot.engine.scope import Scope
from bot.flows.my_meetings import Action, date_of
from bot.i18n import Text, _, lines
from bot.meetings.days import near, objections
from bot.meetings.rule import BERLIN, local_of, utc_of
from bot.meetings.words import against

LONGEST_REASON: Final = 200


def _proposed(flow: ChangeDate, scope: Scope) -> Mapping[str, Text]:
    date = date_of(flow.date, scope)
    if date is None:
        return {}
    found = [each for each in near(scope.contact_point, local_of(date.starts_at), 6) if utc_of(each) > scope.now]
    return {each.isoformat(): _("{when}", when=utc_of(each)) for each in found[:4]}


def _typed(words: str, flow: ChangeDate, scope: Scope) -> str:
    return local_of(DayTime().read(Said(text=words), flow, scope), BERLIN).isoformat()


def _called(value: str, flow: ChangeDate, scope: Scope) -> Text:
    return _("{when}", when=utc_of(datetime.fromisoformat(value)))


def _is_there(flow: ChangeDate, scope: Scope) -> bool:
    date = date_of(flow.date, scope)
    return date is not None and date.leads


def _where_to(flow: ChangeDate, scope: Scope) -> Text:
    date = date_of(flow.date, scope)
    return lines(
        _("“{title}” on {when}: to which day and time?", title=date.title, when=date.starts_at)
        if date is not None
        else _("To which day and time?"),
        _("These days are close, and nothing speaks against them."),
    )


def _sure(flow: ChangeDate, scope: Scope) -> Text:
    date = date_of(flow.date, scope)
    if date is None:
        return _("This date is not there any more.")
    if flow.change == Action.CANCEL:
        question = _("Shall I cancel “{title}” on {when}?", title=date.title, when=date.starts_at)
        return lines(question, _("Everybody who was told of it hears that at once."))
    to = datetime.fromisoformat(flow.to or local_of(date.starts_at).isoformat())
    wrong = objections(scope.contact_point, to)
    return lines(
        _("Shall I move “{title}” from {old} to {new}?", title=date.title, old=date.starts_at, new=utc_of(to)),
        _("Please note: {why}", why=against(wrong)) if wrong else None,
        _("Everybody who was told of it hears that at once."),
    )


def _after_sure(flow: ChangeDate, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.sure:
        yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
        yield Stop()


class ChangeDate(Flow, name="change_date"):
    """Moves or cancels a date."""

    title = _("Change a date")

    date: str = given("")
    change: str = given("")
    to: str | None = ask(
        _where_to,
        PickFor(_proposed, written=_typed, called=_called),
        note=_("Choose one, or write day and time like this: 24.11.2026 14:00"),
        when=lambda so_far, scope: _is_there(so_far, scope) and so_far.change == Action.MOVE,
        exits=("/menu", "/human"),
    )
    why: str | None = ask(
        _("Why? This goes to all who are invited. You can skip it."),
        FreeText(at_most=LONGEST_REASON, never_more_than=LONGEST_REASON),
        optional=True,
        when=_is_there,
        exits=("/back", "/menu"),
    )
    sure: bool | None = ask(
        _sure,
        Confirm(_("Yes, do that"), _("No, keep it")),
        when=_is_there,
        then=_after_sure,
        exits=("/back", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        date = date_of(self.date, scope)
        if date is None or not date.leads:
            yield Say(_("I cannot find this date any more."), (Button("/menu", _("Menu")),))
        elif self.change == Action.CANCEL:
            yield CancelDate(date.id, self.why or "")
        else:
            yield MoveDate(date.id, datetime.fromisoformat(self.to or ""), self.why or "")
