"""Pictures of the demonstration for the README, taken from the real bot: `uv run python -m tests.screenshots [FOLDER]`."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page

from bot.i18n import _, render
from tests.channels.chromium import chromium, opened

STORY = (
    "Seit vier Wochen liegt Sperrmüll vor dem Haus. Die Älteren sagen, das waren die Neuen. Die Neuen sagen, "
    "die Tonnen sind zu klein. Jetzt grüßt sich keiner mehr."
)


def take_screenshots(folder: Path) -> None:
    """Writes the pictures into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_take_all(folder))


@asynccontextmanager
async def demonstration() -> AsyncIterator[str]:
    """A demonstration of its own; yields its address."""
    with tempfile.TemporaryDirectory() as data:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "demo", "--data", data, "--port", "0",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
            found = re.search(r"http://\S+", line)
            assert found, line
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _take_all(folder: Path) -> None:
    async with chromium() as browser:
        async with demonstration() as address, opened(browser, address, scale=2) as page:
            await _conversation(page)
            await _take(page, folder / "demo.png")
            await page.emulate_media(color_scheme="dark")
            await _take(page, folder / "demo-dark.png")
        await _phones(browser, folder)
    async with (
        demonstration() as address,
        chromium("--blink-settings=defaultFontSize=32") as large,
        opened(large, address, width=390, height=844, scale=2) as page,
    ):
        await _start(page, "Deutsch")
        await _take(page, folder / "phone-large-type.png")


async def _phones(browser: Browser, folder: Path) -> None:
    for name, language, width, dark in (
        ("phone", "Deutsch", 390, False),
        ("phone-small", "Deutsch", 320, False),
        ("phone-dark", "English", 390, True),
        ("phone-right-to-left", "العربية", 390, False),
    ):
        async with (
            demonstration() as address,
            opened(browser, address, width=width, height=844, touch=True, dark=dark, scale=2) as page,
        ):
            await _start(page, language)
            await _take(page, folder / f"{name}.png")


async def _start(page: Page, language: str) -> None:
    await page.get_by_role("button", name="Start", exact=True).click()
    await _press(page.locator(".phone"), language)
    await page.wait_for_timeout(800)


async def _conversation(page: Page) -> None:
    """A report in German, opened, taken and answered at the desk."""
    phone = page.locator(".phone")
    await _start(page, "Deutsch")
    for label in ("No", "Understood, go on"):
        await _press(phone, _german(label))
    await _write(phone, STORY)
    for label in (
        "Done",
        "Waldbröl",
        "House or neighbourhood",
        "For some time",
        "People who live or meet in the same place",
        "▃ People act instead of talking",
        "Advice",
        "Yes, here in the chat",
        "Send",
    ):
        await _press(phone, _german(label))
    desk = page.locator(".desk")
    await _press(desk, _german("Take"))
    await page.wait_for_timeout(900)
    await _write(desk, "Kastanienhof, das dritte Mal in diesem Jahr.")
    await _write(desk, "/reply Guten Tag, danke für Ihre Meldung. Wann können wir miteinander sprechen?")
    await page.wait_for_timeout(900)
    await _write(phone, "Am liebsten am Donnerstag nach vier.")
    await page.wait_for_timeout(900)


def _german(sentence: str) -> str:
    """What a button says in the German catalogue."""
    return render(_(sentence), "de")


async def _press(place: Locator, label: str) -> None:
    option = place.get_by_role("button", name=label, exact=True).and_(place.page.locator("[data-option]"))
    await option.first.click(timeout=15_000)


async def _write(place: Locator, text: str) -> None:
    await place.locator("textarea").last.fill(text)
    await place.locator("textarea").last.press("Enter")
    await place.page.wait_for_timeout(400)


async def _take(page: Page, path: Path) -> None:
    await page.wait_for_timeout(900)
    await page.screenshot(path=path, animations="disabled")


if __name__ == "__main__":
    take_screenshots(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots"))
