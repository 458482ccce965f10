"""How soon the studio is there, how soon a slider moves the picture, what the way over the page costs beside the edit
in process, and how many frames of a camera come back in a second.

    python benchmarks/studio.py [--json out.json]

Needs Chromium and Playwright. Where there is no graphics card Chromium draws on the processor, and the rate of
frames says nothing about a computer that has one. Wall times in milliseconds of a machine that does nothing
else; ratios are of one run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edit import HOPPER
from figures import save
from playwright.sync_api import Page, sync_playwright

import mien

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "src" / "mien" / "web" / "static"
DRAWN = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
RUNS = 12
GESTURE = 20  # moves of a slider, one a frame
RENDER = """async ([id, request]) => { const began = performance.now();
    const body = JSON.stringify({request});
    const made = await (await fetch(`/api/media/${id}/render`, {method: "POST", body})).json();
    const took = performance.now() - began;
    await fetch(`/api/media/${made.id}`, {method: "DELETE"}); return took; }"""

FRAMES = 60  # of a camera
LIVE = """async ([id, request, frames]) => {
    const picture = await createImageBitmap(await (await fetch(`/api/media/${id}`)).blob());
    const eye = Object.assign(document.createElement("canvas"), {width: 640, height: 480}), on = eye.getContext("2d");
    const send = (path, body) => fetch(`/api/live${path}`, {method: "POST", body});
    const { id: camera } = await (await send("", JSON.stringify({request}))).json();
    const frame = async (i) => {
        on.drawImage(picture, 8 * Math.sin(i / 8), -80, 640, 750);
        const sent = await new Promise((resolve) => eye.toBlob(resolve, "image/jpeg", 0.85));
        await createImageBitmap(await (await send(`/${camera}`, sent)).blob()); };
    for (let i = 0; i < 8; i++) await frame(i);
    const began = performance.now();
    for (let i = 0; i < frames; i++) await frame(i);
    const took = performance.now() - began;
    await fetch(`/api/live/${camera}`, {method: "DELETE"});
    return took / frames; }"""
RENDERER = """() => { const { gl } = studio.painter, told = gl.getExtension("WEBGL_debug_renderer_info");
    return told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : gl.getParameter(gl.RENDERER); }"""


def started(home: Path) -> tuple[subprocess.Popen[str], str, float]:
    """A studio, its address, and the milliseconds until it told that."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "mien", "studio", "--no-browser", "--json"]
    environment = {"MIEN_HOME": str(home), "PATH": "", "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert process.stdout
    url = json.loads(process.stdout.readline())["url"]
    return process, url, 1e3 * (time.perf_counter() - began)


def opened(page: Page, url: str) -> float:
    """Milliseconds until the page can be used."""
    began = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    return 1e3 * (time.perf_counter() - began)


def gesture(page: Page, slider: str) -> tuple[float, list[float]]:
    """Milliseconds from touching a slider to the first moved picture, and those between the frames after it."""
    place = page.locator(f"#{slider}").bounding_box()
    assert place
    middle, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.evaluate("studio.frames.length = 0")
    page.mouse.move(middle, y)
    page.mouse.down()
    began = time.perf_counter()
    page.mouse.move(middle + 20, y)
    while not page.evaluate("studio.painter.live && studio.frames.length > 0"):
        time.sleep(0.002)
    first = 1e3 * (time.perf_counter() - began)
    for i in range(GESTURE):
        page.mouse.move(middle + 20 + 4 * i, y)
        page.evaluate("new Promise(requestAnimationFrame)")
    times: list[float] = page.evaluate("studio.frames")
    page.mouse.up()
    return first, [after - before for before, after in itertools.pairwise(times)]


def ratio(one: Callable[[], float], other: Callable[[], float]) -> float:
    """How much longer the one takes, by the quickest of several runs of both in turn, after one of each that does not
    count."""
    pairs = [(one(), other()) for _ in range(RUNS + 1)][1:]
    return min(first for first, _ in pairs) / min(second for _, second in pairs)


def in_process(session: mien.Session, smile: float) -> float:
    began = time.perf_counter()
    session.edit(smile=smile)
    return 1e3 * (time.perf_counter() - began)


def measured(home: Path, page: Page) -> dict[str, Any]:
    process, url, start = started(home)
    try:
        page_ready = opened(page, url)
        page.wait_for_timeout(2000)
        first, between = gesture(page, "smile")
        page.wait_for_timeout(1500)
        again = gesture(page, "age")[0]
        page.wait_for_timeout(3000)
        id = page.evaluate("studio.state.current.value")
        live = {
            f"live_{name}_frames_a_second": 1e3 / page.evaluate(LIVE, [id, {name: 0.5}, FRAMES])
            for name in ("light", "smile")
        }
        session = mien.open(HOPPER)
        over = ratio(
            lambda: float(page.evaluate(RENDER, [id, {"smile": 0.7}])), lambda: in_process(session, 0.7)
        )
    finally:
        process.terminate()
        process.wait(20)
    return live | {
        "server_told_its_address_ms": start,
        "page_usable_after_ms": start + page_ready,
        "first_moved_frame_smile_ms": first,
        "first_moved_frame_age_ms": again,
        "ms_between_frames_median": statistics.median(between) if between else 0.0,
        "render_over_the_page_to_in_process": over,
        "page_kilobytes": sum(path.stat().st_size for path in STATIC.rglob("*") if path.is_file()) / 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=DRAWN)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        found = {name: round(value, 2) for name, value in measured(Path(home), page).items()}
        graphics = page.evaluate(RENDERER)
        browser.close()
    for name, value in found.items():
        print(f"{name:40} {value:10.2f}")
    save(given.json, "python benchmarks/studio.py", [], drawn_by=graphics, **found)


if __name__ == "__main__":
    main()
