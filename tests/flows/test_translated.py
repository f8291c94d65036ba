"""Every step of every flow, rendered: nothing English slips through untranslated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any

import pytest

from bot import pseudo
from bot.commands import Ask, Button, Command, Say, SendFile, ShowPick
from bot.contact_point_file import load_contact_point, shipped
from bot.conversation import Heard, Listener, Memory, media_answer
from bot.engine.engine import CONTROLS, Engine, Step
from bot.engine.inputs import Said
from bot.engine.scope import OwnAssignment, OwnDate, OwnProfile, OwnReport, OwnRequest, OwnTopic, Scope, Side
from bot.engine.state import State
from bot.flows import FLOWS
from bot.flows.language import IN_OTHER_WORDS
from bot.i18n import Text, _, ngettext, render, verbatim
from bot.languages import LANGUAGES
from bot.meetings.meeting import Answer, TopicState
from bot.messages import MEDIA_KINDS
from bot.people import Absence, Person
from bot.pool.matching import Format
from bot.pool.profile import Away, Profile, Weekday
from bot.pool.request import AssignmentKind, CostApproval, PoolRequest, RequestKind
from bot.reading.words import COMMANDS
from bot.taxonomy import ExpertProfession, OfferState, ReportState, RequestState, Role

ENGINE = Engine(FLOWS)
OBERBERG = load_contact_point(shipped() / "oberberg.toml")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
STORY = "Frau Kaya, Hauptstraße 12, ruft jede Nacht an: 0171 2345678"

SAME_IN_GERMAN = {
    "Internet",
    "Online",
    "Moderation",
    "Dari",
    "Tigrinya",
    "Farsi",
    "Kurmanji",
    *(f"{n}. hm" for n in range(1, 6)),
}
"""Sentences that German writes as English does."""


def report(number: int, state: ReportState = ReportState.ACKNOWLEDGED, **changes: Any) -> OwnReport:
    return replace(
        OwnReport(f"7F3K-000{number}", "wiehl", state, NOW, NOW + timedelta(days=2), "CHAT", opened=bool(number % 2)),
        **changes,
    )


WORKING = {
    Role.CASE_MANAGER: frozenset({"wiehl"}),
    Role.EXPERT: frozenset[str](),
    Role.CONTACT_POINT_STAFF: frozenset[str](),
}
DEPUTY = Person(2, {Role.CASE_MANAGER: frozenset()}, "Lee", "caritas")
PROFILE = Profile(
    id="P3",
    name="Kim",
    professions=frozenset({ExpertProfession.MEDIATOR}),
    away=(Away(NOW.date(), NOW.date() + timedelta(days=3)),),
)
AWAY = Absence(NOW.date(), NOW.date() + timedelta(days=3), deputy=2)


EXPERT = PoolRequest(
    kind=RequestKind.EXPERT,
    professions=frozenset(),
    languages=frozenset({"tr"}),
    municipality="wiehl",
    first_day=NOW.date(),
    last_day=NOW.date() + timedelta(days=9),
    weekdays=frozenset({Weekday.MONDAY}),
    cost=CostApproval.CONTACT_POINT,
)
MEDIATOR = replace(
    EXPERT,
    kind=RequestKind.LANGUAGE_MEDIATOR,
    professions=frozenset({"LANGUAGE_MEDIATOR"}),
    format=Format.IN_PERSON,
    assignment=AssignmentKind.MEETING,
    starts_at=NOW + timedelta(days=3),
    cost=None,
)


def requests() -> tuple[OwnRequest, ...]:
    """One in every state."""
    return tuple(
        OwnRequest(f"7F3K-001{number}", EXPERT if number % 2 else MEDIATOR, state, NOW, NOW + timedelta(days=3))
        for number, state in enumerate(RequestState)
    )


OFFERED, RUNNING, ASKED_FOR, FINISHED, HELPED = (f"7F3K-333{number}" for number in range(1, 6))


def assignments() -> tuple[OwnAssignment, ...]:
    """An offer, one under way on either side, and one that is over."""
    offered = OwnAssignment(
        OFFERED,
        Side.EXPERT,
        RequestState.OFFERED,
        OfferState.OPEN,
        _("mediation"),
        NOW + timedelta(days=2),
        _("Involved: {parties}", parties="tenants"),
    )
    under_way = replace(offered, ref=RUNNING, state=RequestState.ACCEPTED, offer=OfferState.ACCEPTED, other="Ana")
    return (
        offered,
        under_way,
        replace(under_way, ref=ASKED_FOR, side=Side.REQUESTER),
        replace(under_way, ref=FINISHED, state=RequestState.DONE, offer=OfferState.DONE),
        replace(under_way, ref=HELPED, side=Side.REQUESTER, state=RequestState.DONE, offer=OfferState.DONE),
    )


def dates() -> tuple[OwnDate, ...]:
    """One that somebody leads, one with an answer, one that has begun to be too late for topics, one that is public."""
    led = OwnDate(
        id=1,
        meeting=1,
        number="T1",
        title=_("{kind} {place}", kind=_("Round table"), place="Wiehl"),
        starts_at=NOW + timedelta(days=9),
        where=_("Place: {place}", place="Wiehl"),
        leads=True,
        coming=ngettext("{n} person comes so far.", "{n} people come so far.", 2),
        topics_until=NOW + timedelta(days=2),
        usual_steps=(14, 3, 0),
    )
    return (
        led,
        replace(led, id=2, leads=False, answer=Answer.YES, topics_until=None, steps=(1,)),
        replace(led, id=3, leads=False, answer=Answer.WAITING, stopped=True),
        replace(led, id=4, leads=False, invited=False, topics_until=None),
    )


def topics(date: int) -> tuple[OwnTopic, ...]:
    """A topic in each state, for the first two dates."""
    return tuple(OwnTopic(n, "hm", state) for n, state in enumerate(TopicState)) if date in (1, 2) else ()


DATES = [{"date": str(n)} for n in (1, 2, 9)]
REFS = [{"ref": ref} for ref in ("", OFFERED, RUNNING, ASKED_FOR, FINISHED, HELPED)]
GIVEN: dict[str, list[dict[str, Any]]] = {
    "own_words": [{"words": [[STORY, "s0"]]}],
    "answer_offer": [{**ref, "answer": answer} for ref in REFS for answer in ("ACCEPT", "DECLINE", "QUESTION")],
    "assignment": REFS,
    "write": REFS,
    "feedback": REFS,
    "agenda": DATES,
    "change_date": [{**date, "change": change} for date in DATES for change in ("MOVE", "CANCEL")],
    "place_topic": [{}, *DATES],
    "minutes": DATES,
    "release_minutes": DATES,
    "pulse": [{**date, "mood": "CALM"} for date in DATES],
}
"""What brings a conversation about that needs something to begin with."""


TYPED = {
    "plan_meeting": ("18:00", "7", "FREQ=WEEKLY;BYDAY=SU", "5.1.2027"),
    "change_date": ("5.1.2027 18:00",),
    "minutes": ("5.1.2027",),
}
"""Words that a question of a flow takes which takes no other."""


def working(**changes: Any) -> Scope:
    """The scope of somebody with roles."""
    person = replace(Person(1, WORKING, "Kim", "caritas"), **changes)
    return Scope(
        contact_point=OBERBERG,
        now=NOW,
        language="en",
        fresh_ref=lambda: "7F3K-29QX",
        account=lambda: person,
        people=lambda: (person, DEPUTY),
        pool_profile=lambda: OwnProfile(PROFILE),
        assignments=assignments,
    )


SCOPES = {
    "new": Scope(contact_point=OBERBERG, now=NOW, language="en", fresh_ref=lambda: "7F3K-29QX", transport="web"),
    "known": Scope(
        contact_point=OBERBERG,
        now=NOW - timedelta(hours=6),
        language="en",
        fresh_ref=lambda: "7F3K-29QX",
        privacy_read=True,
        wanted_language="tr",
        transport="telegram",
        own_reports=lambda: tuple(report(i, state) for i, state in enumerate(ReportState)),
        has_draft=True,
    ),
    "one report": Scope(
        contact_point=OBERBERG,
        now=NOW,
        language="en",
        fresh_ref=lambda: "7F3K-29QX",
        own_reports=lambda: (report(1, municipality="OTHER"),),
    ),
    "new with a role": working(name=""),
    "with roles": working(),
    "in Telegram": replace(working(), transport="telegram", own_requests=requests),
    "one request": replace(working(), own_requests=lambda: requests()[:1]),
    "away": working(away=AWAY),
    "planning": replace(
        working(roles={Role.COORDINATOR: frozenset[str]()}),
        dates=lambda: dates()[::-1],
        topics=topics,
        has_dates=lambda: True,
    ),
    "at meetings": replace(working(), dates=dates, topics=topics, has_dates=lambda: True),
}


DECIDING = {"professions"}
"""Questions with several answers, on whose first one it depends what is asked next."""


def texts(commands: tuple[Command, ...] | list[Command]) -> Iterator[tuple[str, Text]]:
    """Everything that a person will read, and where it is from."""
    for command in commands:
        match command:
            case Ask():
                yield f"{command.flow}.{command.question}", command.text
                yield from labels(f"{command.flow}.{command.question}", command.buttons)
            case Say():
                yield "said", command.text
                yield from labels("said", command.buttons)
            case ShowPick() | SendFile():
                yield type(command).__name__, command.text


def labels(place: str, buttons: tuple[Button, ...]) -> Iterator[tuple[str, Text]]:
    return ((f"{place} [{button.id}]", button.label) for button in buttons)


@dataclass
class Explorer:
    """Gives every reply to every question, once for each set of questions that the answers so far lead to."""

    scope: Scope

    def steps(self, flow: str, given: dict[str, Any]) -> Iterator[Step]:
        waiting = [ENGINE.start(flow, self.scope, given)]
        seen = set()
        while waiting:
            step = waiting.pop()
            yield step
            state = step.state
            if state is None:
                continue
            so_far = ENGINE.flows[flow].so_far(state.answers, self.scope)
            ahead = [q.name for q in ENGINE.flows[flow].questions.values() if q.applies(so_far, self.scope)]
            pieces = state.pieces.get(state.asked, ())
            first = [each.text for each in pieces[:1] if state.asked in DECIDING]
            place = (state.asked, bool(state.pieces), bool(pieces), *first, *ahead)
            if place not in seen:
                seen.add(place)
                waiting += self.made_of(replace(state, prompt=1))

    def made_of(self, state: State) -> Iterator[Step]:
        """Whatever one message can lead to."""
        yield ENGINE.repeat(state, self.scope)
        for text in ("", "hm", STORY, "02261 123456", *TYPED.get(state.flow, ())):
            yield ENGINE.answer(state, Said(text=text, source="s1"), self.scope)
        for choice in state.offered:
            match choice:
                case "/back" | "/skip" | "/done" | "/send" | "/change":
                    yield getattr(ENGINE, choice[1:])(state, self.scope)
                case _ if not choice.startswith("/") or state.flow == "menu":
                    yield ENGINE.answer(state, Said(choice=choice), self.scope)


@cache
def texts_of(flow: str) -> frozenset[tuple[str, Text]]:
    """Everything that a flow may say to different people."""
    found = {("title", ENGINE.flows[flow].title)}
    for place, scope in SCOPES.items():
        if not ENGINE.is_open(flow, scope):
            continue
        for given in GIVEN.get(flow, [{}]):
            for step in Explorer(scope).steps(flow, given):
                found |= {(f"{place}: {where}", text) for where, text in texts(step.commands)}
    return frozenset(found)


NAMES = [flow.name for flow in FLOWS]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_the_explorer_sees_every_question(flow: type[Any]) -> None:
    """The tests below mean nothing where it does not get to."""
    wheres = {where.partition(": ")[2].partition(" [")[0] for where, _text in texts_of(flow.name)}
    expected = {f"{flow.name}.{name}" for name in flow.questions}
    if flow.review is not None:
        expected |= {f"{flow.name}.review", f"{flow.name}.change"}
    assert expected <= wheres


@pytest.mark.parametrize("flow", NAMES)
def test_every_step_is_translatable(flow: str) -> None:
    """In the language that marks what passed through translation, nothing is left unmarked."""
    for where, text in texts_of(flow):
        rendered = render(text, pseudo.CODE)
        assert pseudo.escaped(rendered) == [], f"{where}: {rendered}"


OWN_WORDS = {
    STORY,
    render(IN_OTHER_WORDS, "en"),
    *(language.own_name for language in LANGUAGES.values()),
    *(language.emergency_line for language in LANGUAGES.values()),
    *(place.name for place in OBERBERG.municipalities),
    *(organisation.name for organisation in OBERBERG.organisations),
    "hm",
    "02261 123456",
    *(f"{name} ({OBERBERG.organisations[0].name})" for name in (DEPUTY.name, "Kim")),
}
"""What stays as it is in any language: a person's words, and proper names."""


