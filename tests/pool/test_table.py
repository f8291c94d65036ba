"""The pool as a CSV file: what is written is read again, and a fault lets nothing in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.contact_point import Municipality, Translated
from bot.i18n import render
from bot.pool.profile import Away, Level, Profile, Spoken, Weekday
from bot.pool.table import HEADINGS, MOST_FAULTS, Column, Imported, read_table, write_table
from bot.pool.words import professions_of
from bot.taxonomy import ExpertProfession, Theme
from tests.pool.experts import OBERBERG, expert, line, people, words

PLACES = OBERBERG.municipalities
FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
COLUMNS = ("Name", "Berufe", "Sprachen", "Orte", "Online", "Themen", "Wochentage", "Höchstens so viele Fälle zugleich")
COLUMNS += ("Abwesend", "Verpflichtung zur Verschwiegenheit unterschrieben am", "Organisation", "Honorarstufe")

unhurried = settings(deadline=None, max_examples=25)


def numbers() -> Callable[[], str]:
    given = iter(range(100))
    return lambda: f"new {next(given)}"


def read(content: str | bytes) -> Imported:
    return read_table(content.encode() if isinstance(content, str) else content, PLACES, numbers())


def row(**cells: str) -> str:
    """A file with one expert, right where nothing else is said."""
    given = {"Name": "Ada", "Berufe": "Mediation"} | cells
    file = io.StringIO()
    csv.writer(file, delimiter=";").writerows([COLUMNS, [given.get(column, "") for column in COLUMNS]])
    return file.getvalue()


def faults(imported: Imported, language: str = "en") -> list[tuple[int, str, str]]:
    assert bool(imported.faults) != bool(imported.profiles)
    return [(fault.row, fault.column, render(fault.reason, language)) for fault in imported.faults]


def rows_of(written: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";"))


class TestThereAndBack:
    @unhurried
    @given(people=people(), language=st.sampled_from(["de", "en", "tr"]))
    def test_what_is_written_is_read_again(self, people: list[Profile], language: str) -> None:
        assert read(write_table(people, PLACES, language)) == Imported(tuple(people), ())

    @unhurried
    @given(people=people(), comma=st.sampled_from(",\t"), mark=st.sampled_from(["utf-8", "utf-8-sig"]))
    def test_with_another_separator_and_without_a_mark_too(self, people: list[Profile], comma: str, mark: str) -> None:
        file = io.StringIO()
        csv.writer(file, delimiter=comma, lineterminator="\n").writerows(rows_of(write_table(people, PLACES, "de")))
        assert read(file.getvalue().encode(mark)).profiles == tuple(people)

    @unhurried
    @given(names=st.lists(line.filter(bool), min_size=1, max_size=5, unique=True))
    @example(names=["b", "Hagen"])
    @example(names=["Eilpe/Dahl", "Nord; Süd", "Mitte|West", "A, B", "a"])
    def test_however_places_are_called(self, names: list[str]) -> None:
        places = [Municipality(slug, name) for slug, name in zip("abcde", names, strict=False)]
        for place in places:
            one = expert(municipalities=frozenset({place.slug}))
            assert read_table(write_table([one], places, "de"), places, numbers()).profiles == (one,)

    def test_professions_of_a_contact_point_are_written_and_read(self) -> None:
        theatre = Translated((("de", "Theaterpädagogik"), ("en", "theatre work")))
        own = professions_of(replace(OBERBERG, professions=(("theatre", theatre),)))
        one = expert(professions=frozenset({"theatre", ExpertProfession.COACH}))
        written = write_table([one], PLACES, "de", own)
        assert "Coaching | Theaterpädagogik" in rows_of(written)[1]
        assert read_table(written, PLACES, numbers(), own).profiles == (one,)

    def test_without_experts_it_is_a_form_to_fill_in(self) -> None:
        assert rows_of(write_table([], PLACES, "de")) == [["Pool-Nummer", *COLUMNS]]
        assert read(write_table([], PLACES, "en")) == Imported((), ())


class TestFormulas:
    @unhurried
    @given(people=people(), language=st.sampled_from(["de", "en"]))
    def test_no_cell_begins_one_whatever_separator_is_expected(self, people: list[Profile], language: str) -> None:
        written = write_table(people, PLACES, language).decode("utf-8-sig")
        for delimiter in ";,\t":
            for cells in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
                assert not any(cell.strip().startswith(FORMULAS) for cell in cells)

    @pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "-2", "+49", "'=1", "'", "''+1", "Ada,=1+1", 'Ada";=1'])
    def test_a_name_that_looks_like_one_stays_the_name(self, name: str) -> None:
        assert read(write_table([expert(name=name)], PLACES, "de")).profiles[0].name == name


class TestReading:
    def test_words_codes_and_the_dates_of_spreadsheets(self) -> None:
        (profile,) = read(
            row(
                Berufe="mediation, SPEAKER\nBildungsmediation",
                Sprachen="Dari: c1 | tr B2; Polish (native)",
                Orte="Waldbröl, lindlar; WIEHL",
                Online="ja",
                Themen="Interessen, Werte und Verhalten, WAR_IN_UKRAINE",
                Wochentage="Montag, friday",
                Abwesend="1.7.2027-14.7.2027 | 2027-10-02 | 2027-12-23 bis 2027-12-31",
                Organisation=" AWO ",
                **{COLUMNS[7]: "3", COLUMNS[9]: "15.01.2026"},
            )
        ).profiles

        assert profile == Profile(
            id="new 0",
            name="Ada",
            professions=frozenset({"MEDIATOR", "SPEAKER", "EDUCATION_MEDIATOR"}),
            languages=(Spoken("pl", Level.NATIVE), Spoken("prs", Level.C1), Spoken("tr", Level.B2)),
            municipalities=frozenset({"waldbroel", "lindlar", "wiehl"}),
            online=True,
            themes=frozenset({Theme.INTERESTS_VALUES_BEHAVIOUR, Theme.WAR_IN_UKRAINE}),
            weekdays=frozenset({Weekday.MONDAY, Weekday.FRIDAY}),
            most_cases=3,
            away=(
                Away(date(2027, 7, 1), date(2027, 7, 14)),
                Away(date(2027, 10, 2), date(2027, 10, 2)),
                Away(date(2027, 12, 23), date(2027, 12, 31)),
            ),
            committed_on=date(2026, 1, 15),
            organisation="AWO",
        )

    def test_an_empty_cell_is_what_is_usual(self) -> None:
        (profile,) = read(row()).profiles
        assert profile == Profile(id="new 0", name="Ada", professions=frozenset({"MEDIATOR"}))

    @pytest.mark.parametrize(
        ("word", "code"), [("Kurdisch", "ku"), ("Kurmandschi", "ku"), ("Persisch", "fa"), ("rom", "rom")]
    )
    def test_a_language_may_be_called_in_several_ways(self, word: str, code: str) -> None:
        assert read(row(Sprachen=f"{word}: B2")).profiles[0].languages == (Spoken(code, Level.B2),)

    def test_empty_rows_and_the_order_of_columns_do_not_matter(self) -> None:
        head, cells = row().splitlines()
        turned = "\n".join(";".join(reversed(each.split(";"))) for each in (head, ";;", "", cells))
        assert read(turned).profiles == read(row()).profiles


class TestFaults:
    @pytest.mark.parametrize(
        ("column", "cell", "reason"),
        [
            ("Name", "", "A name is needed."),
            ("Name", "A\nB", "One line of at most 200 characters is possible."),
            ("Organisation", "a" * 201, "One line of at most 200 characters is possible."),
            ("Berufe", "", "At least one profession is needed."),
            ("Berufe", "Mediaton", "“Mediaton” is not known. Is “mediation” meant?"),
            ("Berufe", "Zirkus", "“Zirkus” is not known."),
            ("Sprachen", "Dari", "How well? Please write it like this: “Dari: B2”."),
            ("Sprachen", "Dari: D7", "How well? Please write it like this: “Dari: B2”."),
            ("Sprachen", "Dary: C1", "“Dary” is not known. Is “Dari” meant?"),
            ("Sprachen", "Dari: C1, prs B1", "“prs” stands there twice."),
            ("Orte", "Waldbroel, Köln", "“Köln” is not known."),
            ("Online", "vielleicht", "“vielleicht” is not known."),
            ("Online", "Ja, Nein", "Please write Yes and No."),
            (COLUMNS[7], "0", "A number from 1 to 99 is possible."),
            (COLUMNS[7], "drei", "A number from 1 to 99 is possible."),
            (COLUMNS[9], "31.02.2026", "“31.02.2026” is no day. Please write it like this: 2026-11-23."),
            (COLUMNS[9], "1/2/2026", "“1/2/2026” is no day. Please write it like this: 2026-11-23."),
            (
                "Abwesend",
                "2027-07-14..2027-07-01",
                "“2027-07-14..2027-07-01” is no time. Please write it like this: 2026-07-01..2026-07-14.",
            ),
        ],
    )
    def test_say_row_column_and_what_is_wrong(self, column: str, cell: str, reason: str) -> None:
        assert faults(read(row(**{column: cell}))) == [(2, column, reason)]

    def test_nothing_is_let_in_when_one_row_is_wrong(self) -> None:
        wrong = row(Berufe="Zirkus").splitlines()[1]
        imported = read(f"{row()}\r\n{wrong}\r\n{row().splitlines()[1]}")
        assert faults(imported, "de") == [(4, "Berufe", "„Zirkus“ ist nicht bekannt.")]

    @unhurried
    @given(people=people(), data=st.data())
    def test_a_wrong_cell_anywhere_lets_nobody_in(self, people: list[Profile], data: st.DataObject) -> None:
        rows = rows_of(write_table(people, PLACES, "en"))
        number = data.draw(st.integers(1, len(people)))
        column = data.draw(st.sampled_from([Column.PROFESSIONS, Column.LANGUAGES, Column.MUNICIPALITIES, Column.AWAY]))
        rows[number][list(Column).index(column)] = "not to be read"
        file = io.StringIO()
        csv.writer(file).writerows(rows)
        ((row, heading, _reason),) = faults(read(file.getvalue()))
        assert (row, heading) == (number + 1, render(HEADINGS[column], "en"))

    def test_headings(self) -> None:
        head, cells = row().splitlines()
        assert faults(read(head.replace("Orte", "Ort in NRW") + "\n" + cells)) == [
            (1, "Ort in NRW", "“Ort in NRW” is not known."),
            (1, "", "These headings are missing: Places."),
        ]
        assert faults(read(head.replace("Orte", "Name") + "\n" + cells)) == [
            (1, "Name", "This heading stands there twice."),
            (1, "", "These headings are missing: Places."),
        ]
        assert len(faults(read(""))) == 1

    def test_two_rows_with_one_number(self) -> None:
        twice = write_table([expert("e1"), expert("e1")], PLACES, "de")
        assert faults(read(twice)) == [(3, "Pool-Nummer", "“e1” stands in two rows.")]

    def test_cells_without_a_heading(self) -> None:
        assert faults(read(row().rstrip() + ";more")) == [(2, "", "This row has more cells than there are headings.")]

    def test_a_file_in_another_encoding(self) -> None:
        assert faults(read(row(Name="Zoë").encode("cp1252"))) == [
            (1, "", "The file is not in UTF-8. Please save it as “CSV UTF-8”.")
        ]

    def test_a_quotation_mark_that_does_not_end(self) -> None:
        ((number, column, reason),) = faults(read(row() + '"Ada;Mediation'))
        assert (number, column) == (3, "")
        assert reason.startswith("From this row on the file cannot be read.")

    def test_no_more_are_told_than_anybody_reads(self) -> None:
        head, cells = row(Berufe="Zirkus", Orte="Köln").splitlines()
        assert len(faults(read("\n".join([head, *[cells] * 200])))) == MOST_FAULTS

    @unhurried
    @given(
        data=st.binary() | words.map(str.encode) | words.map(lambda cell: row(Sprachen=cell, Abwesend=cell).encode())
    )
    def test_no_file_is_too_strange(self, data: bytes) -> None:
        imported = read(data)
        assert not (imported.faults and imported.profiles)
        for fault in imported.faults:
            render(fault.reason, "de")

    def test_words_of_the_file_do_not_show_in_a_traceback(self) -> None:
        assert "Geheim" not in repr(read(row(Berufe="Geheim")))


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_two_columns_are_called_alike(language: str) -> None:
    headings = [render(heading, language).casefold() for heading in HEADINGS.values()]
    assert len(set(headings)) == len(Column)
