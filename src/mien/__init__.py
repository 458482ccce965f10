"""mien: neural face editing that people can trust.

    from mien import edit, read, write

    write(edit(read("photo.jpg"), smile=0.8), "out.jpg")

Names are loaded when they are first used, so that `import mien` opens no file and costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .errors import FaceError, InputError, MienError, ModelError, OutputError, RequestError
    from .models.kit import Kit
    from .types import Alignment, Change, Crop, Face, Photo, Step, Verdict
    from .verbs import align, edit, find, read, verify, write

_HOME = {
    "errors": ("FaceError", "InputError", "MienError", "ModelError", "OutputError", "RequestError"),
    "models.kit": ("Kit",),
    "types": ("Alignment", "Change", "Crop", "Face", "Photo", "Step", "Verdict"),
    "verbs": ("align", "edit", "find", "read", "verify", "write"),
}
__all__ = [  # noqa: RUF022 - in the order of the layers
    "MienError", "InputError", "FaceError", "RequestError", "ModelError", "OutputError",
    "Alignment", "Change", "Crop", "Face", "Photo", "Step", "Verdict",
    "Kit", "read", "write", "find", "align", "edit", "verify",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")
