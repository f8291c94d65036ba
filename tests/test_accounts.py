"""Roles by one-time codes: bound to a chat, gone when they end, and nothing is open without them (F-14, D-14)."""

from __future__ import annotations

import asyncio
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select, text

from bot import retention
from bot.app import App
from bot.codes import fresh_code, read_code
from bot.contact_point import ContactPoint
from bot.contact_point_file import load_contact_points, shipped
from bot.conversation import Memory
from bot.desk.invite import NotUnderstood, read
from bot.desks import DeskAt, Desks
from bot.door import Door
from bot.engine.state import State
from bot.messages import Inbound
from bot.now import ManualTime
from bot.periods import months_after
from bot.restoring import replay
from bot.retention import run
from bot.taxonomy import Role
from bot.turns import CODES_PER_DAY
from storage import accounts
from storage.accounts import Invitation, RoleGrant, UserAccount
from storage.database import Database
from storage.entrances import note_entrance
from storage.erasures import Kind, entries
from storage.models import Conversation, DueRow
from tests.bench import ACCOUNT, START, Bench, Messenger, at_desk, plain, to_person

REFUSED = "This code does not work."
DENIED = "For this you need an invitation"


@pytest.fixture
def bench(database: Database, oberberg: ContactPoint) -> Bench:
    made = Bench(database, {oberberg.id: oberberg})
    made.desk("kim", "/language en")
    return made


def invited(bench: Bench, what: str = "CASE_MANAGER wiehl") -> str:
    """The code of an invitation."""
    said = "\n".join(at_desk(bench.desk("kim", f"/invite {what}")))
    found = re.search(r"Code: (\S+)", said)
    assert found, said
    return found[1]


def joined(bench: Bench, chat: str, what: str = "CASE_MANAGER wiehl") -> None:
    """Somebody who has come by a code and said their name."""
    bench.say(chat, f"/start {invited(bench, what)}")
    bench.say(chat, choice="en")
    bench.say(chat, chat.capitalize())


def roles_of(bench: Bench, chat: str) -> dict[str, str]:
    key = bench.database.ring.lookup("chat", ACCOUNT, chat)
    with bench.database.transaction(bench.point) as session:
        rows = session.execute(
            select(RoleGrant.role, RoleGrant.municipalities)
            .join(UserAccount, UserAccount.id == RoleGrant.account_id)
            .join(Conversation, Conversation.id == UserAccount.conversation_id)
            .where(Conversation.chat_key == key)
        ).all()
    return {row.role: row.municipalities for row in rows}


def number_of(bench: Bench, model: Any) -> int:
    with bench.database.transaction(bench.point) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


