"""What a modified client, a stolen address or a bad moment brings: the next message is answered all the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.channels.contract import POINT, STORY, Person, Staff
from tests.channels.telegram.test_bot import New, running  # noqa: F401
from tests.channels.telegram_driver import TelegramWebhookDriver
from tests.telegram_server.faults import Fault

USER = {"id": 6_100_000_000, "is_bot": False, "first_name": "Mallory"}
CHAT = {"id": 6_100_000_000, "type": "private", "first_name": "Mallory"}


def message(**fields: Any) -> dict[str, Any]:
    return {"message": {"message_id": 9, "date": 1_800_000_000, "from": USER, "chat": CHAT, "text": "x", **fields}}


@pytest.mark.parametrize(
    "update",
    [
        message(text=5),
        message(text={"a": 1}),
        message(text=["secret"]),
        message(caption=7, text=""),
        message(message_id={"a": []}),
        message(media_group_id=5),
        message(chat={"id": "x", "type": "private"}),
        message(chat={"id": 10**30, "type": "private"}),
        message(chat={"id": -1, "type": "group", "title": "x"}, text=5),
        message(chat={"id": [], "type": "channel"}),
        message(chat={"id": 1, "type": 4}),
        message(**{"from": {"id": "x", "is_bot": "no", "first_name": 3, "language_code": 4}}),
        message(photo=[{"file_id": 3, "file_unique_id": 4, "width": "", "height": "", "file_size": "big"}]),
        message(photo="x"),
        message(document={"file_id": 3, "file_unique_id": 3, "mime_type": 5}),
        message(reply_to_message=message()["message"] | {"message_id": "x"}),
        {"callback_query": {"id": 3, "from": USER, "chat_instance": "x", "data": 5}},
        {"callback_query": {"id": "3", "from": USER, "chat_instance": "x", "data": "\ud800"}},
        {"callback_query": {"id": "4", "from": USER, "chat_instance": "x", "data": "ä"}},
        {"edited_message": message(edit_date="x")["message"]},
        {"edited_message": message(edit_date=1_800_000_000, text=5)["message"]},
        {"my_chat_member": {"chat": CHAT, "from": USER, "date": 5}},
        {"message": []},
        {"message": "x"},
    ],
)
async def test_wrong_kinds_of_values_end_nothing(running: New, update: dict[str, Any]) -> None:  # noqa: F811
    async with running() as driver:
        ana = Person(driver, "ana")
        driver.server.inject(driver.account, update)
        await ana.says("/start")
        await ana.sees("Which language")
        assert not driver._receiving.done()


async def test_wrong_kinds_of_values_in_the_desks_group_end_nothing(running: New) -> None:  # noqa: F811
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        group = {"id": driver.group.id, "type": "supergroup", "title": "Desk", "is_forum": True}
        for wrong in (
            {"message_thread_id": 10**30, "is_topic_message": True},
            {"message_thread_id": "x", "is_topic_message": True},
            {"text": 5},
            {"message_id": 10**30},
            {"reply_to_message": message(chat=group, message_id=10**30)["message"]},
            {"from": {"id": 10**40, "is_bot": False, "first_name": "x"}},
            {"migrate_to_chat_id": "x"},
        ):
            driver.server.inject(driver.account, message(**{"chat": group, **wrong}))
        await ana.says("/start")
        await ana.sees("Which language")
        await kim.says("/who")
        await kim.sees("Nothing is open.")


@pytest.mark.parametrize("fault", [Fault.GATEWAY, Fault.RESET])
async def test_a_bad_moment_while_a_group_is_chosen_ends_nothing(running: New, fault: Fault) -> None:  # noqa: F811
    async with running() as driver:
        ana, mallory = Person(driver, "ana"), driver.person("mallory")
        group = driver.server.group("Others", mallory, driver.account)
        driver.server.faults.order(fault, "getChat")
        mallory.says(group, "/start@anlaufstelle_bot desk_a-code-that-is-wrong")
        await ana.says("/start")
        await ana.sees("Which language")
        await driver.server.until(lambda: driver.account.id not in group.members, "it leaves")


async def test_a_note_after_a_long_answer_stays(running: New) -> None:  # noqa: F811
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        await kim.says("/reply Good morning.", ref)
        await kim.sees("Delivered.", ref)
        person, topic = driver.staff("kim"), driver._topic(ref)
        person.says(topic, "/reply " + "An answer. " * 340)
        await ana.sees("An answer. An answer.")
        driver.server.later(60)
        person.says(topic, "Between us: she is difficult.")
        await kim.says("/reply Good bye.", ref)
        await ana.sees("Good bye.")
        assert not any("difficult" in each.text for each in person_sees(driver, "ana"))


async def test_two_members_of_staff_never_have_one_name(running: New) -> None:  # noqa: F811
    async with running() as driver:
        ana, kim, ben = Person(driver, "ana"), Staff(driver, "kim"), Staff(driver, "ben")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        await kim.says("/talk", ref)
        for name in ("kim", "KIM\u200b", "Team", "\u202e", "Teamraum"):
            await ben.says(f"/name {name}")
        await driver.server.until(
            lambda: len([m for m in driver.group.messages if "So heißt hier schon jemand" in m.text]) == 4, "refusals"
        )
        await ben.says("This is a note.", ref)
        await kim.says("/name Kim the Second", ref)
        await kim.says("This goes out.", ref)
        await ana.sees("This goes out.")
        assert not any("This is a note" in each.text for each in person_sees(driver, "ana"))


async def test_a_sign_that_cannot_be_put_does_not_say_it_twice(running: New) -> None:  # noqa: F811
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        driver.staff("ben")
        await kim.says("/reply Hello.", ref)
        await ana.sees("Hello.")
        await kim.sees("Delivered.", ref)
        driver.server.faults.order(Fault.GATEWAY, "setMessageReaction", times=3)
        driver.staff("ben").says(driver._topic(ref), "/reply Are you still there?")
        await kim.sees("Nothing was sent.", ref)
        await driver.later(600)
        await kim.says("/who")
        await kim.sees("Open now:")
        assert len([m for m in driver.group.messages if "Nothing was sent." in m.text]) == 1


async def test_whoever_knows_the_secret_of_the_webhook_ends_nothing(running: New) -> None:  # noqa: F811
    async with running(TelegramWebhookDriver) as driver:
        good = {"X-Telegram-Bot-Api-Secret-Token": driver._bot.webhook_secret}
        wrong = message(text=5) | {"update_id": 7}
        for body, status in (
            (json.dumps(wrong), 200),
            (json.dumps(message(text="\ud800") | {"update_id": 8}), 200),
            ('{"update_id": 9, "message": ' + "[" * 900 + "]" * 900 + "}", 200),
            ('{"update_id": 10, "message": ' + '{"a":' * 100 + "1" + "}" * 101, 200),
            ('{"update_id": 1e999}', 400),
            ('{"update_id": 11, "message": NaN}', 200),
            (b'{"update_id": 12, "message": "\xff"}', 400),
        ):
            answer = await driver.client.post(f"/telegram/{POINT}", data=body, headers=good)
            assert answer.status == status, body[:60]
        ana = Person(driver, "ana")
        await ana.says("/start")
        await ana.sees("Which language")


async def test_a_group_that_is_only_told_of_news_cannot_answer(running: New) -> None:  # noqa: F811
    async with running(rules={"desk_content": "pings"}) as driver:
        ana = Person(driver, "ana")
        assert any("geht an niemanden" in each.text for each in driver.group.messages)
        ref = await ana.reports(STORY)
        driver.staff("kim").says(driver.group, f"/reply {ref} Written in Telegram.")
        await driver.server.until(lambda: not driver.account.queue.waiting, "all taken")
        await ana.says("/help")
        await ana.sees("112")
        assert not any("Written in Telegram" in each.text for each in person_sees(driver, "ana"))


def person_sees(driver: Any, name: str) -> list[Any]:
    return list(driver.person(name).chat(driver.account).messages)
