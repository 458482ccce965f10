"""Kit: opens networks once and keeps them open. The only object that holds state; tests put fakes in its
place."""

from __future__ import annotations

import copy
import threading
from functools import cache
from typing import Any

from .. import models
from ..errors import ModelError, RequestError
from ..face import geometry
from ..face.geometry import Halvings, Picture
from ..paths import setting
from ..types import Face
from . import catalogue
from .animator import Animator
from .blendshapes import Blendshapes
from .directions import Directions
from .embedder import Embedder
from .encoder import Encoder
from .finder import Finder
from .fitter import Fitter
from .generator import Generator, Mapper
from .hairstyles import Hairstyles
from .landmarker import Landmarker, find_faces
from .manners import Manners
from .parser import Parser
from .prototypes import Prototypes
from .retoucher import Retoucher
from .session import Net
from .shapes import Shapes
from .sketch_reader import SketchReader
from .style_encoder import StyleEncoder
from .swapper import Swapper
from .translator import Translator

# The network in the box that fulfils a role where none is named.
DEFAULTS = {
    "finder": "blazeface",
    "mesh": "facemesh",
    "iris": "iris",
    "retoucher": "retouch",
    "parser": "parser",
    "remover": "bare",
    "embedder": "identity",
    "sketch_reader": "sketch-reader",
}
LICENCES = ("all", "commercial")
THREADS = 1024  # at most
SURE = 0.97  # score from which on a face is one without a second look: no animal is known to reach it
DATA = {
    "prototypes": Prototypes,
    "directions": Directions,
    "manners": Manners,
    "shapes": Shapes,
    "hairstyles": Hairstyles,
}  # roles that are arrays and no network


class Kit:
    """The networks of one device, opened when first asked for, by any thread.

    device: "cpu", "cuda", "coreml" or "directml", chosen once for all. threads: of ONNX Runtime, 0 for as
    many as there are cores. licence: "commercial" refuses networks that may not be used so; default: what
    MIEN_LICENCE says, else "all".
    """

    def __init__(self, device: str = "cpu", threads: int = 0, licence: str | None = None) -> None:
        if type(threads) is not int or not 0 <= threads <= THREADS:
            raise RequestError(f"threads {threads!r} came: a whole number from 0 to {THREADS} was wanted")
        self.device, self.threads = device, threads
        said = setting("MIEN_LICENCE")
        self.licence = licence or said or "all"
        if self.licence not in LICENCES:
            raise RequestError(
                f"licence {self.licence!r} is not known: set MIEN_LICENCE to one of {', '.join(LICENCES)}"
            )
        self._opened: dict[tuple[str, str], Any] = {}
        self._own: dict[str, Any] = {}
        self._lock = threading.RLock()

    def get(self, role: str, name: str | None = None) -> Any:
        """What runs the network `name` in its role ("parser", "generator" ..., see `models.ROLES`); without a
        name that of the box."""
        if name is None and role in self._own:
            return self._own[role]
        name = name or DEFAULTS.get(role, role)
        with self._lock:
            if (role, name) not in self._opened:
                self._opened[role, name] = self._open(role, name)
            return self._opened[role, name]

    def having(self, role: str, what: Any) -> Kit:
        """A Kit that shares all networks with this one, but for `what` fulfils a role where none is named."""
        other = copy.copy(self)
        other._own = self._own | {role: what}
        return other

    def close(self) -> None:
        """Let all networks go; what is asked for again is opened anew."""
        with self._lock:
            self._opened.clear()

    def __enter__(self) -> Kit:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, role: str, name: str) -> Any:
        if role == "landmarker":
            return Landmarker(self.get("mesh"), self.get("iris"))
        entry = catalogue.locate(name)
        if role in DATA:
            return DATA[role](entry.name, entry.path, entry.sha256)
        net = Net(name, entry.path, entry.sha256, device=self.device, threads=self.threads)
        if self.licence == "commercial" and not net.card.commercial:
            raise ModelError(
                f"{name} may not be used commercially ({net.card.licence}): use another, or leave out --licence commercial"
            )
        return models.open(net, {"remover": "translator"}.get(role, role))

    @property
    def finder(self) -> Finder:
        return self.get("finder")

    @property
    def landmarker(self) -> Landmarker:
        return self.get("landmarker")

    @property
    def prototypes(self) -> Prototypes:
        return self.get("prototypes")

    @property
    def retoucher(self) -> Retoucher:
        return self.get("retoucher")

    @property
    def parser(self) -> Parser:
        return self.get("parser")

    @property
    def remover(self) -> Translator:
        """What takes beards and glasses off."""
        return self.get("remover")

    def generator(self, name: str) -> tuple[Mapper, Generator]:
        """The two halves of a generator: the networks NAME-mapper and NAME-generator."""
        return self.get("mapper", f"{name}-mapper"), self.get("generator", f"{name}-generator")

    def encoder(self, name: str) -> Encoder:
        """The network NAME-encoder."""
        return self.get("encoder", f"{name}-encoder")

    def fitter(self, name: str) -> Fitter:
        """The network NAME-fitter."""
        return self.get("fitter", f"{name}-fitter")

    @property
    def sketch_reader(self) -> SketchReader:
        return self.get("sketch_reader")

    def translator(self, name: str) -> Translator:
        """The translator called `name`."""
        return self.get("translator", name)

    def style_encoder(self, name: str) -> StyleEncoder:
        """What reads the manner of a picture for the translator called `name`: the network NAME-style."""
        return self.get("style_encoder", f"{name}-style")

    @property
    def manners(self) -> Manners:
        return self.get("manners")

    @property
    def shapes(self) -> Shapes:
        return self.get("shapes")

    @property
    def hairstyles(self) -> Hairstyles:
        return self.get("hairstyles")

    def swapper(self, name: str) -> Swapper:
        """The swapper called `name`."""
        return self.get("swapper", name)

    def animator(self, name: str) -> Animator:
        """The animator called `name`."""
        return self.get("animator", name)

    def embedder(self, name: str | None = None) -> Embedder:
        """The embedder called `name`, or that of the box."""
        return self.get("embedder", name)

    @property
    def blendshapes(self) -> Blendshapes:
        return self.get("blendshapes")

    def directions(self, name: str) -> Directions:
        """What `mien directions NAME` has learned; read anew each time, as it may be learned anew."""
        entry = catalogue.locate(f"{name}-directions")
        return Directions(entry.name, entry.path, entry.sha256)

    def faces(self, pixels: Picture) -> list[Face]:
        """The faces in `pixels [H, W, 3]` uint8, from left to right; those of which the mesh is not sure only where
        the parser sees one, too."""
        picture = pixels if isinstance(pixels, Halvings) else Halvings(pixels)
        found = find_faces(self.finder, self.landmarker, picture)
        return [face for face in found if face.score > SURE or self._seen(picture, face)]

    def _seen(self, picture: Halvings, face: Face) -> bool:
        crop = geometry.align(picture, face.landmarks, self.parser.alignment, face.depth)
        return self.parser.sees_features(crop)


@cache
def shared_kit(licence: str | None = None, threads: int = 0) -> Kit:
    """The Kit that verbs use where none is given, one for a licence and a number of threads."""
    return Kit(threads=threads, licence=licence)
