"""What staff decide about a request to the pool: whom to ask, how many, how long, and how it goes on (R-52, F-03)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Final

from sqlalchemy import select

from bot.commands import Button
from bot.contact_point import WorkingPeriod
from bot.desk.card import renew_card
from bot.desk.deadlines import answered, wait_for_answer
from bot.desk.pool_picture import Load, picture
from bot.desk.request import kept_from_others, request_of
from bot.desk.room import open_or_take
from bot.i18n import ZONE, Text, _, lines, listing, ngettext, paragraphs, verbatim
from bot.messages import Media, Style
from bot.pool.cascade import CHOICE_BUTTONS, choices, no_chat
from bot.pool.matching import WIDENABLE, Condition, Ranking, Suggestion
from bot.pool.profiles import members
from bot.pool.request_words import STATE_AT_DESK, STATE_WORDS, professions_in_words, what_is_wanted, when_and_where
from bot.pool.requester import hand_over, possible
from bot.pool.search import (
    LARGEST_BATCH,
    end_offers,
    ends_at,
    release,
    standings,
    suggest,
    wanted,
)
from bot.pool.table import read_day
from bot.pool.words import professions_of
from bot.taxonomy import OVER, RUNNING, TO_DECIDE, OfferState, RequestState, Urgency
from bot.work import Work
from bot.working_time import add_period
from storage.models import Conversation, Thread
from storage.pool import ExpertRequest

AGAIN: Final = "pool_again"
"""The moment at which the desk wanted to look at a request again; its subject is the request."""

MOST_PEOPLE: Final = 20
"""How many are offered as buttons; others are named by their number."""

SIZES: Final = tuple(str(n) for n in range(1, LARGEST_BATCH + 1))
_PERIOD: Final = re.compile(r"([1-9][0-9]?) ?(h|d)")

WIDEN: Final = {
    Condition.PLACE: _("Other places"),
    Condition.WEEKDAY: _("Other days of the week"),
    Condition.LANGUAGE: _("Without the language"),
}
"""What the desk may let go, never neutrality or secrecy (F-03)."""


def suggestions(work: Work, thread: Thread) -> None:
    """Shows whom the desk could ask, the best first, with reasons, and releases nothing."""
    request = _to_decide(work, thread)
    if request is None:
        return
    if request.state == RequestState.REQUESTED:
        request.state = RequestState.UNDER_REVIEW
        renew_card(work, thread)
    if _is_too_late(work, thread, request):
        return
    ranking, _ids = suggest(work, request)
    if not ranking.suggestions:
        work.post(thread, choices(work, request), CHOICE_BUTTONS)
        return
    period = _usual(work, thread)
    first = [each.profile.id for each in ranking.suggestions]
    most = min(LARGEST_BATCH, len(first))
    work.post(
        thread,
        paragraphs(
            _("Suggestions for {ref}, the best first:", ref=thread.ref),
            *(_suggested(n, each) for n, each in enumerate(ranking.suggestions, 1)),
            _others(work, ranking),
            lines(
                _("How many shall be asked at once? Who says yes first gets it."),
                _("They have until {due}.", due=add_period(work.contact_point, work.now, period)),
                _("Another time: {command}", command="/offer 2 4h"),
                _("Certain people first: {command}", command=f"/offer {ranking.suggestions[0].profile.id}"),
            ),
        ),
        tuple(
            Button(f"/offer {' '.join(first[:n])}", ngettext("Ask {n}", "Ask {n} at once", n), primary=n == 1)
            for n in range(1, most + 1)
        ),
    )


def _is_too_late(work: Work, thread: Thread, request: ExpertRequest) -> bool:
    """Whether the days that were asked for are over; then the desk is told."""
    if work.now < ends_at(wanted(request)):
        return False
    work.post(
        thread,
        lines(
            _("The days that were asked for are over. Nobody is asked any more."),
            _("Please write to who asked by /reply, or end it by /close. For other days a new request is needed."),
        ),
        style=Style.STATUS,
    )
    return True


def _suggested(n: int, suggestion: Suggestion) -> Text:
    profile = suggestion.profile
    return lines(
        _("{n}. {name} ({number})", n=n, name=profile.name, number=profile.id),
        listing(list(suggestion.reasons)),
        _("But: {lacks}", lacks=listing(list(suggestion.lacks))) if suggestion.lacks else None,
    )


def _others(work: Work, ranking: Ranking) -> Text | None:
    more, here = ranking.fitting - len(ranking.suggestions), no_chat(work)
    if not more and here is None:
        return None
    return lines(ngettext("{n} more fits.", "{n} more fit.", more) if more else None, here)


def _usual(work: Work, thread: Thread) -> WorkingPeriod:
    rules = work.contact_point.pool
    return rules.answer_urgent if thread.urgency == Urgency.URGENT else rules.answer


def offer(work: Work, thread: Thread, by: str, argument: str) -> bool:
    """Releases the search: how many at once, how long they have, or who is first. False: nobody was asked."""
    request = _to_decide(work, thread)
    if request is None:
        return False
    if _is_too_late(work, thread, request):
        return False
    size, period, people = _read_release(argument)
    if size is None:
        usage = _(
            "Please write it like this: {one} or {two} or {three}",
            one="/offer 2",
            two="/offer 2 4h",
            three="/offer P3 2d",
        )
        work.post(thread, usage, style=Style.STATUS)
        return False
    if people:
        ranking, _ids = suggest(work, request, None)
        fitting = {each.profile.id for each in ranking.suggestions}
        wrong = [each for each in people if each not in fitting]
        if wrong:
            work.post(
                thread,
                _("These cannot be asked, or do not fit: {people}. Nothing was sent.", people=listing(wrong)),
                style=Style.STATUS,
            )
            return False
    asked = release(work, request, size, period or _usual(work, thread), people)
    if not asked:
        work.post(thread, choices(work, request), CHOICE_BUTTONS)
        return False
    answered(work, thread)
    names = listing([verbatim(each.name) for each in asked])
    due = request.due_at or work.now
    work.entry(thread, "EVENT", "RELEASED", author=by)
    work.post(
        thread,
        lines(
            _("{who} has released the search. Asked first: {names}.", who=by, names=names),
            _("They have until {due}. Then I ask the next by myself, or tell you here.", due=due),
        ),
    )
    work.tell_person(
        thread,
        lines(
            ngettext("Request {ref}: we have asked {n} expert.", "Request {ref}: we have asked {n} experts.",
                     len(asked), ref=thread.ref),
            _("You hear from us by {deadline}.", deadline=due),
        ),
    )  # fmt: skip
    return True


def _read_release(argument: str) -> tuple[int | None, WorkingPeriod | None, list[str]]:
    """`2`, `2 4h`, `P3 P7 2d`: how many, how long, who; None for what cannot be read."""
    size: int | None = None
    period: WorkingPeriod | None = None
    people: list[str] = []
    for word in argument.replace(",", " ").split():
        found = _PERIOD.fullmatch(word.casefold())
        if found is not None:
            number = int(found[1])
            period = WorkingPeriod(minutes=60 * number) if found[2] == "h" else WorkingPeriod(days=number)
        elif word in SIZES and size is None:
            size = int(word)
        elif re.fullmatch(r"[Pp][0-9]{1,9}", word):
            people.append(word.upper())
        else:
            return None, None, []
    if people and (len(people) > LARGEST_BATCH or size not in (None, len(people))):
        return None, None, []
    return size or len(people) or None, period, people


def widen(work: Work, thread: Thread, by: str, argument: str) -> None:
    """Lets a condition go, and shows who fits then (F-03)."""
    request = _to_decide(work, thread)
    if request is None:
        return
    named = argument.upper()
    if named not in WIDENABLE:
        work.post(
            thread,
            _("What may be different from what was asked for?"),
            tuple(Button(f"/widen {each}", label) for each, label in WIDEN.items()),
        )
        return
    wish = wanted(request)
    request.details = replace(wish, widened=wish.widened | {Condition(named)}).to_json()
    work.entry(thread, "EVENT", f"WIDENED_{named}", author=by)
    work.session.flush()
    suggestions(work, thread)


def other_profession(work: Work, thread: Thread, by: str, argument: str) -> None:
    """Asks for another profession too, or instead where none was named (F-03)."""
    request = _to_decide(work, thread)
    if request is None:
        return
    known = professions_of(work.contact_point)
    wish = wanted(request)
    key = next((each for each in known if each.casefold() == argument.casefold()), "")
    if not key:
        work.post(
            thread,
            lines(
                _("Now: {professions}.", professions=professions_in_words(wish, work.contact_point)),
                _("Which profession would help too?"),
            ),
            tuple(
                Button(f"/profession {each}", label) for each, label in known.items() if each not in wish.professions
            ),
        )
        return
    request.details = replace(wish, professions=wish.professions | {key}).to_json()
    work.entry(thread, "EVENT", f"PROFESSION_{key}", author=by)
    work.session.flush()
    suggestions(work, thread)


def postpone(work: Work, thread: Thread, by: str, argument: str) -> None:
    """Puts the decision off to a day; the requester is told the day."""
    request = _to_decide(work, thread)
    if request is None:
        return
    day = read_day(argument)
    last_day = wanted(request).last_day
    if day is not None and day > last_day:
        work.post(
            thread, _("Only until {day} is somebody needed. Nothing was changed.", day=last_day), style=Style.STATUS
        )
        return
    if day is None or day <= work.today:
        work.post(
            thread, _("Please write the day like this: {command}", command="/postpone 24.12.2026"), style=Style.STATUS
        )
        return
    at = datetime.combine(day, time(8), ZONE)
    work.remind(AGAIN, request.id, at)
    answered(work, thread)
    work.post(thread, _("{who} looks at this again on {day}. The requester knows.", who=by, day=day))
    work.tell_person(
        thread,
        lines(
            _("Request {ref}: nobody is free now. We look again on {day}.", ref=thread.ref, day=day),
            _("If you do not need it any more: /requests"),
        ),
    )


def look_again(work: Work, request_id: int) -> None:
    """The day has come to which the decision was put off."""
    request = work.session.get(ExpertRequest, request_id)
    thread = work.session.get(Thread, request.thread_id) if request is not None else None
    if request is None or thread is None or RequestState(request.state) not in TO_DECIDE:
        return
    work.alone_with(thread)
    wait_for_answer(work, thread)
    work.post(None, _("Request {ref}: today you wanted to look again.", ref=thread.ref), open_or_take(thread))
    suggestions(work, thread)


STATE_POOL_STEPS: Final = {
    "SENT": _("Sent to the state"),
    "FOUND": _("The state has found somebody"),
    "NOBODY": _("The state has nobody"),
}


def requester(work: Work, thread: Thread, by: str, argument: str) -> None:
    """Somebody else goes on with the request, named by the number of `/people` (F-14)."""
    request = request_of(work, thread)
    if request is None or RequestState(kept_from_others(work, request).state) in OVER:
        work.post(thread, _("There is no request to the pool under way here."), style=Style.STATUS)
        return
    people = possible(work)
    chosen = next((account for account, _name in people if str(account.id) == argument), None)
    chat = work.session.get(Conversation, chosen.conversation_id) if chosen is not None else None
    if chat is None:
        work.post(
            thread,
            _("Who goes on with this request?")
            if people
            else _("Nobody with a name could do it. To invite somebody: {command}", command="/invite CASE_MANAGER"),
            tuple(Button(f"/requester {account.id}", name) for account, name in people[:MOST_PEOPLE]),
        )
        return
    hand_over(work, request, thread, chat)
    work.post(thread, _("{who} has handed the request over. Number {n} asks now.", who=by, n=int(argument)))


def state_pool(work: Work, thread: Thread, by: str, argument: str) -> None:
    """A text for the pool of the state, for a human to send, and what came of it (R-54, R-55)."""
    request = request_of(work, thread)
    if request is None:
        work.post(thread, NO_REQUEST, style=Style.STATUS)
        return
    step = argument.upper()
    if RequestState(kept_from_others(work, request).state) in RUNNING | OVER:
        work.post(thread, _state(request), style=Style.STATUS)
        return
    if step in ("FOUND", "NOBODY") and request.state != RequestState.ESCALATED_STATE_POOL:
        work.post(thread, _state(request), style=Style.STATUS)
        return
    match step:
        case "SENT":
            end_offers(work, request, OfferState.RECALLED)
            request.state, request.due_at = RequestState.ESCALATED_STATE_POOL, None
            work.entry(thread, "EVENT", "STATE_POOL_SENT", author=by)
            answered(work, thread)
            work.post(
                thread,
                _("Noted. When there is an answer:"),
                tuple(Button(f"/state_pool {each}", STATE_POOL_STEPS[each]) for each in ("FOUND", "NOBODY")),
            )
            work.tell_person(thread, _("Request {ref}: we have now asked the pool of the state.", ref=thread.ref))
        case "FOUND":
            request.state = RequestState.DONE
            request.ended_at = work.now
            work.entry(thread, "EVENT", "STATE_POOL_FOUND", author=by)
            work.post(thread, _("Noted. Please tell the requester by /reply how they reach the expert, then /close."))
            work.tell_person(
                thread,
                _("Request {ref}: the pool of the state can help. The contact point writes to you.", ref=thread.ref),
            )
        case "NOBODY":
            request.state = RequestState.UNDER_REVIEW
            work.entry(thread, "EVENT", "STATE_POOL_NOBODY", author=by)
            wait_for_answer(work, thread)
            work.post(thread, choices(work, request), CHOICE_BUTTONS)
        case _:
            _show_state_pool_text(work, thread, request)
            return
    renew_card(work, thread)


def _show_state_pool_text(work: Work, thread: Thread, request: ExpertRequest) -> None:
    desk = work.contact_point.pool.state_desk
    wish = wanted(request)
    point = work.contact_point
    work.post(
        thread,
        lines(
            _("A text for the pool of the state. Please read it, and send it yourself; I send nothing."),
            _("To: {to}", to=listing([each for each in (desk.name, desk.email, desk.phone) if each]))
            if desk is not None
            else _("Its address is not entered in the file of the contact point."),
        ),
        (Button("/state_pool SENT", STATE_POOL_STEPS["SENT"]),),
    )
    # Nothing that anybody wrote: only choices, and the county instead of the place (D-28).
    work.post(
        thread,
        paragraphs(
            _("Request to the pool of the state, {ref}", ref=thread.ref),
            lines(
                _("From: conflict contact point {place}, {phone}", place=point.name, phone=point.phone),
                *what_is_wanted(wish, point),
                *when_and_where(replace(wish, municipality=""), point, in_full=False),
                _("Organisations involved, for the question of neutrality, we name by telephone.")
                if wish.organisations
                else None,
            ),
            _("In our own pool nobody was found.") if request.state in TO_DECIDE and request.batch else None,
            _("Can you help? Details by telephone only."),
        ),
    )


def _to_decide(work: Work, thread: Thread) -> ExpertRequest | None:
    """The request, while the desk may decide how it goes on; else the desk is told why not."""
    request = request_of(work, thread)
    if request is None:
        work.post(thread, NO_REQUEST, style=Style.STATUS)
        return None
    if RequestState(kept_from_others(work, request).state) not in TO_DECIDE:
        work.post(thread, _state(request), style=Style.STATUS)
        return None
    return request


NO_REQUEST: Final = _("This is no request to the pool.")


def _state(request: ExpertRequest) -> Text:
    return _("Not possible now. State: {state}.", state=STATE_AT_DESK[RequestState(request.state)])


def overview(work: Work, thread: Thread | None) -> None:
    """All requests that are not over: to decide, asked, under way; what is late is marked."""
    found = work.session.execute(
        select(ExpertRequest, Thread)
        .join(Thread, Thread.id == ExpertRequest.thread_id)
        .where(ExpertRequest.ended_at.is_(None))
        .order_by(Thread.id)
    ).all()
    rows = [(request, its_thread) for request, its_thread in found]
    if not rows:
        work.post(thread, _("No request to the pool is open."), style=Style.STATUS)
        return
    decide = [row for row in rows if RequestState(row[0].state) in TO_DECIDE]
    asked = [row for row in rows if row[0].state == RequestState.OFFERED]
    under_way = [row for row in rows if RequestState(row[0].state) in RUNNING]
    state = [row for row in rows if row[0].state == RequestState.ESCALATED_STATE_POOL]
    work.post(
        thread,
        paragraphs(
            _part(work, _("For you to decide:"), decide),
            _part(work, _("Experts asked:"), asked),
            _part(work, _("Under way:"), under_way),
            _part(work, _("Asked at the pool of the state:"), state),
        ),
        open_or_take(decide[0][1])[:1] if decide else (),
    )


def show_load(work: Work, thread: Thread | None) -> None:
    """How busy everybody of the pool is, as a picture."""
    here = standings(work)
    loads = [
        Load(
            f"{each.profile.id} {each.profile.name}",
            here[each.id].running if each.id in here else 0,
            here[each.id].open_offers if each.id in here else 0,
            each.profile.most_cases,
        )
        for each in members(work)
    ]
    if loads:
        title = _("Load of the pool, {day}", day=work.today)
        shown = Media("photo", "pool.png", "image/png", picture(loads, title, work.desk_language))
        work.post(thread, title, file=shown)


def _part(work: Work, heading: Text, rows: Sequence[tuple[ExpertRequest, Thread]]) -> Text | None:
    return lines(heading, *(_row(work, request, thread) for request, thread in rows)) if rows else None


def _row(work: Work, request: ExpertRequest, thread: Thread) -> Text:
    what = professions_in_words(wanted(request), work.contact_point)
    due = request.due_at or thread.deadline
    late = due is not None and due < work.now
    if due is None:
        return _("• {ref}: {what} – {state}", ref=thread.ref, what=what, state=STATE_WORDS[RequestState(request.state)])
    if late:
        return _("• {ref}: {what} – overdue since {due}", ref=thread.ref, what=what, due=due)
    return _("• {ref}: {what} – by {due}", ref=thread.ref, what=what, due=due)
