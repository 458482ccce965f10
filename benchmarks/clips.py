"""Clips: how fast, in how much memory, how much an edited face flickers, and what is left of what was not
edited.

python benchmarks/clips.py [--json benchmarks/results/clips.json]     # all figures, about three minutes
python benchmarks/clips.py --film film.mp4     # only make the 720p test film
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from figures import save

from mien import Kit
from mien.edits import registry as edits
from mien.edits.request import EditRequest
from mien.face import geometry
from mien.io import clip_reader as footage
from mien.pipeline import photo as apply
from mien.pipeline import tracking as tracks
from mien.pipeline.clip_edit import clip_editor
from mien.pipeline.look import align_face
from mien.pipeline.tracking import Tracker
from mien.types import Alignment

HOPPER = Path(__file__).parents[1] / "docs" / "hopper.jpg"
SIZE = 1280, 720
RUN = """
import json, resource, sys, time
from pathlib import Path
from mien import verbs
start = time.perf_counter()
told = verbs.edit_clip(Path(sys.argv[1]), Path(sys.argv[2]), age=30)
took = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime
print(json.dumps({"frames": told.frames, "seconds": took, "memory": used.ru_maxrss / 1024, "cpu": cpu}))
"""


def scene(seconds: float, fps: int = 30, noise: float = 2.0, speed: float = 1.0) -> Iterator[Any]:
    """A portrait that moves, turns and nears before a textured wall, as a camera with a little noise sees
    it."""
    source = cv2.cvtColor(cv2.imread(str(HOPPER)), cv2.COLOR_BGR2RGB)  # pyright: ignore[reportCallIssue, reportArgumentType]
    chance = np.random.default_rng(0)
    wall = chance.integers(40, 216, (90, 160, 3)).astype(np.float32)
    wall = cv2.resize(wall, SIZE, interpolation=cv2.INTER_CUBIC) + cv2.GaussianBlur(
        chance.normal(0, 60, (SIZE[1], SIZE[0], 3)).astype(np.float32), (0, 0), 1
    )
    soft = np.zeros(source.shape[:2], np.float32)
    cv2.ellipse(soft, (260, 320), (215, 270), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(soft, (0, 0), 12)[..., None]
    grain = [chance.normal(0, noise, (SIZE[1], SIZE[0], 3)).astype(np.float32) for _ in range(31)]
    for i in range(round(seconds * fps)):
        t = speed * i / fps
        scale, angle = 1.05 + 0.15 * np.sin(0.7 * t), 8 * np.sin(1.1 * t)
        matrix = cv2.getRotationMatrix2D((256, 300), angle, scale)
        matrix[:, 2] += (640 - 256 + 220 * np.sin(0.9 * t), 370 - 300 + 30 * np.sin(2.3 * t))
        face, mask = (
            cv2.warpAffine(one, matrix, SIZE, flags=cv2.INTER_AREA)
            for one in (source.astype(np.float32), soft)
        )
        yield np.clip(wall * (1 - mask[..., None]) + face * mask[..., None] + grain[i % 31], 0, 255).astype(
            np.uint8
        )


def film(path: Path, seconds: float, fps: int = 30, noise: float = 2.0, speed: float = 1.0) -> None:
    """The scene as a clip with sound."""
    with av.open(str(path), "w") as container:
        picture: Any = container.add_stream("libx264", fps, {"crf": "18", "preset": "veryfast"})
        picture.width, picture.height, picture.pix_fmt = *SIZE, "yuv420p"
        sound: Any = container.add_stream("aac", 48_000)
        rate, heard = 48_000, 0
        for i, pixels in enumerate(scene(seconds, fps, noise, speed)):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            while heard < (i + 1) * rate // fps:
                wave = (6000 * np.sin(np.arange(heard, heard + 1024) * 0.03)).astype(np.int16)
                block = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
                block.sample_rate, block.pts, block.time_base = rate, heard, Fraction(1, rate)
                container.mux(sound.encode(block))
                heard += 1024
        container.mux(picture.encode())
        container.mux(sound.encode())


def process(source: Path, out: Path) -> dict[str, float]:
    """One edit in a new process: frames, seconds, peak megabytes."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN, str(source), str(out)], capture_output=True, text=True, check=True
    )
    return json.loads(ran.stdout)


