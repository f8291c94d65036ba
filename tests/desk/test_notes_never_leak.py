"""Whatever staff write, in whatever state a case is: it reaches a reporter if and only if the one rule allows it.

The rule stands here once more, in the words of the architecture (idea 4) and knowing nothing of the code: plain text
is a note. Out goes only what answers a message of the reporter or follows `/reply`, and, after `/talk`, the plain text
of whoever holds the chat, until `/quiet`, release or ten idle minutes.
"""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from bot.contact_point import ContactPoint
from bot.delivery import Delivery
from bot.messages import Media, Style, Voice
from storage.database import Database
from storage.keys import KeyRing
from storage.migrate import upgrade
from tests.bench import Bench, arrived, at_desk, plain, to_person

STAFF = ("Kimberley", "Leonhard", "Maximiliane")
ROOM = -1
PATIENCE = timedelta(minutes=29)
"""Within it nobody loses a case for being silent, which is tested elsewhere."""


@dataclass
class Case:
    """What decides whether words go out, as the rule sees it."""

    ref: str
    chat: str | None
    """Whom a reply reaches; None without a way back."""
    taken: str | None = None
    talk_until: datetime | None = None
    closed: bool = False
    withdrawn: bool = False
    abuse: str | None = None
    closed_for_abuse: bool = False


@dataclass
class Written:
    """One message of staff that can be edited later."""

    id: str
    by: str
    case: Case
    went_out: bool


@dataclass
class World:
    """The bot, and the rule beside it."""

    bench: Bench
    cases: list[Case]
    blocked: set[str] = field(default_factory=set)
    held: dict[str, Case] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    said_by: dict[str, list[str]] = field(default_factory=dict)
    secrets: dict[str, str | None] = field(default_factory=dict)
    """Words of staff, and the one chat that may know them."""
    waited: timedelta = timedelta()
    count: int = 0

    def reachable(self, case: Case, by: str) -> bool:
        """Whether this member of staff may write to the person of this case now."""
        return (
            case.chat is not None
            and not case.closed
            and not case.withdrawn
            and case.chat not in self.blocked
            and case.taken in (None, by)
        )

    def talking(self, case: Case, by: str) -> bool:
        return case.talk_until is not None and self.bench.time() < case.talk_until and case.taken == by

    def token(self) -> str:
        self.count += 1
        return f"Geheimwort{self.count}x"


def story_id(chat: str, number: int) -> str:
    return f"story-{chat}-{number}"


@dataclass
class Template:
    """What every example begins with."""

    database: Database
    ring: KeyRing
    cases: list[tuple[str, str | None]]
    """The number of each case, and whom a reply reaches."""

    def begin(self, database: Database, oberberg: ContactPoint) -> World:
        bench = Bench(fill(database, self.database), {oberberg.id: oberberg})
        world = World(bench, [Case(ref, chat) for ref, chat in self.cases])
        world.held["dua"] = world.cases[4]
        world.said_by = {"ana": [story_id("ana", 0), story_id("ana", 1)], "ben": [story_id("ben", 2)]}
        return world


@pytest.fixture(scope="module")
def template(oberberg: ContactPoint) -> Iterator[Template]:
    """Four reporters: with contact by chat (two reports), by phone, without any, and one who only wants to talk."""
    ring = KeyRing.new()
    database = Database.open("sqlite://", ring)
    upgrade(database)
    bench = Bench(database, {oberberg.id: oberberg})
    cases: list[tuple[str, str | None]] = [
        (bench.report("ana", "Ruhestoerung ana eins im Hof.", story_id=story_id("ana", 0)), "ana"),
        (bench.report("ana", "Ruhestoerung ana zwei im Flur.", story_id=story_id("ana", 1)), "ana"),
        (bench.report("ben", "Streit am Zaun.", "PHONE", phone="02261 5550177", story_id=story_id("ben", 2)), "ben"),
        (bench.report("cem", "Laerm cem im Haus.", "NONE", story_id=story_id("cem", 3)), None),
    ]
    bench.say("dua", "/start")
    bench.say("dua", choice="en")
    said = bench.say("dua", "/human")
    (ref,) = {plain(each).split("person: ")[1][:9] for each in said if "talk to a person: " in plain(each)} or {
        plain(each).split(": ")[1][:9] for each in said if not each.chat
    }
    cases.append((ref, "dua"))
    yield Template(database, ring, cases)
    database.close()


