"""How a conversation is described: a flow is a class, a field is a question (idea 1)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeVar, cast, dataclass_transform, overload

from bot.commands import Command
from bot.engine.inputs import Input
from bot.engine.scope import Scope
from bot.i18n import Text
from bot.taxonomy import Role

T = TypeVar("T")

Prompt: TypeAlias = Text | Callable[[Any, Scope], Text]
Note: TypeAlias = Text | Callable[[Any, Scope], Text | None]
Then: TypeAlias = "Callable[[Any, Scope], Iterator[Command | Turn]]"


class Turn:
    """What a question's `then` may do to the conversation itself, beside yielding commands."""


@dataclass(frozen=True)
class AskAgain(Turn):
    """The answer was a wish for more information: the same question comes again."""


@dataclass(frozen=True)
class Forget(Turn):
    """Another answer is dropped, so that it is asked again."""

    question: str


@dataclass(frozen=True)
class Rework(Turn):
    """The words of another answer are kept only as `change` makes them."""

    question: str
    change: Callable[[str], str]


@dataclass(frozen=True)
class Stop(Turn):
    """The conversation ends here; nothing is finished."""


@dataclass(frozen=True)
class Question:
    """One field of a flow."""

    name: str
    prompt: Prompt
    input: Input[Any]
    label: Text | None
    note: Note | None
    optional: bool
    when: Callable[[Any, Scope], bool] | None
    then: Then | None
    forgotten_with: str | None
    exits: tuple[str, ...]

    def applies(self, so_far: Any, scope: Scope) -> bool:
        return self.when is None or self.when(so_far, scope)


@dataclass(frozen=True)
class _Asked:
    """A question before its class gives it a name; `given` fields are never asked."""

    make: Callable[[str], Question] | None
    default: Any = field(default=None)


@overload
def ask(
    prompt: Prompt,
    answer: Input[T],
    *,
    label: Text | None = None,
    note: Note | None = None,
    then: Then | None = None,
    forgotten_with: str | None = None,
    exits: tuple[str, ...] = ...,
) -> T: ...
@overload
def ask(
    prompt: Prompt,
    answer: Input[T],
    *,
    label: Text | None = None,
    note: Note | None = None,
    optional: Literal[True],
    when: Callable[[Any, Scope], bool] | None = None,
    then: Then | None = None,
    forgotten_with: str | None = None,
    exits: tuple[str, ...] = ...,
) -> T | None: ...
@overload
def ask(
    prompt: Prompt,
    answer: Input[T],
    *,
    label: Text | None = None,
    note: Note | None = None,
    optional: bool = False,
    when: Callable[[Any, Scope], bool],
    then: Then | None = None,
    forgotten_with: str | None = None,
    exits: tuple[str, ...] = ...,
) -> T | None: ...
def ask(
    prompt: Prompt,
    answer: Input[T],
    *,
    label: Text | None = None,
    note: Note | None = None,
    optional: bool = False,
    when: Callable[[Any, Scope], bool] | None = None,
    then: Then | None = None,
    forgotten_with: str | None = None,
    exits: tuple[str, ...] = ("/back", "/later", "/human", "/help"),
) -> T | None:
    """A question.

    `label` names the answer in the summary (no label: not shown there). `note` stands under the question. `when`
    decides whether the question applies, `then` runs once it is answered. An answer that is `forgotten_with` another
    is dropped when the other changes. `exits` are the ways out offered beside the answers.
    """
    return cast(
        "T",
        _Asked(lambda name: Question(name, prompt, answer, label, note, optional, when, then, forgotten_with, exits)),
    )


def given(default: Any = None) -> Any:
    """A field that the start of the flow brings along and nobody is asked for."""
    return _Asked(None, default)


@dataclass_transform(field_specifiers=(ask, given), kw_only_default=True)
class Flow:
    """A conversation: its questions in order, and what its end asks for.

    `review` is the sentence above the summary; None finishes at once. `stray` names the question whose words grow
    when somebody writes at length where a choice was asked.
    """

    name: ClassVar[str] = ""
    title: ClassVar[Text]
    review: ClassVar[Text | None] = None
    stray: ClassVar[str | None] = None
    stray_from: ClassVar[int] = 25
    """From this many characters on, words at a choice are a story and not a misread button."""
    stray_reopens: ClassVar[tuple[str, str] | None] = None
    """A question and an answer to it that such words take back: then there is a place for them."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Former names of questions and what they are called now, so that stored answers find them."""
    keeps_draft: ClassVar[bool] = False
    """True where an unfinished conversation is worth reminding of (F-13)."""
    needs: ClassVar[frozenset[Role]] = frozenset()
    """Whoever has one of these roles may have this conversation; none named: everybody (D-14)."""
    questions: ClassVar[Mapping[str, Question]] = {}
    givens: ClassVar[Mapping[str, Any]] = {}
    _unanswered: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, *, name: str, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.name = name
        fields = {key: value for key, value in vars(cls).items() if isinstance(value, _Asked)}
        cls.questions = {key: value.make(key) for key, value in fields.items() if value.make}
        cls.givens = {key: value.default for key, value in fields.items() if not value.make}
        cls._unanswered = {**cls.givens, **dict.fromkeys(cls.questions)}
        for key in fields:
            delattr(cls, key)

    @classmethod
    def is_open_to(cls, roles: Collection[Role]) -> bool:
        """Whether somebody with these roles may have it."""
        return not cls.needs or not cls.needs.isdisjoint(roles)

    sources: tuple[str, ...] = ()
    """Keyed hashes of the messages that hold the words of the answers, once the flow finishes (F-25)."""

    @classmethod
    def so_far(cls, answers: Mapping[str, Any], scope: Scope) -> Self:
        """The flow with the answers that are usable and apply; every other field is None."""
        flow = cls.__new__(cls)
        values = vars(flow)
        values.update(cls._unanswered)
        values.update((key, answers[key]) for key in cls.givens if key in answers)
        for name, question in cls.questions.items():
            stored = answers.get(name)
            if stored is not None and question.applies(flow, scope):
                try:
                    values[name] = question.input.load(stored)
                except (ValueError, TypeError, KeyError):
                    continue
        return flow

    def finish(self, scope: Scope) -> Iterator[Command]:
        """What the answers lead to."""
        raise NotImplementedError


def words(prompt: Prompt, so_far: Any, scope: Scope) -> Text:
    """The sentence of a prompt that may depend on the answers so far."""
    return prompt if isinstance(prompt, Text) else prompt(so_far, scope)


def note_of(question: Question, so_far: Any, scope: Scope) -> Text | None:
    """The sentence under a question."""
    note = question.note
    return note if note is None or isinstance(note, Text) else note(so_far, scope)
