"""What every messenger has to do: one table of cases, and what the driver of a messenger offers to run them.

A case is a small function named after what somebody would notice. A new messenger writes a `Driver`, enters it in
`test_contract_of_messengers.py`, and says with `Can` which of the optional things its people can do.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot.delivery import Channel, Delivery, Pace, TryLater, Unreachable
from bot.messages import MEDIA_KINDS, Media, Option
from storage.database import Database
from storage.models import Base

T = TypeVar("T")

POINT: Final = "oberberg"
START: Final = datetime(2026, 11, 24, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
"""A Tuesday in service hours; the time stands still until a driver moves it."""
PATIENCE: Final = 20.0
"""Seconds until what should be seen counts as missing."""
DESK: Final = ""
"""The place where the desk is, beside the chats."""


class Can(StrEnum):
    """What people can do in some messengers only."""

    EDIT = "EDIT"
    """Change a message that was sent."""
    ANSWER = "ANSWER"
    """Answer one certain message (swipe, reply)."""


@dataclass(frozen=True)
class Seen:
    """One message as it stands on a screen now; an edited message keeps its id and its order."""

    id: str
    order: int
    text: str
    options: tuple[Option, ...] = ()
    thread: str = ""
    edited: bool = False
    file: str = ""
    """The name of the file it brings."""


class Screen:
    """What the messenger shows to everybody, kept up to date by the driver."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, Seen]] = {}
        self._changed = asyncio.Event()
        self._broken: str = ""

    def put(self, place: str, seen: Seen) -> None:
        """A message has come, or has changed."""
        self._places.setdefault(place, {})[seen.id] = seen
        self._tell()

    def find(self, place: str, message_id: str) -> Seen | None:
        return self._places.get(place, {}).get(message_id)

    def broken(self, why: str) -> None:
        """Something that must not happen; whoever waits learns of it."""
        self._broken = why
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def of(self, place: str) -> list[Seen]:
        """From top to bottom."""
        return sorted(self._places.get(place, {}).values(), key=lambda seen: seen.order)

    async def until(self, look: Callable[[], T | None], what: str, place: str) -> T:
        """Waits until a look finds something."""
        try:
            async with asyncio.timeout(PATIENCE):
                while (found := look()) is None or found is False:
                    assert not self._broken, self._broken
                    await self._changed.wait()
                return found
        except TimeoutError:
            shown = "\n".join(f"  {seen.id} {seen.thread} {seen.text!r}" for seen in self.of(place)[-8:])
            raise AssertionError(f"{what} was never seen at {place or 'the desk'}; the last there:\n{shown}") from None


class Weather:
    """Stands between the outbox and a channel: what the messenger does when it does not take a message."""

    def __init__(self) -> None:
        self.behave: Callable[[Delivery], None] = lambda delivery: None
        """Called before each message goes to the channel; raises what the messenger answers."""
        self.sent: Callable[[str, Delivery], None] = lambda name, delivery: None
        """Called with each message that went out, and the name it got."""

    def around(self, channel: Channel) -> Channel:
        return _Through(self, channel)


@dataclass(frozen=True)
class _Through:
    weather: Weather
    channel: Channel

    @property
    def pace(self) -> Pace:
        return self.channel.pace

    @property
    def knows_repeats(self) -> bool:
        return self.channel.knows_repeats

    async def send(self, delivery: Delivery) -> str:
        self.weather.behave(delivery)
        name = await self.channel.send(delivery)
        self.weather.sent(name, delivery)
        return name


