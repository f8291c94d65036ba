"""Notices what could tell who somebody is, so that redaction can be offered before anything is kept (D-10, D-11).

It looks for patterns and knows no names: it misses some, and takes some harmless words for one. It only offers.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final

MARK: Final = "[…]"
"""Stands where something was taken out."""


class Kind(StrEnum):
    """What a hit seems to be."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"
    IBAN = "IBAN"
    PLATE = "PLATE"
    BIRTH_DATE = "BIRTH_DATE"
    NAME = "NAME"
    STREET = "STREET"
    HANDLE = "HANDLE"
    LINK = "LINK"


@dataclass(frozen=True)
class Hit:
    """One place in a text; `start` and `end` count characters of the text as it was written."""

    kind: Kind
    start: int
    end: int
    text: str = field(repr=False)


def find(text: str) -> tuple[Hit, ...]:
    """What could tell who somebody is, in the order of the text; no two hits overlap.

    Of "Frau Kaya" only the name is a hit: with "Frau […]" a text can still be understood.
    """
    spans: dict[int, tuple[Kind, int]] = {}
    rest = _levelled(text)
    # Taking out adds nothing, so what has no sign of its kind now need not be looked for at all.
    patterns = [pattern for sign, group in _PATTERNS if _compiled(sign).search(rest) for pattern in group]
    fresh = True
    # Taking something out can lay bare its neighbour: looking until nothing is left makes `redact` final.
    while fresh:
        fresh = False
        for kind, pattern, is_one in patterns:
            for start, end in [hit.span("hit") for hit in _compiled(pattern).finditer(rest) if is_one(hit["hit"])]:
                spans[start] = kind, end
                rest = f"{rest[:start]}{'…' * (end - start)}{rest[end:]}"
                fresh = True
    return tuple(Hit(kind, start, end, text[start:end]) for start, (kind, end) in sorted(spans.items()))


def finds_any(text: str) -> bool:
    """Whether there is anything; asked again and again while a flow goes on, so what was answered is kept for a while.

    By a hash: nobody's words are.
    """
    key = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    if key not in _ANSWERED:
        if len(_ANSWERED) >= ANSWERS_KEPT:
            _ANSWERED.clear()
        _ANSWERED[key] = bool(find(text))
    return _ANSWERED[key]


_ANSWERED: Final[dict[bytes, bool]] = {}
ANSWERS_KEPT: Final = 1000


def redact(text: str) -> str:
    """The text with every hit replaced by `[…]`; nothing is left to be found in it."""
    kept, position = [], 0
    for hit in find(text):
        kept += [text[position : hit.start], MARK]
        position = hit.end
    return "".join([*kept, text[position:]])


_ALIKE: Final = {
    **dict.fromkeys(map(ord, "\t\u00a0\u2007\u2009\u202f\u200e\u200f\u061c\ufeff"), " "),
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), " "),
    **{wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-"),
}


def _levelled(text: str) -> str:
    """The same text, character for character, with one kind of digit, letter, space and hyphen."""
    digits = re.sub(r"[^\D0-9]", lambda digit: str(unicodedata.decimal(digit[0])), text)
    return digits.translate(_ALIKE)


def _any(_: str) -> bool:
    return True


def _is_iban(candidate: str) -> bool:
    return sum(letter.isdigit() for letter in candidate) >= 10


def _is_private_number(candidate: str) -> bool:
    """Numbers that cost nothing are help lines, like 0800 111 0 111."""
    digits = re.sub(r"\D", "", candidate)
    return len(digits) >= 7 and not re.fullmatch(r"(?:(?:0|(?:00)?490?)800\d{7,8}){1,3}", digits)


def _words(text: str) -> str:
    """Alternatives of a pattern, the longest first; told apart by their first letter, as few places begin any."""
    rest: dict[str, list[str]] = {}
    for word in sorted(text.split(), key=len, reverse=True):
        rest.setdefault(word[0], []).append(re.escape(word[1:]))
    return "|".join(f"{first}(?:{'|'.join(endings)})" for first, endings in rest.items())


def _endings(text: str) -> str:
    """What a word must end with that has just been read, whatever its case."""
    return f"(?:{'|'.join(f'(?i:(?<={ending}))' for ending in text.split())})"