def fill(database: Database, template: Database) -> Database:
    """Makes a database hold what another one holds."""
    with template.connection() as source, database.connection() as target:
        old, new = source.connection.driver_connection, target.connection.driver_connection
        assert isinstance(old, sqlite3.Connection) and isinstance(new, sqlite3.Connection)
        old.backup(new)
    return database


@pytest.fixture(scope="module")
def scratch(template: Template) -> Iterator[tuple[Database, Database]]:
    """Two databases to fill; opened once, for what SQLAlchemy has compiled stays with them.

    In memory only: the rule is about what is done, not where it is kept, and each example needs a copy.
    """
    one, two = (Database.open("sqlite://", template.ring) for _ in range(2))
    with closing(one), closing(two):
        yield one, two


who = st.sampled_from(STAFF)
where = st.integers(ROOM, 5)
case_number = st.integers(0, 5)
reporter = st.sampled_from(("ana", "ben", "cem", "dua"))
plain_text = st.sampled_from(("{}", "  {}  ", "reply {}", "reply: {}", "／reply {}", "\\reply {}", "x\n/reply {}"))
reply_text = st.sampled_from(("/reply {}", "/REPLY   {}", " /Reply\n{}", "/reply@konfliktbot {}", "/rEpLy\t{}\n\n"))
note_text = st.sampled_from(("/note {}", "/NOTE {}", "  /Note   {}", "/note@konfliktbot\n{}", "/note /reply {}"))
other_text = st.sampled_from(("/replys {}", "/ reply {}", "//reply {}", "/antwort {}", "/reply", "/note", "/take {}"))
any_text = st.one_of(plain_text, plain_text, reply_text, note_text, other_text)
command = st.sampled_from(
    (
        *("/take", "/TAKE", "/release", "/talk", "/talk", " /Talk ", "/quiet", "/close answered", "/close abuse"),
        *("/close OUT OF SCOPE", "/close ABUSE", "/reopen", "/open", "/who", "/help", "/phone", "/transfer"),
    )
)
action = st.one_of(
    st.tuples(st.just("write"), who, where, any_text),
    st.tuples(st.just("write"), who, case_number, plain_text),
    st.tuples(st.just("answer"), who, case_number, any_text, st.integers(0, 30)),
    st.tuples(st.just("press"), who, case_number, st.sampled_from(("{}", "YES {}"))),
    st.tuples(st.just("file"), who, case_number, st.sampled_from(("", "{}", "/reply {}", "/note {}"))),
    st.tuples(st.just("edit"), who, st.booleans(), st.integers(0, 30), any_text),
    st.tuples(st.just("command"), who, case_number, command, st.booleans()),
    st.tuples(st.just("command"), who, case_number, st.sampled_from(("/talk", "/take")), st.booleans()),
    st.tuples(st.just("transfer"), who, case_number, who),
    st.tuples(st.just("abuse"), case_number),
    st.tuples(st.just("says"), reporter, st.sampled_from(("{}", "{}", "/menu", "/human", "/help"))),
    st.tuples(st.just("corrects"), reporter, reporter, st.integers(0, 30)),
    st.tuples(st.just("photo"), reporter),
    st.tuples(st.just("withdraws"), reporter, st.sampled_from(("CONTACT", "REPORT")), case_number),
    st.tuples(st.just("waits"), st.sampled_from((4, 11))),
)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=(Phase.reuse, Phase.generate),
)
@given(actions=st.lists(action, min_size=1, max_size=16))
def test_only_what_the_rule_allows_goes_out(
    template: Template, scratch: tuple[Database, Database], oberberg: ContactPoint, actions: list[tuple[Any, ...]]
) -> None:
    world = template.begin(scratch[0], oberberg)
    for kind, *rest in actions:
        note(f"{kind} {rest}")
        assert_nobody_hears_too_much(world, ACTIONS[kind](world, *rest))


