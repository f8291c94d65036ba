"""A contact point's file: what it says, what it may leave out, and how its mistakes read."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.contact_point import (
    ContactPoint,
    Deadlines,
    DeskElsewhere,
    MediaRules,
    Municipality,
    PoolRules,
    Retention,
    Span,
    Translated,
    WorkingPeriod,
    easter_sunday,
)
from bot.contact_point_file import ContactPointError, load_contact_point, load_contact_points, shipped
from bot.taxonomy import MediationRule, Urgency
from bot.working_time import add_working_time, public_holidays

SAMPLE = (shipped() / "hagen.toml").read_text(encoding="utf-8")

any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def load(folder: Path, content: str | bytes, languages: list[str] | None = None) -> ContactPoint:
    file = folder / "hagen.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_contact_point(file, languages)


def mistakes(folder: Path, content: str | bytes, languages: list[str] | None = None) -> list[str]:
    with pytest.raises(ContactPointError) as caught:
        load(folder, content, languages)
    return str(caught.value).split("\n")


def changed(old: str, new: str) -> str:
    assert SAMPLE.count(old) == 1, old
    return SAMPLE.replace(old, new)


def test_samples_name_every_place_of_the_three_contact_points() -> None:
    samples = load_contact_points(shipped())

    assert list(samples) == ["euskirchen", "hagen", "oberberg"]
    assert [len(sample.municipalities) for sample in samples.values()] == [11, 5, 13]
    assert samples["oberberg"].municipality("hueckeswagen") == Municipality("hueckeswagen", "Hückeswagen", "Nord")
    assert samples["hagen"].municipality("eilpe-dahl") == Municipality("eilpe-dahl", "Eilpe/Dahl", "Ost/Süd")
    assert samples["hagen"].municipality("waldbroel") is None
    for sample in samples.values():
        assert all(place.area for place in sample.municipalities)
        assert len(sample.help_lines) == 11
        assert "555" in sample.phone


def test_municipalities_stand_in_the_order_of_a_german_telephone_book(tmp_path: Path) -> None:
    places = 'zell = "Zell"\nosten = "Osten"\noelde = "Ölde"\nolpe = "Olpe"\n'
    content = changed('haspe = "Haspe"', places + 'haspe = "Haspe"')

    names = [place.name for place in load(tmp_path, content).municipalities]
    assert names[-5:] == ["Hohenlimburg", "Ölde", "Olpe", "Osten", "Zell"]


def test_what_a_file_leaves_out_has_the_defaults_of_the_concept(tmp_path: Path) -> None:
    hagen = load(tmp_path, SAMPLE)

    assert hagen.deadlines.of(Urgency.URGENT) == WorkingPeriod(minutes=120)
    assert hagen.deadlines.of(Urgency.SOON) == WorkingPeriod(days=1)
    assert hagen.deadlines.of(Urgency.NORMAL) == WorkingPeriod(days=2)
    assert hagen.deadlines.of(Urgency.LOW) == WorkingPeriod(days=5)
    assert (hagen.retention.draft_hours, hagen.retention.report_months) == (24, 6)
    assert not hagen.media.allowed
    assert not hagen.show_staff_names
    assert hagen.reminders.quiet_hours == Span(21 * 60, 8 * 60)


def test_the_commented_lines_of_the_samples_are_the_defaults(tmp_path: Path) -> None:
    sections = ("languages", "deadlines", "retention", "media", "limits", "handoff", "reminders", "pool")
    section, uncommented = "", []
    for line in SAMPLE.splitlines():
        section = line.strip("[]") if line.startswith("[") else section
        is_setting = section in sections and re.match("# (?!offered|name|email|phone)[a-z_]+ = ", line)
        uncommented.append(line.removeprefix("# ") if is_setting else line)

    assert uncommented != SAMPLE.splitlines()
    assert load(tmp_path, "\n".join(uncommented)) == load(tmp_path, SAMPLE)


def test_what_a_file_says_counts(tmp_path: Path) -> None:
    hagen = load(
        tmp_path,
        SAMPLE.replace("# show_staff_names = false", "show_staff_names = true")
        .replace('# urgent = "2h"', 'urgent = "30min"')
        .replace("# draft_hours = 24", "draft_hours = 48")
        .replace("# allowed = false", 'allowed = true\nkinds = ["voice"]')
        .replace('# quiet_hours = "21:00-08:00"', "quiet_hours = []")
        .replace('friday = "08:00-12:00"', 'friday = ["13 – 15:30", "8-12"]')
        .replace('# offered = ["de", "de-simple", "en"]', 'offered = ["en", "de"]'),
    )

    assert hagen.show_staff_names
    assert hagen.deadlines == Deadlines(urgent=WorkingPeriod(minutes=30))
    assert hagen.retention == Retention(draft_hours=48)
    assert hagen.media == MediaRules(allowed=True, kinds=("voice",))
    assert hagen.reminders.quiet_hours is None
    assert hagen.service.hours[4] == (Span(480, 720), Span(780, 930))
    assert hagen.languages.offered == ("en", "de")


def test_a_file_saved_by_a_windows_editor_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").encode()) == load(tmp_path, SAMPLE)


def test_closing_days(tmp_path: Path) -> None:
    days = '["2027-06-11", 2027-07-01, "2027-08-02..2027-08-13", "12-24", "12-27..12-30", "Rosenmontag"]'
    service = load(tmp_path, changed('["rosenmontag", "12-24", "12-31"]', days)).service

    closed = [
        day
        for month, number in [(2, 8), (6, 11), (7, 1), (8, 2), (8, 13), (12, 24), (12, 27), (12, 30)]
        if not service.on(day := date(2027, month, number))
    ]
    assert len(closed) == 8
    for month, number in [(2, 4), (2, 9), (6, 10), (7, 30), (8, 16), (12, 23), (12, 31)]:
        assert service.on(date(2027, month, number)), (month, number)
    assert not service.on(date(2028, 12, 27))
    assert service.on(date(2028, 6, 12))


def test_easter_agrees_with_the_public_holidays() -> None:
    for year in range(1991, 2100):
        names = public_holidays(year)
        assert names[date.fromordinal(easter_sunday(year).toordinal() + 1)] == "Ostermontag"


def test_help_lines_go_stale_after_180_days(tmp_path: Path) -> None:
    hagen = load(tmp_path, SAMPLE.replace("2026-11-22", "2026-12-31", 1))

    assert hagen.stale_help_lines(date(2027, 5, 21)) == ()
    assert len(hagen.stale_help_lines(date(2027, 5, 22))) == 10
    assert len(hagen.stale_help_lines(date(2027, 6, 30))) == 11


def test_a_translated_text_falls_back_to_german() -> None:
    text = Translated((("de", "Tag und Nacht"), ("en", "day and night")))

    assert text.in_language("tr", "en") == "day and night"
    assert text.in_language("tr") == "Tag und Nacht"


def test_privacy_texts(tmp_path: Path) -> None:
    privacy = load(tmp_path, SAMPLE).privacy

    assert privacy.address.in_language("en") == "Musterstraße 3, 58095 Hagen"
    assert privacy.task.in_language("en").startswith("sections 8 and 9")
    assert privacy.agreement is None


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('monday = "08:00-16:00"', 'monday = "8-25"', 'service_hours.monday: "8-25": the end is no time of day (HH:MM)'),
        ('monday = "08:00-16:00"', 'monday = "16:00-08:00"', 'service_hours.monday: "16:00-08:00": the end is not later than the start'),
        ('monday = "08:00-16:00"', 'monday = "open"', 'service_hours.monday: "open": hours are expected, like "08:00-16:00"'),
        ('monday = "08:00-16:00"', 'monday = ["8-12", "11-16"]', 'service_hours.monday: ["8-12", "11-16"]: two of the service hours overlap'),
        ('monday = "08:00-16:00"', 'mondey = "08:00-16:00"', 'service_hours.mondey: unknown key, did you mean "monday"?'),
        ('phone = "02331 555 01 23"', "", "phone: is missing"),
        ('phone = "02331 555 01 23"', "phone = 2331", 'phone: 2331: a text in "quotation marks" is expected'),
        ('phone = "02331 555 01 23"', 'phone = "call us"', 'phone: "call us": no phone number, like "02261 555 01 23"'),
        ('email = "anlaufstelle@hagen.example"', 'email = "hagen"', 'email: "hagen": no e-mail address'),
        ('name = "Stadt Hagen"', 'name = "  "', 'name: "  ": the text is empty'),
        ('name = "Stadt Hagen"', 'name = "Stadt\\nHagen"', 'name: "Stadt\\nHagen": a text in one line is expected'),
        ('# show_staff_names = false', 'show_staff_names = "no"', 'show_staff_names: "no": true or false is expected, without quotation marks'),
        ('haspe = "Haspe"', 'Haspe = "Haspe"', 'areas.West: "haspe": no such municipality, did you mean "Haspe"?'),
        ('haspe = "Haspe"', 'haspe = "Haspe"\n"Öst" = "Öst"', 'municipalities."Öst": a short name has up to 35 letters a-z, digits and hyphens, like waldbroel'),
        ('haspe = "Haspe"', 'haspe = "Hagen-Nord"', 'municipalities.haspe: "Hagen-Nord": a second municipality of this name'),
        ('"West" = ["haspe"]', '"West" = ["haspe", "hagen-mitte"]', 'areas.West: "hagen-mitte": is already in the area "Mitte/Nord"'),
        ('"West" = ["haspe"]', '"\\n" = ["haspe"]', 'areas."\\n": the name of an area is a word like Süd'),
        ('"rosenmontag", "12-24"', '"rosenmotag", "12-24"', 'service_hours.closing_days: "rosenmotag": no closing day, did you mean "rosenmontag"?'),
        ('"rosenmontag", "12-24"', '"rosenmontag", "02-30"', 'service_hours.closing_days: "02-30": no closing day, like "2026-12-24", "2026-12-24..2026-12-31", "12-24" for every year, or "rosenmontag"'),
        ('"rosenmontag", "12-24"', '"12-27..01-02"', 'service_hours.closing_days: "12-27..01-02": the last day is earlier than the first'),
        ('"rosenmontag", "12-24"', '"01-02..12-30"', "service_hours: service days in 2026: 1, but at least 20 are needed"),
        ('"rosenmontag", "12-24"', '"2026-06-01..2028-06-30"', "service_hours: service days in 2027: 0, but at least 20 are needed"),
        ('# desk = "de"', 'desk = "German"', 'languages.desk: "German": no code of a language, like "de" or "tr"'),
        ('# offered = ["de", "de-simple", "en"]', 'offered = ["en"]', 'languages.offered: "de", the default, is not among them'),
        ('# urgent = "2h"', 'urgent = "2 weeks"', 'deadlines.urgent: "2 weeks": no working time, like "30min", "2h" or "1d" (d: service days)'),
        ('# urgent = "2h"', 'urgnt = "2h"', 'deadlines.urgnt: unknown key, did you mean "urgent"?'),
        ("# draft_hours = 24", "draft_hours = 0", "retention.draft_hours: 0: a whole number from 1 to 9999 is expected"),
        ("# draft_hours = 24", f"draft_hours = 0x{'f' * 6000} #", "retention.draft_hours: a huge number: a whole number from 1 to 9999 is expected"),
        ("# draft_hours = 24", "draft_hours = true", "retention.draft_hours: true: a whole number from 1 to 9999 is expected"),
        ("[limits]", "[[limits]]", "limits: [a table]: a table is expected, its name in square brackets in a line of its own"),
        ('# kinds = ["photo", "document"]', 'kinds = ["photos"]', 'media.kinds: "photos": no kind of media, did you mean "photo"?'),
        ('# suggestion = "3d"', 'suggestion = "soon"', 'pool.suggestion: "soon": no working time, like "30min", "2h" or "1d" (d: service days)'),
        ('# language_mediator_lead = 3', 'language_mediator_lead = 90', 'pool.language_mediator_lead: 90: a whole number of service days from 0 to 60 is expected'),
        ('# batches = 2', 'batchs = 2', 'pool.batchs: unknown key, did you mean "batches"?'),
        ('# quiet_hours = "21:00-08:00"', 'quiet_hours = "00:00-24:00"', 'reminders.quiet_hours: "00:00-24:00": the end is the same time as the start; [] means no quiet hours'),
        ('key = "youth_office"', 'key = "youth"', 'help_lines: the help line with the key "youth_office" is missing'),
        ('key = "medical"', 'key = "police"', 'help_lines[11].key: "police": a second help line with this key'),
        ('label.de = "TelefonSeelsorge"\n', "", "help_lines[3].label: the German text (de) is missing"),
        ('numbers = ["110"]', "numbers = []", "help_lines[1].numbers: at least one phone number is needed"),
        ('numbers = ["110"]\n', "numbers = [110]\n", 'help_lines[1].numbers: 110: a text in "quotation marks" is expected'),
        ('phone = "02331 555 01 71"\nwebsite = "https://beratung.hagen.example/aufenthalt"\n', "", "referrals[1]: a phone or a website is needed"),
        ('website = "https://beratung.hagen.example/recht"', 'website = "beratung"', 'referrals[4].website: "beratung": no address of a website, like https://www.example.org'),
        ('topic = "benefits"', 'topic = "residence_law"', 'referrals[2].topic: "residence_law": a second referral for this topic'),
        ('task.en = "sections', 'task.english = "sections', 'privacy.task: "english": no code of a language, like "de" or "tr"'),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_key_and_what_is_wrong(
    tmp_path: Path, old: str, new: str, mistake: str
) -> None:
    assert f"hagen.toml: {mistake}" in mistakes(tmp_path, changed(old, new))


def test_a_checked_on_that_is_no_day(tmp_path: Path) -> None:
    for value in ('"soon"', "2026-11-22T10:00:00", '"2026-02-30"'):
        content = SAMPLE.replace("checked_on = 2026-11-22", f"checked_on = {value}", 1)
        assert len(mistakes(tmp_path, content)) == 1
    assert load(tmp_path, SAMPLE.replace("2026-11-22", '"2026-11-22"')) == load(tmp_path, SAMPLE)


def test_only_languages_the_program_has(tmp_path: Path) -> None:
    assert load(tmp_path, SAMPLE, ["de", "en"]).languages.default == "de"
    assert 'hagen.toml: languages.desk: "tr": the program does not have this language' in mistakes(
        tmp_path, changed('# desk = "de"', 'desk = "tr"'), ["de", "en"]
    )


def test_all_mistakes_of_a_file_come_at_once(tmp_path: Path) -> None:
    content = SAMPLE.replace("name = ", "nane = ", 1).replace('monday = "08:00-16:00"', 'monday = "8-25"')

    assert mistakes(tmp_path, content) == [
        "hagen.toml: name: is missing",
        'hagen.toml: service_hours.monday: "8-25": the end is no time of day (HH:MM)',
        'hagen.toml: nane: unknown key, did you mean "name"?',
    ]


def test_an_empty_file_names_everything_a_county_must_say(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "")

    for key in ("name", "phone", "email", "address", "privacy.controller", "privacy.task"):
        assert f"hagen.toml: {key}: is missing" in found
    assert "hagen.toml: municipalities: names no municipality" in found
    assert "hagen.toml: service_hours: no day of the week has service hours" in found
    assert not any("retention" in line or "limits" in line for line in found)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'name = "Hagen"\nphone = \n') == ["hagen.toml: line 2, column 9: Invalid value"]
    assert mistakes(tmp_path, "name = [\n\n")[0].startswith("hagen.toml: line 3 (the end of the file): ")
    assert mistakes(tmp_path, 'name = "Hagen"\nplace = "K\xf6ln"'.encode("latin-1")) == [
        "hagen.toml: line 2: a character is not in UTF-8; save the file as UTF-8"
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "hagen.toml").mkdir()
    with pytest.raises(ContactPointError, match=r"^hagen\.toml: cannot be read: Is a directory$"):
        load_contact_point(tmp_path / "hagen.toml")
    with pytest.raises(ContactPointError, match=r"^away\.toml: cannot be read: No such file or directory$"):
        load_contact_point(tmp_path / "away.toml")


def test_the_name_of_the_file_is_the_id(tmp_path: Path) -> None:
    file = tmp_path / "Hagen Süd.toml"
    file.write_text(SAMPLE, encoding="utf-8")

    with pytest.raises(ContactPointError, match=r"^Hagen Süd\.toml: the name of the file may only have"):
        load_contact_point(file)
    assert load(tmp_path, SAMPLE).id == "hagen"


def test_a_folder_tells_the_mistakes_of_all_its_files(tmp_path: Path) -> None:
    with pytest.raises(ContactPointError, match="no file of a contact point"):
        load_contact_points(tmp_path)
    (tmp_path / "a.toml").write_text("?")
    (tmp_path / "b.toml").write_text(SAMPLE.replace("Eilpe/Dahl", ""), encoding="utf-8")
    with pytest.raises(ContactPointError) as caught:
        load_contact_points(tmp_path)

    assert [line.partition(":")[0] for line in str(caught.value).split("\n")] == ["a.toml", "b.toml"]


def check_any(folder: Path, content: bytes) -> None:
    """Either a contact point that works, or nothing but whole sentences."""
    try:
        contact_point = load(folder, content)
    except ContactPointError as error:
        assert str(error).splitlines() == str(error).split("\n")
        for line in str(error).splitlines():
            assert line.isprintable(), line
            assert line.startswith("hagen.toml: ")
            assert len(line) < 500
    else:
        add_working_time(contact_point, NEW_YEAR, 10_000)


NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

SCRAPS = st.sampled_from(
    [b"[", b"]", b'"', b"'", b"=", b".", b"{", b"}", b"\n", b"#", b"\x00", b"\xff", b"\xe2\x80\xa8", b"-", b"0",
     b"0x" + b"f" * 6000, b"9" * 5000, b"[" * 3000, b"inf", b"true", b"{de = 1}", b"[[areas]]", b"2027-02-30",
     b'"\\u0085"', b'"\\u2028" = 1\n', b'"a\\nb" = 1\n', b"[a.b]\n", b"00:00-24:00", b"01-01..12-31"]
)  # fmt: skip


@any_folder
@example(b"a = " + b"[" * 3000)
@example(b"a = " + b"9" * 5000)
@example(b"name = 0x" + b"f" * 6000)
@example(b'"\\n\\u2028" = 1')
@example(b"p" + b"f" * 6000 + b" = 1")
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_as_configuration_end_in_sentences(tmp_path: Path, content: bytes) -> None:
    check_any(tmp_path, content)


@any_folder
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), SCRAPS | st.binary(max_size=4)), max_size=4))
def test_any_damage_to_a_sample_ends_in_sentences(tmp_path: Path, damages: list[tuple[float, int, bytes]]) -> None:
    content = SAMPLE.encode()
    for place, length, scrap in damages:
        at = int(place * len(content))
        content = content[:at] + scrap + content[at + length :]
    check_any(tmp_path, content)


VALUES = st.recursive(
    st.sampled_from(['"x"', '""', "1", "-1", "true", "inf", "2027-01-01", "1999-01-01", "08:00:00", '"2h"', '"0d"',
                     "2027-01-01T00:00:00Z", '"0:00-24:00"', '"02:00-02:30"', '"de"', '"01-02..12-31"', '"a\\tb"']),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    | inner.map(lambda value: f"{{ de = {value} }}"),
    max_leaves=5,
)  # fmt: skip


@any_folder
@given(st.integers(0, len(SAMPLE.splitlines()) - 1), VALUES)
def test_any_value_at_any_key_ends_in_sentences(tmp_path: Path, line: int, value: str) -> None:
    lines = SAMPLE.splitlines()
    key, equals, _ = lines[line].removeprefix("# ").partition(" = ")
    if equals:
        lines[line] = f"{key} = {value}"
    check_any(tmp_path, "\n".join(lines).encode())


def test_a_contact_point_may_look_for_professions_of_its_own(tmp_path: Path) -> None:
    theatre = '[professions]\ntheatre.de = "Theaterpädagogik"\ntheatre.en = "theatre work"\n'
    assert load(tmp_path, SAMPLE + theatre).professions == (
        ("theatre", Translated((("de", "Theaterpädagogik"), ("en", "theatre work")))),
    )
    assert mistakes(tmp_path, SAMPLE + '[professions]\nMEDIATOR = "Schlichtung"\n') == [
        "hagen.toml: professions.MEDIATOR: up to 35 of the letters a-z, digits and _ are possible, like theatre"
    ]


def test_the_rules_of_the_pool(tmp_path: Path) -> None:
    assert load(tmp_path, SAMPLE).pool == PoolRules()
    said = """[pool]