_CAPITAL: Final = "[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĞĢĪİĶĹĽŁŃŅŇŐŒŔŘŚŞŠŢŤŪŮŰŹŻŽȘȚЀ-ЯҐ]"
_IN_NAME: Final = r"[\w\u064b-\u0652\u200c'’ʼ-]"

_TOP_LEVEL: Final = _words("com de org net me info eu tv io app link at ch ru ua ro bg pl fr tr ir al")
_LINK: Final = (
    r"(?P<hit>(?:(?i:https?://|tg://|(?<!\w)www\.)"
    rf"|(?<![\w.-])(?:[\w-]++\.)++(?i:{_TOP_LEVEL})/)"
    r"[^\s\[\]…<>]*[^\s\[\]…<>.,;:!?)\"'“”«»])"
)
_EMAIL: Final = (
    r"(?<![\w.+%-])(?P<hit>[\w.+%-]++(?:@| ?[\[(](?i:at|ät)[\])] ?)"
    r"[\w-]++(?:(?:\.| ?[\[(](?i:dot|punkt)[\])] ?)[\w-]++)++)"
)
_HANDLE: Final = r"(?P<hit>@\w{2,}+(?:[.:-]\w++)*+)"
_IBAN: Final = (
    r"(?<!\w)(?P<hit>(?i:DE)[0-9]{2}(?:[ -]?[0-9]{4}){4}[ -]?[0-9]{2}"
    r"|(?i:[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30})"
    r"|[A-Z]{2}[0-9]{2}(?:[ -][A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?)(?!\w)"
)

_NO_PHONE: Final = (
    r"(?!0[0-9][./-](?:0?[1-9]|1[0-2])[./-](?:(?:19|20)[0-9]{2}|[0-9]{2})?(?![0-9])"
    r"|0[0-9] (?:0[1-9]|1[0-2]) (?:19|20)[0-9]{2}(?![0-9])"
    r"|0[0-9][./-](?:19|20)[0-9]{2}(?![0-9])|0[0-9]\.[0-5][0-9](?![0-9.])|0[0-9]\. ?-)"
)
"""Dates, months and times that begin with a nought."""
_PHONE: Final = (
    r"(?P<hit>(?:\+ ?[1-9]|(?<!\w)(?<![0-9][:.,])"
    rf"(?:{_NO_PHONE}(?:\((?=0[0-9 ]{{1,6}}\)))?0|(?:49[ /-]?)?1[567][0-9](?=[ /-]?[0-9]{{7}})))"
    r"(?:[ /().-]{0,3}[0-9]){5,}+)"
)
_PHONE_WORDS: Final = _words(
    """tel telefon telefonnummer telefonul handy handynummer mobil mobilnummer fon fax whatsapp phone telephone
    téléphone тел телефон هاتف الهاتف جوال تلفن موبایل"""
)
_PHONE_AFTER_WORD: Final = (
    rf"(?<!\w)(?i:{_PHONE_WORDS})[ .:]{{1,3}}(?P<hit>(?!11[0-9])[1-9](?:[ /-]{{0,2}}[0-9]){{3,}}+)"
)

_NO_DISTRICT: Final = _words(
    "SGB DIN ISO PKW LKW NRW BAB IM AM IN AN AB ZU UM BIS ES ER WIR ICH SIE DIE DER DAS UND VON VOM BEI MIT"
)
_PLATE: Final = (
    rf"(?<![\w-])(?!(?:{_NO_DISTRICT})\W)"
    r"(?P<hit>[A-ZÄÖÜ]{1,3}(?: ?- ?[A-Z]{1,2}[ -]?[1-9]| [A-Z]{1,2} [1-9][0-9])[0-9]{0,3}+(?: ?[EH])?)(?!\w)"
)
_PLATE_AFTER_WORD: Final = (
    r"(?<!\w)(?i:kennzeichen|nummernschild|kfz|plaka|plakası|plate|номер|لوحة|پلاک|tablica|plaque)"
    r"[ :.]{1,3}(?:(?i:ist|war|lautet) )?"
    r"(?P<hit>(?i:[A-ZÄÖÜ]{1,3}[ -]{0,3}[A-Z]{1,2}[ -]{0,2}[1-9][0-9]{0,3}(?: ?[EH])?))(?!\w)"
)

