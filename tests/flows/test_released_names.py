"""Released names are stored in conversations and used by scripts: they stay, or somebody migrates them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.engine.engine import CHANGE, CONTROLS, REVIEW
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Choice, Choices, Confirm
from bot.flows import FLOWS
from bot.i18n import verbatim
from bot.reading.words import COMMANDS

RELEASED = Path(__file__).parent / "released.json"

WHAT_TO_DO = (
    "{name} was released and is gone. Conversations that are stored hold it, and scripts rely on it: give it "
    "back; or, for a question, name the former and the new name in `renamed` of its flow; or write a "
    "migration in storage/migrations that rewrites the stored conversations. Then change {file}."
)
NEW = "{name} is new. Choose its name for good, then add it to {file}."


def names(flows: tuple[type[Flow], ...]) -> dict[str, Any]:
    """Every flow, question and closed option id, as the file lists them."""
    return {
        "controls": sorted(CONTROLS),
        "commands": sorted(COMMANDS),
        "flows": {
            flow.name: {name: options(question.input) for name, question in flow.questions.items()} for flow in flows
        },
    }


def options(answer: Any) -> list[str]:
    """The ids of a closed list; empty for words and for lists that live."""
    match answer:
        case Choice() | Choices():
            return [str(member) for member in answer.labels]
        case Confirm():
            return ["YES", "NO"]
        case _:
            return []


def flat(listed: Mapping[str, Any]) -> set[str]:
    """Every name in one word, like `report_tension.danger.YES`."""
    found = {f"{kind} {name}" for kind in ("controls", "commands") for name in listed[kind]}
    for flow, questions in listed["flows"].items():
        found.add(f"flow {flow}")
        for question, ids in questions.items():
            found.add(f"question {flow}.{question}")
            found |= {f"option {flow}.{question}.{option}" for option in ids}
    return found


def renamed(flows: tuple[type[Flow], ...]) -> set[str]:
    """The former names that stored conversations still find their way from, if the new name is there."""
    return {
        f"question {flow.name}.{old}" for flow in flows for old, new in flow.renamed.items() if new in flow.questions
    }


def complaints(released: Mapping[str, Any], flows: tuple[type[Flow], ...]) -> list[str]:
    now, then = flat(names(flows)), flat(released)
    moved = renamed(flows)
    gone = {
        name
        for name in then - now - moved
        if not any(name.startswith(f"option {old.removeprefix('question ')}.") for old in moved)
    }
    file = "tests/flows/released.json"
    return [
        *(WHAT_TO_DO.format(name=name, file=file) for name in sorted(gone)),
        *(NEW.format(name=name, file=file) for name in sorted(now - then)),
    ]


def test_released_names_stay() -> None:
    found = complaints(json.loads(RELEASED.read_text("utf-8")), FLOWS)
    assert not found, "\n" + "\n".join(found)


class Tea(Flow, name="tea"):
    title = verbatim("Tea")
    sure: bool = ask(verbatim("Sure?"), Confirm())


class Renamed(Flow, name="tea"):
    title = verbatim("Tea")
    renamed = {"sure": "certain"}  # noqa: RUF012  # never written to
    certain: bool = ask(verbatim("Sure?"), Confirm())


class Forgotten(Flow, name="tea"):
    title = verbatim("Tea")
    certain: bool = ask(verbatim("Sure?"), Confirm())


class TestComplaints:
    """The test above says what happened and what to do."""

    def test_nothing_changed(self) -> None:
        assert complaints(names((Tea,)), (Tea,)) == []

    def test_a_question_has_another_name(self) -> None:
        found = complaints(names((Tea,)), (Forgotten,))
        assert any(each.startswith("question tea.sure was released and is gone.") for each in found)
        assert any("write a migration" in each for each in found)
        assert any(each.startswith("question tea.certain is new.") for each in found)

    def test_a_renaming_that_says_so_only_wants_to_be_listed(self) -> None:
        assert [each.split(" is new")[0] for each in complaints(names((Tea,)), (Renamed,))] == [
            "option tea.certain.NO",
            "option tea.certain.YES",
            "question tea.certain",
        ]

    def test_a_flow_is_gone(self) -> None:
        assert any(each.startswith("flow tea was released and is gone.") for each in complaints(names((Tea,)), ()))


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_names_do_not_collide_with_the_engines_own(flow: type[Flow]) -> None:
    taken = {REVIEW, CHANGE, "sources", "finish", "so_far"}
    assert not taken & set(flow.questions)
    for name, question in flow.questions.items():
        ids = options(question.input)
        assert len(ids) == len(set(ids))
        controls = set(CONTROLS) & set(ids)
        assert not controls or flow.name == "menu", f"{name} offers {controls} as an answer"


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_what_a_flow_refers_to_is_there(flow: type[Flow]) -> None:
    assert flow.stray is None or flow.stray in {*flow.questions, *flow.givens}
    for question in flow.questions.values():
        assert question.forgotten_with is None or question.forgotten_with in flow.questions
        assert set(question.exits) <= set(CONTROLS)
    for old, new in flow.renamed.items():
        assert new in flow.questions
        assert old not in flow.questions
