"""The web channel over HTTP: what is stored, pushed, refused."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.channels.web.access import Public
from bot.channels.web.limits import TokenBucket
from bot.channels.web.said import LARGEST_MEDIA, LONGEST_TEXT, Wrong, said
from bot.delivery import Delivery
from bot.languages import LANGUAGES
from bot.messages import Inbound, Option, Outbound, Style
from tests.channels.scripted import (
    KEY,
    NAME,
    POINT,
    SAMPLE_FILE,
    START,
    Scripted,
    new_database,
    scripted_server,
)

START_TEXT = {"id": "m1", "chat": "ana", "text": "/start", "language": "de"}


class Browser:
    """A client that behaves like a browser: keeps cookies, names its origin."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.origin = str(server.make_url("/")).rstrip("/")
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        sent = {"Origin": self.origin, "Content-Type": "application/json", **(headers or {})}
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self.session.post(self.server.make_url(path), data=data, headers=sent) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
        async with self.session.get(self.server.make_url(path), headers=headers) as answer:
            return answer.status, await answer.read(), answer.headers

    @asynccontextmanager
    async def events(self, query: str, since: int | None = None) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        headers = {} if since is None else {"Last-Event-ID": str(since)}
        async with self.session.get(self.server.make_url(f"/events?{query}"), headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield _events(answer)

    async def shown(self, query: str, since: int | None = None) -> list[dict[str, Any]]:
        """What a page that opens now shows at once."""
        seen: list[dict[str, Any]] = []
        async with self.events(query, since) as events:
            async for event in events:
                if event["event"] == "ready":
                    return seen
                seen.append(event)
        raise AssertionError("The stream ended before it was ready.")


async def _events(answer: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    event: dict[str, Any] = {"event": "message"}
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith(":"):
            yield {"event": "heartbeat"}
        elif line.startswith("event: "):
            event["event"] = line[7:]
        elif line.startswith("id: "):
            event["number"] = int(line[4:])
        elif line.startswith("data: "):
            event.update(json.loads(line[6:]))
        elif not line and event != {"event": "message"}:
            yield event
            event = {"event": "message"}


@asynccontextmanager
async def browsing(**how: Any) -> AsyncIterator[tuple[Scripted, Browser]]:
    async with scripted_server(**how) as (bot, server):
        browser = Browser(server)
        try:
            yield bot, browser
        finally:
            await browser.session.close()


async def test_what_a_person_writes_reaches_the_bot_and_stands_on_the_page() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        assert await browser.post("/say", START_TEXT) == (200, {"id": "m1"})
        assert bot.received == [Inbound(POINT, "web", "m1", chat="ana", text="/start", language="de")]
        (shown,) = await browser.shown("chat=ana")
        assert (shown["text"], shown["from"], shown["state"]) == ("/start", "person", "stored")
        assert await browser.shown("chat=ben") == []


async def test_the_same_message_again_changes_nothing() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        for _ in range(3):
            assert (await browser.post("/say", START_TEXT))[0] == 200
        assert len(bot.received) == 1
        assert len(await browser.shown("chat=ana")) == 1


async def test_a_message_that_did_not_reach_the_inbox_is_not_called_arrived_and_is_taken_up_again() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        bot.failing = True
        status, answer = await browser.post("/say", START_TEXT)
        assert status == 503 and answer["error"]
        bot.failing = False
        (shown,) = await browser.shown("chat=ana")
        assert shown["state"] == "pending"
        await asyncio.sleep(0.05)
        assert [message.text for message in bot.received] == ["/start"]
        assert (await browser.shown("chat=ana"))[0]["state"] == "stored"


async def test_a_delivery_is_shown_once_and_an_edit_replaces_it_in_place() -> None:
    async with browsing() as (bot, browser):
        question = Outbound("Is it here?", options=(Option("YES", "Yes"),), step=(1, 3), columns=2)
        first = Delivery(7, POINT, "web", "ana", question)
        assert await bot.channel.send(first) == "o7"
        assert await bot.channel.send(Delivery(8, POINT, "web", "ana", Outbound("Next"))) == "o8"
        edit = Delivery(9, POINT, "web", "ana", Outbound("Is it here? Yes", edits=7), replaces="o7")
        assert await bot.channel.send(edit) == "o7"
        # The process died after sending and sends both again: the newer text stays.
        assert await bot.channel.send(first) == "o7"
        await bot.channel.send(edit)
        shown = sorted(await browser.shown("chat=ana"), key=lambda message: message["order"])
        assert [(message["id"], message["text"]) for message in shown] == [
            ("o7", "Is it here? Yes"),
            ("o8", "Next"),
        ]
        assert "options" not in shown[0]


async def test_open_pages_get_what_happens_at_once_and_lose_nothing_over_a_break() -> None:
    async with browsing() as (bot, browser):
        async with browser.events("chat=ana&chat=ben") as events:
            assert (await anext(events))["event"] == "ready"
            await bot.say(Outbound("One"), "ana")
            one = await anext(events)
            assert (one["text"], one["chat"]) == ("One", "ana")
        await bot.say(Outbound("Two"), "ben")
        await bot.say(Outbound("Nobody's"), "cem")
        await bot.say(Outbound("Three"), "ana")
        missed = await browser.shown("chat=ana&chat=ben", since=one["number"])
        assert [message["text"] for message in missed] == ["Two", "Three"]


async def test_a_page_that_knows_more_than_the_database_starts_afresh() -> None:
    async with browsing() as (bot, browser):
        await bot.say(Outbound("One"), "ana")
        seen = await browser.shown("chat=ana", since=10**15)
        assert [event["event"] for event in seen] == ["afresh", "message"]


async def test_messages_that_were_deleted_disappear_from_open_pages() -> None:
    async with browsing() as (bot, browser), browser.events("chat=ana") as events:
        assert (await anext(events))["event"] == "ready"
        bot.channel.forgotten(POINT, "ana")
        assert (await anext(events))["event"] == "afresh"


async def test_a_silent_stream_shows_that_it_lives() -> None:
    async with browsing(heartbeat=0.05) as (_, browser), browser.events("chat=ana") as events:
        assert (await anext(events))["event"] == "ready"
        assert (await anext(events))["event"] == "heartbeat"


async def test_handled_messages_get_their_second_mark() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        await browser.post("/say", START_TEXT)
        await bot.channel.handled(bot.received[0])
        assert (await browser.shown("chat=ana"))[0]["state"] == "handled"


async def test_one_changes_ones_own_message_and_no_other() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        await browser.post("/say", {**START_TEXT, "text": "It is lound"})
        await bot.say(Outbound("The bot's"), "ana")
        edit = {"id": "m2", "chat": "ana", "edits": "m1", "text": "It is loud"}
        assert (await browser.post("/say", edit))[0] == 200
        assert (bot.received[-1].edits, bot.received[-1].text) == ("m1", "It is loud")
        mine = next(message for message in await browser.shown("chat=ana") if message["id"] == "m1")
        assert (mine["text"], mine["edited"]) == ("It is loud", True)
        for other in ("o1", "nothing"):
            status, answer = await browser.post("/say", {**edit, "id": f"m-{other}", "edits": other})
            assert (status, answer["error"]) == (400, "Only a message of one's own can be changed.")
        assert len(bot.received) == 2


async def test_the_desk_writes_in_the_room_and_in_threads() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        note = {"id": "d1", "desk": POINT, "by": "kim", "thread": "7F3K-29QX", "text": "A note"}
        assert (await browser.post("/say?at=desk", note))[0] == 200
        assert bot.received == [Inbound(POINT, "web", "d1", by="kim", thread="7F3K-29QX", text="A note")]
        card = Outbound("Case", style=Style.CARD, thread="7F3K-29QX")
        await bot.say(card)
        shown = await browser.shown(f"desk={POINT}")
        assert [(message["thread"], message.get("style")) for message in shown] == [
            ("7F3K-29QX", None),
            ("7F3K-29QX", "CARD"),
        ]


async def test_what_a_person_sends_as_a_file_is_handed_in_and_not_kept() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        content = base64.b64encode(b"secret picture").decode()
        media = {"kind": "photo", "name": "x.jpg", "type": "image/jpeg", "base64": content}
        assert (await browser.post("/say", {"id": "m1", "chat": "ana", "media": media}))[0] == 200
        assert bot.received[0].media is not None and bot.received[0].media.data == b"secret picture"
        (shown,) = await browser.shown("chat=ana")
        assert shown["media"] == {"kind": "photo", "name": "", "type": "", "data": ""}


async def test_files_of_the_bot_are_downloads_and_never_run() -> None:
    async with browsing() as (bot, browser):
        sent = await bot.say(Outbound("Here", file=SAMPLE_FILE), "ana")
        (shown,) = await browser.shown("chat=ana")
        assert shown["file"] == {
            "kind": "document",
            "name": "round-table.ics",
            "type": "text/calendar",
            "size": len(SAMPLE_FILE.data),
        }
        status, body, headers = await browser.get(f"/media?chat=ana&message={sent}")
        assert (status, body) == (200, SAMPLE_FILE.data)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''round-table.ics"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert (await browser.get(f"/media?chat=ben&message={sent}"))[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        [],
        {"chat": "ana", "text": "x"},
        {"id": "m 1", "chat": "ana", "text": "x"},
        {"id": 1, "chat": "ana", "text": "x"},
        {"id": "m1", "text": "x"},
        {"id": "m1", "chat": "ana"},
        {"id": "m1", "chat": "ana", "text": ""},
        {"id": "m1", "chat": "ana", "text": ["x"]},
        {"id": "m1", "chat": "ana", "text": "x" * (LONGEST_TEXT + 1)},
        {"id": "m1", "chat": "ana", "text": "x\x00"},
        {"id": "m1", "chat": "ana", "text": "x", "choice": "YES"},
        {"id": "m1", "chat": "ana", "text": "x", "pressed": "o1"},
        {"id": "m1", "chat": "ana", "choice": "YES", "edits": "m0"},
        {"id": "m1", "chat": "ana", "text": "x", "account": "telegram"},
        {"id": "m1", "chat": "ana", "text": "x", "thread": "7F3K"},
        {"id": "m1", "chat": "ana", "text": "x", "by": "kim"},
        {"id": "m1", "chat": "ana", "text": "x", "contact_point": "nowhere"},
        {"id": "m1", "chat": "ana", "media": {"kind": "bomb"}},
        {"id": "m1", "chat": "ana", "media": {"kind": "photo", "base64": "%%%"}},
        {"id": "m1", "chat": "ana", "media": {"kind": "photo", "type": "x\r\nSet-Cookie: a=b"}},
        {"id": "m1", "chat": "ana", "media": "photo"},
    ],
)
async def test_what_cannot_be_understood_is_refused_with_a_sentence(body: Any) -> None:
    async with browsing() as (bot, browser):
        status, answer = await browser.post("/say", body)
        assert status == 400
        assert answer["error"].endswith(".")
        assert bot.received == []


