"""The page in a browser, on the real server with the real networks: the main gesture of every screen. Left out where
there is no Chromium."""

from __future__ import annotations

import ast
import base64
import importlib.util
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import ROOT, collins, hopper
from studios import Running, start

pytest.importorskip("uvicorn", reason="needs the extra 'studio'")

import mien
from mien import verify
from mien.errors import InputError
from mien.types import Array
from mien.verbs import effect_template
from mien.web.answers import too_large
from mien.web.media import kind_of

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra 'dev'")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
# WebGL2 without a graphics card
DRAWN = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
NASTY = "<img src=x onerror=alert(1)>.jpg"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio-home")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Running]:
    running = start(home)
    yield running
    running.process.send_signal(signal.SIGINT)
    running.process.wait(20)
    assert not list((home / "studio").glob("session-*")), "uploads are deleted at the end"


@pytest.fixture(scope="module")
def filmed(portrait: Array, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera of the browser sees: the portrait, moving a little from side to side, as raw video."""
    path = tmp_path_factory.mktemp("camera") / "face.y4m"
    seen = cv2.resize(portrait[60:444, :, ::-1], (320, 240), interpolation=cv2.INTER_AREA)
    frames = [np.roll(seen, shift, axis=1) for shift in (0, 2, 4, 2)]
    planes = [cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes() for frame in frames]
    path.write_bytes(
        b"YUV4MPEG2 W320 H240 F10:1 Ip A1:1 C420mpeg2\n" + b"".join(b"FRAME\n" + p for p in planes)
    )
    return path


@pytest.fixture(scope="module")
def browser(filmed: Path) -> Iterator[Any]:
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    camera += [f"--use-file-for-fake-video-capture={filmed}"]
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*DRAWN, *camera])
        yield opened
        opened.close()


Opened = Callable[..., Any]


@pytest.fixture
def open_page(server: Running, browser: Any) -> Iterator[Opened]:
    """Open the studio in a browser of its own; in the end nothing may have been blocked, nor have failed."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def opened(width: int = 1280, height: int = 800, screen: str = "edit", **how: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US", **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(f"a dialog: {dialog.message}"))
        page.goto(server.url)
        page.wait_for_selector("html[data-ready]")
        if screen != "edit":
            page.evaluate(f"location.hash = '{screen}'")
        return page

    yield opened
    for context in contexts:
        wrong += context.pages[0].evaluate("globalThis.blocked ?? []")
        context.close()
    assert not wrong, wrong


