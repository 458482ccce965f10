"""The examples run, and do what they say."""

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import edit, read, verify, write
from mien.io import clip_writer
from mien.types import Array, Step

EXAMPLES = Path(__file__).parents[1] / "examples"
Example = Callable[..., int]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Example:
    """Run an example in an empty folder: `example("clip", "clip.mp4", "out.mp4")`; its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))

    def run(name: str, *words: str) -> int:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *words])
        try:
            runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


def test_edit_photo(example: Example, photo: Path, capsys: pytest.CaptureFixture[str]):
    example("edit_photo", photo.name, "out.png")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pixels changed outside the face: 0" and "label: intact, edit" in lines[2]


def test_batch(tmp_path: Path, portrait: Array):
    """In a process of its own: the workers must find the functions of the example."""
    photos = tmp_path / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "one.png"), portrait[..., ::-1])
    cv2.imwrite(str(photos / "two.png"), np.zeros((64, 64, 3), np.uint8))  # no face
    command = [sys.executable, str(EXAMPLES / "batch.py"), "photos", "out"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("wrote") and lines[1].startswith("failed: no face found")
    assert verify(tmp_path / "out" / "one.png").state == "intact"


def test_clip(example: Example, tmp_path: Path, portrait: Array):
    frames = (np.roll(portrait, i, 1) for i in range(4))
    clip_writer.write(frames, tmp_path / "clip.mp4", fps=12, history=(Step("test", {}),))
    example("clip", "clip.mp4", "out.mp4")
    assert verify(tmp_path / "out.mp4").history[-1].arguments["age"] == 30


def test_custom_edit(example: Example, photo: Path, tmp_path: Path):
    example("custom_edit", photo.name, "out.png")
    before, after = read(photo).pixels, read(tmp_path / "out.png").pixels
    changed = (before != after).any(2)
    assert changed.any() and not changed[:80].any(), "the face has freckles, the hat has none"
    assert after[changed].mean() < before[changed].mean()
    assert verify(tmp_path / "out.png").history[-1].arguments == {"freckles": 0.8}


def test_custom_network(example: Example, photo: Path, tmp_path: Path):
    pytest.importorskip("onnx")
    example("custom_network", photo.name, "out.png")
    red, _, blue = read(tmp_path / "out.png").pixels.reshape(-1, 3).mean(0)
    assert red > blue + 10
    assert "sepia" in str(verify(tmp_path / "out.png").history[-1].networks)


def test_report_in_ci(example: Example, photo: Path, tmp_path: Path, portrait: Array):
    for folder in ("originals", "edited"):
        (tmp_path / folder).mkdir()
    photo.rename(tmp_path / "originals" / "one.jpg")
    write(edit(read(tmp_path / "originals" / "one.jpg"), smile=0.8), tmp_path / "edited" / "one.png")
    assert example("report_in_ci", "originals", "edited") == 0
    # By a program that knows no labels.
    assert cv2.imwrite(str(tmp_path / "edited" / "one.png"), portrait[..., ::-1])
    assert example("report_in_ci", "originals", "edited") == 1
    (tmp_path / "originals" / "one.jpg").rename(tmp_path / "originals" / "another.jpg")
    assert example("report_in_ci", "originals", "edited") == 1, "an edited one without an original"


def test_studio_client(example: Example, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("uvicorn", reason="needs the extra 'studio'")
    from studios import start

    running = start(tmp_path / "home")
    try:
        assert example("studio_client", running.url, photo.name, "out.jpg") == 0
        assert capsys.readouterr().out == "1 face(s), wrote out.jpg\n"
        assert verify("out.jpg").history[-1].arguments["light"] == 0.3
        Path("none.jpg").write_text("not a picture")
        sys.argv[2] = "none.jpg"
        with pytest.raises(SystemExit, match="a JPEG, PNG"):
            runpy.run_path(str(EXAMPLES / "studio_client.py"))
    finally:
        running.process.terminate()
        running.process.wait(20)


def test_each_example_has_a_test():
    known = {name.removeprefix("test_") for name in globals()}
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= known