def assert_nobody_hears_too_much(world: World, said: list[Delivery]) -> None:
    for each in said:
        if not each.chat:
            continue
        text = " ".join((plain(each), *(option.label for option in each.message.options)))
        for secret, chat in world.secrets.items():
            assert secret not in text or each.chat == chat, (secret, each.chat, text)
        for name in STAFF:
            assert name not in text, (name, text)
        for other in world.cases:
            if other.chat not in (None, each.chat):
                assert other.ref not in text, (other.ref, each.chat, text)
        assert each.message.voice is not Voice.DESK or any(s in text for s in world.secrets), text
        for chat in ("ana", "ben", "cem", "dua"):
            assert chat == each.chat or f"Wortvon{chat}" not in text, text


def case_of(world: World, number: int) -> Case:
    return world.cases[min(number, len(world.cases) - 1)]


def sent(world: World, said: list[Delivery], secret: str) -> set[str]:
    return {each.chat for each in said if each.chat and secret in plain(each)}


def judge(world: World, case: Case, by: str, text: str, answers: bool) -> bool:
    """The rule of idea 4: whether this text in this thread goes out; keeps what follows from it."""
    word = text.split()[0].casefold().partition("@")[0] if text.split() else ""
    rest = text.split(maxsplit=1)[1] if len(text.split()) > 1 else ""
    is_command = text.strip().startswith("/")
    live = world.talking(case, by)
    wants_out = (word == "/reply" and bool(rest)) if is_command else answers or live
    goes = wants_out and world.reachable(case, by)
    if goes and case.chat:
        case.taken = by
        world.held[case.chat] = case
    if not is_command and live and not answers and not case.closed:
        case.talk_until = world.bench.time() + timedelta(minutes=10)
    if word == "/take" and not case.closed and case.taken is None:
        case.taken = by
    return goes


def speak(
    world: World, by: str, case: Case, text: str, secret: str, answers: bool = False, **fields: Any
) -> list[Delivery]:
    goes = judge(world, case, by, text, answers)
    world.secrets[secret] = case.chat if goes else None
    message_id = f"staff{world.count}"
    said = world.bench.desk(by, text, case.ref, message_id=message_id, **fields)
    assert sent(world, said, secret) == ({case.chat} if goes and secret in text else set()), text
    world.written.append(Written(message_id, by, case, goes))
    return said


def write(world: World, by: str, number: int, pattern: str) -> list[Delivery]:
    secret = world.token()
    text = pattern.replace("{}", secret)
    if number != ROOM:
        return speak(world, by, case_of(world, number), text, secret)
    world.secrets[secret] = None
    return world.bench.desk(by, text)


def answer(world: World, by: str, number: int, pattern: str, which: int) -> list[Delivery]:
    """Answers a message that stands at the desk; it counts where it is one of that reporter, in that thread."""
    shown = [each for each in world.bench.heard if not each.chat]
    if not shown:
        return []
    return answer_to(world, by, number, pattern, shown[which % len(shown)])


def answer_to(world: World, by: str, number: int, pattern: str, target: Delivery) -> list[Delivery]:
    case = case_of(world, number)
    answers = target.message.style is Style.FROM_REPORTER and target.message.thread == case.ref
    secret = world.token()
    reply_to = target.replaces or f"o{target.id}"
    return speak(world, by, case, pattern.replace("{}", secret), secret, answers, reply_to=reply_to)


def press(world: World, by: str, number: int, pattern: str) -> list[Delivery]:
    secret = world.token()
    world.secrets[secret] = None
    return world.bench.desk(by, "", case_of(world, number).ref, choice=pattern.replace("{}", secret))


def file(world: World, by: str, number: int, pattern: str) -> list[Delivery]:
    secret = world.token()
    world.secrets[secret] = None
    photo = Media("photo", data=b"x")
    return world.bench.desk(by, pattern.replace("{}", secret), case_of(world, number).ref, media=photo)


