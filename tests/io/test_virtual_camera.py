"""A camera for other programs: the real package where no driver is, and a driver that only remembers."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from conftest import Mien
from faces import hopper, kit

from mien import OutputError, RequestError, verbs
from mien.io import clip_writer, virtual_camera
from mien.types import Array, Step


class Driver:
    """What pyvirtualcam's Camera is, without a device: it wants frames of its size."""

    made: ClassVar[list["Driver"]] = []

    def __init__(self, width: int, height: int, fps: float, *, device: str | None) -> None:
        self.width, self.height, self.device = width, height, device
        self.frames: list[Array] = []
        self.open = True
        Driver.made.append(self)

    def send(self, frame: Array) -> None:
        assert self.open and frame.shape == (self.height, self.width, 3) and frame.dtype == np.uint8
        self.frames.append(frame.copy())

    def close(self) -> None:
        self.open = False


@pytest.fixture
def drivers(monkeypatch: pytest.MonkeyPatch) -> list[Driver]:
    Driver.made = []
    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Driver))
    return Driver.made


def test_frames_go_to_a_camera_of_their_size(drivers: list[Driver]):
    frames = [np.full((41, 60, 3), k, np.uint8) for k in range(3)] + [np.zeros((20, 30, 3), np.uint8)]
    virtual_camera.show(iter(frames), "/dev/video9", 25.0)
    assert [(one.width, one.height, len(one.frames), one.open) for one in drivers] == [
        (60, 40, 3, False),
        (30, 20, 1, False),
    ]
    assert drivers[0].device == "/dev/video9" and drivers[0].frames[2].max() == 2


def test_files_and_cameras_are_told_apart():
    given = ("camera:", "camera:/dev/video9", "camera.mp4", "folder/camera:.mp4")
    assert [virtual_camera.named(one) for one in given] == ["", "/dev/video9", None, None]


def test_a_stream_becomes_a_camera_and_writes_nothing(
    mien: Mien, drivers: list[Driver], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    pixels = hopper().pixels
    clip_writer.write((pixels for _ in range(4)), Path("a.mp4"), fps=4, history=(Step("test", {}),))
    ran = mien("live", "a.mp4", "--lips", "blue", "-o", "camera:")
    assert ran.code == 0 and ran.err.startswith("shown: "), ran
    (driver,) = drivers
    height, width = (side & ~1 for side in pixels.shape[:2])
    assert len(driver.frames) == 4 and not driver.open and driver.device is None
    seen = driver.frames[0].astype(int)
    assert seen.shape == (height, width, 3) and (seen[..., 2] - pixels[:height, :width, 2] > 25).sum() > 100
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


def test_without_a_driver_or_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("pyvirtualcam", reason="needs the extra 'camera'")
    pixels = hopper().pixels
    clip_writer.write((pixels for _ in range(2)), tmp_path / "a.mp4", fps=4, history=(Step("test", {}),))

    def live() -> Any:
        return verbs.live(tmp_path / "a.mp4", "camera:/dev/nowhere", kit=kit(), warmth=0.5)

    with pytest.raises(OutputError, match=r"no virtual camera is there .*/dev/nowhere"):
        live()
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(RequestError, match=r"pip install 'mien\[camera\]'"):
        live()
