"""Several contact points in one installation, a bot of Telegram for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.contact_point_file import shipped
from storage import telegram
from storage.database import Database
from storage.keys import load_ring
from tests.service import Service
from tests.telegram_server.groups import Group
from tests.telegram_server.people import Person
from tests.telegram_server.server import ThreadedServer
from tests.telegram_server.world import BotAccount

PLACES = {"oberberg": "Oberbergischer Kreis", "hagen": "Stadt Hagen"}


@pytest.fixture
def telegram_server() -> Iterator[ThreadedServer]:
    threaded = ThreadedServer()
    with threaded:
        yield threaded


def heard(person: Person, bot: BotAccount) -> str:
    return "\n".join(each.text for each in person.chat(bot).messages if each.sender is bot)


def seen(group: Group, bot: BotAccount) -> str:
    return "\n".join(each.text for each in group.messages if each.sender is bot)


def test_each_contact_point_has_its_bot_and_its_desk(telegram_server: ThreadedServer, tmp_path: Path) -> None:
    server = telegram_server.server
    bots = {key: server.bot(f"Bot {key}", f"{key}_bot") for key in PLACES}
    config = tmp_path / "config"
    config.mkdir()
    for key in PLACES:
        text = (shipped() / f"{key}.toml").read_text()
        rules = f'approved_by = "tests"\nmode = "full"\ndesk_content = "full"\napi = "{server.origin}"'
        (config / f"{key}.toml").write_text(f"{text}\n[telegram]\n{rules}\n")
    tokens: dict[str, Any] = {f"ANLAUFSTELLE_TELEGRAM_TOKEN_{key.upper()}": bot.token for key, bot in bots.items()}
    url = f"sqlite:///{tmp_path / 'x.db'}"
    service = Service(url, tmp_path, "--config", f"{config}", **tokens)
    try:
        service.started()
        desks = {}
        for key, bot in bots.items():
            desks[key] = server.group(f"Desk {key}", forum=True)
            desks[key].adds(bot)
            desks[key].promotes(bot, "can_manage_topics", "can_delete_messages")
            ring = load_ring(tmp_path / "x.keys", {})
            database = Database.open(url, ring)
            with database.transaction(key) as session:
                code, until = f"a-code-for-{key}-desk", datetime.now(UTC) + timedelta(days=1)
                telegram.invite(session, key, f"telegram:{bot.token.partition(':')[0]}", code, until)
            database.close()
            desks[key].owner.says(desks[key], f"/start@{key}_bot desk_{code}")
        ana = server.user("Ana", "en")
        for key, bot in bots.items():
            ana.starts(bot)
            telegram_server.until(lambda bot=bot: "Which language" in heard(ana, bot), f"a question of {key}", 20)
            shown = next(m for m in ana.chat(bot).messages if "English" in m.labels)
            ana.presses(shown, "English")
            telegram_server.until(lambda bot=bot, key=key: PLACES[key] in heard(ana, bot), f"the name of {key}", 20)
        ana.says(bots["hagen"], "/human")
        telegram_server.until(lambda: "möchte mit einem Menschen" in seen(desks["hagen"], bots["hagen"]), "a call", 20)
        assert "mit einem Menschen" not in seen(desks["oberberg"], bots["oberberg"])
        assert PLACES["hagen"] not in heard(ana, bots["oberberg"])
        assert not server.violations
        assert not any(bot.token.partition(":")[2] in service.log for bot in bots.values())
    finally:
        service.close()
