"""Methods by which a bot gets updates and files."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from tests.telegram_server.calls import Call, method
from tests.telegram_server.delivery import Webhook
from tests.telegram_server.errors import bad
from tests.telegram_server.files import DOWNLOAD


def _allowed(call: Call) -> None:
    """What the bot wants to hear of; stays until it says otherwise."""
    if call.params.given("allowed_updates"):
        allowed = call.params.json("allowed_updates")
        if not isinstance(allowed, list):
            raise bad("can't parse allowed_updates: expected an Array")
        call.bot.queue.allowed = tuple(map(str, allowed))


@method("getUpdates")
async def get_updates(call: Call) -> list[Any]:
    params = call.params
    limit = params.integer("limit", 100)
    if call.bot.queue.webhook is None:
        _allowed(call)
    limit = limit if 1 <= limit <= 100 else 100
    return await call.bot.queue.get(params.integer("offset"), limit, max(0, params.integer("timeout")))


@method("setWebhook")
async def set_webhook(call: Call) -> bool:
    params, queue = call.params, call.bot.queue
    url = params.text("url")
    if not url:
        return await delete_webhook(call)
    parts = urlsplit(url)
    if parts.scheme != "https" and not _local(parts.hostname):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    secret = params.text("secret_token")
    if len(secret) > 256 or re.fullmatch("[A-Za-z0-9_-]*", secret) is None:
        raise bad("secret token contains unallowed characters" if len(secret) <= 256 else "secret token is too long")
    _allowed(call)
    if params.flag("drop_pending_updates"):
        queue.waiting.clear()
    connections = min(100, max(1, params.integer("max_connections", 40)))
    await queue.set_webhook(Webhook(url, secret, connections), call.world.now)
    return True


def _local(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


@method("deleteWebhook")
async def delete_webhook(call: Call) -> bool:
    if call.params.flag("drop_pending_updates"):
        call.bot.queue.waiting.clear()
    await call.bot.queue.set_webhook(None, call.world.now)
    return True


@method("getWebhookInfo")
def get_webhook_info(call: Call) -> dict[str, Any]:
    queue = call.bot.queue
    hook = queue.webhook
    info: dict[str, Any] = {
        "url": hook.url if hook else "",
        "has_custom_certificate": False,
        "pending_update_count": len({each.update_id for each in queue.waiting}),
    }
    if hook is not None:
        info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
        if hook.last_error_date:
            info |= {"last_error_date": hook.last_error_date, "last_error_message": hook.last_error_message}
    if queue.allowed:
        info["allowed_updates"] = list(queue.allowed)
    return info


@method("getFile")
def get_file(call: Call) -> dict[str, Any]:
    named = call.params.text("file_id")
    if not named:
        raise bad("file_id is empty")
    stored = call.world.files.by_id(named)
    if stored is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if stored.size > DOWNLOAD:
        raise bad("file is too big")
    return stored.json(file_path=stored.path)
