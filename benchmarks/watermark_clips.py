"""Whether the mark in clips of people who talk outlives being coded again.

    python benchmarks/watermark_clips.py CLIPS... [--json out.json]

Each clip gets a small and then a large edit, is written as mien writes it, and coded once more as H.264 by each of some
qualities, as sites do that take uploads. "wrong" is a mark whose bits are not those that the label told.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import av
import cv2
from figures import save
from talkers import frames

import mien
from mien import Kit
from mien.io import clip_reader
from mien.pipeline.verify import heard_in_clip
from mien.types import Mark

EDITS: tuple[dict[str, Any], ...] = ({"warmth": 0.3}, {"smile": 0.6})
QUALITIES = 23, 28, 33  # constant rate factors of x264: its usual one, and coarser ones


def coded_again(source: Path, out: Path, quality: int) -> Path:
    """A clip as H.264 by that rate factor, without its label."""
    shown = frames(source)
    with av.open(str(out), "w", format="mp4") as film:
        stream: Any = film.add_stream("libx264", 25, {"crf": str(quality)})
        stream.height, stream.width, stream.pix_fmt = *shown[0].shape[:2], "yuv420p"
        for pixels in shown:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        film.mux(stream.encode())
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    kit, heard = Kit(threads=1), dict[int, list[tuple[Mark | None, str | None]]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in given.clips:
            for edit in EDITS:
                marked = folder / "marked.mp4"
                mien.edit_clip(path, marked, kit=kit, force=True, **edit)
                bits = mien.verify(marked).bits
                for quality in QUALITIES:
                    again = coded_again(marked, folder / "again.mp4", quality)
                    mark = heard_in_clip(clip_reader.clip(again), kit)
                    heard.setdefault(quality, []).append((mark, bits))
    rows = [
        {
            "quality": quality,
            "clips": len(marks),
            "found": sum(bool(mark and mark.found) for mark, _ in marks),
            "bits_right": sum(bool(mark and mark.bits == bits) for mark, bits in marks),
            "wrong": sum(bool(mark and mark.bits and mark.bits != bits) for mark, bits in marks),
            "least_score": round(min(mark.score if mark else 0.0 for mark, _ in marks), 2),
        }
        for quality, marks in heard.items()
    ]
    for row in rows:
        print(row)
    save(given.json, "python benchmarks/watermark_clips.py TALKERS", rows)


if __name__ == "__main__":
    main()
