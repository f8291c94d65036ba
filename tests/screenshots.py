"""Pictures of the demo page for the README: `python -m tests.screenshots [FOLDER]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Browser, Page

from bot.messages import Option, Outbound, Voice
from tests.channels.chromium import chromium, opened
from tests.channels.scripted import SAMPLE_FILE, Scripted, question, scripted_server

CASE = "7F3K-29QX"

ARABIC = (
    Outbound(
        "مرحبًا. أنا برنامج المحادثة لمكتب الاتصال الخاص بالنزاعات. يمكنك إخباري عن التوترات والخلافات. "
        "هناك أشخاص يقرؤون ذلك ويساعدون.\n\nخطر؟ الشرطة: \u2066110\u2069 · الإسعاف والإطفاء: \u2066112\u2069.",
        voice=Voice.NOTICE,
    ),
    Outbound(
        "هل هناك شخص في خطر الآن؟",
        options=(
            Option("YES", "نعم"),
            Option("NO", "لا"),
            Option("UNSURE", "لا أعرف"),
            Option("/back", "رجوع"),
        ),
        step=(1, 11),
    ),
)


def take_screenshots(folder: Path) -> list[Path]:
    """Writes the pictures into the folder and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return asyncio.run(_take_all(folder))


async def _take_all(folder: Path) -> list[Path]:
    taken: list[Path] = []

    async def take(page: Page, name: str) -> None:
        await page.wait_for_timeout(700)
        path = folder / f"{name}.png"
        await page.screenshot(path=path, animations="disabled")
        taken.append(path)

    async with chromium() as browser, scripted_server() as (bot, server):
        address = str(server.make_url("/"))
        async with opened(browser, address, scale=2) as page:
            await _conversation(page, bot)
            await take(page, "demo")
            await page.emulate_media(color_scheme="dark")
            await take(page, "demo-dark")
        await _phones(browser, address, bot, take)
    async with (
        chromium("--blink-settings=defaultFontSize=32") as large,
        scripted_server() as (_, server),
        opened(large, str(server.make_url("/")), width=390, height=844, scale=2) as page,
    ):
        await page.get_by_role("button", name="Start", exact=True).click()
        await take(page, "phone-large-type")
    return taken


async def _conversation(page: Page, bot: Scripted) -> None:
    """A report, its receipt, and the first words of the desk."""
    phone, case = page.locator(".phone"), page.locator(".case")
    await page.get_by_role("button", name="Start", exact=True).click()
    await phone.get_by_role("button", name="No", exact=True).click()
    await phone.get_by_text("What happened").wait_for()
    await phone.locator("textarea").fill(
        "For four weeks there has been bulky waste in front of the house. Every day there is shouting."
    )
    await page.keyboard.press("Enter")
    await phone.get_by_role("button", name="Gummersbach").click()
    await page.get_by_role("button", name="Open", exact=True).click()
    await case.get_by_text("being worked on").wait_for()
    await case.locator("textarea").fill("The landlord is known to us from last year. I will call there first.")
    await page.keyboard.press("Enter")
    await case.get_by_text("Reply (goes out)").click()
    await case.locator("textarea").fill(
        "Hello, I have read your report. Has somebody talked with the landlord so far? "
        "You can also call: 02261 88-1234."
    )
    await page.keyboard.press("Enter")
    await case.get_by_text("Delivered").wait_for()
    await phone.get_by_text("Hello, I have read").wait_for()


async def _phones(browser: Browser, address: str, bot: Scripted, take: Callable[[Page, str], Awaitable[None]]) -> None:
    """Other phones, each with one thing to show."""
    bot.answers = False
    for message in ARABIC:
        await bot.say(message, "neighbour")
    await bot.say(
        question(
            "How heated is it?",
            Option("1", "There is bad feeling"),
            Option("2", "There are loud words"),
            Option("3", "There are threats"),
            Option("4", "There is violence"),
            step=(8, 11),
        ),
        "teacher",
    )
    await bot.say(Outbound("The next round table, for your calendar.", file=SAMPLE_FILE), "round-table")
    for name, chat, language, dark in (
        ("phone", "volunteer", "en", False),
        ("phone-question", "teacher", "en", False),
        ("phone-arabic", "neighbour", "ar", False),
        ("phone-dark", "volunteer", "en", True),
        ("phone-file", "round-table", "en", False),
    ):
        async with opened(browser, address, width=390, height=844, touch=True, dark=dark, scale=2) as page:
            await page.evaluate(
                """([chat, language]) => {
                  localStorage.setItem("phone", JSON.stringify(chat));
                  localStorage.setItem("languages", JSON.stringify({ [chat]: language }));
                }""",
                [chat, language],
            )
            await page.reload()
            await take(page, name)
    async with opened(browser, address, width=320, height=640, touch=True, scale=2) as page:
        await take(page, "phone-320")
        await page.locator(".phone .narrow-only").click()
        await page.locator(".cases button").click()
        await take(page, "desk-320")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots")
    for picture in take_screenshots(target):
        print(picture)
