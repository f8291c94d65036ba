"""People who do anything at any step: nothing raises, no words are lost, and there is always a way out.

The first walk is pure: the whole bot without its database. The second one goes through the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.commands import (
    AddToReport,
    AnswerDate,
    Ask,
    AskForExpert,
    CarryOver,
    Command,
    FileReport,
    FinishMeasure,
    ForgetMe,
    HandOff,
    MuteMeeting,
    RememberPrivacyRead,
    RenewFeed,
    Say,
    SendFile,
    SetLanguage,
    ShowOverview,
    SnoozeDate,
    Withdraw,
    WithdrawRequest,
    WithdrawScope,
)
from bot.contact_point import ContactPoint
from bot.contact_point_file import load_contact_point, shipped
from bot.conversation import LETTERS_FROM, Heard, Listener, Memory, Outcome
from bot.desks import Desks
from bot.engine.engine import CHANGE, REVIEW, Engine
from bot.engine.flow import Flow
from bot.engine.inputs import DayTime, FreeText, Phone, Said, readable
from bot.engine.scope import OwnReport, OwnRequest, Scope
from bot.engine.state import State
from bot.flows import FLOWS
from bot.handlers import HANDLERS
from bot.i18n import render
from bot.languages import LANGUAGES
from bot.messages import MEDIA_KINDS, Inbound, Media
from bot.people import Person as Account
from bot.reading.keywords import Notice, notices
from bot.reading.words import COMMANDS, command_word
from bot.reading.words import command as slash_command
from bot.taxonomy import Contact, ReportState, RequestState, Role
from bot.turns import Turns
from storage.database import Database
from storage.models import Conversation, InboxMessage, Report, ThreadEntry

OBERBERG = load_contact_point(shipped() / "oberberg.toml")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ENGINE = Engine(FLOWS)
BY_NAME: Mapping[str, type[Flow]] = {flow.name: flow for flow in FLOWS}

WAYS_OUT = {"/back", "/later", "/human", "/menu", "/cancel", "/discard"}

WITHOUT_WAY_OUT = {
    "language": "whatever is said brings it again, and /human and /help work without it",
    "menu": "its entries are the ways out",
    "purpose": "one of its answers is to delete the words, another to give them to a person",
}
"""Questions that offer no control to leave by, and why they need none."""

OF_DATES = AnswerDate | CarryOver | FinishMeasure | MuteMeeting | RenewFeed | ShowOverview | SnoozeDate
"""What is wanted of a meeting: whether that can be done is said by its handler."""

FORGETTING = {
    ("report_tension", "danger_over", "END"),
    ("report_tension", "privacy", "CALL"),
    ("report_tension", "names", "REDACT"),
    ("report_tension", "names", "REWRITE"),
    ("report_tension", CHANGE, "story"),
    ("my_reports", "names", "REDACT"),
    ("my_reports", "names", "REWRITE"),
    ("my_reports", "action", "NOTHING"),
    ("my_reports", "action", "WITHDRAW"),
    ("own_words", "purpose", "NOTHING"),
    ("draft", "draft", "ANEW"),
    ("my_data", "sure", "YES"),
    ("request_language_mediator", "legal", "YES"),
    ("request_language_mediator", "professional", "NO"),
    *(
        (flow, question, meant)
        for flow in ("request_expert", "request_language_mediator")
        for question, meant in (
            ("parties_names", "REDACT"),
            ("parties_names", "REWRITE"),
            ("organisations", "OWN-0"),
            ("organisations", "OWN-1"),
            ("organisations", "OWN-2"),
            ("names", "REDACT"),
            ("names", "REWRITE"),
            ("checked", "REWRITE"),
            (CHANGE, "parties"),
            (CHANGE, "organisations"),
            (CHANGE, "outline"),
        )
    ),
    ("request_expert", "aim_names", "REDACT"),
    ("request_expert", "aim_names", "REWRITE"),
    ("request_expert", CHANGE, "aim"),
}
"""Answers by which a person takes words back: flow, question, option."""

STORIES = [
    "Since four weeks there is bulky waste in front of the house.",
    "Frau Kaya from Hauptstraße 12 shouts at us, her number is 0171 2345678",
    "Er hat gesagt, er bringt uns alle um. Wir haben Angst, bitte helfen Sie uns!",
    "Ich will nicht mehr leben, es hat alles keinen Sinn mehr für mich.",
    "Mein Nachbar schlägt sein Kind, man hört es jeden Abend schreien.",
    "Wie bekomme ich eine Aufenthaltserlaubnis und wer verlängert meine Duldung?",
    "منذ أسابيع هناك شجار في البيت بين العائلات ولا أحد يساعدنا",
    "/ this begins with a slash but it is the story of a long quarrel",
    "half a sign \ud83d and a \x00 zero in a story of some length \u202e",
    "12345678901234567890123456789012345678901234567890",
]
SHORT = [
    "hi",
    "ja",
    "2",
    "٣",
    "፩",
    "❶",
    "²",
    "9" * 5000,
    "",
    " ",
    "…",
    "human",
    "Mensch",
    "fertig",
    "zurück",
    "dil",
]

texts = st.sampled_from(STORIES) | st.sampled_from(SHORT) | st.text(max_size=60)
ids = st.sampled_from(
    sorted(
        {
            *COMMANDS,
            *LANGUAGES,
            *("YES", "NO", "wiehl", "gone", "", "story", "CHAT", "REDACT", "/language tr", "/resume", "/x y"),
        }
    )
)
commands = st.builds(
    lambda name, argument: name + argument,
    st.sampled_from([*sorted(COMMANDS), "/Hilfe", "/nobody_knows", "/", "//", "/start@bot", "/language"]),
    st.sampled_from(["", "", "", " tr", " wiehl", " xx", " 7F3K-29QX", " two words", " 💥"]),
)
index = st.integers(0, 40)

actions = st.one_of(
    st.tuples(st.just("onward"), st.integers(1, 14)),
    st.tuples(st.just("press"), index),
    st.tuples(st.just("press"), index),
    st.tuples(st.just("number"), index),
    st.tuples(st.just("label"), index),
    st.tuples(st.just("stale"), index),
    st.tuples(st.just("id"), ids | st.text(max_size=10)),
    st.tuples(st.just("say"), texts),
    st.tuples(st.just("say"), texts),
    st.tuples(st.just("command"), commands),
    st.tuples(st.just("media"), st.sampled_from([*MEDIA_KINDS, "hologram"]), st.just("") | texts),
    st.tuples(st.just("edit"), index, texts),
    st.tuples(st.just("later"), st.integers(1, 3000)),
)
"""What a person does; numbers stand for one of what is offered when it is their turn."""


def states(memory: Memory) -> Iterator[State]:
    """The running conversation, the draft, and what waits below them."""
    for top in (memory.state, memory.draft):
        state: State | None = top
        while state is not None:
            yield state
            state = state.under


def words_in(memory: Memory) -> set[tuple[str, str]]:
    """(text, message) of all that a person has told and not sent."""
    found = set(memory.pending)
    for state in states(memory):
        found |= {(piece.text, piece.source) for pieces in state.pieces.values() for piece in pieces if piece.source}
        found |= {(text, source) for text, source in state.answers.get("words", ())}
    return found


def answered_anew(memory: Memory) -> set[tuple[str, str]]:
    """The words of a single answer whose question is open again: the next answer stands in their place."""
    state = memory.state
    question = BY_NAME[state.flow].questions.get(state.asked) if state is not None else None
    if state is None or question is None or question.input.collects:
        return set()
    return {(piece.text, piece.source) for piece in state.pieces.get(state.asked, ())}


def handed_on(commands: list[Command]) -> str:
    """The words that went to the contact point."""
    words = []
    for command in commands:
        match command:
            case FileReport():
                words.append(command.story)
            case AddToReport():
                words.append(command.text)
            case HandOff():
                words.append(command.words)
            case AskForExpert(_ref, request):
                words += [request.aim, request.parties, request.outline, *request.organisations]
    return "\n".join(words)


@dataclass
class Person:
    """Somebody and their chat, as the bot knows them between two messages."""

    language_known: bool = False
    language: str = "de"
    memory: Any = field(default_factory=lambda: Memory().to_json())
    reports: list[OwnReport] = field(default_factory=list)
    requests: list[OwnRequest] = field(default_factory=list)
    begins: str = "/report"
    """What the person comes for; whoever asks for somebody has a role."""
    privacy_read: bool = False
    now: datetime = NOW
    said: list[str] = field(default_factory=list)
    """The messages so far, as sources."""
    labels: dict[str, str] = field(default_factory=dict)
    """What is offered: id and label."""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    filed: list[FileReport] = field(default_factory=list)

    @property
    def works(self) -> bool:
        return self.begins != "/report"

    def remembered(self) -> Memory:
        return Memory.from_json(json.loads(json.dumps(self.memory)))

    def scope(self, memory: Memory) -> Scope:
        day, sent = memory.reports
        ref = f"7F3K-{len(self.filed) + len(self.requests):04d}"
        return Scope(
            contact_point=OBERBERG,
            now=self.now,
            language=self.language,
            fresh_ref=lambda: ref,
            own_reports=lambda: tuple(self.reports),
            own_requests=lambda: tuple(self.requests),
            account=lambda: Account(1, {Role.CASE_MANAGER: frozenset({"wiehl"})}, "Kim") if self.works else None,
            privacy_read=self.privacy_read,
            wanted_language="" if LANGUAGES[self.language].complete else self.language,
            hinted_language="tr",
            reports_today=sent if day == str(self.now.date()) else 0,
            transport="web",
            has_draft=memory.draft is not None,
        )

    def tells(self, **message: Any) -> None:
        """One message, and everything that must hold after any message whatsoever."""
        self.now += timedelta(minutes=1)
        source = f"s{next(self.numbers)}"
        heard = Heard(source=source, **message)
        self.said.append(source)
        before = self.remembered()
        scope = self.scope(before)
        meant = meaning(before, heard, scope)
        outcome = Listener(ENGINE).hear(before, heard, scope, language_known=self.language_known)
        self.check_shape(outcome, despair=not meant and Notice.SUICIDE in notices(heard.text))
        self.check_words(before, heard, meant, outcome)
        self.check_answers(before, meant, outcome, scope)
        self.carry_out(outcome)

    def check_shape(self, outcome: Outcome, *, despair: bool) -> None:
        """The bot says something, asks one thing at most (nothing after words of despair), and leaves a way out."""
        assert all(type(command) in HANDLERS for command in outcome.commands), outcome.commands
        speaking = Say | Ask | HandOff | SendFile | ForgetMe | WithdrawRequest | OF_DATES
        assert any(isinstance(each, speaking) for each in outcome.commands), "silent"
        asks = [command for command in outcome.commands if isinstance(command, Ask)]
        state = outcome.memory.state
        assert len(asks) == (0 if despair and not asks else state is not None)
        if state is None or not asks:
            return
        offered = [button.id for button in asks[0].buttons]
        assert (asks[0].flow, asks[0].question, tuple(offered)) == (state.flow, state.asked, state.offered)
        assert len(set(offered)) == len(offered)
        assert WAYS_OUT & set(offered) or state.asked in WITHOUT_WAY_OUT, state.asked
        question = BY_NAME[state.flow].questions.get(state.asked)
        answers = set(offered) - WAYS_OUT - {"/help"}
        assert answers or (question and question.input.takes_words), f"{state.asked} cannot be answered"

    def check_words(self, before: Memory, heard: Heard, meant: str, outcome: Outcome) -> None:
        """What was told is kept or handed on, as long as nobody takes it back."""
        if forgets(before, meant, outcome):
            event("takes words back")
            return
        kept, sent = words_in(outcome.memory), handed_on(outcome.commands)
        lost = [
            (text, source)
            for text, source in words_in(before)
            if (text, source) not in kept
            and text not in sent
            and source != heard.edits
            and (text, source) not in answered_anew(before)
        ]
        assert not lost, (meant, lost)
        words = readable(heard.text)
        if not meant and not heard.choice and not heard.edits and len(words) >= LETTERS_FROM and takes_stories(before):
            assert (words, heard.source) in kept or words in sent, "what was just told is lost"

    def check_answers(self, before: Memory, meant: str, outcome: Outcome, scope: Scope) -> None:
        """No answer of a report is lost but by going back or changing it, or what depends on it."""
        if forgets(before, meant, outcome):
            return
        after = [state.answers for state in states(outcome.memory) if state.flow == "report_tension"]
        filed = [command for command in outcome.commands if isinstance(command, FileReport)]
        questions = BY_NAME["report_tension"].questions
        for state in states(before):
            if state.flow != "report_tension":
                continue
            may_go = {state.asked}
            if state is before.state:
                may_go |= {meant} if state.asked == CHANGE else set()
                may_go |= {last_answered(state, scope)} if meant == "/back" else set()
            may_go |= {q.name for q in questions.values() if q.forgotten_with in may_go | {"story"}}
            may_change = may_go | {"story"}
            kept = any(
                all(
                    name in now and (now[name] == value or name in may_change)
                    for name, value in state.answers.items()
                    if name not in may_go
                )
                for now in after
            )
            sent = any(
                all(
                    getattr(report, name, value) in (value, None) and (getattr(report, name, value) or not value)
                    for name, value in state.answers.items()
                    if name in ("story", "municipality", "setting", "when", "parties", "heat", "wish", "contact")
                )
                for report in filed
            )
            assert kept or sent or not state.answers, (meant, state.answers, after)

    def carry_out(self, outcome: Outcome) -> None:
        """Does what handlers would do."""
        memory = outcome.memory
        prompt = None
        buttons: dict[str, str] = {}
        for command in outcome.commands:
            match command:
                case SetLanguage(language):
                    self.language_known, self.language = True, language
                case RememberPrivacyRead():
                    self.privacy_read = True
                case ForgetMe():
                    self.language_known, self.privacy_read, self.reports = False, False, []
                case FileReport():
                    self.filed.append(command)
                    day, sent = memory.reports
                    today = str(self.now.date())
                    memory = replace(memory, reports=(today, sent + 1 if day == today else 1))
                    if command.contact is not Contact.NONE:
                        self.reports.insert(0, own_report(command, self.now))
                case AskForExpert(ref, request):
                    self.requests.insert(0, OwnRequest(ref, request, RequestState.REQUESTED, self.now))
                case WithdrawRequest(ref):
                    self.requests = [
                        replace(each, state=RequestState.CANCELLED) if each.ref == ref else each
                        for each in self.requests
                    ]
                case Withdraw(ref, WithdrawScope()):
                    self.reports = [report for report in self.reports if report.ref != ref]
                case Ask():
                    prompt = next(self.numbers)
                    buttons = self.rendered(command)
                case Say() | SendFile():
                    buttons = self.rendered(command) or buttons
        if memory.state is not None:
            memory = replace(memory, state=replace(memory.state, prompt=prompt))
        else:
            memory = replace(memory, buttons=tuple(buttons.items()) or memory.buttons)
        self.labels = buttons
        self.memory = memory.to_json()

    def rendered(self, command: Say | Ask | SendFile) -> dict[str, str]:
        assert render(command.text, self.language)
        if isinstance(command, SendFile):
            return {}
        return {button.id: render(button.label, self.language) for button in command.buttons}

    def does(self, action: tuple[Any, ...]) -> None:
        offered = list(self.labels) or ["/menu"]
        match action:
            case ("onward", steps):
                for _step in range(steps):
                    self.goes_on()
            case ("press", at):
                self.tells(choice=offered[at % len(offered)])
            case ("stale", at):
                self.tells(choice=offered[at % len(offered)], stale=True)
            case ("number", at):
                self.tells(text=str(at % (len(offered) + 1)))
            case ("label", at):
                self.tells(text=self.labels.get(offered[at % len(offered)], "?").upper())
            case ("id", choice):
                self.tells(choice=choice)
            case ("say", text) | ("command", text):
                self.tells(text=text)
            case ("media", kind, text):
                self.tells(media=kind, text=text)
            case ("edit", at, text):
                self.tells(edits=["unknown", *self.said][at % (len(self.said) + 1)], text=text)
            case ("later", minutes):
                self.now += timedelta(minutes=minutes)

    def goes_on(self) -> None:
        """Answers the open question in a way that leads on; begins a report where none is open."""
        state = self.remembered().state
        if state is None:
            self.tells(choice=self.begins)
            return
        question = BY_NAME[state.flow].questions.get(state.asked)
        if "/done" in state.offered:
            self.tells(choice="/done")
        elif "/send" in state.offered:
            self.tells(choice="/send")
        elif question is not None and isinstance(question.input, Phone):
            self.tells(text="02261 123456")
        elif question is not None and isinstance(question.input, DayTime):
            self.tells(text=f"{self.now + timedelta(days=10):%d.%m.%Y} 14:00")
        elif question is not None and isinstance(question.input, FreeText):
            self.tells(text="There has been trouble for weeks.")
        else:
            self.tells(choice=LEADS_ON.get((state.flow, state.asked), state.offered[0]))


LEADS_ON = {
    ("report_tension", "danger_over"): "CONTINUE",
    ("report_tension", "names"): "KEEP",
    ("my_reports", "names"): "KEEP",
    ("report_tension", CHANGE): "/back",
    ("my_data", "wanted"): "NOTHING",
    ("withdraw", "sure"): "NO",
    ("my_data", "sure"): "NO",
    ("my_requests", "sure"): "NO",
    ("request_expert", "aim_names"): "KEEP",
    ("request_expert", "parties_names"): "KEEP",
    ("request_expert", "names"): "KEEP",
    ("request_expert", CHANGE): "/back",
    ("request_language_mediator", "legal"): "NO",
    ("request_language_mediator", "parties_names"): "KEEP",
    ("request_language_mediator", "names"): "KEEP",
    ("request_language_mediator", CHANGE): "/back",
}
"""Where the first option would lead round or take back too much."""


def own_report(command: FileReport, now: datetime) -> OwnReport:
    return OwnReport(
        ref=command.ref,
        municipality=command.municipality,
        state=ReportState.SUBMITTED,
        submitted_at=now,
        deadline=now,
        contact=command.contact,
        story=command.story,
    )


def meaning(memory: Memory, heard: Heard, scope: Scope) -> str:
    """The option or command that a message comes to; empty for words."""
    if heard.edits or heard.stale:
        return ""
    state = ENGINE.adopt(memory.state) if memory.state else None
    picked = ENGINE.picked(state, Said(text=heard.text, choice=heard.choice), scope) if state else None
    if picked:
        return picked
    for key, label in memory.buttons if state is None or state.flow == "menu" else ():
        if label.casefold() == readable(heard.text).casefold():
            return key
    if heard.choice or heard.text.startswith("/"):
        parsed = slash_command(heard.choice or heard.text)
        return parsed[0] if parsed else heard.choice or "/unknown"
    return command_word(heard.text) or ""


def forgets(memory: Memory, meant: str, outcome: Outcome) -> bool:
    """Whether the person took words back with this message."""
    if meant in ("/cancel", "/discard") or any(isinstance(command, ForgetMe) for command in outcome.commands):
        return True
    return memory.state is not None and (memory.state.flow, memory.state.asked, meant) in FORGETTING


def takes_stories(memory: Memory) -> bool:
    """Whether words at length have a place to go; elsewhere the bot says that it needs a button."""
    state = memory.state
    if state is None or state.flow in ("menu", "own_words"):
        return True
    if state.flow == "language":
        return not state.under and bool(memory.first)
    return BY_NAME[state.flow].stray is not None and state.asked != "phone"


def last_answered(state: State, scope: Scope) -> str:
    """The question that "Back" leads to."""
    flow = BY_NAME[state.flow]
    so_far = flow.so_far(state.answers, scope)
    asked = [question for question in flow.questions.values() if question.applies(so_far, scope)]
    before = [q.name for q in asked if q.name in state.answers and q.name != state.asked]
    names = list(flow.questions)
    until = names.index(state.asked) if state.asked in names else len(names)
    return next((name for name in reversed(before) if names.index(name) < until), "")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    begin=st.integers(0, 16),
    walk=st.lists(actions, max_size=25),
    language=st.sampled_from(sorted(LANGUAGES)),
    begins=st.sampled_from(["/report", "/report", "/expert", "/mediator"]),
)
def test_any_walk_is_safe_and_ends(begin: int, walk: list[tuple[Any, ...]], language: str, begins: str) -> None:
    person = Person(language=language, begins=begins)
    for _step in range(begin):
        person.goes_on()
    for action in walk:
        person.does(action)
    for _step in range(120):
        state = person.remembered().state
        if state is None:
            break
        event(f"ends from {state.flow}.{state.asked}")
        person.goes_on()
    else:
        pytest.fail(f"no end in sight: {person.remembered().state}")


def test_a_walk_that_only_goes_on_files_a_report_with_every_word() -> None:
    """The walk above means nothing if its people never get anywhere."""
    person = Person()
    person.tells(text="For weeks the music has been so loud that nobody sleeps.")
    person.tells(choice="de")
    person.goes_on()
    person.tells(text="Only one of the two families is meant by all of this.")
    for _step in range(30):
        if person.filed:
            break
        person.goes_on()
    (report,) = person.filed
    assert report.story.splitlines() == [
        "For weeks the music has been so loud that nobody sleeps.",
        "Only one of the two families is meant by all of this.",
    ]
    assert (report.danger, report.heat, report.contact, report.language) == ("YES", "1", "CHAT", "de")
    assert len(report.sources) == 2


@pytest.mark.parametrize("begins", ["/expert", "/mediator"])
def test_a_walk_that_only_goes_on_asks_the_pool_with_every_word(begins: str) -> None:
    person = Person(begins=begins, language_known=True)
    person.goes_on()
    person.goes_on()
    person.tells(text="Only one of the two families is meant by all of this.")
    for _step in range(40):
        if person.requests:
            break
        person.goes_on()
    (request,) = person.requests
    assert "Only one of the two families is meant by all of this." in (request.request.outline or request.request.aim)
    person.begins = "/requests"
    person.goes_on()
    person.tells(choice="WITHDRAW")
    person.tells(choice="YES")
    assert [each.state for each in person.requests] == [RequestState.CANCELLED]


def test_every_exempt_question_is_there() -> None:
    known = {name for each in FLOWS for name in each.questions}
    assert set(WITHOUT_WAY_OUT) <= known
    assert {(name, asked) for name, asked, _id in FORGETTING} <= {
        (each.name, name) for each in FLOWS for name in (*each.questions, CHANGE, REVIEW)
    }


class Visitor:
    """Somebody who writes to the bot with its real database."""

    numbers = count(1)

    def __init__(self, turns: Turns, database: Database, language: str) -> None:
        self.turns, self.database, self.language = turns, database, language
        self.chat = f"c{next(self.numbers)}"
        self.now = NOW
        self.sent: list[str] = []
        self.told: list[str] = []
        self.took_back = False

    def conversation(self) -> Conversation | None:
        with self.database.transaction(OBERBERG.id) as session:
            rows = session.scalars(select(Conversation)).all()
            found = next((row for row in rows if row.address == self.chat), None)
            if found is not None:
                session.expunge(found)
            return found

    def memory(self) -> Memory:
        found = self.conversation()
        return Memory.from_json(found.memory) if found else Memory()

    def tells(self, **message: Any) -> None:
        self.now += timedelta(minutes=1)
        number = f"{self.chat}-{len(self.sent)}"
        inbound = Inbound(OBERBERG.id, "web", number, chat=self.chat, language=self.language, **message)
        assert self.turns.receive(inbound, self.now)
        assert not self.turns.receive(inbound, self.now), "twice is once"
        self.sent.append(number)
        while self.turns.take_next(self.now) is not None:
            pass
        with self.database.transaction(everywhere=True) as session:
            failed = session.scalars(select(InboxMessage).where(InboxMessage.state != "DONE")).all()
            assert not failed, f"{message} went wrong in {self.memory().state}"

    def offered(self) -> list[str]:
        memory = self.memory()
        if memory.state is not None:
            return list(memory.state.offered)
        return [key for key, _label in memory.buttons] or ["/menu"]

    def does(self, action: tuple[Any, ...]) -> None:
        offered = self.offered()
        match action:
            case ("onward", steps):
                for _step in range(steps):
                    self.goes_on()
            case ("press" | "stale", at):
                choice = offered[at % len(offered)]
                pressed = "o0" if action[0] == "stale" else ""
                self.tells(choice=choice, pressed=pressed)
            case ("number" | "label", at):
                self.tells(text=str(at % (len(offered) + 1)))
            case ("id", choice):
                self.tells(choice=choice)
            case ("say", text) | ("command", text):
                self.tells(text=text)
            case ("media", kind, text):
                self.tells(media=Media(kind), text=text)
            case ("edit", at, text):
                self.tells(edits=["unknown", *self.sent][at % (len(self.sent) + 1)], text=text)

    def goes_on(self) -> None:
        state = self.memory().state
        if state is None:
            self.tells(choice="/report")
        elif "/done" in state.offered or "/send" in state.offered:
            self.tells(choice="/done" if "/done" in state.offered else "/send")
        elif state.asked == "phone":
            self.tells(text="02261 123456")
        elif state.asked == "story":
            self.tells(text="There has been trouble for weeks.")
        else:
            self.tells(choice=LEADS_ON.get((state.flow, state.asked), state.offered[0]))


@pytest.fixture
def turns(database: Database, oberberg: ContactPoint) -> Turns:
    return Turns(database, {oberberg.id: oberberg}, Listener(ENGINE), Desks("desk"))


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    begin=st.integers(0, 16),
    walk=st.lists(actions, max_size=8),
    language=st.sampled_from(["de", "ar", "xx", ""]),
)
def test_any_walk_through_the_database_works(
    turns: Turns, database: Database, begin: int, walk: list[tuple[Any, ...]], language: str
) -> None:
    visitor = Visitor(turns, database, language)
    for _step in range(begin):
        visitor.goes_on()
    for action in walk:
        visitor.does(action)


def test_a_report_comes_through_the_database_whole(turns: Turns, database: Database) -> None:
    """With a story told before the language was chosen, one at a choice, and one while a human is called."""
    visitor = Visitor(turns, database, "de")
    visitor.tells(text="For weeks the music has been so loud that nobody sleeps.")
    visitor.tells(choice="de")
    visitor.tells(choice="NO")
    visitor.tells(text="Only one of the two families is meant by all of this.")
    visitor.tells(choice="/human")
    visitor.tells(text="Is somebody there? I would like to tell this to a person.")
    visitor.tells(choice="/menu")
    visitor.tells(choice="/report")
    for _step in range(30):
        with database.transaction(OBERBERG.id) as session:
            stories = [report.story for report in session.scalars(select(Report))]
            entries = [entry.text for entry in session.scalars(select(ThreadEntry)) if entry.text]
        if stories:
            break
        visitor.goes_on()
    assert stories == [
        (
            "For weeks the music has been so loud that nobody sleeps.\n"
            "Only one of the two families is meant by all of this."
        )
    ]
    assert "Is somebody there? I would like to tell this to a person." in entries
