"""An edit of your own: freckles. mien aligns the face, composites at full resolution and labels the result.

python examples/custom_edit.py photo.jpg out.png
"""

import sys
from dataclasses import dataclass

import numpy as np

from mien import Alignment, Change, Crop, Phase, find, read, write
from mien.face import filters, mesh
from mien.pipeline.photo import edit_photo


@dataclass(frozen=True)
class Freckles:
    """Small brown spots on the skin; amount 0 to 1."""

    amount: float
    alignment = Alignment("face", 512)  # the layout that `__call__` sees, and its side in pixels
    networks = ()  # (name, SHA-256) of each network that takes part, for the label
    phase = Phase.COLOUR  # its place in the order of edits

    def __call__(self, crop: Crop) -> Change:
        size = crop.size
        noise = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
        noise = filters.blur(noise, size / 150)
        spots = filters.smoothstep(noise / noise.std(), 1.5, 2.2)  # [size, size], 0 to 1
        brown = np.array([-0.16, -0.19, -0.17], np.float32)  # added to red, green and blue
        flow = np.zeros((size, size, 2), np.float32)  # nothing moves
        alpha = mesh.skin_mask(crop.landmarks, size).astype(np.float32) * np.float32(self.amount)
        return Change(flow, spots[..., None] * brown, alpha)


def main(source: str, target: str) -> None:
    photo = read(source)
    faces = find(photo)
    everybody = list(range(len(faces)))
    write(edit_photo(photo, [Freckles(0.8)], faces, everybody, {"freckles": 0.8}), target)


if __name__ == "__main__":
    main(*sys.argv[1:])