def is_a_name(text: Text) -> bool:
    """Whether a text is made of names and numbers alone, which stay as they are."""
    rendered = render(text, pseudo.CODE)
    values = {value for value in pseudo.inserted(rendered) if not value.startswith("7F3K-")}
    words = re.sub("‹[^›]*›|[⟦⟧·✓ ]", "", rendered)
    return not words and values <= OWN_WORDS


def not_german(found: Set[tuple[str, Text]]) -> list[str]:
    """What reads the same in German as in English, and is neither a name nor known to."""
    return sorted(
        f"{where}: {render(text, 'en')!r}"
        for where, text in found
        if render(text, "de") == render(text, "en")
        and not is_a_name(text)
        and render(text, "en").removeprefix("✓ ") not in SAME_IN_GERMAN
    )


@pytest.mark.parametrize("flow", NAMES)
def test_every_step_is_in_german(flow: str) -> None:
    assert not_german(texts_of(flow)) == []


@pytest.mark.parametrize("flow", NAMES)
@pytest.mark.parametrize("language", ["tr", "ar", "ti"])
def test_every_step_renders_in_any_language(flow: str, language: str) -> None:
    for where, text in texts_of(flow):
        rendered = render(text, language)
        assert rendered.strip(), where
        assert "{" not in rendered, f"{where}: {rendered}"


