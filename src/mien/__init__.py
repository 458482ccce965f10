"""mien: neural face editing that people can trust.

    from mien import edit, write

    write(edit("photo.jpg", smile=0.8), "out.jpg")

Names are loaded when they are first used, so that `import mien` opens no file and costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .edits.request import EditRequest
    from .errors import DeclinedError, FaceError, InputError, MienError, ModelError, OutputError, RequestError
    from .face.motion import Motion
    from .models.kit import Kit
    from .pipeline.edit import open as open
    from .pipeline.gallery import Gallery
    from .pipeline.session import Session
    from .types import (
        Alignment,
        Change,
        Crop,
        Edit,
        Face,
        Person,
        Phase,
        Photo,
        Progress,
        Source,
        Step,
        Verdict,
    )
    from .verbs import (
        align,
        animate,
        edit,
        edit_clip,
        find,
        frontalise,
        motion_of,
        person,
        read,
        report,
        sketch,
        stylize,
        stylize_clip,
        swap,
        swap_clip,
        verify,
        write,
    )

_HOME = {
    "edits.request": ("EditRequest",),
    "errors": (
        "DeclinedError",
        "FaceError",
        "InputError",
        "MienError",
        "ModelError",
        "OutputError",
        "RequestError",
    ),
    "face.motion": ("Motion",),
    "models.kit": ("Kit",),
    "pipeline.gallery": ("Gallery",),
    "pipeline.session": ("Session",),
    "types": (
        "Alignment",
        "Change",
        "Crop",
        "Edit",
        "Face",
        "Person",
        "Phase",
        "Photo",
        "Progress",
        "Source",
        "Step",
        "Verdict",
    ),
    "verbs": (
        "align",
        "animate",
        "edit",
        "edit_clip",
        "find",
        "frontalise",
        "motion_of",
        "open",
        "person",
        "read",
        "report",
        "sketch",
        "stylize",
        "stylize_clip",
        "swap",
        "swap_clip",
        "verify",
        "write",
    ),
}
__all__ = [
    "Alignment",
    "Change",
    "Crop",
    "DeclinedError",
    "Edit",
    "EditRequest",
    "Face",
    "FaceError",
    "Gallery",
    "InputError",
    "Kit",
    "MienError",
    "ModelError",
    "Motion",
    "OutputError",
    "Person",
    "Phase",
    "Photo",
    "Progress",
    "RequestError",
    "Session",
    "Source",
    "Step",
    "Verdict",
    "__version__",
    "align",
    "animate",
    "edit",
    "edit_clip",
    "find",
    "frontalise",
    "motion_of",
    "person",
    "read",
    "report",
    "sketch",
    "stylize",
    "stylize_clip",
    "swap",
    "swap_clip",
    "verify",
    "write",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f".{module}", __name__), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "open"])  # a star import must not hide Python's own `open`
