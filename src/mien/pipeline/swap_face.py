"""One face that a swap goes to, in a photo or in a frame: what is measured of it, why it may be refused, and the edits
that swap it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..edits.age_floor import age_reader
from ..edits.portrait import LAYOUT, Portrait, own_side, portrait_of
from ..edits.removal import Removal
from ..edits.request import said_of_face
from ..edits.swap import FEATURES, USUAL, Reshape, Swap, Weighted
from ..edits.swap_drawn import Drawing, Repaint, ReshapeAsDrawn
from ..edits.swap_tone import Tones
from ..errors import RequestError
from ..face import shape
from ..models.kit import Kit
from ..models.prototypes import ADULT
from ..types import Alignment, Array, Crop, Face, Networks, Person
from .gallery import Gallery
from .look import align_face
from .photo import AlignBy, Occlusion, occlusion_of, parsed

TURNED, NODDED = 40.0, 30.0  # degrees of yaw and pitch beyond which a face is left as it is
FARTHEST = 30.0  # degrees of yaw between a face and the nearest picture of the gallery
BEARDED = 0.1  # of the lower face, from which on a beard is shaved before a face with less comes over it
NARROWEST = 40.0  # pixels: in smaller faces there is nothing to be seen
BEARD = "beard"  # that can be kept, besides features of the mesh
TO_WHOM = "of several sources each needs a picture of whom it goes to: --map SOURCE:PICTURE"
COARSER = 3.0  # how much wider than in any picture of the gallery a face may be


@dataclass(frozen=True, eq=False)
class Assignment:
    """Whose face goes to which faces."""

    gallery: Gallery
    face: str | Person = "all"

    def arguments(self) -> dict[str, Any]:
        """What the label says of it."""
        about = {"source": self.gallery.name, "source_sha256": self.gallery.digest}
        return about | said_of_face(self.face)


@dataclass(frozen=True)
class SwapOptions:
    """How a face is swapped. strength 0..1: how far from the one person to the other, a morph of the two; shape 0..1:
    how much of the source's shape; keep: which of "mouth", "eyes", "brows" and "beard" stay the target's own; network: one of the
    role "swapper" that was trained to draw the source."""

    strength: float = 1.0
    shape: float = 1.0
    keep: tuple[str, ...] = ()
    network: str | None = None

    def checked(self) -> SwapOptions:
        """Itself, where it makes sense; otherwise a `RequestError`."""
        for name, least in (("strength", 0.05), ("shape", 0.0)):
            if not least <= (value := getattr(self, name)) <= 1:
                raise RequestError(f"{name} {value:g} is out of range: {least:g} to 1")
        if unknown := [one for one in self.keep if one not in (*FEATURES, BEARD)]:
            raise RequestError(f"keep {unknown[0]!r} is not known: there are {', '.join((*FEATURES, BEARD))}")
        return self

    def arguments(self) -> dict[str, Any]:
        """What the label says that is not usual."""
        said = {
            "strength": self.strength,
            "shape": self.shape,
            "keep": list(self.keep),
            "network": self.network,
        }
        usual = {"strength": 1.0, "shape": 1.0, "keep": [], "network": None}
        return {name: value for name, value in said.items() if value != usual[name]}


@dataclass(frozen=True, eq=False)
class Target:
    """A face that a swap goes to, as one picture shows it. identity `[I]` and expression `[E]` in standard deviations
    of the shape model; front: what is before it."""

    portrait: Portrait
    identity: Array
    expression: Array
    front: Occlusion

    @staticmethod
    def of(pixels: Array, face: Face, stages: Stages, align: AlignBy = align_face) -> Target:
        """A face of a picture `[H, W, 3]`, measured for what `stages` will do to it."""
        kit, stays = stages.kit, BEARD in stages.options.keep
        crop = align(pixels, face, Alignment(LAYOUT, own_side(face)))
        seen = parsed(kit.parser, pixels, face, align)
        portrait = portrait_of(
            kit.parser, kit.prototypes.triangles, crop, seen, carried=False, beard_stays=stays
        )
        model, points = kit.shapes.model, shape.solid(crop.landmarks, portrait.depth)
        identity, expressions = model.fit([model.pose(points).to_head(points)])
        return Target(portrait, identity, expressions[0], occlusion_of(kit.parser, seen))


@dataclass(frozen=True, eq=False)
class Stages:
    """The edits that a swap consists of, made with one kit."""

    kit: Kit
    options: SwapOptions

    def shaves(self, target: Portrait, source: Portrait) -> bool:
        """Whether a target's beard has to go before a source comes over it."""
        stays = BEARD in self.options.keep
        return not stays and target.beard > BEARDED and source.beard < target.beard / 2

    def removal(self) -> Removal:
        """What takes a beard off first."""
        return Removal(self.kit.remover, self.kit.parser, "beard", self.options.strength)

    def reshape(
        self, identity: Array, *, own: Array | None = None, share: float = 1.0, size: int = 512
    ) -> Reshape:
        """What gives the face its new shape; share: of what the options ask for."""
        part = self.options.shape * self.options.strength * share
        return Reshape(identity, self.kit.shapes, self._triangles(), own, part, size)

    def overlay(
        self,
        sources: Weighted,
        targets: Weighted,
        size: int,
        *,
        share: float = 1.0,
        lids: float = USUAL,
        held: tuple[Tones, float] | None = None,
    ) -> Swap:
        """What lays the new face over it; share: of the strength that the options ask for."""
        strength = self.options.strength * share
        kept = tuple(one for one in self.options.keep if one in FEATURES)
        return Swap(sources, targets, self._triangles(), size, strength, kept, lids, held)

    def as_drawn(self, pixels: Array, face: Face, align: AlignBy) -> tuple[ReshapeAsDrawn, Repaint] | None:
        """What gives a face of a picture the shape that the options' network draws, and what its tones; None where they
        name none."""
        options, kit = self.options, self.kit
        if options.network is None:
            return None
        swapper = kit.swapper(options.network)
        drawing = Drawing.of(swapper, kit.landmarker, align(pixels, face, swapper.alignment))
        reshape = ReshapeAsDrawn(
            drawing, swapper, kit.shapes, self._triangles(), options.shape * options.strength
        )
        return reshape, Repaint(drawing, swapper, kit.parser, kit.prototypes.triangles, options.strength)

    def networks(self, *, shaved: bool) -> Networks:
        """All that takes part, for the label."""
        kit = self.kit
        edits = (*self.removal().networks,) if shaved else kit.parser.net.networks
        prototypes = (kit.prototypes.name, kit.prototypes.sha256)
        drawn = kit.swapper(self.options.network).net.networks if self.options.network else ()
        return tuple(
            dict.fromkeys((*kit.landmarker.networks, *edits, *kit.shapes.networks, *drawn, prototypes))
        )

    def _triangles(self) -> Array:
        return self.kit.shapes.triangles(self.kit.prototypes.triangles)


