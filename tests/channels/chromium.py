"""Headless Chromium for tests of the page; they are skipped where there is none."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, async_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


needs_chromium = pytest.mark.skipif(executable() is None, reason="there is no Chromium on this computer")


@asynccontextmanager
async def chromium(*more: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=[*FLAGS, *more])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser,
    address: str,
    *,
    width: int = 1440,
    height: int = 900,
    touch: bool = False,
    dark: bool = False,
    scale: float = 1,
) -> AsyncIterator[Page]:
    """The page in a window of its own; fails if a script breaks or anything is asked of another host."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale="en-GB",
        has_touch=touch,
        is_mobile=touch,
        color_scheme="dark" if dark else "light",
        device_scale_factor=scale,
    )
    page = await context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on(
        "request",
        lambda request: (
            troubles.append(request.url) if not request.url.startswith((address, "blob:", "data:")) else None
        ),
    )
    page.on("console", lambda line: troubles.append(line.text) if "Security Policy" in line.text else None)
    await page.goto(address)
    yield page
    await context.close()
    assert troubles == []
