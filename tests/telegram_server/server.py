"""A server that behaves like Telegram's Bot API, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import BodyPartReader, web

# Importing them is what makes their methods known.
from tests.telegram_server import chats, editing, fetching, profile, sending  # noqa: F401
from tests.telegram_server.calls import METHODS, Call, Params, Upload
from tests.telegram_server.errors import Refusal, bad, not_found
from tests.telegram_server.faults import BAD_GATEWAY, FILE, Fault, Faults, Struck
from tests.telegram_server.files import UPLOAD
from tests.telegram_server.groups import Group
from tests.telegram_server.keyboards import split
from tests.telegram_server.limits import EVERYWHERE, Limits, Refused, Send
from tests.telegram_server.people import Person
from tests.telegram_server.schema import Schema, schema_from_environment
from tests.telegram_server.text import check_unicode
from tests.telegram_server.world import Account, BotAccount, Chat, World, verb

TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{30,}")
PATIENCE = 10
"""Seconds that a test waits for something to happen."""


@dataclass(frozen=True)
class Request:
    """What a bot asked for, without its token."""

    at: float
    bot: BotAccount
    method: str
    params: dict[str, Any]
    files: tuple[str, ...]
    status: int
    """What was answered, or would have been."""
    description: str


class TelegramServer:
    """Telegram with its people and groups; the bots come over HTTP."""

    def __init__(self, limits: Limits | None = None, schema: Path | None = None) -> None:
        """Without a schema, that of the environment is used, if any."""
        self.world = World(limits or Limits())
        self.faults = Faults()
        self.requests: list[Request] = []
        schema = schema or schema_from_environment()
        self._schema = Schema(schema) if schema else None
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()
        self.origin = ""

    @property
    def violations(self) -> list[str]:
        """Requests that no Bot API describes; a test expects none."""
        return self.world.violations

    @property
    def checks_schema(self) -> bool:
        return self._schema is not None

    @property
    def limits(self) -> Limits:
        return self.world.flood.limits

    @property
    def sends(self) -> list[Send]:
        """Every message that was sent."""
        return self.world.flood.sends

    @property
    def refused(self) -> list[Refused]:
        """Everything that was answered with 429."""
        return self.world.flood.refused

    def busiest(self, seconds: float, *, bot: BotAccount | None = None, chat: Chat | None = None) -> int:
        """The most messages that were sent within any such span of time."""
        return self.world.flood.busiest(seconds, bot=bot and bot.id, chat=chat and chat.id)

    def requests_of(self, method: str) -> list[Request]:
        return [each for each in self.requests if each.method == method]

    @verb
    def bot(self, name: str = "Bot", username: str = "", *, privacy: bool = False) -> BotAccount:
        """A new bot; its `token` is what it comes with."""
        number = 7_000_000_000 + next(self.world.numbers)
        secret = hashlib.sha256(f"{number}".encode()).hexdigest()[:35]
        username = username or f"test_{number}_bot"
        bot = BotAccount(self.world, number, name, username=username, is_bot=True, privacy=privacy)
        bot.token = f"{number}:{secret}"
        self.world.bots[bot.token] = bot
        self.world.accounts[bot.id] = bot
        return bot

    @verb
    def user(self, first_name: str, language_code: str = "de", *, username: str = "", last_name: str = "") -> Person:
        """A new person, who has not met any bot yet."""
        number = 6_000_000_000 + next(self.world.numbers)
        person = Person(self.world, number, first_name, last_name, username, language_code)
        self.world.accounts[number] = person
        return person

    @verb
    def group(
        self,
        title: str,
        *members: Account,
        forum: bool = False,
        supergroup: bool = False,
        owner: Account | None = None,
    ) -> Group:
        """A new group; bots among the members are told."""
        owner = owner or self.user("Owner")
        number = next(self.world.numbers)
        chat_id = -(1_000_000_000_000 + 1_900_000_000 + number) if forum or supergroup else -(4_000_000_000 + number)
        group = Group(self.world, chat_id, title, owner, supergroup=supergroup, forum=forum)
        for member in members:
            group.adds(member)
        return group

    @verb
    def inject(self, bot: BotAccount, fields: dict[str, Any], chat: int = 0) -> int:
        """Gives a bot any update, such as one of a kind that is not there yet, and returns its id."""
        return bot.queue.push_raw(fields, chat)

    @verb
    def doubles(self, bot: BotAccount, updates: int = 1) -> None:
        """So many of the next updates come twice."""
        bot.queue.duplicate += updates

    @verb
    def shuffles(self, bot: BotAccount, seed: int) -> None:
        """The webhook gets its updates in any order."""
        bot.queue.shuffle = random.Random(seed)

    @verb
    def penalise(self, bot: BotAccount, chat: Chat | None = None, seconds: float = 30) -> None:
        """Too many requests for so long, in one chat or in all."""
        self.world.flood.penalise(bot.id, chat.id if chat else EVERYWHERE, seconds)

    @verb
    def forgive(self, bot: BotAccount, chat: Chat | None = None) -> None:
        self.world.flood.forgive(bot.id, chat.id if chat else EVERYWHERE)

    @verb
    def later(self, seconds: float) -> None:
        """Dates of messages go on; flood control keeps real time."""
        self.world.later(seconds)

    @verb
    def expires_callbacks(self) -> None:
        """All presses so far are too old to be answered."""
        for callback in self.world.callbacks.values():
            callback.expired = True

    @verb
    def revokes(self, bot: BotAccount) -> str:
        """The token stops working, and a new one is returned."""
        del self.world.bots[bot.token]
        bot.token = f"{bot.id}:{hashlib.sha256(bot.token.encode()).hexdigest()[:35]}"
        self.world.bots[bot.token] = bot
        return bot.token

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Waits until something is so, and returns what the condition did."""
        deadline = time.monotonic() + seconds
        while not (result := condition()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"waited in vain: {what}")
            # What is asked for may also lie outside of this world.
            await self.world.change(min(left, 0.05))
        return result

    async def start(self, port: int = 0) -> None:
        self.world.live()
        self._closing = asyncio.Event()
        application = web.Application(client_max_size=UPLOAD + (1 << 20))
        application.router.add_route("*", "/bot{token}/{method}", self._answer)
        application.router.add_get("/file/bot{token}/{path:.+}", self._file)
        application.router.add_route("*", "/{rest:.*}", _nowhere)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.origin = f"http://127.0.0.1:{bound}"

    async def stop(self) -> None:
        self._closing.set()
        for bot in self.world.bots.values():
            await bot.queue.close()
        assert self._runner is not None
        await self._runner.cleanup()

    def _bot(self, request: web.Request) -> BotAccount:
        token = unquote(request.match_info["token"])
        if not TOKEN.fullmatch(token):
            raise not_found()
        bot = self.world.bots.get(token)
        if bot is None:
            raise Refusal(401, "Unauthorized")
        return bot

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            bot = self._bot(request)
        except Refusal as refusal:
            return _refused(refusal)
        params, refusal = await _read(request)
        struck = self.faults.strike(name, _number(params.values.get("chat_id")))
        if struck and not struck.fault.after:
            return await self._strike(struck, request)
        status, body = 200, b""
        description = ""
        try:
            if refusal is not None:
                raise refusal
            result = await self._call(bot, name, params)
            body = json.dumps({"ok": True, "result": result}).encode()
        except Refusal as error:
            status, description = error.code, error.description
            body = json.dumps(error.body()).encode()
        finally:
            done = Request(time.monotonic(), bot, name, params.values, tuple(params.files), status, description)
            self.requests.append(done)
            self.world.changed()
        if struck:
            return await self._strike(struck, request, status, body)
        return web.Response(status=status, body=body, content_type="application/json")

    async def _call(self, bot: BotAccount, name: str, params: Params) -> Any:
        check_unicode(params.values)
        self._check(name, params)
        method = METHODS.get(name.lower())
        if method is None:
            raise not_found()
        result = method(Call(self.world, bot, name, params))
        return await result if inspect.isawaitable(result) else result

    def _check(self, name: str, params: Params) -> None:
        """Refuses what the schema does not know; where Telegram has words of its own, they are left to it."""
        if self._schema is None:
            return
        if not self._schema.knows(name):
            self.violations.append(f"{name}: unknown method")
            raise not_found()
        if name.lower() not in METHODS:
            self.violations.append(f"{name}: not part of this server")
            raise not_found()
        wrong, lacking = self._schema.problems(name, params.values, params.files)
        self.violations.extend(f"{name}: {problem}" for problem in [*wrong, *lacking])
        if wrong:
            split(params.json("reply_markup"))
            raise bad(wrong[0])

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._bot(request)
        except Refusal as refusal:
            return _refused(refusal)
        struck = self.faults.strike(FILE)
        if struck and not struck.fault.after:
            return await self._strike(struck, request)
        stored = self.world.files.by_path(request.match_info["path"])
        if stored is None:
            return _refused(not_found())
        if struck:
            return await self._strike(struck, request, 200, stored.data)
        return web.Response(body=stored.data, content_type="application/octet-stream")

    async def _strike(
        self, struck: Struck, request: web.Request, status: int = 200, body: bytes = b""
    ) -> web.StreamResponse:
        fault = struck.fault
        if fault in (Fault.INTERNAL, Fault.INTERNAL_AFTER):
            return _refused(Refusal(500, "Internal Server Error"))
        if fault in (Fault.GATEWAY, Fault.GATEWAY_AFTER):
            return web.Response(status=502, text=BAD_GATEWAY, content_type="text/html")
        if fault is Fault.GARBAGE_AFTER:
            return web.Response(status=status, body=body[: len(body) // 2], content_type="application/json")
        if fault is not Fault.RESET and fault is not Fault.RESET_AFTER:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(struck.seconds):
                    await self._closing.wait()
            if fault is Fault.SLOW:
                return web.Response(status=status, body=body, content_type="application/json")
        _reset(request)
        return web.Response()


async def _nowhere(_request: web.Request) -> web.Response:
    return _refused(not_found())


def _refused(refusal: Refusal) -> web.Response:
    headers = {"Retry-After": str(refusal.parameters["retry_after"])} if "retry_after" in refusal.parameters else {}
    return web.json_response(refusal.body(), status=refusal.code, headers=headers)


def _reset(request: web.Request) -> None:
    """Ends the connection so that the other side gets an error."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


async def _read(request: web.Request) -> tuple[Params, Refusal | None]:
    """What a request carries, and why it cannot be read."""
    values: dict[str, Any] = dict(_form(request.url.raw_query_string))
    files: dict[str, Upload] = {}
    try:
        if request.content_type == "application/json":
            body = await request.read()
            given = json.loads(body.decode("utf-8", "surrogateescape")) if body else {}
            if not isinstance(given, dict):
                return Params(values, files), bad("can't parse request JSON object")
            values |= {name: value for name, value in given.items() if value is not None}
        elif request.content_type == "application/x-www-form-urlencoded":
            values |= _form((await request.read()).decode("ascii", "surrogateescape"))
        elif request.content_type.startswith("multipart/"):
            await _read_parts(request, values, files)
    except web.HTTPRequestEntityTooLarge:
        return Params(values, files), Refusal(413, "Request Entity Too Large")
    except ValueError:
        return Params(values, files), bad("can't parse request JSON object")
    return Params(values, files), None


def _form(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True, errors="surrogateescape"))


async def _read_parts(request: web.Request, values: dict[str, Any], files: dict[str, Upload]) -> None:
    size = 0
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        size += len(data)
        if size > UPLOAD:
            raise web.HTTPRequestEntityTooLarge(UPLOAD, size)
        name = part.name or ""
        if part.filename is None:
            values[name] = data.decode("utf-8", "surrogateescape")
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files[name] = Upload(part.filename, kind, data)


@contextlib.asynccontextmanager
async def running_server(
    limits: Limits | None = None, schema: Path | None = None, port: int = 0
) -> AsyncIterator[TelegramServer]:
    """A server within the loop of the test."""
    server = TelegramServer(limits, schema)
    await server.start(port)
    try:
        yield server
    finally:
        await server.stop()


class ThreadedServer:
    """A server with a loop and a thread of its own, for bots that are processes; its verbs work from every thread."""

    def __init__(self, limits: Limits | None = None, schema: Path | None = None, port: int = 0) -> None:
        self._limits, self._schema, self._port = limits, schema, port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None

    def __enter__(self) -> TelegramServer:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> TelegramServer:
        self._thread.start()
        self._ready.wait(PATIENCE)
        if self._error is not None:
            raise self._error
        return self.server

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """As the server's, without a loop."""
        waiting = asyncio.run_coroutine_threadsafe(self.server.until(condition, what, seconds), self._loop)
        return waiting.result(seconds + PATIENCE)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        try:
            async with running_server(self._limits, self._schema, self._port) as self.server:
                self._ready.set()
                await self._end.wait()
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._ready.set()
