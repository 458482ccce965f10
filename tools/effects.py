"""Draw the effect packs in the box -> `src/mien/data/effects/NAME/`.

    python tools/effects.py [NAME ...]

All of it is drawn by the code below, in the same way each time. Textures are laid out in thousandths of the texture map's
side (`mien effect template` draws it), stickers in thousandths of their width.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.edits.effect_pack import MANIFEST, VERSION
from mien.edits.styles import EFFECTS
from mien.types import Array

BOX = Path(__file__).parents[1] / "src" / "mien" / "data" / "effects"
FINER = 3  # drawn so much finer than it is kept
LIGHT = np.array([-0.35, -0.65, 0.67])  # from where drawn light comes: left, above, before
Points = Sequence[tuple[float, float]]
Colour = tuple[float, float, float]
GOLD = ((0.30, 0.16, 0.03), (0.78, 0.52, 0.13), (1.0, 0.86, 0.45), (1.0, 0.98, 0.84))

RUBY = (0.30, 0.01, 0.04), (0.66, 0.04, 0.12), (0.95, 0.4, 0.45)
SAPPHIRE = (0.02, 0.05, 0.30), (0.07, 0.18, 0.62), (0.45, 0.65, 1.0)
PEARL = (0.50, 0.45, 0.42), (0.92, 0.90, 0.87), (1.0, 1.0, 1.0)


def curve(points: Points, *, closed: bool = False, steps: int = 16) -> Array:
    """A smooth line through points (Catmull and Rom 1974), `[n, 2]`."""
    given = np.array(points, np.float64)
    ends = (
        np.concatenate([given[-1:], given, given[:2]])
        if closed
        else np.concatenate([2 * given[:1] - given[1:2], given, 2 * given[-1:] - given[-2:-1]])
    )
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts: list[Array] = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        parts.append(
            0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        )
    return np.concatenate(parts if closed else [*parts, given[-1:]])


def ribbon(path: Array, widths: Sequence[float]) -> Array:
    """The outline of a stroke along a path `[n, 2]` that is so wide from its start to its end."""
    along = np.gradient(path, axis=0)
    beside = np.stack([-along[:, 1], along[:, 0]], -1) / np.maximum(
        np.linalg.norm(along, axis=1, keepdims=True), 1e-9
    )
    wide = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    return np.concatenate([path + beside * wide, (path - beside * wide)[::-1]])


def ellipse(x: float, y: float, wide: float, high: float, turn: float = 0.0) -> Array:
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    flat = np.stack([wide / 2 * np.cos(angle), high / 2 * np.sin(angle)], -1)
    return flat @ np.array([[c, s], [-s, c]]) + (x, y)


def mirrored(outline: Array) -> Array:
    return outline * (-1, 1) + (1000, 0)


def mixed(one: Any, other: Any, share: Any) -> Any:
    share = np.asarray(share, np.float32)[..., None]
    return np.asarray(one, np.float32) * (1 - share) + np.asarray(other, np.float32) * share


def ramp(colours: Sequence[Colour], share: Array) -> Array:
    """A colour for each share 0..1, between those given."""
    at = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(share, at, [one[k] for one in colours]) for k in range(3)], -1).astype(
        np.float32
    )


@dataclass
class Canvas:
    """A picture that is drawn: `side` pixels wide; places in thousandths of that. high: its height over its width."""

    side: int
    high: float = 1.0
    rgba: Array = field(init=False)

    def __post_init__(self) -> None:
        self.rgba = np.zeros((round(self.side * self.high) * FINER, self.side * FINER, 4), np.float32)

    @property
    def unit(self) -> float:
        """Drawn pixels of a thousandth."""
        return self.side * FINER / 1000

    def places(self) -> tuple[Array, Array]:
        """x and y of every drawn pixel, in thousandths."""
        height, width = self.rgba.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        return x / np.float32(self.unit), y / np.float32(self.unit)

    def mask(self, *outlines: Array, soft: float = 0.0) -> Array:
        """The inside of outlines, `[h, w]` in 0..1, softened by so many thousandths."""
        out = np.zeros(self.rgba.shape[:2], np.uint8)
        for outline in outlines:
            cv2.fillPoly(out, [np.rint(outline * (self.unit * 16)).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return self.soft(out.astype(np.float32) / 255, soft)

    def soft(self, mask: Array, by: float) -> Array:
        return cv2.GaussianBlur(mask, (0, 0), by * self.unit) if by else mask

    def lay(self, mask: Array, colour: Any, opacity: float = 1.0) -> None:
        """Lay a colour, or a picture of colours, over what is there."""
        a = (mask * opacity)[..., None]
        self.rgba[..., :3] = self.rgba[..., :3] * (1 - a) + np.asarray(colour, np.float32) * a
        self.rgba[..., 3:] = self.rgba[..., 3:] * (1 - a) + a

    def dome(self, mask: Array, round_: float, soft: float = 0.0) -> tuple[Array, Array]:
        """How bright something with this outline is that bulges, its edge round over so many thousandths, 0..1; and its
        gloss."""
        inside = (mask > 0.5).astype(np.uint8)
        rise = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / (round_ * self.unit), 0, 1)
        height = np.sqrt(np.clip(1 - (1 - rise) ** 2, 0, 1)) * round_ * self.unit
        height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), max(soft or round_ / 8, 0.4) * self.unit)
        x, y = (cv2.Sobel(height, cv2.CV_32F, *by, scale=1 / 8) for by in ((1, 0), (0, 1)))
        length = np.sqrt(1 + x**2 + y**2)

        def facing(to: Array) -> Array:
            return np.clip((-x * float(to[0]) - y * float(to[1]) + float(to[2])) / length, 0, 1)

        halfway = LIGHT + np.array([0, 0, 1])
        return facing(LIGHT / np.linalg.norm(LIGHT)), facing(halfway / np.linalg.norm(halfway)) ** 24

    def solid(self, mask: Array, colours: Sequence[Colour], round_: float, gloss: float = 0.3) -> None:
        """Lay something that bulges, its colours from its shade to its light."""
        shade, shine = self.dome(mask, round_)
        lit = ramp(colours, np.clip(shade, 0, 1))
        self.lay(mask, lit + (1 - lit) * (gloss * shine)[..., None])

    def png(self) -> bytes:
        """The picture packed; colours go on beyond their edges, which shows nowhere."""
        height, width = self.rgba.shape[:2]
        small = cv2.resize(self.rgba, (width // FINER, height // FINER), interpolation=cv2.INTER_AREA)
        alpha = small[..., 3:]
        colours = np.where(alpha > 1 / 255, small[..., :3] / np.maximum(alpha, 1e-6), 0)
        out = np.rint(np.clip(np.dstack([colours, alpha]), 0, 1) * 255).astype(np.uint8)
        out[out[..., 3] == 0] = 0
        return cv2.imencode(".png", cv2.cvtColor(out, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, 9])[
            1
        ].tobytes()


Drawn = tuple[list[dict[str, Any]], dict[str, Canvas]]  # the layers of a pack, and its pictures


def texture(**about: Any) -> dict[str, Any]:
    return {"kind": "texture", "image": "face.png"} | about


def sticker(image: str, **about: Any) -> dict[str, Any]:
    return {"kind": "sticker", "image": f"{image}.png"} | about


def whiskers() -> Drawn:
    face = Canvas(512)
    nose = curve(
        [(500, 606), (460, 590), (428, 548), (446, 514), (500, 502), (554, 514), (572, 548), (540, 590)],
        closed=True,
    )
    both = [(lambda one: one), mirrored]
    for side in both:
        muzzle = side(
            curve(
                [(500, 610), (400, 590), (320, 620), (300, 690), (350, 730), (430, 690), (500, 668)],
                closed=True,
            )
        )
        face.lay(face.mask(muzzle, soft=22), (0.97, 0.95, 0.92), 0.42)
    for side in both:
        for path, wide in (
            ([(352, 618), (270, 590), (170, 574), (92, 580)], 9),
            ([(344, 644), (260, 634), (160, 634), (82, 652)], 9),
            ([(352, 670), (276, 682), (190, 706), (118, 742)], 9),
        ):
            face.lay(
                face.mask(side(ribbon(curve(path), (wide * 0.7, wide, wide * 0.8, 1.5))), soft=1.5),
                (0.05, 0.04, 0.05),
                0.9,
            )
        for x, y in ((392, 612), (366, 640), (394, 652), (424, 632)):
            face.lay(face.mask(side(ellipse(x, y, 15, 15)), soft=2), (0.05, 0.04, 0.05), 0.9)
    line = ribbon(curve([(500, 600), (500, 640), (500, 676)]), (11, 10, 8))
    face.lay(face.mask(line, soft=2), (0.06, 0.04, 0.05), 0.9)
    face.lay(face.mask(nose, soft=5), (0.07, 0.05, 0.06))
    inner = curve(
        [(500, 588), (468, 576), (446, 548), (458, 528), (500, 518), (542, 528), (554, 548), (532, 576)],
        closed=True,
    )
    face.lay(face.mask(inner, soft=8), (0.72, 0.36, 0.41), 0.85)
    face.lay(face.mask(ellipse(482, 534, 44, 16, -12), soft=6), (1, 0.9, 0.9), 0.55)
    return [texture(shine=0.12)], {"face": face}


def crown() -> Drawn:
    """All the way round: 515 mm, of which a thousandth is half a millimetre."""
    gold, spikes = Canvas(800, 0.125), 14
    step = 1000 / spikes
    top = [(0.0, 60.0)]
    for k in range(spikes):
        top += [((k + 0.5) * step, 16.0), ((k + 1) * step, 60.0)]
    body = gold.mask(np.array([*top, (1000, 118), (0, 118)], float))
    x, y = gold.places()
    sheen = 0.5 + 0.25 * np.sin(x / 1000 * 2 * np.pi * 6.3 + 0.6) + 0.12 * np.sin(x / 1000 * 2 * np.pi * 14.3)
    shade, _ = gold.dome(body, 5)
    gold.lay(body, ramp(GOLD, np.clip(sheen * 0.5 + shade * 0.4 - 0.0012 * (y - 60), 0, 1)))
    for level in (92, 115):
        rim = gold.mask(
            np.array([(0, level - 3.5), (1000, level - 3.5), (1000, level + 3), (0, level + 3)], float)
        )
        gold.solid(rim * body, GOLD, 3.4, 0.5)
    for k in range(spikes):
        middle = (k + 0.5) * step
        gold.solid(gold.mask(ellipse(middle, 15, 12, 12)), GOLD, 6, 0.8)
        gold.lay(gold.mask(ellipse(middle, 68, 20, 25), soft=1), GOLD[0], 0.7)
        gold.solid(gold.mask(ellipse(middle, 67, 16.5, 21)), (RUBY, SAPPHIRE)[k % 2], 8, 0.9)
        gold.solid(gold.mask(ellipse(middle + step / 2, 103.5, 9, 9)), PEARL, 4.5, 0.9)
    return [
        sticker("crown", at=[10], width=515, offset=[0, -40, -6], bend=82, tilt=13, shadow=0.4),
    ], {"crown": gold}


PACKS: dict[str, Callable[[], Drawn]] = {"whiskers": whiskers, "crown": crown}


def write(name: str) -> int:
    """Write one pack; returns its bytes."""
    layers, pictures = PACKS[name]()
    folder = BOX / name
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        "mien": VERSION,
        "name": EFFECTS[name],
        "author": "the mien project",
        "licence": "Apache-2.0",
        "layers": layers,
    }
    (folder / MANIFEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for image, canvas in pictures.items():
        (folder / f"{image}.png").write_bytes(canvas.png())
    return sum(path.stat().st_size for path in folder.iterdir())


def main() -> None:
    for name in sys.argv[1:] or PACKS:
        print(f"{name}: {write(name) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
