"""What is said of an edit: the numbers that `measure` finds, limits to them, and how they are told.

Levels are those of 8 bits, 0 to 255, whatever the depth. An eye distance is that between the means of the two
eyelid contours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import RequestError
from .seam import Seam


@dataclass(frozen=True)
class Pixels:
    """Pixels that differ in any channel: how many, their share of all that were looked at (0..1), the largest
    difference in levels."""

    count: int
    share: float
    maximum: float


@dataclass(frozen=True)
class FaceReport:
    """What happened to one face.

    face: its number as `find` counts; box: left, top, right, bottom in photo xy. found: whether a face was
    found at its place in AFTER; if not, motion and the readings are None and identity looks where the face
    was. identity: cosine of the two faces' vectors by the embedder `Report.identity_by`: 1 is the same,
    strangers are around 0, and one person scores `Report.same_from` or more. motion:
    by region, the mean way of its landmarks (`measure.REGIONS`) in per cent of the eye distance, after the
    still ones of AFTER (`mesh.STILL`) were laid on those of BEFORE by a similarity; about 0.5 is the
    landmarker's own unrest. seam: see `seams.seam`; 1 is none, None where the change has no border in the
    picture. sharpness: root mean square of the lightness above a blur of a hundredth of the eye distance (at
    least 1 pixel), after over before, where the picture changed; 1 is as sharp. colour: mean difference in
    CIE Lab (L, a, b) where the picture changed; skin: the same on the skin (`mesh.skin`). smile, age, sex:
    before and after, as the prototypes' reader has it (`latents.traits`): smile 1 is a full one, sex -1..1;
    the reader misses the age of a stranger by 5.4 years on average.
    """

    face: int
    box: tuple[float, ...]
    found: bool
    identity: float
    motion: dict[str, float] | None
    seam: Seam | None
    sharpness: float
    colour: tuple[float, float, float]
    skin: tuple[float, float, float]
    smile: tuple[float, float] | None
    age: tuple[float, float] | None
    sex: tuple[float, float] | None


@dataclass(frozen=True)
class Report:
    """What differs between two photos of one size.

    changed: all pixels that differ; box: what they span: left, top, right, bottom, ends included. outside:
    those farther from every face of BEFORE than an edit of a face reaches (`mesh.reach`: the face's hull,
    before and after, and about half an eye distance around it), or with `around="head"` those outside the
    squares that edits of hair work in ("wide" in `geometry.TEMPLATES`). inside: the outlines of the rest, as
    polygons in photo xy, to about a pixel. noise: levels that two pictures differ by because the second was
    encoded anew (99.9 in 100 of the pixels outside differ by less); smaller differences count as pixels but
    not as the change whose seam, sharpness and colour are measured. worst: over all faces: see LIMITS. notes:
    what a reader of the numbers should know.
    """

    width: int
    height: int
    changed: Pixels
    box: tuple[int, int, int, int] | None
    outside: Pixels
    around: str
    inside: tuple[tuple[tuple[int, int], ...], ...]
    noise: float
    identity_by: str
    same_from: float
    faces: tuple[FaceReport, ...]
    worst: dict[str, float | None]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limit:
    """A limit that can be asked for: the number in `Report.worst` that it is about, whether it may be no less
    or no more, and words."""

    of: str
    least: bool
    unit: str
    says: str


LIMITS = {
    "max_outside": Limit("outside", False, "pixels", "pixels that differ outside the face"),
    "max_outside_levels": Limit("outside_levels", False, "levels", "by how much they differ, 0 to 255"),
    "min_identity": Limit("identity", True, "", "likeness of the face before and after, -1 to 1"),
    "max_seam": Limit(
        "seam", False, "", "gradients along the border of the change over the photo's own; 1 is no seam"
    ),
    "min_sharpness": Limit(
        "sharpness", True, "", "sharpness of the change over the photo's own; 1 is as sharp"
    ),
    "max_skin": Limit("skin", False, "ΔE", "mean colour difference of the skin in Lab"),
    "max_flicker": Limit(
        "flicker", False, "levels", "of clips: how much the effect changes from frame to frame"
    ),
    "max_motion": Limit("motion", False, "% of the eye distance", "way of the region that moved most"),
}


def check(limits: Mapping[str, float]) -> None:
    """Refuse limits that there are not, and values that nothing could be beyond."""
    for name, value in limits.items():
        if name not in LIMITS:
            raise RequestError(f"no limit is called {name!r}: there are {', '.join(LIMITS)}")
        if math.isnan(value):
            raise RequestError(f"the limit {name.replace('_', '-')} is to be a number, {value} came")


def passed(worst: Mapping[str, float | None], limits: Mapping[str, float]) -> tuple[str, ...]:
    """Which limits (name in LIMITS -> value) are passed by `Report.worst`, in words."""
    check(limits)
    out = []
    for name, value in limits.items():
        limit, found = LIMITS[name], worst.get(LIMITS[name].of)
        if found is not None and (found < value if limit.least else found > value):
            words = f"{limit.of.replace('_', ' ')} is {found:.4g} {limit.unit}".rstrip()
            out.append(f"{words}, {'less' if limit.least else 'more'} than {value:g}: {limit.says}")
    return tuple(out)


def as_text(report: Report) -> list[str]:
    """A report as lines for people."""
    lines = [
        f"{report.width} x {report.height} pixels: {_said(report.changed)}"
        + (f" in {_box(report.box)}" if report.box else "")
    ]
    lines.append(f"outside the {report.around}: {_said(report.outside)}")
    for face in report.faces:
        lines.append(f"face {face.face} at {_box(face.box)}")
        lines += [f"  {name:<11} {words}" for name, words in table(face)]
    return [*lines, judge(report.identity_by, report.same_from), *(f"note: {note}" for note in report.notes)]


def judge(name: str, same_from: float) -> str:
    """Whose identity it is that is told, and how to read it."""
    return f"identity by {name}: one person scores {same_from:g} or more, strangers about 0"


def table(face: FaceReport) -> list[tuple[str, str]]:
    """What is to be said of a face: names and words."""
    rows = [("identity", f"{face.identity:.3f}; 1 is the same")]
    rows.append(
        (
            "seam",
            f"{face.seam.strength:.3f}, at worst {face.seam.worst:.2f}; 1 is none"
            if face.seam
            else "no border in the picture",
        )
    )
    rows.append(("sharpness", f"{face.sharpness:.3f}; 1 is as sharp"))
    for name, (light, green_red, blue_yellow) in (("colour", face.colour), ("skin", face.skin)):
        rows.append((name, f"L {light:+.1f}, a {green_red:+.1f}, b {blue_yellow:+.1f}"))
    if face.motion:
        rows.append(
            (
                "motion",
                ", ".join(f"{name} {way:.1f}" for name, way in face.motion.items())
                + "; % of the eye distance",
            )
        )
    for name, pair, digits in (("smile", face.smile, 2), ("age", face.age, 0), ("sex", face.sex, 2)):
        if pair:
            rows.append((name, f"{pair[0]:.{digits}f} to {pair[1]:.{digits}f}"))
    return rows


def _said(pixels: Pixels) -> str:
    if not pixels.count:
        return "no pixel differs"
    return f"{pixels.count} pixels differ ({100 * pixels.share:.2g} %), by up to {pixels.maximum:.3g} of 255"


def _box(box: tuple[float, ...]) -> str:
    left, top, right, bottom = (round(v) for v in box)
    return f"{right - left} x {bottom - top} at {left}, {top}"
