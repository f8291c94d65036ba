"""The web page as a channel: one page for a phone and the desk, events out, JSON in."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from aiohttp import web

from bot.bugs import log_bug
from bot.channels.web.access import (
    CHAT_COOKIE,
    DESK_STAYS_OPEN,
    Public,
    desk_cookie,
    is_chat,
    is_loopback,
    new_chat,
)
from bot.channels.web.labels import LABELS, ROLES, STAFF, labels
from bot.channels.web.limits import TokenBucket
from bot.channels.web.memory import Kept, Memory, Place
from bot.channels.web.said import LARGEST_BODY, Wrong, said
from bot.delivery import UNHURRIED, Delivery
from bot.i18n import Text, render
from bot.languages import LANGUAGES, SOURCE
from bot.messages import Inbound, Media, to_json

HEARTBEAT: Final = 15.0
"""Seconds between two signs of life on an open stream."""
_BATCH: Final = 200
_PLACES_AT_ONCE: Final = 50
_PAGES_PER_PLACE: Final = 12
_PAGES: Final = 2000
_LONGEST_LEAP: Final = 60 * 24 * 366
_STATIC: Final = Path(__file__).parent / "static"
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; object-src 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

Receive = Callable[[Inbound], Awaitable[None]]
"""Takes a message into the inbox; returns after the commit, and the same message again has no effect."""


class TimeControl(Protocol):
    """Moves the time of the demo."""

    def now(self) -> datetime: ...

    async def advance(self, minutes: int) -> None: ...

    async def to_next_service(self) -> None: ...


@dataclass(frozen=True)
class Demo:
    """Phones on the left, the desk on the right, no login; served on this computer only."""

    time: TimeControl | None = None
    people: Mapping[str, Text] = field(default_factory=lambda: ROLES)
    """Chat -> what is written on that phone."""
    staff: Mapping[str, Text] = field(default_factory=lambda: STAFF)


@dataclass(eq=False)
class _OpenPage:
    """One stream to one page."""

    places: tuple[Place, ...]
    news: asyncio.Event = field(default_factory=asyncio.Event)
    again: bool = True
    """Everything has to be shown afresh."""


class WebChannel:
    """Shows what the bot says on the page, and hands in what people write there."""

    name: Final = "web"

    def __init__(
        self,
        *,
        memory: Memory,
        receive: Receive,
        now: Callable[[], datetime],
        contact_points: Mapping[str, str],
        mode: Demo | Public,
        heartbeat: float = HEARTBEAT,
        per_chat: TokenBucket | None = None,
        trouble: Callable[[Exception], object] = log_bug,
    ) -> None:
        """`contact_points` maps ids to names; a page that names none gets the first.

        `trouble` hears why a request could not be answered.
        """
        self._memory = memory
        self._receive = receive
        self._now = now
        self._contact_points = dict(contact_points)
        self._mode = mode
        self._heartbeat = heartbeat
        self._per_chat = per_chat or TokenBucket(burst=20, per_second=1)
        self._for_all = TokenBucket(burst=300, per_second=50)
        self._attempts = TokenBucket(burst=10, per_second=1 / 30)
        self._trouble = trouble
        self._writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pages: set[_OpenPage] = set()
        self._under_way: set[tuple[Place, str]] = set()
        self._closing = False
        self._static = _static_files(next(iter(self._contact_points.values())))

    def application(self, beside: Sequence[web.RouteDef] = ()) -> web.Application:
        """The routes. Serve it without an access log: addresses name chats in the demo.

        `beside`: routes that are not for browsers, and see to it themselves who may call them.
        """
        self._beside = frozenset(each.handler for each in beside)
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST_BODY)
        app.router.add_get("/", self._page)
        app.router.add_get("/desk", self._page)
        app.router.add_get("/static/{name}", self._file)
        app.router.add_get("/labels", self._labels)
        app.router.add_post("/begin", self._begin)
        app.router.add_post("/enter", self._enter)
        app.router.add_get("/events", self._events)
        app.router.add_get("/media", self._media)
        app.router.add_post("/say", self._say)
        if isinstance(self._mode, Demo) and self._mode.time is not None:
            app.router.add_get("/time", self._time)
            app.router.add_post("/time", self._move_time)
        app.router.add_routes(beside)
        app.on_shutdown.append(self._close)
        return app

    pace = UNHURRIED
    knows_repeats = True

    async def send(self, delivery: Delivery) -> str:
        """Puts the message on the page; the same delivery again changes nothing."""
        place = Place(delivery.contact_point, delivery.chat)
        message_id = delivery.replaces or f"o{delivery.id}"
        async with self._writing[place.contact_point]:
            before = await self._memory.find(place, message_id)
            if before is not None and before.payload.get("delivery", 0) >= delivery.id:
                return message_id
            payload = {"delivery": delivery.id, "message": to_json(delivery.message)}
            await self._memory.keep(place, message_id, payload, self._now())
        self._wake(place)
        return message_id

    async def handled(self, inbound: Inbound) -> None:
        """Marks what a person wrote as dealt with by the bot (the second tick)."""
        await self._mark(Place(inbound.contact_point, inbound.chat), inbound.message_id, "handled")

    def forgotten(self, contact_point: str, chat: str = "") -> None:
        """Lets open pages show a place afresh after some of its messages were deleted."""
        place = Place(contact_point, chat)
        for page in self._pages:
            if place in page.places:
                page.again = True
                page.news.set()

    async def _mark(self, place: Place, message_id: str, state: str) -> None:
        async with self._writing[place.contact_point]:
            kept = await self._memory.find(place, message_id)
            if kept is None or kept.payload.get("state") in (None, state, "handled"):
                return
            await self._memory.keep(place, message_id, {**kept.payload, "state": state}, kept.at)
        self._wake(place)

    def _wake(self, place: Place) -> None:
        for page in self._pages:
            if place in page.places:
                page.news.set()

    async def _close(self, app: web.Application) -> None:
        self._closing = True
        for page in self._pages:
            page.news.set()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """The same headers on every answer, and no answer to other hosts, origins or forms."""
        response: web.StreamResponse
        if (refusal := self._refusal(request)) is not None and request.match_info.handler not in self._beside:
            response = _error(403, refusal)
        else:
            try:
                response = await handler(request)
            except Wrong as error:
                response = _error(400, str(error))
            except web.HTTPRequestEntityTooLarge:
                response = _error(413, self._sentence("too_big", ""))
            except web.HTTPException as error:
                response = _error(error.status, error.reason)
            except Exception as error:  # noqa: BLE001
                self._trouble(error)
                response = _error(503, self._sentence("not_now", ""))
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def _refusal(self, request: web.Request) -> str | None:
        known = self._mode.speaks_to(request.host) if isinstance(self._mode, Public) else is_loopback(request.host)
        if not known:
            return "This is not the address of this page."
        if request.method not in ("GET", "HEAD"):
            origin = request.headers.get("Origin", "")
            if isinstance(self._mode, Public):
                own = self._mode.comes_from_us(request.host, origin)
            else:
                own = origin == f"http://{request.host}"
            if not own:
                return "Only the page itself may send this."
            if request.content_type != "application/json":
                return "Only JSON is taken."
        return None

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return self._answer_file(request, "index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._answer_file(request, request.match_info["name"])

    def _answer_file(self, request: web.Request, name: str) -> web.StreamResponse:
        if name not in self._static:
            raise web.HTTPNotFound
        body, type_, tag = self._static[name]
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type=type_, charset="utf-8", headers=headers)

    async def _labels(self, request: web.Request) -> web.StreamResponse:
        language = request.query.get("language", "")
        if language not in LANGUAGES:
            raise Wrong("There is no such language.")
        known = LANGUAGES[language]
        return web.json_response(
            {
                "language": language,
                "locale": known.babel_locale.replace("_", "-"),
                "direction": known.direction,
                "emergency": known.emergency_line,
                "labels": labels(language),
                "roles": {key: render(text, language) for key, text in self._people().items()},
            }
        )

    def _people(self) -> dict[str, Text]:
        return {**self._mode.people, **self._mode.staff} if isinstance(self._mode, Demo) else {}

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        """Tells the page what it is, and gives a new reporter a chat.

        Not part of the page itself: a browser that follows a link from elsewhere holds a strict cookie back, and a
        page that saw none would replace the chat of somebody who has one.
        """
        body = await _body(request, {"desk"})
        setup: dict[str, Any] = {
            "contact_points": [{"id": id_, "name": name} for id_, name in self._contact_points.items()],
            "languages": [
                {
                    "code": code,
                    "name": known.own_name,
                    "direction": known.direction,
                    "complete": known.complete,
                }
                for code, known in LANGUAGES.items()
            ],
        }
        if isinstance(self._mode, Demo):
            setup |= {
                "mode": "demo",
                "people": list(self._mode.people),
                "staff": list(self._mode.staff),
                "time": self._mode.time is not None,
            }
            return web.json_response(setup)
        desk = body.get("desk")
        if desk is not None:
            if desk not in self._mode.staff_keys:
                raise Wrong("There is no such desk.")
            return web.json_response(setup | {"mode": "desk", "entered": self._at_desk(request, desk)})
        response = web.json_response(setup | {"mode": "phone"})
        if not is_chat(request.cookies.get(CHAT_COOKIE, "")):
            self._set_cookie(response, CHAT_COOKIE, new_chat(), days=365)
        return response

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request, {"desk", "key", "language"})
        desk, key = body.get("desk"), body.get("key")
        if not isinstance(self._mode, Public) or not isinstance(desk, str) or not isinstance(key, str):
            raise Wrong("A desk and its key are needed.")
        if not self._attempts.take(request.remote or ""):
            return _error(429, self._sentence("too_fast", body.get("language")))
        if not self._mode.key_opens(desk, key):
            return _error(403, self._sentence("wrong_key", body.get("language")))
        response = web.json_response({})
        ticket = self._mode.ticket(desk, self._now())
        self._set_cookie(response, desk_cookie(desk), ticket, days=DESK_STAYS_OPEN.days)
        return response

    def _set_cookie(self, response: web.Response, name: str, value: str, *, days: int) -> None:
        secure = isinstance(self._mode, Public) and self._mode.secure
        response.set_cookie(
            name, value, max_age=days * 86_400, path="/", httponly=True, samesite="Strict", secure=secure
        )

    def _at_desk(self, request: web.Request, contact_point: str) -> bool:
        if isinstance(self._mode, Demo):
            return True
        ticket = request.cookies.get(desk_cookie(contact_point), "")
        return self._mode.ticket_opens(contact_point, ticket, self._now())

    def _own_chat(self, request: web.Request) -> str | None:
        """The reporter's chat; None in the demo, where the page chooses."""
        if isinstance(self._mode, Demo):
            return None
        chat = request.cookies.get(CHAT_COOKIE, "")
        if not is_chat(chat):
            raise web.HTTPForbidden(reason="The page has to be opened first.")
        return chat

    def _places(self, request: web.Request) -> tuple[Place, ...]:
        """The places that this page may see: those it asks for, as far as they are its own."""
        chats, desk = request.query.getall("chat", []), request.query.get("desk")
        contact_point = desk or request.query.get("contact_point") or next(iter(self._contact_points))
        if contact_point not in self._contact_points:
            raise Wrong("There is no such contact point.")
        if desk is not None and not self._at_desk(request, desk):
            raise web.HTTPForbidden(reason="The key of the desk is needed.")
        if isinstance(self._mode, Public):
            if chats:
                raise Wrong("The page does not choose its chat.")
            chats = [] if desk is not None else [self._own_chat(request) or ""]
        if len(chats) > _PLACES_AT_ONCE or not all(0 < len(chat) <= 100 for chat in chats):
            raise Wrong("These are no chats.")
        places = [Place(contact_point, chat) for chat in chats]
        if desk is not None:
            places.append(Place(contact_point))
        if not places:
            raise Wrong("A chat or a desk is needed.")
        return tuple(places)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        page = _OpenPage(self._places(request))
        since = _number(request.headers.get("Last-Event-ID") or request.query.get("since", "0"))
        if isinstance(self._mode, Public) and self._too_many(page.places):
            return _error(429, "Too many pages are open.")
        self._pages.add(page)
        response = web.StreamResponse(headers={**_HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.content_type, response.charset = "text/event-stream", "utf-8"
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            await self._stream(page, response, since)
        except ConnectionError:
            pass
        except Exception as error:  # noqa: BLE001  # the stream ends, and the page opens another one
            self._trouble(error)
        finally:
            self._pages.discard(page)
        return response

    async def _stream(self, page: _OpenPage, response: web.StreamResponse, since: int) -> None:
        # A page that is ahead of us comes from a database that is gone; it has to start afresh.
        contact_point = page.places[0].contact_point
        page.again = since > await self._memory.newest(contact_point)
        ready = False
        while not self._closing:
            page.news.clear()
            if page.again:
                page.again, ready, since = False, False, 0
                await response.write(b"event: afresh\nid: 0\ndata: {}\n\n")
            batch = await self._memory.after(page.places, since, _BATCH)
            for kept in batch:
                since = kept.version
                data = json.dumps(_shown(kept), ensure_ascii=False, separators=(",", ":"))
                await response.write(f"id: {since}\ndata: {data}\n\n".encode())
                await self._take_up(kept)
            if len(batch) == _BATCH:
                continue
            if not ready:
                ready = True
                await response.write(b"event: ready\ndata: {}\n\n")
            try:
                await asyncio.wait_for(page.news.wait(), self._heartbeat)
            except TimeoutError:
                await response.write(b": still here\n\n")

    def _too_many(self, places: Sequence[Place]) -> bool:
        at_place = sum(1 for page in self._pages if page.places[0] == places[0])
        return len(self._pages) >= _PAGES or (places[0].chat != "" and at_place >= _PAGES_PER_PLACE)

    async def _take_up(self, kept: Kept) -> None:
        """Hands in again what was written down but not taken into the inbox when a process died."""
        inbound = kept.payload.get("inbound", {})
        if kept.payload.get("state") != "pending" or "media" in inbound or (kept.place, kept.id) in self._under_way:
            return
        with suppress(Exception):
            await self._receive(Inbound(**inbound))
            await self._mark(kept.place, kept.id, "stored")

    async def _media(self, request: web.Request) -> web.StreamResponse:
        """A file that the bot sent, or that the desk got from a person."""
        kept = None
        for place in self._places(request):
            kept = kept or await self._memory.find(place, request.query.get("message", ""))
        file = (kept.payload.get("message") or {}).get("file") if kept else None
        if not file or not file.get("data"):
            raise web.HTTPNotFound
        type_ = file.get("type") or "application/octet-stream"
        shown = "inline" if type_ in _PICTURES else "attachment"
        name = quote(file.get("name") or "file", safe="")
        return web.Response(
            body=base64.b64decode(file["data"]),
            headers={
                "Content-Type": type_ if type_ in _PICTURES else "application/octet-stream",
                "Content-Disposition": f"{shown}; filename*=UTF-8''{name}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, no-store",
            },
        )

    async def _say(self, request: web.Request) -> web.StreamResponse:
        own_chat = self._own_chat(request) if not _desk_request(request) else None
        if isinstance(self._mode, Public) and own_chat is not None and not self._per_chat.take(own_chat):
            return _error(429, self._sentence("too_fast", request.query.get("language")))
        data = await _json(request)
        if _desk_request(request) != (isinstance(data, dict) and "desk" in data):
            raise Wrong("The address says desk if and only if the body does.")
        inbound = said(data, account=self.name, contact_points=self._contact_points, own_chat=own_chat)
        if inbound.from_desk and not self._at_desk(request, inbound.contact_point):
            raise web.HTTPForbidden(reason="The key of the desk is needed.")
        writer = f"{inbound.contact_point}/{inbound.chat}/{inbound.by}"
        if (own_chat is None and not self._per_chat.take(writer)) or not self._for_all.take(""):
            return _error(429, self._sentence("too_fast", inbound.language))
        if inbound.edits:
            await self._change(inbound)
        else:
            await self._write(inbound)
        return web.json_response({"id": inbound.message_id})

    async def _write(self, inbound: Inbound) -> None:
        """Written down first, so that it stands above the answer; the tick comes after the inbox commit."""
        place = Place(inbound.contact_point, inbound.chat)
        self._under_way.add((place, inbound.message_id))
        try:
            async with self._writing[place.contact_point]:
                before = await self._memory.find(place, inbound.message_id)
                if before is None:
                    payload = {"state": "pending", "inbound": _without_data(inbound)}
                    await self._memory.keep(place, inbound.message_id, payload, self._now())
                elif before.payload.get("state") != "pending":
                    return
            self._wake(place)
            await self._receive(inbound)
            await self._mark(place, inbound.message_id, "stored")
        finally:
            self._under_way.discard((place, inbound.message_id))

    async def _change(self, inbound: Inbound) -> None:
        place = Place(inbound.contact_point, inbound.chat)
        before = await self._memory.find(place, inbound.edits)
        own = before.payload.get("inbound") if before is not None else None
        if own is None or own.get("by", "") != inbound.by:
            raise Wrong("Only a message of one's own can be changed.")
        if not own.get("text"):
            raise Wrong("Only a text can be changed.")
        await self._receive(inbound)
        async with self._writing[place.contact_point]:
            before = await self._memory.find(place, inbound.edits)
            if before is not None:
                changed = {**before.payload["inbound"], "text": inbound.text}
                payload = {**before.payload, "inbound": changed, "edited": True}
                await self._memory.keep(place, inbound.edits, payload, before.at)
        self._wake(place)

    async def _time(self, request: web.Request) -> web.StreamResponse:
        assert isinstance(self._mode, Demo) and self._mode.time is not None
        return web.json_response({"now": self._mode.time.now().isoformat()})

    async def _move_time(self, request: web.Request) -> web.StreamResponse:
        assert isinstance(self._mode, Demo) and self._mode.time is not None
        body = await _body(request, {"minutes", "to"})
        minutes = body.get("minutes")
        if body == {"to": "next_service"}:
            await self._mode.time.to_next_service()
        elif set(body) == {"minutes"} and type(minutes) is int and 0 < minutes <= _LONGEST_LEAP:
            await self._mode.time.advance(minutes)
        else:
            raise Wrong("Time moves by minutes, or to the next service time.")
        return await self._time(request)

    def _sentence(self, label: str, language: Any) -> str:
        return render(LABELS[label], language if language in LANGUAGES else SOURCE)


def _desk_request(request: web.Request) -> bool:
    return request.query.get("at") == "desk"


def _shown(kept: Kept) -> dict[str, Any]:
    """What the page needs to show this message."""
    at = {"id": kept.id, "order": kept.order, "at": kept.at.isoformat(), "chat": kept.place.chat}
    if "inbound" in kept.payload:
        inbound = dict(kept.payload["inbound"])
        state, edited = kept.payload["state"], kept.payload.get("edited", False)
        shown = {
            key: inbound[key]
            for key in ("text", "choice", "pressed", "reply_to", "by", "thread", "media")
            if key in inbound
        }
        return {**at, "from": "person", "state": state, "edited": edited, **shown}
    message = dict(kept.payload["message"])
    if file := message.pop("file", None):
        data = file.pop("data", "") if isinstance(file, dict) else ""
        at["file"] = {**file, "size": len(data) * 3 // 4 - data[-2:].count("=")}
    for inner in ("edits", "flow"):
        message.pop(inner, None)
    return {**at, "from": "bot", **message}


def _without_data(inbound: Inbound) -> dict[str, Any]:
    """What a person sent as a file is not kept here, nor its name (D-09, F-26); only that something was sent."""
    if inbound.media is not None:
        inbound = replace(inbound, media=Media(inbound.media.kind))
    return to_json(inbound)


async def _json(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):
        raise Wrong("The body is no JSON.") from None


async def _body(request: web.Request, fields: set[str]) -> dict[str, Any]:
    body = await _json(request)
    if not isinstance(body, dict) or set(body) - fields:
        raise Wrong(f"The body is an object with these fields at most: {', '.join(sorted(fields))}.")
    return body


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise Wrong("The number of the last event must be a number.")
    return int(value)


def _error(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)


def _static_files(title: str) -> dict[str, tuple[bytes, str, str]]:
    files = {}
    for path in sorted(_STATIC.iterdir()):
        body = path.read_bytes()
        if path.name == "index.html":
            body = body.replace(b"{title}", html.escape(title).encode())
        type_ = _TYPES.get(path.suffix, "text/html")
        files[path.name] = (body, type_, f'"{hashlib.sha256(body).hexdigest()[:24]}"')
    return files