def edit(world: World, by: str, own: bool, which: int, pattern: str) -> list[Delivery]:
    """An edit changes what a message was: what went out, at the person's end; a note only here."""
    if not world.written:
        return []
    old = world.written[which % len(world.written)]
    author = old.by if own else by
    secret = world.token()
    text = pattern.replace("{}", secret)
    stripped = text.strip()
    words = stripped.split(maxsplit=1)
    is_reply = words[0].casefold().partition("@")[0] == "/reply" and len(words) == 2 and not words[1].startswith("/")
    goes = (
        old.went_out
        and author == old.by
        and world.reachable(old.case, author)
        and (is_reply or not stripped.startswith("/"))
    )
    world.secrets[secret] = old.case.chat if goes else None
    said = world.bench.desk(author, text, old.case.ref, edits=old.id)
    assert sent(world, said, secret) == ({old.case.chat} if goes else set()), text
    assert all(each.replaces for each in said if each.chat and secret in plain(each))
    return said


def give_command(world: World, by: str, number: int, text: str, in_room: bool) -> list[Delivery]:
    case = case_of(world, number)
    name, _, argument = text.strip().casefold().partition(" ")
    match name:
        case "/take" if case.taken is None and not case.closed:
            case.taken = by
        case "/release" if case.taken == by:
            case.taken, case.talk_until = None, None
        case "/talk" if world.reachable(case, by):
            case.taken, case.talk_until = by, world.bench.time() + timedelta(minutes=10)
        case "/quiet":
            case.talk_until = None
        case "/close" if not case.closed and argument == "abuse" and case.abuse in (None, by):
            case.abuse = by
        case "/close" if not case.closed:
            case.closed, case.talk_until = True, None
            case.closed_for_abuse = argument == "abuse"
            if case.closed_for_abuse and case.chat:
                world.blocked.add(case.chat)
            if case.chat and world.held.get(case.chat) is case:
                del world.held[case.chat]
        case "/reopen" if case.closed and not case.withdrawn:
            case.closed, case.abuse = False, None
            if case.closed_for_abuse and case.chat:
                world.blocked.discard(case.chat)
    if in_room:
        word, *rest = text.split(maxsplit=1)
        return world.bench.desk(by, " ".join((word, case.ref, *rest)))
    return world.bench.desk(by, text, case.ref)


def transfer(world: World, by: str, number: int, to: str) -> list[Delivery]:
    case = case_of(world, number)
    case.taken, case.talk_until = to, None
    return world.bench.desk(by, f"/transfer @{to}", case.ref)


def abuse(world: World, number: int) -> list[Delivery]:
    """Two members of staff agree."""
    first, second, *_ = STAFF
    return [
        *give_command(world, first, number, "/close abuse", False),
        *give_command(world, second, number, "/close abuse", False),
    ]


def says(world: World, chat: str, pattern: str) -> list[Delivery]:
    world.count += 1
    message_id = f"person{world.count}"
    held = world.held.get(chat)
    if chat not in world.blocked and held is not None and pattern == "/menu":
        held.talk_until = None
        del world.held[chat]
    said = world.bench.say(chat, pattern.replace("{}", f"Wortvon{chat}{world.count}"), message_id=message_id)
    world.said_by.setdefault(chat, []).append(message_id)
    if chat not in world.blocked and held is None and pattern == "/human":
        open_ones = [case for case in world.cases if case.chat == chat and not case.closed and not case.withdrawn]
        if not open_ones:
            (ref,) = {each[each.index(": ") + 2 :][:9] for each in at_desk(said, "") if ": " in each}
            open_ones = [Case(ref, chat)]
            world.cases.append(open_ones[0])
        world.held[chat] = open_ones[-1]
    return said


def corrects(world: World, chat: str, whose: str, which: int) -> list[Delivery]:
    """A reporter edits a message of theirs, or tries to edit one of somebody else."""
    ids = world.said_by.get(whose)
    if not ids:
        return []
    old = ids[which % len(ids)]
    world.count += 1
    if chat == whose and chat not in world.blocked and old.startswith("story"):
        case = world.cases[int(old.rpartition("-")[2])]
        if case.chat == chat and case.closed and not case.withdrawn:
            case.closed = False
    return world.bench.say(chat, f"Wortvon{chat}{world.count}", edits=old)


