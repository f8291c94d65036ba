"""The lines channel, exactly as its page describes it: scripts and bridges rely on every word of it."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import App
from bot.channels.lines import (
    ACCOUNT,
    LONGEST_LINE,
    BadLine,
    LineReader,
    LinesChannel,
    SetTime,
    line_of,
    speak_lines,
)
from bot.contact_point import ContactPoint
from bot.delivery import Delivery
from bot.messages import MEDIA_KINDS, Inbound, Media, Option, Outbound, Voice
from bot.now import ManualTime
from storage.database import Database
from tests.databases import Databases

READER = LineReader({"oberberg", "hagen"}, manual_clock=True)


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def chat(**fields: Any) -> bytes:
    return line(**{"id": "m1", "chat": "ana", "text": "hello", **fields})


def wrong(data: bytes, reader: LineReader = READER) -> str:
    with pytest.raises(BadLine) as caught:
        reader.read(data)
    return str(caught.value)


class TestIn:
    def test_words_of_a_person(self) -> None:
        assert READER.read(chat(language="de")) == Inbound(
            contact_point="", account=ACCOUNT, message_id="m1", chat="ana", text="hello", language="de"
        )

    def test_a_choice(self) -> None:
        message = READER.read(line(id="m2", chat="ana", choice="NO"))
        assert isinstance(message, Inbound) and (message.choice, message.text) == ("NO", "")

    def test_an_edit(self) -> None:
        message = READER.read(chat(edit="m0"))
        assert isinstance(message, Inbound) and (message.edits, message.text) == ("m0", "hello")

    @pytest.mark.parametrize("kind", MEDIA_KINDS)
    def test_media(self, kind: str) -> None:
        media = {"kind": kind, "name": "x.jpg", "type": "image/jpeg", "base64": base64.b64encode(b"abc").decode()}
        message = READER.read(line(id="m3", chat="ana", media=media))
        assert isinstance(message, Inbound) and message.media == Media(kind, "x.jpg", "image/jpeg", b"abc")

    def test_media_that_are_no_files(self) -> None:
        for media in ({"kind": "location", "latitude": 51, "longitude": 7.5}, {"kind": "contact", "phone": "1"}):
            message = READER.read(line(id="m3", chat="ana", media=media, text="caption"))
            assert isinstance(message, Inbound) and message.media and message.text == "caption"

    def test_the_desk(self) -> None:
        message = READER.read(line(id="m5", desk="oberberg", by=" kim ", thread="7F3K-29QX", text="/reply Hello"))
        assert isinstance(message, Inbound) and message.from_desk
        assert (message.contact_point, message.by, message.thread) == ("oberberg", "kim", "7F3K-29QX")

    def test_the_time(self) -> None:
        message = READER.read(line(id="t1", now="2026-11-24T09:00:00+01:00"))
        assert message == SetTime("t1", datetime(2026, 11, 24, 8, tzinfo=UTC))


BAD = {
    b"": "The line is no JSON object.",
    b"hello": "The line is no JSON object.",
    b"[1]": "The line is no JSON object.",
    b'"x"': "The line is no JSON object.",
    b"null": "The line is no JSON object.",
    b"1" * 5000: "The line is no JSON object.",
    b'{"id": "m1", "chat": "ana", "text": "x"': "The line is no JSON object.",
    b'{"id": "m1", "chat": "ana", "text": "x"} {}': "The line is no JSON object.",
    b'\xef\xbb\xbf{"id": "m1", "chat": "ana", "text": "x"}': "The line is no JSON object.",
    b'{"id": "m1", "chat": "ana", "text": "a\x00b"}': "The line is no JSON object.",
    b'{"id": "m1", "chat": "ana", "text": "\xff"}': "The line is not UTF-8.",
    b'{"id": "m1", "chat": "ana", "text": "\xed\xa0\x80"}': "The line is not UTF-8.",
    b"[" * 100_000: "The line is no JSON object.",
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000: "The line is no JSON object.",
    b"{}": 'The field "id" is missing.',
    line(id="m1"): 'The field "chat" is missing.',
    line(chat="ana", text="x"): 'The field "id" is missing.',
    chat(id=""): 'The field "id" is empty.',
    chat(id=1): 'The field "id" must be a text.',
    chat(id=None): 'The field "id" must be a text.',
    chat(id=["m1"]): 'The field "id" must be a text.',
    chat(chat=""): 'The field "chat" is empty.',
    chat(chat=True): 'The field "chat" must be a text.',
    chat(text={"de": "x"}): 'The field "text" must be a text.',
    chat(language=7): 'The field "language" must be a text.',
    chat(thread="x"): 'The field "thread" is unknown.',
    chat(Text="x"): 'The field "Text" is unknown.',
    chat(**{"x" * 99: 1}): f'The field "{"x" * 40}" is unknown.',
    chat(text="\ud800"): 'The field "text" is no valid text.',
    chat(id="\udfff"): 'The field "id" is no valid text.',
    line(id="m1", chat="ana"): 'The line needs one of the fields "text", "choice" or "media".',
    chat(choice="NO"): 'The field "choice" stands alone.',
    line(id="m1", chat="ana", choice="NO", edit="m0"): 'The field "choice" stands alone.',
    line(id="m1", chat="ana", edit="m0", media={"kind": "photo"}): 'The field "edit" needs the field "text".',
    chat(media="photo"): 'The field "media" must be an object.',
    chat(media={}): f'The field "media.kind" must be one of {", ".join(MEDIA_KINDS)}.',
    chat(media={"kind": "film"}): f'The field "media.kind" must be one of {", ".join(MEDIA_KINDS)}.',
    chat(media={"kind": ["photo"]}): f'The field "media.kind" must be one of {", ".join(MEDIA_KINDS)}.',
    chat(media={"kind": "photo", "size": 1}): 'The field "media.size" is unknown.',
    chat(media={"kind": "photo", "name": 1}): 'The field "media.name" must be a text.',
    chat(media={"kind": "location", "latitude": "51"}): 'The field "media.latitude" must be a number.',
    chat(media={"kind": "location", "longitude": True}): 'The field "media.longitude" must be a number.',
    chat(media={"kind": "photo", "base64": "a?b"}): 'The field "media.base64" is not base64.',
    chat(media={"kind": "photo", "base64": "Zm9v Zm9v"}): 'The field "media.base64" is not base64.',
    chat(media={"kind": "photo", "base64": "äöü"}): 'The field "media.base64" is not base64.',
    line(id="m1", desk="oberberg", text="x"): 'The field "by" is missing.',
    line(id="m1", by="kim", text="x"): 'The field "desk" is missing.',
    line(id="m1", desk="nowhere", by="kim", text="x"): 'There is no contact point "nowhere".',
    line(id="m1", desk="oberberg", by="  ", text="x"): 'The field "by" is empty.',
    line(id="m1", desk="oberberg", by="kim"): 'The line needs one of the fields "text", "choice" or "media".',
    line(id="m1", desk="oberberg", by="kim", text="x", chat="ana"): 'The field "chat" is unknown.',
    line(id="m1", desk="oberberg", by="kim", text="x", language="de"): 'The field "language" is unknown.',
    line(now="2026-11-24T09:00:00+01:00"): 'The field "id" is missing.',
    line(id="t1", now=5): 'The field "now" must be a text.',
    line(id="t1", now="tomorrow"): 'The field "now" is no time like 2026-11-24T09:00:00+01:00.',
    line(id="t1", now="2026-11-24T09:00:00"): 'The time in "now" has no offset like +01:00.',
    line(id="t1", now="0001-01-01T00:00:00+01:00"): 'The time in "now" is not between the years 2000 and 2199.',
    line(id="t1", now="9999-12-31T23:59:59-12:00"): 'The time in "now" is not between the years 2000 and 2199.',
    line(id="t1", now="2026-11-24T09:00:00+01:00", chat="ana"): 'The field "chat" is unknown.',
}


@pytest.mark.parametrize("data", BAD, ids=lambda data: repr(data[:60]))
def test_a_bad_line_is_answered_with_one_sentence(data: bytes) -> None:
    assert wrong(data) == BAD[data]


def test_a_line_that_is_too_long() -> None:
    assert wrong(b" " * LONGEST_LINE + b"{}") == "The line is too long."


def test_time_needs_its_option() -> None:
    reader = LineReader({"oberberg"}, manual_clock=False)
    assert wrong(line(id="t1", now="2026-11-24T09:00:00+01:00"), reader) == (
        "This line needs the option --clock manual."
    )


class TestOut:
    def test_a_question(self) -> None:
        message = Outbound("Yes or no?", (Option("YES", "Ja"),), "report_tension", "danger", voice=Voice.BOT)
        assert line_of(Delivery(17, "oberberg", ACCOUNT, "ana", message)) == {
            "to": "ana",
            "message": "o17",
            "text": "Yes or no?",
            "flow": "report_tension",
            "ask": "danger",
            "options": [{"id": "YES", "label": "Ja"}],
        }

    def test_an_edit(self) -> None:
        delivery = Delivery(19, "oberberg", ACCOUNT, "ana", Outbound("corrected", edits=17), replaces="o17")
        assert line_of(delivery) == {"to": "ana", "message": "o17", "text": "corrected", "edited": True}

    def test_a_file(self) -> None:
        file = Media("document", "round-table.ics", "text/calendar", b"BEGIN")
        assert line_of(Delivery(1, "oberberg", ACCOUNT, "ana", Outbound("", file=file)))["file"] == {
            "name": "round-table.ics",
            "type": "text/calendar",
            "base64": "QkVHSU4=",
        }

    def test_the_desk(self) -> None:
        assert line_of(Delivery(2, "hagen", ACCOUNT, "", Outbound("x", thread="7F3K-29QX"))) == {
            "desk": "hagen",
            "thread": "7F3K-29QX",
            "message": "o2",
            "text": "x",
        }
        assert "thread" not in line_of(Delivery(3, "hagen", ACCOUNT, "", Outbound("x")))

    def test_one_line_whatever_the_words(self) -> None:
        out = io.BytesIO()
        LinesChannel(out).write({"text": "a\nb\r\n\u2028c\x00\ud800"})
        assert out.getvalue().count(b"\n") == 1 and out.getvalue().endswith(b"\n")
        assert json.loads(out.getvalue())["text"].startswith("a\nb\r\n\u2028c\x00")


class Talk:
    """Speaks lines with a whole bot, start after start on the same database."""

    def __init__(self, database: Database, contact_point: ContactPoint) -> None:
        self._database = database
        self._points = {contact_point.id: contact_point}

    def __call__(self, *given: bytes | dict[str, Any]) -> list[dict[str, Any]]:
        """Everything written until the end of input."""
        out = io.BytesIO()
        rest = [each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in given]
        asyncio.run(self._speak(rest, LinesChannel(out)))
        return [json.loads(each) for each in out.getvalue().splitlines()]

    async def _speak(self, rest: list[bytes], channel: LinesChannel) -> None:
        time = await self._database.run(ManualTime, self._database)
        app = App(self._database, self._points, {ACCOUNT: channel}, time, ACCOUNT)
        point = next(iter(self._points))

        async def lines() -> list[bytes]:
            return [rest.pop(0) if rest else b""]

        async def answer(messages: Sequence[Inbound]) -> None:
            await app.answer([replace(each, contact_point=point) for each in messages])

        async def set_time(wanted: SetTime) -> None:
            def act() -> None:
                app.turns.once(ACCOUNT, wanted.id, time(), lambda session: time.set_within(session, wanted.now))

            await self._database.run(act)
            await app.settle()

        reader = LineReader(self._points, manual_clock=True)
        await speak_lines(lines, reader, channel, answer=answer, set_time=set_time)


@pytest.fixture
def talk(database: Database, oberberg: ContactPoint) -> Talk:
    return Talk(database, oberberg)


def person(number: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"id": number, "chat": "ana", "text": text, "language": "en", **fields}


def test_done_comes_after_all_that_the_line_led_to(talk: Talk) -> None:
    said = talk(person("1", "/start"), person("2", "English"))
    assert [next(iter(each)) for each in said].count("done") == 2
    assert said[-1] == {"done": "2"} and {"done": "1"} in said
    first = said.index({"done": "1"})
    assert [each.get("ask") for each in said[:first]] == ["language"]
    assert said[first + 1 : -1] and all(each["to"] == "ana" for each in said[first + 1 : -1])


def test_errors_name_the_line_and_change_nothing(talk: Talk) -> None:
    said = talk(b"\n", b"nonsense\n", b"   \n", person("1", "/start"), b'{"id": 1}\n', b'{"id": "2", "chat": "ana"')
    errors = [each for each in said if "error" in each]
    assert errors == [
        {"error": "The line is no JSON object.", "line": 2},
        {"error": 'The field "chat" is missing.', "line": 5},
        {"error": "The line is no JSON object.", "line": 6},
    ]
    assert sum("to" in each for each in said) == 1


def test_a_line_without_its_newline_counts_at_the_end_of_input(talk: Talk) -> None:
    assert talk(json.dumps(person("1", "/start")).encode())[-1] == {"done": "1"}
    assert talk(json.dumps(person("2", "/help")).encode() + b"\r\n")[-1] == {"done": "2"}


def test_the_same_id_again_is_done_and_nothing_else(talk: Talk) -> None:
    talk(person("1", "/start"))
    again = {"done": "1"}
    assert talk(person("1", "/start"), person("1", "words"), person("1", "x", edit="0")) == [again] * 3
    assert talk({"id": "1", "desk": "oberberg", "by": "kim", "text": "/who"}) == [again]
    assert talk({"id": "1", "now": "2030-01-01T00:00:00+01:00"}) == [again]


def test_now_is_idempotent(talk: Talk, database: Database) -> None:
    def moment() -> datetime:
        return ManualTime(database)()

    nine, ten = ({"id": f"t{hour}", "now": f"2026-11-24T{hour}:00:00+01:00"} for hour in ("09", "10"))
    assert talk(nine) == [{"done": "t09"}] and moment() == datetime(2026, 11, 24, 8, tzinfo=UTC)
    assert talk(ten) == [{"done": "t10"}]
    assert talk(nine) == [{"done": "t09"}] and moment() == datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert talk(person("t10", "/start"))[-1] == {"done": "t10"}
    assert not [each for each in talk(person("t10", "/start")) if "to" in each]


def test_time_moves_what_is_due(talk: Talk) -> None:
    at = {"id": "t1", "now": "2026-11-24T09:00:00+01:00"}
    talk(at, person("1", "/start"), person("2", "1"), person("3", "NO"))
    said = talk({"id": "t2", "now": "2026-11-24T13:00:00+01:00"})
    assert next(each["text"] for each in said if "to" in each).startswith("You began something here")
    assert said[-1] == {"done": "t2"}


@pytest.mark.parametrize(
    "answer",
    [{"choice": "YES"}, {"text": "1"}, {"text": "Yes"}, {"text": "yES"}, {"text": " yes "}],
    ids=["choice", "number", "label", "any case", "blanks"],
)
def test_an_option_is_answered_by_choice_number_or_label(talk: Talk, answer: dict[str, Any]) -> None:
    talk(person("1", "/start"), person("2", "English"))
    said = talk({"id": "3", "chat": "ana", **answer})
    assert [each["ask"] for each in said if "ask" in each] == ["danger_over"]


def test_what_is_asked_has_the_same_names_in_every_language(talk: Talk) -> None:
    asked = {}
    for code in ("de", "en"):
        said = talk(
            {"id": f"{code}1", "chat": code, "text": "/start"}, {"id": f"{code}2", "chat": code, "choice": code}
        )
        (question,) = [each for each in said if each.get("ask") == "danger"]
        asked[code] = (question["flow"], [option["id"] for option in question["options"]])
    assert asked["de"] == asked["en"] == ("report_tension", ["YES", "NO", "UNSURE", "/human", "/help", "/menu"])


def test_edited_lines_name_the_message_they_replace(talk: Talk) -> None:
    said = talk(person("1", "/start"), person("2", "English"), {"id": "3", "chat": "ana", "choice": "NO"})
    (edited,) = [each for each in said if each.get("edited") and "danger" in each["text"]]
    (question,) = [each for each in said if each.get("ask") == "danger"]
    assert edited["message"] == question["message"] and "options" not in edited


def test_a_file_line(talk: Talk) -> None:
    said = talk(
        person("1", "/start"),
        person("2", "English"),
        person("3", "/data"),
        {"id": "4", "chat": "ana", "choice": "EXPORT"},
    )
    (file,) = [each["file"] for each in said if "file" in each]
    assert (file["name"], file["type"]) == ("my-data.json", "application/json")
    assert json.loads(base64.b64decode(file["base64"]))["reports"] == []


def test_desk_lines(talk: Talk) -> None:
    said = talk(
        {"id": "0", "desk": "oberberg", "by": "kim", "text": "/language en"},
        person("1", "/start"),
        person("2", "English"),
        person("3", "/human"),
        person("4", "Is anybody there?"),
    )
    (ping, *_rest) = [each for each in said if "talk to a person" in each.get("text", "") and "desk" in each]
    ref = ping["options"][0]["id"].split()[1]
    assert ping["desk"] == "oberberg" and "thread" not in ping and "Is anybody" not in ping["text"]
    said = talk({"id": "5", "desk": "oberberg", "by": "kim", "choice": f"/open {ref}"})
    assert "Is anybody there?" in [each.get("text") for each in said if each.get("thread") == ref]
    said = talk({"id": "6", "desk": "oberberg", "by": "kim", "thread": ref, "text": "/reply Yes, kim here."})
    assert [each["text"] for each in said if each.get("to") == "ana"][-1] == "Yes, kim here."
    assert said[-1] == {"done": "6"}


def test_nothing_is_lost_at_the_end_of_input(talk: Talk, database: Database, oberberg: ContactPoint) -> None:
    """What an earlier start left queued is written before the first line, and without any."""
    time = ManualTime(database)
    app = App(database, {oberberg.id: oberberg}, {}, time, ACCOUNT)
    app.turns.receive(Inbound("oberberg", ACCOUNT, "1", chat="ana", text="/start"), time())
    (said,) = talk()
    assert said["ask"] == "language" and talk() == []


odd_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from(
    ("id", "chat", "text", "choice", "media", "edit", "language", "desk", "by", "thread", "now", "kind", "base64")
)
odd_line = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    odd_json.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(fields, odd_json, max_size=6).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(fields, st.text(max_size=12), max_size=6).map(lambda value: json.dumps(value).encode()),
    st.text(max_size=30).map(lambda text: json.dumps({"chat": "odd", "text": text, "id": text or "x"}).encode()),
    st.text(max_size=30).map(
        lambda text: json.dumps({"desk": "oberberg", "by": "odd", "text": text, "id": f"d{text}"}).encode()
    ),
)


@settings(max_examples=300, deadline=None)
@given(odd_line)
def test_whatever_the_bytes_a_reader_answers_with_a_message_or_a_sentence(data: bytes) -> None:
    try:
        message = READER.read(data)
    except BadLine as bad:
        assert str(bad).endswith(".")
    else:
        assert isinstance(message, Inbound | SetTime)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=st.lists(odd_line, max_size=5))
def test_whatever_the_bytes_later_lines_are_answered_in_order(
    odd: list[bytes], databases: Databases, oberberg: ContactPoint, ring: Any
) -> None:
    url = databases.new()
    database = Database.open(url, ring)
    try:
        kept = [each.replace(b"\n", b" ").replace(b'"now"', b'"New"') + b"\n" for each in odd]
        said = Talk(database, oberberg)(*kept, person("sure1", "/start"), person("sure2", "English"))
    finally:
        database.close()
        databases.drop(url)
    answered = [each for each in said if "done" in each or "error" in each]
    assert len(answered) == sum(bool(each.strip()) for each in kept) + 2
    assert [each["line"] for each in said if "error" in each] == sorted(
        each["line"] for each in said if "error" in each
    )
    mine = [each.get("ask") for each in said if each.get("to") == "ana" and "ask" in each]
    assert said[-1] == {"done": "sure2"} and mine == ["language", "danger"]
