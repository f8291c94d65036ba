"""The desk as an encrypted room with a thread for each case; on a real homeserver."""

from __future__ import annotations

import asyncio
from typing import Any

import nio
import pytest

from bot.channels.matrix.channel import DESK_WAIT
from bot.channels.matrix.memory import Kind, Login, Seeds
from bot.channels.matrix.signing import is_signed, new_seeds, public_keys, signed_device, signs_devices
from bot.matrix_setup import check
from storage.models import Thread
from tests.channels.contract import Person as Reader
from tests.channels.contract import Staff as Colleague
from tests.channels.matrix.people import WITH_EACH, WITH_JS_SELDOM
from tests.channels.matrix.waiting import until
from tests.channels.matrix_driver import REF, MatrixDriver
from tests.matrix_server.homeserver import Account
from tests.matrix_server.person import Person
from tests.matrix_server.somebody import Somebody


async def vouch(person: Somebody, seeds: Seeds | None = None) -> Seeds:
    """Somebody signs their device."""
    given = seeds or new_seeds()
    if seeds is None:
        await person.ask("POST", "/_matrix/client/v3/keys/device_signing/upload", public_keys(person.user_id, given))
    found = await person.ask("POST", "/_matrix/client/v3/keys/query", {"device_keys": {person.user_id: []}})
    device = found["device_keys"][person.user_id][person.account.device_id]
    signed = {person.user_id: {person.account.device_id: signed_device(person.user_id, device, given)}}
    assert not (await person.ask("POST", "/_matrix/client/v3/keys/signatures/upload", signed)).get("failures")
    return given


async def second_device(driver: MatrixDriver, person: Somebody) -> Person:
    """The same person on another device, which nobody has signed."""
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": person.user_id},
        "password": person.account.password,
    }
    given = await asyncio.to_thread(driver.server.ask, "POST", "/_matrix/client/v3/login", login)
    other = Person(
        driver.server, Account(person.user_id, person.account.password, given["device_id"], given["access_token"])
    )
    await other.start()
    return other


async def a_case(driver: MatrixDriver) -> tuple[Reader, Colleague, str]:
    ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
    await kim.reads_english()
    return ana, kim, await ana.asks_for_a_human(kim, "I have a question.")


async def gives_power(driver: MatrixDriver, person: Somebody, level: int) -> Login:
    """The bot's account lets somebody do more in the desk's room; returns the account's login."""
    login = await driver.bot.receiver._memory.login()
    assert login is not None
    state = f"/_matrix/client/v3/rooms/{driver.desk}/state/m.room.power_levels"
    levels = await asyncio.to_thread(driver.server.ask, "GET", state, None, login.access_token)
    levels["users"][person.user_id] = level
    await asyncio.to_thread(driver.server.ask, "PUT", state, levels, login.access_token)
    return login


def is_desk(driver: MatrixDriver, room: str) -> bool:
    """Whether the bot is in a room, not only invited, and takes it for the desk."""
    known = driver.bot.receiver._rooms.get(room)
    return known is not None and known.kind is Kind.DESK


@WITH_EACH
async def test_a_case_is_a_thread_whose_first_message_is_its_card(running: Any) -> None:
    async with running() as driver:
        _ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        card = await kim.sees(f"{ref} ·", ref)
        words = await staff.sees("I have a question.", driver.desk)
        assert words.root == card.id and words.encrypted
        shown = staff.rooms[driver.desk][card.id]
        await staff.until(lambda: {"✋", "💬", "✅"} <= set(shown.reactions), "signs")
        assert "✋ Take · 💬 Live chat · ✅ Close" in shown.text and "!help" in shown.text
        await staff.reacts(driver.desk, card.id, "✋\U0001f3fd")
        await staff.until(lambda: "In charge: kim" in shown.text and "↩ Release" in shown.text, "taken")
        await staff.until(lambda: driver.user not in shown.reactions["✋"] and "↩" in shown.reactions, "other signs")


@WITH_JS_SELDOM
async def test_signs_tell_what_became_of_a_message(running: Any) -> None:
    async with running() as driver:
        ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        root = (await kim.sees(f"{ref} ·", ref)).id
        said = await staff.says(driver.desk, "!reply Good morning.", thread=root)
        await ana.sees("Good morning.")
        await staff.until(lambda: driver.user in staff.rooms[driver.desk][said].reactions.get("✔️", ()), "delivered")
        note = await staff.says(driver.desk, "Only for us.", thread=root)
        await staff.says(driver.desk, "!quiet", thread=root)
        await kim.sees("There is no live chat here.", ref)
        assert not staff.rooms[driver.desk][note].reactions and not ana.texts("Only for us.")