def until(page: Any, true: str, seconds: float = 90) -> None:
    """Wait for something; the browser's own waiting is forbidden by the page's policy."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({true})"):
        assert time.monotonic() < end, true
        time.sleep(0.03)


def settled(page: Any) -> None:
    """The exact picture is there."""
    until(
        page, "!studio.painter.live && studio.state.busy.value === 0 && !document.querySelector('.busy.on')"
    )


def twice(part: Any, name: str) -> None:
    """What cannot be taken back asks once."""
    part.get_by_role("button", name=name).click()
    part.get_by_role("button", name="Sure? Click again").click()


def request(page: Any) -> dict[str, Any]:
    return page.evaluate("studio.state.now.value.request")


def pull(page: Any, slider: str, share: float, *, release: bool = True) -> None:
    """Take a slider's thumb and move it."""
    place = page.locator(f"#{slider}").bounding_box()
    value, low, high = page.locator(f"#{slider}").evaluate("e => [+e.value, +e.min, +e.max]")
    x = [place["x"] + 10 + (place["width"] - 20) * at for at in ((value - low) / (high - low), share)]
    page.mouse.move(x[0], place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move((x[0] + x[1]) / 2, place["y"] + 15)
    page.mouse.move(x[1], place["y"] + 15)
    if release:
        page.mouse.up()
        until(page, f"!document.querySelector('#{slider}').matches(':active')")


def shown(page: Any) -> Array:
    """What is shown at the photo's own pixels, `[H, W, 3]`, once anything is."""
    until(page, "(studio.painter.draw(), studio.painter.result)")
    width, height, text = page.evaluate(
        """() => { const { painter } = studio, pixels = painter.read(), { width, height } = painter.result;
            let text = ""; for (let i = 0; i < pixels.length; i += 8192) text += String.fromCharCode(...pixels.subarray(i, i + 8192));
            return [width, height, btoa(text)]; }"""
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3].astype(int)


def drawn_and_exact(page: Any, slider: str) -> tuple[Array, Array]:
    """What is shown while a slider is held, nearly at its end, and once it was let go."""
    pull(page, slider, 0.95, release=False)
    until(page, "studio.painter.live && studio.frames.length > 0")
    drawn = shown(page)
    page.mouse.up()
    settled(page)
    return drawn, shown(page)


def test_it_opens_with_a_smile_and_its_slider_moves_before_the_exact_picture(open_page: Opened):
    page = open_page()
    settled(page)
    assert request(page) == {"smile": 0.6}
    drawn, exact = drawn_and_exact(page, "smile")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    settled(page)
    original = shown(page)
    where = np.abs(exact - original).max(2) > 4
    assert where.sum() > 10_000
    assert np.abs(drawn - exact)[where].mean() < 2.5 < np.abs(exact - original)[where].mean()
    assert request(page) == {}
    page.reload()
    page.wait_for_selector("html[data-ready]")
    page.keyboard.press("Control+Shift+z")
    assert request(page) == {"smile": 0.6}, "undo and redo survive a reload"


def test_sliders_follow_under_another_hairstyle(open_page: Opened):
    """What comes from another picture is in place already while a slider is held."""
    page = open_page()
    page.set_input_files(".strip input[type=file]", ROOT / "docs" / "collins.jpg")
    until(page, "studio.state.medium.value.name === 'collins.jpg'")
    page.get_by_role("tab", name="Hairstyle").click()
    page.get_by_role("radio", name="Bob", exact=True).click()
    settled(page)
    with_hair = shown(page)
    page.get_by_role("tab", name="Light").click()
    drawn, exact = drawn_and_exact(page, "light")
    moved = np.abs(exact - with_hair).mean()
    assert moved > 0.5 and np.abs(drawn - exact).mean() < 0.3 * moved
    page.evaluate("studio.state.close(studio.state.current.value)")
    until(page, "studio.state.medium.value.name === 'portrait.jpg'")


def test_what_is_not_wanted_any_more_is_given_up(open_page: Opened):
    page = open_page()
    settled(page)
    gone: list[str] = []
    page.on("requestfailed", lambda request: gone.append(request.url))
    page.evaluate(
        """() => { const { state } = studio, from = state.now.value;
            state.commit({ ...from, request: { age: 30 } }, from);
            setTimeout(() => state.commit({ ...from, request: { age: 40 } }, from), 20); }"""
    )
    settled(page)
    assert request(page) == {"age": 40} and len([url for url in gone if url.endswith("/render")]) == 1


def test_save_gives_the_labelled_file(open_page: Opened, tmp_path: Path):
    page = open_page()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save", exact=True).click()
    download.value.save_as(tmp_path / "out.jpg")
    assert download.value.suggested_filename == "portrait-render.jpg"
    assert verify(tmp_path / "out.jpg").history[-1].arguments["smile"] == 0.6
    page.evaluate("location.hash = 'verify'")
    page.set_input_files(".drop-here input", tmp_path / "out.jpg")
    page.wait_for_selector(".verdict.intact")
    assert "Smile" in page.inner_text(".verdict") and "0.6" in page.inner_text(".verdict")


def test_by_keyboard_alone(open_page: Opened):
    page = open_page()
    settled(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#tab-whole_face").focus()
    while page.evaluate("document.activeElement.id") != "tab-beauty":
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "beauty"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    settled(page)
    assert request(page) == {"smile": 0.6, "beauty": 0.1}
    assert page.locator("#beauty").get_attribute("aria-valuetext") == "+10"
    page.keyboard.press("\\")
    assert page.locator(".badge").is_visible() is False, "the key was let go"
    page.keyboard.press("c")
    page.wait_for_selector(".handle")


def test_a_group_one_face_and_a_hostile_name(open_page: Opened, couple: Array, tmp_path: Path):
    cv2.imwrite(str(tmp_path / NASTY), couple[..., ::-1])
    page = open_page()
    settled(page)
    page.set_input_files(".strip input[type=file]", tmp_path / NASTY)
    page.wait_for_selector(".ring >> nth=1")
    assert page.inner_text(".file b") == NASTY
    page.click(".ring >> nth=1")
    page.click("#tab-relight")
    pull(page, "light", 0.9)
    until(page, "studio.state.history.value.past.length === 2")
    settled(page)
    assert request(page)["face"] == "2"
    before = couple.astype(int)
    changed = np.abs(shown(page) - before).max(2) > 24
    assert changed[:, 512:].sum() > 500 and changed[:, :450].sum() < 20
    page.keyboard.press("1")
    assert request(page)["face"] == "1"
    page.get_by_role("button", name=f"Remove {NASTY}").click()


def test_what_is_painted_stays_as_it_was(open_page: Opened):
    page = open_page()
    settled(page)
    edited = shown(page)
    until(page, "document.querySelector('.brush')")
    page.keyboard.press("b")
    place = page.locator(".painting").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2

    def dab(count: int) -> None:
        page.mouse.move(x - 60, y)
        page.mouse.down()
        page.mouse.move(x + 60, y + 40, steps=4)
        page.mouse.up()
        until(page, f"studio.state.history.value.past.length === {count}")
        settled(page)

    dab(2)
    kept = shown(page)
    changed = np.abs(kept - edited).max(2) > 4
    assert 200 < changed.sum() < 0.2 * changed.size
    page.locator(".painting").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")  # by keys alone
    until(page, "studio.state.history.value.past.length === 3")
    page.get_by_role("button", name="Done").click()
    page.locator("#tab-relight").click()
    pull(page, "light", 0.95, release=False)
    until(page, "studio.painter.live")
    drawn = shown(page)
    page.mouse.up()
    settled(page)
    exact = shown(page)
    same = changed & (np.abs(exact - kept).max(2) < 3)
    assert same.sum() > 0.5 * changed.sum() and np.abs(drawn - exact)[changed].mean() < 2.5
    page.reload()
    page.wait_for_selector("html[data-ready]")
    settled(page)
    assert np.abs(shown(page) - exact).max() <= 1, "it outlives a reload"
    for _ in range(3):
        page.keyboard.press("Control+z")
    settled(page)
    assert np.abs(shown(page) - edited).max() <= 1


def test_nine_versions_one_is_taken(open_page: Opened):
    page = open_page()
    settled(page)
    page.get_by_role("button", name="Look around").click()
    until(page, "[...document.querySelectorAll('.nine img')].filter(i => i.naturalWidth > 0).length === 9")
    page.click(".nine button >> nth=8")
    settled(page)
    assert request(page) == {"smile": 0.9, "age": 30}
    assert page.locator(".around").count() == 0


def test_a_person_is_dragged_onto_a_face(open_page: Opened, photo: Path):
    page = open_page(screen="swap")
    page.set_input_files(".person.add input", photo)
    page.fill("input[name=name]", "Grace")
    page.fill("input[name=consent]", "herself, by mail")
    page.click("form .main")
    until(page, "document.querySelector('form :invalid')")
    page.click("form .tick")
    page.click("form .main")
    page.wait_for_selector(".given")
    until(page, "studio.state.now.value.swap?.mapping.length === 1")
    settled(page)
    page.click(".target")
    assert page.evaluate("studio.state.now.value.swap") is None
    page.drag_and_drop(".person .face", ".target")
    until(page, "studio.state.now.value.swap?.mapping[0].face === '1'")
    settled(page)
    page.evaluate("studio.state.putJob('swap', [studio.state.current.value], studio.state.now.value.swap)")
    assert page.inner_text(".job .title b").startswith("Swap: Grace ")
    twice(page, "Remove this job")
    page.evaluate("location.hash = 'swap'")
    page.evaluate(  # as from another page
        """async () => { const { id } = studio.state.people.value.find((one) => one.name === "Grace");
            await fetch(`/api/people/${id}`, {method: "DELETE"}); dispatchEvent(new Event("focus")); }"""
    )
    until(page, "studio.state.now.value.swap === null")
    settled(page)


def test_two_people_are_trained(open_page: Opened, portrait: Array, tmp_path: Path):
    """From files to a swap with what was learned; where training is not installed, to what is to be typed."""
    bright = [tmp_path / f"{i}.png" for i in range(2)]
    for path, light in zip((*bright, tmp_path / "2.png"), (1, 0.6, 0.8), strict=True):
        cv2.imwrite(str(path), (portrait[..., ::-1] * light).astype(np.uint8))
    page = open_page(screen="swap")
    page.set_default_timeout(90_000)
    page.get_by_role("link", name="Train two people…").click()
    for side, files in (("a", bright), ("b", [*bright, ROOT / "docs" / "collins.jpg"])):
        page.fill(f"input[name={side}]", f"Person {side.upper()}")
        page.set_input_files(f"[data-side={side}] input[type=file]", files)
    page.fill("input[name=consent]", "both, by mail")
    page.click("form .tick")
    page.wait_for_selector("[data-side=b] .thumb >> nth=2")
    page.get_by_role("button", name="Find their faces").click()
    page.wait_for_selector(".side:nth-child(2) .few button >> nth=1")  # Eileen Collins is not among them
    assert page.locator(".few button").count() == 4
    page.locator(".few button >> nth=0").press("Enter")
    until(page, "document.querySelector('.side h3 span').innerText === '1 take part, 1 left out'")
    page.locator(".few button >> nth=0").click()
    until(page, "document.querySelector('.side h3 span').innerText === '2 take part, 0 left out'")
    page.set_input_files(".side:nth-child(1) label input", tmp_path / "2.png")
    until(page, "document.querySelector('.side h3 span').innerText === '3 take part, 0 left out'")
    if importlib.util.find_spec("torch") is None:
        assert "pip install 'mien[train]'" in page.inner_text("kbd")
    else:
        page.click("text=Trial")
        page.get_by_role("button", name="Start the training").click()
        until(page, "document.querySelector('.far')?.innerText.includes('Step 40 of 40')")
        until(page, "document.querySelector('.previews img').naturalWidth === 12 * 32")
        assert len(page.get_attribute(".curve polyline", "points").split()) == 40
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.get_by_role("button", name="Use what it has learned").click()
        page.get_by_role("button", name="Swap with Person A's face").click()
        until(page, "studio.state.now.value.swap?.with === 'person-a'")
        settled(page)
        assert page.locator(".with select").input_value() == "person-a"
        drawn = shown(page)
        page.select_option(".with select", "")
        settled(page)
        assert (
            "with" not in page.evaluate("studio.state.now.value.swap")
            and np.abs(drawn - shown(page)).max() > 8
        )
        page.get_by_role("button", name="Remove Person A").click()
        page.go_back()
    twice(page, "Forget this pair")
    page.wait_for_selector("[data-side=a]")


def test_a_portrait_does_what_is_pointed_at(open_page: Opened):
    page = open_page(screen="animate")
    page.fill("input[name=consent]", "public domain")
    page.click("form .tick")
    page.click("form .main")
    page.hover(".motion >> nth=1")
    until(page, "document.querySelector('.motion img')?.naturalWidth > 0")
    page.get_by_role("button", name="Wink").click()
    until(page, "document.querySelector('.moving.here')")
    page.locator(".ticks .tick", has_text="Head").click()
    page.get_by_role("button", name="Make the clip").click()
    until(page, "studio.state.jobs.value[0]?.verb === 'animate'")
    assert "pose" not in page.evaluate("studio.state.jobs.value[0].arguments.regions")
    twice(page, "Remove this job")
    until(page, "studio.state.jobs.value.length === 0")


def test_somebody_who_does_not_exist_is_taken_to_edit(open_page: Opened):
    page = open_page(screen="generate")
    until(
        page, "[...document.querySelectorAll('.nobodies img')].filter(i => i.naturalWidth > 0).length === 12"
    )
    pull(page, "nobody-age", 0.9)
    until(page, "document.querySelectorAll('.nobodies img')[11]?.src.includes('age=')")
    page.get_by_role("button", name="Take face 2 to edit").click()
    until(page, "studio.state.medium.value?.name === 'nobody-2.png' && studio.state.screen.value === 'edit'")
    settled(page)
    page.get_by_role("button", name="Remove nobody-2.png").click()


def test_strokes_become_somebody_who_is_taken_to_edit(open_page: Opened):
    page = open_page(screen="sketch")
    paper = page.locator(".board").bounding_box()

    def stroke(*points: tuple[float, float]) -> None:
        places = [(paper["x"] + x * paper["width"], paper["y"] + y * paper["height"]) for x, y in points]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()

    looks = []
    around = [(0.5 + 0.24 * np.cos(a), 0.52 + 0.32 * np.sin(a)) for a in np.linspace(0, 6.3, 20)]
    for points in (around, [(0.37, 0.47), (0.45, 0.47)], [(0.55, 0.47), (0.63, 0.47)]):
        stroke(*points)
        until(page, f"document.querySelector('.drawn img')?.src !== {looks[-1:] or ['x']}[0]")
        until(page, "studio.state.busy.value === 0")
        looks.append(page.get_attribute(".drawn img", "src"))
    page.keyboard.press("Control+z")
    assert page.get_attribute(".drawn img", "src") == looks[1], "what was seen before is there at once"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    until(page, "document.querySelector('.board')")
    until(page, "document.querySelector('.drawn img')")  # the same face, without a stroke
    until(page, "studio.state.busy.value === 0")
    page.get_by_role("button", name="New paper").click()
    until(page, "!document.querySelector('.drawn img')")
    page.keyboard.press("Control+z")
    until(page, "document.querySelector('.drawn img')")
    page.get_by_role("button", name="Somebody else").click()
    until(page, "document.querySelector('.drawn img') && studio.state.busy.value === 0")
    page.get_by_role("button", name="Edit this face").click()
    until(page, "studio.state.medium.value?.name === 'sketch.png' && studio.state.screen.value === 'edit'")
    settled(page)
    page.get_by_role("button", name="Remove sketch.png").click()


def test_the_camera_shows_what_the_sliders_say(open_page: Opened, server: Running):
    page = open_page(screen="live", permissions=["camera"])
    page.get_by_role("button", name="Start the camera").click()
    until(
        page,
        "document.querySelector('.seen')?.width === 320 && document.querySelector('.mirror .zoom').innerText",
    )
    until(page, f"{WORDS} > 40")  # an edit is shown, and is told
    page.get_by_role("button", name="Keep a photo").click()
    until(page, "studio.state.media.value.some(one => one.name === 'camera.png')")
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_selector("[aria-label='End the recording']")
    time.sleep(1)
    page.evaluate("location.hash = 'edit'")  # which ends it, and it is kept
    until(page, "studio.state.media.value.some(one => one.name === 'camera.mp4')")
    page.evaluate("location.hash = 'live'")
    page.get_by_role("button", name="Start the camera").click()
    until(page, f"{WORDS} > 40")
    assert request(page) == {"smile": 0.6}
    clean = page.context.new_page()  # as another program captures it
    clean.goto(server.url.replace("/?", "/live/clean?"))
    until(clean, f"{WORDS} > 40")
    assert clean.evaluate("document.body.innerText.trim()") == ""
    page.get_by_role("button", name="Reset: Smile").click()
    until(page, f"{WORDS} < 10")  # nothing is edited
    until(clean, f"{WORDS} < 10")
    clean.close()
    page.evaluate("location.hash = 'edit'")
    assert request(page) == {"smile": 0.6}, "the photo has sliders of its own"
    page.evaluate("location.hash = 'live'")
    page.get_by_role("button", name="Start the camera").click()
    until(page, "document.querySelector('.seen')?.width === 320")
    page.get_by_role("button", name="Stop the camera").click()
    assert page.locator(".begin").is_visible()
    for name in ("camera.png", "camera.mp4"):
        page.get_by_role("button", name=f"Remove {name}").click()


# White pixels in the lower right corner of what is shown: of the words there.
WORDS = (
    "(() => { const c = document.querySelector('.seen'); if (!c) return NaN;"
    " const d = c.getContext('2d').getImageData(c.width - 110, c.height - 32, 90, 24).data;"
    " return d.filter((v, i) => i % 4 === 0 && v > 200 && d[i + 1] > 200 && d[i + 2] > 200).length; })()"
)


def test_a_manner_is_chosen_by_its_picture(open_page: Opened):
    page = open_page(screen="style")
    until(page, "[...document.querySelectorAll('.manner img')].slice(0, 3).every(i => i.naturalWidth > 0)")
    page.get_by_role("button", name="Ink", exact=True).click()
    until(page, "studio.state.now.value.style?.manner === 'ink'")
    settled(page)
    grey = shown(page)
    assert np.abs(grey[..., 0] - grey[..., 2]).mean() < 25


def test_an_effect_is_chosen_by_its_picture(open_page: Opened):
    page = open_page()
    page.locator("#tab-effect").click()
    until(page, "[...document.querySelectorAll('.manner img')].slice(0, 2).every(i => i.naturalWidth > 0)")
    before = shown(page)
    page.get_by_role("button", name="Dog", exact=True).click()
    until(page, "studio.state.now.value.request.effect === 'dog'")
    settled(page)
    assert np.abs(shown(page) - before).max() > 60
    page.get_by_role("button", name="Dog", exact=True).click()
    until(page, "!('effect' in studio.state.now.value.request)")


def test_a_pack_of_ones_own_is_brought_in_and_worn(open_page: Opened, tmp_path: Path):
    folder = effect_template(tmp_path / "stripes")
    page = open_page()
    settled(page)
    # a folder becomes a zip in the page
    files = {path.name: base64.b64encode(path.read_bytes()).decode() for path in folder.iterdir()}
    packed = page.evaluate(
        """async (files) => { const { zipped } = await import("/static/zip.js");
            const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const zip = await zipped(Object.entries(files).map(([name, text]) => new File([bytes(text)], name)));
            return btoa(String.fromCharCode(...new Uint8Array(await zip.arrayBuffer()))); }""",
        {name: text for name, text in files.items() if name != "template.png"},
    )
    (tmp_path / "stripes.zip").write_bytes(base64.b64decode(packed))
    with zipfile.ZipFile(tmp_path / "stripes.zip") as pack:
        assert pack.testzip() is None and set(pack.namelist()) == set(files) - {"template.png"}
    before = shown(page)
    page.locator("#tab-effect").click()
    page.evaluate(  # it is dropped on the page
        """(text) => { const files = new DataTransfer();
            files.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], "stripes.zip"));
            window.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true })); }""",
        packed,
    )
    until(page, "document.querySelector('.own-pack img')?.naturalWidth > 0")
    settled(page)
    assert np.abs(shown(page) - before).max() > 60
    page.get_by_role("button", name="Remove stripes.zip").click()
    until(page, "!('effect' in studio.state.now.value.request) && !document.querySelector('.own-pack')")


def test_many_photos_become_a_job_that_survives_the_server(browser: Any, portrait: Array, tmp_path: Path):
    """Server and worker are killed in the middle; the next start goes on."""
    small = cv2.resize(portrait[..., ::-1], None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    paths = [tmp_path / f"{i}.jpg" for i in range(4)]
    for path in paths:
        cv2.imwrite(str(path), small)
    first = start(tmp_path / "home")
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    page = context.new_page()
    page.goto(first.url)
    page.wait_for_selector("html[data-ready]")
    page.set_input_files(".strip input[type=file]", paths)
    until(page, "studio.state.media.value.length === 5 && studio.state.uploads.value === 0")
    page.click("text=Portrait touch")
    page.click(".to-all")
    page.wait_for_selector(".job")
    until(page, "studio.state.jobs.value[0].done >= 1")
    first.process.kill()
    first.process.wait()
    context.close()
    assert list((tmp_path / "home" / "studio").glob("session-*"))

    again = start(tmp_path / "home")
    assert len(list((tmp_path / "home" / "studio").glob("session-*"))) == 1, "what a crash has left is gone"
    context = browser.new_context(viewport={"width": 390, "height": 800}, locale="en-US")
    page = context.new_page()
    page.goto(again.url)
    page.wait_for_selector("html[data-ready]")
    page.evaluate("location.hash = 'jobs'")
    until(page, "studio.state.jobs.value[0].state === 'done'")
    page.click(".job .title")
    page.wait_for_selector(".tasks li.done >> nth=4")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save 3.jpg").click()
    download.value.save_as(tmp_path / "out.jpg")
    assert verify(tmp_path / "out.jpg").history[-1].arguments["beauty"] == 0.5
    twice(page, "Remove this job")
    until(page, "studio.state.jobs.value.length === 0")
    assert not list((tmp_path / "home" / "studio" / "jobs").iterdir())
    context.close()
    again.process.terminate()
    again.process.wait(20)


def test_jobs_are_called_by_what_was_asked_for(open_page: Opened, photo: Path):
    page = open_page()
    page.set_input_files(".strip input[type=file]", photo)
    until(page, "studio.state.media.value.length === 2 && studio.state.uploads.value === 0")
    settled(page)
    asked = [
        ("edit", 2, {"smile": 0.5, "age": 20}, "Smile +50, Age +20 years - 2 photos"),
        (
            "edit",
            1,
            {"glasses": -1, "lips": "wine:0.6", "hair_light": 0.3},
            "Lipstick: Wine 60, Hair: lighter 30, Glasses: Take off 100 - portrait.jpg",
        ),
        ("stylize", 1, {"manner": "ink"}, "Style: Ink - portrait.jpg"),
        ("animate", 1, {"motion": "wink", "consent": "public domain"}, "Animate: Wink - portrait.jpg"),
    ]
    for verb, count, arguments, called in asked:
        page.evaluate(
            "([verb, n, given]) => studio.state.putJob(verb, studio.state.media.value.slice(0, n).map((one) => one.id), given)",
            [verb, count, arguments],
        )
        until(page, f"studio.state.jobs.value[0]?.verb === '{verb}' && document.querySelector('.job')")
        assert page.inner_text(".job .title b >> nth=0").replace("\N{EN DASH}", "-") == called
        page.evaluate("location.hash = 'edit'")
    page.evaluate("location.hash = 'jobs'")
    page.evaluate("import('/static/words.js').then((one) => one.speak('zh'))")
    page.wait_for_selector("text=微笑 +50, 年龄 +20 岁")
    for job in page.evaluate("studio.state.jobs.value.map((one) => one.id)"):
        page.evaluate("(id) => fetch(`/api/jobs/${id}`, { method: 'DELETE' })", job)
    until(page, "studio.state.jobs.value.length === 0")
    page.evaluate("studio.state.close(studio.state.media.value[1].id)")
    until(page, "studio.state.media.value.length === 1")


SCREENS = (
    "edit",
    "swap",
    "animate",
    "style",
    "sketch",
    "generate",
    "live",
    "jobs",
    "verify",
    "networks",
    "pairs",
    "settings",
)


def test_every_screen_is_accessible_in_both_themes(open_page: Opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra 'dev'").Axe()
    for theme, width in (("light", 1280), ("dark", 320)):
        page = open_page(width, 700, color_scheme=theme, reduced_motion="reduce", bypass_csp=True)
        settled(page)
        for screen in SCREENS:
            page.evaluate(f"location.hash = '{screen}'")
            until(page, f"studio.state.screen.value === '{screen}'")
            until(page, IN_VIEW)  # also of a bar that scrolls
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (
                screen,
                "scrolls sideways",
            )
            found = axe.run(page).response["violations"]
            serious = [
                f"{one['id']}: {one['nodes'][0]['html']}"
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            assert not serious, (screen, theme, serious)


def test_a_page_without_its_server_says_so(browser: Any, tmp_path: Path):
    running = start(tmp_path)
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(running.url)
    page.wait_for_selector("html[data-ready]")
    running.process.kill()
    running.process.wait(20)
    until(page, "document.querySelector('.notice.error')?.innerText.includes('has ended')")
    assert "has ended" in page.evaluate(SAY, ["GET", "/api/media", None])["text"], (
        "also where it was asked something"
    )
    context.close()


@pytest.fixture
def meadow(tmp_path: Path) -> Path:
    """A photo without a face."""
    colours = np.random.default_rng(0).integers(60, 200, (6, 8, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "meadow.jpg"), cv2.resize(colours, (640, 480), interpolation=cv2.INTER_CUBIC))
    return tmp_path / "meadow.jpg"


def test_a_photo_without_a_face_has_what_still_works(open_page: Opened, meadow: Path):
    page = open_page()
    settled(page)
    page.set_input_files(".strip input[type=file]", meadow)
    until(page, "studio.state.medium.value?.name === 'meadow.jpg'")
    settled(page)
    assert page.inner_text(".notices p") == "No face was found in: meadow.jpg"
    assert "nothing to edit" in page.inner_text(".panel .note")
    for group in ("whole_face", "hairstyle", "makeup", "effect"):
        page.click(f"#tab-{group}")
        assert page.locator(".panel .sliders :is(input, button):enabled").count() == 0, group
    assert page.locator(".presets button:enabled").count() == 0
    assert page.get_by_role("button", name="Save", exact=True).is_enabled()
    page.evaluate("location.hash = 'style'")
    page.get_by_role("button", name="Sepia", exact=True).click()
    until(page, "studio.state.now.value.style?.manner === 'sepia'")
    settled(page)
    assert page.locator(".notice.error").count() == 0
    for screen in ("animate", "swap"):
        page.evaluate(f"location.hash = '{screen}'")
        until(page, f"studio.state.screen.value === '{screen}'")
        assert "No face" in page.inner_text(".panel .note")
    id = page.evaluate("studio.state.current.value")
    told = page.evaluate(SAY, ["POST", f"/api/media/{id}/render", {"request": {"smile": 0.5}}])
    assert told == {
        "text": "No face was found here. A larger or brighter picture may help.",
        "detail": "",
    }
    page.get_by_role("button", name="Remove meadow.jpg").click()


def test_files_that_were_not_taken_are_named(open_page: Opened, portrait: Array, tmp_path: Path):
    cv2.imwrite(str(tmp_path / "good.jpg"), cv2.resize(portrait[..., ::-1], None, fx=0.5, fy=0.5))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "good.jpg").read_bytes()[:5000])
    page = open_page()
    settled(page)
    page.set_input_files(".strip input[type=file]", tmp_path / "empty.jpg")
    page.wait_for_selector(".notice.error")
    assert page.inner_text(".notices") == "empty.jpg: The file is empty."
    names = ["notes.txt", "good.jpg", "empty.jpg", "half.jpg"]
    page.set_input_files(".strip input[type=file]", [tmp_path / name for name in names])
    page.wait_for_selector(".notice .more >> nth=2")
    lines = page.locator(".notice p").all_inner_texts()
    assert lines[0] == "3 files were not taken:"
    assert [line.split(":")[0] for line in lines[1:]] == ["notes.txt", "empty.jpg", "half.jpg"]
    assert "is empty" in lines[2] and "damaged" in lines[3]
    assert page.inner_text(".file b") == "good.jpg", "the first that was taken is shown"
    many = [tmp_path / f"{'long ' * 20}{i}.txt" for i in range(9)]
    for path in many:
        path.write_text("no picture")
    page.set_input_files(".strip input[type=file]", many)
    until(page, "document.querySelector('.notice')?.innerText.includes('9 files')")
    lines = page.locator(".notice p").all_inner_texts()
    assert len(lines) == 8 and lines[-1] == "and 3 more" and max(map(len, lines)) < 140
    page.get_by_role("button", name="Remove good.jpg").click()


def test_folders_that_are_dropped_give_their_photos_and_clips(open_page: Opened, portrait: Array):
    """By stand-ins for what a browser gives: its folders tell a few entries at a time, and are within one another."""
    page = open_page()
    settled(page)
    small = cv2.resize(portrait[..., ::-1], None, fx=0.3, fy=0.3)
    picture = base64.b64encode(cv2.imencode(".jpg", small)[1].tobytes()).decode()
    page.evaluate(
        """(text) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            globalThis.file = (name) => ({ name, isFile: true, isDirectory: false, file: (done) => done(new File([bytes], name)) });
            globalThis.folder = (name, all) => ({ name, isFile: false, isDirectory: true, createReader: () => {
                const left = [...all];
                return { readEntries: (done) => done(left.splice(0, 2)) }; } });
            globalThis.dropped = (...entries) => {
                const event = new Event("drop", { bubbles: true, cancelable: true });
                const items = entries.map((one) => ({ webkitGetAsEntry: () => one, getAsFile: () => null }));
                event.dataTransfer = { types: ["Files"], items };
                document.body.dispatchEvent(event); }; }""",
        picture,
    )
    page.evaluate(
        """dropped(folder("holiday", [file("2.JPG"), file("10.jpg"), file("1.jpg"), file("notes.txt"), file(".DS_Store"),
            folder("more", [file("3.jpg"), folder("none", []), file("list.csv")])]))"""
    )
    until(page, "studio.state.media.value.length === 5 && studio.state.uploads.value === 0")
    assert page.evaluate("studio.state.media.value.slice(1).map((one) => one.name)") == [
        "1.jpg",
        "2.JPG",
        "10.jpg",
        "3.jpg",
    ]
    page.wait_for_selector(".notice")
    assert page.inner_text(".notices") == "Neither photo nor clip, or too many at once: 2 passed over"
    bounded = page.evaluate(
        """async () => { const { filesIn } = await import("/static/folders.js");
            const broken = { ...folder("x", []), createReader: () => ({ readEntries: (_, failed) => failed(new Error()) }) };
            const all = Array.from({ length: 9 }, (_, i) => file(`${i}.jpg`));
            const { files, over } = await filesIn([folder("all", all), broken], 4);
            return [files.map((one) => one.name), over]; }"""
    )
    assert bounded == [["0.jpg", "1.jpg", "2.jpg", "3.jpg"], 6]
    page.evaluate("studio.state.notice.value = null; dropped(folder('papers', [file('a.txt')]))")
    page.wait_for_selector(".notice.info")
    for name in ("1.jpg", "2.JPG", "10.jpg", "3.jpg"):
        page.get_by_role("button", name=f"Remove {name}").click()


@pytest.mark.slow
def test_nine_faces_fit_a_phone(open_page: Opened, clip: Path):
    for width, height in ((390, 780), (320, 640), (780, 390), (1280, 800)):
        page = open_page(width, height)
        page.set_input_files(".strip input[type=file]", clip)  # whose time line leaves the least
        page.wait_for_selector(".timeline")
        settled(page)
        page.evaluate("studio.state.choose(studio.state.media.value[0].id)")
        settled(page)
        page.evaluate("document.querySelector('.look').click()")
        page.wait_for_selector(".nine button >> nth=8")
        around = page.locator(".around").bounding_box()
        for tile in (one.bounding_box() for one in page.locator(".nine button").all()):
            assert abs(tile["width"] / tile["height"] - 0.8) < 0.02, "a face is whole"
            assert (
                tile["y"] >= around["y"] + 40 and tile["y"] + tile["height"] <= around["y"] + around["height"]
            )
            assert tile["width"] > (70 if height > 400 else 50), width
        page.keyboard.press("Escape")
        until(page, "!document.querySelector('.around')")
        page.evaluate("studio.state.close(studio.state.media.value[1].id)")
        until(page, "studio.state.media.value.length === 1")


def test_the_picture_of_a_clip_is_seen_first_on_a_phone(open_page: Opened, clip: Path):
    for width, height in ((390, 780), (320, 640)):
        page = open_page(width, height)
        page.set_input_files(".strip input[type=file]", clip)
        page.wait_for_selector(".lane")
        settled(page)
        stage, film, strip, panel = (
            page.locator(one).bounding_box() for one in (".stage", ".film", ".strip", ".panel")
        )
        assert stage["height"] > 0.29 * height
        assert stage["y"] + stage["height"] <= film["y"] and film["y"] + film["height"] <= strip["y"]
        assert strip["y"] + strip["height"] <= panel["y"] + 1, "nothing is cut off"
        page.locator(".strength .icon-button").scroll_into_view_if_needed()
        key = page.locator(".strength .icon-button").bounding_box()
        assert key["y"] + key["height"] <= strip["y"] + 1, "keys can be scrolled to"
        page.evaluate("studio.state.close(studio.state.media.value[1].id)")
        until(page, "studio.state.media.value.length === 1")


COVERED = """() => {
    const notice = document.querySelector(".notice"), edges = (e) => e.getBoundingClientRect();
    const both = (a, b) => ({
        left: Math.max(a.left, b.left), right: Math.min(a.right, b.right),
        top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom) });
    const seen = (e) => { // without what is scrolled away
        let box = edges(e);
        for (let up = e.parentElement; up; up = up.parentElement)
            if (getComputedStyle(up).overflowY !== "visible") box = both(box, edges(up));
        return box; };
    const covered = (e) => {
        const box = both(seen(e), edges(notice));
        return box.right - box.left > 2 && box.bottom - box.top > 2; };
    return [...document.querySelectorAll("button, input, select, a[href], .tools")]
        .filter((e) => !notice.contains(e) && e.checkVisibility() && covered(e)).map((e) => e.outerHTML.slice(0, 90)); }"""


def test_notices_cover_no_controls(open_page: Opened):
    for width, height in ((1280, 800), (390, 780), (320, 640)):
        page = open_page(width, height, permissions=["camera"])
        settled(page)
        for screen in SCREENS:
            page.evaluate(f"location.hash = '{screen}'")
            until(page, f"studio.state.screen.value === '{screen}'")
            page.evaluate(
                "studio.state.tell('What happened. '.repeat(8), 'error', Array(9).fill('One more line.'))"
            )
            page.wait_for_selector(".notice")
            assert page.locator(".notice").bounding_box()["y"] > 0
            assert not page.evaluate(COVERED), (screen, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


SAY = """async ([method, path, body]) => {
    const { call } = await import("/static/api.js"), { said } = await import("/static/errors.js");
    return call(method, path, typeof body === "string" ? new Blob([body]) : body ?? undefined).then(() => null, said); }"""


def test_what_goes_wrong_is_said_in_the_readers_language(open_page: Opened, server: Running):
    page = open_page()
    settled(page)
    assert page.evaluate(SAY, ["POST", "/api/media", "no picture"])["text"].startswith("This is no photo")
    page.evaluate("import('/static/words.js').then((one) => one.speak('zh'))")
    page.wait_for_selector("html[lang=zh]")
    portrait = page.evaluate("studio.state.current.value")
    whole = {
        ("POST", "/api/media", "no picture"): "这不是可以打开的照片或视频",
        ("POST", "/api/media", ""): "这个文件是空的",
        ("POST", "/api/media", "GIF89a"): "这不是可以打开的照片或视频",
    }
    for (method, path, body), text in whole.items():
        told = page.evaluate(SAY, [method, path, body])
        assert told["text"].startswith(text) and not told["detail"], told
    told = page.evaluate(SAY, ["POST", f"/api/media/{portrait}/render", {"request": {"smile": 9}}])
    assert told["text"] == "无法按这样的设置处理。" and "smile" in told["detail"], (
        "the server's words as a detail"
    )
    told = page.evaluate(SAY, ["GET", "/api/media/nothing", None])
    assert told["text"] == "它已经不在了。" and told["detail"]
    page.evaluate(
        "studio.state.trying(() => import('/static/api.js').then((api) => api.get('/api/media/nothing')))"
    )
    page.wait_for_selector(".notice.error .more")
    assert page.inner_text(".notice p >> nth=0") == "它已经不在了。"


def test_sentences_of_the_page_are_for_what_the_server_says(open_page: Opened):
    """Whoever rewords an error of mien finds here that the page says it in words of its own."""
    page = open_page()
    texts = [text for text, _ in said_by_mien()] + [too_large(200_000_000).detail]
    for head in (b"", b"no picture", b"GIF89a"):
        with pytest.raises(InputError) as refused:
            kind_of(head)
        texts.append(str(refused.value))
    lost = page.evaluate(
        """async (texts) => { const { SENTENCES } = await import("/static/errors.js");
            return SENTENCES.filter(([, pattern]) => !texts.some((one) => pattern.test(one))).map(([key]) => key); }""",
        texts,
    )
    assert not lost


def test_nothing_is_to_be_typed_in_a_terminal(open_page: Opened):
    page = open_page()
    raised = [text for text, raised in said_by_mien() if raised and ("`mien" in text or " --" in text)]
    assert len(raised) > 10
    said = page.evaluate(
        """async (texts) => { const { said } = await import("/static/errors.js");
            return texts.map((message) => Object.values(said({ message, kind: "" })).join(" ")); }""",
        raised,
    )
    typed = [
        (before, now)
        for before, now in zip(raised, said, strict=True)
        if "`mien" in now or " --" in now or not now.strip()
    ]
    assert not typed


def said_by_mien() -> list[tuple[str, bool]]:
    """The texts in the sources of what works for the studio, with 7 for what is filled in, and whether they are raised."""
    found: list[tuple[str, bool]] = []
    for package in ("edits", "face", "io", "models", "pipeline", "web"):
        for path in (Path(mien.__file__).parent / package).glob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            raised = {
                id(one) for node in ast.walk(tree) if isinstance(node, ast.Raise) for one in ast.walk(node)
            }
            parts = {
                id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    words = (part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
                    found.append(("".join(map(str, words)), id(node) in raised))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
                    found.append((node.value, id(node) in raised))
    return found


IN_VIEW = (
    "(() => { const at = document.querySelector('.rail [aria-current]').getBoundingClientRect();"
    " return at.left >= 0 && at.right <= innerWidth + 1; })()"
)


def test_the_brush_and_the_time_line_are_accessible(open_page: Opened, clip: Path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the extra 'dev'").Axe()

    def serious(page: Any) -> list[str]:
        found = axe.run(page).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html']}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    for theme, width in (("light", 1280), ("dark", 320)):
        page = open_page(width, 700, color_scheme=theme, reduced_motion="reduce", bypass_csp=True)
        settled(page)
        page.keyboard.press("b")
        page.wait_for_selector(".painting")
        assert not serious(page)
        canvas, tools = (page.locator(one).bounding_box() for one in (".stage canvas", ".brush"))
        if width == 320:
            assert tools["y"] >= canvas["y"] + canvas["height"], "the tools cover no forehead"
        page.keyboard.press("b")
        page.set_input_files(".strip input[type=file]", clip)
        page.wait_for_selector(".lane.all")
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width and not serious(page)
        page.keyboard.press("k")
        page.locator(".film .moment").focus()
        for _ in range(9):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("k")
        until(page, "document.querySelectorAll('.strength .key').length === 2")
        page.locator(".strength .key >> nth=1").focus()
        assert page.evaluate("document.documentElement.scrollWidth") <= width and not serious(page)
        page.evaluate("studio.state.close(studio.state.current.value)")
        until(page, "!document.querySelector('.timeline')")


def test_the_other_language_is_whole(open_page: Opened):
    page = open_page(screen="settings")
    page.click("text=中文")
    page.wait_for_selector("html[lang=zh]")
    assert "设置" in page.inner_text("h1") and "编辑" in page.inner_text(".rail")
    page.reload()
    page.wait_for_selector("html[lang=zh][data-ready]")


def test_a_part_of_a_clip_is_made_for_one_person(open_page: Opened, clip: Path, tmp_path: Path):
    page = open_page()
    page.set_input_files(".strip input[type=file]", clip)
    until(page, "document.querySelector('.lane img')?.naturalWidth > 0")
    settled(page)
    until(page, "document.querySelector('.film img').naturalWidth > 400")
    first = shown(page)
    page.locator(".film .moment").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    until(page, "studio.state.moment.value?.time > 0.49")
    settled(page)
    assert np.abs(shown(page) - first).mean() > 1, "another frame is shown"
    page.keyboard.press("i")
    page.locator(".film .end").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert request(page) == {"start": 0.5, "end": 1.25}
    page.click("text=Portrait touch")
    page.click(".lane >> nth=0")
    settled(page)
    after = shown(page)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    settled(page)
    moved = np.abs(after - shown(page)).max(2) > 4
    width = moved.shape[1] // 2
    assert moved[:, :width].sum() > 300 > 10 > moved[:, width:].sum()
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+z")
    out = made(page, tmp_path)
    said = verify(out).history[-1].arguments
    assert (said["begin"], said["end"], said["face"]) == (0.5, 1.25, "person 1 of talk.mp4")


def test_keys_make_an_edit_stronger_over_time(open_page: Opened, clip: Path, tmp_path: Path):
    """The first by its button, which is at the start; the second by a click on the line; both moved by arrows, and one
    pulled; undone, removed, and made."""
    page = open_page()
    page.set_input_files(".strip input[type=file]", clip)
    until(page, "document.querySelector('.lane img')?.naturalWidth > 0")
    settled(page)
    plain = shown(page)
    page.click("text=Portrait touch")
    settled(page)
    whole = np.abs(shown(page) - plain).sum()
    rest = {name: value for name, value in request(page).items() if name != "keys"}

    page.get_by_role("button", name="Add a key of strength here").click()
    assert request(page) == rest | {"keys": [[0, 1]]}
    key = page.get_by_role("slider", name="Key 1")
    key.focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    settled(page)
    assert key.get_attribute("aria-valuetext") == "50 % at 0:00.0"
    assert 0.35 < np.abs(shown(page) - plain).sum() / whole < 0.65, "half of it is shown"
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    settled(page)
    assert request(page)["keys"] == [[0, 0]] and np.array_equal(shown(page), plain)

    line = page.locator(".strength .plot").bounding_box()
    page.mouse.click(line["x"] + 0.5 * line["width"], line["y"] + 2)
    until(page, "document.querySelectorAll('.strength .key').length === 2")
    (_, (time, share)) = request(page)["keys"]
    assert abs(time - 0.75) < 0.05 and share > 0.9
    place = page.locator(".strength .key >> nth=1").bounding_box()
    page.mouse.move(place["x"] + 14, place["y"] + 14)
    page.mouse.down()
    page.mouse.move(line["x"] + 0.75 * line["width"], line["y"] + 20, steps=3)
    page.mouse.move(line["x"] + 0.75 * line["width"], line["y"] - 30, steps=3)
    page.mouse.up()
    (_, (time, share)) = request(page)["keys"]
    assert abs(time - 1.125) < 0.05 and share == 1
    page.locator(".strength .key >> nth=1").focus()
    page.keyboard.press("ArrowRight")
    assert abs(request(page)["keys"][1][0] - time - 1 / 12) < 0.002
    page.keyboard.press("Delete")
    assert (
        request(page)["keys"] == [[0, 0]] and page.evaluate("document.activeElement.id") == "key-of-strength"
    )
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert request(page)["keys"] == [[0, 0], [time, 1]]

    out = made(page, tmp_path)
    assert verify(out).history[-1].arguments["keys"] == [[0, 0], [time, 1]]
    far = [np.abs(one - other).max(2) > 12 for one, other in zip(frames(out), frames(clip), strict=True)]
    assert far[0].sum() < 20 and far[-1].sum() > 300 > far[3].sum()
    page.evaluate("location.hash = 'verify'")
    page.set_input_files(".drop-here input", out)
    page.wait_for_selector(".verdict.intact")
    assert "0:00.0: 0 %, 0:01.1: 100 %" in page.inner_text(".verdict")


def made(page: Any, folder: Path) -> Path:
    """The clip that is open as a job makes it; both are gone afterwards."""
    page.get_by_role("button", name="Make the clip").click()
    until(page, "studio.state.jobs.value[0]?.state === 'done'")
    page.click(".job .title")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save talk.mp4").click()
    download.value.save_as(folder / "out.mp4")
    twice(page, "Remove this job")
    page.evaluate("location.hash = 'edit'")
    page.get_by_role("button", name="Remove talk.mp4").click()
    until(page, "!document.querySelector('.timeline')")
    return folder / "out.mp4"


def frames(path: Path) -> list[Array]:
    from mien.io import clip_reader

    return [one.pixels.astype(int) for one in clip_reader.frames(clip_reader.clip(path))]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, moving a little."""
    from mien.io import clip_writer
    from mien.types import Step

    small = np.hstack([cv2.resize(one.pixels, (240, 280)) for one in (hopper(), collins()[0])])
    path = tmp_path_factory.mktemp("clip") / "talk.mp4"
    clip_writer.write((np.roll(small, i, 0) for i in range(18)), path, fps=12, history=(Step("test", {}),))
    return path


def test_memory_stays_flat(server: Running, open_page: Opened, portrait: Array, tmp_path: Path):
    """A long session in which the same is asked for again and again, and results are let go."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        pytest.skip("the system does not say")
    page = open_page()
    small = tmp_path / "small.jpg"
    cv2.imwrite(str(small), cv2.resize(portrait[..., ::-1], (192, 225), interpolation=cv2.INTER_AREA))
    page.set_input_files(".strip input[type=file]", small)
    until(page, "studio.state.medium.value?.name === 'small.jpg'")
    settled(page)
    ask = """async (count) => { const id = studio.state.current.value;
        for (let i = 0; i < count; i++) {
            const body = JSON.stringify({request: {light: 0.01 * (i % 90)}});
            const made = await (await fetch(`/api/media/${id}/render`, {method: "POST", body})).json();
            await (await fetch(`/api/media/${made.id}`)).blob(); await fetch(`/api/media/${made.id}`, {method: "DELETE"}); } }"""

    def held() -> int:
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1])

    page.evaluate(ask, 20)
    before = held()
    page.evaluate(ask, 300)
    grown = held() - before
    page.get_by_role("button", name="Remove small.jpg").click()
    assert grown < 20_000, f"{grown} kB"


def test_four_pages_work_at_once(open_page: Opened):
    """Each shows what was asked for in it, and none what was asked for in another."""
    pages = [open_page(800, 600) for _ in range(4)]
    for i, page in enumerate(pages):
        wanted = {"light": round(0.2 * (i + 1), 1)}
        page.evaluate(
            "request => studio.state.commit({...studio.state.now.value, request}, studio.state.now.value)",
            wanted,
        )
    pictures = []
    for page in pages:
        settled(page)
        pictures.append(shown(page))
    for page, picture in zip(pages, pictures, strict=True):
        assert np.array_equal(shown(page), picture)
    changes = [np.abs(picture - pictures[0]).mean() for picture in pictures]
    assert changes == sorted(changes) and changes[1] > 0.2 and changes[3] > 2 * changes[1]
    one, other = pages[:2]
    one.set_input_files(".strip input[type=file]", ROOT / "docs" / "collins.jpg")
    until(one, "studio.state.medium.value.name === 'collins.jpg'")
    id = one.evaluate("studio.state.current.value")
    other.evaluate("dispatchEvent(new Event('focus'))")
    until(other, f"studio.state.media.value.some((one) => one.id === '{id}')")
    other.evaluate(f"studio.state.choose('{id}')")
    settled(other)
    one.evaluate(f"studio.state.close('{id}')")
    until(one, f"!studio.state.media.value.some((one) => one.id === '{id}')")
    other.evaluate("dispatchEvent(new Event('focus'))")
    until(other, f"studio.state.current.value !== '{id}' && studio.state.medium.value")
    one.evaluate("studio.state.putJob('edit', [studio.state.current.value], {light: 0.5})")
    for page in pages:
        until(page, "studio.state.jobs.value[0]?.state === 'done'")
    twice(one, "Remove this job")
    for page in pages:
        until(page, "studio.state.jobs.value.length === 0")


def test_hundreds_of_photos_are_queued_and_the_page_goes_on(browser: Any, portrait: Array, tmp_path: Path):
    small = cv2.resize(portrait[..., ::-1], (96, 112), interpolation=cv2.INTER_AREA)
    paths = [tmp_path / f"{i}.jpg" for i in range(200)]
    for path in paths:
        cv2.imwrite(str(path), small)
    running = start(tmp_path / "home")
    page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US").new_page()
    try:
        page.goto(running.url)
        page.wait_for_selector("html[data-ready]")
        page.set_input_files(".strip input[type=file]", paths)
        until(page, "studio.state.media.value.length === 201 && studio.state.uploads.value === 0", 300)
        page.click("text=Portrait touch")
        page.click(".to-all")
        until(page, "studio.state.jobs.value[0]?.total === 201 && studio.state.jobs.value[0].done > 0")
        page.click(".job .title")
        page.wait_for_selector(".tasks li >> nth=199")
        page.evaluate("location.hash = 'edit'")
        settled(page)
        page.locator("#tab-relight").click()
        began = time.monotonic()
        pull(page, "light", 0.9)
        settled(page)
        assert time.monotonic() - began < 10, "the page waits for no job"
        page.evaluate("location.hash = 'jobs'")
        page.get_by_role("button", name="Pause").click()
        until(page, "studio.state.jobs.value[0].state === 'paused'")
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert page.evaluate("studio.state.jobs.value[0].total") == 201
        twice(page, "Remove this job")
        until(page, "studio.state.jobs.value.length === 0")
    finally:
        page.context.close()
        running.process.terminate()
        running.process.wait(30)
    assert not list((tmp_path / "home" / "studio" / "jobs").iterdir())
