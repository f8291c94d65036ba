"""The keyword nets: what they catch, and the harmless words that look like it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from itertools import zip_longest
from random import Random
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reading.keywords import KeywordsError, Notice, load, notices

TABLES = tomllib.loads(files("bot.reading").joinpath("keywords.toml").read_text("utf-8"))
OFF_TOPIC = {notice for notice in Notice if notice.startswith("off_topic")}

WORDING = {
    "de": "messer, waffe, pistole, umbringen, töten, abstechen, erschießen, erschossen, suizid, selbstmord, "
    "sich das leben nehmen, brand, es brennt, feuer gelegt, bewusstlos, blutet, vergewaltigt, geisel, entführt, "
    "bedroht mich",
    "en": "knife, gun, weapon, kill, stab, shoot, suicide, end my life, fire, unconscious, bleeding, rape, "
    "kidnapped, hostage",
    "tr": "bıçak, silah, öldürecek, vuracak, intihar, yangın, bayıldı, kanıyor, tecavüz, rehin",
    "ar": "سكين, سلاح, قتل, يقتل, طعن, انتحار, حريق, نزيف, مغمى عليه, اغتصاب, رهينة",
    "uk": "ніж, зброя, вб'ю, вбити, самогубство, пожежа, кров, непритомний, зґвалтування, заручник",
    "ru": "нож, оружие, убью, убить, самоубийство, пожар, кровь, без сознания, изнасилование, заложник",
    "ro": "cuțit, armă, omoară, omor, înjunghiat, sinucide, incendiu, foc, sângerează, inconștient, viol, ostatic",
    "bg": "нож, оръжие, ще убия, убийство, самоубийство, пожар, кърви, в безсъзнание, изнасилване",
    "fa": "چاقو, اسلحه, می‌کشم, کشتن, خودکشی, آتش, خونریزی, بیهوش, تجاوز",
    "ku": "kêr, bi çek, kuştin, bikuje, xwekuştin, agir ket, xwîn, bêhiş, tecawiz",
    "pl": "nóż, broń, zabije, zabić, samobójstwo, pożar, krwawi, nieprzytomny, gwałt",
    "fr": "couteau, une arme, tuer, suicide, incendie, saigne, inconscient, viol, violée, otage",
    "sq": "thikë, armë, vrasin, vetëvrasje, zjarr, gjak, pa ndjenja, përdhunim",
}
"""Wording, section 4.6; words that are harmless in another language with the word beside them that tells."""


def examples(entry: str) -> Iterator[str]:
    """What a person may write so that the entry is met: every alternative once, with and without a gap."""
    slots = [[word.strip("*") for word in part.split("/")] for part in entry.split() if part != "…"]
    for chosen in zip_longest(*slots):
        words = [word or slot[0] for word, slot in zip(chosen, slots, strict=True)]
        yield " ".join(words)
        if "…" in entry:
            filled = iter(words)
            yield " ".join("eins zwei drei" if part == "…" else next(filled) for part in entry.split())


LISTED = {
    (notice, language): [example for entry in lists["words"] for example in examples(entry)]
    for notice in Notice
    for language, lists in TABLES[notice].items()
}


@pytest.mark.parametrize(("notice", "language"), LISTED)
def test_every_listed_word_fires_alone_in_any_case(notice: Notice, language: str) -> None:
    before = "Termin " if notice in OFF_TOPIC else ""
    missed = [
        written
        for example in LISTED[notice, language]
        for written in (example, example.upper(), f"„{example.capitalize()}“, {example}!")
        if notice not in notices(before + written)
    ]
    assert not missed


@pytest.mark.parametrize("language", WORDING)
def test_the_list_of_the_wording_is_caught(language: str) -> None:
    missed = [word for word in WORDING[language].split(", ") if Notice.EMERGENCY not in notices(word)]
    assert not missed


HARMLESS = """
Die Messerschmiede liegt neben der Messe, dort gibt es Waffeln und eine Waffel für jeden.
Beim Feuerwehrfest in der Brandschutzhalle gab es nur ein bisschen Streit um die Musik.
Der Brandschutz und der Durchmesser der Rohre wurden besprochen.
Ich bin totmüde und todmüde, es war ein Mordsspaß.
Wir haben im Kurs das Schusswaffengesetz diskutiert.
Angst um mein Leben habe ich nicht, wir haben keine Angst um unser Leben.
Bitte Messer und Gabel mitbringen. Der Lärm bringt uns um den Schlaf.
Melden Sie sich beim Stab der Stadt, wir wissen, wo es brennt.
Arme Familien haben neue Schuhe bekommen, ich tue was ich kann.
Die Jugendlichen haben im Park ein Tor geschossen.
Die Kinder haben sich auf dem Schulhof geschlagen, dann haben sie sich vertragen.
Wir schlagen vor, die Kinder gemeinsam abzuholen.
Ich will nicht sterben vor Langeweile. Ich möchte hier nicht mehr leben.
Ich schreibe Ihnen, weil die Tonnen voll sind.
The fire drill was loud and two people were fired. We killed time with a killer sandwich.
A brand new fire extinguisher, knife and fork, and a photo shoot.
I was not afraid for my life. I don't want to live here any more.
Konuşmada vurgu yaptı, vurgulamak istedi, vurdumduymaz biri. Her gun park ediyorlar. Bir çek yazdı.
Băiatul cântă la vioară, are o rochie violet și apoi a fost foc de artificii.
Elle joue du violon, sa robe est violette, il faut agir ensemble, la violence nous inquiète.
Ils ont violé le règlement de la maison. C'est un biais inconscient.
Вони отримують більше ніж ми, швидше, ніж інші. За своє життя я не боюся. Діти граються з ножицями.
Они пришли, чтобы убить время, и купили ножницы. Я не хочу умереть.
Деца се бият за топката. Беше убийствена жега.
Broń Boże, to nie straż pożarna. Gwałtowna burza. Dzieci się biją o piłkę.
عندنا سكينة وإصلاح في البيت، ونحن نحب الجيران.
خجالت می‌کشم و زحمت می‌کشم. دیروز ماشین آتش‌نشانی آمد. بچه حرف می‌زند.
Fëmijët pinë ujë. Zjarrfikësit erdhën për stërvitje.
Zarok li baxçeyê dilîzin, lê dengê wan bilind e.
"""


@pytest.mark.parametrize("text", HARMLESS.strip().splitlines())
def test_words_that_only_look_alike_say_nothing(text: str) -> None:
    assert not notices(text)
    assert not notices(text.upper())


def told(text: str) -> set[Notice]:
    return set(notices(text))


@pytest.mark.parametrize(
    "text",
    [
        "Er hat mich mit einem Messer verletzt",
        "Im Kommentar steht der Satz „Wir wissen, wo ihr wohnt“.",
        "Eine Mitarbeiterin der Stadt wurde gestern am Auto bedrängt.",
        "Ich habe Angst um mein Leben",
        "ER BRINGT MICH UM",
        "Es bren\u00adnt!",
        "Erst lag da Messer und Gabel, dann nahm er das Messer",
        "Он сказал: убью!",
        "вб'ю",
        "вб’ю",
        "вбʼю",
        "ВБ`Ю",
        "İNTİHAR etti",
        "YANGIN var",
        "yangin var",
        "معه سِكِّين",
        "معه سكـــين",
        "هاجمني بسكين",
        "والسلاح معه",
        "من را می کشد با چاقو",
        "می\u200cکشم",
        "ﺳﻼﺡ",
        "are un cuţit",
        "il a pris l’arme",
    ],
)
def test_danger_is_heard(text: str) -> None:
    assert Notice.EMERGENCY in notices(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ich kann nicht mehr. Am liebsten wäre ich tot.",
        "Ich will nicht mehr leben",
        "I don’t want to live anymore",
        "Artık yaşamak istemiyorum",
        "لا أريد أن أعيش",
        "Я не хочу більше жити",
        "Я не хочу жить",
        "Nu mai vreau să trăiesc",
        "Не искам да живея",
        "دیگر نمی‌خواهم زندگی کنم",
        "Ez naxwazim bijîm",
        "Nie chcę już żyć",
        "Je ne veux plus vivre",
        "Nuk dua të jetoj",
    ],
)
def test_a_wish_to_die_gets_the_calm_text_alone(text: str) -> None:
    assert told(text) == {Notice.SUICIDE}


@pytest.mark.parametrize(
    "text",
    [
        "Im Kurs erzählt ein Junge, dass er zu Hause geschlagen wird. Ich bin nur Ehrenamtliche, was soll ich tun?",
        "Die Kinder werden vernachlässigt",
        "Der Vater schlägt seine kleine Tochter",
        "A boy told me he is beaten at home",
        "Komşum çocuğunu dövüyor",
        "الجار يضرب أطفاله",
        "Сусід б’є дитину",
        "Отец бьёт ребёнка",
        "Tatăl bate copilul",
        "Бащата бие детето",
        "پدرش او را در خانه کتک می‌زند",
        "Sąsiad bije dziecko",
        "Il frappe son enfant",
        "Babai rreh fëmijën",
    ],
)
def test_a_child_in_danger_gets_the_text_on_children(text: str) -> None:
    assert told(text) == {Notice.CHILD}


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        (
            "Wann bekomme ich einen Termin bei der Ausländerbehörde für meine Fiktionsbescheinigung?",
            Notice.OFF_TOPIC_RESIDENCE,
        ),
        ("Ausländerbehörde'den nasıl randevu alırım?", Notice.OFF_TOPIC_RESIDENCE),
        ("كيف أجدد تصريح الإقامة؟", Notice.OFF_TOPIC_RESIDENCE),
        ("Как продлить вид на жительство?", Notice.OFF_TOPIC_RESIDENCE),
        ("Wie beantrage ich Kindergeld?", Notice.OFF_TOPIC_BENEFITS),
        ("Як отримати допомогу на дітей?", Notice.OFF_TOPIC_BENEFITS),
        ("Comment demander les allocations familiales ?", Notice.OFF_TOPIC_BENEFITS),
        ("Wo muss ich mein Kind für die Grundschule anmelden?", Notice.OFF_TOPIC_ENROLMENT),
        ("Cum pot să înscriu copilul la școală?", Notice.OFF_TOPIC_ENROLMENT),
    ],
)
def test_a_question_for_another_office_is_told_so(text: str, notice: Notice) -> None:
    assert told(text) == {notice}


@pytest.mark.parametrize(
    "text",
    [
        "Ich habe Streit mit der Ausländerbehörde wegen eines Termins für die Fiktionsbescheinigung.",
        "Wann bekomme ich einen Termin bei der Ausländerbehörde? Der Mann am Schalter war unfreundlich.",
        "Beim Termin im Jobcenter wurde ich beleidigt.",
        "Wo kann ich mich über das Jobcenter beschweren? Eine Beschwerde hat niemand angenommen.",
        "Jobcenter'de randevu alırken bana hakaret ettiler.",
        "Die anderen sagen, wir bekommen schneller Bürgergeld und Papiere.",
        "Das Jobcenter liegt gegenüber. Wann spricht endlich jemand mit uns allen?",
    ],
)
def test_a_conflict_with_an_office_is_no_question_for_it(text: str) -> None:
    assert told(text) == set()


def test_who_is_in_danger_is_not_sent_to_another_office() -> None:
    assert told("Wann bekomme ich einen Termin im Jobcenter? Er hat ein Messer.") == {Notice.EMERGENCY}


SMALL = """
[emergency.de]
words = ["wurde … bedrängt", "kind/sohn schlagen", "messer", "*anschlag", "mord*"]
except = ["messer und gabel", "vorschlag", "rat … anschlag"]
[suicide.de]
words = ["lebensmüde"]
[child.de]
words = ["kindeswohl"]
[off_topic_residence.de]
words = ["visum"]
[off_topic_benefits.de]
words = ["jobcenter"]
[off_topic_enrolment.de]
words = ["kitaplatz"]
[asking.de]
words = ["wann"]
[conflict.de]
words = ["streit"]
"""


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("sie wurde eins zwei drei vier fünf sechs sieben bedrängt", True),
        ("sie wurde eins zwei drei vier fünf sechs sieben acht bedrängt", False),
        ("Sie wurde laut. Bedrängt fühlte sich niemand.", False),
        ("Sohn schlagen", True),
        ("Sohn nicht schlagen", False),
        ("Brandanschlag", True),
        ("Anschlagtafel", False),
        ("Mordversuch", True),
        ("Messer, und Gabel", False),
        ("Messer. Und Gabel", True),
        ("Messer und Gabel und noch ein Messer", True),
        ("der Rat sieht einen Anschlag", False),
    ],
)
def test_stems_gaps_alternatives_and_exceptions(text: str, heard: bool) -> None:
    assert (Notice.EMERGENCY in load(SMALL).notices(text)) is heard


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('"messer"', '"mes*ser"', "[emergency.de] 'mes*ser'"),
        ('"messer"', '"me*"', "at least 3 letters"),
        ('"messer"', '"*messer*"', "one end"),
        ('"messer"', '"messer?"', "'messer?'"),
        ('"messer"', '""', "[emergency.de] ''"),
        ('"messer"', '"messer …"', "between two words"),
        ('"messer"', '"messer/"', "'messer/'"),
        ('"messer"', "5", "list of words"),
        ("[conflict.de]", "[konflikt.de]", "conflict"),
        ("[suicide.de]", "[emergency.en]\nwords = []\n[suicid.de]", "suicide"),
        ("[child.de]", "[child.Deutsch]", "code of a language"),
        ("[child.de]\nwords", "[child.de]\nwort", "'wort'"),
        ('words = ["kindeswohl"]', "", "[child]"),
        ('"lebensmüde"]', '"lebensmüde', "line 6"),
        ("[emergency.de]", "child = 1\n[emergency.de]", "line"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line(right: str, wrong: str, said: str) -> None:
    with pytest.raises(KeywordsError) as error:
        load(SMALL.replace(right, wrong, 1))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_long_message_is_read_quickly() -> None:
    text = ("Seit Wochen gibt es Streit, niemand grüßt, и все кричат, ніхто не слухає, kimse konuşmuyor. " * 60)[:5000]
    notices(text)
    durations = []
    for _ in range(20):
        begin = perf_counter()
        notices(text)
        durations.append(perf_counter() - begin)
    assert min(durations) < 0.005


def test_ten_times_the_text_takes_about_ten_times_as_long() -> None:
    def taken(text: str) -> float:
        durations = []
        for _ in range(5):
            begin = perf_counter()
            notices(text)
            durations.append(perf_counter() - begin)
        return min(durations)

    for unit in ("vater schlägt kind ", "wurde ", "\n ", "messer und ", "'", "ﷺ"):
        assert taken(unit * 20_000) < 40 * taken(unit * 2_000) + 0.01


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str) -> None:
    assert notices(text) <= set(Notice)


FRAGMENTS = sorted(
    {
        word.strip("*")
        for lists in TABLES.values()
        for entry in lists.values()
        for some in entry.values()
        for listed in some
        for word in listed.replace("/", " ").split()
    }
)


@given(st.lists(st.sampled_from([*FRAGMENTS, ".", "?", "\n\n", ",", "'", "…"]), max_size=60))
def test_listed_words_in_any_disorder_can_be_read(words: list[str]) -> None:
    assert notices(" ".join(words)) <= set(Notice)


UNRELATED = st.lists(
    st.sampled_from(
        [
            "Tisch,",
            "Fenster",
            "Musik",
            "Garten",
            "7",
            "çiçek",
            "сонце",
            "شمس",
            "گل",
            "słońce",
            "maison",
            "✨",
            "Montag.",
            "\n",
        ]
    ),
    max_size=12,
).map(" ".join)
EXAMPLES = st.sampled_from([(notice, example) for (notice, _), some in LISTED.items() for example in some])


@given(EXAMPLES, UNRELATED, UNRELATED)
def test_unrelated_words_around_never_remove_a_notice(listed: tuple[Notice, str], before: str, after: str) -> None:
    notice, example = listed
    if notice in OFF_TOPIC:
        example = f"Termin {example}"
    assert notices(f"{before} {example} {after}") >= {notice}


@given(EXAMPLES, st.randoms(use_true_random=False))
def test_upper_and_lower_case_are_alike(listed: tuple[Notice, str], chance: Random) -> None:
    notice, example = listed
    text = f"Termin {example}" if notice in OFF_TOPIC else example
    mixed = "".join(letter.upper() if chance.random() < 0.5 else letter.lower() for letter in text)
    assert notices(mixed) == notices(text)
