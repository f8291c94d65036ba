"""The server that stands for Telegram, asked by python-telegram-bot and by hand."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import telegram
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    MenuButtonCommands,
    ReplyParameters,
    Update,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TimedOut,
)
from telegram.request import HTTPXRequest

from tests.telegram_server.faults import Fault
from tests.telegram_server.groups import Group
from tests.telegram_server.limits import Limits
from tests.telegram_server.people import Person
from tests.telegram_server.schema import Schema, schema_from_environment
from tests.telegram_server.server import TelegramServer, ThreadedServer, running_server
from tests.telegram_server.world import BotAccount, Message

UNLIMITED = Limits(enforced=False)
TOPIC_RIGHTS = ("can_manage_topics", "can_delete_messages", "can_pin_messages")


def _image(width: int = 40, height: int = 30) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(stream, "PNG")
    return stream.getvalue()


def _keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(each.title(), callback_data=each)] for each in data])


@dataclass
class World:
    """One bot and one person who has started it."""

    server: TelegramServer
    account: BotAccount
    bot: Bot
    ada: Person
    chat: list[Message]
    seen: int = 0

    async def updates(self, timeout: int = 0, **options: Any) -> list[Update]:
        """What is new, confirmed at once."""
        got = await self.bot.get_updates(offset=self.seen, timeout=timeout, **options)
        if got:
            self.seen = got[-1].update_id + 1
        return list(got)

    async def update(self) -> Update:
        (update,) = await self.updates(timeout=2)
        return update

    def group(self, *rights: str, forum: bool = True, **options: Any) -> Group:
        """A group of both, where the bot has these rights."""
        group = self.server.group("Desk", self.ada, self.account, forum=forum, **options)
        if rights:
            group.promotes(self.account, *rights)
        self.account.queue.waiting.clear()
        return group

    async def raw(self, method: str, **options: Any) -> tuple[int, Any]:
        """Asks without a library, which may be stricter than Telegram."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.server.origin}/bot{self.account.token}/{method}", **options) as answer,
        ):
            return answer.status, await answer.json(content_type=None)


def _bot(server: TelegramServer, account: BotAccount, seconds: float = 5) -> Bot:
    # Reading all the world's certificates takes longer than a test.
    def request() -> HTTPXRequest:
        return HTTPXRequest(
            connection_pool_size=8,
            read_timeout=seconds,
            media_write_timeout=seconds,
            httpx_kwargs={"trust_env": False, "verify": False},
        )

    return Bot(
        account.token,
        base_url=f"{server.origin}/bot",
        base_file_url=f"{server.origin}/file/bot",
        request=request(),
        get_updates_request=request(),
    )


@pytest.fixture
async def limits() -> Limits:
    return UNLIMITED


@pytest.fixture
async def world(limits: Limits) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running_server(limits))
        account = server.bot()
        bot = await stack.enter_async_context(_bot(server, account))
        ada = server.user("Ada", username="ada")
        ada.starts(account)
        account.queue.waiting.clear()
        yield World(server, account, bot, ada, ada.chat(account).all_messages)


class TestTalking:
    async def test_what_is_said_arrives_and_is_answered(self, world: World) -> None:
        world.ada.says(world.account, "Hello /help")
        message = (await world.update()).message
        assert message is not None and message.from_user is not None
        assert (message.text, message.from_user.language_code, message.chat.type) == ("Hello /help", "de", "private")
        assert message.parse_entities() == {message.entities[0]: "/help"}

        sent = await world.bot.send_message(
            world.ada.id,
            "<b>Hi</b> &amp; welcome",
            parse_mode="HTML",
            reply_parameters=ReplyParameters(message.message_id),
        )
        seen = world.ada.chat(world.account).messages[-1]
        assert (seen.id, seen.text, seen.reply_to and seen.reply_to.text) == (
            sent.message_id,
            "Hi & welcome",
            "Hello /help",
        )
        assert seen.entities == [{"type": "bold", "offset": 0, "length": 2}]
        assert world.server.violations == []

    async def test_start_carries_a_payload(self, world: World) -> None:
        bea = world.server.user("Bea", "en")
        bea.starts(world.account, "from_a_poster")
        assert (await world.update()).message.text == "/start from_a_poster"  # type: ignore[union-attr]

    async def test_changing_a_message(self, world: World) -> None:
        said = world.ada.says(world.account, "Helo")
        world.ada.edits(said, "Hello")
        _said, edited = await world.updates()
        assert edited.edited_message is not None and edited.edited_message.edit_date is not None
        assert edited.edited_message.text == "Hello"

        sent = await world.bot.send_message(world.ada.id, "Yes or no?", reply_markup=_keyboard("yes", "no"))
        shown = world.ada.chat(world.account).messages[-1]
        assert shown.labels == ["Yes", "No"]
        await world.bot.edit_message_text("Yes?", world.ada.id, sent.message_id)
        assert (shown.text, shown.labels, shown.edited > 0) == ("Yes?", [], True)
        await world.bot.edit_message_reply_markup(world.ada.id, sent.message_id, reply_markup=_keyboard("yes"))
        assert shown.labels == ["Yes"]
        await world.bot.delete_message(world.ada.id, sent.message_id)
        assert shown.deleted and shown not in world.ada.chat(world.account).messages

    async def test_buttons(self, world: World) -> None:
        await world.bot.send_message(world.ada.id, "Yes or no?", reply_markup=_keyboard("yes", "no"))
        shown = world.ada.chat(world.account).messages[-1]
        pressed = world.ada.presses(shown, "Yes")
        world.ada.presses(shown, "no", data="forged")
        world.ada.presses(shown, "no", inaccessible=True)
        world.ada.presses(shown, "no", without_message=True)
        world.ada.presses_nothing(world.account, "anything")
        queries = [update.callback_query for update in await world.updates()]
        assert [query and query.data for query in queries] == ["yes", "forged", "no", "no", "anything"]
        first, _forged, old, none, _nothing = queries
        assert first and old and none
        assert isinstance(first.message, telegram.Message) and first.message.reply_markup is not None
        assert old.message is not None and not old.message.is_accessible and none.message is None
        await first.answer("Noted", show_alert=True)
        assert (pressed.answered, pressed.text, pressed.alert) == (True, "Noted", True)
        world.server.expires_callbacks()
        with pytest.raises(BadRequest, match="Query is too old and response timeout expired or query id is invalid"):
            await first.answer()
        with pytest.raises(AssertionError):
            world.ada.presses(shown, "Perhaps")

    async def test_somebody_else_presses(self, world: World) -> None:
        await world.bot.send_message(world.ada.id, "Yes?", reply_markup=_keyboard("yes"))
        bea = world.server.user("Bea")
        bea.presses(world.ada.chat(world.account).messages[-1], "Yes")
        query = (await world.update()).callback_query
        assert query and query.message and (query.from_user.id, query.message.chat.id) == (bea.id, world.ada.id)

    async def test_reactions_actions_and_pins(self, world: World) -> None:
        said = world.ada.says(world.account, "Hello")
        await world.bot.set_message_reaction(world.ada.id, said.id, "👀")
        await world.bot.send_chat_action(world.ada.id, "typing")
        await world.bot.pin_chat_message(world.ada.id, said.id)
        chat = world.ada.chat(world.account)
        assert (said.reactions, chat.actions, chat.pinned) == ({world.account.id: ["👀"]}, ["typing"], [said.id])
        await world.bot.set_message_reaction(world.ada.id, said.id)
        assert said.reactions == {world.account.id: []}
        await world.updates(allowed_updates=["message_reaction"])
        world.ada.reacts(said, "👍")
        assert (await world.update()).message_reaction is not None


