"""People whose app neither shows nor sends anything to a device that its owner has not signed (MSC4153)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.channels.matrix.test_desk import a_case, second_device
from tests.channels.matrix.waiting import QUESTION
from tests.matrix_js.person import JsPerson
from tests.matrix_server.homeserver import shared
from tests.matrix_server.person import Person


@pytest.fixture
def people() -> type[JsPerson]:
    return JsPerson


async def test_they_and_the_bot_read_each_other_and_the_app_warns_of_nothing(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        assert (await ana.sees(QUESTION, room)).encrypted
        await ana.says(room, "English")
        question = await ana.sees("Is somebody in danger right now?", room)
        await ana.until(lambda: len(question.reactions) == 3, "three signs")
        await ana.reacts(room, question.id, "2\ufe0f\u20e3")
        await ana.sees("Your data – in short", room)
        await ana.until(lambda: question.edited and question.text.rstrip().endswith("No"), "the pick")
        assert ana.warnings == {}


async def both_in_a_room(ana: JsPerson, unsigned: Person) -> str:
    await ana.start()
    await unsigned.start()
    room = await ana.opens(unsigned.user_id, wait=False)
    await unsigned.until(lambda: room in unsigned.rooms, "the invitation")
    await unsigned.joins(room)
    await ana.until(lambda: ana.membership(unsigned.user_id, room) == "join", "both in the room")
    return room


async def test_who_does_not_sign_their_device_is_neither_shown_nor_can_read() -> None:
    server = shared()
    ana, unsigned = JsPerson(server, server.register("ana")), Person(server, server.register("unsigned"))
    try:
        room = await both_in_a_room(ana, unsigned)
        said = await unsigned.says(room, "Nobody is shown this.")
        await ana.until(lambda: ana.warnings.get(said) == "UNSIGNED_SENDER_DEVICE", "a refusal")
        await ana.says(room, "Only for signed devices.")
        await unsigned.until(lambda: unsigned.undecrypted, "what it cannot read")
        assert not ana.by(unsigned.user_id, room) and not unsigned.by(ana.user_id, room)
    finally:
        await ana.stop()
        await unsigned.stop()


async def test_an_app_that_shows_everything_warns_of_who_does_not_sign_their_device() -> None:
    server = shared()
    ana = JsPerson(server, server.register("ana"), isolated=False)
    unsigned = Person(server, server.register("unsigned"))
    try:
        room = await both_in_a_room(ana, unsigned)
        said = await unsigned.says(room, "Shown with a shield.")
        await ana.sees("Shown with a shield.", room)
        assert ana.warnings == {said: "UNSIGNED_DEVICE"}
    finally:
        await ana.stop()
        await unsigned.stop()


async def test_the_desk_leaves_out_a_device_that_its_owner_has_not_signed(running: Any) -> None:
    async with running() as driver:
        kim = await driver.staff("kim")
        other = await second_device(driver, kim)
        try:
            await kim.says(driver.desk, "!who")
            await kim.sees("Nichts ist offen", driver.desk)
            await other.until(lambda: other.undecrypted, "what it cannot read")
            await other.says(driver.desk, "!language en")
            await kim.sees("Ich habe diese Nachricht nicht ausgeführt", driver.desk)
            assert not other.by(driver.user, driver.desk)
        finally:
            await other.stop()


async def test_what_an_app_says_of_threads_and_answers_is_understood(running: Any) -> None:
    async with running() as driver:
        ana, kim, ref = await a_case(driver)
        staff = await driver.staff("kim")
        card = await kim.sees(f"{ref} ·", ref)
        asked = await staff.sees("I have a question.", driver.desk)
        # The app names the last message of the thread for such as know no threads; that is no answer to it.
        note = await staff.says(driver.desk, "Only for us.", thread=card.id)
        await staff.says(driver.desk, "We have read it.", thread=card.id, answers=asked.id)
        await ana.sees("We have read it.")
        assert not ana.texts("Only for us.")
        shown = staff.rooms[driver.desk]
        assert shown[card.id].root == "" and {asked.root, shown[note].root} == {card.id}
