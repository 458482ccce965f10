"""Photos and clips drawn by a translator: whole, in tiles, or only their faces; and faces out of drawings."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import HOPPER, Mien, save
from faces import hopper, hopper_face
from films import decoded, film, packets, shot, times

torch = pytest.importorskip("torch", reason="exporting needs the extra 'train'")

from torch import Tensor, nn

from mien import InputError, Kit, Photo, RequestError, verbs, verify
from mien.edits import line_art as paper
from mien.models import translator
from mien.models.card import Card, Condition
from mien.pipeline import clip_style as scenes
from mien.pipeline import resume as parts
from mien.train.engine import export
from mien.train.engine.part import Part


class Negative(nn.Module):
    """What is light becomes dark, softened by a pixel on each side."""

    def __init__(self) -> None:
        super().__init__()
        self.soft = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False, padding_mode="replicate")
        nn.init.constant_(self.soft.weight, 1 / 9)

    def forward(self, pixels: Tensor, condition: Tensor) -> Tensor:
        return -self.soft(pixels) + 0.5 * condition[:, :, None, None]


class Levelled(nn.Module):
    """Normalises as instance norms do, by the picture that it is shown."""

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels - pixels.mean((2, 3), keepdim=True)) * (
            0.3 / (pixels.std((2, 3), keepdim=True) + 0.01)
        )


class Tinted(nn.Module):
    """The mean colour of another picture."""

    def forward(self, pixels: Tensor, style: Tensor) -> Tensor:
        return pixels * 0.5 + style.mean((2, 3), keepdim=True) * 0.5


class Shaded(nn.Module):
    """A drawing in colour: paper stays, lines become red."""

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.cat([pixels * 0 + 1, pixels, pixels], 1)


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory):
    """A user who has imported both."""
    folder = tmp_path_factory.mktemp("stylize")
    about: dict[str, Any] = {"licence": "CC0-1.0", "size": 64, "value_range": (-1.0, 1.0), "multiple": 8}
    pixels = {"pixels": torch.zeros(1, 3, 64, 64)}
    negative = Card("negative", "translator", conditions=(Condition("light", "", -1, 1),), **about)
    exported = [
        Part("translator", Negative(), pixels | {"condition": torch.zeros(1, 1)}, ("picture",), negative),
        Part("translator", Levelled(), pixels, ("picture",), Card("levelled", "translator", **about)),
        Part(
            "translator",
            Shaded(),
            {"pixels": torch.zeros(1, 1, 64, 64)},
            ("picture",),
            Card("shaded", "translator", **about),
        ),
        Part(
            "translator",
            Tinted(),
            pixels | {"style": torch.zeros(1, 3, 64, 64)},
            ("picture",),
            Card("tinted", "translator", **about),
        ),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder / "home"))
        verbs.shared_kit.cache_clear()
        for part in exported:
            export.write(part, folder / f"{part.card.name}.onnx")
            verbs.import_network(folder / f"{part.card.name}.onnx", part.card.name)
        yield Kit(threads=1)
    verbs.shared_kit.cache_clear()


def waves(height: int, width: int) -> Photo:
    """Colours that change slowly, and some fine texture."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pixels = np.stack(
        [128 + 90 * np.sin(x / 70 + y / 90), 128 + 90 * np.cos(y / 80), 100 + 60 * np.sin((x - y) / 60)], -1
    )
    return Photo(np.clip(pixels + 6 * ((x + y) % 4 < 2)[..., None], 0, 255).astype(np.uint8))


@pytest.mark.parametrize("size", [(77, 130), (translator.TILE + 200, 2 * translator.TILE)])
def test_a_whole_picture_of_any_size_without_a_seam(kit: Kit, size: tuple[int, int]):
    photo = waves(*size)
    drawn = verbs.stylize(photo, "negative", kit=kit).pixels.astype(int)
    wanted = 255 - cv2.blur(photo.pixels, (3, 3)).astype(int)
    assert np.abs(drawn - wanted)[2:-2, 2:-2].max() <= 3


