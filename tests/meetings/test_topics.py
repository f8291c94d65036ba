"""Topics, agenda, mood, minutes and measures of a round table (R-62, R-66, R-67), and which tables are silent (R-61)."""

from __future__ import annotations

import pytest

from tests.meetings.tables import FIRST_TUESDAY, Tables, heard, noted

QUARTER = FIRST_TUESDAY.replace("2026-12-01", "2027-01-05")


@pytest.fixture
def table(tables: Tables) -> Tables:
    """A table of three, the first of whom moderates."""
    tables.join("mod", "ana", "ben")
    tables.plan(QUARTER, "Moderation: 1")
    return tables


def propose(table: Tables, chat: str, text: str) -> str:
    for said in ("/topic 1", text):
        table.bench.say(chat, said)
    return table.press(chat, "/send")


class TestTopics:
    def test_everybody_places_topics_and_the_moderator_hears_of_it(self, table: Tables) -> None:
        assert "Your topic is proposed" in propose(table, "ana", "The yard at night")
        assert "There is a new topic" in "\n".join(
            each.message.text for each in table.bench.heard if each.chat == "mod"
        )

    def test_names_are_asked_about_before_anything_is_kept(self, table: Tables) -> None:
        table.bench.say("ana", "/topic 1")
        said = heard(table.bench.say("ana", "Frau Kaya in der Hauptstraße 12"), "ana")
        assert "may contain names" in said

    @pytest.mark.parametrize(
        ("decision", "reason", "told"),
        [
            ("ON_AGENDA", "", "is on the agenda"),
            ("POSTPONED", "", "is postponed to the next date"),
            ("ANSWERED", "The office is open on Mondays.", "The answer: The office is open on Mondays."),
            ("DECLINED", "It belongs to the council.", "The reason: It belongs to the council."),
        ],
    )
    def test_whoever_placed_it_hears_what_becomes_of_it(
        self, table: Tables, decision: str, reason: str, told: str
    ) -> None:
        propose(table, "ana", "The yard at night")
        table.bench.say("mod", "/agenda 1")
        table.press("mod", "1")
        said = table.bench.say("mod", choice=decision)
        said += table.bench.say("mod", reason) if reason else []
        assert told in heard(said, "ana")

    def test_only_who_leads_decides(self, table: Tables) -> None:
        propose(table, "ana", "The yard at night")
        assert "The yard" not in heard(table.bench.say("ben", "/agenda 1"), "ben"), "it is not on the agenda yet"

    def test_the_agenda_goes_out_at_the_cut_off_in_the_language_of_each(self, table: Tables) -> None:
        propose(table, "ana", "The yard at night")
        propose(table, "ben", "Swimming lessons")
        table.bench.say("mod", "/agenda 1")
        table.press("mod", "2")
        table.press("mod", "FIRST")
        table.bench.say("ben", "/language de")
        said = table.at("2026-12-29 09:00")
        assert "Agenda of “Round table Wiehl”" in heard(said, "ana")
        assert "1. Swimming lessons\n2. The yard at night" in heard(said, "ana")
        assert "Tagesordnung" in heard(said, "ben")
        assert "too late" in propose(table, "ana", "One more") or "no date" in propose(table, "ana", "One more")

    def test_what_is_unfinished_is_carried_over_by_one_press(self, table: Tables) -> None:
        propose(table, "ana", "The yard at night")
        table.at("2026-12-29 09:00")
        said = table.at("2027-01-06 09:00")
        assert "What was not dealt with" in heard(said, "mod")
        assert "1 topic is taken over to Tuesday, 2 February 2027" in table.press("mod", "/carry 1")
        assert "No topic of this date" in table.press("mod", "/carry 1")
        assert "The yard at night" in heard(table.at("2027-01-26 09:00"), "ben")


class TestMood:
    def test_the_moderator_sees_counts_from_three_answers_on(self, table: Tables) -> None:
        said = table.at("2027-01-02 09:00")
        assert "What do you notice" in heard(said, "ana")
        for chat, mood in (("ana", "TENSE"), ("ben", "CALM")):
            table.press(chat, f"/pulse 1 {mood}")
            table.press(chat, "/skip")
        assert "The mood" not in noted(table.desk("/meeting T1 who"))
        table.press("mod", "/pulse 1 CALM")
        table.bench.say("mod", "Quiet since the new year")
        shown = noted(table.desk("/meeting T1 who"))
        assert "calm: 2" in shown
        assert "tense: 1" in shown
        assert "Quiet since the new year" in shown


class TestMinutes:
    def decide(self, table: Tables, topic: str, decision: str, owner: str = "", due: str = "") -> None:
        table.bench.say("mod", "/minutes 1")
        table.press("mod", topic)
        table.bench.say("mod", decision)
        for each in (owner, due):
            if each:
                table.bench.say("mod", each)
            else:
                table.press("mod", "/skip")
        table.press("mod", "/send")

    def test_decisions_are_sent_and_measures_asked_about_until_done(self, table: Tables) -> None:
        propose(table, "ana", "The yard at night")
        table.at("2026-12-29 09:00")
        table.at("2027-01-06 09:00")
        self.decide(table, "1", "A lamp is put up", "building office", "20.1.2027")
        assert "No names were found" in heard(table.bench.say("mod", "/release 1"), "mod")
        said = heard(table.bench.say("mod", choice="SEND"), "ben")
        assert "Minutes of “Round table Wiehl”" in said
        assert "1. The yard at night\nDecision: A lamp is put up\nWho: building office\nUntil: Wednesday" in said
        assert "Is it done?" in heard(table.at("2027-01-20 09:00"), "mod")
        assert "Is it done?" in heard(table.at("2027-01-27 09:00"), "mod")
        table.press("mod", "/measure 1")
        assert "Is it done?" not in heard(table.at("2027-02-10 09:00"), "mod")

    def test_names_are_found_before_release_and_a_corrected_version_recalls_the_first(self, table: Tables) -> None:
        table.at("2027-01-06 09:00")
        self.decide(table, "NONE", "A walk round the yard")
        table.bench.say("mod", "/release 1")
        table.bench.say("mod", choice="SEND")
        table.bench.say("mod", "/minutes 1")
        for said in ("Another decision", "Frau Kaya gets a key"):
            table.bench.say("mod", said)
        table.press("mod", "KEEP")
        table.press("mod", "/skip")
        table.press("mod", "/skip")
        table.press("mod", "/send")
        assert "may contain names" in heard(table.bench.say("mod", "/release 1"), "mod")
        said = heard(table.bench.say("mod", choice="REDACT"), "ana")
        assert "Corrected, version 2" in said
        assert "Kaya" not in said

    def test_nobody_else_writes_minutes(self, table: Tables) -> None:
        table.at("2027-01-06 09:00")
        table.bench.say("ana", "/release 1")
        assert "cannot find" in table.press("ana", "SEND")


def test_missing_and_silent_tables(tables: Tables) -> None:
    tables.join("cora", role="coordinator")
    tables.plan(FIRST_TUESDAY)
    shown = heard(tables.bench.say("cora", "/tables"), "cora")
    assert "12 municipalities have no round table" in shown
    assert "As planned:\n• Wiehl (T1): Tuesday, 1 December 2026, 18:00" in shown
    tables.at("2026-12-02 12:00")
    for day in ("2027-01-05", "2027-02-02"):
        tables.desk(f"/meeting T1 cancel {day}")
    tables.at("2027-02-01 12:00")
    assert "• Wiehl (T1): overdue since Sunday, 17 January 2027" in noted(tables.desk("/tables"))
