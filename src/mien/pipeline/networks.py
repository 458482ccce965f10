"""The verbs that make and add networks. Training and what exports need packages that editing does not; they
are loaded when asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..deprecations import GONE, renamed
from ..errors import InputError, RequestError
from ..io import clip_reader, outputs, photo_writer
from ..models import catalogue, trial
from ..optional import training
from ..types import SILENT, Lines, Progress

OLD_WORDS = {"knobs": "overrides", "begin": "start"}


@checked
def train(
    family: str,
    data: Sequence[Path],
    run: Path,
    *,
    preset: str = "default",
    overrides: Mapping[str, str] | None = None,
    seed: int = 0,
    start: Sequence[Path] = (),
    devices: int = 1,
    accumulate: int = 1,
    keep: int = 2,
    resume: bool = False,
    progress: Progress | None = None,
    **old: Any,
) -> float:
    """Train `family` on folders into the run folder `run`; returns the best held-out score. Needs `pip
    install mien[train]`.

    overrides: single values of the preset's Config, by name. start: runs or published checkpoints whose
    weights it starts from. devices: GPUs, or processes where there are none; all but the first start this
    program again. accumulate: parts that each does its share of a batch in; the result depends on `devices *
    accumulate` alone, and on that only by chance. keep: so many checkpoints. progress: told of each step;
    default: lines on stderr. SIGINT, SIGTERM and a `progress` that is cancelled save and become KeyboardInterrupt;
    `resume` goes on exactly where a run stopped.
    """
    words = renamed(old, OLD_WORDS, gone_in=GONE)
    overrides, start = words.get("overrides", overrides), words.get("start", start)
    if old:
        raise TypeError(f"unknown argument {next(iter(old))!r}")
    options: dict[str, Any] = {
        "preset": preset,
        "knobs": overrides or {},
        "seed": seed,
        "begin": start,
        "resume": resume,
    }
    options |= {"devices": devices, "accumulate": accumulate, "keep": keep, "progress": progress or Lines()}
    return training("engine.launch").start(family, data, run, **options)


@checked
def export(
    run: Path, out: Path, *, bits: int = 32, last: bool = False, force: bool = False
) -> dict[Path, float]:
    """Write the best weights of `run` as `out` (.onnx) with their card; where a family has several parts, one
    file a part.

    bits: 32, 16 or 8, that weights are stored in (see `train.export.write`); last: the last weights instead
    of the best, as no score sees what discriminators teach. Returns the files, each with the largest
    difference between torch and ONNX Runtime; refuses (`ModelError`) where the two differ by more than 1e-3.
    """
    return training("engine.export").export(run, out, bits=bits, last=last, force=force)


@checked
def import_network(
    file: str | os.PathLike[str],
    name: str,
    *,
    own_statistics: bool = False,
    sample: bool = False,
    progress: Progress = SILENT,
) -> list[catalogue.Entry]:
    """Add a network to the user's own: an .onnx that `export` wrote, or a published checkpoint.

    Checkpoints are NVIDIA's .pkl (of StyleGAN2-ADA and of the TensorFlow era), .pt with g_ema, pSp's and
    e4e's .pt, IR-SE-50's .pth, talking heads' .tar, and the .pth of CycleGAN, pix2pix, pix2pixHD, StarGAN, fast style transfer and
    AdaIN, all told by their structure. Nothing is unpickled freely: a file that asks for code is refused by
    name. A checkpoint of several parts becomes NAME-mapper, NAME-generator and so on.

    pix2pix's published test script leaves the network in training mode. Both halves of that can be had:
    own_statistics, batch norms by the statistics of each picture; sample, dropout stays on, and
    `asked={"sample": 3}` of `stylize` and `sketch` is the number of a draw.
    """
    file = Path(file)
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    if file.suffix.lower() == ".onnx":
        if own_statistics or sample:
            raise RequestError(
                f"{file} is exported already: own statistics and sample are for published checkpoints of pix2pix, leave them out"
            )
        return [catalogue.add(name, trial.try_out(file, progress), file, progress)]
    if file.suffix.lower() in {*photo_writer.SUFFIXES, *clip_reader.READS}:
        raise InputError(f"{file} is no network: an .onnx, or a published .pkl, .pt or .pth was wanted")
    parts = training("published.convert").adopt(file, name, own_statistics=own_statistics, sample=sample)
    export = training("engine.export")
    with tempfile.TemporaryDirectory() as folder:
        places = export.places_of(parts, Path(folder) / f"{name}.onnx")
        for i, (part, place) in enumerate(zip(parts, places, strict=True)):
            progress.advance(i, len(parts))
            export.write(part, place)
        return [
            catalogue.add(place.stem, part.role, place, progress)
            for part, place in zip(parts, places, strict=True)
        ]


@checked
def remove_network(name: str) -> None:
    """Take a network of the user's own away. `ModelError` where there is none of that name, or it is in the box."""
    catalogue.remove(name)


@checked
def prototypes(faces: Path, pairs: Path, out: Path, *, force: bool = False) -> dict[str, float]:
    """Compute the prototypes file `out` (.npz) from a folder of labelled faces and one of smile pairs;
    returns the reader's held-out errors."""
    outputs.check_free(out, force)
    return training("prototypes").compute(faces, pairs, out)


@checked
def collage(faces: Path, out: Path, *, force: bool = False, progress: Progress = SILENT) -> dict[str, float]:
    """Compute the generator `nobody` from a folder of labelled faces into the folder `out`: nobody-mapper.onnx,
    nobody-generator.onnx, nobody-encoder.onnx and nobody-directions.npz; returns how many portraits are in the bank
    ("members") and the size of all ("megabytes").

    Only portraits of people who do not exist are shown in what it draws; how faces vary is learned from all.
    Raises `InputError`, `OutputError`.
    """
    return training("collage.build").build(faces, out, force=force, progress=progress)
