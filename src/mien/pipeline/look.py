"""How a photo is looked at, whatever its profile or toning, and the faces that are seen in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..face import filters, geometry, mesh
from ..face.geometry import Halvings, Picture
from ..face.toning import Toning, toning_of
from ..io.colour_profile import Profile, profile_of
from ..models.kit import Kit
from ..types import Alignment, Array, Change, Crop, Face, Identity, Photo


def align_face(pixels: Picture, face: Face, alignment: Alignment) -> Crop:
    """One face laid out, with its depth."""
    return geometry.align(pixels, face.landmarks, alignment, face.depth)


@dataclass(frozen=True, eq=False)
class Look:
    """How a photo is looked at: as its colours are seen, whatever its profile or toning. colours: how its numbers
    become those, and back; None where they are that already."""

    colours: Profile | Toning | None

    @staticmethod
    def of(photo: Photo) -> Look:
        return Look(profile_of(photo.origin.icc) or toning_of(photo.pixels))

    def picture(self, pixels: Array) -> Array:
        """Pixels of the photo `[H, W, 3]` as they are seen, uint8."""
        pixels = filters.to_uint8(pixels)
        return pixels if self.colours is None else self.colours.picture(pixels)

    def align(self, pixels: Picture, face: Face, alignment: Alignment) -> Crop:
        """A face laid out, as it is seen."""
        crop = align_face(pixels, face, alignment)
        if self.colours is None:
            return crop
        seen = self.colours.to_srgb(crop.pixels.astype(np.float32) / 255)
        return replace(crop, pixels=np.rint(seen * 255).astype(np.uint8))

    def carried_back(self, change: Change, crop: Crop) -> Change:
        """A Change of what is seen in a crop, in the photo's own numbers."""
        if self.colours is None:
            return change
        colours, looked = self.colours, change.source or crop
        ratio = looked.size / crop.size
        places = (change.flow + mesh.pixel_grid(crop.size) + 0.5) * np.float32(ratio) - np.float32(0.5)
        seen = mesh.remap(looked.pixels, places).astype(np.float32) / 255
        wanted = colours.from_srgb(seen + change.colour)
        if change.source is None:
            return replace(change, colour=wanted - colours.from_srgb(seen))
        own = np.rint(255 * colours.from_srgb(looked.pixels.astype(np.float32) / 255)).astype(np.uint8)
        fetched = mesh.remap(own, places).astype(np.float32) / 255
        return replace(change, colour=wanted - fetched, source=replace(looked, pixels=own))


@dataclass(frozen=True, eq=False)
class PhotoFaces:
    """A photo and its faces, as they are seen."""

    photo: Photo
    kit: Kit

    @cached_property
    def look(self) -> Look:
        return Look.of(self.photo)

    @cached_property
    def picture(self) -> Array:
        """The photo as it is seen, `[H, W, 3]` uint8."""
        return self.look.picture(self.photo.pixels)

    @cached_property
    def _own(self) -> Halvings:
        return Halvings(self.photo.pixels)

    @cached_property
    def faces(self) -> list[Face]:
        """From left to right."""
        as_seen = self.picture
        return self.kit.faces(self._own if as_seen is self.photo.pixels else as_seen)

    def aligned(self, face: Face, alignment: Alignment) -> Crop:
        """A face laid out, as it is seen."""
        return self.look.align(self._own, face, alignment)

    def identity(self, face: Face) -> Identity:
        """Who a face is, by the embedder in the box."""
        return self.kit.embedder().identity_in(self.picture, face)

    @property
    def by_size(self) -> list[Face]:
        """The largest first."""
        return sorted(self.faces, key=lambda face: -face.area)
