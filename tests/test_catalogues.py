"""The gate before people: what it lets pass, what it stops, and what the commands write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from bot import catalogues
from bot.catalogues import compile_all, po_file, problems, read, update
from bot.languages import LANGUAGES

CODE = """
from bot.i18n import _, ngettext

def greet(ref: str, n: int):
    # Translators: the number people quote on the phone
    yield _("Number: {ref}", ref=ref)
    yield ngettext("{n} message", "{n} messages", n)
    yield _("100 % sure, "
            "really")
"""

GERMAN = {
    'msgid "Number: {ref}"\nmsgstr ""': 'msgid "Number: {ref}"\nmsgstr "Nummer: {ref}"',
    'msgstr[0] ""\nmsgstr[1] ""': 'msgstr[0] "eine Nachricht"\nmsgstr[1] "{n} Nachrichten"',
    'msgid "100 % sure, really"\nmsgstr ""': 'msgid "100 % sure, really"\nmsgstr "100 % sicher"',
}


class Project:
    """A small tree with catalogues, in order until somebody edits it."""

    def __init__(self, root: Path) -> None:
        self.tree = root / "bot"
        self.folder = self.tree / "locales"
        self.tree.mkdir()
        self.write(CODE)
        self.update("de", "en")
        for empty, filled in GERMAN.items():
            self.edit(empty, filled)

    def write(self, code: str) -> None:
        (self.tree / "greeting.py").write_text(code, encoding="utf-8")

    def update(self, *begin: str) -> None:
        update(self.tree, self.folder, begin)

    def edit(self, old: str, new: str, code: str = "de") -> None:
        content = self.po(code).read_text(encoding="utf-8")
        assert old in content, content
        self.po(code).write_text(content.replace(old, new), encoding="utf-8")

    def po(self, code: str = "de") -> Path:
        return po_file(LANGUAGES[code], self.folder)

    def problems(self) -> list[str]:
        return problems(self.tree, self.folder)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_every_sentence_here_is_fit_for_people() -> None:
    """Where this fails: `python -m bot.catalogues update`, then write the German."""
    assert problems() == []


class TestGate:
    def test_lets_pass_what_is_in_order(self, project: Project) -> None:
        assert project.problems() == []

    def test_english_needs_no_entry_but_may_correct_one(self, project: Project) -> None:
        project.edit('msgid "Number: {ref}"\nmsgstr ""', 'msgid "Number: {ref}"\nmsgstr "No. {ref}"', "en")
        assert project.problems() == []
        project.edit("No. {ref}", "No. {reference}", "en")
        assert project.problems() == ["en: other placeholders than the source: 'Number: {ref}'"]

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ('"Nummer: {ref}"', '""', "missing: 'Number: {ref}'"),
            ('"{n} Nachrichten"', '""', "missing: '{n} message'"),
            ("#, python-brace-format\nmsgid", "#, fuzzy, python-brace-format\nmsgid", "fuzzy: 'Number: {ref}'"),
            ("Nummer: {ref}", "Nummer: {nummer}", "other placeholders than the source: 'Number: {ref}'"),
            ("Nummer: {ref}", "Nummer:", "other placeholders than the source: 'Number: {ref}'"),
            ("{n} Nachrichten", "Nachrichten", "other placeholders than the source: '{n} message'"),
            ("eine Nachricht", "{m} Nachricht", "other placeholders than the source: '{n} message'"),
            ("{n} Nachrichten", "{n Nachrichten", "a stray brace or a placeholder that is not plain: '{n} message'"),
            ("Nummer: {ref}", "Nummer: {ref!r}", "a stray brace or a placeholder that is not plain: 'Number: {ref}'"),
            ("100 % sicher", "100 % \u2068sicher", "an isolate without its end: '100 % sure, really'"),
            ("100 % sicher", "\u2069100 % sicher\u2068", "an isolate without its end: '100 % sure, really'"),
            ("100 % sicher", "<b>100 % sicher</b>", "HTML: '100 % sure, really'"),
            ("100 % sicher", "100&nbsp;% sicher", "HTML: '100 % sure, really'"),
            ("100 % sicher", "100 % sicher ", "other blanks at the ends than the source: '100 % sure, really'"),
            ("100 % sicher", "\\n100 % sicher", "other blanks at the ends than the source: '100 % sure, really'"),
            ("n != 1;", "n > 1;", "the header has to say Plural-Forms: nplurals=2; plural=n != 1;"),
        ],
    )  # fmt: skip
    def test_stops_what_is_not(self, project: Project, old: str, new: str, problem: str) -> None:
        project.edit(old, new)
        assert f"de: {problem}" in project.problems()

    def test_stops_what_the_code_does_not_say(self, project: Project) -> None:
        project.write(CODE.replace("Number", "Reference"))
        assert project.problems() == [
            "messages.pot: not what the code says; run `python -m bot.catalogues update`",
            "de: not in step with the code; run `python -m bot.catalogues update`",
            "en: not in step with the code; run `python -m bot.catalogues update`",
        ]

    def test_stops_obsolete_entries(self, project: Project) -> None:
        with project.po().open("a", encoding="utf-8") as file:
            file.write('\n#~ msgid "Old"\n#~ msgstr "Alt"\n')
        assert project.problems() == ["de: 1 obsolete entries"]

    def test_stops_without_german(self, project: Project) -> None:
        project.po().unlink()
        assert project.problems() == ["de: no catalogue"]

    def test_stops_a_file_that_is_none(self, project: Project) -> None:
        project.po().write_text('msgid "', encoding="utf-8")
        assert any(problem.startswith("de: cannot be read") for problem in project.problems())

    def test_an_incomplete_language_may_lack_sentences_but_not_be_wrong(self, project: Project) -> None:
        project.update("ru")
        assert project.problems() == []
        project.edit('msgid "Number: {ref}"\nmsgstr ""', 'msgid "Number: {ref}"\nmsgstr "Номер: {}"', "ru")
        assert project.problems() == ["ru: a stray brace or a placeholder that is not plain: 'Number: {ref}'"]

    @pytest.mark.parametrize(
        ("call", "problem"),
        [
            ("_(ref)", "a sentence has to be a literal"),
            ('_(f"Number {ref}")', "a sentence has to be a literal"),
            ('ngettext("{n} day", ref, 2)', "a sentence has to be a literal"),
            ('_("Number: {ref}")', "no value for ref"),
            ('_("Number", ref=ref)', "a value for no placeholder: ref"),
            ('_("Number: {ref")', "a stray brace or a placeholder that is not plain"),
            ('_("Number: {}")', "a stray brace or a placeholder that is not plain"),
            ('_("<b>Number</b>")', "HTML"),
            ('_("")', "an empty sentence is the header of a catalogue"),
        ],
    )
    def test_stops_calls_that_cannot_be_translated(self, project: Project, call: str, problem: str) -> None:
        project.write(f"{CODE}\n{call}\n")
        assert f"bot/greeting.py:11: {problem}" in project.problems()


class TestUpdate:
    def test_keeps_translations_and_comments_and_drops_what_is_gone(self, project: Project) -> None:
        project.write(CODE.replace("really", "truly"))
        project.update()
        content = project.po().read_text(encoding="utf-8")
        assert 'msgid "Number: {ref}"\nmsgstr "Nummer: {ref}"' in content
        assert "#. Translators: the number people quote on the phone" in content
        assert 'msgid "100 % sure, truly"\nmsgstr ""' in content
        assert "really" not in content and "fuzzy" not in content

    def test_writes_nothing_new_where_nothing_is_new(self, project: Project) -> None:
        files = [project.folder / "messages.pot", project.po("de"), project.po("en")]
        before = [file.read_bytes() for file in files]
        project.write(f"\n\n\n{CODE}")
        project.update()
        assert [file.read_bytes() for file in files] == before

    def test_a_header_belongs_to_the_translators(self, project: Project) -> None:
        project.edit('"Language: de\\n"\n', '"Language: de\\n"\n"Last-Translator: Ada\\n"\n"X-Generator: Weblate\\n"\n')
        before = project.po().read_bytes()
        project.update()
        assert project.po().read_bytes() == before

    def test_neither_lines_nor_dates_nor_false_flags(self, project: Project) -> None:
        template = (project.folder / "messages.pot").read_text(encoding="utf-8")
        assert "#: bot/greeting.py\n" in template
        assert "Date" not in template and "python-format" not in template
        assert template.index("Number") < template.index("{n} message") < template.index("100 %")

    def test_begins_a_language_with_our_plural_forms(self, project: Project) -> None:
        project.update("ar", "de-simple")
        arabic = project.po("ar").read_text(encoding="utf-8")
        assert LANGUAGES["ar"].plural_forms in arabic and arabic.count("msgstr[5]") == 1
        assert project.po("de-simple").parts[-3] == "de_simple"

    def test_refuses_to_empty_the_catalogues(self, project: Project) -> None:
        before = project.po().read_bytes()
        project.write("")
        with pytest.raises(ValueError, match="no sentences"):
            project.update()
        assert project.po().read_bytes() == before


class TestReading:
    def german(self, project: Project) -> str:
        return "".join(words for words, _name in read(LANGUAGES["de"], project.folder)["Number: {ref}"][0])

    def test_needs_no_compiled_file(self, project: Project) -> None:
        assert self.german(project) == "Nummer: "

    def test_takes_the_compiled_file_alone(self, project: Project) -> None:
        compile_all(project.folder)
        project.po().unlink()
        assert self.german(project) == "Nummer: "
        assert len(read(LANGUAGES["de"], project.folder)["{n} message"]) == 2

    def test_takes_the_compiled_file_while_it_is_newer(self, project: Project) -> None:
        compile_all(project.folder)
        project.edit("Nummer", "Zeichen")
        self.age(project.po(), -60)
        assert self.german(project) == "Nummer: "

    def test_an_old_compiled_file_shows_no_old_sentences(self, project: Project) -> None:
        compile_all(project.folder)
        project.edit("Nummer", "Zeichen")
        self.age(project.po(), 60)
        assert self.german(project) == "Zeichen: "

    def test_leaves_out_what_is_fuzzy_missing_or_wrong(
        self, project: Project, caplog: pytest.LogCaptureFixture
    ) -> None:
        project.edit('#, python-brace-format\nmsgid "Number', '#, fuzzy, python-brace-format\nmsgid "Number')
        project.edit("{n} Nachrichten", "{m} Nachrichten")
        project.edit('"100 % sicher"', '""')
        assert read(LANGUAGES["de"], project.folder) == {}
        assert "other placeholders" in caplog.text

    def test_compiles_what_the_gate_lets_pass(self, project: Project) -> None:
        compile_all(project.folder)
        with project.po().with_suffix(".mo").open("rb") as file:
            assert {message.string for message in read_mo(file) if message.id == "Number: {ref}"} == {"Nummer: {ref}"}

    def age(self, path: Path, seconds: int) -> None:
        changed = path.stat().st_mtime + seconds
        os.utime(path, (changed, changed))


class TestCommand:
    @pytest.mark.parametrize("arguments", [[], ["chek"], ["update", "klingon"], ["check", "de"]])
    def test_explains_itself(self, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert catalogues.main(arguments) == 2
        assert "python -m bot.catalogues check" in capsys.readouterr().err

    def test_check_tells_by_its_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        status = catalogues.main(["check"])
        assert status == (1 if problems() else 0)
        assert capsys.readouterr().out.strip()
