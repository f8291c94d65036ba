"""The languages people can read and write here: names, direction, plural forms, dates, where to fall back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from babel import Locale

from bot import pseudo

SOURCE: Final = "en"
"""The language of the sentences in the code."""

_TWO_FORMS: Final = "nplurals=2; plural=n != 1;"
_TWO_FORMS_ZERO_IS_ONE: Final = "nplurals=2; plural=n > 1;"
_EAST_SLAVIC: Final = (
    "nplurals=3; plural=n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;"
)
_INCOMPLETE: Final = ("de-simple", "de", SOURCE)


@dataclass(frozen=True, slots=True)
class Language:
    """One language a person may choose; `code` is the key that gets stored."""

    code: str
    own_name: str
    german_name: str
    """How staff reads it."""
    babel_locale: str
    """Formats numbers, dates and lists. Not a key: `str(Locale)` drops variants."""
    plural_forms: str
    """The catalogue's header; ours, because Babel writes a wrong one for Arabic and none for others."""
    date_pattern: str
    """Weekday, day, written month, year (W-16)."""
    emergency_line: str
    """Drafts until a native speaker has checked them (W-17); empty where there is none."""
    words: tuple[str, ...] = ()
    """What somebody may write to get to the choice of languages, in lower case (F-04)."""
    time_pattern: str = "HH:mm"
    comma: str = ", "
    """Between date and time."""
    direction: Literal["ltr", "rtl"] = "ltr"
    complete: bool = False
    """The gate then demands every sentence."""
    fallback: tuple[str, ...] = _INCOMPLETE
    """Where a missing sentence is looked for, in order."""

    @property
    def folder(self) -> str:
        """The name of its folder below `locales`; gettext and Babel know no hyphens."""
        return self.code.replace("-", "_")


LANGUAGES: Final[dict[str, Language]] = {
    language.code: language
    for language in (
        Language(
            code="de",
            own_name="Deutsch",
            german_name="Deutsch",
            babel_locale="de",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d. MMMM y",
            time_pattern="HH:mm 'Uhr'",
            emergency_line="Gefahr? 110 Polizei · 112 Rettung. Dieser Chat ist kein Notruf.",
            words=("sprache", "sprachen"),
            complete=True,
            fallback=(SOURCE,),
        ),
        Language(
            code="de-simple",
            own_name="Einfache Sprache",
            german_name="Einfache Sprache",
            babel_locale="de",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d. MMMM y",
            time_pattern="HH:mm 'Uhr'",
            emergency_line=(
                "Ist jemand in Gefahr? Polizei: 110 · Arzt und Feuerwehr: 112. Dieser Chat ist nicht die Polizei."
            ),
            fallback=("de", SOURCE),
        ),
        Language(
            code="en",
            own_name="English",
            german_name="Englisch",
            babel_locale="en_GB",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d MMMM y",
            emergency_line="In danger? 110 police · 112 ambulance. This chat is not an emergency service.",
            words=("language", "languages", "lang"),
            complete=True,
            fallback=(),
        ),
        Language(
            code="tr",
            own_name="Türkçe",
            german_name="Türkisch",
            babel_locale="tr",
            plural_forms=_TWO_FORMS,
            date_pattern="d MMMM y EEEE",
            emergency_line=(
                "Tehlike mi var? Polis: 110 · Ambulans ve itfaiye: 112. Bu sohbet bir acil çağrı hattı değildir."
            ),
            words=("dil",),
        ),
        Language(
            code="ar",
            own_name="العربية",
            german_name="Arabisch",
            babel_locale="ar",
            plural_forms=(
                "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;"
            ),
            date_pattern="EEEE، d MMMM y",
            comma="، ",
            emergency_line=(
                "هل هناك خطر؟ الشرطة: \u2066110\u2069 · الإسعاف والإطفاء: \u2066112\u2069."
                " هذه المحادثة ليست خدمة طوارئ."
            ),
            words=("لغة", "اللغة"),
            direction="rtl",
        ),
        Language(
            code="uk",
            own_name="Українська",
            german_name="Ukrainisch",
            babel_locale="uk",
            plural_forms=_EAST_SLAVIC,
            date_pattern="EEEE, d MMMM y 'р'.",
            emergency_line=(
                "Небезпека? Поліція: 110 · Швидка та пожежна: 112. Цей чат не є службою екстреної допомоги."
            ),
            words=("мова",),
        ),
        Language(
            code="ru",
            own_name="Русский",
            german_name="Russisch",
            babel_locale="ru",
            plural_forms=_EAST_SLAVIC,
            date_pattern="EEEE, d MMMM y 'г'.",
            emergency_line=(
                "Опасность? Полиция: 110 · Скорая и пожарные: 112. Этот чат не является экстренной службой."
            ),
            words=("язык",),
        ),
        Language(
            code="ro",
            own_name="Română",
            german_name="Rumänisch",
            babel_locale="ro",
            plural_forms="nplurals=3; plural=n==1 ? 0 : n==0 || (n%100>=1 && n%100<=19) ? 1 : 2;",
            date_pattern="EEEE, d MMMM y",
            emergency_line=(
                "Pericol? Poliția: 110 · Ambulanță și pompieri: 112. Acest chat nu este un serviciu de urgență."
            ),
            words=("limbă", "limba"),
        ),
        Language(
            code="bg",
            own_name="Български",
            german_name="Bulgarisch",
            babel_locale="bg",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d MMMM y 'г'.",
            emergency_line=(
                "Опасност? Полиция: 110 · Бърза помощ и пожарна: 112. Този чат не е служба за спешна помощ."
            ),
            words=("език",),
        ),
        Language(
            code="fa",
            own_name="فارسی / دری",
            german_name="Persisch (Farsi, Dari)",
            babel_locale="fa",
            plural_forms=_TWO_FORMS_ZERO_IS_ONE,
            date_pattern="EEEE d MMMM y",
            comma="، ",
            emergency_line=(
                "خطر؟ پلیس: \u2066110\u2069 · اورژانس و آتش\u200cنشانی: \u2066112\u2069."
                " این گفت\u200cوگو خدمات اضطراری نیست."
            ),
            words=("زبان",),
            direction="rtl",
        ),
        Language(
            code="ku",
            own_name="Kurdî (Kurmancî)",
            german_name="Kurdisch (Kurmandschi)",
            babel_locale="ku",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d'ê' MMMM'a' y'an'",
            emergency_line=("Xeter heye? Polîs: 110 · Ambulans û agirkujî: 112. Ev sohbet ne xizmeteke lezgîn e."),
            words=("ziman",),
        ),
        Language(
            code="pl",
            own_name="Polski",
            german_name="Polnisch",
            babel_locale="pl",
            plural_forms=("nplurals=3; plural=n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2;"),
            date_pattern="EEEE, d MMMM y",
            emergency_line=(
                "Niebezpieczeństwo? Policja: 110 · Pogotowie i straż: 112. Ten czat nie jest numerem alarmowym."
            ),
            words=("język", "jezyk"),
        ),
        Language(
            code="fr",
            own_name="Français",
            german_name="Französisch",
            babel_locale="fr",
            plural_forms=_TWO_FORMS_ZERO_IS_ONE,
            date_pattern="EEEE d MMMM y",
            emergency_line=(
                "Danger ? Police : 110 · Ambulance et pompiers : 112. Ce chat n’est pas un service d’urgence."
            ),
            words=("langue",),
        ),
        Language(
            code="sq",
            own_name="Shqip",
            german_name="Albanisch",
            babel_locale="sq",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d MMMM y",
            emergency_line=(
                "Rrezik? Policia: 110 · Ambulanca dhe zjarrfikësit: 112. Ky bisedim nuk është shërbim emergjence."
            ),
            words=("gjuha", "gjuhë"),
        ),
        Language(
            code="ti",
            own_name="ትግርኛ",
            german_name="Tigrinya",
            babel_locale="ti",
            plural_forms=_TWO_FORMS_ZERO_IS_ONE,
            date_pattern="EEEE፣ d MMMM y",
            comma="፣ ",
            emergency_line="",
            words=("ቋንቋ",),
        ),
    )
}