def photo(world: World, chat: str) -> list[Delivery]:
    return world.bench.photo(chat)


def withdraws(world: World, chat: str, scope: str, number: int) -> list[Delivery]:
    own = [case for case in world.cases[:4] if case.chat == chat and not case.withdrawn]
    if not own or chat in world.blocked:
        return []
    case = own[number % len(own)]
    said = says(world, chat, "/menu") + world.bench.say(chat, "/withdraw")
    asked = [each.message.ask for each in said if each.chat == chat]
    if asked[-1] == "report":
        said += world.bench.say(chat, choice=case.ref)
    said += world.bench.say(chat, choice=scope)
    said += world.bench.say(chat, "yes, delete")
    assert any("Done on" in each for each in to_person(said, chat)), to_person(said, chat)
    assert_nobody_hears_too_much(world, said)
    case.chat = None
    case.withdrawn = scope == "REPORT"
    case.closed = case.closed or case.withdrawn
    return []


def waits(world: World, minutes: int) -> list[Delivery]:
    if world.waited + timedelta(minutes=minutes) > PATIENCE:
        return []
    world.waited += timedelta(minutes=minutes)
    return world.bench.after(minutes=minutes)


ACTIONS = {
    "write": write,
    "answer": answer,
    "answer_to": answer_to,
    "press": press,
    "file": file,
    "edit": edit,
    "command": give_command,
    "transfer": transfer,
    "abuse": abuse,
    "says": says,
    "corrects": corrects,
    "photo": photo,
    "withdraws": withdraws,
    "waits": waits,
}


KIM, LEO, MAX = STAFF
SCENES: dict[str, tuple[int, list[tuple[Any, ...]]]] = {
    "untaken": (0, []),
    "taken by Kim": (0, [("command", KIM, 0, "/take", False)]),
    "Kim talks": (0, [("command", KIM, 0, "/talk", False)]),
    "Kim talks, and the person writes": (0, [("command", KIM, 0, "/talk", False), ("says", "ana", "{}")]),
    "talk has expired": (0, [("command", KIM, 0, "/talk", False), ("waits", 11)]),
    "talk was stopped": (0, [("command", KIM, 0, "/talk", False), ("command", LEO, 0, "/quiet", False)]),
    "talk, then handed over": (0, [("command", KIM, 0, "/talk", False), ("transfer", KIM, 0, LEO)]),
    "talk in the other case": (0, [("command", KIM, 1, "/talk", False)]),
    "closed": (0, [("command", KIM, 0, "/take", False), ("command", KIM, 0, "/close answered", False)]),
    "closed while talking": (0, [("command", KIM, 0, "/talk", False), ("command", KIM, 0, "/close answered", False)]),
    "blocked": (0, [("abuse", 0)]),
    "blocked for the other case": (0, [("command", KIM, 0, "/talk", False), ("abuse", 1)]),
    "withdrawn": (0, [("command", KIM, 0, "/talk", False), ("withdraws", "ana", "REPORT", 0)]),
    "without a way back": (0, [("command", KIM, 0, "/talk", False), ("withdraws", "ana", "CONTACT", 0)]),
    "no contact wanted": (3, [("command", KIM, 3, "/talk", False)]),
    "by phone": (2, [("command", KIM, 2, "/talk", False)]),
    "a chat without a report": (4, [("command", KIM, 4, "/talk", False)]),
    "gone back to the bot": (0, [("command", KIM, 0, "/talk", False), ("says", "ana", "{}"), ("says", "ana", "/menu")]),
}
TEXTS = ("{}", "/note {}", "/REPLY  {}", "/take {}")


