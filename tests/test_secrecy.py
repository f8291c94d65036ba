"""Nothing that a person wrote, and nothing by which anybody is recognised, can be read where it is kept or logged."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.channels.web.server import Demo, WebChannel
from bot.contact_point import ContactPoint
from bot.delivery import Delivery
from bot.messages import Inbound, Media, Outbound, Voice
from bot.now import system_time
from bot.web_memory import StoredMemory
from storage.database import Database
from storage.keys import KeyRing
from storage.models import Base, OutboxMessage, ThreadEntry
from storage.pool import PoolProfile
from tests.bench import Bench, at_desk
from tests.databases import Databases, Postgres, Sqlite, file_of, name_of
from tests.pipe import Pipe, run

WORDS = {
    "story": "Hinterhofgezeter Sperrmuellhaufen",
    "draft": "Unfertigkeitsgedanke Treppenhausstreit",
    "addition": "Nachtragsbemerkung Fahrradkellerzwist",
    "chat": "Zwiegespraechswort Balkonqualmerei",
    "corrected": "Berichtigungstext Waschkellerplan",
    "note": "Notizgeheimnis Vermieterverdacht",
    "reply": "Antwortsatzstueck Mediationsvorschlag",
    "live": "Livegeplauder Schlichtungsversuch",
    "page": "Webseitenspruch Spielplatzgezank",
    "outline": "Umrissschilderung Garagenhofzank",
    "aim": "Zielvorstellung Hofregelwerk",
    "parties": "Beteiligtenrolle Hausverwaltungsbeirat",
    "employer": "Wohnbaufirmenname Nachbarschaftswerk",
    "called": "Rufnamenswunsch Zwetschgenkern",
    "ordinary": "Alltagsfloskel Hausflurgemurmel",
}
"""What was written, each word long enough to be known again in part."""
EXPERT = {
    "Name": "Zaunwindenname Ottilienfeld",
    "Organisation": "Traegervereinshaus",
    "Fee class": "Honorarstufenwort",
}
"""What the pool knows of somebody."""
CHATS = ("chatname-anastasia-4711", "chatname-benedikt-0815")
STAFF = ("Kunigundemitarbeiterin", "Leopoldsachbearbeiter")
PHONE = "+4922615550177"
MESSAGE_IDS = ("nachrichtenkennung-zwiegespraech", "nachrichtenkennung-antwort")

SECRETS = [
    *(word for words in (*WORDS.values(), *EXPERT.values()) for word in words.split()),
    *CHATS,
    *STAFF,
    PHONE,
    PHONE.removeprefix("+49"),
    "02261 5550177",
    *MESSAGE_IDS,
]


def traces(secret: str, shortest: int) -> Iterator[bytes]:
    """Every form in which a secret, or a part of it that tells it, could lie in a file."""
    # Six digits stand by chance in a long row of hexadecimal ones.
    shortest = max(shortest, 10) if secret.strip("+ ").isdigit() or " " in secret else shortest
    parts = {secret, secret.casefold(), secret.upper()}
    parts |= {secret[start : start + shortest] for start in range(len(secret) - shortest + 1)}
    for part in parts - COMMON:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            yield part.encode(encoding)
    for shift, begin in ((0, 0), (1, 2), (2, 3)):
        # Whatever stands before and after, these letters of base64 depend on the secret alone.
        yield base64.b64encode(b"\0" * shift + secret.encode())[begin : (shift + len(secret)) * 8 // 6]
    yield secret.encode().hex().encode()


COMMON = frozenset(word[n : n + 6] for word in ("nachrichtenkennung-", "chatname-") for n in range(len(word) - 5))
"""Parts of our made-up names that tell nobody."""


def assert_silent(where: str, content: bytes, shortest: int = 6) -> None:
    assert content, f"{where} is empty and proves nothing"
    beginnings = {content[start : start + 6] for start in range(len(content))}
    for secret in SECRETS:
        for trace in traces(secret, shortest):
            assert trace[:6] not in beginnings or trace not in content, f"{where} holds {trace!r} of {secret}"


def assert_kept_silent(databases: Databases, url: str) -> set[str]:
    """All that lies on the disk: SQLite's files; PostgreSQL's tables, as files and as dumped, its log and its WAL."""
    if isinstance(databases, Sqlite):
        files = {each.suffix: each.read_bytes() for each in file_of(url).parent.glob(f"{file_of(url).name}*")}
        coarse = {}
    else:
        assert isinstance(databases, Postgres)
        databases.server.execute("CHECKPOINT")
        ours = "SELECT oid::regclass::text, pg_relation_filepath(oid) FROM pg_class WHERE relfilenode >= 16384"
        files = {name: (databases.server.data / path).read_bytes() for name, path in databases.query(url, ours)}
        files |= {f"dumped {name}": rows.encode() for name, rows in databases.dump(url).items()}
        # Here the server's own words stand too: parts of ours are among them.
        wal = b"".join(file.read_bytes() for file in (databases.server.data / "pg_wal").iterdir() if file.is_file())
        coarse = {"wal": wal, "server's log": databases.server.log.read_bytes()}
    for name, content in files.items():
        if content:
            assert_silent(name, content)
    for name, content in coarse.items():
        assert_silent(name, content, shortest=12)
    return set(files)


@dataclass(frozen=True)
class Lived:
    """A bot that has heard and said all kinds of things."""

    bench: Bench
    databases: Databases
    url: str
    log: str

    @property
    def database(self) -> Database:
        return self.bench.database


@pytest.fixture(scope="module")
def lived(databases: Databases, ring: KeyRing, oberberg: ContactPoint) -> Iterator[Lived]:
    url = databases.new()
    if isinstance(databases, Postgres):
        # As somebody might switch it on to look for a fault.
        for setting in ("log_statement = 'all'", "log_parameter_max_length_on_error = -1"):
            databases.server.execute(f"ALTER DATABASE {name_of(url)} SET {setting}")
    database = Database.open(url, ring)
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root, statements = logging.getLogger(), logging.getLogger("sqlalchemy.engine")
    before = root.level, statements.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # Statements, as somebody might switch them on to look for a fault.
    statements.setLevel(logging.INFO)
    try:
        bench = live(database, oberberg)
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        statements.setLevel(before[1])
    yield Lived(bench, databases, url, written.getvalue())
    database.close()
    databases.drop(url)


def live(database: Database, oberberg: ContactPoint) -> Bench:
    ana, ben = CHATS
    kim, leo = STAFF
    bench = Bench(database, {oberberg.id: oberberg})
    bench.join(ana, WORDS["called"])
    ref = bench.report(ana, WORDS["story"], "PHONE", phone="02261 5550177", story_id="story")
    bench.say(ana, "Etwas anderes: " + WORDS["corrected"], edits="story")
    bench.desk(kim, f"/open {ref}")
    bench.desk(kim, f"/take {ref}")
    bench.desk(kim, WORDS["note"], ref)
    bench.desk(kim, "/phone", ref)
    bench.desk(kim, f"/reply {WORDS['reply']}", ref, message_id=MESSAGE_IDS[1])
    bench.say(ana, WORDS["chat"], message_id=MESSAGE_IDS[0])
    bench.say(ana, WORDS["chat"] + "!", edits=MESSAGE_IDS[0])
    bench.desk(kim, "/talk", ref)
    bench.desk(kim, WORDS["live"], ref)
    bench.desk(leo, f"/transfer {leo}", ref)
    bench.desk(kim, "/close ABUSE", ref)
    bench.desk(leo, "/reopen", ref)
    bench.say(ana, "/mine")
    bench.say(ana, choice="ADD")
    bench.say(ana, WORDS["addition"])
    bench.say(ana, "/done")
    asked = {"aim": WORDS["aim"], "parties": WORDS["parties"], "organisations": WORDS["employer"]}
    request = bench.request(ana, WORDS["outline"], **asked)
    bench.desk(kim, f"/open {request}")
    bench.say(ana, WORDS["outline"] + "!", edits=f"{ana} outline")
    bench.say(ben, "/report")
    bench.say(ben, choice="en")
    bench.say(ben, choice="NO")
    bench.say(ben, choice="READ_ON")
    bench.say(ben, WORDS["draft"])
    bench.say(ben, "/later")
    bench.say(ben, WORDS["ordinary"], media=Media("photo", WORDS["ordinary"], "image/jpeg", WORDS["page"].encode()))
    bench.receive(chat=ben, text=WORDS["ordinary"])
    of_the_pool(bench)
    with database.transaction(bench.point) as session:
        kept = " ".join(entry.text or "" for entry in session.scalars(select(ThreadEntry)))
    for kind in ("chat", "note", "reply", "live", "addition"):
        assert WORDS[kind] in kept, kind
    asyncio.run(web_messages(database, oberberg))
    return bench


def of_the_pool(bench: Bench) -> None:
    """An expert is entered, comes by a code, and works less."""
    kim, expert = STAFF[0], CHATS[0]
    lines = [f"{heading}: {words}" for heading, words in EXPERT.items()]
    bench.desk(kim, "\n".join(("/profile new", *lines)))
    bench.desk(kim, "\n".join(("/profile new", *lines, "Professions: mediation")))
    bench.desk(kim, "/profile P1")
    bench.desk(kim, "/pool")
    said = " ".join(at_desk(bench.desk(kim, "/invite EXPERT P1")))
    bench.say(expert, "/start " + re.findall(r"Code: (\S+)", said)[0])
    bench.say(expert, EXPERT["Name"])
    bench.say(expert, "/profile")
    bench.say(expert, choice="MOST_CASES")
    bench.say(expert, "2")
    with bench.database.transaction(bench.point) as session:
        (profile,) = session.scalars(select(PoolProfile))
    assert profile.details["name"] == EXPERT["Name"] and profile.details["most_cases"] == 2


async def web_messages(database: Database, oberberg: ContactPoint) -> None:
    """Messages that stand on the web page."""

    async def receive(inbound: Inbound) -> None:
        pass

    channel = WebChannel(
        memory=StoredMemory(database),
        receive=receive,
        now=system_time,
        contact_points={oberberg.id: oberberg.name},
        mode=Demo(),
    )
    for number, (chat, words) in enumerate(((CHATS[0], WORDS["page"]), ("", WORDS["page"]))):
        message = Outbound(words, voice=Voice.DESK, thread="" if chat else "7F3K-29QX")
        await channel.send(Delivery(9000 + number, oberberg.id, "web", chat, message))


def test_the_files_of_the_database_hold_no_words(lived: Lived) -> None:
    looked_at = assert_kept_silent(lived.databases, lived.url)
    if isinstance(lived.databases, Postgres):
        assert {"thread_entry", "ix_inbox_waiting", "dumped thread_entry"} <= looked_at
        assert "INSERT INTO thread_entry" in lived.databases.server.log.read_text("utf-8", "replace")
    else:
        assert {".db", ".db-wal", ".db-shm"} <= looked_at


def test_after_a_checkpoint_neither(lived: Lived) -> None:
    lived.database.checkpoint()
    assert_kept_silent(lived.databases, lived.url)


def test_the_log_holds_no_words(lived: Lived) -> None:
    assert "INSERT INTO thread_entry" in lived.log
    assert_silent("log", lived.log.encode())


def test_a_value_in_an_error_of_the_database_is_hidden(lived: Lived) -> None:
    with pytest.raises(Exception) as caught, lived.database.transaction(lived.bench.point) as session:
        row = session.scalars(select(OutboxMessage)).first()
        assert row is not None
        row.state = None  # type: ignore[assignment]
        row.address = CHATS[0]
        session.flush()
    assert_silent("error", str(caught.value).encode() + repr(caught.value).encode())


def test_what_is_shown_of_values_holds_no_words(lived: Lived) -> None:
    """Objects end up in tracebacks and in messages of assertions."""
    shown = []
    with lived.database.transaction(everywhere=True) as session:
        for mapper in Base.registry.mappers:
            shown += [repr(row) for row in session.scalars(select(mapper.class_))]
    assert len(shown) > 50
    assert_silent("repr", "\n".join(shown).encode())


def test_titles_and_pings_hold_no_words(lived: Lived) -> None:
    """What may light up on a locked screen: the room. The threads are for reading."""
    room = [each.message.text for each in lived.bench.heard if not each.chat and not each.message.thread]
    assert len(room) >= 3
    for word in " ".join(WORDS.values()).split():
        assert word not in " ".join(room)


def test_a_process_leaves_no_words_behind(databases: Databases, empty_url: str, tmp_path: Path) -> None:
    """The same from outside: what lies on the disk when it was killed, and what it logged."""
    ana, kim = CHATS[0], STAFF[0]
    pipe = Pipe(empty_url, tmp_path)
    lines = [
        {"chat": ana, "text": "/start"},
        {"chat": ana, "text": "English"},
        {"chat": ana, "text": "/human"},
        {"chat": ana, "text": WORDS["chat"]},
        {"desk": "oberberg", "by": kim, "text": WORDS["note"]},
        {"desk": "oberberg", "by": kim, "text": "/reply AAAA " + WORDS["reply"]},
    ]
    for number, line in enumerate(lines):
        pipe.write({"id": f"{MESSAGE_IDS[0]}{number}", **line})
    while (said := pipe.read()) is not None and said.get("done") != f"{MESSAGE_IDS[0]}{len(lines) - 1}":
        pass
    pipe.kill()
    assert_silent("log", pipe.end().encode() + b".")
    assert_kept_silent(databases, empty_url)
    checked = run("check", "--database", empty_url, cwd=tmp_path)
    assert_silent("check", (checked.stdout + checked.stderr).encode())
    assert re.search("keys: fit", checked.stdout)


def test_a_wrong_line_is_not_repeated_in_the_log(empty_url: str, tmp_path: Path) -> None:
    done = run(
        *("pipe", "--database", empty_url),
        cwd=tmp_path,
        said=f'{{"id": "1", "chat": "{CHATS[0]}", "text": "{WORDS["story"]}", "x": 1}}\n{WORDS["story"]}\n',
    )
    assert_silent("log", done.stderr.encode() + b".")
    assert done.stdout.count("error") == 2
    assert_silent("answer", done.stdout.encode())


def test_the_search_finds_what_it_looks_for() -> None:
    """The tests above would pass for a search that finds nothing."""
    word = WORDS["note"].split()[1]
    for hidden in (
        word.encode(),
        word.encode("utf-16-le"),
        b"xx" + base64.b64encode(b"z" + word.encode() + b"zz"),
        word[3:9].encode(),
        word.encode().hex().encode(),
    ):
        with pytest.raises(AssertionError, match="holds"):
            assert_silent("file", b"..." + hidden + b"...")