class Driver(Protocol):
    """How a test writes, presses and reads in one messenger. `message_id` gives a message an id of the caller's own."""

    capabilities: frozenset[Can]
    screen: Screen
    weather: Weather

    @property
    def database(self) -> Database:
        """The one in use now; another after a restart."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def restart(self) -> None:
        """The bot dies with what it is doing and comes back; the messenger stays, and behaves as it does then."""
        ...

    async def later(self, seconds: float) -> None:
        """Time passes for the bot."""
        ...

    async def say(self, chat: str, text: str, *, message_id: str = "") -> str:
        """Returns the id of the message, without waiting for an answer."""
        ...

    async def press(self, chat: str, message: Seen, option: str, *, message_id: str = "") -> None: ...

    async def send(self, chat: str, media: Media) -> None: ...

    async def edit(self, chat: str, message_id: str, text: str) -> None:
        """With `Can.EDIT`."""
        ...

    async def fetch(self, place: str, message: Seen) -> bytes:
        """What is in the file of a message."""
        ...

    async def say_at_desk(
        self, by: str, text: str, *, thread: str = "", answers: Seen | None = None, message_id: str = ""
    ) -> str:
        """`answers` with `Can.ANSWER`."""
        ...

    async def press_at_desk(self, by: str, message: Seen, option: str) -> None: ...

    async def edit_at_desk(self, by: str, message_id: str, text: str, *, thread: str = "") -> None:
        """With `Can.EDIT`."""
        ...


@dataclass
class Reader:
    """Somebody in front of a screen, who looks at what came after their own last message."""

    driver: Driver
    place: str
    since: int = field(default=-1, init=False)

    def screen(self, thread: str = "") -> list[Seen]:
        """Everything there, or one thread of the desk."""
        return [seen for seen in self.driver.screen.of(self.place) if seen.thread == thread]

    def texts(self, words: str, thread: str = "") -> list[str]:
        """Everything there that holds these words."""
        return [seen.text for seen in self.screen(thread) if words in seen.text]

    async def sees(self, words: str, thread: str = "", *, option: str = "") -> Seen:
        """The newest message with these words, and with an option of this label where one is given."""

        def look() -> Seen | None:
            news = self.news(thread)
            for number in reversed(range(len(news))):
                # A messenger may have to cut what is long: the options stand below its last part.
                whole = "\n".join(each.text for each in news[max(0, number - 1) if option else number : number + 1])
                if words in whole and (not option or _offers(news[number], option)):
                    return news[number]
            return None

        return await self.driver.screen.until(look, repr(words or option), self.place)

    async def sees_changed(self, message: Seen, words: str) -> Seen:
        """An earlier message, once it holds these words."""

        def look() -> Seen | None:
            seen = self.driver.screen.find(self.place, message.id)
            return seen if seen is not None and seen.edited and words in seen.text else None

        return await self.driver.screen.until(look, f"{words!r} in an earlier message", self.place)

    def news(self, thread: str = "") -> list[Seen]:
        """What came since their own last message."""
        return [seen for seen in self.screen(thread) if seen.order > self.since]

    def acts(self) -> None:
        self.since = max((seen.order for seen in self.driver.screen.of(self.place)), default=-1)


class Person(Reader):
    """Somebody who reports."""

    async def says(self, text: str, *, message_id: str = "") -> str:
        self.acts()
        return await self.driver.say(self.place, text, message_id=message_id)

    async def presses(self, label: str, words: str = "") -> Seen:
        """Presses an option of the newest message that offers it."""
        message = await self.sees(words, option=label)
        self.acts()
        await self.driver.press(self.place, message, _option(message, label).id)
        return message

    async def types(self, label: str, words: str = "") -> None:
        """Types the number of an answer, and the label of a control."""
        message = await self.sees(words, option=label)
        option = _option(message, label)
        number = message.options.index(option) + 1
        await self.says(label.upper() if option.id.startswith("/") else str(number))

    async def begins(self) -> None:
        """Up to the story."""
        await self.says("/start")
        for words, label in BEFORE_THE_STORY:
            await self.presses(label, words)
        await self.sees("What happened, or what worries you?")

    async def finishes(self) -> str:
        """From the end of the story to the receipt; the number of the report."""
        for words, label in AFTER_THE_STORY:
            await self.presses(label, words)
        return number_in(await self.sees("Your report has arrived."))

    async def reports(self, story: str) -> str:
        await self.begins()
        await self.says(story)
        return await self.finishes()

    async def asks_for_a_human(self, kim: Staff, *words: str) -> str:
        """The short way to the desk; the number of the chat, opened by kim."""
        before = {seen.id for seen in kim.screen()}
        await self.says("/start")
        await self.presses("English")
        await self.presses("Talk to a person", "Is somebody in danger right now?")
        await self.sees("I am getting a person.")
        for each in words:
            await self.says(each)
        kim.since = max((seen.order for seen in kim.screen() if seen.id in before), default=-1)
        ref = number_in(await kim.sees("Somebody would like to talk to a person:", option="Open"))
        await kim.presses("Open", ref)
        await kim.sees(f"{ref} ·", ref)
        self.acts()
        return ref


class Staff(Reader):
    """Somebody at the desk."""

    def __init__(self, driver: Driver, name: str) -> None:
        super().__init__(driver, DESK)
        self.name = name

    async def says(self, text: str, thread: str = "", *, answers: Seen | None = None, message_id: str = "") -> str:
        self.acts()
        return await self.driver.say_at_desk(self.name, text, thread=thread, answers=answers, message_id=message_id)

    async def presses(self, label: str, words: str = "", thread: str = "") -> None:
        message = await self.sees(words, thread, option=label)
        self.acts()
        await self.driver.press_at_desk(self.name, message, _option(message, label).id)

    async def reads_english(self) -> None:
        await self.says("/language en")
        await self.sees("The team now reads English.")

    async def opens(self, ref: str) -> None:
        self.since = -1
        await self.presses("Open", f"New report {ref}.")
        await self.sees(f"{ref} ·", ref)


BEFORE_THE_STORY: Final = (
    ("Which language would you like to use?", "English"),
    ("Is somebody in danger right now?", "No"),
    ("Your data – in short", "Understood, go on"),
)
AFTER_THE_STORY: Final = (
    ("", "Done"),
    ("Where is it?", "Waldbröl"),
    ("What kind of place is it?", "Skip"),
    ("Since when?", "Skip"),
    ("Who has a problem with whom?", "Skip"),
    ("How heated is it?", "Skip"),
    ("What do you wish from us?", "Advice"),
    ("May we ask you questions?", "Yes, here in the chat"),
    ("Have I understood you correctly?", "Send"),
)
STORY: Final = "There is trouble about the car park every evening."
RIGHT_TO_LEFT: Final = "الضجيج في الحي كل يوم من 22:00 حتى 6, الطابق 3 (B) – שלום 12/4 «abc»"
MARKUP: Final = (
    "<b>bold</b> &amp; <script>x()</script> *s* _u_ `c` [a](b) {ref} %s %(n)d ~~d~~ ||s||\n/reply no\n# head\n> q"
)
SENTENCES: Final = {
    "photo": "I have not kept the file.",
    "voice": "I cannot listen to voice messages and have not kept it.",
    "video": "I have not kept the file.",
    "document": "I have not kept the file.",
    "location": "I have not kept your location.",
    "contact": "I have not kept the contact.",
    "sticker": "I can only read text.",
}


def number_in(seen: Seen) -> str:
    """The number of a report."""
    found = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}", seen.text)
    assert found, seen.text
    return found[0]


def words_in(seen: list[Seen]) -> list[str]:
    """The words of several messages, for text that a messenger may have to cut."""
    return " ".join(each.text for each in seen).split()


def long_text() -> str:
    """Words that all differ, 5,000 characters."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
    words = [first + second + "x" for first in syllables for second in syllables]
    return " ".join(words)[:4999].rstrip() + "."


