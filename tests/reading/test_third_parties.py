"""What gets noticed as telling who somebody is, and which harmless words must not be."""

from __future__ import annotations

import time

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.languages import LANGUAGES
from bot.reading.third_parties import Hit, Kind, find, redact
from bot.references import fresh_reference

NEIGHBOURS = (
    "Die Familie Tannenrausch, Birkenweg 12, Kennzeichen GM-XY 123, macht jede Nacht Lärm, "
    "Handy 0151 23456789, mail lisa.t@example.org"
)
SAMPLES = {
    "T01-de": (
        "Guten Tag, ich helfe im Nachbarschaftscafé. Seit etwa vier Wochen liegt immer wieder Sperrmüll vor "
        "dem Haus im Kastanienhof. Die älteren Mieter sagen, das sind die neuen Familien, und die neuen "
        "Familien sagen, die Tonnen sind viel zu klein und keiner hat ihnen die Regeln erklärt. Letzte Woche "
        'hat jemand einen Zettel an die Tür geklebt: "Hier wohnen keine Schweine". Jetzt grüßt sich keiner '
        "mehr. Ich möchte gern wissen, was man machen kann, bevor es schlimmer wird."
    ),
    "T01-ro": (
        "Bună ziua, ajut la cafeneaua de cartier. De vreo patru săptămâni apar mereu gunoaie voluminoase în "
        "fața blocului din Kastanienhof. Chiriașii mai în vârstă spun că sunt familiile noi, iar familiile "
        "noi spun că pubelele sunt prea mici și că nimeni nu le-a explicat regulile. Săptămâna trecută cineva "
        'a lipit un bilet pe ușă: "Aici nu locuiesc porci". Acum nimeni nu se mai salută. Aș vrea să știu '
        "ce se poate face înainte să se înrăutățească."
    ),
    "T02-de": (
        "Ich arbeite an einer Grundschule. Eine Familie möchte ihre Tochter nicht am Schwimmunterricht "
        "teilnehmen lassen. Das erste Elterngespräch ging schief, weil ein älterer Bruder übersetzen musste "
        "und die Lehrkraft gleich mit einem Bußgeld anfing. Der Vater sagt jetzt, die Schule respektiere die "
        "Familie nicht, die Lehrkraft sagt, sie diskutiere nicht mehr. Das Mädchen selbst möchte gern "
        "schwimmen lernen. Wir brauchen ein zweites Gespräch mit jemandem, dem beide Seiten vertrauen, am "
        "besten mit Sprachmittlung auf Dari."
    ),
    "T03-de": (
        "Ich wohne und helfe in der Unterkunft. In der Gemeinschaftsküche gibt es jeden Abend Streit zwischen "
        "Frauen aus der Ukraine und zwei Familien, die schon länger hier sind. Die anderen sagen, wir "
        "Ukrainerinnen bekommen alles schneller: Papiere, Geld, Wohnung. Inzwischen kocht jede Gruppe zu "
        "anderen Zeiten, es gibt eine Chatgruppe gegen uns und umgekehrt auch. Gestern wurden Töpfe "
        "weggeworfen. Angst um mein Leben habe ich nicht, aber die Kinder schlafen schlecht. Bitte sprechen "
        "Sie mit uns allen, nicht nur mit einer Seite."
    ),
    "T03-uk": (
        "Я живу в гуртожитку для біженців і допомагаю тут. На спільній кухні щовечора сварки між жінками з "
        "України та двома родинами, які живуть тут давніше. Вони кажуть, що ми, українки, усе отримуємо "
        "швидше: документи, гроші, житло. Тепер кожна група готує в інший час, є чат проти нас і навпаки теж. "
        "Учора викинули каструлі. За своє життя я не боюся, але діти погано сплять. Будь ласка, поговоріть з "
        "усіма нами, а не лише з одним боком."
    ),
    "T04-de": (
        'Für Samstag wird in mehreren Kanälen zu einem "Spaziergang" vor das leere Gebäude aufgerufen, in '
        "das im Januar Geflüchtete einziehen sollen. Im Kommentar stehen die Adresse einer Ehrenamtlichen und "
        'der Satz "Wir wissen, wo ihr wohnt". Zwei Ehrenamtliche haben ihre Mitarbeit schon beendet, eine '
        "Mitarbeiterin der Stadt wurde gestern am Auto bedrängt. Die Ehrenamtlichen fühlen sich von der "
        "Verwaltung allein gelassen. Polizei ist informiert. Wir brauchen heute noch eine abgestimmte Linie."
    ),
    "T05-de": (
        "Ich bin im Vorstand unseres Moscheevereins. Freitags fehlen Parkplätze, und einige Besucher stellen "
        "sich leider vor Einfahrten. Die Nachbarn haben früher mit uns geredet. Jetzt rufen sie sofort das "
        "Ordnungsamt, einer stellt absichtlich Mülltonnen auf die Straße. Ein Nachbar hat gesagt, es gehe ihm "
        "nicht um die Autos. Andere sagen ehrlich, ihnen geht es nur um die Einfahrt. Wir würden gern selbst "
        "etwas anbieten, zum Beispiel Ordner und eine Absprache mit dem Supermarkt. Wer kann ein Gespräch "
        "moderieren?"
    ),
    "T05-tr": (
        "Cami derneğimizin yönetim kurulundayım. Cuma günleri park yeri yetmiyor ve maalesef bazı "
        "ziyaretçiler garaj girişlerinin önüne park ediyor. Komşular eskiden bizimle konuşuyordu. Şimdi hemen "
        "zabıtayı arıyorlar, biri bilerek çöp kutularını yola koyuyor. Bir komşu, meselenin arabalar "
        "olmadığını söyledi. Diğerleri ise dürüstçe yalnızca garaj girişinin önemli olduğunu söylüyor. "
        "Kendimiz bir şey önermek isteriz, örneğin görevliler ve süpermarketle bir anlaşma. Bir görüşmeyi kim "
        "yönetebilir?"
    ),
}


