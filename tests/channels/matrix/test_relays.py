"""A case from whatever messenger to whatever desk: words, changes, pictures, marks and order, in both languages."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.contact_point import ContactPoint
from bot.messages import Media
from storage.database import Database
from storage.keys import KeyRing
from tests.channels.contract import DESK, POINT, Person, Staff, number_in
from tests.channels.matrix.waiting import until
from tests.channels.relay import Messenger, Relay
from tests.channels.telegram.test_bot import picture
from tests.databases import Sqlite

New = Callable[[Messenger], Any]

SAID = {
    "en": {
        "language": "English",
        "danger": "Is somebody in danger right now?",
        "human": "Talk to a person",
        "comes": "I am getting a person.",
        "writes": "From now on a person from the contact point is writing.",
        "passed on": "I have passed the file on.",
        "call": "Somebody would like to talk to a person:",
        "changed": "(changed)",
        "file": "File from the person",
        "no files": "Files cannot be passed on. The file was not sent.",
        "gone": "Not delivered: the person has closed the chat.",
        "deleted": "The person has deleted this message.",
    },
    "de": {
        "language": "Deutsch",
        "danger": "Ist gerade jemand in Gefahr?",
        "human": "Mit einem Menschen sprechen",
        "comes": "Ich hole einen Menschen dazu.",
        "writes": "Ab jetzt schreibt ein Mensch aus der Anlaufstelle.",
        "passed on": "Ich habe die Datei weitergegeben.",
        "call": "Jemand möchte mit einem Menschen sprechen:",
        "changed": "(geändert)",
        "file": "Datei von der Person",
        "no files": "Dateien kann ich nicht weitergeben. Die Datei wurde nicht gesendet.",
        "gone": "Nicht zugestellt: Die Person hat den Chat geschlossen.",
        "deleted": "Die Person hat diese Nachricht gelöscht.",
    },
}


@pytest.fixture
def relay(tmp_path: Path, ring: KeyRing, oberberg: ContactPoint) -> New:
    url = Sqlite(tmp_path).new()
    media = replace(oberberg.media, allowed=True, kinds=("photo",), max_mb=1)

    @asynccontextmanager
    async def run(desk: Messenger) -> AsyncIterator[Relay]:
        relay = Relay(Database.open(url, ring), replace(oberberg, media=media), desk)
        await relay.start()
        try:
            yield relay
        finally:
            await relay.stop()

    return run


async def asks(ana: Person, kim: Staff, words: str, *, reads: str, desk_reads: str) -> str:
    """Up to a case that kim has opened; its number."""
    hers, theirs = SAID[reads], SAID[desk_reads]
    await ana.says("/start")
    await ana.sees("Which language")
    await ana.says(hers["language"])
    await ana.sees(hers["danger"])
    await ana.says(hers["human"])
    await ana.sees(hers["comes"])
    await ana.says(words)
    call = await kim.sees(theirs["call"])
    assert words not in call.text
    ref = number_in(call)
    await kim.says(f"/open {ref}")
    assert (await kim.sees(words, ref)).text == words
    return ref


@pytest.mark.parametrize(
    ("people", "desk", "reads", "desk_reads"),
    [
        ("telegram", "matrix", "en", "de"),
        ("matrix", "telegram", "de", "en"),
        pytest.param("matrix", "web", "en", "en", marks=pytest.mark.long),
        pytest.param("web", "matrix", "de", "de", marks=pytest.mark.long),
        pytest.param("matrix", "matrix", "de", "en", marks=pytest.mark.long),
    ],
)
async def test_a_case(relay: New, people: Messenger, desk: Messenger, reads: str, desk_reads: str) -> None:
    async with relay(desk) as bot:
        ana, kim = Person(bot[people], "ana"), Staff(bot[desk], "kim")
        hers, theirs = SAID[reads], SAID[desk_reads]
        await kim.says(f"/language {desk_reads}")
        ref = await asks(ana, kim, "There is noise.", reads=reads, desk_reads=desk_reads)

        for words in ("One.", "Two.", "Three."):
            await ana.says(words)
        await kim.sees("Three.", ref)
        assert [each.text for each in kim.screen(ref)][-3:] == ["One.", "Two.", "Three."]

        for words in ("Four.", "Five.", "Six."):
            await kim.says(f"/reply {words}", ref)
        await ana.sees("Six.")
        assert [each.text for each in ana.screen()][-3:] == ["Four.", "Five.", "Six."]
        await ana.sees(hers["writes"])
        await kim.sees({"web": "Zugestellt." if desk_reads == "de" else "Delivered."}.get(desk, "Delivered."), ref)

        kim.acts()
        await kim.says("Only for us.", ref)
        written = await kim.says("/reply We meet on Monday.", ref)
        answer = await ana.sees("We meet on Monday.")
        await bot[desk].edit_at_desk("kim", written, "/reply We meet on Tuesday.", thread=ref)
        assert (await ana.sees_changed(answer, "Tuesday")).text == "We meet on Tuesday."

        if desk == "matrix":
            staff = await bot.on_matrix.staff("kim")
            await staff.redacts(bot.on_matrix.desk, written)
        if (people, desk) == ("telegram", "matrix"):
            chat = bot.on_telegram.person("ana").chat(bot.on_telegram.account)
            await bot.on_telegram.server.until(lambda: not [m for m in chat.messages if "Tuesday" in m.text], "it goes")

        written = await ana.says("It is about the playground.")
        shown = await kim.sees("It is about the playground.", ref)
        await bot[people].edit("ana", written, "It is about the car park.")
        assert (await kim.sees_changed(shown, "car park")).text == f"It is about the car park. {theirs['changed']}"

        await bot[people].send("ana", Media("photo", "holiday.jpg", "image/jpeg", picture()))
        await ana.sees(hers["passed on"])
        file = await kim.sees(theirs["file"], ref)
        assert file.file == "photo.jpg"
        assert not ana.texts("Only for us.")
        await staff_sends_a_file(bot, ref)
        await kim.sees(theirs["no files"], ref)
        assert not ana.texts("Only for us.")

        if people == "matrix":
            person, room = await bot.on_matrix.person("ana")
            await person.redacts(room, written)
            await kim.sees_changed(shown, theirs["deleted"])
        await leaves(bot, people)
        await kim.says("/reply Are you there?", ref)
        if people != "web":
            await kim.sees(theirs["gone"], ref)


async def staff_sends_a_file(bot: Relay, ref: str) -> None:
    if bot.desk == "matrix":
        kim = await bot.on_matrix.staff("kim")
        root = await bot.on_matrix.bot.channel._memory.root_of(bot.on_matrix.desk, ref)
        relates = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
        await kim.sends_file(bot.on_matrix.desk, "m.image", picture(), **{"m.relates_to": relates})
    elif bot.desk == "telegram":
        bot.on_telegram.staff("kim").sends_photo(bot.on_telegram._topic(ref), picture())
    else:
        media = {"kind": "photo", "name": "x.jpg", "type": "image/jpeg", "base64": base64.b64encode(picture()).decode()}
        await bot.on_web._say(DESK, {"desk": POINT, "by": "kim", "thread": ref, "media": media})


async def leaves(bot: Relay, people: Messenger) -> None:
    """As people of this messenger do it; the page has nothing of the kind."""
    if people == "telegram":
        bot.on_telegram.person("ana").blocks(bot.on_telegram.account)
    elif people == "matrix":
        person, room = await bot.on_matrix.person("ana")
        await person.client.room_leave(room)
        await until(lambda: bot.on_matrix.bot.receiver._rooms.get(room) is None, "it leaves as well")


async def test_a_case_moves_from_one_desk_to_another_and_back(relay: New) -> None:
    async with relay("matrix") as bot:
        ana, kim = Person(bot["web"], "ana"), Staff(bot["matrix"], "kim")
        await kim.reads_english()
        ref = await asks(ana, kim, "There is noise.", reads="en", desk_reads="en")
        await kim.says("/reply Since when?", ref)
        await ana.sees("Since when?")

        await bot.moves_to("telegram")
        kim_there = Staff(bot["telegram"], "kim")
        ana.acts()
        await ana.says("Since Monday.")
        await kim_there.sees("Since Monday.", ref)
        await kim_there.sees("There is noise.", ref)
        await kim_there.sees(f"{ref} ·", ref)
        await kim_there.says("/reply Thank you.", ref)
        await ana.sees("Thank you.")

        await bot.moves_to("matrix")
        kim.acts()
        await ana.says("Is there anything new?")
        await kim.sees("Is there anything new?", ref)
        await kim.says("/reply Not yet.", ref)
        await ana.sees("Not yet.")
        assert not ana.texts("There is noise.") and len(ana.texts("Since when?")) == 1
