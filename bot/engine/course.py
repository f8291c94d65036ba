"""How far a conversation has come: what follows from its answers, each question looked at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.engine.flow import Flow, Question
from bot.engine.scope import Scope


class Course:
    """The questions of a flow in the light of the answers of one moment."""

    def __init__(self, flow: type[Flow], answers: Mapping[str, Any], scope: Scope) -> None:
        self.flow = flow
        self.scope = scope
        self.so_far = flow.so_far(answers, scope)
        """The flow with the answers that are usable and apply."""
        self._answers = answers
        self._applies: dict[str, bool] = {}

    def applies(self, question: Question) -> bool:
        """Whether the question belongs to this conversation as it stands; may read a long text to know."""
        if question.when is None:
            return True
        name = question.name
        if name not in self._applies:
            self._applies[name] = question.applies(self.so_far, self.scope)
        return self._applies[name]

    def is_answered(self, question: Question) -> bool:
        """Whether there is a usable answer, or the question was passed over."""
        if question.name not in self._answers:
            return False
        passed_over = question.optional and self._answers[question.name] is None
        return passed_over or getattr(self.so_far, question.name) is not None

    @property
    def following(self) -> Question | None:
        """The question whose turn it is; None when all are answered."""
        for question in self.flow.questions.values():
            if not self.is_answered(question) and self.applies(question):
                return question
        return None

    @property
    def applying(self) -> list[Question]:
        """The questions that belong to this conversation as it stands, in order."""
        return [question for question in self.flow.questions.values() if self.applies(question)]
