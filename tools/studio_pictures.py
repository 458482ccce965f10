"""The pictures of the studio in docs: screens of a real run with the portraits in docs, which are public domain.

    python tools/studio_pictures.py

Needs Chromium and Playwright.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
DRAWN = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
QUALITY = 82


def opened(browser: Browser, url: str, width: int, height: int, theme: Literal["light", "dark"]) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, locale="en-US"
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(1500)
    return page


def kept(page: Page, name: str) -> None:
    """A screenshot as WebP in docs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "screen.png"
        page.screenshot(path=path)
        Image.open(path).convert("RGB").save(DOCS / f"{name}.webp", quality=QUALITY, method=6)


def swap(page: Page) -> None:
    page.evaluate("location.hash = 'swap'")
    page.set_input_files(".person.add input", DOCS / "collins.jpg")
    page.fill("input[name=name]", "Eileen")
    page.fill("input[name=consent]", "for the documentation")
    page.click("form .tick")
    page.click("form .main")
    page.wait_for_selector(".given")
    page.wait_for_timeout(3000)


def main() -> None:
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        command = [sys.executable, "-m", "mien", "studio", "--no-browser", "--json"]
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=os.environ | {"MIEN_HOME": home}
        )
        assert server.stdout
        url = json.loads(server.stdout.readline())["url"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=DRAWN)
        page = opened(browser, url, 1280, 800, "light")
        page.keyboard.press("c")
        page.wait_for_timeout(300)
        kept(page, "studio")
        page.keyboard.press("c")
        swap(page)
        kept(page, "studio-swap")
        page = opened(browser, url, 1280, 800, "dark")
        page.evaluate("location.hash = 'style'")
        page.wait_for_timeout(6000)
        page.get_by_role("button", name="Watercolour").click()
        page.wait_for_timeout(3000)
        kept(page, "studio-style")
        browser.close()
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