_UNSPOKEN: Final[dict[str, Language]] = {
    language.code: language
    for language in (
        Language(
            code=pseudo.CODE,
            own_name="⟦Ṕśéúḍó⟧",
            german_name="Pseudo",
            babel_locale="en_GB",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d MMMM y",
            emergency_line="",
            complete=True,
        ),
        Language(
            code=pseudo.RIGHT_TO_LEFT,
            own_name="⟦פסודו⟧",
            german_name="Pseudo von rechts",
            babel_locale="he",
            plural_forms=_TWO_FORMS,
            date_pattern="EEEE, d MMMM y",
            emergency_line="",
            direction="rtl",
            complete=True,
        ),
    )
}
"""For tests: what can be spoken without being offered to anybody."""

_TAGS: Final = {code: code for code in LANGUAGES if "-" not in code} | {
    tag: code
    for code, tags in {
        "de": "deu ger",
        "en": "eng",
        "tr": "tur",
        "ar": "ara arb acm aeb ajp apc apd ary arz",
        "uk": "ukr",
        "ru": "rus",
        "ro": "ron rum mo mol",
        "bg": "bul",
        "fa": "fas per pes prs",
        "ku": "kur kmr",
        "pl": "pol",
        "fr": "fra fre",
        "sq": "sqi alb als aln",
        "ti": "tir",
    }.items()
    for tag in tags.split()
}


def language_of(code: str) -> Language:
    """A language that somebody reads, also one that is offered to nobody; raises KeyError."""
    return LANGUAGES.get(code) or _UNSPOKEN[code]


def resolve(hint: str) -> str | None:
    """The language a messenger or browser hints at, or None; takes any tag or list of tags, well-formed or not."""
    for tag in hint[:200].lower().split(","):
        head, *rest = re.split(r"[^a-z0-9]+", tag.strip())
        code = _TAGS.get(head)
        if code == "de" and "simple" in rest:
            return "de-simple"
        if code == "ku" and {"arab", "iq", "ir"} & set(rest):
            continue  # Sorani, in Arabic letters: no help to somebody who reads that
        if code:
            return code
    return None


def name_of(code: str, reader: str) -> str:
    """A language's name as a reader of another language knows it; its own name where nobody has translated it."""
    language = language_of(code)
    if reader == "de" or code == "de-simple":
        return language.german_name
    base = language.babel_locale.partition("_")[0]
    return Locale.parse(language_of(reader).babel_locale).languages.get(base) or language.own_name