class TestCodes:
    def test_a_code_is_read_as_people_type_it(self) -> None:
        for _time in range(200):
            code = fresh_code()
            assert read_code(code) == code
            assert read_code(f" {code.replace('-', ' ').lower()} ") == code

    @pytest.mark.parametrize(
        "said", ["", "hello", "Verbrennungs", "2345 6789 2345", "7F3K-29QX", "7F3K-29QX-HB4M-2222"]
    )
    def test_words_and_numbers_are_no_codes(self, said: str) -> None:
        assert read_code(said) is None

    def test_it_works_once(self, bench: Bench) -> None:
        code = invited(bench)
        assert "Your code is good" in to_person(bench.say("ana", f"/start {code}"), "ana")[0]
        assert roles_of(bench, "ana") == {"CASE_MANAGER": "wiehl"}
        assert to_person(bench.say("eve", f"/start {code}"), "eve")[0].startswith(REFUSED)
        assert roles_of(bench, "eve") == {}

    def test_it_works_for_a_day(self, bench: Bench) -> None:
        late, early = invited(bench), invited(bench)
        bench.after(hours=23, minutes=59)
        bench.say("ana", f"/start {early}")
        assert roles_of(bench, "ana")
        bench.after(minutes=1)
        assert to_person(bench.say("eve", f"/start {late}"), "eve")[0].startswith(REFUSED)
        assert roles_of(bench, "eve") == {}

    def test_used_too_old_and_unknown_sound_the_same(self, bench: Bench) -> None:
        old = invited(bench)
        bench.after(hours=24)
        used = invited(bench)
        bench.say("ana", f"/start {used}")
        for chat in ("eve", "ben", "lee", "mia"):
            bench.say(chat, "/start")
            bench.say(chat, choice="en")
        answers = {
            tuple(to_person(bench.say(chat, f"/start {code}"), chat))
            for chat, code in (("eve", old), ("ben", used), ("lee", fresh_code()), ("mia", "7F3K-29QX"))
        }
        assert len(answers) == 1

    def test_guessing_comes_to_an_end(self, bench: Bench) -> None:
        code = invited(bench)
        for _time in range(CODES_PER_DAY):
            bench.say("eve", f"/start {fresh_code()}")
        assert REFUSED in to_person(bench.say("eve", f"/start {code}"), "eve")[0]
        bench.say("eve", choice="en")
        bench.say("eve", "/data")
        bench.say("eve", choice="FORGET_ME")
        bench.say("eve", choice="YES")
        assert REFUSED in to_person(bench.say("eve", f"/start {code}"), "eve")[0], "also for who was forgotten"
        bench.after(hours=16)
        bench.say("eve", f"/start {code}")
        assert roles_of(bench, "eve"), "the next day"

    def test_a_code_alone_is_no_answer_to_a_question_for_words(self, bench: Bench) -> None:
        code = invited(bench)
        for said in ("/report", "en", "NO", "READ_ON"):
            bench.say("ana", **({"text": said} if said == "/report" else {"choice": said}))
        bench.say("ana", code)
        assert roles_of(bench, "ana") == {}
        bench.say("ana", "/menu")
        bench.say("ana", code)
        assert roles_of(bench, "ana")

    def test_while_a_human_holds_the_chat_a_code_goes_to_the_human(self, bench: Bench) -> None:
        code = invited(bench)
        bench.say("ana", "/human")
        bench.say("ana", code)
        assert roles_of(bench, "ana") == {}

    def test_a_second_code_adds_roles_and_places(self, bench: Bench) -> None:
        joined(bench, "ana", "CASE_MANAGER caritas wiehl")
        bench.say("ana", invited(bench, "CASE_MANAGER CONFLICT_ADVISOR waldbroel"))
        assert roles_of(bench, "ana") == {"CASE_MANAGER": "waldbroel wiehl", "CONFLICT_ADVISOR": "waldbroel"}
        bench.say("ana", invited(bench, "CASE_MANAGER"))
        assert roles_of(bench, "ana")["CASE_MANAGER"] == "", "the whole area"
        said = at_desk(bench.desk("kim", "/people"))[0]
        assert "Ana" in said and "Caritasverband" in said

    def test_an_installation_with_several_contact_points_finds_whose_code_it_is(self, database: Database) -> None:
        points = load_contact_points(shipped())
        bench = Bench(database, points)
        bench.desk("kim", "/language en", contact_point="hagen")
        said = bench.desk("kim", "/invite CASE_MANAGER", contact_point="hagen")
        code = re.search(r"Code: (\S+)", "\n".join(at_desk(said)))[1]  # type: ignore[index]
        door = Door(database, points)
        first = next(iter(points))
        assert door.contact_point_of(ACCOUNT, "ana", f"/start {code}") == "hagen" != first
        assert door.contact_point_of(ACCOUNT, "ana", code.lower()) == "hagen"
        assert door.contact_point_of(ACCOUNT, "ana", f"/start {fresh_code()}") == first


