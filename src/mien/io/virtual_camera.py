"""A camera that is none: other programs choose it like a camera, and see the frames that come here.

The system's driver is another's (v4l2loopback, or OBS's on macOS and Windows), and so is the package that knows them all,
pyvirtualcam: it is GPL, thus an extra that nobody has who has not asked for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import OutputError, RequestError
from ..types import Array

PREFIX = "camera:"  # of where frames go, before a device, if one is named
DRIVERS = {"linux": "sudo modprobe v4l2loopback exclusive_caps=1"}
OTHERS = "install OBS, which brings one, and start its virtual camera once"


@dataclass
class VirtualCamera:
    """Where frames go, `fps` a second. device: as the system calls it, or "" for the first that is there."""

    device: str = ""
    fps: float = 25.0
    opened: Any = None

    def send(self, pixels: Array) -> None:
        """Show a frame `[H, W, 3]` uint8 until the next comes. `RequestError` where the package is missing,
        `OutputError` where there is no such camera."""
        height, width = pixels.shape[0] & ~1, pixels.shape[1] & ~1  # drivers halve colours
        if self.opened is None or (self.opened.width, self.opened.height) != (width, height):
            self.close()
            self.opened = self._open(width, height)
        self.opened.send(np.ascontiguousarray(pixels[:height, :width]))

    def _open(self, width: int, height: int) -> Any:
        try:
            import pyvirtualcam  # pyright: ignore[reportMissingTypeStubs]
        except ImportError as error:
            raise RequestError(
                "a virtual camera needs the package pyvirtualcam, which is not here: pip install 'mien[camera]'"
            ) from error
        try:
            return pyvirtualcam.Camera(width, height, self.fps, device=self.device or None)
        except (RuntimeError, OSError) as error:
            why = str(error).split(". ")[0]  # hints at documentation follow
            raise OutputError(
                f"no virtual camera is there ({why}): {DRIVERS.get(sys.platform, OTHERS)}"
            ) from error

    def close(self) -> None:
        """Let the camera go."""
        if self.opened is not None:
            self.opened.close()
            self.opened = None


def named(out: str) -> str | None:
    """The device of a virtual camera that is written as camera: or camera:DEVICE; None where it is a file's name."""
    return out.removeprefix(PREFIX) if out.startswith(PREFIX) else None


def show(frames: Iterable[Array], device: str, fps: float) -> None:
    """Frames as they come, to a virtual camera."""
    camera = VirtualCamera(device, fps)
    try:
        for pixels in frames:
            camera.send(pixels)
    finally:
        camera.close()