async def test_half_a_character_is_refused() -> None:
    async with browsing() as (_, browser):
        status, _answer = await browser.post("/say", b'{"id": "m1", "chat": "ana", "text": "\\ud83d"}')
        assert status == 400


async def test_too_much_is_refused_before_it_fills_the_memory() -> None:
    async with browsing() as (bot, browser):
        huge = b'{"id": "m1", "chat": "ana", "text": "' + b"x" * (LARGEST_MEDIA * 2) + b'"}'
        status, answer = await browser.post("/say", huge)
        assert (status, bot.received) == (413, [])
        assert answer["error"]


def test_media_have_a_limit() -> None:
    big = {"kind": "photo", "base64": "A" * (LARGEST_MEDIA * 4 // 3 + 8)}
    with pytest.raises(Wrong, match="six megabytes"):
        said(
            {"id": "m1", "chat": "ana", "media": big},
            account="web",
            contact_points={POINT: NAME},
            own_chat=None,
        )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Host": "elsewhere.example"},
        {"Content-Type": "text/plain"},
    ],
)
@pytest.mark.parametrize("public", [False, True])
async def test_other_sites_cannot_write(public: bool, headers: dict[str, str]) -> None:
    async with browsing(public=public) as (bot, browser):
        await browser.post("/begin", {})
        body = {"id": "m1", "text": "x"} if public else START_TEXT
        status, _answer = await browser.post("/say", body, headers)
        assert (status, bot.received) == (403, [])