_DAY: Final = "(?:0?[1-9]|[12][0-9]|3[01])(?![0-9])"
_MONTH: Final = "(?:0?[1-9]|1[0-2])(?![0-9])"
_BIRTH_YEAR: Final = "(?:19[2-9][0-9]|200[0-9]|201[0-5])"
"""Later dates are rather when something happened."""
_YEAR: Final = "(?:19|20)[0-9]{2}"
_DAY_IN_WORDS: Final = rf"{_DAY}(?:\.|st|nd|rd|th|er)? ?(?:of |de )?"
_BIRTH_WORDS: Final = _words(
    """geb geboren geborene geborener geburtsdatum geburtstag born birth birthday dob doğum doğumlu народився
    народилася народилась народження родился родилась рождения роден родена рождение născut născută nașterii urodzony
    urodzona urodzenia né née naissance مواليد الميلاد ميلاد ولد ولدت متولد تولد lindur datëlindja jidayikbûnê"""
)


_MONTH_NAMES: Final = _words(
    """adar adr août apr april aprilie ara aralık aug august avr avril ağu ağustos berfanbar brf cot cotmeh cze
    czerwca czerwiec dec december decembrie dez dezember dhj dhjetor déc décembre eki ekim eyl eylül feb februar
    februarie february févr février gln gru grudnia grudzień gulan gush gusht haz haziran hezîran hzr ian ianuarie
    iul iulie iun iunie jan janar januar january janv janvier juil juillet juin jul juli july jun june juni kas
    kasım korr korrik kwi kwiecień kwietnia lip lipca lipiec lis listopad listopada lut lutego luty mai maj maja mar
    marca march mars mart martie marzec may mayıs mijdar mjd mär märz nis nisan noiembrie nov november novembre nsn
    nën nëntor nîsan oca ocak oct october octobre octombrie okt oktober paź październik października pri prill qer
    qershor rbn rêbendan sbt sep sept september septembre septembrie shk shkurt sht shtator sibat sie sierpień
    sierpnia sty styczeń stycznia tbx tebax tem temmuz tet tetor trm tîrmeh wrz wrzesień września îln îlon şub şubat
    авг август августа апр апрель апреля април бер березень березня вер вересень вересня груд грудень грудня дек
    декабрь декабря декември жовт жовтень жовтня июл июль июля июн июнь июня квіт квітень квітня лип липень липня
    лист листопад листопада лют лютий лютого май мар март марта мая ное ноември нояб ноябрь ноября окт октомври
    октябрь октября сент сентябрь сентября сеп септември серп серпень серпня січ січень січня трав травень травня
    фев февр февраль февраля февруари черв червень червня юли юни янв январь января яну януари آب آذار آوریل أبريل
    أغسطس أكتوبر أيار أيلول اوت اپریل اکتبر اکتوبر اگست تشرين_الأول تشرين_الثاني تموز جنو جنوری جول جولای جون حزيران
    دسامبر دسم دسمبر ديسمبر سبتمبر سپتامبر سپتمبر شباط فبراير فبروری فوریه فوریهٔ كانون_الأول كانون_الثاني مارس مارچ
    مايو مه مهٔ می نوامبر نوفمبر نومبر نيسان يناير يوليو يونيو ژانویه ژانویهٔ ژوئن ژوئیه ژوئیهٔ ለካ ለካቲት ሓም ሓምለ ሕዳ
    ሕዳር መስ መስከረም መጋ መጋቢት ሚያ ሚያዝያ ሰነ ታሕ ታሕሳስ ነሓ ነሓሰ ጉንበት ግን ጥሪ ጥቅ ጥቅምቲ"""
).replace("_", " ")
"""In every language, as people write them out or shorten them; `_` is a blank."""