class TestInvitations:
    def test_the_database_has_neither_code_nor_names(self, bench: Bench) -> None:
        code = invited(bench, "CASE_MANAGER caritas wiehl")
        bench.say("ana", f"/start {invited(bench, 'EXPERT caritas')}")
        bench.say("ana", choice="en")
        bench.say("ana", "Anastasia Sonderbar")
        with bench.database.connection() as connection, connection.begin():
            stored = repr(
                [
                    connection.execute(text(f"SELECT * FROM {table}")).all()
                    for table in ("invitation", "user_account", "role_grant", "inbox", "outbox", "conversation")
                ]
            )
        assert code not in stored and code.replace("-", "") not in stored
        assert "Anastasia" not in stored and "caritas" not in stored

    def test_a_picture_and_the_links_there_are(self, bench: Bench) -> None:
        with bench.database.transaction(everywhere=True) as session:
            note_entrance(session, bench.point, "web", "https://chat.example.org/?at=oberberg&start=")
            note_entrance(session, bench.point, "telegram", "https://t.me/anlaufstelle_bot?start=")
        said = bench.desk("kim", "/invite expert")
        told, picture = said
        assert re.search(r"https://chat\.example\.org/\?at=oberberg&start=\S{14}", plain(told))
        assert "t.me" not in plain(told), "Telegram is not allowed here"
        assert picture.message.file is not None and picture.message.file.type == "image/png"
        with Image.open(io.BytesIO(picture.message.file.data)) as image:
            assert image.width == image.height > 200

    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            ("CASE_MANAGER", ({Role.CASE_MANAGER}, "", set())),
            ("case manager", ({Role.CASE_MANAGER}, "", set())),
            ("Konfliktberatung, Schulsozialarbeit", ({Role.CONFLICT_ADVISOR, Role.SCHOOL_SOCIAL_WORKER}, "", set())),
            ("Fachkraft im Pool kirchenkreis", ({Role.EXPERT}, "kirchenkreis", set())),
            (
                "sprach-und Kulturmittlung für WIEHL und Hückeswagen",
                ({Role.LANGUAGE_MEDIATOR}, "", {"wiehl", "hueckeswagen"}),
            ),
            (
                "Volunteer Caritasverband für den Oberbergischen Kreis waldbroel",
                ({Role.VOLUNTEER}, "caritas", {"waldbroel"}),
            ),
        ],
    )
    def test_what_can_be_said(self, said: str, meant: tuple[Any, ...], oberberg: ContactPoint) -> None:
        found = read(said, oberberg)
        assert (found.roles, found.organisation, found.municipalities) == meant

    @pytest.mark.parametrize("said", ["", "wiehl", "caritas", "CASE_MANAGER köln", "EXPERT caritas kirchenkreis"])
    def test_what_cannot(self, said: str, oberberg: ContactPoint) -> None:
        with pytest.raises(NotUnderstood):
            read(said, oberberg)

    def test_a_group_that_is_only_told_hears_nothing_of_it(self, database: Database, oberberg: ContactPoint) -> None:
        room, group = Messenger(), Messenger()
        desks = Desks("nowhere", {oberberg.id: DeskAt(ACCOUNT, ("group",))})
        time = ManualTime(database)
        time.set(START)
        app = App(database, {oberberg.id: oberberg}, {ACCOUNT: room, "group": group}, time, desks)
        for number, said in enumerate(("/language en", "/invite EXPERT", "/people")):
            app.turns.receive(Inbound(oberberg.id, ACCOUNT, f"m{number}", by="kim", text=said), time())
            asyncio.run(app.settle())
        assert len(room.heard) == 4
        assert [each.message.text for each in group.heard] == [f"{plain(room.heard[0])}\nPlease read it at the desk."]


class TestDenied:
    """Without the role there is no way into a conversation that needs it."""

    def test_by_command(self, bench: Bench) -> None:
        bench.say("eve", "/start")
        bench.say("eve", choice="en")
        assert DENIED in to_person(bench.say("eve", "/away"), "eve")[0]

    def test_by_its_button(self, bench: Bench) -> None:
        bench.say("eve", "/menu")
        bench.say("eve", choice="en")
        said = to_person(bench.say("eve", choice="/away"), "eve")
        assert DENIED in said[0]

    def test_before_the_language_is_chosen(self, bench: Bench) -> None:
        bench.say("eve", "/away")
        said = to_person(bench.say("eve", choice="en"), "eve")
        assert any(DENIED in each for each in said)

    def test_with_another_role(self, bench: Bench) -> None:
        joined(bench, "ana", "EXPERT")
        assert DENIED in to_person(bench.say("ana", "/away"), "ana")[0]
        menu = bench.say("ana", "/menu")
        assert "/away" not in [option.id for each in menu for option in each.message.options]

    @pytest.mark.parametrize("place", ["state", "draft", "under"])
    def test_by_what_is_stored_in_the_chat(self, bench: Bench, place: str) -> None:
        bench.say("eve", "/menu")
        bench.say("eve", choice="en")
        away = State("away", {"first": "2026-11-25", "last": "2026-11-26", "deputy": "CONTACT_POINT"}, asked="review")
        below = State("report_tension", {"danger": "NO"}, asked="privacy", under=away)
        memory = {"state": Memory(state=away), "draft": Memory(draft=away), "under": Memory(state=below)}[place]
        with bench.database.transaction(bench.point) as session:
            session.scalars(select(Conversation)).one().memory = memory.to_json()
        for said in ("/resume", "/send", "/cancel", "/resume", "/send"):
            bench.say("eve", said)
        with bench.database.transaction(bench.point) as session:
            assert not session.scalars(select(UserAccount)).all()
            stored = json.dumps(session.scalars(select(Conversation)).one().memory)
        assert "away" not in stored

    def test_by_a_button_from_before_the_role_ended(self, bench: Bench) -> None:
        joined(bench, "ana")
        bench.say("ana", "/away")
        bench.say("ana", choice="TODAY")
        bench.desk("kim", "/revoke 1")
        for choice in ("2026-11-24", "CONTACT_POINT", "/send", "/away"):
            bench.say("ana", choice=choice)
        assert number_of(bench, DueRow) == 0
        assert number_of(bench, UserAccount) == 0


