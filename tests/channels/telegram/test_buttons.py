"""What a button carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram.buttons import LONGEST_ID, MOST, MOST_A_ROW, Buttons
from bot.contact_point import ContactPoint
from bot.contact_point_file import LONGEST_SLUG
from bot.messages import Option
from storage.keys import KeyRing

ID = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=LONGEST_ID)


@pytest.fixture(scope="module")
def buttons() -> Buttons:
    return Buttons(KeyRing.new().derived("telegram.buttons"), "telegram:1")


@given(ID, st.integers())
def test_opens_what_was_sealed_and_reveals_nothing(buttons: Buttons, option: str, chat: int) -> None:
    data = buttons.seal(option, chat)
    assert buttons.open(data, chat) == option
    assert len(data.encode()) == 64, "the length tells nothing either"
    assert len(option) < 4 or option not in data


@given(ID, st.integers(), st.integers(), st.text(max_size=64))
def test_nobody_can_make_one_up_or_take_that_of_another_chat(
    buttons: Buttons, option: str, chat: int, other: int, forged: str
) -> None:
    data = buttons.seal(option, chat)
    assert (buttons.open(data, other) is None) == (chat != other)
    assert buttons.open(forged, chat) is None
    # The last sign of base85 has bits that stand for nothing.
    assert buttons.open(("0" if data[0] != "0" else "1") + data[1:], chat) is None


def test_every_place_fits(oberberg: ContactPoint) -> None:
    assert LONGEST_SLUG == LONGEST_ID
    with pytest.raises(ValueError, match="35 bytes"):
        Buttons(bytes(64), "x").seal("a" * (LONGEST_ID + 1), 1)


def test_a_keyboard_keeps_to_what_telegram_takes(buttons: Buttons) -> None:
    options = [Option(f"o{n}", f"Place {n}") for n in range(40)] + [Option("/back", ""), Option("/help", "Help" * 99)]
    keyboard = buttons.keyboard(options, columns=20, chat=5)
    assert keyboard is not None
    rows = keyboard.inline_keyboard
    assert max(len(row) for row in rows) <= MOST_A_ROW and sum(len(row) for row in rows) == 42 <= MOST
    assert all(button.text.strip() and button.callback_data for row in rows for button in row)
    assert len(rows[-1]) == 2, "controls stand below the answers"
    assert buttons.keyboard([], 1, 5) is None
