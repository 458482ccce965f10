"""The pictures of the studio in docs: screens of a real run with the portraits in docs, which are public domain.

    python tools/studio_pictures.py

Needs Chromium and Playwright.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from mien.io import clip_writer
from mien.types import Step
from mien.verbs import animate

DOCS = Path(__file__).parents[1] / "docs"
PORTRAITS = ("hopper.jpg", "collins.jpg")
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


def kept(page: Page, name: str, quality: int = QUALITY) -> None:
    """A screenshot as WebP in docs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "screen.png"
        page.screenshot(path=path)
        Image.open(path).convert("RGB").save(DOCS / f"{name}.webp", quality=quality, method=6)


def swap(page: Page) -> None:
    page.evaluate("location.hash = 'swap'")
    page.set_input_files(".person.add input", DOCS / "collins.jpg")
    page.fill("input[name=name]", "Eileen")
    page.fill("input[name=consent]", "for the documentation")
    page.click("form .tick")
    page.click("form .main")
    page.wait_for_selector(".given")
    page.wait_for_timeout(3000)


def clip(page: Page, folder: Path) -> None:
    """Both portraits side by side, then one of them, as a clip."""
    both = [np.asarray(Image.open(DOCS / name).convert("RGB").resize((400, 500))) for name in PORTRAITS]
    alone = np.full_like(both[0], 110)
    shots = [np.hstack(both)] * 40 + [np.hstack([alone, both[1]])] * 20
    clip_writer.write(iter(shots), folder / "portraits.mp4", fps=10, history=(Step("example", {}),))
    page.evaluate("location.hash = 'edit'")
    page.set_input_files(".strip input[type=file]", folder / "portraits.mp4")
    page.wait_for_selector(".lane.all")
    page.click(".lane >> nth=0")
    page.locator(".film .moment").focus()
    for _ in range(9):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("i")
    page.keyboard.press("k")
    page.locator(".strength .key").focus()
    for _ in range(20):
        page.keyboard.press("ArrowDown")
    line = page.locator(".plot").bounding_box()
    assert line
    page.mouse.click(line["x"] + 0.45 * line["width"], line["y"] + 1)
    page.click("text=Friendly")
    page.wait_for_timeout(5000)


def sketch(page: Page) -> None:
    page.evaluate("location.hash = 'sketch'")
    paper = page.locator(".board").bounding_box()
    assert paper

    def arc(x: float, y: float, width: float, height: float, first: float, last: float) -> None:
        """Part of an oval, in shares of the paper and of a turn."""
        for i in range(25):
            angle = 2 * math.pi * (first + (last - first) * i / 24)
            place = (x + width * math.cos(angle), y + height * math.sin(angle))
            page.mouse.move(paper["x"] + place[0] * paper["width"], paper["y"] + place[1] * paper["height"])
            if not i:
                page.mouse.down()
        page.mouse.up()

    arc(0.5, 0.53, 0.22, 0.3, -0.25, 0.76)
    for x in (0.41, 0.59):
        arc(x, 0.49, 0.05, 0.026, 0, 1)
        arc(x, 0.45, 0.07, 0.03, 0.6, 0.9)
    arc(0.5, 0.66, 0.1, 0.05, 0.05, 0.45)
    arc(0.51, 0.56, 0.03, 0.05, 0.2, 0.6)
    page.get_by_role("radio", name="Auburn").first.click()
    page.get_by_role("button", name="Width 34").click()
    for grown in (0.0, 0.05):
        arc(0.5, 0.5, 0.24 + grown, 0.3 + grown, 0.44, 1.06)
    page.wait_for_timeout(4000)


def pair(page: Page, folder: Path) -> None:
    """Both portraits talk, and are trained until the first pictures are there, which takes minutes."""
    page.evaluate("location.hash = 'pairs'")
    for side, name, portrait in zip("ab", ("Grace", "Eileen"), PORTRAITS, strict=True):
        animate(DOCS / portrait, "talk", consent="public domain").write(folder / f"{name}.mp4")
        page.fill(f"input[name={side}]", name)
        page.set_input_files(
            f"[data-side={side}] input[type=file]", [folder / f"{name}.mp4", DOCS / portrait]
        )
        page.wait_for_selector(f"[data-side={side}] .thumb >> nth=1")
    page.fill("input[name=consent]", "for the documentation")
    page.click("form .tick")
    page.click("form .main")
    page.set_default_timeout(1_800_000)
    page.wait_for_selector(".side:nth-child(2) .few button")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_selector(".previews img")
    page.locator(".few").first.evaluate("e => e.scrollIntoView({block: 'end'})")  # then the last row is above
    page.locator("#main").evaluate("e => e.scrollBy(0, e.clientHeight - 110)")
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
        clip(page, Path(home))
        kept(page, "studio-clip")
        sketch(page)
        kept(page, "studio-sketch")
        pair(page, Path(home))
        kept(page, "studio-pair", 55)
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