def asides() -> set[tuple[str, Text]]:
    """What is said beside the flows: commands out of place, files, danger, referrals, old buttons."""
    listener = Listener(ENGINE)
    found: set[tuple[str, Text]] = set()
    said = [
        *(Heard(text=command) for command in sorted(COMMANDS)),
        *(Heard(text=text) for text in ("/nobody knows", "hm", STORY, "/language xx", "/language tr")),
        *(Heard(choice=choice) for choice in ("gone", "/report", "/resume", "/human", "NO")),
        *(Heard(media=kind) for kind in MEDIA_KINDS),
        Heard(edits="s0", text="x"),
        Heard(edits="s9", text="x"),
        Heard(text="Ich will nicht mehr leben."),
        Heard(text="Mein Nachbar schlägt sein Kind."),
        Heard(text="Es brennt! Hilfe, er hat ein Messer!"),
        Heard(text="Wie bekomme ich eine Aufenthaltserlaubnis?"),
    ]
    report_begun = ENGINE.start("report_tension", SCOPES["new"], {"words": [[STORY, "s0"]]}).state
    memories = {
        "nothing": Memory(),
        "a report begun": Memory(state=report_begun),
        "a draft": Memory(draft=report_begun),
        "a report under": Memory(state=ENGINE.start("my_data", SCOPES["known"], under=report_begun).state),
        "words before the language": Memory(
            state=ENGINE.start("language", SCOPES["new"]).state, pending=((STORY, "s0"),), first="/data"
        ),
    }
    for (name, scope), (kept, memory), heard, known in product(
        SCOPES.items(), memories.items(), [*said, Heard(choice="tr")], (True, False)
    ):
        outcome = listener.hear(memory, heard, replace(scope, reports_today=99), language_known=known)
        where = f"{name}, {kept}, {heard.text or heard.choice or heard.media}"
        found |= {(f"{where}: {place}", text) for place, text in texts(outcome.commands)}
        resumed = listener.resume(memory, scope)
        found |= {(f"{where}: {place}", text) for place, text in texts(resumed.commands)}
    found |= {(f"media {kind}", media_answer(kind, SCOPES["new"])) for kind in (*MEDIA_KINDS, "hologram")}
    return found | {(f"control {name}", text) for name, text in CONTROLS.items()}


def test_every_aside_is_translatable_and_in_german() -> None:
    found = asides()
    assert any("voice messages" in render(text, "en") for _where, text in found)
    for where, text in found:
        rendered = render(text, pseudo.CODE)
        assert pseudo.escaped(rendered) == [], f"{where}: {rendered}"
    assert not_german(found) == []


class TestTheTest:
    """A step that somebody forgot to translate is found."""

    def test_plain_english(self) -> None:
        assert not_german({("x", verbatim("Please wait."))}) == ["x: 'Please wait.'"]
        source = "A sentence that no catalogue holds."
        assert not_german({("x", _(source))}) == ["x: 'A sentence that no catalogue holds.'"]
        assert not_german({("x", _("Yes")), ("y", verbatim("Türkçe"))}) == []
