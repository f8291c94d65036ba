"""What one message of a person means: a command, an answer, words on their own. Reads and decides, writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from bot.commands import (
    AlertDesk,
    AnswerDate,
    Button,
    CarryOver,
    Command,
    FinishMeasure,
    ForgetDraft,
    ForgetMe,
    HandOff,
    LayDownRoles,
    MuteMeeting,
    RememberPrivacyRead,
    RenewFeed,
    ResumeDraft,
    Say,
    SetLanguage,
    ShowOverview,
    SnoozeDate,
    StartFlow,
)
from bot.engine.engine import CONTROLS, Engine, Step
from bot.engine.inputs import Piece, Said, number_in, readable
from bot.engine.scope import Scope
from bot.engine.state import State
from bot.flows.answer_offer import QUESTION, assignment_of
from bot.flows.assignments import own
from bot.flows.emergency import child_protection, emergency_short, suicide_line, suicide_support
from bot.flows.help import help_text
from bot.flows.join import what_you_have
from bot.flows.language import not_yet_in
from bot.flows.my_meetings import date_of
from bot.flows.my_profile import why_no_profile
from bot.flows.place_topic import takes_topics
from bot.flows.privacy import privacy_full
from bot.flows.report_tension import FLAG_OF, URGENT_FLAGS
from bot.i18n import Phone, Text, _, lines, paragraphs, verbatim
from bot.languages import LANGUAGES, language_of, resolve
from bot.meetings.meeting import Answer
from bot.reading.keywords import Notice, notices
from bot.reading.words import command as slash_command
from bot.reading.words import command_word
from bot.taxonomy import PLANNERS, POOL, Flag, Urgency

FLOW_OF: Final[Mapping[str, str]] = {
    "/menu": "menu",
    "/report": "report_tension",
    "/mine": "my_reports",
    "/withdraw": "withdraw",
    "/data": "my_data",
    "/language": "language",
    "/away": "away",
    "/assignments": "assignments",
    "/assignment": "assignment",
    "/write": "write",
    "/feedback": "feedback",
    "/expert": "request_expert",
    "/mediator": "request_language_mediator",
    "/requests": "my_requests",
    "/profile": "my_profile",
    "/meetings": "my_meetings",
    "/topic": "place_topic",
    "/agenda": "agenda",
    "/plan": "plan_meeting",
    "/minutes": "minutes",
    "/release": "release_minutes",
}
"""Commands that begin a conversation."""

WORDS_FROM: Final = 3
"""From this many words on, what comes outside any question is worth keeping; less is a greeting."""
LETTERS_FROM: Final = 25
"""The same in characters, for writing without blanks."""

AGAIN_AFTER: Final = timedelta(minutes=30)
"""How long a text on danger is not repeated."""


@dataclass(frozen=True)
class Memory:
    """What is kept of a chat between two messages besides language and holder; travels through JSON."""

    state: State | None = None
    draft: State | None = field(default=None, repr=False)
    pending: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """(text, source) of words that came before the language was known."""
    first: str = ""
    """What the person wanted before the language was known."""
    buttons: tuple[tuple[str, str], ...] = ()
    """(id, label) offered with the last sentence that was no question."""
    noticed: Mapping[str, str] = field(default_factory=dict)
    """When a text on danger was last shown, by notice."""
    reports: tuple[str, int] = ("", 0)
    """A day, and how many reports were sent on it."""
    codes: tuple[str, int] = ("", 0)
    """A day, and how many codes that were no good were tried on it."""
    municipality: str = ""
    """The place of the link the person came by."""
    reminded: bool = False
    """Whether the person was reminded of what is unfinished (F-13: once)."""
    album: str = ""
    """The last album of which something came."""

    def without_flows(self, names: Collection[str]) -> Memory:
        """Without conversations of these names."""
        return replace(
            self,
            state=self.state.without_flows(names) if self.state else None,
            draft=self.draft.without_flows(names) if self.draft else None,
        )

    def to_json(self) -> dict[str, Any]:
        """What differs from the memory of a chat that has just begun."""
        kept = {
            "state": self.state.to_json() if self.state else None,
            "draft": self.draft.to_json() if self.draft else None,
            "pending": [list(pair) for pair in self.pending],
            "first": self.first,
            "buttons": [list(pair) for pair in self.buttons],
            "noticed": dict(self.noticed),
            "reports": list(self.reports) if self.reports[0] else None,
            "codes": list(self.codes) if self.codes[0] else None,
            "municipality": self.municipality,
            "reminded": self.reminded,
            "album": self.album,
        }
        return {name: value for name, value in kept.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Memory:
        if not data:
            return cls()
        return cls(
            state=State.from_json(data["state"]) if data.get("state") else None,
            draft=State.from_json(data["draft"]) if data.get("draft") else None,
            pending=tuple((text, source) for text, source in data.get("pending", ())),
            first=data.get("first", ""),
            buttons=tuple((key, label) for key, label in data.get("buttons", ())),
            noticed=data.get("noticed", {}),
            reports=(data["reports"][0], data["reports"][1]) if data.get("reports") else ("", 0),
            codes=(data["codes"][0], data["codes"][1]) if data.get("codes") else ("", 0),
            municipality=data.get("municipality", ""),
            reminded=data.get("reminded", False),
            album=data.get("album", ""),
        )


@dataclass(frozen=True)
class Heard:
    """One message of a person, as far as it matters here."""

    text: str = field(default="", repr=False)
    choice: str = ""
    media: str = ""
    """The kind of media, if any."""
    source: str = ""
    """Keyed hash of the message."""
    edits: str = ""
    """Keyed hash of the message it replaces."""
    invited: bool | None = None
    """The message was a code, and whether it was good; None for everything else."""
    guest: bool = False
    """The code gave a place at one meeting, and no role."""
    stale: bool = False
    """A button of an earlier question was pressed."""
    more_of_album: bool = False
    """Something of the same album came before it."""


@dataclass
class Outcome:
    """What a message led to, while it is being worked out."""

    memory: Memory
    scope: Scope
    commands: list[Command] = field(default_factory=list)

    def say(self, text: Text, *buttons: Button) -> None:
        self.commands.append(Say(text, buttons))


MENU: Final = Button("/menu", CONTROLS["/menu"])
HUMAN: Final = Button("/human", CONTROLS["/human"])
GO_ON: Final = Button("/resume", _("Go on"))


class Listener:
    """Works out what messages mean, with the flows it is given."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def hear(self, memory: Memory, heard: Heard, scope: Scope, *, language_known: bool) -> Outcome:
        """One message of a person, while the bot holds the chat."""
        out = Outcome(self._usable(memory, scope), scope)
        noticed = self.notice(out, heard.text)
        if heard.edits:
            self._edited(out, heard)
            return out
        if heard.invited is not None:
            if heard.guest:
                self._guest(out, language_known=language_known)
            else:
                self._invited(out, joined=heard.invited, language_known=language_known)
            return out
        if heard.media:
            if not heard.more_of_album:
                out.say(media_answer(heard.media, scope), *(() if scope.human_holds else (HUMAN,)))
            elif not heard.text:
                return out
            if not heard.text and language_known:
                self._repeat(out)
                return out
        picked = self._offered(out, heard)
        command, argument = _command(heard, picked)
        if Notice.SUICIDE in noticed and not command:
            self._wants_to_die(out, heard)
            return out
        if not language_known and not self._before_language(out, heard, command, picked):
            return out
        if command:
            self._do(out, command, argument)
        elif heard.choice:
            self._pressed(out, heard, picked)
        else:
            self._written(out, heard, picked)
        return out

    def start(self, memory: Memory, scope: Scope, flow: str, given: Mapping[str, Any] | None = None) -> Outcome:
        """Begins a conversation without a message, as the clock does."""
        out = Outcome(self._usable(memory, scope), scope)
        self._start(out, flow, given)
        return out

    def resume(self, memory: Memory, scope: Scope) -> Outcome:
        """The bot speaks again after a human: the question that was open comes back, or the menu."""
        out = Outcome(self._usable(memory, scope), scope)
        if out.memory.draft is not None:
            out.say(_("Your draft is still here. Would you like to go on?"), GO_ON, MENU)
        else:
            out.say(_("If there is anything else, I am here."), MENU)
        return out

    def unfinished(self, memory: Memory) -> State | None:
        """What the person began and has not sent: worth keeping, and worth one reminder (F-13)."""
        memory = self._usable(memory)
        return self._unsent(memory.state) or memory.draft

    def notice(self, out: Outcome, text: str) -> frozenset[Notice]:
        """Adds the texts on danger that the words call for; never blocks, never decides (F-05, F-11, F-12)."""
        noticed = notices(text) if text else frozenset()
        for notice in sorted(noticed):
            before = out.memory.noticed.get(notice)
            if before and out.scope.now - datetime.fromisoformat(before) < AGAIN_AFTER:
                continue
            out.memory = replace(out.memory, noticed={**out.memory.noticed, str(notice): out.scope.now.isoformat()})
            match notice:
                case Notice.SUICIDE:
                    out.say(suicide_support(), HUMAN)
                    out.commands.append(AlertDesk(Flag.SUICIDE))
                case Notice.CHILD:
                    out.say(child_protection(out.scope.contact_point))
                    out.commands.append(AlertDesk(Flag.CHILD_PROTECTION))
                case Notice.EMERGENCY if Notice.SUICIDE not in noticed:
                    out.say(emergency_short())
                    if out.scope.human_holds:
                        out.commands.append(AlertDesk(Flag.EMERGENCY_WORDS))
                case Notice.OFF_TOPIC_RESIDENCE:
                    self._refer(out, "residence_law")
                case Notice.OFF_TOPIC_BENEFITS:
                    self._refer(out, "benefits")
                case Notice.OFF_TOPIC_ENROLMENT:
                    self._refer(out, "school_enrolment")
        return noticed

    def _wants_to_die(self, out: Outcome, heard: Heard) -> None:
        """Words of somebody who does not want to live are no matter for questions; they wait for a human (F-12)."""
        said = (readable(heard.text), heard.source)
        out.memory = replace(out.memory, pending=(*out.memory.pending, said))
        if not out.commands:
            out.say(suicide_line(), HUMAN)

    def _refer(self, out: Outcome, topic: str) -> None:
        referral = out.scope.contact_point.referral(topic)
        if referral is None:
            return
        out.say(
            paragraphs(
                lines(
                    _("This may not be about a conflict. This service can help you:"),
                    verbatim(referral.name.in_language(out.scope.language)),
                    _("Phone: {phone}", phone=Phone(referral.phone)) if referral.phone else None,
                    verbatim(referral.website) if referral.website else None,
                ),
                _("If it is about a conflict after all, simply go on."),
            )
        )

    def _usable(self, memory: Memory, scope: Scope | None = None) -> Memory:
        """The memory as this release knows it, without conversations that are gone or not open to the person."""
        state = self._engine.adopt(memory.state, scope) if memory.state else None
        draft = self._engine.adopt(memory.draft, scope) if memory.draft else None
        if state is memory.state and draft is memory.draft:
            return memory
        return replace(memory, state=state, draft=draft)

    def _offered(self, out: Outcome, heard: Heard) -> str | None:
        """The id, offered with the open question, that a button or words stand for."""
        state = out.memory.state
        if state is None or (not heard.choice and heard.text.startswith("/")):
            return None
        return self._engine.picked(state, Said(heard.text, heard.choice), out.scope)

    def _before_language(self, out: Outcome, heard: Heard, command: str, picked: str | None) -> bool:
        """The first contact: the language comes first, and nothing said before it is lost. True: go on as usual."""
        if command in ("/human", "/help", "/privacy", "/cancel"):
            return True
        state = out.memory.state
        choosing = state is not None and state.flow == "language" and not command
        if choosing and (heard.choice or picked):
            return True
        first = command if command in FLOW_OF and command not in ("/language", "/menu") else out.memory.first
        out.memory = replace(out.memory, first=first or "/start")
        if not command and is_worth_keeping(heard.text):
            out.memory = replace(out.memory, pending=(*out.memory.pending, (readable(heard.text), heard.source)))
            out.say(_("I keep what you have written. First one short question:"))
        if state is not None and state.flow == "language":
            self._apply(out, self._engine.repeat(state, out.scope))
        else:
            self._start(out, "language")
        return False

    def _invited(self, out: Outcome, *, joined: bool, language_known: bool) -> None:
        """A code came: what it gave is given already; the language comes first all the same."""
        out.say(_("Welcome. Your code is good, and you have a role at the contact point now.") if joined else NO_CODE)
        state = out.memory.state
        if not language_known:
            first = "/join" if joined else out.memory.first or "/start"
            out.memory = replace(out.memory, first=first)
            if state is not None and state.flow == "language":
                self._repeat(out)
            else:
                self._start(out, "language")
        elif joined:
            self._do(out, "/join")
        else:
            self._repeat(out, otherwise="menu")

    def _guest(self, out: Outcome, *, language_known: bool) -> None:
        """Somebody comes to a meeting in another person's place; what it is about follows by itself."""
        out.say(_("Welcome. Your code is good: you come to a meeting in somebody's place. I tell you more at once."))
        if language_known:
            self._repeat(out)
            return
        out.memory = replace(out.memory, first="/meetings")
        self._start(out, "language")

    def _do(self, out: Outcome, command: str, argument: str = "") -> None:
        state = out.memory.state
        match command:
            case "/join" if not _is_nameless(out.scope):
                have = what_you_have(out.scope)
                if have is not None:
                    out.say(have, MENU)
                self._repeat(out)
            case "/join":
                self._put_aside(out)
                self._start(out, "join")
            case "/start" | "/menu" if _is_nameless(out.scope):
                self._put_aside(out)
                self._start(out, "join")
            case "/start" | "/menu":
                self._put_aside(out)
                self._start(out, "menu")
            case "/report":
                if state is not None and state.flow == "report_tension":
                    self._repeat(out)
                elif state is not None and state.flow == "own_words":
                    self._start(out, "report_tension", {"words": state.answers["words"]}, state.under)
                else:
                    self._put_aside(out)
                    self._start(out, "report_tension" if out.memory.draft is None else "draft")
            case "/language" if resolve(argument) or out.scope.human_holds:
                self._set_language(out, argument)
            case "/resume":
                self._resume_draft(out)
            case "/mine" | "/withdraw" if not out.scope.own_reports():
                out.say(
                    lines(
                        _("No report is linked to this chat."),
                        _("A report sent without a link to this chat cannot be shown here."),
                    ),
                    MENU,
                )
                self._repeat(out)
            case "/assignments" if out.scope.roles & POOL and not own(out.scope):
                out.say(_("Nothing is waiting for you, and you have no assignment at the moment."), MENU)
                self._repeat(out)
            case "/assignment" | "/write" | "/feedback" if assignment_of(argument.upper(), out.scope) is None:
                out.say(_("This assignment is not under way any more."), MENU)
                self._repeat(out)
            case "/assignment" | "/write" | "/feedback":
                self._start(out, FLOW_OF[command], {"ref": argument.upper()}, self._bottom(state))
            case "/accept" | "/decline" | "/ask":
                answer = {"/accept": "ACCEPT", "/decline": "DECLINE", "/ask": QUESTION}[command]
                given = {"ref": argument.upper(), "answer": answer}
                self._start(out, "answer_offer", given, self._bottom(state))
            case "/expert" | "/mediator" if state is not None and state.flow == FLOW_OF[command]:
                self._repeat(out)
            case "/expert" | "/mediator":
                self._put_aside(out)
                self._start(out, FLOW_OF[command])
            case "/requests" if self._engine.is_open(FLOW_OF[command], out.scope) and not out.scope.own_requests():
                out.say(_("No request to the pool is linked to this chat."), MENU)
                self._repeat(out)
            case "/profile" if POOL & out.scope.roles and (missing := why_no_profile(out.scope)) is not None:
                out.say(missing, HUMAN, MENU)
                self._repeat(out)
            case "/meetings" if not out.scope.has_dates():
                out.say(_("No meeting is planned that you are invited to."), MENU)
                self._repeat(out)
            case "/topic" if not takes_topics(out.scope):
                out.say(_("There is no date at the moment for which topics can be proposed."), MENU)
                self._repeat(out)
            case "/topic":
                chosen = {"date": argument} if date_of(argument, out.scope) is not None else {}
                self._start(out, "place_topic", chosen, self._bottom(state))
            case "/agenda" if date_of(argument, out.scope) is None:
                out.say(
                    _("Which date is it about? Please choose it: /meetings"), Button("/meetings", _("My dates")), MENU
                )
                self._repeat(out)
            case "/agenda":
                self._start(out, "agenda", {"date": argument}, self._bottom(state))
            case "/minutes" | "/release" if self._engine.is_open(FLOW_OF[command], out.scope) and argument.isdecimal():
                self._start(out, FLOW_OF[command], {"date": argument}, self._bottom(state))
            case "/pulse" if date_of(argument.split(" ")[0], out.scope) is not None:
                date, _space, mood = argument.partition(" ")
                self._start(out, "pulse", {"date": date, "mood": mood.strip().upper()}, self._bottom(state))
            case "/minutes" | "/release" | "/pulse":
                out.say(_("Which date is it about? Please choose it: /meetings"), MENU)
                self._repeat(out)
            case "/tables" if PLANNERS & out.scope.roles:
                out.commands.append(ShowOverview())
                self._repeat(out)
            case "/attend" | "/absent" | "/substitute" | "/snooze" | "/mute" | "/carry" | "/measure" | "/nofeed":
                about = _about_a_date(command, argument)
                if about is not None:
                    out.commands.append(about)
                else:
                    out.say(_("Which date is it about? Please choose it: /meetings"), MENU)
                self._repeat(out)
            case "/plan":
                self._put_aside(out)
                self._start(out, "plan_meeting")
            case (
                "/mine"
                | "/withdraw"
                | "/data"
                | "/language"
                | "/away"
                | "/meetings"
                | "/requests"
                | "/assignments"
                | "/profile"
            ):
                self._start(out, FLOW_OF[command], under=self._bottom(state))
            case "/human":
                said = self._words_outside(out)
                if self._put_aside(out, quietly=True):
                    out.say(_("What you began is kept as a draft. It has not been sent. You can tell the person here."))
                out.commands.append(_with_flags(HandOff(words="\n".join(filter(None, (*said, argument)))), out))
            case "/help":
                out.say(help_text(out.scope), HUMAN)
                self._repeat(out)
            case "/privacy":
                out.say(privacy_full(out.scope))
                self._repeat(out)
            case "/later":
                if self._put_aside(out, quietly=True):
                    out.say(
                        _(
                            "I keep your draft for {hours} hours. Nothing has been sent yet. Come back any time.",
                            hours=out.scope.contact_point.retention.draft_hours,
                        ),
                        GO_ON,
                        MENU,
                    )
                else:
                    out.say(_("There is nothing to keep. I am here when you need me."), MENU)
            case "/discard" if out.memory.draft is not None and not self._unsent(state):
                left = out.memory.draft.under
                asked_about = left is None and state is not None and state.flow == "draft"
                out.memory = replace(out.memory, draft=left, state=None if asked_about else state)
                out.say(DELETED, MENU)
                self._repeat(out)
            case "/cancel" | "/discard":
                self._cancel(out)
            case "/unknown":
                out.say(_("I do not know this command. Here is how we go on:"))
                self._repeat(out, otherwise="menu")
            case _:
                if state is None:
                    out.say(_("There is no open question right now."), MENU)
                else:
                    self._apply(out, self._control(state, command, out.scope))

    def _words_outside(self, out: Outcome) -> tuple[str, ...]:
        """Words that belong to no report yet, taken out of the memory: they were meant for a human."""
        state, pending = out.memory.state, out.memory.pending
        out.memory = replace(out.memory, pending=())
        unasked: tuple[tuple[str, str], ...] = ()
        if state is not None and state.flow == "own_words":
            out.memory = replace(out.memory, state=state.under)
            unasked = tuple((text, source) for text, source in state.answers.get("words", ()))
        return tuple(text for text, _source in (*unasked, *pending))

    def _resume_draft(self, out: Outcome, words: tuple[tuple[str, str], ...] = ()) -> None:
        """Goes on with what was not sent; while it is still open, its question comes again."""
        if out.memory.draft is not None and words:
            pieces = tuple(Piece(text, source) for text, source in words)
            out.memory = replace(out.memory, draft=self._engine.add_words(out.memory.draft, pieces))
        if out.memory.draft is not None:
            draft = out.memory.draft.on_top_of(self._unsent(out.memory.state))
            out.memory = replace(out.memory, draft=None)
            self._apply(out, self._engine.repeat(draft, out.scope))
        elif self._unsent(out.memory.state):
            self._repeat(out)
        else:
            hours = out.scope.contact_point.retention.draft_hours
            out.say(_("There is no draft any more. I delete drafts after {hours} hours.", hours=hours))
            self._repeat(out, otherwise="menu")

    def _set_language(self, out: Outcome, argument: str) -> None:
        """Changes the language in one step; while a human holds the chat there is no conversation to do it in."""
        code = resolve(argument) if argument else None
        if code is None:
            out.say(
                _("Which language would you like to use?"),
                *(
                    Button(f"/language {language.code}", verbatim(language.own_name))
                    for language in LANGUAGES.values()
                    if language.emergency_line
                ),
            )
            return
        out.scope = replace(out.scope, language=code, wanted_language="" if language_of(code).complete else code)
        out.commands.append(SetLanguage(code))
        out.commands += [Say(now_in(code))] if language_of(code).complete else not_yet_in(code)
        self._repeat(out)

    def _control(self, state: State, command: str, scope: Scope) -> Step:
        match command:
            case "/back":
                return self._engine.back(state, scope)
            case "/skip":
                return self._engine.skip(state, scope)
            case "/done":
                return self._engine.done(state, scope)
            case "/send":
                return self._engine.send(state, scope)
            case "/change":
                return self._engine.change(state, scope)
            case _:
                return self._engine.repeat(state, scope)

    def _pressed(self, out: Outcome, heard: Heard, picked: str | None) -> None:
        state = out.memory.state
        if state is not None and picked is not None and not heard.stale:
            self._picked(out, state, picked, heard)
        elif heard.choice in ANYTIME or heard.choice in dict(out.memory.buttons):
            self._do(out, heard.choice)
        else:
            out.say(OLD_BUTTON)
            self._repeat(out, otherwise="menu")

    def _picked(self, out: Outcome, state: State, picked: str, heard: Heard) -> None:
        if picked.startswith("/") and state.flow != "menu":
            self._do(out, picked)
        else:
            self._apply(out, self._engine.answer(state, Said(choice=picked, source=heard.source), out.scope))

    def _written(self, out: Outcome, heard: Heard, picked: str | None) -> None:
        state = out.memory.state
        words = readable(heard.text)
        offered = {label.casefold(): key for key, label in out.memory.buttons}
        if state is not None:
            if picked is not None:
                self._picked(out, state, picked, heard)
                return
            if words.casefold() in offered:
                self._do(out, *_parted(offered[words.casefold()]))
                return
            if state.flow != "menu":
                self._apply(out, self._engine.answer(state, Said(text=heard.text, source=heard.source), out.scope))
                return
        numbered = dict(enumerate((key for key, _label in out.memory.buttons), 1))
        number = number_in(words)
        if words.casefold() in offered:
            self._do(out, *_parted(offered[words.casefold()]))
        elif number in numbered:
            self._do(out, *_parted(numbered[number]))
        elif is_worth_keeping(words):
            self._start(out, "own_words", {"words": [[words, heard.source]]})
        else:
            out.say(_("I am a program and only understand a little. Here is what I can do:"))
            self._start(out, "menu")

    def _edited(self, out: Outcome, heard: Heard) -> None:
        for place in ("state", "draft"):
            state: State | None = getattr(out.memory, place)
            step = self._engine.edit(state, heard.edits, heard.text, out.scope) if state else None
            if step is not None and place == "state":
                self._apply(out, step)
                return
            if step is not None:
                out.memory = replace(out.memory, draft=step.state)
                out.say(_("I have taken over your change."))
                self._repeat(out)
                return
        pending = tuple(
            (readable(heard.text), source) if source == heard.edits else (text, source)
            for text, source in out.memory.pending
        )
        if pending != out.memory.pending:
            out.memory = replace(out.memory, pending=pending)
            out.say(_("I have taken over your change."))
        else:
            out.say(
                _(
                    "You have changed an earlier message. I have taken it as it was before. "
                    "To change an answer, use “Back”, or write it again."
                )
            )
        self._repeat(out)

    def taken_back(self, memory: Memory, source: str, scope: Scope) -> Outcome:
        """The person has deleted an earlier message: what it said is forgotten, as far as it was not sent yet."""
        out = Outcome(self._usable(memory, scope), scope)
        pending = tuple(each for each in out.memory.pending if each[1] != source)
        if pending != out.memory.pending:
            out.memory = replace(out.memory, pending=pending)
            out.say(_("I have deleted it as well."))
        for place in ("state", "draft"):
            state: State | None = getattr(out.memory, place)
            step = self._engine.take_back(state, source, scope) if state else None
            if step is not None and place == "state":
                self._apply(out, step)
            elif step is not None:
                out.memory = replace(out.memory, draft=step.state)
                out.say(_("I have deleted it as well."))
        return out

    def _start(
        self, out: Outcome, flow: str, given: Mapping[str, Any] | None = None, under: State | None = None
    ) -> None:
        if not self._engine.is_open(flow, out.scope):
            self._keep(out, under if out.memory.state is None else None)
            out.say(_("For this you need an invitation from the contact point."), HUMAN)
            self._repeat(out)
            return
        limit = out.scope.contact_point.limits.reports_per_day
        if flow == "report_tension" and out.scope.reports_today >= limit:
            self._keep(out, under if out.memory.state is None else None)
            out.say(
                paragraphs(
                    _("You have already sent {n} reports today. Thank you.", n=out.scope.reports_today),
                    _("You can add to them, or talk to a person. Tomorrow you can report again."),
                ),
                Button("/mine", _("My reports")),
                HUMAN,
            )
            if given and given.get("words"):
                self._start(out, "own_words", given)
            return
        brought = dict(given or {})
        if "only" in self._engine.flows[flow].givens and len(reports := out.scope.own_reports()) == 1:
            brought.setdefault("only", reports[0].ref)
        self._apply(out, self._engine.start(flow, out.scope, brought, under))

    def _apply(self, out: Outcome, step: Step) -> None:
        """Takes over what the engine found, and follows the commands that concern the conversation itself."""
        under = out.memory.state.under if out.memory.state and step.state is None else None
        out.memory = replace(out.memory, state=step.state, buttons=())
        next_flow: StartFlow | None = None
        resumes: ResumeDraft | None = None
        hands_off = False
        for command in step.commands:
            match command:
                case StartFlow():
                    next_flow = command
                    continue
                case ResumeDraft():
                    resumes = command
                    continue
                case ForgetDraft():
                    out.memory = replace(out.memory, draft=out.memory.draft.under if out.memory.draft else None)
                    continue
                case SetLanguage(language):
                    out.scope = replace(
                        out.scope,
                        language=language,
                        wanted_language="" if language_of(language).complete else language,
                    )
                case RememberPrivacyRead():
                    out.scope = replace(out.scope, privacy_read=True)
                case ForgetMe():
                    out.memory, under = Memory(codes=out.memory.codes), None
                    out.scope = replace(out.scope, account=lambda: None)
                case LayDownRoles():
                    out.scope = replace(out.scope, account=lambda: None)
                    out.memory = self._usable(out.memory, out.scope)
                    under = self._engine.adopt(under, out.scope) if under is not None else None
                case HandOff():
                    hands_off = True
                    command = _with_flags(command, out)
            out.commands.append(command)
        if resumes is not None and out.memory.draft is not None:
            self._resume_draft(out, resumes.words)
        elif next_flow is not None and next_flow.flow.startswith("/"):
            out.memory = replace(out.memory, state=under)
            self._do(out, next_flow.flow)
        elif next_flow is not None:
            self._start(out, next_flow.flow, next_flow.given, under)
        elif hands_off:
            self._keep(out, under)
        elif step.state is None:
            self._after(out, step, under)

    def _after(self, out: Outcome, step: Step, under: State | None) -> None:
        """What follows when a conversation has ended: the one that waited, or what the person came for."""
        if under is not None:
            out.say(_("Now back to where we were:"))
            self._apply(out, self._engine.repeat(under, out.scope))
        elif step.flow == "language":
            first, pending = out.memory.first, out.memory.pending
            out.memory = replace(out.memory, first="", pending=())
            if not first:
                if language_of(out.scope.language).complete:
                    out.say(now_in(out.scope.language), MENU)
                return
            out.say(welcome(out.scope))
            if first in ("/start", "/report"):
                self._start(out, "report_tension", {"words": [list(pair) for pair in pending]})
                return
            if pending:
                pieces = tuple(Piece(text, source) for text, source in pending)
                self._keep(out, self._engine.add_words(State("report_tension"), pieces))
                out.say(_("I keep your draft. You can go on with it later."))
            self._do(out, first)

    def _repeat(self, out: Outcome, otherwise: str = "") -> None:
        state = out.memory.state
        if state is not None:
            self._apply(out, self._engine.repeat(state, out.scope))
        elif otherwise:
            self._start(out, otherwise)

    def _cancel(self, out: Outcome) -> None:
        state = out.memory.state
        if state is None and out.memory.draft is None:
            out.say(_("There is nothing to stop. I am here when you need me."), MENU)
            return
        under = state.under if state else None
        worth = state is None or state.answers or state.pieces
        out.memory = replace(out.memory, state=None, draft=out.memory.draft if state else None, pending=())
        if under is not None:
            out.say(_("Stopped. Now back to where we were:"))
            self._apply(out, self._engine.repeat(under, out.scope))
        else:
            out.say(DELETED if worth else _("Stopped."), MENU)

    def _put_aside(self, out: Outcome, *, quietly: bool = False) -> bool:
        """Keeps an unfinished conversation as draft; True when there was one."""
        unsent = self._unsent(out.memory.state)
        out.memory = replace(out.memory, state=None, buttons=())
        self._keep(out, unsent)
        if unsent is not None and not quietly:
            out.say(_("I keep your draft. You can go on with it later."))
        return unsent is not None

    def _keep(self, out: Outcome, unsent: State | None) -> None:
        """Puts an unfinished conversation on top of the draft there is already."""
        if unsent is not None:
            out.memory = replace(out.memory, draft=unsent.on_top_of(out.memory.draft))

    def _bottom(self, state: State | None) -> State | None:
        """The conversation worth coming back to: the running one, or the one that waits below it."""
        while state is not None and not (state.pieces or self._engine.flows[state.flow].keeps_draft):
            state = state.under
        return state

    def _unsent(self, state: State | None) -> State | None:
        """The same, if anything has been said in it."""
        state = self._bottom(state)
        while state is not None and not (state.answers or state.pieces):
            state = self._bottom(state.under)
        return state