def read_age(crop: Crop, kit: Kit) -> float:
    """What age a laid out face reads, in years."""
    return age_reader(kit).read(crop)


def refused_for_age(age: float) -> str:
    """Why a face that reads so many years is left as it is; empty where it is not."""
    return f"reads {age:.0f} years, and nobody under 18 takes part in a swap" if age < ADULT else ""


def refused_for_pose(yaw: float, pitch: float, width: float, gallery: Gallery) -> str:
    """Why a face that lies so, in degrees and pixels, is left as it is; empty where it is not."""
    if width < NARROWEST:
        return f"is {width:.0f} pixels wide, {NARROWEST:.0f} were wanted: give a larger picture of it"
    if abs(yaw) > TURNED or abs(pitch) > NODDED:
        return (
            f"is turned by {abs(yaw):.0f} degrees and nods by {abs(pitch):.0f}; up to {TURNED:.0f} and "
            f"{NODDED:.0f} can be swapped"
        )
    nearest = min((one.portrait.yaw for one in gallery.pictures), key=lambda one: abs(one - yaw))
    if abs(nearest - yaw) > FARTHEST:
        side = "right" if yaw > 0 else "left"
        return (
            f"looks {abs(yaw):.0f} degrees to the picture's {side}, and no picture of {gallery.name} is within "
            f"{FARTHEST:.0f} degrees of that: add one that looks there"
        )
    widest = gallery.widest
    if COARSER * widest < width:
        return (
            f"is {width:.0f} pixels wide, and the widest in {gallery.name} {widest:.0f}: give a picture of at "
            f"least a third of that"
        )
    return ""


def one_each(assignments: Iterable[Assignment]) -> tuple[Assignment, ...]:
    """Assignments as a request holds them: of several each goes to a person, or in a photo to a face by its number. Else a
    `RequestError`."""
    out = tuple(assignments)
    if not out:
        raise RequestError("nobody's face to put on: say whose with --source or --map")
    if len(out) > 1 and any(one.face in ("all", "largest") for one in out):
        raise RequestError(TO_WHOM)
    return out
