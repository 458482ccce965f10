"""Where training can begin: networks of a run or of a published checkpoint, what they fix in a Config, and
their terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from torch import from_numpy

from ...errors import InputError
from ...models.card import KEY, Card
from ...models.catalogue import sha256_of
from ..families.stylegan2 import FIXED
from ..published import detect as official
from ..published.key_maps import State
from .checkpoints import BEST, below, checkpoints, read_run, read_state, read_tensors

NETS = ("G", "D", "E", "D_A", "D_B")  # of a run; what else it remembers belongs to it alone
OWN = "Apache-2.0"


@dataclass(frozen=True, eq=False)
class Origin:
    """Weights to begin with. nets: state dicts by name, averaged where there is an average: "G", "D", "E" (an
    encoder), "irse50", and whatever else a published file has; knobs: values of
    `families.stylegan2.Config`."""

    name: str  # of the file or folder
    kind: str  # the family of a run, or one of `official.TERMS`
    sha256: str
    nets: dict[str, State]
    knobs: dict[str, Any]
    licence: str
    commercial: bool
    credit: str


def read_origin(path: Path) -> Origin:
    """Read a run's folder, a network that `mien export` wrote, or a published checkpoint. Raises `InputError` or
    `ModelError` where it is none of these, or damaged."""
    if path.is_dir():
        return _of_run(path)
    return _exported(path) if path.suffix == ".onnx" else _published(path)


def _of_run(folder: Path) -> Origin:
    about, best = read_run(folder), folder / BEST
    if not best.is_file():
        raise InputError(f"{folder} holds no scored weights yet: train until the first preview")
    averaged = read_state(best)["averaged"]
    last = read_tensors(checkpoints(folder)[-1])
    nets = {name: below(last, f"nets.{name}.") for name in NETS} | {averaged: read_tensors(best)}
    config = about["config"]
    knobs = {key: config[key] for key in FIXED if key in config} if "synthesis" in config else {}
    terms = about.get("licence", OWN), about.get("commercial", True), about["notice"]
    return Origin(
        folder.name,
        about["family"],
        sha256_of(best),
        {name: one for name, one in nets.items() if one},
        knobs,
        *terms,
    )


def _exported(path: Path) -> Origin:
    """Weights keep their names when they are exported, with ".half" where they are stored in 16 bits; of one of several
    networks of a family nobody can say which it is: it is taken for G."""
    try:
        model = onnx.load(str(path))
    except (OSError, DecodeError) as error:
        raise InputError(f"{path} cannot be read as a network ({error}): export it again") from error
    card = Card.from_json({one.key: one.value for one in model.metadata_props}.get(KEY, ""), path.name)
    state = {
        one.name.removesuffix(".half"): from_numpy(numpy_helper.to_array(one).astype("float32"))
        for one in model.graph.initializer
    }
    return Origin(
        path.name, card.name, sha256_of(path), {"G": state}, {}, card.licence, card.commercial, card.data
    )


def _published(path: Path) -> Origin:
    one = official.read(path)
    nets = dict(one.nets)
    for theirs, ours in (("G_ema", "G"), ("encoder", "E")):
        if theirs in nets:
            nets[ours] = nets.pop(theirs)
    knobs = one.config.get("stylegan2", {})
    return Origin(
        path.name, one.kind, one.source_sha256, nets, knobs, one.licence, one.commercial, one.credit
    )


def inherited(origins: Sequence[Origin], notice: str) -> dict[str, Any]:
    """What `run.json` says of a run that begins so; `notice` credits its data. Terms that forbid are passed
    on to what is exported."""
    licences = dict.fromkeys(one for origin in origins for one in origin.licence.split(" AND "))
    credit = dict.fromkeys(text for text in (notice, *(origin.credit for origin in origins)) if text)
    return {
        "began": [{"name": origin.name, "kind": origin.kind, "sha256": origin.sha256} for origin in origins],
        "licence": " AND ".join(licences) or OWN,
        "commercial": all(origin.commercial for origin in origins),
        "notice": "\n".join(credit),
    }