def test_tiles_agree_where_a_network_normalises_by_what_it_sees(kit: Kit, monkeypatch: pytest.MonkeyPatch):
    """In tiles each of which would have colours of its own, a picture becomes what it would at once."""
    photo = waves(900, 1100)
    photo.pixels[:, :400] //= 3
    tiled = verbs.stylize(photo, "levelled", kit=kit).pixels.astype(float)
    alone = kit.translator("levelled").part(photo.pixels, (0, 0), {}, None)
    monkeypatch.setattr(translator, "TILE", 1120)
    at_once = verbs.stylize(photo, "levelled", kit=kit).pixels.astype(float)
    assert np.abs(alone - at_once[:448, :448]).mean() > 20 and np.abs(tiled - at_once).mean() < 3


def test_half_the_way_and_conditions(kit: Kit):
    photo = hopper()
    whole, half = (
        verbs.stylize(photo, "negative", strength=s, kit=kit).pixels.astype(int) for s in (1.0, 0.5)
    )
    assert np.abs(half - (photo.pixels.astype(int) + whole) / 2).max() <= 1
    lighter = verbs.stylize(photo, "negative", asked={"light": 1.0}, kit=kit).pixels
    assert lighter.mean() > whole.mean() + 20
    none = verbs.stylize(photo, "negative", strength=0.0, kit=kit)
    assert (none.pixels == photo.pixels).all() and not none.history
    deep = Photo(photo.pixels.astype(np.uint16) * 257)
    assert np.abs(verbs.stylize(deep, "negative", kit=kit).pixels / 257 - whole).max() < 2


def test_only_faces(kit: Kit):
    photo = hopper()
    drawn = verbs.stylize(photo, "negative", face="largest", kit=kit)
    changed = (drawn.pixels != photo.pixels).any(2)
    left, top, right, bottom = hopper_face().box.astype(int)
    middle = np.s_[
        (top + bottom) // 2 - 20 : (top + bottom) // 2 + 20,
        (left + right) // 2 - 20 : (left + right) // 2 + 20,
    ]
    assert changed[middle].mean() > 0.9 and not changed[:20].any() and not changed[:, :20].any()
    assert drawn.history[-1].verb == "stylize" and drawn.history[-1].networks[0][0] == "negative"


def test_the_style_of_a_picture(kit: Kit):
    photo, red = (
        Photo(hopper().pixels[:400, :400]),
        Photo(np.broadcast_to(np.array([200, 0, 0], np.uint8), (40, 60, 3)).copy()),
    )
    drawn = verbs.stylize(photo, "tinted", style=red, kit=kit).pixels.astype(float)
    assert np.abs(drawn - (photo.pixels / 2 + np.array([100, 0, 0]))).max() < 2
    said = [
        verbs.stylize(photo, "tinted", style=one, kit=kit).history[-1].arguments for one in (red, red, photo)
    ]
    assert said[0] == said[1] != said[2]  # a run that goes on must know the picture again
    with pytest.raises(RequestError, match="--style"):
        verbs.stylize(hopper(), "tinted", kit=kit)


def test_the_command_line_labels_what_it_draws(mien: Mien, kit: Kit, tmp_path: Path):
    out = tmp_path / "out.jpg"
    assert (
        mien(
            "stylize", HOPPER, "--with", "negative", "--tell", "light=0.5", "--strength", 0.8, "-o", out
        ).code
        == 0
    )
    verdict = verify(out)
    assert verdict.state == "intact" and verdict.history[0].verb == "stylize"
    assert verdict.history[0].arguments == {"network": "negative", "strength": 0.8, "asked": {"light": 0.5}}
    for words, said in (
        (("--with", "nobody"), "no manner, network or picture is called 'nobody'"),
        (("--with", "iris"), "wanted 'translator'"),
        (("--with", "negative", "--strength", 2), "0 to 1"),
        (("--with", "negative", "--tell", "dark=1"), "knows no 'dark'"),
        (("--with", "negative", "--tell", "dark"), "NAME=VALUE"),
    ):
        ran = mien("stylize", HOPPER, *words, "-o", tmp_path / "no.jpg")
        assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran


# ---- clips


