"""Edits in a generator's space: directions learned from its own pictures, inversion, and only the difference
carried to the photo."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import HOPPER, Mien
from faces import hopper, hopper_face

torch = pytest.importorskip("torch", reason="exporting needs the extra 'train'")

import eigenfaces
from torch import Tensor, nn

from mien import Kit, Photo, RequestError, edit, models, verbs, verify
from mien.errors import ModelError
from mien.face import geometry, mesh
from mien.models import catalogue as hub
from mien.models import traits
from mien.models.card import Card
from mien.models.session import Net
from mien.pipeline import directions as latents
from mien.train.engine import export
from mien.train.engine.part import Part
from mien.types import SILENT, Alignment, Crop, Direction, Latent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    """A user who has imported the generator "eigen" and learned its directions, and "shut", the same under
    another licence."""
    folder = tmp_path_factory.mktemp("along")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder / "home"))
        verbs.shared_kit.cache_clear()
        for path in eigenfaces.write(folder):
            verbs.import_network(path, path.stem)
        for path in eigenfaces.write(folder, "shut", "CC-BY-NC-4.0", commercial=False):
            verbs.import_network(path, path.stem)
        yield verbs.directions("eigen", count=120)
    verbs.shared_kit.cache_clear()


def smile_of(photo: Photo) -> float:
    return float(mesh.mouth_shape(verbs.find(photo)[0].landmarks)[1])


def test_directions_go_where_the_generator_does(home: dict[str, float]):
    """The styles of this generator are known: its first three are smile, age and sex."""
    assert all(home[trait] > 0.4 for trait in traits.TRAITS)
    known = verbs.shared_kit().directions("eigen").known
    spread = np.array([0.6] * eigenfaces.W)
    for place, trait in enumerate(("smile", "age", "sex")):
        step = known[trait].codes / spread
        assert np.argmax(np.abs(step)) == place and step[place] > 0
    assert verbs.shared_kit().directions("eigen").card.measured == pytest.approx(home)


def test_an_edit_along_a_direction(home: dict[str, float]):
    photo = hopper()
    smiling = edit(photo, network="eigen", smile=0.7)
    assert smile_of(smiling) > smile_of(photo) + 0.03
    changed = (smiling.pixels != photo.pixels).any(2)
    crop = geometry.align(photo.pixels, hopper_face().landmarks, Alignment("ffhq", 256))
    face = mesh.with_border_points(crop.landmarks, 256)
    reach = mesh.influence_mask(face, face, 256)
    near = geometry.warp(
        np.full((256, 256), 255, np.uint8) * (reach > 0),
        geometry.invert(crop.matrix),
        600,
        border=cv2.BORDER_CONSTANT,
    )
    far = cv2.dilate(near, np.ones((25, 25), np.uint8))[: changed.shape[0], : changed.shape[1]] == 0
    assert changed.any() and far.mean() > 0.5 and not changed[far].any()
    step = smiling.history[-1]
    assert step.arguments == {"smile": 0.7, "face": "all", "network": "eigen"}
    assert [name for name, _ in step.networks] == ["eigen-encoder", "eigen-generator", "eigen-directions"]
    assert edit(photo, network="eigen", smile=0) is photo


def test_opposite_amounts_are_opposite_edits(home: dict[str, float]):
    photo = hopper()
    up, down = (
        edit(photo, network="eigen", directions={"smile": amount}).pixels.astype(float)
        for amount in (0.5, -0.5)
    )
    mouth = hopper_face().landmarks[[61, 291]].mean(0).astype(int)
    window = np.s_[mouth[1] - 30 : mouth[1] + 30, mouth[0] - 40 : mouth[0] + 40]
    more, less = ((one - photo.pixels)[window].ravel() for one in (up, down))
    assert np.corrcoef(more, less)[0, 1] < -0.2


def test_closed_form_directions_come_from_the_run(
    home: dict[str, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """SeFa's directions are stored beside the learned ones, one standard deviation of w long."""
    names = {"s0": np.eye(eigenfaces.W)[5], "s1": np.eye(eigenfaces.W)[3]}
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "home"))
    for path in eigenfaces.write(tmp_path):
        verbs.import_network(path, path.stem)
    codes, told = latents.learn(Kit(threads=1), "eigen", 40, SILENT, names)
    assert np.linalg.norm(codes["s0"]) == pytest.approx(0.6, abs=0.2) and np.argmax(codes["s1"]) == 3 and told