class TestMedia:
    async def test_every_kind_is_parsed(self, world: World) -> None:
        to, ada = world.account, world.ada
        ada.sends_photo(to, _image(), "a picture")
        ada.sends_document(to, b"%PDF", "a.pdf")
        ada.sends_voice(to, b"ogg")
        ada.sends_video(to, b"mp4", "a film")
        ada.sends_video_note(to, b"mp4")
        ada.sends_audio(to, b"mp3")
        ada.sends_animation(to, b"gif")
        ada.sends_sticker(to)
        ada.sends_location(to, 51.0, 7.5)
        moving = ada.sends_live_location(to, 51.0, 7.5)
        ada.moves(moving, 51.1, 7.5)
        ada.sends_venue(to, 51.0, 7.5, "Town hall", "Market 1")
        ada.sends_contact(to, "+4922611", "Bea")
        ada.sends_poll(to, "When?", ["Now", "Later"])
        ada.sends_dice(to)
        messages = [update.effective_message for update in await world.updates()]
        kinds = [telegram.helpers.effective_message_type(message) for message in messages if message]
        assert kinds == [
            "photo", "document", "voice", "video", "video_note", "audio", "animation", "sticker", "location", "location",
            "location", "location", "contact", "poll", "dice",
        ]  # fmt: skip

    async def test_an_album_comes_in_pieces(self, world: World) -> None:
        world.ada.sends_album(world.account, [_image(), _image(), _image()], "three", captioned=1)
        messages = [update.message for update in await world.updates()]
        assert [message and message.caption for message in messages] == [None, "three", None]
        assert len({message and message.media_group_id for message in messages}) == 1

    async def test_files_both_ways(self, world: World) -> None:
        world.ada.sends_document(world.account, b"%PDF", "a.pdf")
        document = (await world.update()).message.document  # type: ignore[union-attr]
        assert document is not None
        assert await (await document.get_file()).download_as_bytearray() == b"%PDF"

        sent = await world.bot.send_document(world.ada.id, b"text", caption="yours", filename="b.txt")
        again = await world.bot.send_document(world.ada.id, sent.document.file_id)  # type: ignore[union-attr]
        await world.bot.send_photo(world.ada.id, _image())
        await world.bot.send_media_group(world.ada.id, [InputMediaPhoto(_image()), InputMediaPhoto(_image())])
        await world.bot.edit_message_caption(world.ada.id, again.message_id, caption="ours")
        messages = world.ada.chat(world.account).messages[-5:]
        assert [message.document and message.document[0] for message in messages[:2]] == ["b.txt", "b.txt"]
        assert [message.text for message in messages] == ["yours", "ours", "", "", ""]
        assert messages[3].media_group_id == messages[4].media_group_id != ""
        assert world.server.violations == []

    async def test_a_file_too_large_to_fetch(self, world: World) -> None:
        world.ada.sends_document(world.account, b"%PDF", size=(20 << 20) + 1)
        document = (await world.update()).message.document  # type: ignore[union-attr]
        with pytest.raises(BadRequest, match="File is too big"):
            await world.bot.get_file(document)  # type: ignore[arg-type]

    async def test_what_is_not_there_is_not_served(self, world: World) -> None:
        for path, status in (
            (f"/file/bot{world.account.token}/none.bin", 404),
            (f"/file/bot{7:010}:{'x' * 35}/none.bin", 401),
            ("/file/botx/none.bin", 404),
            ("/", 404),
        ):
            async with aiohttp.ClientSession() as session, session.get(world.server.origin + path) as answer:
                assert answer.status == status, path


LONG = "x" * 4097
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
BUTTON = {"text": "A", "callback_data": "a"}


