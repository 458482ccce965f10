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
from ..types import Alignment, Array, Change, Crop, Face, Identity, Photo, Step

# of a photo's lightest hundredth: what it is in good light, at most how many times less, and between which levels a
# photo begins to be dark; of portraits in any light one in a thousand has less than 130
LIGHT, MOST, DIM = 220.0, 12.0, (160.0, 130.0)


def align_face(pixels: Picture, face: Face, alignment: Alignment) -> Crop:
    """One face laid out, with its depth."""
    return geometry.align(pixels, face.landmarks, alignment, face.depth)


@dataclass(frozen=True, eq=False)
class Look:
    """How a photo is looked at: as its colours are seen, whatever its profile or toning, and its faces in good light.
    colours: how its numbers become those, and back; None where they are that already. gain: how many times lighter
    than the photo its faces are laid out; what changes of them is as many times darker."""

    colours: Profile | Toning | None
    gain: float = 1.0

    @staticmethod
    def of(photo: Photo) -> Look:
        """That of a photo: of a dark one in its own light, so that what is drawn on it is as dark as all else."""
        look = Look(profile_of(photo.origin.icc) or toning_of(photo.pixels))
        step = max(1, max(photo.pixels.shape[:2]) // 512)
        light = filters.lightest(look.picture(np.ascontiguousarray(photo.pixels[::step, ::step])))
        gain = float(np.clip(LIGHT / max(light, 1.0), 1, MOST))
        return replace(look, gain=1 + (gain - 1) * float(filters.smoothstep(np.array(light), *DIM)))

    @property
    def as_it_is(self) -> bool:
        """Whether faces are laid out in the photo's own numbers."""
        return self.colours is None and self.gain == 1

    def picture(self, pixels: Array) -> Array:
        """Pixels of the photo `[H, W, 3]` as they are seen, uint8, as dark as they are."""
        pixels = filters.to_uint8(pixels)
        return pixels if self.colours is None else self.colours.picture(pixels)

    def align(self, pixels: Picture, face: Face, alignment: Alignment) -> Crop:
        """A face laid out, as it is seen."""
        crop = align_face(pixels, face, alignment)
        if self.as_it_is:
            return crop
        own = crop.pixels.astype(np.float32) / 255
        seen = own if self.colours is None else self.colours.to_srgb(own)
        return replace(crop, pixels=np.rint(255 * np.clip(seen * self.gain, 0, 1)).astype(np.uint8))

    def carried_back(self, change: Change, crop: Crop) -> Change:
        """A Change of what is seen in a crop, in the photo's own numbers."""
        if self.as_it_is:
            return change
        looked = change.source or crop
        ratio = looked.size / crop.size
        places = (change.flow + mesh.pixel_grid(crop.size) + 0.5) * np.float32(ratio) - np.float32(0.5)
        seen = mesh.remap(looked.pixels, places).astype(np.float32) / 255
        wanted = self._own(seen + change.colour)
        if change.source is None:
            return replace(change, colour=wanted - self._own(seen))
        own = np.rint(255 * self._own(looked.pixels.astype(np.float32) / 255)).astype(np.uint8)
        fetched = mesh.remap(own, places).astype(np.float32) / 255
        return replace(change, colour=wanted - fetched, source=replace(looked, pixels=own))

    def _own(self, seen: Array) -> Array:
        """The photo's own numbers, from 0 to 1, of colours that are seen."""
        darker = np.clip(seen, 0, 1) / np.float32(self.gain)
        return darker if self.colours is None else self.colours.from_srgb(darker)


def in_srgb(photo: Photo) -> Array:
    """A photo's pixels as sRGB has them, `[H, W, 3]` uint8."""
    return Look(profile_of(photo.origin.icc)).picture(photo.pixels)


def made_of(photo: Photo, step: Step, pixels: Array) -> Photo:
    """A picture of sRGB `[H, W, 3]` uint8 that was made of a photo as a whole."""
    return replace(photo.after(step, pixels), opacity=None, origin=replace(photo.origin, icc=None))


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
