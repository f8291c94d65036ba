"""Methods by which a bot tells about itself: name, descriptions, commands, menu, rights."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.telegram_server.calls import Call, method
from tests.telegram_server.errors import bad
from tests.telegram_server.groups import RIGHTS
from tests.telegram_server.updates import me_json

COMMANDS, DESCRIPTION = 100, 256
SCOPES = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}
TEXTS = {"name": 64, "description": 512, "short_description": 120}
"""The most characters of each."""


@method("getMe")
def get_me(call: Call) -> dict[str, Any]:
    return me_json(call.bot)


def _language(call: Call) -> str:
    code = call.params.text("language_code")
    if code and not re.fullmatch("[a-z]{2}", code):
        raise bad("invalid language code specified")
    return code


def _scope(call: Call) -> str:
    scope = call.params.json("scope") or {"type": "default"}
    kind = scope.get("type") if isinstance(scope, dict) else None
    if kind not in SCOPES:
        raise bad("can't parse BotCommandScope: Unsupported type specified")
    missing = [name for name in SCOPES[kind] if name not in scope]
    if missing:
        raise bad(f"can't parse BotCommandScope: Can't find field \"{missing[0]}\"")
    if "chat_id" in scope:
        inner = Call(call.world, call.bot, call.method, type(call.params)(scope, {}))
        inner.known_chat()
    return json.dumps(scope, sort_keys=True)


@method("setMyCommands")
def set_my_commands(call: Call) -> bool:
    commands = call.params.json("commands")
    if not isinstance(commands, list):
        raise bad("can't parse commands: expected an Array")
    if len(commands) > COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    kept = []
    for each in commands:
        if not isinstance(each, dict) or not isinstance(each.get("command"), str):
            raise bad("can't parse BotCommand: Can't find field \"command\"")
        name = each["command"].removeprefix("/")
        if not re.fullmatch("[a-z0-9_]{1,32}", name):
            raise bad("BOT_COMMAND_INVALID")
        description = str(each.get("description", "")).strip()
        if not 1 <= len(description) <= DESCRIPTION:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        kept.append({"command": name, "description": description})
    call.bot.commands[_scope(call), _language(call)] = kept
    return True


@method("getMyCommands")
def get_my_commands(call: Call) -> list[dict[str, str]]:
    return call.bot.commands.get((_scope(call), _language(call)), [])


@method("deleteMyCommands")
def delete_my_commands(call: Call) -> bool:
    call.bot.commands.pop((_scope(call), _language(call)), None)
    return True


def _set_text(call: Call, field: str) -> bool:
    text = call.params.text(field)
    if len(text) > TEXTS[field]:
        raise bad(f"{field.replace('_', ' ')} is too long")
    call.bot.texts[field, _language(call)] = text
    return True


def _get_text(call: Call, field: str) -> dict[str, str]:
    texts = call.bot.texts
    fallback = texts.get((field, ""), call.bot.first_name if field == "name" else "")
    return {field: texts.get((field, _language(call))) or fallback}


@method("setMyName")
def set_my_name(call: Call) -> bool:
    return _set_text(call, "name")


@method("getMyName")
def get_my_name(call: Call) -> dict[str, str]:
    return _get_text(call, "name")


@method("setMyDescription")
def set_my_description(call: Call) -> bool:
    return _set_text(call, "description")


@method("getMyDescription")
def get_my_description(call: Call) -> dict[str, str]:
    return _get_text(call, "description")


@method("setMyShortDescription")
def set_my_short_description(call: Call) -> bool:
    return _set_text(call, "short_description")


@method("getMyShortDescription")
def get_my_short_description(call: Call) -> dict[str, str]:
    return _get_text(call, "short_description")


@method("setChatMenuButton")
def set_chat_menu_button(call: Call) -> bool:
    button = call.params.json("menu_button") or {"type": "default"}
    if not isinstance(button, dict) or button.get("type") not in {"commands", "web_app", "default"}:
        raise bad("can't parse menu button: Unsupported type specified")
    call.bot.menu_buttons[_menu_chat(call)] = button
    return True


@method("getChatMenuButton")
def get_chat_menu_button(call: Call) -> dict[str, Any]:
    buttons = call.bot.menu_buttons
    return buttons.get(_menu_chat(call)) or buttons.get(0) or {"type": "commands"}


def _menu_chat(call: Call) -> int:
    return call.known_chat().id if call.params.given("chat_id") else 0


@method("setMyDefaultAdministratorRights")
def set_my_default_administrator_rights(call: Call) -> bool:
    rights = call.params.json("rights") or {}
    if not isinstance(rights, dict):
        raise bad("can't parse administrator rights")
    call.bot.default_rights[call.params.flag("for_channels")] = rights
    return True


@method("getMyDefaultAdministratorRights")
def get_my_default_administrator_rights(call: Call) -> dict[str, bool]:
    rights = call.bot.default_rights.get(call.params.flag("for_channels"), {})
    return {name: rights.get(name, False) for name in RIGHTS}
