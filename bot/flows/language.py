"""The choice of language, by the languages' own names; the messenger's hint comes first (J-1 step 2, F-04)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bot.commands import Command, Say, SetLanguage
from bot.engine.flow import Flow, ask
from bot.engine.inputs import Pick
from bot.engine.scope import Scope
from bot.i18n import Text, _, paragraphs, verbatim
from bot.languages import LANGUAGES, language_of

IN_OTHER_WORDS: Final = verbatim(
    "Sprache · Language · Dil · لغة · Мова · Язык · Limba · Език · زبان · Ziman · Język · Langue · Gjuha"
)
"""For whoever does not read the sentence above it."""


_OWN_NAMES: Final = {code: verbatim(each.own_name) for code, each in LANGUAGES.items() if each.emergency_line}


def _offered(scope: Scope) -> Mapping[str, Text]:
    """The languages that at least the emergency line exists in, and the one that people here mostly read.

    Each by its own name, the hinted one first.
    """
    hinted, usual = scope.hinted_language, scope.contact_point.languages.default
    first = {hinted: _OWN_NAMES[hinted]} if hinted in _OWN_NAMES else {}
    return {**first, usual: verbatim(language_of(usual).own_name), **_OWN_NAMES}


class ChooseLanguage(Flow, name="language"):
    """Which language the bot speaks with this person."""

    title = _("Language")

    language: str = ask(
        lambda so_far, scope: paragraphs(
            _("Which language would you like to use?"),
            IN_OTHER_WORDS,
        ),
        Pick(_offered, columns=2),
        exits=(),
    )

    def finish(self, scope: Scope) -> Iterator[Command]:
        yield SetLanguage(self.language)
        if not language_of(self.language).complete:
            yield from not_yet_in(self.language)


def not_yet_in(code: str) -> Iterator[Say]:
    """What somebody reads whose language has no catalogue yet: the emergency line in it first (F-04)."""
    language = language_of(code)
    if language.emergency_line:
        yield Say(verbatim(language.emergency_line))
    if code == "de-simple":
        yield Say(_("I do not have all my sentences in simple words yet. I go on in German."))
        return
    yield Say(
        _(
            "I do not speak {language} yet. You can still write in {language}. We look for somebody who understands "
            "you. I go on in German here. To change it: /language",
            language=language.own_name,
        )
    )
