"""What one message means beside an answer: first contact, drafts, what waits, old buttons, edits, danger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.commands import AddToReport, AlertDesk, Ask, Command, ForgetMe, HandOff, Say, SetLanguage, ShowPick
from bot.contact_point_file import load_contact_point, shipped
from bot.conversation import Heard, Listener, Memory
from bot.engine.engine import Engine
from bot.engine.scope import OwnReport, Scope
from bot.engine.state import State
from bot.flows import FLOWS
from bot.i18n import render
from bot.taxonomy import Flag, ReportState

OBERBERG = load_contact_point(shipped() / "oberberg.toml")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STORY = "For weeks the music has been so loud that nobody sleeps."
MORE = "Only one of the two families is meant by all of this."
REPORTS = tuple(
    OwnReport(ref, "wiehl", ReportState.ACKNOWLEDGED, NOW, NOW, "CHAT") for ref in ("7F3K-29QX", "Q4RT-77ZZ")
)


class Chat:
    """A chat with the bot, whose memory goes through JSON between any two messages."""

    def __init__(self, *, language_known: bool = True, **scope: Any) -> None:
        self.listener = Listener(Engine(FLOWS))
        self.language_known = language_known
        self.scope = Scope(contact_point=OBERBERG, now=NOW, language="en", fresh_ref=lambda: "NEW1-2345", **scope)
        self.stored: Any = Memory().to_json()
        self.count = 0
        self.commands: list[Command] = []

    @property
    def memory(self) -> Memory:
        return Memory.from_json(json.loads(json.dumps(self.stored)))

    def hears(self, **message: Any) -> Chat:
        self.count += 1
        heard = Heard(**{"source": f"m{self.count}", **message})
        outcome = self.listener.hear(self.memory, heard, self.scope, language_known=self.language_known)
        self.commands, memory = outcome.commands, outcome.memory
        for command in self.commands:
            match command:
                case SetLanguage(language):
                    self.language_known, self.scope = True, replace(self.scope, language=language)
                case ForgetMe():
                    self.language_known = False
                case Say(_text, buttons) if buttons and memory.state is None:
                    labels = tuple((button.id, render(button.label, self.scope.language)) for button in buttons)
                    memory = replace(memory, buttons=labels)
        if memory.state is not None:
            memory = replace(memory, state=replace(memory.state, prompt=self.count))
        self.stored = memory.to_json()
        return self

    def says(self, *texts: str) -> Chat:
        for text in texts:
            self.hears(text=text)
        return self

    def presses(self, *choices: str) -> Chat:
        for choice in choices:
            self.hears(choice=choice)
        return self

    @property
    def asked(self) -> str:
        state = self.memory.state
        return f"{state.flow}.{state.asked}" if state else ""

    @property
    def said(self) -> str:
        texts = [command.text for command in self.commands if isinstance(command, Say | Ask)]
        return "\n---\n".join(render(text, self.scope.language) for text in texts)

    def yielded(self, kind: type[Command]) -> list[Any]:
        return [command for command in self.commands if isinstance(command, kind)]


def words_of(state: State | None) -> list[str]:
    assert state is not None
    return [piece.text for piece in state.pieces.get("story", ())]


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def telling() -> Chat:
    """In the middle of a report, with a story under way."""
    return Chat().presses("/report", "NO", "READ_ON").says(STORY)


class TestFirstContact:
    def test_the_language_comes_first(self) -> None:
        assert Chat(language_known=False).says("hello").asked == "language.language"

    def test_what_was_told_before_is_in_the_report(self) -> None:
        chat = Chat(language_known=False).says(STORY)
        assert "I keep what you have written" in chat.said
        assert chat.says(MORE, "English").asked == "report_tension.danger"
        assert words_of(chat.memory.state) == [STORY, MORE]
        assert chat.memory.pending == ()

    def test_a_greeting_is_no_story(self) -> None:
        chat = Chat(language_known=False).says("Good evening!").presses("en")
        assert words_of(chat.memory.state) == []

    def test_an_edit_before_the_language_is_taken_over(self) -> None:
        chat = Chat(language_known=False).says(STORY).hears(edits="m1", text=MORE).presses("en")
        assert words_of(chat.memory.state) == [MORE]

    def test_what_the_person_came_for_follows(self) -> None:
        chat = Chat(language_known=False).says("/data").presses("tr")
        assert chat.asked == "my_data.wanted"

    def test_what_was_told_is_kept_for_later_when_the_person_came_for_something_else(self) -> None:
        chat = Chat(language_known=False).says("/data", STORY).presses("tr")
        assert chat.asked == "my_data.wanted"
        assert words_of(chat.memory.draft) == [STORY]
        assert chat.presses("/resume").asked == "report_tension.danger"

    @pytest.mark.parametrize(("text", "answer"), [("/help", "112"), ("help", "112"), ("/privacy", "Privacy notice")])
    def test_help_does_not_wait_for_a_language(self, text: str, answer: str) -> None:
        assert answer in Chat(language_known=False).says(text).said

    def test_nor_does_a_human(self) -> None:
        chat = Chat(language_known=False).says("hello", "Mensch")
        assert chat.yielded(HandOff)

    def test_the_place_is_not_told_before_who_is_speaking(self) -> None:
        """Who speaks is said once the language is known (W-15)."""
        assert "chat program" in Chat(language_known=False).says("/start", "English").said


class TestLanguage:
    def test_may_change_at_any_question(self, telling: Chat) -> None:
        assert telling.says("/language").asked == "language.language"
        telling.says("Deutsch")
        assert telling.asked == "report_tension.story"
        assert words_of(telling.memory.state) == [STORY]
        assert telling.scope.language == "de"

    def test_asked_twice_still_comes_back(self, telling: Chat) -> None:
        telling.says("/language", "/language", "dil").presses("tr")
        assert (telling.asked, words_of(telling.memory.state)) == ("report_tension.story", [STORY])

    def test_in_one_step(self, telling: Chat) -> None:
        telling.says("/language tr")
        assert telling.yielded(SetLanguage) == [SetLanguage("tr")]
        assert telling.asked == "report_tension.story"

    def test_a_language_nobody_knows_brings_the_list_and_comes_back(self, telling: Chat) -> None:
        assert telling.says("/language klingon").asked == "language.language"
        assert telling.presses("en").asked == "report_tension.story"


class TestWhatWaits:
    def test_a_question_in_between_comes_back(self, telling: Chat) -> None:
        telling.says("/data").presses("NOTHING")
        assert "Now back to where we were" in telling.said
        assert (telling.asked, words_of(telling.memory.state)) == ("report_tension.story", [STORY])

    @pytest.mark.parametrize("command", ["/data", "/language", "/mine"])
    def test_the_same_command_twice_loses_nothing(self, command: str) -> None:
        chat = Chat(own_reports=lambda: REPORTS).presses("/report", "NO", "READ_ON").says(STORY)
        chat.says(command, command)
        state = chat.memory.state
        assert state is not None
        assert words_of(state.under) == [STORY]
        assert chat.says("/cancel").asked == "report_tension.story"

    def test_many_commands_do_not_pile_up(self, telling: Chat) -> None:
        for _again in range(40):
            telling.says("/data", "/language")
        state = telling.memory.state
        assert state is not None
        assert state.under is not None
        assert state.under.under is None

    def test_a_flow_that_is_gone_does_not_take_what_waits_with_it(self, telling: Chat) -> None:
        gone = State("lottery", asked="ticket", under=telling.memory.state)
        telling.stored = Memory(state=gone, draft=State("lottery")).to_json()
        assert telling.says(MORE).asked == "report_tension.story"
        assert words_of(telling.memory.state) == [STORY, MORE]
        assert telling.memory.draft is None

    def test_forgetting_everything_leaves_nothing_that_waits(self, telling: Chat) -> None:
        telling.says("/data").presses("FORGET_ME", "YES")
        assert telling.yielded(ForgetMe)
        assert telling.memory == Memory()


class TestDrafts:
    def test_is_kept_and_comes_back(self, telling: Chat) -> None:
        telling.says("/later")
        assert "keep your draft for" in telling.said
        assert telling.says("/report").asked == "draft.draft"
        telling.presses("CONTINUE")
        assert (telling.asked, words_of(telling.memory.state)) == ("report_tension.story", [STORY])

    def test_the_menu_keeps_it(self, telling: Chat) -> None:
        telling.says("/menu")
        assert words_of(telling.memory.draft) == [STORY]
        assert telling.listener.unfinished(telling.memory) == telling.memory.draft

    def test_a_second_draft_does_not_replace_the_first(self, telling: Chat) -> None:
        telling.says("/menu", MORE, "/menu")
        draft = telling.memory.draft
        assert draft is not None
        assert draft.answers["words"] == [[MORE, "m6"]]
        assert words_of(draft.under) == [STORY]

    def test_both_drafts_come_back_one_after_the_other(self, telling: Chat) -> None:
        telling.says("/menu", MORE, "/menu").presses("/resume")
        assert telling.asked == "own_words.purpose"
        telling.presses("NOTHING")
        assert (telling.asked, words_of(telling.memory.state)) == ("report_tension.story", [STORY])

    def test_going_on_keeps_what_is_open(self, telling: Chat) -> None:
        telling.says("/menu", MORE).presses("/resume")
        state = telling.memory.state
        assert words_of(state) == [STORY]
        assert state is not None
        assert state.under is not None
        assert state.under.answers["words"] == [[MORE, "m6"]]

    def test_starting_again_drops_the_draft(self, telling: Chat) -> None:
        telling.says("/later", "/report").presses("ANEW")
        assert (telling.asked, words_of(telling.memory.state)) == ("report_tension.danger", [])
        assert telling.memory.draft is None

    def test_words_for_a_report_of_mine_are_kept_too(self) -> None:
        chat = Chat(own_reports=lambda: REPORTS[:1]).presses("/mine", "ADD").says(STORY, "/later")
        assert words_of(chat.memory.draft) == [STORY]
        chat.presses("/resume", "/done")
        assert [(each.ref, each.text) for each in chat.yielded(AddToReport)] == [("7F3K-29QX", STORY)]

    def test_deleting_the_draft_asked_about_ends_the_question(self, telling: Chat) -> None:
        telling.says("/later", "/report", "/discard")
        assert (telling.asked, telling.memory.draft) == ("", None)
        assert "deleted" in telling.said

    def test_nothing_said_is_nothing_to_keep(self, chat: Chat) -> None:
        chat.says("/report", "/later")
        assert "nothing to keep" in chat.said
        assert chat.memory.draft is None

    def test_stopping_deletes_and_says_so(self, telling: Chat) -> None:
        telling.says("/cancel")
        assert "deleted" in telling.said
        assert telling.memory == replace(Memory(), buttons=telling.memory.buttons)

    def test_stopping_deletes_a_draft(self, telling: Chat) -> None:
        telling.says("/later", "/cancel")
        assert "deleted" in telling.said
        assert telling.memory.draft is None
        assert "nothing to stop" in telling.says("/cancel").said

    def test_a_human_is_called_and_the_draft_kept(self, telling: Chat) -> None:
        telling.says("human")
        assert telling.yielded(HandOff)
        assert words_of(telling.memory.draft) == [STORY]


class TestWordsUnasked:
    def test_the_person_says_what_they_are_for(self, chat: Chat) -> None:
        assert chat.says(STORY).asked == "own_words.purpose"
        chat.says(MORE).presses("REPORT")
        assert words_of(chat.memory.state) == [STORY, MORE]

    def test_they_may_be_for_a_human(self, chat: Chat) -> None:
        chat.says(STORY, MORE).presses("HUMAN")
        assert [each.words for each in chat.yielded(HandOff)] == [f"{STORY}\n{MORE}"]

    def test_calling_a_human_over_a_draft_keeps_the_draft(self, telling: Chat) -> None:
        telling.says("/menu", MORE, "/menu").presses("/resume", "HUMAN")
        assert telling.yielded(HandOff)
        assert words_of(telling.memory.draft) == [STORY]

    def test_asking_for_a_report_makes_one_of_them(self, chat: Chat) -> None:
        assert chat.says(STORY, "/report").asked == "report_tension.danger"
        assert words_of(chat.memory.state) == [STORY]

    def test_they_can_be_edited(self, chat: Chat) -> None:
        chat.says(STORY).hears(edits="m1", text=MORE).presses("REPORT")
        assert words_of(chat.memory.state) == [MORE]

    def test_they_are_kept_when_there_were_too_many_reports_today(self) -> None:
        chat = Chat(reports_today=OBERBERG.limits.reports_per_day).says(STORY).presses("REPORT")
        assert "Tomorrow you can report again" in chat.said
        state = chat.memory.state
        assert state is not None
        assert (chat.asked, state.answers["words"]) == ("own_words.purpose", [[STORY, "m1"]])

    def test_a_few_words_bring_the_menu(self, chat: Chat) -> None:
        assert chat.says("hm").asked == "menu.menu"
        assert "only understand a little" in chat.said


class TestButtons:
    def test_an_old_one_does_nothing_and_says_so(self, telling: Chat) -> None:
        telling.hears(choice="/later", stale=True)
        assert "from earlier" in telling.said
        assert telling.asked == "report_tension.story"

    def test_an_old_answer_is_no_answer_to_another_question(self, chat: Chat) -> None:
        chat.presses("/report").hears(choice="YES", stale=True)
        assert chat.asked == "report_tension.danger"

    def test_help_works_however_old(self, chat: Chat) -> None:
        assert "112" in chat.presses("/report").hears(choice="/help", stale=True).said

    def test_offered_with_a_sentence_they_can_be_typed(self, telling: Chat) -> None:
        telling.says("/later", "Menu")
        assert telling.asked == "menu.menu"
        assert telling.says("/later", "1").commands

    @pytest.mark.parametrize("said", ["²", "፲", "9" * 5000, "①②"])
    def test_signs_that_only_look_like_numbers_are_words(self, chat: Chat, said: str) -> None:
        assert chat.says("/later", said).asked in ("menu.menu", "own_words.purpose")

    def test_the_answered_question_shows_what_was_chosen(self, chat: Chat) -> None:
        (shown,) = chat.presses("/report", "NO").yielded(ShowPick)
        assert shown.prompt == 1
        assert render(shown.text, "en").endswith("✓ No")


class TestEdits:
    def test_of_the_open_story(self, telling: Chat) -> None:
        telling.hears(edits="m4", text=MORE)
        assert words_of(telling.memory.state) == [MORE]
        assert telling.asked == "report_tension.story"

    def test_of_a_draft_while_something_else_is_open(self, telling: Chat) -> None:
        telling.says("/menu").hears(edits="m4", text=MORE)
        assert words_of(telling.memory.draft) == [MORE]
        assert telling.asked == "menu.menu"
        assert telling.yielded(Ask), "the open question comes again"

    def test_of_what_waits(self, telling: Chat) -> None:
        telling.says("/data").hears(edits="m4", text=MORE)
        assert telling.asked == "my_data.wanted"
        assert words_of(telling.presses("NOTHING").memory.state) == [MORE]

    def test_of_anything_else_is_said_to_change_nothing(self, telling: Chat) -> None:
        telling.hears(edits="m1", text=MORE)
        assert "I have taken it as it was before" in telling.said
        assert words_of(telling.memory.state) == [STORY]


class TestDanger:
    """Texts on danger come at once, beside the question, and are not repeated."""

    SUICIDE = "Ich will nicht mehr leben."

    def test_words_of_despair_are_answered_and_the_desk_is_told(self, telling: Chat) -> None:
        telling.says(self.SUICIDE)
        assert telling.yielded(AlertDesk) == [AlertDesk(Flag.SUICIDE)]
        assert "0800 111 0 111" in telling.said
        assert not telling.yielded(Ask), "no question to somebody in despair"
        assert words_of(telling.memory.state) == [STORY], "it is no matter for a report"

    def test_words_of_despair_go_to_the_human_whom_the_person_asks_for(self, telling: Chat) -> None:
        telling.says(self.SUICIDE)
        assert telling.says("/human").yielded(HandOff)[0].words == self.SUICIDE

    def test_somebody_in_despair_is_never_left_without_an_answer(self, telling: Chat) -> None:
        telling.says(self.SUICIDE)
        assert "112" in telling.says(self.SUICIDE).said

    def test_before_the_language_is_known(self) -> None:
        chat = Chat(language_known=False).says(self.SUICIDE)
        assert chat.yielded(AlertDesk)
        assert chat.says("/human").yielded(HandOff)[0].words == self.SUICIDE

    def test_not_again_within_half_an_hour(self, telling: Chat) -> None:
        telling.says(self.SUICIDE)
        telling.scope = replace(telling.scope, now=NOW + timedelta(minutes=29))
        assert not telling.says(self.SUICIDE).yielded(AlertDesk)
        telling.scope = replace(telling.scope, now=NOW + timedelta(minutes=30))
        assert telling.says(self.SUICIDE).yielded(AlertDesk)


class TestMedia:
    def test_a_voice_message_is_not_kept_and_the_question_comes_again(self, telling: Chat) -> None:
        telling.hears(media="voice")
        assert "cannot listen to voice messages" in telling.said
        assert telling.yielded(Ask)

    def test_the_words_under_a_photo_are_kept(self, telling: Chat) -> None:
        telling.hears(media="photo", text=MORE)
        assert "not kept the file" in telling.said
        assert words_of(telling.memory.state) == [STORY, MORE]


class TestCommands:
    @pytest.mark.parametrize("command", ["/back", "/skip", "/done", "/send", "/change"])
    def test_out_of_place_they_say_so(self, chat: Chat, command: str) -> None:
        assert "no open question" in chat.says(command).said

    def test_help_brings_the_question_again(self, telling: Chat) -> None:
        telling.says("help")
        assert "/human – talk to a person" in telling.said
        assert telling.asked == "report_tension.story"

    def test_an_unknown_one_says_so(self, telling: Chat) -> None:
        assert "do not know this command" in telling.says("/lottery").said
        assert telling.asked == "report_tension.story"

    def test_a_label_wins_over_a_command_word(self, chat: Chat) -> None:
        """“Back” is an option here, and the only word that is one is not taken for a wish to start anew."""
        chat.presses("/report", "NO").says("Back")
        assert chat.asked == "report_tension.danger"

    def test_reporting_again_only_asks_again(self, telling: Chat) -> None:
        assert telling.says("melden").asked == "report_tension.story"
        assert words_of(telling.memory.state) == [STORY]


def test_a_memory_survives_being_stored(telling: Chat) -> None:
    telling.says("/menu", MORE, "Ich will nicht mehr leben.", "/data")
    memory = replace(telling.memory, municipality="wiehl", reminded=True, reports=("2026-11-24", 2))
    assert Memory.from_json(json.loads(json.dumps(memory.to_json()))) == memory
    assert Memory.from_json(None) == Memory.from_json({}) == Memory()


def test_what_a_person_wrote_is_in_no_representation(telling: Chat) -> None:
    """Tracebacks and logs show representations (D-13)."""
    telling.says("/menu", MORE, "/data")
    for shown in (repr(telling.memory), repr(Heard(text=STORY)), repr(telling.memory.state)):
        assert "music" not in shown
        assert "families" not in shown