async def test_other_names_of_this_computer_cannot_read() -> None:
    async with browsing() as (_, browser):
        assert (await browser.get("/events?chat=ana", {"Host": "rebound.example"}))[0] == 403


async def test_a_reporter_gets_a_secret_chat_and_chooses_none() -> None:
    async with browsing(public=True) as (bot, browser):
        bot.answers = False
        assert (await browser.post("/say", {"id": "m1", "text": "x"}))[0] == 403
        async with browser.session.post(
            browser.server.make_url("/begin"), json={}, headers={"Origin": browser.origin}
        ) as answer:
            cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
        assert (await browser.post("/say", {"id": "m1", "text": "x"}))[0] == 200
        (received,) = bot.received
        assert len(received.chat) == 22 and received.chat in cookie
        assert (await browser.post("/say", {"id": "m2", "chat": "ana", "text": "x"}))[0] == 400
        assert (await browser.get("/events?chat=ana"))[0] == 400
        assert [message["text"] for message in await browser.shown("")] == ["x"]
        # Opened again, the page keeps its chat.
        async with browser.session.post(
            browser.server.make_url("/begin"), json={}, headers={"Origin": browser.origin}
        ) as answer:
            assert "Set-Cookie" not in answer.headers


async def test_the_desk_opens_with_its_key_alone() -> None:
    async with browsing(public=True) as (bot, browser):
        note = {"id": "d1", "desk": POINT, "by": "kim", "text": "/open"}
        assert (await browser.post("/say?at=desk", note))[0] == 403
        assert (await browser.get(f"/events?desk={POINT}"))[0] == 403
        status, answer = await browser.post("/enter", {"desk": POINT, "key": "guess", "language": "en"})
        assert (status, answer["error"]) == (403, "This key does not fit.")
        assert (await browser.post("/begin", {"desk": POINT}))[1]["entered"] is False
        assert (await browser.post("/enter", {"desk": POINT, "key": KEY}))[0] == 200
        assert (await browser.post("/begin", {"desk": POINT}))[1]["entered"] is True
        assert (await browser.post("/say?at=desk", note))[0] == 200
        assert bot.received[0].by == "kim"
        # Whoever is at the desk does not thereby speak as a reporter.
        assert (await browser.post("/say?at=desk", {"id": "d2", "text": "x"}))[0] == 400