_FULL_DATE: Final = (
    rf"(?<![0-9.])(?P<hit>{_DAY} ?[./-] ?{_MONTH} ?[./-] ?{_BIRTH_YEAR}"
    rf"|{_BIRTH_YEAR}[./-]{_MONTH}[./-]{_DAY}"
    rf"|{_DAY_IN_WORDS}(?i:{_MONTH_NAMES})\.?,? {_BIRTH_YEAR}"
    rf"|(?<!\w)(?i:{_MONTH_NAMES}) {_DAY_IN_WORDS},? {_BIRTH_YEAR})(?![0-9])"
)
_DATE_OF_BIRTH: Final = (
    rf"(?<!\w)(?i:{_BIRTH_WORDS})"
    r"(?:[ .:,]{1,3}(?i:am|den|on|in|ist|tarihi|tarihli|в|на|la|pe|le|w|dnia|në|më|di)){0,2}[ .:,]{1,3}"
    rf"(?P<hit>{_DAY} ?[./-] ?{_MONTH}(?: ?[./-] ?(?:{_YEAR}|[0-9]{{2}})|\.)|{_YEAR}[./-]{_MONTH}[./-]{_DAY}"
    rf"|{_DAY_IN_WORDS}(?i:{_MONTH_NAMES})(?!\w)(?:\.?,? {_YEAR})?"
    rf"|(?i:{_MONTH_NAMES}) {_DAY}(?:st|nd|rd|th)?(?:,? {_YEAR})?)(?![0-9])"
)

_COUNTED: Final = _words(
    """uhr euro eur mal km m prozent meter tage tagen wochen monate monaten jahre jahren stunden minuten leute leuten
    kinder kindern jugendliche jugendlichen männer männern frauen familien personen menschen autos nachbarn
    flüchtlinge geflüchtete geflüchteten schüler mädchen jungs jungen mieter parteien wohnungen häuser tonnen
    mülltonnen hunde people children families kişi aile человек людей"""
)
_NUMBER: Final = (
    r"(?:,? {0,2}(?i:nr|no|nummer|hausnummer|hausnr)\.?:?)? {0,2}[1-9][0-9]{0,2}(?: ?[a-hA-H](?!\w))?+"
    r"(?:[-/+][0-9]{1,3}[a-hA-H]?)?+(?!\w)(?![.,:][0-9])"
    rf"(?! ?(?:(?i:{_COUNTED})(?!\w)|[€%]))"
)
_NO_STREET: Final = _words(
    """bahnhof hauptbahnhof busbahnhof friedhof schulhof innenhof hinterhof bauernhof pausenhof reichshof bischof
    spielplatz parkplatz sportplatz fußballplatz bolzplatz arbeitsplatz schlafplatz stellplatz kitaplatz schulplatz
    sitzplatz grillplatz campingplatz schulweg heimweg gehweg radweg fußweg ausweg umweg rückweg hinweg vorweg
    durchweg feldweg waldweg unterweg platz hof weg park markt ring garten höhe winkel zeile heide damm ufer wiese
    wiesen graben siedlung brücke supermarkt flohmarkt wochenmarkt weihnachtsmarkt baumarkt arbeitsmarkt
    wohnungsmarkt kindergarten schrebergarten marienheide freizeitpark skatepark stadtpark hering gering"""
)
_ENDINGS: Final = _endings("straße strasse str weg allee gasse platz hof")
_ENDINGS_OF_NOUNS: Final = _endings(
    """ring damm ufer chaussee promenade pfad stieg kamp siedlung wiese wiesen heide markt park graben winkel zeile
    garten brücke höhe"""
)
_ENDINGS_OF_PLACES: Final = _endings(
    """markt bach berg hang wald park ring teich see hof platz weg schloss schloß rathaus feld felde tor wall graben
    ufer anger kamp brunnen stein winkel grund tal wiese wiesen garten gärten busch eck brücke mühle kirche linde
    linden höhe aue heide born steg damm acker halde bruch"""
)
_AT: Final = (
    "am|an der|an den|im|in der|in den|auf dem|auf der|auf den|zum|zur|unter den|hinter der|hinter dem|"
    "vor dem|vor der|bei der|beim"
)
_STREET: Final = (
    rf"(?<![\w-])(?P<hit>(?:(?!(?i:{_NO_STREET})(?![\w-]))"
    rf"(?:[\w-]++{_ENDINGS}|{_CAPITAL}[\w-]++{_ENDINGS_OF_NOUNS})"
    rf"|{_CAPITAL}[\w-]++{_endings('er e en es s')} "
    r"(?i:platz|hof|weg|park|markt|ring|garten|höhe|straße|strasse|str|gasse|allee|damm|ufer|graben|brücke)(?!\w)"
    rf")\.?(?: (?:des|der|am|an der) {_CAPITAL}[\w-]++)?{_NUMBER}"
    r"|(?i:hausnummer|hausnr\.?) {0,2}[1-9][0-9]{0,2}[a-h]?(?!\w))"
)
_STREET_AT: Final = rf"(?<![\w-])(?P<hit>(?i:{_AT}) {_CAPITAL}[\w-]++{_ENDINGS_OF_PLACES}{_NUMBER}(?! {_CAPITAL}))"
_STREET_ELSEWHERE: Final = (
    r"(?<![\w-])(?P<hit>(?:(?i:вул|ул|ul|str|sok|cad)\. ?"
    r"|(?i:улица|улице|вулиця|вулиці|strada|ulica|ulicy|rue|شارع|خیابان) )[^\W\d]++(?: [^\W\d]++){0,2}?,? ?"
    r"(?:(?i:nr|no|д|буд|№|رقم)[.:]{0,2} ?)?[1-9][0-9]{0,2}[a-hа-д]?(?!\w)"
    rf"|{_CAPITAL}[\w-]++ (?i:sokak|sokağı|caddesi|cad\.|sok\.) ?(?:(?i:no)[.:]{{0,2}} ?)?[1-9][0-9]{{0,2}}(?!\w)"
    r"|[1-9][0-9]{0,2},? (?:(?i:rue|avenue) (?:de (?:la )?|du |des )?[^\W\d]++"
    rf"|{_CAPITAL}[\w-]++ (?:Street|Road|Lane|Avenue))(?!\w))"
)

