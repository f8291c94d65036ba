"""What a person types instead of pressing a button: slash commands, and single words that stand for one (F-04).

The words below are drafts until a native speaker has checked them (W-17).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from bot.languages import LANGUAGES

COMMANDS: Final = frozenset(
    (
        *(
            "/start",
            "/menu",
            "/report",
            "/mine",
            "/human",
            "/language",
            "/help",
            "/privacy",
            "/data",
            "/withdraw",
            "/resume",
            "/away",
            "/assignments",
            "/assignment",
            "/accept",
            "/decline",
            "/ask",
            "/write",
            "/feedback",
            "/expert",
            "/mediator",
            "/requests",
            "/profile",
            "/meetings",
            "/topic",
            "/agenda",
            "/plan",
            "/attend",
            "/absent",
            "/substitute",
            "/snooze",
            "/mute",
            "/carry",
            "/minutes",
            "/release",
            "/pulse",
            "/measure",
            "/tables",
            "/nofeed",
        ),
        *("/back", "/skip", "/later", "/cancel", "/done", "/send", "/change", "/discard"),
    )
)
"""The slash commands in their one proper form."""

_SPOKEN: Final[dict[str, str]] = {
    "/menu": """
        menü, hauptmenü, menu, main menu, ana menü, قائمة, القائمة, القائمة الرئيسية, меню, головне меню,
        главное меню, главно меню, meniu, meniul principal, منو, منوی اصلی, menuya sereke, menu główne,
        menu principal, menyja, menuja""",
    "/report": """
        melden, meldung, neue meldung, etwas melden, report, new report, report something, bildir, bildirim,
        yeni bildirim, بلاغ, إبلاغ, الإبلاغ, بلاغ جديد, повідомити, нове повідомлення, сообщить, новое сообщение,
        raportează, raportare, sesizare, sesizare nouă, сигнал, нов сигнал, подай сигнал, گزارش, گزارش جدید,
        rapor, rapora nû, ragihandin, zgłoś, zgłosić, zgłoszenie, nowe zgłoszenie, signaler, signalement,
        nouveau signalement, raporto, raportim, raportim i ri""",
    "/mine": """
        meine meldungen, meine meldung, my reports, my report, bildirimlerim, بلاغاتي, мої повідомлення,
        мої звернення, мои сообщения, мои обращения, sesizările mele, rapoartele mele, моите сигнали,
        گزارش های من, raporên min, moje zgłoszenia, mes signalements, raportimet e mia""",
    "/human": """
        mensch, ein mensch, einen menschen, mensch bitte, mensch sprechen, mit mensch sprechen,
        mit einem menschen sprechen, ich möchte mit einem menschen sprechen,
        ich will mit einem menschen sprechen, kann ich mit einem menschen sprechen, person, eine person,
        mit einer person sprechen, mitarbeiter, mitarbeiterin, mit jemandem sprechen,
        human, a human, person please, human please, real person, a person, talk to a person, talk to a human,
        speak to a person, speak to a human, speak with a person, i want to talk to a person,
        i want to talk to a human, can i talk to a person, can i talk to a human,
        insan, bir insan, insanla konuş, insanla konuşmak, bir insanla konuşmak, insanla konuşmak istiyorum,
        bir insanla konuşmak istiyorum, biriyle konuşmak istiyorum, yetkili,
        إنسان, شخص, شخص حقيقي, التحدث مع شخص, التحدث إلى شخص, أريد التحدث مع شخص, أريد التحدث إلى شخص, موظف,
        людина, жива людина, поговорити з людиною, говорити з людиною, хочу поговорити з людиною,
        человек, живой человек, поговорить с человеком, говорить с человеком, хочу поговорить с человеком,
        оператор, om, persoană, o persoană, operator, să vorbesc cu o persoană, vorbesc cu o persoană,
        vreau să vorbesc cu o persoană, vreau să vorbesc cu un om,
        човек, жив човек, да говоря с човек, говоря с човек, искам да говоря с човек,
        انسان, آدم, صحبت با انسان, صحبت با یک نفر, صحبت با یک انسان, می خواهم با یک نفر صحبت کنم,
        mirov, mirovek, bi mirovekî re biaxive, ez dixwazim bi mirovekî re biaxivim,
        człowiek, osoba, z człowiekiem, rozmowa z człowiekiem, porozmawiać z człowiekiem,
        chcę porozmawiać z człowiekiem, humain, un humain, une personne, parler à une personne,
        parler à un humain, parler avec une personne, je veux parler à une personne,
        je voudrais parler à une personne, njeri, një person, flas me një person, dua të flas me një person,
        dua të flas me një njeri""",
    "/language": """
        sprache ändern, sprache wechseln, change language, dil değiştir, dili değiştir, تغيير اللغة, змінити мову,
        сменить язык, schimbă limba, смени езика, تغییر زبان, langue, changer de langue, zmień język, gjuha,
        gjuhë, ndrysho gjuhën, guhertina ziman""",
    "/help": """
        hilfe, help, yardım, مساعدة, المساعدة, допомога, довідка, помощь, справка, ajutor, помощ, کمک, راهنما,
        alîkarî, pomoc, aide, ndihmë, ndihma""",
    "/privacy": """
        datenschutz, datenschutzhinweise, privacy, privacy notice, data protection, gizlilik, veri koruma,
        خصوصية, الخصوصية, حماية البيانات, конфіденційність, захист даних, конфиденциальность, защита данных,
        confidențialitate, protecția datelor, поверителност, защита на данните, حریم خصوصی, حفاظت از داده ها,
        parastina daneyan, prywatność, ochrona danych, confidentialité, protection des données, privatësia,
        mbrojtja e të dhënave""",
    "/data": """
        daten, meine daten, my data, verilerim, بياناتي, мої дані, мои данные, datele mele, моите данни,
        داده های من, اطلاعات من, daneyên min, moje dane, mes données, të dhënat e mia""",
    "/withdraw": """
        widerruf, widerrufen, zurückziehen, meldung zurückziehen, withdraw, withdraw report, withdrawal,
        geri çek, bildirimi geri çek, سحب, سحب البلاغ, відкликати, отозвать, retrage, retragere, оттегли,
        оттегляне, پس گرفتن, paşve kişandin, wycofaj, wycofać, retirer, retrait, tërhiq, tërheqje""",
    "/back": """
        zurück, zurueck, back, go back, geri, geri dön, رجوع, عودة, العودة, назад, înapoi, بازگشت, برگشت,
        paşve, vegere, wstecz, cofnij, powrót, retour, prapa, mbrapa, kthehu""",
    "/skip": """
        überspringen, ueberspringen, skip, atla, تخطي, تخطى, تجاوز, пропустити, пропустить, sari peste, omite,
        пропусни, رد کردن, رد شدن, derbas bike, pomiń, passer, kapërce, kalo""",
    "/later": """
        später, spaeter, later, sonra, daha sonra, لاحقا, пізніше, позже, потом, mai târziu, по-късно, بعدا,
        paşê, później, plus tard, më vonë""",
    "/cancel": """
        abbrechen, abbruch, stop, stopp, cancel, iptal, iptal et, vazgeç, dur, إلغاء, توقف, скасувати, стоп,
        отмена, отменить, anulează, anulare, renunță, отказ, откажи, отмени, لغو, انصراف, betal, betal bike,
        rawestîne, anuluj, przerwij, annuler, arrêter, anulo, ndalo, ndal""",
    "/done": """
        fertig, done, finished, bitti, bitirdim, تم, انتهيت, готово, gata, تمام شد, qediya, gotowe,
        terminé, fini, mbaruar, mbarova, përfundova""",
}

_SLASH_ONLY: Final[dict[str, str]] = {
    "/mine": "meine",
    "/away": "abwesend, abwesenheit, vertretung, urlaub",
    "/expert": "fachkraft, fachkraft anfragen",
    "/mediator": "sprachmittlung, sprachmittlung anfragen",
    "/requests": "anfragen, meine anfragen",
    "/assignments": "einsätze, meine einsätze",
    "/profile": "profil, mein profil",
    "/meetings": "treffen, termine, meine termine, runder tisch, runde tische",
    "/topic": "thema, thema vorschlagen",
    "/agenda": "tagesordnung",
    "/plan": "planen, treffen planen",
    "/minutes": "protokoll",
    "/tables": "übersicht, übersicht runde tische",
    "/skip": "weiter, next, devam, التالي, далі, дальше, напред, بعدی, dalej, suivant, vazhdo",
    "/send": """
        senden, abschicken, gönder, إرسال, надіслати, отправить, trimite, изпрати, ارسال, bişîne, wyślij,
        envoyer, dërgo""",
    "/change": """
        ändern, aendern, değiştir, تغيير, змінити, изменить, modifică, промени, تغییر, biguherîne, zmień,
        modifier, ndrysho""",
    "/discard": """
        verwerfen, löschen, loeschen, sil, حذف, видалити, удалить, șterge, изтрий, jê bibe, usuń, supprimer,
        fshi""",
}
"""Words that are answers when they stand alone, but commands behind a slash."""

_ARABIC_ALIKE: Final = str.maketrans("يىكةہە", "ییکههه")
"""Letters that Arabic and Persian keyboards type differently."""

_HALF_SPACE: Final = "\u200c"
"""Persian writes it within words; many people type a space instead."""

_SLASH: Final = re.compile(r"/(?P<name>[^\s@]+)(?:@\S*)?(?P<rest>.*)", re.DOTALL)
_LONGEST: Final = 80
"""In characters; what is longer is a story."""


def command_word(text: str) -> str | None:
    """The command that a whole message means, like `/human` for "Mensch, bitte!"; None for anything else."""
    stripped = text.strip()
    if len(stripped) > _LONGEST or stripped.startswith("/"):
        return None
    return _SPOKEN_MEANING.get(_folded(stripped))


def command(text: str) -> tuple[str, str] | None:
    """A slash command in its proper form and what follows it; None for no slash or a command nobody knows.

    `/start@anlaufstelle_bot CODE` is `("/start", "CODE")`, `/Widerruf 7F3K` is `("/withdraw", "7F3K")`.
    """
    found = _SLASH.fullmatch(text.strip())
    if found is None:
        return None
    whole = found["name"] + found["rest"]
    if len(whole) <= _LONGEST and (meaning := _SLASH_MEANING.get(_folded(whole))):
        return meaning, ""
    meaning = _SLASH_MEANING.get(_folded(found["name"][:_LONGEST]))
    return (meaning, found["rest"].strip()) if meaning else None


def _folded(text: str) -> str:
    """Without case, accents and punctuation: `DİL!` and `dil` are one, so are `limbă` and `limba`."""
    letters = unicodedata.normalize("NFKD", text.casefold()).replace("ı", "i").translate(_ARABIC_ALIKE)
    return " ".join("".join(map(_plain, letters)).split())


@cache
def _plain(letter: str) -> str:
    match unicodedata.category(letter):
        case "Mn" | "Mc" | "Me":
            return ""
        case "Cf" if letter != _HALF_SPACE:
            return ""
        case category if category[0] in "LN":
            return letter
        case _:
            return " "


def _meanings(*tables: dict[str, str]) -> dict[str, str]:
    return {
        _folded(phrase): meaning
        for table in tables
        for meaning, phrases in table.items()
        for phrase in phrases.split(",")
    }


_LANGUAGE_WORDS: Final = {"/language": ",".join(word for each in LANGUAGES.values() for word in each.words)}
_SPOKEN_MEANING: Final = _meanings(_LANGUAGE_WORDS, _SPOKEN)
_SLASH_MEANING: Final = _meanings({name: name for name in COMMANDS}, _LANGUAGE_WORDS, _SPOKEN, _SLASH_ONLY)