def _rows(*rows: list[Any]) -> str:
    return json.dumps({"inline_keyboard": rows})


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("sendMessage", {"text": "x"}, "chat_id is empty"),
    ("sendMessage", {"chat_id": "{chat}", "text": ""}, "message text is empty"),
    ("sendMessage", {"chat_id": "{chat}"}, "message text is empty"),
    ("sendMessage", {"chat_id": "{chat}", "text": " \n "}, "text must be non-empty"),
    ("sendMessage", {"chat_id": "{chat}", "text": LONG}, "message is too long"),
    ("sendMessage", {"chat_id": "{chat}", "text": "😀" * 2049}, "message is too long"),
    ("sendMessage", {"chat_id": 5, "text": "x"}, "chat not found"),
    ("sendMessage", {"chat_id": -5, "text": "x"}, "chat not found"),
    ("sendMessage", {"chat_id": "{chat}", "text": "x", "message_thread_id": 7}, "message thread not found"),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "x", "reply_parameters": '{"message_id": 99}'},
        "message to be replied not found",
    ),
    ("sendMessage", {"chat_id": "{chat}", "text": "x", "reply_markup": "{"}, "can't parse reply_markup JSON object"),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "x", "reply_markup": _rows([BUTTON] * 9)},
        "reply markup is too long",
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "x", "reply_markup": _rows(*[[BUTTON] * 4] * 26)},
        "reply markup is too long",
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "x", "reply_markup": _rows([{"text": "A", "callback_data": "ä" * 33}])},
        "BUTTON_DATA_INVALID",
    ),
    *[
        (
            "sendMessage",
            {"chat_id": "{chat}", "text": "x", "reply_markup": _rows([button])},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        )
        for button in ({"text": "A"}, {"text": "A", "callback_data": ""}, {**BUTTON, "url": "https://example.org"})
    ],
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "x", "reply_markup": _rows([{"text": "", "callback_data": "a"}])},
        "inline keyboard button text must be non-empty",
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "x", "reply_markup": _rows([{"text": "A", "url": "ftp://example.org"}])},
        "inline keyboard button URL 'ftp://example.org' is invalid: Unsupported URL protocol",
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "<b>x", "parse_mode": "HTML"},
        "can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "ä<p>x</p>", "parse_mode": "HTML"},
        'can\'t parse entities: Unsupported start tag "p" at byte offset 2',
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "<b>x</i>", "parse_mode": "HTML"},
        'can\'t parse entities: Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "a.", "parse_mode": "MarkdownV2"},
        "can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
    ),
    (
        "sendMessage",
        {"chat_id": "{chat}", "text": "*a", "parse_mode": "MarkdownV2"},
        "can't parse entities: Can't find the end of Bold entity at byte offset 0",
    ),
    ("sendPhoto", {"chat_id": "{chat}"}, "there is no photo in the request"),
    ("sendDocument", {"chat_id": "{chat}", "document": "no such id"}, "wrong remote file identifier specified"),
    ("editMessageText", {"chat_id": "{chat}", "message_id": 99, "text": "x"}, "message to edit not found"),
    ("editMessageText", {"chat_id": "{chat}", "message_id": 1, "text": "x"}, "message can't be edited"),
    (
        "editMessageText",
        {"chat_id": "{chat}", "message_id": "{sent}", "text": "sent"},
        NOT_MODIFIED,
    ),
    ("editMessageText", {"text": "x"}, "message identifier is not specified"),
    (
        "editMessageCaption",
        {"chat_id": "{chat}", "message_id": "{sent}", "caption": "x"},
        "there is no caption in the message to edit",
    ),
    (
        "editMessageCaption",
        {"chat_id": "{chat}", "message_id": "{sent}", "caption": "x" * 1025},
        "message caption is too long",
    ),
    ("deleteMessage", {"chat_id": "{chat}", "message_id": 99}, "message to delete not found"),
    ("setMessageReaction", {"chat_id": "{chat}", "message_id": 99}, "message to react not found"),
    (
        "setMessageReaction",
        {"chat_id": "{chat}", "message_id": 1, "reaction": '[{"type":"emoji","emoji":"✅"}]'},
        "REACTION_INVALID",
    ),
    (
        "setMessageReaction",
        {"chat_id": "{chat}", "message_id": 1, "reaction": json.dumps([{"type": "emoji", "emoji": "👍"}] * 2)},
        "REACTIONS_TOO_MANY",
    ),
    (
        "answerCallbackQuery",
        {"callback_query_id": "1"},
        "query is too old and response timeout expired or query ID is invalid",
    ),
    ("sendChatAction", {"chat_id": "{chat}", "action": "sleeping"}, "wrong parameter action in request"),
    ("getFile", {"file_id": "x"}, "wrong file_id or the file is temporarily unavailable"),
    ("createForumTopic", {"chat_id": "{chat}", "name": "x"}, "the chat is not a forum"),
    ("setWebhook", {"url": "http://example.org"}, "bad webhook: An HTTPS URL must be provided for webhook"),
    (
        "setWebhook",
        {"url": "https://example.org", "secret_token": "ö"},
        "secret token contains unallowed characters",
    ),
    ("setMyCommands", {"commands": '[{"command": "Help", "description": "x"}]'}, "BOT_COMMAND_INVALID"),
    ("setMyCommands", {"commands": '[{"command": "help", "description": ""}]'}, "BOT_COMMAND_DESCRIPTION_INVALID"),
    (
        "setMyCommands",
        {"commands": json.dumps([{"command": f"c{n}", "description": "x"} for n in range(101)])},
        "BOT_COMMANDS_TOO_MUCH",
    ),
    (
        "setMyCommands",
        {"commands": "[]", "scope": '{"type": "chat", "chat_id": 5}'},
        "chat not found",
    ),
]