def _offers(seen: Seen, label: str) -> bool:
    return any(option.label == label for option in seen.options)


def _option(seen: Seen, label: str) -> Option:
    return next(option for option in seen.options if option.label == label)


def everything_stored(database: Database) -> str:
    """Every value of every table, opened with the keys."""
    with database.transaction(everywhere=True) as session:
        return "\n".join(
            repr(tuple(row)) for table in Base.metadata.sorted_tables for row in session.execute(select(table))
        )


Act = Callable[[Driver], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """One thing that has to work everywhere, or wherever people `Can`."""

    act: Act
    needs: frozenset[Can]

    @property
    def name(self) -> str:
        return self.act.__name__


CASES: Final[list[Case]] = []


def case(*needs: Can) -> Callable[[Act], Act]:
    def enter(act: Act) -> Act:
        CASES.append(Case(act, frozenset(needs)))
        return act

    return enter


@case()
async def a_report_by_buttons_from_start_to_receipt(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.reports(STORY)
    notice = await kim.sees(f"New report {ref}.")
    assert "car park" not in notice.text and [option.label for option in notice.options] == ["Open", "Take"]


@case()
async def a_report_by_typed_numbers_and_labels(driver: Driver) -> None:
    ana = Person(driver, "ana")
    await ana.says("/start")
    for words, label in BEFORE_THE_STORY:
        await ana.types(label, words)
    await ana.sees("What happened, or what worries you?")
    await ana.says(STORY)
    for words, label in AFTER_THE_STORY:
        await ana.types(label, words)
    number_in(await ana.sees("Your report has arrived."))


@case()
async def a_long_text_of_the_person_arrives_whole(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    text = long_text()
    assert len(text) == 5000
    ref = await ana.reports(text)
    await kim.opens(ref)
    await driver.screen.until(lambda: words_in(_after_card(kim, ref)) == text.split(), "the whole story", DESK)


@case()
async def a_long_answer_of_the_desk_arrives_whole(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, "I have a question.")
    text = long_text()
    await kim.says(f"/reply {text}", ref)
    said = (await ana.sees("From now on a person from the contact point is writing.")).text.split() + text.split()
    await driver.screen.until(lambda: words_in(ana.news()) == said, "the whole answer", "ana")


@case()
async def the_same_message_delivered_twice_has_one_effect(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    await ana.begins()
    await ana.says(STORY, message_id="story-once")
    await ana.sees("I have noted it.")
    await driver.say("ana", STORY, message_id="story-once")
    await ana.presses("Done")
    await ana.sees("Where is it?")
    assert len(ana.texts("I have noted it.")) == 1
    ben = Person(driver, "ben")
    ref = await ben.asks_for_a_human(kim, "I have a question.")
    for _ in range(2):
        await kim.says("/reply We are reading it.", ref, message_id="reply-once")
    await kim.says("/reply That is all.", ref)
    await ben.sees("That is all.")
    assert len(ben.texts("We are reading it.")) == 1


@case()
async def a_pressed_question_shows_the_pick_and_offers_nothing_more(driver: Driver) -> None:
    ana = Person(driver, "ana")
    await ana.says("/start")
    await ana.presses("English")
    question = await ana.presses("No", "Is somebody in danger right now?")
    assert len(question.options) > 3
    closed = await ana.sees_changed(question, "Is somebody in danger right now?")
    assert closed.options == () and closed.order == question.order
    assert closed.text.startswith(question.text) and closed.text.rstrip().endswith("No")


@case()
async def an_old_button_is_answered_kindly(driver: Driver) -> None:
    ana = Person(driver, "ana")
    await ana.says("/start")
    await ana.presses("English")
    old = await ana.presses("No", "Is somebody in danger right now?")
    await ana.sees("Your data – in short")
    ana.acts()
    await driver.press("ana", old, "YES")
    await ana.sees("This choice is from earlier. It no longer does anything.")
    again = await ana.sees("Your data – in short", option="Understood, go on")
    assert again.options and not ana.texts("First: get help")


@case(Can.EDIT)
async def an_edited_message_of_the_person_replaces_the_earlier_words(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    await ana.begins()
    written = await ana.says("It is about the playground.")
    await ana.sees("I have noted it.")
    ana.acts()
    await driver.edit("ana", written, "It is about the car park.")
    await ana.sees("I have taken over your change.")
    ref = await ana.finishes()
    await kim.opens(ref)
    await kim.sees("It is about the car park.", ref)
    assert not kim.texts("playground", ref)
    await driver.edit("ana", written, "It is about the bus stop.")
    await ana.sees(f"I have passed on your change to report {ref}.")
    await kim.sees("Correction: It is about the bus stop.", ref)


@case()
async def media_of_each_kind_get_a_sentence_and_are_not_kept(driver: Driver) -> None:
    ana = Person(driver, "ana")
    await ana.begins()
    await ana.says(STORY)
    await ana.sees("I have noted it.")
    content = b"what nobody else is to see" * 20
    for kind in MEDIA_KINDS:
        ana.acts()
        file = kind in ("photo", "voice", "video", "document")
        await driver.send("ana", Media(kind, "x.bin", "application/octet-stream", content) if file else Media(kind))
        await ana.sees(SENTENCES[kind])
        await ana.sees("", option="Done")
    stored = await driver.database.run(everything_stored, driver.database)
    assert STORY in stored, "what is stored can be read here"
    for trace in ("what nobody else", base64.b64encode(content).decode()[:40]):
        assert trace not in stored


@case()
async def right_to_left_words_with_numbers_arrive_as_they_were_written(driver: Driver) -> None:
    await _there_and_back(driver, RIGHT_TO_LEFT)


@case()
async def what_looks_like_markup_or_commands_stays_text(driver: Driver) -> None:
    await _there_and_back(driver, MARKUP)


async def _there_and_back(driver: Driver, words: str) -> None:
    """From the person, from the desk, and from the person again."""
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, words)
    assert (await kim.sees(words, ref)).text == words
    ana.acts()
    await kim.says(f"/reply {words}", ref)
    assert (await ana.sees(words)).text == words
    kim.acts()
    await ana.says(words)
    assert (await kim.sees(words, ref)).text == words


@case()
async def a_file_reaches_the_person(driver: Driver) -> None:
    ana = Person(driver, "ana")
    await ana.says("/start")
    await ana.presses("English")
    await ana.says("/data")
    await ana.presses("Get it as a file", "This is stored about you:")
    message = await ana.sees("This file holds your reports")
    assert message.file == "my-data.json"
    assert json.loads(await driver.fetch("ana", message))["reports"] == []


@case()
async def the_desk_opens_takes_notes_and_replies(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.reports(STORY)
    await kim.opens(ref)
    await kim.sees(STORY, ref)
    await ana.sees(f"Your report {ref} has been read.")
    card = await kim.sees(f"{ref} ·", ref)
    await kim.presses("Take", f"{ref} ·", ref)
    assert not _offers(await kim.sees_changed(card, "In charge: kim"), "Take")
    ana.acts()
    await kim.says("This is a note of ours.", ref)
    await kim.says("/reply Thank you for writing.", ref)
    answer = await ana.sees("Thank you for writing.")
    assert answer.text == "Thank you for writing."
    await kim.sees("Delivered.", ref)
    kim.acts()
    await ana.says("Thank you too.")
    assert (await kim.sees("Thank you too.", ref)).text == "Thank you too."
    assert not ana.texts("a note of ours") and not kim.texts("Thank you")


@case(Can.EDIT)
async def an_edited_reply_changes_at_the_persons_end(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, "I have a question.")
    written = await kim.says("/reply We meet on Monday.", ref)
    answer = await ana.sees("We meet on Monday.")
    await driver.edit_at_desk("kim", written, "/reply We meet on Tuesday.", thread=ref)
    changed = await ana.sees_changed(answer, "We meet on Tuesday.")
    assert changed.text == "We meet on Tuesday." and not ana.texts("Monday")


@case(Can.EDIT)
async def an_edited_note_stays_a_note(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, "I have a question.")
    written = await kim.says("A note.", ref)
    await driver.edit_at_desk("kim", written, "/reply A note for everybody.", thread=ref)
    await kim.sees("An edited note stays a note. Nothing was sent.", ref)
    await kim.says("/reply Good morning.", ref)
    await ana.sees("Good morning.")
    assert not ana.texts("A note")


@case(Can.ANSWER)
async def answering_a_message_of_the_person_reaches_the_person(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, "I have a question.")
    question = await kim.sees("I have a question.", ref)
    card = await kim.sees(f"{ref} ·", ref)
    await kim.says("Only for us.", ref, answers=card)
    await kim.says("We have read this.", ref, answers=question)
    await ana.sees("We have read this.")
    await kim.sees("Delivered.", ref)
    assert not ana.texts("Only for us.")


@case()
async def a_messenger_in_a_hurry_gets_everything_later_and_in_order(driver: Driver) -> None:
    ana, ben, kim = Person(driver, "ana"), Person(driver, "ben"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, "I have a question.")
    tries = 0
    tried_twice = asyncio.Event()

    def busy(delivery: Delivery) -> None:
        nonlocal tries
        if delivery.message.text == "One." and tries < 2:
            tries += 1
            if tries == 2:
                tried_twice.set()
            raise TryLater(30)

    driver.weather.behave = busy
    await kim.says("/reply One.", ref)
    status = await kim.sees("Not delivered yet. I keep trying.", ref)
    await kim.says("/reply Two.", ref)
    await ben.says("/start")
    await ben.sees("Which language would you like to use?")
    assert not ana.texts("One.") and not ana.texts("Two.")
    await driver.later(60)
    await asyncio.wait_for(tried_twice.wait(), PATIENCE)
    await ben.presses("English")
    await ben.sees("Is somebody in danger right now?")
    await driver.later(60)
    await ana.sees("Two.")
    assert [seen.text for seen in ana.screen() if seen.text in ("One.", "Two.")] == ["One.", "Two."]
    await kim.sees_changed(status, "Delivered.")


@case()
async def who_has_blocked_the_bot_holds_nobody_up_and_may_come_back(driver: Driver) -> None:
    ana, ben, kim = Person(driver, "ana"), Person(driver, "ben"), Staff(driver, "kim")
    await kim.reads_english()
    ref = await ana.asks_for_a_human(kim, "I have a question.")

    def blocked(delivery: Delivery) -> None:
        if delivery.message.text == "Are you there?":
            raise Unreachable

    driver.weather.behave = blocked
    await kim.says("/reply Are you there?", ref)
    await kim.sees("Not delivered: the person has closed the chat.", ref)
    await ben.says("/start")
    await ben.sees("Which language would you like to use?")
    kim.acts()
    await ana.says("I am back.")
    await kim.sees("I am back.", ref)
    await kim.says("/reply Welcome.", ref)
    await ana.sees("Welcome.")
    assert not ana.texts("Are you there?")


@case()
async def a_restart_in_the_middle_loses_nothing_and_keeps_the_order(driver: Driver) -> None:
    ana, kim = Person(driver, "ana"), Staff(driver, "kim")
    await kim.reads_english()
    parts = [f"Part {name} of what happened." for name in ("one", "two", "three", "four")]
    ref = await ana.asks_for_a_human(kim, parts[0])
    await kim.sees(parts[0], ref)
    await ana.says(parts[1])
    await driver.restart()
    for part in parts[2:]:
        await ana.says(part)
    await driver.screen.until(lambda: len(kim.texts("of what happened.", ref)) == 4, "every part", DESK)
    assert kim.texts("of what happened.", ref) == parts
    await kim.says("/reply We are back.", ref)
    await driver.restart()
    await ana.sees("We are back.")
    await kim.sees("Delivered.", ref)
    await ana.says("/menu")
    await ana.sees("What would you like to do?")
    await driver.restart()
    await ana.presses("Report a tension", "What would you like to do?")
    await ana.sees("Is somebody in danger right now?")
    assert len(ana.texts("We are back.")) == 1 and kim.texts("of what happened.", ref) == parts


@case()
async def messages_of_one_chat_stay_in_order_while_others_write(driver: Driver) -> None:
    kim, names = Staff(driver, "kim"), ("ana", "ben", "cem", "dua")
    await kim.reads_english()
    wanted = {name: [f"Part {part} of the words of {name}." for part in ("one", "two", "three")] for name in names}

    async def tell(name: str) -> None:
        person = Person(driver, name)
        await person.says("/start")
        await person.presses("English")
        await person.sees("Is somebody in danger right now?")
        for text in ("/human", *wanted[name]):
            await person.says(text)
        await driver.screen.until(lambda: person.texts("I am getting a person.") or None, "a human", name)
        shown = [seen.text.split("\n")[0] for seen in person.screen()]
        assert len(shown) == len(set(shown)) == 4 and shown[-1] == "I am getting a person."

    await asyncio.gather(*(tell(name) for name in names))
    refs = []
    for notice in await driver.screen.until(lambda: _notices(kim, len(names)), "four notices", DESK):
        refs.append(number_in(notice))
        await driver.press_at_desk("kim", notice, f"/open {refs[-1]}")
    await driver.screen.until(
        lambda: sum(len(_after_card(kim, ref)) for ref in refs) == 3 * len(names), "all words", DESK
    )
    told = [[seen.text for seen in _after_card(kim, ref)] for ref in refs]
    assert sorted(told) == sorted(wanted.values())


def _notices(kim: Staff, number: int) -> list[Seen] | None:
    found = [seen for seen in kim.screen() if "Somebody would like to talk to a person:" in seen.text]
    return found if len(found) == number else None


def _after_card(kim: Staff, ref: str) -> list[Seen]:
    """What stands in a thread below the card."""
    return kim.screen(ref)[1:]