async def test_keys_cannot_be_guessed_for_long() -> None:
    async with browsing(public=True) as (_, browser):
        answers = [(await browser.post("/enter", {"desk": POINT, "key": f"guess {n}"}))[0] for n in range(12)]
        assert answers[:10] == [403] * 10 and set(answers[10:]) == {429}
        assert (await browser.post("/enter", {"desk": POINT, "key": KEY}))[0] == 429


def test_a_ticket_of_the_desk_ends_with_its_time_and_with_the_key() -> None:
    public = Public("https://chat.example.org", {POINT: KEY})
    ticket = public.ticket(POINT, START)
    assert public.ticket_opens(POINT, ticket, START + timedelta(days=13))
    assert not public.ticket_opens(POINT, ticket, START + timedelta(days=15))
    assert not public.ticket_opens("elsewhere", ticket, START)
    assert not Public("https://chat.example.org", {POINT: KEY + "!"}).ticket_opens(POINT, ticket, START)
    until, _, signature = ticket.partition(".")
    assert not public.ticket_opens(POINT, f"{int(until) + 1}.{signature}", START)
    for nonsense in ("", ".", "x.y", "²³.y", f"{until}."):
        assert not public.ticket_opens(POINT, nonsense, START)


@pytest.mark.parametrize(
    ("origin", "keys"),
    [
        ("chat.example.org", {}),
        ("https://chat.example.org/", {}),
        ("http://chat.example.org", {}),
        ("https://chat.example.org", {POINT: "short"}),
    ],
)
def test_an_unsafe_page_does_not_start(origin: str, keys: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Public(origin, keys)


async def test_whoever_writes_too_fast_is_asked_for_patience() -> None:
    async with browsing() as (bot, browser):
        bot.answers = False
        statuses = []
        for n in range(30):
            status, answer = await browser.post("/say", {**START_TEXT, "id": f"m{n}", "language": "en"})
            statuses.append(status)
        assert statuses[:20] == [200] * 20 and statuses[-1] == 429
        assert answer["error"].startswith("That was very fast.")
        assert (await browser.post("/say", {**START_TEXT, "id": "b1", "chat": "ben"}))[0] == 200


def test_a_bucket_fills_again() -> None:
    now = 0.0
    bucket = TokenBucket(2, 0.5, clock=lambda: now, keys=2)
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    now = 2.0
    assert [bucket.take("a") for _ in range(2)] == [True, False]
    now = 100.0
    assert bucket.take("b") and bucket.take("c") and bucket.take("d")


async def test_time_moves_in_the_demo_only() -> None:
    async with browsing() as (bot, browser):
        assert (await browser.post("/time", {"minutes": 10}))[1] == {"now": "2026-11-24T09:10:00+01:00"}
        assert (await browser.post("/time", {"to": "next_service"}))[1] == {"now": "2026-11-25T08:00:00+01:00"}
        wrongs: list[Any] = [{"minutes": -1}, {"minutes": True}, {"minutes": 10**9}, {"to": "never"}, {}, []]
        for wrong in wrongs:
            assert (await browser.post("/time", wrong))[0] == 400
        assert json.loads((await browser.get("/time"))[1]) == {"now": bot.time.now().isoformat()}
    async with browsing(public=True) as (_, browser):
        assert (await browser.get("/time"))[0] == 404
        assert (await browser.post("/time", {"minutes": 10}))[0] == 404


@pytest.mark.parametrize("language", list(LANGUAGES))
async def test_the_labels_render_in_every_language(language: str) -> None:
    async with browsing() as (_, browser):
        status, body, _headers = await browser.get(f"/labels?language={language}")
        words = json.loads(body)
        assert status == 200
        assert words["direction"] == LANGUAGES[language].direction
        assert all(words["labels"].values()) and all(words["roles"].values())
        assert "{done}" in words["labels"]["step"] and "{all}" in words["labels"]["step"]


async def test_the_page_brings_everything_itself_and_allows_nothing_else() -> None:
    async with browsing() as (_, browser):
        status, body, headers = await browser.get("/")
        assert status == 200
        assert headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert NAME.encode() in body
        assert b"http" not in body
        _status, script, _headers = await browser.get("/static/app.js")
        assert b"innerHTML" not in script
        assert (await browser.get("/static/..%2Fserver.py"))[0] == 404
        assert (await browser.get("/", {"If-None-Match": headers["ETag"]}))[0] == 304


async def test_nothing_written_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with browsing() as (bot, browser):
        bot.failing = True
        await browser.post("/say", {**START_TEXT, "text": "a very private sentence"})
        await browser.get("/events?chat=secretchat&since=x")
    logged = "".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert "RuntimeError at tests/channels/scripted.py" in logged and "/say" not in logged
    assert "private" not in logged and "secretchat" not in logged


async def test_the_page_outlives_a_restart() -> None:
    database = new_database()
    async with browsing(database=database) as (bot, browser):
        await bot.say(Outbound("Before"), "ana")
    async with browsing(database=database, bot=Scripted(_number=10)) as (bot, browser):
        await bot.say(Outbound("After"), "ana")
        assert [message["text"] for message in await browser.shown("chat=ana")] == ["Before", "After"]
    database.close()
