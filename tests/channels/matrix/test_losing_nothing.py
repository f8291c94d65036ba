"""What a bot on Matrix loses with the library as it comes, and does not lose here; each on a real homeserver."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nio
import pytest
from sqlalchemy import func, select

from bot.channels.matrix.answers import Failed
from bot.delivery import Delivery
from bot.matrix_bots import account_of
from bot.messages import Outbound
from storage import matrix
from storage.backup import copy_sqlite
from storage.models import InboxMessage
from tests.channels.contract import PATIENCE, POINT
from tests.channels.contract import Person as Reader
from tests.channels.matrix.waiting import QUESTION, until
from tests.channels.matrix_driver import MatrixDriver, MatrixOpenDriver
from tests.matrix_server.homeserver import LIMITS, Homeserver
from tests.matrix_server.person import Person


async def received(driver: MatrixDriver) -> int:
    """Messages that came into the inbox."""

    def count() -> int:
        with driver.database.transaction(everywhere=True) as session:
            return session.scalar(select(func.count()).select_from(InboxMessage)) or 0

    return await driver.database.run(count)


async def until_received(driver: MatrixDriver, number: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while (count := await received(driver)) < number:
            await asyncio.sleep(0.05)
    assert count == number


def flood(driver: MatrixDriver, person: Person, room: str, number: int) -> None:
    """Messages faster than anybody can write, past the library."""
    for each in range(number):
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/flood{each}"
        content = {"msgtype": "m.text", "body": f"Word {each}."}
        driver.server.ask("PUT", path, content, person.account.access_token)


async def test_a_burst_longer_than_a_timeline_arrives_whole(running: Any) -> None:
    async with running(MatrixOpenDriver) as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        before = await received(driver)
        await asyncio.to_thread(flood, driver, ana, room, 60)
        await until_received(driver, before + 60)


async def test_what_was_said_while_it_was_down_arrives_whole(running: Any) -> None:
    async with running(MatrixOpenDriver) as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        before = await received(driver)
        await driver.down()
        await asyncio.to_thread(flood, driver, ana, room, 230)
        await driver.up()
        await until_received(driver, before + 230)


async def test_what_was_said_before_it_came_is_not_for_it(running: Any) -> None:
    async with running(MatrixOpenDriver) as driver:
        ana, _room = await driver.person("ana")
        made = await ana.client.room_create(preset=nio.RoomPreset.private_chat)
        await ana.says(made.room_id, "A secret between us.")
        await ana.client.room_invite(made.room_id, driver.user)
        await ana.sees(QUESTION, made.room_id)
        texts = [each.text for each in ana.by(driver.user, made.room_id)]
        assert not any("I keep what you have written" in each for each in texts)


async def test_an_invitation_is_not_forgotten_by_whoever_is_killed_before_accepting_it(running: Any) -> None:
    async with running() as driver:
        cem, _room = await driver.person("cem")
        await driver.down()
        room = await cem.opens(driver.user, wait=False)
        login = await asyncio.to_thread(stored_login, driver)
        # Another look, as of a process that has kept the invitation and was killed then.
        answer = await asyncio.to_thread(
            driver.server.ask, "GET", f"/_matrix/client/v3/sync?since={login.since}", None, login.secret["access_token"]
        )
        assert room in answer["rooms"]["invite"]
        kept = {"id": room, "kind": "INVITED", "person": cem.user_id, "heard": 0, "follows": ""}
        await asyncio.to_thread(keep_progress, driver, answer["next_batch"], room, kept)
        await driver.up()
        await cem.sees(QUESTION, room)


def stored_login(driver: MatrixDriver) -> Any:
    database = driver._open_database()
    try:
        with database.transaction(POINT) as session:
            return matrix.login(session, account_of(driver.point))
    finally:
        database.close()


def keep_progress(driver: MatrixDriver, since: str, room: str, value: Any) -> None:
    database = driver._open_database()
    with database.transaction(POINT) as session:
        row = matrix.login(session, account_of(driver.point))
        assert row is not None
        row.since = since
        matrix.keep_room(session, POINT, account_of(driver.point), room, value)
    database.close()


async def without_key(person: Person, room: str, text: str) -> Callable[[], Any]:
    """Writes a message and keeps its key back; what is returned hands it over."""
    olm = person.client.olm
    assert olm is not None
    olm.outbound_group_sessions.pop(room, None)
    bodies = list(olm.share_group_session_parallel(room, list(person.client.rooms[room].users), True))
    olm.outbound_group_sessions[room].shared = True
    await person.says(room, text)

    async def hand_over() -> None:
        for number, (_to, body) in enumerate(bodies):
            await person.ask("PUT", f"/_matrix/client/v3/sendToDevice/m.room.encrypted/late{number}", body)

    return hand_over


async def test_a_message_is_read_when_its_key_comes_late_even_after_a_restart(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        hand_over = await without_key(ana, room, "English")
        await until(lambda: driver.bot.receiver._unread, "it waits")
        await driver.restart()
        await hand_over()
        await ana.sees("Is somebody in danger right now?", room)
        assert not driver.bot.receiver._unread
        assert not [each for each in ana.by(driver.user, room) if "came without its key" in each.text]


async def test_who_cannot_be_read_is_told_once_in_their_language(running: Any) -> None:
    async with running(late_after=0.3) as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.says(room, "Deutsch")
        await ana.sees("Ist gerade jemand in Gefahr?", room)
        await without_key(ana, room, "Nobody reads this.")
        await ana.sees("Ich kann Ihre Nachricht nicht lesen", room)
        await driver.restart()
        ana.client.invalidate_outbound_session(room)
        await ana.says(room, "2")
        await ana.sees("Ihre Daten", room)
        told = [each for each in ana.by(driver.user, room) if "nicht lesen" in each.text]
        assert len(told) == 1


async def test_whose_app_gives_no_key_is_told_why_at_once(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.says(room, "Deutsch")
        await ana.sees("Ist gerade jemand in Gefahr?", room)
        await without_key(ana, room, "Nobody reads this.")
        await until(lambda: driver.bot.receiver._unread, "it waits")
        assert not [each for each in ana.by(driver.user, room) if "nicht lesen" in each.text]
        await withhold(ana, room, driver.user, "m.unverified")
        told = await ana.sees("Ich kann Ihre Nachricht nicht lesen", room)
        assert "überprüft" in told.text


async def withhold(person: Person, room: str, other: str, code: str) -> None:
    """An app says that it gives no key, as those do that trust only devices that their user has verified."""
    session = person.client.olm.outbound_group_sessions[room].id
    why = {"room_id": room, "session_id": session, "algorithm": "m.megolm.v1.aes-sha2", "code": code}
    path = f"/_matrix/client/v3/sendToDevice/m.room_key.withheld/{code}"
    await person.ask("PUT", path, {"messages": {other: {"*": why}}})


async def test_one_time_keys_that_are_used_up_are_made_anew(running: Any) -> None:
    async with running() as driver:
        mallory = driver.server.register("mallory")
        await driver.down()
        device = (await asyncio.to_thread(stored_login, driver)).device_id
        wanted = {"one_time_keys": {driver.user: {device: "signed_curve25519"}}}
        taken = 0
        while await asyncio.to_thread(
            lambda: driver.server.ask("POST", "/_matrix/client/v3/keys/claim", wanted, mallory.access_token)[
                "one_time_keys"
            ]
        ):
            taken += 1
        assert taken >= 50
        await driver.up()
        await until(lambda: driver.bot.receiver._since, "a look")
        await asyncio.sleep(0.5)
        ana = Reader(driver, "ana")
        await ana.says("/start")
        await ana.says("English")
        await ana.sees("Is somebody in danger right now?")


@pytest.mark.parametrize("asked", ["/_matrix/client/v3/logout", "/_matrix/client/v3/logout/all"])
async def test_a_login_that_was_ended_stops_it_with_one_line(
    running: Any, caplog: pytest.LogCaptureFixture, asked: str
) -> None:
    async with running() as driver:
        login = await driver.bot.receiver._memory.login()
        with caplog.at_level(logging.ERROR, "anlaufstelle"):
            await asyncio.to_thread(driver.server.ask, "POST", asked, {}, login.access_token)
            await until(lambda: driver.bot.receiver.stopped, "it stops")
            await asyncio.sleep(0.5)
        said = [each.getMessage() for each in caplog.records]
        assert said == ["the homeserver refuses the login: stop the bot, run anlaufstelle matrix login oberberg"]
        assert driver.bot.receiver._client is None


async def test_keys_that_are_lost_are_noticed_and_a_new_login_mends_it(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await driver.down()
        before = (await asyncio.to_thread(stored_login, driver)).device_id
        await asyncio.to_thread(forget_keys, driver)
        await driver.up()
        await until(lambda: driver.bot.receiver.stopped == "foreign keys", "it stops")
        assert "run anlaufstelle matrix login oberberg" in caplog.text
        await driver.down()
        driver.database = driver._open_database()
        said = await driver.log_in()
        await asyncio.to_thread(driver.database.close)
        assert any(f"the device {before} is deleted" in each for each in said), said
        await driver.up()
        await ana.says(room, "English")
        await ana.sees("Is somebody in danger right now?", room)


def forget_keys(driver: MatrixDriver) -> None:
    database = driver._open_database()
    with database.transaction(POINT) as session:
        for each in session.scalars(select(matrix.MatrixKey)):
            session.delete(each)
    database.close()


@pytest.mark.parametrize("since_then", ["it has begun anew", "it has gone on"])
async def test_an_older_copy_of_the_database_is_noticed(
    running: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, since_then: str
) -> None:
    async with running() as driver:
        file = driver.database.file
        await until(lambda: driver.bot.receiver._since and not driver.bot.receiver._whole, "a look")
        await asyncio.to_thread(copy_sqlite, file, tmp_path / "yesterday.db")
        if since_then == "it has begun anew":
            await driver.restart()
            await until(lambda: driver.bot.receiver._since and not driver.bot.receiver._whole, "a look")
        else:
            await driver.bot.receiver.check_alone()
        assert not driver.bot.receiver.stopped
        await driver.down()
        for beside in file.parent.glob(f"{file.name}-*"):
            beside.unlink()
        shutil.copy(tmp_path / "yesterday.db", file)
        await driver.up()
        await until(lambda: driver.bot.receiver.stopped == "restored", "it stops")
        assert "another copy of this database" in caplog.text


async def test_the_homeserver_may_be_away_for_a_while(running: Any, caplog: pytest.LogCaptureFixture) -> None:
    server = Homeserver()
    server.start()
    try:
        async with running(kind=lambda *made: on(server, *made)) as driver:
            ana, room = await driver.person("ana")
            await ana.sees(QUESTION, room)
            await asyncio.to_thread(server.stop)
            await until(lambda: driver.bot.receiver.trouble, "trouble")
            server.start()
            await ana.says(room, "English")
            await ana.sees("Is somebody in danger right now?", room)
            assert caplog.text.count("the homeserver does not answer") == 1
    finally:
        server.remove()


def on(server: Homeserver, *made: Any) -> MatrixDriver:
    driver = MatrixDriver(*made)
    driver.server = server
    return driver


async def test_who_may_send_slowly_only_sends_everything_in_order(running: Any) -> None:
    server = Homeserver({**LIMITS, "rc_message": {"per_second": 3, "burst_count": 4}})
    server.start()
    try:
        async with running(kind=lambda *made: on(server, *made)) as driver:
            ana, room = await driver.person("ana")
            await ana.sees(QUESTION, room)
            for number in range(4):
                await ana.says(room, f"/unknown{number}")
            async with asyncio.timeout(60):
                while len([e for e in ana.by(driver.user, room) if QUESTION in e.text]) < 5:
                    await driver.later(5)
                    await asyncio.sleep(0.3)
    finally:
        server.remove()


async def test_what_is_sent_twice_is_there_once(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        account = account_of(driver.point)
        delivery = Delivery(4711, POINT, account, ana.user_id, Outbound("Said once."))
        first = await driver.bot.channel.send(delivery)
        await driver.bot.receiver._client.save_keys()
        driver.bot.receiver._client.invalidate_outbound_session(room)
        assert await driver.bot.channel.send(delivery) == first
        await ana.sees("Said once.", room)
        await ana.says(room, "English")
        await ana.sees("Is somebody in danger right now?", room)
        assert len([each for each in ana.by(driver.user, room) if each.text == "Said once."]) == 1


async def test_who_has_ended_asks_for_nothing_any_more(running: Any) -> None:
    async with running() as driver:
        await until(lambda: driver.bot.receiver._since and not driver.bot.receiver._whole, "a look")
        before = driver.bot.receiver._client
        await driver.restart()
        with pytest.raises(Failed):
            await before.ask("GET", "/_matrix/client/v3/account/whoami")
        assert before.client_session is None


async def test_nothing_readable_is_in_the_database(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        kim = await driver.staff("kim")
        await ana.sees(QUESTION, room)
        await ana.says(room, "Quisquiliae in the yard")
        await ana.sees("I keep what you have written.", room)
        await asyncio.sleep(0.3)
        file = driver.database.file
        await driver.down()
        whole = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
        for secret in (ana.user_id, kim.user_id, "ana", room, driver.desk, "Quisquiliae", driver.account.password):
            assert secret == "ana" or secret.encode() not in whole, secret
        assert b"m.megolm" not in whole and b"ciphertext" not in whole
        await driver.up()
