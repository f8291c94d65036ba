"""The buttons under a message, and what Telegram refuses of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.telegram_server.errors import bad

PER_ROW, IN_ALL, DATA = 8, 100, 64
ACTIONS = frozenset({
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay", "disabled",
})  # fmt: skip
Rows = list[list[dict[str, Any]]]


def inline_rows(markup: Any) -> Rows:
    """The rows of an inline keyboard, if it is one that Telegram takes."""
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list):
        raise bad("can't parse reply keyboard markup JSON object: inline keyboard expected")
    if not all(isinstance(row, list) for row in rows):
        raise bad('can\'t parse inline keyboard: Field "inline_keyboard" must be an Array of Arrays')
    for row in rows:
        for button in row:
            _check(button)
    if any(len(row) > PER_ROW for row in rows) or sum(map(len, rows)) > IN_ALL:
        raise bad("reply markup is too long")
    return [row for row in rows if row]


def _check(button: Any) -> None:
    if not isinstance(button, dict):
        raise bad("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise bad("can't parse inline keyboard button: Can't find field \"text\"")
    if not button["text"].strip():
        raise bad("inline keyboard button text must be non-empty")
    given = [name for name in ACTIONS & button.keys() if button[name] not in ("", None)]
    if len(given) != 1:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(button.get("callback_data", "").encode()) > DATA:
        raise bad("BUTTON_DATA_INVALID")
    if url := button.get("url"):
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https", "tg", "ton"}:
            raise bad(f"inline keyboard button URL '{url}' is invalid: Unsupported URL protocol")
        if parts.scheme != "tg" and "." not in (parts.hostname or ""):
            raise bad(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def split(markup: Any) -> tuple[Rows, dict[str, Any] | None]:
    """Inline rows, or a markup of another kind."""
    if markup is None:
        return [], None
    if isinstance(markup, dict) and {"keyboard", "remove_keyboard", "force_reply"} & markup.keys():
        return [], markup
    return inline_rows(markup), None
