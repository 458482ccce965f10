"""The verb `extract`: one person's faces out of clips and photos, laid out as training wants them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..arguments import checked
from ..errors import FaceError, InputError, MienError, OutputError
from ..face import mesh
from ..io import clip_reader, dataset, outputs, photo_reader, photo_writer
from ..models.kit import Kit, shared_kit
from ..types import SILENT, Alignment, Array, Crop, Face, Person, Photo, Progress
from .batch import is_clip
from .find import layout_of
from .look import Look, align_face
from .people import FaceLike, likenesses_to, meant

SO_FAR = "extract.jsonl"  # what is known, in the folder until all is done: a line that says what was asked, then one a face
MOVED = (
    0.003  # of a crop's side, of the landmark that is farthest off: faces less apart look and express alike
)
UNLIKE = 0.02  # of full brightness, in the mean of a small picture: less apart they are lit alike
SMALL = 16  # pixels of that picture's side
SHARP = 128  # pixels of the side at which sharpness is measured


@dataclass
class Extracted:
    """What came of it: faces in the folder; of frames and photos those left out since such a face is there already,
    and those without the person; files that could not be read."""

    kept: int = 0
    alike: int = 0
    without: int = 0
    failed: int = 0


@checked
def extract(
    sources: Sequence[Path],
    folder: Path,
    *,
    like: FaceLike,
    size: int = 256,
    template: str = "ffhq",
    least: float | None = None,
    add: bool = False,
    resume: bool = False,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> Extracted:
    """Write the faces of one person, whom `like` shows, out of clips and photos, as the folder that `train` reads:
    images/, landmarks478.npz, and faces.csv, which says of each where it comes from, how sharp it is and which way it
    looks.

    Where one like it in pose, expression and light is there already, a face is left out. least: from which likeness on
    a face is theirs; usual is what the embedder says. add: to the faces that an earlier run has put into the folder. Once
    `progress` is cancelled the run ends with KeyboardInterrupt, and `resume` goes on from there. Raises `FaceError` where
    the person is nowhere.
    """
    kit, layout = kit or shared_kit(), layout_of(template, size)
    who = meant(like, kit=kit)
    if not isinstance(who, Person):
        raise InputError(f"like {who!r} is no picture: one of the person whose faces are wanted")
    asked = {"sources": [str(one) for one in sources], "like": who.sha256, "size": size, "template": template}
    asked |= {"least": least}
    if resume and not add and (folder / dataset.TABLE).is_file():
        return Extracted(kept=dataset.count(folder))
    work = _Work(folder, asked, add=add, resume=resume)
    lengths = [_length(source) for source in sources]
    for place, source in enumerate(sources):
        try:
            for number, time, pixels in _frames(source):
                if progress.cancelled:
                    raise KeyboardInterrupt(f"{work.told.kept} faces are kept in {folder}")
                if [place, number] > work.last:
                    crop = _crop_of(kit, pixels, who, layout, least)
                    work.take(crop, {"photo": str(source), "frame": number, "time": time}, [place, number])
                progress.advance(sum(lengths[:place]) + number + 1, sum(lengths))
        except MienError as error:
            progress.message(str(error))
            work.told.failed += 1
    if not work.seen:
        work.give_up()
        raise FaceError(f"nobody here is who {who.name} shows: no face was extracted")
    work.finish()
    return work.told


def _length(source: Path) -> int:
    """About how many frames a file has."""
    try:
        return max(clip_reader.clip(source).frames, 1) if is_clip(source) else 1
    except MienError:
        return 1


def _frames(source: Path) -> Iterator[tuple[int, float, Array]]:
    """Number, time in seconds and pixels of each frame of a clip; of a photo, the one."""
    if is_clip(source):
        for frame in clip_reader.frames(clip_reader.clip(source)):
            yield frame.number, round(frame.time, 3), frame.pixels
    else:
        photo = photo_reader.read(source)
        yield 0, 0.0, Look.of(photo).picture(photo.pixels)


@dataclass(frozen=True, eq=False)
class _Found:
    """The person's face in one picture, and how alike to the reference it is."""

    face: Face
    crop: Crop
    likeness: float


def _crop_of(kit: Kit, pixels: Array, who: Person, layout: Alignment, least: float | None) -> _Found | None:
    """The person in a picture; None where they are not."""
    faces = kit.faces(pixels)
    if not faces:
        return None
    likenesses = likenesses_to(who, kit, pixels, faces)
    best = int(np.argmax(likenesses))
    if likenesses[best] < (kit.embedder().threshold if least is None else least):
        return None
    return _Found(faces[best], align_face(pixels, faces[best], layout), likenesses[best])