class TestEnding:
    def test_of_one_role_leaves_the_others(self, bench: Bench) -> None:
        joined(bench, "ana", "CASE_MANAGER EXPERT")
        said = bench.desk("kim", "/revoke 1 expert")
        assert "Expert of the pool" in to_person(said, "ana")[0]
        assert roles_of(bench, "ana") == {"CASE_MANAGER": ""}
        assert to_person(bench.say("ana", "/away"), "ana")[0].startswith("From which day")

    def test_by_name(self, bench: Bench) -> None:
        joined(bench, "ana")
        bench.desk("kim", "/revoke ANA")
        assert roles_of(bench, "ana") == {}

    def test_its_number_is_never_given_to_somebody_else(self, bench: Bench) -> None:
        joined(bench, "ana")
        bench.desk("kim", "/revoke 1")
        joined(bench, "ben")
        assert "the number of the person" in at_desk(bench.desk("kim", "/revoke 1"))[0]
        assert roles_of(bench, "ben")

    def test_forgetting_the_chat_ends_the_roles_too(self, bench: Bench) -> None:
        joined(bench, "ana")
        bench.say("ana", "/away")
        for choice in ("TODAY", "2026-11-24", "CONTACT_POINT", "/send"):
            bench.say("ana", choice=choice)
        assert number_of(bench, DueRow) == 1
        bench.say("ana", "/data")
        bench.say("ana", choice="FORGET_ME")
        assert "Your roles end too." in plain(bench.heard[-1])
        bench.say("ana", choice="YES")
        assert [number_of(bench, each) for each in (UserAccount, RoleGrant, DueRow)] == [0, 0, 0]

    def test_the_file_of_my_data_has_the_account(self, bench: Bench) -> None:
        joined(bench, "ana", "CASE_MANAGER EXPERT caritas wiehl")
        bench.say("ana", "/data")
        file = next(each.message.file for each in bench.say("ana", choice="EXPORT") if each.message.file)
        assert json.loads(file.data)["account"] == {
            "name": "Ana",
            "roles": {"CASE_MANAGER": ["wiehl"], "EXPERT": ["wiehl"]},
            "organisation": "caritas",
            "pool_profile": None,
            "away_from": None,
            "away_until": None,
            "deputy": None,
        }

    def test_a_new_name(self, bench: Bench) -> None:
        joined(bench, "ana")
        bench.say("ana", "/data")
        bench.say("ana", choice="NAME")
        bench.say("ana", "Kim from the school")
        assert "Kim from the school" in at_desk(bench.desk("kim", "/people"))[0]

    def test_a_backup_does_not_bring_it_back(self, bench: Bench) -> None:
        joined(bench, "ana")
        with bench.database.transaction(bench.point) as session:
            before = [(each.conversation_id, each.created_at) for each in session.scalars(select(UserAccount))]
        bench.desk("kim", "/revoke 1")
        with bench.database.transaction(bench.point) as session:
            for conversation_id, created_at in before:
                session.add(UserAccount(conversation_id=conversation_id, created_at=created_at, grants=[]))
        with bench.database.transaction(everywhere=True) as session:
            listed = entries(session)
        assert {each.kind for each in listed} == {Kind.ROLES}
        assert replay(bench.database, listed) == 1
        assert number_of(bench, UserAccount) == 0
        assert number_of(bench, Conversation) == 1


