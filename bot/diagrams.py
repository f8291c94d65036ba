"""Draws every flow as a Mermaid diagram from its declaration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from bot.contact_point import ContactPoint
from bot.engine.engine import REVIEW
from bot.engine.flow import Flow, Question, words
from bot.engine.inputs import Choice, Choices, FreeText, Input, Pick
from bot.engine.scope import Scope
from bot.i18n import Text, render


def draw(flows: Iterable[type[Flow]], contact_point: ContactPoint, language: str) -> str:
    """A page with one diagram a flow, in the language given."""
    scope = Scope(contact_point, datetime(2026, 11, 24, 8, tzinfo=UTC), language, fresh_ref=lambda: "7F3K-29QX")
    parts = [
        "# Flows",
        "",
        (
            "Drawn from the declarations in `bot/flows/` by `anlaufstelle flows`; a dashed arrow passes a question "
            "over that does not always apply or may be skipped."
        ),
    ]
    for flow in flows:
        parts += ["", f"## {render(flow.title, language)} (`{flow.name}`)", "", (flow.__doc__ or "").strip(), ""]
        parts += _diagram(flow, scope)
    return "\n".join(parts) + "\n"


def _diagram(flow: type[Flow], scope: Scope) -> list[str]:
    rows = ["```mermaid", "flowchart TD", "    start([start])"]
    before, optional_before = "start", list[str]()
    for question in flow.questions.values():
        rows.append(f'    {question.name}["{_label(question, flow, scope)}"]')
        rows.append(f"    {before} --> {question.name}")
        rows += [f"    {earlier} -.-> {question.name}" for earlier in optional_before]
        conditional = question.when is not None or question.optional
        optional_before = [*optional_before, before] if conditional else []
        before = question.name
    end = "finish"
    if flow.review is not None:
        rows += [f'    {REVIEW}["{_escape(flow.review, scope)}"]', f"    {before} --> {REVIEW}"]
        rows += [f"    {earlier} -.-> {REVIEW}" for earlier in optional_before]
        before, optional_before = REVIEW, []
    rows += [f"    {end}([end])", f"    {before} --> {end}"]
    rows += [f"    {earlier} -.-> {end}" for earlier in optional_before]
    return [*rows, "```"]


def _label(question: Question, flow: type[Flow], scope: Scope) -> str:
    so_far = flow.so_far({}, scope)
    sentence = _escape(words(question.prompt, so_far, scope), scope)
    return f"<b>{question.name}</b><br/>{sentence}<br/><i>{_kind(question.input, scope)}</i>"


def _kind(answer: Input[object], scope: Scope) -> str:
    match answer:
        case Choice() | Choices():
            return " · ".join(_escape(label, scope) for label in answer.labels.values())
        case Pick():
            items = [_escape(label, scope) for label in answer.items(scope).values()]
            return " · ".join(items[:6]) + (" …" if len(items) > 6 else "")
        case FreeText(several_messages=True):
            return "text, several messages"
        case _:
            return type(answer).__name__.lower()


def _escape(text: Text, scope: Scope) -> str:
    first = render(text, scope.language).split("\n")[0]
    shown = first if len(first) <= 90 else first[:89] + "…"
    for character, name in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;")):
        shown = shown.replace(character, name)
    return shown
