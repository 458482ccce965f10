"""Kit: opens networks once and keeps them open. The only object that holds state; tests put fakes in its place."""

from __future__ import annotations

import os
from functools import cache, cached_property
from typing import Any

from .. import models
from ..errors import ModelError
from ..types import Array, Face
from . import catalogue as hub
from .directions import Directions
from .embedder import Embedder
from .encoder import Encoder
from .finder import Finder
from .generator import Generator, Mapper
from .landmarker import Landmarker, find_faces
from .parser import Parser
from .prototypes import Prototypes
from .retoucher import Retoucher
from .session import Net
from .translator import Translator


class Kit:
    """The networks of one device, opened when first asked for. threads: of ONNX Runtime, 0 for as many as there are cores.

    licence: "commercial" refuses networks that may not be used so; default: what MIEN_LICENCE says, else "all".
    """

    def __init__(self, device: str = "cpu", threads: int = 0, licence: str | None = None) -> None:
        self.device, self.threads = device, threads
        self.licence = licence or os.environ.get("MIEN_LICENCE", "all")
        self._opened: dict[str, Any] = {}

    @cached_property
    def finder(self) -> Finder:
        return models.open(self._net("blazeface"), "finder")

    @cached_property
    def landmarker(self) -> Landmarker:
        return Landmarker(models.open(self._net("facemesh"), "mesh"), models.open(self._net("iris"), "iris"))

    @cached_property
    def prototypes(self) -> Prototypes:
        entry = hub.locate("prototypes")
        return Prototypes(entry.name, entry.path, entry.sha256)

    @cached_property
    def retoucher(self) -> Retoucher:
        return models.open(self._net("retouch"), "retoucher")

    @cached_property
    def parser(self) -> Parser:
        return models.open(self._net("parser"), "parser")

    @cached_property
    def bare(self) -> Translator:
        return self.translator("bare")

    def generator(self, name: str) -> tuple[Mapper, Generator]:
        """The two halves of a generator: the networks NAME-mapper and NAME-generator."""
        return self._role(f"{name}-mapper", "mapper"), self._role(f"{name}-generator", "generator")

    def encoder(self, name: str) -> Encoder:
        """The network NAME-encoder."""
        return self._role(f"{name}-encoder", "encoder")

    def translator(self, name: str) -> Translator:
        """The translator called `name`."""
        return self._role(name, "translator")

    def embedder(self, name: str) -> Embedder:
        """The embedder called `name`."""
        return self._role(name, "embedder")

    def directions(self, name: str) -> Directions:
        """What `mien directions NAME` has learned."""
        entry = hub.locate(f"{name}-directions")
        return Directions(entry.name, entry.path, entry.sha256)

    def faces(self, pixels: Array) -> list[Face]:
        """The faces in `pixels [H, W, 3]` uint8, from left to right."""
        return find_faces(self.finder, self.landmarker, pixels)

    def _role(self, name: str, role: str) -> Any:
        if name not in self._opened:
            self._opened[name] = models.open(self._net(name), role)
        return self._opened[name]

    def _net(self, name: str) -> Net:
        entry = hub.locate(name)
        net = Net(name, entry.path, entry.sha256, device=self.device, threads=self.threads)
        if self.licence == "commercial" and not net.card.commercial:
            raise ModelError(f"{name} may not be used commercially ({net.card.licence}): use another, or leave out --licence commercial")
        return net


@cache
def shared_kit() -> Kit:
    """The Kit that verbs use where none is given."""
    return Kit()