_TITLES: Final = _words(
    """herr herrn frau familie familien fam. hr. fr. dr. prof. mr mr. mrs mrs. ms ms. miss mister family
    bay bayan sayın госпожа госпожу госпожи госпоже господин господина господину г-н г-жа семья семьи семью семье
    семейство пані пан пана пану сім'я сім’я сім'ї родина родини domnul domnului doamna doamnei domnișoara dl dl.
    dna d-na familia familiei pan pana panu panem pani panią państwo rodzina rodziny rodzinę
    monsieur madame mademoiselle mme mlle famille zoti zonja familja familjes birêz malbata xanim"""
)
_ROLE_WORDS: Final = _words(
    """oberbürgermeister bürgermeister lehrer schulleiter direktor rektor nachbar doktor dr prof professor minister
    präsident landrat landrät pfarrer pastor imam kolleg chef hausmeister leiter erzieher sozialarbeiter polizist
    dolmetscher anwält ärzt arzt betreuer vermieter director teacher mayor doctor müdür öğretmen dyrektor
    директор учитель вчитель доктор directrice directeur maire"""
)
_ROLE: Final = rf"(?i:{_ROLE_WORDS})(?i:in|innen|e|en|n|ka|ca)?\.?(?!\w)"
_NO_NAME: Final = _words(
    """und oder aus die der das den dem ein eine einer ist hat war in im mit von vom zu ich sie wir er es ihr aber
    auch wer wo was wie nicht hilfe geld angst probleme problem streit papiere wohnung arbeit essen kinder zeit recht
    rat deutsch sachen polizei bescheid möbel gewalt ärger schutz unterstützung besuch post müll lärm drohungen
    damen herren wochen jahre uhr ende mitte anfang termin morgen mittag nachmittag abend nacht stadt caritas
    diakonie awo verwaltung behörde ausländerbehörde schule kita gemeinde kirche nachbarschaft feuerwehr presse
    zeitung ordnungsamt jugendamt jobcenter beratung beratungsstelle unterkunft
    and or the from with who is has members ve ile bir и або та і й з с или que qui et de la le şi și cu i z w o"""
)
_NAME: Final = (
    r"(?:(?i:von der|von dem|von|van|de la|de|du|di|da|al|el|bin|ibn|abu)[ -])?"
    rf"(?!(?i:{_NO_NAME})(?![\w-]))(?!{_ROLE}){_CAPITAL}{_IN_NAME}*+"
)
_NAME_AFTER_TITLE: Final = (
    rf"(?<![\w-])(?i:{_TITLES}) {{1,2}}(?:{_ROLE} {{1,2}}){{0,2}}(?P<hit>{_NAME}(?: {_NAME}){{0,2}})"
)
_NO_TURKISH_NAME: Final = _words(
    "bir bu şu o her sayın bay bayan komşu kendi diğer yaşlı genç küçük büyük öğrenci kız erkek ev"
)
_NAME_BEFORE_TITLE: Final = (
    rf"(?<!{_IN_NAME})(?!(?i:{_NO_TURKISH_NAME})(?!\w))"
    rf"(?P<hit>{_CAPITAL}{_IN_NAME}*+(?: {_CAPITAL}{_IN_NAME}*+)?)"
    r"(?: (?i:bey|hanım|hanim)(?:i|in|e|le|den|dan|ın|a|la)?|(?<![nN]) ailesi\w{0,4})(?!\w)"
)
"""A word that ends with an n before "ailesi" rather says whose family it is: "Çocuğun ailesi"."""
_NO_ARABIC_NAME: Final = _words(
    """من في على مع إلى الى عن هي هو التي الذي كانت كان لا لم ما او أو هنا هناك لديها لديه عندها كبيرة صغيرة جديدة
    أخرى اخرى واحدة فقيرة كاملة لاجئة تعيش تسكن العجوز المسؤولة المسؤول المدير المديرة المعلم المعلمة الجار الجارة
    الزوج الزوجة الطفل الطالب"""
)
_NAME_IN_ARABIC: Final = (
    r"(?<!\w)(?:[وفبك]?السيد[ةه]?|و?للسيد[ةه]?|[وفبلك]?عائل[ةه](?! {1,2}\w*ي[ةه](?!\w))) {1,2}"
    rf"(?!(?:{_NO_ARABIC_NAME})(?!\w))"
    rf"(?P<hit>(?:(?:عبد|أبو|ابو|أم|ابن|بن|آل) )?{_IN_NAME}++(?: ال{_IN_NAME}++)?)"
)
_NO_PERSIAN_NAME: Final = _words(
    """من ما شما او که از در با به را و یا است بود هم همسایه معلم مدیر دکتر ها های ای یک این آن دیگر جدید سوری
    افغان افغانستانی ایرانی اوکراینی بزرگ کوچک"""
)
_NAME_IN_PERSIAN: Final = (
    r"(?<!\w)(?:[آا]قای|خانم|خانواد[هۀ](?:\u200c?ی)?) {1,2}"
    rf"(?!(?:{_NO_PERSIAN_NAME})(?!\w))(?P<hit>{_IN_NAME}++)"
)