NO_CODE: Final = _(
    "This code does not work. Perhaps it is too old, or a letter is wrong. Please ask the contact point for a new one."
)
"""The same for every code that is no good: who tries codes learns nothing."""

DELETED: Final = _("Stopped. Nothing was sent. What you entered is deleted.")
OLD_BUTTON: Final = _("This choice is from earlier. It no longer does anything. Here is how we go on:")

ANYTIME: Final = frozenset(
    (
        *("/menu", "/report", "/resume", "/mine", "/away", "/human", "/language", "/help", "/privacy", "/data"),
        *("/withdraw", "/start", "/expert", "/mediator", "/requests", "/assignments", "/profile"),
        *("/meetings", "/plan", "/topic", "/nofeed"),
    )
)
"""Buttons that do what they say however old they are."""


def _command(heard: Heard, picked: str | None) -> tuple[str, str]:
    """The command that a message is and what follows it; what is offered comes first."""
    if heard.choice:
        return (slash_command(heard.choice) or ("", "")) if " " in heard.choice else ("", "")
    if heard.text.startswith("/"):
        return slash_command(heard.text) or ("/unknown", "")
    return ("" if picked is not None else command_word(heard.text) or ""), ""


def _about_a_date(command: str, argument: str) -> Command | None:
    """What a button under an invitation or a reminder asks for; None where it names nothing."""
    if command == "/nofeed":
        return RenewFeed(end=True)
    if not argument.isascii() or not argument.isdecimal() or len(argument) > 18:
        return None
    number = int(argument)
    match command:
        case "/attend":
            return AnswerDate(number, Answer.YES)
        case "/absent":
            return AnswerDate(number, Answer.NO)
        case "/substitute":
            return AnswerDate(number, Answer.DEPUTY)
        case "/snooze":
            return SnoozeDate(number)
        case "/carry":
            return CarryOver(number)
        case "/measure":
            return FinishMeasure(number)
    return MuteMeeting(number)


