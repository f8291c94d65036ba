"""Every word the page itself shows; all else on it is said by people or by the bot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.i18n import Text, _, render

# A value that looks like {n} stays in the rendered label, and the page fills it in.
LABELS: Final[Mapping[str, Text]] = {
    "start": _("Start"),
    "message": _("Message"),
    "send": _("Send"),
    "attach": _("Attach"),
    "photo": _("Photo"),
    "voice": _("Voice message"),
    "video": _("Video"),
    "document": _("Document"),
    "location": _("Location"),
    "contact": _("Contact"),
    "sticker": _("Sticker"),
    "download": _("Download"),
    "more": _("More"),
    "edit": _("Edit"),
    "edited": _("edited"),
    "editing": _("You are changing your message"),
    "answering": _("You are answering"),
    "copy": _("Copy"),
    "cancel": _("Cancel"),
    "retry": _("Try again"),
    "waiting": _("Not sent yet"),
    "stored": _("Arrived"),
    "handled": _("Processed"),
    "failed": _("Not sent"),
    "typing": _("Please wait a moment"),
    "chosen": _("Chosen"),
    "choices": _("Choices"),
    "messages": _("Messages"),
    "newer": _("To the newest message"),
    "step": _("Question {done} of {all}", done="{done}", all="{all}"),
    "program": _("Program"),
    "human": _("A person at the contact point"),
    "connecting": _("No connection. Trying again …"),
    "language": _("Language"),
    "appearance": _("Light or dark"),
    "too_fast": _("That was very fast. Please wait a moment, then send it again."),
    "too_big": _("The file is too big. Six megabytes are possible."),
    "not_now": _("That did not work. We are trying again."),
    "phone": _("Phone"),
    "phones": _("Phones"),
    "new_phone": _("New phone"),
    "phone_number": _("Phone {n}", n="{n}"),
    "desk": _("Desk"),
    "room": _("Room"),
    "cases": _("Cases"),
    "no_cases": _("No case is open yet."),
    "choose_case": _("Choose a case."),
    "case": _("Case {ref}", ref="{ref}"),
    "back": _("Back"),
    "card": _("Case card"),
    "unread": _("{n} new", n="{n}"),
    "note": _("Note"),
    "note_stays": _("Note – stays here"),
    "stays": _("stays here"),
    "reply": _("Reply"),
    "goes_out": _("goes to the person"),
    "goes": _("goes out"),
    "from_person": _("From the person"),
    "talking": _("Live chat: what you write here goes to the person at once."),
    "other_talks": _("{name} is in a live chat with the person.", name="{name}"),
    "command": _("Command – stays here"),
    "end_talk": _("End live chat"),
    "you_are": _("You are"),
    "your_name": _("Your name, as your colleagues know it"),
    "staff_key": _("Key of the desk"),
    "enter": _("Enter"),
    "wrong_key": _("This key does not fit."),
    "clock": _("Time of the demo"),
    "ten_minutes": _("+ 10 min"),
    "one_hour": _("+ 1 h"),
    "one_day": _("+ 1 day"),
    "next_service": _("To the next service time"),
}

ROLES: Final[Mapping[str, Text]] = {
    "volunteer": _("Volunteer"),
    "neighbour": _("Neighbour"),
    "teacher": _("Teacher"),
    "case-manager": _("Case manager"),
    "mediator": _("Mediator"),
    "round-table": _("Round table"),
}
"""The people of the demo: roles, nobody in particular. The key is the chat."""

STAFF: Final[Mapping[str, Text]] = {
    "staff-a": _("Staff member A"),
    "staff-b": _("Staff member B"),
}


def labels(language: str) -> dict[str, str]:
    """All labels in this language."""
    return {name: render(text, language) for name, text in LABELS.items()}
