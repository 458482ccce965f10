"""Folders of faces -> rows, pictures and points; the split by person."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from ... import __version__
from ...errors import InputError
from ...face import geometry, mesh, topology
from ...face.change import apply_to_crop
from ...face.topology import RIGID_POINTS
from ...io.dataset import held_out, person_of
from ...models.kit import Kit
from ...types import Alignment, Array, Crop
from . import head_turn as turning

AGES = (20, 30, 40, 50, 60, 75)  # a label has weights of these, and then of the two sexes
OLDEST = 7  # decades are told apart up to this one
# what stands before the name of a smile pair's person in the table of portraits: nobody may be on both sides
# of the split
PAIRED = "london-"


def read_faces(folder: Path) -> tuple[list[dict[str, str]], Array]:
    """Rows of `faces.csv` with known age and sex, without dark glasses, and their landmarks `[n, 478, 2]`
    (pixels of the picture, centre of the first at 0)."""
    table, points = folder / "faces.csv", folder / "landmarks478.npz"
    if not table.is_file() or not points.is_file():
        raise InputError(
            f"{folder} is no folder of labelled faces: wanted faces.csv, landmarks478.npz and images/ in it"
        )
    with np.load(points) as file:
        by_file = dict(zip(map(str, file["files"]), file["points"] - np.float32(0.5), strict=True))
    with table.open(encoding="utf-8") as file:
        rows = [
            r
            for r in csv.DictReader(file)
            if r["sex"] in ("m", "f") and r["age"] not in ("", "NA") and r["glasses"] != "2"
        ]
    rows = [row for row in rows if row["file"] in by_file]
    if not rows:
        raise InputError(f"{table} has no row that can be used: wanted age, sex (m or f) and landmarks")
    return rows, np.stack([by_file[row["file"]] for row in rows])


@dataclass(frozen=True, eq=False)
class Pair:
    """One person neutral and smiling, laid out alike: the head lies in both where it lies in the neutral
    one."""

    name: str
    neutral: Crop
    smiling: Crop


def read_pairs(folder: Path, alignment: Alignment) -> Iterator[Pair]:
    """The people with `ID-neutral.jpg` and `ID-smiling.jpg` in a folder, by name. Landmarks are taken from
    `landmarks478.npz` (`ids`, `neutral`, `smiling` `[n, 478, 2]`) where it is there, and found where it is
    not."""
    names = sorted(path.name.removesuffix("-smiling.jpg") for path in folder.glob("*-smiling.jpg"))
    if not names:
        raise InputError(
            f"{folder} is no folder of smile pairs: wanted ID-neutral.jpg and ID-smiling.jpg in it"
        )
    known: dict[str, list[Array]] = {}
    if (folder / "landmarks478.npz").is_file():
        with np.load(folder / "landmarks478.npz") as file:
            known = {
                str(i): [n - 0.5, s - 0.5]
                for i, n, s in zip(file["ids"], file["neutral"], file["smiling"], strict=True)
            }
    kit = Kit()
    for name in names:
        paths = [folder / f"{name}-{kind}.jpg" for kind in ("neutral", "smiling")]
        pictures = [read_rgb(path) for path in paths]
        points = known.get(name) or [_landmarks(kit, *one) for one in zip(paths, pictures, strict=True)]
        matrix = geometry.similarity(points[0], alignment)
        matrices = matrix, geometry.compose(matrix, _rigid(points[1], points[0]))
        parts = zip(pictures, matrices, points, strict=True)
        crops = [_laid(pixels, m, alignment, p, turning.depth(kit, pixels, p)) for pixels, m, p in parts]
        yield Pair(name, *crops)


def _laid(pixels: Array, matrix: Array, alignment: Alignment, points: Array, depth: Array) -> Crop:
    size = alignment.size
    return Crop(
        geometry.warp(pixels, matrix, size),
        matrix,
        alignment,
        geometry.transform(points, matrix),
        depth * geometry.scale_of(matrix),
    )


def _landmarks(kit: Kit, path: Path, pixels: Array) -> Array:
    faces = kit.faces(pixels)
    if len(faces) != 1:
        raise InputError(f"{path} shows {len(faces)} faces: a smile pair wants one")
    return faces[0].landmarks


def _rigid(points: Array, onto: Array) -> Array:
    """The similarity `[2, 3]` that lays the points of a face that no expression moves best on those of
    another."""
    z, w = (p[list(RIGID_POINTS)].astype(np.float64) @ np.array([1, 1j]) for p in (points, onto))
    z0, w0 = z.mean(), w.mean()
    turn = np.vdot(z - z0, w - w0) / np.vdot(z - z0, z - z0)
    shift = w0 - turn * z0
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def notice_of(folders: Sequence[Path]) -> str:
    """The credits that a network trained on `folders` carries: every NOTICE.md in them or beside them."""
    places = dict.fromkeys(
        place.resolve() / "NOTICE.md" for folder in folders for place in (folder, folder.parent)
    )
    return "\n".join(place.read_text(encoding="utf-8") for place in places if place.is_file())


def made_by() -> str:
    """This version of mien, and its commit where the source lies in a checkout of its repository."""
    here = Path(__file__).parents[1]
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "log", "-1", "--format=%h", "--", str(here)],
            capture_output=True,
            text=True,
        )
    except OSError:  # no git here
        return f"mien {__version__}"
    return f"mien {__version__} {done.stdout.strip()}".rstrip()


def read_rgb(path: Path) -> Array:
    """A training picture, `[H, W, 3]` uint8 RGB."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(f"{path} cannot be read as a picture: take it out of the folder or replace it")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