def _parted(button: str) -> tuple[str, str]:
    """The command of a button, and what it is about."""
    command, _space, argument = button.partition(" ")
    return command, argument


def _with_flags(hand_off: HandOff, out: Outcome) -> HandOff:
    """A hand-off that says what was noticed in the person's words just before."""
    since = out.scope.now - AGAIN_AFTER
    fresh = {Notice(name) for name, at in out.memory.noticed.items() if datetime.fromisoformat(at) > since}
    flags = {FLAG_OF[notice] for notice in fresh} | ({Flag.NEEDS_INTERPRETER} if out.scope.wanted_language else set())
    return replace(
        hand_off, flags=frozenset(flags), urgency=Urgency.URGENT if flags & URGENT_FLAGS else hand_off.urgency
    )


def _is_nameless(scope: Scope) -> bool:
    """Whether somebody with a role has not yet said how they want to be called."""
    person = scope.account()
    return person is not None and not person.name


def is_worth_keeping(text: str) -> bool:
    """Whether words outside any question tell something, and are not just a greeting."""
    words = readable(text)
    return len(words) >= LETTERS_FROM or len(words.split()) >= WORDS_FROM


def now_in(code: str) -> Text:
    """The language was changed."""
    return _("All right. Your language is now: {language}.", language=language_of(code).own_name)


def welcome(scope: Scope) -> Text:
    """Who is speaking: a program, of whom, and what people do with it (W-15)."""
    return _(
        "Hello. I am the chat program of the conflict contact point {place}. You can tell me about tensions and "
        "disputes. People read it and help.",
        place=scope.contact_point.name,
    )


def media_answer(kind: str, scope: Scope) -> Text:
    """Why something that is not text was not kept, and what to do instead (D-09, F-26)."""
    match kind:
        case "voice":
            return _("I cannot listen to voice messages and have not kept it. Please write. A few words are enough.")
        case "photo" | "video" | "document":
            return _(
                "I have not kept the file. Photos and files can show other people. Please describe in words what is "
                "in it. Keep the original: if it is a crime, the police need it."
            )
        case "location":
            return _("I have not kept your location. I will ask you for the town only.")
        case "contact":
            return _("I have not kept the contact. Please do not send me other people's details.")
        case _:
            return _("I can only read text. Please write a few words, or choose an answer.")