def found(text: str) -> list[tuple[Kind, str]]:
    return [(hit.kind, hit.text) for hit in find(text)]


def test_a_report_about_neighbours_gives_five_hits_in_order() -> None:
    assert found(NEIGHBOURS) == [
        (Kind.NAME, "Tannenrausch"),
        (Kind.STREET, "Birkenweg 12"),
        (Kind.PLATE, "GM-XY 123"),
        (Kind.PHONE, "0151 23456789"),
        (Kind.EMAIL, "lisa.t@example.org"),
    ]
    assert redact(NEIGHBOURS) == ("Die Familie […], […], Kennzeichen […], macht jede Nacht Lärm, Handy […], mail […]")


def test_a_number_in_an_arabic_sentence_keeps_the_order_of_its_digits() -> None:
    text = "اتصلتُ بالرقم 02261 880 ولم يردّ أحد"
    assert find(text) == (Hit(Kind.PHONE, 14, 23, "02261 880"),)
    assert redact(text) == "اتصلتُ بالرقم […] ولم يردّ أحد"


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_a_report_without_personal_data_gives_no_hit(text: str) -> None:
    assert found(text) == []


def test_a_hit_does_not_show_its_text_in_a_log() -> None:
    assert "Kaya" not in repr(find("Frau Kaya"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.PHONE, "02261 880"),
        (Kind.PHONE, "(02261) 880"),
        (Kind.PHONE, "0151 23456789"),
        (Kind.PHONE, "0151/23456789"),
        (Kind.PHONE, "0151-234-567-89"),
        (Kind.PHONE, "015123456789"),
        (Kind.PHONE, "+49 151 234 567 89"),
        (Kind.PHONE, "+49 (0) 2261 / 88-12 34"),
        (Kind.PHONE, "0049 2261 880"),
        (Kind.PHONE, "491512345678"),
        (Kind.PHONE, "151 23456789"),
        (Kind.PHONE, "٠١٥١ ٢٣٤٥٦٧٨٩"),
        (Kind.PHONE, "۰۱۵۱ ۲۳۴۵۶۷۸۹"),
        (Kind.PHONE, "0151\u00a023456789"),
        (Kind.PHONE, "02261\u2013880"),
        (Kind.PHONE, "0151 2345678 0152 3456789"),
        (Kind.EMAIL, "lisa.t@example.org"),
        (Kind.EMAIL, "lisa+t@mail.example.org"),
        (Kind.EMAIL, "lisa (at) example.org"),
        (Kind.IBAN, "DE89 3704 0044 0532 0130 00"),
        (Kind.IBAN, "de89370400440532013000"),
        (Kind.IBAN, "GB29 NWBK 6016 1331 9268 19"),
        (Kind.PLATE, "GM-XY 123"),
        (Kind.PLATE, "GM-XY123"),
        (Kind.PLATE, "GM XY 123"),
        (Kind.PLATE, "HA-AB 12E"),
        (Kind.PLATE, "EU\u2013AB 12"),
        (Kind.BIRTH_DATE, "3.4.1990"),
        (Kind.BIRTH_DATE, "03/04/2015"),
        (Kind.BIRTH_DATE, "1990-04-03"),
        (Kind.BIRTH_DATE, "3. April 1990"),
        (Kind.BIRTH_DATE, "April 3, 1990"),
        (Kind.BIRTH_DATE, "3 Nisan 1990"),
        (Kind.BIRTH_DATE, "3 квітня 1990"),
        (Kind.BIRTH_DATE, "3 апреля 1990"),
        (Kind.BIRTH_DATE, "٣ نيسان ١٩٩٠"),
        (Kind.STREET, "Birkenweg 12"),
        (Kind.STREET, "birkenweg 12"),
        (Kind.STREET, "BIRKENWEG 12"),
        (Kind.STREET, "Birkenweg Nr. 12"),
        (Kind.STREET, "Birkenstraße 12-14"),
        (Kind.STREET, "Hauptstr. 5a"),
        (Kind.STREET, "Am Markt 3"),
        (Kind.STREET, "An der Kirche 4"),
        (Kind.STREET, "Kastanienhof 7"),
        (Kind.STREET, "Straße 12"),
        (Kind.STREET, "Berliner Straße 5"),
        (Kind.STREET, "Berliner Platz 1"),
        (Kind.STREET, "Straße der Jugend 5"),
        (Kind.STREET, "вул. Шевченка 5"),
        (Kind.STREET, "Atatürk Caddesi No: 5"),
        (Kind.STREET, "12 rue de la Paix"),
        (Kind.STREET, "Birkenweg ١٢"),
        (Kind.HANDLE, "@lisa_t"),
        (Kind.HANDLE, "@lisa:example.org"),
        (Kind.LINK, "https://example.org/a?b=c"),
        (Kind.LINK, "www.example.org"),
        (Kind.LINK, "t.me/lisa"),
        (Kind.LINK, "facebook.com/lisa"),
    ],
)
def test_the_whole_of_it_is_one_hit(kind: Kind, text: str) -> None:
    assert found(text) == [(kind, text)]
    assert found(f"Gestern ({text}), sagte er.") == [(kind, text)]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("Herr Kaya", "Herr […]"),
        ("mit Herrn Kaya.", "mit Herrn […]."),
        ("frau Yıldız-Öz sagt", "frau […] sagt"),
        ("FRAU MÜLLER", "FRAU […]"),
        ("Frau Dr. Müller", "Frau Dr. […]"),
        ("Frau Ayşe Kaya", "Frau […]"),
        ("Frau Bürgermeisterin Schmidt", "Frau Bürgermeisterin […]"),
        ("Familie von der Leyen", "Familie […]"),
        ("Fam. Kaya und Hr. Öz und Fr. Öz", "Fam. […] und Hr. […] und Fr. […]"),
        ("Herr Al-Hassan", "Herr […]"),
        ("Dr. Kaya", "Dr. […]"),
        ("Mr Smith and Mrs. Smith", "Mr […] and Mrs. […]"),
        ("the Family Kaya", "the Family […]"),
        ("Bay Kaya, Bayan Öz", "Bay […], Bayan […]"),
        ("Ali Bey ve Ayşe Hanım'a", "[…] Bey ve […] Hanım'a"),
        ("Kaya ailesi", "[…] ailesi"),
        ("госпожа Иванова", "госпожа […]"),
        ("семья Ивановых", "семья […]"),
        ("пані Коваленко і пан Шевченко", "пані […] і пан […]"),
        ("السيد أحمد", "السيد […]"),
        ("مع السيدة فاطمة الخطيب", "مع السيدة […]"),
        ("عائلة الأحمد", "عائلة […]"),
        ("آقای رضایی و خانم کریمی", "آقای […] و خانم […]"),
        ("domnul Popescu", "domnul […]"),
        ("familia Popescu", "familia […]"),
        ("pani Kowalska", "pani […]"),
        ("Madame Dupont", "Madame […]"),
        ("geb. 3.4.1990", "geb. […]"),
        ("geb. 3.4.90 in Hagen", "geb. […] in Hagen"),
        ("geboren am 3. April, glaube ich", "geboren am […], glaube ich"),
        ("das Baby, geb. 3.4.2018", "das Baby, geb. […]"),
        ("born on April 3, 1990", "born on […]"),
        ("doğum tarihi: 03.04.1990", "doğum tarihi: […]"),
        ("مواليد 3/4/1990", "مواليد […]"),
        ("Kennzeichen gm xy 123", "Kennzeichen […]"),
        ("Tel. 88 123", "Tel. […]"),
        ("110/02261 880", "110/[…]"),
        ("am Markt 3 wohnt", "[…] wohnt"),
        ("+49151234567@lisa", "[…][…]"),
        ("https://example.org/lisa.", "[…]."),
    ],
)
def test_only_what_tells_is_taken_out(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        *("3.4.2024", "03.04.2024", "vom 03.04. bis 08.04.", "01.02.-03.04.2024", "05/2024", "2024-05-03 12:30"),
        *("seit dem 24.02.2022", "3. Mai 2016", "2015", "1998 bis 2004", "seit 1990"),
        *("18:30", "08:00 - 09:30 Uhr", "08.00-09.00 Uhr", "um 20.30"),
        *("1200 Euro", "0,50 Euro", "51643 Gummersbach", "01067 Dresden"),
        *("110", "112", "110/112", "116 016", "116117", "Telefon 116 117", "08000 116 016"),
        *("0800 111 0 111", "0800 111 0 111 / 0800 111 0 222", "+49 800 1110111"),
        *("7F3K-29QX", "KA-7F3K-29QX", "2345-6789"),
        *("Frau aus der Ukraine", "die Frau und", "eine Frau von der Stadt", "Eine Familie möchte", "Frau Ende 30"),
        *("Frau Bürgermeisterin", "Frau Lehrerin", "Frau Direktorin", "Herr Pfarrer", "der Frau Hilfe geben"),
        *("Meine Damen und Herren", "pan i pani", "familia mea", "ma famille", "Çocuğun ailesi", "Bir hanım"),
        *("عائلة من سوريا", "عائلة سورية", "السيدة التي", "خانم همسایه"),
        *("Klasse 5", "In der Klasse 5", "Kastanienhof", "Altenhagen", "Altenhagen 5", "Gummersbach 3"),
        *("Reichshof 2024", "am Bahnhof 3 Jugendliche", "Spielplatz 5 Kinder", "Marktplatz 20 Leute"),
        *("am Montag 3 Leute", "Im Januar 3", "im Wald 20 Müllsäcke", "auf Platz 1", "sie sind weg 12", "gering 3"),
        *("COVID-19", "DIN A4", "SGB II 5", "SGB-II 5", "BAB A 45", "Kennzeichen", "3 Familien 1990"),
        *("@", "5 @ 3", "z.B. so", "bzw.und/oder", "www.", "https://", "", "[…]", "Familie […]"),
    ],
)
def test_harmless_words_are_no_hit(text: str) -> None:
    assert found(text) == []
    assert found(f"Ich sage: {text}, so war es.") == []


