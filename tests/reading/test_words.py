"""What a person may type instead of pressing a button."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.languages import LANGUAGES
from bot.reading.words import COMMANDS, command, command_word


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *((word, "/human") for word in ("Mensch", "Mensch sprechen", "mit einem Menschen sprechen", "human", "Person")),
        *((word, "/human") for word in ("talk to a person", "insan", "İNSAN", "شخص", "людина", "человек", "mirov")),
        *((word, "/language") for word in ("sprache", "language", "lang", "dil", "DİL", "DIL", "limbă", "Limba")),
        *((word, "/language") for word in ("мова", "язык", "لغة", "زبان", "ziman", "język", "langue", "gjuha", "език")),
        *((word, "/help") for word in ("Hilfe!", "HELP", "yardım", "YARDIM", "مساعدة", "допомога", "помощь", "ajutor")),
        *((word, "/help") for word in ("помощ", "کمک", "كمك", "alîkarî", "pomoc", "aide", "ndihmë")),
        *((word, "/back") for word in ("zurück", "ZURÜCK", "zurueck", "back", "geri", "رجوع", "назад", "înapoi")),
        *((word, "/skip") for word in ("überspringen", "skip", "atla", "تخطي", "пропустити", "pomiń")),
        *((word, "/done") for word in ("fertig", "Fertig.", "done", "bitti", "готово", "gata")),
        *((word, "/cancel") for word in ("abbrechen", "stop", "Stopp!!", "iptal", "إلغاء", "الغاء", "стоп", "لغو")),
        *((word, "/later") for word in ("später", "later", "sonra", "لاحقًا", "пізніше", "позже", "mai târziu")),
        *((word, "/menu") for word in ("Menü", "menu", "القائمة", "меню", "meniu", "منو")),
        *((word, "/withdraw") for word in ("Widerruf", "withdraw", "geri çek", "отозвать")),
        *((word, "/privacy") for word in ("Datenschutz", "privacy", "gizlilik", "الخصوصية")),
        *((word, "/data") for word in ("meine Daten", "my data", "داده‌های من", "داده های من")),
        *((word, "/mine") for word in ("Meine Meldungen", "my reports")),
        *((word, "/report") for word in ("melden", "etwas melden", "report", "bildir", "إبلاغ")),
        ("  Hilfe 🙏\n", "/help"),
        ("Mensch, bitte!", "/human"),
        ("mit  einem\nMenschen sprechen", "/human"),
        ("\u2067مساعدة\u2069", "/help"),
        ("hilfe".replace("i", "i\u0301"), "/help"),
    ],
)
def test_a_whole_message_can_mean_a_command(text: str, meaning: str) -> None:
    assert command_word(text) == meaning


@pytest.mark.parametrize("word", [word for language in LANGUAGES.values() for word in language.words])
def test_the_word_for_language_works_in_every_language(word: str) -> None:
    assert command_word(word) == "/language"
    assert command(f"/{word}") == ("/language", "")


@pytest.mark.parametrize(
    "text",
    [
        *("ja", "nein", "yes", "no", "weiter", "ok", "tamam", "تمام", "", "  ", "!", "…", "🙏", "1"),
        *("Wir brauchen Hilfe im Haus.", "Ein Mensch wurde bedrängt", "Sie sprechen meine Sprache nicht"),
        *("Er kam später zurück.", "Die Person stört", "Ich gehe zurück", "stop it", "/hilfe", "/ hilfe"),
    ],
)
def test_an_answer_or_a_sentence_is_no_command(text: str) -> None:
    assert command_word(text) is None


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_works_in_its_proper_form(name: str) -> None:
    assert command(name) == (name, "")
    assert command(f"  {name.upper()}@anlaufstelle_bot  ein Wort ") == (name, "ein Wort")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start@anlaufstelle_bot A7-b9", ("/start", "A7-b9")),
        ("/start\nA7-b9", ("/start", "A7-b9")),
        ("/Daten", ("/data", "")),
        ("/datenschutz", ("/privacy", "")),
        ("/widerruf 7F3K-29QX", ("/withdraw", "7F3K-29QX")),
        ("/sprache", ("/language", "")),
        ("/dil tr", ("/language", "tr")),
        ("/hilfe", ("/help", "")),
        ("/mensch", ("/human", "")),
        ("/melden", ("/report", "")),
        ("/meine", ("/mine", "")),
        ("/meine_meldungen", ("/mine", "")),
        ("/meine Daten", ("/data", "")),
        ("/zurück", ("/back", "")),
        ("/zuru\u0308ck", ("/back", "")),
        ("/weiter", ("/skip", "")),
        ("/später", ("/later", "")),
        ("/abbrechen", ("/cancel", "")),
        ("/menü", ("/menu", "")),
        ("/fertig", ("/done", "")),
        ("/senden", ("/send", "")),
        ("/ändern", ("/change", "")),
        ("/löschen", ("/discard", "")),
        ("/İPTAL", ("/cancel", "")),
        ("/помощь", ("/help", "")),
        ("/مساعدة", ("/help", "")),
        ("/report Im Hof gibt es Streit.\nSeit Mai.", ("/report", "Im Hof gibt es Streit.\nSeit Mai.")),
    ],
)
def test_a_slash_command_in_any_language(text: str, expected: tuple[str, str]) -> None:
    assert command(text) == expected


@pytest.mark.parametrize(
    "text", ["", "/", "//", "/ hilfe", "/@bot", "/blume", "/🙏", "hilfe", "Hilfe /hilfe", "/ja", "/nein"]
)
def test_what_is_no_known_slash_command(text: str) -> None:
    assert command(text) is None


@given(st.text() | st.text().map("/{}".format))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert command_word(text) in {*COMMANDS, None}
    read = command(text)
    assert read is None or read[0] in COMMANDS
