"""Requester and expert write to each other, until they have exchanged telephone numbers (J-3 step 5, F-18)."""

from __future__ import annotations

from collections.abc import Iterator

from bot.commands import Button, Command, PassOn, Say
from bot.engine.flow import AskAgain, Flow, Stop, Turn, ask, given
from bot.engine.inputs import FreeText
from bot.engine.scope import Scope
from bot.flows.answer_offer import assignment_of
from bot.flows.free_text import is_read_along
from bot.i18n import Text, _, lines
from bot.taxonomy import POOL, REQUESTERS


def _to(flow: Write, scope: Scope) -> Text:
    found = assignment_of(flow.ref, scope)
    if found is None or not found.running:
        return _("This assignment is not under way any more.")
    return _("What would you like to write to {name} about {ref}?", name=found.other, ref=flow.ref)


def _note(flow: Write, scope: Scope) -> Text:
    return lines(
        _("What you write now is passed on at once. Nothing about the case, please, and no names."),
        _("Telegram can read it. Best is just a telephone number and a time.") if is_read_along(scope) else None,
    )


def _sent(flow: Write, scope: Scope) -> Iterator[Command | Turn]:
    found = assignment_of(flow.ref, scope)
    if found is None or not found.running:
        yield Say(_("Your message was not sent: this assignment is over."), (Button("/menu", _("Menu")),))
        yield Stop()
        return
    yield PassOn(flow.ref, flow.text)
    yield AskAgain()


class Write(Flow, name="write"):
    """Words to the other one of an assignment."""

    title = _("Message")
    needs = POOL | REQUESTERS

    ref: str = given("")
    text: str = ask(
        _to,
        FreeText(at_most=1000),
        note=_note,
        then=_sent,
        exits=("/menu", "/human"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        return iter(())