class TestRefusals:
    @pytest.mark.parametrize("form", ["json", "data"])
    async def test_in_telegrams_words(self, world: World, form: str) -> None:
        sent = await world.bot.send_message(world.ada.id, "sent")
        stands = {"{chat}": world.ada.id, "{sent}": sent.message_id}
        for method, fields, words in REFUSED:
            values = {name: stands.get(value, value) for name, value in fields.items()}
            before = len(world.server.sends)
            status, body = await world.raw(method, **{form: values})
            assert (status, body) == (
                400,
                {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"},
            ), (method, fields)
            assert len(world.server.sends) == before

    async def test_half_characters(self, world: World) -> None:
        for body in (
            {
                "data": json.dumps({"chat_id": world.ada.id, "text": "\ud83d"}),
                "headers": {"Content-Type": "application/json"},
            },
            {
                "data": f"chat_id={world.ada.id}&text=%ff",
                "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            },
            {
                "data": {
                    "chat_id": f"{world.ada.id}",
                    "text": "x",
                    "reply_markup": _rows([{**BUTTON, "text": "\ud83d"}]),
                }
            },
        ):
            assert (await world.raw("sendMessage", **body))[1]["description"] == (
                "Bad Request: strings must be encoded in UTF-8"
            )

    async def test_what_is_no_request(self, world: World) -> None:
        body = {"data": "{", "headers": {"Content-Type": "application/json"}}
        assert (await world.raw("sendMessage", **body))[0] == 400
        assert await world.raw("sendTelegram") == (404, {"ok": False, "error_code": 404, "description": "Not Found"})
        for token, answer in ((f"123456:{'x' * 35}", (401, "Unauthorized")), ("123456:short", (404, "Not Found"))):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{world.server.origin}/bot{token}/getMe") as response,
            ):
                assert (response.status, (await response.json())["description"]) == answer

    async def test_images(self, world: World) -> None:
        for data, words in (
            (b"no image", "Image_process_failed"),
            (_image(2100, 100), "Photo_invalid_dimensions"),
            (bytes((10 << 20) + 1), "File of size 10485761 bytes is too big for a photo"),
        ):
            with pytest.raises(BadRequest, match=words):
                await world.bot.send_photo(world.ada.id, data)

    async def test_people_who_are_not_there(self, world: World) -> None:
        bea = world.server.user("Bea")
        with pytest.raises(Forbidden, match="bot can't initiate conversation with a user"):
            await world.bot.send_message(bea.id, "x")
        world.ada.blocks(world.account)
        with pytest.raises(Forbidden, match="bot was blocked by the user"):
            await world.bot.send_message(world.ada.id, "x")
        world.ada.unblocks(world.account)
        await world.bot.send_message(world.ada.id, "x")
        statuses = [
            (change.old_chat_member.status, change.new_chat_member.status)
            for update in await world.updates()
            if (change := update.my_chat_member)
        ]
        assert statuses == [("member", "kicked"), ("kicked", "member")]
        world.ada.leaves_telegram()
        with pytest.raises(Forbidden, match="user is deactivated"):
            await world.bot.send_message(world.ada.id, "x")

    async def test_old_messages_stay(self, world: World) -> None:
        said = world.ada.says(world.account, "Hello")
        fresh = await world.bot.send_message(world.ada.id, "x")
        world.server.later(48 * 3600)
        for message_id in (said.id, fresh.message_id):
            with pytest.raises(BadRequest, match="Message can't be deleted for everyone"):
                await world.bot.delete_message(world.ada.id, message_id)

    async def test_many_are_deleted_at_once(self, world: World) -> None:
        sent = [await world.bot.send_message(world.ada.id, "x") for _ in range(3)]
        await world.bot.delete_messages(world.ada.id, [*(each.message_id for each in sent), 999])
        assert [each.text for each in world.ada.chat(world.account).messages] == ["/start"]


class TestPolling:
    async def test_an_offset_confirms(self, world: World) -> None:
        for text in "abc":
            world.ada.says(world.account, text)
        first, *_rest = await world.bot.get_updates()
        assert len(await world.bot.get_updates(limit=2)) == 2
        assert len(await world.bot.get_updates(offset=first.update_id + 1)) == 2
        assert len(await world.bot.get_updates(offset=-1)) == 1
        (last,) = await world.bot.get_updates()
        assert last.message and last.message.text == "c"
        assert not await world.bot.get_updates(offset=last.update_id + 1)

    async def test_it_waits_for_what_is_said(self, world: World) -> None:
        started = time.monotonic()
        waiting = asyncio.create_task(world.bot.get_updates(timeout=5))
        await asyncio.sleep(0.1)
        world.ada.says(world.account, "Hello")
        (update,) = await waiting
        assert update.message and 0.1 <= time.monotonic() - started < 4
        assert not await world.bot.get_updates(offset=update.update_id + 1, timeout=1)
        assert time.monotonic() - started > 1

    async def test_the_older_of_two_is_sent_away(self, world: World) -> None:
        older = asyncio.create_task(world.bot.get_updates(timeout=5))
        await asyncio.sleep(0.05)
        newer = asyncio.create_task(world.bot.get_updates(timeout=5))
        with pytest.raises(
            Conflict, match="terminated by other getUpdates request; make sure that only one bot instance"
        ):
            await older
        world.ada.says(world.account, "Hello")
        assert len(await newer) == 1

    async def test_only_what_is_asked_for(self, world: World) -> None:
        await world.bot.get_updates(allowed_updates=["callback_query"])
        world.ada.says(world.account, "Hello")
        await world.bot.get_updates(allowed_updates=[])
        world.ada.says(world.account, "Bye")
        assert (await world.update()).message.text == "Bye"  # type: ignore[union-attr]

    async def test_what_no_library_can_read(self, world: World) -> None:
        world.server.inject(world.account, {"message": {"message_id": "x"}})
        with pytest.raises(Exception, match=r"missing|argument|date"):
            await world.bot.get_updates()
        world.server.inject(world.account, {"hologram": {"id": 1}})
        _status, body = await world.raw("getUpdates")
        assert [sorted(update) for update in body["result"]] == [["message", "update_id"], ["hologram", "update_id"]]

    async def test_twice(self, world: World) -> None:
        world.server.doubles(world.account)
        world.ada.says(world.account, "Hello")
        first, second = await world.updates()
        assert first.update_id == second.update_id


class Hook:
    """A webhook that answers as it is told."""

    def __init__(self, port: int | None = None) -> None:
        self.got: list[dict[str, Any]] = []
        self.secrets: list[str | None] = []
        self.statuses: list[int] = []
        application = web.Application()
        application.router.add_post("/hook", self._take)
        self.server = TestServer(application, host="127.0.0.1", port=port)

    async def _take(self, request: web.Request) -> web.Response:
        assert request.headers["Content-Type"] == "application/json"
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 200:
            self.got.append(await request.json())
        return web.Response(status=status)

    @property
    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.got]


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    async with hook.server:
        yield hook


