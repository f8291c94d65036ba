"""What a sentence looks like to its reader, in every language and when a catalogue is wrong."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from bot import pseudo
from bot.catalogues import plurals, po_file
from bot.i18n import (
    Phone,
    Renderer,
    Text,
    _,
    alternatives,
    language_name,
    lines,
    listing,
    ngettext,
    paragraphs,
    render,
    verbatim,
)
from bot.languages import LANGUAGES, Language, language_of, resolve

AFTERNOON = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)

Render = Callable[[Text, str], str]


@pytest.fixture
def speaks(tmp_path: Path) -> Callable[..., Render]:
    """Writes a catalogue and returns a renderer that knows it: speaks("de", 'msgid "Yes"\\nmsgstr "Ja"', …)."""

    def write(code: str, *entries: str) -> Render:
        po = po_file(LANGUAGES[code], tmp_path)
        po.parent.mkdir(parents=True, exist_ok=True)
        header = f'msgid ""\nmsgstr ""\n"Plural-Forms: {LANGUAGES[code].plural_forms}\\n"\n'
        content = ['"Content-Type: text/plain; charset=utf-8\\n"', *(f"\n{entry}" for entry in entries)]
        po.write_text(header + "\n".join(content) + "\n", encoding="utf-8")
        return Renderer(tmp_path).render

    return write


def entry(source: str, translation: str) -> str:
    return f'msgid "{source}"\nmsgstr "{translation}"'


def entries(singular: str, plural: str, *forms: str) -> str:
    written = "\n".join(f'msgstr[{index}] "{form}"' for index, form in enumerate(forms))
    return f'msgid "{singular}"\nmsgid_plural "{plural}"\n{written}'


class TestSentences:
    def test_speaks_the_language_of_the_reader(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("Number: {ref}", "Nummer: {ref}"))
        assert german(_("Number: {ref}", ref="KA-1"), "de") == "Nummer: KA-1"
        assert german(_("Number: {ref}", ref="KA-1"), "en") == "Number: KA-1"

    @pytest.mark.parametrize("code", [code for code in LANGUAGES if code not in ("de", "en")])
    def test_what_is_missing_comes_in_german(self, speaks: Callable[..., Render], code: str) -> None:
        assert speaks("de", entry("Yes", "Ja"))(_("Yes"), code) == "Ja"

    @pytest.mark.parametrize(
        ("code", "reader", "name"),
        [("ti", "de", "Tigrinya"), ("tr", "en", "Turkish"), ("tr", "de-simple", "Türkisch"), ("qqq", "de", "qqq")],
    )
    def test_a_language_is_called_as_the_reader_calls_it(self, code: str, reader: str, name: str) -> None:
        assert render(language_name(code), reader) == name

    def test_a_language_is_called_in_the_language_of_the_sentence_around_it(
        self, speaks: Callable[..., Render]
    ) -> None:
        german = speaks("de", entry("Writes {language}.", "Schreibt {language}."))
        assert german(_("Writes {language}.", language=language_name("uk")), "tr") == "Schreibt Ukrainisch."
        assert german(listing([language_name("uk"), language_name("ar")]), "de") == "Ukrainisch und Arabisch"
        assert pseudo.value("Ukrainian") in render(_("Writes {language}.", language=language_name("uk")), pseudo.CODE)

    def test_what_is_missing_comes_in_simple_german_where_there_is_some(self, speaks: Callable[..., Render]) -> None:
        speaks("de", entry("Danger", "Gefährdung"), entry("Yes", "Ja"))
        with_simple = speaks("de-simple", entry("Danger", "Gefahr"))
        assert with_simple(lines(_("Danger"), _("Yes"), _("More")), "tr") == "Gefahr\nJa\nMore"

    @pytest.mark.parametrize("code", ["", "xx", "../../etc", "de_DE"])
    def test_an_unknown_language_reads_german(self, speaks: Callable[..., Render], code: str) -> None:
        assert speaks("de", entry("Yes", "Ja"))(_("Yes"), code) == "Ja"

    @pytest.mark.parametrize(
        "broken",
        ["Nummer: {nummer}", "Nummer", "{ref} {mehr}", "Nummer {ref", "Nummer ref}", "{ref!r}", "{ref:>9}"],
    )
    def test_a_broken_translation_gives_way_to_the_source(self, speaks: Callable[..., Render], broken: str) -> None:
        shown = speaks("de", entry("Number: {ref}", broken), entry("Yes", "Ja"))
        assert shown(_("Number: {ref}", ref="KA-1"), "de") == "Number: KA-1"
        assert shown(_("Yes"), "de") == "Ja"

    def test_an_unreadable_catalogue_gives_way_to_the_source(
        self, speaks: Callable[..., Render], tmp_path: Path
    ) -> None:
        speaks("de")
        po_file(LANGUAGES["de"], tmp_path).write_bytes(b'\xff\xfe msgid "Yes\nmsgstr')
        assert Renderer(tmp_path).render(_("Yes"), "de") == "Yes"

    def test_a_value_is_not_formatted_again(self) -> None:
        assert render(_("You wrote: {story}", story="{ref} {0} }{"), "en") == "You wrote: {ref} {0} }{"

    @given(st.text(), st.sampled_from(list(LANGUAGES)))
    def test_no_value_can_break_a_sentence(self, written: str, code: str) -> None:
        assert render(_("You wrote: {story}", story=written), code)
        assert render(verbatim(written), code) == written

    def test_a_sentence_in_a_sentence_is_translated_too(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("State: {state}", "Stand: {state}"), entry("open", "offen"))
        assert german(_("State: {state}", state=_("open")), "de") == "Stand: offen"

    def test_paragraphs_and_lines_leave_out_what_is_not_there(self) -> None:
        text = paragraphs(_("A"), None, lines(None), lines(_("B"), None, verbatim("Waldbröl")), verbatim(""))
        assert render(text, "en") == "A\n\nB\nWaldbröl"

    def test_texts_are_values(self) -> None:
        assert _("A {x}", x="1") == _("A {x}", x="1") != _("A {x}", x="2")
        assert len({verbatim("a"), verbatim("a"), _("a"), lines(_("a")), listing(["a"])}) == 4

    def test_the_representation_keeps_what_people_wrote_to_itself(self) -> None:
        text = lines(_("You wrote: {story}", story="secret"), verbatim("secret"), listing(["secret"]))
        assert "You wrote: {story}" in repr(text)
        assert "secret" not in f"{text!r} {text}"

    def test_many_threads_read_one_catalogue(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("Yes", "Ja"))
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(lambda _n: german(_("Yes"), "de"), range(200))) == {"Ja"}

    def test_rendering_costs_next_to_nothing(self) -> None:
        text = _("Number: {ref} of {place}", ref="KA-1", place=verbatim("Waldbröl"))
        render(text, "de")
        start = clock.perf_counter()
        for _round in range(1000):
            render(text, "de")
        assert clock.perf_counter() - start < 0.2


class TestPlurals:
    def test_the_catalogue_chooses_the_form(self, speaks: Callable[..., Render]) -> None:
        forms = ("{n} сообщение", "{n} сообщения", "{n} сообщений")
        russian = speaks("ru", entries("{n} message", "{n} messages", *forms))

        def shown(n: int) -> str:
            return russian(ngettext("{n} message", "{n} messages", n), "ru")

        assert [shown(n) for n in (1, 2, 5, 21)] == [
            "1 сообщение",
            "2 сообщения",
            "5 сообщений",
            "21 сообщение",
        ]

    def test_arabic_has_six_forms(self, speaks: Callable[..., Render]) -> None:
        forms = ("لا رسائل", "رسالة واحدة", "رسالتان", "{n} رسائل", "{n} رسالة جمع", "{n} رسالة")
        arabic = speaks("ar", entries("{n} message", "{n} messages", *forms))
        shown = [arabic(ngettext("{n} message", "{n} messages", n), "ar") for n in (0, 1, 2, 3, 11, 100)]
        assert shown == [form.replace("{n}", str(n)) for form, n in zip(forms, (0, 1, 2, 3, 11, 100), strict=True)]

    def test_a_form_for_several_numbers_must_show_the_number(self, speaks: Callable[..., Render]) -> None:
        forms = ("одно сообщение", "{n} сообщения", "{n} сообщений")
        russian = speaks("ru", entries("{n} message", "{n} messages", *forms))
        assert russian(ngettext("{n} message", "{n} messages", 21), "ru") == "21 messages"

    def test_the_source_knows_one_and_many(self) -> None:
        shown = [render(ngettext("one day, {x}", "{n} days, {x}", n, x="a"), "en") for n in (0, 1, 2, 1234)]
        assert shown == ["0 days, a", "one day, a", "2 days, a", "1,234 days, a"]

    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
    def test_forms_agree_with_cldr(self, language: Language) -> None:
        category = Locale.parse(language.babel_locale).plural_form
        rule = plurals(language)
        pairs = {(rule.form(number), category(number)) for number in range(1, 1000)} | {(rule.form(0), category(0))}
        assert len(pairs) == len({form for form, _c in pairs}) == len({c for _f, c in pairs}) == rule.count


class TestValues:
    @pytest.mark.parametrize(
        ("code", "shown"),
        [
            ("de", "Dienstag, 24. November 2026, 14:00 Uhr"),
            ("de-simple", "Dienstag, 24. November 2026, 14:00 Uhr"),
            ("en", "Tuesday, 24 November 2026, 14:00"),
            ("tr", "24 Kasım 2026 Salı, 14:00"),
            ("uk", "вівторок, 24 листопада 2026 р., 14:00"),
            ("ru", "вторник, 24 ноября 2026 г., 14:00"),
            ("fr", "mardi 24 novembre 2026, 14:00"),
            ("ar", "الثلاثاء، 24 نوفمبر 2026، 14:00"),
            ("sq", "e martë, 24 nëntor 2026, 14:00"),
        ],
    )
    def test_a_moment_has_weekday_month_and_hour(self, speaks: Callable[..., Render], code: str, shown: str) -> None:
        assert speaks(code, entry("{when}", "{when}"))(_("{when}", when=AFTERNOON), code) == shown

    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
    def test_no_language_writes_a_moment_in_figures_only(
        self, speaks: Callable[..., Render], language: Language
    ) -> None:
        shown = speaks(language.code, entry("{when}", "{when}"))(_("{when}", when=AFTERNOON), language.code)
        assert all(part in shown for part in ("24", "2026", "14:00")) and "11" not in shown
        assert "24/" not in shown and "PM" not in shown.upper()

    def test_summer_time_counts(self) -> None:
        summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
        assert render(_("{when}", when=summer), "en") == "Thursday, 2 July 2026, 00:30"

    def test_a_day_has_no_hour_and_an_hour_no_day(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("{d} from {t}", "{d} ab {t}"))
        text = _("{d} from {t}", d=date(2026, 11, 24), t=time(9, 5))
        assert german(text, "de") == "Dienstag, 24. November 2026 ab 09:05 Uhr"
        assert german(text, "en") == "Tuesday, 24 November 2026 from 09:05"

    def test_a_date_speaks_the_language_of_its_sentence(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("By {when}", "Bis {when}"))
        assert german(_("By {when}", when=date(2026, 11, 24)), "tr") == "Bis Dienstag, 24. November 2026"

    def test_numbers_are_grouped(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("{n} pages", "{n} Seiten"))
        assert german(_("{n} pages", n=12345), "de") == "12.345 Seiten"
        assert german(_("{n} pages", n=-999), "en") == "-999 pages"

    def test_lists_end_with_an_and(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("Yes", "Ja"), entry("I saw {what}", "Ich sah {what}"))
        three = listing([_("Yes"), "Anna", verbatim("Köln")])
        assert german(three, "de") == "Ja, Anna und Köln"
        assert german(three, "tr") == "Ja, Anna und Köln"
        assert german(three, "en") == "Yes, Anna and Köln"
        assert german(alternatives(["a", "b", "c"]), "de") == "a, b oder c"
        assert german(listing([]), "de") == ""
        assert german(_("I saw {what}", what=three), "tr") == "Ich sah Ja, Anna und Köln"


class TestDirection:
    def test_values_keep_to_themselves_in_a_right_to_left_sentence(self, speaks: Callable[..., Render]) -> None:
        arabic = speaks("ar", entry("Number: {ref}", "الرقم: {ref}"))
        assert arabic(_("Number: {ref}", ref="KA-1"), "ar") == "الرقم: \u2068KA-1\u2069"
        assert arabic(_("Number: {ref}", ref=verbatim("Köln")), "ar") == "الرقم: \u2068Köln\u2069"
        assert arabic(_("Number: {ref}", ref=Phone("0221 12 34")), "ar") == "الرقم: \u20660221 12 34\u2069"
        assert arabic(_("Number: {ref}", ref=7), "ar") == "الرقم: 7"
        assert arabic(_("Number: {ref}", ref=_("none")), "ar") == "الرقم: \u2068none\u2069"

    def test_a_right_to_left_value_keeps_to_itself_everywhere(self) -> None:
        assert render(_("Name: {name}.", name="سارة"), "en") == "Name: \u2068سارة\u2069."
        assert render(_("Name: {name}.", name="Sara"), "en") == "Name: Sara."
        assert render(_("Call {phone}.", phone=Phone("0221 12")), "en") == "Call 0221 12."

    def test_what_falls_back_to_german_needs_no_marks(self, speaks: Callable[..., Render]) -> None:
        german = speaks("de", entry("Number: {ref}", "Nummer: {ref}"))
        assert german(_("Number: {ref}", ref="KA-1"), "ar") == "Nummer: KA-1"

    def test_marks_in_a_value_cannot_leave_it(self) -> None:
        assert render(_("{a} b", a="x\u2069\u202e\u2066y"), "en") == "xy b"

    def test_every_line_of_a_value_is_closed(self) -> None:
        assert render(_("{a} b", a="א\n\r\nב"), "en") == "\u2068א\u2069\n\r\n\u2068ב\u2069 b"

    def test_links_and_commands_stay_bare(self, speaks: Callable[..., Render]) -> None:
        arabic = speaks("ar", entry("See {link}", "انظر {link}"))
        assert arabic(_("See {link}", link="https://example.org/a?b=1"), "ar") == "انظر https://example.org/a?b=1"
        assert arabic(_("See {link}", link="/data"), "ar") == "انظر /data"


class TestPseudo:
    def test_shows_what_did_not_pass_through_translation(self) -> None:
        shown = render(
            paragraphs(
                _("Number: {ref} by {when}", ref="KA-1 ⟧", when=AFTERNOON),
                lines(verbatim("Waldbröl"), listing(["a", _("Yes")])),
                _("State: {state}", state=_("open")),
                ngettext("{n} day", "{n} days", 3),
            ),
            pseudo.CODE,
        )
        assert "⟦Ńúḿḅéŕ: ‹KA-1 › ḅý ‹Tuesday, 24 November 2026, 14:00›⟧" in shown
        assert "⟦Śṭáṭé: ⟦óṕéń⟧⟧" in shown
        assert pseudo.escaped(shown) == []
        assert pseudo.escaped(f"1. {shown}\n\n2 / 5 …") == []
        assert pseudo.inserted(shown) == ["KA-1 ", "Tuesday, 24 November 2026, 14:00", "Waldbröl", "a", "3"]

    def test_finds_bare_words_and_lacking_values(self) -> None:
        assert pseudo.escaped(f"Hello {render(_('Yes'), pseudo.CODE)} you") == ["Hello", "you"]
        assert pseudo.escaped(render(_("Number: {ref}"), pseudo.CODE)) == ["ref"]  # on purpose without value

    def test_values_stand_apart_from_right_to_left(self) -> None:
        text = _("Number: {ref}, {phone}, {when}", ref="KA-1", phone=Phone("02261 1"), when=AFTERNOON.date())
        shown = render(paragraphs(text, _("See {link}", link="/data")), pseudo.RIGHT_TO_LEFT)
        assert shown.startswith("⟦נומבהר: ‹\u2068KA-1\u2069›, ‹\u206602261 1\u2069›, ‹יום שלישי, 24 נובמבר 2026›⟧")
        assert shown.endswith("‹/data›⟧")
        assert pseudo.escaped(shown) == []

    @pytest.mark.parametrize("code", [pseudo.CODE, pseudo.RIGHT_TO_LEFT])
    def test_is_offered_to_nobody(self, code: str) -> None:
        assert code not in LANGUAGES
        assert resolve(code) is None
        assert language_of(code).code == code
        assert language_of(code).direction == Locale.parse(language_of(code).babel_locale).text_direction


class TestRegistry:
    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
    def test_agrees_with_babel(self, language: Language) -> None:
        assert Locale.parse(language.babel_locale).text_direction == language.direction
        own_words = {
            "de-simple": "Einfache Sprache",
            "fa": "Persisch (Farsi, Dari)",
            "ku": "Kurdisch (Kurmandschi)",
        }
        german = own_words.get(language.code) or Locale.parse(language.code).get_display_name("de")
        assert language.german_name == german

    @pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES.keys())
    def test_every_way_ends_at_the_source(self, language: Language) -> None:
        assert language.code == "en" or language.fallback[-1] == "en"
        assert set(language.fallback) < LANGUAGES.keys() - {language.code}

    def test_german_and_english_are_complete(self) -> None:
        assert {code for code, language in LANGUAGES.items() if language.complete} == {"de", "en"}

    @pytest.mark.parametrize(
        "language", [each for each in LANGUAGES.values() if each.emergency_line], ids=lambda each: each.code
    )
    def test_emergency_numbers_stand_apart(self, language: Language) -> None:
        marks = ("\u2066", "\u2069") if language.direction == "rtl" else ("", "")
        for number in ("110", "112"):
            assert number.join(marks) in language.emergency_line
        assert not any(line in "\n\t" for line in language.emergency_line)

    def test_only_tigrinya_lacks_an_emergency_line(self) -> None:
        assert [each.code for each in LANGUAGES.values() if not each.emergency_line] == ["ti"]

    def test_no_word_leads_to_nothing(self) -> None:
        assert all(word == word.lower().strip() != "" for each in LANGUAGES.values() for word in each.words)

    @pytest.mark.parametrize(
        ("hint", "code"),
        [
            ("de", "de"), ("de-DE", "de"), ("DE_at", "de"), ("de-simple", "de-simple"), ("de_DE_simple", "de-simple"),
            ("en-GB", "en"), ("en_US.UTF-8", "en"), ("ENG", "en"), ("tr-TR,tr;q=0.9,en;q=0.8", "tr"),
            ("ps-AF, fa;q=0.5", "fa"), ("prs", "fa"), ("fa_AF", "fa"), ("pes", "fa"), ("kmr", "ku"), ("ku-Latn-TR", "ku"),
            ("ku-Arab", None), ("ckb", None), ("apc", "ar"), ("ar-EG", "ar"), ("ron", "ro"), ("mo", "ro"), ("als", "sq"),
            ("uk", "uk"), ("pt_BR", None), ("zh-Hant", None), ("rom", None), ("xx", None), ("", None), ("-", None),
            ("İ", None), ("🙂", None), ("C", None), ("de" * 100_000, None), ("simple", None), (",,;q=1", None),
        ],
    )  # fmt: skip
    def test_resolves_hints_of_any_shape(self, hint: str, code: str | None) -> None:
        assert resolve(hint) == code

    @given(st.text())
    def test_no_hint_can_break_it(self, hint: str) -> None:
        assert resolve(hint) is None or resolve(hint) in LANGUAGES

    @pytest.mark.parametrize("code", LANGUAGES)
    def test_resolves_its_own_codes(self, code: str) -> None:
        assert resolve(code) == code
