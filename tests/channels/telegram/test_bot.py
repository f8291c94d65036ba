"""One bot of Telegram against a server that behaves like Telegram's: what only this messenger has."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from bot.contact_point import ContactPoint, MediaRules
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.contract import DESK, POINT, STORY, Person, Staff, everything_stored
from tests.channels.telegram_driver import TelegramDriver, TelegramWebhookDriver
from tests.telegram_server.faults import Fault
from tests.telegram_server.groups import Group

New = Callable[..., Any]


@pytest.fixture
def running(url: str, ring: KeyRing, oberberg: ContactPoint) -> New:
    """A bot at work; `rules` change what the contact point's file says."""

    @asynccontextmanager
    async def run(
        kind: type[TelegramDriver] = TelegramDriver, rules: Mapping[str, Any] | None = None, **point: Any
    ) -> AsyncIterator[TelegramDriver]:
        driver = kind(lambda: Database.open(url, ring), {POINT: replace(oberberg, **point)})
        driver.rules = {**driver.rules, **(rules or {})}
        await driver.start()
        try:
            yield driver
        finally:
            await driver.stop()

    return run


def picture() -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "Maker of this phone"
    Image.new("RGB", (40, 30), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def says_in(group: Group, driver: TelegramDriver, words: str) -> Any:
    return await driver.server.until(lambda: next((m for m in group.messages if words in m.text), None), words)


async def test_in_a_group_it_answers_once_and_leaves(running: New) -> None:
    async with running() as driver:
        ana = driver.person("ana")
        group = driver.server.group("Neighbours", ana, driver.account)
        ana.says(group, "There is trouble again!")
        await says_in(group, driver, "Ich arbeite nur in privaten Chats.")
        await driver.server.until(lambda: driver.account.id not in group.members, "it leaves")
        assert len([m for m in group.messages if m.sender is driver.account and not m.service]) == 1
        assert "trouble again" not in await driver.database.run(everything_stored, driver.database)


async def test_a_used_or_wrong_code_makes_no_group_the_desk(running: New) -> None:
    async with running() as driver:
        mallory = driver.person("mallory")
        group = driver.server.group("Others", mallory, driver.account)
        mallory.says(group, "/start@anlaufstelle_bot desk_a-code-for-the-desk")
        await driver.server.until(lambda: driver.account.id not in group.members, "it leaves")


async def test_nothing_that_tells_who_somebody_is_gets_stored_or_shown(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        ref = await ana.reports(STORY)
        await kim.presses("Öffnen", ref)
        await kim.sees(STORY, ref)
        stored = await driver.database.run(everything_stored, driver.database)
        shown = "\n".join(each.text for each in driver.group.messages if each.sender is driver.account)
        for trace in ("ana_on_telegram", "Ana", "Private kim"):
            assert trace not in stored and trace not in shown
        raw = driver.database.file.read_bytes() if driver.database.file else b""
        assert str(driver.person("ana").id).encode() not in raw


async def test_a_topic_is_named_by_number_and_neutral_words(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.reports(STORY)
        await kim.opens(ref)
        assert [each.name for each in driver.group.topics.values()] == [f"Case {ref}"]


async def test_a_deleted_topic_is_made_anew_with_all_that_stood_there(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        (topic,) = driver.group.topics.values()
        driver.group.deletes_topic(topic)
        await ana.says("Is anybody there?")

        def whole() -> bool:
            new = [t for t in driver.group.topics.values() if not t.deleted]
            texts = [m.text for m in new[0].messages if not m.service] if new else []
            return "I have a question." in texts and "Is anybody there?" in texts and any(ref in t for t in texts)

        await driver.server.until(whole, "the case in its new topic")
        await kim.says("/reply Yes.", ref)
        await ana.sees("Yes.")


async def test_a_closed_topic_is_opened_again_when_there_is_news(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        (topic,) = driver.group.topics.values()
        driver.group.closes_topic(topic)
        await ana.says("Is anybody there?")
        await kim.sees("Is anybody there?", ref)
        await driver.server.until(lambda: not topic.closed, "the topic is open")


async def test_without_the_right_to_make_topics_it_says_so_once_and_goes_on(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        driver.group.promotes(driver.account, "can_delete_messages")
        ref = await ana.reports(STORY)
        await kim.presses("Open", f"New report {ref}.")
        await says_in(driver.group, driver, "I may not make topics in this group.")
        await says_in(driver.group, driver, STORY)
        assert len([m for m in driver.group.messages if "I may not make topics" in m.text]) == 1


async def test_a_group_that_is_upgraded_stays_the_desk(running: New) -> None:
    class Plain(TelegramDriver):
        forum = False

    async with running(Plain) as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        new = driver.group.upgrades()
        ref = await ana.reports(STORY)
        await says_in(new, driver, f"New report {ref}.")


async def test_the_summary_is_deleted_when_the_report_is_sent(running: New) -> None:
    async with running() as driver:
        ana = Person(driver, "ana")
        await ana.reports(STORY)
        chat = driver.person("ana").chat(driver.account)
        await driver.server.until(
            lambda: not any("Have I understood you correctly?" in m.text for m in chat.messages), "the summary goes"
        )
        assert not [m for m in chat.messages if m.sender is driver.account and STORY in m.text]
        assert [m for m in chat.all_messages if m.deleted and STORY in m.text]


async def test_an_album_gets_one_sentence_and_its_caption_counts(running: New) -> None:
    async with running() as driver:
        ana = Person(driver, "ana")
        await ana.begins()
        driver.person("ana").sends_album(driver.account, [picture()] * 5, "They shout every night here.", captioned=3)
        await ana.sees("I have noted it.")
        await driver.server.until(lambda: not driver.account.queue.waiting, "all taken")
        assert len(ana.texts("I have not kept the file.")) == 1


async def test_a_photo_that_staff_invited_reaches_the_desk_without_what_it_tells(running: New) -> None:
    async with running(media=MediaRules(allowed=True)) as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a picture.")
        driver.person("ana").sends_photo(driver.account, picture())
        shown = await kim.sees("File from the person", ref)
        data = await driver.fetch(DESK, shown)
        with Image.open(io.BytesIO(data)) as seen:
            assert seen.size == (40, 30) and not seen.getexif()
        await ana.sees("I have passed the file on.")
        ana.acts()
        driver.person("ana").sends_document(driver.account, b"x", "big.pdf", size=30_000_000)
        await ana.sees("The file is too large.")


@pytest.mark.parametrize("kind", ["animation", "audio", "video_note", "dice", "poll", "venue", "live"])
async def test_whatever_else_telegram_can_send_gets_a_sentence(running: New, kind: str) -> None:
    async with running() as driver:
        ana, bot = Person(driver, "ana"), driver.account
        await ana.begins()
        person = driver.person("ana")
        match kind:
            case "animation":
                person.sends_animation(bot, b"x")
            case "audio":
                person.sends_audio(bot, b"x")
            case "video_note":
                person.sends_video_note(bot, b"x")
            case "dice":
                person.sends_dice(bot)
            case "poll":
                person.sends_poll(bot, "Which one?", ["a", "b"])
            case "venue":
                person.sends_venue(bot, 50.9, 7.6, "A place", "A street")
            case "live":
                message = person.sends_live_location(bot, 50.9, 7.6)
                person.moves(message, 50.8, 7.5)
        said = await ana.sees("I ")
        assert "kept" in said.text or "only read text" in said.text
        await ana.sees("What happened, or what worries you?")


async def test_forged_and_stray_buttons_are_answered_kindly_and_change_nothing(running: New) -> None:
    async with running() as driver:
        ana, ben = Person(driver, "ana"), Person(driver, "ben")
        await ana.says("/start")
        await ana.presses("English")
        question = await ana.sees("Is somebody in danger right now?")
        await ben.says("/start")
        theirs = await ben.sees("Which language")
        person, chat = driver.person("ana"), driver.person("ana").chat(driver.account)
        message = next(m for m in chat.messages if str(m.id) == question.id)
        sealed_for_ben = driver._buttons.seal("YES", driver.person("ben").id)
        for data in ("YES", "x", sealed_for_ben, "\u202e" * 20, '{"a":1}'):
            ana.acts()
            callback = person.presses(message, "Yes", data=data)
            await ana.sees("Is somebody in danger right now?", option="Yes")
            await driver.server.until(lambda callback=callback: callback.answered, "the button stops turning")
        ana.acts()
        person.presses_nothing(driver.account, driver._buttons.seal("/help", person.id))
        await ana.sees("112")
        person.presses(message, "No", inaccessible=True)
        await ana.sees("Your data – in short")
        assert not ana.texts("First: get help") and theirs.options


async def test_an_update_that_cannot_be_read_is_set_aside_and_the_next_one_counts(running: New) -> None:
    async with running() as driver:
        ana = Person(driver, "ana")
        driver.server.inject(driver.account, {"message": {"message_id": "x", "text": "secret words"}})
        driver.server.inject(driver.account, {"something_new": {"id": 1}})
        await ana.says("/start")
        await ana.sees("Which language")
        assert "secret words" in await driver.database.run(everything_stored, driver.database)


async def test_odd_texts_do_no_harm(running: New) -> None:
    async with running() as driver:
        ana, person = Person(driver, "ana"), driver.person("ana")
        await ana.begins()
        for odd in ("\u0301" * 50, "😀" * 2048, "\u202e\u2066", "a\u0000b", "﷽" * 500, "/", "/start@other_bot x"):
            person.says(driver.account, odd)
        await driver.server.until(lambda: not driver.account.queue.waiting, "all taken")
        ana.acts()
        await ana.says("/help")
        await ana.sees("112")


async def test_who_blocks_the_bot_is_unreachable_and_the_desk_hears_of_it(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        driver.person("ana").blocks(driver.account)
        await kim.says("/reply Are you there?", ref)
        await kim.sees("Not delivered: the person has closed the chat.", ref)


async def test_faults_of_the_network_lose_nothing(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        for fault in (Fault.INTERNAL, Fault.GATEWAY, Fault.RESET):
            driver.server.faults.order(fault, "sendMessage", chat=driver.person("ana").id)
            await kim.says(f"/reply After {fault.name}.", ref)
            for _again in range(40):
                await driver.later(30)
                if ana.texts(f"After {fault.name}."):
                    break
                await asyncio.sleep(0.1)
            await ana.sees(f"After {fault.name}.")


async def test_a_webhook_takes_only_telegrams_own_calls(running: New) -> None:
    async with running(TelegramWebhookDriver) as driver:
        assert driver._page is not None
        client = driver.client
        path, good = f"/telegram/{POINT}", {"X-Telegram-Bot-Api-Secret-Token": driver._bot.webhook_secret}
        answers = {
            "no secret": await client.post(path, json={"update_id": 1}),
            "wrong secret": await client.post(path, json={"update_id": 1}, headers={next(iter(good)): "x"}),
            "another place": await client.post("/telegram/nowhere", json={"update_id": 1}, headers=good),
            "no JSON": await client.post(path, data=b"{", headers=good),
            "no update": await client.post(path, json=[1], headers=good),
            "deep": await client.post(path, data=b"[" * 100_000, headers=good),
            "large": await client.post(path, data=io.BytesIO(b"x" * 10_000_000), headers=good),
            "nothing in it": await client.post(path, json={"update_id": 1}, headers=good),
        }
        assert {name: answer.status for name, answer in answers.items()} == {
            "no secret": 403, "wrong secret": 403, "another place": 403, "no JSON": 400, "no update": 400,
            "deep": 400, "large": 413, "nothing in it": 200,
        }  # fmt: skip
        ana = Person(driver, "ana")
        await ana.says("/start")
        await ana.sees("Which language")


async def test_a_second_poller_is_reported_and_receiving_goes_on(
    running: New, caplog: pytest.LogCaptureFixture
) -> None:
    async with running() as driver:
        ana = Person(driver, "ana")
        address = f"{driver.server.origin}/bot{driver.account.token}/getUpdates"
        for _again in range(50):
            async with driver.client.post(address, data={"timeout": "0"}):
                await asyncio.sleep(0.1)
            if "another program receives" in caplog.text:
                break
        assert "another program receives" in caplog.text
        await ana.says("/start")
        await ana.sees("Which language")
        assert driver.account.token not in caplog.text


async def test_poor_in_data_it_asks_before_a_text_and_does_without(running: New) -> None:
    async with running(rules={"mode": "data_poor"}) as driver:
        ana = Person(driver, "ana")
        await ana.says("/start")
        for words, label in (
            ("Which language", "English"),
            ("Is somebody in danger right now?", "No"),
            ("Your data – in short", "Understood, go on"),
            ("Telegram can read what you write here", "Buttons only"),
        ):
            await ana.presses(label, words)
        await ana.sees("Where is it?")
        await ana.says("They shout at night, every single night.")
        await ana.presses("Write it here all the same", "Telegram can read what you write here")
        await ana.presses("Done")
        await ana.sees("Where is it?")
        await ana.presses("Waldbröl")
        stored = await driver.database.run(everything_stored, driver.database)
        assert "They shout at night" in stored


async def test_pings_tell_that_there_is_something_and_no_more(running: New) -> None:
    async with running(rules={"desk_content": "pings"}) as driver:
        ana = Person(driver, "ana")
        ref = await ana.reports(STORY)
        ping = await says_in(driver.group, driver, ref)
        assert not ping.labels and "Teamraum" in ping.text
        assert not any(STORY in m.text for m in driver.group.messages)


async def test_a_chat_that_telegram_wants_left_alone_holds_up_nobody(running: New) -> None:
    async with running() as driver:
        ana, others = Person(driver, "ana"), [Person(driver, f"other{number}") for number in range(20)]
        await ana.begins()
        chat = driver.person("ana").chat(driver.account)
        driver.server.penalise(driver.account, chat, 3600)
        ana.acts()
        for words in ("First.", "Second.", "/help"):
            await ana.says(words)
        await driver.server.until(lambda: driver.server.refused, "the messenger's answer")
        for each in others:
            await each.begins()
        assert [each.chat for each in driver.server.refused] == [chat.id], "tried again before its time"
        assert not any("112" in each.text for each in ana.news())
        driver.server.forgive(driver.account, chat)
        await driver.later(3600 * 1.3)
        await ana.sees("112")


async def test_nobody_at_the_desk_acts_without_a_name(running: New) -> None:
    async with running() as driver:
        ana, kim = Person(driver, "ana"), Staff(driver, "kim")
        await kim.reads_english()
        ref = await ana.asks_for_a_human(kim, "I have a question.")
        topic = driver._topic(ref)
        for words in ("/reply Who am I?", "/talk", "Who am I?"):
            driver.group.owner.says(topic, words, anonymous=True)
        await says_in(driver.group, driver, "wer hier schreibt")
        await kim.says("/reply I am Kim.", ref)
        await ana.sees("I am Kim.")
        assert not ana.texts("Who am I?")
