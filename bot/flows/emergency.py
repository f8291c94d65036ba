"""The sentences for danger: shown at once, before anything is saved, never deciding anything (F-05, F-11, F-12)."""

from __future__ import annotations

from bot.contact_point import ContactPoint
from bot.i18n import Phone, Text, _, lines, paragraphs

POLICE = Phone("110")
RESCUE = Phone("112")
COUNSELLING = (Phone("0800 111 0 111"), Phone("0800 111 0 222"), Phone("116 123"))


def emergency_line() -> Text:
    """One line that stands under the first question and in every help text."""
    return _(
        "In danger? {police} police · {rescue} ambulance. This chat is not an emergency service.",
        police=POLICE,
        rescue=RESCUE,
    )


def emergency_full() -> Text:
    """What somebody reads who says that there is danger now."""
    return paragraphs(
        lines(
            _("First: get help"),
            _("This chat is not an emergency service. Nobody here can send the police or an ambulance."),
        ),
        lines(
            _("Violence, a threat or a crime is happening now: {police} (police)", police=POLICE),
            _(
                "Someone is injured, there is a fire, a life is in danger: {rescue} (ambulance, fire service)",
                rescue=RESCUE,
            ),
            _("Both numbers are free and always open."),
        ),
        lines(
            _("Get yourself to safety. Do not step in between."),
            _(
                "You cannot speak, or your German is weak? The emergency app “nora” works without speaking. "
                "You must register beforehand."
            ),
        ),
        _("When the danger is over, you can still write to us."),
    )


def emergency_short() -> Text:
    """For somebody who is not sure, and for words that sound like danger."""
    return lines(
        _("Is somebody in danger? Please call now:"),
        _("{police} police · {rescue} ambulance and fire service", police=POLICE, rescue=RESCUE),
        _("The call is free. This chat is not the police. Get yourself to safety."),
    )


def suicide_support() -> Text:
    """Calm words for somebody who does not want to live any more (F-12)."""
    return paragraphs(
        _("Thank you for writing this. You matter, and you do not have to be alone with this now."),
        lines(
            _("If your life is in danger: {rescue}", rescue=RESCUE),
            _(
                "Somebody to talk to, day and night, free of charge: {first} · {second} · {third}",
                first=COUNSELLING[0],
                second=COUNSELLING[1],
                third=COUNSELLING[2],
            ),
        ),
        _("If you wish, a person from the contact point will also write to you. Choose “Talk to a person”."),
    )


def suicide_line() -> Text:
    """The same once more, in one line, for somebody who goes on writing."""
    return _(
        "Please talk to somebody now: {rescue} · {counselling}. Or choose “Talk to a person”.",
        rescue=RESCUE,
        counselling=COUNSELLING[0],
    )


def child_protection(contact_point: ContactPoint) -> Text:
    """For worries about a child (F-11)."""
    youth_office = contact_point.help_line("youth_office")
    return lines(
        _("If a child is in danger now: {police}.", police=POLICE),
        _(
            "If you are worried about a child: youth office {phone}. You can get advice there without giving the name.",
            phone=Phone(youth_office.numbers[0]),
        )
        if youth_office
        else None,
    )
