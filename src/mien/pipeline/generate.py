"""The verbs that draw faces which belong to nobody, by a generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..edits import colours
from ..errors import RequestError
from ..io import clip_writer as video
from ..io import notice
from ..models.generator import Mapper
from ..models.kit import Kit, shared_kit
from ..types import Array, Photo
from . import directions as latents
from . import photo as apply
from .marking import finished

NOBODY = "nobody"  # the generator in the box
# What a colour is to a mapper, three numbers from 0 to 255, and the names that it may have.
COLOURED = {
    "hair": (("hair_red", "hair_green", "hair_blue"), colours.HAIR),
    "skin": (("skin_red", "skin_green", "skin_blue"), colours.SKIN),
}
# What is asked of a face: a value, two between which one is drawn for each seed, or a name.
Asked = float | tuple[float, float] | str


@checked
def generate(
    network: str = NOBODY,
    seeds: Sequence[int] = range(16),
    *,
    truncation: float | None = None,
    conditions: Mapping[str, Asked] | None = None,
    mark: str | None = None,
    kit: Kit | None = None,
) -> Iterator[Photo]:
    """Draw one picture a seed with the generator `network` (its halves are NETWORK-mapper and
    NETWORK-generator in `models`); without a name that of the box.

    truncation 0..1: 1 is as varied as the network learned, 0 its mean face; default: what its card says, else 0.7.
    conditions: what the faces are to be, of a network that can be told: "age" in years, "sex" -1 (feminine) to 1
    (masculine), "smile" 0..1, "yaw" in degrees, "hair" and "skin" a name or #rrggbb; two numbers are a range, in which
    each seed has its own place.
    mark: words in a corner of what is written, as in `edit`. The pictures are labelled as wholly generated. Raises
    `RequestError`.
    """
    kit = kit or shared_kit()
    mapper, generator = kit.generator(network)
    words = notice.words_for(mark, "generate", made=True)
    truncation, asked = _truncation(truncation, mapper), checked_conditions(network, mapper, conditions or {})
    for seed in seeds:
        told, w = drawn_styles(mapper, seed, truncation, asked)
        step = apply.generation_step(
            {"seed": seed, "truncation": truncation, **told}, (mapper.net, generator.net)
        )
        pixels = generator.draw(w)[0]
        yield finished(Photo(pixels, history=(step,)), words, kit.faces(pixels))


@checked
def walk(
    network: str = NOBODY,
    seeds: Sequence[int] = range(4),
    out: Path = Path("walk.mp4"),
    *,
    truncation: float | None = None,
    conditions: Mapping[str, Asked] | None = None,
    frames: int = 60,
    fps: float = 30.0,
    force: bool = False,
    kit: Kit | None = None,
) -> int:
    """Write a clip (.mp4) that goes smoothly from the face of one seed to that of the next and back to the
    first, `frames` from each to the next; returns how many frames there are. The clip is labelled as wholly
    generated. truncation, conditions: see `generate`."""
    video.target(out, force=force)
    mapper, generator = (kit or shared_kit()).generator(network)
    truncation, asked = _truncation(truncation, mapper), checked_conditions(network, mapper, conditions or {})
    stops = [drawn_styles(mapper, seed, truncation, asked)[1][0] for seed in seeds]
    said = {"seeds": list(seeds), "truncation": truncation, "frames": frames, **dict(conditions or {})}
    step = apply.generation_step(said, (mapper.net, generator.net))
    pictures = (generator.draw(w[None])[0] for w in latents.loop(stops, frames))
    return video.write(pictures, out, fps=fps, history=(step,), force=force)


def _truncation(asked: float | None, mapper: Mapper) -> float:
    truncation = mapper.truncation if asked is None else asked
    if not 0 <= truncation <= 1.5:
        raise RequestError(f"truncation {truncation:g} is out of range: 0 to 1.5")
    return truncation


def drawn_styles(
    mapper: Mapper, seed: int, truncation: float, asked: Mapping[str, tuple[float, float]]
) -> tuple[dict[str, float], Array]:
    """What the face of a seed is to be, and its w `[1, W]`."""
    places = np.random.default_rng(seed).uniform(size=len(mapper.conditions))
    told = {
        name: round(float(low + place * (high - low)), 2)
        for (name, place) in zip(mapper.conditions, places, strict=True)
        if name in asked
        for low, high in (asked[name],)
    }
    return told, mapper.styles(mapper.noise(seed), truncation, conditions=told)


def checked_conditions(
    network: str, mapper: Mapper, conditions: Mapping[str, Asked]
) -> dict[str, tuple[float, float]]:
    """The ends between which each condition lies, by the names that the mapper has for them."""
    out: dict[str, tuple[float, float]] = {}
    parts = {part for keys, _ in COLOURED.values() for part in keys}
    known = [name for name in mapper.conditions if name not in parts]
    known += [name for name, (keys, _) in COLOURED.items() if mapper.conditions.keys() >= {*keys}]
    if conditions and not known:
        raise RequestError(
            f"{network} draws what its seeds are and cannot be told {' and '.join(conditions)}: leave that out, or draw with {NOBODY}"
        )
    for name, value in conditions.items():
        if name not in known:
            raise RequestError(f"{network} cannot be told {name!r}: there are {', '.join(known)}")
        if name in COLOURED:
            keys, names = COLOURED[name]
            rgb = colours.parse(str(value), names).rgb
            out |= {key: (255 * one, 255 * one) for key, one in zip(keys, rgb, strict=True)}
            continue
        low, high = _ends(name, value)
        most = mapper.conditions[name]
        if not most.low <= low <= high <= most.high:
            said = f"{low:g}" if low == high else f"{low:g}-{high:g}"
            raise RequestError(
                f"{name} {said} is out of range: from {most.low:g} to {most.high:g} {most.unit}".rstrip()
                if not low > high
                else f"{name} {said} is no range: the lower end comes first"
            )
        out[name] = low, high
    return out


def _ends(name: str, value: Asked) -> tuple[float, float]:
    if isinstance(value, str):
        raise RequestError(f"{name} {value!r} is no number")
    low, high = value if isinstance(value, tuple) else (value, value)
    return float(low), float(high)
