"""Photos drawn by a translator: whole, in tiles, or only their faces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import HOPPER
from faces import hopper, hopper_face

torch = pytest.importorskip("torch", reason="exporting needs the extra 'train'")

from torch import Tensor, nn  # noqa: E402

from mien import Kit, Photo, RequestError, verbs, verify  # noqa: E402
from mien.cards import Card, Condition  # noqa: E402
from mien.models import translator  # noqa: E402
from mien.train import export  # noqa: E402
from mien.train.part import Part  # noqa: E402


class Negative(nn.Module):
    """What is light becomes dark, softened by a pixel on each side."""

    def __init__(self) -> None:
        super().__init__()
        self.soft = nn.Conv2d(3, 3, 3, padding=1, groups=3, bias=False, padding_mode="replicate")
        nn.init.constant_(self.soft.weight, 1 / 9)

    def forward(self, pixels: Tensor, condition: Tensor) -> Tensor:
        return -self.soft(pixels) + 0.5 * condition[:, :, None, None]


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
    about = {"licence": "CC0-1.0", "size": 64, "value_range": (-1.0, 1.0), "multiple": 8}
    pixels = {"pixels": torch.zeros(1, 3, 64, 64)}
    negative = Card("negative", "translator", conditions=(Condition("light", "", -1, 1),), **about)
    parts = [
        Part("translator", Negative(), pixels | {"condition": torch.zeros(1, 1)}, ("picture",), negative),
        Part("translator", Shaded(), {"pixels": torch.zeros(1, 1, 64, 64)}, ("picture",), Card("shaded", "translator", **about)),
        Part("translator", Tinted(), pixels | {"style": torch.zeros(1, 3, 64, 64)}, ("picture",), Card("tinted", "translator", **about)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder / "home"))
        verbs.shared_kit.cache_clear()
        for part in parts:
            export.write(part, folder / f"{part.card.name}.onnx", half=False)
            verbs.import_network(folder / f"{part.card.name}.onnx", part.card.name)
        yield Kit(threads=1)
    verbs.shared_kit.cache_clear()


@pytest.mark.parametrize("size", [(77, 130), (translator.TILE + 200, 2 * translator.TILE)])
def test_a_whole_picture_of_any_size_without_a_seam(kit: Kit, size: tuple[int, int]):
    y, x = np.mgrid[: size[0], : size[1]]
    photo = Photo(np.stack([x % 256, y % 256, (x + y) % 256], -1).astype(np.uint8)[::1])
    drawn = verbs.stylize(photo, "negative", kit=kit).pixels.astype(int)
    smooth = np.ones(size, bool)  # away from where the ramps jump, a soft negative is a negative
    for ramp in (x % 256, y % 256, (x + y) % 256):
        smooth &= (ramp > 1) & (ramp < 254)
    inside = np.s_[2:-2, 2:-2]
    assert np.abs(drawn + photo.pixels - 255)[inside][smooth[inside]].max() <= 1


def test_half_the_way_and_conditions(kit: Kit):
    photo = hopper()
    whole, half = (verbs.stylize(photo, "negative", strength=s, kit=kit).pixels.astype(int) for s in (1.0, 0.5))
    assert np.abs(half - (photo.pixels.astype(int) + whole) / 2).max() <= 1
    lighter = verbs.stylize(photo, "negative", asked={"light": 1.0}, kit=kit).pixels
    assert lighter.mean() > whole.mean() + 20
    deep = Photo(photo.pixels.astype(np.uint16) * 257)
    assert np.abs(verbs.stylize(deep, "negative", kit=kit).pixels / 257 - whole).max() < 2


def test_only_faces(kit: Kit):
    photo = hopper()
    drawn = verbs.stylize(photo, "negative", face="largest", kit=kit)
    changed = (drawn.pixels != photo.pixels).any(2)
    left, top, right, bottom = hopper_face().box.astype(int)
    middle = np.s_[(top + bottom) // 2 - 20 : (top + bottom) // 2 + 20, (left + right) // 2 - 20 : (left + right) // 2 + 20]
    assert changed[middle].mean() > 0.9 and not changed[:20].any() and not changed[:, :20].any()
    assert drawn.history[-1].verb == "stylize" and drawn.history[-1].networks[0][0] == "negative"


def test_the_style_of_a_picture(kit: Kit):
    red = Photo(np.broadcast_to(np.array([200, 0, 0], np.uint8), (40, 60, 3)).copy())
    drawn = verbs.stylize(hopper(), "tinted", style=red, kit=kit).pixels.astype(float)
    assert np.abs(drawn - (hopper().pixels / 2 + np.array([100, 0, 0]))).max() < 2
    with pytest.raises(RequestError, match="--style"):
        verbs.stylize(hopper(), "tinted", kit=kit)


def test_the_command_line_labels_what_it_draws(mien, kit: Kit, tmp_path: Path):
    out = tmp_path / "out.jpg"
    assert mien("stylize", HOPPER, "--with", "negative", "--tell", "light=0.5", "--strength", 0.8, "-o", out).code == 0
    verdict = verify(out)
    assert verdict.state == "intact" and verdict.history[0].verb == "stylize"
    assert verdict.history[0].arguments == {"network": "negative", "strength": 0.8, "asked": {"light": 0.5}}
    for words, said in (
        (("--with", "nobody"), "no network is called 'nobody'"),
        (("--with", "iris"), "wanted 'translator'"),
        (("--with", "negative", "--strength", 2), "0 to 1"),
        (("--with", "negative", "--tell", "dark=1"), "knows no 'dark'"),
        (("--with", "negative", "--tell", "dark"), "NAME=VALUE"),
    ):
        ran = mien("stylize", HOPPER, *words, "-o", tmp_path / "no.jpg")
        assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran


def test_a_face_out_of_a_drawing(mien, kit: Kit, tmp_path: Path):
    paper = np.full((90, 70, 3), 255, np.uint8)
    paper[40:44] = 0
    drawn = verbs.sketch(Photo(paper), "shaded", kit=kit)
    assert drawn.pixels.shape == paper.shape and drawn.history[-1].source_type == "trainedAlgorithmicMedia"
    assert (drawn.pixels[41] == (255, 0, 0)).all() and (drawn.pixels[10] == 255).all()
    with pytest.raises(RequestError, match="takes 1"):
        verbs.sketch(Photo(paper), "negative", kit=kit)
    with pytest.raises(RequestError, match="a translator of photos was wanted"):
        verbs.stylize(Photo(paper), "shaded", kit=kit)
    assert mien("sketch", HOPPER, "--with", "shaded", "-o", tmp_path / "face.png").code == 0
    assert verify(tmp_path / "face.png").source_type == "trainedAlgorithmicMedia"


def test_tiles_cover_every_side():
    for length in (5, 100, translator.TILE, translator.TILE + 1, 5000):
        begins = translator.starts(length)
        ends = [begin + min(translator.TILE, length) for begin in begins]
        assert begins[0] == 0 and ends[-1] == length
        assert all(later <= end - translator.OVERLAP // 2 for end, later in zip(ends, begins[1:], strict=False))
    assert translator.ramp(300).min() > 0
