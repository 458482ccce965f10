"""Kit: opens networks once and keeps them open. The only object that holds state; tests put fakes in its place."""

from __future__ import annotations

from functools import cached_property

from . import hub, models
from .models.finder import Finder
from .models.generator import Generator, Mapper
from .models.landmarker import Landmarker, find_faces
from .models.prototypes import Prototypes
from .models.retoucher import Retoucher
from .runtime import Net
from .types import Array, Face


class Kit:
    """The networks of one device, opened when first asked for. threads: of ONNX Runtime, 0 for as many as there are cores."""

    def __init__(self, device: str = "cpu", threads: int = 0) -> None:
        self.device, self.threads = device, threads
        self._generators: dict[str, tuple[Mapper, Generator]] = {}

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

    def generator(self, name: str) -> tuple[Mapper, Generator]:
        """The two halves of a generator: the networks NAME-mapper and NAME-generator."""
        if name not in self._generators:
            halves = models.open(self._net(f"{name}-mapper"), "mapper"), models.open(self._net(f"{name}-generator"), "generator")
            self._generators[name] = halves
        return self._generators[name]

    def faces(self, pixels: Array) -> list[Face]:
        """The faces in `pixels [H, W, 3]` uint8, from left to right."""
        return find_faces(self.finder, self.landmarker, pixels)

    def _net(self, name: str) -> Net:
        entry = hub.locate(name)
        return Net(name, entry.path, entry.sha256, device=self.device, threads=self.threads)