@WITH_JS_SELDOM
async def test_what_staff_delete_goes_at_the_persons_end_too(running: Any) -> None:
    async with running() as driver:
        ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        said = await kim.says("/reply The wrong words.", ref)
        answer = await ana.sees("The wrong words.")
        person, room = await driver.person("ana")
        await staff.redacts(driver.desk, said)
        await person.until(lambda: person.rooms[room][answer.id].redacted, "it goes")


@WITH_JS_SELDOM
async def test_who_is_not_in_the_room_and_what_is_not_encrypted_is_not_obeyed(running: Any) -> None:
    async with running() as driver:
        _ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        root = (await kim.sees(f"{ref} ·", ref)).id
        relates = {"rel_type": "m.thread", "event_id": root}
        plain = {"msgtype": "m.text", "body": "/reply Not from me.", "m.relates_to": relates}
        path = f"/_matrix/client/v3/rooms/{driver.desk}/send/m.room.message/plain1"
        await asyncio.to_thread(driver.server.ask, "PUT", path, plain, staff.account.access_token)
        await staff.sees("Ich habe diese Nachricht nicht ausgeführt", driver.desk)
        person, room = await driver.person("ana")
        assert not [each for each in person.by(driver.user, room) if "Not from me." in each.text]


@WITH_JS_SELDOM
async def test_the_thread_of_a_deleted_case_is_taken_back(running: Any) -> None:
    async with running() as driver:
        _ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        card = await kim.sees(f"{ref} ·", ref)
        words = await staff.sees("I have a question.", driver.desk)
        await kim.says("A note.", ref)

        def delete() -> None:
            with driver.database.transaction("oberberg") as session:
                thread = session.query(Thread).filter(Thread.ref == ref).one()
                session.delete(thread)

        await driver.database.run(delete)
        await driver.bot.receiver.tidy()
        await staff.until(lambda: staff.rooms[driver.desk][card.id].redacted and words.redacted, "it goes")
        assert await driver.bot.channel._memory.root_of(driver.desk, ref) == ""


@WITH_JS_SELDOM
async def test_a_room_that_is_replaced_is_the_desk_from_then_on(running: Any) -> None:
    async with running() as driver:
        ana, _kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        await gives_power(driver, staff, 150)
        path = f"/_matrix/client/v3/rooms/{driver.desk}/upgrade"
        new = str((await staff.ask("POST", path, {"new_version": "12"}))["replacement_room"])
        await staff.until(lambda: staff.membership(staff.user_id, new) == "join", "the new room")
        await staff.invites(new, driver.user)
        await until(lambda: driver.bot.receiver._desk == new, "the desk moves")
        await ana.says("Is anybody there?")
        await staff.sees("Is anybody there?", new)
        # The card stands in the new room as well, so that the case can be worked on there.
        card = await staff.sees(f"{ref} · ", new)
        assert card.encrypted


async def test_once_everybody_signs_their_devices_the_others_are_left_out(running: Any) -> None:
    async with running() as driver:
        kim = await driver.staff("kim")
        login = await driver.bot.receiver._memory.login()
        found = await kim.ask("POST", "/_matrix/client/v3/keys/query", {"device_keys": {driver.user: []}})
        key = signs_devices(driver.user, found)
        assert key and is_signed(found["device_keys"][driver.user][login.device_id], driver.user, key)
        other = await second_device(driver, kim)
        try:
            await kim.says(driver.desk, "!who")
            first = await other.sees("Nichts ist offen", driver.desk)
            assert first.encrypted, "nobody signs anything yet: everybody gets everything"
            await vouch(kim)
            await until(lambda: driver.bot.receiver._client.left_out(driver.desk), "it is left out")
            named = await kim.sees("Diese Geräte bekommen hier keine Nachrichten", driver.desk)
            assert f"{other.account.device_id} ({kim.user_id})" in named.text
            assert kim.account.device_id not in named.text
            await driver.restart()
            await kim.says(driver.desk, "!who")
            await kim.until(
                lambda: len([e for e in kim.by(driver.user, driver.desk) if "Nichts ist offen" in e.text]) == 2, "two"
            )
            await other.until(lambda: other.undecrypted, "what it cannot read")
            said = await other.says(driver.desk, "!language en")
            await kim.sees("Ich habe diese Nachricht nicht ausgeführt", driver.desk)
            assert said
            assert len([e for e in kim.by(driver.user, driver.desk) if "Diese Geräte" in e.text]) == 1, "said once"
        finally:
            await other.stop()