class TestWebhook:
    async def test_it_comes_in_order_and_again_when_refused(self, world: World, hook: Hook) -> None:
        hook.statuses = [500, 403]
        world.ada.says(world.account, "before")
        url = str(hook.server.make_url("/hook"))
        await world.bot.set_webhook(url, secret_token="secret", max_connections=5, allowed_updates=["message"])
        for text in "abc":
            world.ada.says(world.account, text)
        await world.server.until(lambda: len(hook.got) == 4, "four updates")
        assert hook.texts == ["before", "a", "b", "c"]
        assert set(hook.secrets) == {"secret"} and len(hook.secrets) == 6
        info = await world.bot.get_webhook_info()
        assert (info.url, info.max_connections, info.allowed_updates) == (url, 5, ("message",))
        assert info.last_error_message == "Wrong response from the webhook: 403 Forbidden"
        with pytest.raises(Conflict, match="can't use getUpdates method while webhook is active"):
            await world.bot.get_updates()
        await world.bot.delete_webhook()
        assert not await world.bot.get_updates()

    async def test_it_ends_a_poll(self, world: World, hook: Hook) -> None:
        polling = asyncio.create_task(world.bot.get_updates(timeout=5))
        await asyncio.sleep(0.05)
        await world.bot.set_webhook(str(hook.server.make_url("/hook")))
        with pytest.raises(Conflict, match="terminated by setWebhook request"):
            await polling

    async def test_what_waits_can_be_dropped(self, world: World, hook: Hook) -> None:
        world.ada.says(world.account, "before")
        assert (await world.bot.get_webhook_info()).pending_update_count == 1
        await world.bot.set_webhook(str(hook.server.make_url("/hook")), drop_pending_updates=True)
        world.ada.says(world.account, "after")
        await world.server.until(lambda: hook.got, "an update")
        assert hook.texts == ["after"]

    async def test_nobody_listens_for_a_while(self, world: World, hook: Hook) -> None:
        url = str(hook.server.make_url("/hook"))
        port = hook.server.port
        await hook.server.close()
        await world.bot.set_webhook(url)
        world.ada.says(world.account, "Hello")
        webhook = world.account.queue.webhook
        await world.server.until(lambda: webhook and len(webhook.deliveries) >= 2, "two attempts")
        again = Hook(port)
        async with again.server:
            await world.server.until(lambda: again.got, "the update")
        assert (await world.bot.get_webhook_info()).last_error_message == "Connection refused"

    async def test_any_order(self, world: World, hook: Hook) -> None:
        world.server.shuffles(world.account, seed=3)
        for number in range(8):
            world.ada.says(world.account, f"{number}")
        await world.bot.set_webhook(str(hook.server.make_url("/hook")), max_connections=1)
        await world.server.until(lambda: len(hook.got) == 8, "eight updates")
        assert sorted(hook.texts) == [f"{number}" for number in range(8)] != hook.texts


class TestGroups:
    async def test_coming_and_going(self, world: World) -> None:
        group = world.server.group("Desk", world.ada, supergroup=True)
        with pytest.raises(BadRequest, match="Chat not found"):
            await world.bot.send_message(group.id, "x")
        group.adds(world.account)
        group.promotes(world.account, "can_manage_topics")
        group.removes(world.account)
        changes = [
            (update.my_chat_member.new_chat_member.status if update.my_chat_member else "message")
            for update in await world.updates()
        ]
        assert changes == ["member", "message", "administrator", "kicked"]
        with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
            await world.bot.send_message(group.id, "x")
        group.adds(world.account)
        await world.bot.leave_chat(group.id)
        with pytest.raises(Forbidden, match="bot is not a member of the supergroup chat"):
            await world.bot.send_message(group.id, "x")

    async def test_who_is_in(self, world: World) -> None:
        group = world.group("can_manage_topics")
        bea = world.server.user("Bea")
        members = [(await world.bot.get_chat_member(group.id, who.id)).status for who in (world.ada, group.owner, bea)]
        assert members == ["member", "creator", "left"]
        me = await world.bot.get_chat_member(group.id, world.account.id)
        assert isinstance(me, telegram.ChatMemberAdministrator) and me.can_manage_topics
        assert {each.status for each in await world.bot.get_chat_administrators(group.id)} == {
            "creator",
            "administrator",
        }
        chat = await world.bot.get_chat(group.id)
        assert (chat.title, chat.is_forum) == ("Desk", True)
        assert (await world.bot.get_chat(world.ada.id)).username == "ada"

    async def test_anonymous_administrators(self, world: World) -> None:
        group = world.group()
        world.ada.says(group, "Hello", anonymous=True)
        message = (await world.update()).message
        assert message and message.from_user and message.sender_chat
        assert (message.from_user.username, message.sender_chat.id) == ("GroupAnonymousBot", group.id)

    async def test_privacy(self, world: World) -> None:
        group = world.group(supergroup=True, forum=False)
        world.account.privacy = True
        sent = await world.bot.send_message(group.id, "Hello")
        world.ada.says(group, "among us")
        world.ada.says(group, "/help")
        world.ada.says(group, "to you", reply_to=group.message(sent.message_id))
        assert [update.message and update.message.text for update in await world.updates()] == ["/help", "to you"]

    async def test_upgrade(self, world: World) -> None:
        group = world.group(forum=False)
        world.ada.says(group, "Hello")
        new = group.upgrades()
        _hello, to, of = [update.message for update in await world.updates()]
        assert to and of and (to.chat.id, to.migrate_to_chat_id) == (group.id, new.id)
        assert (of.chat.id, of.migrate_from_chat_id) == (new.id, group.id)
        with pytest.raises(ChatMigrated) as moved:
            await world.bot.send_message(group.id, "x")
        assert moved.value.new_chat_id == new.id
        await world.bot.send_message(new.id, "x")
        assert new.messages[-1].text == "x"

    async def test_others_messages_need_a_right(self, world: World) -> None:
        group = world.group()
        said = world.ada.says(group, "Hello")
        with pytest.raises(BadRequest, match="Message can't be deleted"):
            await world.bot.delete_message(group.id, said.id)
        group.promotes(world.account, "can_delete_messages")
        await world.bot.delete_message(group.id, said.id)
        assert said.deleted

    async def test_nobody_may_write(self, world: World) -> None:
        group = world.group()
        group.members_may_write = False
        with pytest.raises(BadRequest, match="Not enough rights to send text messages to the chat"):
            await world.bot.send_message(group.id, "x")


