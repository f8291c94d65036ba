"""Requester and expert write to each other, until they have exchanged telephone numbers (J-3 step 5, F-18)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.commands import Button, Command, PassOn, Say
from bot.engine.flow import Flow, Stop, Turn, ask, given
from bot.engine.inputs import FreeText
from bot.engine.scope import Scope
from bot.flows.answer_offer import assignment_of
from bot.flows.free_text import is_read_along
from bot.i18n import Text, _, lines
from bot.taxonomy import POOL, REQUESTERS


def _runs(flow: Write, scope: Scope) -> bool:
    found = assignment_of(flow.ref, scope)
    return found is not None and found.running


def _to(flow: Write, scope: Scope) -> Text:
    found = assignment_of(flow.ref, scope)
    name = found.other if found is not None else ""
    return _("What would you like to write to {name} about {ref}?", name=name, ref=flow.ref)


def _note(flow: Write, scope: Scope) -> Text:
    return lines(
        _("What you write now is passed on at once. Nothing about the case, please, and no names."),
        _("Telegram can read it. Best is just a telephone number and a time.") if is_read_along(scope) else None,
    )


def _sent(flow: Write, scope: Scope) -> Iterator[Command | Turn]:
    if flow.text is None or not _runs(flow, scope):
        yield Say(_("Your message was not sent: this assignment is over."), (Button("/menu", _("Menu")),))
        yield Stop()
        return
    yield PassOn(flow.ref, flow.text)
    yield Stop()


class Write(Flow, name="write"):
    """Words to the other one of an assignment."""

    title = _("Message")
    needs = POOL | REQUESTERS

    ref: str = given("")
    text: str | None = ask(
        _to,
        FreeText(at_most=1000),
        note=_note,
        when=_runs,
        then=_sent,
        exits=("/menu", "/human"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield Say(_("This assignment is not under way any more."), (Button("/menu", _("Menu")),))
