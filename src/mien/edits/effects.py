"""Effects: what a pack asks of the registry's edits, and the edits that draw its textures and stickers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from ..errors import RequestError
from ..models.kit import Kit
from ..types import Edit
from . import styles
from .effect_art import Art
from .effect_layers import Sticker, Texture
from .effect_pack import Pack, boxed
from .effect_paint import Paint
from .effect_stickers import Stickers
from .request import EditRequest

KEPT = 64  # pictures that stay decoded


def with_edits(request: EditRequest) -> tuple[EditRequest, Pack | None, float]:
    """A request with what the pack that it names asks of other edits, if nothing was said about them; the pack and its
    strength, None and 0 where there is none."""
    name, share = styles.parse(str(request.strengths.get("effect", ":0")), "effect")
    if not share:
        return request, None, 0.0
    pack = request.pack or boxed(name)
    edits = {edit: share * value for edit, value in pack.edits.items()}
    if float(request.strengths.get("glasses", 0)) > 0 > edits.get("glasses", 0):
        raise RequestError(f"the effect {pack.name} takes glasses off: leave out glasses, or the effect")
    return replace(request, strengths=edits | dict(request.strengths)).checked(), pack, share


def drawn_by(pack: Pack, share: float, kit: Kit) -> tuple[Edit, ...]:
    """The edits that draw a pack: its textures, then its stickers."""
    layers = [(one, tuple(_art(pack, image) for image in one.images)) for one in pack.layers]
    textures = tuple((one, art) for one, art in layers if isinstance(one, Texture))
    stickers = tuple((one, art) for one, art in layers if isinstance(one, Sticker))
    shapes, networks = kit.shapes, (*pack.networks, *kit.landmarker.networks, *kit.shapes.networks)
    out: list[Edit] = []
    if textures:
        out.append(Paint(textures, shapes.skin, shapes.uv, networks, share))
    if stickers:
        behind = any(one.behind for one, _ in stickers)
        seen = (*networks, *kit.parser.net.networks) if behind else networks
        out.append(Stickers(stickers, shapes.skin, kit.parser, seen, share))
    return tuple(out)


def in_time(edits: Sequence[Edit]) -> tuple[list[Edit], list[Paint | Stickers]]:
    """Of the edits of a clip those whose Changes are held between key frames, and those that draw every frame anew, which
    come last."""
    anew = [edit for edit in edits if isinstance(edit, Paint | Stickers)]
    return [edit for edit in edits if not isinstance(edit, Paint | Stickers)], anew


def at_time(edits: Sequence[Paint | Stickers], seconds: float) -> list[Edit]:
    """What draws every frame anew, as it does at a time."""
    return [replace(edit, time=seconds) for edit in edits]


@lru_cache(KEPT)
def _decoded(pack: str, name: str, data: bytes) -> Art:
    return Art.of(pack, name, data)


def _art(pack: Pack, name: str) -> Art:
    return _decoded(pack.name, name, pack.pictures[name])
