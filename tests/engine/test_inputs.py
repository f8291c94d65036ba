"""What each kind of answer understands, refuses, keeps and shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contact_point_file import load_contact_point, shipped
from bot.engine.inputs import (
    Choice,
    Choices,
    Confirm,
    Day,
    DayTime,
    FreeText,
    Input,
    Name,
    NotUnderstood,
    Number,
    Phone,
    Pick,
    PicksAndWords,
    Piece,
    Said,
    number_in,
    readable,
)
from bot.engine.scope import Scope
from bot.i18n import Text, _, render, verbatim

SCOPE = Scope(
    contact_point=load_contact_point(shipped() / "oberberg.toml"),
    now=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
    language="en",
    fresh_ref=lambda: "7F3K-29QX",
)


class Fruit(StrEnum):
    APPLE = "APPLE"
    PEAR = "PEAR"
    PLUM = "PLUM"


LABELS = {Fruit.APPLE: _("Yes"), Fruit.PEAR: _("No"), Fruit.PLUM: verbatim("Plum")}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
"""Whatever JSON may hold."""


def read(question: Input[Any], text: str = "", choice: str = "") -> Any:
    return question.read(Said(text=text, choice=choice), None, SCOPE)


def refusal(question: Input[Any], text: str = "", choice: str = "") -> str:
    with pytest.raises(NotUnderstood) as wrong:
        read(question, text, choice)
    return render(wrong.value.text, "en")


def shown(question: Input[Any], value: Any) -> str:
    return render(question.show(value, None, SCOPE), "en")


def stored(question: Input[Any], value: Any) -> Any:
    """What comes back after a night in the database."""
    return question.load(json.loads(json.dumps(question.dump(value))))


PICK = Pick(lambda scope: {"wiehl": verbatim("Wiehl"), "lindlar": verbatim("Lindlar")})

SAMPLES: list[tuple[Input[Any], Any]] = [
    (FreeText(), "Müll im Hof\nseit Wochen"),
    (Choice(LABELS), Fruit.PEAR),
    (Choices(LABELS), frozenset({Fruit.PEAR, Fruit.APPLE})),
    (Choices(LABELS, at_least=0), frozenset()),
    (PICK, "wiehl"),
    (PicksAndWords(PICK.items, written=lambda words, scope: words), ("lindlar", "Wiehl an der Agger")),
    (DayTime(), datetime(2026, 12, 1, 14, 30, tzinfo=UTC)),
    (Day(), date(2026, 12, 1)),
    (Name(), "Kim from the school"),
    (Phone(), "+492261123456"),
    (Number(at_most=20), 0),
    (Confirm(), False),
    (Confirm(), True),
]


@pytest.mark.parametrize(("question", "value"), SAMPLES, ids=lambda each: type(each).__name__)
def test_an_answer_survives_being_stored(question: Input[Any], value: Any) -> None:
    again = stored(question, value)
    assert again == value
    assert type(again) is type(value)


KINDS = list({type(question): question for question, _value in SAMPLES}.values())


@pytest.mark.parametrize("question", KINDS, ids=lambda each: type(each).__name__)
@given(wrong=anything)
def test_a_stored_answer_is_usable_or_refused(question: Input[Any], wrong: Any) -> None:
    """What loads can be shown; whatever does not is refused in a way that makes the question come again."""
    try:
        value = question.load(wrong)
    except (ValueError, TypeError, KeyError):
        return
    assert isinstance(shown(question, value), str)
    assert stored(question, value) == value


@pytest.mark.parametrize("question", KINDS, ids=lambda each: type(each).__name__)
@given(text=st.text(max_size=60) | st.text("0123456789٣.:-+/ ", max_size=20), choice=st.text(max_size=12))
def test_whatever_is_said_is_an_answer_or_kindly_refused(question: Input[Any], text: str, choice: str) -> None:
    try:
        value = read(question, text, choice)
    except NotUnderstood as wrong:
        assert render(wrong.text, "de") != render(wrong.text, "en")
        return
    assert stored(question, value) == value
    assert isinstance(shown(question, value), str)


class TestChoice:
    def test_takes_an_offered_id_only(self) -> None:
        assert read(Choice(LABELS), choice="PEAR") is Fruit.PEAR
        assert "choose an answer" in refusal(Choice(LABELS), choice="FIG")
        assert "choose an answer" in refusal(Choice(LABELS), text="I cannot decide")

    def test_an_option_taken_off_the_list_is_no_answer_any_more(self) -> None:
        fewer = Choice({Fruit.APPLE: _("Yes")})
        assert fewer.load("APPLE") is Fruit.APPLE
        with pytest.raises(ValueError, match="PEAR"):
            fewer.load("PEAR")

    def test_offers_and_shows_its_labels(self) -> None:
        buttons = Choice(LABELS).buttons(None, SCOPE, ())
        assert [(button.id, render(button.label, "de")) for button in buttons] == [
            ("APPLE", "Ja"),
            ("PEAR", "Nein"),
            ("PLUM", "Plum"),
        ]
        assert shown(Choice(LABELS), Fruit.PEAR) == "No"


class TestChoices:
    def test_each_press_turns_one_on_or_off(self) -> None:
        question = Choices(LABELS)
        pieces: tuple[Piece, ...] = ()
        for choice in ("PEAR", "APPLE", "PEAR"):
            pieces = question.add(pieces, Said(choice=choice))
        assert question.finish(pieces) == {Fruit.APPLE}
        labels = [render(button.label, "en") for button in question.buttons(None, SCOPE, pieces)]
        assert labels == ["✓ Yes", "No", "Plum"]

    def test_wants_at_least_so_many(self) -> None:
        question = Choices(LABELS, at_least=2)
        one = question.add((), Said(choice="PEAR"))
        with pytest.raises(NotUnderstood):
            question.finish(one)
        assert question.finish(question.add(one, Said(choice="PLUM"))) == {Fruit.PEAR, Fruit.PLUM}

    def test_what_an_earlier_release_offered_does_not_count(self) -> None:
        left_over = (Piece("FIG"), Piece("PLUM"))
        assert Choices(LABELS).finish(left_over) == {Fruit.PLUM}
        with pytest.raises(NotUnderstood):
            Choices(LABELS).finish((Piece("FIG"),))

    def test_shows_and_keeps_them_in_the_order_of_the_list(self) -> None:
        value = frozenset({Fruit.PLUM, Fruit.APPLE})
        assert Choices(LABELS).dump(value) == ["APPLE", "PLUM"]
        assert shown(Choices(LABELS), value) == "Yes and Plum"


class TestPick:
    def test_what_left_the_list_since_it_was_offered_is_refused_and_said(self) -> None:
        places = {"wiehl": verbatim("Wiehl"), "lindlar": verbatim("Lindlar")}

        def now_there(scope: Scope) -> Mapping[str, Text]:
            return places

        question = Pick(now_there)
        assert [button.id for button in question.buttons(None, SCOPE, ())] == ["wiehl", "lindlar"]
        del places["wiehl"]
        places["reichshof"] = verbatim("Reichshof")
        assert refusal(question, choice="wiehl") == "This is no longer on the list. Please choose again."
        assert read(question, choice="reichshof") == "reichshof"

    def test_an_answer_stays_when_the_list_has_changed(self) -> None:
        """A person chose it; that it is off the list now is for staff to see, not a reason to ask again."""
        assert PICK.load("gone") == "gone"
        assert shown(PICK, "gone") == "gone"
        assert shown(PICK, "wiehl") == "Wiehl"

    def test_words_are_no_pick(self) -> None:
        assert "choose an answer" in refusal(PICK, text="wiehl is not far from here")


def in_capitals(words: str, scope: Scope) -> str:
    if not words.isalpha():
        raise NotUnderstood(_("Please write a name."))
    return words.upper()


class TestPicks:
    basket = PicksAndWords(lambda scope: {"APPLE": _("Yes"), "PEAR": _("No")}, written=in_capitals, keeps_words=True)

    def pieces(self, *said: Said) -> tuple[Piece, ...]:
        kept: tuple[Piece, ...] = ()
        for each in said:
            kept = self.basket.add_in(SCOPE, kept, each)
        return kept

    def labels(self, pieces: tuple[Piece, ...]) -> list[str]:
        return [f"{each.id}: {render(each.label, 'en')}" for each in self.basket.buttons(None, SCOPE, pieces)]

    def test_each_press_turns_one_on_or_off(self) -> None:
        apple, pear = Said(choice="APPLE"), Said(choice="PEAR")
        assert self.basket.finish(self.pieces(apple, pear)) == ("APPLE", "PEAR")
        assert self.basket.finish(self.pieces(apple, pear, apple)) == ("PEAR",)
        with pytest.raises(NotUnderstood):
            self.basket.finish(self.pieces(apple, apple))

    def test_what_is_written_stands_beside_the_list_and_can_be_taken_back(self) -> None:
        pieces = self.pieces(Said(choice="PEAR"), Said(text="fig", source="m1"))
        assert pieces == (Piece("PEAR"), Piece("FIG", "m1"))
        assert self.labels(pieces) == ["APPLE: Yes", "PEAR: ✓ No", "OWN-1: ✓ FIG"]
        assert self.basket.add_in(SCOPE, pieces, Said(choice="OWN-1")) == (Piece("PEAR"),)
        with pytest.raises(NotUnderstood):
            self.basket.add_in(SCOPE, pieces, Said(choice="OWN-9"))

    def test_a_member_may_be_written_and_twice_is_once(self) -> None:
        assert self.pieces(Said(text="pear", source="m1"), Said(text="pear", source="m2")) == (Piece("PEAR"),)

    def test_what_cannot_be_read_is_refused(self) -> None:
        for wrong in (Said(text="1 2"), Said(text=" "), Said(choice="GONE")):
            with pytest.raises(NotUnderstood):
                self.pieces(wrong)
        with pytest.raises(NotUnderstood):
            PicksAndWords(lambda scope: {"APPLE": _("Yes")}).read(Said(text="fig"), None, SCOPE)

    def test_where_one_is_enough_it_is_the_answer_at_once(self) -> None:
        one = replace(self.basket, several=False)
        assert not one.collects
        assert read(one, "fig") == ("FIG",)
        assert shown(one, ("PEAR",)) == "No"


class TestFreeText:
    def test_keeps_words_as_written_without_what_nobody_sees(self) -> None:
        assert read(FreeText(), "  Müll\r\nim Hof \u202e!\x00 ") == "Müll\nim Hof !"

    @pytest.mark.parametrize("nothing", ["", "  \n ", "\u202e\x00"])
    def test_wants_words(self, nothing: str) -> None:
        assert refusal(FreeText(), nothing) == "Please write a few words."

    def test_grows_over_several_messages(self) -> None:
        question = FreeText(several_messages=True)
        pieces = question.add(question.add((), Said("One.", source="a")), Said("Two.", source="b"))
        assert question.finish(pieces) == "One.\nTwo."
        assert [piece.source for piece in pieces] == ["a", "b"]

    def test_long_words_are_kept_whole_and_remarked_on(self) -> None:
        question = FreeText(at_most=20, several_messages=True)
        pieces = question.add((), Said("x" * 21))
        assert question.finish(pieces) == "x" * 21
        remark = question.remark(pieces)
        assert remark is not None
        assert "21 characters" in render(remark, "en")
        assert question.remark(question.add((), Said("x" * 20))) is None

    def test_what_is_far_too_long_is_refused_and_said(self) -> None:
        question = FreeText(several_messages=True, never_more_than=30)
        pieces = question.add((), Said("x" * 20))
        with pytest.raises(NotUnderstood) as wrong:
            question.add(pieces, Said("x" * 11))
        assert "I have not kept this last message" in render(wrong.value.text, "en")


class TestPhone:
    @pytest.mark.parametrize(
        ("said", "kept"),
        [
            ("02261 123456", "+492261123456"),
            ("+49 (0) 2261 / 12 34 56", "+492261123456"),
            ("0090 532 123 45 67", "+905321234567"),
            ("٠٢٢٦١ ١٢٣٤٥٦", "+492261123456"),
            ("۰۲۲۶۱ ۱۲۳۴۵۶", "+492261123456"),
            ("My number is 02261 123456", "+492261123456"),
        ],
    )
    def test_reads_numbers_as_people_write_them(self, said: str, kept: str) -> None:
        assert read(Phone(), said) == kept

    @pytest.mark.parametrize("said", ["", "no", "12", "0" * 40, "call me"])
    def test_says_how_to_write_one(self, said: str) -> None:
        assert "02261 123456" in refusal(Phone(), said)

    def test_shows_it_in_groups(self) -> None:
        assert shown(Phone(), "+492261123456") == "02261 123456"
        assert shown(Phone(), "+905321234567") == "+90 532 123 45 67"

    @pytest.mark.parametrize("wrong", ["02261 123456", "+", "+abc", "", 2261, None])
    def test_loads_numbers_only(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match="phone"):
            Phone().load(wrong)


class TestNumber:
    def test_reads_any_script_within_its_bounds(self) -> None:
        question = Number(at_least=1, at_most=20)
        assert read(question, " 7 ") == 7
        assert read(question, "٧") == 7
        for wrong in ("0", "21", "seven", "7.5", "-7", ""):
            assert refusal(question, wrong) == "Please write a number from 1 to 20."

    @pytest.mark.parametrize("wrong", [True, "7", 7.0, 21, None])
    def test_loads_whole_numbers_within_its_bounds_only(self, wrong: Any) -> None:
        with pytest.raises(ValueError, match="number"):
            Number(at_most=20).load(wrong)


class TestDayTime:
    @pytest.mark.parametrize(
        ("said", "at"),
        [
            ("24.11.2026 14:00", "2026-11-24T14:00:00+01:00"),
            ("24. 11. 2026, 14 Uhr", "2026-11-24T14:00:00+01:00"),
            ("1.12. um 9.30 Uhr", "2026-12-01T09:30:00+01:00"),
            ("2026-12-01 9:30", "2026-12-01T09:30:00+01:00"),
            ("2.1. 9:00", "2027-01-02T09:00:00+01:00"),  # in January: the coming one
            ("1.7.2027 9:00", "2027-07-01T09:00:00+02:00"),
            ("٢٤.١١.٢٠٢٦ ١٤:٠٠", "2026-11-24T14:00:00+01:00"),
        ],
    )
    def test_reads_the_contact_points_time(self, said: str, at: str) -> None:
        assert DayTime().dump(read(DayTime(), said)) == at

    @pytest.mark.parametrize("said", ["tomorrow", "31.2.2027 9:00", "24.11.2026 25:00", "24.11.2026", "29.2. 9:00"])
    def test_says_how_to_write_one(self, said: str) -> None:
        assert "24.11.2026 14:00" in refusal(DayTime(), said)

    def test_what_has_passed_is_refused_where_it_must_be_to_come(self) -> None:
        assert "already passed" in refusal(DayTime(), "24.11.2026 9:59")
        assert read(DayTime(in_future=False), "24.11.2026 9:59").hour == 9

    @pytest.mark.parametrize("wrong", ["2026-11-24T14:00:00", "soon", ""])
    def test_loads_moments_only(self, wrong: str) -> None:
        with pytest.raises(ValueError, match=r"isoformat|offset"):
            DayTime().load(wrong)

    def test_shows_the_day_of_the_week(self) -> None:
        assert shown(DayTime(), datetime(2026, 12, 1, 13, 0, tzinfo=UTC)) == "Tuesday, 1 December 2026, 14:00"


class TestConfirm:
    def test_takes_yes_or_no_only(self) -> None:
        assert read(Confirm(), choice="YES") is True
        assert read(Confirm(), choice="NO") is False
        assert "choose an answer" in refusal(Confirm(), choice="MAYBE")
        for wrong in ("YES", 1, 0, None):
            with pytest.raises(ValueError, match="yes"):
                Confirm().load(wrong)

    def test_shows_its_own_words(self) -> None:
        question = replace(Confirm(), yes=_("Yes, delete"), no=_("No, keep it"))
        assert shown(question, True) == "Yes, delete"
        assert render(question.show(False, None, SCOPE), "de") == "Nein, behalten"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("3", 3), ("12", 12), ("٣", 3), ("۱۲", 12), ("፫", 3), ("❸", 3)),
        *(("", None), ("1st", None), ("3.", None), ("½", None)),
    ],
)
def test_numbers_in_any_script(text: str, number: int | None) -> None:
    assert number_in(text) == number
    assert number_in("9" * 5000) is None


@given(st.text())
def test_readable_words_are_stable_and_free_of_tricks(text: str) -> None:
    words = readable(text)
    assert readable(words) == words
    assert not set(words) & set("\x00\x1b\u202a\u202e\u2066\u2069\ufeff")
