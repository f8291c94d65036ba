"""The privacy notice, short and in full, and the question that shows it once per person (Art. 13 GDPR)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from bot.commands import Button, Command, RememberPrivacyRead, Say
from bot.contact_point import Translated
from bot.engine.flow import AskAgain, Stop, Turn, ask
from bot.engine.inputs import Choice
from bot.engine.scope import Scope
from bot.flows.call import call_us
from bot.i18n import Text, _, lines, paragraphs
from bot.taxonomy import REQUESTERS


class Privacy(StrEnum):
    """What a person does after the short notice."""

    READ_ON = "READ_ON"
    FULL = "FULL"
    CALL = "CALL"


def transport_note(transport: str) -> Text:
    """Who can read along on the way, said honestly (data-protection.md 5.5)."""
    if transport == "web":
        return _("You are writing on a web page of the contact point. The connection is encrypted on the way to us.")
    if transport == "telegram":
        return _(
            "You are writing via Telegram. Telegram bots are not end-to-end encrypted: Telegram can read the messages "
            "and stores them outside our control. For very personal matters please call us."
        )
    if transport == "matrix":
        return _(
            "This Matrix chat is encrypted from end to end. Our program can read along, it has to. The servers "
            "involved can see who writes when."
        )
    if transport == "matrix_open":
        return _(
            "This Matrix chat is not encrypted: the servers involved can read it. Please switch encryption on in the "
            "settings of this chat, or call us."
        )
    return _("The messenger you write with also processes your messages, under its own responsibility.")


def privacy_short(so_far: object, scope: Scope) -> Text:
    """Five lines before the story."""
    retention = scope.contact_point.retention
    return lines(
        _("Your data – in short"),
        _("• We only need what you write to us. You do not have to give your name."),
        _("• Please do not send names, addresses or photos of other people."),
        _(
            "• Only the staff of the conflict contact point and the professionals who help can read it. Not the "
            "immigration office, the police or your employer. Exception: the law forces us, or a life is in danger."
        ),
        _("• {transport_note}", transport_note=transport_note(scope.transport)),
        _(
            "• We delete drafts after {draft} hours. We delete reports at the latest {months} months after the "
            "work has ended.",
            draft=retention.draft_hours,
            months=retention.case_months,
        ),
        _("• You can see, change or delete your data at any time: /data"),
        _("Full text: /privacy"),
    )


def privacy_full(scope: Scope) -> Text:
    """The whole notice, with the controller's own words from the contact point's file."""
    point = scope.contact_point
    privacy = point.privacy

    def said(text: Translated) -> str:
        return text.in_language(scope.language)

    retention = point.retention
    return paragraphs(
        _("Privacy notice of the conflict contact point {name}", name=point.name),
        lines(
            _("1. Who is responsible?"),
            _("{controller}, {address}", controller=said(privacy.controller), address=said(privacy.address)),
            _("Data protection officer: {officer}", officer=said(privacy.data_protection_officer)),
            _(
                "If a professional works for another organisation, that organisation shares responsibility: "
                "{agreement}",
                agreement=said(privacy.agreement),
            )
            if privacy.agreement
            else None,
        ),
        lines(
            _("2. What do we use your data for?"),
            _(
                "To read your report, to answer, to find a suitable professional, to remind you of dates and – "
                "without names – to show problems in the system."
            ),
        ),
        lines(
            _("3. On what legal basis?"),
            _(
                "A public task of the municipality (Art. 6(1)(e) GDPR with § 3 DSG NRW and {task}). For voluntary "
                "details such as call-back, reminders or specially protected details: your consent (Art. 6(1)(a), "
                "Art. 9(2)(a) GDPR). You can take it back at any time, with effect for the future.",
                task=said(privacy.task),
            ),
        ),
        lines(
            _("4. Which data?"),
            _(
                "Language, municipality, your description, your choices, and your chat account if you want an "
                "answer. Your phone number only if you give it to us for a call-back. Nothing else."
            ),
            _("From you, because you have a role here: also your name, organisation, roles, places and days away.")
            if scope.roles
            else None,
        ),
        lines(
            _("5. Who receives them?"),
            _(
                "Staff of the contact point; the responsible conflict advisor; an expert of the pool only what is "
                "needed. Steering group and round table get only numbers and topics from which nobody can be "
                "recognised. The messenger you chose processes your messages under its own responsibility; with "
                "Telegram also outside the EU."
            ),
        ),
        lines(
            _("6. How long?"),
            _("Drafts: {hours} hours", hours=retention.draft_hours),
            _("Reports that led to no case: {months} months", months=retention.report_months),
            _("Cases: {months} months after they were closed", months=retention.case_months),
            _("Chats with a person: {days} days after their end", days=retention.transcript_days),
            _("The way to reach you, and your phone number: {days} days after closing", days=retention.contact_days),
            _("Your language and this chat's address, without a report: {days} days", days=retention.chat_days),
            _(
                "Your requests to the pool: what you wrote {days} days after closing, the rest {months} months",
                days=retention.transcript_days,
                months=retention.expert_request_months,
            )
            if not REQUESTERS.isdisjoint(scope.roles)
            else None,
            _("Your roles and your name: {months} months after your last message", months=retention.account_months)
            if scope.roles
            else None,
        ),
        lines(
            _("7. Your rights"),
            _(
                "Access, correction, deletion, restriction, objection, complaint to the data protection "
                "commissioner of North Rhine-Westphalia (LDI NRW). In the chat: /data"
            ),
        ),
        lines(
            _("8. Do you have to give data?"),
            _("No. Without a contact we cannot answer you."),
        ),
        lines(
            _("9. Does a computer decide?"),
            _("No. The chat program pre-sorts. People decide."),
        ),
        lines(
            _("10. Confidentiality"),
            _(
                "Many of our professionals have a legal duty of confidentiality. We cannot promise absolute "
                "secrecy: there can be exceptions when a life is in danger or a court demands it."
            ),
        ),
    )


def _after_privacy(flow: PrivacyAsked, scope: Scope) -> Iterator[Command | Turn]:
    match flow.privacy:
        case Privacy.FULL:
            yield Say(privacy_full(scope))
            yield AskAgain()
        case Privacy.CALL:
            yield Say(
                lines(call_us(scope), _("No report was sent. I have not kept your answers.")),
                (Button("/menu", _("Menu")),),
            )
            yield Stop()
        case _:
            yield RememberPrivacyRead()


class PrivacyAsked:
    """What a flow with the privacy question has."""

    privacy: Privacy | None


def privacy_question() -> Privacy | None:
    """The question `privacy`, once per person."""
    return ask(
        privacy_short,
        Choice(
            {
                Privacy.READ_ON: _("Understood, go on"),
                Privacy.FULL: _("Read in full first"),
                Privacy.CALL: _("I would rather call"),
            }
        ),
        when=lambda so_far, scope: not scope.privacy_read,
        then=_after_privacy,
    )