suggestion = "4 d"
answer_urgent = "90 min"
language_mediator_lead = 5
language_mediator_rules = ["professional_present", "oral_only"]
[pool.state_desk]
name = "Zentrale Konfliktberatung"
phone = "0211 555 01 90"
"""
    pool = load(tmp_path, changed("[pool]\n", said)).pool
    assert pool.suggestion_for(Urgency.NORMAL) == WorkingPeriod(days=4)
    assert pool.suggestion_for(Urgency.URGENT) == WorkingPeriod(days=1)
    assert pool.answer_for(Urgency.SOON) == WorkingPeriod(days=2)
    assert pool.answer_for(Urgency.URGENT) == WorkingPeriod(minutes=90)
    assert pool.language_mediator_lead == 5
    assert pool.language_mediator_rules == (MediationRule.ORAL_ONLY, MediationRule.PROFESSIONAL_PRESENT)
    assert pool.state_desk == DeskElsewhere("Zentrale Konfliktberatung", phone="0211 555 01 90")


def test_mistakes_in_the_rules_of_the_pool(tmp_path: Path) -> None:
    said = '[pool]\nlanguage_mediator_rules = ["oral"]\n[pool.state_desk]\nname = "Zentrale"\n'
    assert mistakes(tmp_path, changed("[pool]\n", said)) == [
        'hagen.toml: pool.language_mediator_rules: "oral": no such rule, did you mean "oral_only"?',
        "hagen.toml: pool.state_desk: an email or a phone is needed",
    ]