class TestKeeping:
    def test_a_chat_with_a_role_stays_and_the_role_goes_after_a_year_of_silence(
        self, bench: Bench, oberberg: ContactPoint
    ) -> None:
        joined(bench, "ana")
        invited(bench)
        bench.after(days=100)
        counts = run(bench.database, {oberberg.id: oberberg}, bench.time())
        assert (counts.accounts, counts.invitations, counts.chats) == (0, 1, 0)
        assert roles_of(bench, "ana")
        bench.at(months_after(bench.time(), oberberg.retention.account_months))
        assert run(bench.database, {oberberg.id: oberberg}, bench.time(), dry_run=True).accounts == 1
        counts = run(bench.database, {oberberg.id: oberberg}, bench.time())
        assert (counts.accounts, counts.chats) == (1, 1)
        assert [number_of(bench, each) for each in (UserAccount, RoleGrant, Invitation)] == [0, 0, 0]
        with bench.database.transaction(everywhere=True) as session:
            assert {each.kind for each in entries(session)} == {Kind.ROLES, Kind.CHAT}

    def test_every_count_has_a_label(self) -> None:
        assert {name for name, _count in retention.Counts()} == set(retention.LABELS)


class TestAway:
    def enter(self, bench: Bench, chat: str, first: str, last: str, deputy: str = "CONTACT_POINT") -> None:
        bench.say(chat, "/away")
        if "Enter other days" in [option.label for option in bench.heard[-1].message.options]:
            bench.say(chat, choice="CHANGE")
        for answer in (first, last):
            bench.say(chat, answer)
        bench.say(chat, choice=deputy)
        bench.say(chat, choice="/send")

    def test_somebody_away_in_these_days_cannot_stand_in(self, bench: Bench) -> None:
        joined(bench, "ana")
        joined(bench, "ben")
        self.enter(bench, "ben", "1.12.", "4.12.")
        bench.say("ana", "/away")
        bench.say("ana", "30.11.")
        bench.say("ana", "1.12.")
        said = to_person(bench.say("ana", choice="PERSON-2"), "ana")
        assert any("Ben is away in these days too." in each for each in said)
        assert said[-1].startswith("Who stands in for you?")

    def test_other_days_replace_them_and_the_former_deputy_is_told(self, bench: Bench) -> None:
        joined(bench, "ana")
        joined(bench, "ben")
        self.enter(bench, "ana", "Today", "27.11.", "PERSON-2")
        self.enter(bench, "ana", "Tomorrow", "30.11.")
        assert any(each.startswith("You no longer stand in for Ana.") for each in to_person(bench.heard, "ben"))
        assert number_of(bench, DueRow) == 1
        assert to_person(bench.at(bench.time() + timedelta(days=6)), "ana") == []
        back = to_person(bench.at(bench.time() + timedelta(days=1)), "ana")
        assert back == ["Welcome back. Your days away are over, and nobody stands in for you any more."]
        assert len(at_desk(bench.desk("kim", "/who"))) == 1, "nobody is away any more"

    def test_without_buttons_a_number_chooses_the_day(self, bench: Bench) -> None:
        joined(bench, "ana")
        bench.say("ana", "/away")
        assert to_person(bench.say("ana", "2"), "ana")[-1].startswith("Which is the last day")
        bench.say("ana", "1")
        bench.say("ana", "1")
        assert "First day: Wednesday, 25 November 2026\nLast day: Wednesday, 25 November 2026" in plain(bench.heard[-1])

    @pytest.mark.parametrize(
        ("said", "answer"),
        [
            ("23.11.2026", "This day is too early."),
            ("26.11.2027", "more than a year away"),
            ("31.2.", "I cannot read this as a day."),
            ("soon", "I cannot read this as a day."),
            ("23.11.", "Which is the last day"),
            ("٢٤.١٢.٢٠٢٦", "Which is the last day"),
        ],
    )
    def test_days_as_people_write_them(self, bench: Bench, said: str, answer: str) -> None:
        joined(bench, "ana")
        bench.say("ana", "/away")
        assert any(answer in each for each in to_person(bench.say("ana", said), "ana"))

    def test_ending_it_early(self, bench: Bench) -> None:
        joined(bench, "ana")
        self.enter(bench, "ana", "Today", "27.11.")
        bench.say("ana", "/away")
        bench.say("ana", choice="END")
        assert number_of(bench, DueRow) == 0
        assert to_person(bench.after(days=7), "ana") == []


def test_accounts_of_one_contact_point_are_not_seen_by_another(database: Database) -> None:
    bench = Bench(database, load_contact_points(shipped()))
    bench.point = "oberberg"
    bench.desk("kim", "/language en", contact_point="oberberg")
    joined(bench, "ana")
    with database.transaction("hagen") as session:
        assert accounts.everybody(session) == []


def test_the_sample_names_organisations(oberberg: ContactPoint, tmp_path: Path) -> None:
    assert [each.slug for each in oberberg.organisations] == ["caritas", "kirchenkreis"]
