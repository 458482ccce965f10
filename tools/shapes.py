"""Make the shape model in the box: landmarks of portraits and of people from three sides, with and without a smile
-> how heads differ and how a face moves, as `shapes.npz` with a card, in `src/mien/weights/`.

    python tools/shapes.py PORTRAITS ANGLES

PORTRAITS is a folder of faces as `mien train` reads them, ANGLES one of people from three sides with their
landmarks and depth. Identity: the principal components of the portraits. Expression: what tells a smile of one
person from the same person's neutral face, and how landmarks go with the blendshapes that the network in the box
reads in the portraits, which has the jaw, the lids and the brows in it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from catalogue import register

from mien.face import shape
from mien.face.shape import Pose, ShapeModel
from mien.face.topology import RIGID_POINTS
from mien.io.photo_reader import read
from mien.models.blendshapes import NAMES
from mien.models.card import KEY, Card
from mien.models.catalogue import WEIGHTS
from mien.models.kit import Kit
from mien.models.shapes import packed
from mien.types import Array

IDENTITY, EXPRESSION = 50, 24  # modes
STRAIGHT = 35.0  # degrees of yaw and pitch: the depth of heads that are turned further is a guess
ROUNDS = 4  # of bringing all heads to their mean
INNER_CORNERS, BRIDGE = (133, 362), 168
APART = 30.0  # mm between the inner corners of the eyes
RIDGE = 0.02  # of the variance of a blendshape, in the regression on all of them
OUTLIERS = 98  # percentile of size from which on a deviation is a landmark gone wrong


def portraits(kit: Kit, folder: Path) -> tuple[Array, Array]:
    """Meshes `[n, 478, 3]` of the faces that look ahead, and their blendshapes `[n, 52]`."""
    points: list[Array] = []
    told: list[list[float]] = []
    for path in sorted((folder / "images").glob("*.jpg")):
        faces = kit.faces(read(path).pixels)
        face = max(faces, key=lambda one: one.area, default=None)
        if face is not None and max(abs(face.yaw), abs(face.pitch)) < STRAIGHT:
            points.append(shape.solid(face.landmarks, face.depth))
            coefficients = kit.blendshapes.coefficients(face.landmarks)
            told.append([coefficients[name] for name in NAMES])
    return np.stack(points), np.array(told)


def smiles(folder: Path) -> Array:
    """Pairs of meshes `[n, 2, 478, 3]`: people neutral and smiling, from the same side."""
    with np.load(folder / "landmarks478.npz") as file:
        points = np.concatenate([file["points"], file["depth"][..., None]], -1).astype(np.float64)
        known = dict(zip(map(str, file["files"]), points, strict=True))
    smiling = [name for name in known if "-smiling-" in name]
    return np.stack([(known[name.replace("smiling", "neutral")], known[name]) for name in smiling])


def mean_head(meshes: Array) -> Array:
    """The mean of all meshes `[n, 478, 3]`, each brought to it, symmetric, upright as they are: `[478, 3]` in mm."""
    mean = np.median(meshes, axis=0)
    for _ in range(ROUNDS):
        mean = heads(meshes, mean).mean(0)
        left, right = mean[list(INNER_CORNERS)]
        mean = (mean - mean[BRIDGE]) * (APART / np.linalg.norm(right - left))
    swapped = mirrored(mean)
    other = mirror(mean)
    return (mean + swapped[other]) / 2


def heads(meshes: Array, mean: Array) -> Array:
    """Meshes `[n, 478, 3]` in the frame of the `mean` head."""
    rigid = list(RIGID_POINTS)
    return np.stack([Pose.between(one[rigid], mean[rigid]).to_head(one) for one in meshes])


def mirrored(points: Array) -> Array:
    return points * np.array([-1, 1, 1])


def mirror(mean: Array) -> Array:
    """Which point of the mean head is whose mirror image, `[478]`."""
    apart = ((mirrored(mean)[:, None] - mean) ** 2).sum(-1)
    return apart.argmin(0)


def expressed(smiling: Array, faces: Array, told: Array) -> Array:
    """What expressions add to a face, `[n, 478 * 3]` as modes hold it: half of the smiles of the same person, and
    what a regression on blendshapes makes of the portraits."""
    half = shape.weighed((smiling[:, 1] - smiling[:, 0]) / 2)
    size = np.sqrt((half**2).mean(1))
    half = half[size < np.percentile(size, OUTLIERS)]
    given, all_faces = told - told.mean(0), shape.weighed(faces - faces.mean(0))
    ridge = RIDGE * len(given) * given.var(0).mean() * np.eye(len(NAMES))
    by_blendshape = np.linalg.solve(given.T @ given + ridge, given.T @ all_faces)
    return np.concatenate([half, given @ by_blendshape * np.sqrt(len(half) / len(given))])


def components(rows: Array, count: int) -> tuple[Array, Array, float]:
    """The first modes of `rows`, their variances, and the share of it all that they hold."""
    _, sizes, modes = np.linalg.svd(rows, full_matrices=False)
    variance = sizes**2 / len(rows)
    return modes[:count], variance[:count], float(variance[:count].sum() / variance.sum())


def with_mirrors(rows: Array, other: Array) -> Array:
    """Offsets `[n, 478 * 3]` and their mirror images."""
    solid = rows.reshape(len(rows), -1, 3)
    return np.concatenate([rows, mirrored(solid)[:, other].reshape(len(rows), -1)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the shape model in the box.")
    parser.add_argument("portraits", type=Path)
    parser.add_argument("angles", type=Path)
    asked = parser.parse_args()
    meshes, told = portraits(Kit(threads=1), asked.portraits)
    mean = mean_head(meshes)
    other, faces = mirror(mean), heads(meshes, mean)
    pairs = smiles(asked.angles)
    smiling = heads(pairs.reshape(-1, *mean.shape), mean).reshape(pairs.shape)
    moves = with_mirrors(expressed(smiling, faces, told), other)
    who = with_mirrors(shape.weighed(faces - mean), other)
    expression, expression_variance, moved = components(moves, EXPRESSION)
    identity, identity_variance, held = components(who, IDENTITY)
    model = ShapeModel(mean, identity, identity_variance, expression, expression_variance)
    card = Card(
        name="shapes",
        role="shapes",
        licence="Apache-2.0",
        description="How heads differ (50 modes of identity) and how a face moves (24 of expression), for the face mesh",
        data="SFHQ and SFHQ-T2I (David Beniaguev, MIT); Face Research Lab London Set (DeBruine, Jones, CC BY 4.0); "
        "Young Adult White Faces (DeBruine, Jones, CC BY 4.0); FairFace (Karkkainen, Joo, CC BY 4.0); Congress portraits (public domain)",
        source="python tools/shapes.py PORTRAITS ANGLES",
        limits="depth is what the face mesh guesses; expressions are those of portraits: no tongue, no puffed cheeks",
        measured={"identity_held": round(held, 3), "expression_held": round(moved, 3)},
    )
    path = WEIGHTS / "shapes.npz"
    np.savez_compressed(path, allow_pickle=False, **{KEY: np.array(card.to_json())}, **packed(model))
    digest = register("shapes", "shapes", path.name)
    print(
        f"{path.name}: {len(meshes)} portraits, {len(pairs)} smiles; {path.stat().st_size} bytes, sha256 {digest}"
    )
    print(f"held: identity {held:.3f} of the variance, expression {moved:.3f}")


if __name__ == "__main__":
    main()
