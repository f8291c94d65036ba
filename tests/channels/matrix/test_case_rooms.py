"""A desk where each case has a room of its own; on a real homeserver."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from bot.matrix_bots import account_of
from storage import matrix
from storage.models import Thread
from tests.channels.contract import POINT
from tests.channels.contract import Person as Reader
from tests.channels.contract import Staff as Colleague
from tests.channels.matrix.waiting import until
from tests.channels.matrix_driver import MatrixDriver, MatrixRoomsDriver
from tests.matrix_server.person import Person


async def a_case(driver: MatrixDriver) -> tuple[Reader, Colleague, str]:
    ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
    await kim.reads_english()
    return ana, kim, await ana.asks_for_a_human(kim, "I have a question.")


async def test_a_case_is_a_room_in_which_everything_is_about_it(running: Any) -> None:
    async with running(MatrixRoomsDriver) as driver:
        ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        card = await kim.sees(f"{ref} ·", ref)
        assert card
        room = driver.bot.receiver._rooms.of_case(ref).id
        assert staff.client.rooms[room].name == ref and staff.client.rooms[room].encrypted
        note = await staff.says(room, "Only for us.")
        await staff.says(room, "!reply Good morning.")
        await ana.sees("Good morning.")
        assert not ana.texts("Only for us.") and note


async def test_who_comes_to_the_desk_comes_to_its_cases_and_who_leaves_it_leaves_them(running: Any) -> None:
    async with running(MatrixRoomsDriver) as driver:
        ana, kim, ref = await a_case(driver)
        await kim.sees(f"{ref} ·", ref)
        room = driver.bot.receiver._rooms.of_case(ref).id
        ben = await driver.staff("ben")
        await ben.until(lambda: room in ben.client.rooms, "ben is in the room of the case")
        # What was said before is not theirs to read, until they ask for it.
        await ben.says(room, "!open")
        card = await ben.sees(f"{ref} ·", room)
        assert "I have a question." not in card.text
        await ben.client.room_leave(driver.desk)
        await ben.until(lambda: room in ben.left, "ben is out of the room of the case")
        await kim.says("/reply Good morning.", ref)
        await ana.sees("Good morning.")
        assert not ben.undecrypted


async def test_who_is_not_at_the_desk_is_not_obeyed_in_the_room_of_a_case(running: Any) -> None:
    async with running(MatrixRoomsDriver) as driver:
        ana, kim, ref = await a_case(driver)
        await kim.sees(f"{ref} ·", ref)
        room = driver.bot.receiver._rooms.of_case(ref).id
        await kim.says("/talk", ref)
        await ana.sees("From now on a person")
        mallory = Person(driver.server, driver.server.register("mallory"))
        await mallory.start()
        try:
            login = await driver.bot.receiver._memory.login()
            path = f"/_matrix/client/v3/rooms/{room}/invite"
            await asyncio.to_thread(driver.server.ask, "POST", path, {"user_id": mallory.user_id}, login.access_token)
            await mallory.joins(room)
            await mallory.says(room, "!reply Not from the team.")
            await driver.bot.receiver.tidy()
            await mallory.until(lambda: room in mallory.left, "out")
            await kim.says("Good morning.", ref)
            await ana.sees("Good morning.")
            assert not ana.texts("Not from the team.")
        finally:
            await mallory.stop()


async def test_the_room_of_a_deleted_case_is_emptied_and_left(running: Any) -> None:
    async with running(MatrixRoomsDriver) as driver:
        _ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        card = await kim.sees(f"{ref} ·", ref)
        room = driver.bot.receiver._rooms.of_case(ref).id
        noted = await staff.says(room, "Only for us.")

        def delete() -> None:
            with driver.database.transaction("oberberg") as session:
                session.delete(session.query(Thread).filter(Thread.ref == ref).one())

        await driver.database.run(delete)
        await driver.bot.receiver.tidy()
        await staff.until(lambda: room in staff.left, "everybody is sent away")
        assert staff.rooms[room][card.id].redacted and staff.rooms[room][noted].redacted
        assert driver.bot.receiver._rooms.of_case(ref) is None
        assert (
            room
            not in (await driver.bot.receiver._client.ask("GET", "/_matrix/client/v3/joined_rooms"))["joined_rooms"]
        )


async def test_a_room_that_was_made_right_before_the_bot_was_killed_is_used(running: Any) -> None:
    async with running(MatrixRoomsDriver) as driver:
        staff = await driver.staff("kim")
        since = driver.bot.receiver._since
        ana, kim, ref = await a_case(driver)
        await kim.sees(f"{ref} ·", ref)
        before = driver.bot.receiver._rooms.of_case(ref)
        await driver.down()
        await asyncio.to_thread(forget, driver, before.id, since)
        await driver.up()
        await ana.says("Is anybody there?")
        await staff.sees("Is anybody there?", before.id)
        assert driver.bot.receiver._rooms.of_case(ref) == before


def forget(driver: MatrixDriver, room: str, since: str) -> None:
    """As if the bot had been killed before it stored what the homeserver told."""
    database = driver._open_database()
    with database.transaction("oberberg") as session:
        matrix.keep_room(session, "oberberg", account_of(driver.point), room, None)
        matrix.login(session, account_of(driver.point)).since = since
    database.close()


async def test_a_desk_that_had_threads_shows_its_cases_in_rooms(running: Any) -> None:
    async with running(ChangingDriver) as driver:
        ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        await kim.sees(f"{ref} ·", ref)
        driver.change_to_rooms()
        await driver.restart()
        staff.accepts = True
        await ana.says("Is anybody there?")
        await until(lambda: driver.bot.receiver._rooms.of_case(ref), "its room")
        room = driver.bot.receiver._rooms.of_case(ref).id
        await staff.sees("Is anybody there?", room)
        await staff.sees(f"{ref} ·", room)
        await staff.says(room, "!reply Good morning.")
        await ana.sees("Good morning.")


class ChangingDriver(MatrixDriver):
    """A desk with threads, whose contact point changes its mind."""

    def change_to_rooms(self) -> None:
        self._points[POINT] = replace(self.point, matrix=replace(self.point.matrix, cases="rooms"))
