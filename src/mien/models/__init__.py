"""The roles that a network file can fulfil: one file a role. `open` turns a loaded `Net` into the object of
its role."""

from __future__ import annotations

from typing import Any

from ..errors import ModelError
from .animator import Animator
from .blendshapes import Blendshapes
from .embedder import Embedder
from .encoder import Encoder
from .finder import Finder
from .fitter import Fitter
from .generator import Generator, Mapper
from .landmarker import Iris, Mesh
from .parser import Parser
from .retoucher import Retoucher
from .session import Net
from .sketch_reader import SketchReader
from .style_encoder import StyleEncoder
from .swapper import Swapper
from .translator import Translator

ROLES: dict[str, type[Any]] = {
    "finder": Finder,
    "mesh": Mesh,
    "iris": Iris,
    "retoucher": Retoucher,
    "mapper": Mapper,
    "generator": Generator,
    "encoder": Encoder,
    "fitter": Fitter,
    "sketch_reader": SketchReader,
    "embedder": Embedder,
    "blendshapes": Blendshapes,
    "parser": Parser,
    "translator": Translator,
    "style_encoder": StyleEncoder,
    "swapper": Swapper,
    "animator": Animator,
}


def open(net: Net, role: str) -> Any:
    """The object of `role` that runs `net`; a card of another role, or a role that no class is named for, is
    a `ModelError`."""
    if role not in ROLES:
        raise ModelError(f"no role is called {role!r}: there are {', '.join(ROLES)}")
    if net.card.role != role:
        raise ModelError(
            f"network {net.name!r} has the role {net.card.role!r}, wanted {role!r}: see `mien models`"
        )
    return ROLES[role](net)
