"""An edit in the space of a generator: find the face there, move it, change the photo by the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..errors import RequestError
from ..face import mesh
from ..models.encoder import Encoder
from ..models.generator import Generator
from ..models.kit import Kit
from ..models.prototypes import ADULT
from ..types import Alignment, Array, Change, Crop, Direction, Latent, Networks, Phase
from .age_floor import age_reader
from .request import Amounts
from .whole_face import held_years_of


@dataclass(frozen=True, eq=False)
class LatentEdit:
    """An edit by a generator: find the face in its space, move it, and change the photo by how the two
    pictures differ.

    The photo's own pixels follow the landmarks of the two pictures, and only what is left of the difference
    is added: what the generator cannot show (hats, pores, the background) stays. strengths: by the names of
    directions.
    """

    kit: Kit
    encoder: Encoder
    generator: Generator
    directions: Mapping[str, Direction]
    strengths: Amounts
    learned: Networks = ()  # the directions' own file
    phase = Phase.RESHAPE

    @property
    def alignment(self) -> Alignment:
        return Alignment(self.encoder.net.card.template or "ffhq", self.generator.net.card.size)

    @property
    def networks(self) -> Networks:
        return (*self.encoder.net.networks, *self.generator.net.networks, *self.learned)

    def __call__(self, crop: Crop) -> Change:
        asked = dict(self.strengths)
        if not {"age", "age_to"} & asked.keys():
            return self._change(crop, asked)
        rest = {name: amount for name, amount in asked.items() if name not in ("age", "age_to")}
        plain = {name: amount for name, amount in rest.items() if name != "smile"}
        years, said = held_years_of(
            asked, age_reader(self.kit), crop, lambda years: self._change(crop, plain | {"age": years})
        )
        return replace(self._change(crop, rest | {"age": years}), note=said)

    def _change(self, crop: Crop, amounts: Amounts) -> Change:
        size, triangles = crop.size, self.kit.prototypes.triangles
        before, after = self.generator.shades(np.stack([one.codes for one in self._latents(crop, amounts)]))
        seen = [self._landmarks(one) for one in (before, after)]
        start, end = (mesh.with_border_points(crop.landmarks if one is None else one, size) for one in seen)
        if any(one is None for one in seen):  # no face to follow: only colours change
            end = start
        face = mesh.with_border_points(crop.landmarks, size)
        moved = face + (end - start)
        flow, reach = mesh.motion(face, moved, triangles, size)
        difference = after - mesh.remap(before, mesh.dense_map(end, start, triangles, size))
        colour = mesh.remap(difference, mesh.dense_map(moved, end, triangles, size))
        return Change(flow, colour, np.clip(reach * 2, 0, 1))

    def _latents(self, crop: Crop, amounts: Amounts) -> tuple[Latent, Latent]:
        """The face as it is, and as it is wanted."""
        asked, space = dict(amounts), self.generator.space
        if (
            "age" in self.encoder.conditions
        ):  # SAM: the encoder itself is told an age (Alaluf et al. 2021, arXiv 2102.02754)
            now = max(self.kit.prototypes.read(crop).age, ADULT)
            codes = [
                self.encoder.invert(crop, age=age) for age in (now, max(now + asked.pop("age", 0.0), ADULT))
            ]
        else:
            codes = [self.encoder.invert(crop)] * 2
        start, end = (Latent(one, space) for one in codes)
        for name, amount in asked.items():
            end = end.along(self.directions[name], amount)
        return start, end

    def _landmarks(self, shades: Array) -> Array | None:
        """Those of the largest face in a picture of the generator."""
        faces = self.kit.faces(np.clip(np.rint(shades * 255), 0, 255).astype(np.uint8))
        return max(faces, key=lambda one: one.area).landmarks if faces else None


def make_latent_edit(network: str, strengths: Amounts, kit: Kit) -> LatentEdit:
    encoder, (_, generator) = kit.encoder(network), kit.generator(network)
    wanted = [
        name
        for name in ("age" if one == "age_to" else one for one in strengths)
        if name not in encoder.conditions
    ]
    if not wanted:
        return LatentEdit(kit, encoder, generator, {}, strengths)
    found = kit.directions(network)
    for name in wanted:
        if name not in found.known:
            raise RequestError(f"{network} knows no direction {name!r}: there are {', '.join(found.known)}")
    known = {name: found.known[name] for name in wanted}
    return LatentEdit(kit, encoder, generator, known, strengths, ((found.name, found.sha256),))