class TestTopics:
    async def test_a_topic_lives_and_dies(self, world: World) -> None:
        group = world.group(*TOPIC_RIGHTS)
        made = await world.bot.create_forum_topic(group.id, "Case 1")
        topic = group.topics[made.message_thread_id]
        await world.bot.send_message(group.id, "within", message_thread_id=topic.id)
        await world.bot.send_chat_action(group.id, "typing", message_thread_id=topic.id)
        await world.bot.edit_forum_topic(group.id, topic.id, name="Case 1, closed")
        await world.bot.close_forum_topic(group.id, topic.id)
        with pytest.raises(BadRequest, match="Topic_not_modified"):
            await world.bot.close_forum_topic(group.id, topic.id)
        await world.bot.send_message(group.id, "an administrator may", message_thread_id=topic.id)
        await world.bot.reopen_forum_topic(group.id, topic.id)
        assert [message.text for message in topic.messages if not message.service] == ["within", "an administrator may"]
        assert topic.name == "Case 1, closed"
        assert not await world.updates(), "a bot is not told what it did"

        group.closes_topic(topic, by=world.ada)
        closed = (await world.update()).message
        assert closed and closed.forum_topic_closed and closed.message_thread_id == topic.id and closed.is_topic_message
        await world.bot.delete_forum_topic(group.id, topic.id)
        for call in (world.bot.send_message(group.id, "x", message_thread_id=topic.id),):
            with pytest.raises(BadRequest, match="Message thread not found"):
                await call
        with pytest.raises(BadRequest, match="Topic_id_invalid"):
            await world.bot.reopen_forum_topic(group.id, topic.id)
        assert topic.deleted and not topic.messages
        assert world.server.violations == []

    async def test_without_the_right(self, world: World) -> None:
        group = world.group()
        topic = group.creates_topic("Theirs")
        for call, words in (
            (world.bot.create_forum_topic(group.id, "Mine"), "Not enough rights to create a topic"),
            (world.bot.edit_forum_topic(group.id, topic.id, "Mine"), "Not enough rights to edit the topic"),
            (world.bot.close_forum_topic(group.id, topic.id), "Not enough rights to close or open the topic"),
            (world.bot.delete_forum_topic(group.id, topic.id), "Not enough rights to delete the topic"),
        ):
            with pytest.raises(BadRequest, match=words):
                await call
        group.closes_topic(topic)
        with pytest.raises(BadRequest, match="Topic_closed"):
            await world.bot.send_message(group.id, "x", message_thread_id=topic.id)

    async def test_general_and_topics_are_told_apart(self, world: World) -> None:
        group = world.group(*TOPIC_RIGHTS)
        topic = group.creates_topic("Case 1", by=world.ada)
        hello = world.ada.says(group, "in General")
        world.ada.says(group, "an answer in General", reply_to=hello)
        world.ada.says(topic, "in the topic")
        created, plain, answer, within = [update.message for update in await world.updates()]
        assert created and created.forum_topic_created and created.message_id == created.message_thread_id == topic.id
        assert plain and (plain.message_thread_id, plain.is_topic_message) == (None, None)
        assert answer and (answer.message_thread_id, answer.is_topic_message) == (hello.id, None)
        assert within and (within.message_thread_id, within.is_topic_message) == (topic.id, True)
        # Telegram lets every message of a topic answer the one that tells of its creation.
        assert within.reply_to_message and within.reply_to_message.forum_topic_created
        for thread in (1, hello.id):
            with pytest.raises(BadRequest, match="Message thread not found"):
                await world.bot.send_message(group.id, "x", message_thread_id=thread)
        sent = await world.bot.send_message(group.id, "an answer", reply_parameters=ReplyParameters(within.message_id))
        assert sent.message_thread_id == topic.id and sent.is_topic_message

    async def test_one_person_deletes_a_topic(self, world: World) -> None:
        group = world.group(*TOPIC_RIGHTS)
        topic = group.creates_topic("Case 1")
        await world.updates()
        group.deletes_topic(topic)
        assert not await world.updates()
        with pytest.raises(BadRequest, match="Message thread not found"):
            await world.bot.send_message(group.id, "x", message_thread_id=topic.id)

    async def test_pressing_in_a_topic(self, world: World) -> None:
        group = world.group(*TOPIC_RIGHTS)
        topic = group.creates_topic("Case 1")
        await world.updates()
        await world.bot.send_message(group.id, "Take?", message_thread_id=topic.id, reply_markup=_keyboard("take"))
        world.ada.presses(topic.messages[-1], "Take")
        query = (await world.update()).callback_query
        assert query and isinstance(query.message, telegram.Message) and query.message.message_thread_id == topic.id