def test_a_direction_of_another_generator_is_refused():
    with pytest.raises(RequestError, match="another generator"):
        Latent(np.zeros((2, 4), np.float32), "a").along(Direction(np.ones(4, np.float32), "b"), 1.0)
    assert (
        Latent(np.zeros((2, 4), np.float32), "a").along(Direction(np.ones(4, np.float32), "a"), 2.0).codes
        == 2
    ).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--with", "noone", "--age", 20), "no network is called 'noone' (noone-encoder is missing)"),
        (("--with", "eigen", "--along", "s3=1"), "no direction 's3': there are smile, age, sex"),
        (("--with", "eigen", "--along", "s3"), "NAME=VALUE"),
        (("--with", "eigen", "--along", "age=a"), "NAME=AMOUNT"),
        (("--with", "eigen", "--along", "age=11"), "from -10 to 10"),
        (("--with", "eigen", "--age", 20, "--by", "network"), "either a maker or a network"),
        (("--along", "age=1"), "--with NAME"),
        (("--with", "shut", "--age", 20, "--licence", "commercial"), "CC-BY-NC-4.0"),
        (("--with", "shut", "--age", 20), "no network is called 'shut' (shut-directions is missing)"),
    ],
)
def test_requests_that_cannot_be_done(
    mien: Mien,
    home: dict[str, float],
    tmp_path: Path,
    words: tuple[object, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("MIEN_LICENCE", "all")  # put back in the end
    verbs.shared_kit.cache_clear()
    ran = mien("edit", HOPPER, *words, "-o", tmp_path / "out.jpg")
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1, ran
    assert not list(tmp_path.iterdir())


def test_the_command_line_edits_and_labels(mien: Mien, home: dict[str, float], tmp_path: Path):
    ran = mien(
        "edit", HOPPER, "--with", "eigen", "--age", 20, "--along", "smile=0.4", "-o", tmp_path / "out.jpg"
    )
    assert ran.code == 0, ran
    verdict = verify(tmp_path / "out.jpg")
    assert verdict.state == "intact"
    assert verdict.history[0].arguments == {
        "age": 20,
        "face": "all",
        "network": "eigen",
        "along": {"smile": 0.4},
    }


def test_a_licence_is_a_setting(home: dict[str, float], mien: Mien, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_LICENCE", "commercial")
    verbs.shared_kit.cache_clear()
    Kit().generator("eigen")
    with pytest.raises(ModelError, match="may not be used commercially"):
        Kit().generator("shut")
    Kit(licence="all").generator("shut")
    listed = {row["name"] for row in json.loads(mien("models", "--json", "--licence", "commercial").out)}
    assert {"eigen-generator", "eigen-directions", "iris"} <= listed and "shut-generator" not in listed


def test_a_walk_is_a_labelled_clip(mien: Mien, home: dict[str, float], tmp_path: Path):
    import av

    ran = mien("generate", "--with", "eigen", "--seeds", "1,2,3", "--video", "--frames", 5, "-o", tmp_path)
    assert ran.code == 0 and "15 frames" in ran.err, ran
    verdict = verify(tmp_path / "walk.mp4")
    assert verdict.state == "intact" and verdict.source_type == "trainedAlgorithmicMedia"
    assert verdict.history[0].arguments == {"seeds": [1, 2, 3], "truncation": 0.7, "frames": 5}
    with av.open(str(tmp_path / "walk.mp4")) as clip:
        frames = [frame.to_ndarray(format="rgb24").astype(float) for frame in clip.decode(video=0)]
        assert (
            len(frames) == 15
            and frames[0].shape == (256, 256, 3)
            and clip.streams.video[0].average_rate == 30
        )
    first = next(iter(verbs.generate("eigen", [1]))).pixels
    assert np.abs(frames[0] - first).mean() < 4
    jumps = [np.abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(jumps) < 4 * np.median(jumps)  # also from the last to the first
    assert [path.name for path in tmp_path.iterdir()] == ["walk.mp4"]
    assert "exists" in mien("generate", "--with", "eigen", "--seeds", "1", "--video", "-o", tmp_path).err


def test_an_encoder_of_sketches_reads_no_photos(tmp_path: Path):
    part = Part(
        "encoder",
        nn.Flatten(),
        {"pixels": torch.zeros(1, 1, 4, 4)},
        ("ws",),
        Card("s", "encoder", "CC0-1.0", size=4),
    )
    export.write(part, tmp_path / "s.onnx")
    with pytest.raises(ModelError, match="1 channels"):
        models.open(Net("s", tmp_path / "s.onnx", ""), "encoder")


class Sees(nn.Module):
    """An embedder that sees means of 16 places."""

    def forward(self, pixels: Tensor):
        return nn.functional.normalize(nn.functional.adaptive_avg_pool2d(pixels, 4).flatten(1))


def test_an_embedder_tells_likeness(home: dict[str, float], tmp_path: Path):
    card = Card("sees", "embedder", "CC0-1.0", size=112, value_range=(-1.0, 1.0))
    export.write(
        Part("embedder", Sees(), {"pixels": torch.zeros(1, 3, 112, 112)}, ("vector",), card),
        tmp_path / "sees.onnx",
    )
    assert verbs.import_network(tmp_path / "sees.onnx", "sees") == [hub.locate("sees")]
    embedder = Kit(threads=1).embedder("sees")
    crop = geometry.align(hopper().pixels, hopper_face().landmarks, embedder.alignment)
    dark = Crop(crop.pixels // 4, crop.matrix, crop.alignment, crop.landmarks)
    one = embedder.identity(crop)
    assert np.linalg.norm(one.vector) == pytest.approx(1, abs=1e-5)
    assert one.likeness(embedder.identity(crop)) > 0.9999 > one.likeness(embedder.identity(dark))
    eyes = crop.landmarks[[33, 133]].mean(0), crop.landmarks[[362, 263]].mean(0)
    assert np.abs(np.array(eyes) - [(38.3, 51.7), (73.5, 51.5)]).max() < 4  # as in ArcFace's 112 px template