class _Work:
    """A folder that fills: rows and points of the faces in it, whether the person was `seen` by now, and `last`, place of
    the source and number of the frame that was looked at last. Each frame is on disk before the next, so that a killed run
    can be resumed."""

    def __init__(self, folder: Path, asked: dict[str, Any], *, add: bool, resume: bool) -> None:
        self.folder, self.size, self.told, self.last = folder, int(asked["size"]), Extracted(), [-1, -1]
        self.rows, self.points = list[dict[str, Any]](), list[Array]()
        self._thumbs = list[Array]()
        self._so_far, self.seen = folder / SO_FAR, False
        there = add and (folder / dataset.TABLE).is_file()
        if there:
            self._take_up()
        if resume and self._so_far.is_file():
            self._go_on(asked)
        elif there:
            self._so_far.write_text(json.dumps(asked) + "\n", encoding="utf-8")
        else:
            outputs.check_empty(folder)
            (folder / dataset.IMAGES).mkdir(parents=True)
            self._so_far.write_text(json.dumps(asked) + "\n", encoding="utf-8")

    def take(self, found: _Found | None, where: dict[str, Any], place: list[int]) -> None:
        """Keep a face, unless there is none or one like it is there."""
        line: dict[str, Any] = {"last": place, "state": "without" if found is None else "alike"}
        if found is not None and not self._has(found.crop):
            name = self._free_name(f"{Path(where['photo']).stem}-{place[0]:02}-{place[1]:06}")
            photo_writer.write(Photo(found.crop.pixels), self.folder / dataset.IMAGES / name, force=True)
            row, points = {"file": name, **where, **_described(found)}, found.crop.landmarks.round(3).tolist()
            line |= {"state": "kept", "row": row, "points": points}
        with self._so_far.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._note(line)

    def _free_name(self, stem: str) -> str:
        """A name that no face has that was there before."""
        taken = {row["file"] for row in self.rows}
        names = (f"{stem}{more}.png" for more in ("", *(f"-{k}" for k in range(1, len(taken) + 1))))
        return next(name for name in names if name not in taken)

    def finish(self) -> None:
        """Write what training reads, and let go of what only resuming needs."""
        dataset.write_tables(self.folder, self.rows, self.points)
        self._so_far.unlink()

    def give_up(self) -> None:
        """Leave nothing behind."""
        self._so_far.unlink()
        if self.rows:
            return
        (self.folder / dataset.IMAGES).rmdir()
        self.folder.rmdir()

    def _note(self, line: dict[str, Any]) -> None:
        self.last, state = line["last"], line["state"]
        setattr(self.told, state, getattr(self.told, state) + 1)
        self.seen |= state != "without"
        if state == "kept":
            self._append(line["row"], np.array(line["points"], np.float32))

    def _append(self, row: dict[str, Any], points: Array) -> None:
        self.rows.append(row)
        self.points.append(points)
        self._thumbs.append(_thumb(self.folder / dataset.IMAGES / row["file"]))

    def _take_up(self) -> None:
        """The faces that are there."""
        points = dataset.read_points(self.folder)
        for row in dataset.read_rows(self.folder):
            self._append(dict(row), points[self.folder / dataset.IMAGES / row["file"]])
        picture = cv2.imread(str(self.folder / dataset.IMAGES / self.rows[0]["file"]))
        if picture is None or len(picture) != self.size:
            raise OutputError(
                f"{self.folder} holds faces of another size than {self.size} pixels: name a new folder"
            )
        self.told.kept = len(self.rows)

    def _go_on(self, asked: dict[str, Any]) -> None:
        """Take up what an earlier run has written, but for a line that it did not finish."""
        whole = [
            line
            for line in self._so_far.read_text(encoding="utf-8").splitlines(keepends=True)
            if line.endswith("\n")
        ]
        if not whole or json.loads(whole[0]) != asked:
            raise OutputError(
                f"{self.folder} was begun with other files, another person or layout: name a new folder"
            )
        self._so_far.write_text("".join(whole), encoding="utf-8")
        for line in whole[1:]:
            self._note(json.loads(line))

    def _has(self, crop: Crop) -> bool:
        """Whether a face that looks, expresses and is lit like this one is there."""
        if not self.points:
            return False
        moved = np.linalg.norm(np.stack(self.points) - crop.landmarks, axis=-1).max(1) / self.size
        unlike = np.abs(np.stack(self._thumbs) - _small(crop.pixels)).mean((1, 2, 3)) / 255
        return bool(((moved < MOVED) & (unlike < UNLIKE)).any())


def _described(found: _Found) -> dict[str, float]:
    """What the table says of a face: its width in pixels, how sharp it is there, how alike, and its pose in degrees."""
    face, crop = found.face, found.crop
    wide = np.ptp(face.landmarks[:, 0])
    grey = cv2.resize(
        cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY), (SHARP, SHARP), interpolation=cv2.INTER_AREA
    )
    inside = mesh.hull_mask((crop.landmarks + 0.5) * (SHARP / crop.size) - 0.5, SHARP) > 0
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inside].std()
    numbers = {"width": wide, "sharpness": edges, "likeness": found.likeness, "score": face.score}
    numbers |= {name: getattr(face, name) for name in ("roll", "yaw", "pitch")}
    return {name: round(float(value), 3) for name, value in numbers.items()}


def _thumb(path: Path) -> Array:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise OutputError(f"{path} is gone: extract into a new folder")
    return _small(picture[..., ::-1])


def _small(pixels: Array) -> Array:
    return cv2.resize(pixels, (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32)
