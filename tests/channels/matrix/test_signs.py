"""What people read in Matrix where others have buttons, and what is understood of what they write."""

from __future__ import annotations

from typing import Any

import nio
import pytest

from bot.channels.matrix.reading import read
from bot.channels.matrix.signs import content_of, in_words_of_matrix
from bot.i18n import _, render
from bot.messages import Option, Outbound, Style, Voice
from bot.reading.words import command

BACK = Option("/back", "Back")
HELP = Option("/help", "Help")


def written(text: str) -> str:
    """What a message says to the rest of the program."""
    content = {"msgtype": "m.text", "body": text}
    source = {"type": "m.room.message", "event_id": "$1", "sender": "@ana:x", "origin_server_ts": 1, "content": content}
    came = read(nio.RoomMessageText.from_dict(source), "!room")
    assert came is not None
    return came.text


class TestCommands:
    """Apps keep what begins with a slash for themselves."""

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("To see your data: /data", "To see your data: !data"),
            ("/back – one question back", "!back – one question back"),
            ("Etwas ergänzen oder den Stand sehen: /meine", "Etwas ergänzen oder den Stand sehen: !meine"),
            ("https://example.org/data, and/or 10/12", "https://example.org/data, and/or 10/12"),
            ("What happened: /somebody wrote this", "What happened: /somebody wrote this"),
        ],
    )
    def test_are_named_as_they_can_be_written(self, text: str, shown: str) -> None:
        assert in_words_of_matrix(Outbound(text)) == shown

    def test_that_nobody_knows_are_named_to_staff_as_they_wrote_them(self) -> None:
        text = render(_("I do not know {command}. /help shows what I can do.", command="/foo"), "en")
        told = in_words_of_matrix(Outbound(text, style=Style.STATUS), desk=True)
        assert told == "I do not know !foo. !help shows what I can do."

    def test_in_what_a_human_wrote_are_left_alone(self) -> None:
        assert in_words_of_matrix(Outbound("See /data.", voice=Voice.DESK)) == "See /data."
        assert in_words_of_matrix(Outbound("See /data.", style=Style.FROM_REPORTER), desk=True) == "See /data."

    def test_are_set_apart_among_words_from_right_to_left(self) -> None:
        shown = in_words_of_matrix(Outbound("بياناتك: /data", language="ar"))
        assert shown == "بياناتك: \u2068!data\u2069"

    @pytest.mark.parametrize(
        ("text", "meant"),
        [
            ("!help", "/help"),
            ("!Ändern", "/change"),
            ("!رجوع", "/back"),
            ("\u2068!data\u2069", "/data"),
            ("!withdraw 7F3K", "/withdraw"),
        ],
    )
    def test_are_understood_in_every_script_and_as_they_are_copied(self, text: str, meant: str) -> None:
        found = command(written(text))
        assert found is not None and found[0] == meant

    @pytest.mark.parametrize("text", ["!", "!!!", "! Stop", "!1", "Help!"])
    def test_are_not_seen_where_there_are_none(self, text: str) -> None:
        assert written(text) == text


class TestBelowAMessage:
    """What can be chosen, in words."""

    @pytest.mark.parametrize(
        ("message", "last"),
        [
            (Outbound("Where?", (Option("A", "Wiehl"), BACK, HELP)), "Or write: Back · Help"),
            (Outbound("More?", (Option("/done", "Done"), BACK)), "Or write: Back"),
            (Outbound("What happened?", (BACK,), ask="story"), "Or write: Back"),
            (Outbound("I am here when you need me.", (HELP,)), "You can write: Help"),
        ],
    )
    def test_the_rest_can_be_written(self, message: Outbound, last: str) -> None:
        said: dict[str, Any] = content_of(Outbound(**{**vars(message), "language": "en"}), message.text, "m.text")
        assert said["body"].split("\n")[-1] == last
        assert said["formatted_body"].endswith(f"{last}</p>")