async def test_two_people_never_have_the_same_name(running: Any) -> None:
    async with running() as driver:
        ana, kim, ref = await a_case(driver)
        ben = Colleague(driver, "ben")
        await kim.says("/take", ref)
        await kim.sees("kim has taken")
        other = await driver.staff("ben")
        for name in ("kim", "KIM", "Team"):
            before = len(other.by(driver.user, driver.desk))
            await other.says(driver.desk, f"!name {name}")
            await until(
                lambda before=before: [
                    each
                    for each in other.by(driver.user, driver.desk)[before:]
                    if "heißt hier schon" in each.text and "!name" in each.text
                ],
                f"{name} is taken",
            )
        await kim.says("/talk", ref)
        await ana.sees("From now on a person")
        await ben.says("Only for us.", ref)
        await kim.says("Good morning.", ref)
        await ana.sees("Good morning.")
        assert not ana.texts("Only for us.")


async def test_what_is_said_in_a_room_that_is_only_told_is_nobodys_business(running: Any) -> None:
    async with running(rules={"desk_content": "pings"}) as driver:
        ana = Reader(driver, "ana")
        staff = await driver.staff("kim")
        await ana.begins()
        await ana.says("/human")
        ping = await staff.sees("Jemand möchte", driver.desk)
        ref = REF.search(ping.text)[0]
        for words in (f"!reply {ref} Good morning.", "!name kim", "!who", "A note."):
            await staff.says(driver.desk, words)
        # Whatever came before this answer was looked at before.
        await ana.says("/help")
        await ana.sees("112")
        assert not ana.texts("Good morning.")
        assert staff.by(driver.user, driver.desk) == [ping]


async def test_taken_out_of_its_room_the_bot_says_so_once_and_goes_on_when_it_is_invited_again(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as driver:
        ana, _kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        login = await gives_power(driver, staff, 100)
        # Nobody can throw out who has made a room; whoever has the password can leave with the account.
        path = f"/_matrix/client/v3/rooms/{driver.desk}/leave"
        await asyncio.to_thread(driver.server.ask, "POST", path, {}, login.access_token)
        await until(lambda: driver.bot.receiver._rooms.get(driver.desk) is None, "it is out")
        for words in ("Is anybody there?", "I am waiting."):
            await ana.says(words)
        await until(lambda: "the bot cannot write in the desk's room" in caplog.text, "it says so")
        looked = await check(driver.database, driver.point)
        assert any("the bot is not in the desk's room" in each.text for each in looked if not each.ok)
        await staff.client.room_invite(driver.desk, driver.user)
        await until(lambda: is_desk(driver, driver.desk), "it is back")
        await driver.later(DESK_WAIT * 2)
        await staff.sees("I am waiting.", driver.desk)
        shown = [
            each for each in staff.by(driver.user, driver.desk) if each.text in ("Is anybody there?", "I am waiting.")
        ]
        assert [each.text for each in shown] == ["Is anybody there?", "I am waiting."]
        assert all(each.encrypted for each in shown) and ref
        assert caplog.text.count("the bot cannot write in the desk's room") == 1


async def test_a_desk_that_is_not_encrypted_is_told_nothing_until_it_is(running: Any) -> None:
    async with running() as driver:
        kim = await driver.staff("kim")
        made = await kim.client.room_create(preset=nio.RoomPreset.private_chat, invite=[driver.user])
        await driver.bot.receiver._memory.moved_desk(driver.desk, made.room_id)
        ana = Reader(driver, "ana")
        await until(lambda: driver.bot.receiver._desk == made.room_id, "the desk is another one")
        await until(lambda: is_desk(driver, made.room_id), "it comes")
        await ana.says("/start")
        await ana.presses("English")
        await ana.presses("Talk to a person", "Is somebody in danger right now?")
        await ana.sees("I am getting a person.")
        looked = await check(driver.database, driver.point)
        assert any("is not encrypted" in each.text for each in looked if not each.ok)
        assert not kim.by(driver.user, made.room_id)
        await kim.client.room_put_state(made.room_id, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
        await until(lambda: driver.bot.receiver._client.rooms[made.room_id].encrypted, "encryption")
        await driver.later(DESK_WAIT * 2)
        call = await kim.sees("Jemand möchte mit einem Menschen sprechen", made.room_id)
        assert call.encrypted
