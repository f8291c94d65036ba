"""From the release by the desk to the end of an assignment: the cascade, neutrality, one winner, and what goes wrong."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from bot.commands import WithdrawRequest
from bot.contact_point import ContactPoint
from bot.handlers import handle
from bot.taxonomy import OfferState, RequestState, Urgency
from bot.work import Work
from storage import accounts
from storage.accounts import RoleGrant
from storage.database import Database
from storage.models import Conversation
from storage.pool import PoolProfile
from tests.bench import START, Bench, at_desk, to_person
from tests.pool.chain import Pool


@pytest.fixture
def pool(database: Database, oberberg: ContactPoint) -> Pool:
    bench = Bench(database, {oberberg.id: oberberg})
    bench.desk("kim", "/language en")
    made = Pool(bench)
    bench.join("case", "Ana", "CASE_MANAGER waldbroel caritas")
    return made


def said_to(chat: str, deliveries: object) -> str:
    return "\n".join(to_person(deliveries, chat))  # type: ignore[arg-type]


def relinked(work: Work, chat: Conversation) -> None:
    """The profile belongs to this chat now."""
    account = accounts.of_chat(work.session, chat)
    row = work.session.scalars(select(PoolProfile)).one()
    row.account_id = account.id if account is not None else None
    work.session.execute(insert(RoleGrant).values(account_id=row.account_id, role="EXPERT", municipalities=""))


class TestRelease:
    def test_the_desk_sees_whom_to_ask_and_why(self, pool: Pool) -> None:
        pool.expert("mia")
        pool.expert("noa", municipalities=frozenset({"wiehl"}))
        ref = pool.ask()
        shown = "\n".join(at_desk(pool.bench.desk("kim", f"/suggest {ref}")))
        assert "1. Expert mia (P1)" in shown
        assert "covers Waldbröl" in shown
        assert "Expert noa" not in shown
        assert pool.offers() == {}, "nothing goes out before a human releases it"

    def test_an_offer_says_little(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask(outline="the quarrel about the secret staircase", aim="peace in house seven")
        heard = pool.bench.desk("kim", f"/offer {ref} 1")
        offer = said_to("mia", heard)
        assert f"Request from the intervention pool: {ref}" in offer
        assert "mediation" in offer
        for word in ("staircase", "seven", "tenants", "Housing", "Ana"):
            assert word not in offer
        assert "we have asked 1 expert" in said_to("case", heard)

    def test_who_asks_is_never_asked(self, pool: Pool) -> None:
        pool.expert("case")
        ref = pool.ask()
        assert "Expert case" not in "\n".join(at_desk(pool.bench.desk("kim", f"/suggest {ref}")))

    @pytest.mark.parametrize("organisation", ["caritas", "Caritasverband für den Oberbergischen Kreis"])
    def test_who_works_for_a_party_is_not_asked(self, pool: Pool, organisation: str) -> None:
        pool.expert("mia", organisation=organisation)
        ref = pool.ask(organisations=("Caritasverband für den Oberbergischen Kreis",))
        assert "works for an organisation that is a party" in "\n".join(
            at_desk(pool.bench.desk("kim", f"/suggest {ref}"))
        )

    def test_also_if_only_the_code_named_the_employer(self, pool: Pool) -> None:
        pool.expert("mia", roles="EXPERT caritas")
        ref = pool.ask(organisations=("Caritasverband für den Oberbergischen Kreis",))
        assert "Expert mia" not in "\n".join(at_desk(pool.bench.desk("kim", f"/suggest {ref}")))

    @pytest.mark.parametrize(
        "argument",
        ["", "0", "4", "x", "2 5m", "P9", "1 1 1", "0031", "003" + "1" * 4500, "²", "1 P1 P1", "P1 P1 P1 P1", "P" * 99],
    )
    def test_what_cannot_be_released_sends_nothing(self, pool: Pool, argument: str) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} {argument}")
        assert pool.offers() == {}

    def test_certain_people_first(self, pool: Pool) -> None:
        for chat in ("mia", "noa", "ole"):
            pool.expert(chat)
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} P3 4h")
        assert pool.offers() == {"P3": OfferState.OPEN}
        assert pool.request().due_at == START + timedelta(hours=4)

    def test_the_button_asks_those_who_were_shown(self, pool: Pool) -> None:
        for chat in ("mia", "noa"):
            pool.expert(chat)
        ref = pool.ask()
        shown = pool.bench.desk("kim", f"/suggest {ref}")
        ids = [option.id for each in shown for option in each.message.options]
        assert [each for each in ids if "/offer" in each] == ["/offer P1", "/offer P1 P2"]

    def test_who_did_not_answer_can_be_asked_again_when_the_desk_decides_anew(self, pool: Pool) -> None:
        pool.expert("mia")
        pool.expert("noa")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} P1")
        for _batch in range(2):
            pool.bench.after(days=6)
        assert pool.offers() == {"P1": OfferState.EXPIRED, "P2": OfferState.EXPIRED}
        shown = "\n".join(at_desk(pool.bench.desk("kim", f"/suggest {ref}")))
        assert "1. Expert mia (P1)" in shown and "2. Expert noa (P2)" in shown
        pool.bench.desk("kim", f"/offer {ref} 1")
        assert pool.offers() == {"P1": OfferState.OPEN, "P2": OfferState.EXPIRED}

    def test_nobody_is_asked_for_days_that_are_over(self, pool: Pool) -> None:
        for chat in ("mia", "noa"):
            pool.expert(chat)
        ref = pool.ask(first_day=START.date() + timedelta(days=1), last_day=START.date() + timedelta(days=2))
        pool.bench.desk("kim", f"/offer {ref} P1 9d")
        midnight = datetime(2026, 11, 27, 0, 0, tzinfo=START.tzinfo)
        assert pool.request().due_at == midnight
        pool.bench.at(midnight + timedelta(hours=9))
        assert pool.offers() == {"P1": OfferState.EXPIRED}
        for command in (f"/suggest {ref}", f"/offer {ref} 1"):
            assert "are over" in "\n".join(at_desk(pool.bench.desk("kim", command)))
        assert pool.offers() == {"P1": OfferState.EXPIRED}

    def test_the_desk_cannot_put_it_off_beyond_the_last_day(self, pool: Pool) -> None:
        ref = pool.ask()
        shown = "\n".join(at_desk(pool.bench.desk("kim", f"/postpone {ref} 25.12.2026")))
        assert "Only until" in shown

    def test_what_the_state_has_said_counts_only_after_it_was_asked(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        for step in ("FOUND", "NOBODY"):
            pool.bench.desk("kim", f"/state_pool {ref} {step}")
            assert pool.state is RequestState.OFFERED
        assert pool.offers() == {"P1": OfferState.OPEN}


class TestAnswers:
    def test_first_neutrality_then_the_two_are_in_touch(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        asked = said_to("mia", pool.bench.say("mia", choice=f"/accept {ref}"))
        assert "tenants, housing company" in asked
        assert "Housing Ltd" in asked
        assert pool.state is RequestState.OFFERED
        heard = pool.bench.say("mia", choice="YES")
        assert pool.state is RequestState.ACCEPTED
        assert "Ana" in said_to("mia", heard)
        assert "Expert mia" in said_to("case", heard)

    def test_who_is_not_neutral_is_released_without_a_question(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        pool.bench.say("mia", choice=f"/accept {ref}")
        heard = pool.bench.say("mia", choice="NO")
        assert said_to("mia", heard).endswith("Thank you for the quick answer.")
        assert pool.offers() == {"P1": OfferState.NOT_NEUTRAL}
        assert pool.state is RequestState.DECLINED_ALL

    def test_of_several_the_first_wins_and_the_others_are_thanked(self, pool: Pool) -> None:
        for chat in ("mia", "noa", "ole"):
            pool.expert(chat)
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 3")
        for chat in ("mia", "noa"):
            pool.bench.say(chat, choice=f"/accept {ref}")
        pool.bench.receive(chat="noa", choice="YES")
        pool.bench.receive(chat="mia", choice="YES")
        heard = pool.bench.settle()
        states = pool.offers()
        assert sorted(states.values()) == sorted([OfferState.ACCEPTED, OfferState.TAKEN, OfferState.TAKEN])
        lost = [chat for chat, number in (("mia", "P1"), ("noa", "P2"), ("ole", "P3")) if states[number] != "ACCEPTED"]
        assert all("already been taken" in said_to(chat, heard) for chat in lost)

    def test_an_old_button_does_nothing_any_more(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        pool.bench.say("mia", choice=f"/decline {ref}")
        assert "answered this request already" in said_to("mia", pool.bench.say("mia", choice=f"/accept {ref}"))
        assert pool.offers() == {"P1": OfferState.DECLINED}

    def test_what_has_changed_since_the_offer_counts(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        pool.bench.desk("kim", "/profile P1\nCommitment to secrecy signed on:")
        pool.bench.say("mia", choice=f"/accept {ref}")
        heard = pool.bench.say("mia", choice="YES")
        assert "no longer needed" in said_to("mia", heard)
        assert "cannot be asked any more" in "\n".join(at_desk(heard))
        assert pool.offers() == {"P1": OfferState.RECALLED}
        assert pool.state is RequestState.UNDER_REVIEW

    def test_nobody_accepts_their_own_request(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        pool.bench.desk("kim", "/invite EXPERT P1")
        pool.within("case", lambda work, chat: relinked(work, chat))
        pool.bench.say("case", choice=f"/accept {ref}")
        pool.bench.say("case", choice="YES")
        assert pool.offers() == {"P1": OfferState.RECALLED}

    def test_a_question_leaves_time_for_the_answer(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1 2h")
        pool.bench.say("mia", choice=f"/ask {ref}")
        pool.bench.after(hours=3)
        assert pool.offers() == {"P1": OfferState.OPEN}
        pool.bench.after(days=4)
        assert pool.offers() == {"P1": OfferState.EXPIRED}

    def test_nobody_else_can_answer(self, pool: Pool) -> None:
        pool.expert("mia")
        pool.expert("noa", municipalities=frozenset({"wiehl"}))
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1")
        for chat in ("noa", "case", "stranger"):
            pool.bench.say(chat, choice=f"/accept {ref}")
            pool.bench.say(chat, choice="YES")
        assert pool.offers() == {"P1": OfferState.OPEN}


class TestCascade:
    def test_all_declined_then_the_next_are_asked_at_once(self, pool: Pool) -> None:
        for chat in ("mia", "noa"):
            pool.expert(chat)
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} P1")
        heard = pool.bench.say("mia", choice=f"/decline {ref}")
        assert pool.offers() == {"P1": OfferState.DECLINED, "P2": OfferState.OPEN}
        assert "Request from the intervention pool" in said_to("noa", heard)
        assert "We keep looking" in said_to("case", heard)

    def test_after_the_second_batch_the_desk_decides(self, pool: Pool) -> None:
        for chat in ("mia", "noa", "ole"):
            pool.expert(chat)
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} P1")
        pool.bench.say("mia", choice=f"/decline {ref}")
        declined = "noa" if pool.offers().get("P2") else "ole"
        heard = pool.bench.say(declined, choice=f"/decline {ref}")
        assert pool.state is RequestState.DECLINED_ALL
        assert "This is possible now" in "\n".join(at_desk(heard))
        assert "The contact point now decides" in said_to("case", heard)

    def test_an_offer_runs_out_in_working_time(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask(Urgency.URGENT)
        pool.bench.at(datetime(2026, 11, 27, 10, 0, tzinfo=START.tzinfo))
        pool.bench.desk("kim", f"/offer {ref} 1")
        # Two hours are left on Friday, the other two are on Monday.
        pool.bench.at(datetime(2026, 11, 30, 9, 59, tzinfo=START.tzinfo))
        assert pool.offers() == {"P1": OfferState.OPEN}
        heard = pool.bench.at(datetime(2026, 11, 30, 10, 0, tzinfo=START.tzinfo))
        assert pool.offers() == {"P1": OfferState.EXPIRED}
        assert "No problem" in said_to("mia", heard)
        assert pool.state is RequestState.TIMED_OUT

    def test_a_night_of_the_clock_change_moves_no_deadline(self, pool: Pool) -> None:
        pool.bench.at(datetime(2027, 3, 25, 15, 0, tzinfo=START.tzinfo))
        pool.expert("mia")
        ref = pool.ask(first_day=date(2027, 4, 5), last_day=date(2027, 4, 9))
        pool.bench.desk("kim", f"/offer {ref} 1 4h")
        # An hour is left on Thursday; then come Easter and the night that skips an hour.
        assert pool.request().due_at == datetime(2027, 3, 30, 11, 0, tzinfo=START.tzinfo)
        pool.bench.at(datetime(2027, 3, 30, 10, 59, tzinfo=START.tzinfo))
        assert pool.offers() == {"P1": OfferState.OPEN}
        pool.bench.after(minutes=1)
        assert pool.offers() == {"P1": OfferState.EXPIRED}

    def test_a_clock_that_goes_back_moves_no_deadline(self, pool: Pool) -> None:
        pool.expert("mia")
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} 1 4h")
        pool.bench.after(hours=-2)
        assert pool.request().due_at == START + timedelta(hours=4)
        pool.bench.at(START + timedelta(hours=4))
        assert pool.offers() == {"P1": OfferState.EXPIRED}

    def test_nobody_is_asked_at_night(self, pool: Pool) -> None:
        for chat in ("mia", "noa"):
            pool.expert(chat)
        ref = pool.ask()
        pool.bench.desk("kim", f"/offer {ref} P1")
        pool.bench.at(START.replace(hour=23))
        pool.bench.say("mia", choice=f"/decline {ref}")
        assert "P2" not in pool.offers()
        pool.bench.at(START.replace(hour=8) + timedelta(days=1))
        assert pool.offers()["P2"] is OfferState.OPEN

    def test_who_never_answers_is_asked_whether_they_are_there(self, pool: Pool) -> None:
        pool.expert("mia", most_cases=9)
        for _n in range(3):
            ref = pool.ask()
            pool.bench.desk("kim", f"/offer {ref} 1")
            heard = pool.bench.after(days=7)
        assert "Are you still available?" in said_to("mia", heard)

    def test_what_is_let_go_is_said(self, pool: Pool) -> None:
        pool.expert("mia", municipalities=frozenset({"wiehl"}))
        ref = pool.ask()
        assert "/widen" in "\n".join(at_desk(pool.bench.desk("kim", f"/suggest {ref}")))
        shown = "\n".join(at_desk(pool.bench.desk("kim", f"/widen {ref} PLACE")))
        assert "But: does not cover Waldbröl" in shown

    def test_the_desk_looks_again_on_the_day_it_said(self, pool: Pool) -> None:
        ref = pool.ask()
        told = said_to("case", pool.bench.desk("kim", f"/postpone {ref} 7.12.2026"))
        assert "7 December 2026" in told
        heard = pool.bench.at(datetime(2026, 12, 7, 8, 0, tzinfo=START.tzinfo))
        assert "today you wanted to look again" in "\n".join(at_desk(heard))

    def test_the_text_for_the_state_has_nobody_in_it(self, pool: Pool) -> None:
        ref = pool.ask(outline="secret staircase", aim="house seven")
        shown = "\n".join(at_desk(pool.bench.desk("kim", f"/state_pool {ref}")))
        assert "mediation" in shown
        for word in ("staircase", "seven", "tenants", "Housing", "Ana", "Waldbröl"):
            assert word not in shown
        pool.bench.desk("kim", f"/state_pool {ref} SENT")
        assert pool.state is RequestState.ESCALATED_STATE_POOL


class TestAssignment:
    @pytest.fixture
    def ref(self, pool: Pool) -> str:
        pool.expert("mia")
        number = pool.ask()
        pool.bench.desk("kim", f"/offer {number} 1")
        pool.bench.say("mia", choice=f"/accept {number}")
        pool.bench.say("mia", choice="YES")
        return number

    def test_they_write_to_each_other(self, pool: Pool, ref: str) -> None:
        pool.bench.say("case", choice=f"/write {ref}")
        heard = pool.bench.say("case", "I am at 02261 123456")
        assert "Ana (Caritasverband für den Oberbergischen Kreis) writes about" in said_to("mia", heard)
        assert "I am at 02261 123456" in said_to("mia", heard)
        pool.bench.say("mia", choice=f"/write {ref}")
        heard = pool.bench.say("mia", "I will call tomorrow")
        assert "I will call tomorrow" in said_to("case", heard)
        # What comes later, without asking for it, is meant for somebody else.
        assert said_to("case", pool.bench.say("mia", "He is difficult")) == ""
        pool.bench.say("mia", "/menu")
        pool.bench.say("mia", choice=f"/write {ref}")
        assert said_to("case", pool.bench.say("mia", "x" * 1001)) == ""
        assert "And again" in said_to("case", pool.bench.say("mia", "And again"))

    def test_nobody_else_writes_to_them(self, pool: Pool, ref: str) -> None:
        pool.expert("noa")
        pool.bench.say("noa", choice=f"/write {ref}")
        heard = pool.bench.say("noa", "Hello there, it is me who writes")
        assert said_to("mia", heard) == said_to("case", heard) == ""

    def test_how_it_goes_and_how_it_ends(self, pool: Pool, ref: str) -> None:
        pool.bench.say("mia", choice=f"/assignment {ref}")
        heard = pool.bench.say("mia", choice="APPOINTED")
        assert pool.state is RequestState.APPOINTED
        assert "there is an appointment" in said_to("case", heard)
        pool.bench.say("case", choice=f"/assignment {ref}")
        pool.bench.say("case", choice="DONE")
        heard = pool.bench.say("case", choice="YES")
        assert pool.state is RequestState.DONE
        assert pool.offers() == {"P1": OfferState.DONE}
        assert "A few short questions" in said_to("mia", heard)
        for chat in ("mia", "case"):
            pool.bench.say(chat, choice=f"/feedback {ref}")
            for choice in ("YES", "PARTLY", "YES"):
                heard = pool.bench.say(chat, choice=choice)
            if chat == "mia":
                heard = pool.bench.say(chat, "7")
            else:
                for choice in ("/skip", "/skip", "NO"):
                    heard = pool.bench.say(chat, choice=choice)
            assert "That helps the pool" in said_to(chat, heard)
        assert pool.request().hours == 7
        assert set(pool.request().feedback) == {"EXPERT", "REQUESTER"}

    def test_the_desk_reads_how_it_was(self, pool: Pool, ref: str) -> None:
        assert "not finished yet" in said_to("mia", pool.bench.say("mia", choice=f"/feedback {ref}"))
        pool.bench.say("mia", choice=f"/assignment {ref}")
        pool.bench.say("mia", choice="DONE")
        pool.bench.say("mia", choice="YES")
        pool.bench.say("mia", choice=f"/feedback {ref}")
        for choice in ("PARTLY", "YES", "NO"):
            pool.bench.say("mia", choice=choice)
        pool.bench.say("mia", "7")
        card = "\n".join(at_desk(pool.bench.desk("kim", f"/open {ref}")))
        assert "Feedback from the expert:\n• Has it helped: Partly" in card
        assert "Hours: 7" in card

    def test_who_forgets_the_chat_leaves_nobody_waiting(self, pool: Pool, ref: str) -> None:
        pool.bench.say("case", "/data")
        pool.bench.say("case", choice="FORGET_ME")
        heard = pool.bench.say("case", choice="YES")
        assert pool.state is RequestState.CANCELLED
        assert "no longer needed" in said_to("mia", heard)

    def test_who_cancels_is_thanked_and_the_search_begins_anew(self, pool: Pool, ref: str) -> None:
        pool.expert("noa")
        pool.bench.say("mia", "/assignments")
        pool.bench.say("mia", choice=ref)
        pool.bench.say("mia", choice="CANCEL")
        heard = pool.bench.say("mia", choice="YES")
        assert pool.state is RequestState.UNDER_REVIEW
        assert "had to cancel" in said_to("case", heard)
        shown = "\n".join(at_desk(pool.bench.desk("kim", f"/suggest {ref}")))
        assert "Expert noa" in shown
        assert "Expert mia" not in shown

    def test_when_the_desk_closes_it_both_know_and_the_place_is_free(self, pool: Pool, ref: str) -> None:
        heard = pool.bench.desk("kim", "/close ANSWERED", ref)
        assert "This request is finished" in said_to("mia", heard)
        assert "is closed" in said_to("case", heard)
        assert pool.offers() == {"P1": OfferState.DONE}
        assert "0 of 1 place taken" in "\n".join(at_desk(pool.bench.desk("kim", "/pool")))

    def test_when_nobody_is_needed_any_more_the_expert_is_told(self, pool: Pool, ref: str) -> None:
        heard = pool.bench.desk("kim", f"/requests {ref}")
        assert ref in "\n".join(at_desk(heard))
        pool.within("case", lambda work, chat: handle(WithdrawRequest(ref), work, chat))
        heard = pool.bench.settle()
        assert "no longer needed" in said_to("mia", heard)
        assert pool.state is RequestState.CANCELLED
