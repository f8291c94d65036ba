"""The page in a browser: what people see, tap, type and hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, expect

from bot.messages import Media, Option, Outbound, Style, Voice
from tests.channels.chromium import chromium, needs_chromium, opened
from tests.channels.scripted import DANGER, KEY, PLACE, POINT, SAMPLE_FILE, STORY, Scripted, scripted_server

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="module")]

EVIL = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
THREAD = "7F3K-29QX"

CONTRAST = """() => {
  const parse = (colour) => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const own = parse(getComputedStyle(element).backgroundColor);
    return own[3] === 1 ? own.slice(0, 3) : over(own, behind(element.parentElement));
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility({ opacityProperty: true })) continue;
    if (element.closest('.sr, option, .chosen')) continue;
    const back = behind(element);
    const front = over(parse(getComputedStyle(element).color), back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faults.push(`${element.className} ${node.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return faults;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


async def start(page: Page) -> None:
    await page.get_by_role("button", name="Start", exact=True).click()


async def write(page: Page, where: str, text: str) -> None:
    await page.locator(f"{where} textarea").fill(text)
    await page.keyboard.press("Enter")


async def full_desk(bot: Scripted) -> None:
    """A case with everything that can stand in it, and a phone with a conversation."""
    bot.answers = False
    await bot.say(DANGER, "volunteer")
    await bot.say(Outbound("From now on a human writes.", voice=Voice.NOTICE), "volunteer")
    await bot.say(Outbound("Hello, call me: 02261 88-1234", voice=Voice.DESK, file=SAMPLE_FILE), "volunteer")
    await bot.report()
    await bot.card()
    await bot.say(Outbound("There is shouting.", style=Style.FROM_REPORTER, thread=THREAD))
    await bot.say(Outbound("Taken.", style=Style.STATUS, thread=THREAD))
    await bot.say(Outbound("An old note", style=Style.NOTE, thread=THREAD))
    await bot.say(Outbound("An old answer", style=Style.TO_REPORTER, thread=THREAD))


async def heard(bot: Scripted, count: int) -> None:
    """Waits until so many messages have reached the bot; the page shows one's own before that."""
    for _ in range(200):
        if len(bot.received) >= count:
            return
        await asyncio.sleep(0.05)


async def no_sideways_scroll(page: Page) -> None:
    wide = await page.evaluate(
        "() => [...document.querySelectorAll('html, body, main, .phone, .log, .desk, .room, .case, .card')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className)"
    )
    assert wide == []


async def test_a_report_from_the_start_to_the_receipt(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.pause = 0.4
        phone = page.locator(".phone")
        await start(page)
        await expect(phone.locator(".typing")).to_be_visible()
        await expect(phone.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
        await expect(phone.locator(".typing")).to_be_hidden()
        await phone.get_by_role("button", name="No", exact=True).click()
        picked = phone.locator(".option.picked")
        await expect(picked).to_have_text("No")
        await expect(picked).to_have_attribute("aria-pressed", "true")
        await expect(phone.locator(".answer")).to_have_text("✓ No")
        await expect(phone.get_by_role("button", name="Yes", exact=True)).to_have_count(0)
        await write(page, ".phone", "Every day there is shouting.")
        own = phone.locator(".own .bubble", has_text="shouting")
        await expect(own.get_by_role("img", name="Processed")).to_be_visible()
        await phone.get_by_role("button", name="Gummersbach").click()
        await expect(phone.get_by_text("KA-7F3K-29")).to_be_visible()
        await expect(phone.get_by_role("progressbar")).to_be_hidden()
        assert [message.text or message.choice for message in bot.received] == [
            "/start",
            "NO",
            "Every day there is shouting.",
            "gummersbach",
        ]
        # All of it is still there when the page is opened again.
        await page.reload()
        await expect(phone.get_by_text("KA-7F3K-29")).to_be_visible()
        await expect(phone.locator(".own")).to_have_count(2)


async def test_nothing_that_anybody_writes_becomes_part_of_the_page(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        await start(page)
        evil_file = Media("document", EVIL, "text/html", b"<script>document.title=1</script>")
        await bot.say(Outbound(EVIL, options=(Option(EVIL, EVIL),), file=evil_file), "volunteer")
        for style in Style:
            await bot.say(Outbound(EVIL, options=(Option(EVIL, EVIL),), style=style, thread=EVIL))
        await bot.say(Outbound(EVIL, options=(Option("/open x", EVIL),)))
        await write(page, ".phone", EVIL)
        await page.get_by_role("navigation", name="Cases").get_by_role("button").click()
        await write(page, ".case", EVIL)
        await page.locator(".from-reporter").get_by_role("button", name="Reply").click(force=True)
        await page.locator(".phone").get_by_role("button", name=EVIL, exact=True).click()
        await expect(page.locator(".phone .own .text").last).to_have_text(EVIL)
        await expect(page.locator(".case .note .text").last).to_have_text(EVIL)
        await page.wait_for_timeout(200)
        assert (
            await page.evaluate("document.querySelectorAll('.bubble img, .option img, script:not([src])').length") == 0
        )
        assert await page.title() != "1"


async def test_a_note_stays_and_a_reply_goes_out(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        case = page.locator(".case")
        await bot.report()
        await page.get_by_role("button", name="Open", exact=True).click()
        await expect(case.get_by_text("being worked on")).to_be_visible()
        await expect(case.get_by_role("radio", name="Note (stays here)")).to_be_checked()
        await write(page, ".case", "Ask the landlord.")
        note = case.locator(".row.note", has_text="Ask the landlord.")
        await expect(note).to_contain_text("Note – stays here")
        await case.get_by_text("Reply (goes out)").click()
        await write(page, ".case", "Hello, I have read your report.")
        out = case.locator(".to-reporter", has_text="Hello, I have read your report.")
        await expect(out).to_contain_text("goes to the person")
        await expect(out).to_contain_text("Delivered 09:01")
        await expect(case.locator(".row.note")).to_have_count(1)
        await expect(page.locator(".phone .human")).to_contain_text("Hello, I have read your report.")
        reporter = case.locator(".from-reporter")
        await reporter.hover()
        await reporter.get_by_role("button", name="Reply").click()
        await write(page, ".case", "Thank you for this.")
        await expect(case.locator(".to-reporter")).to_have_count(2)
        await write(page, ".case", "/release")
        await expect(case.locator(".command")).to_contain_text("/release")
        await heard(bot, 5)
        sent = [(message.text, bool(message.reply_to)) for message in bot.received if message.text]
        assert sent == [
            ("Ask the landlord.", False),
            ("/reply Hello, I have read your report.", False),
            ("Thank you for this.", True),
            ("/release", False),
        ]
        # A case that is opened again begins with what stays.
        await page.reload()
        await page.get_by_role("navigation", name="Cases").get_by_role("button").click()
        await expect(case.get_by_role("radio", name="Note (stays here)")).to_be_checked()
        await expect(case.locator(".to-reporter")).to_have_count(2)


async def test_nothing_at_the_desk_covers_anything_else(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        room, card = page.locator(".room-stream"), page.locator(".card")
        await write(page, ".room-stream", "/profile new\nName: Ada\nProfessions: mediation\nPlaces: Wiehl")
        await write(page, ".room-stream", "/help")
        await expect(room.locator(".row.mine")).to_have_count(2)
        too_low = "rows => rows.filter(row => row.offsetHeight < row.querySelector('.bubble').offsetHeight).length"
        assert await room.locator(".row:not([hidden])").evaluate_all(too_low) == 0
        await bot.say(
            Outbound(
                "A case\n" + "One more line\n" * 40,
                tuple(Option(f"/do {n}", f"A button {n}") for n in range(5)),
                style=Style.CARD,
                thread=THREAD,
            )
        )
        await page.locator(".cases button").click()
        frame = await card.bounding_box()
        assert frame is not None
        for n in range(5):
            button = await card.get_by_role("button", name=f"A button {n}").bounding_box()
            assert button is not None and button["y"] + button["height"] <= frame["y"] + frame["height"]


async def test_words_that_were_not_sent_do_not_look_as_if_they_were(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        case = page.locator(".case")
        await bot.card()
        await page.locator(".cases button").click()
        await case.get_by_text("Reply (goes out)").click()
        await write(page, ".case", "For the person")
        await case.get_by_text("Note (stays here)").click()
        await write(page, ".case", "For us")
        await expect(case.locator(".mark.stored")).to_have_count(2)
        await heard(bot, 2)
        reply, note = (message.message_id for message in bot.received)
        assert [message.text for message in bot.received] == ["/reply For the person", "For us"]
        await expect(case.locator(".to-reporter")).to_contain_text("For the person")
        kept = Outbound("Nothing was sent.", style=Style.STATUS, thread=THREAD, about=reply, fate="kept")
        await bot.say(kept)
        # A status that does not say what became of the words changes nothing about them but adds itself.
        await bot.say(Outbound("Live chat had ended.", style=Style.STATUS, thread=THREAD, about=note))
        await expect(case.locator(".row.note")).to_contain_text(
            ["For the person09:00Nothing was sent.", "For us09:00Live chat had ended."]
        )
        await expect(case.locator(".to-reporter")).to_have_count(0)
        await expect(case.locator(".status")).to_have_count(0)


async def test_a_changed_reply_stays_a_reply(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        case = page.locator(".case")
        await bot.card()
        await page.locator(".cases button").click()
        await case.get_by_text("Reply (goes out)").click()
        await write(page, ".case", "Helo")
        await expect(case.locator(".to-reporter .text")).to_have_text("Helo")
        await case.locator(".to-reporter").hover()
        await case.get_by_role("button", name="More").click()
        await case.get_by_role("button", name="Edit").click()
        await expect(case.locator("textarea")).to_have_value("Helo")
        await write(page, ".case", "Hello")
        await expect(case.locator(".to-reporter .text")).to_have_text("Hello")
        await heard(bot, 2)
        assert [message.text for message in bot.received] == ["/reply Helo", "/reply Hello"]
        assert bot.received[1].edits == bot.received[0].message_id


async def test_a_live_chat_cannot_be_overlooked(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        case = page.locator(".case")
        await bot.report()
        await page.get_by_role("button", name="Open", exact=True).click()
        await case.get_by_role("button", name="Live chat").click()
        await expect(case.get_by_role("status")).to_contain_text("goes to the person at once")
        await expect(case.get_by_role("radio", name="Reply (goes out)")).to_be_checked()
        await case.get_by_text("Note (stays here)").click()
        await write(page, ".case", "A thought of mine")
        await page.locator(".you select").select_option("staff-b")
        await expect(case.get_by_role("status")).to_contain_text("Staff member A is in a live chat")
        await expect(case.get_by_role("radio", name="Note (stays here)")).to_be_checked()
        await page.locator(".you select").select_option("staff-a")
        await case.get_by_role("button", name="End live chat").click()
        await expect(case.locator(".banner")).to_be_hidden()
        await expect(case.get_by_role("radio", name="Note (stays here)")).to_be_checked()
        await heard(bot, 4)
        assert "/note A thought of mine" in [message.text for message in bot.received]


async def test_everything_can_be_done_with_the_keyboard(browser: Browser) -> None:
    async with scripted_server() as (_, server), opened(browser, str(server.make_url("/"))) as page:
        await page.get_by_role("button", name="Start", exact=True).focus()
        await page.keyboard.press("Enter")
        no = page.get_by_role("button", name="No", exact=True)
        await no.focus()
        outline = await no.evaluate("(e) => { e.focus(); return getComputedStyle(e).outlineStyle; }")
        assert outline == "solid"
        await page.keyboard.press("Enter")
        # The next question takes the focus over.
        await expect(page.locator(".phone .option", has_text="Back").last).to_be_focused()
        await page.locator(".phone textarea").focus()
        await page.keyboard.type("one")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("two")
        await page.keyboard.press("Enter")
        await expect(page.locator(".own .text").last).to_have_text("one\ntwo")
        await page.locator(".phone textarea").focus()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("End")
        await page.keyboard.type("!")
        await page.keyboard.press("Enter")
        await expect(page.locator(".own .text").last).to_have_text("one\ntwo!")
        await expect(page.locator(".own").last).to_contain_text("edited")
        await page.get_by_role("button", name="Attach").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Photo")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Attach")).to_be_focused()
        unnamed = await page.evaluate(
            "() => [...document.querySelectorAll('button, select, textarea, input:not([type=file])')]"
            ".filter((e) => !(e.ariaLabel || e.textContent.trim() || e.labels?.length)).length"
        )
        assert unnamed == 0


async def test_files_and_pretended_media(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        await start(page)
        phone = page.locator(".phone")
        await phone.locator("input[data-kind=document]").set_input_files(
            files=FilePayload(name="letter.pdf", mimeType="application/pdf", buffer=b"%PDF")
        )
        await phone.get_by_role("button", name="Attach").click()
        await phone.get_by_role("button", name="Location").click()
        await expect(phone.locator(".own")).to_have_count(3)
        await expect(phone.get_by_role("img", name="Arrived")).to_have_count(3)
        await heard(bot, 4)
        kinds = [(message.media.kind, message.media.data) for message in bot.received if message.media]
        assert kinds == [("document", b"%PDF"), ("location", b"")]
        await bot.say(Outbound("Your date", file=SAMPLE_FILE), "volunteer")
        async with page.expect_download() as waiting:
            await phone.get_by_role("link", name="round-table.ics").click()
        download = await waiting.value
        assert download.suggested_filename == "round-table.ics"
        assert (await download.path()).read_bytes() == SAMPLE_FILE.data


async def test_numbers_can_be_called_and_commands_tapped(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        text = (
            "Call 110, 112 or 0800 111 0 111 · 116 016, +49 2261 88-1234. Case 7F3K-29QX, "
            "24 November 2026, 14:00, 110 euros? See /data and https://www.obk.de/x. Not 2/3, 1101 or a/b."
        )
        await start(page)
        await bot.say(Outbound(text), "volunteer")
        bubble = page.locator(".phone .bot .text")
        await expect(bubble).to_have_text(text)
        links = await bubble.locator("a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
        assert links == [
            "tel:110",
            "tel:112",
            "tel:08001110111",
            "tel:116016",
            "tel:+492261881234",
            "tel:110",
            "https://www.obk.de/x",
        ]
        await bubble.get_by_role("button", name="/data").click()
        await expect(page.locator(".own .text").last).to_have_text("/data")


async def test_what_is_written_without_a_connection_arrives_once(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        await start(page)
        await expect(page.get_by_role("img", name="Arrived")).to_have_count(1)
        await page.context.set_offline(True)
        await write(page, ".phone", "first")
        await write(page, ".phone", "second")
        await expect(page.get_by_role("img", name="Not sent yet")).to_have_count(2)
        await bot.say(Outbound("meanwhile"), "volunteer")
        await page.context.set_offline(False)
        await expect(page.get_by_role("img", name="Arrived")).to_have_count(3, timeout=15000)
        await expect(page.get_by_text("meanwhile")).to_be_visible()
        await heard(bot, 3)
        assert [message.text for message in bot.received] == ["/start", "first", "second"]
        await expect(page.locator(".own")).to_have_count(3)


async def test_every_phone_has_its_own_chat_and_language(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        bot.answers = False
        await start(page)
        await expect(page.locator(".phone .own .mark.stored")).to_have_count(1)
        await bot.say(Outbound("For the neighbour"), "neighbour")
        chip = page.get_by_role("button", name="Neighbour")
        await expect(chip.get_by_role("img", name="1 new")).to_be_visible()
        await chip.click()
        await expect(page.locator(".phone").get_by_text("For the neighbour")).to_be_visible()
        await page.locator(".phone select").select_option("ar")
        await expect(page.locator(".phone")).to_have_attribute("dir", "rtl")
        await write(page, ".phone", "مرحبا")
        await expect(page.locator(".phone .own .mark.stored")).to_have_count(1)
        await page.get_by_role("button", name="New phone").click()
        await expect(page.locator(".phone")).to_have_attribute("dir", "ltr")
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.locator(".phone .own .mark.stored")).to_have_count(1)
        await heard(bot, 4)
        chats = [(message.chat, message.language) for message in bot.received]
        assert chats[:3] == [("volunteer", "en"), ("neighbour", "ar"), ("neighbour", "ar")]
        assert bot.received[1].choice == "/language ar", "the bot learns what the person reads"
        assert chats[3][0].startswith("phone-")
        await bot.say(Outbound("For the new phone"), chats[3][0])
        await expect(page.locator(".phone").get_by_text("For the new phone")).to_be_visible()


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (768, 1024), (1440, 900)])
async def test_nothing_scrolls_sideways(browser: Browser, width: int, height: int, language: str) -> None:
    async with scripted_server() as (bot, server):
        await full_desk(bot)
        await bot.say(STORY, "volunteer")
        await bot.say(Outbound("x" * 300, options=(Option("long", "y" * 120),)), "volunteer")
        await bot.say(PLACE, "volunteer")
        address = str(server.make_url("/"))
        async with opened(browser, address, width=width, height=height, touch=width < 700) as page:
            await page.evaluate(
                "(chosen) => localStorage.setItem('languages', JSON.stringify(chosen))",
                {"volunteer": language, "desk": language},
            )
            await page.reload()
            await expect(page.locator(".phone .row").first).to_be_attached()
            await no_sideways_scroll(page)
            assert await page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
            if width < 1024:
                await page.locator(".phone .narrow-only").click()
            await page.locator(".cases button").click()
            await no_sideways_scroll(page)


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
async def test_type_of_twice_the_size_fits(width: int, height: int) -> None:
    async with chromium("--blink-settings=defaultFontSize=32") as large, scripted_server() as (bot, server):
        await full_desk(bot)
        async with opened(large, str(server.make_url("/")), width=width, height=height) as page:
            await expect(page.locator(".phone .row").first).to_be_attached()
            await no_sideways_scroll(page)
            await expect(page.locator(".phone .send")).to_be_in_viewport()
            await expect(page.locator(".phone textarea")).to_be_in_viewport()


@pytest.mark.parametrize("dark", [False, True])
async def test_everything_can_be_read(browser: Browser, dark: bool) -> None:
    async with (
        scripted_server() as (bot, server),
        opened(browser, str(server.make_url("/")), dark=dark) as page,
    ):
        await full_desk(bot)
        await bot.card(talk=True)
        await page.locator(".cases button").click()
        await write(page, ".phone", "Hello")
        await write(page, ".case", "/reply Hello")
        await page.get_by_text("Note (stays here)").click()
        await write(page, ".case", "A note")
        await write(page, ".case", "/who")
        await page.wait_for_timeout(500)
        assert await page.evaluate(CONTRAST) == []


async def test_the_theme_can_be_switched_and_is_kept(browser: Browser) -> None:
    async with scripted_server() as (_, server), opened(browser, str(server.make_url("/"))) as page:
        await page.get_by_role("button", name="Light or dark").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_time_moves_with_the_buttons(browser: Browser) -> None:
    async with scripted_server() as (bot, server), opened(browser, str(server.make_url("/"))) as page:
        face = page.locator(".clock time")
        await expect(face).to_contain_text("09:00")
        await page.get_by_role("button", name="+ 1 h").click()
        await expect(face).to_contain_text("10:00")
        await page.get_by_role("button", name="+ 1 day").click()
        await page.get_by_role("button", name="To the next service time").click()
        await expect(face).to_contain_text("26 Nov, 08:00")
        await bot.say(Outbound("A reminder"), "volunteer")
        await expect(page.locator(".phone .day")).to_have_text("Thursday, 26 November 2026")


async def test_the_page_for_reporters_is_the_phone_alone(browser: Browser) -> None:
    async with scripted_server(public=True) as (bot, server):
        address = str(server.make_url("/"))
        async with opened(browser, address, width=390, height=844, touch=True) as page:
            await start(page)
            await expect(page.locator(".phone .options")).to_be_visible()
            assert await page.locator(".desk, .clock, .picker").count() == 0
            box: Any = await page.locator(".phone").bounding_box()
            assert (box["width"], box["height"]) == (390, 844)
            await page.reload()
            await expect(page.locator(".phone .options")).to_be_visible()
            assert len({message.chat for message in bot.received}) == 1
        async with opened(browser, address) as stranger:
            await expect(stranger.get_by_role("button", name="Start", exact=True)).to_be_visible()
            assert await stranger.locator(".phone .options").count() == 0


async def test_a_link_brings_its_code_once(browser: Browser) -> None:
    async with scripted_server(public=True) as (bot, server):
        address = str(server.make_url("/"))
        async with opened(browser, address) as page:
            await page.goto(f"{address}?at={POINT}&start=7F3K-29QX-HB4M")
            await page.reload()
            assert bot.received == [], "nothing is said before somebody presses"
            await start(page)
            await heard(bot, 1)
            assert bot.received[0].text == "/start 7F3K-29QX-HB4M"
            await expect(page).to_have_url(f"{address}?at={POINT}")
            await page.reload()
            await page.goto(f"{address}?start=QQ3K-29QX-HB4M")
            await heard(bot, 2)
            assert bot.received[1].text == "/start QQ3K-29QX-HB4M", "whoever is known need not press"
            await page.goto(f"{address}?start=<script>")
            await expect(page.locator(".phone .log")).to_be_visible()
            assert len(bot.received) == 2


async def test_the_desk_asks_for_its_key_and_for_a_name(browser: Browser) -> None:
    async with scripted_server(public=True) as (bot, server):
        await bot.report()
        async with opened(browser, str(server.make_url("/"))) as page:
            await page.goto(str(server.make_url("/desk")))
            await page.get_by_label("Key of the desk").fill("wrong")
            await page.get_by_label("Your name").fill("Staff member A")
            await page.get_by_role("button", name="Enter").click()
            await expect(page.get_by_role("alert")).to_have_text("This key does not fit.")
            await page.get_by_label("Key of the desk").fill(KEY)
            await page.get_by_role("button", name="Enter").click()
            await page.get_by_role("button", name="Open", exact=True).click()
            await expect(page.locator(".card")).to_contain_text("being worked on")
            assert (bot.received[0].by, bot.received[0].contact_point) == ("Staff member A", POINT)
            await page.reload()
            await expect(page.locator(".cases button")).to_be_visible()
