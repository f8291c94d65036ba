"""Which rooms the bot is in, and what it says there; on a real homeserver."""

from __future__ import annotations

from typing import Any

import pytest

from bot.delivery import Delivery, TryLater
from tests.channels.contract import STORY, everything_stored
from tests.channels.contract import Person as Reader
from tests.channels.contract import Staff as Colleague
from tests.channels.matrix.people import WITH_EACH, WITH_JS_SELDOM
from tests.channels.matrix.waiting import QUESTION, until
from tests.channels.matrix_driver import MatrixOpenDriver


@WITH_JS_SELDOM
async def test_in_a_room_of_several_people_it_says_so_and_leaves(running: Any) -> None:
    async with running() as driver:
        ana, _room = await driver.person("ana")
        ben, _room = await driver.person("ben")
        room = await ana.makes_room(ben.user_id, driver.user, encrypted=False)
        await ana.sees("Ich arbeite nur in Räumen für uns zwei.", room)
        await ana.until(lambda: not ana.membership(driver.user, room), "it leaves")


@WITH_JS_SELDOM
async def test_when_somebody_joins_a_private_chat_it_leaves(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        ben, _room = await driver.person("ben")
        await ana.sees(QUESTION, room)
        await ana.invites(room, ben.user_id)
        await ana.sees("Somebody else is in this room now.", room)
        await ana.until(lambda: not ana.membership(driver.user, room), "it leaves")


async def test_what_was_on_its_way_is_not_said_where_somebody_else_has_come(running: Any) -> None:
    def away(delivery: Delivery) -> None:
        if delivery.message.text == "Good morning.":
            raise TryLater(30)

    async with running() as driver:
        ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        person, room = await driver.person("ana")
        ben, _room = await driver.person("ben")
        driver.weather.behave = away
        await kim.says("/reply Good morning.", ref)
        await kim.sees("Not delivered yet.", ref)
        await driver.down()
        await person.invites(room, ben.user_id)
        await ben.joins(room)
        driver.weather.behave = lambda delivery: None
        await driver.up()
        await driver.later(60)
        await ben.sees("Somebody else is in this room now.", room)
        await ben.until(lambda: not ben.membership(driver.user, room), "it leaves")
        await driver.later(60)
        await kim.sees("Not delivered: the person has closed the chat.", ref)
        assert not [
            each for each in (*ben.by(driver.user, room), *person.by(driver.user, room)) if "morning" in each.text
        ]


@WITH_JS_SELDOM
async def test_who_leaves_is_left_and_may_come_back(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.leaves(room)
        await until(lambda: driver.bot.receiver._rooms.get(room) is None, "it leaves")
        assert room not in driver.bot.receiver._client.rooms
        again = await ana.opens(driver.user)
        await ana.sees(QUESTION, again)


@WITH_JS_SELDOM
@pytest.mark.parametrize("how", ["throws it out", "leaves"])
async def test_who_goes_is_marked_as_out_of_reach(running: Any, how: str) -> None:
    async with running() as driver:
        ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        person, room = await driver.person("ana")
        if how == "leaves":
            await person.leaves(room)
        else:
            await person.kicks(room, driver.user)
        await until(lambda: driver.bot.receiver._rooms.get(room) is None, "it is gone")
        await kim.says("/reply Are you there?", ref)
        await kim.sees("Not delivered: the person has closed the chat.", ref)


@WITH_JS_SELDOM
async def test_a_room_that_is_replaced_is_followed(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.says(room, "English")
        await ana.sees("Is somebody in danger right now?", room)
        answer = await ana.ask("POST", f"/_matrix/client/v3/rooms/{room}/upgrade", {"new_version": "10"})
        new = str(answer["replacement_room"])
        await ana.until(lambda: ana.membership(ana.user_id, new) == "join", "the new room")
        await ana.invites(new, driver.user)
        await ana.sees("What would you like to do?", new)
        await ana.says(new, "!report")
        await ana.sees("Is somebody in danger right now?", new)


@WITH_JS_SELDOM
async def test_encryption_that_is_switched_on_later_is_used_at_once(running: Any) -> None:
    async with running(MatrixOpenDriver) as driver:
        ana, room = await driver.person("ana")
        first = await ana.sees(QUESTION, room)
        assert not first.encrypted
        path = f"/_matrix/client/v3/rooms/{room}/state/m.room.encryption"
        await ana.ask("PUT", path, {"algorithm": "m.megolm.v1.aes-sha2"})
        await ana.until(lambda: ana.is_encrypted(room), "encryption")
        await ana.says(room, "English")
        second = await ana.sees("Is somebody in danger right now?", room)
        assert second.encrypted


@WITH_JS_SELDOM
@pytest.mark.parametrize("encrypted", [True, False])
async def test_it_says_honestly_whether_the_room_is_encrypted(running: Any, encrypted: bool) -> None:
    async with running(*([] if encrypted else [MatrixOpenDriver])) as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.says(room, "English")
        await ana.sees("Is somebody in danger right now?", room)
        await ana.says(room, "2")
        shown = await ana.sees("Your data – in short", room)
        assert ("is encrypted from end to end" in shown.text) is encrypted
        assert ("is not encrypted" in shown.text) is not encrypted


@WITH_JS_SELDOM
async def test_where_people_may_not_write_nobody_is_answered(running: Any) -> None:
    async with running(rules={"desk_content": "full", "people": False}) as driver:
        person = await driver._met("ana", "ana", "ana")
        room = await person.opens(driver.user, wait=False)
        await person.until(lambda: person.membership(person.user_id, room) == "join", "the room")
        await person.until(lambda: not person.membership(driver.user, room), "a no")
        assert not person.by(driver.user, room)


@WITH_JS_SELDOM
async def test_a_choice_is_taken_by_reaction_whatever_the_keyboard(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.says(room, "English")
        question = await ana.sees("Is somebody in danger right now?", room)
        await ana.until(lambda: len(question.reactions) == 3, "three signs")
        assert "1. Yes" in question.text and "<li>Yes</li>" in question.content["formatted_body"]
        await ana.reacts(room, question.id, "2\u20e3")
        await ana.sees("Your data – in short", room)
        await ana.until(lambda: question.edited and question.text.rstrip().endswith("No"), "the pick")


@WITH_JS_SELDOM
async def test_what_is_no_message_of_a_person_is_not_answered(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.sends(room, {"msgtype": "m.notice", "body": "I am a program."})
        verify = {"msgtype": "m.key.verification.request", "body": "please", "to": driver.user, "methods": []}
        await ana.sends(room, {**verify, "from_device": ana.account.device_id})
        await ana.reacts(room, (await ana.sees(QUESTION, room)).id, "🎉")
        await ana.says(room, "English")
        await ana.sees("Is somebody in danger right now?", room)
        assert len([each for each in ana.by(driver.user, room) if QUESTION in each.text]) == 1


@WITH_JS_SELDOM
async def test_an_answer_does_not_repeat_what_is_answered_and_an_emote_is_words(running: Any) -> None:
    async with running() as driver:
        ana = Reader(driver, "ana")
        await ana.begins()
        person, room = await driver.person("ana")
        asked = await person.sees("What happened, or what worries you?", room)
        body = f"> <{driver.user}> What happened, or what worries you?\n\nNoise in the yard."
        answers = {"m.in_reply_to": {"event_id": asked.id}}
        await person.sends(room, {"msgtype": "m.text", "body": body, "m.relates_to": answers})
        await person.sees("I have noted it.", room)
        await person.sends(room, {"msgtype": "m.emote", "body": "is tired of it."})
        await until(lambda: len([e for e in person.by(driver.user, room) if "I have noted" in e.text]) == 2, "noted")
        stored = await driver.database.run(everything_stored, driver.database)
        assert "Noise in the yard." in stored and "is tired of it." in stored and "> <" not in stored


@WITH_JS_SELDOM
async def test_what_the_person_deletes_is_deleted(running: Any) -> None:
    async with running() as driver:
        ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
        await kim.reads_english()
        await ana.begins()
        person, room = await driver.person("ana")
        wrong = await person.says(room, "Something about the playground.")
        await person.sees("I have noted it.", room)
        await person.redacts(room, wrong)
        await person.sees("I have deleted it as well.", room)
        story = await person.says(room, STORY)
        await until(lambda: len([e for e in person.by(driver.user, room) if "I have noted" in e.text]) == 2, "noted")
        ref = await ana.finishes()
        await kim.opens(ref)
        shown = await kim.sees(STORY, ref)
        assert not kim.texts("playground", ref)
        await kim.says("/talk", ref)
        await ana.sees("From now on a person from the contact point is writing.")
        later = await person.says(room, "And the bicycles.")
        bicycles = await kim.sees("And the bicycles.", ref)
        await person.redacts(room, later)
        await kim.sees_changed(bicycles, "The person has deleted this message.")
        await person.redacts(room, story)
        await kim.sees_changed(shown, "The person has deleted this message.")
        stored = await driver.database.run(everything_stored, driver.database)
        for gone in ("playground", "bicycles", STORY):
            assert gone not in stored


@WITH_EACH
async def test_a_file_that_was_invited_reaches_the_desk_without_what_it_tells_by_the_way(
    running: Any, oberberg: Any
) -> None:
    from dataclasses import replace

    from tests.channels.telegram.test_bot import picture

    media = replace(oberberg.media, allowed=True, kinds=("photo",), max_mb=1)
    async with running(media=media) as driver:
        ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        person, room = await driver.person("ana")
        await person.sends_file(room, "m.image", picture(), "IMG_2026.jpg")
        await ana.sees("I have passed the file on.")
        staff = await driver.staff("kim")
        shown = await staff.sees("File from the person", driver.desk)
        assert shown.content["filename"] == "photo.jpg" and shown.root
        data = await staff.fetch(shown.content)
        assert data[:2] == b"\xff\xd8" and b"Maker of this phone" not in data
        await person.sends_file(room, "m.image", b"x" * 1_500_000, "large.jpg")
        await ana.sees("The file is too large.")
        assert ref


@WITH_JS_SELDOM
async def test_what_apps_send_besides_words_gets_a_sentence_or_none(running: Any) -> None:
    async with running() as driver:
        ana, room = await driver.person("ana")
        await ana.sees(QUESTION, room)
        await ana.says(room, "English")
        question = await ana.sees("Is somebody in danger right now?", room)
        taken_back = await ana.reacts(room, question.id, "🎉")
        await ana.redacts(room, taken_back)
        voice = {"org.matrix.msc3245.voice": {}, "org.matrix.msc1767.audio": {"duration": 1200}}
        await ana.sends_file(room, "m.audio", b"hello", "Voice message.ogg", **voice)
        await ana.sees("I cannot listen to voice messages", room)
        answers = [{"id": each, "org.matrix.msc1767.text": each} for each in ("Yes", "No")]
        poll = {"question": {"org.matrix.msc1767.text": "Danger?"}, "answers": answers, "max_selections": 1}
        await ana.sends(room, {"org.matrix.msc3381.poll.start": poll}, "org.matrix.msc3381.poll.start")
        await ana.sees("I can only read text.", room)
        await ana.says(room, "No")
        await ana.sees("Your data – in short", room)
        # Asked once, and again after each thing that was sent; a reaction that means nothing is let pass.
        assert len([each for each in ana.by(driver.user, room) if "Is somebody in danger" in each.text]) == 3


@WITH_JS_SELDOM
async def test_typing_and_reading_are_shown(running: Any) -> None:
    async with running() as driver:
        ana, kim = Reader(driver, "ana"), Colleague(driver, "kim")
        await kim.reads_english()
        await ana.asks_for_a_human(kim, "I have a question.")
        person, room = await driver.person("ana")
        said = await person.says(room, "Nobody answers this at once.")
        await person.until(lambda: said in person.read[room], "a receipt")
        await driver.bot.channel.typing(room, on=True)
        await person.until(lambda: driver.user in person.typing[room], "typing")
