"""Who has a case: fifty takes at once, silent holders, deadlines that run out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.messages import Style
from storage.database import Database
from storage.models import Thread
from tests.bench import START, Bench, at_desk, to_person

STAFF = [f"staff{n:02}" for n in range(50)]
BERLIN = START.tzinfo


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    return made


def holder(bench: Bench, ref: str) -> str | None:
    with bench.database.transaction(bench.point) as session:
        return session.scalars(select(Thread).where(Thread.ref == ref)).one().taken_by


def test_of_fifty_at_once_one_wins_and_the_others_are_told_who(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    for by in STAFF:
        bench.receive(by=by, thread=ref, choice="/take")
    said = bench.settle()
    assert holder(bench, ref) == STAFF[0]
    assert at_desk(said, "") == [f"{STAFF[0]} has taken {ref}."]
    told = [text for text in at_desk(said, ref, Style.STATUS) if f"{STAFF[0]} has {ref} already" in text]
    assert len(told) == 49
    assert to_person(said, "ana") == [f"A person from the contact point now has your report {ref}."]


def test_taking_twice_changes_nothing(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", "/take", ref)
    said = bench.desk("kim", "/take", ref)
    assert at_desk(said) == [f"You have {ref} already."] and not to_person(said, "ana")


def test_what_is_closed_cannot_be_taken(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", f"/open {ref}")
    bench.desk("kim", "/close ANSWERED", ref)
    said = bench.desk("lee", "/take", ref)
    assert at_desk(said, ref) == [f"{ref} cannot be taken."]
    assert holder(bench, ref) is None and not to_person(said, "ana")


def test_only_the_holder_releases_and_anybody_may_transfer(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", "/take", ref)
    said = bench.desk("lee", "/release", ref)
    assert at_desk(said, ref) == [f"kim has {ref}. To take it over: /transfer lee"] and holder(bench, ref) == "kim"
    said = bench.desk("lee", "/transfer lee", ref)
    (told,) = at_desk(said, "")
    assert ref in told and "kim" in told and "lee" in told and holder(bench, ref) == "lee"
    bench.desk("lee", "/release", ref)
    assert holder(bench, ref) is None


def test_a_silent_holder_loses_the_case_after_thirty_working_minutes(bench: Bench) -> None:
    bench.at(datetime(2026, 11, 24, 15, 45, tzinfo=BERLIN))
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", "/take", ref)
    # The service ends at four: the other fifteen minutes are those of the next morning.
    bench.at(datetime(2026, 11, 25, 8, 14, tzinfo=BERLIN))
    assert holder(bench, ref) == "kim"
    said = bench.at(datetime(2026, 11, 25, 8, 15, tzinfo=BERLIN))
    assert f"{ref} is free again: kim has not answered. Who takes it?" in at_desk(said, "")
    assert holder(bench, ref) is None and not to_person(said, "ana")


def test_who_has_answered_keeps_the_case(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", "/reply Good morning, I am looking into it.", ref)
    bench.after(minutes=31)
    assert holder(bench, ref) == "kim"


def test_an_answer_shifts_the_moment_of_losing_the_case(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", "/reply Good morning.", ref)
    bench.after(minutes=20)
    bench.say("ana", "Are you still there?")
    bench.after(minutes=29)
    assert holder(bench, ref) == "kim"
    bench.after(minutes=1)
    assert holder(bench, ref) is None


def stages(said: list[str]) -> list[str]:
    """Which of the three pings were among them."""
    words = {"50": "alf of the time", "80": "is due soon", "100": "To everybody"}
    return [stage for text in said for stage, word in words.items() if word in text]


def test_a_deadline_pings_at_50_80_and_100_percent_of_the_working_time(bench: Bench) -> None:
    bench.report("ana", "Noise at night in the yard.", heat="4")
    # Urgent is two working hours, from nine o'clock on.
    assert stages(at_desk(bench.after(minutes=59), "")) == []
    assert stages(at_desk(bench.after(minutes=1), "")) == ["50"]
    assert stages(at_desk(bench.after(minutes=35), "")) == []
    assert stages(at_desk(bench.after(minutes=1), "")) == ["80"]
    said = bench.after(minutes=24)
    assert stages(at_desk(said, "")) == ["100"]
    (told,) = to_person(said, "ana")
    assert "We have not managed to answer yet" in told and "13:00" in told
    # The clock runs again, from now on, and pings again at every stage.
    assert stages(at_desk(bench.after(minutes=60), "")) == ["50"]
    assert stages(at_desk(bench.after(minutes=36), "")) == ["80"]
    assert stages(at_desk(bench.after(minutes=24), "")) == ["100"]


def test_after_a_standstill_only_the_last_ping_comes(bench: Bench) -> None:
    bench.report("ana", "Noise at night in the yard.", heat="4")
    assert stages(at_desk(bench.after(minutes=110), "")) == ["80"]
    assert stages(at_desk(bench.after(minutes=300), "")) == ["100"]


def test_a_person_is_told_of_a_delay_twice_at_most(bench: Bench) -> None:
    bench.report("ana", "Noise at night in the yard.", heat="4")
    told = [len(to_person(bench.after(hours=24), "ana")) for _ in range(6)]
    assert sum(told) == 2 and told[:2] == [1, 1]


@pytest.mark.parametrize("end", ["/reply We are on it.", "/close ANSWERED"])
def test_an_answered_deadline_never_rings(bench: Bench, end: str) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", heat="4")
    bench.after(minutes=50)
    bench.desk("kim", f"/open {ref}")
    bench.desk("kim", end, ref)
    assert stages(at_desk(bench.after(minutes=100), "")) == []


def test_who_waits_already_keeps_the_deadline(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", heat="4")
    bench.after(minutes=30)
    bench.say("ana", "/human")
    bench.say("ana", "Is anybody there? It goes on and on.")
    with bench.database.transaction(bench.point) as session:
        thread = session.scalars(select(Thread).where(Thread.ref == ref)).one()
        assert thread.deadline == START + timedelta(hours=2)


def test_a_chat_that_nobody_answers_goes_back_to_the_bot_after_what_was_promised(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", wish="TALK_TO_PERSON")
    bench.say("ana", "Please come.")
    # Promised until the end of service on Wednesday; two hours later the bot speaks again.
    said = [text for hour in range(9) for text in to_person(bench.after(hours=3.5 + hour / 100), "ana")]
    said += to_person(bench.at(datetime(2026, 11, 25, 17, 59, tzinfo=BERLIN)), "ana")
    assert said and not any("the program answers again" in text for text in said)
    said = to_person(bench.at(datetime(2026, 11, 25, 18, 0, tzinfo=BERLIN)), "ana")
    assert any("Nobody has come yet" in text for text in said), said
    # The words stay with the desk, and a later answer still arrives.
    assert "Sorry for the wait." in to_person(bench.desk("kim", "/reply Sorry for the wait.", ref), "ana")


def test_a_chat_in_which_both_are_silent_goes_back_after_two_hours(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.", wish="TALK_TO_PERSON")
    bench.desk("kim", "/reply Good morning.", ref)
    bench.after(minutes=119)
    bench.say("ana", "/help")
    bench.after(minutes=119)
    assert bench.say("ana", "One more thing.") and "One more thing." in at_desk(bench.heard, ref)
    bench.desk("kim", "/reply Yes?", ref)
    assert any("the program answers again" in text.lower() for text in to_person(bench.after(minutes=120), "ana"))


def test_live_talk_ends_by_itself(bench: Bench) -> None:
    ref = bench.report("ana", "Noise at night in the yard.")
    bench.desk("kim", "/talk", ref)
    said = bench.after(minutes=10)
    assert at_desk(said, ref, Style.NOTICE)
    assert not to_person(bench.desk("kim", "A note", ref), "ana")


def test_reopening_one_case_does_not_unblock_who_was_blocked_for_another(bench: Bench) -> None:
    harmless = bench.report("ana", "Noise at night in the yard.")
    abusive = bench.report("ana", "Insults against everybody who works there.")
    for by, text, ref in (
        ("kim", "/close ANSWERED", harmless),
        ("kim", "/close ABUSE", abusive),
        ("lee", "/close ABUSE", abusive),
        ("kim", "/reopen", harmless),
    ):
        bench.desk(by, text, ref)
    assert any("cannot work on this message" in text for text in to_person(bench.say("ana", "/menu"), "ana"))
    bench.desk("lee", "/reopen", abusive)
    assert not any("cannot work on this message" in text for text in to_person(bench.say("ana", "/menu"), "ana"))