@pytest.fixture(scope="module")
def walk(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of a face that moves, with sound and uneven time stamps."""
    return film(
        tmp_path_factory.mktemp("drawn") / "walk.mp4",
        [shot(portrait, i) for i in range(12)],
        gaps=(512, 700, 300),
    )


def colours(path: Path) -> np.ndarray:
    return np.stack([one.to_ndarray(format="rgb24").astype(float) for one in decoded(path)])


def test_a_whole_clip(mien: Mien, kit: Kit, walk: Path, tmp_path: Path):
    out = tmp_path / "out.mp4"
    ran = mien("stylize", walk, "--with", "negative", "--strength", 0.8, "-o", out)
    assert ran.code == 0 and ran.err == f"wrote {out}: 12 frames\n", ran.err
    assert times(out) == times(walk) and packets(out) == packets(walk)
    verdict = verify(out)
    assert verdict.state == "intact" and verdict.history[0].verb == "stylize"
    assert verdict.history[0].arguments == {"network": "negative", "strength": 0.8}
    before, after = colours(walk), colours(out)
    wanted = 0.2 * before + 0.8 * (255 - np.stack([cv2.blur(one, (3, 3)) for one in before]))
    assert np.abs(after - wanted).mean() < 4
    assert [one.name for one in tmp_path.iterdir()] == ["out.mp4"]


def test_faces_of_a_clip(mien: Mien, kit: Kit, walk: Path, tmp_path: Path):
    out = tmp_path / "out.mp4"
    assert mien("stylize", walk, "--with", "negative", "--face", "largest", "--to", 0.3, "-o", out).code == 0
    changed = np.abs(colours(out) - colours(walk)[: len(decoded(out))]).mean((0, 3))
    assert changed[100:140, 110:150].mean() > 30 and np.median(changed[:, 290:]) < 2
    assert verify(out).history[0].arguments == {
        "network": "negative",
        "strength": 1.0,
        "face": "largest",
        "end": 0.3,
    }


def test_a_drawn_clip_goes_on_as_if_it_had_not_been_stopped(
    mien: Mien, kit: Kit, walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parts, "PART", 0.17)  # five frames
    whole, halted = tmp_path / "whole.mp4", tmp_path / "halted.mp4"
    done: list[int] = []
    verbs.stylize_clip(walk, whole, "negative", kit=kit)
    assert verify(whole).bits is None  # no faces are looked for, so none is marked
    with pytest.raises(KeyboardInterrupt):

        def told(n: Any, total: Any) -> Any:
            return done.append(n)

        verbs.stylize_clip(walk, halted, "negative", kit=kit, report=told, stopped=lambda: len(done) == 5)
    assert json.loads((tmp_path / "halted.mp4.parts" / "done.json").read_text())["frames"] == 5
    ran = mien("stylize", walk, "--with", "negative", "--strength", 0.5, "-o", halted, "--resume")
    assert ran.code == 2 and "another request" in ran.err
    assert verbs.stylize_clip(walk, halted, "negative", kit=kit, resume=True).frames == 12
    assert times(halted) == times(whole) and packets(halted) == packets(whole)
    assert (colours(halted) == colours(whole)).all()


def drawn_by(scene: scenes.ClipStylizer, frames: list[np.ndarray]) -> list[np.ndarray]:
    out = []
    for frame in frames:
        scene.see(frame, scene.draw(frame))
        out.append(scene.seen["drawn"].copy())
    return out


def test_strokes_do_not_crawl_nor_lag_and_a_cut_begins_anew(portrait: np.ndarray):
    chance = np.random.default_rng(0)

    def nervous(pixels: np.ndarray) -> np.ndarray:
        return np.clip(pixels + chance.normal(0, 12, pixels.shape), 0, 255).astype(np.uint8)

    moving = [np.ascontiguousarray(portrait[100:340, 60 + 3 * i : 360 + 3 * i]) for i in range(12)]

    def error(outs: Any) -> Any:
        return np.mean(
            [np.abs(cv2.blur(a - b, (3, 3))).mean() for a, b in zip(outs[6:], moving[6:], strict=True)]
        )

    alone, steady = (
        drawn_by(scenes.ClipStylizer(nervous, 1.0, kept=kept), moving) for kept in (0.0, scenes.KEPT)
    )
    assert error(steady) < 0.75 * error(
        alone
    )  # nearer to what is there: less noise, and no shadow of where it was
    still = [moving[0]] * 12
    alone, steady = (
        drawn_by(scenes.ClipStylizer(nervous, 1.0, kept=kept), still) for kept in (0.0, scenes.KEPT)
    )

    def change(outs: Any) -> Any:
        return np.mean([np.abs(a - b).mean() for a, b in itertools.pairwise(outs[6:])])

    assert change(steady) < 0.4 * change(alone)
    cut = 255 - moving[0]
    scene = scenes.ClipStylizer(lambda pixels: pixels, 1.0)
    assert (drawn_by(scene, [moving[0], cut])[1] == cut).all()


def test_a_folder_of_both_kinds(mien: Mien, kit: Kit, walk: Path, tmp_path: Path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    shutil.copy(HOPPER, folder)
    shutil.copy(walk, folder)
    asked = ("stylize", folder, "--with", "negative", "--workers", 1, "-o", out)
    assert mien(*asked).code == 0
    assert sorted(one.name for one in out.iterdir()) == sorted([HOPPER.name, walk.with_suffix(".mp4").name])
    ran = mien(*asked, "--resume")
    assert ran.code == 0 and "1 skipped" in ran.err and "is done already" in ran.err
    ran = mien(*asked, "--strength", 0.5, "--resume")
    assert ran.code == 1 and "was made with network=negative strength=1.0" in ran.err


def test_nothing_is_drawn_with_strength_0(mien: Mien, kit: Kit, tmp_path: Path):
    ran = mien("stylize", HOPPER, "--with", "negative", "--strength", 0, "-o", tmp_path / "a.png")
    assert ran.code == 0 and "nothing has changed, since every strength is 0" in ran.err


def test_what_is_for_clips_is_refused_for_photos(mien: Mien, kit: Kit, walk: Path, tmp_path: Path):
    for words, said in (
        ((HOPPER, "--to", 3, "-o", tmp_path / "a.jpg"), "are for clips"),
        ((HOPPER, "--face", "left", "-o", tmp_path / "a.jpg"), "neither all"),
        ((walk, "--strength", 0, "-o", tmp_path / "a.mp4"), "changes nothing"),
        ((walk, "--face", 3, "-o", tmp_path / "a.mp4"), "there is no face 3"),
        ((walk, "-o", tmp_path / "a.jpg"), "names no clip"),
    ):
        ran = mien("stylize", *words, "--with", "negative")
        assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran
    assert not list(tmp_path.iterdir())


# ---- drawings


def doodle(
    size: tuple[int, int], centre: tuple[int, int], radius: int, ink: tuple[int, int, int] = (20, 20, 20)
) -> np.ndarray:
    """A face of few strokes on white paper."""
    out = np.full((*size, 3), 255, np.uint8)
    x, y = centre
    cv2.ellipse(out, centre, (round(radius * 0.8), radius), 0, 0, 360, ink, max(radius // 20, 2), cv2.LINE_AA)
    for side in (-1, 1):
        cv2.circle(
            out,
            (x + side * radius // 3, y - radius // 8),
            radius // 8,
            ink,
            max(radius // 25, 2),
            cv2.LINE_AA,
        )
    cv2.ellipse(
        out,
        (x, y + radius // 2),
        (radius // 3, radius // 8),
        0,
        0,
        180,
        ink,
        max(radius // 25, 2),
        cv2.LINE_AA,
    )
    return out


def box(lines: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of what is dark, in the picture's side."""
    return (
        np.array(cv2.boundingRect((lines < 150).astype(np.uint8)))
        @ [[1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]]
        / len(lines)
    )


def test_paper_becomes_white_and_ink_dark():
    clean = doodle((600, 500), (250, 300), 200)
    y, x = np.mgrid[:600, :500]
    light = (0.35 + 0.6 * np.exp(-((x - 100) ** 2 + (y - 80) ** 2) / 3e5))[..., None]  # a lamp at one corner
    grain = np.random.default_rng(0).normal(0, 2, (600, 500, 1))
    inks = {
        "lamp": clean * light * [1, 0.93, 0.8] + grain,
        "red": doodle((600, 500), (250, 300), 200, (210, 40, 40)),
        "pale": clean // 3 + 150,
    }
    truth = clean.min(2) < 100
    apart = cv2.dilate(truth.astype(np.uint8), np.ones((7, 7))) == 0
    for name, drawing in inks.items():
        lines = paper.extract_lines(np.clip(drawing, 0, 255).astype(np.uint8))
        assert np.percentile(lines[truth], 80) < 90 and (lines[apart] > 240).mean() > 0.995, name


@pytest.mark.parametrize(
    ("size", "centre", "radius"),
    [((900, 700), (200, 250), 90), ((400, 1500), (1000, 200), 150), ((60, 60), (30, 30), 20)],
)
def test_a_doodle_is_framed_as_faces_are(size: tuple[int, int], centre: tuple[int, int], radius: int):
    lines = paper.frame_drawing(paper.extract_lines(doodle(size, centre, radius)), 256)
    left, top, right, bottom = box(lines)
    assert lines.shape == (256, 256) and abs((left + right) / 2 - 0.5) < 0.02
    assert 0.78 < bottom - top < 0.9 and 0.02 < top < 0.1
    assert lines[:4].min() > 240  # what is beyond the sheet is paper too


def test_a_drawing_that_fills_its_sheet_is_not_cut():
    drawing = np.full((300, 240, 3), 255, np.uint8)
    cv2.rectangle(drawing, (4, 4), (235, 295), (0, 0, 0), 3)
    left, top, right, bottom = box(paper.frame_drawing(paper.extract_lines(drawing), 300))
    assert (abs(left - 34 / 300) < 0.02, abs(right - 266 / 300) < 0.02, top < 0.02, bottom > 0.98) == (
        True,
    ) * 4
    with pytest.raises(InputError, match="no lines found"):
        paper.frame_drawing(paper.extract_lines(np.full((50, 70, 3), 200, np.uint8)), 64)


def test_a_face_out_of_a_drawing(mien: Mien, kit: Kit, tmp_path: Path):
    drawing = doodle((300, 400), (120, 150), 80)
    drawn = verbs.sketch(Photo(drawing), "shaded", kit=kit)
    assert drawn.pixels.shape == (64, 64, 3) and drawn.history[-1].source_type == "trainedAlgorithmicMedia"
    red = (drawn.pixels[..., 0] > 200) & (drawn.pixels[..., 1] < 120)
    assert 0.03 < red.mean() < 0.5 and (drawn.pixels[0] > 240).all()
    with pytest.raises(RequestError, match="takes 1"):
        verbs.sketch(Photo(drawing), "negative", kit=kit)
    with pytest.raises(RequestError, match="a translator of photos was wanted"):
        verbs.stylize(Photo(drawing), "shaded", kit=kit)
    assert (
        mien(
            "sketch", save(tmp_path / "in.png", drawing), "--with", "shaded", "-o", tmp_path / "face.png"
        ).code
        == 0
    )
    assert verify(tmp_path / "face.png").source_type == "trainedAlgorithmicMedia"


def test_a_found_face_is_redrawn_in_its_place(mien: Mien, kit: Kit, tmp_path: Path):
    photo = hopper()
    drawn = verbs.sketch(photo, "shaded", face="largest", kit=kit)
    changed = (drawn.pixels != photo.pixels).any(2)
    assert changed.mean() > 0.05 and not changed[:20].any()
    assert (
        drawn.history[-1].verb == "sketch"
        and drawn.history[-1].source_type == "compositeWithTrainedAlgorithmicMedia"
    )


def test_a_translator_draws_without_chance(kit: Kit):
    with pytest.raises(RequestError, match="sample=N"):
        verbs.sketch(Photo(doodle((300, 400), (120, 150), 80)), "shaded", seed=1, kit=kit)


def test_tiles_cover_every_side():
    for length in (5, 100, translator.TILE, translator.TILE + 1, 5000):
        total = np.zeros(length)
        for start, share in translator.shares(length, translator.TILE):
            assert share.min() > 0
            total[start : start + len(share)] += share
        assert np.abs(total - 1).max() < 1e-5