_PATTERNS: Final[tuple[tuple[str, tuple[tuple[Kind, str, Callable[[str], bool]], ...]], ...]] = (
    (r"/|(?i:www)\.", ((Kind.LINK, _LINK, _any),)),
    (r"[@\[(]", ((Kind.EMAIL, _EMAIL, _any),)),
    ("@", ((Kind.HANDLE, _HANDLE, _any),)),
    (
        "[0-9]",
        (
            (Kind.IBAN, _IBAN, _is_iban),
            (Kind.BIRTH_DATE, _FULL_DATE, _any),
            (Kind.BIRTH_DATE, _DATE_OF_BIRTH, _any),
            (Kind.PHONE, _PHONE, _is_private_number),
            (Kind.PHONE, _PHONE_AFTER_WORD, _any),
            (Kind.PLATE, _PLATE, _any),
            (Kind.PLATE, _PLATE_AFTER_WORD, _any),
            (Kind.STREET, _STREET, _any),
            (Kind.STREET, _STREET_AT, _any),
            (Kind.STREET, _STREET_ELSEWHERE, _any),
        ),
    ),
    (" ", ((Kind.NAME, _NAME_AFTER_TITLE, _any),)),
    (" (?i:bey|hanım|hanim|ailesi)", ((Kind.NAME, _NAME_BEFORE_TITLE, _any),)),
    ("[\u0600-\u06ff]", ((Kind.NAME, _NAME_IN_ARABIC, _any), (Kind.NAME, _NAME_IN_PERSIAN, _any))),
)
"""What to look for, after the sign without which none of it can be there.

Each in time linear in the text, for anybody may send anything; what is found earlier cannot be found again.
"""

_compiled: Final = cache(re.compile)