def flicker(source: Path, kit: Kit, *, smooth: bool, frames: int = 60) -> float:
    """How much the effect changes from frame to frame, on average over the face laid out the same way, in
    levels of 255.

    The layouts are those of smoothed landmarks in both cases, and grain is averaged away, so that only the
    effect is compared. Without smoothing, every frame is edited as a photo would be.
    """
    clip = footage.clip(source, end=frames / 30)
    stages = edits.plan(EditRequest({"age": 30.0}), kit)
    line = clip_editor("all", stages, 30, kit)
    drawn = list(line.run(footage.frames(clip)))
    look = Tracker(kit, "all")
    plain = list(footage.frames(clip))
    pictures = [frame.pixels for frame in plain]
    sights = [look.look(pixels, frame.time) for frame, pixels in zip(plain, pictures, strict=True)]
    layouts, effects = Alignment("face", 256), []
    for i, before in enumerate(pictures):
        low = max(0, i - 6)
        (face, _), *_ = tracks.smooth(sights[low : i + 7], i - low, 6).values()
        if smooth:
            after = replace(plain[i], picture=drawn[i]).pixels
        else:
            after = plain[i].drawn(
                before,
                apply.run_edits(before, stages, [sights[i].faces[1]], [0], apply.make_change, align_face),
            )
            after = replace(plain[i], picture=after).pixels
        matrix = geometry.similarity(face.landmarks, layouts)
        one, other = (
            geometry.warp(each, matrix, layouts.size).astype(np.float32) for each in (before, after)
        )
        effects.append(cv2.GaussianBlur(other - one, (0, 0), 2))
    return float(np.mean([np.abs(b - a)[64:224, 48:208].mean() for a, b in itertools.pairwise(effects)]))


def kept(source: Path, out: Path) -> float:
    """PSNR in decibels of the left quarter of the pictures, where no face comes."""
    errors = []
    with av.open(str(source)) as one, av.open(str(out)) as other:
        for a, b in zip(one.decode(video=0), other.decode(video=0), strict=True):
            left = [each.to_ndarray(format="gray")[:, : SIZE[0] // 8].astype(np.float32) for each in (a, b)]
            errors.append(float(((left[0] - left[1]) ** 2).mean()))
    return float(10 * np.log10(255**2 / np.mean(errors)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--film", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.film:
        film(given.film, 10)
        return
    rows: list[dict[str, Any]] = []
    flickers: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = place / "moving.mp4"
        for seconds in (3, 12):
            source, out = place / f"{seconds}.mp4", place / f"{seconds}-out.mp4"
            film(source, seconds)
            told = process(source, out)
            rows.append(
                {
                    "what": f"{seconds} s of 720p, one face, `--age 30`",
                    "frames_per_second": round(told["frames"] / told["seconds"], 1),
                    "cpu_seconds_a_frame": round(told["cpu"] / told["frames"], 3),
                    "megabytes": round(told["memory"]),
                    "size_over_source": round(out.stat().st_size / source.stat().st_size, 2),
                    "psnr_unedited_db": round(kept(source, out), 1),
                }
            )
            print(rows[-1], flush=True)
        kit, still = Kit(), place / "still.mp4"
        film(still, 2.5, noise=4, speed=0)
        for name, shown in (("moving", source), ("still", still)):
            alone, whole = (round(flicker(shown, kit, smooth=smooth), 2) for smooth in (False, True))
            flickers.append({"face": name, "frame_by_frame": alone, "smoothed": whole})
            print(flickers[-1], flush=True)
    save(given.json, "python benchmarks/clips.py", rows, frame_size=SIZE, flicker_levels=flickers)


if __name__ == "__main__":
    main()
