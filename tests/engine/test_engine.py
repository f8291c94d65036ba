"""How a conversation runs, shown with a small flow of its own; every state travels through JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from bot.commands import Ask, Command, Say, ShowPick
from bot.contact_point_file import load_contact_point, shipped
from bot.engine.engine import Engine, Step, UnknownFlow
from bot.engine.flow import AskAgain, Flow, Forget, Rework, Stop, Turn, ask, given
from bot.engine.inputs import Choice, Choices, Confirm, FreeText, Number, Phone, Said
from bot.engine.scope import Scope
from bot.engine.state import State
from bot.i18n import _, render, verbatim

SCOPE = Scope(
    contact_point=load_contact_point(shipped() / "oberberg.toml"),
    now=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
    language="en",
    fresh_ref=lambda: "7F3K-29QX",
)


@dataclass(frozen=True)
class Baked(Command):
    """What the flow below leads to."""

    cake: Cake
    guests: int | None
    wish: str | None
    sure: bool | None
    toppings: frozenset[Topping] | None
    phone: str | None
    sources: tuple[str, ...]


class Cake(StrEnum):
    APPLE = "APPLE"
    PLUM = "PLUM"
    NONE = "NONE"
    TELL_MORE = "TELL_MORE"


class Topping(StrEnum):
    CREAM = "CREAM"
    SUGAR = "SUGAR"


CAKES = {
    Cake.APPLE: _("Yes"),
    Cake.PLUM: _("I don't know"),
    Cake.NONE: _("No"),
    Cake.TELL_MORE: verbatim("Tell me more"),
}


def after_cake(flow: Bake, scope: Scope) -> Iterator[Command | Turn]:
    if flow.cake is Cake.TELL_MORE:
        yield Say(verbatim("Cakes are good."))
        yield AskAgain()
    elif flow.cake is Cake.NONE:
        yield Say(verbatim("A pity."))
        yield Stop()


def after_sure(flow: Bake, scope: Scope) -> Iterator[Command | Turn]:
    if not flow.sure:
        yield Forget("wish")
    else:
        yield Rework("wish", str.upper)


class Bake(Flow, name="bake"):
    """A small conversation with everything in it."""

    title = verbatim("Bake")
    review = verbatim("Is this right?")
    stray = "wish"

    for_whom: str = given("everybody")
    cake: Cake = ask(verbatim("Which cake?"), Choice(CAKES), label=verbatim("Cake"), then=after_cake)
    guests: int | None = ask(
        lambda so_far, scope: verbatim(f"How many people eat {so_far.cake}?"),
        Number(at_least=1, at_most=50),
        label=verbatim("Guests"),
        optional=True,
    )
    wish: str = ask(
        verbatim("Any wishes?"),
        FreeText(at_most=100, several_messages=True),
        label=verbatim("Wish"),
        note=verbatim("Write what you like."),
    )
    sure: bool | None = ask(
        verbatim("Nuts, are you sure?"),
        Confirm(),
        when=lambda so_far, scope: "nuts" in (so_far.wish or ""),
        then=after_sure,
        forgotten_with="wish",
    )
    toppings: frozenset[Topping] | None = ask(
        verbatim("On top?"),
        Choices({Topping.CREAM: verbatim("Cream"), Topping.SUGAR: verbatim("Sugar")}),
        when=lambda so_far, scope: so_far.cake is Cake.PLUM,
        label=verbatim("On top"),
    )
    phone: str | None = ask(
        verbatim("Your number?"),
        Phone(),
        when=lambda so_far, scope: so_far.cake is Cake.PLUM,
        label=verbatim("Phone"),
        forgotten_with="cake",
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        sources = getattr(self, "sources", ())
        yield Baked(self.cake, self.guests, self.wish, self.sure, self.toppings, self.phone, sources)


class Talk:
    """One person with one engine; the state goes through JSON between any two messages, as in a restart."""

    def __init__(self, *flows: type[Flow], language: str = "en") -> None:
        self.engine = Engine(flows or (Bake,))
        self.scope = replace(SCOPE, language=language)
        self.count = 0
        self._state: State | None = None
        self.commands: tuple[Command, ...] = ()
        self._take(self.engine.start((flows or (Bake,))[0].name, self.scope))

    @property
    def state(self) -> State:
        assert self._state is not None, "the conversation has ended"
        adopted = self.engine.adopt(State.from_json(json.loads(json.dumps(self._state.to_json()))))
        assert adopted is not None
        return adopted

    def _take(self, step: Step) -> None:
        self.commands = step.commands
        self._state = replace(step.state, prompt=self.count) if step.state else None

    def released(self, *flows: type[Flow]) -> Talk:
        """A new release comes between two messages."""
        self.engine = Engine(flows)
        return self

    def says(self, *texts: str) -> Talk:
        """Words, as typed: a number, a label or an answer."""
        for text in texts:
            self.count += 1
            said = Said(text=text, source=f"m{self.count}")
            picked = self.engine.picked(self.state, said, self.scope)
            if picked is not None:
                self.presses(picked)
            else:
                self._take(self.engine.answer(self.state, said, self.scope))
        return self

    def presses(self, *choices: str) -> Talk:
        for choice in choices:
            match choice:
                case "/back" | "/skip" | "/done" | "/send" | "/change":
                    self._take(getattr(self.engine, choice[1:])(self.state, self.scope))
                case _:
                    self._take(self.engine.answer(self.state, Said(choice=choice), self.scope))
        return self

    def edits(self, source: str, text: str) -> bool:
        step = self.engine.edit(self.state, source, text, self.scope)
        if step is not None:
            self._take(step)
        return step is not None

    @property
    def asked(self) -> str:
        return self.state.asked

    @property
    def question(self) -> Ask:
        asks = [command for command in self.commands if isinstance(command, Ask)]
        assert len(asks) == 1, self.commands
        assert asks[0] is self.commands[-1]
        return asks[0]

    @property
    def text(self) -> str:
        return render(self.question.text, "en")

    @property
    def offered(self) -> list[str]:
        return [button.id for button in self.question.buttons]

    @property
    def said(self) -> str:
        return "\n".join(render(command.text, "en") for command in self.commands if isinstance(command, Say))

    @property
    def shown(self) -> list[str]:
        """What answered questions look like now."""
        return [render(command.text, "en") for command in self.commands if isinstance(command, ShowPick)]

    @property
    def baked(self) -> Baked:
        assert self._state is None
        (baked,) = (command for command in self.commands if isinstance(command, Baked))
        return baked


@pytest.fixture
def talk() -> Talk:
    return Talk()


@pytest.fixture
def at_review() -> Talk:
    return Talk().presses("APPLE").says("12", "Not too sweet please.").presses("/done")


class TestNextQuestion:
    def test_asks_one_after_the_other_and_ends(self, talk: Talk) -> None:
        assert talk.asked == "cake"
        assert talk.presses("PLUM").text == "How many people eat PLUM?"
        assert talk.says("12").text == "Any wishes?\n\nWrite what you like."
        assert talk.says("Less sugar.").presses("/done").asked == "toppings"
        assert talk.presses("CREAM", "/done").asked == "phone"
        summary = "Cake: I don't know\nGuests: 12\nWish: Less sugar.\nOn top: Cream\nPhone: 02261 123456"
        assert talk.says("02261 123456").text == f"Is this right?\n\n{summary}"
        assert talk.presses("/send").baked == Baked(
            Cake.PLUM, 12, "Less sugar.", None, frozenset({Topping.CREAM}), "+492261123456", ("m2",)
        )

    def test_questions_that_do_not_apply_are_not_asked(self, at_review: Talk) -> None:
        assert at_review.asked == "review"
        assert at_review.presses("/send").baked.phone is None

    def test_says_how_far_it_has_come(self, talk: Talk) -> None:
        assert talk.question.step == (1, 4)
        assert talk.presses("PLUM").question.step == (2, 6)

    def test_an_answer_that_is_not_understood_is_asked_again(self, talk: Talk) -> None:
        talk.says("hm")
        assert "choose an answer" in talk.said
        assert talk.asked == "cake"
        talk.presses("APPLE").says("a few")
        assert talk.said == "Please write a number from 1 to 50."
        assert talk.asked == "guests"

    def test_shows_what_was_chosen_in_the_answered_question(self, talk: Talk) -> None:
        assert talk.presses("APPLE").shown == ["Which cake?\n\n✓ Yes"]
        assert talk.says("3").shown == ["How many people eat APPLE?\n\n✓ 3"]

    def test_a_wish_for_more_information_brings_the_same_question(self, talk: Talk) -> None:
        talk.presses("TELL_MORE")
        assert talk.said == "Cakes are good."
        assert (talk.asked, "cake" in talk.state.answers) == ("cake", False)

    def test_an_answer_may_end_it_all(self, talk: Talk) -> None:
        talk.presses("NONE")
        assert talk.said == "A pity."
        with pytest.raises(AssertionError, match="ended"):
            _ = talk.state

    def test_an_answer_may_drop_another(self, talk: Talk) -> None:
        talk.presses("APPLE").says("3", "With nuts.").presses("/done", "NO")
        assert (talk.asked, dict(talk.state.pieces)) == ("wish", {})
        assert talk.text.startswith("Any wishes?")

    def test_an_answer_may_rework_another(self, talk: Talk) -> None:
        talk.presses("APPLE").says("3", "With nuts.", "Many nuts.").presses("/done", "YES", "/send")
        assert talk.baked.wish == "WITH NUTS.\nMANY NUTS."

    def test_a_flow_nobody_knows_is_no_flow(self) -> None:
        with pytest.raises(UnknownFlow):
            Engine((Bake,)).start("brew", SCOPE)


class TestWaysOut:
    def test_the_first_question_offers_no_way_back(self, talk: Talk) -> None:
        assert "/back" not in talk.offered
        assert "/back" in talk.presses("APPLE").offered
        talk.presses("/back").presses("/back")
        assert "first question" in talk.said
        assert talk.asked == "cake"

    def test_back_asks_the_last_question_again(self, at_review: Talk) -> None:
        at_review.presses("/back")
        assert at_review.asked == "wish"
        at_review.presses("/back")
        assert (at_review.asked, dict(at_review.state.answers)) == ("guests", {"cake": "APPLE"})
        at_review.presses("/back")
        assert (at_review.asked, dict(at_review.state.answers)) == ("cake", {})

    def test_back_keeps_the_words_and_lets_them_grow(self, at_review: Talk) -> None:
        at_review.presses("/back").says("And warm.").presses("/done", "/send")
        assert at_review.baked.wish == "Not too sweet please.\nAnd warm."

    def test_what_can_be_skipped_offers_it(self, talk: Talk) -> None:
        assert "/skip" not in talk.offered
        talk.presses("/skip")
        assert "I need an answer" in talk.said
        assert "/skip" in talk.presses("APPLE").offered
        assert talk.presses("/skip").asked == "wish"
        assert talk.presses("/back").asked == "guests"
        talk.presses("/skip").says("x").presses("/done")
        assert "Guests" not in talk.text
        assert talk.presses("/send").baked.guests is None

    def test_done_needs_something_that_is_done(self, talk: Talk) -> None:
        assert talk.presses("APPLE", "/skip", "/done").said == "Please write a few words."
        assert "/done" not in talk.offered
        assert "/done" in talk.says("x").offered

    def test_controls_out_of_place_change_nothing(self, talk: Talk) -> None:
        for control in ("/done", "/send", "/change"):
            assert talk.presses(control).asked == "cake"
            assert dict(talk.state.answers) == {}


class TestSummary:
    def test_offers_to_send_and_to_change(self, at_review: Talk) -> None:
        assert at_review.text == "Is this right?\n\nCake: Yes\nGuests: 12\nWish: Not too sweet please."
        assert at_review.offered[:2] == ["/send", "/change"]
        assert [button.id for button in at_review.question.buttons if button.primary] == ["/send"]

    def test_changes_one_answer_and_comes_back(self, at_review: Talk) -> None:
        assert at_review.presses("/change").offered == ["cake", "guests", "wish", "/back"]
        at_review.presses("guests")
        assert (at_review.asked, at_review.state.answers.get("guests")) == ("guests", None)
        at_review.says("13")
        assert at_review.asked == "review"
        assert at_review.presses("/send").baked.guests == 13

    def test_a_changed_answer_brings_what_now_applies(self, at_review: Talk) -> None:
        at_review.presses("/change", "cake", "PLUM")
        assert at_review.asked == "toppings"

    def test_changing_words_shows_the_old_ones_and_begins_anew(self, at_review: Talk) -> None:
        at_review.presses("/change", "wish")
        assert at_review.said == "So far you wrote:\nNot too sweet please."
        at_review.says("Very sweet.").presses("/done", "/send")
        assert at_review.baked.wish == "Very sweet."

    def test_back_from_the_choice_of_changes_changes_nothing(self, at_review: Talk) -> None:
        before = at_review.state.answers
        assert at_review.presses("/change", "/back").asked == "review"
        assert at_review.state.answers == before

    def test_what_depends_on_a_changed_answer_is_asked_again(self, talk: Talk) -> None:
        talk.presses("PLUM", "/skip").says("x").presses("/done", "SUGAR", "/done").says("02261 123456")
        talk.presses("/change", "cake", "APPLE")
        assert "On top" not in talk.text
        talk.presses("/change", "cake", "PLUM")
        assert talk.asked == "phone", "the number was forgotten with the cake, the toppings were not"
        assert talk.state.answers["toppings"] == ["SUGAR"]

    def test_nothing_is_sent_while_something_is_open(self, at_review: Talk) -> None:
        at_review._state = replace(at_review.state.without("cake"), asked="review")
        assert at_review.presses("/send").asked == "cake"

    def test_words_at_the_summary_are_added(self, at_review: Talk) -> None:
        at_review.says("One more thing: please bring candles.")
        assert at_review.asked == "review"
        assert "added this to your description" in at_review.said
        assert at_review.presses("/send").baked.wish == "Not too sweet please.\nOne more thing: please bring candles."

    def test_words_at_the_choice_of_changes_are_added(self, at_review: Talk) -> None:
        at_review.presses("/change").says("One more thing: please bring candles.")
        assert "candles" in at_review.state.answers["wish"]

    def test_a_few_words_at_the_summary_are_a_misread_button(self, at_review: Talk) -> None:
        assert "choose an answer" in at_review.says("hm").said


class TestWords:
    def test_several_messages_make_one_answer(self, talk: Talk) -> None:
        talk.presses("APPLE", "/skip").says("No flour.")
        assert "Do you want to write more?" in talk.text
        talk.says("No eggs.").presses("/done", "/send")
        assert talk.baked.wish == "No flour.\nNo eggs."
        assert talk.baked.sources == ("m1", "m2")

    def test_a_story_told_at_a_choice_waits_for_its_question(self, talk: Talk) -> None:
        talk.says("It is for my mother's eightieth birthday.")
        assert talk.asked == "cake"
        assert "added this to your description" in talk.said
        talk.presses("APPLE", "/skip")
        assert "I have noted it" in talk.text
        assert talk.presses("/done", "/send").baked.wish == "It is for my mother's eightieth birthday."

    def test_a_story_that_grows_later_is_asked_about_again(self, talk: Talk) -> None:
        talk.presses("PLUM", "/skip").says("With nuts.").presses("/done", "YES")
        talk.says("And a few walnuts too, but only a handful of nuts.")
        assert talk.asked == "sure"
        assert talk.state.answers["wish"].startswith("WITH NUTS.\nAnd a few")

    def test_words_said_before_it_began(self) -> None:
        engine = Engine((Bake,))
        step = engine.start("bake", SCOPE, {"words": [["A big one.", "m0"]], "for_whom": "Ana"})
        assert step.state is not None
        assert step.state.asked == "cake"
        assert [(piece.text, piece.source) for piece in step.state.pieces["wish"]] == [("A big one.", "m0")]
        assert step.state.answers == {"for_whom": "Ana"}

    def test_a_bare_number_is_an_answer_where_words_are_wanted(self, talk: Talk) -> None:
        assert talk.presses("APPLE").says("2").state.answers["guests"] == 2

    def test_the_prompt_is_not_repeated_with_the_persons_words(self, talk: Talk) -> None:
        talk.presses("APPLE", "/skip").says("secret")
        assert "secret" not in "".join(talk.shown)
        assert "secret" not in "".join(talk.presses("/done").shown)


class TestSpoken:
    """Whatever messenger has no buttons."""

    @pytest.mark.parametrize(
        "said", ["1", "١", "۱", "፩", "❶", "１", "Yes", "yes", "YES.", " ✓ Yes ", "apple", "\u2068Yes\u2069"]
    )
    def test_numbers_labels_and_ids(self, talk: Talk, said: str) -> None:
        assert talk.says(said).state.answers["cake"] == "APPLE"

    @pytest.mark.parametrize(
        ("language", "said"), [("de", "Ja"), ("de", "ja!"), ("de", "1"), ("tr", "JA"), ("ar", "١")]
    )
    def test_in_the_language_of_the_reader(self, language: str, said: str) -> None:
        assert Talk(language=language).says(said).state.answers["cake"] == "APPLE"

    @pytest.mark.parametrize("said", ["0", "99", "-1", "9" * 5000, "²³⁴⁵", "1 or 2", "maybe yes"])
    def test_anything_else_is_none_of_them(self, talk: Talk, said: str) -> None:
        assert talk.engine.picked(talk.state, Said(text=said), talk.scope) is None

    def test_controls_by_their_label(self, talk: Talk) -> None:
        talk.presses("APPLE").says("back")
        assert talk.asked == "cake"

    def test_numbers_count_what_was_offered_then(self, talk: Talk) -> None:
        """The person answers what they saw, though the release since has another order."""
        assert talk.released(reordered()).says("1").state.answers["cake"] == "APPLE"

    def test_only_what_was_offered_can_be_pressed(self, talk: Talk) -> None:
        assert talk.engine.picked(talk.state, Said(choice="CREAM"), talk.scope) is None
        assert talk.engine.picked(talk.state, Said(choice="PLUM"), talk.scope) == "PLUM"

    def test_several_are_chosen_one_by_one(self, talk: Talk) -> None:
        talk.presses("PLUM", "/skip").says("x", "Done")
        assert [render(button.label, "en") for button in talk.says("Cream").question.buttons[:2]] == [
            "✓ Cream",
            "Sugar",
        ]
        talk.says("2", "✓ Cream", "Done", "0221 123456", "Send")
        assert talk.baked.toppings == {Topping.SUGAR}


def reordered() -> type[Flow]:
    class Reordered(Flow, name="bake"):
        title = verbatim("Bake")
        cake: Cake = ask(verbatim("Which cake?"), Choice(dict(reversed(CAKES.items()))))
        last: int = ask(verbatim("?"), Number())

    return Reordered


class TestEditing:
    def test_an_earlier_message_of_several(self, at_review: Talk) -> None:
        assert at_review.edits("m2", "Very sweet please.")
        assert "taken over" in at_review.said
        assert at_review.presses("/send").baked.wish == "Very sweet please."

    def test_what_depends_on_the_words_is_asked_again(self, talk: Talk) -> None:
        talk.presses("APPLE", "/skip").says("With nuts.").presses("/done", "YES")
        assert talk.edits("m1", "With nuts, many.")
        assert talk.asked == "sure"

    def test_before_the_answer_is_complete(self, talk: Talk) -> None:
        talk.presses("APPLE", "/skip").says("No flower.", "No eggs.")
        assert talk.edits("m1", "No flour.")
        assert talk.presses("/done", "/send").baked.wish == "No flour.\nNo eggs."

    def test_words_of_a_conversation_that_waits(self, at_review: Talk) -> None:
        waiting = at_review.state
        at_review._state = Engine((Bake,)).start("bake", SCOPE, under=waiting).state
        assert at_review.edits("m2", "Very sweet please.")
        assert at_review.asked == "cake"
        assert at_review.state.under is not None
        assert at_review.state.under.answers["wish"] == "Very sweet please."

    @pytest.mark.parametrize("source", ["m1", "m9", ""])
    def test_what_is_in_no_answer_changes_nothing(self, at_review: Talk, source: str) -> None:
        before = at_review.state
        assert not at_review.edits(source, "x")
        assert at_review.state == before

    def test_an_edit_to_nothing_keeps_the_words(self, at_review: Talk) -> None:
        assert at_review.edits("m2", "\u202e ")
        assert at_review.presses("/send").baked.wish == "Not too sweet please."


def bake(**changes: Any) -> type[Flow]:
    """`Bake` as another release has it: a question is replaced or, with None, gone; others come last."""
    fields: dict[str, Any] = {
        "for_whom": lambda: given("everybody"),
        "cake": lambda: ask(verbatim("Which cake?"), Choice(CAKES), label=verbatim("Cake")),
        "guests": lambda: ask(verbatim("How many?"), Number(at_most=50), label=verbatim("Guests"), optional=True),
        "wish": lambda: ask(verbatim("Any wishes?"), FreeText(several_messages=True), label=verbatim("Wish")),
        "toppings": lambda: ask(
            verbatim("On top?"),
            Choices({Topping.CREAM: verbatim("Cream")}),
            when=lambda so_far, scope: so_far.cake == "PLUM",
        ),
        **changes,
    }
    settings = {key: fields.pop(key) for key in ("renamed", "stray", "review") if key in fields}
    made = {key: make() for key, make in fields.items() if make is not None}
    return type(
        "Later",
        (Flow,),
        {"title": verbatim("Bake"), "review": verbatim("Right?"), "stray": "wish", **settings, **made},
        name="bake",
    )


def only_plum() -> Any:
    return ask(verbatim("Which cake?"), Choice({Cake.PLUM: verbatim("Plum")}))


def never_asked() -> Any:
    return ask(verbatim("How many?"), Number(), label=verbatim("Guests"), when=lambda so_far, scope: False)


def answers_of(talk: Talk) -> dict[str, Any]:
    return dict(talk.state.answers)


class TestNewRelease:
    """Between any two messages there may be another release."""

    def test_an_added_question_is_asked_and_nothing_else(self, at_review: Talk) -> None:
        later = bake(candles=lambda: ask(verbatim("Candles?"), Confirm(), label=verbatim("Candles")))
        at_review.released(later).says("hello")
        assert (at_review.asked, answers_of(at_review)["guests"]) == ("candles", 12)
        assert at_review.presses("YES").asked == "review"
        assert "Candles: Yes" in at_review.text

    def test_nothing_is_sent_without_the_added_question(self, at_review: Talk) -> None:
        later = bake(candles=lambda: ask(verbatim("Candles?"), Confirm()))
        assert at_review.released(later).presses("/send").asked == "candles"

    @pytest.mark.parametrize(
        "reply",
        ["12", "a story that is certainly long enough", "/back", "/skip", "/done", "/send", "/change"],
    )
    def test_the_open_question_is_gone(self, reply: str) -> None:
        talk = Talk().presses("APPLE").released(bake(guests=None))
        assert talk.engine.picked(talk.state, Said(choice="/skip"), talk.scope) is None
        assert talk.engine.picked(talk.state, Said(text="Skip"), talk.scope) is None
        if reply.startswith("/"):
            talk.presses(reply)
        else:
            talk.says(reply)
        assert talk.asked == ("cake" if reply == "/back" else "wish")
        assert ("certainly" in reply) == bool(talk.state.pieces), "what was told at length is kept"

    def test_an_answered_question_is_gone(self, at_review: Talk) -> None:
        at_review.released(bake(guests=None)).says("hello")
        assert at_review.text == "Right?\n\nCake: Yes\nWish: Not too sweet please."
        assert at_review.presses("/change").offered == ["cake", "wish", "/back"]

    def test_words_of_a_question_that_is_gone_can_still_be_edited_in_vain(self, at_review: Talk) -> None:
        assert not at_review.released(bake(wish=None, stray=None)).edits("m2", "x")

    def test_a_renamed_question_keeps_its_answer(self, at_review: Talk) -> None:
        later = bake(
            wish=None,
            hope=lambda: ask(verbatim("Hopes?"), FreeText(several_messages=True), label=verbatim("Hope")),
            renamed={"wish": "hope"},
            stray="hope",
        )
        at_review.released(later).says("hm")
        assert at_review.text == "Right?\n\nCake: Yes\nGuests: 12\nHope: Not too sweet please."
        assert at_review.edits("m2", "Sweet.")
        assert answers_of(at_review)["hope"] == "Sweet."

    def test_the_open_question_is_renamed(self) -> None:
        people = {
            "guests": None,
            "people": lambda: ask(verbatim("How many?"), Number(at_most=50), optional=True, label=verbatim("People")),
            "renamed": {"guests": "people"},
        }
        talk = Talk().presses("APPLE").released(bake(**people)).says("7")
        assert answers_of(talk) == {"cake": "APPLE", "people": 7}
        assert Talk().presses("APPLE").released(bake(**people)).says("Skip").state.answers["people"] is None

    def test_an_answer_that_no_longer_loads_is_asked_again(self, at_review: Talk) -> None:
        at_review.released(bake(cake=only_plum)).says("hello")
        assert (at_review.asked, at_review.offered[0]) == ("cake", "PLUM")
        assert answers_of(at_review)["wish"] == "Not too sweet please."

    def test_an_option_that_is_gone_is_refused(self, talk: Talk) -> None:
        talk.released(bake(cake=only_plum)).says("1")
        assert "choose an answer" in talk.said
        assert (talk.asked, talk.offered[0]) == ("cake", "PLUM")

    def test_another_kind_of_answer_is_asked_again(self, at_review: Talk) -> None:
        at_review.released(bake(guests=lambda: ask(verbatim("?"), FreeText()))).says("hello")
        assert at_review.asked == "guests"

    def test_an_optional_question_that_was_skipped_is_asked_once_it_must_be_answered(self) -> None:
        talk = Talk().presses("APPLE", "/skip").says("x").presses("/done")
        talk.released(bake(guests=lambda: ask(verbatim("How many?"), Number()))).says("hello")
        assert talk.asked == "guests"

    def test_a_choice_made_of_what_is_no_longer_offered(self) -> None:
        talk = Talk().presses("PLUM", "/skip").says("x").presses("/done", "SUGAR").released(bake())
        assert talk.presses("/done").said == "Please choose at least one. You can choose several."
        talk.presses("CREAM", "/done")
        assert answers_of(talk)["toppings"] == ["CREAM"]

    def test_the_condition_has_changed(self, at_review: Talk) -> None:
        """A question that no longer applies drops out with its answer; the answer is not sent."""
        at_review.released(bake(guests=never_asked)).says("hello")
        assert "Guests" not in at_review.text

    def test_the_open_question_does_not_apply_any_more(self) -> None:
        talk = Talk().presses("APPLE").released(bake(guests=never_asked)).says("7")
        assert (talk.asked, answers_of(talk)) == ("wish", {"cake": "APPLE"})

    def test_a_flow_that_is_gone_leaves_what_waited_below_it(self, at_review: Talk) -> None:
        waiting = at_review.state
        engine = Engine((bake(),))
        assert engine.adopt(State("brew", asked="strength", under=waiting)) == waiting
        assert engine.adopt(State("brew", asked="strength")) is None
        adopted = engine.adopt(replace(waiting, under=State("brew", under=waiting)))
        assert adopted is not None
        assert adopted.under == waiting

    def test_a_state_of_the_first_release_can_be_read(self) -> None:
        assert State.from_json({"flow": "bake"}) == State("bake")


def test_no_step_ever_writes() -> None:
    """The same message twice leads to the same step: the engine keeps nothing."""
    talk = Talk().presses("APPLE")
    said = Said(text="7", source="m1")
    before = json.dumps(talk.state.to_json())
    steps = [talk.engine.answer(talk.state, said, talk.scope) for _again in range(2)]
    assert steps[0] == steps[1]
    assert json.dumps(talk.state.to_json()) == before
