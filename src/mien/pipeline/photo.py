"""The photo level: choose faces, align, edit, carry back, remember."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np

from .._version import __version__
from ..edits.age_floor import Adult
from ..edits.beard import Beard
from ..edits.hair import Hair
from ..edits.hairstyle import Hairstyle
from ..edits.makeup import Makeup
from ..edits.mouth import Grin, Mouth
from ..edits.reenact import Reenact
from ..edits.removal import Removal
from ..errors import DeclinedError, RequestError
from ..face import filters, geometry, mesh, topology
from ..face.change import advect_points, composite, lessened, nothing
from ..face.filters import to_lab
from ..face.lighting import SideLight
from ..models.landmarker import Landmarker
from ..models.parser import Parsed, Parser
from ..models.session import Net
from ..types import Alignment, Array, Change, Crop, Edit, Face, Keep, Networks, Photo, Step
from .keep import laid_back, spared
from .look import Look, align_face
from .marking import Touched, joined

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
ChangeBy = Callable[[Edit, Crop, list[Face], int], Change]
AlignBy = Callable[[Array, Face, Alignment], Crop]
Watch = Callable[[Edit, int, Crop, Change], None]  # is told what an edit changes of a face
COVERED = 0.15  # of the lower face that is something else: bare ones have at most .08, ones under a mask .23 and more
# of the chin's less covered half: of 400 bare ones one has more, and microphones cover one half; and of that half, which
# is a beard: long ones are partly taken for cloth
CHIN_COVERED, BEARDED = 0.2, 0.18
MOUTH_COVERED = 0.3  # of the lips, or of what is above them
SOME = 0.35  # of the parser, that is part of a cover where there is one
FEWEST = 2e-4  # of a crop: less is nothing
FULL_CHROMA = 12.0  # of skin in a colour photo, in Lab; grey is 0


def edit_photo(
    photo: Photo,
    edits: Sequence[Edit],
    faces: list[Face],
    chosen: list[int],
    arguments: dict[str, Any],
    occlusions: Mapping[int, Occlusion] | None = None,
    *,
    align: AlignBy | None = None,
    look: Look | None = None,
    watch: Watch | None = None,
    keep: Keep | None = None,
    share: float = 1.0,
    landmarker: Landmarker | None = None,
) -> Photo:
    """Do the `edits` one after the other to the chosen faces of `photo`; occlusions: by face, what is before
    it; align: what lays faces out, for who remembers crops; look: how the photo is looked at, where known;
    watch: who is told of each Change as it is composited; keep: where the photo stays as it was; share 0..1: of
    all this that is done; landmarker: finds the faces once more, for their marks.
    Raises `DeclinedError` where no face can have the hairstyle
    that was asked for."""
    occlusions, notes, look = occlusions or {}, list[str](), look or Look.of(photo)
    bare = 0  # faces that cannot have the hairstyle

    def change_by(edit: Edit, crop: Crop, faces: list[Face], i: int) -> Change:
        nonlocal bare
        front = occlusions.get(i, NOTHING_BEFORE)
        change = make_change(edit, crop, faces, i, front)
        if change.note:
            notes.append(f"face {i + 1} {change.note}")
            bare += isinstance(edit, Hairstyle)
        elif not change.alpha.any() and (what := _missing(edit, arguments)):
            notes.append(f"face {i + 1}: no {what} was seen, so nothing was done to it")
        change = look.carried_back(front.mask_objects(crop, front.keep_hair_colour(crop, change)), crop)
        change = lessened(change, share)
        if watch:
            watch(edit, i, crop, change)
        return change

    touched = Touched(landmarker)
    pixels = run_edits(photo.pixels, edits, faces, chosen, change_by, align or look.align, touched)
    if chosen and bare == len(chosen):
        raise DeclinedError("; ".join(notes))
    pixels = laid_back(photo.pixels, pixels, keep) if keep else pixels
    networks = next((occlusion.networks for occlusion in occlusions.values() if occlusion.networks), ())
    uncovered = {i: occlusion.uncovered for i, occlusion in occlusions.items()}
    places = touched.places(photo.pixels, pixels, uncovered)
    marks = joined(photo.marks, tuple(spared(one, pixels, keep) for one in places) if keep else places)
    return photo.after(edit_step(edits, arguments, networks, tuple(dict.fromkeys(notes))), pixels, marks)


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What is before a face, as shares `[S, S]` float32 in 0..1 of a crop, with the matrix photo->crop:
    things (a hand, a microphone, a veil), which stay as they are, and hair, which follows the face but keeps
    its colours. None where there is next to none. networks: what told, if there is anything. covered: what
    a mask or a scarf hides, "mouth" (and all below), "chin" or "" (nothing). side_light: hard light from a side, where there is some."""

    things: Array | None
    hair: Array | None
    matrix: Array
    networks: Networks
    covered: str = ""
    side_light: SideLight | None = None

    def following(self, face: Face, alignment: Alignment) -> Occlusion:
        """The same, where the face is now: it goes along. alignment: the parser's."""
        return replace(self, matrix=geometry.similarity(face.landmarks, alignment))

    def mask_objects(self, crop: Crop, change: Change) -> Change:
        """A Change of a crop of the face, without what things hide, and without what it would fetch of them."""
        if self.things is None:
            return change
        free = self.uncovered(crop)
        if change.source is None:
            free = np.minimum(free, mesh.remap(free, mesh.pixel_grid(crop.size) + change.flow))
        return replace(change, alpha=change.alpha * free)

    def uncovered(self, crop: Crop) -> Array:
        """Where in a crop of the face no thing is before it: `[S, S]` in 0..1."""
        return np.ones((crop.size,) * 2) if self.things is None else self._free(crop, self.things)

    def keep_hair_colour(self, crop: Crop, change: Change) -> Change:
        """A Change of a crop of the face, under its hair; one that is for hair as it is."""
        if self.hair is None or change.kind in ("hair", "texture"):
            return change
        return replace(change, colour=change.colour * self._free(crop, self.hair)[..., None])

    def _free(self, crop: Crop, share: Array) -> Array:
        """Where in another crop of the face a share is 0: `[S, S]` in 0..1."""
        matrix = geometry.compose(crop.matrix, geometry.invert(self.matrix))
        return 1 - np.clip(
            cv2.warpAffine(share, matrix, (crop.size, crop.size), flags=cv2.INTER_LINEAR), 0, 1
        )


