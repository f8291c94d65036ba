"""Reactions instead of buttons: which sign stands for which option, and how options stand below a message."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.channels.matrix.reading import plain_sign
from bot.channels.text import sendable
from bot.i18n import END, FIRST_STRONG, Text, _, render
from bot.languages import language_of
from bot.messages import Option, Outbound, Style, Voice
from bot.reading.words import command

SEEDED: Final = 5
"""So many answers are offered as reactions at most; of more, the number or the words are written."""
NUMBERS: Final = (*(f"{n}\ufe0f\u20e3" for n in range(1, 10)), "🔟")
CONTROLS: Final[Mapping[str, str]] = {
    "/done": "✅",
    "/skip": "⏭",
    "/send": "📨",
    "/open": "📂",
    "/take": "✋",
    "/release": "↩",
    "/talk": "💬",
    "/quiet": "🔇",
    "/close": "✅",
    "/reopen": "🔄",
}
"""Signs of commands, which mean the same everywhere."""
WORDS: Final = frozenset(
    ("/back", "/later", "/human", "/help", "/menu", "/cancel", "/change", "/discard", "/resume", "/mine")
)
"""Commands that are only named below a message, in words to be written."""


_SLASHED: Final = re.compile(r"(?<![\w/])/([^\W\d_]+)")


def in_words_of_matrix(message: Outbound, *, desk: bool = False) -> str:
    """The text, with commands as apps let people write them: they keep those with a slash for themselves.

    What people wrote is left as it is.
    """

    def named(found: re.Match[str]) -> str:
        # What the program says to people repeats their words, what it says to staff only their commands.
        if not desk and command(found[0]) is None:
            return found[0]
        return f"{FIRST_STRONG}!{found[1]}{END}" if right_to_left else f"!{found[1]}"

    ours = message.voice is not Voice.DESK and message.style in (Style.NOTICE, Style.CARD, Style.STATUS)
    # Among words from right to left the mark would stand at the wrong end.
    right_to_left = language_of(message.language or "de").direction == "rtl"
    return _SLASHED.sub(named, message.text) if ours else message.text


def signs_of(options: Sequence[Option]) -> dict[str, str]:
    """The option of each sign that is understood, by the sign as it is compared."""
    found: dict[str, str] = {}
    for number, sign in zip(_answers(options), NUMBERS, strict=False):
        found[plain_sign(sign)] = number.id
    for each in options:
        sign = _sign_of(each)
        if sign:
            found.setdefault(plain_sign(sign), each.id)
    return found


def seeds_of(options: Sequence[Option]) -> list[str]:
    """The signs that the bot puts below a message, to be tapped."""
    answers = _answers(options)
    numbers = list(NUMBERS[: len(answers)]) if len(answers) <= SEEDED else []
    return numbers + [sign for each in options[len(answers) :] if (sign := _sign_of(each))]


def _answers(options: Sequence[Option]) -> list[Option]:
    """What is numbered: the answers to a question, which stand before its commands; a number counts from the first."""
    count = len(options)
    while count and (_sign_of(options[count - 1]) or options[count - 1].id in WORDS):
        count -= 1
    return list(options[:count])


def _sign_of(option: Option) -> str:
    command, _space, argument = option.id.partition(" ")
    # "/open 7F3K-29QX" is "open" in whatever thread; "/close SOLVED" is one of several answers.
    return CONTROLS.get(command, "") if not argument or command in ("/open", "/take") else ""


def content_of(message: Outbound, text: str, msgtype: str, *, desk: bool = False) -> dict[str, Any]:
    """A message with its options below; only what is ours is formatted, what people wrote is plain.

    Which way it is to be read apps find out by its first letters: the attribute `dir` is not among those that they keep
    (Client-Server API, m.room.message msgtypes).
    """
    body = sendable(text)
    if not message.options:
        return {"msgtype": msgtype, "body": body}
    answers = _answers(message.options)
    commands = message.options[len(answers) :]
    signed = [(sign, each) for each in commands if (sign := _sign_of(each))]
    others = [each for each in commands if not _sign_of(each)]
    lines = [f"{n}. {sendable(each.label)}" for n, each in enumerate(answers, start=1)]
    items = "".join(f"<li>{_html(each.label)}</li>" for each in answers)
    named = [f"{sign} {sendable(each.label)}" for sign, each in signed]
    # At the desk a word alone is a note.
    besides = bool(answers or signed or message.ask)
    words = _words([f"!{e.id[1:]}" if desk else sendable(e.label) for e in others], message.language, besides=besides)
    lines += [" · ".join(named)] if named else []
    lines += [words] if words else []
    more = "<br>".join(_html(each) for each in (" · ".join(named), words) if each)
    formatted = f"<p>{_html(body)}</p>" + (f"<ol>{items}</ol>" if items else "") + (f"<p>{more}</p>" if more else "")
    return {
        "msgtype": msgtype,
        "body": "\n\n".join(each for each in (body, "\n".join(lines)) if each),
        "format": "org.matrix.custom.html",
        "formatted_body": formatted,
    }


def _words(words: Sequence[str], language: str, *, besides: bool) -> str:
    """`besides`: there is something else to choose, or a question to answer."""
    if not words:
        return ""
    options = " · ".join(words)
    said: Text = (
        _("Or write: {options}", options=options) if besides else _("You can write: {options}", options=options)
    )
    return render(said, language or "de")


def _html(text: str) -> str:
    return html.escape(sendable(text), quote=False).replace("\n", "<br>")