Group = tuple[int, str]  # decade of age, and sex
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Example:
    """One crop before and after a known change. crop: of the face, with its depth; before, after `[S, S, 3]`
    uint8; condition `[5]`; flow `[s, s, 2]` crop px, reach and trust `[s, s]` at s = S/4; label `[8]`: age as
    weights of six ages, then f, m; open: `after` shows teeth that the picture `after` does not have (trust
    leaves them out)."""

    crop: Crop
    before: Array
    after: Array
    condition: Array
    flow: Array
    reach: Array
    trust: Array
    label: Array
    open: bool


class RetouchData:
    """Everything the retouch family trains on, in memory: smile pairs, portraits changed by the prototypes,
    real mouths and faces."""

    PAIRS = 0.4  # share of a batch that are smile pairs

    def __init__(self, folders: list[Path], size: int, variants: int, seed: int) -> None:
        places = [
            place
            for folder in folders
            for place in (folder, *sorted(one for one in folder.iterdir() if one.is_dir()))
        ]
        faces = next((place for place in places if (place / "faces.csv").is_file()), None)
        pairs = next((place for place in places if any(place.glob("*-smiling.jpg"))), None)
        if faces is None or pairs is None:
            raise InputError(
                f"retouch trains on two folders, labelled faces and smile pairs; came {', '.join(map(str, folders)) or 'none'}"
            )
        self.seed, self.alignment = seed, Alignment("face", size)
        self._kit = Kit()
        self._teacher = self._kit.prototypes
        self._pairs: dict[bool, list[Example]] = {False: [], True: []}  # by whether the person is held out
        self._taught: dict[Group, list[Example]] = {}
        self._aside: list[Example] = []  # the same of people held out
        self._smiles: list[Array] = []  # how mouths of pairs change
        self._mouths: list[Array] = []  # real crops with teeth
        self._faces: dict[Group, list[tuple[Array, Array]]] = {}  # real crops with their labels
        self._read_pairs(pairs)
        self._read_faces(faces, variants)

    def batch(self, size: int, i: int) -> dict[str, Array]:
        """Batch number `i` as arrays by the names of `families.retouch.Batch`."""
        rng = np.random.default_rng((self.seed, i))
        examples = [self._draw(rng) for _ in range(size)]
        mouths = [
            camera(rng, self._mouths[rng.integers(len(self._mouths))])[0] for _ in range(max(size // 2, 1))
        ]
        real = [_evenly(rng, self._faces) for _ in range(size)]
        return _stack(examples) | {
            "mouths": chw(mouths),
            "faces": chw([camera(rng, pixels)[0] for pixels, _ in real]),
            "face_label": np.stack([label for _, label in real]),
        }

    def held_out(self, most: int = 40) -> dict[str, Array]:
        """Up to `most` examples of people held out, half of them pairs, as they are."""
        examples = self._pairs[True][: most // 2] + [e for e in self._aside if not e.open][: most // 2]
        none = np.zeros((0, 3, self.alignment.size, self.alignment.size), np.float32)
        return _stack(examples) | {"mouths": none, "faces": none, "face_label": np.zeros((0, 8), np.float32)}

    def _draw(self, rng: np.random.Generator) -> Example:
        pairs = self._pairs[False]
        example = pairs[rng.integers(len(pairs))] if rng.random() < self.PAIRS else _evenly(rng, self._taught)
        if rng.random() < 0.05:  # asked for nothing: change nothing
            example = replace(
                example,
                after=example.before,
                condition=example.condition * 0,
                flow=example.flow * 0,
                open=False,
            )
        at = turning.chance(rng, example.crop, self._teacher.triangles)
        before, after = camera(rng, *(turning.looked(one, at) for one in (example.before, example.after)))
        reach, trust = (turning.coarsely(one, at) for one in (example.reach, example.trust))
        flow = turning.flowed(example.flow, at)
        if rng.random() < 0.5:
            before, after, flow, reach, trust = (one[:, ::-1] for one in (before, after, flow, reach, trust))
            flow = flow * np.array([-1, 1], np.float32)
        return replace(example, before=before, after=after, flow=flow, reach=reach, trust=trust)

    def _read_pairs(self, folder: Path) -> None:
        for pair in read_pairs(folder, self.alignment):
            aside = held_out(PAIRED + pair.name)
            smile = mesh.mouth_shape(pair.smiling.landmarks) - mesh.mouth_shape(pair.neutral.landmarks)
            if smile[2] > 0.08 and not aside:
                self._smiles.append(smile)
                self._mouths.append(pair.smiling.pixels)
            self._pairs[aside] += [
                self._pair(pair.neutral, pair.smiling, smile),
                self._pair(pair.smiling, pair.neutral, -smile),
            ]

    def _pair(self, before: Crop, after: Crop, smile: Array) -> Example:
        size = self.alignment.size
        face, moved = (
            mesh.with_border_points(before.landmarks, size),
            mesh.with_border_points(after.landmarks, size),
        )
        flow = mesh.dense_map(moved, face, self._teacher.triangles, size) - mesh.pixel_grid(size)
        reach = mesh.influence_mask(face, moved, size)
        flow *= reach[..., None]
        blended = (
            before.pixels + (after.pixels.astype(np.float32) - before.pixels) * reach[..., None]
        )  # beyond the face the two photos differ by chance
        condition = np.array([*smile, 0, 0], np.float32)
        return Example(
            before,
            before.pixels,
            np.rint(blended).astype(np.uint8),
            condition,
            _small(flow),
            _small(reach),
            _small(reach),
            np.zeros(8, np.float32),
            False,
        )

    def _read_faces(self, folder: Path, variants: int) -> None:
        rows, landmarks = read_faces(folder)
        rng = np.random.default_rng(self.seed)
        for row, points in zip(rows, landmarks, strict=True):
            aside = held_out(person_of(row))
            pixels = read_rgb(folder / "images" / row["file"])
            crop = geometry.align(pixels, points, self.alignment, turning.depth(self._kit, pixels, points))
            label = _label(float(row["age"]), row["sex"])
            group = min(int(float(row["age"])) // 10, OLDEST), row["sex"]
            if not aside:
                self._faces.setdefault(group, []).append((crop.pixels, label))
                if row["smile"] == "2":
                    self._mouths.append(crop.pixels)
            pool = self._aside if aside else self._taught.setdefault(group, [])
            pool += [self._teach(rng, crop, row) for _ in range(variants)]

    def _teach(self, rng: np.random.Generator, crop: Crop, row: dict[str, str]) -> Example:
        """One Change of the prototypes as an example; with teeth asked for, only the motion and what lies
        around the lips is taught."""
        kind = rng.choice(["age", "sex", "smile", "teeth", "all"], p=[0.3, 0.25, 0.2, 0.15, 0.1])
        closed = mesh.mouth_shape(crop.landmarks)[2] < 0.03
        age = float(rng.uniform(-30, 50)) if kind in ("age", "all") else 0.0
        sex = float(rng.uniform(-1, 1)) if kind in ("sex", "all") else 0.0
        mouth = (
            self._teacher.mouth_of(float(rng.uniform(-1, 1)))
            if kind in ("smile", "teeth", "all")
            else np.zeros(3, np.float32)
        )
        teeth = kind == "teeth" and bool(closed) and row["smile"] == "0"
        if teeth:
            mouth = self._smiles[rng.integers(len(self._smiles))] * rng.uniform(0.7, 1.1)
        change = self._teacher.change(crop, mouth=mouth, age=age, sex=sex)
        after = apply_to_crop(crop, change).pixels
        trust = change.alpha
        if teeth:
            moved = geometry.transform(crop.landmarks, np.eye(2, 3))
            trust = trust * (
                1
                - mesh.polygon_mask(
                    moved, topology.LIPS, crop.size, feather=crop.size / 40, grow=crop.size / 16
                )
            )
        label = _label(float(row["age"]) + age, row["sex"], sex)
        condition = np.array([*mouth, age, sex], np.float32)
        return Example(
            crop,
            crop.pixels,
            after,
            condition,
            _small(change.flow),
            _small(change.alpha),
            _small(trust),
            label,
            teeth,
        )


def _evenly(rng: np.random.Generator, groups: dict[Group, list[T]]) -> T:
    """One of a group by chance, whatever the size of the groups."""
    pool = list(groups.values())[rng.integers(len(groups))]
    return pool[rng.integers(len(pool))]


def _label(age: float, sex: str, more: float = 0.0) -> Array:
    weights = np.array([np.interp(age, AGES, one) for one in np.eye(len(AGES))])
    man = np.clip((sex == "m") + more, 0, 1)
    return np.array([*weights, 1 - man, man], np.float32)


def _small(field: Array) -> Array:
    return cv2.resize(field, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).astype(np.float16)


def camera(rng: np.random.Generator, *pictures: Array) -> list[Array]:
    """Another camera, the same for all `pictures [S, S, 3]`: exposure, gamma, colour mixing, white balance, a
    gradient of light, blur, noise, JPEG. Floats in 0..255."""
    size = pictures[0].shape[0]
    mix = np.eye(3) + rng.normal(0, 0.04, (3, 3))
    gain, gamma = np.exp(rng.normal(0, 0.2)), np.exp(rng.normal(0, 0.25))
    tint = np.exp(rng.normal(0, 0.08, 3))
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    light = np.exp(rng.normal(0, 0.25) * ramp[None, :] + rng.normal(0, 0.12) * ramp[:, None])[..., None]
    blur = rng.uniform(0.4, 1.4) if rng.random() < 0.25 else 0.0
    noise = rng.normal(0, rng.uniform(1, 8), (size, size, 3)) if rng.random() < 0.25 else 0.0
    quality = int(rng.integers(30, 95)) if rng.random() < 0.2 else None
    curve = (np.linspace(0, 1, 256) ** gamma * 255).astype(np.float32)
    out = []
    for picture in pictures:
        one = cv2.LUT(picture, curve) @ (mix * tint * gain).T.astype(np.float32) * light.astype(np.float32)
        if blur:
            one = cv2.GaussianBlur(one, (0, 0), blur)
        one = np.clip(one + noise, 0, 255).astype(np.float32)
        out.append(one if quality is None else _jpeg(one, quality))
    return out


def _jpeg(picture: Array, quality: int) -> Array:
    _, packed = cv2.imencode(".jpg", np.rint(picture).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.float32)


def chw(pictures: list[Array]) -> Array:
    """Pictures `[S, S, 3]` in 0..255 as a batch `[N, 3, S, S]` in [-1, 1]."""
    return (np.stack(pictures).transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)


def _stack(examples: list[Example]) -> dict[str, Array]:
    size = examples[0].before.shape[0]

    def large(key: Any) -> Any:
        return np.stack([cv2.resize(getattr(e, key).astype(np.float32), (size, size)) for e in examples])[
            :, None
        ]

    return {
        "before": chw([e.before for e in examples]),
        "after": chw([e.after for e in examples]),
        "condition": np.stack([e.condition for e in examples]),
        "flow": np.stack([e.flow for e in examples]).astype(np.float32).transpose(0, 3, 1, 2).copy(),
        "reach": large("reach"),
        "trust": large("trust"),
        "label": np.stack([e.label for e in examples]),
        "open": np.array([e.open for e in examples], np.float32),
    }
