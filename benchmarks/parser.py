"""How well the parser tells the regions of people who took part in no training, in pictures whose labels are true:
before walls that are plain, which are keyed out, and composed of one another.

    python benchmarks/parser.py FACES ANGLES [--json benchmarks/results/parser.json]

FACES and ANGLES are the folders that `mien train parser` takes: labelled portraits, and photos of turned heads. Of each
region the intersection over union with the labels is given; where labels are unknown nothing counts. --network reads
another parser than the one in the box.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import figures
import numpy as np

from mien import Kit
from mien.face import geometry
from mien.models.parser import REGIONS, Parser
from mien.models.session import Net
from mien.train.data import covers
from mien.train.data.composites import Composer, Shown
from mien.train.data.dyes import dyed
from mien.train.data.parsing import people, poorly
from mien.train.data.region_labels import UNKNOWN
from mien.types import Array

SIZE = 256  # of a head in layout "ffhq"
Composed = Callable[[np.random.Generator, Composer, Shown], Shown]


def covered(shape: Callable[..., Array]) -> Composed:
    """Something over a person before another ground."""
    return lambda random, composer, shown: composer.moved(random, composer.covered(random, shown, shape))


def small(random: np.random.Generator, composer: Composer, shown: Shown) -> Shown:
    """Before another ground, in poor light or of few pixels."""
    shown = composer.moved(random, shown)
    return Shown(poorly(random, shown.pixels), shown.labels, shown.points, shown.person)


def recoloured(random: np.random.Generator, composer: Composer, shown: Shown) -> Shown:
    """Before another ground, with dyed hair."""
    shown = Shown(dyed(random, shown.pixels, shown.labels), shown.labels, shown.points, shown.person)
    return composer.moved(random, shown)


SETS: dict[str, Composed] = {
    "before plain walls": lambda random, composer, shown: shown,
    "before other grounds": lambda random, composer, shown: composer.moved(random, shown),
    "dyed hair": recoloured,
    "another's hair": lambda random, composer, shown: composer.moved(random, composer.haired(random, shown)),
    "hats": covered(covers.hat),
    "hoods and headscarves": covered(covers.hood),
    "fluffy clothes": covered(covers.collar),
    "masks and scarves": covered(covers.mask),
    "poor light, few pixels": small,
}


def found(parser: Parser, shown: Shown) -> Array:
    """The most likely region at each place of the labels, `[s, s]`, in the picture as if it were a photo."""
    crop = geometry.align(shown.pixels, shown.points.astype(np.float32), parser.alignment)
    regions, side = parser.parse(crop), len(shown.labels)
    step = len(shown.pixels) / side
    grid = np.array([[step, 0, (step - 1) / 2], [0, step, (step - 1) / 2]])
    at, how = geometry.compose(crop.matrix, grid), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack([cv2.warpAffine(regions[name], at, (side, side), flags=how) for name in REGIONS]).argmax(
        0
    )


def overlaps(parser: Parser, pictures: list[Shown]) -> dict[str, float]:
    """Intersection over union of each region over all pictures."""
    both, either = np.zeros(len(REGIONS)), np.zeros(len(REGIONS))
    for shown in pictures:
        said, known = found(parser, shown), shown.labels != UNKNOWN
        for k in range(len(REGIONS)):
            mine, theirs = (said == k) & known, shown.labels == k
            both[k] += (mine & theirs).sum()
            either[k] += (mine | theirs).sum()
    return {name: round(float(both[k] / max(either[k], 1)), 3) for k, name in enumerate(REGIONS)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("angles", type=Path)
    parser.add_argument("--network", type=Path)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    judged = (
        Parser(Net(asked.network.stem, asked.network, "", threads=1))
        if asked.network
        else Kit(threads=1).parser
    )
    composer = Composer(people([asked.faces, asked.angles], SIZE, 0, aside=True), [])
    rows = []
    for name, compose in SETS.items():
        random = np.random.default_rng(0)
        pictures = [compose(random, composer, shown) for shown in composer.cutouts]
        rows.append({"set": name, "pictures": len(pictures), **overlaps(judged, pictures)})
        print(rows[-1], flush=True)
    command = "python benchmarks/parser.py FACES ANGLES"
    figures.save(asked.json, command, rows, people_held_out=True)


if __name__ == "__main__":
    main()
