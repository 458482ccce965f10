"""The frozen values that flow between the layers.

Conventions, stated once. Pixels are RGB `[H, W, 3]`, `uint8` or `uint16`. Points are `float32 (x, y)` with
the origin at the centre of the top-left pixel. A name says its frame: `photo xy` are pixels of the photo
after its EXIF turn, `crop xy` pixels of a `Crop`. A matrix is `float64 [2, 3]` and maps photo xy to crop xy.
Colours in a `Change` are fractions of the full range, so they mean the same at 8 and at 16 bits. Nothing here
reads a file or knows a network.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = Any  # NumPy is not imported for a name in annotations
PREVIEW = 800  # pixels of a side that notebooks show
Networks = tuple[
    tuple[str, str], ...
]  # (name, sha256 of the file) of everything learned that takes part in something


@dataclass(frozen=True)
class Source:
    """Another picture or clip that took part in a step, as the one whose style was taken.

    title: its name, for the label; role: what it gave ("style", "identity", "hair", "motion"); sha256: of its
    file, or of its pixels where it came from memory; path: where it is now, from which the label takes its
    own credentials along (never written down).
    """

    title: str
    role: str
    sha256: str = ""
    path: str = ""


@dataclass(frozen=True)
class Step:
    """One thing that was done to a picture; what the label says about it.

    `networks` are `(name, sha256 of the file)` of everything learned that took part. `source_type` is the
    last word of the IPTC digital source type. `time` is ISO 8601 in UTC with seconds. `notes`: what was asked
    for and not done, and why. `sources`: what else took part; `consent`: in whose words people agreed, where
    a verb asks for that; `words`: those that are drawn in a corner of what is written.
    """

    verb: str
    arguments: dict[str, Any]
    networks: Networks = ()
    version: str = ""
    time: str = ""
    source_type: str = "compositeWithTrainedAlgorithmicMedia"
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    consent: str = ""
    words: str = ""


@dataclass(frozen=True, eq=False)
class Origin:
    """What the file carried around its pixels, so that a result can be written the way its source was.

    `exif` has the turn reset and the thumbnail taken out. `quantisation` and `subsampling` are a JPEG's own.
    `path` is where the picture was read from: the label names it as the parent and keeps a manifest that it
    may carry. `xmp` is the file's XMP packet, without what is not true of a result. `file`: the file itself,
    where it came from memory and carries a label that must not be lost. `iptc`: Photoshop's image resources,
    where captions and credits are; `comment`: a JPEG's; `texts`: a PNG's chunks of text, as they lie in the
    file. `left_out`: what is lost of the file, in words.
    """

    path: str | None = None
    file: bytes | None = None
    format: str = "PNG"
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    quantisation: dict[int, list[int]] | None = None
    subsampling: int | None = None
    dpi: tuple[float, float] | None = None
    iptc: bytes | None = None
    comment: bytes | None = None
    texts: tuple[bytes, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class MarkPlace:
    """A face of a photo that a mark in the pixels belongs to, which is laid when the photo is written: matrix `[2, 3]`
    photo->crop; grey `[S, S]` float32, the face's crop, in levels of 255; window `[S, S]` float32, how much of the mark
    each place of it takes, 0..1; face the same of what a reader will listen to, who knows of no change."""

    matrix: Array
    grey: Array
    window: Array
    face: Array


@dataclass(frozen=True)
class Mark:
    """What `verify` has heard of a mark in the pixels: whether there is one; its score in standard deviations of what
    faces without one have; its 16 bits as text, None where they cannot be told for sure."""

    found: bool
    score: float
    bits: str | None = None


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture in memory: pixels `[H, W, 3]` uint8 or uint16 RGB, upright; opacity `[H, W]` of the same
    depth or None. marks: the faces that were changed or made, in which `write` lays a mark; boxes:
    left, top, right and bottom of all faces, where known, which no words are drawn over."""

    pixels: Array
    opacity: Array | None = None
    history: tuple[Step, ...] = ()
    origin: Origin = field(default_factory=Origin)
    marks: tuple[MarkPlace, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def after(self, step: Step, pixels: Array, marks: tuple[MarkPlace, ...] | None = None) -> Photo:
        """The photo that `step` turned this one into; marks: as before, where none are given."""
        marks = self.marks if marks is None else marks
        return replace(self, pixels=pixels, history=(*self.history, step), marks=marks)

    def __repr__(self) -> str:
        width, height = self.size
        done = f", {', '.join(step.verb for step in self.history)}" if self.history else ""
        name = f" {self.origin.path}" if self.origin.path else ""
        return f"<Photo{name}: {width} x {height}, {self.pixels.dtype.itemsize * 8} bits{done}>"

    def _repr_png_(self) -> bytes:
        """The picture as notebooks show it: PNG, at most PREVIEW pixels a side."""
        import cv2
        import numpy as np

        pixels = self.pixels if self.pixels.dtype == np.uint8 else (self.pixels >> 8).astype(np.uint8)
        scale = min(1.0, PREVIEW / max(self.size))
        small = (
            cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if scale < 1
            else pixels
        )
        return cv2.imencode(".png", np.ascontiguousarray(small[..., ::-1]))[1].tobytes()


@dataclass(frozen=True)
class Clip:
    """A film as its file describes it; its frames stay in the file until `io.clip_reader.frames` reads them,
    one at a time.

    size: (width, height) as stored, even; turns: quarters counter-clockwise that set a stored frame upright,
    after it was `mirrored`; matrix: the display matrix as the file has it, or empty. fps: mean rate. frames: about how many, for
    telling how far. time_base: seconds a tick of the time stamps. zero: where it starts, and begin, end:
    the part that is meant, in seconds of the file's own clock. colours: what the file says of space, range, primaries and transfer.
    media_type: by what is in the file. fields: "tff" or "bff" where a frame holds two half pictures, of which
    the upper or the lower comes first. left_out: what is lost of the file, in words.
    """

    path: str
    size: tuple[int, int]
    turns: int
    mirrored: bool
    matrix: tuple[int, ...]
    fps: Fraction
    frames: int
    time_base: Fraction
    begin: Fraction | None
    end: Fraction | None
    aspect: Fraction | None
    colours: tuple[int, int, int, int]
    media_type: str = "video/mp4"
    fields: str = ""
    zero: Fraction = Fraction(0)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Face:
    """One face in a photo.

    box `[4]` left, top, right, bottom in photo xy (the hull of the face mesh); landmarks `[478, 2]` in photo
    xy (468 mesh points, then 5 of the one on the photo's left and 5 of the other iris); depth `[478]` in
    photo pixels, smaller is nearer; score 0..1; roll, yaw, pitch in degrees: roll is positive where the head
    is turned clockwise as seen, yaw where it looks to the photo's right, pitch where it looks down. eyelids
    `[2, 32, 2]` in photo xy: of either eye the lids and the creases around them, each place as
    `topology.EYELID_CONTOURS` says, which tell how far it is open better than the mesh does; None where nobody
    measured them.
    """

    box: Array
    landmarks: Array
    depth: Array
    score: float
    roll: float
    yaw: float
    pitch: float
    eyelids: Array | None = None

    def __repr__(self) -> str:
        left, top, right, bottom = (round(float(v)) for v in self.box)
        angles = f"roll {self.roll:.0f}, yaw {self.yaw:.0f}, pitch {self.pitch:.0f}"
        return f"<Face: {right - left} x {bottom - top} at {left}, {top}; score {self.score:.2f}; {angles}>"

    @property
    def area(self) -> float:
        """Of its box, in square pixels of the photo."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))


@dataclass(frozen=True)
class Alignment:
    """How a network wants a face laid out: one of `geometry.LAYOUTS` and the crop's side in pixels."""

    template: str
    size: int


@dataclass(frozen=True, eq=False)
class Crop:
    """A face laid out for a network: pixels `[S, S, 3]` uint8, matrix photo->crop, landmarks `[478, 2]` in
    crop xy, and their depth `[478]` in crop pixels, smaller is nearer, or None where nobody will ask.
    size_of_photo: its width and height, beyond which pixels are mirrored; None where all are its own."""

    pixels: Array
    matrix: Array
    alignment: Alignment
    landmarks: Array
    depth: Array | None = None
    size_of_photo: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        return self.alignment.size

    def __repr__(self) -> str:
        return f"<Crop: {self.size} x {self.size}, {self.alignment.template}>"


Kind = Literal["skin", "texture", "hair", "overlay"]


@dataclass(frozen=True, eq=False)
class Change:
    """What an edit does to a crop, free of resolution: `out = photo * (1 - alpha) + alpha * (photo at p +
    flow, + colour)`.

    flow `[S, S, 2]` float32 in crop pixels: where each output pixel looks; colour `[S, S, 3]` float32, added
    after looking, in fractions of the full range (-1..1); alpha `[S, S]` float32 in 0..1, zero at the crop's
    border. note: what was asked for and not done, and why; empty where all was.

    kind: "skin" changes the face itself, which moves along the flow and stays below hair that hangs before
    it; "overlay" lies on it and moves nothing; "texture" fetches skin from elsewhere in the crop, over what
    is on the face; "hair" is for hair, also before the face. source: another picture's crop of the same
    alignment, in which the flow looks instead (a swap, a hairstyle, a sticker); None: the photo itself.
    """

    flow: Array
    colour: Array
    alpha: Array
    kind: Kind = "skin"
    source: Crop | None = None
    note: str = ""

    def __repr__(self) -> str:
        return f"<Change: {self.kind}, {len(self.alpha)} x {len(self.alpha)}, {float((self.alpha > 0).mean()):.0%} of the crop>"


@dataclass(frozen=True, eq=False)
class Direction:
    """Where to go in a generator's space: codes `[W]`, or `[L, W]` for each layer, and the space, the sha256
    of the generator's file.

    One unit is a unit of what the direction is named for (a year, a full smile); of nameless ones, a standard
    deviation of w.
    """

    codes: Array
    space: str


@dataclass(frozen=True, eq=False)
class Latent:
    """A picture as styles of a generator: codes `[L, W]` float32, and the space that they are of."""

    codes: Array
    space: str

    def along(self, direction: Direction, amount: float) -> Latent:
        """The latent moved; along a direction of another space it would be anything: a `RequestError`."""
        if direction.space != self.space:
            raise RequestError(
                "these directions were learned for another generator: learn them again with `mien directions`"
            )
        return Latent((self.codes + amount * direction.codes).astype(self.codes.dtype), self.space)


@dataclass(frozen=True, eq=False)
class Identity:
    """Who a face is, as an embedder sees it: a vector of unit length. Only those of one network can be
    compared."""

    vector: Array

    def towards(self, other: Identity, share: float) -> Identity:
        """The identity that lies `share` 0..1 of the way to another."""
        vector = self.vector + share * (other.vector - self.vector)
        return Identity(vector / max(float(vector @ vector) ** 0.5, 1e-6))

    def likeness(self, other: Identity) -> float:
        """The cosine of two identities: 1 is the same picture; where strangers end depends on the network."""
        return float(self.vector @ other.vector)


@dataclass(frozen=True)
class Person:
    """Somebody as a picture shows them, who is meant in others: the picture's name and sha256 of its pixels, for
    the label, and their identity by the embedder in the box, as numbers."""

    name: str
    sha256: str
    vector: tuple[float, ...]

    @property
    def identity(self) -> Identity:
        import numpy as np

        return Identity(np.array(self.vector))


@dataclass(frozen=True, eq=False)
class Keep:
    """Where a photo stays as it was, as a mask says: share `[H, W]` uint8, 255 where nothing may change and 0 where all
    may, of the photo's shape in any size; the mask's name and sha256, for the label."""

    name: str
    sha256: str
    share: Array


class Phase(StrEnum):
    """When an edit's turn is among others, in this order: what is on a face comes off first, what lies on it
    comes last."""

    REMOVE = "remove"
    RESHAPE = "reshape"
    RETOUCH = "retouch"
    COLOUR = "colour"
    OVERLAY = "overlay"


class Edit(Protocol):
    """How a Change is made: a value that can be called. alignment: the layout of the crop that it wants;
    networks: `(name, sha256)` of everything learned that takes part, for the label; phase: when its turn is
    among other edits."""

    @property
    def alignment(self) -> Alignment: ...
    @property
    def networks(self) -> Networks: ...
    @property
    def phase(self) -> Phase: ...
    def __call__(self, crop: Crop) -> Change: ...


class Progress(Protocol):
    """What long work tells, and asks: implemented by the terminal, by jobs and by tests."""

    def advance(self, done: int, total: int) -> None:
        """So much of so much is done."""
        ...

    def message(self, text: str) -> None:
        """A line for people."""
        ...

    @property
    def cancelled(self) -> bool:
        """Whether the work is to end; what is done is kept."""
        ...


class Silent:
    """Progress that nobody watches."""

    cancelled = False

    def advance(self, done: int, total: int) -> None: ...

    def message(self, text: str) -> None: ...


class Lines:
    """Progress as lines on stderr."""

    cancelled = False

    def advance(self, done: int, total: int) -> None: ...

    def message(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


SILENT: Progress = Silent()


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: state "intact", "broken" or "unlabelled"; who signed; the steps, oldest first; the
    reasons. aigc: the mark of GB 45438 in its metadata; bits: of the mark in the pixels, as the label has them; mark:
    the one that was heard there, None where nobody could listen."""

    state: str
    signer: str | None = None
    trusted: bool = False
    time: str | None = None
    source_type: str | None = None
    history: tuple[Step, ...] = ()
    ingredients: tuple[str, ...] = ()
    found_by: str | None = None
    reasons: tuple[str, ...] = ()
    aigc: dict[str, str] = field(default_factory=dict[str, str])
    bits: str | None = None
    mark: Mark | None = None
