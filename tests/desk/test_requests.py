"""A request to the pool at the desk: how it comes in, ends, comes back, and what is left of it (R-50, D-18)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.contact_point import ContactPoint
from bot.desk.request import asked
from bot.periods import months_after
from bot.pool.request import PoolRequest
from bot.restoring import replay
from bot.retention import Counts, run
from bot.taxonomy import RequestState
from storage.database import Database
from storage.erasures import Erased, entries
from storage.models import ContactLink, Report, SourceLink, Statistic, Thread, ThreadEntry
from storage.pool import ExpertRequest
from tests.bench import Bench, at_desk, to_person

OUTLINE = "Two groups argue about the yard of the house."


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    made.join("ana", "Ana")
    return made


def stored(bench: Bench) -> tuple[RequestState, PoolRequest]:
    """The only request."""
    with bench.database.transaction(bench.point) as session:
        (row,) = session.scalars(select(ExpertRequest))
        request = asked(row)
        assert request is not None
        return RequestState(row.state), request


def number_of(bench: Bench, model: Any) -> int:
    with bench.database.transaction(bench.point) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def details(bench: Bench) -> Any:
    with bench.database.transaction(bench.point) as session:
        return session.scalars(select(ExpertRequest)).one().details


def listed(bench: Bench) -> frozenset[Erased]:
    """The list of erasures."""
    with bench.database.transaction(everywhere=True) as session:
        return entries(session)


def delete(bench: Bench, point: ContactPoint) -> Counts:
    return run(bench.database, {point.id: point}, bench.time())


def test_a_request_reaches_the_desk_and_the_room_hears_nothing_of_it(bench: Bench) -> None:
    before = len(bench.heard)
    ref = bench.request("ana", OUTLINE)
    room = "\n".join(each.message.text for each in bench.heard[before:] if not each.chat)
    assert f"New request to the pool {ref}. Urgency: normal." in room
    assert "yard" not in room and "GeWoBau" not in room
    state, request = stored(bench)
    assert state is RequestState.REQUESTED
    assert (request.outline, request.parties) == (OUTLINE, "tenants, landlord")
    assert request.organisations == ("GeWoBau",)
    assert (request.professions, request.languages) == (frozenset({"MEDIATOR"}), frozenset({"de"}))
    shown = at_desk(bench.desk("kim", f"/open {ref}"))
    assert any("State: request to the pool: new" in text and "GeWoBau" in text for text in shown)
    assert any(OUTLINE in text for text in shown)


def test_whoever_takes_it_looks_at_it_and_closing_ends_it(bench: Bench) -> None:
    ref = bench.request("ana", OUTLINE)
    told = to_person(bench.desk("kim", f"/take {ref}"), "ana")
    assert told == [f"A person from the contact point now has your request {ref}."]
    assert stored(bench)[0] is RequestState.UNDER_REVIEW
    bench.desk("kim", f"/close {ref} ANSWERED")
    assert stored(bench)[0] is RequestState.CANCELLED
    bench.desk("kim", f"/reopen {ref}")
    assert stored(bench)[0] is RequestState.UNDER_REVIEW


def test_the_promise_is_kept_in_mind(bench: Bench) -> None:
    ref = bench.request("ana", OUTLINE)
    (said,) = [each.message.text for each in bench.heard if "You get a suggestion by" in each.message.text]
    assert "Friday, 27 November 2026, 12:00" in said
    pings = at_desk(bench.after(days=2))
    assert any(f"Half of the time for {ref} is over" in text for text in pings)
    told = to_person(bench.after(days=3), "ana")
    assert any("We have not managed to answer yet" in each for each in told)


def test_no_longer_needed(bench: Bench) -> None:
    ref = bench.request("ana", OUTLINE)
    bench.desk("kim", f"/take {ref}")
    bench.say("ana", "/requests")
    bench.say("ana", choice="WITHDRAW")
    said = bench.say("ana", choice="YES")
    assert any(f"Request {ref} is taken back" in each for each in to_person(said, "ana"))
    assert any(f"Request {ref} was taken back" in each for each in at_desk(said))
    assert stored(bench)[0] is RequestState.CANCELLED
    with bench.database.transaction(bench.point) as session:
        thread = session.scalars(select(Thread)).one()
        assert thread.closed_at is not None and thread.taken_by is None and thread.deadline is None


def test_nobody_else_can_take_it_back(bench: Bench) -> None:
    bench.request("ana", OUTLINE)
    bench.join("ben", "Ben")
    said = to_person(bench.say("ben", "/requests"), "ben")
    assert said[0] == "No request to the pool is linked to this chat."
    assert stored(bench)[0] is RequestState.REQUESTED


def test_who_has_no_role_asks_for_nobody(bench: Bench) -> None:
    bench.say("eve", "/start")
    bench.say("eve", choice="en")
    for command in ("/expert", "/mediator", "/requests"):
        said = to_person(bench.say("eve", command), "eve")
        assert said[0] == "For this you need an invitation from the contact point."


def test_forgetting_the_chat_ends_the_search(bench: Bench) -> None:
    ref = bench.request("ana", OUTLINE)
    bench.desk("kim", f"/open {ref}")
    bench.say("ana", "/data")
    bench.say("ana", choice="FORGET_ME")
    bench.say("ana", choice="YES")
    assert stored(bench)[0] is RequestState.CANCELLED
    assert number_of(bench, ContactLink) == 0


def test_my_data_holds_the_request(bench: Bench) -> None:
    ref = bench.request("ana", OUTLINE)
    bench.say("ana", "/data")
    (file,) = [each.message.file for each in bench.say("ana", choice="EXPORT") if each.message.file]
    (request,) = json.loads(file.data)["requests"]
    assert (request["ref"], request["outline"], request["state"]) == (ref, OUTLINE, "REQUESTED")


def test_a_message_changed_after_sending(bench: Bench) -> None:
    ref = bench.request("ana", OUTLINE)
    bench.desk("kim", f"/open {ref}")
    said = bench.say("ana", "Two groups argue about the cellar.", edits="ana outline")
    assert f"I have passed on your change to request {ref}." in to_person(said, "ana")
    assert any("Correction: Two groups argue about the cellar." in each for each in at_desk(said))
    said = bench.say("ana", takes_back="ana aim")
    assert any(f"still in your request {ref}" in each for each in to_person(said, "ana"))


def test_words_go_with_the_talk_and_the_rest_two_years_after_the_end(bench: Bench, oberberg: ContactPoint) -> None:
    ref = bench.request("ana", OUTLINE)
    bench.desk("kim", f"/open {ref}")
    bench.after(days=oberberg.retention.transcript_days + 1)
    delete(bench, oberberg)
    assert stored(bench)[1].outline == OUTLINE, "as long as somebody is looked for"
    bench.desk("kim", f"/close {ref} ANSWERED")
    closed = bench.time()
    bench.after(days=oberberg.retention.transcript_days - 1)
    delete(bench, oberberg)
    assert stored(bench)[1].outline == OUTLINE
    assert number_of(bench, ContactLink) == number_of(bench, SourceLink) == 0
    bench.after(days=2)
    assert delete(bench, oberberg).transcripts == 1
    assert delete(bench, oberberg).transcripts == 0, "once"
    state, request = stored(bench)
    assert (request.outline, request.aim, request.parties, request.organisations) == ("", "", "", ())
    assert (state, request.professions) == (RequestState.CANCELLED, frozenset({"MEDIATOR"}))
    assert number_of(bench, ThreadEntry) == 0
    until = months_after(closed, oberberg.retention.expert_request_months)
    bench.at(until - timedelta(days=1))
    assert delete(bench, oberberg).cases == 0
    bench.at(until + timedelta(days=1))
    assert delete(bench, oberberg).cases == 1
    assert number_of(bench, ExpertRequest) == number_of(bench, Thread) == 0
    assert number_of(bench, Statistic) == 0, "it was no report"


def test_a_request_is_no_report(bench: Bench) -> None:
    bench.request("ana", OUTLINE)
    assert number_of(bench, Report) == 0
    said = to_person(bench.say("ana", "/mine"), "ana")
    assert said[0].startswith("No report is linked to this chat.")


class TestAfterARestore:
    """What was erased since the backup was made is erased again."""

    def test_the_words_of_a_request_that_is_over(self, bench: Bench, oberberg: ContactPoint) -> None:
        ref = bench.request("ana", OUTLINE)
        bench.desk("kim", f"/close {ref} ANSWERED")
        before = details(bench)
        bench.after(days=oberberg.retention.transcript_days + 1)
        delete(bench, oberberg)
        with bench.database.transaction(bench.point) as session:
            session.scalars(select(ExpertRequest)).one().details = before
        assert stored(bench)[1].outline == OUTLINE
        replay(bench.database, listed(bench))
        assert stored(bench)[1].outline == ""

    def test_whoever_is_forgotten_gets_nobody_sent(self, bench: Bench) -> None:
        bench.request("ana", OUTLINE)
        bench.say("ana", "/data")
        bench.say("ana", choice="FORGET_ME")
        bench.say("ana", choice="YES")
        with bench.database.transaction(bench.point) as session:
            session.scalars(select(ExpertRequest)).one().state = RequestState.REQUESTED
        replay(bench.database, listed(bench))
        assert stored(bench)[0] is RequestState.CANCELLED
