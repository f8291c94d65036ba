"""Texts as Telegram takes them."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.text import LONGEST, length, parts, sendable

ISOLATES = re.compile("[\u2066-\u2069]")
ANY = st.text(
    st.one_of(st.characters(), st.sampled_from("a b.\n\u200d\u0301\ufe0f👍🏽👨‍👩‍👧🇩🇪אبc! \u2068\u2069")), max_size=300
)


@given(ANY, st.integers(24, 120))
def test_nothing_but_blanks_is_lost_and_no_part_is_too_long(text: str, at_most: int) -> None:
    cut = parts(text, at_most)
    assert "".join(ISOLATES.sub("", "".join(cut)).split()) == "".join(ISOLATES.sub("", sendable(text)).split())
    assert all(length(each) <= at_most for each in cut)
    assert all(each.encode("utf-16-le") for each in cut if each)


@given(
    st.lists(st.sampled_from(["a", "בו ", "\u2068Waldbröl\u2069", "\u2068א \u2066B 12\u2069 ג\u2069", ". "])),
    st.integers(40, 90),
)
def test_what_is_set_apart_stays_so_where_a_text_is_cut(words: list[str], at_most: int) -> None:
    for each in parts("".join(words), at_most):
        assert len(re.findall("[\u2066-\u2068]", each)) == each.count("\u2069")


@given(st.integers(1, 30), st.integers(24, 60))
def test_signs_made_of_several_characters_stay_whole(times: int, at_most: int) -> None:
    for sign in ("👨‍👩‍👧‍👦", "👍🏽", "e\u0301", "🇩🇪", "क्ष"):
        for each in parts(sign * times, at_most):
            assert not unicodedata.combining(each[0]) and each[0] not in "\u200d\ufe0f\U0001f3fd", (sign, each)


def test_cuts_come_where_a_reader_pauses() -> None:
    first, second = "One sentence. " * 200, "Another one! " * 200
    one, two = parts(f"{first.strip()}\n\n{second.strip()}")
    assert one == first.strip() and two == second.strip()
    one, two = parts("Is it so? " + "x" * 4000 + " Yes. " + "y" * 500)
    assert one.endswith("Yes.") and two == "y" * 500


def test_four_thousand_pictures_are_two_messages() -> None:
    cut = parts("😀" * LONGEST)
    assert [length(each) for each in cut] == [LONGEST, LONGEST]


def test_length_is_counted_as_telegram_counts() -> None:
    assert length("a😀") == 3 == len("a😀".encode("utf-16-le")) // 2
