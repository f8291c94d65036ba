"""Runs conversations: an answer comes in, commands and the next question come out. Writes nothing (idea 2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from bot.commands import Ask, Button, Command, Say, ShowPick
from bot.engine.course import Course
from bot.engine.flow import AskAgain, Flow, Forget, Question, Rework, Stop, Turn, note_of, words
from bot.engine.inputs import PRESS_A_BUTTON, FreeText, NotUnderstood, Piece, Said, number_in, readable
from bot.engine.scope import Scope
from bot.engine.state import State
from bot.i18n import Text, _, lines, paragraphs, render, verbatim

NOTHING: Final = verbatim("")
_REPEATS: Final = 20
"""Earlier buttons of an open question that hold, at most."""
REVIEW: Final = "review"
CHANGE: Final = "change"

CONTROLS: Final[Mapping[str, Text]] = {
    "/done": _("Done"),
    "/back": _("Back"),
    "/skip": _("Skip"),
    "/later": _("Continue later"),
    "/human": _("Talk to a person"),
    "/help": _("Help"),
    "/menu": _("Menu"),
    "/cancel": _("Stop"),
    "/send": _("Send"),
    "/change": _("Change something"),
    "/discard": _("Discard"),
}

_CONTROL_BUTTONS: Final = {name: Button(name, label) for name, label in CONTROLS.items()}
SEND: Final = Button("/send", CONTROLS["/send"], primary=True)
DONE: Final = Button("/done", CONTROLS["/done"], primary=True)


@dataclass(frozen=True)
class Step:
    """What one message led to: the state to keep (None: the conversation has ended) and what is to happen."""

    state: State | None
    commands: tuple[Command, ...]
    flow: str = ""
    """The flow that ended, when one did."""


class NotOpen(PermissionError):
    """The conversation needs a role that the person does not have."""


class UnknownFlow(LookupError):
    """A stored conversation belongs to a flow that is no longer there."""


class Engine:
    """Knows the flows; holds no state."""

    def __init__(self, flows: Iterable[type[Flow]]) -> None:
        self.flows: Final[Mapping[str, type[Flow]]] = {flow.name: flow for flow in flows}

    def start(
        self, flow: str, scope: Scope, given: Mapping[str, Any] | None = None, under: State | None = None
    ) -> Step:
        """Begins a conversation; `under` waits below it and comes back when it ends.

        `given["words"]` are (text, source) pairs said before it began.
        """
        if not self.is_open(flow, scope):
            raise NotOpen(flow)
        brought = dict(given or {})
        state = State(flow, under=under)
        if "words" in brought and "words" not in self._flow(state).givens:
            state = self.add_words(state, tuple(Piece(*pair) for pair in brought.pop("words")))
        return self._go_on(replace(state, answers={**state.answers, **brought}), scope, ())

    def is_open(self, flow: str, scope: Scope) -> bool:
        """Whether the person may have this conversation (D-14)."""
        found = self.flows.get(flow)
        return found is None or not found.needs or found.is_open_to(scope.roles)

    def adopt(self, state: State, scope: Scope | None = None) -> State | None:
        """A stored conversation as this release knows it, without those that are not open to the person any more.

        None when nothing is left. Without a scope nobody is asked who they are.
        """
        under = self.adopt(state.under, scope) if state.under else None
        flow = self.flows.get(state.flow)
        if flow is None or (scope is not None and not self.is_open(state.flow, scope)):
            return under
        if flow.renamed:
            state = state.renamed(flow.renamed)
        if under is not state.under:
            state = replace(state, under=under)
        if state.asked in flow.questions or state.asked in (REVIEW, CHANGE):
            return state
        return replace(state, asked="", offered=(), prompt=None)

    def repeat(self, state: State, scope: Scope, *before: Command) -> Step:
        """Asks the open question again, after something else was said."""
        return self._go_on(state, scope, before)

    def picked(self, state: State, said: Said, scope: Scope) -> str | None:
        """The offered id that a person chose by button, number or label; None for words."""
        if said.choice:
            return said.choice if said.choice in state.offered else None
        spoken = _plain(said.text)
        if not spoken or not state.offered:
            return None
        labels = {button.id: button.label for button in self._buttons(state, self._course(state, scope))}
        for offered in state.offered:
            if offered in labels and _spoken(labels[offered], scope.language) == spoken:
                return offered
        question = self._question(state)
        if question is not None and question.input.takes_words and "/done" not in state.offered:
            return None
        number = number_in(spoken)
        if number is not None and 1 <= number <= len(state.offered):
            return state.offered[number - 1]
        return next((offered for offered in state.offered if offered.casefold() == spoken), None)

    def answer(self, state: State, said: Said, scope: Scope) -> Step:
        """Takes an answer to the open question. `said.choice` is an offered id or empty."""
        if state.asked == REVIEW:
            return self._stray(state, said, scope) or self._go_on(state, scope, (Say(PRESS_A_BUTTON),))
        if state.asked == CHANGE:
            return self._change(state, said, scope)
        question = self._question(state)
        course = self._course(state, scope)
        if question is None or not course.applies(question):
            return self._stray(state, said, scope) or self._go_on(state, scope, ())
        try:
            if question.input.collects:
                return self._collect(state, question, said, course)
            value = question.input.read(said, course.so_far, scope)
            if isinstance(question.input, FreeText):
                # So that an edit of the message finds its words.
                state = state.with_pieces(question.name, question.input.add((), said))
        except NotUnderstood as wrong:
            return self._stray(state, said, scope) or self._go_on(state, scope, (Say(wrong.text),))
        return self._answered(state, question, value, course)

    def done(self, state: State, scope: Scope) -> Step:
        """The person has written or chosen all that belongs to the open question."""
        question = self._question(state)
        if question is None or not question.input.collects:
            return self._go_on(state, scope, ())
        try:
            value = question.input.finish(state.pieces.get(question.name, ()))
        except NotUnderstood as wrong:
            return self._go_on(state, scope, (Say(wrong.text),))
        return self._answered(state, question, value, self._course(state, scope))

    def skip(self, state: State, scope: Scope) -> Step:
        question = self._question(state)
        if question is None or not question.optional:
            return self._go_on(state, scope, (Say(_("I need an answer to this question to go on.")),))
        if question.input.collects and state.pieces.get(question.name):
            return self.done(state, scope)
        shown = self._pick_shown(state, CONTROLS["/skip"], self._course(state, scope))
        return self._go_on(state.with_answer(question.name, None).with_pieces(question.name, ()), scope, shown)

    def back(self, state: State, scope: Scope) -> Step:
        """Forgets the last answer, so that its question comes again."""
        course = self._course(state, scope)
        if state.asked == CHANGE:
            return self._go_on(replace(state, asked=REVIEW), scope, self._withdrawn(state, course))
        last: str | None = None
        for question in self._flow(state).questions.values():
            if question.name == state.asked:
                break
            if question.name in state.answers and course.applies(question):
                last = question.name
        if last is None:
            return self._go_on(state, scope, (Say(_("This is the first question. You cannot go back.")),))
        return self._go_on(self._forget(state, last), scope, self._withdrawn(state, course))

    def change(self, state: State, scope: Scope) -> Step:
        """Offers every answer of the summary for a change."""
        if state.asked not in (REVIEW, CHANGE):
            return self._go_on(state, scope, ())
        course = self._course(state, scope)
        shown = self._pick_shown(state, CONTROLS["/change"], course)
        return self._asking(replace(state, asked=CHANGE), course, shown)

    def send(self, state: State, scope: Scope) -> Step:
        """Finishes from the summary."""
        course = self._course(state, scope)
        if state.asked != REVIEW or course.following is not None:
            return self._go_on(state, scope, ())
        return self._finish(state, course, self._pick_shown(state, CONTROLS["/send"], course))

    def edit(self, state: State, source: str, text: str, scope: Scope) -> Step | None:
        """Replaces the words of one earlier message; None when none of the answers holds it (F-25)."""
        words = readable(text)
        brought = self._flow(state).stray
        if brought is not None and brought in self._flow(state).givens and source and words:
            held = state.answers.get(brought) or ()
            edited = [[words if mark == source else before, mark] for before, mark in held]
            if edited != [list(pair) for pair in held]:
                return self._go_on(
                    state.with_answer(brought, edited), scope, (Say(_("I have taken over your change.")),)
                )
        for name, pieces in state.pieces.items():
            if source and name in self._flow(state).questions and any(piece.source == source for piece in pieces):
                changed = tuple(
                    Piece(words or piece.text, source) if piece.source == source else piece for piece in pieces
                )
                state = state.with_pieces(name, changed)
                if state.answers.get(name) is not None:
                    question = self._flow(state).questions[name]
                    state = self._forget_dependent(
                        state.with_answer(name, question.input.dump(question.input.finish(changed))), name
                    )
                return self._go_on(state, scope, (Say(_("I have taken over your change.")),))
        below = self.edit(state.under, source, text, scope) if state.under else None
        if below is not None and below.state is not None:
            return self.repeat(replace(state, under=below.state), scope, Say(_("I have taken over your change.")))
        return None

    def take_back(self, state: State, source: str, scope: Scope) -> Step | None:
        """Forgets the words of one earlier message; None when none of the answers holds it."""
        brought = self._flow(state).stray
        if brought is not None and brought in self._flow(state).givens:
            held = state.answers.get(brought) or ()
            left = [[words, mark] for words, mark in held if mark != source]
            if len(left) != len(held):
                return self._go_on(state.with_answer(brought, left), scope, (Say(_("I have deleted it as well.")),))
        for name, pieces in state.pieces.items():
            if name in self._flow(state).questions and any(piece.source == source for piece in pieces):
                kept = tuple(piece for piece in pieces if piece.source != source)
                state = state.with_pieces(name, kept)
                if state.answers.get(name) is not None:
                    question = self._flow(state).questions[name]
                    answered = kept and question.input.dump(question.input.finish(kept))
                    state = self._forget_dependent(
                        state.with_answer(name, answered) if kept else state.without(name), name
                    )
                return self._go_on(state, scope, (Say(_("I have deleted it as well.")),))
        below = self.take_back(state.under, source, scope) if state.under else None
        if below is not None and below.state is not None:
            return self.repeat(replace(state, under=below.state), scope, Say(_("I have deleted it as well.")))
        return None

    def add_words(self, state: State, words: tuple[Piece, ...]) -> State:
        """Puts words written before the question came into the answer that they belong to."""
        name = self._flow(state).stray
        if name is None or not words:
            return state
        if name in self._flow(state).givens:
            held = state.answers.get(name) or []
            return state.with_answer(name, [*held, *([piece.text, piece.source] for piece in words)])
        pieces = (*state.pieces.get(name, ()), *words)
        state = state.with_pieces(name, pieces)
        if state.answers.get(name) is not None:
            state = self._forget_dependent(state.with_answer(name, "\n".join(piece.text for piece in pieces)), name)
        return state

    def summary(self, state: State, scope: Scope) -> Text:
        """The answers as the person will see them before sending."""
        return self._summary(self._course(state, scope))

    def _summary(self, course: Course) -> Text:
        so_far = course.so_far
        rows = [
            _("{label}: {answer}", label=question.label, answer=question.input.show(value, so_far, course.scope))
            for question in course.flow.questions.values()
            if question.label is not None and (value := getattr(so_far, question.name)) is not None
        ]
        return lines(*rows)

    def _flow(self, state: State) -> type[Flow]:
        try:
            return self.flows[state.flow]
        except KeyError:
            raise UnknownFlow(state.flow) from None

    def _course(self, state: State, scope: Scope) -> Course:
        return Course(self._flow(state), state.answers, scope)

    def _question(self, state: State) -> Question | None:
        return self._flow(state).questions.get(state.asked)

    def _go_on(self, state: State, scope: Scope, before: Iterable[Command]) -> Step:
        course = self._course(state, scope)
        question = course.following
        if question is not None:
            again = state.asked == question.name and state.prompt is not None
            repeats = (*state.repeats, state.prompt)[-_REPEATS:] if again and state.prompt is not None else ()
            return self._asking(replace(state, asked=question.name, repeats=repeats), course, before)
        state = replace(state, repeats=())
        if course.flow.review is not None:
            asked = CHANGE if state.asked == CHANGE else REVIEW
            return self._asking(replace(state, asked=asked), course, before)
        return self._finish(state, course, before)

    def _finish(self, state: State, course: Course, before: Iterable[Command]) -> Step:
        flow = course.so_far
        flow.sources = state.sources
        return Step(None, (*before, *flow.finish(course.scope)), flow=state.flow)

    def _asking(self, state: State, course: Course, before: Iterable[Command]) -> Step:
        buttons = self._buttons(state, course)
        question = self._question(state)
        ask = Ask(
            text=self._prompt(state, course),
            flow=state.flow,
            question=state.asked,
            buttons=buttons,
            step=self._progress(state, course),
            columns=question.input.columns if question else 1,
        )
        return Step(replace(state, offered=tuple(button.id for button in buttons), prompt=None), (*before, ask))

    def _prompt(self, state: State, course: Course) -> Text:
        if state.asked == REVIEW:
            return paragraphs(course.flow.review, self._summary(course))
        if state.asked == CHANGE:
            return _("What would you like to change?")
        question = course.flow.questions[state.asked]
        pieces = state.pieces.get(question.name, ())
        if pieces and isinstance(question.input, FreeText) and question.input.collects:
            return paragraphs(
                question.input.remark(pieces),
                _("I have noted it. Do you want to write more? If not, choose “Done”."),
            )
        return paragraphs(
            words(question.prompt, course.so_far, course.scope), note_of(question, course.so_far, course.scope)
        )

    def _buttons(self, state: State, course: Course) -> tuple[Button, ...]:
        if state.asked == REVIEW:
            return (SEND, *_controls("/change", "/discard", "/later", "/human"))
        if state.asked == CHANGE:
            return (
                *(Button(question.name, question.label) for question in course.applying if question.label is not None),
                *_controls("/back"),
            )
        question = course.flow.questions[state.asked]
        pieces = state.pieces.get(question.name, ())
        buttons = question.input.buttons(course.so_far, course.scope, pieces)
        if question.input.collects and pieces:
            buttons = (*buttons, DONE)
        first = not any(
            other.name in state.answers and course.applies(other)
            for other in course.flow.questions.values()
            if other is not question
        )
        exits = [name for name in question.exits if not (name == "/back" and first)]
        if question.optional and not (question.input.collects and pieces):
            exits.insert(1 if exits[:1] == ["/back"] else 0, "/skip")
        return (*buttons, *_controls(*exits))

    def _progress(self, state: State, course: Course) -> tuple[int, int] | None:
        open_ones = [question.name for question in course.applying]
        if course.flow.review is not None:
            open_ones.append(REVIEW)
        at = REVIEW if state.asked == CHANGE else state.asked
        return (open_ones.index(at) + 1, len(open_ones)) if at in open_ones and len(open_ones) > 2 else None

    def _collect(self, state: State, question: Question, said: Said, course: Course) -> Step:
        pieces = question.input.add_in(course.scope, state.pieces.get(question.name, ()), said)
        changed = state.with_pieces(question.name, pieces)
        return self._go_on(changed, course.scope, self._withdrawn(state, course))

    def _answered(self, state: State, question: Question, value: Any, course: Course) -> Step:
        scope = course.scope
        shown = self._pick_shown(state, question.input.show(value, course.so_far, scope), course, value)
        after = self._forget_dependent(state.with_answer(question.name, question.input.dump(value)), question.name)
        if question.then is None:
            return self._go_on(after, scope, shown)
        commands: list[Command] = list(shown)
        for item in question.then(self._course(after, scope).so_far, scope):
            match item:
                case Stop():
                    return Step(None, tuple(commands), flow=state.flow)
                case AskAgain():
                    after = after.without(question.name).with_pieces(question.name, ())
                case Forget(name):
                    after = self._forget(after, name).with_pieces(name, ())
                case Rework(name, change):
                    after = self._rework(after, name, change)
                case Turn():
                    raise TypeError(f"{type(item).__name__} is no turn of the conversation")
                case _:
                    commands.append(item)
        return self._go_on(after, scope, commands)

    def _rework(self, state: State, name: str, change: Any) -> State:
        pieces = tuple(Piece(change(piece.text), piece.source) for piece in state.pieces.get(name, ()))
        return state.with_pieces(name, pieces).with_answer(name, "\n".join(piece.text for piece in pieces))

    def _change(self, state: State, said: Said, scope: Scope) -> Step:
        question = self._flow(state).questions.get(said.choice)
        if question is None:
            return self._stray(state, said, scope) or self._go_on(state, scope, (Say(PRESS_A_BUTTON),))
        shown: tuple[Command, ...] = self._pick_shown(state, question.label or NOTHING, self._course(state, scope))
        before = state.answers.get(question.name)
        if isinstance(question.input, FreeText) and isinstance(before, str):
            shown = (*shown, Say(_("So far you wrote:\n{words}", words=before)))
        return self._go_on(self._forget(state, question.name).with_pieces(question.name, ()), scope, shown)

    def _forget(self, state: State, name: str) -> State:
        return self._forget_dependent(replace(state.without(name), asked=""), name)

    def _forget_dependent(self, state: State, name: str) -> State:
        return state.without(*(q.name for q in self._flow(state).questions.values() if q.forgotten_with == name))

    def _stray(self, state: State, said: Said, scope: Scope) -> Step | None:
        words = readable(said.text)
        flow = self._flow(state)
        if flow.stray in (None, state.asked) or not words or len(words) < flow.stray_from:
            return None
        kept = self.add_words(state, (Piece(words, said.source),))
        if flow.stray_reopens is not None and kept.answers.get(flow.stray_reopens[0]) == flow.stray_reopens[1]:
            kept = kept.without(flow.stray_reopens[0])
        return self._go_on(kept, scope, (Say(_("I have added this to your description.")),))

    def _pick_shown(self, state: State, pick: Text, course: Course, value: Any = None) -> tuple[Command, ...]:
        """Marks the answered question; words the person can see in the chat are not repeated."""
        if state.prompt is None:
            return ()
        prompt = self._prompt(state, course)
        if isinstance(value, str) and self._takes_words(state):
            return (ShowPick(state.prompt, prompt),)
        shown = paragraphs(prompt, _("✓ {pick}", pick=pick))
        return (ShowPick(state.prompt, shown, repeats_words=state.asked == REVIEW),)

    def _withdrawn(self, state: State, course: Course) -> tuple[Command, ...]:
        if state.prompt is None:
            return ()
        return (ShowPick(state.prompt, self._prompt(state, course), repeats_words=state.asked == REVIEW),)

    def _takes_words(self, state: State) -> bool:
        question = self._question(state)
        return question is not None and question.input.takes_words


def _controls(*names: str) -> Iterator[Button]:
    return (_CONTROL_BUTTONS[name] for name in names)


@lru_cache(maxsize=4096)
def _spoken(label: Text, language: str) -> str:
    """A label as somebody would type it."""
    return _plain(render(label, language))


def _plain(text: str) -> str:
    """Words as they are compared with labels: case, marks of direction, final punctuation and ticks do not count."""
    folded = unicodedata.normalize("NFKC", readable(text)).casefold()
    return folded.removeprefix("✓ ").rstrip(".!? ").strip()
