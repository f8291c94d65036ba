"""Profiles in the database: what goes in comes out, numbers are for good, and leaving is leaving."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.contact_point import ContactPoint
from bot.desks import DeskAt
from bot.i18n import render
from bot.periods import months_after
from bot.pool import profiles
from bot.pool.exchange import Taken, export, take_in
from bot.pool.matching import Condition, rank
from bot.pool.profile import Away, Profile
from bot.pool.search import standings
from bot.pool.table import HEADINGS, Vocabulary, read_lines, write_lines
from bot.restoring import replay
from bot.retention import run
from bot.taxonomy import ExpertProfession, OfferState, RequestState
from bot.work import Pending, Work
from storage.accounts import UserAccount
from storage.database import Database
from storage.erasures import Kind, entries
from storage.models import Conversation, Thread
from storage.pool import ExpertRequest, Offer, PoolProfile
from tests.bench import ACCOUNT, START, Bench, at_desk, to_person
from tests.pool.experts import OBERBERG, TODAY, expert, people, request

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
unhurried = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


class _TakenBack(Exception):
    pass


@contextmanager
def working(database: Database, *, keeps: bool = True) -> Iterator[Work]:
    """A transaction at the contact point."""
    try:
        with database.transaction(OBERBERG.id) as session:
            yield Work(session, OBERBERG, NOW, database.ring, DeskAt(ACCOUNT), Pending(session))
            if not keeps:
                raise _TakenBack
    except _TakenBack:
        pass


def entered(work: Work, *found: Profile) -> list[PoolProfile]:
    rows = [profiles.add(work.session, each) for each in found]
    work.session.flush()
    return rows


def named(work: Work) -> dict[str, str]:
    return {row.number: profile.name for row, profile in profiles.all_profiles(work)}


class TestRows:
    @unhurried
    @given(found=people())
    def test_what_goes_in_comes_out(self, database: Database, found: list[Profile]) -> None:
        with working(database, keeps=False) as work:
            entered(work, *found)
            work.session.expire_all()
            assert [profile for _row, profile in profiles.all_profiles(work)] == found

    @unhurried
    @given(found=people(), changed=people())
    def test_a_changed_profile_takes_the_place_of_the_old_one(
        self, database: Database, found: list[Profile], changed: list[Profile]
    ) -> None:
        with working(database, keeps=False) as work:
            for row, after in zip(entered(work, *found), changed, strict=False):
                profiles.save(row, replace(after, id=row.number))
            work.session.flush()
            work.session.expire_all()
            for (row, after), wanted in zip(profiles.all_profiles(work), changed, strict=False):
                assert after == replace(wanted, id=row.number)

    def test_what_the_configuration_does_not_know_any_more_does_no_harm(self, database: Database) -> None:
        one = expert(
            "P1", professions=frozenset({"theatre", ExpertProfession.COACH}), municipalities=frozenset({"gone"})
        )
        with working(database) as work:
            (row,) = entered(work, one)
            row.details = {**profiles.to_json(one), "themes": ["NO_SUCH_THEME", "WAR_IN_UKRAINE"]}
            work.session.flush()
            ((_row, profile),) = profiles.all_profiles(work)
            assert profile.professions == {"theatre", "COACH"} and profile.themes == {"WAR_IN_UKRAINE"}
            assert rank(request(), [profile], {}, TODAY).fitting == 0
            # It is lost neither to a line of the desk nor to a file.
            known = Vocabulary.at(OBERBERG)
            (after,) = read_lines("Online: yes", known, "P1", profile).profiles
            assert after == replace(profile, online=True)
            assert take_in(work.session, OBERBERG, export(work.session, OBERBERG)) == Taken(0, 0, 1, 0)
            assert profiles.profile_in(row) == profile

    @pytest.mark.parametrize("missing", sorted(profiles.to_json(expert())))
    def test_what_is_no_profile_is_not_taken_for_one(self, missing: str) -> None:
        data = profiles.to_json(expert())
        del data[missing]
        with pytest.raises(KeyError):
            profiles.from_json("P1", data)

    def test_a_number_is_never_given_twice(self, database: Database) -> None:
        with working(database) as work:
            fresh = profiles.numbers(work.session, OBERBERG.id)
            given = [fresh(), fresh(), profiles.numbers(work.session, OBERBERG.id)()]
            (row,) = entered(work, expert(given[-1]))
            work.session.delete(row)
        with working(database) as work:
            assert [*given, profiles.numbers(work.session, OBERBERG.id)()] == ["P1", "P2", "P3", "P4"]

    def test_places_taken_are_open_offers_and_what_runs(self, database: Database) -> None:
        with working(database) as work:
            first, second = entered(work, expert("P1"), expert("P2"))
            states = [
                (first, OfferState.OPEN, RequestState.OFFERED),
                (first, OfferState.ACCEPTED, RequestState.IN_PROGRESS),
                (first, OfferState.DONE, RequestState.DONE),
                (second, OfferState.DECLINED, RequestState.OFFERED),
            ]
            for n, (row, offer, state) in enumerate(states):
                asked(work, row, offer, state, f"7F3K-000{n}")
            assert standings(work)[first.id].taken == 2


def asked(work: Work, row: PoolProfile, offer: OfferState, state: RequestState, ref: str) -> None:
    thread = Thread(ref=ref, language="en", created_at=NOW, urgency="NORMAL", flags="")
    work.session.add(thread)
    work.session.flush()
    wanted = ExpertRequest(thread_id=thread.id, state=state, created_at=NOW)
    work.session.add(wanted)
    work.session.flush()
    work.session.add(Offer(request_id=wanted.id, profile_id=row.id, batch=1, state=offer, sent_at=NOW, due_at=NOW))
    work.session.flush()


class TestLines:
    @unhurried
    @given(found=people(), language=st.sampled_from(["de", "en"]))
    def test_what_is_shown_can_be_sent_back(self, found: list[Profile], language: str) -> None:
        known = Vocabulary.at(OBERBERG)
        for profile in found:
            cells = write_lines(profile, known, language)
            shown = "\n".join(f"{render(heading, language)}: {cell}".rstrip() for heading, cell in cells)
            assert read_lines(shown, known, profile.id, profile).profiles == (profile,)
            assert read_lines(shown, known, profile.id).profiles == (profile,)

    @unhurried
    @given(found=people(), data=st.data())
    def test_any_line_alone_changes_only_itself(self, found: list[Profile], data: st.DataObject) -> None:
        known = Vocabulary.at(OBERBERG)
        before, after = found[0], found[1]
        heading, cell = data.draw(st.sampled_from(write_lines(after, known, "de")))
        (read,) = read_lines(f"{render(heading, 'de')}: {cell}", known, before.id, before).profiles
        column = next(column for column, each in HEADINGS.items() if each == heading)
        assert read == replace(before, **{column.lower(): getattr(after, column.lower())})

    @pytest.mark.parametrize(
        ("lines", "faults"),
        [
            ("", [("", "Please write lines like this: “Most cases at a time: 2”.")]),
            ("Online", [("", "“Online” is no line like this: “Most cases at a time: 2”.")]),
            ("Hobby: chess", [("Hobby", "“Hobby” is not known.")]),
            ("Online: yes\nonline: no", [("online", "This heading stands there twice.")]),
            ("Pool number: P2", [("Pool number", "There is no “P2” in the pool. Somebody new gets a number here.")]),
            ("Name:", [("Name", "A name is needed.")]),
            ("Places: Rome\nMost cases at a time: 0", [
                ("Places", "“Rome” is not known."),
                ("Most cases at a time", "A number from 1 to 99 is possible."),
            ]),
        ],
    )  # fmt: skip
    def test_faults_are_those_of_the_file(self, lines: str, faults: list[tuple[str, str]]) -> None:
        read = read_lines(lines, Vocabulary.at(OBERBERG), "P1", expert("P1"))
        assert [(fault.column, render(fault.reason, "en")) for fault in read.faults] == faults
        assert read.profiles == ()

    def test_somebody_new_needs_a_name_and_a_profession(self) -> None:
        read = read_lines("Online: yes", Vocabulary.at(OBERBERG), "P1")
        assert [render(fault.reason, "en") for fault in read.faults] == [
            "At least one profession is needed.",
            "A name is needed.",
        ]


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    return made


def joined(bench: Bench, chat: str, roles: str = "EXPERT P1") -> None:
    said = "\n".join(at_desk(bench.desk("kim", f"/invite {roles}")))
    found = re.search(r"Code: (\S+)", said)
    assert found, said
    bench.say(chat, f"/start {found[1]}")
    bench.say(chat, choice="en")
    bench.say(chat, chat.capitalize())


def profile(bench: Bench, number: str = "P1") -> PoolProfile | None:
    with bench.database.transaction(bench.point) as session:
        return session.scalars(select(PoolProfile).where(PoolProfile.number == number)).one_or_none()


def new(bench: Bench, *lines: str) -> None:
    bench.desk("kim", "\n".join(("/profile new", "Name: Ada", "Professions: mediation", *lines)))


class TestChat:
    def test_days_away_of_the_account_count_too(self, bench: Bench) -> None:
        new(bench, "Away: 2026-12-01..2026-12-02", "Commitment to secrecy signed on: 2026-01-15")
        joined(bench, "ada", "EXPERT CASE_MANAGER P1")
        bench.say("ada", "/away")
        for answer in ("2026-12-24", "2026-12-31"):
            bench.say("ada", answer)
        for choice in ("CONTACT_POINT", "/send"):
            bench.say("ada", choice=choice)
        with working(bench.database) as work:
            ((row, handed_out),) = profiles.all_profiles(work)
            assert handed_out.away == (
                Away(date(2026, 12, 1), date(2026, 12, 2)),
                Away(date(2026, 12, 24), date(2026, 12, 31)),
            )
            assert profiles.profile_in(row).away == handed_out.away[:1]
            found = rank(request(first_day=date(2026, 12, 28), last_day=date(2026, 12, 29)), [handed_out], {}, TODAY)
            assert Condition.AWAY in [each.condition for each in found.excluded]

    def test_the_row_of_a_chat(self, bench: Bench) -> None:
        new(bench)
        joined(bench, "ada")
        joined(bench, "eve", "CASE_MANAGER")
        with working(bench.database) as work:
            rows = {
                each.address: profiles.profile_row_of(work, each) for each in work.session.scalars(select(Conversation))
            }
            assert {chat: row.number if row else None for chat, row in rows.items()} == {"ada": "P1", "eve": None}

    def test_past_days_away_are_forgotten_with_the_next_change(self, bench: Bench) -> None:
        new(bench, "Away: 2026-01-01..2026-01-02 | 2026-12-24..2026-12-31")
        joined(bench, "ada")
        bench.say("ada", "/profile")
        bench.say("ada", choice="MOST_CASES")
        bench.say("ada", "3")
        assert (row := profile(bench)) and row.details["away"] == [["2026-12-24", "2026-12-31"]]

    def test_who_is_taken_out_in_the_middle_is_told_so(self, bench: Bench) -> None:
        new(bench)
        joined(bench, "ada")
        bench.say("ada", "/profile")
        bench.say("ada", choice="MOST_CASES")
        bench.desk("kim", "/profile P1 out")
        assert to_person(bench.say("ada", "3"), "ada")[-1].startswith("You left the pool on")
        assert (row := profile(bench)) and row.details["most_cases"] == 1

    def test_another_role_of_the_pool_keeps_somebody_in_it(self, bench: Bench) -> None:
        new(bench)
        joined(bench, "ada", "EXPERT LANGUAGE_MEDIATOR CASE_MANAGER P1")
        bench.desk("kim", "/revoke 1 EXPERT")
        assert (row := profile(bench)) and row.left_at is None and row.account_id == 1
        bench.desk("kim", "/revoke 1 LANGUAGE_MEDIATOR")
        assert (row := profile(bench)) and row.left_at == bench.time() and row.account_id is None

    def test_laying_down_the_roles_leaves_the_pool(self, bench: Bench) -> None:
        new(bench)
        joined(bench, "ada")
        bench.say("ada", "/data")
        bench.say("ada", choice="LAY_DOWN")
        said = at_desk(bench.say("ada", choice="YES"))
        assert said == [
            "P1 is not in the pool any more. Deleted by Thursday, 25 November 2027. To take back in: /profile P1 back"
        ]
        assert (row := profile(bench)) and row.left_at is not None and row.account_id is None

    def test_a_code_for_a_profile_that_has_left_meanwhile_gives_the_role_only(self, bench: Bench) -> None:
        new(bench)
        code = re.findall(r"Code: (\S+)", "\n".join(at_desk(bench.desk("kim", "/invite EXPERT P1"))))[0]
        bench.desk("kim", "/profile P1 out")
        assert "P1 is not in the pool any more." in at_desk(bench.say("ada", f"/start {code}"))[0]
        assert (row := profile(bench)) and row.account_id is None
        assert at_desk(bench.desk("kim", "/invite EXPERT P1")) == ["There is no P1 in the pool. /pool shows who is."]

    def test_the_file_of_my_data_has_the_profile(self, bench: Bench) -> None:
        new(bench, "Fee class: B")
        joined(bench, "ada")
        bench.say("ada", "/data")
        (file,) = [each.message.file for each in bench.say("ada", choice="EXPORT") if each.message.file]
        kept: dict[str, Any] = json.loads(file.data)["account"]["pool_profile"]
        assert (kept["id"], kept["name"], kept["professions"], kept["fee_class"]) == ("P1", "Ada", "mediation", "B")
        assert kept["left_at"] is None


class TestDesk:
    @pytest.mark.parametrize("number", ["P9", "p0", "P²", "٣", "P" + "9" * 40, "x" * 4000])
    def test_a_number_that_nobody_has(self, bench: Bench, number: str) -> None:
        new(bench)
        (said,) = at_desk(bench.desk("kim", f"/profile {number}"))
        assert said.startswith("There is no profile") and "P1: Ada" in said

    def test_a_chat_without_a_role_of_the_pool_is_not_linked(self, bench: Bench) -> None:
        new(bench)
        joined(bench, "ana", "CASE_MANAGER")
        assert at_desk(bench.desk("kim", "/profile p1 person 1")) == [
            "Number 1 has no role of the pool. /invite gives one."
        ]
        assert (row := profile(bench)) and row.account_id is None

    def test_a_wrong_line_changes_nothing(self, bench: Bench) -> None:
        new(bench)
        before = profile(bench)
        (said,) = at_desk(bench.desk("kim", "/profile P1\nOnline: yes\nPlaces: Rome"))
        assert said == "Nothing was changed:\nPlaces: “Rome” is not known."
        assert before and (after := profile(bench)) and after.details == before.details
        assert at_desk(bench.desk("kim", "/profile P1\nOnline: no")) == [
            "P1 is as it was.\nThere is no signed commitment to secrecy yet, and so there are no offers."
        ]

    def test_what_is_shown_is_a_command_that_changes_nothing(self, bench: Bench) -> None:
        new(bench, "Away: 2026-12-24", "Commitment to secrecy signed on: 2026-01-15")
        _about, shown = at_desk(bench.desk("kim", "/profile P1"))
        assert at_desk(bench.desk("kim", shown)) == ["P1 is as it was."]


class TestKeeping:
    def test_a_profile_is_deleted_so_many_months_after_leaving(self, bench: Bench, oberberg: ContactPoint) -> None:
        for _time in range(3):
            new(bench)
        bench.desk("kim", "/profile P1 out")
        bench.desk("kim", "/profile P2 out")
        bench.desk("kim", "/profile P2 back")
        last = months_after(START, oberberg.retention.expert_profile_months)
        bench.at(last - timedelta(minutes=1))
        assert run(bench.database, {oberberg.id: oberberg}, bench.time()).profiles == 0
        bench.at(last)
        assert run(bench.database, {oberberg.id: oberberg}, bench.time(), dry_run=True).profiles == 1
        assert run(bench.database, {oberberg.id: oberberg}, bench.time()).profiles == 1
        assert [profile(bench, number) is None for number in ("P1", "P2", "P3")] == [True, False, False]
        new(bench)
        assert profile(bench, "P4")

    def test_not_while_something_accepted_is_under_way(self, bench: Bench, oberberg: ContactPoint) -> None:
        new(bench)
        bench.desk("kim", "/profile P1 out")
        with working(bench.database) as work:
            row = profiles.row_numbered(work.session, "P1")
            assert row is not None
            asked(work, row, OfferState.ACCEPTED, RequestState.IN_PROGRESS, "7F3K-29QX")
        later = months_after(START, oberberg.retention.expert_profile_months + 1)
        assert run(bench.database, {oberberg.id: oberberg}, later).profiles == 0
        with working(bench.database) as work:
            for each in work.session.scalars(select(ExpertRequest)):
                each.state = RequestState.DONE
        assert run(bench.database, {oberberg.id: oberberg}, later).profiles == 1

    def test_a_backup_brings_back_neither_the_place_in_the_pool_nor_the_profile(
        self, bench: Bench, oberberg: ContactPoint
    ) -> None:
        for _time in range(3):
            new(bench)
        joined(bench, "ada")
        with working(bench.database) as work:
            before = [(row.number, row.details) for row in work.session.scalars(select(PoolProfile))]
        bench.desk("kim", "/profile P2 out")
        bench.at(months_after(START, oberberg.retention.expert_profile_months))
        run(bench.database, {oberberg.id: oberberg}, bench.time())
        bench.desk("kim", "/profile P1 out")
        with bench.database.transaction(everywhere=True) as session:
            listed = entries(session)
        assert {Kind.LEFT, Kind.PROFILE} <= {each.kind for each in listed}
        with working(bench.database) as work:
            for row in work.session.scalars(select(PoolProfile)):
                work.session.delete(row)
            work.session.flush()
            work.session.add_all(
                PoolProfile(number=number, details=details, offers=0, unanswered=0) for number, details in before
            )
        replay(bench.database, listed)
        with working(bench.database) as work:
            assert list(named(work)) == ["P3"]
            left = [(row.number, row.left_at) for row in profiles.left_pool(work.session)]
            assert left == [("P1", bench.time())]

    def test_a_silent_account_goes_and_the_profile_stays_without_a_chat(
        self, bench: Bench, oberberg: ContactPoint
    ) -> None:
        new(bench)
        joined(bench, "ada")
        later = months_after(START, oberberg.retention.account_months)
        assert run(bench.database, {oberberg.id: oberberg}, later).accounts == 1
        with bench.database.transaction(bench.point) as session:
            assert not session.scalars(select(UserAccount)).all()
        assert (row := profile(bench)) and row.account_id is None and row.left_at is None
