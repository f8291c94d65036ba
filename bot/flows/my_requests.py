"""My requests to the pool: how the search is going, and that nobody is needed any more (J-2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from bot.commands import Button, Command, Say, StartFlow, WithdrawRequest
from bot.engine.flow import Flow, Stop, Turn, ask
from bot.engine.inputs import Choice, Confirm, Pick
from bot.engine.scope import OwnRequest, Scope
from bot.i18n import Text, _, lines
from bot.pool.request_words import STATE_WORDS, in_words, what_in_words
from bot.taxonomy import OVER, REQUESTERS, RUNNING


class RequestAction(StrEnum):
    """What to do with a request."""

    ASSIGNMENT = "ASSIGNMENT"
    WITHDRAW = "WITHDRAW"
    NOTHING = "NOTHING"


def request_in_words(request: OwnRequest, scope: Scope) -> Text:
    """A request in one line."""
    return _(
        "{ref} · {what} · {state}",
        ref=request.ref,
        what=what_in_words(request.request, scope.contact_point),
        state=STATE_WORDS[request.state],
    )


def _requests(scope: Scope) -> Mapping[str, Text]:
    return {each.ref: request_in_words(each, scope) for each in scope.own_requests()}


def _one(flow: MyRequests, scope: Scope) -> OwnRequest | None:
    own = scope.own_requests()
    if flow.request is None:
        return own[0] if len(own) == 1 else None
    return next((each for each in own if each.ref == flow.request), None)


def _card(flow: MyRequests, scope: Scope) -> Text:
    request = _one(flow, scope)
    if request is None:
        return _("What would you like to do?")
    return lines(
        _("Request {ref}", ref=request.ref),
        *in_words(request.request, scope.contact_point),
        _("Sent: {when}", when=request.requested_at),
        _("State: {state}", state=STATE_WORDS[request.state]),
        _("Next message by: {deadline}", deadline=request.due_at)
        if request.due_at and request.state not in OVER
        else None,
        _("What would you like to do?"),
    )


def _is_offered(action: RequestAction, scope: Scope) -> bool:
    states = {each.state for each in scope.own_requests()}
    match action:
        case RequestAction.ASSIGNMENT:
            return bool(states & RUNNING)
        case RequestAction.WITHDRAW:
            return bool(states - OVER)
    return True


def _after_action(flow: MyRequests, scope: Scope) -> Iterator[Command | Turn]:
    request = _one(flow, scope)
    if request is None or flow.action is RequestAction.NOTHING:
        yield Say(_("All right. I am here when you need me."), (Button("/menu", _("Menu")),))
        yield Stop()
    elif flow.action is RequestAction.ASSIGNMENT:
        yield StartFlow("assignment", {"ref": request.ref})
        yield Stop()
    elif request.state in OVER:
        yield Say(_("Request {ref} is over already.", ref=request.ref), (Button("/menu", _("Menu")),))
        yield Stop()


def _after_sure(flow: MyRequests, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.sure:
        yield Say(_("All right. Nothing was changed."), (Button("/menu", _("Menu")),))
        yield Stop()


class MyRequests(Flow, name="my_requests"):
    """What has become of my requests to the pool."""

    title = _("My requests")
    needs = REQUESTERS

    request: str | None = ask(
        _("Which request is it about?"),
        Pick(_requests),
        when=lambda so_far, scope: len(scope.own_requests()) != 1,
        exits=("/human", "/menu"),
    )
    action: RequestAction = ask(
        _card,
        Choice(
            {
                RequestAction.ASSIGNMENT: _("Write, or say how it is going"),
                RequestAction.WITHDRAW: _("I no longer need this"),
                RequestAction.NOTHING: _("Nothing, thank you"),
            },
            offered=_is_offered,
        ),
        then=_after_action,
        exits=("/back", "/human", "/menu"),
    )
    sure: bool = ask(
        _("I take the request back and tell the contact point. Whoever was asked is told too. Shall I do that?"),
        Confirm(_("Yes, take it back"), _("No, keep it")),
        then=_after_sure,
        exits=("/back", "/human", "/menu"),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        request = _one(self, scope)
        if request is None:
            yield Say(_("I cannot find this request here any more."), (Button("/menu", _("Menu")),))
            return
        yield WithdrawRequest(request.ref)