class TestProfile:
    async def test_commands_by_scope_and_language(self, world: World) -> None:
        bot, everybody = world.bot, BotCommandScopeAllPrivateChats()
        await bot.set_my_commands([BotCommand("help", "Hilfe")])
        await bot.set_my_commands([BotCommand("help", "Help")], scope=everybody, language_code="en")
        await bot.set_my_commands([BotCommand("desk", "Desk")], scope=BotCommandScopeChat(world.ada.id))
        assert [each.description for each in await bot.get_my_commands()] == ["Hilfe"]
        assert [each.description for each in await bot.get_my_commands(everybody, "en")] == ["Help"]
        assert await bot.get_my_commands(everybody) == ()
        await bot.delete_my_commands()
        assert await bot.get_my_commands() == ()

    async def test_names_menu_and_rights(self, world: World) -> None:
        bot = world.bot
        await bot.set_my_name("Anlaufstelle")
        await bot.set_my_description("Was er kann")
        await bot.set_my_description("What it does", language_code="en")
        await bot.set_my_short_description("Kurz")
        assert (await bot.get_my_name()).name == "Anlaufstelle"
        assert (await bot.get_my_description("en")).description == "What it does"
        assert (await bot.get_my_description("fr")).description == "Was er kann"
        assert (await bot.get_my_short_description()).short_description == "Kurz"
        await bot.set_chat_menu_button(menu_button=MenuButtonCommands())
        assert (await bot.get_chat_menu_button()).type == "commands"
        rights = telegram.ChatAdministratorRights.no_rights()
        await bot.set_my_default_administrator_rights(rights)
        assert (await bot.get_my_default_administrator_rights()).can_delete_messages is False
        assert world.server.violations == []


class TestFlood:
    @pytest.fixture
    async def limits(self, monkeypatch: pytest.MonkeyPatch) -> Limits:
        monkeypatch.setenv("PTB_TIMEDELTA", "1")
        return Limits(per_second=6, private_burst=3, per_group_minute=4)

    async def test_one_chat(self, world: World) -> None:
        for _ in range(3):
            await world.bot.send_message(world.ada.id, "x")
        with pytest.raises(RetryAfter) as refused:
            await world.bot.send_message(world.ada.id, "x")
        assert refused.value.retry_after == timedelta(seconds=1)
        with pytest.raises(RetryAfter):
            await world.bot.send_message(world.ada.id, "x")
        assert [each.in_penalty for each in world.server.refused] == [False, True]
        await asyncio.sleep(1.01)
        await world.bot.send_message(world.ada.id, "x")
        assert len(world.server.sends) == 4 and world.server.busiest(1, chat=world.ada.chat(world.account)) == 3

    async def test_one_group(self, world: World) -> None:
        group = world.group()
        for _ in range(4):
            await world.bot.send_message(group.id, "x")
        status, body = await world.raw("sendMessage", json={"chat_id": group.id, "text": "x"})
        retry = body["parameters"]["retry_after"]
        assert (status, body["error_code"], body["description"]) == (
            429,
            429,
            f"Too Many Requests: retry after {retry}",
        )
        assert 58 <= retry <= 60
        await world.bot.send_message(world.ada.id, "another chat is free")

    async def test_all_chats(self, world: World) -> None:
        people = [world.server.user(f"P{number}") for number in range(8)]
        for person in people:
            person.starts(world.account)
        sending = [world.raw("sendMessage", json={"chat_id": each.id, "text": "x"}) for each in people]
        assert sorted(status for status, _body in await asyncio.gather(*sending)) == [200] * 6 + [429] * 2
        assert world.server.busiest(1) == 6

    async def test_on_order(self, world: World) -> None:
        chat = world.ada.chat(world.account)
        world.server.penalise(world.account, chat, 30)
        with pytest.raises(RetryAfter) as refused:
            await world.bot.send_message(world.ada.id, "x")
        assert refused.value.retry_after == timedelta(seconds=30)
        world.server.forgive(world.account, chat)
        await world.bot.send_message(world.ada.id, "x")


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "error", "delivered"),
        [
            (Fault.INTERNAL, NetworkError, False),
            (Fault.INTERNAL_AFTER, NetworkError, True),
            (Fault.GATEWAY, NetworkError, False),
            (Fault.GATEWAY_AFTER, NetworkError, True),
            (Fault.RESET, NetworkError, False),
            (Fault.RESET_AFTER, NetworkError, True),
            (Fault.SILENCE, TimedOut, False),
            (Fault.SILENCE_AFTER, TimedOut, True),
            (Fault.GARBAGE_AFTER, telegram.error.TelegramError, True),
        ],
    )
    async def test_once(self, world: World, fault: Fault, error: type[Exception], *, delivered: bool) -> None:
        world.server.faults.order(fault, "sendMessage")
        async with _bot(world.server, world.account, 0.5) as bot:
            with pytest.raises(error):
                await bot.send_message(world.ada.id, "x")
            await bot.send_message(world.ada.id, "y")
        texts = [message.text for message in world.ada.chat(world.account).messages[1:]]
        assert texts == (["x", "y"] if delivered else ["y"])
        assert [each.fault for each in world.server.faults.struck] == [fault]

    async def test_slowly(self, world: World) -> None:
        world.server.faults.order(Fault.SLOW, chat=world.ada.id, seconds=0.15)
        started = time.monotonic()
        await world.bot.get_me()
        assert time.monotonic() - started < 0.15
        await world.bot.send_message(world.ada.id, "x")
        assert time.monotonic() - started >= 0.15

    async def test_weather_is_the_same_again(self) -> None:
        async def strikes() -> list[str]:
            async with running_server(UNLIMITED) as server:
                account = server.bot()
                server.faults.rage(7, 0.3, methods={"getMe"})
                async with aiohttp.ClientSession() as session:
                    for _ in range(40):
                        try:
                            async with session.get(f"{server.origin}/bot{account.token}/getMe"):
                                pass
                        except aiohttp.ClientError:
                            continue
                return [each.fault.name for each in server.faults.struck]

        first, second = await strikes(), await strikes()
        assert first == second and 4 < len(first) < 24