def probes(world: World, number: int) -> Iterator[tuple[Any, ...]]:
    """Every kind of message that staff can send into a case."""
    shown = [each for each in world.bench.heard if not each.chat]
    case = case_of(world, number)
    stories = [each for each in shown if each.message.style is Style.FROM_REPORTER]
    targets = [each for each in stories if each.message.thread == case.ref][:1]
    targets += [each for each in stories if each.message.thread != case.ref][:1]
    targets += [each for each in shown if each.message.thread == case.ref and each not in stories][:1]
    for by in (KIM, LEO):
        yield from (("write", by, number, text) for text in TEXTS)
        yield from (("answer_to", by, number, text, target) for text in TEXTS[:2] for target in targets)
        yield from (("press", by, number, text) for text in ("{}", "YES {}"))
        yield from (("file", by, number, text) for text in ("{}", "/reply {}"))
        for which, old in enumerate(world.written):
            if old.case is case:
                yield from (("edit", by, False, which, text) for text in TEXTS)


@pytest.mark.parametrize("scene", SCENES)
def test_every_state_and_every_message(
    template: Template, scratch: tuple[Database, Database], oberberg: ContactPoint, scene: str
) -> None:
    number, actions = SCENES[scene]
    staged, tried = scratch
    world = template.begin(staged, oberberg)
    for kind, *rest in (
        ("command", KIM, 1, "/open", False),
        ("command", KIM, number, "/open", False),
        ("write", KIM, number, "/reply {}"),
        ("write", LEO, number, "{}"),
        ("command", KIM, number, "/release", False),
        *actions,
    ):
        assert_nobody_hears_too_much(world, ACTIONS[kind](world, *rest))
    now = world.bench.time()
    for kind, *rest in probes(world, number):
        bench = Bench(fill(tried, staged), {oberberg.id: oberberg})
        bench.time.set(now)
        bench.messenger.heard = list(world.bench.heard)
        there = copy.deepcopy(world, {id(world.bench): bench})
        assert_nobody_hears_too_much(there, ACTIONS[kind](there, *rest))


def test_the_rule_lets_something_out(database: Database, oberberg: ContactPoint) -> None:
    """The property above would hold for a bot that says nothing at all."""
    bench = Bench(database, {oberberg.id: oberberg})
    ref = bench.report("ana", "Ruhestoerung im Hof.")
    bench.desk("kim", f"/open {ref}")
    assert "Guten Tag" in to_person(bench.desk("kim", "/reply Guten Tag", ref), "ana")
    story = next(each for each in bench.heard if each.message.style is Style.FROM_REPORTER)
    assert "Wie geht es" in to_person(bench.desk("kim", "Wie geht es", ref, reply_to=f"o{story.id}"), "ana")
    bench.desk("kim", "/talk", ref)
    assert "Bin da" in to_person(bench.desk("kim", "Bin da", ref), "ana")
    assert not to_person(bench.desk("lee", "Nicht fuer ana", ref), "ana")
    bench.after(minutes=9)
    assert "Noch da" in to_person(bench.desk("kim", "Noch da", ref), "ana")
    bench.after(minutes=10)
    said = bench.desk("kim", "Zu spaet", ref)
    assert not to_person(said, "ana")


@pytest.mark.parametrize("shown", [True, False])
def test_staff_names(database: Database, oberberg: ContactPoint, shown: bool) -> None:
    """Reporters learn who writes only where the contact point says so."""
    point = replace(oberberg, show_staff_names=shown)
    bench = Bench(database, {point.id: point})
    ref = bench.report("ana", "Ruhestoerung im Hof.", wish="TALK_TO_PERSON")
    for text in (f"/open {ref}", f"/take {ref}", f"/reply {ref} Guten Tag", f"/transfer {ref} Leonhard"):
        bench.desk("Kimberley", text)
    bench.desk("Leonhard", "/reply Ich bin jetzt da", ref)
    bench.desk("Leonhard", "/release", ref)
    bench.desk("Kimberley", "/close ANSWERED", ref)
    heard = " ".join(to_person(bench.heard, "ana"))
    assert "Ich bin jetzt da" in heard and arrived(bench.heard[0]) is None
    assert [name in heard for name in ("Kimberley", "Leonhard")] == [shown, shown]
