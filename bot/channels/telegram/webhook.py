"""Where Telegram brings updates by itself: nobody else's are taken, and each is kept before it is confirmed."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from telegram import Bot

from bot.channels.telegram.reading import WANTED
from bot.channels.telegram.receiver import Receiver, body_of

PATH: Final = "/telegram/{contact_point}"
LARGEST_BODY: Final = 1_000_000
"""Bytes; an update of Telegram has far fewer."""
CONNECTIONS: Final = 40
SECRET: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # the name of a header
_LOG: Final = logging.getLogger("anlaufstelle.telegram")


class Webhooks:
    """The addresses of all bots that are called."""

    def __init__(self, receivers: Mapping[str, tuple[Receiver, str]]) -> None:
        """Receivers with their secrets, by contact point."""
        self._receivers = receivers

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        receiver, secret = self._receivers.get(request.match_info["contact_point"], (None, ""))
        shown = request.headers.get(SECRET, "")
        # Compared also where nobody is called, so that the time tells nothing.
        if not hmac.compare_digest(shown.encode(), secret.encode()) or receiver is None or not secret:
            return web.Response(status=403)
        if (request.content_length or 0) > LARGEST_BODY:
            return web.Response(status=413)
        body = bytearray()
        async for chunk in request.content.iter_chunked(65536):
            body += chunk
            if len(body) > LARGEST_BODY:
                return web.Response(status=413)
        try:
            update = body_of(bytes(body))
        except ValueError:
            return web.Response(status=400)
        await receiver.take([update])
        return web.Response()


async def hook(bot: Bot, address: str, secret: str) -> None:
    """Asks Telegram to bring updates; raises TelegramError."""
    await bot.set_webhook(address, secret_token=secret, allowed_updates=list(WANTED), max_connections=CONNECTIONS)