@given(st.builds(fresh_reference))
def test_a_reference_number_is_no_hit(reference: str) -> None:
    assert found(f"Meine Nummer ist {reference}.") == []


PIECES = st.sampled_from(
    [
        *(
            "Frau ",
            "Familie ",
            "Herr",
            "Dr. ",
            "Kaya",
            "K",
            " ",
            "  ",
            "\n",
            "-",
            ".",
            ",",
            "/",
            ":",
            "@",
            "+",
            "(",
            ")",
        ),
        *("[", "]", "…", "[…]", "[at]", "0", "1", "49", "0151", "23456789", "0800", "1110111", "3.4.", "1990", "2016"),
        *(
            "geb. ",
            "am ",
            "April",
            "DE89",
            "3704",
            "GM-",
            "XY ",
            "123",
            "12E",
            "Birken",
            "weg ",
            "straße ",
            "Straße der ",
        ),
        *("Am Markt ", "Hausnummer ", "Berliner ", "Platz ", "lisa", "example.org", "www.", "https://", "t.me/"),
        *("السيد ", "عائلة ", "أحمد", "خانم ", "عبد ", "٠١٥١", "۱۲", "\u200c", "\u2066", "\u2069", "\u00a0", "ـ"),
        *("пані ", "Коваленко", "вул. ", "Ali", " Bey", " ailesi", "İ", "ı", "ß", "e\u0301", "rue ", "tel "),
    ]
)
TEXTS = st.text(max_size=60) | st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=1000, deadline=None)
@given(TEXTS)
def test_nothing_is_left_to_be_found_after_redaction(text: str) -> None:
    redacted = redact(text)
    assert find(redacted) == ()
    assert redact(redacted) == redacted


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_hits_lie_in_the_text_in_order_and_apart(text: str) -> None:
    position = 0
    for hit in find(text):
        assert position <= hit.start < hit.end
        assert hit.text == text[hit.start : hit.end]
        position = hit.end


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "0 ", "0-", "a.", "a@", "@aa", "www.", "http://.", "Frau ", "Frau Frau A", "A\u200cA", "A'", "DE89 "),
        *("GM-X ", "3.4.", "geb. am ", "08008008008", "Straße ", "Straße der A", "Am Markt ", "Birkenweg 12@aa"),
        *("rue a a ", "عائلة ", "ي", "A Bey ", "a [at] a [dot] ", "+4915123456@aa", "٠", "…", "(", " "),
    ],
)
def test_no_text_keeps_it_busy(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    before = time.process_time()
    find(text)
    assert time.process_time() - before < 4


def months() -> list[str]:
    """The names of the months in every language of the bot, as people write them out or shorten them."""
    codes = {"ar_SY", "fa_AF", *(language.babel_locale for language in LANGUAGES.values())}
    return sorted(
        {
            name
            for code in codes
            for widths in Locale.parse(code).months.values()
            for width, names in widths.items()
            for name in names.values()
            if width != "narrow" and not name[0].isdigit()
        }
    )


@pytest.mark.parametrize("month", months())
def test_a_month_is_read_in_every_language(month: str) -> None:
    assert [(hit.kind, hit.text) for hit in find(f"* 3. {month} 1987")] == [(Kind.BIRTH_DATE, f"3. {month} 1987")]