def find_occlusion(parser: Parser, pixels: Array, face: Face, align: AlignBy | None = None) -> Occlusion:
    """What the parser sees before a face of a picture."""
    return occlusion_of(parser, parsed(parser, pixels, face, align))


def parsed(parser: Parser, pixels: Array, face: Face, align: AlignBy | None = None) -> Parsed:
    """A face of a picture as the parser sees it."""
    crop = (align or align_face)(pixels, face, parser.alignment)
    return Parsed(crop, parser.parse(crop))


def occlusion_of(parser: Parser, seen: Parsed) -> Occlusion:
    """What the parser has seen before a face. Only well inside it: there it is hardly ever wrong, and no sideburn
    is before anything."""
    crop, regions = seen.crop, seen.regions
    inside = cv2.erode(mesh.hull_mask(crop.landmarks, crop.size), np.ones((crop.size // 40,) * 2, np.uint8))

    def found(name: str, low: float, high: float) -> Array | None:
        share = filters.smoothstep(regions[name], low, high) * inside
        if (share > 0.5).sum() < FEWEST * crop.size**2:
            return None
        return cv2.GaussianBlur(cv2.dilate(share, np.ones((3, 3))), (0, 0), 1)

    things, hair = found("other", 0.5, 0.75), found("hair", 0.25, 0.6)
    covered = _covered(crop, regions)
    if covered:
        cover = _cover(crop, regions["other"], covered)
        things = cover if things is None else np.maximum(cover, things)
    networks = () if things is None and hair is None else parser.net.networks
    light = SideLight.of(to_lab(crop.pixels), crop.landmarks, regions["skin"])
    return Occlusion(things, hair, crop.matrix, networks, covered, light)


NOTHING_BEFORE = Occlusion(None, None, np.eye(2, 3), ())


def _covered(crop: Crop, regions: dict[str, Array]) -> str:
    """What of a face a mask or a scarf hides: "mouth" (and all below), "chin" or nothing."""
    other, grown = regions["other"], regions["beard"] + regions["hair"]

    def least(share: Array, *outlines: tuple[int, ...]) -> float:
        return min(float(share[_inside(crop, outline)].mean()) for outline in outlines)

    face = least(other, topology.LOWER_FACE) >= max(COVERED, least(grown, topology.LOWER_FACE))
    chin = least(other, *topology.CHIN) >= CHIN_COVERED and least(grown, *topology.CHIN) < BEARDED
    if not (face or chin):
        return ""
    mouth = max(least(other, topology.LIPS), least(other, topology.UPPER_LIP)) >= MOUTH_COVERED
    return "mouth" if mouth else "chin"


def _cover(crop: Crop, other: Array, covered: str) -> Array:
    """Where a mask or a scarf is before a face, `[S, S]` in 0..1. What the parser sees of it has holes and no clear
    edge: it is one piece, without dents but for that of a mouth above it, and ends where colours do."""
    size, lower = crop.size, _inside(crop, topology.LOWER_FACE)
    hull, some = mesh.hull_mask(crop.landmarks, size), (other > SOME).astype(np.uint8)
    found = some & (hull > 0)
    if covered == "mouth":  # what is beside a face, and streaks, would join a microphone to itself all around
        found &= cv2.erode(hull, np.ones((size // 40,) * 2, np.uint8)).astype(np.uint8)
        found = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((size // 32,) * 2, np.uint8))
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((size // 12,) * 2, np.uint8))
    _, parts = cv2.connectedComponents(found)
    piece = (parts == np.bincount(parts[lower], minlength=2)[1:].argmax() + 1).astype(np.uint8)
    if not piece.any():
        return other * hull
    solid = piece.astype(np.float32)
    if covered == "mouth":
        solid = cv2.fillConvexPoly(solid, cv2.convexHull(np.argwhere(piece)[:, ::-1].astype(np.int32)), 1)
    else:  # all below its upper edge, on the neck too: of what hangs there parts are seen
        columns = np.flatnonzero(piece.any(0))
        edge = np.interp(np.arange(size), columns, piece.argmax(0)[columns])
        near = cv2.dilate(hull, np.ones((size // 3, size // 12)))
        solid = ((np.arange(size)[:, None] >= edge) & (near > 0)).astype(np.float32)
    _, parts = cv2.connectedComponents(piece | (some & (cv2.dilate(hull, np.ones((size // 12,) * 2)) > 0)))
    beyond = cv2.dilate(solid, np.ones((size // 12,) * 2)) * (parts == parts[piece > 0][0])
    solid = np.maximum(solid, beyond)
    light = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    edged = filters.guided_filter(light, solid, size // 48, 1e-3)
    return cv2.GaussianBlur(
        cv2.dilate(filters.smoothstep(edged, 0.25, 0.5), np.ones((size // 28,) * 2)), (0, 0), 1
    )


def _inside(crop: Crop, outline: tuple[int, ...]) -> Array:
    """Which pixels of a crop lie within an outline of the mesh, `[S, S]` bool."""
    return mesh.polygon_mask(crop.landmarks, outline, crop.size, feather=1) > 0.5


def run_edits(
    pixels: Array,
    edits: Sequence[Edit],
    faces: Sequence[Face],
    chosen: Sequence[int],
    change_by: ChangeBy,
    align: AlignBy,
    touched: Touched | None = None,
) -> Array:
    """`pixels` after all `edits`. In each, every face is looked up in what the edit before has left, so that
    none is changed by a neighbour's; a face that has moved is followed. change_by: what makes an edit's
    Change of a face; align: what lays it out; touched: what is told where faces were changed."""
    faces = list(faces)
    for edit in edits:
        out = pixels.copy()
        for i in chosen:
            crop = align(pixels, faces[i], edit.alignment)
            change = change_by(edit, crop, faces, i)
            composite(pixels, crop, change, out)
            if change.kind == "skin":
                faces[i] = replace(faces[i], landmarks=advect_points(faces[i].landmarks, crop, change))
            if touched is not None:
                touched.add(i, faces[i].landmarks, crop, change)
        pixels = out
    return pixels


def make_change(
    edit: Edit, crop: Crop, faces: list[Face], i: int, front: Occlusion = NOTHING_BEFORE
) -> Change:
    """What `edit` does to face `i`, which `crop` shows, in a photo with these faces: not on its neighbours,
    nor in other colours than its own in a black-and-white photo, nor to what is covered."""
    if what := _hidden(edit, front.covered):
        return nothing(crop, f"has its {front.covered} covered, so nothing was done to the {what}")
    change = _in_even_light(edit, crop, front.side_light)
    if change.source is None:  # what comes from another picture is toned by who took it there
        change = replace(change, colour=_toned(crop, change.colour))
    return only_own(change, crop, faces, i)


def _in_even_light(edit: Edit, crop: Crop, light: SideLight | None) -> Change:
    """What an edit does to a face. In hard light from a side the edit sees, and does, what it would in even light, and
    that is as much darker in the shade as all is: there skin looks like hair, and hair like nothing. What comes from
    another picture is lit by who takes it there."""
    if light is None:
        return _checked(edit(crop), edit, crop)
    lift = light.lift(crop)
    seen = replace(crop, pixels=np.rint(np.minimum(crop.pixels * lift, 255)).astype(np.uint8))
    change = _checked(edit(seen), edit, seen)
    if change.source is not None:
        return _checked(edit(crop), edit, crop)
    at, own = mesh.pixel_grid(crop.size) + change.flow, crop.pixels.astype(np.float32) / 255
    # the shade stays where it is when skin moves through it
    return replace(change, colour=(mesh.remap(own * lift, at) + change.colour) / lift - mesh.remap(own, at))


def only_own(change: Change, crop: Crop, faces: list[Face], i: int) -> Change:
    """A Change of face `i` without what would be on its neighbours."""
    return change if len(faces) < 2 else replace(change, alpha=change.alpha * _own(crop, faces, i))


def _hidden(edit: Edit, covered: str) -> str:
    """What an edit works on, if that is hidden where the mouth or the chin is covered."""
    edit = edit.edit if isinstance(edit, Adult) else edit
    if not covered:
        return ""
    if isinstance(edit, Reenact) and (edit.gesture.turn.any() or edit.gesture.expression.any()):
        return "head and its expression"  # the cover would have to go along
    if isinstance(edit, Mouth):
        return "mouth"  # so would it with the jaw
    if covered == "chin":
        return ""
    if isinstance(edit, Beard) or (isinstance(edit, Removal) and edit.thing == "beard"):
        return "beard"
    if isinstance(edit, Grin):
        return "mouth"
    if isinstance(edit, Hairstyle):
        return "hair"  # the skin that it bares would be a cloth's
    return "lips" if isinstance(edit, Makeup) and edit.lids is None else ""


def _missing(edit: Edit, arguments: dict[str, Any]) -> str:
    """What an edit that was asked for by name works on, where it may not be there."""
    edit = edit.edit if isinstance(edit, Adult) else edit
    if isinstance(edit, Removal):
        return edit.thing if edit.thing in arguments else ""
    asked = any(name.startswith("hair") for name in arguments)  # it may have come along
    return "hair" if isinstance(edit, Hair) and asked else ""


def _checked(change: Change, edit: Edit, crop: Crop) -> Change:
    """A Change as `composite` takes it; one of an edit of somebody's own may be anything: a `RequestError`."""
    size, who = (crop.size, crop.size), type(edit).__name__
    if not isinstance(change, Change):  # pyright: ignore[reportUnnecessaryIsInstance] - edits are anybody's
        raise RequestError(f"the edit {who} gave {type(change).__name__}: a Change was wanted")
    for name, shape in (("flow", (*size, 2)), ("colour", (*size, 3)), ("alpha", size)):
        values = getattr(change, name)
        if getattr(values, "shape", None) != shape or not np.isfinite(values).all():
            came = (
                f"{list(getattr(values, 'shape', ()))} of {getattr(values, 'dtype', type(values).__name__)}"
            )
            raise RequestError(f"the edit {who} gave {name} {came}: wanted {list(shape)} of finite float32")
    fields = {name: np.asarray(getattr(change, name), np.float32) for name in ("flow", "colour", "alpha")}
    return replace(change, **fields)


def edit_step(
    edits: Sequence[Edit], arguments: dict[str, Any], besides: Networks = (), notes: tuple[str, ...] = ()
) -> Step:
    """What the label of an edited photo or clip says; besides: networks that took part in no stage; notes:
    see `Step`."""
    networks = tuple(dict.fromkeys([*(one for edit in edits for one in edit.networks), *besides]))
    step = Step("edit", arguments, networks, __version__, now(), notes=notes)
    taken = next((edit.taken for edit in edits if isinstance(edit, Hairstyle) and edit.taken), None)
    if taken is None:
        return step
    return replace(step, sources=(taken.source,), consent=taken.consent, notes=(*notes, *taken.notes))


def generation_step(arguments: dict[str, Any], nets: tuple[Net, ...]) -> Step:
    """What the label of a wholly generated picture or clip says."""
    networks = tuple(one for net in nets for one in net.networks)
    return Step("generate", arguments, networks, __version__, now(), "trainedAlgorithmicMedia")


def now() -> str:
    """The time of a step: ISO 8601 in UTC with seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _own(crop: Crop, faces: list[Face], i: int) -> Array:
    """Where in the crop face `i` may be changed: not on the faces beside it; of two that overlap the larger
    is taken to be in front. `[S, S]` in 0..1."""
    size = crop.size
    own = mesh.hull_mask(crop.landmarks, size)
    free = np.ones((size, size), np.float32)
    for j, other in enumerate(faces):
        if j == i:
            continue
        theirs = mesh.hull_mask(geometry.transform(other.landmarks, crop.matrix), size)
        if other.area <= faces[i].area:
            theirs &= 1 - own
        if theirs.any():
            grown = cv2.dilate(theirs, np.ones((size // 48,) * 2, np.uint8)).astype(np.float32)
            free *= 1 - cv2.GaussianBlur(grown, (0, 0), size / 96)
    return np.where(free > 0.02, free, 0)


def _toned(crop: Crop, colour: Array) -> Array:
    """The colour offset with no more hue than the face has, so that a black-and-white photo stays one. `[S,
    S, 3]`."""
    lab = to_lab(crop.pixels[mesh.hull_mask(crop.landmarks, crop.size) > 0][None])[0]
    chroma = float(np.hypot(lab[:, 1], lab[:, 2]).mean())
    if chroma >= FULL_CHROMA:
        return colour
    grey = cv2.transform(colour, LUMA[None])[..., None]
    return grey + (colour - grey) * np.float32(chroma / FULL_CHROMA)