class TestTheServerItself:
    async def test_requests_are_kept_without_the_token(self, world: World) -> None:
        await world.bot.send_message(world.ada.id, "x")
        (request,) = world.server.requests_of("sendMessage")
        assert request.params == {"chat_id": f"{world.ada.id}", "text": "x"} and request.status == 200
        assert world.account.token not in repr(world.server.requests)

    async def test_several_bots(self, world: World) -> None:
        other = world.server.bot("Other")
        world.ada.says(world.account, "to one")
        world.ada.starts(other)
        async with _bot(world.server, other) as bot:
            assert [update.message and update.message.text for update in await bot.get_updates()] == ["/start"]
            await bot.send_message(world.ada.id, "from the other")
        assert [message.text for message in world.ada.chat(other).messages] == ["/start", "from the other"]
        assert len(await world.updates()) == 1

    async def test_a_poller_that_died_loses_nothing(self, world: World) -> None:
        port = int(world.server.origin.rpartition(":")[2])
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /bot{world.account.token}/getUpdates?timeout=30 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(0.05)
        writer.transport.abort()
        world.ada.says(world.account, "Hello")
        assert len(await world.updates(timeout=1)) == 1

    async def test_a_new_token(self, world: World) -> None:
        world.server.revokes(world.account)
        with pytest.raises(InvalidToken, match="Unauthorized"):
            await world.bot.get_me()

    async def test_waiting_in_vain_is_said(self, world: World) -> None:
        with pytest.raises(AssertionError, match="waited in vain: rain"):
            await world.server.until(lambda: False, "rain", 0.1)

    def test_from_another_thread(self) -> None:
        threaded = ThreadedServer(UNLIMITED)
        with threaded as server:
            account, ada = server.bot(), server.user("Ada")

            async def talk() -> None:
                async with _bot(server, account) as bot:
                    (update,) = await bot.get_updates(timeout=5)
                    assert update.message
                    await update.message.reply_text("Hello")

            async def both() -> None:
                talking = asyncio.create_task(talk())
                await asyncio.sleep(0.05)
                await asyncio.to_thread(ada.starts, account)
                await talking

            asyncio.run(both())
            threaded.until(lambda: ada.chat(account).messages[-1].text == "Hello", "the answer")
            with pytest.raises(AssertionError, match="no button"):
                ada.presses(ada.chat(account).messages[-1], "Nothing")


SCHEMA = schema_from_environment()


@pytest.mark.skipif(SCHEMA is None, reason="no description of the Bot API at hand")
class TestSchema:
    @pytest.mark.parametrize(
        ("method", "fields", "words"),
        [
            ("sendMessage", {"chat_id": "1", "text": "x", "tone": "kind"}, "unknown parameter tone"),
            (
                "sendMessage",
                {"chat_id": "1", "text": "x", "disable_notification": "yes"},
                "disable_notification must be",
            ),
            ("sendMessage", {"chat_id": "1", "text": 5}, "text must be String"),
            ("sendMessage", {"chat_id": "1", "text": "x", "message_thread_id": "seven"}, "message_thread_id must be"),
            ("sendMessage", {"chat_id": "1", "text": "x", "entities": '[{"type": "bold"}]'}, "entities must be"),
            ("sendMessage", {"chat_id": "1"}, "text is required"),
            ("setMyCommands", {"commands": "[]", "scope": '{"type": "moon"}'}, "scope must be"),
            ("setMessageReaction", {"chat_id": "1", "message_id": 1, "reaction": '["👍"]'}, "reaction must be"),
            ("createForumTopic", {"chat_id": -1, "name": "x" * 129}, "name must have 1-128 characters"),
            ("sendPhoto", {"chat_id": 1}, "photo is required"),
        ],
    )
    def test_what_does_not_fit(self, method: str, fields: dict[str, Any], words: str) -> None:
        assert SCHEMA is not None
        wrong, lacking = Schema(SCHEMA).problems(method, fields, [])
        assert len(wrong + lacking) == 1 and (wrong + lacking)[0].startswith(words)

    @pytest.mark.parametrize(
        ("method", "fields"),
        [
            ("sendMessage", {"chat_id": "@name", "text": "5", "reply_markup": _rows([BUTTON])}),
            ("sendMessage", {"chat_id": -5, "text": "true", "link_preview_options": {"is_disabled": True}}),
            ("sendMessage", {"chat_id": "5", "text": "x", "reply_markup": '{"remove_keyboard": true}'}),
            ("setMyCommands", {"commands": "[]", "scope": '{"type": "chat", "chat_id": 5}'}),
            ("getUpdates", {"offset": "-1", "allowed_updates": '["message"]'}),
            ("setChatMenuButton", {"menu_button": {"type": "commands"}}),
        ],
    )
    def test_what_fits(self, method: str, fields: dict[str, Any]) -> None:
        assert SCHEMA is not None
        assert Schema(SCHEMA).problems(method, fields, []) == ([], [])

    async def test_violations_are_noted_and_nothing_is_sent(self, world: World) -> None:
        status, body = await world.raw("sendMessage", json={"chat_id": world.ada.id, "text": "x", "tone": "kind"})
        assert (status, body["description"]) == (400, "Bad Request: unknown parameter tone")
        assert (await world.raw("sendTelegram"))[0] == 404
        assert world.server.violations == ["sendMessage: unknown parameter tone", "sendTelegram: unknown method"]
        assert not world.server.sends
